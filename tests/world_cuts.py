"""Power cuts at the machine, exhaustively: each story of ``stories``, cut before and after every command of each step.

**Where it is cut.** A step's commands are carried out one by one. The power goes before the first one and after each:
a step with n commands has n + 1 moments, one without commands has one, and a start (``resume``) is a step like others.
So a story has as many moments as it has steps and commands together. It is told once, and a copy of it and of its
world is kept at each of them: none can be left out.

**How it goes on.** What is true at Mercado Pago is what the story's answers said until then (``AsTold``). What becomes
of a request whose answer had not come, and of a customer, nobody knows: every plausible ``Ending`` is played. Then the
power returns, ``resume`` goes on from the rows, and the simulated world plays the kiosk to rest and to the end of its
last watch. The laws are checked at every step on both sides of the cut, and all money at the end (``world_audit``).
"""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from kiosk.sale.commands import AskAccount, AskPos, Command, GiveBack, Look, PaymentCall, Place, Withdraw
from kiosk.sale.events import (
    Answer,
    Busy,
    CallAnswer,
    Event,
    GivenBack,
    Holds,
    NotSaved,
    OrderSeen,
    Paper,
    PaymentSeen,
    PaymentState,
    Placed,
    PosOrder,
    RefundsAre,
    RefundSeen,
    Refused,
    Removal,
    Removed,
    Seen,
)
from kiosk.sale.records import PinTries, Refund, Sale
from kiosk.sale.shop import Shop
from tests.stories import STORIES, Told
from tests.story import EPOCH, SHOP, Story
from tests.world import World
from tests.world_day import BREAKS, close
from tests.world_devices import Disk, Sheet
from tests.world_provider import Habits, Order, Provider, Race, Return

FLIES_S: Final = 100.0
"""A request that was given up arrives within this, or never."""
PAYS_FOR_S: Final = 1500.0
"""So long after its death at the latest, a phone that kept an order pays it."""


# --- what is true at Mercado Pago -------------------------------------------------------------------------------------


