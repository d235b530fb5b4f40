"""Golden pictures of every screen, in every language, on both common panels: a sheet each, to be looked at.

``WRITE_GOLDENS=1 pytest tests/test_screen_sheets.py`` draws the sheets anew; look at them before a commit. Each screen
stands under its name; one that shows its text by turns has a picture for each turn. They depend on FreeType, that is on
Pillow's version, which the constraints pin.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import pytest
from PIL import Image

from kiosk.display.lettering import broken, face, pen, write
from kiosk.display.picture import TURN_S, draw
from kiosk.sale.events import Paper
from kiosk.sale.screens import Screen, lines, not_running, starting
from kiosk.sale.words import LANGUAGES, Down, Told, words_of
from tests.gallery import GALLERY, told
from tests.reading import comma_rows, lost

SHEETS: Final = Path(__file__).parent / "golden" / "sheets"
SIZES: Final = ((128, 64), (128, 32))
GAP: Final = 6
LABEL_ROWS: Final = 11
TURNS_AT_MOST: Final = 12
ON_PAPER: Final = {
    *(
        "marks",
        "sale",
        "total",
        "payment",
        "settle",
        "refund",
        "refund_id",
        "given_by",
        "signature",
        "summary",
        "date_format",
        "day_format",
        "service_slip",
        "day",
    ),
}
"""Fields of the words that are printed and stand on no screen."""

LANGUAGE = pytest.mark.parametrize("language", sorted(LANGUAGES))
SIZE = pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")


class Shown(NamedTuple):
    """A screen, and the moment at which it is looked at."""

    screen: Screen
    at: float


@cache
def screens(language: str) -> Mapping[str, Shown]:
    """Every screen there is: those of the counter, and those that stand there while no counter does."""
    stories = {name: told(name, language) for name in GALLERY}
    alone = {f"down-{why.value}": Shown(not_running(language, why), 0.0) for why in Down}
    alone["down-starting"] = Shown(starting(language), 0.0)
    return {**{name: Shown(story.screen, story.at) for name, story in stories.items()}, **alone}


def turns(shown: Shown, size: tuple[int, int]) -> list[Image.Image]:
    """The screen's pictures, one after the other, until the first comes again."""
    pictures: list[Image.Image] = []
    for turn in range(TURNS_AT_MOST):
        image = draw(shown.screen, size, shown.at, since=shown.at - turn * TURN_S).image
        if pictures and image.tobytes() == pictures[0].tobytes():
            return pictures
        pictures.append(image)
    raise AssertionError(f"it never comes round: {lines(shown.screen)}")


def cells(language: str, size: tuple[int, int]) -> Iterator[tuple[str, Image.Image]]:
    """Name and picture, screen after screen and turn after turn."""
    for name, shown in screens(language).items():
        pictures = turns(shown, size)
        for number, picture in enumerate(pictures, start=1):
            yield f"{name} {number}/{len(pictures)}" if len(pictures) > 1 else name, picture


def columns_of(size: tuple[int, int]) -> int:
    return 6 if size[1] >= 64 else 8


def place(index: int, size: tuple[int, int]) -> tuple[int, int]:
    """Where the label of that cell begins."""
    row, column = divmod(index, columns_of(size))
    return GAP + column * (size[0] + GAP), GAP + row * (LABEL_ROWS + size[1] + GAP)


def sheet(pictures: Sequence[tuple[str, Image.Image]], size: tuple[int, int]) -> Image.Image:
    """All of them on one picture, each below its name and in a frame."""
    columns = columns_of(size)
    _, bottom = place(len(pictures) - 1 + columns, size)
    image = Image.new("1", (GAP + columns * (size[0] + GAP), bottom), 1)
    for index, (name, picture) in enumerate(pictures):
        x, y = place(index, size)
        label = Image.new("1", (size[0], LABEL_ROWS))
        write(pen(label), 0, LABEL_ROWS - 3, name, face(9))
        image.paste(label.point(lambda lit: 255 * (not lit)), (x, y))
        image.paste(picture, (x, y + LABEL_ROWS))
    return image


@SIZE
@LANGUAGE
def test_every_screen_looks_as_it_was_approved(language: str, size: tuple[int, int]) -> None:
    pictures = list(cells(language, size))
    drawn = sheet(pictures, size)
    path = SHEETS / f"{language}-{size[0]}x{size[1]}.png"
    if "WRITE_GOLDENS" in os.environ:
        drawn.save(path, optimize=True)
    with Image.open(path) as golden:
        differing = [
            name
            for index, (name, _) in enumerate(pictures)
            if cell(golden, index, size).tobytes() != cell(drawn, index, size).tobytes()
        ]
        assert differing == [], f"{path.name} shows something else for these"
        assert (golden.mode, golden.size) == ("1", drawn.size), f"{path.name} has other screens"


