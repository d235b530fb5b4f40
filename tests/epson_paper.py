"""What comes out of the printer of ``tests.epson``: which printers there are, lines, pictures, cuts, and their text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain
from types import MappingProxyType
from typing import Final

# ESC t n, "Select character code table": the pages that Python has a codec for. It has none for 1, 6 to 8, 11, 12, 20
# to 31 and 41 to 43 (Katakana, Hiragana, Kanji, PC851, PC853, Thai, TCVN-3, PC1098, PC1118, PC1119).
# fmt: off
EPSON_PAGES: Final = MappingProxyType({
    0: "cp437", 2: "cp850", 3: "cp860", 4: "cp863", 5: "cp865",
    13: "cp857", 14: "cp737", 15: "iso8859-7", 16: "cp1252", 17: "cp866", 18: "cp852", 19: "cp858",
    32: "cp720", 33: "cp775", 34: "cp855", 35: "cp861", 36: "cp862", 37: "cp864", 38: "cp869", 39: "iso8859-2",
    40: "iso8859-15", 44: "cp1125", 45: "cp1250", 46: "cp1251", 47: "cp1253", 48: "cp1254", 49: "cp1255", 50: "cp1256",
    51: "cp1257", 52: "cp1258", 53: "kz1048",
})
# fmt: on


@dataclass(frozen=True, slots=True)
class Model:
    """One printer as its maker describes it: printable width in dots, the cells of its fonts, the pages it has.

    ``first_font``: the one at power-on and after ESC @.
    ``chinese``: Kanji mode is on after power-on and after ESC @ (the cheap printers of 58 mm); ``lacks``: commands that
    its maker does not list, which it prints as rubbish or skips.
    """

    name: str
    dots: int = 512
    fonts: Mapping[str, tuple[int, int]] = field(default_factory=lambda: {"A": (12, 24), "B": (9, 17)})
    pages: Mapping[int, str] = field(default_factory=lambda: EPSON_PAGES)
    first_font: str = "A"
    cutter: bool = True
    chinese: bool = False
    lacks: frozenset[str] = frozenset()


def _pages(*numbers: int) -> Mapping[int, str]:
    return MappingProxyType({number: EPSON_PAGES[number] for number in numbers})


# 80 mm: the technical reference guides of Epson's two. The numbers of their pages are all of Epson's table.
TM_T20II: Final = Model("TM-T20II", dots=576)
TM_T88V: Final = Model("TM-T88V", dots=512)
# 58 mm without a cutter ("58 Series Printer Command Set"): a Chinese printer, with neither QR nor stored graphics.
POS_5890: Final = Model(
    "POS-5890",
    dots=384,
    pages=_pages(0, 2, 3, 4, 5, 16, 17, 18, 19),
    cutter=False,
    chinese=True,
    lacks=frozenset({"GS ( k", "GS ( L", "GS 8 L"}),
)
# 76 mm, needles: "TM-U220 series Specification". Measured in half dots: font A is 9x9 (33 columns), font B 7x9 (40).
# That B is the first font stands in the specification of its successor TM-U230, ESC !.
TM_U220: Final = Model(
    "TM-U220",
    dots=400,
    fonts={"A": (12, 24), "B": (10, 24)},
    pages=_pages(0, 2, 3, 4, 5, 16, 17, 18, 19),
    first_font="B",
    lacks=frozenset({"GS !", "GS B", "GS b", "GS v 0", "GS ( k", "GS ( L", "GS 8 L"}),
)


@dataclass(frozen=True, slots=True)
class Style:
    """How a character looks; ``wide`` and ``tall`` are GS !'s factors, 1 to 8."""

    font: str = "A"
    wide: int = 1
    tall: int = 1
    bold: bool = False
    underline: int = 0
    inverse: bool = False
    upside_down: bool = False

    def __str__(self) -> str:
        size = f" {self.wide}x{self.tall}" if (self.wide, self.tall) != (1, 1) else ""
        marks = {"bold": self.bold, "under": self.underline, "inverse": self.inverse, "upside-down": self.upside_down}
        return f"{self.font}{size}{''.join(f' {name}' for name, on in marks.items() if on)}"


