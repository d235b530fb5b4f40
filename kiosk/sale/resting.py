"""Between sales: typing an amount, reading PAID or a notice, the menu, and the standing proof that the POS is free."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from kiosk.sale import closing, moves
from kiosk.sale import recent as recents
from kiosk.sale.commands import AskDay, Depth, Lane, Tune
from kiosk.sale.days import DayIs, DayShown, DayStep
from kiosk.sale.events import Answer, CallAnswer, Event, Holds, Key, Refused, Saved, Seen, Trouble, Unknown, Woken
from kiosk.sale.money import Typed
from kiosk.sale.states import (
    NEVER,
    Blocked,
    Confirming,
    Entering,
    Found,
    Hint,
    Idle,
    Menu,
    MenuItem,
    Notice,
    Paid,
    Recent,
    Starting,
    State,
    Talk,
)
from kiosk.sale.turn import Turn

TYPING_S: Final = 60.0
"""A half-typed amount is forgotten after this (R25)."""
MENU_S: Final = 20.0
QUIET_S: Final = 1.0
"""PAID and notices ignore keys until so long has passed without any: a cashier in full swing must see them (R26)."""
LINGER_S: Final = 3.0
"""A paid order may linger on the POS for a moment: ask again after this."""

DIGITS: Final = {**{digit: digit for digit in "0123456789"}, "D": "00"}


# --- typing -----------------------------------------------------------------------------------------------------------


def idle(state: Starting | Blocked | Idle, event: Event, turn: Turn) -> State:
    """Ready, or not yet: a digit starts a sale, ``*`` opens the menu, ``C`` the last sales."""
    match event:
        case Key(key=key, held=False) if key in DIGITS and isinstance(state, Idle):
            return _first_digit(key, turn) or state
        case Key(key="*", held=False) if isinstance(state, Idle):
            return Menu(turn.menu[0], turn.mono + MENU_S)
        case Key(key="C", held=False) if turn.recent and isinstance(state, Idle):
            return Recent(turn.recent[0].reference, turn.mono + MENU_S)
        case Key(held=False):
            turn.sound(Tune.REFUSED)
            return state
        case DayIs(day=day, at_once=False) if day is not None and isinstance(state, Idle):
            return DayShown(day, DayStep.ASK if event.closing else DayStep.LOOK, turn.mono + MENU_S)
        case _:
            return state


def _first_digit(key: str, turn: Turn) -> Entering | None:
    typed = Typed().add(DIGITS[key])
    return Entering(typed, turn.mono + TYPING_S) if typed.digits else None


def entering(state: Entering, event: Event, turn: Turn) -> State:
    """Digits, corrections, and ``#``."""
    until = turn.mono + TYPING_S
    match event:
        case Key(key="*", held=True):
            return moves.home(turn)
        case Key(held=True):
            return state
        case Key(key=key) if key in DIGITS:
            return Entering(state.typed.add(DIGITS[key]), until)
        case Key(key="*"):
            typed = state.typed.back()
            return Entering(typed, until) if typed.digits else moves.home(turn)
        case Key(key="#"):
            return _entered(state.typed, until, turn)
        case Key():
            turn.sound(Tune.REFUSED)
            return state
        case Woken() if turn.mono >= state.until:
            return moves.home(turn)
        case _:
            return state


def _entered(typed: Typed, until: float, turn: Turn) -> State:
    shop = turn.shop
    hint = None
    if typed.extra:
        hint = Hint.TOO_LONG
    elif typed.cents < shop.smallest(turn.health.minimum):
        hint = Hint.TOO_SMALL
    elif typed.cents > shop.maximum:
        hint = Hint.TOO_LARGE
    if hint:
        turn.sound(Tune.AMOUNT)
        return Entering(typed, until, hint)
    # With a dead panel nobody has seen what was typed: the cashier hears that it is not as always, and confirms.
    if typed.cents > shop.confirm_above or turn.health.panel:
        turn.sound(Tune.ATTENTION)
        return Confirming(typed, until)
    return _begin(typed, turn)


