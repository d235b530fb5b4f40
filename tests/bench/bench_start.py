"""The daemon's start and its memory, over processes that only import the same modules.

    python tests/bench/bench_start.py [--runs N] [--profile]

Prints medians and ratios; asserts nothing. Budgets: READY at most 1.3 times the bare imports, the memory of the
running daemon at most 1.25 times theirs.

READY is what the service manager takes for it: the datagram ``READY=1`` on ``NOTIFY_SOCKET`` (sd_notify(3)). The
daemon has the virtual counter's far ends: a panel, a keypad, a network printer and the fake account. For the start,
the bare process imports every third-party module that the idle daemon has, in the same order; for the memory, every
module, the kiosk's own and the standard library's too. ``--profile`` tells what each package's imports cost the start.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import select
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
from collections import Counter as Count
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, sleep
from typing import Final

from tests.counter_client import Counter, virtual_counter

PATIENCE_S: Final = 60.0
IDLE_S: Final = 3.0
"""After READY the slow libraries go on loading in their threads; then the daemon is idle."""
SHOWN: Final = 20
KIOSK: Final = ("-m", "kiosk")
TELLING_KIOSK: Final = (
    "-c",
    """
import json, os, signal, sys
def tell(_number, _frame):
    modules = [(name, getattr(module, "__file__", None) or "") for name, module in list(sys.modules.items())]
    with open("modules.part", "w") as file:
        json.dump(modules, file)
    os.rename("modules.part", "modules.json")
signal.signal(signal.SIGUSR1, tell)
from kiosk.cli import main
sys.exit(main(sys.argv[1:]))
""",
)
"""The same program; asked by SIGUSR1 it writes down which modules it has."""
BARE: Final = """
import contextlib, importlib, sys
for name in sys.argv[1:]:
    with contextlib.suppress(ImportError):  # made by its parent, in no file of its own
        importlib.import_module(name)
print("READY", flush=True)
sys.stdin.read()
"""


# --- the daemon, and the process that only imports ----------------------------------------------------------------


@dataclass(frozen=True)
class Running:
    """A process that has said that it is ready."""

    process: subprocess.Popen[str]
    ready_s: float
    """From its start on."""


@contextmanager
def daemon(counter: Counter, program: Sequence[str] = KIOSK, errors: int = subprocess.DEVNULL) -> Iterator[Running]:
    """``kiosk run`` with the far ends of a virtual counter whose own kiosk has no power."""
    name = counter.folder / "notify.sock"
    environ = {
        **os.environ,
        "NOTIFY_SOCKET": str(name),
        "KIOSK_COUNTER": str(counter.private),
        "KIOSK_CONTROL": str(counter.private / "control.sock"),
    }
    command = [sys.executable, *program, "run", "--config", str(without_listener(counter))]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(name))
        began = perf_counter()
        process = subprocess.Popen(command, env=environ, stderr=errors, cwd=counter.folder, text=True)
        try:
            wait_until_ready(notify)
            yield Running(process, perf_counter() - began)
        finally:
            process.terminate()
            process.wait(PATIENCE_S)
            name.unlink()


def without_listener(counter: Counter) -> Path:
    """The counter's configuration as most shops have it: nobody listens for notifications."""
    config = counter.folder / "quiet.toml"
    config.write_text(re.sub(r'^listen = ".*"$', 'listen = ""', counter.config.read_text(), flags=re.MULTILINE))
    return config


def wait_until_ready(notify: socket.socket) -> None:
    """Until the datagram has come."""
    while select.select([notify], [], [], PATIENCE_S)[0]:
        if b"READY=1" in notify.recv(4096).split(b"\n"):
            return
    raise TimeoutError("the daemon never was ready")


@contextmanager
def bare(modules: Sequence[str], folder: Path) -> Iterator[Running]:
    """A process that imports those modules and then waits."""
    began = perf_counter()
    command = [sys.executable, "-c", BARE, *modules]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "READY\n"
        yield Running(process, perf_counter() - began)
        process.communicate()


def memory_kib(process: subprocess.Popen[str]) -> Mapping[str, float]:
    """Of a process that runs."""
    return memory_kib_of(process.pid)


