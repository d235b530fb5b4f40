"""Tickets owed, printed, doubtful (R19, R21).

A paper is owed from the moment its money is known, durably. Only the first try is an original: once a byte may have
reached paper, whatever is printed next says POSSIBLE DUPLICATE; once it is out, COPY.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from kiosk.sale import roll
from kiosk.sale.commands import AskPrinter, Print, Tune
from kiosk.sale.events import Event, Paper, PaperAsked, PaperIs, Printed, PrintFailed, SaleIs, Woken
from kiosk.sale.records import Debt, DebtState, Dispute, Mark, Ticket
from kiosk.sale.returned import is_given_back, marked
from kiosk.sale.roll import Reel
from kiosk.sale.states import NEVER, MenuItem, Paid, Resting, State
from kiosk.sale.ticket import service_slip, summary
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


class Outcome(Enum):
    """What became of a paper that the technician asked for."""

    PRINTING = "printing"
    PRINTED = "printed"
    PRESUMED = "presumed"
    """All bytes taken by a printer that never reports."""
    FAILED = "failed"
    REFUSED = "refused"
    """It was not tried."""


@dataclass(frozen=True, slots=True)
class Asking:
    """A paper that the technician asked for, in his language: that of the tools, English."""

    ask: int
    outcome: Outcome
    what: str = ""
    """What was printed, with which mark."""
    why: str = ""
    """Why it was not."""
    job: int = 0


ASKED_MAX: Final = 8
"""So many of them are remembered: whoever asked comes back for the outcome at once."""


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
    copy: Debt | None = None
    """A ticket that was asked for once more."""
    sheet: Ticket | None = None
    """A paper that nobody is owed."""
    summary: bool = False
    """The old debts were asked for: first a slip that lists them..."""
    old: frozenset[str] = frozenset()
    """...then these."""
    asked: tuple[Asking, ...] = ()
    """What the technician asked for, newest last."""
    reel: Reel = Reel()  # noqa: RUF009  (frozen)

    @property
    def wakes_at(self) -> float:
        """When they want to be woken (monotonic seconds)."""
        return self.job.until if self.job else self.ask_at

    @property
    def menu(self) -> tuple[MenuItem, ...]:
        """What the menu can offer."""
        printing = ((MenuItem.REPRINT,) if self.last else ()) + ((MenuItem.DEBTS,) if self.debts else ())
        return (*printing, MenuItem.NEW_ROLL) if self.reel.length_mm else printing

    def asking(self, ask: int) -> Asking | None:
        """What became of it; None: it is forgotten, or was never asked for."""
        return next((asking for asking in self.asked if asking.ask == ask), None)


def step(papers: Papers, event: Event, turn: Turn, front: State) -> Papers:
    """Take what the printer said and what is newly owed; print what may be printed now."""
    if isinstance(event, PaperAsked):
        papers = _asked(papers, event, turn, front)
    if not turn.shop.printer:
        return _without_printer(papers, turn)
    match event:
        case PaperIs():
            reel = roll.heard(papers.reel, event, turn.wall)
            papers = replace(papers, ask_at=_ask_at(papers, turn), asked_at=None, reel=reel)
        case Printed() | PrintFailed():
            papers = _answered(papers, event, turn)
        case SaleIs(sale=sale, refunds=refunds) if sale and is_given_back(sale, refunds or ()):
            papers = _refunded(papers, sale.reference, turn)
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
    return papers if papers.reel.kept else replace(papers, reel=roll.keep(papers.reel, turn))


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
        asked = papers.old | {debt.id for debt in turn.owed if debt.is_z}  # somebody waits for it, whatever the clock
        soon = min(papers.ask_at, turn.mono + ASK_SOON_S)
        papers = replace(papers, debts=(*papers.debts, *turn.owed), ask_at=soon, old=asked)
    if turn.sheet and can_print(papers, turn.health.paper):
        papers = replace(papers, sheet=turn.sheet)
    elif turn.sheet:
        turn.sound(Tune.REFUSED)
    for wish in turn.wishes:
        if wish is MenuItem.DEBTS:
            papers = replace(papers, summary=True, old=frozenset(debt.id for debt in papers.debts), spoiled=())
        elif wish is MenuItem.NEW_ROLL:
            turn.log("new-roll", "the paper roll was changed: said in the menu")
            papers = replace(papers, reel=roll.changed(papers.reel, turn.wall))
        elif can_copy(papers, turn.health.paper, front):
            papers = replace(papers, copy=papers.last)
        else:
            turn.sound(Tune.REFUSED)
    if turn.copy and can_print(papers, turn.health.paper):
        papers = replace(papers, copy=turn.copy)
    elif turn.copy:
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


def _refunded(papers: Papers, reference: str, turn: Turn) -> Papers:
    """R21: its money went back, says its ticket, and each copy of it."""
    last = papers.last
    changed = {d.id: marked(d) for d in (last, *papers.debts) if d and d.id == reference and d != marked(d)}
    for debt in changed.values():
        turn.save(debt)
    debts = tuple(changed.get(debt.id, debt) for debt in papers.debts)
    return replace(papers, debts=debts, last=last and changed.get(last.id, last))


def can_print(papers: Papers, paper: Paper | None) -> bool:
    """Whether a paper that is sent now comes out now, as far as anybody knows."""
    return paper is not None and paper.usable and papers.job is None


def can_copy(papers: Papers, paper: Paper | None, front: State) -> bool:
    """A copy comes out now or not at all. On PAID it is this sale's, whose ticket must be out before it has a copy."""
    if papers.last is None or not can_print(papers, paper):
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
    if copy := papers.copy:
        owed = next((debt for debt in papers.debts if debt.id == copy.id), None)
        if owed:  # L3: it is no copy, and with it the debt is paid
            return _print_debt(replace(papers, copy=None), owed, turn)
        return _print_copy(papers, copy, turn)
    if papers.sheet:
        command = Print(papers.jobs + 1, papers.sheet, (Mark.TRAINING,) if turn.training else ())
        return _send(replace(papers, sheet=None), command, Job(command.job, turn.mono + JOB_S), turn)
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
    """A ticket once more."""
    mark = copy_mark(debt)
    turn.log("copy", f"{debt.name}: printing it again: {mark.value}", debt)
    command = Print(papers.jobs + 1, debt.ticket, (*debt.marks, mark))
    return _send(replace(papers, copy=None), command, Job(command.job, turn.mono + JOB_S), turn)


