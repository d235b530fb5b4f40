"""Power cuts at every write and sync of the journal, in every way in which a disk may lose what was not synced.

``run`` records the stories of ``disk_stories`` (``disk_trace``), builds the folder as each cut would leave it, opens it
with the real journal, and holds what comes out to the promises of ``save`` (law L7):

- it opens, its pages and indexes are whole, ``resume`` goes on from its rows, and it takes the next sale; a file that
  was damaged before is still there with every byte, beside it;
- what was acknowledged before the cut is there, whole and in order; a save that was under way is there whole or not at
  all; and nothing else is there.

The second one is one comparison: all rows of all tables are those of the first k saves, with k between the number
acknowledged and the number begun. So no paid sale, debt, dispute or watch that was promised is lost, and none is half.

**Where it is cut.** Before each change (a write, a size, a name made, moved or removed) and each sync of a story, and
after the last. A cut *during* a sync is the cut before it: what it had brought to the disk is one of the losses.

**What is lost.** Changes since the last sync of their file (or, for names, of their folder) are pending: SQLite counts
on nothing about them (sqlite.org/atomiccommit.html#hardware_assumptions, sqlite.org/howtocorrupt.html#sync). For each
cut, with n changes pending:

- every subset of them, where n is at most ``Depth.every_subset``; else: all, none, each beginning, each one lost alone,
  each one kept alone. So writes are reordered as well as lost;
- torn: all are kept, and of one write only what is before, or only what is behind, a border of sectors of 512 bytes in
  the file (a sector is written from either end), or its own middle. With ``Depth.tear_each`` each pending write is torn
  once, else the last change only, which reaches each write in its turn, too;
- grown: the files have their new sizes and names, and what is new in them holds zeros, or rubbish ("the file size is
  updated first").

Bytes beside a torn write are left as they are: that is *powersafe overwrite*, which SQLite assumes by default
(sqlite.org/psow.html), as it does of every disk since about 2010. A disk that does not is not looked at here, nor are
disks that lie about syncs, or bits that rot: the journal's check at its start is there for those.

The same folder can be left by many cuts; it is opened once and judged for each of them.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from hashlib import blake2b
from itertools import combinations
from pathlib import Path
from typing import Final

from kiosk.journal import SqliteJournal
from kiosk.journal.migrations import MIGRATIONS
from kiosk.ports import JournalError
from kiosk.sale.counter import resume
from kiosk.sale.records import Line, Rows, Sale
from kiosk.sale.turn import Now
from tests.disk_stories import NAME, NEWER, STORIES, Begin, Saved, Saving
from tests.disk_trace import ROOT, TOP, Change, Moved, Named, Recording, Resize, Sync, Write, record
from tests.story import SHOP

SECTOR: Final = 512
RUBBISH: Final = b"\xa5"
SHM: Final = NAME.with_name(NAME.name + "-shm")
SCRIPTS: Final = {"migrated": NEWER}
"""The version of the program that opens the folder; else this one."""
AFTER: Final = Sale("KIOSK01-999-after", 999, 100, "BRL", (Line("after", 1, 100),), "k", 2.0)
FOLDERS: Final = Path("/dev/shm")
"""Memory: what is lost is computed here, no disk has to lose it."""

KEPT_WHOLE: Final = ("damaged", "damaged_in_part")
"""Stories at whose end every byte that was there at their beginning is still there, under whatever name."""

Files = dict[Path, bytes]


@dataclass(frozen=True, slots=True)
class Depth:
    """How much of what is possible is done."""

    stories: tuple[str, ...] = tuple(STORIES)
    every_subset: int = 8
    """All subsets of so many pending changes (two at least); of more, the families above."""
    tear_each: bool = True


FULL: Final = Depth()
SMALL: Final = Depth(("paid", "foreign_order", "restored_copy", "migrated"), every_subset=2, tear_each=False)


@dataclass(frozen=True, slots=True)
class Figures:
    """What was done, and what it showed."""

    stories: int
    saves: int
    writes: int
    """Changes of the disk: writes, sizes, names."""
    syncs: int
    cuts: int
    variants: tuple[tuple[str, int], ...]
    """The cuts by kind of loss."""
    folders: int
    """Different folders that the cuts left: so often a journal was opened."""
    violations: int
    examples: tuple[str, ...]
    """Some of the violations, in words."""


class Disk:
    """What is certainly on the disk, and what is pending."""

    def __init__(self, folders: Iterable[int]) -> None:
        self.names: dict[int, dict[str, int]] = {folder: {} for folder in folders}
        self.data: dict[int, bytes] = {}
        self.pending: list[Change] = []

    def do(self, step: Change | Sync) -> None:
        """A change is pending; a sync makes those of its file or folder certain."""
        if isinstance(step, Sync):
            certain = [change for change in self.pending if change.node == step.node]
            self.pending = [change for change in self.pending if change.node != step.node]
            self.names, self.data = self._after(certain)
        else:
            self.pending.append(step)

    def files(self, kept: Sequence[Change]) -> Files:
        """The folder, if of the pending changes these come to the disk."""
        names, data = self._after(kept)
        return dict(_walk(TOP, Path(), names, data))

    def size(self, node: int, kept: Sequence[Change] = ()) -> int:
        """A file's size, likewise."""
        return len(self._after(kept)[1].get(node, b""))

    def _after(self, changes: Sequence[Change]) -> tuple[dict[int, dict[str, int]], dict[int, bytes]]:
        names = {folder: dict(inside) for folder, inside in self.names.items()}
        data = dict(self.data)
        open_files: dict[int, bytearray] = {}
        for change in changes:
            match change:
                case Named(node, name, None):
                    names[node].pop(name, None)
                case Named(node, name, what) if what is not None:
                    names[node][name] = what
                case Moved(node, old, new):
                    if old in names[node]:
                        names[node][new] = names[node].pop(old)
                case Write(node, offset, written):
                    content = open_files.setdefault(node, bytearray(data.get(node, b"")))
                    content.extend(bytes(max(0, offset - len(content))))
                    content[offset : offset + len(written)] = written
                case Resize(node, size):
                    content = open_files.setdefault(node, bytearray(data.get(node, b"")))
                    del content[size:]
                    content.extend(bytes(size - len(content)))
        return names, data | {node: bytes(content) for node, content in open_files.items()}


