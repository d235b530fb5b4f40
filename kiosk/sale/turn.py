"""One turn of the machine: what a step is given, and what it answers.

A ``Turn`` lives for one step. The parts of the counter read the time and the shop from it, ask the provider through
it, and leave in it what must be saved and done. It keeps the order that law L7 wants: one ``Save`` first, with
everything in it, then the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from kiosk.sale.commands import (
    AskAccount,
    AskPos,
    AskRefunds,
    AskStatement,
    Command,
    Depth,
    GiveBack,
    Lane,
    Look,
    Note,
    Place,
    Save,
    Sound,
    Tune,
    Withdraw,
)
from kiosk.sale.days import Close, Day
from kiosk.sale.events import (
    Answer,
    Unknown,
)
from kiosk.sale.health import Health as Health
from kiosk.sale.records import Debt, Dispute, Entry, Record, Refund, Sale, Ticket, record_key
from kiosk.sale.shop import Shop
from kiosk.sale.states import MenuItem, Talk

NewId = Callable[[], int]
"""At least 128 fresh random bits."""

CALL_S: Final = 10.0
"""Every request is answered within this, or its outcome is unknown (R20)."""
GRACE_S: Final = 0.5
"""How much later the machine gives up by itself, so that an adapter in time is heard."""
BACKOFF_MAX_S: Final = 15.0
RETRY_AFTER_MAX_S: Final = 30.0


class Now(NamedTuple):
    """The two clocks, never mixed: deadlines are monotonic, tickets and logs want wall time (seconds since 1970)."""

    mono: float
    wall: float


Of = Sale | Debt | Refund | None
"""What a line of the log is about."""
ASK_AT_ONCE: Final = Talk(until=0.0)


@dataclass(frozen=True, slots=True)
class Proof:
    """Is the POS proved free? (L4, R4)"""

    free: bool = False
    """An answered look at the POS, begun after our last PUT was over, found nothing."""
    talk: Talk = ASK_AT_ONCE
    again_until: float = 0.0
    """After a PUT of unknown outcome: until when the proof is repeated."""


class Open(NamedTuple):
    """What is open behind the front, as far as the desk must know."""

    refunds: tuple[Refund, ...] = ()
    """Money that is to go back, and of which nobody knows yet whether it did."""
    disputes: tuple[Dispute, ...] = ()
    """Money to settle."""
    stopping: bool = False
    """The service is to end: nothing begins any more."""


NOTHING_OPEN: Final = Open()


@dataclass(frozen=True, slots=True)
class Pins:
    """The supervisors' PINs: how often a wrong one was typed."""

    failed: int = 0
    """Wrong ones in a row."""
    again_at: float = 0.0
    """No PIN is taken before (monotonic seconds)."""


