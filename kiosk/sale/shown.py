"""What the provider shows of money: payments, orders, refunds. Values of its answers (``events``)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class PaymentState(Enum):
    """What has become of a payment."""

    APPROVED = "approved"
    PENDING = "pending"
    REJECTED = "rejected"
    REFUNDED = "refunded"
    OTHER = "other"
    """Cancelled, charged back, in mediation, or a word we do not know: not paid."""


@dataclass(frozen=True, slots=True)
class PaymentSeen:
    """One payment as the provider shows it."""

    id: str
    state: PaymentState
    cents: int | None
    """The transaction's amount before coupons and fees; None where it is no amount of the shop's currency."""
    currency: str
    refunded_cents: int = 0
    reference: str = ""
    """Our reference where the index of payments names it; empty inside an order."""
    collector: int | None = None
    """Who got the money, where the index of payments names it."""


@dataclass(frozen=True, slots=True)
class OrderSeen:
    """One order as the provider shows it (a reference may have several)."""

    id: str
    reference: str
    collector: int | None
    complete: bool
    """The provider calls it paid in full."""
    cents: int | None
    payments: tuple[PaymentSeen, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that one look found."""

    orders: tuple[OrderSeen, ...] = ()
    payments: tuple[PaymentSeen, ...] = ()
    """From the index of payments; only a deep look asks it."""
    whole: bool = True
    """Every part of the look was answered, all pages read. Otherwise what it shows is true, but not all there is."""

    @property
    def approved(self) -> tuple[str, ...]:
        """Every approved payment it shows, whoever's it is; one that stands in two places twice."""
        inside = (payment for order in self.orders for payment in order.payments)
        return tuple(p.id for p in (*inside, *self.payments) if p.state is PaymentState.APPROVED)


@dataclass(frozen=True, slots=True)
class PosOrder:
    """The order that the POS holds."""

    reference: str
    cents: int | None


@dataclass(frozen=True, slots=True)
class RefundSeen:
    """One refund of a payment, as the provider shows it."""

    id: str
    state: PaymentState
    """APPROVED: the money went back. PENDING: not yet. Anything else: it did not."""
    cents: int | None
    """None where it is no amount of the shop's currency."""


class NoRefund(Enum):
    """Why money cannot be given back, as far as somebody can do something about it."""

    STATE = "state"
    """Not as the payment is now: given back already, charged back, not approved."""
    USED = "used"
    """The key was used before: an earlier attempt arrived."""
    TOO_OLD = "too-old"
    NO_PAYMENT = "no-payment"
    NO_PARTS = "no-parts"
    """Only the whole payment can be given back."""
    AMOUNT = "amount"
    TEST_ACCOUNT = "test-account"
    """The provider lets no test account give money back."""
    OTHER = "other"
    """No reason that we know; its own words are the detail."""
