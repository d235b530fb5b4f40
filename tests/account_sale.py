"""One sale after the other through the adapter on an account: the fake under every doubt, or a real test account.

What an account answers at each step is written down as a transcript of words (see ``adversary``). Of the fake it must
be exactly the one that belongs to the doubt; of a real account, nobody knows, so that each word must be one that some
doubt has: every one of those is a kiosk that keeps its promises.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, Protocol

from kiosk.sale.events import NoRefund, Removal, Seen, Trouble
from kiosk.sale.records import Line, Refund, Sale
from kiosk.sim.doubts import DOUBTS, Behaviour
from kiosk.sim.ledger import Ledger
from kiosk.sim.line import Line as Wire
from kiosk.sim.mercadopago import FakeMercadoPago
from kiosk.sim.served import bound, served
from tests.adversary import USER, Said
from tests.contract import REFUND, SALE, TOKEN, Lane

Transcript = dict[str, Said]
NOW: Final = 1_900_000_000.0


class Fake:
    """The fake account on a port, its clock, and its customer."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.now = NOW
        self.account = FakeMercadoPago(
            wall=lambda: self.now, token=TOKEN, user_id=USER, store="STORE01", pos="KIOSK01", site="MLB"
        )
        self.account.ledger.behaviour = replace(behaviour)

    def run(self, talk: Callable[[Lane], None]) -> None:
        """Serve it behind a line that can be cut, and talk to it in a thread."""

        async def live() -> None:
            listener, line = bound("127.0.0.1", 0), Wire()
            self._loop = asyncio.get_running_loop()
            async with served(self.account.app, listener, date_header=False):
                port = await line.start(*listener.getsockname())
                self.account.attach(line)
                try:
                    await asyncio.to_thread(self._talk, talk, port)
                finally:
                    await line.close()

        asyncio.run(live())

    def trouble(self, name: str, on: bool) -> None:
        """Begin or end one of its troubles; for the thread that talks."""

        async def turn() -> None:
            self.account.set_trouble(name, on)

        asyncio.run_coroutine_threadsafe(turn(), self._loop).result(10)

    def _talk(self, talk: Callable[[Lane], None], port: int) -> None:
        lane = Lane(f"http://127.0.0.1:{port}")
        try:
            talk(lane)
        finally:
            lane.close()

    def forget(self) -> None:
        """New books, the same behaviour."""
        behaviour = self.account.ledger.behaviour
        self.account.ledger = Ledger(site="MLB", started=self.now)
        self.account.ledger.behaviour = behaviour

    def customer(self, action: str) -> None:
        """Let the customer act."""
        self.account.customer(action)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


class Customer(Protocol):
    """Who stands before the counter."""

    def __call__(self, action: str) -> object: ...


def sale(name: str, lane: Lane, cents: int = 2500, expires: float | None = None) -> Sale:
    """A sale of its own reference, in the money of the lane's account."""
    lines, currency = (Line("Venda", 1, cents),), lane.site.currency.code
    return replace(SALE, reference=f"KIOSK01-{name}", cents=cents, currency=currency, lines=lines, expires=expires)


# --- without a customer: what can be asked of a real account, too -----------------------------------------------------


def unpaid(lane: Lane, tag: str = "", cents: int = 2500) -> Transcript:
    """An order is put on the POS, another over it, and both are taken away; nobody pays. ``tag``: of the references."""
    first, second = sale(f"{tag}a", lane, cents), sale(f"{tag}b", lane, cents)
    said: Transcript = {"whose token": lane.ask("account"), "before": lane.ask("pos", first)}
    said["put"] = lane.ask("place", first)
    said["held"] = lane.ask("pos", first)
    said["unpaid"] = lane.ask("look", first)
    said["put again"] = lane.ask("place", first)
    said["held again"] = lane.ask("pos", first)
    said["put over it"] = lane.ask("place", second)
    said["held then"] = lane.ask("pos", second)
    said["delete"] = lane.ask("withdraw", second)
    said["free"] = lane.ask("pos", second)
    said["delete again"] = lane.ask("withdraw", second)
    said["unpaid, first"] = lane.ask("look", first)
    said["unpaid, second"] = lane.ask("glance", second)
    return said


