"""The supervisors' desk, from the menu: money is given back, and disputed money settled, each signed with a PIN (R24).

First the account is asked what is left, because a refund that begins must know every refund that was there before it:
only so can it be told later which one is its own (``refund``). An answer that does not tell all of it lets none begin.
While a payment has a refund of unknown outcome, it gets no second one.

A PIN has few digits: so few wrong ones are allowed, and they are counted durably, before anybody sees that they were
wrong. Nothing of a half-made wish is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from kiosk.sale import moves
from kiosk.sale.commands import AskSale, CheckPin, Tune
from kiosk.sale.events import (
    Answer,
    Event,
    Key,
    PinIs,
    RefundsAre,
    SaleIs,
    SettleAsked,
    Woken,
)
from kiosk.sale.giving import (
    PIN_MIN,
    Back,
    Case,
    Giving,
    Inquiring,
    Keep,
    Left,
    Picking,
    Settling,
    Signing,
    Sizing,
    Snag,
)
from kiosk.sale.money import MAX_DIGITS, Typed
from kiosk.sale.moves import MENU_S
from kiosk.sale.records import SETTLED, Dispute, Phase, PinTries, Refund, RefundState
from kiosk.sale.refund import Refunds
from kiosk.sale.resting import DIGITS, TYPING_S, first_digit, otherwise
from kiosk.sale.returned import is_given_back, left_of
from kiosk.sale.states import NEVER, Idle, State, Talk
from kiosk.sale.turn import Pins, Turn

PIN_MAX: Final = 8
WRONG_MAX: Final = 5
"""Wrong PINs in a row before none is taken for a while; from there on, after each one more."""
LOCKED_S: Final = 900.0


def resume(failed: int, mono: float) -> Pins:
    """After a start: whoever cuts the power gains nothing."""
    return Pins(failed, mono + LOCKED_S if failed >= WRONG_MAX else 0.0)


# --- which sale -------------------------------------------------------------------------------------------------------


def pick(turn: Turn) -> Picking:
    """Give money back: of the last paid sale, or of another."""
    paid = next((sale.number for sale in turn.recent if sale.phase is Phase.PAID), turn.number)
    return Picking(str(paid), turn.mono + TYPING_S)


def picking(state: Picking, event: Event, turn: Turn) -> State:
    """Digits type another number, ``*`` takes one back, ``#`` takes it."""
    match event:
        case Key(key=key) if key in DIGITS:
            typed = (DIGITS[key] if state.fresh else state.typed + DIGITS[key]).lstrip("0")
            if len(typed) > MAX_DIGITS:
                turn.sound(Tune.REFUSED)
                return state
            return Picking(typed, turn.mono + TYPING_S, fresh=False)
        case Key(key="*") if state.fresh or not state.typed:
            return moves.home(turn)
        case Key(key="*"):
            return Picking(state.typed[:-1], turn.mono + TYPING_S, fresh=False)
        case Key(key="#") if state.typed:
            turn.commands.append(AskSale(number=int(state.typed)))
            return replace(state, asked=True, snag=None, until=turn.mono + TYPING_S)
        case SaleIs() if state.asked and event.asked == AskSale(number=int(state.typed)):
            snag = _why_not(event, turn)
            if snag or event.sale is None:
                turn.sound(Tune.AMOUNT)
                return replace(state, asked=False, snag=snag, until=turn.mono + TYPING_S)
            sale = event.sale
            return _inquire(Case(sale.reference, sale.number, sale.payments, _known(event)), turn)
        case _:
            return otherwise(state, event, turn)


def _why_not(event: SaleIs, turn: Turn) -> Snag | None:
    """Why nothing of that sale can be given back now."""
    sale = event.sale
    if sale is None or sale.foreign:
        return Snag.NOT_FOUND
    if sale.phase is not Phase.PAID:
        return Snag.NOT_PAID
    if event.refunds is not None and is_given_back(sale, event.refunds):
        return Snag.ALL_BACK
    return _hindered(event.refunds, sale.payments, turn)


