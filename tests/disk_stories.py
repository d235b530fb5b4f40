"""Stories whose disk is recorded (``disk_trace``): the real loop and journal, told in a process of their own.

Each story first makes ready what it needs, then says BEGIN: what is written from there on is cut. Before each ``save``
it marks what is about to be saved, after it that it is saved; the marks go into a file, so that the recording holds
them in their place between the journal's own writes.
"""

from __future__ import annotations

import os
import pickle
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kiosk.journal import Reader, SqliteJournal
from kiosk.journal.file import sync_folder
from kiosk.journal.migrations import MIGRATIONS
from kiosk.sale.commands import Lane, Look
from kiosk.sale.days import Day
from kiosk.sale.events import Books, Paper
from kiosk.sale.records import Debt, Entry, Line, Phase, Record, Refund, Rows, Sale
from kiosk.sale.states import MenuItem
from tests.loop_story import LoopStory
from tests.story import Story, order, payment

NAME: Final = Path("kiosk/journal.db")
"""The journal in the recorded folder; ``kiosk`` is made by the journal itself."""
NEXT_VERSION: Final = """
CREATE TABLE tills (reference TEXT NOT NULL REFERENCES sales (reference), till TEXT NOT NULL) STRICT;
INSERT INTO tills SELECT reference, 'counter' FROM sales;
ALTER TABLE sales ADD COLUMN tip INTEGER NOT NULL DEFAULT 0
"""
"""What a later version may do: a table, rows made of old ones, a column."""
NEWER: Final = (*MIGRATIONS, NEXT_VERSION)
PAGES_BEFORE_CHECKPOINT: Final = 1000
"""At so many pages SQLite carries the WAL into the file (sqlite.org/pragma.html#pragma_wal_autocheckpoint)."""


@dataclass(frozen=True, slots=True)
class Begin:
    """What is written from here on is cut."""


@dataclass(frozen=True, slots=True)
class Saving:
    """A ``save`` begins."""

    records: tuple[Record, ...]
    entries: tuple[Entry, ...]
    at: float


@dataclass(frozen=True, slots=True)
class Saved:
    """It returned: it was promised to be durable."""


Said = Begin | Saving | Saved


class Marked:
    """The journal, with a mark before and after each ``save``."""

    def __init__(self, journal: SqliteJournal, say: Callable[[Said], None]) -> None:
        self.journal = journal
        self._say = say

    def rows(self) -> Rows:
        """As the journal has them."""
        return self.journal.rows()

    def find(self, reference: str) -> Sale | None:
        """As the journal has it."""
        return self.journal.find(reference)

    def spent(self, payments: Sequence[str], reference: str) -> frozenset[str]:
        """As the journal knows it."""
        return self.journal.spent(payments, reference)

    def paid_between(self, begin: float, end: float) -> tuple[str, ...]:
        """As the journal knows it."""
        return self.journal.paid_between(begin, end)

    def books(self, references: Sequence[str], payments: Sequence[str]) -> Books | None:
        """As the journal has them."""
        return self.journal.books(references, payments)

    def sale(self, number: int) -> Sale | None:
        """As the journal has it."""
        return self.journal.sale(number)

    def ticket(self, reference: str) -> Debt | None:
        """As the journal has it."""
        return self.journal.ticket(reference)

    def refunds(self, reference: str) -> tuple[Refund, ...] | None:
        """As the journal has them."""
        return self.journal.refunds(reference)

    def day(self) -> Day | None:
        """As the journal counted it."""
        return self.journal.day()

    def begin_anew(self) -> str:
        """As the journal does it."""
        return self.journal.begin_anew()

    def save(self, records: Sequence[Record], entries: Sequence[Entry], at: float) -> None:
        """Save, between two marks."""
        self._say(Saving(tuple(records), tuple(entries), at))
        self.journal.save(records, entries, at)
        self._say(Saved())


class Stage:
    """Where a story is told: the journal's path, and the marks."""

    def __init__(self, path: Path, marks: int) -> None:
        self.path = path
        self._marks = marks

    def say(self, said: Said) -> None:
        """Leave a mark in the recording."""
        os.write(self._marks, pickle.dumps(said))

    def begin(self) -> None:
        """What is written from here on is cut."""
        self.say(Begin())

    def opened(self, scripts: Sequence[str] = MIGRATIONS) -> Marked:
        """The journal, opened as the kiosk opens it."""
        return Marked(SqliteJournal(self.path, anew=True, scripts=scripts), self.say)

    def made(self, *sales: Sale) -> None:
        """A journal that was stopped cleanly."""
        with closing(SqliteJournal(self.path)) as journal:
            journal.save(sales, [], 1.0)


OLD: Final = Sale(
    "KIOSK01-7-old", 7, 900, "BRL", (Line("old", 1, 900),), "k", 1.0, Phase.PAID, payments=("p7",), watched=True
)


def first_start(stage: Stage) -> None:
    """Nothing is there: folder, file and tables are made; the kiosk becomes ready, and is stopped."""
    stage.begin()
    book = stage.opened()
    LoopStory(book).ready()
    book.journal.close()


def paid(stage: Stage) -> None:
    """A plain sale with its ticket, the first one on a new machine."""
    story = LoopStory(stage.opened()).ready()
    stage.begin()
    story.waiting().paid().printed()


def cancelled(stage: Stage) -> None:
    """A sale is cancelled and withdrawn."""
    stage.made(OLD)
    story = LoopStory(stage.opened()).ready()
    stage.begin()
    _cancel(story)


