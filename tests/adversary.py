"""An adversarial Mercado Pago: what it may answer, as data, and what the adapter must make of it.

An entry has a name, the section of the fact sheet that it comes from (``wire``: none), and what each of the calls must
end with. Where nobody knows what Mercado Pago does, every plausible answer has its entry. What a server does with
time and connections, and who may stand in its place, is in ``adversary_wire``; what an account does from request to
request, in ``kiosk.sim.doubts``: that is what the fake can play. These here are single answers of a server that no
counter needs to play, so they live with the tests.

The words that a call ends with: a ``Reject`` (refused), a ``Trouble`` (unknown), a ``Removal``; ``placed``, ``busy``;
``free``, ``ours``, ``another`` (the POS, the account); of a look ``paid``, ``unpaid``, ``nothing``; asked for refunds
``no payment``, ``refunded``, ``not refunded``; with ``, not all`` where it is not whole; of giving back ``given back``,
``under way``, ``not given``, or why not (``NoRefund``). ``RIGHT`` has them for a server that is well.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, TypeAlias
from urllib.parse import parse_qs

from kiosk.sale.events import NoRefund, Reject, Removal, Trouble
from tests.scripted_server import DATE_S, FakeClock, Heard, Play, answer

Said: TypeAlias = str | Reject | Removal | Trouble | NoRefund

USER: Final = 123456789
REFERENCE: Final = "KIOSK01-7-abcdefghijklmn"
PAYMENT_ID: Final = "99000000002"
CALLS: Final = ("place", "pos", "withdraw", "look", "account", "refunds", "give-back")
RIGHT: Final[Mapping[str, Said]] = MappingProxyType(
    {
        "place": "placed",
        "pos": "ours",
        "withdraw": Removal.BY_US,
        "look": "paid",
        "account": "ours",
        "refunds": "refunded",
        "give-back": "given back",
    }
)


@dataclass(frozen=True, slots=True)
class Right:
    """The right answer to a request, for the wrong ones to begin with."""

    kind: str
    """What was asked: ``place`` ``pos`` ``withdraw`` ``orders`` ``payments`` ``order`` ``account`` ``payment``
    ``refunds`` ``refund``."""
    status: int
    body: bytes
    offset: int = 0
    """Of a search, how many elements the asker has seen."""

    def bytes(self, **headers: str) -> bytes:
        """On the wire."""
        return answer(self.status, self.body, **headers)

    def spoken(self) -> Right:
        """With a body in any case: an empty object where there is none."""
        return replace(self, status=200, body=self.body or b"{}")


Bad: TypeAlias = Callable[[Right, FakeClock], Play]


@dataclass(frozen=True, slots=True)
class Misbehaviour:
    """One of them."""

    name: str
    section: str
    bad: Bad
    """What comes instead of the right answer."""
    said: Mapping[str, Said]
    """What each call ends with; a shape that only one request can have names that call alone."""
    retry_after_s: float | None = None
    date: float | None = DATE_S
    """The provider's clock, where something was answered."""
    trace: str = "trace-1"
    then: Said = "ours"
    """What the next question to the POS ends with, though the server is well again."""
    spends_s: float = 0.0
    """How much of the call's time it may take, at the most."""


# --- the right answers ------------------------------------------------------------------------------------------------

