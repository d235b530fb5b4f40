"""A fake Mercado Pago: the API that a counter's static QR needs, as an ASGI program over a ledger.

It is the judge of the kiosk, so it is strict where the references are and keeps its doubts in ``doubts``.
Paths and answers: Mercado Pago's references of instore orders V2, merchant orders, payments, stores and POS.

The ``Date`` of every answer is the fake's own wall clock. uvicorn would send a second one: run it with
``date_header=False``.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import fields
from functools import partial
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kiosk.sim.doubts import DOUBTS, Behaviour
from kiosk.sim.forms import (
    Account,
    ApiError,
    current_form,
    from_json,
    ids_as_text,
    merchant_order_form,
    payment_form,
    payment_methods_form,
    plain_error,
    user_form,
)
from kiosk.sim.gateway import CONTROL, Gateway, json_answer
from kiosk.sim.ledger import Deletion, Ledger
from kiosk.sim.line import Line
from kiosk.sim.notifier import TROUBLES, Notifier
from kiosk.sim.order_rules import read_order
from kiosk.sim.premises import Premises
from kiosk.sim.refunds import Refunds, find_payment
from kiosk.sim.searches import search_orders, search_payments
from kiosk.sim.served import bound, served

SEARCH_LAG_S: Final = 5.0
"""How far the searches are behind the payments while they lag."""
TRAINING_TOKEN: Final = "APP_USR-1111111111111111-training-123456789"  # noqa: S105  (opens nothing but this fake)
_LINE_TROUBLES: Final = ("answer-lost", "no-network")
_TROUBLES: Final = ("mp-down", "mp-slow", *_LINE_TROUBLES, "token-expired", "search-lag", "locked", *TROUBLES)
_POS: Final = "/instore/qr/seller/collectors/{user_id}/pos/{pos}/orders"
_POS_OF_STORE: Final = "/instore/qr/seller/collectors/{user_id}/stores/{store}/pos/{pos}/orders"


class FakeMercadoPago:
    """One seller's account, as it is with one store and one POS, or without any (no ``store``, no ``pos``).

    ``wall`` is its clock, seconds since 1970.
    """

    def __init__(
        self,
        *,
        wall: Callable[[], float],
        token: str,
        user_id: int,
        store: str = "",
        pos: str = "",
        site: str = "MLB",
        test_account: bool = True,
    ) -> None:
        self._wall = wall
        self.ledger = Ledger(site=site, started=wall())
        self.notifier = Notifier(user_id, self.ledger, wall)
        self.pause: Callable[[float], Awaitable[None]] = asyncio.sleep
        """How a slow answer waits."""
        self._pauses: set[asyncio.Future[None]] = set()
        self.troubles = dict.fromkeys(_TROUBLES, False)
        self._account = Account(user_id, store, pos, test_account)
        self.premises = Premises(self._account, self.ledger)
        self._refunds = Refunds(self._account, lambda: self.ledger, wall, self.notifier.look)
        self.app = Starlette(
            routes=self._routes(),
            middleware=[Middleware(Gateway, token=token, troubles=self.troubles, wall=wall, pause=self._pause)],
            exception_handlers={ApiError: _on_api_error, HTTPException: _on_http_error},
        )
        self._token = token
        self._line: Line | None = None

    # --- the customer and the troubles ----------------------------------------------------------------------------

    def customer(self, action: str) -> dict[str, object]:
        """Let the customer act, see ``Ledger.customer``.

        Raises:
            ValueError: no such action.
        """
        done = self.ledger.customer(action, self._wall())
        self.notifier.look()
        return done

    def phone(self) -> dict[str, object]:
        """What the customer's phone shows, see ``Ledger.phone``."""
        return self.ledger.phone(self._wall())

    def attach(self, line: Line) -> None:
        """The line that the kiosk comes through; ``answer-lost`` and ``no-network`` happen there."""
        self._line = line

    def set_trouble(self, name: str, on: bool) -> None:
        """Begin or end a trouble.

        Raises:
            ValueError: no such trouble, or it needs a line and none is attached.
        """
        if name not in self.troubles:
            raise ValueError(f"{name!r} is not one of {', '.join(self.troubles)}")
        if name in _LINE_TROUBLES:
            self._trouble_line(name, on)
        elif name == "locked":
            self.ledger.locks = on
        elif name in TROUBLES:
            self.notifier.set_trouble(name, on)
        self.troubles[name] = on

    def _trouble_line(self, name: str, on: bool) -> None:
        if self._line is None:
            raise ValueError(f"{name!r} happens on the line, and none is attached")
        if name == "no-network":
            self._line.cut = on
        else:
            self._line.lose_answers = on

    def set_doubt(self, name: str, on: bool) -> None:
        """Do as some read Mercado Pago's documents, or as by default again; see ``doubts``.

        Raises:
            ValueError: no such doubt.
        """
        behaviours = {doubt.name: doubt.behaviour for doubt in DOUBTS}
        if name not in behaviours:
            raise ValueError(f"{name!r} is not one of {', '.join(behaviours)}")
        default = Behaviour()
        for field in fields(Behaviour):
            doubted, usual = getattr(behaviours[name], field.name), getattr(default, field.name)
            if doubted != usual:
                setattr(self.ledger.behaviour, field.name, doubted if on else usual)

    def told(self, address: str) -> str:
        """What a person with curl must know of the account at that address."""
        account = self._account
        path = _POS.format(user_id=account.user_id, pos=account.pos)
        return (
            f"fake Mercado Pago at {address}\ntoken   {self._token}\nuser id {account.user_id}\n"
            f"store   {account.store}\nPOS     {account.pos}\n"
            f"curl -H 'Authorization: Bearer {self._token}' {address}{path}\n"
            f'curl -d \'{{"action": "pay"}}\' {address}/customer'
        )

    async def close(self) -> None:
        """Send nothing more, and answer at once whoever waits for a slow answer."""
        self.troubles["mp-slow"] = False
        for pause in self._pauses:
            pause.cancel()
        await self.notifier.close()

    async def _pause(self, seconds: float) -> None:
        pause = asyncio.ensure_future(self.pause(seconds))
        self._pauses.add(pause)
        try:
            await asyncio.wait((pause,))
        finally:
            pause.cancel()
            self._pauses.discard(pause)

    # --- the POS ---------------------------------------------------------------------------------------------------

    async def _put(self, request: Request) -> Response:
        self._check_pos(request)
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise plain_error(415, "unsupported_media_type", "Content-Type must be application/json")
        body = await request.body()
        now = self._wall()
        order = read_order(body, country=self.ledger.country, behaviour=self.ledger.behaviour, now=now)
        if not self.ledger.put(order, now):
            raise plain_error(409, "conflict", "The point of sale has an order.")
        self.notifier.look()
        return Response(status_code=204)

    async def _get(self, request: Request) -> Response:
        self._check_pos(request)
        order = self.ledger.current(self._wall())
        if order is None and self.ledger.behaviour.free_is_empty_array:
            return json_answer([])
        if order is None:
            raise plain_error(404, "point_of_sale_in_store_order_not_found", "No associated order found.")
        form = current_form(order, self.ledger.until, self._account)
        return json_answer([form] if self.ledger.behaviour.current_in_array else form)

    async def _delete(self, request: Request) -> Response:
        self._check_pos(request)
        match self.ledger.delete(self._wall()):
            case Deletion.NO_ORDER:
                raise _nothing_deleted(self.ledger.behaviour.nothing_to_delete)
            case Deletion.REFUSED:
                raise _nothing_deleted(400)
            case Deletion.FAILED:
                raise _nothing_deleted(500)
            case Deletion.LOCKED:
                message = "Cannot cancel an order while payment is in progress"
                raise plain_error(409, "instore_order_locked_error", message)
            case Deletion.DONE:
                return Response(status_code=204)

    def _check_pos(self, request: Request) -> None:
        """The ids in the path. Another account's POS is not found; its DELETE has an error of its own."""
        path = request.path_params
        if not path["user_id"].isdecimal():
            raise plain_error(400, "invalid_collectorId", "user_id must be a number.")
        if not path["pos"].strip():
            raise plain_error(400, "invalid_externalPosId", "externalPosId must be present.")
        own_user = int(path["user_id"]) == self._account.user_id
        if not own_user and request.method == "DELETE":
            raise plain_error(400, "invalid_access_token", "Access denied.")
        own_store = path.get("store", self._account.store) == self._account.store
        if not (own_user and own_store and path["pos"] == self._account.pos):
            raise plain_error(404, "pos_obtainment_error", "Point of sale not found")

    # --- merchant orders and payments ------------------------------------------------------------------------------

    def _search_time(self) -> float:
        """Until when the searches know what happened."""
        return self._wall() - (SEARCH_LAG_S if self.troubles["search-lag"] else 0.0)

    async def _find_orders(self, request: Request) -> Response:
        ledger = self.ledger
        indexed = self._wall() - ledger.behaviour.orders_lag_s
        known = min(self._search_time(), indexed)
        orders = (order for order in ledger.merchant_orders if order.opened_at <= indexed)
        rows = (merchant_order_form(order, known, self._account, ledger) for order in orders)
        found = search_orders(rows, request.query_params, now=self._wall(), page_max=ledger.behaviour.page_max)
        if found["elements"] is None and not ledger.behaviour.null_elements:
            found["elements"] = []
        if not ledger.behaviour.totals:
            del found["total"]
        return self._found(found)

    async def _order(self, request: Request) -> Response:
        number = request.path_params["id"]
        if not number.isdecimal():
            raise plain_error(400, "invalid_format", "invalid id.")
        for order in self.ledger.merchant_orders:
            if order.id == int(number):
                return self._found(merchant_order_form(order, self._wall(), self._account, self.ledger))
        raise plain_error(404, "not_found", "merchant order not found.")

    async def _find_payments(self, request: Request) -> Response:
        known, ledger = self._search_time(), self.ledger
        payments = (payment for payment in ledger.payments() if payment.as_of(known))
        rows = (payment_form(payment, known, self._account, ledger) for payment in payments)
        page_max = ledger.behaviour.page_max
        found = search_payments(rows, request.query_params, now=self._wall(), page_max=page_max)
        if not ledger.behaviour.totals:
            del found["paging"]
        return self._found(found)

    async def _payment(self, request: Request) -> Response:
        payment = find_payment(self.ledger, request.path_params["id"])
        return self._found(payment_form(payment, self._wall(), self._account, self.ledger))

    def _found(self, form: dict[str, object]) -> Response:
        return json_answer(ids_as_text(form) if self.ledger.behaviour.ids_as_text else form)

    # --- the account -----------------------------------------------------------------------------------------------

    async def _me(self, _request: Request) -> Response:
        return json_answer(user_form(self._account, self.ledger))

    async def _payment_methods(self, _request: Request) -> Response:
        return json_answer(payment_methods_form(self.ledger.site))

    # --- what is no part of Mercado Pago --------------------------------------------------------------------------

    async def _on_customer(self, request: Request) -> Response:
        sent = await _fields(request)
        try:
            return json_answer(self.customer(str(sent.get("action"))))
        except ValueError as error:
            raise plain_error(400, "bad_request", str(error)) from None

    async def _on_trouble(self, request: Request) -> Response:
        if request.method == "POST":
            await _switch(request, self.set_trouble)
        return json_answer({"names": self.troubles})

    async def _on_doubt(self, request: Request) -> Response:
        if request.method == "POST":
            await _switch(request, self.set_doubt)
        return json_answer({"names": [doubt.name for doubt in DOUBTS]})

    def _routes(self) -> list[Route]:
        return [
            Route(_POS_OF_STORE, self._put, methods=["PUT"]),
            Route(_POS, self._put, methods=["PUT"]),
            Route(_POS, self._get, methods=["GET"]),
            Route(_POS, self._delete, methods=["DELETE"]),
            Route("/merchant_orders", self._find_orders),
            Route("/merchant_orders/search", self._find_orders),
            Route("/merchant_orders/{id}", self._order),
            Route("/v1/payments/search", self._find_payments),
            Route("/v1/payments/{id}", self._payment),
            Route("/users/me", self._me),
            Route("/v1/payment_methods", self._payment_methods),
            *self._refunds.routes(),
            *self.premises.routes(),
            Route("/customer", self._on_customer, methods=["POST"]),
            Route("/trouble", self._on_trouble, methods=["GET", "POST"]),
            Route("/doubt", self._on_doubt, methods=["GET", "POST"]),
        ]


