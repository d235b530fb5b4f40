"""The tables refuse what would lose or change money, whoever writes; each refusal beside what is allowed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator

import pytest

from kiosk.journal import schema
from kiosk.journal.file import migrate, version
from kiosk.journal.migrations import APPLICATION_ID, MIGRATIONS
from kiosk.journal.refunds import refund_values
from kiosk.journal.rows import debt_values, dispute_values, entry_values, payment_values, sale_values
from kiosk.sale.records import Debt, DebtState, Dispute, Entry, Line, Phase, Reason, Sale, Ticket
from tests.refund_records import another, done

OURS = Sale("R-1-x", 1, 2500, "BRL", (Line("Shop", 1, 2500),), "k", 1.0)
PAID = Sale("R-2-y", 2, 900, "BRL", (Line("Shop", 1, 900),), "l", 2.0, Phase.PAID, payments=("p1",))
FOREIGN = Sale("other", 0, 0, "BRL", (), "", 3.0, Phase.WITHDRAWN, foreign=True)


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.row_factory = sqlite3.Row
    db.execute("PRAGMA foreign_keys = ON")
    migrate(db)
    for sale in (OURS, PAID, FOREIGN):
        put(db, sale)
    db.execute(schema.PUT_DEBT, debt_values(Debt("R-2-y", 2, 900, Ticket(()), 2.0)))
    db.execute(schema.PUT_DISPUTE, dispute_values(Dispute("p9", "R-1-x", 1, 5, "BRL", Reason.EXCESS, 1.0)))
    db.execute(schema.PUT_REFUND, refund_values(another(payment="p1")))
    db.execute(schema.PUT_LOG, entry_values(Entry("paid", "paid", number=2), 1.0))
    yield db
    db.close()


def put(db: sqlite3.Connection, sale: Sale) -> None:
    with db:
        db.execute("BEGIN")
        db.executemany(schema.PUT_PAYMENT, payment_values(sale))
        db.execute(schema.PUT_SALE, sale_values(sale))


@pytest.mark.parametrize(
    "change",
    [
        "cents = 2501",
        "currency = 'ARS'",
        "number = 7",
        "reference = 'R-9-z'",
        "lines = '[]'",
        "foreign_order = 1",
    ],
)
def test_l5_what_was_typed_never_changes(db: sqlite3.Connection, change: str) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="never change"):
        db.execute(f"UPDATE sales SET {change} WHERE id = 1")


@pytest.mark.parametrize(
    "change", ["phase = 'waiting'", "puts = 1", "doubt = 1", "expires = 9.5", "watched = 1", "cents = 2500"]
)
def test_what_happens_to_a_sale_may_change(db: sqlite3.Connection, change: str) -> None:
    assert db.execute(f"UPDATE sales SET {change} WHERE id = 1").rowcount == 1


def test_the_amount_of_a_foreign_order_may_change_but_it_never_becomes_ours(db: sqlite3.Connection) -> None:
    assert db.execute("UPDATE sales SET cents = 100 WHERE reference = 'other'").rowcount == 1
    with pytest.raises(sqlite3.IntegrityError, match="never change"):
        db.execute("UPDATE sales SET foreign_order = 0 WHERE reference = 'other'")


@pytest.mark.parametrize("phase", [phase.value for phase in Phase if phase is not Phase.PAID])
def test_l2_a_paid_sale_stays_paid(db: sqlite3.Connection, phase: str) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="stays paid"):
        db.execute("UPDATE sales SET phase = ? WHERE reference = 'R-2-y'", (phase,))
    assert db.execute("UPDATE sales SET watched = 1, phase = 'paid' WHERE reference = 'R-2-y'").rowcount == 1


def test_l1_a_sale_is_paid_only_with_a_payment(db: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="has a payment"):
        db.execute("UPDATE sales SET phase = 'paid' WHERE reference = 'R-1-x'")
    bare = Sale("R-3-z", 3, 5, "BRL", (), "m", 3.0, Phase.PAID)
    with pytest.raises(sqlite3.IntegrityError, match="has a payment"):
        put(db, bare)
    db.execute("INSERT INTO payments VALUES ('p2', 'R-1-x', 0)")
    assert db.execute("UPDATE sales SET phase = 'paid' WHERE reference = 'R-1-x'").rowcount == 1


def test_r1_a_payment_stays_with_its_sale(db: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="one sale only"):
        db.execute("UPDATE payments SET reference = 'R-1-x'")
    with pytest.raises(sqlite3.IntegrityError, match="one sale only"):
        db.execute(schema.PUT_PAYMENT, {"payment": "p1", "reference": "R-1-x", "position": 0})
    db.execute(schema.PUT_PAYMENT, {"payment": "p1", "reference": "R-2-y", "position": 1})
    assert [tuple(row) for row in db.execute("SELECT * FROM payments")] == [("p1", "R-2-y", 1)]


def test_a_payment_needs_its_sale(db: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        db.execute("INSERT INTO payments VALUES ('p3', 'nobody', 0)")
    assert db.execute("INSERT INTO payments VALUES ('p3', 'R-1-x', 0)").rowcount == 1


def test_l5_the_amount_of_a_ticket_never_changes_but_its_state_and_a_slip_do(db: sqlite3.Connection) -> None:
    for change in ("cents = 901", "number = 3", "id = 'R-1-x'"):
        with pytest.raises(sqlite3.IntegrityError, match="never change"):
            db.execute(f"UPDATE debts SET {change}")
    assert db.execute("UPDATE debts SET state = 'printed'").rowcount == 1
    for cents in (5, 3):
        db.execute(schema.PUT_DEBT, debt_values(Debt("slip:p9", 1, cents, Ticket(()), 2.0)))
    assert db.execute("SELECT cents FROM debts WHERE id = 'slip:p9'").fetchone()[0] == 3


@pytest.mark.parametrize("table", ["sales", "payments", "debts", "disputes", "refunds", "log"])
def test_no_row_is_ever_lost(db: sqlite3.Connection, table: str) -> None:
    with pytest.raises(sqlite3.IntegrityError, match=r"deleted|only grows"):
        db.execute(f"DELETE FROM {table}")
    assert db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] > 0


def test_the_log_is_not_rewritten_but_grows(db: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="only grows"):
        db.execute("UPDATE log SET text = 'never happened'")
    db.execute(schema.PUT_LOG, entry_values(Entry("more", "more"), 2.0))
    assert [row["event"] for row in db.execute("SELECT * FROM log ORDER BY seq")] == ["paid", "more"]


@pytest.mark.parametrize(
    ("number", "cents", "allowed"), [(4, 1, True), (4, 0, False), (4, -1, False), (-1, 1, False), (1, 5, False)]
)
def test_a_sale_has_an_amount_and_a_number_of_its_own(
    db: sqlite3.Connection, number: int, cents: int, allowed: bool
) -> None:
    sale = Sale("R-4-w", number, cents, "BRL", (), "n", 4.0)
    if allowed:
        put(db, sale)
    else:
        with pytest.raises(sqlite3.IntegrityError, match=r"CHECK|UNIQUE"):
            put(db, sale)


def test_several_foreign_orders_share_number_zero(db: sqlite3.Connection) -> None:
    put(db, Sale("another", 0, 0, "BRL", (), "", 4.0, foreign=True))
    assert db.execute("SELECT count(*) FROM sales WHERE number = 0").fetchone()[0] == 2


def test_tables_are_strict(db: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="cannot store"):
        db.execute("UPDATE sales SET puts = 'many'")


def test_every_phase_and_state_of_the_records_is_known_to_the_tables(db: sqlite3.Connection) -> None:
    for number, phase in enumerate(Phase, start=10):
        put(db, Sale(f"ref {phase.value}", number, 5, "BRL", (), "", 1.0, phase, payments=(f"pay {phase.value}",)))
    for state in DebtState:
        db.execute(schema.PUT_DEBT, debt_values(Debt(state.value, 1, 5, Ticket(()), 1.0, state=state)))
    open_sales = {row["phase"] for row in db.execute(schema.OPEN_SALES)}
    assert open_sales == {phase.value for phase in Phase if phase.open}
    owed = {row["state"] for row in db.execute(schema.OPEN_DEBTS)}
    assert owed == {state.value for state in DebtState if Debt("", 1, 1, Ticket(()), 0.0, state=state).open}


def test_migrating_is_done_once(db: sqlite3.Connection) -> None:
    assert version(db) == len(MIGRATIONS)
    migrate(db)
    assert version(db) == len(MIGRATIONS)
    assert db.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID


def steps(db: sqlite3.Connection, work: Callable[[], object]) -> int:
    """Instructions of SQLite's virtual machine that it takes: work, without a clock."""
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return 0

    db.set_progress_handler(step, 1)
    work()
    db.set_progress_handler(None, 1)
    return count


