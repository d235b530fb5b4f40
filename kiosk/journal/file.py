"""The journal's file: making it, opening it, keeping others out, and saying in plain words what is wrong with it."""

from __future__ import annotations

import fcntl
import os
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Final

from kiosk.journal.migrations import APPLICATION_ID, MIGRATIONS
from kiosk.ports import JournalDamagedError, JournalError


class JournalBusyError(JournalError):
    """Another kiosk runs on this journal."""


class JournalStrangeError(JournalError):
    """Some other program's database is where the journal should be. It was left as it is."""


class JournalNewerError(JournalError):
    """A newer program wrote this journal."""


class JournalRuleError(JournalError):
    """What was to be written breaks a rule of money: a fault of the program, not of the disk. Nothing was written."""


# Result codes: sqlite.org/rescode.html. The lowest byte is the primary code.
_PLAIN: Final = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "it cannot be written: the disk or the file is read-only",
    sqlite3.SQLITE_IOERR: "the disk reports an error",
    sqlite3.SQLITE_BUSY: "another program holds it",
    sqlite3.SQLITE_LOCKED: "another program holds it",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened: is it there, and may this user read and write it?",
    sqlite3.SQLITE_PERM: "this user may not use it",
    sqlite3.SQLITE_AUTH: "this user may not use it",
}
_DAMAGED: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT)


def explain(path: Path, error: sqlite3.Error) -> JournalError:
    """The library's error as one of ours, in words for the shop."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)  # the module's own mistakes carry no code
    primary = code & 0xFF
    if primary in _DAMAGED:
        return JournalDamagedError(f"journal {path}: the file is damaged ({error})")
    if primary == sqlite3.SQLITE_CONSTRAINT:
        return JournalRuleError(f"journal {path}: refused to write: {error}")
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    return JournalError(f"journal {path}: {_PLAIN.get(primary, str(error))} ({name})")


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Let errors of the library, and of rows that tell nothing, out as ours."""
    try:
        yield
    except sqlite3.Error as error:
        raise explain(path, error) from error
    except (ValueError, TypeError, IndexError) as error:  # IndexError: sqlite3.Row has no such column
        raise JournalDamagedError(f"journal {path}: a row cannot be read: {error}") from error


def lock(path: Path) -> int:
    """Lock the journal for one kiosk; closing the returned descriptor, or dying, gives it up.

    The lock is on a file beside the journal. SQLite's own exclusive mode would keep the reading commands out, too;
    and a lock on the journal itself would be lost when any other descriptor of it is closed, and SQLite's own locks
    with it (fcntl(2), sqlite.org/howtocorrupt.html). The file stays: removing it would let two hold "the" lock.

    Raises:
        JournalBusyError: another kiosk holds it.
        OSError: the file cannot be made.
    """
    descriptor = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise JournalBusyError(f"journal {path}: another kiosk runs on it") from error
    return descriptor


def make(path: Path) -> None:
    """Make an empty file that only this user can read, durable in its folder, unless there is one.

    Raises:
        JournalDamagedError: there was one: its WAL file is still there, with sales in it.
        OSError: it cannot be made.
    """
    if not path.exists() and not stopped_cleanly(path):
        raise JournalDamagedError(f"journal {path}: the file is gone, but its WAL file is not")
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return
    sync_folder(path.parent)


_PARTS: Final = ("", "-wal", "-shm", "-journal")
"""What SQLite keeps beside a database, and needs again to read it."""
_ASIDE: Final = ".damaged-"


def set_aside(path: Path) -> str:
    """Give a damaged journal another name, with what belongs to it, and touch nothing in it; answers the name.

    If the power is cut in between, and one has its new name and another not, they find each other at the next start:
    a WAL file that is found alone follows its file (``make``); one that a reader made, empty, is no part of it.

    Raises:
        OSError: it cannot be renamed.
    """
    sizes = {part: _size(path.with_name(path.name + part)) for part in _PARTS}
    parts = [part for part, size in sizes.items() if size]
    names = (f"{path.name}{_ASIDE}{number}" for number in count(1))
    name = next(name for name in names if not any(path.with_name(name + part).exists() for part in parts))
    for part in parts:
        path.with_name(path.name + part).rename(path.with_name(name + part))
    sync_folder(path.parent)
    return name


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def found_aside(path: Path) -> tuple[str, ...]:
    """Names of the damaged journals that lie beside this one."""
    pattern = re.compile(f"({re.escape(path.name + _ASIDE)}[0-9]+)({'|'.join(_PARTS)})")
    found = (pattern.fullmatch(name) for name in (os.listdir(path.parent) if path.parent.is_dir() else ()))
    return tuple(sorted({match[1] for match in found if match}))


