"""Reading the journal while the kiosk writes it, and saying what is wrong where it cannot be read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from kiosk.journal import schema
from kiosk.journal.file import JournalNewerError, make
from kiosk.journal.reading import Listed, Reader, Story
from kiosk.journal.writing import SqliteJournal
from kiosk.ports import JournalDamagedError, JournalError
from kiosk.sale.records import Debt, DebtState, Dispute, Entry, Phase, Reason, Roll, Sale, Ticket
from tests.refund_records import another, done, refused

NOW = 1_790_000_000.0
FIRST = Sale("R-1-x", 1, 2500, "BRL", (), "", NOW, Phase.PAID, payments=("p1", "p2"))
SECOND = Sale("R-2-y", 2, 900, "BRL", (), "", NOW + 60)
FOREIGN = Sale("other", 0, 5, "BRL", (), "", NOW + 70, foreign=True)
TICKET = Debt("R-1-x", 1, 2500, Ticket(()), NOW, state=DebtState.PRINTED)
SECOND_PAYMENT = Dispute("p3", "R-1-x", 1, 2500, "BRL", Reason.SECOND, NOW)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def journal(path: Path) -> Iterator[SqliteJournal]:
    with closing(SqliteJournal(path)) as journal:
        yield journal


def test_what_the_kiosk_saved_is_read_while_it_runs(path: Path, journal: SqliteJournal) -> None:
    journal.save([FIRST, TICKET], [], NOW)
    with Reader(path) as reader:
        assert list(reader.newest(10)) == [Listed(FIRST, DebtState.PRINTED)]
        journal.save([SECOND, FOREIGN], [], NOW)
        assert list(reader.newest(10)) == [
            Listed(FOREIGN, None),
            Listed(SECOND, None),
            Listed(FIRST, DebtState.PRINTED),
        ]
        assert [listed.sale for listed in reader.newest(2)] == [FOREIGN, SECOND]
        assert [listed.sale for listed in reader.sales()] == [FIRST, SECOND, FOREIGN]


def test_a_reader_that_stops_in_the_middle_does_not_hold_the_kiosk_up(path: Path, journal: SqliteJournal) -> None:
    journal.save([FIRST, SECOND], [], NOW)
    with Reader(path) as reader:
        sales = reader.sales()
        assert next(sales).sale == FIRST
        journal.save([FOREIGN], [], NOW)
        assert [listed.sale for listed in sales] == [SECOND]  # as it was when the question was asked


def test_the_story_of_a_sale_is_its_own(path: Path, journal: SqliteJournal) -> None:
    made = Entry("made", "made", "R-1-x", 1)
    paid = Entry("paid", "paid", "R-1-x", 1, 2500, "req", 5)
    journal.save([FIRST, TICKET, SECOND, FOREIGN], [made, Entry("made", "other", number=2)], NOW)
    journal.save([SECOND_PAYMENT], [paid, Entry("foreign-order", "x")], NOW + 5)
    with Reader(path) as reader:
        story = reader.story(1)
        assert isinstance(story, Story)
        assert (story.listed, story.disputes) == (Listed(FIRST, DebtState.PRINTED), (SECOND_PAYMENT,))
        assert [(logged.seq, logged.at, logged.entry) for logged in story.log] == [(1, NOW, made), (3, NOW + 5, paid)]
        assert reader.story(2) == Story(Listed(SECOND, None), (), reader.log(2))
        assert reader.story(3) is None
        assert reader.story(0) is None


def test_the_story_of_a_sale_tells_what_was_given_back_and_who_settled_what(path: Path, journal: SqliteJournal) -> None:
    """Of the sale itself; what was given back of disputed money was never the sale's."""
    part = replace(done(), cents=1000, whole=False)
    of_dispute = replace(done(another(payment="p3"), "r11"), dispute="p3")
    settled = replace(SECOND_PAYMENT, settled="refunded", settled_by="Ana", settled_at=NOW)
    open_one = replace(SECOND_PAYMENT, payment="p4")
    more = [refused(another(key="key-3")), another(key="key-4")]
    journal.save([FIRST, TICKET, part, of_dispute, settled, open_one, *more], [], NOW)
    with Reader(path) as reader:
        story = reader.story(1)
        assert story is not None
        assert story.listed == Listed(FIRST, DebtState.PRINTED, 1000)
        assert story.refunds == (part, of_dispute, *more)
        assert story.disputes == (settled, open_one)
        assert reader.disputes() == (open_one,)
        plan = [row["detail"] for row in reader._db.execute("EXPLAIN QUERY PLAN " + schema.NEWEST_SALES, (1,))]
        assert not any("SCAN refunds" in line for line in plan)


def test_a_journal_is_read_after_a_clean_stop_and_after_a_kill(path: Path, tmp_path: Path) -> None:
    with closing(SqliteJournal(path)) as journal:
        journal.save([FIRST], [], NOW)
        killed = tmp_path / "killed.db"
        for suffix in ("", "-wal"):
            Path(f"{killed}{suffix}").write_bytes(Path(f"{path}{suffix}").read_bytes())
    for file in (path, killed):
        with Reader(file) as reader:
            assert [listed.sale for listed in reader.sales()] == [FIRST]


def test_reading_changes_nothing_and_makes_nothing(path: Path) -> None:
    with pytest.raises(JournalError, match="there is none yet"):
        Reader(path)
    assert not path.exists()
    with closing(SqliteJournal(path)) as journal:
        journal.save([FIRST], [], NOW)
    before = path.read_bytes()
    with Reader(path) as reader:
        assert len(list(reader.sales())) == 1
    assert path.read_bytes() == before


