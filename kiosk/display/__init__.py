"""The OLED panel, driven by luma.oled; only what changed travels.

Theory of operation:

- luma's driver object is built once, against a ``_Line`` that only listens: what the driver says then is its init
  sequence. No panel is needed for that, so a panel that is absent at start is no special case, and the object is never
  built again (luma keeps each one alive in an exit hook).
- The sequence is repeated whenever the panel may have lost its memory: at the first picture, after a failed transfer,
  after a dark time, and every ``REFRESH_S`` in a quiet moment, for a panel that was pulled and plugged in again between
  two pictures answers as if nothing had happened, but is dark (SSD1306 data sheet: it powers up switched off). It is
  repeated without its "display off", so a panel that was well does not blink.
- Monochrome controllers hold one bit a pixel in pages of eight rows (SSD1306 data sheet, 8.7). For those the picture
  is packed here and only the changed columns of changed pages are sent: luma's own ``display`` would send all of
  it each time, and needs 20 times longer to pack it. All other devices get luma's ``display``, which compares by
  itself.
- Each transfer has the limit that Linux's I2C drivers give it (a second); the first that fails ends the picture. Then
  the panel is left alone for a while (``RETRY_S``), so a hung bus delays nobody.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from enum import IntEnum
from typing import Any, Final, Protocol

import luma.core.error
import luma.core.interface.serial
import luma.oled.device
from PIL import Image

from kiosk.config import DisplayConfig
from kiosk.display import picture
from kiosk.display.lines import ControlLines
from kiosk.display.pages import CHIPS, Chip, first_column, pack, updates
from kiosk.ports import Clock
from kiosk.sale.screens import Screen

REFRESH_S: Final = 10.0
"""A panel that lost its memory unnoticed is dark for at most so long."""
SHIFT_S: Final = 60.0
"""The picture moves by one pixel each minute, against burn-in."""
RETRY_S: Final = (1.0, 2.0, 5.0, 10.0)
"""Waits after the first, second, ... failure in a row; the last one for all that follow."""
GONE_AFTER: Final = 3
"""A panel that fails so often in a row, over three seconds, is gone; one that misses a transfer is not."""
SOON_S: Final = 0.01
"""No wait is shorter, so that a rounded time never makes the worker spin."""

_DISPLAY_OFF, _DISPLAY_ON = 0xAE, 0xAF
_PARALLEL: Final = ("ws0010", "winstar_weh")
"""luma drives these over eight or four parallel lines."""

Transfer = tuple[bool, tuple[int, ...]]
"""Whether it is a command, and its bytes."""

_log = logging.getLogger(__name__)

_FAULTS: Final = (luma.core.error.Error, OSError)
"""What a bus without its panel comes to (luma translates some of the system's errors, and not others)."""


class Wire(Protocol):
    """A bus as luma.core's serial interfaces are used."""

    def command(self, *cmd: int) -> None:
        """Send bytes that the controller obeys."""
        ...

    def data(self, data: Sequence[int]) -> None:
        """Send bytes of the picture."""
        ...

    def cleanup(self) -> None:
        """Let the bus go."""
        ...


class Light(IntEnum):
    """How bright the panel is; the value is the contrast, 0 to 255."""

    BRIGHT = 0xCF
    DIM = 0x10
    DARK = 0


class _Line:
    """Stands between luma's driver and the bus: listens while the driver is built, carries on afterwards."""

    def __init__(self, open_wire: Callable[[], Wire]) -> None:
        self._open_wire = open_wire
        self._wire: Wire | None = None
        self._heard: list[Transfer] | None = []

    def heard(self) -> Sequence[Transfer]:
        """End listening; what was heard since the beginning."""
        heard, self._heard = self._heard or [], None
        return heard

    def say(self, transfers: Sequence[Transfer]) -> None:
        """Repeat what was heard."""
        for is_command, content in transfers:
            if is_command:
                self.command(*content)
            else:
                self.data(content)

    def command(self, *cmd: int) -> None:
        if self._heard is not None:
            self._heard.append((True, cmd))
        else:
            self._opened().command(*cmd)

    def data(self, data: Sequence[int]) -> None:
        if self._heard is not None:
            self._heard.append((False, tuple(data)))
        else:
            self._opened().data(data)

    def cleanup(self) -> None:
        """Let the bus go; it is opened again by the next transfer."""
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.cleanup()

    def _opened(self) -> Wire:
        if self._wire is None:
            self._wire = self._open_wire()
        return self._wire


class Panel:
    """The panel as ``kiosk.ports.Display``."""

    def __init__(
        self,
        settings: DisplayConfig,
        clock: Clock,
        wire: Wire | None = None,
        *,
        pins: Any = None,
    ) -> None:
        """No panel is touched yet.

        Args:
            settings: driver, size, bus, when to rest.
            clock: monotonic seconds.
            wire: the bus to use instead of the configured one. After a failure ``cleanup`` is called, and it is used
                again later.
            pins: gpiozero's pin factory, for the control lines of an SPI panel; without it luma looks for RPi.GPIO.

        Raises:
            ValueError: luma has no such driver, or the driver no such size.
        """
        self._settings = settings
        self._clock = clock
        self.fault: str | None = None
        """Why the panel shows nothing; None: it does, or was not used yet."""
        self._screen: Screen | None = None
        self._since = self._refreshed_at = self._retry_at = clock()
        self._started_at = self._since
        self._failures = 0
        self._memory: bytes | None = None
        """What the panel's memory holds; None: not known."""
        self._light: Light | None = None
        self._shift = picture.SHIFTS[0]
        self._line = _Line((lambda: wire) if wire is not None else lambda: _open(settings, pins))
        self._chip = CHIPS.get(settings.driver)
        self._device: Any = None if settings.driver == "none" else _driver(settings, self._line)
        self._init = _without_switching(self._line.heard())

    @property
    def shown(self) -> bool:
        """The panel took the last picture; false also while it rests in the dark."""
        return self._memory is not None

    @property
    def gone(self) -> str | None:
        """Why it has shown nothing for several tries in a row; empty: it shows; None: not known, or there is none."""
        if self._failures:
            return self.fault if self._failures >= GONE_AFTER else None
        return "" if self._light is not None else None

    def draw(self, screen: Screen) -> float | None:
        """Show it now; answers after how many seconds to call again with the same screen, None for never.

        A panel that is gone is tried again at a later call; never raises.
        """
        if self._device is None:
            return None
        now = self._clock()
        quiet = screen == self._screen
        if not quiet:
            self._screen, self._since = screen, now
        if now < self._retry_at:
            return self._retry_at - now
        try:
            next_at = self._show(screen, now, quiet)
        except _FAULTS as error:
            return self._lost(error)
        self._well()
        return None if next_at is None else max(SOON_S, next_at - self._clock())

    def close(self) -> None:
        """Leave the last screen standing, without its counts and without the keys that nobody hears any more.

        Draw what is to stand there before. The panel is not switched off, also not by luma at exit.
        """
        if self._device is None:
            return
        self._retry_at = self._clock()
        if self._screen is not None:
            self.draw(replace(self._screen, footer="", ends_at=None, answered_at=None))
        self._hang_up()
        self._device = None

    def _show(self, screen: Screen, now: float, quiet: bool) -> float | None:
        """Bring the panel to what it should show; answers when it is to be called again, None for never.

        Raises:
            luma.core.error.Error, OSError: what the panel shows is not known.
        """
        light, light_ends_at = self._light_at(screen, now)
        if light is Light.DARK:
            if self._light is not Light.DARK:
                self._device.hide()
                self._light, self._memory = light, None
            return None
        begin = self._memory is None or (quiet and now >= self._refreshed_at + REFRESH_S)
        if begin:
            self._begin(now, light)
        size = (self._device.width, self._device.height)
        drawn = picture.draw(screen, size, now, since=self._since, shift=self._shift)
        self._send(drawn.image)
        if begin:
            self._device.show()
        elif light is not self._light:
            self._device.contrast(int(light))
        self._light = light
        times = (drawn.changes_at, light_ends_at, self._refreshed_at + REFRESH_S)
        return min(time for time in times if time is not None)

    def _light_at(self, screen: Screen, now: float) -> tuple[Light, float | None]:
        """How bright it is to be, and until when. Customer's time that runs is no rest; an alarm is never dark."""
        rest = self._since if screen.ends_at is None else max(self._since, min(now, screen.ends_at))
        dim_at = rest + self._settings.dim_after if self._settings.dim_after else None
        dark_at = rest + self._settings.blank_after if self._settings.blank_after and not screen.loud else None
        if dark_at is not None and now >= dark_at:
            return Light.DARK, None
        if dim_at is not None and now >= dim_at:
            return Light.DIM, dark_at
        return Light.BRIGHT, min((time for time in (dim_at, dark_at) if time is not None), default=None)

    def _begin(self, now: float, light: Light) -> None:
        """Set the controller up as after power-on, and forget what its memory was thought to hold."""
        self._memory = None
        self._shift = picture.SHIFTS[int((now - self._started_at) / SHIFT_S) % len(picture.SHIFTS)]
        self._line.say(self._init)
        self._device.contrast(int(light))
        self._refreshed_at = now

    def _send(self, image: Image.Image) -> None:
        if self._chip is not None:
            self._send_changes(self._device.preprocess(image), self._chip)
            return
        if self._memory is None:
            self._device.init_framebuffer(None)  # Else luma would send what differs from its own last picture.
        self._device.picture(image.convert(self._device.mode))
        self._memory = image.tobytes()

    def _send_changes(self, image: Image.Image, chip: Chip) -> None:
        """Send what differs, to a controller whose memory is written in pages; ``image`` is turned as the glass is."""
        content = pack(image)
        first = first_column(self._settings.driver, *image.size)
        for window, columns in updates(self._memory, content, image.width, chip):
            self._device.command(*chip.address(window, first))
            self._device.data(list(columns))
        self._memory = content

    def _well(self) -> None:
        self.fault, self._failures = None, 0

    def _lost(self, error: BaseException) -> float:
        """Remember the fault; answers after how many seconds the panel is tried again."""
        if self.fault is None:
            _log.debug("the display failed: %s", error)
        self.fault = str(error) or type(error).__name__
        self._memory = self._light = None
        self._hang_up()
        wait_s = RETRY_S[min(self._failures, len(RETRY_S) - 1)]
        self._failures += 1
        self._retry_at = self._clock() + wait_s
        return wait_s

    def _hang_up(self) -> None:
        try:
            self._line.cleanup()
        except _FAULTS as error:
            _log.debug("closing the display's bus: %s", error)


def _open(settings: DisplayConfig, pins: Any) -> Wire:
    """The configured bus.

    Raises:
        luma.core.error.Error, OSError: it is not there, or may not be used.
    """
    serial = luma.core.interface.serial
    wire: Wire
    if settings.interface == "i2c":
        wire = serial.i2c(port=settings.port, address=settings.address)
        return wire
    try:
        lines = ControlLines(pins) if pins else None
        lane = {"port": settings.port, "bus_speed_hz": settings.speed}
        wire = serial.spi(gpio=lines, gpio_DC=settings.dc, gpio_RST=settings.reset, **lane)
    except (ImportError, RuntimeError, AssertionError) as error:
        # No spidev or RPi.GPIO; RPi.GPIO's own error; luma asserts that the speed is one of its list.
        raise luma.core.error.UnsupportedPlatform(f"SPI: {error or 'a speed that luma does not know'}") from error
    return wire


def _driver(settings: DisplayConfig, line: _Line) -> Any:
    """luma's driver for the panel. It draws nothing while it is built; its picture is sent by ``picture``."""
    if settings.driver not in luma.oled.device.__all__ or settings.driver in _PARALLEL:
        raise ValueError(f"[display] driver: luma.oled has no {settings.driver!r} on I2C or SPI")
    base = getattr(luma.oled.device, settings.driver)
    # The constructor clears the panel by ``display``: that would stand in the init sequence, and make each refresh
    # blink. So ``display`` is mute, and luma's own has another name.
    quiet = type(base.__name__, (base,), {"display": lambda _self, _image: None, "picture": base.display})
    try:
        device = quiet(line, width=settings.width, height=settings.height, rotate=settings.rotate)
    except (luma.core.error.Error, AssertionError) as error:
        raise ValueError(f"[display] {settings.driver}: {error or 'luma refuses these settings'}") from error
    device.persist = True  # Else luma switches the panel off at exit.
    return device


def _without_switching(heard: Sequence[Transfer]) -> list[Transfer]:
    """The init sequence without switching the display off before it, and on before there is a picture."""
    bare = (
        (is_command, content[1:] if is_command and content[:1] in ((_DISPLAY_OFF,), (_DISPLAY_ON,)) else content)
        for is_command, content in heard
    )
    return [(is_command, content) for is_command, content in bare if content]
