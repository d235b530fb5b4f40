"""The virtual counter's paper: what came out of the printer, as text and as a picture."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Final

import qrcode  # type: ignore[import-untyped]  # it ships no types
from PIL import Image, ImageDraw, ImageFont

from kiosk.sim.printhead import FONT_A, Cut, Feed, Item, Line, Picture, PrintHead, Pulse, Qr, Style

_MARGIN: Final = 36  # Dots on either side: 4.5 mm at 8 dots a millimetre, as 80 mm paper has beside 72 printed ones.
_TAIL: Final = 24  # Bare paper above the first line and below the last.
_CUT_GAP: Final = 40
_LONGEST: Final = 16_000  # Two metres. The picture shows the paper that hangs out of the printer; older was torn off.
_PAPER, _SHADE, _INK = (252, 251, 247), (214, 212, 205), (45, 44, 48)
_LEVELS: Final = (
    qrcode.constants.ERROR_CORRECT_L,
    qrcode.constants.ERROR_CORRECT_M,
    qrcode.constants.ERROR_CORRECT_Q,
    qrcode.constants.ERROR_CORRECT_H,
)
_OWN_FONTS: Final = Path(__file__).parent.parent / "display" / "fonts"
_FONTS: Final = (
    _OWN_FONTS / "DejaVuSansMono.ttf",
    Path("/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf"),
    _OWN_FONTS / "DejaVuSans.ttf",  # Not of one width, but every letter is put into its own cell.
)


class Roll:
    """A roll of paper in a printer that prints ``columns`` letters of font A in a line."""

    def __init__(self, columns: int = 42) -> None:
        self._columns = columns
        self._head = PrintHead(columns * FONT_A[0])

    @property
    def unknown(self) -> list[bytes]:
        """Commands that the printer did not know; a real one may have done anything."""
        return self._head.unknown

    @property
    def pulses(self) -> int:
        """How often the cash drawer was opened."""
        return sum(isinstance(item, Pulse) for item in self._head.items)

    def feed(self, data: bytes) -> None:
        """Bytes from the line, cut anywhere."""
        self._head.feed(data)

    def clear(self) -> None:
        """Tear everything off. What the printer was told stays with it."""
        self._head.items.clear()
        self._head.unknown.clear()

    def text(self) -> str:
        """What a person reads, a line for each printed line; broken dashes where the paper is cut."""
        return self._text(self._head.items)

    def tickets(self) -> list[str]:
        """The papers that were cut off, and the one not cut yet, oldest first; blank ones are left out."""
        papers: list[list[Item]] = [[]]
        for item in self._head.items:
            if isinstance(item, Cut):
                papers.append([])
            else:
                papers[-1].append(item)
        return [text for text in map(self._text, papers) if text.strip()]

    def image(self) -> Image.Image:
        """A picture of the paper, a pixel for each dot of the printer; 576 wide for 42 columns."""
        width = self._head.dots + 2 * _MARGIN
        items = _newest(self._head.items)
        paper = Image.new("RGB", (width, 2 * _TAIL + sum(map(_height, items))), _PAPER)
        top = _TAIL
        for item in items:
            self._draw(paper, item, top)
            top += _height(item)
        return paper

    def _text(self, items: Iterable[Item]) -> str:
        texts = (self._line_text(item) for item in items)
        return "".join(f"{text}\n" for text in texts if text is not None)

    def _line_text(self, item: Item) -> str | None:
        match item:
            case Line():
                return (" " * (self._indent(item) // FONT_A[0]) + item.text).rstrip()
            case Picture():
                return f"[picture {item.width}x{item.height}]"
            case Qr():
                return f"[QR {item.data.decode('utf-8', 'replace')}]"
            case Cut():
                return ("- " * self._columns)[: self._columns].rstrip()
        return None

    def _indent(self, item: Line | Picture | Qr) -> int:
        """Dots left of it."""
        return max(0, self._head.dots - _width(item)) * item.align // 2

    def _draw(self, paper: Image.Image, item: Item, top: int) -> None:
        match item:
            case Line():
                self._draw_line(paper, item, top)
            case Picture():
                bits = Image.frombytes("1", (item.width, item.height), item.bits)
                bits = bits.resize((item.width * item.wide, item.height * item.high), Image.Resampling.NEAREST)
                paper.paste(_INK, (_MARGIN + self._indent(item), top), bits)
            case Qr():
                paper.paste(_INK, (_MARGIN + self._indent(item), top), _qr(item))
            case Cut():
                _draw_cut(paper, top + _CUT_GAP // 2)

    def _draw_line(self, paper: Image.Image, line: Line, top: int) -> None:
        left = _MARGIN + self._indent(line)
        bottom = top + max([FONT_A[1], *(style.cell[1] for _, style in line.letters)])
        for letter, style in line.letters:
            width, height = style.cell
            paper.paste(_INK, (left, bottom - height), _glyph(letter, style))
            left += width


def _newest(items: list[Item]) -> list[Item]:
    """The items at the end that fit in the picture."""
    height = 0
    for at in range(len(items) - 1, -1, -1):
        height += _height(items[at])
        if height > _LONGEST:
            return items[at + 1 :]
    return items


def _width(item: Line | Picture | Qr) -> int:
    match item:
        case Picture():
            return item.width * item.wide
        case Qr():
            return _qr(item).width
    return item.width


def _height(item: Item) -> int:
    match item:
        case Feed():
            return item.dots
        case Picture():
            return item.height * item.high
        case Qr():
            return _qr(item).height
        case Cut():
            return _CUT_GAP
        case Pulse():
            return 0
    return item.height


@lru_cache(maxsize=64)
def _qr(item: Qr) -> Image.Image:
    code = qrcode.QRCode(error_correction=_LEVELS[item.level], border=0)
    code.add_data(item.data)
    modules = code.get_matrix()
    picture = Image.new("1", (len(modules), len(modules)))
    picture.putdata([module for row in modules for module in row])
    return picture.resize((len(modules) * item.dot,) * 2, Image.Resampling.NEAREST)


def _draw_cut(paper: Image.Image, middle: int) -> None:
    """Where the cutter went: a gap between two papers."""
    draw = ImageDraw.Draw(paper)
    draw.rectangle((0, middle - 2, paper.width, middle + 2), fill=_SHADE)
    for left in range(0, paper.width, 24):
        draw.line((left, middle, left + 11, middle), fill=_INK)


@lru_cache(maxsize=8)
def _font(size: int) -> ImageFont.FreeTypeFont:
    path = next(path for path in _FONTS if path.exists())
    return ImageFont.truetype(path, size)


@lru_cache(maxsize=1024)
def _glyph(letter: str, style: Style) -> Image.Image:
    """The letter's dots in its cell. Bold is printed twice, a dot apart, as the print head does it."""
    scale = max(style.wide, style.high)
    plain = Style(small=style.small)
    width, height = plain.cell
    cell = Image.new("L", (width * scale, height * scale))
    draw = ImageDraw.Draw(cell)
    middle, base = width * scale / 2, height * scale * 0.79
    font = _font(height * 5 // 6 * scale)
    for shift in (0, scale) if style.bold else (0,):
        draw.text((middle + shift, base), letter, fill=255, font=font, anchor="ms")
    if style.underlined:
        draw.line((0, height * scale - 1, width * scale, height * scale - 1), fill=255)
    if style.reverse:
        cell = Image.eval(cell, lambda dot: 255 - dot)
    return cell.resize(style.cell, Image.Resampling.LANCZOS) if style.wide != style.high else cell
