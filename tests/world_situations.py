"""What can happen to a sale: the situations that a history is drawn from.

A situation is a story of a cashier and a customer, from the first digit to the end of the sale. What may go wrong with
the world meanwhile stands in ``world_troubles``. Everything uncertain is drawn from the world's ``choose``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from kiosk.sale.days import CloseAsked
from kiosk.sale.events import LookNow, Notified, OrderSeen, PaperAsked, PaymentSeen, PaymentState, SettleAsked
from kiosk.sale.giving import Inquiring, Signing, Sizing
from kiosk.sale.records import Phase, RefundState
from kiosk.sale.states import (
    Checking,
    Entering,
    Guarding,
    Idle,
    Menu,
    MenuItem,
    Notice,
    Paid,
    Placing,
    State,
    Waiting,
    Withdrawing,
)
from tests.world import PIN, World
from tests.world_line import Fault
from tests.world_provider import Order

Play = Callable[[World], None]

AMOUNTS: Final = ("5D#", "7D#", "12D#", "9D#")
SOON_S: Final = (0.2, 0.5, 1.0, 1.8, 3.5)
MOMENTS_S: Final = (0.0, 0.01, 0.06, 0.12, 0.2, 0.35, 0.5, 0.8, 1.5, 4.0)
"""After the beginning of a withdrawal: between any two of its requests."""
FLIGHTS_S: Final = (0.0, 0.05, 0.2, 0.7, 3.0, 9.0)
"""How long a payment is on its way."""
LATER_S: Final = (5.0, 40.0, 200.0, 900.0, 1800.0)
UNWATCHED_S: Final = 2000.0
"""So long after an order's death nobody watches it any more."""
LATEST_S: Final = 1500.0
"""So long after its death at the latest, a phone that kept an order pays it."""


# --- customers --------------------------------------------------------------------------------------------------------


def _scans(w: World, then: Callable[[Order], None], after_s: tuple[float, ...] = SOON_S) -> None:
    """The next customer scans what the POS shows, a while after the order came onto it; then does what he does."""

    def scan(_: None) -> None:
        order = w.provider.scan(w.now)
        if order is not None:
            then(order)

    w.customer = lambda _: w.later(w.pick(after_s), scan)


def pays(w: World, order: Order, after_s: float = 0.0, flight_s: float = 0.0, cents: int = 0) -> None:
    """The phone pays what it has scanned, within the time in which that is possible at all."""
    begin_s = max(0.0, min(after_s, order.expires + LATEST_S - w.now))

    def begin(_: None) -> None:
        w.provider.begin(order)
        w.later(flight_s, land)

    def land(_: None) -> None:
        w.provider.land(order, w.now, cents)

    if begin_s or flight_s:
        w.slack_s += flight_s
        w.later(begin_s, begin)
    else:
        w.provider.begin(order)
        w.provider.land(order, w.now, cents)


def sell(w: World) -> None:
    """The plain sale."""
    _scans(w, lambda order: pays(w, order))
    w.sell(w.pick(AMOUNTS))


def sell_slowly(w: World) -> None:
    """The payment is on its way for a while."""
    _scans(w, lambda order: pays(w, order, w.pick(SOON_S), w.pick(FLIGHTS_S)))
    w.sell(w.pick(AMOUNTS))


def reject_then_pay(w: World) -> None:
    """A card without money, then another one."""

    def customer(order: Order) -> None:
        w.provider.begin(order)
        w.provider.land(order, w.now, state=PaymentState.REJECTED)
        pays(w, order, w.pick(SOON_S))

    _scans(w, customer)
    w.sell(w.pick(AMOUNTS))


def nobody_pays(w: World) -> None:
    """Until the time is up."""
    w.sell(w.pick(AMOUNTS))


def _cancels(w: World, state: type[Waiting] | type[Placing] | type[Guarding] = Waiting) -> None:
    """The cashier cancels: ``*``, and ``#`` after the question."""
    asks_s = w.pick(SOON_S)
    w.when[state] = [(asks_s, w.press, "*"), (asks_s + 0.3, w.press, "#")]


def cancel(w: World) -> None:
    """The customer has no money after all."""
    _cancels(w)
    w.sell(w.pick(AMOUNTS))


