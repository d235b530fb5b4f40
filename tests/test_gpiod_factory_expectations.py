"""What gpiozero expects of a pin factory: its own tests of real pins, on a fake chip with the same two pins wired.

Each test here bears the name of the one in gpiozero 2.0.1's ``tests/test_real_pins.py`` that it follows. Left out are
those about PWM, which is refused (``test_gpiod_factory``), about choosing a factory by an environment variable (the
kiosk hands its factory over), and of SPI without hardware, which no panel of the kiosk uses.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("gpiod", reason="the service's extra: pip install gpiod")

from gpiozero import (
    LED,
    Device,
    GPIODevice,
    GPIOPinInUse,
    PinFixedPull,
    PinInvalidFunction,
    PinInvalidPin,
    PinInvalidPull,
)

from kiosk.config import KeypadConfig
from kiosk.gpiod_factory import GpiodFactory, open_header
from tests.fake_gpiod import FakeChip

TEST_PIN, INPUT_PIN = "GPIO22", "GPIO27"
PI_4 = 0xC03114


@pytest.fixture
def factory() -> Iterator[Any]:
    """On a chip whose GPIO22 and GPIO27 are wired to each other. Any: gpiozero ships no types."""
    chip = FakeChip()
    chip.link(22, 27)
    with GpiodFactory(chip, revision=PI_4) as made:
        yield made
    assert chip.closed


@pytest.fixture
def pins(factory: Any) -> Iterator[tuple[Any, Any]]:
    """The one that is tried, and the one that feels it."""
    input_pin = factory.pin(INPUT_PIN)
    input_pin.function = "input"
    input_pin.pull = "down"
    test_pin = factory.pin(TEST_PIN)
    yield test_pin, input_pin
    test_pin.close()
    input_pin.close()


def test_pin_names(pins: tuple[Any, Any]) -> None:
    assert [pin.info.name for pin in pins] == [TEST_PIN, INPUT_PIN]


@pytest.mark.parametrize("function", ["foo", "open-drain", "", None])
def test_function_bad(pins: tuple[Any, Any], function: Any) -> None:
    """gpiozero has no open drain: who wants it is told how to have it."""
    with pytest.raises(PinInvalidFunction, match=r"output_with_state\(0\) and input_with_pull"):
        pins[0].function = function


def test_output(pins: tuple[Any, Any]) -> None:
    test_pin, input_pin = pins
    test_pin.function = "output"
    for state in (0, 1, 0):
        test_pin.state = state
        assert input_pin.state == state


def test_output_with_state(pins: tuple[Any, Any]) -> None:
    test_pin, input_pin = pins
    for state in (0, 1):
        test_pin.output_with_state(state)
        assert input_pin.state == state


def test_pull(pins: tuple[Any, Any]) -> None:
    test_pin, input_pin = pins
    input_pin.pull = "floating"
    test_pin.function = "input"
    for pull, state in (("up", 1), ("down", 0)):
        test_pin.pull = pull
        assert (test_pin.state, input_pin.state) == (state, state)


def test_pull_bad(pins: tuple[Any, Any]) -> None:
    test_pin, _ = pins
    test_pin.function = "input"
    with pytest.raises(PinInvalidPull):
        test_pin.pull = "foo"
    with pytest.raises(PinInvalidPull):
        test_pin.input_with_pull("foo")


def test_pull_down_warning(factory: Any) -> None:
    with factory.pin("GPIO2") as pin:
        with pytest.raises(PinFixedPull):
            pin.pull = "down"
        with pytest.raises(PinFixedPull):
            pin.input_with_pull("down")


def test_input_with_pull(pins: tuple[Any, Any]) -> None:
    test_pin, input_pin = pins
    input_pin.pull = "floating"
    for pull, state in (("up", 1), ("down", 0)):
        test_pin.input_with_pull(pull)
        assert (test_pin.state, input_pin.state) == (state, state)


def test_pulls_are_weak(pins: tuple[Any, Any]) -> None:
    test_pin, input_pin = pins
    test_pin.function = "output"
    for pull in ("floating", "down", "up"):
        input_pin.pull = pull
        for state in (0, 1):
            test_pin.state = state
            assert input_pin.state == state


def test_open_drain_lets_the_other_end_pull(pins: tuple[Any, Any]) -> None:
    """Low, or let go: what a keypad's rows do. No level is ever driven high against the other pin."""
    test_pin, input_pin = pins
    input_pin.output_with_state(0)
    test_pin.output_with_state(0)
    test_pin.input_with_pull("up")
    assert (test_pin.state, input_pin.state) == (0, 0)
    input_pin.input_with_pull("up")
    assert test_pin.state == 1
    assert test_pin.factory.chip.shorts == 0


