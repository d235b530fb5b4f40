"""Commands of Epson's ESC/POS reference, each with what a printer does."""

from __future__ import annotations

import pytest

from kiosk.sim.printhead import Cut, Feed, Item, Line, Picture, PrintHead, Pulse, Qr, Style


def printed(data: bytes, dots: int = 504) -> list[Item]:
    head = PrintHead(dots)
    head.feed(data)
    assert head.unknown == []
    return head.items


def style_after(commands: bytes) -> Style:
    (line,) = printed(commands + b"x\n")
    assert isinstance(line, Line)
    return line.letters[0][1]


@pytest.mark.parametrize(
    ("commands", "style"),
    [
        (b"", Style()),
        (b"\x1bE\x01", Style(bold=True)),
        (b"\x1bE\x01\x1bE\x00", Style()),
        (b"\x1bG\x01", Style(bold=True)),
        (b"\x1bM\x01", Style(small=True)),
        (b"\x1bM1\x1bM0", Style()),
        (b"\x1b-\x01", Style(underlined=True)),
        (b"\x1dB\x01", Style(reverse=True)),
        (b"\x1b!\x30", Style(wide=2, high=2)),
        (b"\x1b!\x20", Style(wide=2)),
        (b"\x1b!\x10", Style(high=2)),
        (b"\x1b!\x89", Style(small=True, bold=True, underlined=True)),
        (b"\x1bE\x01\x1bM\x01\x1b!\x00", Style()),  # ESC ! sets them all
        (b"\x1d!\x11", Style(wide=2, high=2)),
        (b"\x1d!\x72", Style(wide=8, high=3)),
        (b"\x1b!\x38\x1dB\x01\x1b@", Style()),
    ],
)
def test_letter_styles(commands: bytes, style: Style) -> None:
    assert style_after(commands) == style


@pytest.mark.parametrize(
    ("table", "byte", "letter"),
    [
        (0, 0x82, "é"),
        (2, 0xC6, "ã"),
        (3, 0x84, "ã"),
        (19, 0xD5, "€"),
        (16, 0x80, "€"),
        (16, 0xE3, "ã"),
        (40, 0xA4, "€"),
    ],
)
def test_code_tables(table: int, byte: int, letter: str) -> None:
    (line,) = printed(b"\x1bt" + bytes([table, byte]) + b"\n")
    assert isinstance(line, Line)
    assert line.text == letter


def test_initialize_goes_back_to_the_first_code_table_and_drops_the_line() -> None:
    (line,) = printed(b"\x1bt\x13\x1ba\x01half a line\x1b@\x9b\n")
    assert line == Line((("¢", Style()),), 0, 30)


def test_lines_feeds_and_spacing() -> None:
    assert printed(b"\n\x1bd\x03\x1bJ\x10\x1b3\x32\n\x1b2\n") == [
        Line((), 0, 30),
        Feed(90),
        Feed(16),
        Line((), 0, 50),
        Line((), 0, 30),
    ]
    line, feed = printed(b"x\x1bd\x03")
    assert isinstance(line, Line)
    assert line.text == "x"
    assert feed == Feed(60)


def test_a_line_is_as_high_as_its_tallest_letter() -> None:
    (line,) = printed(b"a\x1d!\x11b\n")
    assert isinstance(line, Line)
    assert (line.width, line.height) == (36, 48)


def test_a_text_that_is_too_wide_goes_on_in_the_next_line() -> None:
    lines = printed(b"abcdef\n", dots=48)
    assert [line.text for line in lines if isinstance(line, Line)] == ["abcd", "ef"]


@pytest.mark.parametrize(("command", "align"), [(b"\x1ba\x01", 1), (b"\x1ba2", 2), (b"\x1ba1\x1ba\x00", 0)])
def test_alignment(command: bytes, align: int) -> None:
    (line,) = printed(command + b"x\n")
    assert isinstance(line, Line)
    assert line.align == align


@pytest.mark.parametrize("command", [b"\x1dV\x00", b"\x1dV\x01", b"\x1dV0", b"\x1dV1"])
def test_cuts(command: bytes) -> None:
    assert printed(command) == [Cut()]


@pytest.mark.parametrize("command", [b"\x1dVA\x0a", b"\x1dVB\x0a"])
def test_cuts_that_feed_first(command: bytes) -> None:
    assert printed(command) == [Feed(10), Cut()]


def test_a_raster_picture() -> None:
    bits = bytes(range(6))
    assert printed(b"\x1ba\x01\x1dv0\x03\x02\x00\x03\x00" + bits) == [Picture(bits, 16, 3, 2, 2, 1)]
    assert printed(b"\x1dv00\x00\x00\x00\x00") == []


def test_a_qr_code() -> None:
    commands = (
        b"\x1d(k\x04\x001A2\x00" + b"\x1d(k\x03\x001C\x05" + b"\x1d(k\x03\x001E1" + b"\x1d(k\x06\x001P0abc"
        b"\x1d(k\x03\x001Q0"
    )
    assert printed(commands) == [Qr(b"abc", 1, 5, 0)]


def test_the_drawer() -> None:
    assert printed(b"\x1bp\x0022") == [Pulse()]


def test_what_prints_nothing() -> None:
    assert printed(b"\x00\x00\r\x10\x04\x01\x10\x04\x04\x10\x05\x02\x1c.\x18") == []


@pytest.mark.parametrize(
    "command",
    [
        b"\x1b~",
        b"\x1dZ",
        b"\x1c\x30",
        b"\x1dV\x07",
        b"\x1ba\x07",
        b"\x1d(k\x03\x002Q0",
        b"\x1d(L\x02\x0002",
        b"\x10\xff",
    ],
)
def test_an_unknown_command_is_kept_and_what_follows_is_printed(command: bytes) -> None:
    head = PrintHead(504)
    head.feed(command + b"x\n")
    assert head.unknown == [command]
    assert [line.text for line in head.items if isinstance(line, Line)] == ["x"]


def test_an_unknown_code_table_shows_as_unreadable_letters() -> None:
    head = PrintHead(504)
    head.feed(b"\x1bt\x63caf\xe9\n")
    assert head.unknown == [b"\x1bt\x63"]
    assert [line.text for line in head.items if isinstance(line, Line)] == ["caf\ufffd"]


def test_commands_may_come_cut_anywhere() -> None:
    data = (
        b"\x1b@\x1bt\x13\x1b!\x30S\xc6o\n\x1dv0\x00\x01\x00\x02\x00\x1b@\x1d(k\x06\x001P0abc\x1d(k\x03\x001Q0\x1dVB\x05"
    )
    whole = printed(data)
    for cut in range(len(data)):
        head = PrintHead(504)
        head.feed(data[:cut])
        head.feed(data[cut:])
        assert head.items == whole
    head = PrintHead(504)
    for byte in data:
        head.feed(bytes([byte]))
    assert head.items == whole


def test_a_command_that_was_cut_off_swallows_what_follows() -> None:
    """Why a retry begins with zeros: without them the new ticket's beginning is taken for the rest of the picture."""
    assert printed(b"\x1dv0\x00\x01\x00\x08\x00\x1b@ticket\n") == [
        Picture(b"\x1b@ticket", 8, 8, 1, 1, 0),
        Line((), 0, 30),
    ]
