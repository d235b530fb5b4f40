"""A history that broke a law, made as short as it can be, and told as a playbook that can be pasted into a test.

The simulated world draws everything from one ``choose``: a history *is* the list of its choices. So a shorter list is a
simpler history (where the list is over, the first option is taken: a plain sale, an answer at once, nothing wrong), and
``shrink`` looks for the shortest one that still breaks the same law: without whole sales, without stretches of choices,
with smaller ones. What remains is played once more and told: ``>>`` what happened to the machine, ``<<`` what it did,
``--`` what became true in the world.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from typing import Final

from kiosk.sale.commands import Command, Lane, PaymentCall, Print, Save
from kiosk.sale.days import Close
from kiosk.sale.events import Answer, Event, Woken
from kiosk.sale.records import Agreed, Debt, Dispute, PinTries, Record, Refund, Roll, Sale
from kiosk.sale.states import State
from tests.world import EPOCH, Choose, World
from tests.world_day import BREAKS, day, seeded

TRIES: Final = 2000
"""So many histories are played at the most to find the shortest one."""
SHORT_DAYS: Final = 400
TOLD_LINES: Final = 120
"""A longer tale is told without its middle."""
_BARE: Final = frozenset({"request", "reference", "date", "trace", "detail", "known", "collector", "dropped", "spent"})
"""Fields of events that a reader does not miss."""


def told(choices: Iterable[int]) -> Choose:
    """The choices of a list; where it is over, always the first option."""
    left = iter(choices)
    return lambda count: min(next(left, 0), count - 1)


def play_again(choices: Iterable[int], sales: int, *, hard: bool = True) -> World:
    """The history of these choices.

    Raises:
        LawBroken: the law that it broke once.
    """
    return day(World(told(choices)), sales, hard=hard, name="the playbook")


def history_told(seed: int, sales: int = 20, *, hard: bool = True) -> World:
    """``history(seed)``; where it breaks a law, the error carries the playbook.

    Raises:
        LawBroken: with the seed, the situations, and the playbook in notes.
    """
    try:
        return day(World(seeded(seed)), sales, hard=hard, name=f"seed {seed}")
    except BREAKS as error:
        error.add_note(playbook(seed, sales, hard=hard))
        raise


# --- shrinking --------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class Short:
    """A history that breaks a law."""

    choices: tuple[int, ...]
    sales: int
    hard: bool
    steps: int
    """Of the machine, until the law was broken."""
    ends: tuple[int, ...]
    """How many choices had been made at the end of each sale."""
    error: str

    @property
    def size(self) -> tuple[int, ...]:
        """What is to become small, the most important first."""
        return (self.sales, self.steps, len(self.choices), sum(self.choices))

    @property
    def breaks(self) -> str:
        """What it breaks, without the names and numbers of this one history."""
        return re.sub(r"\d+(\.\d+)?", "#", re.sub(r"\w+-\d+-[\w-]+", "a sale", self.error))


class _Ends(World):
    """A world that remembers its choices, and where its sales ended."""

    def __init__(self, choose: Choose, made: list[int]) -> None:
        self.ends: list[int] = []
        self._made = made
        super().__init__(choose)

    def calm_down(self) -> None:
        super().calm_down()
        self.ends.append(len(self._made))


def broken(choose: Choose, sales: int, *, hard: bool) -> Short | None:
    """Play it; None: every law holds."""
    made: list[int] = []

    def remembered(count: int) -> int:
        made.append(choose(count))
        return made[-1]

    world = None
    try:
        world = _Ends(remembered, made)
        day(world, sales, hard=hard)
    except BREAKS as error:
        while made and not made[-1]:
            made.pop()
        told_sales, steps, ends = (1, 0, []) if world is None else (len(world.situations), world.steps, world.ends)
        return Short(tuple(made), told_sales, hard, steps, tuple(ends), f"{type(error).__name__}: {error}")
    return None


class _Shrinking:
    """Tries shorter and shorter histories, and keeps the shortest that breaks the same law."""

    def __init__(self, short: Short, tries: int) -> None:
        self.short = short
        self.left = tries

    def run(self) -> Short:
        """Until nothing helps any more, or the tries are used up."""
        self._another()
        size: tuple[int, ...] = ()
        while self.left > 0 and self.short.size != size:
            size = self.short.size
            self._without_sales()
            self._without_stretches()
            self._smaller()
        return self.short

    def _is_better(self, choices: Sequence[int], sales: int) -> bool:
        self.left -= 1
        if self.left < 0:
            return False
        found = broken(told(choices), sales, hard=self.short.hard)
        if found is None or found.breaks != self.short.breaks or found.size >= self.short.size:
            return False
        self.short = found
        return True

    def _another(self) -> None:
        """Among days of one, two and three sales there is often one that breaks the same: a better beginning."""
        for sales in range(1, min(4, self.short.sales)):
            for seed in range(SHORT_DAYS):
                found = broken(seeded(seed), sales, hard=self.short.hard)
                if found and found.breaks == self.short.breaks:
                    self.short = found
                    return

    def _without_sales(self) -> None:
        count = self.short.sales // 2
        while count:
            first = self.short.sales - count
            while first >= 0:
                bounds = (0, *self.short.ends, len(self.short.choices))
                begin, end = bounds[first], bounds[min(first + count, len(bounds) - 1)]
                choices = self.short.choices
                self._is_better(choices[:begin] + choices[end:], self.short.sales - count)
                first = min(first - count, self.short.sales - count)
            count //= 2

    def _without_stretches(self) -> None:
        for count in (64, 16, 4, 2, 1):
            at = len(self.short.choices) - count
            while at >= 0:
                choices, sales = self.short.choices, self.short.sales
                if not self._is_better(choices[:at] + choices[at + count :], sales) and any(choices[at : at + count]):
                    self._is_better(choices[:at] + (0,) * count + choices[at + count :], sales)
                at = min(at - count, len(self.short.choices) - count)

    def _smaller(self) -> None:
        for at in range(len(self.short.choices)):
            for halved in (True, False):
                while at < len(self.short.choices) and self.short.choices[at]:
                    choices = self.short.choices
                    smaller = choices[at] // 2 if halved else choices[at] - 1
                    if not self._is_better((*choices[:at], smaller, *choices[at + 1 :]), self.short.sales):
                        break


def shrink(short: Short, tries: int = TRIES) -> Short:
    """The shortest history found that breaks the same law."""
    return _Shrinking(short, tries).run()


# --- telling ----------------------------------------------------------------------------------------------------------


def playbook(seed: int, sales: int = 20, *, hard: bool = True) -> str:
    """The shortest history that breaks what this seed breaks: a test, to be pasted."""
    found = broken(seeded(seed), sales, hard=hard)
    if found is None:
        return f"seed {seed} breaks no law when it is played again: the histories are not the same each time"
    short = shrink(found)
    name, _, text = short.error.partition(": ")
    law = text.partition(":")[0].lower() if name == "LawBroken" else name.lower()
    lines = [
        f"def test_{re.sub('[^a-z0-9]+', '_', law)}_of_seed_{seed}() -> None:",
        f'    """{text or name} (seed {seed}, {found.sales} sales in {found.steps} steps before)."""',
        *(f"    # {line}" for line in tell(short)),
        f"    play_again({list(short.choices)}, sales={short.sales}{'' if hard else ', hard=False'})",
    ]
    return "\n".join(["from tests.world_playbook import play_again", "", "", *lines, ""])


def tell(short: Short) -> list[str]:
    """What happens in a history, line by line, until the law breaks."""
    lines: list[str] = []
    try:
        day(_Told(told(short.choices), lines), short.sales, hard=short.hard)
    except BREAKS as error:
        lines.append(f"!! {type(error).__name__}: {error}")
    if len(lines) > TOLD_LINES:
        half = TOLD_LINES // 2
        lines[half:-half] = [f"      ... {len(lines) - TOLD_LINES} lines more ..."]
    return lines


class _Told(World):
    """A world that tells what happens in it."""

    def __init__(self, choose: Choose, lines: list[str]) -> None:
        self._lines = lines
        self._facts: dict[str, str] = {}
        super().__init__(choose)

    def _say(self, sign: str, text: str) -> None:
        self._lines.append(f"{self.now - EPOCH - 1000.0:9.2f} {sign} {text}")

    def _news(self) -> None:
        facts = dict(_facts(self))
        for name, fact in facts.items():
            if self._facts.get(name, "") != fact:
                self._say("--", f"{name}: {fact or 'nothing'}")
        self._facts = facts

    def calm_down(self) -> None:
        super().calm_down()
        self._say("--", f"the sale is over: {self.situations[-1]}")

    def _boot(self, _: None) -> None:
        self._news()
        self._say(">>", "the kiosk boots")
        super()._boot(None)

    def _step(self, event: Event) -> None:
        self._news()
        self._say(">>", _event(event))
        super()._step(event)

    def _carry_out(self, commands: tuple[Command, ...]) -> None:
        if commands:
            self._say("<<", ", ".join(map(_command, commands)))
        super()._carry_out(commands)

    def _entered(self, kind: type[State]) -> None:
        super()._entered(kind)
        self._say("  ", f"= {kind.__name__}")

    def power_off(self, seconds: float) -> None:
        super().power_off(seconds)
        self._say("--", f"the power is off for {seconds:g} s")


def _facts(world: World) -> Iterator[tuple[str, str]]:
    yield "the POS holds", _short(world.provider.pos.reference) if world.provider.pos else ""
    for id_, (reference, payment) in world.provider.ledger.items():
        yield f"payment {id_} of {_short(reference)}", f"{payment.cents} {payment.state.value}"
    for name, thing in (("disk", world.journal.disk), ("printer", world.printer.mood)):
        if "GOOD" not in thing.name and "WELL" not in thing.name:
            yield name, thing.value


def _short(reference: str) -> str:
    """``KIOSK01-3-...`` as "sale 3"."""
    parts = reference.split("-")
    return f"sale {parts[1]}" if len(parts) > 2 else reference


def _event(event: Event) -> str:
    if isinstance(event, Answer) and event.reference:
        return f"{_value(event)} for {_short(event.reference)}"
    return _value(event)


def _command(command: Command) -> str:
    match command:
        case Save():
            return f"Save({', '.join(map(_record, command.records)) or 'the log'})"
        case Print():
            return f"Print({_short(command.ticket.reference)}{''.join(f', {mark.value}' for mark in command.marks)})"
        case _:
            lane = " behind" if isinstance(command, PaymentCall) and command.lane is Lane.BEHIND else ""
            return type(command).__name__ + lane


def _record(record: Record) -> str:
    match record:
        case Sale():
            return f"{_short(record.reference)} {record.phase.value}{' watched' if record.watched else ''}"
        case Debt():
            return f"paper {_short(record.id.removeprefix('slip:'))} {record.state.value}"
        case Dispute():
            return f"money {record.payment} {record.reason.value}{' settled' if record.settled else ''}"
        case Agreed():
            return "the account agreed"
        case Roll():
            return f"{record.mm} mm of paper"
        case Refund():
            return f"refund of {record.payment} {record.state.value}, tried {record.tries} times"
        case PinTries():
            return f"{record.failed} wrong PINs"
        case Close():
            return f"Z {record.number}"


def _value(value: object) -> str:
    """A value without what it has by default, and without what a reader does not miss."""
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, Woken):
        return "Woken"
    if not dataclasses.is_dataclass(value):
        return repr(value)
    texts = []
    for field in dataclasses.fields(value):
        part = getattr(value, field.name)
        if field.name not in _BARE and part != field.default:
            texts.append(_short(part) if isinstance(part, str) and part.count("-") > 1 else _value(part))
    return f"{type(value).__name__}({', '.join(texts)})"
