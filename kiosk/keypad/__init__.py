"""The keypad: a matrix of keys on gpiozero's pins, or a USB number pad (``usb_pad``).

What the samples of a matrix mean is in ``kiosk.keypad.scan``. While no key is down all rows are driven low, the columns
are pulled up, and the thread sleeps until a column falls. Then it looks at the matrix every 9 ms, one row low at a
time, until nothing is down.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from threading import Event, Lock, Thread, current_thread
from typing import TYPE_CHECKING, Protocol

from gpiozero import (
    BadPinFactory,
    Factory,
    GPIODevice,
    GPIOPinInUse,
    GPIOZeroError,
    PinInvalidPin,
    PinUnknownPi,
)

from kiosk.config import KeypadConfig
from kiosk.keypad import scan
from kiosk.keypad.matrix import Matrix, Wait
from kiosk.ports import Clock, Keypad
from kiosk.sale.events import Device, DeviceIs, Fault, Ill, Key

if TYPE_CHECKING:
    from kiosk.keypad.input_devices import Library

RETRY_S = 1.0
"""Between two looks at lines that cannot be read."""

CLOSE_LIMIT_S = 1.0

LOW_COLUMN = "it stays low by itself, its wire touches ground or another wire, or is far too long"

Report = Callable[[DeviceIs], None]
Tell = Callable[[str], None]


class KeypadError(Exception):
    """The keypad cannot be used. Its text is one line: which pin, what is wrong, what to do."""


def open_keypad(
    settings: KeypadConfig,
    post: Callable[[Key], None],
    clock: Clock,
    *,
    pin_factory: Factory | None = None,
    report: Report | None = None,
    tell: Tell | None = None,
) -> Keypad:
    """Listen to the keys. A USB pad need not be there yet.

    Args:
        settings: which lines, which keys.
        post: called from the keypad's own thread: for each key that goes down, and once more (``held``) when it has
            been down for a second. An exception of it loses that one key only.
        clock: monotonic seconds.
        pin_factory: where the pins come from; default: what ``settings.pins`` names, closed with the keypad.
        report: told from the keypad's thread how the keypad is, at the first look and whenever that changes: stuck
            keys, columns that are not heard, lines that cannot be read, a USB pad that is missing.
        tell: told in one line what is no fault and yet worth knowing: which USB pad is heard, and which of its keys
            mean nothing here, as they go down.

    Raises:
        KeypadError: the keypad cannot be used.
    """
    if settings.driver == "none":
        return NoKeypad()
    if settings.driver == "usb":
        return _open_usb(settings, post, clock, report or _unheard, tell or _unheard)
    with ExitStack() as stack:
        matrix = _open_matrix(settings, pin_factory, stack, time.sleep)
        scanner = Scanner(matrix, settings, post, report or _unheard, clock, time.sleep)
        with _plainly():
            matrix.watch(scanner.ring)
        return RunningKeypad(scanner, stack.pop_all().close)


def _open_usb(settings: KeypadConfig, post: Callable[[Key], None], clock: Clock, report: Report, tell: Tell) -> Keypad:
    from kiosk.keypad.usb_pad import Finder, Listener

    library = _evdev()
    listener = Listener(Finder(settings, library), library, post, report, tell, clock)
    return RunningKeypad(listener, listener.close)


def _evdev() -> Library:
    from kiosk.keypad.input_devices import Evdev

    try:
        return Evdev()
    except ImportError as error:
        advice = "run sudo ./install.sh again; in a checkout, pip install evdev"
        raise KeypadError(f'[keypad]: driver "usb" needs a library that is missing ({error}): {advice}') from error


def keypad_state(settings: KeypadConfig) -> tuple[str, list[str]]:
    """What there is in the way of keys, and what is wrong with it while nobody touches it, a line each.

    Takes the keypad for itself, so the kiosk must not be running.
    """
    if settings.driver == "none":
        return "none, as configured", []
    if settings.driver == "matrix":
        return "all lines are quiet", keypad_lines(settings)
    from kiosk.keypad.usb_pad import pad_state

    try:
        return pad_state(settings, _evdev())
    except KeypadError as error:
        return "", [str(error)]


def keypad_lines(settings: KeypadConfig, pin_factory: Factory | None = None, wait: Wait = time.sleep) -> list[str]:
    """What is wrong with the keypad's lines while nobody touches it, a line each, with what to do; empty: nothing.

    Takes the lines for itself, so the kiosk must not be running.
    """
    if settings.driver != "matrix":
        return []
    try:
        with ExitStack() as stack:
            matrix = _open_matrix(settings, pin_factory, stack, wait)
            with _plainly():
                return list(_problems(settings, matrix))
    except KeypadError as error:
        return [str(error)]


def open_pins(pins: str) -> Factory:
    """The pin factory that ``[keypad] pins`` names, "gpiod" or "lgpio"; for all that the kiosk has on the header.

    Raises:
        KeypadError: it cannot be used.
    """
    with _plainly():
        # Each loads its C library: only the chosen one needs to be installed.
        if pins == "lgpio":
            from gpiozero.pins.lgpio import LGPIOFactory

            return LGPIOFactory()
        from kiosk.gpiod_factory import GpiodFactory

        return GpiodFactory()


class NoKeypad:
    """A kiosk without keys of its own."""

    def close(self) -> None:
        """Nothing to stop."""


class Listening(Protocol):
    """What the keypad's thread does, whatever the keypad is."""

    def turn(self) -> bool:
        """Take a turn; answers whether there is more to see at once."""
        ...

    def rest(self) -> bool:
        """Sleep until there may be something to see."""
        ...

    def rouse(self) -> None:
        """End the rest, from another thread."""
        ...


