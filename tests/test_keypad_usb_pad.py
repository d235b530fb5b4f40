"""A USB pad over the kernel's own records: plugged in, pulled, grabbed, refused."""

from __future__ import annotations

import errno
import math
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import ExceptHookArgs
from types import SimpleNamespace
from typing import cast

import pytest

from kiosk.config import KeypadConfig
from kiosk.keypad import KeypadError, RunningKeypad, keypad_state, open_keypad
from kiosk.keypad.input_devices import Evdev, Library
from kiosk.keypad.usb_pad import LOOK_S, Finder, Listener, NoPadError, pad_state
from kiosk.sale.events import Device, DeviceIs, Fault, Ill, Key
from tests import usb_pads
from tests.usb_pads import BACKSPACE, F1, KEYBOARD, KP, KP_DOT, KP_ENTER, Pad, Sockets

LIMIT_S = 20.0
"""Longer than anything here takes in real time; a test that waits so long has failed."""
FIRST = KeypadConfig(driver="usb")
WELL = DeviceIs(Device.KEYPAD)
GONE = "USB Keypad was pulled: no key is heard until it is back"
NONE = "no USB number pad is found: plug it in, or set [keypad] device"


def evdevs_own() -> type[usb_pads.Device]:
    """The same pipe, read by the library that reads a real pad."""
    evdev = pytest.importorskip("evdev", reason="evdev is not installed")

    class Read(usb_pads.Device):
        def read(self) -> Iterator[usb_pads.Word]:
            return cast("Iterator[usb_pads.Word]", evdev.InputDevice.read(self))

    return Read


@dataclass
class Desk:
    """A counter with USB sockets, and the keypad's thread taken turn by turn in the test's own time."""

    folder: Path
    settings: KeypadConfig = FIRST
    device: type[usb_pads.Device] = usb_pads.Device
    now: float = 1000.0
    keys: list[Key] = field(default_factory=list)
    reports: list[str] = field(default_factory=list)
    """What was told in words: which pad is heard, and each thing that was found wrong with it."""
    health: list[DeviceIs] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sockets = Sockets(self.folder, self.device)
        self.library = cast("Library", self.sockets)
        self.listener = self.listen()

    def listen(self) -> Listener:
        """As the kiosk does."""
        finder = Finder(self.settings, self.library, self.folder)
        return Listener(finder, self.library, self.keys.append, self.report, self.reports.append, lambda: self.now)

    def report(self, health: DeviceIs) -> None:
        """How the pad is: each word differs from the one before."""
        assert self.health[-1:] != [health]
        self.health.append(health)
        self.reports += [fault.text for fault in health.faults]

    def turn(self) -> Desk:
        """What there is to hear now."""
        assert self.listener.turn() is False
        return self

    def wait(self, seconds: float) -> Desk:
        """Time passes; turns are taken when they are due."""
        end = self.now + seconds
        while self.listener.wakes_at <= end:
            self.now = due = max(self.now, self.listener.wakes_at)
            self.turn()
            assert self.listener.wakes_at > due, "it would turn for ever"
        self.now = end
        return self

    @property
    def typed(self) -> str:
        """The keys, as a text."""
        return "".join(key.key for key in self.keys if not key.held)


