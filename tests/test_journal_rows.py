"""Records and rows: what was written is what is read, for every value a record can have."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.journal import rows, schema
from kiosk.journal.file import migrate
from kiosk.sale.records import (
    Align,
    Debt,
    DebtState,
    Dispute,
    Entry,
    Line,
    Mark,
    Phase,
    Reason,
    Sale,
    Size,
    Ticket,
    TicketLine,
    Why,
)

texts = st.text(st.characters(codec="utf-8"), max_size=20)
"""Any text with an encoding: NUL, line ends and quotes included."""
amounts = st.integers(1, 2**63 - 1)
times = st.floats(-62_000_000_000.0, 253_000_000_000.0)
"""All that a calendar can show, from year 5 to 9987."""
maybe_times = st.none() | times
lines = st.builds(Line, texts, st.integers(1, 999), amounts)
ticket_lines = st.builds(
    TicketLine, texts, texts, st.sampled_from(Align), st.sampled_from(Size), st.booleans(), st.booleans()
)
sales = st.builds(
    Sale,
    reference=texts,
    number=st.integers(0, 2**63 - 1),
    cents=amounts,
    currency=texts,
    lines=st.lists(lines, max_size=3).map(tuple),
    key=texts,
    made_at=times,
    phase=st.sampled_from(Phase),
    why=st.none() | st.sampled_from(Why),
    foreign=st.booleans(),
    puts=st.integers(0, 9),
    doubt=st.booleans(),
    deleted=st.booleans(),
    expires=maybe_times,
    order_id=texts,
    payments=st.lists(texts.filter(bool), min_size=1, max_size=4, unique=True).map(tuple),
    paid_at=maybe_times,
    late=st.booleans(),
    restored=st.booleans(),
    ended_at=maybe_times,
    watched=st.booleans(),
)
debts = st.builds(
    Debt,
    id=texts,
    number=st.integers(0, 2**63 - 1),
    cents=amounts,
    ticket=st.builds(Ticket, st.lists(ticket_lines, max_size=4).map(tuple), texts),
    owed_at=times,
    marks=st.lists(st.sampled_from(Mark), max_size=3).map(tuple),
    state=st.sampled_from(DebtState),
    tried=st.booleans(),
)
disputes = st.builds(
    Dispute,
    *(texts.filter(bool), texts, st.integers(0, 99), amounts, texts, st.sampled_from(Reason), times, texts, texts),
    settled_at=maybe_times,
)
entries = st.builds(
    Entry, texts, texts, texts, st.integers(0, 99), st.none() | amounts, texts, st.integers(0, 7)
)  # fmt: skip

SALE = Sale("R-1-x", 1, 2500, "BRL", (Line("Shop", 1, 2500),), "k", 1.0)
DEBT = Debt("R-1-x", 1, 2500, Ticket((TicketLine("x"),)), 1.0)


@contextmanager
def tables() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        db.row_factory = sqlite3.Row
        migrate(db)
        yield db


def through_tables(sale: Sale) -> sqlite3.Row:
    with tables() as db:
        db.execute("BEGIN")
        db.executemany(schema.PUT_PAYMENT, rows.payment_values(sale))
        db.execute(schema.PUT_SALE, rows.sale_values(sale))
        row = db.execute(schema.SALE_OF_REFERENCE, (sale.reference,)).fetchone()
        assert isinstance(row, sqlite3.Row)
        return row


def row_of(put: str, values: rows.Values, table: str) -> sqlite3.Row:
    with tables() as db:
        db.execute(put, values)
        row = db.execute(f"SELECT * FROM {table}").fetchone()
        assert isinstance(row, sqlite3.Row)
        return row


@settings(max_examples=60, deadline=None)
@given(sales)
def test_a_sale_comes_back_as_it_was(sale: Sale) -> None:
    assert rows.sale_of(through_tables(sale)) == sale


@settings(max_examples=60, deadline=None)
@given(debts)
def test_a_debt_comes_back_as_it_was(debt: Debt) -> None:
    assert rows.debt_of(row_of(schema.PUT_DEBT, rows.debt_values(debt), "debts")) == debt


@settings(max_examples=60, deadline=None)
@given(disputes)
def test_a_dispute_comes_back_as_it_was(dispute: Dispute) -> None:
    assert rows.dispute_of(row_of(schema.PUT_DISPUTE, rows.dispute_values(dispute), "disputes")) == dispute


@settings(max_examples=60, deadline=None)
@given(entries, times)
def test_an_entry_comes_back_as_it_was_with_its_time(entry: Entry, at: float) -> None:
    row = row_of(schema.PUT_LOG, rows.entry_values(entry, at), "log")
    assert rows.entry_of(row) == entry
    assert row["at"] == at


def test_every_field_of_a_sale_is_changed_by_a_second_put() -> None:
    """The upsert names each column by hand: one forgotten would keep its first value."""
    first = replace(SALE, number=0, foreign=True)
    second = Sale(
        "R-1-x", 0, 99, "ARS", (Line("y", 3, 33),), "l", 2.0, Phase.PAID, Why.TIME_UP, True, 2, True, True, 3.0, "77",
        ("p", "q"), 4.0, True, 5.0, True,
    )  # fmt: skip
    with tables() as db:
        db.execute(schema.PUT_SALE, rows.sale_values(first))
        db.executemany(schema.PUT_PAYMENT, rows.payment_values(second))
        db.execute(schema.PUT_SALE, rows.sale_values(second))
        assert rows.sale_of(db.execute(schema.SALE_OF_REFERENCE, ("R-1-x",)).fetchone()) == second


def test_every_field_of_a_debt_that_may_change_is_changed_by_a_second_put() -> None:
    second = Debt("R-1-x", 1, 2500, Ticket((), "ref"), 2.0, (Mark.TRAINING,), DebtState.DOUBTFUL, True)
    with tables() as db:
        db.execute(schema.PUT_DEBT, rows.debt_values(DEBT))
        db.execute(schema.PUT_DEBT, rows.debt_values(second))
        assert rows.debt_of(db.execute("SELECT * FROM debts").fetchone()) == second


def test_every_field_of_a_dispute_is_changed_by_a_second_put() -> None:
    first = Dispute("p", "R-1-x", 1, 5, "BRL", Reason.SHORT, 1.0)
    second = Dispute("p", "R-2-y", 2, 6, "ARS", Reason.EXCESS, 2.0, "refunded", "Ana", 3.0)
    with tables() as db:
        db.execute(schema.PUT_DISPUTE, rows.dispute_values(first))
        db.execute(schema.PUT_DISPUTE, rows.dispute_values(second))
        assert rows.dispute_of(db.execute("SELECT * FROM disputes").fetchone()) == second


def test_half_a_surrogate_pair_is_written_out_and_any_other_text_is_kept() -> None:
    """JSON may carry ``"\\ud800"``, and no database takes it: it must not stop a sale."""
    assert rows.writable("a\ud800b") == "a\\ud800b"
    assert rows.writable("ação 🧾\x00\n") == "ação 🧾\x00\n"
    entry = Entry("odd", "detail \ud83d", "R\udfff")
    row = row_of(schema.PUT_LOG, rows.entry_values(entry, 1.0), "log")
    assert rows.entry_of(row).text == "detail \\ud83d"


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("phase", "sold"),
        ("why", "because"),
        ("lines", '[["title",1]]'),
        ("lines", "7"),
        ("lines", "{"),
        ("payments", "7"),
    ],
)
def test_a_row_that_tells_no_sale_is_a_value_error(column: str, value: str) -> None:
    good = dict(through_tables(SALE))
    assert rows.sale_of(good) == SALE
    with pytest.raises(ValueError, match=r"is not a valid|is not what|Expecting"):
        rows.sale_of(good | {column: value})


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("ticket", '{"lines":[]}'),
        ("ticket", '{"lines":[{"colour":"red"}],"reference":""}'),
        ("ticket", '{"lines":[{"size":"huge"}],"reference":""}'),
        ("ticket", "[]"),
        ("marks", '["unknown"]'),
        ("state", "lost"),
    ],
)
def test_a_row_that_tells_no_debt_is_a_value_error(column: str, value: str) -> None:
    good = dict(row_of(schema.PUT_DEBT, rows.debt_values(DEBT), "debts"))
    assert rows.debt_of(good) == DEBT
    with pytest.raises(ValueError, match=r"is not a valid|is not what|Expecting"):
        rows.debt_of(good | {column: value})


# --- what fuzzing found (tests/fuzz, targets "rows" and "journal") ----------------------------------------------------


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("lines", "[" * 5000 + "]" * 5000),
        ("lines", '[["title","1",100]]'),
        ("lines", '[["title",1.5,100]]'),
        ("lines", 7),
        ("lines", None),
        ("payments", '"p1"'),
        ("payments", "[1]"),
        ("payments", "{}"),
        ("number", "7"),
        ("number", -1),
        ("cents", 0),
        ("cents", 25.0),
        ("cents", None),
        ("reference", b"R-1-x"),
        ("made_at", "yesterday"),
        ("made_at", 1e300),
        ("expires", float("inf")),
        ("paid_at", -1e12),
    ],
)
def test_a_damaged_column_makes_no_half_of_a_sale(column: str, value: object) -> None:
    """Each became a sale of wrong types, which broke the machine or a list later, or an error of another kind."""
    good = dict(through_tables(SALE))
    assert rows.sale_of(good | {"paid_at": 2.0, "expires": 3.0, "why": None}).paid_at == 2.0
    with pytest.raises(ValueError, match=r"is not what|Sale|Line|text"):
        rows.sale_of(good | {column: value})


def test_l1_a_sale_that_is_called_paid_without_a_payment_is_damage() -> None:
    good = dict(through_tables(replace(SALE, phase=Phase.PAID, payments=("p",))))
    assert rows.sale_of(good).phase is Phase.PAID
    with pytest.raises(ValueError, match="by no payment"):
        rows.sale_of(good | {"payments": "[]"})


def test_only_an_order_that_is_not_ours_may_be_over_nothing() -> None:
    good = dict(through_tables(replace(SALE, number=0, cents=0, foreign=True)))
    assert rows.sale_of(good).cents == 0
    with pytest.raises(ValueError, match="over 0"):
        rows.sale_of(good | {"foreign_order": 0})


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("ticket", '{"lines":[{"text":5}],"reference":""}'),
        ("ticket", '{"lines":[],"reference":1}'),
        ("id", 7),
        ("cents", -1),
        ("owed_at", None),
    ],
)
def test_a_damaged_column_makes_no_half_of_a_debt(column: str, value: object) -> None:
    good = dict(row_of(schema.PUT_DEBT, rows.debt_values(DEBT), "debts"))
    with pytest.raises(ValueError, match=r"Ticket|Debt"):
        rows.debt_of(good | {column: value})


def test_a_time_is_one_that_a_calendar_has() -> None:
    assert rows.moment(1.5) == 1.5
    for odd in (None, "1.5", 1e300, float("nan")):
        with pytest.raises(ValueError, match="no time"):
            rows.moment(odd)
