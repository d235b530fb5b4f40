"""The keypad, beside what is usually done: presses lost, doubled and imagined; the debounce; the cost of idling.

    python tests/bench/bench_keypad.py [--full] [--presses N] [--seconds S]

Prints figures; asserts nothing. Three measurements:

1. The same random presses (``tests.hands``: up to 12 keys a second, overlapping, three corners of a rectangle, bounces
   of up to 20 ms) on several ways to read keys. 400 of them; ``--full``: 100,000, some minutes.
   The kiosk's own keypad, and a plain polling scan as pad4pi does it (100 looks a second; after a key it hears nothing
   for 300 ms, or for 10 ms), read one matrix without diodes. gpiozero's ``Button`` with ``when_pressed`` and
   ``bounce_time`` cannot read a matrix: each key has a line of its own there, so that nothing is ever in doubt, and 16
   lines are taken. gpiozero's mock pins take no notice of ``bounce_time``; what the libraries make of it is put before
   them: lgpio tells a level that has been stable for so long, RPi.GPIO tells the first edge and is deaf for so long.
2. The debounce: from the first contact to the ``Key`` event, in the model's time (budget: 30 ms).
3. Idling: how often a keypad at rest looks at its lines in an hour (budget: never), and what it costs on a fake GPIO
   chip, alone and in the whole idle daemon (budget: 0.2 % of a core), beside a plain scan of 50 and 100 looks a second.
   The daemon is the real ``kiosk run`` with a matrix keypad, without a panel, at a virtual counter's account and
   printer; its CPU is what the kernel counted (proc(5), ``stat``).
"""

from __future__ import annotations

import argparse
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Final, TypeAlias

from gpiozero import Button
from gpiozero.pins.mock import MockFactory

from kiosk.keypad.matrix import Matrix
from kiosk.keypad.scan import Cell
from kiosk.sim import shop
from kiosk.sim.membrane import Wires
from tests.bench.bench_start import PATIENCE_S, wait_until_ready
from tests.counter_client import virtual_counter
from tests.hands import PROMPT_S, Press, Said, Verdict, judged, typing
from tests.keypad_desk import FULL, Desk

HISTORY: Final = 1000
"""Presses in a row at most; then a new pad."""
BUDGET_MS: Final = 30
HOUR_S: Final = 3600.0
LATE_S: Final = 0.1
"""The others are not held to our promptness: a key that comes that much later counts as heard."""
OWN_LINES: Final = (4, *range(5, 20))
"""BCM numbers of sixteen lines, for a button each."""
SETTLED_S: Final = 3.0
"""After READY the slow libraries go on loading; then the daemon is idle."""

WATCHDOG_US: Final = "30000000"
"""As the unit has it."""

Flip: TypeAlias = tuple[float, bool]
Filter: TypeAlias = Callable[[Iterable[Flip], float], Iterator[Flip]]
Reading: TypeAlias = Callable[[Sequence[Press]], Sequence[Said]]


# --- the same presses, read in several ways ---------------------------------------------------------------------------


def ours(presses: Sequence[Press]) -> Sequence[Said]:
    """The kiosk's keypad."""
    desk = Desk()
    desk.run(0.1)
    return desk.hear(presses)


class Buttons:
    """gpiozero's own: a ``Button`` on a line of its own for each key, ``when_pressed`` and ``bounce_time``."""

    def __init__(self, bounce_s: float, filtered: Filter) -> None:
        self._bounce_s = bounce_s
        self._filtered = filtered
        self._now = 0.0

    def __call__(self, presses: Sequence[Press]) -> Sequence[Said]:
        """What they say to those presses."""
        said: list[Said] = []
        cells = sorted({press.cell for press in presses})
        factory = MockFactory()
        lines = {cell: factory.pin(number) for cell, number in zip(cells, OWN_LINES, strict=False)}
        edges = []
        with ExitStack() as stack:
            for cell, line in lines.items():
                button = Button(line.info.name, bounce_time=self._bounce_s, pin_factory=factory)
                stack.enter_context(button).when_pressed = lambda cell=cell: said.append((self._now, cell))
                flips = [flip for press in presses if press.cell == cell for flip in press.flips()]
                edges += [(at, closed, cell) for at, closed in self._filtered(flips, self._bounce_s)]
            for self._now, closed, cell in sorted(edges):
                (lines[cell].drive_low if closed else lines[cell].drive_high)()
                lines[cell].clear_states()  # it keeps every state it ever had
        return said


