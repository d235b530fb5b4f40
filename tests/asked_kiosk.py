"""A kiosk that can be asked: a loop on a journal with a paid sale, whose printer prints at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from queue import SimpleQueue

from kiosk.answers import Answers, KeyTap
from kiosk.config import Config, MercadoPagoConfig
from kiosk.journal import SqliteJournal
from kiosk.loop import Loop
from kiosk.sale.commands import AskPrinter, Lane, PaymentCall, Print, Tune
from kiosk.sale.events import Paper, PaperIs, Printed, Stop
from kiosk.sale.lights import Lights
from kiosk.sale.records import Entry
from kiosk.sale.screens import Screen
from kiosk.supervisors import Supervisors
from tests.cli_shop import with_sales
from tests.story import COLLECTOR, SHOP

Asked = Callable[[dict[str, object]], dict[str, object]]


class Devices:
    """A printer that prints at once, and nothing else."""

    def __init__(self, inbox: SimpleQueue[object]) -> None:
        self.inbox = inbox
        self.printed: list[Print] = []
        self.keys = KeyTap(inbox.put)
        """Where the keypad would post."""

    def call(self, lane: Lane, call: PaymentCall) -> None:
        """Nobody answers."""

    def print(self, command: Print | AskPrinter) -> None:
        """It is out."""
        if isinstance(command, Print):
            self.printed.append(command)
        self.inbox.put(Printed(command.job, mm=90) if isinstance(command, Print) else PaperIs(Paper.OK))

    def show(self, screen: Screen) -> None:
        """Nobody looks."""

    def play(self, tune: Tune) -> None:
        """Nobody listens."""

    def light(self, lights: Lights) -> None:
        """Nobody sees them."""


class NoService:
    """Nobody manages it."""

    watchdog_s: float | None = None

    def ready(self) -> None: ...
    def status(self, text: str) -> None: ...
    def alive(self) -> None: ...
    def stopping(self) -> None: ...
    def log(self, entry: Entry) -> None: ...


@contextmanager
def asked(folder: Path) -> Iterator[tuple[Asked, Devices]]:
    """A loop on a journal with a paid sale, turning in a thread of its own; how it is asked, and its devices."""
    with_sales(folder)
    config = Config(SHOP, MercadoPagoConfig(COLLECTOR, "STORE1", "POS1"), journal=folder / "journal.db")
    inbox: SimpleQueue[object] = SimpleQueue()
    devices = Devices(inbox)
    loops: SimpleQueue[Loop] = SimpleQueue()

    def live() -> None:
        with closing(SqliteJournal(config.journal)) as journal:
            clock = {"clock": lambda: 1000.0, "wall": lambda: 1000.0}
            loop = Loop(
                config.shop,
                journal,
                devices,
                NoService(),
                inbox,
                supervisors=Supervisors(()),
                **clock,
                new_id=lambda: 7,
            )
            loops.put(loop)
            loop.run()

    inbox.put(PaperIs(Paper.OK))
    thread = threading.Thread(target=live)
    thread.start()
    try:
        yield Answers(loops.get(timeout=20.0), config, devices.keys, inbox.put), devices
    finally:
        inbox.put(Stop())
        thread.join(20.0)
    assert not thread.is_alive()
