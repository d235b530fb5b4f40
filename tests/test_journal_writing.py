"""The loop's journal: whole or not at all, by the rules of money, one writer. Its disk: ``test_journal_disk``."""

from __future__ import annotations

import os
import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from kiosk.journal import writing
from kiosk.journal.file import JournalBusyError, JournalNewerError, JournalRuleError, JournalStrangeError, set_aside
from kiosk.journal.migrations import MIGRATIONS
from kiosk.journal.reading import Reader
from kiosk.journal.writing import SqliteJournal
from kiosk.ports import Journal, JournalDamagedError, JournalError
from kiosk.sale.records import (
    Debt,
    DebtState,
    Dispute,
    Entry,
    Line,
    Mark,
    Phase,
    PinTries,
    Reason,
    Record,
    Rows,
    Sale,
    Ticket,
    TicketLine,
)
from tests.refund_records import REFUND, another, done

NOW = 1_790_000_000.25


def sale(number: int, phase: Phase = Phase.PLACING, *payments: str, watched: bool = False) -> Sale:
    return Sale(
        f"POS-{number}-abc",
        number,
        100 * number,
        "BRL",
        (Line("Shop", 1, 100 * number),),
        f"key {number}",
        NOW + number,
        phase,
        payments=payments,
        watched=watched,
    )


def foreign(number: int) -> Sale:
    return Sale(f"other-{number}", 0, 5, "BRL", (), "", NOW + number, Phase.WITHDRAWN, foreign=True)


def debt(number: int, state: DebtState = DebtState.OWED, slip: str = "") -> Debt:
    name = f"slip:{slip}" if slip else f"POS-{number}-abc"
    return Debt(name, number, 100 * number, Ticket((TicketLine("Total", "R$ 1,00"),)), NOW, (), state)