class RunningKeypad:
    """The keypad's thread: it takes one turn after the other, and sleeps while there is nothing to see.

    An exception of ``post`` ends the thread as it ends any other, shown by ``threading.excepthook``; a successor goes
    on at once.
    """

    def __init__(self, listening: Listening, release: Callable[[], None]) -> None:
        self._listening = listening
        self._release = release
        self._lock = Lock()
        self._thread: Thread | None = None
        self._start()

    def close(self) -> None:
        """Stop listening and give the lines or the pad back; within a second."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._listening.rouse()
            thread.join(CLOSE_LIMIT_S)
            self._release()

    def _start(self) -> None:
        self._thread = Thread(target=self._run, name="keypad", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        awake = True
        try:
            while self._thread is current_thread():
                awake = self._listening.turn() if awake else self._listening.rest()
        finally:
            with self._lock:
                if self._thread is current_thread():
                    self._start()


class Scanner:
    """What the keypad's thread does, one turn at a time."""

    def __init__(
        self,
        matrix: Matrix,
        settings: KeypadConfig,
        post: Callable[[Key], None],
        report: Report,
        clock: Clock,
        wait: Wait,
    ) -> None:
        self.bell = Event()
        """Rings when a column falls."""
        self._matrix = matrix
        self._settings = settings
        self._post = post
        self._report = report
        self._clock = clock
        self._wait = wait
        self._pad = scan.Pad()
        self._due_at = clock()
        self._armed = False
        self._told: tuple[Fault, ...] | None = None
        self._owed: deque[Key | DeviceIs] = deque()

    def ring(self, _ticks: object, _state: object) -> None:
        """A column fell; called by its pin, in the pin factory's thread."""
        self.bell.set()

    def rest(self) -> bool:
        """Sleep until ``bell`` rings."""
        return self.bell.wait()

    def rouse(self) -> None:
        """Ring it."""
        self.bell.set()

    def turn(self) -> bool:
        """Take the next sample when it is due, and tell what it brought.

        Returns:
            True: there is more to see. False: all is at rest, there is nothing to do until ``bell`` rings.
        """
        self._wait(max(0.0, self._due_at - self._clock()))
        try:
            awake = self._look()
        except _gpio_errors() as error:
            awake = True
            self._fail(error)
        while self._owed:
            owed = self._owed.popleft()
            if isinstance(owed, Key):
                self._post(owed)
            else:
                self._report(owed)
        return awake

    def _look(self) -> bool:
        if self._armed:
            self._matrix.let_go()
            self._armed = False
            self._pad = scan.Pad()  # at rest nothing was down; it takes new samples to be at rest again
        now = self._clock()
        self._due_at = now + scan.SAMPLE_PERIOD_S
        self._pad, events = scan.observe(self._pad, self._matrix.sample(), now)
        self._owed.extend(key for event in events for key in self._keys(event))
        self._tell(*self._faults())
        if not self._pad.at_rest:
            return True
        self.bell.clear()
        self._armed = True
        self._matrix.arm()
        # A key that went down before the rows were armed made no edge that counts: look once more, then sleep.
        return bool(self._matrix.low_columns())

    def _fail(self, error: Exception) -> None:
        self._due_at = self._clock() + RETRY_S
        text = f"the keypad's lines cannot be read ({error}): no key is heard until they can"
        self._tell(Fault(Ill.DEAD, text))

    def _tell(self, *faults: Fault) -> None:
        """Report how the keypad is, unless that was reported last."""
        if faults != self._told:
            self._told = faults
            self._owed.append(DeviceIs(Device.KEYPAD, faults))

    def _keys(self, event: scan.Event) -> Iterator[Key]:
        match event:
            case scan.Pressed(cell):
                yield Key(_key(self._settings, cell))
            case scan.Held(cell):
                yield Key(_key(self._settings, cell), held=True)
            case scan.Stuck() | scan.Blind():
                pass  # they stay in the pad, and are told from there

    def _faults(self) -> Iterator[Fault]:
        for cell, contact in sorted(self._pad.contacts.items()):
            if contact.told is scan.Told.STUCK:
                key = _key(self._settings, cell)
                yield Fault(Ill.STUCK, scan.stuck_words(key), key)
        for column in sorted(self._pad.blind):
            number = self._settings.columns[column]
            yield Fault(Ill.DEAF, f"the keys at column GPIO{number} are not heard: {LOW_COLUMN}")