def cancel_at_once(w: World) -> None:
    """In the guard, or while the order is being placed."""
    w.sell(w.pick(("5D#*", "5D#*#", "5D#**#", "5D#*#*#")))


def cancel_and_stay(w: World) -> None:
    """The question is not answered, or with no; the customer pays."""
    w.when[Waiting] = [(0.4, w.press, "*"), (w.pick((0.7, 11.0)), w.press, w.pick("*5"))]
    sell_slowly(w)


def pay_while_cancelling(w: World) -> None:
    """The customer has scanned, and pays at any moment of the withdrawal."""

    def customer(order: Order) -> None:
        w.when[Withdrawing] = [(w.pick(MOMENTS_S), begin, order)]

    def begin(order: Order) -> None:
        pays(w, order, 0.0, w.pick(FLIGHTS_S))

    _scans(w, customer, (0.05,))
    _cancels(w)
    w.sell(w.pick(AMOUNTS))


def pay_when_time_is_up(w: World) -> None:
    """The same, but the withdrawal begins by itself."""

    def customer(order: Order) -> None:
        w.when[Withdrawing] = [(w.pick(MOMENTS_S), begin, order)]

    def begin(order: Order) -> None:
        pays(w, order, 0.0, w.pick(FLIGHTS_S))

    _scans(w, customer)
    w.sell(w.pick(AMOUNTS))


def pay_at_expiry(w: World) -> None:
    """At the instant at which the order dies at Mercado Pago."""

    def customer(order: Order) -> None:
        pays(w, order, order.expires - w.now + w.pick((-9.0, -0.5, -0.01, 0.0, 0.01, 0.5)), w.pick(FLIGHTS_S))

    _scans(w, customer)
    if w.choose(2):
        _cancels(w)
    w.sell(w.pick(AMOUNTS))


def pay_late(w: World) -> None:
    """A phone kept the order, and pays long after it was cancelled."""
    _scans(w, lambda order: pays(w, order, w.pick(LATER_S), w.pick(FLIGHTS_S)), (0.1,))
    _cancels(w)
    w.sell(w.pick(AMOUNTS))


def pay_twice(w: World) -> None:
    """Two phones scan, and both pay."""

    def customer(order: Order) -> None:
        pays(w, order, w.pick(SOON_S))
        pays(w, order, w.pick((*SOON_S, *LATER_S)), w.pick(FLIGHTS_S))

    _scans(w, customer)
    w.sell(w.pick(AMOUNTS))


def two_phones(w: World) -> None:
    """Two phones scan; the first one pays, the second one pays at the same time, later, or not at all."""

    def customer(order: Order) -> None:
        pays(w, order, w.pick(SOON_S), w.pick(FLIGHTS_S))
        w.later(w.pick((0.05, 0.4, 2.0)), second)

    def second(_: None) -> None:
        order = w.provider.scan(w.now)
        if order is not None and w.choose(2):
            pays(w, order, w.pick(SOON_S), w.pick(FLIGHTS_S))

    _scans(w, customer)
    w.sell(w.pick(AMOUNTS))


def pay_a_part(w: World) -> None:
    """Half of it; then perhaps the rest, or the whole amount again, soon or late."""

    def customer(order: Order) -> None:
        half = order.cents // 2
        pays(w, order, cents=half)
        rest = w.pick((0, order.cents - half, order.cents))
        if rest:
            pays(w, order, w.pick((*SOON_S, *LATER_S)), cents=rest)

    _scans(w, customer)
    w.sell(w.pick(AMOUNTS))


def pend(w: World) -> None:
    """The payment is pending first; then it arrives, or does not."""

    def customer(order: Order) -> None:
        w.provider.begin(order)
        payment = w.provider.land(order, w.now, state=PaymentState.PENDING)
        outcome = w.pick((PaymentState.APPROVED, PaymentState.APPROVED, PaymentState.REJECTED))
        if payment is not None:
            at_s = w.pick((*SOON_S, *LATER_S, 6000.0))
            w.later(at_s, lambda _: w.provider.turn(payment.id, w.now, outcome))

    _scans(w, customer)
    w.sell(w.pick(AMOUNTS))


