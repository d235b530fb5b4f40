"""Durable, and well again when the disk is: failed writes, full disks, lost files and killed processes, all real."""

from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from itertools import count
from pathlib import Path

import pytest

from kiosk.journal import Reader, SqliteJournal
from kiosk.ports import JournalError
from kiosk.sale.commands import Place
from kiosk.sale.records import Entry, Phase, Rows, Sale
from tests.loop_story import LoopStory

NOW = 1_790_000_000.25


def sale(number: int, phase: Phase = Phase.PLACING, *payments: str) -> Sale:
    return Sale(f"POS-{number}-abc", number, 100 * number, "BRL", (), "", NOW, phase, payments=payments)


def log_of(path: Path, number: int) -> list[str]:
    with Reader(path) as reader:
        return [logged.entry.event for logged in reader.log(number)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kiosk" / "journal.db"


@pytest.fixture
def journal(path: Path) -> Iterator[SqliteJournal]:
    with closing(SqliteJournal(path, busy_s=0.01)) as journal:
        yield journal


def reopened(path: Path) -> Rows:
    with closing(SqliteJournal(path)) as journal:
        return journal.rows()


@contextmanager
def files_at_most(size: int) -> Iterator[None]:
    """Writes beyond ``size`` bytes of any file fail in this process, as on a disk that can take no more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("room", [0, 10, 3000, 6000])
def test_l7_a_failed_write_is_an_error_and_the_same_save_succeeds_when_there_is_room(
    path: Path, journal: SqliteJournal, room: int
) -> None:
    journal.save([sale(1)], [], NOW)
    wal = path.with_name(path.name + "-wal")
    with files_at_most(wal.stat().st_size + room), pytest.raises(JournalError, match="the disk reports an error"):
        journal.save([sale(2, Phase.PAID, "p2")], [Entry("paid", "paid", number=2)], NOW)
    assert journal.rows().open == (sale(1),)
    journal.save([sale(2, Phase.PAID, "p2")], [Entry("paid", "paid", number=2)], NOW)
    assert journal.find("POS-2-abc") == sale(2, Phase.PAID, "p2")
    assert log_of(path, 2) == ["paid"]


def test_l7_every_save_fails_while_nothing_can_be_written_and_then_they_go_on(journal: SqliteJournal) -> None:
    journal.save([sale(1)], [], NOW)
    with files_at_most(0):
        for _ in range(3):
            with pytest.raises(JournalError, match="the disk reports an error"):
                journal.save([sale(2)], [], NOW)
    journal.save([sale(2)], [], NOW)
    assert journal.rows().open == (sale(2), sale(1))


def test_l7_a_connection_that_broke_is_made_again_and_nothing_is_lost(path: Path, journal: SqliteJournal) -> None:
    """The open WAL file is exchanged for a device that is always full; only opening the file anew heals that."""
    journal.save([sale(1)], [], NOW)
    full = os.open("/dev/full", os.O_WRONLY)
    links = {int(link.name): os.readlink(link) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()}
    (wal,) = [number for number, target in links.items() if target == f"{path}-wal"]
    os.dup2(full, wal)
    os.close(full)
    with pytest.raises(JournalError, match="the disk is full"):
        journal.save([sale(2)], [], NOW)
    journal.save([sale(3)], [], NOW)
    assert journal.rows().open == (sale(3), sale(1))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 400 KB; needs the right to mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=400k", "none", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this user may not mount a small disk")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def saved_until_refused(journal: SqliteJournal) -> tuple[str, int]:
    """The words of the first refusal, and how many saves went before."""
    for number in count(1):
        try:
            journal.save([sale(number)], [], NOW)
        except JournalError as error:
            return str(error), number - 1
    raise AssertionError


def test_l7_a_full_disk_stops_saves_and_room_lets_them_go_on(small_disk: Path) -> None:
    with closing(SqliteJournal(small_disk / "journal.db")) as journal:
        filler = small_disk / "other"
        filler.write_bytes(b"x" * 120_000)
        refusal, saved = saved_until_refused(journal)
        assert "the disk is full" in refusal
        assert saved
        with pytest.raises(JournalError, match=r"the disk is full|cannot be opened"):
            journal.save([sale(saved + 1)], [Entry("x", "x" * 100_000)], NOW)
        filler.unlink()
        journal.save([sale(saved + 1)], [], NOW)
        assert journal.rows().last_number == saved + 1
    assert len(reopened(small_disk / "journal.db").open) == saved + 1


def fill(disk: Path) -> Path:
    """Let another file take all the room that is left."""
    filler = disk / "other"
    with filler.open("wb", buffering=0) as other, suppress(OSError):
        while True:
            other.write(b"x" * 1024)
    return filler


def test_l7_r22_a_kiosk_on_a_full_disk_starts_no_sale_says_why_and_sells_again_when_there_is_room(
    small_disk: Path,
) -> None:
    with closing(SqliteJournal(small_disk / "journal.db")) as journal:
        story = LoopStory(journal).ready()
        filler = fill(small_disk)
        while story.public != "notice":  # the last pages that are still free are used first
            story.keys("2500#").free()
            if story.public == "placing":
                story.placed().paid().printed().wait(2).keys("#").free()
        assert "DISCO" in story.text
        story.take()
        story.wait(60)
        assert story.public == "blocked"
        assert "Erro de disco" in story.text
        assert not story.did(Place)
        filler.unlink()
        story.wait(6)
        assert story.public == "idle"
        story.waiting().paid().printed()
        assert journal.rows().debts == ()


def test_a_program_that_holds_the_file_stops_saves_until_it_lets_go(path: Path, journal: SqliteJournal) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(JournalError, match="another program holds it"):
            journal.save([sale(1)], [], NOW)
        other.execute("ROLLBACK")
        journal.save([sale(1)], [], NOW)
    assert journal.rows().open == (sale(1),)


@pytest.mark.parametrize("instead", ["nothing", "another"])
def test_l7_nothing_is_saved_into_a_file_that_was_taken_away(path: Path, journal: SqliteJournal, instead: str) -> None:
    """SQLite itself writes on happily, into a file without a name."""
    journal.save([sale(1)], [], NOW)
    kept = path.rename(path.with_name("kept.db"))
    if instead == "another":
        path.write_bytes(b"")
    with pytest.raises(JournalError, match="taken away or replaced"):
        journal.save([sale(2)], [], NOW)
    kept.rename(path)
    journal.save([sale(2)], [], NOW)
    assert journal.rows().last_number == 2


WRITER = """
import sys
from pathlib import Path
from kiosk.journal import SqliteJournal
from kiosk.sale.records import Entry, Sale
journal = SqliteJournal(Path(sys.argv[1]))
number = journal.rows().last_number
while True:
    number += 1
    sale = Sale(f"POS-{number}", number, number, "BRL", (), "", float(number))
    journal.save([sale], [Entry("made", "made", number=number)], float(number))
    print(number, flush=True)
"""


def test_l7_a_killed_process_loses_nothing_that_it_had_called_saved(path: Path) -> None:
    """SIGKILL after the first, second, ... acknowledged commit of a process; each goes on in the last one's file."""
    for commits in range(1, 7):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE) as child:
            assert child.stdout
            acknowledged = [int(child.stdout.readline()) for _ in range(commits)][-1]
            child.kill()
            acknowledged = max([acknowledged, *(int(line) for line in child.stdout if line.endswith(b"\n"))])
        rows = reopened(path)
        assert rows.last_number in (acknowledged, acknowledged + 1)  # the one after may be saved, but not yet told
        assert [sale.number for sale in rows.open] == list(range(rows.last_number, 0, -1))
        assert log_of(path, acknowledged) == ["made"]
