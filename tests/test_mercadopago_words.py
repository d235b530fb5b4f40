"""Mercado Pago's words, in the shapes of its documentation and in shapes that no documentation has."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from kiosk.mercadopago.json import NonsenseError, loads
from kiosk.mercadopago.words import (
    Account,
    ErrorBody,
    PointOfSale,
    read_account,
    read_error,
    read_indexed_payment,
    read_order,
    read_orders_page,
    read_payments_page,
    read_pos_order,
    read_pos_page,
    write_order,
)
from kiosk.sale.events import OrderSeen, PaymentSeen, PaymentState, PosOrder
from kiosk.sale.money import SITES
from kiosk.sale.records import Line, Sale

BRAZIL = SITES["MLB"]
CHILE = SITES["MLC"]
REFERENCE = "KIOSK01-7-abc"


def json_value(value: object) -> Any:
    """As it comes over the wire."""
    return loads(json.dumps(value).encode())


def payment(**others: object) -> dict[str, object]:
    return {
        "id": 99000000002,
        "transaction_amount": 150.5,
        "total_paid_amount": 140.5,
        "currency_id": "BRL",
        "status": "approved",
        "status_detail": "accredited",
        "amount_refunded": 0,
        **others,
    }


def order(**others: object) -> dict[str, object]:
    return {
        "id": 5550001112,
        "status": "closed",
        "order_status": "paid",
        "external_reference": REFERENCE,
        "collector": {"id": 123456789, "nickname": "SHOP"},
        "total_amount": 150.5,
        "paid_amount": 150.5,
        "refunded_amount": 0,
        "cancelled": False,
        "payments": [payment()],
        **others,
    }


PAID = PaymentSeen("99000000002", PaymentState.APPROVED, 15050, "BRL")


# --- orders ---------------------------------------------------------------------------------------------------------


def test_a_paid_order() -> None:
    assert read_order(json_value(order()), BRAZIL) == OrderSeen(
        "5550001112", REFERENCE, 123456789, True, 15050, (PAID,)
    )


@pytest.mark.parametrize(
    "others",
    [
        {"status": "opened"},
        {"status": "expired"},
        {"status": "Closed"},
        {"status": "a_new_word"},
        {"cancelled": True},
        {"order_status": "reverted"},
        {"order_status": "partially_reverted"},
        {"order_status": "expired"},
        {"refunded_amount": 0.01},
        {"refunded_amount": 150.5},
    ],
)
def test_an_order_that_is_not_paid_in_full(others: dict[str, object]) -> None:
    """R11: closed alone is not enough, and an unknown word is nothing."""
    assert not read_order(json_value(order(**others)), BRAZIL).complete


@pytest.mark.parametrize(
    "others",
    [
        {"order_status": None},
        {"order_status": ""},
        {"order_status": "a_new_word"},
        {"cancelled": None},
        {"refunded_amount": None},
        {"shipments": [{"x": [1]}], "sponsor_id": "?"},
    ],
)
def test_what_leaves_a_closed_order_complete(others: dict[str, object]) -> None:
    """The twin: missing or unknown words beside ``closed`` take nothing back, and other fields are not our business."""
    assert read_order(json_value(order(**others)), BRAZIL).complete


@pytest.mark.parametrize(
    "others",
    [
        {"id": None},
        {"id": True},
        {"id": "../x"},
        {"status": None},
        {"status": ["closed"]},
        {"status": 1},
        {"order_status": 7},
        {"external_reference": 5},
        {"collector": 123456789},
        {"collector": {"id": "x"}},
        {"collector": {"id": True}},
        {"total_amount": "150.50"},
        {"total_amount": True},
        {"total_amount": {"value": 1}},
        {"refunded_amount": "0"},
        {"cancelled": "false"},
        {"cancelled": 0},
        {"payments": {}},
        {"payments": "none"},
        {"payments": [None]},
        {"payments": [[]]},
        {"payments": [payment(id=None)]},
        {"payments": [payment(status=None)]},
        {"payments": [payment(status=True)]},
        {"payments": [payment(transaction_amount="150.50")]},
        {"payments": [payment(transaction_amount=True)]},
        {"payments": [payment(currency_id=986)]},
        {"payments": [payment(amount_refunded="0")]},
        {"payments": [payment(amount_refunded=0.001)]},
        {"payments": [payment(amount_refunded=-1)]},
    ],
)
def test_an_order_with_a_field_of_a_wrong_type_is_not_believed(others: dict[str, object]) -> None:
    """Law L1: nothing of a half understood order counts."""
    with pytest.raises(NonsenseError):
        read_order(json_value(order(**others)), BRAZIL)


@pytest.mark.parametrize(
    ("others", "collector", "cents"),
    [
        ({"collector": None}, None, 15050),
        ({"collector": {}}, None, 15050),
        ({"collector": {"id": "123456789"}}, 123456789, 15050),
        ({"collector": {"id": 999}}, 999, 15050),
        ({"total_amount": None}, 123456789, None),
        ({"total_amount": 150.505}, 123456789, None),
        ({"total_amount": 150}, 123456789, 15000),
    ],
)
def test_strange_but_understood_orders_are_shown_as_they_are(
    others: dict[str, object], collector: int | None, cents: int | None
) -> None:
    seen = read_order(json_value(order(**others)), BRAZIL)
    assert (seen.collector, seen.cents) == (collector, cents)


@pytest.mark.parametrize("payments", [None, []])
def test_an_order_without_payments(payments: object) -> None:
    assert read_order(json_value(order(payments=payments)), BRAZIL).payments == ()


# --- payments -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("approved", PaymentState.APPROVED),
        ("pending", PaymentState.PENDING),
        ("in_process", PaymentState.PENDING),
        ("authorized", PaymentState.PENDING),
        ("rejected", PaymentState.REJECTED),
        ("refunded", PaymentState.REFUNDED),
        ("cancelled", PaymentState.OTHER),
        ("charged_back", PaymentState.OTHER),
        ("in_mediation", PaymentState.OTHER),
        ("APPROVED", PaymentState.OTHER),
        ("a_new_word", PaymentState.OTHER),
    ],
)
def test_the_states_of_a_payment(word: str, state: PaymentState) -> None:
    (seen,) = read_order(json_value(order(payments=[payment(status=word)])), BRAZIL).payments
    assert seen == replace(PAID, state=state)


@pytest.mark.parametrize(
    ("others", "wanted"),
    [
        ({"currency_id": "ARS"}, replace(PAID, currency="ARS", cents=None)),
        ({"currency_id": None}, replace(PAID, currency="", cents=None)),
        ({"currency_id": "ARS", "amount_refunded": 10}, replace(PAID, currency="ARS", cents=None)),
        ({"transaction_amount": None}, replace(PAID, cents=None)),
        ({"transaction_amount": 0.005}, replace(PAID, cents=None)),
        ({"amount_refunded": 50.25}, replace(PAID, refunded_cents=5025)),
        ({"amount_refunded": None}, PAID),
    ],
)
def test_the_amounts_of_a_payment(others: dict[str, object], wanted: PaymentSeen) -> None:
    """Before coupons and fees, in the shop's currency or not at all (R2)."""
    (seen,) = read_order(json_value(order(payments=[payment(**others)])), BRAZIL).payments
    assert seen == wanted


