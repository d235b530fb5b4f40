"""Money that goes back: durable before it is tried, told by asking, never twice, never "failed" while unknown (R24)."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.sale.commands import AskPos, AskRefunds, GiveBack, Lane, Look, Print, Save, Tune
from kiosk.sale.counter import holdings
from kiosk.sale.events import (
    CallAnswer,
    NoRefund,
    NotGivenBack,
    Paper,
    PaymentSeen,
    PaymentState,
    RefundsAre,
    RefundSeen,
    Refused,
    Reject,
    Stop,
    Trouble,
    Unknown,
    Woken,
)
from kiosk.sale.records import DebtState, Dispute, Mark, Phase, Reason, Refund, RefundState
from kiosk.sale.states import AtTheDesk, Idle, MenuItem
from tests.refund_account import Account, after_a_sale, never_twice, refund_papers, the_refund, wished
from tests.story import COLLECTOR, Story, order, payment

APPROVED, PENDING, REJECTED = PaymentState.APPROVED, PaymentState.PENDING, PaymentState.REJECTED


def back(id_: str = "b1", state: PaymentState = APPROVED, cents: int | None = 2500) -> RefundSeen:
    return RefundSeen(id_, state, cents)


def lost(story: Story) -> Story:
    """Nobody knows what came of the attempt; what went back is asked next."""
    story.unknown(GiveBack, Trouble.SLOW, Lane.BEHIND)
    story.wait_for(AskRefunds, lane=Lane.BEHIND)
    return story


def refused(story: Story, reason: NoRefund = NoRefund.STATE) -> Story:
    return story.answer(NotGivenBack, GiveBack, Lane.BEHIND, reason=reason, detail="their words")


# --- the plain way ----------------------------------------------------------------------------------------------------


def test_a_wish_is_durable_before_its_first_attempt_and_in_the_same_step() -> None:
    """L7: the save stands first, the attempt after it, and its try is counted."""
    story = wished(after_a_sale())
    step = story.done[story.done.index(story.did(Save, lambda s: any(isinstance(r, Refund) for r in s.records))[-1]) :]
    assert isinstance(step[0], Save)
    [attempt] = [command for command in step if isinstance(command, GiveBack)]
    assert attempt.lane is Lane.BEHIND
    assert attempt.refund == the_refund(story)
    assert (attempt.refund.tries, attempt.refund.state, attempt.refund.whole) == (1, RefundState.WANTED, True)
    assert (attempt.refund.by, attempt.refund.payment, attempt.refund.cents) == ("Ana", "p1", 2500)


def test_a_refund_that_is_done_is_durable_then_heard_then_on_paper() -> None:
    story = wished(after_a_sale())
    story.take()
    story.given_back("b1")
    kinds = [type(command).__name__ for command in story.done]
    assert kinds[0] == "Save"
    assert kinds.index("Sound") < kinds.index("Print")
    done = the_refund(story)
    assert (done.state, done.refund_id, done.ended_at is not None) == (RefundState.DONE, "b1", True)
    [paper] = refund_papers(story)
    assert paper.marks == ()
    assert f"refund:{done.key}" in story.journal.debts
    assert story.heard(Tune.ATTENTION)
    assert not story.heard(Tune.PAID)
    story.printed()
    assert story.journal.debts[f"refund:{done.key}"].state is DebtState.PRINTED


def test_one_that_is_under_way_is_asked_for_until_it_is_done() -> None:
    story = wished(after_a_sale()).given_back("b1", PENDING)
    assert (the_refund(story).refund_id, the_refund(story).state) == ("b1", RefundState.WANTED)
    for _ in range(3):
        story.wait_for(AskRefunds, lane=Lane.BEHIND)
        story.refunds_are(back(state=PENDING))
        assert not story.open_calls(GiveBack, Lane.BEHIND), "it is there: no second attempt"
    story.wait_for(AskRefunds, lane=Lane.BEHIND)
    story.refunds_are(back())
    assert the_refund(story).state is RefundState.DONE


def test_one_that_was_under_way_and_is_rejected_did_not_happen() -> None:
    story = wished(after_a_sale()).given_back("b1", PENDING)
    story.wait_for(AskRefunds, lane=Lane.BEHIND)
    story.refunds_are()
    assert the_refund(story).state is RefundState.WANTED, "a list that lags behind says nothing"
    story.wait_for(AskRefunds, lane=Lane.BEHIND)
    story.refunds_are(back(state=REJECTED))
    assert (the_refund(story).state, the_refund(story).why) == (RefundState.REFUSED, "rejected")
    assert not refund_papers(story)


# --- the question before it -------------------------------------------------------------------------------------------


def signed(*known: RefundSeen, part: str = "") -> Story:
    """Signed for, durable, and asked once more before anything is sent."""
    story = after_a_sale().choose(MenuItem.REFUND).keys("#").refunds_are(*known).keys(f"{part}#1234#")
    assert the_refund(story).tries == 0
    assert not story.open_calls(GiveBack, Lane.BEHIND)
    return story


OLD = back("old", cents=500)


@pytest.mark.parametrize("part", ["", "700"])
@pytest.mark.parametrize(
    ("shown", "paid"),
    [
        ((OLD, back("app", cents=700)), None),
        ((OLD, back("app", PENDING, cents=700)), None),
        ((OLD,), payment(refunded=1200)),
        ((OLD, back("app", cents=None)), payment(refunded=500)),
        ((OLD,), payment(refunded=500, state=PaymentState.OTHER)),
    ],
    ids=["in the app", "on its way", "the list lags", "of no amount", "charged back"],
)
def test_what_went_back_since_it_was_signed_for_ends_it_before_anything_is_sent(
    part: str, shown: tuple[RefundSeen, ...], paid: PaymentSeen | None
) -> None:
    """R24: a refund of the app could be taken for ours later, when ours is in doubt."""
    story = signed(OLD, part=part).refunds_are(*shown, payment=paid)
    assert (the_refund(story).state, the_refund(story).why) == (RefundState.REFUSED, "changed")
    assert "parte já foi devolvida" in story.text
    story.wait(300)
    assert not story.did(GiveBack)
    assert not refund_papers(story)


def test_the_same_amount_that_went_back_in_the_app_is_not_ours() -> None:
    """With enough left for both: nothing is sent, and nobody takes the app's for ours."""
    story = signed(part="700").refunds_are(back("app", cents=700))
    assert not story.open_calls(GiveBack, Lane.BEHIND)
    assert (the_refund(story).state, the_refund(story).refund_id) == (RefundState.REFUSED, "")


