"""What happened. The loop feeds events to ``Counter.step``; answers name the sale and the request they belong to.

An answer speaks the sale's words, whatever the provider's are. Three outcomes of a call are kept apart: *answered*
(one class for each kind of answer), *refused* (final, with a reason), and *unknown* (it may or may not have happened).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from kiosk.sale.commands import AskSale, Command
from kiosk.sale.days import CloseAsked, DayIs
from kiosk.sale.ills import Device as Device
from kiosk.sale.ills import Fault as Fault
from kiosk.sale.ills import Ill as Ill
from kiosk.sale.records import Debt, Dispute, Refund, Sale
from kiosk.sale.shown import Evidence as Evidence
from kiosk.sale.shown import NoRefund as NoRefund
from kiosk.sale.shown import OrderSeen as OrderSeen
from kiosk.sale.shown import PaymentSeen as PaymentSeen
from kiosk.sale.shown import PaymentState as PaymentState
from kiosk.sale.shown import PosOrder as PosOrder
from kiosk.sale.shown import RefundSeen as RefundSeen

# --- the world ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Key:
    """A key went down: ``0`` to ``9``, ``#``, ``*``, ``A`` to ``D``; ``held``: it has now been down for a second."""

    key: str
    held: bool = False


@dataclass(frozen=True, slots=True)
class Woken:
    """A deadline has come."""


@dataclass(frozen=True, slots=True)
class Stop:
    """The service is asked to end."""


@dataclass(frozen=True, slots=True)
class LookNow:
    """Someone wants to know at once: a notification, or a key."""

    reference: str = ""
    """The order meant; empty: the one in front."""


@dataclass(frozen=True, slots=True)
class Notified:
    """The provider's notifications, or what looks like them: ids of orders and of payments, and references of ours.
    Nobody vouches for a word of it (L1)."""

    orders: tuple[str, ...] = ()
    payments: tuple[str, ...] = ()
    references: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PaperAsked:
    """The technician wants a paper that nobody is owed: a sale's ticket once more, or a slip of the service."""

    ask: int
    """Counts up; what became of it is told under this number."""
    number: int = 0
    """The sale's; 0: the slip."""
    debt: Debt | None = None
    """The sale's ticket, as the journal had it a moment ago; None: it has none."""
    slip: tuple[str, ...] = ()
    """The slip's lines."""


# --- what the provider answered ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Booking:
    """One payment in the account's statement."""

    payment: PaymentSeen
    here: bool = False
    """It is shown to have come in over our POS."""
    at: float | None = None
    """When it was approved, else made, by the provider's clock; None where it does not say."""


@dataclass(frozen=True, slots=True)
class Books:
    """What the journal knows of a statement's payments."""

    sales: tuple[Sale, ...] = ()
    """Sales with one of its references or payments."""
    disputes: tuple[Dispute, ...] = ()
    """Its payments that were ever disputed, settled ones too."""
    refunds: tuple[Refund, ...] = ()
    """Refunds of its payments that a supervisor decided on, whatever became of them."""


class Removal(Enum):
    """What the provider said to a request to take the order away."""

    BY_US = "by us"
    GONE = "gone"
    LOCKED = "locked"
    """A customer is paying it at this moment."""


class Reject(Enum):
    """Why a request was refused, as far as somebody can do something about it."""

    TOKEN = "token"  # noqa: S105  (a reason, not a secret)
    FORBIDDEN = "forbidden"
    NO_POS = "no-pos"
    INVALID = "invalid"


