"""Whether everything the service runs with installs on a 64-bit Raspberry Pi OS, without a compiler.

``python -m tests.arm64`` makes bare Debian trees for arm64, 12 and 13, puts the checkout in, and lets the installer's
own steps (``systemd/service.sh``) make a version in each, of Debian's packages and of wheels for that processor.
Then every module that the service loads is loaded there, and what is not a wheel is named.

Needs root, ``mmdebstrap`` and ``qemu-user-static`` (with its ``binfmt_misc`` entry, as its Debian package makes it):
the processor is played, which takes some minutes. Where it cannot be done it says why, and ends with status 1.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.machine import CHECKOUT, MINUTES_S, download, put_checkout, wanted

SUITES: Final = (("bookworm", "3.11"), ("trixie", "3.13"))
GLIBC: Final = (17, 26, 27, 28, 31, 34, 35)
"""Of which glibc 2.x wheels are taken: Debian 12 has 2.36, Debian 13 a newer one (PEP 600)."""
WHEELS: Final = "/srv/wheels"
PACKAGES: Final = (
    "python3,python3-venv,python3-systemd,python3-spidev,python3-evdev,libusb-1.0-0,ca-certificates,tzdata"
)
"""What ``missing_for_service`` asks for; apt is not run in the tree: it would fetch by the played processor."""

MAKE_VERSION: Final = f"""
set -euo pipefail
here={CHECKOUT}
say() {{ printf '%s\\n' "$*"; }}
fail() {{ say "$*" >&2; exit 1; }}
source "$here/systemd/service.sh"
missing=$(missing_for_service)
[[ -z $missing ]] || fail "not in the tree: $missing"
for compiler in cc gcc c++ g++ make; do
    ! command -v "$compiler" || fail "there is a compiler: this would prove nothing"
done
wheels={WHEELS}
id=$(version_id)
make_version "$id"
cd /
"$versions/$id/bin/python" -I -W ignore - <<'PYTHON'
import importlib, importlib.metadata as metadata, platform, sys
for name in sorted(metadata.distributions(), key=lambda found: found.name.lower()):
    wheel = name.read_text("WHEEL") or ""
    tags = ", ".join(line[5:] for line in wheel.splitlines() if line.startswith("Tag: "))
    print(f"  {{name.name}} {{name.version}}: {{tags or 'no wheel'}}")
loaded = "gpiozero gpiod luma.oled.device luma.core PIL.Image httpx escpos.printer usb.core serial smbus2".split()
loaded.append("uvicorn")
borrowed = "spidev systemd.daemon systemd.journal evdev".split()
for name in (*loaded, *borrowed):
    module = importlib.import_module(name)
    if name in borrowed:
        print(f"  {{name}}: Debian's, {{getattr(module, '__file__', '')}}")
import sqlite3, ssl
print(f"  {{platform.machine()}}, Python {{platform.python_version()}}, SQLite {{sqlite3.sqlite_version}}: all loaded")
PYTHON
"$versions/$id/bin/kiosk" --help >/dev/null
"$versions/$id/bin/kiosk" config --config "$here/config/kiosk.toml" >/dev/null
"""


def impossible() -> str:
    """Why it cannot be done here; empty where it can."""
    if os.geteuid() != 0:
        return "only root can make a tree"
    if not Path("/proc/sys/fs/binfmt_misc/qemu-aarch64").exists():
        return "nothing plays an arm64 processor: install qemu-user-static and binfmt-support"
    return ""


def check(suite: str, python: str, folder: Path, root: Path) -> str:
    """Make a version of this checkout there; answers what it told."""
    tree = folder / suite
    _done(
        "mmdebstrap",
        "--quiet",
        "--variant=minbase",
        "--architectures=arm64",
        f"--include={PACKAGES}",
        "--dpkgopt=force-unsafe-io",
        suite,
        str(tree),
    )
    put_checkout(root, tree)
    platforms = [f"--platform=manylinux_2_{minor}_aarch64" for minor in GLIBC] + ["--platform=manylinux2014_aarch64"]
    download(root, python, tree / WHEELS.lstrip("/"), wanted(root), platforms)
    # bash's <(...) needs /proc; the mount goes with the namespace.
    enter = 'mount -t proc proc "$0/proc" && exec chroot "$0" /bin/bash -c "$1"'
    environment = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin"}
    return _done("unshare", "--mount", "sh", "-c", enter, str(tree), MAKE_VERSION, env=environment)


def _done(*command: str, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=6 * MINUTES_S, check=False, env=env)
    if done.returncode != 0:
        raise SystemExit(f"{command[0]}: {done.stdout}{done.stderr}")
    return done.stdout


def main(suites: Sequence[tuple[str, str]] = SUITES) -> int:
    """Check them one after the other; answers the exit status."""
    if why := impossible():
        print(f"tests.arm64: {why}", file=sys.stderr)
        return 1
    root = Path(__file__).parent.parent
    for suite, python in suites:
        with tempfile.TemporaryDirectory(prefix="kiosk-arm64-") as folder:
            began = time.monotonic()
            told = check(suite, python, Path(folder), root)
            print(f"{suite}, arm64, Python {python} ({time.monotonic() - began:.0f} s):\n{told}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
