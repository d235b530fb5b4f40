"""``kiosk report``: one file for support, made of everything that tells what a kiosk does and on what machine.

What cannot be had is told, and the rest is there. Every text passes one ``Redactor`` (law L10), the last thing before
it goes into the file; it knows the access token where it can be read, and what tokens look like.
"""

from __future__ import annotations

import importlib.metadata
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from kiosk.config import STORED_TOKEN, Config, ConfigError, load
from kiosk.config.schema import CREDENTIAL
from kiosk.journal import Reader
from kiosk.journal.listing import sale_json, story_json
from kiosk.ports import JournalError

STARS: Final = "********"
TEXT_MAX: Final = 4 * 1024 * 1024
"""Bytes of one source; of a longer one the end is kept."""
SALES_MAX: Final = 2000
SECRET_MIN: Final = 12
"""Characters: a shorter piece of a token gives nothing away, and could be a number that support needs."""
COMMAND_S: Final = 30.0
CHECK_S: Final = 120.0
"""A printer that hangs is waited for, by the check itself."""
DAY_S: Final = 86400.0

_LOOK_LIKE_SECRETS: Final = re.compile(
    r"(?i)(?P<before>bearer[\s:=]+|(?:password|passwd|passphrase|secret|psk|access_token)[\"']?\s*[=:]\s*)[^\s,;]+"
    r"|(?:APP_USR|TEST)(?:-|%2d)[\w%-]+"
    r"|(?P<url>\w+://[^\s/@\"']*:)[^\s/@\"']+(?=@)"
)


class Redactor:
    """Takes secrets out of texts."""

    def __init__(self, secrets: Iterable[str]) -> None:
        """Of each secret its long parts are secrets, too: it may have been broken at a dash by whoever wrote it."""
        whole = {secret for secret in secrets if len(secret) >= SECRET_MIN}
        parts = {part for secret in whole for part in secret.split("-") if len(part) >= SECRET_MIN}
        self._secrets = sorted(whole | parts, key=len, reverse=True)

    def clean(self, text: str) -> str:
        """The text with stars in the place of secrets."""
        for secret in self._secrets:
            text = text.replace(secret, STARS)
        return _LOOK_LIKE_SECRETS.sub(lambda found: (found["before"] or found["url"] or "") + STARS, text)


@dataclass(frozen=True, slots=True)
class Part:
    """One file of the report."""

    name: str
    what: str
    get: Callable[[], str]
    """Raises ``MissingError``."""


class MissingError(Exception):
    """Why a source could not be had."""


def secrets_at(config: Config | None, root: Path = Path("/")) -> list[str]:
    """What must not come out, as far as it can be read here."""
    own = config.mercadopago.access_token_file if config else ""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    places = [
        root / str(STORED_TOKEN).lstrip("/"),
        root / "run/credentials/kiosk.service" / CREDENTIAL,
        *([Path(own)] if own else []),
        *([Path(folder, CREDENTIAL)] if folder else []),
    ]
    found: list[str] = []
    for place in places:
        try:
            found += place.read_text(encoding="utf-8", errors="replace").split()
        except OSError:
            continue
    return found


def parts(config_path: Path, *, now: float, lines: int, days: int, root: Path = Path("/")) -> list[Part]:
    """What the report is made of. ``now``: seconds since 1970; ``root``: where the machine's files begin."""
    journalctl = ("journalctl", "--unit=kiosk", f"--lines={lines}", "--no-pager", "--output=short-iso-precise")
    own = (sys.executable, "-P", "-m", "kiosk")  # -P: this version, whatever checkout lies in the working directory
    of = ("--config", str(config_path))
    files = ("etc/os-release", "proc/device-tree/model", "proc/cpuinfo", "proc/meminfo", "proc/uptime", "proc/mounts")
    return [
        Part("version.txt", "version, Python, packages, what is installed", lambda: _versions(root)),
        Part("config.toml", "the configuration in force, masked", lambda: command(*own, "config", *of)),
        Part("status.json", "what the service says of itself", lambda: command(*own, "status", "--json", *of)),
        Part("check.json", "kiosk check", lambda: command(*own, "check", "--json", *of, within_s=CHECK_S)),
        Part("log.txt", f"the service's log, last {lines} lines", lambda: command(*journalctl)),
        Part(
            "sales.json",
            f"sales of {days} days: numbers, references, amounts, phases, ids of orders and payments, their log",
            lambda: sales(config_path, now - days * DAY_S),
        ),
        Part("unit.txt", "the unit in force, with drop-ins", lambda: command("systemctl", "cat", "kiosk")),
        Part("unit-state.txt", "its state", lambda: command("systemctl", "show", "kiosk")),
        *(Part(f"{name.replace('/', '-')}.txt", f"/{name}", partial(_file, root / name)) for name in files),
        Part("throttled.txt", "a Pi's voltage and heat", lambda: command("vcgencmd", "get_throttled")),
        Part("disk.txt", "disk space", lambda: command("df", "--human-readable")),
        Part("dmesg.txt", "the kernel's log", lambda: command("dmesg", "--ctime")),
        Part("addresses.txt", "network addresses", lambda: command("ip", "address")),
        Part("routes.txt", "routes", lambda: command("ip", "route")),
        Part("clock.txt", "the clock and its time service", lambda: command("timedatectl")),
        Part("usb.txt", "what hangs on USB", lambda: command("lsusb")),
        Part("devices.txt", "devices that the kiosk may use", lambda: _devices(root)),
    ]


