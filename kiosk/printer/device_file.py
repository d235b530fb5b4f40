"""A printer behind a file: ``/dev/usb/lp0`` and its like, or a plain file that keeps what would be printed."""

from __future__ import annotations

import errno
import os
import select
import stat
from contextlib import suppress

from kiosk.printer.transport import CHUNK, PrinterError, broken_by
from kiosk.sale.events import Paper

_COMMON = os.O_NONBLOCK | os.O_APPEND | os.O_NOCTTY | os.O_CLOEXEC
# Devices that cannot be read refuse it at the opening (EACCES, EPERM), or at the reading (EINVAL: usblp with a printer
# that only listens).
_ONE_WAY = (errno.EACCES, errno.EPERM)


class FileTransport:
    """One open file. It is never created: a missing device is a missing printer, not a new file in ``/dev``."""

    chunk = CHUNK

    def __init__(self, path: str) -> None:
        self._path = path
        self._fd = -1
        self._answers = False

    def open(self) -> None:
        """Open for both ways, or for writing alone. A plain file is appended to, and has no answers."""
        with broken_by(OSError, ValueError):  # ValueError: a path with a NUL in it.
            try:
                self._fd = os.open(self._path, os.O_RDWR | _COMMON)
                self._answers = not stat.S_ISREG(os.fstat(self._fd).st_mode)
            except OSError as error:
                if error.errno not in _ONE_WAY:
                    raise
                self._fd = os.open(self._path, os.O_WRONLY | _COMMON)
                self._answers = False

    def write(self, chunk: bytes, within_s: float) -> int:
        """Bytes that the driver took. usblp takes them before the printer has; ``flushed`` waits for that."""
        if not self._ready(select.POLLOUT, within_s):
            return 0
        with broken_by(OSError):
            try:
                return os.write(self._fd, chunk)
            except BlockingIOError:
                return 0

    def flushed(self, within_s: float) -> bool:
        """Whether the driver is done: usblp is ready to write again only when its last transfer is over.

        Without this the last bytes would be lost at ``close``, which kills transfers under way.
        """
        return self._ready(select.POLLOUT, within_s)

    def read(self, limit: int, within_s: float) -> bytes:
        """What the printer says. An empty read is no end here: usblp answers so when a packet was empty."""
        if not self._answers or not self._ready(select.POLLIN, within_s):
            return b""
        with broken_by(OSError):
            try:
                return os.read(self._fd, limit)
            except BlockingIOError:
                return b""
            except OSError as error:
                if error.errno != errno.EINVAL:
                    raise
                self._answers = False
                return b""

    def close(self) -> None:
        """Close it; after an unplugging even that fails, and the file is closed all the same (close(2))."""
        if self._fd >= 0:
            with suppress(OSError):
                os.close(self._fd)
        self._fd = -1

    def _ready(self, what: int, within_s: float) -> bool:
        if self._fd < 0:
            raise PrinterError(Paper.GONE, "not open")
        waiting = select.poll()
        waiting.register(self._fd, what)
        seen = dict(waiting.poll(within_s * 1000)).get(self._fd, 0)
        if seen & (select.POLLERR | select.POLLHUP | select.POLLNVAL):
            raise PrinterError(Paper.GONE, "the device has gone")
        return bool(seen & what)
