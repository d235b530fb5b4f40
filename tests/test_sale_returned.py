"""How much money went back, and how much still can: by the journal, and by what the account shows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kiosk.sale.events import PaymentState, RefundsAre, RefundSeen
from kiosk.sale.records import Debt, Mark, Phase, Refund, RefundState, Sale, Ticket
from kiosk.sale.returned import given_back_cents, is_given_back, left_of, marked, stands, went_back
from tests.story import payment

APPROVED, PENDING, REJECTED = PaymentState.APPROVED, PaymentState.PENDING, PaymentState.REJECTED


def back(state: PaymentState = APPROVED, cents: int | None = 2500) -> RefundSeen:
    return RefundSeen("b1", state, cents)


SALE = Sale("K-1-x", 1, 2500, "BRL", (), "", 0.0, Phase.PAID, payments=("p1", "p2"))
DONE = Refund("k", "p1", "K-1-x", 1, 1500, "BRL", whole=False, by="Ana", asked_at=0.0, known=(), state=RefundState.DONE)


@pytest.mark.parametrize(
    ("refunds", "whole", "cents"),
    [
        ((), False, 0),
        ((DONE,), False, 1500),
        ((DONE, replace(DONE, key="l", payment="p2", cents=1000)), True, 2500),
        ((DONE, replace(DONE, key="l", payment="p2", cents=1000, state=RefundState.WANTED)), False, 1500),
        ((DONE, replace(DONE, key="l", payment="p3", cents=1000)), False, 1500),
        ((DONE, replace(DONE, key="l", payment="p2", cents=1000, dispute="p2:excess")), False, 2500),
    ],
)
def test_how_much_of_a_sale_went_back(refunds: tuple[Refund, ...], whole: bool, cents: int) -> None:
    assert (is_given_back(SALE, refunds), given_back_cents(SALE, refunds)) == (whole, cents)


@pytest.mark.parametrize(
    ("answer", "cents"),
    [
        (RefundsAre(request=0, payment=payment()), 0),
        (RefundsAre(request=0, payment=payment(refunded=700), refunds=(back(cents=700),)), 700),
        (RefundsAre(request=0, payment=payment(), refunds=(back(cents=700), back(PENDING, cents=1))), 701),
        (RefundsAre(request=0, payment=payment(), refunds=(back(REJECTED),)), 0),
        (RefundsAre(request=0, payment=payment(refunded=700)), None),
        (RefundsAre(request=0, payment=payment(), whole=False), None),
        (RefundsAre(request=0, payment=payment(), refunds=(back(cents=None),)), None),
        (RefundsAre(request=0, payment=None), None),
    ],
)
def test_how_much_of_a_payment_went_back_if_that_is_told_whole(answer: RefundsAre, cents: int | None) -> None:
    assert went_back(answer) == cents


@pytest.mark.parametrize(
    ("answer", "cents"),
    [
        (RefundsAre(request=0, payment=payment()), 2500),
        (RefundsAre(request=0, payment=payment(refunded=700), refunds=(back(cents=700),)), 1800),
        (RefundsAre(request=0, payment=payment(), refunds=(back(PENDING, cents=2500),)), 0),
        (RefundsAre(request=0, payment=payment(), refunds=(back(cents=2600),)), 0),
        (RefundsAre(request=0, payment=payment(state=PaymentState.REFUNDED)), 0),
        (RefundsAre(request=0, payment=payment(state=PaymentState.OTHER)), 0),
        (RefundsAre(request=0, payment=payment(refunded=700)), None),
        (RefundsAre(request=0, payment=None), None),
    ],
)
def test_how_much_of_a_payment_can_still_go_back(answer: RefundsAre, cents: int | None) -> None:
    assert left_of(answer) == cents


@pytest.mark.parametrize("state", PaymentState)
def test_what_went_back_or_is_on_its_way_stands(state: PaymentState) -> None:
    assert stands(back(state)) is (state in (APPROVED, PENDING))


def test_a_ticket_is_marked_once() -> None:
    debt = Debt("K-1-x", 1, 2500, Ticket(()), 0.0, marks=(Mark.COPY,))
    assert marked(debt).marks == (Mark.COPY, Mark.REFUNDED)
    assert marked(marked(debt)) == marked(debt)
