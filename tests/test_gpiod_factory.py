"""The libgpiod pin factory on a fake chip: what gpiozero expects of a factory, and what its own devices do with it."""

from __future__ import annotations

import errno
import queue
import threading
from collections.abc import Iterator
from datetime import timedelta
from threading import ExceptHookArgs
from typing import Any

import pytest

pytest.importorskip("gpiod", reason="the service's extra: pip install gpiod")

from gpiod import LineSettings
from gpiod.line import Bias, Direction, Edge
from gpiozero import (
    LED,
    PWMLED,
    BadPinFactory,
    Button,
    Buzzer,
    Device,
    GPIODevice,
    GPIOPinInUse,
    PinFixedPull,
    PinInvalidBounce,
    PinInvalidEdges,
    PinInvalidFunction,
    PinInvalidPin,
    PinInvalidPull,
    PinInvalidState,
    PinPWMUnsupported,
    PinSetInput,
)
from gpiozero.pins.pi import PiBoardInfo

from kiosk.gpiod_factory import CONSUMER, GpiodFactory, open_header
from tests.fake_gpiod import FakeChip

PI_4 = 0xC03114
LIMIT_S = 20.0


@pytest.fixture
def chip() -> FakeChip:
    """The header's chip."""
    return FakeChip()


@pytest.fixture
def factory(chip: FakeChip) -> Iterator[Any]:
    """The factory on it. Any: gpiozero ships no types."""
    with GpiodFactory(chip, revision=PI_4) as made:
        yield made
    assert [line.offset for line in chip.lines if line.settings is not None] == []
    assert chip.closed
    assert not [thread.name for thread in threading.enumerate() if thread.name == "edges"]


def settings(chip: FakeChip, offset: int) -> LineSettings:
    """How the line is configured."""
    found = chip.lines[offset].settings
    assert found is not None
    return found


# --- the chip ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("label", ["pinctrl-rp1", "pinctrl-bcm2711", "pinctrl-bcm2835"])
def test_the_header_is_found_by_its_label_whatever_its_number(label: str) -> None:
    """Every Pi from 1 to 5; the other chips are closed again."""
    chips = {"/dev/gpiochip0": FakeChip("raspberrypi-exp-gpio", 8), "/dev/gpiochip4": FakeChip(label)}
    assert open_header(chips, chips.__getitem__) is chips["/dev/gpiochip4"]
    assert [chip.closed for chip in chips.values()] == [True, False]


def test_a_machine_without_the_header_is_told_so() -> None:
    """Other chips do not do, and none at all does not either."""
    chips = {"/dev/gpiochip0": FakeChip("gpio-sim.0")}
    with pytest.raises(BadPinFactory, match="pinctrl-rp1"):
        open_header(chips, chips.__getitem__)
    with pytest.raises(BadPinFactory):
        open_header([], chips.__getitem__)


def test_a_chip_that_must_not_be_opened_is_named_unless_it_was_not_needed() -> None:
    """No permission for one chip matters only when the header is not among the others; a dangling link never does."""
    header = FakeChip()

    def opened(path: str) -> FakeChip:
        if path == "/dev/gpiochip0":
            raise PermissionError(errno.EACCES, "Permission denied")
        if path == "/dev/gpiochip1":
            raise FileNotFoundError(errno.ENOENT, "No such file or directory")
        return header

    with pytest.raises(PermissionError, match="/dev/gpiochip0"):
        open_header(["/dev/gpiochip0", "/dev/gpiochip1"], opened)
    assert open_header(["/dev/gpiochip0", "/dev/gpiochip1", "/dev/gpiochip2"], opened) is header


def test_the_board_is_that_of_the_revision(factory: Any) -> None:
    """gpiozero knows every header by the Pi's revision code."""
    assert factory.board_info == PiBoardInfo.from_revision(PI_4)
    assert factory.pin("GPIO17") is factory.pin(17) is factory.pin("BOARD11")
    with pytest.raises(PinInvalidPin):
        factory.pin(99)


def test_a_line_that_somebody_holds_is_an_error_of_the_system(chip: FakeChip, factory: Any) -> None:
    """EBUSY, with nothing left behind; its neighbour is free."""
    chip.occupy(17)
    with pytest.raises(OSError, match="busy"):
        factory.pin(17)
    chip.lines[17].settings = None
    assert factory.pin(17).function == factory.pin(18).function == "input"
    assert chip.consumers == {CONSUMER}


# --- pins, as gpiozero's own test suite for real pins expects them ----------------------------------------------------


def test_a_new_pin_is_an_input_that_floats(chip: FakeChip, factory: Any) -> None:
    """As with gpiozero's other factories; GPIO2 has its resistor."""
    pin = factory.pin(17)
    assert (pin.function, pin.pull, pin.edges, pin.bounce, pin.frequency) == ("input", "floating", "both", None, None)
    assert settings(chip, 17).bias is Bias.DISABLED
    assert factory.pin(2).pull == "up"
    assert repr(pin) == "GPIO17"


