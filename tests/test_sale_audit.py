"""The account's statement: when it is asked for, and what becomes of what only it can show (L2, L6, R18, R19, R20)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kiosk.sale.audit import AGAIN_S, BACKOFF_S, EVERY_S, OVERLAP_S, PART_S, START_S
from kiosk.sale.commands import AskStatement, Lane, Look, Note, Place, Print, Tune
from kiosk.sale.events import Booking, Evidence, Paper, PaymentState, Reject, Seen, StatementIs, Stop, Trouble, Unknown
from kiosk.sale.reconcile import Kind
from kiosk.sale.records import Debt, DebtState, Line, Mark, Phase, Reason, Sale, Ticket, Why, make_reference
from kiosk.sale.status import status, status_line
from kiosk.sale.watch import PAID_AT_S
from tests.story import COLLECTOR, EPOCH, SHOP, Story, order, payment

LONG_AGO = EPOCH - 9000.0
OVER = Sale(
    *(make_reference(SHOP.pos_id, 9, 99), 9, 2500, "BRL", (Line("Padaria", 1, 2500),), "k", LONG_AGO),
    phase=Phase.UNCONFIRMED,
    why=Why.TIME_UP,
    puts=1,
    expires=LONG_AGO + 300,
    ended_at=LONG_AGO + 100,
)
"""A sale whose watch is over."""
LOST = make_reference(SHOP.pos_id, 8, 88)
"""A reference of ours that this journal never saw."""


def booking(
    id_: str = "p1",
    reference: str = OVER.reference,
    state: PaymentState = PaymentState.APPROVED,
    *,
    at: float | None = EPOCH + 1000.0,
    refunded: int = 0,
) -> Booking:
    shown = replace(payment(id_, state=state, refunded=refunded), reference=reference, collector=COLLECTOR)
    return Booking(shown, here=True, at=at)


def asked(*sales: Sale, shop_printer: Paper = Paper.OK) -> Story:
    """A ready kiosk that has just asked for the statement; its journal holds these sales, too."""
    story = Story().ready().printer(shop_printer)
    for sale in sales:
        story.journal.sales[sale.reference] = sale
        if sale.payments:
            story.journal.debts[sale.reference] = Debt(
                sale.reference, sale.number, sale.cents, Ticket(()), LONG_AGO, state=DebtState.PRINTED
            )
            story.laws.proofs[sale.reference] = set(sale.payments)
    statement(story)
    story.take()
    return story


def statement(story: Story, within: float = 4000.0) -> AskStatement:
    """The next question for it. The POS stays proved meanwhile."""
    until = story.at + within
    while not (found := story.open_calls(AskStatement, Lane.BEHIND)):
        assert story.at < until, "no statement was asked for"
        story.wait(max(0.01, min(story.counter.wakes_at, until) - story.at))
        if story.counter.proof.talk.request:
            story.free()
    return found[0]


def disputes(story: Story) -> list[tuple[str, Reason]]:
    return [(dispute.payment, dispute.reason) for dispute in story.journal.disputes.values()]


# --- when -------------------------------------------------------------------------------------------------------------


def test_it_is_asked_for_a_while_after_the_start_on_the_lane_behind() -> None:
    story = Story().ready()
    began = EPOCH + story.at
    call = statement(story)
    assert story.at == pytest.approx(1000.0 + START_S)
    assert call.lane is Lane.BEHIND
    assert call.begin == pytest.approx(began - OVERLAP_S)
    assert call.end == EPOCH + story.at
    assert call.changed


def test_a_new_journal_answers_for_all_money_from_its_beginning_on() -> None:
    """However long the account does not answer."""
    story = Story().ready()
    began = EPOCH + story.at
    assert story.journal.agreed_until == pytest.approx(began)
    statement(story)
    story.power_cut(off_s=5 * 3600.0).ready()
    assert statement(story).begin == pytest.approx(began - OVERLAP_S)


def test_then_every_hour_from_the_last_success_on() -> None:
    story = asked()
    for _ in range(3):
        story.statement()
        agreed = story.journal.agreed_until
        assert agreed is not None
        answered_at = story.at
        call = statement(story)
        assert story.at - answered_at == pytest.approx(EVERY_S)
        assert (call.begin, call.end) == (agreed - OVERLAP_S, EPOCH + story.at)


def test_after_a_start_it_goes_on_where_it_was() -> None:
    story = asked().statement()
    agreed = story.journal.agreed_until
    assert agreed is not None
    story.power_cut(off_s=600.0).ready()
    assert statement(story).begin == agreed - OVERLAP_S


def test_a_long_time_is_read_in_parts_each_of_which_counts() -> None:
    story = asked().statement()
    first = story.journal.agreed_until
    assert first is not None
    story.power_cut(off_s=15 * 3600.0).ready()
    ends = []
    for _ in range(3):
        call = statement(story, within=60.0)
        assert call.end - call.begin <= PART_S + OVERLAP_S
        story.statement()
        ends.append(call.end)
        assert story.journal.agreed_until == call.end
    assert ends[:2] == [first + PART_S, first + 2 * PART_S]
    assert ends[2] == pytest.approx(EPOCH + story.at)
    assert story.counter.audit.due == pytest.approx(story.at + EVERY_S)


@pytest.mark.parametrize("keys", ["25", "2500#"])
def test_it_waits_while_somebody_sells(keys: str) -> None:
    story = Story().ready().keys(keys)
    story.wait(12.0 if "#" not in keys else 0.0)
    story.counter = replace(story.counter, audit=replace(story.counter.audit, due=0.0))
    story.wait(5.0)
    assert not story.did(AskStatement)
    assert story.counter.audit.wakes_at > story.at


def test_it_waits_while_a_customer_pays_and_comes_when_paid() -> None:
    story = Story().ready().waiting()
    story.counter = replace(story.counter, audit=replace(story.counter.audit, due=0.0))
    story.paid()
    assert story.public == "paid"
    [call] = story.did(AskStatement)
    assert call.until == story.at + 10.0


def test_it_gives_way_to_a_watch() -> None:
    """It has the line only until a watch is due; with a few seconds to go, or a look in flight, it waits."""
    story = Story().ready().waiting().paid().printed()
    sale = story.sale
    due = story.counter.watches.wakes_at
    story.counter = replace(story.counter, audit=replace(story.counter.audit, due=due - 8.0))
    call = statement(story)
    assert call.until == due == pytest.approx(story.at + 8.0)
    story.statement()
    story.counter = replace(story.counter, audit=replace(story.counter.audit, due=due - 3.0))
    story.take()
    story.wait_for(Look, lane=Lane.BEHIND)
    story.wait(5.0)
    assert not story.did(AskStatement)
    story.watch_seen(order(sale, payment()))
    assert story.did(AskStatement)
    assert story.counter.watches.wakes_at - story.at == pytest.approx(PAID_AT_S[1] - PAID_AT_S[0] - 5.0)


def test_it_is_not_asked_of_another_account_nor_after_a_stop() -> None:
    for event in ("wrong account", "stop"):
        story = Story().account(COLLECTOR + 1) if event == "wrong account" else Story().ready().feed(Stop())
        story.wait(START_S + 100.0)
        assert not story.did(AskStatement), event


def test_nothing_is_asked_twice_at_once() -> None:
    story = asked()
    story.wait(9.0).keys("5*")
    assert not story.did(AskStatement)


# --- not known --------------------------------------------------------------------------------------------------------


def test_l6_no_answer_says_nothing_and_is_asked_again_later_and_later() -> None:
    story = asked()
    agreed, gaps = story.journal.agreed_until, []
    for _ in range(7):
        answered_at = story.at
        story.unknown(AskStatement, lane=Lane.BEHIND)
        statement(story)
        gaps.append(round(story.at - answered_at))
    assert gaps == [60, 120, 240, 480, 960, 1800, 1800]
    assert (story.journal.agreed_until, story.journal.disputes) == (agreed, {})
    assert len(story.did(Note, lambda note: note.entry.event == "not-agreed")) == 1
    story.statement()
    assert story.journal.agreed_until == story.counter.audit.end


def test_l6_a_refusal_is_no_other() -> None:
    story = asked()
    agreed = story.journal.agreed_until
    story.refused(AskStatement, Reject.TOKEN, Lane.BEHIND)
    assert story.counter.audit.due == story.at + BACKOFF_S
    assert story.journal.agreed_until == agreed
    assert story.counter.health.reject is None  # it tells nobody that the token is bad: the POS's own proof does


def test_r20_the_machine_gives_it_up_by_its_own_clock() -> None:
    story = asked()
    [call] = story.open_calls(AskStatement, Lane.BEHIND)
    story.wait(11.0)
    assert not story.open_calls(AskStatement, Lane.BEHIND)
    agreed = story.journal.agreed_until
    late = StatementIs(request=call.request, bookings=(booking(reference=LOST),))
    story.feed(late)
    assert (story.journal.agreed_until, story.journal.disputes) == (agreed, {})


def test_l6_a_part_of_it_is_true_and_not_all_there_is() -> None:
    """What it shows is made safe; that the account agrees is not said; less is asked for next time."""
    story = asked(OVER)
    agreed = story.journal.agreed_until
    story.statement(booking(reference=LOST), whole=False)
    assert disputes(story) == [("p1", Reason.UNKNOWN_ORDER)]
    assert story.journal.agreed_until == agreed
    assert story.counter.audit.part_s == PART_S / 2
    assert story.counter.audit.due == story.at + BACKOFF_S


def test_a_part_that_is_always_too_large_is_halved_to_ten_minutes_and_grows_again() -> None:
    story = asked()
    for _ in range(12):
        story.statement(whole=False)
        statement(story)
    assert story.counter.audit.part_s == 600.0
    story.statement()
    assert story.counter.audit.part_s == 1200.0


def test_l6_a_journal_that_cannot_be_read_makes_no_money_unknown() -> None:
    story = asked()
    story.answer(StatementIs, AskStatement, Lane.BEHIND, bookings=(booking(reference=LOST),), books=None)
    assert not story.journal.disputes
    assert story.counter.audit.due == story.at + BACKOFF_S


def test_r22_with_a_journal_that_cannot_be_written_nothing_is_judged() -> None:
    story = asked()
    story.counter = replace(story.counter, health=replace(story.counter.health, journal=False))
    story.statement(booking(reference=LOST))
    assert not story.journal.disputes


def test_r22_what_it_found_and_could_not_write_is_written_later() -> None:
    story = asked()
    story.journal.fails = True
    story.statement(booking(reference=LOST))
    assert not story.journal.disputes
    story.journal.fails = False
    story.wait(6.0)
    assert disputes(story) == [("p1", Reason.UNKNOWN_ORDER)]
    assert story.journal.agreed_until == story.counter.audit.until


# --- what it finds ----------------------------------------------------------------------------------------------------


def test_l2_a_whole_order_paid_when_nobody_watched_has_its_ticket() -> None:
    """R18: its sale is watched again, and the watch does the rest."""
    story = asked(OVER)
    agreed = story.journal.agreed_until
    story.statement(booking())
    assert story.journal.sales[OVER.reference].watched
    assert story.journal.agreed_until == agreed, "not before the money is in its place"
    story.wait_for(Look, lane=Lane.BEHIND)
    story.watch_seen(order(OVER, payment()))
    [ticket] = story.did(Print)
    assert ticket.marks == (Mark.PAID_AFTER_CANCEL,)
    assert not story.journal.sales[OVER.reference].watched
    story.printed()
    call = statement(story, within=AGAIN_S + 1)
    story.statement(booking())
    assert story.journal.agreed_until == call.end
    assert disputes(story) == []


def test_l2_less_than_its_order_is_disputed_by_the_watch() -> None:
    story = asked(OVER).statement(booking())
    story.wait_for(Look, lane=Lane.BEHIND)
    story.watch_seen(order(OVER, payment(cents=2000), complete=False))
    assert disputes(story) == [("p1", Reason.SHORT)]


@pytest.mark.parametrize(
    ("sale", "reason"),
    [
        (OVER, Reason.UNCONFIRMED),
        (replace(OVER, phase=Phase.PAID, payments=("p0",), paid_at=LONG_AGO), Reason.SECOND),
    ],
)
def test_l2_what_the_watch_does_not_see_is_disputed_once(sale: Sale, reason: Reason) -> None:
    """The statement shows it, the sale's own search does not: somebody must look into the account."""
    story = asked(sale).statement(booking())
    story.wait_for(Look, lane=Lane.BEHIND)
    story.watch_seen()
    assert not story.counter.watches.items
    for _ in range(3):
        statement(story)
        story.statement(booking())
    assert disputes(story) == [("p1", reason)]
    assert len(story.did(Print)) <= 1


