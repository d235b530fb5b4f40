"""Between sales: typing an amount, reading PAID or a notice, the menu, and the standing proof that the POS is free."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, TypeAlias, assert_never

from kiosk.sale import moves
from kiosk.sale.basket import TIMES_MAX, Basket, Choosing, Function
from kiosk.sale.commands import Tune
from kiosk.sale.days import DayIs, DayShown, DayStep
from kiosk.sale.events import CallAnswer, Event, Holds, Key, Refused, Unknown, Woken
from kiosk.sale.moves import MENU_S
from kiosk.sale.shop import Preset
from kiosk.sale.states import (
    NEVER,
    AtTheDesk,
    Blocked,
    Confirming,
    Entering,
    Hint,
    Idle,
    Menu,
    MenuItem,
    Notice,
    Paid,
    Recent,
    Starting,
    State,
)
from kiosk.sale.turn import Turn

Timed: TypeAlias = AtTheDesk | DayShown | Confirming
TYPING_S: Final = 60.0
"""A half-typed amount is forgotten after this (R25)."""
QUIET_S: Final = 1.0
"""PAID and notices ignore keys until so long has passed without any: a cashier in full swing must see them (R26)."""
LINGER_S: Final = 3.0
"""A paid order may linger on the POS for a moment: ask again after this."""

_TYPING: Final = Entering | Choosing | Confirming
DIGITS: Final = {**{digit: digit for digit in "0123456789"}, "D": "00"}


# --- typing -----------------------------------------------------------------------------------------------------------


def idle(state: Starting | Blocked | Idle, event: Event, turn: Turn) -> State:
    """Ready, or not yet: a digit starts a sale, ``*`` opens the menu. ``C`` or ``0`` held shows what has a fixed price;
    where nothing has, ``C`` shows the last sales."""
    match event:
        case Key(key=key, held=False) if key in DIGITS and isinstance(state, Idle):
            return first_digit(key, turn) or state
        case Key() if _wants_the_list(event, turn) and isinstance(state, Idle):
            return _choose(Basket(), turn) or state
        case Key(key="*", held=False) if isinstance(state, Idle):
            return Menu(turn.menu[0], turn.mono + MENU_S)
        case Key(key="C", held=False) if turn.recent and isinstance(state, Idle):
            return moves.look_back(turn.recent[0], turn)
        case Key(held=False):
            turn.sound(Tune.REFUSED)
            return state
        case DayIs(day=day, at_once=False) if day is not None and isinstance(state, Idle):
            return DayShown(day, DayStep.ASK if event.closing else DayStep.LOOK, turn.mono + MENU_S)
        case _:
            return state


def _wants_the_list(event: Key, turn: Turn) -> bool:
    return bool(turn.shop.presets) and (event.key, event.held) in (("C", False), ("0", True))


def otherwise(state: Timed, event: Event, turn: Turn) -> State:
    """What a state does with all that it has no use for: other keys are refused, and when its time is up, it goes."""
    match event:
        case Key(held=False):
            turn.sound(Tune.REFUSED)
            return state
        case Woken() if turn.mono >= state.until:
            return moves.home(turn)
        case _:
            return state


def first_digit(key: str, turn: Turn) -> Entering | None:
    """The first digit of the next amount; None: a zero, which starts none."""
    basket = Basket().press(DIGITS[key])
    return None if basket.is_empty else _typing(basket, turn)


def _typing(basket: Basket, turn: Turn, hint: Hint | None = None) -> Entering:
    if hint:
        turn.sound(Tune.AMOUNT)
    return Entering(basket, turn.mono + TYPING_S, hint)


def _digit(basket: Basket, key: str, turn: Turn) -> Entering:
    pressed = basket.press(DIGITS[key])
    return replace(_typing(pressed, turn), zero=key == "0" and pressed != basket)


def entering(state: Entering, event: Event, turn: Turn) -> State:
    """Digits, corrections, items, and ``#``."""
    basket = state.basket
    match event:
        case Key(key="*", held=True):
            return moves.home(turn)
        case Key(key="0", held=True):  # it was typed when it went down
            return _choose(basket.back() if state.zero else basket, turn) or state
        case Key(held=True):
            return state
        case Key(key=key) if key in DIGITS:
            return _digit(basket, key, turn)
        case Key(key=key):
            return _done(state, key, turn)
        case Woken() if turn.mono >= state.until:
            return moves.home(turn)
        case _:
            return state


def _done(state: Entering, key: str, turn: Turn) -> State:
    basket = state.basket
    match key:
        case "*":
            return _typed_on(basket.back(), turn)
        case "#":
            return _entered(basket, turn)
        case "A" if basket.typed.digits or basket.times:
            return _added(basket, basket.add(turn.shop.title), turn)
        case "B" if basket.typed.digits and not basket.times:
            return _multiplied(basket, turn)
        case "C":
            return _choose(basket, turn) or state
        case _:
            turn.sound(Tune.REFUSED)
            return state


def _typed_on(basket: Basket, turn: Turn) -> State:
    """Back to typing, where there is something typed."""
    return moves.home(turn) if basket.is_empty else _typing(basket, turn)


def _multiplied(basket: Basket, turn: Turn) -> Entering:
    if basket.typed.cents > TIMES_MAX:  # an overflow is, too
        return _typing(basket, turn, Hint.TIMES)
    return _typing(basket.multiply(), turn)


def _added(basket: Basket, added: Basket, turn: Turn) -> Entering:
    """One item more, unless the sale would be one that cannot be sold."""
    hint = None
    if basket.typed.extra:
        hint = Hint.TOO_LONG
    elif added.lacks_a_price:
        hint = Hint.NO_PRICE
    elif not basket.has_room:
        hint = Hint.ITEMS
    elif added.cents > turn.shop.maximum:
        hint = Hint.TOO_LARGE
    if hint:
        return _typing(basket, turn, hint)
    turn.sound(Tune.ADDED)
    return _typing(added, turn)