UNPAID: Final[Mapping[str, Said]] = {
    "whose token": "ours",
    "before": "free",
    "put": "placed",
    "held": "ours",
    "unpaid": "nothing",
    "put again": "placed",
    "held again": "ours",
    "put over it": "placed",
    "held then": "ours",
    "delete": Removal.BY_US,
    "free": "free",
    "delete again": Removal.GONE,
    "unpaid, first": "nothing",
    "unpaid, second": "nothing",
}

# --- with one ---------------------------------------------------------------------------------------------------------


def paid(lane: Lane, customer: Customer) -> Transcript:
    """A sale paid, one paid while it is taken away, one with a rejected payment before, one with two phones."""
    said: Transcript = {}
    first = sale("c", lane)
    lane.ask("place", first)
    customer("scan")
    said["scanned"] = lane.ask("look", first)
    customer("reject")
    said["rejected"] = lane.ask("look", first)
    said["held after a reject"] = lane.ask("pos", first)
    customer("confirm")
    said["paid"] = lane.ask("look", first)
    said["paid, at a glance"] = lane.ask("glance", first)
    said["free when paid"] = lane.ask("pos", first)
    said["delete what is paid"] = lane.ask("withdraw", first)
    late = sale("d", lane)
    lane.ask("place", late)
    customer("scan")
    said["delete while paying"] = lane.ask("withdraw", late)
    said["held while paying"] = lane.ask("pos", late)
    customer("confirm")
    said["paid while deleted"] = lane.ask("look", late)
    twice = sale("e", lane)
    lane.ask("place", twice)
    customer("pay-twice")
    said["paid twice"] = lane.ask("look", twice)
    part = sale("f", lane)
    lane.ask("place", part)
    customer("pay-part")
    said["paid in part"] = lane.ask("look", part)
    lane.ask("withdraw", part)
    return said


PAID: Final[Mapping[str, Said]] = {
    "scanned": "unpaid",
    "rejected": "unpaid",
    "held after a reject": "ours",
    "paid": "paid",
    "paid, at a glance": "paid",
    "free when paid": "free",
    "delete what is paid": Removal.GONE,
    "delete while paying": Removal.BY_US,
    "held while paying": "free",
    "paid while deleted": "paid",
    "paid twice": "paid",
    "paid in part": "unpaid",
}


def timed(lane: Lane, wait: Callable[[float], None]) -> Transcript:
    """Orders whose time comes and goes, by the account's own clock."""
    said: Transcript = {}
    for name, life_s in (("a minute", 60.0), ("an hour", 3600.0)):
        told = lane.call("account")
        assert told.date is not None
        short = sale(name.replace(" ", "-"), lane, expires=told.date + life_s)
        lane.ask("place", short)
        wait(61.0)
        said[f"{name}: after one minute"] = lane.ask("pos", short)
        wait(540.0)
        said[f"{name}: after ten minutes"] = lane.ask("pos", short)
        lane.ask("withdraw", short)
    return said


TIMED: Final[Mapping[str, Said]] = {
    "a minute: after one minute": "free",
    "a minute: after ten minutes": "free",
    "an hour: after one minute": "ours",
    "an hour: after ten minutes": "free",
}


def payment_of(lane: Lane, paid: Sale) -> str:
    """The id of the payment that the account shows for that sale."""
    seen = lane.call("look", paid)
    assert isinstance(seen, Seen)
    return seen.evidence.payments[0].id


def refund(payment: str, key: str, cents: int = 0) -> Refund:
    """So much of a payment goes back; 0: all that is left of it."""
    return replace(REFUND, key=key, payment=payment, cents=cents or 2500, whole=not cents)


