"""The certificate of money: what was played, what went wrong on purpose, and which laws held.

    python -m tests.certificate                                  the small one: under two minutes
    python -m tests.certificate --sales 1000000 --jobs 2 --compiled
    python -m tests.certificate --seconds 3600 --seed 500000     an hour of days that nobody has played yet

It plants the bugs of ``world_mutants`` and sees each of them stopped; cuts the power before and after every command of
every story (``world_cuts``), and at every write of the journal to the disk (``disk_cuts``); and plays days of a shop
(``world_day``), one for each seed, until there were so many sales, or so much time has passed. The same seeds are the
same days. A law that does not hold is told with its seed and, as a playbook, with the shortest history that breaks it.

Exit status: 0, nothing is broken; 1, a law was broken or a bug survived; 130, interrupted, and nothing was broken yet.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Protocol, TextIO

from tests.certificate_worker import SALES_A_DAY, Block, is_hard, read
from tests.compiled import compiled
from tests.law import CHECKED
from tests.stories import STORIES, Told
from tests.world_cuts import Figures, cut_everywhere
from tests.world_mutants import MUTANTS, Mutant, killed
from tests.world_playbook import playbook

ROOT: Final = Path(__file__).parent.parent
SMALL_SALES: Final = 5000
DAYS_A_BLOCK: Final = 20
TELL_EVERY_S: Final = 10.0
"""How often progress is told where the output is no terminal."""
TOLD_MAX: Final = 3
"""So many violations are told as playbooks."""
LAWS: Final = {
    "L1": "no false ticket",
    "L2": "no lost payment",
    "L3": "one original",
    "L4": "no stale order",
    "L5": "the same amount everywhere",
    "L6": "unknown is not failed",
    "L7": "written first",
    "L8": "back to ready",
    "L9": "the sale outlives the devices",
    "L10": "secrets stay secret",
}
WIDTH: Final = 100
COLUMN: Final = 52


class DiskCuts(Protocol):
    """What ``tests.disk_cuts`` tells of the power cuts at the disk."""

    @property
    def stories(self) -> int: ...
    @property
    def cuts(self) -> int: ...
    @property
    def folders(self) -> int: ...
    @property
    def violations(self) -> int: ...
    @property
    def examples(self) -> tuple[str, ...]: ...


@dataclass(slots=True)
class Certificate:
    """Everything that was found."""

    first: int
    jobs: int
    block: Block = field(default_factory=Block)
    played_s: float = 0.0
    cuts: Figures = Figures()  # noqa: RUF009  (frozen)
    disk: DiskCuts | None = None
    killed: int = 0
    bugs: int = 0
    survivors: list[str] = field(default_factory=list)
    not_done: list[str] = field(default_factory=list)
    """What this machine could not do, and why."""
    interrupted: bool = False
    died: bool = False
    """A process that played died: what it had in hand was not played to the end."""
    took_s: float = 0.0

    @property
    def violations(self) -> int:
        """How often a law did not hold, in the machine as it is."""
        return len(self.block.broken) + len(self.cuts.violations) + (self.disk.violations if self.disk else 0)

    @property
    def status(self) -> int:
        """The program's exit status."""
        if self.violations or self.survivors or self.died:
            return 1
        return 130 if self.interrupted else 0


class Progress:
    """One line that says how far it is: written over on a terminal, else told now and then."""

    def __init__(self, stream: TextIO, clock: Callable[[], float]) -> None:
        self._stream = stream
        self._clock = clock
        self._terminal = stream.isatty()
        self._next = clock() + TELL_EVERY_S

    def tell(self, text: str) -> None:
        """So far."""
        if self._terminal:
            self._stream.write(f"\r\x1b[K{text[:WIDTH]}")
        elif self._clock() >= self._next:
            self._next = self._clock() + TELL_EVERY_S
            self._stream.write(text + "\n")
        self._stream.flush()

    def done(self) -> None:
        """The line is free again."""
        if self._terminal:
            self._stream.write("\r\x1b[K")
            self._stream.flush()


# --- planted bugs -----------------------------------------------------------------------------------------------------


