"""``kiosk sales``: the journal in the technician's hands, read-only; or held against the account.

Each command loads what it needs inside itself, as those of ``cli`` do.
"""

from __future__ import annotations

import argparse
import sys
import time
from datetime import date, datetime
from pathlib import Path
from typing import Final

from kiosk.config import Config, load, load_token

LIST_MAX: Final = 50
NUMBER_MAX: Final = 2**63 - 1
"""SQLite's largest."""


class CommandError(Exception):
    """What a command cannot do, in one line."""


def sale_number(text: str) -> int:
    """A sale's number, as a command's argument."""
    if not (text.isascii() and text.isdigit() and 0 < int(text[:20]) <= NUMBER_MAX and len(text) < 20):
        raise argparse.ArgumentTypeError(f"{text} is no number of a sale")
    return int(text)


def add_actions(sales: argparse.ArgumentParser) -> None:
    """What can be done with them, and with which options."""
    sales.add_argument("--journal", type=Path, help="instead of the configured one")
    sales.add_argument("--json", action="store_true")
    actions = sales.add_subparsers(metavar="list|show|export|reconcile")
    listing = actions.add_parser("list", help="the newest sales")
    listing.add_argument("--count", type=int, default=LIST_MAX, help=f"default: {LIST_MAX}")
    listing.set_defaults(command=list_sales)
    show = actions.add_parser("show", help="one sale's whole story")
    show.add_argument("number", type=sale_number)
    show.set_defaults(command=_show)
    export = actions.add_parser("export", help="all sales as CSV, or with --json as JSON")
    export.set_defaults(command=_export)
    reconcile = actions.add_parser("reconcile", help="a day of the journal against the account's own payments")
    reconcile.add_argument("--day", type=date.fromisoformat, metavar="YYYY-MM-DD", help="default: today")
    reconcile.set_defaults(command=_reconcile)
    for action in (listing, show, export, reconcile):
        action.add_argument("--json", action="store_true", default=argparse.SUPPRESS)


def _journal_and_zone(parsed: argparse.Namespace) -> tuple[Path, Config]:
    config = load(parsed.config)
    return parsed.journal or config.journal, config


def list_sales(parsed: argparse.Namespace) -> int:
    """The newest sales; what ``kiosk sales`` does when nothing else is asked for."""
    from kiosk.journal import Reader
    from kiosk.journal.listing import write_json, write_table

    path, config = _journal_and_zone(parsed)
    write = write_json if parsed.json else write_table
    with Reader(path) as reader:
        write(reader.newest(getattr(parsed, "count", LIST_MAX)), config.shop.zone, sys.stdout)
    return 0


def _show(parsed: argparse.Namespace) -> int:
    import json

    from kiosk.journal import Reader
    from kiosk.journal.listing import story_json, write_story

    path, config = _journal_and_zone(parsed)
    with Reader(path) as reader:
        story = reader.story(parsed.number)
    if story is None:
        raise CommandError(f"there is no sale {parsed.number} in {path}")
    if parsed.json:
        print(json.dumps(story_json(story, config.shop.zone), ensure_ascii=False, indent=1))
    else:
        write_story(story, config.shop.zone, sys.stdout)
    return 0


def _export(parsed: argparse.Namespace) -> int:
    import io

    from kiosk.journal import Reader
    from kiosk.journal.listing import write_csv, write_json

    path, config = _journal_and_zone(parsed)
    with Reader(path) as reader:
        if parsed.json:
            write_json(reader.sales(), config.shop.zone, sys.stdout)
        else:  # RFC 4180 wants CRLF, whatever the machine writes
            out = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="", write_through=True)
            write_csv(reader.sales(), config.shop.zone, out)
            out.detach()
    return 0


def _reconcile(parsed: argparse.Namespace) -> int:
    from kiosk.agreement import Unclear, reconcile, write
    from kiosk.assembly import provider_of
    from kiosk.journal import Reader

    path, config = _journal_and_zone(parsed)
    day = parsed.day or datetime.now(config.shop.zone).date()
    token = load_token(config)
    with Reader(path) as reader:
        account = provider_of(config, token)
        try:
            found = reconcile(config.shop, account, reader, day, time.monotonic)
        except Unclear as error:
            raise CommandError(f"unknown whether the account agrees: {error}") from None
        finally:
            account.close()
    return write(found, config.shop, sys.stdout, as_json=parsed.json)
