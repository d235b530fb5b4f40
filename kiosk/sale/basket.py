"""What is being rung up: the items so far, and the one that is being typed.

As on a till: the count first, ``x``, the price, ``+``. All amounts are whole minor units, and the sum of the lines is
the amount of the sale, always: there is no second number that could differ from it (L5).

``*`` undoes what was done last: a digit, then the multiplication, then the last item.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from kiosk.sale.money import Typed
from kiosk.sale.records import Line
from kiosk.sale.shop import Preset

TIMES_MAX: Final = 999
"""The largest count of one item: three digits, so that a price that is taken for a count stands out."""
ITEMS_MAX: Final = 30
"""Lines of a sale. Mercado Pago documents no limit on ``items``; so many are a hand's breadth of paper."""


@dataclass(frozen=True, slots=True)
class Basket:
    """The lines so far, and what is being typed for the next one."""

    lines: tuple[Line, ...] = ()
    times: int = 0
    """The count of the item that is being typed; 0: no ``x`` was pressed, it is one."""
    typed: Typed = Typed()  # noqa: RUF009  (frozen)
    """Its price; before ``x``, what may become its count."""

    @property
    def cents(self) -> int:
        """What ``#`` would charge, in minor units; not to be used while ``typed.extra`` is not 0."""
        return sum(line.cents for line in self.lines) + (self.times or 1) * self.typed.cents

    @property
    def count(self) -> int:
        """How many pieces ``#`` would charge."""
        return sum(line.quantity for line in self.lines) + ((self.times or 1) if self.typed.digits else 0)

    @property
    def is_empty(self) -> bool:
        """Nothing was typed, or all of it was taken back."""
        return not (self.lines or self.times or self.typed.digits)

    @property
    def is_plain(self) -> bool:
        """One amount, typed as on any card terminal."""
        return not self.lines and not self.times

    @property
    def has_room(self) -> bool:
        """Whether one more line may be added."""
        return len(self.lines) < ITEMS_MAX

    @property
    def lacks_a_price(self) -> bool:
        """``x`` was pressed, and nothing after it."""
        return bool(self.times) and not self.typed.digits

    def press(self, digits: str) -> Basket:
        """With one more press of a digit, or of two."""
        return replace(self, typed=self.typed.add(digits))

    def multiply(self) -> Basket:
        """What was typed is the count of what is typed next."""
        return Basket(self.lines, self.typed.cents)

    def add(self, title: str) -> Basket:
        """What was typed is an item; if nothing was, there is none more."""
        return self.take(title, self.typed.cents) if self.typed.digits else self

    def take(self, title: str, unit_cents: int) -> Basket:
        """With an item of that price, as often as ``x`` said."""
        return Basket((*self.lines, Line(title, self.times or 1, unit_cents)))

    def back(self) -> Basket:
        """Without the last digit; else without the multiplication, its count being typed again; else without the last
        item."""
        if self.typed.digits:
            return replace(self, typed=self.typed.back())
        if self.times:
            return Basket(self.lines, typed=Typed(str(self.times)))
        return Basket(self.lines[:-1])


class Function(Enum):
    """What the keys ``A`` and ``B`` do with what was typed."""

    ADD = "add"
    TIMES = "times"


@dataclass(frozen=True, slots=True)
class Choosing:
    """What can be done with what was typed, or what is sold at a fixed price: ``*`` walks, ``#`` does."""

    basket: Basket
    choices: tuple[Function | Preset, ...]
    at: int
    """Which of them is shown."""
    until: float

    @property
    def wakes_at(self) -> float:
        return self.until