PAYMENT: Final = {
    "id": 99000000002,
    "transaction_amount": 25.0,
    "total_paid_amount": 25.0,
    "shipping_cost": 0,
    "currency_id": "BRL",
    "status": "approved",
    "status_detail": "accredited",
    "operation_type": "regular_payment",
    "date_approved": "2031-05-04T14:19:00.000-04:00",
    "amount_refunded": 0,
}
ORDER: Final = {
    "id": 5550001112,
    "status": "closed",
    "order_status": "paid",
    "external_reference": REFERENCE,
    "preference_id": "123456789-5550001112",
    "application_id": None,
    "site_id": "MLB",
    "collector": {"id": USER, "nickname": "SHOP"},
    "payer": {"id": 222333444, "nickname": "CUSTOMER", "email": ""},
    "total_amount": 25.0,
    "paid_amount": 25.0,
    "refunded_amount": 0,
    "cancelled": False,
    "items": [{"id": "", "title": "Venda 7", "currency_id": "BRL", "quantity": 1, "unit_price": 25.0}],
    "shipments": [],
    "payments": [PAYMENT],
}
INDEXED: Final = {
    **PAYMENT,
    "external_reference": REFERENCE,
    "collector_id": USER,
    "order": {"id": 5550001112, "type": "mercadopago"},
    "transaction_amount_refunded": 0,
    "pos_id": "7654321",
    "store_id": "1111111",
}
HELD: Final = {
    "external_reference": REFERENCE,
    "total_amount": 25.0,
    "items": [{"title": "Venda 7", "unit_price": 25.0, "quantity": 1, "unit_measure": "unit", "total_amount": 25.0}],
    "title": "Padaria",
    "description": "Padaria",
    "expiration_date": "2031-05-04T18:24:00.000-03:00",
    "notification_url": None,
    "user_id": USER,
    "external_pos_id": "KIOSK01",
}
REFUND: Final = {
    "id": 880001,
    "payment_id": int(PAYMENT_ID),
    "amount": 10.0,
    "metadata": {},
    "source": {"id": str(USER), "name": "Shop", "type": "collector"},
    "date_created": "2031-05-04T14:20:00.000-04:00",
    "unique_sequence_number": None,
    "refund_mode": "standard",
    "adjustment_amount": 0,
    "status": "approved",
    "reason": None,
    "labels": [],
    "partition_details": [],
}
REFUNDED: Final = {**INDEXED, "transaction_amount_refunded": 10.0}
ACCOUNT: Final = {"id": USER, "nickname": "TESTUSER123456789", "site_id": "MLB", "tags": ["normal", "test_user"]}


def order(**fields: object) -> dict[str, object]:
    """The paid order, changed."""
    return {**ORDER, **fields}


def paid_by(*payments: dict[str, object], **fields: object) -> dict[str, object]:
    """An order with these changes to its payment, one payment each."""
    return order(payments=[{**PAYMENT, **changes} for changes in payments], **fields)


def page(*orders: object, **fields: object) -> dict[str, object]:
    """A page of merchant orders."""
    return {"elements": [*orders], "next_offset": len(orders), "total": len(orders), **fields}


def index(*payments: object, **fields: object) -> dict[str, object]:
    """A page of payments."""
    return {"paging": {"total": len(payments), "limit": 30, "offset": 0}, "results": [*payments], **fields}


NO_PAYMENTS: Final = index()


def right(heard: Heard) -> Right:
    """The right answer to that request: the POS holds our order, and it is paid; some of the money went back."""
    path, _, query = heard.target.partition("?")
    if heard.method in ("PUT", "DELETE"):
        return Right("place" if heard.method == "PUT" else "withdraw", 204, b"")
    if heard.method == "POST":
        return Right("refund", 201, json.dumps(REFUND).encode())
    kind, body = next((kind, body) for beginning, kind, body in _RIGHT if path.startswith(beginning))
    offset = int(parse_qs(query).get("offset", ["0"])[0])
    return Right(kind, 200, json.dumps(body).encode(), offset)


_RIGHT: Final[tuple[tuple[str, str, object], ...]] = (
    ("/instore/", "pos", [HELD]),
    ("/merchant_orders/search", "orders", page(ORDER)),
    ("/merchant_orders/", "order", ORDER),
    ("/v1/payments/search", "payments", index(INDEXED)),
    (f"/v1/payments/{PAYMENT_ID}/refunds", "refunds", [REFUND]),
    ("/v1/payments/", "payment", REFUNDED),
    ("/users/me", "account", ACCOUNT),
    ("", "elsewhere", {}),
)


# --- how an entry is written ------------------------------------------------------------------------------------------


def every(said: Said, **calls: Said) -> dict[str, Said]:
    """All calls end with that, but for those that are named."""
    return {**dict.fromkeys(CALLS, said), **calls}


def says(status: int, body: object = None, **headers: str) -> Bad:
    """Whatever was asked."""
    data = answer(status, body, **headers)
    return lambda right, clock: data


def error(key: str, message: str = "No.", status: int = 0, **fields: object) -> dict[str, object]:
    """An error as the in-store services write it."""
    return {"error": key, "message": message, "status": status, "causes": [], **fields}


def _always(name: str, section: str, status: int, body: object, said: Mapping[str, Said]) -> Misbehaviour:
    return Misbehaviour(f"{status} {name}", section, says(status, body), said)


def _shape(call: str, name: str, section: str, said: Said, **bodies: object) -> Misbehaviour:
    """A shape of one endpoint's 200; the others are right."""

    def bad(right: Right, clock: FakeClock) -> Play:
        return answer(200, bodies[right.kind]) if right.kind in bodies else right.bytes()

    return Misbehaviour(f"{call}: {name}", section, bad, {call: said})


