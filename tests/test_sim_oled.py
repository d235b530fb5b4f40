"""The virtual panel's controller, byte by byte as the SSD1306's data sheet has it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PIL import Image

from kiosk.sim.oled import SH1106, Oled

# What a module of 128 x 64 is sent before it shows anything (data sheet, application note on the charge pump).
INIT = bytes.fromhex("AE D580 A83F D300 40 8D14 2000 A1 C8 DA12 81CF D9F1 DB40 A4 A6 2E E3 AF")


def an_oled(*more: int, width: int = 128, height: int = 64) -> Oled:
    oled = Oled(width, height)
    oled.feed("command", (*INIT, *more))
    return oled


def lit(image: Image.Image) -> set[tuple[int, int]]:
    def dots() -> Iterator[tuple[int, int]]:
        for y in range(image.height):
            for x in range(image.width):
                if image.getpixel((x, y)):
                    yield x, y

    return set(dots())


def test_it_is_dark_until_it_is_set_up_and_switched_on() -> None:
    oled = Oled()
    oled.feed("command", (0xA1, 0xC8, 0xA5))
    assert lit(oled.image()) == set()
    oled.feed("command", (0xAF,))
    assert lit(oled.image()) == set(), "its charge pump is not on"
    oled.feed("command", (0x8D, 0x14))
    assert len(lit(oled.image())) == 128 * 64


def test_all_of_the_init_sequence_is_known() -> None:
    oled = an_oled()
    assert oled.unknown == []
    assert oled.on
    assert oled.contrast == 0xCF


def test_the_image_is_of_one_bit_and_the_glass_size() -> None:
    image = an_oled(width=96, height=16).image()
    assert (image.mode, image.size) == ("1", (96, 16))


def test_bit_0_of_the_first_byte_is_the_top_left_dot() -> None:
    oled = an_oled()
    oled.feed("data", (0x01, 0x80))
    assert lit(oled.image()) == {(0, 0), (1, 7)}


def test_horizontal_addressing_goes_on_in_the_next_page_and_comes_round() -> None:
    oled = an_oled(0x21, 126, 127, 0x22, 6, 7)
    oled.feed("data", (1, 2, 4, 8, 16))
    assert lit(oled.image()) == {(126, 48 + 4), (127, 48 + 1), (126, 56 + 2), (127, 56 + 3)}


def test_vertical_addressing_goes_down_first() -> None:
    oled = an_oled(0x20, 0x01, 0x21, 3, 4, 0x22, 0, 1)
    oled.feed("data", (1, 1, 1, 1, 2))
    assert lit(oled.image()) == {(3, 1), (3, 8), (4, 0), (4, 8)}


def test_page_addressing_stays_in_its_page() -> None:
    oled = an_oled(0x20, 0x02, 0xB2, 0x0F, 0x17)
    oled.feed("data", (1, 2))
    assert lit(oled.image()) == {(127, 16), (0, 17)}


def test_the_page_mode_commands_do_nothing_in_the_other_modes() -> None:
    oled = an_oled(0xB2, 0x0F, 0x17)
    oled.feed("data", (1,))
    assert lit(oled.image()) == {(0, 0)}


def test_a_window_command_begins_again_at_its_corner() -> None:
    oled = an_oled(0x21, 10, 20, 0x22, 1, 1)
    oled.feed("data", (1, 1))
    oled.feed("command", (0x21, 10, 20))
    oled.feed("data", (2,))
    assert lit(oled.image()) == {(10, 9), (11, 8)}


def test_a_command_may_be_cut_between_transfers() -> None:
    oled = an_oled()
    oled.feed("command", (0x21, 5))
    oled.feed("command", (9,))
    oled.feed("command", (0x81,))
    oled.feed("command", (0x10,))
    oled.feed("data", (1,))
    assert lit(oled.image()) == {(5, 0)}
    assert oled.contrast == 0x10


def test_inversion_shows_the_memory_reversed_and_keeps_it() -> None:
    oled = an_oled(0xA7)
    oled.feed("data", (1,))
    assert oled.inverted
    assert len(lit(oled.image())) == 128 * 64 - 1
    oled.feed("command", (0xA6,))
    assert lit(oled.image()) == {(0, 0)}


def test_all_lit_and_off_and_on_again_keep_the_memory() -> None:
    oled = an_oled(0xA5)
    oled.feed("data", (1,))
    assert len(lit(oled.image())) == 128 * 64
    oled.feed("command", (0xAE,))
    assert lit(oled.image()) == set()
    oled.feed("command", (0xA4, 0xAF))
    assert lit(oled.image()) == {(0, 0)}


def test_unmirrored_rows_and_columns_show_it_upside_down() -> None:
    oled = an_oled(0xA0, 0xC0)
    oled.feed("data", (1,))
    assert lit(oled.image()) == {(127, 63)}


def test_segment_remap_changes_later_bytes_only() -> None:
    """Data sheet, 10.1.8."""
    oled = an_oled()
    oled.feed("data", (1,))
    oled.feed("command", (0xA0,))
    oled.feed("data", (2,))
    assert lit(oled.image()) == {(0, 0), (126, 1)}


def test_the_start_line_scrolls() -> None:
    oled = an_oled(0x40 | 8)
    oled.feed("data", (1,))
    assert lit(oled.image()) == {(0, 56)}


def test_unknown_and_scrolling_commands_are_reported_with_their_parameters() -> None:
    oled = an_oled(0xFF, 0x26, 0, 0, 0, 7, 0, 0xFF, 0x2F, 0x81, 0x33)
    assert oled.unknown == [(0xFF,), (0x26, 0, 0, 0, 7, 0, 0xFF), (0x2F,)]
    assert oled.contrast == 0x33


def test_a_power_cut_forgets_everything() -> None:
    oled = an_oled(0x21, 5)
    oled.feed("data", (0xFF,) * 100)
    oled.reset()
    assert not oled.on
    assert oled.contrast == 0x7F
    oled.feed("command", INIT)
    assert oled.unknown == []
    assert lit(oled.image()) == set()


def test_only_commands_and_data_travel() -> None:
    with pytest.raises(ValueError, match="sound"):
        Oled().feed("sound", (1,))  # type: ignore[arg-type]  # that is the point


def test_an_sh1106_has_132_columns_and_one_mode() -> None:
    oled = Oled(chip=SH1106, first_column=2)
    oled.feed("command", (0xA1, 0xC8, 0xAF, 0xB1, 0x02, 0x10))
    oled.feed("data", (1,) * 128)
    assert lit(oled.image()) == {(x, 8) for x in range(128)}
    oled.feed("command", (0x21,))
    assert oled.unknown == [(0x21,)]