def cell(image: Image.Image, index: int, size: tuple[int, int]) -> Image.Image:
    """That cell with its label."""
    x, y = place(index, size)
    return image.crop((x, y, x + size[0], y + LABEL_ROWS + size[1]))


def test_no_sheet_is_left_over() -> None:
    assert {path.name for path in SHEETS.iterdir()} == {
        f"{language}-{columns}x{rows}.png" for language in LANGUAGES for columns, rows in SIZES
    }


@LANGUAGE
def test_nothing_is_cut_off_on_a_panel_of_128_by_32(language: str) -> None:
    """Each word of each head, text and footer stands there whole in one of the turns (``test_sale_screens``: of 64)."""
    cut = {name: lost(shown.screen, shown.at, (128, 32)) for name, shown in screens(language).items()}
    assert {name: words for name, words in cut.items() if words} == {}


@pytest.mark.slow
@SIZE
@LANGUAGE
def test_nothing_is_cut_off_where_the_amounts_are_the_longest(language: str, size: tuple[int, int]) -> None:
    """Nine digits, in every place where an amount stands."""
    cut = {}
    for name, (shown, at) in screens(language).items():
        big, text = (re.sub(r"\d[\d.]*,\d\d", "9.999.999,99", words) for words in (shown.big, shown.text))
        cut[name] = lost(replace(shown, big=big, text=text), at, size)
    assert {name: words for name, words in cut.items() if words} == {}


def test_a_word_that_is_cut_off_is_noticed() -> None:
    """The measure itself."""
    whole = Screen("Head", "25,00", "Some text that takes two lines of it", "# ok", ends_at=100.0)
    assert lost(whole, 0.0, (128, 32)) == []
    assert lost(replace(whole, text="Unbrokenwordthatiswiderthanaline"), 0.0, (128, 32)) != []


@LANGUAGE
def test_no_comma_touches_the_text_below_it(language: str) -> None:
    """Else it reads as an accent, or the amount as another one."""
    rows = {
        name: comma_rows(*shown)
        for name, shown in screens(language).items()
        if "," in shown.screen.big and shown.screen.text
    }
    assert len(rows) > 40
    assert {name: count for name, count in rows.items() if count > 5} == {}


@LANGUAGE
def test_a_negation_is_never_parted_from_what_it_negates(language: str) -> None:
    """On a low panel a text comes line by line: "deliver" must not stand there alone after "do not"."""
    parted = [
        (name, line)
        for name, text in texts(language)
        for line in broken(text.format(amount="25,00", time="18:07", count=1, reason="", key="5"), 125, face(9))[:-1]
        if line.split()[-1].lower() in ("not", "no", "não", "do", "nunca", "never")
    ]
    assert parted == []


def texts(language: str) -> Iterator[tuple[str, str]]:
    """Every text that may stand on a screen, with its name; a usable printer's state is said nowhere."""
    words = words_of(language)
    for field in fields(words):
        value = getattr(words, field.name)
        if field.name in ON_PAPER:
            continue
        for key, text in {"": value}.items() if isinstance(value, str) else value.items():
            name = f"{field.name} {getattr(key, 'value', '')}".rstrip()
            if key in (Paper.OK, Paper.LOW, Paper.SILENT):
                continue
            if isinstance(text, Told):
                yield from ((f"{name} {part}", getattr(text, part)) for part in ("head", "big", "text"))
            else:
                yield name, text


def missing(language: str, shown: Sequence[Screen]) -> list[str]:
    """Texts that stand on none of these screens."""
    said = "\n".join(line for screen in shown for line in lines(screen))
    wanted = ((name, re.sub(r"\\\{\w+\\\}", ".+", re.escape(text))) for name, text in texts(language))
    return [name for name, pattern in wanted if not re.search(pattern, said)]


@LANGUAGE
def test_every_text_of_the_screens_has_its_picture(language: str) -> None:
    """Who adds a text gives it a place in the gallery."""
    assert missing(language, [shown.screen for shown in screens(language).values()]) == []


def test_a_text_without_a_picture_is_noticed() -> None:
    """The measure itself."""
    screens_but_one = [shown.screen for name, shown in screens("en").items() if name != "notice-time-up"]
    assert missing("en", screens_but_one) == ["notices time-up big", "notices time-up text"]