HTML: Final = b"<html><head><title>No</title></head><body><h1>No</h1></body></html>"
NO_ORDER: Final = error("point_of_sale_in_store_order_not_found", "No associated order found.", 404)
NO_POS: Final = error("pos_obtainment_error", "Point of sale not found", 404)
POLICY: Final = {
    "message": "At least one policy returned UNAUTHORIZED.",
    "code": "PA_UNAUTHORIZED_RESULT_FROM_POLICIES",
    "status": 403,
    "blocked_by": "PolicyAgent",
}

_NONSENSE: Final = every(Trouble.NONSENSE)
_SERVER: Final = every(Trouble.SERVER)
_INVALID: Final = every(Reject.INVALID)
_GONE: Final = every(Reject.INVALID, withdraw=Removal.GONE)
"""A 400 whose key is not about our request: a DELETE found nothing."""
_CODED: Final = {**_GONE, "give-back": NoRefund.OTHER}
"""With a code, it is an answer about the refund."""

# --- refusals, in every form that a refusal may have (sections 1, 2.2, 2.3, 2.5, 5, 6, 12) ----------------------------

REFUSALS: Final = (
    _always("unauthorized", "1", 401, {"code": "unauthorized", "message": "no"}, every(Reject.TOKEN)),
    _always("invalid_token", "4.1", 401, error("invalid_token", "access denied."), every(Reject.TOKEN)),
    _always("invalid_access_token", "2.5", 400, error("invalid_access_token", "Access denied."), every(Reject.TOKEN)),
    _always("invalid_caller_id", "4.1", 401, error("invalid_caller_id"), every(Reject.TOKEN)),
    _always("PolicyAgent", "12.4", 403, POLICY, every(Reject.FORBIDDEN)),
    _always("a plain forbidden", "6", 403, error("forbidden"), every(Reject.FORBIDDEN)),
    *(
        _always(key, section, 400, error(key, "must be present.", 400), _INVALID)
        for key, section in (
            ("invalid_collectorId", "2.2"),
            ("invalid_externalPosId", "2.2"),
            ("invalid_external_reference", "2.2"),
            ("invalid_total_amount", "2.2"),
            ("invalid_items.unit_price", "2.2"),
            ("invalid_title", "2.2"),
            ("invalid_expiration_date", "12.13"),
        )
    ),
    _always("cash_out", "2.2", 400, error("error_creating_seller_qr_order", "The cash out is required."), _GONE),
    _always("ds_search_query", "4.1", 400, error("ds_search_query", "invalid query."), _GONE),
    _always("a cause with a number", "5", 400, error("bad_request", cause=[{"code": 1, "description": "no"}]), _CODED),
    _always("a numeric code", "12.14", 400, {"code": 2034, "message": "Invalid users involved"}, _CODED),
    _always(
        "a list of errors", "2.3", 400, {"errors": [{"code": "bad_request", "message": "m", "details": []}]}, _GONE
    ),
    _always("422 unprocessable", "6", 422, error("unprocessable_entity"), _INVALID),
    _always("without a key", "2.3", 400, {"message": "Forbidden", "status": 400}, _NONSENSE),
    _always("a key of a wrong type", "2.3", 400, {"error": {"deep": 1}, "code": True}, _NONSENSE),
    _always("a list", "2.3", 400, [error("invalid_title")], _NONSENSE),
    _always("delete error", "2.8", 400, error("in_store_order_delete_error", "An error occurred", 400), _GONE),
    _always(
        "no order",
        "12.20",
        404,
        NO_ORDER,
        every(Trouble.SERVER, place=Reject.NO_POS, pos="free", withdraw=Removal.GONE),
    ),
    _always(
        "no POS",
        "12.3",
        404,
        NO_POS,
        every(Trouble.SERVER, place=Reject.NO_POS, pos=Reject.NO_POS, withdraw=Removal.GONE),
    ),
    _always(
        "no such address",
        "13.10",
        404,
        error("not_found", "Resource /instore/qr not found.", 404),
        every(Trouble.SERVER, place=Reject.NO_POS, withdraw=Removal.GONE),
    ),
    _always("the service has ended", "13.10", 410, error("gone", "This API is deprecated.", 410), _SERVER),
)

# --- statuses that say nothing about the order (sections 2.8, 6, 8.2) -------------------------------------------------

_LOCKED: Final = error("instore_order_locked_error", "Cannot cancel an order while payment is in progress", 409)
_FAILED: Final = error("in_store_order_creation_error", "Failed to delete order.", 500)


