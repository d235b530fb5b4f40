"""The shop's day as values: what the journal counted since the last Z, and the Z that closes it.

A day is a span of the journal's *positions*, not of clock times. Each sale gets a position when its payment is
journalled, and another when it ends without one; positions only go up, whatever the clock does. A Z takes all that lie
after the last Z's, up to the newest one: so each sale stands in exactly one Z, across daylight saving, a clock that was
set back, two Z on one day or none for a week. Times only label it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

LATE_MAX = 20
"""So many late sales are named on a paper; the others are counted."""


@dataclass(frozen=True, slots=True)
class Totals:
    """What was counted (minor units)."""

    sales: int = 0
    """Paid ones, the late ones among them."""
    cents: int = 0
    late: int = 0
    """Paid after they had been cancelled or had expired."""
    late_cents: int = 0
    unpaid: int = 0
    """Ended without money: cancelled, expired, refused, not confirmed."""
    refunds: int = 0
    refunded_cents: int = 0


@dataclass(frozen=True, slots=True)
class LateSale:
    """Money that came late: it counts now, and names its own day."""

    number: int
    cents: int
    made_at: float


@dataclass(frozen=True, slots=True)
class Day:
    """What the journal counted since the last Z."""

    number: int
    """Of the Z that closes it."""
    after: int
    """It begins after this position, the last Z's end..."""
    upto: int
    """...and ends with this one, the newest."""
    since: float | None
    """When the last Z was made; None: there was none."""
    totals: Totals
    late: tuple[LateSale, ...] = ()
    """The first ``LATE_MAX`` of them."""


@dataclass(frozen=True, slots=True)
class Close:
    """A Z: a day that is closed, for good. Key: ``number``."""

    number: int
    """Counts up from 1, without a gap."""
    at: float
    after: int
    upto: int
    totals: Totals
    owed: int = 0
    """Carried over: papers not printed yet..."""
    watched: int = 0
    """...unpaid sales that may still bring money..."""
    disputed: int = 0
    disputed_cents: int = 0
    """...and money that nobody has settled."""
    agreed_until: float | None = None
    """Up to when the account had been held against the journal, by the provider's clock; None: it never was."""
    differences: int = 0
    """Found between account and journal, and not yet in their place."""
    difference_cents: int = 0
    """What the account has more than the journal, by these."""


@dataclass(frozen=True, slots=True)
class DayIs:
    """What the journal counted, as it was asked for; ``day`` None: it cannot be read."""

    day: Day | None
    closing: bool
    """To be closed; else only to be looked at."""
    at_once: bool = False
    """Nobody stands at the counter to be asked whether it is right."""


@dataclass(frozen=True, slots=True)
class CloseAsked:
    """The technician closes the day."""


class DayStep(Enum):
    """How far whoever looks at a day has come with it."""

    LOOK = "look"
    """The totals (X)."""
    ASK = "ask"
    """Is it to be closed?"""
    WRITING = "writing"
    """The Z is being made durable; nothing is printed before."""
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class DayShown:
    """The day's totals on the screen: to be printed (X), or to be closed (Z)."""

    day: Day
    step: DayStep
    until: float

    @property
    def wakes_at(self) -> float:
        """When they go away by themselves."""
        return self.until


class DayWord(Enum):
    """What stands before the figures of an X or a Z."""

    SINCE = "since"
    UNTIL = "until"
    SALES = "sales"
    LATE = "late"
    UNPAID = "unpaid"
    REFUNDS = "refunds"
    CARRIED = "carried"
    OWED = "owed"
    WATCHED = "watched"
    DISPUTED = "disputed"
    WANTED = "wanted"
    """Refunds whose outcome is not known yet."""
    ACCOUNT = "account"
    AGREES = "agrees"
    UNKNOWN = "unknown"
    DIFFERENCES = "differences"
