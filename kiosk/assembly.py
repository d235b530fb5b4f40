"""The daemon, put together: configuration -> adapters -> workers -> loop, and all of it ended in order.

The panel comes first, so that whoever looks at the counter sees something; the slow libraries (escpos, httpx) load
in their workers while the loop already turns.
"""

from __future__ import annotations

import secrets
import signal
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final, Protocol

from kiosk.answers import Answers, KeyTap
from kiosk.config import Config, ConfigError, PanelConfig, Secret
from kiosk.control import ControlServer
from kiosk.journal import SqliteJournal
from kiosk.loop import CrashError, Loop
from kiosk.ports import Display, Keypad, Service, Sounds
from kiosk.sale.commands import AskPrinter, Lane, PaymentCall, Print, Tune
from kiosk.sale.events import Device, DeviceIs, Fault, Ill, Key, Stop
from kiosk.sale.front import BrokenError
from kiosk.sale.lights import Lights
from kiosk.sale.records import Entry
from kiosk.sale.screens import Screen, not_running, starting
from kiosk.sale.shop import Shop
from kiosk.sale.words import Down, words_of
from kiosk.supervisors import Supervisors, read_file
from kiosk.systemd import open_service
from kiosk.worker import JOIN_S, Painter, Player, Worker, start

if TYPE_CHECKING:
    from gpiozero import Factory

    from kiosk.display import Wire
    from kiosk.mercadopago import MercadoPago
    from kiosk.notifications import Listener
    from kiosk.printer import TicketPrinter

FIRST_SCREEN_S: Final = 2.0
"""How long the start waits for the first picture; a panel that hangs holds up nothing."""
KEYPAD_AGAIN_S: Final = 5.0
"""Between two tries to open a keypad that cannot be opened."""

Post = Callable[[object], None]


class OpenKeypad(Protocol):
    """How the keys are opened: the real keypad's way, or the virtual counter's."""

    def __call__(self, post: Callable[[Key | DeviceIs], None], barrier: Callable[[], None]) -> Keypad:
        """Listen; ``barrier`` returns when the loop has taken all that was posted.

        Raises:
            KeypadError: they cannot be opened.
        """
        ...


@dataclass(frozen=True, slots=True)
class FarEnds:
    """What the virtual counter replaces; None: the configured device."""

    keypad: OpenKeypad | None = None
    wire: Wire | None = None
    """The panel's bus, as luma.core's serial interfaces are used."""


class _Devices:
    """The loop's way to the workers."""

    def __init__(self, config: Config, token: Secret, painter: Painter, pins: Factory | None, post: Post) -> None:
        self._painter = painter
        self._lanes: dict[Lane, Worker[PaymentCall]] = {
            lane: Worker(f"lane-{lane.value}", lambda: provider_of(config, token), post) for lane in Lane
        }
        self._printer: Worker[Print | AskPrinter] = Worker("printer", lambda: printer_of(config), post)
        self._sounds = Player(lambda: _sounds(config, pins), post)

    def call(self, lane: Lane, call: PaymentCall) -> None:
        """Ask the provider."""
        self._lanes[lane].do(call)

    def print(self, command: Print | AskPrinter) -> None:
        """Print, or ask the printer."""
        self._printer.do(command)

    def show(self, screen: Screen) -> None:
        """Show."""
        self._painter.show(screen)

    def play(self, tune: Tune) -> None:
        """Play."""
        self._sounds.play(tune)

    def light(self, lights: Lights) -> None:
        """Light."""
        self._sounds.light(lights)

    def close(self) -> None:
        """End all workers; one that hangs is left behind, it is a daemon thread."""
        workers: tuple[Worker[Any] | Player, ...] = (*self._lanes.values(), self._printer, self._sounds)
        for worker in workers:
            worker.finish()
        for worker in workers:
            worker.join(JOIN_S / len(workers))


def provider_of(config: Config, token: Secret) -> MercadoPago:
    """The account."""
    from kiosk.mercadopago import MercadoPago  # loads httpx: in the worker's thread

    shop = config.shop
    return MercadoPago(config.mercadopago, token, shop.site, time.monotonic, title=shop.title)


def printer_of(config: Config) -> TicketPrinter:
    """The configured printer."""
    from kiosk.printer import TicketPrinter  # loads escpos: in the worker's thread

    return TicketPrinter(config.printer, words_of(config.shop.language).marks, time.monotonic)


def _sounds(config: Config, pins: Factory | None) -> Sounds:
    from kiosk.sound import GpioSounds  # loads gpiozero: in the worker's thread

    return GpioSounds(config.sound, time.monotonic, pin_factory=pins)


def _panel(config: Config, pins: Factory | None, ends: FarEnds) -> Display:
    from kiosk.display import Panel

    try:
        return Panel(config.display, time.monotonic, ends.wire, pins=pins)
    except ValueError as error:  # luma has no such panel in that size
        raise ConfigError((str(error),)) from None


def _panel_needs_pins(config: Config, ends: FarEnds) -> bool:
    return config.display.driver != "none" and config.display.interface == "spi" and not ends.wire


def _pins(config: Config, ends: FarEnds, service: Service, ending: ExitStack) -> Factory | None:
    """The header's pins until the end, for all who need some; None where nobody does, or they cannot be had yet."""
    sound = config.sound
    keys = config.keypad.driver == "matrix" and not ends.keypad
    sounds = {sound.buzzer, sound.led_paid, sound.led_error} != {None}
    if not (keys or sounds or _panel_needs_pins(config, ends)):
        return None
    from kiosk.keypad import KeypadError, open_pins

    try:
        pins = open_pins(config.keypad.pins)
    except KeypadError as error:
        _say(service, "pins-failed", str(error))
        return None
    ending.callback(pins.close)
    return pins


