"""What the printer's outcomes mean (R21): believed only as far as it can know."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

from kiosk.config import PrinterConfig
from kiosk.ports import Printer
from kiosk.printer import TicketPrinter
from kiosk.sale.commands import AskPrinter, Print
from kiosk.sale.events import Paper, PaperIs, Printed, PrinterEvent, PrintFailed
from kiosk.sale.records import Mark, Ticket, TicketLine
from kiosk.sim.paper import Roll
from kiosk.sim.printhead import Feed, Line, Picture, PrintHead, Qr
from tests.printers import COVER_OPEN, ERROR, MUTE, NEAR_END, NO_PAPER, SAMPLE, WELL, WORDS, FakeTime, MemoryPrinter

JOB = Print(7, SAMPLE)


def at(printer: MemoryPrinter, settings: PrinterConfig | None = None) -> TicketPrinter:
    clock, sleep = printer.time.clock, printer.time.sleep
    return TicketPrinter(settings or PrinterConfig(), WORDS, clock, sleep=sleep, connect=printer.connect)


def tickets_of(printer: MemoryPrinter) -> list[str]:
    roll = Roll()
    roll.feed(bytes(printer.taken))
    assert roll.unknown == []
    return roll.tickets()


def ticket_bytes() -> bytes:
    printer = MemoryPrinter()
    assert at(printer).carry_out(JOB) == Printed(7)
    return bytes(printer.taken)


# --- it went well -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answers", [WELL, NEAR_END, {1: b"\x12"}])
def test_a_printer_that_reports_well_after_the_last_byte_is_sure(answers: dict[int, bytes]) -> None:
    printer = MemoryPrinter(dict(answers))
    assert at(printer).carry_out(JOB) == Printed(7, sure=True)
    (ticket,) = tickets_of(printer)
    assert "R$ 25,00" in ticket
    assert (printer.opened, printer.closed) == (1, 1)


def test_a_printer_that_never_answered_is_believed_without_being_sure() -> None:
    printer = MemoryPrinter(dict(MUTE))
    kiosks = at(printer)
    assert [kiosks.carry_out(JOB), kiosks.carry_out(JOB)] == [Printed(7, sure=False)] * 2
    assert len(tickets_of(printer)) == 2


def test_a_printer_that_answers_nonsense_from_the_first_prints_and_the_technician_is_told() -> None:
    """It cannot report. One that has answered well before, and stops, is at fault."""
    printer = MemoryPrinter({1: b"\xff"})
    kiosks = at(printer)
    assert kiosks.carry_out(AskPrinter()) == PaperIs(Paper.SILENT, kiosks.trouble)
    assert "baud" in kiosks.trouble
    assert kiosks.carry_out(JOB) == Printed(7, sure=False)
    assert len(tickets_of(printer)) == 1
    printer.answers = dict(WELL)
    kiosks.carry_out(AskPrinter())
    assert kiosks.trouble == ""
    printer.answers = {1: b"\xff"}
    failed = kiosks.carry_out(JOB)
    assert isinstance(failed, PrintFailed)
    assert (failed.began, failed.paper) == (False, Paper.OFFLINE)


def test_a_printer_that_answers_only_after_the_ticket_is_sure() -> None:
    printer = MemoryPrinter(dict(MUTE))

    def wake_up() -> None:
        if printer.taken:
            printer.answers = dict(WELL)

    printer.on_ask = wake_up
    assert at(printer).carry_out(JOB) == Printed(7, sure=True)


# --- not usable: no byte leaves ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "paper"),
    [
        (NO_PAPER, Paper.OUT),
        (COVER_OPEN, Paper.COVER),
        (ERROR, Paper.OFFLINE),
        ({1: b"\x12", 4: b"\x7e"}, Paper.OUT),
    ],
)
def test_a_printer_that_cannot_print_gets_no_byte(answers: dict[int, bytes], paper: Paper) -> None:
    printer = MemoryPrinter(dict(answers))
    failed = at(printer).carry_out(JOB)
    assert isinstance(failed, PrintFailed)
    assert (failed.job, failed.began, failed.paper) == (7, False, paper)
    assert failed.detail
    assert printer.taken == b""


def test_a_printer_that_is_not_there_gets_no_byte_and_is_found_when_it_is_back() -> None:
    printer = MemoryPrinter(refuses=True)
    kiosks = at(printer)
    assert kiosks.carry_out(JOB) == PrintFailed(7, False, Paper.GONE, "refused")
    assert kiosks.carry_out(AskPrinter()) == PaperIs(Paper.GONE, "refused")
    printer.refuses = False
    assert kiosks.carry_out(AskPrinter()) == PaperIs(Paper.OK)
    assert kiosks.carry_out(JOB) == Printed(7)


@pytest.mark.parametrize("before", [JOB, AskPrinter()])
def test_silence_of_a_printer_that_has_answered_is_a_fault(before: Print | AskPrinter) -> None:
    printer = MemoryPrinter()
    kiosks = at(printer)
    kiosks.carry_out(before)
    taken = bytes(printer.taken)
    printer.answers.clear()
    failed = kiosks.carry_out(JOB)
    assert isinstance(failed, PrintFailed)
    assert (failed.began, failed.paper) == (False, Paper.OFFLINE)
    assert printer.taken == taken
    assert kiosks.carry_out(AskPrinter()) == PaperIs(Paper.OFFLINE, "the printer no longer answers")
    printer.answers.update(WELL)
    assert kiosks.carry_out(JOB) == Printed(7)


# --- it broke off -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answers", [WELL, MUTE])
def test_cut_at_every_byte_it_is_never_printed_and_always_begun(answers: dict[int, bytes]) -> None:
    """Also before the first byte: a write that broke may have carried it."""
    whole = ticket_bytes()
    for cut in (*range(0, 2100, 300), *range(2048, len(whole))):
        printer = MemoryPrinter(dict(answers), breaks_at=cut, chunk=64)
        assert at(printer).carry_out(JOB) == PrintFailed(7, True, Paper.GONE, "broken")
        assert printer.taken == whole[:cut]


@pytest.mark.parametrize("cut", [0, 1, 100, 2100, 2300])
def test_a_stalled_ticket_has_begun_exactly_when_a_byte_was_taken(cut: int) -> None:
    printer = MemoryPrinter(stalls_at=cut, chunk=64)
    failed = at(printer).carry_out(JOB)
    assert isinstance(failed, PrintFailed)
    assert (failed.began, failed.paper) == (cut > 0, Paper.OFFLINE)
    assert f"at {cut} of " in failed.detail


@pytest.mark.parametrize("answers", [WELL, MUTE])
def test_a_connection_closed_after_the_last_byte_is_a_fault_never_silence(answers: dict[int, bytes]) -> None:
    assert at(MemoryPrinter(dict(answers), closes=True)).carry_out(JOB) == PrintFailed(7, True, Paper.GONE, "closed")


@pytest.mark.parametrize("answers", [WELL, MUTE])
def test_bytes_that_did_not_arrive_are_not_printed(answers: dict[int, bytes]) -> None:
    failed = at(MemoryPrinter(dict(answers), lost=True)).carry_out(JOB)
    assert isinstance(failed, PrintFailed)
    assert failed.began


@pytest.mark.parametrize(
    ("afterwards", "paper"),
    [
        (NO_PAPER, Paper.OUT),
        (COVER_OPEN, Paper.COVER),
        (ERROR, Paper.OFFLINE),
        (MUTE, Paper.OFFLINE),
        ({1: b"\x80"}, Paper.OFFLINE),
    ],
)
@pytest.mark.parametrize("looks", [0, 3])
def test_a_ticket_without_a_good_status_to_the_end_is_not_printed(
    afterwards: dict[int, bytes], paper: Paper, looks: int
) -> None:
    printer = MemoryPrinter()
    asked_with_ticket: list[int] = []

    def change() -> None:
        if printer.taken:
            asked_with_ticket.append(1)
        if len(asked_with_ticket) > 2 * looks:
            printer.answers = dict(afterwards)

    printer.on_ask = change
    failed = at(printer).carry_out(JOB)
    assert isinstance(failed, PrintFailed)
    assert (failed.began, failed.paper) == (True, paper)


@pytest.mark.parametrize("fault", [{"breaks_at": 2200}, {"stalls_at": 2200}, {"lost": True}, {"most_taken": 1}, {}])
@pytest.mark.parametrize("answers", [WELL, MUTE, {1: b"\x12"}])
def test_every_job_ends_within_its_limit(fault: dict[str, int], answers: dict[int, bytes]) -> None:
    printer = MemoryPrinter(dict(answers), **fault)  # type: ignore[arg-type]  # the faults above
    at(printer).carry_out(JOB)
    assert printer.time.now - 1000 <= 30.5


# --- the next one -----------------------------------------------------------------------------------------------------


def test_a_retry_comes_on_paper_of_its_own() -> None:
    printer = MemoryPrinter(breaks_at=2150)
    kiosks = at(printer)
    assert isinstance(kiosks.carry_out(JOB), PrintFailed)
    printer.breaks_at = None
    assert kiosks.carry_out(Print(8, SAMPLE, (Mark.POSSIBLE_DUPLICATE,), retry=True)) == Printed(8)
    half, retry = tickets_of(printer)
    assert "R$ 25,00" not in half
    assert retry.count(WORDS[Mark.POSSIBLE_DUPLICATE]) == 2
    assert "Padaria São João" in retry


def test_another_ticket_after_one_that_broke_off_is_not_swallowed_either() -> None:
    printer = MemoryPrinter(breaks_at=2150)
    kiosks = at(printer)
    kiosks.carry_out(JOB)
    printer.breaks_at = None
    other = Print(8, Ticket((TicketLine("Another sale"),)))
    assert kiosks.carry_out(other) == Printed(8)
    assert kiosks.carry_out(other) == Printed(8)
    assert tickets_of(printer)[1:] == ["Another sale\n"] * 2


def test_zeros_go_before_the_first_ticket_and_no_other_and_waste_no_paper() -> None:
    printer = MemoryPrinter()
    kiosks = at(printer)
    kiosks.carry_out(JOB)
    first = bytes(printer.taken)
    kiosks.carry_out(JOB)
    assert first == bytes(2048) + b"\x1b@" + bytes(printer.taken)[len(first) :]
    assert first.count(b"\x1dV") == 1


def test_a_retry_from_before_a_restart_is_cleared_too() -> None:
    printer = MemoryPrinter()
    assert at(printer).carry_out(Print(8, SAMPLE, retry=True)) == Printed(8)
    assert bytes(printer.taken).startswith(bytes(2048) + b"\x1b@\x1bd\x06\x1dV\x00\x1b@")


# --- asking -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "paper"),
    [(WELL, Paper.OK), (NEAR_END, Paper.LOW), (NO_PAPER, Paper.OUT), (COVER_OPEN, Paper.COVER), (MUTE, Paper.SILENT)],
)
def test_how_it_is_and_nothing_printed(answers: dict[int, bytes], paper: Paper) -> None:
    printer = MemoryPrinter(dict(answers))
    assert at(printer).carry_out(AskPrinter()) == PaperIs(paper)
    assert printer.taken == b""


def test_no_printer_is_gone() -> None:
    kiosks: Printer = TicketPrinter(PrinterConfig(driver="none"), WORDS, FakeTime().clock)
    assert kiosks.carry_out(AskPrinter()) == PaperIs(Paper.GONE, "no printer is configured (driver 'none')")
    failed = kiosks.carry_out(JOB)
    assert isinstance(failed, PrintFailed)
    assert (failed.began, failed.paper) == (False, Paper.GONE)


def test_a_printer_whose_tickets_cannot_be_made_is_gone_and_says_why() -> None:
    """Answering "ok" while every ticket fails would have the debts tried without end."""
    printer = MemoryPrinter()
    kiosks = at(printer, PrinterConfig(code_page="CP999"))
    assert kiosks.carry_out(AskPrinter()) == PaperIs(Paper.GONE, kiosks.trouble)
    assert "CP999" in kiosks.trouble
    failed = kiosks.carry_out(JOB)
    assert isinstance(failed, PrintFailed)
    assert (failed.began, failed.paper) == (False, Paper.GONE)
    assert printer.taken == b""


def test_what_was_wrong_is_kept_for_the_technician_until_it_is_well() -> None:
    printer = MemoryPrinter(dict(NO_PAPER))
    kiosks = at(printer)
    kiosks.carry_out(AskPrinter())
    kiosks.carry_out(JOB)
    assert "out" in kiosks.trouble
    printer.answers = dict(WELL)
    kiosks.carry_out(JOB)
    assert kiosks.trouble == ""
    logo = at(printer, PrinterConfig(logo="/no/such.png"))
    assert logo.carry_out(AskPrinter()) == PaperIs(Paper.OK, logo.trouble)
    assert "logo" in logo.trouble


# --- over a real network (how it breaks there: test_printer_cuts) -----------------------------------------------------

Script = Callable[[socket.socket], None]


@contextmanager
def served(script: Script) -> Iterator[TicketPrinter]:
    """A kiosk's printer at a server that does with its one connection what the script says."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                script(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        settings = PrinterConfig(driver="network", host="127.0.0.1", port=listener.getsockname()[1])
        # The kernel confirms bytes in its own time; the paper, which does not exist, comes out at once.
        kiosks = TicketPrinter(settings, WORDS, time.monotonic, sleep=lambda wait_s: time.sleep(min(wait_s, 0.01)))
        yield kiosks
        kiosks.close()
        thread.join(10)


