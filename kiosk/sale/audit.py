"""The account must agree: its statement is read and held against the journal, at the start and every hour (L2).

The watches look for the money of sales that are known and not long over. What they cannot see is found here: a payment
that came when its watch was over, one of a sale that this journal never saw (a restored backup, a new card), one that
went back. What is found is made safe, not only told: its sale is watched again, so that the watch makes of it what it
makes of all late money; or it is disputed, once.

How far the account agrees is durable (``Agreed``), by the provider's clock. From there on it is read again, with an
hour's overlap, because indexes lag behind. What is asked for is what *changed* in that time, so that a payment that was
approved or refunded long after it was made shows, too. A statement that was not read whole, or that the journal cannot
be held against, says nothing about what it does not show (L6), and is asked for again.

It gives way to everything: it is asked for only while nobody is selling, on the lane behind, and only so long as no
watch is due. Whoever wants it at once (before a day is closed) sets ``due`` to now, and waits for ``until`` to move.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from kiosk.sale import moves
from kiosk.sale.events import Answer, Event, PaymentSeen, StatementIs, Trouble, Woken
from kiosk.sale.reconcile import Difference, Kind, compare, in_words
from kiosk.sale.records import Agreed, Phase, Reason, is_reference_of
from kiosk.sale.states import NEVER, Blocked, Idle, Menu, Notice, Paid, Recent, State, Talk
from kiosk.sale.turn import CALL_S, Turn
from kiosk.sale.watch import Watches

START_S: Final = 30.0
"""After a start: what was open comes first."""
EVERY_S: Final = 3600.0
SOON_S: Final = 5.0
"""Between two parts of a long time."""
AGAIN_S: Final = 120.0
"""A sale was watched again because of it: look whether its money is in its place now."""
OVERLAP_S: Final = 3600.0
"""Read again each time. An index that lags behind by more than this would hide a payment for good; integrators see
seconds. It is also how far before a new journal's beginning its first statement goes: far enough for an order that was
open when the old card died (10 minutes of life, 30 of late money), not a whole day that had its tickets."""
PART_S: Final = 6 * 3600.0
"""Of a longer time, so much at once: it is read whole within one call."""
PART_MIN_S: Final = 600.0
KEPT_S: Final = 360 * 86_400.0
"""The search covers 12 months. Source: Mercado Pago, "Search payments"."""
ROOM_S: Final = 4.0
"""With less time than this before the next watch is due, it is not worth beginning."""
BACKOFF_S: Final = 60.0
BACKOFF_MAX_S: Final = 1800.0
FOUND_MAX: Final = 100

_NOBODY_SELLS: Final = frozenset({Idle, Menu, Recent, Paid, Notice, Blocked})


@dataclass(frozen=True, slots=True)
class Audit:
    """How far the account agrees, and the one question in flight."""

    until: float | None = None
    """Up to here it was read, by the provider's clock; None: a new journal, and no clock seen yet."""
    since: float = 0.0
    """From here on all money is this journal's to know: where it stood when the kiosk started, less the overlap. What
    is older and unknown had its place in an older journal, however lately it changed (was released, was refunded)."""
    due: float = 0.0
    """When to ask next (monotonic seconds)."""
    part_s: float = PART_S
    talk: Talk = Talk()  # noqa: RUF009  (frozen)
    begin: float = 0.0
    """The time asked for."""
    end: float = 0.0
    found: tuple[Difference, ...] = ()
    """Differences found since the start, each told once."""
    wakes_at: float = NEVER
    """When it wants to be woken (monotonic seconds)."""


def resume(until: float | None, mono: float) -> Audit:
    """After a start: ``until`` as the journal has it."""
    return Audit(until, 0.0 if until is None else until - OVERLAP_S, due=mono + START_S)


def step(audit: Audit, event: Event, turn: Turn, front: State, watches: Watches, *, stopping: bool) -> Audit:
    """Take an answer; ask, if it is time and nothing else wants the line."""
    if audit.talk.request:
        if isinstance(event, Answer) and event.request == audit.talk.request:
            audit = _answered(audit, event, turn)
        elif isinstance(event, Woken) and audit.talk.silent(turn.mono):
            audit = _missed(audit, turn, Trouble.SLOW.value)
        else:
            return audit
    health = turn.health
    if audit.until is None and health.offset is not None and health.journal:
        audit = _begin(turn, health.offset + turn.mono)
    if (
        type(front) not in _NOBODY_SELLS
        or watches.talk.request
        or watches.wakes_at - max(audit.due, turn.mono) < ROOM_S
        or health.offset is None
        or not health.account_known
        or health.wrong_account
        or not health.journal
        or stopping
    ):
        return audit if audit.wakes_at == NEVER else replace(audit, wakes_at=NEVER)
    if turn.mono < audit.due:
        return audit if audit.wakes_at == audit.due else replace(audit, wakes_at=audit.due)
    return _ask(audit, turn, health.offset + turn.mono, watches.wakes_at)


