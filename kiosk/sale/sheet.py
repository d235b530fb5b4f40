"""A paper's content: lines and emphasis, which the printer turns into its own language."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Size(Enum):
    """Letter sizes of a ticket line."""

    SMALL = "small"
    NORMAL = "normal"
    BIG = "big"


class Align(Enum):
    """Where a ticket line stands; RULE is a line across the paper."""

    LEFT = "left"
    CENTRE = "centre"
    RULE = "rule"


@dataclass(frozen=True, slots=True)
class TicketLine:
    """One line of paper. With ``right`` set, ``text`` stands left and ``right`` at the right edge."""

    text: str = ""
    right: str = ""
    align: Align = Align.LEFT
    size: Size = Size.NORMAL
    bold: bool = False
    unbroken: bool = False
    """Never broken over two lines: printed in the smaller font where it is too long."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """A paper's content. The marks (COPY, TRAINING ...) are decided when it is printed and are not part of it."""

    lines: tuple[TicketLine, ...]
    reference: str = ""
    """For the printed QR of the reference, where the shop wants one."""