def answering(roll: Roll) -> Script:
    """A printer that prints and answers well."""

    def script(connection: socket.socket) -> None:
        heard = b""
        while more := connection.recv(4096):
            for question in range(len(heard), len(heard) + len(more)):
                if (heard + more)[question - 2 : question + 1] in (b"\x10\x04\x01", b"\x10\x04\x04"):
                    connection.sendall(b"\x12")
            heard += more
        roll.feed(heard)

    return script


def test_a_ticket_over_tcp() -> None:
    roll = Roll()
    with served(answering(roll)) as kiosks:
        assert kiosks.carry_out(JOB) == Printed(7, sure=True)
    assert roll.unknown == []
    assert "R$ 25,00" in roll.tickets()[0]


# --- how much paper it took -------------------------------------------------------------------------------------------


def mm_of(answer: PrinterEvent) -> int:
    assert isinstance(answer, Printed | PrintFailed)
    return answer.mm


def measured_mm(data: bytes) -> float:
    """By the simulated printer, whose line of 30 dots is a sixth of an inch."""
    head, dots = PrintHead(576), 0
    head.feed(data)
    for item in head.items:
        match item:
            case Line() | Picture():
                dots += item.height
            case Feed():
                dots += item.dots
            case Qr():
                dots += 33 * item.dot
            case _:
                pass
    return dots / 30 * 25.4 / 6


