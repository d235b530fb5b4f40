"""One slow device, one thread: order kept, newest screen only, and a death that the loop hears of. Real threads."""

from __future__ import annotations

import threading
from queue import SimpleQueue

import pytest

from kiosk.sale import events
from kiosk.sale.commands import Tune
from kiosk.sale.events import DeviceIs
from kiosk.sale.lights import PAID, Lights
from kiosk.sale.screens import Screen
from kiosk.worker import Crash, Painter, Player, Worker, start

SOON_S = 20.0
"""Nobody waits so long: a test that would is broken."""


def taken(inbox: SimpleQueue[object]) -> object:
    return inbox.get(timeout=SOON_S)


def waits(event: threading.Event) -> None:
    assert event.wait(SOON_S)


class Device:
    """Does what it is told, as far as it is let; remembers what it did, and in which thread."""

    def __init__(self, *, stuck: bool = False) -> None:
        self.did: list[str] = []
        self.threads: set[str] = {threading.current_thread().name}
        self.began = threading.Event()
        self.let_go = threading.Event()
        if not stuck:
            self.let_go.set()

    def carry_out(self, command: str) -> str | None:
        self.threads.add(threading.current_thread().name)
        self.began.set()
        assert self.let_go.wait(SOON_S)
        self.did.append(command)
        if command == "break":
            raise ZeroDivisionError("a fault")
        return None if command == "quietly" else f"done {command}"

    def close(self) -> None:
        self.threads.add(threading.current_thread().name)
        self.did.append("close")


class Workshop:
    """A worker, its device once it was made, and the loop's inbox."""

    def __init__(self, *, stuck: bool = False) -> None:
        self.inbox: SimpleQueue[object] = SimpleQueue()
        self.made = threading.Event()
        self.device: Device | None = None
        self._stuck = stuck
        self.worker: Worker[str] = Worker("printer", self._make, self.inbox.put)

    def _make(self) -> Device:
        self.device = Device(stuck=self._stuck)
        self.made.set()
        return self.device

    def opened(self) -> Device:
        waits(self.made)
        assert self.device is not None
        return self.device


# --- commands ---------------------------------------------------------------------------------------------------------


def test_commands_are_carried_out_one_after_the_other_and_what_came_of_them_is_posted() -> None:
    shop = Workshop()
    for command in ("a", "b", "c"):
        shop.worker.do(command)
    assert [taken(shop.inbox) for _ in range(3)] == ["done a", "done b", "done c"]
    shop.worker.finish()
    shop.worker.join()
    assert shop.opened().did == ["a", "b", "c", "close"]


def test_what_comes_to_nothing_is_not_posted() -> None:
    shop = Workshop()
    shop.worker.do("quietly")
    shop.worker.do("a")
    shop.worker.finish()
    shop.worker.join()
    assert taken(shop.inbox) == "done a"
    assert shop.inbox.empty()


def test_the_device_is_made_used_and_closed_in_the_workers_own_thread() -> None:
    """A library that takes long to load holds nobody up."""
    shop = Workshop()
    shop.worker.do("a")
    shop.worker.finish()
    shop.worker.join()
    assert shop.opened().threads == {"printer"}


def test_a_command_returns_at_once_though_the_device_is_stuck() -> None:
    shop = Workshop(stuck=True)
    for command in ("a", "b", "c"):
        shop.worker.do(command)
    assert shop.opened().did == []
    assert shop.inbox.empty()
    shop.opened().let_go.set()
    assert taken(shop.inbox) == "done a"
    shop.worker.finish()
    shop.worker.join()


def test_closing_waits_for_what_is_queued() -> None:
    shop = Workshop(stuck=True)
    shop.worker.do("a")
    shop.worker.do("b")
    waits(shop.opened().began)
    shop.opened().let_go.set()
    shop.worker.finish()
    shop.worker.join()
    assert shop.opened().did == ["a", "b", "close"]


@pytest.mark.slow
def test_closing_leaves_a_device_that_hangs_behind() -> None:
    """The end of the program is bounded (two seconds a worker); the thread is a daemon and dies with the process."""
    shop = Workshop(stuck=True)
    shop.worker.do("a")
    waits(shop.opened().began)
    shop.worker.finish()
    shop.worker.join()
    assert shop.opened().did == []
    [left] = [thread for thread in threading.enumerate() if thread.name == "printer"]
    assert left.daemon
    shop.opened().let_go.set()
    left.join(SOON_S)
    assert shop.opened().did == ["a", "close"]