def test_a_journal_that_no_kiosk_has_begun_is_told(path: Path) -> None:
    make(path)
    with pytest.raises(JournalError, match="start the kiosk once"):
        Reader(path)


def test_a_newer_journal_and_no_journal_are_told(path: Path) -> None:
    SqliteJournal(path).close()
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA user_version = 99")
    with pytest.raises(JournalNewerError, match="upgrade"):
        Reader(path)
    path.write_text("no journal " * 100)
    with pytest.raises(JournalDamagedError, match="damaged"):
        Reader(path)


def test_a_row_that_cannot_be_read_is_told_and_those_before_it_are_read(path: Path, journal: SqliteJournal) -> None:
    journal.save([FIRST, SECOND], [], NOW)
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("UPDATE sales SET why = 'unheard-of' WHERE number = 2")
    with Reader(path) as reader:
        sales = reader.sales()
        assert next(sales).sale == FIRST
        with pytest.raises(JournalDamagedError, match="unheard-of"):
            next(sales)


def test_a_column_that_damage_renamed_is_told(path: Path, journal: SqliteJournal) -> None:
    """Found by fuzzing: a damaged byte in the text of the tables made an ``IndexError`` of ``sqlite3.Row``."""
    journal.save([FIRST], [], NOW)
    with closing(sqlite3.connect(path)) as other, other:
        other.executescript("ALTER TABLE sales RENAME COLUMN lines TO linds")
    with Reader(path) as reader, pytest.raises(JournalDamagedError, match="No item with that key"):
        next(reader.sales())


def test_a_copy_made_while_the_kiosk_writes_is_whole_private_and_one_file(
    path: Path, journal: SqliteJournal, tmp_path: Path
) -> None:
    journal.save([FIRST, SECOND], [], NOW)
    copies = tmp_path / "copies"
    copies.mkdir()
    with Reader(path) as reader:
        reader.copy(copies / "copy.db")
    journal.save([FOREIGN], [], NOW)
    assert [file.name for file in copies.iterdir()] == ["copy.db"]
    assert (copies / "copy.db").stat().st_mode & 0o777 == 0o600
    with Reader(copies / "copy.db") as reader:
        assert [listed.sale for listed in reader.sales()] == [FIRST, SECOND]


def test_a_copy_replaces_no_file(path: Path, journal: SqliteJournal, tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("kept")
    with Reader(path) as reader:
        with pytest.raises(JournalError, match="File exists"):
            reader.copy(target)
        reader.copy(tmp_path / "free")
    assert target.read_text() == "kept"
    assert journal.rows().open == ()


# --- tickets, paper, troubles -----------------------------------------------------------------------------------------


def test_a_ticket_is_found_by_its_sales_number_and_no_slip_is_taken_for_it(path: Path, journal: SqliteJournal) -> None:
    slip = Debt("slip:p3", 1, 2500, Ticket(()), NOW, state=DebtState.OWED)
    journal.save([FIRST, TICKET, slip, SECOND, FOREIGN], [], NOW)
    with Reader(path) as reader:
        assert reader.ticket(1) == TICKET
        assert [reader.ticket(number) for number in (0, 2, 9)] == [None, None, None]
        plan = [row["detail"] for row in reader._db.execute("EXPLAIN QUERY PLAN " + schema.TICKET_OF_NUMBER, (1,))]
        assert not any(line.startswith("SCAN") for line in plan), "a million others are not read for it"


def test_the_count_of_paper_outlives_the_kiosk(path: Path, journal: SqliteJournal) -> None:
    with Reader(path) as reader:
        assert reader.roll() is None
    assert journal.rows().roll is None
    journal.save([Roll(100, NOW, 90)], [], NOW)
    journal.save([Roll(12_345, NOW, 110)], [], NOW)
    journal.close()
    with Reader(path) as reader:
        assert reader.roll() == Roll(12_345, NOW, 110)
    with closing(SqliteJournal(path)) as again:
        assert again.rows().roll == Roll(12_345, NOW, 110)


@pytest.mark.parametrize(
    "value", ["", "no JSON", "[1]", "[-5, 1.0, 90]", "[5, 1.0, -90]", '["5", 1.0, 90]', "[5, 1e99, 9]"]
)
def test_a_count_that_tells_nothing_costs_nobody_the_journal(path: Path, journal: SqliteJournal, value: str) -> None:
    """L9: it is not known then, and the next one takes its place."""
    journal.save([FIRST, TICKET], [], NOW)
    with journal._connected() as db:
        db.execute("INSERT INTO meta (key, value) VALUES ('roll', ?)", (value,))
    assert journal.rows().roll is None
    assert journal.rows().last_ticket == TICKET
    journal.save([Roll(5, NOW, 90)], [], NOW)
    assert journal.rows().roll == Roll(5, NOW, 90)


def test_the_last_troubles_are_the_newest_warnings_and_errors(path: Path, journal: SqliteJournal) -> None:
    entries = [Entry(f"e{n}", "", level=level) for n, level in enumerate((3, 6, 4, 5, 4, 6))]
    journal.save([], entries, NOW)
    with Reader(path) as reader:
        assert [logged.entry.event for logged in reader.troubles(2)] == ["e4", "e2"]
        assert [logged.entry.event for logged in reader.troubles(9)] == ["e4", "e2", "e0"]
        assert reader.troubles(9)[0].at == NOW
