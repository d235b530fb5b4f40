"""Money as whole minor units ("cents"), and its way from typed digits to text.

An amount is an ``int`` of minor units everywhere (25,00 is 2500; in Chile, whose peso has no minor unit, $ 2.500 is
2500 too). Nothing here ever makes a float.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Final

MAX_DIGITS: Final = 9
"""Digits a cashier can type for one amount; what is typed beyond is an overflow that is refused, never cut."""


@dataclass(frozen=True, slots=True)
class Currency:
    """How one currency is counted and written."""

    code: str
    """ISO 4217 code, as the provider sends it."""
    decimals: int
    """Digits after the decimal sign: 2, or 0 where prices are whole."""
    symbol: str
    decimal: str
    """The decimal sign."""
    group: str
    """The sign between thousands."""

    def text(self, cents: int) -> str:
        """The amount as digits and signs without the symbol: ``text(250000)`` is ``2.500,00`` in Brazil."""
        sign, cents = ("-", -cents) if cents < 0 else ("", cents)
        whole, rest = divmod(cents, 10**self.decimals)
        grouped = f"{whole:,}".replace(",", self.group)
        return f"{sign}{grouped}{self.decimal}{rest:0{self.decimals}}" if self.decimals else f"{sign}{grouped}"

    def with_symbol(self, cents: int) -> str:
        """The amount as it stands on a ticket: ``R$ 25,00``."""
        return f"{self.symbol} {self.text(cents)}"

    def decimal_value(self, cents: int) -> Decimal:
        """The exact decimal number, for the provider's JSON."""
        return Decimal(cents).scaleb(-self.decimals)

    def cents(self, value: Decimal) -> int | None:
        """Minor units of a decimal number, or None where it is not a whole, finite count of them."""
        if not value:
            return 0  # whatever its exponent: 0e86 is nothing, too
        if not value.is_finite() or value.adjusted() > 14:
            return None
        sign, digits, exponent = value.as_tuple()
        assert isinstance(exponent, int), "a finite number has one"
        shift = exponent + self.decimals
        whole = int("".join(map(str, digits)))  # exact, where decimal arithmetic would round to 28 digits
        cents, rest = (whole * 10**shift, 0) if shift >= 0 else divmod(whole, 10 ** min(-shift, len(digits) + 1))
        return None if rest else -cents if sign else cents

    def parse(self, text: str) -> int:
        """Minor units of a configured amount such as ``"1.00"`` (decimal point).

        Raises:
            ValueError: not a number, below zero, or with more decimals than the currency has.
        """
        try:
            cents = self.cents(Decimal(text))
        except InvalidOperation:
            cents = None
        if cents is None or cents < 0:
            raise ValueError(f'{text!r} is not an amount with at most {self.decimals} decimals, such as "1.00"')
        return cents


@dataclass(frozen=True, slots=True)
class Site:
    """A country of Mercado Pago: its currency, and what a paper that is no fiscal document must say there."""

    id: str
    currency: Currency
    language: str
    """The country's language, the default for screens and tickets."""
    disclaimer: str


# Countries and currencies: Mercado Pago's site list. Colombia's API takes two decimals, but its prices are whole.
SITES: Final = MappingProxyType(
    {
        site.id: site
        for site in (
            Site("MLA", Currency("ARS", 2, "$", ",", "."), "es", "DOCUMENTO NO VÁLIDO COMO FACTURA"),
            Site("MLB", Currency("BRL", 2, "R$", ",", "."), "pt", "NÃO É DOCUMENTO FISCAL"),
            Site("MLM", Currency("MXN", 2, "$", ".", ","), "es", "NO ES UN COMPROBANTE FISCAL"),
            Site("MLC", Currency("CLP", 0, "$", ",", "."), "es", "NO VÁLIDO COMO BOLETA"),
            Site("MCO", Currency("COP", 0, "$", ",", "."), "es", "NO ES FACTURA DE VENTA"),
            Site("MLU", Currency("UYU", 2, "$", ",", "."), "es", "NO ES COMPROBANTE FISCAL"),
            Site("MPE", Currency("PEN", 2, "S/", ".", ","), "es", "NO ES COMPROBANTE DE PAGO SUNAT"),
        )
    }
)


@dataclass(frozen=True, slots=True)
class Typed:
    """The digits of an amount being typed, cents first as on a card terminal: 2 5 0 0 is 25,00."""

    digits: str = ""
    """At most ``MAX_DIGITS`` digits, no leading zero."""
    extra: int = 0
    """Digits that found no more room. While there are any, the amount is refused: a cut amount is a wrong one."""

    def add(self, digits: str) -> Typed:
        """The entry after one more press (``"00"`` is one press of two digits)."""
        digits = (self.digits + digits).lstrip("0")
        room = digits[:MAX_DIGITS]
        return Typed(room, self.extra + len(digits) - len(room))

    def back(self) -> Typed:
        """The entry without its last digit."""
        return Typed(self.digits, self.extra - 1) if self.extra else Typed(self.digits[:-1])

    @property
    def cents(self) -> int:
        """The amount in minor units; not to be used while ``extra`` is not 0."""
        return int(self.digits or "0")
