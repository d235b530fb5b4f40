"""Waiting, withdrawing, checking: an order followed to its end, and paid wins at every step (R9 to R16)."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from kiosk.sale.commands import AskPos, Depth, Lane, Look, Print, Tune, Withdraw
from kiosk.sale.events import Evidence, Holds, Key, PaymentState, PosOrder, Reject, Removal, Removed, Seen, Trouble
from kiosk.sale.records import Phase, Why
from kiosk.sale.states import Checking, Notice, NoticeKind, Part, Waiting, Withdrawing
from tests.story import COLLECTOR, Story, order, payment


def withdrawing() -> Story:
    """The cashier has cancelled; the first look is under way."""
    return Story().ready().waiting().keys("*#")


def gone_not_by_us() -> Story:
    """The POS has lost the order, and not at our request."""
    return withdrawing().seen().removed(Removal.GONE).free()


# --- waiting ----------------------------------------------------------------------------------------------------------


def looks_until(story: Story, seconds: float) -> list[float]:
    """When looks begin, each answered at once with nothing; the POS says it holds the order."""
    started, times = story.at, []
    while story.at - started < seconds:
        story.wait(0.05)
        if story.open_calls(AskPos):
            story.holds(story.sale.reference)
        if story.open_calls(Look):
            times.append(round(story.at - started, 1))
            story.seen()
    return times


def test_looks_come_every_2_s_for_two_minutes_then_every_4() -> None:
    """R9."""
    times = looks_until(Story().ready().waiting(), 160)
    gaps = [round(b - a, 1) for a, b in itertools.pairwise(times)]
    early = [gap for at, gap in zip(times, gaps, strict=False) if at < 117]
    late = [gap for at, gap in zip(times, gaps, strict=False) if at > 121]
    assert set(early) <= {1.9, 2.0, 2.1, 2.2}
    assert set(late) <= {3.9, 4.0, 4.1, 4.2}


def test_a_look_while_waiting_is_the_search_of_orders_alone() -> None:
    """R9: one request."""
    story = Story().ready().waiting()
    assert story.wait_for(Look).depth is Depth.ORDERS


def test_the_pos_is_verified_after_5_s_then_every_30() -> None:
    """R10."""
    story = Story().ready().waiting()
    started, times = story.at, []
    while story.at - started < 70:
        story.wait(0.1)
        if story.open_calls(AskPos):
            times.append(round(story.at - started))
            story.holds(story.sale.reference)
        if story.open_calls(Look):
            story.seen()
    assert times[0] in (5, 6)
    assert all(29 <= b - a <= 33 for a, b in itertools.pairwise(times))
    assert len(times) == 3


def to_the_verification(story: Story) -> Story:
    """Until the POS is asked what it holds."""
    while not story.open_calls(AskPos):
        story.wait(0.1)
        if story.open_calls(Look):
            story.seen()
    return story


def test_another_order_on_the_pos_is_an_alarm_and_withdrawn_by_reading() -> None:
    """R10: no blind DELETE of what is not ours."""
    story = to_the_verification(Story().ready().waiting())
    story.take()
    story.holds("foreign-1", 900)
    assert isinstance(story.state, Withdrawing)
    assert story.state.why is Why.REPLACED
    assert story.heard(Tune.ATTENTION)
    story.seen().holds("foreign-1", 900)
    assert story.public == "checking"
    assert not story.did(Withdraw)


@pytest.mark.parametrize("reference", ["foreign-1", ""])
def test_another_order_that_is_seen_only_once_we_withdraw_is_not_deleted(reference: str) -> None:
    """R10: the answer to the verification comes after the cancel. Its twin: it holds ours, which is deleted."""
    story = Story().ready().waiting()
    while not (asked := story.open_calls(AskPos)):
        story.wait(0.1)
        if story.open_calls(Look):
            story.seen()
    story.keys("*#").take()
    held = PosOrder(reference or story.sale.reference, 900 if reference else story.sale.cents)
    story.feed(Holds(request=asked[0].request, reference=story.sale.reference, order=held))
    assert story.heard(Tune.ATTENTION) is bool(reference)
    story.seen()
    assert bool(story.did(Withdraw)) is not bool(reference)
    if reference:
        story.holds(reference, 900)
        assert story.public == "checking"


def test_what_a_late_answer_told_of_another_order_keeps_it_from_being_deleted() -> None:
    """R10, found among a million sales: the verification is given up as silent, and its answer comes while we wait."""
    story = _told_late("foreign-1").keys("*#").seen()
    assert not story.did(Withdraw)
    story.holds(story.sale.reference)  # the old answer is not true any more: ours is deleted a little later
    story.wait_for(Withdraw, within=11)


def test_a_late_answer_that_tells_of_ours_changes_nothing() -> None:
    assert _told_late("").keys("*#").seen().did(Withdraw)


def _told_late(reference: str) -> Story:
    """Waiting; the verification was given up, and then answered with that order, or with ours."""
    story = to_the_verification(Story().ready().waiting())
    asked = story.open_calls(AskPos)[0]
    story.wait(10.6)
    assert not story.open_calls(AskPos), "given up"
    held = PosOrder(reference or story.sale.reference, story.sale.cents)
    return story.feed(Holds(request=asked.request, reference=story.sale.reference, order=held))


def test_what_a_late_answer_told_is_forgotten_when_the_pos_is_seen_to_hold_ours() -> None:
    story = _told_late("foreign-1")
    assert story.in_state(Waiting).told_of_another
    story.wait_for(AskPos, within=11)
    story.holds(story.sale.reference)
    assert not story.in_state(Waiting).told_of_another


def test_another_amount_on_the_pos_is_an_alarm() -> None:
    story = to_the_verification(Story().ready().waiting())
    story.holds(story.sale.reference, 100)
    assert isinstance(story.state, Withdrawing)
    assert story.state.why is Why.WRONG_AMOUNT


def test_an_order_that_vanished_twice_is_searched() -> None:
    """The POS has lost it: perhaps paid. Once may be a lag."""
    story = to_the_verification(Story().ready().waiting()).free()
    assert story.public == "waiting"
    to_the_verification(story).free()
    assert isinstance(story.state, Withdrawing)
    assert story.state.why is Why.VANISHED


@pytest.mark.parametrize(
    "what", ["opened", "amount", "collector", "reference", "currency", "refunded", "short", "none"]
)
def test_what_is_not_paid(what: str) -> None:
    """R11, L1: never paid; where it looks paid and is not ours, an alarm."""
    story = Story().ready().waiting()
    sale = story.sale
    orders = {
        "opened": order(sale, payment(), complete=False),
        "amount": order(sale, payment(cents=900), cents=900),
        "collector": order(sale, payment(), collector=COLLECTOR + 1),
        "reference": order(sale, payment(), reference="another"),
        "currency": order(sale, payment(currency="ARS")),
        "refunded": order(sale, payment(state=PaymentState.REFUNDED)),
        "short": order(sale, payment(cents=2499)),
        "none": order(sale),
    }
    story.wait_for(Look)
    story.take()
    story.seen(orders[what])
    assert story.public == "waiting"
    assert not story.did(Print)
    assert story.heard(Tune.ATTENTION) == (what in ("amount", "collector", "reference", "currency"))


@pytest.mark.parametrize("state", [s for s in PaymentState if s is not PaymentState.APPROVED])
def test_a_payment_in_any_other_state_pays_nothing(state: PaymentState) -> None:
    """R11: pending, in process, unknown words."""
    story = Story().ready().waiting()
    story.wait_for(Look)
    story.seen(order(story.sale, payment(state=state)))
    assert story.public == "waiting"


def test_one_good_order_among_several_pays() -> None:
    """R11: all orders returned are weighed, not the first."""
    story = Story().ready().waiting()
    story.wait_for(Look)
    story.seen(
        order(story.sale, complete=False, id_="m1"),
        order(story.sale, payment("p0", state=PaymentState.REJECTED), complete=False, id_="m2"),
        order(story.sale, payment("p1"), id_="m3"),
    )
    assert story.public == "paid"
    assert story.sale.order_id == "m3"


def test_two_payments_that_cover_together_pay() -> None:
    story = Story().ready().waiting()
    story.wait_for(Look)
    story.seen(order(story.sale, payment("p1", 1000), payment("p2", 1500)))
    assert story.public == "paid"
    assert story.sale.payments == ("p1", "p2")


def test_nobody_pays_until_time_is_up() -> None:
    story = Story().ready().waiting()
    started = story.at
    looks_until(story, 178)
    assert story.public == "waiting"
    while isinstance(story.state, Waiting):
        story.wait(0.5)
    assert story.in_state(Withdrawing).why is Why.TIME_UP
    assert 179 <= story.at - started <= 181
    story.seen().removed().free().seen().wait(3.1).seen()
    assert story.in_state(Notice).kind is NoticeKind.TIME_UP


@pytest.mark.parametrize("reject", [Reject.TOKEN, Reject.FORBIDDEN])
def test_a_refused_look_says_nothing_about_money(reject: Reject) -> None:
    """R7, R9: 401 and 403 to a question; asked again within 15 s."""
    story = Story().ready().waiting()
    story.wait_for(Look)
    story.refused(Look, reject)
    assert story.public == "waiting"
    assert story.state.wakes_at - story.at <= 15
    story.paid()
    assert story.public == "paid"


# --- cancel -----------------------------------------------------------------------------------------------------------


def test_cancel_is_asked_for_confirmation() -> None:
    """R13: * asks, # does."""
    story = Story().ready().waiting().keys("*")
    assert story.public == "waiting"
    assert "Cancelar a venda?" in story.text
    story.keys("#")
    assert story.public == "withdrawing"


