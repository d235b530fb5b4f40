"""An electrical model of a key matrix on gpiozero's mock pins, with its own time.

Closed contacts join wires into nets; a net's level follows from all that drives or pulls it. So ghost keys come about
by themselves, two outputs at opposite levels are a short circuit and are counted, contacts bounce, and a long wire
takes its time to rise. gpiozero's own ``MockPin`` is an island: it shows what it was told.

What a net of wires does follows from which contacts are closed and what each pin drives; hands are slow and scans are
many, so it is worked out once for each such case and then looked up.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from threading import RLock
from typing import Final, NamedTuple, TypeAlias

from gpiozero import PinFixedPull, PinInvalidFunction, PinInvalidPull, PinSetInput
from gpiozero.pins.mock import MockFactory, MockPin

Cell: TypeAlias = tuple[int, int]
"""A key's place: the index of its row, the index of its column."""

_DOES: Final[dict[bool | str, int]] = {"floating": 0, "up": 1, "down": 2, False: 3, True: 4}
"""What a pin does to its net, as a digit: the digits of all pins make a number."""


def joined(nodes: Iterable[int], links: Iterable[tuple[int, int]]) -> list[list[int]]:
    """The nodes in groups: those that the links join, directly or through others (union-find)."""
    above = {node: node for node in nodes}

    def top(node: int) -> int:
        while above[node] != node:
            node = above[node]
        return node

    for one, other in links:
        above[top(one)] = top(other)
    groups: dict[int, list[int]] = {}
    for node in above:
        groups.setdefault(top(node), []).append(node)
    return list(groups.values())


class WiredPin(MockPin):  # type: ignore[misc]  # gpiozero ships no types
    """A mock pin whose level is that of its net, whatever it was told.

    Like a SoC's line under the kernel's drivers it has a latch beside its level, and becomes an output at the latched
    level, without a glitch.
    """

    latch = False
    _state: bool

    def output_with_state(self, state: bool) -> None:
        self.latch = bool(state)
        self.function = "output"

    def input_with_pull(self, pull: str) -> None:
        self._check_pull(pull)
        self._pull = pull
        self.function = "input"

    def _set_function(self, value: str) -> None:
        if value not in ("input", "output"):
            raise PinInvalidFunction(f"{value!r} is no function")
        with self._factory.wires.lock:
            self._function = value
            self._tell_wires()

    def _set_state(self, value: bool) -> None:
        if self._function != "output":
            raise PinSetInput(f"{self!r} is an input")
        with self._factory.wires.lock:
            self.latch = bool(value)
            self._tell_wires()

    def _set_pull(self, value: str) -> None:
        self._check_pull(value)
        with self._factory.wires.lock:
            self._pull = value
            self._tell_wires()

    def _tell_wires(self) -> None:
        # What it does to its net: it drives it, or it pulls at it.
        self._factory.wires.does(self, self.latch if self._function == "output" else self._pull)

    def _check_pull(self, value: str) -> None:
        if value not in ("floating", "up", "down"):
            raise PinInvalidPull(f"{value!r} is no pull")
        if self.info.pull not in ("", value):
            raise PinFixedPull(f"{self!r} has a resistor")

    def _change_state(self, value: bool) -> bool:
        # MockPin keeps every state it ever had; a long history of presses would fill the memory.
        before, self._state = self._state, value
        return before != value

    @property
    def high(self) -> bool:
        """Its level."""
        return self._state

    def take(self, level: bool) -> None:
        """Be at that level; an input tells whoever watches it."""
        if self._function == "output":
            self._state = level
        elif level:
            self.drive_high()
        else:
            self.drive_low()


class WiredFactory(MockFactory):  # type: ignore[misc]  # gpiozero ships no types
    """Mock pins that know the wires they are soldered to."""

    def __init__(self, wires: Wires) -> None:
        super().__init__(pin_class=WiredPin)
        self.wires = wires


class Net(NamedTuple):
    """Wires that are one, and what their pins make of them."""

    pins: tuple[WiredPin, ...]
    level: bool | None
    """None: nothing drives or pulls it, it keeps what it had."""
    pulled_up: bool
    """It is high only by a pull-up, and so takes its time."""


class Case(NamedTuple):
    """What follows from which contacts are closed and what each pin does."""

    nets: Sequence[Net]
    levels: Sequence[tuple[WiredPin, bool]]
    """Where all wires rise at once."""
    shorts: int
    """How many nets are driven high and low at once."""


