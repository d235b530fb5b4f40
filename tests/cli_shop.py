"""A shop for the tests of the technician's commands: its configuration, and a journal with sales in it."""

from __future__ import annotations

import socket
import tarfile
from pathlib import Path

from kiosk.cli import main
from kiosk.journal import SqliteJournal
from kiosk.sale.records import Debt, DebtState, Entry, Line, Phase, Sale, Ticket, Why

TOKEN = "APP_USR-123-456-abcdef-789"
NOON = 1_796_050_800.0  # 2026-11-30 15:00:00 UTC


def configured(tmp_path: Path, more: str = "", provider: str = "") -> Path:
    """A configuration without devices, whose provider nobody plays: the port is a closed one of this machine."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    token = tmp_path / "token"
    token.write_text(TOKEN)
    token.chmod(0o600)
    path = tmp_path / "kiosk.toml"
    path.write_text(f"""
[shop]
name = "EXAMPLE SHOP"
site = "MLB"
timezone = "UTC"
[mercadopago]
user_id = 123456789
external_store_id = "EXAMPLESTORE1"
external_pos_id = "EXAMPLEPOS1"
base_url = "http://127.0.0.1:{port}"
access_token_file = "{token}"
{provider}
[keypad]
driver = "none"
[display]
driver = "none"
[printer]
driver = "none"
[refunds]
supervisors = "{tmp_path}/supervisors"
[journal]
path = "{tmp_path}/journal.db"
{more}
""")
    return path


PAID = Sale(
    *("POS-1-Ab", 1, 250_000, "BRL", (Line("Café", 2, 125_000),), "key", NOON, Phase.PAID),
    puts=1,
    payments=("111",),
    paid_at=NOON + 20,
    ended_at=NOON + 20,
)
CANCELLED = Sale("POS-2-Cd", 2, 900, "BRL", (), "key", NOON + 60, Phase.WITHDRAWN, Why.CANCELLED)


def with_sales(tmp_path: Path, count: int = 2) -> Path:
    """A configuration whose journal holds a paid and a cancelled sale, and as many more as are asked for."""
    config = configured(tmp_path)
    journal = SqliteJournal(tmp_path / "journal.db")
    ticket = Debt(PAID.reference, 1, 250_000, Ticket(()), NOON + 20, state=DebtState.PRINTED)
    more = [Sale(f"POS-{n}-x", n, n, "BRL", (), f"key {n}", NOON + n) for n in range(3, count + 1)]
    journal.save((PAID, ticket, CANCELLED, *more), (Entry("paid", "sale 1: paid by 111", PAID.reference, 1),), NOON)
    journal.close()
    return config


def unpacked(report: Path) -> dict[str, bytes]:
    """The files of a ``kiosk report``, by their names in its folder."""
    found = {}
    with tarfile.open(report) as bundle:
        for member in bundle.getmembers():
            file = bundle.extractfile(member)
            assert file is not None
            found[member.name.partition("/")[2]] = file.read()
    return found


def sales(config: Path, *arguments: str) -> int:
    """Run ``kiosk sales``; answers its exit status."""
    return main(["sales", "--config", str(config), *arguments])


def backup(config: Path, folder: Path) -> Path | None:
    """Run ``kiosk backup``; answers the folder that it made, None where it failed."""
    before = set(folder.iterdir()) if folder.is_dir() else set()
    status = main(["backup", "--config", str(config), str(folder)])
    made = set(folder.iterdir()) - before if folder.is_dir() else set()
    assert (len(made), status) in ((1, 0), (0, 1)), "all of it or nothing"
    return made.pop() if made else None


def backed_up(config: Path, folder: Path) -> Path:
    """The journal in a new backup."""
    made = backup(config, folder)
    assert made is not None
    return made / "journal.db"
