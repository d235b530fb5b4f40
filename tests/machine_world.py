"""The virtual counter around a booted machine: the kiosk's far ends are the counter's, its program is a whole Debian.

``python -m tests.machine_world TREE`` is ``kiosk sim`` whose kiosk is a machine: switched on, the tree is booted with
systemd as its PID 1; a power cut kills all of it at once. Nothing is started in it: its own service manager does that.

The machine shares this one's loopback, and so reaches the fake account and the printer. Keypad and panel are the
sockets of ``kiosk.sim.remote``, which the unit finds by a drop-in (``COUNTER``).
"""

from __future__ import annotations

import json
import os
import re
import select
import sys
import tomllib
from pathlib import Path
from typing import Final

from kiosk.sim.world import run_sim

COUNTER: Final = "/srv/counter"
"""Where the machine finds the counter's sockets: what the drop-in sets ``KIOSK_COUNTER`` to."""


DYING_S: Final = 20
SETTINGS: Final = "etc/kiosk/kiosk.toml"
_EDITED: Final = (
    ("shop", ("name", "site", "language")),
    ("mercadopago", ("user_id", "external_store_id", "external_pos_id", "base_url")),
    ("printer", ("driver", "host", "port")),
)


def fill_in(tree: Path, private: Path) -> None:
    """Edit the annotated configuration as a technician does: the shop, the account, the printer; and put the token."""
    mine = tomllib.loads((private / "kiosk.toml").read_text())
    path = tree / SETTINGS
    text = path.read_text()
    for table, keys in _EDITED:
        for key in keys:
            if key in mine[table]:
                text = _edited(text, table, f"{key} = ", json.dumps(mine[table][key], ensure_ascii=False))
    path.write_text(text)
    (tree / "etc/kiosk/mercadopago-token").write_text((private / "token").read_text())


def _edited(text: str, table: str, key: str, value: str) -> str:
    before, head, after = text.partition(f"\n[{table}]\n")
    changed, count = re.subn(rf"^{key}.*$", lambda _: key + value, after, count=1, flags=re.MULTILINE)
    assert count == 1, key
    return before + head + changed


def control_group(world: int) -> Path:
    """The machine's own control group: two in one would end each other's services. ``world``: the counter's process."""
    mounts = (line.split() for line in Path("/proc/self/mounts").read_text().splitlines())
    [root] = [fields[1] for fields in mounts if fields[2] == "cgroup2"][:1]
    [own] = [line[3:] for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::")]
    return Path(root + own, f"machine-of-{world}")


def boot(tree: Path, private: Path) -> None:
    """Become the machine; returns only by an exception."""
    answers = private / "control.sock"
    answers.unlink(missing_ok=True)
    for socket in private.glob("*.sock"):
        socket.chmod(0o666)  # the kiosk is somebody else there
    private.chmod(0o711)
    answers.symlink_to(tree / "var/lib/kiosk/control.sock")
    if (tree / SETTINGS).exists():  # installed before, with another counter's ports
        fill_in(tree, private)
    group = control_group(os.getppid())
    group.mkdir(exist_ok=True)
    until_empty(group)
    (group / "cgroup.procs").write_text(str(os.getpid()))
    os.environ["SYSTEMD_NSPAWN_UNIFIED_HIERARCHY"] = "1"
    # A machine outlives its systemd-nspawn; in a namespace of processes that dies with this one nothing does.
    dying = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    place = [f"--directory={tree}", f"--bind={private}:{COUNTER}"]
    os.execvp("unshare", [*dying, "systemd-nspawn", "--quiet", "--register=no", "--keep-unit", *place, "--boot"])


def until_empty(group: Path) -> None:
    """Wait until the last process of a machine that was killed is gone (cgroups(7): the file tells of a change)."""
    events = group / "cgroup.events"
    with events.open() as file:
        changes = select.poll()
        changes.register(file, select.POLLPRI)
        while "populated 1" in events.read_text():
            if not changes.poll(DYING_S * 1000):
                raise TimeoutError(f"{group}: the machine before does not die")


def main(arguments: list[str]) -> int:
    """The counter, or as its child the machine."""
    if "panel" in arguments:
        return 0  # its own service manager sees to that
    if arguments[0] == "boot":
        boot(Path(arguments[1]), Path(os.environ["KIOSK_COUNTER"]))
    program = (sys.executable, "-m", "tests.machine_world", "boot", arguments[0])
    return run_sim(None, None, "127.0.0.1:0", frozenset(), program=program)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
