"""What stands in the books of the fake Mercado Pago: orders, payments and what of them went back, each with its past.

Everything can be read as it was at a time, so that a slow index can show it so; ``at`` is seconds since 1970.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Order:
    """An order as it was put on the POS."""

    reference: str
    total: Decimal
    title: str
    body: Mapping[str, object]
    """All that was sent."""
    expires_at: float | None = None
    """What the sender asked for; None: nothing."""


@dataclass(frozen=True, slots=True)
class Change:
    """A payment, or a refund, took this status at that time."""

    at: float
    status: str
    detail: str


@dataclass(frozen=True, slots=True, eq=False)
class Refund:
    """Money that goes back, from when it was asked for until it is settled."""

    id: int
    amount: Decimal
    last: bool
    """Nothing is left of the payment after it."""
    changes: tuple[Change, ...]

    def status(self, at: float) -> str:
        """Its status then; empty before it was made."""
        return next((change.status for change in reversed(self.changes) if change.at <= at), "")


@dataclass(slots=True, eq=False)
class Payment:
    """One payment and all its past."""

    id: int
    order: MerchantOrder
    amount: Decimal
    changes: list[Change]
    refunds: list[Refund] = field(default_factory=list)

    def as_of(self, at: float) -> Change | None:
        """The status at that time; None before it was made."""
        own = next((change for change in reversed(self.changes) if change.at <= at), None)
        done = self._gone_back(at)
        if own is None or not done:
            return own
        since = max(refund.changes[-1].at for refund in done)
        if any(refund.last for refund in done):
            return Change(since, "refunded", "refunded")
        return Change(since, own.status, "partially_refunded")

    def _gone_back(self, at: float) -> list[Refund]:
        return [refund for refund in self.refunds if refund.status(at) == "approved"]

    def refunded(self, at: float) -> Decimal:
        """What of it had gone back then."""
        return sum((refund.amount for refund in self._gone_back(at)), Decimal(0))

    def taken(self, at: float) -> Decimal:
        """What of it was back then, or on its way back."""
        taken = (each.amount for each in self.refunds if each.status(at) in ("approved", "in_process"))
        return sum(taken, Decimal(0))

    def is_(self, status: str, at: float) -> bool:
        """Whether it had that status then."""
        change = self.as_of(at)
        return change is not None and change.status == status

    def updated_at(self, at: float) -> float:
        """When it last changed, as known then."""
        return (self.as_of(at) or self.changes[0]).at

    def approved_at(self, at: float) -> float | None:
        """When it was approved, if it was by then."""
        return next((change.at for change in self.changes if change.status == "approved" and change.at <= at), None)


@dataclass(slots=True, eq=False)
class MerchantOrder:
    """What one scan opened."""

    id: int
    order: Order
    opened_at: float
    payments: list[Payment] = field(default_factory=list)

    def approved(self, at: float) -> Decimal:
        """The sum of the payments that were approved then, without what had gone back."""
        approved = (p.amount - p.refunded(at) for p in self.payments if p.is_("approved", at))
        return sum(approved, Decimal(0))

    def refunded(self, at: float) -> Decimal:
        """What of all its payments had gone back then."""
        return sum((payment.refunded(at) for payment in self.payments), Decimal(0))

    def closed(self, at: float) -> bool:
        """Approved payments covered the total then, or had covered it before they were given back."""
        paid = (p.amount for p in self.payments if p.is_("approved", at) or p.is_("refunded", at))
        return sum(paid, Decimal(0)) >= self.order.total

    def pending(self, at: float) -> Payment | None:
        """The payment that was being looked into then."""
        return next((payment for payment in self.payments if payment.is_("in_process", at)), None)

    def order_status(self, at: float) -> str:
        """``order_status`` in the words of the merchant order reference."""
        if self.closed(at):
            back = "partially_reverted" if self.approved(at) else "reverted"
            return back if self.refunded(at) else "paid"
        if self.approved(at):
            return "partially_paid"
        return "payment_in_process" if self.pending(at) else "payment_required"

    def last_update(self, at: float) -> float:
        """When it last changed, as known then."""
        known = (payment.updated_at(at) for payment in self.payments if payment.as_of(at))
        return max([self.opened_at, *known])
