"""One record into the tables, within a transaction that is another's affair (``writing``)."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import assert_never

from kiosk.journal import schema
from kiosk.journal.days import close_of, close_values
from kiosk.journal.file import JournalRuleError
from kiosk.journal.refunds import pin_tries_values, refund_values
from kiosk.journal.rows import (
    agreed_values,
    debt_values,
    dispute_values,
    payment_values,
    roll_values,
    sale_values,
    writable,
)
from kiosk.sale.days import Close
from kiosk.sale.records import Agreed, Debt, Dispute, PinTries, Record, Refund, RefundState, Roll, Sale


def put(db: sqlite3.Connection, path: Path, record: Record) -> None:
    """Write it in the place of what was known of it, and enter in the day book what belongs there.

    Raises:
        JournalRuleError, sqlite3.IntegrityError: a rule of money forbids it.
    """
    match record:
        case Sale():
            _put_payments(db, path, record)
            db.execute(schema.PUT_SALE, sale_values(record))
            if not record.foreign and not record.phase.open:
                db.execute(schema.ENTER_SALE, sale_values(record))
        case Debt():
            db.execute(schema.PUT_DEBT, debt_values(record))
        case Dispute():
            db.execute(schema.PUT_DISPUTE, dispute_values(record))
        case Refund():
            db.execute(schema.PUT_REFUND, refund_values(record))
            if record.state is RefundState.DONE:
                db.execute(schema.ENTER_REFUND, refund_values(record))
        case Agreed():
            db.execute(schema.PUT_AGREED, agreed_values(record))
        case Roll():
            db.execute(schema.PUT_ROLL, roll_values(record))
        case PinTries():
            db.execute(schema.PUT_PIN_TRIES, pin_tries_values(record))
        case Close():
            _put_close(db, path, record)
        case _ as never:
            assert_never(never)


def _put_close(db: sqlite3.Connection, path: Path, close: Close) -> None:
    """A Z that an error may have written is written once."""
    known = next(map(close_of, db.execute(schema.CLOSE_OF_NUMBER, (close.number,))), None)
    if known is None:
        db.execute(schema.PUT_CLOSE, close_values(close))
    elif known != close:
        raise JournalRuleError(f"journal {path}: refused to write: another Z {close.number} is there")


def _put_payments(db: sqlite3.Connection, path: Path, sale: Sale) -> None:
    """Payments come before their sale: the table of sales calls none paid that has no payment."""
    values = payment_values(sale)
    db.executemany(schema.PUT_PAYMENT, values)
    (kept,) = db.execute("SELECT count(*) FROM payments WHERE reference = ?", (writable(sale.reference),)).fetchone()
    if kept != len(values):
        raise JournalRuleError(
            f"journal {path}: refused to write: sale {sale.reference} has {kept} payments, not {len(values)}"
        )
