"""The paper's forecast: counted in millimetres since the roll was changed, and nothing hangs on it (L9)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kiosk.sale.commands import Note, Print, Save, Sound
from kiosk.sale.counter import holdings
from kiosk.sale.events import Paper, PaperIs, Printed, PrintFailed
from kiosk.sale.records import Roll
from kiosk.sale.roll import LOW_TICKETS, Reel, heard, tickets_left
from kiosk.sale.screens import Icon
from kiosk.sale.status import status, status_line
from tests.story import SHOP, Story

METRES = replace(SHOP, roll_m=3)
NOW = 1000.0


def told(reel: Reel, *words: Paper) -> Reel:
    """The roll after what the printer said, one word after the other."""
    for paper in words:
        reel = heard(reel, PaperIs(paper), NOW)
    return reel


def sold(story: Story, mm: int = 100) -> Story:
    """One more sale, whose ticket is so long."""
    story.waiting().paid()
    story.feed(Printed(story.jobs.pop(0).job, mm=mm))
    return story.wait(2).free().keys("#")


def counted(story: Story) -> tuple[int, int]:
    """Millimetres since the roll was changed, and of a ticket."""
    roll = story.counter.papers.reel.roll
    assert roll is not None
    return roll.mm, roll.ticket_mm


def with_new_roll() -> Story:
    """A shop whose roll was just changed, as the cashier said in the menu."""
    return Story(METRES).ready().keys("*#")


# --- when a roll is a new one -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "new"),
    [
        ((Paper.OUT, Paper.OK), True),
        ((Paper.OUT, Paper.COVER, Paper.OK), True),
        ((Paper.OUT, Paper.GONE, Paper.OFFLINE, Paper.SILENT), True),
        ((Paper.LOW, Paper.COVER, Paper.OK), True),
        ((Paper.OK, Paper.COVER, Paper.OK), False),
        ((Paper.LOW, Paper.OK), False),
        ((Paper.LOW, Paper.COVER, Paper.LOW), False),
        ((Paper.LOW, Paper.COVER, Paper.LOW, Paper.OK), False),
        ((Paper.OUT, Paper.LOW), False),
        ((Paper.OUT, Paper.COVER), False),
        ((Paper.GONE, Paper.OFFLINE, Paper.OK), False),
    ],
    ids=lambda value: " ".join(paper.value for paper in value) if isinstance(value, tuple) else "",
)
def test_an_empty_printer_that_is_ready_again_has_a_new_roll_and_an_open_cover_proves_nothing(
    words: tuple[Paper, ...], new: bool
) -> None:
    old = Roll(2500, 1.0, 100)
    reel = told(Reel(3000, old), *words)
    assert (reel.roll == Roll(0, NOW, 100)) is new
    assert (reel.roll == old) is not new
    assert reel.kept is not new


def test_paper_that_ends_in_the_middle_of_a_ticket_is_seen_by_the_failed_print() -> None:
    reel = heard(Reel(3000, Roll(2900, 1.0, 100)), PrintFailed(1, True, Paper.OUT, mm=50), NOW)
    assert reel.roll == Roll(2950, 1.0, 100)
    assert told(reel, Paper.OK).roll == Roll(0, NOW, 100)


# --- the count and the forecast ---------------------------------------------------------------------------------------


def test_nothing_is_told_until_somebody_knows_when_the_roll_was_changed() -> None:
    story = sold(sold(Story(METRES).ready()))
    assert story.counter.papers.reel.tickets_left is None
    assert story.journal.roll is None
    sold(story.keys("**#"))
    assert story.counter.papers.reel.tickets_left == 29


def test_every_paper_counts_and_tickets_make_the_mean() -> None:
    story = sold(sold(with_new_roll(), 100), 140)
    assert counted(story) == (240, 110)
    assert story.counter.papers.reel.tickets_left == (3000 - 240) // 110
    story.keys("*#").feed(Printed(story.jobs.pop(0).job, mm=500))
    assert story.counter.papers.reel.tickets_left == (3000 - 740) // 110, "a copy is no measure of a ticket"


def test_without_a_length_nothing_is_counted_and_the_menu_has_no_item_for_it() -> None:
    story = sold(Story().ready().printer(Paper.OUT).printer(Paper.OK))
    assert story.counter.papers.reel == Reel()
    assert story.journal.roll is None
    assert "Bobina" not in story.keys("*").text
    assert "Bobina" not in story.keys("*").text


def test_a_roll_that_lasts_longer_than_it_should_is_at_its_end_and_not_below() -> None:
    assert Reel(3000, Roll(3500, 1.0, 100)).tickets_left == 0
    assert tickets_left(Roll(1000, 1.0, 100), 3) == 20
    assert tickets_left(Roll(1000, 1.0, 0), 3) is None
    assert tickets_left(None, 3) is None
    assert tickets_left(Roll(1000, 1.0, 100), 0) is None


def test_the_count_outlives_a_power_cut_and_a_damaged_journal() -> None:
    story = sold(with_new_roll())
    counted = story.counter.papers.reel.roll
    assert story.journal.roll == counted
    assert counted in holdings(story.counter)
    story.power_cut()
    assert story.counter.papers.reel.roll == counted


def test_the_count_is_written_only_with_what_is_written_anyway() -> None:
    """L9: a copy's millimetres wait for the next sale; a printer that got paper causes no write of its own."""
    story = sold(with_new_roll())
    story.keys("*#").take()
    story.feed(Printed(story.jobs.pop(0).job, mm=100))
    story.printer(Paper.OUT).printer(Paper.OK)
    assert not story.did(Save)
    assert (story.journal.roll and story.journal.roll.mm) == 100
    story.waiting()
    assert story.journal.roll == story.counter.papers.reel.roll
    assert counted(story) == (0, 100)


