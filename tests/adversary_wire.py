"""The adversary at the wire: time, connections, framing, and JSON that is none. See ``adversary`` for the words."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import pytest

from kiosk.mercadopago.wire import BODY_MAX
from kiosk.sale.events import Removal, Trouble
from tests.adversary import HELD, NO_ORDER, RIGHT, Bad, Misbehaviour, Right, every, right, says
from tests.scripted_server import CERTIFICATES, DATE, DATE_S, FakeClock, Play, ScriptedServer, answer, hang_up, reset

_NONSENSE: Final = every(Trouble.NONSENSE)
_NETWORK: Final = every(Trouble.NETWORK)
_SLOW: Final = every(Trouble.SLOW)
_WELL: Final = every("", **RIGHT)
_ENDLESS: Final = 1 << 16


def _bytes(change: Callable[[bytes], bytes]) -> Bad:
    """The right answer, with its bytes changed."""
    return lambda right, clock: change(right.bytes())


def _body(change: Callable[[bytes], bytes], **headers: str) -> Bad:
    """The right answer, with a body in any case, and that changed."""
    return lambda right, clock: answer(200, change(right.spoken().body), **headers)


def _then_closed(change: Callable[[bytes], bytes]) -> Bad:
    def bad(right: Right, clock: FakeClock) -> Play:
        def play(connection: socket.socket) -> None:
            # The answer and the end in one piece, so that whoever has read the one can see the other.
            connection.sendall(change(right.spoken().bytes()), socket.MSG_MORE)
            connection.close()

        return play

    return bad


def _then_reset(change: Callable[[bytes], bytes]) -> Bad:
    def bad(right: Right, clock: FakeClock) -> Play:
        def play(connection: socket.socket) -> None:
            connection.sendall(change(right.spoken().bytes()))
            reset(connection)

        return play

    return bad


def _slowly(part: slice, seconds: float, data: bytes = b"") -> Bad:
    """So many seconds for each byte of that part; no socket ever waits for long."""
    return lambda right, clock: clock.trickle(data or right.spoken().bytes(), part, seconds)


def _chunked(*chunks: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nDate: {DATE}\r\nx-request-id: trace-1\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head.encode() + b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)


def _in_chunks(right: Right, clock: FakeClock) -> Play:
    body = right.spoken().body
    return _chunked(body[:1], body[1:], b"") if body[1:] else _chunked(body, b"")


def _with_trailer(right: Right, clock: FakeClock) -> Play:
    return _chunked(right.spoken().body, b"").removesuffix(b"\r\n") + b"X-Trailer: x\r\n\r\n"


def _raw(text: str) -> Bad:
    data = text.encode("latin-1")
    return lambda right, clock: data


TIME: Final = (
    Misbehaviour("a head that drips", "wire", _slowly(slice(0, 40), 1.0), _SLOW, spends_s=11.0),
    Misbehaviour("a body that drips", "wire", _slowly(slice(-20, None), 1.0), _SLOW, spends_s=11.0),
    Misbehaviour("a head that drips in time", "wire", _slowly(slice(0, 40), 0.1), _WELL, spends_s=9.0),
    Misbehaviour(
        "go on, go on, go on",
        "wire",
        _slowly(slice(0, None), 0.02, b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
        _SLOW,
        spends_s=10.1,
    ),
)

CONNECTIONS: Final = (
    Misbehaviour("it hangs up", "wire", lambda right, clock: hang_up, _NETWORK),
    Misbehaviour("it resets", "wire", lambda right, clock: reset, _NETWORK),
    Misbehaviour("the head is cut", "wire", _then_closed(lambda data: data[:30]), _NONSENSE),
    Misbehaviour("less than its Content-Length", "wire", _then_closed(lambda data: data[:-1]), _NONSENSE),
    Misbehaviour(
        "a chunk that is cut",
        "wire",
        _then_closed(lambda data: _chunked(b"[]", b"")[:-6]),
        _NONSENSE,
    ),
    Misbehaviour("reset within the answer", "wire", _then_reset(lambda data: data[:30]), _NETWORK),
    Misbehaviour("closed after the answer", "wire", _then_closed(lambda data: data), _WELL),
    Misbehaviour("it says that it closes", "wire", lambda right, clock: right.bytes(Connection="close"), _WELL),
    Misbehaviour("the answer comes twice", "wire", _bytes(lambda data: data + data), _WELL),
    Misbehaviour("another answer comes along", "wire", _bytes(lambda data: data + answer(404, NO_ORDER)), _WELL),
    Misbehaviour(
        "a little more than its Content-Length",
        "wire",
        lambda right, clock: right.spoken().bytes() + b"}}",
        {call: said for call, said in RIGHT.items() if call not in ("look", "account", "refunds")},  # these ask twice
        then=Trouble.NONSENSE,
    ),
)

HEADERS: Final = (
    Misbehaviour("JSON called HTML", "wire", _body(bytes, Content_Type="text/html"), _WELL),
    Misbehaviour("JSON called nothing", "wire", _body(bytes, Content_Type=""), _WELL),
    Misbehaviour("JSON called Latin", "wire", _body(bytes, Content_Type="application/json; charset=latin-1"), _WELL),
    Misbehaviour("JSON in UTF-16", "wire", _body(lambda body: body.decode().encode("utf-16")), _WELL),
    Misbehaviour("JSON with a byte order mark", "wire", _body(lambda body: b"\xef\xbb\xbf" + body), _WELL),
    Misbehaviour("in chunks", "wire", _in_chunks, _WELL),
    Misbehaviour("in chunks, with headers after them", "wire", _with_trailer, _WELL),
    Misbehaviour("by an older protocol", "wire", _bytes(lambda data: data.replace(b"HTTP/1.1", b"HTTP/1.0")), _WELL),
    Misbehaviour("early hints", "wire", _bytes(lambda data: b"HTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" + data), _WELL),
    Misbehaviour(
        "no id of the request", "1", _bytes(lambda data: data.replace(b"x-request-id", b"x")), _WELL, trace=""
    ),
    Misbehaviour("no Date", "8.1", _bytes(lambda data: data.replace(b"Date:", b"X:")), _WELL, date=None),
    *(
        Misbehaviour(f"Date: {text}", "8.1", lambda right, clock, text=text: right.bytes(Date=text), _WELL, date=date)  # type: ignore[misc]
        for text, date in (
            ("Thu, 01 Jan 1970 00:00:00 GMT", None),
            ("Tue, 01 Jan 2999 00:00:00 GMT", None),
            ("now", None),
            ("", None),
            ("Sun, 99 May 2031 18:20:00 GMT", None),
            ("Sun, 04 May 2031 15:20:00 -0300", DATE_S),
        )
    ),
    Misbehaviour("a cookie", "wire", lambda right, clock: right.bytes(Set_Cookie="portal=1; Path=/"), _WELL),
    Misbehaviour("packed", "wire", _body(gzip.compress, Content_Encoding="gzip"), _NONSENSE),
    Misbehaviour(
        "packed beyond all measure",
        "wire",
        says(200, gzip.compress(b" " * 2 * BODY_MAX), Content_Encoding="gzip"),
        _NONSENSE,
    ),
    Misbehaviour("packed in a way nobody knows", "wire", _body(bytes, Content_Encoding="br, gzip"), _NONSENSE),
    Misbehaviour("packed on the way", "wire", _raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nx"), _NONSENSE),
    Misbehaviour("a head without end", "wire", lambda right, clock: right.bytes(X="x" * 200_000), _NONSENSE),
    Misbehaviour(
        "two lengths", "wire", _raw("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n[]"), _NONSENSE
    ),
    Misbehaviour("a length below zero", "wire", _raw("HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n[]"), _NONSENSE),
    Misbehaviour("not HTTP", "wire", _raw("SSH-2.0-OpenSSH_9.2\r\n\r\n"), _NONSENSE),
    Misbehaviour("a status that is none", "wire", _raw("HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n"), _NONSENSE),
    Misbehaviour(
        "another protocol",
        "wire",
        _raw("HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
        _NONSENSE,
    ),
)

_OPEN: Final = json.dumps(HELD).encode()[:-1]


def _says(body: bytes) -> Bad:
    return says(200, body)


NO_JSON: Final = (
    Misbehaviour("cut JSON", "wire", _body(lambda body: body[:-1]), _NONSENSE),
    Misbehaviour("two values", "wire", _body(lambda body: body + body), _NONSENSE),
    Misbehaviour("not UTF-8", "wire", _body(lambda body: body[:1] + b'"\xff": 1,' + body[1:]), _NONSENSE),
    Misbehaviour("NaN", "wire", _says(_OPEN + b', "x": NaN}'), _NONSENSE),
    Misbehaviour("Infinity", "wire", _says(_OPEN + b', "x": -Infinity}'), _NONSENSE),
    Misbehaviour("a number without end", "wire", _says(_OPEN + b', "x": ' + b"1" * 5000 + b"}"), _NONSENSE),
    Misbehaviour("an exponent without end", "wire", _says(_OPEN + b', "x": 1e99999999999999999999}'), _NONSENSE),
    Misbehaviour("two things of one name", "wire", _says(_OPEN + b', "total_amount": 1}'), _NONSENSE),
    Misbehaviour("nesting without end", "wire", _says(b"[" * 100_000), _NONSENSE),
    Misbehaviour("objects without end", "wire", _says(b'{"a":' * 100_000), _NONSENSE),
    Misbehaviour("spaces without end", "wire", _says(b"{}" + b" " * BODY_MAX), _NONSENSE),
)
"""In every call: an object, but for the number that nobody can read."""

READ_WITH_CARE: Final = (
    Misbehaviour(
        "an amount of 1e400",
        "wire",
        _says(_OPEN.replace(b'"total_amount": 25.0, "items"', b'"total_amount": 1e400, "items"') + b"}"),
        {"pos": "another"},
    ),
    Misbehaviour(
        "the same thing twice",
        "wire",
        _says(_OPEN + b', "total_amount": 25.00}'),
        {"pos": "ours", "place": "placed", "withdraw": Removal.BY_US},
    ),
    Misbehaviour(
        "letters that are half of one",
        "wire",
        _says(_OPEN.replace(b'"Padaria"', b'"\\ud800"') + b"}"),
        {"pos": "ours"},
    ),
)

# --- who stands in the provider's place -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class End:
    """A far end to which no request must get: every call ends with that trouble."""

    name: str
    trouble: Trouble | None
    """None: it is the provider, and all is well."""
    certificate: str = ""
    """What the server shows; empty: it does not speak TLS."""
    url: str = "https://localhost:{port}"
    on_connect: Callable[[socket.socket], None] | None = None
    """What a server does that is none; None: it is one."""
    limit_s: float = 10.0
    """What each call may take: the only real waits here, so they are short."""


def _says_in_the_clear(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(answer(302, b"", Location="http://login.portal.example/"))
    connection.close()


def _speaks_no_tls(connection: socket.socket) -> None:
    connection.sendall(b"220 mail.example ESMTP\r\n")
    connection.recv(65536)
    connection.close()


def _after_the_hello(ends: Callable[[socket.socket], None]) -> Callable[[socket.socket], None]:
    """Ends the connection when the TLS handshake is begun: sooner, and it could be over before ours has a handshake."""

    def end(connection: socket.socket) -> None:
        connection.recv(65536)
        ends(connection)

    return end


def _says_nothing(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass
    connection.close()


_CLEAR: Final = "http://127.0.0.1:{port}"
ENDS: Final = (
    End("the provider", None, "valid"),
    End("a certificate of an authority that nobody knows", Trouble.TLS, "self-signed"),
    End("a certificate that has expired", Trouble.CLOCK, "expired"),
    End("a certificate that is not yet valid", Trouble.CLOCK, "not-yet"),
    End("a certificate for another name", Trouble.TLS, "valid", "https://127.0.0.1:{port}"),
    End("a portal that answers in the clear", Trouble.TLS, on_connect=_says_in_the_clear),
    End("something that speaks first", Trouble.TLS, on_connect=_speaks_no_tls),
    End("it hangs up in the handshake", Trouble.NETWORK, on_connect=_after_the_hello(hang_up)),
    End("it resets in the handshake", Trouble.NETWORK, on_connect=_after_the_hello(reset)),
    End("it is silent in the handshake", Trouble.SLOW, on_connect=_says_nothing, limit_s=0.02),
    End("it is silent", Trouble.SLOW, url=_CLEAR, on_connect=_says_nothing, limit_s=0.02),
    End("a name that nobody knows", Trouble.NAME, url="https://nobody.knows.example:{port}"),
    End("a name that is none", Trouble.NONSENSE, url="https://a..b:{port}"),
    End("a port that refuses", Trouble.NETWORK, url="https://127.0.0.1:1"),
)


def on_a_machine_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our test authority alone, as if it were the system's (it is read sooner than those of a real system, too); and a
    resolver that knows this machine, and nobody else."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATES / "authority.pem"))
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, *asked: Any, **more: Any) -> list[Any]:
        if str(host).endswith(".example"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return list(real(host, *asked, **more))

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@contextmanager
def far_end(end: End) -> Iterator[tuple[int, ScriptedServer | None]]:
    """Its port; and the server, where it is one."""
    if end.on_connect is None:
        server = ScriptedServer(end.certificate)
        server.otherwise = lambda heard: right(heard).bytes()
        try:
            yield server.port, server
        finally:
            server.close()
        return
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_take_all, args=(listener, end))
        thread.start()
        try:
            yield listener.getsockname()[1], None
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)
            assert not thread.is_alive()


def _take_all(listener: socket.socket, end: End) -> None:
    assert end.on_connect is not None
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            try:
                end.on_connect(connection)
            except OSError:
                continue  # the kiosk did not wait for it


WIRE: Final = (*CONNECTIONS, *HEADERS, *NO_JSON, *READ_WITH_CARE, *TIME)
