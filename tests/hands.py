"""Hands on a keypad: random presses as fingers make them, and a judge of what a keypad said to them.

A press is a contact that closes, bounces for up to 20 ms, stays closed, bounces for up to 20 ms while it opens, and is
open. What a pad without diodes can know of it is a matter of physics, and the judge goes by it:

- Contacts that join two rows and two columns to one net, as three corners of a rectangle do, look like all four: while
  they do (a bouncing contact counts as closed, and a pass over the rows takes its time), nothing can be known of them.
- A press **must be heard**, once, if its contact was closed for three samples on end (``SEEN_S``) with no such doubt
  about it, and had been open for as long, in the same way, since the press before it.
- It must then be heard by the end of the first such time: at once, or as soon as the doubt is over.
- Any other press is **undecidable**: it may be heard once, or not at all.
- What belongs to no press is a ghost; a second word about one press is a double.

The judge works that out for itself, and shares no figure with the keypad.
"""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import chain, pairwise, product

from kiosk.sim.membrane import Cell, joined

BOUNCE_S = 0.020
PASS_S = 0.0016
"""One pass over four rows."""
SEEN_S = 0.0272
"""Three samples, 9 ms apart, fall into this time whenever it begins."""
PROMPT_S = PASS_S + 1e-9
"""After that time, the keypad says it by the end of its pass."""
SHORTEST_S = 0.0305
"""The shortest time for which a finger keeps a contact closed, between the bounces; and open."""
FASTEST_S = 1 / 12
"""From one press to the next."""

Span = tuple[float, float]
Said = tuple[float, Cell]
"""When a keypad said that a key went down, and which."""


@dataclass(frozen=True, slots=True)
class Press:
    """One press. ``bounces``, ``let_go``: when, in seconds after it closed (opened), the contact flips again."""

    cell: Cell
    down: float
    up: float
    bounces: tuple[float, ...] = ()
    let_go: tuple[float, ...] = ()

    @property
    def closed(self) -> Span:
        """While it certainly was closed."""
        return self.down + max(self.bounces, default=0.0), self.up

    @property
    def over(self) -> float:
        """When it was open for good."""
        return self.up + max(self.let_go, default=0.0)

    def flips(self) -> Iterator[tuple[float, bool]]:
        """When the contact closed (True) and opened, one after the other."""
        for start, closed, flips in ((self.down, True, self.bounces), (self.up, False, self.let_go)):
            for index, offset in enumerate((0.0, *flips)):
                yield start + offset, closed if index % 2 == 0 else not closed


# --- the hands --------------------------------------------------------------------------------------------------------


def chatter(draw: random.Random) -> tuple[float, ...]:
    """When a cheap contact flips again: an even number of times within 20 ms, often to the very end.

    Few flips are the worst: the contact is still for long on the wrong side.
    """
    times = [draw.uniform(0, BOUNCE_S) for _ in range(2 * draw.choice((0, 1, 1, 2, 3, 5)))]
    if times and draw.random() < 0.5:
        times[0] = BOUNCE_S
    return tuple(sorted(times))


def typing(
    draw: random.Random, rows: int, columns: int, number: int, start: float, *, calm: float = 0.0
) -> list[Press]:
    """So many presses from ``start`` on, in bursts of up to 12 keys a second; ``calm``: how many do not bounce.

    Some bursts are typed key by key, some with two to four keys down at once, some on three corners of a rectangle,
    and in some a key is held for more than a second.
    """
    presses: list[Press] = []
    free: dict[Cell, float] = {}
    at = start
    while len(presses) < number:
        longest = draw.choice((0.05, 0.12, 0.3))
        keys: Iterable[Cell] = [(draw.randrange(rows), draw.randrange(columns)) for _ in range(draw.randint(3, 30))]
        if draw.random() < 0.2:
            corners = [*product(draw.sample(range(rows), 2), draw.sample(range(columns), 2))]
            keys, longest = chain.from_iterable(draw.sample(corners, 3) for _ in range(3)), 0.35
        for cell in keys:
            pace = draw.choice((FASTEST_S, draw.uniform(FASTEST_S, 0.15)))
            at = max(at + pace, free.get(cell, at))
            length = 1.3 if draw.random() < 0.01 else draw.uniform(SHORTEST_S, longest)
            bounces, let_go = ((), ()) if draw.random() < calm else (chatter(draw), chatter(draw))
            press = Press(cell, at, at + max(bounces, default=0.0) + length, bounces, let_go)
            presses.append(press)
            free[cell] = press.over + SHORTEST_S
        at += draw.choice((0.0, draw.uniform(0.05, 1.0)))
    return presses[:number]


# --- the judge --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of the presses."""

    presses: int = 0
    heard: int = 0
    undecidable: int = 0
    lost: list[Press] = field(default_factory=list)
    late: list[Press] = field(default_factory=list)
    doubled: list[Said] = field(default_factory=list)
    ghosts: list[Said] = field(default_factory=list)
    swapped: list[Said] = field(default_factory=list)
    """Said before a key that had gone down earlier, with no doubt about either."""
    latencies: list[float] = field(default_factory=list)
    """Seconds from the first contact to the word, where nothing was in doubt about the press; and likewise"""
    settled: list[float] = field(default_factory=list)
    """from the last bounce."""

    @property
    def clean(self) -> bool:
        """Nothing to complain about."""
        return not (self.lost or self.late or self.doubled or self.ghosts or self.swapped)

    def __add__(self, other: Verdict) -> Verdict:
        return Verdict(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))


