"""The printer goes away at every byte of a ticket, over a real TCP socket, pseudo-terminal and file (L3, R21, R25).

A paid sale's ticket is at the printer, which goes away; the pure machine and the real adapter are left to themselves
until nothing is owed any more. What is judged is the paper: all that came out of the printer, over all connections.
One printer and one adapter live through all cuts of a line, as in a shop, each cut with a new sale.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from kiosk.printer import TicketPrinter
from kiosk.printer.render import FILLER
from kiosk.sale.commands import AskPrinter, Print
from kiosk.sale.events import PaperIs, Printed, PrintFailed, Woken
from kiosk.sale.records import Mark
from tests.printer_ends import PaperFile, Printer, PtyLine, TcpLine
from tests.printers import WORDS, FakeTime
from tests.story import SHOP, Story

BACK_S: Final = 5.0
"""A printer that comes back is tried within so many seconds (R25)."""
_ON_PAPER: Final = 7
"""A byte of a job that is on paper, or nearly: two questions of three bytes come before it."""
REAL: Final[dict[str, Callable[[Path, FakeTime], Printer | PaperFile]]] = {
    "tcp, closed": lambda _, time: Printer(TcpLine(orderly=True), time),
    "tcp, reset": lambda _, time: Printer(TcpLine(orderly=False), time),
    "tcp, hanging": lambda _, time: Printer(TcpLine(orderly=True), time, stays=True),
    "tcp, mute and closed": lambda _, time: Printer(TcpLine(orderly=True), time, mute=True),
    "serial, unplugged": lambda folder, time: Printer(PtyLine(folder, "serial"), time),
    "serial, hanging": lambda folder, time: Printer(PtyLine(folder, "serial"), time, stays=True),
    "serial, mute and unplugged": lambda folder, time: Printer(PtyLine(folder, "serial"), time, mute=True),
    "device, unplugged": lambda folder, time: Printer(PtyLine(folder, "file"), time),
    "device, hanging": lambda folder, time: Printer(PtyLine(folder, "file"), time, stays=True),
    "device, mute and unplugged": lambda folder, time: Printer(PtyLine(folder, "file"), time, mute=True),
    "file on a full disk": PaperFile,
}

EVERY_BYTE: Final = [line for line in REAL if line not in ("serial, mute and unplugged", "device, hanging")]
"""The others differ from these in one thing that others of these have, too."""


def paid() -> Story:
    """A sale is paid, and its ticket goes to the printer."""
    return Story(replace(SHOP, name="São", header=(), footer=())).ready().waiting().paid()


@contextmanager
def kiosk_at(line: str, folder: Path) -> Iterator[Kiosk]:
    """A kiosk whose printer is at that line, and has printed before."""
    time = FakeTime()
    with closing(REAL[line](folder, time)) as end:
        yield Kiosk(end, time)


class Kiosk:
    """A kiosk's adapter, and the printer at the other end of its line."""

    def __init__(self, end: Printer | PaperFile, time: FakeTime) -> None:
        self.end = end
        self._time = time
        self._printer = self._new_printer()
        job = paid().jobs[0]
        self.original = self._paper_of(job)
        self.marked = self._paper_of(replace(job, marks=(Mark.POSSIBLE_DUPLICATE,)))
        assert self._paper_of(job) == self.original
        self.stream = end.heard
        """Bytes of a job: questions, ticket, questions."""

    def _paper_of(self, job: Print) -> str:
        self.end.come_back()
        assert isinstance(self._printer.carry_out(job), Printed)
        [paper] = self.end.papers()
        return paper.rstrip()

    def begin_anew(self) -> None:
        """The program is restarted."""
        self._printer = self._new_printer()

    def _new_printer(self) -> TicketPrinter:
        time, end = self._time, self.end
        return TicketPrinter(end.settings, WORDS, time.clock, sleep=time.sleep, connect=end.connect)

    def sell(self, cut_at: int | None, again_at: int | None = None) -> list[PrintFailed]:
        """Sell, print, lose the printer at that byte of the job, get it back; answers what failed meanwhile.

        ``again_at``: the retry loses it again, at that byte.
        """
        story, failures = paid(), list[PrintFailed]()
        cuts = [at for at in (cut_at, again_at) if at is not None]
        wanted: deque[Print | AskPrinter] = deque()
        began_at = back_at = story.at
        while story.counter.papers.debts:
            wanted += [command for command in story.take() if isinstance(command, Print | AskPrinter)]
            if not wanted:
                story.at = max(story.at, story.counter.wakes_at)
                story.feed(Woken())
                continue
            command = wanted.popleft()
            assert story.at - back_at <= BACK_S
            assert story.at - began_at < 300, "it is never printed"
            if isinstance(command, Print) and cuts:
                self.end.cut(cuts.pop(0))
            self._time.now = story.at
            event = self._printer.carry_out(command)
            story.at = back_at = self._time.now
            story.feed(event)
            if isinstance(event, PrintFailed):
                failures.append(event)
                [owed] = story.counter.papers.debts
                assert owed.tried is any(failure.began for failure in failures)
            elif isinstance(event, PaperIs) and not event.paper.usable:
                self.end.come_back()
        return failures


