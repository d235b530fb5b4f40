"""The panel's adapter on a recording bus, seen through the SSD1306 decoder of the virtual counter."""

from __future__ import annotations

import errno
import gc
import itertools
from collections.abc import Sequence
from dataclasses import replace

import luma.core.error
import luma.oled.device
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from kiosk.config import DisplayConfig
from kiosk.display import REFRESH_S, RETRY_S, SHIFT_S, Light, Panel, picture
from kiosk.display.pages import CHIPS
from kiosk.sale.screens import Icon, Screen
from kiosk.sim.oled import SH1106, SSD1306, Chip, Oled
from tests.fake_bus import Bus

IDLE = Screen("Digite o valor", "0,00", footer="0-9 valor  * menu")
TYPING = Screen("Valor", "25,00", footer="# cobrar  * corrigir")
PAID = Screen("PAGO", "PAGO", "25,00 Comprovante impresso", "# ok  * imprimir", loud=True)
WAITING = Screen("Pague com o QR", "25,00", "Aguardando pagamento", "* cancelar", ends_at=1105.0, answered_at=997.5)

SH1107 = Chip(128, 16, SSD1306.parameters, SSD1306.mute, windows=False, needs_pump=False)


class Time:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def a_panel(bus: Bus, time: Time, **changes: object) -> Panel:
    return Panel(replace(DisplayConfig(), **changes), time, bus)  # type: ignore[arg-type]  # any setting by name


def shows(bus: Bus, screen: Screen, time: Time, shift: tuple[int, int] = (0, 0), since: float | None = None) -> bool:
    image = bus.oled.image()
    return image.tobytes() == picture.draw(screen, image.size, time.now, since=since, shift=shift).image.tobytes()


def is_on(bus: Bus) -> bool:
    return bus.oled.on


WORDS = st.text("abcÃçõñ 0123,.#*$R…", max_size=40)
SCREENS = st.builds(
    Screen,
    head=WORDS,
    big=st.one_of(WORDS, st.integers(0, 999_999_999).map(lambda cents: f"{cents // 100:,},{cents % 100:02}")),
    text=WORDS,
    footer=WORDS,
    icons=st.lists(st.sampled_from(list(Icon)), unique=True).map(tuple),
    ends_at=st.one_of(st.none(), st.floats(900, 1600)),
    answered_at=st.one_of(st.none(), st.floats(700, 1000)),
    loud=st.booleans(),
)


def test_nothing_touches_the_bus_before_the_first_picture() -> None:
    bus = Bus()
    a_panel(bus, Time())
    assert bus.transfers == 0


def test_the_first_picture_sets_the_panel_up_and_switches_it_on_last() -> None:
    """So a panel that was just powered shows no noise."""
    bus, time = Bus(), Time()
    a_panel(bus, time).draw(IDLE)
    assert shows(bus, IDLE, time)
    assert bus.commands[-1] == (0xAF,)
    assert not any(0xAE in command[:1] for command in bus.commands)
    assert bus.oled.unknown == []
    assert bus.oled.contrast == Light.BRIGHT


@given(screens=st.lists(SCREENS, min_size=1, max_size=6))
@settings(max_examples=60, deadline=None)
def test_whatever_is_drawn_stands_on_the_panel_to_the_pixel(screens: list[Screen]) -> None:
    bus, time = Bus(), Time()
    panel = a_panel(bus, time)
    for screen in screens:
        panel.draw(screen)
        assert shows(bus, screen, time)
        time.now += 0.25


@given(first=SCREENS, second=SCREENS)
@settings(max_examples=15, deadline=None)
def test_a_panel_of_32_rows_too(first: Screen, second: Screen) -> None:
    bus, time = Bus(Oled(128, 32)), Time()
    panel = a_panel(bus, time, height=32)
    for screen in (first, second):
        panel.draw(screen)
        assert shows(bus, screen, time)