def _begin(turn: Turn, provider: float) -> Audit:
    """A new journal: from here on all money is its own, whenever the account answers at last."""
    turn.save(Agreed(provider))
    return Audit(provider, provider - OVERLAP_S, due=turn.mono + START_S)


def _ask(audit: Audit, turn: Turn, provider: float, watch_due: float) -> Audit:
    assert audit.until is not None
    begin = max(min(audit.until, provider), provider - KEPT_S) - OVERLAP_S
    end = min(provider, begin + OVERLAP_S + audit.part_s)
    talk = turn.ask_statement(begin, end, min(turn.mono + CALL_S, watch_due), audit.talk.tries)
    return replace(audit, talk=talk, begin=begin, end=end, wakes_at=talk.until)


def _answered(audit: Audit, event: Answer, turn: Turn) -> Audit:
    if not isinstance(event, StatementIs):
        return _missed(audit, turn, _why(event))
    if event.books is None or not turn.health.journal:
        return _missed(audit, turn, "the journal cannot be read")
    audit, followed = _judge(audit, event, turn)
    if not event.whole:
        return _missed(replace(audit, part_s=max(PART_MIN_S, audit.part_s / 2)), turn, "not all of it was read")
    if followed:
        return replace(audit, talk=Talk(), due=turn.mono + AGAIN_S)
    turn.save(Agreed(audit.end))
    provider = turn.health.provider_time(turn.mono) or audit.end
    rest = provider - audit.end > EVERY_S
    if not rest:
        turn.note("agreed", "the account was held against the journal", answer=event)
    due = turn.mono + (SOON_S if rest else EVERY_S)
    return replace(audit, until=audit.end, due=due, part_s=min(PART_S, audit.part_s * 2), talk=Talk())


def _why(event: Answer) -> str:
    reason = getattr(event, "trouble", None) or getattr(event, "reject", None)
    return f"{reason.value if reason else event} {getattr(event, 'detail', '')}".rstrip()


def _missed(audit: Audit, turn: Turn, why: str) -> Audit:
    """It says nothing about money. The first of several is told."""
    tries = audit.talk.tries
    if not tries:
        turn.note("not-agreed", f"the account's statement is not known: {why}", level=5)
    seconds = min(BACKOFF_MAX_S, BACKOFF_S * 2.0**tries)
    return replace(audit, talk=Talk(tries=min(tries + 1, 10)), due=turn.mono + seconds)


# --- what is found ----------------------------------------------------------------------------------------------------


def _judge(audit: Audit, event: StatementIs, turn: Turn) -> tuple[Audit, bool]:
    """Make safe what was found, and tell it; whether a sale is watched again for it."""
    assert event.books is not None
    sales = {sale.reference: sale for sale in event.books.sales if sale.reference}
    bookings = {booking.payment.id: booking for booking in event.bookings}
    told: list[Difference] = []
    followed: set[str] = set()
    for found in compare(event, event.books, turn.shop).differences:
        booking = bookings.get(found.payment)
        sale = sales.get(found.reference)
        if found.kind is Kind.NOT_HERE and sale is None and booking and (booking.at or audit.since) < audit.since:
            continue
        again = found in audit.found
        if not again:
            told.append(found)
            level = 3 if found.kind in (Kind.NOT_THERE, Kind.AMOUNT) or sale is None else 4
            turn.log("account-differs", in_words(found, turn.shop.site.currency), sale, answer=event, level=level)
        if booking and found.kind in (Kind.NOT_HERE, Kind.TWICE):
            if sale is None:
                _unknown(booking.payment, booking.at, turn)
            elif again:  # its watch looked, and does not see it
                reason = Reason.SECOND if sale.phase is Phase.PAID else Reason.UNCONFIRMED
                moves.dispute(sale, booking.payment, reason, turn)
            elif sale.reference not in followed:
                moves.follow(sale, turn)
                followed.add(sale.reference)
    return replace(audit, found=(*audit.found, *told)[-FOUND_MAX:]), bool(followed)


def _unknown(payment: PaymentSeen, at: float | None, turn: Turn) -> None:
    """A reference of ours that this journal never saw, or lost. Its slip is as old as the payment: one that is not
    fresh waits to be asked for, because after a restored backup it may be a whole day's (R19).

    A payment that only came in over our POS, without a reference of ours, is told and no more: the customer typed an
    amount, or it is another program's. A person must know which."""
    if is_reference_of(turn.shop.pos_id, payment.reference):
        order = moves.foreign(payment.reference, payment.cents or 0, turn)
        moves.dispute(order, payment, Reason.UNKNOWN_ORDER, turn, owed_at=at, lost=True)
