"""What the fake Mercado Pago takes and refuses in the body of a PUT, error by documented error."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from kiosk.sim.books import Order
from kiosk.sim.countries import COUNTRIES
from kiosk.sim.doubts import Behaviour
from kiosk.sim.forms import ApiError
from kiosk.sim.order_rules import read_order

NOW = 1_900_000_000.0  # 2030-03-17T17:46:40Z


def body(**changes: object) -> dict[str, Any]:
    """A right body, changed; None takes a field out."""
    item = {"title": "Sale", "unit_price": 25.5, "quantity": 1, "unit_measure": "unit", "total_amount": 25.5}
    fields = {
        "external_reference": "K1-000123-a_Z",
        "title": "Sale",
        "description": "Sale",
        "total_amount": 25.5,
        "items": [item],
    }
    return {name: value for name, value in {**fields, **changes}.items() if value is not None}


def with_item(**changes: object) -> dict[str, Any]:
    item = {**body()["items"][0], **changes}
    return body(items=[{name: value for name, value in item.items() if value is not None}])


def read(fields: object, *, site: str = "MLB", behaviour: Behaviour | None = None) -> Order:
    return read_text(json.dumps(fields).encode(), site=site, behaviour=behaviour)


def read_text(text: bytes, *, site: str = "MLB", behaviour: Behaviour | None = None) -> Order:
    return read_order(text, country=COUNTRIES[site], behaviour=behaviour or Behaviour(), now=NOW)


def refusal(fields: object, *, site: str = "MLB") -> tuple[object, object]:
    with pytest.raises(ApiError) as caught:
        read(fields, site=site)
    assert caught.value.status == 400
    assert caught.value.body["status"] == 400
    assert caught.value.body["causes"] == []
    return caught.value.body["error"], caught.value.body["message"]


def test_a_right_order_is_read() -> None:
    order = read(body(expiration_date="2030-03-17T17:50:00.000Z"))
    assert (order.reference, order.total, order.title) == ("K1-000123-a_Z", Decimal("25.5"), "Sale")
    assert order.expires_at == NOW + 200
    assert order.body["description"] == "Sale"


def test_amounts_are_exact() -> None:
    """As a float, 0.07 is not seven cents."""
    fields = body(total_amount=0.07, items=[{**body()["items"][0], "unit_price": 0.07, "total_amount": 0.07}])
    assert read(fields).total == Decimal("0.07")


@pytest.mark.parametrize(
    "fields",
    [
        body(external_reference="x" * 64),
        body(title="t" * 256),
        body(notification_url="https://example.com/hook?source_news=webhooks"),
        body(sponsor={"id": 5}),
        with_item(sku_number="S", category="other", description="d", currency_id="BRL"),
        with_item(unit_measure="pack"),
        with_item(quantity=3, unit_price=8.5),
        with_item(quantity=1.0),
        body(items=None, cash_out={"amount": 10}),
        body(items=[], cash_out={"amount": 10.5}),
    ],
)
def test_these_are_taken(fields: dict[str, Any]) -> None:
    assert read(fields).title == fields["title"]


@pytest.mark.parametrize(
    ("fields", "key", "message"),
    [
        (body(external_reference=None), "invalid_external_reference", "external_reference must be present."),
        (body(external_reference=""), "invalid_external_reference", "external_reference must be present."),
        (body(external_reference=7), "invalid_external_reference", "external_reference must be string."),
        (body(total_amount=None), "invalid_total_amount", "total_amount must be present."),
        (body(total_amount="25.50"), "invalid_total_amount", "total_amount must be number."),
        (body(total_amount=True), "invalid_total_amount", "total_amount must be number."),
        (body(title=None), "invalid_title", "title must be present."),
        (body(title=1), "invalid_title", "title must be string."),
        (body(description=None), "invalid_description", "description must be present."),
        (body(description=[]), "invalid_description", "description must be string."),
        (with_item(sku_number=1), "invalid_items.sku_number", "items.sku_number must be string."),
        (with_item(category=1), "invalid_items.category", "items.category must be string."),
        (with_item(title=1), "invalid_items.title", "items.title must be string."),
        (with_item(description=1), "invalid_items.description", "items.description must be string."),
        (with_item(unit_measure=1), "invalid_items.unit_measure", "items.unit_measure must be string."),
        (with_item(currency_id=1), "invalid_items.currency_id", "items.currency_id must be string."),
        (with_item(quantity="1"), "invalid_items.quantity", "items.quantity must be number."),
        (with_item(unit_price="1"), "invalid_items.unit_price", "items.unit_price must be number."),
        (with_item(total_amount="1"), "invalid_items.total_amount", "items.total_amount must be number."),
        (with_item(title=None), "invalid_title", "items.title must be present."),
        (with_item(unit_measure=None), "invalid_unit_measure", "items.unit_measure must be present."),
        (with_item(quantity=None), "invalid_quantity", "items.quantity must be present."),
        (with_item(unit_price=None), "invalid_unit_price", "items.unit_price must be present."),
        (with_item(total_amount=None), "invalid_total_amount", "items.total_amount must be present."),
        (body(sponsor={"id": "5"}), "invalid_sponsor.id", "sponsor.id must be number."),
        (body(sponsor={}), "invalid_id", "sponsor.id must be present."),
        (body(items=None), "error_creating_seller_qr_order", "The cash out is required when order has no items."),
        (body(items=[]), "error_creating_seller_qr_order", "The cash out is required when order has no items."),
        (body(items=None, cash_out={}), "invalid_amount", "cash_out.amount must be present."),
        (body(items=None, cash_out={"amount": "1"}), "invalid_cash_out.amount", "cash_out.amount must be number."),
        (body(notification_url=""), "invalid_notification_url", "notification_url must be url."),
    ],
)
def test_each_documented_error_has_its_key_and_its_words(fields: object, key: str, message: str) -> None:
    assert refusal(fields) == (key, message)


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        (body(external_reference="x" * 65), "invalid_external_reference"),
        (body(external_reference="a.b"), "invalid_external_reference"),
        (body(external_reference="a\n"), "invalid_external_reference"),
        (body(title="t" * 257), "invalid_title"),
        (body(total_amount=0), "invalid_total_amount"),
        (body(total_amount=-25.5), "invalid_total_amount"),
        (body(total_amount=25.505), "invalid_total_amount"),
        (body(total_amount=25.500000001), "invalid_total_amount"),
        (body(total_amount=26), "invalid_total_amount"),
        (with_item(total_amount=26), "invalid_items.total_amount"),
        (with_item(unit_measure="kilo"), "invalid_items.unit_measure"),
        (with_item(quantity=1.5, unit_price=17), "invalid_items.quantity"),
        (body(items=["Sale"]), "invalid_items"),
        ([], "bad_request"),
    ],
)
def test_what_breaks_a_documented_rule_without_words_of_its_own(fields: object, key: str) -> None:
    assert refusal(fields)[0] == key


@pytest.mark.parametrize("text", [b"", b"{", b'{"total_amount": NaN}', b"\xff"])
def test_what_is_no_json_is_refused(text: bytes) -> None:
    with pytest.raises(ApiError) as caught:
        read_text(text)
    assert caught.value.body["error"] == "bad_request"


def test_a_country_without_small_coins_takes_whole_amounts_only() -> None:
    whole = body(total_amount=25, items=[{**body()["items"][0], "unit_price": 25, "total_amount": 25}])
    assert read(whole, site="MLC").total == 25
    assert refusal(body(), site="MLC")[0] == "invalid_total_amount"


def test_sums_that_differ_are_taken_where_the_behaviour_says_so() -> None:
    assert read(body(total_amount=26), behaviour=Behaviour(sums_must_agree=False)).total == 26


@pytest.mark.parametrize(
    "date", ["2030-03-17T14:50:00.000-03:00", "2030-03-17T17:50:00.000Z", "2030-03-17T17:46:40.001+00:00"]
)
def test_a_date_to_come_is_taken(date: str) -> None:
    expires_at = read(body(expiration_date=date)).expires_at
    assert expires_at is not None
    assert expires_at > NOW


@pytest.mark.parametrize(
    "date",
    [
        "2030-03-17T17:46:40.000Z",  # this very moment
        "1970-01-01T00:10:00.000+00:00",
        "2030-03-17T17:50:00.000",  # no offset
        "2030-03-17T17:50:00-03:00",  # no milliseconds
        "2030-13-17T17:50:00.000Z",
        "tomorrow",
        1_900_000_200,
    ],
)
def test_a_date_past_or_misspelt_is_refused(date: object) -> None:
    message = "Expiration date must be a valid and future date."
    assert refusal(body(expiration_date=date)) == ("invalid_expiration_date", message)
