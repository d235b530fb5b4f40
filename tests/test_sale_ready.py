"""Ready to sell: the same list on the panel, in the status and in the check."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kiosk.check import of_service
from kiosk.sale.commands import AskPos, Print
from kiosk.sale.events import Device, DeviceIs, Fault, Ill, Paper, Trouble
from kiosk.sale.ready import faults, why_blocked
from kiosk.sale.states import Blocked, Menu, MenuItem
from kiosk.sale.status import status
from kiosk.sale.words import LANGUAGES, words_of
from tests.story import SHOP, Story

EN = words_of("en")
DEAD_PANEL = DeviceIs(Device.PANEL, (Fault(Ill.DEAD, "the display is gone"),))
STUCK = DeviceIs(Device.KEYPAD, (Fault(Ill.STUCK, "key 5 has been down", "5"),))


def told(story: Story) -> tuple[str, ...]:
    return faults(story.counter, EN)


def test_a_counter_that_is_well_says_so_in_the_menu() -> None:
    """The last item; it is read, and there is nothing to do."""
    story = Story(SHOP).ready()
    assert told(story) == ()
    story.keys("*")
    words = words_of(SHOP.language)
    assert (story.screen.big, story.screen.text) == ("OK", words.check_well)
    assert story.keys("#").screen.head == words.ready
    assert story.did(Print) == []


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_whatever_is_wrong_is_named_there(language: str) -> None:
    story = Story(replace(SHOP, language=language)).ready().printer(Paper.OUT).feed(STUCK).keys("*")
    words = words_of(language)
    assert story.counter.state == Menu(MenuItem.CHECK, story.at + 20)
    assert story.screen.big == ""
    assert story.screen.text == f"{words.papers[Paper.OUT]}. {words.key_stuck.format(key='5')}"


def test_what_stops_sales_stands_first_and_alone_on_the_panel() -> None:
    story = Story(replace(SHOP, printer_required=True)).ready().printer(Paper.COVER).feed(STUCK)
    assert isinstance(story.counter.state, Blocked)
    assert told(story) == (EN.papers[Paper.COVER], EN.key_stuck.format(key="5"))
    assert why_blocked(story.counter, EN) == EN.papers[Paper.COVER]


def test_a_fault_that_stops_nothing_leaves_the_kiosk_ready() -> None:
    """Its twin: the same fault where the configuration refuses to sell with it."""
    sells = Story(SHOP).ready().feed(DEAD_PANEL)
    assert told(sells) == (EN.no_display,)
    assert not isinstance(sells.counter.state, Blocked)
    refuses = Story(replace(SHOP, display_required=True)).feed(DeviceIs(Device.PANEL)).ready().feed(DEAD_PANEL)
    assert told(refuses) == (EN.no_display,)
    assert isinstance(refuses.counter.state, Blocked)


def test_each_fault_is_named_once() -> None:
    story = Story(SHOP).unknown(AskPos, Trouble.NETWORK)
    assert told(story) == (EN.troubles[Trouble.NETWORK],)


def test_the_check_repeats_it_while_the_service_runs() -> None:
    story = Story(SHOP).ready().printer(Paper.OUT)
    ready = {result.name: result for result in of_service(status(story.counter, story.at))}["ready"]
    assert (ready.ok, ready.text) == (True, f"to sell; {EN.papers[Paper.OUT]}")
    blocked = Story(SHOP).unknown(AskPos, Trouble.NETWORK)
    ready = {result.name: result for result in of_service(status(blocked.counter, blocked.at))}["ready"]
    assert (ready.ok, ready.text) == (False, f"not to sell: {EN.troubles[Trouble.NETWORK]}")
    assert ready.advice
