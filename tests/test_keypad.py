"""The keypad through gpiozero's pins, soldered to an electrical model of a pad, in the model's own time."""

from __future__ import annotations

import os
import queue
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from glob import glob
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from threading import ExceptHookArgs
from typing import Any

import pytest
from gpiozero import LED, BadPinFactory, PinUnknownPi
from gpiozero.pins.mock import MockFactory

from kiosk.config import KeypadConfig
from kiosk.keypad import RETRY_S, KeypadError, NoKeypad, Scanner, keypad_lines, open_keypad, open_pins
from kiosk.keypad.matrix import Matrix
from kiosk.keypad.scan import SAMPLE_PERIOD_S
from kiosk.sale.events import Device, DeviceIs, Fault, Ill, Key
from kiosk.sim.membrane import Cell, Wires
from tests.keypad_desk import FULL, NARROW, PASS_S, TALL, Desk

ROOT = Path(__file__).parent.parent
LIMIT_S = 20.0
"""Longer than anything here takes in real time; a test that waits so long has failed."""

DEBOUNCE_S = 0.030
"""The budget from a key's first contact to its event, for one that wakes the keypad and does not bounce."""

WELL = DeviceIs(Device.KEYPAD)


@pytest.fixture(params=[FULL, NARROW, TALL], ids=["4x4", "4x3", "3x4"])
def desk(request: pytest.FixtureRequest) -> Desk:
    """A keypad at rest, of every shape."""
    made = Desk(request.param)
    made.run(0.1)
    return made


def bounces(draw: random.Random) -> list[float]:
    """When a cheap contact flips again, within 20 ms."""
    return [draw.uniform(0, 0.0199) for _ in range(2 * draw.randrange(5))]


# --- keys -------------------------------------------------------------------------------------------------------------


def test_every_key_says_its_name(desk: Desk) -> None:
    """Each key of the pad once, and nothing else."""
    legend = "".join(desk.settings.keys)
    desk.type(legend)
    assert desk.keys == [Key(key) for key in legend]
    assert desk.reports == [WELL]
    assert desk.wires.shorts == 0


def test_a_key_held_for_a_second_says_so_once(desk: Desk) -> None:
    """Down at once, held a second later, up without a word; every key can be held."""
    start = desk.wires.now
    desk.wires.press(desk.cell("*"), start, start + 3)
    desk.run(4)
    assert desk.keys == [Key("*"), Key("*", held=True)]
    down, held = desk.times
    assert down - start < DEBOUNCE_S
    assert 1.0 <= held - start < 1.0 + DEBOUNCE_S
    desk.wires.press(desk.cell("7"), desk.wires.now, desk.wires.now + 0.9)
    desk.run(2)
    assert desk.keys[2:] == [Key("7")]


def test_fast_bouncing_overlapping_typing_comes_through(desk: Desk) -> None:
    """200 random presses, 12 a second, 20 ms of bounce at both ends, the last key still down when the next comes.

    Each comes within three samples after its last bounce.
    """
    draw, expected, due = random.Random(7), [], []
    at, last = desk.wires.now, ""
    for _ in range(200):
        key = draw.choice([key for key in "".join(desk.settings.keys) if key != last])
        at, last = at + draw.uniform(1 / 12, 0.12), key
        expected.append(Key(key))
        flips = bounces(draw)
        desk.wires.press(desk.cell(key), at, at + draw.uniform(0.06, 0.12), flips, bounces(draw))
        due.append(at + max(flips, default=0.0) + 3 * SAMPLE_PERIOD_S + PASS_S + 1e-9)
    desk.run(at - desk.wires.now + 1)
    assert desk.keys == expected
    assert all(came <= limit for came, limit in zip(desk.times, due, strict=True))
    assert desk.wires.shorts == 0
    assert not desk.awake


