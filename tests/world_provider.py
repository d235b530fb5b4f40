"""Mercado Pago as the simulated world has it: one POS, its orders, the money, and answers in the sale's own words.

No JSON and no sockets: ``tests/test_mercadopago.py`` proves the way from one to the other. What is modelled is what
can go wrong with money: an order that another one replaces, a customer whose phone keeps an order that was taken away,
a payment that lands while a DELETE is on its way, an index that lags behind. Where the real behaviour is not known,
``Habits`` holds every plausible one. Times are the provider's own, in seconds; an order dies by them alone.

Sources of the facts: Mercado Pago's references of in-store orders V2, merchant orders and payments.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final, TypeVar

from kiosk.sale.commands import (
    AskAccount,
    AskPos,
    AskRefunds,
    AskStatement,
    Depth,
    GiveBack,
    Look,
    PaymentCall,
    Place,
    Withdraw,
)
from kiosk.sale.events import (
    AccountIs,
    Booking,
    Busy,
    CallAnswer,
    Evidence,
    GivenBack,
    Holds,
    NoRefund,
    NotGivenBack,
    OrderSeen,
    PaymentSeen,
    PaymentState,
    Placed,
    PosOrder,
    RefundsAre,
    RefundSeen,
    Removal,
    Removed,
    Seen,
    StatementIs,
)
from kiosk.sale.records import Refund
from kiosk.sale.shop import Shop

T = TypeVar("T")
LIFE_S: Final = 600.0
"""An order that names no expiry dies after this (QR attended model: ten minutes)."""
RIPENS_S: Final = 20.0
"""So long a refund is under way, where it is."""
NOTHING: Final = Evidence()


class Opened(Enum):
    """When a merchant order comes to be: the documentation says three things."""

    AT_PUT = "at the PUT"
    AT_SCAN = "at each scan"
    AT_PAYMENT = "at the payment"


class Race(Enum):
    """What a DELETE meets while a customer's payment is on its way."""

    LOCKED = "409, the order stays"
    LANDS = "204, and the payment lands"
    FAILS = "204, and the payment is rejected"
    SAID_GONE = "400, because it was just paid"


class Returning(Enum):
    """How money goes back."""

    AT_ONCE = "at once"
    LATER = "under way, and then done"
    NEVER = "under way, and then rejected"


@dataclass(frozen=True, slots=True)
class Habits:
    """What is not known of the real one; drawn for each world."""

    opened: Opened = Opened.AT_PAYMENT
    race: Race = Race.LANDS
    busy: bool = False
    """A PUT on a POS that holds an order is answered 409; otherwise the last one wins."""
    test_account: bool = False
    returning: Returning = Returning.AT_ONCE


@dataclass(slots=True, eq=False)
class Order:
    """An order as it was put on the POS once."""

    reference: str
    cents: int
    expires: float
    paying: int = 0
    """Phones between "pay" and the money."""
    dead: bool = False
    """Taken away while one of them was paying, and the payment must fail."""


@dataclass(slots=True, eq=False)
class MerchantOrder:
    """What the search shows of an order: each change with the time from which it shows."""

    id: str
    reference: str
    cents: int
    payments: dict[str, PaymentSeen] = field(default_factory=dict)
    shown: list[tuple[float, OrderSeen]] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Return:
    """A refund, or what was to become one."""

    id: str
    payment: str
    cents: int
    state: PaymentState
    shows_at: float
    """From when on the list of refunds shows it."""
    ripe_at: float
    """When what is under way comes to its end."""

    @property
    def seen(self) -> RefundSeen:
        """As the provider shows it."""
        return RefundSeen(self.id, self.state, self.cents)


@dataclass(slots=True, eq=False)
class Account:
    """Everything under one reference."""

    orders: list[MerchantOrder] = field(default_factory=list)
    listed: dict[str, list[tuple[float, PaymentSeen]]] = field(default_factory=dict)
    """Payments in their index, each state with the time from which it shows."""
    strange: list[OrderSeen] = field(default_factory=list)
    """What a search should not show, and does."""