@pytest.mark.parametrize(
    ("driver", "oled"),
    [
        ("ssd1306", Oled(64, 48, first_column=32)),
        ("ssd1306", Oled(96, 16)),
        ("ssd1305", Oled(128, 32, replace(SSD1306, columns=132, needs_pump=False), first_column=4)),
        ("ssd1309", Oled()),
        ("ssd1315", Oled()),
        ("ssd1316", Oled(128, 32)),
        ("sh1106", Oled(chip=SH1106, first_column=2)),
        ("ch1115", Oled(chip=SH1106, first_column=2)),
    ],
)
def test_every_monochrome_controller_shows_whole_and_changed_pictures(driver: str, oled: Oled) -> None:
    oled.reset()
    bus, time = Bus(oled), Time()
    width, height = oled.image().size
    panel = a_panel(bus, time, driver=driver, width=width, height=height)
    for screen in (IDLE, TYPING, replace(TYPING, big="250,00"), PAID, WAITING):
        panel.draw(screen)
        assert shows(bus, screen, time)


def test_an_sh1107_shows_its_square() -> None:
    """luma leaves its rows and columns unmirrored: it is the module's glass that is turned."""
    bus, time = Bus(Oled(128, 128, SH1107)), Time()
    panel = a_panel(bus, time, driver="sh1107", width=128, height=128)
    for screen in (IDLE, TYPING, PAID):
        panel.draw(screen)
        expected = picture.draw(screen, (128, 128), time.now).image.transpose(Image.Transpose.ROTATE_180)
        assert bus.oled.image().tobytes() == expected.tobytes()


@pytest.mark.parametrize("rotate", [0, 1, 2, 3])
def test_a_turned_panel_gets_a_turned_picture(rotate: int) -> None:
    bus, time = Bus(), Time()
    panel = a_panel(bus, time, rotate=rotate)
    for screen in (IDLE, TYPING):
        panel.draw(screen)
        upright = picture.draw(screen, (64, 128) if rotate % 2 else (128, 64), time.now).image
        assert bus.oled.image().tobytes() == upright.rotate(-90 * rotate, expand=True).tobytes()


def test_an_equal_picture_sends_nothing_and_another_one_little() -> None:
    bus, time = Bus(), Time()
    panel = a_panel(bus, time)
    panel.draw(TYPING)
    bus.forget()
    panel.draw(TYPING)
    assert bus.bytes == 0
    panel.draw(replace(TYPING, big="25,01"))
    assert 0 < bus.bytes < 100


@pytest.mark.parametrize("minutes", range(len(picture.SHIFTS)))
def test_typing_2500_costs_at_most_a_quarter_of_a_frame_for_a_digit(minutes: int) -> None:
    """Design section 10, wherever the picture stands; the first digit also changes the words around the amount."""
    bus, time = Bus(), Time()
    panel = a_panel(bus, time)
    panel.draw(IDLE)
    time.now += minutes * SHIFT_S
    panel.draw(IDLE)
    costs = []
    for amount in ("0,02", "0,25", "2,50", "25,00"):
        bus.forget()
        panel.draw(replace(TYPING, big=amount))
        costs.append(bus.bytes)
        assert shows(bus, replace(TYPING, big=amount), time, picture.SHIFTS[minutes])
    assert sum(costs) / 4 <= 258
    assert max(costs) <= 516, "key to last byte: half a frame"


def test_driver_none_draws_nothing_and_never_asks_to_be_called() -> None:
    panel = Panel(DisplayConfig(driver="none"), Time())
    assert panel.draw(IDLE) is None
    panel.close()


@pytest.mark.parametrize("changes", [{"driver": "hd44780"}, {"driver": "ws0010"}, {"width": 100}, {"rotate": 4}])
def test_what_luma_cannot_drive_is_refused_at_once(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"\[display\]"):
        a_panel(Bus(), Time(), **changes)


# Time -------------------------------------------------------------------------------------------------------------


def test_draw_is_due_again_when_the_next_second_shows() -> None:
    bus, time = Bus(), Time()
    panel = a_panel(bus, time)
    assert panel.draw(WAITING) == pytest.approx(0.5), "997.5 + 3: the answer is three seconds old"
    time.now += 0.5
    assert panel.draw(WAITING) == pytest.approx(0.5), "1105 - 104: one second less is left"
    assert shows(bus, WAITING, time, since=1000.0)


def test_a_low_panel_turns_its_line_from_the_moment_the_screen_came() -> None:
    question = Screen("Cancelar toda a venda?", "1.234,50", "Aguardando", "# sim  * não")
    bus, time = Bus(Oled(128, 32)), Time()
    panel = a_panel(bus, time, height=32)
    time.now += 0.5
    came = time.now
    assert panel.draw(question) == pytest.approx(picture.TURN_S)
    time.now += picture.TURN_S
    panel.draw(question)
    assert shows(bus, question, time, since=came)
    assert not shows(bus, question, time)


