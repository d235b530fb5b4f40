"""``Screen`` -> a picture of one bit. Layout; no panel, no clock, no thread.

It stands apart from ``display`` because it is pure and the hard half of the panel's look: the golden pictures in
``tests/golden/screens`` are made by it alone, and a change of layout never touches the code that talks to a bus. For
its sake the table of imports lets three modules of the kiosk use PIL: ``lettering`` and ``picture``, which draw, and
``display``, which packs what was drawn. (``sim`` draws its own.)

How a screen is laid out:

- Panels of 40 rows or more: head (bold) with the icons at the right; the amount or word as large as it fits; the text
  under it; the footer. A text that would press the amount below 16 rows is shown by turns, ``TURN_S`` each.
- Lower panels have no room for all of that: the amount or word, and under it one line that shows the head, the text
  and the footer by turns; nothing is left out. What is free beside the amount takes the icons, the count and the head,
  each only whole.
- An amount stands at the right, as on a card terminal, so that one more digit changes few columns; while it is typed
  its top stands on a multiple of eight rows, because the panels' memory is written in pages of eight rows, and 24 rows
  are then three pages, not four. It is never cut: its steps go down to eight pixels. Words stand in the middle.
- Two columns and one row are left free for the small moves against burn-in (``SHIFTS``).
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final, NamedTuple

from PIL import Image, ImageChops

from kiosk.display.icons import COLUMNS as ICON_COLUMNS
from kiosk.display.icons import ICONS
from kiosk.display.icons import ROWS as ICON_ROWS
from kiosk.display.lettering import (
    Face,
    broken,
    cut,
    face,
    has_high_accent,
    one_line,
    paragraph,
    pen,
    whole,
    wrap,
    write,
)
from kiosk.sale.screens import Icon, Screen

SHIFTS: Final = ((0, 0), (1, 0), (2, 0), (2, 1), (1, 1), (0, 1))
"""Where the picture may stand, in columns and rows from the top left; each is one pixel from the next."""
TURN_S: Final = 2.0
"""How long each line of a low panel is shown."""

_SHIFT_COLUMNS: Final = 2
_SHIFT_ROWS: Final = 1
_LOW: Final = 40
"""Panels with fewer rows get the short layout."""
_PAGE_ROWS: Final = 8
_READABLE_ROWS: Final = 16
"""Digits from this height on are read from a metre."""
_TOP: Final = 2
"""Rows above the words of a panel without head."""
_GAP: Final = 4
"""Columns between two things on one line."""
_MARGIN: Final = 1
"""Columns at the left of a line: V, v and J begin a little before their place."""
_AMOUNT: Final = re.compile(r"(?P<symbol>[^\d\s-]*)\s*(?P<digits>-?\d[\d.,]*)")


@dataclass(frozen=True, slots=True)
class _Sizes:
    """Which faces a panel uses, largest first."""

    head: tuple[Face, ...]
    text: tuple[Face, ...]
    """The text where it stands alone."""
    note: tuple[Face, ...]
    """The text below an amount or a word."""
    footer: tuple[Face, ...]
    big: tuple[Face, ...]


@cache
def _sizes(columns: int, rows: int) -> _Sizes:
    low, large = rows < _LOW, columns >= 128 and rows >= 96
    bold = (16, 14) if large else () if low else (11,)
    text = (20, 16, 14, 12, 11, 9) if large else (12, 11, 9) if low else (16, 14, 12, 11, 9)
    digits = max(rows // 2, 12) if low else rows * 3 // 8
    big = (face(px, bold=True) for px in (64, 43, 32, 28, 24, 21, 18, 16, 14, 12, 11, 9, 8))
    return _Sizes(
        head=(*(face(px, bold=True) for px in bold), face(12 if large else 9)),
        text=tuple(map(face, text)),
        note=tuple(map(face, text[-3:])),
        footer=tuple(map(face, (14, 12, 11, 9) if large else (9,))),
        big=tuple(one for one in big if one.cap <= digits),
    )


class Drawn(NamedTuple):
    """A picture, and until when it holds."""

    image: Image.Image
    """Mode ``1``; 1 is lit."""
    changes_at: float | None
    """Monotonic time at which the same screen next looks different; None: never."""


def draw(
    screen: Screen,
    size: tuple[int, int],
    now: float,
    *,
    since: float | None = None,
    shift: tuple[int, int] = SHIFTS[0],
) -> Drawn:
    """The picture of a screen at monotonic time ``now``, of that size (columns, rows).

    ``since``: when the screen was first shown, from which turns are counted; None: now.
    """
    columns, rows = size
    since = now if since is None else since
    turn = math.floor((now - since) / TURN_S)
    page = _Page(columns - _SHIFT_COLUMNS, rows - _SHIFT_ROWS, _sizes(columns, rows), turn)
    shown = replace(screen, head="") if screen.head == screen.big else screen
    (page.low if rows < _LOW else page.tall)(shown, count_text(screen, now))
    image = Image.new("1", size)
    image.paste(page.image, shift)
    if screen.loud:
        image = ImageChops.logical_xor(image, Image.new("1", size, 1))
    changes = [*_count_changes(screen, now), *([since + (turn + 1) * TURN_S] if page.turns > 1 else [])]
    return Drawn(image, min(changes, default=None))


def count_text(screen: Screen, now: float) -> str:
    """Time left as ``m:ss``, and beside it the time since the last answer: ``1:45 · 2s``; empty without counts."""
    parts = []
    if screen.ends_at is not None:
        left = max(0, math.ceil(screen.ends_at - now))
        parts.append(f"{left // 60}:{left % 60:02}")
    if screen.answered_at is not None:
        age = _age(screen.answered_at, now)
        parts.append(f"{age}s" if age < 60 else f"{age // 60}min")
    return " · ".join(parts)


def _count_changes(screen: Screen, now: float) -> Iterator[float]:
    """When each of the counts next changes."""
    if screen.ends_at is not None and screen.ends_at > now:
        yield screen.ends_at - math.ceil(screen.ends_at - now) + 1
    if screen.answered_at is not None:
        age = _age(screen.answered_at, now)
        yield screen.answered_at + (age + 1 if age < 60 else (age // 60 + 1) * 60)


def _age(answered_at: float, now: float) -> int:
    return max(0, math.floor(now - answered_at))


@dataclass(frozen=True, slots=True)
class _Big:
    """The amount or the word in one face, and the amount's symbol in its own."""

    face: Face
    lines: tuple[str, ...]
    is_amount: bool = False
    symbol: str = ""
    symbol_face: Face | None = None

    @property
    def rows(self) -> int:
        """Rows that it takes, those of a comma below the line among them."""
        if self.is_amount:
            return self.face.cap * 7 // 6 + 1
        return self.above + (len(self.lines) - 1) * self.face.pitch + self.face.ink(self.lines[-1])[1] + 1

    @property
    def above(self) -> int:
        """Rows above the first baseline."""
        return self.face.cap if self.is_amount else self.face.ink(self.lines[0])[0]

    @property
    def columns(self) -> int:
        return max(map(self.face.width, self.lines), default=0)