def _keypad(config: Config, pins: Factory | None, report: Post, tell: Callable[[str], None]) -> OpenKeypad:
    def opened(post: Callable[[Key], None], barrier: Callable[[], None]) -> Keypad:  # noqa: ARG001  (see OpenKeypad)
        from kiosk.keypad import open_keypad

        return open_keypad(config.keypad, post, time.monotonic, pin_factory=pins, report=report, tell=tell)

    return opened


def _listener(config: Config, post: Post, service: Service) -> Listener | None:
    """Who hears notifications; None: nobody is to."""
    if not config.notifications_listen:
        return None
    from kiosk.notifications import Listener

    address = config.mercadopago.notification_url
    return Listener(config.notifications_listen, address, post, partial(_say, service, "notifications"))


def _say(service: Service, event: str, text: str, level: int = 4) -> None:
    service.log(Entry(event, text, level=level))


def with_supervisors(config: Config, service: Service) -> tuple[Shop, Supervisors]:
    """The shop, as it gives money back or not, and who may. What is wrong with their file is told: selling goes on."""
    entries, wrong = read_file(config.supervisors)
    for text in wrong:
        _say(service, "supervisors", text)
    return replace(config.shop, refunds=bool(entries)), Supervisors(entries)


class _Keys:
    """The keypad, opened now or as soon as it can be: a kiosk without keys still follows what is open."""

    def __init__(self, opened: OpenKeypad, post: Post, barrier: Callable[[], None]) -> None:
        self._open: Callable[[], Keypad] = lambda: opened(post, barrier)
        self._post = post
        self._keypad: Keypad | None = None
        self._ending = threading.Event()
        self._retrying = threading.Thread(target=self._again, name="keypad-again", daemon=True)
        if not self._try():
            self._retrying.start()

    def close(self) -> None:
        """Stop listening; a try that is under way is waited for, a bounded time."""
        self._ending.set()
        if self._retrying.ident is not None:
            self._retrying.join(JOIN_S)
        if self._keypad:
            self._keypad.close()

    def _try(self) -> bool:
        from kiosk.keypad import KeypadError

        try:
            self._keypad = self._open()
        except (KeypadError, OSError) as error:
            self._post(DeviceIs(Device.KEYPAD, (Fault(Ill.DEAD, str(error)),)))
            return False
        return True

    def _again(self) -> None:
        while not self._ending.wait(KEYPAD_AGAIN_S):
            if self._try():
                return


def run(config: Config, token: Secret, control: Path, ends: FarEnds) -> int:
    """The service: sell until told to stop. Answers the exit status.

    Raises:
        JournalError: the journal cannot be opened.
        CrashError: a worker died; the service manager starts the kiosk again.
        BrokenError: the machine does not move on; likewise.
    """
    inbox: SimpleQueue[object] = SimpleQueue()
    service = open_service()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: inbox.put(Stop()))
    signal.signal(signal.SIGHUP, lambda _number, _frame: _say(service, "reload", "nothing can be re-read: restart"))
    language = config.shop.language
    with ExitStack() as ending:
        # gpiozero takes long to load: the first picture waits for it only where the panel itself hangs on it.
        lines = _pins(config, ends, service, ending) if _panel_needs_pins(config, ends) else None
        painter = Painter(_panel(config, lines, ends), inbox.put)
        ending.callback(painter.close)
        painter.show(starting(language))
        ending.callback(lambda: painter.show(not_running(language, Down.STOPPED)))
        pins = lines or _pins(config, ends, service, ending)
        journal = SqliteJournal(config.journal, anew=True)
        ending.callback(journal.close)
        if journal.damage:
            _say(service, "journal-damaged", journal.damage)
        devices = _Devices(config, token, painter, pins, inbox.put)
        ending.callback(devices.close)
        shop, supervisors = with_supervisors(config, service)
        loop = Loop(
            shop,
            journal,
            devices,
            service,
            inbox,
            supervisors=supervisors,
            clock=time.monotonic,
            wall=time.time,
            new_id=lambda: secrets.randbits(128),
        )
        tell = partial(_say, service, "keypad", level=6)
        opened = ends.keypad or _keypad(config, pins, inbox.put, tell)
        keys = KeyTap(inbox.put)
        ending.callback(_Keys(opened, keys, lambda: loop.ask(lambda _counter: None)).close)
        listener = _listener(config, inbox.put, service)
        server = ControlServer(control, Answers(loop, config, keys, inbox.put, listener))
        ending.callback(server.close)
        if listener:
            ending.callback(listener.close)
            listener.start(partial(start, post=inbox.put))
        painter.first.wait(FIRST_SCREEN_S)
        service.ready()
        try:
            loop.run()
        except (BrokenError, CrashError) as error:
            service.log(Entry("crashed", f"{error}; it is started again", level=2))
            raise
        service.stopping()
    return 0


def control_path(config: Config | PanelConfig, environ: Mapping[str, str]) -> Path:
    """Where the running service answers: beside the journal, or where ``KIOSK_CONTROL`` says."""
    return Path(environ.get("KIOSK_CONTROL") or config.journal.with_name("control.sock"))