@pytest.mark.parametrize(
    "answer", [RefundsAre(request=0, payment=None), RefundsAre(request=0, payment=payment(), whole=False)]
)
def test_where_the_account_does_not_tell_all_of_it_nothing_is_sent(answer: RefundsAre) -> None:
    story = signed()
    [call] = story.open_calls(AskRefunds, Lane.BEHIND)
    story.feed(replace(answer, request=call.request))
    assert the_refund(story).why == "changed"
    assert not story.did(GiveBack)


@pytest.mark.parametrize("part", ["", "700"])
@pytest.mark.parametrize(
    "shown", [(OLD,), (OLD, back("app", REJECTED, cents=700))], ids=["nothing new", "one that was rejected"]
)
def test_where_nothing_went_back_since_it_is_sent_at_once(part: str, shown: tuple[RefundSeen, ...]) -> None:
    story = signed(OLD, part=part).refunds_are(*shown)
    assert len(story.open_calls(GiveBack, Lane.BEHIND)) == 1
    assert the_refund(story).tries == 1


def test_all_that_is_left_is_what_was_signed_for() -> None:
    """One that was on its way was rejected since: all of it would be more now; a part is still that part."""
    on_its_way, rejected = replace(OLD, state=PENDING), replace(OLD, state=REJECTED)
    assert not signed(on_its_way).refunds_are(rejected).open_calls(GiveBack, Lane.BEHIND)
    assert signed(on_its_way, part="700").refunds_are(rejected).open_calls(GiveBack, Lane.BEHIND)


def test_an_answer_that_does_not_come_is_asked_for_again() -> None:
    """Nothing was sent yet: nobody is in doubt, and it goes on."""
    story = signed().unknown(AskRefunds, Trouble.NETWORK, Lane.BEHIND)
    assert not the_refund(story).doubt
    story.wait_for(AskRefunds, lane=Lane.BEHIND)
    story.refunds_are()
    assert len(story.open_calls(GiveBack, Lane.BEHIND)) == 1


@pytest.mark.parametrize("reject", Reject)
def test_who_may_not_even_ask_gives_nothing_back(reject: Reject) -> None:
    story = signed().refused(AskRefunds, reject, Lane.BEHIND)
    assert (the_refund(story).state, the_refund(story).why) == (RefundState.REFUSED, reject.value)


