"""What the menu leads to: the menu itself; the last sales and the day have their own files, too."""

from __future__ import annotations

import pytest

from kiosk.sale.commands import Print
from kiosk.sale.records import Mark
from kiosk.sale.states import Idle, Menu, MenuItem
from tests.story import Story


def test_the_menu_is_empty_at_first() -> None:
    assert Story().ready().keys("*").public == "idle"


def test_the_menu_reprints_the_last_ticket() -> None:
    story = Story().ready().waiting().paid().printed().wait(2).free().keys("#")
    story.take()
    story.keys("*")
    assert isinstance(story.state, Menu)
    assert story.state.item is MenuItem.REPRINT
    story.keys("#")
    assert [Mark.COPY in command.marks for command in story.did(Print)] == [True]


def test_star_walks_out_of_the_menu() -> None:
    story = Story().ready().waiting().paid().printed().wait(2).free().keys("#")
    assert story.keys("**").public == "idle"


def test_an_amount_typed_in_the_menu_loses_no_digit() -> None:
    """L5: 25,00 would become 5,00."""
    story = Story().ready().waiting().paid().printed().wait(2).free().keys("#*")
    story.in_state(Menu)
    assert story.keys("2500").public == "entering"
    assert "25,00" in story.text


@pytest.mark.parametrize("key", "0ABC")
def test_any_other_key_leaves_the_menu(key: str) -> None:
    story = Story().ready().waiting().paid().printed().wait(2).free().keys("#*")
    story.in_state(Menu)
    assert story.keys(key).public == "idle"
    story.in_state(Idle)


def test_the_menu_closes_by_itself() -> None:
    story = Story().ready().waiting().paid().printed().wait(2).free().keys("#*")
    story.in_state(Menu)
    story.wait(21).in_state(Idle)
