"""Refunds: how a payment stands and what of it went back, and what it means that money was, or was not, given back.

A refund is asked for under a key of its own (``X-Idempotency-Key``): the same key again is the same refund, never a
second one. What was refused is told by the numeric code in the body: the documents list one code under several
statuses. As everywhere (``answers``), no status counts without a body in Mercado Pago's words, and 408, 409, 423, 424,
425, 429 and 5xx say nothing, whatever code stands in them.

A Pix payment's refund may stay in process for a while. Without a header (``SHOWN``) that is answered with 400, and the
list does not show it: then it would be called refused, and the money goes back.

A refund whose ``status`` is a word that we do not know is not read at all: that it did not happen is as much a claim
as that it did.

Source: Mercado Pago's references "Create refund" and "Get list of refunds" (``/v1/payments/{id}/refunds``), and their
page "Refund of transactions with Pix".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

from kiosk.mercadopago.answers import Reply, carried, nonsense, not_done, reading
from kiosk.mercadopago.json import Fields, NonsenseError, dumps, loads
from kiosk.mercadopago.look import Ask
from kiosk.mercadopago.words import Page, read_error, read_indexed_payment, read_page
from kiosk.sale.commands import AskRefunds, GiveBack
from kiosk.sale.events import (
    GivenBack,
    NoRefund,
    NotGivenBack,
    PaymentSeen,
    PaymentState,
    RefundsAre,
    RefundSeen,
    Refused,
    Reject,
    Unknown,
)
from kiosk.sale.money import Currency, Site
from kiosk.sale.records import Refund

SHOWN: Final = MappingProxyType({"X-Render-In-Process-Refunds": "true"})
"""What is in process is told as such, in both requests."""
_STATES: Final = MappingProxyType(
    {
        "approved": PaymentState.APPROVED,
        "pending": PaymentState.PENDING,
        "in_process": PaymentState.PENDING,
        "authorized": PaymentState.PENDING,
        "rejected": PaymentState.REJECTED,
        "cancelled": PaymentState.OTHER,
    }
)
_NO_PAYMENT: Final = "2000"
_NO_REFUND: Final = "2032"
""""Refund not found" to a question, "idempotency key already used" to a refund."""
_REASONS: Final = MappingProxyType(
    {
        "2063": NoRefund.STATE,
        "4293": NoRefund.STATE,
        "4296": NoRefund.STATE,
        _NO_REFUND: NoRefund.USED,
        "2024": NoRefund.TOO_OLD,
        "15016": NoRefund.TOO_OLD,
        _NO_PAYMENT: NoRefund.NO_PAYMENT,
        "3024": NoRefund.NO_PARTS,
        "4040": NoRefund.AMOUNT,
        "4041": NoRefund.AMOUNT,
    }
)
"""By code, whatever the status: 4040 comes with 401."""
_ABOUT_THE_REFUND: Final = frozenset({400, 404, 422})
"""Statuses with which any other code is a reason, too. Of 401 and 403 the code is about who asks."""


# --- asking -----------------------------------------------------------------------------------------------------------


def refunds_of(call: AskRefunds, ask: Ask, site: Site) -> RefundsAre | Refused | Unknown:
    """Ask for the payment, then for its refunds. A refund that happens in between is in the list: it is not lost."""
    path = f"/v1/payments/{quote(call.payment, safe='')}"
    reply = ask(path, {})
    if not isinstance(reply, Reply):
        return reply
    if reply.status == 404 and _NO_PAYMENT in _codes(reply.body):
        return RefundsAre(**carried(call, reply), payment=None)
    payment = reading(call, reply, lambda value: _payment(value, call.payment, site))
    if not isinstance(payment, PaymentSeen):
        return payment
    reply = ask(f"{path}/refunds", {})
    if not isinstance(reply, Reply):
        return reply
    if reply.status == 404 and _NO_REFUND in _codes(reply.body):
        reply = replace(reply, status=200, body=b"[]")
    page = reading(call, reply, lambda value: _refunds(value, call.payment, site.currency))
    if not isinstance(page, Page):
        return page
    whole = not page.broken and not _behind(page.found, payment)
    return RefundsAre(**carried(call, reply), payment=payment, refunds=page.found, whole=whole)


def _payment(value: object, id_: str, site: Site) -> PaymentSeen:
    payment = read_indexed_payment(value, site).payment
    if payment.id != id_:
        raise NonsenseError("another payment than was asked for")
    return payment


def _refunds(value: object, payment: str, currency: Currency) -> Page[RefundSeen]:
    if not isinstance(value, list):
        raise NonsenseError("no list of refunds")
    return read_page(value, None, lambda each: read_refund(each, payment, currency))


def _behind(refunds: tuple[RefundSeen, ...], payment: PaymentSeen) -> bool:
    """Whether more of the payment went back than the list knows of."""
    counted = (each.cents or 0 for each in refunds if each.state in (PaymentState.APPROVED, PaymentState.PENDING))
    return payment.refunded_cents > sum(counted) and all(each.cents is not None for each in refunds)


def read_refund(value: object, payment: str, currency: Currency) -> RefundSeen:
    """One refund of that payment.

    Raises:
        NonsenseError: it is one of another payment, a field that we read has a wrong type, or its status is none that
            we know.
    """
    refund = Fields(value, "refund")
    state = _STATES.get(refund.text("status"))
    if state is None:
        raise NonsenseError("a refund of no known status")
    if refund.id("payment_id") != payment:
        raise NonsenseError("a refund of another payment")
    return RefundSeen(refund.id("id"), state, refund.cents("amount", currency))


# --- giving back ------------------------------------------------------------------------------------------------------


def write_refund(refund: Refund, currency: Currency) -> bytes:
    """The body that gives it back: without an amount it is all that is left."""
    return dumps({} if refund.whole else {"amount": currency.decimal_value(refund.cents)}).encode()


def giving_back(call: GiveBack, reply: Reply, site: Site) -> GivenBack | NotGivenBack | Refused | Unknown:
    """The answer to giving back."""
    if reply.success:
        return _given(call, reply, site.currency)
    done = not_done(call, reply)
    if not isinstance(done, Refused) and reply.status != 404:  # of a 404 the code tells what was not found
        return done
    error = read_error(reply.body)
    if error is None or (isinstance(done, Refused) and done.reject is Reject.TOKEN and reply.status != 401):
        return done
    codes = [code for code in _codes(reply.body) if code.isdigit()]
    known = next((_REASONS[code] for code in codes if code in _REASONS), None)
    if known is None and not (codes and reply.status in _ABOUT_THE_REFUND):
        return done
    return NotGivenBack(**carried(call, reply), reason=known or NoRefund.OTHER, detail=done.detail)


def _given(call: GiveBack, reply: Reply, currency: Currency) -> GivenBack | Unknown:
    try:
        seen = read_refund(loads(reply.body), call.refund.payment, currency)
    except NonsenseError as error:
        return nonsense(call, reply, str(error))
    if seen.cents is None or (not call.refund.whole and seen.cents != call.refund.cents):
        return nonsense(call, reply, "a refund of another amount")
    return GivenBack(**carried(call, reply), refund=seen)


def by_policy(reply: Reply) -> bool:
    """Whether it was not the payments' service that refused, but a policy about who may use it."""
    try:
        value = loads(reply.body)
    except NonsenseError:
        return False
    return reply.status == 403 and isinstance(value, dict) and value.get("blocked_by") == "PolicyAgent"


def _codes(body: bytes) -> list[str]:
    """All that may be the error's code: at the top, in its causes, in its list of errors."""
    try:
        value = loads(body)
    except NonsenseError:
        return []
    return [code for each in _objects(value) if (code := _code(each))]


def _objects(value: object) -> list[Mapping[str, object]]:
    """The error itself and the objects within it that may carry a code."""
    if not isinstance(value, dict):
        return []
    inner: list[object] = []
    for name in ("cause", "causes", "errors"):
        within = value.get(name)
        inner += within if isinstance(within, list) else [within]
    return [value, *(each for each in inner if isinstance(each, dict))]


def _code(error: Mapping[str, object]) -> str:
    code = error.get("code")
    return str(code) if isinstance(code, str | int) else ""
