"""The loop: one inbox, the journal before everything else, and time that only the inbox lets pass. No sleeps.

The devices are doubles that answer nothing by themselves; the machine, the loop and the inbox are the real ones.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from queue import Empty, SimpleQueue

import pytest

from kiosk.loop import CrashError, Loop
from kiosk.ports import JournalDamagedError, JournalError
from kiosk.sale.commands import (
    AskAccount,
    AskPos,
    AskPrinter,
    AskStatement,
    Lane,
    Look,
    PaymentCall,
    Place,
    Print,
    Tune,
    Withdraw,
)
from kiosk.sale.events import (
    AccountIs,
    Booking,
    CallAnswer,
    Evidence,
    Holds,
    Key,
    Paper,
    PaperIs,
    Placed,
    PosOrder,
    Seen,
    StatementIs,
    Stop,
    Woken,
)
from kiosk.sale.front import BrokenError
from kiosk.sale.lights import PAID, SCAN, SENDING, Lights
from kiosk.sale.records import Debt, DebtState, Entry, Mark, Phase, Rows, Sale, Ticket, make_reference
from kiosk.sale.screens import Screen
from kiosk.sale.states import Entering
from kiosk.sale.status import public_name
from kiosk.supervisors import Supervisors
from kiosk.worker import Crash
from tests.fake_journal import FakeJournal, Notebook
from tests.story import COLLECTOR, EPOCH, SHOP, order, payment

FULL = JournalError("journal: the disk is full")
SOON_S = 20.0
"""Nobody waits so long: a test that would is broken."""


class FakeDevices:
    def __init__(self, book: Notebook) -> None:
        self._book = book
        self.asked: list[PaymentCall] = []

    def call(self, lane: Lane, call: PaymentCall) -> None:
        assert lane is call.lane
        self.asked.append(call)
        self._book.write(type(call).__name__, call)

    def print(self, command: Print | AskPrinter) -> None:
        self._book.write("print", command)

    def show(self, screen: Screen) -> None:
        self._book.write("show", screen)

    def play(self, tune: Tune) -> None:
        self._book.write("play", tune)

    def light(self, lights: Lights) -> None:
        self._book.write("light", lights)


class FakeService:
    def __init__(self, book: Notebook, watchdog_s: float | None = None) -> None:
        self._book = book
        self.watchdog_s = watchdog_s

    def ready(self) -> None:
        self._book.write("ready", None)

    def status(self, text: str) -> None:
        self._book.write("status", text)

    def alive(self) -> None:
        self._book.write("alive", None)

    def stopping(self) -> None:
        self._book.write("stopping", None)

    def log(self, entry: Entry) -> None:
        self._book.write("log", entry)


class Waits(SimpleQueue[object]):
    """An inbox in which waiting moves the clock by hand, so that an hour takes no time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.waits: list[float] = []
        self.later: list[tuple[float, object]] = []
        """What arrives when."""

    def get(self, block: bool = True, timeout: float | None = None) -> object:
        assert timeout is not None
        self.waits.append(timeout)
        if not self.empty():
            return super().get()
        until = self.now + timeout
        if self.later and self.later[0][0] <= until:
            self.now, item = self.later.pop(0)
            return item
        self.now = until
        raise Empty


