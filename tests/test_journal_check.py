"""The full check of a large journal, in the background."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from kiosk.journal.check import BackgroundCheck
from kiosk.journal.file import connect, make, migrate


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "journal.db"
    make(path)
    with closing(connect(path, "rw", 1.0)) as db:
        migrate(db)
        db.execute(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) "
            "INSERT INTO log (at, event, text, reference, number, request_id, level) "
            "SELECT i, 'event', printf('%0200d', i), '', i, '', 6 FROM n"
        )
    return path


def test_a_whole_journal_has_no_damage(path: Path) -> None:
    with closing(BackgroundCheck(path)) as check:
        assert check.wait(10.0)
        assert check.damage is None


def test_damage_is_found_and_told(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-8192:-4096] = b"\xff" * 4096
    path.write_bytes(content)
    with closing(BackgroundCheck(path)) as check:
        assert check.wait(10.0)
        assert check.damage


def test_it_can_be_given_up_at_once_and_that_is_no_damage(path: Path) -> None:
    check = BackgroundCheck(path)
    check.close()
    assert check.wait(0.0)
    assert check.damage is None


def test_damage_whose_description_is_no_text_is_damage(tmp_path: Path) -> None:
    """Found by reading on where fuzzing had found the like: the thread died of it, and the damage went unnoticed."""
    path = tmp_path / "journal.db"
    for rule, do in (("''", "INSERT INTO t VALUES (NULL)"), ("' NOT NULL'", "SELECT 1")):
        with closing(sqlite3.connect(path)) as db, db:
            db.execute('CREATE TABLE IF NOT EXISTS t ("column" TEXT)')
            db.execute("PRAGMA writable_schema = ON")
            db.execute(f"UPDATE sqlite_schema SET sql = replace(sql, 'TEXT', 'TEXT' || {rule})")
            db.execute(do)
    path.write_bytes(path.read_bytes().replace(b'"column"', b'"colum\xb2"'))
    with closing(BackgroundCheck(path)) as check:
        assert check.wait(10.0)
        assert check.damage
