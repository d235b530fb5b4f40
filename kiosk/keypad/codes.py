"""What the kernel tells of a USB pad's keys -> what the keys did. Pure: no device, no clock, no threads.

A pad debounces its own contacts, so every press that it tells is one: two presses of a key are never too close to be
two. The ``00`` key of many pads depends on it; it sends ``0`` twice within a few milliseconds, and needs no word here.

NumLock changes no code: what a key means with it and without is the business of whoever reads the code, and here ``1``
is ``1``. Pads for notebooks strike NumLock themselves around each key; it is not used, and does no harm.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final, TypeAlias

from kiosk.keypad.scan import HELD_S, STUCK_S, Told
from kiosk.sale.events import Key

Code: TypeAlias = int
"""A key as the kernel numbers it: ``KEY_...`` of linux/input-event-codes.h."""

UP, DOWN = 0, 1  # any other value is the autorepeat

LEFT_SHIFT, RIGHT_SHIFT = 42, 54
SHIFTS: Final = frozenset({LEFT_SHIFT, RIGHT_SHIFT})
PAD_DIGITS: Final = MappingProxyType(
    {82: "0", 79: "1", 80: "2", 81: "3", 75: "4", 76: "5", 77: "6", 71: "7", 72: "8", 73: "9"}
)
ROW_DIGITS: Final = MappingProxyType({11: "0", **{code: str(code - 1) for code in range(2, 11)}})
PAD_ENTER: Final = 96
KEYS: Final = MappingProxyType(
    {
        **PAD_DIGITS,
        **ROW_DIGITS,
        PAD_ENTER: "#",
        28: "#",  # Enter
        # The screens say "* cancel", "* correct": the key that is labelled so does it, and is no "times".
        55: "*",
        14: "*",  # Backspace
        111: "*",  # Delete
        1: "*",  # Esc
        78: "A",  # +
        98: "C",  # /, the one key of every pad that is left; "times" (B) has none
        30: "A",  # pads of sixteen keys send the letters
        48: "B",
        46: "C",
        32: "D",
    }
)
"""What a key means. The dot and the comma mean nothing, on purpose: the amount is typed cents first, and who types
25.00 out of habit gets 25,00. If they took the last digit back, it would be 2,00."""
SHIFTED: Final = MappingProxyType({4: "#", 9: "*"})
"""Pads with ``#`` and ``*`` send them as a keyboard does, Shift with 3 and with 8. They must not be those digits."""
LETTERS: Final = frozenset({*range(16, 26), *range(30, 39), *range(44, 51)})


@dataclass(frozen=True, slots=True)
class Press:
    """A key that is down."""

    key: str
    """What it meant when it went down; "Shift" for those two."""
    since: float
    """Monotonic seconds."""
    told: Told = Told.PRESSED

    @property
    def wakes_at(self) -> float:
        """When it will have been down for so long that it is news (monotonic seconds)."""
        return self.since + _NEXT_S[self.told]


_NEXT_S: Final = MappingProxyType({Told.PRESSED: HELD_S, Told.HELD: STUCK_S, Told.STUCK: math.inf})


@dataclass(frozen=True, slots=True)
class Pad:
    """The keys that are down."""

    down: Mapping[Code, Press] = field(default_factory=dict)

    @property
    def wakes_at(self) -> float:
        """When ``later`` has something to say, if nothing happens before (monotonic seconds)."""
        return min((press.wakes_at for press in self.down.values()), default=math.inf)

    @property
    def stuck(self) -> Iterator[str]:
        """The keys that have been down for too long."""
        return (press.key for press in self.down.values() if press.told is Told.STUCK)


News: TypeAlias = tuple[Key, ...]


def found_down(codes: Iterable[Code], now: float) -> Pad:
    """A pad whose keys ``codes`` were down when it was first looked at: nobody pressed them for us.

    They say nothing until they are released, but that they are stuck.
    """
    pad = _struck(Pad(), codes, now)[0]
    return Pad({code: replace(press, told=Told.HELD) for code, press in pad.down.items()})


def strike(pad: Pad, code: Code, value: int, now: float) -> tuple[Pad, News]:
    """The pad after one word of the kernel, and what the keys said by it.

    A second "down" of a key that is down says what is known already (``resync`` may have been told it before).
    """
    if value == UP:
        return Pad({other: press for other, press in pad.down.items() if other != code}), ()
    key = meaning(pad, code)
    if value != DOWN or code in pad.down or key is None:
        return pad, ()
    return Pad({**pad.down, code: Press(key, now)}), () if code in SHIFTS else (Key(key),)


def meaning(pad: Pad, code: Code) -> str | None:
    """What the key means if it goes down now; None: nothing."""
    if code in SHIFTS:
        return "Shift"
    if code in ROW_DIGITS and not SHIFTS.isdisjoint(pad.down):
        return SHIFTED.get(code)
    return KEYS.get(code)


def resync(pad: Pad, codes: Iterable[Code], now: float) -> tuple[Pad, News]:
    """The pad after words of the kernel were lost: ``codes`` are down now. What went down and up meanwhile is lost."""
    codes = frozenset(codes)
    return _struck(Pad({code: press for code, press in pad.down.items() if code in codes}), codes, now)


def later(pad: Pad, now: float) -> tuple[Pad, News]:
    """The pad as it is at ``now``: keys that have been down for a second say so, once; for long, they are ``stuck``."""
    news: list[Key] = []
    down: dict[Code, Press] = {}
    for code, before in pad.down.items():
        press = before
        while now >= press.wakes_at:
            press = replace(press, told=Told(press.told + 1))
            if press.told is Told.HELD and code not in SHIFTS:
                news.append(Key(press.key, held=True))
        down[code] = press
    return Pad(down), tuple(news)


def missing(codes: Iterable[Code]) -> str:
    """Which of the twelve keys a pad with these codes cannot send; empty: none."""
    codes = frozenset(codes)
    sent = {KEYS[code] for code in codes if code in KEYS}
    if not SHIFTS.isdisjoint(codes):
        sent |= {SHIFTED[code] for code in codes if code in SHIFTED}
    return "".join(key for key in "0123456789*#" if key not in sent)


def is_number_pad(codes: Iterable[Code]) -> bool:
    """Whether these are the codes of a number pad, or of a keyboard that has one."""
    return {*PAD_DIGITS, PAD_ENTER} <= set(codes)


def is_keyboard(codes: Iterable[Code]) -> bool:
    """Whether there are all letters: a whole keyboard, a barcode reader, or a pad that claims more than it has."""
    return set(codes) >= LETTERS


def _struck(pad: Pad, codes: Iterable[Code], now: float) -> tuple[Pad, News]:
    """All of these go down, Shift first, since it says what the others mean."""
    news: News = ()
    for code in sorted(codes, key=lambda code: (code not in SHIFTS, code)):
        pad, said = strike(pad, code, DOWN, now)
        news += said
    return pad, news
