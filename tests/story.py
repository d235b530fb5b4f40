"""A story told to the machine: events in, commands out, time by hand. The tests of the centre are written in it.

``Story`` plays the loop and the world around the pure machine: it keeps a journal in memory, checks the laws after
every step (``tests.laws``), and answers a request only when the test says what the answer is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC
from typing import TypeVar

from kiosk.sale.commands import (
    AskAccount,
    AskDay,
    AskPos,
    AskPrinter,
    AskRefunds,
    AskSale,
    AskStatement,
    CheckPin,
    Command,
    Exit,
    GiveBack,
    Lane,
    Look,
    Note,
    Place,
    Print,
    Save,
    Sound,
    Tune,
    Withdraw,
)
from kiosk.sale.counter import Counter, resume, step
from kiosk.sale.days import Close, DayIs
from kiosk.sale.events import (
    AccountIs,
    Answer,
    Booking,
    Event,
    Evidence,
    GivenBack,
    Holds,
    Key,
    NotSaved,
    OrderSeen,
    Paper,
    PaperIs,
    PaymentSeen,
    PaymentState,
    PinIs,
    Placed,
    PosOrder,
    Printed,
    PrintFailed,
    RefundsAre,
    RefundSeen,
    Refused,
    Reject,
    Removal,
    Removed,
    SaleIs,
    Saved,
    Seen,
    StatementIs,
    Trouble,
    Unknown,
    Woken,
)
from kiosk.sale.money import SITES
from kiosk.sale.records import Agreed, Debt, Dispute, PinTries, Record, Refund, RefundState, Roll, Rows, Sale
from kiosk.sale.screens import Screen, lines, screen
from kiosk.sale.shop import Shop
from kiosk.sale.states import Menu, MenuItem, State
from kiosk.sale.status import public_name
from kiosk.sale.turn import Now
from tests.day_book import DayBook, adds_up
from tests.laws import Laws, law
from tests.story_books import books, looked_up

C = TypeVar("C", bound=Command)
S = TypeVar("S", bound=State)

COLLECTOR = 123456789
EPOCH = 1_900_000_000.0
"""The provider's clock when the monotonic one shows 0."""

SHOP = Shop(
    name="Padaria São João",
    header=("Rua das Flores 1",),
    footer=("Obrigado!",),
    site=SITES["MLB"],
    language="pt",
    zone=UTC,
    collector=COLLECTOR,
    pos_id="KIOSK01",
    title="Padaria",
    minimum=100,
    maximum=1_000_000,
    confirm_above=100_000,
    wait_s=180,
)


def payment(
    id_: str = "p1",
    cents: int | None = 2500,
    state: PaymentState = PaymentState.APPROVED,
    *,
    currency: str = "BRL",
    refunded: int = 0,
) -> PaymentSeen:
    """A payment inside an order."""
    return PaymentSeen(id_, state, cents, currency, refunded)


