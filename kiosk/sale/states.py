"""The states of the front: what the cashier sees, one frozen dataclass each, holding only what that state has.

``wakes_at`` is the monotonic time at which a state wants to be woken: there are no timers to leak. How one state leads
to another is in ``front.TRANSITIONS``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from kiosk.sale.basket import Basket, Choosing
from kiosk.sale.days import DayShown
from kiosk.sale.events import PosOrder
from kiosk.sale.giving import Giving, Inquiring, Picking, Settling, Signing, Sizing
from kiosk.sale.records import Sale, Why
from kiosk.sale.talk import NEVER as NEVER
from kiosk.sale.talk import Talk as Talk


class Hint(Enum):
    """Why a key did nothing."""

    TOO_SMALL = "too-small"
    TOO_LARGE = "too-large"
    TOO_LONG = "too-long"
    NO_PRICE = "no-price"
    """A count, and nothing that is counted."""
    TIMES = "times"
    """Too large a count: perhaps it is a price."""
    ITEMS = "items"
    """The sale has as many items as it may have."""


class PlacingPart(Enum):
    """Where in placing an order we are."""

    PUT = "put"
    ASK = "ask"
    """The answer is lost: asking what the POS holds."""
    LOOK = "look"
    """It holds nothing: has it been paid already?"""


class Part(Enum):
    """Where in taking an order back we are."""

    LOOK = "look"
    """The first look, before anything is done."""
    DELETE = "delete"
    ASK = "ask"
    """Asking what the POS holds now."""
    LOCKED = "locked"
    """A customer is paying at this moment: watching, and asking again."""
    AFTER = "after"
    """The order is gone: the looks that decide."""


class NoticeKind(Enum):
    """What the cashier is told at the end of a sale that brought no ticket, and in alarms."""

    CANCELLED = "cancelled"
    TIME_UP = "time-up"
    NOT_PLACED = "not-placed"
    REFUSED_TOKEN = "refused-token"  # noqa: S105  (a message's name)
    REFUSED_FORBIDDEN = "refused-forbidden"
    REFUSED_NO_POS = "refused-no-pos"
    REFUSED_INVALID = "refused-invalid"
    NO_ANSWER = "no-answer"
    """The POS could not be proved free: nothing was placed."""
    POS_BUSY = "pos-busy"
    OTHER_DEVICE = "other-device"
    """Somebody else sells on this POS: an alarm, with no sale of ours in it."""
    NOT_CONFIRMED = "not-confirmed"
    """Perhaps paid: check the account before charging again."""
    JOURNAL = "journal"


@dataclass(frozen=True, slots=True)
class Starting:
    """Since boot: nothing is known of the POS yet."""

    @property
    def wakes_at(self) -> float:
        return NEVER


@dataclass(frozen=True, slots=True)
class Blocked:
    """No sale can be made: the POS is not proved free, or the journal or a required device fails."""

    @property
    def wakes_at(self) -> float:
        return NEVER


@dataclass(frozen=True, slots=True)
class Idle:
    """Ready: a digit starts a sale. ``after``: the last notice, small now."""

    after: NoticeKind | None = None

    @property
    def wakes_at(self) -> float:
        return NEVER


class MenuItem(Enum):
    """What the menu offers."""

    REPRINT = "reprint"
    DEBTS = "debts"
    TOTALS = "totals"
    CLOSE = "close"
    NEW_ROLL = "new-roll"
    """The paper roll was just changed: count it anew."""
    ASK_NOW = "ask-now"
    """The last sales: what is known of each, and what Mercado Pago says of it now."""
    REFUND = "refund"
    SETTLE = "settle"
    """Say what became of disputed money."""
    CHECK = "check"
    """Whether all is well; it is read, and there is nothing to do."""


@dataclass(frozen=True, slots=True)
class Menu:
    """``*`` when idle: what else can be done. ``*`` walks, ``#`` does."""

    item: MenuItem
    until: float

    @property
    def wakes_at(self) -> float:
        return self.until


class Found(Enum):
    """What came of asking about one of the last sales, as far as the journal does not say it better."""

    ASKING = "asking"
    NO_ANSWER = "no-answer"
    NO_PAYMENT = "no-payment"
    """Both indexes were answered in full, and show no money for it."""
    UNSETTLED = "unsettled"
    """A payment is under way, or covers nothing yet: its watch goes on."""
    RETURNED = "returned"
    """What paid it was given back, in part or whole."""


@dataclass(frozen=True, slots=True)
class Recent:
    """One of the last sales: ``*`` walks to the one before it, ``#`` asks Mercado Pago about it, ``0`` prints its
    ticket again."""

    reference: str
    until: float
    talk: Talk = Talk()  # noqa: RUF009  (frozen)
    found: Found | None = None
    back_cents: int = 0
    """So much of it went back."""
    copying: bool = False
    """The journal is being asked for its ticket."""

    @property
    def wakes_at(self) -> float:
        return min(self.until, self.talk.until)


@dataclass(frozen=True, slots=True)
class Entering:
    """An amount is being typed, or items are added up."""

    basket: Basket
    until: float
    """A half-typed amount is forgotten then."""
    hint: Hint | None = None
    zero: bool = False
    """The last key was ``0``, and it was a digit: held down, it is none after all."""

    @property
    def wakes_at(self) -> float:
        return self.until


@dataclass(frozen=True, slots=True)
class Confirming:
    """The amount is unusually large, or nobody could read it: key ``1`` confirms it."""

    basket: Basket
    until: float

    @property
    def wakes_at(self) -> float:
        return self.until


