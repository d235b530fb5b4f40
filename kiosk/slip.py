"""The support slip: what a technician, or whoever he telephones with, wants to know of this machine, on paper.

No secret comes onto it (L10): it is made of versions, addresses, the time, the last troubles of the journal's log and
the results of the checks, and none of these holds one.
"""

from __future__ import annotations

import platform
import socket
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime, tzinfo
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from kiosk.check import Result
from kiosk.check_machine import Run, run
from kiosk.journal import Logged

LIBRARIES: Final = ("httpx", "gpiozero", "gpiod", "luma.oled", "python-escpos", "pyusb", "pyserial", "evdev")
LINE_MAX: Final = 160
TROUBLES_MAX: Final = 8


def lines(
    results: Iterable[Result],
    troubles: Iterable[Logged],
    wall: float,
    zone: tzinfo,
    root: Path = Path("/"),
    run: Run = run,
) -> list[str]:
    """The slip's lines; a line of paper is shorter, and breaks them. ``wall``: the time now.

    ``root`` and ``run``: where files are read and programs run (see ``check_machine``).
    """
    every = [
        *_versions(root),
        f"host: {socket.gethostname()}",
        f"addresses: {(run(('hostname', '-I')) or '').strip() or 'none'}",
        *_time(wall, zone, root, run),
        "",
        *_checks(results),
        "",
        *_troubles(troubles, zone),
    ]
    return [line[:LINE_MAX] for line in every]


def version_of(library: str) -> str:
    """Its version; empty where it is not installed."""
    try:
        return version(library)
    except PackageNotFoundError:
        return ""


def _read(path: Path) -> str:
    with suppress(OSError, UnicodeDecodeError):
        return path.read_text(encoding="utf-8").strip("\0\n ")
    return ""


def _versions(root: Path) -> Iterator[str]:
    yield f"kiosk {version_of('kiosk') or '?'}, Python {platform.python_version()}"
    yield ", ".join(f"{name} {found}" for name in LIBRARIES if (found := version_of(name)))
    named = [
        line.partition("=")[2].strip('"')
        for line in _read(root / "etc/os-release").splitlines()
        if line.startswith("PRETTY_NAME=")
    ]
    yield ", ".join((*(named or [sys.platform]), f"kernel {platform.release()}", platform.machine()))
    if model := _read(root / "proc/device-tree/model"):
        yield model


def _time(wall: float, zone: tzinfo, root: Path, run: Run) -> Iterator[str]:
    yield f"time: {_local(wall, zone)}"
    server = run(("timedatectl", "show-timesync", "--property=ServerName", "--value"))
    if server and server.strip():
        yield f"time server: {server.strip()}"
    seconds = _read(root / "proc/uptime").partition(".")[0]
    if seconds.isdigit():
        minutes = int(seconds) // 60
        yield f"up for: {minutes // 1440} d {minutes // 60 % 24} h {minutes % 60} min"


def _checks(results: Iterable[Result]) -> Iterator[str]:
    for result in results:
        yield f"{'ok ' if result.ok else 'BAD'} {result.name}: {result.text}"
        if result.advice:
            yield f"  -> {result.advice}"


def _troubles(troubles: Iterable[Logged], zone: tzinfo) -> Iterator[str]:
    told = [f"{_local(each.at, zone)} {each.entry.event}: {each.entry.text}" for each in troubles]
    yield "last troubles:" if told else "no troubles in the journal's log"
    yield from told


def _local(at: float, zone: tzinfo) -> str:
    return datetime.fromtimestamp(at, zone).strftime("%Y-%m-%d %H:%M:%S")
