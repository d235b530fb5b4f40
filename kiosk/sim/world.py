"""``kiosk sim``: one process that is the counter's world, and the kiosk as its child.

Everything the kiosk needs to find this world lies in a private folder (mode 0700) that goes away with it: a
configuration derived from the shop's own, the fake account's token and its supervisor, the sockets of keypad, panel and
control, and the journal where no other was named.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kiosk.config import ConfigError, PrinterConfig, load
from kiosk.sim import shop
from kiosk.sim.child import USAGE, Kiosk
from kiosk.sim.counter import VirtualCounter
from kiosk.sim.line import Line
from kiosk.sim.mercadopago import FakeMercadoPago
from kiosk.sim.oled import Oled
from kiosk.sim.page import page
from kiosk.sim.paper import Roll
from kiosk.sim.printer import TcpPrinter
from kiosk.sim.served import bound, served
from kiosk.sim.wires import Keys, Panel
from kiosk.supervisors import SALT_BYTES, Supervisor

KIOSK: Final = (sys.executable, "-m", "kiosk")
_LOOPBACK: Final = {"127.0.0.1": "127.0.0.1", "localhost": "127.0.0.1", "[::1]": "::1"}
_SERVICE_VARIABLES: Final = ("NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "JOURNAL_STREAM", "LISTEN_FDS")
"""A service manager that runs the world means the world with these, not the kiosk."""


class CannotStart(Exception):  # noqa: N818  (its text is the whole story)
    """The virtual counter was called wrongly; one line says how."""


def run_sim(
    config: Path | None,
    journal: Path | None,
    listen: str,
    real: frozenset[str],
    *,
    program: tuple[str, ...] = KIOSK,
) -> int:
    """Run the virtual counter until it is interrupted; answers the exit status (0, or 2: called wrongly).

    Its address is the one line on standard output. ``config`` None: the built-in shop; ``journal`` None: one that goes
    away with the counter; ``listen``: a loopback ``HOST:PORT``, port 0 for any free one; ``real``: of ``shop.REAL``;
    ``program``: what is run as the kiosk.
    """
    try:
        plan = make_plan(config, journal, real, program)
        listener = _listener(listen)
    except (CannotStart, ConfigError) as error:
        sys.stderr.write(f"kiosk sim: {error}\n")
        return USAGE
    with listener, tempfile.TemporaryDirectory(prefix="kiosk-sim-") as private:
        return asyncio.run(_live(plan, Path(private), listener))


# --- what was asked for -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be set up: the shop, which of its far ends are real, and the journal, where one was named."""

    tables: shop.Tables
    real: frozenset[str]
    journal: Path | None
    program: tuple[str, ...]
    """The kiosk's command line, as far as its first word."""


def make_plan(
    config: Path | None, journal: Path | None, real: frozenset[str], program: tuple[str, ...] = KIOSK
) -> Plan:
    """What those options ask for.

    Raises:
        CannotStart: they make no sense together.
        ConfigError: the shop's configuration has mistakes.
    """
    strange = real.difference(shop.REAL)
    if strange:
        raise CannotStart(f"--real {','.join(sorted(strange))}: it must be some of {', '.join(shop.REAL)}")
    if config is None and "mercadopago" in real:
        raise CannotStart("--real mercadopago needs the shop's --config: the built-in shop has no real account")
    if config is not None:
        load(config)  # What is wrong with it must be told about this file, not about what is derived from it.
    return Plan(shop.read(config), real, journal.absolute() if journal else None, program)


def _listener(listen: str) -> socket.socket:
    host, _, port = listen.rpartition(":")
    if host not in _LOOPBACK or not (port.isascii() and port.isdigit() and int(port) < 65536):
        raise CannotStart(f"--listen {listen}: it must be 127.0.0.1:PORT, localhost:PORT or [::1]:PORT")
    try:
        return bound(_LOOPBACK[host], int(port))
    except OSError as error:
        raise CannotStart(f"--listen {listen}: {error.strerror}; choose another port") from None


# --- setting it up ----------------------------------------------------------------------------------------------------


async def _live(plan: Plan, private: Path, listener: socket.socket) -> int:
    async with set_up(plan, private) as counter, served(page(counter), listener):
        interrupted = _interrupts(counter.kiosk)
        host, port = listener.getsockname()[:2]
        sys.stdout.write(f"http://{f'[{host}]' if ':' in host else host}:{port}/\n")
        sys.stdout.flush()
        counter.kiosk.power_on()
        return await _until(interrupted, counter.kiosk)