def test_a_third_corner_and_its_ghost_are_dropped_while_two_are_held(desk: Desk) -> None:
    """1 and 2 down, then 4: the pad cannot know 4 from 5, so neither comes; 4 is a key once 1 is up."""
    desk.wires.touch(desk.cell("1"), desk.cell("2"))
    desk.run(0.1)
    third = {"4x4": "4", "4x3": "4", "3x4": "5"}[f"{len(desk.settings.rows)}x{len(desk.settings.columns)}"]
    desk.wires.touch(desk.cell("1"), desk.cell("2"), desk.cell(third))
    desk.run(0.3)
    assert desk.typed == "12"
    desk.wires.touch(desk.cell("2"), desk.cell(third))
    desk.run(0.3)
    assert desk.typed == "12" + third
    assert desk.wires.shorts == 0


def test_a_slow_line_gives_no_wrong_key() -> None:
    """A wire that takes five times too long to rise: the right key, and only it."""
    desk = Desk(rise_s=0.001)
    desk.run(0.1)
    desk.type("1234567890*#ABCD")
    assert desk.typed == "1234567890*#ABCD"


# --- sleep ------------------------------------------------------------------------------------------------------------


def test_nobody_touches_it_nothing_is_scanned(desk: Desk) -> None:
    """An hour at rest: not a turn, not a pin touched; then a key is heard at once."""
    turns, touched = desk.turns, desk.wires.settled
    desk.run(3600)
    assert (desk.turns, desk.wires.settled) == (turns, touched)
    desk.type("5")
    assert desk.typed == "5"
    assert turns < desk.turns < turns + 15


def test_it_is_at_rest_soon_after_it_was_opened() -> None:
    """Three samples, and it sleeps."""
    desk = Desk()
    desk.run(1)
    assert desk.turns == 3
    assert not desk.awake


def test_samples_are_ten_milliseconds_apart() -> None:
    """The debounce counts on it: never closer, whoever wakes the keypad."""
    desk = Desk()
    starts: list[float] = []
    sample = desk.matrix.sample

    class Counted(Matrix):
        def sample(self) -> Any:
            starts.append(desk.wires.now)
            return sample()

    desk.matrix.__class__ = Counted
    desk.type("12")
    gaps = [later - earlier for earlier, later in pairwise(starts)]
    assert len(gaps) > 10
    assert min(gaps) >= SAMPLE_PERIOD_S - 1e-9


def test_a_key_that_comes_just_when_it_falls_asleep_is_heard() -> None:
    """Every 0.3 ms around that moment: a lost wake-up would lose a customer's digit."""
    for tenths in range(150, 450, 3):
        desk = Desk()
        desk.run(0.05)
        desk.wires.press((1, 1), desk.wires.now, desk.wires.now + 0.06)
        desk.wires.press((2, 2), desk.wires.now + 0.06 + tenths / 10_000, desk.wires.now + 0.25)
        desk.run(0.5)
        assert desk.typed == "59"
        assert not desk.awake


def test_a_key_that_is_down_when_the_rows_are_armed_needs_no_edge() -> None:
    """Its column is looked at once more before the keypad sleeps, should the edge of arming itself be lost."""
    desk = Desk()
    arm = desk.matrix.arm

    class Deaf(Matrix):
        def arm(self) -> None:
            desk.wires.closed.add((1, 1))
            arm()
            desk.scanner.bell.clear()

    desk.matrix.__class__ = Deaf
    desk.run(1)
    assert desk.typed == "5"


def test_an_edge_that_comes_while_the_rows_are_armed_wakes_it() -> None:
    """A contact that closed and bounced open in that moment: the column is high again, only the bell tells of it."""
    desk = Desk()
    arm = desk.matrix.arm
    sparks = [(1, 1)]

    class Sparking(Matrix):
        def arm(self) -> None:
            arm()
            while sparks:
                desk.wires.touch(sparks.pop())
                desk.wires.touch()

    desk.matrix.__class__ = Sparking
    desk.run(1)
    assert desk.turns == 3 + 3


def test_a_lost_edge_heals_at_the_next_one(desk: Desk) -> None:
    """The bell did not ring for one key; whatever rings next shows all that is down."""
    desk.wires.touch((0, 0))
    desk.scanner.bell.clear()
    desk.run(0.5)
    assert desk.typed == ""
    desk.wires.touch((0, 0), (1, 1))
    desk.run(0.5)
    assert desk.typed == desk.settings.keys[0][0] + desk.settings.keys[1][1]


