"""The journal's file: making it, opening it, keeping others out, and saying in plain words what is wrong with it."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from kiosk.journal.schema import APPLICATION_ID, MIGRATIONS
from kiosk.ports import JournalError


class JournalBusyError(JournalError):
    """Another kiosk runs on this journal."""


class JournalDamagedError(JournalError):
    """The file is not a whole journal. It was left as it is."""


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
    except (ValueError, IndexError) as error:  # IndexError: sqlite3.Row has no such column
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
    """Make an empty file that only this user can read, durable in its folder, unless there is one."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


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


def migrate(db: sqlite3.Connection) -> None:
    """Bring the journal to the newest version, each step whole or not at all."""
    for number in range(version(db), len(MIGRATIONS)):
        db.executescript(f"BEGIN IMMEDIATE; {MIGRATIONS[number]}; PRAGMA user_version = {number + 1}; COMMIT;")


def stopped_cleanly(path: Path) -> bool:
    """Whether the last writer closed the file: its WAL file is then gone, or an empty one that a reader made since."""
    try:
        return path.with_name(path.name + "-wal").stat().st_size == 0
    except FileNotFoundError:
        return True


def refuse_damaged(path: Path, deep: bool) -> None:
    """Leave a file alone that is no whole journal of ours. ``deep`` reads all of it; nothing is changed.

    The connection is read-only on purpose: a writing one could carry a damaged WAL into the file at its close.

    Raises:
        JournalDamagedError: damaged, or some other program's database.
        JournalNewerError: a newer program wrote it.
        JournalError: it cannot be read.
    """
    if not path.stat().st_size:
        if not stopped_cleanly(path):  # SQLite would call it new, and throw the WAL away
            raise JournalDamagedError(f"journal {path}: the file is empty, but its WAL file is not")
        return
    with explained(path), closing(connect(path, "ro", 2.0)) as db:
        refuse_unknown(path, db)
        found = quick_check(db) if deep else None
    if found:
        raise JournalDamagedError(f"journal {path}: the file is damaged ({found})")


def quick_check(db: sqlite3.Connection) -> str | None:
    """SQLite's check of every page and row (without comparing indexes); None: all is well."""
    (word,) = db.execute("PRAGMA quick_check(1)").fetchone()
    return None if word == "ok" else str(word)


def refuse_unknown(path: Path, db: sqlite3.Connection) -> None:
    """Leave a file alone whose rules this program does not know.

    Raises:
        JournalNewerError: a newer program's journal.
        JournalDamagedError: some other program's database.
    """
    (mark,) = db.execute("PRAGMA application_id").fetchone()
    if mark != APPLICATION_ID and db.execute("SELECT 1 FROM sqlite_schema").fetchone():
        raise JournalDamagedError(f"journal {path}: this is some other program's database")
    if version(db) > len(MIGRATIONS):
        raise JournalNewerError(
            f"journal {path}: written by a newer kiosk (version {version(db)}, this one knows {len(MIGRATIONS)}): "
            "upgrade the kiosk"
        )
