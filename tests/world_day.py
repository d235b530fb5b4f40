"""Days in the simulated shop: sales drawn one after another, the night, and the audit. What a seed stands for."""

from __future__ import annotations

from random import Random
from typing import Final

from kiosk.sale.front import BrokenError
from tests.laws import law
from tests.world import Choose, World
from tests.world_audit import audit
from tests.world_situations import EVERY_DAY, SITUATIONS
from tests.world_troubles import TROUBLES

TROUBLES_AT_ONCE: Final = {False: (0, 0, 0, 0, 0, 0, 0, 0, 1, 2), True: (0, 1, 1, 2)}
EVENING_IN: Final = {False: 128, True: 16}
"""Of so many closing times, one leaves the kiosk running; at the others the power goes off until the morning."""
NIGHTS_S: Final = (3600.0, 8 * 3600.0, 20 * 3600.0)
BREAKS: Final = (
    AssertionError,
    BrokenError,
    ArithmeticError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
    AttributeError,
)
"""What a history may end with that is a fault: a broken law, a machine that does not move on, or one that crashes."""
AGREES_S: Final = 2 * 3600.0
"""After so long the account was held against the journal once more."""
REFUNDS_S: Final = 1800.0
"""So long after everything is right again each refund is at its end."""
EVENING_S: Final = 3 * 3600.0
"""After so long without a sale no watch may be left."""


def seeded(seed: int) -> Choose:
    """The choices of a seed."""
    draw = Random(seed).random
    return lambda count: int(draw() * count)


def history(seed: int, sales: int = 20, *, hard: bool = True, laws: bool = True) -> World:
    """The day of that seed.

    ``hard``: every situation is as likely as a plain sale, and something is wrong in most of them. ``laws``: check them
    step by step; without, L8 and the audit remain.

    Raises:
        LawBroken: with the seed and the situations in a note.
    """
    return day(World(seeded(seed), laws=laws), sales, hard=hard, name=f"seed {seed}")


def day(world: World, sales: int, *, hard: bool = True, name: str = "a day") -> World:
    """So many sales, the night, and the audit; whatever breaks carries the name and the situations so far."""
    try:
        for _ in range(sales):
            situation(world, hard=hard)
        close(world, evening_in=EVENING_IN[hard])
    except BREAKS as error:
        told = "\n  ".join(world.situations)
        error.add_note(f"{name}, sale {len(world.situations)} of {sales}, at {world.at:.1f} s:\n  {told}")
        raise
    return world


def situation(world: World, *, hard: bool) -> None:
    """Draw one, with its troubles, and play it."""
    name, play = world.pick(SITUATIONS if hard else EVERY_DAY)
    world.situations.append(name)
    world.tally["situation: " + name] += 1
    for _ in range(world.pick(TROUBLES_AT_ONCE[hard])):
        trouble, begin = world.pick(TROUBLES)
        world.situations[-1] += f" + {trouble}"
        begin(world)
    play(world)
    world.calm_down()


def close(world: World, *, evening_in: int) -> None:
    """The shop closes: by the switch, or the kiosk is left running. Then all money must be in its place (L2)."""
    world.until_quiet()
    world.until_ready()
    world.pause(10.0)
    if world.choose(evening_in):
        world.power_off(world.pick(NIGHTS_S))
        world.until_ready()
        _watches_end(world)
    else:
        _evening(world)
    _refunds_end(world)
    if world.unseen:
        _agrees(world)
    audit(world)


def _watches_end(world: World) -> None:
    """In the morning each watch looks once, and is over. One that is not has a sale that ended only now."""
    until = world.at + 10.0 + 3.0 * len(world.counter.watches.items)
    while world.counter.watches.items and world.at < until:
        world.next()
    if not all(watch.sale.foreign for watch in world.counter.watches.items):
        _evening(world)


def _agrees(world: World) -> None:
    """The account is held against the journal, as soon as its index shows all: what no watch could see is in its place,
    too."""
    begun, limit = max(world.now, world.provider.all_shown_at()), world.at + AGREES_S
    while (world.counter.audit.until or 0.0) < begun:
        law("L2", world.at < limit, "the account was not held against the journal")
        world.next()


def _refunds_end(world: World) -> None:
    """What is to go back went back, or it is known that it did not."""
    until = world.at + REFUNDS_S
    while world.counter.refunds.items:
        law("L8", world.at < until, "a refund without an end")
        world.next()


def _evening(world: World) -> None:
    """The kiosk is left alone until the last watch is over."""
    until = world.at + EVENING_S
    while world.counter.watches.items:
        law("L4", world.at < until, "a watch without an end")
        world.next()