def refund(w: World) -> None:
    """Somebody gives the money back in the account, soon or late."""

    def customer(order: Order) -> None:
        w.provider.begin(order)
        payment = w.provider.land(order, w.now)
        if payment is not None:
            at_s = w.pick((0.0, 0.1, 1.0, 20.0, 400.0))
            w.later(at_s, lambda _: _by_hand(w, payment.id))

    _scans(w, customer)
    w.sell(w.pick(AMOUNTS))


def _by_hand(w: World, payment: str, cents: int = 0) -> None:
    """In the account; never between the kiosk's last question before its first attempt and the outcome of that: it
    cannot tell the two apart."""
    refunds = w.counter.refunds
    wanted = [wish for wish in w.journal.wishes.values() if wish.state is RefundState.WANTED]
    at_it = (wish.payment for wish in wanted if wish.tries or wish.doubt or wish.key == refunds.key)
    if payment not in at_it:
        at_the_desk = isinstance(w.counter.state, Inquiring | Sizing | Signing)
        about_to = at_the_desk or any(wish.payment == payment for wish in wanted)
        w.tally["given back by hand while the kiosk is about to"] += about_to
        w.provider.give_back_by_hand(payment, w.now, cents)


def pay_when_nobody_watches(w: World) -> None:
    """A phone keeps the order until its watch is over, and pays: only the account's statement tells, or the cashier
    asks.

    The kiosk is off meanwhile, and looks once when it starts: an hour of looks would take as many steps as ten sales.
    """
    kept: list[Order] = []
    _scans(w, kept.append, (0.05,))
    _cancels(w)
    w.sell(w.pick(AMOUNTS))
    if kept:
        w.until_quiet()
        w.power_off(max(0.0, kept[0].expires - w.now) + UNWATCHED_S)
        w.until_ready()
        w.pause(10.0)
        pays(w, kept[0])
        w.unseen = True
        if w.choose(2):
            w.keys("C#")
            w.pause(12.0)


def restored_backup(w: World) -> None:
    """The card dies after a sale, and a copy from before it takes its place. Its money is in the account alone."""
    w.until_ready()
    copy = w.journal.copy()
    w.pick((sell, sell_slowly, pay_a_part, pay_twice, cancel))(w)
    w.restore(copy)


def strange_orders(w: World) -> None:
    """The search shows a closed order that is not this sale's, or not its amount; perhaps a real one follows."""

    def customer(order: Order) -> None:
        w.provider.show_with(order.reference, _strange(w, order), w.now)
        if w.choose(2):
            pays(w, order, w.pick(SOON_S))

    _scans(w, customer)
    w.sell(w.pick(AMOUNTS))


def _strange(w: World, order: Order) -> OrderSeen:
    shop, id_ = w.shop, f"s{w.sales}"
    currency, ours = shop.site.currency.code, shop.collector
    paid = PaymentSeen(id_, PaymentState.APPROVED, order.cents, currency)
    dollars = PaymentSeen(id_, PaymentState.APPROVED, order.cents, "USD")
    less = PaymentSeen(id_, PaymentState.APPROVED, order.cents - 100, currency)
    return w.pick(
        (
            OrderSeen(id_, order.reference, ours + 1, True, order.cents, (paid,)),
            OrderSeen(id_, order.reference, None, True, order.cents, (paid,)),
            OrderSeen(id_, order.reference + "x", ours, True, order.cents, (paid,)),
            OrderSeen(id_, order.reference, ours, True, order.cents - 100, (less,)),
            OrderSeen(id_, order.reference, ours, True, order.cents - 100, (paid,)),
            OrderSeen(id_, order.reference, ours, True, order.cents, (less,)),
            OrderSeen(id_, order.reference, ours, True, order.cents, (dollars,)),
            OrderSeen(id_, order.reference, ours, True, order.cents, ()),
        )
    )


# --- cashiers ---------------------------------------------------------------------------------------------------------


def mistype(w: World) -> None:
    """Corrections, amounts that do not fit, a sale that is typed and forgotten."""
    _scans(w, lambda order: pays(w, order))
    w.sell(w.pick(("057*D#", "50#0#", "99#*****", "123456789012#***", "25", "5D##", "0D5#", "2DA3D#")))


def large_amount(w: World) -> None:
    """Asked once more."""
    _scans(w, lambda order: pays(w, order))
    w.sell(w.pick(("2000D#1", "2000D#*#1", "2000D##5", "2000D#", "20000D#***#1")))


