"""Target: whatever a journal holds at boot and whatever is answered then, the machine lives, and calls nothing paid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, TypeVar

from kiosk.sale.commands import AskAccount, AskDay, AskPos, AskPrinter, Command, Look, Place, Print, Save, Withdraw
from kiosk.sale.counter import Counter, resume, step
from kiosk.sale.days import CloseAsked, Day, DayIs, LateSale, Totals
from kiosk.sale.events import (
    AccountIs,
    Busy,
    Event,
    Evidence,
    Holds,
    Key,
    LookNow,
    Notified,
    NotSaved,
    OrderSeen,
    Paper,
    PaperAsked,
    PaperIs,
    PaymentSeen,
    PaymentState,
    Placed,
    PosOrder,
    Printed,
    PrintFailed,
    Refused,
    Reject,
    Removal,
    Removed,
    Saved,
    Seen,
    Stop,
    Trouble,
    Unknown,
    Woken,
)
from kiosk.sale.records import (
    Debt,
    DebtState,
    Dispute,
    Line,
    Mark,
    Phase,
    Reason,
    Rows,
    Sale,
    Ticket,
    TicketLine,
    Why,
)
from kiosk.sale.screens import lines, screen
from kiosk.sale.status import status, status_line
from kiosk.sale.turn import Now
from tests.fuzz.claims import must
from tests.story import COLLECTOR, EPOCH, SHOP

T = TypeVar("T")

STEPS: Final = 60
_TIMES: Final = (EPOCH, 0.0, 1.0, EPOCH - 1e6, EPOCH + 1e6, EPOCH - 1e9, 4e9, EPOCH - 1800.0, EPOCH + 300.0)
_CENTS: Final = (2500, 1, 100, 99_999_999, 999_999_999, 2**62)
_PAUSES_S: Final = (0.0, 0.1, 1.0, 10.0, 60.0, 600.0, 7200.0)


class _Dice:
    """Choices that the input makes, a byte each; zeros when it is used up."""

    def __init__(self, data: bytes) -> None:
        self._left = iter(data)

    def below(self, number: int) -> int:
        """A number from 0 on."""
        return next(self._left, 0) % number

    def pick(self, things: Sequence[T]) -> T:
        """One of them."""
        return things[self.below(len(things))]

    def maybe(self, thing: T) -> T | None:
        """It, or None."""
        return thing if self.below(2) else None


def _sale(dice: _Dice, number: int, phases: Sequence[Phase]) -> Sale:
    phase, cents, foreign = dice.pick(phases), dice.pick(_CENTS), dice.below(8) == 1
    payments = tuple(f"p{number}{n}" for n in range(1 + dice.below(2))) if phase is Phase.PAID else ()
    return Sale(
        reference=f"{'other' if foreign else 'KIOSK01'}-{number}-abc",
        number=0 if foreign else number,
        cents=cents,
        currency=dice.pick(("BRL", "ARS")),
        lines=dice.pick(((), (Line("Café", 1, cents),), (Line("", 1, cents - 1), Line("x" * 200, 1, 1)))),
        key="key",
        made_at=dice.pick(_TIMES),
        phase=phase,
        why=dice.pick((None, *Why)),
        foreign=foreign,
        puts=dice.below(4),
        doubt=bool(dice.below(2)),
        deleted=bool(dice.below(2)),
        expires=dice.maybe(dice.pick(_TIMES)),
        payments=payments,
        paid_at=dice.pick(_TIMES) if payments else None,
        late=bool(payments and dice.below(2)),
        ended_at=None if phase.open else dice.maybe(dice.pick(_TIMES)),
        watched=True,
    )


_OPEN: Final = tuple(phase for phase in Phase if phase.open)
_OVER: Final = tuple(phase for phase in Phase if not phase.open and phase is not Phase.REFUSED)


def _debt(dice: _Dice, number: int) -> Debt:
    slip = dice.below(3) == 1
    ticket = Ticket((TicketLine("TOTAL", "R$ 25,00"), TicketLine("ção" * 40)), f"KIOSK01-{number}-abc")
    marks = tuple(mark for mark in Mark if dice.below(3) == 1)
    state = dice.pick((DebtState.OWED, DebtState.PRINTING, DebtState.DOUBTFUL))
    id_ = f"slip:p{number}" if slip else f"KIOSK01-{number}-abc"
    return Debt(id_, number, dice.pick(_CENTS), ticket, dice.pick(_TIMES), marks, state, bool(dice.below(2)))


def rows_from(dice: _Dice) -> Rows:
    """Rows such as a journal may hold, the likely ones first."""
    number = iter(range(1, 100))
    return Rows(
        open=tuple(_sale(dice, next(number), _OPEN) for _ in range(dice.below(4))),
        watched=tuple(_sale(dice, next(number), _OVER) for _ in range(dice.below(4))),
        debts=tuple(_debt(dice, next(number)) for _ in range(dice.below(4))),
        disputes=tuple(
            Dispute(f"d{n}", f"KIOSK01-{n}-abc", n, dice.pick((0, *_CENTS)), "BRL", dice.pick(tuple(Reason)), EPOCH)
            for n in range(dice.below(4))
        ),
        last_ticket=dice.maybe(_debt(dice, next(number))),
        last_number=dice.pick((0, 50, 10**9)),
        foreign_at=tuple(dice.pick(_TIMES) for _ in range(dice.below(4))),
    )


def resumed(data: bytes) -> None:
    """Boot on the rows, then sixty events; nobody ever pays, so that nothing may become paid."""
    dice = _Dice(data)
    rows = rows_from(dice)
    paid = {sale.reference for sale in (*rows.open, *rows.watched) if sale.phase is Phase.PAID}
    tickets = {debt.ticket.reference for debt in (*rows.debts, *(filter(None, (rows.last_ticket,))))}
    mono, wall = dice.pick((0.0, 5.0, 1e6)), dice.pick(_TIMES)
    counter, commands = resume(rows, SHOP, Now(mono, wall), lambda: 2**127)
    asked: list[Command] = []
    for _ in range(STEPS):
        _shows(counter, mono)
        events = _carried_out(dice, commands, asked)
        _nothing_is_paid(commands, paid, tickets)
        if not events:
            mono, events = _next(dice, counter, mono, asked, rows.open)
        for event in events:
            if isinstance(event, Holds) and event.order is not None:
                known = next((s for s in (*rows.open, *rows.watched) if s.reference == event.order.reference), None)
                event = replace(event, known=known)
            counter, more = step(counter, event, Now(mono, wall + mono), lambda: 2**127)
            must(not isinstance(event, Woken) or counter.wakes_at > mono, f"L8: woken for ever in {counter.state}")
            commands = more


def _shows(counter: Counter, mono: float) -> None:
    """What the loop asks of the counter after every step."""
    must(all(isinstance(line, str) for line in lines(screen(counter, mono))), "a screen of no text")
    must(isinstance(status(counter, mono), dict) and isinstance(status_line(counter), str), "a status of no text")


def _nothing_is_paid(commands: Sequence[Command], paid: set[str], tickets: set[str]) -> None:
    for command in commands:
        if isinstance(command, Save):
            sales = [record for record in command.records if isinstance(record, Sale) and record.phase is Phase.PAID]
            must(all(sale.reference in paid for sale in sales), f"L1: nobody paid {sales}")
        if isinstance(command, Print) and Mark.MONEY_TO_SETTLE not in command.marks and command.ticket.reference:
            known = command.ticket.reference in tickets | paid
            must(known, f"L1: a ticket that nobody paid: {command}")


def _carried_out(dice: _Dice, commands: Sequence[Command], asked: list[Command]) -> list[Event]:
    """What the loop does with them: a save may fail, and then the rest is not done."""
    for index, command in enumerate(commands):
        if isinstance(command, Save):
            if dice.below(16) == 1:
                return [NotSaved(tuple(commands[index:]))]
            if command.confirm:
                asked += commands[index + 1 :]
                return [Saved()]
        else:
            asked.append(command)
    return []


def _next(
    dice: _Dice, counter: Counter, mono: float, asked: list[Command], opened: Sequence[Sale]
) -> tuple[float, list[Event]]:
    """An answer to one of the last questions, a key, a whole amount, or the next deadline."""
    match dice.below(8):
        case 0 | 1 | 2 | 3 if asked:
            answer = _answer(dice, asked.pop(dice.below(min(3, len(asked)))), opened)
            if answer is not None:
                return mono + dice.pick((0.0, 0.2, 3.0, 11.0)), [answer]
        case 4 if dice.below(2):
            return mono + 1.0, [Key(key) for key in "2500#"]
        case 4:
            return mono + dice.pick(_PAUSES_S[:4]), [Key(dice.pick("0123456789#*ABCD"), held=dice.below(8) == 1)]
        case 5 if dice.below(8) == 1:
            rare: tuple[Event, ...] = (
                Stop(),
                LookNow(),
                Notified(("1",), ("2",), ("KIOSK01-1-abc",)),
                PaperIs(dice.pick(tuple(Paper))),
            )
            papers = (PaperAsked(1, 1), PaperAsked(2, slip=("a line",)))
            return mono, [dice.pick((*rare, *papers, CloseAsked()))]
    wakes_at = counter.wakes_at
    return (max(mono, wakes_at) if wakes_at < 1e12 else mono + 60.0), [Woken()]


def _answer(dice: _Dice, command: Command, opened: Sequence[Sale]) -> Event | None:
    if isinstance(command, Print):
        sure, began = bool(dice.below(2)), bool(dice.below(2))
        failed = PrintFailed(command.job, began, dice.pick((Paper.OUT, Paper.GONE, Paper.OFFLINE, Paper.COVER)))
        return failed if dice.below(3) == 1 else Printed(command.job, sure)
    if isinstance(command, AskPrinter):
        return PaperIs(dice.pick(tuple(Paper)))
    if isinstance(command, AskDay):
        return DayIs(dice.maybe(_day(dice)), command.closing, command.at_once)
    if not isinstance(command, Place | AskPos | Look | Withdraw | AskAccount):
        return None
    request, reference, date = command.request, command.reference, dice.maybe(dice.pick(_TIMES))
    match dice.below(6):
        case 4:
            trouble, later_s = dice.pick(tuple(Trouble)), dice.maybe(dice.pick(_PAUSES_S))
            return Unknown(request=request, reference=reference, date=date, trouble=trouble, retry_after_s=later_s)
        case 5:
            return Refused(request=request, reference=reference, date=date, reject=dice.pick(tuple(Reject)))
    match command:
        case Place() if dice.below(4) == 1:
            return Busy(request=request, reference=reference, date=date)
        case Place():
            return Placed(request=request, reference=reference, date=date)
        case AskPos():
            ours = [PosOrder(sale.reference, sale.cents) for sale in opened]
            strange = PosOrder(dice.pick(("KIOSK01-1-abc", "foreign", "", reference)), dice.pick((None, *_CENTS)))
            order = dice.pick((None, None, strange, PosOrder(reference, 2500), *ours))
            return Holds(request=request, reference=reference, date=date, order=order)
        case Look():
            return Seen(request=request, reference=reference, date=date, evidence=_unpaid(dice, reference))
        case Withdraw():
            return Removed(request=request, reference=reference, date=date, removal=dice.pick(tuple(Removal)))
        case AskAccount():
            owner = COLLECTOR + dice.below(3) // 2
            return AccountIs(request=request, date=date, user_id=owner, site="MLB", test=bool(dice.below(2)))


def _day(dice: _Dice) -> Day:
    count, cents, since = dice.below(4), dice.pick(_CENTS), dice.maybe(dice.pick(_TIMES))
    late = tuple(LateSale(n, cents, dice.pick(_TIMES)) for n in range(dice.below(3)))
    return Day(1 + count, count, 2 * count, since, Totals(count, cents, len(late), cents, count), late)


def _unpaid(dice: _Dice, reference: str) -> Evidence:
    """What a look may find where nobody has paid: nothing, an open order, rejected or pending payments."""
    states = (PaymentState.REJECTED, PaymentState.PENDING, PaymentState.REFUNDED, PaymentState.OTHER)
    payments = tuple(
        PaymentSeen(f"x{n}", dice.pick(states), dice.pick((None, *_CENTS)), "BRL", 0, reference, COLLECTOR)
        for n in range(dice.below(3))
    )
    complete = dice.below(4) == 1  # closed, says the provider, and yet no approved payment covers it
    orders = (OrderSeen("m1", reference, COLLECTOR, complete, dice.pick(_CENTS), payments),) if dice.below(2) else ()
    return Evidence(orders, payments if dice.below(2) else (), whole=dice.below(4) != 1)
