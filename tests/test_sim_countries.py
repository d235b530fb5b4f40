"""How the fake account's countries write money."""

from __future__ import annotations

from decimal import Decimal

import pytest

from kiosk.sale.money import SITES
from kiosk.sim.countries import COUNTRIES


def test_they_are_the_kiosks() -> None:
    assert set(COUNTRIES) == set(SITES)
    assert {site: country.currency for site, country in COUNTRIES.items()} == {
        site: known.currency.code for site, known in SITES.items()
    }


@pytest.mark.parametrize(("site", "text"), [("MLB", "R$ 2.500,50"), ("MLM", "$ 2,500.50"), ("MLC", "$ 2.500")])
def test_an_amount_is_written_as_the_country_does(site: str, text: str) -> None:
    assert COUNTRIES[site].text(Decimal("2500.5") if site != "MLC" else Decimal(2500)) == text