def test_after_a_power_cut_before_anything_was_sent_it_begins_anew() -> None:
    story = signed().power_cut().account().free()
    assert not the_refund(story).doubt
    story.wait_for(AskRefunds, lane=Lane.BEHIND)
    story.refunds_are()
    assert len(story.open_calls(GiveBack, Lane.BEHIND)) == 1
    story = signed().power_cut().account().free()
    story.wait_for(AskRefunds, lane=Lane.BEHIND)
    story.refunds_are(back())
    assert (the_refund(story).state, the_refund(story).why) == (RefundState.REFUSED, "changed")


def test_an_attempt_comes_before_the_questions_of_others() -> None:
    """What it goes by is the answer of this moment."""
    story = shown(shown(paid_in_two().choose(MenuItem.REFUND).keys("#"), 1500), 1000).keys("#1234#")
    lost_one = shown(story, 1500).unknown(GiveBack, Trouble.SLOW, Lane.BEHIND)
    [question] = lost_one.open_calls(AskRefunds, Lane.BEHIND)
    assert question.payment == "p2"
    story.wait(8)
    assert len([wish for wish in story.counter.refunds.items if wish.due <= story.at]) == 2
    shown(story, 1000)
    assert [attempt.refund.payment for attempt in story.open_calls(GiveBack, Lane.BEHIND)] == ["p2"]


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", [reason for reason in NoRefund if reason not in (NoRefund.USED, NoRefund.OTHER)])
def test_a_refusal_of_the_first_attempt_is_final(reason: NoRefund) -> None:
    story = refused(wished(after_a_sale()), reason)
    assert (the_refund(story).state, the_refund(story).why) == (RefundState.REFUSED, reason.value)
    assert not story.counter.refunds.items
    story.take()
    story.wait(60)
    assert not story.did(GiveBack)


@pytest.mark.parametrize("reject", [reject for reject in Reject if reject is not Reject.INVALID])
def test_a_first_attempt_that_may_not_be_made_is_final_too(reject: Reject) -> None:
    story = wished(after_a_sale()).refused(GiveBack, reject, Lane.BEHIND)
    assert (the_refund(story).state, the_refund(story).why) == (RefundState.REFUSED, reject.value)


@pytest.mark.parametrize("arrived", [False, True])
@pytest.mark.parametrize("nameless", [NoRefund.OTHER, Reject.INVALID])
def test_a_refusal_that_does_not_say_why_is_no_more_than_unknown(nameless: NoRefund | Reject, arrived: bool) -> None:
    """A refund that is in process was answered with a bad request once (their page on Pix)."""

    def again(story: Story) -> None:
        if isinstance(nameless, NoRefund):
            refused(story, nameless)
        else:
            story.refused(GiveBack, nameless, Lane.BEHIND)

    story = wished(after_a_sale())
    begun = story.at
    again(story)
    assert (the_refund(story).state, the_refund(story).doubt) == (RefundState.WANTED, True)
    for _ in range(3):
        story.wait_for(AskRefunds, lane=Lane.BEHIND)
        story.refunds_are()
        again(story)
    while the_refund(story).state is RefundState.WANTED:
        story.wait_for(AskRefunds, lane=Lane.BEHIND)
        story.refunds_are(*(back(),) * arrived)
        if story.open_calls(GiveBack, Lane.BEHIND):
            again(story)
    if arrived:
        assert (the_refund(story).state, the_refund(story).refund_id) == (RefundState.DONE, "b1")
    else:
        assert (the_refund(story).state, the_refund(story).why) == (RefundState.REFUSED, nameless.value)
        assert story.at - begun >= 120


def test_one_that_was_refused_without_a_reason_may_be_there() -> None:
    story = refused(wished(after_a_sale()), NoRefund.OTHER)
    story.wait_for(AskRefunds, lane=Lane.BEHIND)
    story.refunds_are(back())
    assert the_refund(story).state is RefundState.DONE


def test_a_key_that_was_used_is_no_refusal_but_a_sign_that_it_arrived() -> None:
    """R24: 2032 may mean "already done"."""
    story = refused(wished(after_a_sale()), NoRefund.USED)
    assert (the_refund(story).state, the_refund(story).doubt) == (RefundState.WANTED, True)
    story.wait_for(AskRefunds, lane=Lane.BEHIND)
    story.refunds_are(back("b7"))
    assert (the_refund(story).state, the_refund(story).refund_id) == (RefundState.DONE, "b7")


