"""What stands on the panel at the desk."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kiosk.sale.commands import AskRefunds, GiveBack, Lane
from kiosk.sale.desk_screens import desk_lines
from kiosk.sale.events import NoRefund, NotGivenBack, PaymentSeen, PaymentState, Reject
from kiosk.sale.giving import DeskWord, Giving, Settling
from kiosk.sale.records import Dispute, Reason
from kiosk.sale.states import Idle, MenuItem
from kiosk.sale.words import LANGUAGES, words_of
from tests.refund_account import SUPERVISED, after_a_sale, wished
from tests.story import Story, payment

WORDS = words_of("en")


def shown(story: Story) -> tuple[str, str, str, str]:
    state = story.state
    assert isinstance(state, Giving | Settling)
    return desk_lines(story.counter, state, WORDS)


def of_two() -> Story:
    """A sale of two payments goes back: two refunds, one after the other."""
    story = Story(SUPERVISED).ready().waiting().paid(payment("p1", 1500), payment("p2", 1000)).printed()
    story.wait(2).free().keys("#").in_state(Idle)
    story.choose(MenuItem.REFUND).keys("#")
    for cents in (1500, 1000):
        asked_once_more(story, cents)
    return asked_once_more(story.keys("#1234#"), 1500)


def asked_once_more(story: Story, cents: int) -> Story:
    """What went back of a payment of so much: nothing."""
    [call] = story.open_calls(AskRefunds, Lane.BEHIND)
    return story.refunds_are(payment=PaymentSeen(call.payment, PaymentState.APPROVED, cents, "BRL"))


def test_of_several_the_worst_is_said() -> None:
    story = of_two()
    assert shown(story)[:3] == ("Give back: Sale 1", "25,00", "Refund under way...")
    story.given_back("b1")
    assert shown(story)[2] == "Refund under way...", "one is done, and the other is not"
    asked_once_more(story, 1000)
    story.answer(NotGivenBack, GiveBack, Lane.BEHIND, reason=NoRefund.STATE)
    assert shown(story)[2] == WORDS.no_refund[NoRefund.STATE]
    both = asked_once_more(of_two().given_back("b1"), 1000).given_back("b2")
    assert shown(both)[2] == WORDS.desk[DeskWord.DONE]


@pytest.mark.parametrize("reject", [reject for reject in Reject if reject is not Reject.INVALID])
def test_a_refused_token_is_said_as_such(reject: Reject) -> None:
    story = wished(after_a_sale()).refused(GiveBack, reject, Lane.BEHIND)
    assert shown(story)[2] == WORDS.rejects[reject]


def test_one_that_was_taken_and_then_rejected_sends_to_the_account() -> None:
    story = wished(after_a_sale())
    state = story.in_state(Giving)
    story.answer(NotGivenBack, GiveBack, Lane.BEHIND, reason=NoRefund.STATE)
    ended = tuple(replace(refund, why="rejected") for refund in story.counter.refunds.ended)
    story.counter = replace(story.counter, refunds=replace(story.counter.refunds, ended=ended))
    assert desk_lines(story.counter, state, WORDS)[2] == WORDS.no_refund[NoRefund.OTHER]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_nobody_knows_is_never_called_refused(language: str) -> None:
    """R24."""
    words = words_of(language)
    unknown = words.desk[DeskWord.UNKNOWN].lower()
    for text in words.no_refund.values():
        assert text.split(":")[0].lower() not in unknown


def test_money_in_another_currency_shows_that_and_one_without_a_sale_its_payment() -> None:
    story = after_a_sale()
    odd = Dispute("p9", "K-0-x", 0, 0, "USD", Reason.WRONG_AMOUNT, 0.0)
    story.counter = replace(story.counter, disputes=(odd,))
    story.choose(MenuItem.SETTLE)
    assert shown(story)[:2] == ("p9", "USD")


def test_one_that_was_settled_meanwhile_shows_nothing_of_it() -> None:
    story = after_a_sale()
    assert desk_lines(story.counter, Settling("p9", 50.0), WORDS)[1] == "- - -"
