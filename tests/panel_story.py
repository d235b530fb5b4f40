"""A story told to the real loop, whose screens go by the real painter to a panel, each drawn before the story goes on.

Time is the story's: the painter is told never to draw again by itself, and is called when the panel had asked to be.
"""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from typing import Final

from kiosk.ports import Clock, Display
from kiosk.sale.commands import Command, Lane
from kiosk.sale.events import Woken
from kiosk.sale.screens import Screen
from kiosk.worker import Painter
from tests.fake_journal import FakeJournal, Notebook
from tests.loop_story import LoopStory
from tests.story import C

BEGAN: Final = 1000.0
NEVER: Final = float("inf")
SOON_S: Final = 20.0
"""Nobody waits so long: a test that would is broken."""


class Watched:
    """The panel between painter and story: tells when a picture was drawn, and when the next one is due."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self.drawn: SimpleQueue[float | None] = SimpleQueue()

    def draw(self, screen: Screen) -> None:
        """Draw it; the story lets time pass."""
        self.drawn.put(self._display.draw(screen))

    @property
    def gone(self) -> None:
        """Not told to the machine, so that every sale is the same, command for command."""

    def close(self) -> None:
        """The end."""
        self._display.close()


class PanelStory(LoopStory):
    """A counter with a panel, from its boot on."""

    def __init__(self, make: Callable[[Clock], Display]) -> None:
        """``make``: the panel, with the clock that it is to use."""
        self.at = BEGAN
        self.ahead_s = 0.0
        """How much later it is for the panel alone."""
        self.watched = Watched(make(lambda: self.at + self.ahead_s))
        self.posted: list[object] = []
        self.painter = Painter(self.watched, self.posted.append)
        self.due = NEVER
        """When the panel wants to be called again."""
        self.shown = Screen("")
        self.all: list[Command] = []
        """Everything done, from the boot to the last ``take``."""
        super().__init__(FakeJournal(Notebook()), at=BEGAN)

    def show(self, screen: Screen) -> None:
        """The loop's; and the painter's own, when a picture is due again."""
        self.shown = screen
        self.painter.show(screen)
        again_s = self.watched.drawn.get(timeout=SOON_S)
        self.due = NEVER if again_s is None else self.at + again_s

    def wait(self, seconds: float) -> PanelStory:
        """Let time pass, for the machine and for the panel."""
        until = self.at + seconds
        while (then := min(self.counter.wakes_at, self.due)) <= until:
            self.at = max(self.at, then)
            if self.due <= self.at:
                self.show(self.shown)
            if self.counter.wakes_at <= self.at:
                self.feed(Woken())
        self.at = until
        return self

    def wait_for(self, kind: type[C], *, within: float = 700.0, lane: Lane = Lane.FRONT) -> C:
        """Let time pass until the machine asks for that."""
        until = self.at + within
        while not (found := self.open_calls(kind, lane)):
            assert self.counter.wakes_at <= until, f"no {kind.__name__} within {within} s"
            self.wait(max(0.0, self.counter.wakes_at - self.at))
        return found[0]

    def take(self) -> list[Command]:
        """What was done since the last call."""
        done = super().take()
        self.all += done
        return done
