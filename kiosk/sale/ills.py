"""What can be wrong with the devices beside the printer, in words that the machine and a technician understand."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Device(Enum):
    """What may fail beside the printer; the values are words for a log."""

    PANEL = "display"
    KEYPAD = "keypad"
    SOUND = "sound"


class Ill(Enum):
    """What is wrong with a device, as far as a cashier can use it."""

    DEAD = "dead"
    """All of it."""
    DEAF = "deaf"
    """Some keys are not heard."""
    STUCK = "stuck"
    """One key stays down; it is ignored until it is released."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a device."""

    ill: Ill
    text: str
    """In one line of English, for the technician."""
    key: str = ""
    """The key that is stuck."""
