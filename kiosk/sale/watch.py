"""Orders that left the front and may still bring money (R17, R18).

Every sale that ended is watched, paid or not: a phone that scanned in time may pay late, a second phone may pay too.
A watch ends only with a whole, answered look in both indexes, half an hour after the last moment at which the order
could be paid by the provider's clock, and never while a payment is pending. Time in the dark does not count.

One look is in flight at a time, for all watches together: a hung one holds up nothing but its like.
"""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass, replace
from typing import Final

from kiosk.sale import moves
from kiosk.sale.commands import Depth, Lane, Tune
from kiosk.sale.events import Answer, Event, LookNow, PaymentSeen, Seen, Trouble, Unknown, Woken
from kiosk.sale.records import Dispute, Phase, Reason, Sale
from kiosk.sale.states import NEVER, Talk
from kiosk.sale.turn import Turn
from kiosk.sale.verdict import Verdict, judge

UNPAID_OFTEN_S: Final = 10.0
UNPAID_OFTEN_FOR_S: Final = 120.0
LATER_S: Final = 60.0
PAID_AT_S: Final = (15.0, 60.0, 300.0, 1800.0)
LAST_S: Final = 1800.0
"""A watch goes on for this after the order's last payable moment."""
SETTLING_S: Final = 30.0
"""Money that covers nothing is disputed when it has stood so long: an index may only lag behind the order."""


@dataclass(frozen=True, slots=True)
class Watch:
    """One order watched."""

    sale: Sale
    since: float
    due: float
    ends_at: float | None
    """When its last look is due, by the provider's clock; None where the order's expiry is not known there."""
    ends_mono: float
    """The same by the monotonic clock, never earlier; used while the provider's is not known."""
    tries: int = 0
    uncovered_since: float | None = None
    """When approved money that covers nothing was first seen."""


@dataclass(frozen=True, slots=True)
class Watches:
    """All of them, and the one look in flight."""

    items: tuple[Watch, ...] = ()
    """The one that is due first stands first."""
    talk: Talk = Talk()  # noqa: RUF009  (frozen: nobody can change the shared default)
    reference: str = ""
    """Whose look is in flight."""

    @property
    def wakes_at(self) -> float:
        """When they want to be woken (monotonic seconds)."""
        if self.talk.request:
            return self.talk.until
        return self.items[0].due if self.items else NEVER


def follow(watches: Watches, sale: Sale, turn: Turn, *, stagger_s: float = 0.0) -> Watches:
    """Watch one more; one that is watched already starts again."""
    now = turn.mono
    ended_at = sale.ended_at or turn.wall
    last_payable = None if sale.expires is None else max(sale.expires, ended_at)
    watch = Watch(
        sale,
        since=now,
        due=now + (stagger_s or (PAID_AT_S[0] if sale.phase is Phase.PAID else UNPAID_OFTEN_S)),
        ends_at=None if last_payable is None else last_payable + LAST_S,
        ends_mono=now + moves.LIFE_MAX_S + LAST_S,
    )
    return _put(watches, _find(watches, sale.reference), watch)


def step(watches: Watches, event: Event, turn: Turn, disputes: tuple[Dispute, ...]) -> Watches:
    """Go on watching. ``disputes``: what is disputed already."""
    match event:
        case Seen() if not event.narrow:
            watches = _saw(watches, event, turn, disputes)
        case Answer() if event.request == watches.talk.request and event.request:
            watches = _missed(watches, event, turn)
        case LookNow() if event.reference:
            watches = hurry(watches, event.reference, turn)
        case Woken() if watches.talk.silent(turn.mono):
            watches = _missed(watches, Unknown(request=watches.talk.request, trouble=Trouble.SLOW), turn)
        case _:
            pass
    return _ask(watches, turn)


def _put(watches: Watches, old: Watch | None, new: Watch | None) -> Watches:
    """With the one in the place of the other."""
    items = [watch for watch in watches.items if watch is not old]
    if new:
        insort(items, new, key=_due)
    return Watches(tuple(items), watches.talk, watches.reference)


def _due(watch: Watch) -> float:
    return watch.due


def _find(watches: Watches, reference: str) -> Watch | None:
    for watch in watches.items:
        if watch.sale.reference == reference:
            return watch
    return None


def _ask(watches: Watches, turn: Turn) -> Watches:
    if watches.talk.request or not watches.items or watches.items[0].due > turn.now.mono:
        return watches
    watch = watches.items[0]
    talk = turn.look(watch.sale.reference, Depth.ALL, Lane.BEHIND, watch.tries)
    return Watches(watches.items, talk, watch.sale.reference)


