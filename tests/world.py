"""The simulated world: the real machine, and around it everything that a counter in a shop meets.

One thread, virtual time, and one ``choose``: the same choices make the same history. The machine is the real one
(``kiosk.sale.counter``); simulated are Mercado Pago (``world_provider``), journal and printer (``world_devices``), and
here the line, the power, the clocks, the cashier's keys and the passing of time. What happens to a sale is drawn as a
*situation* (``world_situations``), not as random keys.

After every step the laws are checked (``tests.laws``). L8 is checked all the time, too: every state has a bound,
counted from the moment when the world was quiet again. L2 is checked at the end, against Mercado Pago's own ledger.

    world = World(seeded(7))        # the same world each time
    world.day(10)                   # ten sales, a night, and the audit

A law that breaks names the seed and the situations: ``history(7)`` tells them again.
"""

from __future__ import annotations

import sys
from collections import Counter as Tally
from collections.abc import Callable, Sequence
from dataclasses import replace
from enum import Enum
from heapq import heapify, heappop, heappush
from random import Random
from typing import Any, Final, TypeVar

from kiosk.sale.commands import (
    AskAccount,
    AskPos,
    AskPrinter,
    Command,
    Depth,
    Exit,
    Lane,
    Look,
    PaymentCall,
    Place,
    Print,
    Save,
    Withdraw,
)
from kiosk.sale.counter import Counter, resume, step
from kiosk.sale.events import (
    CallAnswer,
    Event,
    Evidence,
    Holds,
    Key,
    NotSaved,
    PaperIs,
    Refused,
    Reject,
    Saved,
    Seen,
    Stop,
    Trouble,
    Unknown,
    Woken,
)
from kiosk.sale.records import DebtState, Mark, Phase, Sale
from kiosk.sale.shop import Shop
from kiosk.sale.states import (
    NEVER,
    Adopting,
    Blocked,
    Checking,
    Clearing,
    Confirming,
    Entering,
    Guarding,
    Idle,
    Menu,
    Notice,
    Paid,
    Placing,
    Starting,
    State,
    Waiting,
    Withdrawing,
)
from kiosk.sale.turn import Now
from tests.laws import LawBroken, Laws, law
from tests.story import SHOP
from tests.world_devices import Disk, MemoryJournal, Printer, PrinterMood
from tests.world_provider import Habits, Opened, Order, Provider, Race
from tests.world_situations import EVERY_DAY, SITUATIONS, TROUBLES

T = TypeVar("T")
Choose = Callable[[int], int]
"""A number from 0 to one less than what it is given: the only source of chance."""

Happening = tuple[float, int, Callable[[Any], None], Any]
"""When, which of those at the same time, what, and with what."""

EPOCH: Final = 1_900_000_000.0
ROUND_TRIPS_S: Final = (0.05, 0.08, 0.1, 0.15, 0.2, 0.3, 0.6, 1.5)
TROUBLES_AT_ONCE: Final = {False: (0, 0, 0, 0, 0, 0, 1, 2), True: (0, 1, 1, 2)}
STOPS_WITHIN_S: Final = 12.1
NIGHTS_S: Final = (3600.0, 8 * 3600.0, 20 * 3600.0)
EVENING_S: Final = 3 * 3600.0
"""After so long without a sale no watch may be left."""
PAYABLE_S: Final = 1500.0
"""A phone that kept an order pays it so long after its death at the latest."""
_GOLDEN: Final = 0x9E3779B97F4A7C15F39CC0605CEDC834
_WOKEN: Final = Woken()
_SAVED: Final = Saved()


class Fault(Enum):
    """What happens to one request."""

    LOST = "it never arrives"
    ANSWER_LOST = "it is done, and the answer is lost"
    ARRIVES_LATE = "it is given up, and done later all the same"
    SILENT = "it is done, and the answer comes when nobody waits any more"
    STALE = "the answer is old when it comes"
    SERVER = "500, not done"
    SERVER_DONE = "500, done"
    THROTTLED = "429"
    NONSENSE = "done, and answered with HTML"
    TWICE = "answered twice"
    HALF = "a deep look of which one half is answered"
    TOKEN = "401"
    FORBIDDEN = "403"
    NO_POS = "404 point of sale"
    INVALID = "400"