def test_a_currency_without_minor_units() -> None:
    value = json_value(order(total_amount=2500.0, payments=[payment(currency_id="CLP", transaction_amount=2500)]))
    seen = read_order(value, CHILE)
    assert (seen.cents, seen.payments[0].cents) == (2500, 2500)


def test_a_payment_of_the_index() -> None:
    """It says whose and for what it is, has another name for the refund, and may name its order."""
    value = json_value(
        payment(
            external_reference=REFERENCE,
            collector_id=123456789,
            order={"id": "5550001112", "type": "mercadopago"},
            transaction_amount_refunded=1.5,
            amount_refunded=99,
        )
    )
    seen = read_indexed_payment(value, BRAZIL)
    assert (seen.order_id, seen.id) == ("5550001112", "99000000002")
    assert seen.payment == replace(PAID, reference=REFERENCE, collector=123456789, refunded_cents=150)


@pytest.mark.parametrize("named", [None, {}, {"id": None}])
def test_a_payment_without_an_order(named: object) -> None:
    assert read_indexed_payment(json_value(payment(order=named)), BRAZIL).order_id == ""


@pytest.mark.parametrize("others", [{"order": []}, {"order": {"id": "a/b"}}, {"id": "a b"}])
def test_a_payment_of_the_index_that_is_not_understood(others: dict[str, object]) -> None:
    with pytest.raises(NonsenseError):
        read_indexed_payment(json_value(payment(**others)), BRAZIL)