def _walk(
    folder: int, path: Path, names: dict[int, dict[str, int]], data: dict[int, bytes]
) -> Iterator[tuple[Path, bytes]]:
    for name, node in sorted(names[folder].items()):
        if node in names:
            yield from _walk(node, path / name, names, data)
        else:
            yield path / name, data.get(node, b"")


# --- what a cut may lose ----------------------------------------------------------------------------------------------


def losses(disk: Disk, depth: Depth) -> Iterator[tuple[str, Sequence[Change]]]:
    """Every loss that the disk may suffer now: its kind, and what comes to the disk of the pending changes."""
    pending = disk.pending
    yield from _subsets(pending, depth.every_subset)
    for index, change in enumerate(pending):
        if isinstance(change, Write) and (depth.tear_each or index == len(pending) - 1):
            for torn in tears(change):
                yield "torn", [*pending[:index], torn, *pending[index + 1 :]]
    yield from _grown(disk)


def _subsets(pending: list[Change], every_subset: int) -> Iterator[tuple[str, Sequence[Change]]]:
    count = len(pending)
    yield "kept", pending
    if not count:
        return
    yield "lost", []
    if count <= every_subset:
        for size in range(1, count):
            yield from (("some", kept) for kept in combinations(pending, size))
        return
    for size in range(1, count):
        yield "beginning", pending[:size]
    for index in range(count - 1):  # without the last is a beginning
        yield "one lost", [*pending[:index], *pending[index + 1 :]]
    for index in range(1, count):  # so is the first alone
        yield "one kept", [pending[index]]