def judge(kiosk: Kiosk, failures: list[PrintFailed]) -> None:
    """The paper is lawful: in the end one whole readable ticket, and at most one that does not bear the mark."""
    papers = [paper.rstrip() for paper in kiosk.end.papers()]
    assert papers, "it was said to be printed, and there is no paper"
    *scraps, ticket = papers
    began = any(failure.began for failure in failures)
    assert ticket == (kiosk.marked if began else kiosk.original)
    unmarked = [scrap for scrap in scraps if kiosk.original.startswith(scrap)]
    assert len(unmarked) <= began
    assert all(kiosk.marked.startswith(scrap) for scrap in scraps if scrap not in unmarked)
    assert len(scraps) <= len(failures)


@pytest.mark.slow
@pytest.mark.parametrize("line", EVERY_BYTE)
def test_cut_at_every_byte_the_ticket_is_owed_comes_out_and_is_never_twice_an_original(
    line: str, tmp_path: Path
) -> None:
    with kiosk_at(line, tmp_path) as kiosk:
        # To the last question, which is taken and not answered; a file has none to answer.
        for at in range(kiosk.stream + isinstance(kiosk.end, Printer)):
            [failure] = kiosk.sell(at)
            judge(kiosk, [failure])


def test_on_every_line_a_cut_here_and_there_leaves_lawful_paper(tmp_path: Path) -> None:
    """The one above in a hurry; the planted bugs of ``world_mutants`` die of it."""
    for line in REAL:
        with kiosk_at(line, tmp_path) as kiosk:
            for at in (0, *range(5, kiosk.stream, 47), kiosk.stream - 1):
                judge(kiosk, kiosk.sell(at))
            assert kiosk.sell(cut_at=None) == []
            judge(kiosk, [])


@pytest.mark.slow
def test_a_retry_that_is_cut_off_in_its_turn_is_not_mixed_with_what_follows(tmp_path: Path) -> None:
    """Its stream begins with the clearing, two thousand zeros, a cut: the third try is whole wherever that ended."""
    with kiosk_at("tcp, reset", tmp_path) as kiosk:
        for at in range(0, kiosk.stream + len(FILLER), 17):
            failures = kiosk.sell(max(_ON_PAPER, at % kiosk.stream), again_at=at)
            assert len(failures) == 2
            judge(kiosk, failures)


@pytest.mark.parametrize("line", ["tcp, closed", "serial, unplugged", "device, unplugged"])
def test_the_very_first_ticket_of_a_printer_is_cut_like_any_other(line: str, tmp_path: Path) -> None:
    """A cut among the zeros before it has printed nothing, but who is to know? The next one bears the mark."""
    for at in (7, 1000, 2060, 2100):
        folder = tmp_path / str(at)
        folder.mkdir()
        with kiosk_at(line, folder) as kiosk:
            kiosk.begin_anew()
            [failure] = kiosk.sell(at)
            assert failure.began
            judge(kiosk, [failure])