def _throttled(name: str, seconds: float | None, **headers: str) -> Misbehaviour:
    bad = says(429, error("too_many_requests"), **headers)
    return Misbehaviour(f"429 {name}", "8.2", bad, every(Trouble.THROTTLED), retry_after_s=seconds)


SAYS_NOTHING: Final = (
    _always("locked", "2.8", 409, _LOCKED, every(Trouble.SERVER, place="busy", withdraw=Removal.LOCKED)),
    _always("conflict", "2.6", 409, error("conflict"), every(Trouble.SERVER, place="busy", withdraw=Removal.LOCKED)),
    _always("locked", "2.8", 423, error("locked"), every(Trouble.SERVER, withdraw=Removal.LOCKED)),
    _always("locked as a 400", "13.2", 400, _LOCKED, every(Reject.INVALID, place="busy", withdraw=Removal.LOCKED)),
    _always("failed, in doubt", "2.8", 500, _FAILED, every(Trouble.SERVER, withdraw=Removal.GONE)),
    _always(
        "a failure called our fault",
        "2.2",
        400,
        _FAILED,
        every(Reject.INVALID, place=Trouble.SERVER, withdraw=Removal.GONE),
    ),
    _always("internal error", "6", 500, error("internal_server_error"), _SERVER),
    _always("nothing at all", "12.15", 500, b"", _SERVER),
    *(_always("HTML", "12.15", status, HTML, _SERVER) for status in (408, 409, 423, 424, 425, 502, 503, 504, 520)),
    *(_always("JSON", "6", status, error("x"), _SERVER) for status in (402, 405, 408, 413, 424, 425, 451, 503)),
    _throttled("without a time", None),
    _throttled("in seconds", 30.0, Retry_After="30"),
    _throttled("at a date", 45.0, Retry_After="Sun, 04 May 2031 18:20:45 GMT"),
    _throttled("at a date in the past", 0.0, Retry_After="Sun, 04 May 2031 18:19:00 GMT"),
    _throttled("in half seconds", None, Retry_After="1.5"),
    _throttled("some day", None, Retry_After="soon"),
    _throttled("before now", None, Retry_After="-5"),
    _throttled("in a million years", None, Retry_After="99999999999999"),
    Misbehaviour("429 HTML", "8.2", says(429, HTML, Retry_After="7"), every(Trouble.THROTTLED), retry_after_s=7.0),
    Misbehaviour("503 with a time", "6", says(503, HTML, Retry_After="9"), every(Trouble.SERVER), retry_after_s=9.0),
)

# --- somebody else answers (sections 6, 12.15) ------------------------------------------------------------------------

STRANGERS: Final = (
    *(_always("HTML", "12.15", status, HTML, _NONSENSE) for status in (200, 201, 400, 401, 403, 404, 407, 410, 422)),
    *(_always("nothing", "12.15", status, b"", _NONSENSE) for status in (300, 304, 400, 401, 403, 404)),
    _always("a gateway's JSON", "2.3", 403, {"message": "Forbidden"}, _NONSENSE),
    _always("a login is needed", "wire", 511, HTML, _SERVER),
    *(
        Misbehaviour(f"{status} to a login page", "wire", says(status, HTML, Location=there), _NONSENSE)
        for status, there in (
            (301, "/elsewhere"),
            (302, "http://login.portal.example/?next=1"),
            (303, "/"),
            (307, "https://127.0.0.1:1/orders"),
            (308, "//\x7f"),
        )
    ),
    Misbehaviour("302 with an error in it", "wire", says(302, error("invalid_token"), Location="/"), _NONSENSE),
)

# --- successes that are none, or not what was asked -------------------------------------------------------------------

_NO_OBJECT: Final = every(Trouble.NONSENSE)

SUCCESSES: Final = (
    _always("nothing", "2", 204, None, every(Trouble.NONSENSE, place="placed", withdraw=Removal.BY_US)),
    _always("nothing", "2", 200, b"", every(Trouble.NONSENSE, place="placed", withdraw=Removal.BY_US)),
    _always("an empty object", "2", 200, {}, every(Trouble.NONSENSE, place="placed", withdraw=Removal.BY_US)),
    _always("accepted", "2", 202, b"", every(Trouble.NONSENSE, place="placed", withdraw=Removal.BY_US)),
    _always(
        "the hybrid answer",
        "2",
        201,
        {"qr_data": "000201", "in_store_order_id": "x"},
        every(Trouble.NONSENSE, place="placed", withdraw=Removal.BY_US),
    ),
    _always("an empty list", "2.4", 200, [], every(Trouble.NONSENSE, pos="free")),
    _always("part of a list", "2.4", 206, [], _NO_OBJECT),
    _always("null", "4.3", 200, b"null", _NO_OBJECT),
    _always("a word", "4.3", 200, b'"ok"', _NO_OBJECT),
    _always("a number", "4.3", 200, b"7", _NO_OBJECT),
    _always("an error inside", "2.3", 200, error("internal_error", status=500), _NO_OBJECT),
    _always("errors inside", "2.3", 200, {"errors": [{"code": "x"}]}, _NO_OBJECT),
)

