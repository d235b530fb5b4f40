"""The desk under the test's own time: what it counts, when it rings, and whom it pushes out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from itertools import product

import h11
import pytest
from uvicorn.server import ServerState

from kiosk.notifications.desk import (
    BODY_MAX,
    CONNECTIONS_MAX,
    GAP_S,
    HEAD_MAX,
    NAMES_MAX,
    PER_SECOND,
    REQUEST_S,
    TELL_S,
    Caller,
    Desk,
    Message,
    is_plain,
    server_for,
)
from kiosk.sale.events import Notified
from tests.bench.bench_notices import message


class _Timer:
    def __init__(self, at: float, call: Callable[[], None]) -> None:
        self.at = at
        self.call: Callable[[], None] | None = call

    def cancel(self) -> None:
        self.call = None


class Desked:
    """A desk with its own time."""

    def __init__(self, *paths: str) -> None:
        self.now = 0.0
        self.timers: list[_Timer] = []
        self.posted: list[Notified] = []
        self.told: list[str] = []
        self.desk = Desk(self.posted.append, self.told.append, paths, self._later)

    def _later(self, seconds: float, call: Callable[[], None]) -> _Timer:
        timer = _Timer(self.now + seconds, call)
        self.timers.append(timer)
        return timer

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        until = self.now + seconds
        while due := [timer for timer in self.timers if timer.at <= until]:
            timer = min(due, key=lambda each: each.at)
            self.timers.remove(timer)
            self.now = timer.at
            if timer.call is not None:
                timer.call()
        self.now = until

    def send(self, query: str = "", *pieces: bytes, method: str = "POST", path: str = "/", length: str = "") -> int:
        """One request, its body in pieces; answers the status."""
        waiting = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
        waiting.append({"type": "http.request", "body": b"", "more_body": False})
        sent: list[Message] = []

        async def receive() -> Message:
            return waiting.pop(0)

        async def send(message: Message) -> None:
            sent.append(message)

        headers = [(b"content-length", length.encode())] if length else []
        scope = {"type": "http", "method": method, "path": path, "query_string": query.encode(), "headers": headers}
        with suppress(StopIteration):  # it waits for nothing, so it needs no event loop
            self.desk(scope, receive, send).__await__().__next__()
        return int(sent[0]["status"])


def test_the_first_rings_at_once_and_the_rest_together_a_little_later() -> None:
    it = Desked()
    for number in (1, 2, 3, 2):
        assert it.send(f"topic=merchant_order&id={number}") == 200
    assert it.posted == [Notified(orders=("1",))]
    it.wait(GAP_S)
    assert it.posted[1:] == [Notified(orders=("2", "3"))]
    it.wait(GAP_S)
    assert len(it.posted) == 2, "nothing more to ring through"
    it.send("topic=payment&id=4")
    assert it.posted[2:] == [Notified(payments=("4",))], "it was quiet: at once again"


def test_opened_rings_nobody() -> None:
    it = Desked()
    assert it.send("type=topic_merchant_order_wh&data.id=5", b'{"status": "opened"}') == 200
    assert it.posted == []
    assert it.desk.counts == {"heard": 1, "ignored": 1}


def test_a_ring_carries_a_bounded_number_of_names() -> None:
    it = Desked()
    for number in range(PER_SECOND):
        it.send(f"topic=payment&id={number}")
    it.wait(GAP_S)
    assert len(it.posted[1].payments) == NAMES_MAX
    assert it.desk.counts["overflow"] == PER_SECOND - 1 - NAMES_MAX


def test_too_many_in_a_second_are_429_and_the_next_second_is_new() -> None:
    it = Desked()
    statuses = [it.send(f"topic=payment&id={number}") for number in range(PER_SECOND + 5)]
    assert statuses == [200] * PER_SECOND + [429] * 5
    it.wait(1.0)
    assert it.send("topic=payment&id=1") == 200


@pytest.mark.parametrize(
    ("pieces", "length", "status"),
    [
        ((b" " * BODY_MAX,), "", 400),
        ((b" " * BODY_MAX, b" "), "", 413),
        ((b"{}",), str(BODY_MAX + 1), 413),
        ((b"{}",), str(10**30), 413),
        ((b'{"topic": "payment",', b'"resource": "7"}'), "37", 200),
    ],
)
def test_a_body_has_its_bound_whether_its_length_was_told_or_not(
    pieces: tuple[bytes, ...], length: str, status: int
) -> None:
    it = Desked()
    query = "" if status == 200 else "topic=payment"
    assert it.send(query, *pieces, length=length) == status


def test_what_was_refused_is_told_at_most_once_a_minute() -> None:
    it = Desked("/notices")
    it.send(path="/elsewhere")
    it.send(method="GET", path="/notices")
    it.wait(TELL_S)
    it.send("topic=payment&id=1", path="/notices")
    assert len(it.told) == 1
    it.send(path="/notices")
    assert it.told[1] == "what came as a notification was refused: 1 with 400, 1 with 404, 1 with 405 since the start"


def test_a_complaint_of_the_event_loop_is_counted_not_written_out() -> None:
    """Whoever finds a way to break a connection's protocol must not be able to fill the log with tracebacks."""
    it = Desked()
    for _ in range(3):
        it.desk.broke(None, {"message": "Fatal error: protocol.data_received() call failed."})
    assert it.desk.counts == {"500": 3}
    assert len(it.told) == 1


