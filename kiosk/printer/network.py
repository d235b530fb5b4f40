"""A printer on the network: raw bytes over TCP, port 9100 on most (printers call it "raw" or "JetDirect")."""

from __future__ import annotations

import errno
import fcntl
import socket
import struct
import termios
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, Final

from kiosk.ports import Clock
from kiosk.printer.transport import CHUNK, OPEN_S, PrinterError, Sleep, broken_by, wait_until
from kiosk.sale.events import Paper

LOOKUP_S: Final = 12.0
"""Limit for looking up a name: the system's resolver asks its second server after 5 s (resolv.conf(5))."""
# UnicodeError: a host that cannot be a name. OverflowError: a port that cannot be one.
_ERRORS: Final = (OSError, UnicodeError, OverflowError)

LookUp = Callable[..., list[Any]]
"""``socket.getaddrinfo``, or what takes its place in a test."""


class NetworkTransport:
    """One TCP connection.

    A printer should be configured by its address: looking up a name takes as long as the system's resolver likes, half
    a minute and more. It cannot be cut short, only be left behind.
    """

    chunk = CHUNK

    def __init__(
        self,
        host: str,
        port: int,
        clock: Clock,
        sleep: Sleep,
        *,
        look_up: LookUp = socket.getaddrinfo,
        lookup_s: float = LOOKUP_S,
    ) -> None:
        self._address = (host, port)
        self._clock = clock
        self._sleep = sleep
        self._look_up = look_up
        self._lookup_s = lookup_s
        self._socket: socket.socket | None = None

    def open(self) -> None:
        """Connect, within ``OPEN_S`` for all addresses together, after at most ``LOOKUP_S`` for finding them."""
        with broken_by(*_ERRORS):
            addresses = self._addresses()
            until = self._clock() + OPEN_S
            error: OSError = TimeoutError("timed out")
            for family, kind, protocol, _, address in addresses:
                try:
                    self._socket = _connected(family, kind, protocol, address, until - self._clock())
                    return
                except OSError as refused:
                    error = refused
            raise error

    def _addresses(self) -> list[Any]:
        """Where the printer is. A name is looked up in a thread that is left behind when it takes too long."""
        with suppress(socket.gaierror):  # It is a name, then.
            return socket.getaddrinfo(*self._address, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        found = SimpleQueue[list[Any] | Exception]()

        def look_up() -> None:
            try:
                found.put(self._look_up(*self._address, type=socket.SOCK_STREAM))
            except _ERRORS as error:
                found.put(error)

        threading.Thread(target=look_up, name="printer's name", daemon=True).start()
        try:
            answer = found.get(timeout=self._lookup_s)
        except Empty:
            raise TimeoutError(f"the name {self._address[0]} cannot be looked up") from None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def write(self, chunk: bytes, within_s: float) -> int:
        """Bytes that the kernel took; the printer has them when ``flushed`` says so."""
        connection = self._open_socket(within_s)
        with broken_by(OSError):
            try:
                return connection.send(chunk)
            except (TimeoutError, BlockingIOError) as slow:
                _reraise_if_dead(slow)
                return 0

    def flushed(self, within_s: float) -> bool:
        """Whether the printer's network stack has confirmed every byte.

        ``SIOCOUTQ`` (tcp(7)) counts what was sent and not acknowledged. A printer that lost its power after the
        connection was made takes nothing, but the kernel's buffer takes a whole ticket; only this tells.
        """
        connection = self._open_socket(within_s)

        def acknowledged() -> bool:
            # On a socket TIOCOUTQ is SIOCOUTQ: one number, two names.
            return struct.unpack("i", fcntl.ioctl(connection, termios.TIOCOUTQ, bytes(4))) == (0,)

        with broken_by(OSError):
            return wait_until(acknowledged, within_s, self._clock, self._sleep)

    def read(self, limit: int, within_s: float) -> bytes:
        """What the printer says; the end of the connection is an error."""
        connection = self._open_socket(within_s)
        with broken_by(OSError):
            try:
                heard = connection.recv(limit)
            except (TimeoutError, BlockingIOError) as slow:
                _reraise_if_dead(slow)
                return b""
        if not heard:
            raise PrinterError(Paper.GONE, "the printer closed the connection")
        return heard

    def close(self) -> None:
        """Close in order. An answer left unread would make the kernel reset the connection, and the printer's stack
        may then throw away what it has not printed yet; so our side is ended first, and what is there is read."""
        if self._socket is None:
            return
        with suppress(OSError):
            self._socket.setblocking(False)
            self._socket.shutdown(socket.SHUT_WR)
            self._socket.recv(CHUNK)
        self._socket.close()
        self._socket = None

    def _open_socket(self, within_s: float) -> socket.socket:
        if self._socket is None:
            raise PrinterError(Paper.GONE, "not connected")
        self._socket.settimeout(within_s)
        return self._socket


def _connected(family: int, kind: int, protocol: int, address: Any, within_s: float) -> socket.socket:
    if within_s <= 0:
        raise TimeoutError("timed out")
    connection = socket.socket(family, kind, protocol)
    try:
        connection.settimeout(within_s)
        connection.connect(address)
        # Status requests are three bytes: without this they would wait for the answer to the bytes before them.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError:
        connection.close()
        raise
    return connection


def _reraise_if_dead(error: OSError) -> None:
    # Python raises TimeoutError for its own limit, without a number, and for the kernel's verdict that the connection
    # is dead (ETIMEDOUT after many unanswered packets). Only the first is mere slowness.
    if error.errno == errno.ETIMEDOUT:
        raise error