# --- what a POS may hold (sections 2.4, 13.4) -------------------------------------------------------------------------

ON_THE_POS: Final = (
    _shape("pos", "an object", "2.4", "ours", pos=HELD),
    _shape("pos", "a list of one", "2.4", "ours", pos=[HELD]),
    _shape("pos", "a list of two", "2.4", Trouble.NONSENSE, pos=[HELD, HELD]),
    _shape("pos", "an object around nothing", "2.4", Trouble.NONSENSE, pos={"order": None}),
    _shape("pos", "nothing but nulls", "2.4", Trouble.NONSENSE, pos=dict.fromkeys(HELD)),
    _shape("pos", "a list of null", "2.4", Trouble.NONSENSE, pos=[None]),
    _shape("pos", "another order", "2.6", "another", pos=[{**HELD, "external_reference": "other"}]),
    _shape("pos", "our order over another amount", "2.6", "another", pos=[{**HELD, "total_amount": 25.01}]),
    _shape("pos", "an order without a reference", "2.4", "another", pos=[{**HELD, "external_reference": None}]),
    _shape("pos", "an amount as text", "4.2", Trouble.NONSENSE, pos=[{**HELD, "total_amount": "25.00"}]),
    _shape("pos", "an amount of a tenth of a cent", "12.16", "another", pos=[{**HELD, "total_amount": 25.001}]),
    _shape("pos", "a reference as a number", "2.4", Trouble.NONSENSE, pos=[{**HELD, "external_reference": 7}]),
)

# --- what a look may find (sections 4, 5, 12, 13) ---------------------------------------------------------------------

_OPENED: Final = order(id=1, status="opened", order_status="payment_required", paid_amount=0, payments=[])


def _many(count: int, total: int | None = 0) -> list[dict[str, object]]:
    """Pages of an opened order each; one more is to follow."""
    return [page({**_OPENED, "id": number}, total=count + 1 if total == 0 else None) for number in range(1, count + 1)]


def _found(name: str, section: str, said: Said, *orders: object, payments: object = NO_PAYMENTS) -> Misbehaviour:
    return _shape("look", name, section, said, orders=page(*orders), payments=payments)


_OPENED_BEFORE: Final = order(status="opened", order_status="payment_required", paid_amount=0, payments=[])
_OTHERS: Final = tuple(order(id=number, external_reference=f"other-{number}") for number in range(1, 4))


def _turned(name: str, section: str, said: Said, *pages: dict[str, object]) -> Misbehaviour:
    """A search of merchant orders that has these pages, one order each, and then empty ones."""

    def bad(right: Right, clock: FakeClock) -> Play:
        if right.kind != "orders":
            return answer(200, NO_PAYMENTS)
        return answer(200, pages[right.offset] if right.offset < len(pages) else page(total=len(pages)))

    return Misbehaviour(f"look: {name}", section, bad, {"look": said})


def _pages(name: str, section: str, said: Said, orders: object, payments: object = NO_PAYMENTS) -> Misbehaviour:
    return _shape("look", name, section, said, orders=orders, payments=payments)


