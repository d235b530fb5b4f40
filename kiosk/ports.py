"""What the loop needs of the world, as protocols. ``cli`` puts the adapters (or their doubles) behind them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from kiosk.sale.commands import AskPrinter, PaymentCall, Print, Tune
from kiosk.sale.days import Day
from kiosk.sale.events import Books, CallAnswer, PrinterEvent
from kiosk.sale.lights import Lights
from kiosk.sale.records import Debt, Entry, Record, Refund, Rows, Sale
from kiosk.sale.screens import Screen

Clock = Callable[[], float]
"""Monotonic seconds."""


class JournalError(Exception):
    """The journal could not be written: full, read-only, gone, damaged."""


class JournalDamagedError(JournalError):
    """The file is not a whole journal. It was left as it is."""


class Journal(Protocol):
    """Durable memory. Used by the loop's thread alone."""

    def rows(self) -> Rows:
        """What was open when the power went."""
        ...

    def save(self, records: Sequence[Record], entries: Sequence[Entry], at: float) -> None:
        """Write all of it in one transaction, durable on return; ``at``: wall time for the log, seconds since 1970.

        Raises:
            JournalDamagedError: the file is found damaged: only ``begin_anew`` helps.
            JournalError: nothing was written, or it is not known.
        """
        ...

    def begin_anew(self) -> str:
        """Set a damaged file aside, untouched, and begin an empty journal; answers the name that it now has.

        What is not over must be saved again. After an error it may be called again.

        Raises:
            JournalError: no new one can be begun.
        """
        ...

    def find(self, reference: str) -> Sale | None:
        """The sale of that reference; None where there is none (or it cannot be read)."""
        ...

    def spent(self, payments: Sequence[str], reference: str) -> frozenset[str]:
        """Those of the payments that completed another sale than this one (none where that cannot be read)."""
        ...

    def paid_between(self, begin: float, end: float) -> tuple[str, ...]:
        """The payments of sales that were paid in that time (seconds since 1970); none where it cannot be read."""
        ...

    def day(self) -> Day | None:
        """What it counted since the last Z; None: it cannot be read."""
        ...

    def books(self, references: Sequence[str], payments: Sequence[str]) -> Books | None:
        """Sales with one of these references or payments, disputes over the payments and refunds of them; None: it
        cannot be read."""
        ...

    def sale(self, number: int) -> Sale | None:
        """The sale of that number; None where there is none (or it cannot be read)."""
        ...

    def refunds(self, reference: str) -> tuple[Refund, ...] | None:
        """All refunds of that sale, whatever became of them; None: it cannot be read."""
        ...

    def ticket(self, reference: str) -> Debt | None:
        """That sale's ticket, however far it has come; None where none was ever owed (or it cannot be read)."""
        ...


class Supervisors(Protocol):
    """The supervisors' PINs. Used by the loop's thread alone."""

    def whose(self, pin: str) -> str | None:
        """The supervisor's name; None: nobody's. Takes some tenths of a second on purpose (scrypt), never raises."""
        ...


class Provider(Protocol):
    """The payment service. One instance a lane, used by that lane's thread."""

    def carry_out(self, call: PaymentCall) -> CallAnswer:
        """Make the request, within ``call.until``. Never raises: what it cannot know is an ``Unknown``."""
        ...

    def close(self) -> None:
        """Let the line go."""
        ...


class Printer(Protocol):
    """The ticket printer. Used by its worker's thread alone."""

    def carry_out(self, command: Print | AskPrinter) -> PrinterEvent:
        """Print, or ask how it is. Ends within 30 s and never raises."""
        ...

    def close(self) -> None:
        """Let the printer go."""
        ...


class Display(Protocol):
    """The panel. Used by its worker's thread alone."""

    @property
    def gone(self) -> str | None:
        """Why it has shown nothing for several tries in a row; empty: it shows; None: not known, or there is none."""
        ...

    def draw(self, screen: Screen) -> float | None:
        """Show it now; answers after how many seconds the same screen looks different (a count), None for never.

        A panel that is gone is tried again at a later call; never raises.
        """
        ...

    def close(self) -> None:
        """Leave the panel as it should look while no kiosk runs."""
        ...


class Sounds(Protocol):
    """Buzzer and lights. Used by their worker's thread alone; never raises. All of it returns at once."""

    @property
    def faults(self) -> tuple[str, ...] | None:
        """Which of them do not work, and why, a line each; None: there are none at all."""
        ...

    def play(self, tune: Tune) -> None:
        """Play it from the next ``beat`` on, after what is playing."""
        ...

    def light(self, lights: Lights) -> None:
        """Let the lights shine so from the next ``beat`` on."""
        ...

    def beat(self) -> float | None:
        """Do what is due; answers after how many seconds to call again, None for never."""
        ...

    def close(self) -> None:
        """Silent and dark."""
        ...


class Keypad(Protocol):
    """The keys. Presses arrive in the inbox from its own thread."""

    def close(self) -> None:
        """Stop listening."""
        ...


class Service(Protocol):
    """The service manager, and the service's log."""

    def ready(self) -> None:
        """Tell that the kiosk is ready: journal open, first screen shown, keys heard."""
        ...

    def status(self, text: str) -> None:
        """One line for ``systemctl status``."""
        ...

    def alive(self) -> None:
        """Pat the watchdog."""
        ...

    def stopping(self) -> None:
        """Tell that the end has begun."""
        ...

    def log(self, entry: Entry) -> None:
        """Write to the service's log, with its fields."""
        ...

    @property
    def watchdog_s(self) -> float | None:
        """Seconds within which ``alive`` must be called again; None: nobody counts."""
        ...