# --- death ------------------------------------------------------------------------------------------------------------


def test_a_worker_that_dies_posts_its_crash_and_lets_the_device_go() -> None:
    """What came before is posted, what comes after is not done: the program ends, and starts again."""
    shop = Workshop()
    for command in ("a", "break", "b"):
        shop.worker.do(command)
    assert taken(shop.inbox) == "done a"
    crash = taken(shop.inbox)
    assert isinstance(crash, Crash)
    assert (crash.worker, repr(crash.error)) == ("printer", "ZeroDivisionError('a fault')")
    shop.worker.finish()
    shop.worker.join()
    assert shop.opened().did == ["a", "break", "close"]
    assert shop.inbox.empty()


def test_a_device_that_cannot_be_made_is_a_crash() -> None:
    inbox: SimpleQueue[object] = SimpleQueue()

    def broken() -> Device:
        raise ImportError("a library is missing")

    worker = Worker("sound", broken, inbox.put)
    crash = taken(inbox)
    assert isinstance(crash, Crash)
    assert (crash.worker, str(crash.error)) == ("sound", "a library is missing")
    worker.do("a")
    worker.finish()
    worker.join()
    assert inbox.empty()


def test_a_thread_that_ends_well_posts_nothing() -> None:
    inbox: SimpleQueue[object] = SimpleQueue()
    start("well", lambda: None, inbox.put).join(SOON_S)
    assert inbox.empty()


# --- screens ----------------------------------------------------------------------------------------------------------


class Panel:
    """A panel that draws each picture when the test lets it."""

    def __init__(self, again_s: float | None = None) -> None:
        self.drawn: list[str] = []
        self.closed = threading.Event()
        self.arrived: SimpleQueue[object] = SimpleQueue()
        self.gate = threading.Semaphore(0)
        self.again_s = again_s
        self.gone: str | None = None

    def draw(self, screen: Screen) -> float | None:
        self.arrived.put(screen.head)
        assert self.gate.acquire(timeout=SOON_S)
        self.drawn.append(screen.head)
        if screen.head == "break":
            raise ZeroDivisionError("a fault")
        return self.again_s

    def close(self) -> None:
        self.closed.set()


def painted(panel: Panel) -> tuple[Painter, SimpleQueue[object]]:
    inbox: SimpleQueue[object] = SimpleQueue()
    return Painter(panel, inbox.put), inbox


def test_only_the_newest_screen_is_drawn() -> None:
    """Those that came while the panel was busy are skipped."""
    panel = Panel()
    painter, _ = painted(panel)
    painter.show(Screen("one"))
    assert taken(panel.arrived) == "one"
    for name in ("two", "three", "four"):
        painter.show(Screen(name))
    panel.gate.release(2)
    assert taken(panel.arrived) == "four"
    painter.close()
    assert panel.drawn == ["one", "four"]


def test_the_first_screen_is_told_when_it_was_drawn_and_no_earlier() -> None:
    panel = Panel()
    painter, _ = painted(panel)
    painter.show(Screen("one"))
    taken(panel.arrived)
    assert not painter.first.is_set()
    panel.gate.release()
    waits(painter.first)
    painter.close()


def test_a_screen_that_counts_is_drawn_again_by_itself() -> None:
    """After the time that the panel named, without anybody's word; one that does not count is not."""
    panel = Panel(again_s=0.001)
    painter, _ = painted(panel)
    painter.show(Screen("counting"))
    panel.gate.release(3)
    assert [taken(panel.arrived) for _ in range(3)] == ["counting"] * 3
    panel.again_s = None
    panel.gate.release(2)
    painter.show(Screen("still"))
    while taken(panel.arrived) != "still":
        pass
    painter.close()
    assert panel.drawn[-1] == "still"
    assert panel.arrived.empty()


def test_a_panel_that_is_gone_is_told_once_and_once_when_it_is_back() -> None:
    """What is not known, or is said again in other words, is no news."""
    panel = Panel()
    painter, inbox = painted(panel)
    for gone in (None, "", None, "no answer", "no answer at all", ""):
        panel.gone = gone
        painter.show(Screen(str(gone)))
        taken(panel.arrived)
        panel.gate.release()
        while len(panel.drawn) < 1 or panel.drawn[-1] != str(gone):
            pass
        painter.show(Screen("settle"))
        taken(panel.arrived)
        panel.gate.release()
    painter.close()
    told = [inbox.get_nowait() for _ in range(inbox.qsize())]
    assert [bool(event.faults) for event in told if isinstance(event, DeviceIs)] == [False, True, False]
    assert len(told) == 3
    assert isinstance(told[1], DeviceIs)
    assert (told[1].device, told[1].faults[0].text) == (events.Device.PANEL, "the display is gone: no answer")


