"""The day book on the disk: each sale once as paid and once as over; a Z follows the last one, and stays."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from kiosk.journal import JournalRuleError, Reader, SqliteJournal, schema
from kiosk.journal.days import close_of, close_values
from kiosk.journal.migrations import MIGRATIONS
from kiosk.sale.days import LATE_MAX, Close, Day, LateSale, Totals
from kiosk.sale.records import Line, Phase, Sale

NOON = 1_796_050_800.0
RATHER_MANY = 100_000


def sale(number: int, phase: Phase = Phase.PAID, *, late: bool = False, at: float = NOON) -> Sale:
    paid = phase is Phase.PAID
    return Sale(
        *(f"POS-{number}-x", number, 100 * number, "BRL", (Line("a", 1, 100 * number),), "key", at, phase),
        payments=(f"p{number}",) if paid else (),
        paid_at=at if paid else None,
        ended_at=None if phase.open else at,
        late=late,
    )


def close(day: Day) -> Close:
    return Close(day.number, NOON, day.after, day.upto, day.totals)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SqliteJournal]:
    with closing(SqliteJournal(tmp_path / "journal.db")) as journal:
        yield journal


def save(journal: SqliteJournal, *records: Sale | Close) -> Day:
    """Save them one after the other; answers the open day."""
    for record in records:
        journal.save([record], [], NOON)
    day = journal.day()
    assert day is not None
    return day


def test_a_sale_counts_once_however_often_it_is_written(journal: SqliteJournal) -> None:
    story = [sale(1, phase) for phase in (Phase.PLACING, Phase.WAITING, Phase.PAID, Phase.PAID)]
    assert save(journal, *story) == Day(1, 0, 1, None, Totals(1, 100))
    journal.save([replace(story[-1], watched=True)], [], NOON)
    assert save(journal).totals == Totals(1, 100)


@pytest.mark.parametrize("phase", [Phase.WITHDRAWN, Phase.UNCONFIRMED, Phase.REFUSED])
def test_a_sale_that_ended_and_was_paid_after_all_counts_as_both(phase: Phase, journal: SqliteJournal) -> None:
    assert save(journal, sale(3, phase)).totals == Totals(unpaid=1)
    day = save(journal, sale(3, late=True))
    assert day.totals == Totals(1, 300, 1, 300, unpaid=1)
    assert day.late == (LateSale(3, 300, NOON),)


def test_an_order_that_is_not_ours_counts_nowhere(journal: SqliteJournal) -> None:
    foreign = replace(sale(0, Phase.WITHDRAWN), foreign=True)
    assert save(journal, foreign).totals == Totals()


def test_open_sales_count_when_they_are_over(journal: SqliteJournal) -> None:
    phases = [phase for phase in Phase if phase.open]
    assert save(journal, *(sale(number, phase) for number, phase in enumerate(phases, 1))).upto == 0


def saves(journal: SqliteJournal, *records: Sale | Close) -> Day:
    """The same, and no rule of the journal may stand in the way."""
    try:
        return save(journal, *records)
    except JournalRuleError as error:
        raise AssertionError(str(error)) from error


def test_each_sale_stands_in_the_z_after_it_and_in_no_other(tmp_path: Path) -> None:
    """Two Zs on one day, one without sales, and late money in the next one."""
    with closing(SqliteJournal(tmp_path / "journal.db")) as journal:
        first = close(saves(journal, sale(1), sale(2, Phase.WITHDRAWN)))
        second = close(saves(journal, first))
        third = close(saves(journal, second, sale(2, late=True), sale(4)))
        day = saves(journal, third, sale(5))
        assert [each.totals for each in (first, second, third)] == [
            Totals(1, 100, unpaid=1),
            Totals(),
            Totals(2, 600, 1, 200),
        ]
        assert day == Day(4, 4, 5, NOON, Totals(1, 500))
        assert journal.rows().closed == third
        with Reader(journal.path) as reader:
            assert [reader.close_of(number) for number in range(1, 5)] == [first, second, third, None]
            assert reader.day() == day


def test_late_sales_are_named_up_to_a_limit_and_counted_beyond_it(journal: SqliteJournal) -> None:
    day = save(journal, *(sale(number, late=True) for number in range(1, LATE_MAX + 3)))
    assert day.totals.late == LATE_MAX + 2
    assert [late.number for late in day.late] == [*range(1, LATE_MAX + 1)]


def test_a_z_is_written_once_and_never_changes(journal: SqliteJournal) -> None:
    """An error may have written it all the same: the same one again is the same one."""
    first = close(save(journal, sale(1)))
    save(journal, first, first)
    for other in (replace(first, owed=7), replace(first, number=3), replace(first, upto=2), replace(first, after=1)):
        with pytest.raises(JournalRuleError):
            save(journal, other)
    assert save(journal) == Day(2, 1, 1, NOON, Totals())
    second = close(save(journal))
    with sqlite3.connect(journal.path) as db:
        for sql in ("UPDATE closes SET cents = 0", "DELETE FROM closes", "DELETE FROM day_book"):
            with pytest.raises(sqlite3.IntegrityError, match=r"never|deleted|only grows"):
                db.execute(sql)
    save(journal, second)


@pytest.mark.parametrize("wrong", [Totals(2, 300), Totals(2, 200), Totals(1, 300), Totals()])
def test_a_z_that_is_not_the_sum_of_its_sales_is_refused(wrong: Totals, journal: SqliteJournal) -> None:
    """L2: not one too many, not one too few; and its twin is taken."""
    right = close(save(journal, sale(1), close(save(journal, sale(1))), sale(2)))
    with pytest.raises(JournalRuleError, match="a Z is the sum of its sales"):
        save(journal, replace(right, totals=wrong))
    with pytest.raises(JournalRuleError, match="a Z follows the last one"):
        save(journal, replace(right, after=0, totals=Totals(2, 300)))
    save(journal, right)


def test_what_is_written_with_a_z_stands_behind_it(tmp_path: Path) -> None:
    """Where it comes over from a damaged journal, with what was open there, its span is longer than this journal."""
    with closing(SqliteJournal(tmp_path / "journal.db")) as journal:
        journal.save([sale(2), Close(17, NOON, 40, 90, Totals(30, 3000)), sale(3)], [], NOON)
        assert save(journal) == Day(18, 90, 92, NOON, Totals(2, 500))


def test_a_new_journal_goes_on_with_the_old_ones_numbers_and_loses_no_sale(journal: SqliteJournal) -> None:
    """The damaged one's last Z comes over with what is still open: all of it counts in the next one."""
    day = save(journal, Close(17, NOON, 40, 90, Totals(30, 3000)))
    assert day == Day(18, 90, 90, NOON, Totals())
    day = save(journal, sale(3))
    assert day == Day(18, 90, 91, NOON, Totals(1, 300))
    assert save(journal, close(day)).number == 19


