"""The ASGI program that takes notifications in, and the server's side of each connection.

What comes is counted, and rung through: one ``Notified`` with all that was named since the last one, at once when it
was quiet, and at most one in ``GAP_S`` seconds, so that a flood costs the loop ten steps a second. Nobody waits for
anything: an answer is given before anything is done about what was said.

Bounds, each counted when it is met: the body's size (413), requests a second (429), the method (405), the path (404),
what is no notification or no HTTP (400); connections, of which one too many pushes the oldest out; and the time in
which a request must have come whole. What is one too many, and plain to see, is refused before anybody reads it: then a
flood costs the processor, which the cashier's keys need, a tenth of what reading it would.
Source of the server's ways: uvicorn's documentation, "Settings".
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter as Tally
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, Protocol

from h11 import IDLE
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import Server, ServerState

from kiosk.notifications.words import NOTHING, StrangeError, read
from kiosk.sale.events import Notified

BODY_MAX: Final = 16 * 1024
"""Bytes. Mercado Pago's have some hundred."""
HEAD_MAX: Final = 8 * 1024
PER_SECOND: Final = 100
"""Notifications taken in a second; a shop has some for each sale."""
CONNECTIONS_MAX: Final = 64
REQUEST_S: Final = 10.0
"""From the connection's beginning, or its last answer, until the next request must be whole."""
KEEP_S: Final = 5
"""How long a connection may stay without a request."""
GAP_S: Final = 0.1
NAMES_MAX: Final = 64
"""Rung through at once. The machine's queue holds no more either."""
TELL_S: Final = 60.0
"""So far apart are lines about refusals in the log."""

_TOO_MANY: Final = ((b"content-length", b"0"), (b"retry-after", b"1"))
_LINE: Final = re.compile(rb"POST /[!-~]* HTTP/1\.1")
_FIELD: Final = re.compile(rb"([A-Za-z-]+): ?([!-~](?:[ -~]*[!-~])?)")
_AFTERWARDS: Final = frozenset({b"connection", b"transfer-encoding"})
"""Fields that say how it goes on: for who reads it."""

Message = dict[str, Any]
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
"""ASGI's own; uvicorn's types for them are private."""


class Timer(Protocol):
    """What can be called off."""

    def cancel(self) -> None:
        """Call it off."""
        ...


Later = Callable[[float, Callable[[], None]], Timer]


class Desk:
    """Takes notifications. Used by the listener's thread alone, but for ``counts``, which anybody may read.

    ``post`` gets what is rung through; ``tell`` a line for the log now and then; ``paths``: those that exist; none: all
    do.
    """

    def __init__(
        self,
        post: Callable[[Notified], None],
        tell: Callable[[str], None],
        paths: Iterable[str] = (),
        later: Later | None = None,
    ) -> None:
        """``later`` as an event loop's ``call_later``; None: that of the loop it runs in."""
        self.later = later or (lambda seconds, call: asyncio.get_running_loop().call_later(seconds, call))
        self._post = post
        self._tell = tell
        self._paths = frozenset(paths)
        self.counts: Tally[str] = Tally()
        self._named: dict[tuple[str, str], None] = {}
        self._resting = False
        """Something was rung through less than ``GAP_S`` ago."""
        self._this_second = 0
        self._silent = False
        """A refusal was told less than ``TELL_S`` ago."""
        self._callers: dict[Caller, None] = {}

    # --- one request ------------------------------------------------------------------------------------------------

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        status = await self._status(scope, receive)
        headers = [*_TOO_MANY] if status == 429 else [(b"content-length", b"0")]
        if status == 405:
            headers.append((b"allow", b"POST"))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    async def _status(self, scope: Scope, receive: Receive) -> int:
        if self._is_too_much():
            return self.refuse(429)
        if scope["method"] != "POST":
            return self.refuse(405)
        if self._paths and scope["path"] not in self._paths:
            return self.refuse(404)
        body = await _whole(scope, receive)
        if body is None:
            return self.refuse(413)
        try:
            notified = read(scope["query_string"], body)
        except StrangeError:
            return self.refuse(400)
        self.counts["heard"] += 1
        if notified == NOTHING:
            self.counts["ignored"] += 1
        else:
            self._take(notified)
        return 200

    @property
    def full(self) -> bool:
        """Whatever else comes in this second is one too many."""
        return self._this_second >= PER_SECOND

    def _is_too_much(self) -> bool:
        if self.full:
            return True
        if not self._this_second:
            self.later(1.0, self._next_second)
        self._this_second += 1
        return False

    def _next_second(self) -> None:
        self._this_second = 0

    def refuse(self, status: int) -> int:
        """Count it, and say so now and then; answers the status."""
        self.counts[str(status)] += 1
        if not self._silent:
            self._silent = True
            self.later(TELL_S, self._speak_again)
            told = ", ".join(f"{self.counts[name]} with {name}" for name in sorted(self.counts) if name.isdigit())
            self._tell(f"what came as a notification was refused: {told} since the start")
        return status

    def broke(self, _loop: object, _context: object) -> None:
        """The event loop's own complaint about a connection, which it would write out whole: count it as well."""
        self.refuse(500)

    def _speak_again(self) -> None:
        self._silent = False

    # --- ringing it through -----------------------------------------------------------------------------------------

    def _take(self, notified: Notified) -> None:
        for kind in ("orders", "payments", "references"):
            for name in getattr(notified, kind):
                if len(self._named) < NAMES_MAX or (kind, name) in self._named:
                    self._named[kind, name] = None
                else:
                    self.counts["overflow"] += 1
        if not self._resting:
            self._ring()

    def _ring(self) -> None:
        self._resting = bool(self._named)
        if self._named:
            named, self._named = self._named, {}
            told = {kind: tuple(n for k, n in named if k == kind) for kind in ("orders", "payments", "references")}
            self._post(Notified(**told))
            self.later(GAP_S, self._ring)

    # --- connections ------------------------------------------------------------------------------------------------

    def came(self, caller: Caller) -> None:
        """One more is connected: the one that is silent for longest makes room."""
        if len(self._callers) >= CONNECTIONS_MAX:
            oldest = next(iter(self._callers))
            self.left(oldest)
            self.counts["pushed out"] += 1
            oldest.hang_up()
        self._callers[caller] = None

    def spoke(self, caller: Caller) -> None:
        """It was answered, and stays."""
        if self._callers.pop(caller, caller) is None:
            self._callers[caller] = None

    def left(self, caller: Caller) -> None:
        """It is gone."""
        self._callers.pop(caller, None)


