"""``kiosk sales``: the journal in the technician's hands."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest

from kiosk.journal import SqliteJournal
from kiosk.sale.records import Sale
from tests.cli_shop import NOON, configured, sales, with_sales


def test_the_newest_sales_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sales(with_sales(tmp_path), "list") == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["NUMBER", "TIME", "AMOUNT", "STATE", "TICKET", "PAYMENTS"]
    assert [re.split(r" {2,}", row.strip()) for row in rows] == [
        ["2", "2026-11-30 15:01:00", "R$ 9,00", "withdrawn (cancelled)", "-", "-"],
        ["1", "2026-11-30 15:00:00", "R$ 2.500,00", "paid", "printed", "111"],
    ]


def test_sales_alone_is_the_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = with_sales(tmp_path)
    assert sales(config) == sales(config, "list") == 0
    out = capsys.readouterr().out
    assert out[: len(out) // 2] == out[len(out) // 2 :]


def test_as_many_as_are_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = with_sales(tmp_path, 60)
    assert sales(config, "list", "--count", "3") == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["NUMBER", "60", "59", "58"]
    assert sales(config, "list") == 0
    assert len(capsys.readouterr().out.splitlines()) == 51


@pytest.mark.parametrize("arguments", [["--json", "list"], ["list", "--json"], ["--json"]], ids=" ".join)
def test_the_list_for_programs(arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sales(with_sales(tmp_path), *arguments) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [(sale["number"], sale["cents"], sale["ticket"]) for sale in listed] == [
        (2, 900, None),
        (1, 250_000, "printed"),
    ]


def test_one_sales_whole_story(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = with_sales(tmp_path)
    assert sales(config, "show", "1") == 0
    out = capsys.readouterr().out
    assert out.startswith("Sale 1: R$ 2.500,00, paid\n")
    assert "paid: sale 1: paid by 111" in out
    assert sales(config, "show", "1", "--json") == 0
    story = json.loads(capsys.readouterr().out)
    assert [entry["event"] for entry in story["log"]] == ["paid"]


def test_a_sale_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sales(with_sales(tmp_path), "show", "99") == 1
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"kiosk: there is no sale 99 in {tmp_path}/journal.db\n")


def test_all_sales_as_csv_with_the_line_ends_that_rfc_4180_wants(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert sales(with_sales(tmp_path), "export") == 0
    raw = capfdbinary.readouterr().out
    assert raw.count(b"\r\n") == raw.count(b"\n") == 3
    first, second = csv.DictReader(io.StringIO(raw.decode()))
    assert (first["number"], first["amount"], first["ticket"]) == ("1", "2500.00", "printed")
    assert (second["number"], second["why"]) == ("2", "cancelled")


def test_all_sales_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sales(with_sales(tmp_path), "export", "--json") == 0
    assert [sale["number"] for sale in json.loads(capsys.readouterr().out)] == [1, 2]


def test_another_journal_than_the_configured_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = with_sales(tmp_path)
    (tmp_path / "journal.db").rename(tmp_path / "backup.db")
    assert sales(config, "--journal", str(tmp_path / "backup.db"), "list") == 0
    assert "2.500,00" in capsys.readouterr().out
    assert sales(config, "list") == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"kiosk: journal {tmp_path}/journal.db: there is none yet")


def test_a_journal_that_cannot_even_be_looked_for_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a folder that this user may not enter; here by a name that no file system takes, which stops root, too."""
    config = configured(tmp_path)
    assert sales(config, "--journal", str(tmp_path / ("x" * 300)), "list") == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("kiosk: journal ")


def test_the_account_that_does_not_answer_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its twins, with an account, are in ``test_agreement.py``."""
    assert sales(with_sales(tmp_path), "reconcile") == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("kiosk: unknown whether the account agrees: no answer: network")
    assert len(said.err.splitlines()) == 1


def test_reading_changes_nothing_and_works_while_a_kiosk_writes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = with_sales(tmp_path)
    journal = SqliteJournal(tmp_path / "journal.db")
    assert sales(config, "list") == 0
    journal.save((Sale("POS-3-x", 3, 1, "BRL", (), "key 3", NOON),), (), NOON)
    assert sales(config, "show", "3") == 0
    journal.close()
    assert "Sale 3" in capsys.readouterr().out