def log_of(path: Path, number: int) -> list[str]:
    with Reader(path) as reader:
        return [logged.entry.event for logged in reader.log(number)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kiosk" / "journal.db"


@pytest.fixture
def journal(path: Path) -> Iterator[SqliteJournal]:
    with closing(SqliteJournal(path, busy_s=0.01)) as journal:
        yield journal


def reopened(path: Path) -> Rows:
    with closing(SqliteJournal(path)) as journal:
        return journal.rows()


# --- rows ---------------------------------------------------------------------------------------------


def test_it_is_the_journal_that_the_loop_wants(journal: SqliteJournal) -> None:
    port: Journal = journal
    assert port.rows() == Rows()
    assert port.find("nobody") is None


def test_everything_saved_is_there_after_a_restart(path: Path) -> None:
    """R23: open sales newest first, watches, papers oldest first, disputed money, the last ticket and number."""
    records: list[Record] = [
        sale(1, Phase.PAID, "p1", watched=True),
        debt(1, DebtState.PRINTED),
        sale(2, Phase.WITHDRAWN, watched=True),
        sale(3, Phase.REFUSED),
        sale(4, Phase.PAID, "p4"),
        debt(4, DebtState.PRINTING),
        Dispute("p9", "POS-2-abc", 2, 200, "BRL", Reason.SHORT, NOW),
        Dispute("p8", "POS-2-abc", 2, 200, "BRL", Reason.SECOND, NOW, settled="refunded"),
        debt(2, slip="p9"),
        foreign(7),
        sale(5, Phase.CHECKING),
        sale(6, Phase.WAITING, watched=True),
        foreign(8),
    ]
    with closing(SqliteJournal(path)) as journal:
        journal.save(records, [Entry("test", "all at once")], NOW)
        before = journal.rows()
    expected = Rows(
        open=(sale(6, Phase.WAITING, watched=True), sale(5, Phase.CHECKING)),
        watched=(sale(1, Phase.PAID, "p1", watched=True), sale(2, Phase.WITHDRAWN, watched=True)),
        debts=(debt(4, DebtState.PRINTING), debt(2, slip="p9")),
        disputes=(Dispute("p9", "POS-2-abc", 2, 200, "BRL", Reason.SHORT, NOW),),
        last_ticket=debt(4, DebtState.PRINTING),
        last_number=6,
        recent=(
            sale(6, Phase.WAITING, watched=True),
            sale(5, Phase.CHECKING),
            sale(4, Phase.PAID, "p4"),
            sale(3, Phase.REFUSED),
            sale(2, Phase.WITHDRAWN, watched=True),
            sale(1, Phase.PAID, "p1", watched=True),
        ),
        foreign_at=(NOW + 8, NOW + 7),
    )
    assert before == expected
    assert reopened(path) == expected


def test_of_foreign_orders_only_the_newest_ten_are_told(journal: SqliteJournal) -> None:
    journal.save([foreign(number) for number in range(12)], [], NOW)
    assert journal.rows().foreign_at == tuple(NOW + number for number in range(11, 1, -1))


def test_of_our_sales_only_the_newest_ten_are_told(journal: SqliteJournal) -> None:
    """By their numbers: one that was begun earlier and saved again is not newer for that."""
    sales = [sale(number, Phase.WITHDRAWN) for number in range(1, 13)]
    journal.save([*sales, foreign(99)], [], NOW)
    journal.save([sales[0], sales[5]], [], NOW)
    assert journal.rows().recent == tuple(reversed(sales[2:]))


def test_a_sale_is_found_by_its_reference_with_its_payments_in_order(journal: SqliteJournal) -> None:
    paid = sale(1, Phase.PAID, "zz", "aa")
    journal.save([paid, sale(2)], [], NOW)
    assert journal.find("POS-1-abc") == paid
    assert journal.find("POS-1") is None


def test_a_second_save_replaces_the_first(journal: SqliteJournal) -> None:
    journal.save([sale(1), debt(1)], [], NOW)
    later = replace(sale(1, Phase.PAID, "p1"), puts=1, expires=NOW, paid_at=NOW)
    journal.save([later, debt(1, DebtState.PRINTED)], [], NOW)
    assert journal.find("POS-1-abc") == later
    assert journal.rows().debts == ()


def test_a_row_that_a_newer_program_wrote_is_damage_to_a_start_and_nothing_to_a_search(
    path: Path, journal: SqliteJournal
) -> None:
    journal.save([sale(1), sale(2)], [], NOW)
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("UPDATE sales SET why = 'unheard-of' WHERE number = 1")
    with pytest.raises(JournalDamagedError, match="unheard-of"):
        journal.rows()
    assert journal.find("POS-1-abc") is None
    assert journal.find("POS-2-abc") == sale(2)


# --- save ---------------------------------------------------------------------------------------------


def test_entries_are_kept_in_order_with_their_time(path: Path, journal: SqliteJournal) -> None:
    journal.save([sale(1)], [Entry("made", "one", number=1), Entry("placing", "two", number=1)], NOW)
    journal.save([], [Entry("placed", "three", number=1, cents=100, request_id="req-1", level=5)], NOW + 1)
    with Reader(path) as reader:
        log = reader.log(1)
    assert [(logged.entry.event, logged.at) for logged in log] == [
        ("made", NOW),
        ("placing", NOW),
        ("placed", NOW + 1),
    ]
    assert log[2].entry == Entry("placed", "three", number=1, cents=100, request_id="req-1", level=5)


def test_r1_a_payment_completes_one_sale_only_and_the_refused_save_leaves_nothing(
    path: Path, journal: SqliteJournal
) -> None:
    journal.save([sale(1, Phase.PAID, "p1", "p2"), sale(2)], [], NOW)
    with pytest.raises(JournalRuleError, match="a payment completes one sale only"):
        journal.save([sale(3), sale(2, Phase.PAID, "p9", "p2", "p1")], [Entry("paid", "paid", number=2)], NOW)
    assert journal.find("POS-2-abc") == sale(2)
    assert journal.find("POS-3-abc") is None
    assert log_of(path, 2) == []
    journal.save([sale(2, Phase.PAID, "p9")], [Entry("paid", "paid", number=2)], NOW)
    assert log_of(path, 2) == ["paid"]


def test_r1_two_sales_of_one_save_cannot_share_a_payment_either(journal: SqliteJournal) -> None:
    with pytest.raises(JournalRuleError, match="a payment completes one sale only"):
        journal.save([sale(1, Phase.PAID, "p1"), sale(2, Phase.PAID, "p1")], [], NOW)
    journal.save([sale(1, Phase.PAID, "p1"), sale(2, Phase.PAID, "p2")], [], NOW)
    assert journal.find("POS-1-abc") == sale(1, Phase.PAID, "p1")


def test_r1_a_payment_that_completed_another_sale_is_told(path: Path, journal: SqliteJournal) -> None:
    journal.save([sale(1, Phase.PAID, "p1", "p2"), sale(2)], [], NOW)
    assert journal.spent(("p1", "p2", "p3"), "POS-2-abc") == {"p1", "p2"}
    assert journal.spent(("p1", "p2", "p3"), "POS-1-abc") == frozenset()
    journal.close()
    path.unlink()
    assert journal.spent(("p1",), "POS-2-abc") == frozenset()


def test_a_repeated_save_changes_nothing_but_the_log(path: Path, journal: SqliteJournal) -> None:
    """After an end that failed it is not known whether it was written: the same save is made again."""
    for _ in range(2):
        journal.save([sale(1, Phase.PAID, "p1"), debt(1)], [Entry("paid", "paid", number=1)], NOW)
    assert journal.rows().debts == (debt(1),)
    assert journal.find("POS-1-abc") == sale(1, Phase.PAID, "p1")
    assert log_of(path, 1) == ["paid", "paid"]


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(replace(sale(1, Phase.PAID, "p1"), cents=999), id="another amount (L5)"),
        pytest.param(replace(sale(1, Phase.PAID, "p1"), lines=()), id="other lines (L5)"),
        pytest.param(sale(1, Phase.WITHDRAWN, "p1"), id="no longer paid (L2)"),
        pytest.param(sale(1, Phase.PAID), id="a payment forgotten (L2)"),
        pytest.param(sale(1, Phase.PAID, "p2"), id="a payment exchanged (L2)"),
        pytest.param(sale(1, Phase.PAID, "p1", "p1"), id="a payment twice"),
        pytest.param(replace(sale(1, Phase.PAID, "p1"), puts=2**70), id="a number that no row can hold"),
    ],
)
def test_what_a_rule_of_money_forbids_is_not_written(path: Path, journal: SqliteJournal, broken: Sale) -> None:
    good = sale(1, Phase.PAID, "p1")
    journal.save([good], [], NOW)
    with pytest.raises(JournalRuleError):
        journal.save([sale(2), broken], [Entry("odd", "odd", number=2)], NOW)
    assert journal.find("POS-1-abc") == good
    assert journal.find("POS-2-abc") is None
    assert log_of(path, 2) == []
    more = replace(sale(1, Phase.PAID, "p2", "p1"), watched=True)
    journal.save([more], [], NOW)
    assert journal.find("POS-1-abc") == more