class Wires:
    """A pad at its pins, and the hands that press it.

    Args:
        rows: BCM numbers of the row wires.
        columns: BCM numbers of the column wires.
        rise_s: how long a wire takes to rise when only a pull-up lifts it (a long or wet wire), in seconds.
    """

    def __init__(self, rows: Sequence[int], columns: Sequence[int], rise_s: float = 0.0) -> None:
        self.lock = RLock()
        self.rows = tuple(rows)
        self.columns = tuple(columns)
        self.rise_s = rise_s
        self.now = 1000.0
        self.closed: set[Cell] = set()
        self.grounded: set[int] = set()
        """BCM numbers of wires that touch ground."""
        self.bridges: set[tuple[int, int]] = set()
        """Pairs of wires that touch each other."""
        self.shorts = 0
        """How often a net was driven high and low at once."""
        self.settled = 0
        """How often a pin was touched or a contact moved."""
        self.factory = WiredFactory(self)
        self._hands: list[tuple[float, int, Cell, bool]] = []
        self._order = count()
        self._rises: dict[WiredPin, float] = {}
        self._does: dict[WiredPin, int] = {}
        self._pins: dict[int, WiredPin] = {}
        self._known: dict[object, Case] = {}
        for number in (*rows, *columns):
            self._pins[number] = self.factory.pin(number)
        # A pin that is soldered to no wire of the pad counts for nothing.
        self._places = {pin: len(_DOES) ** place for place, pin in enumerate(self._pins.values())}
        self._doing = 0
        for pin in self._pins.values():
            self.does(pin, pin.pull)

    # --- the hands ------------------------------------------------------------------------------------------------

    def move(self, at: float, cell: Cell, closed: bool) -> None:
        """Plan a contact to close or open ``at`` that time."""
        heapq.heappush(self._hands, (at, next(self._order), cell, closed))

    def press(
        self, cell: Cell, at: float, until: float, bounces: Sequence[float] = (), let_go: Sequence[float] = ()
    ) -> None:
        """Plan a press. ``bounces``, ``let_go``: when, in seconds after the contact closed (opened), it flips again.

        An even number of flips each, so that it ends where it should.
        """
        for start, closed, flips in ((at, True, bounces), (until, False, let_go)):
            assert len(flips) % 2 == 0
            for index, offset in enumerate((0.0, *sorted(flips))):
                self.move(start + offset, cell, closed if index % 2 == 0 else not closed)

    def touch(self, *cells: Cell) -> None:
        """Have exactly these contacts closed, now."""
        with self.lock:
            self.closed = set(cells)
            self.settle()

    # --- time -----------------------------------------------------------------------------------------------------

    def clock(self) -> float:
        """The model's time, in seconds."""
        return self.now

    def wait(self, seconds: float) -> None:
        """Let time pass; contacts move and wires rise when their time comes."""
        until = self.now + seconds
        if self._hands or self._rises:
            while (due := self.next_change()) is not None and due <= until:
                self.advance(due)
        self.now = until

    def next_change(self) -> float | None:
        """When something moves next by itself; None: nothing is planned."""
        hand = self._hands[0][0] if self._hands else None
        if not self._rises:
            return hand
        rise = min(self._rises.values())
        return rise if hand is None else min(rise, hand)

    def advance(self, to: float) -> None:
        """Go on to that time and do what is due."""
        self.now = max(self.now, to)
        while self._hands and self._hands[0][0] <= self.now:
            _, _, cell, closed = heapq.heappop(self._hands)
            (self.closed.add if closed else self.closed.discard)(cell)
            self.settle()
        if any(at <= self.now for at in self._rises.values()):
            self.settle()

    # --- the nets -------------------------------------------------------------------------------------------------

    def does(self, pin: WiredPin, what: bool | str) -> None:
        """A pin drives its net (a level) or pulls at it ("up", "down", "floating")."""
        now = _DOES[what]
        self._doing += (now - self._does.get(pin, 0)) * self._places.get(pin, 0)
        self._does[pin] = now
        self.settle()

    def settle(self) -> None:
        """Find every net's level, and give it to its pins."""
        with self.lock:
            self.settled += 1
            case = self._doing, frozenset(self.closed), frozenset(self.grounded), frozenset(self.bridges)
            known = self._known.get(case)
            if known is None:
                known = self._known[case] = self._nets()
            self.shorts += known.shorts
            for pin, level in self._rising(known.nets) if self.rise_s else known.levels:
                if pin.high is not level:
                    pin.take(level)

    def _nets(self) -> Case:
        """What the nets are now."""
        contacts = [(self.rows[row], self.columns[column]) for row, column in self.closed]
        nets, shorts = [], 0
        for numbers in joined(self._pins, [*contacts, *self.bridges]):
            pins = tuple(self._pins[number] for number in numbers)
            driven = {pin.latch for pin in pins if pin.function == "output"}
            driven |= {False} if self.grounded.intersection(numbers) else set()
            pulls = {pin.pull for pin in pins} - {"floating"}
            shorts += len(driven) > 1
            level = False not in driven if driven else "up" in pulls if pulls else None
            nets.append(Net(pins, level, pulled_up=level is True and not driven))
        levels = [(pin, net.level) for net in nets if net.level is not None for pin in net.pins]
        return Case(nets, levels, shorts)

    def _rising(self, nets: Sequence[Net]) -> Iterator[tuple[WiredPin, bool]]:
        """The pins' levels where wires take their time."""
        for pins, level, pulled_up in nets:
            risen = self._risen(pins, pulled_up)
            if level is not None:
                yield from ((pin, level and risen) for pin in pins)

    def _risen(self, pins: Sequence[WiredPin], pulled_up: bool) -> bool:
        """Whether a net has risen by now, if it is only pulled up; one that is driven rises and falls at once."""
        rising = [self._rises.pop(pin) for pin in pins if pin in self._rises]
        if not pulled_up or all(pin.high for pin in pins):
            return True
        due = max(rising, default=self.now + self.rise_s)
        if due > self.now:
            self._rises.update(dict.fromkeys(pins, due))
        return due <= self.now
