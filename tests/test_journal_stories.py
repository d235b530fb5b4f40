"""The journal's troubles, told to the real loop over a real file: full, damaged, large, and taken up again."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from kiosk.journal import SqliteJournal, writing
from kiosk.sale.commands import Lane, Look, Place, Print, Withdraw
from kiosk.sale.records import Entry, Mark, Phase, Reason, Sale, Why
from kiosk.sale.screens import Icon
from tests.loop_story import LoopStory
from tests.story import Story, order, payment


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kiosk" / "journal.db"


@contextmanager
def no_room() -> Iterator[None]:
    """No byte can be written to any file of this process, as on a disk that can take no more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


# --- a disk that takes nothing ----------------------------------------------------------------------------------------


def test_l7_r22_no_sale_starts_while_nothing_can_be_written_the_screen_says_why_and_it_heals_itself(path: Path) -> None:
    with closing(SqliteJournal(path)) as journal:
        story = LoopStory(journal).ready()
        with no_room():
            story.keys("2500#").free()
            assert not story.did(Place)
            assert "DISCO" in story.text
            story.wait(25)
            assert story.public == "blocked"
            assert "Erro de disco" in story.text
            assert Icon.JOURNAL in story.screen.icons
            story.keys("2500#").wait(60)
            assert not story.did(Place)
        story.wait(6)
        assert story.public == "idle"
        story.waiting().paid().printed()
        assert journal.rows().watched[0].phase is Phase.PAID


def test_r22_a_sale_that_runs_when_the_disk_fills_is_paid_and_its_row_follows(path: Path) -> None:
    with closing(SqliteJournal(path)) as journal:
        story = LoopStory(journal).ready().waiting()
        with no_room():
            story.paid()
            assert story.public == "paid"
            [ticket] = story.did(Print)
            assert Mark.POSSIBLE_DUPLICATE in ticket.marks
            story.printed()
        story.wait(6)
        assert journal.rows().open == ()
        found = journal.find(story.sale.reference)
        assert found is not None
        assert (found.phase, found.payments) == (Phase.PAID, ("p1",))


# --- a damaged file ---------------------------------------------------------------------------------------------------


def lose_pages(path: Path) -> None:
    """All pages but the first."""
    path.write_bytes(path.read_bytes()[:4096] + b"\xff" * 65536)


def test_l4_r5_with_a_damaged_journal_the_pos_is_made_safe_and_the_order_is_watched(path: Path) -> None:
    """The sale that was open is not known any more: its order is a foreign one, withdrawn, and its money not lost."""
    with closing(SqliteJournal(path)) as journal:
        sale = LoopStory(journal).ready().waiting().sale
    lose_pages(path)
    with closing(SqliteJournal(path, anew=True)) as journal:
        story = LoopStory(journal, at=1030.0, life=1).account()
        story.keys("2500#")
        assert not story.did(Place)
        story.holds(sale.reference, sale.cents)
        assert [command.reference for command in story.did(Withdraw)] == [sale.reference]
        story.removed().free()
        assert story.public == "idle"
        assert "Registro danificado" in story.text
        kept = journal.find(sale.reference)
        assert kept is not None
        assert (kept.foreign, kept.watched, kept.why, kept.number) == (True, True, Why.FOREIGN, 0)
        assert story.wait_for(Look, lane=Lane.BEHIND).reference == sale.reference
        story.watch_seen(order(sale, payment()))
        [dispute] = journal.rows().disputes
        assert (dispute.payment, dispute.reason) == ("p1", Reason.UNKNOWN_ORDER)


def test_r1_numbers_begin_again_with_a_new_journal_and_references_do_not(path: Path) -> None:
    with closing(SqliteJournal(path)) as journal:
        first = LoopStory(journal).ready().waiting().sale
    lose_pages(path)
    with closing(SqliteJournal(path, anew=True)) as journal:
        second = LoopStory(journal, at=1030.0, life=1).account().free().waiting().sale
        assert (first.number, second.number) == (1, 1)
        assert first.reference != second.reference
        assert journal.find(first.reference) is None


def found_while_it_runs(path: Path) -> SqliteJournal:
    """A journal too large to be checked whole at its start, stopped uncleanly: its damage is found beside the sales."""
    with closing(SqliteJournal(path)) as journal:
        journal.save([], [Entry("big", "x" * (writing.CHECKED_AT_ONCE + 1))], 1.0)
        content = bytearray(path.read_bytes())
        uncleanly = path.with_name(path.name + "-wal").read_bytes()
    content = bytearray(path.read_bytes())
    content[-4096:-4092] = b"\xff" * 4
    path.write_bytes(content)
    path.with_name(path.name + "-wal").write_bytes(uncleanly[:32])
    journal = SqliteJournal(path, anew=True)
    assert journal.damage == ""
    return journal


@pytest.mark.parametrize("passage", ["placing", "waiting", "paid"])
def test_l2_damage_that_is_found_in_the_middle_of_a_sale_costs_nothing_that_the_counter_knows(
    path: Path, passage: str
) -> None:
    with closing(found_while_it_runs(path)) as journal:
        story = LoopStory(journal).ready()
        if passage == "placing":
            assert journal.wait_for_check(20.0)
        story.waiting()
        if passage == "waiting":
            assert journal.wait_for_check(20.0)
        story.paid()
        if passage == "paid":
            assert journal.wait_for_check(20.0)
        sale = story.printed().sale
        assert [ticket.marks for ticket in story.did(Print)] == [()]
        assert path.with_name("journal.db.damaged-1").exists()
        assert story.counter.health.journal
        story.wait(2).keys("#")
        assert "Registro danificado" in story.text
    after_a_restart(path, sale)


def after_a_restart(path: Path, sale: Sale) -> None:
    with closing(SqliteJournal(path, anew=True)) as journal:
        assert journal.damage == ""
        story: Story = LoopStory(journal, at=1030.0, life=1).account().free()
        assert story.wait_for(Look, lane=Lane.BEHIND).reference == sale.reference
        found = journal.find(sale.reference)
        assert found is not None
        assert (found.phase, found.payments) == (Phase.PAID, ("p1",))
        assert story.counter.health.set_aside == ("journal.db.damaged-1",)
