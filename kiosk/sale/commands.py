"""What to do. ``Counter.step`` answers an event with commands, in the order in which they are to be carried out.

A step has at most one ``Save``, and it stands first: what follows it is done only when it is durable (law L7).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from kiosk.sale.records import Entry, Mark, Record, Refund, Sale, Ticket


@dataclass(frozen=True, slots=True)
class Save:
    """Write records and log entries in one durable transaction. ``confirm``: feed ``Saved`` when done."""

    records: tuple[Record, ...]
    entries: tuple[Entry, ...] = ()
    confirm: bool = False


class Lane(Enum):
    """Two lanes of requests, so that a hung watch never holds a cancel."""

    FRONT = "front"
    BEHIND = "behind"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What all requests to the provider carry."""

    request: int
    """Counts up; the answer carries it."""
    reference: str = ""
    lane: Lane = Lane.FRONT
    until: float
    """Monotonic time by which it must be answered. Not begun by then, it must not be made at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place(Call):
    """Put the order on the POS. Answers: ``Placed``, ``Busy``, ``Refused``, ``Unknown``."""

    sale: Sale


@dataclass(frozen=True, slots=True, kw_only=True)
class AskPos(Call):
    """Ask what the POS holds. Answers: ``Holds``, ``Refused``, ``Unknown``."""


class Depth(Enum):
    """How far a look goes."""

    ORDERS = "orders"
    """The search of orders by reference alone: one request."""
    ALL = "all"
    """Orders, payments, and by id those orders that the payments name and the search did not show as complete."""
    ORDER = "order"
    """One of the provider's orders by its own id, whosever it is."""
    PAYMENT = "payment"
    """One payment by its id, and the order that it paid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look(Call):
    """Ask whether the order was paid. Answers: ``Seen``, ``Refused``, ``Unknown`` (nothing at all was answered)."""

    depth: Depth
    name: str = ""
    """The id of the one order or payment that is asked for; the reference is what the answer tells, then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw(Call):
    """Take the order away from the POS. Answers: ``Removed``, ``Refused``, ``Unknown``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskAccount(Call):
    """Ask whose token it is. Answers: ``AccountIs``, ``Refused``, ``Unknown``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskStatement(Call):
    """Ask for the account's payments of a time. Answers: ``StatementIs``, ``Refused``, ``Unknown``."""

    begin: float
    """From here to ``end``: seconds since 1970 by the provider's clock."""
    end: float
    changed: bool = True
    """Those that changed in that time (were approved, refunded, charged back ...); else those that were made in it."""
    known: tuple[str, ...] = ()
    """The journal's payments of that time; the loop looks them up. Those that the statement lacks are asked by id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskRefunds(Call):
    """Ask how a payment stands, and what of it went back. Answers: ``RefundsAre``, ``Refused``, ``Unknown``."""

    payment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveBack(Call):
    """Give money back, under the refund's key. Answers: ``GivenBack``, ``NotGivenBack``, ``Refused``, ``Unknown``."""

    refund: Refund


@dataclass(frozen=True, slots=True)
class Print:
    """Print a paper with its marks. Answers: ``Printed``, ``PrintFailed``."""

    job: int
    ticket: Ticket
    marks: tuple[Mark, ...] = ()
    retry: bool = False
    """An earlier try may have stopped within a command: clear the printer's parser first (R21)."""


@dataclass(frozen=True, slots=True)
class AskPrinter:
    """Ask the printer how it is. Answer: ``PaperIs``."""


@dataclass(frozen=True, slots=True)
class AskDay:
    """Ask the journal what it counted since the last Z. Answer, before anything else happens: ``DayIs``."""

    closing: bool
    at_once: bool = False


@dataclass(frozen=True, slots=True)
class AskSale:
    """Ask the journal for a sale, by its number or its reference. Answer, before anything else happens: ``SaleIs``."""

    number: int = 0
    reference: str = ""


@dataclass(frozen=True, slots=True)
class CheckPin:
    """Ask whose PIN that is. Answer, before anything else happens: ``PinIs``."""

    pin: str = field(repr=False)


class Tune(Enum):
    """What the buzzer says; the lights are a matter of the state (``kiosk.sale.lights``)."""

    CLICK = "click"
    """A key that did something."""
    ADDED = "added"
    """An item was added."""
    REFUSED = "refused"
    """A key that can do nothing now."""
    AMOUNT = "amount"
    """``#`` or ``+`` on an amount that cannot be sold."""
    SCAN = "scan"
    """The order is on the POS: the customer may scan."""
    PAID = "paid"
    REJECTED = "rejected"
    """The customer's bank refused; the customer may try again."""
    WITHDRAWN = "withdrawn"
    """The order was taken back, and certainly nobody paid it."""
    ATTENTION = "attention"
    NOT_CONFIRMED = "not-confirmed"
    """Nobody knows whether it was paid: check the account."""


@dataclass(frozen=True, slots=True)
class Sound:
    """Play it."""

    tune: Tune


@dataclass(frozen=True, slots=True)
class Note:
    """Tell the service's log something that the journal does not keep."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class Exit:
    """The counter is safe to leave: end the program."""


PaymentCall: TypeAlias = Place | AskPos | Look | Withdraw | AskAccount | AskStatement | AskRefunds | GiveBack
Command: TypeAlias = Save | PaymentCall | Print | AskPrinter | AskDay | AskSale | CheckPin | Sound | Note | Exit
