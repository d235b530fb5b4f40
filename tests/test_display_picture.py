"""Screens as pictures: goldens to look at, and what holds for every screen on every panel.

``WRITE_GOLDENS=1 pytest tests/test_display_picture.py`` writes the goldens anew; look at them before a commit.
They depend on FreeType, that is on Pillow's version, which the constraints pin.
"""

from __future__ import annotations

import itertools
import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from kiosk.display.picture import SHIFTS, TURN_S, count_text, draw
from kiosk.sale.screens import Icon, Screen

IDLE = Screen("Digite o valor", "0,00", footer="0-9 valor  * menu")
TYPING = Screen("Valor", "25,00", footer="# cobrar  * corrigir")
WAITING = Screen("Pague com o QR", "25,00", "Aguardando pagamento", "* cancelar", ends_at=105.0, answered_at=-2.5)
PAID = Screen("PAGO", "PAGO", "25,00 Comprovante impresso", "# ok  * imprimir", loud=True)
ALARM = Screen("NÃO CONFIRMADO", "CONFIRA", "Veja a conta antes de cobrar de novo", "# ok", (Icon.NETWORK,), loud=True)
OFFLINE = replace(
    WAITING,
    head="Sem internet",
    big="1.234,50",
    text="Sem resposta: não entregue. Pedido até 14:35",
    icons=(Icon.NETWORK, Icon.PAPER),
    answered_at=-42.0,
)
GOLDENS = {
    "typing-symbol": replace(TYPING, big="R$ 125,00", text="¿Señal? ção põe"),
    "typing-long": replace(TYPING, big="9.999.999,99"),
    "blocked": Screen("AGUARDE", "- - -", "Mercado Pago fora do ar", "A resolver: 2", tuple(Icon)),
    "words": Screen("Atenção", text="Não há papel: põe um rolo. ¿Señal? Ñandú, acción", footer="# ok"),
}
"""What no counter of the gallery shows (``tests/test_screen_sheets.py`` has all that one does)."""
SIZES = ((128, 64), (128, 32), (128, 128), (256, 64), (64, 48), (64, 128), (96, 16))

SCREENS_DIR = Path(__file__).parent / "golden" / "screens"

AMOUNTS = st.integers(0, 999_999_999).map(lambda cents: f"{cents // 100:,}".replace(",", ".") + f",{cents % 100:02}")
WORDS = st.text("abcdeg ÃÇçõñ¿º 0123,.#*$R\n", max_size=60)
SCREENS = st.builds(
    Screen,
    head=WORDS,
    big=st.one_of(WORDS, AMOUNTS, AMOUNTS.map(lambda amount: f"R$ {amount}")),
    text=WORDS,
    footer=WORDS,
    icons=st.lists(st.sampled_from(list(Icon)), unique=True).map(tuple),
    ends_at=st.one_of(st.none(), st.integers(-10_000, 600_000).map(lambda ms: ms / 1000)),
    answered_at=st.one_of(st.none(), st.floats(-5000, 0)),
)


def same_picture(image: Image.Image, name: str) -> None:
    path = SCREENS_DIR / f"{name}.png"
    if "WRITE_GOLDENS" in os.environ:
        image.save(path, optimize=True)
    with Image.open(path) as golden:
        assert (golden.mode, golden.size) == ("1", image.size)
        assert golden.tobytes() == image.tobytes(), f"{path} shows something else"


