"""One slow device, one thread.

Every device that can block has a thread of its own, so that none of them stops, delays or confuses a sale (L9). The
only broad ``except`` of the program is here: a worker that dies posts its crash, the loop ends the program, the
service manager starts it again, and ``resume`` goes on where it was.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Generic, Protocol, TypeVar

from kiosk.ports import Display, Sounds
from kiosk.sale.commands import Tune
from kiosk.sale.events import Device, DeviceIs, Fault, Ill
from kiosk.sale.lights import Lights
from kiosk.sale.screens import Screen

C = TypeVar("C", contravariant=True)
JOIN_S = 2.0
"""How long the end of the program waits for a worker; a device that hangs is left behind."""


@dataclass(frozen=True, slots=True)
class Crash:
    """A worker died of an exception that nobody expected."""

    worker: str
    error: Exception


def _run(name: str, body: Callable[[], None], post: Callable[[Crash], None]) -> None:
    try:
        body()
    except Exception as error:  # noqa: BLE001  (the one broad except: whatever it is, the loop must hear of it)
        post(Crash(name, error))


def start(name: str, body: Callable[[], None], post: Callable[[Crash], None]) -> threading.Thread:
    """Run ``body`` in a daemon thread; an exception out of it is posted as a ``Crash``."""
    thread = threading.Thread(target=_run, args=(name, body, post), name=name, daemon=True)
    thread.start()
    return thread


class Tool(Protocol[C]):
    """A device as its worker uses it."""

    def carry_out(self, command: C) -> object:
        """Do it; what comes of it is posted, unless it is None."""
        ...

    def close(self) -> None:
        """Let go of the device."""
        ...


class Worker(Generic[C]):
    """Carries out commands one after the other, and posts what came of them.

    ``make`` opens the device, in the worker's own thread: libraries that take long to load do not hold up the start.
    """

    def __init__(self, name: str, make: Callable[[], Tool[C]], post: Callable[[object], None]) -> None:
        self._make = make
        self._post = post
        self._commands: SimpleQueue[C | None] = SimpleQueue()
        self._thread = start(name, self._work, post)

    def do(self, command: C) -> None:
        """Queue a command; returns at once."""
        self._commands.put(command)

    def finish(self) -> None:
        """Let it end after what is queued; returns at once."""
        self._commands.put(None)

    def join(self, within_s: float = JOIN_S) -> None:
        """Wait for its end, so long at most; a device that hangs is left behind."""
        self._thread.join(within_s)

    def _work(self) -> None:
        with closing(self._make()) as tool:
            while (command := self._commands.get()) is not None:
                event = tool.carry_out(command)
                if event is not None:
                    self._post(event)


class Painter:
    """Shows the newest screen, and keeps its counting seconds right. Screens it had no time for are skipped.

    Posts a ``DeviceIs`` when the panel is gone, and when it is back.
    """

    def __init__(self, display: Display, post: Callable[[object], None]) -> None:
        self._display = display
        self._post = post
        self._told: str | None = None
        self._changed = threading.Condition()
        self._screen: Screen | None = None
        self._fresh = False
        self._closing = False
        self.first = threading.Event()
        """Set when the first screen was handed to the panel."""
        self._thread = start("display", self._paint, post)

    def show(self, screen: Screen) -> None:
        """Show this from now on; returns at once."""
        with self._changed:
            self._screen, self._fresh = screen, True
            self._changed.notify()

    def close(self) -> None:
        """Draw what was shown last, then leave the panel as it is; waits a bounded time."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(JOIN_S)

    def _paint(self) -> None:
        again_s: float | None = None
        while True:
            with self._changed:
                if not self._fresh and not self._closing:
                    self._changed.wait(again_s)
                screen, fresh, self._fresh = self._screen, self._fresh, False
                closing = self._closing and not fresh
            if closing:
                self._display.close()
                return
            if screen is not None:
                again_s = self._display.draw(screen)
                self.first.set()
                self._tell(self._display.gone)

    def _tell(self, gone: str | None) -> None:
        if gone is not None and (self._told is None or bool(gone) is not bool(self._told)):
            self._told = gone
            self._post(DeviceIs(Device.PANEL, (Fault(Ill.DEAD, f"the display is gone: {gone}"),) if gone else ()))


class Player:
    """Plays one tune after the other, and keeps the time of tunes and lights; asleep while none of them changes.

    Posts a ``DeviceIs`` when buzzer and lights are open, and when one of them fails. ``make`` opens them, in this
    thread.
    """

    def __init__(self, make: Callable[[], Sounds], post: Callable[[object], None]) -> None:
        self._make = make
        self._post = post
        self._asked: SimpleQueue[Tune | Lights | None] = SimpleQueue()
        self._told: tuple[str, ...] | None = None
        self._thread = start("sound", self._work, post)

    def play(self, tune: Tune) -> None:
        """Play it; returns at once."""
        self._asked.put(tune)

    def light(self, lights: Lights) -> None:
        """Let the lights shine so; returns at once."""
        self._asked.put(lights)

    def finish(self) -> None:
        """Silent and dark as soon as may be; returns at once."""
        self._asked.put(None)

    def join(self, within_s: float = JOIN_S) -> None:
        """Wait for its end, so long at most."""
        self._thread.join(within_s)

    def _work(self) -> None:
        with closing(self._make()) as sounds:
            again_s: float | None = 0.0
            while self._take(sounds, again_s):
                again_s = sounds.beat()
                self._tell(sounds.faults)

    def _take(self, sounds: Sounds, within_s: float | None) -> bool:
        """What is asked for within that time, if anything is; answers whether to go on."""
        try:
            asked = self._asked.get(timeout=within_s)
        except Empty:
            return True
        if isinstance(asked, Tune):
            sounds.play(asked)
        elif asked is not None:
            sounds.light(asked)
        return asked is not None

    def _tell(self, faults: tuple[str, ...] | None) -> None:
        if faults is not None and faults != self._told:
            self._told = faults
            self._post(DeviceIs(Device.SOUND, tuple(Fault(Ill.DEAD, fault) for fault in faults)))