def plant(certificate: Certificate, mutants: Sequence[Mutant], progress: Progress) -> None:
    """Each bug must be stopped by the law that it breaks."""
    for mutant in mutants:
        certificate.bugs += 1
        progress.tell(f"planted bugs: {certificate.bugs} of {len(mutants)}")
        if _is_killed(mutant):
            certificate.killed += 1
        else:
            what = f"{mutant.new.strip()!r} for {mutant.old.strip()!r}"
            certificate.survivors.append(f"{mutant.breaks} {mutant.file}: {what}")


def _is_killed(mutant: Mutant) -> bool:
    """Whether what it breaks stops it."""
    try:
        return killed(mutant) is not None
    except AssertionError:
        return False  # something else stopped it


# --- power cuts -------------------------------------------------------------------------------------------------------


def cut(certificate: Certificate, stories: Sequence[Told], progress: Progress) -> None:
    """Before and after every command of every story."""
    before = CHECKED.copy()
    for number, story in enumerate(stories, 1):
        progress.tell(f"power cuts: story {number} of {len(stories)}, {certificate.cuts.cuts} cuts")
        certificate.cuts += cut_everywhere(story)
    certificate.block.laws += CHECKED - before
    certificate.block.laws["L8"] += certificate.cuts.steps


def cut_disk(certificate: Certificate, progress: Progress, *, full: bool) -> None:
    """At every write and sync of the journal, where that part of the tests is there and strace may trace."""
    if find_spec("tests.disk_cuts") is None:
        return
    progress.tell("power cuts at the disk")
    module: Any = import_module("tests.disk_cuts")
    trace: Any = import_module("tests.disk_trace")
    try:
        certificate.disk = module.run(module.FULL if full else module.SMALL)
    except trace.NotToldError as error:  # a container may forbid to trace
        certificate.not_done.append(f"power cuts at the disk: {error}")


# --- days of a shop ---------------------------------------------------------------------------------------------------


class Seeds:
    """Hands out blocks of seeds until there were enough sales, or the time is over."""

    def __init__(self, certificate: Certificate, sales: int, until: float, clock: Callable[[], float]) -> None:
        self._certificate = certificate
        self._sales = sales
        self._until = until
        self._clock = clock
        self._next = certificate.first
        self._under_way = 0
        self._lock = threading.Lock()

    def take(self) -> range | None:
        """The next block; None: it is enough. What others play at the moment counts as played."""
        with self._lock:
            block = self._certificate.block
            expected = block.sales + self._under_way * SALES_A_DAY * 0.9
            if self._certificate.interrupted or expected >= self._sales or self._clock() >= self._until:
                return None
            first, self._next = self._next, self._next + DAYS_A_BLOCK
            self._under_way += DAYS_A_BLOCK
            return range(first, self._next)

    def stop(self) -> None:
        """No more: what is under way is played to its end."""
        self._certificate.interrupted = True

    def died(self) -> None:
        """Whoever had taken a block is no more."""
        self._certificate.died = True

    def give(self, seeds: range, block: Block) -> Block:
        """It was played; all so far."""
        with self._lock:
            self._under_way -= len(seeds)
            self._certificate.block.add(block)
            return self._certificate.block


def play(seeds: Seeds, jobs: int, folder: Path, tell: Callable[[Block], None]) -> None:
    """So many processes play, each a block at a time; ``folder``: where their sources are."""
    threads = [threading.Thread(target=_play, args=(seeds, folder, tell)) for _ in range(jobs)]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    except KeyboardInterrupt:
        seeds.stop()
        for thread in threads:
            thread.join()
        raise


def _play(seeds: Seeds, folder: Path, tell: Callable[[Block], None]) -> None:
    command = [sys.executable, "-m", "tests.certificate_worker"]
    environ = {**os.environ, "PYTHONPATH": str(folder)}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=folder, env=environ, stdin=pipe, stdout=pipe, text=True) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        while block := seeds.take():
            worker.stdin.write(f"{block.start} {len(block)}\n")
            worker.stdin.flush()
            line = worker.stdout.readline()
            if not line:
                seeds.died()
                break
            tell(seeds.give(block, read(line)))
        worker.stdin.close()


