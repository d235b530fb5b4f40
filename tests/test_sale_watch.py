"""Watches: late, second, short and foreign money is never lost, nor confused with the sale in front (R17, R18)."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from kiosk.sale.commands import AskPos, Depth, Lane, Look, Print, Tune
from kiosk.sale.events import Evidence, LookNow, OrderSeen, Paper, PaymentState, Seen, Trouble
from kiosk.sale.records import Mark, Phase, Reason, Sale
from tests.story import COLLECTOR, EPOCH, Story, order, payment


def cancelled() -> tuple[Story, Sale]:
    """A sale that was cancelled, and is watched."""
    story = Story().ready().waiting()
    sale = story.sale
    story.keys("*#").seen().removed().free().seen().wait(3.1).seen()
    story.wait(2).keys("#")
    assert story.public == "idle"
    story.take()
    return story, sale


def row(story: Story, sale: Sale) -> Sale:
    """The sale as the journal has it."""
    return story.journal.sales[sale.reference]


def watch_times(story: Story, until_s: float, *found: OrderSeen) -> list[float]:
    """When the watch looks, each look answered with ``found``."""
    started, times = story.at, []
    while story.counter.watches.items and story.at - started < until_s:
        story.wait_for(Look, within=3600, lane=Lane.BEHIND)
        times.append(story.at - started)
        story.watch_seen(*found)
    return times


# --- schedule ---------------------------------------------------------------------------------------------------------


def test_an_unpaid_sale_is_watched_every_10_s_then_every_60_s_for_30_minutes() -> None:
    story, sale = cancelled()
    times = watch_times(story, 7200)
    gaps = [round(b - a) for a, b in pairwise(times)]
    assert gaps[:8] == [10] * 8
    assert set(gaps[14:]) == {60}
    dies_s = row(story, sale).expires
    assert dies_s is not None
    assert 1800 <= times[-1] <= 1800 + 240 + 61
    assert not row(story, sale).watched


@pytest.mark.parametrize(
    ("restored", "marks"), [(1, (Mark.POSSIBLE_DUPLICATE,)), (0, ()), (-1, ())], ids=["in it", "after it", "no backup"]
)
def test_l3_a_sale_out_of_a_backup_may_have_had_its_ticket(restored: int, marks: tuple[Mark, ...]) -> None:
    """R21: what was printed after the copy was made, the copy cannot know."""
    story, sale = cancelled()
    story.journal.restored = restored
    story.power_cut().ready()
    story.wait_for(Look, lane=Lane.BEHIND)
    story.watch_seen(order(sale, payment()))
    [ticket] = story.did(Print)
    assert ticket.marks == (Mark.PAID_AFTER_CANCEL, *marks)


def test_a_paid_sale_is_watched_at_15_60_300_1800_s() -> None:
    story = Story().ready().waiting().paid().printed()
    sale = story.sale
    paid_order = order(sale, payment())
    times = watch_times(story, 7200, paid_order)
    assert [round(at) for at in times[:4]] == [15, 60, 300, 1800]
    assert not row(story, sale).watched


def test_each_look_of_a_watch_is_whole_and_travels_behind() -> None:
    story, _ = cancelled()
    look = story.wait_for(Look, lane=Lane.BEHIND)
    assert look.depth is Depth.ALL


def test_a_watch_ends_only_with_an_answered_look() -> None:
    """Time in the dark does not count."""
    story, sale = cancelled()
    started = story.at
    while story.at - started < 4000:
        story.wait_for(Look, lane=Lane.BEHIND)
        story.unknown(Look, Trouble.NETWORK, Lane.BEHIND)
    assert story.counter.watches.items
    story.wait_for(Look, lane=Lane.BEHIND)
    story.watch_seen(whole=False)
    assert story.counter.watches.items
    story.wait_for(Look, lane=Lane.BEHIND)
    story.watch_seen()
    assert not story.counter.watches.items
    assert not row(story, sale).watched


def test_a_watch_does_not_end_while_a_payment_is_pending() -> None:
    story, sale = cancelled()
    pending = order(sale, payment(state=PaymentState.PENDING), complete=False)
    watch_times(story, 5000, pending)
    assert story.counter.watches.items
    watch_times(story, 200)
    assert not story.counter.watches.items


def test_watches_survive_restarts() -> None:
    story, sale = cancelled()
    story.power_cut(off_s=600).account().free()
    assert [watch.sale.reference for watch in story.counter.watches.items] == [sale.reference]
    story.wait_for(Look, lane=Lane.BEHIND, within=5)
    story.watch_seen(order(sale, payment()))
    assert row(story, sale).phase is Phase.PAID


def test_a_reboot_does_not_begin_the_half_hour_again() -> None:
    """By the provider's clock, which a flat battery does not touch."""
    story, _ = cancelled()
    story.power_cut(off_s=2400).account().free()
    story.wait_for(Look, lane=Lane.BEHIND, within=5)
    story.watch_seen()
    assert not story.counter.watches.items


