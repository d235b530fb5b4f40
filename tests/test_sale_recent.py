"""The last sales: what is known of each, and asking Mercado Pago about one of them now (the menu's, or key ``C``)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kiosk.sale.commands import AskPos, Depth, Lane, Look, Print, Save, Tune
from kiosk.sale.events import Evidence, Key, OrderSeen, PaymentSeen, PaymentState, Seen, Trouble, Unknown
from kiosk.sale.recent import RECENT_MAX, Known, find, found, known, one_before, with_saved
from kiosk.sale.records import Debt, Dispute, Mark, Phase, Reason, Record, Sale, Ticket, Why
from kiosk.sale.states import Found, MenuItem, Recent
from kiosk.sale.words import words_of
from tests.story import COLLECTOR, Story, order, payment

WORDS = words_of("pt")


def sale(number: int, phase: Phase = Phase.WITHDRAWN, why: Why | None = None, *payments: str) -> Sale:
    return Sale(f"K-{number}-x", number, 2500, "BRL", (), "", 0.0, phase, why, payments=payments)


# --- the list ---------------------------------------------------------------------------------------------------------


def test_the_list_is_the_last_ten_by_number_as_they_were_last_saved() -> None:
    recent: tuple[Sale, ...] = ()
    for number in range(1, 13):
        recent = with_saved(recent, [sale(number, Phase.PLACING)])
    recent = with_saved(recent, [sale(5), sale(1)])
    assert [one.number for one in recent] == list(range(12, 2, -1))
    assert len(recent) == RECENT_MAX
    assert [one.number for one in recent if one.phase is Phase.WITHDRAWN] == [5]


def test_orders_of_others_and_other_records_are_not_in_it() -> None:
    recent = with_saved((), [sale(1)])
    others: list[Record] = [replace(sale(0), foreign=True), Debt("K-2-x", 2, 1, Ticket(()), 0.0)]
    assert with_saved(recent, others) is recent


def test_walking_goes_to_the_one_before_and_ends_at_the_oldest() -> None:
    recent = with_saved((), [sale(1), sale(2), sale(3)])
    assert one_before(recent, "K-3-x") == sale(2)
    assert one_before(recent, "K-1-x") is None
    assert one_before(recent, "gone") is None
    assert (find(recent, "K-2-x"), find(recent, "gone")) == (sale(2), None)


PAID = sale(1, Phase.PAID, None, "p1")
OWED = Debt("K-1-x", 1, 2500, Ticket(()), 0.0)
DISPUTED = Dispute("p2", "K-1-x", 1, 2500, "BRL", Reason.SECOND, 0.0)


@pytest.mark.parametrize(
    ("of", "debts", "disputes", "printer", "said"),
    [
        (PAID, (), (), True, Known.PRINTED),
        (PAID, (), (), False, Known.PAID),
        (PAID, (OWED,), (), True, Known.OWED),
        (PAID, (OWED,), (DISPUTED,), True, Known.TO_SETTLE),
        (sale(2, Phase.PAID, None, "p9"), (OWED,), (DISPUTED,), True, Known.PRINTED),
        (sale(1), (), (DISPUTED,), True, Known.TO_SETTLE),
        (sale(1, Phase.WITHDRAWN, Why.CANCELLED), (), (), True, Known.CANCELLED),
        (sale(1, Phase.WITHDRAWN, Why.TIME_UP), (), (), True, Known.NOT_PAID),
        (sale(1, Phase.REFUSED), (), (), True, Known.NOT_CHARGED),
        (sale(1, Phase.UNCONFIRMED), (), (), True, Known.NOT_CONFIRMED),
        (sale(1, Phase.CHECKING, Why.CANCELLED), (), (), True, Known.NOT_CONFIRMED),
    ],
)
def test_what_the_journal_knows(
    of: Sale, debts: tuple[Debt, ...], disputes: tuple[Dispute, ...], printer: bool, said: Known
) -> None:
    assert known(of, debts, disputes, printer=printer) is said


UNPAID = sale(1, Phase.UNCONFIRMED)
INDEXED = PaymentSeen("p1", PaymentState.APPROVED, 2500, "BRL", reference="K-1-x", collector=COLLECTOR)


@pytest.mark.parametrize(
    ("of", "evidence", "said"),
    [
        (UNPAID, Evidence(), Found.NO_PAYMENT),
        (UNPAID, Evidence(whole=False), Found.NO_ANSWER),
        (UNPAID, Evidence((order(UNPAID, payment()),)), None),
        (UNPAID, Evidence((order(UNPAID, payment()),), whole=False), None),
        (UNPAID, Evidence((order(UNPAID, payment(state=PaymentState.PENDING), complete=False),)), Found.UNSETTLED),
        (UNPAID, Evidence((order(UNPAID, payment(state=PaymentState.REJECTED), complete=False),)), Found.NO_PAYMENT),
        (UNPAID, Evidence((), (INDEXED,)), Found.UNSETTLED),
        (UNPAID, Evidence((order(UNPAID, payment(cents=900), cents=900),)), Found.UNSETTLED),
        (UNPAID, Evidence((order(UNPAID, payment(), collector=1),)), Found.UNSETTLED),
        (PAID, Evidence((order(PAID, payment()),)), None),
        (PAID, Evidence(), None),
        (PAID, Evidence(whole=False), None),
        (PAID, Evidence((order(PAID, payment(state=PaymentState.REFUNDED)),)), Found.RETURNED),
        (PAID, Evidence((order(PAID, payment(refunded=900)),)), Found.RETURNED),
        (PAID, Evidence((), (replace(INDEXED, state=PaymentState.OTHER),)), Found.RETURNED),
        (PAID, Evidence((order(PAID, payment("p7", state=PaymentState.REFUNDED)),)), None),
    ],
)
def test_what_an_answer_says(of: Sale, evidence: Evidence, said: Found | None) -> None:
    """L6: a look that was not answered in full finds nothing *out* by not finding."""
    assert found(of, COLLECTOR, evidence, frozenset()) is said


def test_a_payment_that_completed_another_sale_is_no_money_of_this_one() -> None:
    shown = Evidence((), (INDEXED,))
    assert found(UNPAID, COLLECTOR, shown, frozenset({"p1"})) is Found.NO_PAYMENT


# --- at the counter ---------------------------------------------------------------------------------------------------


def cancelled() -> Story:
    """A sale was cancelled, and the next one paid."""
    story = Story().ready().waiting("1000#")
    story.keys("*#").seen().removed().free().seen().wait(3.1).seen().wait(2).keys("#")
    story.waiting().paid().printed().wait(2).free().keys("#")
    story.take()
    return story


def asked(story: Story) -> Story:
    """The cashier walks to the older sale, the cancelled one, and asks."""
    return story.keys("C*#")


def owner(story: Story, number: int) -> Sale:
    return next(sale for sale in story.journal.sales.values() if sale.number == number)


def the_look(story: Story) -> Look:
    [look] = story.did(Look)
    return look


def answered(story: Story, *orders: OrderSeen, whole: bool = True) -> Story:
    """The look of the cashier is answered."""
    return story.watch_seen(*orders, whole=whole)


def test_the_menu_leads_to_the_last_sale_and_stars_walk_back_and_out() -> None:
    story = cancelled()
    story.keys("**#").in_state(Recent)
    assert (story.screen.head, story.screen.big) == (f"{WORDS.sale} 2 18:03", "25,00")
    assert story.screen.text == WORDS.known[Known.PRINTED]
    story.keys("*")
    assert (story.screen.head, story.screen.big) == (f"{WORDS.sale} 1 18:03", "10,00")
    assert story.screen.text == WORDS.known[Known.CANCELLED]
    assert story.keys("*").screen.head == WORDS.ready


def test_without_a_sale_there_is_nothing_to_ask_about() -> None:
    story = Story().ready().keys("C")
    assert story.screen.head == WORDS.ready
    assert story.heard(Tune.REFUSED)
    assert MenuItem.ASK_NOW not in story.counter.menu


def test_the_list_outlives_a_power_cut() -> None:
    story = cancelled()
    before = story.counter.recent
    story.power_cut()
    assert story.counter.recent == before != ()


def test_asking_looks_in_both_indexes_on_the_lane_behind_and_says_that_it_asks() -> None:
    story = asked(cancelled())
    look = the_look(story)
    assert (look.reference, look.depth, look.lane) == (owner(story, 1).reference, Depth.ALL, Lane.BEHIND)
    assert story.screen.text == WORDS.found[Found.ASKING]
    story.keys("#")
    assert story.heard(Tune.REFUSED)
    assert len(story.did(Look)) == 1, "one look at a time"


def test_no_payment_is_said_and_nothing_changes() -> None:
    story = answered(asked(cancelled()))
    assert story.screen.text == WORDS.found[Found.NO_PAYMENT]
    assert owner(story, 1).phase is Phase.WITHDRAWN
    assert not story.did(Print)


def test_money_that_is_found_gets_its_ticket_by_way_of_the_watch() -> None:
    """L2, R18: whatever asked for the look, there is one way for late money."""
    story = asked(cancelled())
    answered(story, order(owner(story, 1), payment("late", 1000)))
    assert owner(story, 1).phase is Phase.PAID
    assert story.screen.text == WORDS.known[Known.OWED]
    assert [command.marks for command in story.did(Print)] == [(Mark.PAID_AFTER_CANCEL,)]
    assert not story.heard(Tune.PAID), "R19: nobody in front has paid"
    story.printed()
    assert story.screen.text == WORDS.known[Known.PRINTED]


def test_a_second_payment_that_is_found_is_disputed_at_once() -> None:
    story = cancelled().keys("C#")
    paid = owner(story, 2)
    answered(story, order(paid, payment(paid.payments[0])), order(paid, payment("second"), id_="m2"))
    assert [dispute.reason for dispute in story.counter.disputes] == [Reason.SECOND]
    assert story.screen.text == WORDS.known[Known.TO_SETTLE]


def hours_later() -> Story:
    """The cashier asks about the cancelled sale when no watch is left."""
    story = cancelled()
    while story.counter.watches.items:
        story.wait_for(Look, within=3600, lane=Lane.BEHIND)
        story.watch_seen()
    assert not owner(story, 1).watched
    story.take()
    return asked(story)


def test_a_sale_whose_watch_was_over_is_watched_again_and_its_money_gets_its_ticket() -> None:
    """Written first (L7), and over with the answer, whatever it is."""
    story = hours_later()
    assert owner(story, 1).watched
    answered(story, order(owner(story, 1), payment("late", 1000)))
    assert (owner(story, 1).phase, owner(story, 1).watched) == (Phase.PAID, False)
    assert [command.marks for command in story.did(Print)] == [(Mark.PAID_AFTER_CANCEL,)]


def test_a_sale_whose_watch_was_over_and_that_nobody_paid_stays_what_it_was() -> None:
    story = answered(hours_later())
    assert (owner(story, 1).phase, owner(story, 1).watched) == (Phase.WITHDRAWN, False)
    assert story.screen.text == WORDS.found[Found.NO_PAYMENT]
    assert not story.did(Print)


def test_a_look_that_is_not_whole_ends_no_watch_and_says_no_answer() -> None:
    """L6."""
    story = answered(hours_later(), whole=False)
    assert owner(story, 1).watched
    assert story.screen.text == WORDS.found[Found.NO_ANSWER]


def test_no_answer_is_said_as_such_and_may_be_asked_again() -> None:
    """L6, R20: refused, unknown, and silent until the machine's own deadline."""
    story = asked(cancelled())
    story.unknown(Look, Trouble.NETWORK, Lane.BEHIND)
    assert story.screen.text == WORDS.found[Found.NO_ANSWER]
    story.keys("#")
    assert story.screen.text == WORDS.found[Found.ASKING]
    story.wait(10.6)
    assert story.screen.text == WORDS.found[Found.NO_ANSWER]


