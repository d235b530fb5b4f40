"""What a target says when a promise is broken."""

from __future__ import annotations


class Found(AssertionError):  # noqa: N818  (it reads as what it says)
    """Bytes from outside broke a promise."""


def must(holds: bool, promise: str) -> None:
    """``promise`` is in words, with what broke it.

    Raises:
        Found: it does not hold.
    """
    if not holds:
        raise Found(promise)