def _entered(basket: Basket, turn: Turn) -> State:
    shop = turn.shop
    hint = None
    if basket.typed.extra:
        hint = Hint.TOO_LONG
    elif basket.lacks_a_price:
        hint = Hint.NO_PRICE
    elif basket.typed.digits and not basket.has_room:
        hint = Hint.ITEMS
    elif basket.cents < shop.smallest(turn.health.minimum):
        hint = Hint.TOO_SMALL
    elif basket.cents > shop.maximum:
        hint = Hint.TOO_LARGE
    if hint:
        return _typing(basket, turn, hint)
    # With a dead panel nobody has seen what was typed: the cashier hears that it is not as always, and confirms.
    if basket.cents > shop.confirm_above or turn.health.panel:
        turn.sound(Tune.ATTENTION)
        return Confirming(basket, turn.mono + TYPING_S)
    return _begin(basket, turn)


def _begin(basket: Basket, turn: Turn) -> State:
    if moves.fit_to_sell(turn):
        return moves.guard(basket, turn)
    turn.sound(Tune.REFUSED)
    return Blocked()


def confirming(state: Confirming, event: Event, turn: Turn) -> State:
    """An unusually large amount is confirmed with another key than the first time (R26)."""
    match event:
        case Key(key="1", held=False):
            return _begin(state.basket, turn)
        case Key(key="*", held=False):
            return _typing(state.basket, turn)
        case _:
            return otherwise(state, event, turn)


# --- choosing ---------------------------------------------------------------------------------------------------------


def _choose(basket: Basket, turn: Turn) -> Choosing | None:
    """What can be done with what was typed; where nothing was, what has a fixed price."""
    choices: tuple[Function | Preset, ...] = turn.shop.presets
    if basket.typed.digits:
        choices = (Function.ADD,) if basket.times else (Function.ADD, Function.TIMES)
    if choices:
        return Choosing(basket, choices, 0, turn.mono + TYPING_S)
    turn.sound(Tune.REFUSED)
    return None


def choosing(state: Choosing, event: Event, turn: Turn) -> State:
    """``*`` walks, ``#`` takes; a digit is one of those at a fixed price, or goes on with what was being typed."""
    basket, choices = state.basket, state.choices
    match event:
        case Key(key="*", held=True):
            return moves.home(turn)
        case Key(key="*") if state.at + 1 < len(choices):
            return replace(state, at=state.at + 1, until=turn.mono + TYPING_S)
        case Key(key="*"):
            return _typed_on(basket, turn)
        case Key(key="#", held=False):
            return _chosen(basket, choices[state.at], turn)
        case Key(key=key, held=False) if key in DIGITS and basket.typed.digits:
            return _digit(basket, key, turn)
        case Key(key=key, held=False) if key in "123456789"[: len(choices)] and not basket.typed.digits:
            return _chosen(basket, choices[int(key) - 1], turn)
        case Key(held=False):
            turn.sound(Tune.REFUSED)
            return state
        case Woken() if turn.mono >= state.until:
            return moves.home(turn)
        case _:
            return state


def _chosen(basket: Basket, choice: Function | Preset, turn: Turn) -> Entering:
    match choice:
        case Function.ADD:
            return _added(basket, basket.add(turn.shop.title), turn)
        case Function.TIMES:
            return _multiplied(basket, turn)
        case Preset(title=title, cents=cents):
            return _added(basket, basket.take(title, cents), turn)
        case _:
            assert_never(choice)


# --- paid, notices ----------------------------------------------------------------------------------------------


def paid(state: Paid, event: Event, turn: Turn) -> State:
    """PAID stays until a key that was meant."""
    if not isinstance(event, Key) or (event.held and not _wants_the_list(event, turn)):
        return state
    if turn.mono - state.quiet_since < QUIET_S:
        return replace(state, quiet_since=turn.mono)
    match event.key:
        case "C" | "0" if _wants_the_list(event, turn):
            return _choose(Basket(), turn) or state
        case "#":
            return moves.home(turn)
        case "*":
            turn.wishes.append(MenuItem.REPRINT)
            return replace(state, quiet_since=turn.mono)
        case key if key in DIGITS:
            return first_digit(key, turn) or state
        case _:
            turn.sound(Tune.REFUSED)
            return state


def notice(state: Notice, event: Event, turn: Turn) -> State:
    """A notice stays until a key that was meant, or 20 s; then it is the footer's."""
    match event:
        case Key() if turn.mono - state.quiet_since < QUIET_S:
            return replace(state, quiet_since=turn.mono)
        case Key() if _wants_the_list(event, turn) and moves.can_sell(turn):
            return _choose(Basket(), turn) or state
        case Key(held=True):
            return state
        case Key(key=key) if key in DIGITS and moves.can_sell(turn):
            return first_digit(key, turn) or state
        case Key():
            return moves.home(turn, state.kind)
        case Woken() if turn.mono >= state.until:
            return moves.home(turn, state.kind)
        case _:
            return state


# --- the standing proof -----------------------------------------------------------------------------------------------


def proof_wakes_at(state: State, turn_proof_until: float) -> float:
    """When the POS is to be asked next; while an amount is typed it is left alone: the guard will ask."""
    return NEVER if isinstance(state, _TYPING) else turn_proof_until


def prove(state: State, turn: Turn) -> None:
    """Ask what the POS holds, when it is time."""
    if turn.proof.talk.due(turn.mono) and not isinstance(state, _TYPING):
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
            if isinstance(state, _TYPING | Paid | Notice | AtTheDesk):  # first it must be read, or done
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