LOOKS: Final = (
    _pages("null for no elements", "4.3", "nothing", page(elements=None)),
    _pages("a list of no elements", "4.3", "nothing", page()),
    _pages("no elements at all", "4.3", "nothing, not all", {"next_offset": 0, "total": 0}),
    _pages("elements under another name", "4.3", "nothing, not all", {"results": [ORDER], "paging": {"total": 1}}),
    _pages("elements as an object", "4.3", "nothing, not all", {"elements": ORDER, "total": 1}),
    _pages("a page around a page", "3", "nothing, not all", [page(ORDER)]),
    _pages("no total, the same page for ever", "4.3", "paid, not all", {"elements": [ORDER], "next_offset": 1}),
    _pages("a total as text", "4.3", "paid", page(ORDER, total="1")),
    _pages("a total that is not reached", "4.5", "paid, not all", page(ORDER, total=2)),
    _pages("null for no payments", "5", "paid", page(ORDER), index(results=None)),
    _pages("paging of null", "5", "paid, not all", page(ORDER), {"paging": None, "results": [INDEXED]}),
    _turned("the paid one is on the third page", "4.5", "paid", *_many(2), page(ORDER, total=3)),
    _turned("pages without a total", "4.3", "paid", *_many(1, None), page(ORDER, total=None)),
    _turned("the paid one is on the last page of too many", "13.7", "unpaid, not all", *_many(8), page(ORDER, total=9)),
    _found("an order that is opened", "4.4", "unpaid", _OPENED),
    _found("several, the last is paid", "12.10", "paid", _OPENED, order(id=2, status="expired", payments=[]), ORDER),
    _found("several, the first is paid", "4.5", "paid", ORDER, _OPENED),
    _found("ids as text", "4.2", "paid", paid_by({"id": "99000000002"}, id="5550001112", collector={"id": str(USER)})),
    _found("amounts as text", "4.2", "nothing, not all", order(total_amount="25.00")),
    _found("a payment's amount as text", "4.2", "nothing, not all", paid_by({"transaction_amount": "25.00"})),
    _found("an odd order beside the paid one", "4.5", "paid, not all", {"id": 3}, ORDER),
    _found("a new word for the status", "4.2", "unpaid", order(status="settled")),
    _found("a status in capitals", "4.2", "unpaid", order(status="CLOSED")),
    _found("no status", "4.2", "nothing, not all", order(status=None)),
    _found("closed with a new order_status", "4.2", "paid", order(order_status="a_new_word")),
    _found("closed without order_status", "4.2", "paid", order(order_status=None)),
    _found("closed and reverted", "4.2", "unpaid", order(order_status="reverted")),
    _found("closed and partially reverted", "4.2", "unpaid", order(order_status="partially_reverted")),
    _found("closed and cancelled", "4.2", "unpaid", order(cancelled=True)),
    _found("closed and money went back", "4.6", "unpaid", order(refunded_amount=0.01)),
    _found("closed without payments", "4.6", "unpaid", order(payments=[])),
    _found("closed with null payments", "4.6", "unpaid", order(payments=None)),
    *(
        _found(f"closed with a payment that is {state}", "4.2", "unpaid", paid_by({"status": state}))
        for state in (
            *("pending", "authorized", "in_process", "in_mediation", "rejected", "cancelled", "refunded"),
            *("charged_back", "a_new_word", "APPROVED"),
        )
    ),
    _found("rejected, then approved", "12.19", "paid", paid_by({"id": 1, "status": "rejected"}, {})),
    _found("two payments that cover it", "4.6", "paid", paid_by({"transaction_amount": 20}, {"id": 3})),
    _found("paid twice", "4.6", "paid", paid_by({}, {"id": 3})),
    _found("paid in part, and called closed", "4.6", "unpaid", paid_by({"transaction_amount": 24.99})),
    _found("paid in part", "4.6", "unpaid", paid_by({"transaction_amount": 10}, status="opened")),
    _found("a refunded payment", "4.6", "unpaid", paid_by({"amount_refunded": 25})),
    _found("a payment in another currency", "8.3", "unpaid", paid_by({"currency_id": "ARS"})),
    _found("a payment without a currency", "8.3", "unpaid", paid_by({"currency_id": None})),
    _found("another amount", "4.6", "unpaid", order(total_amount=24.99)),
    _found("no amount", "4.6", "unpaid", order(total_amount=None)),
    _found("another collector", "4.6", "unpaid", order(collector={"id": 1})),
    _found("no collector", "4.6", "unpaid", order(collector=None)),
    _found("another reference", "4.6", "unpaid", order(external_reference="other")),
    _found("no reference", "4.6", "unpaid", order(external_reference=None)),
    _found("a coupon beside the amount", "13.13", "paid", paid_by({"total_paid_amount": 20.0})),
    _found(
        "a coupon within the amount",
        "13.13",
        "unpaid",
        paid_by({"transaction_amount": 20.0, "total_paid_amount": 20.0}),
    ),
    _found(
        "a coupon that somebody else paid",
        "13.13",
        "unpaid",
        paid_by({"transaction_amount": 20.0, "total_paid_amount": 25.0}),
    ),
    _found("an amount as floats add up", "12.16", "unpaid", order(total_amount=25.1 + 25.2 - 25.3)),
    _found("only the payments know it, by id it is paid", "5", "paid", payments=index(INDEXED)),
    _shape(
        "look",
        "only the payments know it, by id it is opened",
        "5",
        "unpaid",
        orders=page(),
        payments=index(INDEXED),
        order=_OPENED,
    ),
    _found("the search shows it as it was, by id it is paid", "12.20", "paid", _OPENED_BEFORE, payments=index(INDEXED)),
    _pages("a search that shows the whole account", "4.5", "unpaid, not all", page(*_OTHERS, total=1000)),
    _pages("the whole account, with ours in it", "4.5", "paid, not all", page(*_OTHERS, ORDER, total=1000)),
    _found("a payment of no order", "5", "unpaid", payments=index({**INDEXED, "order": {}})),
)