def test_a_glitch_wakes_it_for_three_samples_and_no_key(desk: Desk) -> None:
    """A spark is no press."""
    turns = desk.turns
    desk.wires.press((0, 0), desk.wires.now, desk.wires.now + 0.0001)
    desk.run(1)
    assert desk.keys == []
    assert desk.turns == turns + 3
    assert not desk.awake


# --- trouble ----------------------------------------------------------------------------------------------------------


def test_a_stuck_key_is_reported_once_and_the_others_go_on() -> None:
    """Reported after 30 s, ignored until it is released; then it is a key again."""
    desk = Desk()
    start = desk.wires.now
    desk.wires.move(start, desk.cell("5"), True)
    desk.run(32)
    key = "key 5 has been down for 30 s: it is stuck, and ignored until it is released"
    stuck = DeviceIs(Device.KEYPAD, (Fault(Ill.STUCK, key, "5"),))
    assert desk.reports == [WELL, stuck]
    assert desk.keys == [Key("5"), Key("5", held=True)]
    desk.type("19")
    assert desk.typed == "519"
    desk.wires.touch()
    desk.run(1)
    assert not desk.awake
    desk.type("5")
    assert desk.typed == "5195"
    assert desk.reports == [WELL, stuck, WELL]
    assert desk.wires.shorts == 0


def test_two_stuck_keys_are_told_together_and_each_heals_alone() -> None:
    desk = Desk()
    desk.wires.move(desk.wires.now, desk.cell("1"), True)
    desk.run(5)
    desk.wires.move(desk.wires.now, desk.cell("8"), True)
    desk.run(32)
    desk.wires.move(desk.wires.now, desk.cell("1"), False)
    desk.run(1)
    assert [[fault.key for fault in report.faults] for report in desk.reports] == [[], ["1"], ["1", "8"], ["8"]]


def test_a_column_at_ground_types_nothing_and_is_reported_once() -> None:
    """All its keys would come at once, if it were believed. The other columns work on."""
    desk = Desk()
    desk.wires.grounded = {desk.settings.columns[1]}
    desk.wires.settle()
    desk.run(32)
    assert desk.keys == []
    well, deaf = desk.reports
    [fault] = deaf.faults
    assert (well, fault.ill) == (WELL, Ill.DEAF)
    assert fault.text.startswith("the keys at column GPIO16 are not heard: ")
    desk.type("1")
    assert desk.typed == "1"
    desk.wires.grounded.clear()
    desk.wires.settle()
    desk.run(1)
    desk.type("2")
    assert desk.typed == "12"
    assert desk.reports == [WELL, deaf, WELL]
    assert not desk.awake


class BrokenColumn:
    """A column whose line cannot be read for a while."""

    edges = "none"
    when_changed = None

    def __init__(self, pin: Any) -> None:
        self._pin = pin
        self.broken = False

    @property
    def state(self) -> bool:
        """The level, or an error of the system."""
        if self.broken:
            raise OSError(5, "Input/output error")
        return bool(self._pin.state)

    def input_with_pull(self, pull: str) -> None:
        """As the pin."""
        self._pin.input_with_pull(pull)

    def output_with_state(self, state: bool) -> None:
        """A column only listens."""
        raise AssertionError


def test_lines_that_cannot_be_read_are_reported_once_and_tried_again() -> None:
    """Once a second, no faster; a key that stays down over the gap is the same press."""
    wires = Wires(FULL.rows, FULL.columns)
    columns: list[Any] = [BrokenColumn(wires.factory.pin(pin)) for pin in FULL.columns]
    matrix = Matrix([wires.factory.pin(pin) for pin in FULL.rows], columns, wires.wait)
    keys: list[Key] = []
    reports: list[DeviceIs] = []
    scanner = Scanner(matrix, FULL, keys.append, reports.append, wires.clock, wires.wait)
    wires.touch((0, 0))
    for _ in range(5):
        assert scanner.turn()
    for column in columns:
        column.broken = True
    start = wires.now
    for _ in range(10):
        assert scanner.turn()
    assert wires.now - start > 9 * RETRY_S - 0.1
    well, dead = reports
    [fault] = dead.faults
    assert (well, fault.ill) == (WELL, Ill.DEAD)
    assert "Input/output error" in fault.text
    for broken in (False, True):
        for column in columns:
            column.broken = broken
        wires.touch((0, 0), (1, 1))
        for _ in range(5):
            assert scanner.turn()
    assert [key.key for key in keys if not key.held] == ["1", "5"]
    assert reports == [WELL, dead, WELL, dead]


