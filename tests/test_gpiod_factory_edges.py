"""The thread that sleeps until a file descriptor has something: with real descriptors."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Iterator
from functools import partial
from threading import ExceptHookArgs

import pytest

from kiosk.gpiod_factory.edges import Calls, EdgeThread

LIMIT_S = 20.0
"""Longer than anything here takes; a test that waits so long has failed."""


class Bell:
    """A descriptor to ring, and what the thread made of it."""

    def __init__(self) -> None:
        self.fd = os.eventfd(0, os.EFD_NONBLOCK)
        self.calls: queue.Queue[str] = queue.Queue()

    def collect(self) -> Calls:
        """Take what waits: a call for each ring."""
        return [partial(self.calls.put, "rung")] * os.eventfd_read(self.fd)

    def ring(self, times: int = 1) -> None:
        """Make it readable."""
        os.eventfd_write(self.fd, times)

    def rung(self) -> str:
        """Wait for the call."""
        return self.calls.get(timeout=LIMIT_S)


@pytest.fixture
def bells() -> Iterator[list[Bell]]:
    """Two descriptors."""
    made = [Bell(), Bell()]
    yield made
    for bell in made:
        os.close(bell.fd)


@pytest.fixture
def edges() -> Iterator[EdgeThread]:
    """The thread under test, ended afterwards."""
    thread = EdgeThread()
    yield thread
    thread.close()
    assert not [thread.name for thread in threading.enumerate() if thread.name == "edges"]


def test_each_descriptor_calls_its_own(edges: EdgeThread, bells: list[Bell]) -> None:
    """One that was there from the start, and one that came while the thread slept."""
    one, other = bells
    edges.watch(one.fd, one.collect)
    one.ring()
    assert one.rung() == "rung"
    edges.watch(other.fd, other.collect)
    other.ring(2)
    assert [other.rung(), other.rung()] == ["rung", "rung"]
    assert one.calls.empty()


def test_there_is_one_thread_for_all_and_none_before_it_is_needed(bells: list[Bell]) -> None:
    """Watching nothing costs nothing."""
    edges = EdgeThread()
    before = threading.active_count()
    edges.close()
    for bell in bells:
        edges.watch(bell.fd, bell.collect)
    assert threading.active_count() == before + 1
    edges.close()
    assert threading.active_count() == before


def test_a_forgotten_descriptor_calls_nobody(edges: EdgeThread, bells: list[Bell]) -> None:
    """Its twin is still served; and it is itself again, once it is watched again."""
    one, other = bells
    edges.watch(one.fd, one.collect)
    edges.watch(other.fd, other.collect)
    edges.forget(one.fd)
    one.ring()
    other.ring()
    assert other.rung() == "rung"
    assert one.calls.empty()
    edges.watch(one.fd, one.collect)
    assert one.rung() == "rung"


def test_an_exception_of_one_call_takes_nobody_elses_away(
    edges: EdgeThread, bells: list[Bell], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is shown as any thread's; the calls due behind it are made, and so are all later ones."""
    shown: queue.Queue[ExceptHookArgs] = queue.Queue()
    monkeypatch.setattr(threading, "excepthook", shown.put)
    one, other = bells

    def broken() -> None:
        raise ValueError("a customer's callback")

    def collect() -> Calls:
        return [broken, *one.collect()]

    edges.watch(one.fd, collect)
    edges.watch(other.fd, other.collect)
    for _ in range(3):
        one.ring()
        assert one.rung() == "rung"
        assert str(shown.get(timeout=LIMIT_S).exc_value) == "a customer's callback"
        other.ring()
        assert other.rung() == "rung"


def test_a_descriptor_whose_device_is_gone_is_given_up(edges: EdgeThread, bells: list[Bell]) -> None:
    """A hung-up line is "ready" for ever: the thread must not spin on it, nor ask it for edges."""
    asked: list[str] = []

    def collect() -> Calls:
        asked.append("asked")
        return []

    reader, writer = os.pipe()
    edges.watch(reader, collect)
    os.close(writer)
    for _ in range(2):  # the second ring is served by a later poll than the one that saw the hang-up
        edges.watch(bells[0].fd, bells[0].collect)
        bells[0].ring()
        assert bells[0].rung() == "rung"
    os.close(reader)
    again, writer = os.pipe()
    assert again == reader, "the system gives the lowest free number"
    os.write(writer, b"!")
    bells[0].ring()
    assert bells[0].rung() == "rung"
    assert asked == []
    os.close(again)
    os.close(writer)


def test_close_may_come_from_a_call_and_more_than_once(bells: list[Bell]) -> None:
    """A callback that closes everything does not wait for itself."""
    edges = EdgeThread()
    done = threading.Event()

    def collect() -> Calls:
        return [*bells[0].collect(), edges.close, done.set]

    edges.watch(bells[0].fd, collect)
    bells[0].ring()
    assert done.wait(LIMIT_S)
    edges.close()


def test_after_close_nobody_is_called(bells: list[Bell]) -> None:
    """What rings later rings in vain."""
    edges = EdgeThread()
    edges.watch(bells[0].fd, bells[0].collect)
    edges.close()
    bells[0].ring()
    assert bells[0].calls.empty()
    edges.forget(bells[0].fd)
