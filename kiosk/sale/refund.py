"""Money that goes back: each refund that a supervisor wants is carried to its end, behind the front (R24).

A refund is durable, with its key, before its first attempt, and each attempt carries that key: however often it is
tried, the provider gives the money back once. Right before the first one the account is asked once more: where anything
went back since the supervisor saw it (in Mercado Pago's app), nothing is sent.

What an attempt came to is known only when the provider says so. An answer that was lost is an unknown outcome, and so
is an attempt that a power cut may have met: then the payment's refunds are asked for first. One that was not there
before, and that is no other wish's, is this one; if there is none, the same attempt is made again.

A refusal is final only where it says why, and no attempt before it is in doubt. Otherwise it takes more: several whole
lists, over two minutes at the least, that do not show it, and each attempt between them refused. Until then nobody says
that it failed; it goes on, later and later, for as long as it takes.

While one is wanted, no second one of the same payment begins (``kiosk.sale.desk``), and the provider's id of a refund
belongs to one wish alone: so no two wishes ever end with the same money.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from kiosk.sale.commands import AskSale, GiveBack, Save, Tune
from kiosk.sale.events import (
    Answer,
    Event,
    GivenBack,
    NoRefund,
    NotGivenBack,
    NotSaved,
    PaymentState,
    RefundsAre,
    RefundSeen,
    Refused,
    Reject,
    Trouble,
    Unknown,
    Woken,
)
from kiosk.sale.records import Debt, Dispute, Mark, Refund, RefundState
from kiosk.sale.returned import left_of, stands, went_back
from kiosk.sale.states import NEVER, Talk
from kiosk.sale.ticket import refund_paper
from kiosk.sale.turn import Turn

OFTEN_FOR_S: Final = 120.0
LATER_S: Final = 60.0
"""How often it is asked after that."""
HELD_S: Final = 5.0
"""Looked at again after this, where nothing may be asked now."""
LISTS: Final = 3
OVER_S: Final = 120.0
"""So many whole lists must lack a refund in doubt before a refusal is believed, over so long at the least since its
last unknown attempt: that one may still arrive."""
ENDED_MAX: Final = 10
JOURNAL: Final = "journal"
"""Why a refund was refused that could not be written down."""
REJECTED: Final = "rejected"
"""...or that the provider took, and then did not carry out..."""
CHANGED: Final = "changed"
"""...or of whose payment something else went back, after it was signed for."""
_NAMELESS: Final = frozenset({NoRefund.OTHER.value, Reject.INVALID.value})
"""Refusals that do not say why: perhaps it happened all the same."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One refund that is wanted, and how far asking for it has come."""

    refund: Refund
    since: float
    due: float
    asking: bool = False
    """Next, or in flight, is the question what went back; otherwise an attempt."""
    tries: int = 0
    """Requests since the start: the more, the later the next one."""
    lists: int = 0
    """Whole lists without it..."""
    lists_since: float = 0.0
    """...since then..."""
    refusals: int = 0
    """...and the refusals between them."""


@dataclass(frozen=True, slots=True)
class Refunds:
    """All of them, and the one request in flight."""

    items: tuple[Wish, ...] = ()
    """The oldest first."""
    talk: Talk = Talk()  # noqa: RUF009  (frozen)
    key: str = ""
    """Whose request is in flight."""
    ended: tuple[Refund, ...] = ()
    """The last ones that came to an end, the newest last, for who waits for it at the counter."""
    unseen: tuple[str, ...] = ()
    """Keys of those that were refused, and nobody was told yet."""

    @property
    def wakes_at(self) -> float:
        """When they want to be woken (monotonic seconds)."""
        if self.talk.request:
            return self.talk.until
        return min((wish.due for wish in self.items), default=NEVER)

    @property
    def wanted(self) -> tuple[Refund, ...]:
        """Those whose outcome is not known."""
        return tuple(wish.refund for wish in self.items)

    def find(self, key: str) -> Refund | None:
        """The refund of that key, open or lately ended."""
        return next((refund for refund in (*self.wanted, *reversed(self.ended)) if refund.key == key), None)


def resume(wanted: tuple[Refund, ...], turn: Turn) -> Refunds:
    """After a start: an attempt may have been under way, so what went back is asked first, never tried first."""
    items = []
    for index, found in enumerate(wanted):
        refund = replace(found, doubt=found.doubt or found.tries > 0)
        if refund != found:
            turn.save(refund)
        items.append(Wish(refund, turn.mono, turn.mono + 1.0 + index, asking=True))
    return Refunds(tuple(items))


