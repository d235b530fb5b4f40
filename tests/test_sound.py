"""Buzzer and lights on gpiozero's mock pins; nothing waits."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest
from gpiozero import LED
from gpiozero.pins.mock import MockFactory, MockPin

from kiosk.config import SoundConfig
from kiosk.sale.commands import Tune
from kiosk.sound import RHYTHMS, GpioSounds

ALL = SoundConfig(buzzer=18, led_paid=23, led_error=24)


@pytest.fixture
def pins() -> Iterator[MockFactory]:
    factory = MockFactory()
    yield factory
    factory.close()


class Ear:
    """Waits for nobody, and remembers how long the buzzer was on and off."""

    def __init__(self, pins: MockFactory) -> None:
        self._pins = pins
        self.heard: list[tuple[bool, float]] = []

    def __call__(self, seconds: float) -> None:
        self.heard.append((bool(self._pins.pin(18).state), seconds))


def lights(pins: MockFactory) -> tuple[bool, bool]:
    """Paid, error."""
    return bool(pins.pin(23).state), bool(pins.pin(24).state)


@pytest.mark.parametrize("tune", Tune)
def test_a_tune_is_its_rhythm_and_ends_in_silence(pins: MockFactory, tune: Tune) -> None:
    ear = Ear(pins)
    sounds = GpioSounds(ALL, pin_factory=pins, wait=ear)
    sounds.play(tune)
    assert ear.heard == [(number % 2 == 0, seconds) for number, seconds in enumerate(RHYTHMS[tune])]
    assert not pins.pin(18).state
    sounds.close()


def test_every_tune_has_a_rhythm_of_its_own_that_ends_in_sound() -> None:
    assert set(RHYTHMS) == set(Tune)
    assert all(len(rhythm) % 2 == 1 for rhythm in RHYTHMS.values())
    for one, other in itertools.combinations(RHYTHMS.values(), 2):
        assert one != other


def test_no_tune_delays_the_next_for_long() -> None:
    assert all(sum(rhythm) <= 1.0 for rhythm in RHYTHMS.values())


def test_paid_lights_green_until_the_next_tune(pins: MockFactory) -> None:
    sounds = GpioSounds(ALL, pin_factory=pins, wait=Ear(pins))
    sounds.play(Tune.PAID)
    assert lights(pins) == (True, False)
    sounds.play(Tune.CLICK)
    assert lights(pins) == (False, False)
    sounds.close()


@pytest.mark.parametrize("trouble", [Tune.ATTENTION, Tune.REJECTED])
def test_trouble_stands_in_red_while_keys_are_pressed_and_ends_with_paid(pins: MockFactory, trouble: Tune) -> None:
    sounds = GpioSounds(ALL, pin_factory=pins, wait=Ear(pins))
    sounds.play(trouble)
    assert lights(pins) == (False, True)
    sounds.play(Tune.CLICK)
    assert lights(pins) == (False, True)
    sounds.play(Tune.PAID)
    assert lights(pins) == (True, False)
    sounds.close()


def test_without_pins_nothing_is_opened_and_nothing_waits() -> None:
    """Also on a machine that has no pins at all: gpiozero's own choice is not asked for."""
    waited: list[float] = []
    sounds = GpioSounds(SoundConfig(), wait=waited.append)
    sounds.play(Tune.PAID)
    sounds.close()
    assert waited == []


def test_lights_alone_work_without_a_buzzer(pins: MockFactory) -> None:
    sounds = GpioSounds(SoundConfig(led_paid=23, led_error=24), pin_factory=pins)
    sounds.play(Tune.PAID)
    assert lights(pins) == (True, False)
    sounds.close()


def test_a_pin_that_is_taken_is_silent_and_the_others_work(pins: MockFactory) -> None:
    with LED(18, pin_factory=pins):
        sounds = GpioSounds(ALL, pin_factory=pins, wait=Ear(pins))
        sounds.play(Tune.PAID)
        assert lights(pins) == (True, False)
        sounds.close()


class FakeLgpioError(Exception):
    """As in lgpio: nothing but an exception."""


class BrokenPin(MockPin):  # type: ignore[misc]  # gpiozero ships no types
    """Fails at each change of level, once ``error`` is set."""

    error: Exception | None = None

    def _set_state(self, value: float) -> None:
        if self.error is not None:
            raise self.error
        super()._set_state(value)


@pytest.mark.parametrize(
    "error", [OSError(5, "Input/output error"), FakeLgpioError("GPIO busy")], ids=["OSError", "lgpio"]
)
def test_a_pin_that_fails_while_it_plays_raises_nothing(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    library = ModuleType("lgpio")
    library.error = FakeLgpioError  # type: ignore[attr-defined]  # a stand-in for the library's class
    monkeypatch.setitem(sys.modules, "lgpio", library)
    pins = MockFactory(pin_class=BrokenPin)
    waited: list[float] = []
    sounds = GpioSounds(ALL, pin_factory=pins, wait=waited.append)
    for number in (18, 23, 24):
        pins.pin(number).error = error
    sounds.play(Tune.ATTENTION)
    sounds.close()
    for number in (18, 23, 24):
        pins.pin(number).error = None
    assert waited == list(RHYTHMS[Tune.ATTENTION])
    pins.close()


def test_close_leaves_everything_silent_and_dark_and_the_pins_free(pins: MockFactory) -> None:
    sounds = GpioSounds(ALL, pin_factory=pins, wait=Ear(pins))
    sounds.play(Tune.PAID)
    sounds.close()
    assert lights(pins) == (False, False)
    again = GpioSounds(ALL, pin_factory=pins, wait=Ear(pins))
    again.play(Tune.PAID)
    assert lights(pins) == (True, False)
    again.close()
    again.close()
    again.play(Tune.PAID)
    assert lights(pins) == (False, False)
