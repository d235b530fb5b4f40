"""The renderer of tests/epson.py alone, before it reads a ticket of ours.

Two sources of bytes, neither of them this project's printer: examples of Epson's command reference, written out in hex
as it has them, and python-escpos, which has its own author's reading of the same reference.
"""

from __future__ import annotations

import pytest
from escpos.printer import Dummy
from PIL import Image

from tests.epson import Printer, printed
from tests.epson_commands import REFERENCE, Command, CutShort, NotEscPos, Text, read
from tests.epson_paper import TM_U220, Cell, Cut, Graphic, Kick, Line, Model, Printout, bitmap
from tests.epson_picture import EDGE, picture

T88 = Model("TM-T88V")
INIT = b"\x1b@"


def lines(data: bytes, model: Model = T88) -> list[Line]:
    return [item for item in printed(data, model).items if isinstance(item, Line)]


def styles(data: bytes) -> list[str]:
    return [f"{cell.char}: {cell.style}" for line in lines(data) for cell in line.cells]


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("1b 74 00 80 87 a4 9c 0a", "Çç" + "ñ£"),  # page 0, PC437
        ("1b 74 02 c6 e4 b7 0a", "ãõÀ"),  # page 2, PC850
        ("1b 74 03 84 94 8e 0a", "ãõÃ"),  # page 3, PC860, Portuguese
        ("1b 74 10 80 e3 f1 0a", "€ãñ"),  # page 16, WPC1252
        ("1b 74 13 d5 c6 a4 0a", "€ãñ"),  # page 19, PC858: PC850 with the euro
        ("1b 74 28 a4 e3 f1 0a", "€ãñ"),  # page 40, ISO8859-15
        ("1b 52 07 5b 5c 5d 0a", "¡Ñ¿"),  # international set 7, Spain I
        ("1b 52 0c 7c 7d 40 0a", "ñóá"),  # 12, Latin America
        ("1b 52 0c 1b 52 00 7c 7d 40 0a", "|}@"),  # back to the U.S.A.
    ],
)
def test_pages_are_numbered_as_epson_numbers_them(code: str, text: str) -> None:
    out = printed(bytes.fromhex(code), T88)
    assert (out.lines, out.complaints) == ([text], ())


def test_a_page_that_the_printer_has_not_is_a_complaint() -> None:
    small = Model("small", pages={0: "cp437", 2: "cp850"})
    assert printed(b"\x1bt\x02\xc6\n", small).complaints == ()
    assert printed(b"\x1bt\x13\xd5\n", small).complaints == ("offset 0: ESC t: no such value: 13",)
    assert printed(b"\x1bt\x14\xd5\n", T88).complaints[0].startswith("offset 0: ESC t")
    assert printed(b"\x1bt\x27\n\x1bt\x0f\xff\n", T88).complaints == (
        "offset 7: page 15 (iso8859-7) has nothing for ff",
    )


def test_a_chinese_printer_reads_two_bytes_as_one_sign_until_it_is_told_not_to() -> None:
    chinese = Model("cheap", dots=384, chinese=True)
    assert printed(b"\x1bt\x13S\xc6\xc6o\n", chinese).lines == ["S破o"]
    assert printed(b"\x1c.\x1bt\x13S\xc6o\n", chinese).lines == ["São"]
    assert printed(b"\x1c.\x1b@\x1bt\x13\xb0\xa1\n", chinese).lines == ["啊"]  # ESC @ brings it back
    assert printed(b"\x1c&\xb0\xa1\n", T88).lines == ["啊"]