def given_back(lane: Lane, customer: Customer, wait: Callable[[float], None]) -> Transcript:
    """A payment of which a part goes back, and then the rest."""
    bought = sale("g", lane)
    lane.ask("place", bought)
    customer("pay")
    payment = payment_of(lane, bought)
    part, rest = refund(payment, "key-of-the-part", 1000), refund(payment, "key-of-the-rest")
    said: Transcript = {"no refunds": lane.ask("refunds", refund=part)}
    said["a part"] = lane.ask("give-back", refund=part)
    said["a part, again"] = lane.ask("give-back", refund=part)
    said["refunds at once"] = lane.ask("refunds", refund=part)
    said["more than is left"] = lane.ask("give-back", refund=refund(payment, "key-of-more", 1501))
    wait(30.0)
    said["refunds later"] = lane.ask("refunds", refund=part)
    said["the rest"] = lane.ask("give-back", refund=rest)
    said["nothing is left"] = lane.ask("give-back", refund=refund(payment, "another-key"))
    said["no payment"] = lane.ask("refunds", refund=refund("1", "x"))
    said["no payment to give back"] = lane.ask("give-back", refund=refund("1", "x"))
    return said


GIVEN_BACK: Final[Mapping[str, Said]] = {
    "no refunds": "not refunded",
    "a part": "given back",
    "a part, again": "given back",
    "refunds at once": "refunded",
    "more than is left": NoRefund.OTHER,
    "refunds later": "refunded",
    "the rest": "given back",
    "nothing is left": NoRefund.STATE,
    "no payment": "no payment",
    "no payment to give back": NoRefund.NO_PAYMENT,
}

# --- where doubts differ ----------------------------------------------------------------------------------------------

_OPENED_AT_PUT: Final[Transcript] = {"unpaid": "unpaid", "unpaid, first": "unpaid", "unpaid, second": "unpaid"}
_STILL_THERE: Final[Transcript] = {"held while paying": "ours"}
_NEVER_COVERED: Final[Transcript] = dict.fromkeys(
    ("paid", "paid, at a glance", "paid while deleted", "paid twice"), "unpaid"
)
_UNDER_WAY: Final[Transcript] = {
    **dict.fromkeys(("a part", "a part, again", "the rest"), "under way"),
    "refunds at once": "not refunded",
}
DIFFERS: Final[Mapping[str, Transcript]] = {
    "a second PUT is refused": {
        "put again": "busy",
        "put over it": "busy",
        "held then": "another",
    },
    "an expiry beyond ten minutes counts": {"an hour: after ten minutes": "ours"},
    "an expiry does not count": {"a minute: after one minute": "ours"},
    "DELETE is locked while somebody pays": {"delete while paying": Removal.LOCKED, **_STILL_THERE},
    "DELETE is refused while somebody pays": {"delete while paying": Removal.GONE, **_STILL_THERE},
    "DELETE fails while somebody pays, and is done": {"delete while paying": Removal.GONE},
    "the PUT opens a merchant order": _OPENED_AT_PUT,
    "the payment opens a merchant order": {"scanned": "nothing"},
    "the search of merchant orders is behind": {"scanned": "nothing", "paid, at a glance": "nothing"},
    "a refund is in process for a while": _UNDER_WAY,
    "a refund is rejected in the end": {**_UNDER_WAY, "refunds later": "not refunded"},
    "a refund fails, and is made": dict.fromkeys(("a part", "the rest"), Trouble.SERVER),
    "the list of refunds is behind": {"refunds at once": "not refunded, not all"},
    "a key that was used is refused": {"a part, again": NoRefund.USED},
    "a test account gives nothing back": {
        **dict.fromkeys(("refunds at once", "refunds later"), "not refunded"),
        **dict.fromkeys(
            ("a part", "a part, again", "more than is left", "the rest", "nothing is left", "no payment to give back"),
            NoRefund.TEST_ACCOUNT,
        ),
    },
    "a coupon within the amount": _NEVER_COVERED,
}
"""By the doubt's name; one that is not here changes nothing that the adapter says."""


def plausible(step: str) -> set[Said]:
    """Every word that a step may end with on some account."""
    wanted = {**UNPAID, **PAID, **TIMED, **GIVEN_BACK}[step]
    return {wanted, *(differs[step] for differs in DIFFERS.values() if step in differs)}


def likely(said: Transcript) -> list[str]:
    """The doubts that these words speak for: every word that such a doubt changes is the one that was said."""
    fits = []
    for doubt in DOUBTS:
        changes = {step: word for step, word in DIFFERS.get(doubt.name, {}).items() if step in said}
        if changes and all(said[step] == word for step, word in changes.items()):
            fits.append(doubt.name)
    return fits
