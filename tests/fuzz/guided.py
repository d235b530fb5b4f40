"""The coverage-guided fuzzer, in a process of its own: libFuzzer, by way of Atheris.

Atheris (Google's, kept up to date, Apache 2.0) counts the branches of Python's bytecode, so that an input that reaches
something new is kept and changed further. It was chosen over HypoFuzz, which is under the AGPL and drives a whole test
suite, and over pythonfuzz, which nobody keeps up. It has wheels for Linux on x86_64 alone, for every Python that the
kiosk runs on: so it is the extra ``fuzz``, and nothing but the long tier and people ask for it.

``python -m tests.fuzz.guided TARGET LIBFUZZER-ARGUMENT...`` is how ``tests.fuzz`` starts it.
"""

from __future__ import annotations

import sys
from random import Random
from typing import Final

from tests.fuzz.claims import Found

SELF: Final = "self"
"""The name of a target that is no parser: it breaks for one input alone, which only coverage leads to."""


def open_sesame(data: bytes) -> None:
    """Four letters, each behind the one before: by chance one input in four thousand million has them."""
    if data[:1] == b"k" and data[1:2] == b"i" and data[2:3] == b"o" and data[3:4] == b"s":
        raise Found("self: the door is open")


def main() -> None:
    """Fuzz the target that the first argument names; never returns."""
    import atheris

    with atheris.instrument_imports(include=["kiosk", "email", "tomllib"], enable_loader_override=False):
        from tests.fuzz.targets import TARGETS
    target = TARGETS.get(sys.argv[1])
    check = target.run if target else atheris.instrument_func(open_sesame)

    def mutate(data: bytes, most: int, seed: int) -> bytes:
        random = Random(seed)
        if target is None or random.randrange(2):
            return bytes(atheris.Mutate(data, most))  # libFuzzer's own ways, with what it learnt of comparisons
        return target.mutate(data, random)[:most]

    atheris.Setup([sys.argv[0], *sys.argv[2:]], check, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
