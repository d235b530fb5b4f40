"""The laws L1 to L10 as invariants over every step of every story and every simulated history.

``Laws`` is an observer with a memory of its own. It judges by what was answered and what is durable, not by what the
machine believes: its idea of "paid" is written here a second time, on purpose.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kiosk.sale.commands import AskPos, Command, Look, Place, Print, Save, Withdraw
from kiosk.sale.counter import Counter
from kiosk.sale.events import (
    Event,
    Evidence,
    Holds,
    PaperIs,
    PaymentState,
    Placed,
    Printed,
    PrintFailed,
    Removal,
    Removed,
    Seen,
    Unknown,
)
from kiosk.sale.front import TRANSITIONS
from kiosk.sale.records import Debt, DebtState, Mark, Phase, Sale
from kiosk.sale.states import Blocked, Idle, Menu, Starting, State

if TYPE_CHECKING:
    from tests.story import MemoryJournal


class LawBroken(AssertionError):  # noqa: N818  (it reads as what it says)
    """A law does not hold."""


def law(number: str, holds: bool, text: str) -> None:
    """Raise if a law does not hold."""
    if not holds:
        raise LawBroken(f"{number}: {text}")


def covered(sale: Sale, evidence: Evidence, collector: int) -> tuple[str, ...]:
    """The payments of the first order that is complete, ours, and covered; written without looking at ``verdict``."""
    for order in evidence.orders:
        if order.reference != sale.reference or order.collector != collector:
            continue
        if not order.complete or order.cents != sale.cents:
            continue
        good = {
            p.id: (p.cents or 0) - p.refunded_cents
            for p in order.payments
            if p.state is PaymentState.APPROVED and p.currency == sale.currency
        }
        if sum(good.values()) >= sale.cents:
            return tuple(good)
    return ()


class Laws:
    """Watches a counter for as long as its journal lives, across power cuts."""

    def __init__(self, collector: int, journal: MemoryJournal) -> None:
        self.collector = collector
        self.journal = journal
        self.proofs: dict[str, set[str]] = {}
        """Reference -> payments of orders that the provider said cover it."""
        self.used: dict[str, str] = {}
        """Payment -> the sale it completed."""
        self.originals: dict[str, int] = {}
        self.amounts: dict[str, int] = {}
        self.unknown_puts: set[str] = set()
        self.placed: set[str] = set()
        self.steps = 0
        self.transitions: set[tuple[type[State], type[State]]] = set()
        self._jobs: dict[int, str] = {}
        self._ask_numbers: dict[int, int] = {}
        """Request of an AskPos -> how many Places had been asked before it."""
        self._places = 0
        self._free_after = -1
        """The POS was proved free after so many Places; -1: not proved in this life."""
        self._put_requests: set[int] = set()
        self._removed_at: dict[str, int] = {}
        self._clean_look: dict[str, int] = {}

    def booted(self, counter: Counter) -> None:
        """A new life: what was proved about the POS is forgotten, jobs are lost."""
        self._jobs.clear()
        self._ask_numbers.clear()
        self._free_after = -1
        self.transitions.discard((type(counter.state), type(counter.state)))

    # --- after each step ----------------------------------------------------------------------------------------

    def check(self, before: Counter, event: Event, after: Counter, commands: tuple[Command, ...]) -> None:
        """Hold one step to the laws; ``commands`` are not yet carried out."""
        self.steps += 1
        self._learn(before, event)
        self._transition(before, after)
        self._write_first(after, commands)
        self._ready(after)
        self._devices(before, event, after)

    def _learn(self, before: Counter, event: Event) -> None:
        match event:
            case Seen():
                self._learn_seen(before, event)
            case Holds(order=None) if event.request in self._ask_numbers:
                self._free_after = max(self._free_after, self._ask_numbers[event.request])
            case Unknown() if event.request in self._put_requests:
                self.unknown_puts.add(event.reference)
            case Placed():
                self.placed.add(event.reference)
            case Removed(removal=Removal.BY_US):
                self._removed_at[event.reference] = event.request
            case Printed() | PrintFailed():
                self._learn_print(event)
            case _:
                pass

    def _learn_seen(self, before: Counter, event: Seen) -> None:
        sale = self.journal.sales.get(event.reference)
        if sale is None:
            sale = getattr(before.state, "sale", None)
        if sale is not None:
            ids = covered(sale, event.evidence, self.collector)
            if ids:
                self.proofs.setdefault(sale.reference, set()).update(ids)
            elif event.evidence.whole:
                self._clean_look[sale.reference] = max(event.request, self._clean_look.get(sale.reference, 0))

    def _learn_print(self, event: Printed | PrintFailed) -> None:
        debt = self._jobs.pop(event.job, "")
        if debt and isinstance(event, PrintFailed) and not event.began:
            self.originals[debt] -= 1

    def _transition(self, before: Counter, after: Counter) -> None:
        kinds = (type(before.state), type(after.state))
        if kinds[0] is not kinds[1]:
            law("TRANSITIONS", kinds[1] in TRANSITIONS.get(kinds[0], {}), f"{kinds[0].__name__} -> {kinds[1].__name__}")
            self.transitions.add(kinds)

    def _write_first(self, after: Counter, commands: tuple[Command, ...]) -> None:
        saves = [index for index, command in enumerate(commands) if isinstance(command, Save)]
        law("L7", saves in ([], [0]), "a Save that is not the first and only one of its step")

    def saved(self, save: Save) -> None:
        """What became durable must be true."""
        for record in save.records:
            match record:
                case Sale():
                    self._sale(record)
                case Debt() if not record.id.startswith("slip:"):
                    cents = self.amounts.get(record.id)
                    law("L5", cents == record.cents, f"ticket over {record.cents}, sale over {cents}")
                case _:
                    pass

    def _sale(self, sale: Sale) -> None:
        if sale.foreign:
            return
        first = self.amounts.setdefault(sale.reference, sale.cents)
        law("L5", first == sale.cents, f"the amount of {sale.reference} changed from {first} to {sale.cents}")
        law("L5", sum(line.cents for line in sale.lines) == sale.cents, "the lines are not the amount")
        if sale.phase is Phase.PAID:
            proof = self.proofs.get(sale.reference, set())
            law("L1", bool(sale.payments) and set(sale.payments) <= proof, f"paid without proof: {sale.reference}")
            for payment in sale.payments:
                owner = self.used.setdefault(payment, sale.reference)
                law("L1", owner == sale.reference, f"payment {payment} completes two sales")
        if sale.phase is Phase.REFUSED:
            law("L6", sale.reference not in self.unknown_puts, "refused, though an attempt's outcome is unknown")
            law("L6", sale.reference not in self.placed, "refused, though it was placed")
        if sale.phase is Phase.WITHDRAWN:
            clean = self._clean_look.get(sale.reference, 0)
            law("L6", clean > self._removed_at.get(sale.reference, 0), "withdrawn without a look after it was gone")

    def _ready(self, after: Counter) -> None:
        if isinstance(after.state, Idle | Menu):
            law("L4", self._free_after >= self._places, "idle without a proof that the POS is free")
            law("L7", after.health.journal, "ready with a journal that cannot be written")

    def watched(self, after: Counter) -> None:
        """After the step's commands were carried out: every order of ours that may bring money has its watcher."""
        front = getattr(after.state, "sale", None)
        watched = {watch.sale.reference for watch in after.watches.items}
        for sale in self.journal.sales.values():
            live = sale.phase.open or sale.watched
            seen = sale.reference in watched or (front is not None and front.reference == sale.reference)
            waits = getattr(after.state, "then", None)
            seen = seen or (waits is not None and waits.reference == sale.reference)
            unsaved = any(isinstance(r, Sale) and r.reference == sale.reference for r in after.unsaved)
            law("L4", not live or seen or unsaved, f"nobody watches {sale.reference} ({sale.phase})")

    def _devices(self, before: Counter, event: Event, after: Counter) -> None:
        if isinstance(event, PaperIs | Printed | PrintFailed):
            resting = isinstance(before.state, Idle | Menu | Blocked | Starting)
            law("L9", resting or after.state == before.state, "the printer changed a running sale")

    # --- before a command is carried out ----------------------------------------------------------------------------

    def carried_out(self, command: Place | AskPos | Look | Withdraw | Print | Command) -> None:
        """What is done now must be durable, and allowed."""
        match command:
            case Place():
                row = self.journal.sales.get(command.reference)
                law("L7", row is not None and row.puts == command.sale.puts, "a PUT that the journal does not know")
                law("L5", row is not None and row.cents == command.sale.cents, "a PUT over another amount")
                law("L4", self._free_after >= self._places or command.sale.puts > 1, "a PUT on a POS not proved free")
                self._places += 1
                self._put_requests.add(command.request)
            case AskPos():
                self._ask_numbers[command.request] = self._places
            case Withdraw():
                row = self.journal.sales.get(command.reference)
                known = row is not None and (row.phase is not Phase.WAITING)
                law("L7", known or self.journal.fails, "a DELETE that the journal does not know")
            case Print():
                self._print(command)
            case _:
                pass

    def _print(self, command: Print) -> None:
        marks = set(command.marks)
        owed = [d for d in self.journal.debts.values() if d.ticket is command.ticket or d.ticket == command.ticket]
        if not owed:
            return  # a summary, or a ticket that could not be journalled
        debt = owed[0]
        if not debt.id.startswith("slip:"):
            law("L1", debt.id in self.proofs, f"a ticket without proof: {debt.id}")
            law("L1", Mark.MONEY_TO_SETTLE not in marks, "a ticket marked as a slip")
        else:
            law("L1", Mark.MONEY_TO_SETTLE in marks, "disputed money on an unmarked paper")
        if not marks & {Mark.COPY, Mark.POSSIBLE_DUPLICATE}:
            law("L7", debt.state is DebtState.PRINTING, "a print that the journal does not know")
            self.originals[debt.id] = self.originals.get(debt.id, 0) + 1
            law("L3", self.originals[debt.id] == 1, f"{debt.id} has two originals")
            self._jobs[command.job] = debt.id