@pytest.fixture(params=["unpacked here", "read by evdev"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    """A counter; its pads' records read by the test, and by evdev where that is installed."""
    made = Desk(tmp_path, device=usb_pads.Device if request.param == "unpacked here" else evdevs_own())
    yield made
    made.listener.close()


# --- keys -------------------------------------------------------------------------------------------------------------


def test_what_is_typed_arrives(desk: Desk) -> None:
    """An amount with a key for two zeros, and charge."""
    pad = desk.sockets.plug()
    desk.turn()
    pad.strike(KP["2"], KP["5"], KP["0"], KP["0"], KP_ENTER)
    assert desk.turn().typed == "2500#"
    assert desk.reports == [f"the keypad is USB Keypad ({pad.path})"]


def test_more_than_one_reading_holds_is_read_by_and_by(desk: Desk) -> None:
    """evdev reads 64 records at a time."""
    pad = desk.sockets.plug()
    desk.turn()
    pad.strike(*[KP[digit] for digit in "1234567890" * 4])
    for _ in range(5):
        desk.turn()
    assert desk.typed == "1234567890" * 4


def test_held_and_stuck_are_heard_without_a_word_of_the_pad(desk: Desk) -> None:
    pad = desk.sockets.plug()
    desk.turn()
    pad.set(BACKSPACE, 1)
    desk.turn().wait(1.0)
    assert desk.keys == [Key("*"), Key("*", held=True)]
    desk.wait(30)
    stuck = "key * has been down for 30 s: it is stuck, and ignored until it is released"
    assert desk.health == [WELL, DeviceIs(Device.KEYPAD, (Fault(Ill.STUCK, stuck, "*"),))]
    pad.set(BACKSPACE, 0)
    pad.strike(BACKSPACE)
    assert desk.turn().typed == "**"
    assert desk.health[2:] == [WELL]


def test_a_key_that_means_nothing_is_named_as_it_goes_down(desk: Desk) -> None:
    pad = desk.sockets.plug()
    desk.turn()
    pad.strike(KP["1"], F1, KP_DOT)
    pad.set(F1, 1)
    pad.set(F1, 2)
    assert desk.turn().typed == "1"
    assert desk.reports[1:] == ["KEY_F1: not used", "KEY_KPDOT: not used", "KEY_F1: not used"]


def test_while_a_pad_is_there_and_nothing_is_down_nobody_wakes(desk: Desk) -> None:
    """Idle costs nothing: no look, no poll."""
    desk.sockets.plug()
    assert desk.turn().listener.wakes_at == math.inf
    assert desk.turn().listener.wakes_at == math.inf


# --- words that were lost ---------------------------------------------------------------------------------------------


def test_after_words_were_dropped_the_pad_is_asked_what_is_down(desk: Desk) -> None:
    """The rest of that report is not to be believed (Documentation/input/event-codes.rst, SYN_DROPPED)."""
    pad = desk.sockets.plug()
    desk.turn()
    pad.set(KP["1"], 1)
    desk.turn()
    pad.down = {KP["5"]}
    pad.say(0, 3, 0)
    pad.say(1, KP["9"], 1)
    pad.say(0, 0, 0)
    assert desk.turn().typed == "15"
    assert desk.reports[1:] == ["the pad said more than could be heard: keys may be lost"]
    pad.strike(KP["9"])
    desk.turn().wait(0.99)
    assert desk.typed == "159"
    assert not any(key.held for key in desk.keys)
    desk.wait(0.01)
    assert desk.keys[-1] == Key("5", held=True)


# --- plugged in and pulled --------------------------------------------------------------------------------------------


def test_a_pad_that_is_plugged_in_later_is_found_within_a_second(desk: Desk) -> None:
    desk.turn().wait(10)
    assert desk.reports == [NONE]
    pad = desk.sockets.plug()
    desk.wait(LOOK_S)
    pad.strike(KP["7"])
    assert desk.turn().typed == "7"


def test_a_pad_that_is_pulled_is_missed_and_found_again(desk: Desk) -> None:
    """A key that was down is up; it is not held, nor stuck, nor down when the pad comes back, perhaps elsewhere."""
    pad = desk.sockets.plug()
    desk.turn()
    pad.set(KP["3"], 1)
    desk.turn()
    pad.pull()
    desk.turn().wait(100)
    assert desk.keys == [Key("3")]
    assert desk.reports[1:] == [GONE, NONE]
    pad = desk.sockets.plug(node="event12")
    desk.wait(LOOK_S)
    pad.strike(KP["3"])
    assert desk.turn().typed == "33"
    assert desk.reports[3:] == [f"the keypad is USB Keypad ({pad.path})"]


def test_what_was_typed_before_it_was_pulled_is_heard(desk: Desk) -> None:
    pad = desk.sockets.plug()
    desk.turn()
    pad.strike(KP["3"])
    pad.pull()
    assert desk.turn().typed == "3"
    assert GONE not in desk.reports
    assert GONE in desk.turn().reports


def test_a_key_that_is_down_when_the_pad_comes_is_nobodys_press(desk: Desk) -> None:
    """Something lies on it. It is reported at last; let go, it is a key."""
    pad = desk.sockets.plug()
    pad.down.add(KP["4"])
    desk.turn()
    pad.set(KP["4"], 2)
    desk.turn().wait(29)
    assert desk.keys == []
    desk.wait(2)
    assert desk.reports[1:] == ["key 4 has been down for 30 s: it is stuck, and ignored until it is released"]
    pad.set(KP["4"], 0)
    pad.strike(KP["4"])
    assert desk.turn().keys == [Key("4")]


def test_an_error_of_reading_is_told_and_the_pad_opened_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Electricity in the cable: the kernel says EIO or the like, and the node may stay."""
    pad = desk.sockets.plug()
    desk.turn()

    def broken() -> Iterator[usb_pads.Word]:
        raise OSError(errno.EIO, "Input/output error")

    pad.listeners[0].read = broken  # type: ignore[method-assign]
    desk.turn()
    assert "cannot be read ([Errno 5] Input/output error)" in desk.reports[-1]
    desk.wait(LOOK_S)
    pad.strike(KP["4"])
    assert desk.turn().typed == "4"


def test_a_pad_pulled_while_it_is_being_taken_is_no_end(desk: Desk) -> None:
    class Vanishing(desk.device):  # type: ignore[name-defined,misc]
        def active_keys(self) -> list[int]:
            raise OSError(errno.ENODEV, "No such device")

    pad = desk.sockets.plug()
    whole, desk.sockets.device = desk.sockets.device, Vanishing
    desk.turn()
    assert desk.reports[-1] == GONE
    desk.sockets.device = whole
    desk.wait(LOOK_S)
    pad.strike(KP["6"])
    assert desk.turn().typed == "6"


# --- whose it is ------------------------------------------------------------------------------------------------------


def test_the_pad_is_ours_alone_and_is_given_back(tmp_path: Path) -> None:
    """What the cashier types is not typed at the machine's console."""
    desk = Desk(tmp_path)
    pad = desk.sockets.plug()
    desk.turn()
    assert [pad.grabbed_by] == pad.listeners
    desk.listener.close()
    assert [pad.grabbed_by, *pad.listeners] == [None]


def test_a_pad_that_another_holds_is_not_heard_until_it_is_free(tmp_path: Path) -> None:
    """Half a grab would type amounts into somebody else's program."""
    desk = Desk(tmp_path)
    pad = desk.sockets.plug()
    pad.grabbed_by = "another"
    desk.turn().wait(3)
    pad.strike(KP["1"])
    (report,) = desk.turn().reports
    assert report.startswith(f"another program has {pad.path} (USB Keypad) for itself alone: stop it")
    assert pad.listeners == []
    pad.grabbed_by = None
    desk.wait(LOOK_S)
    pad.strike(KP["1"])
    assert desk.turn().typed == "1"
    desk.listener.close()


def test_a_device_that_may_not_be_opened_is_told_at_the_second_look(tmp_path: Path) -> None:
    """For a moment after it is plugged in it is nobody's: then that is no news. For longer, the group is missing."""
    desk = Desk(tmp_path)
    pad = desk.sockets.plug()
    pad.error = PermissionError(errno.EACCES, "Permission denied")
    desk.turn()
    assert desk.reports == []
    desk.wait(5)
    assert desk.reports == [f"not allowed to use {pad.path}: add this user to the group input"]
    pad.error = None
    desk.wait(LOOK_S)
    assert desk.reports[1:] == [f"the keypad is USB Keypad ({pad.path})"]
    desk.listener.close()

    quick = Desk(tmp_path)
    pad = quick.sockets.plug()
    pad.error = PermissionError(errno.EACCES, "Permission denied")
    quick.turn()
    pad.error = None
    quick.wait(LOOK_S)
    assert quick.reports == [f"the keypad is USB Keypad ({pad.path})"]
    quick.listener.close()


# --- which it is ------------------------------------------------------------------------------------------------------


@dataclass
class Plugged:
    """A machine with some devices."""

    name: str
    codes: tuple[int, ...] = usb_pads.PAD


MOUSE = Plugged("Mouse", (272, 273, 274))
ROW = Plugged("Remote control", (*range(2, 12), 28, 14))
READER = Plugged("Barcode reader", KEYBOARD)
PAD = Plugged("Number pad")


@pytest.mark.parametrize(
    ("devices", "taken", "words"),
    [
        ([MOUSE, PAD], "Number pad", "event1)"),
        ([READER, PAD], "Number pad", "; not heard: Barcode reader"),
        ([PAD, READER], "Number pad", "; not heard: Barcode reader"),
        ([PAD, Plugged("Another")], "Number pad", "; not heard: Another"),
        ([MOUSE, READER], "Barcode reader", "if that is not the pad, set [keypad] device"),
        ([MOUSE, ROW], None, NONE),
        ([], None, NONE),
    ],
)
def test_the_first_number_pad_is_taken_and_a_keyboard_only_where_there_is_none(
    tmp_path: Path, devices: list[Plugged], taken: str | None, words: str
) -> None:
    sockets = Sockets(tmp_path)
    for number, device in enumerate(devices):
        sockets.plug(device.name, device.codes, f"event{number}")
    finder = Finder(FIRST, cast("Library", sockets), tmp_path)
    if taken is None:
        with pytest.raises(NoPadError, match="^" + words.split(":")[0]):
            finder.find()
    else:
        found = finder.find()
        assert found.device.name == taken
        assert words in found.words
        found.device.close()
    assert [pad.name for pad in sockets.pads.values() if pad.listeners] == []


def test_event10_comes_after_event9(tmp_path: Path) -> None:
    sockets = Sockets(tmp_path)
    for node in ("event10", "event9", "mouse0", "eventual"):
        sockets.plug(node, node=node)
    found = Finder(FIRST, cast("Library", sockets), tmp_path).find()
    assert found.device.name == "event9"
    found.device.close()


def test_a_barcode_reader_is_not_taken_in_the_place_of_a_pad(tmp_path: Path) -> None:
    """Its digits would be amounts. Its twin: where no pad ever was, it is the pad, for all we know."""
    desk = Desk(tmp_path)
    desk.sockets.plug("Barcode reader", KEYBOARD, "event1")
    pad = desk.sockets.plug()
    desk.turn()
    pad.pull()
    desk.turn().wait(60)
    assert [pad.name for pad in desk.sockets.pads.values() if pad.grabbed_by] == []
    desk.sockets.plug(node="event7")
    desk.wait(LOOK_S)
    assert [pad.name for pad in desk.sockets.pads.values() if pad.grabbed_by] == ["USB Keypad"]
    desk.listener.close()


def test_a_device_that_is_no_pad_is_opened_once(tmp_path: Path) -> None:
    """Opening wakes devices that sleep. One that is plugged in at the same place is another."""
    desk = Desk(tmp_path)
    mouse = desk.sockets.plug("Mouse", MOUSE.codes)
    desk.turn().wait(100)
    assert mouse.opened == 1
    mouse.path.unlink()
    desk.wait(1)
    (tmp_path / "another").touch()  # it takes the number that the file system would give again
    desk.sockets.plug()
    desk.wait(LOOK_S)
    assert desk.reports[-1].startswith("the keypad is USB Keypad")
    desk.listener.close()


# --- a configured one -------------------------------------------------------------------------------------------------


def configured(tmp_path: Path) -> tuple[Sockets, KeypadConfig]:
    """The name that udev gives it."""
    link = tmp_path / "by-id" / "usb-SEM-event-kbd"
    link.parent.mkdir()
    link.symlink_to(tmp_path / "event3")
    return Sockets(tmp_path), KeypadConfig(driver="usb", device=str(link))


def test_the_configured_pad_is_taken_whatever_else_there_is(tmp_path: Path) -> None:
    """Even one with the digits of a row, which would not be found by itself."""
    sockets, settings = configured(tmp_path)
    sockets.plug("Another", node="event1")
    sockets.plug("By the row", (*range(2, 12), 28, 14))
    found = Finder(settings, cast("Library", sockets), tmp_path).find()
    assert found.words == f"the keypad is By the row ({settings.device})"
    found.device.close()


@pytest.mark.parametrize(
    ("pad", "words"),
    [
        (None, r"^there is no .*/by-id/usb-SEM-event-kbd: plug the pad in, or correct \[keypad\] device$"),
        (MOUSE, r"\(Mouse\) is no pad, it cannot send 0123456789\*#: correct \[keypad\] device$"),
        (Plugged("Digits", tuple(range(2, 12))), r"\(Digits\) is no pad, it cannot send \*#"),
    ],
)
def test_a_configured_pad_that_is_none_is_told(tmp_path: Path, pad: Plugged | None, words: str) -> None:
    sockets, settings = configured(tmp_path)
    if pad:
        sockets.plug(pad.name, pad.codes)
    with pytest.raises(NoPadError, match=words):
        Finder(settings, cast("Library", sockets), tmp_path).find()
    assert not any(pad.listeners for pad in sockets.pads.values())


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (PermissionError(errno.EACCES, "Permission denied"), "not allowed to use {}: add this user to the group input"),
        (OSError(errno.ENOTTY, "Inappropriate ioctl"), "{} cannot be used ([Errno 25] Inappropriate ioctl)"),
    ],
)
def test_a_configured_pad_that_cannot_be_opened_is_told(tmp_path: Path, error: OSError, words: str) -> None:
    sockets, settings = configured(tmp_path)
    sockets.plug().error = error
    with pytest.raises(NoPadError) as told:
        Finder(settings, cast("Library", sockets), tmp_path).find()
    assert str(told.value) == words.format(settings.device)


