"""The whole of a sale as the cashier lives it, and what is true of every state."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kiosk.sale.commands import AskPos, Lane, Look, Place, Print, Tune, Withdraw
from kiosk.sale.events import (
    Evidence,
    Key,
    LookNow,
    Paper,
    PaymentState,
    Placed,
    Seen,
    Stop,
    Trouble,
    Unknown,
    Woken,
)
from kiosk.sale.front import BrokenError
from kiosk.sale.records import Mark, Phase, Reason, Why
from kiosk.sale.states import Notice, NoticeKind, Paid, Waiting
from tests.story import Story, order, payment


def test_a_plain_sale() -> None:
    """Typed, guarded, placed, paid, printed; the amount is one integer all the way (L5)."""
    story = Story().ready()
    story.keys("2500#")
    assert story.public == "placing"
    assert not story.did(Place), "no PUT before the POS is proved free"
    story.free()
    assert [place.sale.cents for place in story.did(Place)] == [2500]
    story.placed()
    assert story.public == "waiting"
    assert "25,00" in story.text
    story.paid()
    assert story.public == "paid"
    assert story.heard(Tune.PAID)
    [ticket] = story.did(Print)
    assert ticket.marks == ()
    assert any("25,00" in line.right for line in ticket.ticket.lines)
    story.printed()
    assert not story.counter.papers.debts
    story.wait(2).free().keys("#")
    assert story.public == "idle"


def test_save_comes_before_sound_screen_and_ticket() -> None:
    """Payment ids first, durably (L7)."""
    story = Story().ready().waiting()
    story.wait_for(Look)
    story.take()
    story.seen(order(story.sale, payment()))
    kinds = [type(command).__name__ for command in story.take()]
    assert kinds[0] == "Save"
    assert kinds.count("Save") == 1
    assert story.journal.sales[story.sale.reference].payments == ("p1",)


def test_the_next_sale_begins_from_paid() -> None:
    story = Story().ready().waiting().paid().printed()
    first = story.sale.reference
    story.wait(3).free()
    story.keys("1000#").free().placed()
    assert story.sale.cents == 1000
    assert story.sale.number == 2
    assert story.sale.reference != first


def test_a_rejected_payment_then_a_good_one() -> None:
    """R12: the order stays; "try again" is said and heard."""
    story = Story().ready().waiting()
    bad = payment("p0", state=PaymentState.REJECTED)
    story.wait_for(Look)
    story.seen(order(story.sale, bad, complete=False))
    assert story.public == "waiting"
    assert story.heard(Tune.REJECTED)
    assert "Recusado" in story.text
    assert not story.open_calls(Withdraw)
    story.take()
    story.wait_for(Look)
    story.seen(order(story.sale, bad, complete=False))
    assert not story.heard(Tune.REJECTED), "the same rejection is told once"
    story.wait_for(Look)
    story.seen(order(story.sale, bad, payment("p1")))
    assert story.public == "paid"
    assert story.sale.payments == ("p1",)


def test_while_a_payment_is_under_review_nobody_is_told_to_pay_again() -> None:
    """After a rejection, too: "try again" would bring a second payment. When it is decided, that is said."""
    story = Story().ready().waiting()
    bad, slow = payment("p0", state=PaymentState.REJECTED), payment("p1", state=PaymentState.PENDING)
    story.wait_for(Look)
    story.seen(order(story.sale, bad, slow, complete=False))
    assert story.public == "waiting"
    assert "Pagamento em análise" in story.text
    assert "Recusado" not in story.text
    story.wait_for(Look)
    story.seen(order(story.sale, bad, payment("p1", state=PaymentState.REJECTED), complete=False))
    assert "Recusado" in story.text
    assert "análise" not in story.text


def test_a_part_payment_is_shown_and_the_order_stays() -> None:
    story = Story().ready().waiting()
    story.wait_for(Look)
    story.seen(order(story.sale, payment(cents=1000), complete=False))
    assert story.public == "waiting"
    assert "10,00" in story.text


def test_an_answer_of_an_older_request_counts_for_what_it_proves() -> None:
    """R20: the machine gave the look up; its late answer says paid, and paid wins."""
    story = Story().ready().waiting()
    look = story.wait_for(Look)
    story.wait(11)
    assert story.public == "waiting"
    evidence = Evidence((order(story.sale, payment()),))
    story.feed(Seen(request=look.request, reference=story.sale.reference, evidence=evidence))
    assert story.public == "paid"


def test_an_answer_of_an_older_request_moves_no_schedule() -> None:
    """Not paid, and late: the look in flight stays the one that counts."""
    story = Story().ready().waiting()
    old = story.wait_for(Look)
    story.wait(14)
    state = story.state
    assert isinstance(state, Waiting)
    story.feed(Seen(request=old.request, reference=story.sale.reference, evidence=Evidence()))
    assert story.state == state


def test_an_answer_of_another_sale_touches_nothing() -> None:
    story = Story().ready().waiting()
    before = story.state
    story.feed(Placed(request=1, reference="another"))
    story.feed(Seen(request=2, reference="another", evidence=Evidence((order(story.sale, payment()),))))
    assert story.state == before


def test_a_request_without_an_answer_is_unknown_by_the_machines_own_clock() -> None:
    """R20: the network library may hang in name resolution for ever; the machine does not."""
    story = Story().ready().keys("2500#").free()
    story.wait(10.6)
    assert story.public == "placing"
    assert story.open_calls(AskPos), "asks what the POS holds"
    assert story.sale.doubt


def test_a_payment_that_the_journal_knows_from_another_sale_completes_nothing() -> None:
    """R1, L1: an approved payment completes one sale only, ever; the journal is the judge of "ever"."""
    story = Story().ready().waiting().paid().printed().wait(2).free()
    story.keys("2500#").free().placed()
    story.take()
    story.paid(payment("p1"))
    assert story.in_state(Waiting).wrong == 1
    assert story.heard(Tune.ATTENTION)
    assert not story.did(Print)
    story.keys("*#").seen(order(story.sale, payment("p1"))).removed().free()
    for _ in range(2):
        story.wait_for(Look)
        story.seen(order(story.sale, payment("p1")))
    assert story.in_state(Notice).kind is NoticeKind.NOT_CONFIRMED, "never: nobody paid"
    assert not story.journal.disputes, "it has its ticket"


def test_ask_now_is_one_look_in_flight_and_one_pending() -> None:
    """R9: a key or a notification asks at once; a flood of them is one more look."""
    story = Story().ready().waiting()
    story.keys("C")
    assert len(story.open_calls(Look)) == 1
    story.keys("CCC")
    story.feed(LookNow(story.sale.reference))
    assert len(story.open_calls(Look)) == 1
    story.seen()
    assert len(story.open_calls(Look)) == 1, "the pending one, at once"
    story.seen()
    assert not story.open_calls(Look)


def test_a_notification_about_another_order_is_no_look_for_this_one() -> None:
    story = Story().ready().waiting()
    story.feed(LookNow("another"))
    assert not story.open_calls(Look)


def test_stop_while_idle_ends_at_once() -> None:
    story = Story().ready().feed(Stop())
    assert story.exited


def test_stop_withdraws_an_open_order() -> None:
    """R16: within the stop time the order is taken back."""
    story = Story().ready().waiting().feed(Stop())
    assert (story.public, story.exited) == ("withdrawing", False)
    story.seen().removed().free().seen().wait(3.1).seen()
    assert story.exited
    assert story.journal.sales[next(iter(story.journal.sales))].phase is Phase.WITHDRAWN


def test_stop_leaves_a_locked_order_to_resume() -> None:
    """R16: after 12 s the rest is left to the next start, which follows it."""
    story = Story().ready().waiting().feed(Stop())
    reference = story.sale.reference
    story.seen().removed().holds(reference)
    story.wait(12.1)
    assert story.exited
    assert story.journal.rows().open[0].reference == reference
    story.power_cut()
    assert story.public == "starting"
    assert story.sale.reference == reference


def test_stop_before_anything_was_placed_places_nothing() -> None:
    story = Story().ready().keys("2500#").feed(Stop())
    assert story.exited
    assert not story.did(Place)
    assert not story.journal.sales


def test_keys_after_a_stop_do_nothing() -> None:
    story = Story().ready().waiting().feed(Stop())
    before = story.state
    story.keys("*#12")
    assert story.state == before


def test_a_key_at_the_wrong_moment_is_no_crash() -> None:
    """Every key in every state of a plain sale: ignored, or a hint; the sale goes on."""
    for key in "0123456789ABCD":
        story = Story().ready().waiting()
        story.keys(key)
        assert story.public == "waiting", key
        story.paid() if not story.open_calls(Look) else story.seen(order(story.sale, payment()))
        assert story.public == "paid", key


class Stuck(Paid):
    """A state that wants to be woken and never moves."""

    @property
    def wakes_at(self) -> float:
        return 0.0


def test_a_wake_up_that_changes_nothing_is_a_broken_machine() -> None:
    """The program stops as broken rather than turn for ever."""
    story = Story().ready().waiting().paid()
    story.counter = replace(story.counter, state=Stuck(story.sale, 0.0))
    with pytest.raises(BrokenError):
        story.feed(Woken())


def test_the_account_of_another_user_blocks_selling() -> None:
    """A token of another account would collect the money elsewhere."""
    story = Story().account(user_id=1).free().printer(Paper.OK)
    assert story.public == "blocked"
    assert "outra conta" in story.text
    story.keys("2500#")
    assert not story.did(Place)


def test_a_test_account_prints_training() -> None:
    story = Story().account(test=True).free().printer(Paper.OK)
    story.waiting().paid()
    assert story.did(Print)[0].marks == (Mark.TRAINING,)


def test_the_front_lane_is_the_fronts() -> None:
    """R20: a hung watch never holds a cancel: the watches' looks travel behind."""
    story = Story().ready().waiting().keys("*#").seen().removed().free().seen().wait(3.1).seen()
    story.wait(11)
    assert story.open_calls(Look, Lane.BEHIND)
    assert not story.open_calls(Look, Lane.FRONT)


