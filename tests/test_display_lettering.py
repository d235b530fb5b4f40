"""Words in a place: what fits, where a line breaks, and that no number is ever cut."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import kiosk.display.lettering
from kiosk.display.lettering import broken, cut, face, one_line, paragraph, pen, whole, wrap, write

SMALL = face(9)
TEXTS = st.text("abcdeg ÃÇçõñ¿º 0123,.#*$R", max_size=80)
FONTS = Path(kiosk.display.lettering.__file__).with_name("fonts")


def drawn(text: str, px: int, *, bold: bool = False) -> Image.Image:
    image = Image.new("1", (160, 48))
    write(pen(image), 2, 32, text, face(px, bold))
    return image


@pytest.mark.parametrize("sign", "ãõñÃÕÑçÇáéíóúâêôàü¿¡ºª€£₡₲₱…·–“”✓→#*$")
@pytest.mark.parametrize("bold", [False, True])
def test_every_sign_has_its_own_shape(sign: str, bold: bool) -> None:
    """U+0378 is no letter: it looks as every sign does that the font lacks."""
    for px in (9, 11, 12, 16, 32):
        missing, shape = drawn("\\u0378", px, bold=bold), drawn(sign, px, bold=bold)
        assert shape.getbbox() is not None
        assert shape.tobytes() != missing.tobytes()


@pytest.mark.parametrize("px", [8, 9, 11, 12, 14, 16, 18, 21, 24, 28, 32])
@pytest.mark.parametrize("bold", [False, True])
@pytest.mark.parametrize(
    ("tilde", "others"), [("ã", "aáàâä"), ("õ", "oóòôö"), ("ñ", "n"), ("Ã", "AÁÀÂÄ"), ("Õ", "OÓÒÔÖ")]
)
def test_a_tilde_is_no_other_accent(px: int, bold: bool, tilde: str, others: str) -> None:
    """Two rows or more, and not one straight bar, which would be a macron."""
    shape = drawn(tilde, px, bold=bold)
    assert all(shape.tobytes() != drawn(other, px, bold=bold).tobytes() for other in others)
    box, bare = shape.getbbox(), drawn(others[0], px, bold=bold).getbbox()
    assert box is not None
    assert bare is not None
    assert bare[1] - box[1] >= 2
    rows = [shape.crop((0, y, 160, y + 1)).tobytes() for y in range(box[1], box[1] + 2)]
    assert rows[0] != rows[1]


def test_the_fonts_are_small_and_their_licence_stands_beside_them() -> None:
    names = sorted(path.name for path in FONTS.iterdir())
    assert names == ["DejaVuSans.ttf", "DejaVuSansCondensed-Bold.ttf", "LICENSE.txt"]
    assert all(path.stat().st_size < 60_000 for path in FONTS.iterdir())
    assert "Bitstream Vera Fonts Copyright" in (FONTS / "LICENSE.txt").read_text()


def test_a_face_is_read_once() -> None:
    assert face(9) is face(9)


def test_bold_digits_of_32_px_are_24_rows_high() -> None:
    box = drawn("0", 32, bold=True).getbbox()
    assert box is not None
    assert box[3] - box[1] == 24 == face(32, bold=True).cap


@given(TEXTS, st.integers(20, 200))
def test_lines_hold_every_word_and_fit(text: str, width: int) -> None:
    lines = wrap(text, width, SMALL)
    if lines is None:
        assert any(SMALL.width(word) > width for word in text.split())
    else:
        assert " ".join(lines).split() == text.split()
        assert all(SMALL.width(line) <= width for line in lines)


@given(TEXTS, st.integers(20, 200))
def test_breaking_leaves_nothing_out(text: str, width: int) -> None:
    lines = broken(text, width, SMALL)
    assert "".join(lines).replace(" ", "") == "".join(text.split())
    assert all(SMALL.width(line) <= width for line in lines)


def test_a_newline_ends_a_line() -> None:
    assert wrap("um\ndois três", 200, SMALL) == ["um", "dois três"]


@given(TEXTS, st.integers(16, 200))
def test_a_cut_text_fits_and_keeps_numbers_whole(text: str, width: int) -> None:
    short = cut(text, width, SMALL)
    assert SMALL.width(short) <= width
    if short != text:
        assert short.endswith("…")
        assert set(re.findall(r"[\d,.]*\d", short)) <= set(re.findall(r"[\d,.]*\d", text))


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("cabe", "cabe"),
        ("Aguardando pagamento", "Aguarda…"),
        ("Total 1.250,00", "Total…"),
        ("25,00 reais", "25,00…"),
        ("12345678901234567890", "…"),
        ("Ir. Não há mais", "Ir. Não…"),
        ("Vendas, 123456", "Vendas…"),
        ("Fim, 1234567", "Fim…"),
        ("   ", "   "),
    ],
)
def test_cut(text: str, short: str) -> None:
    assert cut(text, 50, SMALL) == short


def test_where_not_even_an_ellipsis_fits_there_is_nothing() -> None:
    assert cut("Aguardando", 3, SMALL) == ""
    assert cut("", -5, SMALL) == ""


def test_one_line_takes_the_largest_face_that_fits() -> None:
    faces = (face(16), face(12), face(9))
    assert one_line("QR", 100, faces) == (faces[0], "QR")
    assert one_line("Pague com o QR", 100, faces) == (faces[2], "Pague com o QR")
    assert one_line("Aguardando pagamento", 50, faces) == (faces[2], "Aguarda…")


def test_a_paragraph_is_whole_in_the_largest_face_or_cut_in_the_last() -> None:
    faces = (face(16), face(9))
    assert paragraph("Sem papel", 128, 40, faces) == (faces[0], ["Sem papel"])
    assert whole("Sem papel " * 9, 128, 20, faces) is None
    last, lines = paragraph("Sem papel " * 9, 128, 20, faces)
    assert last is faces[1]
    assert len(lines) == 2
    assert lines[1].endswith("…")
    assert paragraph("Sem papel", 128, 3, faces) == (faces[1], [])


@given(TEXTS, st.integers(30, 130), st.integers(8, 60))
def test_a_paragraph_fits_its_place(text: str, width: int, rows: int) -> None:
    one, lines = paragraph(text, width, rows, (face(12), face(9)))
    assert one.height(len(lines)) <= rows
    assert all(one.width(line) <= width for line in lines)
