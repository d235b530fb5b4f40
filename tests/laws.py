"""The laws L1 to L10 as invariants over every step of every story and every simulated history.

``Laws`` is an observer with a memory of its own. It judges by what was answered and what is durable, not by what the
machine believes: its idea of "paid" is written here a second time, on purpose. It is told of every step (``check``),
of every write (``saved``), of everything that is done (``carried_out``), and of the end of each step (``watched``).

A rule of money that can be judged in the same way is judged here, too, under its own name (R3, R10).

L8 needs a quiet world and a clock, and L2 in full needs the provider's own ledger: ``tests.world`` holds the machine
to those. L10 is about texts: ``tests/test_laws.py``.
"""

from __future__ import annotations

import re
from typing import Final, Protocol

from kiosk.sale.basket import Basket
from kiosk.sale.commands import (
    AskPos,
    AskRefunds,
    Command,
    Depth,
    GiveBack,
    Look,
    Place,
    Print,
    Save,
    Sound,
    Tune,
    Withdraw,
)
from kiosk.sale.counter import Counter
from kiosk.sale.days import DayShown
from kiosk.sale.events import (
    Answer,
    Busy,
    Device,
    DeviceIs,
    Event,
    GivenBack,
    Holds,
    NotSaved,
    PaperIs,
    PaymentSeen,
    PaymentState,
    Printed,
    PrintFailed,
    RefundsAre,
    Refused,
    Removal,
    Removed,
    Seen,
)
from kiosk.sale.front import TRANSITIONS
from kiosk.sale.lights import Shine, lights
from kiosk.sale.records import Debt, DebtState, Dispute, Mark, Phase, Record, Refund, Sale
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
    Paid,
    Placing,
    Recent,
    Starting,
    State,
    Waiting,
    Withdrawing,
)
from tests.law import LawBroken, law
from tests.laws_evidence import brings_money, covered, may_bring_money, money
from tests.laws_refunds import RefundLaws

__all__ = ["LATE_S", "SLIP", "LawBroken", "Laws", "covered", "law"]

LATE_S: Final = 1800.0
"""An order is watched for so long after its last payable moment (R17)."""
LIFE_MAX_S: Final = 601.0
"""No order may live longer (R3), but for the second that a rounded clock may be off."""
SLIP: Final = "slip:"
"""How the keys of slips for disputed money begin."""

_OPEN_SALE: Final = frozenset({Placing, Waiting, Withdrawing, Checking})
_IN_SALE: Final = _OPEN_SALE | {Guarding, Clearing, Adopting}
_READY: Final = frozenset({Idle, Menu, Recent, DayShown})
_BY_THE_PRINTER: Final = frozenset({Idle, Menu, Recent, DayShown, Blocked, Starting})
"""States that the printer's word may change: between sales, where one must have a printer."""
_PRINTER_WORDS: Final = frozenset({PaperIs, Printed, PrintFailed})
_TEACHES: Final = frozenset({Seen, Holds, Refused, Busy, Removed, Printed, PrintFailed, RefundsAre, GivenBack})
_Z: Final = re.compile(r"Z \d+")
"""The heading of a Z, in every language."""
_FOR_SURE: Final = {Mark.COPY, Mark.POSSIBLE_DUPLICATE}


class Books(Protocol):
    """What the laws read of a journal: what is durable."""

    sales: dict[str, Sale]
    debts: dict[str, Debt]
    disputes: dict[str, Dispute]
    wishes: dict[str, Refund]


