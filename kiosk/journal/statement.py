"""What the journal knows of an account's statement: the same questions for the loop and for the technician."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from kiosk.journal import schema
from kiosk.journal.refunds import refund_of
from kiosk.journal.rows import dispute_of, sale_of, writable
from kiosk.sale.events import Books


def paid_between(db: sqlite3.Connection, begin: float, end: float) -> tuple[str, ...]:
    """The payments of sales that were paid in that time (seconds since 1970), the end not included."""
    return tuple(row["payment"] for row in db.execute(schema.PAID_BETWEEN, (begin, end)))


def books(db: sqlite3.Connection, references: Sequence[str], payments: Sequence[str]) -> Books:
    """Sales with one of these references or payments, disputes over the payments and refunds of them.

    Raises:
        ValueError: a row cannot be read.
    """
    named = {"references": _list(references), "payments": _list(payments)}
    of_payments = {"payments": named["payments"]}
    return Books(
        sales=tuple(map(sale_of, db.execute(schema.SALES_OF_STATEMENT, named))),
        disputes=tuple(map(dispute_of, db.execute(schema.DISPUTES_OF_STATEMENT, of_payments))),
        refunds=tuple(map(refund_of, db.execute(schema.REFUNDS_OF_STATEMENT, of_payments))),
    )


def _list(names: Sequence[str]) -> str:
    return json.dumps(sorted({writable(name) for name in names if name}))
