"""Which transport the settings mean, and what all of them share."""

from __future__ import annotations

import pytest

from kiosk.config import PrinterConfig
from kiosk.printer.device_file import FileTransport
from kiosk.printer.network import NetworkTransport
from kiosk.printer.serial_line import SerialTransport
from kiosk.printer.transport import CHUNK, PrinterError, broken_by, transport_for, wait_until
from kiosk.printer.usb_port import UsbTransport
from kiosk.sale.events import Paper
from tests.printers import FakeTime


@pytest.mark.parametrize(
    ("driver", "kind"),
    [("network", NetworkTransport), ("serial", SerialTransport), ("usb", UsbTransport), ("file", FileTransport)],
)
def test_each_driver_has_its_transport(driver: str, kind: type) -> None:
    time = FakeTime()
    transport = transport_for(PrinterConfig(driver=driver), time.clock, time.sleep)
    assert type(transport) is kind
    assert 0 < transport.chunk <= CHUNK
    transport.close()


@pytest.mark.parametrize("driver", ["none", "parallel"])
def test_without_a_driver_there_is_no_printer(driver: str) -> None:
    time = FakeTime()
    with pytest.raises(PrinterError, match=driver) as caught:
        transport_for(PrinterConfig(driver=driver), time.clock, time.sleep)
    assert caught.value.paper is Paper.GONE


@pytest.mark.parametrize("driver", ["network", "serial", "usb", "file"])
def test_a_transport_that_is_not_open_is_an_error_of_ours(driver: str) -> None:
    time = FakeTime()
    transport = transport_for(PrinterConfig(driver=driver), time.clock, time.sleep)
    with pytest.raises(PrinterError):
        transport.write(b"x", 0.01)


def test_an_error_of_a_library_becomes_ours_and_keeps_its_words() -> None:
    with pytest.raises(PrinterError, match="OSError: no such thing") as caught, broken_by(OSError):
        raise OSError("no such thing")
    assert caught.value.paper is Paper.GONE


def test_other_errors_go_their_way() -> None:
    with pytest.raises(ZeroDivisionError), broken_by(OSError):
        raise ZeroDivisionError


def test_waiting_ends_when_it_is_done_or_the_time_is_over() -> None:
    time = FakeTime()
    assert wait_until(lambda: time.now >= 1002, 5, time.clock, time.sleep)
    assert time.now == pytest.approx(1002, abs=0.05)
    assert not wait_until(lambda: False, 3, time.clock, time.sleep)
    assert time.now == pytest.approx(1005, abs=0.1)