class Laws:
    """Watches a counter for as long as its journal lives, across power cuts."""

    def __init__(self, collector: int, journal: Books) -> None:
        self.collector = collector
        self.journal = journal
        self.refunds = RefundLaws()
        self.proofs: dict[str, set[str]] = {}
        """Reference -> payments of orders that the provider said cover it."""
        self.used: dict[str, str] = {}
        """Payment -> the sale it completed."""
        self.originals: dict[str, int] = {}
        self.amounts: dict[str, int] = {}
        self._phases: dict[str, Phase] = {}
        self.puts: dict[str, int] = {}
        """Reference -> attempts to place it that nobody has refused: each may be on the POS."""
        self.steps = 0
        self.transitions: set[tuple[type[State], type[State]]] = set()
        self._out: set[str] = set()
        """Papers that are certainly out."""
        self._date = 0.0
        """The provider's clock, as last heard."""
        self._serial = 0
        """Counts what is asked and what is answered: which came first. Goes on over power cuts."""
        self._removed_at: dict[str, int] = {}
        self._expiries: dict[str, float | None] = {}
        """Reference -> the expiry that its first attempt named."""
        self._clean_look: dict[str, int] = {}
        """Reference -> when the last whole look that found no payment was begun."""
        self._last_look: dict[str, tuple[float | None, tuple[PaymentSeen, ...]]] = {}
        """Reference -> the last whole look in both indexes: the provider's time, and the payments that it showed."""
        self._live: set[str] = set()
        """Sales that may still bring money, as the journal has them."""
        self._forget_life()

    def _forget_life(self) -> None:
        self.refunds.forget_life()
        self._jobs: dict[int, str] = {}
        self._originals_at_printer: set[int] = set()
        self._asked: dict[int, tuple[int, int]] = {}
        """Request -> when it was asked, and how many Places had been asked before it."""
        self._deep: set[int] = set()
        """Looks in both indexes."""
        self._removals: set[int] = set()
        """Requests that took an order away: an answer that comes twice takes nothing away once more."""
        self._puts: dict[int, str] = {}
        """Request of a Place -> its reference."""
        self._asked_pos = 0
        """The last question what the POS holds."""
        self._on_the_pos = ""
        """The order that the POS was last seen to hold; empty: none, or not asked in this life."""
        self._places = 0
        self._free_after = -1
        """The POS was proved free after so many Places; -1: not proved in this life."""
        self._unsaved: tuple[Record, ...] = ()
        """What the machine knows that the journal could not write (R22)."""
        self._watched_items: object = None
        self._watched: set[str] = set()
        self._checked: tuple[object, object, int] = (None, None, -1)
        self._changes = 0

    def restored(self, journal: Books) -> None:
        """A backup took the journal's place: what is durable now is what was durable then."""
        self.journal = journal
        self._live.clear()
        self._phases = {reference: sale.phase for reference, sale in journal.sales.items()}

    def booted(self, counter: Counter) -> None:
        """A new life: what was proved about the POS is forgotten, jobs are lost. What is durable stays."""
        self._forget_life()
        for sale in self.journal.sales.values():
            self._alive(sale)
        law("L4", type(counter.state) not in _READY, "ready before the POS was asked")

    # --- after each step ----------------------------------------------------------------------------------------

    def check(self, before: Counter, event: Event, after: Counter, commands: tuple[Command, ...]) -> None:
        """Hold one step to the laws; ``commands`` are not yet carried out."""
        self.steps += 1
        kind = type(event)
        if kind in _TEACHES:
            self._learn(before, event)
        self._transition(before, after)
        self._unsaved = after.unsaved
        if commands:
            self._commands(before, event, after, commands)
        if type(after.state) in _READY:
            law("L4", self._free_after >= self._places, "idle without a proof that the POS is free")
            law("L7", after.health.journal, "ready with a journal that cannot be written")
        if kind in _PRINTER_WORDS:
            allowed = after.shop.printer_required and type(before.state) in _BY_THE_PRINTER
            law("L9", allowed or after.state == before.state, "the printer changed a running sale")
        if isinstance(event, DeviceIs):
            needed = event.device is Device.PANEL and after.shop.display_required
            allowed = needed and type(before.state) in _BY_THE_PRINTER
            law("L9", allowed or after.state == before.state, f"the {event.device.value} changed a running sale")
        if after.state is not before.state or after.gone:
            self._lit(after)

    def _lit(self, after: Counter) -> None:
        """The green light shines steadily, and alone, for who stands in front and has paid; else never."""
        lit = lights(after)
        steady = lit.green is Shine.STEADY
        law("L1", not steady or isinstance(after.state, Paid), "the light of PAID, and nobody in front paid (R19)")
        law("L1", not steady or lit.red is Shine.DARK, "the light of PAID, and not alone")

    def _learn(self, before: Counter, event: Event) -> None:
        if isinstance(event, Answer) and event.date is not None:
            self._date = max(self._date, event.date)
        match event:
            case RefundsAre() | GivenBack():
                self.refunds.learn(event)
            case Seen():
                self._learn_seen(before, event)
            case Holds(order=order) if order is not None:
                if event.request == self._asked_pos:  # an older question's answer is old news
                    self._on_the_pos = order.reference
            case Holds(order=None) if event.request in self._asked:
                self._on_the_pos = ""
                self._free_after = max(self._free_after, self._asked[event.request][1])
            case Refused() | Busy() if event.request in self._puts:
                self.puts[self._puts.pop(event.request)] -= 1
            case Removed(removal=Removal.BY_US) if event.request not in self._removals:
                self._removals.add(event.request)
                self._serial += 1
                self._removed_at[event.reference] = self._serial
            case Printed() | PrintFailed():
                self._learn_print(event)
            case _:
                pass

    def _learn_seen(self, before: Counter, event: Seen) -> None:
        sale = self.journal.sales.get(event.reference) or getattr(before.state, "sale", None)
        if sale is None or sale.reference != event.reference:
            return
        evidence = event.evidence
        ids = covered(sale, evidence, self.collector)
        if ids:
            self.proofs.setdefault(sale.reference, set()).update(ids)
        if evidence.whole and event.request in self._asked:
            if not ids:
                begun = self._asked[event.request][0]
                self._clean_look[sale.reference] = max(begun, self._clean_look.get(sale.reference, 0))
            if event.request in self._deep:
                seen = tuple(money(sale.reference, evidence, self.collector))
                self._last_look[sale.reference] = (event.date, seen)

    def _learn_print(self, event: Printed | PrintFailed) -> None:
        debt = self._jobs.pop(event.job, "")
        if isinstance(event, Printed):
            if debt and event.sure:
                self._out.add(debt)
        elif debt and not event.began and event.job in self._originals_at_printer:
            self.originals[debt] -= 1
        self._originals_at_printer.discard(event.job)

    def _transition(self, before: Counter, after: Counter) -> None:
        old, new = type(before.state), type(after.state)
        if old is new:
            if isinstance(before.state, Clearing) and isinstance(after.state, Clearing):
                self._yet_another(before.state, after.state)
            return
        law("TRANSITIONS", new in TRANSITIONS.get(old, {}), f"{old.__name__} -> {new.__name__}")
        self.transitions.add((old, new))
        if isinstance(after.state, Paid):
            sale = after.state.sale
            proof = self.proofs.get(sale.reference, set())
            law("L1", bool(sale.payments) and set(sale.payments) <= proof, f"PAID without proof: {sale.reference}")
        if isinstance(after.state, Guarding) and isinstance(before.state, Entering | Confirming):
            self._charged(before.state.basket, after.state.sale)

    def _charged(self, basket: Basket, sale: Sale) -> None:
        """What was rung up is what is charged: every item of it, as often as it was said."""
        rung = [(line.quantity, line.unit_cents) for line in basket.lines]
        rung += [(max(basket.times, 1), int(basket.typed.digits))] if basket.typed.digits else []
        law("L5", sale.cents == sum(times * cents for times, cents in rung), "another amount than the one typed")
        law("L5", [(line.quantity, line.unit_cents) for line in sale.lines] == rung, "other items than those typed")
        law("L5", all(times > 0 and cents > 0 for times, cents in rung), "an item of nothing")
        law("L5", not basket.typed.extra, "an amount that was cut")

    def _yet_another(self, before: Clearing, after: Clearing) -> None:
        """The one state that follows itself: the POS holds one order after another."""
        if before.order != after.order:
            self.transitions.add((Clearing, Clearing))

    def _commands(self, before: Counter, event: Event, after: Counter, commands: tuple[Command, ...]) -> None:
        if len(commands) > 1 or not isinstance(commands[0], Save):
            saves = [index for index, command in enumerate(commands) if isinstance(command, Save)]
            law("L7", saves in ([], [0]), "a Save that is not the first and only one of its step")
        for command in commands:
            match command:
                case Sound(tune=Tune.PAID):
                    entered = not isinstance(before.state, Paid) or isinstance(event, NotSaved)
                    law(
                        "L1",
                        isinstance(after.state, Paid) and entered,
                        "the sound of PAID, and nobody in front paid (R19)",
                    )
                case Sound(tune=Tune.WITHDRAWN):
                    told = after.state.sale if isinstance(after.state, Notice) else None
                    certain = told is not None and told.phase is Phase.WITHDRAWN
                    law("L6", certain, "the sound of a withdrawn order, and nobody knows that it is")
                case Print():
                    law("L1", type(after.state) not in _IN_SALE, "a paper while a sale is open (R19)")
                case _:
                    pass

    # --- what became durable must be true -----------------------------------------------------------------------

    def saved(self, save: Save) -> None:
        """The records of a ``Save`` are durable now."""
        ended = []
        for record in save.records:
            self.refunds.saved(record, self.journal)
            match record:
                case Sale():
                    if not record.foreign:
                        self._sale(record)
                    if record.reference in self._live and not record.watched and not record.phase.open:
                        ended.append(record)
                    self._alive(record)
                case Debt() if record.reference:
                    cents = self.amounts.get(record.id)
                    law("L5", cents == record.cents, f"ticket over {record.cents}, sale over {cents}")
                case _:
                    pass
        for record in ended:
            self._watch_over(record)

    def _alive(self, sale: Sale) -> None:
        self._changes += 1
        if sale.watched or sale.phase.open:
            self._live.add(sale.reference)
        else:
            self._live.discard(sale.reference)

    def _sale(self, sale: Sale) -> None:
        reference = sale.reference
        first = self.amounts.setdefault(reference, sale.cents)
        law("L5", first == sale.cents, f"the amount of {reference} changed from {first} to {sale.cents}")
        law("L5", sum(line.cents for line in sale.lines) == sale.cents, "the lines are not the amount")
        if sale.phase is Phase.PAID:
            proof = self.proofs.get(reference, set())
            law("L1", bool(sale.payments) and set(sale.payments) <= proof, f"paid without proof: {reference}")
            law("L2", reference in self.journal.debts, f"paid, and no ticket is owed: {reference}")
            for payment in sale.payments:
                owner = self.used.setdefault(payment, reference)
                law("L1", owner == reference, f"payment {payment} completes two sales")
        elif sale.phase is Phase.REFUSED:
            law("L6", not self.puts.get(reference), "refused, though an attempt was not, or is unknown")
        elif sale.phase is Phase.WITHDRAWN and self._phases.get(reference) is not Phase.WITHDRAWN:
            _, seen = self._last_look.get(reference, (None, ()))
            late = sale in self._unsaved  # decided before, when the journal could not be written
            law("L6", late or not any(map(may_bring_money, seen)), "called withdrawn, and there is money (R14)")
            clean = self._clean_look.get(reference, 0)
            law("L6", clean > self._removed_at.get(reference, 0), "withdrawn without a look after it was gone")
            gone = sale.expires is None or self._date >= sale.expires - 1.0 or not self.puts.get(reference)
            law("L6", gone or reference in self._removed_at, "withdrawn, though we did not take it (R14)")
        self._phases[reference] = sale.phase

    def _watch_over(self, sale: Sale) -> None:
        """L4, L2: a watch ends late enough, with a whole look, and with all the money in its place."""
        if sale.phase is Phase.REFUSED:
            return  # never on the POS: nothing was watched
        date, seen = self._last_look.get(sale.reference, (None, ()))
        pending = any(payment.state is PaymentState.PENDING for payment in seen)
        law("L4", sale.reference in self._last_look, f"nobody looked before the watch of {sale.reference} ended")
        law("L4", not pending, f"the watch of {sale.reference} ended with a payment under way")
        if date is not None and sale.expires is not None:
            early_s = sale.expires + LATE_S - date
            law("L4", early_s <= 1.0, f"the watch of {sale.reference} ended {early_s} s early")
        lost = {payment.id for payment in seen if brings_money(payment)}.difference(
            sale.payments, self.journal.disputes, self.used
        )
        law("L2", not lost, f"money that nobody has: {lost}")

    # --- after the step was carried out -------------------------------------------------------------------------

    def watched(self, after: Counter) -> None:
        """Every order of ours that may bring money has its watcher."""
        checked = (after.state, after.watches.items, self._changes)
        if checked[0] is self._checked[0] and checked[1] is self._checked[1] and checked[2] == self._checked[2]:
            return
        self._checked = checked
        if after.watches.items is not self._watched_items:
            self._watched_items = after.watches.items
            self._watched = {watch.sale.reference for watch in after.watches.items}
        missing = self._live - self._watched
        if missing:
            front = (getattr(after.state, "sale", None), getattr(after.state, "then", None), *after.unsaved)
            missing -= {sale.reference for sale in front if isinstance(sale, Sale)}
            law("L4", not missing, f"nobody watches {missing}")

    # --- before a command is carried out ----------------------------------------------------------------------------

    def carried_out(self, command: Command) -> None:
        """What is done now must be durable, and allowed."""
        match command:
            case AskPos() | Look():
                self._serial += 1
                self._asked[command.request] = (self._serial, self._places)
                if isinstance(command, AskPos):
                    self._asked_pos = command.request
                elif command.depth is Depth.ALL:
                    self._deep.add(command.request)
            case Place():
                self._place(command)
            case Withdraw():
                row = self.journal.sales.get(command.reference)
                known = row is not None and row.phase is not Phase.WAITING
                lost = any(isinstance(r, Sale) and r.reference == command.reference for r in self._unsaved)
                law("L7", known or lost, "a DELETE that the journal does not know")
                other = self._on_the_pos not in ("", command.reference)
                law("R10", not other, "a DELETE for our order, where the POS was seen to hold another's")
            case Print():
                self._print(command)
            case AskRefunds() | GiveBack():
                self.refunds.carried_out(command, self.journal)
            case _:
                pass

    def _place(self, command: Place) -> None:
        row = self.journal.sales.get(command.reference)
        law("L7", row is not None and row.puts == command.sale.puts, "a PUT that the journal does not know")
        law("L7", row is not None and row.phase is Phase.PLACING, "a PUT of a sale that is over")
        law("L5", row is not None and row.cents == command.sale.cents, "a PUT over another amount")
        law("L4", self._free_after >= self._places or command.sale.puts > 1, "a PUT on a POS not proved free")
        law("L6", command.sale.puts <= 2, "more than two PUTs (R6)")
        _, seen = self._last_look.get(command.reference, (None, ()))
        law("L6", not any(map(may_bring_money, seen)), "placed again, and there is money (R6)")
        expires = self._expiries.setdefault(command.reference, command.sale.expires)
        law("R3", command.sale.expires == expires, "the expiry of an order changed")
        lives_s = LIFE_MAX_S if expires is None else expires - self._date
        law("R3", 0 < lives_s <= LIFE_MAX_S, f"an order that would live for {lives_s} s by the provider's clock")
        self._places += 1
        self._puts[command.request] = command.reference
        self.puts[command.reference] = self.puts.get(command.reference, 0) + 1

    def _print(self, command: Print) -> None:
        marks, reference = set(command.marks), command.ticket.reference
        if not reference:
            if paper := self.refunds.printed(command, self.journal):
                self._jobs[command.job] = paper
                if not marks & _FOR_SURE:
                    self._original(paper, command.job)
            else:
                self._print_of_a_day(command)
            return
        debt = self._owed(command)
        if Mark.MONEY_TO_SETTLE not in marks:
            law("L1", reference in self.proofs, f"a ticket without proof: {reference}")
            law("L1", debt is None or not debt.id.startswith(SLIP), "disputed money on an unmarked paper")
            debt_id = reference
        else:
            law("L1", debt is None or debt.id.startswith(SLIP), "a ticket marked as a slip")
            debt_id = debt.id if debt else ""
        if not marks & _FOR_SURE:
            law("L7", debt is not None and debt.state is DebtState.PRINTING, "a print that the journal does not know")
            self._original(debt_id, command.job)
        elif Mark.COPY in marks:
            law("L3", debt_id in self._out, f"a copy of {debt_id}, whose original is not certainly out")
        self._jobs[command.job] = debt_id

    def _print_of_a_day(self, command: Print) -> None:
        """A Z is durable before it is printed (L7), and has one original; an X and a summary are owed to nobody."""
        if not any(_Z.fullmatch(line.text) for line in command.ticket.lines):
            return
        debt = next((d for d in self.journal.debts.values() if d.ticket == command.ticket), None)
        law("L7", debt is not None, "a Z on paper that the journal does not know")
        if debt is None or set(command.marks) & _FOR_SURE:
            return
        law("L7", debt.state is DebtState.PRINTING, "a print that the journal does not know")
        key = f"{debt.id} {debt.owed_at}"  # after a restored backup another Z may have its number
        self._original(key, command.job)
        self._jobs[command.job] = key

    def _original(self, key: str, job: int) -> None:
        """A paper without a mark that doubts it goes to the printer."""
        self.originals[key] = self.originals.get(key, 0) + 1
        law("L3", self.originals[key] == 1, f"{key} has two originals")
        self._originals_at_printer.add(job)

    def _owed(self, command: Print) -> Debt | None:
        reference = command.ticket.reference
        debt = self.journal.debts.get(reference)
        if debt is not None and debt.ticket == command.ticket:
            return debt
        return next((d for d in self.journal.debts.values() if d.ticket == command.ticket), None)
