"""Two ways to search for an input that breaks a target: guided by coverage, and plainly."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

from tests.fuzz.claims import Found
from tests.fuzz.targets import CORPUS, Target

ROOT: Final = Path(__file__).parent.parent.parent
SAVED: Final = ROOT / ".fuzz"
INPUT_S: Final = 20
"""Longer than any input may take, on a busy machine: what does is found, too."""
LONGEST: Final = 16_384
"""Bytes of an input."""


@dataclass(frozen=True, slots=True)
class Run:
    """What came of one search."""

    target: str
    executions: int
    seconds: float
    coverage: tuple[int, int] | None = None
    """Branches reached by the committed documents alone, and at the end; None where nobody counted."""
    finding: str = ""
    """What is broken, empty where nothing was found: the search ends there."""
    data: bytes = b""
    """The input that breaks it."""
    saved: Path | None = None

    def line(self) -> str:
        """It in one line."""
        covered = f", branches {self.coverage[0]} -> {self.coverage[1]}" if self.coverage else ""
        found = "FOUND" if self.finding else "nothing found"
        return f"{self.target:10} {self.executions:9} inputs in {self.seconds:4.0f} s{covered}: {found}"


def is_guided() -> bool:
    """Whether the coverage-guided fuzzer is installed."""
    return importlib.util.find_spec("atheris") is not None


def plain(
    target: Target, seconds: float, seed: int, keep: Path = SAVED, clock: Callable[[], float] = time.monotonic
) -> Run:
    """The committed documents, then generated inputs until the time is up or something is found."""
    start, count = clock(), 0
    for data in chain(target.seeds(), target.generated(seed)):
        if clock() - start >= seconds:
            break
        count += 1
        try:
            target.run(data)
        except Found as found:
            saved = _save(keep / target.name, data)
            return Run(target.name, count, clock() - start, None, str(found), data, saved)
    return Run(target.name, count, clock() - start)


def _save(folder: Path, data: bytes) -> Path:
    path = folder / hashlib.sha256(data).hexdigest()[:16]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def guided(name: str, seconds: float, seed: int, keep: Path = SAVED) -> Run:
    """The coverage-guided fuzzer in a process of its own, from the committed documents on.

    Raises:
        RuntimeError: it did not start, or ended without saying what it did.
    """
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        learnt = Path(folder) / "learnt"
        learnt.mkdir()
        committed = [str(CORPUS / name)] if (CORPUS / name).is_dir() else []
        options = (f"-max_total_time={seconds:.0f}", f"-seed={seed}", f"-timeout={INPUT_S}", f"-max_len={LONGEST}")
        wishes = (f"-artifact_prefix={folder}/found-", "-print_final_stats=1", "-rss_limit_mb=1024")
        command = (sys.executable, "-m", "tests.fuzz.guided", name, *options, *wishes, str(learnt), *committed)
        start = time.monotonic()
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": folder, "PYTHONHASHSEED": "0"},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds + 10 * INPUT_S,
            check=False,
        )
        said = done.stdout + done.stderr
        took_s, found = time.monotonic() - start, sorted(Path(folder).glob("found-*"))
        executed = re.search(r"stat::number_of_executed_units: *(\d+)", said)
        if executed is None or (done.returncode and not found):
            raise RuntimeError(f"the fuzzer of {name} ended with {done.returncode}: {said[-2000:]}")
        covered = [int(count) for count in re.findall(r"\bcov: (\d+)", said)]
        coverage = (_initial(said), covered[-1]) if covered else None
        data = found[0].read_bytes() if found else b""
        finding = _reason(said) if found else ""
        saved = _save(keep / name, data) if found else None
    return Run(name, int(executed[1]), took_s, coverage, finding, data, saved)


def _initial(said: str) -> int:
    """What the committed documents reach."""
    inited = re.search(r"INITED cov: (\d+)", said)
    return int(inited[1]) if inited else 0


def _reason(said: str) -> str:
    """The last line of the traceback; or what libFuzzer itself noticed (an input that takes too long, memory)."""
    error = re.search(r"^(?:[\w.]*Found|\w+(?:Error|Exception)): .*$", said, re.MULTILINE)
    own = re.search(r"ERROR: libFuzzer: .*", said)
    return (error or own or re.search(r".*", said))[0]  # type: ignore[index]  # the last one matches anything