class Turn:
    """What one step is given, and what it answers."""

    __slots__ = (
        *("close_day", "closed", "commands", "confirm", "copy", "entries", "followed", "foreign_at"),
        *("health", "heard", "menu", "new_id", "now", "number", "open", "owed", "pins", "print_day", "proof", "recent"),
        *("records", "request", "restored", "sheet", "shop", "wanted", "wishes"),
    )

    def __init__(
        self,
        shop: Shop,
        now: Now,
        new_id: NewId,
        *,
        health: Health,
        proof: Proof,
        request: int,
        number: int,
        foreign_at: tuple[float, ...],
        menu: tuple[MenuItem, ...] = (),
        restored: int = -1,
        closed: Close | None = None,
        heard: object = None,
        recent: tuple[Sale, ...] = (),
        open_: Open = NOTHING_OPEN,
        pins: Pins = Pins(),
    ) -> None:
        self.shop = shop
        self.heard = heard
        """The event that this step is about."""
        self.now = now
        self.new_id = new_id
        self.health = health
        self.proof = proof
        self.request, self.number = request, number
        """The last request's, and the last sale's."""
        self.foreign_at = foreign_at
        self.restored = restored
        """Sales up to this number may have had their papers in a time that the journal lost."""
        self.closed = closed
        """The last Z."""
        self.close_day: Day | None = None
        """The cashier closes this day..."""
        self.print_day: Day | None = None
        """...or wants it on paper."""
        self.sheet: Ticket | None = None
        """A paper that nobody is owed: it comes out now, or not at all."""
        self.confirm = False
        """Something waits for this step's save to be durable."""
        self.menu = menu
        """What the menu can offer now."""
        self.recent = recent
        """The last sales, newest first."""
        self.open = open_
        self.pins = pins
        self.wanted: list[Refund] = []
        """What a supervisor gives back."""
        self.copy: Debt | None = None
        """A ticket that the cashier wants once more."""
        self.wishes: list[MenuItem] = []
        """What the cashier asked of the printer."""
        self.records: dict[str, Record] = {}
        self.entries: list[Entry] = []
        self.commands: list[Command] = []
        self.followed: list[Sale] = []
        """Sales that left the front, or are paid: to be watched."""
        self.owed: list[Debt] = []
        """Papers to be printed."""

    @property
    def mono(self) -> float:
        """Monotonic seconds."""
        return self.now.mono

    @property
    def wall(self) -> float:
        """The best wall time known: the provider's clock, else this machine's."""
        provider = self.health.provider_time(self.now.mono)
        return self.now.wall if provider is None else provider

    @property
    def training(self) -> bool:
        """Nothing sold here is real."""
        return self.shop.training or self.health.test_account

    def doubts(self, sale: Sale) -> bool:
        """Its papers may be out already: it comes from a backup, or from a damaged file (L3, R21)."""
        return sale.restored or sale.number <= self.restored

    # --- asking the provider ------------------------------------------------------------------------------------

    def place(self, sale: Sale) -> Talk:
        """Put the order on the POS. From here on the POS is not proved free."""
        self.must_prove()
        self.request += 1
        until = self.now.mono + CALL_S
        self.commands.append(Place(request=self.request, reference=sale.reference, until=until, sale=sale))
        return Talk(self.request, until + GRACE_S)

    def ask_pos(self, reference: str = "", tries: int = 0) -> Talk:
        """Ask what the POS holds."""
        self.request += 1
        until = self.now.mono + CALL_S
        self.commands.append(AskPos(request=self.request, reference=reference, until=until))
        return Talk(self.request, until + GRACE_S, tries)

    def look(self, reference: str, depth: Depth, lane: Lane = Lane.FRONT, tries: int = 0, name: str = "") -> Talk:
        """Ask whether the order was paid; ``name``: the one that has this id, whosever it is."""
        self.request += 1
        until = self.now.mono + CALL_S
        self.commands.append(
            Look(request=self.request, reference=reference, lane=lane, until=until, depth=depth, name=name)
        )
        return Talk(self.request, until + GRACE_S, tries)

    def withdraw(self, reference: str) -> Talk:
        """Take the POS's order away."""
        self.request += 1
        until = self.now.mono + CALL_S
        self.commands.append(Withdraw(request=self.request, reference=reference, until=until))
        return Talk(self.request, until + GRACE_S)

    def ask_account(self) -> None:
        """Ask whose token it is; nobody waits for the answer."""
        self.request += 1
        call = AskAccount(request=self.request, lane=Lane.BEHIND, until=self.now.mono + CALL_S)
        self.commands.append(call)

    def ask_statement(self, begin: float, end: float, until: float, tries: int = 0) -> Talk:
        """Ask for the account's payments that changed in that time, by the provider's clock; ``until`` is monotonic."""
        self.request += 1
        call = AskStatement(request=self.request, lane=Lane.BEHIND, until=until, begin=begin, end=end)
        self.commands.append(call)
        return Talk(self.request, until + GRACE_S, tries)

    def ask_refunds(self, payment: str, reference: str) -> Talk:
        """Ask how a payment stands, and what of it went back."""
        self.request += 1
        until = self.now.mono + CALL_S
        self.commands.append(
            AskRefunds(request=self.request, reference=reference, lane=Lane.BEHIND, until=until, payment=payment)
        )
        return Talk(self.request, until + GRACE_S)

    def give_back(self, refund: Refund) -> Talk:
        """Give money back; the refund is saved in this step (L7)."""
        self.request += 1
        until = self.now.mono + CALL_S
        self.commands.append(
            GiveBack(request=self.request, reference=refund.reference, lane=Lane.BEHIND, until=until, refund=refund)
        )
        return Talk(self.request, until + GRACE_S)

    def pause(self, seconds: float, tries: int = 0) -> Talk:
        """Ask later."""
        return Talk(until=self.now.mono + seconds, tries=tries)

    def backoff(self, talk: Talk, event: Answer, least_s: float = 0.0) -> Talk:
        """Ask later, and later each time: 1, 2, 4, 8, 15 s, a little less by chance; ``Retry-After`` is honoured.

        The chance comes from the request's number: the machine draws no random numbers, and two kiosks of one shop
        do not count in step.
        """
        scatter = 1.0 - 0.25 * ((self.request * 7919) % 101) / 101
        seconds = max(min(BACKOFF_MAX_S, 2.0**talk.tries), least_s) * scatter
        if isinstance(event, Unknown) and event.retry_after_s is not None:
            seconds = max(seconds, min(event.retry_after_s, RETRY_AFTER_MAX_S))
        return self.pause(max(seconds, least_s), min(talk.tries + 1, 10))

    # --- what is to be kept and done ----------------------------------------------------------------------------

    def save(self, record: Record) -> None:
        """Keep the record durably before anything else of this step is done."""
        self.records[record_key(record)] = record

    def log(
        self,
        event: str,
        text: str,
        of: Of = None,
        *,
        answer: Answer | None = None,
        level: int = 6,
    ) -> None:
        """Write a line into the journal's append-only log and the service's log, with the step's save.

        It carries the provider's id of the request of which it came: ``answer``'s, or that of the answer in this step
        where it is about the same order.
        """
        self.entries.append(_entry(event, text, of, answer or self._heard_of(of), level))

    def note(
        self,
        event: str,
        text: str,
        of: Of = None,
        *,
        answer: Answer | None = None,
        level: int = 6,
    ) -> None:
        """Tell the service's log only: it is worth no write to the card."""
        self.commands.append(Note(_entry(event, text, of, answer or self._heard_of(of), level)))

    def _heard_of(self, of: Of) -> Answer | None:
        heard = self.heard
        return heard if isinstance(heard, Answer) and of and heard.reference == of.reference else None

    def sound(self, tune: Tune) -> None:
        """Play it."""
        self.commands.append(Sound(tune))

    def must_prove(self, *, doubt: bool = False) -> None:
        """The POS is no longer proved free: something was, or may have been, put on it."""
        again_until = self.now.mono + PROVE_AGAIN_FOR_S if doubt else self.proof.again_until
        self.proof = Proof(free=False, talk=Talk(until=self.now.mono), again_until=again_until)

    def proved(self) -> None:
        """The POS was just seen free."""
        again = self.now.mono < self.proof.again_until
        self.proof = replace(self.proof, free=True, talk=self.pause(PROVE_AGAIN_S if again else PROBE_S))

    def all_commands(self, unsaved: tuple[Record, ...], *, failing: bool) -> tuple[Command, ...]:
        """The step's commands: one ``Save`` first, with what an earlier step could not write."""
        if not self.records and not self.entries:
            return tuple(self.commands)
        records = {record_key(record): record for record in unsaved} | self.records
        save = Save(tuple(records.values()), tuple(self.entries), confirm=failing or self.confirm)
        return (save, *self.commands)


PROVE_AGAIN_S: Final = 15.0
PROVE_AGAIN_FOR_S: Final = 120.0
PROBE_S: Final = 60.0
"""While all is quiet: how often the POS is asked, to know that the line is up and nobody else uses it."""


def _entry(event: str, text: str, of: Of, answer: Answer | None, level: int) -> Entry:
    return Entry(
        event=event,
        text=text,
        reference=of.reference if of else "",
        number=of.number if of else 0,
        cents=of.cents if of else None,
        request_id=answer.trace if answer else "",
        level=level,
    )
