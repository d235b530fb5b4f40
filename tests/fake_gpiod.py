"""A GPIO chip as libgpiod shows it, without a kernel: what ``kiosk.gpiod_factory`` uses of ``gpiod.Chip``.

It keeps the kernel's rules (https://docs.kernel.org/userspace-api/gpio/chardev.html): a line has one holder (EBUSY for
the next), edges are for inputs only (EINVAL), a released request is dead. Its file descriptors are real, so that
``poll`` works on them. Lines can be joined, as the keys of a matrix do.
"""

from __future__ import annotations

import errno
import os
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from threading import RLock

from gpiod import ChipInfo, EdgeEvent, LineSettings
from gpiod.exception import ChipClosedError, RequestReleasedError
from gpiod.line import Bias, Direction, Edge, Value

from kiosk.sim.membrane import joined

Config = dict[Iterable[int | str] | int | str, LineSettings | None]


@dataclass
class FakeLine:
    """One line: what it was configured as, its level, and what was done to it."""

    offset: int
    settings: LineSettings | None = None
    """None: nobody holds it."""
    request: FakeRequest | None = None
    high: bool = False
    output: bool = False
    """What it drives while it is an output."""
    history: list[str] = field(default_factory=list)
    """"in", "low" or "high": what it was, one after the other."""

    @property
    def drives(self) -> bool:
        """Whether it is an output."""
        return self.settings is not None and self.settings.direction is Direction.OUTPUT

    @property
    def bias(self) -> Bias:
        """The pull in force."""
        return Bias.DISABLED if self.settings is None else self.settings.bias


class FakeChip:
    """A chip with ``count`` lines."""

    def __init__(self, label: str = "pinctrl-bcm2711", count: int = 54) -> None:
        self.label = label
        self.lines = [FakeLine(offset) for offset in range(count)]
        self.lock = RLock()
        self.closed = False
        self.links: set[tuple[int, int]] = set()
        self.shorts = 0
        self.now_ns = 5_000_000_000
        self.consumers: set[str | None] = set()

    # --- the world outside ----------------------------------------------------------------------------------------

    def link(self, one: int, other: int) -> None:
        """Join two lines, as a key that goes down does."""
        with self.lock:
            self.links.add((one, other))
            self.settle()

    def unlink(self, one: int, other: int) -> None:
        """Part them again."""
        with self.lock:
            self.links.discard((one, other))
            self.settle()

    def occupy(self, offset: int) -> None:
        """Somebody else takes the line."""
        self.lines[offset].settings = LineSettings()

    def settle(self) -> None:
        """Give every line the level of its net; inputs that were asked to tell of edges do."""
        for net in joined(range(len(self.lines)), self.links):
            lines = [self.lines[offset] for offset in net]
            driven = {line.output for line in lines if line.drives}
            self.shorts += len(driven) > 1
            pulled = {line.bias for line in lines} & {Bias.PULL_UP, Bias.PULL_DOWN}
            if driven or pulled:
                high = False not in driven if driven else Bias.PULL_UP in pulled
                for line in lines:
                    self._become(line, high)

    def _become(self, line: FakeLine, high: bool) -> None:
        if line.high is high:
            return
        line.high = high
        wanted = Edge.NONE if line.settings is None else line.settings.edge_detection
        if wanted in (Edge.BOTH, Edge.RISING if high else Edge.FALLING) and line.request is not None:
            self.now_ns += 1_000_000
            line.request.tell(line.offset, high, self.now_ns)

    # --- gpiod.Chip -----------------------------------------------------------------------------------------------

    def get_info(self) -> ChipInfo:
        """As ``gpiod.Chip``."""
        return ChipInfo("gpiochip0", self.label, len(self.lines))

    def request_lines(self, config: Config, consumer: str | None = None) -> FakeRequest:
        """As ``gpiod.Chip``; one line."""
        if self.closed:
            raise ChipClosedError
        ((offset, settings),) = config.items()
        assert isinstance(offset, int)
        if self.lines[offset].settings is not None:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        self.consumers.add(consumer)
        return FakeRequest(self, self.lines[offset], settings or LineSettings())

    def close(self) -> None:
        """As ``gpiod.Chip``."""
        self.closed = True


class FakeRequest:
    """One line, held."""

    def __init__(self, chip: FakeChip, line: FakeLine, settings: LineSettings) -> None:
        self._chip = chip
        self._line = line
        self._events: deque[EdgeEvent] = deque()
        self._fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._released = False
        line.request = self
        self._apply(settings)

    def _check(self) -> None:
        if self._released:
            raise RequestReleasedError

    def _apply(self, settings: LineSettings) -> None:
        line = self._line
        if settings.direction is Direction.OUTPUT and settings.edge_detection is not Edge.NONE:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        with self._chip.lock:
            line.settings = settings
            line.output = bool(settings.output_value)
            self._note()
            self._chip.settle()

    def _note(self) -> None:
        line = self._line
        line.history.append(("high" if line.output else "low") if line.drives else "in")

    def tell(self, offset: int, high: bool, at_ns: int) -> None:
        """The kernel's side: an edge."""
        kind = EdgeEvent.Type.RISING_EDGE if high else EdgeEvent.Type.FALLING_EDGE
        self._events.append(EdgeEvent(kind.value, at_ns, offset, 1, 1))
        os.eventfd_write(self._fd, 1)

    @property
    def fd(self) -> int:
        """As ``gpiod.LineRequest``."""
        self._check()
        return self._fd

    def get_value(self, line: int | str) -> Value:
        """As ``gpiod.LineRequest``."""
        self._check()
        assert line == self._line.offset
        return Value.ACTIVE if self._line.high else Value.INACTIVE

    def set_value(self, line: int | str, value: Value) -> None:
        """As ``gpiod.LineRequest``; EPERM for an input."""
        self._check()
        assert line == self._line.offset
        if not self._line.drives:
            raise OSError(errno.EPERM, os.strerror(errno.EPERM))
        with self._chip.lock:
            self._line.output = bool(value)
            self._note()
            self._chip.settle()

    def reconfigure_lines(self, config: Config) -> None:
        """As ``gpiod.LineRequest``."""
        self._check()
        settings = config[self._line.offset]
        self._apply(settings or LineSettings())

    def wait_edge_events(self, timeout: timedelta | float | None = None) -> bool:
        """As ``gpiod.LineRequest``; only looks, never waits."""
        self._check()
        assert timeout == 0
        return bool(self._events)

    def read_edge_events(self, max_events: int | None = None) -> list[EdgeEvent]:
        """As ``gpiod.LineRequest``; where the kernel would block, it fails."""
        self._check()
        with self._chip.lock:
            os.eventfd_read(self._fd)
            events = [*self._events]
            self._events.clear()
        return events

    def release(self) -> None:
        """As ``gpiod.LineRequest``."""
        if not self._released:
            self._released = True
            os.close(self._fd)
            with self._chip.lock:
                self._line.settings = self._line.request = None
                self._chip.settle()