class Transport(asyncio.Transport):
    """A connection that only knows whether it is over."""

    def __init__(self) -> None:
        super().__init__()
        self.hung_up: list[str] = []
        self.written = b""

    def abort(self) -> None:
        self.hung_up.append("abort")

    def close(self) -> None:
        self.hung_up.append("close")

    def is_closing(self) -> bool:
        return bool(self.hung_up)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def resume_reading(self) -> None: ...
    def pause_reading(self) -> None: ...


def connected(it: Desked) -> tuple[Caller, Transport]:
    """One more connection, as the server makes it."""
    config = server_for(it.desk).config
    config.load()
    caller = Caller(config, ServerState(), {}, asyncio.get_running_loop())
    transport = Transport()
    caller.connection_made(transport)
    return caller, transport


def test_one_that_says_nothing_whole_in_time_is_hung_up_on() -> None:
    async def story() -> None:
        it = Desked()
        caller, transport = connected(it)
        caller.data_received(b"POST / HTTP/1.1\r\nHost: x\r\nX: ")
        it.wait(REQUEST_S - 0.1)
        caller.data_received(b"a")
        assert not transport.is_closing()
        it.wait(0.1)
        assert transport.is_closing()
        assert it.desk.counts["too slow"] == 1

    asyncio.run(story())


