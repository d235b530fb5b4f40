"""JSON from outside: exact numbers, named errors, and nothing that is not what it should be."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.mercadopago.json import Fields, NonsenseError, dumps, loads, printable
from kiosk.sale.money import SITES

BRL = SITES["MLB"].currency
CLP = SITES["MLC"].currency


def test_numbers_are_exact() -> None:
    value = loads(b"[150.10, 7, 1e2]")
    assert isinstance(value, list)
    assert [(type(each), str(each)) for each in value] == [(Decimal, "150.10"), (int, "7"), (Decimal, "1E+2")]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"{",
        b"\xff",
        b"NaN",
        b"-Infinity",
        b"[" * 100_000,
        b"1" * 29,
        b"1" * 10_000,
        b"0." + b"1" * 30,
        b"1e99999999999999999999",
        b"1e-99999999999999999999",
    ],
)
def test_what_is_no_json_is_nonsense(body: bytes) -> None:
    with pytest.raises(NonsenseError):
        loads(body)


@pytest.mark.parametrize("body", [b'{"a": 1, "b": 2, "a": 2}', b'[{"x": {"a": null, "a": 0}}]'])
def test_an_object_that_says_two_things_of_one_name_is_nonsense(body: bytes) -> None:
    """Otherwise the last would count: ``opened``, then ``closed``."""
    with pytest.raises(NonsenseError, match="two things"):
        loads(body)


def test_an_object_that_says_one_thing_twice_is_understood() -> None:
    """The twin."""
    assert loads(b'{"a": 25.0, "b": [1], "a": 25.00, "b": [1]}') == {"a": 25, "b": [1]}


def test_the_longest_number_is_still_exact() -> None:
    """28 characters: one more would be rounded somewhere by Python's decimals."""
    assert loads(b"1" * 28) == int("1" * 28)
    fields = Fields(loads(b'{"a": 25.0000000000000000000000001}'), "order")
    assert fields.cents("a", BRL) is None


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=9))
def test_dumps_writes_what_json_writes(value: object) -> None:
    assert json.loads(dumps({"value": value})) == {"value": value}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (BRL.decimal_value(2500), "25.00"),
        (BRL.decimal_value(1), "0.01"),
        (BRL.decimal_value(999_999_999), "9999999.99"),
        (CLP.decimal_value(2500), "2500"),
        (CLP.decimal_value(1_000_000), "1000000"),
    ],
)
def test_amounts_are_written_with_their_own_digits(value: Decimal, text: str) -> None:
    assert dumps([value]) == f"[{text}]"


@given(st.integers(0, 10**11))
def test_an_amount_written_and_read_is_the_same(cents: int) -> None:
    """Law L5, through the JSON and back."""
    written = dumps({"total_amount": BRL.decimal_value(cents)}).encode()
    assert Fields(loads(written), "order").cents("total_amount", BRL) == cents


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("150.5", 15050),
        ("150", 15000),
        ("1.5e1", 1500),
        ("0", 0),
        ("150.505", None),
        ("-1", None),
        ("1e20", None),
        ("null", None),
    ],
)
def test_minor_units(text: str, cents: int | None) -> None:
    assert Fields(loads(b'{"a": %s}' % text.encode()), "order").cents("a", BRL) == cents


@pytest.mark.parametrize("value", [True, "1", [], {}])
def test_a_number_is_a_number(value: object) -> None:
    with pytest.raises(NonsenseError, match="amount of order"):
        Fields({"amount": value}, "order").number("amount")


@pytest.mark.parametrize("value", [1, True, [], {}])
def test_a_text_is_a_text(value: object) -> None:
    with pytest.raises(NonsenseError):
        Fields({"a": value}, "order").text("a")


@pytest.mark.parametrize("value", [0, 1, "true", []])
def test_a_flag_is_true_or_false(value: object) -> None:
    with pytest.raises(NonsenseError):
        Fields({"a": value}, "order").flag("a")


@pytest.mark.parametrize("value", [1, "a", {}, True])
def test_a_list_is_a_list(value: object) -> None:
    with pytest.raises(NonsenseError):
        Fields({"a": value}, "order").elements("a")


@pytest.mark.parametrize("value", [1, "a", [], True])
def test_an_object_is_an_object(value: object) -> None:
    with pytest.raises(NonsenseError):
        Fields({"a": value}, "order").inner("a")
    with pytest.raises(NonsenseError):
        Fields(value, "order")


@pytest.mark.parametrize("value", [True, "", "x", "-1", "²", "1.0", -1, 2**63, Decimal("1.5"), []])
def test_a_whole_number_is_one(value: object) -> None:
    with pytest.raises(NonsenseError):
        Fields({"a": value}, "order").whole("a")


@pytest.mark.parametrize("value", [None, True, "", "a b", "a/b", "x" * 65, -1.5, Decimal(1), [], {}])
def test_an_id_is_one_and_must_be_there(value: object) -> None:
    with pytest.raises(NonsenseError):
        Fields({"a": value}, "order").id("a")


def test_fields_that_are_as_they_should_be() -> None:
    """The twin of all the refusals above."""
    fields = Fields(
        {"number": 7, "digits": "0042", "text": "pão", "yes": True, "list": [1], "object": {"id": "ORD_1-x"}}, "order"
    )
    assert (fields.number("number"), fields.whole("number"), fields.id("number")) == (Decimal(7), 7, "7")
    assert fields.whole("digits") == 42
    assert (fields.text("text"), fields.flag("yes"), fields.elements("list")) == ("pão", True, [1])
    inner = fields.inner("object")
    assert inner is not None
    assert inner.id("id") == "ORD_1-x"


@pytest.mark.parametrize("fields", [{}, {"a": None}])
def test_what_is_not_there_has_an_answer_of_its_own(fields: dict[str, object]) -> None:
    """Absent and null are the same."""
    read = Fields(fields, "order")
    assert (read.text("a"), read.flag("a"), list(read.elements("a"))) == ("", False, [])
    assert (read.number("a"), read.whole("a"), read.cents("a", BRL), read.inner("a")) == (None, None, None, None)
    assert not read.has("a")
    assert ("a" in read) == bool(fields)


@pytest.mark.parametrize(("text", "shown"), [("pão", "pão"), ("a\nb", "a?b"), ("\x1b@", "?@"), ("\ud800", "?")])
def test_texts_are_printable(text: str, shown: str) -> None:
    assert printable(text) == shown
    assert Fields({"a": text}, "order").text("a") == shown
