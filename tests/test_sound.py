"""Buzzer and lights on gpiozero's mock pins; time is the test's, nothing waits."""

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
from kiosk.sale.lights import OUT, PAID, UNKNOWN, Lights, Shine
from kiosk.sound import BLINKS, REST_S, RHYTHMS, GpioSounds

ALL = SoundConfig(buzzer=18, led_paid=23, led_error=24)
LONG_S = 0.4
"""What an ear calls a long note."""


@pytest.fixture
def pins() -> Iterator[MockFactory]:
    factory = MockFactory()
    yield factory
    factory.close()


class Room:
    """Sounds and lights, their time, and who listens."""

    def __init__(self, pins: MockFactory, settings: SoundConfig = ALL) -> None:
        self._pins = pins
        self.now = 0.0
        self.sounds = GpioSounds(settings, lambda: self.now, pin_factory=pins)
        self.heard: list[tuple[bool, float]] = []
        """On or off, and for how long."""
        self.beats = 0

    def level(self, number: int) -> bool:
        return bool(self._pins.pin(number).state)

    @property
    def lights(self) -> tuple[bool, bool]:
        """Paid, error."""
        return self.level(23), self.level(24)

    def run(self, seconds: float) -> None:
        """Let time pass as the player's thread does: it sleeps until something is due."""
        end = self.now + seconds
        while True:
            self.beats += 1
            again_s = self.sounds.beat()
            sleep_s = end - self.now if again_s is None else min(again_s, end - self.now)
            self._listen(sleep_s)
            self.now += sleep_s
            if self.now >= end:
                return

    def _listen(self, seconds: float) -> None:
        on = self.level(18)
        if self.heard and self.heard[-1][0] is on:
            seconds += self.heard.pop()[1]
        self.heard.append((on, seconds))

    def notes(self) -> list[float]:
        """Sound, silence, sound, ...: what was heard, without the silence around it."""
        begun = list(itertools.dropwhile(lambda note: not note[0], self.heard))
        while begun and not begun[-1][0]:
            begun.pop()
        return [seconds for _, seconds in begun]


@pytest.fixture
def room(pins: MockFactory) -> Iterator[Room]:
    made = Room(pins)
    yield made
    made.sounds.close()


# --- tunes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tune", Tune)
def test_a_tune_is_its_rhythm_and_ends_in_silence(room: Room, tune: Tune) -> None:
    room.sounds.play(tune)
    room.run(10)
    assert room.notes() == pytest.approx(list(RHYTHMS[tune]))
    assert not room.level(18)
    assert room.sounds.beat() is None, "and nothing is due any more"


def test_every_tune_has_a_rhythm_of_its_own_that_ends_in_sound() -> None:
    assert set(RHYTHMS) == set(Tune)
    assert all(len(rhythm) % 2 == 1 for rhythm in RHYTHMS.values())
    for one, other in itertools.combinations(RHYTHMS.values(), 2):
        assert one != other


@pytest.mark.parametrize("tune", [tune for tune in Tune if tune is not Tune.PAID])
def test_l1_nobody_takes_another_tune_for_paid(tune: Tune) -> None:
    """It alone has a long note, at its end; and no ear that knows one by its beginning is misled."""
    paid, other = RHYTHMS[Tune.PAID], RHYTHMS[tune]
    assert max(other[::2]) < LONG_S <= paid[-1]
    assert max(paid[:-1:2]) < LONG_S / 2
    assert paid[: len(other)] != other
    assert other[: len(paid)] != paid


def test_no_tune_delays_the_next_for_long_but_the_alarm() -> None:
    long = {tune for tune, rhythm in RHYTHMS.items() if sum(rhythm) > 1.0}
    assert long == {Tune.NOT_CONFIRMED}


def test_one_tune_is_played_after_the_other(room: Room) -> None:
    room.sounds.play(Tune.CLICK)
    room.sounds.play(Tune.SCAN)
    room.run(5)
    assert room.notes() == pytest.approx([*RHYTHMS[Tune.CLICK], REST_S, *RHYTHMS[Tune.SCAN]])


def test_paid_cuts_off_what_sounds_and_waits_for_nothing(room: Room) -> None:
    for tune in (Tune.NOT_CONFIRMED, Tune.ATTENTION):
        room.sounds.play(tune)
    room.run(0.1)
    room.sounds.play(Tune.PAID)
    room.run(5)
    assert room.notes() == pytest.approx([0.1, REST_S, *RHYTHMS[Tune.PAID]])


def test_paid_itself_is_played_to_its_end(room: Room) -> None:
    room.sounds.play(Tune.PAID)
    room.run(0.1)
    room.sounds.play(Tune.ATTENTION)
    room.run(5)
    assert room.notes() == pytest.approx([*RHYTHMS[Tune.PAID], REST_S, *RHYTHMS[Tune.ATTENTION]])


def test_a_key_beaten_in_anger_is_not_heard_for_minutes_and_digits_are_all_heard(room: Room) -> None:
    for _ in range(50):
        room.sounds.play(Tune.REFUSED)
    room.run(5)
    assert room.notes() == pytest.approx(list(RHYTHMS[Tune.REFUSED]))
    room.heard.clear()
    for _ in range(4):
        room.sounds.play(Tune.CLICK)
        room.run(1 / 12)
    room.run(5)
    assert len(room.notes()) == 4 + 3


