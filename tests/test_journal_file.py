"""The journal's file: private, locked, and left alone when it is not whole or not ours."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from kiosk.journal import schema
from kiosk.journal.file import (
    JournalBusyError,
    JournalNewerError,
    JournalRuleError,
    JournalStrangeError,
    connect,
    explain,
    explained,
    found_aside,
    lock,
    make,
    make_folder,
    migrate,
    refuse_damaged,
    set_aside,
    stopped_cleanly,
    version,
)
from kiosk.journal.migrations import MIGRATIONS
from kiosk.ports import JournalDamagedError, JournalError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A whole journal with enough in it to fill pages."""
    path = tmp_path / "journal.db"
    make(path)
    with closing(connect(path, "rw", 1.0)) as db:
        migrate(db)
        db.execute(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) "
            "INSERT INTO log (at, event, text, reference, number, request_id, level) "
            "SELECT i, 'event', printf('%0200d', i), '', i, '', 6 FROM n"
        )
    return path


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_the_file_is_private_and_durable_in_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    old = os.umask(0)
    try:
        make(path)
        with closing(connect(path, "rw", 1.0)) as db:
            migrate(db)
            assert [mode(file) for file in tmp_path.iterdir()] == [0o600] * 3  # the file, its WAL, its index
    finally:
        os.umask(old)


def test_a_file_that_is_there_is_kept_as_it_is(path: Path) -> None:
    path.chmod(0o644)
    before = path.read_bytes()
    make(path)
    assert mode(path) == 0o644
    assert path.read_bytes() == before


def test_a_connection_never_makes_a_file(tmp_path: Path) -> None:
    """A journal that is gone must not be replaced by an empty one."""
    with pytest.raises(sqlite3.OperationalError):
        connect(tmp_path / "gone.db", "rw", 1.0)
    assert not list(tmp_path.iterdir())


def test_a_writing_connection_waits_for_the_disk_at_each_commit(path: Path) -> None:
    """L7: WAL with synchronous=FULL; 2 is FULL (sqlite.org/pragma.html#pragma_synchronous)."""
    with closing(connect(path, "rw", 1.0)) as db:
        assert db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        assert db.execute("PRAGMA synchronous").fetchone()[0] == 2
        assert db.execute("PRAGMA foreign_keys").fetchone()[0] == 1


def test_a_reading_connection_cannot_write(path: Path) -> None:
    with closing(connect(path, "ro", 1.0)) as db, pytest.raises(sqlite3.OperationalError, match="readonly"):
        db.execute(schema.MARK_COPY)


@pytest.mark.parametrize("name", ["plain.db", "with space?.db", "100%#é.db"])
def test_any_file_name_is_opened_as_it_is(tmp_path: Path, name: str) -> None:
    make(tmp_path / name)
    with closing(connect(tmp_path / name, "rw", 1.0)) as db:
        migrate(db)
    assert {file.name for file in tmp_path.iterdir()} == {name}


def test_r5_only_one_holds_the_lock_and_a_closed_one_is_free_again(path: Path) -> None:
    first = lock(path)
    with pytest.raises(JournalBusyError, match="another kiosk"):
        lock(path)
    os.close(first)
    os.close(lock(path))