def _problems(settings: KeypadConfig, matrix: Matrix) -> Iterator[str]:
    low_columns, low_rows = matrix.low_columns(), matrix.low_rows()
    for column in sorted(low_columns):
        yield f"column GPIO{settings.columns[column]}: {LOW_COLUMN}; its keys are not heard"
    for row in sorted(low_rows):
        yield f"row GPIO{settings.rows[row]}: its wire touches ground; its keys are not heard"
    closed = matrix.sample().closed
    for cell in sorted(closed):
        yield f"key {_key(settings, cell)} is down: if nobody presses it, it is jammed, or its wires touch"
    if not closed:
        for one, other in matrix.joined_rows():
            if not low_rows & {one, other}:
                yield f"rows GPIO{settings.rows[one]} and GPIO{settings.rows[other]}: their wires touch each other"


def _key(settings: KeypadConfig, cell: scan.Cell) -> str:
    row, column = cell
    return settings.keys[row][column]


def _open_matrix(settings: KeypadConfig, pin_factory: Factory | None, stack: ExitStack, wait: Wait) -> Matrix:
    """Take the lines; they, and a factory that was made for them, are given back when ``stack`` is closed."""
    factory = stack.enter_context(open_pins(settings.pins)) if pin_factory is None else pin_factory
    pins = {}
    for number in (*settings.rows, *settings.columns):
        with _plainly(number):
            factory.pin(number)  # GPIODevice reserves a pin that then cannot be had, and keeps it reserved
            pins[number] = stack.enter_context(GPIODevice(number, pin_factory=factory)).pin
    with _plainly():
        return Matrix([pins[row] for row in settings.rows], [pins[column] for column in settings.columns], wait)


def _unheard(_said: DeviceIs | str) -> None:
    """Nobody wants the reports."""


def _gpio_errors() -> tuple[type[Exception], ...]:
    """What the pins may raise. lgpio's class has no other above it, and is known once that library is loaded."""
    lgpio = sys.modules.get("lgpio")
    return (OSError, ImportError, GPIOZeroError, *((lgpio.error,) if lgpio else ()))


@contextmanager
def _plainly(pin: int | None = None) -> Iterator[None]:
    """Turn what the pins raise into a ``KeypadError``."""
    try:
        yield
    except _gpio_errors() as error:
        line = "[keypad]" if pin is None else f"GPIO{pin}"
        raise KeypadError(f"{line}: {_plain(error)}") from error


def _plain(error: Exception) -> str:
    """What is wrong, and what to do, in a technician's words."""
    match error:
        case GPIOPinInUse():
            return "the configuration uses this pin twice: give each row, column, buzzer and light its own"
        case PinInvalidPin():
            return "the header has no such pin: choose one of GPIO0 to GPIO27"
        case BadPinFactory() | PinUnknownPi():
            return f'no Raspberry Pi header here ({error}): set [keypad] driver = "none"'
        case ImportError():
            return f"a library is missing ({error}): run install.sh again, or choose the other [keypad] pins"
        case PermissionError():
            return f"not allowed to use the GPIO lines ({error}): add this user to the group gpio"
        case FileNotFoundError() if ".lgd-nfy" in str(error):
            return f'lgpio must write into its working directory ({error}): set LG_WD, or [keypad] pins = "gpiod"'
        case _ if "can not open gpiochip" in str(error):
            return f"{error}: is this a Raspberry Pi, and this user in the group gpio?"
        case _ if "busy" in str(error):
            return "another program or overlay holds this line (gpioinfo shows which): stop it, or choose another pin"
        case _:
            return f"{error}"
