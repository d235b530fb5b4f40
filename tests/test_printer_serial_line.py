"""The serial transport, on a real pseudo-terminal."""

from __future__ import annotations

import os
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from kiosk.printer.serial_line import SerialTransport
from kiosk.printer.transport import PrinterError
from kiosk.sale.events import Paper
from tests.printers import FakeTime


def on(device: str, baud: int = 9600) -> SerialTransport:
    fake = FakeTime()
    return SerialTransport(device, baud, fake.clock, fake.sleep)


@contextmanager
def line(baud: int = 9600) -> Iterator[tuple[int, str, SerialTransport]]:
    """The printer's end, the device's name, and an open transport at it."""
    master, slave = os.openpty()
    tty.setraw(master)
    device = os.ttyname(slave)
    transport = on(device, baud)
    transport.open()
    os.close(slave)
    try:
        yield master, device, transport
    finally:
        transport.close()
        os.close(master)


def test_every_byte_goes_through_as_it_is_both_ways() -> None:
    """No echo, no XON and XOFF, no end of line made into another, no control character with a meaning."""
    with line() as (master, _, transport):
        assert transport.write(bytes(range(256)), 1) == 256
        assert transport.flushed(1)
        assert os.read(master, 1000) == bytes(range(256))
        os.write(master, bytes(range(256)))
        heard = b""
        while len(heard) < 256:
            more = transport.read(64, 1)
            assert 0 < len(more) <= 64
            heard += more
        assert heard == bytes(range(256))


def test_the_line_is_8n1_at_the_configured_speed() -> None:
    with line(19200) as (_, device, _transport):
        fd = os.open(device, os.O_RDWR | os.O_NOCTTY)
        _, _, cflag, _, _, speed, _ = termios.tcgetattr(fd)
        os.close(fd)
    assert speed == termios.B19200
    assert cflag & termios.CSIZE == termios.CS8
    assert not cflag & (termios.PARENB | termios.CSTOPB | termios.CRTSCTS)


@pytest.mark.parametrize(("baud", "chunk"), [(115200, 4096), (38400, 3840), (9600, 960), (300, 64)])
def test_a_chunk_takes_the_line_about_a_second(baud: int, chunk: int) -> None:
    assert on("/dev/null", baud).chunk == chunk


def test_silence_is_an_empty_answer() -> None:
    with line() as (_, _, transport):
        assert transport.read(64, 0.01) == b""
        assert transport.read(64, 0) == b""


def test_a_stalled_line_takes_no_more_and_closing_does_not_wait() -> None:
    with line() as (_, _, transport):
        taken = [transport.write(bytes(4096), 0.02)]
        while taken[-1]:
            taken.append(transport.write(bytes(4096), 0.02))
            assert len(taken) < 1000


def test_an_unplugged_line_is_an_error_never_silence() -> None:
    master, slave = os.openpty()
    transport = on(os.ttyname(slave))
    transport.open()
    os.close(slave)
    os.close(master)
    with pytest.raises(PrinterError) as caught:
        transport.read(64, 1)
    assert caught.value.paper is Paper.GONE
    with pytest.raises(PrinterError):
        transport.write(b"x", 1)
    transport.close()


def test_a_line_in_use_by_another_is_refused_and_free_again_afterwards() -> None:
    with line() as (_, device, transport):
        other = on(device)
        with pytest.raises(PrinterError, match="lock"):
            other.open()
        transport.close()
        other.open()
        other.close()


@pytest.mark.parametrize(
    ("device", "baud"), [("/dev/no-such-line", 9600), ("", 9600), ("/dev/null", 9600), ("a\0b", 9600)]
)
def test_what_is_no_serial_line_is_gone(device: str, baud: int) -> None:
    transport = on(device, baud)
    with pytest.raises(PrinterError) as caught:
        transport.open()
    assert caught.value.paper is Paper.GONE
    transport.close()


def test_a_speed_that_cannot_be_is_an_error_of_ours() -> None:
    with line() as (_, device, transport):
        transport.close()
        with pytest.raises(PrinterError, match="baud"):
            on(device, -1).open()


class SlowPort:
    """A port whose buffer empties by and by, as a real one does; a pseudo-terminal has none to look at."""

    def __init__(self, waiting: list[int]) -> None:
        self.waiting = waiting
        self.dropped = False

    @property
    def out_waiting(self) -> int:
        return self.waiting.pop(0) if len(self.waiting) > 1 else self.waiting[0]

    def reset_output_buffer(self) -> None:
        self.dropped = True

    def close(self) -> None:
        raise termios.error(5, "Input/output error")


def test_flushed_waits_until_the_ports_buffer_is_empty() -> None:
    transport = on("unused")
    transport._port = SlowPort([800, 500, 20, 0])
    assert transport.flushed(5)
    transport._port = SlowPort([800])
    assert not transport.flushed(5)


@pytest.mark.parametrize(("waiting", "dropped"), [(800, True), (0, False)])
def test_closing_drops_only_what_could_not_be_sent_and_never_raises(waiting: int, dropped: bool) -> None:
    transport = on("unused")
    port = SlowPort([waiting])
    transport._port = port
    transport.close()
    assert port.dropped is dropped
