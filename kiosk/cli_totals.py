"""``kiosk totals`` and ``kiosk close``: the day's figures, and its end.

The totals are read from the journal, also beside the running kiosk. To close the day is the kiosk's own affair: the
technician's command only asks it. Each command loads what it needs inside itself, as those of ``cli`` do.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from datetime import date, datetime, timedelta
from datetime import time as clock_time
from pathlib import Path
from typing import TYPE_CHECKING

from kiosk.cli_sales import CommandError, sale_number
from kiosk.config import Config, load

if TYPE_CHECKING:
    from kiosk.sale.days import Close, Totals

Values = dict[str, object]


def add_options(totals: argparse.ArgumentParser) -> None:
    """Of which day."""
    totals.add_argument("--journal", type=Path, help="instead of the configured one")
    totals.add_argument("--json", action="store_true")
    which = totals.add_mutually_exclusive_group()
    which.add_argument(
        "--day", type=date.fromisoformat, metavar="YYYY-MM-DD", help="by the shop's clock; default: since the last Z"
    )
    which.add_argument("--z", type=sale_number, metavar="N", help="a day that was closed")
    totals.add_argument("--print", action="store_true", help="with --z: its paper once more")


def totals(parsed: argparse.Namespace) -> int:
    """What was sold: since the last Z, on a day of the calendar, or in a day that was closed."""
    from kiosk.journal import Reader

    config = load(parsed.config)
    if parsed.print:
        return _print_again(config, parsed.z)
    with Reader(parsed.journal or config.journal) as reader:
        if parsed.z is not None:
            close = reader.close_of(parsed.z)
            if close is None:
                raise CommandError(f"there is no Z {parsed.z} in {reader.path}")
            found = _of_close(close, config)
        elif parsed.day is not None:
            begin, end = (_midnight(parsed.day + timedelta(days=days), config) for days in (0, 1))
            found = {"day": parsed.day.isoformat(), **_figures(reader.totals_between(begin, end), config)}
        else:
            day = reader.day()
            found = {"since": _iso(day.since, config), **_figures(day.totals, config)}
    if parsed.json:
        print(json.dumps(found, ensure_ascii=False, indent=1))
    else:
        for name, value in found.items():
            if value is not None and not name.endswith("cents"):
                print(f"{name.replace('_', ' '):<17}{value}")
    return 0


def _print_again(config: Config, number: int | None) -> int:
    from kiosk.assembly import control_path
    from kiosk.running import NOBODY, printed

    if number is None:
        raise CommandError("--print needs --z N; the open day's X is in the menu")
    try:
        done, told = printed(control_path(config, os.environ), {"command": "reprint", "z": number}, time.sleep)
    except NOBODY:
        raise CommandError("the kiosk does not run: systemctl start kiosk") from None
    except ValueError as error:
        raise CommandError(str(error)) from None
    if not done:
        raise CommandError(told)
    print(told)
    return 0


def close(parsed: argparse.Namespace) -> int:
    """Close the day at the running kiosk: its Z is in the journal when this returns, and prints by itself."""
    from kiosk.assembly import control_path
    from kiosk.control import ask
    from kiosk.running import NOBODY

    config = load(parsed.config)
    try:
        answer = ask(control_path(config, os.environ), {"command": "close"})
    except NOBODY:
        raise CommandError("the kiosk does not run: systemctl start kiosk") from None
    except ValueError as error:
        raise CommandError(f"the kiosk does not answer: {error}") from None
    if "error" in answer:
        raise CommandError(f"not closed: {answer['error']}")
    print(f"Z {answer['closed']}: closed; its paper is printed, or owed")
    return 0


def _of_close(close: Close, config: Config) -> Values:
    return {
        "z": close.number,
        "closed_at": _iso(close.at, config),
        **_figures(close.totals, config),
        "papers_owed": close.owed,
        "may_still_be_paid": close.watched,
        "to_settle": close.disputed,
        "to_settle_cents": close.disputed_cents,
        "agreed_until": _iso(close.agreed_until, config),
        "differences": close.differences,
        "difference_cents": close.difference_cents,
    }


def _figures(totals: Totals, config: Config) -> Values:
    currency = config.shop.site.currency
    return {
        "currency": currency.code,
        "sales": totals.sales,
        "cents": totals.cents,
        "amount": f"{currency.decimal_value(totals.cents):f}",
        "late": totals.late,
        "late_cents": totals.late_cents,
        "not_paid": totals.unpaid,
        "refunds": totals.refunds,
        "refunded_cents": totals.refunded_cents,
        "refunded": f"{currency.decimal_value(totals.refunded_cents):f}",
    }


def _midnight(day: date, config: Config) -> float:
    """The beginning of that day by the shop's clock: a day has 23 or 25 hours where daylight saving begins or ends."""
    return datetime.combine(day, clock_time(), config.shop.zone).timestamp()


def _iso(at: float | None, config: Config) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, config.shop.zone).isoformat(timespec="seconds")
