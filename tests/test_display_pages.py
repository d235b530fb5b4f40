"""The packer: what it sends turns one picture into the next, and costs little. luma's own drivers are the reference."""

from __future__ import annotations

import luma.oled.device
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from kiosk.display.pages import CHIPS, Window, first_column, pack, updates

COLUMNS, PAGES = 24, 4
MEMORY = st.binary(min_size=COLUMNS * PAGES, max_size=COLUMNS * PAGES)

SIZES = {
    "ssd1305": [(128, 64), (128, 32)],
    "ssd1306": [(128, 64), (128, 32), (96, 16), (64, 48), (64, 32)],
    "ssd1309": [(128, 64), (128, 32)],
    "ssd1315": [(128, 64), (128, 32)],
    "ssd1316": [(128, 64), (128, 32)],
    "sh1106": [(128, 128), (128, 64), (128, 32)],
    "sh1107": [(64, 128), (80, 128), (128, 128)],
    "ch1115": [(128, 64)],
}


class Listener:
    """A bus that keeps what luma says, from the moment that ``told`` is emptied."""

    def __init__(self) -> None:
        self.told: list[tuple[int, ...]] = []

    def command(self, *cmd: int) -> None:
        self.told.append(cmd)

    def data(self, data: list[int]) -> None:
        self.told.append(tuple(data))

    def cleanup(self) -> None:
        pass


def test_every_packed_driver_is_compared() -> None:
    assert set(SIZES) == set(CHIPS)


# Pillow 13 deprecates Image.getdata(), which luma 3.16's own drivers use; here they are the reference.
@pytest.mark.filterwarnings("ignore:Image.Image.getdata:DeprecationWarning")
@pytest.mark.parametrize(("driver", "size"), [(driver, size) for driver, sizes in SIZES.items() for size in sizes])
def test_a_whole_picture_travels_as_luma_sends_it(driver: str, size: tuple[int, int]) -> None:
    """Same columns, same pages, same bytes, for each size that luma knows."""
    image = Image.effect_noise(size, 100).convert("1")
    bus = Listener()
    device = getattr(luma.oled.device, driver)(bus, width=size[0], height=size[1])
    device.persist = True
    bus.told.clear()
    device.display(image)

    ours: list[tuple[int, ...]] = []
    for window, content in updates(None, pack(image), size[0], CHIPS[driver]):
        ours += [CHIPS[driver].address(window, first_column(driver, *size)), tuple(content)]

    assert [sorted(message) for message in ours[::2]] == [sorted(message) for message in bus.told[::2]]
    assert ours[1::2] == bus.told[1::2]


def test_the_top_row_is_in_bit_0_and_pages_follow_each_other() -> None:
    image = Image.new("1", (16, 16))
    for dot in ((0, 0), (1, 7), (2, 8)):
        image.putpixel(dot, 1)
    content = pack(image)
    assert (content[0], content[1], content[16 + 2]) == (0x01, 0x80, 0x01)
    assert sum(map(bool, content)) == 3


@given(old=MEMORY, new=MEMORY, driver=st.sampled_from(["ssd1306", "sh1106"]))
@settings(max_examples=60, deadline=None)
def test_written_over_the_old_memory_the_windows_make_the_new_one(old: bytes, new: bytes, driver: str) -> None:
    chip = CHIPS[driver]
    memory = bytearray(old)
    for window, content in updates(old, new, COLUMNS, chip):
        assert chip.tall or window.top == window.bottom
        assert len(content) == window.size
        width = window.right - window.left + 1
        for i, page in enumerate(range(window.top, window.bottom + 1)):
            start = page * COLUMNS + window.left
            memory[start : start + width] = content[i * width : (i + 1) * width]
    assert bytes(memory) == new


@given(old=MEMORY)
@settings(max_examples=20, deadline=None)
def test_nothing_travels_for_an_equal_picture(old: bytes) -> None:
    assert list(updates(old, old, COLUMNS, CHIPS["ssd1306"])) == []


@given(old=MEMORY, new=MEMORY, driver=st.sampled_from(["ssd1306", "sh1106"]))
@settings(max_examples=60, deadline=None)
def test_no_update_costs_more_than_the_whole_picture(old: bytes, new: bytes, driver: str) -> None:
    chip = CHIPS[driver]

    def cost(from_memory: bytes | None) -> int:
        return sum(window.size + chip.overhead for window, _ in updates(from_memory, new, COLUMNS, chip))

    assert cost(old) <= cost(None)


def test_far_columns_travel_apart_and_near_ones_together() -> None:
    chip, old = CHIPS["ssd1306"], bytes(128)
    far, near = bytearray(old), bytearray(old)
    far[0] = far[chip.overhead + 2] = near[0] = near[chip.overhead + 1] = 1
    assert [window for window, _ in updates(old, bytes(far), 128, chip)] == [Window(0, 0, 0, 0), Window(10, 10, 0, 0)]
    assert [window for window, _ in updates(old, bytes(near), 128, chip)] == [Window(0, 9, 0, 0)]


def test_a_digit_over_three_pages_is_one_window_where_the_chip_has_windows() -> None:
    old, new = bytes(128 * 3), bytearray(128 * 3)
    for page in range(3):
        new[page * 128 + 40 : page * 128 + 58] = b"\xff" * 18
    assert [w for w, _ in updates(old, bytes(new), 128, CHIPS["ssd1306"])] == [Window(40, 57, 0, 2)]
    assert [w for w, _ in updates(old, bytes(new), 128, CHIPS["sh1106"])] == [Window(40, 57, p, p) for p in range(3)]


def test_a_window_grows_over_several_small_runs_below_it_where_that_is_cheaper() -> None:
    """The feet of a zero, which a digit leaves in the next page: 18 bytes instead of two windows of 4 + 8."""
    old, new = bytes(128 * 2), bytearray(128 * 2)
    new[40:58] = b"\xff" * 18
    new[128 + 40 : 128 + 44] = new[128 + 54 : 128 + 58] = b"\xff" * 4
    assert [w for w, _ in updates(old, bytes(new), 128, CHIPS["ssd1306"])] == [Window(40, 57, 0, 1)]
    new[128 + 54 : 128 + 58] = bytes(4)
    assert [w for w, _ in updates(old, bytes(new), 128, CHIPS["ssd1306"])] == [
        Window(40, 57, 0, 0),
        Window(40, 43, 1, 1),
    ]


def test_an_unchanged_page_between_two_changed_ones_travels_where_that_is_cheaper() -> None:
    old, new = bytes(128 * 3), bytearray(128 * 3)
    new[40] = new[256 + 40] = 1
    assert [w for w, _ in updates(old, bytes(new), 128, CHIPS["ssd1306"])] == [Window(40, 40, 0, 2)]
    new[256 + 40 : 256 + 60] = b"\xff" * 20
    assert [w for w, _ in updates(old, bytes(new), 128, CHIPS["ssd1306"])] == [
        Window(40, 40, 0, 0),
        Window(40, 59, 2, 2),
    ]
