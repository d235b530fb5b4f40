"""The shop of the virtual counter: a built-in one, or the technician's own with its far ends in the virtual world.

The kiosk behind the virtual counter reads a configuration file like any other; here that file is derived. What is not
asked for as real is virtual, whatever the shop's own file says about it.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from kiosk.config.toml_tables import write_table

Table: TypeAlias = Mapping[str, Any]
Tables: TypeAlias = Mapping[str, Table]

REAL: Final = ("mercadopago", "printer", "display", "keypad")
"""The far ends that can be real, each on its own."""

BUILT_IN: Final[Tables] = MappingProxyType(
    {
        "shop": {
            "name": "Padaria do Balcão",
            "lines": ["Rua das Flores, 123", "São Paulo - SP"],
            "footer": ["Obrigado e volte sempre!"],
            "site": "MLB",
            "language": "pt",
        },
        "mercadopago": {"user_id": 123456789, "external_store_id": "LOJA01", "external_pos_id": "CAIXA01"},
        "printer": {"columns": 42},
    }
)

SUPERVISOR: Final = "Supervisor"
PIN: Final = "1234"
"""Who may give the fake account's money back, in every shop; the page tells it."""

PANEL: Final[Table] = MappingProxyType({"driver": "ssd1306", "width": 128, "height": 64, "rotate": 0})
"""The virtual counter's one panel."""


@dataclass(frozen=True, slots=True)
class Account:
    """How the kiosk reaches the fake account."""

    base_url: str
    token_file: Path
    """Holds the only access token that the fake takes."""
    supervisors: Path
    """Holds the one who may give its money back."""
    notices_port: int = 0
    """Where the kiosk is to listen for the fake's notifications; 0: nowhere."""


@dataclass(frozen=True, slots=True)
class FarEnds:
    """Where the virtual world waits for the kiosk; None or False: that end is real, and the shop's settings hold."""

    account: Account | None
    printer_port: int | None
    display: bool
    keypad: bool
    journal: Path


def read(config: Path | None) -> Tables:
    """The shop's settings as they stand in its file, which has been checked before; None: the built-in shop's."""
    if config is None:
        return BUILT_IN
    return tomllib.loads(config.read_text(encoding="utf-8-sig"))


def with_far_ends(tables: Tables, ends: FarEnds) -> Tables:
    """The same shop, with its far ends in the virtual world."""
    derived = {**tables, "journal": {"path": str(ends.journal)}}
    if ends.account is not None:
        where = {"base_url": ends.account.base_url, "access_token_file": str(ends.account.token_file)}
        listen = f"127.0.0.1:{ends.account.notices_port}" if ends.account.notices_port else ""
        url = f"http://{listen}/notices" if listen else ""
        derived["mercadopago"] = {**tables["mercadopago"], **where, "notification_url": url}
        derived["notifications"] = {"listen": listen}
        derived["refunds"] = {"supervisors": str(ends.account.supervisors)}
    if ends.printer_port is not None:
        network = {"driver": "network", "host": "127.0.0.1", "port": ends.printer_port}
        derived["printer"] = {**tables.get("printer", {}), **network}
    if ends.display:
        derived["display"] = {**tables.get("display", {}), **PANEL}
    if ends.keypad:  # Buzzer and lights hang on the same pins as the keys.
        derived["keypad"] = {"driver": "none"}
        derived["sound"] = {}
    return derived


def toml(tables: Tables) -> str:
    """Flat tables as the text of a configuration file."""
    return "\n".join(write_table(name, _frozen(table)) for name, table in tables.items())


def _frozen(table: Table) -> Table:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}


def write_private(path: Path, text: str) -> Path:
    """Write a new file that nobody else can read; answers its path."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    return path
