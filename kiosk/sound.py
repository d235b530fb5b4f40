"""Buzzer and lights, by gpiozero: what a cashier hears without looking.

Each tune is its own rhythm on an active buzzer (on or off, no pitch), so that PAID is never taken for anything else:
it alone ends in a long note. The buzzer is switched by hand instead of by gpiozero's ``beep``, which starts a thread
for each tune and lets the next one cut it off.

A pin that cannot be used is silent: no sale waits for a beep (L9).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from types import MappingProxyType
from typing import Any, Final

from gpiozero import LED, Buzzer, GPIOZeroError

from kiosk.config import SoundConfig
from kiosk.sale.commands import Tune

RHYTHMS: Final = MappingProxyType(
    {
        Tune.CLICK: (0.015,),
        Tune.PAID: (0.12, 0.06, 0.12, 0.06, 0.4),
        Tune.REJECTED: (0.4,),
        Tune.ATTENTION: (0.15, 0.1, 0.15, 0.1, 0.15, 0.1, 0.15),
        Tune.REFUSED: (0.05, 0.05, 0.05),
    }
)
"""Seconds of sound, silence, sound, and so on; sound at last."""


class GpioSounds:
    """The buzzer and the two lights of the configuration; ``kiosk.ports.Sounds``. Used by one thread."""

    def __init__(
        self, settings: SoundConfig, *, pin_factory: Any = None, wait: Callable[[float], None] = time.sleep
    ) -> None:
        """Take the pins; one that cannot be had stays silent or dark.

        Args:
            settings: which pins; None: not there.
            pin_factory: gpiozero's, that of the keypad; None: gpiozero's own choice. The caller closes it.
            wait: waits so many seconds.
        """
        self._wait = wait
        self._buzzer = _opened(Buzzer, settings.buzzer, pin_factory)
        self._paid = _opened(LED, settings.led_paid, pin_factory)
        self._error = _opened(LED, settings.led_error, pin_factory)

    def play(self, tune: Tune) -> None:
        """Play it, and light what belongs to it; returns when it has been played."""
        _set(self._paid, tune is Tune.PAID)
        if tune is not Tune.CLICK:
            _set(self._error, tune in (Tune.ATTENTION, Tune.REJECTED))
        if self._buzzer is None:
            return
        for number, seconds in enumerate(RHYTHMS[tune]):
            _set(self._buzzer, number % 2 == 0)
            self._wait(seconds)
        _set(self._buzzer, False)

    def close(self) -> None:
        """Silent and dark."""
        for device in (self._buzzer, self._paid, self._error):
            _set(device, False)  # A closed pin is an input, and floats.
            if device is not None:
                with suppress(*_errors()):
                    device.close()
        self._buzzer = self._paid = self._error = None


def _opened(kind: Callable[..., Any], pin: int | None, pin_factory: Any) -> Any:
    if pin is None:
        return None
    try:
        return kind(pin, pin_factory=pin_factory)
    except _errors():
        return None


def _set(device: Any, on: bool) -> None:
    if device is not None:
        with suppress(*_errors()):
            device.value = on


def _errors() -> tuple[type[Exception], ...]:
    """What a pin may raise. lgpio's error has none of the others above it; it is known once that library is loaded."""
    lgpio = sys.modules.get("lgpio")
    return (GPIOZeroError, OSError, *((lgpio.error,) if lgpio else ()))
