"""A ticket's lines as rows of paper: wrapped, padded, broken or not. Pure; it counts characters and knows no bytes."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kiosk.sale.records import Align, Size, TicketLine

Widths = Mapping[Size, int]
"""How many characters of each size stand in a row."""


def widths(columns: int, *, small: bool) -> dict[Size, int]:
    """The widths for a printer of so many columns; ``small``: it has a second, smaller font.

    Epson's fonts A and B are 12 and 9 dots wide, so that four letters of B stand where three of A do; double width
    halves the number.
    """
    return {Size.SMALL: columns * 4 // 3 if small else columns, Size.NORMAL: columns, Size.BIG: columns // 2}


@dataclass(frozen=True, slots=True)
class Row:
    """One row of paper; its text fits."""

    text: str
    size: Size = Size.NORMAL
    bold: bool = False

    @property
    def height(self) -> int:
        """In rows of normal height."""
        return 2 if self.size is Size.BIG else 1


def lay_out(lines: Iterable[TicketLine], width: Widths) -> list[Row]:
    """All lines as rows."""
    return [row for line in lines for row in _rows(line, width)]


def _rows(line: TicketLine, width: Widths) -> list[Row]:
    if line.align is Align.RULE:
        return [Row("-" * width[Size.NORMAL])]
    size = _size_in_one_row(line, width) if line.unbroken else line.size
    return [Row(text, size, line.bold) for text in _texts(line, width[size])]


def _texts(line: TicketLine, width: int) -> list[str]:
    texts = _pieces(line.text, width) if line.unbroken else _wrapped(line.text, width)
    if line.right:
        return _with_right(texts, line.right, width)
    if line.align is Align.CENTRE:
        # By spaces, not by the printer (ESC a): it centres on its own width, which is not always ours.
        return [" " * ((width - len(text)) // 2) + text for text in texts]
    return texts


def _size_in_one_row(line: TicketLine, width: Widths) -> Size:
    """The line's size, or the largest smaller one in which it needs no second row.

    A text that is too long even for the smallest is broken there, in as few rows as there can be, at the last column
    and not at words: nothing is left out, and it can be read on without a gap.
    """
    length = len(line.text) + (1 + len(line.right) if line.right else 0)
    sizes = [Size.BIG, Size.NORMAL, Size.SMALL]
    for size in sizes[sizes.index(line.size) :]:
        if length <= width[size]:
            return size
    return Size.SMALL


def _with_right(texts: list[str], right: str, width: int) -> list[str]:
    """The right part at the end of the last row, or below it where there is no room for it."""
    last = texts[-1]
    if len(last) + 1 + len(right) <= width:
        return [*texts[:-1], last + right.rjust(width - len(last))]
    return [*texts, *(text.rjust(width) for text in _wrapped(right, width))]


def _wrapped(text: str, width: int) -> list[str]:
    if len(text) <= width:
        return [text]
    return textwrap.wrap(text, width, break_on_hyphens=False) or [""]


def _pieces(text: str, width: int) -> list[str]:
    return [text[at : at + width] for at in range(0, len(text), width)] or [""]
