"""What the cashier reads: words and icons, no pixels."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Icon(Enum):
    """Small signs in the corner: something is not as it should be."""

    NETWORK = "network"
    PRINTER = "printer"
    PAPER = "paper"
    CLOCK = "clock"
    JOURNAL = "journal"
    DEBT = "debt"
    """Papers are owed."""
    MONEY = "money"
    """Money is to be settled."""


@dataclass(frozen=True, slots=True)
class Screen:
    """One picture. The display fits it to its size and counts its seconds by itself."""

    head: str
    """One short line: what is going on."""
    big: str = ""
    """The amount, or the one word that matters: readable from a metre."""
    text: str = ""
    """What to know or do, one or two short lines."""
    footer: str = ""
    """What the function keys do now."""
    icons: tuple[Icon, ...] = ()
    ends_at: float | None = None
    """Monotonic time at which the customer's time is up: shown as seconds left, beside..."""
    answered_at: float | None = None
    """...the seconds since the provider last answered: waiting and being blind look different."""
    loud: bool = False
    """Drawn light on dark reversed: PAID, alarms."""
