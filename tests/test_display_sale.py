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
from typing import Final

import luma.core.error
import pytest

from kiosk.config import DisplayConfig
from kiosk.display import REFRESH_S, RETRY_S, SHIFT_S, Panel, picture
from kiosk.ports import Clock
from kiosk.sale.commands import AskPos, Look
from kiosk.sale.events import PaymentState
from kiosk.sale.screens import Screen
from tests.fake_bus import Bus
from tests.panel_story import PanelStory
from tests.story import order, payment

REMOTE_IO: Final = OSError(errno.EREMOTEIO, "Remote I/O error")
ERRORS: Final = (
    REMOTE_IO,
    TimeoutError(errno.ETIMEDOUT, "Connection timed out"),
    luma.core.error.DeviceNotFoundError("I2C device not found on address: 0x3C"),
)

Happening = Callable[["Counted"], None]


class Counted(PanelStory):
    """A counter whose panel's bus is watched."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.transfers = 0
        """Of the whole sale; the end of the program, which is none of it, has more."""
        self.recovered_whole: list[bool] = []
        """At each recovery: whether the first picture was the whole one."""
        super().__init__(self._made)

    def _made(self, clock: Clock) -> Panel:
        self.panel = Panel(DisplayConfig(), clock, self.bus)
        return self.panel

    def show(self, screen: Screen) -> None:
        """Draw it, and look at it where the one before failed."""
        failed_before = self.panel.fault is not None
        super().show(screen)
        if failed_before and self.panel.fault is None:
            self.recovered_whole.append(self.shows_what_a_new_panel_would())

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
    assert story.posted == []
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
