"""The smallest amount of an account: read from its list of ways to pay, in the money of each country."""

from __future__ import annotations

import pytest

from kiosk.mercadopago.json import NonsenseError, loads
from kiosk.mercadopago.limits import read_minimum
from kiosk.sale.money import SITES


def way(amount: str, kind: str = "credit_card", status: str = "active") -> str:
    least = f', "min_allowed_amount": {amount}' if amount else ""
    return f'{{"id": "visa", "payment_type_id": "{kind}", "status": "{status}"{least}}}'


def minimum(*ways: str, site: str = "MLB") -> int:
    return read_minimum(loads(f"[{','.join(ways)}]".encode()), SITES[site])


def test_the_way_that_takes_the_least_decides() -> None:
    assert minimum(way("5"), way("0.5", "account_money"), way("1.00", "bank_transfer")) == 50
    assert minimum(way("5"), way("1.00", "debit_card")) == 100


@pytest.mark.parametrize(("kind", "status"), [("ticket", "active"), ("atm", "active"), ("credit_card", "deactive")])
def test_a_way_that_no_phone_can_go_does_not_count(kind: str, status: str) -> None:
    assert minimum(way("0", kind, status), way("5")) == 500
    assert minimum(way("0"), way("5")) == 0


@pytest.mark.parametrize("silent", ["", "null", "0", "-1", "1e300"])
def test_a_way_that_names_no_amount_may_take_any(silent: str) -> None:
    """What is not said limits nothing: a sale is never refused by guessing."""
    assert minimum(way(silent), way("5")) == 0


def test_an_account_without_ways_tells_nothing() -> None:
    assert minimum() == 0


@pytest.mark.parametrize(
    ("site", "amount", "units"), [("MLC", "50", 50), ("MCO", "1000", 1000), ("MCO", "999.5", 1000), ("MLB", "0.005", 1)]
)
def test_amounts_are_minor_units_of_the_country_rounded_up(site: str, amount: str, units: int) -> None:
    assert minimum(way(amount), site=site) == units


@pytest.mark.parametrize("nonsense", ["{}", "[1]", '[{"status": 1}]', f"[{way('true')}]"])
def test_another_language_is_nonsense(nonsense: str) -> None:
    with pytest.raises(NonsenseError):
        read_minimum(loads(nonsense.encode()), SITES["MLB"])