def test_the_line_is_down_while_waiting() -> None:
    """R15: Waiting stays Waiting; the screen says: do not deliver, and until when; the backoff is at most 15 s."""
    story = Story().ready().waiting()
    for _ in range(30):
        story.at = max(story.at, story.counter.wakes_at)
        story.feed(Woken())
        for kind in (Look, AskPos):
            if story.open_calls(kind):
                story.unknown(kind, Trouble.NETWORK)
                assert story.state.wakes_at - story.at <= 15.0
        if story.at > 1150:
            break
    assert story.public == "waiting"
    assert "não entregue" in story.text.lower()
    story.paid()
    assert story.public == "paid"


def test_retry_after_is_honoured_up_to_30_s() -> None:
    story = Story().ready().waiting()
    story.wait_for(Look)
    story.answer(Unknown, Look, trouble=Trouble.THROTTLED, retry_after_s=3600.0)
    assert 29.0 <= story.state.wakes_at - story.at <= 30.0
    story = Story().ready().waiting()
    story.wait_for(Look)
    story.answer(Unknown, Look, trouble=Trouble.THROTTLED, retry_after_s=7.0)
    assert 7.0 <= story.state.wakes_at - story.at <= 8.0


def test_why_words_are_kept_for_the_journal() -> None:
    story = Story().ready().waiting().keys("*#")
    assert story.journal.sales[story.sale.reference].why is Why.CANCELLED


def test_held_keys_start_nothing() -> None:
    story = Story().ready()
    story.feed(Key("5", held=True))
    assert story.public == "idle"


def test_what_was_paid_beyond_the_amount_is_money_to_settle() -> None:
    """R18: excess; the sale is paid, and its ticket is over its own amount (L5)."""
    story = Story().ready().waiting().paid(payment("p1", 1500), payment("p2", 1500))
    assert story.public == "paid"
    [dispute] = story.counter.disputes
    assert (dispute.reason, dispute.cents) == (Reason.EXCESS, 500)
    story.printed()
    assert [Mark.MONEY_TO_SETTLE in command.marks for command in story.did(Print)] == [False, True]
