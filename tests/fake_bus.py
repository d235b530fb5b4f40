"""A bus with a virtual panel at its end, as luma.core's serial interfaces are used; it fails as it is told."""

from __future__ import annotations

import errno
from collections.abc import Sequence

from kiosk.sim.oled import Oled


class Bus:
    """A wire to a virtual panel that counts what travels, and fails when it is told to."""

    def __init__(self, oled: Oled | None = None) -> None:
        self.oled = oled or Oled()
        self.bytes = 0
        """On I2C, with the control byte that goes before each transfer."""
        self.transfers = 0
        self.commands: list[tuple[int, ...]] = []
        self.fail_at: int | None = None
        """The transfer, counted from 0, that fails; the panel gets nothing of it."""
        self.fails_dark = False
        """With that transfer the panel loses its power for a moment, and so its memory."""
        self.plugged = True
        self.error: Exception = OSError(errno.EREMOTEIO, "Remote I/O error")
        self.released = 0

    def command(self, *cmd: int) -> None:
        self.commands.append(cmd)
        self._carry(len(cmd))
        self.oled.feed("command", cmd)

    def data(self, data: Sequence[int]) -> None:
        self._carry(len(data))
        self.oled.feed("data", data)

    def cleanup(self) -> None:
        self.released += 1

    def _carry(self, length: int) -> None:
        number, self.transfers = self.transfers, self.transfers + 1
        if number == self.fail_at and self.fails_dark:
            self.oled.reset()
        if not self.plugged or number == self.fail_at:
            raise self.error
        self.bytes += length + 1

    def forget(self) -> None:
        self.bytes = self.transfers = 0
        self.commands.clear()
