"""The way to the printer: what every transport offers, the one error they raise, and which one the settings mean.

A transport serves one job. It is opened, used, closed and thrown away, so that nothing of a broken connection is ever
used again, and a printer that was unplugged is found by the next job. Each call has its limit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from kiosk.config import PrinterConfig
from kiosk.ports import Clock
from kiosk.sale.events import Paper

CHUNK: Final = 4096
"""Most bytes in one write: what is taken is counted after each, so that a printer that stops is noticed soon."""
OPEN_S: Final = 5.0
"""Limit for opening, a lookup of a printer's name aside."""
_LOOK_S: Final = 0.01

Sleep = Callable[[float], None]
"""Waits so many seconds."""


class PrinterError(Exception):
    """Something is in the way of a ticket: how the printer is, and the words for the log."""

    def __init__(self, paper: Paper, detail: str) -> None:
        super().__init__(detail)
        self.paper = paper


class Transport(Protocol):
    """One connection to a printer. All calls but ``close`` raise ``PrinterError`` when the connection is broken."""

    chunk: int
    """Most bytes that one ``write`` should be given, ``CHUNK`` at most: what the line carries in about a second."""

    def open(self) -> None:
        """Connect, within ``OPEN_S`` seconds; finding a network printer by its name may take longer."""
        ...

    def write(self, chunk: bytes, within_s: float) -> int:
        """Hand bytes over; answers how many were taken, 0 where none could be taken in that time."""
        ...

    def flushed(self, within_s: float) -> bool:
        """Whether all that was taken has left this machine, waiting for it at most so long."""
        ...

    def read(self, limit: int, within_s: float) -> bytes:
        """Some bytes from the printer as soon as there are any; empty where none came in that time.

        A connection that has ended is an error, never an empty answer (R21: a closed connection is not silence).
        """
        ...

    def close(self) -> None:
        """Let go of the printer; never raises, never waits for it."""
        ...


@contextmanager
def broken_by(*errors: type[Exception]) -> Iterator[None]:
    """Turn the errors of a library into ours: the connection is gone."""
    try:
        yield
    except errors as error:
        raise PrinterError(Paper.GONE, f"{type(error).__name__}: {error}") from error


def wait_until(done: Callable[[], bool], within_s: float, clock: Clock, sleep: Sleep) -> bool:
    """Whether ``done`` came true within so many seconds."""
    until = clock() + within_s
    while not done():
        if clock() >= until:
            return False
        sleep(_LOOK_S)
    return True


def transport_for(settings: PrinterConfig, clock: Clock, sleep: Sleep) -> Transport:
    """A new transport for the configured driver. Its library is loaded here, so that the others never are.

    Raises:
        PrinterError: there is no printer, or no such driver.
    """
    match settings.driver:
        case "network":
            from kiosk.printer.network import NetworkTransport

            return NetworkTransport(settings.host, settings.port, clock, sleep)
        case "serial":
            from kiosk.printer.serial_line import SerialTransport

            return SerialTransport(settings.device, settings.baud, clock, sleep)
        case "usb":
            from kiosk.printer.usb_port import UsbTransport

            return UsbTransport(settings.vendor_id, settings.product_id)
        case "file":
            from kiosk.printer.device_file import FileTransport

            return FileTransport(settings.device)
    raise PrinterError(Paper.GONE, f"no printer is configured (driver {settings.driver!r})")