def test_a_bad_function_is_refused(factory: Any) -> None:
    """Input and output are functions, foo is none."""
    pin = factory.pin(17)
    with pytest.raises(PinInvalidFunction):
        pin.function = "foo"
    pin.function = "output"
    assert pin.function == "output"
    pin.function = "input"
    assert pin.function == "input"


def test_an_output_drives_what_it_is_told(chip: FakeChip, factory: Any) -> None:
    """Low at first, then as the state says."""
    pin = factory.pin(17)
    pin.function = "output"
    assert not pin.state
    pin.state = 1
    assert pin.state
    assert chip.lines[17].high
    pin.state = False
    assert not chip.lines[17].high


@pytest.mark.parametrize("state", [0, 1])
def test_output_with_state_shows_no_other_level_first(chip: FakeChip, factory: Any, state: int) -> None:
    """One step: an active-low relay does not click, a keypad's row is never driven high."""
    factory.pin(17).output_with_state(state)
    assert chip.lines[17].history == ["in", ["low", "high"][state]]


def test_a_row_is_driven_low_or_let_go_and_nothing_between(chip: FakeChip, factory: Any) -> None:
    """Open drain, as a keypad needs it: low, then an input that is pulled up, and so on."""
    pin = factory.pin(5)
    for _ in range(2):
        pin.output_with_state(0)
        assert not chip.lines[5].high
        pin.input_with_pull("up")
        assert chip.lines[5].high
    assert chip.lines[5].history == ["in", "low", "in", "low", "in"]


def test_an_input_cannot_be_set(factory: Any) -> None:
    """Setting a state is for outputs."""
    pin = factory.pin(17)
    with pytest.raises(PinSetInput):
        pin.state = 1


@pytest.mark.parametrize("state", [0.5, 2, -1])
def test_a_state_between_or_beyond_is_refused(factory: Any, state: float) -> None:
    """Without PWM there is on and off."""
    pin = factory.pin(17)
    pin.output_with_state(1)
    with pytest.raises(PinInvalidState):
        pin.state = state
    with pytest.raises(PinInvalidState):
        pin.output_with_state(state)
    assert pin.state


@pytest.mark.parametrize(
    ("pull", "bias"), [("up", Bias.PULL_UP), ("down", Bias.PULL_DOWN), ("floating", Bias.DISABLED)]
)
def test_pulls(chip: FakeChip, factory: Any, pull: str, bias: Bias) -> None:
    """Each way of asking reaches the line, and is remembered."""
    pin = factory.pin(17)
    pin.pull = pull
    assert (pin.pull, settings(chip, 17).bias) == (pull, bias)
    pin.function = "output"
    with pytest.raises(PinFixedPull):
        pin.pull = pull
    pin.input_with_pull(pull)
    assert (pin.function, pin.pull, settings(chip, 17).bias) == ("input", pull, bias)


def test_a_pulled_input_reads_its_pull(factory: Any) -> None:
    """Nothing else is connected."""
    pin = factory.pin(17)
    pin.pull = "up"
    assert pin.state
    pin.pull = "down"
    assert not pin.state


def test_a_bad_pull_is_refused(factory: Any) -> None:
    """Before anything is done to the line."""
    pin = factory.pin(17)
    pin.function = "output"
    with pytest.raises(PinInvalidPull):
        pin.input_with_pull("foo")
    assert pin.function == "output"
    pin.function = "input"
    with pytest.raises(PinInvalidPull):
        pin.pull = "foo"


def test_a_soldered_resistor_cannot_be_changed(factory: Any) -> None:
    """GPIO2 and GPIO3 are pulled up on the board; asking for what they have is fine."""
    pin = factory.pin(2)
    with pytest.raises(PinFixedPull):
        pin.pull = "down"
    with pytest.raises(PinFixedPull):
        pin.input_with_pull("down")
    pin.input_with_pull("up")
    assert pin.pull == "up"


def test_pwm_is_refused_in_plain_words(factory: Any) -> None:
    """No frequency can be set; taking it away, as devices do when they close, can."""
    pin = factory.pin(17)
    pin.function = "output"
    with pytest.raises(PinPWMUnsupported, match="PWM is not supported"):
        pin.frequency = 100
    pin.frequency = None
    assert pin.frequency is None


# --- edges ------------------------------------------------------------------------------------------------------------


class Ear:
    """Somebody who watches a pin."""

    def __init__(self) -> None:
        self.heard: queue.Queue[tuple[float, bool]] = queue.Queue()

    def hear(self, ticks: float, state: bool) -> None:
        """The callback."""
        self.heard.put((ticks, state))

    def next(self) -> bool:
        """Wait for an edge; its level."""
        return self.heard.get(timeout=LIMIT_S)[1]