def test_after_a_doubt_a_refusal_is_one_more_unknown() -> None:
    """R24: 2063, too, may mean "already done": several whole lists, over two minutes, must lack it first."""
    story = lost(wished(after_a_sale()))
    begun = story.at
    lists = 0
    while the_refund(story).state is RefundState.WANTED:
        story.wait_for(AskRefunds, lane=Lane.BEHIND)
        story.refunds_are()
        lists += 1
        if story.open_calls(GiveBack, Lane.BEHIND):
            refused(story, NoRefund.STATE)
        assert story.at - begun < 240
    assert lists >= 3
    assert story.at - begun >= 120
    assert (the_refund(story).state, the_refund(story).why) == (RefundState.REFUSED, "state")


def test_after_a_doubt_a_refund_that_shows_late_is_ours() -> None:
    story = lost(wished(after_a_sale()))
    story.refunds_are()
    refused(story)
    story.wait_for(AskRefunds, lane=Lane.BEHIND)
    story.refunds_are(back())
    assert the_refund(story).state is RefundState.DONE


def test_an_unknown_attempt_between_them_begins_the_count_again() -> None:
    story = lost(wished(after_a_sale()))
    for _ in range(12):
        story.wait_for(AskRefunds, lane=Lane.BEHIND)
        story.refunds_are()
        assert the_refund(story).state is RefundState.WANTED
        refused(story)
        story.wait_for(AskRefunds, lane=Lane.BEHIND)
        story.refunds_are()
        story.unknown(GiveBack, Trouble.SLOW, Lane.BEHIND)
    assert the_refund(story).state is RefundState.WANTED


@pytest.mark.parametrize("reject", [Reject.TOKEN, Reject.FORBIDDEN])
def test_after_a_doubt_a_bad_token_ends_nothing(reject: Reject) -> None:
    story = lost(wished(after_a_sale()))
    for _ in range(10):
        story.wait_for(AskRefunds, lane=Lane.BEHIND)
        story.refunds_are()
        story.refused(GiveBack, reject, Lane.BEHIND)
    assert the_refund(story).state is RefundState.WANTED


# --- unknown ----------------------------------------------------------------------------------------------------------


def test_a_lost_answer_is_asked_for_and_the_same_key_tried_again() -> None:
    story = lost(wished(after_a_sale()))
    assert the_refund(story).doubt
    key = the_refund(story).key
    story.refunds_are()
    [again] = story.open_calls(GiveBack, Lane.BEHIND)
    assert (again.refund.key, again.refund.tries, the_refund(story).tries) == (key, 2, 2)
    story.given_back("b1")
    assert the_refund(story).state is RefundState.DONE


def test_silence_is_unknown_by_the_machines_own_clock() -> None:
    story = wished(after_a_sale())
    story.wait(11)
    assert the_refund(story).doubt
    story.wait_for(AskRefunds, lane=Lane.BEHIND)


@pytest.mark.parametrize(
    ("answer", "again"),
    [
        (RefundsAre(request=0, payment=payment(), whole=False), False),
        (RefundsAre(request=0, payment=payment(refunded=500)), False),
        (RefundsAre(request=0, payment=None), False),
        (Unknown(request=0, trouble=Trouble.SERVER), False),
        (Refused(request=0, reject=Reject.TOKEN), False),
        (RefundsAre(request=0, payment=payment(), refunds=(back(state=REJECTED),)), True),
        (RefundsAre(request=0, payment=payment()), True),
    ],
    ids=["not whole", "it lags", "no payment", "unknown", "refused", "another was rejected", "nothing there"],
)
def test_only_a_whole_list_without_it_lets_it_be_tried_again(answer: CallAnswer, again: bool) -> None:
    story = lost(wished(after_a_sale()))
    [call] = story.open_calls(AskRefunds, Lane.BEHIND)
    story.feed(replace(answer, request=call.request))
    assert bool(story.open_calls(GiveBack, Lane.BEHIND)) is again
    assert the_refund(story).state is RefundState.WANTED


