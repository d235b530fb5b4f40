"""Self-tests of the machine below the kiosk: time, power, heat, disk, radio, names, and the way to the provider.

Nothing here is the kiosk's own, and all of it has stopped shops: a supply that is too weak, a card that dies, a radio
that sleeps, a login page in the way. What a machine does not have (a Pi's firmware, a radio) is passed over in silence.
Everything is read below ``root`` and by ``run``, so that a test can be any machine.
"""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Final
from urllib.parse import urlsplit

from kiosk.check import TROUBLES, Result
from kiosk.sale.events import Trouble

Run = Callable[[Sequence[str]], str | None]
"""Runs a program; answers what it wrote, None where it is not there or fails."""

RUN_S: Final = 5.0
LINE_S: Final = 10.0
"""For names and for the provider's door; as long as one of the kiosk's own requests has."""
LITTLE_ROOM: Final = 200 << 20
NO_ROOM: Final = 20 << 20
"""Bytes. The journal grows by some 4 kB a sale, and its WAL file to 4 MB."""
HOT: Final = 80
"""Degrees Celsius: from here on a Pi slows down (raspberrypi.com, "Frequency management and thermal control")."""
WEAK_DBM: Final = -75
"""A radio signal below which connections break off; -67 dBm is what is usually planned for."""

OUT_OF_TIME: Final = (9, 10)
"""OpenSSL's codes for a certificate that is not yet valid, and for one that has expired (x509_vfy.h)."""

_WEAK_SUPPLY: Final = 1 << 0
_WAS_WEAK: Final = 1 << 16
"""Bits of the firmware's ``get_throttled`` (raspberrypi.com, "vcgencmd"): under-voltage now, and since the start."""
_FIRMWARE: Final = "sys/devices/platform/soc/soc:firmware/get_throttled"


def run(command: Sequence[str]) -> str | None:
    """Run a program of the machine, for ``RUN_S`` at most."""
    if shutil.which(command[0]) is None:
        return None
    with suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_S, check=False)  # noqa: S603
        return done.stdout if done.returncode == 0 else None
    return None


def check_machine(journal: Path, base_url: str, root: Path = Path("/"), run: Run = run) -> Iterator[Result]:
    """All of it. ``journal``: the file on whose disk there must be room; ``base_url``: where the provider answers."""
    yield from _time(run)
    yield from _power(root, run)
    yield from _heat(root)
    yield from _disk(journal, root)
    yield from _radio(root, run)
    yield from check_way(base_url)


def _time(run: Run) -> Iterator[Result]:
    """Whether a time service sets the clock; that it is right, the account's own clock tells later."""
    answer = run(("timedatectl", "show", "--property=NTPSynchronized", "--value"))
    if answer is None:
        return
    if answer.strip() == "yes":
        yield Result("time", True, "set by the time service")
    else:
        advice = "look at timedatectl; a clock that nobody sets runs away, and TLS and tickets with it"
        yield Result("time", True, "not set by a time service", advice)


def _power(root: Path, run: Run) -> Iterator[Result]:
    told = run(("vcgencmd", "get_throttled"))  # "throttled=0x50005"
    text = told.strip().partition("=")[2] if told else _read(root / _FIRMWARE)
    if not text:
        return
    try:
        bits = int(text, 16)
    except ValueError:
        yield Result("power", True, f"the firmware says {text!r}")
        return
    advice = "use the Pi's own power supply and a short, thick cable; a weak one spoils cards and freezes the machine"
    if bits & _WEAK_SUPPLY:
        yield Result("power", False, "the voltage is too low now", advice)
    elif bits & _WAS_WEAK:
        yield Result("power", False, "the voltage was too low since the machine started", advice)
    else:
        yield Result("power", True, "the voltage is well, and was since the machine started")


def _heat(root: Path) -> Iterator[Result]:
    text = _read(root / "sys/class/thermal/thermal_zone0/temp")  # thousandths of a degree
    if not text.lstrip("-").isdigit():
        return
    degrees = int(text) // 1000
    advice = "" if degrees < HOT else "let air to it: it slows down, and ages"
    yield Result("heat", degrees < HOT, f"{degrees} °C", advice)


def _disk(journal: Path, root: Path) -> Iterator[Result]:
    place = next(folder for folder in journal.absolute().parents if folder.exists())
    there = os.statvfs(place)
    free = there.f_bavail * there.f_frsize
    text = f"{free >> 20} MB free for {journal}"
    if there.f_flag & os.ST_RDONLY:
        advice = "it turns read-only by itself when it fails: look at dmesg, make a backup, replace the card"
        yield Result("disk", False, f"{place} cannot be written", advice)
    elif free < NO_ROOM:
        yield Result("disk", False, text, "free some: a full disk stops all sales (sudo du -xh / | sort -h | tail)")
    else:
        yield Result("disk", True, text, "" if free >= LITTLE_ROOM else "free some before it is full")
    device = os.stat(place).st_dev
    block = root / f"sys/dev/block/{os.major(device)}:{os.minor(device)}"
    yield from _card(block.resolve(), root)


