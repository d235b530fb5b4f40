"""The journal's speed: durable saves a second, and a start with many sales over a start with none.

    python tests/bench/bench_journal.py [--full]

Prints counts and ratios; asserts nothing. ``--full`` fills in 1,000,000 sales (some 2 GB on disk), else 100,000. The
budget of the start: at most 1.2.
"""

from __future__ import annotations

import argparse
import sqlite3
import statistics
import tempfile
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from time import perf_counter

from kiosk.journal import SqliteJournal
from kiosk.sale.records import Debt, Entry, Line, Phase, Sale, Ticket, TicketLine

SAVES = 500
STARTS = 31
CHECKED_SALES = 4400
"""Sales of a journal just below ``kiosk.journal.writing.CHECKED_AT_ONCE``."""
TICKET = Ticket(tuple(TicketLine(f"line {number} of a ticket", "R$ 25,00") for number in range(14)), "R")

# A sale that is over, with its payment, its printed ticket and six entries of its log, as the machine writes it.
FILL = (
    """INSERT INTO payments (payment, reference, position)
       WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :sales)
       SELECT CAST(100000000000 + i AS TEXT), printf('KIOSK001-%d-AbCdEfGhIjKlMn', i), 0 FROM n""",
    """INSERT INTO sales (reference, number, cents, currency, lines, key, made_at, phase, foreign_order, puts, doubt,
           deleted, expires, order_id, paid_at, late, ended_at, watched)
       SELECT reference, payment - 100000000000, 2500, 'BRL', '[["Shop",1,2500]]', hex(randomblob(16)),
           1.79e9 + payment % 1000000, 'paid', 0, 1, 0, 0, 1.79e9, payment, 1.79e9, 0, 1.79e9, 0
       FROM payments ORDER BY payment""",
    """INSERT INTO debts (id, number, cents, ticket, owed_at, marks, state, tried)
       SELECT reference, number, cents, (SELECT ticket FROM debts WHERE id = 'pattern'), paid_at, '[]', 'printed', 0
       FROM sales ORDER BY id""",
    """INSERT INTO log (at, event, text, reference, number, cents, request_id, level)
       SELECT paid_at + i, 'event', 'sale ' || number || ': something happened to it', reference, number, cents, '', 6
       FROM sales, (SELECT value AS i FROM json_each('[1,2,3,4,5,6]')) ORDER BY id, i""",
)


def fill(path: Path, sales: int) -> None:
    """Make a journal with that many sales that are over."""
    with closing(SqliteJournal(path)) as journal:
        journal.save([Debt("pattern", 0, 2500, TICKET, 1.79e9)], [], 1.79e9)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous = OFF")
        db.execute("BEGIN")
        for statement in FILL:
            db.execute(statement, {"sales": sales} if ":sales" in statement else {})
        db.execute("UPDATE debts SET state = 'printed'")
        db.execute("COMMIT")


def start_s(path: Path) -> float:
    """Seconds from nothing to what ``resume`` needs."""
    began = perf_counter()
    journal = SqliteJournal(path, anew=True)
    journal.rows()
    took = perf_counter() - began
    journal.close()
    return took


def starts_s(paths: Iterable[Path]) -> list[float]:
    """The median start of each journal; they take turns, so that the machine's moods meet all of them."""
    times = [[start_s(path) for path in paths] for _ in range(STARTS)]
    return [statistics.median(one) for one in zip(*times, strict=True)]


def saves_per_second(path: Path, first: int) -> float:
    """One save after the other, each with the records and entries of a sale's step."""
    with closing(SqliteJournal(path)) as journal:
        began = perf_counter()
        for number in range(first, first + SAVES):
            reference = f"KIOSK001-{number}-AbCdEfGhIjKlMn"
            sale = Sale(reference, number, 2500, "BRL", (Line("Shop", 1, 2500),), "key", 1.79e9, Phase.PLACING, puts=1)
            journal.save([sale], [Entry("placing", "sale: placing the order", reference, number, 2500)], 1.79e9)
        return SAVES / (perf_counter() - began)


def main() -> None:
    """Print it all."""
    parser = argparse.ArgumentParser(description="how fast the journal is")
    parser.add_argument("--full", action="store_true", help="1,000,000 sales instead of 100,000")
    sales = 1_000_000 if parser.parse_args().full else 100_000
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:  # a disk: /tmp may be memory
        empty, some, many = (Path(folder) / name for name in ("empty.db", "some.db", "many.db"))
        SqliteJournal(empty).close()
        fill(some, CHECKED_SALES)
        fill(many, sales)
        print(f"journal of {sales} sales: {many.stat().st_size / 1e6:.0f} MB")
        none, checked, large = starts_s((empty, some, many))
        print(f"start: empty {none * 1e3:.2f} ms, {sales} sales {large * 1e3:.2f} ms, ratio {large / none:.2f}")
        print(f"       {CHECKED_SALES} sales, the most that are checked at every start: {checked * 1e3:.2f} ms")
        print(f"durable saves a second: empty {saves_per_second(empty, 1):.0f}, ", end="")
        print(f"{sales} sales {saves_per_second(many, sales + 1):.0f}")


if __name__ == "__main__":
    main()