def tears(write: Write) -> Iterator[Write]:
    """What a torn write may leave: its front or its back, cut at each border of sectors, and in its middle."""
    first = SECTOR - write.offset % SECTOR
    places = {*range(first, len(write.data), SECTOR), len(write.data) // 2} - {0}
    for place in sorted(places):
        yield Write(write.node, write.offset, write.data[:place])
        yield Write(write.node, write.offset + place, write.data[place:])


def _grown(disk: Disk) -> Iterator[tuple[str, Sequence[Change]]]:
    names = [change for change in disk.pending if isinstance(change, Named | Moved)]
    nodes = {change.node for change in disk.pending if isinstance(change, Write | Resize)}
    sizes = {node: (disk.size(node), disk.size(node, disk.pending)) for node in sorted(nodes)}
    if any(after > before for before, after in sizes.values()):
        for filler in (b"\0", RUBBISH):
            grown = [Write(node, old, filler * (new - old)) for node, (old, new) in sizes.items() if new > old]
            yield "grown", [*names, *grown]


# --- what a cut must not lose -----------------------------------------------------------------------------------------


def contents(db: sqlite3.Connection) -> tuple[object, ...]:
    """All rows of all tables, and the version."""
    tables = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]
    version = db.execute("PRAGMA user_version").fetchone()
    return (version, *((table, tuple(db.execute(f"SELECT * FROM {table}"))) for table in tables))


def _read(path: Path) -> tuple[object, ...]:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
        (word,) = db.execute("PRAGMA integrity_check").fetchone()
        assert word == "ok", word
        return contents(db)


class _Judge:
    """Opens what the cuts of one story left."""

    def __init__(self, recording: Recording, place: Path) -> None:
        self._place = place
        self._scripts = SCRIPTS.get(recording.story, MIGRATIONS)
        self._known: dict[bytes, tuple[object, ...] | str] = {}
        self._keeps: tuple[bytes, ...] = ()
        self._promised = self._after_each_save(recording)

    @property
    def folders(self) -> int:
        """How many were opened."""
        return len(self._known)

    def verdict(self, files: Files, acknowledged: int, begun: int) -> str:
        """Empty, or what is wrong."""
        digest = blake2b()
        for path, data in files.items():
            digest.update(f"{path} {len(data)} ".encode())
            digest.update(data)
        key = digest.digest()
        if key not in self._known:
            self._known[key] = self._opened(files)
        found = self._known[key]
        if isinstance(found, str):
            return found
        if found in self._promised[acknowledged : begun + 1]:
            return ""
        known = [k for k, promised in enumerate(self._promised) if promised == found]
        what = f"what {known[0]} saves had left" if known else "what no number of saves leaves"
        return f"{acknowledged} saves were acknowledged, {begun} begun; found is {what}"

    def _after_each_save(self, recording: Recording) -> list[tuple[object, ...]]:
        """What the journal must hold after none, one, two ... of the story's saves, made without a cut."""
        disk, saves = Disk(recording.folders), []
        begun = False
        for step in recording.steps:
            if isinstance(step, Saving):
                saves.append(step)
            elif isinstance(step, Begin):
                begun = True
                saves.clear()
            elif not begun and not isinstance(step, Saved):
                disk.do(step)
        files = disk.files(disk.pending)
        path = self._build(files)
        if recording.story in KEPT_WHOLE:
            self._keeps = tuple(files.values())
        promised = []
        with closing(SqliteJournal(path, anew=True, scripts=self._scripts)) as journal:
            promised.append(_read(path))
            for save in saves:
                journal.save(save.records, save.entries, save.at)
                promised.append(_read(path))
        return promised

    def _opened(self, files: Files) -> tuple[object, ...] | str:
        """What the journal holds; or why it cannot be used."""
        path = self._build(files)
        try:
            with closing(SqliteJournal(path, anew=True, scripts=self._scripts)) as journal:
                found = _read(path)
                wrong = _not_resumed(journal.rows())
                there = [file.read_bytes() for file in path.parent.iterdir()] if self._keeps else []
                if not all(kept in there for kept in self._keeps):
                    wrong = "a damaged file was changed, or is gone"
                journal.save([AFTER], [], 2.0)
                if journal.find(AFTER.reference) != AFTER:
                    wrong = "the next sale was not kept"
        except (JournalError, sqlite3.Error, AssertionError) as error:
            return f"{type(error).__name__}: {error}"
        return wrong or found

    def _build(self, files: Files) -> Path:
        shutil.rmtree(self._place, ignore_errors=True)
        self._place.mkdir()
        for path, data in files.items():
            (self._place / path).parent.mkdir(parents=True, exist_ok=True)
            (self._place / path).write_bytes(data)
        if (self._place / SHM).parent.is_dir():
            (self._place / SHM).write_bytes(RUBBISH * 32768)
        return self._place / NAME