def hurry(watches: Watches, reference: str, turn: Turn) -> Watches:
    """Look now, unless the last look was not answered: a flood of notices must not break its pause (R9)."""
    watch = _find(watches, reference)
    if watch is None or watch.tries:
        return watches
    return _ask(_put(watches, watch, replace(watch, due=turn.mono)), turn)


def _missed(watches: Watches, event: Answer, turn: Turn) -> Watches:
    """No answer, or a refusal: neither says anything about the money."""
    watch = _find(watches, watches.reference)
    watches = Watches(watches.items)
    if watch is None:
        return watches
    talk = turn.backoff(Talk(tries=watch.tries), event)
    return _put(watches, watch, replace(watch, due=talk.until, tries=talk.tries))


def _saw(watches: Watches, event: Seen, turn: Turn, disputes: tuple[Dispute, ...]) -> Watches:
    if event.request == watches.talk.request:
        watches = Watches(watches.items)
    old = _find(watches, event.reference)
    if old is None:
        return watches
    watch, sale = old, old.sale
    verdict = judge(sale, turn.shop.collector, event.evidence, event.spent)
    if verdict.paid and sale.phase is not Phase.PAID and not sale.foreign:
        sale = _paid_late(sale, verdict, turn, disputes, event)
        watch = replace(watch, sale=sale, since=turn.mono)
    over = _is_over(watch, event, verdict, turn)
    loose = [payment for payment in verdict.approved if payment.id not in sale.payments]
    if loose:
        watch = replace(watch, uncovered_since=_first(watch.uncovered_since, turn.mono))
    if loose and (over or _stands(watch, turn)):
        known = {dispute.payment for dispute in disputes} | event.settled
        for payment in loose:
            if payment.id not in known:
                moves.dispute(sale, payment, _reason(sale, payment, verdict), turn)
    if over:
        turn.save(replace(sale, watched=False))
        turn.log("watch-over", f"sale {sale.number}: the order can bring no more money", sale)
        return _put(watches, old, None)
    uncovered_since = watch.uncovered_since if loose else None
    return _put(watches, old, replace(watch, due=_next_due(watch, turn), tries=0, uncovered_since=uncovered_since))


def _first(earlier: float | None, now: float) -> float:
    return now if earlier is None else earlier


def _stands(watch: Watch, turn: Turn) -> bool:
    """Money beside a paid or a foreign order is clear at once; else the order itself may only lag behind."""
    clear = watch.sale.phase is Phase.PAID or watch.sale.foreign
    return clear or (watch.uncovered_since is not None and turn.mono - watch.uncovered_since >= SETTLING_S)


def _is_over(watch: Watch, event: Seen, verdict: Verdict, turn: Turn) -> bool:
    if not event.evidence.whole or verdict.pending:
        return False
    provider = turn.health.provider_time(turn.mono)
    if watch.ends_at is None or provider is None:
        return turn.mono >= watch.ends_mono
    return provider >= watch.ends_at


def _next_due(watch: Watch, turn: Turn) -> float:
    age = turn.mono - watch.since
    if watch.sale.phase is Phase.PAID:
        # A second apart at the least: a clock that reads a hair before the hour must not make it strike twice.
        later = [at for at in PAID_AT_S if at > age + 1.0]
        return watch.since + later[0] if later else turn.mono + LATER_S
    return turn.mono + (UNPAID_OFTEN_S if age < UNPAID_OFTEN_FOR_S else LATER_S)


def _paid_late(sale: Sale, verdict: Verdict, turn: Turn, disputes: tuple[Dispute, ...], event: Seen) -> Sale:
    """The whole order was paid after its sale had left the front: its ticket says so."""
    sale, debt = moves.paid_records(sale, verdict, turn, late=True)
    turn.save(sale)
    turn.owed.append(debt)
    for dispute in disputes:
        if dispute.payment in sale.payments:
            turn.save(replace(dispute, settled="ticket"))
    turn.log("paid-late", f"sale {sale.number}: paid after it was over", sale, answer=event, level=4)
    turn.sound(Tune.ATTENTION)
    return sale


def _reason(sale: Sale, payment: PaymentSeen, verdict: Verdict) -> Reason:
    if sale.foreign:
        return Reason.UNKNOWN_ORDER
    if sale.phase is Phase.PAID:
        return Reason.SECOND
    if payment.id in verdict.wrong_amount or payment.currency != sale.currency:
        return Reason.WRONG_AMOUNT
    return Reason.SHORT if verdict.approved_cents < sale.cents else Reason.UNCONFIRMED
