"""A real process that dies by SIGKILL at a chosen ``save`` of a story, and the world that it wakes up in again.

The stories are those of ``disk_stories``: the real loop and journal. What the process leaves in its files is what a
kernel that lives on keeps: everything that was written. (What a power cut leaves: ``disk_cuts``.)
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Final

from kiosk.journal import Reader, SqliteJournal
from kiosk.sale.commands import AskAccount, AskPos, AskStatement, Look, PaymentCall, Place, Print, Withdraw
from kiosk.sale.events import (
    AccountIs,
    Booking,
    CallAnswer,
    Evidence,
    Holds,
    Paper,
    Placed,
    PosOrder,
    Removal,
    Removed,
    Seen,
    StatementIs,
)
from kiosk.sale.records import DebtState, Mark, Phase, Sale
from tests.disk_stories import STORIES, Begin, Said, Saved, Saving, Stage
from tests.disk_trace import ROOT
from tests.loop_story import LoopStory
from tests.story import COLLECTOR, EPOCH, order, payment

TOLD: Final = (
    *("paid", "cancelled", "paid_late_and_twice", "day_closed"),
    *("foreign_order", "stopped_in_the_middle", "damaged"),
)
"""The stories that save something; ``checkpointed`` saves what ``paid`` does."""
MARKS: Final = "marks"
"""The file beside the journal that tells what was saved."""
FOLLOWED_S: Final = 120
"""A quiet world leaves nothing open for longer (R25)."""
CANCELLED_AT_S: Final = 10
"""When the cashier gives up."""


class Moment(Enum):
    """When it dies."""

    BEFORE = "before the save"
    AFTER = "after the save, before anything else is done"


class _Deadly(Stage):
    """A stage on which the process dies; without a ``moment`` it tells how many saves there are."""

    def __init__(self, path: Path, number: int, moment: Moment | None) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        marks = path.with_name(MARKS)
        super().__init__(path, os.open(marks, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600))
        self._number = number
        self._moment = moment
        self._begun = False
        self.saves = 0

    def say(self, said: Said) -> None:
        """Leave the mark; and die, if it is time."""
        super().say(said)
        match said:
            case Begin():
                self._begun = True
            case Saving() if self._begun:
                self.saves += 1
                self._die(Moment.BEFORE)
            case Saved() if self._begun:
                self._die(Moment.AFTER)
            case _:
                pass

    def _die(self, moment: Moment) -> None:
        if moment is self._moment and self.saves == self._number:
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Tell a story, dying at a save of it: story, path, number, moment; or (without a moment) print their number."""
    story, path, number, *moment = sys.argv[1:]
    stage = _Deadly(Path(path), int(number), Moment[moment[0]] if moment else None)
    STORIES[story](stage)
    print(stage.saves, flush=True)
    os._exit(0)


def tell(story: str, path: Path, number: int = 0, *moment: str) -> subprocess.CompletedProcess[str]:
    """Tell it in a process of its own."""
    command = [sys.executable, "-c", "from tests.killed import main; main()", story, str(path), str(number), *moment]
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=60.0)


def lost(path: Path) -> list[str]:
    """Sales that are not as the last ``save`` that returned had left them."""
    promised: dict[str, Sale] = {}
    under_way: list[Sale] = []
    with path.with_name(MARKS).open("rb") as marks:
        while marks.peek():
            match pickle.load(marks):
                case Saving(records):
                    under_way = [record for record in records if isinstance(record, Sale)]
                case Saved():
                    promised |= {sale.reference: sale for sale in under_way}
                case Begin():
                    promised.clear()  # what a damaged file held is not promised any more
    with Reader(path) as reader:
        found = {listed.sale.reference: listed.sale for listed in reader.sales()}
    return [
        f"{reference} is not as it was saved" for reference, sale in promised.items() if found.get(reference) != sale
    ]