def _card(block: Path, root: Path) -> Iterator[Result]:
    """What file system and card say of themselves; an SD card says nothing of its age, an eMMC does."""
    advice = "make a backup (sudo kiosk backup), and replace the card"
    errors = _read(root / "sys/fs/ext4" / block.name / "errors_count")
    if errors.isdigit():
        well = int(errors) == 0
        text = "no errors in its file system" if well else f"its file system had errors: {errors}"
        yield Result("card", well, text, "" if well else advice)
    # JEDEC eMMC 5.0, EXT_CSD: 0x01 normal, 0x02 80 % of the reserve used, 0x03 90 %.
    worn = _read(block.parent / "device/pre_eol_info")
    if worn.startswith("0x") and worn not in ("0x00", "0x01"):
        yield Result("card", False, f"nearly worn out (pre_eol_info {worn})", advice)


def _radio(root: Path, run: Run) -> Iterator[Result]:
    """Signal and power save of each Wi-Fi interface that is connected (proc_net_wireless; iw)."""
    for line in _read(root / "proc/net/wireless").splitlines()[2:]:
        name, _, numbers = line.partition(":")
        name, fields = name.strip(), numbers.split()
        with suppress(IndexError, ValueError):
            level = int(float(fields[2]))
            weak = level < WEAK_DBM
            advice = "move the router or the machine, or use a cable" if weak else ""
            yield Result("wifi", not weak, f"{name}: {level} dBm", advice)
        if "on" in (run(("iw", "dev", name, "get", "power_save")) or "").split():
            advice = f"it delays every answer: sudo iw dev {name} set power_save off (see the README to keep it so)"
            yield Result("wifi", True, f"{name} sleeps between packets", advice)


def check_way(base_url: str, within_s: float = LINE_S) -> Iterator[Result]:
    """The provider's name, and its door: TCP, TLS, and the certificate, by the machine's own CA certificates."""
    url = urlsplit(base_url)
    host, port = url.hostname or "", url.port or (443 if url.scheme == "https" else 80)
    found = _addresses(host, port, within_s)
    if isinstance(found, Result):
        yield found
        return
    yield Result("names", True, f"{host} is {found[0]}")
    if url.scheme != "https":
        return
    try:
        until, version = _certificate(host, port, within_s)
    except (TimeoutError, ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError) as error:
        trouble = Trouble.SLOW if isinstance(error, TimeoutError) else Trouble.NETWORK
        yield Result("network", False, f"{host} port {port}: {error}", TROUBLES[trouble])
    except ssl.SSLError as error:
        reason = getattr(error, "verify_message", "") or error.reason or str(error)
        trouble = Trouble.CLOCK if getattr(error, "verify_code", 0) in OUT_OF_TIME else Trouble.TLS
        yield Result("tls", False, f"{host}: {reason}", TROUBLES[trouble])
    except OSError as error:
        yield Result("network", False, f"{host} port {port}: {error}", TROUBLES[Trouble.NETWORK])
    else:
        yield Result("tls", True, f"{version}, the certificate is good until {until}")


def _certificate(host: str, port: int, within_s: float) -> tuple[str, str]:
    """Until when the door's certificate is good, and by which version of TLS it was shown.

    Raises:
        OSError: nobody is there, or not who should be (``ssl.SSLError``).
    """
    trusting = ssl.create_default_context()
    with (
        socket.create_connection((host, port), timeout=within_s) as plain,
        trusting.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False) as secure,
    ):
        secure.do_handshake()
        return str((secure.getpeercert() or {}).get("notAfter", "")), str(secure.version())


def _addresses(host: str, port: int, within_s: float) -> list[str] | Result:
    """The addresses of a name; looking it up has no limit of its own, and so is left behind when it takes too long."""
    found: list[str] = []
    failed: list[Exception] = []

    def look_up() -> None:
        try:
            found.extend(str(address[4][0]) for address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:  # UnicodeError: it can be no name at all
            failed.append(error)

    thread = Thread(target=look_up, name="names", daemon=True)
    thread.start()
    thread.join(within_s)
    if found:
        return found
    why = str(failed[0]) if failed else f"no answer within {within_s:g} s"
    return Result("names", False, f"{host}: {why}", TROUBLES[Trouble.NAME])


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
