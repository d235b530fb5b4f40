"""A journal in memory behind the loop's port, and the notebook in which it and its neighbours write what happens."""

from __future__ import annotations

from collections.abc import Sequence

from kiosk.ports import JournalError
from kiosk.sale.days import Day, Totals
from kiosk.sale.events import Books
from kiosk.sale.records import Debt, Entry, Record, Refund, Rows, Sale
from tests.story_books import books, paid_between


class Notebook:
    """What happened, in order, as the journal, the devices and the service saw it."""

    def __init__(self) -> None:
        self.all: list[tuple[str, object]] = []

    def write(self, what: str, value: object) -> None:
        self.all.append((what, value))

    def of(self, what: str) -> list[object]:
        return [value for name, value in self.all if name == what]

    def names(self) -> list[str]:
        return [name for name, _ in self.all]


class FakeJournal:
    """Writes into the notebook; fails as it is told."""

    def __init__(self, book: Notebook, rows: Rows | None = None) -> None:
        self._book = book
        self._rows = rows or Rows()
        self.sales: dict[str, Sale] = {}
        self.wishes: dict[str, Refund] = {}
        """Refunds by their key."""
        self.errors: list[JournalError | None] = []
        """What the next writes come to; None: well."""
        self.saved_at: list[float] = []

    def rows(self) -> Rows:
        return self._rows

    def save(self, records: Sequence[Record], entries: Sequence[Entry], at: float) -> None:
        self._fail()
        self.saved_at.append(at)
        self._book.write("save", (tuple(records), tuple(entry.event for entry in entries)))
        self.sales |= {record.reference: record for record in records if isinstance(record, Sale)}
        self.wishes |= {record.key: record for record in records if isinstance(record, Refund)}

    def begin_anew(self) -> str:
        self._book.write("begin anew", "")
        self._fail()
        self.sales.clear()
        self.wishes.clear()
        return "journal.db.damaged-1"

    def _fail(self) -> None:
        if self.errors and (error := self.errors.pop(0)):
            raise error

    def find(self, reference: str) -> Sale | None:
        return self.sales.get(reference)

    def spent(self, payments: Sequence[str], reference: str) -> frozenset[str]:
        others = [sale.payments for sale in self.sales.values() if sale.reference != reference]
        return frozenset(payments) & frozenset[str]().union(*others)

    def paid_between(self, begin: float, end: float) -> tuple[str, ...]:
        return paid_between(self.sales.values(), begin, end)

    def day(self) -> Day | None:
        return Day(1, 0, 0, None, Totals())

    def books(self, references: Sequence[str], payments: Sequence[str]) -> Books | None:
        return books(self.sales.values(), {}, references, payments, self.wishes.values())

    def sale(self, number: int) -> Sale | None:
        return next((sale for sale in self.sales.values() if sale.number == number), None)

    def ticket(self, reference: str) -> Debt | None:
        return None

    def refunds(self, reference: str) -> tuple[Refund, ...] | None:
        return tuple(refund for refund in self.wishes.values() if refund.reference == reference)