def test_the_question_goes_away_after_10_s() -> None:
    story = Story().ready().waiting().keys("*")
    story.wait(10.1)
    assert "Cancelar a venda?" not in story.text
    story.keys("#")
    assert story.public == "waiting"


def test_star_walks_on_to_ask_now_and_back() -> None:
    """A pad of twelve keys has no C. ``#`` does what is shown, and after the walk it never cancels."""
    story = Story().ready().waiting().wait(0.5).keys("*")
    assert "Cancelar a venda?" in story.text
    story.keys("*")
    assert "Consultar agora?" in story.text
    assert "Cancelar a venda?" not in story.text
    story.keys("*")
    assert "Consultar agora?" not in story.text
    assert story.keys("#").public == "waiting"
    assert not story.open_calls(Look)
    assert story.heard(Tune.REFUSED)
    assert "Cancelar a venda?" in story.keys("*").text
    assert story.keys("#").public == "withdrawing"


def test_ask_now_by_the_walk_looks_at_once_and_asks_no_more() -> None:
    story = Story().ready().waiting().wait(0.5).keys("**")
    assert not story.open_calls(Look)
    story.keys("#")
    assert len(story.open_calls(Look)) == 1
    assert "Consultar agora?" not in story.text
    assert story.heard(Tune.CLICK)
    story.seen()
    assert story.keys("#").public == "waiting"
    assert not story.open_calls(Look)
    assert not story.open_calls(Withdraw)


