"""Plays the days of seeds for ``tests.certificate``: a range of seeds a line on its input, what it saw on its output.

A process of its own, so that several can play at once, compiled or not (``tests.compiled``), and so that nothing that
one block of days leaves in memory is there in the next.
"""

from __future__ import annotations

import json
import signal
import sys
from collections import Counter as Tally
from dataclasses import dataclass, field, fields
from typing import Final

from tests.law import CHECKED
from tests.world import EPOCH
from tests.world_day import BREAKS, history

SALES_A_DAY: Final = 20
BEGINS: Final = EPOCH + 1000.0
"""The provider's clock when a world begins."""


@dataclass(slots=True)
class Block:
    """What the days of some seeds showed."""

    days: int = 0
    hard: int = 0
    sales: int = 0
    steps: int = 0
    seconds: float = 0.0
    """Of simulated time."""
    tally: Tally[str] = field(default_factory=Tally)
    laws: Tally[str] = field(default_factory=Tally)
    broken: list[tuple[int, str]] = field(default_factory=list)
    """Seeds that broke a law, and which."""

    def add(self, other: Block) -> None:
        """Both together."""
        self.days += other.days
        self.hard += other.hard
        self.sales += other.sales
        self.steps += other.steps
        self.seconds += other.seconds
        self.tally += other.tally
        self.laws += other.laws
        self.broken += other.broken


def is_hard(seed: int) -> bool:
    """Every second day is hard: each situation as likely as a plain sale, something wrong in most of them."""
    return seed % 2 == 1


def play(seeds: range) -> Block:
    """The days of these seeds."""
    block = Block()
    before = CHECKED.copy()
    for seed in seeds:
        block.days += 1
        block.hard += is_hard(seed)
        try:
            world = history(seed, SALES_A_DAY, hard=is_hard(seed))
        except BREAKS as error:
            block.broken.append((seed, f"{type(error).__name__}: {error}"))
            continue
        block.sales += world.sales
        block.steps += world.steps
        block.seconds += world.now - BEGINS
        block.tally += world.tally
    block.laws = CHECKED - before
    block.laws["L8"] += block.steps  # each step is held to its bounds, without a call
    return block


def written(block: Block) -> str:
    """One line, for another process."""
    return json.dumps({field.name: getattr(block, field.name) for field in fields(block)})


def read(line: str) -> Block:
    """What another process wrote."""
    told = json.loads(line)
    told["tally"], told["laws"] = Tally(told["tally"]), Tally(told["laws"])
    told["broken"] = [(seed, error) for seed, error in told["broken"]]
    return Block(**told)


def main() -> None:
    """Until the input ends. Ctrl-C is for whoever hands out the seeds."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for line in sys.stdin:
        first, count = map(int, line.split())
        print(written(play(range(first, first + count))), flush=True)


if __name__ == "__main__":
    main()
