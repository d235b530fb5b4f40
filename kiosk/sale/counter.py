"""The whole counter: the sale in front, the obligations behind it, and the health of what they depend on.

``step`` hands each event to the part it concerns. It is a pure function: the same counter, event, time and ids give
the same answer, in a test, in a simulation of a million sales, and on the counter of a shop.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from kiosk.sale import audit, closing, desk, front, health, notices, paper, recent, refund, unsaved, watch
from kiosk.sale.audit import Audit
from kiosk.sale.closing import Closing, carried_over
from kiosk.sale.commands import AskSale, Command, Exit, Note
from kiosk.sale.days import Close
from kiosk.sale.events import (
    Event,
    Key,
    LookNow,
    NotSaved,
    Renewed,
    Saved,
    SettleAsked,
    Stop,
)
from kiosk.sale.moves import end
from kiosk.sale.notices import Notices
from kiosk.sale.paper import Papers
from kiosk.sale.records import Debt, DebtState, Dispute, Entry, Phase, PinTries, Record, Rows, Sale, record_key
from kiosk.sale.refund import Refunds
from kiosk.sale.roll import Reel
from kiosk.sale.shop import Shop
from kiosk.sale.states import (
    NEVER,
    Adopting,
    Checking,
    Clearing,
    MenuItem,
    Placing,
    Starting,
    State,
    Waiting,
    Withdrawing,
)
from kiosk.sale.turn import Health, NewId, Now, Open, Pins, Proof, Turn
from kiosk.sale.watch import Watches

STOP_S: Final = 12.0
"""After a stop: how long an open order may take to be withdrawn before it is left to ``resume`` (R16)."""
JOURNAL_S: Final = 5.0
"""How often a journal that fails is tried again."""


@dataclass(frozen=True, slots=True)
class Counter:
    """Everything the machine knows."""

    shop: Shop
    state: State = Starting()  # noqa: RUF009  (frozen and empty)
    proof: Proof = Proof()  # noqa: RUF009  (frozen)
    watches: Watches = Watches()  # noqa: RUF009  (frozen)
    papers: Papers = Papers()  # noqa: RUF009  (frozen)
    disputes: tuple[Dispute, ...] = ()
    audit: Audit = Audit()  # noqa: RUF009  (frozen)
    notices: Notices = Notices()  # noqa: RUF009  (frozen)
    health: Health = Health()  # noqa: RUF009  (frozen)
    request: int = 0
    """The last request's number."""
    number: int = 0
    """The last sale's number."""
    recent: tuple[Sale, ...] = ()
    """The last sales, newest first."""
    restored: int = -1
    """Sales up to this number may have had their papers in a time that the journal lost (R21)."""
    foreign_at: tuple[float, ...] = ()
    closed: Close | None = None
    """The last Z."""
    closing: Closing | None = None
    """One that is being written."""
    stop_by: float | None = None
    """A stop was asked for: when to go at the latest."""
    gone: bool = False
    """``Exit`` was said."""
    refunds: Refunds = Refunds()  # noqa: RUF009  (frozen)
    pins: Pins = Pins()  # noqa: RUF009  (frozen)
    unsaved: tuple[Record, ...] = ()
    """What the journal could not write; it goes with the next ``Save``."""
    save_at: float = NEVER
    """When to try the journal again."""

    @property
    def menu(self) -> tuple[MenuItem, ...]:
        """What the menu can offer; a kiosk that never sold has no day to close."""
        asking = (MenuItem.ASK_NOW,) if self.recent else ()
        day = (MenuItem.TOTALS, MenuItem.CLOSE) if self.number else ()
        supervised = self.shop.refunds
        refund = (MenuItem.REFUND,) if supervised and self.number else ()
        settle = (MenuItem.SETTLE,) if supervised and self.disputes else ()
        return (*self.papers.menu, *asking, *day, *refund, *settle, MenuItem.CHECK)

    @property
    def wakes_at(self) -> float:
        """When the counter wants to be woken (monotonic seconds)."""
        return min(
            front.wakes_at(self.state, self.proof),
            self.watches.wakes_at,
            self.refunds.wakes_at,
            self.papers.wakes_at,
            self.audit.wakes_at,
            self.notices.wakes_at,
            self.save_at,
            NEVER if self.stop_by is None or self.gone else self.stop_by,
        )