def test_the_second_question_has_its_own_10_s_and_goes_away_too() -> None:
    story = Story().ready().waiting().keys("*").wait(9).keys("*").wait(9.9)
    assert "Consultar agora?" in story.text
    story.wait(0.2)
    assert "Consultar agora?" not in story.text
    assert story.keys("#").public == "waiting"
    assert "Cancelar a venda?" in story.keys("*").text


def test_a_hash_alone_cancels_nothing() -> None:
    assert Story().ready().waiting().keys("###").public == "waiting"


def test_a_cancel_looks_then_deletes_then_asks_then_looks_twice() -> None:
    """R13, R14: in this order, each after the other's answer."""
    story = withdrawing()
    story.take()
    assert story.open_calls(Look)
    story.seen()
    assert [type(c) for c in story.did(Withdraw)] == [Withdraw]
    story.removed()
    assert story.open_calls(AskPos)
    story.free()
    assert story.open_calls(Look)[0].depth is Depth.ALL
    story.seen()
    gone_at = story.at
    story.wait_for(Look)
    assert 2.9 <= story.at - gone_at <= 3.1
    story.seen()
    assert isinstance(story.state, Notice)
    assert story.state.kind is NoticeKind.CANCELLED
    sale = story.state.sale
    assert sale is not None
    assert (sale.phase, sale.deleted, sale.watched) == (Phase.WITHDRAWN, True, True)