# --- the paper --------------------------------------------------------------------------------------------------------


def lines(certificate: Certificate) -> Iterator[str]:
    """The certificate, to be read by whoever owns the shop, and played again by whoever mends the kiosk."""
    block, cuts = certificate.block, certificate.cuts
    yield "THE CERTIFICATE OF MONEY".center(WIDTH).rstrip()
    yield ""
    processes = _count(certificate.jobs, "process", "processes")
    yield f"{commit()}, Python {platform.python_version()}, {processes}, {_time(certificate.took_s)}"
    if block.days:
        yield from _days(certificate)
        yield from _faults(block)
    if cuts.cuts or certificate.disk:
        yield from _power(certificate)
    if block.laws:
        yield from _section("The laws, and how often each was held against what happened")
        yield from (_row(f"{law:4}{text}", _law(block, law)) for law, text in LAWS.items())
        others = sum(n for name, n in block.laws.items() if name not in LAWS)
        yield _row("    rules of money, and the table of states", f"{others:,}")
    if certificate.bugs:
        yield from _section("Planted bugs: one line changed, and the law that it breaks must stop it")
        yield _row("stopped", f"{certificate.killed} of {certificate.bugs}")
        yield from (f"    survives: {survivor}" for survivor in certificate.survivors)
    yield from _verdict(certificate)


def _days(certificate: Certificate) -> Iterator[str]:
    block = certificate.block
    yield from _section("Days of a shop, played through")
    last = certificate.first + block.days - 1
    yield _row(f"days, half of them hard; seeds {certificate.first} to {last}", f"{block.days:,}")
    yield _row("sales", f"{block.sales:,}")
    yield _row("steps of the machine", f"{block.steps:,}")
    yield _row("hours of the shop's time", f"{block.seconds / 3600:,.0f}")
    yield _row("sales a second", f"{block.sales / max(certificate.played_s, 0.001):,.0f}")


def _faults(block: Block) -> Iterator[str]:
    situations = {name: n for name, n in block.tally.items() if name.startswith("situation: ")}
    yield from _section("What cashiers and customers did")
    yield from _columns((name.removeprefix("situation: "), n) for name, n in situations.items())
    yield from _section("What went wrong, on purpose")
    yield from _columns((name, n) for name, n in block.tally.items() if name not in situations)


def _power(certificate: Certificate) -> Iterator[str]:
    cuts, disk = certificate.cuts, certificate.disk
    yield from _section("Power cuts")
    yield _row("at any moment of the days", f"{certificate.block.tally['power cuts']:,}")
    yield _row(f"before and after every command of {cuts.stories} stories: all there are", f"{cuts.cuts:,}")
    yield _row("   ways in which it went on (what was under way, who paid when, how long)", f"{cuts.ends:,}")
    if disk:
        yield _row(f"at every write and sync of the journal in {disk.stories} stories: all there are", f"{disk.cuts:,}")
        yield _row("   different disks that they left", f"{disk.folders:,}")


def _law(block: Block, law: str) -> str:
    return f"{block.laws[law]:,}" if law != "L10" else "planted bugs only: it is about texts"


def _verdict(certificate: Certificate) -> Iterator[str]:
    yield ""
    yield "=" * WIDTH
    yield from (f"NOT DONE: {what}" for what in certificate.not_done)
    if certificate.died:
        yield "NOT WHOLE: a process that played days died; its own words are above."
    if certificate.interrupted:
        yield f"INTERRUPTED: --seed {certificate.first + certificate.block.days} goes on from here."
    if not certificate.violations:
        yield "VIOLATIONS: none" + (", but a planted bug survives." if certificate.survivors else ".")
        return
    yield f"VIOLATIONS: {certificate.violations}"
    for violation in certificate.cuts.violations[:TOLD_MAX]:
        yield f"  {violation}"
    for example in certificate.disk.examples[:TOLD_MAX] if certificate.disk else ():
        yield f"  {example}"
    for number, (seed, error) in enumerate(certificate.block.broken):
        yield f"  seed {seed}: {error}"
        if number < TOLD_MAX:
            yield ""
            yield from playbook(seed, SALES_A_DAY, hard=is_hard(seed)).splitlines()
            yield ""


