"""What one more digit costs on the panel's bus, against luma's own driver sending whole frames, in one run.

    python tests/bench/bench_display.py

A digit is a real ``Key`` put into the loop's inbox: the loop takes it, the machine steps, the painter's thread draws,
and the time ends with the last byte on the bus. Both ways are told the same keys through the same loop and painter;
only the adapter differs. Bytes are those on I2C with the control byte of each transfer, as in the budget (design: a
digit costs at most a quarter of a frame, and is on the panel within half a frame's time at 400 kHz). Times on the bus
are computed: nine clocks a byte, the address among them, and two for start and stop (I2C-bus specification, UM10204,
3.1). The time of the processor and between the threads is measured, on this machine.
"""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import luma.oled.device

from kiosk.config import DisplayConfig
from kiosk.display import SHIFT_S, Panel, picture
from kiosk.display.pages import pack
from kiosk.ports import Clock, Display
from kiosk.sale.events import Key
from kiosk.sale.screens import Screen
from tests.panel_story import PanelStory

# Pillow 13 deprecates Image.getdata(), which luma 3.16's own display() uses.
warnings.filterwarnings("ignore", "Image.Image.getdata", DeprecationWarning)

HZ: Final = 400_000
SIZE: Final = (128, 64)
KEYS: Final = "2500"
RUNS: Final = 20


class CountingBus:
    """A wire to nowhere."""

    def __init__(self) -> None:
        self.bytes = 0
        self.clocks = 0

    def command(self, *cmd: int) -> None:
        """Count them."""
        self._count(len(cmd))

    def data(self, data: Sequence[int]) -> None:
        """Count them."""
        self._count(len(data))

    def cleanup(self) -> None:
        """Nothing is held."""

    def _count(self, length: int) -> None:
        self.bytes += length + 1
        self.clocks += (length + 2) * 9 + 2

    def take(self) -> tuple[int, float]:
        """Bytes and seconds on the bus since the last call."""
        taken = (self.bytes, self.clocks / HZ)
        self.bytes = self.clocks = 0
        return taken


class PlainPanel:
    """The same pictures as luma alone would send them, for ``kiosk.ports.Display``."""

    def __init__(self, clock: Clock, bus: CountingBus) -> None:
        self._clock = clock
        self._device = luma.oled.device.ssd1306(bus)
        self._device.persist = True

    def draw(self, screen: Screen) -> None:
        """The whole frame."""
        self._device.display(picture.draw(screen, SIZE, self._clock()).image)

    @property
    def gone(self) -> None:
        """Nobody asks."""

    def close(self) -> None:
        """Nothing is held."""


class Cost(NamedTuple):
    """Of one digit."""

    bytes: int
    bus_s: float
    rest_s: float
    """From the key in the inbox to the last byte, without the bus."""

    @property
    def key_to_byte_s(self) -> float:
        """All of it."""
        return self.bus_s + self.rest_s


Make = Callable[[Clock, CountingBus], Display]


def ours(clock: Clock, bus: CountingBus) -> Display:
    """The kiosk's adapter."""
    return Panel(DisplayConfig(dim_after=0), clock, bus)


def typed(make: Make, move: int) -> list[Cost]:
    """2, 5, 0, 0 at an idle counter whose picture has made that many small moves; the first digit changes the words."""
    bus = CountingBus()
    story = PanelStory(lambda clock: make(clock, bus))
    story.ready()
    story.ahead_s = move * SHIFT_S
    story.show(story.shown)
    costs = []
    for key in KEYS:
        bus.take()
        began = time.perf_counter()
        story.inbox.put(Key(key))
        story.loop.turn(0.0)  # it returns when the painter has drawn: the story waits for each picture
        rest_s = time.perf_counter() - began
        costs.append(Cost(*bus.take(), rest_s))
        story.at += 0.1
    assert story.shown.big == "25,00"
    story.painter.close()
    return costs


def report(name: str, runs: Sequence[Sequence[Cost]], frame: Cost) -> None:
    """One line: the digits' bytes, and the worst digit's time, of the runs' medians."""
    digits = [[run[index] for run in runs] for index in range(len(KEYS))]
    counts = [costs[0].bytes for costs in digits]
    worst_s = max(statistics.median(cost.key_to_byte_s for cost in costs) for costs in digits)
    mean = statistics.mean(counts)
    print(
        f"{name}: {counts} bytes, mean {mean:.0f} = {mean / frame.bytes:.2f} of a frame (budget 0.25);"
        f" key to last byte at most {worst_s * 1e3:.1f} ms = {worst_s / frame.bus_s:.2f} of a frame's (budget 0.50)"
    )


def median_s(action: Callable[[], object], times: int = 100) -> float:
    """Seconds that it takes, as a rule."""

    def once() -> float:
        began = time.perf_counter()
        action()
        return time.perf_counter() - began

    return statistics.median(once() for _ in range(times))


def main() -> None:
    """Measure and print."""
    plain = [typed(PlainPanel, 0) for _ in range(RUNS)]
    frame = plain[0][-1]
    print(f"whole frame by luma.oled: {frame.bytes} bytes, {frame.bus_s * 1e3:.1f} ms on the bus at 400 kHz")
    report("2 5 0 0 by luma's plain full frames", plain, frame)
    for move in range(len(picture.SHIFTS)):
        report(f"2 5 0 0 by us, move {picture.SHIFTS[move]}", [typed(ours, move) for _ in range(RUNS)], frame)
    screen = Screen("Valor", "25,00", footer="# cobrar  * corrigir")
    image = picture.draw(screen, SIZE, 0.0).image
    draw_s, pack_s = median_s(lambda: picture.draw(screen, SIZE, 0.0)), median_s(lambda: pack(image))
    plainly = PlainPanel(lambda: 0.0, CountingBus())
    whole_s = median_s(lambda: plainly.draw(screen))
    print(f"processor: drawing {draw_s * 1e3:.2f} ms, packing {pack_s * 1e3:.3f} ms")
    print(f"processor: both are {(draw_s + pack_s) / whole_s:.2f} of drawing and luma's driver, {whole_s * 1e3:.2f} ms")


if __name__ == "__main__":
    main()
