"""What the provider's own bytes say about money, read a second time.

Written from the reference ("closed" and approved payments that cover the total; R2, R11) and the standard library,
without the kiosk's readers: it shares no line with ``kiosk.mercadopago`` or ``kiosk.sale.verdict``. Two questions:

- ``may_be_paid``: may these answers be read as "paid" at all? It is generous: whatever it denies must never be paid.
- ``surely_paid``: are they paid by the letter of the reference, every field of its documented type, every page there?
  What it affirms must be seen, or money is lost.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, InvalidOperation, localcontext
from typing import Any, Final

PAGES: Final = 5
"""More pages than these of one reference's orders need not be read."""
_BACK: Final = ("reverted", "partially_reverted", "expired")
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Said:
    """One answer as it came."""

    question: str
    """``O`` the search of orders, ``P`` of payments, ``I`` an order by its id."""
    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Owed:
    """What must have been paid."""

    reference: str
    collector: int
    total: Decimal
    currency: str


class _Odd(Decimal):
    """A number that no provider writes: of more letters than any amount or id has."""


class _OddCount(int):
    """The same, without a point."""


_EXACT: Final = Context(prec=200, Emax=MAX_EMAX, Emin=MIN_EMIN)


def value_of(body: bytes) -> Any:
    """The JSON value.

    Raises:
        ValueError: it is none.
    """
    try:
        return json.loads(body, parse_int=_number, parse_float=_number, parse_constant=_no_number)
    except RecursionError as error:
        raise ValueError("nested without end") from error


def _number(text: str) -> Any:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return _Odd(-1)
    whole = len(text) < 1000 and re.fullmatch(r"-?\d+", text, re.ASCII) is not None
    if len(text) > 20:
        return _OddCount(text) if whole else _Odd(number)
    return int(text) if whole else number


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON's")


def _orders(said: Sequence[Said]) -> Iterator[dict[str, Any]]:
    """Every order in every answer that succeeded."""
    for each in said:
        if each.status != 200 or each.question == "P":
            continue
        try:
            value = value_of(each.body)
        except ValueError:
            continue
        found = [value] if each.question == "I" else value.get("elements") if isinstance(value, dict) else None
        yield from (order for order in found or () if isinstance(order, dict)) if isinstance(found, list) else ()


def _amount(value: Any) -> Decimal | None:
    """The exact amount; None where it is no number."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    return Decimal(value)


def _collector(fields: dict[str, Any]) -> str:
    inner = fields.get("collector")
    return str(inner.get("id") if isinstance(inner, dict) else fields.get("collector_id"))


def may_be_paid(said: Sequence[Said], owed: Owed) -> bool:
    """Whether some order says so: ours, closed, not taken back, of our amount, covered by approved payments."""
    return any(_covers(order, owed) for order in _orders(said))


def _covers(order: dict[str, Any], owed: Owed) -> bool:
    ours = order.get("external_reference") == owed.reference and _digits(_collector(order)) == str(owed.collector)
    closed = order.get("status") == "closed" and not order.get("cancelled") and not order.get("refunded_amount")
    if not ours or not closed or order.get("order_status") in _BACK or _amount(order.get("total_amount")) != owed.total:
        return False
    worth: dict[str, Decimal] = {}
    payments = order.get("payments")
    for payment in payments if isinstance(payments, list) else ():
        if (
            isinstance(payment, dict)
            and payment.get("status") == "approved"
            and payment.get("currency_id") == owed.currency
        ):
            paid = _amount(payment.get("transaction_amount"))
            back = _amount(payment.get("amount_refunded")) or Decimal(0)
            number = str(payment.get("id"))
            with localcontext(_EXACT):
                net = max(Decimal(0), paid - max(back, Decimal(0))) if paid is not None else Decimal(0)
            worth[number] = max(worth.get(number, Decimal(0)), net)
    with localcontext(_EXACT):
        return sum(worth.values()) >= owed.total


def _digits(text: str) -> str:
    """A number that came as text may have zeros before it."""
    return text.lstrip("0") if text.isascii() and text.isdigit() else text


# --- by the letter ----------------------------------------------------------------------------------------------------


def surely_paid(said: Sequence[Said], owed: Owed) -> bool:
    """Whether all of it is as documented, the pages add up, each order is there once, and one of them pays."""
    if not said or any(each.status != 200 or not _plain_page(each) for each in said):
        return False
    orders = list(_orders(said))
    ids = {str(order.get("id")) for order in orders}
    pages = [value_of(each.body) for each in said if each.question == "O"]
    return (
        len(ids) == len(orders)
        and len(pages) <= PAGES
        and all(page.get("total") == len(orders) and page["elements"] for page in pages)
        and all(map(_plain_order, orders))
        and any(_covers(order, owed) for order in orders)
    )


def _plain_page(said: Said) -> bool:
    try:
        value = value_of(said.body)
        odd = not isinstance(value, dict) or _has_odd(value)
    except (ValueError, RecursionError):
        return False
    if odd:
        return False
    if said.question == "O":
        return "elements" in value and isinstance(value["elements"], list | None) and _count(value.get("total"))
    if said.question == "P":
        paging = value.get("paging")
        return isinstance(value.get("results"), list) and isinstance(paging, dict) and _count(paging.get("total"))
    return True


def _has_odd(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_odd, value.values()))
    return any(map(_has_odd, value)) if isinstance(value, list) else isinstance(value, _Odd | _OddCount)


def _plain_order(order: dict[str, Any]) -> bool:
    payments = order.get("payments")
    return (
        _plain_id(order.get("id"))
        and _text(order.get("status")) != ""
        and all(_text(order.get(name)) is not None for name in ("external_reference", "order_status", "status"))
        and isinstance(order.get("cancelled"), bool | None)
        and _plain_amount(order.get("total_amount"))
        and _plain_amount(order.get("refunded_amount"))
        and _plain_collector(order)
        and (payments is None or isinstance(payments, list))
        and all(isinstance(each, dict) and _plain_payment(each) for each in payments or ())
        and len({str(each["id"]) for each in payments or ()}) == len(payments or ())
    )


def _plain_payment(payment: dict[str, Any]) -> bool:
    return (
        _plain_id(payment.get("id"))
        and bool(_text(payment.get("status")))
        and all(_text(payment.get(name)) is not None for name in ("currency_id", "external_reference"))
        and _plain_amount(payment.get("transaction_amount"))
        and _plain_amount(payment.get("amount_refunded"))
        and _plain_collector(payment)
    )


def _plain_id(value: Any) -> bool:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    return isinstance(text, str) and _ID.fullmatch(text) is not None and not text.startswith("-")


def _text(value: Any) -> str | None:
    """The text, "" for null; None where it is no text (or one of no printable letters)."""
    if value is None:
        return ""
    return value if isinstance(value, str) and value.isprintable() else None


def _plain_amount(value: Any) -> bool:
    """An amount that the reference allows: two decimals, not below zero, no more than any shop ever sells for."""
    amount = _amount(value)
    return value is None or (amount is not None and 0 <= amount < 10**12 and amount == round(amount, 2))


def _plain_collector(fields: dict[str, Any]) -> bool:
    inner = fields.get("collector")
    number = inner.get("id") if isinstance(inner, dict) else fields.get("collector_id")
    if isinstance(number, str) and number.isascii() and number.isdigit() and len(number) < 18:
        number = int(number)
    return isinstance(inner, dict | None) and _count(number)


def _count(value: Any) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53)