def memory_kib_of(pid: int) -> Mapping[str, float]:
    """``Rss`` and ``Pss`` (a page that several processes share counts for its part), proc(5)."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return {kind: float(size) for kind, size in re.findall(r"^(Rss|Pss): +(\d+) kB$", text, re.MULTILINE)}


# --- what is loaded -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Modules:
    """Modules of a process, in the order in which they were loaded."""

    third_party: list[str]
    all: list[str]


def loaded(process: subprocess.Popen[str], folder: Path) -> Modules:
    """The modules that a telling kiosk has now."""
    told = folder / "modules.json"
    process.send_signal(signal.SIGUSR1)
    began = perf_counter()
    while not told.exists():
        assert perf_counter() - began < PATIENCE_S
        sleep(0.01)
    modules: list[tuple[str, str]] = json.loads(told.read_text())
    told.unlink()
    return Modules(
        third_party=[name for name, file in modules if "/site-packages/" in file and "__editable__" not in name],
        all=[name for name, _ in modules if name != "__main__"],
    )


def packages(modules: Modules) -> str:
    """How many modules of which packages of third parties."""
    counted = Count(name.split(".")[0] for name in modules.third_party)
    return ", ".join(f"{name} {count}" for name, count in counted.most_common())


def profile(counter: Counter) -> None:
    """What the start imports, by package: its own time, without what it imports from others."""
    with daemon(counter, ("-X", "importtime", *KIOSK), subprocess.PIPE) as running:
        running.process.terminate()
        _, said = running.process.communicate(timeout=PATIENCE_S)
    # "import time: self [us] | cumulative | imported package", Python's documentation of -X importtime.
    by_package: Count[str] = Count()
    for us, name in re.findall(r"^import time: +(\d+) \| +\d+ \| +(\S+)$", said, re.MULTILINE):
        by_package[name.split(".")[0]] += int(us)
    print("own import time of a start that was stopped at READY, all threads:")
    for package, us in by_package.most_common(SHOWN):
        print(f"  {us / 1000:7.1f} ms  {package}")


# --- measured -----------------------------------------------------------------------------------------------------


def report(what: str, own: Sequence[float], alone: Sequence[float], unit: str, budget: float) -> None:
    """One line: the medians and their ratio."""
    theirs, bare_ = statistics.median(own), statistics.median(alone)
    print(f"{what:30} {theirs:7.1f} {unit:3} over {bare_:7.1f} {unit:3}: ratio {theirs / bare_:.2f} (budget {budget})")


def measure_start(counter: Counter, modules: Modules, runs: int) -> None:
    """Start both in turn, so that a busy machine is unfair to both."""
    ready_ms, bare_ms = [], []
    for _ in range(runs):
        with bare(modules.third_party, counter.folder) as alone:
            bare_ms.append(alone.ready_s * 1000)
        with daemon(counter) as running:
            ready_ms.append(running.ready_s * 1000)
    report("start to READY, median", ready_ms, bare_ms, "ms", 1.3)
    report("start to READY, best", [min(ready_ms)], [min(bare_ms)], "ms", 1.3)


def measure_memory(counter: Counter, modules: Modules, runs: int) -> None:
    """Run both at once: what they share of the libraries' code counts half for each."""
    sizes: dict[str, tuple[list[float], list[float]]] = {"Pss": ([], []), "Rss": ([], [])}
    for _ in range(runs):
        with bare(modules.all, counter.folder) as alone, daemon(counter) as running:
            sleep(IDLE_S)
            for kind, (own, theirs) in sizes.items():
                own.append(memory_kib(running.process)[kind] / 1024)
                theirs.append(memory_kib(alone.process)[kind] / 1024)
    for kind, (own, theirs) in sizes.items():
        report(f"memory when idle, {kind}", own, theirs, "MiB", 1.25)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, virtual_counter(Path(folder)) as counter, counter.without_power():
        with daemon(counter, TELLING_KIOSK) as telling:
            early = loaded(telling.process, counter.folder)
            sleep(IDLE_S)
            modules = loaded(telling.process, counter.folder)
        for when, has in (("at READY", early), ("when idle", modules)):
            print(f"{when}: {len(has.all)} modules, {len(has.third_party)} of them third-party: {packages(has)}")
        measure_start(counter, modules, options.runs)
        measure_memory(counter, modules, max(1, options.runs // 2))
        if options.profile:
            profile(counter)


if __name__ == "__main__":
    main()