# --- the check --------------------------------------------------------------------------------------------------------


def jam(pad: Pad) -> None:
    """A key that nobody presses."""
    pad.down.add(KP["8"])


def hold(pad: Pad) -> None:
    """Somebody else has it."""
    pad.grab_error = OSError(errno.EBUSY, "Device or resource busy")


def forbid(pad: Pad) -> None:
    """The group is missing."""
    pad.error = PermissionError(errno.EACCES, "Permission denied")


@pytest.mark.parametrize(
    ("change", "well", "problem"),
    [
        (lambda _pad: None, "the keypad is USB Keypad (", ""),
        (jam, "the keypad is USB Keypad (", "key 8 is down: if nobody presses it, it is jammed"),
        (hold, "", "another program has "),
        (forbid, "", "not allowed to use "),
        (lambda pad: pad.pull(), "", NONE),
    ],
)
def test_the_check_says_which_pad_there_is_or_why_there_is_none(
    tmp_path: Path, change: Callable[[Pad], None], well: str, problem: str
) -> None:
    """And gives it back."""
    sockets = Sockets(tmp_path)
    pad = sockets.plug()
    change(pad)
    told, problems = pad_state(FIRST, cast("Library", sockets), tmp_path)
    assert told.startswith(well)
    assert bool(told) is bool(well)
    assert [line[: len(problem)] for line in problems] == ([problem] if problem else [])
    assert (pad.listeners, pad.grabbed_by) == ([], None)


