"""``kiosk keys``, ``reprint`` and ``check --print``: they ask the running service, or else open the device."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from kiosk.cli import main
from kiosk.control import ControlServer
from kiosk.journal import SqliteJournal
from kiosk.sale.events import Key
from kiosk.sale.records import Debt, DebtState, Mark, Ticket, TicketLine
from kiosk.sale.records import Roll as PaperRoll
from kiosk.sim.paper import Roll
from tests.asked_kiosk import Devices, asked
from tests.cli_shop import NOON, PAID, TOKEN, configured, with_sales


@contextmanager
def service(folder: Path) -> Iterator[Devices]:
    """A service that answers on the socket beside its journal."""
    with asked(folder) as (answers, devices):
        server = ControlServer(folder / "control.sock", answers)
        try:
            yield devices
        finally:
            server.close()


@contextmanager
def deaf_service(folder: Path) -> Iterator[None]:
    """One whose loop does not turn."""
    server = ControlServer(folder / "control.sock", lambda _request: {"error": "the loop does not answer"})
    try:
        yield
    finally:
        server.close()


def with_printer(folder: Path, state: DebtState = DebtState.PRINTED) -> tuple[Path, Path]:
    """A configuration whose printer is a plain file, and that file; the journal's ticket has come so far."""
    config, device = with_sales(folder), folder / "lp0"
    with closing(SqliteJournal(folder / "journal.db")) as journal:
        ticket = Ticket((TicketLine("TOTAL", "R$ 2.500,00"),), PAID.reference)
        journal.save([Debt(PAID.reference, 1, 250_000, ticket, NOON, (Mark.PAID_AFTER_CANCEL,), state)], (), NOON)
    device.touch()
    text = config.read_text().replace('[printer]\ndriver = "none"', f'[printer]\ndriver = "file"\ndevice = "{device}"')
    config.write_text(text)
    return config, device


def paper(device: Path) -> str:
    roll = Roll()
    roll.feed(device.read_bytes())
    assert roll.unknown == []
    return roll.text()


def run(config: Path, *arguments: str) -> int:
    return main([arguments[0], "--config", str(config), *arguments[1:]])


# --- reprint ----------------------------------------------------------------------------------------------------------


def test_the_running_service_prints_a_ticket_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = configured(tmp_path)
    with service(tmp_path) as devices:
        assert run(config, "reprint", "1") == 0
        assert capsys.readouterr().out == "printed: the ticket of sale 1 as COPY\n"
        assert run(config, "reprint", "2") == 1
        assert capsys.readouterr() == ("", "kiosk: not printed: there is no ticket of sale 2\n")
    assert [command.marks for command in devices.printed] == [(Mark.COPY,)]


