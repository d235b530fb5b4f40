"""The technician's commands. Each loads what it needs inside itself; ``kiosk --help`` needs no library.

Exit status: 0, 1 (something is wrong), 2 (wrong usage or configuration). Errors are one line each, on stderr; a
traceback only with ``KIOSK_DEBUG=1``.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from kiosk.cli_backup import add_arguments, backup
from kiosk.cli_devices import far_ends, print_slip, reprint, show_keys, show_panel
from kiosk.cli_pin import add_options as add_pin_options
from kiosk.cli_pin import pin
from kiosk.cli_report import add_options as add_report_options
from kiosk.cli_report import report
from kiosk.cli_sales import CommandError, add_actions, list_sales, sale_number
from kiosk.cli_settle import add_options as add_settle_options
from kiosk.cli_settle import settle
from kiosk.cli_setup import add_options as add_setup_options
from kiosk.cli_setup import setup
from kiosk.cli_totals import add_options as add_totals_options
from kiosk.cli_totals import close, totals
from kiosk.config import DEFAULT_PATH, Config, ConfigError, load, load_token, masked, token_warning
from kiosk.ports import JournalError
from kiosk.sale.words import Down

if TYPE_CHECKING:
    from kiosk.check import Result

SIM_LISTEN: Final = "127.0.0.1:8080"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; answers the exit status."""
    from kiosk.loop import CrashError
    from kiosk.sale.front import BrokenError

    parsed = _parser().parse_args(arguments)
    expected: tuple[type[Exception], ...] = (CommandError, JournalError, CrashError, BrokenError, OSError)
    if os.environ.get("KIOSK_DEBUG") == "1":
        expected = ()
    try:
        status = int(parsed.command(parsed))
        sys.stdout.flush()
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever read our output has enough of it; nor may Python complain at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except expected as error:
        print(f"kiosk: {error}", file=sys.stderr)
        return 1
    return status


class _Parser(argparse.ArgumentParser):
    """Whoever types the access token where it does not belong does not see it again (law L10)."""

    def error(self, message: str) -> NoReturn:
        super().error(re.sub(r"(APP_USR|TEST)-\S+", "********", message))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="kiosk", description="A counter-payment kiosk: keypad, OLED, printer, QR.")
    parser.add_argument("--version", action=_Version)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], int], words: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=words, description=words)
        added.set_defaults(command=run)
        if name != "sim":
            added.add_argument("--config", type=Path, default=DEFAULT_PATH, help=f"default: {DEFAULT_PATH}")
        return added

    run = command("run", _run, "the service: sell until told to stop")
    run.add_argument("--journal", type=Path, help="instead of the configured one")
    sim = command("sim", _sim, "the virtual counter in the browser")
    sim.add_argument("--config", type=Path, help="a shop's configuration (default: a built-in shop)")
    sim.add_argument("--journal", type=Path, help="keep the journal there (default: a temporary one)")
    sim.add_argument("--listen", metavar="HOST:PORT", help=f"default: {SIM_LISTEN}")
    sim.add_argument("--real", default="", metavar="NAME,...", help="real ends: mercadopago, printer, display, keypad")
    sim.add_argument("--only", choices=["mercadopago"], help="start the fake Mercado Pago alone")
    sim.add_argument("--port", type=_port, help="its port, with --only (default: any free one)")
    check = command("check", _check, "test every device and the account")
    check.add_argument("--json", action="store_true")
    check.add_argument("--print", action="store_true", help="print the results, and what support asks for, as a slip")
    status = command("status", _status, "what the running kiosk is doing")
    status.add_argument("--json", action="store_true")
    status.add_argument("--wait", type=float, metavar="SECONDS", help="until nobody is served, at most this long")
    command("reload", _reload, "what the running kiosk would read anew, and what needs a restart")
    command("config", _config, "show the configuration in force, secrets masked")
    command("keys", show_keys, "show what the keypad sends; Ctrl-C ends")
    again = command("reprint", reprint, "a sale's ticket once more, marked as a copy or as a possible duplicate")
    again.add_argument("number", type=sale_number, metavar="N")
    add_totals_options(command("totals", totals, "what was sold since the last Z, on a day, or in a closed day"))
    command("close", close, "close the day at the running kiosk: its Z is written, then printed")
    add_settle_options(command("settle", settle, "money that completes no sale: list it; delivered, or refunded"))
    add_pin_options(command("pin", pin, "a supervisor's PIN, for refunds at the keypad; or the supervisors' names"))
    add_report_options(command("report", report, "one file for support, without secrets"))
    add_setup_options(command("setup", setup, "find or make store and point of sale; fill in configuration and token"))
    panel = command("panel", show_panel, "draw why no kiosk runs; the unit does it at each end")
    panel.add_argument("why", nargs="?", choices=[why.value for why in Down], help="default: what systemd says")
    add_actions(command("sales", list_sales, "the journal: list, show N, export; reconcile it with the account"))
    add_arguments(command("backup", backup, "all that a new card needs into a new folder, also while it runs"))
    return parser


