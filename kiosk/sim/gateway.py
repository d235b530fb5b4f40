"""What stands before all services of the fake Mercado Pago: the token, its troubles, all answers' headers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from email.utils import formatdate
from itertools import count
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kiosk.sim.forms import ApiError, plain_error, to_json, token_error

SLOW_S: Final = 8.0
"""How long an answer takes while Mercado Pago is slow: as long as a patient integrator waits."""
CONTROL: Final = ("/customer", "/trouble", "/doubt")
"""Paths that are no part of Mercado Pago: they need no token and meet no trouble."""
PICTURES: Final = "/instore/merchant/qr/"
"""Where the pictures of the QRs lie: on another server in truth, which knows no token."""
_HTML_502: Final = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"


def json_answer(value: object, status: int = 200) -> Response:
    """An answer with exact numbers."""
    return Response(to_json(value), status, media_type="application/json")


class Gateway:
    """ASGI middleware: lets a request through to ``app``, or answers it; ``Date`` is ``wall``'s, seconds since 1970."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        token: str,
        troubles: Mapping[str, bool],
        wall: Callable[[], float],
        pause: Callable[[float], Awaitable[None]],
    ) -> None:
        self._app = app
        self._token = token
        self._troubles = troubles
        self._wall = wall
        self._pause = pause
        self._requests = count(1)
        self._failures = 0
        """Answers since Mercado Pago went down."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request. A slow answer is late, but what was asked happened at once."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        control = request.url.path in CONTROL
        slow = self._troubles["mp-slow"] and not control
        request_id = f"{next(self._requests):032x}"

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                if slow:
                    await self._pause(SLOW_S)
                headers = MutableHeaders(scope=message)
                headers["date"] = formatdate(self._wall(), usegmt=True)
                headers["x-request-id"] = request_id
            await send(message)

        answer = None if control else self._own_answer(request)
        await (answer or self._app)(scope, receive, send_with_headers)

    def _own_answer(self, request: Request) -> Response | None:
        """What the gateway answers by itself; None: the request goes on to its service."""
        self._failures = self._failures + 1 if self._troubles["mp-down"] else 0
        if self._failures:
            return self._failure(request)
        if request.url.path.startswith(PICTURES):
            return None
        try:
            self._check_token(request)
        except ApiError as error:
            return json_answer(error.body, error.status)
        return None

    def _failure(self, request: Request) -> Response:
        """500, 503 and a proxy's HTML in turn; nothing was done."""
        turn = self._failures % 3
        if turn == 0:
            return Response(_HTML_502, 502, media_type="text/html")
        if turn == 2:
            error = plain_error(503, "service_unavailable", "Service Unavailable")
        elif request.url.path.startswith("/instore/"):
            verb = "delete" if request.method == "DELETE" else "create"
            error = plain_error(500, "in_store_order_creation_error", f"Failed to {verb} order.")
        else:
            error = plain_error(500, "internal_server_error", "Internal Server Error")
        return json_answer(error.body, error.status)

    def _check_token(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise token_error("authorization value not present")
        if token.strip() == self._token and not self._troubles["token-expired"]:
            return
        if request.url.path.startswith("/merchant_orders"):
            raise plain_error(401, "invalid_token", "access denied.")
        raise token_error("invalid access token")