class _Page:
    """One picture while it is being filled: what is free lies between ``_top`` and ``_bottom``."""

    def __init__(self, columns: int, rows: int, sizes: _Sizes, turn: int) -> None:
        self.image = Image.new("1", (columns, rows))
        self._pen = pen(self.image)
        self._sizes = sizes
        self._width = columns
        self._top = 0
        self._bottom = rows
        self._turn = turn
        self.turns = 1
        """How many turns there are; the one drawn is ``turn``, counted round."""

    def tall(self, screen: Screen, count: str) -> None:
        """Head, amount or word, text, footer."""
        self._top = _TOP
        above = count if self._better_in_head(screen, count) else ""
        self._head(screen.head, screen.icons, above)
        self._footer(screen.footer, "" if above else count)
        if screen.big:
            self._big_and_text(screen.big, screen.text)
        else:
            self._text(screen.text)

    def low(self, screen: Screen, count: str) -> None:
        """Amount or word, and one line; without them, the head and the text."""
        if not screen.big:
            self._head(screen.head, screen.icons, count)
            self._text(screen.text or screen.footer)
            return
        small = self._sizes.footer[-1]
        line_rows = small.rise + small.drop
        room = self._bottom - line_rows if self._bottom - line_rows >= self._sizes.big[-1].cap else self._bottom
        choices = _choices(screen.big, self._width, self._sizes.big)
        big = next((choice for choice in choices if choice.rows <= room), choices[-1])
        if room < self._bottom:
            free = (self._width - big.columns) // (1 if big.is_amount and not big.symbol else 2)
            self._line_of_many(screen, count, 0 if big.symbol else free - _GAP)
        self._bottom = room
        self._big(big)

    def _line_of_many(self, screen: Screen, count: str, free: int) -> None:
        """The line of a low panel: head, text and footer by turns; and what has room in the free columns above it."""
        small = self._sizes.footer[-1]
        count_beside = bool(count) and small.width(count) <= free
        head = wrap(screen.head, free, small)
        head_beside = head is not None and len(head) + count_beside + bool(screen.icons) <= 2
        self._beside(screen.icons, free, [count] * count_beside + (head or []) * head_beside)
        count = "" if count_beside else count
        width = self._width - _MARGIN - (small.width(count) + _GAP if count else 0)
        texts = ("" if head_beside else screen.head, screen.text, screen.footer)
        pages = [page for text in texts if text for page in self._pages(text, width, 1, small)]
        self._footer(self._one_of(pages) if pages else "", count)

    def _pages(self, text: str, width: int, lines: int, in_face: Face) -> list[str]:
        """The text in parts of so many lines."""
        if in_face.width(text) <= width:
            return [text]
        every = broken(text, width, in_face)
        return ["\n".join(every[i : i + lines]) for i in range(0, len(every), lines)]

    def _one_of(self, pages: Sequence[str]) -> str:
        self.turns = len(pages)
        return pages[self._turn % len(pages)]

    def _beside(self, icons: Sequence[Icon], free: int, lines: Sequence[str]) -> None:
        small = self._sizes.footer[-1]
        top = 0
        if icons:
            self._icons(icons, 0, min(free, self._icon_columns(icons)))
            top = ICON_ROWS + 1
        for line in lines:
            write(self._pen, _MARGIN, top + small.cap + 1, line, small)
            top += small.pitch

    def _better_in_head(self, screen: Screen, count: str) -> bool:
        """The count stands in the footer's line, unless it fits only in the head's."""
        small = self._sizes.footer[-1]
        need = small.width(count) + _GAP
        head = self._sizes.head[-1].width(screen.head) + self._icon_columns(screen.icons)
        return small.width(screen.footer) + need > self._width >= head + need

    def _head(self, head: str, icons: Sequence[Icon], count: str) -> None:
        if not (head or icons or count):
            return
        faces = self._sizes.head
        baseline = max(one.rise if has_high_accent(head) else one.cap + 1 for one in faces)
        right = self._icons(icons, baseline - ICON_ROWS, self._width)
        right = self._count(count, baseline, right)
        in_face, text = one_line(head, right - _MARGIN, faces)
        write(self._pen, _MARGIN, baseline, text, in_face)
        self._top = baseline + max(one.drop for one in faces)

    def _footer(self, text: str, count: str) -> None:
        if not (text or count):
            return
        faces = self._sizes.footer
        baseline = self._bottom - max(one.drop for one in faces)
        right = self._count(count, baseline, self._width)
        in_face, text = one_line(text, right - _MARGIN, faces)
        write(self._pen, _MARGIN, baseline, text, in_face)
        self._bottom = baseline - in_face.cap - 1

    def _count(self, count: str, baseline: int, right: int) -> int:
        """Draw the count up to column ``right``; returns where the words before it must end."""
        if not count:
            return right
        small = self._sizes.footer[-1]
        write(self._pen, right - small.width(count), baseline, count, small)
        return right - small.width(count) - _GAP

    def _icon_columns(self, icons: Sequence[Icon]) -> int:
        return len(icons) * (ICON_COLUMNS + 2)

    def _icons(self, icons: Sequence[Icon], top: int, right: int) -> int:
        """Draw them up to column ``right``, the first ones where not all have room; returns where they begin."""
        for icon in reversed(icons[: right // (ICON_COLUMNS + 2)]):
            right -= ICON_COLUMNS
            self._pen.point([(right + x, top + y) for x, y in ICONS[icon]], fill=1)
            right -= 2
        return right

    def _text(self, text: str) -> None:
        """Fill what is free with the text, as large as it fits, in the middle."""
        self._top += 1
        in_face, lines = paragraph(text, self._width - _MARGIN, self._bottom - self._top, self._sizes.text)
        free = self._bottom - self._top - in_face.height(len(lines))
        self._lines(lines, in_face, self._top + free // 2 + in_face.cap)

    def _big_and_text(self, big: str, text: str) -> None:
        """The largest amount or word that leaves room for the whole text; for a long one, the text by turns."""
        choices = _choices(big, self._width, self._sizes.big)
        free, faces = self._bottom - self._top, self._sizes.note
        with_text = [choice for choice in choices if free - choice.rows >= faces[-1].height(1 if text else 0)]
        fitting_in = with_text or choices[-1:]
        readable = [choice for choice in fitting_in if choice.face.cap >= _READABLE_ROWS] or fitting_in[:1]
        # Without the gap a comma, or a Q, may touch a tall letter below it.
        rows = 0 if not text else 2 if choices[0].is_amount else 1
        for gap, choice in itertools.product((rows, 0), readable):
            fitting = whole(text, self._width - _MARGIN, free - gap - choice.rows, faces)
            if fitting is not None:
                in_face, lines = fitting
                room = len(lines)
                break
        else:
            in_face = faces[-1]
            room = max(1, (free - choice.rows + 1) // in_face.pitch)
            lines = self._one_of(self._pages(text, self._width - _MARGIN, room, in_face)).splitlines()
        self._bottom -= in_face.height(room)
        self._lines(lines, in_face, self._bottom + in_face.cap)
        self._big(choice, text_below=bool(lines))

    def _lines(self, lines: Sequence[str], in_face: Face, baseline: int) -> None:
        """Draw lines in the middle, the first on this baseline."""
        for line in lines:
            write(self._pen, max(_MARGIN, (self._width - in_face.width(line)) // 2), baseline, line, in_face)
            baseline += in_face.pitch

    def _big(self, big: _Big, text_below: bool = False) -> None:
        """Draw it in the middle of what is free; an amount on a page's first row, or away from the text below it."""
        free = max(0, self._bottom - self._top - big.rows)
        top = self._top + free // 2
        if not big.is_amount:
            self._lines(big.lines, big.face, top + big.above)
            return
        page = round(top / _PAGE_ROWS) * _PAGE_ROWS
        if text_below:
            top = self._top
        elif self._top <= page <= self._top + free:
            top = page
        baseline = top + big.above
        write(self._pen, self._width - big.columns, baseline, big.lines[0], big.face)
        if big.symbol_face is not None:
            write(self._pen, 0, baseline, big.symbol, big.symbol_face)


def _choices(big: str, width: int, faces: Sequence[Face]) -> list[_Big]:
    """The amount or word in each face in which it fits, largest first; where it fits in none, one that nearly does."""
    amount = _AMOUNT.fullmatch(big)
    if amount is None:
        words = (_word(big, width, one) for one in faces)
        return [word for word in words if word] or [_Big(faces[-1], (cut(big, width, faces[-1]),))]
    digits = amount["digits"]
    # A symbol is the one thing that may be left out beside an amount: a shop has one currency.
    bare = next((one for one in faces if one.width(digits) <= width), faces[-1])
    amounts = (_amount(digits, amount["symbol"], width, one) for one in faces)
    return [one for one in amounts if one] or [_Big(bare, (digits,), is_amount=True)]


def _amount(digits: str, symbol: str, width: int, in_face: Face) -> _Big | None:
    free = width - in_face.width(digits)
    if not symbol:
        return _Big(in_face, (digits,), is_amount=True) if free >= 0 else None
    for small in (face(max(in_face.px // 2, 11), bold=True), face(11, bold=True)):
        if small.width(symbol) + 1 <= free:
            return _Big(in_face, (digits,), True, symbol, small)
    return None


def _word(word: str, width: int, in_face: Face) -> _Big | None:
    lines = wrap(word, width, in_face)
    return _Big(in_face, tuple(lines)) if lines is not None and len(lines) <= 2 else None