def test_a_key_whose_post_fails_is_lost_alone() -> None:
    """The next turn goes on behind it, with the news that was behind it."""
    wires = Wires(FULL.rows, FULL.columns)
    rows, columns = ([wires.factory.pin(pin) for pin in side] for side in (FULL.rows, FULL.columns))
    keys: list[Key] = []

    def post(key: Key) -> None:
        if key.key == "1":
            raise ValueError("no 1")
        keys.append(key)

    scanner = Scanner(Matrix(rows, columns, wires.wait), FULL, post, print, wires.clock, wires.wait)
    wires.touch((0, 0), (1, 1))
    scanner.turn()
    scanner.turn()
    with pytest.raises(ValueError, match="no 1"):
        scanner.turn()
    assert keys == []
    scanner.turn()
    assert keys == [Key("5")]


# --- opening, closing, the real thread --------------------------------------------------------------------------------


@pytest.fixture
def pad() -> Wires:
    """A full pad for the real thread."""
    return Wires(FULL.rows, FULL.columns)


@pytest.fixture
def inbox() -> queue.Queue[Key]:
    """Where the keys arrive."""
    return queue.Queue()


@pytest.fixture
def no_threads() -> Iterator[None]:
    """Afterwards no keypad's thread is left."""
    yield
    assert [thread.name for thread in threading.enumerate() if thread.name == "keypad"] == []


@pytest.mark.usefixtures("no_threads")
def test_the_real_thread_hears_keys_and_sleeps(pad: Wires, inbox: queue.Queue[Key]) -> None:
    """In real time, over gpiozero's mock pins: press, release, press; closed, all lines are inputs again and free."""
    keypad = open_keypad(FULL, inbox.put, time.monotonic, pin_factory=pad.factory)
    for key, cell in (("1", (0, 0)), ("D", (3, 3)), ("0", (3, 1))):
        pad.touch(cell)
        assert inbox.get(timeout=LIMIT_S) == Key(key)
    pad.touch()
    with pytest.raises(Exception, match="already in use"):
        LED(FULL.rows[0], pin_factory=pad.factory)
    keypad.close()
    keypad.close()
    assert inbox.empty()
    assert pad.shorts == 0
    for pin in (*FULL.rows, *FULL.columns):
        assert pad.factory.pin(pin).function == "input"
        LED(pin, pin_factory=pad.factory).close()