def test_it_goes_on_for_ever_and_slower_after_two_minutes() -> None:
    story = lost(wished(after_a_sale()))
    times = []
    for _ in range(30):
        story.wait_for(AskRefunds, lane=Lane.BEHIND)
        times.append(story.at)
        story.unknown(AskRefunds, Trouble.NETWORK, Lane.BEHIND)
    gaps = [(at, later - at) for at, later in pairwise(times)]
    assert all(gap <= 15 for at, gap in gaps if at - times[0] < 100)
    assert all(59 <= gap <= 61 for at, gap in gaps if at - times[0] > 130)
    assert the_refund(story).state is RefundState.WANTED
    story.wait_for(AskRefunds, lane=Lane.BEHIND)
    story.refunds_are(back())
    assert the_refund(story).state is RefundState.DONE


@pytest.mark.parametrize(
    ("part", "shown", "ours"),
    [
        ("", (back(cents=2500),), "b1"),
        ("", (back(cents=2400),), "b1"),
        ("", (back("b1", cents=1000), back("b2", cents=1500)), ""),
        ("", (back("b1", cents=1000), back("b2", cents=2500)), "b2"),
        ("", (back(state=REJECTED),), ""),
        ("700", (back(cents=700),), "b1"),
        ("700", (back(cents=800),), ""),
        ("700", (back("b1", cents=800), back("b2", cents=700)), "b2"),
    ],
)
def test_which_refund_that_is_shown_is_ours(part: str, shown: tuple[RefundSeen, ...], ours: str) -> None:
    """Of our amount; of the whole, the only one there is, whatever is left of the payment by now."""
    story = lost(wished(after_a_sale(), part))
    story.refunds_are(*shown, payment=payment(refunded=0))
    assert the_refund(story).refund_id == ours
    assert (the_refund(story).state is RefundState.DONE) is bool(ours)
    if ours:
        assert the_refund(story).cents == next(seen.cents for seen in shown if seen.id == ours), "what truly went back"


def test_a_refund_that_was_there_before_is_never_ours() -> None:
    story = after_a_sale().choose(MenuItem.REFUND).keys("#").refunds_are(back("old", cents=700)).keys("700#1234#")
    assert the_refund(story).known == ("old",)
    story.refunds_are(back("old", cents=700))
    lost(story).refunds_are(back("old", cents=700))
    assert the_refund(story).state is RefundState.WANTED
    story.given_back("old")
    assert the_refund(story).state is RefundState.WANTED, "an answer that cannot be is none"


# --- power ------------------------------------------------------------------------------------------------------------


def test_after_a_power_cut_it_asks_first_and_never_sends_first() -> None:
    story = wished(after_a_sale())
    story.power_cut().account().free()
    assert the_refund(story).doubt
    story.wait_for(AskRefunds, lane=Lane.BEHIND)
    assert not story.did(GiveBack)
    story.refunds_are(back())
    assert (the_refund(story).state, the_refund(story).tries) == (RefundState.DONE, 1)
    story.printer(Paper.OK).wait(6)
    assert [paper.marks for paper in refund_papers(story)] == [()]


def test_a_wish_from_a_backup_doubts_its_paper() -> None:
    """L3, R21: since the backup was made the refund may have come to its end, and its paper out of the printer."""
    story = wished(after_a_sale())
    wish = the_refund(story)
    story.journal.wishes[wish.key] = replace(wish, doubt=True, restored=True)
    story.power_cut().ready()
    story.wait_for(AskRefunds, lane=Lane.BEHIND)
    story.refunds_are(back()).printer(Paper.OK)
    assert [paper.marks for paper in refund_papers(story)] == [(Mark.POSSIBLE_DUPLICATE,)]


def test_nothing_is_asked_before_it_is_known_whose_token_it_is() -> None:
    story = wished(after_a_sale()).power_cut()
    story.wait(30)
    assert not story.did(AskRefunds)
    story.account()
    story.wait_for(AskRefunds, lane=Lane.BEHIND, within=6)


def test_with_the_token_of_another_account_nothing_is_asked() -> None:
    """There the payment is not, and its refunds are not either: "no such payment" would be believed."""
    story = wished(after_a_sale()).power_cut().account(user_id=COLLECTOR + 1)
    story.wait(60)
    assert not story.did(AskRefunds)
    assert not story.did(GiveBack)


def test_a_stop_does_not_wait_for_it_and_begins_nothing() -> None:
    story = wished(after_a_sale())
    story.feed(Stop())
    assert story.exited
    story.unknown(GiveBack, Trouble.SLOW, Lane.BEHIND)
    story.take()
    story.wait(60)
    assert not story.did(AskRefunds)
    assert the_refund(story).state is RefundState.WANTED