class Counter:
    """A loop with its doubles, driven by the test."""

    def __init__(self, rows: Rows | None = None, *, watchdog_s: float | None = None, real_inbox: bool = False) -> None:
        self.book = Notebook()
        self.journal = FakeJournal(self.book, rows)
        self.devices = FakeDevices(self.book)
        self.time = Waits()
        self.inbox: SimpleQueue[object] = SimpleQueue() if real_inbox else self.time
        self.backwards_s = 0.0
        """How far the clock runs back after its next reading."""
        ids = iter(range(1, 10**6))
        self.loop = Loop(
            SHOP,
            self.journal,
            self.devices,
            FakeService(self.book, watchdog_s),
            self.inbox,
            supervisors=Supervisors(()),
            clock=self._clock,
            wall=lambda: 77.0,
            new_id=lambda: next(ids) * 0x9E3779B97F4A7C15F39CC0605CEDC834,
        )

    def _clock(self) -> float:
        now = self.time.now
        self.time.now -= self.backwards_s
        self.backwards_s = 0.0
        return now

    @property
    def public(self) -> str:
        return public_name(self.loop.counter.state)

    @property
    def sale(self) -> Sale:
        sale = getattr(self.loop.counter.state, "sale", None)
        assert isinstance(sale, Sale)
        return sale

    def logged(self) -> list[Entry]:
        """What the service's log was told."""
        return [entry for entry in self.book.of("log") if isinstance(entry, Entry)]

    def keys(self, keys: str) -> None:
        for key in keys:
            self.time.now += 0.1
            self.loop.feed(Key(key))

    def wake(self) -> None:
        """Let time pass until the machine wants to be woken."""
        self.loop.turn(max(0.0, self.loop.counter.wakes_at - self.time.now))

    def answer(self, make: Callable[..., CallAnswer], kind: type[PaymentCall], **fields: object) -> None:
        """Answer the newest request of that kind."""
        call = [call for call in self.devices.asked if isinstance(call, kind)][-1]
        date = EPOCH + self.time.now
        self.loop.feed(make(request=call.request, reference=call.reference, date=date, **fields))

    def ready(self) -> Counter:
        """From boot to idle."""
        self.loop.feed(Woken())
        self.answer(AccountIs, AskAccount, user_id=COLLECTOR, site="MLB", test=False)
        self.answer(Holds, AskPos, order=None)
        self.loop.feed(PaperIs(Paper.OK))
        assert self.public == "idle"
        self.book.all.clear()
        return self

    def waiting(self) -> Counter:
        """From idle to an order on the POS, with a look in flight."""
        self.keys("2500#")
        self.answer(Holds, AskPos, order=None)
        self.answer(Placed, Place)
        self.wake()
        assert self.public == "waiting"
        self.book.all.clear()
        return self

    def pay(self) -> None:
        """The look in flight finds the order paid."""
        self.answer(Seen, Look, evidence=Evidence((order(self.sale, payment()),)))


# --- the journal first (L7) -------------------------------------------------------------------------------------------


def test_the_intent_is_durable_before_the_order_is_placed() -> None:
    counter = Counter().ready()
    counter.keys("2500#")
    counter.answer(Holds, AskPos, order=None)
    assert [name for name in counter.book.names() if name in ("save", "Place")] == ["save", "Place"]
    assert counter.journal.sales[counter.sale.reference].puts == 1


def test_a_payment_is_durable_before_it_is_heard_printed_and_shown() -> None:
    counter = Counter().ready().waiting()
    counter.pay()
    names = counter.book.names()
    assert names.index("save") < min(names.index("play"), names.index("print"), names.index("show"))
    assert names.count("save") == 1
    assert counter.journal.sales[counter.sale.reference].phase is Phase.PAID
    assert counter.book.of("play") == [Tune.PAID]


def test_the_lights_are_told_when_they_change_and_only_then_and_paid_only_when_it_is_durable() -> None:
    counter = Counter().ready()
    counter.keys("2500#")
    counter.answer(Holds, AskPos, order=None)
    counter.answer(Placed, Place)
    counter.wake()
    counter.pay()
    assert counter.book.of("light") == [SENDING, SCAN, PAID]
    durable = max(index for index, name in enumerate(counter.book.names()) if name == "save")
    assert counter.book.all.index(("light", PAID)) > durable


def test_an_intent_that_cannot_be_written_is_not_carried_out() -> None:
    """R22: the rest of the step is dropped, the machine is told, and the screen says so."""
    counter = Counter().ready()
    counter.keys("2500#")
    counter.journal.errors = [FULL] * 9
    counter.answer(Holds, AskPos, order=None)
    assert "Place" not in counter.book.names()
    assert counter.public == "notice"
    assert "DISCO" in [screen.big for screen in counter.book.of("show") if isinstance(screen, Screen)]


def test_why_the_journal_failed_is_in_the_services_log() -> None:
    counter = Counter().ready().waiting()
    counter.journal.errors = [FULL] * 9
    counter.pay()
    assert str(FULL) in [entry.text for entry in counter.logged() if entry.level <= 3]