def test_a_wait_is_never_nothing() -> None:
    """Also when sending took longer than the second that was to be shown."""
    bus, time = Bus(), Time()
    panel = Panel(DisplayConfig(), lambda: time.now, bus)
    carry = bus.data

    def slow(data: Sequence[int]) -> None:
        time.now += 2.0
        carry(data)

    bus.data = slow  # type: ignore[method-assign]  # this bus is slow
    wait = panel.draw(WAITING)
    assert wait is not None
    assert 0 < wait < 0.1


def test_it_dims_and_goes_dark_and_any_new_screen_wakes_it() -> None:
    bus, time = Bus(), Time()
    panel = a_panel(bus, time, dim_after=20, blank_after=30)
    panel.draw(IDLE)
    time.now += 19.9
    panel.draw(IDLE)
    assert bus.oled.contrast == Light.BRIGHT
    time.now += 0.1
    assert panel.draw(IDLE) == pytest.approx(9.9), "the refresh at 19.9 is due again at 29.9"
    assert bus.oled.contrast == Light.DIM
    time.now += 10
    assert panel.draw(IDLE) is None
    assert not is_on(bus)
    panel.draw(TYPING)
    assert is_on(bus)
    assert bus.oled.contrast == Light.BRIGHT
    assert shows(bus, TYPING, time)


def test_a_dimmed_panel_wakes_with_the_next_key_and_sends_only_what_changed() -> None:
    bus, time = Bus(), Time()
    panel = a_panel(bus, time, dim_after=5)
    panel.draw(TYPING)
    time.now += 5
    panel.draw(TYPING)
    bus.forget()
    panel.draw(replace(TYPING, big="250,00"))
    assert bus.oled.contrast == Light.BRIGHT
    assert bus.bytes < 516


def test_zero_means_never() -> None:
    bus, time = Bus(), Time()
    panel = a_panel(bus, time, dim_after=0, blank_after=0)
    panel.draw(IDLE)
    time.now += 100_000
    panel.draw(IDLE)
    assert is_on(bus)
    assert bus.oled.contrast == Light.BRIGHT


def test_the_customers_time_is_no_rest_and_its_end_begins_one() -> None:
    bus, time = Bus(), Time()
    panel = a_panel(bus, time, dim_after=10)
    panel.draw(WAITING)
    time.now = 1104.0
    panel.draw(WAITING)
    assert bus.oled.contrast == Light.BRIGHT
    time.now = 1115.0
    panel.draw(WAITING)
    assert bus.oled.contrast == Light.DIM


def test_a_loud_screen_is_dimmed_but_never_dark() -> None:
    """PAID and alarms stay until a key is pressed."""
    bus, time = Bus(), Time()
    panel = a_panel(bus, time, dim_after=10, blank_after=20)
    panel.draw(PAID)
    time.now += 3600
    panel.draw(PAID)
    assert is_on(bus)
    assert bus.oled.contrast == Light.DIM


def test_the_picture_moves_each_minute_and_comes_back() -> None:
    bus, time = Bus(), Time()
    panel = a_panel(bus, time)
    for shift in (*picture.SHIFTS, picture.SHIFTS[0]):
        panel.draw(IDLE)
        assert shows(bus, IDLE, time, shift)
        time.now += SHIFT_S


def test_a_key_never_waits_for_a_refresh() -> None:
    """A new screen sends its changes; the refresh comes with the next quiet call, which is asked for at once."""
    bus, time = Bus(), Time()
    panel = a_panel(bus, time)
    panel.draw(TYPING)
    time.now += SHIFT_S
    bus.forget()
    wait = panel.draw(replace(TYPING, big="250,00"))
    assert bus.bytes < 516
    assert wait is not None
    assert wait < 0.1
    panel.draw(replace(TYPING, big="250,00"))
    assert bus.bytes > 1024


# Faults -----------------------------------------------------------------------------------------------------------


def test_a_panel_that_was_pulled_and_plugged_in_unnoticed_is_back_within_the_refresh() -> None:
    bus, time = Bus(), Time()
    panel = a_panel(bus, time)
    wait = panel.draw(IDLE)
    bus.oled.reset()
    assert wait == pytest.approx(REFRESH_S)
    time.now += REFRESH_S
    panel.draw(IDLE)
    assert shows(bus, IDLE, time)


