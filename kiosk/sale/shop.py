"""The shop as the centre needs to know it: who sells, in what money, within what limits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo
from typing import Final

from kiosk.sale.money import Site

PRESETS_MAX: Final = 9
"""Each is chosen with one digit."""


@dataclass(frozen=True, slots=True)
class Preset:
    """Something that is sold at a fixed price."""

    title: str
    cents: int


@dataclass(frozen=True, slots=True)
class Shop:
    """Settings of the centre, read from the configuration once."""

    name: str
    header: tuple[str, ...]
    footer: tuple[str, ...]
    site: Site
    language: str
    """``pt``, ``es`` or ``en``."""
    zone: tzinfo
    collector: int
    """The provider's number of the account that must get the money."""
    pos_id: str
    title: str
    """What the customer's app shows."""
    minimum: int
    """Smallest and largest amount of a sale, in minor units; above ``confirm_above`` it is confirmed twice."""
    maximum: int
    confirm_above: int
    wait_s: int
    """How long a customer has to pay, 10 to 540 s: the provider lets an order live for 600 at most."""
    printer: bool = True
    """There is a printer."""
    printer_required: bool = False
    """No new sale without a working printer."""
    display_required: bool = False
    """No new sale without a working display."""
    roll_m: int = 0
    """How long a new paper roll is, in metres; 0: not known, and no forecast."""
    presets: tuple[Preset, ...] = ()
    """What is sold at a fixed price, at most ``PRESETS_MAX``."""
    refunds: bool = False
    """There are supervisors, and so money can be given back, and disputed money be settled, at the counter."""
    training: bool = False
    """Nothing sold here is real."""

    def smallest(self, account_minimum: int) -> int:
        """The smallest amount of a sale, where the account takes none below its own minimum (0: none is known).

        One above the shop's largest amount is not believed: it would stop all sales.
        """
        return max(self.minimum, account_minimum) if account_minimum <= self.maximum else self.minimum
