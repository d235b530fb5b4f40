"""What can go wrong with the simulated world: the troubles that a history is drawn from.

A trouble begins before a sale or in the middle of it, at a step of the machine: most faults need the worst moment, and
moments are counted in steps. Everything uncertain is drawn from the world's ``choose``.
"""

from __future__ import annotations

from typing import Final

from kiosk.sale.screens import lines, screen
from kiosk.sale.states import Paid, Placing, Waiting
from tests.laws import law
from tests.world import World
from tests.world_devices import Disk, PrinterMood
from tests.world_line import Fault
from tests.world_situations import Play, pays

FAULTS: Final = tuple(Fault)


def _step(w: World) -> int:
    """A step of the sale to come."""
    return 1 + w.choose(22)


def one_request(w: World) -> None:
    """One request goes wrong."""
    fault = w.pick(FAULTS)
    w.spark(_step(w), lambda: w.line.fault(fault))


def some_requests(w: World) -> None:
    """Several do, one after the other."""
    faults = [w.pick(FAULTS) for _ in range(2 + w.choose(6))]
    w.spark(_step(w), lambda: w.line.fault(*faults))


def same_fault(w: World) -> None:
    """The same thing goes wrong again and again: a token that was revoked, a provider that is down."""
    faults = [w.pick(FAULTS)] * (3 + w.choose(10))
    w.spark(_step(w), lambda: w.line.fault(*faults))


def half_an_outage(w: World) -> None:
    """One of the two indexes does not answer for a while: deep looks show a half of it."""
    faults = [Fault.HALF] * (4 + w.choose(12))
    w.spark(_step(w), lambda: w.line.fault(*faults))


def line_down(w: World) -> None:
    """The shop's internet."""
    seconds = w.pick((2.0, 15.0, 15.0, 50.0, 50.0, 400.0))
    w.spark(_step(w), lambda: w.line.go_down(seconds))


def lag(w: World) -> None:
    """What is true shows later, to the end of the sale."""
    seconds, provider = w.pick((0.5, 2.0, 8.0, 25.0)), w.provider
    provider.lag_orders_s = w.pick((0.0, seconds))
    provider.lag_payments_s = w.pick((0.0, seconds, 2 * seconds))
    provider.lag_pos_s = w.pick((0.0, 1.0, 3.0))
    provider.lag_refunds_s = w.pick((0.0, seconds))
    w.slack_s += 2 * seconds + 30.0
    w.tally["lag of orders"] += provider.lag_orders_s > 0
    w.tally["lag of the index"] += provider.lag_payments_s > 0
    w.tally["lag of the POS"] += provider.lag_pos_s > 0
    w.tally["lag of the refunds"] += provider.lag_refunds_s > 0


def power_cut(w: World) -> None:
    """At any step, after any part of it."""
    w.spark(_step(w), w.cut_power)


def power_cuts(w: World) -> None:
    """And again while it starts."""
    w.spark(_step(w), w.cut_power)
    for _ in range(1 + w.choose(3)):
        w.spark(_step(w) + 22, w.cut_power)


def disk(w: World) -> None:
    """The journal's disk."""
    state, seconds = w.pick((Disk.FULL, Disk.FULL, Disk.LYING)), w.pick((0.5, 6.0, 30.0, 120.0))

    def fail() -> None:
        w.journal.disk = state
        w.tally["disk: " + state.value] += 1
        w.trouble(seconds, recover)

    def recover() -> None:
        w.journal.disk = Disk.GOOD

    w.spark(_step(w), fail)


def printer(w: World) -> None:
    """The printer, before the sale or in the middle of it."""
    mood, seconds = w.pick(tuple(PrinterMood)[1:]), w.pick((1.0, 10.0, 60.0, 900.0))

    def fail() -> None:
        w.printer.mood = mood
        w.tally["printer: " + mood.value] += 1
        w.trouble(seconds, recover)

    def recover() -> None:
        w.printer.mood = PrinterMood.WELL

    w.spark(_step(w), fail)


def other_device(w: World) -> None:
    """Another device puts its order on the POS; its customer may pay."""

    def put() -> None:
        order = w.provider.put(f"other-{w.sales}", 900, None, w.now)
        if w.choose(2):
            pays(w, order, w.pick((1.0, 30.0)))

    w.tally["other device"] += 1
    w.spark(_step(w), put)


def other_device_deletes(w: World) -> None:
    """Or takes ours away."""
    w.tally["other device deletes"] += 1
    w.spark(_step(w), lambda: w.provider.take_away(w.now))


def clock(w: World) -> None:
    """NTP arrives, or goes wrong: the wall clock jumps."""
    drift_s = w.pick((0.0, 3600.0, -1_800_000_000.0))

    def jump() -> None:
        if drift_s != w.drift_s:
            w.tally["clock forwards" if drift_s > w.drift_s else "clock backwards"] += 1
        w.drift_s = drift_s

    w.spark(_step(w), jump)


def display(w: World) -> None:
    """The panel is read after each step of the sale, until it is gone: the machine never learns of either (L9)."""
    steps = w.choose(40)

    def gone() -> None:
        w.tally["display gone"] += 1

    for step in range(1, 1 + steps):
        w.spark(step, lambda: read(w))
    w.spark(1 + steps, gone)


def read(w: World) -> None:
    """L5: what stands on the panel of a sale is its amount."""
    if not w.on:
        return
    picture, state = screen(w.counter, w.at), w.counter.state
    if isinstance(state, Placing | Waiting | Paid):
        amount = w.shop.site.currency.text(state.sale.cents)
        law("L5", any(amount in line for line in lines(picture)), f"{amount} is not on the panel: {lines(picture)}")


TROUBLES: Final[tuple[tuple[str, Play], ...]] = (
    *[("one request", one_request)] * 4,
    *[("some requests", some_requests)] * 2,
    ("same fault", same_fault),
    ("half an outage", half_an_outage),
    *[("line down", line_down)] * 2,
    ("lag", lag),
    *[("power cut", power_cut)] * 3,
    ("power cuts", power_cuts),
    *[("disk", disk)] * 2,
    *[("printer", printer)] * 2,
    ("other device", other_device),
    ("other device deletes", other_device_deletes),
    ("clock", clock),
    ("display", display),
)
