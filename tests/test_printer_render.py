"""Tickets as bytes: what python-escpos makes of them, read back by our own printer head and by the library's tables.

The goldens in ``golden/tickets`` are what a person reads on paper; to renew one, delete it and run this file twice.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from escpos.capabilities import CAPABILITIES, get_profile
from escpos.magicencode import Encoder
from PIL import Image

from kiosk.config import PrinterConfig
from kiosk.printer.render import FILLER, Renderer
from kiosk.printer.transport import PrinterError
from kiosk.sale.events import Paper
from kiosk.sale.records import Mark, Ticket, TicketLine
from kiosk.sim.paper import Roll
from kiosk.sim.printhead import Line, Picture, PrintHead, Qr
from tests.printers import SAMPLE, WORDS

PLAIN = PrinterConfig()


def bytes_of(settings: PrinterConfig = PLAIN, ticket: Ticket = SAMPLE, marks: tuple[Mark, ...] = ()) -> bytes:
    return Renderer(settings, WORDS).printout(ticket, marks).data


def roll_of(data: bytes, columns: int = 42) -> Roll:
    roll = Roll(columns)
    roll.feed(data)
    assert roll.unknown == []
    return roll


def head_of(data: bytes) -> PrintHead:
    head = PrintHead(504)
    head.feed(data)
    assert head.unknown == []
    return head


def one_line(text: str) -> Ticket:
    return Ticket((TicketLine(text),))


def png(path: Path, width: int, height: int) -> str:
    Image.new("1", (width, height)).save(path)
    return str(path)


@pytest.mark.parametrize("columns", [42, 32])
def test_the_sample_is_the_golden_one(columns: int, root: Path) -> None:
    text = roll_of(bytes_of(replace(PLAIN, columns=columns), marks=(Mark.COPY,)), columns).text()
    golden = root / "tests" / "golden" / "tickets" / f"sample-{columns}.txt"
    if not golden.exists():
        golden.write_text(text, encoding="utf-8")
        pytest.fail(f"{golden} is new: read it")
    assert text == golden.read_text(encoding="utf-8")


def test_a_ticket_begins_with_reset_kanji_off_and_its_page_and_never_changes_the_page() -> None:
    data = bytes_of()
    assert data.startswith(b"\x1b@\x1c.\x1bt\x13")
    assert data.count(b"\x1b@") == data.count(b"\x1bt") == 1
    assert data.endswith(b"\n\x1bd\x06\x1dV\x00")


@pytest.mark.parametrize(("page", "number"), [("CP858", 19), ("CP850", 2), ("CP860", 3), ("CP1252", 16), ("cp437", 0)])
def test_letters_are_those_of_the_page_by_the_librarys_own_table(page: str, number: int) -> None:
    text = "ÁÉÍÓÚ áéíóú âêô ãõ ç ñ ¿¡ R$ S/ €"
    data = bytes_of(replace(PLAIN, code_page=page), one_line(text))
    assert b"\x1bt" + bytes([number]) in data
    table = Encoder(get_profile("default").get_code_pages())._get_codepage_char_list(page.upper())
    line = re.search(rb"\x1bM\x00([^\n\x1b]*)\n", data)
    assert line is not None
    decoded = "".join(chr(byte) if byte < 128 else table[byte - 128] for byte in line[1])
    assert roll_of(data).text().splitlines()[0] == decoded
    kept = [letter for letter in text if letter in table or letter.isascii()]
    assert set(kept) <= set(decoded)
    assert "?" not in decoded.replace("¿", "") or "¿" not in table


def test_the_default_page_has_all_that_portuguese_and_spanish_need() -> None:
    text = "café São João ação ÃÕÇ Ñandú ¿? ¡! 5 €"
    assert roll_of(bytes_of(ticket=one_line(text))).text().splitlines()[0] == text


def test_nothing_in_a_text_is_a_command() -> None:
    data = bytes_of(ticket=Ticket((TicketLine("a\x1b@b\x1dV\x00\x10\x04\x01c\nd", "\x1bE\x01e"), TicketLine("咖啡"))))
    assert roll_of(data).text().splitlines()[:2] == ["a@bVc d" + "Ee".rjust(35), "??"]
    assert data.count(b"\x1dV") == 1


def test_marks_stand_at_head_and_foot_bold_in_normal_width_unbroken() -> None:
    marks = (Mark.TRAINING, Mark.POSSIBLE_DUPLICATE)
    head = head_of(bytes_of(marks=marks))
    lines = [item for item in head.items if isinstance(item, Line)]
    said = [line.text.strip() for line in lines]
    assert said[:3] == [WORDS[Mark.TRAINING], WORDS[Mark.POSSIBLE_DUPLICATE], ""]
    assert said[-3:] == ["", WORDS[Mark.TRAINING], WORDS[Mark.POSSIBLE_DUPLICATE]]
    for line in (lines[0], lines[1], lines[-2], lines[-1]):
        assert all(style.bold and style.wide == 1 and not style.small for _, style in line.letters)


def test_a_paper_without_marks_says_none_of_them() -> None:
    text = roll_of(bytes_of()).text()
    assert not any(words in text for words in WORDS.values())
    assert text.splitlines()[0].strip() == "Padaria São João"


def test_a_mark_without_words_still_shows() -> None:
    data = Renderer(PLAIN, {}).printout(SAMPLE, (Mark.POSSIBLE_DUPLICATE,)).data
    assert roll_of(data).text().count("POSSIBLE-DUPLICATE") == 2


def test_sizes_are_what_the_lines_ask_for() -> None:
    lines = {item.text.strip(): item for item in head_of(bytes_of()).items if isinstance(item, Line)}
    title, total = lines["Padaria São João"], lines["TOTAL        R$ 25,00"]
    for line in (title, total):
        assert all((style.wide, style.high, style.bold) == (2, 2, True) for _, style in line.letters)
    assert all(style.small and not style.bold for _, style in lines["Pagamento 123456789012"].letters)
    reference = lines[SAMPLE.reference]
    assert len(SAMPLE.reference) == 42
    assert not any(style.small for _, style in reference.letters)


def test_an_unbroken_reference_goes_to_font_b_on_narrow_paper_if_the_printer_has_one() -> None:
    narrow = replace(PLAIN, columns=32)
    small = [
        item for item in head_of(bytes_of(narrow)).items if isinstance(item, Line) and item.text == SAMPLE.reference
    ]
    assert all(style.small for _, style in small[0].letters)
    data = bytes_of(replace(narrow, profile="ZJ-5870", code_page="CP850"))
    assert roll_of(data, 32).text().count(SAMPLE.reference[:32] + "\n" + SAMPLE.reference[32:]) == 1
    assert b"\x1bM\x01" not in data


def test_the_rows_are_counted_for_the_time_they_take() -> None:
    printout = Renderer(PLAIN, WORDS).printout(SAMPLE, ())
    lines = [item for item in head_of(printout.data).items if isinstance(item, Line)]
    assert printout.rows == sum(2 if line.height == 48 else 1 for line in lines) + 6


@pytest.mark.parametrize(
    ("settings", "end"),
    [
        (PLAIN, b"\x1bd\x06\x1dV\x00"),
        (replace(PLAIN, cut=False), b"\n\x1bd\x06"),
        (replace(PLAIN, profile="POS-5890"), b"\n\x1bd\x06"),
    ],
)
def test_the_paper_is_cut_or_fed_past_the_edge(settings: PrinterConfig, end: bytes) -> None:
    assert bytes_of(settings).endswith(end)


def test_the_drawer_opens_for_an_undoubted_original_alone() -> None:
    drawer = replace(PLAIN, drawer=True)
    assert roll_of(bytes_of(drawer)).pulses == 1
    assert roll_of(bytes_of(drawer, marks=(Mark.TRAINING,))).pulses == 1
    for mark in {*Mark} - {Mark.TRAINING}:
        assert roll_of(bytes_of(drawer, marks=(mark,))).pulses == 0, mark
    assert roll_of(bytes_of()).pulses == 0


def test_a_list_of_old_tickets_opens_no_drawer_and_is_not_copied() -> None:
    """It is no sale's ticket, and bears no mark that would say so."""
    renderer = Renderer(replace(PLAIN, drawer=True, merchant_copy=True), WORDS)
    roll = roll_of(renderer.printout(Ticket(SAMPLE.lines), ()).data)
    assert (roll.pulses, len(roll.tickets())) == (0, 1)


