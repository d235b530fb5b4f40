"""The Z: the day is closed, durably first, then on paper (L7).

What it says is what the journal counted (``days.Day``) and what the counter carries over: papers owed, unpaid sales
that may still bring money, money to settle, and how far the account agrees. It is one record, which never changes, and
its paper is a debt like others: owed, printed, doubtful, never twice as an original.

A Z whose save fails is not made: nobody knows whether it is in the file, but the journal counts from what is there, so
that the next one goes on behind it.
"""

from __future__ import annotations

from dataclasses import dataclass

from kiosk.sale.audit import Audit
from kiosk.sale.commands import AskDay
from kiosk.sale.days import Close, CloseAsked, Day, DayIs
from kiosk.sale.events import Event, Saved
from kiosk.sale.records import Debt, Dispute, Mark, Phase, Refund, Sale
from kiosk.sale.states import Resting, State
from kiosk.sale.ticket import Carried, day_paper
from kiosk.sale.turn import Turn


@dataclass(frozen=True, slots=True)
class Closing:
    """A Z on its way into the journal."""

    close: Close
    paper: Debt


def may_close(day: Day, turn: Turn) -> bool:
    """Whether the day can be closed now: the journal can be written, and no other Z closed it meanwhile."""
    return turn.health.journal and (turn.closed is None or day.number > turn.closed.number)


def concerns(closing: Closing | None, event: Event, turn: Turn) -> bool:
    """Whether this step has to do with a day at all; hardly one has."""
    asked = isinstance(event, CloseAsked | DayIs) or turn.close_day or turn.print_day
    return closing is not None or bool(asked)


def step(
    closing: Closing | None,
    event: Event,
    turn: Turn,
    front: State,
    carried: Carried,
    audit: Audit,
    *,
    stopping: bool,
) -> Closing | None:
    """Make the Z that was asked for; when it is durable, its paper is owed."""
    if isinstance(event, Saved) and closing:
        turn.closed = closing.close
        turn.owed.append(closing.paper)
        return None
    if isinstance(event, CloseAsked) and isinstance(front, Resting) and turn.health.journal and not stopping:
        turn.commands.append(AskDay(closing=True, at_once=True))
    if isinstance(event, DayIs) and event.at_once and event.day and may_close(event.day, turn):
        turn.close_day = event.day
    if turn.print_day:
        turn.sheet = day_paper(figures(turn.print_day, turn, carried, audit), turn.print_day, carried, turn.shop, "X")
    return _close(turn.close_day, turn, carried, audit) if turn.close_day else closing


def _close(day: Day, turn: Turn, carried: Carried, audit: Audit) -> Closing:
    close = figures(day, turn, carried, audit)
    paper = Debt(
        id=f"z:{close.number}",
        number=0,
        cents=close.totals.cents,
        ticket=day_paper(close, day, carried, turn.shop, f"Z {close.number}"),
        owed_at=turn.wall,
        marks=(Mark.TRAINING,) if turn.training else (),
    )
    turn.save(close)
    turn.save(paper)
    turn.confirm = True
    turn.log("day-closed", f"Z {close.number}: {close.totals.sales} sales", paper, level=5)
    return Closing(close, paper)


def figures(day: Day, turn: Turn, carried: Carried, audit: Audit) -> Close:
    """All that a Z of this day says now."""
    disputed = {dispute.payment for dispute in carried.disputes}
    differences = [found for found in audit.found if found.payment not in disputed]
    return Close(
        number=day.number,
        at=turn.wall,
        after=day.after,
        upto=day.upto,
        totals=day.totals,
        owed=len(carried.debts),
        watched=len(carried.watched),
        disputed=len(carried.disputes),
        disputed_cents=sum(dispute.cents for dispute in carried.disputes),
        agreed_until=audit.until,
        differences=len(differences),
        difference_cents=sum((found.there_cents or 0) - (found.here_cents or 0) for found in differences),
    )


def carried_over(
    debts: tuple[Debt, ...], sales: tuple[Sale, ...], disputes: tuple[Dispute, ...], refunds: tuple[Refund, ...] = ()
) -> Carried:
    """What the day hands on; of the watched sales those that are not paid."""
    unpaid = tuple(sale for sale in sales if sale.phase is not Phase.PAID and not sale.foreign)
    return Carried(debts, unpaid, disputes, refunds)
