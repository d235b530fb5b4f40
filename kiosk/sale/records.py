"""What the journal keeps: the sale, the ticket it owes, the money nobody can place.

A record is a value. The machine hands a changed copy to ``commands.Save``; the journal stores it under its key and
gives it back to ``resume`` after a power cut. Wall times are seconds since 1970 (UTC) by the provider's clock where
it is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias

from kiosk.sale.days import Close
from kiosk.sale.sheet import Align as Align
from kiosk.sale.sheet import Size as Size
from kiosk.sale.sheet import Ticket as Ticket
from kiosk.sale.sheet import TicketLine as TicketLine

REFERENCE_RANDOM: int = 14
"""Random characters in a reference: 62 ** 14 is 83 bits (R1 asks for 80)."""
REFERENCE_MAX: int = 64
"""The provider's limit on ``external_reference``."""
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def make_reference(pos_id: str, number: int, random: int) -> str:
    """A new ``external_reference``: POS, sale number, random part. ``random`` has at least 128 random bits.

    The random part is what makes it unique: numbers start again with a new card, clocks with a flat battery (R1).
    """
    letters = []
    for _ in range(REFERENCE_RANDOM):
        random, digit = divmod(random, len(_ALPHABET))
        letters.append(_ALPHABET[digit])
    return f"{pos_id[: REFERENCE_MAX - REFERENCE_RANDOM - 2 - len(str(number))]}-{number}-{''.join(letters)}"


def is_reference_of(pos_id: str, reference: str) -> bool:
    """Whether a kiosk on that POS made the reference, this one or one with another journal."""
    made_of = reference.rsplit("-", 2)
    if len(made_of) != 3:
        return False
    pos, number, random = made_of
    counted = number.isascii() and number.isdigit()
    drawn = len(random) == REFERENCE_RANDOM and all(letter in _ALPHABET for letter in random)
    return counted and drawn and pos == pos_id[: REFERENCE_MAX - REFERENCE_RANDOM - 2 - len(number)]


class Phase(Enum):
    """How far a sale has come. The first four are open: a power cut leaves them to ``resume``."""

    PLACING = "placing"
    WAITING = "waiting"
    WITHDRAWING = "withdrawing"
    CHECKING = "checking"
    PAID = "paid"
    WITHDRAWN = "withdrawn"
    UNCONFIRMED = "unconfirmed"
    """Gone from the POS without our doing, and no payment found: the account must be checked by a person."""
    REFUSED = "refused"
    """Never on the POS: the provider refused its first and only attempt, or the journal could not write it down."""

    @property
    def open(self) -> bool:
        """Whether the order may still be on the POS, with the cashier waiting for it."""
        return self in _OPEN


_OPEN = frozenset({Phase.PLACING, Phase.WAITING, Phase.WITHDRAWING, Phase.CHECKING})


class Why(Enum):
    """Why an order is taken back."""

    CANCELLED = "cancelled"
    TIME_UP = "time-up"
    STOPPED = "stopped"
    POWER = "power"
    """The power was cut while it was open, and too little of its time is left to go on."""
    NOT_PLACED = "not-placed"
    """No attempt to place it was confirmed."""
    POS_BUSY = "pos-busy"
    """Another order holds the POS: ours never came there, unless an attempt's outcome is in doubt."""
    REPLACED = "replaced"
    """Another order took its place on the POS."""
    VANISHED = "vanished"
    """The POS lost it while we waited: perhaps paid, perhaps taken away by someone."""
    WRONG_AMOUNT = "wrong-amount"
    """The POS held our reference with another amount."""
    FOREIGN = "foreign"
    """Not ours: found on the POS and taken away."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a sale: what, how many, at how much each (minor units)."""

    title: str
    quantity: int
    unit_cents: int

    @property
    def cents(self) -> int:
        """The line's total."""
        return self.quantity * self.unit_cents