def _begin(typed: Typed, turn: Turn) -> State:
    if moves.fit_to_sell(turn):
        return moves.guard(typed.cents, turn)
    turn.sound(Tune.REFUSED)
    return Blocked()


def confirming(state: Confirming, event: Event, turn: Turn) -> State:
    """An unusually large amount is confirmed with another key than the first time (R26)."""
    match event:
        case Key(key="1", held=False):
            return _begin(state.typed, turn)
        case Key(key="*", held=False):
            return Entering(state.typed, turn.mono + TYPING_S)
        case Key(held=False):
            turn.sound(Tune.REFUSED)
            return state
        case Woken() if turn.mono >= state.until:
            return moves.home(turn)
        case _:
            return state


# --- menu, paid, notices ----------------------------------------------------------------------------------------------


def menu(state: Menu, event: Event, turn: Turn) -> State:
    """``*`` walks, ``#`` does, a digit starts a sale."""
    match event:
        case Key(key="*", held=False):
            later = turn.menu[turn.menu.index(state.item) + 1 :] if state.item in turn.menu else ()
            return Menu(later[0], turn.mono + MENU_S) if later else moves.home(turn)
        case Key(key="#", held=False) if state.item is MenuItem.ASK_NOW and turn.recent:
            return Recent(turn.recent[0].reference, turn.mono + MENU_S)
        case Key(key="#", held=False):
            if state.item in (MenuItem.TOTALS, MenuItem.CLOSE):
                turn.commands.append(AskDay(closing=state.item is MenuItem.CLOSE))
            elif state.item is not MenuItem.CHECK:
                turn.wishes.append(state.item)
            return moves.home(turn)
        case Key(key=key, held=False):
            # What is typed here is the next amount: its first digit must not be the one that is lost.
            return (_first_digit(key, turn) if key in DIGITS else None) or moves.home(turn)
        case Woken() if turn.mono >= state.until:
            return moves.home(turn)
        case _:
            return state


def recent(state: Recent, event: Event, turn: Turn) -> State:
    """The last sales: ``*`` walks back, ``#`` asks Mercado Pago about the one that is shown, a digit starts a sale."""
    match event:
        case Key(key="*", held=False):
            older = recents.one_before(turn.recent, state.reference)
            return Recent(older.reference, turn.mono + MENU_S) if older else moves.home(turn)
        case Key(key="#" | "C", held=False):
            return _ask_about(state, turn)
        case Key(key=key, held=False):
            return (_first_digit(key, turn) if key in DIGITS else None) or moves.home(turn)
        case Seen():
            sale = recents.find(turn.recent, state.reference)
            answer = recents.found(sale, turn.shop.collector, event.evidence, event.spent) if sale else None
            return replace(state, talk=Talk(), found=answer, until=turn.mono + MENU_S)
        case Answer():
            return replace(state, talk=Talk(), found=Found.NO_ANSWER, until=turn.mono + MENU_S)
        case Woken() if state.talk.silent(turn.mono):
            return replace(state, talk=Talk(), found=Found.NO_ANSWER, until=turn.mono + MENU_S)
        case Woken() if turn.mono >= state.until:
            return moves.home(turn)
        case _:
            return state


def day_shown(state: DayShown, event: Event, turn: Turn) -> State:
    """The totals: ``#`` prints them, or closes the day where that was the question; ``*`` goes back.

    What is closed is what was shown: money that came since stands behind it in the journal, in the next Z.
    """
    match event:
        case Saved() if state.step is DayStep.WRITING:
            return DayShown(state.day, DayStep.CLOSED, turn.mono + MENU_S)
        case Key(held=True):
            return state
        case Key(key="#") if state.step is DayStep.LOOK:
            turn.print_day = state.day if turn.shop.printer else None
            return moves.home(turn)
        case Key(key="#") if state.step is DayStep.ASK:
            if not closing.may_close(state.day, turn):
                turn.sound(Tune.REFUSED)
                return moves.home(turn)
            turn.close_day = state.day
            return replace(state, step=DayStep.WRITING)
        case Key(key=key) if key in DIGITS:
            return _first_digit(key, turn) or moves.home(turn)
        case Key(key=key) if key == ("#" if state.step is DayStep.CLOSED else "*"):
            return moves.home(turn)
        case Key():
            turn.sound(Tune.REFUSED)
            return state
        case Woken() if turn.mono >= state.until:
            return moves.home(turn)
        case _:
            return state


