"""What a look proves about money (L1, R2, R11). The one place that says "paid"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kiosk.sale.events import Evidence, OrderSeen, PaymentSeen, PaymentState
from kiosk.sale.records import Sale


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one look proves about one sale."""

    order_id: str = ""
    """The provider's order that paid it."""
    covering: tuple[str, ...] = ()
    """The payments that pay it. Empty: it is not paid, whatever else is there."""
    excess_cents: int = 0
    """What the covering payments brought beyond the amount."""
    approved: tuple[PaymentSeen, ...] = ()
    """Every approved payment with our reference and our collector, each once."""
    wrong_amount: frozenset[str] = frozenset()
    """Of those, the ones inside a complete order over another amount or currency."""
    pending: bool = False
    """A payment is under way."""
    rejected: int = 0
    """Payments that were rejected."""
    wrong: int = 0
    """Complete orders shown by the search for this sale that are not its own, not its amount, or paid by a payment that
    already paid another sale: an alarm."""

    @property
    def paid(self) -> bool:
        """The sale is paid."""
        return bool(self.covering)

    @property
    def approved_cents(self) -> int:
        """All approved money, net of refunds."""
        return sum(net_cents(payment) for payment in self.approved)


def net_cents(payment: PaymentSeen) -> int:
    """What a payment is worth after refunds; 0 where its amount is no amount of the shop's currency."""
    return max(0, (payment.cents or 0) - payment.refunded_cents)


def judge(sale: Sale, collector: int, evidence: Evidence, spent: frozenset[str] = frozenset()) -> Verdict:
    """Weigh all orders and payments that a look found.

    Paid is: some order with our reference, our collector, complete, over our amount, and approved payments in our
    currency covering it. Everything else is not paid. A payment that completed another sale (``spent``) has its ticket:
    whatever it is shown under, it is no money of this one.
    """
    ours = [o for o in evidence.orders if o.reference == sale.reference and o.collector == collector]
    if not ours and not evidence.payments:
        return Verdict(wrong=sum(order.complete for order in evidence.orders))
    misfits = [order for order in ours if order.complete and not _fits(order, sale)]
    reused = sum(order.complete and any(payment.id in spent for payment in order.payments) for order in ours)
    strangers = sum(o.complete for o in evidence.orders if o.reference != sale.reference or o.collector != collector)
    order_id, covering, excess_cents = _first_covered(ours, sale, spent)
    approved: dict[str, PaymentSeen] = {}
    rejected: set[str] = set()
    pending = False
    for payment in _payments(ours, evidence, sale, collector):
        match payment.state:
            case PaymentState.APPROVED if payment.id in spent:
                pass
            case PaymentState.APPROVED if net_cents(payment) or payment.cents is None:
                approved.setdefault(payment.id, payment)
            case PaymentState.REJECTED:
                rejected.add(payment.id)
            case PaymentState.PENDING:
                pending = True
            case _:
                pass
    return Verdict(
        order_id=order_id,
        covering=covering,
        excess_cents=excess_cents,
        approved=tuple(approved.values()),
        wrong_amount=frozenset(p.id for order in misfits for p in order.payments if p.id in approved),
        pending=pending,
        rejected=len(rejected),
        wrong=strangers + len(misfits) + reused,
    )


def _fits(order: OrderSeen, sale: Sale) -> bool:
    return order.cents == sale.cents and all(payment.currency == sale.currency for payment in order.payments)


def _payments(ours: list[OrderSeen], evidence: Evidence, sale: Sale, collector: int) -> Iterator[PaymentSeen]:
    for order in ours:
        yield from order.payments
    for payment in evidence.payments:
        if payment.reference == sale.reference and payment.collector == collector:
            yield payment


def _first_covered(ours: list[OrderSeen], sale: Sale, spent: frozenset[str]) -> tuple[str, tuple[str, ...], int]:
    for order in ours:
        if order.complete and order.cents == sale.cents:
            covering, excess_cents = _covering(order, sale, spent)
            if covering:
                return order.id, covering, excess_cents
    return "", (), 0


def _covering(order: OrderSeen, sale: Sale, spent: frozenset[str]) -> tuple[tuple[str, ...], int]:
    """The first payments that cover the amount, and what they bring beyond it; nothing where they do not."""
    left = sale.cents
    ids: list[str] = []
    for payment in order.payments:
        approved = payment.state is PaymentState.APPROVED and payment.currency == sale.currency
        if approved and net_cents(payment) and payment.id not in spent and payment.id not in ids:
            ids.append(payment.id)
            left -= net_cents(payment)
            if left <= 0:
                return tuple(ids), -left
    return (), 0
