"""The fake account's refunds: what is given back under which key, what is refused with which code, and the list.

Strict where the references are, as all of the fake; where they leave a choice (what becomes of a refund, a key that
comes again, a list that is behind) the choices are in ``doubts``. What is in process is shown to who asks for it by a
header; to others it is a bad request, and not in the list. A key is remembered for a day, as the reference of the
successor's keys says; a request that was refused uses none.

Source: Mercado Pago's references "Create refund" and "Get list of refunds", with their list of codes: 180 days after
its approval a payment is too old, in Peru after 90, and there only a whole payment can be given back. Of the header:
their page "Refund of transactions with Pix".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kiosk.sim.books import Payment, Refund
from kiosk.sim.forms import Account, from_json, ids_as_text, payments_error, policy_error, refund_form
from kiosk.sim.gateway import json_answer
from kiosk.sim.ledger import Ledger

DAY_S: Final = 86400.0
KEY_KEPT_S: Final = DAY_S
KEY_MAX: Final = 64
OLD_S: Final = 180 * DAY_S
OLD_IN_PERU_S: Final = 90 * DAY_S


@dataclass(frozen=True, slots=True)
class _Used:
    """What a key was used for."""

    at: float
    payment: int
    amount: Decimal | None
    """None: all that was left."""
    refund: Refund


class Refunds:
    """Of one account; ``ledger``: its books at the moment, ``wall``: its clock, ``told``: is called after each one."""

    def __init__(
        self, account: Account, ledger: Callable[[], Ledger], wall: Callable[[], float], told: Callable[[], None]
    ) -> None:
        self._account = account
        self._ledger = ledger
        self._wall = wall
        self._told = told
        self._used: dict[str, _Used] = {}

    def routes(self) -> list[Route]:
        """What is served, by path."""
        return [
            Route("/v1/payments/{id}/refunds", self._list, methods=["GET"]),
            Route("/v1/payments/{id}/refunds", self._give_back, methods=["POST"]),
        ]

    async def _list(self, request: Request) -> Response:
        ledger = self._ledger()
        payment = find_payment(ledger, request.path_params["id"])
        known = self._wall() - ledger.behaviour.refunds_lag_s
        hidden = ("",) if _sees_in_process(request) else ("", "in_process")
        listed = (each for each in payment.refunds if each.status(known) not in hidden)
        return self._shown([self._form(each, payment, known) for each in listed])

    async def _give_back(self, request: Request) -> Response:
        ledger, now = self._ledger(), self._wall()
        key = request.headers.get("x-idempotency-key", "")
        if not 0 < len(key) <= KEY_MAX:
            raise payments_error(404, "not_found", 4292, "Header X-Idempotency-Key can't be null")
        if ledger.behaviour.refunds_blocked and self._account.test:
            raise policy_error()
        payment = find_payment(ledger, request.path_params["id"])
        amount = _amount(await request.body())
        refund = self._earlier(key, payment, amount, now)
        if refund is None:
            _check(ledger, payment, amount, now)
            refund = ledger.refund(payment, ledger.left(payment, now) if amount is None else amount, now)
            self._used[key] = _Used(now, payment.id, amount, refund)
            self._told()
            if ledger.behaviour.refund_fails:
                raise payments_error(500, "internal_server_error", 500, "Internal Server Error")
        if refund.status(now) == "in_process" and not _sees_in_process(request):
            raise payments_error(400, "bad_request", 1, "Bad Request")
        return self._shown(self._form(refund, payment, now), 201)

    def _earlier(self, key: str, payment: Payment, amount: Decimal | None, now: float) -> Refund | None:
        """The refund that was made under that key."""
        used = self._used.get(key)
        if used is None or now >= used.at + KEY_KEPT_S:
            return None
        same = (used.payment, used.amount) == (payment.id, amount)
        if not same or self._ledger().behaviour.refund_key_refused:
            raise payments_error(404, "not_found", 2032, "Idempotency key already used")
        return used.refund

    def _form(self, refund: Refund, payment: Payment, at: float) -> dict[str, object]:
        return refund_form(refund, payment, at, self._account)

    def _shown(self, form: object, status: int = 200) -> Response:
        return json_answer(ids_as_text(form) if self._ledger().behaviour.ids_as_text else form, status)


def _sees_in_process(request: Request) -> bool:
    return request.headers.get("x-render-in-process-refunds") == "true"


def find_payment(ledger: Ledger, number: str) -> Payment:
    """The payment of that id.

    Raises:
        ApiError: there is none.
    """
    for payment in ledger.payments():
        if str(payment.id) == number:
            return payment
    raise payments_error(404, "not_found", 2000, "Payment not found")


def _amount(body: bytes) -> Decimal | None:
    """What is to be given back; None: all that is left."""
    try:
        sent = from_json(body) if body.strip() else {}
    except ValueError:
        sent = None
    if not isinstance(sent, Mapping):
        raise payments_error(400, "bad_request", 1, "Params Error")
    amount = sent.get("amount")
    if amount is None:
        return None
    if isinstance(amount, bool) or not isinstance(amount, int | Decimal):
        raise payments_error(401, "unauthorized", 4041, "amount must be numeric")
    if amount <= 0:
        raise payments_error(401, "unauthorized", 4040, "amount must be positive")
    return Decimal(amount)


def _check(ledger: Ledger, payment: Payment, amount: Decimal | None, now: float) -> None:
    approved_at, left, peru = payment.approved_at(now), ledger.left(payment, now), ledger.site == "MPE"
    if approved_at is None or not payment.is_("approved", now) or not left:
        raise payments_error(400, "bad_request", 2063, "Action requested is not valid for the current payment state")
    if now > approved_at + (OLD_IN_PERU_S if peru else OLD_S):
        raise payments_error(404, "not_found", 2024, "Payment too old to be refunded")
    if amount is None:
        return
    if peru and amount != ledger.amounts(payment)[0]:
        raise payments_error(404, "not_found", 3024, "Partial refund unsupported for this transaction")
    if amount > left or amount != round(amount, ledger.country.decimals):
        raise payments_error(400, "bad_request", 2085, "Invalid value for gateway operation")
