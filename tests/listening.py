"""A real listener on a free port, in its own thread, and what it takes to send it things."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from time import monotonic, sleep
from typing import Final

from kiosk.notifications import Listener
from kiosk.sale.events import Notified

URL: Final = "https://shop.example/notices?key=1"
PATIENCE_S: Final = 20.0


class Heard:
    """A listener, what it rang through, and what it had to tell."""

    def __init__(self, listen: str, url: str = URL, post: Callable[[Notified], None] | None = None) -> None:
        self.posted: SimpleQueue[Notified] = SimpleQueue()
        self.told: list[str] = []
        self.listener = Listener(listen, url, post or self.posted.put, self.told.append, again_s=0.02)
        self.address = listen
        self._clients: list[http.client.HTTPConnection] = []

    def client(self) -> http.client.HTTPConnection:
        """A connection to it."""
        self._clients.append(http.client.HTTPConnection(*self.place, timeout=PATIENCE_S))
        return self._clients[-1]

    @property
    def place(self) -> tuple[str, int]:
        """Its host and port."""
        host, _, port = self.address.rpartition(":")
        return host, int(port)

    def close(self) -> None:
        """All connections, and it."""
        for client in self._clients:
            client.close()
        self.listener.close()

    def fact(self, name: str) -> object:
        """One of its facts."""
        return self.listener.facts().get(name)

    def until(self, holds: Callable[[], bool]) -> None:
        """Look again and again, a bounded time, until it holds."""
        until = monotonic() + PATIENCE_S
        while not holds():
            assert monotonic() < until, (self.listener.facts(), self.told)
            sleep(0.01)


def free_port() -> int:
    """A port that nobody has at this moment."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def in_thread(name: str, body: Callable[[], None]) -> threading.Thread:
    """As the worker's ``start``."""
    thread = threading.Thread(target=body, name=name, daemon=True)
    thread.start()
    return thread


@contextmanager
def listening(url: str = URL, post: Callable[[Notified], None] | None = None) -> Iterator[Heard]:
    """One that listens."""
    heard = Heard(f"127.0.0.1:{free_port()}", url, post)
    heard.listener.start(in_thread)
    try:
        heard.until(lambda: heard.fact("why") == "")
        yield heard
    finally:
        heard.close()


def post(client: http.client.HTTPConnection, query: str = "", body: bytes = b"", path: str = "/notices") -> int:
    """POST; answers the status."""
    client.request("POST", f"{path}?{query}" if query else path, body)
    with client.getresponse() as answer:
        answer.read()
        return answer.status
