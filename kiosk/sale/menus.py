"""What the menu leads to: the menu itself, the last sales, the totals and the day's close."""

from __future__ import annotations

from dataclasses import replace

from kiosk.sale import closing, desk, moves, returned
from kiosk.sale import recent as recents
from kiosk.sale.commands import AskDay, AskSale, Depth, Lane, Tune
from kiosk.sale.days import DayShown, DayStep
from kiosk.sale.events import Answer, Event, Key, SaleIs, Saved, Seen, Trouble, Woken
from kiosk.sale.moves import MENU_S
from kiosk.sale.records import Sale
from kiosk.sale.resting import DIGITS, first_digit, otherwise
from kiosk.sale.states import NEVER, Found, Menu, MenuItem, Recent, State, Talk
from kiosk.sale.turn import Turn


def menu(state: Menu, event: Event, turn: Turn) -> State:
    """``*`` walks, ``#`` does, a digit starts a sale."""
    match event:
        case Key(key="*", held=False):
            later = turn.menu[turn.menu.index(state.item) + 1 :] if state.item in turn.menu else ()
            return Menu(later[0], turn.mono + MENU_S) if later else moves.home(turn)
        case Key(key="#", held=False) if state.item is MenuItem.ASK_NOW and turn.recent:
            return moves.look_back(turn.recent[0], turn)
        case Key(key="#", held=False) if state.item is MenuItem.REFUND:
            return desk.pick(turn)
        case Key(key="#", held=False) if state.item is MenuItem.SETTLE:
            return desk.settle(turn)
        case Key(key="#", held=False):
            if state.item in (MenuItem.TOTALS, MenuItem.CLOSE):
                turn.commands.append(AskDay(closing=state.item is MenuItem.CLOSE))
            elif state.item is not MenuItem.CHECK:
                turn.wishes.append(state.item)
            return moves.home(turn)
        case Key(key=key, held=False):
            # What is typed here is the next amount: its first digit must not be the one that is lost.
            return (first_digit(key, turn) if key in DIGITS else None) or moves.home(turn)
        case Woken() if turn.mono >= state.until:
            return moves.home(turn)
        case _:
            return state


def recent(state: Recent, event: Event, turn: Turn) -> State:
    """The last sales: ``*`` walks back, ``#`` asks Mercado Pago about the one that is shown, ``0`` (or ``A``) prints
    its ticket again, any other digit starts a sale."""
    match event:
        case Key(key="*", held=False):
            older = recents.one_before(turn.recent, state.reference)
            return moves.look_back(older, turn) if older else moves.home(turn)
        case Key(key="#" | "C", held=False):
            return _ask_about(state, turn)
        case Key(key="0" | "A", held=False):
            turn.commands.append(AskSale(reference=state.reference))
            return replace(state, copying=True, until=turn.mono + MENU_S)
        case SaleIs(sale=sale) if sale is not None and sale.reference == state.reference:
            return _known(state, sale, event, turn)
        case Key(key=key, held=False):
            return (first_digit(key, turn) if key in DIGITS else None) or moves.home(turn)
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


def _known(state: Recent, sale: Sale, event: SaleIs, turn: Turn) -> Recent:
    """What the journal knows of the sale that is shown; its ticket is printed again where that was the question."""
    refunds = event.refunds or ()
    if state.copying and event.ticket:
        turn.copy = returned.marked(event.ticket) if returned.is_given_back(sale, refunds) else event.ticket
    elif state.copying:
        turn.sound(Tune.REFUSED)
    return replace(state, copying=False, back_cents=returned.given_back_cents(sale, refunds))


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
            return first_digit(key, turn) or moves.home(turn)
        case Key(key=key) if key == ("#" if state.step is DayStep.CLOSED else "*"):
            return moves.home(turn)
        case _:
            return otherwise(state, event, turn)


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
