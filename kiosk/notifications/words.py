"""What a notification of Mercado Pago names, in each of its forms. Pure, and of anything that anybody may send.

Two kinds are in use, and an order's ``notification_url`` may bring both for one event, with and without a body:

- IPN: ``POST {url}?topic=merchant_order&id=5550001112``, body ``{"resource": "https://.../merchant_orders/5550001112",
  "topic": "merchant_order"}``; of a payment ``{"resource": "99000000002", "topic": "payment"}``.
- Webhooks: ``POST {url}?data.id=99000000002&type=payment``, body ``{"type": "payment", "action": "payment.created",
  "data": {"id": "99000000002"}}``. Of an order (``topic_merchant_order_wh``) the id is the body's own ``id``, and its
  ``status`` stands beside it.

So ids are looked for in the query, in ``data``, at the end of ``resource``, and in the body's ``id``, in that order.
``opened`` may come at any time and says nothing ("only ``closed`` counts", since August 2024): it is not worth a look.

There is no signature to check: QR notifications are not signed (the webhooks guide excepts them; the official SDK says
that validating one always fails). Nothing here is believed, so none is needed.

Sources: Mercado Pago's guides "IPN" and "Webhooks" (mercadopago/devsite-docs, guides/notifications), and integrators'
logs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from kiosk.sale.events import Notified

NOTHING: Final = Notified()
QUERY_MAX: Final = 2048
FIELDS_MAX: Final = 32
"""Fields of a query; Mercado Pago sends two or three."""
_ID: Final = re.compile(r"[0-9]{1,20}")
_REFERENCE: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ORDERS: Final = frozenset({"merchant_order", "topic_merchant_order_wh", "merchant_orders"})
_PAYMENTS: Final = frozenset({"payment", "payments"})


class StrangeError(ValueError):
    """It is no notification: none of the forms above."""


def read(query: bytes, body: bytes) -> Notified:
    """What it names; ``NOTHING`` where it is one that is worth no look (an order that was opened, another topic).

    Raises:
        StrangeError: it is none.
    """
    sent, fields = _query(query), _body(body)
    resource = _text(fields.get("resource")).rstrip("/").split("/")
    topic = sent.get("topic") or sent.get("type") or _text(fields.get("topic")) or _text(fields.get("type"))
    if not topic and len(resource) > 1:
        topic = resource[-2]
    reference = sent.get("external_reference") or _text(fields.get("external_reference"))
    if not topic and not reference:
        raise StrangeError("no topic")
    if _is_opened(fields):
        return NOTHING
    references = (reference,) if _REFERENCE.fullmatch(reference) else ()
    if topic not in _ORDERS | _PAYMENTS:
        return Notified(references=references)
    data = fields.get("data")
    inner = _text(data.get("id")) if isinstance(data, dict) else ""
    found = (sent.get("id", ""), sent.get("data.id", ""), inner, resource[-1], _text(fields.get("id")))
    name = next((name for name in found if name), "")
    if not _ID.fullmatch(name):
        raise StrangeError("no id")
    if topic in _ORDERS:
        return Notified(orders=(name,), references=references)
    return Notified(payments=(name,), references=references)


def _is_opened(fields: Mapping[str, object]) -> bool:
    data = fields.get("data")
    words = {_text(fields.get("status")), _text(data.get("status")) if isinstance(data, dict) else ""}
    return "opened" in words and "closed" not in words


def _query(query: bytes) -> dict[str, str]:
    try:
        text = query.decode("ascii")
        if len(text) > QUERY_MAX:
            raise StrangeError("a long query")
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS_MAX))
    except StrangeError:
        raise
    except ValueError:  # letters beyond ASCII, or too many fields
        raise StrangeError("no query") from None


def _body(body: bytes) -> dict[str, object]:
    """A JSON object; nothing is a notification, too: all is in the query then."""
    if not body.strip():
        return {}
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError
        raise StrangeError("no JSON") from None
    if not isinstance(value, dict):
        raise StrangeError("no object")
    return value


def _text(value: object) -> str:
    """A text, or a whole number as one; of anything else, nothing."""
    if isinstance(value, bool):
        return ""
    if isinstance(value, int):
        return str(value) if abs(value) < 10**20 else ""
    return value if isinstance(value, str) else ""
