"""``kiosk settle``: the list from the journal, and the question to the running kiosk."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from kiosk.cli import main
from kiosk.control import ControlServer
from kiosk.journal import SqliteJournal
from kiosk.sale.records import Dispute, Reason
from tests.cli_shop import NOON, with_sales

OPEN = Dispute("222", "POS-1-Ab", 1, 250_000, "BRL", Reason.SECOND, NOON)
STRANGE = Dispute("333", "other", 0, 900, "BRL", Reason.UNKNOWN_ORDER, NOON)
SETTLED = Dispute("444", "POS-1-Ab", 1, 5, "BRL", Reason.EXCESS, NOON, "delivered", "Ana", NOON)
WORDS = ("222", "refunded", "--by", "Ana")


def settle(capsys: pytest.CaptureFixture[str], config: Path, *words: str) -> tuple[int, str, str]:
    status = main(["settle", "--config", str(config), *words])
    told = capsys.readouterr()
    return status, told.out, told.err


@pytest.fixture
def config(tmp_path: Path) -> Path:
    config = with_sales(tmp_path)
    with closing(SqliteJournal(tmp_path / "journal.db")) as journal:
        journal.save([OPEN, STRANGE, SETTLED], [], NOON)
    return config


def test_what_is_open_is_listed(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = (
        "sale 1: R$ 2.500,00 of payment 222, second, 2026-11-30 15:00:00, open\n"
        "no sale: R$ 9,00 of payment 333, unknown-order, 2026-11-30 15:00:00, open\n"
    )
    assert settle(capsys, config) == (0, told, "")
    status, out, _ = settle(capsys, config, "--json")
    assert (status, [each["payment"] for each in json.loads(out)]) == (0, ["222", "333"])


def test_nothing_to_settle_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = with_sales(tmp_path)
    assert settle(capsys, config) == (0, "there is no money to settle\n", "")
    assert settle(capsys, config, "--json") == (0, "[]\n", "")


def test_a_journal_elsewhere_can_be_listed_but_not_settled_in(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy.db"
    (tmp_path / "journal.db").rename(copy)
    assert "payment 222" in settle(capsys, config, "--journal", str(copy))[1]
    status, _, err = settle(capsys, config, *WORDS, "--journal", str(copy))
    assert (status, err) == (
        1,
        "kiosk: --journal is for the list: only the running kiosk settles, in its own journal\n",
    )


@pytest.mark.parametrize("words", [("222",), ("222", "refunded"), ("222", "--by", "Ana")])
def test_what_became_of_it_and_who_says_so_must_be_said(
    config: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    status, _, err = settle(capsys, config, *words)
    assert (status, err) == (1, "kiosk: say what became of it: kiosk settle 222 delivered|refunded --by NAME\n")


def test_another_word_is_wrong_use(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        settle(capsys, config, "222", "lost", "--by", "Ana")
    assert ended.value.code == 2


def test_nothing_is_settled_without_the_kiosk(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert settle(capsys, config, *WORDS) == (1, "", "kiosk: the kiosk does not run: systemctl start kiosk\n")
    with closing(SqliteJournal(config.with_name("journal.db"))) as journal:
        assert journal.rows().disputes == (OPEN, STRANGE)


def test_the_running_kiosk_settles(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked: list[dict[str, object]] = []

    def answer(request: dict[str, object]) -> dict[str, object]:
        asked.append(request)
        return {"settled": request["payment"]}

    told = settled_by(config, answer, capsys)
    assert told == (0, "payment 222: settled, refunded, by Ana\n", "")
    assert asked == [{"command": "settle", "payment": "222", "word": "refunded", "by": "Ana"}]


def test_what_the_kiosk_does_not_settle_is_told(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def answer(request: dict[str, object]) -> dict[str, object]:
        raise ValueError("the journal cannot be written")

    assert settled_by(config, answer, capsys) == (1, "", "kiosk: not settled: the journal cannot be written\n")


def settled_by(
    config: Path, answer: Callable[[dict[str, object]], dict[str, object]], capsys: pytest.CaptureFixture[str]
) -> tuple[int, str, str]:
    """What the command says beside a kiosk that answers so."""
    server = ControlServer(config.with_name("control.sock"), answer)
    try:
        return settle(capsys, config, *WORDS)
    finally:
        server.close()
