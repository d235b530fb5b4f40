"""A server on loopback that plays what it is told, byte by byte: cut bodies, slow bytes, resets, nonsense."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

Play: TypeAlias = bytes | Callable[[socket.socket], None]
"""What to send in answer to one request, or what to do with its connection."""

CERTIFICATES = Path(__file__).parent / "certificates"
DATE = "Sun, 04 May 2031 18:20:00 GMT"
DATE_S = 1935685200.0


class FakeClock:
    """Time that passes when it is told to, and knows how often it was asked."""

    def __init__(self) -> None:
        self.now = self.seen = 1000.0
        """What it is, and what it was when it was last asked: a server that drips may be a byte ahead of the kiosk."""
        self._asked = 0
        self._over = False
        self._changed = threading.Condition()

    def __call__(self) -> float:
        with self._changed:
            self._asked += 1
            self._changed.notify_all()
            self.seen = self.now
            return self.now

    def advance(self, seconds: float) -> None:
        with self._changed:
            self.now += seconds

    def over(self) -> None:
        """Nobody will ask it again: let those go who wait for it."""
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def begin(self) -> None:
        """From now on somebody asks again."""
        with self._changed:
            self._over = False

    def trickle(self, data: bytes, slow: slice, seconds: float) -> Play:
        """An answer of which each byte in ``slow`` takes so long, and waits until the kiosk looked at the clock."""

        def play(connection: socket.socket) -> None:
            start, stop, _ = slow.indices(len(data))
            connection.sendall(data[:start])
            for position in range(start, stop):
                self.advance(seconds)
                asked = self._asked
                connection.sendall(data[position : position + 1])
                with self._changed:
                    assert self._changed.wait_for(lambda: self._over or self._asked > asked, 5)  # noqa: B023
                    if self._over:
                        return
            connection.sendall(data[stop:])

        return play


@dataclass(frozen=True, slots=True)
class Heard:
    """A request as it came over the wire."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


def answer(status: int, body: object = None, **headers: str) -> bytes:
    """An HTTP answer; ``body`` is JSON unless it is bytes, None for none. ``_`` in a header's name stands for ``-``."""
    content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    head = {"Date": DATE, "x-request-id": "trace-1"} | {name.replace("_", "-"): text for name, text in headers.items()}
    if status >= 200 and status != 204:
        head["Content-Length"] = str(len(content))
    lines = "".join(f"{name}: {text}\r\n" for name, text in head.items())
    return f"HTTP/1.1 {status} Whatever\r\n{lines}\r\n".encode() + content


def reset(connection: socket.socket) -> None:
    """Tear the connection down as a router does that lost it."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def hang_up(connection: socket.socket) -> None:
    """Close it without a word."""
    connection.close()


class ScriptedServer:
    """One connection at a time; each request takes the next play."""

    def __init__(self, certificate: str = "") -> None:
        self.plays: deque[Play] = deque()
        self.otherwise: Callable[[Heard], Play] | None = None
        """What to do where no play is left; None: hang up."""
        self.requests: list[Heard] = []
        self.connections = 0
        self.hung_up = threading.Event()
        """The connection in hand was closed by the server."""
        self._tls = _server_tls(CERTIFICATES / f"{certificate}.pem") if certificate else None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._connection: socket.socket | None = None
        self._thread = threading.Thread(target=self._run, name="scripted server")
        self._thread.start()

    def play(self, *plays: Play) -> None:
        self.plays.extend(plays)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        connection = self._connection
        if connection is not None:
            with contextlib.suppress(OSError):  # it may be closed already
                connection.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        assert not self._thread.is_alive()
        self._listener.close()

    def _run(self) -> None:
        while True:
            try:
                accepted, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            try:
                with self._tls.wrap_socket(accepted, server_side=True) if self._tls else accepted as connection:
                    self._connection = connection
                    self._serve(connection)
            except OSError:
                accepted.close()  # the client went away, or did not like the certificate
            self.hung_up.set()

    def _serve(self, connection: socket.socket) -> None:
        received = b""
        while True:
            while b"\r\n\r\n" not in received:
                more = connection.recv(65536)
                if not more:
                    return
                received += more
            head, received = received.split(b"\r\n\r\n", 1)
            lines = head.decode("latin-1").split("\r\n")
            headers = {name.lower(): text for name, text in (line.split(": ", 1) for line in lines[1:])}
            length = int(headers.get("content-length", "0"))
            while len(received) < length:
                received += connection.recv(65536)
            method, target, _ = lines[0].split(" ")
            self.requests.append(Heard(method, target, headers, received[:length]))
            received = received[length:]
            if self.plays:
                play = self.plays.popleft()
            elif self.otherwise:
                play = self.otherwise(self.requests[-1])
            else:
                return
            if isinstance(play, bytes):
                connection.sendall(play)
            else:
                play(connection)
            if connection.fileno() < 0:
                return


def _server_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context
