"""Short proofs about the adapters, for planted bugs that no history meets; each is named after what it shows.

See ``world_killers``. Each raises ``LawBroken`` with the law or the rule of money that does not hold.
"""

from __future__ import annotations

import math
import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from kiosk.config import PrinterConfig
from kiosk.journal import JournalBusyError, SqliteJournal
from kiosk.journal.file import connect
from kiosk.journal.reading import Reader
from kiosk.mercadopago.answers import Reply, holding, not_done, placing, removing
from kiosk.mercadopago.line import Line, trouble_of
from kiosk.ports import JournalError
from kiosk.printer import TicketPrinter
from kiosk.sale.commands import AskPos, Print
from kiosk.sale.events import Busy, Holds, Printed, PrintFailed, Refused, Trouble, Unknown
from kiosk.sale.records import (
    REFERENCE_MAX,
    REFERENCE_RANDOM,
    Debt,
    DebtState,
    Phase,
    Sale,
    make_reference,
)
from kiosk.sale.records import (
    Line as Item,
)
from tests.laws import LawBroken, law
from tests.printers import MUTE, SAMPLE, WELL, WORDS, MemoryPrinter
from tests.story import SHOP

LETTERS: Final = 62
ASKED: Final = AskPos(request=1, until=10.0)


def a_reference_cannot_be_guessed() -> None:
    """R1: at least 80 random bits, whatever else is in it."""
    law("R1", REFERENCE_RANDOM * math.log2(LETTERS) >= 80, "a reference with too little chance in it")
    longest = make_reference("P" * 64, 10**9, (1 << 128) - 1)
    law("R1", len(longest) <= REFERENCE_MAX and longest[-REFERENCE_RANDOM:].isalnum(), longest)


# --- Mercado Pago -----------------------------------------------------------------------------------------------------


def what_says_nothing_is_no_refusal() -> None:
    """R7, L6: 408, 409, 423, 424, 425, 429 and 5xx are never final, whatever the question was."""
    error = b'{"error": "some_error", "message": "Something.", "status": 0}'
    for status in (408, 409, 423, 424, 425, 429, 500, 502, 503, 504):
        reply = Reply(status, error)
        answers = (not_done(ASKED, reply), placing(ASKED, reply), removing(ASKED, reply))
        law("L6", not any(isinstance(answer, Refused) for answer in answers), f"{status} was taken for a refusal")
    created = placing(
        ASKED, Reply(400, b'{"error": "in_store_order_creation_error", "message": "Failed.", "status": 400}')
    )
    law("L6", isinstance(created, Unknown), "an order that failed to be created may have been")
    law("L6", isinstance(not_done(ASKED, Reply(403, error)), Refused), "403 is a refusal")


def a_taken_pos_is_busy() -> None:
    """R8: 409, or their word for it; what is no word about another order is not."""
    for status, key, busy in ((409, "x", True), (400, "instore_order_locked_error", True), (400, "invalid_x", False)):
        body = b'{"error": "%s", "message": "No.", "status": %d}' % (key.encode(), status)
        answer = placing(ASKED, Reply(status, body))
        law("R8", isinstance(answer, Busy) is busy, f"{status} {key} was heard as {answer}")


def a_wrong_address_frees_no_pos() -> None:
    """R4, L4: only a key that speaks of an order that is not found frees the POS."""
    for key, frees in (("not_found", False), ("point_of_sale_in_store_order_not_found", True)):
        body = b'{"error": "%s", "message": "Not found.", "status": 404}' % key.encode()
        answer = holding(ASKED, Reply(404, body), SHOP.site)
        law("L4", isinstance(answer, Holds) is frees, f"a 404 with {key} was heard as {answer}")


def a_call_ends_by_its_deadline() -> None:
    """R20: no operation may take longer than what is left of the call."""
    moment = [100.0]
    line = Line(lambda: moment[0])
    line.until = 110.0
    for at, left_s in ((100.0, 4.0), (107.0, 3.0), (109.5, 0.5)):
        moment[0] = at
        law("R20", line.limit(4.0) == left_s, f"{line.limit(4.0)} s for an operation, {left_s} s are left")


def a_certificate_of_another_time_means_the_clock() -> None:
    """R3: "not yet valid" means this machine's clock; a certificate that is wrong in another way does not."""
    for code, trouble in ((9, Trouble.CLOCK), (18, Trouble.TLS)):
        error = ssl.SSLCertVerificationError()
        error.verify_code = code
        law("R3", trouble_of(error, heard=False) is trouble, f"code {code} is not said to be {trouble}")


# --- paper ------------------------------------------------------------------------------------------------------------


