"""What Mercado Pago's answer means for the sale: statuses and error keys end here. Pure.

Two questions, in this order.

*Was it Mercado Pago who spoke?* A captive portal, a proxy or a load balancer answers with statuses of its own. So no
status counts without a body in Mercado Pago's language: JSON that can be read, and for a refusal an error key in it;
only a success that needs no words may be empty. A page of HTML with status 404 frees no point of sale, and one with 401
condemns no token.

*What does it say?* A refusal is final, so only what surely did not happen is one. 408, 409, 423, 424, 425, 429, 5xx and
everything that stands nowhere below say nothing about the order.

Sources: the error tables of "instore_orders_v2", "merchant_orders" and "payments" at mercadopago.com/developers; the
official SDK's table of statuses (mercadopago/sdk-python, ``errors``); what integrators report of DELETE, which answers
400 for an order that is paid, expired or was never there, where the reference lists 500 only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, TypedDict, TypeVar

from kiosk.mercadopago.json import NonsenseError, loads
from kiosk.mercadopago.words import (
    ErrorBody,
    IndexedPayment,
    read_account,
    read_error,
    read_indexed_payment,
    read_order,
    read_pos_order,
)
from kiosk.sale.commands import Call
from kiosk.sale.events import (
    AccountIs,
    Busy,
    Holds,
    OrderSeen,
    Placed,
    Refused,
    Reject,
    Removal,
    Removed,
    Trouble,
    Unknown,
)
from kiosk.sale.money import Site

T = TypeVar("T")

_LOCKED: Final = "instore_order_locked_error"
_CREATION: Final = "in_store_order_creation_error"
_DELETION: Final = "in_store_order_delete_error"
_POS_NOT_FOUND: Final = "pos_obtainment_error"
_WRONG_TOKEN: Final = frozenset({"invalid_access_token", "invalid_token"})
"""A bad token comes with 400 from the in-store orders, with 401 from the merchant orders."""
_SAYS_NOTHING: Final = frozenset({408, 409, 423, 424, 425})
_RETRY_AFTER_DIGITS: Final = 6
_FIRST_DATE: Final = datetime(2020, 1, 1, tzinfo=UTC).timestamp()
_LAST_DATE: Final = datetime(2100, 1, 1, tzinfo=UTC).timestamp()
"""A ``Date`` outside of these is no clock: deadlines of orders are reckoned from it."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer, whole and in time."""

    status: int
    body: bytes
    date: float | None = None
    """Its ``Date``, seconds since 1970."""
    trace: str = ""
    """Its ``x-request-id``."""
    retry_after_s: float | None = None
    location: str = ""
    """Its ``Location``, of a redirect."""

    @property
    def success(self) -> bool:
        """Any 2xx: the documentation's own pages differ in which."""
        return 200 <= self.status < 300


class Carried(TypedDict):
    """What every answer carries."""

    request: int
    reference: str
    date: float | None
    trace: str


def carried(call: Call, reply: Reply | None = None) -> Carried:
    """What the answer to that call carries, learnt from that reply."""
    date, trace = (reply.date, reply.trace) if reply else (None, "")
    return Carried(request=call.request, reference=call.reference, date=date, trace=trace)


def nonsense(call: Call, reply: Reply, detail: str) -> Unknown:
    """Not Mercado Pago's language. Its ``Date`` is no clock of theirs; its id may still help their support."""
    carries = Carried(request=call.request, reference=call.reference, date=None, trace=reply.trace)
    return Unknown(**carries, trouble=Trouble.NONSENSE, detail=f"{reply.status}: {detail}")


# --- the meaning of each answer -------------------------------------------------------------------------------------


def placing(call: Call, reply: Reply) -> Placed | Busy | Refused | Unknown:
    """The answer to putting an order on the POS."""
    if reply.success:
        return Placed(**carried(call, reply)) if _agrees(reply) else nonsense(call, reply, "no plain success")
    error = read_error(reply.body)
    if error and (reply.status == 409 or error.key == _LOCKED):
        return Busy(**carried(call, reply))
    if error and error.key == _CREATION:  # "Failed to create order.", with whatever status: that is all it says
        return _unknown(call, reply, error, Trouble.SERVER)
    if error and reply.status == 404:
        return _refused(call, reply, error, Reject.NO_POS)
    return not_done(call, reply)


def holding(call: Call, reply: Reply, site: Site) -> Holds | Refused | Unknown:
    """The answer to what the POS holds.

    "No order" is a 404, and so is an address that leads nowhere: the API's router says ``not_found`` for that. Only a
    key that speaks of an order that is not found frees the POS (law L4); reference:
    ``point_of_sale_in_store_order_not_found``.
    """
    error = read_error(reply.body)
    if reply.status == 404 and error:
        if error.key == _POS_NOT_FOUND:
            return _refused(call, reply, error, Reject.NO_POS)
        key = error.key.lower()
        if "order" in key and "not_found" in key:
            return Holds(**carried(call, reply), order=None)
    order = reading(call, reply, lambda value: (read_pos_order(value, site),))
    return Holds(**carried(call, reply), order=order[0]) if isinstance(order, tuple) else order


