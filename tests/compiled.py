"""The centre and the simulated world, compiled by mypyc, for runs of a million sales.

    python -m tests.compiled tests.bench.bench_sales --sales 20000

copies the packages into a folder of their own, compiles there what every simulated step goes through, and runs the
module. One thing is changed in the copy: its values are not frozen. A frozen one is filled field by field in a way that
no compiler sees through, which took a third of the time; that nobody assigns to one, mypy has proved of the sources.
What each seed plays is the same (``tests/test_compiled.py``); compiled code checks the types of its arguments as well.
It takes a minute and a C compiler, so the copy is kept until a source changes. Planted bugs need sources that can be
changed in memory: they are for the interpreter.

mypyc comes with mypy. Source: https://mypyc.readthedocs.io/en/stable/
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
KEPT: Final = ROOT / ".mypy_cache" / "compiled"
"""Where copies are kept; git ignores it."""
SOURCES: Final = (
    "kiosk/sale/*.py",
    "kiosk/sale/words/*.py",
    "tests/law.py",
    "tests/laws.py",
    "tests/laws_evidence.py",
    "tests/story_books.py",
    "tests/world.py",
    "tests/world_audit.py",
    "tests/world_bounds.py",
    "tests/world_devices.py",
    "tests/world_line.py",
    "tests/world_provider.py",
)
"""What is compiled. The situations are not: mypyc reads some of their defaults too early, and they take no time."""


VALUES: Final = "kiosk/sale/*.py"
FROZEN: Final = "@dataclass(frozen=True, slots=True"
THAWED: Final = "@dataclass(unsafe_hash=True"
"""They can be hashed as before."""


class CompileError(Exception):
    """mypyc could not compile the sources; what it said."""


def compiled(kept: Path = KEPT) -> Path:
    """A folder with ``kiosk`` and ``tests`` in it, compiled: to be set before all else on ``PYTHONPATH``.

    Raises:
        CompileError: with the compiler's own words.
    """
    folder = kept / _state_of_sources()
    if not folder.exists():
        kept.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept) as name:
            made = Path(name) / "tree"
            _compile(made)
            shutil.rmtree(made / "build")
            for old in kept.iterdir():
                if old != Path(name):
                    shutil.rmtree(old)
            made.rename(folder)
    return folder


def _state_of_sources() -> str:
    digest = hashlib.sha256(sys.version.encode())
    for path in sorted((*ROOT.glob("kiosk/**/*.py"), *ROOT.glob("tests/**/*.py"))):
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _compile(folder: Path) -> None:
    for package in ("kiosk", "tests"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    for path in folder.glob(VALUES):
        path.write_text(path.read_text("utf-8").replace(FROZEN, THAWED), "utf-8")
    names = [str(path.relative_to(folder)) for pattern in SOURCES for path in sorted(folder.glob(pattern))]
    command = [sys.executable, "-m", "mypyc", "--ignore-missing-imports", *names]
    said = subprocess.run(command, cwd=folder, env=_environment(folder), capture_output=True, text=True, check=False)
    if said.returncode:
        raise CompileError(said.stdout + said.stderr)


def _environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(folder)}


def main() -> None:
    """Run a module from the compiled copy."""
    module, *arguments = sys.argv[1:] or ["tests.bench.bench_sales"]
    folder = compiled()
    os.chdir(folder)
    os.execve(sys.executable, [sys.executable, "-m", module, *arguments], _environment(folder))


if __name__ == "__main__":
    main()
