"""The simulated world: the real machine, and around it everything that a counter in a shop meets.

One thread, virtual time, and one ``choose``: the same choices make the same history. The machine is the real one
(``kiosk.sale.counter``); simulated are Mercado Pago (``world_provider``), journal and printer (``world_devices``), and
the line between them (``world_line``); here are the power, the clocks, the cashier's keys and the passing of time. What
happens to a sale is drawn as a *situation* (``world_situations``), not as random keys.

After every step the laws are checked (``tests.laws``). L8 is checked all the time, too: every state has a bound
(``world_bounds``), counted from the moment when the world was quiet again. L2 is checked at the end, against Mercado
Pago's own ledger (``world_audit``). ``world_day.history(7)`` plays the day of seed 7, the same one each time.
"""

from __future__ import annotations

import sys
from collections import Counter as Tally
from collections.abc import Callable, Sequence
from dataclasses import replace
from heapq import heapify, heappop, heappush
from typing import Any, ClassVar, Final, TypeVar

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
    Look,
    Note,
    Place,
    Print,
    Save,
    Sound,
    Withdraw,
)
from kiosk.sale.counter import Counter, resume, step
from kiosk.sale.days import DayIs, DayShown
from kiosk.sale.events import Event, Holds, Key, NotSaved, PaperIs, PinIs, SaleIs, Saved, Seen, StatementIs, Stop, Woken
from kiosk.sale.shop import Shop
from kiosk.sale.states import NEVER, Blocked, Guarding, Menu, Recent, Starting, State, Waiting
from kiosk.sale.turn import Now
from tests.laws import LawBroken, Laws, law
from tests.story import SHOP
from tests.world_bounds import BY_ITSELF_S, FOLLOWED_S, RESTING, TYPED_IN, WHEN_QUIET_S
from tests.world_devices import MemoryJournal, Printer
from tests.world_items import PRESETS, WAYS
from tests.world_line import Line
from tests.world_provider import Habits, Opened, Order, Provider, Race, Returning

T = TypeVar("T")
Choose = Callable[[int], int]
"""A number from 0 to one less than what it is given: the only source of chance."""

Happening = tuple[float, int, Callable[[Any], None], Any]
"""When, which of those at the same time, what, and with what."""

EPOCH: Final = 1_900_000_000.0
STOPS_WITHIN_S: Final = 12.1
_GOLDEN: Final = 0x9E3779B97F4A7C15F39CC0605CEDC834
_WOKEN: Final = Woken()
_SAVED: Final = Saved()
ROLL_M: Final = 3
"""So short that it is low, and at its end, in each day."""
WAITS_OF_ITEMS_S: Final = 60
"""Shops that give their customers so long sell items: one in six."""
SUPERVISOR: Final = "Ana"
PIN: Final = "7391"
"""Hers."""
SILENT: Final = frozenset({Sound, Note})
"""Commands of which the world takes no notice."""


