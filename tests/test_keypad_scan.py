"""Samples to key events, proved with random hands on a matrix without diodes."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

import pytest
from hypothesis import given, strategies

from kiosk.keypad.scan import (
    EQUAL_SAMPLES,
    HELD_S,
    SAMPLE_PERIOD_S,
    STUCK_S,
    Blind,
    Cell,
    Event,
    Held,
    Pad,
    Pressed,
    Sample,
    Stuck,
    ambiguous,
    observe,
)
from kiosk.sim.membrane import joined

BOUNCE_S = 0.020
ROWS = 4
COLUMNS = 4

A, B, C, D = (0, 0), (0, 1), (1, 0), (1, 1)
"""Four corners of a rectangle."""

A_SECOND = math.ceil(HELD_S / SAMPLE_PERIOD_S)
"""Samples after the first one, until a second is over."""


def watch(samples: Iterable[Sample], pad: Pad | None = None, start: float = 0.0) -> tuple[Pad, list[Event]]:
    """Show the samples to the pad, as far apart as the keypad takes them."""
    pad = pad or Pad()
    events: list[Event] = []
    for index, sample in enumerate(samples):
        pad, news = observe(pad, sample, start + index * SAMPLE_PERIOD_S)
        events += news
    return pad, events


def seen(*cells: Cell) -> Sample:
    """What a pass over the matrix shows with these contacts closed: ghosts as well."""
    wires = [*range(ROWS + COLUMNS)]
    nets = joined(wires, [(row, ROWS + column) for row, column in cells])
    return Sample(
        frozenset((row, wire - ROWS) for net in nets for row, wire in product(net, net) if row < ROWS <= wire)
    )


# --- one key --------------------------------------------------------------------------------------------------------


def test_a_key_is_down_at_the_third_equal_sample_and_not_before() -> None:
    """Two samples may lie in one bounce; three cannot."""
    assert watch([seen(A)] * (EQUAL_SAMPLES - 1))[1] == []
    assert watch([seen(A)] * EQUAL_SAMPLES)[1] == [Pressed(A)]


def test_two_open_samples_do_not_release_a_key() -> None:
    """A bounce while it is down is no second press; three open samples are a release, and then a press counts again."""
    down = [seen(A)] * 3
    assert watch([*down, *[seen()] * 2, *down])[1] == [Pressed(A)]
    assert watch([*down, *[seen()] * 2, seen(A), *[seen()] * 2, *down])[1] == [Pressed(A)]
    assert watch([*down, *[seen()] * 3, *down])[1] == [Pressed(A), Pressed(A)]


def test_a_bounce_starts_the_count_again() -> None:
    """Two closed samples, one open, two closed: that is no press yet, the third makes it one."""
    chatter = [seen(A), seen(A), seen(), seen(A), seen(A)]
    assert watch(chatter)[1] == []
    assert watch([*chatter, seen(A)])[1] == [Pressed(A)]


def test_at_rest_only_after_three_empty_samples() -> None:
    """The keypad sleeps when nothing is down, nothing is about to be, and three samples agree."""
    pad, _ = watch([seen(A)] * 3)
    assert [watch([seen()] * count, pad)[0].at_rest for count in range(4)] == [False, False, False, True]
    assert not watch([seen()] * 2)[0].at_rest
    assert watch([seen()] * 3)[0].at_rest
    assert not watch([seen(), seen(), seen(), seen(A)])[0].at_rest


# --- long presses -----------------------------------------------------------------------------------------------------


def test_a_key_held_for_a_second_says_so_once() -> None:
    """Held comes when a second is over, counted from the first closed sample; not before, and not twice."""
    samples = [seen(A)] * (A_SECOND + 20)
    assert watch(samples[:A_SECOND])[1] == [Pressed(A)]
    assert watch(samples[: A_SECOND + 1])[1] == [Pressed(A), Held(A)]
    assert watch(samples)[1] == [Pressed(A), Held(A)]


def test_each_long_press_is_held_once() -> None:
    """Twice pressed long, twice held."""
    long, pause = [seen(A)] * (A_SECOND + 10), [seen()] * 5
    assert watch([*long, *pause, *long])[1] == [Pressed(A), Held(A)] * 2


def test_a_key_that_is_just_let_go_is_not_held() -> None:
    """The second runs out while the contact is already open."""
    assert watch([*[seen(A)] * (A_SECOND - 1), *[seen()] * 10])[1] == [Pressed(A)]


def test_a_stuck_key_is_said_once_and_then_ignored_until_released() -> None:
    """After 30 s nothing more comes of it; the others go on; released, it is a key again."""
    count = math.ceil(STUCK_S / SAMPLE_PERIOD_S)
    pad, events = watch([seen(A)] * (count + 1))
    assert events == [Pressed(A), Held(A), Stuck(A)]
    later = STUCK_S + 1
    pad, events = watch([*[seen(A)] * 500, *[seen(A, D)] * 5, *[seen(A)] * 5], pad, later)
    assert events == [Pressed(D)]
    assert not pad.at_rest
    assert watch([*[seen()] * 3, *[seen(A)] * 3], pad, later + 10)[1] == [Pressed(A)]


# --- several keys -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("other", [B, C, D])
def test_the_next_key_before_the_last_is_up(other: Cell) -> None:
    """Rolling fingers: same row, same column, neither; both keys come, in order."""
    samples = [*[seen(A)] * 5, *[seen(A, other)] * 5, *[seen(other)] * 5, *[seen()] * 3]
    pad, events = watch(samples)
    assert events == [Pressed(A), Pressed(other)]
    assert pad.at_rest


def test_keys_that_go_down_together_come_in_the_order_of_their_places() -> None:
    """Nobody can tell which was first; one that was seen a sample earlier comes first."""
    assert watch([seen(A, D)] * 3)[1] == [Pressed(A), Pressed(D)]
    assert watch([seen(D), *[seen(A, D)] * 3])[1] == [Pressed(D), Pressed(A)]


def test_doubt_starts_the_count_again() -> None:
    """Samples on both sides of a doubtful one are not three in a row, for going down or for coming up."""
    doubt = seen(A, B, C)
    pad, events = watch([*[seen(A)] * 2, doubt, *[seen(A)] * 2])
    assert events == []
    pad, events = watch([seen(A), *[seen()] * 2, doubt, *[seen()] * 2, seen(A)], pad)
    assert events == [Pressed(A)]
    assert watch([*[seen()] * 3, *[seen(A)] * 3], pad)[1] == [Pressed(A)]


def test_a_third_corner_is_dropped_and_so_is_its_ghost() -> None:
    """Three corners of a rectangle read like four: no key of them is new while that lasts, and none is let go."""
    assert seen(A, B, C) == seen(A, B, C, D)
    pad, events = watch([*[seen(A, B)] * 3, *[seen(A, B, C)] * 20])
    assert events == [Pressed(A), Pressed(B)]
    assert watch([*[seen(A, B)] * 5, *[seen()] * 3], pad)[1] == []


def test_a_third_corner_that_outlives_the_doubt_is_a_key_after_all() -> None:
    """It really is down, so it is heard as soon as one of the others is up; the ghost never is."""
    pad, _ = watch([*[seen(A, B)] * 3, *[seen(A, B, C)] * 20])
    assert watch([*[seen(B, C)] * 5, *[seen()] * 3], pad)[1] == [Pressed(C)]


def test_a_doubtful_key_is_not_held() -> None:
    """Nobody knows whether it is down; a second in the same net says nothing, and the doubt's end does."""
    pad, _ = watch([seen(A, B)] * 3)
    pad, events = watch([seen(A, B, C)] * 200, pad, 0.03)
    assert events == []
    assert watch([seen(A, B)], pad, 2.5)[1] == [Held(A), Held(B)]