def test_a_text_that_is_no_text_does_not_stop_a_sale(journal: SqliteJournal) -> None:
    journal.save([replace(sale(1), order_id="\ud800")], [Entry("odd", "\udc00", number=1)], NOW)
    assert journal.rows().open[0].order_id == "\\ud800"


# --- opening ------------------------------------------------------------------------------------------


def test_the_folder_is_private_where_it_is_made_and_left_as_it_is_where_it_is_not(path: Path) -> None:
    SqliteJournal(path).close()
    assert path.parent.stat().st_mode & 0o777 == 0o700
    path.parent.chmod(0o755)
    SqliteJournal(path).close()
    assert path.parent.stat().st_mode & 0o777 == 0o755


def test_a_journal_that_others_could_read_is_made_private(path: Path) -> None:
    SqliteJournal(path).close()
    path.chmod(0o644)
    SqliteJournal(path).close()
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_is_no_journal_is_not_touched_not_even_its_mode(tmp_path: Path) -> None:
    """``--journal /etc/passwd``, by root: the machine must live."""
    users = tmp_path / "passwd"
    users.write_text("root:x:0:0::/root:/bin/bash\n" * 100)
    users.chmod(0o644)
    with pytest.raises(JournalDamagedError, match="damaged"):
        SqliteJournal(users)
    assert users.stat().st_mode & 0o777 == 0o644


def test_a_folder_is_no_journal_and_is_not_touched(tmp_path: Path) -> None:
    """``--journal /tmp``, by root."""
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o755)
    with pytest.raises(JournalError, match="this is no file"):
        SqliteJournal(folder)
    assert folder.stat().st_mode & 0o777 == 0o755
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]