def _hindered(refunds: tuple[Refund, ...] | None, payments: tuple[str, ...], turn: Turn) -> Snag | None:
    """Why no refund of these payments may begin now, whatever is left of them."""
    if refunds is None or not turn.health.journal:
        return Snag.JOURNAL
    if not turn.health.account_known or turn.health.wrong_account:
        return Snag.ACCOUNT
    wanted = (refund for refund in (*refunds, *turn.open.refunds) if refund.state is RefundState.WANTED)
    return Snag.UNDER_WAY if any(refund.payment in payments for refund in wanted) else None


def _known(event: SaleIs) -> tuple[str, ...]:
    return tuple(refund.refund_id for refund in event.refunds or () if refund.refund_id)


# --- what is left -----------------------------------------------------------------------------------------------------


def _inquire(case: Case, turn: Turn) -> Inquiring:
    return Inquiring(case, turn.ask_refunds(case.payments[0], case.reference), NEVER)


def inquiring(state: Inquiring, event: Event, turn: Turn) -> State:
    """The account tells what is left of each payment; ``#`` asks again, ``*`` leaves."""
    match event:
        case RefundsAre():
            return _told(state, event, turn)
        case Answer():
            return _stuck(state, Snag.NO_ANSWER, turn)
        case Woken() if state.talk.silent(turn.mono):
            return _stuck(state, Snag.NO_ANSWER, turn)
        case Key(key="*"):
            return moves.home(turn)
        case Key(key="#") if state.snag:
            return _inquire(state.case, turn)
        case _:
            return otherwise(state, event, turn)


def _stuck(state: Inquiring, snag: Snag, turn: Turn) -> Inquiring:
    turn.sound(Tune.AMOUNT)
    return replace(state, talk=Talk(), snag=snag, until=turn.mono + MENU_S)


def _told(state: Inquiring, event: RefundsAre, turn: Turn) -> State:
    case, cents = state.case, left_of(event)
    if cents is None:
        return _stuck(state, Snag.NO_PAYMENT if event.payment is None else Snag.AGAIN_LATER, turn)
    known = tuple(dict.fromkeys((*(seen.id for seen in event.refunds), *case.known)))
    asked = state.asked + 1
    left = (*state.left, Left(case.payments[state.asked], cents, known)) if cents else state.left
    if asked < len(case.payments):
        talk = turn.ask_refunds(case.payments[asked], case.reference)
        return replace(state, talk=talk, left=left, asked=asked)
    if not left:
        return _stuck(state, Snag.ALL_BACK, turn)
    if case.dispute:
        return _sign(Back(case, left, min(case.dispute.cents, left[0].cents)), turn)
    return Sizing(case, left, Typed(), turn.mono + TYPING_S)


def sizing(state: Sizing, event: Event, turn: Turn) -> State:
    """``#`` gives back all that is left; digits type a part of it."""
    match event:
        case Key(key=key) if key in DIGITS:
            return replace(state, typed=state.typed.add(DIGITS[key]), snag=None, until=turn.mono + TYPING_S)
        case Key(key="*") if state.typed.digits:
            return replace(state, typed=state.typed.back(), snag=None, until=turn.mono + TYPING_S)
        case Key(key="*"):
            return moves.home(turn)
        case Key(key="#") if state.typed.extra or state.cents > state.total:
            turn.sound(Tune.AMOUNT)
            return replace(state, snag=Snag.TOO_MUCH, until=turn.mono + TYPING_S)
        case Key(key="#"):
            return _sign(Back(state.case, state.left, state.cents), turn)
        case _:
            return otherwise(state, event, turn)


# --- who decides ------------------------------------------------------------------------------------------------------


def _sign(act: Back | Keep, turn: Turn) -> Signing:
    return Signing(act, turn.mono + TYPING_S, snag=Snag.LOCKED if turn.mono < turn.pins.again_at else None)


