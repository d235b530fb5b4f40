"""``kiosk backup``: what a new card needs besides the program: the journal and the configuration, in one folder."""

from __future__ import annotations

import argparse
import os
import shutil
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

from kiosk.cli_sales import CommandError
from kiosk.config import load


def add_arguments(backup: argparse.ArgumentParser) -> None:
    """Where the backup goes."""
    backup.add_argument("--journal", type=Path, help="instead of the configured one")
    backup.add_argument("folder", type=Path, metavar="FOLDER", help="a stick's folder; a new one is made in it")


def backup(parsed: argparse.Namespace) -> int:
    """Copy journal and configuration into a new folder, also while the kiosk runs; no file is ever replaced.

    The access token is not among them: a stick lies about. ``sudo ./install.sh --restore`` takes what is made here.
    """
    from kiosk.journal import Reader

    config = load(parsed.config)
    if not parsed.folder.is_dir():
        raise CommandError(f"{parsed.folder} is no folder")
    made = parsed.folder / f"kiosk-{datetime.now(config.shop.zone):%Y-%m-%d-%H%M%S}"
    with Reader(parsed.journal or config.journal) as reader:
        made.mkdir(mode=0o700)
        with ExitStack() as undo:
            undo.callback(shutil.rmtree, made, ignore_errors=True)
            shutil.copyfile(parsed.config, made / "kiosk.toml")
            reader.copy(made / "journal.db")  # last: with it the backup is whole
            undo.pop_all()
    _sync(made / "kiosk.toml", made, parsed.folder)
    print(f"{made}: a whole copy of {reader.path}, and {parsed.config}")
    return 0


def _sync(*places: Path) -> None:
    for place in places:
        descriptor = os.open(place, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