def test_r5_two_kiosks_cannot_run_on_one_journal(path: Path, journal: SqliteJournal) -> None:
    with pytest.raises(JournalBusyError, match="another kiosk"):
        SqliteJournal(path)
    journal.save([sale(1)], [], NOW)
    journal.close()
    assert reopened(path).open == (sale(1),)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match=r"journal .*: (File exists|Not a directory)"):
        SqliteJournal(tmp_path / "file" / "journal.db")


def test_a_damaged_journal_is_told_kept_byte_for_byte_and_not_locked(path: Path) -> None:
    with closing(SqliteJournal(path)) as journal:
        journal.save([sale(number) for number in range(1, 200)], [], NOW)
    whole = path.read_bytes()
    path.write_bytes(whole[:8192] + b"\xff" * 8192 + whole[16384:])
    damaged = path.read_bytes()
    for _ in range(2):
        with pytest.raises(JournalDamagedError):
            SqliteJournal(path)
    assert path.read_bytes() == damaged
    path.write_bytes(whole)
    assert reopened(path).last_number == 199


def test_a_newer_journal_is_refused_and_kept(path: Path) -> None:
    SqliteJournal(path).close()
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA user_version = 99")
    kept = path.read_bytes()
    with pytest.raises(JournalNewerError):
        SqliteJournal(path)
    assert path.read_bytes() == kept


def test_damage_that_was_found_and_met_no_save_is_found_again_at_the_next_start(path: Path) -> None:
    """A clean stop would leave a file that is not checked again."""
    with closing(SqliteJournal(path)) as journal:
        journal.save([sale(1)], [Entry("big", "x" * (writing.CHECKED_AT_ONCE + 1))], NOW)
    content = bytearray(path.read_bytes())
    content[-4096:-4092] = b"\xff" * 4
    path.write_bytes(content)
    path.with_name(path.name + "-wal").write_bytes(b"\0" * 32)
    for _ in range(2):
        with closing(SqliteJournal(path)) as journal:
            assert journal.wait_for_check(10.0)
    with closing(SqliteJournal(path)) as journal:
        assert journal.wait_for_check(10.0)
        with pytest.raises(JournalDamagedError):
            journal.save([sale(2)], [], NOW)
        assert journal.begin_anew() == "journal.db.damaged-1"
    assert path.with_name("journal.db.damaged-1").read_bytes() == content


@pytest.mark.parametrize("unclean", [True, False])
def test_a_large_journal_is_checked_beside_the_counter_after_an_unclean_stop_only(path: Path, unclean: bool) -> None:
    with closing(SqliteJournal(path)) as journal:
        journal.save([sale(1)], [Entry("big", "x" * (writing.CHECKED_AT_ONCE + 1))], NOW)
    content = bytearray(path.read_bytes())
    content[-4096:-4092] = b"\xff" * 4  # the last page of the long text: no read of a start comes by
    path.write_bytes(content)
    if unclean:
        path.with_name(path.name + "-wal").write_bytes(b"\0" * 32)
    with closing(SqliteJournal(path)) as journal:
        assert journal.rows().open == (sale(1),)
        assert journal.wait_for_check(10.0)
        if unclean:
            with pytest.raises(JournalDamagedError, match="damaged"):
                journal.save([sale(2)], [], NOW)
        else:
            journal.save([sale(2)], [], NOW)


def test_r21_a_restored_copy_doubts_every_paper_that_was_owed(path: Path, tmp_path: Path) -> None:
    states = [DebtState.OWED, DebtState.PRINTING, DebtState.PRINTED, DebtState.PRESUMED]
    with closing(SqliteJournal(path)) as journal:
        journal.save([debt(number, state) for number, state in enumerate(states, start=1)], [], NOW)
        with Reader(path) as reader:
            reader.copy(tmp_path / "copy.db")
        assert [owed.state for owed in journal.rows().debts] == [DebtState.OWED, DebtState.PRINTING]
    restored = reopened(tmp_path / "copy.db")
    assert restored.debts == tuple(replace(debt(number, DebtState.DOUBTFUL), tried=True) for number in (1, 2))
    with closing(SqliteJournal(tmp_path / "copy.db")) as again:
        again.save([debt(5)], [], NOW)
    assert reopened(tmp_path / "copy.db").debts[-1] == debt(5)