def test_closing_draws_what_was_shown_last_and_then_lets_the_panel_go() -> None:
    """So the words that stand there while no kiosk runs are the last ones."""
    panel = Panel()
    panel.gate.release(9)
    painter, _ = painted(panel)
    painter.show(Screen("one"))
    painter.show(Screen("stopped"))
    painter.close()
    assert panel.drawn[-1] == "stopped"
    assert panel.closed.is_set()


def test_closing_before_anything_was_shown_draws_nothing() -> None:
    panel = Panel()
    painter, _ = painted(panel)
    painter.close()
    assert panel.drawn == []
    assert panel.closed.is_set()
    assert not painter.first.is_set()


def test_a_panel_that_breaks_the_program_is_a_crash() -> None:
    """The adapter lets no error of its library out; one that comes out all the same must not go unheard."""
    panel = Panel()
    panel.gate.release(9)
    painter, inbox = painted(panel)
    painter.show(Screen("break"))
    crash = taken(inbox)
    assert isinstance(crash, Crash)
    assert crash.worker == "display"
    painter.close()


@pytest.mark.slow
def test_closing_leaves_a_panel_that_hangs_behind() -> None:
    panel = Panel()
    painter, _ = painted(panel)
    painter.show(Screen("one"))
    taken(panel.arrived)
    painter.close()
    assert not panel.closed.is_set()
    panel.gate.release(9)
    waits(panel.closed)


# --- sounds and lights ------------------------------------------------------------------------------------------------


class Band:
    """Sounds and lights that say what they are told; a beat is due while ``again`` has some."""

    def __init__(self) -> None:
        self.did: SimpleQueue[object] = SimpleQueue()
        self.faults: tuple[str, ...] | None = None
        self.again: list[float | None] = []

    def play(self, tune: Tune) -> None:
        self.did.put(tune)
        if tune is Tune.REJECTED:
            raise ZeroDivisionError("a fault")

    def light(self, lights: Lights) -> None:
        self.did.put(lights)

    def beat(self) -> float | None:
        self.did.put("beat")
        return self.again.pop() if self.again else None

    def close(self) -> None:
        self.did.put("close")


def playing(band: Band) -> tuple[Player, SimpleQueue[object]]:
    inbox: SimpleQueue[object] = SimpleQueue()
    return Player(lambda: band, inbox.put), inbox


def test_what_is_played_and_lit_is_done_at_once_and_each_is_followed_by_a_beat() -> None:
    band = Band()
    player, inbox = playing(band)
    player.play(Tune.PAID)
    player.light(PAID)
    player.finish()
    player.join()
    done = [band.did.get_nowait() for _ in range(band.did.qsize())]
    assert [did for did in done if did != "beat"] == [Tune.PAID, PAID, "close"]
    assert all(done[done.index(asked) + 1] == "beat" for asked in (Tune.PAID, PAID))
    assert inbox.empty(), "where there are none, nothing is told of them"


def test_a_beat_that_is_due_comes_by_itself_and_then_nobody_wakes() -> None:
    band = Band()
    band.again = [None, 0.001, 0.001]
    player, _ = playing(band)
    assert [taken(band.did) for _ in range(3)] == ["beat"] * 3
    player.light(PAID)
    assert [taken(band.did), taken(band.did)] == [PAID, "beat"]
    player.finish()
    player.join()
    assert taken(band.did) == "close"
    assert band.did.empty()


def test_faults_of_sounds_and_lights_are_told_when_they_change() -> None:
    band = Band()
    band.faults = ()
    player, inbox = playing(band)
    assert taken(inbox) == DeviceIs(events.Device.SOUND)
    band.faults = ("the buzzer at GPIO18 does not work",)
    player.play(Tune.CLICK)
    told = taken(inbox)
    assert isinstance(told, DeviceIs)
    assert [fault.text for fault in told.faults] == ["the buzzer at GPIO18 does not work"]
    player.play(Tune.CLICK)
    player.finish()
    player.join()
    assert inbox.empty()


def test_a_player_that_breaks_the_program_is_a_crash() -> None:
    band = Band()
    player, inbox = playing(band)
    player.play(Tune.REJECTED)
    crash = taken(inbox)
    assert isinstance(crash, Crash)
    assert crash.worker == "sound"
    player.join()