# --- pages ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("elements", [None, []])
def test_nothing_found(elements: object) -> None:
    page = read_orders_page(json_value({"elements": elements, "next_offset": 0, "total": 0}), BRAZIL)
    assert (page.found, page.size, page.total) == ((), 0, 0)


def test_an_odd_element_hides_neither_its_neighbours_nor_itself() -> None:
    value = json_value({"elements": [order(id=1), {"id": 2}, 3, order(id=4)], "total": 4})
    page = read_orders_page(value, BRAZIL)
    assert [each.id for each in page.found] == ["1", "4"]
    assert (page.broken, page.size) == (2, 4)


@pytest.mark.parametrize(
    "value", [None, [], "x", {}, {"results": []}, {"elements": {}}, {"elements": [], "total": "x"}]
)
def test_what_is_no_page_of_orders(value: object) -> None:
    with pytest.raises(NonsenseError):
        read_orders_page(json_value(value), BRAZIL)


def test_a_page_of_payments() -> None:
    value = json_value({"paging": {"total": 3, "limit": 30, "offset": 0}, "results": [payment(id=1), {"id": True}]})
    page = read_payments_page(value, BRAZIL)
    assert ([each.id for each in page.found], page.broken, page.total) == (["1"], 1, 3)


@pytest.mark.parametrize("value", [None, [], {}, {"elements": []}, {"results": 1}, {"results": [], "paging": 1}])
def test_what_is_no_page_of_payments(value: object) -> None:
    with pytest.raises(NonsenseError):
        read_payments_page(json_value(value), BRAZIL)


def test_a_page_without_paging() -> None:
    assert read_payments_page(json_value({"results": None}), BRAZIL).total is None


def test_a_page_of_points_of_sale() -> None:
    found = {"external_id": "KIOSK01", "external_store_id": "STORE01", "name": "Caixa", "fixed_amount": True}
    page = read_pos_page(json_value({"paging": {"total": 2}, "results": [found, {"external_id": None}]}))
    assert page.found == (PointOfSale("KIOSK01", "STORE01", "Caixa", True), PointOfSale("", "", "", False))


# --- the POS, the account, errors -----------------------------------------------------------------------------------

ON_POS = {"external_reference": REFERENCE, "total_amount": 150.5, "items": []}


@pytest.mark.parametrize(
    ("value", "held"),
    [
        (ON_POS, PosOrder(REFERENCE, 15050)),
        ([ON_POS], PosOrder(REFERENCE, 15050)),
        ([], None),
        ({**ON_POS, "total_amount": 150.501}, PosOrder(REFERENCE, None)),
        ({"total_amount": 150.5}, PosOrder("", 15050)),
    ],
)
def test_what_a_pos_holds(value: object, held: PosOrder | None) -> None:
    assert read_pos_order(json_value(value), BRAZIL) == held


@pytest.mark.parametrize(
    "value", [None, {}, "", 0, [None], [[]], [ON_POS, ON_POS], {"external_reference": None}, {"message": "ok"}]
)
def test_what_does_not_free_a_pos(value: object) -> None:
    """Law L4: only a clear answer says that it is free."""
    with pytest.raises(NonsenseError):
        read_pos_order(json_value(value), BRAZIL)


