"""What a process does to a folder on disk, recorded with strace: every write and sync, in order, with its bytes.

``record`` runs a story of ``disk_stories`` under strace and answers the operations as data. A system call that could
change the folder and that is not understood here is an error, not a gap.

Two files are left out. The lock file is empty. ``-shm`` is shared memory in a file's clothes: SQLite writes it through
a mapping, never syncs it, and whoever opens the journal first after a power cut throws it away
(sqlite.org/walformat.html#the_wal_index_file_format); ``disk_cuts`` puts one full of rubbish beside each journal.
"""

from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.disk_stories import Said

ROOT: Final = Path(__file__).parent.parent
CHANGING: Final = (
    "open,openat,openat2,creat,mkdir,mkdirat,link,linkat,symlink,symlinkat,rename,renameat,renameat2,unlink,unlinkat,"
    "rmdir,truncate,ftruncate,fallocate,write,writev,pwrite64,pwritev,pwritev2,copy_file_range,sendfile,splice,"
    "mmap,msync,fsync,fdatasync,sync,syncfs,sync_file_range,io_uring_enter,io_submit"
)
"""Every system call that can change what is on a disk, or say when it must be there."""
LEFT_OUT: Final = (".lock", "-shm")
TIMEOUT_S: Final = 60.0
TELL: Final = "from tests.disk_stories import main; main()"

TOP: Final = 0
"""The number of the recorded folder; files and folders in it get higher ones, in the order in which they appear."""


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes of a file."""

    node: int
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Resize:
    """A file's size."""

    node: int
    size: int


@dataclass(frozen=True, slots=True)
class Named:
    """A name in the folder ``node`` means ``what`` from now on; None: nothing any more."""

    node: int
    name: str
    what: int | None


@dataclass(frozen=True, slots=True)
class Moved:
    """A name in the folder ``node`` takes another name's place, both at once."""

    node: int
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Sync:
    """All that was done before to a file, or to the names in a folder, is on the disk when it returns."""

    node: int


Change = Write | Resize | Named | Moved
Step = Change | Sync | Said


@dataclass(frozen=True, slots=True)
class Recording:
    """A story's steps on a folder that was empty."""

    story: str
    folders: frozenset[int]
    steps: tuple[Step, ...]


class NotToldError(Exception):
    """The story came to no end."""


class NotUnderstoodError(Exception):
    """The process did something to the folder that the model of the disk does not know."""


def record(story: str, place: Path, program: Path = ROOT) -> Recording:
    """Tell the story in a process of its own; ``place``: an empty folder to work in; ``program``: whose ``kiosk``.

    Raises:
        NotToldError: the story failed, or strace may not trace here.
        NotUnderstoodError: the model of the disk is not complete.
    """
    folder, marks, trace = place / "disk", place / "marks", place / "trace"
    folder.mkdir()
    command = ["strace", "-qq", "-y", "-xx", "-s", str(1 << 20), "-e", "signal=none", "-e", f"trace={CHANGING}"]
    command += ["-o", str(trace), sys.executable, "-c", TELL, story, str(folder), str(marks)]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join((str(program), str(ROOT))), "PYTHONDONTWRITEBYTECODE": "1"}
    told = subprocess.run(
        command, cwd=program, env=environ, check=False, capture_output=True, text=True, timeout=TIMEOUT_S
    )
    if told.returncode:
        raise NotToldError(f"{story}: {told.stderr[-2000:]}")
    reading = _Reading(str(folder), str(marks))
    steps = tuple(step for line in trace.read_text("ascii").splitlines() for step in reading.steps(line))
    return Recording(story, frozenset(reading.folders), steps)


_CALL: Final = re.compile(r"(\w+)\((.*)\) += (-?\d+|0x[0-9a-f]+|\?)")
_ARGUMENT: Final = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(?:\.\.\.)?|([\w|~-]+)<((?:[^<>]|\\x3[ce])*)>|([^,"<]+)')
_IGNORED: Final = frozenset({"exit_group"})


class _Reading:
    """Reads strace's lines, and knows which name means which file."""

    def __init__(self, folder: str, marks: str) -> None:
        self._folder, self._marks = folder, marks
        self._nodes: dict[str, int] = {folder: TOP}
        self._count = TOP
        self.folders = {TOP}

    def steps(self, line: str) -> Iterator[Step]:
        """What the call did to the folder, if anything."""
        match = _CALL.match(line)
        if match is None:
            if line.startswith("+++"):
                return
            raise NotUnderstoodError(line[:300])
        name, text, result = match.groups()
        if result.startswith("-"):
            return  # it failed: nothing was changed
        words = [word for word in map(_text, _ARGUMENT.finditer(text)) if word != ""]
        paths = [word for word in words if isinstance(word, str) and self._ours(word)]
        if name == "write" and words[0] == self._marks:
            assert isinstance(words[1], bytes)
            yield pickle.loads(words[1])
        elif any(path.endswith(LEFT_OUT) for path in paths) or (not paths and name not in ("sync", "syncfs")):
            return
        elif paths and paths[0].endswith("(deleted)"):
            return  # a file that nobody will ever find again
        else:
            yield from self._step(name, words, paths, int(result, 0), line)

    def _ours(self, path: str) -> bool:
        return path == self._folder or path.startswith(self._folder + "/")

    def _step(self, name: str, words: list[str | bytes], paths: list[str], result: int, line: str) -> Iterator[Step]:
        path = paths[0] if paths else ""
        match name:
            case "mkdir":
                yield self._made(path)
                self.folders.add(self._nodes[path])
            case "openat":
                flags = next(w for w in words if isinstance(w, str) and w.startswith("O_")).split("|")
                if path not in self._nodes:
                    assert "O_CREAT" in flags, line
                    yield self._made(path)
                elif "O_TRUNC" in flags:
                    yield Resize(self._nodes[path], 0)
            case "pwrite64":
                data, offset = words[1], words[3]
                assert isinstance(data, bytes)
                assert isinstance(offset, str)
                yield Write(self._nodes[path], int(offset), data[:result])
            case "ftruncate":
                yield Resize(self._nodes[path], int(str(words[1])))
            case "unlink":
                del self._nodes[path]
                yield Named(self._nodes[os.path.dirname(path)], os.path.basename(path), None)
            case "rename" if os.path.dirname(paths[0]) == os.path.dirname(paths[1]):
                self._nodes[paths[1]] = self._nodes.pop(path)
                folder = self._nodes[os.path.dirname(path)]
                yield Moved(folder, os.path.basename(path), os.path.basename(paths[1]))
            case "fsync" | "fdatasync":
                yield Sync(self._nodes[path])
            case "mmap" if "MAP_PRIVATE" in str(words[3]):
                return
            case _:
                raise NotUnderstoodError(line[:300])

    def _made(self, path: str) -> Named:
        self._count += 1
        self._nodes[path] = self._count
        return Named(self._nodes[os.path.dirname(path)], os.path.basename(path), self._count)


def _text(found: re.Match[str]) -> str | bytes:
    """One argument: bytes that are no path stay bytes; of a descriptor, the path."""
    quoted, _, path, plain = found.groups()
    if path is not None:
        return bytes.fromhex(path.replace("\\x", "")).decode() if path.startswith("\\x") else path
    if plain is not None:
        return plain.strip()
    data = bytes.fromhex(quoted.replace("\\x", ""))
    return data.decode() if data.startswith(b"/") and data.isascii() and b"\0" not in data else data