class _Version(argparse.Action):
    """``--version``, found out only when it is asked for: looking it up takes longer than the rest of the parser."""

    def __init__(self, option_strings: Sequence[str], dest: str) -> None:
        super().__init__(option_strings, dest, nargs=0, help="show the version and exit")

    def __call__(self, parser: argparse.ArgumentParser, *_others: object) -> None:
        from importlib.metadata import version

        print(f"kiosk {version('kiosk')}")
        parser.exit()


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 65536):
        raise argparse.ArgumentTypeError(f"{text} is no port: 0 to 65535")
    return int(text)


def _run(parsed: argparse.Namespace) -> int:
    config = _with_journal(load(parsed.config), parsed.journal)
    token = load_token(config)
    if warning := token_warning(config):
        print(f"kiosk: {warning}", file=sys.stderr)
    from kiosk.assembly import control_path, run

    return run(config, token, control_path(config, os.environ), far_ends())


def _with_journal(config: Config, journal: Path | None) -> Config:
    return config if journal is None else replace(config, journal=journal)


def _sim(parsed: argparse.Namespace) -> int:
    if wrong := _strangers(parsed):
        print(f"kiosk sim: {wrong}", file=sys.stderr)
        return 2
    try:
        from kiosk.sim.mercadopago import serve
        from kiosk.sim.world import run_sim
    except ModuleNotFoundError as error:  # the extra "sim" is not there
        raise CommandError(f"the virtual counter needs {error.name}: run ./install.sh --demo") from None
    if parsed.only:
        import asyncio

        asyncio.run(serve(parsed.port or 0))
        return 0
    real = frozenset(name for name in parsed.real.split(",") if name)
    return run_sim(parsed.config, parsed.journal, parsed.listen or SIM_LISTEN, real)


def _strangers(parsed: argparse.Namespace) -> str:
    """Which options do not go together; an option that is taken and does nothing is a lie."""
    if not parsed.only:
        return "--port is for --only; the counter's address is --listen" if parsed.port is not None else ""
    others = [f"--{name}" for name in ("config", "journal", "listen", "real") if getattr(parsed, name)]
    return f"--only goes with --port alone, not with {', '.join(others)}" if others else ""


# --- check, status, config --------------------------------------------------------------------------------------------


def _check(parsed: argparse.Namespace) -> int:
    from kiosk.check import write

    config = load(parsed.config)
    results = list(_results(config))
    if parsed.print:
        results.append(print_slip(config, results))
    return write(results, sys.stdout, as_json=parsed.json)


def _results(config: Config) -> Iterator[Result]:
    from kiosk.assembly import control_path
    from kiosk.check import check_supervisors, modes, of_service
    from kiosk.check_machine import check_machine
    from kiosk.control import ask
    from kiosk.running import NOBODY
    from kiosk.supervisors import read_file

    yield from check_machine(config.journal, config.mercadopago.base_url)
    try:
        answer = ask(control_path(config, os.environ), {"command": "status"})
    except NOBODY:  # the devices are free
        yield from _device_results(config)
    except (OSError, ValueError) as error:  # somebody is, and owns them
        yield from of_service({"error": f"no answer: {error}"})
    else:
        yield from of_service(answer)
    yield from modes(config)
    yield check_supervisors(*read_file(config.supervisors))
    yield from _account_results(config)


