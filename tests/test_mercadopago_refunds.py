"""Refunds over real sockets: what travels, and once only; what comes back. Each answer's meaning: ``test_contract``."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest

from kiosk.sale.commands import AskRefunds, GiveBack
from kiosk.sale.events import (
    GivenBack,
    NoRefund,
    NotGivenBack,
    PaymentSeen,
    PaymentState,
    RefundsAre,
    RefundSeen,
    Refused,
    Reject,
    Trouble,
    Unknown,
)
from tests.adversary import ACCOUNT, INDEXED, PAYMENT_ID, POLICY, REFUND, REFUNDED, USER, error
from tests.contract import REFUND as WANTED
from tests.contract import TOKEN, Lane
from tests.scripted_server import DATE_S, Play, ScriptedServer, answer, hang_up, reset

PATH = f"/v1/payments/{PAYMENT_ID}"
WHOLE = replace(WANTED, whole=True, cents=2500)
ONE = RefundSeen("880001", PaymentState.APPROVED, 1000)
NO_PAYMENT = error("not_found", "Payment not found", 404, cause=[{"code": 2000, "description": "Payment not found"}])


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    made = ScriptedServer()
    yield made
    made.close()


@pytest.fixture
def lane(server: ScriptedServer) -> Iterator[Lane]:
    made = Lane(f"http://127.0.0.1:{server.port}")
    yield made
    made.close()


def asked(server: ScriptedServer) -> list[tuple[str, str]]:
    return [(heard.method, heard.target) for heard in server.requests]


# --- asking -----------------------------------------------------------------------------------------------------------


def test_a_payment_and_its_refunds_are_asked_for_one_after_the_other(server: ScriptedServer, lane: Lane) -> None:
    server.play(answer(200, REFUNDED), answer(200, [REFUND, {**REFUND, "id": 880002, "status": "in_process"}]))
    told = lane.call("refunds")
    payment = PaymentSeen(PAYMENT_ID, PaymentState.APPROVED, 2500, "BRL", 1000, WANTED.reference, USER)
    under_way = replace(ONE, id="880002", state=PaymentState.PENDING)
    carried = {"request": 1, "reference": WANTED.reference, "date": DATE_S, "trace": "trace-1"}
    assert told == RefundsAre(**carried, payment=payment, refunds=(ONE, under_way))  # type: ignore[arg-type]
    assert asked(server) == [("GET", PATH), ("GET", f"{PATH}/refunds")]
    assert not any("x-idempotency-key" in heard.headers for heard in server.requests)


def test_what_is_in_process_is_asked_to_be_shown(server: ScriptedServer, lane: Lane) -> None:
    """Mercado Pago, "Refund of transactions with Pix": else it is a bad request, and not in the list."""
    server.play(answer(200, INDEXED), answer(200, []), answer(201, {**REFUND, "status": "in_process"}))
    assert lane.ask("refunds") == "not refunded"
    assert lane.ask("give-back") == "under way"
    [_, listed, given] = server.requests
    assert [heard.headers["x-render-in-process-refunds"] for heard in (listed, given)] == ["true", "true"]
    server.play(answer(200, b"[]"))
    lane.ask("look")
    assert "x-render-in-process-refunds" not in server.requests[-1].headers


def test_a_payment_that_is_not_there_has_no_refunds_to_ask_for(server: ScriptedServer, lane: Lane) -> None:
    server.play(answer(404, NO_PAYMENT))
    told = lane.call("refunds")
    assert isinstance(told, RefundsAre)
    assert (told.payment, told.refunds, told.whole) == (None, (), True)
    assert asked(server) == [("GET", PATH)]


def test_an_address_that_leads_nowhere_says_nothing_of_a_payment(server: ScriptedServer, lane: Lane) -> None:
    """The API's router says ``not_found``, too."""
    server.play(answer(404, error("not_found", "Resource /v1/payments/9 not found.", 404)))
    assert lane.ask("refunds") is Trouble.SERVER