def test_the_saves_of_a_sale_are_as_many_with_the_count_as_without() -> None:
    saves = []
    for shop in (SHOP, METRES):
        story = Story(shop).ready().printer(Paper.OUT).printer(Paper.OK)
        done = []
        for _ in range(3):
            story.waiting().paid()
            story.feed(Printed(story.jobs.pop(0).job, mm=100)).wait(2).free().keys("#")
            done.append(len(story.did(Save)))
        saves.append(done)
        assert story.counter.papers.reel.runs_low is False
    assert saves[0] == saves[1]


def test_a_count_that_cannot_be_written_refuses_nothing_by_itself() -> None:
    """L9: the menu's word is lost with the journal, and kept with the next write that succeeds."""
    story = with_new_roll()
    story.journal.fails = True
    story.keys("*#")
    assert story.public == "blocked", "a journal that cannot be written: no new sale (R22)"
    story.journal.fails = False
    story.wait(6)
    assert story.public == "idle"
    assert story.journal.roll == story.counter.papers.reel.roll


# --- what is shown ----------------------------------------------------------------------------------------------------


def nearly_empty(left: int) -> Story:
    """An idle shop with paper for so many tickets."""
    story = sold(with_new_roll())
    roll = Roll(3000 - left * 100, NOW, 100)
    papers = replace(story.counter.papers, reel=replace(story.counter.papers.reel, roll=roll))
    story.counter = replace(story.counter, papers=papers)
    return story


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", "Paper for about 12 tickets"),
        ("pt", "Papel para uns 12 comprovantes"),
        ("es", "Papel para unos 12 tickets"),
    ],
)
def test_when_it_runs_low_the_idle_screen_says_for_how_many_tickets(language: str, told: str) -> None:
    story = nearly_empty(12)
    story.counter = replace(story.counter, shop=replace(story.shop, language=language))
    assert (story.screen.text, story.screen.icons) == (told, (Icon.PAPER,))


def test_while_there_is_enough_nothing_is_shown() -> None:
    story = nearly_empty(LOW_TICKETS + 1)
    assert (story.screen.text, story.screen.icons) == ("", ())
    assert nearly_empty(LOW_TICKETS).screen.icons == (Icon.PAPER,)


def test_at_its_end_the_screen_says_that_paper_is_low_and_sells_on() -> None:
    story = nearly_empty(0)
    assert (story.screen.text, story.screen.icons) == ("pouco papel", (Icon.PAPER,))
    assert sold(story).public == "idle"


def test_a_printer_that_does_not_work_is_the_greater_trouble() -> None:
    assert nearly_empty(3).printer(Paper.GONE).screen.icons == (Icon.PRINTER,)
    assert nearly_empty(3).printer(Paper.LOW).screen.icons == (Icon.PAPER,)


def test_the_status_has_the_number_and_its_line_when_it_is_low() -> None:
    story = nearly_empty(12)
    assert status(story.counter, story.at)["health"]["tickets_left"] == 12  # type: ignore[index]
    assert status_line(story.counter) == "idle, paper for about 12 tickets"
    assert status_line(nearly_empty(25).counter) == "idle"


def test_the_menu_says_a_new_roll_and_nothing_is_printed() -> None:
    story = Story(METRES).ready()
    assert "Bobina nova" in story.keys("*").text
    story.take()
    story.keys("#")
    assert story.public == "idle"
    assert not story.did(Print)
    assert [entry.event for save in story.did(Save) for entry in save.entries] == ["new-roll"]
    assert len(story.did(Sound)) == 1
    assert not story.did(Note)