def step(
    refunds: Refunds, event: Event, turn: Turn, disputes: tuple[Dispute, ...], *, stopping: bool = False
) -> Refunds:
    """Take what was answered, and what is newly wanted; ask for the next. ``disputes``: those that are open."""
    for refund in turn.wanted:
        turn.save(refund)
        refunds = replace(refunds, items=(*refunds.items, Wish(refund, turn.mono, turn.mono, asking=True)))
    match event:
        case Answer() if event.request and event.request == refunds.talk.request:
            refunds = _answered(refunds, event, turn, disputes)
        case Woken() if refunds.talk.silent(turn.mono):
            silence = Unknown(request=refunds.talk.request, trouble=Trouble.SLOW)
            refunds = _answered(refunds, silence, turn, disputes)
        case _:
            pass
    return _ask(refunds, turn, stopping=stopping)


# --- asking -----------------------------------------------------------------------------------------------------------


def _ask(refunds: Refunds, turn: Turn, *, stopping: bool) -> Refunds:
    """The next request. An attempt comes before all questions: what it goes by is the answer of this moment."""
    if refunds.talk.request:
        return refunds
    due = next((w for w in sorted(refunds.items, key=lambda w: w.asking) if w.due <= turn.mono), None)
    if due is None:
        return refunds
    health = turn.health
    in_vain = not health.journal and (_is_new(due.refund) or not due.asking)  # no attempt could follow
    if stopping or not health.account_known or health.wrong_account or in_vain:
        held = (
            w if w.due > turn.mono else replace(w, asking=w.asking or _is_new(w.refund), due=turn.mono + HELD_S)
            for w in refunds.items
        )
        return replace(refunds, items=tuple(held))
    if due.asking:
        talk = turn.ask_refunds(due.refund.payment, due.refund.reference)
        return replace(refunds, talk=talk, key=due.refund.key)
    refund = replace(due.refund, tries=due.refund.tries + 1)
    turn.save(refund)
    again = ", again" if refund.tries > 1 else ""
    turn.log("refunding", f"sale {refund.number}: giving back {_what(refund, turn)}{again}", refund, level=5)
    refunds = _put(refunds, due, replace(due, refund=refund))
    return replace(refunds, talk=turn.give_back(refund), key=refund.key)


def _what(refund: Refund, turn: Turn) -> str:
    return f"{turn.shop.site.currency.with_symbol(refund.cents)} of payment {refund.payment}, by {refund.by}"


def _put(refunds: Refunds, old: Wish, new: Wish) -> Refunds:
    return replace(refunds, items=tuple(new if wish is old else wish for wish in refunds.items))


def _later(refunds: Refunds, wish: Wish, event: Answer, turn: Turn, **changes: object) -> Refunds:
    """Ask later, what went back; and later each time."""
    talk = turn.backoff(Talk(tries=wish.tries), event)
    due = talk.until if turn.mono - wish.since < OFTEN_FOR_S else max(talk.until, turn.mono + LATER_S)
    after = replace(wish, asking=True, tries=talk.tries, due=due)
    return _put(refunds, wish, replace(after, **changes))  # type: ignore[arg-type]  # fields of a Wish


# --- answers ----------------------------------------------------------------------------------------------------------


def _answered(refunds: Refunds, event: Answer, turn: Turn, disputes: tuple[Dispute, ...]) -> Refunds:
    wish = next((wish for wish in refunds.items if wish.refund.key == refunds.key), None)
    refunds = replace(refunds, talk=Talk(), key="")
    if wish is None:
        return refunds
    match event:
        case RefundsAre() if _is_new(wish.refund):
            return _begun(refunds, wish, event, turn)
        case Refused(reject=reject) if _is_new(wish.refund):
            return _over(refunds, wish, reject.value, turn, event)
        case RefundsAre() if wish.asking:
            return _listed(refunds, wish, event, turn, disputes)
        case _ if wish.asking:
            return _later(refunds, wish, event, turn)
        case GivenBack(refund=seen) if _is_free(refunds, wish.refund, seen):
            return _shown(refunds, wish, seen, event, turn, disputes)
        case NotGivenBack(reason=reason) if reason is not NoRefund.USED:
            return _refused(refunds, wish, reason.value, event, turn)
        case Refused(reject=reject) if not (wish.refund.doubt and reject in (Reject.TOKEN, Reject.FORBIDDEN)):
            return _refused(refunds, wish, reject.value, event, turn)
        case _:
            return _unknown(refunds, wish, event, turn)