def test_the_merchants_copy_is_a_second_paper_that_says_copy() -> None:
    copies = replace(PLAIN, merchant_copy=True)
    original, copy = roll_of(bytes_of(copies, marks=(Mark.TRAINING,))).tickets()
    assert original == roll_of(bytes_of(marks=(Mark.TRAINING,))).tickets()[0]
    assert copy == roll_of(bytes_of(marks=(Mark.TRAINING, Mark.COPY))).tickets()[0]
    assert WORDS[Mark.COPY] not in original
    assert copy.count(WORDS[Mark.COPY]) == 2


@pytest.mark.parametrize("mark", [Mark.COPY, Mark.MONEY_TO_SETTLE])
def test_a_copy_and_a_slip_are_not_copied(mark: Mark) -> None:
    assert len(roll_of(bytes_of(replace(PLAIN, merchant_copy=True), marks=(mark,))).tickets()) == 1


def test_the_reference_is_a_qr_where_the_shop_wants_it_and_the_printer_can() -> None:
    wanted = replace(PLAIN, qr=True)
    (code,) = [item for item in head_of(bytes_of(wanted)).items if isinstance(item, Qr)]
    assert (code.data, code.level, code.align) == (SAMPLE.reference.encode(), 1, 1)
    for data in (bytes_of(), bytes_of(replace(wanted, profile="POS-5890")), bytes_of(wanted, one_line("no reference"))):
        assert b"\x1d(k" not in data