def test_a_service_that_does_not_answer_prints_nothing_and_nor_does_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It owns the printer, however badly it is."""
    config, device = with_printer(tmp_path)
    with deaf_service(tmp_path):
        assert run(config, "reprint", "1") == 1
        assert capsys.readouterr().err == "kiosk: the loop does not answer\n"
        assert run(config, "keys") == 1
        assert capsys.readouterr().err == "kiosk: the service does not answer: the loop does not answer\n"
    assert device.read_bytes() == b""


@pytest.mark.parametrize(
    ("state", "mark", "words"),
    [
        (DebtState.PRINTED, "COPY", "2ª VIA"),
        (DebtState.PRESUMED, "POSSIBLE DUPLICATE", "POSSÍVEL DUPLICATA"),
    ],
)
def test_with_the_service_stopped_the_printer_is_opened(
    state: DebtState, mark: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """L3, R21: the paper says what it is, and keeps the marks that it always had."""
    config, device = with_printer(tmp_path, state)
    before = (tmp_path / "journal.db").read_bytes()
    assert run(config, "reprint", "1") == 0
    told = f"printed, as far as this printer tells: the ticket of sale 1 as {mark}\n"
    assert capsys.readouterr().out == told
    assert "R$ 2.500,00" in paper(device)
    lines = [line.strip() for line in paper(device).splitlines()]
    assert lines[:2] == ["PAGO APÓS CANCELAR", words]
    assert (tmp_path / "journal.db").read_bytes() == before, "the journal is only read"


@pytest.mark.parametrize("state", [DebtState.OWED, DebtState.PRINTING, DebtState.DOUBTFUL])
def test_a_ticket_that_is_still_owed_is_left_to_the_service(
    state: DebtState, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """L3: nobody would write down that the original is out."""
    config, device = with_printer(tmp_path, state)
    assert run(config, "reprint", "1") == 1
    assert "sale 1 is still owed: the service prints it; systemctl start kiosk" in capsys.readouterr().err
    assert device.read_bytes() == b""


def test_what_cannot_be_printed_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, device = with_printer(tmp_path)
    assert run(config, "reprint", "7") == 1
    assert capsys.readouterr().err == f"kiosk: there is no ticket of sale 7 in {tmp_path}/journal.db\n"
    device.unlink()
    assert run(config, "reprint", "1") == 1
    err = capsys.readouterr().err
    assert err.startswith("kiosk: not printed, or not whole: the ticket of sale 1 as COPY: gone, ")
    assert err.count("\n") == 1
    assert run(with_sales_elsewhere(tmp_path), "reprint", "1") == 1
    assert capsys.readouterr().err == "kiosk: not printed: no printer is configured\n"


def with_sales_elsewhere(folder: Path) -> Path:
    (folder / "other").mkdir()
    return with_sales(folder / "other")


@pytest.mark.parametrize("number", ["0", "-1", "x", "٣", str(2**63), "9" * 5000])
def test_what_is_no_number_of_a_sale_is_wrong_usage(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["reprint", number], ["sales", "show", number]):
        with pytest.raises(SystemExit) as caught:
            main(command)
        assert caught.value.code == 2
        assert "usage: kiosk" in capsys.readouterr().err


# --- check --print ----------------------------------------------------------------------------------------------------


def test_the_running_service_prints_the_slip_between_sales(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = configured(tmp_path)
    with service(tmp_path) as devices:
        assert run(config, "check", "--print") == 1, "nobody plays the provider here"
    out = capsys.readouterr().out
    assert "ok   slip      printed: the slip\n" in out
    [command] = devices.printed
    texts = [line.text for line in command.ticket.lines]
    assert texts[0] == texts[-1] == "SERVIÇO - NÃO É COMPROVANTE"
    assert texts[2].startswith("kiosk ")
    assert any(text.startswith("ok  service: running, state ") for text in texts)
    assert any(text.startswith("BAD token: no answer") for text in texts)
    assert TOKEN not in out + "".join(texts)


def test_with_the_service_stopped_the_slip_is_printed_here(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The fake provider of the tests is on loopback: the slip says TRAINING, too."""
    config, device = with_printer(tmp_path)
    assert run(config, "check", "--print", "--json") == 1
    *_, slip = json.loads(capsys.readouterr().out)
    assert slip == {"name": "slip", "ok": True, "text": "printed, as far as this printer tells: the slip", "advice": ""}
    text = paper(device)
    assert "TREINO" in text or "TREINAMENTO" in text
    assert "SERVIÇO - NÃO É COMPROVANTE" in text
    assert "ok  journal:" in text
    assert TOKEN not in text


def test_a_slip_that_cannot_be_printed_is_a_bad_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = with_sales(tmp_path)
    assert run(config, "check", "--print") == 1
    assert "BAD  slip      not printed: no printer is configured\n" in capsys.readouterr().out
    with deaf_service(tmp_path):
        assert run(config, "check", "--print") == 1
    assert "BAD  slip      not printed: the loop does not answer\n" in capsys.readouterr().out


def test_check_says_how_long_the_paper_lasts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From the journal, while the service is stopped; nothing where the length of a roll is not configured."""
    config, _ = with_printer(tmp_path)
    with closing(SqliteJournal(tmp_path / "journal.db")) as journal:
        journal.save([PaperRoll(1000, NOON, 100)], (), NOON)
    assert run(config, "check") == 1
    assert "paper" not in capsys.readouterr().out
    config.write_text(config.read_text().replace("[printer]\n", "[printer]\nroll_m = 3\n"))
    assert run(config, "check") == 1
    assert "ok   paper     for about 20 tickets\n               -> have a new roll at hand\n" in capsys.readouterr().out


def test_without_the_option_nothing_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, device = with_printer(tmp_path)
    assert run(config, "check") == 1
    assert "slip" not in capsys.readouterr().out
    assert paper(device) == "", "a question is no paper"


# --- keys -------------------------------------------------------------------------------------------------------------


def test_keys_of_the_running_service_are_shown_as_they_arrive(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They act at the counter, too, and the command says so."""
    config = configured(tmp_path)
    with asked(tmp_path) as (answers, devices):
        asks = 0

        def pressing(request: dict[str, object]) -> dict[str, object]:
            nonlocal asks
            asks += 1
            if asks == 2:  # the first question after the one that begins
                devices.keys(Key("5"))
                devices.keys(Key("*", held=True))
            if asks == 3:
                signal.raise_signal(signal.SIGINT)
            return answers(request)

        devices.keys(Key("9"))
        server = ControlServer(tmp_path / "control.sock", pressing)
        assert run(config, "keys") == 130
        server.close()
    head, *shown = capsys.readouterr().out.splitlines()
    assert head == "the service runs: keys act at the counter, too; press some; Ctrl-C ends"
    assert shown == ["5", "*  held"]


def test_a_service_that_ends_ends_the_watching(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = configured(tmp_path)
    answers: list[dict[str, object]] = [{"keys": [], "last": 0}, {"error": "unknown"}]
    server = ControlServer(tmp_path / "control.sock", lambda _request: answers.pop(0))
    assert run(config, "keys") == 1
    server.close()
    assert capsys.readouterr().err == "kiosk: the service ended, or does not answer: unknown\n"
