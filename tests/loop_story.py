"""A story told to the real loop over a real journal, in one thread and under the test's own time.

``Story`` plays the loop; here the loop plays itself, and only the far ends are the test's. The journal is whatever is
given: a file whose disk is recorded, or one whose process is killed.
"""

from __future__ import annotations

from queue import SimpleQueue

from kiosk.loop import Loop
from kiosk.ports import Journal
from kiosk.sale.commands import AskPos, AskPrinter, Command, Lane, PaymentCall, Print, Sound, Tune
from kiosk.sale.counter import Counter
from kiosk.sale.events import Event, Holds, PosOrder, Woken
from kiosk.sale.lights import Lights
from kiosk.sale.records import Entry, Sale
from kiosk.sale.screens import Screen
from kiosk.sale.shop import Shop
from kiosk.supervisors import Supervisors
from tests.story import EPOCH, SHOP, Asked, Story


class _Service:
    """Nobody listens."""

    watchdog_s: float | None = None

    def ready(self) -> None: ...
    def status(self, text: str) -> None: ...
    def alive(self) -> None: ...
    def stopping(self) -> None: ...
    def log(self, entry: Entry) -> None: ...


class LoopStory(Story):
    """One life of a counter: the loop, the machine and the journal are the real ones.

    ``life`` counts the starts on one journal, so that no reference is made twice (R1).
    """

    def __init__(self, journal: Journal, *, shop: Shop = SHOP, at: float = 1000.0, life: int = 0) -> None:
        self.book = journal
        self.life = life
        super().__init__(shop, at=at)

    def _boot(self) -> Counter:
        self._ids += 1000 * self.life
        self.inbox: SimpleQueue[object] = SimpleQueue()
        self.loop = Loop(
            self.shop,
            self.book,
            self,
            _Service(),
            self.inbox,
            supervisors=Supervisors(()),
            clock=lambda: self.at,
            wall=lambda: EPOCH + self.at - 7.0,
            new_id=self._new_id,
        )
        self.feed(Woken())
        return self.loop.counter

    def feed(self, event: Event) -> LoopStory:
        """One event; the loop does what follows."""
        self.loop.feed(event)
        self.counter = self.loop.counter
        return self

    def holds(self, reference: str, cents: int | None = 2500, *, known: Sale | None = None) -> LoopStory:
        """The POS holds an order; the loop looks its reference up in the journal."""
        self.answer(Holds, AskPos, order=PosOrder(reference, cents))
        return self

    # --- the loop's far ends --------------------------------------------------------------------------------------

    def call(self, lane: Lane, call: PaymentCall) -> None:
        """Ask the provider: the test answers."""
        self._did(call)
        self.asked.append(Asked(call))

    def print(self, command: Print | AskPrinter) -> None:
        """Print: the test says how it went."""
        self._did(command)
        if isinstance(command, Print):
            self.jobs.append(command)

    def show(self, screen: Screen) -> None:
        """The panel: ``screen`` draws it when asked."""

    def play(self, tune: Tune) -> None:
        """A sound."""
        self._did(Sound(tune))

    def light(self, lights: Lights) -> None:
        """Nobody sees."""

    def _did(self, command: Command) -> None:
        self.done.append(command)
