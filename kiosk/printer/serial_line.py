"""A printer on a serial line, by pyserial: 8 data bits, no parity, 1 stop bit, no flow control."""

from __future__ import annotations

import os
import select
import termios
from contextlib import suppress
from typing import Any

import serial

from kiosk.ports import Clock
from kiosk.printer.transport import CHUNK, PrinterError, Sleep, broken_by, wait_until
from kiosk.sale.events import Paper

_BITS_PER_BYTE = 10  # 8N1: one start bit, eight data bits, one stop bit.
_SMALLEST_CHUNK = 64

# pyserial's own SerialException is an OSError. It lets termios.error out, which is none, where the device vanishes
# between two calls, and ValueError for a speed that the machine cannot make.
_ERRORS = (OSError, termios.error, ValueError, OverflowError)


class SerialTransport:
    """One open serial port, locked against other programs."""

    def __init__(self, device: str, baud: int, clock: Clock, sleep: Sleep) -> None:
        """``baud``: bits a second, as set in the printer."""
        # A full chunk at 4800 baud takes eight seconds, longer than a healthy printer may take for one.
        self.chunk = min(CHUNK, max(_SMALLEST_CHUNK, baud // _BITS_PER_BYTE))
        self._device = device
        self._baud = baud
        self._clock = clock
        self._sleep = sleep
        self._port: Any = None

    def open(self) -> None:
        """Open and lock the port."""
        with broken_by(*_ERRORS):
            self._port = serial.Serial(self._device, self._baud, timeout=0, write_timeout=0, exclusive=True)

    def write(self, chunk: bytes, within_s: float) -> int:
        """Bytes that the port's buffer took.

        Not by pyserial's ``write``: when its limit passes it raises without the count, and the count is what tells
        whether some of a ticket may be on paper.
        """
        with broken_by(*_ERRORS):
            waiting = select.poll()
            waiting.register(self._opened().fileno(), select.POLLOUT)
            if not waiting.poll(within_s * 1000):
                return 0
            try:
                return os.write(self._opened().fileno(), chunk)
            except BlockingIOError:
                return 0

    def flushed(self, within_s: float) -> bool:
        """Whether the port's buffer is empty: at 9600 baud it holds up to four seconds of printing."""
        with broken_by(*_ERRORS):
            return wait_until(lambda: self._opened().out_waiting == 0, within_s, self._clock, self._sleep)

    def read(self, limit: int, within_s: float) -> bytes:
        """What the printer says. A line that was unplugged is an error in pyserial, too."""
        with broken_by(*_ERRORS):
            port = self._opened()
            port.timeout = within_s
            heard = bytes(port.read(1))
            port.timeout = 0
            return heard + bytes(port.read(limit - 1)) if heard else b""

    def close(self) -> None:
        """Close the port. What it could not send is dropped: the kernel would wait 30 s for it (``closing_wait``)."""
        if self._port is None:
            return
        with suppress(*_ERRORS):
            if self._port.out_waiting:
                self._port.reset_output_buffer()
        with suppress(*_ERRORS):
            self._port.close()
        self._port = None

    def _opened(self) -> Any:  # A serial.Serial; pyserial has no types.
        if self._port is None:
            raise PrinterError(Paper.GONE, "the port is not open")
        return self._port