@pytest.mark.parametrize("step", range(6))
def test_paid_wins_at_every_step_of_a_withdrawal(step: int) -> None:
    """R13: the customer pays while the cashier cancels."""
    story = withdrawing()
    sale = story.sale
    steps: list[Callable[[], object]] = [
        story.seen,
        story.removed,
        story.free,
        story.seen,
        lambda: story.wait(3.1),
    ]
    for advance in steps[:step]:
        advance()
    evidence = Evidence((order(sale, payment()),))
    looks = story.open_calls(Look)
    request = looks[0].request if looks else 1
    story.feed(Seen(request=request, reference=sale.reference, evidence=evidence))
    assert story.public == "paid"
    assert story.did(Print)[-1].marks == ()


def test_a_first_look_without_answer_does_not_hold_the_delete() -> None:
    story = withdrawing().unknown(Look)
    assert story.open_calls(Withdraw)


@pytest.mark.parametrize("unknowns", [1, 3])
def test_the_looks_after_must_be_answered(unknowns: int) -> None:
    """L6: an unanswered look says nothing; nobody reads "cancelled" yet."""
    story = withdrawing().seen().removed().free()
    for _ in range(unknowns):
        story.unknown(Look)
        story.wait_for(Look)
    story.seen(whole=False)
    story.wait_for(Look)
    assert story.public == "withdrawing"
    story.seen().wait(3.1).seen()
    assert story.public == "notice"


def test_still_there_is_locked_and_deleted_again_every_10_s() -> None:
    """R14: the customer is paying."""
    story = withdrawing().seen().removed(Removal.LOCKED)
    story.holds(story.sale.reference)
    assert isinstance(story.state, Withdrawing)
    assert story.state.part is Part.LOCKED
    assert "pagando" in story.text
    locked_at = story.at
    while not story.open_calls(Withdraw):
        story.wait(0.1)
        if story.open_calls(Look):
            story.seen()
    assert 9.9 <= story.at - locked_at <= 10.3
    story.removed().free().seen().wait(3.1).seen()
    assert story.public == "notice"


def test_locked_then_paid() -> None:
    story = withdrawing().seen().removed(Removal.LOCKED)
    story.holds(story.sale.reference)
    story.wait_for(Look)
    story.seen(order(story.sale, payment()))
    assert story.public == "paid"


def test_locked_beyond_its_death_is_left_to_a_person() -> None:
    """R14, R25: expiry + 60 s."""
    story = withdrawing().seen().removed(Removal.LOCKED)
    reference, started = story.sale.reference, story.at
    story.holds(reference)
    for _ in range(4000):
        if not isinstance(story.state, Withdrawing):
            break
        story.wait(0.5)
        if story.open_calls(Look):
            story.seen()
        if story.open_calls(Withdraw):
            story.removed(Removal.LOCKED)
        if isinstance(story.state, Withdrawing) and story.open_calls(AskPos):
            story.holds(reference)
    assert isinstance(story.state, Notice)
    assert story.state.kind is NoticeKind.NOT_CONFIRMED
    assert story.at - started <= 240 + 60 + 12


@pytest.mark.parametrize("removal", [Removal.GONE, Removal.LOCKED])
def test_gone_without_our_doing_is_presumed_paid(removal: Removal) -> None:
    """R14: 400, 404, 500 to the DELETE, and the POS is empty before the order's expiry."""
    story = withdrawing().seen().removed(removal).free()
    assert isinstance(story.state, Checking)
    assert story.heard(Tune.ATTENTION)


def test_a_lost_answer_to_the_delete_is_no_204() -> None:
    """L6."""
    story = withdrawing().seen().unknown(Withdraw).free()
    assert isinstance(story.state, Checking)


def test_a_late_204_of_the_delete_counts() -> None:
    """R20: given up, asked the POS, and then it arrives."""
    story = withdrawing().seen()
    delete = story.open_calls(Withdraw)[0]
    story.wait(10.6)
    story.feed(Removed(request=delete.request, reference=story.sale.reference, removal=Removal.BY_US))
    story.free()
    assert story.public == "withdrawing", "gone by us: no search"
    story.seen().wait(3.1).seen()
    assert story.public == "notice"


def test_an_expired_order_is_gone_by_itself() -> None:
    """R14: after its expiry nobody needs to have taken it."""
    story = Story().ready().waiting().keys("*#").unknown(Look).unknown(Withdraw)
    for _ in range(200):
        if story.at > 1000 + 245:
            break
        if story.open_calls(AskPos):
            story.unknown(AskPos)
        story.wait(2)
    if not story.open_calls(AskPos):
        story.wait_for(AskPos)
    story.free().seen().wait(3.1).seen()
    assert isinstance(story.state, Notice)
    assert story.state.kind is NoticeKind.CANCELLED


def test_a_withdrawal_goes_on_when_the_line_is_back() -> None:
    """R15: it waits, says "do not deliver" and until when, and ends by itself."""
    story = withdrawing().unknown(Look).unknown(Withdraw)
    for _ in range(5):
        story.unknown(AskPos, Trouble.NETWORK)
        assert "não entregue" in story.text.lower()
        story.wait_for(Look, within=16)
        story.unknown(Look, Trouble.NETWORK)
    story.holds(story.sale.reference)
    story.wait_for(Withdraw, within=12)
    story.removed().free().seen().wait(3.1).seen()
    assert story.public == "notice"


def test_money_that_does_not_cover_is_never_called_cancelled() -> None:
    """L6, R18: part of it was paid."""
    story = withdrawing().seen().removed().free()
    part = order(story.sale, payment(cents=1000), complete=False)
    story.seen(part).wait(3.1).seen(part)
    assert isinstance(story.state, Notice)
    assert story.state.kind is NoticeKind.NOT_CONFIRMED


def test_a_locked_order_of_another_amount_is_asked_for_again_on_a_line_that_fails() -> None:
    """R14, L8. Found by fuzzing: the time to ask again stayed in the past, and the machine was broken by the pause."""
    story = Story().ready().waiting()
    reference = story.sale.reference
    story.wait_for(AskPos)
    story.holds(reference, 900).seen().holds(reference, 900)
    assert story.in_state(Withdrawing).part is Part.LOCKED
    while not story.open_calls(AskPos):
        if story.open_calls(Look):
            story.seen()
        story.wait(0.5)
    story.unknown(AskPos)
    story.wait_for(Look)
    story.seen().free()
    assert not story.did(Withdraw), "what is on the POS is not ours to take away"
    assert isinstance(story.state, Checking)


# --- checking ---------------------------------------------------------------------------------------------------------


def test_checking_finds_the_payment() -> None:
    """R14: closed orders show up seconds after the money."""
    story = gone_not_by_us()
    story.seen().wait(3.1).seen().wait(3.1)
    story.seen(order(story.sale, payment()))
    assert story.public == "paid"
    assert story.did(Print)[-1].marks == ()


def test_checking_asks_both_indexes() -> None:
    assert gone_not_by_us().open_calls(Look)[0].depth is Depth.ALL


def test_checking_ends_after_30_s_and_never_says_cancelled() -> None:
    """R14, L6: "not confirmed: check the account"."""
    story = gone_not_by_us()
    started = story.at
    while story.public == "checking":
        if story.open_calls(Look):
            story.seen()
        story.wait(0.5)
    assert 29.5 <= story.at - started <= 30.6
    assert isinstance(story.state, Notice)
    assert story.state.kind is NoticeKind.NOT_CONFIRMED
    assert "CANCEL" not in story.text
    sale = story.state.sale
    assert sale is not None
    assert (sale.phase, sale.watched) == (Phase.UNCONFIRMED, True)


def test_checking_ends_with_the_line_down_too() -> None:
    story = gone_not_by_us()
    started = story.at
    while story.public == "checking":
        if story.open_calls(Look):
            story.unknown(Look)
        story.wait(0.5)
    assert story.at - started <= 31
    assert story.public == "notice"


def test_a_payment_in_the_index_without_a_complete_order_is_not_paid() -> None:
    """L1: the index of payments alone prints no ticket."""
    story = gone_not_by_us()
    from dataclasses import replace

    indexed = replace(payment(), reference=story.sale.reference, collector=COLLECTOR)
    story.seen(index=[indexed])
    assert story.public == "checking"


# --- found by review --------------------------------------------------------------------------------------------------


def test_looks_go_on_while_the_pos_does_not_answer() -> None:
    """R9, R10: a GET that always fails must not make the sale blind."""
    story = Story().ready().waiting()
    looks, started = 0, story.at
    while story.at - started < 100:
        story.wait(0.1)
        if story.open_calls(AskPos):
            story.unknown(AskPos, Trouble.SERVER)
        if story.open_calls(Look):
            looks += 1
            story.seen()
    assert looks > 35


def test_a_withdrawal_looks_while_the_pos_does_not_answer_and_ends_after_the_order_is_dead() -> None:
    """R25, L8: paid is found, and it does not go on for ever."""
    story = withdrawing().seen().removed()
    looks, started = 0, story.at
    while story.public == "withdrawing" and story.at - started < 1000:
        story.wait(0.2)
        if story.open_calls(AskPos):
            story.unknown(AskPos, Trouble.SERVER)
        elif story.open_calls(Look):
            looks += 1
            story.seen()
    assert looks > 10
    assert story.at - started <= 240 + 60 + 60
    assert story.public == "notice"


def test_looks_that_are_never_whole_end_with_a_person() -> None:
    """R25, L6: one index refuses for ever."""
    story = withdrawing().seen().removed().free()
    started = story.at
    while story.public == "withdrawing" and story.at - started < 1000:
        if story.open_calls(Look):
            story.seen(whole=False)
        story.wait(0.5)
    assert story.at - started <= 80
    assert story.in_state(Notice).kind is NoticeKind.NOT_CONFIRMED


def test_an_earlier_204_excuses_no_later_disappearance() -> None:
    """R14: it was still there after our 204; then somebody took it, or paid it."""
    story = withdrawing().seen().removed()
    story.holds(story.sale.reference)
    while not story.open_calls(Withdraw):
        story.wait(0.1)
        if story.open_calls(Look):
            story.seen()
    story.removed(Removal.GONE).free()
    assert story.public == "checking"


def test_a_pending_payment_is_never_called_nobody_paid() -> None:
    """L6."""
    story = withdrawing().seen().removed().free()
    pending = order(story.sale, payment(state=PaymentState.PENDING), complete=False)
    story.seen(pending).wait(3.1).seen(pending)
    assert story.in_state(Notice).kind is NoticeKind.NOT_CONFIRMED


def test_another_amount_is_not_deleted_blindly() -> None:
    """R10."""
    story = to_the_verification(Story().ready().waiting())
    reference = story.sale.reference
    story.holds(reference, 100).seen()
    started = story.at
    while story.at - started < 60:
        story.wait(0.2)
        if story.open_calls(Look):
            story.seen()
        if story.open_calls(AskPos):
            story.holds(reference, 100)
    assert not story.did(Withdraw)


def test_a_lost_delete_is_repeated_and_nobody_is_said_to_pay() -> None:
    """R14: the answer is lost and the order still there: nobody locked it."""
    story = withdrawing().seen().unknown(Withdraw)
    story.holds(story.sale.reference)
    assert "pagando" not in story.text
    story.wait_for(Withdraw, within=2)


def test_not_confirmed_is_read_before_another_order_is_cleared() -> None:
    """R14: the most important notice is not wiped by the next answer."""
    story = to_the_verification(Story().ready().waiting()).holds("OTHER", 2500).seen().holds("OTHER", 2500)
    while story.public == "checking":
        if story.open_calls(Look):
            story.seen()
        story.wait(0.5)
    if story.open_calls(AskPos):
        story.holds("OTHER", 2500)
    assert story.in_state(Notice).kind is NoticeKind.NOT_CONFIRMED


def test_a_held_key_confirms_no_cancel() -> None:
    story = Story().ready().waiting().keys("*")
    story.feed(Key("#", held=True))
    assert story.public == "waiting"


def test_the_watches_troubles_are_not_the_fronts() -> None:
    """R15, R20: an unanswered watch must not say "do not deliver" over a sale whose looks are answered."""
    story = Story().ready().waiting().paid().printed().wait(2).free()
    story.keys("1000#").free().placed()
    while not story.open_calls(Look, Lane.BEHIND):
        story.wait(0.5)
        if story.open_calls(Look):
            story.seen()
        if story.open_calls(AskPos):
            story.holds(story.sale.reference, 1000)
    story.unknown(Look, Trouble.SERVER, Lane.BEHIND)
    assert "não entregue" not in story.text.lower()