def test_a_hung_look_is_given_up_by_the_machine() -> None:
    story, _ = cancelled()
    first = story.wait_for(Look, lane=Lane.BEHIND)
    story.wait(12)
    later = story.wait_for(Look, lane=Lane.BEHIND)
    assert later.request != first.request


def test_a_notification_hurries_the_watch() -> None:
    story, sale = cancelled()
    story.feed(LookNow(sale.reference))
    assert story.open_calls(Look, Lane.BEHIND)


def test_one_look_at_a_time_for_all_watches() -> None:
    story, _ = cancelled()
    story.waiting("1000#").keys("*#").seen().removed().free().seen().wait(3.1).seen()
    story.wait(11)
    assert len(story.counter.watches.items) == 2
    assert len(story.open_calls(Look, Lane.BEHIND)) == 1


# --- late money -------------------------------------------------------------------------------------------------------


def test_a_payment_after_cancel_prints_its_ticket_marked() -> None:
    """R18, L2: money that arrived has its ticket; R19: not with the PAID sound."""
    story, sale = cancelled()
    story.wait_for(Look, lane=Lane.BEHIND)
    story.watch_seen(order(sale, payment()))
    assert (row(story, sale).phase, row(story, sale).late) == (Phase.PAID, True)
    [ticket] = story.did(Print)
    assert ticket.marks == (Mark.PAID_AFTER_CANCEL,)
    assert story.heard(Tune.ATTENTION)
    assert not story.heard(Tune.PAID)
    assert story.public == "idle"


def test_late_money_waits_while_another_sale_is_open() -> None:
    """R19: no other sale's ticket prints, and nobody may take it for this customer's."""
    story, sale = cancelled()
    story.waiting("1000#")
    story.wait_for(Look, lane=Lane.BEHIND)
    story.watch_seen(order(sale, payment()))
    assert story.public == "waiting"
    assert not story.did(Print)
    assert not story.heard(Tune.PAID)
    story.wait_for(Look)
    story.seen(order(story.sale, payment("p9", 1000)))
    assert [command.ticket.reference for command in story.did(Print)] == [story.sale.reference]
    story.printed()
    assert [command.ticket.reference for command in story.did(Print)][-1] == sale.reference


def test_a_second_payment_of_a_paid_sale_is_disputed() -> None:
    """R18: a second phone paid too."""
    story = Story().ready().waiting().paid().printed()
    sale = story.sale
    story.take()
    story.wait_for(Look, lane=Lane.BEHIND)
    story.watch_seen(order(sale, payment("p1"), id_="m1"), order(sale, payment("p2"), id_="m2"))
    [dispute] = story.counter.disputes
    assert (dispute.payment, dispute.reason, dispute.cents) == ("p2", Reason.SECOND, 2500)
    [slip] = story.did(Print)
    assert slip.marks == (Mark.MONEY_TO_SETTLE,)
    assert row(story, sale).payments == ("p1",)


def test_a_dispute_is_told_once_and_survives_restarts() -> None:
    story = Story().ready().waiting().paid().printed()
    sale = story.sale
    twice = (order(sale, payment("p1"), id_="m1"), order(sale, payment("p2"), id_="m2"))
    for _ in range(3):
        story.wait_for(Look, lane=Lane.BEHIND)
        story.watch_seen(*twice)
    assert len(story.journal.disputes) == 1
    story.power_cut().account().free()
    story.wait_for(Look, lane=Lane.BEHIND)
    story.watch_seen(*twice)
    assert len(story.counter.disputes) == 1
    assert "A resolver: 1" in story.text


def test_short_money_is_disputed_when_it_stands() -> None:
    """R18: a part was paid, then the order died."""
    story, sale = cancelled()
    part = order(sale, payment(cents=1000), complete=False)
    story.wait_for(Look, lane=Lane.BEHIND)
    story.watch_seen(part)
    assert not story.counter.disputes, "the order itself may only lag behind"
    watch_times(story, 45, part)
    [dispute] = story.counter.disputes
    assert (dispute.reason, dispute.cents) == (Reason.SHORT, 1000)
    assert row(story, sale).phase is Phase.WITHDRAWN


def test_a_dispute_that_becomes_a_whole_payment_is_settled_by_the_ticket() -> None:
    """L2: each payment ends as exactly one thing."""
    story, sale = cancelled()
    watch_times(story, 60, order(sale, payment("p1", 1000), complete=False))
    assert story.counter.disputes
    story.wait_for(Look, lane=Lane.BEHIND)
    story.watch_seen(order(sale, payment("p1", 1000), payment("p2", 1500)))
    assert not story.counter.disputes
    assert story.journal.disputes["p1"].settled == "ticket"
    assert row(story, sale).payments == ("p1", "p2")


