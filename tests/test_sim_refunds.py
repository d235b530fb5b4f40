"""The fake account's refunds: every code that a kiosk may meet, and beside each what is let through."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import httpx
import pytest

from kiosk.sim.notifier import Letter
from kiosk.sim.refunds import DAY_S, KEY_KEPT_S, OLD_IN_PERU_S, OLD_S
from tests.test_sim_mercadopago import HEADERS, NOW, Shop, said


class Paid(Shop):
    """An account with one payment of 25.50, or of so much."""

    def __init__(self, site: str = "MLB", amount: float = 25.5, *, test_account: bool = True) -> None:
        super().__init__(site, test_account)
        self.put(amount=amount)
        self.fake.customer("pay")
        self.shown = {"X-Render-In-Process-Refunds": "true"}
        """Asks to be told what is in process."""
        [payment] = self.payments()
        self.id: int = payment["id"]

    def give_back(self, body: object = None, key: str = "key-1", payment: object = None) -> httpx.Response:
        path = f"/v1/payments/{self.id if payment is None else payment}/refunds"
        headers = {**self.shown, **({"x-idempotency-key": key} if key else {})}
        sent = {"content": body} if isinstance(body, bytes) else {} if body is None else {"json": body}
        return self.ask("POST", path, headers=headers, **sent)

    def refunds(self) -> list[Any]:
        found: list[Any] = self.ask("GET", f"/v1/payments/{self.id}/refunds", headers=self.shown).json()
        return found

    def payment(self) -> dict[str, Any]:
        found: dict[str, Any] = self.ask("GET", f"/v1/payments/{self.id}").json()
        return found


@pytest.fixture
def shop() -> Paid:
    return Paid()


def code(answer: httpx.Response) -> tuple[int, int]:
    """Status and numeric code."""
    return answer.status_code, answer.json()["cause"][0]["code"]


# --- what is given back -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [None, {}, {"amount": None}, {"amount": 25.5}], ids=repr)
def test_all_of_it(shop: Paid, body: object) -> None:
    shop.now += 5
    answer = shop.give_back(body)
    assert answer.status_code == 201
    refund = answer.json()
    assert (refund["payment_id"], refund["amount"], refund["status"]) == (shop.id, 25.5, "approved")
    assert shop.refunds() == [refund]
    payment = shop.payment()
    assert (payment["status"], payment["status_detail"]) == ("refunded", "refunded")
    assert (payment["transaction_amount"], payment["transaction_amount_refunded"]) == (25.5, 25.5)
    [order] = shop.orders() or []
    assert (order["status"], order["order_status"]) == ("closed", "reverted")
    assert (order["paid_amount"], order["refunded_amount"]) == (0, 25.5)
    assert order["payments"][0]["amount_refunded"] == 25.5


def test_a_part_and_then_the_rest(shop: Paid) -> None:
    assert shop.refunds() == []
    assert shop.give_back({"amount": 10}).json()["amount"] == 10
    payment = shop.payment()
    assert (payment["status"], payment["status_detail"]) == ("approved", "partially_refunded")
    assert payment["transaction_amount_refunded"] == 10
    [order] = shop.orders() or []
    assert (order["order_status"], order["refunded_amount"]) == ("partially_reverted", 10)
    assert shop.give_back(key="key-2").json()["amount"] == 15.5
    assert shop.payment()["status"] == "refunded"
    assert [refund["amount"] for refund in shop.refunds()] == [10, 15.5]


def test_the_searches_show_it_and_when_it_changed(shop: Paid) -> None:
    shop.now += 3600
    path = "/v1/payments/search?range=date_last_updated&begin_date=NOW-10MINUTES&end_date=NOW"
    assert shop.ask("GET", path).json()["results"] == []
    shop.give_back({"amount": 1})
    [row] = shop.ask("GET", path).json()["results"]
    assert (row["id"], row["transaction_amount_refunded"]) == (shop.id, 1)
    assert row["date_last_updated"] > row["date_created"] == row["date_approved"]


def test_a_search_that_lags_does_not_know_it_yet(shop: Paid) -> None:
    shop.fake.set_trouble("search-lag", True)
    shop.now += 60
    shop.give_back()
    assert shop.payments()[0]["status"] == "approved"
    assert shop.payment()["status"] == "refunded"
    shop.now += 10
    assert shop.payments()[0]["status"] == "refunded"


def test_the_shops_own_refund_in_the_app_is_one_like_any_other(shop: Paid) -> None:
    """And takes what a refund before it has left."""
    shop.give_back({"amount": 10})
    assert shop.fake.customer("give-back")["ok"] is True
    assert [refund["amount"] for refund in shop.refunds()] == [10, 15.5]
    assert shop.payment()["status"] == "refunded"
    assert shop.fake.customer("give-back")["ok"] is False
    assert code(shop.give_back(key="key-2")) == (400, 2063)


def test_each_is_notified_once() -> None:
    shop, sent = Shop(), []

    async def send(letter: Letter) -> bool:
        sent.append(letter.query)
        return True

    shop.fake.notifier.send = send
    shop.put(notification_url="http://127.0.0.1:1/notices?source_news=ipn")

    async def story() -> list[str]:
        shop.fake.customer("pay")
        [payment] = shop.fake.ledger.payments()
        transport = httpx.ASGITransport(shop.fake.app)
        headers = {**HEADERS, "x-idempotency-key": "key-1"}
        async with httpx.AsyncClient(transport=transport, base_url="http://fake", headers=headers) as client:
            await drained()
            sent.clear()
            shop.now += 1
            for _ in range(2):
                await client.post(f"/v1/payments/{payment.id}/refunds")
        await drained()
        return [f"topic=payment&id={payment.id}"]

    async def drained() -> None:
        for _ in range(20):
            await asyncio.sleep(0)

    wanted = asyncio.run(story())
    assert [query for query in sent if "payment" in query] == wanted


# --- keys -------------------------------------------------------------------------------------------------------------


def test_the_same_key_is_the_same_refund(shop: Paid) -> None:
    first, again = shop.give_back({"amount": 10}), shop.give_back({"amount": 10.00})
    assert (again.status_code, again.json()) == (201, first.json())
    assert len(shop.refunds()) == 1
    assert shop.give_back({"amount": 10}, key="key-2").json()["id"] != first.json()["id"]
    assert len(shop.refunds()) == 2


def test_the_same_key_says_so_although_nothing_is_left(shop: Paid) -> None:
    """What 2063 says to another key is no answer about this one."""
    first = shop.give_back()
    assert shop.give_back().json() == first.json()
    assert code(shop.give_back(key="key-2")) == (400, 2063)


@pytest.mark.parametrize("body", [{"amount": 10.01}, {}], ids=repr)
def test_a_key_is_for_one_request_alone(shop: Paid, body: object) -> None:
    shop.give_back({"amount": 10})
    assert code(shop.give_back(body)) == (404, 2032)
    assert len(shop.refunds()) == 1


def test_a_key_is_forgotten_after_a_day(shop: Paid) -> None:
    shop.give_back({"amount": 10})
    shop.now += KEY_KEPT_S - 1
    shop.give_back({"amount": 10})
    assert len(shop.refunds()) == 1
    shop.now += 1
    shop.give_back({"amount": 10})
    assert len(shop.refunds()) == 2


def test_what_was_refused_uses_no_key(shop: Paid) -> None:
    assert code(shop.give_back({"amount": 30})) == (400, 2085)
    assert shop.give_back({"amount": 10}).status_code == 201


def test_a_used_key_may_be_refused(shop: Paid) -> None:
    """In a newer page's reading; the other one is what the tests above use."""
    shop.fake.ledger.behaviour.refund_key_refused = True
    assert shop.give_back().status_code == 201
    assert code(shop.give_back()) == (404, 2032)
    assert len(shop.refunds()) == 1


