"""What each status and each body means: who spoke, and what it says about the order."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from kiosk.mercadopago.answers import (
    Reply,
    account,
    carried,
    holding,
    not_done,
    order_by_id,
    placing,
    reading,
    removing,
    reply_from,
)
from kiosk.mercadopago.words import read_orders_page
from kiosk.sale.commands import Call
from kiosk.sale.events import (
    AccountIs,
    Answer,
    Busy,
    Holds,
    OrderSeen,
    Placed,
    Refused,
    Reject,
    Removal,
    Removed,
    Trouble,
    Unknown,
)
from kiosk.sale.money import SITES

SITE = SITES["MLB"]
CALL = Call(request=3, reference="r", until=1.0)
HTML = b"<html><body>Please log in</body></html>"
NO_POS = {"error": "pos_obtainment_error", "message": "Point of sale not found", "status": 404, "causes": []}
NO_ORDER = {"error": "point_of_sale_in_store_order_not_found", "message": "No associated order found."}
POLICY = {"message": "At least one policy returned UNAUTHORIZED.", "code": "PA_UNAUTHORIZED_RESULT_FROM_POLICIES"}
DELETE_ERROR = {"error": "in_store_order_delete_error", "message": "An error occurred", "status": 400, "causes": []}
CREATION_ERROR = {"error": "in_store_order_creation_error", "message": "Failed."}
LOCKED = {"error": "instore_order_locked_error"}


def reply(status: int, body: object = b"") -> Reply:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(status, content, date=1935685200.0, trace="t")


def verdict(said: object) -> object:
    """The one word in which an answer differs from others."""
    match said:
        case Refused():
            return said.reject
        case Unknown():
            return said.trouble
        case Removed():
            return said.removal
        case _:
            return type(said)


# --- what is true of every request ----------------------------------------------------------------------------------

JUDGES: dict[str, Callable[[Reply], object]] = {
    "placing": lambda given: placing(CALL, given),
    "holding": lambda given: holding(CALL, given, SITE),
    "removing": lambda given: removing(CALL, given),
    "account": lambda given: account(CALL, given),
    "order_by_id": lambda given: order_by_id(CALL, given, SITE),
    "reading": lambda given: reading(CALL, given, lambda value: read_orders_page(value, SITE)),
}


@pytest.mark.parametrize("judge", JUDGES.values(), ids=JUDGES)
@pytest.mark.parametrize("body", [HTML, b'{"message": "Forbidden"}', b"null", b"[1", b"7 7", b""])
def test_no_status_counts_without_the_providers_language(judge: Callable[[Reply], object], body: bytes) -> None:
    """A captive portal or a gateway frees no POS, condemns no token, places and removes nothing."""
    for status in [101, *range(300, 309), *range(400, 429), 431, 451, 499]:
        assert verdict(judge(reply(status, body))) in (Trouble.NONSENSE, Trouble.SERVER)


@pytest.mark.parametrize("judge", JUDGES.values(), ids=JUDGES)
@pytest.mark.parametrize("body", [HTML, b"[1", b"7 7", b"null", b'"ok"', b'{"error": "x"}'])
def test_a_success_in_another_language_is_none(judge: Callable[[Reply], object], body: bytes) -> None:
    assert verdict(judge(reply(200, body))) is Trouble.NONSENSE


@pytest.mark.parametrize("judge", JUDGES.values(), ids=JUDGES)
@pytest.mark.parametrize("body", [HTML, b"", json.dumps({"error": "x", "status": 500}).encode()])
@pytest.mark.parametrize(
    ("status", "trouble"),
    [(408, None), (424, None), (425, None), (429, Trouble.THROTTLED), (500, Trouble.SERVER), (503, Trouble.SERVER)],
)
def test_what_says_nothing_is_never_final(
    judge: Callable[[Reply], object], body: bytes, status: int, trouble: Trouble | None
) -> None:
    """R7, law L6."""
    said = judge(reply(status, body))
    assert isinstance(said, Unknown)
    assert trouble in (None, said.trouble)


@pytest.mark.parametrize("judge", JUDGES.values(), ids=JUDGES)
@pytest.mark.parametrize(
    ("status", "body", "reject"),
    [
        (401, {"code": "unauthorized", "message": "authorization value not present"}, Reject.TOKEN),
        (400, {"error": "invalid_access_token", "message": "Access denied."}, Reject.TOKEN),
        (403, POLICY, Reject.FORBIDDEN),
    ],
)
def test_a_bad_token_is_refused_by_all(
    judge: Callable[[Reply], object], status: int, body: object, reject: Reject
) -> None:
    said = judge(reply(status, body))
    assert isinstance(said, Refused)
    assert (said.reject, said.request, said.reference, said.date, said.trace) == (reject, 3, "r", 1935685200.0, "t")


@pytest.mark.parametrize("status", [402, 405, 410, 413, 451])
def test_a_refusal_that_is_not_listed_is_unknown(status: int) -> None:
    assert verdict(not_done(CALL, reply(status, {"error": "x"}))) is Trouble.SERVER


# --- placing --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (204, b"", Placed),
        (200, b"", Placed),
        (201, {"qr_data": "000201", "in_store_order_id": "x"}, Placed),
        (200, HTML, Trouble.NONSENSE),
        (200, {"error": "x", "status": 500}, Trouble.NONSENSE),
        (409, {"error": "conflict"}, Busy),
        (400, LOCKED, Busy),
        (400, {"error": "invalid_total_amount", "message": "total_amount must be number."}, Reject.INVALID),
        (422, {"error": "unprocessable"}, Reject.INVALID),
        (400, CREATION_ERROR, Trouble.SERVER),
        (500, CREATION_ERROR, Trouble.SERVER),
        (404, NO_POS, Reject.NO_POS),
        (404, b"", Trouble.NONSENSE),
        (409, HTML, Trouble.SERVER),
        (423, {"error": "locked"}, Trouble.SERVER),
    ],
)
def test_placing(status: int, body: object, said: object) -> None:
    assert verdict(placing(CALL, reply(status, body))) == said


def test_a_refusal_says_why_in_their_words() -> None:
    said = placing(CALL, reply(400, {"error": "invalid_title", "message": "title must be string."}))
    assert isinstance(said, Refused)
    assert said.detail == "400 invalid_title: title must be string."


# --- what the POS holds ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (404, NO_ORDER, Holds),
        (404, {"error": "IN_STORE_ORDER_NOT_FOUND"}, Holds),
        (200, [], Holds),
        (404, NO_POS, Reject.NO_POS),
        (404, {"error": "not_found", "message": "Resource /instore not found.", "status": 404}, Trouble.SERVER),
        (404, {"error": "Not Found", "path": "/orders", "status": 404}, Trouble.SERVER),
        (404, {"error": "some_order_error"}, Trouble.SERVER),
        (400, NO_ORDER, Reject.INVALID),
        (404, HTML, Trouble.NONSENSE),
        (404, b"", Trouble.NONSENSE),
        (204, b"", Trouble.NONSENSE),
        (206, [], Trouble.NONSENSE),
        (200, {}, Trouble.NONSENSE),
        (200, b"", Trouble.NONSENSE),
        (400, {"error": "invalid_externalPosId"}, Reject.INVALID),
        (500, CREATION_ERROR, Trouble.SERVER),
    ],
)
def test_holding(status: int, body: object, said: object) -> None:
    """Law L4: free is said by "no order", not by "no such address"."""
    told = holding(CALL, reply(status, body), SITE)
    assert verdict(told) == said
    assert not isinstance(told, Holds) or told.order is None


def test_holding_an_order() -> None:
    said = holding(CALL, reply(200, [{"external_reference": "x", "total_amount": 1}]), SITE)
    assert isinstance(said, Holds)
    assert said.order is not None
    assert (said.order.reference, said.order.cents) == ("x", 100)


# --- taking it away -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (204, b"", Removal.BY_US),
        (200, {}, Removal.BY_US),
        (200, HTML, Trouble.NONSENSE),
        (200, {"error": "x"}, Trouble.NONSENSE),
        (409, {"error": "x"}, Removal.LOCKED),
        (423, {"error": "x"}, Removal.LOCKED),
        (400, LOCKED, Removal.LOCKED),
        (500, LOCKED, Removal.LOCKED),
        (409, HTML, Trouble.SERVER),
        (400, DELETE_ERROR, Removal.GONE),
        (400, {"error": "a_new_word"}, Removal.GONE),
        (404, NO_ORDER, Removal.GONE),
        (404, NO_POS, Removal.GONE),
        (500, CREATION_ERROR, Removal.GONE),
        (500, DELETE_ERROR, Removal.GONE),
        (500, {"error": "internal_error"}, Trouble.SERVER),
        (502, CREATION_ERROR, Trouble.SERVER),
        (500, HTML, Trouble.SERVER),
        (400, {"error": "invalid_collectorId"}, Reject.INVALID),
        (400, HTML, Trouble.NONSENSE),
        (404, HTML, Trouble.NONSENSE),
    ],
)
def test_removing(status: int, body: object, said: object) -> None:
    assert verdict(removing(CALL, reply(status, body))) == said


# --- reading --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, {"id": 1, "site_id": "MLB"}, AccountIs),
        (200, {"id": "x"}, Trouble.NONSENSE),
        (404, {"error": "not_found"}, Trouble.SERVER),
    ],
)
def test_account(status: int, body: object, said: object) -> None:
    assert verdict(account(CALL, reply(status, body))) == said


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, {"id": 1, "status": "opened"}, OrderSeen),
        (404, {"error": "not_found"}, type(None)),
        (400, {"error": "invalid_format", "message": "invalid id."}, type(None)),
        (401, {"error": "invalid_token"}, Reject.TOKEN),
        (404, HTML, Trouble.NONSENSE),
        (200, {"id": 1}, Trouble.NONSENSE),
    ],
)
def test_an_order_by_id(status: int, body: object, said: object) -> None:
    assert verdict(order_by_id(CALL, reply(status, body), SITE)) == said


# --- what answers carry ---------------------------------------------------------------------------------------------


def test_only_the_provider_has_a_clock() -> None:
    """Its id helps support in any case; a date without its language is somebody else's (R3)."""
    theirs = not_done(CALL, reply(500, {"error": "x"}))
    gateways = [not_done(CALL, reply(500, HTML)), not_done(CALL, reply(404, HTML)), placing(CALL, reply(200, HTML))]
    assert (theirs.date, theirs.trace) == (1935685200.0, "t")
    assert [(said.date, said.trace) for said in gateways] == [(None, "t")] * 3