class Provider:
    """Answers requests, and takes the customers' money. ``placed`` is told of each order that comes onto the POS."""

    def __init__(
        self, shop: Shop, habits: Habits, placed: Callable[[Order], None], tally: Tally[str] | None = None
    ) -> None:
        """``tally``: where to count what a DELETE met."""
        self.shop = shop
        self._tally = Tally[str]() if tally is None else tally
        self.habits = habits
        self.pos: Order | None = None
        self.accounts: dict[str, Account] = {}
        self.ledger: dict[str, tuple[str, PaymentSeen]] = {}
        """All payments: the reference, and how it stands now."""
        self.lag_orders_s = 0.0
        """How far the search of merchant orders lags behind, and..."""
        self.lag_payments_s = 0.0
        """...the index of payments, and..."""
        self.lag_pos_s = 0.0
        """...the answer to what the POS holds, and..."""
        self.lag_refunds_s = 0.0
        """...the list of a payment's refunds."""
        self.returns: dict[str, Return] = {}
        """All refunds, by the key under which they were asked for."""
        self._moments: dict[tuple[str, PaymentState], float] = {}
        """When a payment came into a state."""
        self._placed = placed
        self._old_pos: tuple[float, PosOrder | None] = (0.0, None)
        self._ids = 0
        self._currency = shop.site.currency.code

    # --- requests -----------------------------------------------------------------------------------------------

    def answer(self, call: PaymentCall, now: float) -> CallAnswer:
        """Do it, and say what a whole and timely answer says."""
        request, reference = call.request, call.reference
        self._ripen(now)
        match call:
            case Look(depth=Depth.ORDER | Depth.PAYMENT):
                return self._by_id(call, now)
            case Look():
                return Seen(request=request, reference=reference, date=now, evidence=self._evidence(call, now))
            case AskPos():
                return Holds(request=request, reference=reference, date=now, order=self._holds(now))
            case Place():
                if self.habits.busy and self._current(now) is not None:
                    return Busy(request=request, reference=reference, date=now)
                self.put(reference, call.sale.cents, call.sale.expires, now)
                return Placed(request=request, reference=reference, date=now)
            case Withdraw():
                return Removed(request=request, reference=reference, date=now, removal=self._delete(now))
            case AskAccount():
                shop = self.shop
                test = self.habits.test_account
                return AccountIs(request=request, date=now, user_id=shop.collector, site=shop.site.id, test=test)
            case AskStatement():
                return self._statement(call, now)
            case AskRefunds():
                return self._refunds(call, now)
            case GiveBack():
                return self._give_back(call, now)

    def _current(self, now: float) -> Order | None:
        order = self.pos
        if order is not None and now >= order.expires and not order.paying:
            self.pos = order = None
        return order

    def _change(self, order: Order | None, now: float) -> None:
        if self.lag_pos_s:
            self._old_pos = (now + self.lag_pos_s, self._shown_pos())
        self.pos = order

    def _shown_pos(self) -> PosOrder | None:
        return None if self.pos is None else PosOrder(self.pos.reference, self.pos.cents)

    def _holds(self, now: float) -> PosOrder | None:
        if now < self._old_pos[0]:
            return self._old_pos[1]
        return None if self._current(now) is None else self._shown_pos()

    def put(self, reference: str, cents: int, expires: float | None, now: float) -> Order:
        """An order comes onto the POS: ours, or another device's. The last one wins."""
        order = Order(reference, cents, now + LIFE_S if expires is None else expires)
        self._change(order, now)
        if self.habits.opened is Opened.AT_PUT:
            self._open(order, now)
        self._placed(order)
        return order

    def _delete(self, now: float) -> Removal:
        order = self._current(now)
        if order is None:
            return Removal.GONE
        if order.paying:
            self._tally["DELETE " + self.habits.race.value] += 1
            match self.habits.race:
                case Race.LOCKED:
                    return Removal.LOCKED
                case Race.FAILS:
                    order.dead = True
                case Race.SAID_GONE:
                    self._change(None, now)
                    return Removal.GONE
                case Race.LANDS:
                    pass
        self._change(None, now)
        return Removal.BY_US

    def _evidence(self, look: Look, now: float) -> Evidence:
        account = self.accounts.get(look.reference)
        if account is None:
            return NOTHING
        orders = [order_seen for m in account.orders if (order_seen := shown_at(m.shown, now)) is not None]
        if look.depth is Depth.ORDERS:
            return Evidence((*orders, *account.strange))
        payments = [seen for states in account.listed.values() if (seen := shown_at(states, now)) is not None]
        found = {order.id: order for order in (*orders, *account.strange)}
        for payment in payments:  # what they name and the search does not show as complete is asked by id: never behind
            for order in account.orders:
                if payment.id in order.payments and not (order.id in found and found[order.id].complete):
                    found[order.id] = order.shown[-1][1]
        return Evidence(tuple(found.values()), tuple(payments))

    def _by_id(self, call: Look, now: float) -> Seen:
        """One order or payment: never behind."""
        for reference, account in self.accounts.items():
            for order in account.orders:
                if call.name == order.id or call.name in order.payments:
                    named = [order.payments[call.name]] if call.name in order.payments else []
                    paid = tuple(replace(p, reference=reference, collector=self.shop.collector) for p in named)
                    evidence = Evidence((order.shown[-1][1],), paid, whole=False)
                    return Seen(request=call.request, reference=reference, date=now, evidence=evidence, narrow=True)
        return Seen(request=call.request, date=now, evidence=Evidence(whole=False), narrow=True)

    def _statement(self, call: AskStatement, now: float) -> StatementIs:
        """The index of payments by the time of their last change; by id, which is never behind, those it lacks."""
        found: dict[str, Booking] = {}
        for account in self.accounts.values():
            for states in account.listed.values():
                seen = shown_at(states, now)
                if seen is not None and call.begin <= self._changed_at(seen, call.end) <= call.end:
                    found[seen.id] = self._booking(seen)
        missing = []
        for name in call.known:
            if name not in found and name in self.ledger:
                reference, payment = self.ledger[name]
                found[name] = self._booking(replace(payment, reference=reference, collector=self.shop.collector))
            elif name not in found:
                missing.append(name)
        return StatementIs(request=call.request, date=now, bookings=tuple(found.values()), missing=tuple(missing))

    def _changed_at(self, payment: PaymentSeen, unknown: float) -> float:
        return self._moments.get((payment.id, payment.state), unknown)

    def _booking(self, payment: PaymentSeen) -> Booking:
        return Booking(payment, here=True, at=self.approved_at(payment.id))

    def approved_at(self, payment_id: str) -> float | None:
        """When it was approved; None: it never was."""
        return self._moments.get((payment_id, PaymentState.APPROVED))

    def all_shown_at(self) -> float:
        """From then on the index of payments shows all that there is."""
        listed = (states for account in self.accounts.values() for states in account.listed.values())
        return max((at for states in listed for at, _ in states), default=0.0)

    def take_away(self, now: float) -> None:
        """Another device deletes what the POS holds."""
        self._delete(now)

    # --- refunds ------------------------------------------------------------------------------------------------

    def _refunds(self, call: AskRefunds, now: float) -> RefundsAre:
        reference, payment = self.ledger.get(call.payment, ("", None))
        shown = [r.seen for r in self.returns.values() if r.payment == call.payment and r.shows_at <= now]
        return RefundsAre(
            request=call.request,
            reference=call.reference,
            date=now,
            payment=payment and replace(payment, reference=reference, collector=self.shop.collector),
            refunds=tuple(shown),
        )

    def _give_back(self, call: GiveBack, now: float) -> GivenBack | NotGivenBack:
        """The same key is the same refund, however often it is asked for."""
        refund, request, reference = call.refund, call.request, call.reference
        if refund.key not in self.returns:
            reason = self._no_refund(refund)
            if reason:
                return NotGivenBack(request=request, reference=reference, date=now, reason=reason)
            self._begin_return(refund, now)
        return GivenBack(request=request, reference=reference, date=now, refund=self.returns[refund.key].seen)

    def _no_refund(self, refund: Refund) -> NoRefund | None:
        if self.habits.test_account:
            return NoRefund.TEST_ACCOUNT
        if refund.payment not in self.ledger:
            return NoRefund.NO_PAYMENT
        left = self.left(refund.payment)
        if not left:
            return NoRefund.STATE
        return NoRefund.AMOUNT if not refund.whole and refund.cents > left else None

    def left(self, payment_id: str) -> int:
        """What of a payment can still be given back."""
        _, payment = self.ledger[payment_id]
        if payment.state is not PaymentState.APPROVED:
            return 0
        gone = sum(r.cents for r in self.returns.values() if r.payment == payment_id and _counts(r))
        return (payment.cents or 0) - gone

    def _begin_return(self, refund: Refund, now: float) -> None:
        self._ids += 1
        habit = self.habits.returning
        self._tally["a refund: " + habit.value] += 1
        cents = self.left(refund.payment) if refund.whole else refund.cents
        at_once = habit is Returning.AT_ONCE
        self.returns[refund.key] = Return(
            f"r{self._ids}",
            refund.payment,
            cents,
            PaymentState.APPROVED if at_once else PaymentState.PENDING,
            now + self.lag_refunds_s,
            now if at_once else now + RIPENS_S,
        )
        if at_once:
            self._returned(refund.payment, now)

    def _ripen(self, now: float) -> None:
        for refund in self.returns.values():
            if refund.state is PaymentState.PENDING and refund.ripe_at <= now:
                done = self.habits.returning is Returning.LATER
                refund.state = PaymentState.APPROVED if done else PaymentState.REJECTED
                if done:
                    self._returned(refund.payment, now)

    def _returned(self, payment_id: str, now: float) -> None:
        """What went back of a payment shows in it, and all of it is a state of its own."""
        _, payment = self.ledger[payment_id]
        back = sum(r.cents for r in self.returns.values() if r.payment == payment_id and _went_back(r))
        state = PaymentState.REFUNDED if back == payment.cents else payment.state
        self._becomes(replace(payment, state=state, refunded_cents=back), now)

    # --- customers ----------------------------------------------------------------------------------------------

    def scan(self, now: float) -> Order | None:
        """What a phone that scans the QR gets; it keeps it, whatever becomes of the POS."""
        order = self._current(now)
        if order is not None and self.habits.opened is Opened.AT_SCAN:
            self._open(order, now)
        return order

    def begin(self, order: Order) -> None:
        """The customer presses "pay"."""
        order.paying += 1

    def land(
        self, order: Order, now: float, cents: int = 0, state: PaymentState = PaymentState.APPROVED
    ) -> PaymentSeen | None:
        """The payment that was begun comes to its end; None: it failed. ``cents`` 0: the whole order."""
        order.paying -= 1
        if order.dead:
            return None
        merchant = self._unpaid(order) or self._open(order, now + self.lag_orders_s)
        self._ids += 1
        payment = PaymentSeen(f"p{self._ids}", state, cents or order.cents, self._currency)
        self._settle(merchant, payment, now)
        return payment

    def turn(self, payment_id: str, now: float, state: PaymentState) -> None:
        """A payment becomes something else: pending money arrives, or does not."""
        _, payment = self.ledger[payment_id]
        self._becomes(replace(payment, state=state), now)

    def give_back_by_hand(self, payment_id: str, now: float, cents: int = 0) -> None:
        """Somebody does it in the account. ``cents`` 0: all that is left; more than is left is nothing."""
        left = self.left(payment_id)
        if 0 < (cents or left) <= left:
            self._ids += 1
            shows_at = now + self.lag_refunds_s
            refund = Return(f"r{self._ids}", payment_id, cents or left, PaymentState.APPROVED, shows_at, now)
            self.returns[f"by hand: {refund.id}"] = refund
            self._returned(payment_id, now)

    def _becomes(self, payment: PaymentSeen, now: float) -> None:
        reference, _ = self.ledger[payment.id]
        account = self.accounts[reference]
        for merchant in account.orders:
            if payment.id in merchant.payments:
                self._settle(merchant, payment, now)
                return
        self.ledger[payment.id] = (reference, payment)
        account.strange = [
            replace(order, payments=tuple(payment if each.id == payment.id else each for each in order.payments))
            for order in account.strange
        ]

    def show_with(self, reference: str, order: OrderSeen, now: float) -> None:
        """The search for ``reference`` shows this order, too. Its approved money is in the ledger if it is ours."""
        self._account(reference).strange.append(order)
        if order.reference == reference and order.collector == self.shop.collector:
            for payment in order.payments:
                self.ledger.setdefault(payment.id, (reference, payment))

    def _account(self, reference: str) -> Account:
        return self.accounts.setdefault(reference, Account())

    def _open(self, order: Order, at: float) -> MerchantOrder:
        account = self._account(order.reference)
        self._ids += 1
        merchant = MerchantOrder(f"m{self._ids}", order.reference, order.cents)
        account.orders.append(merchant)
        self._show(merchant, at)
        return merchant

    def _unpaid(self, order: Order) -> MerchantOrder | None:
        account = self.accounts.get(order.reference)
        if account is None:
            return None
        return next((m for m in reversed(account.orders) if not m.shown[-1][1].complete), None)

    def _settle(self, merchant: MerchantOrder, payment: PaymentSeen, now: float) -> None:
        merchant.payments[payment.id] = payment
        self.ledger[payment.id] = (merchant.reference, payment)
        self._moments.setdefault((payment.id, payment.state), now)
        listed = replace(payment, reference=merchant.reference, collector=self.shop.collector)
        states = self.accounts[merchant.reference].listed.setdefault(payment.id, [])
        states.append((now + self.lag_payments_s, listed))
        self._show(merchant, now + self.lag_orders_s)
        pos = self.pos
        if pos is not None and pos.reference == merchant.reference and merchant.shown[-1][1].complete:
            self._change(None, now)  # paid: it leaves the POS

    def _show(self, merchant: MerchantOrder, at: float) -> None:
        payments = tuple(merchant.payments.values())
        worth = sum(p.cents or 0 for p in payments if p.state in (PaymentState.APPROVED, PaymentState.REFUNDED))
        seen = OrderSeen(
            merchant.id, merchant.reference, self.shop.collector, worth >= merchant.cents, merchant.cents, payments
        )
        merchant.shown.append((at, seen))

    # --- the audit ----------------------------------------------------------------------------------------------

    def returned(self) -> dict[str, tuple[str, int]]:
        """What really went back, by the key under which it was asked for: its id, and how much."""
        return {key: (refund.id, refund.cents) for key, refund in self.returns.items() if _went_back(refund)}

    def approved(self) -> dict[str, str]:
        """Every payment that is approved now: payment -> reference."""
        return {
            id_: reference
            for id_, (reference, payment) in self.ledger.items()
            if payment.state is PaymentState.APPROVED
        }


def _went_back(refund: Return) -> bool:
    return refund.state is PaymentState.APPROVED


def _counts(refund: Return) -> bool:
    return refund.state in (PaymentState.APPROVED, PaymentState.PENDING)


def shown_at(states: list[tuple[float, T]], now: float) -> T | None:
    """What is shown at ``now``: the newest state whose time has come."""
    return next((seen for at, seen in reversed(states) if at <= now), None)
