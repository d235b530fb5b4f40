"""Tickets owed, printed, doubtful (R19, R21).

A paper is owed from the moment its money is known, durably. Only the first try is an original: once a byte may have
reached paper, whatever is printed next says POSSIBLE DUPLICATE; once it is out, COPY.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from kiosk.sale.commands import AskPrinter, Print, Tune
from kiosk.sale.events import Event, Paper, PaperIs, Printed, PrintFailed, Woken
from kiosk.sale.records import Debt, DebtState, Dispute, Mark
from kiosk.sale.states import NEVER, MenuItem, Paid, Resting, State
from kiosk.sale.ticket import summary
from kiosk.sale.turn import Turn

JOB_S: Final = 40.0
"""A printer that has not answered by then has lost the paper, for all we know (the adapter's own limit is 30 s)."""
ASK_S: Final = 30.0
ASK_SOON_S: Final = 4.0
"""While papers are owed, or no sale goes without it: a printer that comes back is tried within 5 s (R25)."""
TRIES: Final = 3
"""Prints of one paper that may begin and fail before it waits to be asked for."""
OLD_S: Final = 600.0
"""Older debts do not print by themselves when paper is loaded."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is at the printer now."""

    number: int
    until: float
    debt: str = ""
    """Whose paper it is; empty: a copy or a summary, owed to nobody."""
    summary: bool = False


@dataclass(frozen=True, slots=True)
class Papers:
    """Everything about paper."""

    debts: tuple[Debt, ...] = ()
    """Owed, oldest first."""
    last: Debt | None = None
    """The newest ticket, for a reprint."""
    job: Job | None = None
    lost: Job | None = None
    """A job that was given up; a late word of it still counts for what it proves."""
    jobs: int = 0
    ask_at: float = 0.0
    """When to ask the printer how it is."""
    asked_at: float | None = None
    """When it was asked what it has not answered yet. Where a connection is tried for 5 s, questions every 4 s would
    queue up before the ticket."""
    spoiled: tuple[str, ...] = ()
    """Debts whose print began and failed, once for each time: after a few they wait to be asked for."""
    copy: bool = False
    """A copy of ``last`` was asked for."""
    summary: bool = False
    """The old debts were asked for: first a slip that lists them..."""
    old: frozenset[str] = frozenset()
    """...then these."""

    @property
    def wakes_at(self) -> float:
        """When they want to be woken (monotonic seconds)."""
        return self.job.until if self.job else self.ask_at

    @property
    def menu(self) -> tuple[MenuItem, ...]:
        """What the menu can offer."""
        return ((MenuItem.REPRINT,) if self.last else ()) + ((MenuItem.DEBTS,) if self.debts else ())


def step(papers: Papers, event: Event, turn: Turn, front: State) -> Papers:
    """Take what the printer said and what is newly owed; print what may be printed now."""
    if not turn.shop.printer:
        return _without_printer(papers, turn)
    match event:
        case PaperIs():
            papers = replace(papers, ask_at=_ask_at(papers, turn), asked_at=None)
        case Printed() | PrintFailed():
            papers = _answered(papers, event, turn)
        case Woken() if papers.job and turn.mono >= papers.job.until:
            failed = PrintFailed(papers.job.number, began=True, paper=Paper.OFFLINE, detail="no answer")
            turn.health = turn.health.device_said(failed)
            papers = replace(_answered(papers, failed, turn), lost=papers.job)
        case _:
            pass
    papers = _settled(_take(papers, turn, front), turn)
    if papers.job is None:
        papers = _print_next(papers, turn, front)
    if papers.job is None and turn.mono >= papers.ask_at:
        turn.commands.append(AskPrinter())
        papers = replace(papers, ask_at=turn.mono + JOB_S, asked_at=turn.mono)
    return papers


def _ask_at(papers: Papers, turn: Turn) -> float:
    """Soon where something waits for the printer: a paper, or the next sale. Counted from the last question: its
    answer may have taken as long as the wait."""
    paper = turn.health.paper
    needed = turn.shop.printer_required and not (paper is not None and paper.usable)
    since = turn.mono if papers.asked_at is None else papers.asked_at
    return max(turn.mono, since + (ASK_SOON_S if papers.debts or needed else ASK_S))


def _without_printer(papers: Papers, turn: Turn) -> Papers:
    for debt in turn.owed:
        turn.save(replace(debt, state=DebtState.PRESUMED))
    return replace(papers, ask_at=NEVER)


def _take(papers: Papers, turn: Turn, front: State) -> Papers:
    """What is newly owed, and what the cashier wishes."""
    for debt in turn.owed:
        turn.save(debt)
    if turn.owed:
        papers = replace(papers, debts=(*papers.debts, *turn.owed), ask_at=min(papers.ask_at, turn.mono + ASK_SOON_S))
    for wish in turn.wishes:
        if wish is MenuItem.DEBTS:
            papers = replace(papers, summary=True, old=frozenset(debt.id for debt in papers.debts), spoiled=())
        elif can_copy(papers, turn.health.paper, front):
            papers = replace(papers, copy=True)
        else:
            turn.sound(Tune.REFUSED)
    return papers


def _settled(papers: Papers, turn: Turn) -> Papers:
    """Money that has its ticket after all needs no slip any more."""
    for record in tuple(turn.records.values()):
        if isinstance(record, Dispute) and record.settled:
            slip_id = f"slip:{record.payment}"
            for debt in papers.debts:
                if debt.id == slip_id:
                    turn.save(replace(debt, state=DebtState.PRESUMED))
            papers = replace(papers, debts=tuple(debt for debt in papers.debts if debt.id != slip_id))
    return papers


def can_copy(papers: Papers, paper: Paper | None, front: State) -> bool:
    """A copy comes out now or not at all. On PAID it is this sale's, whose ticket must be out before it has a copy."""
    if paper is None or not paper.usable or papers.last is None or papers.job:
        return False
    return not isinstance(front, Paid) or papers.last.id == front.sale.reference


def _print_next(papers: Papers, turn: Turn, front: State) -> Papers:
    if turn.health.paper is None or not turn.health.paper.usable:
        return papers
    mine = front.sale.reference if isinstance(front, Paid) else ""
    current = next((debt for debt in papers.debts if debt.id == mine and _may_try(papers, debt)), None)
    if current:
        return _print_debt(papers, current, turn)
    if not isinstance(front, Resting):
        return papers  # R19: while a sale is open, no other paper comes out
    if papers.copy and papers.last:
        return _print_copy(papers, papers.last, turn)
    if papers.summary:
        old = tuple(debt for debt in papers.debts if debt.id in papers.old)
        command = Print(papers.jobs + 1, summary(old, turn.shop))
        return _send(replace(papers, summary=False), command, Job(command.job, turn.mono + JOB_S, summary=True), turn)
    due = next((debt for debt in papers.debts if debt.id in papers.old or _is_fresh(debt, turn)), None)
    return _print_debt(papers, due, turn) if due and _may_try(papers, due) else papers


def _may_try(papers: Papers, debt: Debt) -> bool:
    """A printer that spoils one paper after the other gets no more of them by itself."""
    return papers.spoiled.count(debt.id) < TRIES


def _is_fresh(debt: Debt, turn: Turn) -> bool:
    """Owed a moment ago, by a clock that can be trusted: this machine's own may have stood still for a night."""
    return turn.health.offset is not None and turn.wall - debt.owed_at < OLD_S


def _send(papers: Papers, command: Print, job: Job, turn: Turn) -> Papers:
    turn.commands.append(command)
    return replace(papers, jobs=command.job, job=job)


def _print_debt(papers: Papers, debt: Debt, turn: Turn) -> Papers:
    marks = debt.marks + ((Mark.POSSIBLE_DUPLICATE,) if debt.tried else ())
    printing = replace(debt, state=DebtState.PRINTING)
    turn.save(printing)
    command = Print(papers.jobs + 1, debt.ticket, marks, retry=debt.tried)
    return _send(_with_debt(papers, printing), command, Job(command.job, turn.mono + JOB_S, debt.id), turn)


def _print_copy(papers: Papers, debt: Debt, turn: Turn) -> Papers:
    """A ticket once more. Where its first print is only presumed, nobody knows which of the two is the first."""
    doubtful = debt.state is not DebtState.PRINTED
    mark = Mark.POSSIBLE_DUPLICATE if doubtful else Mark.COPY
    turn.log("copy", f"sale {debt.number}: printing it again: {mark.value}", debt)
    command = Print(papers.jobs + 1, debt.ticket, (*debt.marks, mark))
    return _send(replace(papers, copy=False), command, Job(command.job, turn.mono + JOB_S), turn)


def _answered(papers: Papers, event: Printed | PrintFailed, turn: Turn) -> Papers:
    job = next((job for job in (papers.job, papers.lost) if job and job.number == event.job), None)
    if job is None:
        return papers
    papers = replace(papers, job=None) if job is papers.job else replace(papers, lost=None)
    debt = next((debt for debt in papers.debts if debt.id == job.debt), None)
    if isinstance(event, Printed):
        return _printed(papers, debt, event, turn) if debt else papers
    papers = replace(papers, ask_at=turn.mono + ASK_SOON_S)
    reason = ", ".join(filter(None, (event.paper.value, event.detail)))
    if debt is None:
        papers = replace(papers, summary=papers.summary or job.summary)
        turn.note("print-failed", f"printing failed: {reason}", None if job.summary else papers.last, level=4)
        return papers
    if event.began:
        papers = replace(papers, spoiled=(*papers.spoiled, debt.id))
    tried = debt.tried or event.began
    debt = replace(debt, tried=tried, state=DebtState.DOUBTFUL if tried else DebtState.OWED)
    turn.save(debt)
    turn.log("ticket-owed", f"sale {debt.number}: not printed: {reason}", debt, level=4)
    return _with_debt(papers, debt)


def _printed(papers: Papers, debt: Debt, event: Printed, turn: Turn) -> Papers:
    debt = replace(debt, state=DebtState.PRINTED if event.sure else DebtState.PRESUMED)
    turn.save(debt)
    told = "printed" if event.sure else "printed, as far as this printer tells"
    turn.log("printed", f"sale {debt.number}: {told}", debt)
    return replace(
        papers,
        debts=tuple(other for other in papers.debts if other.id != debt.id),
        old=papers.old - {debt.id},
        last=debt if debt.reference else papers.last,
    )


def _with_debt(papers: Papers, debt: Debt) -> Papers:
    return replace(papers, debts=tuple(debt if other.id == debt.id else other for other in papers.debts))
