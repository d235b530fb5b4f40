"""The line between kiosk and Mercado Pago in the simulated world, and everything that happens to a request on it.

Two lanes, one request at a time on each, as in the real one. Whatever goes wrong, the answer is one that the adapter
would give: the sale's words, in time, or ``Unknown``; and what was done at Mercado Pago is done, or done later.
"""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING, Final

from kiosk.sale.commands import Depth, GiveBack, Lane, Look, PaymentCall, Place, Withdraw
from kiosk.sale.events import (
    Busy,
    CallAnswer,
    Evidence,
    NoRefund,
    NotGivenBack,
    RefundsAre,
    Refused,
    Reject,
    Removal,
    Removed,
    Seen,
    StatementIs,
    Trouble,
    Unknown,
)

if TYPE_CHECKING:
    from tests.world import World

ROUND_TRIPS_S: Final = (0.05, 0.08, 0.1, 0.15, 0.2, 0.3, 0.6, 1.5)


class Fault(Enum):
    """What happens to one request."""

    LOST = "it never arrives"
    ANSWER_LOST = "done, and the answer is lost"
    ARRIVES_LATE = "given up, and done later all the same"
    SILENT = "done, and answered when nobody waits"
    STALE = "the answer is old when it comes"
    SERVER = "500, not done"
    SERVER_DONE = "500, done"
    THROTTLED = "429"
    NONSENSE = "done, and answered with HTML"
    TWICE = "answered twice"
    HALF = "a look that shows one of two indexes"
    TOKEN = "401"
    FORBIDDEN = "403"
    NO_POS = "404 point of sale"
    INVALID = "400"
    LOCKED = "409"


REJECTS: Final = {
    Fault.TOKEN: Reject.TOKEN,
    Fault.FORBIDDEN: Reject.FORBIDDEN,
    Fault.NO_POS: Reject.NO_POS,
    Fault.INVALID: Reject.INVALID,
}
UNKNOWNS: Final = {
    Fault.LOST: (Trouble.NETWORK, 1.0),
    Fault.ANSWER_LOST: (Trouble.SLOW, 10.0),
    Fault.ARRIVES_LATE: (Trouble.SLOW, 10.0),
    Fault.SERVER: (Trouble.SERVER, 0.4),
    Fault.SERVER_DONE: (Trouble.SERVER, 0.4),
    Fault.THROTTLED: (Trouble.THROTTLED, 0.1),
    Fault.NONSENSE: (Trouble.NONSENSE, 0.3),
}
"""What the adapter makes of them, and after how many seconds."""
DONE: Final = frozenset({Fault.ANSWER_LOST, Fault.SERVER_DONE, Fault.NONSENSE})