def test_nothing_is_asked_while_the_provider_wants_us_to_wait() -> None:
    """R9."""
    story = cancelled()
    story.wait_for(AskPos, within=61)
    story.unknown(AskPos, Trouble.THROTTLED)
    story.take()
    asked(story)
    assert not story.did(Look)
    assert story.heard(Tune.REFUSED)


def test_an_answer_that_comes_when_the_cashier_has_gone_on_still_counts_for_the_money() -> None:
    story = asked(cancelled())
    look = the_look(story)
    old = owner(story, 1)
    assert story.keys("9").public == "entering"
    evidence = Evidence((order(old, payment("late", 1000)),))
    story.feed(Seen(request=look.request, reference=old.reference, evidence=evidence))
    assert owner(story, 1).phase is Phase.PAID
    assert (look.reference, story.public) == (old.reference, "entering")


def test_the_answer_to_another_question_is_not_this_ones() -> None:
    story = asked(cancelled())
    before = story.state
    story.feed(Unknown(request=the_look(story).request - 1, trouble=Trouble.SLOW))
    assert story.state == before


def test_it_closes_by_itself_but_not_before_the_answer() -> None:
    story = asked(cancelled()).wait(10.4)
    story.in_state(Recent)
    story.wait(0.2).wait(19.8).in_state(Recent)
    assert story.wait(0.3).screen.head == WORDS.ready


@pytest.mark.parametrize("key", "BD")
def test_any_other_key_leaves_it(key: str) -> None:
    story = cancelled().keys("C")
    story.in_state(Recent)
    assert story.feed(Key(key)).screen.head == WORDS.ready


def test_who_asked_is_in_the_journal_before_it_is_asked() -> None:
    """L7."""
    story = asked(cancelled())
    [entries] = [command.entries for command in story.did(Save)]
    assert [entry.event for entry in entries] == ["asked-now"]
    assert story.done.index(story.did(Save)[0]) < story.done.index(the_look(story))
