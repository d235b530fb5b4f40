"""How a law is held against what happens, and how often it was."""

from __future__ import annotations

from collections import Counter as Tally
from typing import Final

from tests.broken import LawBroken

__all__ = ["CHECKED", "LawBroken", "law"]

CHECKED: Final = Tally[str]()
"""How often each law was held against something since the program started, by its number."""


def law(number: str, holds: bool, text: str) -> None:
    """Raise if a law does not hold."""
    CHECKED[number] += 1
    if not holds:
        raise LawBroken(f"{number}: {text}")