def test_a_refresh_never_switches_a_good_panel_off() -> None:
    bus, time = Bus(), Time()
    panel = a_panel(bus, time)
    panel.draw(IDLE)
    bus.forget()
    time.now += REFRESH_S
    panel.draw(IDLE)
    assert bus.bytes > 1024
    assert not any(command[0] == 0xAE for command in bus.commands)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EREMOTEIO, "Remote I/O error"),
        TimeoutError(errno.ETIMEDOUT, "Connection timed out"),
        luma.core.error.DeviceNotFoundError("I2C device not found on address: 0x3C"),
    ],
)
def test_a_panel_absent_at_start_is_tried_again_and_comes(error: Exception) -> None:
    bus, time = Bus(), Time()
    bus.plugged, bus.error = False, error
    panel = a_panel(bus, time)
    waits = []
    for _ in range(6):
        wait = panel.draw(IDLE)
        assert wait is not None
        waits.append(wait)
        time.now += wait
    assert waits == pytest.approx([*RETRY_S, RETRY_S[-1], RETRY_S[-1]])
    assert panel.fault == str(error)
    assert not panel.shown
    bus.plugged = True
    panel.draw(IDLE)
    assert shows(bus, IDLE, time)
    assert (panel.fault or "", panel.shown) == ("", True)


def test_a_panel_that_misses_a_transfer_or_two_is_not_gone_and_one_that_fails_three_times_in_a_row_is() -> None:
    """Within three seconds; a picture that it takes makes it well at once."""
    bus, time = Bus(), Time()
    panel = a_panel(bus, time)
    told = [panel.gone]

    def draw(plugged: bool) -> None:
        bus.plugged = plugged
        wait = panel.draw(IDLE)
        told.append(panel.gone)
        time.now += wait or 0.0

    for plugged in (True, False, False, True):
        draw(plugged)
    assert told == [None, "", None, None, ""]
    start = time.now
    draw(False)
    draw(False)
    draw(False)
    assert told[-1] == str(bus.error)
    assert time.now - start - RETRY_S[2] <= 3.0
    draw(True)
    assert told[-1] == ""


def test_where_there_is_no_panel_it_is_not_gone() -> None:
    panel = Panel(DisplayConfig(driver="none"), Time())
    panel.draw(IDLE)
    assert panel.gone is None


def test_between_two_tries_the_bus_is_left_alone() -> None:
    bus, time = Bus(), Time()
    bus.plugged = False
    panel = a_panel(bus, time)
    panel.draw(IDLE)
    bus.forget()
    time.now += RETRY_S[0] / 2
    assert panel.draw(TYPING) == pytest.approx(RETRY_S[0] / 2)
    assert bus.transfers == 0


def test_after_a_success_the_waits_begin_again() -> None:
    bus, time = Bus(), Time()
    panel = a_panel(bus, time)
    for plugged, expected in ((False, RETRY_S[0]), (False, RETRY_S[1]), (True, REFRESH_S), (False, RETRY_S[0])):
        bus.plugged = plugged
        time.now += 60
        assert panel.draw(IDLE) == pytest.approx(expected)


STORY = ((IDLE, 0.1), (TYPING, 12.0), (TYPING, 60.0), (TYPING, 0.1), (PAID, 1.0), (WAITING, 0.5), (WAITING, 0.5))


def tell_story(fail_at: int | None) -> int:
    """First picture, change, refresh, dimming, move and wake; answers how many transfers it took."""
    bus, time = Bus(), Time()
    bus.fail_at = fail_at
    panel = a_panel(bus, time, dim_after=50)
    for screen, later in STORY:
        panel.draw(screen)
        since = time.now
        time.now += later
        if panel.fault is not None:
            bus.oled.reset()  # It lost its power.
            time.now += RETRY_S[0]
            panel.draw(screen)
            assert any(shows(bus, screen, time, shift, since) for shift in picture.SHIFTS)
    assert panel.fault is None
    assert bus.oled.contrast == Light.BRIGHT
    return bus.transfers


def test_a_failure_at_every_transfer_in_turn_is_survived() -> None:
    """Whichever transfer fails, the panel is right after the next try."""
    transfers = tell_story(None)
    assert transfers > 20
    for fail_at in range(transfers):
        tell_story(fail_at)