@pytest.mark.parametrize(
    "settings",
    [
        PrinterConfig(),
        PrinterConfig(qr=True, profile="TM-T20II"),
        PrinterConfig(merchant_copy=True),
        PrinterConfig(columns=32, cut=False),
    ],
    ids=["plain", "QR", "merchant's copy", "58 mm without a cutter"],
)
def test_the_paper_that_a_ticket_took_is_told(settings: PrinterConfig) -> None:
    """To a tenth, and not less than it is by more than a line."""
    printer = MemoryPrinter()
    told = mm_of(at(printer, settings).carry_out(JOB))
    measured = measured_mm(bytes(printer.taken))
    assert told == pytest.approx(measured, rel=0.1)
    assert told > measured - 4.3


def test_a_logo_counts_as_high_as_it_is(tmp_path: Path) -> None:
    """A narrow one, too."""
    logo = tmp_path / "logo.png"
    Image.new("1", (64, 240)).save(logo)
    without = mm_of(at(MemoryPrinter()).carry_out(JOB))
    with_logo = MemoryPrinter()
    told = mm_of(at(with_logo, PrinterConfig(logo=str(logo))).carry_out(JOB))
    assert told - without == pytest.approx(240 / 30 * 25.4 / 6, abs=1)
    assert told == pytest.approx(measured_mm(bytes(with_logo.taken)), rel=0.1)


def test_a_ticket_that_broke_off_took_its_part_and_the_scrap_counts_with_the_next() -> None:
    whole = mm_of(at(MemoryPrinter()).carry_out(JOB))
    printer = MemoryPrinter(breaks_at=len(ticket_bytes()) - 200)
    printer.chunk = printer.most_taken = 16
    kiosks = at(printer)
    assert 0 < mm_of(kiosks.carry_out(JOB)) < whole
    printer.breaks_at = None
    assert mm_of(kiosks.carry_out(JOB)) == pytest.approx(whole + 6 * 25.4 / 6, abs=1)


def test_a_ticket_that_never_began_took_no_paper() -> None:
    for printer in (MemoryPrinter(refuses=True), MemoryPrinter(dict(NO_PAPER)), MemoryPrinter(breaks_at=0)):
        assert mm_of(at(printer).carry_out(JOB)) == 0