@pytest.mark.parametrize(
    ("code", "looks"),
    [
        (b"\x1b!\x00A\n", "A"),
        (b"\x1b!\x01A\n", "B"),
        (b"\x1b!\x38A\n", "A 2x2 bold"),
        (b"\x1b!\x80A\n", "A under"),
        (b"\x1b!\x38\x1b!\x00A\n", "A"),
        (b"\x1d!\x11A\n", "A 2x2"),
        (b"\x1d!\x70A\n", "A 8x1"),
        (b"\x1d!\x07A\n", "A 1x8"),
        (b"\x1bE\x01A\n", "A bold"),
        (b"\x1bE\x01\x1bE\x00A\n", "A"),
        (b"\x1bE\x03\x1bE\x02A\n", "A"),  # only the lowest bit counts
        (b"\x1bM\x01A\n", "B"),
        (b"\x1bM1\x1bM0A\n", "A"),
        (b"\x1b-\x02A\n", "A under"),
        (b"\x1dB\x01A\n", "A inverse"),
        (b"\x1b{\x01A\n", "A upside-down"),
        (b"\x1b!\x38\x1b@A\n", "A"),
    ],
)
def test_the_looks_of_a_letter(code: bytes, looks: str) -> None:
    assert styles(code) == [f"A: {looks}"]


def test_a_line_that_is_too_long_is_broken_where_the_paper_ends() -> None:
    fits, breaks = lines(b"x" * 42 + b"\n"), lines(b"x" * 43 + b"\n")
    assert [(line.text, line.wrapped) for line in fits] == [("x" * 42, False)]
    assert [(line.text, line.wrapped) for line in breaks] == [("x" * 42, True), ("x", False)]
    assert [len(line.text) for line in lines(b"\x1d!\x10" + b"x" * 22 + b"\n")] == [21, 1]
    assert [len(line.text) for line in lines(b"\x1bM\x01" + b"x" * 57 + b"\n")] == [56, 1]
    assert [len(line.text) for line in lines(b"\x1dW\x80\x01" + b"x" * 33 + b"\n")] == [32, 1]  # 384 dots
    assert [len(line.text) for line in lines(b"\x1b \x0c" + b"x" * 22 + b"\n")] == [21, 1]  # 12 dots between
    assert "WRAPPED" in str(printed(b"x" * 43 + b"\n", T88))


def test_a_font_of_another_printer_has_other_cells() -> None:
    assert [len(line.text) for line in lines(b"x" * 41 + b"\n\x1b!\x00" + b"x" * 34 + b"\n", TM_U220)] == [40, 1, 33, 1]


def test_where_a_line_stands() -> None:
    left, centre, right = lines(b"ab\n\x1ba\x01ab\n\x1ba\x02ab\n")
    assert (left.left, centre.left, right.left) == (0, 244, 488)
    assert lines(b"\x1dL\x18\x00ab\n")[0].left == 24
    assert [line.text for line in lines(b"a\tb\n")] == ["a b"]
    assert [sum(cell.width for cell in line.cells) for line in lines(b"a\tb\n\x1bD\x14\x00a\tb\n")] == [108, 252]
    assert printed(b"ab\x1ba\x01\n", T88).complaints == ("offset 2: ESC a: in the middle of a line",)


def test_feeds_are_blank_lines_and_a_height() -> None:
    assert [line.text for line in lines(b"a\n\nb\x1bd\x03c\n")] == ["a", "", "b", "", "", "c"]
    assert [line.height for line in lines(b"a\n\x1b3\x50a\n\x1b2a\n\x1d!\x03a\n\x1d!\x00\x1bJ\x7f")] == [
        30,
        80,
        30,
        96,
        127,
    ]


def test_what_never_comes_out_is_a_complaint() -> None:
    assert printed(b"abc", T88).complaints == ("at the end: never printed, no line feed: 'abc'",)
    assert printed(b"abc\x1b@d\n", T88).complaints == ("offset 3: ESC @: text lost: 'abc'",)
    assert printed(b"abc\x1dV\x00\n", T88).complaints == ("offset 3: GS V: in the middle of a line",)
    assert printed(b"\x1dV\x00", Model("none", cutter=False)).complaints == ("offset 0: GS V: none has no cutter",)
    assert printed(b"\x1d!\x11a\n", Model("old", lacks=frozenset({"GS !"}))).complaints == (
        "offset 0: GS !: old has no such command",
    )
    assert printed(b"abc\r\n\x00\x00\x10\x04\x01\x1dV\x41\x03", T88).complaints == ()


