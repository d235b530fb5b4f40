"""The fake Mercado Pago as a kiosk meets it: paths, statuses, bodies, headers, on ASGI and on the wire."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Literal

import httpx
import pytest

from kiosk.config.checks import LIMITS
from kiosk.mercadopago.json import loads
from kiosk.mercadopago.limits import read_minimum
from kiosk.sale.money import SITES
from kiosk.sim.doubts import DOUBTS, Behaviour
from kiosk.sim.forms import from_json
from kiosk.sim.line import Line
from kiosk.sim.mercadopago import SEARCH_LAG_S, TRAINING_TOKEN, FakeMercadoPago, serve
from kiosk.sim.served import bound, served

NOW = 1_900_000_000.0
TOKEN = "APP_USR-1-test-123456789"
BASE = "/instore/qr/seller/collectors/123456789"
POS = f"{BASE}/pos/KIOSK01/orders"
POS_OF_STORE = f"{BASE}/stores/STORE01/pos/KIOSK01/orders"
NO_ORDER = "point_of_sale_in_store_order_not_found"
HEADERS = {"authorization": f"Bearer {TOKEN}"}


def order(reference: str = "A", amount: float = 25.5, **more: object) -> dict[str, object]:
    item = {"title": "Sale", "unit_price": amount, "quantity": 1, "unit_measure": "unit", "total_amount": amount}
    fields = {"external_reference": reference, "title": "Sale", "description": "Sale", "total_amount": amount}
    return {**fields, "items": [item], **more}


class Shop:
    """A fake account with a clock that the test turns, and a client without a network."""

    def __init__(self, site: str = "MLB", test_account: bool = True) -> None:
        self.now = NOW
        self.fake = FakeMercadoPago(
            wall=lambda: self.now,
            token=TOKEN,
            user_id=123456789,
            store="STORE01",
            pos="KIOSK01",
            site=site,
            test_account=test_account,
        )

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        async def request() -> httpx.Response:
            transport = httpx.ASGITransport(self.fake.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://fake", headers=HEADERS) as client:
                return await client.request(method, path, **more)

        return asyncio.run(request())

    def put(self, reference: str = "A", amount: float = 25.5, **more: object) -> httpx.Response:
        return self.ask("PUT", POS_OF_STORE, json=order(reference, amount, **more))

    def orders(self, reference: str = "A") -> list[Any] | None:
        found: list[Any] | None = self.ask("GET", f"/merchant_orders/search?external_reference={reference}").json()[
            "elements"
        ]
        return found

    def payments(self, reference: str = "A") -> list[Any]:
        found: list[Any] = self.ask("GET", f"/v1/payments/search?external_reference={reference}").json()["results"]
        return found


@pytest.fixture
def shop() -> Shop:
    return Shop()


def said(answer: httpx.Response) -> tuple[int, str]:
    """Status and error key."""
    return answer.status_code, answer.json()["error"]


# --- the POS --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [POS, POS_OF_STORE])
def test_both_paths_put_an_order_on_the_pos(shop: Shop, path: str) -> None:
    answer = shop.ask("PUT", path, json=order())
    assert (answer.status_code, answer.content) == (204, b"")
    assert "content-length" not in answer.headers
    current = shop.ask("GET", POS)
    assert current.status_code == 200
    (held,) = current.json()
    assert (held["external_reference"], held["total_amount"], held["user_id"]) == ("A", 25.5, 123456789)


def test_the_current_order_may_come_without_an_array(shop: Shop) -> None:
    shop.fake.ledger.behaviour.current_in_array = False
    shop.put()
    assert shop.ask("GET", POS).json()["external_reference"] == "A"


def test_a_free_pos_has_no_order(shop: Shop) -> None:
    assert said(shop.ask("GET", POS)) == (404, NO_ORDER)
    assert shop.ask("GET", POS).json()["message"] == "No associated order found."


@pytest.mark.parametrize("how", ["deleted", "expired", "paid"])
def test_deleted_expired_and_paid_look_the_same(shop: Shop, how: str) -> None:
    """So a 404 is no proof that nobody paid."""
    shop.put()
    if how == "deleted":
        answer = shop.ask("DELETE", POS)
        assert (answer.status_code, answer.content) == (204, b"")
    elif how == "expired":
        shop.now += 600
    else:
        shop.fake.customer("pay")
    assert said(shop.ask("GET", POS)) == (404, NO_ORDER)
    assert said(shop.ask("DELETE", POS)) == (400, "in_store_order_delete_error")


def test_a_put_replaces_and_its_expiry_counts(shop: Shop) -> None:
    shop.put("A")
    shop.put("B", 1.0, expiration_date="2030-03-17T14:48:10.000-03:00")
    assert [held["external_reference"] for held in shop.ask("GET", POS).json()] == ["B"]
    shop.now += 90
    assert said(shop.ask("GET", POS)) == (404, NO_ORDER)


def test_a_wrong_body_is_refused_and_changes_nothing(shop: Shop) -> None:
    shop.put("A")
    assert said(shop.put("B", title="")) == (400, "invalid_title")
    assert said(shop.ask("PUT", POS, content=b"title=x", headers={"content-type": "text/plain"})) == (
        415,
        "unsupported_media_type",
    )
    assert shop.ask("GET", POS).json()[0]["external_reference"] == "A"


@pytest.mark.parametrize("method", ["PUT", "GET", "DELETE"])
@pytest.mark.parametrize(
    ("path", "status", "error"),
    [
        (f"{BASE}/pos/KIOSK02/orders", 404, "pos_obtainment_error"),
        ("/instore/qr/seller/collectors/me/pos/KIOSK01/orders", 400, "invalid_collectorId"),
        (f"{BASE}/pos/%20/orders", 400, "invalid_externalPosId"),
    ],
)
def test_wrong_ids_in_the_path(shop: Shop, method: str, path: str, status: int, error: str) -> None:
    shop.put()
    assert said(shop.ask(method, path, json=order("B"))) == (status, error)
    assert shop.ask("GET", POS).json()[0]["external_reference"] == "A"


def test_another_accounts_pos_is_not_found_and_not_ours_to_delete(shop: Shop) -> None:
    path = "/instore/qr/seller/collectors/987654321/pos/KIOSK01/orders"
    assert said(shop.ask("PUT", path, json=order())) == (404, "pos_obtainment_error")
    assert said(shop.ask("GET", path)) == (404, "pos_obtainment_error")
    assert said(shop.ask("DELETE", path)) == (400, "invalid_access_token")


def test_another_store_has_no_such_pos(shop: Shop) -> None:
    answer = shop.ask("PUT", f"{BASE}/stores/STORE02/pos/KIOSK01/orders", json=order())
    assert said(answer) == (404, "pos_obtainment_error")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", POS_OF_STORE, 405), ("DELETE", POS_OF_STORE, 405), ("POST", POS, 405), ("GET", "/v1/orders", 404)],
)
def test_what_is_not_there_is_told_in_json_with_a_date(shop: Shop, method: str, path: str, status: int) -> None:
    answer = shop.ask(method, path)
    assert said(answer) == (status, "resource not found")
    assert answer.headers["date"] == "Sun, 17 Mar 2030 17:46:40 GMT"
    assert answer.headers["x-request-id"]


def test_a_second_put_may_be_refused(shop: Shop) -> None:
    shop.fake.ledger.behaviour.replaces = False
    assert shop.put("A").status_code == 204
    assert said(shop.put("B")) == (409, "conflict")
    assert shop.ask("GET", POS).json()[0]["external_reference"] == "A"


def test_a_free_pos_may_be_an_empty_array(shop: Shop) -> None:
    shop.fake.ledger.behaviour.free_is_empty_array = True
    assert shop.ask("GET", POS).json() == []
    shop.put()
    assert len(shop.ask("GET", POS).json()) == 1


@pytest.mark.parametrize(
    ("status", "key"), [(400, "in_store_order_delete_error"), (404, NO_ORDER), (500, "in_store_order_creation_error")]
)
def test_what_a_delete_of_nothing_may_answer(shop: Shop, status: Literal[400, 404, 500], key: str) -> None:
    shop.fake.ledger.behaviour.nothing_to_delete = status
    assert said(shop.ask("DELETE", POS)) == (status, key)


@pytest.mark.parametrize(("while_paying", "status"), [("refused", 400), ("failed", 500)])
def test_what_a_delete_may_answer_while_somebody_pays(
    shop: Shop, while_paying: Literal["refused", "failed"], status: int
) -> None:
    shop.fake.ledger.behaviour.while_paying = while_paying
    shop.put()
    shop.fake.customer("scan")
    assert shop.ask("DELETE", POS).status_code == status
    assert shop.ask("GET", POS).status_code == (200 if while_paying == "refused" else 404)


# --- merchant orders and payments -----------------------------------------------------------------------------------


def test_a_sale_from_nothing_to_closed(shop: Shop) -> None:
    shop.put()
    nothing = shop.ask("GET", "/merchant_orders/search?external_reference=A")
    assert nothing.json() == {"elements": None, "next_offset": 0, "total": 0}
    shop.fake.customer("scan")
    (opened,) = shop.orders() or []
    assert (opened["status"], opened["payments"]) == ("opened", [])
    shop.fake.customer("confirm")
    (closed,) = shop.orders() or []
    assert (closed["status"], closed["order_status"], closed["paid_amount"]) == ("closed", "paid", 25.5)
    (payment,) = closed["payments"]
    assert (payment["status"], payment["currency_id"]) == ("approved", "BRL")
    assert [found["id"] for found in shop.payments()] == [payment["id"]]


def test_the_short_path_searches_too(shop: Shop) -> None:
    shop.put()
    shop.fake.customer("scan")
    assert shop.ask("GET", "/merchant_orders?external_reference=A").json()["total"] == 1
    assert said(shop.ask("GET", "/merchant_orders?reference=A")) == (400, "ds_search_query")


def test_amounts_are_exact_json_numbers(shop: Shop) -> None:
    shop.put("A", 8.1)
    shop.fake.customer("pay")
    answer = shop.ask("GET", "/merchant_orders/search?external_reference=A")
    body = from_json(answer.content)
    assert isinstance(body, dict)
    assert body["elements"][0]["total_amount"] == Decimal("8.1")
    assert '"total_amount":8.1,' in answer.text


def test_by_id_a_merchant_order_and_a_payment(shop: Shop) -> None:
    shop.put()
    done = shop.fake.customer("pay")
    payments = done["payments"]
    assert isinstance(payments, list)
    assert shop.ask("GET", f"/merchant_orders/{done['merchant_order']}").json()["status"] == "closed"
    payment = shop.ask("GET", f"/v1/payments/{payments[0]}").json()
    assert (payment["status"], payment["collector_id"], payment["external_reference"]) == ("approved", 123456789, "A")


def test_by_id_what_is_not_there(shop: Shop) -> None:
    assert said(shop.ask("GET", "/merchant_orders/1")) == (404, "not_found")
    assert said(shop.ask("GET", "/merchant_orders/one")) == (400, "invalid_format")
    missing = shop.ask("GET", "/v1/payments/1")
    assert (missing.status_code, missing.json()["cause"][0]["code"]) == (404, 2000)


def test_no_payment_is_an_empty_list(shop: Shop) -> None:
    answer = shop.ask("GET", "/v1/payments/search?external_reference=A")
    assert answer.json() == {"paging": {"total": 0, "limit": 30, "offset": 0}, "results": []}


def test_the_limit_on_pages_holds_for_both_searches(shop: Shop) -> None:
    shop.fake.ledger.behaviour.page_max = 1
    shop.put()
    shop.fake.customer("pay-twice")
    assert shop.ask("GET", "/merchant_orders/search").json()["next_offset"] == 1
    assert len(shop.payments()) == 1


def test_late_money_can_be_told_by_a_script(shop: Shop) -> None:
    """Scan, withdraw, confirm: over HTTP alone, without a token for the customer."""
    shop.put()
    customer = {"authorization": ""}
    scanned = shop.ask("POST", "/customer", json={"action": "scan"}, headers=customer)
    assert (scanned.status_code, scanned.json()["screen"]) == (200, "order")
    assert shop.ask("DELETE", POS).status_code == 204
    assert shop.ask("POST", "/customer", json={"action": "confirm"}, headers=customer).json()["ok"] is True
    assert [held["status"] for held in shop.orders() or []] == ["closed"]


def test_no_order_may_be_an_empty_array_and_a_search_without_totals(shop: Shop) -> None:
    shop.fake.ledger.behaviour.null_elements = False
    shop.fake.ledger.behaviour.totals = False
    nothing = shop.ask("GET", "/merchant_orders/search?external_reference=A")
    assert nothing.json() == {"elements": [], "next_offset": 0}
    assert shop.ask("GET", "/v1/payments/search?external_reference=A").json() == {"results": []}


def test_a_new_order_may_be_found_late_but_by_id_at_once(shop: Shop) -> None:
    shop.fake.ledger.behaviour.orders_lag_s = 20
    shop.put()
    done = shop.fake.customer("pay")
    shop.now += 19
    assert shop.orders() is None
    assert shop.ask("GET", f"/merchant_orders/{done['merchant_order']}").json()["status"] == "closed"
    shop.now += 1
    assert len(shop.orders() or []) == 1


def test_ids_may_be_texts(shop: Shop) -> None:
    shop.fake.ledger.behaviour.ids_as_text = True
    shop.put()
    done = shop.fake.customer("pay")
    (found,) = shop.orders() or []
    assert (found["id"], found["collector"]["id"]) == (str(done["merchant_order"]), "123456789")
    assert [payment["id"] for payment in shop.payments()] == [found["payments"][0]["id"]]


# --- the account ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("site", "currency"), [("MLB", "BRL"), ("MLC", "CLP"), ("MPE", "PEN")])
def test_the_site_decides_the_currency(site: str, currency: str) -> None:
    shop = Shop(site)
    assert shop.ask("GET", "/users/me").json()["site_id"] == site
    shop.put("A", 10)
    shop.fake.customer("pay")
    assert shop.payments()[0]["currency_id"] == currency


@pytest.mark.parametrize("site", sorted(SITES))
def test_an_account_names_the_least_that_each_way_to_pay_takes(site: str) -> None:
    """In the money of its country, and in the kiosk's own reading no more than the country's usual minimum."""
    ways = Shop(site).ask("GET", "/v1/payment_methods")
    assert {way["status"] for way in ways.json()} == {"active"}
    assert 0 < read_minimum(loads(ways.content), SITES[site]) <= SITES[site].currency.parse(LIMITS[site][0])


def test_whose_token_it_is() -> None:
    assert "test_user" in Shop().ask("GET", "/users/me").json()["tags"]
    assert "test_user" not in Shop(test_account=False).ask("GET", "/users/me").json()["tags"]


def test_the_pos_is_found_by_its_external_id(shop: Shop) -> None:
    (pos,) = shop.ask("GET", "/pos?external_id=KIOSK01").json()["results"]
    assert (pos["external_id"], pos["external_store_id"], pos["fixed_amount"]) == ("KIOSK01", "STORE01", True)
    assert shop.ask("GET", "/pos?external_id=KIOSK02").json()["results"] == []


def test_the_store_is_found_with_or_without_an_array(shop: Shop) -> None:
    path = "/users/123456789/stores/search?external_id=STORE01"
    assert shop.ask("GET", path).json()["results"][0]["external_id"] == "STORE01"
    shop.fake.ledger.behaviour.stores_in_array = True
    assert shop.ask("GET", path).json()[0]["paging"]["total"] == 1


def test_another_users_stores_are_forbidden(shop: Shop) -> None:
    answer = shop.ask("GET", "/users/1/stores/search")
    assert (answer.status_code, answer.json()["blocked_by"]) == (403, "PolicyAgent")


# --- troubles -------------------------------------------------------------------------------------------------------


def test_troubles_are_listed_in_order_and_switched(shop: Shop) -> None:
    names = ["mp-down", "mp-slow", "answer-lost", "no-network", "token-expired", "search-lag", "locked"]
    names += [f"notices-{what}" for what in ("delayed", "lost", "repeated", "out-of-order", "forged")]
    assert list(shop.ask("GET", "/trouble").json()["names"]) == names == list(shop.fake.troubles)
    answer = shop.ask("POST", "/trouble", json={"name": "token-expired", "on": True})
    assert answer.json()["names"]["token-expired"] is True
    assert shop.ask("GET", "/users/me").status_code == 401
    shop.ask("POST", "/trouble", json={"name": "token-expired", "on": False})
    assert shop.ask("GET", "/users/me").status_code == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/trouble", {"name": "rain", "on": True}),
        ("/trouble", {"name": "mp-down", "on": "yes"}),
        ("/trouble", {"name": "mp-down"}),
        ("/trouble", ["mp-down"]),
        ("/doubt", {"name": "rain", "on": True}),
        ("/doubt", {"name": "ids are texts"}),
        ("/customer", {"action": "steal"}),
        ("/customer", {}),
        ("/customer", "scan"),
    ],
)
def test_nonsense_is_told_and_does_nothing(shop: Shop, path: str, body: object) -> None:
    assert said(shop.ask("POST", path, json=body)) == (400, "bad_request")
    assert shop.ask("POST", path, content=b"{").status_code == 400
    assert not any(shop.fake.troubles.values())


def test_doubts_are_listed_and_switched_one_beside_the_other(shop: Shop) -> None:
    names = shop.ask("GET", "/doubt").json()["names"]
    assert names == [doubt.name for doubt in DOUBTS]
    for doubt in DOUBTS:
        shop.ask("POST", "/doubt", json={"name": doubt.name, "on": True}, headers={"authorization": ""})
        assert shop.fake.ledger.behaviour == doubt.behaviour
        shop.ask("POST", "/doubt", json={"name": doubt.name, "on": False})
        assert shop.fake.ledger.behaviour == Behaviour()
    shop.fake.set_doubt("ids are texts", True)
    shop.fake.set_doubt("the POS answers an object", True)
    assert shop.fake.ledger.behaviour == Behaviour(ids_as_text=True, current_in_array=False)


def test_an_unknown_trouble_or_action_is_an_error_in_the_program_too(shop: Shop) -> None:
    with pytest.raises(ValueError, match="rain"):
        shop.fake.set_trouble("rain", True)
    with pytest.raises(ValueError, match="steal"):
        shop.fake.customer("steal")


def test_a_trouble_of_the_line_needs_a_line(shop: Shop) -> None:
    with pytest.raises(ValueError, match="line"):
        shop.fake.set_trouble("no-network", True)
    line = Line()
    shop.fake.attach(line)
    for name, on, state in [
        ("no-network", True, (True, False)),
        ("answer-lost", True, (True, True)),
        ("no-network", False, (False, True)),
        ("answer-lost", False, (False, False)),
    ]:
        shop.fake.set_trouble(name, on)
        assert (line.cut, line.lose_answers) == state
        assert shop.fake.troubles[name] is on


def test_searches_that_lag_show_payments_late_but_by_id_at_once(shop: Shop) -> None:
    shop.fake.set_trouble("search-lag", True)
    shop.put()
    shop.fake.customer("scan")
    shop.now += SEARCH_LAG_S
    done = shop.fake.customer("confirm")
    shop.now += SEARCH_LAG_S - 0.1
    assert [(held["status"], held["payments"]) for held in shop.orders() or []] == [("opened", [])]
    assert shop.payments() == []
    assert shop.ask("GET", f"/merchant_orders/{done['merchant_order']}").json()["status"] == "closed"
    shop.now += 0.1
    assert [held["status"] for held in shop.orders() or []] == ["closed"]
    assert len(shop.payments()) == 1


def test_without_lag_payments_are_found_at_once(shop: Shop) -> None:
    shop.put()
    shop.fake.customer("pay")
    assert [held["status"] for held in shop.orders() or []] == ["closed"]
    assert len(shop.payments()) == 1


def test_locked_refuses_to_delete_what_a_customer_is_paying(shop: Shop) -> None:
    shop.fake.set_trouble("locked", True)
    shop.put()
    shop.fake.customer("scan")
    assert said(shop.ask("DELETE", POS)) == (409, "instore_order_locked_error")
    assert shop.ask("GET", POS).status_code == 200
    shop.fake.set_trouble("locked", False)
    assert shop.ask("DELETE", POS).status_code == 204


def test_while_down_nothing_is_applied(shop: Shop) -> None:
    shop.fake.set_trouble("mp-down", True)
    assert [shop.put().status_code for _ in range(3)] == [500, 503, 502]
    shop.fake.set_trouble("mp-down", False)
    assert said(shop.ask("GET", POS)) == (404, NO_ORDER)


def test_a_slow_put_is_applied_before_its_answer(shop: Shop) -> None:
    held: list[object] = []

    async def pause(seconds: float) -> None:
        held.append((seconds, shop.fake.ledger.current(shop.now) is not None))

    shop.fake.pause = pause
    shop.fake.set_trouble("mp-slow", True)
    assert shop.put().status_code == 204
    assert held == [(8.0, True)]


def test_a_slow_answer_comes_at_once_when_the_world_ends(caplog: pytest.LogCaptureFixture) -> None:
    """Otherwise the server would call it off, and write out where it stood."""
    shop = Shop()
    shop.fake.set_trouble("mp-slow", True)
    answers: list[bytes] = []
    held: list[float] = []

    async def run() -> None:
        listener = bound("127.0.0.1", 0)
        async with served(shop.fake.app, listener, date_header=False):
            read, write = await asyncio.open_connection(*listener.getsockname())
            write.write(f"GET {POS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode())
            waiting = asyncio.create_task(read.readline())
            while not held:
                await asyncio.sleep(0)
            await shop.fake.close()
            answers.append(await waiting)
            write.close()

    async def pause(seconds: float) -> None:
        held.append(seconds)
        await asyncio.Event().wait()

    shop.fake.pause = pause
    asyncio.run(run())
    assert answers == [b"HTTP/1.1 404 Not Found\r\n"]
    assert caplog.text == ""


def test_the_phone_shows_the_order(shop: Shop) -> None:
    assert shop.fake.phone()["screen"] == "waiting"
    shop.put()
    shop.fake.customer("scan")
    shown = shop.fake.phone()
    assert (shown["screen"], shown["title"], shown["amount"], shown["reference"]) == ("order", "Sale", "R$ 25,50", "A")
    item = {"title": "Sale", "quantity": 1, "unit_price": "R$ 25,50", "amount": "R$ 25,50"}
    assert shown["items"] == [item]


# --- on the wire ----------------------------------------------------------------------------------------------------


def on_the_wire(fake: FakeMercadoPago, talk: Callable[[int], None]) -> None:
    """Serve it on a real socket and run ``talk(port)`` in a thread."""

    async def run() -> None:
        listener = bound("127.0.0.1", 0)
        async with served(fake.app, listener, date_header=False):
            await asyncio.to_thread(talk, listener.getsockname()[1])

    asyncio.run(run())


def raw(port: int, request: str) -> bytes:
    """All the bytes of one answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(
            f"{request}\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\n\r\n".encode()
        )
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_a_204_is_empty_on_the_wire_and_has_one_date(shop: Shop) -> None:
    shop.put()
    answers: list[bytes] = []
    on_the_wire(shop.fake, lambda port: answers.append(raw(port, f"DELETE {POS} HTTP/1.1")))
    head, _, rest = answers[0].partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 204 ")
    assert rest == b""
    lines = head.lower().split(b"\r\n")
    assert [line for line in lines if line.startswith(b"date:")] == [b"date: sun, 17 mar 2030 17:46:40 gmt"]
    assert not [line for line in lines if line.startswith((b"content-length", b"transfer-encoding", b"server"))]