class AsTold(Provider):
    """Mercado Pago as it must be for the answers of a story to be what they are."""

    def __init__(self, shop: Shop) -> None:
        super().__init__(shop, Habits(race=Race.LOCKED), self._scanned)
        self._ids = 1000  # names that no story uses
        self.phone: Order | None = None
        """The last order of ours that a phone could scan: it keeps it, whatever becomes of it."""
        self.flying: list[tuple[float, Place | Withdraw]] = []
        """Requests of which nobody knows whether they arrive, and when they were made."""
        self._sales: dict[str, Sale] = {}
        self._wanted: dict[int, Refund] = {}
        """Request -> the refund that it asks for."""

    def _scanned(self, order: Order) -> None:
        if order.reference in self._sales:
            self.phone = order

    def asked(self, call: PaymentCall, now: float) -> None:
        """A request is on its way."""
        if isinstance(call, Place | Withdraw):
            self.flying.append((now, call))
        if isinstance(call, Place):
            self._sales[call.reference] = call.sale
        if isinstance(call, GiveBack):
            self._wanted[call.request] = call.refund

    def told(self, answer: CallAnswer, now: float) -> None:
        """It was answered so: what that says about the truth becomes true."""
        match answer:
            case Placed():
                self._arrived(answer, now)
            case Refused() | Busy():
                self._landed(answer.request)
            case Holds():
                self._holds_now(answer.order, now)
            case Removed():
                self._landed(answer.request)
                if answer.removal is Removal.LOCKED:
                    self._lock()
                else:
                    self.pos = None
            case Seen():
                self._shown_now(answer)
            case GivenBack(refund=seen) if answer.request in self._wanted:
                self._gone_back(self._wanted[answer.request], seen, now)
            case RefundsAre(refunds=shown):
                for seen in shown:  # in the stories, what shows is the last one that was tried
                    self._gone_back(list(self._wanted.values())[-1], seen, now)
            case _:
                pass

    def _gone_back(self, refund: Refund, seen: RefundSeen, now: float) -> None:
        self.returns[refund.key] = Return(seen.id, refund.payment, refund.cents, seen.state, now, now)
        if seen.state is PaymentState.APPROVED:
            self._returned(refund.payment, now)

    def rebooted(self) -> None:
        """Requests are counted anew: what flies has no number any more."""
        self.flying = [(at, replace(call, request=0)) for at, call in self.flying]

    def in_flight(self, now: float) -> list[Place | Withdraw]:
        """What may still arrive."""
        return [call for at, call in self.flying if now - at <= FLIES_S]

    def arrive(self, calls: Iterable[Place | Withdraw], now: float) -> None:
        """They do."""
        for call in calls:
            self.answer(call, now)

    def _landed(self, request: int) -> None:
        self.flying = [(at, call) for at, call in self.flying if call.request != request]

    def _arrived(self, answer: Placed, now: float) -> None:
        calls = [call for _, call in self.flying if call.request == answer.request]
        self._landed(answer.request)
        for call in calls:
            self.answer(call, now)

    def _holds_now(self, order: PosOrder | None, now: float) -> None:
        if order is None:
            self.pos = None
        elif self.pos is None or self.pos.reference != order.reference:
            sale = self._sales.get(order.reference)
            self.flying = [entry for entry in self.flying if not _places(entry[1], order.reference)]
            self.put(order.reference, order.cents or 0, sale.expires if sale else None, now)

    def _lock(self) -> None:
        if self.pos is not None:
            self.pos.paying = 1

    def _shown_now(self, answer: Seen) -> None:
        account = self._account(answer.reference)
        for order in answer.evidence.orders:
            account.strange = [*(old for old in account.strange if old.id != order.id), order]
            if (order.reference, order.collector) == (answer.reference, self.shop.collector):
                for payment in order.payments:
                    self._paid(answer.reference, payment)
                if order.complete and self.pos is not None and self.pos.reference == answer.reference:
                    self.pos = None
        for payment in answer.evidence.payments:
            if (payment.reference, payment.collector) == (answer.reference, self.shop.collector):
                self._paid(answer.reference, payment)

    def _paid(self, reference: str, payment: PaymentSeen) -> None:
        owner, _ = self.ledger.get(payment.id, (reference, payment))
        self.ledger[payment.id] = (owner, payment)
        listed = replace(payment, reference=reference, collector=self.shop.collector)
        self._account(reference).listed[payment.id] = [(0.0, listed)]

    def settle_pending(self, state: PaymentState) -> None:
        """What is pending comes to its end."""
        for account in self.accounts.values():
            account.strange = [_settled(order, state) for order in account.strange]
            for id_, [(at, listed)] in account.listed.items():
                if listed.state is PaymentState.PENDING:
                    account.listed[id_] = [(at, replace(listed, state=state))]
        for id_, (reference, payment) in self.ledger.items():
            if payment.state is PaymentState.PENDING:
                self.ledger[id_] = (reference, replace(payment, state=state))


def _places(call: Place | Withdraw, reference: str) -> bool:
    return isinstance(call, Place) and call.reference == reference


def _settled(order: OrderSeen, state: PaymentState) -> OrderSeen:
    payments = tuple(replace(p, state=state) if p.state is PaymentState.PENDING else p for p in order.payments)
    worth = sum(payment.cents or 0 for payment in payments if payment.state is PaymentState.APPROVED)
    return replace(order, payments=payments, complete=order.complete or worth >= (order.cents or 0))


# --- a story, and the moment ------------------------------------------------------------------------------------------


