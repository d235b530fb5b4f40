"""What there is to do, as values: a request cannot be made without its number and its deadline."""

from __future__ import annotations

from typing import get_args

import pytest

from kiosk.sale.commands import AskPos, Call, Depth, Lane, Look, PaymentCall, Print, Save, Withdraw
from kiosk.sale.records import Ticket


def test_every_request_has_its_number_and_its_deadline() -> None:
    """R20: answers carry the number; none is made when its time is over."""
    for kind in get_args(PaymentCall):
        assert issubclass(kind, Call)
        with pytest.raises(TypeError, match="request"):
            kind(until=1.0)
        with pytest.raises(TypeError, match="until"):
            kind(request=1)
    assert AskPos(request=1, until=2.0).until == 2.0


def test_a_request_travels_in_the_fronts_lane_unless_it_says_otherwise() -> None:
    assert Withdraw(request=1, until=2.0).lane is Lane.FRONT
    behind = Look(request=1, until=2.0, lane=Lane.BEHIND, depth=Depth.ALL)
    assert behind.lane is Lane.BEHIND


def test_a_paper_is_an_original_and_no_retry_unless_it_says_otherwise() -> None:
    paper = Print(1, Ticket(()))
    assert (paper.marks, paper.retry) == ((), False)


def test_nobody_waits_for_a_save_unless_it_says_so() -> None:
    assert not Save(()).confirm
    assert Save((), confirm=True).confirm