def test_a_failure_while_going_dark_is_made_good() -> None:
    bus, time = Bus(), Time()
    panel = a_panel(bus, time, blank_after=5)
    panel.draw(IDLE)
    time.now += 5
    bus.plugged = False
    panel.draw(IDLE)
    bus.plugged = True
    assert is_on(bus)
    time.now += RETRY_S[0]
    assert panel.draw(IDLE) is None
    assert not is_on(bus)


def test_a_lost_panel_never_makes_a_second_device() -> None:
    """luma keeps every device alive in an exit hook: one for each try would fill the memory."""

    def devices() -> int:
        return sum(isinstance(one, luma.oled.device.ssd1306) for one in gc.get_objects())

    bus, time = Bus(), Time()
    panel = a_panel(bus, time)
    before = devices()
    for plugged in itertools.islice(itertools.cycle((False, True)), 20):
        bus.plugged = plugged
        time.now += 30
        panel.draw(IDLE)
    assert devices() == before


def test_without_a_bus_the_panel_is_silent_and_says_why() -> None:
    """The real luma interface, on a bus that this machine cannot have."""
    panel = Panel(DisplayConfig(port=87), Time())
    assert panel.draw(IDLE) == pytest.approx(RETRY_S[0])
    assert panel.fault is not None
    assert "I2C device not found" in panel.fault
    panel.close()


def test_a_missing_spi_library_or_a_strange_speed_is_a_fault_not_a_crash() -> None:
    panel = Panel(DisplayConfig(interface="spi", port=87, speed=3), Time())
    assert panel.draw(IDLE) == pytest.approx(RETRY_S[0])
    assert panel.fault is not None
    panel.close()


# The end ----------------------------------------------------------------------------------------------------------


def test_close_leaves_the_last_screen_without_counts_and_keys_and_switched_on() -> None:
    bus, time = Bus(), Time()
    panel = a_panel(bus, time)
    panel.draw(WAITING)
    panel.close()
    still = Screen(WAITING.head, WAITING.big, WAITING.text)
    assert shows(bus, still, time)
    assert bus.released == 1
    bus.forget()
    assert panel.draw(TYPING) is None
    panel.close()
    assert bus.transfers == 0


def test_luma_leaves_the_picture_alone_at_exit() -> None:
    bus, time = Bus(), Time()
    panel = a_panel(bus, time)
    panel.draw(IDLE)
    device = panel._device
    panel.close()
    device.cleanup()  # What luma's exit hook calls.
    assert shows(bus, Screen(IDLE.head, IDLE.big), time)


def test_close_of_a_lost_panel_raises_nothing() -> None:
    bus, time = Bus(), Time()
    panel = a_panel(bus, time)
    panel.draw(IDLE)
    bus.plugged = False
    panel.close()
    assert bus.released >= 1


# Other devices ----------------------------------------------------------------------------------------------------


LUMA_DRAWS = {
    "ssd1322": (256, 64),
    "ssd1322_nhd": (128, 64),
    "ssd1325": (128, 64),
    "ssd1327": (128, 128),
    "ssd1331": (96, 64),
    "ssd1351": (128, 128),
    "ssd1362": (256, 64),
    "ssd1363": (256, 128),
}


def test_no_device_of_luma_is_forgotten() -> None:
    """Those that are neither packed here nor drawn by luma have no I2C or SPI."""
    assert set(luma.oled.device.__all__) == {*CHIPS, *LUMA_DRAWS, "ws0010", "winstar_weh"}


# Pillow 13 deprecates Image.getdata(), which luma 3.16 uses for these devices.
@pytest.mark.filterwarnings("ignore:Image.Image.getdata:DeprecationWarning")
@pytest.mark.parametrize("driver", LUMA_DRAWS)
def test_grey_and_colour_devices_are_drawn_by_luma_and_only_when_the_picture_changed(driver: str) -> None:
    bus, time = Bus(), Time()
    width, height = LUMA_DRAWS[driver]
    panel = a_panel(bus, time, driver=driver, width=width, height=height)
    panel.draw(IDLE)
    whole = bus.bytes
    bus.forget()
    panel.draw(IDLE)
    assert bus.bytes == 0
    panel.draw(replace(IDLE, big="0,02"))
    assert 0 < bus.bytes < whole
    bus.plugged = False
    panel.draw(TYPING)
    bus.plugged = True
    bus.forget()
    time.now += RETRY_S[0]
    panel.draw(IDLE)
    assert bus.bytes == whole, "after a fault all of it travels again"
    panel.close()
