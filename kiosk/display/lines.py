"""The two control lines of an SPI panel (data/command, reset), on the pins of gpiozero's factory.

luma.core drives them through the interface of RPi.GPIO, which neither a Pi 5 nor a current kernel has. These few names
of it (luma.core 2.6, ``interface/serial.py``, class ``bitbang``) on the kiosk's own pins are all that luma asks for.
"""

from __future__ import annotations

from typing import Any, Final


class ControlLines:
    """RPi.GPIO as luma's SPI interface uses it; ``pins`` is a gpiozero pin factory."""

    OUT: Final = "output"
    LOW: Final = 0
    HIGH: Final = 1

    def __init__(self, pins: Any) -> None:
        self._pins = pins
        self._lines: dict[int, Any] = {}

    def setup(self, pin: int, mode: str) -> None:
        """Make the line an output, low at first."""
        assert mode == self.OUT, "luma sets up outputs only"
        line = self._lines[pin] = self._pins.pin(pin)
        line.output_with_state(self.LOW)

    def output(self, pin: int, level: int) -> None:
        """Drive the line low or high."""
        self._lines[pin].state = level