class World:
    """One shop, from its first morning to its last audit."""

    provider_of: ClassVar[type[Provider]] = Provider
    journal_of: ClassVar[type[MemoryJournal]] = MemoryJournal
    """Who plays these parts; ``world_adapters`` puts the program's own code into them."""

    def __init__(self, choose: Choose, *, laws: bool = True, shop: Shop | None = None) -> None:
        """``laws``: check them, step by step; without, L8 remains. ``shop``: None draws one."""
        self.choose = choose
        self.at = 1000.0
        """Monotonic seconds of the machine's present life."""
        self.epoch = EPOCH
        """The provider's clock minus ``at``."""
        self.drift_s = self.pick((0.0, -7.0, -1_800_000_000.0, 3600.0))
        """This machine's wall clock minus the provider's: a Pi has no battery clock."""
        waits_s, required = self.pick((10, 10, 10, 10, 20, 60)), not choose(8)
        presets = PRESETS if waits_s == WAITS_OF_ITEMS_S else ()
        self.shop = shop or replace(
            SHOP, wait_s=waits_s, printer_required=required, roll_m=ROLL_M, presets=presets, refunds=True
        )
        race, opened = self.pick(tuple(Race)), self.pick((Opened.AT_PAYMENT, *Opened))
        busy, test = not choose(4), not choose(8)
        habits = Habits(opened, race, busy, test, returning=self.pick((Returning.AT_ONCE, *Returning)))
        self.tally: Tally[str] = Tally()
        """What happened, by kind: sales, faults, power cuts."""
        self.provider = self.provider_of(self.shop, habits, self._on_the_pos, self.tally)
        self.journal = self.journal_of()
        self.printer = Printer()
        self.line = Line(self)
        self.laws = Laws(self.shop.collector, self.journal)
        self.checking = laws
        self.situations: list[str] = []
        self.sales = 0
        self.steps = 0
        self.on = False
        self.kind: type[State] = Starting
        self.customer: Callable[[Order], None] | None = None
        """What the next customer does once the order is on the POS."""
        self.when: dict[type[State], list[tuple[float, Callable[[Any], None], Any]]] = {}
        """What somebody does when the machine enters a state: after so many seconds."""
        self.slack_s = 0.0
        """Added to the bounds of L8: a customer who takes his time is no fault of the machine."""
        self.unseen = False
        """There is money that only the account's statement shows: the audit must wait for it."""
        self._heap: list[Happening] = []
        self._serial = 0
        self._ids = 0
        self._troubles = 0
        self._sparks: list[tuple[int, int, Callable[[], None]]] = []
        self._spark_at = sys.maxsize
        """The step at which the next spark flies."""
        self._cutting = False
        self._leaving = False
        self._stopped_at = NEVER
        self._due = NEVER
        self._bounds = {Waiting: self.shop.wait_s + FOLLOWED_S, **BY_ITSELF_S}
        self.counter = Counter(self.shop)
        self.wakes = NEVER
        self._boot(None)

    # --- chance -------------------------------------------------------------------------------------------------

    def pick(self, options: Sequence[T]) -> T:
        """One of them."""
        return options[self.choose(len(options))]

    # --- time ---------------------------------------------------------------------------------------------------

    @property
    def now(self) -> float:
        """The provider's clock."""
        return self.at + self.epoch

    def later(self, seconds: float, action: Callable[[Any], None], argument: Any = None) -> None:
        """Do it then."""
        self._serial += 1
        heappush(self._heap, (self.at + seconds, self._serial, action, argument))

    def next(self) -> None:
        """The next thing that happens."""
        heap = self._heap
        if heap and heap[0][0] <= self.wakes:
            at, _, action, argument = heappop(heap)
            if at > self.at:
                self.at = at
            action(argument)
            return
        law("L8", self.wakes < NEVER, f"asleep for ever in {self.kind.__name__}")
        if self.wakes > self.at:
            self.at = self.wakes
        self.feed(_WOKEN)
        if self.wakes <= self.at:
            raise LawBroken(f"L8: nothing came of waking up in {self.kind.__name__}")

    def pause(self, seconds: float) -> None:
        """Let so much time pass."""
        until = self.at + seconds
        epoch = self.epoch
        while self.wakes <= until or (self._heap and self._heap[0][0] <= until):
            self.next()
            if self.epoch != epoch:  # another life, whose clock starts anew
                until, epoch = until + epoch - self.epoch, self.epoch
        self.at = max(self.at, until)

    # --- the machine --------------------------------------------------------------------------------------------

    def feed(self, event: Event) -> None:
        """Something happens to the machine, if it runs."""
        if self.on:
            self._step(event)
            self._after_step()

    def _after_step(self) -> None:
        if not self.on:
            return
        if self._leaving:
            self.tally["stops"] += 1
            self.power_off(3.0)
            return
        counter = self.counter
        if self.checking:
            self.laws.watched(counter)
        kind = type(counter.state)
        if kind is not self.kind:
            self._entered(kind)
        self.wakes = counter.wakes_at
        if self.at > self._due:
            raise LawBroken(f"L8: {self.at - self._due} s too long in {kind.__name__}")
        if self.steps >= self._spark_at:
            self._strike()

    def _step(self, event: Event) -> None:
        before = self.counter
        self.steps += 1
        self.counter, commands = step(before, event, Now(self.at, self.at + self._wall), self._new_id)
        if self.checking:
            self.laws.check(before, event, self.counter, commands)
        if self._cutting:
            self._carry_out(commands[: self.choose(len(commands) + 1)])
            if self.on:  # a save that failed made a step of its own, which was cut
                self.power_off(self.pick((1.0, 5.0, 40.0, 400.0, 4000.0)))
        elif commands:
            self._carry_out(commands)

    @property
    def _wall(self) -> float:
        return self.epoch + self.drift_s

    def _new_id(self) -> int:
        self._ids += 1
        return self._ids * _GOLDEN

    def _carry_out(self, commands: tuple[Command, ...]) -> None:
        confirm = False
        told: list[Event] = []
        for index, command in enumerate(commands):
            if type(command) is Save:
                if not self.journal.save(command.records):
                    self._step(NotSaved(commands[index:]))
                    return
                if self.checking:
                    self.laws.saved(command)
                confirm = command.confirm
            elif type(command) is AskDay:
                told.append(DayIs(self.journal.day(), command.closing, command.at_once))
            elif type(command) is AskSale:
                told.append(self._sale_is(command))
            elif type(command) is CheckPin:
                told.append(PinIs(SUPERVISOR if command.pin == PIN else None))
            else:
                self._do(command)
        if confirm:
            self._step(_SAVED)
        for event in told:
            self._step(event)

    def _sale_is(self, asked: AskSale) -> SaleIs:
        sale = self.journal.sale(asked.number) if asked.number else self.journal.find(asked.reference)
        reference = sale.reference if sale else asked.reference
        return SaleIs(asked, sale, self.journal.refunds(reference), self.journal.ticket(reference))

    def _do(self, command: Command) -> None:
        if type(command) in SILENT:
            return
        if isinstance(command, AskPos | Look | Place | Withdraw | AskAccount | AskRefunds | GiveBack):
            if self.checking:
                self.laws.carried_out(command)
            self.line.carry(command)
        elif isinstance(command, AskStatement):
            self.line.carry(replace(command, known=self.journal.paid_between(command.begin, command.end)))
        elif isinstance(command, Print):
            if self.checking:
                self.laws.carried_out(command)
            at, event = self.printer.print(command, self.at)
            self.later(at - self.at, self.hear, event)
        elif isinstance(command, AskPrinter):
            self.later(0.1, self.hear, PaperIs(self.printer.says()))
        elif isinstance(command, Exit):
            law("L8", self.at <= self._stopped_at + STOPS_WITHIN_S, "the stop took too long (R16)")
            self._leaving = True

    def hear(self, event: Event) -> None:
        """An answer reaches the loop, which looks up what it shows."""
        if type(event) is Holds and event.order is not None:
            event = replace(event, known=self.journal.find(event.order.reference))
        elif type(event) is Seen and event.narrow:
            spent = self.journal.spent(event.evidence, event.reference)
            event = replace(event, spent=spent, books=self.journal.shown(event))
        elif type(event) is Seen and event.evidence.approved:
            spent = self.journal.spent(event.evidence, event.reference)
            event = replace(event, spent=spent, settled=self.journal.settled(event.evidence))
        elif type(event) is StatementIs:
            event = replace(event, books=self.journal.books(event))
        self.feed(event)

    # --- L8 -----------------------------------------------------------------------------------------------------

    def _entered(self, kind: type[State]) -> None:
        self.kind = kind
        if kind is Guarding:
            self.sales += 1
        for seconds, action, argument in self.when.pop(kind, ()):
            self.later(seconds, action, argument)
        self._set_bound()

    def _set_bound(self) -> None:
        """Until when the state must be left (L8)."""
        if not self.on:
            return
        kind = self.kind
        if kind in WHEN_QUIET_S:
            self._due = NEVER if self._troubles else self.at + WHEN_QUIET_S[kind] + self.slack_s
        else:
            self._due = self.at + self._bounds.get(kind, NEVER)

    def bound_anew(self) -> None:
        """Something went wrong, or right again: what waits for a quiet world waits from now."""
        if self.kind in WHEN_QUIET_S:
            self._set_bound()

    def trouble(self, seconds: float, end: Callable[[], None]) -> None:
        """Something is wrong for so long; then ``end`` sets it right."""
        self._troubles += 1
        self.bound_anew()
        self.later(seconds, self._trouble_over, end)

    def _trouble_over(self, end: Callable[[], None]) -> None:
        end()
        self._troubles -= 1
        self.bound_anew()

    # --- power --------------------------------------------------------------------------------------------------

    def spark(self, steps: int, action: Callable[[], None]) -> None:
        """Do it after so many steps of the machine."""
        self._serial += 1
        heappush(self._sparks, (self.steps + steps, self._serial, action))
        self._spark_at = self._sparks[0][0]

    def _strike(self) -> None:
        _, _, action = heappop(self._sparks)
        self._spark_at = self._sparks[0][0] if self._sparks else sys.maxsize
        action()

    def cut_power(self) -> None:
        """The next step is the last one, or the part of it that comes first."""
        self._cutting = True

    def power_off(self, seconds: float) -> None:
        """Everything but the journal is gone; what travelled arrives, or does not."""
        if self._cutting:
            self.tally["power cuts"] += 1
        self.on = self._cutting = self._leaving = False
        self.wakes = self._due = NEVER
        kept: list[Happening] = []
        for entry in self._heap:
            action = entry[2]
            if action == self.line.answer and self.choose(2):
                kept.append((entry[0], entry[1], self.line.done, entry[3]))
            elif action not in (self.hear, self.line.hear_late, self.line.carry, self.line.answer, self.feed):
                kept.append(entry)
        heapify(kept)
        self._heap = kept
        self.later(seconds, self._boot)

    def restore(self, copy: MemoryJournal) -> None:
        """The card is dead: a backup takes the journal's place."""
        self.tally["restored backups"] += 1
        self.unseen = True
        self.power_off(60.0)
        self.journal = copy
        self.laws.restored(copy)

    def _boot(self, _: None) -> None:
        """A new life, whose monotonic clock starts anew, and whose wall clock may say anything."""
        forward = self.pick((5.0, 20.0)) - self.at
        self.epoch -= forward
        self.at += forward
        self._heap = [(at + forward, serial, action, argument) for at, serial, action, argument in self._heap]
        self.line.restart()
        self.printer.plugged_again()
        self._set_clock()
        self._stopped_at = NEVER
        self.on = True
        self.counter, commands = resume(
            self.journal.rows(), self.shop, Now(self.at, self.at + self._wall), self._new_id
        )
        self.laws.booted(self.counter)
        self._carry_out(commands)
        self.kind = type(self.counter.state)
        self._after_step()
        self._set_bound()

    def _set_clock(self) -> None:
        """No battery: the wall clock goes on from where it stood, or from 1970, until NTP arrives, if it ever does."""
        wrong_s = self.pick((None, None, -400.0, -1_800_000_000.0))
        if wrong_s is not None:
            self.drift_s += wrong_s
            self.tally["no battery clock"] += 1
            self.later(self.pick((3.0, 30.0, 7200.0)), self._ntp)

    def _ntp(self, _: None) -> None:
        """The time service sets the clock right."""
        self.drift_s = 0.0
        self.tally["NTP after boot"] += 1

    def stop(self, _: None = None) -> None:
        """SIGTERM."""
        if self.on and self.counter.stop_by is None:
            self._stopped_at = self.at
            self.feed(Stop())

    # --- people -------------------------------------------------------------------------------------------------

    def press(self, key: str) -> None:
        """The cashier presses a key."""
        self.feed(Key(key))
        if self.on and self.kind in TYPED_IN:
            self._set_bound()  # each key begins their time anew

    def keys(self, keys: str) -> None:
        """One after the other, as fast as a cashier does."""
        for key in keys:
            self.pause(0.15)
            self.press(key)

    def _on_the_pos(self, order: Order) -> None:
        """An order came onto the POS: the customer who waits for it begins."""
        customer, sale = self.customer, self.journal.sales.get(order.reference)
        if customer is not None and sale is not None and not sale.foreign:
            self.customer = None
            customer(order)

    def sell(self, keys: str) -> None:
        """The cashier types an amount as soon as that is possible, and waits for the end of the sale.

        In a shop that has things at a fixed price, items are rung up instead.
        """
        if self.shop.presets and keys in WAYS:
            keys = self.pick(WAYS[keys])
        self.until_ready()
        self.keys(keys)
        while not self.on or self.kind not in RESTING:
            self.next()

    def until_ready(self) -> None:
        """Until a digit starts a sale (L8 says how long that may take)."""
        while not self.on or self.kind in (Starting, Blocked, Menu, Recent, DayShown) or self.kind not in RESTING:
            self.next()
        self.pause(1.2)  # PAID and notices want a second without keys

    def until_quiet(self) -> None:
        """Until all that is wrong is right again, and the kiosk runs."""
        while self._troubles or not self.on:
            self.next()

    def calm_down(self) -> None:
        """What belonged to the sale ends with it."""
        self.customer = None
        self.when.clear()
        self.line.calm_down()
        self._sparks.clear()
        self._spark_at = sys.maxsize
        self.slack_s = 0.0
        provider = self.provider
        provider.lag_orders_s = provider.lag_payments_s = provider.lag_pos_s = provider.lag_refunds_s = 0.0
