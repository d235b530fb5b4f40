"""Every form in which a notification comes names its order or payment, and nothing else does."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.notifications.words import NOTHING, StrangeError, read
from kiosk.sale.events import Notified

ORDER = Notified(orders=("5550001112",))
PAYMENT = Notified(payments=("99000000002",))
RESOURCE = {"resource": "https://api.mercadolibre.com/merchant_orders/5550001112", "topic": "merchant_order"}
WEBHOOK = {
    "id": 5550001112,
    "live_mode": True,
    "type": "topic_merchant_order_wh",
    "action": "update",
    "status": "closed",
    "date_created": "2031-05-04T18:11:40.000-04:00",
    "application_id": 1112223334,
    "user_id": 123456789,
    "version": 2,
    "api_version": "v1",
    "data": {"currency_id": "ARS", "marketplace": "NONE", "status": "closed"},
}
PAID = {"action": "payment.created", "type": "payment", "id": 7, "data": {"id": "99000000002"}}


@pytest.mark.parametrize(
    ("query", "body", "said"),
    [
        ("topic=merchant_order&id=5550001112", None, ORDER),
        ("topic=merchant_order&id=5550001112", RESOURCE, ORDER),
        ("", RESOURCE, ORDER),
        ("", {"resource": RESOURCE["resource"]}, ORDER),
        ("", {"resource": "/merchant_orders/5550001112/", "topic": "merchant_order"}, ORDER),
        ("data.id=5550001112&type=topic_merchant_order_wh", WEBHOOK, ORDER),
        ("", WEBHOOK, ORDER),
        ("source_news=webhooks&type=topic_merchant_order_wh", WEBHOOK, ORDER),
        ("topic=payment&id=99000000002", None, PAYMENT),
        ("topic=payment&id=99000000002", {"resource": "99000000002", "topic": "payment"}, PAYMENT),
        ("", {"resource": "99000000002", "topic": "payment"}, PAYMENT),
        ("", {"resource": "/v1/payments/99000000002"}, PAYMENT),
        ("data.id=99000000002&type=payment", PAID, PAYMENT),
        ("", PAID, PAYMENT),
        ("key=1&topic=payment&id=99000000002", None, PAYMENT),
        ("external_reference=KIOSK01-7-a_b", None, Notified(references=("KIOSK01-7-a_b",))),
        ("", {"external_reference": "KIOSK01-7-a_b"}, Notified(references=("KIOSK01-7-a_b",))),
    ],
)
def test_every_form_of_the_guides_is_understood(query: str, body: object, said: Notified) -> None:
    assert read(query.encode(), b"" if body is None else json.dumps(body).encode()) == said


@pytest.mark.parametrize("inner", [{}, {"data": {"status": "opened"}}])
def test_opened_is_no_news_and_closed_is(inner: dict[str, object]) -> None:
    """Since August 2024 ``opened`` may come at any time: only ``closed`` counts."""
    event = {"type": "topic_merchant_order_wh", "id": 5, "status": "opened", **inner}
    assert read(b"", json.dumps(event).encode()) == NOTHING
    assert read(b"", json.dumps({**event, "status": "closed"}).encode()) == Notified(orders=("5",))


def test_other_topics_are_notifications_that_name_nothing() -> None:
    assert read(b"topic=chargebacks&id=5", b"") == NOTHING
    assert read(b"type=mp-connect&data.id=5", b'{"type": "mp-connect"}') == NOTHING


@pytest.mark.parametrize(
    ("query", "body"),
    [
        (b"", b""),
        (b"", b"null"),
        (b"", b"[]"),
        (b"", b"{"),
        (b"", b"[" * 10_000),
        (b"", b"\xff\xfe"),
        (b"", b'{"id": 5}'),
        (b"topic=merchant_order", b""),
        (b"topic=merchant_order&id=", b""),
        (b"topic=merchant_order&id=../../users/me", b""),
        (b"topic=merchant_order&id=5%2F6", b""),
        (b"topic=merchant_order&id=" + b"9" * 21, b""),
        (b"topic=payment&id=-5", b""),
        ("topic=payment&id=٥".encode(), b""),
        (b"&".join(b"a=1" for _ in range(100)), b""),
        (b"topic=payment&id=5&x=" + b"x" * 4000, b""),
        (b"", b'{"type": "payment", "data": {"id": true}}'),
        (b"", b'{"type": "payment", "data": {"id": 1e400}}'),
        (b"", b'{"type": "payment", "data": {"id": ' + b"9" * 5000 + b"}}"),
        (b"", b'{"type": ["payment"], "data": [5]}'),
        (b"external_reference=a%20b", b"topic"),
    ],
)
def test_what_is_none_is_refused(query: bytes, body: bytes) -> None:
    """Nothing but digits comes into the address of a request: an id is no path."""
    with pytest.raises(StrangeError):
        read(query, body)


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=300),
    st.binary(max_size=300)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from(("id", "type", "topic", "data", "resource")), inner)
        ),
    ).map(lambda value: json.dumps(value).encode()),
)
def test_anything_is_refused_or_names_ids_of_digits(query: bytes, body: bytes) -> None:
    try:
        said = read(query, body)
    except StrangeError:
        return
    assert all(name.isascii() and name.isdigit() and len(name) <= 20 for name in (*said.orders, *said.payments))
