"""What comes of the provider's notifications: they make the kiosk look sooner, and nothing else (R9, L1).

Nobody vouches for a notification. QR notifications carry no signature that could be checked, whoever knows the address
may send one, and the real ones come late, twice, out of order, or not at all. So none is evidence: it only names an
order, and what that order is, the provider is asked.

Two things come of one. While a sale waits in front, its next look is now: one in flight, one pending, and a second
apart, however many come. And what is named goes into a queue of 64, of which one a second is asked for on the lane
behind, by the provider's own id, since that is all that a notification tells. Where the answer names a sale of ours
that has money which has no place yet, that sale is looked at as any other: by its watch, which a sale long over gets
anew; or, where this journal never saw it, by the audit. What is not ours is forgotten. So a flood of notifications is
two or three requests a second, and one that is lost costs nothing but time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from kiosk.sale import moves
from kiosk.sale.commands import Depth, Lane
from kiosk.sale.events import Answer, Event, Notified, Seen, Trouble, Unknown, Woken
from kiosk.sale.records import Sale, is_reference_of
from kiosk.sale.states import NEVER, State, Talk, Waiting
from kiosk.sale.turn import Turn
from kiosk.sale.verdict import judge
from kiosk.sale.watch import Watches, hurry

QUEUE_MAX: Final = 64
APART_S: Final = 1.0
"""Between two looks of the front sale that notifications ask for, and between two requests for what they name."""
TRIES_MAX: Final = 3
"""Unknown answers about one name: its watch, or the audit, will see it all the same."""
AUDIT_APART_S: Final = 600.0
"""A statement is a large request: so far apart at the least, whatever is notified."""


class Named(NamedTuple):
    """What a notification names."""

    depth: Depth
    """ORDER, PAYMENT: the provider's id of one; ALL: a reference of ours, of which nothing need be asked."""
    name: str


@dataclass(frozen=True, slots=True)
class Notices:
    """What was notified and is not asked for yet, and the one request in flight."""

    queue: tuple[Named, ...] = ()
    """The oldest first; the first is in flight where there is a request."""
    seen: tuple[Named, ...] = ()
    """What a look has shown as paid, or as a stranger's, the newest last: it need not be asked for again. Notifications
    come in twos and threes, and again when they were not taken in time."""
    due: float = 0.0
    """When to ask for the next one (monotonic seconds)."""
    talk: Talk = Talk()  # noqa: RUF009  (frozen)
    hurried_at: float = -NEVER
    """When the front sale was last looked at because of a notification."""
    hurry_at: float = NEVER
    """When it is to be looked at next."""
    audited_at: float = -NEVER
    asked: int = 0
    """Names asked for since the start; of these..."""
    ours: int = 0
    """...so many led to money that had no place yet..."""
    strange: int = 0
    """...and so many were of nobody here."""
    dropped: int = 0
    """Names for which the queue had no room."""

    @property
    def wakes_at(self) -> float:
        """When they want to be woken (monotonic seconds)."""
        next_at = self.talk.until if self.talk.request else self.due if self.queue else NEVER
        return min(next_at, self.hurry_at)


class Wishes(NamedTuple):
    """What became of the notices, and what they want of the others."""

    notices: Notices
    watches: Watches
    look: bool = False
    """The front sale is to be looked at now."""
    audit: bool = False
    """The account's statement is to be asked for now."""


def step(
    notices: Notices, event: Event, turn: Turn, state: State, watches: Watches, *, stopping: bool
) -> Wishes | None:
    """Take what is notified, or answered; ask for the next. ``state``: the front's. None: nothing changes."""
    if not isinstance(event, Notified | Seen) and notices.wakes_at == NEVER:
        return None
    wishes = Wishes(notices, watches)
    if isinstance(event, Notified):
        notices = _heard(notices, event, turn, state)
        wishes = wishes._replace(notices=notices)
    elif isinstance(event, Seen) and event.evidence.approved:
        notices = _remember(notices, event)
        wishes = wishes._replace(notices=notices)
    if notices.wakes_at == NEVER:
        return wishes
    if notices.talk.request and isinstance(event, Answer) and event.request == notices.talk.request:
        wishes = _answered(notices, event, turn, watches, state)
        notices = wishes.notices
    elif isinstance(event, Woken) and notices.talk.silent(turn.mono):
        notices = _missed(notices, Unknown(request=notices.talk.request, trouble=Trouble.SLOW), turn)
    look = turn.mono >= notices.hurry_at
    if look:
        notices = replace(notices, hurry_at=NEVER, hurried_at=turn.mono)
        look = _may_hurry(state)
    watches = wishes.watches
    if _is_due(notices, turn) and notices.queue[0].depth is Depth.ALL:
        watches = hurry(watches, notices.queue[0].name, turn)
        notices = replace(notices, queue=notices.queue[1:], due=turn.mono + APART_S)
    return wishes._replace(notices=_ask(notices, turn, stopping=stopping), watches=watches, look=look)


def _is_due(notices: Notices, turn: Turn) -> bool:
    return bool(notices.queue) and not notices.talk.request and notices.due <= turn.mono