def paid_late_and_twice(stage: Stage) -> None:
    """Paid after it was cancelled, and then by a second phone: a late ticket, and disputed money with its slip."""
    stage.made(OLD)
    story = LoopStory(stage.opened()).ready()
    sale = _cancel(story)
    stage.begin()
    _watched(story, sale)
    story.watch_seen(order(sale, payment("p1"), id_="m1")).printed()
    _watched(story, sale)
    story.watch_seen(order(sale, payment("p1"), id_="m1"), order(sale, payment("p2"), id_="m2")).printed()


def day_closed(stage: Stage) -> None:
    """A Z, and its paper."""
    story = LoopStory(stage.opened()).ready().waiting().paid().printed().wait(2).free().keys("#")
    stage.begin()
    story.choose(MenuItem.CLOSE).keys("#").printed()


def foreign_order(stage: Stage) -> None:
    """The POS holds an order that the journal does not know: written down, withdrawn, watched."""
    stage.made(OLD)
    book = stage.opened()
    stage.begin()
    LoopStory(book).account().holds("foreign-1", 900).removed().free()


def stopped_in_the_middle(stage: Stage) -> None:
    """The kiosk is stopped with a sale open, which carries the WAL into the file; its next life finds it paid."""
    stage.made(OLD)
    book = stage.opened()
    story = LoopStory(book).ready().waiting()
    sale = story.sale
    stage.begin()
    book.journal.close()
    second = LoopStory(stage.opened(), at=1030.0, life=1)
    second.account().holds(sale.reference)
    second.printer(Paper.OK).wait_for(Look)
    second.seen(order(sale, payment("p1"))).printed()


def restored_copy(stage: Stage) -> None:
    """A kiosk starts on a backup: what is owed there is doubtful from now on (R21)."""
    stage.made(OLD)
    book = stage.opened()
    LoopStory(book).ready().waiting().paid()
    backup = stage.path.with_name("backup.db")
    with Reader(stage.path) as reader:
        reader.copy(backup)
    book.journal.close()
    backup.rename(stage.path)
    sync_folder(stage.path.parent)
    stage.begin()
    second = LoopStory(stage.opened(), at=1030.0, life=1)
    second.account().free()


def damaged(stage: Stage) -> None:
    """A sale is open, the power goes, and the card loses pages: the file is set aside, and the POS is made safe."""
    sale = _damage(stage, slice(4096, None))  # all pages but the first; some of them are in the WAL, too
    stage.begin()
    LoopStory(stage.opened(), at=1030.0, life=1).account().holds(sale.reference).removed().free()


def damaged_in_part(stage: Stage) -> None:
    """What is open can still be read: it is taken over, and the sale goes on."""
    sale = _damage(stage, slice(-4096, None))
    stage.begin()
    story = LoopStory(stage.opened(), at=1030.0, life=1).account().holds(sale.reference).printer(Paper.OK)
    story.wait_for(Look)
    story.seen(order(sale, payment("p1"))).printed()


def _damage(stage: Stage, pages: slice) -> Sale:
    """A journal with an open sale, left by a power cut, of which some bytes are lost; the sale."""
    stage.made(OLD)
    with closing(SqliteJournal(stage.path)) as journal:  # the last page is one of the log's
        journal.save([], [Entry("long", "x" * 20_000)], 1.0)
    book = stage.opened()
    sale = LoopStory(book).ready().waiting().sale
    wal = stage.path.with_name(stage.path.name + "-wal")
    content, waiting = bytearray(stage.path.read_bytes()), wal.read_bytes()
    book.journal.close()
    content[pages] = b"\xff" * len(content[pages])
    for file, left in ((stage.path, content), (wal, waiting)):
        with file.open("r+b" if file.exists() else "xb", buffering=0) as disk:
            os.pwrite(disk.fileno(), left, 0)
            os.ftruncate(disk.fileno(), len(left))
            os.fsync(disk.fileno())
    sync_folder(stage.path.parent)
    return sale


def migrated(stage: Stage) -> None:
    """A newer program renews the file, and sells on."""
    stage.made(OLD)
    stage.begin()
    book = stage.opened(NEWER)
    LoopStory(book).ready().keys("2500#").free()
    book.journal.close()


def checkpointed(stage: Stage) -> None:
    """The WAL is full in the middle of a sale: SQLite carries it into the file, then writes over it from its front."""
    stage.made(OLD)
    book = stage.opened()
    story = LoopStory(book).ready()
    wal = stage.path.with_name(stage.path.name + "-wal")
    while wal.stat().st_size < (PAGES_BEFORE_CHECKPOINT - 20) * (4096 + 24):
        book.journal.save([OLD], [], 1.0)
    stage.begin()
    story.waiting().paid().printed()


def _cancel(story: Story) -> Sale:
    sale = story.waiting().sale
    story.keys("*#").seen().removed().free().seen().wait(3.1).seen().wait(2).keys("#")
    assert story.public == "idle"
    return sale


def _watched(story: Story, sale: Sale) -> None:
    """Until the watch of that sale looks; other watches find nothing new."""
    while story.wait_for(Look, lane=Lane.BEHIND).reference != sale.reference:
        story.watch_seen()


STORIES: Final[dict[str, Callable[[Stage], None]]] = {
    story.__name__: story
    for story in (
        first_start,
        paid,
        cancelled,
        paid_late_and_twice,
        day_closed,
        foreign_order,
        stopped_in_the_middle,
        restored_copy,
        damaged,
        damaged_in_part,
        migrated,
        checkpointed,
    )
}


def main() -> None:
    """Tell one story: its name, the folder, and the file of the marks are the process's arguments."""
    name, folder, marks = sys.argv[1:]
    descriptor = os.open(marks, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    STORIES[name](Stage(Path(folder) / NAME, descriptor))
    assert threading.active_count() == 1, "the recording sees one thread only"
    os._exit(0)  # as a power cut ends it: nothing is closed that the story did not close
