"""From the confirmed amount to the order on the POS: guard, clear, place, and find out when an answer is lost.

The hard case is the lost answer to a PUT (R6). It may have been applied, it may be applied still, and the customer
may even have paid it already. So: ask the POS; if it holds our order, follow it; if it holds none, that proves
nothing, and both indexes are searched at once, after 3 s and after 10 s; only then is the same order placed again,
once. Whatever remains unclear ends in Withdrawing, never straight at rest.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from kiosk.sale import moves
from kiosk.sale.commands import Depth, Tune
from kiosk.sale.events import (
    Answer,
    Busy,
    Event,
    Holds,
    Key,
    Placed,
    Refused,
    Seen,
    Stop,
    Unknown,
    Woken,
)
from kiosk.sale.records import Phase, Sale, Why
from kiosk.sale.states import (
    Adopting,
    Clearing,
    Guarding,
    NoticeKind,
    Part,
    Placing,
    PlacingPart,
    State,
    Talk,
)
from kiosk.sale.turn import Turn
from kiosk.sale.verdict import judge

PUTS_MAX: Final = 2
LOOKS_AT_S: Final = (0.0, 3.0, 10.0)
"""When both indexes are searched after a lost PUT that left no order on the POS (R6)."""
CLEAR_AGAIN_S: Final = 10.0
QUESTION_S: Final = 10.0
"""The question "cancel?" goes away by itself after this (R13)."""


# --- guard ------------------------------------------------------------------------------------------------------------


def guarding(state: Guarding, event: Event, turn: Turn) -> State:
    """Prove the POS free before the sale's order may be placed (R4)."""
    match event:
        case Holds(order=None):
            turn.proved()
            return moves.put(state.sale, turn)
        case Holds(order=order) if order is not None:
            return moves.clear(order, event.known, turn, state.sale, state.give_up_at)
        case Refused():
            return moves.give_up_unplaced(state.sale, moves.REFUSALS[event.reject], turn, event.detail)
        case Unknown():
            return replace(state, talk=turn.backoff(state.talk, event))
        case Woken() if turn.mono >= state.give_up_at:
            return moves.give_up_unplaced(state.sale, NoticeKind.NO_ANSWER, turn)
        case Woken() if state.talk.due(turn.mono):
            return replace(state, talk=turn.ask_pos(state.sale.reference, state.talk.tries))
        case Key(key="*") | Stop():
            turn.log("cancelled", "cancelled before anything was placed", state.sale)
            return moves.home(turn)
        case _:
            return state


# --- clear ------------------------------------------------------------------------------------------------------------


def clearing(state: Clearing, event: Event, turn: Turn) -> State:
    """Take away an order that must not be on the POS; then go on with the sale that waits for it, if any."""
    match event:
        case Key(key="*") | Stop() if state.then:
            return replace(_without_sale(state, turn), then=None)
        case Woken() if state.then and turn.mono >= state.give_up_at:
            turn.must_prove()
            return moves.give_up_unplaced(state.then, NoticeKind.POS_BUSY, turn)
        case Woken() if not state.talk.due(turn.mono):
            return state
        case Woken() if state.part is Part.DELETE:
            return replace(state, talk=turn.withdraw(state.order.reference))
        case Woken():
            return replace(state, talk=turn.ask_pos(state.order.reference, state.talk.tries))
        case Holds() if state.part is Part.ASK:
            return _cleared(state, event, turn)
        case Answer() if state.part is Part.DELETE:
            return replace(state, part=Part.ASK, talk=turn.ask_pos(state.order.reference))
        case Refused() | Unknown():
            return replace(state, talk=turn.backoff(state.talk, event))
        case _:
            return state


def _cleared(state: Clearing, event: Holds, turn: Turn) -> State:
    if event.order is None:
        turn.proved()
        if state.then is None:
            return moves.tell(turn, NoticeKind.OTHER_DEVICE) if state.alarm else moves.home(turn)
        if state.then.puts:
            return moves.put_again(_after_busy(state.then, state.talk, state.give_up_at, turn), turn)
        return moves.put(state.then, turn)
    if event.order.reference != state.order.reference:
        return moves.clear(event.order, event.known, turn, state.then, state.give_up_at)
    return replace(state, part=Part.DELETE, talk=turn.pause(CLEAR_AGAIN_S))


def _after_busy(sale: Sale, talk: Talk, give_up_at: float, turn: Turn) -> Placing:
    """The sale whose first attempt met a busy POS: nobody has seen its order, so its time begins now (R6, R8).

    The order's death is the same as before (R3), and later than that time in any case.
    """
    return Placing(
        sale,
        PlacingPart.PUT,
        talk,
        give_up_at=give_up_at,
        ends_at=turn.mono + turn.shop.wait_s,
        dies_at=turn.mono + left_s(sale, turn),
    )


