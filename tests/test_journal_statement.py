"""What the journal answers about an account's statement: to the loop, and to the technician's command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from kiosk.journal import schema
from kiosk.journal.reading import Reader
from kiosk.journal.writing import SqliteJournal
from kiosk.sale.events import Books
from kiosk.sale.records import Agreed, Dispute, Phase, Reason, Sale
from tests.refund_records import another, done

FIRST = Sale("R-1-x", 1, 2500, "BRL", (), "", 90.0, Phase.PAID, payments=("p1", "p2"), paid_at=100.0)
SECOND = Sale("R-2-y", 2, 900, "BRL", (), "", 190.0, Phase.PAID, payments=("p3",), paid_at=200.0)
CANCELLED = Sale("R-3-z", 3, 900, "BRL", (), "", 150.0, Phase.WITHDRAWN)
EXCESS = Dispute("p2:excess", "R-1-x", 1, 100, "BRL", Reason.EXCESS, 101.0)
LATE = Dispute("p9", "R-3-z", 3, 900, "BRL", Reason.SHORT, 160.0, settled="refunded")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def journal(path: Path) -> Iterator[SqliteJournal]:
    with closing(SqliteJournal(path)) as journal:
        journal.save([FIRST, SECOND, CANCELLED, EXCESS, LATE], [], 1.0)
        yield journal


@pytest.mark.parametrize(
    ("begin", "end", "payments"),
    [(100.0, 200.0, ("p1", "p2")), (100.0, 200.1, ("p1", "p2", "p3")), (0.0, 100.0, ()), (201.0, 999.0, ())],
)
def test_the_payments_of_a_time(
    path: Path, journal: SqliteJournal, begin: float, end: float, payments: tuple[str, ...]
) -> None:
    assert journal.paid_between(begin, end) == payments
    with Reader(path) as reader:
        assert reader.paid_between(begin, end) == payments


@pytest.mark.parametrize(
    ("references", "payments", "known"),
    [
        (["R-1-x", "nobody"], [], Books((FIRST,))),
        (["R-3-z"], ["p3"], Books((SECOND, CANCELLED))),
        ([], ["p2"], Books((FIRST,), (EXCESS,))),
        (["R-1-x", "R-1-x"], ["p1", "p1"], Books((FIRST,))),
        ([], ["p9"], Books((), (LATE,))),
        (["", "'; DROP TABLE sales; --", "\ud800"], ["", '"', "\ud800"], Books()),
    ],
)
def test_sales_by_reference_or_payment_and_disputes_by_payment(
    path: Path, journal: SqliteJournal, references: list[str], payments: list[str], known: Books
) -> None:
    assert journal.books(references, payments) == known
    with Reader(path) as reader:
        assert reader.books(references, payments) == known


def test_r24_refunds_of_the_payments_whatever_became_of_them(path: Path, journal: SqliteJournal) -> None:
    wanted, over = another(payment="p3"), done()
    excess = replace(done(another(key="key-3", payment="p2:excess"), "r11"), dispute="p2:excess")
    journal.save([wanted, over, excess], [], 1.0)
    assert journal.books([], ["p1", "p3"]) == Books((FIRST, SECOND), refunds=(wanted, over))
    assert journal.books([], ["p2"]) == Books((FIRST,), (EXCESS,), (excess,))
    assert journal.books(["R-1-x"], []) == Books((FIRST,))
    with Reader(path) as reader:
        assert reader.books([], ["p3"]) == Books((SECOND,), refunds=(wanted,))
        named = {"payments": "[]"}
        plan = [row["detail"] for row in reader._db.execute("EXPLAIN QUERY PLAN " + schema.REFUNDS_OF_STATEMENT, named)]
        assert not any(line.startswith("SCAN refunds") for line in plan)


def test_a_thousand_names_are_one_question(journal: SqliteJournal) -> None:
    names = [f"R-{number}-x" for number in range(5000)]
    assert journal.books(names, names) == Books((FIRST,))


def test_a_journal_that_cannot_be_read_knows_nothing_and_says_so(path: Path, journal: SqliteJournal) -> None:
    """None is not "no sale": nothing may follow from it."""
    journal._drop()
    path.rename(path.with_name("gone.db"))
    assert journal.books(["R-1-x"], []) is None
    assert journal.paid_between(0.0, 999.0) == ()


def test_how_far_the_account_agrees_outlives_the_kiosk(path: Path, journal: SqliteJournal) -> None:
    assert journal.rows().agreed_until is None
    journal.save([Agreed(1_900_000_000.125)], [], 1.0)
    journal.save([Agreed(1_900_003_600.123456)], [], 1.0)
    journal.close()
    with closing(SqliteJournal(path)) as again:
        assert again.rows().agreed_until == 1_900_003_600.123456


def test_a_time_is_found_without_reading_the_other_sales(path: Path, journal: SqliteJournal) -> None:
    """A million sales cost the hourly statement nothing."""
    assert journal.paid_between(0.0, 1.0) == ()
    with Reader(path) as reader:
        plan = [row["detail"] for row in reader._db.execute("EXPLAIN QUERY PLAN " + schema.PAID_BETWEEN, (0.0, 1.0))]
        assert any("INDEX sales_paid" in line for line in plan)
        assert not any(line.startswith("SCAN") for line in plan)
        named = {"references": "[]", "payments": "[]"}
        plan = [row["detail"] for row in reader._db.execute("EXPLAIN QUERY PLAN " + schema.SALES_OF_STATEMENT, named)]
        assert not any(line.startswith("SCAN sales") for line in plan)


def test_r21_a_copy_knows_up_to_which_sale_papers_may_be_out(
    path: Path, tmp_path: Path, journal: SqliteJournal
) -> None:
    """A ticket that is found owed later may have been printed after the copy was made."""
    assert journal.rows().restored == -1
    with Reader(path) as reader:
        reader.copy(tmp_path / "copy.db")
    with closing(SqliteJournal(tmp_path / "copy.db")) as copy:
        assert copy.rows().restored == CANCELLED.number
        copy.save([replace(CANCELLED, reference="R-4-w", number=4)], [], 1.0)
    with closing(SqliteJournal(tmp_path / "copy.db")) as again:
        assert again.rows().restored == CANCELLED.number
        with Reader(again.path) as reader:
            reader.copy(tmp_path / "second.db")
    with closing(SqliteJournal(tmp_path / "second.db")) as second:
        assert second.rows().restored == 4
    assert journal.rows().restored == -1