def test_with_a_failing_journal_paid_is_shown_and_its_ticket_may_be_a_duplicate() -> None:
    counter = Counter().ready().waiting()
    counter.journal.errors = [FULL] * 9
    counter.pay()
    assert counter.public == "paid"
    [paper] = [command for command in counter.book.of("print") if isinstance(command, Print)]
    assert paper.marks == (Mark.POSSIBLE_DUPLICATE,)


def test_a_journal_that_can_be_written_again_is_noticed() -> None:
    """``Saved`` is fed for a ``Save`` that asked for it; only then is the journal well, and nothing is lost."""
    counter = Counter().ready().waiting()
    counter.journal.errors = [FULL]
    counter.pay()
    failing = counter.loop.counter.health.journal
    counter.wake()
    while counter.journal.sales[counter.sale.reference].phase is not Phase.PAID:
        counter.wake()
    assert (failing, counter.loop.counter.health.journal) == (False, True)


DAMAGED = JournalDamagedError("journal: the file is damaged")


def test_l2_a_journal_that_is_damaged_is_begun_anew_with_all_that_the_counter_knows() -> None:
    """The open sale, its payment and its ticket are in the new one; nothing of the step is dropped."""
    counter = Counter().ready().waiting()
    counter.journal.errors = [DAMAGED]
    counter.pay()
    assert counter.book.names().count("begin anew") == 1
    assert counter.public == "paid"
    assert counter.journal.sales[counter.sale.reference].phase is Phase.PAID
    [paper] = [command for command in counter.book.of("print") if isinstance(command, Print)]
    assert paper.marks == ()
    health = counter.loop.counter.health
    assert (health.journal, health.set_aside) == (True, ("journal.db.damaged-1",))
    assert str(DAMAGED) in [entry.text for entry in counter.logged() if entry.level <= 3]
    assert "journal-set-aside" in [entry.event for entry in counter.logged()]


def test_l7_where_no_new_journal_can_be_begun_the_step_is_dropped_and_it_is_tried_again() -> None:
    counter = Counter().ready().waiting()
    counter.journal.errors = [DAMAGED, FULL, DAMAGED]  # no save, no new journal; then again, and it works
    counter.pay()
    failed = counter.loop.counter.health
    while not counter.loop.counter.health.set_aside:
        counter.wake()
    assert (failed.journal, counter.loop.counter.health.journal) == (False, True)
    assert counter.book.names().count("begin anew") == 2
    assert counter.journal.sales[counter.sale.reference].phase is Phase.PAID


def test_l2_what_a_new_journal_could_not_take_at_once_it_is_given_later() -> None:
    """It was begun, and its first write failed: the next one brings everything, not only what is new."""
    counter = Counter().ready().waiting()
    counter.journal.errors = [DAMAGED, None, FULL]
    counter.keys("*#")
    assert counter.journal.sales == {}
    while not counter.loop.counter.health.set_aside:
        counter.wake()
    assert counter.journal.sales[counter.sale.reference].phase is Phase.WITHDRAWING
    assert counter.book.names().count("begin anew") == 1


def test_a_payment_that_paid_another_sale_completes_nothing() -> None:
    """R1: the loop asks the journal whose payment it is; its twin is every paid sale above."""
    counter = Counter().ready().waiting()
    sale = counter.sale
    counter.journal.sales["another"] = replace(sale, reference="another", payments=("p1",), phase=Phase.PAID)
    counter.pay()
    assert counter.public == "waiting"
    assert Tune.PAID not in counter.book.of("play")
    assert Tune.ATTENTION in counter.book.of("play")
    assert "print" not in counter.book.names()


def test_the_log_is_written_with_the_providers_clock_as_soon_as_it_is_known() -> None:
    """R3: this machine's own clock says 77."""
    counter = Counter().ready()
    counter.journal.saved_at.clear()
    counter.keys("2500#")
    counter.answer(Holds, AskPos, order=None)
    assert counter.journal.saved_at == [EPOCH + counter.time.now]
    blind = Counter(Rows(debts=(Debt("r", 1, 2500, Ticket(()), 0.0, state=DebtState.PRINTING),)))
    assert blind.journal.saved_at == [77.0]