# --- whose token (sections 1, 3) --------------------------------------------------------------------------------------

ACCOUNTS: Final = (
    _shape("account", "an id as text", "3", "ours", account={**ACCOUNT, "id": str(USER)}),
    _shape("account", "another user", "1", "another", account={**ACCOUNT, "id": 1}),
    _shape("account", "another country", "3", "another", account={**ACCOUNT, "site_id": "MLA"}),
    _shape("account", "no id", "3", Trouble.NONSENSE, account={**ACCOUNT, "id": None}),
    _shape("account", "no country", "3", Trouble.NONSENSE, account={**ACCOUNT, "site_id": None}),
    _shape("account", "wrapped in a list", "3", Trouble.NONSENSE, account=[ACCOUNT]),
)

# --- refunds (section 5.1) --------------------------------------------------------------------------------------------


def _coded(status: int, code: int, said: Said, refunds: Said = Trouble.SERVER) -> Misbehaviour:
    """An error of the payments, with its code in the cause."""
    words = {"refunds": refunds, "give-back": said}
    cause = {"code": code, "description": "no", "data": None}
    body = {"message": "no", "error": "bad_request", "status": status, "cause": [cause]}
    return Misbehaviour(f"{status} code {code}", "5.1", says(status, body), words)


def _asked(name: str, said: Said, refunds: object = (REFUND,), payment: object = REFUNDED) -> Misbehaviour:
    return _shape("refunds", name, "5.1", said, refunds=refunds, payment=payment)


def _listless(name: str, status: int, code: int, said: Said) -> Misbehaviour:
    """The payment is there, and instead of its refunds comes an error."""
    no = answer(status, error("bad_request", cause=[{"code": code}]))

    def bad(right: Right, clock: FakeClock) -> Play:
        return no if right.kind == "refunds" else answer(200, INDEXED)

    return Misbehaviour(name, "5.1", bad, {"refunds": said})


def _given(name: str, said: Said, **changes: object) -> Misbehaviour:
    return _shape("give-back", name, "5.1", said, refund={**REFUND, **changes})


