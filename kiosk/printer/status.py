"""What the printer says of itself: ``DLE EOT n``, Epson's ESC/POS command reference. Pure.

Four questions, one byte as the answer to each. The answer's bits 0, 1, 4 and 7 are fixed (off, on, on, off), which
tells it from everything else that a printer may send on its own: an Automatic Status Back block (``GS a``: four bytes,
the first with bit 4 on and bits 0, 1, 7 off, the others with bits 4 and 7 off), XON and XOFF. What is none of these is
nonsense: a wrong baud rate, a device that echoes, something that is no ESC/POS printer.
"""

from __future__ import annotations

from enum import IntEnum

from kiosk.sale.events import Paper

_FIXED, _ANSWER, _BLOCK = 0b1001_0011, 0b0001_0010, 0b0001_0000
_BLOCK_REST = 0b1001_0000
_BLOCK_LENGTH = 4
_FLOW = (0x11, 0x13)  # XON, XOFF

_OFFLINE = 0b0000_1000  # Question 1.
_RECOVERING = 0b0010_0000  # Question 1: waiting for online recovery.
_COVER_OPEN = 0b0000_0100  # Question 2.
_STOPPED_BY_PAPER = 0b0010_0000  # Question 2.
_NEAR_END = 0b0000_1100  # Question 4; the reference sets both bits, some makers one.
_NO_PAPER = 0b0110_0000  # Question 4; the same.


class Question(IntEnum):
    """The ``n`` of ``DLE EOT n``."""

    PRINTER = 1
    OFFLINE = 2
    """What put it offline."""
    PAPER = 4

    @property
    def request(self) -> bytes:
        """The bytes that ask it. A real-time command: answered at once, also offline and with a full buffer."""
        return bytes((0x10, 0x04, self))


class NonsenseError(Exception):
    """The printer said something that is no status."""


def answers(heard: bytes) -> list[int]:
    """The status bytes in what was heard, oldest first; a block that has not come whole yet is left out.

    Raises:
        NonsenseError: with the bytes.
    """
    found: list[int] = []
    at = 0
    while at < len(heard):
        rest = heard[at + 1 : at + _BLOCK_LENGTH]
        if heard[at] & _FIXED == _ANSWER:
            found.append(heard[at])
            at += 1
        elif heard[at] in _FLOW:
            at += 1
        elif heard[at] & _FIXED == _BLOCK and not any(byte & _BLOCK_REST for byte in rest):
            at += _BLOCK_LENGTH
        else:
            raise NonsenseError(f"the printer answers nonsense: {heard.hex(' ')} (is the baud rate right?)")
    return found


def online(printer: int) -> bool:
    """Whether the answer to ``Question.PRINTER`` says that it prints."""
    return not printer & (_OFFLINE | _RECOVERING)


def paper_online(paper: int | None) -> Paper:
    """How a printer is that is online; ``paper`` None: it has no answer to that question, as cheap ones have none."""
    if paper is None:
        return Paper.OK
    if paper & _NO_PAPER:
        return Paper.OUT
    return Paper.LOW if paper & _NEAR_END else Paper.OK


def paper_offline(cause: int | None, paper: int | None) -> Paper:
    """Why a printer is offline. An open cover comes first: with it open the sensor sees no paper either."""
    if cause is not None and cause & _COVER_OPEN:
        return Paper.COVER
    if (cause is not None and cause & _STOPPED_BY_PAPER) or (paper is not None and paper & _NO_PAPER):
        return Paper.OUT
    return Paper.OFFLINE
