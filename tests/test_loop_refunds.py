"""Money that goes back, through the loop: what the journal and the supervisors know reaches the desk, and L7 holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from kiosk.loop import Loop
from kiosk.sale.commands import AskAccount, AskPos, AskRefunds, GiveBack, Look, PaymentCall, Place
from kiosk.sale.events import (
    AccountIs,
    Books,
    CallAnswer,
    Evidence,
    GivenBack,
    Holds,
    Key,
    Paper,
    PaperIs,
    PaymentState,
    Placed,
    Printed,
    RefundsAre,
    RefundSeen,
    Seen,
    Woken,
)
from kiosk.sale.giving import Giving, Signing, Snag
from kiosk.sale.records import Debt, Dispute, Entry, Mark, Reason, Record, Refund, RefundState, Sale
from kiosk.sale.states import Menu, MenuItem
from kiosk.supervisors import Supervisor, Supervisors
from tests.fake_journal import FakeJournal, Notebook
from tests.story import COLLECTOR, EPOCH, SHOP, order, payment
from tests.story_books import books
from tests.test_loop import FakeDevices, FakeService, Waits


class Journal(FakeJournal):
    """One that knows refunds, papers and disputes, too."""

    def __init__(self, book: Notebook) -> None:
        super().__init__(book)
        self.wishes: dict[str, Refund] = {}
        self.debts: dict[str, Debt] = {}
        self.disputes: dict[str, Dispute] = {}

    def save(self, records: Sequence[Record], entries: Sequence[Entry], at: float) -> None:
        super().save(records, entries, at)
        self.wishes |= {record.key: record for record in records if isinstance(record, Refund)}
        self.debts |= {record.id: record for record in records if isinstance(record, Debt)}
        self.disputes |= {record.payment: record for record in records if isinstance(record, Dispute)}

    def sale(self, number: int) -> Sale | None:
        return next((sale for sale in self.sales.values() if sale.number == number), None)

    def refunds(self, reference: str) -> tuple[Refund, ...] | None:
        return tuple(refund for refund in self.wishes.values() if refund.reference == reference)

    def ticket(self, reference: str) -> Debt | None:
        return self.debts.get(reference)

    def books(self, references: Sequence[str], payments: Sequence[str]) -> Books | None:
        return books(self.sales.values(), self.disputes, references, payments)


class Desk:
    """A loop with its doubles, and a supervisor."""

    def __init__(self) -> None:
        self.book = Notebook()
        self.journal = Journal(self.book)
        self.devices = FakeDevices(self.book)
        self.time = Waits()
        ids = iter(range(1, 10**6))
        self.loop = Loop(
            replace(SHOP, refunds=True),
            self.journal,
            self.devices,
            FakeService(self.book),
            self.time,
            supervisors=Supervisors([Supervisor.made("Ana", "1234", b"0123456789abcdef").entry]),
            clock=lambda: self.time.now,
            wall=lambda: 77.0,
            new_id=lambda: next(ids) * 0x9E3779B97F4A7C15F39CC0605CEDC834,
        )
        self.loop.feed(Woken())
        self.answer(AccountIs, AskAccount, user_id=COLLECTOR, site="MLB", test=False)
        self.answer(Holds, AskPos, order=None)
        self.loop.feed(PaperIs(Paper.OK))

    def keys(self, keys: str) -> None:
        for key in keys:
            self.time.now += 0.1
            self.loop.feed(Key(key))

    def answer(self, make: Callable[..., CallAnswer], kind: type[PaymentCall], **fields: object) -> None:
        call = [call for call in self.devices.asked if isinstance(call, kind)][-1]
        self.loop.feed(make(request=call.request, reference=call.reference, date=EPOCH + self.time.now, **fields))

    def wait_for(self, kind: type[PaymentCall]) -> None:
        before = sum(isinstance(call, kind) for call in self.devices.asked)
        while sum(isinstance(call, kind) for call in self.devices.asked) == before:
            self.loop.turn(max(0.0, self.loop.counter.wakes_at - self.time.now))

    def sold(self) -> Sale:
        """A paid sale, its ticket, and rest."""
        self.keys("2500#")
        self.answer(Holds, AskPos, order=None)
        self.answer(Placed, Place)
        [sale] = self.journal.sales.values()
        self.wait_for(Look)
        self.answer(Seen, Look, evidence=Evidence((order(sale, payment()),)))
        self.loop.feed(Printed(1))
        self.time.now += 2.0
        self.loop.feed(Woken())
        self.answer(Holds, AskPos, order=None)
        self.keys("#")
        return self.journal.sales[sale.reference]

    def choose(self, item: MenuItem) -> None:
        self.keys("*")
        while isinstance(self.loop.counter.state, Menu) and self.loop.counter.state.item is not item:
            self.keys("*")
        self.keys("#")


def signing() -> Desk:
    desk = Desk()
    desk.sold()
    desk.choose(MenuItem.REFUND)
    desk.keys("#")
    desk.answer(RefundsAre, AskRefunds, payment=payment())
    desk.keys("#")
    return desk


def test_l7_a_refund_is_durable_before_it_is_asked_of_the_account() -> None:
    desk = signing()
    desk.book.all.clear()
    desk.keys("1234#")
    names = desk.book.names()
    assert names.index("save") < names.index("AskRefunds"), "a wish is durable before anybody asks about it"
    desk.book.all.clear()
    desk.answer(RefundsAre, AskRefunds, payment=payment())
    names = desk.book.names()
    assert names.index("save") < names.index("GiveBack"), "and so is an attempt"
    [refund] = desk.journal.wishes.values()
    assert (refund.by, refund.cents, refund.state) == ("Ana", 2500, RefundState.WANTED)
    assert isinstance(desk.loop.counter.state, Giving)


def test_a_pin_that_is_nobodys_gives_nothing_back() -> None:
    desk = signing()
    desk.keys("4321#")
    assert isinstance(desk.loop.counter.state, Signing)
    assert desk.loop.counter.state.snag is Snag.WRONG_PIN
    assert not desk.journal.wishes


def test_when_all_of_it_is_back_the_ticket_is_marked_and_a_copy_says_so() -> None:
    desk = signing()
    desk.keys("1234#")
    desk.answer(RefundsAre, AskRefunds, payment=payment())
    desk.answer(GivenBack, GiveBack, refund=RefundSeen("b1", PaymentState.APPROVED, 2500))
    [sale] = desk.journal.sales.values()
    assert desk.journal.debts[sale.reference].marks == (Mark.REFUNDED,)
    desk.loop.feed(Printed(2))
    desk.keys("#C0")
    assert desk.book.of("print")[-1].marks == (Mark.REFUNDED, Mark.COPY)  # type: ignore[attr-defined]


def test_what_a_person_settled_is_not_disputed_again() -> None:
    desk = Desk()
    sale = desk.sold()
    there = Dispute("p2", sale.reference, 1, 2500, "BRL", Reason.SECOND, 0.0, "delivered", "Ana", 1.0)
    desk.journal.disputes["p2"] = there
    desk.wait_for(Look)
    twice = (order(sale, payment("p1")), order(sale, payment("p2"), id_="m2"))
    desk.answer(Seen, Look, evidence=Evidence(twice))
    assert desk.journal.disputes["p2"] == there
    assert not desk.loop.counter.disputes