def _ask_about(state: Recent, turn: Turn) -> State:
    """A look in both indexes, for which nobody but the cashier waits; one at a time. From here on the sale is watched
    again, if it was not any more, so that what the look finds is taken as all late money is (L2)."""
    sale = recents.find(turn.recent, state.reference)
    if sale is None or state.talk.request or turn.health.trouble is Trouble.THROTTLED:
        turn.sound(Tune.REFUSED)
        return state
    if not sale.watched:
        moves.follow(sale, turn)
    turn.log("asked-now", f"sale {sale.number}: the cashier asks about it", sale)
    talk = turn.look(sale.reference, Depth.ALL, Lane.BEHIND)
    return replace(state, talk=talk, found=Found.ASKING, until=NEVER)


def paid(state: Paid, event: Event, turn: Turn) -> State:
    """PAID stays until a key that was meant."""
    if not isinstance(event, Key) or event.held:
        return state
    if turn.mono - state.quiet_since < QUIET_S:
        return replace(state, quiet_since=turn.mono)
    match event.key:
        case "#":
            return moves.home(turn)
        case "*":
            turn.wishes.append(MenuItem.REPRINT)
            return replace(state, quiet_since=turn.mono)
        case key if key in DIGITS:
            return _first_digit(key, turn) or state
        case _:
            turn.sound(Tune.REFUSED)
            return state


def notice(state: Notice, event: Event, turn: Turn) -> State:
    """A notice stays until a key that was meant, or 20 s; then it is the footer's."""
    match event:
        case Key(held=True):
            return state
        case Key() if turn.mono - state.quiet_since < QUIET_S:
            return replace(state, quiet_since=turn.mono)
        case Key(key=key) if key in DIGITS and moves.can_sell(turn):
            return _first_digit(key, turn) or state
        case Key():
            return moves.home(turn, state.kind)
        case Woken() if turn.mono >= state.until:
            return moves.home(turn, state.kind)
        case _:
            return state


# --- the standing proof -----------------------------------------------------------------------------------------------


def proof_wakes_at(state: State, turn_proof_until: float) -> float:
    """When the POS is to be asked next; while an amount is typed it is left alone: the guard will ask."""
    return NEVER if isinstance(state, Entering | Confirming) else turn_proof_until


def prove(state: State, turn: Turn) -> None:
    """Ask what the POS holds, when it is time."""
    if turn.proof.talk.due(turn.mono) and not isinstance(state, Entering | Confirming):
        if not turn.health.account_known:
            turn.ask_account()
        turn.proof = replace(turn.proof, talk=turn.ask_pos(tries=turn.proof.talk.tries))


def proof_answered(state: State, event: CallAnswer, turn: Turn) -> State:
    """The POS is free; or it holds what must not be there; or nobody knows."""
    proof = turn.proof
    match event:
        case Holds(order=None):
            turn.proved()
            return state
        case Holds(order=order) if order is not None:
            if isinstance(state, Entering | Confirming | Paid | Notice):  # first it must be read
                turn.proof = replace(proof, free=False, talk=turn.backoff(proof.talk, event, LINGER_S))
                return state
            return moves.clear(order, event.known, turn, None, NEVER)
        case Refused() | Unknown():
            turn.proof = replace(proof, talk=turn.backoff(proof.talk, event))
            return Blocked() if isinstance(state, Starting) else state
        case _:
            return state


def settled(state: State, turn: Turn) -> State:
    """Ready or blocked, as things are now."""
    match state:
        case Idle() | Menu() | Recent() | DayShown() if not moves.can_sell(turn):
            return Blocked()
        case Starting() | Blocked() if moves.can_sell(turn):
            return Idle()
        case Starting() if turn.proof.free:
            return Blocked()
        case _:
            return state
