"""The virtual panel's controller: what an SSD1306 makes of the bytes on its bus.

It decodes the wire and knows nothing of the code that fills it, so that a picture seen here is one that a real panel
would show. Source: Solomon Systech, SSD1306 data sheet, rev 1.1 (2008), chapters 8 to 10 and the application note on
the charge pump. ``SH1106`` describes the other common controller (Sino Wealth, SH1106 data sheet, v2.3), which has
one addressing mode and 132 columns.

What depends on how a module's glass is bonded (the rows behind the display offset, the COM pins, the multiplex ratio)
is accepted and not modelled: the picture's first row is the memory's row at the start line. Modules are mounted such
that the remapped segments (0xA1) and the reversed rows (0xC8) show the picture upright; without them it is mirrored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from PIL import Image

PAGE_ROWS: Final = 8
_HORIZONTAL, _VERTICAL, _PAGE = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Chip:
    """What sets one controller apart."""

    columns: int
    pages: int
    parameters: Mapping[int, int]
    """Commands that are followed by parameters, and by how many."""
    mute: frozenset[int]
    """Commands that change nothing that ``Oled`` shows: voltages, clocks, wiring, no operation."""
    windows: bool
    """It has three addressing modes and windows (0x20 to 0x22); else page addressing alone."""
    needs_pump: bool
    """The panel is dark until the controller's own charge pump is switched on (0x8D); else it is fed otherwise."""


SSD1306: Final = Chip(
    columns=128,
    pages=8,
    parameters=MappingProxyType(
        {0x20: 1, 0x21: 2, 0x22: 2, 0x26: 6, 0x27: 6, 0x29: 5, 0x2A: 5, 0x81: 1, 0x8D: 1, 0xA3: 2, 0xA8: 1}
        | {0xD3: 1, 0xD5: 1, 0xD9: 1, 0xDA: 1, 0xDB: 1}
    ),
    mute=frozenset({0x2E, 0x8D, 0xA8, 0xD3, 0xD5, 0xD9, 0xDA, 0xDB, 0xE3}),
    windows=True,
    needs_pump=True,
)
SH1106: Final = Chip(
    columns=132,
    pages=8,
    parameters=MappingProxyType({0x81: 1, 0xA8: 1, 0xAD: 1, 0xD3: 1, 0xD5: 1, 0xD9: 1, 0xDA: 1, 0xDB: 1}),
    mute=frozenset({0x30, 0x31, 0x32, 0x33, 0xA8, 0xAD, 0xD3, 0xD5, 0xD9, 0xDA, 0xDB, 0xE3}),
    windows=False,
    needs_pump=False,
)


