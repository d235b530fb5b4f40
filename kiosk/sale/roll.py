"""How much paper is left: millimetres counted since the roll was changed, told in tickets.

It is a forecast, and nothing hangs on it: it refuses nothing, and it is written only along with what a step writes
anyway (L9). A power cut may cost it the papers that nobody is owed, such as copies.

When was the roll changed? A printer that had no paper and is ready again has a new one; so has one whose sensor saw the
end of the roll near, whose cover was opened, and that is content now. An open cover alone proves nothing: somebody
looked in. Where the printer cannot tell, and when a roll is changed while the kiosk is off, the cashier says it (menu).
Until one of them did, nobody knows how much paper there is, and nothing is told.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from kiosk.sale.events import Paper, PaperIs, Printed, PrinterEvent, PrintFailed
from kiosk.sale.records import Roll
from kiosk.sale.turn import Turn

LOW_TICKETS: Final = 20
"""From here on the counter shows how many are left: time enough to find a new roll."""
_LAST: Final = 4
"""The mean of a ticket's length follows about so many of the last ones."""


@dataclass(frozen=True, slots=True)
class Reel:
    """The roll in the printer, and what is known of it."""

    length_mm: int = 0
    """Of a new roll; 0: not known, and nothing is counted."""
    roll: Roll | None = None
    """None: nobody knows when it was changed."""
    kept: bool = True
    """The journal has the count; else it goes with the next ``Save``."""
    low: bool = False
    """The printer's sensor sees its end near."""
    ended: bool = False
    """It is out, or near its end with the cover open: it is being changed."""

    @property
    def tickets_left(self) -> int | None:
        """For about how many tickets there is paper; None: nobody knows."""
        roll = self.roll
        if not self.length_mm or roll is None or not roll.ticket_mm:
            return None
        return max(0, self.length_mm - roll.mm) // roll.ticket_mm

    @property
    def runs_low(self) -> bool:
        """Whether it ends soon, by the count."""
        left = self.tickets_left
        return left is not None and left <= LOW_TICKETS


def tickets_left(roll: Roll | None, length_m: int) -> int | None:
    """The same for a reader of the journal; ``length_m``: of a new roll, as configured."""
    return Reel(length_m * 1000, roll).tickets_left


def heard(reel: Reel, event: PrinterEvent, at: float, *, ticket: bool = False) -> Reel:
    """The roll after a word of the printer (``at``: wall time); ``ticket``: what it printed counts for the mean."""
    if not reel.length_mm:
        return reel
    match event:
        case Printed():
            return _counted(reel, event.mm, ticket=ticket)
        case PrintFailed():
            return _says(_counted(reel, event.mm), event.paper, at)
        case PaperIs():
            return _says(reel, event.paper, at)


def changed(reel: Reel, at: float) -> Reel:
    """A new roll is in the printer."""
    ticket_mm = reel.roll.ticket_mm if reel.roll else 0
    return replace(reel, roll=Roll(0, at, ticket_mm), kept=False, low=False, ended=False)


def keep(reel: Reel, turn: Turn) -> Reel:
    """Write the count if this step writes anything; not for its own sake."""
    if reel.kept or reel.roll is None or not (turn.records or turn.entries):
        return reel
    turn.save(reel.roll)
    return replace(reel, kept=True)


def _counted(reel: Reel, mm: int, *, ticket: bool = False) -> Reel:
    roll = reel.roll
    if roll is None or mm <= 0:
        return reel
    mean = roll.ticket_mm
    if ticket:
        mean = mean + round((mm - mean) / _LAST) if mean else mm
    return replace(reel, roll=Roll(roll.mm + mm, roll.since, mean), kept=False)


def _says(reel: Reel, paper: Paper, at: float) -> Reel:
    if paper is Paper.OUT or (paper is Paper.COVER and reel.low):
        return reel if reel.ended else replace(reel, ended=True)
    if not paper.usable:
        return reel
    low = paper is Paper.LOW
    if reel.ended and not low:
        return changed(reel, at)
    return reel if (reel.low, reel.ended) == (low, False) else replace(reel, low=low, ended=False)
