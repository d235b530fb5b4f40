"""Refunds and wrong PINs as rows: what was written is what is read, and what is none is refused."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.journal import schema
from kiosk.journal.file import migrate
from kiosk.journal.refunds import pin_failed_of, refund_of, refund_values
from kiosk.journal.writing import SqliteJournal
from kiosk.sale.records import PinTries, Refund, RefundState
from tests.refund_records import NOON, REFUND, another, done, refused

texts = st.text(st.characters(codec="utf-8"), max_size=20)
times = st.floats(-62_000_000_000.0, 253_000_000_000.0)
refunds = st.builds(
    Refund,
    key=texts.filter(bool),
    payment=texts.filter(bool),
    reference=texts,
    number=st.integers(0, 2**63 - 1),
    cents=st.integers(1, 2**63 - 1),
    currency=texts,
    whole=st.booleans(),
    by=texts,
    asked_at=times,
    known=st.lists(texts, max_size=4).map(tuple),
    dispute=texts,
    state=st.sampled_from(RefundState),
    tries=st.integers(0, 99),
    doubt=st.booleans(),
    refund_id=texts,
    ended_at=st.none() | times,
    why=texts,
)


@contextmanager
def tables() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        db.row_factory = sqlite3.Row
        migrate(db)
        yield db


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SqliteJournal]:
    with closing(SqliteJournal(tmp_path / "journal.db")) as journal:
        yield journal


@settings(max_examples=60, deadline=None)
@given(refunds)
def test_a_refund_comes_back_as_it_was(refund: Refund) -> None:
    with tables() as db:
        db.execute(schema.PUT_REFUND, refund_values(refund))
        assert refund_of(db.execute("SELECT * FROM refunds").fetchone()) == refund


def test_every_field_of_a_refund_that_may_change_is_changed_by_a_second_put() -> None:
    second = replace(
        REFUND, asked_at=NOON + 1, state=RefundState.REFUSED, tries=2, doubt=True, refund_id="r1", ended_at=1.0, why="w"
    )
    with tables() as db:
        db.execute(schema.PUT_REFUND, refund_values(REFUND))
        db.execute(schema.PUT_REFUND, refund_values(second))
        assert refund_of(db.execute("SELECT * FROM refunds").fetchone()) == second


@pytest.mark.parametrize(
    "broken",
    [
        {"key": ""},
        {"payment": ""},
        {"cents": 0},
        {"cents": "2500"},
        {"number": -1},
        {"tries": -1},
        {"known": "r8"},
        {"known": "[8]"},
        {"state": "paid"},
        {"asked_at": None},
        {"ended_at": 1e300},
        {"decided_by": None},
    ],
)
def test_a_row_that_tells_no_refund_is_a_value_error(broken: dict[str, object]) -> None:
    good = refund_values(REFUND)
    assert refund_of(good) == REFUND
    with pytest.raises(ValueError, match=r"[Rr]efund|is not|Expecting"):
        refund_of({**good, **broken})


@pytest.mark.parametrize(
    ("value", "failed"), [("0", 0), ("7", 7), ("", 0), ("-1", 0), ("many", 0), ("9" * 30, 0), (None, 0), (7, 0)]
)
def test_a_count_of_tries_that_tells_nothing_costs_nobody_the_journal(value: object, failed: int) -> None:
    assert pin_failed_of({"value": value}) == failed


def test_r24_what_is_wanted_and_the_wrong_pins_outlive_the_kiosk(journal: SqliteJournal) -> None:
    """Oldest first; what is over is not read at a start."""
    assert (journal.rows().refunds, journal.rows().pin_failed) == ((), 0)
    third = another(key="key-3", payment="p3")
    journal.save([REFUND, another(), third, PinTries(1)], [], NOON)
    journal.save([refused(another()), replace(REFUND, tries=1), PinTries(2)], [], NOON)
    journal.close()
    with closing(SqliteJournal(journal.path)) as again:
        assert again.rows().refunds == (replace(REFUND, tries=1), third)
        assert again.rows().pin_failed == 2


def test_all_refunds_of_a_sale_are_found_by_its_reference(journal: SqliteJournal) -> None:
    other = replace(another(), reference="R-2-y")
    journal.save([done(), other], [], NOON)
    journal.save([replace(REFUND, key="key-3")], [], NOON)
    assert journal.refunds("R-1-x") == (done(), replace(REFUND, key="key-3"))
    assert journal.refunds("R-2-y") == (other,)
    assert journal.refunds("R-3-z") == ()
    journal._drop()
    journal.path.rename(journal.path.with_name("gone.db"))
    assert journal.refunds("R-1-x") is None  # not "none": nothing may be given back