class Line:
    """Carries requests to the provider of its world, and the answers back into the inbox."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._faults: list[Fault | None] = []
        """What happens to the next requests, the last of the list first; None: nothing."""
        self._down = 0
        self._free_at = [0.0, 0.0]
        """Until when the lanes are busy: the one behind, the front's."""

    def carry(self, call: PaymentCall) -> None:
        """A lane takes up a request: it arrives, is done, and is answered, unless something goes wrong."""
        world, lane = self._world, call.lane is Lane.FRONT
        free_at = self._free_at[lane]
        if world.at < free_at:
            world.later(free_at - world.at, self.carry, call)
        elif world.at >= call.until:
            world.hear(_unknown(call, Trouble.SLOW))
        elif fault := Fault.LOST if self._down else self._faults.pop() if self._faults else None:
            self._go_wrong(call, fault)
        else:
            draw = world.choose(16)
            delay_s = ROUND_TRIPS_S[draw >> 1]
            self._free_at[lane] = world.at + delay_s
            if draw & 1:  # done at once, and the answer takes its time; or the other way round
                world.later(delay_s, world.hear, world.provider.answer(call, world.now))
            else:
                world.later(delay_s, self.answer, call)

    def answer(self, call: PaymentCall) -> None:
        """It is done now, and answered at once."""
        self._world.hear(self._world.provider.answer(call, self._world.now))

    def done(self, call: PaymentCall) -> None:
        """It is done, and nobody hears of it."""
        self._world.provider.answer(call, self._world.now)

    def fault(self, *faults: Fault | None) -> None:
        """So the next requests go wrong; None: one that does not."""
        self._faults = [*reversed(faults), *self._faults]

    def go_down(self, seconds: float) -> None:
        """Nothing travels for so long."""
        self._down += 1
        self._world.tally["line down"] += 1
        self._world.trouble(seconds, self._come_up)

    def _come_up(self) -> None:
        self._down -= 1

    def restart(self) -> None:
        """The kiosk starts anew: nothing is on its way."""
        self._free_at = [0.0, 0.0]

    def calm_down(self) -> None:
        """What should still have gone wrong does not."""
        self._faults.clear()

    def _go_wrong(self, call: PaymentCall, fault: Fault) -> None:
        world = self._world
        world.tally[fault.value] += 1
        world.tally["a refund meets a fault"] += isinstance(call, GiveBack)
        if fault in REJECTS:
            self._reply(call, 0.2, _rejected(call, REJECTS[fault], world.now))
        elif fault is Fault.LOCKED:
            self._reply(call, 0.2, _locked(call, world.now))
        elif fault in UNKNOWNS:
            trouble, seconds = UNKNOWNS[fault]
            if fault in DONE:
                self.done(call)
            elif fault is Fault.ARRIVES_LATE:
                world.later(world.pick((12.0, 45.0, 100.0)), self.done, call)
            retry_after_s = world.pick((None, 5.0, 3600.0)) if fault is Fault.THROTTLED else None
            world.tally["429 with Retry-After"] += retry_after_s is not None
            self._reply(call, seconds, _unknown(call, trouble, retry_after_s))
        else:
            self._go_odd(call, fault)
        world.bound_anew()

    def _go_odd(self, call: PaymentCall, fault: Fault) -> None:
        """It is answered in the end, but not as it should be."""
        world = self._world
        answer = world.provider.answer(call, world.now)
        if fault is Fault.HALF and isinstance(answer, Seen) and isinstance(call, Look) and call.depth is Depth.ALL:
            answer = replace(answer, evidence=Evidence(answer.evidence.orders, (), whole=False))
        if fault is Fault.HALF and isinstance(answer, StatementIs):
            answer = replace(answer, bookings=answer.bookings[::2], whole=False)
        if fault is Fault.HALF and isinstance(answer, RefundsAre):
            answer = replace(answer, refunds=answer.refunds[::2], whole=False)
        late_s = world.pick((12.0, 30.0)) if fault is Fault.SILENT else 6.0 if fault is Fault.STALE else 0.2
        self._free_at[call.lane is Lane.FRONT] = world.at + late_s
        world.later(late_s, self.hear_late, answer)
        if fault is Fault.TWICE:
            world.later(world.pick((0.1, 3.0, 30.0)), self.hear_late, answer)

    def hear_late(self, answer: CallAnswer) -> None:
        """An answer that nobody waits for any more, perhaps while the next sale is in front."""
        world = self._world
        sale = getattr(world.counter.state, "sale", None)
        if sale is not None and answer.reference not in ("", sale.reference):
            world.tally["an answer after the next sale began"] += 1
        world.hear(answer)

    def _reply(self, call: PaymentCall, seconds: float, answer: CallAnswer) -> None:
        self._free_at[call.lane is Lane.FRONT] = self._world.at + seconds
        self._world.later(seconds, self._world.hear, answer)


def _rejected(call: PaymentCall, reject: Reject, now: float) -> CallAnswer:
    """A refusal as the adapter reads it: of a refund, only one of token or account is not about the payment."""
    if isinstance(call, GiveBack) and reject not in (Reject.TOKEN, Reject.FORBIDDEN):
        return NotGivenBack(request=call.request, reference=call.reference, date=now, reason=NoRefund.OTHER)
    return Refused(request=call.request, reference=call.reference, date=now, reject=reject, detail="x")


def _locked(call: PaymentCall, now: float) -> CallAnswer:
    """409 as the adapter reads it: to a PUT the POS is busy, to a DELETE a customer is paying, else it says nothing."""
    request, reference = call.request, call.reference
    match call:
        case Place():
            return Busy(request=request, reference=reference, date=now)
        case Withdraw():
            return Removed(request=request, reference=reference, date=now, removal=Removal.LOCKED)
        case _:
            return _unknown(call, Trouble.SERVER)


def _unknown(call: PaymentCall, trouble: Trouble, retry_after_s: float | None = None) -> Unknown:
    return Unknown(request=call.request, reference=call.reference, trouble=trouble, retry_after_s=retry_after_s)
