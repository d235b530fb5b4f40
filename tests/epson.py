"""A printer after Epson's command reference: what a customer would hold in the hand, read from the bytes alone.

Written by somebody who had not seen the encoder of this project, from Epson's "ESC/POS Command Reference" (each
command under its name), so that the two can only agree by both being right. It is a stricter printer than any on a
counter: what a real one would silently ignore, clip, lose or print as rubbish is a complaint.

The paper is measured in dots. A line that does not fit is broken where the paper ends, in the middle of a word, as a
printer does it; such a line is marked ``wrapped``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from typing import Final

import qrcode  # type: ignore[import-untyped]  # it ships no types

from tests.epson_commands import Command, Text, read
from tests.epson_paper import Bitmap, Cell, Cut, Graphic, Item, Kick, Line, Model, Printout, Style, bitmap

# ESC R n, "Select an international character set": what stands in the places of these twelve signs, n = 0 to 13.
INTERNATIONAL: Final = r"#$@[\]^`{|}~"
SETS: Final = (
    *(INTERNATIONAL, "#$à°ç§^`éùè¨", "#$§ÄÖÜ^`äöüß", r"£$@[\]^`{|}~", "#$@ÆØÅ^`æøå~", "#¤ÉÄÖÅÜéäöåü", r"#$@°\é^ùàòèì"),
    *("₧$@¡Ñ¿^`¨ñ}~", "#$@[¥]^`{|}~", "#¤ÉÆØÅÜéæøåü", "#$ÉÆØÅÜéæøåü", "#$á¡Ñ¿é`íñóú", "#$á¡Ñ¿éüíñóú", "#$@[₩]^`{|}~"),
)
# Commands without a trace on paper that a ticket may hold. The real-time ones are the transport's affair.
TRACELESS: Final = frozenset(
    {"CR", "ESC =", "ESC U", "ESC c", "GS b", "GS |", "DLE EOT", "DLE ENQ", "GS a", "GS r", "GS I", "ESC B"}
)
LEVELS: Final = {48: "L", 49: "M", 50: "Q", 51: "H"}  # GS ( k, function 169


class Printer:
    """One printer, from power-on; ``feed`` takes bytes, ``printout`` says what has come out so far."""

    def __init__(self, model: Model, *, forgiving: bool = False) -> None:
        """``forgiving``: bytes that are no command are a complaint, not an error."""
        self.model = model
        self.forgiving = forgiving
        self.items: list[Item] = []
        self.complaints: list[str] = []
        self.stored_qr = b""
        self.stored_picture: tuple[Bitmap, int] = ((), 0)
        self._defaults()

    def _defaults(self) -> None:
        """ESC @, "Initialize printer": the modes as at power-on. What stands in the line buffer is lost."""
        self.style, self.align, self.line_height, self.spacing = Style(self.model.first_font), 0, 30, 0
        self.codec, self.page, self.international, self.kanji = "cp437", 0, 0, self.model.chinese
        self.margin, self.area = 0, self.model.dots
        self.qr_size, self.qr_level = 3, 48
        self.tabs: list[int] = []
        self.cells: list[Cell] = []
        self.pending = b""  # the first half of a Kanji character

    def printout(self) -> Printout:
        """The paper so far; what still waits in the line buffer is a complaint."""
        waiting = "".join(cell.char for cell in self.cells)
        left = (f"at the end: never printed, no line feed: {waiting!r}",) if self.cells else ()
        return Printout(self.model, tuple(self.items), (*self.complaints, *left))

    def feed(self, data: bytes) -> Printer:
        """Print ``data``; raises NotEscPos at bytes that are no command."""
        for token in read(data, forgiving=self.forgiving):
            if isinstance(token, Text):
                for place, byte in enumerate(token.data, token.offset):
                    self._letter(byte, place)
            elif token.name in self.model.lacks:
                self._complain(token, f"{self.model.name} has no such command")
            elif token.name not in TRACELESS:
                self._obey(token)
        return self

    def _complain(self, where: Command | int, what: str) -> None:
        place, name = (where.offset, f"{where.name}: ") if isinstance(where, Command) else (where, "")
        self.complaints.append(f"offset {place}: {name}{what}")

    # Letters

    def _letter(self, byte: int, place: int) -> None:
        if self.kanji and (byte >= 0x80 or self.pending):
            self.pending += bytes([byte])
            if len(self.pending) == 2:
                self._put(self.pending.decode("gb18030", "replace"), 2)
                self.pending = b""
            return
        if byte < 0x80:
            char = chr(byte)
            index = INTERNATIONAL.find(char)
            self._put(SETS[self.international][index] if index >= 0 else char)
            return
        char = bytes([byte]).decode(self.codec, "replace")
        if char == "\ufffd":
            self._complain(place, f"page {self.page} ({self.codec}) has nothing for {byte:02x}")
        self._put(char)

    def _put(self, char: str, cells: int = 1, dots: Bitmap = (), width: int = 0) -> None:
        """Into the line buffer; a full line is printed first."""
        width = width or (self.model.fonts[self.style.font][0] + self.spacing) * self.style.wide * cells
        if sum(cell.width for cell in self.cells) + width > self.area and self.cells:
            self._print_line(wrapped=True)
        self.cells.append(Cell(char, self.style, width, dots))

    def _left(self, width: int) -> int:
        """Where something of this width begins; ESC a: 0 left, 1 centred, 2 right."""
        return self.margin + max(0, self.area - width) * self.align // 2

    def _print_line(self, *, wrapped: bool = False) -> None:
        cell_heights = (len(c.dots) or self.model.fonts[c.style.font][1] * c.style.tall for c in self.cells)
        height = max(self.line_height, *cell_heights, 0)
        left = self._left(sum(cell.width for cell in self.cells))
        self.items.append(Line(tuple(self.cells), left if self.cells else 0, height, wrapped))
        self.cells = []

    # Commands

    def _obey(self, command: Command) -> None:  # one arm for each command: the reference's own table
        data, number = command.data, command.data[0] if command.data else 0
        style = self.style
        match command.name:
            case "ESC @":
                if self.cells or self.pending:
                    self._complain(command, f"text lost: {''.join(cell.char for cell in self.cells)!r}")
                self._defaults()
            case "LF":
                self._print_line()
            case "ESC d":
                for _ in range(max(number, bool(self.cells))):
                    self._print_line()
            case "ESC J":
                self._print_line() if self.cells else self.items.append(Line(height=number))
            case "ESC 2" | "ESC 3":
                self.line_height = 30 if command.name == "ESC 2" else number
            case "ESC !":
                wide, tall = 1 + (number >> 5 & 1), 1 + (number >> 4 & 1)
                self.style = replace(style, font="AB"[number & 1], wide=wide, tall=tall, bold=bool(number & 8))
                self.style = replace(self.style, underline=number >> 7)
            case "GS !":
                self.style = replace(style, wide=1 + (number >> 4 & 7), tall=1 + (number & 7))
            case "ESC E" | "ESC G":
                self.style = replace(style, bold=bool(number & 1))
            case "ESC -":
                self.style = replace(style, underline=number % 48)
            case "GS B":
                self.style = replace(style, inverse=bool(number & 1))
            case "ESC {":
                self.style = replace(style, upside_down=bool(number & 1))
            case "ESC SP":
                self.spacing = number
            case "ESC M":
                self._font(command, number % 48)
            case "ESC t":
                self._page(command, number)
            case "ESC R":
                self.international = number if number < len(SETS) else self._unknown(command)
            case "FS &" | "FS .":
                self.kanji = command.name == "FS &"
            case "ESC p":
                self.items.append(Kick(5 if number % 48 else 2, data[1] * 2, data[2] * 2))
            case "ESC a" | "GS L" | "GS W" | "GS V" | "GS v 0" | "GS ( L" | "GS 8 L" | "GS ( k":
                if self.cells:  # "enabled only when processed at the beginning of a line"
                    self._complain(command, "in the middle of a line")
                self._at_line_start(command)
            case "HT":
                self._tab()
            case "ESC D":
                self.tabs = [column * self.model.fonts[style.font][0] * style.wide for column in data[:-1]]
            case "ESC *":
                self._strip(data)
            case _:
                self._complain(command, "this printer does not know what comes out")

    def _unknown(self, command: Command) -> int:
        self._complain(command, f"no such value: {command.data.hex(' ')}")
        return 0

    def _font(self, command: Command, number: int) -> None:
        name = "ABCDE"[number] if number < 5 else ""
        self.style = replace(self.style, font=name if name in self.model.fonts else "ABCDE"[self._unknown(command)])

    def _page(self, command: Command, number: int) -> None:
        """A page that the printer has not: some keep the old one, some take the first. The text will say."""
        self.page = number if number in self.model.pages else self._unknown(command)
        self.codec = self.model.pages[self.page]

    def _tab(self) -> None:
        """HT: to the next stop, at power-on every eighth column of font A; ignored beyond the last."""
        here, eight = sum(cell.width for cell in self.cells), 8 * self.model.fonts["A"][0]
        for stop in self.tabs or range(eight, self.area, eight):
            if stop > here:
                self._put(" ", width=stop - here)
                return

    def _strip(self, data: bytes) -> None:
        """ESC *: columns of 8 or 24 dots; 0 and 32 are of half the density across, 8 dots of a third down."""
        high, across = (3 if data[0] >= 32 else 1), 1 if data[0] in (1, 33) else 2
        columns = [data[start : start + high] for start in range(3, len(data), high)]
        tall = 1 if high == 3 else 3
        bits = [[column[bit // 8] >> 7 - bit % 8 & 1 for column in columns] for bit in range(8 * high)]
        rows = tuple(tuple(bool(bit) for bit in row for _ in range(across)) for row in bits for _ in range(tall))
        self._put("", dots=rows, width=len(columns) * across)

    def _at_line_start(self, command: Command) -> None:
        data = command.data
        match command.name:
            case "ESC a" if not self.cells:
                self.align = data[0] % 48 if data[0] % 48 < 3 else self._unknown(command)
            case "GS L":
                self.margin = data[0] + 256 * data[1]
                self.area = min(self.area, self.model.dots - self.margin)
            case "GS W":
                self.area = min(data[0] + 256 * data[1], self.model.dots - self.margin)
            case "GS V":
                if not self.model.cutter:
                    self._complain(command, f"{self.model.name} has no cutter")
                self.items.append(Cut(data[0] not in (0, 48, 65, 97, 103), data[1] if len(data) > 1 else 0))
            case "GS v 0":
                scale = (1 + (data[0] & 1), 1 + (data[0] >> 1 & 1))
                self._graphic(command, "picture", bitmap(data[5:], data[1] + 256 * data[2], scale))
            case "GS ( L" | "GS 8 L":
                self._graphics_data(command, data[2:] if command.name == "GS ( L" else data[4:])
            case "GS ( k":
                self._symbol(command, data[2:])

    def _graphics_data(self, command: Command, data: bytes) -> None:
        """GS ( L: function 112 stores raster data (a bx by c xL xH yL yH), 50 prints them."""
        if data[1] == 112 and data[2:3] == b"\x30":
            width = data[6] + 256 * data[7]
            rows = bitmap(data[10:], (width + 7) // 8)
            wide = tuple(tuple(dot for dot in row[:width] for _ in range(data[3])) for row in rows)
            self.stored_picture = (wide, data[4])
        elif data[1] in (2, 50) and self.stored_picture[1]:
            rows, tall = self.stored_picture
            self._graphic(command, "picture", tuple(row for row in rows for _ in range(tall)))
        else:
            self._unknown(command)

    def _symbol(self, command: Command, data: bytes) -> None:
        """GS ( k with cn = 49, QR: 165 model, 167 module size, 169 error correction, 180 store, 181 print."""
        match data[:2]:
            case b"1A":
                if data[2] != 50:
                    self._complain(command, f"model {data[2] - 48}: phones read model 2")
            case b"1C":
                self.qr_size = data[2]
            case b"1E":
                self.qr_level = data[2]
            case b"1P":
                self.stored_qr = data[3:]
            case b"1Q":
                symbol = qr_symbol(self.stored_qr, LEVELS[self.qr_level], self.qr_size)
                self._graphic(command, "QR", symbol, self.stored_qr.decode("utf-8", "replace"))
            case _:
                self._unknown(command)

    def _graphic(self, command: Command, kind: str, dots: Bitmap, content: str = "") -> None:
        width = len(dots[0]) if dots else 0
        if not width:
            self._complain(command, f"an empty {kind}")
        elif width > self.area:  # a QR symbol is not printed at all, a picture is clipped
            self._complain(command, f"{width} dots wide on {self.area}")
        else:
            self.items.append(Graphic(kind, dots, self._left(width), content))


@cache
def qr_symbol(data: bytes, level: str, size: int) -> Bitmap:
    """The smallest symbol that holds ``data``, without an edge: the printer draws none. ``size``: dots of a module."""
    code = qrcode.QRCode(error_correction=getattr(qrcode.constants, f"ERROR_CORRECT_{level}"), border=0)
    code.add_data(data)
    code.make(fit=True)
    rows = (tuple(bool(dot) for dot in row for _ in range(size)) for row in code.modules)
    return tuple(row for row in rows for _ in range(size))


def printed(data: bytes | Iterable[bytes], model: Model) -> Printout:
    """What ``model`` makes of ``data``, from power-on."""
    return Printer(model).feed(data if isinstance(data, bytes) else b"".join(data)).printout()
