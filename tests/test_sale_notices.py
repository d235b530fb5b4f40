"""Notifications: they make the kiosk look sooner, and nothing else (L1, R9), whoever sends them, and however many."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kiosk.sale.commands import AskStatement, Depth, Lane, Look, Print
from kiosk.sale.events import Notified, PaymentSeen, PaymentState, Reject, Stop, Trouble
from kiosk.sale.moves import LOOK_S
from kiosk.sale.notices import APART_S, AUDIT_APART_S, QUEUE_MAX, TRIES_MAX
from kiosk.sale.records import Debt, DebtState, Mark, Phase, Reason, Sale, Ticket
from tests.story import COLLECTOR, Story, order, payment
from tests.test_sale_watch import cancelled

OURS = "KIOSK01-77-aaaaaaaaaaaaaa"


def named(story: Story) -> list[tuple[Depth, str]]:
    """What is being asked by the provider's id."""
    return [(call.depth, call.name) for call in story.open_calls(Look, Lane.BEHIND) if call.name]


def until_named(story: Story, within_s: float = 20.0) -> tuple[Depth, str]:
    """Let time pass until something is asked by id; a watch's look that comes first finds nothing."""
    until = story.at + within_s
    while not (found := named(story)):
        assert story.at < until, "nothing was asked"
        if story.open_calls(Look, Lane.BEHIND):
            story.watch_seen()
        elif story.open_calls(Look):
            story.seen()
        elif story.counter.proof.talk.request:
            story.free()
        else:
            story.wait(max(0.01, min(story.counter.wakes_at, until) - story.at))
    [one] = found
    return one


def long_over() -> tuple[Story, Sale]:
    """A cancelled sale whose watch is over: nobody looks for its money any more but the audit."""
    story, sale = cancelled()
    while story.counter.watches.items:
        story.wait_for(Look, within=3600, lane=Lane.BEHIND)
        story.watch_seen()
    while not story.counter.proof.free:
        story.free()
    story.take()
    return story, sale


# --- the sale in front ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said",
    [Notified(orders=("900",)), Notified(payments=("901",)), "its own reference"],
    ids=["an order", "a payment", "its reference"],
)
def test_a_notification_is_a_look_at_the_sale_in_front(said: Notified | str) -> None:
    """Whose order an id is, nobody knows before the provider was asked: it may well be this sale's."""
    story = Story().ready().waiting()
    story.feed(said if isinstance(said, Notified) else Notified(references=(story.sale.reference,)))
    [look] = story.open_calls(Look)
    assert (look.reference, look.depth) == (story.sale.reference, Depth.ORDERS)


@pytest.mark.parametrize("reference", [OURS, "nonsense"])
def test_another_reference_is_no_look_at_the_sale_in_front(reference: str) -> None:
    story = Story().ready().waiting()
    story.feed(Notified(references=(reference,)))
    assert not story.open_calls(Look)


def test_a_notification_alone_prints_nothing() -> None:
    """L1: the look says that nothing was paid."""
    story = Story().ready().waiting().feed(Notified(orders=("900",), payments=("901",))).seen()
    assert story.public == "waiting"
    assert not story.jobs
    story.feed(Notified(orders=("902",))).wait(1.0).seen(order(story.sale, payment()))
    assert story.public == "paid", "and what the provider says is paid"


def test_r9_a_flood_is_one_look_a_second_in_front_and_one_request_a_second_behind() -> None:
    story = Story().ready().waiting()
    began, looks, asked, ids = story.at, 0, 0, iter(range(10**6))
    for _ in range(100):
        story.feed(Notified(orders=tuple(str(next(ids)) for _ in range(50))))
        if story.open_calls(Look):
            looks += 1
            story.seen()
        if named(story):
            asked += 1
            story.one_seen()
        story.wait(0.05)
    seconds = story.at - began
    assert looks <= 2 + seconds / APART_S + seconds / LOOK_S, "those of the schedule, and one a second"
    assert 2 <= asked <= seconds / APART_S + 1
    assert len(story.counter.notices.queue) <= QUEUE_MAX
    assert story.counter.notices.dropped > 4000


def test_a_look_that_was_not_answered_keeps_its_pause() -> None:
    story = Story().ready().waiting()
    story.wait_for(Look)
    story.unknown(Look, Trouble.NETWORK)
    story.feed(Notified(orders=("900",)))
    assert not story.open_calls(Look)
    story.wait_for(Look, within=20.0)
    story.seen().feed(Notified(orders=("901",)))
    assert story.open_calls(Look), "and after an answered one it is heard"


