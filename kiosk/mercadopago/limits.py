"""The smallest amount that an account takes, out of its list of ways to pay.

Source: Mercado Pago, reference "Get payment methods" (``GET /v1/payment_methods``): one object for each way, with
``status``, ``payment_type_id`` and ``min_allowed_amount``.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal
from typing import Final

from kiosk.mercadopago.json import Fields, NonsenseError
from kiosk.sale.money import Currency, Site

_NOT_BY_PHONE: Final = frozenset({"ticket", "atm"})
"""Vouchers and automats for cash: nobody pays a QR on a counter with them."""
_DIGITS_MAX: Final = 12


def read_minimum(value: object, site: Site) -> int:
    """The answer of ``/v1/payment_methods``: the smallest amount that a phone can pay in any way that is open, in minor
    units; 0 where one of them names none.

    An amount that is no whole count of minor units counts as the next larger one.

    Raises:
        NonsenseError: no list of ways to pay, or an amount that is no number.
    """
    if not isinstance(value, list):
        raise NonsenseError("no list of payment methods")
    ways = [Fields(way, "payment method") for way in value]
    amounts = [_minor_units(way.number("min_allowed_amount"), site.currency) for way in ways if _by_phone(way)]
    return min(amounts, default=0)


def _by_phone(way: Fields) -> bool:
    return way.text("status") == "active" and way.text("payment_type_id") not in _NOT_BY_PHONE


def _minor_units(value: Decimal | None, currency: Currency) -> int:
    if value is None or value <= 0 or value.adjusted() > _DIGITS_MAX:
        return 0
    return int((value * 10**currency.decimals).to_integral_value(ROUND_CEILING))
