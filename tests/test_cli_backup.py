"""``kiosk backup``: journal and configuration in one folder."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from kiosk.journal import SqliteJournal
from kiosk.sale.commands import Print
from kiosk.sale.events import Paper
from kiosk.sale.records import DebtState, Mark, Sale
from tests.cli_shop import NOON, TOKEN, backed_up, backup, configured, sales, with_sales
from tests.loop_story import LoopStory
from tests.story import order, payment


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    place = tmp_path / "stick"
    place.mkdir()
    return place


def test_a_backup_made_while_the_kiosk_writes_is_whole_private_and_readable(
    tmp_path: Path, stick: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = with_sales(tmp_path)
    with closing(SqliteJournal(tmp_path / "journal.db")) as journal:
        journal.save((Sale("POS-3-x", 3, 1, "BRL", (), "key 3", NOON),), (), NOON)
        made = backup(config, stick)
        journal.save((Sale("POS-4-x", 4, 1, "BRL", (), "key 4", NOON),), (), NOON)
    assert made is not None
    assert capsys.readouterr().out == f"{made}: a whole copy of {tmp_path}/journal.db, and {config}\n"
    assert sorted(file.name for file in made.iterdir()) == ["journal.db", "kiosk.toml"]
    assert made.stat().st_mode & 0o777 == 0o700
    assert (made / "kiosk.toml").read_bytes() == config.read_bytes()
    assert sales(config, "--journal", str(made / "journal.db"), "list", "--json") == 0
    assert [sale["number"] for sale in json.loads(capsys.readouterr().out)] == [3, 2, 1]


def test_the_supervisors_go_along_where_there_are_some(
    tmp_path: Path, stick: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, supervisors = with_sales(tmp_path), tmp_path / "supervisors"
    supervisors.write_text("as it stands there\n")
    made = backup(config, stick)
    assert made is not None
    assert capsys.readouterr().out == f"{made}: a whole copy of {tmp_path}/journal.db, and {config}, {supervisors}\n"
    assert sorted(file.name for file in made.iterdir()) == ["journal.db", "kiosk.toml", "supervisors"]
    assert (made / "supervisors").read_bytes() == supervisors.read_bytes()


def test_l10_the_token_is_in_no_backup(tmp_path: Path, stick: Path) -> None:
    made = backup(with_sales(tmp_path), stick)
    assert made is not None
    assert not any(TOKEN.encode() in file.read_bytes() for file in made.iterdir())


def test_a_backup_goes_into_a_folder_that_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = with_sales(tmp_path)
    assert backup(config, tmp_path / "nowhere") is None
    assert capsys.readouterr() == ("", f"kiosk: {tmp_path}/nowhere is no folder\n")
    assert not (tmp_path / "nowhere").exists()


def test_a_backup_for_which_there_is_no_room_is_one_line_and_leaves_nothing(tmp_path: Path, stick: Path) -> None:
    config = with_sales(tmp_path)
    command = [sys.executable, "-m", "kiosk", "backup", "--config", str(config), str(stick)]

    def no_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY))

    done = subprocess.run(command, capture_output=True, text=True, check=False, preexec_fn=no_room)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith("kiosk: copy ")
    assert not list(stick.iterdir())


def test_a_backup_of_no_journal_is_one_line(tmp_path: Path, stick: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert backup(configured(tmp_path), stick) is None
    [line] = capsys.readouterr().err.splitlines()
    assert "there is none yet" in line


def test_r21_a_restored_backup_doubts_what_was_owed_when_it_was_made(tmp_path: Path, stick: Path) -> None:
    """From the command to the next start: since the backup was made, its ticket may have been printed."""
    config = with_sales(tmp_path)
    path = tmp_path / "journal.db"
    with closing(SqliteJournal(path)) as journal:
        book = LoopStory(journal).account().free().printer(Paper.OUT).waiting().paid()
        assert [debt.state for debt in journal.rows().debts] == [DebtState.OWED]
        reference = book.sale.reference
        copy = backed_up(config, stick)
        book.printer(Paper.OK).wait(6).printed()
    path.unlink()
    copy.rename(path)  # as the technician restores it
    with closing(SqliteJournal(path, anew=True)) as journal:
        [debt] = journal.rows().debts
        assert (debt.id, debt.state, debt.tried) == (reference, DebtState.DOUBTFUL, True)
        again = LoopStory(journal, at=1060.0, life=1).account().free().printer(Paper.OK).wait(6)
        [paper] = again.did(Print)
        assert paper.ticket.reference == reference
        assert Mark.POSSIBLE_DUPLICATE in paper.marks


def test_l3_a_sale_that_was_open_in_a_restored_backup_prints_no_second_original(tmp_path: Path, stick: Path) -> None:
    """It was paid and printed after the backup was made: the journal that knew it is gone."""
    config = with_sales(tmp_path)
    path = tmp_path / "journal.db"
    with closing(SqliteJournal(path)) as journal:
        story = LoopStory(journal).ready().waiting()
        copy = backed_up(config, stick)
        sale = story.paid().printed().sale
        assert [paper.marks for paper in story.did(Print)] == [()]
    path.unlink()
    copy.rename(path)
    with closing(SqliteJournal(path, anew=True)) as journal:
        again = LoopStory(journal, at=1030.0, life=1).account().printer(Paper.OK).free()
        again.seen(order(sale, payment(sale.payments[0])))
        [paper] = again.did(Print)
        assert paper.ticket.reference == sale.reference
        assert paper.marks == (Mark.POSSIBLE_DUPLICATE,)
        again.printed().wait(2).keys("#").free().waiting("100#").paid()
        assert [paper.marks for paper in again.did(Print)] == [()]  # its twin, of a sale made since