def test_a_logo_stands_centred_above_the_ticket_in_strips(tmp_path: Path) -> None:
    settings = replace(PLAIN, logo=png(tmp_path / "logo.png", 384, 100))
    renderer = Renderer(settings, WORDS)
    items = head_of(renderer.printout(SAMPLE, ()).data).items
    strips = [item for item in items if isinstance(item, Picture)]
    assert items[: len(strips)] == strips
    assert [strip.height for strip in strips] == [24, 24, 24, 24, 4]
    assert all(strip.width == 384 and strip.align == 1 for strip in strips)
    assert strips[0].bits == b"\xff" * 48 * 24
    assert renderer.trouble == ""
    assert all(item.align == 0 for item in items if isinstance(item, Line))


@pytest.mark.parametrize("content", [None, b"", b"no picture", b"\x89PNG\r\n\x1a\n broken"])
def test_a_logo_that_cannot_be_read_never_stops_a_ticket(tmp_path: Path, content: bytes | None) -> None:
    logo = tmp_path / "logo.png"
    if content is not None:
        logo.write_bytes(content)
    renderer = Renderer(replace(PLAIN, logo=str(logo)), WORDS)
    assert renderer.printout(SAMPLE, ()).data == bytes_of()
    assert "logo" in renderer.trouble


def test_a_damaged_logo_never_stops_a_ticket(tmp_path: Path) -> None:
    logo = Path(png(tmp_path / "logo.png", 300, 200))
    whole = logo.read_bytes()
    for end in range(0, len(whole), 5):
        logo.write_bytes(whole[:end])
        text = roll_of(Renderer(replace(PLAIN, logo=str(logo)), WORDS).printout(SAMPLE, ()).data).text()
        assert text.endswith(roll_of(bytes_of()).text())


@pytest.mark.parametrize(
    ("driver", "width", "height", "fits"),
    [
        ("usb", 576, 270, True),
        ("usb", 577, 10, False),
        ("usb", 576, 290, False),
        ("serial", 384, 150, True),
        ("serial", 384, 170, False),
    ],
)
def test_a_logo_too_large_for_paper_or_line_is_left_out(
    tmp_path: Path, driver: str, width: int, height: int, fits: bool
) -> None:
    settings = replace(PLAIN, driver=driver, logo=png(tmp_path / "logo.png", width, height))
    renderer = Renderer(settings, WORDS)
    assert ("too large" not in renderer.trouble) is fits
    assert (b"\x1dv0" in renderer.printout(SAMPLE, ()).data) is fits


