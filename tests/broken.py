"""What is raised when a law does not hold. Apart from the laws, which are compiled at times (``tests.compiled``)."""

from __future__ import annotations


class LawBroken(AssertionError):  # noqa: N818  (it reads as what it says)
    """A law does not hold."""
