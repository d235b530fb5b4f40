"""systemd through its library over a real datagram socket, and readable lines without it."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.ports import Service
from kiosk.sale.records import Entry
from kiosk.systemd import PlainService, SystemdService, jobs, message_id, one_line, open_service, watchdog_limit_s

PAID = Entry("paid", "sale 7: paid", "POS-7-Ab", 7, 2500, "req-1", 5)


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Stands where systemd listens; libsystemd finds it by the process's environment."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.settimeout(5.0)
        manager.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield manager


class Sent:
    """What was sent to systemd's journal, in place of ``systemd.journal.send``."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, dict[str, str]]] = []

    def __call__(self, message: str, **fields: str) -> None:
        self.messages.append((message, fields))


def quiet(state: str) -> bool:
    return bool(state)


def test_systemd_hears_ready_status_alive_and_stopping(manager: socket.socket) -> None:
    pytest.importorskip("systemd.daemon", reason="systemd-python is an extra")
    service = open_service()
    assert isinstance(service, SystemdService)
    service.ready()
    service.status("waiting for sale 7")
    service.alive()
    service.stopping()
    heard = [manager.recv(4096) for _ in range(4)]
    assert heard == [b"READY=1", b"STATUS=waiting for sale 7", b"WATCHDOG=1", b"STOPPING=1"]


def test_a_status_cannot_smuggle_in_another_message(manager: socket.socket) -> None:
    """A line break begins another assignment (sd_notify(3)): WATCHDOG=trigger would kill the kiosk."""
    pytest.importorskip("systemd.daemon", reason="systemd-python is an extra")
    service = open_service()
    service.status("a\nWATCHDOG=trigger\x00b\ud800")
    assert manager.recv(4096) == b"STATUS=a WATCHDOG=trigger\\x00b\\ud800"


def test_a_log_entry_carries_its_fields() -> None:
    sent = Sent()
    service: Service = SystemdService(quiet, sent, PlainService(io.StringIO()))
    service.log(PAID)
    service.log(Entry("start", "kiosk starts"))
    assert sent.messages == [
        (
            "sale 7: paid",
            {
                "KIOSK_EVENT": "paid",
                "MESSAGE_ID": message_id("paid"),
                "KIOSK_SALE": "7",
                "KIOSK_REFERENCE": "POS-7-Ab",
                "KIOSK_AMOUNT": "2500",
                "KIOSK_REQUEST_ID": "req-1",
                "PRIORITY": "5",
                "SYSLOG_IDENTIFIER": "kiosk",
            },
        ),
        (
            "kiosk starts",
            {
                "KIOSK_EVENT": "start",
                "MESSAGE_ID": message_id("start"),
                "PRIORITY": "6",
                "SYSLOG_IDENTIFIER": "kiosk",
            },
        ),
    ]
    assert message_id("paid") == "679be6ad0ea8ed17e7865f5f009f643e", "it stands in logs for good"


def test_an_amount_of_nothing_is_an_amount() -> None:
    sent = Sent()
    SystemdService(quiet, sent, PlainService(io.StringIO())).log(Entry("odd", "odd", cents=0))
    assert sent.messages[0][1]["KIOSK_AMOUNT"] == "0"


def test_every_text_of_an_entry_is_one_clean_line() -> None:
    sent = Sent()
    dirty = Entry("e\n1", "a\nb\x00c", "r\nX=1", 0, None, "q\x1b", 3)
    SystemdService(quiet, sent, PlainService(io.StringIO())).log(dirty)
    message, fields = sent.messages[0]
    assert message == "a b\\x00c"
    assert (fields["KIOSK_EVENT"], fields["KIOSK_REFERENCE"], fields["KIOSK_REQUEST_ID"]) == ("e 1", "r X=1", "q\\x1b")


@pytest.mark.skipif(not Path("/run/systemd/journal/socket").exists(), reason="no journald here")
def test_the_real_journal_takes_an_entry() -> None:
    journal = pytest.importorskip("systemd.journal", reason="systemd-python is an extra")
    out = io.StringIO()
    SystemdService(quiet, journal.send, PlainService(out)).log(PAID)
    assert out.getvalue() == ""


def test_what_systemd_does_not_take_goes_to_the_plain_log_and_stops_nobody() -> None:
    def deaf(*_: object, **__: object) -> None:
        raise ConnectionRefusedError(111, "Connection refused")

    out = io.StringIO()
    service = SystemdService(deaf, deaf, PlainService(out, prefix=True))
    service.alive()
    service.log(PAID)
    assert out.getvalue() == (
        "<4>warning  systemd-deaf: systemd did not take WATCHDOG=1: [Errno 111] Connection refused\n"
        "<5>notice   paid: sale 7: paid\n"
    )


def test_a_manager_that_is_gone_stops_nobody(manager: socket.socket) -> None:
    pytest.importorskip("systemd.daemon", reason="systemd-python is an extra")
    out = io.StringIO()
    service = open_service(out=out)
    manager.close()
    service.ready()
    assert "systemd-deaf" in out.getvalue()


