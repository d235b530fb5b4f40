"""How each state is entered: what is saved, asked and told on the way there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kiosk.sale import moves
from kiosk.sale.basket import Basket
from kiosk.sale.commands import AskPos, Depth, Look, Place, Sound, Tune, Withdraw
from kiosk.sale.events import Evidence, Fault, Ill, Paper, PosOrder, Refused, Reject, Seen
from kiosk.sale.money import Typed
from kiosk.sale.records import DebtState, Dispute, Line, Mark, Phase, Reason, Sale, Why
from kiosk.sale.shop import Shop
from kiosk.sale.states import (
    Blocked,
    Checking,
    Clearing,
    Guarding,
    Idle,
    Notice,
    NoticeKind,
    Paid,
    Part,
    Placing,
    PlacingPart,
    Talk,
    Waiting,
    Withdrawing,
)
from kiosk.sale.turn import Health, Now, Proof, Turn
from kiosk.sale.verdict import judge
from tests.story import COLLECTOR, SHOP, Story, order, payment

TYPED = Basket(typed=Typed("2500"))

MONO, WALL, PROVIDER = 1000.0, 5000.0, 9000.0
GONE = Fault(Ill.DEAD, "the display is gone")
WELL = Health(offset=PROVIDER - MONO, paper=Paper.OK)
SALE = Sale("KIOSK01-7-abc", 7, 2500, "BRL", (Line("Padaria", 1, 2500),), "key", 0.0, puts=1, expires=9240.0)


def turn(shop: Shop = SHOP, health: Health = WELL, *, free: bool = True, number: int = 6) -> Turn:
    ids = iter(range(1, 10**6))
    return Turn(
        shop,
        Now(MONO, WALL),
        lambda: next(ids) * 0x9E3779B97F4A7C15F39CC0605CEDC834,
        health=health,
        proof=Proof(free=free),
        request=0,
        number=number,
        foreign_at=(),
    )


def saved(now: Turn) -> list[object]:
    return list(now.records.values())


def tunes(now: Turn) -> list[Tune]:
    return [command.tune for command in now.commands if isinstance(command, Sound)]


def logged(now: Turn) -> list[str]:
    return [entry.event for entry in now.entries]


# --- rest -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("health", "required", "fit"),
    [
        (WELL, False, True),
        (replace(WELL, journal=False), False, False),
        (replace(WELL, wrong_account=True), False, False),
        (replace(WELL, paper=Paper.OUT), False, True),
        (replace(WELL, paper=Paper.OUT), True, False),
        (replace(WELL, paper=None), True, False),
        (replace(WELL, paper=Paper.SILENT), True, True),
    ],
)
def test_fit_to_sell_is_a_journal_the_right_account_and_the_printer_where_it_must_be(
    health: Health, required: bool, fit: bool
) -> None:
    shop = replace(SHOP, printer_required=required)
    assert moves.fit_to_sell(turn(shop, health)) is fit
    assert moves.can_sell(turn(shop, health)) is fit
    assert not moves.can_sell(turn(shop, health, free=False)), "L4: never without the proof"


@pytest.mark.parametrize(
    ("panel", "required", "fit"),
    [
        (None, False, True),
        ((GONE,), False, True),
        ((), True, True),
        ((GONE,), True, False),
        (None, True, False),
    ],
)
def test_a_display_must_work_only_where_configured(panel: tuple[Fault, ...] | None, required: bool, fit: bool) -> None:
    shop = replace(SHOP, display_required=required)
    assert moves.fit_to_sell(turn(shop, replace(WELL, panel=panel))) is fit


@pytest.mark.parametrize("device", ["keypad", "sound"])
def test_no_other_device_is_needed_to_sell(device: str) -> None:
    ill = replace(WELL, panel=(), **{device: (GONE,)})  # type: ignore[arg-type]  # one field each
    assert moves.fit_to_sell(turn(replace(SHOP, display_required=True, printer_required=True), ill))


def test_home_is_ready_with_the_last_notice_small_or_blocked() -> None:
    assert moves.home(turn()) == Idle()
    assert moves.home(turn(), NoticeKind.TIME_UP) == Idle(NoticeKind.TIME_UP)
    assert moves.home(turn(free=False), NoticeKind.TIME_UP) == Blocked()


def test_a_notice_stands_for_20_s_and_is_heard() -> None:
    now = turn()
    assert moves.tell(now, NoticeKind.CANCELLED, SALE, "why") == Notice(
        NoticeKind.CANCELLED, MONO + 20.0, MONO, SALE, "why"
    )
    assert tunes(now) == [Tune.WITHDRAWN]


@pytest.mark.parametrize("kind", NoticeKind)
def test_the_ear_tells_certainly_nobody_paid_from_nobody_knows(kind: NoticeKind) -> None:
    now = turn()
    moves.tell(now, kind)
    certain = {NoticeKind.CANCELLED, NoticeKind.TIME_UP, NoticeKind.NOT_PLACED}
    assert (tunes(now) == [Tune.WITHDRAWN]) is (kind in certain)
    assert (tunes(now) == [Tune.NOT_CONFIRMED]) is (kind is NoticeKind.NOT_CONFIRMED)


# --- placing ----------------------------------------------------------------------------------------------------------


def test_a_guard_makes_the_sale_and_asks_the_pos_and_saves_nothing() -> None:
    """Nothing can have happened yet. The sale's lines are its amount (L5)."""
    now = turn()
    state = moves.guard(TYPED, now)
    assert isinstance(state, Guarding)
    assert state.sale.number == 7
    assert state.sale.lines == (Line("Padaria", 1, 2500),)
    assert (state.sale.cents, state.sale.currency, state.sale.puts) == (2500, "BRL", 0)
    assert state.sale.reference.startswith("KIOSK01-7-")
    assert len(state.sale.key) == 32
    assert state.sale.key not in state.sale.reference
    assert saved(now) == logged(now) == []
    assert [type(command) for command in now.commands] == [AskPos]
    assert now.number == 6, "the number is used up only by an order that is placed"


