"""The paper of ``tests.epson`` as a picture: what the dots would look like, at one pixel a dot.

The letters are DejaVu's, squeezed into the printer's cells; the cells, their places and all graphics are the printer's.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from PIL import Image, ImageChops, ImageDraw, ImageFont

import kiosk.display
from tests.epson_paper import Bitmap, Cell, Cut, Graphic, Kick, Line, Model, Printout, Style

FONT: Final = Path(kiosk.display.__file__).parent / "fonts" / "DejaVuSans.ttf"
EDGE: Final = 16  # white to the left and right of the printable width
GAP: Final = 12  # paper for a cut or a kick, which are drawn so that a person sees them


def picture(printout: Printout) -> Image.Image:
    """Grey, 8 bits; black is 0. Complaints are not in it: they are words, not dots."""
    model = printout.model
    strips: list[Image.Image] = []
    for item in printout.items:
        match item:
            case Line():
                strips.append(_line(item, model))
            case Graphic():
                strips.append(_strip(model, len(item.dots)))
                strips[-1].paste(_dots(item.dots), (item.left, 0))
            case Cut():
                strips.append(_strip(model, GAP + item.feed))
                ImageDraw.Draw(strips[-1]).line((0, GAP // 2, model.dots, GAP // 2), fill=0)
            case Kick():
                strips.append(_strip(model, 0))
    whole = Image.new("L", (model.dots + 2 * EDGE, sum(strip.height for strip in strips) + 2 * EDGE), 255)
    top = EDGE
    for strip in strips:
        whole.paste(strip, (EDGE, top))
        top += strip.height
    return whole


def _strip(model: Model, height: int) -> Image.Image:
    return Image.new("L", (model.dots, height), 255)


def _line(line: Line, model: Model) -> Image.Image:
    strip, left = _strip(model, line.height), line.left
    drawn = [(cell, _dots(cell.dots) if cell.dots else _cell(cell, model)) for cell in line.cells]
    bottom = max((image.height for _, image in drawn), default=0)  # all stand on one baseline
    for cell, image in drawn:
        strip.paste(image, (left, bottom - image.height))
        left += cell.width
    return strip


def _cell(cell: Cell, model: Model) -> Image.Image:
    style, (wide, tall) = cell.style, model.fonts[cell.style.font]
    glyph = _glyph(cell.char, wide, tall, style.bold).resize(
        (wide * style.wide, tall * style.tall), Image.Resampling.NEAREST
    )
    image = Image.new("L", (cell.width, glyph.height), 255)
    image.paste(glyph, (0, 0))
    return _dressed(image, style)


def _dressed(image: Image.Image, style: Style) -> Image.Image:
    if style.underline:
        ImageDraw.Draw(image).rectangle((0, image.height - style.underline, image.width, image.height), fill=0)
    if style.inverse:
        image = ImageChops.invert(image)
    return image.rotate(180) if style.upside_down else image


@cache
def _glyph(char: str, wide: int, tall: int, bold: bool) -> Image.Image:
    font = ImageFont.truetype(str(FONT), round(tall * 0.78))
    across = max(1, round(font.getlength(char)))
    image = Image.new("L", (across, tall), 255)
    ImageDraw.Draw(image).text((0, round(tall * 0.86)), char, font=font, fill=0, anchor="ls")
    if across > wide:
        image = image.resize((wide, tall))
    cell = Image.new("L", (wide, tall), 255)
    cell.paste(image, ((wide - image.width) // 2, 0))
    return ImageChops.darker(cell, ImageChops.offset(cell, 1, 0)) if bold else cell


def _dots(rows: Bitmap) -> Image.Image:
    size = (len(rows[0]), len(rows)) if rows else (0, 0)
    return Image.frombytes("L", size, bytes(0 if dot else 255 for row in rows for dot in row))