def _not_resumed(rows: Rows) -> str:
    """Whether the machine goes on with all that is open."""
    counter, _ = resume(rows, SHOP, Now(50.0, 2e9), lambda: 1 << 127)
    front = getattr(counter.state, "sale", None)
    followed = {watch.sale.reference for watch in counter.watches.items}
    if rows.open[:1] and (front is None or front.reference != rows.open[0].reference):
        return "the open sale is not in front"
    if not {sale.reference for sale in (*rows.open[1:], *rows.watched)} <= followed:
        return "a sale is not watched any more"
    if {debt.id for debt in rows.debts} != {debt.id for debt in counter.papers.debts}:
        return "a ticket is not owed any more"
    return "" if counter.disputes == rows.disputes else "disputed money is forgotten"


# --- all of it --------------------------------------------------------------------------------------------------------


def cuts(recording: Recording) -> Iterator[tuple[int, int, int, Disk]]:
    """Where the power is cut: the step before which it is, saves acknowledged and begun by then, and the disk."""
    disk = Disk(recording.folders)
    begun = acknowledged = 0
    recorded = False
    for index, step in enumerate(recording.steps):
        match step:
            case Begin():
                recorded, begun, acknowledged = True, 0, 0
            case Saving():
                begun += 1
            case Saved():
                acknowledged += 1
            case _:
                if recorded:
                    yield index, acknowledged, begun, disk
                disk.do(step)
    yield len(recording.steps), acknowledged, begun, disk


def cut(recording: Recording, depth: Depth, place: Path, *, first: bool = False) -> Figures:
    """All cuts of one story; ``place``: where folders are built. ``first``: the first violation is enough."""
    judge = _Judge(recording, place)
    kinds: Tally[str] = Tally()
    wrong: list[str] = []
    for index, acknowledged, begun, disk in cuts(recording):
        for kind, kept in () if first and wrong else losses(disk, depth):
            kinds[kind] += 1
            if found := judge.verdict(disk.files(kept), acknowledged, begun):
                wrong.append(f"{recording.story}, before step {index}, {kind}: {found}")
    steps = recording.steps[recording.steps.index(Begin()) + 1 :]
    tally = Tally(type(step) for step in steps)
    return Figures(
        stories=1,
        saves=tally[Saving],
        writes=tally[Write] + tally[Resize] + tally[Named] + tally[Moved],
        syncs=tally[Sync],
        cuts=kinds.total(),
        variants=tuple(sorted(kinds.items())),
        folders=judge.folders,
        violations=len(wrong),
        examples=tuple(wrong[:5]),
    )


def together(all_figures: Sequence[Figures]) -> Figures:
    """The sums."""
    kinds: Tally[str] = Tally()
    for figures in all_figures:
        kinds.update(dict(figures.variants))
    return Figures(
        stories=sum(figures.stories for figures in all_figures),
        saves=sum(figures.saves for figures in all_figures),
        writes=sum(figures.writes for figures in all_figures),
        syncs=sum(figures.syncs for figures in all_figures),
        cuts=sum(figures.cuts for figures in all_figures),
        variants=tuple(sorted(kinds.items())),
        folders=sum(figures.folders for figures in all_figures),
        violations=sum(figures.violations for figures in all_figures),
        examples=tuple(text for figures in all_figures for text in figures.examples)[:10],
    )


def run(depth: Depth = SMALL, program: Path = ROOT, *, first: bool = False) -> Figures:
    """Record the stories and cut them; ``program``: the tree whose ``kiosk`` writes the journals (this one opens them).

    ``first``: of each story the first violation is enough.

    Raises:
        tests.disk_trace.NotToldError: a story failed, or strace may not trace here.
        tests.disk_trace.NotUnderstoodError: the disk's model does not know what the journal did.
    """
    figures = []
    for story in depth.stories:
        with tempfile.TemporaryDirectory(dir=FOLDERS if FOLDERS.is_dir() else None) as folder:
            recording = record(story, Path(folder), program)
            figures.append(cut(recording, depth, Path(folder) / "cut", first=first))
    return together(figures)
