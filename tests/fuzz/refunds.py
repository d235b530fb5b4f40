"""Target: what is said of refunds, to a question and to a refund that was asked for.

The first part of an input is the payment, the last one the list of its refunds; each is an answer to a refund, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from kiosk.mercadopago.answers import Reply, reply_from
from kiosk.mercadopago.refunds import giving_back, refunds_of
from kiosk.sale.commands import AskRefunds, GiveBack
from kiosk.sale.events import (
    GivenBack,
    NoRefund,
    NotGivenBack,
    PaymentState,
    RefundsAre,
    RefundSeen,
    Refused,
    Reject,
    Unknown,
)
from kiosk.sale.records import Refund
from tests.fuzz.account import REFUND, SITE, has_key, json_of, parts
from tests.fuzz.claims import must

ASKED: Final = AskRefunds(request=1, until=9.0, payment="9")
_WORDS: Final = {
    PaymentState.APPROVED: ("approved",),
    PaymentState.PENDING: ("pending", "in_process", "authorized"),
    PaymentState.REJECTED: ("rejected",),
    PaymentState.OTHER: ("cancelled",),
}
_SAYS_NOTHING: Final = (408, 409, 423, 424, 425, 429)


def refunds_told(data: bytes) -> None:
    """Nothing went back, or did not, that was not said to; and a list is whole only where all of it was read."""
    said = parts(data)
    replies = [reply_from(each.status, {}, each.body) for each in said]

    def ask(path: str, _query: Mapping[str, str]) -> Reply:
        return replies[-1] if path.endswith("/refunds") else replies[0]

    told = refunds_of(ASKED, ask, SITE)
    if isinstance(told, RefundsAre):
        _asked(told, replies[0], replies[-1])
    for reply in replies:
        for whole in (False, True):
            _given(replace(REFUND, whole=whole), reply)


def _asked(told: RefundsAre, payment: Reply, refunds: Reply) -> None:
    if told.payment is None:
        must(payment.status == 404 and "2000" in _codes(payment.body), f"no payment, by {payment}")
        must(not told.refunds and told.whole, f"refunds of no payment: {told}")
        return
    must(told.payment.id == "9" and payment.status == 200, f"another payment: {told}")
    if refunds.status == 404:
        must("2032" in _codes(refunds.body) and not told.refunds, f"none, by {refunds}")
        elements: list[Any] = []
    else:
        elements = json_of(refunds.body)
        must(refunds.status == 200 and isinstance(elements, list), f"a list, by {refunds}")
    for seen in told.refunds:
        must(any(_is(seen, each) for each in elements), f"L6: nobody said {seen}")
    must(not told.whole or len(told.refunds) == len(elements), f"L6: whole, but something is missing: {told}")
    amounts = [each.cents for each in told.refunds if each.state in (PaymentState.APPROVED, PaymentState.PENDING)]
    readable = all(each.cents is not None for each in told.refunds)
    covered = sum(cents or 0 for cents in amounts) >= told.payment.refunded_cents
    must(not told.whole or not readable or covered, f"L6: whole, but more went back: {told}")


def _is(seen: RefundSeen, element: Any) -> bool:
    if not isinstance(element, dict) or str(element.get("payment_id")) != "9" or str(element.get("id")) != seen.id:
        return False
    amount = element.get("amount")
    same = seen.cents is None or (not isinstance(amount, bool) and amount == Decimal(seen.cents).scaleb(-2))
    return same and element.get("status") in _WORDS.get(seen.state, ())


def _given(refund: Refund, reply: Reply) -> None:
    answer = giving_back(GiveBack(request=1, until=9.0, refund=refund), reply, SITE)
    match answer:
        case GivenBack():
            must(200 <= reply.status < 300 and _is(answer.refund, json_of(reply.body)), f"L6: given, by {reply}")
            must(answer.refund.cents is not None, f"so much: {answer}")
            must(refund.whole or answer.refund.cents == refund.cents, f"L5: another amount, by {reply}")
        case NotGivenBack():
            _refused(reply)
            codes = _codes(reply.body)
            must(any(code.isdigit() for code in codes), f"no reason, by {reply}")
            must(answer.reason is not NoRefund.STATE or {*codes} & {"2063", "4293", "4296"} != set(), f"by {reply}")
        case Refused():
            _refused(reply)
            must(answer.reject in (Reject.TOKEN, Reject.FORBIDDEN, Reject.INVALID), f"a word of orders: {answer}")
        case Unknown():
            pass


def _refused(reply: Reply) -> None:
    must(400 <= reply.status < 500 and reply.status not in _SAYS_NOTHING, f"L6: refused for good, by {reply}")
    must(has_key(reply.body), f"L6: refused by whom? {reply}")


def _codes(body: bytes) -> set[str]:
    return {*_found(json_of(body), ("cause", "causes", "errors"))}


def _found(value: Any, inner: tuple[str, ...]) -> Iterator[str]:
    """Every ``code`` of an object, and of the objects within."""
    if isinstance(value, dict):
        code = value.get("code")
        if isinstance(code, int | str) and not isinstance(code, bool):
            yield str(code)
        for name in inner:
            yield from _found(value.get(name), ())
    elif isinstance(value, list):
        for each in value:
            yield from _found(each, ())
