"""An electrical model of a key matrix on gpiozero's mock pins, with its own time.

Closed contacts join wires into nets; a net's level follows from all that drives or pulls it. So ghost keys come about
by themselves, two outputs at opposite levels are a short circuit and are counted, contacts bounce, and a long wire
takes its time to rise. gpiozero's own ``MockPin`` is an island: it shows what it was told.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from itertools import count
from threading import RLock

from gpiozero import PinFixedPull, PinInvalidFunction, PinInvalidPull, PinSetInput
from gpiozero.pins.mock import MockFactory, MockPin

Cell = tuple[int, int]


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
            self._factory.wires.settle()

    def _set_state(self, value: bool) -> None:
        if self._function != "output":
            raise PinSetInput(f"{self!r} is an input")
        with self._factory.wires.lock:
            self.latch = bool(value)
            self._factory.wires.settle()

    def _set_pull(self, value: str) -> None:
        self._check_pull(value)
        with self._factory.wires.lock:
            self._pull = value
            self._factory.wires.settle()

    def _check_pull(self, value: str) -> None:
        if value not in ("floating", "up", "down"):
            raise PinInvalidPull(f"{value!r} is no pull")
        if self.info.pull not in ("", value):
            raise PinFixedPull(f"{self!r} has a resistor")

    def _change_state(self, value: bool) -> bool:
        # MockPin keeps every state it ever had; a long history of presses would fill the memory.
        before, self._state = self._state, value
        return before != value

    def take(self, level: bool) -> None:
        """Be at that level; an input tells whoever watches it."""
        if self._function == "output":
            self._change_state(level)
        elif level:
            self.drive_high()
        else:
            self.drive_low()


class WiredFactory(MockFactory):  # type: ignore[misc]  # gpiozero ships no types
    """Mock pins that know the wires they are soldered to."""

    def __init__(self, wires: Wires) -> None:
        super().__init__(pin_class=WiredPin)
        self.wires = wires


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
        self._low_since_driven: set[int] = set()
        self._rises: dict[int, float] = {}
        self._pins: dict[int, WiredPin] = {}
        self._known_nets: dict[tuple[frozenset[Cell], frozenset[tuple[int, int]]], list[list[int]]] = {}
        for number in (*rows, *columns):
            self._pins[number] = self.factory.pin(number)

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
        while (due := self.next_change()) is not None and due <= until:
            self.advance(due)
        self.now = until

    def next_change(self) -> float | None:
        """When something moves next by itself; None: nothing is planned."""
        times = [*self._rises.values(), *(self._hands[0][:1] if self._hands else ())]
        return min(times) if times else None

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

    def settle(self) -> None:
        """Find every net's level, and give it to its pins."""
        with self.lock:
            self.settled += 1
            for net in self._nets(frozenset(self.closed), frozenset(self.bridges)):
                level = self._level(net)
                for number in net:
                    if level is not None:
                        self._pins[number].take(level)

    def _nets(self, closed: frozenset[Cell], bridges: frozenset[tuple[int, int]]) -> list[list[int]]:
        """Which wires are one; remembered, since hands are slow and scans are many."""
        key = closed, bridges
        if key not in self._known_nets:
            contacts = [(self.rows[row], self.columns[column]) for row, column in closed]
            self._known_nets[key] = joined(self._pins, [*contacts, *bridges])
        return self._known_nets[key]

    def _level(self, net: list[int]) -> bool | None:
        """A net's level; None: nothing drives or pulls it, it keeps what it had."""
        pins = [self._pins[number] for number in net]
        driven = {pin.latch for pin in pins if pin.function == "output"}
        driven |= {False} if self.grounded & set(net) else set()
        if driven:
            self.shorts += len(driven) > 1
            return self._driven(net, False not in driven)
        pulls = {pin.pull for pin in pins} - {"floating"}
        if not pulls:
            return None
        return self._rising(net) if "up" in pulls else False

    def _driven(self, net: list[int], level: bool) -> bool:
        for number in net:
            self._rises.pop(number, None)
            (self._low_since_driven.discard if level else self._low_since_driven.add)(number)
        return level

    def _rising(self, net: list[int]) -> bool:
        """Whether a net that is only pulled up has risen by now."""
        for number in self._low_since_driven.intersection(net):
            self._low_since_driven.discard(number)
            self._rises[number] = self.now + self.rise_s
        for number in net:
            if self._rises.get(number, self.now) <= self.now:
                self._rises.pop(number, None)
        return not any(number in self._rises for number in net)