@pytest.mark.parametrize(
    ("cells", "doubtful"),
    [
        ([], set()),
        ([A, B, (0, 2), (0, 3)], set()),
        ([A, C, (2, 0), (3, 0)], set()),
        ([A, D, (2, 2), (3, 3)], set()),
        ([A, B, C], {A, B, C, D}),
        ([A, B, (2, 2), (3, 2)], set()),
        ([(1, 3), (2, 0), (2, 3)], {(1, 0), (1, 3), (2, 0), (2, 3)}),
        ([A, D, (2, 0), (2, 1)], {A, B, C, D, (2, 0), (2, 1)}),
    ],
)
def test_only_a_net_of_two_rows_and_two_columns_is_ambiguous(cells: list[Cell], doubtful: set[Cell]) -> None:
    """A whole row, a whole column and a diagonal are certain; a rectangle, however it comes about, is not."""
    assert ambiguous(cells) == doubtful


# --- lines that cannot be read ---------------------------------------------------------------------------------------


def test_an_unknown_cell_is_neither_pressed_nor_released() -> None:
    """A line that is low by itself says nothing of its keys."""
    unknown = Sample(unknown=frozenset({A}))
    pad, events = watch([unknown] * 10)
    assert events == []
    assert not pad.at_rest
    pad, _ = watch([seen(A)] * 3)
    pad, events = watch([unknown] * 10, pad, 0.1)
    assert events == []
    assert A in pad.contacts
    assert not pad.at_rest