# --- the thread -------------------------------------------------------------------------------------------------------


def test_the_thread_hears_a_pad_that_comes_goes_and_comes_again(tmp_path: Path) -> None:
    """In real time, which only the second between two looks costs; an exception of ``post`` loses that one key."""
    sockets, said = Sockets(tmp_path), queue.SimpleQueue[Key | DeviceIs | str]()
    library = cast("Library", sockets)
    crashed = threading.Event()

    def post(key: Key) -> None:
        if key.key == "9":
            raise RuntimeError("nine")
        said.put(key)

    def crash(args: ExceptHookArgs) -> None:
        assert str(args.exc_value) == "nine"
        crashed.set()

    pad = sockets.plug()
    finder = Finder(FIRST, library, tmp_path)
    listener = Listener(finder, library, post, said.put, said.put, time.monotonic)
    before, threading.excepthook = threading.excepthook, crash
    keypad = RunningKeypad(listener, listener.close)
    try:
        assert str(said.get(timeout=LIMIT_S)).startswith("the keypad is USB Keypad")
        assert said.get(timeout=LIMIT_S) == WELL
        pad.strike(KP["1"], KP["9"], KP["2"])
        assert [said.get(timeout=LIMIT_S) for _ in range(2)] == [Key("1"), Key("2")]
        assert crashed.wait(LIMIT_S)
        pad.pull()
        assert said.get(timeout=LIMIT_S) == DeviceIs(Device.KEYPAD, (Fault(Ill.DEAD, GONE),))
        pad = sockets.plug(node="event5")
        assert str(said.get(timeout=LIMIT_S)).startswith("the keypad is USB Keypad")
        assert said.get(timeout=LIMIT_S) == WELL
        pad.strike(KP["3"])
        assert said.get(timeout=LIMIT_S) == Key("3")
    finally:
        keypad.close()
        threading.excepthook = before
    assert not pad.grabbed_by
    assert not any(thread.name == "keypad" for thread in threading.enumerate())
    keypad.close()