@asynccontextmanager
async def set_up(plan: Plan, private: Path) -> AsyncIterator[VirtualCounter]:
    """Everything on the counter, while the block runs; the kiosk is there and has no power yet."""
    async with AsyncExitStack() as stack:
        fake = None if "mercadopago" in plan.real else await _account(plan.tables, private, stack)
        printer = None if "printer" in plan.real else await _printer(plan.tables, stack)
        panel = None if "display" in plan.real else await _panel(private, stack)
        keys = None if "keypad" in plan.real else await _keys(private, stack)
        ends = shop.FarEnds(
            account=fake.end if fake else None,
            printer_port=printer.port if printer else None,
            display=panel is not None,
            keypad=keys is not None,
            journal=plan.journal or private / "journal.db",
        )
        config = shop.write_private(private / "kiosk.toml", shop.toml(shop.with_far_ends(plan.tables, ends)))
        kiosk = Kiosk(
            [*plan.program, "run", "--config", str(config), "--journal", str(ends.journal)],
            _environment(os.environ, private, ends),
            afterwards=[*plan.program, "panel", "--config", str(config), "restarting"],
        )
        stack.push_async_callback(kiosk.cut)
        yield VirtualCounter(kiosk, private / "control.sock", fake.account if fake else None, printer, panel, keys)


@dataclass(frozen=True, slots=True)
class _Fake:
    account: FakeMercadoPago
    end: shop.Account


async def _account(tables: shop.Tables, private: Path, stack: AsyncExitStack) -> _Fake:
    token = f"TEST-{secrets.token_hex(16)}"
    own = tables["mercadopago"]
    account = FakeMercadoPago(
        wall=time.time,
        token=token,
        user_id=own["user_id"],
        store=own["external_store_id"],
        pos=own["external_pos_id"],
        site=tables["shop"]["site"],
    )
    listener = bound("127.0.0.1", 0)
    await stack.enter_async_context(served(account.app, listener, date_header=False))
    line = Line()
    port = await line.start(*listener.getsockname())
    stack.push_async_callback(line.close)
    account.attach(line)
    stack.push_async_callback(account.close)
    token_file = shop.write_private(private / "token", token)
    supervisor = Supervisor.made(shop.SUPERVISOR, shop.PIN, secrets.token_bytes(SALT_BYTES))
    supervisors = shop.write_private(private / "supervisors", supervisor.entry + "\n")
    return _Fake(account, shop.Account(f"http://127.0.0.1:{port}", token_file, supervisors, _free_port()))


def _free_port() -> int:
    """A port that nobody has at this moment: the kiosk binds it itself, as often as it is started."""
    with bound("127.0.0.1", 0) as listener:
        return int(listener.getsockname()[1])


async def _printer(tables: shop.Tables, stack: AsyncExitStack) -> TcpPrinter:
    printer = TcpPrinter(Roll(tables.get("printer", {}).get("columns", PrinterConfig().columns)))
    await printer.plug_in()
    stack.callback(printer.close)
    return printer


async def _panel(private: Path, stack: AsyncExitStack) -> Panel:
    panel = Panel(Oled())
    server = await panel.listen(private / "display.sock")
    stack.callback(panel.close)
    stack.callback(server.close)
    return panel


async def _keys(private: Path, stack: AsyncExitStack) -> Keys:
    keys = Keys()
    server = await keys.listen(private / "keypad.sock")
    stack.callback(keys.close)
    stack.callback(server.close)
    return keys


def _environment(own: Mapping[str, str], private: Path, ends: shop.FarEnds) -> dict[str, str]:
    environment = {name: value for name, value in own.items() if name not in _SERVICE_VARIABLES}
    if ends.account is not None:
        environment.pop("CREDENTIALS_DIRECTORY", None)  # The real token is no business of a fake account.
    return {**environment, "KIOSK_COUNTER": str(private), "KIOSK_CONTROL": str(private / "control.sock")}


# --- living and ending ------------------------------------------------------------------------------------------------


def _interrupts(kiosk: Kiosk) -> asyncio.Event:
    """Set when the world is asked to end. Who asks twice does not want to wait for the kiosk to put things in order."""
    interrupted = asyncio.Event()

    def interrupt() -> None:
        if interrupted.is_set():
            kiosk.kill()
        interrupted.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, interrupt)
    return interrupted


async def _until(interrupted: asyncio.Event, kiosk: Kiosk) -> int:
    keeping = asyncio.create_task(kiosk.keep())
    waiting = asyncio.create_task(interrupted.wait())
    await asyncio.wait((keeping, waiting), return_when=asyncio.FIRST_COMPLETED)
    if keeping.done():
        waiting.cancel()
        return keeping.result()
    sys.stderr.write("kiosk sim: stopping the kiosk; once more to stop at once\n")
    await kiosk.stop()
    keeping.cancel()
    return 0
