"""A ticket as bytes, by python-escpos: into its ``Dummy``, a fresh one for each, when the ticket is printed.

Facts about the library, version 3.1, that shape this file:

- Importing it takes a tenth of a second (it reads its printer database), sets up logging and leaves a directory in
  ``/tmp``. So it is imported by the first ``Renderer``, and tidied up after.
- It remembers the code page and does not select it again after ``ESC @``. So each ticket has a new ``Dummy``, whose
  first command is ``ESC @``, then the page.
- Left alone it picks a page for each letter, and sends Chinese text raw. So the page is forced.
- Where a profile lists a page under several numbers it takes the last, of a second table (50 and on) that cheap
  printers add to Epson's. The lowest number is Epson's, and the likelier to be in every copy of them. So it is sent.
- It writes text as it is, with all control bytes. So ``letters.printable`` goes over everything first.
- ``image`` prints warnings to standard output and makes one command of up to 70 kB. So the logo is cut into strips
  here.
"""

from __future__ import annotations

import logging
import os
import pickle
import shutil
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Final

from kiosk.config import PrinterConfig
from kiosk.printer.layout import lay_out, widths
from kiosk.printer.letters import printable
from kiosk.printer.transport import PrinterError
from kiosk.sale.events import Paper
from kiosk.sale.records import Align, Mark, Size, Ticket, TicketLine

FILLER: Final = bytes(2048)
"""Zeros to end a command that was cut off: more than the longest of ours takes (a strip of the logo)."""
_STRIP_ROWS: Final = 24
_WIDEST_DOTS: Final = 576  # An 80 mm paper's 72 mm at 8 dots a millimetre.
_LETTER_DOTS: Final = 12  # Epson's font A, in which all is printed but the smaller letters.
_LOGO_BYTES: Final = 20_000  # 277 rows of the widest.
_LOGO_S: Final = 8  # On a slow line it must leave time for the ticket.
FEED_ROWS: Final = 6  # From the print head to the cutter; what the library's own ``cut`` feeds.
_ROW_DOTS: Final = 30
_QR_DOT: Final = 5  # Dots for one module: 33 modules are 21 mm.
_QR_ROWS: Final = 8
_CANCEL_KANJI: Final = b"\x1c."  # FS .
_CACHE: Final = "ESCPOS_CAPABILITIES_PICKLE_DIR"


@dataclass(frozen=True, slots=True)
class Printout:
    """A ticket's bytes, and how many rows of paper they move."""

    data: bytes
    rows: int


