"""The technician's commands: usage, exit statuses, one message with every error, and the journal as they show it."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from kiosk.cli import main
from kiosk.config import load, masked
from kiosk.control import ControlServer
from kiosk.journal import SqliteJournal
from kiosk.ports import JournalError
from kiosk.sale.commands import Print
from kiosk.sale.events import Paper
from kiosk.sale.records import Debt, DebtState, Entry, Line, Mark, Phase, Sale, Ticket, Why
from kiosk.sale.status import status
from tests.loop_story import LoopStory
from tests.story import Story, order, payment

TOKEN = "APP_USR-123-456-abcdef-789"
NOON = 1_796_050_800.0  # 2026-11-30 15:00:00 UTC


def configured(tmp_path: Path, more: str = "", provider: str = "") -> Path:
    """A configuration without devices, whose provider nobody plays: the port is a closed one of this machine."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    token = tmp_path / "token"
    token.write_text(TOKEN)
    token.chmod(0o600)
    path = tmp_path / "kiosk.toml"
    path.write_text(f"""
[shop]
name = "EXAMPLE SHOP"
site = "MLB"
timezone = "UTC"
[mercadopago]
user_id = 123456789
external_store_id = "EXAMPLESTORE1"
external_pos_id = "EXAMPLEPOS1"
base_url = "http://127.0.0.1:{port}"
access_token_file = "{token}"
{provider}
[keypad]
driver = "none"
[display]
driver = "none"
[printer]
driver = "none"
[journal]
path = "{tmp_path}/journal.db"
{more}
""")
    return path


PAID = Sale(
    *("POS-1-Ab", 1, 250_000, "BRL", (Line("Café", 2, 125_000),), "key", NOON, Phase.PAID),
    puts=1,
    payments=("111",),
    paid_at=NOON + 20,
    ended_at=NOON + 20,
)
CANCELLED = Sale("POS-2-Cd", 2, 900, "BRL", (), "key", NOON + 60, Phase.WITHDRAWN, Why.CANCELLED)


def with_sales(tmp_path: Path, count: int = 2) -> Path:
    """A configuration whose journal holds a paid and a cancelled sale, and as many more as are asked for."""
    config = configured(tmp_path)
    journal = SqliteJournal(tmp_path / "journal.db")
    ticket = Debt(PAID.reference, 1, 250_000, Ticket(()), NOON + 20, state=DebtState.PRINTED)
    more = [Sale(f"POS-{n}-x", n, n, "BRL", (), f"key {n}", NOON + n) for n in range(3, count + 1)]
    journal.save((PAID, ticket, CANCELLED, *more), (Entry("paid", "sale 1: paid by 111", PAID.reference, 1),), NOON)
    journal.close()
    return config


