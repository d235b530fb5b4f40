"""The daemon put together: what is started before what, what goes on without a keypad, and how it all ends.

``run`` is called as it stands, in this process, without devices; the provider's address is a closed port. The keypad
is the test's: its thread is the hand that steers.
"""

from __future__ import annotations

import http.client
import io
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from kiosk.assembly import FarEnds, control_path, run, with_supervisors
from kiosk.config import (
    Config,
    ConfigError,
    DisplayConfig,
    KeypadConfig,
    MercadoPagoConfig,
    PrinterConfig,
    Secret,
)
from kiosk.control import ask
from kiosk.journal import JournalBusyError, SqliteJournal
from kiosk.keypad import KeypadError
from kiosk.loop import CrashError
from kiosk.sale.events import Key
from kiosk.sale.records import Entry
from kiosk.supervisors import Supervisor
from tests.asked_kiosk import NoService
from tests.listening import free_port
from tests.listening import post as send
from tests.story import COLLECTOR, SHOP

SOON_S = 20.0
"""Nobody waits so long: a test that would is broken."""

LESS_THAN_A_CALL_S = 8.0
"""A lane that one request holds is free again after 10 s."""

Post = Callable[[Key], None]
Script = Callable[[Post, Callable[[], None]], None]


@pytest.fixture(autouse=True)
def own_signals() -> Iterator[None]:
    """``run`` takes the process's signals; the tests get theirs back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def tell(number: signal.Signals) -> None:
    """Send a signal as systemd would: it is the main thread that gets it."""
    ident = threading.main_thread().ident
    assert ident is not None
    signal.pthread_kill(ident, number)


class Diary(io.StringIO):
    """What happened, in order; the service's lines among it, for it stands in for stderr."""

    def __init__(self) -> None:
        super().__init__()
        self.all: list[str] = []

    def write(self, text: str) -> int:
        self.all += text.splitlines()
        return len(text)

    def index(self, begins: str) -> int:
        return next(index for index, line in enumerate(self.all) if line.startswith(begins))

    def has(self, begins: str) -> bool:
        return any(line.startswith(begins) for line in self.all)


class Notes(NoService):
    """Keeps what is logged."""

    def __init__(self) -> None:
        self.notes: list[Entry] = []

    def log(self, entry: Entry) -> None:
        self.notes.append(entry)


class Wire:
    """The panel's bus: tells the diary when a picture arrives; once the kiosk is ready it breaks, if it is told to."""

    def __init__(self, diary: Diary, error: Exception | None = None) -> None:
        self._diary = diary
        self._error = error
        self.gate = threading.Event()
        """Pictures wait for it."""
        self.gate.set()
        self.used = threading.Event()

    def command(self, *cmd: int) -> None:
        self.used.set()
        if self._error is not None and self._diary.has("notice   ready"):
            raise self._error

    def data(self, data: Sequence[int]) -> None:
        assert self.gate.wait(SOON_S)
        self._diary.all.append("picture")

    def cleanup(self) -> None:
        self._diary.all.append("panel left")


class Keys:
    """Opens a keypad whose thread does what the script says; refuses as often as it is told first."""

    def __init__(self, world: World, script: Script, refusals: int = 0) -> None:
        self._world = world
        self._script = script
        self._refusals = refusals
        self._thread: threading.Thread | None = None

    def __call__(self, post: Post, barrier: Callable[[], None]) -> Keys:
        self._world.diary.all.append("keypad opened" if self._world.locked() else "keypad opened without a journal")
        if self._refusals:
            self._refusals -= 1
            raise KeypadError("GPIO 5 cannot be used")
        self._thread = threading.Thread(target=self._script, args=(post, barrier))
        self._thread.start()
        return self

    def close(self) -> None:
        assert self._thread is not None
        self._thread.join(SOON_S)
        self._world.diary.all.append("keypad closed" if self._world.locked() else "keypad closed after the journal")