Bitmap = tuple[tuple[bool, ...], ...]  # rows of dots, True: black


@dataclass(frozen=True, slots=True)
class Cell:
    """A character (or a strip of ESC *'s dots) and the dots it takes across, spacing included."""

    char: str
    style: Style
    width: int
    dots: Bitmap = ()


@dataclass(frozen=True, slots=True)
class Line:
    """A printed line; ``left``: dots before its first cell. Without cells it is a blank one."""

    cells: tuple[Cell, ...] = ()
    left: int = 0
    height: int = 30
    wrapped: bool = False

    @property
    def text(self) -> str:
        return "".join(cell.char for cell in self.cells)


@dataclass(frozen=True, slots=True)
class Graphic:
    """A QR symbol (``content`` is what it says) or a picture, already where it stands on the paper."""

    kind: str
    dots: Bitmap
    left: int
    content: str = ""


@dataclass(frozen=True, slots=True)
class Cut:
    partial: bool
    feed: int = 0


@dataclass(frozen=True, slots=True)
class Kick:
    """ESC p: the drawer's pin, 2 or 5, and the pulse."""

    pin: int
    on_ms: int
    off_ms: int


Item = Line | Graphic | Cut | Kick


@dataclass(frozen=True, slots=True)
class Printout:
    """All that came out of the printer, and what it would have done other than asked."""

    model: Model
    items: tuple[Item, ...]
    complaints: tuple[str, ...]

    @property
    def lines(self) -> list[str]:
        """The text alone, blank lines left out."""
        return [item.text.strip() for item in self.items if isinstance(item, Line) and item.text.strip()]

    def __str__(self) -> str:
        """For a golden: each line with its looks in a gutter, letters in the columns where they stand."""
        shown = (_shown(item, self.model) for item in self.items)
        return "\n".join([*(line.rstrip() for line in shown), *(f"COMPLAINT {what}" for what in self.complaints), ""])


def _shown(item: Item, model: Model) -> str:
    match item:
        case Cut():
            return f"{'':16}>8 {'partial' if item.partial else 'full'} cut"
        case Kick():
            return f"{'':16}drawer on pin {item.pin}, {item.on_ms} ms on, {item.off_ms} ms off"
        case Graphic():
            size = f"{len(item.dots[0])}x{len(item.dots)} at {item.left}"
            return f"{'':16}[{item.kind} {size}{': ' * bool(item.content)}{item.content}]"
        case Line():
            styles = list(dict.fromkeys(str(cell.style) for cell in item.cells))
            unit = model.fonts[item.cells[0].style.font if item.cells else "A"][0]
            letters = "".join((cell.char or "▒").ljust(max(1, cell.width // unit)) for cell in item.cells)
            across = f"{' ' * (item.left // unit)}{letters}".ljust(model.dots // unit)
            return f"{' + '.join(styles):16}|{across}|{' WRAPPED' if item.wrapped else ''}"


_BITS: Final = tuple(tuple(bool(byte >> bit & 1) for bit in range(7, -1, -1)) for byte in range(256))


def bitmap(data: bytes, across: int, scale: tuple[int, int] = (1, 1)) -> Bitmap:
    """Raster data of ``across`` bytes a row, most significant bit leftmost, each dot ``scale`` dots wide and high."""
    rows = (data[start : start + across] for start in range(0, len(data), across or 1))
    dots = (tuple(chain.from_iterable(_BITS[byte] for byte in row)) for row in rows)
    wide = dots if scale[0] == 1 else (tuple(dot for dot in row for _ in range(scale[0])) for row in dots)
    return tuple(row for row in wide for _ in range(scale[1]))
