"""The service manager and the service's log: systemd through systemd-python, plain lines on stderr without it.

Sources: sd_notify(3) (READY=1, STATUS=, WATCHDOG=1, STOPPING=1), sd_watchdog_enabled(3) (WATCHDOG_USEC, WATCHDOG_PID),
systemd.journal-fields(7), sd-daemon(3) (the priority before a line on stderr).

systemd-python is an extra (``kiosk[service]``): it is built by a compiler, and the virtual counter starts without one.
The folder ``systemd/`` at the top of the checkout holds unit files. Where the library is missing, Python takes that
folder for an empty package of the same name, so only importing a *module* of the library tells whether it is there.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Final, TextIO

from kiosk.ports import Service
from kiosk.sale.records import Entry

IDENTIFIER: Final = "kiosk"
"""``journalctl -t kiosk`` shows it."""
JOBS_S: Final = 2.0
"""A manager that has not told its jobs by then does not tell them."""
_LEVELS: Final = ("emergency", "alert", "critical", "error", "warning", "notice", "info", "debug")


def open_service(environ: Mapping[str, str] = os.environ, out: TextIO | None = None) -> Service:
    """The service manager that started us; plain lines on ``out`` (stderr) where none did, or its library is missing.

    ``environ`` decides which; libsystemd itself takes the socket's name from the process's own environment.
    """
    out = out or sys.stderr
    if not environ.get("NOTIFY_SOCKET"):
        return PlainService(out)
    try:
        import systemd.daemon
        import systemd.journal
    except ImportError as error:
        plain = PlainService(out, prefix=True)
        text = f"systemd waits for our word, but systemd-python cannot be loaded ({error}): it will stop the kiosk. "
        plain.log(Entry("no-systemd-python", text + "Install the extra kiosk[service].", level=3))
        return plain
    limit_s = watchdog_limit_s(environ, os.getpid())
    return SystemdService(systemd.daemon.notify, systemd.journal.send, PlainService(out, prefix=True), limit_s)


def watchdog_limit_s(environ: Mapping[str, str], pid: int) -> float | None:
    """Seconds of silence after which systemd kills process ``pid``; None where it does not count."""
    if environ.get("WATCHDOG_PID", str(pid)) != str(pid):
        return None
    usec = environ.get("WATCHDOG_USEC", "")
    return int(usec) / 1_000_000 if usec.isascii() and usec.isdigit() and int(usec) > 0 else None


def message_id(event: str) -> str:
    """The event's MESSAGE_ID, by which ``systemd/kiosk.catalog`` explains it: 128 bits, made of its name for good."""
    return hashlib.sha256(f"kiosk {event}".encode(errors="replace")).hexdigest()[:32]


def jobs(program: Sequence[str] = ("systemctl",)) -> Set[tuple[str, str]] | None:
    """What systemd is about to do: units, and ``start``, ``stop``, ``restart`` ...; None: it does not say.

    ``systemctl list-jobs`` is asked, which any user may do, also in the sandbox of the unit.
    """
    command = [*program, "list-jobs", "--no-legend", "--no-pager", "--plain"]
    try:
        told = subprocess.run(  # noqa: S603  (a fixed command line)
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=JOBS_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    # "77 kiosk.service stop running": job, unit, what, how far (systemctl(1)).
    lines = [line.split() for line in told.stdout.splitlines()]
    return {(unit, what) for _, unit, what, *_ in (line for line in lines if len(line) >= 4)}


class SystemdService:
    """``kiosk.ports.Service`` for systemd. A message that does not arrive is never worth a sale: none raises.

    ``notify`` is ``systemd.daemon.notify``, ``send`` is ``systemd.journal.send``; what they cannot deliver goes to
    ``plain``.
    """

    def __init__(
        self,
        notify: Callable[[str], object],
        send: Callable[..., object],
        plain: PlainService,
        watchdog_s: float | None = None,
    ) -> None:
        self._notify = notify
        self._send = send
        self._plain = plain
        self._watchdog_s = watchdog_s

    @property
    def watchdog_s(self) -> float | None:
        """Seconds within which ``alive`` must be called again; None: nobody counts."""
        return self._watchdog_s

    def ready(self) -> None:
        """Tell that the kiosk is ready."""
        self._tell("READY=1")

    def status(self, text: str) -> None:
        """One line for ``systemctl status``."""
        self._tell(f"STATUS={one_line(text)}")

    def alive(self) -> None:
        """Pat the watchdog."""
        self._tell("WATCHDOG=1")

    def stopping(self) -> None:
        """Tell that the end has begun."""
        self._tell("STOPPING=1")

    def log(self, entry: Entry) -> None:
        """Write to systemd's journal, with a field for each thing that ``journalctl`` should find it by."""
        fields = {
            "KIOSK_EVENT": one_line(entry.event),
            "MESSAGE_ID": message_id(entry.event),
            "PRIORITY": str(entry.level),
            "SYSLOG_IDENTIFIER": IDENTIFIER,
        }
        if entry.number:
            fields["KIOSK_SALE"] = str(entry.number)
        if entry.reference:
            fields["KIOSK_REFERENCE"] = one_line(entry.reference)
        if entry.cents is not None:
            fields["KIOSK_AMOUNT"] = str(entry.cents)
        if entry.request_id:
            fields["KIOSK_REQUEST_ID"] = one_line(entry.request_id)
        try:
            self._send(one_line(entry.text), **fields)
        except OSError:
            self._plain.log(entry)

    def _tell(self, state: str) -> None:
        try:
            self._notify(state)
        except OSError as error:
            self._plain.log(Entry("systemd-deaf", f"systemd did not take {state}: {error}", level=4))


class PlainService:
    """``kiosk.ports.Service`` without a service manager: readable lines. ``prefix``: a manager reads them.

    With it, each line begins with its priority in angle brackets, which journald takes off again.
    """

    watchdog_s: float | None = None

    def __init__(self, out: TextIO, prefix: bool = False) -> None:
        self._out = out
        self._prefix = prefix
        self._status = ""

    def ready(self) -> None:
        """Nobody waits for it; the log tells it."""
        self._write(5, "notice   ready")

    def status(self, text: str) -> None:
        """A line, where it is a new one."""
        if text != self._status:
            self._status = text
            self._write(6, f"status   {one_line(text)}")

    def alive(self) -> None:
        """Nobody counts."""

    def stopping(self) -> None:
        """Nobody waits for it; the log tells it."""
        self._write(5, "notice   stopping")

    def log(self, entry: Entry) -> None:
        """One line: level, event, sale, text. A text that begins with its sale need not be told whose it is."""
        sale = f" sale {entry.number}" if entry.number and not entry.text.startswith(f"sale {entry.number}:") else ""
        self._write(entry.level, f"{_LEVELS[entry.level]:8} {one_line(entry.event)}{sale}: {one_line(entry.text)}")

    def _write(self, level: int, line: str) -> None:
        try:
            self._out.write(f"<{level}>{line}\n" if self._prefix else f"{line}\n")
            self._out.flush()
        except OSError:
            pass  # the terminal or the pipe is gone: there is nobody left to tell


def one_line(text: str) -> str:
    """The text without what would end it early: a line break starts another assignment in sd_notify's protocol, a NUL
    ends a C string, an escape moves a terminal's cursor, and half a surrogate pair is no UTF-8."""
    return "".join(sign if sign.isprintable() else _spelled(sign) for sign in text)


def _spelled(sign: str) -> str:
    return " " if sign.isspace() else sign.encode("unicode_escape").decode("ascii")
