"""The loop: one inbox, and the one thread that owns the sale.

Everybody else puts events into the inbox: the keypad's thread, the workers, a signal handler (``SimpleQueue`` is
re-entrant, so that it may). The journal is written in this thread, on purpose: a ``Save`` is durable before the next
command is carried out (law L7). When nothing comes, the loop sleeps until the machine's next deadline.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from typing import Protocol, TypeVar, assert_never

from kiosk.ports import Clock, Journal, JournalDamagedError, JournalError, Service, Supervisors
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
    PaymentCall,
    Place,
    Print,
    Save,
    Sound,
    Tune,
    Withdraw,
)
from kiosk.sale.counter import Counter, holdings, resume, step
from kiosk.sale.days import DayIs
from kiosk.sale.events import Event, Holds, NotSaved, PinIs, Renewed, SaleIs, Saved, Seen, StatementIs, Woken
from kiosk.sale.front import BrokenError
from kiosk.sale.lights import OUT, Lights, lights
from kiosk.sale.records import Entry, record_key
from kiosk.sale.screens import Screen, screen
from kiosk.sale.shop import Shop
from kiosk.sale.status import status, status_line
from kiosk.sale.turn import NewId, Now
from kiosk.worker import Crash

T = TypeVar("T")
ASK_S = 5.0
"""How long ``ask`` waits for the loop."""
IDLE_S = 3600.0
"""The loop turns at least so often, whatever the machine wants."""


class CrashError(Exception):
    """A worker died: the program must end, and be started again."""


class Devices(Protocol):
    """Where the loop sends what it does not do itself; each call returns at once."""

    def call(self, lane: Lane, call: PaymentCall) -> None:
        """Ask the provider."""
        ...

    def print(self, command: Print | AskPrinter) -> None:
        """Print, or ask the printer."""
        ...

    def show(self, screen: Screen) -> None:
        """Show."""
        ...

    def play(self, tune: Tune) -> None:
        """Play."""
        ...

    def light(self, lights: Lights) -> None:
        """Let the lights shine so from now on."""
        ...


@dataclass(slots=True)
class _Question:
    ask: Callable[[Counter], object]
    done: threading.Event
    answer: object = None


class Loop:
    """Owns the counter. ``ask`` may be called from any thread; everything else from the thread that runs it."""

    def __init__(
        self,
        shop: Shop,
        journal: Journal,
        devices: Devices,
        service: Service,
        inbox: SimpleQueue[object],
        *,
        supervisors: Supervisors,
        clock: Clock,
        wall: Callable[[], float],
        new_id: NewId,
    ) -> None:
        self._journal = journal
        self._devices = devices
        self._service = service
        self._supervisors = supervisors
        self._clock = clock
        self._wall = wall
        self._new_id = new_id
        self._inbox = inbox
        self._shown: Screen | None = None
        self._lit = OUT
        self._tune = ""
        """What was last heard."""
        self._line = ""
        self._over = False
        self._begun_anew = ""
        """A new journal does not know yet what the counter knows; the name that the damaged one was given."""
        self._pending: deque[Event] = deque()
        self.counter, commands = resume(journal.rows(), shop, self._now(), new_id)
        self._carry_out(commands)
        self._feed_pending()

    def ask(self, question: Callable[[Counter], T]) -> T:
        """Ask the loop something from another thread; what was posted before has been taken when it answers.

        Raises:
            TimeoutError: the loop did not answer in time.
        """
        asked = _Question(question, threading.Event())
        self._inbox.put(asked)
        if not asked.done.wait(ASK_S):
            raise TimeoutError("the loop does not answer")
        return asked.answer  # type: ignore[return-value]  # the question made it

    def status(self) -> dict[str, object]:
        """The counter's state for the world outside, from any thread.

        Raises:
            TimeoutError: the loop did not answer in time.
        """
        return self.ask(lambda counter: {**status(counter, self._clock()), "tune": self._tune})

    def run(self) -> None:
        """Turn until the counter may be left.

        Raises:
            CrashError: a worker died.
            BrokenError: the machine does not move on.
        """
        while not self._over:
            self.turn(self._wait_s())

    def turn(self, wait_s: float) -> None:
        """Take one thing from the inbox, if any comes in time; then wake the machine, if it is due.

        Raises:
            CrashError: a worker died.
            BrokenError: the machine does not move on.
        """
        try:
            item = self._inbox.get(timeout=wait_s)
        except Empty:
            pass
        else:
            self._take(item)
        self._service.alive()
        if self.counter.wakes_at <= self._clock():  # asked each time: a full inbox must not hold up a deadline
            self.feed(Woken())

    def _take(self, item: object) -> None:
        match item:
            case _Question():
                item.answer = item.ask(self.counter)
                item.done.set()
            case Crash():
                raise CrashError(f"{item.worker} died: {item.error!r}") from item.error
            case _:
                self.feed(item)  # type: ignore[arg-type]  # the inbox holds events besides the two above

    def feed(self, event: Event) -> None:
        """Hand an event to the machine, and carry out what it answers.

        Raises:
            BrokenError: waking the machine changed nothing: it would be woken for ever.
        """
        fed_at = self._clock()
        self._pending.append(event)
        self._feed_pending()
        if isinstance(event, Woken) and self.counter.wakes_at <= fed_at:
            raise BrokenError("nothing came of waking up")

    def _feed_pending(self) -> None:
        while self._pending:
            event = self._with_journal(self._pending.popleft())
            self.counter, commands = step(self.counter, event, self._now(), self._new_id)
            self._carry_out(commands)
        self._tell()

    def _with_journal(self, event: Event) -> Event:
        """The event, with what the journal knows of it: the machine itself reads no journal."""
        match event:
            case Holds(order=order) if order is not None:
                return replace(event, known=self._journal.find(order.reference))
            case Seen(narrow=True):
                books = self._journal.books([event.reference], event.evidence.approved) if event.reference else None
                return replace(event, spent=self._spent(event), books=books)
            case Seen() if event.evidence.approved:
                return replace(event, spent=self._spent(event), settled=self._settled(event))
            case StatementIs():
                shown = [booking.payment for booking in event.bookings]
                references = [payment.reference for payment in shown]
                payments = [*(payment.id for payment in shown), *event.missing]
                return replace(event, books=self._journal.books(references, payments))
            case _:
                return event

    def _spent(self, event: Seen) -> frozenset[str]:
        approved = event.evidence.approved
        return self._journal.spent(approved, event.reference) if approved else frozenset()

    def _settled(self, event: Seen) -> frozenset[str]:
        books = self._journal.books([], event.evidence.approved)
        return frozenset(dispute.payment for dispute in books.disputes if dispute.settled) if books else frozenset()

    def _sale_is(self, asked: AskSale) -> SaleIs:
        sale = self._journal.sale(asked.number) if asked.number else self._journal.find(asked.reference)
        reference = sale.reference if sale else asked.reference
        return SaleIs(asked, sale, self._journal.refunds(reference), self._journal.ticket(reference))

    def _now(self) -> Now:
        return Now(self._clock(), self._wall())

    def _best_wall(self) -> float:
        """The provider's clock where it is known: a Pi's own may start in any year."""
        provider = self.counter.health.provider_time(self._clock())
        return self._wall() if provider is None else provider

    def _wait_s(self) -> float:
        wait_s = min(IDLE_S, max(0.0, self.counter.wakes_at - self._clock()))
        watchdog_s = self._service.watchdog_s
        return wait_s if watchdog_s is None else min(wait_s, watchdog_s / 2)

    def _tell(self) -> None:
        picture = screen(self.counter, self._clock())
        if picture != self._shown:
            self._shown = picture
            self._devices.show(picture)
        lit = lights(self.counter)
        if lit != self._lit:
            self._lit = lit
            self._devices.light(lit)
        line = status_line(self.counter)
        if line != self._line:
            self._line = line
            self._service.status(line)

    def _carry_out(self, commands: tuple[Command, ...]) -> None:
        for index, command in enumerate(commands):
            match command:
                case Save():
                    if not self._save(command, commands[index:]):
                        return
                case Place() | AskPos() | Look() | Withdraw() | AskAccount() | AskRefunds() | GiveBack():
                    self._devices.call(command.lane, command)
                case AskStatement():
                    known = self._journal.paid_between(command.begin, command.end)
                    self._devices.call(command.lane, replace(command, known=known))
                case Print() | AskPrinter():
                    self._devices.print(command)
                case AskDay():
                    self._pending.append(DayIs(self._journal.day(), command.closing, command.at_once))
                case AskSale():
                    self._pending.append(self._sale_is(command))
                case CheckPin():
                    self._pending.append(PinIs(self._supervisors.whose(command.pin)))
                case Sound():
                    self._tune = command.tune.value
                    self._devices.play(command.tune)
                case Note():
                    self._service.log(command.entry)
                case Exit():
                    self._over = True
                case _:
                    assert_never(command)

    def _save(self, save: Save, dropped: tuple[Command, ...]) -> bool:
        """Write it durably; where that fails, the rest of the step is not done (R22)."""
        for entry in save.entries:
            self._service.log(entry)
        try:
            self._write(save)
        except JournalError as error:
            self._service.log(Entry("journal-error", str(error), level=3))
            self._pending.append(NotSaved(dropped))
            return False
        if save.confirm:
            self._pending.append(Saved())
        return True

    def _write(self, save: Save) -> None:
        try:
            if not self._begun_anew:
                self._journal.save(save.records, save.entries, self._best_wall())
                return
        except JournalDamagedError as error:
            self._service.log(Entry("journal-damaged", str(error), level=3))
            self._begun_anew = self._journal.begin_anew()
        records = {record_key(record): record for record in (*holdings(self.counter), *save.records)}
        self._journal.save(tuple(records.values()), save.entries, self._best_wall())
        self._pending.append(Renewed(self._begun_anew))
        self._begun_anew = ""
