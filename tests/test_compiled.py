"""The compiled world plays what the interpreted one plays."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.compiled import compiled
from tests.world_day import history

SEEDS = range(20)
ASK = """
import kiosk.sale.counter, tests.world
from tests.world_day import history
assert not kiosk.sale.counter.__file__.endswith(".py"), "it is not the compiled one"
for seed in range(20):
    world = history(seed)
    print(seed, world.steps, world.at, sorted(world.journal.sales), sorted(world.tally.items()))
"""


@pytest.mark.long
def test_a_seed_plays_the_same_history_compiled() -> None:
    folder = compiled()
    environ = {**os.environ, "PYTHONPATH": str(folder)}
    said = subprocess.run(
        [sys.executable, "-c", ASK], cwd=folder, env=environ, capture_output=True, text=True, check=True
    )
    worlds = [history(seed) for seed in SEEDS]
    assert said.stdout.splitlines() == [
        f"{seed} {world.steps} {world.at} {sorted(world.journal.sales)} {sorted(world.tally.items())}"
        for seed, world in zip(SEEDS, worlds, strict=True)
    ]
