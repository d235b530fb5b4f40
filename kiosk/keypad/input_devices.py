"""The machine's input devices, as far as a keypad uses them: the evdev library, or its double in a test."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from kiosk.keypad.codes import Code


class Word(Protocol):
    """What is used of ``evdev.InputEvent``."""

    @property
    def type(self) -> int: ...
    @property
    def code(self) -> int: ...
    @property
    def value(self) -> int: ...


class InputDevice(Protocol):
    """What is used of ``evdev.InputDevice``."""

    @property
    def name(self) -> str: ...
    @property
    def fd(self) -> int: ...
    def capabilities(self) -> Mapping[int, Iterable[object]]:
        """The codes that it may send, by type."""
        ...

    def active_keys(self) -> list[int]:
        """The codes of the keys that are down now."""
        ...

    def grab(self) -> None:
        """Have its words for ourselves alone: nothing is typed at the machine's own console. OSError: cannot be had."""
        ...

    def read(self) -> Iterator[Word]:
        """What is there to read; BlockingIOError: nothing; OSError: it is gone."""
        ...

    def close(self) -> None:
        """Give it back."""
        ...


class Library(Protocol):
    """The evdev library, or its double."""

    def open(self, path: str) -> InputDevice:
        """Open a device; OSError: it cannot be."""
        ...

    def name(self, code: Code) -> str:
        """The name of a key's code, such as "KEY_F1"."""
        ...


class Evdev:
    """The evdev library. ImportError: it is not installed.

    ``evdev.list_devices`` is not used: where devices may be read and not written it lists none, without a word.
    """

    def __init__(self) -> None:
        import evdev  # an extra, and loaded only where it is used

        self._evdev = evdev

    def open(self, path: str) -> InputDevice:
        """Open a device; for reading alone where writing is not allowed."""
        try:
            device: InputDevice = self._evdev.InputDevice(path)
        except UnicodeDecodeError as error:  # evdev reads a device's name as UTF-8; the kernel may have cut it short
            raise OSError(errno.EINVAL, f"its name cannot be read: {error}") from error
        return device

    def name(self, code: Code) -> str:
        """The name, the first one where a code has more."""
        names = self._evdev.ecodes.keys.get(code, f"code {code}")
        return str(names if isinstance(names, str) else names[0])