@dataclass(frozen=True, slots=True)
class Guarding:
    """A sale was confirmed; the POS must be proved free before its order may be placed. Nothing is placed yet."""

    sale: Sale
    talk: Talk
    give_up_at: float

    @property
    def wakes_at(self) -> float:
        return min(self.talk.until, self.give_up_at)


@dataclass(frozen=True, slots=True)
class Clearing:
    """The POS holds an order that must not be there: it is taken away, then ``then`` goes on, if anything."""

    order: PosOrder
    part: Part
    talk: Talk
    give_up_at: float
    """When ``then`` is given up; clearing itself goes on."""
    then: Sale | None = None
    alarm: bool = False
    """Not ours, and not the first one of this day: another device uses the POS."""

    @property
    def wakes_at(self) -> float:
        return min(self.talk.until, self.give_up_at if self.then else NEVER)


@dataclass(frozen=True, slots=True)
class Placing:
    """The order is being placed, or its lost answer is being resolved (R6)."""

    sale: Sale
    part: PlacingPart
    talk: Talk
    give_up_at: float
    ends_at: float
    """When the customer's time would be up."""
    dies_at: float
    """When the order is dead at the provider."""
    looks: int = 0
    busy: bool = False
    """The last attempt was answered "the POS is busy": unless an earlier one is in doubt, ours never came there."""
    told_of_another: bool = False
    """An answer that came late said that the POS holds another's order."""
    leave: Why | None = None
    """Withdraw as soon as the answer is known."""
    asking_until: float = 0.0
    """The question "cancel?" stands until then."""

    @property
    def wakes_at(self) -> float:
        return min(self.talk.until, self.give_up_at, self.asking_until or NEVER)


@dataclass(frozen=True, slots=True)
class Adopting:
    """After a power cut: the sale was open. Does the POS still hold it?"""

    sale: Sale
    talk: Talk
    peek: bool = False
    """The POS does not answer: the next request is a look for the payment."""

    @property
    def wakes_at(self) -> float:
        return self.talk.until


@dataclass(frozen=True, slots=True)
class Waiting:
    """The order is on the POS: the customer pays. We look on schedule."""

    sale: Sale
    talk: Talk
    since: float
    ends_at: float
    dies_at: float
    verify_at: float
    """When to ask next what the POS holds (R10)."""
    verifying: bool = False
    """The request in flight asks that; otherwise it is a look."""
    again: bool = False
    """Someone asked for a look while one was in flight."""
    answered_at: float = 0.0
    asking_until: float = 0.0
    asking_now: bool = False
    """The question that stands is "ask Mercado Pago now?", not "cancel?"."""
    rejected: int = 0
    """Rejected payments seen so far."""
    pending: bool = False
    """A payment is under way: who pays again now may pay twice."""
    part_cents: int = 0
    """Approved so far, where it does not cover the amount."""
    missing: int = 0
    """Times in a row that the POS did not hold the order."""
    told_of_another: bool = False
    """An answer that came late said that the POS holds another's order, and no later one said that it holds ours."""
    wrong: int = 0
    """Orders seen that look paid and are not this sale's: an alarm."""

    @property
    def wakes_at(self) -> float:
        return min(self.talk.until, self.ends_at, self.asking_until or NEVER)


@dataclass(frozen=True, slots=True)
class Withdrawing:
    """The order is being taken back. Paid wins at every step."""

    sale: Sale
    why: Why
    part: Part
    talk: Talk
    dies_at: float
    looks: int = 0
    """Deciding looks answered so far."""
    delete_at: float = NEVER
    """Locked: when to ask again."""
    reading_only: bool = False
    """The POS holds what is not ours: no blind DELETE."""
    unplaced: bool = False
    """It never came to the POS, which was busy."""
    peek: bool = False
    """The POS does not answer: the next request is a look for the payment."""
    lost: int = 0
    """DELETEs in a row without an answer."""
    after_by: float = NEVER
    """When the deciding looks must be whole at last, or a person must look."""
    answered_at: float = 0.0

    @property
    def wakes_at(self) -> float:
        return min(self.talk.until, self.delete_at if not self.talk.request else NEVER)


@dataclass(frozen=True, slots=True)
class Checking:
    """Gone from the POS, not by us: presumed paid until both indexes have been asked for a while (R14)."""

    sale: Sale
    why: Why
    talk: Talk
    until: float
    dies_at: float

    @property
    def wakes_at(self) -> float:
        return min(self.talk.until, self.until)


@dataclass(frozen=True, slots=True)
class Paid:
    """The money is there. Stays until a key, or the next sale."""

    sale: Sale
    quiet_since: float
    """The last key: digits count again after a second without keys."""

    @property
    def wakes_at(self) -> float:
        return NEVER


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the cashier must read; it shrinks to the footer by itself."""

    kind: NoticeKind
    until: float
    quiet_since: float
    sale: Sale | None = None
    detail: str = ""

    @property
    def wakes_at(self) -> float:
        return self.until


AtTheDesk: TypeAlias = Picking | Inquiring | Sizing | Signing | Giving | Settling
Resting: TypeAlias = (
    Starting | Blocked | Idle | Menu | Recent | DayShown | Entering | Choosing | Confirming | Paid | Notice | AtTheDesk
)
State: TypeAlias = Resting | Guarding | Clearing | Placing | Adopting | Waiting | Withdrawing | Checking