REJECTS: Final = {
    Fault.TOKEN: Reject.TOKEN,
    Fault.FORBIDDEN: Reject.FORBIDDEN,
    Fault.NO_POS: Reject.NO_POS,
    Fault.INVALID: Reject.INVALID,
}
UNKNOWNS: Final = {
    Fault.LOST: (Trouble.NETWORK, 1.0),
    Fault.ANSWER_LOST: (Trouble.SLOW, 10.0),
    Fault.ARRIVES_LATE: (Trouble.SLOW, 10.0),
    Fault.SERVER: (Trouble.SERVER, 0.4),
    Fault.SERVER_DONE: (Trouble.SERVER, 0.4),
    Fault.THROTTLED: (Trouble.THROTTLED, 0.1),
    Fault.NONSENSE: (Trouble.NONSENSE, 0.3),
}
"""What the adapter makes of them, and after how many seconds."""
DONE: Final = frozenset({Fault.ANSWER_LOST, Fault.SERVER_DONE, Fault.NONSENSE})

# How long the machine may stay in a state. The first by its own deadlines, whatever the world does; the second once
# the world is quiet (R25). Both with a request's own 10.5 s, where one may be in flight, and a second for good measure.
BY_ITSELF_S: Final[dict[type[State], float]] = {
    Menu: 21.0,
    Entering: 61.0,
    Confirming: 61.0,
    Guarding: 16.0,
    Placing: 46.0,
    Checking: 31.0,
    Notice: 21.0,
}
WHEN_QUIET_S: Final[dict[type[State], float]] = {
    Starting: 60.0,
    Blocked: 60.0,
    Clearing: 60.0,
    Adopting: 60.0,
    Withdrawing: 61.0,
}
RESTING: Final = frozenset({Starting, Blocked, Idle, Menu, Paid, Notice})


def seeded(seed: int) -> Choose:
    """The choices of a seed."""
    draw = Random(seed).random
    return lambda count: int(draw() * count)