# --- whose is it? -----------------------------------------------------------------------------------------------------


def test_what_is_named_is_asked_by_its_id_a_second_later_and_a_strangers_is_forgotten() -> None:
    story = Story().ready()
    began = story.at
    story.feed(Notified(orders=("900",), payments=("901",)))
    assert until_named(story) == (Depth.ORDER, "900")
    assert story.at - began == pytest.approx(APART_S)
    story.one_seen(order(told_of("somebody-else"), payment("p9"), id_="900"))
    assert until_named(story) == (Depth.PAYMENT, "901")
    story.one_seen()
    assert story.counter.notices.strange == 2
    story.feed(Notified(orders=("900",)))
    assert not story.counter.notices.queue, "a stranger's is not asked for twice"
    assert not story.journal.disputes


def told_of(reference: str) -> Sale:
    """A sale of that reference, of which only the reference, the amount and the currency matter."""
    return replace(Story().ready().waiting().sale, reference=reference)


def test_what_the_look_in_front_has_shown_is_not_asked_for_again() -> None:
    """Notifications come in twos and threes: the sale's own cost no further request."""
    story = Story().ready().waiting()
    story.feed(Notified(orders=("m1",))).seen(order(story.sale, payment("p1"), id_="m1"))
    assert story.public == "paid"
    story.feed(Notified(orders=("m1",), payments=("p1",)))
    story.printed().wait(5.0)
    assert not named(story)
    assert not story.counter.notices.queue


def test_an_order_found_by_its_id_pays_the_sale_in_front() -> None:
    """The search lags behind; by id an order is what it is now (L1 is judged as ever)."""
    story = Story().ready().waiting()
    story.feed(Notified(orders=("m1",))).seen()
    until_named(story)
    story.one_seen(replace(order(story.sale, payment("p1"), id_="m1"), complete=False))
    assert story.public == "waiting"
    story.feed(Notified(orders=("m1",)))
    until_named(story)
    story.one_seen(order(story.sale, payment("p1"), id_="m1"))
    assert story.public == "paid"
    assert len(story.did(Print)) == 1


def test_a_watched_sale_with_new_money_is_looked_at_at_once() -> None:
    story, sale = cancelled()
    story.watch_seen() if story.open_calls(Look, Lane.BEHIND) else None
    story.feed(Notified(orders=("m1",)))
    until_named(story)
    story.one_seen(order(sale, payment("p1"), id_="m1"))
    assert not story.journal.debts, "one order by its id is not the whole look that a late ticket wants"
    [look] = story.open_calls(Look, Lane.BEHIND)
    assert (look.reference, look.depth) == (sale.reference, Depth.ALL)
    story.watch_seen(order(sale, payment("p1"), id_="m1"))
    assert story.journal.sales[sale.reference].late
    assert story.jobs[0].marks[0] is Mark.PAID_AFTER_CANCEL


def test_a_repeated_notification_does_not_put_off_the_watch() -> None:
    """R17: whoever knows the id of an old order could otherwise hold its watch off for ever."""
    story, sale = cancelled()
    before = story.counter.watches.items[0].due
    story.feed(Notified(orders=("m1",)))
    until_named(story)
    story.one_seen(replace(order(sale, id_="m1"), complete=False))
    assert story.counter.watches.items[0].due == before


def test_r18_hours_after_its_watch_was_over_a_paid_order_is_seen_and_gets_its_late_ticket() -> None:
    story, sale = long_over()
    story.feed(Notified(orders=("m1",), payments=("p1",)))
    until_named(story)
    story.one_seen(order(sale, payment("p1"), id_="m1"))
    assert story.journal.sales[sale.reference].watched
    story.wait_for(Look, within=30.0, lane=Lane.BEHIND)
    story.watch_seen(order(sale, payment("p1"), id_="m1"))
    assert story.journal.sales[sale.reference].phase is Phase.PAID
    assert story.jobs[0].marks[0] is Mark.PAID_AFTER_CANCEL


@pytest.mark.parametrize("state", [PaymentState.PENDING, PaymentState.REJECTED, PaymentState.REFUNDED])
def test_an_old_order_without_approved_money_is_left_alone(state: PaymentState) -> None:
    story, sale = long_over()
    story.feed(Notified(orders=("m1",)))
    until_named(story)
    story.one_seen(replace(order(sale, payment("p1", state=state), id_="m1"), complete=False))
    assert not story.journal.sales[sale.reference].watched
    assert not story.counter.watches.items


