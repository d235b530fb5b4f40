"""The journal: what the counter must not forget, in one SQLite file (``SqliteJournal``), and reading it (``Reader``).

Only this package knows ``sqlite3``. ``migrations`` holds the tables and their rules, ``schema`` what is asked of them,
``rows`` turns records into rows and back, ``file`` opens the file and looks for damage, ``writing`` serves the loop,
``reading`` and ``listing`` serve the technician's commands.
"""

from kiosk.journal.file import (
    JournalBusyError,
    JournalNewerError,
    JournalRuleError,
    JournalStrangeError,
    found_aside,
    refuse_damaged,
)
from kiosk.journal.reading import Listed, Logged, Reader, Story
from kiosk.journal.writing import SqliteJournal

__all__ = [
    "JournalBusyError",
    "JournalNewerError",
    "JournalRuleError",
    "JournalStrangeError",
    "Listed",
    "Logged",
    "Reader",
    "SqliteJournal",
    "Story",
    "found_aside",
    "refuse_damaged",
]
