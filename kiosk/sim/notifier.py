"""The notifications of the fake Mercado Pago: what the real one sends to an order's ``notification_url``, and when.

Each change of a merchant order and of a payment is told twice, as an IPN and as a webhook, unless the address asks for
one kind (``source_news``). What is not answered with 200 or 201 within 22 s is sent again on a schedule that ends after
days; a kiosk that was away for hours gets it late. Five troubles are what shops and integrators meet; the forged ones
are what anybody can send who knows the address.

Sources: Mercado Pago's guides "IPN" and "Webhooks", whose newer version has this schedule (older ones differ); the
forms are those of integrators' logs.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, urlsplit

from kiosk.sim.books import MerchantOrder, Payment
from kiosk.sim.forms import stamp
from kiosk.sim.ledger import Ledger

AGAIN_S: Final = (15 * 60.0, 30 * 60.0, 6 * 3600.0, 48 * 3600.0, 96 * 3600.0)
"""After a notification that was not taken: when it is sent again, each counted from the try before."""
ANSWER_S: Final = 22.0
DELAYED_S: Final = 20.0
SWAPPED_S: Final = 3.0
REPEATED: Final = 5
FORGED_S: Final = 0.5
"""Between two rounds of forged notifications."""
TROUBLES: Final = ("notices-delayed", "notices-lost", "notices-repeated", "notices-out-of-order", "notices-forged")


@dataclass(frozen=True, slots=True)
class Letter:
    """One notification."""

    url: str
    """The order's ``notification_url``."""
    query: str
    agent: str
    body: bytes
    opened: bool = False
    """It only says that an order was opened."""