@pytest.mark.parametrize(
    ("what", "reason"),
    [("amount", Reason.WRONG_AMOUNT), ("currency", Reason.WRONG_AMOUNT), ("index", Reason.UNCONFIRMED)],
)
def test_approved_money_that_pays_nothing_is_disputed(what: str, reason: Reason) -> None:
    story, sale = cancelled()
    indexed = replace(payment(), reference=sale.reference, collector=COLLECTOR)
    for _ in range(6):
        story.wait_for(Look, lane=Lane.BEHIND)
        match what:
            case "amount":
                story.watch_seen(order(sale, payment(cents=900), cents=900))
            case "currency":
                story.watch_seen(order(sale, payment(currency="ARS")))
            case _:
                story.watch_seen(index=[indexed])
    [dispute] = story.counter.disputes
    assert dispute.reason is reason
    assert row(story, sale).phase is Phase.WITHDRAWN


@pytest.mark.parametrize("whose", ["collector", "reference"])
def test_money_of_somebody_else_is_no_dispute_of_ours(whose: str) -> None:
    """R18: our reference and our collector."""
    story, sale = cancelled()
    other = {
        "collector": order(sale, payment(), collector=COLLECTOR + 1),
        "reference": order(sale, payment(), reference="another"),
    }[whose]
    watch_times(story, 100, other)
    assert not story.counter.disputes
    assert row(story, sale).phase is Phase.WITHDRAWN


def test_a_refunded_payment_is_settled_by_itself() -> None:
    story, sale = cancelled()
    watch_times(story, 100, order(sale, payment(state=PaymentState.REFUNDED)))
    assert not story.counter.disputes


def test_a_foreign_order_that_was_paid_is_money_to_settle() -> None:
    """R18: an unknown order."""
    story = Story().ready().keys("2500#").holds("foreign-1", 900).removed().free().placed().paid().printed()
    foreign = story.journal.sales["foreign-1"]
    story.wait_for(Look, lane=Lane.BEHIND)
    while story.open_calls(Look, Lane.BEHIND)[0].reference != "foreign-1":
        story.watch_seen()
        story.wait_for(Look, lane=Lane.BEHIND)
    story.watch_seen(order(foreign, payment("p7", 900)))
    [dispute] = story.counter.disputes
    assert (dispute.reason, dispute.number) == (Reason.UNKNOWN_ORDER, 0)


def test_a_payment_after_not_confirmed_prints_its_ticket() -> None:
    """R14, L2: nobody knew; now it is known."""
    from kiosk.sale.events import Removal

    story = Story().ready().waiting().keys("*#")
    sale = story.sale
    story.seen().removed(Removal.GONE).free()
    while story.public == "checking":
        if story.open_calls(Look):
            story.seen()
        story.wait(0.5)
    story.wait_for(Look, lane=Lane.BEHIND)
    story.watch_seen(order(sale, payment()))
    assert row(story, sale).phase is Phase.PAID
    assert story.did(Print)


def test_money_that_got_its_ticket_needs_no_slip_any_more() -> None:
    """R18: exactly one of; nobody refunds what was delivered."""
    story, sale = cancelled()
    story.printer(Paper.OUT)
    watch_times(story, 60, order(sale, payment("p1", 1000), complete=False))
    assert [debt.id for debt in story.counter.papers.debts] == ["slip:p1"]
    story.wait_for(Look, lane=Lane.BEHIND)
    story.watch_seen(order(sale, payment("p1", 1000), payment("p2", 1500)))
    assert [debt.id for debt in story.counter.papers.debts] == [sale.reference]


def test_a_stale_order_is_watched_from_when_it_was_last_payable() -> None:
    """R17: its sale ended long ago, but it was on the POS until now."""
    story, sale = cancelled()
    watch_times(story, 7200)
    assert not story.counter.watches.items
    story.wait_for(AskPos, within=61)
    story.holds(sale.reference).removed().free()
    story.wait_for(Look, lane=Lane.BEHIND)
    story.watch_seen()
    assert story.counter.watches.items


def test_one_wrong_date_ends_no_watch() -> None:
    """R17: a provider's clock that jumps is believed when a second answer agrees."""
    story, _ = cancelled()
    for hours, left in ((2, 1), (2, 0)):
        look = story.wait_for(Look, lane=Lane.BEHIND)
        story.feed(
            Seen(
                request=look.request,
                reference=look.reference,
                date=EPOCH + story.at + hours * 3600,
                evidence=Evidence(),
            )
        )
        assert len(story.counter.watches.items) == left