def ask_now(w: World) -> None:
    """Key ``C``, and notices that come early, late, or about nothing."""
    _scans(w, lambda order: pays(w, order))
    told = w.pick(("", "nobody", *w.journal.sales))
    w.when[Waiting] = [(0.2, w.press, "C"), (w.pick(SOON_S), _notify, (w, told))]
    w.sell(w.pick(AMOUNTS))


def _notify(told: tuple[World, str]) -> None:
    """A notification of a sale's orders and payments, whatever became of them; of the one in front, or of nobody's."""
    w, reference = told
    w.tally["notifications"] += 1
    account = w.provider.accounts.get(reference)
    if account is None:
        w.feed(Notified(orders=("m0",), payments=("p0",), references=("nobody",)) if reference else LookNow())
        return
    orders, payments = (merchant.id for merchant in account.orders), tuple(account.listed)
    w.feed(Notified(tuple(orders), payments, (reference,)))


def impatient(w: World) -> None:
    """Keys at every wrong moment."""
    for state in (Guarding, Placing, Waiting, Withdrawing, Checking, Paid, Notice):
        w.when[state] = [(0.1 * n, w.press, w.pick("0123456789#*ABCD")) for n in range(1, 4)]
    sell_slowly(w)


def menu(w: World) -> None:
    """A reprint, owed papers, a question about an older sale, or a walk; with PAID on the screen, or when idle."""
    if w.choose(2):
        w.pause(1.2)  # PAID wants a second without keys
        w.press("#")
        w.pause(1.2)
    w.keys(w.pick(("*#", "**#", "C*#", "*5", "***")))
    w.pause(w.pick((0.5, 5.0, 25.0)))


def reprint(w: World) -> None:
    """The ticket once more, while PAID stands on the screen: its first print may be out, under way, or in doubt."""
    w.when[Paid] = [(w.pick((1.1, 2.5, 6.0)), w.press, "*")]
    sell(w)
    w.pause(8.0)


# --- supervisors ------------------------------------------------------------------------------------------------------


def gives_back(w: World) -> None:
    """Money goes back, of the last sale or an older one: all that is left of it, or a part, and perhaps such a part
    again."""
    if w.choose(2):
        w.pick((sell, sell_slowly, pay_a_part, pay_twice, reprint))(w)
    paid = [sale for sale in w.journal.sales.values() if sale.phase is Phase.PAID]
    number = w.pick(("", "", *(str(sale.number) for sale in paid), "999"))
    part = w.pick(("", "", "1D", "250", "D5", "90D#*****"))
    w.provider.lag_refunds_s = w.pick((0.0, 0.0, 8.0, 25.0))
    for _ in range(1 + w.choose(3)):
        if paid and not w.choose(4):
            _by_hand(w, w.pick(w.pick(paid).payments), w.pick((0, 100, 300)))
        if _at_the_desk(w, MenuItem.REFUND):
            w.keys(number + "#")
            if _comes_to(w, Sizing):
                w.keys(part)
                if not w.choose(3):
                    _meanwhile(w)
                w.keys("#")
            _sign(w)


def _meanwhile(w: World) -> None:
    """Somebody gives the same amount back in the account, or another, while it is signed for, or right after that."""
    state = w.counter.state
    if isinstance(state, Sizing):
        payment, cents = w.pick(state.case.payments), w.pick((state.cents, state.cents, 0, 100))
        w.later(w.pick(MOMENTS_S), partial(_by_hand, w, payment), cents)


def settles(w: World) -> None:
    """Disputed money, if there is any, was delivered, or goes back."""
    if not w.counter.disputes or not w.choose(3):
        w.pick((pay_twice, pay_a_part, pay_late, strange_orders))(w)
    if not w.choose(3):
        _settles_from_afar(w)
    elif _at_the_desk(w, MenuItem.SETTLE):
        w.keys("*" * w.choose(len(w.counter.disputes)) + w.pick("12"))
        _sign(w)


def _settles_from_afar(w: World) -> None:
    """The technician says so. What he calls refunded he has given back in the account before."""
    for dispute in w.counter.disputes[:1]:
        word, payment = w.pick(("delivered", "refunded")), dispute.payment.removesuffix(":excess")
        if word == "refunded" and not dispute.payment.endswith(":excess"):
            _by_hand(w, payment)
        w.feed(SettleAsked(dispute.payment, word, "Rui"))


