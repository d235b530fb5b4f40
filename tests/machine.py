"""A whole machine for the tests: a Debian tree with systemd as PID 1, as a Raspberry Pi has it after its first boot.

The tree is made by mmdebstrap and booted by systemd-nspawn. What a test changes goes into an overlay of its own, so
that each begins with the same machine. ``tests.machine_world`` puts the virtual counter around it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from tests.counter_client import PATIENCE_S, Counter, counter_process
from tests.machine_world import COUNTER, control_group, fill_in

MINUTES_S: Final = 600.0
TOKEN: Final = "/srv/token"
CHECKOUT: Final = "/srv/checkout"
_PACKAGES: Final = "systemd,systemd-sysv,dbus,python3"
"""What every Raspberry Pi OS has, and minbase has not."""
_SPEED: Final = (
    "--aptopt=Acquire::Languages none",
    "--dpkgopt=force-unsafe-io",
    *(f"--dpkgopt=path-exclude=/usr/share/{part}/*" for part in ("man", "doc", "locale")),
)
_PATH: Final = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PARTS: Final = ("install.sh", "kiosk", "config", "systemd", "pyproject.toml", "README.md")


def impossible() -> str:
    """Why no machine can be booted here; empty where one can."""
    for program in ("mmdebstrap", "systemd-nspawn", "nsenter"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    if os.geteuid() != 0:
        return "only root can boot a tree"
    tried = subprocess.run(["unshare", "--mount", "--pid", "--fork", "true"], capture_output=True, check=False)
    return "" if tried.returncode == 0 else "this machine lets nobody make namespaces (a container?)"


def bare_tree(suite: str, folder: Path) -> Path:
    """A tree of that Debian, with nothing of the kiosk. ``KEPT_TREES`` in the environment: a folder that keeps it."""
    tree = Path(os.environ.get("KEPT_TREES") or folder) / suite
    if not tree.exists():
        made = tree.with_suffix(".making")
        command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={_PACKAGES}", *_SPEED, suite, str(made)]
        _done(command)
        made.rename(tree)
    return tree


def wheels(root: Path, python: str, folder: Path) -> Path:
    """A folder of wheels for that Python, as systemd/README.md says to make one."""
    return download(root, python, folder, wanted(root))


def wanted(root: Path) -> list[str]:
    """What the service's environment is made of."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    return [*project["dependencies"], *project["optional-dependencies"]["notifications"], "gpiod", "setuptools"]


def download(root: Path, python: str, folder: Path, packages: Sequence[str], platforms: Sequence[str] = ()) -> Path:
    """Wheels of those packages for that Python, and for another machine's platforms where any are named."""
    options = [
        "--quiet",
        "--disable-pip-version-check",
        "--only-binary=:all:",
        f"--python-version={python}",
        *platforms,
    ]
    options += ["--constraint", str(root / "config/constraints.txt"), "--dest", str(folder)]
    _done([sys.executable, "-m", "pip", "download", *options, *packages])
    return folder


@contextmanager
def layered(lower: Sequence[Path], folder: Path) -> Iterator[Path]:
    """A tree of one's own over those (the topmost first); ``folder / "upper"`` holds what was changed."""
    upper, work, tree = (folder / name for name in ("upper", "work", "tree"))
    for made in (upper, work, tree):
        made.mkdir()
    below = ":".join(map(str, lower))
    _done(["mount", "-t", "overlay", "overlay", "-o", f"lowerdir={below},upperdir={upper},workdir={work}", str(tree)])
    try:
        yield tree
    finally:
        _done(["umount", "--recursive", "--lazy", str(tree)])


def small_disk(place: Path) -> None:
    """A disk of its own for that folder of a tree; it outlives the machine, and goes with ``layered``."""
    _done(["mount", "-t", "tmpfs", "-o", "size=8m,mode=0700", "tmpfs", str(place)])


