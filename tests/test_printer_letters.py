"""Text becomes what the code page has, and never a command."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.printer.letters import printable


def latin(letter: str) -> bool:
    return bool(letter.encode("cp858", "ignore"))


def nothing(letter: str) -> bool:
    return False


@pytest.mark.parametrize("text", ["café, São João, ação, R$ 25,00", "ñandú ¿cuánto? ¡ya! 5 €", "plain ASCII ~!{}"])
def test_letters_of_the_page_stay_as_they_are(text: str) -> None:
    assert printable(text, latin) == text


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("São João, ação, Ñandú", "Sao Joao, acao, Nandu"),
        ("5 € – “x” … ₡", '5 EUR - "x" ... CRC '),
        ("straße Øre ﬁm ½", "strasse Ore fim ?"),
        ("咖啡 ✓ →", "?? v ->"),
    ],
)
def test_letters_the_page_lacks_become_what_a_reader_takes_for_them(text: str, instead: str) -> None:
    assert printable(text, nothing) == instead


def test_a_letter_that_came_in_two_parts_is_one() -> None:
    assert printable("Sa\u0303o cafe\u0301", latin) == "São café"


def test_control_bytes_do_not_go_through_and_white_space_becomes_a_space() -> None:
    assert printable("a\x1b@b\x1dV0\x10\x04\x01c\x7f\x9b", latin) == "a@bV0c"
    assert printable("one\ttwo\r\nthree\u00a0four", latin) == "one two  three four"
    assert printable("\u200bzero\u202e width\ufeff", latin) == "zero width"


@given(st.text())
def test_nothing_but_letters_of_the_page_comes_out(text: str) -> None:
    for letter in printable(text, latin):
        assert " " <= letter <= "~" or latin(letter)
        assert unicodedata.category(letter) not in ("Cc", "Cf")
    assert all(" " <= letter <= "~" for letter in printable(text, nothing))
