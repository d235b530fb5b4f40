"""The journal as the loop has it: one connection, one thread, every ``save`` durable before it returns (law L7)."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeVar

from kiosk.journal import days, refunds, schema, statement
from kiosk.journal.check import BackgroundCheck
from kiosk.journal.days import close_of
from kiosk.journal.file import (
    JournalRuleError,
    connect,
    explain,
    explained,
    found_aside,
    lock,
    make,
    make_folder,
    migrate,
    refuse_damaged,
    set_aside,
    stopped_cleanly,
    version,
)
from kiosk.journal.migrations import MIGRATIONS
from kiosk.journal.putting import put
from kiosk.journal.refunds import pin_failed_of, refund_of
from kiosk.journal.rows import Row, agreed_of, debt_of, dispute_of, entry_values, moment, roll_of, sale_of, writable
from kiosk.ports import JournalDamagedError, JournalError
from kiosk.sale.days import Close, Day
from kiosk.sale.events import Books
from kiosk.sale.records import Debt, DebtState, Entry, PinTries, Record, Refund, Rows, Sale, record_key

CHECKED_AT_ONCE: Final = 8 * 1024 * 1024
"""Bytes up to which a journal is checked whole at every start: some four thousand sales, ten milliseconds on a PC, some
tenths of a second on a Pi Zero. A larger one is checked after an unclean stop only, beside the running counter."""
BUSY_S: Final = 2.0
"""Nobody else should ever write here. Someone who does (a shell on the file) may hold the counter up this long."""

T = TypeVar("T")


class SqliteJournal:
    """``kiosk.ports.Journal`` in an SQLite file: WAL, synchronous=FULL.

    ``anew``: a damaged file is set aside, and an empty journal begun; ``damage`` tells what was wrong with the old one.
    ``scripts`` makes a program of another version of it, for the tests of migrations.

    Raises:
        JournalBusyError: another kiosk runs on the file.
        JournalDamagedError: the file is no whole journal, and not to be set aside. It was not touched.
        JournalStrangeError: it is some other program's. It was not touched.
        JournalNewerError: a newer program wrote it.
        JournalError: it cannot be made, read or written.
    """

    def __init__(
        self,
        path: Path,
        busy_s: float = BUSY_S,
        *,
        anew: bool = False,
        scripts: Sequence[str] = MIGRATIONS,
    ) -> None:
        self.path = path
        self.damage = ""
        self._busy_s = busy_s
        self._scripts = scripts
        self._db: sqlite3.Connection | None = None
        self._check: BackgroundCheck | None = None
        self._identity: tuple[int, int] | None = None
        """The file as it was opened; None: a damaged one was set aside, and no new one could be begun yet."""
        self._aside = ""
        try:
            if path.exists() and not path.is_file():
                raise JournalError(f"journal {path}: this is no file")
            make_folder(path.parent)
            self._lock = lock(path)
        except OSError as error:
            raise JournalError(f"journal {path}: {error.strerror}") from error
        try:
            self._open_or_begin(anew)
        except JournalError:
            self.close()
            raise

    def _open_or_begin(self, anew: bool) -> None:
        try:
            self._open()
            if anew:
                self.rows()  # what is open must be readable, too: a large file is not checked whole before
        except JournalDamagedError as error:
            if not anew:
                raise
            self.damage = str(error)
            self._set_aside()
            self._open()
        if anew:
            for name in found_aside(self.path):
                self._take_over(self.path.with_name(name))

    def _open(self) -> None:
        try:
            make(self.path)
            large = self.path.stat().st_size > CHECKED_AT_ONCE
            unclean = not stopped_cleanly(self.path)
            refuse_damaged(self.path, deep=not large, known=len(self._scripts))
            self.path.chmod(0o600)  # only now: until here it may be anybody's
            identity = _identity(self.path)
        except OSError as error:
            raise JournalError(f"journal {self.path}: {error.strerror}") from error
        with explained(self.path):
            self._db = connect(self.path, "rw", self._busy_s)
            migrate(self._db, self._scripts)
            self._doubt_restored(self._db)
            if large and unclean:
                self._check = BackgroundCheck(self.path)
        self._identity = identity

    def _doubt_restored(self, db: sqlite3.Connection) -> None:
        """R21: in a restored copy, nobody knows what was printed or given back after it was made."""
        with db:
            db.execute("BEGIN IMMEDIATE")
            if db.execute(schema.UNMARK_COPY).rowcount:
                db.execute(schema.DOUBT_DEBTS)
                db.execute(schema.DOUBT_REFUNDS)
                db.execute(schema.DOUBT_SALES)

    def close(self) -> None:
        """Leave the file as a clean stop leaves it, and the lock to the next kiosk. May be called again.

        One that was found damaged is left as an unclean stop leaves it, so that the next start finds the damage again.
        """
        if self._check and self._check.damage:
            with self._untouched():
                self._let_go()
        self._let_go()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _take_over(self, damaged: Path) -> None:
        """What was open in a journal that lies aside, as far as it is not known here, and if all of it can be read.

        It is doubted like what comes from a backup (L3, R21): the newest pages may be the lost ones. Done at each
        start, so that a power cut after the file was set aside costs nothing; what is known here never changes.
        """
        with suppress(JournalError), explained(damaged), closing(connect(damaged, "ro", self._busy_s)) as db:
            if version(db) != len(self._scripts):
                return
            rows = _rows(db)
            sales = [replace(sale, restored=True) for sale in (*rows.watched, *reversed(rows.open))]
            debts = [replace(debt, state=DebtState.DOUBTFUL, tried=True) for debt in rows.debts]
            back = [replace(refund, doubt=True, restored=True) for refund in rows.refunds]
            closed = (rows.closed,) if rows.closed else ()
            tries = (PinTries(rows.pin_failed),) if rows.pin_failed else ()
            found: tuple[Record, ...] = (*closed, *sales, *debts, *rows.disputes, *back, *tries)
            unknown = [record for record in found if not self._knows(record)]
            if unknown:
                self.save(unknown, [], 0.0)

    def _knows(self, record: Record) -> bool:
        kind, _, key = record_key(record).partition(":")
        values = {"key": key, "payment": record.payment if isinstance(record, Refund) else ""}
        return self._connected().execute(schema.KNOWN[kind], values).fetchone() is not None

    def begin_anew(self) -> str:
        """Set the damaged file aside, untouched, and begin an empty one; answers the name that it now has.

        Raises:
            JournalError: no new one can be begun. It may be tried again.
        """
        if self._identity:
            self._set_aside()
        self._open()
        return self._aside

    def _set_aside(self) -> None:
        try:
            with self._untouched():
                self._let_go()
                self._aside = set_aside(self.path)
        except OSError as error:
            raise JournalError(f"journal {self.path}: {error.strerror}") from error
        self._identity = None

    @contextmanager
    def _untouched(self) -> Iterator[None]:
        """Nothing more is written into a damaged file, not even what its WAL holds: the last of its connections to be
        closed is one that cannot write."""
        with ExitStack() as last:
            with suppress(sqlite3.Error):
                db = last.enter_context(closing(connect(self.path, "ro", self._busy_s)))
                db.execute("SELECT 1 FROM sqlite_schema").fetchall()
            yield

    def wait_for_check(self, seconds: float) -> bool:
        """Wait for the end of the check that runs beside the counter, if one does; whether it has ended."""
        return self._check is None or self._check.wait(seconds)

    def rows(self) -> Rows:
        """What is not over, for ``resume``. Reads nothing else: it takes as long with a million sales as with ten.

        Raises:
            JournalDamagedError: a row cannot be read.
            JournalError: the file cannot be read.
        """
        with explained(self.path):
            return replace(_rows(self._connected()), set_aside=found_aside(self.path))

    def find(self, reference: str) -> Sale | None:
        """The sale of that reference, ours or foreign; None where there is none, or it cannot be read."""
        return self._found(schema.SALE_OF_REFERENCE, writable(reference))

    def _found(self, sql: str, value: str | int) -> Sale | None:
        try:
            with explained(self.path):
                return next(iter(_all(self._connected(), sql, sale_of, value)), None)
        except JournalError:
            return None

    def spent(self, payments: Sequence[str], reference: str) -> frozenset[str]:
        """Those of the payments that completed another sale than this one (none where that cannot be read)."""
        try:
            with explained(self.path):
                db = self._connected()
                owners = {
                    payment: db.execute(schema.OWNER_OF_PAYMENT, (writable(payment),)).fetchone()
                    for payment in payments
                }
        except JournalError:
            return frozenset()
        return frozenset(p for p, owner in owners.items() if owner and owner["reference"] != writable(reference))

    def paid_between(self, begin: float, end: float) -> tuple[str, ...]:
        """The payments of sales that were paid in that time (seconds since 1970); none where it cannot be read."""
        try:
            with explained(self.path):
                return statement.paid_between(self._connected(), begin, end)
        except JournalError:
            return ()

    def books(self, references: Sequence[str], payments: Sequence[str]) -> Books | None:
        """Sales with one of these references or payments, disputes over the payments and refunds of them; None: it
        cannot be read."""
        try:
            with explained(self.path):
                return statement.books(self._connected(), references, payments)
        except JournalError:
            return None

    def sale(self, number: int) -> Sale | None:
        """The sale of that number; None where there is none, or it cannot be read."""
        return self._found(schema.NUMBERED_SALE, number)

    def refunds(self, reference: str) -> tuple[Refund, ...] | None:
        """All refunds of that sale, whatever became of them; None: it cannot be read."""
        try:
            with explained(self.path):
                return refunds.of_sale(self._connected(), reference)
        except JournalError:
            return None

    def day(self) -> Day | None:
        """What it counted since the last Z; None: it cannot be read."""
        try:
            with explained(self.path):
                return days.day(self._connected())
        except JournalError:
            return None

    def ticket(self, reference: str) -> Debt | None:
        """That sale's ticket, however far it has come; None where none was ever owed, or it cannot be read."""
        try:
            with explained(self.path):
                rows = self._connected().execute(schema.PAPER_OF_ID, (writable(reference),))
                return next(map(debt_of, rows), None)
        except JournalError:
            return None

    def save(self, records: Sequence[Record], entries: Sequence[Entry], at: float) -> None:
        """Write all of it in one transaction, durable on return. ``at``: wall time for the log, seconds since 1970.

        After an error, the same call may be made again, and succeeds once the disk can be written. It is not known
        whether a transaction whose end failed is in the file: the records of a second attempt replace those of the
        first; its log entries may then stand twice.

        Raises:
            JournalRuleError: a rule of money forbids it (``schema``); nothing was written.
            JournalDamagedError: the file is found damaged.
            JournalError: it could not be written, or that is not known; or the file was taken away meanwhile.
        """
        self._refuse_lost()
        try:
            db = self._connected()
            with db:
                db.execute("BEGIN IMMEDIATE")
                # A Z first: what comes with it stands behind it.
                for record in sorted(records, key=lambda record: not isinstance(record, Close)):
                    put(db, self.path, record)
                db.executemany(schema.PUT_LOG, [entry_values(entry, at) for entry in entries])
        except OverflowError as error:
            raise JournalRuleError(f"journal {self.path}: refused to write: {error}") from error
        except UnicodeDecodeError as error:  # the tables' own texts are damaged: it was to be the words of a refusal
            self._drop()
            raise JournalDamagedError(f"journal {self.path}: the file is damaged ({error})") from error
        except sqlite3.Error as error:
            # A new connection reads the truth from the disk again, whatever this one still believes.
            self._drop()
            raise explain(self.path, error) from error

    def _connected(self) -> sqlite3.Connection:
        """The connection, made again where an error cost the last one. Never makes a file: that would lose the old."""
        if self._db is None:
            self._db = connect(self.path, "rw", self._busy_s)
        return self._db

    def _let_go(self) -> None:
        if self._check:
            self._check.close()
            self._check = None
        self._drop()

    def _drop(self) -> None:
        if self._db is not None:
            with closing(self._db):
                self._db = None

    def _refuse_lost(self) -> None:
        """SQLite writes on, into nothing, when its file is removed or replaced; and a damaged one is not made worse."""
        if self._identity is None:
            raise JournalDamagedError(f"journal {self.path}: it was damaged, and a new one could not be begun yet")
        try:
            here = _identity(self.path) == self._identity
        except OSError:
            here = False
        if not here:
            raise JournalError(f"journal {self.path}: the file was taken away or replaced while the kiosk runs")
        if self._check and self._check.damage:
            raise JournalDamagedError(f"journal {self.path}: the file is damaged ({self._check.damage})")


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def _rows(db: sqlite3.Connection) -> Rows:
    (number,) = db.execute(schema.LAST_NUMBER).fetchone()
    tickets = _all(db, schema.LAST_TICKET, debt_of)
    agreed = _all(db, schema.AGREED, agreed_of)
    restored = _all(db, schema.RESTORED, lambda row: int(row["value"]))
    return Rows(
        open=_all(db, schema.OPEN_SALES, sale_of),
        watched=_all(db, schema.WATCHED_SALES, sale_of),
        debts=_all(db, schema.OPEN_DEBTS, debt_of),
        disputes=_all(db, schema.OPEN_DISPUTES, dispute_of),
        refunds=_all(db, schema.OPEN_REFUNDS, refund_of),
        pin_failed=next(iter(_all(db, schema.PIN_TRIES, pin_failed_of)), 0),
        last_ticket=tickets[0] if tickets else None,
        last_number=number or 0,
        recent=_all(db, schema.LAST_SALES, sale_of),
        foreign_at=_all(db, schema.LAST_FOREIGN, lambda row: moment(row["made_at"])),
        agreed_until=agreed[0] if agreed else None,
        restored=restored[0] if restored else -1,
        roll=next(iter(_all(db, schema.ROLL, roll_of)), None),
        closed=next(iter(_all(db, schema.LAST_CLOSE, close_of)), None),
    )


def _all(db: sqlite3.Connection, sql: str, build: Callable[[Row], T], *values: str | int) -> tuple[T, ...]:
    return tuple(build(row) for row in db.execute(sql, values))