def test_explicit_factory(factory: Any) -> None:
    with GPIODevice(TEST_PIN, pin_factory=factory) as device:
        assert Device.pin_factory is None
        assert device.pin_factory is factory
        assert device.pin.info.name == TEST_PIN


def test_default_factory(factory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As ``Device.pin_factory``, gpiozero's way to choose one for a whole program."""
    monkeypatch.setattr(Device, "pin_factory", factory)
    with LED(TEST_PIN) as led:
        assert led.pin_factory is factory
        led.on()
        assert factory.chip.lines[22].high


class FakeSpiDev:
    """``spidev.SpiDev`` without a bus."""

    def open(self, _port: int, _device: int) -> None:
        """There is one."""

    def xfer2(self, data: list[int]) -> list[int]:
        """Each byte, and one more."""
        return [byte + 1 for byte in data]

    def close(self) -> None:
        """It holds nothing."""


@pytest.fixture
def spidev(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The kernel's SPI, as gpiozero's local factories use it; there is none on this machine.

    A bus that was refused closes itself when it is collected, and waits for the lock of the reservations: if it is
    collected while one is made, gpiozero 2.0.1 waits for itself, for ever. So it is collected when none is.
    """
    monkeypatch.setattr("gpiozero.pins.local.SpiDev", FakeSpiDev)
    gc.disable()
    yield
    gc.enable()
    gc.collect()


@pytest.mark.usefixtures("spidev")
def test_spi_hardware_conflict(factory: Any) -> None:
    """A light on the bus's clock, and the bus: one of the two."""
    with LED(11, pin_factory=factory), pytest.raises(GPIOPinInUse):
        factory.spi(port=0, device=0)
    with factory.spi(port=0, device=0), pytest.raises(GPIOPinInUse):
        LED(11, pin_factory=factory)


@pytest.mark.usefixtures("spidev")
def test_spi_hardware_same_port(factory: Any) -> None:
    with factory.spi(device=0) as bus:
        with pytest.raises(GPIOPinInUse):
            factory.spi(device=0)
        with factory.spi(device=1) as other:
            assert bus._port == other._port


@pytest.mark.usefixtures("spidev")
def test_spi_hardware_shared_bus(factory: Any) -> None:
    with factory.spi(device=0, shared=True) as bus, factory.spi(device=0, shared=True) as other:
        assert bus is other


@pytest.mark.usefixtures("spidev")
def test_spi_hardware_read_and_write(factory: Any) -> None:
    with factory.spi() as bus:
        assert bus.transfer([1, 2, 3]) == [2, 3, 4]
        assert bus.read(2) == [1, 1]
        assert bus.write([0, 1, 2]) == 3


@pytest.mark.parametrize(
    ("model", "revision", "label"),
    [
        ("B", 0x000D, "pinctrl-bcm2835"),
        ("B+", 0x0010, "pinctrl-bcm2835"),
        ("Zero W", 0x9000C1, "pinctrl-bcm2835"),
        ("2B", 0xA01041, "pinctrl-bcm2835"),
        ("3B", 0xA02082, "pinctrl-bcm2835"),
        ("Zero2W", 0x902120, "pinctrl-bcm2835"),
        ("4B", 0xC03114, "pinctrl-bcm2711"),
        ("400", 0xC03130, "pinctrl-bcm2711"),
        ("5B", 0xC04170, "pinctrl-rp1"),
    ],
)
def test_the_keypads_lines_are_there_on_every_pi(model: str, revision: int, label: str) -> None:
    """By the chip's label, whatever its number; but the 26 pins of the first Pi have fewer lines, and say so."""
    chips = {"/dev/gpiochip0": FakeChip("gpio-brcmstb"), "/dev/gpiochip1": FakeChip(label)}
    keypad = KeypadConfig()
    with GpiodFactory(open_header(chips, chips.__getitem__), revision) as made:
        factory: Any = made
        assert factory.board_info.model == model
        assert factory.chip is chips["/dev/gpiochip1"]
        assert factory.pin(17).info.name == "GPIO17"
        if model == "B":
            with pytest.raises(PinInvalidPin):
                factory.pin(keypad.rows[0])
        else:
            for number in (*keypad.rows, *keypad.columns):
                assert factory.pin(number).function == "input"
