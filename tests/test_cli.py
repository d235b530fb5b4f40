"""The technician's commands: usage, exit statuses, one message with every error, and the journal as they show it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn

import pytest

from kiosk import cli_devices
from kiosk.cli import main
from kiosk.config import load, masked
from kiosk.control import ControlServer
from kiosk.journal import SqliteJournal
from kiosk.ports import JournalError
from kiosk.sale.status import status
from tests.cli_shop import TOKEN, configured, sales, with_sales
from tests.story import Story
from tests.usb_pads import F1, KP, KP_ENTER, Sockets

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
        ["panel", "paid"],
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
    "command",
    [[], ["run"], ["sim"], ["check"], ["config"], ["keys"], ["panel"], ["reprint"], ["sales"], ["sales", "list"]],
)
def test_help_is_there_for_every_command(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([*command, "--help"])
    assert caught.value.code == 0
    assert "usage: kiosk" in capsys.readouterr().out


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"kiosk {version('kiosk')}\n"


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


# --- the panel while no kiosk runs ------------------------------------------------------------------------------------


def panel_of_no_bus(tmp_path: Path) -> Path:
    """A shop whose panel hangs on a bus that no machine has."""
    path = configured(tmp_path)
    path.write_text(path.read_text().replace('[display]\ndriver = "none"', "[display]\nport = 31"))
    return path


def test_a_panel_that_is_not_there_fails_no_end_of_the_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As systemd calls it after a SIGKILL, where it says nothing of its jobs."""
    monkeypatch.setenv("PATH", str(tmp_path))
    for name, value in (("SERVICE_RESULT", "signal"), ("EXIT_CODE", "killed"), ("EXIT_STATUS", "KILL")):
        monkeypatch.setenv(name, value)
    assert main(["panel", "--config", str(panel_of_no_bus(tmp_path))]) == 0
    assert capsys.readouterr().out.startswith("panel: restarting, but nothing is drawn: I2C device not found")


