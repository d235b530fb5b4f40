"""A terminal of its own: a command runs at it, and somebody types there."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys


class Keyboard:
    """A terminal that ``kiosk`` runs at, with these words, and whoever types there."""

    def __init__(self, *words: str) -> None:
        self.ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "kiosk", *words],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self.shown = ""

    def answer(self, question: str, text: str) -> None:
        """Wait for the question, then type."""
        self.read_until(question)
        os.write(self.ours, text.encode() + b"\n")

    def read_until(self, words: str) -> None:
        """Read on; what has been waited for does not count again."""
        begin = len(self.shown)
        while words not in self.shown[begin:]:
            assert select.select([self.ours], [], [], 30)[0], f"no {words!r} in {self.shown}"
            try:
                self.shown += os.read(self.ours, 4096).decode()
            except OSError:  # Linux says so when the other end is closed
                raise AssertionError(f"no {words!r} in {self.shown}") from None

    def close(self) -> None:
        self.process.kill()
        self.process.wait(30)
        os.close(self.ours)
