"""The account's statement against the journal, difference by difference. Pure: two lists in, one out.

Each payment is looked up here by its id and by its reference, and each of ours is asked for there by its id where the
statement does not show it. So nothing is called a difference because one list ends a little earlier than the other,
and an index that lags behind makes no payment "missing".

Whose payments are judged: those that the journal knows, those with a reference that a kiosk on this POS made, and those
that are shown to have come in over this POS. What else the account earns is none of our business.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from kiosk.sale.events import Booking, Books, PaymentSeen, PaymentState, StatementIs
from kiosk.sale.money import Currency
from kiosk.sale.records import Dispute, Phase, Refund, RefundState, Sale, is_reference_of
from kiosk.sale.shop import Shop
from kiosk.sale.verdict import net_cents


class Kind(Enum):
    """How account and journal differ."""

    NOT_HERE = "not-here"
    """Paid there and not here: money that completes no sale and that nobody watches."""
    NOT_THERE = "not-there"
    """Paid here and not there: the account does not have the payment at all."""
    AMOUNT = "amount"
    """The sale's payments are not worth its amount, or not in its currency."""
    TWICE = "twice"
    """The sale has its ticket, and this payment is another one."""
    RETURNED = "returned"
    """It paid the sale, and went back since, or a part of it, and not by this kiosk: refunded, charged back, or being
    fought over."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One payment on which account and journal do not agree."""

    kind: Kind
    payment: str
    reference: str = ""
    number: int = 0
    """The sale's; 0: there is none."""
    here_cents: int | None = None
    """What it is worth in the journal; None: nothing."""
    there_cents: int | None = None
    """What it is worth in the account now; None: nothing, or it is no amount of the shop's currency."""


class Why(Enum):
    """Why a payment that completes no sale is no difference."""

    OPEN = "open"
    """Its sale is in front, or still watched, or it is being given back: the counter will see it."""
    PENDING = "pending"
    DISPUTED = "disputed"
    """Disputed money, which nobody has settled yet."""


@dataclass(frozen=True, slots=True)
class Known:
    """A payment that has no ticket, as the journal knows."""

    why: Why
    payment: str
    reference: str
    number: int
    cents: int


@dataclass(frozen=True, slots=True)
class Agreement:
    """What came of it."""

    differences: tuple[Difference, ...] = ()
    known: tuple[Known, ...] = ()


Finding: TypeAlias = Difference | Known


def compare(statement: StatementIs, books: Books, shop: Shop) -> Agreement:
    """Hold what the account shows against what the journal knows of it."""
    paid = {payment: sale for sale in books.sales for payment in sale.payments}
    sales = {sale.reference: sale for sale in books.sales if sale.reference}
    disputes = {dispute.payment: dispute for dispute in books.disputes}
    shown = {b.payment.id: b for b in statement.bookings if b.payment.collector in (None, shop.collector)}
    found: list[Finding] = []
    for booking in shown.values():
        payment = booking.payment
        sale = sales.get(payment.reference)
        if payment.id in paid:
            refunds = [refund for refund in books.refunds if refund.payment == payment.id]
            found += _with_ticket(paid[payment.id], payment, shown, disputes, refunds)
        elif sale or booking.here or is_reference_of(shop.pos_id, payment.reference):
            found += _without_ticket(sale, payment, disputes.get(payment.id))
    for name in statement.missing:
        if name in paid and name not in shown:
            sale = paid[name]
            found.append(Difference(Kind.NOT_THERE, name, sale.reference, sale.number, here_cents=sale.cents))
    return Agreement(
        tuple(finding for finding in found if isinstance(finding, Difference)),
        tuple(finding for finding in found if isinstance(finding, Known)),
    )