@pytest.mark.parametrize(
    ("others", "test"),
    [
        ({"tags": ["normal", "test_user", "user_info_verified"]}, True),
        ({"email": "test_user_123@testuser.com"}, True),
        ({"nickname": "TESTUSER1234567"}, True),
        ({"tags": ["normal"], "nickname": "TESTE LANCHES", "email": "loja@example.com"}, False),
        ({"nickname": "TETE2870021"}, False),
        ({"tags": None}, False),
    ],
)
def test_whose_account_it_is(others: dict[str, object], test: bool) -> None:
    """A real shop must not print TRAINING because of its nickname."""
    value = json_value({"id": 123456789, "site_id": "MLB", **others})
    assert read_account(value) == Account(123456789, "MLB", test)


@pytest.mark.parametrize("value", [None, {}, {"id": 1}, {"site_id": "MLB"}, {"id": "x", "site_id": "MLB"}])
def test_what_is_no_account(value: object) -> None:
    with pytest.raises(NonsenseError):
        read_account(json_value(value))


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"error": "pos_obtainment_error", "message": "no", "causes": []}, ErrorBody("pos_obtainment_error", "no")),
        ({"code": "unauthorized", "message": "no token"}, ErrorBody("unauthorized", "no token")),
        ({"errors": [{"code": "x", "message": "m", "details": []}]}, ErrorBody("x", "m")),
        (
            {"error": "validation_error", "message": "no", "causes": [{"code": 400, "description": "why"}]},
            ErrorBody("validation_error", "no; why"),
        ),
        ({"message": "m", "error": "bad", "cause": [{"code": 2063, "description": "d"}]}, ErrorBody("bad", "m; d")),
        ({"code": 2063}, ErrorBody("2063", "")),
        ({"error": "x", "message": {"deep": 1}, "causes": "none"}, ErrorBody("x", "")),
    ],
)
def test_errors_in_all_their_shapes(body: object, error: ErrorBody) -> None:
    assert read_error(json.dumps(body).encode()) == error


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"{}", b"null", b'{"message": "Forbidden"}', b'{"error": true}', b'{"error": {"a": 1}}'],
)
def test_what_is_no_error_of_mercado_pagos(body: bytes) -> None:
    assert read_error(body) is None


# --- what we say ----------------------------------------------------------------------------------------------------


def sale(*lines: Line, expires: float | None = None) -> Sale:
    total = sum(line.cents for line in lines)
    return Sale(REFERENCE, 7, total, "BRL", lines, key="k", made_at=0.0, expires=expires)


def test_the_body_of_an_order() -> None:
    """Amounts as text, since a parser would forgive what we must not send."""
    body = write_order(sale(Line("Café", 2, 550), Line("", 1, 1)), "Padaria", BRAZIL.currency, "")
    assert body.decode() == (
        '{"external_reference": "KIOSK01-7-abc", "title": "Padaria", "description": "Padaria", "total_amount": 11.01, '
        '"items": [{"title": "Padaria: Caf\\u00e9", "description": "Padaria: Caf\\u00e9", "unit_price": 5.50, '
        '"quantity": 2, "unit_measure": "unit", "total_amount": 11.00}, {"title": "Padaria", "description": "Padaria", '
        '"unit_price": 0.01, "quantity": 1, "unit_measure": "unit", "total_amount": 0.01}]}'
    )


def test_an_order_with_all_that_may_be_in_it() -> None:
    body = write_order(
        sale(Line("x" * 300, 1, 1), expires=1935685200.5), "y" * 300, BRAZIL.currency, "https://a.example"
    )
    value = json.loads(body)
    assert value["expiration_date"] == "2031-05-04T18:20:00.500+00:00"
    assert value["notification_url"] == "https://a.example"
    assert {len(value["title"]), len(value["description"]), len(value["items"][0]["title"])} == {150}


def test_whole_pesos_have_no_decimals() -> None:
    value = loads(write_order(sale(Line("x", 3, 1000)), "y", CHILE.currency, ""))
    assert isinstance(value, dict)
    assert value["total_amount"] == 3000
    assert not isinstance(value["total_amount"], Decimal)