@pytest.mark.parametrize("size", [(128, 64), (128, 32)], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", GOLDENS)
def test_the_screen_looks_as_it_was_approved(name: str, size: tuple[int, int]) -> None:
    same_picture(draw(GOLDENS[name], size, 0.0).image, f"{name}-{size[0]}x{size[1]}")


@pytest.mark.parametrize("size", [(128, 128), (256, 64), (64, 48)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_other_panels_too(size: tuple[int, int]) -> None:
    same_picture(draw(WAITING, size, 0.0).image, f"waiting-{size[0]}x{size[1]}")


@given(screen=SCREENS, size=st.sampled_from(SIZES), now=st.floats(0, 1000))
@settings(max_examples=150)
def test_every_screen_has_a_picture_on_every_panel(screen: Screen, size: tuple[int, int], now: float) -> None:
    drawn = draw(screen, size, now)
    assert (drawn.image.mode, drawn.image.size) == ("1", size)


@given(screen=SCREENS, size=st.sampled_from(SIZES))
@settings(max_examples=60)
def test_the_small_moves_never_clip(screen: Screen, size: tuple[int, int]) -> None:
    """The picture at every place is the same picture, moved."""
    still = draw(screen, size, 0.0).image
    for columns, rows in SHIFTS:
        moved = Image.new("1", size)
        moved.paste(still, (columns, rows))
        assert draw(screen, size, 0.0, shift=(columns, rows)).image.tobytes() == moved.tobytes()
    assert still.crop((size[0] - 2, 0, *size)).getbbox() is None
    assert still.crop((0, size[1] - 1, *size)).getbbox() is None


def test_the_small_moves_are_one_pixel_each_and_come_round() -> None:
    for (x, y), (then_x, then_y) in itertools.pairwise((*SHIFTS, SHIFTS[0])):
        assert abs(x - then_x) + abs(y - then_y) == 1


@given(screen=SCREENS, size=st.sampled_from(SIZES))
@settings(max_examples=40)
def test_loud_is_the_same_picture_reversed(screen: Screen, size: tuple[int, int]) -> None:
    quiet, loud = (draw(replace(screen, loud=loud), size, 0.0).image for loud in (False, True))
    assert loud.convert("L").point(lambda level: 255 - level).tobytes() == quiet.convert("L").tobytes()


def inked(image: Image.Image) -> tuple[int, int, int, int]:
    box = image.getbbox()
    assert box is not None
    return box


@pytest.mark.parametrize("amount", ["0,02", "0,25", "2,50", "25,00", "250,00", "1.000", "12.500"])
def test_digits_are_24_rows_high_on_whole_pages(amount: str) -> None:
    """From a metre a cashier reads 4 mm; and 24 rows on a page's first row are three pages, not four."""
    _, top, right, bottom = inked(draw(Screen("", amount), (128, 64), 0.0).image)
    comma_rows = 5 if "," in amount else 0
    assert (top % 8, bottom - top - comma_rows) == (0, 24)
    assert right >= 124, "an amount stands at the right"


@given(AMOUNTS, st.sampled_from([size for size in SIZES if size[0] >= 96]))
@settings(max_examples=60)
def test_an_amount_is_shown_whole(amount: str, size: tuple[int, int]) -> None:
    """It is the picture of the amount alone at some size of the same digits: nothing is cut, no ellipsis."""
    image = draw(Screen("", amount), size, 0.0).image
    shorter = draw(Screen("", amount[1:] if amount[1:2].isdigit() else amount[2:]), size, 0.0).image
    assert inked(image)[0] >= 0
    assert image.tobytes() != shorter.tobytes()
    assert inked(image)[2] - inked(image)[0] <= size[0] - 2


@pytest.mark.parametrize("amount", ["25,00", "1.250,00", "R$ 125,00"])
@pytest.mark.parametrize("text", ["lllllllllllllllllll", "Aguardando pagamento", "não não não não não não não não não"])
def test_a_comma_never_runs_into_the_text_below(amount: str, text: str) -> None:
    """Else an accent reads as another letter. The comma is found as the dots that hang together with its tail."""
    image = draw(Screen("Valor", amount, text), (128, 64), 0.0).image.convert("L")
    digits_end = inked(image.crop((108, 14, 128, 40)))[3] + 13
    comma = next(x for x in range(60, 100) if image.getpixel((x, digits_end + 2)))
    ImageDraw.floodfill(image, (comma, digits_end + 2), 128)
    box = image.point(lambda level: 255 * (level == 128)).getbbox()
    assert box is not None
    assert box[2] - box[0] <= 8
    assert box[3] - digits_end <= 6, "no more than the comma hangs together"


def test_a_symbol_stands_at_the_left_and_costs_the_digits_little() -> None:
    alone, with_symbol = (draw(Screen("", amount), (128, 64), 0.0).image for amount in ("25,00", "R$ 25,00"))
    assert inked(with_symbol)[0] <= 2
    right_part = (inked(alone)[0], 0, 128, 64)
    assert with_symbol.crop(right_part).tobytes() == alone.crop(right_part).tobytes()


def test_a_head_that_only_repeats_the_word_is_left_out() -> None:
    assert draw(Screen("PAGO", "PAGO"), (128, 64), 0.0).image.tobytes() == (
        draw(Screen("", "PAGO"), (128, 64), 0.0).image.tobytes()
    )


# Counts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ends_at", "answered_at", "text"),
    [
        (None, None, ""),
        (105.0, None, "1:45"),
        (104.001, None, "1:45"),
        (600.0, 0.0, "10:00 · 0s"),
        (0.5, None, "0:01"),
        (0.0, None, "0:00"),
        (-7.0, None, "0:00"),
        (None, -2.9, "2s"),
        (None, -59.99, "59s"),
        (None, -60.0, "1min"),
        (None, 3.0, "0s"),
    ],
)
def test_counts(ends_at: float | None, answered_at: float | None, text: str) -> None:
    assert count_text(Screen("", ends_at=ends_at, answered_at=answered_at), 0.0) == text


@given(screen=SCREENS, size=st.sampled_from(SIZES), now=st.floats(0, 700), since=st.floats(0, 5))
@settings(max_examples=100)
def test_a_picture_holds_until_it_says_and_then_changes(
    screen: Screen, size: tuple[int, int], now: float, since: float
) -> None:
    """Seen a little before that time it is the same; a count is another one at that time."""
    drawn = draw(screen, size, now, since=min(since, now))
    if drawn.changes_at is None:
        assert draw(screen, size, now + 3600, since=min(since, now)).image.tobytes() == drawn.image.tobytes()
        return
    assert drawn.changes_at > now
    before = drawn.changes_at - min(0.001, (drawn.changes_at - now) / 2)
    assert draw(screen, size, before, since=min(since, now)).image.tobytes() == drawn.image.tobytes()


def test_a_count_changes_when_it_says() -> None:
    now, seen = 0.0, []
    while now < 3.9:
        drawn = draw(WAITING, (128, 64), now)
        seen.append((now, count_text(WAITING, now)))
        assert drawn.changes_at is not None
        now = drawn.changes_at
    assert seen == [
        (0.0, "1:45 · 2s"),
        (0.5, "1:45 · 3s"),
        (1.0, "1:44 · 3s"),
        (1.5, "1:44 · 4s"),
        (2.0, "1:43 · 4s"),
        (2.5, "1:43 · 5s"),
        (3.0, "1:42 · 5s"),
        (3.5, "1:42 · 6s"),
    ]


# Turns ------------------------------------------------------------------------------------------------------------


def test_a_low_panel_shows_every_line_in_turn() -> None:
    """The head that asks, then the text, then the keys; and round again."""
    question = Screen("Cancelar toda a venda?", "1.234,50", "Aguardando pagamento", "# sim  * não")
    turns = [draw(question, (128, 32), turn * TURN_S, since=0.0).image.tobytes() for turn in range(4)]
    assert len(set(turns[:3])) == 3
    assert turns[3] == turns[0]


def test_a_new_screen_begins_with_its_first_line() -> None:
    question = Screen("Cancelar toda a venda?", "1.234,50", "Aguardando pagamento", "# sim  * não")
    later, now = (draw(question, (128, 32), time, since=time).image.tobytes() for time in (1234.5, 0.0))
    assert later == now


def test_one_line_has_no_turns() -> None:
    assert draw(TYPING, (128, 32), 0.0).changes_at is None
    assert draw(TYPING, (128, 64), 0.0).changes_at is None


def test_a_long_text_is_shown_by_turns_and_never_presses_the_amount_small() -> None:
    first, second = (
        draw(replace(OFFLINE, ends_at=None, answered_at=None), (128, 64), now, since=0.0) for now in (0, 2)
    )
    assert first.changes_at == TURN_S
    digits = (0, 0, 128, 31)
    assert first.image.crop(digits).tobytes() == second.image.crop(digits).tobytes()
    assert first.image.tobytes() != second.image.tobytes()
    assert inked(first.image.crop((60, 15, 128, 32)))[3] >= 16


def test_no_golden_is_left_over() -> None:
    names = {f"{name}-{size}" for name in GOLDENS for size in ("128x64", "128x32")}
    names |= {f"waiting-{size}" for size in ("128x128", "256x64", "64x48")}
    assert {path.stem for path in SCREENS_DIR.iterdir()} == names