def test_cuts_and_the_drawer() -> None:
    assert printed(b"\x1dV\x00\x1dV1\x1dVB\x10\x1bp\x00\x19\xfa\x1bp1\x32\x32", T88).items == (
        Cut(False),
        Cut(True),
        Cut(True, 16),
        Kick(2, 50, 500),
        Kick(5, 100, 100),
    )


def qr(text: bytes, size: int = 4, level: int = 49) -> bytes:
    """The five functions of GS ( k, as the reference's sample program for QR sends them."""
    store = (3 + len(text)).to_bytes(2, "little")
    parts = (b"\x1d(k\x04\x00\x31\x41\x32\x00", b"\x1d(k\x03\x00\x31\x43" + bytes([size]))
    more = (b"\x1d(k\x03\x00\x31\x45" + bytes([level]), b"\x1d(k" + store + b"\x31\x50\x30" + text)
    return b"".join((*parts, *more, b"\x1d(k\x03\x00\x31\x51\x30"))


def test_a_qr_symbol_says_what_was_stored_and_is_as_wide_as_its_modules() -> None:
    out = printed(qr(b"K-0001-ABCDEF"), T88)
    (symbol,) = out.items
    assert isinstance(symbol, Graphic)
    assert (symbol.kind, symbol.content, len(symbol.dots), out.complaints) == ("QR", "K-0001-ABCDEF", 84, ())
    assert all(all(row[:28]) for row in symbol.dots[:4])  # the finder's upper edge: seven black modules of four dots
    assert printed(qr(b"x" * 300, size=8), Model("narrow", dots=384)).complaints == (
        "offset 333: GS ( k: 552 dots wide on 384",
    )


def test_pictures_by_three_commands_show_the_same_dots() -> None:
    raster = b"\x1dv0\x00\x02\x00\x02\x00\xf0\x0f\x81\x01"
    stored = b"\x1d(L\x0e\x00\x30\x70\x30\x01\x01\x31\x10\x00\x02\x00\xf0\x0f\x81\x01" + b"\x1d(L\x02\x00\x30\x32"
    columns = b"\x1b*\x21\x02\x00\xff\x00\x00\x00\x00\x01\n"
    (one,), (two,), (three,) = (printed(data, T88).items for data in (raster, stored, columns))
    assert isinstance(one, Graphic)
    assert one == two
    assert one.dots == bitmap(b"\xf0\x0f\x81\x01", 2)
    assert [sum(row) for row in one.dots] == [8, 3]
    assert isinstance(three, Line)
    assert [[sum(cell.dots[row]) for row in (0, 7, 8, 23)] for cell in three.cells] == [[1, 1, 0, 1]]
    wide = printed(b"\x1dv0\x01\x21\x00\x01\x00" + b"\xff" * 33, T88)  # 264 dots, each two wide
    assert wide.complaints == ("offset 0: GS v 0: 528 dots wide on 512",)


@pytest.mark.parametrize(
    "code", ["1b 7a", "1d 56 02", "1f", "07", "1d 76 31", "10 04 09", "1b 2a 05 01 00 00", "1d 6b 20", "1c 7a 01", "7f"]
)
def test_bytes_of_no_page_are_an_error_with_their_place(code: str) -> None:
    data = b"ok" + bytes.fromhex(code) + b"and more"
    with pytest.raises(NotEscPos, match=r"^offset 2: .*(no command|no such form)"):
        list(read(data))
    out = Printer(T88, forgiving=True).feed(data + b"\n").printout()
    assert out.lines[-1].startswith("ok")
    assert out.complaints[0].startswith("offset 2: nothing")


@pytest.mark.parametrize("cut", range(2, 20))
def test_a_command_that_stops_half_way_is_an_error(cut: int) -> None:
    whole = b"ok" + b"\x1dv0\x00\x02\x00\x05\x00" + b"\xf0" * 10
    assert [type(token) for token in read(whole)] == [Text, Command]
    if cut == 2:
        assert list(read(whole[:2])) == [Text(0, b"ok")]
        return
    with pytest.raises(CutShort, match=r"^offset 2: .*cut short"):
        list(read(whole[:cut], forgiving=True))