def _printer(printer: MemoryPrinter) -> TicketPrinter:
    time = printer.time
    return TicketPrinter(PrinterConfig(), WORDS, time.clock, sleep=time.sleep, connect=printer.connect)


def silence_after_an_answer_is_a_fault() -> None:
    """R21: silence counts as printed only from a printer that has never answered."""
    printer = MemoryPrinter(dict(WELL))
    tickets = _printer(printer)
    law("R21", tickets.carry_out(Print(1, SAMPLE)) == Printed(1), "a good printer did not print")
    printer.answers = dict(MUTE)
    law("R21", isinstance(tickets.carry_out(Print(2, SAMPLE)), PrintFailed), "a printer that fell silent was believed")
    law("R21", _printer(printer).carry_out(Print(3, SAMPLE)) == Printed(3, sure=False), "one that never spoke was not")


def a_ticket_that_broke_off_has_begun() -> None:
    """R21, L3: wherever the line breaks after the first byte, the retry must say so."""
    for at, began in ((0, True), (1, True), (500, True), (None, False)):
        printer = MemoryPrinter(dict(WELL), breaks_at=at, refuses=at is None)
        answer = _printer(printer).carry_out(Print(1, SAMPLE))
        told = isinstance(answer, PrintFailed) and answer.began is began
        law("L3", told, f"broken at byte {at}, and the printer says {answer}")


# --- the journal ------------------------------------------------------------------------------------------------------


@contextmanager
def _journal() -> Iterator[tuple[Path, SqliteJournal]]:
    with TemporaryDirectory(prefix="journal-") as folder:
        path = Path(folder) / "journal"
        with closing(SqliteJournal(path)) as journal:
            yield path, journal


def _sale(number: int, payment: str = "") -> Sale:
    sale = Sale(f"KIOSK01-{number}-x", number, 500, "BRL", (Item("x", 1, 500),), f"key-{number}", 1.0)
    return replace(sale, phase=Phase.PAID, payments=(payment,)) if payment else sale


def what_is_refused_is_not_written_by_half() -> None:
    """R22, L7: all of a save or nothing of it, also where it is refused in the middle."""
    with _journal() as (_, journal):
        journal.save([_sale(1, "p1")], [], 1.0)
        try:
            journal.save([_sale(2), _sale(3, "p1")], [], 1.0)
        except JournalError:
            law("R22", journal.find(_sale(2).reference) is None, "half of a refused save was written")
        else:
            raise LawBroken("R1: a payment completed two sales")
        journal.save([_sale(2)], [], 1.0)
        law("R22", journal.find(_sale(2).reference) == _sale(2), "and alone it is not")


def each_commit_waits_for_the_disk() -> None:
    """L7: durable when ``save`` returns: with less than FULL a power cut takes what was committed last."""
    full = 2
    with _journal() as (path, _), closing(connect(path, "rw", 1.0)) as db:
        law("L7", db.execute("PRAGMA synchronous").fetchone()[0] >= full, "a commit that does not wait for the disk")


def two_kiosks_cannot_run_on_one_journal() -> None:
    """R5: the second is refused; after the first has ended it is not."""
    with _journal() as (path, journal):
        try:
            SqliteJournal(path).close()
        except JournalBusyError:
            journal.close()
            SqliteJournal(path).close()
        else:
            raise LawBroken("R5: two kiosks on one journal")


def a_restored_backup_doubts_its_debts() -> None:
    """R21: what was owed when the copy was made may have been printed since; what was printed then stays so."""
    with _journal() as (path, journal):
        owed = Debt("KIOSK01-1-x", 1, 500, SAMPLE, 1.0)
        journal.save([_sale(1, "p1"), owed, replace(owed, id="KIOSK01-2-x", state=DebtState.PRINTED)], [], 1.0)
        copy = path.with_name("copy")
        with Reader(path) as reader:
            reader.copy(copy)
        law("R21", journal.rows().debts == (owed,), "the journal that goes on doubts its papers")
        with closing(SqliteJournal(copy)) as restored:
            doubted = (replace(owed, state=DebtState.DOUBTFUL, tried=True),)
            law("R21", restored.rows().debts == doubted, "a restored backup would print a second original")


EDGES: Final = (
    a_reference_cannot_be_guessed,
    what_says_nothing_is_no_refusal,
    a_taken_pos_is_busy,
    a_wrong_address_frees_no_pos,
    a_call_ends_by_its_deadline,
    a_certificate_of_another_time_means_the_clock,
    silence_after_an_answer_is_a_fault,
    a_ticket_that_broke_off_has_begun,
    what_is_refused_is_not_written_by_half,
    each_commit_waits_for_the_disk,
    two_kiosks_cannot_run_on_one_journal,
    a_restored_backup_doubts_its_debts,
)
