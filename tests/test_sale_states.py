"""The states as values: when each wants to be woken, what the world calls it, and the diagram that the README shows."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import get_args

import pytest

from kiosk.sale.basket import Basket, Choosing, Function
from kiosk.sale.days import Day, DayShown, DayStep, Totals
from kiosk.sale.events import PosOrder
from kiosk.sale.front import TRANSITIONS
from kiosk.sale.giving import Back, Case, Giving, Inquiring, Picking, Settling, Signing, Sizing
from kiosk.sale.money import Typed
from kiosk.sale.records import Sale, Why
from kiosk.sale.states import (
    NEVER,
    Adopting,
    Blocked,
    Checking,
    Clearing,
    Confirming,
    Entering,
    Guarding,
    Idle,
    Menu,
    MenuItem,
    Notice,
    NoticeKind,
    Paid,
    Part,
    Placing,
    PlacingPart,
    Recent,
    Resting,
    Starting,
    State,
    Talk,
    Waiting,
    Withdrawing,
)
from kiosk.sale.status import public_name
from tests.diagram import BEGIN, END, HOW, between, drawn_into, mermaid

SALE = Sale("KIOSK01-1-abc", 1, 2500, "BRL", (), "key", 0.0)
SOON = Talk(until=50.0)
IN_FLIGHT = Talk(request=7, until=50.0)
LATER = 70.0

STATES: list[tuple[State, str, float]] = [
    # a state, its name for the world, when it wants to be woken
    (Starting(), "starting", NEVER),
    (Blocked(), "blocked", NEVER),
    (Idle(), "idle", NEVER),
    (Idle(NoticeKind.TIME_UP), "idle", NEVER),
    (Menu(MenuItem.REPRINT, 50.0), "idle", 50.0),
    (Recent("a-1", 50.0), "idle", 50.0),
    (Recent("a-1", NEVER, IN_FLIGHT), "idle", 50.0),
    (DayShown(Day(1, 0, 0, None, Totals()), DayStep.LOOK, 50.0), "idle", 50.0),
    (Entering(Basket(typed=Typed("25")), 50.0), "entering", 50.0),
    (Confirming(Basket(typed=Typed("250000")), 50.0), "entering", 50.0),
    (Choosing(Basket(typed=Typed("25")), (Function.ADD,), 0, 50.0), "entering", 50.0),
    (Picking("1", 50.0), "idle", 50.0),
    (Inquiring(Case("a-1", 1, ("p1",), ()), IN_FLIGHT, NEVER), "idle", 50.0),
    (Sizing(Case("a-1", 1, ("p1",), ()), (), Typed(), 50.0), "idle", 50.0),
    (Signing(Back(Case("a-1", 1, ("p1",), ()), (), 1), 50.0), "idle", 50.0),
    (Giving(("k",), 1, 2500, 50.0), "idle", 50.0),
    (Settling("p2", 50.0), "idle", 50.0),
    (Guarding(SALE, SOON, LATER), "placing", 50.0),
    (Guarding(SALE, Talk(until=90.0), LATER), "placing", LATER),
    (Clearing(PosOrder("x", 1), Part.DELETE, SOON, LATER, SALE), "placing", 50.0),
    (Clearing(PosOrder("x", 1), Part.DELETE, Talk(until=90.0), LATER, SALE), "placing", LATER),
    (Clearing(PosOrder("x", 1), Part.DELETE, Talk(until=90.0), LATER), "blocked", 90.0),
    (Placing(SALE, PlacingPart.PUT, SOON, LATER, 200.0, 260.0), "placing", 50.0),
    (Placing(SALE, PlacingPart.PUT, Talk(until=90.0), LATER, 200.0, 260.0), "placing", LATER),
    (Placing(SALE, PlacingPart.PUT, SOON, LATER, 200.0, 260.0, asking_until=40.0), "placing", 40.0),
    (Adopting(SALE, SOON), "starting", 50.0),
    (Waiting(SALE, SOON, 0.0, 180.0, 240.0, 5.0), "waiting", 50.0),
    (Waiting(SALE, Talk(until=999.0), 0.0, 180.0, 240.0, 5.0), "waiting", 180.0),
    (Waiting(SALE, SOON, 0.0, 180.0, 240.0, 5.0, asking_until=40.0), "waiting", 40.0),
    (Withdrawing(SALE, Why.CANCELLED, Part.LOOK, SOON, 240.0), "withdrawing", 50.0),
    (Withdrawing(SALE, Why.CANCELLED, Part.LOCKED, SOON, 240.0, delete_at=45.0), "withdrawing", 45.0),
    (Withdrawing(SALE, Why.CANCELLED, Part.LOCKED, IN_FLIGHT, 240.0, delete_at=45.0), "withdrawing", 50.0),
    (Checking(SALE, Why.VANISHED, SOON, LATER, 240.0), "checking", 50.0),
    (Checking(SALE, Why.VANISHED, Talk(until=90.0), LATER, 240.0), "checking", LATER),
    (Paid(SALE, 0.0), "paid", NEVER),
    (Notice(NoticeKind.CANCELLED, 50.0, 0.0), "notice", 50.0),
]
KINDS = set(get_args(State))


@pytest.mark.parametrize(("state", "name", "wakes_at"), STATES, ids=lambda value: getattr(value, "__name__", None))
def test_each_state_has_a_public_name_and_a_deadline(state: State, name: str, wakes_at: float) -> None:
    """The nearest of its deadlines; nothing of a question or a retry that is not open."""
    assert public_name(state) == name
    assert state.wakes_at == wakes_at


def test_the_table_above_holds_every_state() -> None:
    assert {type(state) for state, _, _ in STATES} == KINDS


def test_the_public_names_are_the_documented_ones() -> None:
    """As the design's section on the double fixes them (``off`` is the virtual counter's own)."""
    assert {public_name(state) for state, _, _ in STATES} == {
        *("starting", "blocked", "idle", "entering", "placing", "waiting", "withdrawing", "checking", "paid", "notice"),
    }


def test_resting_states_have_no_order_to_follow() -> None:
    resting = set(get_args(Resting))
    assert resting < KINDS
    assert KINDS - resting == {Guarding, Clearing, Placing, Adopting, Waiting, Withdrawing, Checking}


# --- conversations ----------------------------------------------------------------------------------------------------


def test_a_conversation_that_never_began_is_neither_due_nor_silent() -> None:
    assert Talk().until == NEVER == math.inf
    assert not Talk().due(1e12)
    assert not Talk().silent(1e12)


def test_a_pause_is_due_at_its_time_and_never_silent() -> None:
    assert [SOON.due(at) for at in (49.9, 50.0, 51.0)] == [False, True, True]
    assert not SOON.silent(51.0)


def test_a_request_is_silent_at_its_time_and_never_due() -> None:
    """R20: the machine's own deadline."""
    assert [IN_FLIGHT.silent(at) for at in (49.9, 50.0, 51.0)] == [False, True, True]
    assert not IN_FLIGHT.due(51.0)


