"""``python -m tests.fuzz TARGET... --seconds N``: fuzz parsers of outside data, and show what was found.

    python -m tests.fuzz                          the targets, and what each is
    python -m tests.fuzz look --seconds 300       five minutes for one of them
    python -m tests.fuzz all --seconds 60         a minute for each
    python -m tests.fuzz look --replay FILE       one input again, with the whole traceback

With the extra ``fuzz`` installed (Atheris; Linux on x86_64) the search is guided by coverage; without it, or with
``--plain``, the same documents are changed without looking where they lead. What is found is written into ``.fuzz`` and
the exit status is 1.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.fuzz.drivers import Run, guided, is_guided, plain
from tests.fuzz.targets import TARGETS, tidy

HOW = "pip install -c config/constraints.txt -e '.[fuzz]'"


def main(arguments: list[str]) -> int:
    """The exit status: 0 all is well, 1 something was found, 2 wrong use."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.partition("\n")[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET", choices=[*TARGETS, "all", []], help="or: all")
    parser.add_argument("--seconds", type=float, default=60.0, help="for each target")
    parser.add_argument("--plain", action="store_true", help="without the coverage-guided fuzzer")
    parser.add_argument("--seed", type=int, default=1, help="another number, other inputs")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="run one input and show what it does")
    given = parser.parse_args(arguments)
    if not given.targets:
        print("\n".join(f"{target.name:10} {target.about}" for target in TARGETS.values()))
        return 0
    names = list(TARGETS) if "all" in given.targets else given.targets
    if given.replay:
        for name in names:
            TARGETS[name].run(given.replay.read_bytes())
        tidy()
        return 0
    guide = is_guided() and not given.plain
    if not guide:
        print(f"not guided by coverage: {'--plain' if given.plain else f'Atheris is not installed; {HOW}'}")
    runs = [_shown(_drive(name, given.seconds, given.seed, guide)) for name in names]
    tidy()
    return 1 if any(run.finding for run in runs) else 0


def _drive(name: str, seconds: float, seed: int, guide: bool) -> Run:
    return guided(name, seconds, seed) if guide else plain(TARGETS[name], seconds, seed)


def _shown(run: Run) -> Run:
    print(run.line(), flush=True)
    if run.finding:
        print(f"  {run.finding}\n  input ({len(run.data)} bytes): {run.data[:400]!r}\n  saved: {run.saved}", flush=True)
    return run


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
