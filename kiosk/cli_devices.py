"""The commands that touch a device: ``kiosk keys``, ``reprint``, ``panel``, and the slip of ``kiosk check --print``.

While the service runs it owns the devices: then it is asked. Only when it is stopped are they opened here. Each
command loads what it needs inside itself, as those of ``cli`` do.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kiosk.cli_sales import CommandError
from kiosk.config import Config, PanelConfig, load
from kiosk.sale.words import Down

if TYPE_CHECKING:
    from kiosk.assembly import FarEnds
    from kiosk.check import Result
    from kiosk.journal import Logged
    from kiosk.ports import Keypad
    from kiosk.sale.events import DeviceIs, Key
    from kiosk.sale.records import Mark, Ticket

WATCH_S: Final = 0.2
"""Between two looks at the keys that reached the service."""

# --- keys -------------------------------------------------------------------------------------------------------------


def show_keys(parsed: argparse.Namespace) -> int:
    """What the keypad sends, until Ctrl-C: as it reaches the service, or from the keypad itself."""
    from kiosk.assembly import control_path
    from kiosk.running import NOBODY, keys

    config = load(parsed.config)
    control = control_path(config, os.environ)
    try:
        _, last = keys(control, None)
    except NOBODY:
        return _listen(config)
    except ValueError as error:
        raise CommandError(f"the service does not answer: {error}") from None
    print("the service runs: keys act at the counter, too; press some; Ctrl-C ends", flush=True)
    while True:
        time.sleep(WATCH_S)
        try:
            pressed, last = keys(control, last)
        except (OSError, ValueError) as error:
            raise CommandError(f"the service ended, or does not answer: {error}") from None
        for line in pressed:
            _show_line(line)


def _listen(config: Config) -> int:
    from kiosk.keypad import KeypadError, open_keypad

    try:
        keypad = open_keypad(config.keypad, _show_key, time.monotonic, report=_show_faults, tell=_show_line)
    except KeypadError as error:
        raise CommandError(str(error)) from None
    print("press keys; Ctrl-C ends", flush=True)
    try:
        while True:
            time.sleep(3600)
    finally:
        keypad.close()


def _show_key(key: Key) -> None:
    from kiosk.running import key_line

    _show_line(key_line(key.key, held=key.held))


def _show_faults(keypad: DeviceIs) -> None:
    for fault in keypad.faults:
        _show_line(fault.text)


def _show_line(line: str) -> None:
    print(line, flush=True)


# --- paper ------------------------------------------------------------------------------------------------------------


def reprint(parsed: argparse.Namespace) -> int:
    """A sale's ticket once more, marked as what it is."""
    from kiosk.assembly import control_path
    from kiosk.running import NOBODY, printed

    config = load(parsed.config)
    request: dict[str, object] = {"command": "reprint", "number": parsed.number}
    try:
        done, told = printed(control_path(config, os.environ), request, time.sleep)
    except NOBODY:
        done, told = _reprint_here(config, parsed.number)
    except ValueError as error:
        raise CommandError(str(error)) from None
    if not done:
        raise CommandError(told)
    print(told)
    return 0


def _reprint_here(config: Config, number: int) -> tuple[bool, str]:
    from kiosk.journal import Reader
    from kiosk.sale.paper import copy_mark

    with Reader(config.journal) as reader:
        debt = reader.ticket(number)
    if debt is None:
        raise CommandError(f"there is no ticket of sale {number} in {config.journal}")
    if debt.open:  # L3: nobody would write down that it is out
        raise CommandError(f"the ticket of sale {number} is still owed: the service prints it; systemctl start kiosk")
    mark = copy_mark(debt)
    what = f"the ticket of sale {number} as {mark.value.replace('-', ' ').upper()}"
    return _print_here(config, debt.ticket, (*debt.marks, mark), what)


def print_slip(config: Config, results: Sequence[Result]) -> Result:
    """Print what was found, with all that support asks for; answers what came of it as one more result."""
    from kiosk.assembly import control_path
    from kiosk.check import Result
    from kiosk.running import NOBODY, printed
    from kiosk.slip import lines

    text = lines(results, _troubles(config.journal), time.time(), config.shop.zone)
    try:
        request: dict[str, object] = {"command": "slip", "lines": text}
        done, told = printed(control_path(config, os.environ), request, time.sleep)
    except NOBODY:
        done, told = _slip_here(config, tuple(text))
    except (OSError, ValueError) as error:
        done, told = False, f"not printed: {error}"
    return Result("slip", done, told)


def _troubles(journal: Path) -> Sequence[Logged]:
    from kiosk.journal import Reader
    from kiosk.ports import JournalError
    from kiosk.slip import TROUBLES_MAX

    try:
        with Reader(journal) as reader:
            return reader.troubles(TROUBLES_MAX)
    except JournalError:  # the checks say what is wrong with it
        return ()


def _slip_here(config: Config, text: tuple[str, ...]) -> tuple[bool, str]:
    from kiosk.sale.records import Mark
    from kiosk.sale.ticket import service_slip

    marks = (Mark.TRAINING,) if config.shop.training else ()
    return _print_here(config, service_slip(text, config.shop), marks, "the slip")


def _print_here(config: Config, ticket: Ticket, marks: tuple[Mark, ...], what: str) -> tuple[bool, str]:
    from kiosk.assembly import printer_of
    from kiosk.running import outcome_in_words
    from kiosk.sale.commands import Print
    from kiosk.sale.events import Printed, PrintFailed
    from kiosk.sale.paper import Outcome, outcome_of

    if config.printer.driver == "none":
        return outcome_in_words(Outcome.REFUSED, what, "no printer is configured")
    answer = printer_of(config).carry_out(Print(1, ticket, marks))
    assert isinstance(answer, Printed | PrintFailed)
    outcome, why = outcome_of(answer)
    return outcome_in_words(outcome, what, why)


# --- the panel, while no kiosk runs -----------------------------------------------------------------------------------


def show_panel(parsed: argparse.Namespace) -> int:
    """Draw why no kiosk runs. Answers 0 also where nothing can be drawn: no end of the service fails for a picture."""
    from kiosk.config import ConfigError, load_panel
    from kiosk.still import leave, why_down
    from kiosk.systemd import jobs

    try:
        config = load_panel(parsed.config)
    except ConfigError as error:
        print(f"panel: nothing is drawn: {error}", file=sys.stderr)
        return 0
    if _runs(config):
        raise CommandError("the service has the panel: systemctl stop kiosk first")
    why = Down(parsed.why) if parsed.why else why_down(os.environ, jobs())
    fault = leave(config, why, time.monotonic, far_ends().wire)
    print(f"panel: {why.value}{f', but nothing is drawn: {fault}' if fault else ''}")
    return 0


def _runs(config: PanelConfig) -> bool:
    from kiosk.assembly import control_path
    from kiosk.control import ask

    try:
        ask(control_path(config, os.environ), {"command": "status"})
    except (OSError, ValueError):
        return False
    return True


def far_ends() -> FarEnds:
    """The real devices; or, as the virtual counter's child, those that it has put sockets for."""
    from kiosk.assembly import FarEnds

    place = os.environ.get("KIOSK_COUNTER")
    if not place:
        return FarEnds()
    from kiosk.sim.remote import RemoteKeypad, RemoteWire

    keypad, display = Path(place, "keypad.sock"), Path(place, "display.sock")

    def remote(post: Callable[[Key | DeviceIs], None], barrier: Callable[[], None]) -> Keypad:
        return RemoteKeypad(keypad, post, barrier, post)

    return FarEnds(remote if keypad.exists() else None, RemoteWire(display) if display.exists() else None)
