"""The virtual counter's page, and the HTTP interface under it that tests and scripts use, too.

``POST /keys`` ``GET /state`` ``/screen`` ``/screen.png`` ``/paper`` ``/paper.png`` ``POST /customer`` ``GET /phone``
``POST /trouble`` ``GET /trouble``; ``GET /view`` is the page's own. What is sent is a JSON object. An answer that
is no success is ``{"error": "one line"}``: 400 what was sent makes no sense, 403 it comes from elsewhere, 404 that far
end is real, 503 no kiosk took the keys.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from kiosk.sim.counter import IsReal, VirtualCounter
from kiosk.sim.wires import NobodyReads

FILES: Final = Path(__file__).with_name("page")
KEYS: Final = frozenset("0123456789#*ABCD")
_BODY_MAX: Final = 4096
_POLICY: Final = "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'"
"""The page needs nothing from elsewhere, and nobody may show it inside a page of theirs and have its keys clicked."""
_T = TypeVar("_T", str, bool)


def page(counter: VirtualCounter) -> Starlette:
    """The program that serves one counter."""
    return Starlette(
        routes=[
            Route("/", _index),
            Mount("/page", StaticFiles(directory=FILES)),
            *_cashier(counter),
            *_paper(counter),
            *_rest(counter),
        ],
        middleware=[Middleware(OnlyFromHere)],
        exception_handlers={
            BadRequest: _error(400),
            IsReal: _error(404),
            NobodyReads: _error(503),
            HTTPException: _http_error,
        },
    )


class BadRequest(Exception):  # noqa: N818  (HTTP's own name for it)
    """What was sent makes no sense; the text says why."""


class OnlyFromHere:
    """Refuses what another web site makes a browser send: a page elsewhere must not press the counter's keys.

    A name that was made to point to 127.0.0.1 (DNS rebinding) gives itself away in ``Host``, a request across sites in
    ``Origin``.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer 403."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope.get("headers", ())}
        if is_from_here(headers):
            await self._app(scope, receive, send)
        else:
            await _problem(403, "only pages of this counter may use it")(scope, receive, send)


def is_from_here(headers: Mapping[str, str]) -> bool:
    """Whether a request's headers (names in small letters) are those of this page or of a program on this machine."""
    host = headers.get("host", "").lower()
    name = host[: host.rindex(":")] if host.rpartition(":")[2].isdigit() else host
    own = f"http://{host}"
    return name in ("127.0.0.1", "localhost", "[::1]") and headers.get("origin", own).lower() == own


# --- what can be asked ------------------------------------------------------------------------------------------------


async def _index(_request: Request) -> Response:
    return FileResponse(FILES / "index.html", headers={"content-security-policy": _POLICY})


def _cashier(counter: VirtualCounter) -> list[Route]:
    async def keys(request: Request) -> Response:
        sent = await _sent(request)
        pressed, held = _field(sent, "keys", str), _field({"held": False, **sent}, "held", bool)
        if not pressed or not KEYS.issuperset(pressed):
            raise BadRequest('"keys" must be one or more of 0 to 9, #, *, A to D')
        await counter.press(pressed, held=held)
        return JSONResponse({"taken": pressed})

    async def state(_request: Request) -> Response:
        return JSONResponse(await counter.state())

    async def screen(_request: Request) -> Response:
        return PlainTextResponse(await counter.screen())

    async def screen_png(_request: Request) -> Response:
        return _picture(counter.screen_png())

    return [
        Route("/keys", keys, methods=["POST"]),
        Route("/state", state),
        Route("/screen", screen),
        Route("/screen.png", screen_png),
    ]


def _paper(counter: VirtualCounter) -> list[Route]:
    async def paper(_request: Request) -> Response:
        return PlainTextResponse(counter.paper())

    async def paper_png(_request: Request) -> Response:
        return _picture(counter.paper_png())

    return [Route("/paper", paper), Route("/paper.png", paper_png)]


def _rest(counter: VirtualCounter) -> list[Route]:
    async def customer(request: Request) -> Response:
        action = _field(await _sent(request), "action", str)
        with _checked():
            return JSONResponse(counter.customer(action))

    async def trouble(request: Request) -> Response:
        sent = await _sent(request)
        name, on = _field(sent, "name", str), _field(sent, "on", bool)
        with _checked():
            await counter.trouble(name, on)
        return JSONResponse({"names": counter.troubles()})

    async def troubles(_request: Request) -> Response:
        return JSONResponse({"names": counter.troubles()})

    async def phone(_request: Request) -> Response:
        return JSONResponse(counter.phone())

    async def view(_request: Request) -> Response:
        return JSONResponse(await counter.view())

    return [
        Route("/customer", customer, methods=["POST"]),
        Route("/trouble", trouble, methods=["POST"]),
        Route("/trouble", troubles),
        Route("/phone", phone),
        Route("/view", view),
    ]


# --- what is sent, and what is answered -------------------------------------------------------------------------------


async def _sent(request: Request) -> dict[str, object]:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _BODY_MAX:
            raise BadRequest(f"more than {_BODY_MAX} bytes were sent")
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError):
        sent = None
    if not isinstance(sent, dict):
        raise BadRequest("a JSON object must be sent")
    return sent


def _field(sent: Mapping[str, object], name: str, kind: type[_T]) -> _T:
    value = sent.get(name)
    if not isinstance(value, kind):
        raise BadRequest(f'"{name}" must be {"a text" if kind is str else "true or false"}')
    return value


@contextmanager
def _checked() -> Iterator[None]:
    """What is done inside says with a ``ValueError`` that it does not know what it is asked for."""
    try:
        yield
    except ValueError as error:
        raise BadRequest(str(error)) from None


def _picture(png: bytes) -> Response:
    return Response(png, media_type="image/png", headers={"cache-control": "no-store"})


def _problem(status: int, text: str) -> JSONResponse:
    return JSONResponse({"error": " ".join(text.split())}, status_code=status)


def _error(status: int) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def answer(_request: Request, error: Exception) -> Response:
        return _problem(status, str(error))

    return answer


async def _http_error(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return _problem(status, str(error.detail) if isinstance(error, HTTPException) else "")
