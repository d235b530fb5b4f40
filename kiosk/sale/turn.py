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
    AskStatement,
    Command,
    Depth,
    Lane,
    Look,
    Note,
    Place,
    Save,
    Sound,
    Tune,
    Withdraw,
)
from kiosk.sale.events import (
    Answer,
    Device,
    DeviceIs,
    Fault,
    Paper,
    PaperIs,
    Printed,
    PrintFailed,
    Refused,
    Reject,
    Trouble,
    Unknown,
)
from kiosk.sale.records import Debt, Entry, Record, Sale, record_key
from kiosk.sale.shop import Shop
from kiosk.sale.states import MenuItem, Talk

NewId = Callable[[], int]
"""At least 128 fresh random bits."""

CALL_S: Final = 10.0
"""Every request is answered within this, or its outcome is unknown (R20)."""
JUMP_S: Final = 120.0
"""A provider's clock that differs by more from what it showed before may be one wrong answer."""
TICK_S: Final = 1.0
"""The provider's ``Date`` counts whole seconds: one that differs by less says nothing new."""
GRACE_S: Final = 0.5
"""How much later the machine gives up by itself, so that an adapter in time is heard."""
BACKOFF_MAX_S: Final = 15.0
RETRY_AFTER_MAX_S: Final = 30.0


class Now(NamedTuple):
    """The two clocks, never mixed: deadlines are monotonic, tickets and logs want wall time (seconds since 1970)."""

    mono: float
    wall: float


@dataclass(frozen=True, slots=True)
class Health:
    """What we depend on, as last seen."""

    offset: float | None = None
    """The provider's clock minus the monotonic one."""
    odd_offset: float | None = None
    """The same by one answer that disagreed; the next one decides."""
    answered_at: float | None = None
    """When the provider last answered (monotonic)."""
    trouble: Trouble | None = None
    """Why the last request to it was not answered; None: it was."""
    reject: Reject | None = None
    """Why it last refused us; None: it did not."""
    paper: Paper | None = None
    """The printer's last word; None: not asked yet."""
    panel: tuple[Fault, ...] | None = None
    """What is wrong with the display; None: it was not heard of, or there is none. So with the next two."""
    keypad: tuple[Fault, ...] | None = None
    sound: tuple[Fault, ...] | None = None
    journal: bool = True
    """The journal can be written."""
    set_aside: tuple[str, ...] = ()
    """Names of damaged journals that lie beside the present one: the technician must look at them."""
    wrong_account: bool = False
    """The token belongs to another account than the configured one."""
    account_known: bool = False
    test_account: bool = False
    minimum: int = 0
    """The account's own smallest amount, in minor units; 0: not known."""

    def provider_time(self, mono: float) -> float | None:
        """The provider's clock now, seconds since 1970; None where it was never seen."""
        return None if self.offset is None else self.offset + mono

    def heard(self, answer: Answer, mono: float) -> Health:
        """The health after an answer that the front waited for."""
        health = self.told_time(answer, mono)
        match answer:
            case Unknown():
                return replace(health, trouble=answer.trouble)
            case Refused():
                return replace(health, trouble=None, reject=answer.reject, answered_at=mono)
            case _:
                return replace(health, trouble=None, reject=None, answered_at=mono)

    def told_time(self, answer: Answer, mono: float) -> Health:
        """The health after any answer's ``Date``. One that jumps is believed when a second one agrees with it."""
        if answer.date is None:
            return self
        offset = answer.date - mono
        if self.offset is not None and self.odd_offset is None and abs(offset - self.offset) < TICK_S:
            return self
        known = [o for o in (self.offset, self.odd_offset) if o is not None]
        if self.offset is not None and all(abs(offset - o) > JUMP_S for o in known):
            return replace(self, odd_offset=offset)
        return replace(self, offset=offset, odd_offset=None)

    def faults(self, device: Device) -> tuple[Fault, ...] | None:
        """What is wrong with that device; None: it was not heard of, or there is none."""
        match device:
            case Device.PANEL:
                return self.panel
            case Device.KEYPAD:
                return self.keypad
            case Device.SOUND:
                return self.sound

    def device_said(self, event: object) -> Health:
        """The health after a word of the printer, or of another device; any other event changes nothing."""
        match event:
            case DeviceIs(device=device, faults=faults) if faults == self.faults(device):
                return self
            case DeviceIs(device=Device.PANEL, faults=faults):
                return replace(self, panel=faults)
            case DeviceIs(device=Device.KEYPAD, faults=faults):
                return replace(self, keypad=faults)
            case DeviceIs(device=Device.SOUND, faults=faults):
                return replace(self, sound=faults)
            case PaperIs(paper=paper) | PrintFailed(paper=paper):
                pass
            case Printed():
                paper = Paper.OK if event.sure else Paper.SILENT
            case _:
                return self
        return self if paper is self.paper else replace(self, paper=paper)


ASK_AT_ONCE: Final = Talk(until=0.0)


@dataclass(frozen=True, slots=True)
class Proof:
    """Is the POS proved free? (L4, R4)"""

    free: bool = False
    """An answered look at the POS, begun after our last PUT was over, found nothing."""
    talk: Talk = ASK_AT_ONCE
    again_until: float = 0.0
    """After a PUT of unknown outcome: until when the proof is repeated."""


class Turn:
    """What one step is given, and what it answers."""

    __slots__ = (
        "commands",
        "entries",
        "followed",
        "foreign_at",
        "health",
        "heard",
        "menu",
        "new_id",
        "now",
        "number",
        "owed",
        "proof",
        "recent",
        "records",
        "request",
        "restored",
        "shop",
        "wishes",
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
        heard: object = None,
        recent: tuple[Sale, ...] = (),
    ) -> None:
        self.shop = shop
        self.heard = heard
        """The event that this step is about."""
        self.now = now
        self.new_id = new_id
        self.health = health
        self.proof = proof
        self.request = request
        """The last request's number."""
        self.number = number
        """The last sale's number."""
        self.foreign_at = foreign_at
        self.restored = restored
        """Sales up to this number may have had their papers in a time that the journal lost."""
        self.menu = menu
        """What the menu can offer now."""
        self.recent = recent
        """The last sales, newest first."""
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

    def look(self, reference: str, depth: Depth, lane: Lane = Lane.FRONT, tries: int = 0) -> Talk:
        """Ask whether the order was paid."""
        self.request += 1
        until = self.now.mono + CALL_S
        self.commands.append(Look(request=self.request, reference=reference, lane=lane, until=until, depth=depth))
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
        of: Sale | Debt | None = None,
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
        of: Sale | Debt | None = None,
        *,
        answer: Answer | None = None,
        level: int = 6,
    ) -> None:
        """Tell the service's log only: it is worth no write to the card."""
        self.commands.append(Note(_entry(event, text, of, answer or self._heard_of(of), level)))

    def _heard_of(self, of: Sale | Debt | None) -> Answer | None:
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
        save = Save(tuple(records.values()), tuple(self.entries), confirm=failing)
        return (save, *self.commands)


PROVE_AGAIN_S: Final = 15.0
PROVE_AGAIN_FOR_S: Final = 120.0
PROBE_S: Final = 60.0
"""While all is quiet: how often the POS is asked, to know that the line is up and nobody else uses it."""


def _entry(event: str, text: str, of: Sale | Debt | None, answer: Answer | None, level: int) -> Entry:
    return Entry(
        event=event,
        text=text,
        reference=of.reference if of else "",
        number=of.number if of else 0,
        cents=of.cents if of else None,
        request_id=answer.trace if answer else "",
        level=level,
    )