class Oled:
    """One panel: ``feed`` it what travels on the bus, look at ``image()``."""

    def __init__(self, width: int = 128, height: int = 64, chip: Chip = SSD1306, first_column: int = 0) -> None:
        """``first_column``: the memory's column at the glass's left edge (2 for an SH1106 of 128 columns)."""
        self._width = width
        self._height = height
        self._chip = chip
        self._first_column = first_column
        self.reset()

    def reset(self) -> None:
        """Power comes: the display is off, all is as chapter 8.5 says. The memory is cleared (a real one is noise)."""
        self.on = False
        """The display is switched on."""
        self.contrast = 0x7F
        self.inverted = False
        """Lit is dark and dark is lit."""
        self.unknown: list[tuple[int, ...]] = []
        """Commands that the controller does not know, or that ``Oled`` does not show (scrolling), with parameters."""
        self._memory = [bytearray(self._chip.columns) for _ in range(self._chip.pages)]
        self._pending: list[int] = []
        self._pumped = False
        self._mode = _PAGE
        self._columns = (0, self._chip.columns - 1)
        self._pages = (0, self._chip.pages - 1)
        self._column = self._page = self._start_line = 0
        self._all_lit = self._remapped = self._reversed = False

    def feed(self, kind: Literal["command", "data"], data: Iterable[int]) -> None:
        """Take one transfer: commands with their parameters, which may go on in the next transfer, or memory bytes.

        Raises:
            ValueError: neither ``command`` nor ``data``.
        """
        if kind not in ("command", "data"):
            raise ValueError(f"{kind!r} is neither 'command' nor 'data'")
        take = self._take_command if kind == "command" else self._write
        for byte in data:
            take(byte)

    def image(self) -> Image.Image:
        """What a person sees, mode ``1``: nothing at all while the display is off."""
        pixels = bytes(255 * self._lit(x, y) for y in range(self._height) for x in range(self._width))
        return Image.frombytes("L", (self._width, self._height), pixels).convert("1")

    def _lit(self, x: int, y: int) -> bool:
        if not self.on or (self._chip.needs_pump and not self._pumped):
            return False
        if self._all_lit:
            return True
        row = y if self._reversed else self._height - 1 - y
        page, bit = divmod((row + self._start_line) % (self._chip.pages * PAGE_ROWS), PAGE_ROWS)
        return bool(self._memory[page][self._first_column + x] >> bit & 1) != self.inverted

    def _write(self, byte: int) -> None:
        last = self._chip.columns - 1
        if self._column <= last and self._page < self._chip.pages:
            # 0xA0 turns the way in which bytes are stored, not those that are stored already (10.1.8).
            self._memory[self._page][self._column if self._remapped else last - self._column] = byte
        self._step()

    def _step(self) -> None:
        """Go to the next address (10.1.3)."""
        if self._mode == _VERTICAL:
            self._page += 1
            if self._page > self._pages[1]:
                self._page = self._pages[0]
                self._column = self._next_column()
        elif self._mode == _HORIZONTAL:
            self._column = self._next_column()
            if self._column == self._columns[0]:
                self._page = self._page + 1 if self._page < self._pages[1] else self._pages[0]
        else:
            self._column = (self._column + 1) % self._chip.columns

    def _next_column(self) -> int:
        return self._column + 1 if self._column < self._columns[1] else self._columns[0]

    def _take_command(self, byte: int) -> None:
        self._pending.append(byte)
        code, *parameters = self._pending
        if len(parameters) == self._chip.parameters.get(code, 0):
            self._pending = []
            self._obey(code, parameters)

    def _obey(self, code: int, parameters: list[int]) -> None:
        if self._address(code, parameters) or self._switch(code):
            return
        match code:
            case 0x81:
                self.contrast = parameters[0]
            case 0x8D if code in self._chip.parameters:
                self._pumped = bool(parameters[0] & 0x04)
            case _ if code not in self._chip.mute:
                self.unknown.append((code, *parameters))

    def _switch(self, code: int) -> bool:
        """Carry out a command that turns something on or off; false where it is none of these."""
        match code:
            case 0xA0 | 0xA1:
                self._remapped = code == 0xA1
            case 0xA4 | 0xA5:
                self._all_lit = code == 0xA5
            case 0xA6 | 0xA7:
                self.inverted = code == 0xA7
            case 0xAE | 0xAF:
                self.on = code == 0xAF
            case 0xC0 | 0xC8:
                self._reversed = code == 0xC8
            case _:
                return False
        return True

    def _address(self, code: int, parameters: list[int]) -> bool:
        """Carry out a command that says where the next byte goes; false where it is none of these."""
        match code:
            case _ if code <= 0x1F or 0xB0 <= code < 0xB0 + self._chip.pages:
                self._point(code)
            case 0x20 if self._chip.windows:
                self._mode = parameters[0] & 0x03
            case 0x21 if self._chip.windows:
                self._columns = (parameters[0] % self._chip.columns, parameters[1] % self._chip.columns)
                self._column = self._columns[0]
            case 0x22 if self._chip.windows:
                self._pages = (parameters[0] & 0x07, parameters[1] & 0x07)
                self._page = self._pages[0]
            case _ if 0x40 <= code <= 0x7F:
                self._start_line = code & 0x3F
            case _:
                return False
        return True

    def _point(self, code: int) -> None:
        """Set half of the column, or the page; in the other modes these commands do nothing (10.1.1, 10.1.2)."""
        if self._mode != _PAGE:
            return
        if code <= 0x0F:
            self._column = self._column & 0xF0 | code
        elif code <= 0x1F:
            self._column = self._column & 0x0F | (code & 0x0F) << 4
        else:
            self._page = code - 0xB0
