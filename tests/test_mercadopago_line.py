"""The line under the client: one deadline for everything, the addresses taken in turns, and a name for each failure."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable, Iterator
from typing import Any

import httpcore
import pytest

from kiosk.mercadopago.line import FAILURES, Line, trouble_of, words_of
from kiosk.sale.events import Trouble
from tests.scripted_server import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def line(clock: FakeClock) -> Line:
    made = Line(clock)
    made.until = clock.now + 10
    return made


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


def port_of(listener: socket.socket) -> int:
    port: int = listener.getsockname()[1]
    return port


def failing(line: Line, host: str, port: int, tls: ssl.SSLContext | None = None, **headers: str) -> Exception:
    """What a GET through httpcore's own pool fails with."""
    scheme = "https" if tls else "http"
    with httpcore.ConnectionPool(ssl_context=tls, network_backend=line) as pool:
        try:
            pool.request(
                "GET",
                httpcore.URL(scheme=scheme.encode(), host=host.encode(), port=port, target=b"/"),
                headers=[("Host", "x"), *headers.items()],
                extensions={"timeout": dict.fromkeys(("connect", "read", "write", "pool"), 5.0)},
            )
        except FAILURES as failure:
            return failure
    raise AssertionError("it did not fail")


# --- the deadline ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("timeout", "passed", "limit"), [(None, 0, 10), (3, 0, 3), (3, 9, 1), (None, 9, 1)])
def test_an_operation_gets_what_is_left(
    clock: FakeClock, line: Line, timeout: float | None, passed: float, limit: float
) -> None:
    clock.advance(passed)
    assert line.limit(timeout) == limit


def test_nothing_leaves_after_the_deadline(clock: FakeClock, line: Line, listener: socket.socket) -> None:
    """The name took its time, or the connect: the request that nobody expects any more is not written."""
    stream = line.connect_tcp("127.0.0.1", port_of(listener))
    connection, _ = listener.accept()
    stream.write(b"in time")
    clock.advance(10)
    with pytest.raises(httpcore.TimeoutException, match="the time is up"):
        stream.write(b"late", timeout=1)
    with pytest.raises(httpcore.TimeoutException, match="the time is up"):
        stream.read(1, timeout=1)
    stream.close()
    with connection:
        assert connection.recv(100) == b"in time"
        assert connection.recv(100) == b""


def test_no_handshake_begins_after_the_deadline(clock: FakeClock, line: Line, listener: socket.socket) -> None:
    """And the connection, which nobody owns yet, is closed."""
    stream = line.connect_tcp("127.0.0.1", port_of(listener))
    clock.advance(10)
    with pytest.raises(httpcore.TimeoutException, match="the time is up"):
        stream.start_tls(ssl.create_default_context(), "localhost", timeout=1)
    connection, _ = listener.accept()
    connection.settimeout(1)
    with connection:
        assert connection.recv(100) == b""


def test_no_connection_is_opened_after_the_deadline(clock: FakeClock, line: Line, listener: socket.socket) -> None:
    clock.advance(10)
    with pytest.raises(httpcore.TimeoutException):
        line.connect_tcp("127.0.0.1", port_of(listener))