def fill(db: sqlite3.Connection, begin: int, end: int) -> None:
    """Sales that are over."""
    for number in range(begin, end):
        reference = f"R-{number}-x"
        put(db, Sale(reference, number, 5, "BRL", (), "", 1.0, Phase.PAID, payments=(f"p{number}",)))
        db.execute(schema.PUT_DEBT, debt_values(Debt(reference, number, 5, Ticket(()), 1.0, state=DebtState.PRINTED)))
        settled = Dispute(f"d{number}", reference, number, 5, "BRL", Reason.EXCESS, 1.0, settled="refunded")
        db.execute(schema.PUT_DISPUTE, dispute_values(settled))
        db.execute(schema.PUT_LOG, entry_values(Entry("paid", "paid", reference, number), 1.0))
        over = done(another(key=f"k{number}", payment=f"p{number}"), f"r{number}")
        db.execute(schema.PUT_REFUND, refund_values(over))


@pytest.mark.parametrize("question", schema.START)
def test_a_start_does_not_read_sales_that_are_over(db: sqlite3.Connection, question: str) -> None:
    def ask() -> object:
        return db.execute(question).fetchall()

    fill(db, 90, 100)  # the last ten are read, to be walked
    before = steps(db, ask)
    fill(db, 100, 600)
    assert steps(db, ask) <= before + 5