def stable_for(flips: Iterable[Flip], bounce_s: float) -> Iterator[Flip]:
    """lgpio: a level is told when it has been stable for so long."""
    told, before = False, (0.0, False)
    for at, closed in [*flips, (float("inf"), False)]:
        if before[1] is not told and at - before[0] >= bounce_s:
            told = before[1]
            yield before[0] + bounce_s, told
        before = at, closed


def first_edge(flips: Iterable[Flip], bounce_s: float) -> Iterator[Flip]:
    """RPi.GPIO: an edge is told at once, and nothing for so long after it."""
    told_at = -1.0
    for at, closed in flips:
        if at - told_at >= bounce_s:
            told_at = at
            yield at, closed


def polling(dead_s: float) -> Reading:
    """A loop that looks 100 times a second: a key that was not down before is a key; then it is deaf for so long."""

    def read(presses: Sequence[Press]) -> Sequence[Said]:
        wires = Wires(FULL.rows, FULL.columns)
        rows, columns = ([wires.factory.pin(pin) for pin in side] for side in (FULL.rows, FULL.columns))
        matrix = Matrix(rows, columns, wires.wait)
        for press in presses:
            wires.press(press.cell, press.down, press.up, press.bounces, press.let_go)
        said: list[Said] = []
        before: frozenset[Cell] = frozenset()
        deaf_until = 0.0
        while wires.next_change() is not None:
            began, closed = wires.now, matrix.sample().closed
            if began >= deaf_until:
                for cell in sorted(closed - before)[:1]:
                    said.append((wires.now, cell))
                    deaf_until = wires.now + dead_s
                before = closed
            wires.wait(began + 0.01 - wires.now)
        return said

    return read


WAYS: Final[dict[str, Reading]] = {
    "the kiosk's keypad, on a matrix": ours,
    "polling scan, deaf for 300 ms (pad4pi)": polling(0.3),
    "polling scan, deaf for 10 ms": polling(0.01),
    "Button(bounce_time=0.02), lgpio, 16 lines": Buttons(0.02, stable_for),
    "Button(bounce_time=0.05), lgpio, 16 lines": Buttons(0.05, stable_for),
    "Button(bounce_time=0.02), RPi.GPIO, 16 lines": Buttons(0.02, first_edge),
    "Button(bounce_time=0.3), RPi.GPIO, 16 lines": Buttons(0.3, first_edge),
}


