"""The sale in front: hands each event to the state it meets, and holds the machine to its deadlines.

A state's own module says what it does (``resting``, ``placing``, ``waiting``); ``moves`` says how the next one is
entered. Here is only what is true of all of them: an answer counts for the request that is in flight; an answer to
an older request changes only what it proves; a request that stays unanswered is unknown, by the machine's own clock.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Final, assert_never

from kiosk.sale import desk, menus, moves, placing, resting, waiting
from kiosk.sale.basket import Choosing
from kiosk.sale.commands import Place, Sound, Tune
from kiosk.sale.days import DayShown
from kiosk.sale.events import (
    AccountIs,
    Answer,
    CallAnswer,
    Event,
    Holds,
    Key,
    NotSaved,
    Placed,
    Removed,
    Seen,
    Trouble,
    Unknown,
    Woken,
)
from kiosk.sale.giving import Giving, Inquiring, Picking, Settling, Signing, Sizing
from kiosk.sale.records import Why
from kiosk.sale.states import (
    Adopting,
    Blocked,
    Checking,
    Clearing,
    Confirming,
    Entering,
    Guarding,
    Idle,
    Menu,
    Notice,
    NoticeKind,
    Paid,
    Placing,
    Recent,
    Resting,
    Starting,
    State,
    Talk,
    Waiting,
    Withdrawing,
)
from kiosk.sale.turn import Proof, Turn

InSale = Guarding | Clearing | Placing | Adopting | Waiting | Withdrawing | Checking
"""States that talk to the provider about one order."""

WAKES_MAX: Final = 8
"""More wake-ups than this at one instant, and the machine is broken: it would turn for ever."""


class BrokenError(Exception):
    """The machine does not move on: a fault in it. The service must restart, and ``resume`` go on."""


def wakes_at(state: State, proof: Proof) -> float:
    """When the front wants to be woken (monotonic seconds)."""
    if isinstance(state, InSale):
        return state.wakes_at
    return min(state.wakes_at, resting.proof_wakes_at(state, proof.talk.until))


def step(state: State, event: Event, turn: Turn) -> State:
    """The front's next state; what must be done for it is left in ``turn``."""
    if isinstance(event, Key) and event.held and not isinstance(state, Idle | Entering | Choosing | Paid | Notice):
        return state  # holding a key down means something only before a sale
    before = state
    match event:
        case Woken():
            state = _wake(state, turn)
        case Answer():
            state = _answered(state, event, turn)
        case NotSaved():
            state = _not_saved(state, event, turn)
        case _:
            state = _react(state, event, turn)
    if isinstance(state, Resting):
        state = resting.settled(state, turn)
        if isinstance(state, Resting):
            resting.prove(state, turn)
    if isinstance(event, Key) and state != before and not any(isinstance(c, Sound) for c in turn.commands):
        turn.sound(Tune.CLICK)
    return state


def _wake(state: State, turn: Turn) -> State:
    for _ in range(WAKES_MAX):
        if wakes_at(state, turn.proof) > turn.mono:
            return state
        talk = _talk(state, turn)
        if talk.silent(turn.mono):
            state = _answered(state, Unknown(request=talk.request, trouble=Trouble.SLOW), turn)
        else:
            state = _react(state, Woken(), turn)
        if isinstance(state, Resting):
            resting.prove(state, turn)
    raise BrokenError(f"{type(state).__name__} does not move on")


def _talk(state: State, turn: Turn) -> Talk:
    return state.talk if isinstance(state, InSale) else turn.proof.talk


