"""Power cuts before and after every command of every story: none is left out, and the laws hold after each."""

from __future__ import annotations

import importlib
from collections import Counter as Tally

import pytest

from kiosk.sale.commands import Place
from kiosk.sale.records import DebtState, Phase
from kiosk.sale.shop import Shop
from tests.stories import (
    STORIES,
    Told,
    cancelled,
    paid_in_two_parts_and_too_much,
    paid_twice,
    pending_then_approved,
    plain_sale,
    the_journal_fails_while_waiting,
)
from tests.story import SHOP, Story
from tests.world_cuts import (
    Arrives,
    Ending,
    Pays,
    cut_at,
    cut_everywhere,
    cuts,
    endings,
    play,
)
from tests.world_mutants import MUTANTS, planted

QUICK = (plain_sale, cancelled)


def name(story: Told) -> str:
    """For the list of tests."""
    return story.__name__


# --- the number of cuts -----------------------------------------------------------------------------------------------


class Counted(Story):
    """A story that counts its steps and commands by its own books: it knows nothing of cuts."""

    def __init__(self, shop: Shop = SHOP) -> None:
        self.boots = 0
        self.taken = 0
        super().__init__(shop)

    @property
    def commands(self) -> int:
        """Commands that were carried out, or tried."""
        return self.taken + len(self.done)

    @property
    def steps(self) -> int:
        """Steps of the machine, starts included."""
        return self.laws.steps + self.boots

    def take(self) -> list[object]:  # type: ignore[override]  # nobody here looks at what is taken
        done = super().take()
        self.taken += len(done)
        return [*done]

    def power_cut(self, *, off_s: float = 30.0) -> Story:
        self.take()
        self.boots += 1
        return super().power_cut(off_s=off_s)


def counted(story: Told) -> tuple[int, int]:
    """The steps and commands of a story."""
    told = story(Counted)
    assert isinstance(told, Counted)
    return told.steps + 1, told.commands  # the first start is one more


@pytest.mark.parametrize("story", STORIES, ids=name)
def test_there_is_a_cut_before_and_after_every_command_of_every_step(story: Told) -> None:
    """As many as there are steps (before the first command) and commands (after each)."""
    steps, commands = counted(story)
    assert commands > 2
    *_, last = cuts(story)
    assert last.moments + 1 == steps + commands
    with pytest.raises(LookupError, match=f"has {steps + commands} moments"):
        cut_at(story, steps + commands)


def test_the_cuts_of_a_story_are_all_different_moments() -> None:
    """One after the other, each with one command more, or at the beginning of one step more."""
    seen = [(cut.moments, cut.last) for cut in cuts(plain_sale)]
    assert [moments for moments, _ in seen] == list(range(len(seen)))
    lasts = Tally(last for _, last in seen)
    assert {"nothing", "AskPos", "Save", "Place", "Look", "Print", "Sound"} <= set(lasts)


def test_a_cut_in_the_middle_of_a_step_leaves_its_rest_undone() -> None:
    """Written, and not placed; written and placed, and not answered."""
    placed = next(cut for cut in cuts(plain_sale) if cut.last == "Place")
    saved = cut_at(plain_sale, placed.moments - 1)
    assert saved.last == "Save"
    for story, places in ((saved, 0), (placed, 1)):
        [sale] = story.journal.sales.values()
        assert (sale.phase, sale.puts) == (Phase.PLACING, 1)
        assert len([asked for asked in story.asked if isinstance(asked.command, Place)]) == places


# --- how it goes on ---------------------------------------------------------------------------------------------------


def test_every_plausible_ending_is_played() -> None:
    """A PUT under way arrives, or not, or late; and whoever can have scanned it pays at each time, or not."""
    before = cut_at(plain_sale, 0)
    assert {(ending.arrives, ending.pays) for ending in endings(before)} == {(Arrives.NEVER, Pays.NOT)}
    placing = next(cut for cut in cuts(plain_sale) if cut.last == "Place")
    assert [type(call) for call in placing.truth.in_flight(placing.truth.flying[0][0])] == [Place]
    kinds = {(ending.arrives, ending.pays) for ending in endings(placing)}
    assert kinds == {
        (Arrives.NEVER, Pays.NOT),
        *((arrives, pays) for arrives in (Arrives.IN_THE_DARK, Arrives.AFTER_BOOT) for pays in Pays),
    }
    waiting = next(cut for cut in cuts(plain_sale) if cut.last == "Look")
    assert {(e.arrives, e.pays) for e in endings(waiting)} == {(Arrives.NEVER, pays) for pays in Pays}
    deleting = next(cut for cut in cuts(cancelled) if cut.last == "Withdraw")
    assert len({(e.arrives, e.pays) for e in endings(deleting)}) == len(Arrives) * len(Pays)