def _nothing_deleted(status: int) -> ApiError:
    """What a DELETE answers that found no order, or says so."""
    if status == 404:
        return plain_error(404, "point_of_sale_in_store_order_not_found", "No associated order found.")
    if status == 500:
        return plain_error(500, "in_store_order_creation_error", "Failed to delete order.")
    return plain_error(400, "in_store_order_delete_error", "An error occurred when deleting the InStoreOrder")


async def _on_api_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return json_answer(error.body, error.status)


async def _on_http_error(_request: Request, error: Exception) -> Response:
    """A path or a method that is not there."""
    assert isinstance(error, HTTPException)
    return json_answer(
        {"error": "resource not found", "message": error.detail, "status": error.status_code, "cause": []},
        error.status_code,
    )


async def _fields(request: Request) -> dict[str, object]:
    try:
        value = from_json(await request.body())
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise plain_error(400, "bad_request", "body must be a JSON object")
    return value


async def _switch(request: Request, switch: Callable[[str, bool], None]) -> None:
    """Turn on or off what the request names."""
    sent = await _fields(request)
    on = sent.get("on")
    if not isinstance(on, bool):
        raise plain_error(400, "bad_request", '"on" must be true or false')
    try:
        switch(str(sent.get("name")), on)
    except ValueError as error:
        raise plain_error(400, "bad_request", str(error)) from None


# --- alone on a port ---------------------------------------------------------------------------------------------


async def serve(port: int, *, site: str = "MLB", tell: Callable[[str], object] | None = None) -> None:
    """Run a fake account behind a line on 127.0.0.1 until cancelled; ``port`` 0 is a free one.

    ``tell`` (by default: print) gets what curl needs: the address, the token, the ids. The paths in ``CONTROL`` pass
    the line even while it is cut, so that one address is enough.

    Raises:
        OSError: the port is taken.
        ValueError: no such site.
    """
    fake = FakeMercadoPago(
        wall=time.time, token=TRAINING_TOKEN, user_id=123456789, store="LOJA01", pos="CAIXA01", site=site
    )
    line = Line(spare=tuple(f"{verb} {path}".encode() for path in CONTROL for verb in ("GET", "POST")))
    fake.attach(line)
    listener = bound("127.0.0.1", 0)
    async with served(fake.app, listener, date_header=False):
        port = await line.start(*listener.getsockname(), port=port)
        try:
            (tell or partial(print, flush=True))(fake.told(f"http://127.0.0.1:{port}"))
            await asyncio.Event().wait()
        finally:
            await fake.close()
            await line.close()