def test_two_sales_share_neither_reference_nor_key() -> None:
    """R1: even with the same number, after a new card."""
    now = turn()
    one, other = moves.guard(TYPED, now).sale, moves.guard(TYPED, now).sale
    assert one.number == other.number
    assert one.reference != other.reference
    assert one.key != other.key


def test_an_order_is_saved_before_it_is_placed_and_its_expiry_is_fixed_by_the_providers_clock() -> None:
    """L7, R3: Date of the guard's answer + seconds since + wait + 60 s, whole seconds."""
    now = turn()
    state = moves.put(replace(SALE, puts=0, expires=None), now)
    assert isinstance(state, Placing)
    [kept] = saved(now)
    assert kept == state.sale
    assert (state.sale.puts, state.sale.expires) == (1, PROVIDER + 180 + 60)
    [place] = [command for command in now.commands if isinstance(command, Place)]
    assert place.sale == state.sale
    assert state.part is PlacingPart.PUT
    assert (state.give_up_at, state.ends_at, state.dies_at) == (MONO + 45, MONO + 180, MONO + 240)
    assert now.number == 7
    assert not now.proof.free


def test_without_the_providers_clock_the_order_has_no_expiry_and_lives_for_ten_minutes() -> None:
    now = turn(health=Health())
    state = moves.put(replace(SALE, puts=0, expires=None), now)
    assert state.sale.expires is None
    assert (state.ends_at, state.dies_at) == (MONO + 180, MONO + 600)


def test_the_second_attempt_has_the_same_body() -> None:
    """R6: same reference, same expiry, same key; only the count of attempts is another."""
    first = Placing(SALE, PlacingPart.LOOK, Talk(), MONO + 20, MONO + 150, MONO + 210, looks=3)
    now = turn()
    state = moves.put_again(first, now)
    assert state.sale == replace(SALE, puts=2)
    assert saved(now) == [state.sale]
    assert (state.part, state.looks) == (PlacingPart.PUT, 0)
    assert (state.give_up_at, state.ends_at, state.dies_at) == (first.give_up_at, first.ends_at, first.dies_at)


@pytest.mark.parametrize("reject", Reject)
def test_a_refused_sale_is_closed_unwatched_and_the_cashier_is_told_why(reject: Reject) -> None:
    now = turn()
    notice = moves.refuse(SALE, Refused(request=1, reject=reject, detail="their words"), now)
    [kept] = saved(now)
    assert isinstance(kept, Sale)
    assert (kept.phase, kept.ended_at, kept.watched) == (Phase.REFUSED, PROVIDER, False)
    assert notice.kind.value == f"refused-{reject.value}"
    assert notice.detail == "their words"
    assert "their words" in now.entries[0].text


def test_a_sale_that_was_never_put_leaves_no_row() -> None:
    now = turn()
    moves.give_up_unplaced(replace(SALE, puts=0), NoticeKind.NO_ANSWER, now)
    assert saved(now) == []
    now = turn()
    moves.give_up_unplaced(SALE, NoticeKind.POS_BUSY, now)
    [kept] = saved(now)
    assert isinstance(kept, Sale)
    assert (kept.phase, kept.why) == (Phase.REFUSED, Why.POS_BUSY)


# --- clearing (R5) ----------------------------------------------------------------------------------------------------


def test_a_foreign_order_is_written_down_watched_and_taken_away() -> None:
    now = turn()
    state = moves.clear(PosOrder("theirs", 990), None, now, SALE, MONO + 40)
    assert state == Clearing(PosOrder("theirs", 990), Part.DELETE, state.talk, MONO + 40, SALE)
    [kept] = saved(now)
    assert isinstance(kept, Sale)
    assert (kept.reference, kept.cents, kept.foreign, kept.watched, kept.why) == (
        "theirs",
        990,
        True,
        True,
        Why.FOREIGN,
    )
    assert now.followed == [kept]
    assert [c.reference for c in now.commands if isinstance(c, Withdraw)] == ["theirs"]
    assert not now.proof.free


def test_the_second_foreign_order_within_a_day_is_an_alarm() -> None:
    def told(*foreign_at: float) -> str:
        now = turn()
        now.foreign_at = foreign_at
        moves.clear(PosOrder("theirs", 990), None, now, None, MONO)
        return now.entries[0].text

    assert told() == "the POS held an order that is not ours"
    assert told(PROVIDER - 86_399) == "another device uses this POS"
    assert told(PROVIDER - 86_400) == "the POS held an order that is not ours"
    assert told(PROVIDER + 60) == "the POS held an order that is not ours", "a clock that was ahead counts for nothing"


def test_an_order_that_the_journal_knows_is_no_foreign_one() -> None:
    now = turn()
    old = replace(SALE, phase=Phase.WITHDRAWN, ended_at=10.0)
    moves.clear(PosOrder(old.reference, 2500), old, now, None, MONO)
    assert saved(now) == [replace(old, watched=True, ended_at=now.wall)], "payable until now"
    assert logged(now) == ["stale-order"]
    assert now.foreign_at == ()


# --- following --------------------------------------------------------------------------------------------------------


def test_waiting_looks_after_2_s_and_verifies_after_5() -> None:
    now = turn()
    state = moves.wait(SALE, now, ends_at=MONO + 180, dies_at=MONO + 240)
    assert isinstance(state, Waiting)
    assert saved(now) == [replace(SALE, phase=Phase.WAITING)]
    assert (state.talk, state.verify_at) == (Talk(until=MONO + 2), MONO + 5)
    assert (state.since, state.answered_at) == (MONO, MONO)


@pytest.mark.parametrize(("reading_only", "depth"), [(False, Depth.ORDERS), (True, Depth.ALL)])
def test_a_withdrawal_is_saved_and_begins_with_a_look(reading_only: bool, depth: Depth) -> None:
    """L7, R13: no DELETE before the look; where the POS holds what is not ours, the look is a deep one."""
    now = turn()
    state = moves.withdraw(SALE, Why.CANCELLED, now, dies_at=MONO + 240, reading_only=reading_only)
    assert isinstance(state, Withdrawing)
    assert saved(now) == [replace(SALE, phase=Phase.WITHDRAWING, why=Why.CANCELLED)]
    assert state.part is Part.LOOK
    [look] = now.commands
    assert isinstance(look, Look)
    assert look.depth is depth


def test_checking_searches_for_30_s_and_is_heard() -> None:
    now = turn()
    before = Withdrawing(SALE, Why.CANCELLED, Part.ASK, Talk(), MONO + 240)
    state = moves.check(before, now)
    assert isinstance(state, Checking)
    assert (state.until, state.dies_at, state.why) == (MONO + 30, MONO + 240, Why.CANCELLED)
    assert saved(now) == [replace(SALE, phase=Phase.CHECKING)]
    assert tunes(now) == [Tune.ATTENTION]


# --- paid -------------------------------------------------------------------------------------------------------------


def paid(now: Turn, *payments: tuple[str, int]) -> Paid:
    seen = Evidence((order(SALE, *(payment(id_, cents) for id_, cents in payments or (("p1", 2500),))),))
    return moves.pay(SALE, judge(SALE, COLLECTOR, seen), now, Seen(request=1, evidence=seen, trace="r-1"))


def test_paid_keeps_the_payments_owes_the_ticket_and_is_watched() -> None:
    now = turn()
    state = paid(now, ("p1", 1000), ("p2", 1500))
    kept = replace(
        SALE,
        phase=Phase.PAID,
        order_id="m1",
        payments=("p1", "p2"),
        paid_at=PROVIDER,
        ended_at=PROVIDER,
        watched=True,
    )
    assert state == Paid(kept, MONO)
    assert saved(now) == [kept]
    assert now.followed == [kept]
    [debt] = now.owed
    assert (debt.id, debt.number, debt.cents, debt.marks, debt.state) == (
        SALE.reference,
        7,
        2500,
        (),
        DebtState.OWED,
    )
    assert tunes(now) == [Tune.PAID]
    assert [(entry.event, entry.request_id) for entry in now.entries] == [("paid", "r-1")]


def test_a_shop_without_a_printer_owes_no_ticket() -> None:
    now = turn(replace(SHOP, printer=False))
    paid(now)
    assert [debt.state for debt in now.owed] == [DebtState.PRESUMED]


def test_training_is_marked_on_the_ticket() -> None:
    now = turn(replace(SHOP, training=True))
    paid(now)
    assert now.owed[0].marks == (Mark.TRAINING,)


def test_late_money_is_marked_as_such() -> None:
    now = turn()
    seen = Evidence((order(SALE, payment()),))
    sale, debt = moves.paid_records(SALE, judge(SALE, COLLECTOR, seen), now, late=True)
    assert sale.late
    assert debt.marks == (Mark.PAID_AFTER_CANCEL,)


def test_what_the_payments_brought_beyond_the_amount_is_money_to_settle() -> None:
    """R18: excess. The ticket is over the sale's amount; the rest has its own slip."""
    now = turn()
    paid(now, ("p1", 1000), ("p2", 1700))
    [dispute] = [record for record in saved(now) if isinstance(record, Dispute)]
    assert (dispute.cents, dispute.reason, dispute.reference) == (200, Reason.EXCESS, SALE.reference)
    assert {debt.cents: Mark.MONEY_TO_SETTLE in debt.marks for debt in now.owed} == {2500: False, 200: True}
    exact = turn()
    paid(exact)
    assert [record for record in saved(exact) if isinstance(record, Dispute)] == []


def test_excess_is_settled_under_a_name_that_no_payment_of_another_sale_has() -> None:
    now = turn()
    paid(now, ("p1", 2600))
    [dispute] = [record for record in saved(now) if isinstance(record, Dispute)]
    assert dispute.payment.startswith("p1")
    assert dispute.payment != "p1", "p1 itself completed the sale"


# --- the end ----------------------------------------------------------------------------------------------------------


def test_a_sale_that_ends_without_a_payment_is_watched_from_then_on() -> None:
    now = turn()
    sale = moves.end(SALE, Phase.WITHDRAWN, now)
    assert sale == replace(SALE, phase=Phase.WITHDRAWN, ended_at=PROVIDER, watched=True)
    assert saved(now) == now.followed == [sale]


def test_an_order_of_another_device_is_taken_away_and_watched_like_one_of_ours() -> None:
    """Who scanned it may pay it all the same (L2). Its twin: of one without a reference nobody could ever ask."""
    story = Story().account().printer(Paper.OK).holds("another-order")
    assert [watch.sale.reference for watch in story.counter.watches.items] == ["another-order"]
    assert story.counter.watches.items[0].sale.foreign
    nameless = Story().account().printer(Paper.OK).holds("")
    assert nameless.counter.watches.items == ()