def _with_ticket(
    sale: Sale,
    payment: PaymentSeen,
    shown: Mapping[str, Booking],
    disputes: Mapping[str, Dispute],
    refunds: Sequence[Refund],
) -> Iterator[Finding]:
    """It paid the sale. Is it still there, but for what we gave back, and, once for each sale, is it the amount?"""
    if payment.state is PaymentState.PENDING:
        yield Known(Why.PENDING, payment.id, sale.reference, sale.number, payment.cents or 0)
    elif payment.state is not PaymentState.APPROVED or payment.refunded_cents:
        left = net_cents(payment) if payment.state is PaymentState.APPROVED else 0
        here = payment.cents if payment.cents is not None else sale.cents
        here -= sum(refund.cents for refund in refunds if refund.state is RefundState.DONE)
        if any(refund.state is RefundState.WANTED for refund in refunds):
            yield Known(Why.OPEN, payment.id, sale.reference, sale.number, left)
        elif left < here or payment.state is PaymentState.OTHER:
            yield Difference(Kind.RETURNED, payment.id, sale.reference, sale.number, here, left)
    elif payment.id == sale.payments[0] and all(name in shown for name in sale.payments):
        yield from _amount(sale, [shown[name].payment for name in sale.payments], disputes)


def _amount(sale: Sale, payments: list[PaymentSeen], disputes: Mapping[str, Dispute]) -> Iterator[Finding]:
    if any(payment.state is not PaymentState.APPROVED or payment.refunded_cents for payment in payments):
        return  # that is said of the payment
    excess = disputes.get(f"{payments[-1].id}:excess")
    if excess is not None and not excess.settled:
        yield Known(Why.DISPUTED, excess.payment, sale.reference, sale.number, excess.cents)
    counted = [payment.cents for payment in payments if payment.currency == sale.currency]
    there = sum(cents or 0 for cents in counted) if len(counted) == len(payments) and None not in counted else None
    if there is None or (there != sale.cents and excess is None):
        yield Difference(Kind.AMOUNT, payments[0].id, sale.reference, sale.number, sale.cents, there)


def _without_ticket(sale: Sale | None, payment: PaymentSeen, dispute: Dispute | None) -> Iterator[Finding]:
    """It completes no sale: who knows of it?"""
    number = sale.number if sale else 0
    cents = net_cents(payment)
    if payment.state is PaymentState.PENDING:
        yield Known(Why.PENDING, payment.id, payment.reference, number, cents)
    elif payment.state is not PaymentState.APPROVED or not (cents or payment.cents is None):
        return  # rejected, cancelled, or gone back: it is nobody's money
    elif dispute is not None:
        if not dispute.settled:
            yield Known(Why.DISPUTED, payment.id, payment.reference, number, cents)
    elif sale is not None and (sale.phase.open or sale.watched):
        yield Known(Why.OPEN, payment.id, payment.reference, number, cents)
    else:
        kind = Kind.TWICE if sale is not None and sale.phase is Phase.PAID else Kind.NOT_HERE
        there = None if payment.cents is None else cents
        yield Difference(kind, payment.id, payment.reference, number, there_cents=there)


def in_words(difference: Difference, currency: Currency) -> str:
    """One difference, as the technician reads it."""
    there = "an amount that is none of ours" if difference.there_cents is None else None
    there = there or currency.with_symbol(difference.there_cents or 0)
    here = currency.with_symbol(difference.here_cents or 0)
    sale = f"sale {difference.number}" if difference.number else "no sale"
    match difference.kind:
        case Kind.NOT_HERE:
            return f"{sale}: {there} paid there and not here, payment {difference.payment}"
        case Kind.NOT_THERE:
            return f"{sale}: {here} paid here and not there, payment {difference.payment}"
        case Kind.AMOUNT:
            return f"{sale}: {here} here and {there} there, payment {difference.payment}"
        case Kind.TWICE:
            return f"{sale}: paid twice, {there} more, payment {difference.payment}"
        case Kind.RETURNED:
            return f"{sale}: of {here} only {there} is left there, payment {difference.payment}"