def _answered(state: State, event: CallAnswer, turn: Turn) -> State:
    waited_for = bool(event.request) and event.request == _talk(state, turn).request
    turn.health = turn.health.heard(event, turn.mono) if waited_for else turn.health.told_time(event, turn.mono)
    if isinstance(event, AccountIs):
        shop = turn.shop
        wrong = event.user_id != shop.collector or event.site != shop.site.id
        turn.health = replace(
            turn.health,
            account_known=True,
            wrong_account=wrong,
            test_account=event.test,
            minimum=0 if wrong else event.minimum,
        )
        _tell_minimum(turn, event)
        return state
    if isinstance(state, InSale):
        if event.request == state.talk.request:
            return _react(state, event, turn)
        return _react(state, event, turn) if _still_proves(state, event) else state
    if isinstance(state, Recent | Inquiring) and event.request == state.talk.request:
        return _react(state, event, turn)
    if event.request == turn.proof.talk.request:
        return resting.proof_answered(state, event, turn)
    return state


def _tell_minimum(turn: Turn, event: AccountIs) -> None:
    smallest = turn.shop.smallest(turn.health.minimum)
    if smallest > turn.shop.minimum:
        text = turn.shop.site.currency.with_symbol(smallest)
        turn.note("minimum", f"the account takes no payment below {text}: less is refused", answer=event, level=5)


def _still_proves(state: InSale, event: CallAnswer) -> bool:
    """Whether an answer to an older request of the same sale tells something that stays true."""
    if not isinstance(state, Placing | Waiting | Withdrawing | Checking) or event.reference != state.sale.reference:
        return False
    return isinstance(event, Seen | Placed | Removed | Holds)


def _react(state: State, event: Event, turn: Turn) -> State:
    match state:
        case Starting() | Blocked() | Idle():
            return resting.idle(state, event, turn)
        case Menu():
            return menus.menu(state, event, turn)
        case Recent():
            return menus.recent(state, event, turn)
        case DayShown():
            return menus.day_shown(state, event, turn)
        case Picking():
            return desk.picking(state, event, turn)
        case Inquiring():
            return desk.inquiring(state, event, turn)
        case Sizing():
            return desk.sizing(state, event, turn)
        case Signing():
            return desk.signing(state, event, turn)
        case Giving():
            return desk.giving(state, event, turn)
        case Settling():
            return desk.settling(state, event, turn)
        case Entering():
            return resting.entering(state, event, turn)
        case Choosing():
            return resting.choosing(state, event, turn)
        case Confirming():
            return resting.confirming(state, event, turn)
        case Guarding():
            return placing.guarding(state, event, turn)
        case Clearing():
            return placing.clearing(state, event, turn)
        case Placing():
            return placing.placing(state, event, turn)
        case Adopting():
            return placing.adopting(state, event, turn)
        case Waiting():
            return waiting.waiting(state, event, turn)
        case Withdrawing():
            return waiting.withdrawing(state, event, turn)
        case Checking():
            return waiting.checking(state, event, turn)
        case Paid():
            return resting.paid(state, event, turn)
        case Notice():
            return resting.notice(state, event, turn)
        case _:
            assert_never(state)


def _not_saved(state: State, event: NotSaved, turn: Turn) -> State:
    """The intent to place an order could not be written: it is not placed (L7, R22)."""
    if not any(isinstance(command, Place) for command in event.dropped) or not isinstance(state, Placing):
        return state
    if state.sale.puts == 1:
        turn.proof = replace(turn.proof, free=True)
        return moves.tell(turn, NoticeKind.JOURNAL, state.sale)
    sale = replace(state.sale, puts=state.sale.puts - 1)
    return moves.withdraw(sale, state.leave or Why.NOT_PLACED, turn, dies_at=state.dies_at)