def _may_hurry(state: State) -> bool:
    """Unless its last look was not answered: a flood of notices must not break its pause (R9)."""
    return isinstance(state, Waiting) and not state.talk.tries


def _heard(notices: Notices, event: Notified, turn: Turn, state: State) -> Notices:
    named = [
        *(Named(Depth.ORDER, name) for name in event.orders),
        *(Named(Depth.PAYMENT, name) for name in event.payments),
        *(Named(Depth.ALL, name) for name in event.references if is_reference_of(turn.shop.pos_id, name)),
    ]
    if isinstance(state, Waiting):
        front = Named(Depth.ALL, state.sale.reference)
        # Whose order an id is, nobody knows yet: it may well be this one's.
        if any(name == front or name.depth is not Depth.ALL for name in named):
            notices = replace(notices, hurry_at=max(turn.mono, notices.hurried_at + APART_S))
        named = [name for name in named if name != front]
    fresh = [name for name in dict.fromkeys(named) if name not in notices.queue and name not in notices.seen]
    if not fresh:
        return notices
    room = QUEUE_MAX - len(notices.queue)
    # The look of the sale in front may show what it is: that saves the request.
    due = notices.due if notices.queue else max(notices.due, turn.mono + APART_S)
    queue = (*notices.queue, *fresh[:room])
    return replace(notices, queue=queue, due=due, dropped=notices.dropped + max(0, len(fresh) - room))


def _remember(notices: Notices, event: Seen) -> Notices:
    """A look has shown it as paid: all that there is to know of it."""
    orders = [Named(Depth.ORDER, order.id) for order in event.evidence.orders if order.complete]
    seen = [*orders, *(Named(Depth.PAYMENT, payment) for payment in event.evidence.approved)]
    return _with_seen(notices, seen)


def _with_seen(notices: Notices, seen: list[Named]) -> Notices:
    asking = notices.queue[:1] if notices.talk.request else ()
    rest = tuple(name for name in notices.queue[len(asking) :] if name not in seen)
    kept = tuple(dict.fromkeys((*notices.seen, *seen)))[-QUEUE_MAX:]
    return replace(notices, queue=(*asking, *rest), seen=kept)


def _ask(notices: Notices, turn: Turn, *, stopping: bool) -> Notices:
    if not _is_due(notices, turn):
        return notices
    if stopping or turn.health.wrong_account:
        return replace(notices, queue=())
    depth, name = notices.queue[0]
    talk = turn.look("", depth, Lane.BEHIND, notices.talk.tries, name)
    return replace(notices, talk=talk, asked=notices.asked + (not talk.tries))


def _missed(notices: Notices, event: Answer, turn: Turn) -> Notices:
    """Not answered, or refused: some tries more, and later each time."""
    talk = turn.backoff(notices.talk, event, APART_S)
    if talk.tries >= TRIES_MAX:
        return replace(notices, talk=Talk(), queue=notices.queue[1:], due=talk.until)
    return replace(notices, talk=Talk(tries=talk.tries), due=talk.until)


def _answered(notices: Notices, event: Answer, turn: Turn, watches: Watches, state: State) -> Wishes:
    if not isinstance(event, Seen):
        return Wishes(_missed(notices, event, turn), watches)
    asked = notices.queue[0]
    notices = replace(notices, talk=Talk(), queue=notices.queue[1:], due=turn.mono + APART_S)
    sale = next((watch.sale for watch in watches.items if watch.sale.reference == event.reference), None)
    if sale is not None:
        return _known(notices, sale, event, turn, watches, watched=True)
    front = getattr(state, "sale", None)
    if front is not None and front.reference == event.reference:
        return Wishes(notices, watches)  # the front has heard it, too
    books = event.books
    sale = next((known for known in books.sales if known.reference == event.reference), None) if books else None
    if sale is not None:
        return _known(notices, sale, event, turn, watches, watched=False)
    strangers = not is_reference_of(turn.shop.pos_id, event.reference)
    if strangers and event.reference:
        notices = _with_seen(notices, [asked])
    if strangers or not event.evidence.approved or books is None or turn.mono < notices.audited_at + AUDIT_APART_S:
        return Wishes(replace(notices, strange=notices.strange + strangers), watches)
    turn.note("notified", "a notification names an order of ours that the journal does not know", answer=event, level=5)
    return Wishes(replace(notices, ours=notices.ours + 1, audited_at=turn.mono), watches, audit=True)


def _known(notices: Notices, sale: Sale, event: Seen, turn: Turn, watches: Watches, *, watched: bool) -> Wishes:
    """Money that has no place yet is for a whole look to judge."""
    disputed = {d.payment.removesuffix(":excess") for d in event.books.disputes} if event.books else set()
    verdict = judge(sale, turn.shop.collector, event.evidence, event.spent)
    if not {payment.id for payment in verdict.approved} - {*sale.payments, *disputed}:
        return Wishes(notices, watches)
    notices = replace(notices, ours=notices.ours + 1)
    if watched:
        return Wishes(notices, hurry(watches, sale.reference, turn))
    turn.log("notified", f"sale {sale.number}: a notification speaks of its money", sale, answer=event, level=5)
    moves.follow(sale, turn)
    return Wishes(notices, watches)
