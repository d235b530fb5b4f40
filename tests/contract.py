"""The contract of the Mercado Pago adapter: each entry of the adversary's catalogue over a real socket.

What is asserted of each call: that it ends with exactly the word of the catalogue, that it answers the request that was
made, within its time, with one request where one is due, and that the adapter is fit for the next call. A breach raises
``LawBroken`` with the law that a sale would have lost by it, so that planted bugs can be held against it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from kiosk.config import MercadoPagoConfig, Secret
from kiosk.mercadopago import MercadoPago
from kiosk.mercadopago.look import PAGES_MAX
from kiosk.sale.commands import AskAccount, AskPos, AskRefunds, Depth, GiveBack, Look, PaymentCall, Place, Withdraw
from kiosk.sale.events import (
    AccountIs,
    Busy,
    CallAnswer,
    Evidence,
    GivenBack,
    Holds,
    NotGivenBack,
    PaymentState,
    Placed,
    RefundsAre,
    Refused,
    Removed,
    Seen,
    StatementIs,
    Trouble,
    Unknown,
)
from kiosk.sale.money import SITES
from kiosk.sale.records import Line, Refund, Sale
from kiosk.sale.verdict import judge
from tests.adversary import (
    ACCOUNTS,
    CALLS,
    LOOKS,
    ON_THE_POS,
    PAYMENT_ID,
    REFERENCE,
    REFUNDS,
    REFUSALS,
    RIGHT,
    SAYS_NOTHING,
    STRANGERS,
    SUCCESSES,
    USER,
    Misbehaviour,
    Said,
    right,
)
from tests.adversary_wire import WIRE
from tests.laws import law
from tests.scripted_server import FakeClock, Heard, Play, ScriptedServer

TOKEN: Final = "APP_USR-1234567890-050418-0123456789abcdef-123456789"
CALL_S: Final = 10.0
LAWS: Final = {
    "place": "L6",
    "pos": "L4",
    "withdraw": "L6",
    "look": "L2",
    "account": "L6",
    "refunds": "L6",
    "give-back": "L6",
}
"""What a sale loses when the adapter misreads the answer to that call."""
SALE: Final = Sale(REFERENCE, 7, 2500, "BRL", (Line("Venda 7", 1, 2500),), key="k", made_at=0.0)
REFUND: Final = Refund("key-1", PAYMENT_ID, REFERENCE, 7, 1000, "BRL", whole=False, by="Ana", asked_at=0.0, known=())
ASKED: Final = {"look": 2 * PAGES_MAX + 1, "account": 2, "refunds": 2, "give-back": 2}
"""Requests of a call, at most; one where it is not named. Who gives back may ask who it is, but gives back once."""


class Lane:
    """An adapter with a clock that the test turns, and the far end of its wire."""

    def __init__(
        self,
        base_url: str,
        *,
        token: str = TOKEN,
        user: int = USER,
        store: str = "STORE01",
        pos: str = "KIOSK01",
        site: str = "MLB",
        limit_s: float = CALL_S,
    ) -> None:
        self.clock = FakeClock()
        self.limit_s = limit_s
        self.user = user
        self.site = SITES[site]
        settings = MercadoPagoConfig(user, store, pos, base_url)
        self.adapter = MercadoPago(settings, Secret(token), self.site, self.clock, title="Padaria")
        self._requests = 0

    def close(self) -> None:
        self.clock.over()
        self.adapter.close()

    def call(self, name: str, sale: Sale = SALE, refund: Refund = REFUND) -> CallAnswer:
        """Make that call; the answer must be one to it."""
        self._requests += 1
        request, until = self._requests, self.clock.now + self.limit_s
        reference = sale.reference
        calls: dict[str, PaymentCall] = {
            "place": Place(request=request, reference=reference, until=until, sale=sale),
            "pos": AskPos(request=request, reference=reference, until=until),
            "withdraw": Withdraw(request=request, reference=reference, until=until),
            "look": Look(request=request, reference=reference, until=until, depth=Depth.ALL),
            "glance": Look(request=request, reference=reference, until=until, depth=Depth.ORDERS),
            "account": AskAccount(request=request, reference=reference, until=until),
            "refunds": AskRefunds(request=request, reference=reference, until=until, payment=refund.payment),
            "give-back": GiveBack(request=request, reference=reference, until=until, refund=refund),
        }
        answered = self.adapter.carry_out(calls[name])
        law("L6", (answered.request, answered.reference) == (request, reference), "it answers another request")
        return answered

    def ask(self, name: str, sale: Sale = SALE, refund: Refund = REFUND) -> Said:
        """The word that it ends with."""
        return said(self.call(name, sale, refund), sale, self.user, self.site.id)


def said(answered: CallAnswer, sale: Sale = SALE, user: int = USER, site: str = "MLB") -> Said:
    """The one word in which an answer differs from others."""
    match answered:
        case Refused():
            return answered.reject
        case Unknown():
            return answered.trouble
        case Removed():
            return answered.removal
        case Placed():
            return "placed"
        case Busy():
            return "busy"
        case Holds(order=None):
            return "free"
        case Holds(order=order):
            return "ours" if order and (order.reference, order.cents) == (sale.reference, sale.cents) else "another"
        case AccountIs():
            return "ours" if (answered.user_id, answered.site) == (user, site) else "another"
        case Seen():
            return _seen(answered.evidence, sale, user)
        case StatementIs():
            return "statement" if answered.whole else "statement, not all"
        case RefundsAre():
            return _refunds(answered)
        case GivenBack():
            return _GIVEN.get(answered.refund.state, "not given")
        case NotGivenBack():
            return answered.reason


_GIVEN: Final = {PaymentState.APPROVED: "given back", PaymentState.PENDING: "under way"}


def _refunds(answered: RefundsAre) -> str:
    if answered.payment is None:
        return "no payment"
    went_back = any(refund.state is PaymentState.APPROVED for refund in answered.refunds)
    word = "refunded" if went_back else "not refunded"
    return word if answered.whole else f"{word}, not all"


def _seen(evidence: Evidence, sale: Sale, user: int) -> str:
    found = "unpaid" if evidence.orders or evidence.payments else "nothing"
    word = "paid" if judge(sale, user, evidence).paid else found
    return word if evidence.whole else f"{word}, not all"


# --- a misbehaving server ---------------------------------------------------------------------------------------------


@contextmanager
def against() -> Iterator[tuple[ScriptedServer, Lane]]:
    """An adapter before a server that is well."""
    server = ScriptedServer()
    server.otherwise = lambda heard: right(heard).bytes()
    lane = Lane(f"http://127.0.0.1:{server.port}")
    try:
        yield server, lane
    finally:
        lane.close()
        server.close()


def keeps(entry: Misbehaviour) -> None:
    """All its calls end as the catalogue says, one after the other on one adapter.

    Raises:
        LawBroken: one does not.
    """
    with against() as (server, lane):
        for call in entry.said:
            _keeps(entry, call, server, lane)


def refusals_keep_the_contract() -> None:
    """Statuses and errors, whoever says them."""
    all_keep((*REFUSALS, *SAYS_NOTHING, *STRANGERS, *SUCCESSES))


def shapes_keep_the_contract() -> None:
    """What a POS holds, what a look finds, whose token it is, what went back."""
    all_keep((*LOOKS, *ON_THE_POS, *ACCOUNTS, *REFUNDS))


def the_wire_keeps_the_contract() -> None:
    """Connections, framing, JSON that is none, time."""
    all_keep(WIRE)


def all_keep(entries: tuple[Misbehaviour, ...]) -> None:
    """One after the other, on one adapter.

    Raises:
        LawBroken: by the first that does not.
    """
    with against() as (server, lane):
        for entry in entries:
            for call in entry.said:
                _keeps(entry, call, server, lane)


def _keeps(entry: Misbehaviour, call: str, server: ScriptedServer, lane: Lane) -> None:
    well = server.otherwise
    server.otherwise = _spoilt(entry, lane.clock)
    before, began = len(server.requests), lane.clock.now
    answered = lane.call(call)
    lane.clock.over()
    word, wanted = said(answered), entry.said[call]
    law(_law(call, word), word == wanted, f"{entry.name}: {call} ended with {word}, and not with {wanted}")
    law("L8", lane.clock.seen - began <= entry.spends_s, f"{entry.name}: {call} took its time")
    asked = len(server.requests) - before
    law("L6", asked <= ASKED.get(call, 1), f"{entry.name}: {call} was repeated")
    targets = {heard.target for heard in server.requests[before:]}
    law("L6", call == "look" or len(targets) == asked, f"{entry.name}: {call} was repeated")
    if isinstance(answered, Unknown):
        law("L6", answered.retry_after_s == entry.retry_after_s, f"{entry.name}: back in {answered.retry_after_s} s")
        theirs = answered.trouble not in (Trouble.NONSENSE, Trouble.SLOW, Trouble.NETWORK)
        law("L4", theirs or answered.date is None, f"{entry.name}: a clock that is not the provider's")
    else:
        heard = (answered.date, answered.trace)
        law("L6", heard == (entry.date, entry.trace), f"{entry.name}: {call} carries {heard}")
    server.otherwise = well
    after = lane.ask("pos")
    law(
        "L4" if after == "free" else "L8",
        after == entry.then,
        f"{entry.name}: after {call}, the next one ends with {after}",
    )
    if after != "ours":
        law("L8", lane.ask("pos") == "ours", f"{entry.name}: after {call}, the adapter is of no use")


def _spoilt(entry: Misbehaviour, clock: FakeClock) -> Callable[[Heard], Play]:
    def play(heard: Heard) -> Play:
        clock.begin()
        return entry.bad(right(heard), clock)

    return play


def _law(call: str, word: Said) -> str:
    return "L1" if str(word).startswith("paid") else LAWS[call]


def the_right_answers_are_right() -> None:
    """The twin of all of them.

    Raises:
        LawBroken: one is not.
    """
    with against() as (_, lane):
        for call in CALLS:
            word = lane.ask(call)
            law(LAWS[call], word == RIGHT[call], f"{call} ended with {word}")