def _is_new(refund: Refund) -> bool:
    """Whether certainly nothing was sent yet."""
    return refund.state is RefundState.WANTED and not (refund.tries or refund.doubt)


def _begun(refunds: Refunds, wish: Wish, event: RefundsAre, turn: Turn) -> Refunds:
    """Nothing was sent yet, and nothing is, unless all is as it was when it was signed for."""
    refund, left = wish.refund, left_of(event)
    fresh = any(stands(seen) and _is_free(refunds, refund, seen) for seen in event.refunds)
    if fresh or left is None or left < refund.cents or (refund.whole and left != refund.cents):
        return _over(refunds, wish, CHANGED, turn, event)
    return _put(refunds, wish, replace(wish, asking=False, due=turn.mono))


def _unknown(refunds: Refunds, wish: Wish, event: Answer, turn: Turn) -> Refunds:
    """Perhaps it happened."""
    refund = wish.refund
    if not refund.doubt:
        refund = replace(refund, doubt=True)
        turn.save(refund)
        turn.log("refund-unknown", f"sale {refund.number}: is it given back? Asking", refund, answer=event, level=4)
    return _later(refunds, wish, event, turn, refund=refund, lists=0, refusals=0)


def _refused(refunds: Refunds, wish: Wish, why: str, event: Answer, turn: Turn) -> Refunds:
    """This attempt did nothing, if it says why. Whether that is the whole truth depends on the ones before it."""
    detail = getattr(event, "detail", "")
    if not wish.refund.doubt and why in _NAMELESS:
        return _unknown(refunds, wish, event, turn)
    if not wish.refund.doubt:
        return _over(refunds, wish, why, turn, event, detail)
    refund = replace(wish.refund, why=why)  # the last word of it, should it be believed
    turn.note("refund-refused-again", f"sale {refund.number}: refused: {why} {detail}".rstrip(), refund, answer=event)
    return _later(refunds, wish, event, turn, refund=refund, refusals=wish.refusals + 1)


def _listed(refunds: Refunds, wish: Wish, event: RefundsAre, turn: Turn, disputes: tuple[Dispute, ...]) -> Refunds:
    refund = wish.refund
    if refund.refund_id:
        seen = next((seen for seen in event.refunds if seen.id == refund.refund_id), None)
        if seen is None or seen.state is PaymentState.PENDING:
            return _later(refunds, wish, event, turn)
        if seen.state is PaymentState.APPROVED:
            return _shown(refunds, wish, seen, event, turn, disputes)
        return _over(refunds, wish, REJECTED, turn, event)
    fresh = [seen for seen in event.refunds if stands(seen) and _is_free(refunds, refund, seen)]
    exact = [seen for seen in fresh if seen.cents == refund.cents]
    if exact or (refund.whole and len(fresh) == 1):
        return _shown(refunds, wish, (exact or fresh)[0], event, turn, disputes)
    if went_back(event) is None or (refund.whole and fresh):
        return _later(refunds, wish, event, turn)
    listed = _without_it(wish, turn)
    if listed.lists >= LISTS and turn.mono - listed.lists_since >= OVER_S:
        return _over(refunds, listed, refund.why, turn, event)
    return _put(refunds, wish, replace(listed, asking=False, due=turn.mono))


def _without_it(wish: Wish, turn: Turn) -> Wish:
    """With one whole list more that does not show it. Where the attempt since the last one was not refused, it is the
    first again."""
    if not wish.lists or wish.refusals < wish.lists:
        return replace(wish, lists=1, lists_since=turn.mono, refusals=0)
    return replace(wish, lists=wish.lists + 1)


def _is_free(refunds: Refunds, refund: Refund, seen: RefundSeen) -> bool:
    """Whether what the provider shows can be this wish's: it was not there before, and is no other wish's."""
    others = {other.refund_id for other in (*refunds.wanted, *refunds.ended) if other.key != refund.key}
    return bool(seen.id) and seen.id not in refund.known and seen.id not in others


