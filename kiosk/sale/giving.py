"""The desk's states, one frozen dataclass each: giving money back, and settling disputed money. What they do, and when
one leads to another, is in ``desk``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from kiosk.sale.money import Typed
from kiosk.sale.records import Dispute
from kiosk.sale.talk import Talk

PIN_MIN: Final = 4
"""A PIN has so many digits at the least."""


class Snag(Enum):
    """Why the desk cannot go on, or not yet."""

    NOT_FOUND = "not-found"
    NOT_PAID = "not-paid"
    ALL_BACK = "all-back"
    UNDER_WAY = "under-way"
    """A refund of that payment is wanted, and its outcome is not known: until then there is no second one."""
    AGAIN_LATER = "again-later"
    """The account does not show all that went back: a refund that begins now could be taken for another one."""
    NO_ANSWER = "no-answer"
    NO_PAYMENT = "no-payment"
    """The account does not have that payment."""
    TOO_MUCH = "too-much"
    WRONG_PIN = "wrong-pin"
    LOCKED = "locked"
    """Too many wrong PINs: none is taken for a while."""
    JOURNAL = "journal"
    """The journal cannot be written, or not be read."""
    CHANGED = "changed"
    """Something of it went back elsewhere, after it was signed for."""
    ACCOUNT = "account"
    """It is not known, or not so, that the token is this shop's."""


class DeskWord(Enum):
    """What the desk says and asks, besides."""

    PICK = "pick"
    PICK_TEXT = "pick-text"
    PICK_FOOTER = "pick-footer"
    INQUIRING = "inquiring"
    BACK_FOOTER = "back-footer"
    AGAIN_FOOTER = "again-footer"
    SIZE = "size"
    SIZE_ALL = "size-all"
    SIZE_PART = "size-part"
    """Of all that is left, ``{amount}``."""
    SIZE_FOOTER = "size-footer"
    SIGN = "sign"
    SIGN_BACK = "sign-back"
    """``{amount}`` is to go back."""
    SIGN_KEEP = "sign-keep"
    """``{amount}`` was delivered, and is kept."""
    SIGN_FOOTER = "sign-footer"
    UNDER_WAY = "under-way"
    UNKNOWN = "unknown"
    """Nobody knows yet whether it went back."""
    DONE = "done"
    SETTLE_FOOTER = "settle-footer"


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of one payment, in minor units."""

    payment: str
    cents: int
    known: tuple[str, ...]
    """The provider's refunds of it so far."""


@dataclass(frozen=True, slots=True)
class Case:
    """Whose money it is: a paid sale's, or what is disputed."""

    reference: str
    number: int
    payments: tuple[str, ...]
    known: tuple[str, ...]
    """The provider's refunds of this reference, as far as the journal knows."""
    dispute: Dispute | None = None


@dataclass(frozen=True, slots=True)
class Back:
    """To be signed: so much goes back."""

    case: Case
    left: tuple[Left, ...]
    cents: int


@dataclass(frozen=True, slots=True)
class Keep:
    """To be signed: what was paid was delivered, and the money is kept."""

    dispute: Dispute


@dataclass(frozen=True, slots=True)
class Picking:
    """Which sale? Its number is typed; at first it is the last paid one's."""

    typed: str
    until: float
    fresh: bool = True
    """Nothing was typed yet: the first digit begins another number."""
    asked: bool = False
    """The journal is being asked for it."""
    snag: Snag | None = None

    @property
    def wakes_at(self) -> float:
        return self.until


@dataclass(frozen=True, slots=True)
class Inquiring:
    """What is left of its payments? The account is asked, one after the other."""

    case: Case
    talk: Talk
    until: float
    left: tuple[Left, ...] = ()
    """Of those that were answered."""
    asked: int = 0
    """So many were."""
    snag: Snag | None = None

    @property
    def wakes_at(self) -> float:
        return min(self.until, self.talk.until)


@dataclass(frozen=True, slots=True)
class Sizing:
    """How much of it? All that is left, or a part, which is typed."""

    case: Case
    left: tuple[Left, ...]
    typed: Typed
    until: float
    snag: Snag | None = None

    @property
    def wakes_at(self) -> float:
        return self.until

    @property
    def total(self) -> int:
        """All that is left."""
        return sum(left.cents for left in self.left)

    @property
    def cents(self) -> int:
        """What ``#`` gives back."""
        return self.typed.cents if self.typed.digits else self.total


@dataclass(frozen=True, slots=True)
class Signing:
    """Who decides? A supervisor's PIN."""

    act: Back | Keep
    until: float
    pin: str = field(default="", repr=False)
    checking: bool = False
    snag: Snag | None = None

    @property
    def wakes_at(self) -> float:
        return self.until


@dataclass(frozen=True, slots=True)
class Giving:
    """The refunds that were signed for: how they stand. They go on without anybody looking."""

    keys: tuple[str, ...]
    number: int
    cents: int
    until: float

    @property
    def wakes_at(self) -> float:
        return self.until


@dataclass(frozen=True, slots=True)
class Settling:
    """One piece of disputed money: was it delivered, or does it go back?"""

    payment: str
    until: float
    asked: bool = False
    snag: Snag | None = None

    @property
    def wakes_at(self) -> float:
        return self.until
