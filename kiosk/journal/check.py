"""A full check of a large journal, beside the running counter."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from threading import Event, Thread

from kiosk.journal.file import connect, explain, quick_check


class BackgroundCheck:
    """Reads the whole file in a thread of its own, on a read-only connection.

    A checkpoint by two connections at once can damage a WAL database in SQLite before 3.51.3
    (sqlite.org/wal.html#walresetbug); a read-only connection makes none.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stop = Event()
        self._db = connect(path, "ro", 2.0)
        self._damage: str | None = None
        self._thread = Thread(target=self._read, name="journal-check", daemon=True)
        self._thread.start()

    @property
    def damage(self) -> str | None:
        """What was found; None while nothing is."""
        return self._damage

    def wait(self, seconds: float) -> bool:
        """Wait for the end of the check; whether it has ended."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def close(self) -> None:
        """Give the check up. A disk that hangs is not waited for: the thread dies with the process."""
        self._stop.set()
        for _ in range(20):
            if self._thread.is_alive():
                self._db.interrupt()  # an interrupt that comes before the statement is lost: so, once more
                self._thread.join(0.05)
        if not self._thread.is_alive():
            self._db.close()

    def _read(self) -> None:
        if self._stop.is_set():
            return
        try:
            self._damage = quick_check(self._db)
        except UnicodeDecodeError as error:
            self._damage = str(error)
        except sqlite3.Error as error:  # one without a code is the module's own: what it heard is no text
            if getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_INTERRUPT:
                self._damage = str(explain(self._path, error))
