"""A USB number pad, read by the evdev library. What its words mean is in ``kiosk.keypad.codes``.

While a pad is there the thread sleeps until the kernel has a word, or until a key that is down has been so for long.
That it was pulled is such a word: reading fails. Only while it is missing, the folder of input devices is listed once
a second, which costs less than a tenth of a millisecond; and a device is opened once, to see that it is none, since
opening wakes devices that sleep. So nothing need be waited on that says when something is plugged in (inotify, which
neither Python nor evdev has, or udev's socket), and a link of /dev/input/by-id that comes a little later is found, too.
"""

from __future__ import annotations

import errno
import math
import os
import select
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from kiosk.config import KeypadConfig
from kiosk.keypad import codes
from kiosk.keypad.codes import Pad
from kiosk.keypad.input_devices import InputDevice, Library, Word
from kiosk.keypad.scan import stuck_words
from kiosk.ports import Clock
from kiosk.sale.events import Device, DeviceIs, Fault, Ill, Key

FOLDER: Final = Path("/dev/input")
LOOK_S: Final = 1.0
"""Between two looks for a pad that is missing."""

# linux/input-event-codes.h
SYN, KEY = 0, 1
SYN_REPORT, SYN_DROPPED = 0, 3

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Found:
    """A pad that can be heard; it is ours alone already."""

    device: InputDevice
    path: str
    words: str
    """Which it is."""
    keyboard: bool


class NoPadError(Exception):
    """There is no pad that can be heard. Its text says in one line why, and what to do."""


class Finder:
    """Looks for the pad: the configured one, or the first number pad that there is.

    A device with all letters is a whole keyboard or a barcode reader, or a pad whose maker claims them. It is taken
    where there is no other, but never in the place of a pad without letters that was there before.
    """

    def __init__(self, settings: KeypadConfig, library: Library, folder: Path = FOLDER) -> None:
        self._configured = settings.device
        self._library = library
        self._folder = folder
        self._strangers: dict[str, tuple[int, int]] = {}
        """Devices that are no pads, so that they are opened only once: their nodes' number and time."""
        self._letters_allowed = True

    def find(self) -> Found:
        """Take the pad.

        Raises:
            NoPadError: there is none that can be had.
        """
        found = self._take_configured() if self._configured else self._take_first()
        self._letters_allowed = found.keyboard
        return found

    def _take_configured(self) -> Found:
        path = self._configured
        try:
            device = self._library.open(path)
        except FileNotFoundError:
            raise NoPadError(f"there is no {path}: plug the pad in, or correct [keypad] device") from None
        except OSError as error:
            raise NoPadError(_plain(path, error)) from error
        sent = _codes_of(device)
        if lacking := codes.missing(sent):
            device.close()
            raise NoPadError(f"{path} ({device.name}) is no pad, it cannot send {lacking}: correct [keypad] device")
        return _taken(device, path, codes.is_keyboard(sent), "")

    def _take_first(self) -> Found:
        pads: list[tuple[bool, str, InputDevice]] = []
        refused = ""
        for path in self._paths():
            try:
                node = os.stat(path)
                if self._strangers.get(path) == (node.st_ino, node.st_ctime_ns):
                    continue
                device = self._library.open(path)
            except PermissionError as error:
                refused = refused or _plain(path, error)
                continue
            except OSError:  # pulled at this moment
                continue
            sent = _codes_of(device)
            keyboard = codes.is_keyboard(sent)
            if codes.is_number_pad(sent) and (self._letters_allowed or not keyboard):
                pads.append((keyboard, path, device))
            else:
                self._strangers[path] = (node.st_ino, node.st_ctime_ns)
                device.close()
        if not pads:
            raise NoPadError(refused or "no USB number pad is found: plug it in, or set [keypad] device")
        (keyboard, path, device), *others = sorted(pads, key=lambda pad: pad[0])
        for _, _, other in others:
            other.close()
        return _taken(device, path, keyboard, ", ".join(f"{other.name} ({path})" for _, path, other in others))

    def _paths(self) -> list[str]:
        """The devices' nodes, in the order in which they were plugged in."""
        try:
            names = os.listdir(self._folder)
        except OSError:  # a machine without any
            return []
        numbers = sorted(int(name[5:]) for name in names if name.startswith("event") and name[5:].isdecimal())
        return [str(self._folder / f"event{number}") for number in numbers]