def test_a_kept_connection_carries_a_whole_sale(shop: Shop) -> None:
    def talk(port: int) -> None:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=HEADERS, trust_env=False, timeout=30) as client:
            assert client.put(POS, json=order()).status_code == 204
            assert client.post("/customer", json={"action": "pay"}).json()["ok"] is True
            (held,) = client.get("/merchant_orders/search?external_reference=A").json()["elements"]
            assert held["status"] == "closed"
            assert client.delete(POS).status_code == 400

    on_the_wire(shop.fake, talk)


def test_alone_on_a_port_it_says_what_curl_needs_and_can_be_cut_and_mended() -> None:
    """``/trouble`` passes the line that it cuts; everything else does not."""

    def talk(told: str) -> None:
        address = told.split()[4]
        token = {"authorization": f"Bearer {TRAINING_TOKEN}"}
        with httpx.Client(base_url=address, headers=token, trust_env=False, timeout=30) as client:
            assert client.get("/users/me").json()["id"] == 123456789
            assert client.post("/trouble", json={"name": "no-network", "on": True}).status_code == 200
            with pytest.raises(httpx.NetworkError):
                client.get("/users/me")
            assert client.post("/trouble", json={"name": "no-network", "on": False}).status_code == 200
            assert client.get("/users/me").status_code == 200
            path = told.partition(address + "/")[2].split("\n")[0]
            assert client.get(path).json()["error"] == NO_ORDER

    async def run() -> None:
        told: asyncio.Queue[str] = asyncio.Queue()
        serving = asyncio.create_task(serve(0, tell=told.put_nowait))
        await asyncio.to_thread(talk, await told.get())
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving

    asyncio.run(run())


def test_a_taken_port_and_an_unknown_site_are_told() -> None:
    with bound("127.0.0.1", 0) as taken:
        taken.listen()
        with pytest.raises(OSError, match="in use"):
            asyncio.run(serve(taken.getsockname()[1]))
    with pytest.raises(ValueError, match="MLX"):
        asyncio.run(serve(0, site="MLX"))