def signing(state: Signing, event: Event, turn: Turn) -> State:
    """Digits are the PIN, ``*`` takes one back, ``#`` ends it."""
    match event:
        case Key(key=key) if key in "0123456789" and len(state.pin) < PIN_MAX and not state.checking:
            return replace(state, pin=state.pin + key, snag=None, until=turn.mono + TYPING_S)
        case Key(key="*") if state.pin:
            return replace(state, pin=state.pin[:-1], until=turn.mono + TYPING_S)
        case Key(key="*"):
            return moves.home(turn)
        case Key(key="#") if turn.mono < turn.pins.again_at or not turn.health.journal:
            snag = Snag.LOCKED if turn.health.journal else Snag.JOURNAL
            turn.sound(Tune.REFUSED)
            return replace(state, pin="", snag=snag, until=turn.mono + MENU_S)
        case Key(key="#") if len(state.pin) >= PIN_MIN:
            turn.commands.append(CheckPin(state.pin))
            return replace(state, pin="", checking=True, snag=None)
        case PinIs(supervisor=None) if state.checking:
            return replace(state, checking=False, snag=_wrong(turn), until=turn.mono + TYPING_S)
        case PinIs(supervisor=name) if state.checking and name is not None and not turn.open.stopping:
            if turn.pins.failed:
                turn.pins = Pins()
                turn.save(PinTries(0))
            return _give(state, state.act, name, turn) if isinstance(state.act, Back) else _kept(state, name, turn)
        case _:
            return otherwise(state, event, turn)


def _wrong(turn: Turn) -> Snag:
    failed = turn.pins.failed + 1
    turn.save(PinTries(failed))
    turn.log("pin-wrong", f"a wrong PIN, {failed} in a row", level=4)
    turn.sound(Tune.AMOUNT)
    if failed < WRONG_MAX:
        turn.pins = Pins(failed)
        return Snag.WRONG_PIN
    turn.pins = Pins(failed, turn.mono + LOCKED_S)
    turn.log("pin-locked", f"no PIN is taken for {LOCKED_S / 60:.0f} minutes", level=4)
    return Snag.LOCKED


def _give(state: Signing, back: Back, by: str, turn: Turn) -> State:
    case = back.case
    snag = _hindered((), case.payments, turn)
    if case.dispute and not _open(case.dispute.payment, turn):
        snag = Snag.ALL_BACK
    if snag:
        return replace(state, checking=False, snag=snag, until=turn.mono + MENU_S)
    wanted = tuple(_refunds(back, by, turn))
    turn.wanted += wanted
    return Giving(tuple(refund.key for refund in wanted), case.number, back.cents, turn.mono + TYPING_S)


def _refunds(back: Back, by: str, turn: Turn) -> Iterator[Refund]:
    """The amount, spread over the payments in their order: one refund of each, with a key of its own."""
    case, rest = back.case, back.cents
    for left in back.left:
        cents = min(rest, left.cents)
        rest -= cents
        if cents:
            yield Refund(
                key=f"{turn.new_id() % (1 << 128):032x}",
                payment=left.payment,
                reference=case.reference,
                number=case.number,
                cents=cents,
                currency=turn.shop.site.currency.code,
                whole=cents == left.cents,
                by=by,
                asked_at=turn.wall,
                known=left.known,
                dispute=case.dispute.payment if case.dispute else "",
            )


def news(before: State, state: State, refunds: Refunds, turn: Turn) -> tuple[State, Refunds]:
    """A refusal that nobody saw is shown when the counter is at rest, and stays so: somebody was promised that money.
    ``before``: the front's state before this step."""
    seen = state.keys if isinstance(state, Giving) else ()
    unseen = tuple(found for key in refunds.unseen if key not in seen and (found := refunds.find(key)))
    at_rest = isinstance(before, Idle) and isinstance(state, Idle) and isinstance(turn.heard, Woken)
    if unseen and at_rest:
        first, *unseen_still = unseen
        state = Giving((first.key,), first.number, first.cents, turn.mono + TYPING_S)
        unseen = tuple(unseen_still)
    return state, replace(refunds, unseen=tuple(refund.key for refund in unseen))