def put_checkout(root: Path, tree: Path, to: str = CHECKOUT) -> None:
    """Copy the repository in, as far as an installation needs it."""
    place = tree / to.lstrip("/")
    place.mkdir(parents=True)
    for name in _PARTS:
        if (root / name).is_dir():
            shutil.copytree(root / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(root / name, place / name)


class Machine(Counter):
    """A counter whose kiosk is a machine of its own."""

    tree: Path
    steps: list[tuple[float, str]]
    """What was done, and the seconds that it took."""

    def inside(self, *command: str, check: bool = True, timeout: float = MINUTES_S) -> str:
        """Run a command on the machine, as root; answers what it wrote."""
        entered = [
            "nsenter",
            "--target",
            str(self.leader),
            "--all",
            "--",
            "env",
            "-i",
            _PATH,
            "HOME=/root",
            "LANG=C.UTF-8",
        ]
        done = subprocess.run([*entered, *command], capture_output=True, text=True, timeout=timeout, check=False)
        assert not check or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}\n{self.told()}"
        return done.stdout + done.stderr

    @property
    def leader(self) -> int:
        """The machine's PID 1, by its number here."""
        for _ in self._looks():
            with suppress(OSError, IndexError):
                # unshare, systemd-nspawn, the machine's own first process
                nspawn = _children(self.pid)[0]
                machine = _children(nspawn)[0]
                if Path(f"/proc/{machine}/comm").read_text() == "systemd\n":
                    return machine
        raise AssertionError(f"the machine does not boot\n{self.said()}")

    def booted(self) -> None:
        """Wait until its start is over."""
        for _ in self._looks():
            if self.inside("systemctl", "is-system-running", check=False).strip() in ("running", "degraded"):
                return
        raise AssertionError(f"the machine does not come up: {self.inside('systemctl', '--failed', check=False)}")

    def leave_no_group(self) -> None:
        """Take the control groups of the dead machine away; its last processes may just be dying."""
        for _ in self._looks():
            with suppress(OSError):
                for group, _, _ in os.walk(control_group(self.process.pid), topdown=False):
                    os.rmdir(group)
                return

    def _looks(self) -> Iterator[None]:
        """As many looks as patience allows, with a pause after each."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            yield
            self._pause()

    def told(self) -> str:
        """What its journal holds about the kiosk."""
        return self.inside("journalctl", "--unit=kiosk", "--lines=400", "--no-pager", "--output=cat", check=False)

    def step(self, text: str, *command: str) -> str:
        """Run a command and note how long it took."""
        began = time.monotonic()
        told = self.inside(*command)
        self.steps.append((time.monotonic() - began, text))
        return told

    def fill_in(self) -> None:
        """What the technician edits."""
        fill_in(self.tree, self.private)

    def drop_in(self, *lines: str) -> None:
        """Change lines of the unit, as systemd/README.md says to."""
        path = self.tree / "etc/systemd/system/kiosk.service.d/test.conf"
        path.write_text("\n".join(("[Service]", *lines, "")))
        self.inside("systemctl", "daemon-reload")

    def until_told(self, words: str) -> None:
        """Until these words stand in what the machine's journal holds about the kiosk."""
        for _ in self._looks():
            if words in self.told():
                return
        raise AssertionError(f"nobody said {words!r}: {self.told()}")

    def join_counter(self) -> None:
        """The one thing that only a test does: the unit finds keypad and panel at the virtual counter."""
        drop_in = self.tree / "etc/systemd/system/kiosk.service.d/counter.conf"
        drop_in.parent.mkdir(parents=True, exist_ok=True)
        drop_in.write_text(f"[Service]\nEnvironment=KIOSK_COUNTER={COUNTER}\n")
        (self.tree / TOKEN.lstrip("/")).write_text((self.private / "token").read_text())

    def sales(self) -> list[dict[str, Any]]:
        """``kiosk sales list`` there."""
        sales: list[dict[str, Any]] = json.loads(self.inside("kiosk", "sales", "list", "--count", "1000", "--json"))
        return sales

    def service(self, *names: str) -> list[str]:
        """Properties of the unit."""
        shown = self.inside("systemctl", "show", "kiosk", "--value", *(f"--property={name}" for name in names))
        return shown.splitlines()


def _children(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def _done(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=MINUTES_S, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"


@contextmanager
def machine(tree: Path, folder: Path, root: Path) -> Iterator[Machine]:
    """That tree, booted, with a counter around it; at the end its power is cut."""
    command = [sys.executable, "-m", "tests.machine_world", str(tree)]
    with counter_process(folder, command, PYTHONPATH=str(root)) as (process, client):
        booted = Machine(process, client, folder)
        booted.tree, booted.steps = tree, []
        began = time.monotonic()
        booted.booted()
        booted.steps.append((time.monotonic() - began, "booting"))
        yield booted
        booted.trouble("power-cut", True)
        booted.leave_no_group()
        process.terminate()
        assert process.wait(PATIENCE_S) == 0
