"""What one more digit costs on the panel's bus, against luma's own driver sending whole frames, in one run.

    python tests/bench/bench_display.py

Bytes are those on I2C with the control byte of each transfer, as in the budget (design: a digit costs at most a quarter
of a frame, and is on the panel within half a frame's time at 400 kHz). Times on the bus are computed: nine clocks a
byte, the address among them, and two for start and stop (I2C-bus specification, UM10204, 3.1). The time of the
processor is measured, on this machine.
"""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace

import luma.oled.device

from kiosk.config import DisplayConfig
from kiosk.display import Panel, picture
from kiosk.display.pages import pack
from kiosk.sale.screens import Screen

# Pillow 13 deprecates Image.getdata(), which luma 3.16's own display() uses.
warnings.filterwarnings("ignore", "Image.Image.getdata", DeprecationWarning)

HZ = 400_000
SIZE = (128, 64)
IDLE = Screen("Digite o valor", "0,00", footer="0-9 valor  * menu")
ENTERING = Screen("Valor", "0,00", footer="# cobrar  * corrigir")
DIGITS = ("0,02", "0,25", "2,50", "25,00")


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


def whole_frame() -> tuple[int, float, float]:
    """luma's own: bytes, seconds on the bus, seconds of the processor with the drawing."""
    bus = CountingBus()
    device = luma.oled.device.ssd1306(bus)
    device.persist = True
    bus.take()
    cpu_s = median_s(lambda: device.display(picture.draw(ENTERING, SIZE, 0.0).image))
    bus.take()
    device.display(picture.draw(ENTERING, SIZE, 0.0).image)
    return *bus.take(), cpu_s


def typed(start: Screen, now: float) -> list[tuple[int, float, float]]:
    """The same for each of 2, 5, 0, 0, where the panel shows ``start`` before; ``now`` chooses the small move."""
    bus, moment = CountingBus(), [0.0]
    panel = Panel(DisplayConfig(dim_after=0), lambda: moment[0], bus)
    panel.draw(start)
    moment[0] = now
    panel.draw(start)
    bus.take()
    costs = []
    for amount in DIGITS:
        began = time.perf_counter()
        panel.draw(replace(ENTERING, big=amount))
        cpu_s = time.perf_counter() - began
        costs.append((*bus.take(), cpu_s))
    return costs


def median_s(action: Callable[[], object], times: int = 100) -> float:
    """Seconds that it takes, as a rule."""

    def once() -> float:
        began = time.perf_counter()
        action()
        return time.perf_counter() - began

    return statistics.median(once() for _ in range(times))


def main() -> None:
    """Measure and print."""
    frame_bytes, frame_s, frame_cpu_s = whole_frame()
    print(f"whole frame by luma.oled: {frame_bytes} bytes, {frame_s * 1e3:.1f} ms on the bus at 400 kHz")
    for name, start in (("from 0,00 on the same screen", ENTERING), ("from the idle screen", IDLE)):
        for move in range(len(picture.SHIFTS)):
            costs = [typed(start, move * 60.0) for _ in range(20)]
            digits = costs[0]
            mean = statistics.mean(digit[0] for digit in digits)
            worst_s = max(statistics.median(run[i][1] + run[i][2] for run in costs) for i in range(len(digits)))
            print(
                f"2 5 0 0 {name}, move {picture.SHIFTS[move]}: {[digit[0] for digit in digits]} bytes,"
                f" mean {mean:.0f} = {mean / frame_bytes:.2f} of a frame (budget 0.25);"
                f" key to last byte at most {worst_s * 1e3:.1f} ms = {worst_s / frame_s:.2f} (budget 0.50)"
            )
    image = picture.draw(ENTERING, SIZE, 0.0).image
    draw_s, pack_s = median_s(lambda: picture.draw(ENTERING, SIZE, 0.0)), median_s(lambda: pack(image))
    ours_s = draw_s + pack_s
    print(f"processor: drawing {draw_s * 1e3:.2f} ms, packing {pack_s * 1e3:.3f} ms")
    print(f"processor: both are {ours_s / frame_cpu_s:.2f} of drawing and luma's driver, {frame_cpu_s * 1e3:.2f} ms")


if __name__ == "__main__":
    main()