def test_each_entry_goes_to_the_services_log_too() -> None:
    counter = Counter().ready()
    counter.keys("2500#")
    counter.answer(Holds, AskPos, order=None)
    assert [entry.event for entry in counter.logged()] == ["placing"]


# --- what the loop adds -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", [True, False])
def test_an_order_on_the_pos_is_looked_up_in_the_journal(known: bool) -> None:
    """R5: what the journal knows is stale, what it does not know is another's."""
    counter = Counter()
    if known:
        old = Sale("KIOSK01-1-old", 1, 2500, "BRL", (), "key", 0.0, Phase.WITHDRAWN)
        counter.journal.sales[old.reference] = old
    counter.loop.feed(Woken())
    counter.answer(Holds, AskPos, order=PosOrder("KIOSK01-1-old", 2500))
    assert [entry.event for entry in counter.logged()] == ["stale-order" if known else "foreign-order"]


LATE = Sale("KIOSK01-1-old", 1, 2500, "BRL", (), "key", 0.0, Phase.PAID, payments=("p1",), paid_at=EPOCH + 999.0)


@pytest.mark.parametrize("known", [True, False])
def test_a_statement_is_asked_and_judged_with_what_the_journal_knows(known: bool) -> None:
    """The journal's payments go with the question, its sales with the answer."""
    counter = Counter()
    if known:
        counter.journal.sales[LATE.reference] = LATE
    counter.ready()
    while not counter.book.of("AskStatement"):
        counter.wake()
    [call] = counter.book.of("AskStatement")
    assert isinstance(call, AskStatement)
    assert call.known == (("p1",) if known else ())
    seen = replace(payment("p1"), reference=make_reference("KIOSK01", 8, 88), collector=COLLECTOR)
    counter.answer(StatementIs, AskStatement, bookings=(Booking(seen, at=EPOCH + counter.time.now),))
    assert ("disputed" in [entry.event for entry in counter.logged()]) is not known


def test_a_screen_is_shown_when_it_changes_and_only_then() -> None:
    counter = Counter().ready()
    counter.keys("25")
    assert [screen.big for screen in counter.book.of("show") if isinstance(screen, Screen)] == ["0,02", "0,25"]
    counter.keys("BB")
    assert len(counter.book.of("show")) == 3
    assert counter.book.of("play")[-1] is Tune.REFUSED


def test_the_status_line_is_told_when_it_changes_and_only_then() -> None:
    counter = Counter().ready()
    counter.keys("25")
    assert counter.book.of("status") == ["entering"]


def test_what_was_open_when_the_power_went_is_taken_up_at_once() -> None:
    """R23: the first screen and the first question belong to the open sale."""
    sale = Sale("KIOSK01-4-abc", 4, 2500, "BRL", (), "key", 0.0, Phase.WAITING, puts=1, expires=EPOCH + 1200)
    counter = Counter(Rows(open=(sale,), last_number=4))
    assert counter.sale.reference == sale.reference
    assert [call.reference for call in counter.devices.asked if isinstance(call, AskPos)] == [sale.reference]
    assert counter.book.of("show")
    counter.answer(Holds, AskPos, order=PosOrder(sale.reference, 2500))
    assert counter.public == "waiting"


# --- the end ----------------------------------------------------------------------------------------------------------


def test_a_stop_while_idle_ends_at_once() -> None:
    counter = Counter().ready()
    began = counter.time.now
    counter.inbox.put(Stop())
    counter.loop.run()
    assert counter.time.now == began


def test_a_stop_with_an_open_order_withdraws_it_and_ends_within_12_s_whatever_is_answered() -> None:
    """R16; here nothing is answered after the first look."""
    counter = Counter().ready().waiting()
    began = counter.time.now
    counter.loop.feed(Stop())
    assert counter.public == "withdrawing"
    counter.answer(Seen, Look, evidence=Evidence())
    assert isinstance(counter.devices.asked[-1], Withdraw)
    counter.loop.run()
    assert counter.time.now == began + 12.0