def step(counter: Counter, event: Event, now: Now, new_id: NewId) -> tuple[Counter, tuple[Command, ...]]:
    """What becomes of the counter, and what must be done, in this order.

    Raises:
        BrokenError: the machine does not move on; the program must end and be started again.
    """
    turn = _turn(counter, event, now, new_id)
    if isinstance(event, NotSaved):
        return _not_saved(counter, event, turn)
    if isinstance(event, Saved):
        turn.health = replace(turn.health, journal=True)
        counter = replace(counter, unsaved=(), save_at=NEVER)
    if isinstance(event, Renewed):
        turn.health = replace(turn.health, set_aside=(*turn.health.set_aside, event.set_aside))
        _log_set_aside(turn)
    turn.health = turn.health.device_said(event)
    event = unsaved.with_newest(event, counter)
    if isinstance(event, Stop) and counter.stop_by is None:
        counter = replace(counter, stop_by=now.mono + STOP_S)
    state = counter.state if _refuses(counter, event) else front.step(counter.state, _to_front(counter, event), turn)
    watches = watch.step(counter.watches, event, turn, counter.disputes)
    stopping = counter.stop_by is not None
    if isinstance(event, SettleAsked):
        desk.settle_asked(event, turn)
    refunds = refund.step(counter.refunds, event, turn, counter.disputes, stopping=stopping)
    if refunds.unseen:
        state, refunds = desk.news(counter.state, state, refunds, turn)
    counter = replace(counter, refunds=refunds)
    noticed = notices.step(counter.notices, event, turn, state, watches, stopping=stopping)
    audited = counter.audit
    if noticed is not None:
        counter, watches = replace(counter, notices=noticed.notices), noticed.watches
        if noticed.look:
            state = front.step(state, LookNow(), turn)
        if noticed.audit:
            audited = replace(audited, due=now.mono)
    audited = audit.step(audited, event, turn, state, watches, stopping=stopping)
    if audited is not counter.audit:
        counter = replace(counter, audit=audited)
    for sale in turn.followed:
        watches = watch.follow(watches, sale, turn)
    if closing.concerns(counter.closing, event, turn):
        watched = tuple(watch.sale for watch in watches.items)
        carried = carried_over(counter.papers.debts, watched, counter.disputes, refunds.wanted)
        z = closing.step(counter.closing, event, turn, state, carried, counter.audit, stopping=stopping)
        counter = replace(counter, closing=z)
    papers = paper.step(counter.papers, event, turn, state)
    if turn.health is not counter.health:
        health.tell(counter.health, turn, event)
    return _finish(counter, turn, state, watches, papers)


def _turn(counter: Counter, event: Event, now: Now, new_id: NewId) -> Turn:
    return Turn(
        counter.shop,
        now,
        new_id,
        health=counter.health,
        proof=counter.proof,
        request=counter.request,
        number=counter.number,
        foreign_at=counter.foreign_at,
        menu=counter.menu,
        restored=counter.restored,
        closed=counter.closed,
        heard=event,
        recent=counter.recent,
        open_=Open(counter.refunds.wanted, counter.disputes, counter.stop_by is not None),
        pins=counter.pins,
    )


def _refuses(counter: Counter, event: Event) -> bool:
    """After a stop was asked for, keys start nothing any more."""
    return counter.stop_by is not None and isinstance(event, Key)


def _to_front(counter: Counter, event: Event) -> Event:
    """A notification about another order is no concern of the sale in front."""
    sale = getattr(counter.state, "sale", None)
    if isinstance(event, LookNow) and event.reference and (sale is None or sale.reference != event.reference):
        return Saved()
    return event


def _finish(
    counter: Counter, turn: Turn, state: State, watches: Watches, papers: Papers
) -> tuple[Counter, tuple[Command, ...]]:
    disputes = counter.disputes
    for record in turn.records.values():
        if isinstance(record, Dispute):
            others = tuple(dispute for dispute in disputes if dispute.payment != record.payment)
            disputes = others if record.settled else (*others, record)
    state = desk.still_asks(state, disputes, turn)
    save_at = counter.save_at
    if turn.mono >= save_at:
        turn.log("journal-again", "trying to write the journal again", level=5)
        save_at = turn.mono + JOURNAL_S
    gone = counter.gone
    if counter.stop_by is not None and not gone and (turn.mono >= counter.stop_by or _may_go(state, papers)):
        turn.commands.append(Exit())
        gone = True
    commands = turn.all_commands(counter.unsaved, failing=not turn.health.journal)
    after = Counter(
        shop=counter.shop,
        state=state,
        proof=turn.proof,
        watches=watches,
        papers=papers,
        disputes=disputes,
        audit=counter.audit,
        notices=counter.notices,
        health=turn.health,
        request=turn.request,
        number=turn.number,
        recent=recent.with_saved(counter.recent, turn.records.values()),
        refunds=counter.refunds,
        pins=turn.pins,
        foreign_at=turn.foreign_at,
        restored=turn.restored,
        closed=turn.closed,
        closing=counter.closing,
        stop_by=counter.stop_by,
        gone=gone,
        unsaved=counter.unsaved,
        save_at=save_at,
    )
    return after, commands


def _may_go(state: State, papers: Papers) -> bool:
    """Nothing is left open that a moment more could bring to an end."""
    busy = isinstance(state, Placing | Waiting | Withdrawing | Checking | Adopting | Clearing)
    return not busy and papers.job is None


# --- a journal that cannot be written (R22) ---------------------------------------------------------------------------