@pytest.mark.parametrize(("key", "good"), [("", False), ("k", True), ("k" * 64, True), ("k" * 65, False)])
def test_there_must_be_a_key(shop: Paid, key: str, good: bool) -> None:
    answer = shop.give_back(key=key)
    assert answer.status_code == 201 if good else code(answer) == (404, 4292)


# --- what is refused --------------------------------------------------------------------------------------------------


def test_a_payment_that_is_not_there(shop: Paid) -> None:
    assert code(shop.give_back(payment=1)) == (404, 2000)
    assert code(shop.ask("GET", "/v1/payments/1/refunds")) == (404, 2000)
    assert code(shop.ask("GET", "/v1/payments/1")) == (404, 2000)


@pytest.mark.parametrize("action", ["reject", "pend"])
def test_a_payment_that_was_not_approved(action: str) -> None:
    shop = Paid()
    shop.put("B")
    shop.fake.customer(action)
    [payment] = shop.payments("B")
    assert code(shop.give_back(payment=payment["id"])) == (400, 2063)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"amount": -1}, (401, 4040)),
        ({"amount": 0}, (401, 4040)),
        ({"amount": "10"}, (401, 4041)),
        ({"amount": True}, (401, 4041)),
        ({"amount": 25.51}, (400, 2085)),
        ({"amount": 10.001}, (400, 2085)),
        ([], (400, 1)),
        (b"{", (400, 1)),
    ],
    ids=repr,
)
def test_an_amount_that_is_none(shop: Paid, body: object, said: tuple[int, int]) -> None:
    assert code(shop.give_back(body)) == said
    assert shop.refunds() == []


def test_more_than_is_left(shop: Paid) -> None:
    shop.give_back({"amount": 25})
    assert code(shop.give_back({"amount": 0.51}, key="key-2")) == (400, 2085)
    assert shop.give_back({"amount": 0.5}, key="key-3").status_code == 201