# --- a journal that cannot be written ---------------------------------------------------------------------------------


def test_a_wish_that_cannot_be_written_down_is_none() -> None:
    """L7, R22: nothing was sent, and that is what is saved when the journal is back."""
    story = after_a_sale().choose(MenuItem.REFUND).keys("#").refunds_are().keys("#1234")
    story.take()
    story.journal.fails = True
    story.keys("#").refunds_are()
    assert not story.open_calls(GiveBack, Lane.BEHIND)
    assert not story.counter.refunds.items
    assert not story.journal.wishes
    assert "Erro de disco" in story.text
    story.journal.fails = False
    story.wait(30)
    assert (the_refund(story).state, the_refund(story).why) == (RefundState.REFUSED, "journal")
    story.wait(60)
    assert not story.did(GiveBack, lambda call: call in [asked.command for asked in story.asked])


def test_a_first_attempt_that_cannot_be_written_down_is_made_later_and_the_account_asked_before() -> None:
    """The wish is durable: after a power cut it would go on, so nobody says that it is over."""
    story = after_a_sale().choose(MenuItem.REFUND).keys("#").refunds_are().keys("#1234#")
    story.journal.fails = True
    story.refunds_are()
    assert not story.open_calls(GiveBack, Lane.BEHIND)
    story.take()
    story.wait(20)
    assert not story.did(AskRefunds), "no attempt could follow"
    assert (the_refund(story).state, the_refund(story).tries) == (RefundState.WANTED, 0)
    story.journal.fails = False
    story.wait_for(AskRefunds, within=30, lane=Lane.BEHIND)
    story.refunds_are()
    assert the_refund(story).tries == 1
    story.given_back()
    assert the_refund(story).state is RefundState.DONE


def signed_while_the_ticket_is_printed() -> Story:
    """Signed for, and about to be asked once more; the print is another's that will be saved."""
    story = Story(after_a_sale().shop).ready().waiting().paid().wait(2).free().keys("#")
    return story.choose(MenuItem.REFUND).keys("#").refunds_are().keys("#1234#")


def test_a_journal_that_is_well_again_lets_no_old_answer_count() -> None:
    """It failed at the attempt; the next save of another is fine."""
    story = signed_while_the_ticket_is_printed()
    story.journal.fails = True
    story.refunds_are()
    story.journal.fails = False
    story.printed()
    story.take()
    story.wait_for(AskRefunds, within=30, lane=Lane.BEHIND)
    assert not story.did(GiveBack)
    story.refunds_are(back("app"))
    assert (the_refund(story).state, the_refund(story).why) == (RefundState.REFUSED, "changed")


def test_an_answer_that_no_attempt_could_follow_is_an_old_one() -> None:
    """The journal failed while the account was asked."""
    story = signed_while_the_ticket_is_printed()
    story.journal.fails = True
    story.printed().refunds_are()
    story.journal.fails = False
    story.take()
    story.wait_for(AskRefunds, within=30, lane=Lane.BEHIND)
    assert not story.did(GiveBack)
    story.refunds_are(back("app"))
    assert (the_refund(story).state, the_refund(story).why) == (RefundState.REFUSED, "changed")


def test_a_later_attempt_that_cannot_be_written_down_is_made_later() -> None:
    story = lost(wished(after_a_sale()))
    story.journal.fails = True
    story.refunds_are()
    assert not story.open_calls(GiveBack, Lane.BEHIND)
    assert story.counter.refunds.items
    story.wait_for(AskRefunds, lane=Lane.BEHIND)
    story.refunds_are()
    story.take()
    story.wait(20)
    assert not story.did(GiveBack)
    assert not story.did(AskRefunds), "no attempt could follow"
    story.journal.fails = False
    story.wait_for(GiveBack, within=30, lane=Lane.BEHIND)
    assert the_refund(story).tries == 2
    story.given_back()
    assert the_refund(story).state is RefundState.DONE


def test_what_was_done_and_could_not_be_written_is_done_all_the_same() -> None:
    """R22: its paper is a possible duplicate, because after a power cut it will be found again."""
    story = wished(after_a_sale())
    story.journal.fails = True
    story.given_back()
    assert [paper.marks for paper in refund_papers(story)] == [(Mark.POSSIBLE_DUPLICATE,)]
    story.printed()
    story.journal.fails = False
    story.wait(10)
    assert the_refund(story).state is RefundState.DONE


