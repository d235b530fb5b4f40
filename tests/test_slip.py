"""The support slip: what stands on it, where its facts come from, and that no secret does (L10)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from pathlib import Path

from kiosk.answers import SLIP_LINE_MAX, SLIP_LINES_MAX
from kiosk.check import Result
from kiosk.journal import Logged
from kiosk.sale.records import Entry
from kiosk.slip import LINE_MAX, TROUBLES_MAX, Machine, lines, this_machine, version_of

NOON = 1_796_050_800.0

PI: dict[Sequence[str], str] = {
    ("hostname", "-I"): "192.168.1.20 fd00::20",
    ("timedatectl", "show"): "Timezone=UTC\nNTP=yes\nNTPSynchronized=no",
    ("timedatectl", "show-timesync", "--property=ServerName", "--value"): "2.debian.pool.ntp.org",
    ("vcgencmd", "get_throttled"): "throttled=0x50005",
}
FILES = {
    "/etc/os-release": 'NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
    "/proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4",
    "/proc/uptime": "93784.21 360000.00",
}


def slip(
    *results: Result, troubles: Sequence[Logged] = (), ran: dict[Sequence[str], str] = PI, files: dict[str, str] = FILES
) -> list[str]:
    machine = Machine(lambda command: ran.get(command, ""), lambda path: files.get(path, ""), lambda: NOON)
    return lines(results, troubles, machine, UTC)


def test_everything_that_support_asks_for() -> None:
    text = slip(
        Result("printer", True, "ready (ok)"),
        Result("clock", False, "90 s behind the provider's", "wait for the time service (timedatectl)"),
        troubles=[Logged(7, NOON - 60, Entry("ticket-owed", "sale 3: not printed: out", level=4))],
    )
    assert text[0].startswith(f"kiosk {version_of('kiosk')}, Python 3.")
    assert f"httpx {version_of('httpx')}" in text[1]
    assert text[2].startswith("Debian GNU/Linux 12 (bookworm), kernel ")
    assert text[3] == "Raspberry Pi 4 Model B Rev 1.4"
    assert text[4].startswith("host: ")
    since = "under-voltage since the start, slowed down since the start"
    assert text[5:] == [
        "addresses: 192.168.1.20 fd00::20",
        "time: 2026-11-30 15:00:00",
        "clock set by the network: no (time service: yes)",
        "time server: 2.debian.pool.ntp.org",
        "up for: 1 d 2 h 3 min",
        f"power: under-voltage now, slowed down now, {since} (0x50005)",
        "",
        "ok  printer: ready (ok)",
        "BAD clock: 90 s behind the provider's",
        "  -> wait for the time service (timedatectl)",
        "",
        "last troubles:",
        "2026-11-30 14:59:00 ticket-owed: sale 3: not printed: out",
    ]


def test_a_machine_that_tells_little_gets_a_shorter_slip() -> None:
    text = slip(ran={}, files={})
    assert "addresses: none" in text
    assert "no troubles in the journal's log" in text
    assert not [line for line in text if line.startswith(("power", "clock set", "up for", "time server"))]


def test_good_power_is_told_and_nonsense_is_not() -> None:
    assert "power: well (0x0)" in slip(ran={("vcgencmd", "get_throttled"): "throttled=0x0"})
    assert not [line for line in slip(ran={("vcgencmd", "get_throttled"): "error=1"}) if line.startswith("power")]


def test_a_slip_fits_what_the_service_takes() -> None:
    """However long the words of a library were, and however much went wrong."""
    long = Result("x" * 500, False, "y" * 500, "z" * 500)
    trouble = Logged(1, NOON, Entry("e", "w" * 5000, level=3))
    text = slip(*[long] * 30, troubles=[trouble] * TROUBLES_MAX)
    assert max(map(len, text)) == LINE_MAX <= SLIP_LINE_MAX
    assert len(text) <= SLIP_LINES_MAX


def test_this_machine_answers_or_is_silent(tmp_path: Path) -> None:
    machine = this_machine(lambda: NOON)
    assert machine.run(("echo", "hello")) == "hello"
    assert machine.run(("false",)) == machine.run(("no-such-program-anywhere",)) == ""
    (tmp_path / "file").write_bytes(b"model\0")
    (tmp_path / "odd").write_bytes(b"\xff\xfe")
    assert machine.read(str(tmp_path / "file")) == "model"
    assert machine.read(str(tmp_path / "odd")) == machine.read(str(tmp_path / "none")) == ""
    assert machine.wall() == NOON
    assert version_of("no-such-library") == ""
