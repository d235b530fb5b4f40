"""What stands before the fake Mercado Pago's services: token, troubles of the server, headers on every answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
import pytest
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from kiosk.sim.gateway import SLOW_S, Gateway

NOW = 1_900_000_000.0
TOKEN = "APP_USR-1-test-123"
Ask = Callable[..., httpx.Response]


class Counter:
    """A service that counts its requests, behind a gateway whose troubles and pauses can be seen."""

    def __init__(self) -> None:
        self.served = 0
        self.pauses: list[tuple[float, int]] = []
        self.now = NOW
        self.troubles = dict.fromkeys(("mp-down", "mp-slow", "token-expired"), False)
        self.app: ASGIApp = Gateway(
            self._service, token=TOKEN, troubles=self.troubles, wall=lambda: self.now, pause=self._pause
        )

    async def _service(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.served += 1
        await Response(status_code=204)(scope, receive, send)

    async def _pause(self, seconds: float) -> None:
        self.pauses.append((seconds, self.served))
        self.now += seconds

    def ask(self, path: str, method: str = "GET", authorization: str | None = f"Bearer {TOKEN}") -> httpx.Response:
        headers = {} if authorization is None else {"authorization": authorization}

        async def request() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://fake") as client:
                return await client.request(method, path, headers=headers)

        return asyncio.run(request())


@pytest.fixture
def counter() -> Counter:
    return Counter()


def test_the_right_token_passes(counter: Counter) -> None:
    assert counter.ask("/users/me").status_code == 204
    assert counter.ask("/users/me", authorization=f"bearer {TOKEN} ").status_code == 204
    assert counter.served == 2


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer ", TOKEN, "Basic dTpw"])
def test_no_token_is_told_so(counter: Counter, authorization: str | None) -> None:
    answer = counter.ask("/merchant_orders/search", authorization=authorization)
    assert answer.status_code == 401
    assert answer.json() == {"code": "unauthorized", "message": "authorization value not present"}
    assert counter.served == 0


def test_a_wrong_token_is_refused_in_the_words_of_its_service(counter: Counter) -> None:
    answer = counter.ask("/users/me", authorization=f"Bearer {TOKEN}4")
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    answer = counter.ask("/merchant_orders/search", authorization=f"Bearer {TOKEN}4")
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    assert counter.served == 0


def test_an_expired_token_is_a_wrong_one(counter: Counter) -> None:
    counter.troubles["token-expired"] = True
    assert counter.ask("/users/me").status_code == 401
    counter.troubles["token-expired"] = False
    assert counter.ask("/users/me").status_code == 204


def test_the_token_is_in_no_answer(counter: Counter) -> None:
    """Law L10 begins here: an answer may be logged."""
    assert TOKEN not in counter.ask("/users/me", authorization=f"Bearer {TOKEN}4").text


def test_every_answer_has_one_date_and_its_own_request_id(counter: Counter) -> None:
    answers = [counter.ask("/users/me"), counter.ask("/users/me", authorization=None), counter.ask("/trouble")]
    counter.troubles["mp-down"] = True
    answers.append(counter.ask("/users/me"))
    dates = [answer.headers.get_list("date") for answer in answers]
    assert dates == [["Sun, 17 Mar 2030 17:46:40 GMT"]] * 4
    assert len({answer.headers["x-request-id"] for answer in answers}) == 4


def test_while_down_it_fails_in_turn_and_does_nothing(counter: Counter) -> None:
    counter.troubles["mp-down"] = True
    answers = [counter.ask("/instore/qr/x", method) for method in ("PUT", "GET", "GET", "DELETE")]
    assert [answer.status_code for answer in answers] == [500, 503, 502, 500]
    assert answers[0].json() == {
        "error": "in_store_order_creation_error",
        "message": "Failed to create order.",
        "status": 500,
        "causes": [],
    }
    assert answers[3].json()["message"] == "Failed to delete order."
    assert answers[2].headers["content-type"].startswith("text/html")
    assert answers[2].text.startswith("<html>")
    assert counter.served == 0


def test_the_next_time_down_begins_with_the_same_failure(counter: Counter) -> None:
    for _ in range(2):
        counter.troubles["mp-down"] = True
        assert counter.ask("/users/me").json()["error"] == "internal_server_error"
        counter.troubles["mp-down"] = False
        assert counter.ask("/users/me").status_code == 204


def test_a_slow_answer_is_late_but_what_was_asked_happened_before(counter: Counter) -> None:
    counter.troubles["mp-slow"] = True
    answer = counter.ask("/users/me")
    assert counter.pauses == [(SLOW_S, 1)]
    assert answer.headers["date"] == "Sun, 17 Mar 2030 17:46:48 GMT", "it left eight seconds later"
    counter.troubles["mp-slow"] = False
    counter.ask("/users/me")
    assert len(counter.pauses) == 1


@pytest.mark.parametrize("path", ["/customer", "/trouble"])
def test_what_is_no_part_of_mercado_pago_meets_no_trouble(counter: Counter, path: str) -> None:
    for name in counter.troubles:
        counter.troubles[name] = True
    assert counter.ask(path, "POST", authorization=None).status_code == 204
    assert counter.pauses == []
    assert counter.ask(f"{path}/x", "POST", authorization=None).status_code == 500