def test_without_the_list_nothing_is_known(server: ScriptedServer, lane: Lane) -> None:
    server.play(answer(200, INDEXED), answer(503, error("service_unavailable")))
    assert lane.ask("refunds") is Trouble.SERVER
    server.play(answer(200, INDEXED), hang_up)
    assert lane.ask("refunds") is Trouble.NETWORK
    server.play(answer(200, INDEXED), answer(200, []))
    assert lane.ask("refunds") == "not refunded"


def test_both_questions_have_one_deadline(server: ScriptedServer, lane: Lane) -> None:
    def late(lists: bytes) -> Play:
        return lane.clock.trickle(lists, slice(-4, None), 2.0)

    server.play(late(answer(200, INDEXED)), late(answer(200, [])))
    begun = lane.clock.now
    assert lane.ask("refunds") is Trouble.SLOW
    assert lane.clock.now - begun <= 12.0


def test_an_id_is_one_part_of_the_path(server: ScriptedServer, lane: Lane) -> None:
    server.play(answer(404, NO_PAYMENT), answer(404, NO_PAYMENT))
    strange = replace(WANTED, payment="1/../search?x")
    lane.call("refunds", refund=strange)
    lane.call("give-back", refund=strange)
    path = "/v1/payments/1%2F..%2Fsearch%3Fx"
    assert asked(server) == [("GET", path), ("POST", f"{path}/refunds")]


# --- giving back ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "site", "body"),
    [
        (WANTED, "MLB", b'{"amount": 10.00}'),
        (replace(WANTED, cents=1), "MLB", b'{"amount": 0.01}'),
        (replace(WANTED, cents=1010, currency="CLP"), "MLC", b'{"amount": 1010}'),
        (WHOLE, "MLB", b"{}"),
        (replace(WHOLE, currency="PEN"), "MPE", b"{}"),
    ],
)
def test_a_part_travels_as_an_exact_amount_and_the_whole_as_none(
    server: ScriptedServer, wanted: object, site: str, body: bytes
) -> None:
    assert isinstance(wanted, type(WANTED))
    lane = Lane(f"http://127.0.0.1:{server.port}", site=site)
    amount = wanted.cents / 10**lane.site.currency.decimals
    server.play(answer(201, {**REFUND, "amount": amount}))
    told = lane.call("give-back", refund=wanted)
    lane.close()
    [heard] = server.requests
    assert (heard.method, heard.target, heard.body) == ("POST", f"{PATH}/refunds", body)
    assert heard.headers["x-idempotency-key"] == "key-1"
    assert heard.headers["content-type"] == "application/json"
    assert isinstance(told, GivenBack)
    assert told.refund == replace(ONE, cents=wanted.cents)


def test_the_whole_may_be_another_amount_than_was_thought(server: ScriptedServer, lane: Lane) -> None:
    """Somebody gave back a part meanwhile: what is said counts. Of a part that was asked for it is nonsense."""
    server.play(answer(201, {**REFUND, "amount": 24.0}), answer(201, {**REFUND, "amount": 24.0}))
    told = lane.call("give-back", refund=WHOLE)
    assert isinstance(told, GivenBack)
    assert told.refund.cents == 2400
    assert lane.ask("give-back") is Trouble.NONSENSE


@pytest.mark.parametrize("amount", [None, 10.001])
def test_the_whole_is_an_amount(server: ScriptedServer, lane: Lane, amount: float | None) -> None:
    server.play(answer(201, {**REFUND, "amount": amount}))
    assert lane.ask("give-back", refund=WHOLE) is Trouble.NONSENSE


def test_money_of_another_country_is_never_sent(server: ScriptedServer, lane: Lane) -> None:
    told = lane.call("give-back", refund=replace(WHOLE, currency="ARS"))
    assert isinstance(told, Refused)
    assert told.reject is Reject.INVALID
    assert not server.requests


@pytest.mark.parametrize(
    ("account", "said"),
    [
        (answer(200, ACCOUNT), NoRefund.TEST_ACCOUNT),
        (answer(200, {"id": USER, "site_id": "MLB", "tags": ["normal"]}), Reject.FORBIDDEN),
        (answer(403, POLICY), Reject.FORBIDDEN),
        (hang_up, Reject.FORBIDDEN),
    ],
    ids=["a test account", "a real one", "it does not say", "it hangs up"],
)
def test_a_policy_refuses_test_accounts_and_applications(
    server: ScriptedServer, lane: Lane, account: Play, said: object
) -> None:
    server.play(answer(403, POLICY), account)
    assert lane.ask("give-back") is said
    assert asked(server) == [("POST", f"{PATH}/refunds"), ("GET", "/users/me")]


