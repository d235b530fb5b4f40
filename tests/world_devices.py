"""The journal and the printer of the simulated world.

The journal makes the promises of ``kiosk.journal``: all of a ``Save`` or nothing, durable when it returned, one sale a
payment, and the rules of its tables. What it promises not to know after an error, it does not know here either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from kiosk.sale.commands import Print
from kiosk.sale.days import Close, Day
from kiosk.sale.events import Books, Evidence, Paper, Printed, PrinterEvent, PrintFailed, Seen, StatementIs
from kiosk.sale.records import (
    Agreed,
    Debt,
    DebtState,
    Dispute,
    Phase,
    PinTries,
    Record,
    Refund,
    RefundState,
    Roll,
    Rows,
    Sale,
)
from tests.day_book import DayBook, adds_up
from tests.laws import law
from tests.story_books import books, looked_up, paid_between


class Disk(Enum):
    """How the journal's disk is."""

    GOOD = "good"
    FULL = "nothing is written"
    LYING = "written, and says it is not"


class MemoryJournal:
    """Rows by key, as ``resume`` would find them."""

    def __init__(self) -> None:
        self.sales: dict[str, Sale] = {}
        self.debts: dict[str, Debt] = {}
        self.disputes: dict[str, Dispute] = {}
        self.wishes: dict[str, Refund] = {}
        """Refunds by their key."""
        self.pin_failed = 0
        self.agreed_until: float | None = None
        self.roll: Roll | None = None
        self.restored = -1
        self.days = DayBook()
        self.disk = Disk.GOOD
        self._owners: dict[str, str] = {}
        self._foreign: list[float] = []

    def copy(self) -> MemoryJournal:
        """A backup. A kiosk that starts on it doubts what was owed, and wanted back (R21)."""
        copy = type(self)()
        copy.disputes, copy.agreed_until, copy.roll = {**self.disputes}, self.agreed_until, self.roll
        copy.sales, copy.restored = {**self.sales}, max((sale.number for sale in self.sales.values()), default=0)
        copy._owners, copy._foreign = {**self._owners}, [*self._foreign]
        copy.days, copy.pin_failed = self.days.copy(), self.pin_failed
        for refund in self.wishes.values():
            copy.wishes[refund.key] = replace(refund, doubt=True, restored=True) if _wanted(refund) else refund
        for debt in self.debts.values():
            copy.debts[debt.id] = replace(debt, state=DebtState.DOUBTFUL, tried=True) if debt.open else debt
        return copy

    def save(self, records: Sequence[Record]) -> bool:
        """Whether it is durable."""
        if self.disk is Disk.FULL:
            return False
        for record in sorted(records, key=lambda record: not isinstance(record, Close)):
            self._write(record)
        return self.disk is Disk.GOOD

    def _write(self, record: Record) -> None:
        match record:
            case Sale():
                self._write_sale(record)
            case Debt():
                self.debts[record.id] = record
            case Dispute():
                self.disputes[record.payment] = record
            case Refund():
                self._write_refund(record)
            case Agreed():
                self.agreed_until = record.until
            case Roll():
                self.roll = record
            case PinTries():
                self.pin_failed = record.failed
            case Close():
                self.days.close(record)
                closes, day = self.days.closes.values(), self.days.day()
                adds_up(closes, day, self.sales.values(), self.wishes.values())

    def _write_sale(self, sale: Sale) -> None:
        old = self.sales.get(sale.reference)
        if old is None:
            if sale.foreign:
                self._foreign.append(sale.made_at)
        else:
            law("L1", old.phase is not Phase.PAID or sale.phase is Phase.PAID, "a paid sale stays paid")
            law("L1", set(old.payments) <= set(sale.payments), "a payment leaves its sale")
        law("L1", sale.phase is not Phase.PAID or bool(sale.payments), "a paid sale has a payment")
        self.sales[sale.reference] = sale
        self.days.enter(sale)
        for payment in sale.payments:
            owner = self._owners.setdefault(payment, sale.reference)
            law("R1", owner == sale.reference, "a payment completes two sales")

    def _write_refund(self, refund: Refund) -> None:
        others = [other for other in self.wishes.values() if other.key != refund.key]
        old = self.wishes.get(refund.key)
        if old is not None:
            law("R24", _decided(old) == _decided(refund), "what was decided of a refund changes")
            came_to = refund.whole and refund.state is RefundState.DONE and _wanted(old)
            law("R24", came_to or refund.cents == old.cents, "the amount of a refund changes")
            law("R24", old.state in (RefundState.WANTED, refund.state), "a refund that is over changes")
        rivals = [other for other in others if _wanted(other) and other.payment == refund.payment]
        law("R24", not _wanted(refund) or not rivals, "two refunds of one payment are wanted")
        taken = {other.refund_id for other in others if other.refund_id}
        law("R24", refund.refund_id not in taken, "one refund of the account is two of ours")
        self.wishes[refund.key] = refund
        self.days.give_back(refund)

    def sale(self, number: int) -> Sale | None:
        """The sale of that number."""
        return next((sale for sale in self.sales.values() if 0 < number == sale.number), None)

    def ticket(self, reference: str) -> Debt | None:
        """That sale's ticket."""
        return self.debts.get(reference)

    def settled(self, evidence: Evidence) -> frozenset[str]:
        """Those of the payments shown that were disputed, and that a person settled."""
        names = {*evidence.approved, *(f"{payment}:excess" for payment in evidence.approved)}
        return frozenset(name for name in names if name in self.disputes and self.disputes[name].settled)

    def refunds(self, reference: str) -> tuple[Refund, ...]:
        """All refunds of that sale."""
        return tuple(refund for refund in self.wishes.values() if refund.reference == reference)

    def find(self, reference: str) -> Sale | None:
        """The sale of that reference."""
        return self.sales.get(reference)

    def spent(self, evidence: Evidence, reference: str) -> frozenset[str]:
        """Those of the payments shown that completed another sale."""
        return frozenset(p for p in evidence.approved if self._owners.get(p, reference) != reference)

    def paid_between(self, begin: float, end: float) -> tuple[str, ...]:
        """The payments of sales that were paid in that time."""
        return paid_between(self.sales.values(), begin, end)

    def books(self, statement: StatementIs) -> Books:
        """What it knows of a statement."""
        return looked_up(statement, self.sales.values(), self.disputes, self.wishes.values())

    def day(self) -> Day:
        """What it counted since the last Z."""
        return self.days.day()

    def shown(self, seen: Seen) -> Books:
        """What it knows of a look at one order."""
        sales, approved = self.sales.values(), seen.evidence.approved
        return books(sales, self.disputes, {seen.reference}, approved, self.wishes.values())

    def rows(self) -> Rows:
        """What was open when the power went."""
        sales = self.sales.values()
        tickets = [debt for debt in self.debts.values() if debt.reference]
        return Rows(
            open=tuple(sale for sale in reversed(sales) if sale.phase.open),
            watched=tuple(sale for sale in sales if sale.watched and not sale.phase.open),
            debts=tuple(debt for debt in self.debts.values() if debt.open),
            disputes=tuple(dispute for dispute in self.disputes.values() if not dispute.settled),
            refunds=tuple(refund for refund in self.wishes.values() if _wanted(refund)),
            pin_failed=self.pin_failed,
            last_ticket=tickets[-1] if tickets else None,
            last_number=max((sale.number for sale in sales), default=0),
            recent=tuple(sorted((sale for sale in sales if sale.number), key=lambda sale: -sale.number)[:10]),
            foreign_at=tuple(self._foreign[-10:]),
            agreed_until=self.agreed_until,
            restored=self.restored,
            roll=self.roll,
            closed=self.days.last,
        )


