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

from kiosk.sale.events import Removal
from kiosk.sale.records import Line, Sale
from kiosk.sim.doubts import DOUBTS, Behaviour
from kiosk.sim.ledger import Ledger
from kiosk.sim.mercadopago import FakeMercadoPago
from kiosk.sim.served import bound, served
from tests.adversary import USER, Said
from tests.contract import SALE, TOKEN, Lane

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
        """Serve it, and talk to it in a thread."""

        async def live() -> None:
            listener = bound("127.0.0.1", 0)
            async with served(self.account.app, listener, date_header=False):
                await asyncio.to_thread(self._talk, talk, listener.getsockname()[1])

        asyncio.run(live())

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

# --- where doubts differ ----------------------------------------------------------------------------------------------

_OPENED_AT_PUT: Final[Transcript] = {"unpaid": "unpaid", "unpaid, first": "unpaid", "unpaid, second": "unpaid"}
_STILL_THERE: Final[Transcript] = {"held while paying": "ours"}
_NEVER_COVERED: Final[Transcript] = dict.fromkeys(
    ("paid", "paid, at a glance", "paid while deleted", "paid twice"), "unpaid"
)
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
    "a coupon within the amount": _NEVER_COVERED,
}
"""By the doubt's name; one that is not here changes nothing that the adapter says."""


def plausible(step: str) -> set[Said]:
    """Every word that a step may end with on some account."""
    wanted = {**UNPAID, **PAID, **TIMED}[step]
    return {wanted, *(differs[step] for differs in DIFFERS.values() if step in differs)}


def likely(said: Transcript) -> list[str]:
    """The doubts that these words speak for: every word that such a doubt changes is the one that was said."""
    fits = []
    for doubt in DOUBTS:
        changes = {step: word for step, word in DIFFERS.get(doubt.name, {}).items() if step in said}
        if changes and all(said[step] == word for step, word in changes.items()):
            fits.append(doubt.name)
    return fits
