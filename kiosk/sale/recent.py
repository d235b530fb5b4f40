"""The last sales: what is known of each, and what an answer says that was asked for now.

The list is a view, no second truth: it holds the records as they were last saved. Whoever asks about a sale has it
watched again (``watch``), and what its look finds goes the way of all late money: a ticket marked PAID AFTER CANCEL, or
a slip. What is told here of an answer is words for the cashier, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Final

from kiosk.sale.events import Evidence, PaymentSeen, PaymentState
from kiosk.sale.records import Debt, Dispute, Phase, Record, Sale, Why
from kiosk.sale.states import Found
from kiosk.sale.verdict import judge

RECENT_MAX: Final = 10
"""How many sales back a cashier can walk."""


class Known(Enum):
    """What the journal knows of a sale, as far as a cashier can use it."""

    PAID = "paid"
    """There is no printer: no ticket is due."""
    PRINTED = "printed"
    OWED = "owed"
    """Paid, and its ticket is still owed."""
    TO_SETTLE = "to-settle"
    """There is money that completes no sale."""
    NOT_CONFIRMED = "not-confirmed"
    CANCELLED = "cancelled"
    NOT_PAID = "not-paid"
    NOT_CHARGED = "not-charged"
    """It never was on the POS."""


MONEY: Final = frozenset({Known.PAID, Known.PRINTED, Known.OWED, Known.TO_SETTLE})
"""There is money, says the journal: no answer that shows none takes that back."""


def with_saved(recent: tuple[Sale, ...], records: Iterable[Record]) -> tuple[Sale, ...]:
    """The list, newest first, with what was just saved; the very same one where none of it is a sale of ours."""
    saved = [record for record in records if isinstance(record, Sale) and record.number and not record.foreign]
    if not saved:
        return recent
    newest = {sale.reference: sale for sale in (*recent, *saved)}
    return tuple(sorted(newest.values(), key=_number, reverse=True)[:RECENT_MAX])


def _number(sale: Sale) -> int:
    return sale.number


def find(recent: tuple[Sale, ...], reference: str) -> Sale | None:
    """The sale of that reference; None: it is not among them any more."""
    return next((sale for sale in recent if sale.reference == reference), None)


def one_before(recent: tuple[Sale, ...], reference: str) -> Sale | None:
    """The sale before that one; None: that was the oldest, or is not among them any more."""
    references = [sale.reference for sale in recent]
    place = references.index(reference) + 1 if reference in references else len(recent)
    return recent[place] if place < len(recent) else None


def known(sale: Sale, debts: Iterable[Debt], disputes: Iterable[Dispute], *, printer: bool) -> Known:
    """What stands in the journal. ``debts`` and ``disputes``: those that are open."""
    if any(dispute.reference == sale.reference for dispute in disputes):
        return Known.TO_SETTLE
    match sale.phase:
        case Phase.PAID if any(debt.id == sale.reference for debt in debts):
            return Known.OWED
        case Phase.PAID:
            return Known.PRINTED if printer else Known.PAID
        case Phase.WITHDRAWN:
            return Known.CANCELLED if sale.why is Why.CANCELLED else Known.NOT_PAID
        case Phase.REFUSED:
            return Known.NOT_CHARGED
        case _:
            return Known.NOT_CONFIRMED


def found(sale: Sale, collector: int, evidence: Evidence, spent: frozenset[str]) -> Found | None:
    """What a look in both indexes says of a sale; None: no more than its record will say after it.

    A look that was not answered in full says nothing about what it does not show (L6).
    """
    if any(_came_back(payment) for payment in _seen(evidence) if payment.id in sale.payments):
        return Found.RETURNED
    verdict = judge(sale, collector, evidence, spent)
    if sale.phase is Phase.PAID or verdict.paid:
        return None
    if verdict.pending or verdict.approved or verdict.wrong:
        return Found.UNSETTLED
    return Found.NO_PAYMENT if evidence.whole else Found.NO_ANSWER


def _seen(evidence: Evidence) -> Iterable[PaymentSeen]:
    yield from evidence.payments
    for order in evidence.orders:
        yield from order.payments


def _came_back(payment: PaymentSeen) -> bool:
    return payment.state in (PaymentState.REFUNDED, PaymentState.OTHER) or payment.refunded_cents > 0