async def _whole(scope: Scope, receive: Receive) -> bytes | None:
    """The request's body; None: it is too large, and the rest of it is not waited for."""
    length = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    if int(length) > BODY_MAX:  # h11 lets nothing but digits through
        return None
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if len(body) > BODY_MAX:
            return None
        if not message.get("more_body"):
            return body


def is_plain(data: bytes) -> bool:
    """Whether this is one whole request, and nothing after it, on a connection that stays; false where in doubt.

    What h11 reads otherwise must be false here: it is not read at all.
    """
    head, _, body = data.partition(b"\r\n\r\n")
    line, *lines = head.split(b"\r\n")
    found = [_FIELD.fullmatch(each) for each in lines]
    fields = [(match[1].lower(), match[2]) for match in found if match]
    names = [name for name, _ in fields]
    return (
        _LINE.fullmatch(line) is not None
        and len(fields) == len(lines)
        and names.count(b"host") == 1
        and _AFTERWARDS.isdisjoint(names)
        and [value for name, value in fields if name == b"content-length"] == [b"%d" % len(body)]
    )


def server_for(desk: Desk) -> Server:
    """The web server, as it is to be run."""
    return Server(
        Config(
            desk,
            http=Caller,
            ws="none",
            lifespan="off",
            interface="asgi3",
            proxy_headers=False,
            server_header=False,
            log_config=None,
            log_level="critical",  # whoever knows the address could fill the log
            access_log=False,
            timeout_keep_alive=KEEP_S,
            timeout_graceful_shutdown=1,
            h11_max_incomplete_event_size=HEAD_MAX,
        )
    )


class Caller(H11Protocol):
    """One connection, which must say something whole in time."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """As uvicorn makes it."""
        super().__init__(config, server_state, app_state, _loop)
        assert isinstance(self.app, Desk)
        self._desk = self.app
        self._late: Timer | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """It begins."""
        super().connection_made(transport)
        self._desk.came(self)
        self._begin_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self._stop_waiting()
        self._desk.left(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Something came."""
        if self._desk.full and self._is_idle() and is_plain(data):
            self._refuse_unread()
        else:
            super().data_received(data)

    def _is_idle(self) -> bool:
        """No request is under way, nor a part of one, and answers are taken."""
        conn = self.conn
        return conn.their_state is IDLE and conn.trailing_data == (b"", False) and not self.flow.write_paused

    def _refuse_unread(self) -> None:
        self._desk.refuse(429)
        headers = (*self.server_state.default_headers, *_TOO_MANY)
        fields = b"".join(b"%b: %b\r\n" % header for header in headers)
        self.transport.write(b"HTTP/1.1 429 Too Many Requests\r\n" + fields + b"\r\n")
        self._unset_keepalive_if_required()
        self._begin_waiting()
        self._desk.spoke(self)

    def on_response_complete(self) -> None:
        """A request was answered; the next one has its time."""
        self._begin_waiting()
        self._desk.spoke(self)
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """It is no HTTP."""
        self._desk.refuse(400)
        super().send_400_response(msg)

    def hang_up(self) -> None:
        """At once, whatever is under way."""
        self._stop_waiting()
        self.transport.abort()

    def _begin_waiting(self) -> None:
        self._stop_waiting()
        self._late = self._desk.later(REQUEST_S, self._is_late)

    def _stop_waiting(self) -> None:
        if self._late is not None:
            self._late.cancel()

    def _is_late(self) -> None:
        self._desk.counts["too slow"] += 1
        self.hang_up()