REFUNDS: Final = (
    _coded(400, 2063, NoRefund.STATE, Reject.INVALID),
    _coded(404, 2063, NoRefund.STATE),
    _coded(403, 2063, NoRefund.STATE, Reject.FORBIDDEN),
    _coded(404, 4293, NoRefund.STATE),
    _coded(404, 4296, NoRefund.STATE),
    _coded(404, 2032, NoRefund.USED),
    _coded(400, 2032, NoRefund.USED, Reject.INVALID),
    _coded(404, 2024, NoRefund.TOO_OLD),
    _coded(404, 15016, NoRefund.TOO_OLD),
    _coded(404, 2000, NoRefund.NO_PAYMENT, "no payment"),
    _coded(400, 2000, NoRefund.NO_PAYMENT, Reject.INVALID),
    _coded(404, 3024, NoRefund.NO_PARTS),
    _coded(401, 4040, NoRefund.AMOUNT, Reject.TOKEN),
    _coded(401, 4041, NoRefund.AMOUNT, Reject.TOKEN),
    _coded(400, 4041, NoRefund.AMOUNT, Reject.INVALID),
    _coded(400, 2085, NoRefund.OTHER, Reject.INVALID),
    _coded(404, 4292, NoRefund.OTHER),
    _coded(422, 9999, NoRefund.OTHER, Reject.INVALID),
    _coded(401, 401, Reject.TOKEN, Reject.TOKEN),
    _coded(403, 9999, Reject.FORBIDDEN, Reject.FORBIDDEN),
    *(_coded(status, 2063, Trouble.SERVER) for status in (402, 408, 409, 423, 424, 425, 500, 503)),
    _coded(429, 2063, Trouble.THROTTLED, Trouble.THROTTLED),
    _coded(200, 2063, Trouble.NONSENSE, Trouble.NONSENSE),
    *(
        _always(name, "5.1", 400, {"message": "no", **body}, {"give-back": said})
        for name, body, said in (
            ("the code at the top", {"code": 2063, "error": "bad_request"}, NoRefund.STATE),
            ("the code as text", {"error": "bad_request", "cause": [{"code": "2063"}]}, NoRefund.STATE),
            ("the code in a cause alone", {"error": "bad_request", "cause": {"code": 2063}}, NoRefund.STATE),
            ("the code in causes", {"error": "bad_request", "causes": [{"code": 2063}]}, NoRefund.STATE),
            ("the code in a list of errors", {"errors": [{"code": 2063}]}, NoRefund.STATE),
            ("the second code is known", {"error": "x", "cause": [{"code": 9}, {"code": 2063}]}, NoRefund.STATE),
            ("a code without a key", {"cause": [{"code": 2063}]}, Trouble.NONSENSE),
            ("a code of a wrong type", {"error": "x", "cause": [{"code": True}]}, Reject.INVALID),
            ("a wrong token with a code", {"error": "invalid_token", "cause": [{"code": 2063}]}, Reject.TOKEN),
        )
    ),
    _asked("none", "not refunded", refunds=[], payment=INDEXED),
    _asked("one that failed", "not refunded", refunds=[{**REFUND, "status": "rejected"}], payment=INDEXED),
    _asked("one under way", "not refunded", refunds=[{**REFUND, "status": "in_process"}], payment=INDEXED),
    _asked("two, one under way", "refunded", refunds=[{**REFUND, "id": 1, "status": "pending"}, REFUND]),
    _asked("ids as text", "refunded", refunds=[{**REFUND, "id": "880001", "payment_id": PAYMENT_ID}]),
    _asked("the list is behind", "not refunded, not all", refunds=[]),
    _asked("the list is partly behind", "refunded, not all", payment={**INDEXED, "transaction_amount_refunded": 10.01}),
    _asked("the list is ahead", "refunded", payment=INDEXED),
    _asked("one odd", "refunded, not all", refunds=[REFUND, {"id": 3}]),
    _asked("a new word", "not refunded, not all", refunds=[{**REFUND, "status": "settled"}]),
    _asked("a word in capitals", "not refunded, not all", refunds=[{**REFUND, "status": "APPROVED"}]),
    _asked("no status", "not refunded, not all", refunds=[{**REFUND, "status": None}]),
    _asked("of another payment", "not refunded, not all", refunds=[{**REFUND, "payment_id": 1}]),
    _asked("of no payment", "not refunded, not all", refunds=[{**REFUND, "payment_id": None}]),
    _asked("a tenth of a cent", "refunded", refunds=[{**REFUND, "amount": 10.001}]),
    _asked("an amount as text", "not refunded, not all", refunds=[{**REFUND, "amount": "10.00"}]),
    _asked("null for none", Trouble.NONSENSE, refunds=None),
    _asked("a page", Trouble.NONSENSE, refunds={"paging": {"total": 1}, "results": [REFUND]}),
    _asked("another payment than was asked for", Trouble.NONSENSE, payment={**REFUNDED, "id": 1}),
    _asked("a payment of no status", Trouble.NONSENSE, payment={**REFUNDED, "status": None}),
    _listless("404 the list says that there is none", 404, 2032, "not refunded"),
    _listless("404 the list knows no payment", 404, 2000, Trouble.SERVER),
    _listless("400 the list says that there is none", 400, 2032, Reject.INVALID),
    _given("in process", "under way", status="in_process"),
    _given("authorized", "under way", status="authorized"),
    _given("pending", "under way", status="pending"),
    _given("rejected", "not given", status="rejected"),
    _given("cancelled", "not given", status="cancelled"),
    _given("a new word", Trouble.NONSENSE, status="settled"),
    _given("no status", Trouble.NONSENSE, status=None),
    _given("another payment's", Trouble.NONSENSE, payment_id=1),
    _given("of no payment", Trouble.NONSENSE, payment_id=None),
    _given("another amount", Trouble.NONSENSE, amount=10.01),
    _given("all of it", Trouble.NONSENSE, amount=25.0),
    _given("no amount", Trouble.NONSENSE, amount=None),
    _given("an amount as text", Trouble.NONSENSE, amount="10.00"),
    _given("no id", Trouble.NONSENSE, id=None),
    _given("an id as text", "given back", id="880001", payment_id=PAYMENT_ID),
)

ANSWERS: Final = (
    *REFUSALS,
    *SAYS_NOTHING,
    *STRANGERS,
    *SUCCESSES,
    *ON_THE_POS,
    *LOOKS,
    *ACCOUNTS,
    *REFUNDS,
)