def test_r21_r24_a_restored_copy_doubts_every_refund_that_was_wanted(path: Path, tmp_path: Path) -> None:
    """An attempt made after the copy may have given the money back."""
    with closing(SqliteJournal(path)) as journal:
        journal.save([REFUND, done(another()), PinTries(2)], [], NOW)
        with Reader(path) as reader:
            reader.copy(tmp_path / "copy.db")
        assert journal.rows().refunds == (REFUND,)
    restored = reopened(tmp_path / "copy.db")
    assert (restored.refunds, restored.pin_failed) == ((replace(REFUND, doubt=True, restored=True),), 2)
    with closing(SqliteJournal(tmp_path / "copy.db")) as again:
        assert again.refunds("R-1-x") == (replace(REFUND, doubt=True, restored=True), done(another()))
        again.save([another(key="key-3", payment="p3")], [], NOW)
    assert reopened(tmp_path / "copy.db").refunds[-1] == another(key="key-3", payment="p3")


def test_a_paper_of_a_refund_is_no_ticket(path: Path, journal: SqliteJournal) -> None:
    paper = replace(debt(2), id="refund:key-1")
    journal.save([debt(1), paper], [], NOW)
    assert (journal.rows().last_ticket, journal.rows().debts) == (debt(1), (debt(1), paper))
    journal.save([replace(paper, state=DebtState.PRINTED), debt(3)], [], NOW)
    assert (journal.rows().last_ticket, journal.rows().debts) == (debt(3), (debt(1), debt(3)))


def test_a_sale_is_found_by_its_number(path: Path, journal: SqliteJournal) -> None:
    journal.save([sale(1, Phase.PAID, "p1"), foreign(7), sale(2)], [], NOW)
    assert [journal.sale(number) for number in (1, 2, 3, 0)] == [sale(1, Phase.PAID, "p1"), sale(2), None, None]
    journal.close()
    path.unlink()
    assert journal.sale(1) is None


def test_marks_of_a_paper_come_back(path: Path, journal: SqliteJournal) -> None:
    late = replace(debt(1), marks=(Mark.PAID_AFTER_CANCEL, Mark.TRAINING))
    journal.save([late], [], NOW)
    assert journal.rows().debts == (late,)


def test_a_closed_journal_may_be_closed_again_and_leaves_one_file_and_its_lock(path: Path) -> None:
    journal = SqliteJournal(path)
    journal.save([sale(1)], [], NOW)
    journal.close()
    journal.close()
    assert sorted(os.listdir(path.parent)) == ["journal.db", "journal.db.lock"]


def test_damage_in_the_words_of_a_refusal_is_told_as_damage(path: Path) -> None:
    """Found by fuzzing: SQLite's message is then no UTF-8, and the module raises a ``UnicodeDecodeError`` for it."""
    with closing(SqliteJournal(path)) as journal:
        journal.save([sale(1)], [], NOW)
    rule = b"amount, currency and lines of a sale never change"
    assert path.read_bytes().count(rule) == 1
    path.write_bytes(path.read_bytes().replace(rule, b"\xb2" + rule[1:]))
    with closing(SqliteJournal(path)) as journal:
        with pytest.raises(JournalDamagedError, match="damaged"):
            journal.save([replace(sale(1), cents=1)], [], NOW)
        journal.save([sale(2)], [], NOW)
        assert journal.find(sale(2).reference) == sale(2)


# --- damaged, and begun anew ------------------------------------------------------------------------------------------


def damaged(path: Path, *, unclean: bool = False) -> dict[str, bytes]:
    """A journal of 199 sales whose pages are lost but for the first; what is left of it, file by file."""
    with closing(SqliteJournal(path)) as journal:
        journal.save([sale(number) for number in range(1, 200)], [], NOW)
    path.write_bytes(path.read_bytes()[:4096] + b"\xff" * 65536)
    if unclean:
        path.with_name(path.name + "-wal").write_bytes(b"what was in the WAL")
    return files(path)


def files(path: Path) -> dict[str, bytes]:
    """The folder, without what is no data: a reader leaves an empty WAL behind."""
    found = {file.name: file.read_bytes() for file in path.parent.iterdir()}
    return {name: data for name, data in found.items() if data and not name.endswith("-shm")}


