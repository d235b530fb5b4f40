"""Following an order: waiting for the customer, taking the order back, and searching when it is simply gone.

Withdrawing is where money is lost elsewhere, so its order is strict (R13, R14): look, DELETE, ask the POS, look
again. The DELETE's own answer decides nothing by itself. Only the POS says whether the order is gone, and only a look
begun after it is gone says that nobody paid. An order that is gone without our having taken it is presumed paid.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, assert_never

from kiosk.sale import moves
from kiosk.sale.commands import Depth, Tune
from kiosk.sale.events import (
    Answer,
    Event,
    Holds,
    Key,
    LookNow,
    Refused,
    Removal,
    Removed,
    Seen,
    Stop,
    Trouble,
    Unknown,
    Woken,
)
from kiosk.sale.placing import QUESTION_S
from kiosk.sale.records import Phase, Why
from kiosk.sale.states import (
    NEVER,
    Checking,
    NoticeKind,
    Part,
    State,
    Talk,
    Waiting,
    Withdrawing,
)
from kiosk.sale.turn import CALL_S, GRACE_S, Turn
from kiosk.sale.verdict import Verdict, judge

LOOK_LATER_S: Final = 4.0
LOOK_OFTEN_FOR_S: Final = 120.0
VERIFY_S: Final = 30.0
MISSING_MAX: Final = 2
"""So many answers in a row that the POS has lost our order, and we stop waiting for it."""
LOOKS_AFTER: Final = 2
LOOK_AFTER_S: Final = 3.0
AFTER_S: Final = 60.0
"""An index that shows only a part for so long decides nothing any more: a person must look."""
DELETE_AGAIN_S: Final = 10.0
CHECK_S: Final = 3.0
LOCKED_AFTER_DEATH_S: Final = 60.0
"""An order still on the POS so long after its death is beyond us (R14)."""


# --- waiting ----------------------------------------------------------------------------------------------------------


def waiting(state: Waiting, event: Event, turn: Turn) -> State:
    """The customer has the time to pay."""
    match event:
        case Seen():
            return _waiting_saw(state, event, turn)
        case Holds() if event.request == state.talk.request:
            return _verified(state, event, turn)
        case Holds():
            return _told_late(state, event, turn)
        case Refused() | Unknown():
            turn.note("look-unknown", "no certain answer while waiting", state.sale, answer=event, level=4)
            answered_at = state.answered_at if isinstance(event, Unknown) else turn.mono
            talk = turn.backoff(state.talk, event, _period_s(state, turn))
            # Looks go on whatever the POS says.
            verify_at = turn.mono + VERIFY_S if state.verifying else state.verify_at
            return replace(state, talk=talk, answered_at=answered_at, verifying=False, verify_at=verify_at)
        case Stop():
            return _take_back(state, Why.STOPPED, turn)
        case Key():
            return _waiting_key(state, event, turn)
        case LookNow():
            return _look_now(state, turn)
        case Woken():
            return _waiting_woken(state, turn)
        case _:
            return state


def _period_s(state: Waiting, turn: Turn) -> float:
    return moves.LOOK_S if turn.mono - state.since < LOOK_OFTEN_FOR_S else LOOK_LATER_S


def _waiting_saw(state: Waiting, event: Seen, turn: Turn) -> State:
    sale = state.sale
    verdict = judge(sale, turn.shop.collector, event.evidence, event.spent)
    if verdict.paid:
        return moves.pay(sale, verdict, turn, event)
    if event.request != state.talk.request:
        return state
    if verdict.rejected > state.rejected:
        turn.note("rejected", f"sale {sale.number}: a payment was rejected, the order stays", sale, answer=event)
        turn.sound(Tune.REJECTED)
    if verdict.wrong > state.wrong:
        turn.log(
            "not-ours", "an order that looks paid is not this sale's, or not its amount", sale, answer=event, level=3
        )
        turn.sound(Tune.ATTENTION)
    talk = turn.look(sale.reference, Depth.ORDERS) if state.again else _next_look(state, turn)
    return replace(
        state,
        talk=talk,
        again=False,
        answered_at=turn.mono,
        rejected=max(state.rejected, verdict.rejected),
        pending=verdict.pending,
        part_cents=verdict.approved_cents,
        wrong=max(state.wrong, verdict.wrong),
    )


def _next_look(state: Waiting, turn: Turn) -> Talk:
    """On the schedule, which counts from the beginning of the last look, so that slow answers do not stretch it."""
    asked_at = state.talk.until - CALL_S - GRACE_S
    return turn.pause(max(0.0, asked_at + _period_s(state, turn) - turn.mono))


def _verified(state: Waiting, event: Holds, turn: Turn) -> State:
    """R10: the POS must hold our reference and our amount."""
    sale, order = state.sale, event.order
    look = replace(
        state,
        talk=turn.pause(0.0),
        verifying=False,
        verify_at=turn.mono + VERIFY_S,
        answered_at=turn.mono,
        missing=0,
        told_of_another=False,
    )
    if order is None:
        missing = state.missing + 1
        if missing >= MISSING_MAX:
            turn.log("vanished", "the POS has lost the order", sale, answer=event, level=4)
            return moves.withdraw(sale, Why.VANISHED, turn, dies_at=state.dies_at)
        return replace(look, missing=missing, verify_at=turn.mono + moves.VERIFY_FIRST_S)
    if order.reference == sale.reference and order.cents == sale.cents:
        return look
    why = Why.WRONG_AMOUNT if order.reference == sale.reference else Why.REPLACED
    turn.log(why.value, "the POS holds what we did not put there", sale, answer=event, level=3)
    turn.sound(Tune.ATTENTION)
    return moves.withdraw(sale, why, turn, dies_at=state.dies_at, reading_only=True)


def _told_late(state: Waiting, event: Holds, turn: Turn) -> Waiting:
    """R10: a verification that was given up is answered after all, with another's order. The answer is old: ask again,
    and until that is answered delete nothing blindly."""
    if event.order is None or event.order.reference == state.sale.reference:
        return state
    return replace(state, told_of_another=True, verify_at=turn.mono)


def _take_back(state: Waiting, why: Why, turn: Turn) -> Withdrawing:
    return moves.withdraw(state.sale, why, turn, dies_at=state.dies_at, reading_only=state.told_of_another)


def _waiting_key(state: Waiting, event: Key, turn: Turn) -> State:
    """``*`` walks: cancel? ask now? and back. ``#`` does what is asked, which is first to cancel (R13)."""
    asking = turn.mono < state.asking_until
    match event.key:
        case "#" if asking and state.asking_now:
            return _look_now(replace(state, asking_until=0.0), turn)
        case "#" if asking:
            return _take_back(state, Why.CANCELLED, turn)
        case "*" if asking and state.asking_now:
            return replace(state, asking_until=0.0)
        case "*":
            return replace(state, asking_until=turn.mono + QUESTION_S, asking_now=asking)
        case "C":
            return _look_now(replace(state, asking_until=0.0), turn)
        case _:
            turn.sound(Tune.REFUSED)
            return state