def test_what_an_older_kiosk_sold_is_in_the_first_day(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    SqliteJournal(path, scripts=MIGRATIONS[:2]).close()
    sold = "INSERT INTO sales (reference, number, cents, phase, late, %s) VALUES (?, ?, ?, ?, ?, %s)"
    usual = "currency, lines, key, made_at, foreign_order, puts, doubt, deleted, order_id, watched"
    with sqlite3.connect(path) as db:
        for number, phase, late in ((1, "paid", 0), (2, "withdrawn", 0), (3, "paid", 1), (4, "waiting", 0)):
            reference = f"POS-{number}-x"
            db.execute("INSERT INTO payments VALUES (?, ?, 0)", (f"p{number}", reference))
            values = "'BRL', '[[\"a\",1,400]]', 'key', 1.0, 0, 1, 0, 0, '', 0"
            db.execute(sold % (usual, values), (reference, number, number * 100, phase, late))
    with closing(SqliteJournal(path)) as journal:
        day = save(journal)
        assert day == Day(1, 0, 3, None, Totals(2, 400, 1, 300, unpaid=1), (LateSale(3, 300, 1.0),))
        assert save(journal, close(day), sale(4, at=NOON)).totals == Totals(1, 400)


def test_the_figures_of_many_sales_take_no_longer_than_those_of_few(journal: SqliteJournal) -> None:
    """Not timed: SQLite tells how it will answer, and no row but those asked for is read."""
    with sqlite3.connect(journal.path) as db:
        for sql, values in ((schema.COUNTED, (1,)), (schema.LATE_AFTER, (0, 9, 1)), (schema.LAST_CLOSE, ())):
            plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
            assert not [step for step in plan if step.startswith("SCAN") and step != "SCAN closes"], plan
        db.execute(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
            " INSERT INTO day_book SELECT i, 'r' || i, 1, 0, i, i * 100, 0, 0, 0, 0, 0 FROM n",
            (RATHER_MANY,),
        )
        db.commit()
    assert save(journal).totals == Totals(RATHER_MANY, RATHER_MANY * 100)
    assert save(journal, close(save(journal))).totals == Totals()


def test_a_row_that_tells_no_z_is_refused(journal: SqliteJournal) -> None:
    values = close_values(close(save(journal, sale(1)))) | {"refunds": 0}
    assert close_of(values).number == 1
    for broken in ({"number": 0}, {"after_position": 9}, {"closed_at": 1e20}, {"cents": "1"}, {"owed": None}):
        with pytest.raises(ValueError, match=r"Z|Close|Totals"):
            close_of(values | broken)
