"""Our tickets, read by a printer that is not ours: tests/epson.py, written before its author had seen our encoder.

The goldens in ``golden/tickets/read-*.txt`` are what that printer makes of our bytes. ``WRITE_GOLDENS=1
pytest tests/test_tickets_read.py`` writes them anew, and with ``SHOTS=folder`` the pictures, too; look at both.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta, timezone
from pathlib import Path
from typing import Final

import pytest
from PIL import Image, ImageDraw

from kiosk.config.schema import CODE_PAGES, PrinterConfig
from kiosk.printer.render import Renderer
from kiosk.printer.transport import PrinterError
from kiosk.sale.money import SITES
from kiosk.sale.records import Align, Debt, Dispute, Line, Mark, Phase, Reason, Refund, Sale, Size, Ticket, TicketLine
from kiosk.sale.shop import Shop
from kiosk.sale.ticket import paid_ticket, refund_paper, slip, summary
from kiosk.sale.words import LANGUAGES, words_of
from tests.epson import Printer, printed
from tests.epson_paper import POS_5890, TM_T20II, TM_T88V, TM_U220, Cut, Graphic, Kick, Model, bitmap
from tests.epson_paper import Line as Printed
from tests.epson_picture import picture
from tests.story import SHOP

GOLDENS: Final = Path(__file__).parent / "golden" / "tickets"
# python-escpos' profile, the printer it is written for, columns and page. The first four have a golden.
COUNTERS: Final = (
    ("TM-T88V", TM_T88V, 42, "CP858"),
    ("TM-T20II", TM_T20II, 48, "CP1252"),
    ("POS-5890", POS_5890, 32, "CP858"),  # 58 mm, no cutter, no QR of its own
    ("TM-U220", TM_U220, 33, "CP437"),  # needles, two sizes, no raster; its profile knows one page alone
    ("default", TM_T88V, 42, "CP850"),
    ("NT-5890K", POS_5890, 32, "CP860"),
    ("TM-T88V", TM_T88V, 42, "ISO_8859-15"),
)
SAID: Final = {
    "pt": ("Água", "Desconto à vista", "Obrigado!"),
    "es": ("Té", "Descuento por compañía", "¡Gracias!"),
    "en": ("Iced tea", "Señor's rebate", "Thank you!"),
}
"""What a shop of that language sells besides, takes off, and says at the end."""
ZONE: Final = timezone(timedelta(hours=-3))
PAID_AT: Final = 1_796_088_615.0  # 2026-12-01 01:30:15 UTC
# What a shop of the country might sell, in its own language; and once in English. The longest reference the provider
# takes has 64 letters.
COUNTRIES: Final = (
    (
        "MLB",
        "pt",
        "Padaria São João",
        "Pão de queijo recheado com goiabada e requeijão",
        "BALCAO-01-0128-aZ3kQ9mW2xY7pLqD",
    ),
    ("MLA", "es", "Ñandú & Cía.", "¿Alfajor? ¡Sí! de maicena, triple", "CAJA-2-1-" + "k" * 22),
    ("MLM", "es", "Café Ibáñez", "Café de olla con piloncillo", "P" * 40 + "-12345678-AbCdEfGhIjKlMn"),
    ("MLC", "es", "Botillería Peñalolén Oriente", "Güeñas, 1/2 kg", "PENA-1-3-" + "m" * 22),
    ("MCO", "es", "Panadería El Buñuelo", "Buñuelo", "BUN-1-77-" + "n" * 22),
    ("MLU", "es", "Chivitería Güenaú", "Chivito al plato, con ensalada rusa y papas", "CHUI-1-5-" + "o" * 22),
    ("MPE", "es", "Chifa Perú", "Ají de gallina", "CHIFA-9-9-" + "p" * 22),
    ("MPE", "en", "Chifa Perú", "Ají de gallina", "CHIFA-9-9-" + "p" * 22),
)
MARKS: Final = (
    (),
    (Mark.COPY,),
    (Mark.TRAINING, Mark.POSSIBLE_DUPLICATE),
    (Mark.PAID_AFTER_CANCEL,),
    (Mark.TRAINING, Mark.COPY, Mark.PAID_AFTER_CANCEL),
    (Mark.POSSIBLE_DUPLICATE,),
    (),
    (Mark.TRAINING,),
)


def shop(site: str, language: str, name: str) -> Shop:
    lines = ("Rua das Flores, 123 - São Paulo", "CNPJ/RUT/CUIT 12.345.678/0001-90")
    footer = (SAID[language][2],)
    changed = {
        "site": SITES[site],
        "language": language,
        "name": name,
        "header": lines,
        "footer": footer,
        "zone": ZONE,
    }
    return replace(SHOP, **changed)  # type: ignore[arg-type]  # each of its own type


def sale(site: str, language: str, title: str, reference: str) -> Sale:
    water, rebate, _ = SAID[language]
    unit = 10 ** SITES[site].currency.decimals
    lines = (Line(title, 1, 1250 * unit), Line(water, 12, 3 * unit), Line(rebate, 1, -250 * unit))
    total = sum(line.cents for line in lines)
    payments = ("123456789012", "987654321098")
    currency = SITES[site].currency.code
    return Sale(
        reference, 128, total, currency, lines, "key", PAID_AT - 40, Phase.PAID, payments=payments, paid_at=PAID_AT
    )


def tickets(language: str = "") -> Iterator[tuple[str, Ticket, tuple[Mark, ...], str]]:
    """Name, ticket, marks and language: a sale of each country, in ``language`` or its own, and what else there is."""
    for (site, own, name, title, reference), marks in zip(COUNTRIES, MARKS, strict=True):
        there = shop(site, language or own, name)
        yield (
            f"{site} {there.language}",
            paid_ticket(sale(site, there.language, title, reference), there),
            marks,
            there.language,
        )
    there = shop("MLB", language or "pt", COUNTRIES[0][2])
    owed = [Debt(f"K-{n}", n, 1000 * n, Ticket(()), PAID_AT) for n in (7, 12_345_678)]
    yield "summary", summary(tuple(owed), there), (), there.language
    back = Refund(
        *("key", "123456789012", COUNTRIES[0][4], 128, 2500, "BRL"),
        whole=True,
        by="Maria de Lourdes Sousa",
        asked_at=PAID_AT,
        known=(),
        refund_id="880000000001",
        ended_at=PAID_AT,
    )
    yield "refund", refund_paper(back, there), (), there.language
    yield (
        "refunded",
        paid_ticket(sale("MLB", there.language, *COUNTRIES[0][3:]), there),
        (Mark.REFUNDED,),
        there.language,
    )
    for reason in Reason:
        dispute = Dispute("123456789012", COUNTRIES[0][4], 128, 2500, "BRL", reason, PAID_AT)
        yield f"slip {reason.value}", slip(dispute, there), (Mark.MONEY_TO_SETTLE,), there.language


def renderer(profile: str, columns: int, page: str, language: str, **more: object) -> Renderer:
    settings = PrinterConfig(profile=profile, columns=columns, code_page=page)
    return Renderer(replace(settings, **more), words_of(language).marks)  # type: ignore[arg-type]


@pytest.fixture
def logo(tmp_path: Path) -> Path:
    image = Image.new("1", (160, 64), 1)
    ImageDraw.Draw(image).ellipse((4, 4, 156, 60), outline=0, width=6)
    image.save(tmp_path / "logo.png")
    return tmp_path / "logo.png"


def letters(text: str) -> str:
    return "".join(text.split())


def as_the_page_has_it(text: str, page: str) -> str:
    """Letters that the page lacks stand without their accents; every other one is itself."""
    codec = page.lower().replace("_", "-")
    bare = (letter if letter.encode(codec, "ignore") else unicodedata.normalize("NFKD", letter)[0] for letter in text)
    return "".join(bare)


@pytest.mark.parametrize(("profile", "model", "columns", "page"), COUNTERS[:4], ids=lambda value: str(value)[:12])
def test_our_tickets_read_by_another_are_the_golden_ones(
    profile: str, model: Model, columns: int, page: str, logo: Path
) -> None:
    parts = []
    for index, (name, ticket, marks, language) in enumerate(tickets()):
        ours = renderer(
            profile, columns, page, language, qr=index < 2, logo=str(logo) if not index else "", drawer=True
        )
        out = printed(ours.printout(ticket, marks).data, model)
        assert out.complaints == (), f"{name}\n{out}"
        parts.append(f"# {name}\n{out}")
        if "SHOTS" in os.environ:
            picture(out).save(f"{os.environ['SHOTS']}/{profile}-{index:02}.png")
    text, golden = "\n".join(parts), GOLDENS / f"read-{profile}-{columns}.txt"
    if "WRITE_GOLDENS" in os.environ:
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize(("profile", "columns"), [("POS-5890", 32), ("TM-T20II", 48)])
def test_the_seven_countries_are_among_the_golden_ones_in_their_own_words(profile: str, columns: int) -> None:
    """At 32 and at 48 letters in a line: total, date, and that it is no fiscal document, unbroken on one line."""
    text = (GOLDENS / f"read-{profile}-{columns}.txt").read_text(encoding="utf-8")
    tickets_ = dict(re.findall(r"^# (ML\w \w\w|MPE es|MCO es)\n((?:(?!# ).*\n)*)", text, re.MULTILINE))
    for site in SITES.values():
        paper = tickets_[f"{site.id} {site.language}"]
        assert site.currency.with_symbol(1036 * 10**site.currency.decimals).replace(" ", "") in letters(paper)
        assert "30/11/2026 22:30" in paper
        assert site.disclaimer in paper
        assert words_of(site.language).total in letters(paper)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("profile", "model", "columns", "page"), COUNTERS, ids=lambda value: str(value)[:12])
def test_every_text_of_every_ticket_is_on_the_paper_once_and_whole(
    profile: str, model: Model, columns: int, page: str, language: str
) -> None:
    """Seven countries in three languages: nothing clipped, wrapped by the printer, or read as another letter."""
    for name, ticket, marks, _ in tickets(language):
        out = printed(renderer(profile, columns, page, language).printout(ticket, marks).data, model)
        assert out.complaints == (), f"{name}\n{out}"
        wrapped = [item.text for item in out.items if isinstance(item, Printed) and item.wrapped]
        # Our smaller letters are 9 dots wide, as on all thermal printers; on the needles' they are 10 of 400 half dots.
        assert [text for text in wrapped if model is not TM_U220 or text not in ticket.reference] == [], (
            f"{name}\n{out}"
        )
        wanted = [text for line in ticket.lines if line.align is not Align.RULE for text in (line.text, line.right)]
        wanted += [words_of(language).marks[mark] for mark in marks]
        paper = letters("".join(item.text for item in out.items if isinstance(item, Printed)))
        assert [text for text in wanted if as_the_page_has_it(letters(text), page) not in paper] == [], f"{name}\n{out}"
        assert paper.count(letters(ticket.reference)) == 1 or not ticket.reference


def test_a_ticket_that_broke_off_anywhere_is_followed_by_a_whole_one(tmp_path: Path) -> None:
    """Cut after any byte, then the clearing and the ticket again: what came before never eats of what comes after."""
    Image.new("1", (576, 24)).save(tmp_path / "widest.png")
    ours = renderer("TM-T20II", 48, "CP858", "pt", qr=True, logo=str(tmp_path / "widest.png"))
    ticket = Ticket((TicketLine("São", "25,00", size=Size.BIG, bold=True),), reference="K-1")
    data, clearing = ours.printout(ticket, (Mark.COPY,)).data, ours.clearing(scrap=True)
    whole, logo = str(printed(data, TM_T20II)), data.index(b"\x1dv0")
    last = logo + 8 + 72 * 24
    for end in (*range(1, logo + 10), *range(last - 2, len(data))):
        out = Printer(TM_T20II, forgiving=True).feed(data[:end] + clearing + data).printout()
        after = str(replace(out, complaints=()))
        assert after.endswith(whole), f"cut after {end}\n{after}"


def test_the_logo_is_the_picture_that_was_given(logo: Path) -> None:
    """Three strips, one below the other, and every dot in its place."""
    ours = renderer("TM-T88V", 42, "CP858", "pt", logo=str(logo))
    _, ticket, marks, _ = next(tickets())
    out = printed(ours.printout(ticket, marks).data, TM_T88V)
    strips = [item for item in out.items if isinstance(item, Graphic)]
    with Image.open(logo) as image:
        black = image.point(lambda value: 255 - value)
        assert tuple(row for strip in strips for row in strip.dots) == bitmap(black.tobytes(), 20)
    assert {strip.left for strip in strips} == {(512 - 160) // 2}


@pytest.mark.parametrize("columns", [42, 32])
def test_the_qr_is_the_reference_in_the_middle_of_a_bare_edge(columns: int) -> None:
    ours = renderer("TM-T88V", columns, "CP858", "pt", qr=True)
    name, ticket, marks, _ = next(tickets())
    items = printed(ours.printout(ticket, marks).data, TM_T88V).items
    (place,) = (index for index, item in enumerate(items) if isinstance(item, Graphic))
    symbol = items[place]
    assert isinstance(symbol, Graphic)
    assert (symbol.content, symbol.left) == (ticket.reference, (512 - len(symbol.dots)) // 2)
    for edge in (items[place - 1], items[place + 1]):  # ISO/IEC 18004: four modules on each side
        assert isinstance(edge, Printed)
        assert (edge.text, edge.height >= 4 * 5) == ("", True), name


def test_the_drawer_opens_for_an_undoubted_original_and_for_nothing_else() -> None:
    opened = {}
    for name, ticket, marks, language in tickets():
        ours = renderer("TM-T88V", 42, "CP858", language, drawer=True)
        out = printed(ours.printout(ticket, marks).data, TM_T88V)
        opened[name] = [item for item in out.items if isinstance(item, Kick)] == [Kick(2, 100, 100)]
    assert [name for name, open_ in opened.items() if open_] == ["MLB pt", "MPE es", "MPE en"]


@pytest.mark.parametrize(
    ("profile", "model", "cuts"), [("TM-T88V", TM_T88V, 1), ("POS-5890", POS_5890, 0), ("TM-T20II", TM_T20II, 1)]
)
def test_a_printer_without_a_cutter_is_sent_none(profile: str, model: Model, cuts: int) -> None:
    _, ticket, marks, _ = next(tickets())
    out = printed(renderer(profile, 32, "CP858", "pt").printout(ticket, marks).data, model)
    assert len([item for item in out.items if isinstance(item, Cut)]) == cuts
    bare = printed(renderer(profile, 32, "CP858", "pt", cut=False).printout(ticket, marks).data, model)
    assert not [item for item in bare.items if isinstance(item, Cut)]
    assert bare.lines == out.lines


@pytest.mark.parametrize("page", CODE_PAGES)
@pytest.mark.parametrize(("profile", "model"), [("TM-T88V", TM_T88V), ("POS-5890", POS_5890), ("TM-U220", TM_U220)])
def test_a_page_that_the_printer_lacks_is_said_and_not_printed_as_rubbish(
    profile: str, model: Model, page: str
) -> None:
    _, ticket, marks, _ = next(tickets())
    lacks = {"TM-T88V": (), "POS-5890": ("ISO_8859-15",), "TM-U220": CODE_PAGES[1:]}[profile]
    if page in lacks:
        with pytest.raises(PrinterError, match=f"{profile}.*{page}"):
            renderer(profile, 32, page, "pt")
        return
    out = printed(renderer(profile, 32, page, "pt").printout(ticket, marks).data, model)
    assert (out.complaints, out.lines[0]) == ((), as_the_page_has_it("Padaria São João", page))


def test_what_the_printer_cannot_do_is_said(logo: Path) -> None:
    """By the technician's check; the ticket comes out without it."""
    able = renderer("TM-T88V", 42, "CP858", "pt", qr=True, logo=str(logo))
    assert able.trouble == ""
    needles = renderer("TM-U220", 40, "CP437", "pt", qr=True, logo=str(logo))
    assert needles.trouble == (
        "columns is 40, but a TM-U220 has 33 in a row at the most; the QR is left out: a TM-U220 draws none; "
        "the logo is left out: a TM-U220 prints none"
    )
    narrow = renderer("POS-5890", 42, "CP858", "pt", logo=str(logo))
    assert narrow.trouble == "columns is 42, but a POS-5890 has 32 in a row at the most"
    Image.new("1", (392, 8)).save(logo)
    assert "too large" in renderer("POS-5890", 32, "CP858", "pt", logo=str(logo)).trouble
    assert renderer("TM-T88V", 42, "CP858", "pt", logo=str(logo)).trouble == ""


