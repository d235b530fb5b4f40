"""SIGKILL of a real process at each save of each story, before and after it; then a start in a truthful world."""

from __future__ import annotations

import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.disk_cuts import FOLDERS
from tests.killed import TOLD, Moment, lost, tell, wrong_after

pytestmark = pytest.mark.slow


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder in memory: no sync matters here, because the kernel lives on."""
    with tempfile.TemporaryDirectory(dir=FOLDERS if FOLDERS.is_dir() else None) as folder:
        yield Path(folder)


@pytest.mark.parametrize("story", TOLD)
def test_l2_l3_a_process_killed_at_any_save_costs_no_money_and_prints_no_second_original(
    story: str, place: Path
) -> None:
    whole = tell(story, place / "whole" / "journal.db")
    assert whole.returncode == 0, whole.stderr
    saves = int(whole.stdout)
    assert saves
    wrong, kills = [], 0
    for number in range(1, saves + 1):
        for moment in Moment:
            folder = place / f"{number}-{moment.name}"
            killed = tell(story, folder / "journal.db", number, moment.name)
            assert killed.returncode == -signal.SIGKILL, killed.stderr
            kills += 1
            wrong += [f"killed {moment.value} {number}: {text}" for text in lost(folder / "journal.db")]
            for paid in (False, True):
                copy = folder.with_name(f"{folder.name}-{paid}")
                shutil.copytree(folder, copy)
                found = wrong_after(copy / "journal.db", paid_meanwhile=paid)
                wrong += [f"killed {moment.value} {number}, paid meanwhile: {paid}: {text}" for text in found]
    assert wrong == []
    assert kills == saves * len(Moment)


def test_a_story_that_is_not_killed_ends(place: Path) -> None:
    """The twin: the same process with no save of that number."""
    assert tell("foreign_order", place / "journal.db", 99, "AFTER").returncode == 0