def _without_sale(state: Clearing, turn: Turn) -> Clearing:
    """The cashier gives the waiting sale up. It is not on the POS: nothing was placed, or only refused."""
    sale = state.then
    assert sale is not None
    if sale.puts:  # a busy POS is no final word: the sale is watched like any other (R7)
        moves.end(replace(sale, why=Why.CANCELLED), Phase.REFUSED, turn)
    turn.log("cancelled", "cancelled before its order was on the POS", sale)
    return state


# --- place ------------------------------------------------------------------------------------------------------------


def placing(state: Placing, event: Event, turn: Turn) -> State:
    """Place the order; resolve a lost answer by asking, never by guessing (L6)."""
    match event:
        case Key() | Stop():
            return _asked_to_leave(state, event, turn)
        case Placed():
            sale = replace(state.sale, order_id=event.order_id)
            return _on_the_pos(replace(state, sale=sale), turn)
        case Seen():
            return _looked(state, event, turn)
        case Holds() if event.request != state.talk.request:
            return _told_late(state, event)
        case Holds() if state.part is not PlacingPart.PUT:
            return _told_of_the_pos(state, event, turn)
        case Woken() if turn.mono >= state.give_up_at:
            return _leave(_doubtful(state, turn), state.leave or Why.NOT_PLACED, turn)
        case Woken() if state.asking_until and turn.mono >= state.asking_until:
            return replace(state, asking_until=0.0)
        case Woken() if not state.talk.due(turn.mono):
            return state
        case Woken() if state.part is PlacingPart.LOOK:
            return replace(state, talk=turn.look(state.sale.reference, Depth.ALL, tries=state.talk.tries))
        case Woken():
            return replace(state, talk=turn.ask_pos(state.sale.reference, state.talk.tries))
        case Busy() if state.part is PlacingPart.PUT:
            state = replace(state, busy=True)
            if state.leave or state.sale.puts >= PUTS_MAX or state.sale.doubt:
                return _leave(state, state.leave or Why.POS_BUSY, turn)
            return replace(state, part=PlacingPart.ASK, talk=turn.ask_pos(state.sale.reference))
        case Refused() if state.part is PlacingPart.PUT and state.sale.puts == 1 and not state.sale.doubt:
            return moves.refuse(state.sale, event, turn)
        case Refused() | Unknown() | Busy() if state.part is PlacingPart.PUT:
            turn.note("place-unknown", "no certain answer to placing the order", state.sale, answer=event, level=4)
            if state.leave:
                return _leave(_doubtful(state, turn), state.leave, turn)
            state = _doubtful(state, turn)
            return replace(state, part=PlacingPart.ASK, talk=turn.ask_pos(state.sale.reference))
        case Refused() | Unknown():
            return replace(state, talk=turn.backoff(state.talk, event))
        case _:
            return state


def _told_late(state: Placing, event: Holds) -> Placing:
    """R10: a question that was given up is answered after all, with another's order: nothing is deleted blindly."""
    another = event.order is not None and event.order.reference != state.sale.reference
    return replace(state, told_of_another=True) if another else state


def _doubtful(state: Placing, turn: Turn) -> Placing:
    """The last attempt may still arrive: the POS must be asked again and again for a while (R4)."""
    if state.part is not PlacingPart.PUT:
        return state
    turn.must_prove(doubt=True)
    return replace(state, sale=replace(state.sale, doubt=True))


def _asked_to_leave(state: Placing, event: Key | Stop, turn: Turn) -> State:
    now = turn.mono
    match event:
        case Stop():
            why = Why.STOPPED
        case Key(key="#") if now < state.asking_until:
            why = Why.CANCELLED
        case Key(key="*") if now >= state.asking_until:
            return replace(state, asking_until=now + QUESTION_S)
        case _:
            return replace(state, asking_until=0.0)
    if state.part is PlacingPart.PUT:
        return replace(state, leave=why, asking_until=0.0)
    return _leave(state, why, turn)


def _on_the_pos(state: Placing, turn: Turn) -> State:
    if state.leave:
        return _leave(state, state.leave, turn)
    asking_until = state.asking_until if turn.mono < state.asking_until else 0.0
    return moves.wait(state.sale, turn, ends_at=state.ends_at, dies_at=state.dies_at, asking_until=asking_until)


def _leave(state: Placing, why: Why, turn: Turn, *, reading_only: bool = False) -> State:
    """Withdraw. Where the POS said that it is busy it holds another's order, which must not be deleted."""
    return moves.withdraw(
        state.sale,
        why,
        turn,
        dies_at=state.dies_at,
        reading_only=reading_only or state.busy or state.told_of_another,
        unplaced=state.busy and not state.sale.doubt,
    )


