"""Minor units: the way of an amount from typed digits to text and to the provider's number, in all seven countries."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.sale.money import MAX_DIGITS, SITES, Currency, Site, Typed

BRL = SITES["MLB"].currency
CLP = SITES["MLC"].currency
MXN = SITES["MLM"].currency

SITE = st.sampled_from(sorted(SITES)).map(SITES.__getitem__)
CENTS = st.integers(0, 10**MAX_DIGITS - 1)
DIGITS = st.text("0123456789", min_size=1, max_size=MAX_DIGITS)


def typed(keys: str) -> Typed:
    """The entry after these presses, one by one."""
    entry = Typed()
    for key in keys:
        entry = entry.add(key)
    return entry


# --- the countries ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("site", "code", "decimals", "on_a_ticket"),
    [
        ("MLA", "ARS", 2, "$ 12.345,67"),
        ("MLB", "BRL", 2, "R$ 12.345,67"),
        ("MLM", "MXN", 2, "$ 12,345.67"),
        ("MLC", "CLP", 0, "$ 1.234.567"),
        ("MCO", "COP", 0, "$ 1.234.567"),
        ("MLU", "UYU", 2, "$ 12.345,67"),
        ("MPE", "PEN", 2, "S/ 12,345.67"),
    ],
)
def test_each_country_counts_and_writes_its_own_way(site: str, code: str, decimals: int, on_a_ticket: str) -> None:
    """As Unicode's CLDR has them, too, read by a library that is not ours (Babel 2.18.0, locales es_AR, pt_BR, es_MX,
    es_CL, es_CO, es_UY and es_PE): symbols, both signs, decimals, and the day before the month everywhere. Two things
    differ, on purpose. CLDR still counts two decimals in Colombia, where prices are whole; and in Argentina, Mexico,
    Chile and Colombia it sets no space after the symbol, which on a ticket stands apart from the digits."""
    currency = SITES[site].currency
    assert (currency.code, currency.decimals) == (code, decimals)
    assert currency.with_symbol(1_234_567) == on_a_ticket


def test_the_countries_are_those_seven_and_each_knows_its_name_and_its_disclaimer() -> None:
    assert set(SITES) == {"MLA", "MLB", "MLM", "MLC", "MCO", "MLU", "MPE"}
    assert all(site.id == name for name, site in SITES.items())
    assert {site.language for site in SITES.values()} == {"pt", "es"}
    assert len({site.disclaimer for site in SITES.values()}) == 7


# --- text -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("currency", "cents", "text"),
    [
        (BRL, 0, "0,00"),
        (BRL, 5, "0,05"),
        (BRL, 2500, "25,00"),
        (BRL, 99_999, "999,99"),
        (BRL, 100_000, "1.000,00"),
        (BRL, -2500, "-25,00"),
        (BRL, -5, "-0,05"),
        (CLP, 0, "0"),
        (CLP, 999, "999"),
        (CLP, 2500, "2.500"),
        (MXN, 123_456_789, "1,234,567.89"),
    ],
)
def test_an_amount_as_text(currency: Currency, cents: int, text: str) -> None:
    assert currency.text(cents) == text


@given(SITE, DIGITS)
def test_what_is_typed_is_what_is_written_and_what_the_provider_gets(site: Site, digits: str) -> None:
    """L5: digits -> minor units -> text -> digits, and minor units -> decimal number -> minor units, all unchanged."""
    currency = site.currency
    entry = typed(digits)
    assert entry.extra == 0
    assert entry.cents == int(digits)
    signs = [sign for sign in currency.text(entry.cents) if sign.isdigit()]
    assert int("".join(signs)) == int(digits)
    assert currency.cents(currency.decimal_value(entry.cents)) == entry.cents
    assert currency.parse(str(currency.decimal_value(entry.cents))) == entry.cents


@given(SITE, CENTS)
def test_no_two_amounts_are_written_alike(site: Site, cents: int) -> None:
    """The text, read by a person who knows the country's signs, is the amount again."""
    currency = site.currency
    plain = currency.text(cents).replace(currency.group, "").replace(currency.decimal, ".")
    assert currency.cents(Decimal(plain)) == cents


@given(SITE, CENTS)
def test_the_provider_gets_an_exact_number_with_no_more_decimals_than_there_are(site: Site, cents: int) -> None:
    value = site.currency.decimal_value(cents)
    assert value * 10**site.currency.decimals == cents
    assert -int(value.as_tuple().exponent) == site.currency.decimals


# --- numbers of the provider ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("currency", "value", "cents"),
    [
        (BRL, "25", 2500),
        (BRL, "25.0", 2500),
        (BRL, "25.00000", 2500),
        (BRL, "2.5E1", 2500),
        (BRL, "0.01", 1),
        (BRL, "-3.00", -300),
        (BRL, "999999999999999", 99_999_999_999_999_900),
        (CLP, "2500", 2500),
        (CLP, "2500.00", 2500),
    ],
)
def test_a_whole_count_of_minor_units(currency: Currency, value: str, cents: int) -> None:
    assert currency.cents(Decimal(value)) == cents


