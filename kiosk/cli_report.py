"""``kiosk report``: where the file for support goes, and what is said about it."""

from __future__ import annotations

import argparse
import os
import time
from datetime import datetime
from pathlib import Path
from typing import Final

from kiosk.cli_sales import CommandError
from kiosk.config import ConfigError, load

LINES: Final = 5000
DAYS: Final = 7


def add_options(report: argparse.ArgumentParser) -> None:
    """How much of it, and where."""
    report.add_argument("--output", type=Path, metavar="FILE", help="default: kiosk-report-TIME.tar.gz, here")
    report.add_argument("--lines", type=_count, default=LINES, help=f"of the service's log; default: {LINES}")
    report.add_argument("--days", type=_count, default=DAYS, help=f"of sales; default: {DAYS}")


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise argparse.ArgumentTypeError(f"{text} is no count")
    return int(text)


def report(parsed: argparse.Namespace) -> int:
    """Make it; answers the exit status. Only a file that cannot be written is a failure."""
    from kiosk.report import Redactor, parts, secrets_at, write

    now = time.time()
    file = parsed.output or Path(f"kiosk-report-{datetime.fromtimestamp(now).astimezone():%Y%m%d-%H%M%S}.tar.gz")
    try:
        config = load(parsed.config)
    except ConfigError:  # what is wrong with it, the report tells
        config = None
    redactor = Redactor(secrets_at(config))
    wanted = parts(parsed.config, now=now, lines=parsed.lines, days=parsed.days)
    try:
        write(wanted, redactor, file, now)
        _hand_over(file)
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}") from None
    print(f"{file}: send this file to support; look into it before, if you like: tar -xzf {file}")
    return 0


def _hand_over(file: Path) -> None:
    """Whoever typed sudo gets the file: it is root's otherwise, and cannot be sent."""
    user, group = os.environ.get("SUDO_UID", ""), os.environ.get("SUDO_GID", "")
    if os.geteuid() == 0 and user.isdigit() and group.isdigit():
        os.chown(file, int(user), int(group))
