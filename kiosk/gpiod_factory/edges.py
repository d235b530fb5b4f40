"""One thread that sleeps until one of many file descriptors has something, and then calls who waits for it."""

from __future__ import annotations

import os
import select
from collections import deque
from collections.abc import Callable, Iterable
from threading import Lock, Thread, current_thread
from typing import TypeAlias

CLOSE_LIMIT_S = 1.0

Calls: TypeAlias = Iterable[Callable[[], None]]


class EdgeThread:
    """Sleeps in ``poll`` without a limit: while nothing happens it costs nothing.

    An exception of a call ends the thread as it ends any other, shown by ``threading.excepthook``; a successor goes on
    at once with the calls that are still due. So nobody loses an edge by another's mistake.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._collectors: dict[int, Callable[[], Calls]] = {}
        self._due: deque[Callable[[], None]] = deque()
        self._thread: Thread | None = None
        self._bell = -1
        """An eventfd that wakes the thread when what it must watch has changed."""

    def watch(self, fd: int, collect: Callable[[], Calls]) -> None:
        """When ``fd`` is readable, make the calls that ``collect`` returns.

        ``collect`` must take what waits at ``fd``, must not block, and may find nothing.
        """
        with self._lock:
            self._collectors[fd] = collect
            if self._thread is None:
                self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
                self._start(self._bell)
            os.eventfd_write(self._bell, 1)

    def forget(self, fd: int) -> None:
        """Watch ``fd`` no more; before it is closed."""
        with self._lock:
            if self._collectors.pop(fd, None) is not None:
                os.eventfd_write(self._bell, 1)

    def close(self) -> None:
        """End the thread; waits a second at most for a call that is under way."""
        with self._lock:
            thread, self._thread = self._thread, None
            self._collectors.clear()
            if thread is not None:
                os.eventfd_write(self._bell, 1)
        if thread is not None and thread is not current_thread():
            thread.join(CLOSE_LIMIT_S)

    def _start(self, bell: int) -> None:
        self._thread = Thread(target=self._run, args=(bell,), name="edges", daemon=True)
        self._thread.start()

    def _run(self, bell: int) -> None:
        try:
            while self._thread is current_thread():
                self._turn(bell)
        finally:
            with self._lock:
                if self._thread is current_thread():
                    self._start(bell)
                else:
                    os.close(bell)

    def _turn(self, bell: int) -> None:
        """Make the calls that are due, then sleep until there are more."""
        while self._due:
            self._due.popleft()()
        poll = select.poll()
        with self._lock:
            for fd in (bell, *self._collectors):
                poll.register(fd, select.POLLIN)
        for fd, flags in poll.poll():
            if fd == bell:
                os.eventfd_read(bell)
            elif flags & (select.POLLERR | select.POLLHUP):
                self.forget(fd)  # its device is gone, and it would be "ready" for ever
            else:
                self._collect(fd)

    def _collect(self, fd: int) -> None:
        with self._lock:
            collect = self._collectors.get(fd)
        if collect is not None:
            self._due.extend(collect())