def test_l2_a_second_payment_of_a_paid_sale() -> None:
    paid = replace(OVER, phase=Phase.PAID, payments=("p0",), paid_at=LONG_AGO)
    story = asked(paid).statement(booking())
    story.wait_for(Look, lane=Lane.BEHIND)
    story.watch_seen(order(paid, payment("p0"), payment("p1")))
    assert disputes(story) == [("p1", Reason.SECOND)]


def test_l2_a_sale_that_is_watched_is_left_to_its_watch() -> None:
    story = asked(replace(OVER, watched=True))
    story.statement(booking())
    assert not story.counter.watches.items, "nobody began another one"
    assert story.counter.audit.found == ()


def test_l2_money_of_a_sale_that_the_journal_lost_is_disputed_once() -> None:
    """A restored backup, a new card. Its paper may have been printed before: it says so."""
    story = asked()
    for _ in range(3):
        story.statement(booking(reference=LOST, at=EPOCH + story.at))
        statement(story)
    assert disputes(story) == [("p1", Reason.UNKNOWN_ORDER)]
    [slip] = story.did(Print)
    assert set(slip.marks) == {Mark.MONEY_TO_SETTLE, Mark.POSSIBLE_DUPLICATE}
    assert story.heard(Tune.ATTENTION)
    assert not story.heard(Tune.PAID)


