"""Samples of a key matrix -> what the keys did. Pure: no pins, no clock, no threads.

A matrix without diodes is a set of nets: every closed contact joins its row wire and its column wire. A net of one
row and several columns, or of one column and several rows, can come about in one way only, so it shows exactly which
keys are down. A net of two rows *and* two columns cannot: three closed contacts at the corners of a rectangle read
like four. Such a net says nothing about its cells, and they stay what they were until it comes apart: what went down
meanwhile and still is down then is a key, what is up again by then was none, and nobody could have told. Nor are cells
that cannot be read (a column at ground, a wire too long to rise in time) above being such corners unseen: a closed cell
that would make a rectangle with them says nothing either.

A contact bounces for up to 20 ms, and samples are at least 9 ms apart. So at most three samples can fall into one
bounce, and a key changes after ``EQUAL_SAMPLES`` equal ones, counted for each key alone, so that one key's bounce does
not delay another's. The three of a bounce may all be equal and make the key change early; then it has changed, as it
would have. To double it would take six more. A lost sample, or a lost edge, only delays. With 9 ms a key is known 30 ms
after its last bounce at the latest, the pass over the rows included.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from itertools import chain, product
from typing import TypeAlias

Cell: TypeAlias = tuple[int, int]
"""A key's place: the index of its row, the index of its column."""

Cells: TypeAlias = frozenset[Cell]

SAMPLE_PERIOD_S = 0.009
EQUAL_SAMPLES = 3
HELD_S = 1.0
STUCK_S = 30.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One pass over the matrix."""

    closed: Cells = frozenset()
    """Their column was low while their row, and no other, was driven low."""
    unknown: Cells = frozenset()
    """Their column was low before their row was driven: a short, a crossed wire, or a line too slow to have risen."""


@dataclass(frozen=True, slots=True)
class Pressed:
    """A key went down."""

    cell: Cell


@dataclass(frozen=True, slots=True)
class Held:
    """A key has been down for ``HELD_S``; once for each press."""

    cell: Cell


@dataclass(frozen=True, slots=True)
class Stuck:
    """A key has been down for ``STUCK_S``: nobody presses that long. It says nothing more until it was released."""

    cell: Cell


@dataclass(frozen=True, slots=True)
class Blind:
    """A column could not be read for ``STUCK_S``; its keys are not heard."""

    column: int


KeyNews: TypeAlias = Pressed | Held | Stuck
Event: TypeAlias = KeyNews | Blind


class Told(IntEnum):
    """How much was said about a key that is down."""

    NOTHING = 0
    PRESSED = 1
    HELD = 2
    STUCK = 3


_NEWS: Mapping[Told, type[KeyNews]] = {Told.PRESSED: Pressed, Told.HELD: Held, Told.STUCK: Stuck}


@dataclass(frozen=True, slots=True)
class Contact:
    """A key that is down, or may be about to be."""

    since: float
    """When its first closed sample was taken; monotonic seconds."""
    down: bool = False
    against: int = 0
    """How many samples in a row said the opposite of ``down``."""
    told: Told = Told.NOTHING


@dataclass(frozen=True, slots=True)
class Pad:
    """What is known of the keys after some samples; a key without a contact is up."""

    contacts: Mapping[Cell, Contact] = field(default_factory=dict)
    unreadable: Mapping[int, float] = field(default_factory=dict)
    """Columns of which the last sample said nothing, and since when that is so."""
    blind: frozenset[int] = frozenset()
    """Those of them that were already reported."""
    quiet: int = 0
    """How many samples in a row showed nothing at all."""

    @property
    def at_rest(self) -> bool:
        """So many empty samples that every key counts as up: nothing to see until a column falls."""
        return self.quiet >= EQUAL_SAMPLES


def observe(pad: Pad, sample: Sample, now: float) -> tuple[Pad, tuple[Event, ...]]:
    """The pad after one more sample, taken at ``now`` (monotonic seconds), and what that sample brought to light.

    Samples must be at least ``SAMPLE_PERIOD_S`` apart. Events of one sample come in the order of the keys' places.
    """
    doubtful = sample.unknown | ambiguous(sample.closed) | _perhaps_ghosts(sample)
    contacts: dict[Cell, Contact] = {}
    news: list[Event] = []
    for cell in sorted(pad.contacts.keys() | (sample.closed - doubtful)):
        before = pad.contacts.get(cell, Contact(since=now))
        contact = _doubted(before) if cell in doubtful else _seen(before, cell in sample.closed, now)
        if contact is not None:
            contacts[cell] = contact
            news += [_NEWS[Told(level)](cell) for level in range(before.told + 1, contact.told + 1)]
    unreadable = {column: pad.unreadable.get(column, now) for _, column in sample.unknown}
    blind = frozenset(column for column, since in unreadable.items() if now - since >= STUCK_S)
    quiet = 0 if sample.closed or sample.unknown else pad.quiet + 1
    news += [Blind(column) for column in sorted(blind - pad.blind)]
    return Pad(contacts, unreadable, blind, quiet), tuple(news)


def stuck_words(key: str) -> str:
    """What is reported of a key that is stuck, whatever kind of pad it is on."""
    return f"key {key} has been down for {STUCK_S:.0f} s: it is stuck, and ignored until it is released"


def ambiguous(closed: Iterable[Cell]) -> Cells:
    """The cells of which these closed ones say nothing, because their net joins two rows and two columns."""
    doubtful = [product(*net) for net in _nets(closed) if min(map(len, net)) > 1]
    return frozenset(chain.from_iterable(doubtful))


def _perhaps_ghosts(sample: Sample) -> Cells:
    """The closed cells that three others, of which nothing contradicts that they are closed, may have brought about."""
    possible = sample.closed | sample.unknown
    return frozenset(
        (row, column)
        for row, column in (sample.closed if sample.unknown else ())
        for other_row, other_column in possible
        if row != other_row and column != other_column and {(row, other_column), (other_row, column)} <= possible
    )


def _nets(closed: Iterable[Cell]) -> list[tuple[set[int], set[int]]]:
    """Which rows and which columns the closed contacts join."""
    nets: list[tuple[set[int], set[int]]] = []
    for row, column in closed:
        rows, columns = {row}, {column}
        for net in [net for net in nets if row in net[0] or column in net[1]]:
            rows |= net[0]
            columns |= net[1]
            nets.remove(net)
        nets.append((rows, columns))
    return nets


def _doubted(contact: Contact) -> Contact | None:
    """A contact of which the sample says nothing: it stays what it was, and what it was about to be begins again."""
    return replace(contact, against=0) if contact.down else None


def _seen(contact: Contact, closed: bool, now: float) -> Contact | None:
    """The contact after a sample that shows it closed or open; None: it is up, and was not about to go down."""
    if closed is contact.down:
        return replace(contact, against=0, told=_due(contact, now)) if closed else None
    if contact.against + 1 < EQUAL_SAMPLES:
        return replace(contact, against=contact.against + 1)
    return Contact(contact.since, down=True, told=_due(contact, now)) if closed else None


def _due(contact: Contact, now: float) -> Told:
    """What must have been said of a key that is down."""
    down_s = now - contact.since
    return Told.STUCK if down_s >= STUCK_S else Told.HELD if down_s >= HELD_S else Told.PRESSED
