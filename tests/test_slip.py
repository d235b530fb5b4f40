"""The support slip: what stands on it, where its facts come from, and that no secret does (L10)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from pathlib import Path

from kiosk.answers import SLIP_LINE_MAX, SLIP_LINES_MAX
from kiosk.check import Result
from kiosk.journal import Logged
from kiosk.sale.records import Entry
from kiosk.slip import LINE_MAX, TROUBLES_MAX, lines, version_of

NOON = 1_796_050_800.0

ANSWERS = {
    ("hostname", "-I"): "192.168.1.20 fd00::20 \n",
    ("timedatectl", "show-timesync", "--property=ServerName", "--value"): "2.debian.pool.ntp.org\n",
}
FILES = {
    "etc/os-release": 'NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
    "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
    "proc/uptime": "93784.21 360000.00\n",
}


def slip(root: Path, *results: Result, troubles: Sequence[Logged] = (), bare: bool = False) -> list[str]:
    """The slip of a machine below ``root``; ``bare``: one that tells nothing."""
    for name, text in () if bare else FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)

    def run(command: Sequence[str]) -> str | None:
        return None if bare else ANSWERS[tuple(command)]

    return lines(results, troubles, NOON, UTC, root, run)


def test_everything_that_support_asks_for(tmp_path: Path) -> None:
    text = slip(
        tmp_path,
        Result("printer", True, "ready (ok)"),
        Result("clock", False, "90 s behind the provider's", "wait for the time service (timedatectl)"),
        troubles=[Logged(7, NOON - 60, Entry("ticket-owed", "sale 3: not printed: out", level=4))],
    )
    assert text[0].startswith(f"kiosk {version_of('kiosk')}, Python 3.")
    assert f"httpx {version_of('httpx')}" in text[1]
    assert text[2].startswith("Debian GNU/Linux 12 (bookworm), kernel ")
    assert text[3] == "Raspberry Pi 4 Model B Rev 1.4"
    assert text[4].startswith("host: ")
    assert text[5:] == [
        "addresses: 192.168.1.20 fd00::20",
        "time: 2026-11-30 15:00:00",
        "time server: 2.debian.pool.ntp.org",
        "up for: 1 d 2 h 3 min",
        "",
        "ok  printer: ready (ok)",
        "BAD clock: 90 s behind the provider's",
        "  -> wait for the time service (timedatectl)",
        "",
        "last troubles:",
        "2026-11-30 14:59:00 ticket-owed: sale 3: not printed: out",
    ]


def test_a_machine_that_tells_little_gets_a_shorter_slip(tmp_path: Path) -> None:
    text = slip(tmp_path, bare=True)
    assert "addresses: none" in text
    assert "no troubles in the journal's log" in text
    assert not [line for line in text if line.startswith(("up for", "time server"))]
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/uptime").write_bytes(b"\xff\xfe")
    assert slip(tmp_path, bare=True) == text


def test_a_slip_fits_what_the_service_takes(tmp_path: Path) -> None:
    """However long the words of a library were, and however much went wrong."""
    long = Result("x" * 500, False, "y" * 500, "z" * 500)
    trouble = Logged(1, NOON, Entry("e", "w" * 5000, level=3))
    text = slip(tmp_path, *[long] * 50, troubles=[trouble] * TROUBLES_MAX)
    assert max(map(len, text)) == LINE_MAX <= SLIP_LINE_MAX
    assert len(text) <= SLIP_LINES_MAX


def test_a_library_that_is_not_there_has_no_version() -> None:
    assert version_of("no-such-library") == ""