@dataclass(frozen=True, slots=True)
class Sale:
    """One sale and its order. Key: ``reference``."""

    reference: str
    number: int
    """Counts up from 1 in one journal; 0 for an order that is not ours."""
    cents: int
    currency: str
    lines: tuple[Line, ...]
    key: str
    """Idempotency key, for providers that take one; made once, before the first attempt."""
    made_at: float
    phase: Phase = Phase.PLACING
    why: Why | None = None
    foreign: bool = False
    puts: int = 0
    """Attempts to place the order, counted before each is made."""
    doubt: bool = False
    """An attempt to place it had an unknown outcome: it may still arrive at the provider."""
    deleted: bool = False
    """The provider confirmed that it took the order away at our request."""
    expires: float | None = None
    """When the order dies at the provider, by the provider's clock; None where its clock was not known."""
    order_id: str = ""
    """The provider's own id of the paid order."""
    payments: tuple[str, ...] = ()
    """Payments that paid it. A payment completes one sale only, ever."""
    paid_at: float | None = None
    late: bool = False
    """Paid after it had left the front by cancel or expiry."""
    ended_at: float | None = None
    watched: bool = False
    """May still bring money: its watch is not over."""
    restored: bool = False
    """It was not over in a damaged file: since then it may have been paid, and its paper be out."""


class DebtState(Enum):
    """How far a paper has come."""

    OWED = "owed"
    PRINTING = "printing"
    """Handed to the printer; after a power cut nobody knows how far it came."""
    DOUBTFUL = "doubtful"
    """Some of it may be on paper: the next print says POSSIBLE DUPLICATE."""
    PRINTED = "printed"
    PRESUMED = "presumed"
    """All bytes taken by a printer that never reports."""


class Mark(Enum):
    """What a paper must say of itself, each on a line of its own."""

    TRAINING = "training"
    COPY = "copy"
    POSSIBLE_DUPLICATE = "possible-duplicate"
    PAID_AFTER_CANCEL = "paid-after-cancel"
    REFUNDED = "refunded"
    MONEY_TO_SETTLE = "money-to-settle"


@dataclass(frozen=True, slots=True)
class Debt:
    """A paper that is owed: a paid sale's ticket, or a slip for disputed money. Key: ``id``."""

    id: str
    """The sale's reference for its ticket; ``slip:`` and the payment's id for a slip; ``z:`` and its number for a Z;
    ``refund:`` and the refund's key."""
    number: int
    cents: int
    ticket: Ticket
    owed_at: float
    marks: tuple[Mark, ...] = ()
    """Marks that belong to the paper whenever it is printed (late money, training)."""
    state: DebtState = DebtState.OWED
    tried: bool = False
    """A first byte of it may have reached paper: what is printed next is no certain original."""

    @property
    def open(self) -> bool:
        """Whether the paper is still owed."""
        return self.state not in (DebtState.PRINTED, DebtState.PRESUMED)

    @property
    def reference(self) -> str:
        """The sale's, of its ticket; empty for a slip and a Z."""
        return "" if self.id.startswith(("slip:", "z:", "refund:")) else self.id

    @property
    def is_z(self) -> bool:
        """Whether it is the paper of a closed day."""
        return self.id.startswith("z:")

    @property
    def is_refund(self) -> bool:
        """Whether it is the paper of money that went back."""
        return self.id.startswith("refund:")

    @property
    def name(self) -> str:
        """What it is called: ``Z 17``, or by its sale."""
        if self.is_z:
            return f"Z {self.id[2:]}"
        return f"refund of sale {self.number}" if self.is_refund else f"sale {self.number}"


class Reason(Enum):
    """Why money is disputed."""

    SHORT = "short"
    EXCESS = "excess"
    SECOND = "second"
    WRONG_AMOUNT = "wrong-amount"
    UNKNOWN_ORDER = "unknown-order"
    UNCONFIRMED = "unconfirmed"


@dataclass(frozen=True, slots=True)
class Dispute:
    """Approved money that completes no sale; open until a person settles it. Key: ``payment``."""

    payment: str
    reference: str
    number: int
    cents: int
    currency: str
    reason: Reason
    seen_at: float
    settled: str = ""
    """Empty while open; "ticket" where the whole order was paid after all; a person's word otherwise: "delivered" or
    "refunded"."""
    settled_by: str = ""
    """Whose word it is."""
    settled_at: float | None = None


SETTLED: Final = ("delivered", "refunded")
"""What a person may say of disputed money."""


class RefundState(Enum):
    """How far a refund has come."""

    WANTED = "wanted"
    """Decided; whether it happened is not known yet."""
    DONE = "done"
    REFUSED = "refused"
    """Certainly it did not happen, and under this key it never will."""