def histories(presses: int, calm: float = 0.0) -> Iterator[Sequence[Press]]:
    """The same for every way."""
    for seed in range(max(1, presses // HISTORY)):
        draw = random.Random(seed)
        yield typing(draw, len(FULL.rows), len(FULL.columns), min(presses, HISTORY), 1001 + draw.random(), calm=calm)


def compare(presses: int) -> None:
    """All ways, in one table."""
    print(f"{presses} presses, bounces of up to 20 ms, up to 12 a second, overlapping:")
    print(f"  {'':46}{'lost':>8}{'doubled':>9}{'ghosts':>8}{'late':>7}")
    for name, reading in WAYS.items():
        total = Verdict()
        for history in histories(presses):
            late_s = PROMPT_S if reading is ours else LATE_S
            total += judged(history, reading(history), late_s=late_s)
        faults = f"{len(total.lost):8}{len(total.doubled):9}{len(total.ghosts):8}{len(total.late):7}"
        print(f"  {name:46}{faults}" + f"   ({total.undecidable} undecidable)" * (reading is ours))


def debounce(presses: int) -> None:
    """From the first contact to the event."""
    for what, calm in (("without bounce", 1.0), ("bouncing up to 20 ms", 0.0)):
        told = [judged(history, ours(history)) for history in histories(presses, calm)]
        print(f"debounce, {what}:")
        for since, latencies in (
            ("first contact", [latency for verdict in told for latency in verdict.latencies]),
            ("last bounce", [latency for verdict in told for latency in verdict.settled]),
        ):
            times = sorted(1000 * latency for latency in latencies)
            cuts = statistics.quantiles(times, n=100)
            within = 100 * sum(latency <= BUDGET_MS for latency in times) / len(times)
            spread = f"median {cuts[49]:.1f}, 99 of 100 {cuts[98]:.1f}, most {times[-1]:.1f} ms"
            print(f"  from the {since:13} {spread}; {within:.1f} % within {BUDGET_MS} ms")


# --- idling -----------------------------------------------------------------------------------------------------------


def idle_hour() -> None:
    """Looks at the lines in an hour at rest."""
    desk = Desk()
    desk.run(1.0)
    turns, touched = desk.turns, desk.wires.settled
    desk.run(HOUR_S)
    print(f"an hour at rest: {desk.turns - turns} scans, {desk.wires.settled - touched} pins touched (budget 0)")


IDLE: Final = """
import sys, time
from kiosk.config import KeypadConfig
from kiosk.gpiod_factory import GpiodFactory
from kiosk.keypad import open_keypad
from kiosk.keypad.matrix import Matrix
from tests.fake_gpiod import FakeChip
looks, seconds = float(sys.argv[1]), float(sys.argv[2])
settings, factory = KeypadConfig(), GpiodFactory(FakeChip(), revision=0xC03114)
if looks:
    rows, columns = ([factory.pin(pin) for pin in side] for side in (settings.rows, settings.columns))
    matrix = Matrix(rows, columns, time.sleep)
else:
    keypad = open_keypad(settings, print, time.monotonic, pin_factory=factory)
time.sleep(0.2)
began, until = time.process_time(), time.monotonic() + seconds
while looks and time.monotonic() < until:
    matrix.sample()
    time.sleep(1 / looks)
time.sleep(max(0, until - time.monotonic()))
print(100 * (time.process_time() - began) / seconds)
"""
DAEMON: Final = """
import sys
import kiosk.keypad
from kiosk.cli import main
from kiosk.gpiod_factory import GpiodFactory
from tests.fake_gpiod import FakeChip
kiosk.keypad.open_pins = lambda _pins: GpiodFactory(FakeChip(), revision=0xC03114)
sys.exit(main(sys.argv[1:]))
"""
"""``kiosk run`` on a fake chip: this machine has no other."""


@contextmanager
def idle_keypad(looks: float, seconds: float) -> Iterator[subprocess.Popen[str]]:
    """A keypad that idles; it prints the percentage of a core. 0 looks a second: the kiosk's own."""
    command = [sys.executable, "-c", IDLE, str(looks), str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process


@contextmanager
def idle_daemon(folder: Path) -> Iterator[int]:
    """A daemon with a matrix keypad and no panel, ready to sell; its process."""
    with virtual_counter(folder) as counter, counter.without_power():
        tables = {**tomllib.loads(counter.config.read_text()), "keypad": {}, "display": {"driver": "none"}}
        config, ready = folder / "idle.toml", folder / "notify.sock"
        config.write_text(shop.toml(tables))
        environ = {
            **os.environ,
            "NOTIFY_SOCKET": str(ready),
            "WATCHDOG_USEC": WATCHDOG_US,
            "KIOSK_CONTROL": str(folder / "idle.sock"),
        }
        command = [sys.executable, "-c", DAEMON, "run", "--config", str(config)]
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(str(ready))
            process = subprocess.Popen(command, env=environ, cwd=folder)
            try:
                wait_until_ready(notify)
                Thread(target=hear, args=(notify,), daemon=True).start()
                yield process.pid
            finally:
                process.terminate()
                process.wait(PATIENCE_S)


def hear(notify: socket.socket) -> None:
    """Take what the daemon tells its service manager: it waits where nobody does."""
    with suppress(OSError):  # closed
        while notify.recv(4096):
            pass


def cpu_s(pid: int) -> float:
    """Processor time that a process has used: of each of its threads, in nanoseconds (the kernel's sched-stats)."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


def idle_cost(seconds: float) -> None:
    """All at the same time, so that a busy machine is unfair to all."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        pid = stack.enter_context(idle_daemon(folder))
        time.sleep(SETTLED_S)
        keypads = {looks: stack.enter_context(idle_keypad(looks, seconds)) for looks in (0, 50, 100)}
        began, before = time.monotonic(), cpu_s(pid)
        time.sleep(seconds)
        daemon = 100 * (cpu_s(pid) - before) / (time.monotonic() - began)
        said = {looks: float(keypad.communicate()[0]) for looks, keypad in keypads.items()}
    print(f"idle, % of a core over {seconds:.0f} s:")
    print(f"  whole daemon, matrix keypad {daemon:.3f} (budget 0.2)")
    print(f"  keypad alone {said[0]:.3f}; plain scan of 50 a second {said[50]:.2f}, of 100 a second {said[100]:.2f}")
    print(f"  ratio of the daemon to the plain scan of 50: {daemon / said[50]:.3f}")


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--presses", type=int, default=400)
    parser.add_argument("--seconds", type=float, help="to idle (default: 4, with --full 100: all probes come by)")
    options = parser.parse_args()
    presses = 100_000 if options.full else options.presses
    compare(presses)
    debounce(min(presses, 2000))
    idle_hour()
    idle_cost(options.seconds or (100.0 if options.full else 4.0))


if __name__ == "__main__":
    main()