@pytest.mark.usefixtures("no_threads")
def test_the_thread_outlives_an_exception_of_post(
    pad: Wires, inbox: queue.Queue[Key], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is shown as any thread's exception, and the next key comes."""
    shown: queue.Queue[ExceptHookArgs] = queue.Queue()
    monkeypatch.setattr(threading, "excepthook", shown.put)

    def post(key: Key) -> None:
        inbox.put(key)
        if key.key == "1":
            raise ValueError("no 1")

    keypad = open_keypad(FULL, post, time.monotonic, pin_factory=pad.factory)
    for cell, key in (((0, 0), "1"), ((1, 1), "5"), ((0, 0), "1"), ((2, 2), "9")):
        pad.touch(cell)
        assert inbox.get(timeout=LIMIT_S) == Key(key)
    assert [str(shown.get(timeout=LIMIT_S).exc_value) for _ in range(2)] == ["no 1", "no 1"]
    keypad.close()


@pytest.mark.usefixtures("no_threads")
def test_it_can_be_closed_while_a_key_is_down_and_opened_again(pad: Wires, inbox: queue.Queue[Key]) -> None:
    """A jammed key does not keep the daemon from ending."""
    pad.touch((0, 0))
    for _ in range(2):
        keypad = open_keypad(FULL, inbox.put, time.monotonic, pin_factory=pad.factory)
        assert inbox.get(timeout=LIMIT_S) == Key("1")
        keypad.close()


@pytest.mark.usefixtures("no_threads")
def test_the_same_on_libgpiod(inbox: queue.Queue[Key]) -> None:
    """The whole way down to the chip: real polling, real edges from its descriptors, no row ever high."""
    pytest.importorskip("gpiod", reason="the service's extra: pip install gpiod")
    from kiosk.gpiod_factory import GpiodFactory
    from tests.fake_gpiod import FakeChip

    chip = FakeChip()
    with GpiodFactory(chip, revision=0xC03114) as factory:
        keypad = open_keypad(NARROW, inbox.put, time.monotonic, pin_factory=factory)
        for row, column, key in ((5, 12, "1"), (19, 20, "#"), (13, 16, "8")):
            chip.link(row, column)
            assert inbox.get(timeout=LIMIT_S) == Key(key)
            chip.unlink(row, column)
        keypad.close()
        assert {state for row in NARROW.rows for state in chip.lines[row].history} == {"in", "low"}
        assert {state for column in NARROW.columns for state in chip.lines[column].history} == {"in"}
    assert chip.shorts == 0
    assert chip.closed


def test_no_keypad_is_no_keypad() -> None:
    """Driver "none": nothing is opened, and it can be closed."""
    keypad = open_keypad(KeypadConfig(driver="none"), print, time.monotonic)
    assert isinstance(keypad, NoKeypad)
    keypad.close()
    assert keypad_lines(KeypadConfig(driver="none")) == []


# --- what is wrong, in plain words ------------------------------------------------------------------------------------


class Refusing(MockFactory):  # type: ignore[misc]  # gpiozero ships no types
    """A factory whose GPIO16 cannot be had."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def pin(self, name: Any, **details: Any) -> Any:
        """All but one."""
        if name == 16:
            raise self.error
        return super().pin(name, **details)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(16, "Device or resource busy"), "GPIO16: another program or overlay holds this line"),
        (PermissionError(13, "Permission denied"), "add this user to the group gpio"),
        (PinUnknownPi("unable to locate Pi revision"), 'set [keypad] driver = "none"'),
        (BadPinFactory("no GPIO chip is called x"), "no Raspberry Pi header here (no GPIO chip is called x)"),
        (ModuleNotFoundError("No module named 'gpiod'"), "a library is missing (No module named 'gpiod')"),
        (FileNotFoundError(2, "No such file", ".lgd-nfy-3"), "lgpio must write into its working directory"),
        (OSError("can not open gpiochip"), "is this a Raspberry Pi"),
        (OSError("something new"), "GPIO16: something new"),
    ],
)
def test_an_error_of_the_pins_is_one_line_that_names_the_pin_and_what_to_do(error: Exception, words: str) -> None:
    """And the lines that were already taken are free again."""
    factory = Refusing(error)
    with pytest.raises(KeypadError) as told:
        open_keypad(FULL, print, time.monotonic, pin_factory=factory)
    assert words in str(told.value)
    assert "\n" not in str(told.value)
    assert keypad_lines(FULL, factory) == [str(told.value)]
    LED(FULL.rows[0], pin_factory=factory).close()


def test_a_pin_that_is_used_twice_or_is_none(pad: Wires) -> None:
    """Somebody else of the kiosk has it; the header has no such pin. Freed, it can be had."""
    with LED(13, pin_factory=pad.factory):
        (used,) = keypad_lines(FULL, pad.factory, pad.wait)
    assert used.startswith("GPIO13: the configuration uses this pin twice")
    (absent,) = keypad_lines(replace(FULL, rows=(5, 6, 13, 77)), pad.factory, pad.wait)
    assert absent.startswith("GPIO77: the header has no such pin")
    assert keypad_lines(FULL, pad.factory, pad.wait) == []


@pytest.mark.skipif(bool(glob("/dev/gpiochip*")), reason="this machine has GPIO chips")
def test_off_a_pi_the_configured_pins_are_refused_in_plain_words(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This machine has no header, or lacks the library: either way one line that starts with the table to look at."""
    monkeypatch.chdir(tmp_path)
    for pins in ("gpiod", "lgpio"):
        with pytest.raises(
            KeypadError, match=r"^\[keypad\]: (no Raspberry Pi header|a library is missing|can not open)"
        ):
            open_pins(pins)


LGPIO = """
import os
try:  # lgpio 0.2.2: the C library makes the pipe and says nothing where it cannot, and Python opens it
    os.mkfifo(".lgd-nfy0")
    name = ".lgd-nfy0"
except OSError:
    name = ".lgd-nfy-3"
os.close(os.open(name, os.O_RDONLY | os.O_NONBLOCK))
class error(Exception):
    pass
def __getattr__(name):  # the constants that gpiozero asks for
    return 0
"""
"""What lgpio does when it is imported; the real one is taken where it is installed."""


@pytest.mark.slow
def test_lgpio_needs_a_working_directory_that_it_may_write_into_and_the_service_gives_it_one(tmp_path: Path) -> None:
    """In a process of its own: an import happens once. Nobody writes into /proc, not even root.

    With a folder that can be written to, it comes as far as asking what kind of Pi this is.
    """
    if find_spec("lgpio") is None:
        (tmp_path / "lgpio.py").write_text(LGPIO)
    program = tmp_path / "ask.py"
    program.write_text(
        "from kiosk.keypad import KeypadError, open_pins\n"
        "try:\n    open_pins('lgpio')\nexcept KeypadError as error:\n    print(error)\n"
    )
    said = []
    for place in (Path("/proc"), tmp_path):
        known = {**os.environ, "PYTHONPATH": f"{ROOT}:{os.environ.get('PYTHONPATH', '')}"}
        asked = subprocess.run(
            [sys.executable, str(program)],
            cwd=place,
            env=known,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=True,
        )
        said.append(asked.stdout)
    assert said[0].startswith("[keypad]: lgpio must write into its working directory")
    assert "working directory" not in said[1]
    assert (tmp_path / ".lgd-nfy0").is_fifo()
    unit = (ROOT / "systemd" / "kiosk.service").read_text()
    assert "\nStateDirectory=kiosk\n" in unit
    assert "\nWorkingDirectory=%S/kiosk\n" in unit


@pytest.mark.parametrize(
    ("grounded", "bridges", "down", "problems"),
    [
        ([], [], [], []),
        ([12], [], [], ["column GPIO12: it stays low"]),
        ([6], [], [], ["row GPIO6: its wire touches ground"]),
        ([], [(5, 19)], [], ["rows GPIO5 and GPIO19: their wires touch"]),
        ([], [(5, 12)], [], ["key 1 is down"]),
        ([], [], [(1, 2), (3, 3)], ["key 6 is down", "key D is down"]),
        ([], [], [(0, 1), (2, 1)], ["key 2 is down", "key 8 is down"]),
        ([12, 19], [(5, 6)], [], ["column GPIO12", "row GPIO19", "rows GPIO5 and GPIO6"]),
    ],
)
def test_the_check_names_what_is_wrong_with_the_wires(
    pad: Wires,
    grounded: Sequence[int],
    bridges: Sequence[tuple[int, int]],
    down: Sequence[Cell],
    problems: Sequence[str],
) -> None:
    """A short, crossed wires, a jammed key, each by its pin or its name; a sound pad has no problems."""
    pad.grounded, pad.bridges = set(grounded), set(bridges)
    pad.touch(*down)
    found = keypad_lines(FULL, pad.factory, pad.wait)
    assert len(found) == len(problems)
    for line, words in zip(found, problems, strict=True):
        assert line.startswith(words)
    assert pad.shorts == 0
    assert {pad.factory.pin(pin).function for pin in (*FULL.rows, *FULL.columns)} == {"input"}
