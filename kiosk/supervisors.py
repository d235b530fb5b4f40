"""The supervisors and their PINs: who may give money back, and settle what is disputed.

The file has one line for each, ``name:salt:hash``, which ``kiosk pin`` writes; blank lines and such as begin with ``#``
mean nothing.

A PIN of a few digits is no password: whoever reads its hash tries all of them in minutes. The hash keeps it from being
read over a shoulder, no more; what protects it is that few tries are allowed at the keypad (``kiosk.sale.desk``), and
that the file is the service's own.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import stat
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

PIN: Final = re.compile(r"[0-9]{4,8}")
NAME: Final = re.compile(r"[^\s:#][^:\n]{0,23}")
MOST: Final = 8
"""So many may there be: each takes scrypt's time when a PIN is looked for, and the counter waits for it."""
_ENTRY: Final = re.compile(r"(?P<name>[^\s:#][^:\n]{0,23}):(?P<salt>[A-Za-z0-9+/]{22}==):(?P<hash>[A-Za-z0-9+/]{43}=)")
SALT_BYTES: Final = 16
_COST: Final = 2**14
_BLOCK: Final = 8
"""scrypt's N and r, with p = 1: 16 MB and some tenths of a second on a Pi Zero 2; RFC 7914 names them for logins."""


@dataclass(frozen=True, slots=True)
class Supervisor:
    """One of them."""

    name: str
    salt: bytes
    digest: bytes

    @classmethod
    def made(cls, name: str, pin: str, salt: bytes) -> Supervisor:
        """With that PIN of 4 to 8 digits; ``salt``: 16 fresh random bytes."""
        return cls(name, salt, _digest(pin, salt))

    @classmethod
    def read(cls, entry: str) -> Supervisor | None:
        """From a line of the file, ``name:salt:hash``; None: it is none."""
        found = _ENTRY.fullmatch(entry)
        return cls(found["name"], b64decode(found["salt"]), b64decode(found["hash"])) if found else None

    @property
    def entry(self) -> str:
        """The line of the file."""
        return f"{self.name}:{b64encode(self.salt).decode()}:{b64encode(self.digest).decode()}"


class Supervisors:
    """``kiosk.ports.Supervisors``."""

    def __init__(self, entries: Sequence[str]) -> None:
        """Entries as ``Supervisor.entry`` makes them, a line of the file each; what is none of them lets nobody in."""
        self._all = [found for entry in entries if (found := Supervisor.read(entry))]

    def whose(self, pin: str) -> str | None:
        """The supervisor's name; None: nobody's."""
        if not PIN.fullmatch(pin):
            return None
        return next(
            (each.name for each in self._all if hmac.compare_digest(each.digest, _digest(pin, each.salt))), None
        )


def read_file(name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The entries of the supervisors' file, and what is wrong with it, in words that hold nothing of its content.

    No name, and a file that is not there, mean that there are no supervisors; nothing is wrong with that.
    """
    try:
        text = Path(name).read_bytes().decode(errors="replace") if name else ""
        open_to_all = bool(name) and bool(Path(name).stat().st_mode & stat.S_IROTH)
    except FileNotFoundError:
        return (), ()
    except OSError as error:
        return (), (f"{name}: cannot be read: {error.strerror}",)
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if is_entry(line)]
    found = [line for _, line in lines if Supervisor.read(line)]
    wrong = [f"{name}: line {number} is none that kiosk pin writes" for number, line in lines if line not in found]
    if len(found) > MOST:
        wrong.append(f"{name}: there are more than {MOST} supervisors; only the first count")
    if open_to_all:
        wrong.append(f"{name}: every user of this machine can read it; type: chmod o= {name}")
    return tuple(found[:MOST]), tuple(wrong)


def is_entry(line: str) -> bool:
    """Whether a line of the file is meant to be a supervisor's."""
    return bool(line.strip()) and not line.lstrip().startswith("#")


def guessable(pin: str) -> str:
    """Why somebody would find that PIN at the first tries; empty: he would not."""
    steps = {(int(after) - int(before)) % 10 for before, after in pairwise(pin)}
    if steps == {0}:
        return "it is one digit again and again"
    if steps in ({1}, {9}):
        return "its digits stand in their order"
    if len(pin) % 2 == 0 and len({pin[at : at + 2] for at in range(0, len(pin), 2)}) == 1:
        return "it is two digits again and again"
    return ""


def _digest(pin: str, salt: bytes) -> bytes:
    return hashlib.scrypt(pin.encode(), salt=salt, n=_COST, r=_BLOCK, p=1, dklen=32)
