"""What is raised when a law does not hold. Apart from the laws, which may be compiled (``tests.compiled``)."""

from __future__ import annotations

from collections import Counter as Tally
from typing import Final

CHECKED: Final = Tally[str]()
"""How often each law was held against something since the program started, by its number."""


class LawBroken(AssertionError):  # noqa: N818  (it reads as what it says)
    """A law does not hold."""


def law(number: str, holds: bool, text: str) -> None:
    """Raise if a law does not hold."""
    CHECKED[number] += 1
    if not holds:
        raise LawBroken(f"{number}: {text}")