TRANSITIONS: Final = MappingProxyType(
    {
        Starting: {
            Idle: "the POS is free",
            Blocked: "no proof yet",
            Clearing: "another order is on the POS",
        },
        Blocked: {
            Idle: "the POS is free, all is well",
            Clearing: "another order is on the POS",
        },
        Idle: {
            Entering: "a digit",
            Choosing: "C or 0 held",
            Menu: "*",
            Recent: "C",
            DayShown: "the totals, or the day's close, from the menu",
            Giving: "a refund was refused",
            Blocked: "journal or a required device fails",
            Clearing: "another order is on the POS",
        },
        Menu: {
            Recent: "ask now",
            Picking: "refund",
            Settling: "settle",
            Entering: "a digit",
            Idle: "done, or 20 s",
            Blocked: "journal or a required device fails",
            Clearing: "another order is on the POS",
        },
        Recent: {
            Entering: "a digit",
            Idle: "past the oldest, or 20 s",
            Blocked: "journal or a required device fails",
            Clearing: "another order is on the POS",
        },
        DayShown: {
            Entering: "a digit",
            Idle: "printed, closed, or 20 s",
            Blocked: "journal or a required device fails",
            Clearing: "another order is on the POS",
        },
        Picking: {
            Inquiring: "#, a paid sale",
            Idle: "*, or 60 s",
            Blocked: "*, or 60 s, no proof yet",
        },
        Inquiring: {
            Sizing: "money is left",
            Signing: "disputed money is left",
            Idle: "*, or no answer",
            Blocked: "*, or no answer, no proof yet",
        },
        Sizing: {
            Signing: "#",
            Idle: "*, or 60 s",
            Blocked: "*, or 60 s, no proof yet",
        },
        Signing: {
            Giving: "signed: it goes back",
            Settling: "signed: delivered, and there is more",
            Idle: "signed: delivered, or *, or 60 s",
            Blocked: "the same, no proof yet",
        },
        Giving: {
            Entering: "a digit",
            Idle: "#, or 60 s",
            Blocked: "#, or 60 s, no proof yet",
        },
        Settling: {
            Signing: "1",
            Inquiring: "2",
            Idle: "* past the last, or 20 s",
            Blocked: "* past the last, or 20 s, no proof yet",
        },
        Entering: {
            Choosing: "C or 0 held",
            Guarding: "#",
            Confirming: "#, a large amount or a dead display",
            Idle: "cleared, or 60 s",
            Blocked: "cleared, or 60 s, no proof yet",
        },
        Choosing: {
            Entering: "done, or back",
            Idle: "back, or 60 s",
            Blocked: "back, or 60 s, no proof yet",
        },
        Confirming: {
            Guarding: "1",
            Entering: "*",
            Idle: "60 s",
            Blocked: "60 s, no proof yet",
        },
        Guarding: {
            Placing: "free: PUT",
            Clearing: "another order is on the POS",
            Notice: "refused, or no answer",
            Idle: "cancelled before anything was placed",
            Blocked: "cancelled, no proof yet",
        },
        Clearing: {
            Placing: "gone: PUT",
            Idle: "gone",
            Blocked: "gone, no proof yet",
            Notice: "still there: the sale is given up, or an alarm",
            Clearing: "yet another order",
        },
        Placing: {
            Waiting: "on the POS",
            Withdrawing: "cancelled, or never confirmed",
            Notice: "refused",
            Paid: "paid already",
            Clearing: "another order holds the POS",
        },
        Adopting: {
            Waiting: "ours, and time is left",
            Withdrawing: "gone, too late, or a stop",
            Paid: "paid already",
        },
        Waiting: {
            Paid: "closed and covered",
            Withdrawing: "cancel, time up, stop, not ours",
        },
        Withdrawing: {
            Paid: "paid wins",
            Notice: "gone by us",
            Checking: "gone, not by us",
        },
        Checking: {
            Paid: "found paid",
            Notice: "not confirmed",
        },
        Paid: {
            Entering: "a digit",
            Choosing: "C or 0 held",
            Idle: "#",
            Blocked: "#, no proof yet",
        },
        Notice: {
            Entering: "a digit",
            Choosing: "C or 0 held",
            Idle: "a key, or 20 s",
            Blocked: "a key, or 20 s, no proof yet",
        },
    }
)
"""From each state to each other: what leads there. (To stay in a state is no transition.)"""
