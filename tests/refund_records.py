"""Refunds as a supervisor decides on them, for the tests of the journal."""

from __future__ import annotations

from dataclasses import replace

from kiosk.sale.records import Refund, RefundState

NOON = 1_796_050_800.0  # 2026-11-30 15:00:00 UTC
REFUND = Refund("key-1", "p1", "R-1-x", 1, 2500, "BRL", True, "Ana", NOON, ("r8", "r9"))
"""Wanted."""


def done(refund: Refund = REFUND, id_: str = "r10") -> Refund:
    """The account shows it."""
    return replace(refund, state=RefundState.DONE, tries=1, refund_id=id_, ended_at=refund.asked_at + 5)


def refused(refund: Refund = REFUND) -> Refund:
    """It did not happen, and never will."""
    return replace(refund, state=RefundState.REFUSED, tries=1, ended_at=refund.asked_at + 5, why="too-old")


def another(refund: Refund = REFUND, key: str = "key-2", payment: str = "p2") -> Refund:
    """Of another payment."""
    return replace(refund, key=key, payment=payment)