# --- waking up --------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class World:
    """The account, the POS and the printer, as they are after the kill; they answer truthfully and at once."""

    story: LoopStory
    journal: SqliteJournal
    paid: dict[str, tuple[str, ...]]
    """Reference -> payments that the account holds for it."""
    pos: Sale | None
    """Whose order is on the POS."""

    def follow(self) -> None:
        """Until nothing can be open any more."""
        self.story.printer(Paper.OK)
        for second in range(FOLLOWED_S):
            while self.story.asked or self.story.jobs:
                for asked in self.story.asked[:]:
                    self.story.asked.remove(asked)
                    self.story.feed(self._answer(asked.command))
                while self.story.jobs:
                    self.story.printed()
            self.story.wait(1.0)
            if second == CANCELLED_AT_S and self.story.public == "waiting":
                self.story.keys("*#")

    def _answer(self, call: PaymentCall) -> CallAnswer:
        date = EPOCH + self.story.at
        match call:
            case AskAccount():
                return AccountIs(request=call.request, date=date, user_id=COLLECTOR, site="MLB", test=False)
            case AskPos():
                held = PosOrder(self.pos.reference, self.pos.cents) if self.pos else None
                return Holds(request=call.request, reference=call.reference, date=date, order=held)
            case Look():
                return Seen(request=call.request, reference=call.reference, date=date, evidence=self._seen(call))
            case Withdraw():
                removal = Removal.BY_US if self.pos else Removal.GONE
                self.pos = None
                return Removed(request=call.request, reference=call.reference, date=date, removal=removal)
            case Place():
                return Placed(request=call.request, reference=call.reference, date=date)
            case AskStatement():
                bookings = tuple(self._bookings(date))
                missing = tuple(set(call.known) - {booking.payment.id for booking in bookings})
                return StatementIs(request=call.request, date=date, bookings=bookings, missing=missing)
            case _:
                raise AssertionError(f"nobody gives money back here: {call}")

    def _bookings(self, at: float) -> Iterator[Booking]:
        for reference, ids in self.paid.items():
            sale = self.journal.find(reference)
            assert sale is not None
            for id_ in ids:
                yield Booking(replace(payment(id_, sale.cents), reference=reference, collector=COLLECTOR), True, at)

    def _seen(self, call: Look) -> Evidence:
        sale = self.journal.find(call.reference)
        ids = self.paid.get(call.reference, ())
        assert sale is not None
        return Evidence(tuple(order(sale, payment(id_, sale.cents), id_=f"m-{id_}") for id_ in ids), (), True)


def wrong_after(path: Path, *, paid_meanwhile: bool) -> list[str]:
    """Start the kiosk on what the dead one left, in a world where the last sale was paid meanwhile, or was not.

    Answers what is not as it must be: an open sale or paper, money that nobody has, a ticket without money, an original
    that may be a second one.
    """
    with Reader(path) as reader:
        sales = [listed.sale for listed in reader.sales()]
    with closing(SqliteJournal(path, anew=True)) as journal:
        rows = journal.rows()
        at_printer = {debt.ticket: debt.id for debt in rows.debts if debt.state is DebtState.PRINTING}
        paid = {sale.reference: sale.payments for sale in sales if sale.payments}
        for dispute in rows.disputes:
            paid[dispute.reference] = (*paid.get(dispute.reference, ()), dispute.payment)
        last = next((s for s in (*rows.open, *reversed(rows.watched)) if s.reference not in paid), None)
        if paid_meanwhile and last:
            paid[last.reference] = ("meanwhile",)
        on_pos = rows.open[0] if rows.open and not paid_meanwhile else None
        story = LoopStory(journal, at=1060.0, life=2)
        World(story, journal, paid, on_pos).follow()
        rows = journal.rows()
        disputed = {dispute.payment for dispute in rows.disputes}
        prints = {p.ticket: p.marks for p in reversed(story.did(Print))}
    wrong = [f"{sale.reference} is still open" for sale in rows.open] + [f"{debt.id} is owed" for debt in rows.debts]
    wrong += [
        f"{id_} was at the printer, and prints unmarked"
        for ticket, id_ in at_printer.items()
        if Mark.POSSIBLE_DUPLICATE not in prints.get(ticket, (Mark.POSSIBLE_DUPLICATE,))
    ]
    with Reader(path) as reader:
        listed = {found.sale.reference: found for found in reader.sales()}
        if (reader.close_of(1) is None) is not (reader.paper("z:1") is None):
            wrong.append("a Z without its paper, or a paper without its Z")
    wrong += [
        f"payment {id_} of {reference} is lost"
        for reference, ids in paid.items()
        for id_ in ids
        if id_ not in (*listed[reference].sale.payments, *disputed)
    ]
    for reference, found in listed.items():
        if found.sale.phase is Phase.PAID and reference not in paid:
            wrong.append(f"{reference} is called paid")
        if found.sale.phase is Phase.PAID and found.paper is not DebtState.PRINTED and found.sale.number != 7:
            wrong.append(f"{reference} has no ticket")
    return wrong
