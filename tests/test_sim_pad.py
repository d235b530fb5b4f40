"""The virtual counter's keypad: the kiosk's own scanner hears what contacts do."""

from __future__ import annotations

import pytest

from kiosk.sale.events import Device, DeviceIs, Ill, Key
from kiosk.sim.pad import VirtualPad

ALL = "123A456B789C*0#D"


class Desk:
    """A pad, and what came of it."""

    def __init__(self) -> None:
        self.keys: list[Key] = []
        self.reports: list[DeviceIs] = []
        self.pad = VirtualPad(self.keys.append, self.reports.append)

    @property
    def typed(self) -> str:
        """The keys that went down."""
        return "".join(key.key for key in self.keys if not key.held)


@pytest.fixture
def desk() -> Desk:
    """A sound pad."""
    return Desk()


def test_every_key_is_heard_once(desk: Desk) -> None:
    """One after the other, the same one twice in a row, too."""
    desk.pad.press(ALL)
    desk.pad.press("2500#")
    assert desk.keys == [Key(key) for key in ALL + "2500#"]


def test_only_the_last_key_is_held(desk: Desk) -> None:
    """It goes down first, and is held then."""
    desk.pad.press("1*", held=True)
    assert desk.keys == [Key("1"), Key("*"), Key("*", held=True)]


@pytest.mark.parametrize("keys", [ALL, "5" * 200])
def test_chatter_doubles_and_swallows_nothing(desk: Desk, keys: str) -> None:
    """Every contact flips up to eight times within 20 ms at each end."""
    desk.pad.bouncing = True
    desk.pad.press(keys)
    assert desk.typed == keys
    desk.pad.bouncing = False
    desk.pad.press("1")
    assert desk.typed == keys + "1"


def test_a_jammed_key_types_once_and_the_others_go_on(desk: Desk) -> None:
    """As it jams it is a press like any; then it is stuck, whoever presses it, and is a key again when it is free."""
    desk.pad.jam("5")
    assert desk.keys == [Key("5"), Key("5", held=True)]
    well, stuck = desk.reports
    assert well == DeviceIs(Device.KEYPAD)
    assert [(fault.ill, fault.key) for fault in stuck.faults] == [(Ill.STUCK, "5")]
    desk.pad.jam("5")
    desk.pad.press("15#5")
    assert desk.typed == "51#"
    assert desk.reports == [well, stuck]
    desk.pad.jam("")
    assert desk.reports == [well, stuck, well]
    desk.pad.press("5")
    assert desk.typed == "51#5"


def test_another_key_may_jam_instead(desk: Desk) -> None:
    """One at a time."""
    desk.pad.jam("5")
    desk.pad.jam("9")
    desk.pad.press("59")
    assert desk.typed == "595"