def copy_mark(debt: Debt) -> Mark:
    """What a ticket that is printed once more says. Where its first print is only presumed, nobody knows which of the
    two is the first.
    """
    return Mark.COPY if debt.state is DebtState.PRINTED else Mark.POSSIBLE_DUPLICATE


def _answered(papers: Papers, event: Printed | PrintFailed, turn: Turn) -> Papers:
    job = next((job for job in (papers.job, papers.lost) if job and job.number == event.job), None)
    if job is None:
        return papers
    papers = replace(papers, job=None) if job is papers.job else replace(papers, lost=None)
    debt = next((debt for debt in papers.debts if debt.id == job.debt), None)
    papers = replace(papers, reel=roll.heard(papers.reel, event, turn.wall, ticket=bool(debt and debt.reference)))
    papers = _told(papers, event)
    if isinstance(event, Printed):
        return _printed(papers, debt, event, turn) if debt else papers
    papers = replace(papers, ask_at=turn.mono + ASK_SOON_S)
    reason = _reason(event)
    if debt is None:
        papers = replace(papers, summary=papers.summary or job.summary)
        turn.note("print-failed", f"printing failed: {reason}", None if job.summary else papers.last, level=4)
        return papers
    if event.began:
        papers = replace(papers, spoiled=(*papers.spoiled, debt.id))
    tried = debt.tried or event.began
    debt = replace(debt, tried=tried, state=DebtState.DOUBTFUL if tried else DebtState.OWED)
    turn.save(debt)
    turn.log("ticket-owed", f"{debt.name}: not printed: {reason}", debt, level=4)
    return _with_debt(papers, debt)


