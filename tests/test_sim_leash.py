"""The step between fork and program that ties a child's life to its parent's (the killing itself: test_sim_child)."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from kiosk.sim import leash

PROGRAM = [sys.executable, "-c", "import sys; print(sys.argv[1:], end='')", "a b", ""]


def leashed(parent: int) -> str:
    command = [sys.executable, "-I", "-S", leash.__file__, str(parent), *PROGRAM]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout


def test_the_program_runs_with_its_arguments_as_they_are() -> None:
    assert leashed(os.getpid()) == "['a b', '']"


def test_nothing_runs_for_a_parent_that_is_gone_already() -> None:
    with subprocess.Popen(["true"]) as gone:
        pass
    assert leashed(parent=gone.pid) == ""


def test_a_program_that_is_not_there_is_told() -> None:
    command = [sys.executable, "-I", "-S", leash.__file__, str(os.getpid()), "/nothing/here"]
    with pytest.raises(subprocess.CalledProcessError) as failed:
        subprocess.run(command, capture_output=True, text=True, check=True, timeout=20)
    assert "FileNotFoundError" in failed.value.stderr
