"""A keypad soldered to the electrical model of a pad, without a thread, in the model's own time."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from kiosk.config import KeypadConfig
from kiosk.keypad import Scanner
from kiosk.keypad.matrix import SETTLE_S, Matrix
from kiosk.sale.events import DeviceIs, Key
from kiosk.sim.membrane import Cell, Wires
from tests.hands import Press, Said, Span, Verdict, judged, typing

FULL = KeypadConfig()
NARROW = KeypadConfig(columns=(12, 16, 20), keys=("123", "456", "789", "*0#"))
TALL = KeypadConfig(rows=(5, 6, 13), columns=(12, 16, 20, 21), keys=("1234", "5678", "90*#"))

PASS_S = 8 * SETTLE_S
"""One pass over four rows."""

RISES_S = (0.0, 0.0, SETTLE_S / 4, SETTLE_S * 0.9)
"""How long wires take to rise that are short, or as long as they may be."""


class Desk:
    """A keypad on the model, driven turn by turn without a thread; asleep, it takes turns only when its bell rings.

    ``misses``: asked at each edge that comes while the keypad sleeps; True: the pin factory misses this one.
    """

    def __init__(
        self, settings: KeypadConfig = FULL, rise_s: float = 0.0, misses: Callable[[], bool] = lambda: False
    ) -> None:
        self.settings = settings
        self.wires = Wires(settings.rows, settings.columns, rise_s)
        self.keys: list[Key] = []
        self.times: list[float] = []
        self.reports: list[DeviceIs] = []
        self.turns = 0
        rows, columns = ([self.wires.factory.pin(pin) for pin in side] for side in (settings.rows, settings.columns))
        self.matrix = Matrix(rows, columns, self.wires.wait)
        clock, wait = self.wires.clock, self.wires.wait
        self.scanner = Scanner(self.matrix, settings, self.post, self.reports.append, clock, wait)
        self.matrix.watch(self.ring)
        self.awake = True
        self.misses = misses
        self.deaf: list[Span] = []
        """From an edge that was missed until the keypad was woken by another one."""
        self._missed: float | None = None

    def ring(self, ticks: object, state: object) -> None:
        """An edge, on its way through the pin factory."""
        if not self.scanner.bell.is_set() and self.misses():
            if not self.awake and self._missed is None:
                self._missed = self.wires.now
            return
        if self._missed is not None:
            self.deaf.append((self._missed, self.wires.now))
            self._missed = None
        self.scanner.ring(ticks, state)

    def post(self, key: Key) -> None:
        """What cli's inbox would get."""
        self.keys.append(key)
        self.times.append(self.wires.now)

    def cell(self, key: str) -> Cell:
        """Where that key is."""
        return next((row, keys.index(key)) for row, keys in enumerate(self.settings.keys) if key in keys)

    def run(self, seconds: float) -> None:
        """Let time pass, as the keypad's thread would see it."""
        end = self.wires.now + seconds
        while self.wires.now < end:
            if self.awake:
                self.turns += 1
                self.awake = self.scanner.turn()
            elif self.scanner.bell.is_set():
                self.awake = True
            else:
                due = self.wires.next_change()
                if due is None or due > end:
                    break
                self.wires.advance(due)
        self.wires.wait(max(0.0, end - self.wires.now))

    def type(self, keys: str, each_s: float = 0.1) -> None:
        """Press one key after the other, each for 70 ms of that time, without bounce."""
        for key in keys:
            self.wires.press(self.cell(key), self.wires.now, self.wires.now + 0.07)
            self.run(each_s)

    def hear(self, presses: Sequence[Press]) -> list[Said]:
        """Let those hands press; what the keypad says, and when."""
        for press in presses:
            for at, closed in press.flips():
                self.wires.move(at, press.cell, closed)
        before = len(self.keys)
        self.run(max(press.over for press in presses) + 0.1 - self.wires.now)
        told = zip(self.times[before:], self.keys[before:], strict=True)
        return [(at, self.cell(key.key)) for at, key in told if not key.held]

    def play(self, presses: Sequence[Press]) -> Verdict:
        """Let those hands press, and judge what came of it."""
        said = self.hear(presses)
        missed = [] if self._missed is None else [(self._missed, self.wires.now)]
        return judged(presses, said, [*self.deaf, *missed])

    @property
    def typed(self) -> str:
        """What came, as a text."""
        return "".join(key.key for key in self.keys if not key.held)


def history(seed: int, number: int = 1000, rises_s: Sequence[float] = RISES_S) -> tuple[Verdict, Desk]:
    """So many presses on a pad of some shape, with wires of some length, and perhaps with edges that get lost."""
    draw = random.Random(seed)
    settings = draw.choice((FULL, FULL, NARROW, TALL))
    misses = (lambda: draw.random() < 0.3) if draw.random() < 0.25 else (lambda: False)
    desk = Desk(settings, draw.choice(rises_s), misses)
    desk.run(0.1)
    start = desk.wires.now + draw.random() * 0.01
    return desk.play(typing(draw, len(settings.rows), len(settings.columns), number, start)), desk