class World:
    """A configuration without devices, in a folder of its own."""

    def __init__(self, folder: Path, display: DisplayConfig | None = None) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
        self.diary = Diary()
        self.control = folder / "control.sock"
        self.config = Config(
            SHOP,
            MercadoPagoConfig(COLLECTOR, "EXAMPLESTORE1", "EXAMPLEPOS1", base_url=f"http://127.0.0.1:{port}"),
            KeypadConfig(driver="none"),
            display or DisplayConfig(driver="none"),
            PrinterConfig(driver="none"),
            journal=folder / "journal.db",
            supervisors=str(folder / "supervisors"),
        )

    def run(self, ends: FarEnds) -> int:
        with redirect_stderr(self.diary):
            return run(self.config, Secret("APP_USR-1"), self.control, ends)

    def locked(self) -> bool:
        """Whether some kiosk runs on the journal."""
        try:
            SqliteJournal(self.config.journal).close()
        except JournalBusyError:
            return True
        return False

    def ask(self, command: str) -> dict[str, object]:
        return ask(self.control, {"command": command}, SOON_S)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def stop(post: Post, barrier: Callable[[], None]) -> None:
    """Wait until the loop turns, then ask it to end."""
    barrier()
    tell(signal.SIGTERM)


# --- a life -----------------------------------------------------------------------------------------------------------


def test_what_is_started_before_what_and_ended_in_the_opposite_order(tmp_path: Path) -> None:
    """Journal, keys, first picture, READY; and at the end keys, journal, and the words that stay on the panel."""
    world = World(tmp_path, DisplayConfig(driver="ssd1306"))
    assert world.run(FarEnds(Keys(world, stop), Wire(world.diary))) == 0
    diary = world.diary
    assert diary.index("keypad opened") < diary.index("notice   ready")
    assert diary.index("picture") < diary.index("notice   ready") < diary.index("notice   stopping")
    assert diary.index("notice   stopping") < diary.index("keypad closed")
    last_picture = max(index for index, line in enumerate(diary.all) if line == "picture")
    assert diary.index("keypad closed") < last_picture < diary.index("panel left")
    assert not diary.has("keypad opened without")
    assert not diary.has("keypad closed after")
    assert not world.locked()
    assert not world.control.exists()


def test_a_kiosk_that_may_be_reached_hears_notifications_and_counts_them(world: World) -> None:
    """Configured, it listens before anybody needs it; it is off where nothing is configured."""
    port = free_port()
    health: list[dict[str, Any]] = []

    def script(post: Post, barrier: Callable[[], None]) -> None:
        barrier()
        while not health or (health[-1].get("listen") and health[-1]["why"]):
            health.append(world.ask("status")["health"]["notifications"])  # type: ignore[index]
        if health[-1].get("listen"):
            client = http.client.HTTPConnection("127.0.0.1", port, timeout=SOON_S)
            assert send(client, "topic=payment&id=5", path="/") == 200
            client.close()
            health.append(world.ask("status")["health"]["notifications"])  # type: ignore[index]
        tell(signal.SIGTERM)

    assert world.run(FarEnds(Keys(world, script))) == 0
    assert "listen" not in health[-1], "off by default"
    world.config = replace(world.config, notifications_listen=f"127.0.0.1:{port}")
    health.clear()
    assert world.run(FarEnds(Keys(world, script))) == 0
    assert (health[-1]["listen"], health[-1]["heard"]) == (f"127.0.0.1:{port}", 1)
    assert "notifications" not in {thread.name for thread in threading.enumerate()}


def test_ready_is_said_when_the_first_picture_is_there(tmp_path: Path) -> None:
    """A panel that takes its time is waited for, here until all else is open."""
    world = World(tmp_path, DisplayConfig(driver="ssd1306"))
    wire = Wire(world.diary)
    wire.gate.clear()

    def script(post: Post, barrier: Callable[[], None]) -> None:
        while not world.control.exists():
            pass  # the last thing that is opened before READY
        with suppress(TimeoutError):  # nobody turns the loop yet: that comes after READY
            ask(world.control, {"command": "status"}, 0.2)
        wire.gate.set()
        stop(post, barrier)

    assert world.run(FarEnds(Keys(world, script), wire)) == 0
    assert world.diary.index("picture") < world.diary.index("notice   ready")


def test_the_first_picture_does_not_wait_for_the_headers_pins(tmp_path: Path) -> None:
    """gpiozero takes long to load. This machine has no pins: that this is said waits for the first picture, here."""

    class Patient(Diary):
        def write(self, text: str) -> int:
            if "pins-failed" in text and not wire.used.wait(SOON_S):
                self.all.append("too late")
            if text.startswith("notice   ready"):
                tell(signal.SIGTERM)
            return super().write(text)

    world = World(tmp_path, DisplayConfig(driver="ssd1306"))
    world.diary = Patient()
    world.config = replace(world.config, keypad=KeypadConfig())
    wire = Wire(world.diary)
    assert world.run(FarEnds(None, wire)) == 0
    assert not world.diary.has("too late")
    assert world.diary.has("warning  pins-failed")


