"""Printers at the real far ends of a line, which go away at a chosen byte: a TCP port, a pseudo-terminal, a file.

The kiosk's transports are the real ones, and so are the sockets and devices. The printer behind them has its turn
right after each of the kiosk's writes, in the same thread: it takes exactly what was written, prints it, answers, and
goes away on its byte. So a cut never falls a byte beside the one that was meant, and nobody waits for the clock: while
a printer says nothing, the time that the kiosk gives it passes by hand.
"""

from __future__ import annotations

import os
import re
import resource
import select
import socket
import struct
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

from kiosk.config import PrinterConfig
from kiosk.printer.transport import Transport, transport_for
from kiosk.sim.paper import Roll
from tests.printers import FakeTime

_QUESTION: Final = re.compile(rb"\x10\x04[\x01-\x04]", re.DOTALL)
_WELL: Final = b"\x12"
_PATIENCE_S: Final = 20.0
"""How long bytes may be on their way inside this machine: it is only ever waited for where something is broken."""


class Line(Protocol):
    """The printer's end of a line."""

    settings: PrinterConfig

    def plug_in(self) -> None:
        """Be there, for the kiosk's next connection."""
        ...

    def meet(self) -> None:
        """The kiosk has connected."""
        ...

    def take(self, count: int) -> bytes:
        """So many bytes, which are on their way."""
        ...

    def rest(self) -> bytes:
        """What was sent and not taken."""
        ...

    def answer(self, data: bytes) -> None:
        """Say something."""
        ...

    def go(self) -> None:
        """Break the connection, and be gone for the next one."""
        ...

    def close(self) -> None:
        """The end of the test."""
        ...


class TcpLine:
    """A network printer. ``orderly``: it goes with a FIN, as at its own button; else the connection is reset."""

    def __init__(self, *, orderly: bool) -> None:
        self._orderly = orderly
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(_PATIENCE_S)
        self._connection: socket.socket | None = None
        self._there = True
        self.settings = PrinterConfig(
            driver="network", columns=32, host="127.0.0.1", port=self._listener.getsockname()[1]
        )

    def plug_in(self) -> None:
        self._there = True

    def meet(self) -> None:
        self._hang_up()
        self._connection, _ = self._listener.accept()
        self._connection.settimeout(_PATIENCE_S)
        if not self._there:
            self._reset()

    def take(self, count: int) -> bytes:
        connection = self._open()
        taken = b""
        while len(taken) < count:
            more = connection.recv(count - len(taken))
            assert more, "the kiosk ended the connection before the bytes it had written came"
            taken += more
        # The kernel would keep its word that they came for 40 ms, hoping for an answer to put it on.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        return taken

    def rest(self) -> bytes:
        if self._connection is None:
            return b""
        rest = b""
        while more := self._connection.recv(4096):  # The kiosk has ended its side.
            rest += more
        return rest

    def answer(self, data: bytes) -> None:
        self._open().sendall(data)

    def go(self) -> None:
        self._there = False
        if self._orderly:
            self._open().shutdown(socket.SHUT_WR)
        else:
            self._reset()

    def close(self) -> None:
        self._hang_up()
        self._listener.close()

    def _open(self) -> socket.socket:
        assert self._connection is not None
        return self._connection

    def _reset(self) -> None:
        self._open().setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._hang_up()

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None


class PtyLine:
    """A serial line (driver "serial"), or a device like ``/dev/usb/lp0`` (driver "file"), at a pseudo-terminal.

    Going away is a hang-up; it comes back as another terminal under the same name. At 1200 baud a ticket takes a serial
    line several writes.
    """

    def __init__(self, folder: Path, driver: str) -> None:
        self._name = folder / "device"
        self._master = self._slave = -1
        self.settings = PrinterConfig(driver=driver, columns=32, device=str(self._name), baud=1200)
        self.plug_in()

    def plug_in(self) -> None:
        if self._master >= 0:
            return
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self._name.symlink_to(os.ttyname(self._slave))

    def meet(self) -> None:
        pass

    def take(self, count: int) -> bytes:
        taken = b""
        while len(taken) < count:
            assert select.select([self._master], [], [], _PATIENCE_S)[0], "bytes were lost on the line"
            taken += os.read(self._master, count - len(taken))
        return taken

    def rest(self) -> bytes:
        rest = b""
        while select.select([self._master], [], [], 0)[0]:
            rest += os.read(self._master, 4096)
        return rest

    def answer(self, data: bytes) -> None:
        os.write(self._master, data)

    def go(self) -> None:
        self.close()

    def close(self) -> None:
        for end in (self._master, self._slave):
            if end >= 0:
                os.close(end)
        self._master = self._slave = -1
        self._name.unlink(missing_ok=True)


