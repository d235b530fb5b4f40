"""The fake Mercado Pago's JSON: objects, errors, exact numbers and dates, in the shapes of its reference.

Shapes: Mercado Pago's references of instore orders V2, merchant orders, payments, stores and POS; Mercado Libre's of
users. Errors have one shape for each family of paths, as they are on the wire.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from kiosk.sim.books import MerchantOrder, Order, Payment, Refund
from kiosk.sim.ledger import Ledger

_ZONE: Final = timezone(timedelta(hours=-4))
"""Mercado Pago writes its dates in this zone, wherever the account is."""
# Milliseconds and offset are part of the documented format: 2031-05-04T18:20:00.000-03:00.
_STAMP: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|[+-]\d\d:?\d\d)", re.ASCII)


# --- numbers and dates ------------------------------------------------------------------------------------------


def to_json(value: object) -> str:
    """JSON text in which a ``Decimal`` is the very number it is, without an exponent or needless zeros."""
    match value:
        case Decimal():
            return f"{value.normalize():f}"
        case Mapping():
            return "{" + ",".join(f"{json.dumps(str(key))}:{to_json(item)}" for key, item in value.items()) + "}"
        case list() | tuple():
            return "[" + ",".join(map(to_json, value)) + "]"
        case _:
            return json.dumps(value)


def from_json(text: bytes) -> object:
    """The value of a JSON text; numbers with a point are ``Decimal``.

    Raises:
        ValueError: not JSON (``NaN`` and ``Infinity`` are not), nested without end, or a number beyond all range.
    """
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_no_number)
    except (RecursionError, ArithmeticError) as error:
        raise ValueError("nested without end, or a number out of all range") from error


def _no_number(name: str) -> object:
    raise ValueError(f"{name} is no JSON number")


def stamp(at: float | None) -> str | None:
    """A date as Mercado Pago writes it: ``2031-05-04T18:20:00.000-04:00``."""
    return None if at is None else datetime.fromtimestamp(at, _ZONE).isoformat(timespec="milliseconds")


def read_stamp(text: str) -> float | None:
    """Seconds since 1970 of a date with milliseconds and offset; None where it is not one."""
    if not _STAMP.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None


# --- errors -----------------------------------------------------------------------------------------------------


class ApiError(Exception):
    """A request that Mercado Pago answers with an error: HTTP ``status`` and JSON ``body``."""

    def __init__(self, status: int, body: Mapping[str, object]) -> None:
        super().__init__(f"{status} {body}")
        self.status = status
        self.body = body


def plain_error(status: int, key: str, message: str) -> ApiError:
    """The shape of the POS's and the merchant orders' errors (and of stores and POS search)."""
    return ApiError(status, {"error": key, "message": message, "status": status, "causes": []})


def payments_error(status: int, key: str, code: int, message: str) -> ApiError:
    """The shape of ``/v1/payments``: a numeric code in ``cause``."""
    cause = [{"code": code, "description": message, "data": None}]
    return ApiError(status, {"message": message, "error": key, "status": status, "cause": cause})


def policy_error() -> ApiError:
    """403, where the account or the application may not do that at all."""
    body = {"message": "At least one policy returned UNAUTHORIZED.", "status": 403, "blocked_by": "PolicyAgent"}
    return ApiError(403, {**body, "code": "PA_UNAUTHORIZED_RESULT_FROM_POLICIES"})


def token_error(message: str) -> ApiError:
    """401, as the gateway before all the services words it."""
    return ApiError(401, {"code": "unauthorized", "message": message})


# --- objects ----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Account:
    """Whose books they are: the seller, and the store and the POS of the counter (empty: none yet)."""

    user_id: int
    store: str
    pos: str
    test: bool
    store_id: int = 1111111
    pos_id: int = 7654321

    @property
    def nickname(self) -> str:
        """Test users are called so by Mercado Pago itself."""
        return f"TESTUSER{self.user_id}" if self.test else f"SHOP{self.user_id}"


def user_form(account: Account, ledger: Ledger) -> dict[str, object]:
    """``GET /users/me``."""
    return {
        "id": account.user_id,
        "nickname": account.nickname,
        "email": f"test_user_{account.user_id}@testuser.com" if account.test else f"shop{account.user_id}@example.com",
        "site_id": ledger.site,
        "country_id": ledger.country.id,
        "user_type": "normal",
        "tags": ["normal", "test_user"] if account.test else ["normal"],
        "status": {"site_status": "active"},
    }


def payment_methods_form(site: str) -> list[dict[str, object]]:
    """``GET /v1/payment_methods``, as far as a minimum is concerned: a card, the account's money, and cash vouchers,
    which may ask for less but are paid by no phone."""
    least = PAYMENT_MINIMUMS[site]
    ways = (
        ("visa", "credit_card", least),
        ("account_money", "account_money", least),
        ("voucher", "ticket", Decimal(0)),
    )
    return [
        {
            "id": name,
            "name": name,
            "payment_type_id": kind,
            "status": "active",
            "min_allowed_amount": amount,
            "max_allowed_amount": 60000000,
        }
        for name, kind, amount in ways
    ]


PAYMENT_MINIMUMS: Final = MappingProxyType(
    {
        "MLA": Decimal(1),
        "MLB": Decimal("0.5"),
        "MLM": Decimal(5),
        "MLC": Decimal(10),
        "MCO": Decimal(1000),
        "MLU": Decimal(5),
        "MPE": Decimal(2),
    }
)
"""Made up, near what integrators saw. Mercado Pago documents none: each account tells its own."""


def store_form(account: Account) -> dict[str, object]:
    """One result of the search of stores."""
    return {"id": account.store_id, "name": "Shop", "external_id": account.store, "business_hours": {}, "location": {}}


def pos_form(account: Account, ledger: Ledger) -> dict[str, object]:
    """One result of the search of POS."""
    picture = f"https://www.mercadopago.com/instore/merchant/qr/{account.pos_id}/qr"
    return {
        "id": account.pos_id,
        "qr": {
            "image": f"{picture}.png",
            "template_document": f"{picture}_template.pdf",
            "template_image": f"{picture}_template.png",
        },
        "status": "active",
        "date_created": "2025-01-02T03:04:05.000Z",
        "date_last_updated": "2025-01-02T03:04:05.000Z",
        "uuid": f"{account.pos_id:032x}",
        "user_id": account.user_id,
        "name": "Counter",
        "fixed_amount": ledger.behaviour.fixed_amount,
        "category": None,
        "store_id": str(account.store_id),
        "external_store_id": account.store,
        "external_id": account.pos,
    }


def current_form(order: Order, until: float, account: Account) -> dict[str, object]:
    """``GET`` of the POS: the order as it was sent, and whose it is."""
    return {
        "external_reference": order.reference,
        "total_amount": order.total,
        "items": order.body.get("items") or [],
        "title": order.title,
        "description": order.body.get("description"),
        "expiration_date": order.body.get("expiration_date") or stamp(until),
        "notification_url": order.body.get("notification_url"),
        "user_id": account.user_id,
        "external_pos_id": account.pos,
    }


def merchant_order_form(held: MerchantOrder, at: float, account: Account, ledger: Ledger) -> dict[str, object]:
    """A merchant order with its payments, as it was at the time ``at``."""
    order = held.order
    return {
        "id": held.id,
        "status": "closed" if held.closed(at) else "opened",
        "order_status": held.order_status(at),
        "external_reference": order.reference,
        "preference_id": f"{account.user_id}-{held.id}",
        "application_id": None,
        "site_id": ledger.site,
        "marketplace": "NONE",
        "date_created": stamp(held.opened_at),
        "last_updated": stamp(held.last_update(at)),
        "collector": {"id": account.user_id, "nickname": account.nickname},
        "payer": {"id": 222333444, "nickname": "CUSTOMER", "email": ""},
        "sponsor_id": None,
        "total_amount": order.total,
        "paid_amount": held.approved(at),
        "refunded_amount": held.refunded(at),
        "shipping_cost": 0,
        "cancelled": False,
        "items": [_item_form(item, ledger) for item in _items(order)],
        "shipments": [],
        "notification_url": order.body.get("notification_url"),
        "additional_info": "",
        "payments": [_inner_payment_form(payment, at, ledger) for payment in held.payments if payment.as_of(at)],
    }


def _items(order: Order) -> list[Mapping[str, object]]:
    items = order.body.get("items")
    return [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []


def _item_form(item: Mapping[str, object], ledger: Ledger) -> dict[str, object]:
    return {
        "id": item.get("sku_number") or "",
        "title": item.get("title"),
        "category_id": item.get("category") or "",
        "currency_id": ledger.country.currency,
        "description": item.get("description") or "",
        "picture_url": None,
        "quantity": item.get("quantity"),
        "unit_price": item.get("unit_price"),
    }


def ids_as_text(value: object) -> object:
    """The form with every id a text."""
    match value:
        case Mapping():
            named = {name: ids_as_text(item) for name, item in value.items()}
            return {
                name: str(item) if name in ("id", "collector_id", "payment_id") and isinstance(item, int) else item
                for name, item in named.items()
            }
        case list():
            return [ids_as_text(item) for item in value]
        case _:
            return value


def _inner_payment_form(payment: Payment, at: float, ledger: Ledger) -> dict[str, object]:
    amount, paid = ledger.amounts(payment)
    return {
        "id": payment.id,
        "transaction_amount": amount,
        "total_paid_amount": paid,
        "shipping_cost": 0,
        "currency_id": ledger.country.currency,
        "operation_type": "regular_payment",
        "amount_refunded": payment.refunded(at),
        "last_modified": stamp(payment.updated_at(at)),
        **_status_form(payment, at),
    }


def payment_form(payment: Payment, at: float, account: Account, ledger: Ledger) -> dict[str, object]:
    """A payment of ``/v1/payments``, as it was at the time ``at``."""
    amount, paid = ledger.amounts(payment)
    return {
        "id": payment.id,
        **_status_form(payment, at),
        "date_last_updated": stamp(payment.updated_at(at)),
        "money_release_date": stamp(payment.approved_at(at)),
        "operation_type": "regular_payment",
        "currency_id": ledger.country.currency,
        "transaction_amount": amount,
        "transaction_amount_refunded": payment.refunded(at),
        "transaction_details": {"total_paid_amount": paid, "net_received_amount": payment.amount},
        "external_reference": payment.order.order.reference,
        "description": payment.order.order.title,
        "payment_method_id": "account_money",
        "payment_type_id": "account_money",
        "collector_id": account.user_id,
        "order": {"id": payment.order.id, "type": "mercadopago"},
        "pos_id": str(account.pos_id),
        "store_id": str(account.store_id),
        "point_of_interaction": {"type": "INSTORE"},
        "payer": {"id": 222333444, "email": ""},
        "live_mode": True,
    }


def refund_form(refund: Refund, payment: Payment, at: float, account: Account) -> dict[str, object]:
    """A refund of ``/v1/payments/{id}/refunds``, as it was at the time ``at``."""
    return {
        "id": refund.id,
        "payment_id": payment.id,
        "amount": refund.amount,
        "metadata": {},
        "source": {"id": str(account.user_id), "name": account.nickname, "type": "collector"},
        "date_created": stamp(refund.changes[0].at),
        "unique_sequence_number": None,
        "refund_mode": "standard",
        "adjustment_amount": 0,
        "status": refund.status(at),
        "reason": None,
        "labels": [],
        "partition_details": [],
    }


def _status_form(payment: Payment, at: float) -> dict[str, object]:
    change = payment.as_of(at)
    return {
        "status": change.status if change else None,
        "status_detail": change.detail if change else None,
        "date_created": stamp(payment.changes[0].at),
        "date_approved": stamp(payment.approved_at(at)),
    }