def test_r5_a_killed_kiosk_holds_no_lock(path: Path) -> None:
    program = f"from pathlib import Path; from kiosk.journal.file import lock; lock(Path({str(path)!r})); "
    with subprocess.Popen(
        [sys.executable, "-c", program + "print('locked', flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdout
        assert child.stdout.readline() == b"locked\n"
        with pytest.raises(JournalBusyError):
            lock(path)
        child.kill()
    os.close(lock(path))


def test_a_whole_journal_is_accepted(path: Path) -> None:
    refuse_damaged(path, deep=True)
    refuse_damaged(path, deep=False)


def test_an_empty_file_is_a_new_journal(tmp_path: Path) -> None:
    make(tmp_path / "new.db")
    refuse_damaged(tmp_path / "new.db", deep=True)


def refused(path: Path, deep: bool = True) -> str:
    """The words of the refusal, after seeing that no file was changed by it."""
    wal = path.with_name(path.name + "-wal")
    before = path.read_bytes(), wal.read_bytes() if wal.exists() else b""
    with pytest.raises(JournalDamagedError) as error:
        refuse_damaged(path, deep)
    assert (path.read_bytes(), wal.read_bytes() if wal.exists() else b"") == before
    return str(error.value)


def test_an_empty_file_with_a_full_wal_beside_it_is_damaged(tmp_path: Path) -> None:
    """SQLite would call it a new database, and throw away the WAL that still holds sales."""
    path = tmp_path / "journal.db"
    make(path)
    path.with_name("journal.db-wal").write_bytes(b"x" * 5000)
    assert "empty" in refused(path)


def test_a_file_that_is_no_database_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    path.write_text("not a journal\n" * 500)
    assert "not a database" in refused(path, deep=False)


def test_a_cut_file_is_damaged(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-8192])
    assert "malformed" in refused(path, deep=False)


def test_an_overwritten_page_is_damaged_and_found_by_the_deep_check_only(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-8192:-4096] = b"\xff" * 4096
    path.write_bytes(content)
    assert "damaged" in refused(path)
    refuse_damaged(path, deep=False)


def test_some_other_programs_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE songs (title)")
    before = path.read_bytes()
    with pytest.raises(JournalStrangeError, match="other program"):
        refuse_damaged(path, deep=False)
    assert path.read_bytes() == before


def test_a_newer_journal_asks_for_an_upgrade(path: Path) -> None:
    with closing(connect(path, "rw", 1.0)) as db:
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    with pytest.raises(JournalNewerError, match="upgrade the kiosk"):
        refuse_damaged(path, deep=True)


def test_an_unclean_stop_leaves_a_wal_and_a_clean_one_does_not(path: Path) -> None:
    assert stopped_cleanly(path)
    with closing(connect(path, "rw", 1.0)) as db:
        db.execute(schema.MARK_COPY)
        assert not stopped_cleanly(path)
    assert stopped_cleanly(path)
    with closing(connect(path, "ro", 1.0)) as db:
        db.execute("SELECT * FROM meta").fetchall()
    assert stopped_cleanly(path)  # a reader leaves an empty WAL behind


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (sqlite3.SQLITE_FULL, JournalError, "the disk is full"),
        (sqlite3.SQLITE_READONLY, JournalError, "read-only"),
        (sqlite3.SQLITE_IOERR_FSYNC, JournalError, "the disk reports an error"),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, JournalError, "another program holds it"),
        (sqlite3.SQLITE_CANTOPEN, JournalError, "cannot be opened"),
        (sqlite3.SQLITE_CORRUPT, JournalDamagedError, "damaged"),
        (sqlite3.SQLITE_NOTADB, JournalDamagedError, "damaged"),
        (sqlite3.SQLITE_CONSTRAINT_TRIGGER, JournalRuleError, "refused to write"),
        (sqlite3.SQLITE_ERROR, JournalError, "the library's words"),
    ],
)
def test_each_error_of_the_library_has_its_own_words(code: int, kind: type[JournalError], words: str) -> None:
    error = sqlite3.OperationalError("the library's words")
    error.sqlite_errorcode = code
    ours = explain(Path("/x/journal.db"), error)
    assert type(ours) is kind
    assert words in str(ours)
    assert "/x/journal.db" in str(ours)


def test_an_error_without_a_code_is_told_in_its_own_words() -> None:
    assert "closed" in str(explain(Path("j"), sqlite3.ProgrammingError("closed")))


def test_a_row_that_cannot_be_read_is_damage() -> None:
    with pytest.raises(JournalDamagedError, match="a row cannot be read: odd"), explained(Path("j")):
        raise ValueError("odd")