def test_pesos_have_no_parts() -> None:
    shop = Paid("MLC", 2500)
    assert code(shop.give_back({"amount": 99.5})) == (400, 2085)
    assert shop.give_back({"amount": 99}).status_code == 201


def test_in_peru_only_the_whole_goes_back() -> None:
    shop = Paid("MPE")
    assert code(shop.give_back({"amount": 25})) == (404, 3024)
    assert shop.give_back({}).status_code == 201


@pytest.mark.parametrize(("site", "old_s"), [("MLB", OLD_S), ("MPE", OLD_IN_PERU_S)])
def test_a_payment_grows_too_old(site: str, old_s: float) -> None:
    shop = Paid(site)
    shop.now += old_s + 1
    assert code(shop.give_back()) == (404, 2024)
    shop.now = NOW + old_s
    assert shop.give_back().status_code == 201
    assert old_s % DAY_S == 0


@pytest.mark.parametrize(
    ("blocked", "test_account", "good"), [(True, True, False), (True, False, True), (False, True, True)]
)
def test_a_policy_may_keep_a_test_account_from_it(blocked: bool, test_account: bool, good: bool) -> None:
    shop = Paid(test_account=test_account)
    shop.fake.ledger.behaviour.refunds_blocked = blocked
    answer = shop.give_back()
    assert answer.status_code == (201 if good else 403)
    assert good or answer.json()["blocked_by"] == "PolicyAgent"


def test_a_wrong_token_is_refused_before_all_else(shop: Paid) -> None:
    shop.fake.set_trouble("token-expired", True)
    assert shop.give_back().status_code == 401
    shop.fake.set_trouble("token-expired", False)
    assert shop.refunds() == []


def test_other_methods_are_not_there(shop: Paid) -> None:
    assert said(shop.ask("PUT", f"/v1/payments/{shop.id}/refunds"))[0] == 405


# --- what takes time --------------------------------------------------------------------------------------------------


def test_a_refund_may_be_in_process_for_a_while(shop: Paid) -> None:
    shop.fake.ledger.behaviour.refund_takes_s = 20.0
    assert shop.give_back().json()["status"] == "in_process"
    assert shop.payment()["status"] == "approved"
    assert code(shop.give_back(key="key-2")) == (400, 2063)
    shop.now += 20
    assert [refund["status"] for refund in shop.refunds()] == ["approved"]
    assert shop.give_back().json()["status"] == "approved"
    assert shop.payment()["status"] == "refunded"


def test_to_who_does_not_ask_for_it_that_is_a_bad_request_and_nowhere_in_the_list(shop: Paid) -> None:
    shop.fake.ledger.behaviour.refund_takes_s = 20.0
    asks = shop.shown
    shop.shown = {}
    assert shop.give_back().status_code == 400
    assert shop.refunds() == []
    assert code(shop.give_back(key="key-2")) == (400, 2063), "it is made all the same"
    shop.shown = asks
    assert [refund["status"] for refund in shop.refunds()] == ["in_process"]
    shop.now, shop.shown = shop.now + 20, {}
    assert [refund["status"] for refund in shop.refunds()] == ["approved"]


def test_it_may_fail_and_be_made(shop: Paid) -> None:
    shop.fake.ledger.behaviour.refund_fails = True
    assert shop.give_back().status_code == 500
    assert [refund["status"] for refund in shop.refunds()] == ["approved"]
    assert shop.give_back().status_code == 201
    assert len(shop.refunds()) == 1


def test_and_be_rejected_in_the_end(shop: Paid) -> None:
    shop.fake.ledger.behaviour.refund_takes_s, shop.fake.ledger.behaviour.refund_ends = 20.0, "rejected"
    shop.give_back()
    shop.now += 20
    assert [refund["status"] for refund in shop.refunds()] == ["rejected"]
    assert shop.payment()["status"] == "approved"
    assert shop.give_back(key="key-2").status_code == 201


def test_the_list_may_be_behind(shop: Paid) -> None:
    shop.fake.ledger.behaviour.refunds_lag_s = 20.0
    shop.give_back()
    shop.now += 19
    assert shop.refunds() == []
    assert shop.payment()["status"] == "refunded"
    shop.now += 1
    assert len(shop.refunds()) == 1


def test_ids_may_be_texts(shop: Paid) -> None:
    assert isinstance(shop.give_back().json()["payment_id"], int)
    shop.fake.ledger.behaviour.ids_as_text = True
    [refund] = shop.refunds()
    assert refund["payment_id"] == str(shop.id)
    assert isinstance(refund["id"], str)


def test_of_a_coupon_within_the_amount_nothing_goes_back(shop: Paid) -> None:
    behaviour = shop.fake.ledger.behaviour
    behaviour.coupon, behaviour.coupon_in_transaction = Decimal(5), True
    assert shop.give_back().json()["amount"] == 20.5
    payment = shop.payment()
    assert (payment["transaction_amount"], payment["transaction_amount_refunded"]) == (20.5, 20.5)
    assert payment["status"] == "refunded"