def test_one_that_speaks_in_time_has_its_time_anew() -> None:
    async def story() -> None:
        it = Desked()
        caller, transport = connected(it)
        it.wait(REQUEST_S - 0.1)
        caller.data_received(b"POST /?topic=payment&id=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        while not it.posted:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert transport.written.startswith(b"HTTP/1.1 200")
        it.wait(REQUEST_S - 0.1)
        assert not transport.is_closing()
        it.wait(0.1)
        assert transport.is_closing()
        caller.connection_lost(None)

    asyncio.run(story())


def test_one_too_many_pushes_the_oldest_out() -> None:
    async def story() -> None:
        it = Desked()
        first, *_ = lines = [connected(it) for _ in range(CONNECTIONS_MAX)]
        it.desk.spoke(first[0])
        connected(it)
        assert [transport.is_closing() for _, transport in lines[:3]] == [False, True, False]
        assert it.desk.counts["pushed out"] == 1
        for caller, _ in lines[2:4]:
            caller.connection_lost(None)
        connected(it)
        connected(it)
        assert it.desk.counts["pushed out"] == 1, "who left makes room, too"

    asyncio.run(story())


# --- one too many -----------------------------------------------------------------------------------------------------

PLAIN = b"POST /notices?id=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"


def fill(it: Desked) -> None:
    """Use this second up."""
    for number in range(PER_SECOND):
        it.send(f"topic=payment&id={number}")


def understood(data: bytes) -> tuple[int, bytes]:
    """The status and the rest of the one answer that h11 reads there, as a client does; the connection must stay."""
    reader = h11.Connection(h11.CLIENT)
    reader.send(h11.Request(method="POST", target="/", headers=[("Host", "x"), ("Content-Length", "0")]))
    reader.send(h11.EndOfMessage())
    reader.receive_data(data)
    answer = reader.next_event()
    assert isinstance(answer, h11.Response)
    assert dict(answer.headers)[b"retry-after"] == b"1"
    assert isinstance(reader.next_event(), h11.EndOfMessage)
    reader.start_next_cycle()
    return answer.status_code, reader.trailing_data[0]


def test_one_too_many_is_refused_unread_and_the_next_second_is_read() -> None:
    async def story() -> None:
        it = Desked()
        fill(it)
        caller, transport = connected(it)
        caller.data_received(PLAIN)
        assert understood(transport.written) == (429, b""), "at once: nothing waited for the loop"
        caller.data_received(PLAIN)
        assert it.desk.counts["429"] == 2
        it.wait(1.0)
        transport.written = b""
        caller.data_received(PLAIN.replace(b"id=1", b"topic=payment&id=7"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert transport.written.startswith(b"HTTP/1.1 200")
        it.wait(GAP_S)
        assert it.posted[-1] == Notified(payments=("7",))

    asyncio.run(story())


def test_one_that_is_refused_unread_has_its_time_anew() -> None:
    async def story() -> None:
        it = Desked()
        caller, transport = connected(it)
        caller.data_received(PLAIN)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        own_time = [caller.timeout_keep_alive_task]
        assert own_time != [None], "uvicorn's, after an answer"
        it.wait(REQUEST_S - 0.1)
        fill(it)
        caller.data_received(PLAIN)
        assert [caller.timeout_keep_alive_task] == [None]
        it.wait(REQUEST_S - 0.1)
        assert not transport.is_closing()
        it.wait(0.1)
        assert transport.is_closing()

    asyncio.run(story())


def test_the_rest_of_a_request_is_not_taken_for_another_one() -> None:
    """A body may look like a request."""

    async def story() -> None:
        it = Desked()
        halves = [
            b"POST /?topic=payment&id=5 HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(PLAIN),
            b"POST /?topic=payment&id=5 HTTP/1.1\r\nX: ",
        ]
        for half in halves:
            caller, transport = connected(it)
            it.wait(1.0)
            caller.data_received(half)
            await asyncio.sleep(0)
            fill(it)
            caller.data_received(PLAIN)
            assert transport.written == b""
            for _ in range(5):
                await asyncio.sleep(0)
            assert transport.written.count(b"HTTP/1.1") == 1, "one answer to one request"

    asyncio.run(story())


def test_one_who_takes_no_answers_gets_none_before_he_does() -> None:
    async def story() -> None:
        it = Desked()
        fill(it)
        caller, transport = connected(it)
        caller.flow.pause_writing()
        for _ in range(50):
            caller.data_received(PLAIN)
            await asyncio.sleep(0)
        assert transport.written == b""
        caller.flow.resume_writing()
        for _ in range(500):
            await asyncio.sleep(0)
        assert transport.written.count(b"HTTP/1.1 429") == 50

    asyncio.run(story())


_LINES = [
    *(b"POST /notices?id=1 HTTP/1.1", b"POST / HTTP/1.0", b"POST * HTTP/1.1", b"GET / HTTP/1.1", b"POST  / HTTP/1.1"),
    *(b"POST /a b HTTP/1.1", b"POST /\xff HTTP/1.1", b"POST / HTTP/1.1 ", b"\r\nPOST / HTTP/1.1", b"post / HTTP/1.1"),
]
_HOSTS = [[b"Host: x"], [b"host:x:80"], [], [b"Host: x", b"Host: y"]]
_LENGTHS = [
    [b"Content-Length: %d"],
    [],
    [b"Content-Length: +%d"],
    [b"Content-Length: 0%d"],
    [b"Content-Length: %d"] * 2,
]
_BODIES = [b"", b"{}", b"{}\r\n", b"\r\n\r\n", b"1\r\nx\r\n0\r\n\r\n"]
_OTHERS = [
    b"User-Agent: MercadoPago WebHook v1.0 payment",
    b"X-Signature: ts=1,v1=0",
    b"X: {}",
    b"X:",
    b"X: y ",
    b"X :y",
    b"Connection: close",
    b"Connection: keep-alive",
    b"Transfer-Encoding: chunked",
    b"Expect: 100-continue",
    b" folded",
    b"Upgrade: h2c",
    b"X: \xff",
    b"X: a\rb",
    b"X: a\nb",
    b"X\0: y",
    b"X",
    b": y",
    b"Content-Length: 1, 1",
    b"X: " + b"y" * 9000,
]


@pytest.mark.parametrize("other", _OTHERS)
def test_what_is_plain_to_us_is_one_whole_request_to_h11(other: bytes) -> None:
    plain = 0
    for line, host, length, body, others in product(_LINES, _HOSTS, _LENGTHS, _BODIES, ([], [other])):
        lengths = [each % len(body) for each in length]
        data = b"\r\n".join([line, *others, *host, *lengths, b"", body])
        if is_plain(data):
            plain += 1
            read_by_h11(data)
    assert plain >= 2 * len(_BODIES), "without the other field"


def read_by_h11(data: bytes) -> None:
    """One request and no more, a right answer to which leaves the connection open; raises where that is not so."""
    reader = h11.Connection(h11.SERVER, HEAD_MAX)
    reader.receive_data(data)
    read = [reader.next_event()]
    while type(read[-1]) in (h11.Request, h11.Data):
        read.append(reader.next_event())
    assert (type(read[0]), type(read[-1])) == (h11.Request, h11.EndOfMessage)
    assert reader.trailing_data == (b"", False)
    assert not reader.they_are_waiting_for_100_continue
    reader.send(h11.Response(status_code=429, headers=[(b"content-length", b"0")]))
    reader.send(h11.EndOfMessage())
    reader.start_next_cycle()


@pytest.mark.parametrize("number", range(20))
def test_what_is_sent_in_one_piece_is_plain(number: int) -> None:
    """As the benchmark's flood does, and a proxy in front of us."""
    _, request = message(number, "/notices")
    assert is_plain(request)
    assert is_plain(request.replace(b"Host: x", b"Host: shop.example:8443\r\nX-Forwarded-For: 10.0.0.1\r\nAccept: */*"))
    assert not is_plain(request + request)
    assert not is_plain(request[:-1])