@pytest.mark.parametrize("unclean", [False, True])
def test_l2_a_damaged_journal_is_set_aside_byte_for_byte_and_an_empty_one_begun(path: Path, unclean: bool) -> None:
    left = damaged(path, unclean=unclean)
    with closing(SqliteJournal(path, anew=True)) as journal:
        assert "damaged" in journal.damage
        assert journal.rows() == Rows(set_aside=("journal.db.damaged-1",))
        journal.save([sale(1)], [], NOW)
    aside = {name: data for name, data in files(path).items() if ".damaged-1" in name}
    assert aside == {name.replace("journal.db", "journal.db.damaged-1"): data for name, data in left.items()}
    assert mode(path) == 0o600
    with closing(SqliteJournal(path, anew=True)) as journal:
        assert journal.damage == ""
        assert journal.rows().open == (sale(1),)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_whole_journal_is_not_set_aside(path: Path) -> None:
    with closing(SqliteJournal(path)) as journal:
        journal.save([sale(1)], [], NOW)
    with closing(SqliteJournal(path, anew=True)) as journal:
        assert (journal.damage, journal.rows()) == ("", Rows(open=(sale(1),), last_number=1, recent=(sale(1),)))


def test_an_open_sale_that_cannot_be_read_is_damage_at_the_start(path: Path) -> None:
    """As in a file too large to be checked whole: the machine must not meet it later."""
    with closing(SqliteJournal(path)) as journal:
        journal.save([sale(1)], [], NOW)
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("UPDATE sales SET why = 'unheard-of'")
    with closing(SqliteJournal(path, anew=True)) as journal:
        assert "unheard-of" in journal.damage
        assert journal.rows() == Rows(set_aside=("journal.db.damaged-1",))
    with closing(sqlite3.connect(path.with_name("journal.db.damaged-1"))) as other:
        assert other.execute("SELECT number, why FROM sales").fetchall() == [(1, "unheard-of")]


def damaged_in_part(path: Path) -> None:
    """What is not over can be read; the end of a long text cannot."""
    with closing(SqliteJournal(path)) as journal:
        journal.save([debt(1, DebtState.PRINTED), debt(2), debt(3, DebtState.PRINTING)], [], NOW)
        journal.save([sale(1, Phase.PAID, "p1"), sale(2, Phase.PAID, "p2", watched=True)], [], NOW)
        journal.save([dispute("d1", settled="refunded"), dispute("d2")], [], NOW)
        journal.save([REFUND, done(another()), PinTries(2)], [], NOW)
        journal.save([sale(3), sale(4)], [Entry("long", "x" * 20_000)], NOW)
    content = bytearray(path.read_bytes())
    content[-4096:-4092] = b"\xff" * 4
    path.write_bytes(content)


def dispute(payment: str, *, settled: str = "") -> Dispute:
    return Dispute(payment, "POS-2-abc", 2, 100, "BRL", Reason.SECOND, NOW, settled)


def taken_over() -> Rows:
    """What a new journal holds then: doubted, as what comes from a backup."""
    two = replace(sale(2, Phase.PAID, "p2", watched=True), restored=True)
    three, four = (replace(sale(number), restored=True) for number in (3, 4))
    return Rows(
        open=(four, three),
        watched=(two,),
        debts=tuple(replace(debt(number, DebtState.DOUBTFUL), tried=True) for number in (2, 3)),
        disputes=(dispute("d2"),),
        refunds=(replace(REFUND, doubt=True, restored=True),),
        pin_failed=2,
        last_ticket=replace(debt(3, DebtState.DOUBTFUL), tried=True),
        last_number=4,
        recent=(four, three, two),
        set_aside=("journal.db.damaged-1",),
    )


def test_l2_l3_what_was_open_in_a_damaged_journal_and_can_be_read_goes_on_in_the_new_one_doubted(path: Path) -> None:
    damaged_in_part(path)
    left = path.read_bytes()
    with closing(SqliteJournal(path, anew=True)) as journal:
        assert "damaged" in journal.damage
        assert journal.rows() == taken_over()
    assert path.with_name("journal.db.damaged-1").read_bytes() == left