def write(
    wanted: Sequence[Part], redactor: Redactor, file: Path, now: float, tell: Callable[[str], object] = print
) -> None:
    """Make the file, for its owner alone, and tell what is in it and what is not.

    Raises:
        OSError: it exists, or cannot be written.
    """
    got: list[tuple[str, str]] = []
    told: list[str] = []
    for part in wanted:
        try:
            text = part.get()
        except MissingError as error:
            told.append(redactor.clean(f"without  {part.name:<26} {part.what}: {error}"))
            continue
        got.append((part.name, redactor.clean(text)))
        told.append(f"with     {part.name:<26} {part.what}")
    told.append("No names, cards or accounts of customers are in it; the access token is masked wherever it stood.")
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        _pack([("contents.txt", "\n".join([*told, ""])), *got], handle, file.name.partition(".")[0], now)
    except OSError:
        file.unlink()
        raise
    for line in told:
        tell(line)


def _pack(texts: Iterable[tuple[str, str]], handle: int, folder: str, now: float) -> None:
    with open(handle, "wb") as out, tarfile.open(fileobj=out, mode="w:gz") as bundle:
        for name, text in texts:
            content = text.encode(errors="replace")
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size, member.mtime, member.mode = len(content), int(now), 0o600
            bundle.addfile(member, io.BytesIO(content))


def command(*words: str, within_s: float = COMMAND_S) -> str:
    """What a command says, and how it ended where that was badly.

    Raises:
        MissingError: it is not there, hangs, or says nothing but an error.
    """
    program = shutil.which(words[0])
    if program is None:
        raise MissingError(f"there is no {words[0]}")
    try:
        done = subprocess.run(  # noqa: S603  (our own words)
            [program, *words[1:]],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=within_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise MissingError(f"{words[0]} does not end") from None
    except OSError as error:
        raise MissingError(f"{words[0]}: {error.strerror}") from None
    errors = done.stderr.decode(errors="replace").strip()
    if not done.stdout.strip():
        raise MissingError(_short(errors) or f"{words[0]} says nothing (exit status {done.returncode})")
    ending = f"\n[exit status {done.returncode}]\n" if done.returncode else ""
    return _end(done.stdout) + (f"\n[it also said]\n{errors}\n" if errors else "") + ending


def sales(config_path: Path, since: float) -> str:
    """The sales made since then, the newest first, as JSON. What the customer bought is not in it.

    Raises:
        MissingError: the journal cannot be read.
    """
    try:
        config = load(config_path)
        with Reader(config.journal) as reader:
            return json.dumps(list(_stories(reader, config, since)), ensure_ascii=False, indent=1)
    except (ConfigError, JournalError) as error:
        raise MissingError(_short(str(error))) from None


def _stories(reader: Reader, config: Config, since: float) -> Iterator[dict[str, object]]:
    zone = config.shop.zone
    for listed in list(reader.newest(SALES_MAX)):
        if listed.sale.made_at < since:
            return
        story = reader.story(listed.sale.number) if listed.sale.number else None
        told = story_json(story, zone) if story else sale_json(listed, zone)
        yield {name: value for name, value in told.items() if name != "lines"}


def _versions(root: Path) -> str:
    packages = {(each.metadata["Name"] or "").lower(): each.version for each in importlib.metadata.distributions()}
    told = [f"kiosk {packages.get('kiosk', '(not installed)')}", f"Python {sys.version}", f"in {sys.prefix}"]
    for name in ("current", "previous"):
        link = root / "opt/kiosk" / name
        told.append(f"{name}: {os.readlink(link) if link.is_symlink() else 'not there'}")
    return "\n".join([*told, "", *(f"{name}=={version}" for name, version in sorted(packages.items())), ""])


def _file(path: Path) -> str:
    try:
        return _end(path.read_bytes().rstrip(b"\0"))
    except OSError as error:
        raise MissingError(error.strerror or "it cannot be read") from None


def _devices(root: Path) -> str:
    patterns = ("gpiochip*", "i2c-*", "spidev*", "usb/lp*", "ttyUSB*", "ttyACM*", "serial*", "input/by-id/*")
    found = [path for pattern in patterns for path in sorted((root / "dev").glob(pattern))]
    if not found:
        raise MissingError("none is there")
    return "\n".join([*(f"{oct(path.lstat().st_mode)} {path}" for path in found), ""])


def _end(content: bytes) -> str:
    cut = f"[the first {len(content) - TEXT_MAX} bytes are left out]\n" if len(content) > TEXT_MAX else ""
    return cut + content[-TEXT_MAX:].decode(errors="replace")


def _short(text: str) -> str:
    return text.splitlines()[-1][:200] if text else ""