def all_told(factory: Any) -> None:
    """Wait until the edges so far have been told: the thread tells them in the order in which pins were watched."""
    last, ear = factory.pin(26), Ear()
    last.when_changed = ear.hear
    last.pull = "up"
    assert ear.next()
    last.close()


@pytest.mark.parametrize(
    ("edges", "states"), [("both", [False, True, False]), ("falling", [False, False]), ("rising", [True]), ("none", [])]
)
def test_only_the_edges_that_were_asked_for_arrive(
    chip: FakeChip, factory: Any, edges: str, states: list[bool]
) -> None:
    """In order, with the level after each."""
    pin, driver, ear = factory.pin(17), factory.pin(4), Ear()
    pin.pull = "up"
    pin.edges = edges
    pin.when_changed = ear.hear
    assert pin.edges == edges
    chip.link(4, 17)
    for state in (0, 1, 0):
        driver.output_with_state(state)
    assert [ear.next() for _ in states] == states
    all_told(factory)
    assert ear.heard.empty()


def test_edges_may_be_chosen_while_somebody_listens(chip: FakeChip, factory: Any) -> None:
    """gpiozero's devices set them in any order."""
    pin, ear = factory.pin(17), Ear()
    pin.pull = "up"
    pin.when_changed = ear.hear
    pin.edges = "falling"
    assert settings(chip, 17).edge_detection is Edge.FALLING
    with pytest.raises(PinInvalidEdges):
        pin.edges = "sideways"
    pin.pull = "down"
    assert ear.next() is False


def test_the_time_of_an_edge_is_the_kernels(chip: FakeChip, factory: Any) -> None:
    """Monotonic seconds, so that gpiozero can subtract it from its own ticks."""
    pin, ear = factory.pin(17), Ear()
    pin.when_changed = ear.hear
    pin.pull = "up"
    ticks, state = ear.heard.get(timeout=LIMIT_S)
    assert (ticks, state) == (chip.now_ns / 1e9, True)
    assert factory.ticks_diff(ticks + 1.5, ticks) == 1.5


def test_nobody_listens_no_edges(chip: FakeChip, factory: Any) -> None:
    """The kernel is asked for edges while there is somebody to tell, and not longer."""
    pin, ear = factory.pin(17), Ear()
    assert settings(chip, 17).edge_detection is Edge.NONE
    pin.when_changed = ear.hear
    assert pin.when_changed == ear.hear
    assert settings(chip, 17).edge_detection is Edge.BOTH
    pin.when_changed = None
    assert settings(chip, 17).edge_detection is Edge.NONE
    pin.pull = "up"
    all_told(factory)
    assert ear.heard.empty()


def test_an_edge_that_nobody_listens_for_any_more_is_left_alone(chip: FakeChip, factory: Any) -> None:
    """The thread does not look after a line that was taken from it; its descriptor may soon be another's."""
    pin, ear = factory.pin(17), Ear()
    pin.when_changed = ear.hear
    pin.when_changed = None
    request = chip.lines[17].request
    assert request is not None
    request.tell(17, True, 1)
    all_told(factory)
    assert request.wait_edge_events(0)
    assert ear.heard.empty()


def test_a_listener_that_died_is_forgotten(chip: FakeChip, factory: Any) -> None:
    """gpiozero holds callbacks weakly: a device that went out of scope is not called, and the line is quiet again."""
    pin, other, ear, gone = factory.pin(17), factory.pin(18), Ear(), Ear()
    pin.when_changed = gone.hear
    other.when_changed = ear.hear
    del gone
    pin.pull = "up"
    other.pull = "up"
    assert ear.next()
    pin.pull = "down"
    other.pull = "down"
    assert not ear.next()
    assert settings(chip, 17).edge_detection is Edge.NONE


def test_an_output_has_no_edges_and_an_input_gets_them_back(chip: FakeChip, factory: Any) -> None:
    """The kernel refuses edges on outputs."""
    pin, ear = factory.pin(17), Ear()
    pin.when_changed = ear.hear
    pin.output_with_state(1)
    pin.edges = "rising"
    pin.bounce = 0.01
    assert settings(chip, 17).edge_detection is Edge.NONE
    assert chip.lines[17].history == ["in", "in", "high"]
    pin.input_with_pull("down")
    pin.input_with_pull("up")
    assert settings(chip, 17).edge_detection is Edge.RISING
    assert ear.next() is True


