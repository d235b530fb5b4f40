"""Buzzer and lights, by gpiozero: what a cashier hears and sees without looking at the panel.

Each tune is its own rhythm on an active buzzer (on or off, no pitch), so that PAID is never taken for anything else:
it alone ends in a long note, and it cuts off whatever sounds. Nothing here waits, and there is no thread: notes and
blinks are due at a time, and ``beat`` does what is due. So a light goes on in the middle of a tune, and a steady light
costs nothing; gpiozero's ``beep`` and ``blink`` would start a thread for each call.

A pin that cannot be used is silent or dark: no sale waits for a beep (L9).
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from gpiozero import LED, Buzzer, GPIOZeroError

from kiosk.config import SoundConfig
from kiosk.ports import Clock
from kiosk.sale.commands import Tune
from kiosk.sale.lights import Lights, Shine

RHYTHMS: Final = MappingProxyType(
    {
        Tune.CLICK: (0.015,),
        Tune.ADDED: (0.015, 0.1, 0.08),
        Tune.REFUSED: (0.05, 0.05, 0.05),
        Tune.AMOUNT: (0.05, 0.05, 0.05, 0.05, 0.05, 0.05, 0.05),
        Tune.SCAN: (0.1, 0.2, 0.1),
        Tune.PAID: (0.12, 0.06, 0.12, 0.06, 0.5),
        Tune.REJECTED: (0.25, 0.15, 0.25),
        Tune.WITHDRAWN: (0.25, 0.15, 0.08),
        Tune.ATTENTION: (0.15, 0.1, 0.15, 0.1, 0.15, 0.1, 0.15),
        Tune.NOT_CONFIRMED: (*(0.2, 0.08) * 10, 0.2),
    }
)
"""Seconds of sound, silence, sound, and so on; sound at last."""
REST_S: Final = 0.15
"""Silence between two tunes."""
BLINKS: Final = MappingProxyType({Shine.FLASH: (0.1, 2.9), Shine.SLOW: (0.5, 0.5), Shine.FAST: (0.12, 0.12)})
"""Seconds of light and of dark."""


class _Pin:
    """One output. It fails silently, and remembers how."""

    def __init__(self, name: str, kind: Callable[..., Any], number: int, pin_factory: Any) -> None:
        self._what = f"the {name} at GPIO{number}"
        self._device: Any = None
        self.fault = ""
        """Why it does not work, in one line; empty: it does."""
        with self._noted():
            self._device = kind(number, pin_factory=pin_factory)

    def set(self, on: bool) -> None:
        """Switch it on or off."""
        if self._device is not None:
            with self._noted():
                self._device.value = on

    def close(self) -> None:
        """Switch it off, and give it back: a closed pin is an input, and floats."""
        self.set(False)
        if self._device is not None:
            with suppress(*_errors()):
                self._device.close()
        self._device = None

    @contextmanager
    def _noted(self) -> Iterator[None]:
        try:
            yield
        except _errors() as error:
            self.fault = f"{self._what} does not work: {error or type(error).__name__}"
        else:
            self.fault = ""


@dataclass(slots=True)
class _Lamp:
    """One light, and what it does."""

    pin: _Pin
    shine: Shine = Shine.DARK
    on: bool = False
    due_at: float | None = None
    """When it is to be switched over; None: it stays as it is."""

    def begin(self, shine: Shine, now: float) -> None:
        if shine is not self.shine:
            self.shine = shine
            self.on = shine is Shine.STEADY
            self.due_at = now if shine in BLINKS else None
            self.pin.set(self.on)

    def beat(self, now: float) -> None:
        if self.due_at is not None and now >= self.due_at:
            self.on = not self.on
            self.pin.set(self.on)
            self.due_at = now + BLINKS[self.shine][0 if self.on else 1]


@dataclass(slots=True)
class _Horn:
    """The buzzer, and the notes it still has to play."""

    pin: _Pin
    notes: deque[tuple[bool, float]] = field(default_factory=deque)
    """Sound or silence, and for how many seconds."""
    due_at: float | None = None
    """When the note that is played ends; None: nothing is played."""

    def play(self, tune: Tune, now: float) -> None:
        if tune is Tune.REFUSED and self.due_at is not None:
            return  # a key that is beaten in anger must not be heard for minutes
        if tune is Tune.PAID and self.due_at is not None:
            self.notes.clear()
            self.notes.append((False, REST_S))
            self.due_at = now
        self.notes += [(number % 2 == 0, seconds) for number, seconds in enumerate(RHYTHMS[tune])]
        self.notes.append((False, REST_S))
        if self.due_at is None:
            self.due_at = now

    def beat(self, now: float) -> None:
        if self.due_at is None or now < self.due_at:
            return
        if self.notes:
            on, seconds = self.notes.popleft()
            self.pin.set(on)
            self.due_at = now + seconds
        else:
            self.due_at = None


class GpioSounds:
    """The buzzer and the two lights of the configuration; ``kiosk.ports.Sounds``. Used by one thread."""

    def __init__(self, settings: SoundConfig, clock: Clock, *, pin_factory: Any = None) -> None:
        """Take the pins; one that cannot be had stays silent or dark.

        Args:
            settings: which pins; None: not there.
            clock: monotonic seconds.
            pin_factory: gpiozero's, that of the keypad; None: gpiozero's own choice. The caller closes it.
        """
        self._clock = clock
        self._pins: list[_Pin] = []

        def opened(name: str, kind: Callable[..., Any], number: int | None) -> _Pin | None:
            if number is None:
                return None
            self._pins.append(_Pin(name, kind, number, pin_factory))
            return self._pins[-1]

        buzzer = opened("buzzer", Buzzer, settings.buzzer)
        green, red = opened("paid light", LED, settings.led_paid), opened("error light", LED, settings.led_error)
        self._horn = _Horn(buzzer) if buzzer else None
        self._green, self._red = (_Lamp(pin) if pin else None for pin in (green, red))

    @property
    def faults(self) -> tuple[str, ...] | None:
        """Which of them do not work, and why, a line each; None: there are none at all."""
        return tuple(pin.fault for pin in self._pins if pin.fault) if self._pins else None

    def play(self, tune: Tune) -> None:
        """Play it from the next ``beat`` on, after what is playing; PAID cuts that off."""
        if self._horn:
            self._horn.play(tune, self._clock())

    def light(self, lights: Lights) -> None:
        """Let the lights shine so."""
        now = self._clock()
        for lamp, shine in ((self._green, lights.green), (self._red, lights.red)):
            if lamp:
                lamp.begin(shine, now)

    def beat(self) -> float | None:
        """Do what is due; answers after how many seconds to call again, None for never."""
        now = self._clock()
        parts = [part for part in (self._horn, self._green, self._red) if part]
        for part in parts:
            part.beat(now)
        due = [part.due_at for part in parts if part.due_at is not None]
        return max(0.0, min(due) - self._clock()) if due else None

    def close(self) -> None:
        """Silent and dark."""
        for pin in self._pins:
            pin.close()
        self._horn = self._green = self._red = None


def _errors() -> tuple[type[Exception], ...]:
    """What a pin may raise. lgpio's error has none of the others above it; it is known once that library is loaded."""
    lgpio = sys.modules.get("lgpio")
    return (GPIOZeroError, OSError, *((lgpio.error,) if lgpio else ()))
