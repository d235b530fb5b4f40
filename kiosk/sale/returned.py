"""How much money went back, and how much still can: by the journal, and by what the account shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from kiosk.sale.events import PaymentState, RefundsAre, RefundSeen
from kiosk.sale.records import Debt, Mark, Refund, RefundState, Sale


def is_given_back(sale: Sale, refunds: Iterable[Refund]) -> bool:
    """Whether all that was paid for the sale went back; ``refunds``: all of that sale."""
    return sum(refund.cents for refund in _done_of(sale, refunds) if not refund.dispute) >= sale.cents


def marked(debt: Debt) -> Debt:
    """The ticket of a sale whose money went back (R21)."""
    return debt if Mark.REFUNDED in debt.marks else replace(debt, marks=(*debt.marks, Mark.REFUNDED))


def given_back_cents(sale: Sale, refunds: Iterable[Refund]) -> int:
    """How much of what paid the sale went back, in minor units."""
    return sum(refund.cents for refund in _done_of(sale, refunds))


def _done_of(sale: Sale, refunds: Iterable[Refund]) -> list[Refund]:
    return [refund for refund in refunds if refund.state is RefundState.DONE and refund.payment in sale.payments]


def went_back(answer: RefundsAre) -> int | None:
    """How much of the payment went back or is under way, in minor units; None where the answer does not tell it all.

    The list may lag behind the payment: then a refund is missing in it, and who begins one now could take the missing
    one for it later.
    """
    if answer.payment is None or not answer.whole:
        return None
    counted = [seen.cents for seen in answer.refunds if stands(seen)]
    total = sum(cents or 0 for cents in counted)
    return None if None in counted or answer.payment.refunded_cents > total else total


def left_of(answer: RefundsAre) -> int | None:
    """How much of the payment can still go back, in minor units; None where the answer does not tell it."""
    payment, back = answer.payment, went_back(answer)
    if payment is None or back is None:
        return None
    return max(0, (payment.cents or 0) - back) if payment.state is PaymentState.APPROVED else 0


def stands(seen: RefundSeen) -> bool:
    """Whether it went back, or is on its way."""
    return seen.state in (PaymentState.APPROVED, PaymentState.PENDING)