def make_folder(folder: Path) -> None:
    """Make the journal's folder, and those above it, unless they are there; durable, for what is synced in a folder
    that is lost is lost, too."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for place in missing:
        sync_folder(place.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable (fsync(2): a file's own sync does not)."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def connect(path: Path, mode: str, busy_s: float) -> sqlite3.Connection:
    """A connection to an existing file; ``mode``: "rw" or "ro". Transactions are begun by hand.

    "rw" waits for the disk at each commit. In WAL mode that takes synchronous=FULL: with NORMAL, a power cut takes
    all commits since the last checkpoint (sqlite.org/pragma.html#pragma_synchronous).
    """
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    db = sqlite3.connect(uri, uri=True, timeout=busy_s, isolation_level=None, check_same_thread=mode == "rw")
    try:
        db.row_factory = sqlite3.Row
        if mode == "rw":
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            db.execute("PRAGMA foreign_keys = ON")
            db.execute("PRAGMA journal_size_limit = 4194304")  # bytes; after a long reader the WAL shrinks to it again
    except sqlite3.Error:
        db.close()
        raise
    return db


def version(db: sqlite3.Connection) -> int:
    """How many migrations the journal has seen; 0 for an empty file."""
    (number,) = db.execute("PRAGMA user_version").fetchone()
    return int(number)


def migrate(db: sqlite3.Connection, scripts: Sequence[str] = MIGRATIONS) -> None:
    """Bring the journal to the newest version, each step whole or not at all."""
    for number in range(version(db), len(scripts)):
        db.executescript(f"BEGIN IMMEDIATE; {scripts[number]}; PRAGMA user_version = {number + 1}; COMMIT;")


def stopped_cleanly(path: Path) -> bool:
    """Whether the last writer closed the file: its WAL file is then gone, or an empty one that a reader made since."""
    return not _size(path.with_name(path.name + "-wal"))


def refuse_damaged(path: Path, deep: bool, known: int = len(MIGRATIONS)) -> None:
    """Leave a file alone that is no whole journal of ours. ``deep`` reads all of it. Nothing is changed, but a first
    start that a power cut ended is taken back. ``known``: the newest version that this program knows.

    The connection is read-only on purpose: a writing one could carry a damaged WAL into the file at its close.

    Raises:
        JournalDamagedError: damaged.
        JournalStrangeError: some other program's database.
        JournalNewerError: a newer program wrote it.
        JournalError: it cannot be read.
    """
    if not path.stat().st_size:
        if not stopped_cleanly(path):  # SQLite would call it new, and throw the WAL away
            raise JournalDamagedError(f"journal {path}: the file is empty, but its WAL file is not")
        return
    _roll_back(path)
    with explained(path), closing(connect(path, "ro", 2.0)) as db:
        refuse_unknown(path, db, known)
        found = quick_check(db) if deep else None
    if found:
        raise JournalDamagedError(f"journal {path}: the file is damaged ({found})")


def _roll_back(path: Path) -> None:
    """Take back what a power cut in the very first start left half done: a file that is not yet in WAL mode, with
    SQLite's rollback journal beside it. A read-only connection cannot, and refuses (SQLITE_READONLY_ROLLBACK)."""
    if path.with_name(path.name + "-journal").exists():
        with explained(path), closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)) as db:
            db.execute("SELECT 1 FROM sqlite_schema").fetchall()


def quick_check(db: sqlite3.Connection) -> str | None:
    """SQLite's check of every page and row (without comparing indexes); None: all is well."""
    (word,) = db.execute("PRAGMA quick_check(1)").fetchone()
    return None if word == "ok" else str(word)


def refuse_unknown(path: Path, db: sqlite3.Connection, known: int = len(MIGRATIONS)) -> None:
    """Leave a file alone whose rules this program does not know.

    Raises:
        JournalNewerError: a newer program's journal.
        JournalStrangeError: some other program's database.
    """
    (mark,) = db.execute("PRAGMA application_id").fetchone()
    if mark != APPLICATION_ID and db.execute("SELECT 1 FROM sqlite_schema").fetchone():
        raise JournalStrangeError(f"journal {path}: this is some other program's database")
    if version(db) > known:
        raise JournalNewerError(
            f"journal {path}: written by a newer kiosk (version {version(db)}, this one knows {known}): "
            "upgrade the kiosk"
        )
