"""USB pads without a kernel: nodes in a folder, and the kernel's own records (``struct input_event``) in a pipe.

They keep the kernel's rules (drivers/input/evdev.c): a device has one that grabs it (EBUSY for the next), reading with
nothing to read is EAGAIN, reading what was pulled is ENODEV, and asking which keys are down forgets what was not read.
"""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

RECORD = struct.Struct("@llHHi")
"""Seconds, microseconds, type, code, value: as on every 64-bit Linux."""

PAD = (*range(71, 84), 96, 98, 55, 69, 14)
"""The codes of a pad with a backspace key."""
KEYBOARD = (*range(1, 112),)
KP = {"0": 82, "1": 79, "2": 80, "3": 81, "4": 75, "5": 76, "6": 77, "7": 71, "8": 72, "9": 73}
KP_ENTER, KP_DOT, BACKSPACE, F1 = 96, 83, 14, 59


@dataclass(frozen=True, slots=True)
class Word:
    """As ``evdev.InputEvent``."""

    type: int
    code: int
    value: int


@dataclass(eq=False)
class Pad:
    """A pad that is plugged in."""

    path: Path
    name: str
    codes: tuple[int, ...]
    down: set[int] = field(default_factory=set)
    listeners: list[Device] = field(default_factory=list)
    grabbed_by: object = None
    opened: int = 0
    error: OSError | None = None
    """Opening it fails."""
    grab_error: OSError | None = None

    def say(self, type_: int, code: int, value: int) -> None:
        """One record, to all that listen."""
        for device in self.listeners:
            os.write(device.write_fd, RECORD.pack(0, 0, type_, code, value))

    def set(self, code: int, value: int) -> None:
        """A key goes down (1), repeats (2) or goes up (0)."""
        (self.down.discard if value == 0 else self.down.add)(code)
        self.say(4, 4, 0x7005A)  # every pad says the key's number on the wire (MSC_SCAN) before the key itself
        self.say(1, code, value)
        self.say(0, 0, 0)

    def strike(self, *codes: int) -> None:
        """Keys go down and up, one after the other."""
        for code in codes:
            self.set(code, 1)
            self.set(code, 0)

    def pull(self) -> None:
        """Out of its socket."""
        self.path.unlink()
        for device in self.listeners:
            os.close(device.write_fd)
            device.write_fd = -1


class Device:
    """As ``evdev.InputDevice``, over a pipe. ``read`` unpacks the records itself; evdev's own can replace it."""

    def __init__(self, pad: Pad) -> None:
        self.pad = pad
        self.name = pad.name
        self.fd, self.write_fd = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        pad.listeners.append(self)
        pad.opened += 1

    def capabilities(self) -> dict[int, list[object]]:
        """Keys, and what else pads claim."""
        return {0: [0, 1, 4], 1: list(self.pad.codes), 3: [(40, None)], 4: [4], 17: [0]}

    def active_keys(self) -> list[int]:
        """Which keys are down; what was not read of the keys is forgotten, as the kernel does."""
        if self.write_fd < 0:
            raise OSError(errno.ENODEV, "No such device")
        with suppress(BlockingIOError):
            os.read(self.fd, 1 << 16)
        return sorted(self.pad.down)

    def grab(self) -> None:
        """Have it alone."""
        if self.pad.grab_error:
            raise self.pad.grab_error
        if self.pad.grabbed_by is not None:
            raise OSError(errno.EBUSY, "Device or resource busy")
        self.pad.grabbed_by = self

    def read(self) -> Iterator[Word]:
        """What was written."""
        data = os.read(self.fd, 64 * RECORD.size)
        if not data:
            raise OSError(errno.ENODEV, "No such device")
        for _, _, type_, code, value in RECORD.iter_unpack(data):
            yield Word(type_, code, value)

    def close(self) -> None:
        """Let go."""
        if self.pad.grabbed_by is self:
            self.pad.grabbed_by = None
        self.pad.listeners.remove(self)
        for end in (self.fd, self.write_fd):
            if end >= 0:
                os.close(end)


class Sockets:
    """A machine's USB sockets, and the library that opens what is in them."""

    def __init__(self, folder: Path, device: type[Device] = Device) -> None:
        self.folder = folder
        self.device = device
        self.pads: dict[str, Pad] = {}

    def plug(self, name: str = "USB Keypad", codes: Iterable[int] = PAD, node: str = "event3") -> Pad:
        """Put it in; its node appears."""
        path = self.folder / node
        path.touch()
        self.pads[str(path)] = pad = Pad(path, name, tuple(codes))
        return pad

    def open(self, path: str) -> Device:
        """As ``evdev.InputDevice(path)``."""
        if not os.path.exists(path):
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)
        pad = self.pads[os.path.realpath(path)]
        if pad.error:
            raise pad.error
        return self.device(pad)

    def name(self, code: int) -> str:
        """As evdev names it."""
        return {F1: "KEY_F1", KP_DOT: "KEY_KPDOT"}.get(code, f"code {code}")