def test_a_new_journal_knows_what_is_wanted() -> None:
    story = lost(wished(after_a_sale()))
    assert the_refund(story) in holdings(story.counter)


# --- several, and what else it settles --------------------------------------------------------------------------------


def paid_in_two() -> Story:
    story = Story(after_a_sale().shop).ready().waiting()
    story.paid(payment("p1", 1500), payment("p2", 1000)).printed().wait(2).free().keys("#")
    story.in_state(Idle)
    story.take()
    return story


def shown(story: Story, cents: int, *refunds: RefundSeen) -> Story:
    [call] = story.open_calls(AskRefunds, Lane.BEHIND)
    gone = sum(seen.cents or 0 for seen in refunds)
    return story.refunds_are(*refunds, payment=PaymentSeen(call.payment, APPROVED, cents, "BRL", gone))


def test_an_amount_is_spread_over_the_payments_and_given_back_one_after_the_other() -> None:
    story = shown(shown(paid_in_two().choose(MenuItem.REFUND).keys("#"), 1500), 1000).keys("2000#1234#")
    shown(story, 1500)
    wanted = {(r.payment, r.cents, r.whole, r.tries) for r in story.journal.wishes.values()}
    assert wanted == {("p1", 1500, True, 1), ("p2", 500, False, 0)}
    assert len({refund.key for refund in story.journal.wishes.values()}) == 2
    [first] = story.open_calls(GiveBack, Lane.BEHIND)
    assert first.refund.payment == "p1"
    shown(story.given_back("b1"), 1000)
    [second] = story.open_calls(GiveBack, Lane.BEHIND)
    assert second.refund.payment == "p2"
    story.given_back("b2")
    assert {refund.state for refund in story.journal.wishes.values()} == {RefundState.DONE}


def test_the_second_of_them_survives_a_power_cut() -> None:
    story = shown(shown(paid_in_two().choose(MenuItem.REFUND).keys("#"), 1500), 1000).keys("#1234#")
    shown(story, 1500).given_back("b1").power_cut().account().free()
    story.wait_for(AskRefunds, lane=Lane.BEHIND)
    shown(story, 1000)
    story.given_back("b2")
    assert {refund.state for refund in story.journal.wishes.values()} == {RefundState.DONE}


def test_a_ticket_that_is_owed_says_refunded_when_all_of_it_is_back() -> None:
    """R21; a copy says so, too."""
    story = after_a_sale()
    wished(story).given_back().keys("#")
    story.printed()
    story.take()
    story.choose(MenuItem.REPRINT)
    [copy] = story.did(Print)
    assert Mark.REFUNDED in copy.marks
    story = Story(story.shop).ready().waiting().paid().print_failed(began=False).wait(2).free().keys("#")
    wished(story).given_back()
    [ticket] = [debt for debt in story.counter.papers.debts if debt.reference]
    assert ticket.marks == (Mark.REFUNDED,)
    assert story.journal.debts[ticket.id].marks == (Mark.REFUNDED,)


def test_a_part_that_is_back_marks_no_ticket() -> None:
    story = after_a_sale()
    wished(story, "500").given_back().keys("#")
    story.printed()
    story.take()
    story.choose(MenuItem.REPRINT)
    [copy] = story.did(Print)
    assert Mark.REFUNDED not in copy.marks


def test_the_mark_survives_a_power_cut_right_after_the_refund() -> None:
    story = Story(after_a_sale().shop).ready().waiting().paid().print_failed(began=False).wait(2).free().keys("#")
    wished(story)
    key = next(iter(story.journal.wishes))
    done = replace(story.journal.wishes[key], state=RefundState.DONE, refund_id="b1", ended_at=1.0)
    story.journal.wishes[key] = done
    story.power_cut()
    story.wait(1)
    [ticket] = [debt for debt in story.counter.papers.debts if debt.reference]
    assert Mark.REFUNDED in ticket.marks


