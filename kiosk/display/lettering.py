"""Words in a place: faces and sizes, what fits a width, where a line breaks. Used by ``picture`` alone.

The fonts are parts of DejaVu Sans and DejaVu Sans Condensed Bold (``fonts/LICENSE.txt``) with Latin-1, the signs of
currencies and a few more. Everything is drawn without grey, as a panel of one bit shows it.

What does not fit is drawn smaller, in steps. An ellipsis is the last resort and stands for whole words or for the end
of a word without digits, so that no number is ever shown with digits missing.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFont

_TILDE: Final = ((0, 1), (1, 0), (2, 0), (2, 1), (3, 1), (4, 0))
_TILDE_COLUMNS: Final = 5
_TILDE_BELOW_PX: Final = 16
_TILDED: Final = "ãõñÃÕÑ"
_PART_OF_WORD: Final = 3
"""A cut word keeps at least so many letters, or goes."""


@dataclass(frozen=True, slots=True)
class Face:
    """A font at one size; heights in rows, widths in columns."""

    font: ImageFont.FreeTypeFont
    px: int
    cap: int
    """Height of a capital above the baseline; digits are as high."""
    x: int
    """Height of a small letter without ascender."""
    drop: int
    """What hangs below the baseline."""

    @property
    def rise(self) -> int:
        """Rows above the baseline that a line needs: a capital and its accent."""
        return self.cap + 3

    @property
    def pitch(self) -> int:
        """Rows from one line to the next. An accent on a capital may stand among the descenders of the line above."""
        return self.cap + self.drop + 1

    def width(self, text: str) -> int:
        """Columns that the text takes."""
        return math.ceil(self.font.getlength(text, mode="1"))

    def ink(self, text: str) -> tuple[int, int]:
        """Rows that this text takes above and below its baseline, accents and descenders as they come."""
        _, top, _, bottom = self.font.getbbox(text, mode="1", anchor="ls")
        return max(self.cap, round(-top)), max(0, round(bottom))

    def height(self, lines: int) -> int:
        """Rows of so many lines, from the top of the first capital to the end of the last descender."""
        return lines * self.pitch - 1 if lines else 0


@cache
def face(px: int, bold: bool = False) -> Face:
    """The face of that size, read once. ``bold``: condensed, so that 125,00 stands 24 rows high on 128 columns."""
    name = "DejaVuSansCondensed-Bold.ttf" if bold else "DejaVuSans.ttf"
    # The basic layout is always there and always the same; the other needs a library of the system.
    font = ImageFont.truetype(Path(__file__).with_name("fonts") / name, px, layout_engine=ImageFont.Layout.BASIC)
    (cap, _), (x, _), (_, drop) = (_ink(font, px, letter) for letter in "Hxg")
    return Face(font, px, cap, x, drop)


def _ink(font: ImageFont.FreeTypeFont, px: int, letter: str) -> tuple[int, int]:
    """Rows that the letter really fills above and below the baseline; the font's own box is often a row too large."""
    square = Image.new("1", (4 * px, 4 * px))
    pen(square).text((0, 2 * px), letter, font=font, fill=1, anchor="ls")
    box = square.getbbox() or (0, 0, 0, 0)
    return 2 * px - box[1], box[3] - 2 * px


def has_high_accent(text: str) -> bool:
    """Whether some capital has an accent, which stands above all other letters."""
    return any(sign.isupper() and len(unicodedata.normalize("NFD", sign)) > 1 for sign in text)


def pen(image: Image.Image) -> ImageDraw.ImageDraw:
    """What draws on the image, without grey."""
    draw = ImageDraw.Draw(image)
    draw.fontmode = "1"
    return draw


def write(draw: ImageDraw.ImageDraw, x: int, baseline: int, text: str, in_face: Face) -> None:
    """Draw one line. Small tildes are drawn by hand: hinted into two rows they come out as some other accent."""
    if in_face.px >= _TILDE_BELOW_PX:
        draw.text((x, baseline), text, font=in_face.font, fill=1, anchor="ls")
        return
    plain = "".join(unicodedata.normalize("NFD", sign)[0] if sign in _TILDED else sign for sign in text)
    draw.text((x, baseline), plain, font=in_face.font, fill=1, anchor="ls")
    for i, sign in enumerate(text):
        if sign in _TILDED:
            left = x + in_face.width(plain[:i]) + (in_face.width(plain[i]) - _TILDE_COLUMNS) // 2
            top = baseline - 3 - (in_face.cap if sign.isupper() else in_face.x)
            draw.point([(left + dx, top + dy) for dx, dy in _TILDE], fill=1)


def one_line(text: str, width: int, faces: Sequence[Face]) -> tuple[Face, str]:
    """The first face in which the text fits one line; else the last, and the text cut."""
    text = text.replace("\n", " ")
    for one in faces:
        if one.width(text) <= width:
            return one, text
    return faces[-1], cut(text, width, faces[-1])


def whole(text: str, width: int, rows: int, faces: Sequence[Face]) -> tuple[Face, list[str]] | None:
    """The first face in which the whole text fits, no word broken, and its lines; None: there is none."""
    for one in faces:
        lines = wrap(text, width, one)
        if lines is not None and one.height(len(lines)) <= rows:
            return one, lines
    return None


def paragraph(text: str, width: int, rows: int, faces: Sequence[Face]) -> tuple[Face, list[str]]:
    """The text as large as it fits; where it fits in no face, its beginning in the last."""
    fitting = whole(text, width, rows, faces)
    if fitting is not None:
        return fitting
    last = faces[-1]
    room = max(0, (rows + 1) // last.pitch)
    lines = broken(text, width, last)
    if len(lines) > room > 0:
        lines[room - 1] = cut(" ".join(lines[room - 1 :]), width, last)
    return last, lines[:room]


def wrap(text: str, width: int, in_face: Face) -> list[str] | None:
    """Lines of whole words; None: some word is wider than a line. A newline in the text ends a line, too."""
    lines = []
    for part in text.splitlines():
        line = ""
        for word in part.split():
            if in_face.width(word) > width:
                return None
            longer = f"{line} {word}".lstrip()
            if in_face.width(longer) > width:
                lines.append(line)
                longer = word
            line = longer
        lines.append(line)
    return lines


def broken(text: str, width: int, in_face: Face) -> list[str]:
    """Lines of whole words, where a word wider than a line goes on in the next one: nothing is left out."""
    words = " ".join(piece for word in text.split() for piece in _pieces(word, width, in_face))
    return wrap(words, width, in_face) or words.split()


def _pieces(word: str, width: int, in_face: Face) -> Iterator[str]:
    while word:
        fits = max((n for n in range(1, len(word) + 1) if in_face.width(word[:n]) <= width), default=1)
        yield word[:fits]
        word = word[fits:]


def cut(text: str, width: int, in_face: Face) -> str:
    """The text if it fits; else its beginning with an ellipsis, which never stands for part of a number."""
    if in_face.width(text) <= width:
        return text
    words = text.split()
    kept: list[str] = []
    while words and in_face.width(" ".join([*kept, words[0]]) + "…") <= width:
        kept.append(words.pop(0))
    if words and not any(sign.isdigit() for sign in words[0]):
        parts = (" ".join([*kept, words[0][:n]]) + "…" for n in range(len(words[0]) - 1, _PART_OF_WORD - 1, -1))
        fitting = next((part for part in parts if in_face.width(part) <= width), None)
        if fitting is not None:
            return fitting
    short = " ".join(kept).rstrip(".,;:") + "…"
    return short if in_face.width(short) <= width else ""