def test_bounce_is_the_kernels_debounce(chip: FakeChip, factory: Any) -> None:
    """In seconds; None and 0 mean none; less is refused."""
    pin, ear = factory.pin(17), Ear()
    pin.bounce = 0.02
    pin.when_changed = ear.hear
    assert pin.bounce == 0.02
    assert settings(chip, 17).debounce_period == timedelta(milliseconds=20)
    for none in (0, None):
        pin.bounce = none
        assert pin.bounce is None
        assert settings(chip, 17).debounce_period == timedelta()
    with pytest.raises(PinInvalidBounce):
        pin.bounce = -0.1


def test_an_exception_in_one_callback_leaves_the_others_their_edges(
    factory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With lgpio the first one ends all edges of the process."""
    shown: queue.Queue[ExceptHookArgs] = queue.Queue()
    monkeypatch.setattr(threading, "excepthook", shown.put)
    broken, whole, ear = factory.pin(17), factory.pin(18), Ear()

    def boom(_ticks: float, _state: bool) -> None:
        raise RuntimeError("boom")

    broken.when_changed = boom
    whole.when_changed = ear.hear
    for pull, state in (("up", True), ("down", False)):
        broken.pull = pull
        assert str(shown.get(timeout=LIMIT_S).exc_value) == "boom"
        whole.pull = pull
        assert ear.next() is state


# --- coming and going -------------------------------------------------------------------------------------------------


def test_a_closed_pin_was_made_an_input_and_its_line_is_free(chip: FakeChip, factory: Any) -> None:
    """Its line can be had by others, by this factory too; the old pin is dead."""
    pin = factory.pin(17)
    pin.output_with_state(1)
    pin.close()
    pin.close()
    assert chip.lines[17].settings is None
    assert chip.lines[17].history[-2:] == ["high", "in"]
    with pytest.raises(PinInvalidState, match="closed"):
        _ = pin.state
    assert factory.pin(17) is not pin
    assert factory.pin(17).function == "input"


def test_a_pin_that_is_listened_to_can_be_closed(chip: FakeChip, factory: Any) -> None:
    """And an edge that was under way finds nobody."""
    pin, ear = factory.pin(17), Ear()
    pin.when_changed = ear.hear
    pin.close()
    assert pin.when_changed is None
    assert chip.lines[17].settings is None


def test_a_factory_closes_its_own_pins_only() -> None:
    """gpiozero keeps the pins of all local factories of a process in one place."""
    chips = FakeChip(), FakeChip()
    one, other = (GpiodFactory(chip, revision=PI_4) for chip in chips)
    one.pin(17)
    pin = other.pin(18)
    one.close()
    assert [line.offset for line in chips[0].lines if line.settings is not None] == []
    assert settings(chips[1], 18).direction is Direction.INPUT
    assert other.pin(18) is pin
    other.close()
    assert chips[1].lines[18].settings is None


# --- gpiozero's own devices -------------------------------------------------------------------------------------------


def test_a_light_and_a_buzzer(chip: FakeChip, factory: Any) -> None:
    """On is high, or low where the wiring says so; closed, the line is an input."""
    with LED(17, pin_factory=factory) as led, Buzzer(18, active_high=False, pin_factory=factory) as buzzer:
        led.on()
        buzzer.on()
        assert (chip.lines[17].high, chip.lines[18].high) == (True, False)
        led.toggle()
        buzzer.off()
        assert (chip.lines[17].high, chip.lines[18].high) == (False, True)
    assert chip.lines[17].settings is None
    assert "high" not in chip.lines[17].history[:2]
    assert Device.pin_factory is None


def test_a_button_presses_and_releases(chip: FakeChip, factory: Any) -> None:
    """By the kernel's edges."""
    heard: queue.Queue[str] = queue.Queue()
    ground = factory.pin(4)
    ground.output_with_state(0)
    with Button(27, bounce_time=0.02, pin_factory=factory) as button:
        button.when_pressed = lambda: heard.put("pressed")
        button.when_released = lambda: heard.put("released")
        chip.link(4, 27)
        assert heard.get(timeout=LIMIT_S) == "pressed"
        chip.unlink(4, 27)
        assert heard.get(timeout=LIMIT_S) == "released"
        assert settings(chip, 27).debounce_period == timedelta(milliseconds=20)


def test_two_devices_cannot_share_a_pin(factory: Any) -> None:
    """gpiozero's reservation works on this factory; after the first is closed, the second gets it."""
    with LED(17, pin_factory=factory), pytest.raises(GPIOPinInUse):
        GPIODevice(17, pin_factory=factory)
    GPIODevice(17, pin_factory=factory).close()


def test_a_dimmable_light_is_refused_and_the_line_is_free_again(chip: FakeChip, factory: Any) -> None:
    """The refusal comes at once, not at the first dimming."""
    with pytest.raises(PinPWMUnsupported):
        PWMLED(17, pin_factory=factory)
    with LED(17, pin_factory=factory) as led:
        led.on()
        assert chip.lines[17].high