# --- transitions ------------------------------------------------------------------------------------------------------


def test_transitions_lead_from_states_to_states() -> None:
    assert set(TRANSITIONS) == KINDS
    assert all(set(ways) <= KINDS for ways in TRANSITIONS.values())
    assert all(why for ways in TRANSITIONS.values() for why in ways.values())


def test_every_state_is_reached_and_left() -> None:
    reached = {after for ways in TRANSITIONS.values() for after in ways}
    assert KINDS - reached == {Starting, Adopting}, "these two are where a life begins"
    assert all(ways for ways in TRANSITIONS.values())


def test_every_state_leads_back_to_ready() -> None:
    """L8, as far as the table can tell: no state is a trap."""
    ready: set[type[State]] = {Idle}
    while more := {state for state, ways in TRANSITIONS.items() if state not in ready and ready & set(ways)}:
        ready |= more
    assert ready == KINDS


def test_an_order_that_may_be_on_the_pos_never_leads_straight_to_rest() -> None:
    """R6: from Waiting, Withdrawing and Checking only to what is told, never to Idle."""
    for state in (Placing, Waiting, Withdrawing, Checking, Adopting):
        assert not {Idle, Blocked, Entering} & set(TRANSITIONS[state])


# --- the diagram ------------------------------------------------------------------------------------------------------

ARROW = re.compile(r" {4}(\w+) --> (\w+): ([^:;\n]+)")


def test_the_diagram_has_an_arrow_for_each_transition_with_its_reason() -> None:
    drawn = {(before, after): why for before, after, why in ARROW.findall(mermaid())}
    wanted = {(before.__name__, after.__name__) for before, ways in TRANSITIONS.items() for after in ways}
    assert set(drawn) == wanted
    assert drawn["Guarding", "Placing"] == "free, PUT"
    assert mermaid().startswith("```mermaid\nstateDiagram-v2\n    [*] --> Starting\n")


def test_the_diagram_in_the_readme_is_that_of_today(root: Path) -> None:
    readme = root / "README.md"
    assert readme.exists(), f"there is no README.md with the marks {BEGIN} and {END}"
    assert between(readme.read_text(encoding="utf-8")) == mermaid(), f"the diagram in README.md is old: {HOW}"


def test_writing_the_diagram_changes_nothing_beside_the_marks() -> None:
    text = f"# Title\n\n{BEGIN}\nold\n{END}\n\nMore.\n"
    new = drawn_into(text)
    assert between(new) == mermaid()
    assert (new.partition(BEGIN)[0], new.partition(END)[2]) == ("# Title\n\n", "\n\nMore.\n")
    assert drawn_into(new) == new


@pytest.mark.parametrize("text", ["", BEGIN, END, f"{END}{BEGIN}", f"{BEGIN}{END}{BEGIN}{END}", f"{BEGIN}{BEGIN}{END}"])
def test_a_readme_without_its_marks_is_told_so(text: str) -> None:
    with pytest.raises(ValueError, match=r"README\.md needs the marks"):
        drawn_into(text)
