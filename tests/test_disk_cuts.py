"""Power cuts at every write and sync of the journal: nothing promised is lost, the count is whole, planted bugs die."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from itertools import chain
from math import prod
from pathlib import Path

import pytest

from tests.disk_cuts import FULL, SMALL, Depth, Disk, Figures, cuts, losses, run, tears
from tests.disk_stories import STORIES, Begin, Saved, Saving
from tests.disk_trace import (
    ROOT,
    TOP,
    Change,
    Moved,
    Named,
    NotUnderstoodError,
    Recording,
    Resize,
    Step,
    Sync,
    Write,
    record,
)
from tests.disk_trace import _Reading as Reading

FOLDER, FILE, OTHER = 1, 2, 3


def disk_with(*steps: Change | Sync) -> Disk:
    """A folder with a file of four bytes in it, all of it synced; then the steps."""
    disk = Disk({TOP, FOLDER})
    begun = (Named(TOP, "d", FOLDER), Named(FOLDER, "f", FILE), Write(FILE, 0, b"abcd"), Sync(FILE))
    for step in (*begun, Sync(FOLDER), Sync(TOP), *steps):
        disk.do(step)
    return disk


def after(disk: Disk, *kept: Change) -> dict[str, bytes]:
    return {str(path): data for path, data in disk.files(kept).items()}


# --- the model of the disk --------------------------------------------------------------------------------------------


def test_what_was_synced_is_there_and_what_was_not_may_be() -> None:
    disk = disk_with(write := Write(FILE, 2, b"XYZ"))
    assert after(disk) == {"d/f": b"abcd"}
    assert after(disk, write) == {"d/f": b"abXYZ"}
    disk.do(Sync(FILE))
    assert after(disk) == {"d/f": b"abXYZ"}


def test_a_write_beyond_the_end_leaves_zeros_and_a_size_cuts() -> None:
    write, size = Write(FILE, 6, b"Z"), Resize(FILE, 2)
    disk = disk_with(write, size)
    assert after(disk, write) == {"d/f": b"abcd\0\0Z"}
    assert after(disk, size) == {"d/f": b"ab"}
    assert after(disk, write, size) == {"d/f": b"ab"}


def test_a_new_files_name_needs_the_sync_of_its_folder() -> None:
    disk = disk_with(Named(FOLDER, "new", OTHER), Write(OTHER, 0, b"x"), Sync(OTHER))
    assert after(disk) == {"d/f": b"abcd"}
    disk.do(Sync(FOLDER))
    assert after(disk) == {"d/f": b"abcd", "d/new": b"x"}


def test_a_name_may_be_removed_or_moved_or_not() -> None:
    gone, moved = Named(FOLDER, "f", None), Moved(FOLDER, "f", "g")
    assert after(disk_with(gone), gone) == {}
    assert after(disk_with(gone)) == {"d/f": b"abcd"}
    assert after(disk_with(moved), moved) == {"d/g": b"abcd"}
    assert after(disk_with(moved)) == {"d/f": b"abcd"}


def test_a_write_is_torn_at_borders_of_sectors_and_in_its_middle_from_both_ends() -> None:
    torn = list(tears(Write(FILE, 500, b"a" * 12 + b"b" * 512 + b"c")))
    assert [(write.offset, len(write.data)) for write in torn] == [
        *((500, 12), (512, 513)),
        *((500, 262), (762, 263)),
        *((500, 524), (1024, 1)),
    ]
    assert list(tears(Write(FILE, 0, b"a"))) == []


@pytest.mark.parametrize("count", range(9))
@pytest.mark.parametrize("every_subset", [2, 4, 8])
def test_no_loss_comes_twice_and_the_families_are_among_all_subsets(count: int, every_subset: int) -> None:
    disk = disk_with(*(Write(FILE, number, b"x") for number in range(count)))
    kept = [
        frozenset(map(id, kept)) for kind, kept in losses(disk, Depth(every_subset=every_subset)) if kind != "grown"
    ]
    assert len(set(kept)) == len(kept) == subsets(count, every_subset)


def test_a_file_that_grew_may_hold_rubbish() -> None:
    disk = disk_with(Write(FILE, 3, b"DEF"))
    grown = [after(disk, *kept)["d/f"] for kind, kept in losses(disk, FULL) if kind == "grown"]
    assert grown == [b"abcd\0\0", b"abcd\xa5\xa5"]
    assert not [kind for kind, _ in losses(disk_with(Write(FILE, 0, b"A")), FULL) if kind == "grown"]


# --- reading what was recorded ----------------------------------------------------------------------------------------


def hexed(text: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in text.encode())


def read(*lines: str) -> list[Step]:
    reading = Reading("/r", "/marks")
    made = (
        f'mkdir("{hexed("/r/d")}", 0700) = 0',
        f'openat(AT_FDCWD</>, "{hexed("/r/d/f")}", O_RDWR|O_CREAT) = 3</r/d/f>',
    )
    return [step for line in (*made, *lines) for step in reading.steps(line)][2:]


def test_the_calls_become_steps() -> None:
    assert read(
        f'pwrite64(3</r/d/f>, "{hexed("abc")}", 3, 7) = 2',
        "ftruncate(3</r/d/f>, 5) = 0",
        "fdatasync(3</r/d/f>) = 0",
        "fsync(4</r/d>) = 0",
        f'rename("{hexed("/r/d/f")}", "{hexed("/r/d/g")}") = 0',
        f'unlink("{hexed("/r/d/g")}") = 0',
    ) == [
        Write(FILE, 7, b"ab"),
        Resize(FILE, 5),
        Sync(FILE),
        Sync(FOLDER),
        Moved(FOLDER, "f", "g"),
        Named(FOLDER, "g", None),
    ]


@pytest.mark.parametrize(
    "line",
    [
        f'unlink("{hexed("/r/d/f")}") = -1 ENOENT (No such file or directory)',
        f'openat(AT_FDCWD</>, "{hexed("/r/d/f")}", O_RDONLY|O_CLOEXEC) = 3</r/d/f>',
        f'unlink("{hexed("/elsewhere/f")}") = 0',
        f'pwrite64(3</r/d/f-shm>, "{hexed("x")}", 1, 4095) = 1',
        f'pwrite64(3</r/d/f (deleted)>, "{hexed("x")}", 1, 4095) = 1',
        "mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 3</r/d/f>, 0) = 0x7f0000000000",
        "+++ exited with 0 +++",
    ],
)
def test_calls_that_change_nothing(line: str) -> None:
    assert read(line) == []


@pytest.mark.parametrize(
    "line",
    [
        f'write(3</r/d/f>, "{hexed("x")}", 1) = 1',
        "mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, 3</r/d/f>, 0) = 0x7f0000000000",
        f'link("{hexed("/r/d/f")}", "{hexed("/r/d/g")}") = 0',
        "fallocate(3</r/d/f>, 0, 0, 4096) = 0",
        "sync() = 0",
        "something that is no call",
    ],
)
def test_a_call_that_the_model_does_not_know_is_no_gap(line: str) -> None:
    with pytest.raises(NotUnderstoodError):
        read(line)


# --- the count --------------------------------------------------------------------------------------------------------


def subsets(count: int, every_subset: int) -> int:
    """Subsets of so many pending changes: all of them; or none, all, and the beginnings, each lost, each kept alone,
    without the two that are beginnings themselves."""
    if count <= every_subset:
        return prod([2] * count)
    return 2 + (count - 1) + (count - 1) + (count - 1)


def expected(recording: Recording, depth: Depth) -> int:
    """The number of cuts, counted from what was recorded, without the model of the disk."""
    steps = [step for step in recording.steps if not isinstance(step, Saving | Saved)]
    begin = steps.index(Begin())
    points = [*range(begin + 1, len(steps)), len(steps)]
    return sum(_at(point, steps, depth) for point in points)


def _at(point: int, steps: Sequence[Step], depth: Depth) -> int:
    pending: list[Change] = []
    sizes: dict[int, int] = {}
    synced: dict[int, int] = {}
    for step in steps[:point]:
        match step:
            case Sync(node):
                pending = [change for change in pending if change.node != node]
                synced[node] = sizes.get(node, 0)
            case Write(node, offset, data):
                sizes[node] = max(sizes.get(node, 0), offset + len(data))
                pending.append(step)
            case Resize(node, size):
                sizes[node] = size
                pending.append(step)
            case Named() | Moved():
                pending.append(step)
    torn = [change for change in pending if isinstance(change, Write)]
    if not depth.tear_each:
        torn = torn[-1:] if torn and torn[-1] is pending[-1] else []
    grown = any(
        sizes[node] > synced.get(node, 0) for node in {c.node for c in pending if isinstance(c, Write | Resize)}
    )
    return subsets(len(pending), depth.every_subset) + sum(map(_places, torn)) * 2 + 2 * grown


def _places(write: Write) -> int:
    end = write.offset + len(write.data)
    borders = {border for border in range(0, end, 512) if border > write.offset}
    middle = {write.offset + len(write.data) // 2} if len(write.data) > 1 else set()
    return len(borders | middle)


@pytest.fixture(scope="module")
def small() -> Figures:
    """In the short round the certificate does the same, so these tests wait for the long one."""
    return run(SMALL)


@pytest.mark.long
def test_l7_no_cut_loses_what_was_promised(small: Figures) -> None:
    assert small.examples == ()
    assert small.violations == 0
    assert small.stories == len(SMALL.stories)
    assert small.folders > 1000


@pytest.mark.long
def test_the_cuts_are_all_that_there_are(small: Figures, tmp_path: Path) -> None:
    """Before each change and each sync, and after the last; and there, every loss of the list."""
    recordings = [record(story, new_folder(tmp_path / story)) for story in SMALL.stories]
    steps = [recording.steps[recording.steps.index(Begin()) :] for recording in recordings]
    changes = sum(isinstance(step, Change) for step in chain(*steps))
    syncs = sum(isinstance(step, Sync) for step in chain(*steps))
    assert (small.writes, small.syncs) == (changes, syncs)
    assert sum(len(list(cuts(recording))) for recording in recordings) == changes + syncs + len(recordings)
    assert small.saves == sum(isinstance(step, Saving) for step in chain(*steps)) > 0
    assert small.cuts == sum(count for _, count in small.variants) == sum(expected(r, SMALL) for r in recordings)
    for recording in recordings:
        assert sum(len(list(losses(disk, FULL))) for *_, disk in cuts(recording)) == expected(recording, FULL)


def new_folder(path: Path) -> Path:
    path.mkdir()
    return path


# --- planted bugs -----------------------------------------------------------------------------------------------------

FILE_PY, WRITING_PY = "kiosk/journal/file.py", "kiosk/journal/writing.py"
COMMITTED = """            with db:
                db.execute("BEGIN IMMEDIATE")
                # A Z first"""