# --- lights -----------------------------------------------------------------------------------------------------------


def test_a_steady_light_costs_nothing(room: Room) -> None:
    room.sounds.light(PAID)
    assert room.sounds.beat() is None
    assert room.lights == (True, False)
    room.sounds.light(OUT)
    assert room.sounds.beat() is None
    assert room.lights == (False, False)


@pytest.mark.parametrize("shine", BLINKS)
def test_a_light_blinks_in_its_time_and_wakes_nobody_between(room: Room, shine: Shine) -> None:
    on_s, off_s = BLINKS[shine]
    room.sounds.light(Lights(red=shine))
    for _ in range(3):
        assert room.sounds.beat() == pytest.approx(on_s)
        assert room.lights == (False, True)
        room.now += on_s
        assert room.sounds.beat() == pytest.approx(off_s)
        assert room.lights == (False, False)
        room.now += off_s


def test_at_rest_the_lights_wake_the_kiosk_less_than_once_a_second(room: Room) -> None:
    room.sounds.light(Lights(Shine.FLASH, Shine.FLASH))
    room.run(60)
    assert room.beats <= 60


def test_the_same_lights_again_do_not_begin_anew(room: Room) -> None:
    room.sounds.light(UNKNOWN)
    room.run(0.3)
    before = room.lights
    room.sounds.light(UNKNOWN)
    assert room.lights == before


def test_a_light_goes_on_in_the_middle_of_a_tune(room: Room) -> None:
    """PAID is seen when it is heard, not afterwards."""
    room.sounds.play(Tune.PAID)
    room.run(0.05)
    room.sounds.light(PAID)
    assert room.lights == (True, False)
    room.run(5)
    assert room.notes() == pytest.approx(list(RHYTHMS[Tune.PAID]))
    assert room.lights == (True, False)


def test_lights_alone_work_without_a_buzzer(pins: MockFactory) -> None:
    room = Room(pins, SoundConfig(led_paid=23, led_error=24))
    room.sounds.play(Tune.PAID)
    room.sounds.light(PAID)
    assert room.sounds.beat() is None
    assert room.lights == (True, False)
    assert room.sounds.faults == ()
    room.sounds.close()


# --- pins that fail ---------------------------------------------------------------------------------------------------


def test_without_pins_nothing_is_opened_and_nothing_is_due() -> None:
    """Also on a machine that has no pins at all: gpiozero's own choice is not asked for."""
    sounds = GpioSounds(SoundConfig(), lambda: 0.0)
    sounds.play(Tune.PAID)
    sounds.light(PAID)
    assert sounds.beat() is None
    assert sounds.faults is None
    sounds.close()


def test_a_pin_that_is_taken_is_silent_and_told_and_the_others_work(pins: MockFactory) -> None:
    with LED(18, pin_factory=pins):
        room = Room(pins)
        room.sounds.play(Tune.PAID)
        room.sounds.light(PAID)
        room.run(5)
        assert room.lights == (True, False)
        faults = room.sounds.faults or ()
        assert len(faults) == 1
        assert faults[0].startswith("the buzzer at GPIO18 does not work: ")
        room.sounds.close()


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
def test_a_pin_that_fails_while_it_plays_is_told_and_raises_nothing(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And works again when it can."""
    library = ModuleType("lgpio")
    library.error = FakeLgpioError  # type: ignore[attr-defined]  # a stand-in for the library's class
    monkeypatch.setitem(sys.modules, "lgpio", library)
    pins = MockFactory(pin_class=BrokenPin)
    room = Room(pins)
    numbers = (18, 23, 24)
    assert room.sounds.faults == ()
    for number in numbers:
        pins.pin(number).error = error
    room.sounds.play(Tune.ATTENTION)
    room.sounds.light(Lights(Shine.SLOW, Shine.SLOW))
    room.run(1)
    faults: tuple[str, ...] = room.sounds.faults or ()
    assert [sum(f"GPIO{number} " in fault for fault in faults) for number in numbers] == [1, 1, 1]
    for number in numbers:
        pins.pin(number).error = None
    room.sounds.play(Tune.PAID)
    room.run(1)
    assert room.sounds.faults == ()
    for number in numbers:
        pins.pin(number).error = error
    room.sounds.close()
    for number in numbers:
        pins.pin(number).error = None
    pins.close()


def test_close_leaves_everything_silent_and_dark_and_the_pins_free(room: Room, pins: MockFactory) -> None:
    room.sounds.play(Tune.PAID)
    room.sounds.light(PAID)
    room.sounds.beat()
    assert room.level(18)
    room.sounds.close()
    assert (room.level(18), room.lights) == (False, (False, False))
    again = Room(pins)
    again.sounds.light(PAID)
    assert again.lights == (True, False)
    again.sounds.close()
    again.sounds.close()
    again.sounds.light(PAID)
    again.sounds.play(Tune.PAID)
    again.sounds.beat()
    assert (again.level(18), again.lights) == (False, (False, False))