def _device_results(config: Config) -> Iterator[Result]:
    from kiosk.assembly import printer_of
    from kiosk.check import (
        check_display,
        check_journal,
        check_keypad,
        check_paper,
        check_printer,
        check_set_aside,
        check_sound,
    )
    from kiosk.journal import found_aside, refuse_damaged
    from kiosk.keypad import keypad_state
    from kiosk.sale.commands import AskPrinter
    from kiosk.sale.events import PaperIs

    yield from check_keypad(*keypad_state(config.keypad))
    yield from check_sound(_silent_pins(config))
    if config.display.driver != "none":
        yield check_display(_show_something(config), config.display.driver)
    if config.printer.driver != "none":
        printer = printer_of(config)
        answer = printer.carry_out(AskPrinter())
        assert isinstance(answer, PaperIs)
        yield check_printer(answer.paper, printer.trouble)
        yield from check_paper(_tickets_left(config))
    yield check_journal(config.journal, lambda path: refuse_damaged(path, deep=True))
    yield from check_set_aside(found_aside(config.journal))


def _silent_pins(config: Config) -> tuple[str, ...] | None:
    """Which of buzzer and lights cannot be used; None: there are none."""
    from kiosk.keypad import KeypadError, open_pins
    from kiosk.sound import GpioSounds

    if {config.sound.buzzer, config.sound.led_paid, config.sound.led_error} == {None}:
        return None
    try:
        pins = open_pins(config.keypad.pins)
    except KeypadError as error:
        return (str(error),)
    with pins:
        sounds = GpioSounds(config.sound, time.monotonic, pin_factory=pins)
        faults = sounds.faults
        sounds.close()
    return faults


def _tickets_left(config: Config) -> int | None:
    """For about how many tickets there is paper, as the journal counts it; None: nobody knows."""
    from kiosk.journal import Reader
    from kiosk.sale.roll import tickets_left

    try:
        with Reader(config.journal) as reader:
            return tickets_left(reader.roll(), config.shop.roll_m)
    except JournalError:  # the check of the journal says what is wrong with it
        return None


def _show_something(config: Config) -> str | None:
    """Draw on the panel; answers what is wrong with it."""
    from kiosk.display import Panel
    from kiosk.sale.screens import Screen

    try:
        panel = Panel(config.display, time.monotonic)
    except ValueError as error:  # luma has no such panel in that size
        return str(error)
    panel.draw(Screen("kiosk check", "12345", "67890"))
    fault = panel.fault
    panel.close()
    return fault


def _account_results(config: Config) -> Iterator[Result]:
    from kiosk.assembly import provider_of
    from kiosk.check import Result, check_account

    try:
        token = load_token(config)
    except ConfigError as error:
        yield Result("token", False, str(error), "write the access token into that file")
        return
    provider = provider_of(config, token)
    try:
        yield from check_account(config, provider, time.monotonic, time.time)
    finally:
        provider.close()


def _status(parsed: argparse.Namespace) -> int:
    import json

    from kiosk.assembly import control_path
    from kiosk.running import line, status, wait_until_nobody_is_served

    control = control_path(load(parsed.config), os.environ)
    if parsed.wait is not None:
        return 0 if wait_until_nobody_is_served(lambda: status(control), parsed.wait, time.sleep, sys.stdout) else 1
    now = status(control)
    if now is None:
        raise CommandError("it does not run; systemctl start kiosk")
    print(json.dumps(now, ensure_ascii=False, indent=1) if parsed.json else line(now))
    return 0


def _reload(parsed: argparse.Namespace) -> int:
    """``systemctl reload``: the file is checked whole; everything in it is read at the start only."""
    from kiosk.assembly import control_path
    from kiosk.control import ask
    from kiosk.running import changed

    config = load(parsed.config)
    answer = ask(control_path(config, os.environ), {"command": "config"})
    if "config" not in answer:
        raise CommandError(str(answer.get("error")))
    settings = changed(str(answer["config"]), config)
    if settings:
        print(f"changed, and in force after systemctl restart kiosk: {', '.join(settings)}")
    else:
        print(f"{parsed.config}: nothing has changed; the token and everything else are read at the start only")
    return 0


def _config(parsed: argparse.Namespace) -> int:
    sys.stdout.write(masked(load(parsed.config)))
    return 0