class Printer:
    """A printer at a line, with the paper that has come out of it."""

    def __init__(self, line: Line, time: FakeTime, *, stays: bool = False, mute: bool = False) -> None:
        """``stays``: it does not go at its byte, it hangs: it takes and says nothing more until it is back, and then
        goes on. ``mute``: it has never said anything."""
        self._line = line
        self._time = time
        self._stays = stays
        self._mute = mute
        self._hangs = self._gone = False
        self._cut: int | None = None
        self._heard = b""
        self._roll = Roll()

    @property
    def settings(self) -> PrinterConfig:
        """Where the kiosk finds it."""
        return self._line.settings

    @property
    def heard(self) -> int:
        """How many bytes came over the last connection."""
        return len(self._heard)

    @property
    def silent(self) -> bool:
        """Waiting for its answer is in vain."""
        return self._mute or self._hangs

    def connect(self) -> Transport:
        """A new connection of the kiosk's."""
        return _Wire(transport_for(self.settings, self._time.clock, self._pass), self, self._time)

    def _pass(self, seconds: float) -> None:
        self._time.sleep(seconds)
        os.sched_yield()  # What the kernel confirms it confirms in its own time.

    def cut(self, at: int) -> None:
        """At the next connection go away when so many bytes came over it: the last of them is taken, not answered."""
        self._cut = at

    def come_back(self) -> None:
        """Be there again. One that hung goes on with what it had been sent; one that had gone has lost it."""
        if self._hangs:
            self._roll.feed(self._line.rest())
        self._cut, self._hangs, self._gone = None, False, False
        self._line.plug_in()

    def papers(self) -> list[str]:
        """The pieces of paper that came out, which are torn off."""
        papers = self._roll.tickets()
        self._roll.clear()
        return papers

    def close(self) -> None:
        """The end of the test."""
        self._line.close()

    def met(self) -> None:
        """The kiosk has connected."""
        self._line.meet()
        if not self._gone:
            self._heard = b""
            self._go_if_due()

    def turn(self, count: int) -> None:
        """So many bytes were written."""
        if self._gone or self._hangs:
            return
        taken = self._line.take(count if self._cut is None else min(count, self._cut - self.heard))
        self._heard += taken
        self._roll.feed(taken)
        if not self._go_if_due() and _QUESTION.fullmatch(taken) and not self._mute:
            self._line.answer(_WELL)

    def _go_if_due(self) -> bool:
        if self._cut is None or self.heard < self._cut:
            return False
        if self._stays:
            self._hangs = True
        else:
            self._gone = True
            self._line.go()
        return True


class _Wire:
    """The kiosk's real transport, and the printer's turn after each thing that it does."""

    def __init__(self, real: Transport, printer: Printer, time: FakeTime) -> None:
        self.chunk = real.chunk
        self.close = real.close
        self._real = real
        self._printer = printer
        self._time = time

    def open(self) -> None:
        self._real.open()
        self._printer.met()

    def write(self, chunk: bytes, within_s: float) -> int:
        taken = self._real.write(chunk, within_s)
        self._printer.turn(taken)
        return taken

    def flushed(self, within_s: float) -> bool:
        return self._real.flushed(within_s)

    def read(self, limit: int, within_s: float) -> bytes:
        if not self._printer.silent:
            return self._real.read(limit, within_s)
        self._time.sleep(within_s)
        return self._real.read(limit, 0)


class PaperFile:
    """A plain file as the printer, on a disk that is full at a chosen byte; what fits is the paper.

    A full disk is a limit on the size of files here (setrlimit(2)): the write that passes it is cut short, the next
    one fails.
    """

    def __init__(self, folder: Path, time: FakeTime) -> None:
        self._path = folder / "paper"
        self._path.touch()
        self._time = time
        self._full_at: int | None = None
        self._read_to = self._size
        self._begun_at = 0
        self.settings = PrinterConfig(driver="file", columns=32, device=str(self._path))

    @property
    def heard(self) -> int:
        """How many bytes came since the last cut."""
        return self._size - self._begun_at

    def connect(self) -> Transport:
        """A new connection of the kiosk's."""
        return _ToDisk(transport_for(self.settings, self._time.clock, self._time.sleep), self)

    def cut(self, at: int) -> None:
        """Be full after so many more bytes."""
        self._begun_at = self._size
        self._full_at = self._size + at

    def come_back(self) -> None:
        """There is room again."""
        self._full_at = None
        self._begun_at = self._size

    def papers(self) -> list[str]:
        """The pieces of paper since they were asked for last."""
        roll = Roll()
        with self._path.open("rb") as paper:
            paper.seek(self._read_to)
            roll.feed(paper.read())
        self._read_to = self._size
        return roll.tickets()

    def close(self) -> None:
        """The end of the test."""

    @contextmanager
    def on_its_disk(self) -> Iterator[None]:
        """Whatever is written inside meets the full disk; nobody else's files do."""
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        if self._full_at is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (self._full_at, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    @property
    def _size(self) -> int:
        return self._path.stat().st_size


class _ToDisk:
    """The kiosk's real transport, writing to a disk that may be full."""

    def __init__(self, real: Transport, disk: PaperFile) -> None:
        self.chunk = real.chunk
        self.open = real.open
        self.flushed = real.flushed
        self.read = real.read
        self.close = real.close
        self._real = real
        self._disk = disk

    def write(self, chunk: bytes, within_s: float) -> int:
        with self._disk.on_its_disk():
            return self._real.write(chunk, within_s)