def _wanted(refund: Refund) -> bool:
    return refund.state is RefundState.WANTED


def _decided(refund: Refund) -> tuple[object, ...]:
    """What a supervisor decided, and what stood at the account then."""
    whose = (refund.key, refund.payment, refund.reference, refund.number)
    return (*whose, refund.currency, refund.whole, refund.by, refund.dispute, refund.known)


class PrinterMood(Enum):
    """What is wrong with the printer."""

    WELL = "well"
    OUT = "out of paper"
    RUNS_OUT = "out in the middle of a ticket"
    DIES = "dies in the middle of a ticket"
    CUTS_OFF = "its last answer is lost"
    MUTE = "never says how it is"
    HUNG = "hangs"
    GONE = "unplugged"


PAPER_S: Final = 1.5
LENGTH_MM: Final = 110
"""Of a paper; half of it where the printer stops in the middle."""
HUNG_S: Final = 55.0
_SAYS: Final = {
    PrinterMood.WELL: Paper.OK,
    PrinterMood.OUT: Paper.OUT,
    PrinterMood.RUNS_OUT: Paper.OK,
    PrinterMood.DIES: Paper.OK,
    PrinterMood.CUTS_OFF: Paper.OK,
    PrinterMood.MUTE: Paper.SILENT,
    PrinterMood.HUNG: Paper.OFFLINE,
    PrinterMood.GONE: Paper.GONE,
}


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is on the paper roll."""

    command: Print
    whole: bool


class Printer:
    """One thread of work: papers come out in order, and a hung one holds up the next."""

    def __init__(self) -> None:
        self.mood = PrinterMood.WELL
        self.roll: list[Sheet] = []
        self._busy_until = 0.0

    def plugged_again(self) -> None:
        """The kiosk starts anew: its worker has nothing in hand."""
        self._busy_until = 0.0

    def says(self) -> Paper:
        """Its status."""
        return _SAYS[self.mood]

    def print(self, command: Print, now: float) -> tuple[float, PrinterEvent]:
        """Print it; when its answer comes, and what it is."""
        mood = self.mood
        begins = max(now, self._busy_until)
        at = begins + (HUNG_S if mood is PrinterMood.HUNG else PAPER_S)
        self._busy_until = at
        if mood in (PrinterMood.OUT, PrinterMood.GONE):
            return at, PrintFailed(command.job, began=False, paper=_SAYS[mood])
        whole = mood not in (PrinterMood.RUNS_OUT, PrinterMood.DIES)
        self.roll.append(Sheet(command, whole))
        if mood in (PrinterMood.RUNS_OUT, PrinterMood.DIES, PrinterMood.CUTS_OFF):
            self.mood = PrinterMood.OUT
            paper = Paper.OUT if mood is PrinterMood.RUNS_OUT else Paper.OFFLINE
            return at, PrintFailed(command.job, began=True, paper=paper, mm=LENGTH_MM // 2)
        return at, Printed(command.job, sure=mood is not PrinterMood.MUTE, mm=LENGTH_MM)