def test_r19_old_slips_wait_until_they_are_asked_for() -> None:
    """After a restored backup there may be a whole day's."""
    story = asked()
    found = [booking(f"p{n}", LOST, at=EPOCH + story.at - 700.0) for n in range(30)]
    story.statement(*found)
    assert len(story.journal.disputes) == 30
    assert not story.did(Print)
    assert len(story.counter.papers.debts) == 30


@pytest.mark.parametrize(("early_s", "disputed"), [(-1.0, False), (1.0, True)])
def test_money_from_before_the_journal_began_is_not_its_own(early_s: float, disputed: bool) -> None:
    """An old payment may change at any time: its money is released, or refunded in part."""
    story = asked()
    began = story.journal.agreed_until
    assert began is not None
    story.statement(booking(reference=LOST, at=began - OVERLAP_S + early_s))
    assert bool(story.journal.disputes) is disputed
    assert bool(story.counter.audit.found) is disputed


def test_l2_money_that_changed_again_shows_in_a_later_part_and_is_not_too_old() -> None:
    """Approved on Monday, released on Wednesday: after a dark week only Wednesday's part shows it."""
    story = asked().statement()
    stood = story.journal.agreed_until
    assert stood is not None
    story.power_cut(off_s=7 * 86_400.0).ready()
    for _ in range(3):
        statement(story, within=60.0)
        story.statement()
    assert statement(story, within=60.0).begin > stood + 60.0
    story.statement(booking(reference=LOST, at=stood + 60.0))
    assert disputes(story) == [("p1", Reason.UNKNOWN_ORDER)]


