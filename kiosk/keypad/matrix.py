"""The lines of a key matrix, as one who drives them honestly.

Two outputs never meet at opposite levels: a row is driven low or it is an input, and never driven high. Otherwise two
pressed keys of one column would short two pins of the Pi. A row that is let go is pulled up, so that it follows
nothing but its keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import combinations
from typing import Protocol, TypeAlias

from kiosk.keypad.scan import Cell, Sample

SETTLE_S = 0.000_2
"""From driving a row, or letting it go, to reading the columns. A Pi's pull-up of 50 kOhm lifts 1 nF, more than ten
metres of wire, in a quarter of that."""

Wait: TypeAlias = Callable[[float], None]
Ring: TypeAlias = Callable[[object, object], None]


class Pin(Protocol):
    """What is used of ``gpiozero.Pin``."""

    edges: str
    when_changed: Ring | None

    @property
    def state(self) -> bool:
        """The line's level."""
        ...

    def output_with_state(self, state: bool) -> None:
        """Become an output at that level."""
        ...

    def input_with_pull(self, pull: str) -> None:
        """Become an input with that pull."""
        ...


class Matrix:
    """The lines of a pad. The rows are driven low or let go; the columns only ever listen.

    Args:
        rows: one pin for each row.
        columns: one pin for each column.
        wait: lets that many seconds pass.
    """

    def __init__(self, rows: Sequence[Pin], columns: Sequence[Pin], wait: Wait) -> None:
        self._rows = rows
        self._columns = columns
        self._wait = wait
        for column in self._columns:
            column.input_with_pull("up")
        self.let_go()

    def watch(self, ring: Ring) -> None:
        """Call ``ring`` whenever a column falls; a bound method, its object must be kept."""
        for column in self._columns:
            column.edges = "falling"
            column.when_changed = ring

    def arm(self) -> None:
        """Drive all rows low: any key now pulls its column down."""
        for row in self._rows:
            row.output_with_state(False)

    def let_go(self) -> None:
        """Drive nothing."""
        for row in self._rows:
            row.input_with_pull("up")
        self._wait(SETTLE_S)

    def low_columns(self) -> set[int]:
        """Which columns are low now."""
        return {index for index, column in enumerate(self._columns) if not column.state}

    def low_rows(self) -> set[int]:
        """Which rows are low now."""
        return {index for index, row in enumerate(self._rows) if not row.state}

    def sample(self) -> Sample:
        """Drive one row low after the other, and see which columns follow. No row may be driven before."""
        closed: set[Cell] = set()
        unknown: set[Cell] = set()
        for row in range(len(self._rows)):
            before = self.low_columns()
            with self._driven(row):
                low = self.low_columns()
            closed |= {(row, column) for column in low - before}
            unknown |= {(row, column) for column in before}
        return Sample(frozenset(closed), frozenset(unknown))

    def joined_rows(self) -> list[tuple[int, int]]:
        """Pairs of rows of which one falls when the other is driven. No key may be down."""
        pairs = []
        for one, other in combinations(range(len(self._rows)), 2):
            with self._driven(one):
                if other in self.low_rows():
                    pairs.append((one, other))
        return pairs

    @contextmanager
    def _driven(self, row: int) -> Iterator[None]:
        self._rows[row].output_with_state(False)
        self._wait(SETTLE_S)
        try:
            yield
        finally:
            self._rows[row].input_with_pull("up")
        self._wait(SETTLE_S)
