"""Typing, confirming, PAID, notices, the menu, and the standing proof that the POS is free (R4, R25, R26)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kiosk.sale.commands import AskPos, Place, Print, Tune
from kiosk.sale.events import Device, DeviceIs, Fault, Ill, Key, Paper, Trouble
from kiosk.sale.records import Mark
from kiosk.sale.states import Confirming, Entering, Hint, Idle, Notice, Paid
from tests.story import SHOP, Story


def typed(story: Story) -> int:
    """The amount on the screen."""
    assert isinstance(story.state, Entering | Confirming)
    return story.state.basket.cents


# --- typing -----------------------------------------------------------------------------------------------------------


def test_digits_are_cents_first() -> None:
    story = Story().ready()
    for key, cents in [("2", 2), ("5", 25), ("0", 250), ("0", 2500)]:
        story.keys(key)
        assert typed(story) == cents
    assert "25,00" in story.text


def test_correcting_digits() -> None:
    story = Story().ready().keys("257*00#").free()
    assert story.did(Place)[0].sale.cents == 2500


def test_the_last_correction_leads_home() -> None:
    assert Story().ready().keys("2*").public == "idle"


def test_star_held_clears_all() -> None:
    story = Story().ready().keys("2500")
    story.feed(Key("*")).feed(Key("*", held=True))
    assert story.public == "idle"


def test_double_zero_is_one_key() -> None:
    story = Story().ready().keys("25D#").free()
    assert story.did(Place)[0].sale.cents == 2500


def test_a_leading_zero_starts_nothing() -> None:
    assert Story().ready().keys("0").public == "idle"


@pytest.mark.parametrize(
    ("keys", "hint", "words"),
    [("99#", Hint.TOO_SMALL, "1,00"), ("1000001#", Hint.TOO_LARGE, "10.000,00")],
)
def test_an_amount_outside_the_limits_is_refused_with_the_limit(keys: str, hint: Hint, words: str) -> None:
    story = Story().ready().keys(keys)
    assert isinstance(story.state, Entering)
    assert story.state.hint is hint
    assert words in story.text
    assert story.heard(Tune.AMOUNT)
    assert not story.open_calls(AskPos)


@pytest.mark.parametrize("keys", ["100#", "100000#"])
def test_the_limits_themselves_are_allowed(keys: str) -> None:
    story = Story().ready().keys(keys).free()
    assert story.did(Place)[0].sale.cents == int(keys[:-1])


def test_above_confirm_above_it_asks_once_more_with_another_key() -> None:
    """R26: key 1, not #."""
    story = Story().ready().keys("100001#")
    assert isinstance(story.state, Confirming)
    story.keys("#")
    assert isinstance(story.state, Confirming)
    assert not story.open_calls(AskPos)
    story.keys("1").free()
    assert story.did(Place)[0].sale.cents == 100001


def test_the_second_confirmation_can_be_taken_back() -> None:
    story = Story().ready().keys("100001#*")
    assert typed(story) == 100001
    assert isinstance(story.state, Entering)


def test_an_amount_that_overflowed_is_refused_until_corrected_never_cut() -> None:
    """R26."""
    shop = replace(SHOP, maximum=10**9, confirm_above=10**9)
    story = Story(shop).ready().keys("12345678901#")
    assert isinstance(story.state, Entering)
    assert story.state.hint is Hint.TOO_LONG
    story.keys("*#")
    assert isinstance(story.state, Entering)
    story.keys("*#").free()
    assert story.did(Place)[0].sale.cents == 123456789


def test_a_half_typed_amount_is_forgotten_after_60_s() -> None:
    """R25."""
    story = Story().ready().keys("25").wait(59)
    assert story.public == "entering"
    story.wait(1.1)
    assert story.public == "idle"


def test_the_large_amount_question_is_forgotten_too() -> None:
    story = Story().ready().keys("100001#").wait(61)
    assert story.public == "idle"


# --- paid, notices ----------------------------------------------------------------------------------------------------


def test_paid_stays_until_a_key() -> None:
    story = Story().ready().waiting().paid().printed().wait(600)
    assert story.public == "paid"


def test_paid_ignores_keys_until_a_second_without_any() -> None:
    """R26: the cashier was still typing * # when the money came."""
    story = Story().ready().waiting().paid()
    story.keys("#*12")
    assert isinstance(story.state, Paid)
    story.at += 1.0
    story.keys("1")
    assert story.public == "entering"


def test_a_hash_leaves_paid() -> None:
    story = Story().ready().waiting().paid().printed().wait(2).free().keys("#")
    assert story.public == "idle"


def test_paid_can_be_printed_again_as_a_copy() -> None:
    """R21, L3."""
    story = Story().ready().waiting().paid().printed()
    story.take()
    story.wait(2).keys("*")
    [copy] = story.did(Print)
    assert Mark.COPY in copy.marks


def test_a_copy_of_a_print_that_is_only_presumed_may_be_a_duplicate() -> None:
    """R21: the printer never answered."""
    story = Story().ready().waiting().paid().printed(sure=False)
    story.take()
    story.wait(2).keys("*")
    [copy] = story.did(Print)
    assert Mark.POSSIBLE_DUPLICATE in copy.marks


def notice() -> Story:
    """A cancelled sale's notice."""
    return Story().ready().waiting().keys("*#").seen().removed().free().seen().wait(3.1).seen()


