"""What is done with one record: the laws of a refund, and its place in the day book."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from kiosk.journal import JournalRuleError, Reader, SqliteJournal, schema
from kiosk.journal.file import migrate
from kiosk.journal.migrations import MIGRATIONS
from kiosk.journal.putting import put
from kiosk.sale.days import Close, Day, Totals
from kiosk.sale.records import Line, Phase, Record, Refund, Sale
from tests.refund_records import NOON, REFUND, another, done, refused

SOLD = Sale(
    *("R-1-x", 1, 2500, "BRL", (Line("a", 1, 2500),), "key", NOON, Phase.PAID),
    payments=("p1",),
    paid_at=NOON,
    ended_at=NOON,
)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SqliteJournal]:
    with closing(SqliteJournal(tmp_path / "journal.db")) as journal:
        yield journal


def save(journal: SqliteJournal, *records: Record) -> Day:
    """Save them one after the other; answers the open day."""
    for record in records:
        journal.save([record], [], NOON)
    day = journal.day()
    assert day is not None
    return day


# --- the laws of a refund (R24) ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "other",
    [
        replace(REFUND, payment="p2"),
        replace(REFUND, reference="R-2-y"),
        replace(REFUND, number=2),
        replace(REFUND, cents=2499),
        replace(REFUND, currency="ARS"),
        replace(REFUND, whole=False),
        replace(REFUND, by="Eva"),
        replace(REFUND, known=("r8",)),
        replace(REFUND, dispute="p1"),
    ],
)
def test_r24_what_was_decided_never_changes(journal: SqliteJournal, other: Refund) -> None:
    save(journal, REFUND)
    with pytest.raises(JournalRuleError, match="what was decided of a refund never changes"):
        save(journal, other)
    assert journal.rows().refunds == (REFUND,)
    save(journal, replace(REFUND, tries=1))
    assert journal.rows().refunds == (replace(REFUND, tries=1),)


@pytest.mark.parametrize("over", [done(), refused()])
def test_r24_a_refund_that_is_over_stays_what_it_is(journal: SqliteJournal, over: Refund) -> None:
    save(journal, REFUND, over, over)
    for other in {REFUND, done(), refused()} - {over}:
        with pytest.raises(JournalRuleError, match="done stays done, and one that is refused stays refused"):
            save(journal, other)
    assert journal.refunds("R-1-x") == (over,)


def test_r24_no_second_refund_of_a_payment_is_wanted_before_the_first_is_over(tmp_path: Path) -> None:
    second = another(payment="p1")
    with closing(SqliteJournal(tmp_path / "journal.db")) as journal:
        save(journal, REFUND, another(key="key-3", payment="p3"))
        with pytest.raises(JournalRuleError, match=r"UNIQUE.*payment"):
            save(journal, second)
        save(journal, refused(), second)
        assert [refund.key for refund in journal.rows().refunds] == ["key-3", "key-2"]


def test_r24_a_refund_of_the_account_is_one_of_ours_only(journal: SqliteJournal) -> None:
    save(journal, done(), another())
    with pytest.raises(JournalRuleError, match=r"UNIQUE.*refund_id"):
        save(journal, done(another()))
    save(journal, done(another(), "r11"), refused(another(key="key-3")), refused(another(key="key-4")))
    assert len(journal.refunds("R-1-x") or ()) == 4  # two of them without an id


def test_no_refund_is_lost(journal: SqliteJournal) -> None:
    save(journal, REFUND)
    with sqlite3.connect(journal.path) as db, pytest.raises(sqlite3.IntegrityError, match="no refund is deleted"):
        db.execute("DELETE FROM refunds")


# --- the day book -----------------------------------------------------------------------------------------------------


def test_l2_a_refund_counts_once_when_it_is_done(journal: SqliteJournal) -> None:
    assert save(journal, SOLD, REFUND, replace(REFUND, tries=1)).totals == Totals(1, 2500)
    assert save(journal, done()) == Day(1, 0, 2, None, Totals(1, 2500, refunds=1, refunded_cents=2500))
    assert save(journal, replace(done(), why="seen again")).upto == 2
    assert save(journal, another(), refused(another())).upto == 2


def test_l2_a_refund_stands_in_the_z_after_it_and_in_no_other(journal: SqliteJournal) -> None:
    day = save(journal, SOLD, REFUND)
    first = Close(1, NOON, day.after, day.upto, day.totals)
    day = save(journal, first, done())
    assert day == Day(2, 1, 2, NOON, Totals(refunds=1, refunded_cents=2500))
    second = Close(2, NOON, day.after, day.upto, day.totals)
    for wrong in (Totals(), Totals(refunds=1), Totals(refunds=2, refunded_cents=2500), Totals(refunded_cents=2500)):
        with pytest.raises(JournalRuleError, match="the sum of its sales and refunds"):
            save(journal, replace(second, totals=wrong))
    assert save(journal, second) == Day(3, 2, 2, NOON, Totals())
    with Reader(journal.path) as reader:
        assert reader.close_of(2) == second


def test_a_refund_in_a_journal_that_took_a_damaged_ones_place_stands_behind_its_zs(journal: SqliteJournal) -> None:
    assert save(journal, Close(17, NOON, 40, 90, Totals(30, 3000)), done()).upto == 91


def test_what_was_given_back_on_a_day_of_the_calendar(journal: SqliteJournal) -> None:
    save(journal, SOLD, done(), another())
    with Reader(journal.path) as reader:
        assert reader.totals_between(NOON, NOON + 5) == Totals(1, 2500)
        assert reader.totals_between(NOON + 5, NOON + 6) == Totals(refunds=1, refunded_cents=2500)
        plan = [row["detail"] for row in reader._db.execute("EXPLAIN QUERY PLAN " + schema.REFUNDED_BETWEEN, (0, 1))]
        assert not any(line.startswith("SCAN") for line in plan), "a million others are not read for it"


def test_zs_of_an_older_kiosk_are_counted_on(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    SqliteJournal(path, scripts=MIGRATIONS[:3]).close()
    with sqlite3.connect(path) as db:
        db.execute("INSERT INTO day_book VALUES (1, 'R-9-x', 0, 0, 0, 0, 0, 0, 1)")
        db.execute("INSERT INTO closes VALUES (1, 1.0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, NULL, 0, 0)")
    with closing(SqliteJournal(path)) as journal:
        assert save(journal, done()) == Day(2, 1, 2, 1.0, Totals(refunds=1, refunded_cents=2500))


def test_a_refund_that_is_wanted_enters_no_day_book() -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        migrate(db)
        for record, entered in ((REFUND, 0), (done(), 1)):
            put(db, Path("journal"), record)
            assert db.execute("SELECT count(*) FROM day_book").fetchone() == (entered,)