def test_what_was_taken_over_and_went_on_is_not_taken_over_again(path: Path) -> None:
    damaged_in_part(path)
    with closing(SqliteJournal(path, anew=True)) as journal:
        for record in (sale(3, Phase.WITHDRAWN), sale(4, Phase.PAID, "p4")):
            journal.save([record], [], NOW)
        journal.save([debt(2, DebtState.PRINTED), dispute("d2", settled="delivered"), sale(5)], [], NOW)
        journal.save([done(replace(REFUND, doubt=True, restored=True)), PinTries(0)], [], NOW)
    with closing(SqliteJournal(path, anew=True)) as journal:
        rows = journal.rows()
    assert (rows.open, rows.disputes, [owed.number for owed in rows.debts]) == ((sale(5),), (), [3])
    assert (rows.refunds, rows.pin_failed) == ((), 0)


def test_r24_a_wish_in_whose_way_another_stands_keeps_nothing_else_from_being_taken_over(path: Path) -> None:
    """One refund of a payment is wanted at a time, in the new journal, too."""
    damaged_in_part(path)
    set_aside(path)
    with closing(SqliteJournal(path)) as journal:
        journal.save([another(payment="p1")], [], NOW)
    with closing(SqliteJournal(path, anew=True)) as journal:
        assert journal.rows() == replace(taken_over(), refunds=(another(payment="p1"),))


def test_l2_a_power_cut_after_a_journal_was_set_aside_costs_nothing(path: Path) -> None:
    """The next start takes over what the last one could not."""
    damaged_in_part(path)
    set_aside(path)
    with closing(SqliteJournal(path, anew=True)) as journal:
        assert (journal.damage, journal.rows()) == ("", taken_over())


def test_what_cannot_all_be_read_is_not_taken_over_in_part(path: Path) -> None:
    damaged_in_part(path)
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("UPDATE sales SET why = 'unheard-of' WHERE number = 3")
    with closing(SqliteJournal(path, anew=True)) as journal:
        assert journal.rows() == Rows(set_aside=("journal.db.damaged-1",))
        journal.save([sale(1)], [], NOW)


def test_a_value_that_no_table_allows_is_damage_too(path: Path) -> None:
    with closing(SqliteJournal(path)) as journal:
        journal.save([foreign(1)], [], NOW)
    allow = "UPDATE sqlite_schema SET sql = replace(sql, 'made_at REAL NOT NULL', 'made_at REAL') WHERE name = 'sales'"
    with closing(sqlite3.connect(path)) as other, other:
        other.executescript(f"PRAGMA writable_schema = 1; {allow}")
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("UPDATE sales SET made_at = NULL")
    with closing(SqliteJournal(path, anew=True)) as journal:
        assert "a row cannot be read" in journal.damage
        assert journal.rows() == Rows(set_aside=("journal.db.damaged-1",))


@pytest.mark.parametrize("older", [True, False])
def test_what_lies_aside_of_an_older_version_is_left_alone(path: Path, older: bool) -> None:
    with closing(SqliteJournal(path)) as journal:
        journal.save([sale(1)], [], NOW)
    if older:
        with closing(sqlite3.connect(path)) as other:
            other.execute("PRAGMA user_version = 1")
    set_aside(path)
    with closing(SqliteJournal(path, anew=True)) as journal:
        assert journal.rows().open == (() if older else (replace(sale(1), restored=True),))