def test_a_key_reaches_the_counter_and_its_status_is_answered(world: World) -> None:
    answers: list[dict[str, object]] = []

    def script(post: Post, barrier: Callable[[], None]) -> None:
        barrier()
        post(Key("5"))
        barrier()
        answers.append(world.ask("status"))
        tell(signal.SIGTERM)

    assert world.run(FarEnds(Keys(world, script))) == 0
    [status] = answers
    assert status["state"] in ("starting", "blocked"), "the provider never answers here"
    assert isinstance(status["health"], dict)
    assert status["health"]["journal"] is True


def test_a_request_that_hangs_behind_holds_up_none_in_front(world: World) -> None:
    """R20: whose token it is, is asked behind, and never answered here; what the POS holds is asked all the same."""
    asked_pos, over = threading.Event(), threading.Event()

    class Provider(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/users/me":
                over.wait(SOON_S)
            else:
                asked_pos.set()
            self.send_error(500)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the library's own name)
            """In no log."""

    came: list[bool] = []

    def script(post: Post, barrier: Callable[[], None]) -> None:
        barrier()
        came.append(asked_pos.wait(LESS_THAN_A_CALL_S))
        over.set()
        tell(signal.SIGTERM)

    with ThreadingHTTPServer(("127.0.0.1", 0), Provider) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        address = f"http://127.0.0.1:{server.server_address[1]}"
        world.config = replace(world.config, mercadopago=replace(world.config.mercadopago, base_url=address))
        assert world.run(FarEnds(Keys(world, script))) == 0
        server.shutdown()
        thread.join()
    assert came == [True]


def test_an_unknown_question_on_the_control_socket_is_told_what_is_known(world: World) -> None:
    answers: list[dict[str, object]] = []

    def script(post: Post, barrier: Callable[[], None]) -> None:
        barrier()
        answers.extend([world.ask("refund"), ask(world.control, {}, SOON_S), world.ask("status")])
        tell(signal.SIGTERM)

    assert world.run(FarEnds(Keys(world, script))) == 0
    unknown, empty, known = answers
    known_ones = "this kiosk knows status, config, keys, reprint, slip, paper, close and settle"
    assert unknown == {"error": f"unknown command 'refund': {known_ones}"}
    assert empty == {"error": f"unknown command None: {known_ones}"}
    assert "error" not in known


def test_a_hangup_is_logged_and_changes_nothing(world: World) -> None:
    def script(post: Post, barrier: Callable[[], None]) -> None:
        barrier()
        tell(signal.SIGHUP)
        barrier()
        tell(signal.SIGINT)

    assert world.run(FarEnds(Keys(world, script))) == 0
    assert world.diary.has("warning  reload: nothing can be re-read: restart")


def test_the_socket_is_beside_the_journal_or_where_the_environment_says(world: World) -> None:
    beside = world.config.journal.parent / "control.sock"
    assert control_path(world.config, {}) == control_path(world.config, {"KIOSK_CONTROL": ""}) == beside
    assert control_path(world.config, {"KIOSK_CONTROL": "/run/kiosk/c"}) == Path("/run/kiosk/c")


def test_money_can_be_given_back_where_there_is_a_supervisor(world: World) -> None:
    service = Notes()
    shop, supervisors = with_supervisors(world.config, service)
    assert (shop, supervisors.whose("2580")) == (world.config.shop, None)
    file = Path(world.config.supervisors)
    file.write_text(Supervisor.made("Ana", "2580", b"a" * 16).entry)
    file.chmod(0o640)
    shop, supervisors = with_supervisors(world.config, service)
    assert (shop, supervisors.whose("2580")) == (replace(world.config.shop, refunds=True), "Ana")
    assert service.notes == []


def test_supervisors_that_cannot_be_read_are_told_and_selling_goes_on(world: World) -> None:
    Path(world.config.supervisors).write_text("Ana:2580\n")
    Path(world.config.supervisors).chmod(0o640)
    assert world.run(FarEnds(Keys(world, stop))) == 0
    assert world.diary.has(f"warning  supervisors: {world.config.supervisors}: line 1 is none that kiosk pin writes")
    assert world.diary.has("notice   ready")
    assert "2580" not in "".join(world.diary.all)


# --- what fails -------------------------------------------------------------------------------------------------------


def test_a_kiosk_whose_keypad_cannot_be_opened_is_ready_all_the_same(world: World) -> None:
    """It follows what is open; and its end does not wait for the next try."""

    class Broken(Keys):
        def __call__(self, post: Post, barrier: Callable[[], None]) -> Keys:
            threading.Thread(target=stop, args=(post, barrier)).start()
            raise KeypadError("GPIO 5 cannot be used")

    assert world.run(FarEnds(Broken(world, stop))) == 0
    assert world.diary.has("notice   ready")
    assert world.diary.all.count("warning  keypad: GPIO 5 cannot be used") == 1


@pytest.mark.slow
def test_a_keypad_that_can_be_opened_later_is_opened_later(world: World) -> None:
    """Every five seconds it is tried again."""

    def script(post: Post, barrier: Callable[[], None]) -> None:
        for thread in threading.enumerate():
            if thread.name == "keypad-again":  # it has opened this keypad, and is about to say so
                thread.join(SOON_S)
        stop(post, barrier)

    assert world.run(FarEnds(Keys(world, script, refusals=1))) == 0
    assert world.diary.all.count("keypad opened") == 2
    assert world.diary.has("keypad closed")


def test_a_journal_that_another_kiosk_holds_stops_the_start(tmp_path: Path) -> None:
    """Nothing answers, no key is heard; the panel says that no kiosk runs."""
    world = World(tmp_path, DisplayConfig(driver="ssd1306"))
    holder = SqliteJournal(world.config.journal)
    with pytest.raises(JournalBusyError):
        world.run(FarEnds(Keys(world, stop), Wire(world.diary)))
    holder.close()
    assert not world.diary.has("keypad opened")
    assert not world.diary.has("notice   ready")
    assert not world.control.exists()
    assert world.diary.has("picture")


def test_a_damaged_journal_is_set_aside_and_the_start_goes_on(world: World) -> None:
    """What was wrong is in the service's log, and what lies aside in the status."""
    world.config.journal.write_bytes(b"lost" * 5000)
    asked: list[dict[str, object]] = []

    def script(post: Post, barrier: Callable[[], None]) -> None:
        barrier()
        asked.append(world.ask("status"))
        stop(post, barrier)

    assert world.run(FarEnds(Keys(world, script))) == 0
    assert world.diary.has("warning  journal-damaged: journal ")
    assert world.diary.has("error    journal-set-aside: ")
    [status] = asked
    assert isinstance(status["health"], dict)
    assert status["health"]["set_aside"] == ["journal.db.damaged-1"]
    assert world.config.journal.with_name("journal.db.damaged-1").read_bytes() == b"lost" * 5000


def test_a_worker_that_dies_ends_it_all_in_order(tmp_path: Path) -> None:
    """The process ends with status 1, and systemd starts it again; nothing is left behind that would stop that."""
    world = World(tmp_path, DisplayConfig(driver="ssd1306"))

    def script(post: Post, barrier: Callable[[], None]) -> None:
        """Nobody presses anything; that the provider does not answer changes the screen."""

    with pytest.raises(CrashError, match="display died: ZeroDivisionError"):
        world.run(FarEnds(Keys(world, script), Wire(world.diary, ZeroDivisionError("a fault"))))
    assert world.diary.has("critical crashed: display died: ZeroDivisionError")
    assert world.diary.has("keypad closed")
    assert not world.locked()
    assert not world.control.exists()


def test_a_panel_that_is_unplugged_stops_nothing(tmp_path: Path) -> None:
    """L9: the twin of the above, with an error that a bus may have."""
    world = World(tmp_path, DisplayConfig(driver="ssd1306"))
    assert world.run(FarEnds(Keys(world, stop), Wire(world.diary, OSError(121, "Remote I/O error")))) == 0
    assert world.diary.has("notice   ready")


def test_a_panel_of_a_size_that_does_not_exist_is_an_error_of_the_configuration(tmp_path: Path) -> None:
    world = World(tmp_path, DisplayConfig(driver="ssd1306", width=100))
    with pytest.raises(ConfigError):
        world.run(FarEnds(Keys(world, stop), Wire(world.diary)))
    assert not world.config.journal.exists()
