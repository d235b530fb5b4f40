"""The control lines of an SPI panel: luma's own SPI interface over gpiozero's mock pins."""

from __future__ import annotations

from gpiozero.pins.mock import MockFactory
from luma.core.interface.serial import spi

from kiosk.display.lines import ControlLines


class Bus:
    """spidev, which only a machine with SPI has: keeps what was sent, and how the data line stood."""

    max_speed_hz = 0

    def __init__(self, factory: MockFactory) -> None:
        self._factory = factory
        self.sent: list[tuple[int, list[int]]] = []

    def open(self, port: int, device: int) -> None:
        """As spidev."""

    def writebytes(self, data: list[int]) -> None:
        """As spidev."""
        self.sent.append((int(self._factory.pin(24).state), list(data)))

    def close(self) -> None:
        """As spidev."""


def test_commands_go_out_with_the_line_low_and_data_with_it_high() -> None:
    factory = MockFactory()
    bus = Bus(factory)
    wire = spi(spi=bus, gpio=ControlLines(factory), gpio_DC=24, gpio_RST=25)
    wire.command(0xAE)
    wire.data([1, 2])
    assert bus.sent == [(0, [0xAE]), (1, [1, 2])]


def test_the_panel_is_reset_and_then_left_out_of_reset() -> None:
    factory = MockFactory()
    spi(spi=Bus(factory), gpio=ControlLines(factory), gpio_DC=24, gpio_RST=25)
    states = [state.state for state in factory.pin(25).states]
    assert states[-2:] == [False, True]


def test_the_lines_can_be_set_up_again_after_a_failure() -> None:
    """The display opens its bus anew when the panel is back."""
    factory = MockFactory()
    for _ in range(2):
        spi(spi=Bus(factory), gpio=ControlLines(factory), gpio_DC=24, gpio_RST=25).command(0xAE)
