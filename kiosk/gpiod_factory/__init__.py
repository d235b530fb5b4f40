"""A pin factory for gpiozero on the kernel's GPIO character device, by libgpiod (API version 2).

gpiozero's documented extension point is the pin factory (https://gpiozero.readthedocs.io, "API - Pins"). This one
costs nothing while nothing happens: the kernel wakes one thread for an edge, where lgpio looks at its lines 2000
times a second. An exception in a callback is shown and takes nobody else's edges away. It needs no daemon, no file in
the working directory, and no root. There is no PWM: asking for a frequency raises ``PinPWMUnsupported``. Nor has
gpiozero a word for open drain: ``output_with_state(0)`` and ``input_with_pull()`` in turn are that, one step each, and
any other function than "input" and "output" is refused with this advice.

    from gpiozero import LED
    LED(17, pin_factory=GpiodFactory()).on()
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial
from glob import glob
from threading import RLock
from typing import Any, Protocol

from gpiod import Chip, ChipInfo, EdgeEvent, LineSettings
from gpiod.line import Bias, Direction, Edge, Value
from gpiozero import (
    BadPinFactory,
    PinFixedPull,
    PinInvalidBounce,
    PinInvalidEdges,
    PinInvalidFunction,
    PinInvalidPull,
    PinInvalidState,
    PinSetInput,
)
from gpiozero.pins.local import LocalPiFactory, LocalPiPin

from kiosk.gpiod_factory.edges import Calls, EdgeThread

HEADER_LABELS = ("pinctrl-rp1", "pinctrl-bcm2711", "pinctrl-bcm2835")
"""What the kernel calls the chip that the header's pins hang on: Pi 5, Pi 4, and all before them."""

CONSUMER = "kiosk"
"""Who holds a line, as ``gpioinfo`` shows it."""

BIASES = {"up": Bias.PULL_UP, "down": Bias.PULL_DOWN, "floating": Bias.DISABLED}
EDGES = {"both": Edge.BOTH, "rising": Edge.RISING, "falling": Edge.FALLING, "none": Edge.NONE}

Config = dict[Iterable[int | str] | int | str, LineSettings | None]


class Lines(Protocol):
    """What is used of ``gpiod.LineRequest``."""

    @property
    def fd(self) -> int:
        """Readable when an edge waits."""
        ...

    def get_value(self, line: int | str) -> Value:
        """The level of a line."""
        ...

    def set_value(self, line: int | str, value: Value) -> None:
        """Drive an output."""
        ...

    def reconfigure_lines(self, config: Config) -> None:
        """Change what the lines are, in one step."""
        ...

    def wait_edge_events(self, timeout: timedelta | float | None = None) -> bool:
        """Whether an edge waits; ``timeout`` in seconds."""
        ...

    def read_edge_events(self, max_events: int | None = None) -> list[EdgeEvent]:
        """The edges that wait; blocks where there is none."""
        ...

    def release(self) -> None:
        """Give the lines back."""
        ...


class GpioChip(Protocol):
    """What is used of ``gpiod.Chip``."""

    def get_info(self) -> ChipInfo:
        """Name, label, number of lines."""
        ...

    def request_lines(self, config: Config, consumer: str | None = None) -> Lines:
        """Take lines for ourselves alone; ``OSError`` (EBUSY) where somebody has them."""
        ...

    def close(self) -> None:
        """Close the chip; requested lines stay."""
        ...


def open_header(paths: Iterable[str] | None = None, open_chip: Callable[[str], GpioChip] = Chip) -> GpioChip:
    """Open the chip of the Raspberry Pi's header, found by its label.

    Its number says nothing: on a Pi 5 it was 4 and became 0 with kernel 6.6.45 (raspberrypi/linux#6144).

    Raises:
        PermissionError: no such chip among those that may be opened, and some may not.
        BadPinFactory: no such chip.
    """
    denied: PermissionError | None = None
    for path in sorted(glob("/dev/gpiochip*")) if paths is None else paths:
        try:
            chip = open_chip(path)
        except PermissionError as error:
            denied = PermissionError(error.errno, error.strerror, path)
        except FileNotFoundError:  # a link whose chip is gone
            continue
        else:
            if chip.get_info().label in HEADER_LABELS:
                return chip
            chip.close()
    raise denied or BadPinFactory(f"no GPIO chip is called {', '.join(HEADER_LABELS)}")


class GpiodFactory(LocalPiFactory):  # type: ignore[misc]  # gpiozero ships no types
    """Pins of the Raspberry Pi's header by libgpiod.

    Args:
        chip: an open ``gpiod.Chip``, or its like; the factory closes it. Default: the header's.
        revision: the Pi's revision code, which tells what hangs on which pin. Default: asked of this machine
            (``PinUnknownPi`` at the first pin where it is no Pi).

    Raises:
        PermissionError, BadPinFactory: as ``open_header``.
    """

    def __init__(self, chip: GpioChip | None = None, revision: int | None = None) -> None:
        super().__init__()
        self._revision = revision
        self.edges = EdgeThread()
        self.chip = open_header() if chip is None else chip
        self.pin_class = GpiodPin

    def _get_revision(self) -> int:
        return int(super()._get_revision()) if self._revision is None else self._revision

    def close(self) -> None:
        """Release all lines, which become inputs, and the chip."""
        # ``pins`` is one dictionary for all local factories of a process: only ours are ours to close.
        for pin in [pin for pin in self.pins.values() if pin.factory is self]:
            pin.close()
        self.edges.close()
        self.chip.close()