class Trouble(Enum):
    """Why an outcome is unknown."""

    NETWORK = "network"
    NAME = "name"
    """The provider's name could not be resolved."""
    CLOCK = "clock"
    """The provider's certificate is not yet valid, or no longer: this machine's clock is wrong."""
    TLS = "tls"
    SLOW = "slow"
    SERVER = "server"
    """5xx, or another status that says nothing about the order."""
    THROTTLED = "throttled"
    NONSENSE = "nonsense"
    """An answer that is not the provider's language: HTML, cut, huge, of wrong types, a redirect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What all answers carry."""

    request: int
    """The number of the command it answers."""
    reference: str = ""
    date: float | None = None
    """The provider's clock at the answer (its ``Date``), seconds since 1970."""
    trace: str = ""
    """The provider's id of the request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed(Answer):
    """The order is on the POS."""

    order_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Busy(Answer):
    """The POS holds another order, says the answer to placing one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holds(Answer):
    """What the POS holds; ``order`` None: it is free."""

    order: PosOrder | None
    known: Sale | None = None
    """The journal's record of that order; the loop looks it up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen(Answer):
    """What a look found."""

    evidence: Evidence
    spent: frozenset[str] = frozenset()
    """Payments it shows that completed another sale (R1); the loop looks them up in the journal."""
    narrow: bool = False
    """It asked for one order or payment alone: what it does not show means nothing. Then the loop looks up..."""
    books: Books | None = None
    """...what the journal knows of what it shows; None: it cannot be read."""
    settled: frozenset[str] = frozenset()
    """Disputed money among it that a person settled; the loop looks it up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed(Answer):
    """The answer to a withdrawal."""

    removal: Removal


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountIs(Answer):
    """Whose token it is."""

    user_id: int
    site: str
    test: bool
    """A test account: nothing it sells is real."""
    minimum: int = 0
    """The smallest amount that any of its ways to pay takes, in minor units; 0: none is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementIs(Answer):
    """What the account shows for the time that was asked for."""

    bookings: tuple[Booking, ...]
    missing: tuple[str, ...] = ()
    """Payments of the journal that the account does not have, asked for each by its id."""
    whole: bool = True
    """All of it was read. Otherwise what it shows is true, but not all there is."""
    books: Books | None = None
    """What the journal knows of it; the loop looks it up. None: it cannot be read, and nothing follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundsAre(Answer):
    """A payment and all of its refunds, asked for one after the other."""

    payment: PaymentSeen | None
    """None: there is no such payment."""
    refunds: tuple[RefundSeen, ...] = ()
    whole: bool = True
    """All of the list could be read. Otherwise what it shows is true, but not all there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenBack(Answer):
    """The provider took the refund: done, or (``PENDING``) under way."""

    refund: RefundSeen


@dataclass(frozen=True, slots=True, kw_only=True)
class NotGivenBack(Answer):
    """This attempt gave nothing back. What an attempt before it did is another question (R24)."""

    reason: NoRefund
    detail: str = ""
    """The provider's own words, for the technician."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused(Answer):
    """Final: it did not happen, and asking again will not help."""

    reject: Reject
    detail: str = ""
    """The provider's own words, for the technician."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown(Answer):
    """It may have happened. Only asking again can tell."""

    trouble: Trouble
    detail: str = ""
    retry_after_s: float | None = None


# --- the other devices ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DeviceIs:
    """How a device is: all that is wrong with it now, so that what was missed heals with the next word of it."""

    device: Device
    faults: tuple[Fault, ...] = ()
    """Empty: it works."""


# --- the printer, the journal -----------------------------------------------------------------------


class Paper(Enum):
    """What the printer says of itself."""

    OK = "ok"
    LOW = "low"
    SILENT = "silent"
    """Reachable, but it never reports: it counts as usable."""
    OUT = "out"
    COVER = "cover"
    OFFLINE = "offline"
    GONE = "gone"
    """Not reachable: unplugged, switched off, refused."""

    @property
    def usable(self) -> bool:
        """Whether a ticket may be sent to it."""
        return self in (Paper.OK, Paper.LOW, Paper.SILENT)


@dataclass(frozen=True, slots=True)
class Printed:
    """The paper is out. ``sure``: the printer reported well after the last byte; else it is one that never reports."""

    job: int
    sure: bool = True
    mm: int = field(default=0, compare=False)
    """How much paper it took. Not compared, here and below: what came of the job is the same."""


@dataclass(frozen=True, slots=True)
class PrintFailed:
    """The paper is not certainly out. ``began``: a byte of it left, so that some of it may be on paper."""

    job: int
    began: bool
    paper: Paper
    detail: str = ""
    mm: int = field(default=0, compare=False)
    """How much paper it took, at most."""


@dataclass(frozen=True, slots=True)
class PaperIs:
    """The printer's status, when asked."""

    paper: Paper
    detail: str = ""
    """What is wrong, in words for the technician."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A ``Save`` that asked for it was written."""


@dataclass(frozen=True, slots=True)
class NotSaved:
    """The journal could not write; the rest of that step's commands were dropped."""

    dropped: tuple[Command, ...]


@dataclass(frozen=True, slots=True)
class SaleIs:
    """What the journal knows of the sale that was asked for."""

    asked: AskSale
    sale: Sale | None
    """None: there is none, or it cannot be read."""
    refunds: tuple[Refund, ...] | None = ()
    """All refunds with its reference, of disputed money too, whatever became of them; None: they cannot be read, and
    nothing may be given back."""
    ticket: Debt | None = None
    """Its ticket, if it has one."""


@dataclass(frozen=True, slots=True)
class PinIs:
    """Whose PIN it was; None: nobody's."""

    supervisor: str | None


@dataclass(frozen=True, slots=True)
class SettleAsked:
    """The technician settles disputed money: the shop delivered what was paid, or gave it back by another way."""

    payment: str
    word: str
    """"delivered" or "refunded"."""
    by: str


@dataclass(frozen=True, slots=True)
class Renewed:
    """The journal was damaged: it was set aside under that name, and all that is known here is in a new one."""

    set_aside: str


CallAnswer: TypeAlias = (
    Placed
    | Busy
    | Holds
    | Seen
    | Removed
    | AccountIs
    | StatementIs
    | RefundsAre
    | GivenBack
    | NotGivenBack
    | Refused
    | Unknown
)
PrinterEvent: TypeAlias = Printed | PrintFailed | PaperIs
JournalEvent: TypeAlias = Saved | NotSaved | Renewed
Asked: TypeAlias = Stop | LookNow | Notified | PaperAsked | CloseAsked | SettleAsked
Event: TypeAlias = Key | Woken | Asked | DayIs | SaleIs | PinIs | CallAnswer | PrinterEvent | DeviceIs | JournalEvent