def removing(call: Call, reply: Reply) -> Removed | Refused | Unknown:
    """The answer to taking the order away. GONE says only that it was not us: it may have been paid."""
    if reply.success:
        removed = Removed(**carried(call, reply), removal=Removal.BY_US)
        return removed if _agrees(reply) else nonsense(call, reply, "no plain success")
    error = read_error(reply.body)
    if error and (reply.status in (409, 423) or error.key == _LOCKED):
        return Removed(**carried(call, reply), removal=Removal.LOCKED)
    if error and _nothing_there(reply.status, error.key):
        return Removed(**carried(call, reply), removal=Removal.GONE)
    return not_done(call, reply)


def _nothing_there(status: int, key: str) -> bool:
    """Whether a refused DELETE means that there was nothing to take away.

    A 400 with a key that we do not know counts: it is not proof of anything, and the centre asks the POS next. The
    ``invalid_...`` keys are about our request, or our token, and not about the order.
    """
    if status == 400:
        return not key.startswith("invalid_")
    return status == 404 or (status == 500 and key in (_CREATION, _DELETION))


def account(call: Call, reply: Reply) -> AccountIs | Refused | Unknown:
    """The answer to whose token it is."""
    user = reading(call, reply, read_account)
    if isinstance(user, (Refused, Unknown)):
        return user
    return AccountIs(**carried(call, reply), user_id=user.user_id, site=user.site, test=user.test)


def order_by_id(call: Call, reply: Reply, site: Site) -> OrderSeen | Refused | Unknown | None:
    """One merchant order; None where none has that id ("invalid id." comes with 400)."""
    if reply.status in (400, 404) and (error := read_error(reply.body)) and error.key not in _WRONG_TOKEN:
        return None
    return reading(call, reply, lambda value: read_order(value, site))


def payment_by_id(call: Call, reply: Reply, site: Site) -> IndexedPayment | Refused | Unknown | None:
    """One payment; None where the account has none of that id (404, in Mercado Pago's words)."""
    if reply.status in (400, 404) and (error := read_error(reply.body)) and error.key not in _WRONG_TOKEN:
        return None
    return reading(call, reply, lambda value: read_indexed_payment(value, site))


def reading(call: Call, reply: Reply, read: Callable[[object], T]) -> T | Refused | Unknown:
    """What ``read`` makes of a 200 answer's JSON."""
    if not reply.success:
        return not_done(call, reply)
    if reply.status != 200:  # accepted, partial, reset: not what was asked
        return nonsense(call, reply, "no whole answer")
    try:
        return read(loads(reply.body))
    except NonsenseError as error:
        return nonsense(call, reply, str(error))


def not_done(call: Call, reply: Reply) -> Refused | Unknown:
    """What an answer means that is no success and nothing special."""
    error = read_error(reply.body)
    if reply.status == 429:
        return _unknown(call, reply, error, Trouble.THROTTLED)
    if reply.status >= 500 or reply.status in _SAYS_NOTHING:
        return _unknown(call, reply, error, Trouble.SERVER)
    if error is None or reply.status < 400:
        return nonsense(call, reply, "a redirect" if 300 <= reply.status < 400 else "not in Mercado Pago's words")
    if reply.status == 401 or error.key in _WRONG_TOKEN:
        return _refused(call, reply, error, Reject.TOKEN)
    if reply.status == 403:
        return _refused(call, reply, error, Reject.FORBIDDEN)
    if reply.status in (400, 422):
        return _refused(call, reply, error, Reject.INVALID)
    return _unknown(call, reply, error, Trouble.SERVER)


def _agrees(reply: Reply) -> bool:
    """Whether a success is one: without a body, as documented, or with an object that is no error."""
    if not reply.body.strip():
        return True
    try:
        value = loads(reply.body)
    except NonsenseError:
        return False
    return isinstance(value, dict) and read_error(reply.body) is None


def _refused(call: Call, reply: Reply, error: ErrorBody, reject: Reject) -> Refused:
    return Refused(**carried(call, reply), reject=reject, detail=_detail(reply, error))


def _unknown(call: Call, reply: Reply, error: ErrorBody | None, trouble: Trouble) -> Unknown:
    carries = carried(call, reply)
    if error is None:
        carries["date"] = None  # a gateway's clock
    return Unknown(**carries, trouble=trouble, detail=_detail(reply, error), retry_after_s=reply.retry_after_s)


def _detail(reply: Reply, error: ErrorBody | None) -> str:
    return f"{reply.status} {error.key}: {error.message}" if error else f"{reply.status}"


# --- headers --------------------------------------------------------------------------------------------------------


def reply_from(status: int, headers: Mapping[str, str], body: bytes) -> Reply:
    """A reply with what its headers say (names in any case; a mapping that does not mind, as httpx's)."""
    date = _date(headers.get("date", ""))
    retry_after_s = _retry_after_s(headers.get("retry-after", ""), date)
    trace, location = headers.get("x-request-id", ""), headers.get("location", "")
    return Reply(status, body, date, trace, retry_after_s, location)


def _date(text: str) -> float | None:
    """Seconds since 1970 of an HTTP date (RFC 9110, 5.6.7), or None."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):  # it parses mail's dates, generously, and fails so
        return None
    seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return seconds if _FIRST_DATE <= seconds < _LAST_DATE else None


def _retry_after_s(text: str, date: float | None) -> float | None:
    """``Retry-After`` in seconds: a count, or an HTTP date against the answer's own (RFC 9110, 10.2.3)."""
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) <= _RETRY_AFTER_DIGITS:
        return float(text)
    until = _date(text)
    return max(0.0, until - date) if until is not None and date is not None else None