def judged(
    presses: Sequence[Press],
    said: Sequence[Said],
    deaf: Sequence[Span] = (),
    late_s: float = PROMPT_S,
) -> Verdict:
    """What a keypad made of those presses.

    ``deaf``: times in which it had no chance, since an edge was lost while it slept. ``late_s``: how long after the
    end of the time in which a press must be heard it may be said.
    """
    due = _due(presses, _doubts(presses, deaf))
    verdict = Verdict(presses=len(presses), undecidable=sum(at is None for at in due))
    waiting: dict[Cell, list[int]] = {}
    for index, press in enumerate(presses):
        waiting.setdefault(press.cell, []).append(index)
    order: list[int] = []
    for at, cell in said:
        open_ = waiting.get(cell, [])
        while open_ and presses[open_[0]].over + SEEN_S + late_s < at:
            _unheard(verdict, presses, due, open_.pop(0))
        if open_ and presses[open_[0]].down <= at:
            index = open_.pop(0)
            order.append(index)
            _heard(verdict, presses[index], due[index], at, late_s)
        else:
            near = any(press.cell == cell and press.down <= at <= press.over + SEEN_S + late_s for press in presses)
            (verdict.doubled if near else verdict.ghosts).append((at, cell))
    for index in chain.from_iterable(waiting.values()):
        _unheard(verdict, presses, due, index)
    prompt = [index for index in order if _at_once(presses[index], due[index])]
    verdict.swapped.extend((presses[two].down, presses[two].cell) for one, two in pairwise(prompt) if one > two)
    return Verdict(**{**{name: getattr(verdict, name) for name in Verdict.__slots__}, "heard": len(order)})


def _heard(verdict: Verdict, press: Press, due: float | None, at: float, late_s: float) -> None:
    if due is not None and at > due + late_s:
        verdict.late.append(press)
    if _at_once(press, due):
        verdict.latencies.append(at - press.down)
        verdict.settled.append(at - press.closed[0])


def _unheard(verdict: Verdict, presses: Sequence[Press], due: Sequence[float | None], index: int) -> None:
    if due[index] is not None:
        verdict.lost.append(presses[index])


def _at_once(press: Press, due: float | None) -> bool:
    """Whether nothing was in doubt about a press from its last bounce on."""
    return due is not None and due <= press.closed[0] + SEEN_S + 1e-9


def _due(presses: Sequence[Press], doubts: Callable[[Cell], Sequence[Span]]) -> list[float | None]:
    """By when each press must be heard; None: it is undecidable."""
    due: list[float | None] = []
    before: dict[Cell, float] = {}
    for press in presses:
        spans = doubts(press.cell)
        opened = before.get(press.cell)
        parted = opened is None or _first_clear((opened, press.down), spans) is not None
        due.append(_first_clear(press.closed, spans) if parted else None)
        before[press.cell] = press.over
    return due


def _first_clear(span: Span, doubts: Sequence[Span]) -> float | None:
    """The end of the first time in the span that is long enough and free of doubt."""
    start, end = span
    for from_, to in doubts[max(0, bisect_left(doubts, (start, start)) - 1) :]:
        if min(from_, end) - start >= SEEN_S or start >= end:
            break
        start = max(start, to)
    else:
        from_ = end
    return start + SEEN_S if min(from_, end) - start >= SEEN_S else None


def _doubts(presses: Sequence[Press], deaf: Sequence[Span]) -> Callable[[Cell], Sequence[Span]]:
    """When nothing can be known of a cell; the spans do not overlap, and are in order."""
    moves = [(press.down - PASS_S, True, press.cell) for press in presses]
    moves += [(press.over + PASS_S, False, press.cell) for press in presses]
    down: dict[Cell, int] = {}
    spans: dict[Cell, list[Span]] = {}
    moves.sort(key=lambda move: move[0])
    for (at, closes, cell), (until, _, _) in pairwise([*moves, (moves[-1][0], False, (0, 0))]):
        down[cell] = down.get(cell, 0) + (1 if closes else -1)
        if not down[cell]:
            del down[cell]
        for doubtful in in_doubt(frozenset(down)):
            spans.setdefault(doubtful, []).append((at, until))
    return cache(lambda cell: _merged([*spans.get(cell, ()), *deaf]))


def _merged(spans: Iterable[Span]) -> list[Span]:
    """The same time, in spans that do not overlap, in order."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged


@cache
def in_doubt(closed: frozenset[Cell]) -> frozenset[Cell]:
    """The cells of which nothing can be known while (at most) these contacts are closed."""
    rows, columns = ({cell[side] for cell in closed} for side in (0, 1))
    wires = [*rows, *(-1 - column for column in columns)]
    doubtful: set[Cell] = set()
    for net in joined(wires, [(row, -1 - column) for row, column in closed]):
        sides = [wire for wire in net if wire >= 0], [-1 - wire for wire in net if wire < 0]
        if min(map(len, sides)) > 1:
            doubtful.update(product(*sides))
    return frozenset(doubtful)
