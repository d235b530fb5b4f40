"""``kiosk backup``: what a new card needs besides the program, in one folder: journal, configuration, supervisors."""

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
    """Copy journal, configuration and supervisors into a new folder, also while the kiosk runs; no file is replaced.

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
            files = {parsed.config: made / "kiosk.toml"}
            if config.supervisors and os.path.exists(config.supervisors):
                files[Path(config.supervisors)] = made / "supervisors"
            for file, copy in files.items():
                shutil.copyfile(file, copy)
            reader.copy(made / "journal.db")  # last: with it the backup is whole
            undo.pop_all()
    _sync(*files.values(), made, parsed.folder)
    print(f"{made}: a whole copy of {reader.path}, and {', '.join(str(file) for file in files)}")
    return 0


def _sync(*places: Path) -> None:
    for place in places:
        descriptor = os.open(place, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
