"""The ticket printer: any ESC/POS printer on USB, a serial line, the network or a device file.

A ticket is worth money, so the printer is believed only as far as it can know (R21):

- ``Printed(sure=True)``: it took every byte, and reported well after the last one while the paper came out.
- ``Printed(sure=False)``: it took every byte on a connection that held, and it never reports. Silence and nonsense
  count as such only from a printer that has not answered once since this object was made.
- ``PrintFailed``: anything else. ``began`` is False only where it is certain that no byte of the ticket left.

Each job opens its own connection, so a printer that was unplugged is found again by the next one.

    TicketPrinter (this file)     what an outcome means
      render, layout, letters     a ticket as bytes
      talk, status                questions and counted bytes
      transport                   network, serial_line, usb_port, device_file
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from kiosk.config import PrinterConfig
from kiosk.ports import Clock
from kiosk.printer.status import Question
from kiosk.printer.talk import Talk
from kiosk.printer.transport import PrinterError, Sleep, Transport, transport_for
from kiosk.sale.commands import AskPrinter, Print
from kiosk.sale.events import Paper, PaperIs, Printed, PrinterEvent, PrintFailed
from kiosk.sale.records import Mark

if TYPE_CHECKING:
    from kiosk.printer.render import Printout, Renderer

_ROW_S: Final = 0.08
"""How long the slowest printers take for a row: 4.2 mm (a sixth of an inch) at 50 mm a second."""
_ROW_MM: Final = 25.4 / 6
"""The line spacing of a printer that nobody told another: a sixth of an inch (Epson, ESC 2). Some have a little less;
their roll lasts longer than it was said to."""


class TicketPrinter:
    """The printer of the settings; ``kiosk.ports.Printer``. Used by one thread, and never raises."""

    def __init__(
        self,
        settings: PrinterConfig,
        words: Mapping[Mark, str],
        clock: Clock,
        *,
        sleep: Sleep = time.sleep,
        connect: Callable[[], Transport] | None = None,
    ) -> None:
        """Nothing is opened or loaded yet.

        ``words``: what each mark says on paper; ``sleep`` and ``connect`` (a new transport for each job) are for tests.
        """
        self._settings = settings
        self._words = words
        self._clock = clock
        self._sleep = sleep
        self._connect = connect or (lambda: transport_for(settings, clock, sleep))
        self._answered: set[Question] = set()
        self._renderer: Renderer | None = None
        self._half_ticket = False
        self._fresh = True
        self.trouble = ""
        """What was wrong at the last job, in words for the technician; empty if nothing was."""

    def carry_out(self, command: Print | AskPrinter) -> PrinterEvent:
        """Print, or ask how the printer is; ends within 30 s."""
        self.trouble = ""
        if isinstance(command, AskPrinter):
            return PaperIs(self._ask(), self.trouble)
        return self._print(command)

    def close(self) -> None:
        """Nothing stays open between jobs."""

    def _ask(self) -> Paper:
        """How it is. A printer whose tickets cannot be made is none, or its debts would be tried without end."""
        try:
            talk = self._talk()
            self.trouble = self._rendering().trouble
            with talk:
                paper = talk.paper()
                self.trouble = self.trouble or talk.nonsense
                return paper
        except PrinterError as error:
            self.trouble = str(error)
            return error.paper

    def _print(self, job: Print) -> Printed | PrintFailed:
        talk = None
        rows = size = 0
        try:
            talk = self._talk()
            printout = self._rendering().printout(job.ticket, job.marks)
            clearing, scrap_rows = self._clearing(job)
            rows, size = printout.rows + scrap_rows, len(clearing) + len(printout.data)
            with talk:
                talk.usable_paper()
                sure = self._carry(talk, clearing, printout)
        except PrinterError as error:
            self.trouble = str(error)
            began = talk is not None and talk.began
            self._half_ticket = self._half_ticket or began
            moved = rows * talk.taken / size if talk and size else 0.0
            return PrintFailed(job.job, began, error.paper, self.trouble, mm=round(moved * _ROW_MM))
        self._half_ticket = False
        return Printed(job.job, sure, mm=round(rows * _ROW_MM))

    def _carry(self, talk: Talk, clearing: bytes, printout: Printout) -> bool:
        talk.send(clearing + printout.data)
        self._fresh = False
        return talk.confirmed(printout.rows * _ROW_S)

    def _clearing(self, job: Print) -> tuple[bytes, int]:
        """What goes before the ticket, so that half a command from an earlier one does not swallow its beginning; and
        how many rows of paper that moves.

        After a job that broke off that is the whole clearing with a cut, whichever ticket comes next. What a printer
        was told before this program started is not known; then no paper is wasted on it.
        """
        scrap = job.retry or self._half_ticket
        if not (scrap or self._fresh):
            return b"", 0
        from kiosk.printer.render import FEED_ROWS

        return self._rendering().clearing(scrap=scrap), FEED_ROWS if scrap else 0

    def _rendering(self) -> Renderer:
        """Loaded in the printer's own thread: python-escpos takes longer to import than the rest to start."""
        if self._renderer is None:
            from kiosk.printer.render import Renderer

            self._renderer = Renderer(self._settings, self._words)
        return self._renderer

    def _talk(self) -> Talk:
        return Talk(self._connect(), self._answered, self._clock, self._sleep)