def _told_of_the_pos(state: Placing, event: Holds, turn: Turn) -> State:
    order, sale = event.order, state.sale
    if order is None:
        if sale.doubt:
            return replace(state, part=PlacingPart.LOOK, looks=0, talk=turn.look(sale.reference, Depth.ALL))
        return moves.put_again(_after_busy(sale, state.talk, state.give_up_at, turn), turn)
    if order.reference == sale.reference:
        if order.cents == sale.cents:
            return _on_the_pos(state, turn)
        turn.log("wrong-amount", "the POS holds our reference with another amount", sale, answer=event, level=3)
        turn.sound(Tune.ATTENTION)
        return _leave(state, Why.WRONG_AMOUNT, turn, reading_only=True)
    if sale.doubt:
        return _leave(state, Why.POS_BUSY, turn, reading_only=True)
    return moves.clear(order, event.known, turn, sale, state.give_up_at)


def _looked(state: Placing, event: Seen, turn: Turn) -> State:
    verdict = judge(state.sale, turn.shop.collector, event.evidence, event.spent)
    if verdict.paid:
        return moves.pay(state.sale, verdict, turn, event)
    if state.part is not PlacingPart.LOOK or event.request != state.talk.request:
        return state
    if verdict.approved or verdict.pending:  # the order was there, and somebody pays it: never placed again
        return _leave(state, Why.NOT_PLACED, turn)
    if not event.evidence.whole:
        return replace(state, talk=turn.backoff(state.talk, event))
    looks = state.looks + 1
    if looks < len(LOOKS_AT_S):
        return replace(state, looks=looks, talk=turn.pause(LOOKS_AT_S[looks] - LOOKS_AT_S[looks - 1]))
    if state.sale.puts < PUTS_MAX and state.ends_at - turn.mono >= moves.LEFT_MIN_S:
        return moves.put_again(state, turn)
    return _leave(state, Why.NOT_PLACED, turn)


# --- adopt ------------------------------------------------------------------------------------------------------------


def adopting(state: Adopting, event: Event, turn: Turn) -> State:
    """After a power cut: go on with the sale if the POS still holds it and time is left, else take it back (R5).

    While the POS does not answer, every other request is a look: a payment is found all the same (R23).
    """
    sale = state.sale
    match event:
        case Holds():
            return _adopted(state, event, turn)
        case Stop():
            return _take_back(state, Why.STOPPED, turn)
        case Seen():
            verdict = judge(sale, turn.shop.collector, event.evidence, event.spent)
            if verdict.paid:
                return moves.pay(sale, verdict, turn, event)
            return replace(state, peek=False, talk=turn.ask_pos(sale.reference, state.talk.tries))
        case Refused() | Unknown() if state.peek:
            return replace(state, peek=False, talk=turn.ask_pos(sale.reference, state.talk.tries))
        case Refused() | Unknown():
            return replace(state, peek=True, talk=turn.backoff(state.talk, event))
        case Woken() if state.talk.due(turn.mono) and state.peek:
            return replace(state, talk=turn.look(sale.reference, Depth.ALL, tries=state.talk.tries))
        case Woken() if state.talk.due(turn.mono):
            return replace(state, talk=turn.ask_pos(sale.reference, state.talk.tries))
        case _:
            return state


def _adopted(state: Adopting, event: Holds, turn: Turn) -> State:
    sale, order = state.sale, event.order
    seconds = left_s(sale, turn)
    ours = order is not None and order.reference == sale.reference and order.cents == sale.cents
    if ours and sale.phase in (Phase.PLACING, Phase.WAITING) and seconds >= moves.LEFT_MIN_S:
        dies_at = turn.mono + seconds
        return moves.wait(sale, turn, ends_at=dies_at - moves.LIFE_AFTER_WAIT_S / 2, dies_at=dies_at)
    return _take_back(state, sale.why or Why.POWER, turn, reading_only=order is not None and not ours)


def _take_back(state: Adopting, why: Why, turn: Turn, *, reading_only: bool = False) -> State:
    dies_at = turn.mono + left_s(state.sale, turn)
    return moves.withdraw(state.sale, why, turn, dies_at=dies_at, reading_only=reading_only)


def left_s(sale: Sale, turn: Turn) -> float:
    """Seconds until the order is dead at the provider; its longest life where no clock tells."""
    provider = turn.health.provider_time(turn.mono)
    if sale.expires is None or provider is None:
        return moves.LIFE_MAX_S
    return min(sale.expires - provider, moves.LIFE_MAX_S)