def _look_now(state: Waiting, turn: Turn) -> State:
    """One look in flight, one pending; and none while they ask us to wait (R9)."""
    if state.talk.request or turn.health.trouble is Trouble.THROTTLED:
        return replace(state, again=True)
    return replace(state, talk=turn.look(state.sale.reference, Depth.ORDERS, tries=state.talk.tries))


def _waiting_woken(state: Waiting, turn: Turn) -> State:
    now = turn.mono
    if now >= state.ends_at:
        return _take_back(state, Why.TIME_UP, turn)
    if state.asking_until and now >= state.asking_until:
        state = replace(state, asking_until=0.0)
    if state.talk.request or now < state.talk.until:
        return state
    if now >= state.verify_at:
        return replace(state, talk=turn.ask_pos(state.sale.reference, state.talk.tries), verifying=True)
    return replace(state, talk=turn.look(state.sale.reference, Depth.ORDERS, tries=state.talk.tries))


# --- withdrawing ------------------------------------------------------------------------------------------------------


def withdrawing(state: Withdrawing, event: Event, turn: Turn) -> State:
    """Take the order back; paid wins at every step."""
    if isinstance(event, Seen):
        verdict = judge(state.sale, turn.shop.collector, event.evidence, event.spent)
        if verdict.paid:
            return moves.pay(state.sale, verdict, turn, event)
    if isinstance(event, Removed) and event.removal is Removal.BY_US and not state.sale.deleted:
        sale = replace(state.sale, deleted=True)
        turn.save(sale)
        state = replace(state, sale=sale)
    if isinstance(event, Answer):
        if event.request != state.talk.request:  # what it proves of money was taken above
            return _replaced_meanwhile(state, event, turn) if isinstance(event, Holds) else state
        if not isinstance(event, Unknown):
            state = replace(state, answered_at=turn.mono)
        return _withdrawing_answered(state, event, turn)
    if isinstance(event, Woken):
        return _withdrawing_woken(state, turn)
    return state


def _replaced_meanwhile(state: Withdrawing, event: Holds, turn: Turn) -> Withdrawing:
    """R10: the POS was being verified when the withdrawal began, and holds another's order. It must not be deleted.

    Should the answer be older than our own order, then the POS is found to hold ours, and it is deleted a little later.
    """
    if state.part is not Part.LOOK or state.reading_only or event.order is None or _is_ours(state, event):
        return state
    turn.note("replaced", "the POS holds what we did not put there", state.sale, answer=event, level=3)
    turn.sound(Tune.ATTENTION)
    return replace(state, reading_only=True)


def _withdrawing_answered(state: Withdrawing, event: Answer, turn: Turn) -> State:
    match state.part:
        case Part.LOOK:
            return _ask(state, turn) if state.reading_only else _delete(state, turn)
        case Part.DELETE:
            return _ask(replace(state, lost=state.lost + 1 if isinstance(event, Unknown) else 0), turn)
        case Part.ASK:
            return _told_of_the_pos(state, event, turn)
        case Part.LOCKED if isinstance(event, Refused | Unknown):
            return replace(state, talk=turn.backoff(state.talk, event, moves.LOOK_S))
        case Part.LOCKED:
            return replace(state, talk=turn.pause(moves.LOOK_S))
        case Part.AFTER:
            return _looked_after(state, event, turn)
        case _:
            assert_never(state.part)


def _withdrawing_woken(state: Withdrawing, turn: Turn) -> State:
    if state.talk.request:
        return state
    reference, tries = state.sale.reference, state.talk.tries
    if state.part is Part.LOCKED and turn.mono >= state.delete_at:
        return _ask(state, turn) if state.reading_only else _delete(state, turn)
    if turn.mono < state.talk.until:
        return state
    match state.part:
        case Part.ASK if state.peek:
            return replace(state, talk=turn.look(reference, Depth.ALL, tries=tries))
        case Part.ASK:
            return replace(state, talk=turn.ask_pos(reference, tries))
        case Part.LOCKED:
            return replace(state, talk=turn.look(reference, Depth.ORDERS, tries=tries))
        case Part.AFTER | Part.LOOK:
            return replace(state, talk=turn.look(reference, Depth.ALL, tries=tries))
        case Part.DELETE:
            return _delete(state, turn)
        case _:
            assert_never(state.part)


def _delete(state: Withdrawing, turn: Turn) -> Withdrawing:
    return replace(state, part=Part.DELETE, talk=turn.withdraw(state.sale.reference), delete_at=NEVER)


def _ask(state: Withdrawing, turn: Turn) -> Withdrawing:
    return replace(state, part=Part.ASK, talk=turn.ask_pos(state.sale.reference), delete_at=NEVER)


def _told_of_the_pos(state: Withdrawing, event: Answer, turn: Turn) -> State:
    """What the POS holds; while it does not answer, every other request is a look: paid wins."""
    if isinstance(event, Holds):
        return _gone(state, event, turn) if not _is_ours(state, event) else _still_there(state, event, turn)
    if state.peek:
        return replace(state, peek=False, talk=turn.ask_pos(state.sale.reference, state.talk.tries))
    if turn.mono >= state.dies_at + LOCKED_AFTER_DEATH_S:
        return _after(state, turn)  # dead by the provider's clock, whatever the POS would say
    return replace(state, peek=True, talk=turn.backoff(state.talk, event))


def _is_ours(state: Withdrawing, event: Holds) -> bool:
    return event.order is not None and event.order.reference == state.sale.reference


def _gone(state: Withdrawing, event: Holds, turn: Turn) -> State:
    """The POS does not hold it any more. Unless we know why, somebody may have paid it."""
    if event.order is None:
        turn.proved()
    if state.sale.deleted or turn.mono >= state.dies_at or state.unplaced:
        return _after(state, turn)
    return moves.check(state, turn)


def _after(state: Withdrawing, turn: Turn) -> Withdrawing:
    return replace(state, part=Part.AFTER, looks=0, talk=turn.look(state.sale.reference, Depth.ALL))


def _still_there(state: Withdrawing, event: Holds, turn: Turn) -> State:
    """The POS holds it still: a customer is paying, or our DELETE was lost. An earlier 204 says nothing any more."""
    sale = state.sale
    if turn.mono >= state.dies_at + LOCKED_AFTER_DEATH_S:
        turn.log("locked", "the POS does not let the order go", sale, answer=event, level=3)
        return _not_confirmed(state, turn)
    if sale.deleted:
        sale = replace(sale, deleted=False)
        turn.save(sale)
    assert event.order is not None
    state = replace(state, sale=sale, reading_only=state.reading_only and event.order.cents != sale.cents)
    if state.lost and not state.reading_only:
        return replace(state, part=Part.DELETE, talk=turn.backoff(Talk(tries=state.lost - 1), event))
    return replace(state, part=Part.LOCKED, talk=turn.pause(0.0), delete_at=turn.mono + DELETE_AGAIN_S)


def _looked_after(state: Withdrawing, event: Answer, turn: Turn) -> State:
    """Two looks, begun after the order was gone and answered in full, say that nobody paid."""
    if not isinstance(event, Seen):
        return replace(state, talk=turn.backoff(state.talk, event))
    if not event.evidence.whole:
        if turn.mono >= state.after_by:
            return _not_confirmed(state, turn)
        after_by = min(state.after_by, turn.mono + AFTER_S)
        return replace(state, talk=turn.backoff(state.talk, event), after_by=after_by)
    looks = state.looks + 1
    if looks < LOOKS_AFTER:
        return replace(state, looks=looks, talk=turn.pause(LOOK_AFTER_S))
    return _withdrawn(state, judge(state.sale, turn.shop.collector, event.evidence, event.spent), turn)


NOTICES: Final = {
    Why.CANCELLED: NoticeKind.CANCELLED,
    Why.TIME_UP: NoticeKind.TIME_UP,
    Why.STOPPED: NoticeKind.CANCELLED,
    Why.POWER: NoticeKind.CANCELLED,
    Why.NOT_PLACED: NoticeKind.NOT_PLACED,
    Why.POS_BUSY: NoticeKind.POS_BUSY,
    Why.VANISHED: NoticeKind.NOT_CONFIRMED,
    Why.REPLACED: NoticeKind.NOT_CONFIRMED,
    Why.WRONG_AMOUNT: NoticeKind.NOT_CONFIRMED,
    Why.FOREIGN: NoticeKind.POS_BUSY,
}


def _withdrawn(state: Withdrawing, verdict: Verdict, turn: Turn) -> State:
    if verdict.approved or verdict.pending or verdict.wrong:  # nobody may read "nobody paid" now
        return _not_confirmed(state, turn)
    sale = moves.end(state.sale, Phase.WITHDRAWN, turn)
    turn.log("withdrawn", f"sale {sale.number}: withdrawn, nobody paid", sale, level=5)
    return moves.tell(turn, NOTICES[state.why], sale)


# --- checking ---------------------------------------------------------------------------------------------------------


def checking(state: Checking, event: Event, turn: Turn) -> State:
    """Presumed paid: search both indexes until something is found, or the time is over (R14)."""
    match event:
        case Seen():
            verdict = judge(state.sale, turn.shop.collector, event.evidence, event.spent)
            if verdict.paid:
                return moves.pay(state.sale, verdict, turn, event)
            if event.request != state.talk.request:
                return state
            return replace(state, talk=turn.pause(CHECK_S))
        case Refused() | Unknown():
            return replace(state, talk=turn.backoff(state.talk, event))
        case Woken() if turn.mono >= state.until:
            return _not_confirmed(state, turn)
        case Woken() if not state.talk.request:
            return replace(state, talk=turn.look(state.sale.reference, Depth.ALL, tries=state.talk.tries))
        case _:
            return state


def _not_confirmed(state: Withdrawing | Checking, turn: Turn) -> State:
    """Nobody can say: never "cancelled", never "failed" (L6). The watch goes on."""
    sale = moves.end(state.sale, Phase.UNCONFIRMED, turn)
    turn.log("not-confirmed", f"sale {sale.number}: check the account before charging again", sale, level=3)
    return moves.tell(turn, NoticeKind.NOT_CONFIRMED, sale)