def test_a_name_that_took_too_long_opens_nothing(
    clock: FakeClock, line: Line, listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Resolving is the one wait that nobody can cut short."""
    real = socket.getaddrinfo

    def getaddrinfo(*asked: Any, **more: Any) -> list[Any]:
        clock.advance(30)
        return list(real(*asked, **more))

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    assert trouble_of(failing(line, "127.0.0.1", port_of(listener)), heard=False) is Trouble.SLOW
    listener.setblocking(False)
    with pytest.raises(BlockingIOError):
        listener.accept()


def test_silence_ends_with_the_deadline(clock: FakeClock, line: Line, listener: socket.socket) -> None:
    """A real wait, of the hundredth of a second that is left."""
    clock.advance(9.99)
    assert trouble_of(failing(line, "127.0.0.1", port_of(listener)), heard=False) is Trouble.SLOW


def test_it_knows_whether_something_was_heard(line: Line, listener: socket.socket) -> None:
    stream = line.connect_tcp("127.0.0.1", port_of(listener))
    connection, _ = listener.accept()
    with connection:
        before = line.heard
        connection.sendall(b"x")
        assert stream.read(100) == b"x"
        assert (before, line.heard) == (False, True)
    line.heard = False
    assert stream.read(100) == b""
    after = line.heard
    assert not after
    stream.close()


def test_what_comes_after_an_answer_is_kept_apart(line: Line, listener: socket.socket) -> None:
    """It is given only to who asks for more; until then the connection looks as if it were closed."""
    stream = line.connect_tcp("127.0.0.1", port_of(listener))
    connection, _ = listener.accept()
    with connection:
        connection.sendall(b"HTTP/1.1 204 No\r\n\r\nHTTP/1.1 404 No\r\n\r\n")
        assert stream.read(100) == b"HTTP/1.1 204 No\r\n\r\n"
        assert stream.get_extra_info("is_readable") is True
        assert stream.read(100) == b"HTTP/1.1 404 No\r\n\r\n"
        assert stream.get_extra_info("is_readable") is False
        connection.sendall(b'{"text": "HTTP/"}')
        assert stream.read(100) + stream.read(100) == b'{"text": "HTTP/"}'
    stream.close()


# --- addresses ------------------------------------------------------------------------------------------------------


class Deaf(httpcore.NetworkBackend):
    """Sockets that note what is tried, take all the time they get, and reach nobody."""

    def __init__(self, clock: FakeClock, failure: Exception) -> None:
        self.tries: list[tuple[str, float | None]] = []
        self._clock = clock
        self._failure = failure

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        self.tries.append((host, timeout))
        self._clock.advance(timeout or 0)
        raise self._failure


def resolver(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """A name server that knows one name; addresses are taken as they are."""
    real = socket.getaddrinfo

    def getaddrinfo(host: str, port: int, *others: int, **more: int) -> list[Any]:
        if host != "provider":
            return list(real(host, port, *others, **more))
        return [each for address in addresses for each in real(address, port, *others, **more)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def test_the_families_take_turns_and_none_gets_all_the_time(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """An IPv6 that leads nowhere does not keep the kiosk from an IPv4 that works."""
    resolver(monkeypatch, "::1", "::2", "::3", "127.0.0.1", "127.0.0.2")
    deaf = Deaf(clock, httpcore.ConnectTimeout())
    line = Line(clock, deaf)
    line.until = clock.now + 16
    with pytest.raises(httpcore.ConnectTimeout):
        line.connect_tcp("provider", 443, timeout=4)
    assert deaf.tries == [("::1", 4), ("127.0.0.1", 4), ("::2", 4), ("127.0.0.2", 2), ("::3", 1)]


def test_an_address_that_refuses_is_not_the_last(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        resolver(monkeypatch, "127.0.0.2", "127.0.0.1")
        line.connect_tcp("provider", port_of(listener)).close()
        listener.accept()[0].close()


def test_the_last_refusal_is_told(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = port_of(gone)
    resolver(monkeypatch, "127.0.0.2", "127.0.0.1")
    with pytest.raises(httpcore.ConnectError, match="refused"):
        line.connect_tcp("provider", port)


def test_a_name_without_an_address_is_an_error(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    resolver(monkeypatch)
    with pytest.raises(httpcore.ConnectError):
        line.connect_tcp("provider", 443)


# --- what went wrong ------------------------------------------------------------------------------------------------


def test_a_name_that_does_not_resolve(line: Line) -> None:
    """Of an interface that does not exist: the resolver says no without asking anybody."""
    failure = failing(line, "fe80::1%nowhere0", 443)
    assert trouble_of(failure, heard=False) is Trouble.NAME


def test_a_port_that_refuses(line: Line) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = port_of(gone)
    failure = failing(line, "127.0.0.1", port)
    assert trouble_of(failure, heard=False) is Trouble.NETWORK
    assert "refused" in words_of(failure)


def wrapped(cause: BaseException) -> Exception:
    """As it comes out of the pool: mapped, then raised again ``from None``."""
    try:
        try:
            try:
                raise cause
            except BaseException as error:
                raise httpcore.ConnectError(error) from error
        except httpcore.ConnectError as error:
            raise error from None
    except httpcore.ConnectError as error:
        return error


def certificate_error(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code = code
    return error


@pytest.mark.parametrize(
    ("cause", "trouble"),
    [
        (certificate_error(9), Trouble.CLOCK),
        (certificate_error(10), Trouble.CLOCK),
        (certificate_error(18), Trouble.TLS),
        (ssl.SSLError(1, "wrong version number"), Trouble.TLS),
        (ssl.SSLEOFError(8, "EOF"), Trouble.NETWORK),
        (socket.gaierror(-3, "Temporary failure in name resolution"), Trouble.NAME),
        (TimeoutError("timed out"), Trouble.SLOW),
        (ConnectionResetError(104, "reset"), Trouble.NETWORK),
        (OSError(101, "Network is unreachable"), Trouble.NETWORK),
    ],
)
def test_the_cause_beneath_the_wrapping_counts(cause: Exception, trouble: Trouble) -> None:
    assert trouble_of(wrapped(cause), heard=False) is trouble
    assert words_of(wrapped(cause)) == str(cause)


@pytest.mark.parametrize(
    ("failure", "heard", "trouble"),
    [
        (httpcore.PoolTimeout(), False, Trouble.SLOW),
        (httpcore.RemoteProtocolError("illegal status line"), True, Trouble.NONSENSE),
        (httpcore.RemoteProtocolError("disconnected"), False, Trouble.NETWORK),
        (httpcore.ReadError(), True, Trouble.NETWORK),
        (UnicodeError("label too long"), False, Trouble.NONSENSE),
    ],
)
def test_what_the_library_itself_says(failure: Exception, heard: bool, trouble: Trouble) -> None:
    assert trouble_of(failure, heard) is trouble
    assert words_of(failure) == type(failure).__name__


def test_a_refused_header_is_not_quoted(line: Line, listener: socket.socket) -> None:
    """h11 puts the header's value into its error; ours would be the token (law L10)."""
    failure = failing(line, "127.0.0.1", port_of(listener), Authorization="Bearer secret\n")
    assert "secret" in str(failure)
    assert "secret" not in words_of(failure)


def test_every_error_of_the_library_is_listed() -> None:
    exported = [getattr(httpcore, name) for name in httpcore.__all__]
    errors = [each for each in exported if isinstance(each, type) and issubclass(each, Exception)]
    assert len(errors) > 10
    # The pool keeps the first to itself; the second needs a proxy.
    unlisted = [each for each in errors if not issubclass(each, FAILURES)]
    assert unlisted == [httpcore.ConnectionNotAvailable, httpcore.ProxyError]
