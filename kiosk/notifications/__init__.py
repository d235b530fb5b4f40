"""Mercado Pago's notifications, where a shop can be reached: they make the kiosk look sooner, and nothing else.

A small web server (uvicorn) in a thread of its own, off by default. It says 200 at once and rings through what was
named; what that is, the loop asks Mercado Pago itself (``kiosk.sale.notices``). The library loads in that thread, and
only where it is used. A port that cannot be had, or a library that is missing, is told and costs no sale: the kiosk
looks by itself as it does without.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from kiosk.config.addresses import listen_address
from kiosk.sale.events import Notified

if TYPE_CHECKING:
    from uvicorn import Server

    from kiosk.notifications.desk import Desk

AGAIN_S: Final = 10.0
"""Between two tries to listen."""
JOIN_S: Final = 2.0
BACKLOG: Final = 64


class Listener:
    """Listens from ``start`` to ``close``, in a daemon thread. ``post`` and ``tell`` are called in it."""

    def __init__(
        self,
        listen: str,
        notification_url: str,
        post: Callable[[Notified], None],
        tell: Callable[[str], None],
        again_s: float = AGAIN_S,
    ) -> None:
        """``listen``: ``HOST:PORT``. The path is that of ``notification_url``, or ``/`` (what a proxy may make of it);
        where there is no address of ours, Mercado Pago's panel has one that we do not know, and any path will do."""
        self._listen = listen
        self._post = post
        self._tell = tell
        self._again_s = again_s
        self._paths = {"/", urlsplit(notification_url).path or "/"} if notification_url else set()
        self._desk: Desk | None = None
        self._server: Server | None = None
        self._why = "not yet"
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, thread: Callable[[str, Callable[[], None]], threading.Thread]) -> None:
        """Begin; ``thread`` starts one with a name, and tells the loop if it dies."""
        self._thread = thread("notifications", self._keep_listening)

    def close(self) -> None:
        """Stop listening; waits a bounded time."""
        self._ending.set()
        if self._server is not None:
            self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(JOIN_S)

    def facts(self) -> dict[str, object]:
        """Where it listens, why it does not (empty: it does), and what came so far, by what became of it."""
        counts = {} if self._desk is None else dict(self._desk.counts)
        return {"listen": self._listen, "why": self._why, **counts}

    def _keep_listening(self) -> None:
        told = ""
        while not self._ending.is_set():
            self._why = self._listen_once()
            if self._why and self._why != told:
                told = self._why
                self._tell(f"no notifications are heard at {self._listen}: {told}")
            self._ending.wait(self._again_s)

    def _listen_once(self) -> str:
        """Listen until the end; answers why that was not possible."""
        try:
            from kiosk.notifications.desk import Desk, server_for
        except ImportError as error:
            return f'{error}: install kiosk with its extra "notifications"'
        try:
            listener = _bound(self._listen)
        except OSError as error:
            return error.strerror or str(error)
        with listener:
            desk = self._desk = self._desk or Desk(self._post, self._tell, self._paths)
            self._server = server_for(desk)
            self._why = ""
            if not self._ending.is_set():
                asyncio.run(_serve(self._server, desk, listener))
        return "" if self._ending.is_set() else "the server ended"


async def _serve(server: Server, desk: Desk, listener: socket.socket) -> None:
    asyncio.get_running_loop().set_exception_handler(desk.broke)
    await server.serve(sockets=[listener])


def _bound(listen: str) -> socket.socket:
    """A socket that listens there.

    Raises:
        OSError: there is no such address, or the port is taken.
    """
    host, port = listen_address(listen)
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener
