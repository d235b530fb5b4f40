"""Guard, clear, place, adopt: from the confirmed amount to the order on the POS, whatever gets lost (R3 to R8)."""

from __future__ import annotations

import pytest

from kiosk.sale.commands import AskPos, Depth, Look, Place, Tune, Withdraw
from kiosk.sale.events import Busy, Holds, Placed, PosOrder, Reject, Removal, Stop, Trouble
from kiosk.sale.records import Phase, Why
from kiosk.sale.states import Notice, NoticeKind, Placing, Waiting, Withdrawing
from tests.story import EPOCH, Story, order, payment


def lost_put() -> Story:
    """A PUT whose answer is lost."""
    return Story().ready().keys("2500#").free().unknown(Place, Trouble.SLOW)


# --- guard ------------------------------------------------------------------------------------------------------------


def test_the_expiry_comes_from_the_providers_clock() -> None:
    """R3: the guard's Date + wait + 60 s; this machine's own clock is 7 s off and must not count."""
    story = Story().ready().keys("2500#").free()
    sale = story.did(Place)[0].sale
    assert sale.expires == float(int(EPOCH + story.at)) + 180 + 60


def test_without_a_date_there_is_no_expiry() -> None:
    """R3: no Date, no field."""
    story = Story()
    from kiosk.sale.events import Holds

    ask = story.open_calls(AskPos)[0]
    story.asked.clear()
    story.feed(Holds(request=ask.request, order=None))
    story.keys("2500#")
    ask = story.open_calls(AskPos)[0]
    story.asked.clear()
    story.feed(Holds(request=ask.request, reference=ask.reference, order=None))
    assert story.did(Place)[0].sale.expires is None


def test_a_guard_without_answer_places_nothing() -> None:
    story = Story().ready().keys("2500#")
    for _ in range(3):
        story.unknown(AskPos, Trouble.NETWORK)
        story.wait(4)
    story.wait(15)
    assert isinstance(story.state, Notice)
    assert story.state.kind is NoticeKind.NO_ANSWER
    assert not story.did(Place)
    assert not story.journal.sales


@pytest.mark.parametrize(
    ("reject", "kind"),
    [
        (Reject.TOKEN, NoticeKind.REFUSED_TOKEN),
        (Reject.FORBIDDEN, NoticeKind.REFUSED_FORBIDDEN),
        (Reject.NO_POS, NoticeKind.REFUSED_NO_POS),
    ],
)
def test_a_refused_guard_tells_the_technician(reject: Reject, kind: NoticeKind) -> None:
    story = Story().ready().keys("2500#").refused(AskPos, reject)
    assert isinstance(story.state, Notice)
    assert story.state.kind is kind
    assert "técnico" in story.text
    assert not story.journal.sales


def test_cancel_during_the_guard_places_nothing() -> None:
    story = Story().ready().keys("2500#*")
    assert story.public == "idle"
    assert not story.journal.sales


# --- clear ------------------------------------------------------------------------------------------------------------


def test_a_foreign_order_is_written_down_taken_away_and_watched() -> None:
    """R5, L4: before a sale, another's order is on the POS."""
    story = Story().ready().keys("2500#").holds("foreign-1", 900)
    row = story.journal.sales["foreign-1"]
    assert (row.foreign, row.watched, row.why) == (True, True, Why.FOREIGN)
    assert not story.did(Place)
    story.removed().free()
    assert [place.sale.cents for place in story.did(Place)] == [2500]
    story.placed()
    assert any(watch.sale.reference == "foreign-1" for watch in story.counter.watches.items)


def test_the_second_foreign_order_in_a_day_is_an_alarm() -> None:
    """R5: another device uses this POS."""
    story = Story().ready().keys("2500#").holds("foreign-1", 900).removed().free().placed().paid().printed()
    story.wait(3).free().wait(3600)
    story.asked.clear()
    story.keys("2500#")
    story.take()
    story.asked = story.asked[-1:]
    story.holds("foreign-2", 900)
    from kiosk.sale.commands import Save

    entries = [entry for save in story.did(Save) for entry in save.entries]
    assert any(entry.level == 3 and "another device" in entry.text for entry in entries)
    assert "Outro aparelho" in story.text
    assert story.screen.loud


def test_a_stale_order_at_boot_is_taken_away_before_idle() -> None:
    """L4: the last customer's amount is never left for the next one."""
    story = Story().account().holds("foreign-1", 900)
    assert story.public == "blocked"
    assert story.open_calls(Withdraw)
    story.removed().free()
    assert story.public == "idle"


def test_an_order_that_cannot_be_cleared_gives_the_sale_up_and_goes_on_clearing() -> None:
    story = Story().ready().keys("2500#").holds("foreign-1", 900)
    for _ in range(2):
        story.removed(Removal.LOCKED).holds("foreign-1", 900).wait(10)
    assert isinstance(story.state, Notice)
    assert story.state.kind is NoticeKind.POS_BUSY
    assert not story.did(Place)
    story.wait(21)  # the notice is read first
    assert story.public == "blocked"
    story.holds("foreign-1", 900).removed().free()
    assert story.public == "idle"


# --- place ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reject", "kind"),
    [
        (Reject.TOKEN, NoticeKind.REFUSED_TOKEN),
        (Reject.FORBIDDEN, NoticeKind.REFUSED_FORBIDDEN),
        (Reject.NO_POS, NoticeKind.REFUSED_NO_POS),
        (Reject.INVALID, NoticeKind.REFUSED_INVALID),
    ],
)
def test_a_refused_first_put_is_final(reject: Reject, kind: NoticeKind) -> None:
    """R7: on the first attempt a refusal is final, and the screen says what to do."""
    story = Story().ready().keys("2500#").free().refused(Place, reject)
    assert isinstance(story.state, Notice)
    assert story.state.kind is kind
    [sale] = story.journal.sales.values()
    assert sale.phase is Phase.REFUSED
    assert not sale.watched


def test_a_refusal_after_an_unknown_attempt_is_one_more_unknown() -> None:
    """R7, L6: it says nothing about the first attempt, which may be on the POS, or paid."""
    story = lost_put().free().seen().wait(3.1).seen().wait(7.1).seen()
    assert len(story.did(Place)) == 2
    story.refused(Place, Reject.INVALID)
    assert story.public == "placing"
    assert story.open_calls(AskPos)


def test_a_lost_answer_that_was_applied() -> None:
    """R6: the POS holds our reference and amount: Waiting."""
    story = lost_put()
    story.holds(story.sale.reference)
    assert story.public == "waiting"
    assert len(story.did(Place)) == 1


def test_a_lost_answer_that_was_not_applied_is_placed_again_with_the_same_body() -> None:
    """R6: nothing on the POS, nothing in either index at 0, 3 and 10 s: PUT again, once."""
    story = lost_put().free()
    started = story.at
    assert story.open_calls(Look)[0].depth is Depth.ALL
    story.seen()
    story.wait_for(Look)
    assert 2.9 <= story.at - started <= 3.1
    story.seen()
    story.wait_for(Look)
    assert 9.9 <= story.at - started <= 10.1
    assert len(story.did(Place)) == 1
    story.seen()
    first, second = story.did(Place)
    assert (first.sale.reference, first.sale.cents) == (second.sale.reference, second.sale.cents)
    assert (first.sale.expires, first.sale.lines) == (second.sale.expires, second.sale.lines)
    assert (first.sale.puts, second.sale.puts) == (1, 2)
    story.placed()
    assert story.public == "waiting"


def test_a_lost_answer_that_was_paid_already() -> None:
    """R6: nothing on the POS proves nothing: it may be paid."""
    story = lost_put()
    sale = story.sale
    story.free().seen(order(sale, payment()))
    assert story.public == "paid"
    assert len(story.did(Place)) == 1


def test_after_two_unknown_puts_it_is_withdrawn_never_idle() -> None:
    """R6: at most two PUTs, then Withdrawing."""
    story = lost_put().free().seen().wait(3.1).seen().wait(7.1).seen()
    story.unknown(Place).free().seen().wait(3.1).seen().wait(7.1).seen()
    assert len(story.did(Place)) == 2
    assert isinstance(story.state, Withdrawing)
    assert story.state.why is Why.NOT_PLACED


def test_with_too_little_time_left_it_is_not_placed_again() -> None:
    """R6: none with less than 30 s of the sale left."""
    from dataclasses import replace

    from tests.story import SHOP

    story = Story(replace(SHOP, wait_s=35)).ready().keys("2500#").free().unknown(Place)
    story.free().seen().wait(3.1).seen().wait(7.1).seen()
    assert len(story.did(Place)) == 1
    assert story.public == "withdrawing"


def test_a_look_that_is_not_whole_does_not_count() -> None:
    """R6: an index that did not answer has said nothing."""
    story = lost_put().free()
    for _ in range(4):
        story.seen(whole=False)
        story.wait_for(Look, within=20)
    assert len(story.did(Place)) == 1


def test_placing_ends_within_45_s() -> None:
    """R25, L8: with the line down it becomes Withdrawing, which goes on when the line is back."""
    story = lost_put()
    started = story.at
    for _ in range(20):
        if not isinstance(story.state, Placing):
            break
        story.wait_for(AskPos)
        story.unknown(AskPos)
        story.wait(0.5)
        while isinstance(story.state, Placing) and not story.open_calls(AskPos):
            story.wait(0.5)
    assert story.public == "withdrawing"
    assert story.at - started <= 45.0


def test_after_an_unknown_put_the_proof_is_repeated_for_two_minutes() -> None:
    """R4: a PUT may arrive at the provider after everybody gave it up."""
    story = lost_put().keys("*#")
    story.seen().removed().free().seen().wait(3.1).seen()
    story.wait(3).keys("#")
    assert story.public == "idle"
    started, asked = story.at, 0
    while story.at - started < 100:
        story.wait_for(AskPos, within=16)
        story.free()
        asked += 1
    assert asked >= 6
    story.wait(40)
    story.asked.clear()


def test_a_late_put_found_in_idle_is_taken_away() -> None:
    """L4: the cancelled sale's order turned up after all."""
    story = lost_put()
    reference = story.sale.reference
    story.keys("*#").seen().removed().free().seen().wait(3.1).seen().wait(3).keys("#")
    story.wait_for(AskPos, within=16)
    story.holds(reference)
    assert story.open_calls(Withdraw)
    assert story.public == "blocked"
    story.removed().free()
    assert story.public == "idle"
    assert any(watch.sale.reference == reference for watch in story.counter.watches.items)


def test_busy_with_our_own_order_is_waiting() -> None:
    """R8: 409; the POS holds ours."""
    story = Story().ready().keys("2500#").free().answer(Busy, Place)
    story.holds(story.sale.reference)
    assert story.public == "waiting"


def test_busy_with_anothers_order_is_cleared_once_and_placed_again() -> None:
    """R8: another's by R5, then PUT."""
    story = Story().ready().keys("2500#").free().answer(Busy, Place).holds("foreign-1", 900)
    story.removed().free()
    assert len(story.did(Place)) == 2
    story.placed()
    assert story.public == "waiting"


def test_busy_again_is_withdrawn_by_reading_and_said() -> None:
    """R8: 409 again: Withdrawing, then "POS busy"; nothing of another's is deleted."""
    story = Story().ready().keys("2500#").free().answer(Busy, Place).holds("foreign-1", 900).removed().free()
    story.take()
    story.answer(Busy, Place)
    assert story.public == "withdrawing"
    story.seen().holds("foreign-2", 500).seen().wait(3.1).seen()
    assert isinstance(story.state, Notice)
    assert story.state.kind is NoticeKind.POS_BUSY
    assert not [call for call in story.did(Withdraw) if call.reference != "foreign-2"]


def test_our_reference_with_another_amount_is_an_alarm() -> None:
    """L5, R10: never followed, never blindly deleted."""
    story = lost_put()
    story.holds(story.sale.reference, 999)
    assert isinstance(story.state, Withdrawing)
    assert story.state.why is Why.WRONG_AMOUNT
    assert story.heard(Tune.ATTENTION)
    assert not story.open_calls(Withdraw)


def test_cancel_while_the_put_is_under_way_waits_for_its_answer() -> None:
    story = Story().ready().keys("2500#").free().keys("*#")
    assert story.public == "placing"
    story.placed()
    assert isinstance(story.state, Withdrawing)
    assert story.state.why is Why.CANCELLED


def test_the_question_while_placing_goes_away() -> None:
    story = Story().ready().keys("2500#").free().keys("*")
    assert "Cancelar" in story.text
    story.keys("*")
    assert "Cancelar a venda" not in story.text
    story.placed()
    assert story.public == "waiting"


def test_a_late_answer_to_the_put_counts() -> None:
    """R20: the machine gave it up and asks; then the 204 arrives."""
    story = Story().ready().keys("2500#").free()
    put = story.did(Place)[0]
    story.wait(10.6)
    story.feed(Placed(request=put.request, reference=put.reference))
    assert story.public == "waiting"


# --- adopt ------------------------------------------------------------------------------------------------------------


def test_after_a_power_cut_the_open_order_is_followed() -> None:
    """R5, R23: ours, with 30 s or more left."""
    story = Story().ready().waiting()
    reference = story.sale.reference
    story.power_cut(off_s=60)
    assert story.public == "starting"
    story.account().holds(reference)
    assert isinstance(story.state, Waiting)
    assert story.sale.reference == reference
    story.paid()
    assert story.public == "paid"


def test_after_a_power_cut_an_order_with_too_little_time_is_taken_back() -> None:
    story = Story().ready().waiting()
    reference = story.sale.reference
    story.power_cut(off_s=215)
    story.account().holds(reference)
    assert isinstance(story.state, Withdrawing)
    assert story.state.why is Why.POWER


def test_another_order_told_late_while_placing_is_not_deleted() -> None:
    """R10: the POS was asked after a lost answer, and given up; then it answers after all."""
    assert not _deletes_after_a_late_word(PosOrder("foreign-1", 900))


def test_an_order_is_deleted_where_the_late_answer_knew_of_no_other() -> None:
    assert _deletes_after_a_late_word(None)


def _deletes_after_a_late_word(order: PosOrder | None) -> bool:
    story = Story().ready().keys("2500#").free().unknown(Place)
    asked = story.open_calls(AskPos)[0]
    story.wait(10.6)
    story.feed(Holds(request=asked.request, reference=story.sale.reference, order=order))
    assert story.public == "placing"
    return bool(story.keys("*#").seen().did(Withdraw))


def test_after_a_power_cut_a_paid_order_prints_an_ordinary_ticket() -> None:
    """R18: merely found paid at boot."""
    from kiosk.sale.commands import Print
    from kiosk.sale.events import Paper

    story = Story().ready().waiting()
    sale = story.sale
    story.power_cut(off_s=60).account().free().printer(Paper.OK)
    story.seen(order(sale, payment()))
    assert story.public == "paid"
    assert story.did(Print)[0].marks == ()


def test_a_cancel_goes_on_after_a_power_cut() -> None:
    story = Story().ready().waiting().keys("*#")
    reference = story.sale.reference
    story.power_cut(off_s=5).account().holds(reference)
    assert isinstance(story.state, Withdrawing)
    assert story.state.why is Why.CANCELLED


def test_adopting_waits_for_the_line() -> None:
    story = Story().ready().waiting()
    reference = story.sale.reference
    story.power_cut(off_s=5)
    for _ in range(4):
        story.unknown(AskPos)
        story.wait_for(Look, within=16)
        story.unknown(Look)
    story.holds(reference)
    assert story.public == "waiting"


def test_adopting_finds_a_payment_though_the_pos_does_not_answer() -> None:
    """R23: every other request is a look."""
    story = Story().ready().waiting()
    sale = story.sale
    story.power_cut(off_s=5).unknown(AskPos)
    story.wait_for(Look, within=16)
    story.seen(order(sale, payment()))
    assert story.public == "paid"


def test_another_order_found_after_a_power_cut_is_not_taken_for_ours() -> None:
    """R5, R10, L6: ours is gone, not by us; the other's is written down and watched, not blindly deleted."""
    story = Story().ready().waiting()
    story.power_cut(off_s=5).holds("OTHER-1", 999).seen().holds("OTHER-1", 999)
    assert story.public == "checking"
    assert not story.did(Withdraw)


def test_a_stop_while_adopting_takes_the_order_back() -> None:
    """R16."""
    story = Story().ready().waiting()
    reference = story.sale.reference
    story.power_cut(off_s=5).feed(Stop())
    assert (story.public, story.exited) == ("withdrawing", False)
    story.seen().removed().free().seen().wait(3.1).seen()
    assert story.exited
    assert story.journal.sales[reference].phase is Phase.WITHDRAWN


@pytest.mark.parametrize("how", ["during the PUT", "during the question to the POS"])
def test_a_cancel_is_not_forgotten_when_the_pos_is_busy(how: str) -> None:
    """R8, R13: no second PUT, and nothing of another's is deleted."""
    story = Story().ready().keys("2500#").free()
    if how == "during the PUT":
        story.keys("*#").answer(Busy, Place)
    else:
        story.answer(Busy, Place).keys("*#")
    story.take()
    story.seen().holds("OTHER-1", 900).seen().wait(3.1).seen()
    assert story.in_state(Notice).kind is NoticeKind.CANCELLED
    assert not story.did(Place)
    assert not [call for call in story.did(Withdraw) if call.reference != "OTHER-1"]


def test_a_stop_during_the_put_is_not_forgotten_when_the_pos_is_busy() -> None:
    story = Story().ready().keys("2500#").free().feed(Stop()).answer(Busy, Place)
    assert len(story.did(Place)) == 1
    assert story.public == "withdrawing"


def test_a_sale_given_up_on_a_busy_pos_is_watched() -> None:
    """R7: a 409 is never final."""
    story = Story().ready().keys("2500#").free().answer(Busy, Place)
    reference = story.sale.reference
    story.holds("OTHER-1", 900).keys("*")
    assert story.journal.sales[reference].watched


def test_the_question_asked_while_placing_stands_when_the_order_is_placed() -> None:
    story = Story().ready().keys("2500#").free().keys("*").placed()
    assert "Cancelar" in story.text
    story.keys("#")
    assert story.public == "withdrawing"