@dataclass(frozen=True, slots=True)
class Refund:
    """Money that a supervisor gives back of one payment. Key: ``key``.

    While one is wanted, there is no second one of the same payment: so a refund that the account shows, and that was
    not there before, can only be this one (R24).
    """

    key: str
    """Idempotency key: made once, durable before the first attempt, the same for each attempt."""
    payment: str
    reference: str
    """The sale's, as is the number."""
    number: int
    cents: int
    currency: str
    whole: bool
    """All that is left of the payment: no amount is sent, which is what countries without partial refunds demand."""
    by: str
    """The supervisor's name."""
    asked_at: float
    known: tuple[str, ...]
    """The provider's refunds of this payment that were there before the first attempt: none of them is this one."""
    dispute: str = ""
    """The disputed money that it settles."""
    state: RefundState = RefundState.WANTED
    tries: int = 0
    """Attempts, counted before each is made."""
    doubt: bool = False
    """The outcome of an attempt was unknown: a refusal is no longer the whole truth (R24)."""
    refund_id: str = ""
    """The provider's own id of it."""
    ended_at: float | None = None
    why: str = ""
    """Why it was refused."""
    restored: bool = False
    """It comes from a backup, or from a damaged file: its paper may be out already (L3, R21)."""


@dataclass(frozen=True, slots=True)
class PinTries:
    """Wrong PINs in a row. The journal keeps the newest alone: a power cut gives nobody new tries."""

    failed: int


@dataclass(frozen=True, slots=True)
class Agreed:
    """How far the account was held against the journal, whole. The journal keeps the newest alone."""

    until: float
    """Up to here, seconds since 1970 by the provider's clock; in a new journal, its beginning."""


@dataclass(frozen=True, slots=True)
class Roll:
    """What went through the printer since its paper roll was changed. The journal keeps the newest alone."""

    mm: int
    since: float
    """When it was changed, as far as that is known: seconds since 1970."""
    ticket_mm: int = 0
    """How long a ticket is, the mean of the last ones; 0: none was printed yet."""


Record: TypeAlias = Sale | Debt | Dispute | Refund | Agreed | Roll | PinTries | Close


def record_key(record: Record) -> str:
    """What the record is kept under: one that is saved later takes the place of the earlier one."""
    match record:
        case Sale():
            return "sale:" + record.reference
        case Debt():
            return "debt:" + record.id
        case Dispute():
            return "dispute:" + record.payment
        case Refund():
            return "refund:" + record.key
        case Agreed():
            return "agreed"
        case PinTries():
            return "pin-tries"
        case Roll():
            return "roll"
        case Close():
            return f"close:{record.number}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal's append-only log, and of the service's log."""

    event: str
    """A short name from a fixed list, such as ``paid`` (``KIOSK_EVENT`` in the service's log)."""
    text: str
    reference: str = ""
    number: int = 0
    cents: int | None = None
    request_id: str = ""
    """The provider's own id of the request, for its support."""
    level: int = 6
    """Syslog priority: 3 error, 4 warning, 5 notice, 6 information."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What the journal holds that is not over, as ``resume`` gets it after a start."""

    open: tuple[Sale, ...] = ()
    """Sales in an open phase, newest first."""
    watched: tuple[Sale, ...] = ()
    """Sales no longer in front that may still bring money."""
    debts: tuple[Debt, ...] = ()
    """Papers still owed, oldest first."""
    disputes: tuple[Dispute, ...] = ()
    """Disputed money that nobody has settled."""
    refunds: tuple[Refund, ...] = ()
    """Refunds whose outcome is not known, oldest first."""
    pin_failed: int = 0
    """Wrong PINs in a row."""
    last_ticket: Debt | None = None
    """The newest ticket of all, for a reprint."""
    last_number: int = 0
    recent: tuple[Sale, ...] = ()
    """The last sales of ours, newest first, whatever became of them."""
    foreign_at: tuple[float, ...] = ()
    """Wall times at which foreign orders were found, of the last day."""
    set_aside: tuple[str, ...] = ()
    """Names of the damaged journals that were set aside, and still lie there."""
    agreed_until: float | None = None
    """Up to when the account was held against the journal, by the provider's clock; None: a new journal."""
    restored: int = -1
    """A copy took the journal's place: what came of its sales, up to this number, after it was made, is not known."""
    roll: Roll | None = None
    """The paper roll; None: nobody knows when it was changed."""
    closed: Close | None = None
    """The last Z; None: there was none."""