COMMITS_THE_LAST_ONE = """            if db.in_transaction:
                db.execute("COMMIT")
            if db:
                db.execute("BEGIN IMMEDIATE")
                # A Z first"""
PUT = """                    put(db, self.path, record)
"""
PUT_ALONE = (
    PUT
    + """                    db.execute("COMMIT")
                    db.execute("BEGIN IMMEDIATE")
"""
)
DOUBTED = """                db.execute(schema.DOUBT_SALES)
"""
DOUBTED_ALONE = (
    """                db.execute("COMMIT")
                db.execute("BEGIN")
"""
    + DOUBTED
)
RENAMED = "        path.with_name(path.name + part).rename(path.with_name(name + part))\n"
IN_ONE = "BEGIN IMMEDIATE; {scripts[number]}; PRAGMA user_version = {number + 1}; COMMIT;"
BUGS: dict[str, tuple[str, str, str, str]] = {
    # story that must show it, file, line, bug
    "synchronous-normal": ("foreign_order", FILE_PY, "PRAGMA synchronous = FULL", "PRAGMA synchronous = NORMAL"),
    "synchronous-off": ("foreign_order", FILE_PY, "PRAGMA synchronous = FULL", "PRAGMA synchronous = OFF"),
    "answers-before-commit": ("foreign_order", WRITING_PY, COMMITTED, COMMITS_THE_LAST_ONE),
    "a-transaction-for-each-record": ("paid", WRITING_PY, PUT, PUT_ALONE),
    "folder-not-synced": ("paid", FILE_PY, "        sync_folder(place.parent)\n", "        pass\n"),
    "unmarks-first-and-doubts-then": ("restored_copy", WRITING_PY, DOUBTED, DOUBTED_ALONE),
    "migrates-in-two-steps": ("migrated", FILE_PY, IN_ONE, "{scripts[number]}; PRAGMA user_version = {number + 1};"),
    "damaged-file-is-removed": ("damaged", FILE_PY, RENAMED, "        path.with_name(path.name + part).unlink()\n"),
}


def planted(bug: str, tree: Path) -> tuple[str, Path]:
    """A tree with the bug in it, and the story that must show it."""
    story, file, right, wrong = BUGS[bug]
    shutil.copytree(ROOT / "kiosk", tree / "kiosk", ignore=shutil.ignore_patterns("__pycache__"))
    text = (tree / file).read_text("utf-8")
    assert text.count(right) == 1, f"{file} no longer holds this line once: choose it anew"
    (tree / file).write_text(text.replace(right, wrong), "utf-8")
    return story, tree


@pytest.mark.slow
@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_does_not_survive_the_cuts(bug: str, tmp_path: Path) -> None:
    story, tree = planted(bug, tmp_path)
    found = run(Depth((story,), every_subset=2, tear_each=False), tree, first=True)
    assert found.violations, f"{bug} survives {found.cuts} cuts"


@pytest.mark.long
def test_l7_no_cut_of_any_story_loses_what_was_promised() -> None:
    found = run(FULL)
    print(found)
    assert found.examples == ()
    assert found.violations == 0
    assert found.stories == len(STORIES)