def test_a_notice_shrinks_to_the_footer_after_20_s() -> None:
    """R25: and the kiosk is ready by itself."""
    story = notice()
    story.wait(19.5).in_state(Notice)
    story.wait(1).in_state(Idle)
    assert "cancelada" in story.text


def test_a_digit_after_a_notice_starts_a_sale() -> None:
    story = notice().wait(1.5).keys("5")
    assert story.public == "entering"


def test_a_key_dismisses_a_notice_that_was_seen() -> None:
    story = notice().keys("#")
    assert story.public == "notice"
    story.wait(1.5).keys("#")
    assert story.public == "idle"


# --- menu -------------------------------------------------------------------------------------------------------------


# --- the proof --------------------------------------------------------------------------------------------------------


def test_idle_needs_an_answered_proof() -> None:
    """R4, L4."""
    story = Story().account().printer(Paper.OK)
    assert story.public == "starting"
    story.keys("2500#")
    assert story.public == "starting"
    story.unknown(AskPos, Trouble.NETWORK)
    assert story.public == "blocked"
    assert "internet" in story.text
    story.wait_for(AskPos, within=16)
    story.free()
    assert story.public == "idle"


def test_a_wrong_clock_is_said_as_such() -> None:
    """R3: a certificate that is not yet valid is no missing internet."""
    story = Story().account().unknown(AskPos, Trouble.CLOCK)
    assert "RELÓGIO" in story.text
    assert "internet" not in story.text


def test_the_proof_backs_off_to_15_s_at_most() -> None:
    story = Story().account()
    for _ in range(8):
        story.unknown(AskPos, Trouble.NETWORK)
        asked = story.at
        story.wait_for(AskPos, within=20)
        assert story.at - asked <= 15


def test_a_proof_that_fails_later_does_not_take_ready_away() -> None:
    """The guard asks again before anything is placed."""
    story = Story().ready()
    story.wait_for(AskPos, within=61)
    story.unknown(AskPos, Trouble.NETWORK)
    assert story.public == "idle"
    assert "[network]" in story.text


def test_while_typing_the_pos_is_left_alone() -> None:
    story = Story().ready().wait(55).keys("1").wait(30)
    assert not story.open_calls(AskPos)


def test_a_paid_order_that_lingers_on_the_pos_does_not_hide_paid() -> None:
    story = Story().ready().waiting().paid()
    story.holds(story.sale.reference)
    assert story.public == "paid"
    story.wait_for(AskPos, within=4)
    story.free()
    story.wait(2).keys("#")
    assert story.public == "idle"


def test_the_printer_is_required_only_where_configured() -> None:
    """L9: configuration decides whether new sales need a printer."""
    shop = replace(SHOP, printer_required=True)
    assert Story(shop).account().free().printer(Paper.OUT).public == "blocked"
    assert Story(shop).account().free().printer(Paper.OK).public == "idle"
    assert Story().account().free().printer(Paper.OUT).public == "idle"


def test_a_required_printer_that_dies_blocks_new_sales_only() -> None:
    shop = replace(SHOP, printer_required=True)
    story = Story(shop).ready()
    story.waiting().printer(Paper.GONE)
    assert story.public == "waiting"
    story.paid()
    assert story.public == "paid"
    story.wait(3).free().keys("#")
    assert story.public == "blocked"
    story.printer(Paper.OK)
    assert story.public == "idle"


# --- a dead panel -----------------------------------------------------------------------------------------------------

GONE = DeviceIs(Device.PANEL, (Fault(Ill.DEAD, "the display is gone"),))
BACK = DeviceIs(Device.PANEL)


def required() -> Story:
    story = Story(replace(SHOP, display_required=True)).account().free().printer(Paper.OK)
    assert story.public == "blocked", "not heard of yet"
    assert story.feed(BACK).public == "idle"
    return story


def test_with_a_dead_panel_every_amount_is_confirmed_and_with_a_living_one_only_a_large_one() -> None:
    story = Story().ready().feed(GONE).keys("2500#")
    assert isinstance(story.state, Confirming)
    assert story.heard(Tune.ATTENTION)
    story.keys("#")
    assert isinstance(story.state, Confirming), "R26: another key than the first time"
    story.keys("1").free().placed()
    assert story.sale.cents == 2500
    assert Story().ready().feed(GONE).feed(BACK).keys("2500#").public == "placing"


def test_every_accepted_digit_is_heard() -> None:
    story = Story().ready().feed(GONE)
    for digit in "2500":
        story.take()
        story.keys(digit)
        assert story.heard(Tune.CLICK)


def test_a_panel_that_dies_is_no_matter_for_who_is_typing_or_paying() -> None:
    """Also where the shop must have one: L9."""
    story = required()
    story.keys("2500").feed(GONE)
    assert story.public == "entering"
    story.feed(BACK).keys("#").free().feed(GONE).placed()
    assert story.public == "waiting"
    story.paid()
    assert story.public == "paid"
    story.wait(3).free().keys("#")
    assert story.public == "blocked"
    story.feed(BACK)
    assert story.public == "idle"


def test_a_display_is_required_only_where_configured() -> None:
    story = required().keys("2500").feed(GONE)
    story.take()
    story.keys("#1")
    assert story.public == "blocked"
    assert story.heard(Tune.REFUSED), "nobody can read that nothing was sold"
    assert not story.did(Place)
    assert Story().ready().feed(GONE).public == "idle"