class CutStory(Story):
    """A story of which a copy is kept at each moment at which the power may go."""

    def __init__(self, shop: Shop = SHOP, *, kept: list[bytes]) -> None:
        """``kept`` gets the copies."""
        self.truth = AsTold(shop)
        """What is so at Mercado Pago."""
        self.roll: list[Sheet] = []
        """What is on paper."""
        self.moments = 0
        self.last = "nothing"
        """What was done last."""
        self._kept = kept
        super().__init__(shop)

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in vars(self).items() if name != "_kept"}

    @property
    def ids(self) -> int:
        """How many ids were drawn."""
        return self._ids

    def _moment(self) -> None:
        self._kept.append(pickle.dumps(self, pickle.HIGHEST_PROTOCOL))
        self.moments += 1

    def _carry_out(self, commands: tuple[Command, ...]) -> list[Event]:
        self._moment()
        events: list[Event] = []
        for index, command in enumerate(commands):
            told = super()._carry_out((command,))
            if isinstance(command, AskPos | Look | Place | Withdraw | AskAccount | GiveBack):
                self.truth.asked(command, EPOCH + self.at)
            self.last = type(command).__name__
            self._moment()
            events += told
            if any(isinstance(event, NotSaved) for event in told):
                return [NotSaved(commands[index:])]
        return events

    def feed(self, event: Event) -> Story:
        if isinstance(event, Answer):
            self.truth.told(event, EPOCH + self.at)
        return super().feed(event)

    def printed(self, *, sure: bool = True) -> Story:
        self.roll.append(Sheet(self.jobs[0], whole=True))
        return super().printed(sure=sure)

    def print_failed(self, *, began: bool, paper: Paper = Paper.OUT) -> Story:
        if began:
            self.roll.append(Sheet(self.jobs[0], whole=False))
        return super().print_failed(began=began, paper=paper)

    def power_cut(self, *, off_s: float = 30.0) -> Story:
        self.truth.rebooted()
        return super().power_cut(off_s=off_s)


def _told(story: Told) -> list[bytes]:
    """The story at each of its moments."""
    kept: list[bytes] = []
    story(lambda shop=SHOP: CutStory(shop, kept=kept))
    return kept


def _fresh(copy: bytes) -> CutStory:
    story = pickle.loads(copy)
    assert isinstance(story, CutStory)
    return story


def cuts(story: Told) -> Iterator[CutStory]:
    """The story until each of its moments, one after the other."""
    return map(_fresh, _told(story))


# --- how it goes on ---------------------------------------------------------------------------------------------------


class Arrives(Enum):
    """What becomes of a request, or of a paper, that was under way."""

    NEVER = "it is lost"
    IN_THE_DARK = "it arrives while the power is off"
    AFTER_BOOT = "it arrives when the kiosk runs again"


class Pays(Enum):
    """What the customer does who has scanned."""

    NOT = "nobody pays"
    IN_THE_DARK = "the customer pays while the power is off"
    AT_BOOT = "the customer pays while the kiosk starts"
    LATER = "the customer pays a minute after"


@dataclass(frozen=True, slots=True)
class Ending:
    """One plausible way in which it goes on."""

    arrives: Arrives = Arrives.NEVER
    pays: Pays = Pays.NOT
    off_s: float = 5.0

    def __str__(self) -> str:
        return f"{self.off_s:g} s in the dark; what was under way: {self.arrives.value}; {self.pays.value}"


SHORT_S: Final = 5.0
LONG_S: Final = 4000.0
"""Longer than any order lives."""
AT_BOOT_S: Final = 0.12
"""Between the first request of a withdrawal and its second."""
LATER_S: Final = 60.0
ARRIVES_S: Final = 12.0
BY_THE_SWITCH: Final = 97
"""A number of options that nothing else has."""


def endings(story: CutStory) -> Iterator[Ending]:
    """Every plausible one."""
    under_way = story.truth.in_flight(EPOCH + story.at) or story.jobs
    placing = any(isinstance(call, Place) for call in story.truth.in_flight(EPOCH + story.at))
    for off_s in (SHORT_S, LONG_S):
        for arrives in Arrives if under_way else (Arrives.NEVER,):
            if arrives is Arrives.AFTER_BOOT and off_s > FLIES_S:
                continue
            can_pay = story.truth.phone or (placing and arrives is not Arrives.NEVER)
            for pays in Pays if can_pay else (Pays.NOT,):
                if off_s == SHORT_S or pays in (Pays.NOT, Pays.IN_THE_DARK):
                    yield Ending(arrives, pays, off_s)


