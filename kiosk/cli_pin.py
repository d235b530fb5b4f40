"""``kiosk pin``: the supervisors and their PINs, in the file that the service reads at its start.

A PIN is never an argument: every user of the machine could read it in the list of processes.
"""

from __future__ import annotations

import argparse
import getpass
import grp
import os
import secrets
import stat
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from kiosk.cli_sales import CommandError
from kiosk.config import load

MODE: Final = 0o640
"""Of a new file: root's, and the service's group may read it."""
GROUP: Final = "kiosk"
RESTART: Final = "in force after: systemctl restart kiosk"


def add_options(pin: argparse.ArgumentParser) -> None:
    """Whose, and what is done."""
    pin.add_argument("name", nargs="?", metavar="NAME", help="the supervisor; the PIN is asked for")
    what = pin.add_mutually_exclusive_group()
    what.add_argument("--remove", action="store_true", help="the supervisor is none any more")
    what.add_argument("--list", action="store_true", help="the names of all supervisors")


def pin(parsed: argparse.Namespace) -> int:
    """Give a supervisor a PIN, take it away, or list the names."""
    name = load(parsed.config).supervisors
    if not name:
        raise CommandError('[refunds] supervisors is "": there is no file for them')
    path = Path(name)
    text = _text(path)
    if parsed.list:
        for each in _names(text):
            print(each)
    elif parsed.name is None:
        raise CommandError("whose? kiosk pin NAME; kiosk pin --list tells the names")
    elif parsed.remove:
        if parsed.name not in _names(text):
            raise CommandError(f"{parsed.name} is no supervisor in {path}")
        _write(path, _without(text, parsed.name))
        print(f"{path}: {parsed.name} is no supervisor any more; {RESTART}")
    else:
        _write(path, _with(text, parsed.name))
        print(f"{path}: {parsed.name} has a PIN; {RESTART}")
    return 0


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise CommandError(f"{path}: cannot be read: {why}; sudo kiosk pin") from None


def _names(text: str) -> list[str]:
    from kiosk.supervisors import Supervisor

    return [found.name for line in text.splitlines() if (found := Supervisor.read(line))]


def _without(text: str, name: str) -> str:
    """The file without that supervisor; what else stands in it stays."""
    from kiosk.supervisors import Supervisor

    lines = [line for line in text.splitlines() if (found := Supervisor.read(line)) is None or found.name != name]
    return "".join(f"{line}\n" for line in lines)


def _with(text: str, name: str) -> str:
    """The file with that supervisor's PIN, in the place of the one before.

    Raises:
        CommandError: the name or the PIN will not do.
    """
    from kiosk.supervisors import MOST, NAME, SALT_BYTES, Supervisor

    others = _without(text, name)
    if not NAME.fullmatch(name) or not name.isprintable() or name != name.strip():
        raise CommandError("a name has 1 to 24 characters, no colon, and no # at its beginning")
    if len(_names(others)) >= MOST:
        raise CommandError(f"there are {MOST} supervisors already; remove one: kiosk pin NAME --remove")
    typed = _typed()
    if why := _why_not(typed, others):
        raise CommandError(f"not taken: {why}")
    return f"{others}{Supervisor.made(name, typed, secrets.token_bytes(SALT_BYTES)).entry}\n"


def _typed() -> str:
    """Unseen and twice at a terminal; once from a pipe."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().strip()
    try:
        first = getpass.getpass("PIN, 4 to 8 digits (it does not show): ")
        again = getpass.getpass("The same once more: ")
    except EOFError:
        raise CommandError("no PIN was given") from None
    if first != again:
        raise CommandError("the two are not the same; nothing was changed")
    return first


def _why_not(typed: str, others: str) -> str:
    """Why that PIN will not do; empty: it will."""
    from kiosk.supervisors import PIN, Supervisors, guessable

    if not PIN.fullmatch(typed):
        return "a PIN has 4 to 8 digits"
    if why := guessable(typed):
        return f"everybody tries that first: {why}"
    if Supervisors(others.splitlines()).whose(typed) is not None:
        return "another supervisor has that PIN, and nobody could tell who did what"
    return ""


def _write(path: Path, text: str) -> None:
    """Whole and on the disk, or not at all; with the owner and the mode of the file that was there."""
    new = path.with_name(path.name + ".new")
    try:
        owner, group, mode = _belongs(path)
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        new.unlink(missing_ok=True)
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            os.fchown(file.fileno(), owner, group)
            os.fchmod(file.fileno(), mode)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise CommandError(f"{path}: cannot be written: {error.strerror}; sudo kiosk pin") from None
    finally:
        with suppress(OSError):
            new.unlink(missing_ok=True)


def _belongs(path: Path) -> tuple[int, int, int]:
    """Owner, group and mode that the file is to have; -1: as the system makes it."""
    try:
        there = path.stat()
    except FileNotFoundError:
        group = -1
        if os.geteuid() == 0:
            with suppress(KeyError):  # not installed here
                group = grp.getgrnam(GROUP).gr_gid
        return -1, group, MODE
    return there.st_uid, there.st_gid, stat.S_IMODE(there.st_mode)
