"""``kiosk settle``: money that completes no sale, and the word that settles it.

What is open is read from the journal, also beside the running kiosk. To settle is the kiosk's own affair: the
technician's command only asks it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from kiosk.cli_sales import CommandError
from kiosk.config import Config, load
from kiosk.sale.records import SETTLED


def add_options(settle: argparse.ArgumentParser) -> None:
    """Which payment, how, and by whom."""
    settle.add_argument("--journal", type=Path, help="instead of the configured one, to list what is open in it")
    settle.add_argument("--json", action="store_true")
    settle.add_argument("payment", nargs="?", metavar="PAYMENT", help="as it is listed; default: list what is open")
    settle.add_argument("word", nargs="?", choices=SETTLED, help="what the shop did with the money")
    settle.add_argument("--by", default="", metavar="NAME", help="who says so")


def settle(parsed: argparse.Namespace) -> int:
    """List what is open, or settle one payment at the running kiosk."""
    config = load(parsed.config)
    if parsed.payment is None:
        return _list(parsed.journal or config.journal, config, as_json=parsed.json)
    if parsed.word is None or not parsed.by:
        raise CommandError(f"say what became of it: kiosk settle {parsed.payment} {'|'.join(SETTLED)} --by NAME")
    if parsed.journal:
        raise CommandError("--journal is for the list: only the running kiosk settles, in its own journal")
    _settle(config, parsed.payment, parsed.word, parsed.by)
    print(f"payment {parsed.payment}: settled, {parsed.word}, by {parsed.by}")
    return 0


def _list(journal: Path, config: Config, *, as_json: bool) -> int:
    from kiosk.journal import Reader
    from kiosk.journal.listing import dispute_json, write_disputes

    with Reader(journal) as reader:
        disputes = reader.disputes()
    if as_json:
        print(json.dumps([dispute_json(each, config.shop.zone) for each in disputes], ensure_ascii=False, indent=1))
    elif disputes:
        write_disputes(disputes, config.shop.zone, sys.stdout)
    else:
        print("there is no money to settle")
    return 0


def _settle(config: Config, payment: str, word: str, by: str) -> None:
    from kiosk.assembly import control_path
    from kiosk.control import ask
    from kiosk.running import NOBODY

    request: dict[str, object] = {"command": "settle", "payment": payment, "word": word, "by": by}
    try:
        answer = ask(control_path(config, os.environ), request)
    except NOBODY:
        raise CommandError("the kiosk does not run: systemctl start kiosk") from None
    except ValueError as error:
        raise CommandError(f"the kiosk does not answer: {error}") from None
    if "error" in answer:
        raise CommandError(f"not settled: {answer['error']}")
