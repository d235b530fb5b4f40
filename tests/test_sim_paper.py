"""The virtual counter's paper: its text, its tickets, its picture."""

from __future__ import annotations

import pytest
from PIL import Image, ImageChops

from kiosk.sim.paper import Roll


def roll(data: bytes, columns: int = 42) -> Roll:
    paper = Roll(columns)
    paper.feed(data)
    return paper


def ink(image: Image.Image) -> tuple[int, int, int, int] | None:
    """The box that holds everything printed."""
    return ImageChops.difference(image, Image.new("RGB", image.size, image.getpixel((0, 0)))).getbbox()


def black(image: Image.Image) -> int:
    """How many pixels are inked."""
    return sum(image.convert("L").point(lambda level: level < 128).histogram()[1:])


def picture(data: bytes, columns: int = 42) -> Image.Image:
    return roll(data, columns).image()


def test_text_is_what_a_person_reads() -> None:
    data = b"\x1b@\x1bt\x13\x1b!\x30TOTAL\n\x1b!\x00caf\x82  \n\n\x1ba\x01ab\n\x1ba\x02ab\n\x1ba\x00"
    data += b"\x1bd\x06\x1dV\x00next\n"
    assert roll(data, 10).text() == "TOTAL\ncafé\n\n    ab\n        ab\n- - - - -\nnext\n"


def test_letters_without_their_line_end_are_not_on_paper_yet() -> None:
    paper = roll(b"half")
    assert paper.text() == ""
    paper.feed(b" a line\n")
    assert paper.text() == "half a line\n"


def test_tickets_are_what_lies_between_the_cuts_and_blank_paper_is_none() -> None:
    data = b"one\n\x1bd\x06\x1dV\x00" + b"\n\x1bd\x06\x1dV\x00" + b"two\ntwo\n\x1dVB\x05" + b"three\n"
    assert roll(data).tickets() == ["one\n", "two\ntwo\n", "three\n"]
    assert Roll().tickets() == []


def test_pictures_and_qr_codes_are_named_in_the_text() -> None:
    data = b"\x1dv0\x00\x01\x00\x02\x00\xff\xff" + b"\x1d(k\x06\x001P0abc\x1d(k\x03\x001Q0"
    assert roll(data).text() == "[picture 8x2]\n[QR abc]\n"


def test_drawer_pulses_are_counted_and_unknown_commands_kept() -> None:
    paper = roll(b"\x1bp\x00\x19\xfa\x1bp\x01\x19\xfa\x1b~")
    assert (paper.pulses, paper.unknown) == (2, [b"\x1b~"])


def test_clear_takes_the_paper_away_and_leaves_the_printer_as_it_is() -> None:
    paper = roll(b"\x1bt\x13old\n\x1b~")
    paper.clear()
    assert (paper.text(), paper.tickets(), paper.unknown) == ("", [], [])
    paper.feed(b"\xd5\n")
    assert paper.text() == "€\n"


@pytest.mark.parametrize(("columns", "width"), [(42, 576), (32, 456), (48, 648)])
def test_the_picture_is_as_wide_as_the_paper(columns: int, width: int) -> None:
    image = picture(b"x" * columns + b"\n", columns)
    assert image.width == width
    box = ink(image)
    assert box is not None
    assert 36 <= box[0] < 42
    assert width - 42 < box[2] <= width - 36


def test_the_picture_grows_with_what_is_printed() -> None:
    empty = Roll().image()
    assert ink(empty) is None
    assert picture(b"x\n").height == empty.height + 30
    assert picture(b"\x1d!\x11x\n").height == empty.height + 48
    assert picture(b"\x1bJ\x64").height == empty.height + 100


def test_every_style_looks_different() -> None:
    commands = [b"", b"\x1bE\x01", b"\x1bM\x01", b"\x1b-\x01", b"\x1dB\x01", b"\x1b!\x10", b"\x1b!\x20", b"\x1b!\x30"]
    pictures = {picture(command + "São".encode("cp437", "replace") + b"\n").tobytes() for command in commands}
    assert len(pictures) == len(commands)


def test_double_size_takes_double_room_and_bold_takes_more_ink() -> None:
    plain, double = ink(picture(b"HH\n")), ink(picture(b"\x1d!\x11HH\n"))
    assert plain is not None
    assert double is not None
    assert double[2] - double[0] == pytest.approx(2 * (plain[2] - plain[0]), abs=3)
    assert double[3] - double[1] == pytest.approx(2 * (plain[3] - plain[1]), abs=3)
    assert black(picture(b"\x1bE\x01HH\n")) > 1.2 * black(picture(b"HH\n"))


@pytest.mark.parametrize(("align", "left"), [(0, 36), (1, 36 + (504 - 24) // 2), (2, 36 + 504 - 24)])
def test_alignment_moves_letters_pictures_and_codes(align: int, left: int) -> None:
    aligned = b"\x1ba" + bytes([align])
    letters = ink(picture(aligned + b"HH\n"))
    assert letters is not None
    assert left <= letters[0] <= left + 3
    bits = ink(picture(aligned + b"\x1dv0\x00\x03\x00\x01\x00\xff\xff\xff"))
    assert bits == (left, 24, left + 24, 25)


def test_a_raster_picture_is_drawn_dot_by_dot() -> None:
    image = picture(b"\x1dv0\x00\x01\x00\x02\x00\x81\x18").convert("L").point(lambda level: level < 128)
    rows = [[bool(image.getpixel((36 + x, 24 + y))) for x in range(8)] for y in range(2)]
    assert rows == [[bit == "1" for bit in f"{byte:08b}"] for byte in (0x81, 0x18)]
    assert ink(picture(b"\x1dv0\x03\x01\x00\x01\x00\xff")) == (36, 24, 52, 26)


def test_a_qr_code_is_drawn_with_its_finder_patterns() -> None:
    """Version 1 has 21 modules; three corners hold a square ring of seven (ISO/IEC 18004)."""
    image = picture(b"\x1d(k\x03\x001C\x04\x1d(k\x06\x001P0abc\x1d(k\x03\x001Q0")
    middles = image.convert("L").crop((36, 24, 36 + 84, 24 + 84)).resize((21, 21), Image.Resampling.NEAREST)
    levels = middles.tobytes()
    dark = [[levels[21 * y + x] < 128 for x in range(21)] for y in range(21)]
    finder = ["1111111", "1000001", "1011101", "1011101", "1011101", "1000001", "1111111"]
    for top, left in ((0, 0), (0, 14), (14, 0)):
        assert ["".join("01"[dark[top + y][left + x]] for x in range(7)) for y in range(7)] == finder
    assert ink(image) == (36, 24, 36 + 84, 24 + 84)


def test_the_cut_is_seen() -> None:
    assert ink(picture(b"\x1dV\x00")) is not None


def test_only_the_newest_paper_is_drawn_and_all_of_it_is_read() -> None:
    paper = Roll()
    for number in range(1000):
        paper.feed(b"%d\n" % number)
    assert paper.text().count("\n") == 1000
    assert paper.image().height <= 16_100
    last = paper.image().crop((0, paper.image().height - 54, 576, paper.image().height))
    assert ImageChops.difference(last, picture(b"999\n").crop((0, 24, 576, 78))).getbbox() is None
