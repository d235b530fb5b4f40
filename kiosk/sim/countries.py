"""The countries of the fake account: their currencies, and how a phone writes an amount."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Country:
    """A site of Mercado Pago: its country, its currency and how the phone writes an amount."""

    id: str
    currency: str
    decimals: int  # that an amount may have on the wire
    symbol: str
    comma: bool
    """The decimal sign is a comma."""

    def text(self, amount: Decimal) -> str:
        """The amount as a customer reads it: ``R$ 2.500,00``."""
        digits = f"{amount:,.{self.decimals}f}"
        return f"{self.symbol} {digits.translate(_COMMA) if self.comma else digits}"


_COMMA = str.maketrans(".,", ",.")
COUNTRIES: Final = MappingProxyType(
    {
        "MLA": Country("AR", "ARS", 2, "$", True),
        "MLB": Country("BR", "BRL", 2, "R$", True),
        "MLM": Country("MX", "MXN", 2, "$", False),
        "MLC": Country("CL", "CLP", 0, "$", True),
        "MCO": Country("CO", "COP", 2, "$", True),
        "MLU": Country("UY", "UYU", 2, "$", True),
        "MPE": Country("PE", "PEN", 2, "S/", False),
    }
)
