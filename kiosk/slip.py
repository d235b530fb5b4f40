"""The support slip: what a technician, or whoever he telephones with, wants to know of this machine, on paper.

No secret comes onto it (L10): it is made of versions, addresses, the time service's word, the last troubles of the
journal's log and the results of the checks, and none of these holds one.
"""

from __future__ import annotations

import platform
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from kiosk.check import Result
from kiosk.journal import Logged

LIBRARIES: Final = ("httpx", "gpiozero", "gpiod", "luma.oled", "python-escpos", "pyusb", "pyserial", "evdev")
PROGRAM_S: Final = 5.0
"""Limit for each of the system's programs that is asked."""
LINE_MAX: Final = 160
TROUBLES_MAX: Final = 8
# Bits of "vcgencmd get_throttled" (raspberrypi.com/documentation/computers/os.html#get_throttled).
_THROTTLED: Final = (
    (0, "under-voltage now"),
    (2, "slowed down now"),
    (3, "too hot now"),
    (16, "under-voltage since the start"),
    (18, "slowed down since the start"),
    (19, "too hot since the start"),
)


@dataclass(frozen=True, slots=True)
class Machine:
    """Where the slip's facts come from."""

    run: Callable[[Sequence[str]], str]
    """What a program says; empty where it cannot be run."""
    read: Callable[[str], str]
    """What a file holds; empty where it cannot be read."""
    wall: Callable[[], float]


def this_machine(wall: Callable[[], float]) -> Machine:
    """The one on which this runs."""
    return Machine(_run, _read, wall)


def _run(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PROGRAM_S, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip("\0\n ")
    except (OSError, UnicodeDecodeError):
        return ""


def version_of(library: str) -> str:
    """Its version; empty where it is not installed."""
    try:
        return version(library)
    except PackageNotFoundError:
        return ""


def lines(results: Iterable[Result], troubles: Iterable[Logged], machine: Machine, zone: tzinfo) -> list[str]:
    """The slip's lines; a line of paper is shorter, and breaks them."""
    every = [
        *_versions(machine),
        *_addresses(machine),
        *_time(machine, zone),
        *_power(machine),
        "",
        *_checks(results),
        "",
        *_troubles(troubles, zone),
    ]
    return [line[:LINE_MAX] for line in every]


def _versions(machine: Machine) -> Iterator[str]:
    yield f"kiosk {version_of('kiosk') or '?'}, Python {platform.python_version()}"
    yield ", ".join(f"{name} {found}" for name in LIBRARIES if (found := version_of(name)))
    named = [
        line.partition("=")[2].strip('"')
        for line in machine.read("/etc/os-release").splitlines()
        if line.startswith("PRETTY_NAME=")
    ]
    yield ", ".join((*(named or [sys.platform]), f"kernel {platform.release()}", platform.machine()))
    if model := machine.read("/proc/device-tree/model"):
        yield model


def _addresses(machine: Machine) -> Iterator[str]:
    yield f"host: {socket.gethostname()}"
    yield f"addresses: {machine.run(('hostname', '-I')) or 'none'}"


def _time(machine: Machine, zone: tzinfo) -> Iterator[str]:
    yield f"time: {_local(machine.wall(), zone)}"
    told = dict(line.split("=", 1) for line in machine.run(("timedatectl", "show")).splitlines() if "=" in line)
    if told:
        yield f"clock set by the network: {told.get('NTPSynchronized', '?')} (time service: {told.get('NTP', '?')})"
    if server := machine.run(("timedatectl", "show-timesync", "--property=ServerName", "--value")):
        yield f"time server: {server}"
    running = machine.read("/proc/uptime").split()
    if running:
        minutes, _ = divmod(int(float(running[0])), 60)
        yield f"up for: {minutes // 1440} d {minutes // 60 % 24} h {minutes % 60} min"


def _power(machine: Machine) -> Iterator[str]:
    name, _, said = machine.run(("vcgencmd", "get_throttled")).partition("=")
    try:
        bits = int(said, 16) if name == "throttled" else None
    except ValueError:
        bits = None
    if bits is None:  # no Raspberry Pi
        return
    found = [words for bit, words in _THROTTLED if bits >> bit & 1]
    yield f"power: {', '.join(found) or 'well'} ({said})"


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