def _at_the_desk(w: World, item: MenuItem) -> bool:
    """Walk the menu to that entry, and into it; whether it is there."""
    w.until_ready()
    if not isinstance(w.counter.state, Idle):
        w.keys("#")
    w.keys("*")
    while (state := w.counter.state) and isinstance(state, Menu) and state.item is not item:
        w.keys("*")
    if not isinstance(state, Menu):
        return False
    w.keys("#")
    return True


def _comes_to(w: World, kind: type[State]) -> bool:
    """Wait for the account's answer; whether the desk goes on."""
    w.pause(0.2)
    while w.on and isinstance(state := w.counter.state, Inquiring) and state.talk.request:
        w.next()
    return w.kind is kind


def _sign(w: World) -> None:
    """With her PIN, sooner or later; then she waits for it, or goes. What goes wrong does so from the first attempt on,
    or from the question before it: a trouble that began before has mostly passed."""
    if not _comes_to(w, Signing):
        return
    w.keys(w.pick(("", "", "", "", "", "", "1111#", "0***", "1111#" * 5)) + PIN)
    w.tally["signed"] += 1
    if w.choose(2):
        question = w.pick((None, None, None, *Fault))
        faults = (question, w.pick(tuple(Fault)), w.pick((None, None, Fault.HALF, Fault.LOST)), w.pick(tuple(Fault)))
        w.line.fault(*faults[: 1 + w.choose(4)])
    if not w.choose(4):
        w.spark(1 + w.choose(6), w.cut_power)
    w.keys("#")
    w.pause(w.pick((0.3, 2.0, 20.0)))


def technician(w: World) -> None:
    """At any moment of what comes next he asks for some ticket once more, or for a slip. Not drawn by itself."""

    def ask(number: int) -> None:
        tickets = [debt for debt in w.journal.debts.values() if debt.reference and debt.number == number]
        w.tally["papers asked for"] += 1
        w.feed(PaperAsked(w.tally["papers asked for"], number, tickets[-1] if tickets else None, ("a line",)))

    w.later(w.pick((*SOON_S, *LATER_S)), ask, w.choose(len(w.journal.sales) + 2))


def closes_the_day(w: World) -> None:
    """At any moment of what comes next the technician closes the day. Not drawn by itself."""
    w.later(w.pick((*SOON_S, *LATER_S)), w.feed, CloseAsked())


def quiet_hour(w: World) -> None:
    """Nobody comes."""
    w.pause(w.pick((40.0, 70.0, 400.0)))


def service_restart(w: World) -> None:
    """The service is stopped at any moment of a sale."""
    state = w.pick((Entering, Guarding, Placing, Waiting, Withdrawing, Checking, Paid, Notice, Idle))
    w.when[state] = [(w.pick(MOMENTS_S), w.stop, None)]
    w.pick((sell_slowly, cancel, pay_while_cancelling))(w)


SITUATIONS: Final[tuple[tuple[str, Play], ...]] = (
    ("sell", sell),
    ("sell slowly", sell_slowly),
    ("reject, then pay", reject_then_pay),
    ("nobody pays", nobody_pays),
    ("cancel", cancel),
    ("cancel at once", cancel_at_once),
    ("cancel and stay", cancel_and_stay),
    ("pay while cancelling", pay_while_cancelling),
    ("pay when time is up", pay_when_time_is_up),
    ("pay at expiry", pay_at_expiry),
    ("pay late", pay_late),
    ("pay twice", pay_twice),
    ("two phones", two_phones),
    ("pay a part", pay_a_part),
    ("pend", pend),
    ("refund", refund),
    ("pay when nobody watches", pay_when_nobody_watches),
    ("restored backup", restored_backup),
    ("strange orders", strange_orders),
    ("mistype", mistype),
    ("large amount", large_amount),
    ("ask now", ask_now),
    ("impatient", impatient),
    ("menu", menu),
    ("reprint", reprint),
    ("quiet hour", quiet_hour),
    ("service restart", service_restart),
    ("gives back", gives_back),
    ("settles", settles),
)
EVERY_DAY: Final = (*[("sell", sell)] * 80, *SITUATIONS[1:3] * 4, *SITUATIONS)
"""A shop's days: most sales are plain."""
