"""The journal as the reading commands have it: read-only, also while the kiosk writes."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from kiosk.journal import days, refunds, schema, statement
from kiosk.journal.file import connect, explained, refuse_unknown, sync_folder, version
from kiosk.journal.migrations import MIGRATIONS
from kiosk.journal.rows import Row, checked, debt_of, dispute_of, entry_of, roll_of, sale_of
from kiosk.ports import JournalError
from kiosk.sale.days import Close, Day, Totals
from kiosk.sale.events import Books
from kiosk.sale.records import Debt, DebtState, Dispute, Entry, Refund, Roll, Sale

_BUSY_S = 5.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Listed:
    """A sale, and how far its ticket has come; ``paper`` None: no ticket was ever owed."""

    sale: Sale
    paper: DebtState | None
    refunded_cents: int = 0
    """What was given back of it; not of disputed money, which was never the sale's."""


@dataclass(frozen=True, slots=True)
class Logged:
    """An entry of the log with its place and wall time (seconds since 1970)."""

    seq: int
    at: float
    entry: Entry


@dataclass(frozen=True, slots=True)
class Story:
    """Everything the journal knows of one sale."""

    listed: Listed
    disputes: tuple[Dispute, ...]
    log: tuple[Logged, ...]
    refunds: tuple[Refund, ...] = ()
    """Of its money, disputed money too, whatever became of them."""


class Reader:
    """A journal opened for reading; a context manager.

    Raises:
        JournalError: no journal there, or it cannot be read.
        JournalDamagedError: it is no whole journal.
        JournalNewerError: a newer program wrote it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not os.path.exists(path):
            raise JournalError(f"journal {path}: there is none yet (the kiosk makes it when it first starts)")
        with explained(path):
            self._db = connect(path, "ro", _BUSY_S)
            try:
                self._refuse()
            except (JournalError, sqlite3.Error):
                self._db.close()
                raise

    def _refuse(self) -> None:
        refuse_unknown(self.path, self._db)
        if version(self._db) < len(MIGRATIONS):
            raise JournalError(f"journal {self.path}: of an older kiosk, or empty: start the kiosk once to renew it")

    def __enter__(self) -> Reader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def newest(self, limit: int) -> Iterator[Listed]:
        """The last ``limit`` sales, the newest first."""
        return self._each(schema.NEWEST_SALES, _listed, limit)

    def sales(self) -> Iterator[Listed]:
        """All sales, the oldest first, read while they are asked for: a million need no memory."""
        return self._each(schema.ALL_SALES, _listed)

    def story(self, number: int) -> Story | None:
        """All about the sale of that number; None where there is none."""
        found = tuple(self._each(schema.SALE_OF_NUMBER, _listed, number))
        if not found:
            return None
        disputes = tuple(self._each(schema.DISPUTES_OF_NUMBER, dispute_of, number))
        with explained(self.path):
            given_back = refunds.of_sale(self._db, found[0].sale.reference)
        return Story(found[0], disputes, self.log(number), given_back)

    def disputes(self) -> tuple[Dispute, ...]:
        """Disputed money that nobody has settled, the oldest first."""
        return tuple(self._each(schema.OPEN_DISPUTES, dispute_of))

    def log(self, number: int) -> tuple[Logged, ...]:
        """The log of the sale of that number, the oldest entry first."""
        return tuple(self._each(schema.LOG_OF_NUMBER, _logged, number))

    def ticket(self, number: int) -> Debt | None:
        """The ticket of the sale of that number, however far it has come; None where none was ever owed."""
        return next(iter(tuple(self._each(schema.TICKET_OF_NUMBER, debt_of, number))), None)

    def paper(self, id_: str) -> Debt | None:
        """The paper of that key, however far it has come; None where none was ever owed."""
        return next(iter(tuple(self._each(schema.PAPER_OF_ID, debt_of, id_))), None)

    def roll(self) -> Roll | None:
        """The paper counted since the roll was changed; None: nobody knows."""
        return next(iter(tuple(self._each(schema.ROLL, roll_of))), None)

    def troubles(self, limit: int) -> tuple[Logged, ...]:
        """The newest warnings and errors, the newest first."""
        return tuple(self._each(schema.LAST_TROUBLES, _logged, limit))

    def paid_between(self, begin: float, end: float) -> tuple[str, ...]:
        """The payments of sales that were paid in that time (seconds since 1970)."""
        with explained(self.path):
            return statement.paid_between(self._db, begin, end)

    def books(self, references: Sequence[str], payments: Sequence[str]) -> Books:
        """Sales with one of these references or payments, disputes over the payments and refunds of them."""
        with explained(self.path):
            return statement.books(self._db, references, payments)

    def day(self) -> Day:
        """What was counted since the last Z."""
        with explained(self.path):
            return days.day(self._db)

    def close_of(self, number: int) -> Close | None:
        """The Z of that number; None where there is none."""
        with explained(self.path):
            return days.close(self._db, number)

    def totals_between(self, begin: float, end: float) -> Totals:
        """What was paid, ended unpaid, or was given back, in that time (seconds since 1970), the end not included."""
        with explained(self.path):
            return days.paid_between(self._db, begin, end)

    def copy(self, target: Path) -> None:
        """A whole copy of the journal in a new file, also while the kiosk writes; on the disk when it returns.

        The copy carries a mark: a kiosk that starts on it doubts what was owed, and wanted back (R21). It gets its name
        when it is whole; whatever happens before leaves that name free, or an empty file.

        Raises:
            JournalError: the target exists, or cannot be written; none is left then.
        """
        part = target.with_name(target.name + ".part")
        with _refused(target), ExitStack() as undo:
            for file in (target, part):
                os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
                undo.callback(file.unlink)
            self._copy_into(part)
            part.replace(target)
            undo.pop_all()
            sync_folder(target.absolute().parent)

    def _copy_into(self, part: Path) -> None:
        with closing(connect(part, "rw", _BUSY_S)) as copy:
            self._db.backup(copy)
            copy.execute(schema.MARK_COPY)
        descriptor = os.open(part, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _each(self, sql: str, build: Callable[[Row], T], *values: int | str) -> Iterator[T]:
        with explained(self.path):
            for row in self._db.execute(sql, values):
                yield build(row)


@contextmanager
def _refused(target: Path) -> Iterator[None]:
    """Why the copy cannot be made, in one line."""
    try:
        yield
    except OSError as error:
        raise JournalError(f"copy {error.filename or target}: {error.strerror}") from error
    except sqlite3.Error as error:
        raise JournalError(f"copy {target}: {error}") from error


def _listed(row: Row) -> Listed:
    paper = None if row["paper"] is None else DebtState(row["paper"])
    return checked(Listed(sale_of(row), paper, row["refunded_cents"]))


def _logged(row: Row) -> Logged:
    return checked(Logged(row["seq"], row["at"], entry_of(row)))