def test_a_worker_that_died_ends_the_program() -> None:
    """Its name and its error are told; what came before it was taken."""
    counter = Counter().ready()
    error = ZeroDivisionError("a fault")
    counter.inbox.put(Key("2"))
    counter.inbox.put(Crash("printer", error))
    with pytest.raises(CrashError, match="printer died: ZeroDivisionError") as caught:
        counter.loop.run()
    assert caught.value.__cause__ is error
    assert counter.public == "entering"


# --- time -------------------------------------------------------------------------------------------------------------


def test_the_loop_sleeps_until_the_machines_next_deadline() -> None:
    """A half-typed amount is forgotten after 60 s, to the moment, with nobody at the keys."""
    counter = Counter().ready()
    counter.keys("2")
    typed_at = counter.time.now
    while counter.public == "entering":
        counter.wake()
    assert counter.time.now == typed_at + 60.0


@pytest.mark.parametrize("watchdog_s", [1.0, 30.0])
def test_the_watchdog_is_patted_at_least_twice_in_its_time(watchdog_s: float) -> None:
    """However long the machine would sleep; without a watchdog it sleeps longer."""
    patted, left_alone = (Counter(watchdog_s=limit).ready() for limit in (watchdog_s, None))
    for counter in (patted, left_alone):
        counter.time.later.append((counter.time.now + 100.0, Stop()))
        counter.loop.run()
    assert max(patted.time.waits) <= watchdog_s / 2
    assert len(patted.book.of("alive")) >= 200.0 / watchdog_s
    assert len(left_alone.book.of("alive")) < len(patted.book.of("alive"))


def test_a_machine_that_waking_does_not_move_on_ends_the_program() -> None:
    """Here because the clock runs backwards while it is woken: better a restart than a loop that spins for ever."""
    counter = Counter().ready()
    counter.keys("2")
    counter.time.now = counter.loop.counter.wakes_at
    counter.backwards_s = 50.0
    with pytest.raises(BrokenError, match="nothing came of waking up"):
        counter.loop.feed(Woken())


def test_a_machine_that_moves_on_goes_on() -> None:
    counter = Counter().ready()
    counter.keys("2")
    counter.time.now = counter.loop.counter.wakes_at
    counter.loop.feed(Woken())
    assert counter.loop.counter.wakes_at > counter.time.now


# --- other threads, on a real inbox -----------------------------------------------------------------------------------


@contextmanager
def turning() -> Iterator[Counter]:
    """A loop that turns in a thread of its own until the block ends."""
    counter = Counter(real_inbox=True).ready()
    thread = threading.Thread(target=counter.loop.run)
    thread.start()
    try:
        yield counter
    finally:
        counter.inbox.put(Stop())
        thread.join(SOON_S)
        assert not thread.is_alive()


def test_a_question_is_answered_after_all_that_was_posted_before_it() -> None:
    with turning() as counter:
        for key in "2500":
            counter.inbox.put(Key(key))
        state = counter.loop.ask(lambda asked: asked.state)
        assert isinstance(state, Entering)
        assert state.basket.cents == 2500


def test_the_status_can_be_asked_from_any_thread() -> None:
    with turning() as counter:
        counter.inbox.put(Key("5"))
        assert counter.loop.status()["state"] == "entering"


def test_many_may_post_and_ask_at_once() -> None:
    """Nothing is lost: each thread's own presses are taken before its question is answered."""
    with turning() as counter:
        seen: list[int] = []

        def cashier() -> None:
            for _ in range(20):
                counter.inbox.put(Key("1"))
                counter.inbox.put(Key("*", held=True))
            seen.append(counter.loop.ask(lambda asked: asked.request))

        threads = [threading.Thread(target=cashier) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(SOON_S)
        assert len(seen) == 4
        assert len(counter.book.of("alive")) >= 4 * 41


def test_a_signal_may_post_while_the_loop_reads() -> None:
    """The handler runs in the thread that waits in the inbox: an inbox that is not re-entrant would hang here."""
    counter = Counter(real_inbox=True).ready()
    before = signal.signal(signal.SIGALRM, lambda _number, _frame: counter.inbox.put(Stop()))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        counter.loop.run()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
    assert counter.loop.counter.gone
