"""``kiosk setup`` at a terminal, or in a script: what it asks, and what can be said with options instead.

The access token is never an argument: every user of the machine could read it in the list of processes (law L10).
"""

from __future__ import annotations

import argparse
import getpass
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kiosk.cli_sales import CommandError
from kiosk.config import STORED_TOKEN, ConfigError, Secret, read_token

if TYPE_CHECKING:
    from kiosk.mercadopago.premises import Address, Pos
    from kiosk.setup import Wishes

ADDRESS: Final = {
    "street": "street, without the number",
    "number": "its number",
    "city": "city, as Mercado Pago spells it",
    "state": "state or province, likewise",
    "latitude": "latitude, such as -23.5505",
    "longitude": "longitude, such as -46.6333",
}


def add_options(setup: argparse.ArgumentParser) -> None:
    """Everything that it would ask."""
    setup.add_argument("--token-file", metavar="FILE", help="read the access token there; -: from standard input")
    setup.add_argument("--store", default="", metavar="ID", help="the store's external id")
    setup.add_argument("--pos", default="", metavar="ID", help="the point of sale's external id")
    setup.add_argument(
        "--create", action="store_true", help="make what is not there, and mend what the kiosk cannot use"
    )
    setup.add_argument("--shop", default="", metavar="NAME", help="the shop's name, on its tickets")
    for name, words in ADDRESS.items():
        setup.add_argument(f"--{name}", metavar=name.upper(), help=f"of a new store: {words}")
    setup.add_argument("--qr", type=Path, default=Path(), metavar="FOLDER", help="where to put the QR (default: here)")
    setup.add_argument("--base-url", metavar="URL", help="where Mercado Pago answers; only to test")
    setup.add_argument("--force", action="store_true", help="change a configuration or token that is there")
    setup.add_argument("--dry-run", action="store_true", help="ask Mercado Pago, and change nothing")


class Terminal:
    """A technician is asked. End of input at a question ends the command."""

    def say(self, text: str) -> None:
        """A line."""
        print(_clean(text), flush=True)

    def ask(self, question: str, option: str, default: str = "") -> str:  # noqa: ARG002  (see Desk)
        """Again, until there is something."""
        while True:
            answer = _line(f"{question}{f' [{default}]' if default else ''}: ") or default
            if answer:
                return answer

    def choose(self, question: str, option: str, names: Sequence[str]) -> int:  # noqa: ARG002  (see Desk)
        """By its number."""
        for number, name in enumerate(names, start=1):
            self.say(f"  {number}  {name}")
        while True:
            answer = _line(f"{question} (1 to {len(names)}): ")
            if answer.isascii() and answer.isdigit() and 1 <= int(answer) <= len(names):
                return int(answer) - 1

    def agree(self, question: str, option: str) -> bool:  # noqa: ARG002  (see Desk)
        """Only a plain yes is one."""
        return _line(f"{question}? [y/N] ").lower() in ("y", "yes", "s", "sim", "si", "sí")

    def token(self, stored: Path) -> Secret:
        """Typed or pasted, unseen."""
        kept = _stored(stored)
        try:
            typed = getpass.getpass(f"Access token (it does not show{f'; empty: that of {stored}' if kept else ''}): ")
        except EOFError:
            raise CommandError("no token was given") from None
        if not typed.strip() and kept:
            return kept
        return _as_token(typed, "what was typed")


class Script:
    """Nobody is there to be asked: what no option has said is an error that names the option."""

    def say(self, text: str) -> None:
        """A line."""
        print(_clean(text), flush=True)

    def ask(self, question: str, option: str, default: str = "") -> str:  # noqa: ARG002  (see Desk)
        """Nobody answers."""
        raise CommandError(f"{question}: say it with {option}")

    def choose(self, question: str, option: str, names: Sequence[str]) -> int:
        """The only one that is there; of several, nobody says which."""
        if len(names) == 2:
            return 0
        raise CommandError(_clean(f"{question}: say it with {option}; there are {', '.join(names[:-1])}"))

    def agree(self, question: str, option: str) -> bool:
        """Nobody agrees."""
        raise CommandError(_clean(f"{question}: not without {option}"))

    def token(self, stored: Path) -> Secret:
        """The one that is there."""
        if kept := _stored(stored):
            return kept
        raise CommandError("no terminal to type the access token at: --token-file FILE, or - for standard input")


def _line(question: str) -> str:
    try:
        return input(_clean(question)).strip()
    except EOFError:
        raise CommandError("no answer: nothing more was done") from None