def test_a_folder_and_those_above_it_are_made_private_and_one_that_is_there_is_left_alone(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    assert mode(tmp_path / "a" / "b") == 0o700
    (tmp_path / "a" / "b").chmod(0o755)
    make_folder(tmp_path / "a" / "b")
    assert mode(tmp_path / "a" / "b") == 0o755


def test_a_file_that_is_gone_and_left_its_wal_is_damage_and_is_not_made_again(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    path.with_name("journal.db-wal").write_bytes(b"sales")
    with pytest.raises(JournalDamagedError, match="its WAL file is not"):
        make(path)
    assert not path.exists()
    path.with_name("journal.db-wal").write_bytes(b"")  # a reader's
    make(path)
    assert path.exists()


def hot_journal(path: Path) -> None:
    """What a power cut leaves in the very first start: SQLite turns the empty file into one with a WAL."""
    make(path)
    program = f"""
import os, sqlite3
db = sqlite3.connect({str(path)!r}, isolation_level=None)
db.executescript("PRAGMA cache_size = 1; BEGIN; CREATE TABLE meta (x); INSERT INTO meta VALUES (zeroblob(99999));")
os._exit(0)
"""
    subprocess.run([sys.executable, "-c", program], check=True)
    assert path.with_name(path.name + "-journal").stat().st_size


def test_a_first_start_that_was_cut_is_taken_back_and_made_again(tmp_path: Path) -> None:
    """SQLite's rollback journal is beside the file, and a read-only connection may not take it back."""
    path = tmp_path / "journal.db"
    hot_journal(path)
    with pytest.raises(sqlite3.OperationalError, match="readonly"), closing(connect(path, "ro", 1.0)) as db:
        db.execute("SELECT * FROM sqlite_schema")
    refuse_damaged(path, deep=True)
    assert not path.with_name("journal.db-journal").exists()
    with closing(connect(path, "rw", 1.0)) as db:
        migrate(db)


# --- set aside --------------------------------------------------------------------------------------------------------


def folder_of(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in path.parent.iterdir()}


def test_a_journal_is_set_aside_with_all_that_belongs_to_it_and_nothing_in_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    for part in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + part).write_text(f"content{part}")
    path.with_name("journal.db.lock").write_text("")
    path.with_name("other.db").write_text("other")
    assert found_aside(path) == ()
    assert set_aside(path) == "journal.db.damaged-1"
    assert folder_of(path) == {
        "journal.db.damaged-1": b"content",
        "journal.db.damaged-1-wal": b"content-wal",
        "journal.db.damaged-1-shm": b"content-shm",
        "journal.db.damaged-1-journal": b"content-journal",
        "journal.db.lock": b"",
        "other.db": b"other",
    }
    assert found_aside(path) == ("journal.db.damaged-1",)


def test_nothing_that_was_set_aside_is_ever_replaced(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    for number in range(1, 12):
        path.write_text(f"content {number}")
        assert set_aside(path) == f"journal.db.damaged-{number}"
    assert len(set(folder_of(path).values())) == 11
    path.write_text("content")
    (tmp_path / "journal.db.damaged-12-wal").write_text("some other one's")
    path.with_name("journal.db-wal").write_text("ours")
    assert set_aside(path) == "journal.db.damaged-13"


def test_a_wal_that_a_power_cut_left_behind_follows_its_file(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    path.write_text("content")
    set_aside(path)
    path.with_name("journal.db-wal").write_text("its WAL")
    assert set_aside(path) == "journal.db.damaged-1"
    assert folder_of(path) == {"journal.db.damaged-1": b"content", "journal.db.damaged-1-wal": b"its WAL"}


def test_a_file_that_a_power_cut_left_behind_follows_its_wal(tmp_path: Path) -> None:
    """A reader has made an empty WAL since, which is nobody's."""
    path = tmp_path / "journal.db"
    (tmp_path / "journal.db.damaged-1-wal").write_text("its WAL")
    path.write_text("content")
    path.with_name("journal.db-wal").write_text("")
    assert set_aside(path) == "journal.db.damaged-1"
    assert folder_of(path) == {
        "journal.db.damaged-1": b"content",
        "journal.db.damaged-1-wal": b"its WAL",
        "journal.db-wal": b"",
    }


def test_only_what_was_set_aside_from_this_journal_is_found(tmp_path: Path) -> None:
    path = tmp_path / "journal[1].db"
    for name in ("journal[1].db.damaged-2-wal", "journal[1].db.damaged-10", "journal1.db.damaged-3", "x.damaged-1"):
        (tmp_path / name).write_text("")
    assert found_aside(path) == ("journal[1].db.damaged-10", "journal[1].db.damaged-2")
    assert found_aside(tmp_path / "nowhere" / "journal.db") == ()


# --- versions ---------------------------------------------------------------------------------------------------------

NEXT = "ALTER TABLE log ADD COLUMN till TEXT NOT NULL DEFAULT ''; CREATE TABLE tills (name TEXT) STRICT"


def test_an_old_journal_is_renewed_with_all_its_rows(path: Path) -> None:
    with closing(connect(path, "rw", 1.0)) as db:
        before = db.execute("SELECT * FROM log").fetchall()
        migrate(db, (*MIGRATIONS, NEXT))
        assert version(db) == len(MIGRATIONS) + 1
        assert [tuple(row) for row in db.execute("SELECT * FROM log")] == [(*row, "") for row in before]
        migrate(db, (*MIGRATIONS, NEXT))  # once
    refuse_damaged(path, deep=True, known=len(MIGRATIONS) + 1)
    with pytest.raises(JournalNewerError, match="upgrade the kiosk"):
        refuse_damaged(path, deep=True)


def test_a_migration_that_fails_changes_nothing(path: Path) -> None:
    with closing(connect(path, "rw", 1.0)) as db:
        before = list(db.iterdump())
        with pytest.raises(sqlite3.OperationalError):
            migrate(db, (*MIGRATIONS, NEXT + "; DROP TABLE nobody"))
    with closing(connect(path, "rw", 1.0)) as db:
        assert version(db) == len(MIGRATIONS)
        assert list(db.iterdump()) == before
