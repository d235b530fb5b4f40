"""What the journal counted: since the last Z, and on a day of the calendar. The same for the loop and the technician.

The figures of a span are the difference of two rows (``schema``, the day book): as fast after 100,000 sales as after
ten.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from kiosk.journal import schema
from kiosk.journal.rows import Row, Values, checked
from kiosk.sale.days import LATE_MAX, Close, Day, LateSale, Totals

_NEWEST: Final = 2**63 - 1
_COUNTED: Final = ("sales", "cents", "late_sales", "late_cents", "unpaid", "refunds", "refunded_cents")


def day(db: sqlite3.Connection) -> Day:
    """The day that is open: all behind the last Z.

    Raises:
        ValueError: a row cannot be read.
    """
    last = next(map(close_of, db.execute(schema.LAST_CLOSE)), None)
    after = last.upto if last else 0
    upto = max(after, _counted(db, _NEWEST)[0])
    return Day(
        number=last.number + 1 if last else 1,
        after=after,
        upto=upto,
        since=last.at if last else None,
        totals=_between(db, after, upto),
        late=tuple(map(_late_sale_of, db.execute(schema.LATE_AFTER, (after, upto, LATE_MAX)))),
    )


def close(db: sqlite3.Connection, number: int) -> Close | None:
    """The Z of that number; None where there is none.

    Raises:
        ValueError: the row cannot be read.
    """
    return next(map(close_of, db.execute(schema.CLOSE_OF_NUMBER, (number,))), None)


def paid_between(db: sqlite3.Connection, begin: float, end: float) -> Totals:
    """What was paid, ended unpaid, or was given back, in that time (seconds since 1970), the end not included."""
    paid = db.execute(schema.TOTALS_BETWEEN, (begin, end)).fetchone()
    (unpaid,) = db.execute(schema.UNPAID_BETWEEN, (begin, end)).fetchone()
    back = db.execute(schema.REFUNDED_BETWEEN, (begin, end)).fetchone()
    return _totals_of({**dict(paid), "unpaid": unpaid, **dict(back)})


def _between(db: sqlite3.Connection, after: int, upto: int) -> Totals:
    _, *before = _counted(db, after)
    _, *all_ = _counted(db, upto)
    return Totals(*(now - then for now, then in zip(all_, before, strict=True)))


def _counted(db: sqlite3.Connection, position: int) -> tuple[int, ...]:
    """The newest position up to that one, and what was counted until then."""
    row = db.execute(schema.COUNTED, (position,)).fetchone()
    return tuple(row) if row else (0,) * (1 + len(_COUNTED))


# --- rows -------------------------------------------------------------------------------------------------------------


def close_values(close: Close) -> Values:
    """The columns of a Z."""
    totals = close.totals
    return {
        "number": close.number,
        "closed_at": close.at,
        "after_position": close.after,
        "upto_position": close.upto,
        "sales": totals.sales,
        "cents": totals.cents,
        "late_sales": totals.late,
        "late_cents": totals.late_cents,
        "unpaid": totals.unpaid,
        "refunds": totals.refunds,
        "refunded_cents": totals.refunded_cents,
        "owed": close.owed,
        "watched": close.watched,
        "disputed": close.disputed,
        "disputed_cents": close.disputed_cents,
        "agreed_until": close.agreed_until,
        "differences": close.differences,
        "difference_cents": close.difference_cents,
    }


def close_of(row: Row) -> Close:
    """The Z of a row.

    Raises:
        ValueError: the row does not tell a Z.
    """
    close = Close(
        number=row["number"],
        at=row["closed_at"],
        after=row["after_position"],
        upto=row["upto_position"],
        totals=_totals_of(row),
        owed=row["owed"],
        watched=row["watched"],
        disputed=row["disputed"],
        disputed_cents=row["disputed_cents"],
        agreed_until=row["agreed_until"],
        differences=row["differences"],
        difference_cents=row["difference_cents"],
    )
    if close.number < 1 or not 0 <= close.after <= close.upto:
        raise ValueError(f"Z {close.number} over {close.after} to {close.upto}")
    return checked(close)


def _totals_of(row: Row) -> Totals:
    return checked(Totals(*(row[name] for name in _COUNTED)))


def _late_sale_of(row: Row) -> LateSale:
    return checked(LateSale(row["number"], row["cents"], row["made_at"]))