def _clean(text: str) -> str:
    """Names come over the network: nothing in them moves the terminal's cursor."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def _stored(path: Path) -> Secret | None:
    try:
        return _as_token(path.read_text(encoding="ascii", errors="replace"), str(path))
    except (OSError, CommandError):
        return None


def _as_token(text: str, where: str) -> Secret:
    try:
        return read_token(text, where)
    except ConfigError as error:
        raise CommandError(str(error)) from None


def setup(parsed: argparse.Namespace) -> int:
    """Set the shop up; answers the exit status."""
    from kiosk.mercadopago.premises import Premises
    from kiosk.setup import SetupError, find_shop, present, settings, text_of, write_settings, write_token

    path: Path = parsed.config.absolute()
    token_path = path.with_name(STORED_TOKEN.name)
    wishes = _wishes(parsed)
    _check_folders(path.parent, wishes.dry)
    desk = Terminal() if sys.stdin.isatty() and parsed.token_file != "-" else Script()  # noqa: S105  (a dash)
    try:
        template = _template().read_text(encoding="utf-8")
        text = text_of(path, template)
        wishes = replace(
            wishes,
            store=wishes.store or present(text, "mercadopago", "external_store_id"),
            pos=wishes.pos or present(text, "mercadopago", "external_pos_id"),
        )
        base_url = _base_url(parsed.base_url or present(text, "mercadopago", "base_url"))
        token = _from_file(parsed.token_file) if parsed.token_file else desk.token(token_path)
        premises = Premises(base_url, token, time.monotonic)
        try:
            shop = find_shop(premises, desk, wishes, lambda: _address(desk, parsed))
        finally:
            premises.close()
        name = wishes.shop or present(text, "shop", "name") or _name(desk, shop.store.name)
        write_token(token_path, token, desk, wishes)
        write_settings(path, template, settings(shop, name, base_url, token_path), desk, wishes)
    except SetupError as error:
        raise CommandError(_clean(str(error))) from None
    if wishes.dry:
        return 0
    missing = [suffix for suffix in ("pdf", "png") if not _fetch(shop.pos, suffix, parsed.qr, desk)]
    desk.say("next: sudo systemctl restart kiosk; sudo kiosk check")
    return 1 if missing else 0


def _name(desk: Terminal | Script, default: str) -> str:
    """What stands on the tickets; a script that does not say it takes the store's name."""
    if default and isinstance(desk, Script):
        return default
    return desk.ask("name of the shop, for its tickets", "--shop", default)


def _wishes(parsed: argparse.Namespace) -> Wishes:
    from kiosk.setup import Wishes

    given = [name for name in ADDRESS if getattr(parsed, name)]
    if given and len(given) < len(ADDRESS):
        missing = ", ".join(f"--{name}" for name in ADDRESS if name not in given)
        raise CommandError(f"an address has more: {missing}")
    address = _address(Script(), parsed) if given else None
    return Wishes(parsed.store, parsed.pos, parsed.create, parsed.force, parsed.shop, address, dry=parsed.dry_run)


def _address(desk: Terminal | Script, parsed: argparse.Namespace) -> Address:
    from kiosk.mercadopago.premises import Address

    said = {name: getattr(parsed, name) or desk.ask(words, f"--{name}") for name, words in ADDRESS.items()}
    places = {}
    for name, most in (("latitude", 90), ("longitude", 180)):
        try:
            places[name] = Decimal(said[name])
        except InvalidOperation:
            places[name] = Decimal("NaN")
        if not places[name].is_finite() or abs(places[name]) > most:
            raise CommandError(f"--{name}: must be degrees with a decimal point, at most {most}")
    return Address(said["street"], said["number"], said["city"], said["state"], places["latitude"], places["longitude"])


def _check_folders(folder: Path, dry: bool) -> None:
    """Whether what is to be written can be: asked before the technician types anything."""
    while not folder.exists():
        folder = folder.parent
    if not dry and not (folder.is_dir() and os.access(folder, os.W_OK)):
        raise CommandError(f"{folder} cannot be written: sudo kiosk setup")


def _template() -> Path:
    """The annotated configuration: of the installed version, or of the checkout."""
    places = (Path(sys.prefix, "share/kiosk.toml"), Path(__file__).parents[1] / "config/kiosk.toml")
    for place in places:
        if place.exists():
            return place
    raise CommandError(f"the annotated configuration is not at {places[0]}: install this version again")


def _base_url(url: str) -> str:
    from kiosk.config.schema import API, BASE_URL

    if url and not BASE_URL.allows(url):
        raise CommandError(f"--base-url: must be {BASE_URL.words}")
    return url.rstrip("/") or API


def _from_file(name: str) -> Secret:
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="ascii", errors="replace")
    except OSError as error:
        if name.startswith(("APP_USR", "TEST-")):
            told = "the token itself is no argument: every user of this machine can read those; type it when asked"
            raise CommandError(told) from None
        raise CommandError(f"{name}: the access token cannot be read: {error.strerror}") from None
    return _as_token(text, "standard input" if name == "-" else name)


def _fetch(pos: Pos, suffix: str, folder: Path, desk: Terminal | Script) -> bool:
    """Put the QR into a file; answers whether it is there."""
    from kiosk.mercadopago.premises import NotDoneError, picture

    address = pos.template if suffix == "pdf" else pos.image
    file = folder / f"qr-{pos.external_id}.{suffix}"
    what = "the QR to print" if suffix == "pdf" else "the QR alone"
    if file.exists():
        desk.say(f"{file}: {what}, is there already")
        return True
    try:
        content = picture(address, time.monotonic)
        folder.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    except NotDoneError as error:
        desk.say(f"{what} could not be fetched ({error.answer.detail}); in a browser: {address or 'no address'}")
        return False
    except OSError as error:
        desk.say(f"{file}: cannot be written: {error.strerror}")
        return False
    desk.say(f"{file}: {what}")
    return True
