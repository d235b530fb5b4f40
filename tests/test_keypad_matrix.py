"""The lines of the matrix under the electrical model."""

from __future__ import annotations

from itertools import product

import pytest

from kiosk.keypad.matrix import SETTLE_S, Matrix, Ring
from kiosk.keypad.scan import Cell, Sample
from kiosk.sim.membrane import Wires

ROWS = (5, 6, 13, 19)
COLUMNS = (12, 16, 20)
CELLS = [*product(range(len(ROWS)), range(len(COLUMNS)))]


def soldered(wires: Wires) -> Matrix:
    """A matrix on those wires, nothing driven."""
    rows, columns = ([wires.factory.pin(number) for number in side] for side in (ROWS, COLUMNS))
    return Matrix(rows, columns, wires.wait)


@pytest.fixture
def wires() -> Wires:
    """A pad of four rows and three columns."""
    return Wires(ROWS, COLUMNS)


@pytest.mark.parametrize("cell", CELLS)
def test_each_key_is_read_at_its_place(wires: Wires, cell: Cell) -> None:
    """One key, one closed cell."""
    matrix = soldered(wires)
    wires.touch(cell)
    assert matrix.sample() == Sample(closed=frozenset({cell}))
    wires.touch()
    assert matrix.sample() == Sample()


def test_no_two_outputs_ever_meet_at_opposite_levels(wires: Wires) -> None:
    """Every pair of keys, armed and scanned: no short; the twin, a row driven high beside one driven low, is one."""
    matrix = soldered(wires)
    for one, other in product(CELLS, CELLS):
        wires.touch(one, other)
        matrix.sample()
        matrix.arm()
        matrix.let_go()
    assert wires.shorts == 0
    wires.touch((0, 0), (1, 0))
    wires.factory.pin(5).output_with_state(False)
    wires.factory.pin(6).output_with_state(True)
    assert wires.shorts > 0


def test_a_third_corner_reads_like_four(wires: Wires) -> None:
    """Without diodes the ghost is real: the model shows it, and the scan has to live with it."""
    matrix = soldered(wires)
    wires.touch((0, 0), (0, 1), (1, 0))
    assert matrix.sample().closed == {(0, 0), (0, 1), (1, 0), (1, 1)}


@pytest.mark.parametrize("cell", CELLS)
def test_armed_every_key_pulls_its_column_down(wires: Wires, cell: Cell) -> None:
    """So that any key can wake the keypad; let go, none does."""
    matrix = soldered(wires)
    matrix.arm()
    assert matrix.low_columns() == set()
    wires.touch(cell)
    assert matrix.low_columns() == {cell[1]}
    matrix.let_go()
    assert matrix.low_columns() == set()


def test_a_falling_column_rings_and_a_rising_one_does_not(wires: Wires) -> None:
    """Once for each key that goes down."""
    rung: list[object] = []

    class Ear:
        def ring(self, _ticks: object, state: object) -> None:
            rung.append(state)

    matrix, ear = soldered(wires), Ear()
    matrix.watch(ear.ring)
    matrix.arm()
    assert rung == []
    wires.touch((2, 1))
    wires.touch()
    wires.touch((0, 0))
    assert rung == [False, False]


def test_a_column_at_ground_is_unknown_and_no_key(wires: Wires) -> None:
    """It reads low for every row: four keys, if it were believed. The other columns are read as ever."""
    matrix = soldered(wires)
    wires.grounded = {COLUMNS[1]}
    wires.touch((2, 0))
    assert matrix.sample() == Sample(frozenset({(2, 0)}), frozenset((row, 1) for row in range(4)))


def test_a_row_at_ground_gives_no_wrong_key(wires: Wires) -> None:
    """Its keys pull their column down whoever is driven: unknown, not pressed."""
    matrix = soldered(wires)
    wires.grounded = {ROWS[2]}
    wires.touch((2, 0), (3, 1))
    sample = matrix.sample()
    assert sample.closed == {(3, 1)}
    assert sample.unknown == {(row, 0) for row in range(4)}


@pytest.mark.parametrize(
    ("rise_s", "unknown"),
    [(0.0, set()), (SETTLE_S / 2, set()), (SETTLE_S * 1.5, {(2, 2)}), (SETTLE_S * 10, {(2, 2), (3, 2)})],
)
def test_a_slow_line_makes_no_wrong_key(rise_s: float, unknown: set[Cell]) -> None:
    """A column that has not risen yet would show the next row's key. It is unknown instead."""
    wires = Wires(ROWS, COLUMNS, rise_s)
    matrix = soldered(wires)
    wires.wait(1)
    wires.touch((1, 2))
    assert matrix.sample() == Sample(frozenset({(1, 2)}), frozenset(unknown))


def test_rows_that_touch_each_other_are_found(wires: Wires) -> None:
    """Each pair once; no pair where none touches."""
    matrix = soldered(wires)
    assert matrix.joined_rows() == []
    wires.bridges = {(ROWS[0], ROWS[3])}
    assert matrix.joined_rows() == [(0, 3)]


def test_a_row_at_ground_reads_low(wires: Wires) -> None:
    """And a sound one high."""
    matrix = soldered(wires)
    assert matrix.low_rows() == set()
    wires.grounded = {ROWS[1]}
    wires.settle()
    assert matrix.low_rows() == {1}


def test_a_line_that_fails_while_its_row_is_driven_leaves_no_row_driven(wires: Wires) -> None:
    """The next look must not find a second row low."""
    matrix = soldered(wires)
    wires.touch((0, 0))
    broken = Matrix([wires.factory.pin(row) for row in ROWS], [Broken()], wires.wait)
    with pytest.raises(OSError, match="gone"):
        broken.sample()
    assert [wires.factory.pin(row).function for row in ROWS] == ["input"] * 4
    assert matrix.sample().closed == {(0, 0)}


class Broken:
    """A column that reads once, and then never again."""

    edges = "none"
    when_changed: Ring | None = None

    def __init__(self) -> None:
        self._reads = 0

    @property
    def state(self) -> bool:
        """High, then an error."""
        self._reads += 1
        if self._reads > 1:
            raise OSError("gone")
        return True

    def output_with_state(self, state: bool) -> None:
        """Columns only listen."""
        raise AssertionError

    def input_with_pull(self, pull: str) -> None:
        """It is one."""
