"""The kiosk's ends of the two private wires to the virtual counter: its keypad, and the bus of its panel.

Both are Unix sockets in the world's private directory; the world listens (``kiosk.sim.wires``), the kiosk connects.

Keypad: lines of JSON. The world writes ``{"press": 7, "keys": "2500#"}``, perhaps with ``"held": true`` where the last
key stays down for a second, ``"bouncing": true`` where the contacts chatter, ``"stuck": "5"`` where that key is jammed
until a line says otherwise. What a keypad makes of it is found out by the kiosk's own scanner (``kiosk.sim.pad``);
the kiosk answers ``{"taken": 7}`` when its loop has taken all that came of it.

Panel: the kiosk writes frames (``FRAME``: what it is, how many bytes follow; then the bytes), the world answers each
with one byte, as a chip on an I2C bus acknowledges: ``ACK``, or ``NACK`` where no panel is plugged in.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import struct
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Final

from kiosk.control import at_path
from kiosk.sale.events import Key

if TYPE_CHECKING:
    from kiosk.keypad import Report

FRAME: Final = struct.Struct(">cI")
COMMAND: Final = b"c"
DATA: Final = b"d"
ACK: Final = b"+"
NACK: Final = b"-"

_BUS_S: Final = 5.0
"""Within this time a bus answers, or it is stuck."""
_JOIN_S: Final = 1.0


def _unheard(_report: object) -> None:
    """Nobody wants the reports."""


class RemoteKeypad:
    """The keys pressed in the browser, as ``kiosk.ports.Keypad``."""

    def __init__(
        self, path: Path, post: Callable[[Key], None], barrier: Callable[[], None], report: Report = _unheard
    ) -> None:
        """Connect and listen.

        ``post`` puts one press into the loop's inbox; ``barrier`` returns when the loop has taken all that was posted,
        or raises TimeoutError; ``report`` is told what the keypad says of itself. All are called from the keypad's own
        thread.

        Raises:
            OSError: nobody listens at ``path``.
        """
        from kiosk.sim.pad import VirtualPad  # loads gpiozero, which the world at the other end needs not

        self._pad = VirtualPad(post, report)
        self._barrier = barrier
        self._socket = _connect(path)
        self._thread = Thread(target=self._listen, name="remote-keypad", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        with suppress(OSError):  # The world hung up first.
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(_JOIN_S)  # It may hang in the barrier of a loop that has ended.
        self._socket.close()

    def _listen(self) -> None:
        with suppress(OSError), self._socket.makefile("r", encoding="utf-8") as lines:
            for line in lines:
                self._press(json.loads(line))

    def _press(self, pressed: dict[str, object]) -> None:
        self._pad.bouncing = bool(pressed.get("bouncing"))
        self._pad.jam(str(pressed.get("stuck", "")))
        self._pad.press(str(pressed["keys"]), held=bool(pressed.get("held")))
        with suppress(TimeoutError):  # The world is not told that they were taken, and will say so itself.
            self._barrier()
            self._socket.sendall(json.dumps({"taken": pressed["press"]}).encode() + b"\n")


class RemoteWire:
    """The panel's bus, as luma.core's serial interfaces are used: ``command``, ``data``, ``cleanup``.

    With the panel unplugged both raise ``OSError(EREMOTEIO)``, as Linux's I2C drivers do for an address that does not
    answer. The wire connects when it is first used, and again after any failure.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._socket: socket.socket | None = None

    def command(self, *command: int) -> None:
        """Send bytes that the panel's controller obeys.

        Raises:
            OSError: the panel did not get them.
        """
        self._send(COMMAND, bytes(command))

    def data(self, data: Iterable[int]) -> None:
        """Send bytes of the picture.

        Raises:
            OSError: the panel did not get them.
        """
        self._send(DATA, bytes(data))

    def cleanup(self) -> None:
        """Let go of the bus."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, kind: bytes, content: bytes) -> None:
        try:
            answer = self._exchange(FRAME.pack(kind, len(content)) + content)
        except OSError:
            self.cleanup()
            raise
        if answer != ACK:
            if not answer:
                self.cleanup()
            raise OSError(errno.EREMOTEIO, os.strerror(errno.EREMOTEIO))

    def _exchange(self, frame: bytes) -> bytes:
        if self._socket is None:
            self._socket = _connect(self._path)
            self._socket.settimeout(_BUS_S)
        self._socket.sendall(frame)
        return self._socket.recv(1)


def _connect(path: Path) -> socket.socket:
    wire = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        at_path(path, wire.connect)
    except OSError:
        wire.close()
        raise
    return wire