class World:
    """One shop, from its first morning to its last audit."""

    FAULTS: Final = tuple(Fault)

    def __init__(self, choose: Choose, *, hard: bool = True, laws: bool = True) -> None:
        """``hard``: every situation is as likely as a plain sale, and something is wrong in most of them.

        ``laws``: check them, step by step; without, L8 and the audit remain.
        """
        self.choose = choose
        self._situations = SITUATIONS if hard else EVERY_DAY
        self._troubles_at_once = TROUBLES_AT_ONCE[hard]
        self.at = 1000.0
        """Monotonic seconds of the machine's present life."""
        self.epoch = EPOCH
        """The provider's clock minus ``at``."""
        self.drift_s = self.pick((0.0, -7.0, -1_800_000_000.0, 3600.0))
        """This machine's wall clock minus the provider's: a Pi has no battery clock."""
        self.shop: Shop = replace(SHOP, wait_s=self.pick((10, 10, 10, 10, 20, 60)), printer_required=not choose(8))
        race, opened = self.pick(tuple(Race)), self.pick((Opened.AT_PAYMENT, *Opened))
        habits = Habits(opened, race, busy=not choose(4), test_account=not choose(8))
        self.provider = Provider(self.shop, habits, self._on_the_pos)
        self.journal = MemoryJournal()
        self.printer = Printer()
        self.laws = Laws(self.shop.collector, self.journal)
        self.checking = laws
        self.situations: list[str] = []
        self.tally: Tally[str] = Tally()
        """What happened, by kind: sales, faults, power cuts."""
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
        self._heap: list[Happening] = []
        self._serial = 0
        self._ids = 0
        self._faults: list[Fault] = []
        """What happens to the next requests, the last of the list first."""
        self._line_down = False
        self._troubles = 0
        self._lane_free = {Lane.FRONT: 0.0, Lane.BEHIND: 0.0}
        self._sparks: list[tuple[int, int, Callable[[], None]]] = []
        self._spark_at = sys.maxsize
        """The step at which the next spark flies."""
        self._cutting = False
        self._leaving = False
        self._stopped_at = NEVER
        self._due = NEVER
        self._bounds = {Waiting: self.shop.wait_s + 1.0, **BY_ITSELF_S}
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

    def _next(self) -> None:
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
        while min(self.wakes, self._heap[0][0] if self._heap else NEVER) <= until:
            self._next()
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
            self._power_off(3.0)
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
            self._power_off(self.pick((1.0, 5.0, 40.0, 400.0, 4000.0)))
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
        for index, command in enumerate(commands):
            if type(command) is Save:
                answer = self.journal.save(command.records)
                if answer is not True:
                    self._step(NotSaved(commands[index:]) if answer is False else answer)
                    return
                if self.checking:
                    self.laws.saved(command)
                confirm = command.confirm
            else:
                self._do(command)
        if confirm:
            self._step(_SAVED)

    def _do(self, command: Command) -> None:
        if isinstance(command, AskPos | Look | Place | Withdraw | AskAccount):
            if self.checking:
                self.laws.carried_out(command)
            self._call(command)
        elif isinstance(command, Print):
            if self.checking:
                self.laws.carried_out(command)
            at, event = self.printer.print(command, self.at)
            self.later(at - self.at, self._hear, event)
        elif isinstance(command, AskPrinter):
            self.later(0.1, self._hear, PaperIs(self.printer.says()))
        elif isinstance(command, Exit):
            law("L8", self.at <= self._stopped_at + STOPS_WITHIN_S, "the stop took too long (R16)")
            self._leaving = True

    def _hear(self, event: Event) -> None:
        """An answer reaches the loop, which looks up an order that the POS holds."""
        if type(event) is Holds and event.order is not None:
            event = replace(event, known=self.journal.find(event.order.reference))
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
        elif kind is Waiting and isinstance(self.counter.state, Waiting):
            self._due = max(self.at, self.counter.state.ends_at) + 1.0
        else:
            self._due = self.at + self._bounds.get(kind, NEVER)

    def _quiet_again(self) -> None:
        if self.kind in WHEN_QUIET_S:
            self._set_bound()

    def trouble(self, seconds: float, end: Callable[[], None]) -> None:
        """Something is wrong for so long; then ``end`` sets it right."""
        self._troubles += 1
        self.later(seconds, self._trouble_over, end)

    def _trouble_over(self, end: Callable[[], None]) -> None:
        end()
        self._troubles -= 1
        self._quiet_again()

    # --- the line -----------------------------------------------------------------------------------------------

    def _call(self, call: PaymentCall) -> None:
        free_at = self._lane_free[call.lane]
        if free_at > self.at:
            self.later(free_at - self.at, self._begin, call)
        else:
            self._begin(call)

    def _begin(self, call: PaymentCall) -> None:
        """A lane takes up a request: it arrives, is done, and is answered, unless something goes wrong."""
        if self.at < self._lane_free[call.lane]:
            self._call(call)
            return
        if self.at >= call.until:
            self._hear(self._unknown(call, Trouble.SLOW))
            return
        if self._line_down or self._faults:
            self._go_wrong(call, Fault.LOST if self._line_down else self._faults.pop())
            return
        draw = self.choose(16)
        delay_s = ROUND_TRIPS_S[draw >> 1]
        self._lane_free[call.lane] = self.at + delay_s
        if draw & 1:  # done at once, and the answer takes its time; or the other way round
            self.later(delay_s, self._hear, self.provider.answer(call, self.now))
        else:
            self.later(delay_s, self._answer, call)

    def _answer(self, call: PaymentCall) -> None:
        self._hear(self.provider.answer(call, self.now))

    def _done(self, call: PaymentCall) -> None:
        """It is done, and nobody hears of it."""
        self.provider.answer(call, self.now)

    def _unknown(self, call: PaymentCall, trouble: Trouble, retry_after_s: float | None = None) -> Unknown:
        return Unknown(request=call.request, reference=call.reference, trouble=trouble, retry_after_s=retry_after_s)

    def _go_wrong(self, call: PaymentCall, fault: Fault) -> None:
        self.tally[fault.value] += 1
        if fault in REJECTS:
            reject = REJECTS[fault]
            answer = Refused(request=call.request, reference=call.reference, date=self.now, reject=reject, detail="x")
            self._reply(call, 0.2, answer)
        elif fault in UNKNOWNS:
            trouble, seconds = UNKNOWNS[fault]
            if fault in DONE:
                self._done(call)
            elif fault is Fault.ARRIVES_LATE:
                self.later(self.pick((12.0, 45.0, 100.0)), self._done, call)
            retry_after_s = self.pick((None, 5.0, 3600.0)) if fault is Fault.THROTTLED else None
            self._reply(call, seconds, self._unknown(call, trouble, retry_after_s))
        else:
            self._go_odd(call, fault)
        self._quiet_again()

    def _go_odd(self, call: PaymentCall, fault: Fault) -> None:
        """It is answered in the end, but not as it should be."""
        answer = self.provider.answer(call, self.now)
        if fault is Fault.HALF and isinstance(call, Look) and call.depth is Depth.ALL:
            assert isinstance(answer, Seen)
            evidence = Evidence(answer.evidence.orders, (), whole=False)
            answer = replace(answer, evidence=evidence)
        self._reply(
            call, self.pick((12.0, 30.0)) if fault is Fault.SILENT else 6.0 if fault is Fault.STALE else 0.2, answer
        )
        if fault is Fault.TWICE:
            self.later(self.pick((0.1, 3.0, 30.0)), self._hear, answer)

    def _reply(self, call: PaymentCall, seconds: float, answer: CallAnswer) -> None:
        self._lane_free[call.lane] = self.at + seconds
        self.later(seconds, self._hear, answer)

    def fault(self, *faults: Fault) -> None:
        """So the next requests go wrong."""
        self._faults = [*reversed(faults), *self._faults]

    def line_down(self, seconds: float) -> None:
        """Nothing travels for so long."""
        self._line_down = True
        self.tally["line down"] += 1
        self.trouble(seconds, self._line_up)

    def _line_up(self) -> None:
        self._line_down = False

    def lag(self, seconds: float) -> None:
        """All that the provider shows lags behind, from now to the end of the sale."""
        self.provider.lag_orders_s = self.pick((0.0, seconds))
        self.provider.lag_payments_s = self.pick((0.0, seconds, 2 * seconds))
        self.provider.lag_pos_s = self.pick((0.0, 1.0, 3.0))
        self.slack_s += 2 * seconds + 30.0
        self.tally["lag"] += 1

    # --- devices ------------------------------------------------------------------------------------------------

    def disk(self, disk: Disk, seconds: float) -> None:
        """The journal cannot be written for so long."""
        self.journal.disk = disk
        self.tally["disk"] += 1
        self.trouble(seconds, self._disk_good)

    def _disk_good(self) -> None:
        self.journal.disk = Disk.GOOD

    def printer_mood(self, mood: PrinterMood, seconds: float) -> None:
        """Something is wrong with the printer for so long."""
        self.printer.mood = mood
        self.tally["printer: " + mood.value] += 1
        self.trouble(seconds, self._printer_well)

    def _printer_well(self) -> None:
        self.printer.mood = PrinterMood.WELL

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

    def _power_off(self, seconds: float) -> None:
        """Everything but the journal is gone; what travelled arrives, or does not."""
        if self._cutting:
            self.tally["power cuts"] += 1
        self.on = self._cutting = self._leaving = False
        self.wakes = self._due = NEVER
        kept: list[Happening] = []
        for entry in self._heap:
            action = entry[2]
            if action == self._answer and self.choose(2):
                kept.append((entry[0], entry[1], self._done, entry[3]))
            elif action not in (self._hear, self._begin, self._answer, self.feed):
                kept.append(entry)
        heapify(kept)
        self._heap = kept
        self.later(seconds, self._boot)

    def _boot(self, _: None) -> None:
        """A new life, whose monotonic clock starts anew, and whose wall clock may say anything."""
        forward = self.pick((5.0, 20.0)) - self.at
        self.epoch -= forward
        self.at += forward
        self._heap = [(at + forward, serial, action, argument) for at, serial, action, argument in self._heap]
        self._lane_free = dict.fromkeys(Lane, 0.0)
        self.printer.plugged_again()
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

    def set_clock(self, drift_s: float) -> None:
        """NTP arrives: the wall clock jumps."""
        self.drift_s = drift_s
        self.tally["clock jumps"] += 1

    def stop(self, _: None = None) -> None:
        """SIGTERM."""
        if self.on and self.counter.stop_by is None:
            self._stopped_at = self.at
            self.feed(Stop())

    # --- people -------------------------------------------------------------------------------------------------

    def press(self, key: str) -> None:
        """The cashier presses a key."""
        self.feed(Key(key))
        if self.on and self.kind in (Entering, Confirming, Menu):
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
        """The cashier types an amount as soon as that is possible, and waits for the end of the sale."""
        self.until_ready()
        self.keys(keys)
        while not self.on or self.kind not in RESTING:
            self._next()

    def until_ready(self) -> None:
        """Until a digit starts a sale (L8 says how long that may take)."""
        while not self.on or self.kind in (Starting, Blocked, Menu) or self.kind not in RESTING:
            self._next()
        self.pause(1.2)  # PAID and notices want a second without keys

    # --- a day --------------------------------------------------------------------------------------------------

    def day(self, sales: int) -> None:
        """So many sales, the night, and the audit."""
        for _ in range(sales):
            self.situation()
        self.close()

    def situation(self) -> None:
        """Draw one, with its troubles, and play it."""
        name, play = self.pick(self._situations)
        self.situations.append(name)
        self.tally["situation: " + name] += 1
        for _ in range(self.pick(self._troubles_at_once)):
            trouble, begin = self.pick(TROUBLES)
            self.situations[-1] += f" + {trouble}"
            begin(self)
        play(self)
        self._calm_down()

    def _calm_down(self) -> None:
        """What belonged to the sale ends with it."""
        self.customer = None
        self.when.clear()
        self._faults.clear()
        self._sparks.clear()
        self._spark_at = sys.maxsize
        self.slack_s = 0.0
        self.provider.lag_orders_s = self.provider.lag_payments_s = self.provider.lag_pos_s = 0.0

    def close(self) -> None:
        """The shop closes: by the switch, or the kiosk is left running. Then all money must be in its place (L2)."""
        while self._troubles or not self.on:
            self._next()
        self.until_ready()
        self.pause(10.0)
        if self.choose(32):
            self._power_off(self.pick(NIGHTS_S))
            self.until_ready()
            self._watches_end()
        else:
            self._evening()
        self.audit()

    def _watches_end(self) -> None:
        """In the morning each watch looks once, and is over. One that is not has a sale that ended only now."""
        until = self.at + 10.0 + 3.0 * len(self.counter.watches.items)
        while self.counter.watches.items and self.at < until:
            self._next()
        if not all(watch.sale.foreign for watch in self.counter.watches.items):
            self._evening()

    def _evening(self) -> None:
        """The kiosk is left alone until the last watch is over."""
        until = self.at + EVENING_S
        while self.counter.watches.items:
            law("L4", self.at < until, "a watch without an end")
            self._next()

    # --- L1, L2, L3 by Mercado Pago's own ledger and the paper itself ---------------------------------------------

    def audit(self) -> None:
        """Every approved payment is in exactly one place, every ticket was paid for, and there is one original."""
        sales = self.journal.sales
        for payment, reference in self.provider.approved().items():
            if reference in sales:
                self._audit_payment(payment, sales[reference])
        for sale in sales.values():
            if sale.phase is Phase.PAID:
                self._audit_sale(sale)

    def _audit_payment(self, payment: str, sale: Sale) -> None:
        dispute = self.journal.disputes.get(payment)
        homes = [] if dispute is None or dispute.settled else ["open dispute"]
        if payment in sale.payments:
            debt = self.journal.debts.get(sale.reference)
            homes.append("no ticket" if debt is None else "open ticket debt" if debt.open else "ticket")
            if debt is not None and debt.state is DebtState.PRINTED:
                out = any(s.whole and s.command.ticket.reference == sale.reference for s in self.printer.roll)
                law("L2", out, f"the ticket of sale {sale.number} is called printed and is not on paper")
        law("L2", len(homes) == 1 and homes != ["no ticket"], f"payment {payment} of sale {sale.number} is {homes}")

    def _audit_sale(self, sale: Sale) -> None:
        paid = [self.provider.ledger.get(payment) for payment in sale.payments]
        cents = sum(p[1].cents or 0 for p in paid if p is not None and p[0] == sale.reference)
        law("L1", cents >= sale.cents, f"sale {sale.number} over {sale.cents} was paid with {cents}")
        marked = {Mark.COPY, Mark.POSSIBLE_DUPLICATE, Mark.MONEY_TO_SETTLE}
        sheets = [s.command for s in self.printer.roll if s.command.ticket.reference == sale.reference]
        originals = [command for command in sheets if not marked & set(command.marks)]
        law("L3", len(originals) <= 1, f"sale {sale.number} has {len(originals)} originals")


def history(seed: int, sales: int = 20, *, hard: bool = True, laws: bool = True) -> World:
    """Play a world; a broken law tells how to play it again."""
    return played(World(seeded(seed), hard=hard, laws=laws), sales, f"seed {seed}")


def played(world: World, sales: int, name: str) -> World:
    """Play it; whatever breaks carries the name and the situations so far."""
    try:
        world.day(sales)
    except (AssertionError, ArithmeticError, LookupError, RuntimeError, TypeError, ValueError, AttributeError) as error:
        told = "\n  ".join(world.situations)
        error.add_note(f"{name}, sale {len(world.situations)} of {sales}, at {world.at:.1f} s:\n  {told}")
        raise
    return world
