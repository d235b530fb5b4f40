"""One slow device, one thread: order kept, newest screen only, and a death that the loop hears of. Real threads."""

from __future__ import annotations

import threading
from queue import SimpleQueue

import pytest

from kiosk.sale.screens import Screen
from kiosk.worker import Crash, Painter, Worker, start

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