def order(
    sale: Sale,
    *payments: PaymentSeen,
    complete: bool = True,
    id_: str = "m1",
    reference: str | None = None,
    collector: int | None = COLLECTOR,
    cents: int | None = None,
) -> OrderSeen:
    """An order of the sale as the provider shows it."""
    return OrderSeen(
        id_,
        sale.reference if reference is None else reference,
        collector,
        complete,
        sale.cents if cents is None else cents,
        payments,
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that waits for its answer."""

    command: AskPos | Look | Place | Withdraw | AskAccount | AskStatement | AskRefunds | GiveBack


class MemoryJournal:
    """The journal's promises, in memory: what ``resume`` would find after a power cut."""

    def __init__(self) -> None:
        self.sales: dict[str, Sale] = {}
        self.debts: dict[str, Debt] = {}
        self.disputes: dict[str, Dispute] = {}
        self.wishes: dict[str, Refund] = {}
        self.pin_failed = 0
        self.agreed_until: float | None = None
        self.roll: Roll | None = None
        self.restored = -1
        self.foreign: list[float] = []
        self.days = DayBook()
        self.log: list[str] = []
        self.fails = False

    def spent(self, evidence: Evidence, reference: str) -> frozenset[str]:
        """R1: those of the payments shown that completed another sale."""
        others = [sale.payments for sale in self.sales.values() if sale.reference != reference]
        return frozenset(evidence.approved) & frozenset[str]().union(*others)

    def settled(self, evidence: Evidence) -> frozenset[str]:
        """Disputed money among the payments shown that a person settled."""
        names = [name for name, dispute in self.disputes.items() if dispute.settled]
        return frozenset(name for name in names if name.removesuffix(":excess") in evidence.approved)

    def sale_is(self, asked: AskSale) -> SaleIs:
        """What it knows of the sale that is asked for."""
        sales = (s for s in self.sales.values() if asked.reference == s.reference or 0 < s.number == asked.number)
        sale = next(sales, None)
        reference = sale.reference if sale else asked.reference
        refunds = tuple(refund for refund in self.wishes.values() if refund.reference == reference)
        return SaleIs(asked, sale, refunds, self.debts.get(reference))

    def save(self, save: Save) -> bool:
        """Write all of it, or nothing."""
        if self.fails:
            return False
        for record in sorted(save.records, key=lambda record: not isinstance(record, Close)):
            self._write(record)
        self.log += [entry.event for entry in save.entries]
        return True

    def _write(self, record: Record) -> None:
        match record:
            case Sale():
                owners = {payment: sale.reference for sale in self.sales.values() for payment in sale.payments}
                law(
                    "R1", {owners.get(p, record.reference) for p in record.payments} <= {record.reference}, "paid twice"
                )
                if record.foreign and record.reference not in self.sales:
                    self.foreign.append(record.made_at)
                self.sales[record.reference] = record
                self.days.enter(record)
            case Debt():
                self.debts[record.id] = record
            case Dispute():
                self.disputes[record.payment] = record
            case Agreed():
                self.agreed_until = record.until
            case Roll():
                self.roll = record
            case Refund():
                before = self.wishes.get(record.key)
                law("R24", before is None or before.state is not RefundState.DONE or before == record, "done for good")
                others = [r.refund_id for r in self.wishes.values() if r.key != record.key]
                law("R24", not record.refund_id or record.refund_id not in others, "two wishes, one refund")
                self.wishes[record.key] = record
            case PinTries():
                self.pin_failed = record.failed
            case Close():
                self.days.close(record)
                adds_up(self.days.closes.values(), self.days.day(), self.sales.values())

    def rows(self) -> Rows:
        """What was open when the power went."""
        own = [sale for sale in self.sales.values() if not sale.foreign]
        tickets = [debt for debt in self.debts.values() if debt.reference]
        return Rows(
            open=tuple(reversed([sale for sale in self.sales.values() if sale.phase.open])),
            watched=tuple(sale for sale in self.sales.values() if sale.watched and not sale.phase.open),
            debts=tuple(debt for debt in self.debts.values() if debt.open),
            disputes=tuple(dispute for dispute in self.disputes.values() if not dispute.settled),
            refunds=tuple(refund for refund in self.wishes.values() if refund.state is RefundState.WANTED),
            pin_failed=self.pin_failed,
            last_ticket=tickets[-1] if tickets else None,
            last_number=max((sale.number for sale in own), default=0),
            recent=tuple(sorted(own, key=lambda sale: -sale.number)[:10]),
            foreign_at=tuple(self.foreign[-10:]),
            agreed_until=self.agreed_until,
            restored=self.restored,
            roll=self.roll,
            closed=self.days.last,
        )


class Story:
    """One counter, from boot to the end of the tale."""

    def __init__(self, shop: Shop = SHOP, *, at: float = 1000.0) -> None:
        self.shop = shop
        self.at = at
        self.journal = MemoryJournal()
        self.laws = Laws(shop.collector, self.journal)
        self.asked: list[Asked] = []
        self.done: list[Command] = []
        """Everything done since the last ``take``."""
        self.jobs: list[Print] = []
        self.exited = False
        self.pins = {"1234": "Ana", "00009999": "Rui"}
        self._ids = 0
        self.counter = self._boot()

    # --- the world's side ---------------------------------------------------------------------------------------

    def _new_id(self) -> int:
        self._ids += 1
        return self._ids * 0x9E3779B97F4A7C15F39CC0605CEDC834

    def _now(self) -> Now:
        return Now(self.at, EPOCH + self.at - 7.0)  # this machine's clock is 7 s slow

    def _boot(self) -> Counter:
        counter, commands = resume(self.journal.rows(), self.shop, self._now(), self._new_id)
        self._ids += 1000
        self.laws.booted(counter)
        self.counter = counter
        for event in self._carry_out(commands):
            self.feed(event)
        self.feed(Woken())
        return self.counter

    def power_cut(self, *, off_s: float = 30.0) -> Story:
        """Everything but the journal is gone; the machine boots again."""
        self.at += off_s
        self.asked, self.done, self.jobs = [], [], []
        self._boot()
        return self

    def feed(self, event: Event) -> Story:
        """One step, with the loop's treatment of a failing journal; the laws are checked after it."""
        pending = [event]
        while pending:
            event = self._with_journal(pending.pop(0))
            before = self.counter
            self.counter, commands = step(before, event, self._now(), self._new_id)
            self.laws.check(before, event, self.counter, commands)
            pending += self._carry_out(commands)
            if not pending:
                self.laws.watched(self.counter)
        return self

    def _with_journal(self, event: Event) -> Event:
        """As the loop looks it up."""
        if isinstance(event, Seen):
            event = replace(
                event,
                spent=self.journal.spent(event.evidence, event.reference),
                settled=self.journal.settled(event.evidence),
            )
        if isinstance(event, Seen) and event.narrow:
            sales, payments = self.journal.sales.values(), event.evidence.approved
            event = replace(event, books=books(sales, self.journal.disputes, {event.reference}, payments))
        return event

    def _carry_out(self, commands: tuple[Command, ...]) -> list[Event]:
        told: list[Event] = []
        for index, command in enumerate(commands):
            self.done.append(command)
            match command:
                case Save():
                    if not self.journal.save(command):
                        return [NotSaved(commands[index:])]
                    self.laws.saved(command)
                    if command.confirm:
                        told.append(Saved())
                case (
                    AskPos() | Look() | Place() | Withdraw() | AskAccount() | AskStatement() | AskRefunds() | GiveBack()
                ):
                    self.laws.carried_out(command)
                    self.asked.append(Asked(command))
                case Print():
                    self.laws.carried_out(command)
                    self.jobs.append(command)
                case Exit():
                    self.exited = True
                case AskDay():
                    told.append(DayIs(self.journal.days.day(), command.closing, command.at_once))
                case AskSale():
                    told.append(self.journal.sale_is(command))
                case CheckPin():
                    told.append(PinIs(self.pins.get(command.pin)))
                case AskPrinter() | Sound() | Note():
                    pass
        return told

    # --- the test's side ----------------------------------------------------------------------------------------

    @property
    def state(self) -> State:
        """The front's state."""
        return self.counter.state

    def in_state(self, kind: type[S]) -> S:
        """The front's state, which must be of that kind."""
        state = self.counter.state
        assert isinstance(state, kind), f"not {kind.__name__}: {state}"
        return state

    @property
    def public(self) -> str:
        """The front's state as the status names it."""
        return public_name(self.counter.state)

    @property
    def sale(self) -> Sale:
        """The sale in front."""
        sale = getattr(self.counter.state, "sale", None)
        assert isinstance(sale, Sale), f"no sale in {self.counter.state}"
        return sale

    @property
    def screen(self) -> Screen:
        """What the cashier reads now."""
        return screen(self.counter, self.at)

    @property
    def text(self) -> str:
        """The screen as one text."""
        return " | ".join(lines(self.screen))

    def keys(self, keys: str) -> Story:
        """Press keys, a tenth of a second apart."""
        for key in keys:
            self.at += 0.1
            self.feed(Key(key))
        return self

    def choose(self, item: MenuItem) -> Story:
        """Walk the menu to that item, and do it."""
        self.keys("*")
        while self.in_state(Menu).item is not item:
            self.keys("*")
        return self.keys("#")

    def wait(self, seconds: float) -> Story:
        """Let time pass; the machine is woken at each of its deadlines."""
        until = self.at + seconds
        while self.counter.wakes_at <= until:
            assert self.counter.wakes_at >= self.at or self.at == 0, "a deadline in the past"
            self.at = max(self.at, self.counter.wakes_at)
            self.feed(Woken())
            assert self.counter.wakes_at > self.at, f"woken for ever in {self.counter.state}"
        self.at = until
        return self

    def wait_for(self, kind: type[C], *, within: float = 700.0, lane: Lane = Lane.FRONT) -> C:
        """Let time pass until the machine asks for that; answers nothing meanwhile."""
        until = self.at + within
        while not (found := self.open_calls(kind, lane)):
            assert self.counter.wakes_at <= until, f"no {kind.__name__} within {within} s in {self.counter.state}"
            self.at = max(self.at, self.counter.wakes_at)
            self.feed(Woken())
        return found[0]

    def open_calls(self, kind: type[C], lane: Lane = Lane.FRONT) -> list[C]:
        """Requests of that kind whose answer the machine waits for (nobody waits for the account's)."""
        counter = self.counter
        behind = (counter.watches.talk, counter.audit.talk, counter.notices.talk, counter.refunds.talk)
        talks = (getattr(counter.state, "talk", None), counter.proof.talk, *behind)
        waited = {talk.request for talk in talks if talk}
        calls = [a.command for a in self.asked if a.command.request in waited or isinstance(a.command, AskAccount)]
        return [call for call in calls if isinstance(call, kind) and call.lane is lane]

    def take(self) -> list[Command]:
        """What was done since the last call of this."""
        done, self.done = self.done, []
        return done

    def did(self, kind: type[C], where: Callable[[C], bool] = lambda _: True) -> list[C]:
        """Commands of that kind since the last ``take``."""
        return [command for command in self.done if isinstance(command, kind) and where(command)]

    def heard(self, tune: Tune) -> bool:
        """Whether it was played since the last ``take``."""
        return any(command.tune is tune for command in self.did(Sound))

    # --- answers ------------------------------------------------------------------------------------------------

    def answer(self, make: Callable[..., Answer], kind: type[C], lane: Lane = Lane.FRONT, **fields: object) -> Story:
        """Answer the request of that kind that the machine waits for."""
        calls = self.open_calls(kind, lane)
        assert calls, f"nobody asked {kind.__name__}; asked: {[type(a.command).__name__ for a in self.asked]}"
        call = calls[0]
        assert isinstance(call, AskPos | Look | Place | Withdraw | AskAccount | AskStatement | AskRefunds | GiveBack)
        self.asked = [a for a in self.asked if a.command is not call]
        reference = call.reference
        date = None if make is Unknown else EPOCH + self.at
        self.feed(make(request=call.request, reference=reference, date=date, trace="r-1", **fields))  # type: ignore[arg-type]
        return self

    def account(self, user_id: int = COLLECTOR, *, test: bool = False, site: str = "MLB", minimum: int = 0) -> Story:
        """Whose token it is."""
        return self.answer(AccountIs, AskAccount, Lane.BEHIND, user_id=user_id, site=site, test=test, minimum=minimum)

    def free(self) -> Story:
        """The POS holds nothing."""
        return self.answer(Holds, AskPos, order=None)

    def holds(self, reference: str, cents: int | None = 2500, *, known: Sale | None = None) -> Story:
        """The POS holds an order; the loop looks its reference up in the journal."""
        known = known or self.journal.sales.get(reference)
        return self.answer(Holds, AskPos, order=PosOrder(reference, cents), known=known)

    def placed(self) -> Story:
        """The order is on the POS."""
        return self.answer(Placed, Place)

    def unknown(self, kind: type[Command], trouble: Trouble = Trouble.NETWORK, lane: Lane = Lane.FRONT) -> Story:
        """Nobody knows what came of the request."""
        return self.answer(Unknown, kind, lane, trouble=trouble)

    def refused(self, kind: type[Command], reject: Reject, lane: Lane = Lane.FRONT) -> Story:
        """The provider refuses."""
        return self.answer(Refused, kind, lane, reject=reject, detail="error text")

    def seen(self, *orders: OrderSeen, index: Iterable[PaymentSeen] = (), whole: bool = True) -> Story:
        """What the front's look found."""
        return self.answer(Seen, Look, evidence=Evidence(orders, tuple(index), whole))

    def watch_seen(self, *orders: OrderSeen, index: Iterable[PaymentSeen] = (), whole: bool = True) -> Story:
        """What a watch's look found."""
        return self.answer(Seen, Look, Lane.BEHIND, evidence=Evidence(orders, tuple(index), whole))

    def one_seen(self, *orders: OrderSeen, index: Iterable[PaymentSeen] = ()) -> Story:
        """What the look at the one order or payment found that a notification named."""
        [call] = [call for call in self.open_calls(Look, Lane.BEHIND) if call.name]
        self.asked = [a for a in self.asked if a.command is not call]
        payments = tuple(index)
        reference = next(iter([*(each.reference for each in orders), *(each.reference for each in payments), ""]))
        evidence = Evidence(orders, payments, whole=False)
        date = EPOCH + self.at
        return self.feed(
            Seen(request=call.request, reference=reference, date=date, trace="r-1", evidence=evidence, narrow=True)
        )

    def statement(self, *bookings: Booking, missing: tuple[str, ...] = (), whole: bool = True) -> Story:
        """What the account shows; the loop looks up what the journal knows of it."""
        shown = StatementIs(request=0, bookings=bookings, missing=missing)
        books = looked_up(shown, self.journal.sales.values(), self.journal.disputes)
        return self.answer(
            StatementIs, AskStatement, Lane.BEHIND, bookings=bookings, missing=missing, whole=whole, books=books
        )

    def refunds_are(
        self, *refunds: RefundSeen, payment: PaymentSeen | None = None, whole: bool = True, gone: bool = False
    ) -> Story:
        """How the payment stands that was asked for; ``gone``: the account does not have it."""
        [call] = self.open_calls(AskRefunds, Lane.BEHIND)
        back = sum(seen.cents or 0 for seen in refunds if seen.state is PaymentState.APPROVED)
        shown = payment or PaymentSeen(call.payment, PaymentState.APPROVED, 2500, self.shop.site.currency.code, back)
        return self.answer(
            RefundsAre, AskRefunds, Lane.BEHIND, payment=None if gone else shown, refunds=refunds, whole=whole
        )

    def given_back(self, id_: str = "b1", state: PaymentState = PaymentState.APPROVED) -> Story:
        """The provider took the refund."""
        [call] = self.open_calls(GiveBack, Lane.BEHIND)
        return self.answer(GivenBack, GiveBack, Lane.BEHIND, refund=RefundSeen(id_, state, call.refund.cents))

    def removed(self, removal: Removal = Removal.BY_US) -> Story:
        """The provider's word to a DELETE."""
        return self.answer(Removed, Withdraw, removal=removal)

    def printer(self, paper: Paper) -> Story:
        """The printer's word of itself."""
        return self.feed(PaperIs(paper))

    def printed(self, *, sure: bool = True) -> Story:
        """The paper at the printer is out."""
        return self.feed(Printed(self.jobs.pop(0).job, sure))

    def print_failed(self, *, began: bool, paper: Paper = Paper.OUT) -> Story:
        """It is not."""
        return self.feed(PrintFailed(self.jobs.pop(0).job, began, paper))

    # --- whole passages -----------------------------------------------------------------------------------------

    def ready(self) -> Story:
        """From boot to idle."""
        self.account().free().printer(Paper.OK)
        assert self.public == "idle"
        self.take()
        return self

    def waiting(self, keys: str = "2500#") -> Story:
        """From idle to an order on the POS."""
        self.keys(keys).free().placed()
        assert self.public == "waiting"
        self.take()
        return self

    def paid(self, *payments: PaymentSeen) -> Story:
        """The next look finds it paid."""
        self.wait_for(Look)
        return self.seen(order(self.sale, *(payments or (payment(f"p{self.sale.number}", self.sale.cents),))))


def told(sale: Sale, **changes: object) -> Sale:
    """A changed copy of a sale, for expectations."""
    return replace(sale, **changes)  # type: ignore[arg-type]
