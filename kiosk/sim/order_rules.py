"""What the fake Mercado Pago refuses in the body of a PUT: the documented errors, each with its key.

Source: Mercado Pago, reference of instore orders V2, "Create order", fields and error codes. Where that reference
leaves a choice the stricter reading holds, because this is the judge of a kiosk: the reference of at most 64 letters,
digits, ``-`` and ``_`` (successor Orders API), a description that must be there (the error exists), amounts with no
more decimals than the country has, items that add up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from kiosk.sim.books import Order
from kiosk.sim.countries import Country
from kiosk.sim.doubts import Behaviour
from kiosk.sim.forms import ApiError, from_json, plain_error, read_stamp

_REFERENCE: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_UNITS: Final = ("unit", "pack")
_AMOUNT_LIMIT: Final = Decimal(10) ** 12
"""Above any real amount; numbers beyond it are nonsense."""

Fields = Mapping[str, object]


def read_order(body: bytes, *, country: Country, behaviour: Behaviour, now: float) -> Order:
    """The order that a PUT's body asks for.

    Raises:
        ApiError: it breaks a rule; one error at a time, as on the wire.
    """
    fields = _object(body)
    reference = _reference(fields)
    title = _text(fields, "title", required=True)
    _text(fields, "description", required=True)
    total = _amount(fields, "total_amount", country)
    _check_url(fields)
    _check_sponsor(fields)
    sum_of_items = _check_items(fields, country, behaviour)
    if behaviour.sums_must_agree and sum_of_items is not None and sum_of_items != total:
        raise _invalid("total_amount", f"items add up to {sum_of_items}, total_amount is {total}.")
    return Order(reference, total, title, fields, _expiry(fields, now))


def _invalid(key: str, message: str) -> ApiError:
    return plain_error(400, f"invalid_{key}", message)


def _object(body: bytes) -> Fields:
    try:
        value = from_json(body)
    except ValueError as error:
        raise plain_error(400, "bad_request", f"body is not JSON: {error}") from None
    if not isinstance(value, Mapping):
        raise plain_error(400, "bad_request", "body is not a JSON object")
    return value


def _reference(fields: Fields) -> str:
    reference = _text(fields, "external_reference", required=True)
    if not _REFERENCE.fullmatch(reference):
        raise _invalid("external_reference", "external_reference must be at most 64 letters, digits, - and _.")
    return reference


def _text(fields: Fields, name: str, *, required: bool = False, longest: int = 256, inside: str = "") -> str:
    """A text field; ``inside`` is the path before its name in an error about its type."""
    value = fields.get(name)
    if value is None or value == "":
        if required:
            raise _invalid(name, f"{inside}{name} must be present.")
        return ""
    if not isinstance(value, str):
        raise _invalid(f"{inside}{name}", f"{inside}{name} must be string.")
    if len(value) > longest:
        raise _invalid(f"{inside}{name}", f"{inside}{name} must have at most {longest} characters.")
    return value


def _number(fields: Fields, name: str, *, inside: str = "") -> Decimal:
    """A number above zero; true and false are none."""
    value = fields.get(name)
    if value is None:
        raise _invalid(name, f"{inside}{name} must be present.")
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not 0 < value < _AMOUNT_LIMIT:
        raise _invalid(f"{inside}{name}", f"{inside}{name} must be number.")
    return Decimal(value)


def _amount(fields: Fields, name: str, country: Country, *, inside: str = "") -> Decimal:
    amount = _number(fields, name, inside=inside)
    if amount != round(amount, country.decimals):
        raise _invalid(f"{inside}{name}", f"{inside}{name} must be number with at most {country.decimals} decimals.")
    return amount


def _check_url(fields: Fields) -> None:
    """An empty text is no URL: leave the field out instead (reference of the dynamic QR)."""
    value = fields.get("notification_url")
    if value is None:
        return
    if not isinstance(value, str) or len(value) > 500 or not re.match(r"https?://[^/\s]", value):
        raise _invalid("notification_url", "notification_url must be url.")


def _check_sponsor(fields: Fields) -> None:
    sponsor = fields.get("sponsor")
    if sponsor is None:
        return
    number = sponsor.get("id") if isinstance(sponsor, Mapping) else None
    if number is None:
        raise _invalid("id", "sponsor.id must be present.")
    if isinstance(number, bool) or not isinstance(number, int):
        raise _invalid("sponsor.id", "sponsor.id must be number.")


def _check_items(fields: Fields, country: Country, behaviour: Behaviour) -> Decimal | None:
    """The sum of the items; None for a cash out, which needs none."""
    items = fields.get("items")
    if not isinstance(items, list) or not items:
        _check_cash_out(fields)
        return None
    return sum((_check_item(item, country, behaviour) for item in items), Decimal(0))


def _check_cash_out(fields: Fields) -> None:
    cash_out = fields.get("cash_out")
    if cash_out is None:
        message = "The cash out is required when order has no items."
        raise plain_error(400, "error_creating_seller_qr_order", message)
    amount = cash_out.get("amount") if isinstance(cash_out, Mapping) else None
    if amount is None:
        raise _invalid("amount", "cash_out.amount must be present.")
    if isinstance(amount, bool) or not isinstance(amount, int | Decimal):
        raise _invalid("cash_out.amount", "cash_out.amount must be number.")


def _check_item(item: object, country: Country, behaviour: Behaviour) -> Decimal:
    if not isinstance(item, Mapping):
        raise _invalid("items", "items must be objects.")
    _text(item, "title", required=True, inside="items.")
    for name in ("sku_number", "category", "description", "currency_id"):
        _text(item, name, inside="items.")
    if _text(item, "unit_measure", required=True, inside="items.") not in _UNITS:
        raise _invalid("items.unit_measure", f"items.unit_measure must be one of {', '.join(_UNITS)}.")
    quantity = _number(item, "quantity", inside="items.")
    if quantity != int(quantity):
        raise _invalid("items.quantity", "items.quantity must be a whole number.")
    price = _amount(item, "unit_price", country, inside="items.")
    total = _amount(item, "total_amount", country, inside="items.")
    if behaviour.sums_must_agree and price * quantity != total:
        raise _invalid("items.total_amount", f"{quantity} items at {price} are not {total}.")
    return total


def _expiry(fields: Fields, now: float) -> float | None:
    value = fields.get("expiration_date")
    if value is None:
        return None
    at = read_stamp(value) if isinstance(value, str) else None
    if at is None or at <= now:
        raise _invalid("expiration_date", "Expiration date must be a valid and future date.")
    return at
