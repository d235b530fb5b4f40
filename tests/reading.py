"""Reads the words back from a panel's picture: what stands there whole, and what is cut off."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Final, NamedTuple

from PIL import Image, ImageChops, ImageDraw

from kiosk.display.lettering import Face, face, pen, write
from kiosk.display.picture import TURN_S, draw
from kiosk.sale.screens import Screen

HEADS: Final = (face(11, bold=True), face(9))
SMALL: Final = (face(9),)
PLAIN: Final = tuple(face(px) for px in (12, 11, 9))
BOLD: Final = tuple(face(px, bold=True) for px in (64, 43, 32, 28, 24, 21, 18, 16, 14, 12, 11, 9, 8))


def rows_of(image: Image.Image) -> list[int]:
    """The lit dots, a number for each row, the left column in the highest bit."""
    columns = -(-image.width // 8)
    content = image.tobytes()
    return [int.from_bytes(content[at : at + columns], "big") for at in range(0, len(content), columns)]


class Dots(NamedTuple):
    """Where the ink of a word lies: rows from its top, columns from its left edge."""

    rows: tuple[tuple[int, ...], ...]


@cache
def ink(text: str, in_face: Face) -> Dots:
    image = Image.new("1", (256, 96))
    write(pen(image), 8, 72, text, in_face)
    left, top, right, bottom = image.getbbox() or (0, 0, 0, 0)
    rows = rows_of(image.crop((left, top, right, bottom)))
    width = -(-(right - left) // 8) * 8
    return Dots(tuple(tuple(x for x in range(width) if row >> (width - 1 - x) & 1) for row in rows))


def holds(picture: list[int], text: str, faces: Iterable[Face]) -> bool:
    """Whether the whole text stands somewhere in the picture, on one line, in one of the faces."""
    for in_face in faces:
        dots = ink(text, in_face).rows
        for top in range(len(picture) - len(dots) + 1):
            places = -1
            for row, columns in zip(picture[top:], dots, strict=False):
                for x in columns:
                    places &= row << x
                if not places:
                    break
            if places & (1 << 128) - 1:
                return True
    return False


def lost(shown: Screen, now: float, size: tuple[int, int] = (128, 64)) -> list[str]:
    """What of the screen's words is cut off on the panel: heads and footers as a whole, other words one by one.

    A panel of 32 rows has one face for all of them, and may break a head or a footer: there every word is for itself.
    """
    head = "" if shown.head == shown.big else shown.head
    missing: list[tuple[str, tuple[Face, ...]]]
    if size[1] < 40:
        missing = [(word, SMALL) for word in f"{head} {shown.text} {shown.footer}".split()]
    else:
        missing = [(head, HEADS), (shown.footer, SMALL), *((word, PLAIN) for word in shown.text.split())]
    missing += [(word, BOLD) for word in shown.big.split()]
    for turn in range(8):  # long texts are shown by turns
        image = draw(shown, size, now, since=now - turn * TURN_S).image
        picture = rows_of(ImageChops.invert(image) if shown.loud else image)
        missing = [(text, faces) for text, faces in missing if text and not holds(picture, text, faces)]
        if not missing:
            break
    return [text for text, _ in missing]


def comma_rows(shown: Screen, now: float) -> int:
    """How many rows hang together with an amount's comma below its digits: a comma's own are five, or fewer.

    The last digit is found as what stands at the right edge, the comma as what goes on below it.
    """
    image = draw(shown, (128, 64), now).image
    image = ImageChops.invert(image) if shown.loud else image
    _, _, right, _ = image.crop((0, 13, 128, 44)).getbbox() or (0, 0, 0, 0)
    edge = image.crop((right - 1, 13, right, 44)).getbbox() or (0, 0, 0, 0)
    digits_end = _hanging_together(image, (right - 1, 13 + edge[1]))[3]
    commas = [x for x in range(right) if all(image.getpixel((x, digits_end - rows)) for rows in (0, 1, 2))]
    return _hanging_together(image, (commas[0], digits_end))[3] - digits_end


def _hanging_together(image: Image.Image, dot: tuple[int, int]) -> tuple[int, int, int, int]:
    """The box around all that hangs together with this dot."""
    grey = image.convert("L")
    ImageDraw.floodfill(grey, dot, 128)
    return grey.point(lambda level: 255 * (level == 128)).getbbox() or (0, 0, 0, 0)
