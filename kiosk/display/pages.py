"""A picture as the memory of a monochrome OLED controller, and the few bytes that turn one picture into the next.

These controllers hold eight rows as a page of one byte for each column, the top row in bit 0, and can be told where
the next bytes go: the SSD1306 family by a window of columns and pages (SSD1306 data sheet, 8.7 and 10.1), the SH1106
and its like by a page and a column (SH1106 data sheet, page address mode).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from types import MappingProxyType
from typing import Final

from PIL import Image

PAGE_ROWS: Final = 8
_MIRRORED: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of the panel's memory: first and last column, first and last page."""

    left: int
    right: int
    top: int
    bottom: int

    @property
    def size(self) -> int:
        """Bytes in it."""
        return (self.right - self.left + 1) * (self.bottom - self.top + 1)

    def shares_columns(self, other: Window) -> bool:
        """Some column is in both."""
        return self.left <= other.right and other.left <= self.right

    def around(self, other: Window) -> Window:
        """The smallest window that holds both."""
        left, right = min(self.left, other.left), max(self.right, other.right)
        return Window(left, right, min(self.top, other.top), max(self.bottom, other.bottom))


@dataclass(frozen=True, slots=True)
class Chip:
    """How a family of monochrome controllers is told where the bytes go."""

    address: Callable[[Window, int], tuple[int, ...]]
    """The command for a window on a glass whose left edge is that column of the memory."""
    overhead: int
    """Bytes that one window costs beside its content, on I2C with both control bytes."""
    tall: bool
    """A window may span pages; else each page is a window of its own."""


def _by_window(window: Window, first: int) -> tuple[int, ...]:
    """Column address 0x21 and page address 0x22, each first and last; the pages of all glasses begin at 0."""
    return (0x21, window.left + first, window.right + first, 0x22, window.top, window.bottom)


def _by_page(window: Window, first: int) -> tuple[int, ...]:
    """Page 0xB0, column in two halves 0x00 and 0x10."""
    column = window.left + first
    return (0xB0 | window.top, column & 0x0F, 0x10 | column >> 4)


_WINDOWED: Final = Chip(_by_window, overhead=8, tall=True)
_PAGED: Final = Chip(_by_page, overhead=5, tall=False)
CHIPS: Final[Mapping[str, Chip]] = MappingProxyType(
    dict.fromkeys(("ssd1305", "ssd1306", "ssd1309", "ssd1315", "ssd1316"), _WINDOWED)
    | dict.fromkeys(("sh1106", "sh1107", "ch1115"), _PAGED)
)
"""luma's devices that are packed here."""


def first_column(driver: str, width: int, height: int) -> int:
    """The memory's column at the left edge of the glass; as in luma.oled 3.16, which a test compares."""
    if driver in ("sh1106", "ch1115"):
        return 2
    if driver == "ssd1305":
        return 4 if (width, height) == (128, 32) else 0
    return 32 if CHIPS[driver].tall and width == 64 else 0


def pack(image: Image.Image) -> bytes:
    """A picture of mode ``1`` as the panel's memory: page after page, a byte for eight rows, the top row in bit 0."""
    pages = image.height // PAGE_ROWS
    columns = image.transpose(Image.Transpose.TRANSPOSE).tobytes().translate(_MIRRORED)
    return b"".join(columns[page::pages] for page in range(pages))


def updates(old: bytes | None, new: bytes, columns: int, chip: Chip) -> Iterator[tuple[Window, bytes]]:
    """Windows to write, and what is to stand in them, so that a memory of ``old`` holds ``new``; None: it is unknown.

    The windows are few and small: joined where one costs no more than several.
    """
    windows: list[Window] = []
    for page in range(len(new) // columns):
        runs = list(_runs(old, new, page, columns, chip.overhead)) if old is not None else [_whole(page, columns)]
        if chip.tall:
            windows, runs = _grown(windows, runs, chip.overhead)
        windows += runs
    for window in windows:
        rows = range(window.top * columns, (window.bottom + 1) * columns, columns)
        yield window, b"".join(new[row + window.left : row + window.right + 1] for row in rows)


def _whole(page: int, columns: int) -> Window:
    return Window(0, columns - 1, page, page)


def _grown(windows: list[Window], runs: list[Window], overhead: int) -> tuple[list[Window], list[Window]]:
    """The windows, each over those runs of a lower page that are cheaper in it than alone; and the other runs."""
    grown = []
    for window in windows:
        below = [run for run in runs if window.shares_columns(run)]
        larger = reduce(Window.around, below, window)
        worth = larger.size <= window.size + sum(run.size + overhead for run in below)
        grown.append(larger if worth else window)
        runs = [run for run in runs if not (worth and run in below)]
    return grown, runs


def _runs(old: bytes, new: bytes, page: int, columns: int, gap: int) -> Iterator[Window]:
    """Changed columns of a page; columns with at most ``gap`` unchanged ones between them go together."""
    start = page * columns
    changed = [x for x in range(columns) if old[start + x] != new[start + x]]
    left = 0
    for i, x in enumerate(changed):
        if i + 1 == len(changed) or changed[i + 1] - x - 1 > gap:
            yield Window(changed[left], x, page, page)
            left = i + 1
