"""The network transport, against real servers on loopback."""

from __future__ import annotations

import errno
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from kiosk.printer.network import LOOKUP_S, LookUp, NetworkTransport, _reraise_if_dead
from kiosk.printer.talk import JOB_S
from kiosk.printer.transport import OPEN_S, PrinterError
from kiosk.sale.events import Paper
from kiosk.sale.paper import JOB_S as MACHINES_JOB_S
from tests.printers import FakeTime

Script = Callable[[socket.socket], object]


@contextmanager
def printer(script: Script, receive_buffer: int = 0, *, real_time: bool = False) -> Iterator[NetworkTransport]:
    """A transport opened to a server that does with the one connection what the script says."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        if receive_buffer:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        thread = threading.Thread(target=lambda: _serve(listener, script))
        thread.start()
        fake = FakeTime()
        clock, sleep = (time.monotonic, time.sleep) if real_time else (fake.clock, fake.sleep)
        transport = NetworkTransport("127.0.0.1", listener.getsockname()[1], clock, sleep)
        transport.open()
        try:
            yield transport
        finally:
            transport.close()
            thread.join(10)


def _serve(listener: socket.socket, script: Script) -> None:
    connection, _ = listener.accept()
    with connection:
        script(connection)


def until_closed(connection: socket.socket) -> bytes:
    """All that comes until the other side ends."""
    heard = b""
    while more := connection.recv(65536):
        heard += more
    return heard


def test_bytes_go_out_and_answers_come_back() -> None:
    heard: list[bytes] = []

    def answer(connection: socket.socket) -> None:
        heard.append(connection.recv(3))
        connection.sendall(b"\x12")
        heard.append(until_closed(connection))

    with printer(answer) as transport:
        assert transport.write(b"\x10\x04\x01", 1) == 3
        assert transport.read(64, 5) == b"\x12"
        assert transport.write(b"ticket", 1) == 6
    assert heard == [b"\x10\x04\x01", b"ticket"]


def test_silence_is_an_empty_answer() -> None:
    with printer(until_closed) as transport:
        assert transport.read(64, 0.01) == b""
        assert transport.read(64, 0) == b""


def test_a_closed_connection_is_an_error_never_silence() -> None:
    with printer(lambda connection: None) as transport, pytest.raises(PrinterError, match="closed") as caught:
        transport.read(64, 5)
    assert caught.value.paper is Paper.GONE


def test_a_reset_connection_is_an_error() -> None:
    def reset(connection: socket.socket) -> None:
        connection.recv(1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with printer(reset) as transport:
        transport.write(b"ticket", 1)
        with pytest.raises(PrinterError, match="reset"):
            transport.read(64, 5)
        with pytest.raises(PrinterError):
            transport.write(b"more", 1)


def test_a_printer_that_stops_reading_takes_no_more_and_has_not_got_all() -> None:
    stop = threading.Event()
    with printer(lambda connection: stop.wait(10) and None, receive_buffer=4096) as transport:
        counts = [transport.write(bytes(4096), 0.02)]
        while counts[-1]:
            counts.append(transport.write(bytes(4096), 0.02))
            assert len(counts) < 10_000
        assert not transport.flushed(0.05)
        stop.set()


def test_what_the_printer_has_confirmed_is_flushed() -> None:
    stop = threading.Event()
    with printer(lambda connection: stop.wait(10) and None, real_time=True) as transport:
        transport.write(b"ticket", 1)
        assert transport.flushed(5)
        stop.set()


def test_an_unread_answer_does_not_reset_the_connection_at_the_end() -> None:
    """Linux lets programs read on after a reset, small printers' stacks do not: the reset itself is looked for."""
    heard: list[object] = []
    said, gone = threading.Event(), threading.Event()

    def talkative(connection: socket.socket) -> None:
        connection.sendall(b"\x12\x12")
        said.set()
        gone.wait(10)
        heard.append(connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
        heard.append(until_closed(connection))

    with printer(talkative) as transport:
        assert said.wait(10)
        transport.write(b"ticket", 1)
        transport.close()
        gone.set()
    assert heard == [0, b"ticket"]


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 1), ("no..name", 9100), ("127.0.0.1", 99999), ("", 9100)])
def test_a_printer_that_is_not_there_is_gone(host: str, port: int) -> None:
    fake = FakeTime()
    transport = NetworkTransport(host, port, fake.clock, fake.sleep)
    with pytest.raises(PrinterError) as caught:
        transport.open()
    assert caught.value.paper is Paper.GONE
    transport.close()


def at_name(look_up: LookUp, clock: Callable[[], float] = lambda: 0.0, lookup_s: float = 10.0) -> NetworkTransport:
    return NetworkTransport("printer.shop", 9100, clock, FakeTime().sleep, look_up=look_up, lookup_s=lookup_s)


def test_a_name_is_looked_up_and_its_second_address_tried() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        found = [("127.0.0.1", 1), listener.getsockname()]
        transport = at_name(lambda *_, **__: [(socket.AF_INET, socket.SOCK_STREAM, 0, "", at) for at in found])
        transport.open()
        connection, _ = listener.accept()
        with connection:
            assert transport.write(b"ticket", 1) == 6
            transport.close()
            assert until_closed(connection) == b"ticket"


def test_all_addresses_of_a_name_share_one_limit() -> None:
    """A name with many dead addresses must not take a limit for each."""
    times = iter([1000.0, 1000.1, 1004.9, 1005.0])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        found = [("127.0.0.1", 1), ("127.0.0.1", 1), listener.getsockname()]
        transport = at_name(
            lambda *_, **__: [(socket.AF_INET, socket.SOCK_STREAM, 0, "", at) for at in found], lambda: next(times)
        )
        with pytest.raises(PrinterError, match="timed out"):
            transport.open()


def test_a_name_that_nobody_answers_for_is_given_up() -> None:
    asked = threading.Event()

    def hang(*_: object, **__: object) -> list[object]:
        asked.wait(20)
        return []

    with pytest.raises(PrinterError, match=r"printer\.shop cannot be looked up") as caught:
        at_name(hang, lookup_s=0.01).open()
    asked.set()
    assert caught.value.paper is Paper.GONE


def test_a_name_that_does_not_exist_says_so() -> None:
    def unknown(*_: object, **__: object) -> list[object]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with pytest.raises(PrinterError, match="not known") as caught:
        at_name(unknown).open()
    assert caught.value.paper is Paper.GONE


def test_looking_up_and_connecting_leave_time_within_a_job() -> None:
    assert LOOKUP_S + OPEN_S < JOB_S < MACHINES_JOB_S


def test_the_kernels_verdict_is_no_mere_slowness() -> None:
    with pytest.raises(TimeoutError):
        _reraise_if_dead(TimeoutError(errno.ETIMEDOUT, "Connection timed out"))
    _reraise_if_dead(TimeoutError("timed out"))
    _reraise_if_dead(BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"))