def test_what_is_not_ours_or_is_newer_or_in_use_is_never_set_aside(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE songs (title)")
    with pytest.raises(JournalStrangeError):
        SqliteJournal(path, anew=True)
    path.unlink()
    with closing(SqliteJournal(path)), pytest.raises(JournalBusyError):
        SqliteJournal(path, anew=True)
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA user_version = 99")
    with pytest.raises(JournalNewerError):
        SqliteJournal(path, anew=True)
    assert not Rows(set_aside=tuple(name for name in files(path) if "damaged" in name)).set_aside


def test_a_journal_found_damaged_while_it_runs_is_set_aside_with_its_wal_and_goes_on_empty(path: Path) -> None:
    """The WAL is not carried into the damaged file, neither now nor when the kiosk stops."""
    with closing(SqliteJournal(path)) as journal:
        journal.save([sale(1)], [], NOW)
        left = files(path)
        assert left["journal.db-wal"]
        assert journal.begin_anew() == "journal.db.damaged-1"
        assert journal.rows() == Rows(set_aside=("journal.db.damaged-1",))
        journal.save([sale(2)], [], NOW)
        assert journal.find("POS-1-abc") is None
    aside = {name: data for name, data in files(path).items() if ".damaged-1" in name}
    assert aside == {name.replace("journal.db", "journal.db.damaged-1"): data for name, data in left.items()}
    assert reopened(path).open == (sale(2),)
    assert reopened(path.with_name("journal.db.damaged-1")).open == (sale(1),)


def test_a_new_journal_that_cannot_be_begun_is_begun_when_it_can_and_nothing_is_set_aside_twice(path: Path) -> None:
    with closing(SqliteJournal(path)) as journal:
        journal.save([sale(1)], [], NOW)
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
        try:
            for _ in range(3):
                with pytest.raises(JournalError, match="the disk reports an error"):
                    journal.begin_anew()
                with pytest.raises(JournalDamagedError, match="could not be begun yet"):
                    journal.save([sale(2)], [], NOW)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert journal.begin_anew() == "journal.db.damaged-1"
        journal.save([sale(2)], [], NOW)
        assert journal.rows() == Rows(
            open=(sale(2),), last_number=2, recent=(sale(2),), set_aside=("journal.db.damaged-1",)
        )


# --- versions ---------------------------------------------------------------------------------------------------------


def test_a_journal_of_the_first_version_is_renewed_with_all_that_is_in_it(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as old, old:
        old.executescript(f"{MIGRATIONS[0]}; PRAGMA user_version = 1")
        old.execute(
            "INSERT INTO sales (reference, number, cents, currency, lines, key, made_at, phase, foreign_order, puts, "
            "doubt, deleted, order_id, late, watched) VALUES ('POS-1-abc', 1, 100, 'BRL', '[[\"Shop\",1,100]]', "
            "'key 1', ?, 'waiting', 0, 1, 0, 0, '', 0, 0)",
            (NOW + 1,),
        )
    assert reopened(path).open == (replace(sale(1, Phase.WAITING), puts=1),)


def test_a_newer_program_renews_the_file_and_the_older_one_then_refuses_it(path: Path) -> None:
    newer = (*MIGRATIONS, "ALTER TABLE sales ADD COLUMN tip INTEGER NOT NULL DEFAULT 0")
    with closing(SqliteJournal(path)) as journal:
        journal.save(
            [sale(1), sale(2, Phase.PAID, "p2", watched=True), debt(2)], [Entry("made", "made", number=1)], NOW
        )
        rows = journal.rows()
    with closing(SqliteJournal(path, scripts=newer)) as journal:
        assert journal.rows() == rows
        journal.save([sale(3)], [], NOW)
    with pytest.raises(JournalNewerError, match="upgrade the kiosk"):
        SqliteJournal(path, anew=True)
    with closing(SqliteJournal(path, scripts=newer)) as journal:
        assert journal.rows().last_number == 3


# --- many sales -------------------------------------------------------------------------------------------------------


def steps_of(journal: SqliteJournal, number: int) -> int:
    """Pages and rows apart: instructions of SQLite's virtual machine that the saves of one whole sale take."""
    db = journal._connected()  # the one place that can count
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return 0

    db.set_progress_handler(step, 1)
    journal.save([sale(number)], [Entry("placing", "placing", number=number)], NOW)
    journal.save([sale(number, Phase.PAID, f"p{number}", watched=True), debt(number)], [], NOW)
    journal.save([debt(number, DebtState.PRINTED)], [Entry("printed", "printed", number=number)], NOW)
    db.set_progress_handler(None, 1)
    return count


def test_a_sale_takes_no_more_work_after_a_thousand_sales_than_after_the_first(journal: SqliteJournal) -> None:
    steps_of(journal, 1)  # the first of all finds empty tables
    few = steps_of(journal, 2)
    done = [Sale(f"POS-{n}-abc", n, n, "BRL", (), "", NOW, Phase.PAID, payments=(f"p{n}",)) for n in range(10, 1010)]
    journal.save([*done, *(debt(n, DebtState.PRINTED) for n in range(10, 1010))], [], NOW)
    assert steps_of(journal, 2000) <= few + 5