class GpiodPin(LocalPiPin):  # type: ignore[misc]  # gpiozero ships no types
    """One line of the header; its own request, so that each pin comes and goes alone.

    ``output_with_state`` and ``input_with_pull`` are one step each: the line never shows a level that nobody asked for.
    """

    def __init__(self, factory: GpiodFactory, info: Any) -> None:
        super().__init__(factory, info)
        self._lock = RLock()
        self._function = "input"
        self._pull: str = info.pull or "floating"
        self._edges = "both"
        self._bounce: float | None = None
        self._detecting = False
        self._lines: Lines | None = factory.chip.request_lines({self._number: self._settings(Value.INACTIVE)}, CONSUMER)

    def close(self) -> None:
        """Make the line an input and release it. The factory makes a new pin when it is asked for this one again."""
        self.when_changed = None
        with self._lock:
            if self._lines is None:
                return
            self.factory.pins.pop(self.info, None)
            lines, self._lines = self._lines, None
            self._function, self._pull = "input", self.info.pull or "floating"
            try:
                # Released as it is, an output would go on driving: newer kernels on the Pi keep it so.
                lines.reconfigure_lines({self._number: self._settings(Value.INACTIVE)})
            finally:
                lines.release()

    # --- function, level, pull ------------------------------------------------------------------------------------

    def output_with_state(self, state: float) -> None:
        """Become an output that drives ``state``, in one step."""
        value = self._value(state)
        with self._lock:
            self._function = "output"
            self._configure(value)

    def input_with_pull(self, pull: str) -> None:
        """Become an input with that pull, in one step."""
        self._check_pull(pull)
        with self._lock:
            self._function, self._pull = "input", pull
            self._configure()

    def _get_function(self) -> str:
        return self._function

    def _set_function(self, value: str) -> None:
        if value not in ("input", "output"):
            advice = "for open drain, output_with_state(0) and input_with_pull() in turn"
            raise PinInvalidFunction(f'invalid function "{value}" for pin {self!r}: "input" or "output"; {advice}')
        with self._lock:
            self._function = value
            self._configure()

    def _get_state(self) -> bool:
        with self._lock:
            return bool(self._open_lines().get_value(self._number))

    def _set_state(self, value: float) -> None:
        level = self._value(value)
        with self._lock:
            if self._function != "output":
                raise PinSetInput(f"cannot set state of pin {self!r}")
            self._open_lines().set_value(self._number, level)

    def _value(self, state: float) -> Value:
        if state not in (0, 1):
            raise PinInvalidState(f'invalid state "{state}" for pin {self!r}: without PWM it is on or off')
        return Value.ACTIVE if state else Value.INACTIVE

    def _get_pull(self) -> str:
        return self._pull

    def _set_pull(self, value: str) -> None:
        if self._function != "input":
            raise PinFixedPull(f"cannot set pull on non-input pin {self!r}")
        self.input_with_pull(value)

    def _check_pull(self, value: str) -> None:
        if value not in BIASES:
            raise PinInvalidPull(f'invalid pull "{value}" for pin {self!r}')
        if self.info.pull not in ("", value):
            raise PinFixedPull(f"{self!r} has a physical pull-{self.info.pull} resistor")

    # --- edges ----------------------------------------------------------------------------------------------------

    def _get_bounce(self) -> float | None:
        return self._bounce

    def _set_bounce(self, value: float | None) -> None:
        if value is not None and value < 0:
            raise PinInvalidBounce("bounce must be 0 or greater")
        with self._lock:
            self._bounce = value or None
            self._configure_edges()

    def _get_edges(self) -> str:
        return self._edges

    def _set_edges(self, value: str) -> None:
        if value not in EDGES:
            raise PinInvalidEdges(f'invalid edge specification "{value}" for pin {self!r}')
        with self._lock:
            self._edges = value
            self._configure_edges()

    def _enable_event_detect(self) -> None:
        with self._lock:
            self._detecting = True
            self._configure_edges()
            self.factory.edges.watch(self._open_lines().fd, self._due)

    def _disable_event_detect(self) -> None:
        with self._lock:
            self._detecting = False
            if self._lines is not None:
                self.factory.edges.forget(self._lines.fd)
                self._configure_edges()

    def _due(self) -> Calls:
        """The calls for the edges that the kernel holds for this line; never blocks."""
        with self._lock:
            waits = self._lines is not None and self._lines.wait_edge_events(0)
            return [partial(self._edge, event) for event in self._open_lines().read_edge_events()] if waits else []

    def _edge(self, event: EdgeEvent) -> None:
        # The kernel's time of it is monotonic, as ``factory.ticks()`` is.
        self._call_when_changed(event.timestamp_ns / 1e9, event.event_type is EdgeEvent.Type.RISING_EDGE)

    def _call_when_changed(self, ticks: float, state: bool) -> None:
        # Another thread may take the callback away while an edge is on its way to it, or it may have died.
        with self._when_changed_lock:
            callback: Callable[[float, bool], None] | None = self.when_changed
            if callback is None:
                self.when_changed = None
        if callback is not None:
            callback(ticks, state)

    # --- the line -------------------------------------------------------------------------------------------------

    def _settings(self, value: Value) -> LineSettings:
        if self._function == "output":
            return LineSettings(direction=Direction.OUTPUT, output_value=value)
        settings = LineSettings(direction=Direction.INPUT, bias=BIASES[self._pull])
        if self._detecting:
            settings.edge_detection = EDGES[self._edges]
            settings.debounce_period = timedelta(seconds=self._bounce or 0)
        return settings

    def _configure(self, value: Value = Value.INACTIVE) -> None:
        self._open_lines().reconfigure_lines({self._number: self._settings(value)})

    def _configure_edges(self) -> None:
        # An output has no edges; it gets them when it becomes an input again.
        if self._function == "input":
            self._configure()

    def _open_lines(self) -> Lines:
        if self._lines is None:
            raise PinInvalidState(f"pin {self!r} is closed")
        return self._lines