def giving(state: Giving, event: Event, turn: Turn) -> State:
    """What has come of it; ``#`` leaves, a digit starts a sale, and it goes on."""
    match event:
        case Key(key=key) if key in DIGITS:
            return first_digit(key, turn) or state
        case Key(key="#"):
            return moves.home(turn)
        case _:
            return otherwise(state, event, turn)


# --- disputed money ---------------------------------------------------------------------------------------------------


def settle(turn: Turn) -> State:
    """Walk the disputed money."""
    return Settling(turn.open.disputes[0].payment, turn.mono + MENU_S) if turn.open.disputes else moves.home(turn)


def settling(state: Settling, event: Event, turn: Turn) -> State:
    """``*`` walks; ``1``: what was paid was delivered; ``2``: the money goes back."""
    dispute = _open(state.payment, turn)
    assert dispute is not None  # ``still_asks``
    payment = dispute.payment.removesuffix(":excess")
    match event:
        case Key(key="*"):
            later = turn.open.disputes[turn.open.disputes.index(dispute) + 1 :]
            return Settling(later[0].payment, turn.mono + MENU_S) if later else moves.home(turn)
        case Key(key="1"):
            snag = _hindered((), (payment,), turn)
            if snag in (None, Snag.ACCOUNT):
                return _sign(Keep(dispute), turn)
            return _held_up(state, snag, turn)
        case Key(key="2"):
            turn.commands.append(AskSale(reference=dispute.reference))
            return replace(state, asked=True, snag=None, until=turn.mono + MENU_S)
        case SaleIs() if state.asked and event.asked == AskSale(reference=dispute.reference):
            snag = _hindered(event.refunds, (payment,), turn)
            if snag:
                return _held_up(state, snag, turn)
            return _inquire(Case(dispute.reference, dispute.number, (payment,), _known(event), dispute), turn)
        case _:
            return otherwise(state, event, turn)


def still_asks(state: State, disputes: tuple[Dispute, ...], turn: Turn) -> State:
    """What is asked at the desk may be answered elsewhere: by the technician, by a refund, by a payment that came."""
    if isinstance(state, Settling) and not any(dispute.payment == state.payment for dispute in disputes):
        return moves.home(turn)
    return state


def _held_up(state: Settling, snag: Snag | None, turn: Turn) -> Settling:
    turn.sound(Tune.AMOUNT)
    return replace(state, asked=False, snag=snag, until=turn.mono + MENU_S)


def _open(payment: str, turn: Turn) -> Dispute | None:
    return next((dispute for dispute in turn.open.disputes if dispute.payment == payment), None)


def _kept(state: Signing, by: str, turn: Turn) -> State:
    assert isinstance(state.act, Keep)
    payment = state.act.dispute.payment
    dispute = _open(payment, turn)
    snag = _hindered((), (payment.removesuffix(":excess"),), turn)
    if dispute is None or snag not in (None, Snag.ACCOUNT):
        return replace(state, checking=False, snag=snag or Snag.ALL_BACK, until=turn.mono + MENU_S)
    _settled(dispute, "delivered", by, turn)
    turn.sound(Tune.ADDED)
    rest = [other for other in turn.open.disputes if other is not dispute]
    return Settling(rest[0].payment, turn.mono + MENU_S) if rest else moves.home(turn)


def _settled(dispute: Dispute, word: str, by: str, turn: Turn) -> None:
    turn.save(replace(dispute, settled=word, settled_by=by, settled_at=turn.wall))
    turn.log("settled", f"payment {dispute.payment}: {word}, says {by}", level=5)


def settle_asked(event: SettleAsked, turn: Turn) -> None:
    """The technician's word about disputed money, where it is open and no refund of it is under way."""
    dispute = _open(event.payment, turn)
    under_way = any(refund.payment == event.payment.removesuffix(":excess") for refund in turn.open.refunds)
    if dispute and turn.health.journal and not under_way and event.word in SETTLED:
        _settled(dispute, event.word, event.by, turn)
