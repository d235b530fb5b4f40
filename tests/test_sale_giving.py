"""The desk's states as values: when each wants to be woken, what a size comes to, and that a PIN is never shown."""

from __future__ import annotations

import pytest

from kiosk.sale.giving import Back, Case, Giving, Inquiring, Left, Picking, Settling, Signing, Sizing
from kiosk.sale.money import Typed
from kiosk.sale.talk import NEVER, Talk

CASE = Case("K-1-x", 1, ("p1", "p2"), ())
LEFT = (Left("p1", 1500, ()), Left("p2", 1000, ()))


@pytest.mark.parametrize(
    ("state", "wakes_at"),
    [
        (Picking("1", 50.0), 50.0),
        (Inquiring(CASE, Talk(7, 40.0), NEVER), 40.0),
        (Inquiring(CASE, Talk(), 50.0), 50.0),
        (Sizing(CASE, LEFT, Typed(), 50.0), 50.0),
        (Signing(Back(CASE, LEFT, 1), 50.0), 50.0),
        (Giving(("k",), 1, 2500, 50.0), 50.0),
        (Settling("p2", 50.0), 50.0),
    ],
)
def test_each_wants_to_be_woken_at_the_nearest_of_its_deadlines(state: Picking, wakes_at: float) -> None:
    assert state.wakes_at == wakes_at


@pytest.mark.parametrize(("typed", "cents"), [("", 2500), ("7", 7), ("9999", 9999)])
def test_what_is_typed_goes_back_and_where_nothing_is_all_that_is_left(typed: str, cents: int) -> None:
    state = Sizing(CASE, LEFT, Typed(typed), 50.0)
    assert (state.total, state.cents) == (2500, cents)


def test_a_pin_is_never_shown() -> None:
    assert "4711" not in repr(Signing(Back(CASE, LEFT, 1), 50.0, pin="4711"))