def test_money_that_is_going_back_completes_no_sale() -> None:
    """R18: each payment ends as exactly one thing."""
    story = Story(after_a_sale().shop).ready().waiting()
    sale = story.sale
    story.keys("*#").seen().removed().free().seen().wait(3.1).seen().wait(2).keys("#")
    story.watch_seen(order(sale, payment("p1", 1000), complete=False)) if story.open_calls(
        AskRefunds, Lane.BEHIND
    ) else None
    dispute = Dispute("p1", sale.reference, sale.number, 1000, "BRL", Reason.SHORT, 0.0)
    story.journal.disputes["p1"] = dispute
    story.power_cut().account().free().printer(Paper.OK)
    story.choose(MenuItem.SETTLE).keys("2")
    shown(story, 1000).keys("1234#")
    assert [refund.dispute for refund in story.journal.wishes.values()] == ["p1"]
    story.wait_for(Look, lane=Lane.BEHIND)
    story.watch_seen(order(sale, payment("p1", 1000), payment("p2", 1500)))
    assert story.journal.sales[sale.reference].phase is not Phase.PAID


def test_whole_money_that_goes_back_settles_what_was_disputed_of_it() -> None:
    """The excess of a payment that went back whole is back, too."""
    story = Story(after_a_sale().shop).ready().waiting()
    story.paid(payment("p1", 3000)).printed().printed().wait(2).free().keys("#")
    assert [dispute.payment for dispute in story.counter.disputes] == ["p1:excess"]
    shown(shown(story.choose(MenuItem.REFUND).keys("#"), 3000).keys("#1234#"), 3000).given_back()
    settled = story.journal.disputes["p1:excess"]
    assert (settled.settled, settled.settled_by) == ("refunded", "Ana")
    assert not story.counter.disputes


# --- whatever happens -------------------------------------------------------------------------------------------------


def begin(story: Story, account: Account) -> None:
    """Go to the desk, and sign for the whole or a part, as far as the account lets it."""
    story.keys("*" * 6 if isinstance(story.state, AtTheDesk) else "")
    if not isinstance(story.state, Idle):
        return
    story.choose(MenuItem.REFUND).keys("#")
    for _ in range(3):
        if not account.answer(story):
            break
    story.keys(("#", "500#", "500#", "700#")[account.choose(4)])
    story.keys("1234#")
    if account.choose(2):
        pass_by(story, 61.0)


def pass_by(story: Story, seconds: float) -> None:
    """Keys that were pressed meanwhile may have let a deadline pass."""
    if story.counter.wakes_at <= story.at:
        story.feed(Woken())
    story.wait(seconds)


def one_thing(story: Story, account: Account) -> None:
    if story.open_calls(AskPos):
        story.free()
    match account.choose(16):
        case 0:
            story.power_cut()
            if account.choose(4):
                story.account().free().printer(Paper.OK)
        case 1:
            story.journal.fails = not story.journal.fails and not account.choose(4)
        case 2:
            pass_by(story, 1.0 + account.choose(40))
        case 3 | 4 | 5 | 6:
            begin(story, account)
        case _ if not account.answer(story):
            pass_by(story, max(0.0, min(20.0, story.counter.wakes_at - story.at)))
        case _:
            pass


def to_the_end(story: Story, account: Account) -> None:
    """The world is well again: each wish comes to its end."""
    account.calm, story.journal.fails = True, False
    story.power_cut().account().free().printer(Paper.OK)
    for _ in range(400):
        if not story.counter.refunds.items:
            return
        if not account.answer(story):
            story.at = max(story.at, story.counter.wakes_at)
            story.feed(Woken())


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_whatever_is_lost_or_lags_or_is_cut_money_goes_back_once_for_each_wish(seed: int) -> None:
    """R24: lost answers, power cuts between any two steps, lists that lag, refusals on a whim, a full disk."""
    drawn = random.Random(seed)
    story, account = after_a_sale(), Account(drawn.randrange)
    originals: dict[str, int] = {}
    begin(story, account)
    for _ in range(80):
        one_thing(story, account)
        if not story.journal.fails and not story.counter.unsaved:
            never_twice(story, account)
        for paper in refund_papers(story):
            original = not {Mark.POSSIBLE_DUPLICATE, Mark.COPY} & set(paper.marks)
            number = next(line.right for line in paper.ticket.lines if line.text == "Devolução nº")
            originals[number] = originals.get(number, 0) + original
            assert number in [given.id for given in account.given.values()], "a paper, and nothing went back"
        story.take()
        while story.jobs:
            story.printed()
    to_the_end(story, account)
    never_twice(story, account)
    assert not story.counter.refunds.items, "it never came to an end"
    assert all(count <= 1 for count in originals.values()), "two originals"