@pytest.mark.parametrize(
    ("body", "said"),
    [(error("forbidden"), Reject.FORBIDDEN), ({**POLICY, "cause": [{"code": 2063}]}, NoRefund.STATE)],
)
def test_what_no_policy_refuses_asks_nobody(server: ScriptedServer, lane: Lane, body: object, said: object) -> None:
    server.play(answer(403, body), answer(200, ACCOUNT))
    assert lane.ask("give-back") is said
    assert len(server.requests) == 1


def test_the_providers_own_words_are_the_detail_without_the_token(server: ScriptedServer, lane: Lane) -> None:
    server.play(answer(400, error("bad_request", f"no {TOKEN}", cause=[{"code": 2063, "description": "Not now"}])))
    told = lane.call("give-back")
    assert isinstance(told, NotGivenBack)
    assert (told.reason, told.detail) == (NoRefund.STATE, "400 bad_request: no ********; Not now")


# --- once only --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [hang_up, reset, answer(307, b"", Location="/elsewhere"), answer(503, error("x"))])
def test_it_is_sent_once_whatever_becomes_of_the_answer(server: ScriptedServer, lane: Lane, end: Play) -> None:
    server.play(end)
    assert isinstance(lane.call("give-back"), Unknown)
    assert asked(server) == [("POST", f"{PATH}/refunds")]


@pytest.mark.parametrize("end", [hang_up, reset])
def test_on_a_connection_that_was_used_before_it_is_sent_once_too(
    server: ScriptedServer, lane: Lane, end: Play
) -> None:
    """A client may repeat what it sent on a connection that the server was closing (RFC 9110, 9.2.2): never a POST."""
    server.play(answer(200, [ACCOUNT]), end)
    lane.call("pos")
    assert lane.ask("give-back") is Trouble.NETWORK
    assert [heard.method for heard in server.requests] == ["GET", "POST"]
    assert server.connections == 1


def test_on_a_connection_that_was_closed_meanwhile_it_is_sent_on_another(server: ScriptedServer, lane: Lane) -> None:
    server.play(answer(404, NO_PAYMENT, Connection="close"), answer(201, REFUND))
    lane.call("refunds")
    assert lane.ask("give-back") == "given back"
    assert [heard.method for heard in server.requests] == ["GET", "POST"]


def test_after_its_time_nothing_is_sent(server: ScriptedServer, lane: Lane) -> None:
    for call in (
        GiveBack(request=1, until=lane.clock.now, refund=WANTED),
        AskRefunds(request=2, until=lane.clock.now, payment=PAYMENT_ID),
    ):
        told = lane.adapter.carry_out(call)
        assert isinstance(told, Unknown)
        assert told.trouble is Trouble.SLOW
    assert not server.requests


def test_an_answer_that_drips_is_given_up_in_time(server: ScriptedServer, lane: Lane) -> None:
    server.play(lane.clock.trickle(answer(201, REFUND), slice(-20, None), 1.0))
    begun = lane.clock.now
    assert lane.ask("give-back") is Trouble.SLOW
    assert lane.clock.now - begun <= 11.0


@pytest.mark.parametrize("key", ["two\r\nlines", "schlüssel"])
def test_a_key_that_cannot_travel_is_no_crash(server: ScriptedServer, lane: Lane, key: str) -> None:
    """No key of ours is one; a journal that was written by others may hold anything."""
    assert isinstance(lane.call("give-back", refund=replace(WANTED, key=key)), Unknown)
    assert not server.requests


def test_neither_key_nor_token_is_logged(server: ScriptedServer, lane: Lane, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    refund = replace(WANTED, key="key-that-is-not-shown")
    server.play(answer(201, REFUND), answer(400, json.dumps(error("x")).encode()), hang_up)
    told = [lane.call("give-back", refund=refund) for _ in range(3)]
    for secret in (TOKEN, refund.key):
        assert secret not in caplog.text
        assert secret not in repr(told)
