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
from kiosk.sale.events import Books, Evidence, Paper, Printed, PrinterEvent, PrintFailed, StatementIs
from kiosk.sale.records import Agreed, Debt, DebtState, Dispute, Phase, Record, Roll, Rows, Sale
from tests.laws import SLIP, law
from tests.story_books import looked_up, paid_between


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
        self.agreed_until: float | None = None
        self.roll: Roll | None = None
        self.restored = -1
        self.disk = Disk.GOOD
        self._owners: dict[str, str] = {}
        self._foreign: list[float] = []

    def copy(self) -> MemoryJournal:
        """A backup. A kiosk that starts on it doubts the papers that were owed (R21)."""
        copy = type(self)()
        copy.disputes, copy.agreed_until, copy.roll = {**self.disputes}, self.agreed_until, self.roll
        copy.sales, copy.restored = {**self.sales}, max((sale.number for sale in self.sales.values()), default=0)
        copy._owners, copy._foreign = {**self._owners}, [*self._foreign]
        for debt in self.debts.values():
            copy.debts[debt.id] = replace(debt, state=DebtState.DOUBTFUL, tried=True) if debt.open else debt
        return copy

    def save(self, records: Sequence[Record]) -> bool:
        """Whether it is durable."""
        if self.disk is Disk.FULL:
            return False
        for record in records:
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
            case Agreed():
                self.agreed_until = record.until
            case Roll():
                self.roll = record

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
        for payment in sale.payments:
            owner = self._owners.setdefault(payment, sale.reference)
            law("R1", owner == sale.reference, "a payment completes two sales")

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
        return looked_up(statement, self.sales.values(), self.disputes)

    def rows(self) -> Rows:
        """What was open when the power went."""
        sales = self.sales.values()
        tickets = [debt for debt in self.debts.values() if not debt.id.startswith(SLIP)]
        return Rows(
            open=tuple(sale for sale in reversed(sales) if sale.phase.open),
            watched=tuple(sale for sale in sales if sale.watched and not sale.phase.open),
            debts=tuple(debt for debt in self.debts.values() if debt.open),
            disputes=tuple(dispute for dispute in self.disputes.values() if not dispute.settled),
            last_ticket=tickets[-1] if tickets else None,
            last_number=max((sale.number for sale in sales), default=0),
            recent=tuple(sorted((sale for sale in sales if sale.number), key=lambda sale: -sale.number)[:10]),
            foreign_at=tuple(self._foreign[-10:]),
            agreed_until=self.agreed_until,
            restored=self.restored,
            roll=self.roll,
        )


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
