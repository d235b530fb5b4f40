"""The virtual printer: a TCP port as network printers have it, with paper that can run out and a cable to pull.

It behaves as Epson's ESC/POS reference describes a TM printer:

- ``DLE EOT n`` (n from 1 to 4) asks for a status byte. It is a real-time command: answered when it arrives, before what
  is waiting in the receive buffer, wherever it stands among other bytes, also while the printer is offline. It goes
  into the buffer like everything else, and prints nothing when its turn comes.
- Without paper, or with its cover open, the printer is offline and prints nothing. What arrives goes into the receive
  buffer and is printed as soon as it is online again. When the buffer is full nothing more is read, and the sender's
  writes come to a stop.
- Without power it forgets its buffer; a ticket begun before stays on the paper as far as it came.
"""

from __future__ import annotations

import asyncio
import re
import socket
from asyncio import BaseTransport, Transport
from typing import Final, cast

from kiosk.sim.paper import Roll
from kiosk.sim.served import bound

BUFFER: Final = 4096
"""Size of the receive buffer in bytes, as delivered on the TM-T20 and TM-T88 series."""
_PULLED_AFTER: Final = 280
"""Bytes on one line, zeros aside, after which a cable comes out that is to come out in the middle of a ticket: more
than are needed to ask how the printer is, less than a ticket has before its total."""
_QUESTION: Final = re.compile(rb"\x10\x04([\x01-\x04])", re.DOTALL)
_LOOPBACK: Final = "127.0.0.1"

# Status bytes: Epson's reference, DLE EOT. Bits 1 and 4 are always set.
_FIXED: Final = 0x12
_DRAWER_HIGH: Final = 0x04  # n = 1: pin 3 of the drawer's connector, high with no drawer there
_OFFLINE: Final = 0x08  # n = 1
_COVER_OPEN: Final = 0x04  # n = 2
_PAPER_STOP: Final = 0x20  # n = 2: printing is stopped for want of paper
_NEAR_END: Final = 0x0C  # n = 4
_NO_PAPER: Final = 0x60  # n = 4


def status(kind: int, *, paper: bool = True, low: bool = False, cover: bool = True) -> int:
    """The answer to ``DLE EOT kind``: 1 printer, 2 cause of being offline, 3 error, 4 paper.

    ``low``: the roll is near its end; ``cover``: it is shut.
    """
    if kind == 1:
        return _FIXED | _DRAWER_HIGH | (0 if paper and cover else _OFFLINE)
    if kind == 2:
        return _FIXED | (0 if paper else _PAPER_STOP) | (0 if cover else _COVER_OPEN)
    if kind == 4:
        return _FIXED | (0 if paper else _NEAR_END | _NO_PAPER) | (_NEAR_END if low else 0)
    return _FIXED


class TcpPrinter:
    """One printer on a port of its own. Used by the event loop's thread alone."""

    def __init__(self, roll: Roll) -> None:
        self.roll = roll
        self.printed = 0
        """Bytes that have come as far as the paper, questions for status aside; counts up."""
        self.mute = False
        """It prints, but never tells its status."""
        self.low = False
        """The roll is near its end."""
        self.pulled = False
        """The cable came out in the middle of a ticket, and is still out."""
        self._pull = False
        self._paper = True
        self._cover = True
        self._buffer = bytearray()
        self._lines: list[_Line] = []
        self._port = 0
        self._server: asyncio.Server | None = None
        self._placeholder: socket.socket | None = None

    @property
    def port(self) -> int:
        """Where it is; stays the same when it is unplugged and plugged in again."""
        return self._port

    async def plug_in(self) -> None:
        """Switch it on; without effect where it is on."""
        if self._server is not None:
            return
        listener = self._placeholder or bound(_LOOPBACK, 0)
        self._placeholder = None
        self._port = listener.getsockname()[1]
        self._server = await asyncio.get_running_loop().create_server(lambda: _Line(self, self._lines), sock=listener)

    def unplug(self) -> None:
        """Take it off the network and its power: connections break, new ones are refused, its buffer is lost."""
        if self._server is None:
            return
        self.close()
        # Bound without listening: who calls is refused, and nobody else can take the port.
        self._placeholder = bound(_LOOPBACK, self._port)
        self._buffer.clear()

    def pull(self, soon: bool) -> None:
        """Let the cable come out in the middle of the next ticket; or no more, and put it back where it did."""
        self._pull, self.pulled = soon, False

    def close(self) -> None:
        """The end of the world."""
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._placeholder is not None:
            self._placeholder.close()
            self._placeholder = None
        for line in list(self._lines):
            line.abort()

    def load_paper(self, paper: bool) -> None:
        """Put a roll in, or take it out; what was waiting for paper is printed."""
        self._paper = paper
        self._go_on()

    def shut_cover(self, shut: bool) -> None:
        """Shut or open it; what was waiting for it is printed."""
        self._cover = shut
        self._go_on()

    def _go_on(self) -> None:
        self.take(b"")
        for line in self._lines:
            line.go_on()

    def take(self, data: bytes) -> bool:
        """Bytes from the line; answers whether there is room for more."""
        self._buffer += data
        if self._paper and self._cover and self._buffer:
            self.roll.feed(bytes(self._buffer))
            self.printed += len(_QUESTION.sub(b"", self._buffer))
            self._buffer.clear()
        return len(self._buffer) < BUFFER

    def answer(self, kind: int) -> bytes:
        """What it says when asked for its status."""
        return b"" if self.mute else bytes([status(kind, paper=self._paper, low=self.low, cover=self._cover)])

    def pulled_by(self, came: int, data: bytes) -> bool:
        """Whether the cable comes out among these bytes, the last of the ``came`` on their line; what did come before
        is printed."""
        surplus = came - _PULLED_AFTER
        if not self._pull or surplus < 0:
            return False
        self.take(data[: len(data) - surplus])
        self.unplug()
        self._pull, self.pulled = False, True
        return True


class _Line(asyncio.Protocol):
    def __init__(self, printer: TcpPrinter, lines: list[_Line]) -> None:
        self._printer = printer
        self._lines = lines
        self._tail = b""
        self._came = 0

    def connection_made(self, transport: BaseTransport) -> None:
        self._transport = cast(Transport, transport)
        self._lines.append(self)

    def connection_lost(self, _exc: Exception | None) -> None:
        self._lines.remove(self)

    def data_received(self, data: bytes) -> None:
        self._came += len(data) - data.count(0)
        if self._printer.pulled_by(self._came, data):
            return
        if not self._printer.take(data):
            self._transport.pause_reading()
        heard = self._tail + data
        for question in _QUESTION.finditer(heard):
            self._transport.write(self._printer.answer(question[1][0]))
        self._tail = heard[-2:]  # Where a question may have begun.

    def go_on(self) -> None:
        self._transport.resume_reading()

    def abort(self) -> None:
        self._transport.abort()
