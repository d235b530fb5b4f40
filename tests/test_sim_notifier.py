"""The fake's notifications: two for each change, its schedule, and what its troubles do to them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from decimal import Decimal

import pytest

from kiosk.notifications.words import NOTHING, read
from kiosk.sale.events import Notified
from kiosk.sim.books import Order
from kiosk.sim.ledger import Ledger
from kiosk.sim.notifier import AGAIN_S, DELAYED_S, REPEATED, SWAPPED_S, TROUBLES, Letter, Notifier, send
from tests.listening import listening

URL = "http://127.0.0.1:1/notices"


class Post:
    """The account's books, and a post office of the test's own."""

    def __init__(self, url: str = URL) -> None:
        self.now = 2_000_000_000.0
        self.ledger = Ledger(site="MLB", started=self.now)
        self.notifier = Notifier(123456789, self.ledger, lambda: self.now)
        self.notifier.pause = self._pause
        self.notifier.send = self._send
        self.sent: list[Letter] = []
        self.pauses: list[float] = []
        self.taken_after = 0
        """So many are not taken first."""
        self.ledger.put(Order("ref-1", Decimal("25.00"), "Sale", {"notification_url": url}), self.now)

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        for _ in range(10):  # longer than anything that goes on meanwhile
            await asyncio.sleep(0)

    async def _send(self, letter: Letter) -> bool:
        self.sent.append(letter)
        await asyncio.sleep(0)
        return len(self.sent) > self.taken_after

    def customer(self, action: str) -> None:
        self.now += 1.0
        self.ledger.customer(action, self.now)
        self.notifier.look()

    def named(self) -> list[Notified]:
        """What the kiosk would understand."""
        return [read(letter.query.encode(), letter.body) for letter in self.sent]


def told(story: Callable[[Post], Awaitable[None]], url: str = URL) -> Post:
    """Run it, and everything that it sets going."""

    async def whole() -> Post:
        post = Post(url)
        await story(post)
        for _ in range(150):
            await asyncio.sleep(0)
        await post.notifier.close()
        return post

    return asyncio.run(whole())


async def pays(post: Post) -> None:
    post.customer("scan")
    await asyncio.sleep(0)
    post.customer("confirm")


def test_each_change_is_told_as_a_webhook_and_as_an_ipn_in_forms_that_the_kiosk_understands() -> None:
    post = told(pays)
    [order] = post.ledger.merchant_orders
    [payment] = order.payments
    ours, paid = Notified(orders=(str(order.id),)), Notified(payments=(str(payment.id),))
    # An IPN does not say what an order is; a webhook says "opened".
    assert sorted(map(str, post.named())) == sorted(map(str, [NOTHING, ours, paid, paid, ours, ours]))
    assert {letter.agent.split()[1] for letter in post.sent} == {"WebHook", "Feed"}


def test_money_that_goes_back_is_told_like_any_change_of_a_payment() -> None:
    async def gives_back(post: Post) -> None:
        await pays(post)
        await asyncio.sleep(0)
        before = len(post.sent)
        [payment] = post.ledger.payments()
        post.now += 1.0
        post.ledger.refund(payment, Decimal(10), post.now)
        post.notifier.look()
        post.notifier.look()
        for _ in range(20):
            await asyncio.sleep(0)
        del post.sent[:before]

    post = told(gives_back)
    [order] = post.ledger.merchant_orders
    [payment] = order.payments
    paid, ours = Notified(payments=(str(payment.id),)), Notified(orders=(str(order.id),))
    assert sorted(map(str, post.named())) == sorted(map(str, [paid, paid, ours, ours]))
    [event] = [json.loads(letter.body) for letter in post.sent if "type=payment" in letter.query]
    assert (event["action"], event["data"]) == ("payment.updated", {"id": str(payment.id)})


@pytest.mark.parametrize(("kind", "agent"), [("webhooks", "WebHook"), ("ipn", "Feed")])
def test_an_address_may_ask_for_one_kind(kind: str, agent: str) -> None:
    post = told(pays, f"{URL}?source_news={kind}")
    assert len(post.sent) == 3
    assert {letter.agent.split()[1] for letter in post.sent} == {agent}


def test_nothing_is_told_twice_and_nothing_where_there_is_no_address() -> None:
    async def looks_again(post: Post) -> None:
        await pays(post)
        post.notifier.look()

    assert len(told(looks_again).sent) == 6
    assert told(pays, "").sent == []


def test_what_is_not_taken_is_sent_again_on_the_schedule_and_given_up_at_its_end() -> None:
    async def one(post: Post) -> None:
        post.taken_after = 3
        post.customer("scan")

    post = told(one, f"{URL}?source_news=ipn")
    assert post.pauses == list(AGAIN_S[:3])
    assert len(post.sent) == 4

    async def never(post: Post) -> None:
        post.taken_after = 99
        post.customer("scan")

    post = told(never, f"{URL}?source_news=ipn")
    assert post.pauses == list(AGAIN_S)
    assert len(post.sent) == len(AGAIN_S) + 1


def in_trouble(name: str) -> Post:
    async def story(post: Post) -> None:
        post.notifier.set_trouble(name, True)
        await pays(post)
        for _ in range(5):
            await asyncio.sleep(0)
        post.notifier.set_trouble(name, False)

    return told(story)


def test_the_troubles() -> None:
    assert in_trouble("notices-lost").sent == []
    assert in_trouble("notices-delayed").pauses == [DELAYED_S] * 6
    assert len(in_trouble("notices-repeated").sent) == 6 * REPEATED
    swapped = in_trouble("notices-out-of-order")
    assert swapped.pauses == [SWAPPED_S] * 2
    assert [letter.opened for letter in swapped.sent][-2:] == [True, True]
    forged = in_trouble("notices-forged")
    [order] = forged.ledger.merchant_orders
    said = [json.loads(letter.body) for letter in forged.sent if b'"closed"' in letter.body]
    assert {letter["id"] for letter in said} > {order.id}
    assert set(TROUBLES) == set(forged.notifier.troubles)


def test_it_is_delivered_over_a_real_socket_and_taken_only_with_200() -> None:
    async def sends(url: str) -> list[bool]:
        letter = Letter(url, "topic=payment&id=5", "agent", b"")
        nobody = Letter("http://127.0.0.1:9/", "", "agent", b"")
        strange = Letter(url, "topic=payment&id=x", "agent", b"")
        return [await send(each) for each in (letter, nobody, strange)]

    with listening() as heard:
        assert asyncio.run(sends(f"http://{heard.address}/notices")) == [True, False, False]
        assert heard.posted.get(timeout=5) == Notified(payments=("5",))
