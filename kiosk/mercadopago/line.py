"""The network under the Mercado Pago client: one deadline for all that happens on it, and a name for what went wrong.

httpx limits each socket operation, never the whole: a server that sends one byte now and then, in the head of its
answer too, holds a request for ever. So the limit stands where the waiting is done. ``Line`` is httpcore's extension
point for that, a network backend (https://www.encode.io/httpcore/network-backends/): every connect, handshake, read
and write gets what is left until one moment. Two things follow. A lane is never held longer than its call allows; and
not a byte of a request leaves after that moment, when nobody expects it any more. What no socket time-out can limit is
the resolving of the name (``getaddrinfo``): it may return late, but then nothing is sent.

An answer that comes twice must not answer the next request: a repeated 204 to a PUT would say of the DELETE after it
that the order is gone. The library keeps what it was given beyond the end of an answer, and begins the next one with
it. So what looks like the beginning of a second answer is given to it only when it asks for more; while such a piece is
still here, the connection counts as closed by the other side, and is not used again. (A repetition that arrives while
the next request is already under way cannot be told from its answer: HTTP/1.1 has no name for what it answers.)
"""

from __future__ import annotations

import itertools
import re
import socket
import ssl
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, Final

import httpcore

from kiosk.ports import Clock
from kiosk.sale.events import Trouble

_CERT_NOT_YET_VALID: Final = 9
_CERT_HAS_EXPIRED: Final = 10
# The two codes: X509_V_ERR_CERT_* in OpenSSL's x509_vfy.h, which ``ssl`` passes on as ``verify_code``.

_ANSWER_BEGINS: Final = re.compile(rb"(?=HTTP/)")
"""An empty match before each. The words may stand in a body, too: that only makes two pieces of it."""

FAILURES: Final = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.UnsupportedProtocol,
    OSError,
    UnicodeError,  # a host name that cannot be encoded, in a redirect for instance
)
"""All that may come out of a request below httpx (httpcore's exceptions have no common base)."""


class Line(httpcore.NetworkBackend):
    """Opens connections whose every operation ends by ``until``. Used by one thread, for one request at a time."""

    def __init__(self, clock: Clock, sockets: httpcore.NetworkBackend | None = None) -> None:
        """``sockets`` opens the connections; None: the operating system."""
        self._clock = clock
        self._sockets = sockets or httpcore.SyncBackend()
        self.until = clock()
        """The moment, by ``clock``, by which the request in hand must be over."""
        self.heard = False
        """A byte of an answer came since it was last set to False."""

    def limit(self, timeout: float | None) -> float:
        """Seconds that one operation may take: ``timeout``, but never beyond the deadline.

        Raises:
            httpcore.TimeoutException: the deadline has passed.
        """
        left = self.until - self._clock()
        if left <= 0:
            raise httpcore.TimeoutException("the time is up")
        return left if timeout is None else min(timeout, left)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of the host that takes the call.

        Each address gets at most half of the time left, and both families take turns: many shops have an IPv6 that
        leads nowhere, and the standard library's ``create_connection`` would spend the whole time on it, every time.
        """
        failure: Exception = httpcore.ConnectError("the name has no address")
        for address in _addresses(host, port):
            limit = min(self.limit(timeout), self.limit(None) / 2)
            try:
                stream = self._sockets.connect_tcp(address, port, limit, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _Stream(stream, self)
        raise failure


class _Stream(httpcore.NetworkStream):
    """A connection that keeps the line's deadline."""

    def __init__(self, stream: httpcore.NetworkStream, line: Line) -> None:
        self._stream = stream
        self._line = line
        self._held: deque[bytes] = deque()
        """What came and was not asked for yet."""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """What came, but never more than one answer of it; empty at the end."""
        limit = self._line.limit(timeout)
        if not self._held:
            self._held.extend(filter(None, _ANSWER_BEGINS.split(self._stream.read(max_bytes, limit))))
        self._line.heard = self._line.heard or bool(self._held)
        return self._held.popleft() if self._held else b""

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._line.limit(timeout))

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        try:
            limit = self._line.limit(timeout)
        except httpcore.TimeoutException:
            self.close()  # httpcore does not own the connection yet
            raise
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, limit), self._line)

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:
        """``is_readable`` above all: by it httpcore drops an idle connection that was closed, or said too much."""
        return (info == "is_readable" and bool(self._held)) or self._stream.get_extra_info(info)


def _addresses(host: str, port: int) -> list[str]:
    """The host's addresses in the resolver's order, the families taking turns.

    Raises:
        OSError: the name could not be resolved (``socket.gaierror``).
        UnicodeError: it is no possible name.
    """
    families: dict[int, list[str]] = {}
    for family, _, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        families.setdefault(family, []).append(str(address[0]))
    turns = itertools.zip_longest(*families.values())
    return [address for turn in turns for address in turn if address is not None]


def trouble_of(failure: BaseException, heard: bool) -> Trouble:
    """What a failed request means for the shop.

    ``heard``: part of an answer came. Whoever spoke and broke the protocol, spoke nonsense; silence is the network.
    """
    for cause in _causes(failure):
        match cause:
            case socket.gaierror():
                return Trouble.NAME
            case ssl.SSLCertVerificationError():
                # A certificate of another time: far more often a Pi without a battery clock than a provider that
                # forgot to renew. Both are for the technician, and the word sends him to the likelier one.
                wrong_time = cause.verify_code in (_CERT_NOT_YET_VALID, _CERT_HAS_EXPIRED)
                return Trouble.CLOCK if wrong_time else Trouble.TLS
            case ssl.SSLEOFError() | ssl.SSLZeroReturnError():
                return Trouble.NETWORK
            case ssl.SSLError():
                return Trouble.TLS
            case TimeoutError() | httpcore.TimeoutException():
                return Trouble.SLOW
    if isinstance(failure, (OSError, httpcore.NetworkError)):
        return Trouble.NETWORK
    if isinstance(failure, httpcore.ProtocolError) and not heard:
        return Trouble.NETWORK
    return Trouble.NONSENSE


def words_of(failure: BaseException) -> str:
    """What the operating system, or TLS, said about it; the class's name where neither spoke.

    Not the libraries' own texts: h11 quotes a header that it refuses, and one of ours holds the token (law L10).
    """
    for cause in _causes(failure):
        if isinstance(cause, OSError) and str(cause):
            return str(cause)
    return type(failure).__name__


def _causes(failure: BaseException) -> Iterator[BaseException]:
    """The failure and what led to it. httpcore raises again ``from None``, so the context must be asked, too."""
    cause: BaseException | None = failure
    for _ in range(10):  # a bound, since contexts are not ours
        if cause is None:
            return
        yield cause
        cause = cause.__cause__ or cause.__context__