class Renderer:
    """Tickets for one printer."""

    def __init__(self, settings: PrinterConfig, words: Mapping[Mark, str]) -> None:
        """``words``: what each mark says on paper.

        Raises:
            PrinterError: the library cannot be loaded, or knows no such profile or code page.
        """
        self._settings = settings
        self._words = words
        self._new_dummy, self._image = _library()
        dummy = self._checked_dummy()
        self._encoder = dummy.magic.encoder
        self._small_font = "1" in dummy.profile.fonts
        self._widths = widths(settings.columns, small=self._small_font)
        self._dots = _dots_across(dummy.profile)
        self._troubles = list(self._beyond(dummy.profile))
        self._raster = bool(dummy.profile.supports("bitImageRaster"))
        self._logo_rows = 0
        self._logo = self._read_logo() if settings.logo else b""

    @property
    def trouble(self) -> str:
        """What of the settings this printer cannot do; empty if there is nothing, or its profile does not say."""
        return "; ".join(self._troubles)

    def printout(self, ticket: Ticket, marks: tuple[Mark, ...]) -> Printout:
        """The ticket with its marks, and the merchant's copy behind it where the shop wants one.

        Only a sale's ticket is copied, not a copy, nor a slip or a list of them. The drawer opens with the undoubted
        first print of one that was paid at the counter: a retry may come when nobody is there.
        """
        of_a_sale = bool(ticket.reference) and not {Mark.COPY, Mark.MONEY_TO_SETTLE} & {*marks}
        dummy = self._started()
        if self._settings.drawer and of_a_sale and {*marks} <= {Mark.TRAINING}:
            dummy.cashdraw(2)
        rows = self._put(dummy, ticket, marks)
        if self._settings.merchant_copy and of_a_sale:
            rows += self._put(dummy, ticket, (*marks, Mark.COPY))
        return Printout(dummy.output, rows)

    def clearing(self, *, scrap: bool) -> bytes:
        """What frees the printer from a command that was cut off; ``scrap``: also from the paper begun (R21)."""
        dummy = self._new_dummy(profile=self._settings.profile)
        dummy._raw(FILLER)
        dummy.hw("INIT")
        if scrap:
            self._end(dummy)
        return bytes(dummy.output)

    def _checked_dummy(self) -> Any:
        page = self._page
        try:
            dummy = self._new_dummy(profile=self._settings.profile)
        except KeyError as unknown:
            raise PrinterError(Paper.GONE, f"python-escpos has no profile {self._settings.profile!r}") from unknown
        pages = dummy.profile.get_code_pages()
        if page not in pages or not dummy.magic.encoder.can_encode(page, "A"):
            raise PrinterError(Paper.GONE, f"profile {self._settings.profile!r} has no code page {page}")
        return dummy

    def _beyond(self, profile: Any) -> Iterator[str]:
        name, most = self._settings.profile, (self._dots or 0) // _LETTER_DOTS
        if most and self._settings.columns > most:
            yield f"columns is {self._settings.columns}, but a {name} has {most} in a row at the most"
        if self._settings.qr and not profile.supports("qrCode"):
            yield f"the QR is left out: a {name} draws none"

    @property
    def _page(self) -> str:
        return self._settings.code_page.upper()

    def _started(self) -> Any:
        dummy = self._new_dummy(profile=self._settings.profile)
        dummy.hw("INIT")
        # Printers made for China start in Kanji mode and take two accented letters for one character. Where the
        # printer knows no Kanji the command does nothing.
        dummy._raw(_CANCEL_KANJI)
        numbers = [int(number) for number, page in dummy.profile.codePages.items() if page == self._page]
        dummy.magic.encoder.codepages[self._page] = min(numbers)
        dummy.charcode(self._page)
        return dummy

    def _put(self, dummy: Any, ticket: Ticket, marks: tuple[Mark, ...]) -> int:
        """One paper, from logo to cut; answers its rows."""
        # A mark without words still shows: it must not be missing from the paper for want of a translation.
        said = [self._words.get(mark, mark.value.upper()) for mark in marks]
        signs = [TicketLine(words, align=Align.CENTRE, bold=True, unbroken=True) for words in said]
        gap = [TicketLine()] if signs else []
        if self._logo:
            self._centred(dummy, self._logo)
        rows = self._put_lines(dummy, [*signs, *gap, *ticket.lines])
        rows += self._put_qr(dummy, ticket.reference)
        rows += self._put_lines(dummy, [*gap, *signs])
        self._end(dummy)
        return rows + FEED_ROWS + self._logo_rows

    def _put_lines(self, dummy: Any, lines: list[TicketLine]) -> int:
        rows = lay_out([self._in_page(line) for line in lines], self._widths)
        style = None
        for row in rows:
            if style != (row.size, row.bold):
                style = (row.size, row.bold)
                big = row.size is Size.BIG
                font = "b" if row.size is Size.SMALL and self._small_font else "a"
                dummy.set(normal_textsize=not big, double_width=big, double_height=big, bold=row.bold, font=font)
            dummy.textln(row.text)
        return sum(row.height for row in rows)

    def _in_page(self, line: TicketLine) -> TicketLine:
        return replace(line, text=printable(line.text, self._has), right=printable(line.right, self._has))

    def _has(self, letter: str) -> bool:
        return bool(self._encoder.can_encode(self._page, letter))

    def _put_qr(self, dummy: Any, reference: str) -> int:
        """The reference as a QR that the printer itself draws, where it can. As a picture it would be 14 kB."""
        if not (self._settings.qr and reference and dummy.profile.supports("qrCode")):
            return 0
        dummy.set(align="center")
        dummy.ln()  # A QR is read only with a bare edge around it, four modules wide.
        dummy.qr(reference, ec=1, size=_QR_DOT, native=True)
        dummy.ln()
        dummy.set(align="left")
        return _QR_ROWS

    def _end(self, dummy: Any) -> None:
        if self._settings.cut:
            dummy.cut()
        else:
            dummy.print_and_feed(FEED_ROWS)

    @staticmethod
    def _centred(dummy: Any, data: bytes) -> None:
        dummy.set(align="center")
        dummy._raw(data)
        dummy.set(align="left")

    def _read_logo(self) -> bytes:
        """The logo's commands, made once. A logo that cannot be printed is left out: it must never stop a ticket."""
        try:
            with open(self._settings.logo, "rb") as file:
                return self._logo_commands(file)
        # What Pillow, the library's own, raises for files that are missing, are no pictures, or are damaged.
        except (
            OSError,
            ValueError,
            SyntaxError,
            EOFError,
            struct.error,
            self._image.Image.DecompressionBombError,
        ) as bad:
            self._troubles.append(f"the logo is left out: {bad}")
            return b""

    def _logo_commands(self, file: IO[bytes]) -> bytes:
        if not self._raster:
            raise ValueError(f"a {self._settings.profile} prints none")
        picture = self._image.Image.open(file)  # Its size; a huge one is never unpacked.
        width, height = (picture.width + 7) // 8, picture.height
        if picture.width > (self._dots or _WIDEST_DOTS) or width * height > self._logo_bytes():
            raise ValueError(f"too large ({picture.width}x{height} dots)")
        self._logo_rows = -(-height // _ROW_DOTS)
        return b"".join(_strips(self._image.EscposImage(picture).to_raster_format(), width))

    def _logo_bytes(self) -> int:
        slow = self._settings.driver == "serial"
        return min(_LOGO_BYTES, self._settings.baud // 10 * _LOGO_S) if slow else _LOGO_BYTES


def _dots_across(profile: Any) -> int | None:
    """How many dots stand in a row of paper; None where the profile does not know."""
    dots = profile.profile_data.get("media", {}).get("width", {}).get("pixels")
    return dots if isinstance(dots, int) else None


def _strips(raster: bytes, width: int) -> Iterator[bytes]:
    """``GS v 0`` commands, each a strip of the picture; ``width`` in bytes of eight dots."""
    for at in range(0, len(raster), width * _STRIP_ROWS):
        strip = raster[at : at + width * _STRIP_ROWS]
        yield b"\x1dv0\x00" + struct.pack("<HH", width, len(strip) // width) + strip


def _library() -> tuple[Any, Any]:
    """python-escpos' ``Dummy``, and its module ``image``."""
    try:
        with _no_root_handler():
            _import()
            from escpos import image
            from escpos.printer import Dummy
    except (ImportError, OSError, EOFError, pickle.UnpicklingError) as error:
        raise PrinterError(Paper.GONE, f"python-escpos cannot be loaded: {error}") from error
    return Dummy, image


def _import() -> None:
    """Load the library; its database quickly, from the service's cache, if there is one and it is whole.

    The library writes its cache without care: a power cut leaves half a file, on which every later import fails.
    """
    service_cache = os.environ.get("CACHE_DIRECTORY", "").partition(":")[0]  # Set by systemd for CacheDirectory=.
    ours = bool(service_cache) and _CACHE not in os.environ
    if ours:
        os.environ[_CACHE] = service_cache
    try:
        from escpos import capabilities
    except (OSError, EOFError, pickle.UnpicklingError):
        if not ours:
            raise
        del os.environ[_CACHE]
        _remove_cache(Path(service_cache))
        from escpos import capabilities
    if _CACHE not in os.environ:
        shutil.rmtree(capabilities.pickle_dir, ignore_errors=True)  # The directory it left in /tmp.


def _remove_cache(directory: Path) -> None:
    for damaged in directory.glob("*.capabilities.pickle"):
        with suppress(OSError):
            damaged.unlink()


@contextmanager
def _no_root_handler() -> Iterator[None]:
    """The library calls ``logging.basicConfig()``, which does nothing while the root logger has a handler."""
    root = logging.getLogger()
    guard = logging.NullHandler()
    root.addHandler(guard)
    try:
        yield
    finally:
        root.removeHandler(guard)
