"""The fake Mercado Pago's JSON: exact numbers, documented fields, dates."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from kiosk.sim.books import Order
from kiosk.sim.forms import (
    Account,
    current_form,
    from_json,
    ids_as_text,
    merchant_order_form,
    payment_form,
    payments_error,
    plain_error,
    pos_form,
    read_stamp,
    stamp,
    to_json,
    token_error,
    user_form,
)
from kiosk.sim.ledger import Ledger

NOW = 1_900_000_000.0
ACCOUNT = Account(123456789, "STORE01", "KIOSK01", test=True)


@pytest.fixture
def ledger() -> Ledger:
    """Order A of 150.50 was rejected, then half paid, then paid: ten seconds between each."""
    ledger = Ledger(site="MLA", started=NOW)
    item = {"title": "Sale", "sku_number": "S", "unit_price": Decimal("150.50"), "quantity": 1}
    body = {"title": "Sale", "description": "D", "items": [item], "notification_url": None}
    ledger.put(Order("A", Decimal("150.50"), "Sale", body), NOW)
    for step, action in enumerate(("reject", "pay-part", "confirm"), start=1):
        ledger.customer(action, NOW + 10 * step)
    return ledger


@pytest.mark.parametrize(
    ("number", "text"),
    [("25.00", "25"), ("150.50", "150.5"), ("0.07", "0.07"), ("1E+3", "1000"), ("0", "0"), ("99999999999.99",) * 2],
)
def test_a_decimal_is_written_as_the_number_it_is(number: str, text: str) -> None:
    assert to_json(Decimal(number)) == text
    assert to_json({"a": [Decimal(number)]}) == f'{{"a":[{text}]}}'


def test_all_else_is_ordinary_json() -> None:
    value = {"a": None, "b": True, "c": ['é\u0000"', 1, {}], "d": (), "e": 0.5}
    assert json.loads(to_json(value)) == {**value, "d": []}


def test_numbers_are_read_exactly_and_no_nonsense_is() -> None:
    assert from_json(b'{"a": 0.10, "b": 3}') == {"a": Decimal("0.10"), "b": 3}
    with pytest.raises(ValueError, match="Infinity"):
        from_json(b"[Infinity]")


def test_dates_go_out_in_mercado_pagos_zone_and_come_back() -> None:
    assert stamp(NOW) == "2030-03-17T13:46:40.000-04:00"
    assert read_stamp("2030-03-17T13:46:40.000-04:00") == NOW
    assert read_stamp("2030-03-17T17:46:40.250Z") == NOW + 0.25
    assert stamp(None) is None


@pytest.mark.parametrize("text", ["", "now", "2030-03-17", "2030-03-17T17:46:40Z", "2030-02-30T17:46:40.000Z"])
def test_what_is_no_full_date_is_none(text: str) -> None:
    assert read_stamp(text) is None


def test_errors_have_the_shape_of_their_family() -> None:
    plain = {"error": "pos_obtainment_error", "message": "Point of sale not found", "status": 404, "causes": []}
    assert plain_error(404, "pos_obtainment_error", "Point of sale not found").body == plain
    assert payments_error(404, "not_found", 2000, "Payment not found").body == {
        "message": "Payment not found",
        "error": "not_found",
        "status": 404,
        "cause": [{"code": 2000, "description": "Payment not found", "data": None}],
    }
    error = token_error("authorization value not present")
    assert (error.status, error.body["code"]) == (401, "unauthorized")


def test_a_merchant_order_has_every_documented_field(ledger: Ledger) -> None:
    form = merchant_order_form(ledger.merchant_orders[0], NOW + 30, ACCOUNT, ledger)
    documented = (
        "id status order_status external_reference preference_id application_id site_id marketplace date_created "
        "last_updated collector payer sponsor_id total_amount paid_amount refunded_amount shipping_cost cancelled "
        "items shipments notification_url additional_info payments"
    )
    assert set(form) == set(documented.split())
    assert (form["status"], form["order_status"], form["site_id"]) == ("closed", "paid", "MLA")
    assert (form["total_amount"], form["paid_amount"]) == (Decimal("150.50"), Decimal("150.50"))
    assert form["collector"] == {"id": 123456789, "nickname": "TESTUSER123456789"}
    assert (form["date_created"], form["last_updated"]) == (stamp(NOW + 10), stamp(NOW + 30))
    assert form["items"] == [
        {
            "id": "S",
            "title": "Sale",
            "category_id": "",
            "currency_id": "ARS",
            "description": "",
            "picture_url": None,
            "quantity": 1,
            "unit_price": Decimal("150.50"),
        }
    ]


def test_its_payments_show_what_each_one_was(ledger: Ledger) -> None:
    form = merchant_order_form(ledger.merchant_orders[0], NOW + 30, ACCOUNT, ledger)
    payments = form["payments"]
    assert isinstance(payments, list)
    assert [(p["status"], p["transaction_amount"], p["date_approved"]) for p in payments] == [
        ("rejected", Decimal("150.50"), None),
        ("approved", Decimal("75.25"), stamp(NOW + 20)),
        ("approved", Decimal("75.25"), stamp(NOW + 30)),
    ]
    documented = (
        "id transaction_amount total_paid_amount shipping_cost currency_id status status_detail operation_type "
        "date_created date_approved last_modified amount_refunded"
    )
    assert set(payments[0]) == set(documented.split())
    assert payments[0]["currency_id"] == "ARS"
    assert payments[0]["status_detail"] == "cc_rejected_insufficient_amount"


def test_a_merchant_order_can_be_shown_as_it_was(ledger: Ledger) -> None:
    form = merchant_order_form(ledger.merchant_orders[0], NOW + 20, ACCOUNT, ledger)
    assert (form["status"], form["order_status"], form["paid_amount"]) == ("opened", "partially_paid", Decimal("75.25"))
    assert isinstance(form["payments"], list)
    assert len(form["payments"]) == 2


def test_a_payment_names_its_order_its_reference_and_its_collector(ledger: Ledger) -> None:
    payment = ledger.payments()[1]
    form = payment_form(payment, NOW + 30, ACCOUNT, ledger)
    assert form["order"] == {"id": ledger.merchant_orders[0].id, "type": "mercadopago"}
    shown = [form[name] for name in ("id", "external_reference", "collector_id", "currency_id", "status")]
    assert shown == [payment.id, "A", 123456789, "ARS", "approved"]
    assert (form["transaction_amount"], form["transaction_amount_refunded"]) == (Decimal("75.25"), 0)


def test_the_current_order_is_shown_as_it_was_sent() -> None:
    sent = {"items": [{"title": "Sale"}], "description": "D", "expiration_date": "2030-03-17T17:50:00.000Z"}
    form = current_form(Order("A", Decimal("1.50"), "Sale", sent), NOW + 600, ACCOUNT)
    assert form == {
        "external_reference": "A",
        "total_amount": Decimal("1.50"),
        "items": [{"title": "Sale"}],
        "title": "Sale",
        "description": "D",
        "expiration_date": "2030-03-17T17:50:00.000Z",
        "notification_url": None,
        "user_id": 123456789,
        "external_pos_id": "KIOSK01",
    }
    assert current_form(Order("A", Decimal(1), "S", {}), NOW + 600, ACCOUNT)["expiration_date"] == stamp(NOW + 600)


def test_a_test_account_and_a_real_one_can_be_told_apart(ledger: Ledger) -> None:
    test, real = (user_form(Account(5, "S", "P", test=test), ledger) for test in (True, False))
    assert (test["tags"], test["nickname"]) == (["normal", "test_user"], "TESTUSER5")
    assert (real["tags"], real["nickname"]) == (["normal"], "SHOP5")
    assert (test["id"], test["site_id"], test["country_id"]) == (5, "MLA", "AR")


def test_the_pos_is_of_the_attended_model_unless_it_was_made_wrongly(ledger: Ledger) -> None:
    form = pos_form(ACCOUNT, ledger)
    assert (form["external_id"], form["external_store_id"], form["fixed_amount"]) == ("KIOSK01", "STORE01", True)
    ledger.behaviour.fixed_amount = False
    assert pos_form(ACCOUNT, ledger)["fixed_amount"] is False


@pytest.mark.parametrize("text", [b"[" * 100_000, b'{"total_amount": 1e9999999999999999999}', b"NaN"])
def test_what_is_no_json_for_anybody_is_a_value_error(text: bytes) -> None:
    """Found by fuzzing: nesting and exponents without end were errors of other kinds, and so the fake answered 500."""
    assert from_json(b'{"a": [1, 2.50]}') == {"a": [1, Decimal("2.50")]}
    with pytest.raises(ValueError, match=r"out of all range|JSON"):
        from_json(text)


@pytest.mark.parametrize(("within", "amounts"), [(False, (75.25, 70.25)), (True, (70.25, 70.25))])
def test_a_coupon_is_beside_the_amount_or_within_it(ledger: Ledger, within: bool, amounts: tuple[float, float]) -> None:
    ledger.behaviour.coupon, ledger.behaviour.coupon_in_transaction = Decimal(5), within
    held = ledger.merchant_orders[0]
    inner = from_json(to_json(merchant_order_form(held, NOW + 60, ACCOUNT, ledger)["payments"]).encode())
    assert isinstance(inner, list)
    assert (float(inner[1]["transaction_amount"]), float(inner[1]["total_paid_amount"])) == amounts
    form = payment_form(held.payments[1], NOW + 60, ACCOUNT, ledger)
    assert form["transaction_amount"] == Decimal(str(amounts[0]))


def test_ids_may_be_texts() -> None:
    """The ids alone, wherever they stand."""
    form = {"id": 7, "collector": {"id": 5}, "payments": [{"id": 8, "amount": 3}], "collector_id": 5, "order": None}
    assert ids_as_text(form) == {
        "id": "7",
        "collector": {"id": "5"},
        "payments": [{"id": "8", "amount": 3}],
        "collector_id": "5",
        "order": None,
    }