class Notifier:
    """Sends them, in the event loop that calls it. ``wall`` is the account's clock, seconds since 1970.

    Until an order with an address changes, it needs no event loop.
    """

    def __init__(self, user_id: int, ledger: Ledger, wall: Callable[[], float]) -> None:
        self._user_id = user_id
        self._ledger = ledger
        self._wall = wall
        self.troubles = dict.fromkeys(TROUBLES, False)
        self.pause: Callable[[float], Awaitable[None]] = asyncio.sleep
        self.send: Callable[[Letter], Awaitable[bool]] = send
        """Delivers one; answers whether it was taken."""
        self._told: dict[int, float] = {}
        """Orders and payments by id, and how new the last thing told of them is."""
        self._url = ""
        """The last address that an order had."""
        self._tasks: set[asyncio.Task[None]] = set()

    def set_trouble(self, name: str, on: bool) -> None:
        """Begin or end one of ``TROUBLES``."""
        forging = self.troubles["notices-forged"]
        self.troubles[name] = on
        if self.troubles["notices-forged"] and not forging:
            self._start(self._forge())

    def look(self) -> None:
        """Send what is new in the books."""
        now = self._wall()
        for held in self._ledger.merchant_orders:
            url = held.order.body.get("notification_url")
            if isinstance(url, str) and url:
                self._url = url
                for letter in self._news(held, url, now):
                    self._start(self._deliver(letter))

    async def close(self) -> None:
        """Send nothing more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, work: Awaitable[None]) -> None:
        async def run() -> None:
            await work

        task = asyncio.get_running_loop().create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _news(self, held: MerchantOrder, url: str, now: float) -> Iterator[Letter]:
        for payment in held.payments:
            if self._is_new(payment.id, payment.updated_at(now)):
                yield from self._about_payment(payment, url, now)
        if self._is_new(held.id, held.last_update(now)):
            yield from self.about_order(held.id, url, now, closed=held.closed(now))

    def _is_new(self, number: int, at: float) -> bool:
        new = self._told.get(number) != at
        self._told[number] = at
        return new

    def about_order(self, number: int, url: str, now: float, *, closed: bool) -> Iterator[Letter]:
        """Both letters that say so."""
        status = "closed" if closed else "opened"
        event = {
            **self._event(number, now),
            "type": "topic_merchant_order_wh",
            "action": "update",
            "status": status,
            "version": 2,
            "data": {"currency_id": self._ledger.country.currency, "marketplace": "NONE", "status": status},
        }
        resource = {"resource": f"https://api.mercadolibre.com/merchant_orders/{number}", "topic": "merchant_order"}
        if _wants(url, "webhooks"):
            query = f"data.id={number}&type=topic_merchant_order_wh"
            yield Letter(url, query, "MercadoPago WebHook v1.0 merchant_order", _json(event), not closed)
        if _wants(url, "ipn"):
            query = f"topic=merchant_order&id={number}"
            yield Letter(url, query, "MercadoPago Feed v2.0 merchant_order", _json(resource), not closed)

    def _about_payment(self, payment: Payment, url: str, now: float) -> Iterator[Letter]:
        number = payment.id
        action = "payment.created" if payment.as_of(now) is payment.changes[0] else "payment.updated"
        event = {**self._event(number, now), "type": "payment", "action": action, "data": {"id": str(number)}}
        if _wants(url, "webhooks"):
            yield Letter(url, f"data.id={number}&type=payment", "MercadoPago WebHook v1.0 payment", _json(event))
        if _wants(url, "ipn"):  # as often as not, an IPN's body is empty
            yield Letter(url, f"topic=payment&id={number}", "MercadoPago Feed v2.0 payment", b"")

    def _event(self, number: int, now: float) -> dict[str, object]:
        return {
            "id": number,
            "live_mode": True,
            "date_created": stamp(now),
            "user_id": self._user_id,
            "api_version": "v1",
        }

    # --- on its way -------------------------------------------------------------------------------------------------

    async def _deliver(self, letter: Letter) -> None:
        if self.troubles["notices-lost"]:
            return
        if self.troubles["notices-delayed"]:
            await self.pause(DELAYED_S)
        if self.troubles["notices-out-of-order"] and letter.opened:  # it comes after what followed it
            await self.pause(SWAPPED_S)
        for _ in range(REPEATED - 1 if self.troubles["notices-repeated"] else 0):
            await self.send(letter)
        for again_s in (*AGAIN_S, None):
            if await self.send(letter) or again_s is None:
                return
            await self.pause(again_s)

    async def _forge(self) -> None:
        """Say again and again that the newest order is closed, and a stranger's, too."""
        forged = 0
        while self.troubles["notices-forged"]:
            newest = self._ledger.merchant_orders[-1].id if self._ledger.merchant_orders else 1
            for number in (newest, 10**9 + forged):
                if self._url:
                    for letter in self.about_order(number, self._url, self._wall(), closed=True):
                        await self.send(letter)
            forged += 1
            await self.pause(FORGED_S)


def _wants(url: str, kind: str) -> bool:
    """Whether the address asks for that kind; one that says nothing gets both."""
    return kind in parse_qs(urlsplit(url).query).get("source_news", [kind])


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


async def send(letter: Letter) -> bool:
    """POST it; answers whether it was taken (200 or 201) in time."""
    parts = urlsplit(letter.url)
    query = "&".join(filter(None, (parts.query, letter.query)))
    head = (
        f"POST {parts.path or '/'}?{query} HTTP/1.1\r\nHost: {parts.netloc}\r\nUser-Agent: {letter.agent}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(letter.body)}\r\nConnection: close\r\n\r\n"
    )
    secure = parts.scheme == "https"
    try:
        async with asyncio.timeout(ANSWER_S):
            reader, writer = await asyncio.open_connection(
                parts.hostname, parts.port or (443 if secure else 80), ssl=secure or None
            )
            try:
                writer.write(head.encode() + letter.body)
                status = (await reader.readline()).split()
            finally:
                writer.close()
    except (OSError, ValueError):  # TimeoutError is an OSError; a line that is no end
        return False
    return len(status) > 1 and status[1] in (b"200", b"201")
