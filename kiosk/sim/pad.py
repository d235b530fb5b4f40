"""The virtual counter's keypad, as the kiosk is wired to it: the real scanner on the electrical model of a pad.

Scan, debounce and the rejection of ghosts are the kiosk's own, and see contacts that close, chatter and stay down. The
pad's time is the model's: it passes while a finger is at the pad, and no faster thing could be done than to let it pass
at once. So a press takes a millisecond instead of a tenth of a second, a jammed key is known to be stuck when its
trouble was switched on, and a test never waits.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

from kiosk.config import KeypadConfig
from kiosk.keypad import Report, Scanner
from kiosk.keypad.matrix import Matrix
from kiosk.keypad.scan import HELD_S, STUCK_S, Cell
from kiosk.sale.events import Key
from kiosk.sim.membrane import Wires

PRESS_S: Final = 0.060
"""How long a finger is on a key, between the bounces; and off it."""
BOUNCE_S: Final = 0.020
"""As long as a bad contact chatters."""
CHATTERS: Final = (2, 4, 8)
"""How often it flips meanwhile."""


class VirtualPad:
    """A pad of 16 keys; used by one thread.

    Args:
        post: called for each key that is heard.
        report: told how the keypad is, at once and whenever that changes.
    """

    def __init__(self, post: Callable[[Key], None], report: Report) -> None:
        self._keys = KeypadConfig()
        self._wires = Wires(self._keys.rows, self._keys.columns)
        pins = self._wires.factory.pin
        matrix = Matrix(
            [pins(row) for row in self._keys.rows], [pins(column) for column in self._keys.columns], self._wires.wait
        )
        self._scanner = Scanner(matrix, self._keys, post, report, self._wires.clock, self._wires.wait)
        matrix.watch(self._scanner.ring)
        self._awake = True
        self._draw = random.Random(0)  # noqa: S311  (a bad contact, not a secret)
        self._jammed = ""
        self.bouncing = False
        """Whether every contact chatters as it closes and as it opens."""
        self._pass(PRESS_S)  # it says how it is, and falls asleep

    def press(self, keys: str, *, held: bool = False) -> None:
        """Press one key after the other; ``held``: the last one for more than a second."""
        for index, key in enumerate(keys):
            stays = held and index == len(keys) - 1
            down = self._wires.now
            up = down + BOUNCE_S + PRESS_S + HELD_S * stays
            if key != self._jammed:
                self._wires.press(self._cell(key), down, up, self._chatter(), self._chatter())
            self._pass(up + BOUNCE_S + PRESS_S - down)

    def jam(self, key: str) -> None:
        """Have this key, and no other, stay down by itself; empty: none. Returns when the keypad knows it to be stuck.

        The world says it with each press, as a new kiosk must be told: once is enough.
        """
        if key == self._jammed:
            return
        if self._jammed:
            self._wires.move(self._wires.now, self._cell(self._jammed), False)
        if key:
            self._wires.move(self._wires.now, self._cell(key), True)
        self._jammed = key
        self._pass(STUCK_S + PRESS_S if key else PRESS_S)

    def _chatter(self) -> list[float]:
        """When a contact flips again, in seconds after it moved: at the latest when its bounce is over."""
        flips = self._draw.choice(CHATTERS) if self.bouncing else 0
        return [self._draw.uniform(0, BOUNCE_S) for _ in range(flips)]

    def _cell(self, key: str) -> Cell:
        return next((row, keys.index(key)) for row, keys in enumerate(self._keys.keys) if key in keys)

    def _pass(self, seconds: float) -> None:
        """Let time pass, as the keypad's thread sees it: asleep until the bell rings, then one turn after the other."""
        until = self._wires.now + seconds
        while self._wires.now < until:
            if self._awake:
                self._awake = self._scanner.turn()
            elif self._scanner.bell.is_set():
                self._awake = True
            else:
                due = self._wires.next_change()
                self._wires.wait((until if due is None else min(due, until)) - self._wires.now)