def test_money_that_has_its_place_moves_nothing() -> None:
    """A repeated notification of a sale that has its ticket, hours later; and of money that a person has settled."""
    story, sale = long_over()
    paid = replace(sale, phase=Phase.PAID, payments=("p1",))
    story.journal.sales[sale.reference] = paid
    ticket = Debt(sale.reference, sale.number, sale.cents, Ticket(()), 0.0, state=DebtState.PRINTED)
    story.journal.debts[sale.reference] = ticket
    story.laws.proofs[sale.reference] = {"p1"}
    for id_ in ("p1", "p2"):
        story.feed(Notified(payments=(id_,)))
        until_named(story)
        index: PaymentSeen = replace(payment(id_), reference=sale.reference, collector=COLLECTOR)
        story.one_seen(order(sale, payment(id_), id_="m1"), index=(index,))
        assert bool(story.counter.watches.items) == (id_ == "p2"), "a second payment is news"


def test_an_order_of_ours_that_the_journal_never_saw_is_for_the_audit() -> None:
    """A restored backup: the account's statement is asked for, as soon as may be, and not with each notification."""
    story = Story().ready()
    lost = told_of(OURS)
    story.feed(Notified(orders=("900",)))
    until_named(story)
    story.one_seen(order(lost, payment("p9"), id_="900"))
    assert story.counter.notices.ours == 1
    assert story.open_calls(AskStatement, Lane.BEHIND)
    story.statement()
    story.feed(Notified(orders=("902",)))
    until_named(story)
    story.one_seen(order(lost, payment("p8"), id_="902"))
    assert not story.open_calls(AskStatement, Lane.BEHIND), f"not within {AUDIT_APART_S} s"


def test_another_collectors_order_is_not_ours_whatever_its_reference_says() -> None:
    story, sale = long_over()
    story.feed(Notified(orders=("m1",)))
    until_named(story)
    story.one_seen(replace(order(sale, payment("p1"), id_="m1"), collector=COLLECTOR + 1))
    assert not story.journal.sales[sale.reference].watched


def test_the_reference_of_a_watched_sale_hurries_its_watch_and_others_ask_nothing() -> None:
    story, sale = cancelled()
    story.feed(Notified(references=("nonsense", OURS, sale.reference)))
    assert len(story.counter.notices.queue) == 2, "a reference that no kiosk on this POS makes is not kept"
    story.wait(APART_S)
    assert not story.open_calls(Look, Lane.BEHIND)
    story.wait(APART_S)
    [look] = story.open_calls(Look, Lane.BEHIND)
    assert (look.reference, look.depth) == (sale.reference, Depth.ALL)


# --- no answer --------------------------------------------------------------------------------------------------------


def test_l6_no_answer_is_asked_again_some_times_later_each_time_then_left_to_the_watches() -> None:
    story = Story().ready()
    story.feed(Notified(orders=("900",)))
    for tries in range(TRIES_MAX):
        assert until_named(story, 40.0) == (Depth.ORDER, "900"), tries
        story.unknown(Look, lane=Lane.BEHIND)
    assert not story.counter.notices.queue
    story.feed(Notified(orders=("901",)))
    assert until_named(story) == (Depth.ORDER, "901")
    story.refused(Look, Reject.TOKEN, Lane.BEHIND)
    assert story.counter.notices.queue, "a refusal says nothing about the order either"


def test_r20_a_request_that_is_never_answered_is_given_up() -> None:
    story = Story().ready()
    story.feed(Notified(orders=("900",)))
    until_named(story)
    story.wait(11.0)
    assert not story.counter.notices.talk.request
    assert story.counter.notices.queue


def test_after_a_stop_nothing_more_is_asked() -> None:
    story = Story().ready().waiting().feed(Stop())
    story.feed(Notified(orders=("900",)))
    story.wait(2.0)
    assert not named(story)
    assert not story.counter.notices.queue


def test_unsure_money_of_the_sale_in_front_stays_with_the_front() -> None:
    """R12: a part payment that the by-id look shows is the front's to wait for, and nobody's to dispute."""
    story = Story().ready().waiting()
    story.feed(Notified(orders=("m1",))).seen()
    until_named(story)
    part = replace(order(story.sale, payment("p1", 100), id_="m1"), complete=False)
    story.one_seen(part)
    assert story.public == "waiting"
    assert not story.journal.disputes
    assert Reason.SHORT not in {dispute.reason for dispute in story.counter.disputes}
