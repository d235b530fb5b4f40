"""One conversation with the printer: questions with several quick reads, and bytes in counted, limited chunks."""

from __future__ import annotations

import math
from types import TracebackType
from typing import Final

from kiosk.ports import Clock
from kiosk.printer import status
from kiosk.printer.status import NonsenseError, Question
from kiosk.printer.transport import PrinterError, Sleep, Transport
from kiosk.sale.events import Paper

JOB_S: Final = 30.0
"""Limit for all of a job."""
CHUNK_S: Final = 5.0
"""Limit for one chunk: a printer that takes nothing for so long has stopped."""
TRIES: Final = 4
"""Questions before a printer counts as silent: one is often not answered."""
_QUICK_S: Final = 0.25
_ASK_S: Final = 1.0
"""Limit for handing over the three bytes of a question."""
_LOOK_S: Final = 0.4
"""Between two looks while the paper comes out."""
_LONGEST_WATCH_S: Final = 6.0
_AFTERWARDS_S: Final = _LONGEST_WATCH_S + 2.0
"""Kept free of sending, so that there is time left to ask how it went."""


class Talk:
    """A context: the connection is open inside, and closed afterwards whatever happened.

    Everything raises ``PrinterError`` when it cannot be done. ``answered`` outlives the conversation: the questions
    that this printer has ever answered. Silence on one of those is a fault; on others it is a printer that never
    reports. So is nonsense: from a printer that has answered, it is a fault when it stays; one that never said anything
    else cannot report, and prints all the same.
    """

    def __init__(self, transport: Transport, answered: set[Question], clock: Clock, sleep: Sleep) -> None:
        self._transport = transport
        self._answered = answered
        self._clock = clock
        self._sleep = sleep
        self._until = clock() + JOB_S
        self.began = False
        """Whether a byte of a ticket may have left."""
        self.taken = 0
        """Bytes of a ticket that certainly left this machine."""
        self.nonsense = ""
        """What a printer that cannot report says instead, in words for the technician."""

    def __enter__(self) -> Talk:
        try:
            self._transport.open()
        except PrinterError:
            self._transport.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._transport.close()

    def paper(self) -> Paper:
        """How the printer is: ``SILENT`` where it has never answered, but with nonsense."""
        printer = self._ask(Question.PRINTER)
        if printer is None:
            return Paper.SILENT
        if status.online(printer):
            return status.paper_online(self._ask(Question.PAPER))
        return status.paper_offline(self._ask(Question.OFFLINE), self._ask(Question.PAPER))

    def usable_paper(self) -> Paper:
        """How the printer is, which can print."""
        paper = self.paper()
        if not paper.usable:
            raise PrinterError(paper, f"the printer reports: {paper.value}")
        return paper

    def send(self, data: bytes) -> None:
        """Hand all bytes over; returns when they have left this machine."""
        sent = 0
        while sent < len(data):
            within_s = self._left(CHUNK_S, _AFTERWARDS_S)
            taken = self._write(data[sent : sent + self._transport.chunk], within_s) if within_s else 0
            if not taken:
                raise PrinterError(self._why_stopped(), f"the printer stopped taking bytes at {sent} of {len(data)}")
            sent += taken
        if not self._transport.flushed(self._left(CHUNK_S)):
            raise PrinterError(self._why_stopped(), f"the last of {len(data)} bytes did not arrive")

    def confirmed(self, printing_s: float) -> bool:
        """Whether the printer itself says that all went well; False from one that never reports.

        A real-time answer comes before the printer has worked through its buffer, so one good answer right after the
        last byte proves little: paper that ends in the middle of the ticket is seen by asking on while it comes out.
        """
        if self.usable_paper() is Paper.SILENT:
            return False
        for _ in range(math.ceil(min(printing_s, _LONGEST_WATCH_S) / _LOOK_S)):
            if not self._left(_LOOK_S):
                break
            self._sleep(_LOOK_S)
            self.usable_paper()
        return True

    def _write(self, chunk: bytes, within_s: float) -> int:
        began, self.began = self.began, True  # If it raises, nobody knows.
        taken = self._transport.write(chunk, within_s)
        self.began = began or taken > 0
        self.taken += taken
        return taken

    def _why_stopped(self) -> Paper:
        try:
            paper = self.paper()
        except PrinterError as error:
            return error.paper
        return Paper.OFFLINE if paper.usable else paper

    def _ask(self, question: Question) -> int | None:
        """The newest answer; None from a printer that never answered this question."""
        try:
            found = self._answers(question)
        except NonsenseError as nonsense:
            if question in self._answered:
                raise PrinterError(Paper.OFFLINE, str(nonsense)) from nonsense
            self.nonsense = str(nonsense)
            return None
        if found:
            self._answered.add(question)
            return found[-1]
        if question in self._answered:
            raise PrinterError(Paper.OFFLINE, "the printer no longer answers")
        return None

    def _answers(self, question: Question) -> list[int]:
        self._forget_old_answers()
        heard = b""
        nonsense: NonsenseError | None = None
        for asked in range(1, TRIES + 1):
            self._request(question)
            heard += self._transport.read(64, self._left(_QUICK_S))
            try:
                # Asked twice, answered twice: the late answer must not be taken for the answer to the next question.
                while 0 < len(status.answers(heard)) < asked and (
                    more := self._transport.read(64, self._left(_QUICK_S))
                ):
                    heard += more
                if found := status.answers(heard):
                    return found
            except NonsenseError as error:
                # Noise on a long line, from one that is known to speak. Of a stranger's noise one byte in sixteen would
                # be taken for an answer by asking on.
                if question not in self._answered:
                    raise
                heard, nonsense = b"", error
        if nonsense:
            raise nonsense
        return []

    def _request(self, question: Question) -> None:
        request = question.request
        if self._transport.write(request, self._left(_ASK_S)) != len(request):
            raise PrinterError(Paper.OFFLINE, "the printer does not take a question")

    def _forget_old_answers(self) -> None:
        for _ in range(TRIES):  # Something that never stops talking is nonsense soon enough.
            if not self._transport.read(256, 0):
                return

    def _left(self, limit_s: float, reserve_s: float = 0.0) -> float:
        return max(0.0, min(limit_s, self._until - reserve_s - self._clock()))