def test_the_panel_says_what_it_is_told_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["panel", "--config", str(panel_of_no_bus(tmp_path)), "off"]) == 0
    assert capsys.readouterr().out.startswith("panel: off, but")
    assert main(["panel", "--config", str(tmp_path / "none.toml"), "off"]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("panel: nothing is drawn: ")


def test_the_panel_of_a_kiosk_that_runs_is_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = panel_of_no_bus(tmp_path)
    server = ControlServer(tmp_path / "control.sock", lambda _request: {})
    try:
        assert main(["panel", "--config", str(config), "stopped"]) == 1
    finally:
        server.close()
    assert capsys.readouterr().err == "kiosk: the service has the panel: systemctl stop kiosk first\n"


# --- errors ----------------------------------------------------------------------------------------------------------


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


MACHINE = {"time", "power", "heat", "disk", "card", "wifi", "names", "tls", "network"}


def checked(capsys: pytest.CaptureFixture[str]) -> dict[str, bool]:
    """What is well, but for the machine that the test runs on: that has its own tests, and may be in any state."""
    found = {result["name"]: result["ok"] for result in json.loads(capsys.readouterr().out)}
    assert {"disk", "names"} <= set(found)
    return {name: ok for name, ok in found.items() if name not in MACHINE}


def test_check_tells_of_a_damaged_journal_that_was_set_aside(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["check", "--config", str(with_sales(tmp_path)), "--json"]
    (tmp_path / "journal.db").write_bytes(b"lost" * 5000)
    assert main(command) == 1
    assert checked(capsys) == {"keypad": True, "journal": False, "refunds": True, "token": False}
    SqliteJournal(tmp_path / "journal.db", anew=True).close()
    assert main(command) == 1
    assert checked(capsys) == {"keypad": True, "journal": True, "aside": False, "refunds": True, "token": False}


def test_check_without_a_service_looks_at_the_devices_and_asks_the_account(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody plays the provider here, so the whole is not well."""
    config = with_sales(tmp_path)
    assert main(["check", "--config", str(config), "--json"]) == 1
    assert checked(capsys) == {"keypad": True, "journal": True, "refunds": True, "token": False}
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
    assert checked(capsys) == {"keypad": True, "journal": True, "refunds": True, "token": False}


def test_check_tells_of_pins_that_cannot_be_had_and_what_happens_without_a_device(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No machine of a developer has GPIOs; on a Pi they are there."""
    config = configured(tmp_path, "[sound]\nbuzzer = 17\n")
    text = config.read_text()
    config.write_text(text.replace('[printer]\ndriver = "none"', '[printer]\ndriver = "file"\ndevice = "/none/lp0"'))
    assert main(["check", "--config", str(config)]) == 1
    out = capsys.readouterr().out
    assert "  sound  " in out
    assert "ok   mode      printer dead: sales go on, tickets are owed" in out
    assert "display dead" not in out, "there is none"


def test_check_asks_a_running_service_and_touches_no_device(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = configured(tmp_path)
    with service(tmp_path):
        assert main(["check", "--config", str(config), "--json"]) == 1
    assert checked(capsys) == {
        "service": True,
        "ready": True,
        "printer": True,
        "journal": True,
        "refunds": True,
        "token": False,
    }


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


def waiting_is(monkeypatch: pytest.MonkeyPatch, wait: Callable[[], None]) -> None:
    """What happens while the command waits; then Ctrl-C."""

    def sleep(_seconds: float) -> NoReturn:
        wait()
        raise KeyboardInterrupt

    monkeypatch.setattr(cli_devices, "time", SimpleNamespace(sleep=sleep, monotonic=time.monotonic))


def test_keys_listens_until_ctrl_c(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting_is(monkeypatch, lambda: None)
    assert main(["keys", "--config", str(configured(tmp_path))]) == 130
    assert capsys.readouterr().out == "press keys; Ctrl-C ends\n"


def usb_pad(config: Path, device: str = "") -> None:
    """The shop has a USB number pad."""
    told = f'[keypad]\ndriver = "usb"\ndevice = "{device}"'
    config.write_text(config.read_text().replace('[keypad]\ndriver = "none"', told))


def test_a_keypad_that_cannot_be_opened_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configured(tmp_path)
    usb_pad(config)
    monkeypatch.setitem(sys.modules, "evdev", None)
    assert main(["keys", "--config", str(config)]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith('kiosk: [keypad]: driver "usb" needs a library')


def test_keys_shows_what_a_usb_pad_sends_and_what_is_not_understood(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not understood has its name; Ctrl-C comes when all was shown."""
    config, sockets, shown = configured(tmp_path), Sockets(tmp_path), StringIO()
    usb_pad(config, str(tmp_path / "event3"))
    pad = sockets.plug()
    evdev = SimpleNamespace(InputDevice=sockets.open, ecodes=SimpleNamespace(keys={F1: "KEY_F1"}))
    monkeypatch.setitem(sys.modules, "evdev", evdev)
    monkeypatch.setattr(sys, "stdout", shown)

    def until_shown(words: str) -> None:
        for _ in range(1000):
            if words in shown.getvalue():
                return
            time.sleep(0.01)
        raise AssertionError(shown.getvalue())

    def strike() -> None:
        until_shown("USB Keypad")
        pad.strike(KP["5"], KP_ENTER, F1)
        until_shown("KEY_F1")

    waiting_is(monkeypatch, strike)
    assert main(["keys", "--config", str(config)]) == 130
    told = shown.getvalue().splitlines()
    assert f"the keypad is USB Keypad ({tmp_path / 'event3'})" in told[:2]
    assert told[2:5] == ["5", "#", "KEY_F1: not used"]


def test_check_tells_which_usb_pad_there_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or that it is not there, which is not well."""
    config, sockets = configured(tmp_path), Sockets(tmp_path)
    usb_pad(config, str(tmp_path / "event3"))
    monkeypatch.setitem(sys.modules, "evdev", SimpleNamespace(InputDevice=sockets.open))
    pad = sockets.plug()
    main(["check", "--config", str(config)])
    assert f"ok   keypad    the keypad is USB Keypad ({pad.path})\n" in capsys.readouterr().out
    pad.pull()
    main(["check", "--config", str(config)])
    assert f"BAD  keypad    there is no {pad.path}: plug the pad in" in capsys.readouterr().out
