"""What a journal in memory knows of an account's statement, for the doubles of ``kiosk.ports.Journal``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from kiosk.sale.events import Books, StatementIs
from kiosk.sale.records import Dispute, Refund, Sale


def paid_between(sales: Iterable[Sale], begin: float, end: float) -> tuple[str, ...]:
    """The payments of sales that were paid in that time."""
    return tuple(p for sale in sales if sale.paid_at is not None and begin <= sale.paid_at < end for p in sale.payments)


def books(
    sales: Iterable[Sale],
    disputes: Mapping[str, Dispute],
    references: Collection[str],
    payments: Collection[str],
    refunds: Iterable[Refund] = (),
) -> Books:
    """Sales with one of these references or payments, disputes over the payments and refunds of them."""
    ids = set(payments)
    return Books(
        tuple(sale for sale in sales if sale.reference in references or ids.intersection(sale.payments)),
        tuple(dispute for name, dispute in disputes.items() if name.removesuffix(":excess") in ids),
        tuple(refund for refund in refunds if refund.payment.removesuffix(":excess") in ids),
    )


def looked_up(
    event: StatementIs, sales: Iterable[Sale], disputes: Mapping[str, Dispute], refunds: Iterable[Refund] = ()
) -> Books:
    """What the loop would look up for it."""
    shown = [booking.payment for booking in event.bookings]
    payments = {*(p.id for p in shown), *event.missing}
    return books(sales, disputes, {p.reference for p in shown}, payments, refunds)
