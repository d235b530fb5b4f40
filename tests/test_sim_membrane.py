"""The electrical model of a pad: nets, levels, time. What the kiosk makes of it: ``test_keypad`` and others."""

from __future__ import annotations

import pytest
from gpiozero import PinFixedPull, PinInvalidFunction, PinInvalidPull, PinSetInput

from kiosk.sim.membrane import Wires, joined

ROWS, COLUMNS = (5, 6), (12, 16)


@pytest.fixture
def wires() -> Wires:
    """Two rows and two columns, all pulled up."""
    return pulled_up(0.0)


def pulled_up(rise_s: float) -> Wires:
    """The same, on wires that take that long to rise; all have risen."""
    made = Wires(ROWS, COLUMNS, rise_s)
    for number in (*ROWS, *COLUMNS):
        made.factory.pin(number).input_with_pull("up")
    made.wait(1.0)
    return made


def levels(wires: Wires) -> str:
    """Rows and columns, as 0 and 1."""
    return "".join(str(int(wires.factory.pin(number).state)) for number in (*ROWS, *COLUMNS))


def test_what_is_joined_is_one_group() -> None:
    assert joined([1, 2, 3, 4], []) == [[1], [2], [3], [4]]
    assert joined([1, 2, 3, 4], [(1, 2), (2, 4)]) == [[1, 2, 4], [3]]


def test_a_driven_wire_takes_along_what_closed_contacts_join_to_it(wires: Wires) -> None:
    """Three corners of a rectangle make a path to the fourth."""
    wires.factory.pin(5).output_with_state(False)
    assert levels(wires) == "0111"
    wires.touch((0, 0))
    assert levels(wires) == "0101"
    wires.touch((0, 0), (1, 0), (1, 1))
    assert levels(wires) == "0000"
    wires.touch()
    assert levels(wires) == "0111"
    assert wires.shorts == 0


def test_two_outputs_that_meet_at_opposite_levels_are_a_short(wires: Wires) -> None:
    """And at the same level they are none."""
    wires.factory.pin(5).output_with_state(False)
    wires.factory.pin(12).output_with_state(False)
    wires.touch((0, 0))
    assert wires.shorts == 0
    wires.factory.pin(12).state = True
    assert wires.shorts == 1


def test_contacts_flip_when_their_time_comes(wires: Wires) -> None:
    """A press that bounces once at each end, in the model's time."""
    wires.factory.pin(5).output_with_state(False)
    start = wires.now
    wires.press((0, 0), start + 0.010, start + 0.050, (0.004, 0.008), (0.002, 0.003))
    seen = []
    while (due := wires.next_change()) is not None:
        wires.advance(due)
        seen.append((round(1000 * (wires.clock() - start)), levels(wires)[2]))
    assert seen == [(10, "0"), (14, "1"), (18, "0"), (50, "1"), (52, "0"), (53, "1")]


def test_a_wire_that_is_only_pulled_up_takes_its_time() -> None:
    """It falls at once; what a contact joins to it rises with it, and not later; what is driven rises at once."""
    wires = pulled_up(0.001)
    row = wires.factory.pin(5)
    row.output_with_state(False)
    wires.touch((0, 0))
    row.input_with_pull("up")
    assert levels(wires) == "0101"
    wires.wait(0.0006)
    wires.touch((0, 0), (0, 1))
    assert levels(wires) == "0100"
    wires.wait(0.0005)
    assert levels(wires) == "1111"
    row.output_with_state(False)
    row.output_with_state(True)
    assert levels(wires) == "1111"


def test_wires_may_touch_ground_and_each_other(wires: Wires) -> None:
    wires.grounded = {12}
    wires.settle()
    assert levels(wires) == "1101"
    wires.bridges = {(6, 12)}
    wires.settle()
    assert levels(wires) == "1001"


def test_an_input_that_nobody_drives_or_pulls_keeps_its_level(wires: Wires) -> None:
    pin = wires.factory.pin(12)
    pin.pull = "floating"
    assert pin.state
    pin.pull = "down"
    pin.pull = "floating"
    assert not pin.state


def test_a_pin_refuses_what_a_line_cannot_do(wires: Wires) -> None:
    """As gpiozero's own mock pins; and it becomes an output at the level that was latched."""
    pin = wires.factory.pin(12)
    with pytest.raises(PinSetInput):
        pin.state = True
    with pytest.raises(PinInvalidFunction):
        pin.function = "pwm"
    with pytest.raises(PinInvalidPull):
        pin.pull = "sideways"
    with pytest.raises(PinFixedPull):
        wires.factory.pin(2).pull = "down"
    pin.function = "output"
    assert not pin.state
    pin.state = True
    assert pin.state