def python_3_13() -> str:
    """One that runs; empty where there is none. ``PYTHON313`` names one that is not in the path."""
    for name in (os.environ.get("PYTHON313", ""), "python3.13"):
        if shutil.which(name) and not subprocess.run([name, "-c", ""], check=False, capture_output=True).returncode:
            return name
    return ""


@pytest.mark.long
def test_emupos_reads_the_same(tmp_path: Path, root: Path) -> None:
    """A decoder by somebody else altogether; it needs Python 3.13, and is installed into a place of its own."""
    python = python_3_13() or pytest.skip("there is no Python 3.13, which emupos needs; PYTHON313 may name one")
    subprocess.run([python, "-m", "venv", tmp_path / "venv"], check=True, timeout=120)
    there = str(tmp_path / "venv" / "bin" / "python")
    subprocess.run([there, "-m", "pip", "install", "--quiet", "emupos==0.4.0"], check=True, timeout=300)
    tickets_, ours = [], []
    for profile, model, columns, page in COUNTERS:
        for language in LANGUAGES if page != "ISO_8859-15" else ():  # emupos has no letters for that page
            for _, ticket, marks, _ in tickets(language):
                data = renderer(profile, columns, page, language, qr=True, drawer=True).printout(ticket, marks).data
                items = printed(data, model).items
                tickets_.append({"dots": model.dots, "fonts": model.fonts, "data": base64.b64encode(data).decode()})
                shown = [f"[qr {i.content}]" if isinstance(i, Graphic) else getattr(i, "text", "") for i in items]
                ours.append([line.strip() for line in shown if line.strip()])
    reader = [there, str(root / "tests" / "emupos_reader.py")]
    answer = subprocess.run(reader, input=json.dumps(tickets_), capture_output=True, text=True, check=True, timeout=120)
    theirs = json.loads(answer.stdout)
    assert [paper["strange"] for paper in theirs if paper["strange"]] == []
    assert [paper["lines"] for paper in theirs] == ours
    assert len(ours) > 200