def test_a_blind_column_is_said_once_and_again_after_it_was_well() -> None:
    """30 s without a readable sample; a single good one in between starts the time again."""
    blind = Sample(unknown=frozenset({(0, 2), (1, 2)}))
    count = math.ceil(STUCK_S / SAMPLE_PERIOD_S)
    pad, events = watch([blind] * (count + 100))
    assert events == [Blind(2)]
    pad, _ = watch([seen()], pad, 40)
    assert watch([blind] * (count + 1), pad, 50)[1] == [Blind(2)]
    assert watch([*[blind] * (count - 1), seen(), *[blind] * (count - 1)])[1] == []


# --- random hands -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Press:
    """One press as a hand makes it; ``flips``: when the contact bounces, in ms after it closed, and after it opened."""

    cell: Cell
    down_ms: float
    up_ms: float
    flips: tuple[tuple[float, ...], tuple[float, ...]]

    def closed(self, at_ms: float) -> bool:
        """Whether the contact is closed."""
        if not self.down_ms <= at_ms < self.up_ms + BOUNCE_S * 1000:
            return False
        opening = at_ms >= self.up_ms
        since = at_ms - (self.up_ms if opening else self.down_ms)
        bounces = sum(flip <= since for flip in self.flips[opening])
        return (bounces % 2 == 0) != opening


flips = strategies.lists(strategies.floats(0, BOUNCE_S * 1000, exclude_max=True), max_size=8).map(
    lambda times: tuple(sorted(times[len(times) % 2 :]))
)
cells = strategies.tuples(strategies.integers(0, ROWS - 1), strategies.integers(0, COLUMNS - 1))


@strategies.composite
def typing(draw: strategies.DrawFn) -> list[Press]:
    """A row of presses, 12 a second, each up to 40 ms longer than until the next one. No finger leaves a key and is
    back on it within 60 ms."""
    presses: list[Press] = []
    start = 0.0
    for _ in range(draw(strategies.integers(1, 12))):
        cell = draw(cells)
        back = max((press.up_ms + 60 for press in presses if press.cell == cell), default=0.0)
        start = max(start + draw(strategies.floats(83, 120)), back)
        presses.append(Press(cell, start, start + draw(strategies.floats(60, 123)), (draw(flips), draw(flips))))
    return presses