def _shown(
    refunds: Refunds, wish: Wish, seen: RefundSeen, event: Answer, turn: Turn, disputes: tuple[Dispute, ...]
) -> Refunds:
    """It is there. From here on its own id tells how it stands."""
    if seen.state is PaymentState.APPROVED:
        return _done(refunds, wish, seen, event, turn, disputes)
    refund = wish.refund
    if refund.refund_id != seen.id:
        refund = replace(refund, refund_id=seen.id)
        turn.save(refund)
        turn.log("refund-pending", f"sale {refund.number}: the refund is under way", refund, answer=event)
    return _later(refunds, wish, event, turn, refund=refund)


def _done(
    refunds: Refunds, wish: Wish, seen: RefundSeen, event: Answer, turn: Turn, disputes: tuple[Dispute, ...]
) -> Refunds:
    cents = wish.refund.cents if seen.cents is None else seen.cents
    refund = replace(wish.refund, state=RefundState.DONE, refund_id=seen.id, cents=cents, ended_at=turn.wall, why="")
    turn.save(refund)
    turn.log("refunded", f"sale {refund.number}: given back: {_what(refund, turn)}", refund, answer=event, level=5)
    settled = {refund.dispute} | ({refund.payment, f"{refund.payment}:excess"} if refund.whole else set())
    for dispute in disputes:
        if dispute.payment in settled:
            turn.save(replace(dispute, settled="refunded", settled_by=refund.by, settled_at=turn.wall))
    turn.owed.append(
        Debt(
            id=f"refund:{refund.key}",
            number=refund.number,
            cents=refund.cents,
            ticket=refund_paper(refund, turn.shop),
            owed_at=turn.wall,
            marks=(Mark.TRAINING,) if turn.training else (),
            tried=refund.restored,
        )
    )
    turn.sound(Tune.ATTENTION)
    turn.commands.append(AskSale(reference=refund.reference))  # is all of it back? Then its ticket says so
    return _ended(refunds, refund)


def _over(refunds: Refunds, wish: Wish, why: str, turn: Turn, event: Answer, detail: str = "") -> Refunds:
    """Certainly nothing went back, and under this key nothing ever will."""
    refund = replace(wish.refund, state=RefundState.REFUSED, ended_at=turn.wall, why=why)
    turn.save(refund)
    told = f"sale {refund.number}: not given back: {why} {detail}".rstrip()
    turn.log("refund-refused", told, refund, answer=event, level=4)
    turn.sound(Tune.ATTENTION)
    return replace(_ended(refunds, refund), unseen=(*refunds.unseen, refund.key))


def _ended(refunds: Refunds, refund: Refund) -> Refunds:
    items = tuple(wish for wish in refunds.items if wish.refund.key != refund.key)
    return replace(refunds, items=items, ended=(*refunds.ended, refund)[-ENDED_MAX:])


# --- a journal that cannot be written (R22) ---------------------------------------------------------------------------


def not_written(event: NotSaved, wall: float) -> Iterator[Refund]:
    """What is true instead, and to be written later: a wish that was never durable is refused, and an attempt that was
    not counted was not made."""
    saved = [r for c in event.dropped if isinstance(c, Save) for r in c.records if isinstance(r, Refund)]
    for refund in saved:
        if refund.key != _attempt(event):
            is_new = _is_new(refund)
            yield replace(refund, state=RefundState.REFUSED, why=JOURNAL, ended_at=wall) if is_new else refund
        elif refund.tries > 1:  # before the first one it is durable as it was signed
            yield replace(refund, tries=refund.tries - 1)


def _attempt(event: NotSaved) -> str:
    """Whose attempt was dropped with the save."""
    return next((command.refund.key for command in event.dropped if isinstance(command, GiveBack)), "")


def not_saved(refunds: Refunds, event: NotSaved, turn: Turn) -> Refunds:
    """What was never durable ends; an attempt comes later, and what went back is asked before it."""
    later = {refund.key: refund for refund in not_written(event, turn.wall)}
    for wish in refunds.items:
        refund = later.get(wish.refund.key, wish.refund)
        if refund.state is RefundState.REFUSED:
            refunds = _ended(refunds, refund)
        elif refund.key == refunds.key == _attempt(event):
            refund = replace(refund, tries=wish.refund.tries - 1)
            later_on = replace(wish, refund=refund, asking=True, due=turn.mono + HELD_S)
            refunds = replace(_put(refunds, wish, later_on), talk=Talk(), key="")
    return refunds
