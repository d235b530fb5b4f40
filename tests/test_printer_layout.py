"""Lines become rows that fit, whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.printer.layout import Row, lay_out, widths
from kiosk.sale.records import Align, Size, TicketLine

PAPER_80 = widths(42, small=True)
PAPER_58 = widths(32, small=True)


def texts(line: TicketLine, columns: int = 42) -> list[str]:
    return [row.text for row in lay_out([line], widths(columns, small=True))]


def test_the_widths_are_those_of_epsons_fonts() -> None:
    assert PAPER_80 == {Size.SMALL: 56, Size.NORMAL: 42, Size.BIG: 21}
    assert PAPER_58 == {Size.SMALL: 42, Size.NORMAL: 32, Size.BIG: 16}
    assert widths(42, small=False)[Size.SMALL] == 42


def test_two_columns_reach_both_edges() -> None:
    assert texts(TicketLine("Café", "R$ 7,00")) == ["Café" + " " * 31 + "R$ 7,00"]
    assert texts(TicketLine("TOTAL", "R$ 25,00", size=Size.BIG), 32) == ["TOTAL   R$ 25,00"]


def test_a_long_left_column_is_wrapped_and_the_right_one_ends_its_last_row() -> None:
    assert texts(TicketLine("Pão de queijo recheado com goiabada", "R$ 11,00"), 32) == [
        "Pão de queijo recheado com",
        "goiabada                R$ 11,00",
    ]


def test_a_right_column_without_room_stands_below() -> None:
    assert texts(TicketLine("x" * 30, "R$ 11,00"), 32) == ["x" * 30, " " * 24 + "R$ 11,00"]


def test_text_and_right_column_never_touch() -> None:
    assert texts(TicketLine("x" * 24, "R$ 1,00"), 32) == ["x" * 24 + " R$ 1,00"]
    assert texts(TicketLine("x" * 25, "R$ 1,00"), 32) == ["x" * 25, " " * 25 + "R$ 1,00"]


def test_words_are_not_broken_where_they_need_not_be() -> None:
    assert texts(TicketLine("one two-three four", size=Size.BIG), 20) == ["one", "two-three", "four"]
    assert texts(TicketLine("a" * 25, size=Size.BIG), 32) == ["a" * 16, "a" * 9]


def test_a_centred_text_stands_in_the_middle_of_our_columns() -> None:
    assert texts(TicketLine("abcd", align=Align.CENTRE), 10) == ["   abcd"]
    assert texts(TicketLine("abcd", align=Align.CENTRE, size=Size.BIG), 12) == [" abcd"]


def test_a_rule_goes_across_and_an_empty_line_is_a_row() -> None:
    assert texts(TicketLine(align=Align.RULE), 32) == ["-" * 32]
    assert texts(TicketLine()) == [""]


@pytest.mark.parametrize(
    ("length", "size"), [(21, Size.BIG), (22, Size.NORMAL), (42, Size.NORMAL), (43, Size.SMALL), (56, Size.SMALL)]
)
def test_an_unbroken_line_takes_the_largest_size_in_which_it_is_one_row(length: int, size: Size) -> None:
    line = TicketLine("r" * length, size=Size.BIG, unbroken=True)
    assert lay_out([line], PAPER_80) == [Row("r" * length, size)]


def test_an_unbroken_line_never_grows() -> None:
    assert lay_out([TicketLine("short", size=Size.SMALL, unbroken=True)], PAPER_80) == [Row("short", Size.SMALL)]


def test_an_unbroken_line_too_long_for_any_font_fills_its_rows() -> None:
    reference = "R" * 40 + "-" + "r" * 23
    assert lay_out([TicketLine(reference, unbroken=True)], PAPER_80) == [
        Row(reference[:56], Size.SMALL),
        Row(reference[56:], Size.SMALL),
    ]


def test_an_unbroken_line_with_a_right_column_counts_both() -> None:
    line = TicketLine("r" * 38, "abc", unbroken=True)
    assert lay_out([line], PAPER_80) == [Row("r" * 38 + " abc", Size.NORMAL)]
    line = TicketLine("r" * 39, "abc", unbroken=True)
    assert lay_out([line], PAPER_80) == [Row("r" * 39 + "abc".rjust(17), Size.SMALL)]


def test_a_big_row_is_two_rows_high() -> None:
    assert [Row("x", size).height for size in Size] == [1, 1, 2]


LINES = st.builds(
    TicketLine,
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=90),
    st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30),
    st.sampled_from([Align.LEFT, Align.CENTRE]),
    st.sampled_from(Size),
    st.booleans(),
    st.booleans(),
)


@given(LINES, st.sampled_from([32, 42, 48]))
def test_every_row_fits_and_no_letter_is_lost(line: TicketLine, columns: int) -> None:
    width = widths(columns, small=True)
    rows = lay_out([line], width)
    assert all(len(row.text) <= width[row.size] and row.bold == line.bold for row in rows)
    assert "".join(row.text for row in rows).replace(" ", "") == (line.text + line.right).replace(" ", "")
