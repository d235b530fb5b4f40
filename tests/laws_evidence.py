"""What an answer of the provider proves about money, in the laws' own words: written without looking at ``verdict``."""

from __future__ import annotations

from collections.abc import Iterator

from kiosk.sale.events import Evidence, PaymentSeen, PaymentState
from kiosk.sale.records import Sale


def covered(sale: Sale, evidence: Evidence, collector: int) -> tuple[str, ...]:
    """The payments of the first order that is complete, ours, and covered, if there is one."""
    for order in evidence.orders:
        if order.reference != sale.reference or order.collector != collector:
            continue
        if not order.complete or order.cents != sale.cents:
            continue
        good = {
            p.id: (p.cents or 0) - p.refunded_cents
            for p in order.payments
            if p.state is PaymentState.APPROVED and p.currency == sale.currency
        }
        if sum(good.values()) >= sale.cents:
            return tuple(good)
    return ()


def money(reference: str, evidence: Evidence, collector: int) -> Iterator[PaymentSeen]:
    """Every payment of this reference to this collector, wherever it was shown."""
    for order in evidence.orders:
        if order.reference == reference and order.collector == collector:
            yield from order.payments
    for payment in evidence.payments:
        if payment.reference == reference and payment.collector == collector:
            yield payment


def brings_money(payment: PaymentSeen) -> bool:
    """Approved, and not given back (an amount that is none of our currency is money all the same)."""
    return payment.state is PaymentState.APPROVED and (payment.cents is None or payment.cents > payment.refunded_cents)


def may_bring_money(payment: PaymentSeen) -> bool:
    """It does, or nobody can say yet."""
    return brings_money(payment) or payment.state is PaymentState.PENDING