@pytest.mark.parametrize(
    ("ending", "phase"),
    [
        (Ending(), Phase.WITHDRAWN),
        (Ending(Arrives.IN_THE_DARK), Phase.WITHDRAWN),
        (Ending(Arrives.IN_THE_DARK, Pays.IN_THE_DARK), Phase.PAID),
        (Ending(Arrives.IN_THE_DARK, Pays.LATER), Phase.PAID),
        (Ending(Arrives.AFTER_BOOT, Pays.LATER), Phase.PAID),
        (Ending(Arrives.IN_THE_DARK, Pays.IN_THE_DARK, off_s=4000.0), Phase.PAID),
    ],
    ids=str,
)
def test_what_becomes_of_a_put_that_was_under_way(ending: Ending, phase: Phase) -> None:
    """R23: found out by asking. In the dark and after the start, the truth is what decides."""
    placing = next(cut for cut in cuts(plain_sale) if cut.last == "Place")
    world = play(cut_at(plain_sale, placing.moments), ending)
    [sale] = world.journal.sales.values()
    assert sale.phase in (phase, Phase.UNCONFIRMED if phase is Phase.WITHDRAWN else phase)
    assert not sale.watched
    assert (sale.reference in world.journal.debts) == (phase is Phase.PAID)


def test_a_paper_that_was_at_the_printer_is_doubtful_after_the_cut() -> None:
    """L3: whether it came out or not, the next one says that it may be a second one."""
    printing = next(cut for cut in cuts(plain_sale) if cut.last == "Print")
    for arrives, sheets in ((Arrives.NEVER, 1), (Arrives.IN_THE_DARK, 2)):
        world = play(cut_at(plain_sale, printing.moments), Ending(arrives))
        [debt] = world.journal.debts.values()
        assert (debt.state, debt.tried) == (DebtState.PRINTED, True)
        assert len(world.printer.roll) == sheets
        assert [mark.value for mark in world.printer.roll[-1].command.marks] == ["possible-duplicate"]


def test_what_the_story_said_is_the_truth_after_the_cut() -> None:
    """Money that was shown stays; a second payment is disputed again; what was pending is approved when it lands."""
    *_, paid = cuts(paid_twice)
    assert sorted(paid.truth.approved()) == ["p1", "p2"]
    world = play(paid, Ending())
    assert set(world.journal.disputes) == {"p2"}
    *_, pending = cuts(pending_then_approved)
    world = play(pending, Ending(pays=Pays.LATER))
    [sale] = world.journal.sales.values()
    assert (sale.phase, sale.late) == (Phase.PAID, True)


def test_a_disk_that_was_full_is_full_for_a_while_after_the_start() -> None:
    """R22, R23: the payment was shown and never written; it is found again."""
    full = [cut for cut in cuts(the_journal_fails_while_waiting) if cut.journal.fails]
    assert full
    [sale] = play(full[-1], Ending()).journal.sales.values()
    assert sale.phase is Phase.PAID


# --- the laws ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("story", QUICK, ids=name)
def test_the_laws_hold_after_a_power_cut(story: Told) -> None:
    """In some stories. All of them are the certificate's (``tests.certificate``)."""
    figures = cut_everywhere(story)
    assert figures.violations == ()
    assert figures.ends > figures.cuts > 30


@pytest.mark.long
@pytest.mark.parametrize("story", STORIES, ids=name)
def test_the_laws_hold_through_the_evening_after_a_power_cut(story: Told) -> None:
    """The kiosk is not switched off: each watch looks all its looks."""
    assert cut_everywhere(story, evening=True).violations == ()


@pytest.mark.parametrize(
    ("line", "story"),
    [
        ("if debt.state is not DebtState.PRINTING:", plain_sale),
        ("enumerate((*turn.followed, *rows.watched)):", plain_sale),
        ("if payment.id not in known:", plain_sale),
        ("            if left <= 0:", paid_in_two_parts_and_too_much),
    ],
)
def test_a_planted_bug_does_not_survive_the_cuts(line: str, story: Told) -> None:
    """None of these breaks a law in the story itself: only what comes after the power shows it."""
    [mutant] = [mutant for mutant in MUTANTS if mutant.old == line]
    with planted(mutant):
        told = getattr(importlib.import_module("tests.stories"), story.__name__)
        told(importlib.import_module("tests.story").Story)
        violations = importlib.import_module("tests.world_cuts").cut_everywhere(told).violations
    assert violations
    assert all(f"LawBroken: {mutant.law}: " in violation for violation in violations[:1])


def test_a_violation_says_where_it_was_cut_and_how_it_went_on() -> None:
    [mutant] = [mutant for mutant in MUTANTS if mutant.old == "if debt.state is not DebtState.PRINTING:"]
    with planted(mutant):
        fresh = importlib.import_module("tests.world_cuts")
        first = fresh.cut_everywhere(importlib.import_module("tests.stories").plain_sale).violations[0]
    printing = next(cut for cut in cuts(plain_sale) if cut.last == "Print")
    assert first.startswith(f"plain_sale, cut at moment {printing.moments} (after Print); 5 s in the dark")
    assert "has two originals" in first
