"""L9, the panel's part: a whole sale over a bus that fails at every transfer in turn.

The loop, the machine, the painter and the adapter are the real ones; provider, printer, time and the bus are the
test's, and so is the controller at its end, which knows nothing of the code that fills it. Whatever fails, the sale is
the same sale, command for command, and the panel shows afterwards what a new one would.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from functools import cache
from itertools import cycle
from queue import SimpleQueue
from typing import Final

import luma.core.error
import pytest

from kiosk.config import DisplayConfig
from kiosk.display import REFRESH_S, RETRY_S, SHIFT_S, Panel, picture
from kiosk.sale.commands import AskPos, Command, Lane, Look
from kiosk.sale.events import PaymentState, Woken
from kiosk.sale.screens import Screen
from kiosk.worker import Crash, Painter
from tests.fake_bus import Bus
from tests.fake_journal import FakeJournal, Notebook
from tests.loop_story import LoopStory
from tests.story import C, order, payment

BEGAN: Final = 1000.0
SOON_S: Final = 20.0
"""Nobody waits so long: a test that would is broken."""
REMOTE_IO: Final = OSError(errno.EREMOTEIO, "Remote I/O error")
ERRORS: Final = (
    REMOTE_IO,
    TimeoutError(errno.ETIMEDOUT, "Connection timed out"),
    luma.core.error.DeviceNotFoundError("I2C device not found on address: 0x3C"),
)

Happening = Callable[["Counted"], None]


class Watched:
    """The panel between painter and test: tells when a picture was drawn; it is the test that lets time pass."""

    def __init__(self, panel: Panel) -> None:
        self.panel = panel
        self.drawn: SimpleQueue[float | None] = SimpleQueue()

    def draw(self, screen: Screen) -> None:
        self.drawn.put(self.panel.draw(screen))

    def close(self) -> None:
        self.panel.close()


class Counted(LoopStory):
    """A sale at a counter with a panel; each of its pictures is drawn before the story goes on."""

    def __init__(self, bus: Bus) -> None:
        self.at = BEGAN
        self.bus = bus
        self.panel = Panel(DisplayConfig(), lambda: self.at, bus)
        self.watched = Watched(self.panel)
        self.crashes: list[Crash] = []
        self.painter = Painter(self.watched, self.crashes.append)
        self.due = float("inf")
        self.recovered_whole: list[bool] = []
        """At each recovery: whether the first picture was the whole one."""
        self.all: list[Command] = []
        self.transfers = 0
        """Of the whole sale; the end of the program, which is none of it, has more."""
        self.shown = Screen("")
        super().__init__(FakeJournal(Notebook()), at=BEGAN)

    def show(self, screen: Screen) -> None:
        """The loop's, or the painter's own when a picture is due again."""
        self.shown, failed_before = screen, self.panel.fault is not None
        self.painter.show(screen)
        again_s = self.watched.drawn.get(timeout=SOON_S)
        if failed_before and self.panel.fault is None:
            self.recovered_whole.append(self.shows_what_a_new_panel_would())
        self.due = float("inf") if again_s is None else self.at + again_s

    def wait(self, seconds: float) -> Counted:
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
            assert self.counter.wakes_at <= until
            self.wait(max(0.0, self.counter.wakes_at - self.at))
        return found[0]

    def take(self) -> list[Command]:
        """What was done since the last call."""
        done = super().take()
        self.all += done
        return done

    def shows_what_a_new_panel_would(self) -> bool:
        """Dot by dot, wherever the picture's small moves have brought it by now."""
        shown = self.bus.oled.image().tobytes()
        return any(dots_of_a_new_one(self.shown, self.at, place) == shown for place in range(len(picture.SHIFTS)))


@cache
def dots_of_a_new_one(screen: Screen, at: float, place: int) -> bytes:
    """What a panel shows that is switched on now, at that place of the small moves."""
    now, bus = [at - place * SHIFT_S], Bus()
    panel = Panel(DisplayConfig(), lambda: now[0], bus)
    now[0] = at
    panel.draw(screen)
    return bus.oled.image().tobytes()


def a_sale(bus: Bus, in_the_middle: Happening = lambda _: None, *, whole_at_the_end: bool = True) -> Counted:
    """From boot to ready again: typed, rejected once, paid, printed, left. At the end the picture is whole."""
    story = Counted(bus)
    story.ready()
    story.keys("2500#").free().placed()
    story.wait_for(Look)
    story.seen(order(story.sale, payment(state=PaymentState.REJECTED), complete=False))
    story.wait(1.0)
    in_the_middle(story)
    story.paid()
    story.wait(1.5)
    story.printed().wait(2.0)
    if story.open_calls(AskPos):
        story.free()
    story.keys("#").wait(sum(RETRY_S))
    story.take()
    assert story.public == "idle"
    assert story.shows_what_a_new_panel_would() == whole_at_the_end
    story.transfers = bus.transfers
    story.painter.close()
    assert story.crashes == []
    return story


@pytest.fixture(scope="module")
def well() -> Counted:
    """The sale as it goes with a good panel."""
    return a_sale(Bus())


def with_a_failure(at: int, error: Exception, *, dark: bool) -> Counted:
    """``dark``: the panel forgets everything with it."""
    bus = Bus()
    bus.fail_at, bus.error, bus.fails_dark = at, error, dark
    story = a_sale(bus)
    assert story.recovered_whole == [True]
    return story


def is_the_same_sale(story: Counted, as_this: Counted) -> bool:
    return story.all == as_this.all and story.shown == as_this.shown


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_each_kind_of_error_leaves_the_sale_and_a_whole_picture(error: Exception, well: Counted) -> None:
    """The quick round: some transfers."""
    for at in range(0, well.transfers, 20):
        assert is_the_same_sale(with_a_failure(at, error, dark=True), well), f"transfer {at}"


@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True], ids=["", "dark"])
def test_a_failure_at_every_transfer_in_turn_leaves_the_sale_and_a_whole_picture(well: Counted, dark: bool) -> None:
    assert well.transfers > 100
    for at, error in zip(range(well.transfers), cycle(ERRORS), strict=False):
        assert is_the_same_sale(with_a_failure(at, error, dark=dark), well), f"transfer {at}: {error!r}"


def test_a_panel_pulled_in_the_middle_and_plugged_in_again_gets_its_whole_picture(well: Counted) -> None:
    """It has lost its memory meanwhile."""

    def pull_and_plug(story: Counted) -> None:
        bus = story.bus
        bus.plugged = False
        story.wait(5.0)
        assert story.panel.fault is not None
        bus.oled.reset()
        bus.plugged = True
        bus.forget()
        story.wait(RETRY_S[-1] + 0.25)  # between two seconds
        assert bus.bytes > 1024, "all of it travels again"
        assert story.shows_what_a_new_panel_would()

    a_sale(Bus(), pull_and_plug)


def test_a_panel_plugged_in_again_before_anybody_noticed_is_whole_within_the_refresh() -> None:
    """No transfer fails; but it is dark."""

    def lose_its_memory(story: Counted) -> None:
        story.bus.oled.reset()
        assert not story.shows_what_a_new_panel_would()
        story.wait(REFRESH_S + 0.25)  # between two seconds
        assert story.shows_what_a_new_panel_would()

    a_sale(Bus(), lose_its_memory)


def test_a_panel_that_is_never_there_changes_nothing_in_a_sale(well: Counted) -> None:
    bus = Bus()
    bus.plugged = False
    story = a_sale(bus, whole_at_the_end=False)
    assert is_the_same_sale(story, well)
    assert story.panel.fault == str(bus.error)