@pytest.mark.parametrize(
    ("currency", "value"),
    [
        (BRL, "NaN"),
        (BRL, "sNaN"),
        (BRL, "Infinity"),
        (BRL, "-Infinity"),
        (BRL, "25.001"),
        (BRL, "0.005"),
        (BRL, "1E-400"),
        (BRL, "1E+15"),
        (BRL, "-1E+15"),
        (BRL, "1E+999999"),
        (CLP, "2500.5"),
        (CLP, "0.01"),
    ],
)
def test_what_is_no_whole_count_of_minor_units(currency: Currency, value: str) -> None:
    """R2: not a number, endless, a fraction of the smallest coin, or beyond any counter's money."""
    assert currency.cents(Decimal(value)) is None


@pytest.mark.parametrize("value", ["25.0000000000000000000000000001", "24.9999999999999999999999999999"])
def test_a_fraction_that_is_very_small_is_a_fraction_all_the_same(value: str) -> None:
    """The default decimal context holds 28 digits: a value with more must not be rounded into a whole count."""
    assert BRL.cents(Decimal(value)) is None
    assert BRL.cents(Decimal("25.0000000000000000000000000000")) == 2500


# --- configured amounts -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("currency", "text", "cents"),
    [(BRL, "1.00", 100), (BRL, "1", 100), (BRL, "0", 0), (BRL, "0.50", 50), (CLP, "2500", 2500), (CLP, "2500.0", 2500)],
)
def test_a_configured_amount(currency: Currency, text: str, cents: int) -> None:
    assert currency.parse(text) == cents


@pytest.mark.parametrize(
    ("currency", "text"),
    [
        (BRL, ""),
        (BRL, "1,00"),
        (BRL, "R$ 1.00"),
        (BRL, "1.000.00"),
        (BRL, "-1.00"),
        (BRL, "0.001"),
        (BRL, "NaN"),
        (BRL, "Infinity"),
        (BRL, "ten"),
        (CLP, "0.50"),
    ],
)
def test_no_configured_amount(currency: Currency, text: str) -> None:
    """The message shows what was written, how many decimals there are, and how an amount looks."""
    with pytest.raises(ValueError, match=f"at most {currency.decimals} decimals") as caught:
        currency.parse(text)
    assert repr(text) in str(caught.value)


# --- typing -----------------------------------------------------------------------------------------------------------


def test_digits_come_cents_first() -> None:
    assert [typed("2500"[:count]).cents for count in range(5)] == [0, 2, 25, 250, 2500]


def test_a_leading_zero_is_no_digit() -> None:
    assert typed("00025") == Typed("25")
    assert Typed().add("00") == Typed()
    assert typed("25").add("00") == Typed("2500")


def test_the_ninth_digit_fits_and_the_tenth_does_not() -> None:
    assert typed("123456789") == Typed("123456789", 0)
    assert typed("1234567890") == Typed("123456789", 1)


def test_a_press_of_two_digits_may_fit_by_half() -> None:
    """R26: the half that found no room counts as overflow; nothing is silently cut."""
    assert typed("12345678").add("00") == Typed("123456780", 1)


def test_back_takes_the_overflow_first_then_the_digits() -> None:
    entry = typed("12345678901")
    assert entry.extra == 2
    assert entry.back().back() == Typed("123456789")
    assert entry.back().back().back() == Typed("12345678")
    assert Typed("1").back() == Typed()
    assert Typed().back() == Typed()


@given(st.lists(st.sampled_from([*"0123456789", "00"]), max_size=30))
def test_an_amount_that_found_no_room_is_never_taken_for_another(presses: list[str]) -> None:
    """R26: either every digit counts, or the entry says that it overflowed."""
    entry = Typed()
    for press in presses:
        entry = entry.add(press)
    wanted = "".join(presses).lstrip("0")
    assert len(entry.digits) <= MAX_DIGITS
    assert len(entry.digits) + entry.extra == len(wanted)
    assert wanted.startswith(entry.digits)
    assert entry.extra or entry.cents == int(wanted or "0")


@given(st.lists(st.sampled_from([*"0123456789"]), max_size=15))
def test_back_undoes_each_press_that_counted(presses: list[str]) -> None:
    entry = Typed()
    for press in presses:
        later = entry.add(press)
        if later != entry:
            assert later.back() == entry
        entry = later


@pytest.mark.parametrize("text", ["0", "-0", "0.000", "0e86", "-0E-99", "0e999999"])
def test_nothing_is_nothing_however_it_is_written(text: str) -> None:
    """Found by fuzzing: a refund of 0e86 was no amount, and so the order that carried it was not understood."""
    assert SITES["MLB"].currency.cents(Decimal(text)) == 0
    assert SITES["MLC"].currency.cents(Decimal(text)) == 0