class AfterTheCut(World):
    """The simulated world, from where the story was cut."""

    def __init__(self, story: CutStory, ending: Ending) -> None:
        super().__init__(self._always, shop=story.shop)
        self.provider = self._truth = story.truth
        self.journal.save((*story.journal.sales.values(), *story.journal.debts.values()))
        self.journal.save((*story.journal.wishes.values(), PinTries(story.journal.pin_failed)))
        self.journal.save(tuple(story.journal.disputes.values()))
        self.laws = story.laws
        self.laws.journal = self.journal
        self.printer.roll = story.roll
        self.at, self.epoch, self.drift_s = story.at, EPOCH, -7.0
        self._heap.clear()
        self._ids = story.ids + 1000
        self.cut_power()
        self.power_off(ending.off_s)
        if story.journal.fails:
            self.journal.disk = Disk.FULL
            self.trouble(ending.off_s + 20.0, self._write_again)
        self._go_on(story, ending)

    @staticmethod
    def _always(options: int) -> int:
        """The first of all options; of the closing times the one by the switch."""
        return int(options == BY_THE_SWITCH)

    def _write_again(self) -> None:
        self.journal.disk = Disk.GOOD

    def _go_on(self, story: CutStory, ending: Ending) -> None:
        off_s, calls = ending.off_s, story.truth.in_flight(EPOCH + story.at)
        if ending.arrives is not Arrives.NEVER:
            self.printer.roll += [Sheet(job, whole=True) for job in story.jobs]
            arrives_s = 1.0 if ending.arrives is Arrives.IN_THE_DARK else off_s + ARRIVES_S
            self.later(arrives_s, lambda _: self._truth.arrive(calls, self.now))
        pays_s = {Pays.IN_THE_DARK: 3.0, Pays.AT_BOOT: off_s + AT_BOOT_S, Pays.LATER: off_s + LATER_S}
        if ending.pays is not Pays.NOT:
            self.later(pays_s[ending.pays], self._pays)
        pending = PaymentState.REJECTED if ending.pays is Pays.NOT else PaymentState.APPROVED
        self.later(off_s + LATER_S, self._truth.settle_pending, pending)
        if self._truth.pos is not None and self._truth.pos.paying:
            self.slack_s += off_s + LATER_S
            self.later(off_s + LATER_S + 1.0, self._no_money, self._truth.pos)

    def _pays(self, _: None) -> None:
        order = self._truth.phone
        if order is not None and self.now < order.expires + PAYS_FOR_S:
            if not order.paying:
                self._truth.begin(order)
            self._truth.land(order, self.now)

    def _no_money(self, order: Order) -> None:
        """The payment that was under way fails, if it did not land."""
        order.paying = 0


def play(story: CutStory, ending: Ending, *, evening: bool = False) -> World:
    """To rest, and to the end of the last watch: in an evening, or after a night by the switch, which is shorter.

    Raises:
        LawBroken: a law does not hold.
    """
    world = AfterTheCut(story, ending)
    close(world, evening_in=1 if evening else BY_THE_SWITCH)
    return world


# --- all of them ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Figures:
    """What was done, and what it showed."""

    stories: int = 0
    cuts: int = 0
    ends: int = 0
    steps: int = 0
    violations: tuple[str, ...] = ()

    def __add__(self, other: Figures) -> Figures:
        return Figures(
            self.stories + other.stories,
            self.cuts + other.cuts,
            self.ends + other.ends,
            self.steps + other.steps,
            self.violations + other.violations,
        )


def cut_everywhere(story: Told, *, evening: bool = False) -> Figures:
    """Cut one story at each of its moments, and play each of the endings."""
    moments = ends = steps = 0
    violations = []
    for moment, copy in enumerate(_told(story)):
        moments += 1
        cut = _fresh(copy)
        for ending in endings(cut):
            ends += 1
            try:
                steps += play(_fresh(copy), ending, evening=evening).steps
            except BREAKS as error:
                what = f"{story.__name__}, cut at moment {moment} (after {cut.last}); {ending}"
                violations.append(f"{what}: {type(error).__name__}: {error}")
    return Figures(1, moments, ends, steps, tuple(violations))


def cut_at(story: Told, moment: int) -> CutStory:
    """The story until that moment.

    Raises:
        LookupError: it has not so many.
    """
    kept = _told(story)
    if moment >= len(kept):
        raise LookupError(f"{story.__name__} has {len(kept)} moments")
    return _fresh(kept[moment])


def cut_all(stories: Iterable[Told] = STORIES, *, evening: bool = False) -> Figures:
    """All of them."""
    return sum((cut_everywhere(story, evening=evening) for story in stories), Figures())
