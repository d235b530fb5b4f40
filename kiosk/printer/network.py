"""A printer on the network: raw bytes over TCP, port 9100 on most (printers call it "raw" or "JetDirect")."""

from __future__ import annotations

import errno
import fcntl
import socket
import struct
import termios
from contextlib import suppress

from kiosk.ports import Clock
from kiosk.printer.transport import CHUNK, OPEN_S, PrinterError, Sleep, broken_by, wait_until
from kiosk.sale.events import Paper


class NetworkTransport:
    """One TCP connection.

    A printer should be configured by its address: looking up a name takes as long as the system's resolver allows
    (``resolv.conf``), and no limit of ours can shorten it.
    """

    chunk = CHUNK

    def __init__(self, host: str, port: int, clock: Clock, sleep: Sleep) -> None:
        self._address = (host, port)
        self._clock = clock
        self._sleep = sleep
        self._socket: socket.socket | None = None

    def open(self) -> None:
        """Connect. ``UnicodeError`` is a host that cannot be a name, ``OverflowError`` a port that cannot be one."""
        with broken_by(OSError, UnicodeError, OverflowError):
            self._socket = socket.create_connection(self._address, OPEN_S)
            # Status requests are three bytes: without this they would wait for the answer to the bytes before them.
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

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


def _reraise_if_dead(error: OSError) -> None:
    # Python raises TimeoutError for its own limit, without a number, and for the kernel's verdict that the connection
    # is dead (ETIMEDOUT after many unanswered packets). Only the first is mere slowness.
    if error.errno == errno.ETIMEDOUT:
        raise error
