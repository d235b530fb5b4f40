"""How many sales with faults the simulated world plays in a second, in one thread.

    python tests/bench/bench_sales.py [--sales N]
    python -m tests.compiled tests.bench.bench_sales [--sales N]    the same, compiled (takes a minute the first time)

Situations and faults are drawn from seeds. "Every day" is the mix of the budget (design: at least 3,000 a second): most
sales are plain, something goes wrong in a fifth of them. In "hard" days every situation is as likely as a plain sale,
and something is wrong in most. With laws: the observer checks each step. Without: the bounds of L8, and the audit of
all money at each world's end, are still checked. Seconds are those of the processor, not of the wall.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.world_day import history

SALES_A_WORLD = 20
BUDGET = 3000


def measure(sales: int, *, hard: bool, laws: bool) -> str:
    """Play until so many sales are over, and say how fast."""
    seed = done = steps = faults = 0
    began = time.process_time()
    while done < sales:
        world = history(seed, SALES_A_WORLD, hard=hard, laws=laws)
        seed, done, steps = seed + 1, done + world.sales, steps + world.steps
        faults += sum(count for what, count in world.tally.items() if not what.startswith("situation: "))
    seconds = time.process_time() - began
    rate = done / seconds
    return (
        f"{rate:7.0f} sales a second = {rate / BUDGET:.2f} of the budget; {steps / done:.1f} steps and"
        f" {faults / done:.2f} faults a sale, {seconds / steps * 1e6:.1f} us a step"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="simulated sales a second")
    parser.add_argument("--sales", type=int, default=1000, help="how many to play for each line")
    sales = parser.parse_args().sales
    history(0, SALES_A_WORLD)
    for hard in (False, True):
        for laws in (True, False):
            day = "hard days" if hard else "every day"
            print(f"{day}, laws {'on: ' if laws else 'off:'} {measure(sales, hard=hard, laws=laws)}", flush=True)


if __name__ == "__main__":
    main()
