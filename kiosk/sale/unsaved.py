"""What the journal could not write (R22): it is known here all the same, and goes with the next write."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kiosk.sale.commands import Command, GiveBack, Place, Print, Save
from kiosk.sale.days import Close
from kiosk.sale.events import Event, Holds, NotSaved, PaperAsked, SaleIs, Seen
from kiosk.sale.records import Debt, Dispute, Mark, Phase, Record, Refund, Sale
from kiosk.sale.refund import not_written

if TYPE_CHECKING:
    from kiosk.sale.counter import Counter


def left(event: NotSaved, wall: float) -> tuple[list[Record], list[Command]]:
    """Of a step whose save failed: what is to be saved later, and what is done all the same.

    What must not happen without being durable does not happen: an order is not placed. As an error may have written it
    all the same, what is to be saved is that it was not.
    """
    records: list[Record] = [*not_written(event, wall)]
    commands: list[Command] = []
    placing = any(isinstance(command, Place) for command in event.dropped)
    for command in event.dropped:
        match command:
            case Save():
                for record in without_z(command.records):
                    if isinstance(record, Refund):
                        continue
                    if not (placing and isinstance(record, Sale) and record.phase is Phase.PLACING):
                        records.append(record)
                    elif record.puts == 1:
                        records.append(replace(record, phase=Phase.REFUSED, ended_at=wall))
            case Place() | GiveBack():
                pass
            case Print():
                marks = tuple(dict.fromkeys((*command.marks, Mark.POSSIBLE_DUPLICATE)))
                commands.append(replace(command, marks=marks))
            case _:
                commands.append(command)
    return records, commands


def without_z(records: tuple[Record, ...]) -> tuple[Record, ...]:
    """What a save that failed leaves to be saved again: not the Z, nor its paper."""
    return tuple(r for r in records if not isinstance(r, Close) and not (isinstance(r, Debt) and r.is_z))


def with_newest(event: Event, counter: Counter) -> Event:
    """What the journal knows of an answer, with what could not be written into it."""
    unsaved = counter.unsaved
    match event:
        case Holds(order=order) if order is not None:
            newest = {watch.sale.reference: watch.sale for watch in counter.watches.items}
            newest |= {record.reference: record for record in unsaved if isinstance(record, Sale)}
            return replace(event, known=newest.get(order.reference, event.known))
        case Seen() if unsaved or counter.refunds.items:
            others = [r.payments for r in unsaved if isinstance(r, Sale) and r.reference != event.reference]
            going = [refund.payment for refund in counter.refunds.wanted if refund.dispute]  # it completes no sale
            settled = [r.payment for r in unsaved if isinstance(r, Dispute) and r.settled]
            return replace(event, spent=event.spent.union(going, *others), settled=event.settled.union(settled))
        case SaleIs():
            return _with_newest_refunds(event, counter)
        case PaperAsked():
            owed = [*(record for record in unsaved if isinstance(record, Debt)), *counter.papers.debts]
            tickets = {debt.number: debt for debt in owed if debt.reference}
            papers = {debt.id: debt for debt in owed}
            known = event.debt and papers.get(event.debt.id, event.debt)
            return replace(event, debt=tickets.get(event.number, known))
        case _:
            return event


def _with_newest_refunds(event: SaleIs, counter: Counter) -> SaleIs:
    sales = [record for record in counter.unsaved if isinstance(record, Sale)]
    asked = event.asked
    sale = next((s for s in sales if asked.reference == s.reference or asked.number == s.number > 0), event.sale)
    reference = sale.reference if sale else asked.reference
    held = (*(r for r in counter.unsaved if isinstance(r, Refund)), *counter.refunds.wanted)
    newest = {refund.key: refund for refund in (*(event.refunds or ()), *held) if refund.reference == reference}
    owed = [record for record in counter.unsaved if isinstance(record, Debt)]
    tickets = {debt.id: debt for debt in (*owed, *counter.papers.debts)}
    refunds = None if event.refunds is None else tuple(newest.values())
    return replace(event, sale=sale, refunds=refunds, ticket=tickets.get(reference, event.ticket))