def _not_saved(counter: Counter, event: NotSaved, turn: Turn) -> tuple[Counter, tuple[Command, ...]]:
    """No new sale starts; the running one still looks, withdraws, and shows PAID; its ticket may be a duplicate."""
    turn.health = replace(turn.health, journal=False)
    left, go_on = unsaved.left(event, turn.wall)
    records = {record_key(record): record for record in (*counter.unsaved, *left)}
    turn.commands += go_on
    turn.commands.append(Note(Entry("journal-failed", "the journal cannot be written: no new sale", level=3)))
    state = front.step(counter.state, event, turn)
    records.update(turn.records)
    turn.records.clear()
    counter = replace(counter, recent=recent.with_saved(counter.recent, records.values()))
    turn.entries.clear()
    watches = counter.watches
    for sale in turn.followed:
        watches = watch.follow(watches, sale, turn)
    counter = replace(
        counter,
        unsaved=tuple(records.values()),
        save_at=turn.mono + JOURNAL_S,
        closing=None,
        refunds=refund.not_saved(counter.refunds, event, turn),
    )
    return _finish(counter, turn, state, watches, counter.papers)


# --- a journal that is damaged ----------------------------------------------------------------------------------------


def holdings(counter: Counter) -> tuple[Record, ...]:
    """All that a new journal must know at once, when the old one is lost while the counter runs (L2): the open sale,
    what is watched, owed and disputed, and what could not be written."""
    sales = [watch.sale for watch in counter.watches.items]
    pins = [PinTries(counter.pins.failed)] if counter.pins.failed else []
    records = sales, counter.papers.debts, counter.disputes, counter.refunds.wanted, pins, counter.unsaved
    newest: dict[str, Record] = {record_key(record): record for kind in records for record in kind}
    if counter.closed:  # so that the next one's number follows
        newest[record_key(counter.closed)] = counter.closed
    if counter.papers.reel.roll:
        newest[record_key(counter.papers.reel.roll)] = counter.papers.reel.roll
    if isinstance(counter.state, Placing | Adopting | Waiting | Withdrawing | Checking):
        newest[record_key(counter.state.sale)] = counter.state.sale
    return tuple(newest.values())


def _log_set_aside(turn: Turn) -> None:
    names = ", ".join(turn.health.set_aside)
    turn.log(
        "journal-set-aside",
        f"a damaged journal lies aside, and perhaps not all that was open in it is known: {names}",
        level=3,
    )


# --- after a start (R23) ----------------------------------------------------------------------------------------------


def resume(rows: Rows, shop: Shop, now: Now, new_id: NewId) -> tuple[Counter, tuple[Command, ...]]:
    """What to do about whatever was open when the power went. A crash, a restart and a power cut are the same path.

    The newest open sale comes to the front, where the POS is asked about it. Other open ones (there should be none)
    are watched. A ticket that was at the printer is doubtful now.
    """
    turn = Turn(
        shop,
        now,
        new_id,
        health=Health(set_aside=rows.set_aside),
        proof=Proof(),
        request=0,
        number=rows.last_number,
        foreign_at=rows.foreign_at,
        restored=rows.restored,
        closed=rows.closed,
    )
    if rows.set_aside:
        _log_set_aside(turn)
    watches = Watches()
    debts = tuple(_doubted(debt, turn) for debt in rows.debts)
    state: State = Starting()
    for sale in rows.open[1:]:
        turn.followed.append(end(sale, Phase.UNCONFIRMED, turn))
    for index, sale in enumerate((*turn.followed, *rows.watched)):
        watches = watch.follow(watches, sale, turn, stagger_s=1.0 + index)
    turn.followed.clear()
    doubt = any(sale.doubt for sale in rows.watched)  # its order may still arrive: how long was the power off? (R4)
    if rows.open:
        sale = replace(rows.open[0], doubt=rows.open[0].doubt or rows.open[0].phase is Phase.PLACING)
        turn.ask_account()
        doubt = doubt or sale.doubt
        state = Adopting(sale, turn.ask_pos(sale.reference))
        turn.log("resumed", f"sale {sale.number}: was open when the kiosk stopped", sale, level=5)
    turn.must_prove(doubt=doubt)
    refunds = refund.resume(rows.refunds, turn)
    turn.pins = desk.resume(rows.pin_failed, now.mono)
    if shop.refunds:  # is the money back of which a ticket tells?
        tickets = {debt.reference: None for debt in (*debts, rows.last_ticket) if debt and debt.reference}
        turn.commands += [AskSale(reference=reference) for reference in tickets]
    papers = Papers(debts=debts, last=rows.last_ticket, reel=Reel(shop.roll_m * 1000, rows.roll))
    audited = audit.resume(rows.agreed_until, now.mono)
    counter = Counter(shop, disputes=rows.disputes, recent=rows.recent, audit=audited, refunds=refunds)
    return _finish(counter, turn, state, watches, papers)


def _doubted(debt: Debt, turn: Turn) -> Debt:
    if debt.state is not DebtState.PRINTING:
        return debt
    debt = replace(debt, state=DebtState.DOUBTFUL, tried=True)
    turn.save(debt)
    return debt