# --- usage ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["sell"],
        ["run", "--fast"],
        ["sales", "show"],
        ["sales", "show", "one"],
        ["sales", "list", "--count", "many"],
        ["sales", "burn"],
        ["sales", "backup"],
        ["sales", "reconcile", "--day", "yesterday"],
        ["sales", "reconcile", "--day", "2030-02-30"],
        ["sim", "--only", "printer"],
        ["sim", "--port", "http"],
        ["sim", "--only", "mercadopago", "--port", "65536"],
        ["sim", "--only", "mercadopago", "--port", "-1"],
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: kiosk" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--port", "8081"], "--port is for --only"),
        (["--port", "0", "--listen", "127.0.0.1:0"], "--port is for --only"),
        (["--only", "mercadopago", "--real", "printer"], "not with --real"),
        (["--only", "mercadopago", "--listen", "127.0.0.1:0", "--config", "a.toml"], "not with --config, --listen"),
    ],
    ids=str,
)
def test_options_that_do_not_go_together_are_told(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """That each is taken where it belongs, the tests of the virtual counter and of the fake account show."""
    assert main(["sim", *arguments]) == 2
    complaint = capsys.readouterr().err
    assert complaint.startswith("kiosk sim: ")
    assert told in complaint
    assert complaint.count("\n") == 1


@pytest.mark.parametrize(
    "command", [[], ["run"], ["sim"], ["check"], ["config"], ["keys"], ["sales"], ["sales", "list"]]
)
def test_help_is_there_for_every_command(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([*command, "--help"])
    assert caught.value.code == 0
    assert "usage: kiosk" in capsys.readouterr().out


def test_showing_the_configuration_loads_no_library_of_a_device(tmp_path: Path) -> None:
    """``cli`` loads what a command needs inside it: on a half-installed machine the simple ones still work."""
    code = (
        "import sys; from kiosk.cli import main; status = main(sys.argv[1:]); "
        "heavy = {'httpx', 'PIL', 'luma', 'escpos', 'gpiozero', 'gpiod', 'sqlite3', 'starlette', 'uvicorn'}; "
        "sys.exit(status or ' '.join(heavy & set(sys.modules)) or 0)"
    )
    command = [sys.executable, "-c", code, "config", "--config", str(configured(tmp_path))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


# --- a wrong configuration --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [["run"], ["check"], ["config"], ["keys"], ["sales"], ["sales", "show", "1"]])
def test_every_error_of_the_configuration_in_one_message_and_nothing_started(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """File, table and key of each; exit 2; no journal made, no socket opened."""
    path = configured(tmp_path, '[sale]\nwait_seconds = 5\nminimum = "x"\n[sound]\nbuzzer = "loud"\n[shops]\n')
    assert main([command[0], "--config", str(path), *command[1:]]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    for mistake in ("wait_seconds", "minimum", "buzzer", "shops"):
        assert len([line for line in err.splitlines() if mistake in line and str(path) in line]) == 1, mistake
    assert sorted(file.name for file in tmp_path.iterdir()) == ["kiosk.toml", "token"]


def test_a_configuration_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "--config", str(tmp_path / "none.toml")]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "none.toml" in line


def test_the_service_does_not_start_without_a_token(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = configured(tmp_path)
    (tmp_path / "token").unlink()
    assert main(["run", "--config", str(path)]) == 2
    assert "the access token cannot be read" in capsys.readouterr().err
    assert not (tmp_path / "journal.db").exists()


def test_an_unknown_far_end_is_an_error_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sim", "--real", "printer,drawer"]) == 2
    err = capsys.readouterr().err
    assert "drawer" in err
    assert all(name in err for name in ("mercadopago", "printer", "display", "keypad"))


@pytest.fixture
def own_signals() -> Iterator[None]:
    """``run`` takes the process's signals; the tests get theirs back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("own_signals")
def test_a_control_socket_that_cannot_be_made_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KIOSK_CONTROL", str(tmp_path / "not-there" / "control.sock"))
    assert main(["run", "--config", str(configured(tmp_path))]) == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("kiosk: ")]
    assert len(lines) == 1
    assert "not-there" in lines[0]


@pytest.mark.usefixtures("own_signals")
def test_a_journal_that_another_kiosk_holds_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = configured(tmp_path)
    holder = SqliteJournal(tmp_path / "journal.db")
    assert main(["run", "--config", str(config)]) == 1
    holder.close()
    assert f"kiosk: journal {tmp_path}/journal.db: another kiosk runs on it\n" in capsys.readouterr().err


# --- config -----------------------------------------------------------------------------------------------------------


def test_the_configuration_in_force_is_shown_with_its_defaults_and_without_secrets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """L10: neither the token nor what a notification address may carry. It is TOML, and loads again."""
    path = configured(tmp_path, provider='notification_url = "https://shop.example/notify?secret=12345"')
    assert main(["config", "--config", str(path)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert TOKEN not in out
    assert '12345"' not in out
    shown = tomllib.loads(out)
    assert shown["mercadopago"]["notification_url"] == "https://shop.example/notify?********"
    assert shown["shop"]["name"] == "EXAMPLE SHOP"
    assert shown["printer"]["columns"] == 42
    again = tmp_path / "again.toml"
    again.write_text(out)
    assert main(["config", "--config", str(again)]) == 0
    assert capsys.readouterr().out == out


# --- sales ------------------------------------------------------------------------------------------------------------


def sales(config: Path, *arguments: str) -> int:
    return main(["sales", "--config", str(config), *arguments])


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


def test_a_backup_made_while_the_kiosk_writes_is_whole_private_and_readable(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = with_sales(tmp_path)
    backup = tmp_path / "backup.db"
    with closing(SqliteJournal(tmp_path / "journal.db")) as journal:
        journal.save((Sale("POS-3-x", 3, 1, "BRL", (), "key 3", NOON),), (), NOON)
        assert sales(config, "backup", str(backup)) == 0
        journal.save((Sale("POS-4-x", 4, 1, "BRL", (), "key 4", NOON),), (), NOON)
    assert capsys.readouterr().out == f"{backup}: a whole copy of {tmp_path}/journal.db\n"
    assert backup.stat().st_mode & 0o777 == 0o600
    assert not list(tmp_path.glob("backup.db?*"))
    assert sales(config, "--journal", str(backup), "list", "--json") == 0
    assert [sale["number"] for sale in json.loads(capsys.readouterr().out)] == [3, 2, 1]


def test_a_backup_replaces_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = with_sales(tmp_path)
    backup = tmp_path / "backup.db"
    backup.write_text("last year's")
    assert sales(config, "backup", str(backup)) == 1
    assert capsys.readouterr() == ("", f"kiosk: copy {backup}: File exists\n")
    assert backup.read_text() == "last year's"
    assert sales(config, "backup", str(tmp_path / "another.db")) == 0


@pytest.mark.parametrize(
    ("file", "words"), [("nowhere/backup.db", "No such file or directory"), ("journal.db", "File exists")]
)
def test_a_backup_that_cannot_be_made_is_one_line_and_leaves_nothing(
    file: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = with_sales(tmp_path)
    assert sales(config, "list") == 0  # a reader leaves its -shm behind
    capsys.readouterr()
    before = sorted(tmp_path.iterdir())
    assert sales(config, "backup", str(tmp_path / file)) == 1
    assert capsys.readouterr() == ("", f"kiosk: copy {tmp_path / file}: {words}\n")
    assert sorted(tmp_path.iterdir()) == before


def test_a_backup_for_which_there_is_no_room_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    config = with_sales(tmp_path)
    command = [sys.executable, "-m", "kiosk", "sales", "--config", str(config), "backup", str(tmp_path / "backup.db")]

    def no_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY))

    done = subprocess.run(command, capture_output=True, text=True, check=False, preexec_fn=no_room)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith(f"kiosk: copy {tmp_path}/backup.db: ")
    assert not list(tmp_path.glob("backup.db*"))


def test_a_backup_of_no_journal_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sales(configured(tmp_path), "backup", str(tmp_path / "backup.db")) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert "there is none yet" in line
    assert not (tmp_path / "backup.db").exists()


def test_r21_a_restored_backup_doubts_what_was_owed_when_it_was_made(tmp_path: Path) -> None:
    """From the command to the next start: since the backup was made, its ticket may have been printed."""
    config = with_sales(tmp_path)
    path, backup = tmp_path / "journal.db", tmp_path / "backup.db"
    with closing(SqliteJournal(path)) as journal:
        book = LoopStory(journal).account().free().printer(Paper.OUT).waiting().paid()
        assert [debt.state for debt in journal.rows().debts] == [DebtState.OWED]
        reference = book.sale.reference
        assert sales(config, "backup", str(backup)) == 0
        book.printer(Paper.OK).wait(6).printed()
    path.unlink()
    backup.rename(path)  # as the technician restores it
    with closing(SqliteJournal(path, anew=True)) as journal:
        [debt] = journal.rows().debts
        assert (debt.id, debt.state, debt.tried) == (reference, DebtState.DOUBTFUL, True)
        again = LoopStory(journal, at=1060.0, life=1).account().free().printer(Paper.OK).wait(6)
        [paper] = again.did(Print)
        assert paper.ticket.reference == reference
        assert Mark.POSSIBLE_DUPLICATE in paper.marks


def test_l3_a_sale_that_was_open_in_a_restored_backup_prints_no_second_original(tmp_path: Path) -> None:
    """It was paid and printed after the backup was made: the journal that knew it is gone."""
    config = with_sales(tmp_path)
    path, backup = tmp_path / "journal.db", tmp_path / "backup.db"
    with closing(SqliteJournal(path)) as journal:
        story = LoopStory(journal).ready().waiting()
        assert sales(config, "backup", str(backup)) == 0
        sale = story.paid().printed().sale
        assert [paper.marks for paper in story.did(Print)] == [()]
    path.unlink()
    backup.rename(path)
    with closing(SqliteJournal(path, anew=True)) as journal:
        again = LoopStory(journal, at=1030.0, life=1).account().printer(Paper.OK).free()
        again.seen(order(sale, payment(sale.payments[0])))
        [paper] = again.did(Print)
        assert paper.ticket.reference == sale.reference
        assert paper.marks == (Mark.POSSIBLE_DUPLICATE,)
        again.printed().wait(2).keys("#").free().waiting("100#").paid()
        assert [paper.marks for paper in again.did(Print)] == [()]  # its twin, of a sale made since


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


def test_a_traceback_only_on_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = configured(tmp_path)
    assert sales(config, "list") == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
    monkeypatch.setenv("KIOSK_DEBUG", "1")
    with pytest.raises(JournalError):
        sales(config, "list")


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        (["sales", "list"], 2),
        (["sales", "export"], 2),
        (["sales", "export"], 2000),
        (["sales", "export", "--json"], 2),
        (["sales", "export", "--json"], 2000),
        (["sales", "show", "1"], 2),
        (["config"], 0),
    ],
)
def test_a_reader_that_has_enough_is_no_error(arguments: list[str], count: int, tmp_path: Path) -> None:
    """``kiosk sales | head`` ends well and without a word, also where all of it fits the buffer until the very end."""
    config = with_sales(tmp_path, count) if count else configured(tmp_path)
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "kiosk", arguments[0], "--config", str(config), *arguments[1:]]
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, check=False, env=environ)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")


# --- check ------------------------------------------------------------------------------------------------------------


@contextmanager
def service(tmp_path: Path) -> Iterator[None]:
    """A service that answers its status on the control socket."""
    story = Story().ready()
    server = ControlServer(tmp_path / "control.sock", lambda _request: status(story.counter, story.at))
    try:
        yield
    finally:
        server.close()


@contextmanager
def deaf_service(tmp_path: Path) -> Iterator[None]:
    """A service that takes a question and hangs up."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "control.sock"))
    listener.listen()

    def hang_up() -> None:
        client, _ = listener.accept()
        client.recv(1)
        client.close()

    thread = threading.Thread(target=hang_up)
    thread.start()
    try:
        yield
    finally:
        thread.join(20.0)
        listener.close()


def checked(capsys: pytest.CaptureFixture[str]) -> dict[str, bool]:
    return {result["name"]: result["ok"] for result in json.loads(capsys.readouterr().out)}


def test_check_tells_of_a_damaged_journal_that_was_set_aside(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["check", "--config", str(with_sales(tmp_path)), "--json"]
    (tmp_path / "journal.db").write_bytes(b"lost" * 5000)
    assert main(command) == 1
    assert checked(capsys) == {"keypad": True, "journal": False, "token": False}
    SqliteJournal(tmp_path / "journal.db", anew=True).close()
    assert main(command) == 1
    assert checked(capsys) == {"keypad": True, "journal": True, "aside": False, "token": False}


def test_check_without_a_service_looks_at_the_devices_and_asks_the_account(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody plays the provider here, so the whole is not well."""
    config = with_sales(tmp_path)
    assert main(["check", "--config", str(config), "--json"]) == 1
    assert checked(capsys) == {"keypad": True, "journal": True, "token": False}
    assert main(["check", "--config", str(config)]) == 1
    out = capsys.readouterr().out
    assert "BAD  token     no answer: network" in out
    assert "-> check cable, Wi-Fi and router" in out
    assert TOKEN not in out


def test_check_with_a_damaged_journal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = with_sales(tmp_path)
    (tmp_path / "journal.db").write_bytes(b"no database at all, but long enough to be looked at" * 99)
    assert main(["check", "--config", str(config), "--json"]) == 1
    assert checked(capsys)["journal"] is False


def test_check_without_a_token_still_checks_the_rest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = configured(tmp_path)
    (tmp_path / "token").unlink()
    assert main(["check", "--config", str(config), "--json"]) == 1
    assert checked(capsys) == {"keypad": True, "journal": True, "token": False}


def test_check_asks_a_running_service_and_touches_no_device(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = configured(tmp_path)
    with service(tmp_path):
        assert main(["check", "--config", str(config), "--json"]) == 1
    assert checked(capsys) == {"service": True, "printer": True, "journal": True, "token": False}


def test_check_touches_no_device_of_a_service_that_does_not_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A socket that is answered, however badly, is a service that owns the devices."""
    config = configured(tmp_path)
    with deaf_service(tmp_path):
        assert main(["check", "--config", str(config), "--json"]) == 1
    found = checked(capsys)
    assert "keypad" not in found
    assert found["service"] is False


# --- status, reload ---------------------------------------------------------------------------------------------------


def test_status_says_what_the_running_kiosk_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = configured(tmp_path)
    with service(tmp_path):
        assert main(["status", "--config", str(config)]) == 0
        assert capsys.readouterr().out == "idle\n"
        assert main(["status", "--config", str(config), "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["state"] == "idle"
        assert main(["status", "--config", str(config), "--wait", "0"]) == 0


def test_status_without_a_kiosk_is_an_error_and_nothing_to_wait_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = configured(tmp_path)
    assert main(["status", "--config", str(config)]) == 1
    assert capsys.readouterr().err == "kiosk: it does not run; systemctl start kiosk\n"
    assert main(["status", "--config", str(config), "--wait", "0"]) == 0


def test_reload_names_what_needs_a_restart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = configured(tmp_path)
    in_force = masked(load(config))
    server = ControlServer(tmp_path / "control.sock", lambda _request: {"config": in_force})
    assert main(["reload", "--config", str(config)]) == 0
    assert "nothing has changed" in capsys.readouterr().out
    config.write_text(config.read_text().replace("EXAMPLE SHOP", "Another name"))
    assert main(["reload", "--config", str(config)]) == 0
    assert "systemctl restart kiosk: [shop] name, [sale] title\n" in capsys.readouterr().out
    config.write_text("[shop]\n")
    assert main(["reload", "--config", str(config)]) == 2
    server.close()


# --- keys -------------------------------------------------------------------------------------------------------------


def test_keys_leaves_the_keypad_to_a_running_service(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = configured(tmp_path)
    with service(tmp_path):
        assert main(["keys", "--config", str(config)]) == 1
    assert "the service has the keypad: systemctl stop kiosk first" in capsys.readouterr().err


@contextmanager
def interrupted_soon() -> Iterator[None]:
    """Ctrl-C, as soon as the command waits."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


def test_keys_listens_until_ctrl_c(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with interrupted_soon():
        assert main(["keys", "--config", str(configured(tmp_path))]) == 130
    assert capsys.readouterr().out == "press keys; Ctrl-C ends\n"


def test_a_keypad_that_cannot_be_opened_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = configured(tmp_path)
    config.write_text(config.read_text().replace('[keypad]\ndriver = "none"', '[keypad]\ndriver = "usb"'))
    assert main(["keys", "--config", str(config)]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("kiosk: ")