def _printed(papers: Papers, debt: Debt, event: Printed, turn: Turn) -> Papers:
    debt = replace(debt, state=DebtState.PRINTED if event.sure else DebtState.PRESUMED)
    turn.save(debt)
    told = "printed" if event.sure else "printed, as far as this printer tells"
    turn.log("printed", f"{debt.name}: {told}", debt)
    return replace(
        papers,
        debts=tuple(other for other in papers.debts if other.id != debt.id),
        old=papers.old - {debt.id},
        last=debt if debt.reference else papers.last,
    )


def _with_debt(papers: Papers, debt: Debt) -> Papers:
    return replace(papers, debts=tuple(debt if other.id == debt.id else other for other in papers.debts))


# --- what the technician asks for -------------------------------------------------------------------------------------


def _asked(papers: Papers, event: PaperAsked, turn: Turn, front: State) -> Papers:
    """Now or not at all: nobody wants to find it on the counter an hour later.

    A ticket that is still owed is not copied (L3): it is printed, as what it is.
    """
    if why := _why_not(papers, event, turn, front):
        return _remember(papers, Asking(event.ask, Outcome.REFUSED, why=why))
    debt = event.debt
    if debt is None:
        marks = (Mark.TRAINING,) if turn.training else ()
        turn.note("slip", "printing a service slip")
        command = Print(papers.jobs + 1, service_slip(event.slip, turn.shop), marks)
        papers, what = _send(papers, command, Job(command.job, turn.mono + JOB_S), turn), "the slip"
    elif debt.id in (owed.id for owed in papers.debts):
        papers = _print_debt(papers, debt, turn)
        doubt = ", as POSSIBLE DUPLICATE" if debt.tried else ""
        what = f"{_called(debt)}, which was still owed{doubt}"
    else:
        papers = _print_copy(papers, debt, turn)
        what = f"{_called(debt)} as {copy_mark(debt).value.replace('-', ' ').upper()}"
    return _remember(papers, Asking(event.ask, Outcome.PRINTING, what, job=papers.jobs))


def _called(debt: Debt) -> str:
    return f"the ticket of {debt.name}" if debt.reference else debt.name


def _why_not(papers: Papers, event: PaperAsked, turn: Turn, front: State) -> str:
    """Why the paper cannot come out now; empty: it can."""
    paper, sale_is_open = turn.health.paper, not isinstance(front, Resting)
    if not turn.shop.printer:
        return "no printer is configured"
    if sale_is_open:  # R19
        return "busy: a sale is open"
    if papers.job:
        return "busy: the printer is printing"
    if event.debt is None and event.number:
        return f"there is no ticket of sale {event.number}"
    if paper is None:
        return "the printer has not said yet how it is"
    return "" if paper.usable else f"the printer: {paper.value}"


def _remember(papers: Papers, asking: Asking) -> Papers:
    return replace(papers, asked=(*papers.asked, asking)[-ASKED_MAX:])


def _told(papers: Papers, event: Printed | PrintFailed) -> Papers:
    """What became of it, where it was asked for."""
    if not any(asking.job == event.job for asking in papers.asked):
        return papers
    outcome, why = outcome_of(event)
    asked = (replace(a, outcome=outcome, why=why) if a.job == event.job else a for a in papers.asked)
    return replace(papers, asked=tuple(asked))


def outcome_of(event: Printed | PrintFailed) -> tuple[Outcome, str]:
    """What became of a paper, and why it is not certainly out."""
    if isinstance(event, Printed):
        return (Outcome.PRINTED if event.sure else Outcome.PRESUMED), ""
    return Outcome.FAILED, _reason(event)


def _reason(event: PrintFailed) -> str:
    return ", ".join(filter(None, (event.paper.value, event.detail)))
