"""The supervisors and their PINs: who may give money back, and settle what is disputed.

A PIN of a few digits is no password: whoever reads its hash tries all of them in minutes. The hash keeps it from being
read over a shoulder, no more; what protects it is that few tries are allowed at the keypad (``kiosk.sale.desk``), and
that the file is the service's own.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

PIN: Final = re.compile(r"[0-9]{4,8}")
NAME: Final = re.compile(r"[^\s:][^:\n]{0,23}")
_ENTRY: Final = re.compile(r"(?P<name>[^\s:][^:\n]{0,23}):(?P<salt>[A-Za-z0-9+/]{22}==):(?P<hash>[A-Za-z0-9+/]{43}=)")
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


def _digest(pin: str, salt: bytes) -> bytes:
    return hashlib.scrypt(pin.encode(), salt=salt, n=_COST, r=_BLOCK, p=1, dklen=32)