def play(presses: list[Press], phase_ms: float) -> list[Event]:
    """Sample those hands, ghosts included."""
    end, apart_ms = max(press.up_ms for press in presses) + 200, SAMPLE_PERIOD_S * 1000
    times = [phase_ms + apart_ms * index for index in range(int(end / apart_ms))]
    samples = [seen(*(press.cell for press in presses if press.closed(at))) for at in times]
    return watch(samples)[1]


@given(typing(), strategies.floats(0, 9))
def test_fast_typing_with_bounce_and_overlap_loses_and_doubles_nothing(presses: list[Press], phase_ms: float) -> None:
    """12 keys a second, up to 20 ms of bounce at each end, each key let go up to 40 ms after the next went down."""
    assert play(presses, phase_ms) == [Pressed(press.cell) for press in presses]


def test_a_column_that_cannot_be_read_hides_no_ghost() -> None:
    """Found by fuzzing: keys of column 0, of which nothing is known, may join rows 0 and 1; then (1, 1) is a ghost."""
    unread = frozenset((row, 0) for row in range(ROWS))
    ghost = Sample(frozenset({(0, 1), (1, 1)}), unread)
    assert watch([ghost] * 10)[1] == []
    pad, events = watch([Sample(frozenset({(0, 1)}), unread)] * 4)
    assert events == [Pressed((0, 1))], "one key of a column has no ghost to be taken for"
    assert watch([ghost] * 4, pad, 0.1)[1] == [], "and stays down, alone"
    assert watch([Sample(frozenset({(0, 1), (1, 1)}))] * 4)[1] == [Pressed((0, 1)), Pressed((1, 1))]


def test_keys_that_cannot_be_read_make_no_ghost_of_a_third_corner() -> None:
    """Found by random hands on wires that are too long: with row 2 unread, (1, 1) may be the ghost of three corners.

    The twins: without a rectangle among what is closed or unread, both keys of the row are keys.
    """
    row = frozenset({(1, 0), (1, 1)})
    assert watch([Sample(row, frozenset({(2, 0), (2, 1)}))] * 10)[1] == []
    assert watch([Sample(row, frozenset({(2, 0), (3, 1)}))] * 3)[1] == [Pressed((1, 0)), Pressed((1, 1))]
    assert watch([Sample(row, frozenset({(2, 0), (2, 2)}))] * 3)[1] == [Pressed((1, 0)), Pressed((1, 1))]


@strategies.composite
def chords(draw: strategies.DrawFn) -> list[Press]:
    """Up to eight keys, each pressed once, at any time, for as long as they like."""
    keys = draw(strategies.lists(cells, min_size=3, max_size=8, unique=True))
    times = strategies.tuples(strategies.floats(0, 300), strategies.floats(60, 900), flips, flips)
    return [
        Press(key, down, down + length, (closing, opening))
        for key, (down, length, closing, opening) in zip(
            keys, draw(strategies.tuples(*[times] * len(keys))), strict=True
        )
    ]


@given(chords(), strategies.floats(0, 10))
def test_a_hand_on_the_pad_makes_no_ghost_and_no_double(presses: list[Press], phase_ms: float) -> None:
    """Whatever is down together: only keys that were really pressed come, each at most once."""
    events = play(presses, phase_ms)
    assert len(set(events)) == len(events)
    assert {event.cell for event in events if isinstance(event, Pressed)} <= {press.cell for press in presses}


@given(chords(), strategies.floats(0, 10))
def test_keys_of_one_row_are_never_in_doubt(presses: list[Press], phase_ms: float) -> None:
    """The twin: where no rectangle can come about, every key of a chord is heard, once."""
    keys = {press.cell[1]: press for press in presses}
    row = [Press((2, column), press.down_ms, press.up_ms, press.flips) for column, press in keys.items()]
    assert sorted(play(row, phase_ms), key=repr) == sorted((Pressed(press.cell) for press in row), key=repr)