class Listener:
    """What the keypad's thread does with a pad, one turn at a time.

    Args:
        finder: finds the pad, at first and whenever it was pulled.
        post: called for each key that goes down, and once more (``held``) when it has been down for a second.
        report: told how the pad is, whenever that changes: missing, heard, with stuck keys.
        tell: told in one line which pad is heard, and of a key that goes down and means nothing here.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        finder: Finder,
        library: Library,
        post: Callable[[Key], None],
        report: Callable[[DeviceIs], None],
        tell: Tell,
        clock: Clock,
    ) -> None:
        self._finder = finder
        self._library = library
        self._post = post
        self._report = report
        self._tell = tell
        self._clock = clock
        self._found: Found | None = None
        self._pad = Pad()
        self._dropped = False
        self._look_at = clock()
        self._trouble = ""
        self._missing = ""
        """Why no key is heard, once that is certain."""
        self._told: tuple[Fault, ...] | None = None
        self._owed: deque[Callable[[], None]] = deque()
        self._roused = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    @property
    def wakes_at(self) -> float:
        """When the next turn is due, if the pad says nothing before (monotonic seconds)."""
        return self._pad.wakes_at if self._found else self._look_at

    def turn(self) -> bool:
        """Hear what the pad has said since, or look for it; tell what that brought.

        Returns:
            False: there is nothing to do until ``rest`` is over.
        """
        if self._found is None:
            self._look()
        else:
            try:
                self._hear(self._found.device)
            except OSError as error:
                self._lose(self._found, error)
        self._say(*codes.later(self._pad, self._clock()))
        self._report_faults()
        while self._owed:
            self._owed.popleft()()
        return False

    def rest(self) -> bool:
        """Sleep until there is something to do."""
        poll = select.poll()
        poll.register(self._roused, select.POLLIN)
        if self._found:
            poll.register(self._found.device.fd, select.POLLIN)
        left_s = self.wakes_at - self._clock()
        poll.poll(None if left_s == math.inf else max(0, math.ceil(left_s * 1000)))
        return True

    def rouse(self) -> None:
        """End the rest; from another thread, for the end."""
        os.eventfd_write(self._roused, 1)

    def close(self) -> None:
        """Give the pad back."""
        if self._found:
            self._found.device.close()
        os.close(self._roused)

    def _look(self) -> None:
        now = self._clock()
        if now < self._look_at:
            return
        self._look_at = now + LOOK_S
        try:
            found = self._finder.find()
        except NoPadError as error:
            self._complain(str(error))
            return
        self._found, self._dropped, self._trouble, self._missing = found, False, "", ""
        self._owed.append(partial(self._tell, found.words))
        try:
            self._pad = codes.found_down(found.device.active_keys(), now)
        except OSError as error:
            self._lose(found, error)

    def _complain(self, trouble: str) -> None:
        """At the second time: a device that was just plugged in is nobody's for a moment, until udev gives it away."""
        if trouble == self._trouble:
            self._missing = trouble
        self._trouble = trouble

    def _hear(self, device: InputDevice) -> None:
        try:
            words = tuple(device.read())
        except BlockingIOError:
            return
        if not words:  # the end of it, as a pipe tells it
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        for word in words:
            self._take_in(device, word)

    def _take_in(self, device: InputDevice, word: Word) -> None:
        if word.type == SYN:
            if word.code == SYN_DROPPED:
                self._dropped = True
            elif word.code == SYN_REPORT and self._dropped:
                # The kernel kept no more words for us. The rest of this report is not to be believed: ask anew.
                self._dropped = False
                self._owed.append(partial(self._tell, "the pad said more than could be heard: keys may be lost"))
                self._say(*codes.resync(self._pad, device.active_keys(), self._clock()))
        elif word.type == KEY and not self._dropped:
            if word.value == codes.DOWN and codes.meaning(self._pad, word.code) is None:
                self._owed.append(partial(self._tell, f"{self._library.name(word.code)}: not used"))
            self._say(*codes.strike(self._pad, word.code, word.value, self._clock()))

    def _say(self, pad: Pad, news: codes.News) -> None:
        self._pad = pad
        self._owed.extend(partial(self._post, key) for key in news)

    def _report_faults(self) -> None:
        """How the pad is, unless that was reported last; nothing before the first look has an end."""
        faults = tuple(Fault(Ill.STUCK, stuck_words(key), key) for key in self._pad.stuck)
        if self._found is None:
            if not self._missing:
                return
            faults = (Fault(Ill.DEAD, self._missing),)
        if faults != self._told:
            self._told = faults
            self._owed.append(partial(self._report, DeviceIs(Device.KEYPAD, faults)))

    def _lose(self, found: Found, error: OSError) -> None:
        """It is gone, and with it the keys that were down."""
        with suppress(OSError):
            found.device.close()
        self._found, self._pad = None, Pad()
        self._look_at = self._clock() + LOOK_S
        why = "was pulled" if error.errno == errno.ENODEV else f"cannot be read ({error})"
        self._missing = f"{found.device.name} {why}: no key is heard until it is back"


def pad_state(settings: KeypadConfig, library: Library, folder: Path = FOLDER) -> tuple[str, list[str]]:
    """Which pad there is, and what is wrong, a line each; takes the pad for a moment, so nobody may be listening."""
    try:
        found = Finder(settings, library, folder).find()
    except NoPadError as error:
        return "", [str(error)]
    try:
        down = codes.found_down(found.device.active_keys(), 0.0).down.values()
    except OSError as error:
        return "", [_plain(found.path, error)]
    finally:
        found.device.close()
    return found.words, [f"key {press.key} is down: if nobody presses it, it is jammed" for press in down]


def _taken(device: InputDevice, path: str, keyboard: bool, others: str) -> Found:
    """Have it for ourselves alone."""
    try:
        device.grab()
    except OSError as error:
        device.close()
        raise NoPadError(_plain(f"{path} ({device.name})", error)) from error
    words = f"the keypad is {device.name} ({path})"
    if keyboard:
        words += ", which has the letters of a whole keyboard: if that is not the pad, set [keypad] device"
    if others:
        words += f"; not heard: {others}"
    return Found(device, path, words, keyboard)


def _codes_of(device: InputDevice) -> list[int]:
    return [code for code in device.capabilities().get(KEY, ()) if isinstance(code, int)]


def _plain(what: str, error: OSError) -> str:
    match error:
        case PermissionError():
            return f"not allowed to use {what}: add this user to the group input"
        case _ if error.errno == errno.EBUSY:
            return f"another program has {what} for itself alone: stop it, or choose another [keypad] device"
        case _:
            return f"{what} cannot be used ({error})"