def test_a_picture_that_would_fill_the_memory_is_left_out(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.png"
    data = bytearray(Path(png(tmp_path / "small.png", 8, 8)).read_bytes())
    data[16:24] = (60_000).to_bytes(4) * 2  # The size in the header; its checksum is looked at later.
    bomb.write_bytes(data)
    assert "logo" in Renderer(replace(PLAIN, logo=str(bomb)), WORDS).trouble


@pytest.mark.parametrize(
    ("profile", "page", "named"),
    [
        ("TM-T99", "CP858", "TM-T99"),
        ("default", "CP999", "CP999"),
        ("default", "AUTO", "AUTO"),
        ("simple", "CP858", "CP858"),
    ],
)
def test_a_profile_or_page_that_does_not_exist_is_named(profile: str, page: str, named: str) -> None:
    with pytest.raises(PrinterError, match=named) as caught:
        Renderer(replace(PLAIN, profile=profile, code_page=page), WORDS)
    assert caught.value.paper is Paper.GONE


@pytest.mark.parametrize("profile", sorted(CAPABILITIES["profiles"]))
def test_every_profile_of_the_library_prints_the_ticket(profile: str) -> None:
    pages = CAPABILITIES["profiles"][profile]["codePages"].values()
    page = next(page for page in ("CP858", "CP850", "CP437", *pages) if page in pages)
    data = bytes_of(replace(PLAIN, profile=profile, code_page=page, qr=True, drawer=True, merchant_copy=True))
    assert SAMPLE.reference.encode() in data


def test_clearing_is_zeros_and_a_reset_and_for_a_retry_a_cut() -> None:
    renderer = Renderer(PLAIN, WORDS)
    assert renderer.clearing(scrap=False) == FILLER + b"\x1b@"
    assert renderer.clearing(scrap=True) == FILLER + b"\x1b@\x1bd\x06\x1dV\x00"
    assert set(FILLER) == {0}


def test_a_retry_is_whole_wherever_the_last_try_was_cut_off(tmp_path: Path) -> None:
    """At every byte, in the longest commands that there are: a strip of the widest logo, the longest QR."""
    logo = png(tmp_path / "logo.png", 576, 25)
    ticket = Ticket((TicketLine("Pão", "R$ 1,00"),), reference="r" * 64)
    renderer = Renderer(replace(PLAIN, logo=logo, qr=True, drawer=True), WORDS)
    data = renderer.printout(ticket, ()).data
    whole = roll_of(data).tickets()[-1]
    in_picture = range(data.index(b"\x1dv0") + 20, data.index(b"\x1dv0") + 1700, 97)
    after = renderer.clearing(scrap=True) + data
    for cut in [c for c in range(len(data)) if not 30 < c < data.rindex(b"\x1dv0") - 8] + [*in_picture]:
        roll = Roll()
        roll.feed(data[:cut] + after)
        assert roll.tickets()[-1] == whole


IMPORT = """
import logging, os, sys, tempfile
tempfile.tempdir = sys.argv[1]
from kiosk.config import PrinterConfig
from kiosk.printer.render import Renderer
assert not any(name.startswith("escpos") for name in sys.modules), "imported too early"
Renderer(PrinterConfig(), {})
assert logging.getLogger().handlers == [], logging.getLogger().handlers
print(os.environ.get("ESCPOS_CAPABILITIES_PICKLE_DIR", "-"), len(os.listdir(sys.argv[1])))
"""


def import_in(temporary: Path, **environment: str) -> str:
    """What a fresh process says after it has made a renderer."""
    keep = {name: value for name, value in os.environ.items() if name in ("PATH", "PYTHONPATH", "VIRTUAL_ENV")}
    program = [sys.executable, "-W", "error", "-c", IMPORT, str(temporary)]
    ended = subprocess.run(
        program, env={**keep, **environment}, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    return ended.stdout.strip()


def test_the_librarys_import_leaves_neither_a_log_handler_nor_a_directory(tmp_path: Path) -> None:
    assert import_in(tmp_path) == "- 0"


@pytest.mark.parametrize("damaged", [b"", bytes(1000)])
def test_the_librarys_cache_is_kept_in_the_services_and_made_anew_when_it_is_damaged(
    tmp_path: Path, damaged: bytes
) -> None:
    cache, temporary = tmp_path / "cache", tmp_path / "temporary"
    cache.mkdir()
    temporary.mkdir()
    assert import_in(temporary, CACHE_DIRECTORY=str(cache)).startswith(str(cache))
    (kept,) = cache.iterdir()
    kept.write_bytes(damaged)
    assert import_in(temporary, CACHE_DIRECTORY=f"{cache}:/other").startswith("-")
    assert not kept.exists()


def test_a_cache_that_the_user_chose_is_left_alone(tmp_path: Path) -> None:
    chosen, temporary = tmp_path / "chosen", tmp_path / "temporary"
    chosen.mkdir()
    temporary.mkdir()
    said = import_in(temporary, CACHE_DIRECTORY="/nowhere", ESCPOS_CAPABILITIES_PICKLE_DIR=str(chosen))
    assert said.startswith(str(chosen))
    assert len(list(chosen.iterdir())) == 1


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    assert import_in(tmp_path, CACHE_DIRECTORY="/nowhere").startswith("-")