def test_money_without_an_order_of_ours_is_told() -> None:
    """Whoever lets the customer type the amount: a person must know; it is no sale of ours to settle."""
    story = asked()
    story.statement(booking(reference=""), booking("p2", "another-program"))
    assert [found.kind for found in story.counter.audit.found] == [Kind.NOT_HERE] * 2
    assert not story.journal.disputes
    assert story.journal.log.count("account-differs") == 2


@pytest.mark.parametrize(
    ("shown", "missing", "kind"),
    [
        ((booking(state=PaymentState.REFUNDED, refunded=2500),), (), Kind.RETURNED),
        ((booking(state=PaymentState.OTHER),), (), Kind.RETURNED),
        ((), ("p1",), Kind.NOT_THERE),
    ],
)
def test_what_only_a_person_can_settle_is_told_once(
    shown: tuple[Booking, ...], missing: tuple[str, ...], kind: Kind
) -> None:
    paid = replace(OVER, phase=Phase.PAID, payments=("p1",), paid_at=LONG_AGO)
    story = asked(paid)
    for _ in range(3):
        story.statement(*shown, missing=missing)
        statement(story)
    assert [found.kind for found in story.counter.audit.found] == [kind]
    assert story.journal.log.count("account-differs") == 1
    assert story.journal.sales[paid.reference] == paid, "no ticket changes"
    [told] = status(story.counter, story.at)["obligations"]["differences"]  # type: ignore[index]
    assert (told["kind"], told["number"], told["payment"]) == (kind.value, 9, "p1")
    assert "differences from the account: 1" in status_line(story.counter)


def test_when_all_agrees_nothing_is_told() -> None:
    paid = replace(OVER, phase=Phase.PAID, payments=("p1",), paid_at=LONG_AGO)
    story = asked(paid).statement(booking())
    assert "account-differs" not in story.journal.log
    assert status(story.counter, story.at)["health"]["agreed_until"] == story.journal.agreed_until  # type: ignore[index]
    assert "differences" not in status_line(story.counter)


def test_r19_what_it_finds_comes_out_after_the_sale_in_front() -> None:
    """The answer comes in the middle of a sale: no paper, no change of it."""
    story = asked()
    story.keys("2500#").free()
    before = story.counter.state
    story.statement(booking(reference=LOST, at=EPOCH + story.at))
    assert story.counter.state == before
    assert disputes(story) == [("p1", Reason.UNKNOWN_ORDER)]
    assert not story.did(Print)
    story.placed().paid()
    assert [print_.ticket.reference for print_ in story.did(Print)] == [story.sale.reference]
    story.printed().wait(2.0).keys("#")
    assert [print_.ticket.reference for print_ in story.did(Print)][1:] == [LOST]


def test_it_changes_nothing_of_the_health_of_the_front() -> None:
    story = asked()
    before = story.counter.health
    story.unknown(AskStatement, Trouble.TLS, Lane.BEHIND)
    assert story.counter.health == before


def test_answers_to_others_are_not_its_own() -> None:
    story = asked()
    story.feed(Unknown(request=9999, trouble=Trouble.SLOW))
    story.feed(Seen(request=9998, reference=OVER.reference, evidence=Evidence()))
    assert story.open_calls(AskStatement, Lane.BEHIND)
    assert not story.open_calls(Place)