def test_the_reference_is_whole_where_tickets_are_made_of_it() -> None:
    """Every command keeps to its own bytes: text after it is text again."""
    for name, size in REFERENCE.items():
        prefix = {"DLE": b"\x10", "ESC": b"\x1b", "FS": b"\x1c", "GS": b"\x1d"}[name.split(" ", 1)[0]]
        if isinstance(size, int):
            tokens = list(read(prefix + name.split(" ", 1)[1].encode() + b"\x01" * size + b"then"))
            assert [type(token) for token in tokens] == [Command, Text], name


class TestPythonEscpos:
    """Bytes of a second author, commands and options that our tickets may never use."""

    def dummy(self) -> Dummy:
        dummy = Dummy(profile="TM-T88V")
        dummy.hw("INIT")
        return dummy

    def out(self, dummy: Dummy) -> Printout:
        out = printed(dummy.output, T88)
        assert out.complaints == ()
        return out

    def test_text_in_whatever_pages_it_chose(self) -> None:
        dummy = self.dummy()
        for line in ("Pão de queijo, açaí", "Ñandú: ¿cuánto? ¡2500!", "€ 12,50 und ß", "Łódź, žluťoučký", "Привет"):
            dummy.textln(line)
        assert self.out(dummy).lines == [
            *("Pão de queijo, açaí", "Ñandú: ¿cuánto? ¡2500!", "€ 12,50 und ß", "Łódź, žluťoučký", "Привет")
        ]

    def test_its_settings(self) -> None:
        dummy = self.dummy()
        dummy.set(align="center", bold=True, custom_size=True, width=3, height=2, invert=True)
        dummy.textln("big")
        dummy.set_with_default(font="b", underline=1, align="right", flip=True)
        dummy.textln("small")
        dummy.set_with_default(double_height=True)
        dummy.textln("plain")
        big, small, plain = (item for item in self.out(dummy).items if isinstance(item, Line))
        assert (str(big.cells[0].style), str(small.cells[0].style), str(plain.cells[0].style)) == (
            *("A 3x2 bold inverse", "B under upside-down", "A 1x2"),
        )
        assert (big.left, small.left, plain.left) == ((512 - 3 * 36) // 2, 512 - 5 * 9, 0)

    def test_graphics_cut_and_drawer(self) -> None:
        dummy, square = self.dummy(), Image.new("1", (24, 24), 0)
        dummy.qr("https://example.org/ação", native=True, size=5)
        dummy.image(square, impl="bitImageRaster")
        dummy.image(square, impl="graphics")
        dummy.image(square, impl="bitImageColumn")
        dummy.line_spacing(40)
        dummy.cashdraw(2)
        dummy.cut()
        out = self.out(dummy)
        symbol, raster, stored = (item for item in out.items if isinstance(item, Graphic))
        assert symbol.content == "https://example.org/ação"
        assert raster.dots == stored.dots == ((True,) * 24,) * 24
        (strip,) = (c for item in out.items if isinstance(item, Line) for c in item.cells if isinstance(c, Cell))
        assert strip.dots == raster.dots
        assert [type(item) for item in out.items if isinstance(item, Cut | Kick)] == [Kick, Cut]


def test_the_picture_shows_the_letters_where_they_stand() -> None:
    out = printed(b"\x1ba\x02\x1bt\x13\xc6\n" + qr(b"K-1"), T88)
    image = picture(out)
    assert image.width == 512 + 2 * EDGE
    assert image.crop((EDGE, EDGE, EDGE + 500, EDGE + 30)).getextrema() == (255, 255)
    letter = image.crop((EDGE + 500, EDGE, EDGE + 512, EDGE + 24))
    bare = picture(printed(b"\x1ba\x02a\n", T88)).crop((EDGE + 500, EDGE, EDGE + 512, EDGE + 24))
    assert letter.getextrema()[0] == 0
    assert letter.tobytes() != bare.tobytes()  # the tilde is there
    assert picture(Printer(T88).feed(b"\n").printout()).getextrema() == (255, 255)
