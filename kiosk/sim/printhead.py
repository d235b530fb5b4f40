"""What a thermal printer does with its bytes: ESC/POS commands in, printed things out.

Written from Epson's ESC/POS command reference, not from the encoder of the kiosk, so that the two prove each other.
Bytes may come cut anywhere. What it does not know is kept in ``unknown``.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

FONT_A: Final = (12, 24)
"""Dots of a letter, wide and high."""
FONT_B: Final = (9, 17)
_LINE_DOTS = 30  # ESC 2, the default spacing: a sixth of an inch at 180 dots an inch.
_QR_CODE = 49  # "cn" of GS ( k.


@dataclass(frozen=True, slots=True)
class Style:
    """How letters are printed."""

    small: bool = False
    """Font B."""
    bold: bool = False
    underlined: bool = False
    reverse: bool = False
    wide: int = 1
    high: int = 1

    @property
    def cell(self) -> tuple[int, int]:
        """Dots of one letter, wide and high."""
        width, height = FONT_B if self.small else FONT_A
        return width * self.wide, height * self.high


@dataclass(frozen=True, slots=True)
class Line:
    """One printed line: letters with their styles; ``align`` 0 left, 1 centre, 2 right."""

    letters: tuple[tuple[str, Style], ...]
    align: int
    spacing: int

    @property
    def text(self) -> str:
        """What it says."""
        return "".join(letter for letter, _ in self.letters)

    @property
    def width(self) -> int:
        """In dots."""
        return sum(style.cell[0] for _, style in self.letters)

    @property
    def height(self) -> int:
        """Dots of paper it moves: the spacing, or the tallest letter."""
        return max([self.spacing, *(style.cell[1] for _, style in self.letters)])


@dataclass(frozen=True, slots=True)
class Feed:
    """Paper moved without printing, in dots."""

    dots: int


@dataclass(frozen=True, slots=True)
class Picture:
    """A raster picture; ``bits`` has a row of ``width`` dots (a multiple of 8) after the other, a set bit is black."""

    bits: bytes
    width: int
    height: int
    wide: int
    high: int
    align: int


@dataclass(frozen=True, slots=True)
class Qr:
    """A QR code that the printer draws; ``level`` 0 to 3 (L, M, Q, H), ``dot``: dots for one module."""

    data: bytes
    level: int
    dot: int
    align: int


@dataclass(frozen=True, slots=True)
class Cut:
    """The paper is cut."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """The cash drawer is opened."""


Item: TypeAlias = Line | Feed | Picture | Qr | Cut | Pulse

# ESC t n: the character code tables that Python knows, too.
_TABLES: Final = {
    0: "cp437", 2: "cp850", 3: "cp860", 4: "cp863", 5: "cp865", 13: "cp857", 14: "cp737", 15: "iso8859_7",
    16: "cp1252", 17: "cp866", 18: "cp852", 19: "cp858", 34: "cp855", 35: "cp861", 36: "cp862", 37: "cp864",
    38: "cp869", 39: "iso8859_2", 40: "iso8859_15", 45: "cp1250", 46: "cp1251", 47: "cp1253", 48: "cp1254",
    49: "cp1255", 50: "cp1256", 51: "cp1257", 52: "cp1258",
}  # fmt: skip

# Commands with a fixed number of bytes after the two that name them.
_ARGUMENTS: Final = {
    b"\x1b@": 0, b"\x1b2": 0, b"\x1b!": 1, b"\x1b-": 1, b"\x1b3": 1, b"\x1bE": 1, b"\x1bG": 1, b"\x1bJ": 1,
    b"\x1bM": 1, b"\x1ba": 1, b"\x1bd": 1, b"\x1bt": 1, b"\x1bp": 3, b"\x1c.": 0, b"\x1d!": 1, b"\x1dB": 1,
    b"\x10\x04": 1, b"\x10\x05": 1,
}  # fmt: skip

_Length: TypeAlias = Callable[[bytes], int]


def _cut_length(head: bytes) -> int:
    return 4 if head[2:3] in (b"A", b"B") else 3  # A and B feed first, so many dots.


def _raster_length(head: bytes) -> int:
    """``GS v 0 m xL xH yL yH`` and the bits."""
    if len(head) < 8:
        return 8
    width, height = struct.unpack_from("<HH", head, 4)
    return 8 + int(width) * int(height)


def _counted_length(head: bytes) -> int:
    """``GS ( x pL pH`` and p bytes."""
    return 5 + (int(struct.unpack_from("<H", head, 3)[0]) if len(head) >= 5 else 0)


_LENGTHS: Final[dict[bytes, _Length]] = {b"\x1dV": _cut_length, b"\x1dv": _raster_length, b"\x1d(": _counted_length}
_ESCAPES: Final = b"\x1b\x1c\x1d\x10"


@dataclass(slots=True)
class _QrSettings:
    level: int = 0
    dot: int = 3
    data: bytes = b""


@dataclass(slots=True)
class PrintHead:
    """A printer with lines of ``dots`` dots; ``items`` is what has come out of it."""

    dots: int
    items: list[Item] = field(default_factory=list)
    unknown: list[bytes] = field(default_factory=list)
    """Commands, and tables of letters, that it does not know."""
    _pending: bytearray = field(default_factory=bytearray)
    _line: list[tuple[str, Style]] = field(default_factory=list)
    _used: int = 0
    _style: Style = Style()
    _align: int = 0
    _spacing: int = _LINE_DOTS
    _table: str = _TABLES[0]
    _qr: _QrSettings = field(default_factory=_QrSettings)

    def feed(self, data: bytes) -> None:
        """Take some bytes; what is not whole yet waits for the next."""
        self._pending += data
        while self._pending and (length := self._length()) <= len(self._pending):
            if not self._pending[0]:  # NUL means nothing; they come by the thousand, before a retry.
                self._pending = self._pending.lstrip(b"\0")
                continue
            command = bytes(self._pending[:length])
            del self._pending[:length]
            self._carry_out(command)

    def _length(self) -> int:
        """Bytes of what stands first; more than there are where it is not whole."""
        if self._pending[0] not in _ESCAPES:
            return 1
        head = bytes(self._pending[:8])
        name = head[:2]
        if name in _LENGTHS:
            return _LENGTHS[name](head)
        return 2 + _ARGUMENTS.get(name, 0)

    def _carry_out(self, command: bytes) -> None:
        if command[0] not in _ESCAPES:
            self._single(command[0])
        elif command[:1] == b"\x1b":
            self._escape(command)
        elif command[:1] == b"\x1d":
            self._group(command)
        elif command[:2] not in _ARGUMENTS:  # FS . needs nothing done; DLE is answered by whoever holds the line.
            self.unknown.append(command)

    def _single(self, byte: int) -> None:
        if byte >= 0x20:
            self._put(bytes((byte,)).decode(self._table, "replace"))
        elif byte == 0x0A:
            self._end_line()
        # All other controls are ignored, as the reference says of codes that mean nothing.

    def _put(self, letter: str) -> None:
        width = self._style.cell[0]
        if self._used + width > self.dots:
            self._end_line()
        self._line.append((letter, self._style))
        self._used += width

    def _end_line(self) -> None:
        self.items.append(Line(tuple(self._line), self._align, self._spacing))
        self._clear_line()

    def _clear_line(self) -> None:
        self._line.clear()
        self._used = 0

    def _begin_line(self) -> None:
        if self._line:
            self._end_line()

    def _feed(self, dots: int) -> None:
        """Print what waits, and move the paper so far in all."""
        if self._line:
            self._end_line()
            dots -= self._spacing
        if dots > 0:
            self.items.append(Feed(dots))

    def _escape(self, command: bytes) -> None:
        n = command[2] if len(command) > 2 else 0
        match command[1:2]:
            case b"@":
                self._initialize()
            case b"!":
                self._style = self._print_mode(n)
            case b"E" | b"G":
                self._style = replace(self._style, bold=bool(n & 1))
            case b"M":
                self._style = replace(self._style, small=n in (1, 49))
            case b"-":
                self._style = replace(self._style, underlined=n in (1, 2, 49, 50))
            case b"a" if n % 48 <= 2:
                self._align = n % 48
            case b"t":
                self._choose_table(n)
            case b"2":
                self._spacing = _LINE_DOTS
            case b"3":
                self._spacing = n
            case b"d":
                self._feed(n * self._spacing)
            case b"J":
                self._feed(n)
            case b"p":
                self.items.append(Pulse())
            case _:
                self.unknown.append(command)

    def _print_mode(self, n: int) -> Style:
        """``ESC ! n`` sets font, weight, size and underline at once; reverse printing stays."""
        wide, high = 2 if n & 0x20 else 1, 2 if n & 0x10 else 1
        return Style(bool(n & 0x01), bool(n & 0x08), bool(n & 0x80), self._style.reverse, wide, high)

    def _initialize(self) -> None:
        """``ESC @``: all settings as after switching on; what waits to be printed is thrown away."""
        self._clear_line()
        self._style, self._align, self._spacing, self._table = Style(), 0, _LINE_DOTS, _TABLES[0]
        self._qr = _QrSettings()

    def _choose_table(self, number: int) -> None:
        if number in _TABLES:
            self._table = _TABLES[number]
        else:
            self._table = "ascii"
            self.unknown.append(b"\x1bt" + bytes((number,)))

    def _group(self, command: bytes) -> None:
        match command[1:2]:
            case b"!":
                self._style = replace(self._style, wide=(command[2] >> 4 & 7) + 1, high=(command[2] & 7) + 1)
            case b"B":
                self._style = replace(self._style, reverse=bool(command[2] & 1))
            case b"V" if command[2] in (0, 1, 48, 49, 65, 66):
                self._begin_line()
                if len(command) == 4:
                    self._feed(command[3])
                self.items.append(Cut())
            case b"v" if command[2:3] == b"0":
                self._picture(command)
            case b"(" if command[2:3] == b"k" and len(command) >= 7 and command[5] == _QR_CODE:
                self._qr_function(command)
            case _:
                self.unknown.append(command)

    def _picture(self, command: bytes) -> None:
        mode = command[3] % 48
        width, height = struct.unpack_from("<HH", command, 4)
        if width and height:
            wide, high = 2 if mode & 1 else 1, 2 if mode & 2 else 1
            self._begin_line()
            self.items.append(Picture(command[8:], width * 8, height, wide, high, self._align))

    def _qr_function(self, command: bytes) -> None:
        match [*command[6:]]:
            case [65, 49 | 50, 0]:  # Model 1 or 2.
                pass
            case [67, dot] if 1 <= dot <= 16:
                self._qr.dot = dot
            case [69, level] if 48 <= level <= 51:
                self._qr.level = level - 48
            case [80, 48, *data]:
                self._qr.data = bytes(data)
            case [81, 48]:
                self._begin_line()
                self.items.append(Qr(self._qr.data, self._qr.level, self._qr.dot, self._align))
            case _:
                self.unknown.append(command)