# --- the library ------------------------------------------------------------------------------------------------------


def test_without_the_library_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line, by the kiosk and by its check."""
    monkeypatch.setitem(sys.modules, "evdev", None)
    with pytest.raises(KeypadError, match=r'^\[keypad\]: driver "usb" needs a library that is missing') as told:
        open_keypad(FIRST, print, time.monotonic)
    assert str(told.value).endswith("run sudo ./install.sh again; in a checkout, pip install evdev")
    assert keypad_state(FIRST) == ("", [str(told.value)])


def test_with_the_library_the_configured_pad_is_heard_and_checked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """All of it together; and what is not used is named."""
    sockets, settings = configured(tmp_path)
    library = SimpleNamespace(InputDevice=sockets.open, ecodes=SimpleNamespace(keys={F1: ("KEY_F1", "KEY_ALIAS")}))
    monkeypatch.setitem(sys.modules, "evdev", library)
    said = queue.SimpleQueue[Key | DeviceIs | str]()
    pad = sockets.plug()
    keypad = open_keypad(settings, said.put, time.monotonic, report=said.put, tell=said.put)
    assert [said.get(timeout=LIMIT_S) for _ in range(2)] == [
        f"the keypad is USB Keypad ({settings.device})",
        WELL,
    ]
    pad.strike(F1, KP["5"])
    assert [said.get(timeout=LIMIT_S) for _ in range(2)] == ["KEY_F1: not used", Key("5")]
    keypad.close()
    assert keypad_state(settings) == (f"the keypad is USB Keypad ({settings.device})", [])


def test_a_device_whose_name_evdev_cannot_read_is_no_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It is an error like others: of the configured pad it is told, and among others it hides none."""
    sockets, settings = configured(tmp_path)
    sockets.plug("Odd", node="event3")
    sockets.plug("Number pad", node="event4")

    def opened(path: str) -> usb_pads.Device:
        device = sockets.open(path)
        if device.name == "Odd":
            device.close()
            b"\xc3".decode()
        return device

    monkeypatch.setitem(sys.modules, "evdev", SimpleNamespace(InputDevice=opened))
    assert pad_state(FIRST, Evdev(), tmp_path)[0].startswith("the keypad is Number pad")
    assert "its name cannot be read" in pad_state(settings, Evdev(), tmp_path)[1][0]