def test_what_is_carried_without_a_reply() -> None:
    said = Answer(**carried(CALL))
    assert said == Answer(request=3, reference="r", date=None, trace="")


def test_when_to_come_back_is_carried() -> None:
    said = not_done(CALL, replace(reply(429), retry_after_s=7.0))
    assert isinstance(said, Unknown)
    assert said.retry_after_s == 7.0


# --- headers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Sun, 04 May 2031 18:20:00 GMT", 1935685200.0),
        ("Sun, 04 May 2031 18:20:00 -0000", 1935685200.0),
        ("Sun, 04 May 2031 15:20:00 -0300", 1935685200.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", None),
        ("Tue, 01 Jan 2999 00:00:00 GMT", None),
        ("yesterday", None),
        ("", None),
        ("Sun, 99 May 2031 18:20:00 GMT", None),
        ("Sun, 04 May 2031 18:20:00 +9999", None),
    ],
)
def test_the_providers_clock(text: str, seconds: float | None) -> None:
    assert reply_from(200, {"date": text}, b"").date == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        (" 30 ", 30.0),
        ("Sun, 04 May 2031 18:20:45 GMT", 45.0),
        ("Sun, 04 May 2031 18:19:00 GMT", 0.0),
        ("-1", None),
        ("1.5", None),
        ("²", None),
        ("1234567", None),
        ("soon", None),
        ("", None),
    ],
)
def test_when_to_come_back(text: str, seconds: float | None) -> None:
    headers = {"date": "Sun, 04 May 2031 18:20:00 GMT", "retry-after": text}
    assert reply_from(429, headers, b"").retry_after_s == seconds


def test_a_date_to_come_back_needs_a_date_to_count_from() -> None:
    """The kiosk's own wall clock may be of 1970."""
    assert reply_from(429, {"retry-after": "Sun, 04 May 2031 18:20:45 GMT"}, b"").retry_after_s is None


def test_a_reply_without_headers() -> None:
    assert reply_from(204, {}, b"") == Reply(204, b"")
    assert reply_from(200, {"x-request-id": "abc"}, b"x") == Reply(200, b"x", trace="abc")