@pytest.mark.parametrize(
    ("environ", "limit_s"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "500000", "WATCHDOG_PID": "42"}, 0.5),
        ({"WATCHDOG_USEC": "500000", "WATCHDOG_PID": "43"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "-5"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "²"}, None),
    ],
)
def test_the_watchdogs_limit_is_read_as_systemd_writes_it(environ: dict[str, str], limit_s: float | None) -> None:
    """sd_watchdog_enabled(3): a limit that names another process is not ours."""
    assert watchdog_limit_s(environ, 42) == limit_s


def test_the_service_knows_its_watchdog(manager: socket.socket) -> None:
    pytest.importorskip("systemd.daemon", reason="systemd-python is an extra")
    environ = {"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "12000000", "WATCHDOG_PID": str(os.getpid())}
    assert open_service(environ).watchdog_s == 12.0
    assert open_service({"NOTIFY_SOCKET": "/x"}).watchdog_s is None


# --- without systemd ----------------------------------------------------------------------------------


def test_without_a_manager_there_are_readable_lines() -> None:
    out = io.StringIO()
    service = open_service({}, out)
    assert isinstance(service, PlainService)
    assert service.watchdog_s is None
    service.ready()
    service.status("idle")
    service.status("idle")
    service.alive()
    service.log(PAID)
    service.log(Entry("odd", "no sale is named here", "POS-7-Ab", 7, level=4))
    service.log(Entry("no-line", "the line\nis down", level=4))
    service.stopping()
    assert out.getvalue() == (
        "notice   ready\n"
        "status   idle\n"
        "notice   paid: sale 7: paid\n"
        "warning  odd sale 7: no sale is named here\n"
        "warning  no-line: the line is down\n"
        "notice   stopping\n"
    )


def test_a_pipe_that_nobody_reads_stops_nobody() -> None:
    read, write = os.pipe()
    os.close(read)
    out = os.fdopen(write, "w")
    open_service({}, out).log(PAID)
    with pytest.raises(BrokenPipeError):
        out.close()


PROGRAM = """
import sys
sys.path.insert(0, "")
from kiosk.systemd import open_service
service = open_service({"NOTIFY_SOCKET": "/nowhere"})
print(type(service).__name__)
"""


@pytest.mark.parametrize(("flags", "kind"), [(["-S"], "PlainService"), ([], "SystemdService")])
def test_from_a_checkout_its_folder_systemd_is_not_taken_for_the_library(
    tmp_path: Path, flags: list[str], kind: str
) -> None:
    """``-S`` leaves the installed libraries out; the folder of unit files is there both times."""
    if kind == "SystemdService":
        pytest.importorskip("systemd.daemon", reason="systemd-python is an extra")
    (tmp_path / "systemd").mkdir()
    (tmp_path / "systemd" / "kiosk.service").write_text("[Unit]\n")
    (tmp_path / "kiosk").symlink_to(Path(__file__).parent.parent / "kiosk")
    done = subprocess.run(
        [sys.executable, *flags, "-c", PROGRAM], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{kind}\n"
    loud = "<3>error    no-systemd-python: systemd waits for our word, but systemd-python cannot be loaded"
    assert done.stderr.startswith(loud) is (kind == "PlainService")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("as it is: R$ 25,00 ção", "as it is: R$ 25,00 ção"),
        ("a\r\nb\tc\u2028d", "a  b c d"),
        ("\x00\x1b[2J\x7f", "\\x00\\x1b[2J\\x7f"),
        ("\ud83d", "\\ud83d"),
    ],
)
def test_one_line(text: str, line: str) -> None:
    assert one_line(text) == line


# --- what systemd is about to do --------------------------------------------------------------------------------------


def systemctl(script: str) -> tuple[str, ...]:
    """A stand-in that checks how it is asked."""
    asked = "import sys, time; assert sys.argv[1:] == ['list-jobs', '--no-legend', '--no-pager', '--plain']; "
    return (sys.executable, "-c", asked + script)


def test_the_jobs_are_units_and_what_is_to_become_of_them() -> None:
    """As ``systemctl`` of systemd 252 and 257 prints them."""
    told = "231 poweroff.target start waiting\\n 77 kiosk.service    stop running\\n"
    assert jobs(systemctl(f"print('{told}')")) == {("poweroff.target", "start"), ("kiosk.service", "stop")}
    assert jobs(systemctl("")) == set()
    assert jobs(systemctl("print('No jobs running.')")) == set()


def test_a_systemd_that_does_not_say_is_not_one_without_jobs() -> None:
    assert jobs(systemctl("sys.exit('System has not been booted with systemd as init system')")) is None
    assert jobs(("/nowhere/systemctl",)) is None


@pytest.mark.slow
def test_a_bus_that_does_not_answer_is_not_waited_for() -> None:
    assert jobs(systemctl("time.sleep(60)")) is None
