"""Printers for the tests: one in memory that breaks, stalls and lies on order, time that passes on order, a sample."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from kiosk.printer.transport import PrinterError
from kiosk.sale.events import Paper
from kiosk.sale.records import Align, Mark, Size, Ticket, TicketLine

# Answers to DLE EOT 1, 2 and 4, from Epson's reference.
WELL = {1: b"\x12", 2: b"\x12", 4: b"\x12"}
NEAR_END = {1: b"\x12", 2: b"\x12", 4: b"\x1e"}
NO_PAPER = {1: b"\x1a", 2: b"\x32", 4: b"\x7e"}
COVER_OPEN = {1: b"\x1a", 2: b"\x16", 4: b"\x7e"}
ERROR = {1: b"\x1a", 2: b"\x52", 4: b"\x12"}
MUTE: dict[int, bytes] = {}

WORDS = {
    Mark.TRAINING: "TREINAMENTO - NÃO É RECIBO",
    Mark.COPY: "CÓPIA",
    Mark.POSSIBLE_DUPLICATE: "POSSÍVEL DUPLICATA",
    Mark.PAID_AFTER_CANCEL: "PAGO APÓS CANCELAMENTO",
    Mark.MONEY_TO_SETTLE: "DINHEIRO A RESOLVER",
    Mark.REFUNDED: "DEVOLVIDO",
}

SAMPLE = Ticket(
    (
        TicketLine("Padaria São João", align=Align.CENTRE, size=Size.BIG, bold=True),
        TicketLine("Rua das Flores, 123 - São Paulo", align=Align.CENTRE),
        TicketLine(align=Align.RULE),
        TicketLine("23/11/2026 14:05", "Venda 128"),
        TicketLine(align=Align.RULE),
        TicketLine("2 x Café com leite", "R$ 14,00"),
        TicketLine("1 x Pão de queijo recheado com goiabada e requeijão da casa", "R$ 11,00"),
        TicketLine(align=Align.RULE),
        TicketLine("TOTAL", "R$ 25,00", size=Size.BIG, bold=True),
        TicketLine(),
        TicketLine("BALCAO-01-128-aZ3kQ9mW2xY7pLaZ3kQ9mW2xY7pL", unbroken=True),
        TicketLine("Pagamento 123456789012", size=Size.SMALL),
        TicketLine("NÃO É DOCUMENTO FISCAL", align=Align.CENTRE, bold=True),
    ),
    reference="BALCAO-01-128-aZ3kQ9mW2xY7pLaZ3kQ9mW2xY7pL",
)


@dataclass
class FakeTime:
    """A clock that only waiting moves."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@dataclass
class MemoryPrinter:
    """A printer in memory. ``connect`` is what a ``TicketPrinter`` is given; each call is a new transport."""

    answers: dict[int, bytes] = field(default_factory=lambda: dict(WELL))
    time: FakeTime = field(default_factory=FakeTime)
    chunk: int = 4096
    refuses: bool = False
    breaks_at: int | None = None
    """The connection is gone when so many bytes of tickets have been taken."""
    stalls_at: int | None = None
    """No more than so many bytes of tickets are taken."""
    most_taken: int = 4096
    """Most bytes taken by one write."""
    lost: bool = False
    """Bytes are taken, and never leave this machine."""
    latency_s: float = 0.0
    """How long each answer takes to come."""
    stale: bytes = b""
    """An answer left over from before the connection was used."""
    closes: bool = False
    """It ends the connection when it is next asked."""
    taken: bytearray = field(default_factory=bytearray)
    asked: list[int] = field(default_factory=list)
    opened: int = 0
    closed: int = 0
    on_ask: Callable[[], None] | None = None

    def connect(self) -> _MemoryTransport:
        return _MemoryTransport(self)

    def ask(self, question: int) -> bytes:
        self.asked.append(question)
        if self.on_ask is not None:
            self.on_ask()
        return self.answers.get(question, b"")


class _MemoryTransport:
    def __init__(self, printer: MemoryPrinter) -> None:
        self.chunk = printer.chunk
        self._printer = printer
        self._coming = [(printer.time.now, printer.stale)] if printer.stale else []

    def open(self) -> None:
        if self._printer.refuses:
            raise PrinterError(Paper.GONE, "refused")
        self._printer.opened += 1

    def write(self, chunk: bytes, within_s: float) -> int:
        assert 0 <= within_s <= 5
        assert len(chunk) <= self.chunk or chunk[:2] == b"\x10\x04"
        if chunk[:2] == b"\x10\x04":
            if answer := self._printer.ask(chunk[2]):
                self._coming.append((self._printer.time.now + self._printer.latency_s, answer))
            return len(chunk)
        return self._take(chunk, within_s)

    def _take(self, chunk: bytes, within_s: float) -> int:
        printer = self._printer
        have = len(printer.taken)
        if printer.breaks_at is not None and have + len(chunk) > printer.breaks_at:
            printer.taken += chunk[: printer.breaks_at - have]
            raise PrinterError(Paper.GONE, "broken")
        room = len(chunk) if printer.stalls_at is None else printer.stalls_at - have
        count = min(len(chunk), room, printer.most_taken)
        printer.taken += chunk[:count]
        if not count:
            printer.time.now += within_s
        return count

    def flushed(self, within_s: float) -> bool:
        if self._printer.lost:
            self._printer.time.now += within_s
        return not self._printer.lost

    def read(self, limit: int, within_s: float) -> bytes:
        if self._printer.closes and self._printer.taken:
            raise PrinterError(Paper.GONE, "closed")
        assert limit >= 64
        time, until = self._printer.time, self._printer.time.now + within_s
        if not self._coming or self._coming[0][0] > until:
            time.now = until
            return b""
        due, answer = self._coming.pop(0)
        time.now = max(time.now, due)
        return answer

    def close(self) -> None:
        self._printer.closed += 1
