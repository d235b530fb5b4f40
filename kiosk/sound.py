"""Buzzer and lights, by gpiozero: what a cashier hears without looking.

Each tune is its own rhythm on an active buzzer (on or off, no pitch), so that PAID is never taken for anything else.
A pin that cannot be used is silent: no sale waits for a beep (L9).
"""

from __future__ import annotations

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
"""Seconds of sound, silence, sound, and so on."""

ERRORS: Final = (GPIOZeroError, OSError)
"""What a pin may raise while it is used or opened."""


class GpioSounds:
    """The buzzer and the two lights of the configuration; ``kiosk.ports.Sounds``. Used by one thread."""

    def __init__(
        self,
        settings: SoundConfig,
        *,
        pin_factory: Any = None,  # noqa: ANN401  (gpiozero has no types)
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._wait = wait
        self._buzzer = _opened(Buzzer, settings.buzzer, pin_factory)
        self._paid = _opened(LED, settings.led_paid, pin_factory)
        self._error = _opened(LED, settings.led_error, pin_factory)

    def play(self, tune: Tune) -> None:
        """Play it, and light what belongs to it; returns when it has been played."""
        with suppress(*ERRORS):
            self._light(tune)
        for index, seconds in enumerate(RHYTHMS[tune] if self._buzzer else ()):
            with suppress(*ERRORS):
                self._buzzer.on() if index % 2 == 0 else self._buzzer.off()
            self._wait(seconds)
        with suppress(*ERRORS):
            if self._buzzer:
                self._buzzer.off()

    def close(self) -> None:
        """Silent and dark."""
        for device in (self._buzzer, self._paid, self._error):
            with suppress(*ERRORS):
                if device:
                    device.close()

    def _light(self, tune: Tune) -> None:
        """PAID stands in green until something else happens; trouble stands in red."""
        if self._paid:
            self._paid.value = tune is Tune.PAID
        if self._error and tune is not Tune.CLICK:
            self._error.value = tune in (Tune.ATTENTION, Tune.REJECTED)


def _opened(kind: Callable[..., Any], pin: int | None, pin_factory: Any) -> Any:  # noqa: ANN401  (see above)
    if pin is None:
        return None
    try:
        return kind(pin, pin_factory=pin_factory)
    except ERRORS:
        return None