def _section(title: str) -> Iterator[str]:
    yield ""
    yield f"-- {title} ".ljust(WIDTH, "-")


def _row(text: str, value: str) -> str:
    return f"  {text} {'.' * (WIDTH - 6 - len(text) - len(value))} {value}"


def _columns(counts: Iterable[tuple[str, int]]) -> Iterator[str]:
    """Two in a line, the most frequent first."""
    cells = [f"{n:>9,}  {name}" for name, n in sorted(counts, key=lambda entry: (-entry[1], entry[0]))]
    for left, right in zip(cells[::2], [*cells[1::2], ""], strict=False):
        yield f"{left:{COLUMN}}{right}".rstrip() if len(left) < COLUMN else f"{left}\n{'':{COLUMN}}{right}".rstrip()


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def _time(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min {seconds:.0f} s"


def commit() -> str:
    """Which sources: the commit, and whether something is changed."""

    def git(*words: str) -> str:
        command = ["git", "-C", str(ROOT), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no")
        return f"commit {git('rev-parse', '--short=12', 'HEAD')}{' and changes that are not in it' if changed else ''}"
    except (OSError, subprocess.CalledProcessError):
        return "no commit (git does not know this folder)"


# --- all of it --------------------------------------------------------------------------------------------------------


def arguments(words: Sequence[str]) -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.certificate", description="the certificate of money")
    much = parser.add_mutually_exclusive_group()
    much.add_argument("--sales", type=int, default=SMALL_SALES, help=f"play so many (default: {SMALL_SALES})")
    much.add_argument("--seconds", type=float, help="play for so long instead")
    parser.add_argument("--seed", type=int, default=0, help="the first day (default: 0)")
    parser.add_argument("--jobs", type=int, default=1, help="so many processes play at once (default: 1)")
    parser.add_argument("--compiled", action="store_true", help="play compiled sources: twice as fast, after a minute")
    parser.add_argument("--days-only", action="store_true", help="no planted bugs, and no power cuts of the stories")
    asked = parser.parse_args(words)
    if asked.jobs < 1 or asked.sales < 0 or asked.seed < 0:
        parser.error("--jobs, --sales and --seed count from 1, 0 and 0")
    return asked


def certify(
    asked: argparse.Namespace,
    progress: Progress,
    clock: Callable[[], float],
    *,
    stories: Sequence[Told] = STORIES,
    mutants: Sequence[Mutant] = MUTANTS,
    disk: bool = True,
) -> Certificate:
    """Do it. Ctrl-C ends it early: what was found until then is on the certificate."""
    certificate = Certificate(asked.seed, asked.jobs)
    began = clock()
    try:
        if not asked.days_only:
            plant(certificate, mutants, progress)
            cut(certificate, stories, progress)
            if disk:
                cut_disk(certificate, progress, full=asked.sales > SMALL_SALES)
        folder = compiled() if asked.compiled else ROOT
        play_began = clock()
        sales, until = (sys.maxsize, clock() + asked.seconds) if asked.seconds else (asked.sales, float("inf"))
        seeds = Seeds(certificate, sales, until, clock)

        def tell(block: Block) -> None:
            certificate.played_s = clock() - play_began
            rate = block.sales / max(certificate.played_s, 0.001)
            progress.tell(f"{block.sales:,} sales, {rate:,.0f} a second, {len(block.broken)} violations")

        play(seeds, asked.jobs, folder, tell)
    except KeyboardInterrupt:
        certificate.interrupted = True
    certificate.took_s = clock() - began
    progress.done()
    return certificate


def main() -> int:
    """Print it."""
    progress = Progress(sys.stderr, time.monotonic)
    certificate = certify(arguments(sys.argv[1:]), progress, time.monotonic)
    for line in lines(certificate):
        print(line, flush=True)
    return certificate.status


if __name__ == "__main__":
    sys.exit(main())
