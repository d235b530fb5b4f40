"""Refunds, and wrong PINs, as rows of the tables, and back (see ``rows``)."""

from __future__ import annotations

import sqlite3

from kiosk.journal import schema
from kiosk.journal.rows import Row, Values, as_json, checked, from_json, texts, writable
from kiosk.sale.records import PinTries, Refund, RefundState


def of_sale(db: sqlite3.Connection, reference: str) -> tuple[Refund, ...]:
    """All refunds of the sale with that reference, the oldest first.

    Raises:
        ValueError: a row cannot be read.
    """
    return tuple(map(refund_of, db.execute(schema.REFUNDS_OF_REFERENCE, (writable(reference),))))


def refund_values(refund: Refund) -> Values:
    """The columns of a refund."""
    return {
        "key": writable(refund.key),
        "payment": writable(refund.payment),
        "reference": writable(refund.reference),
        "number": refund.number,
        "cents": refund.cents,
        "currency": writable(refund.currency),
        "whole": refund.whole,
        "decided_by": writable(refund.by),
        "asked_at": refund.asked_at,
        "known": as_json([writable(known) for known in refund.known]),
        "dispute": writable(refund.dispute),
        "state": refund.state.value,
        "tries": refund.tries,
        "doubt": refund.doubt,
        "refund_id": writable(refund.refund_id),
        "ended_at": refund.ended_at,
        "why": writable(refund.why),
        "restored": refund.restored,
    }


def refund_of(row: Row) -> Refund:
    """The refund of a row.

    Raises:
        ValueError: the row does not tell a refund, for example one of nothing.
    """
    refund = checked(
        Refund(
            key=row["key"],
            payment=row["payment"],
            reference=row["reference"],
            number=row["number"],
            cents=row["cents"],
            currency=row["currency"],
            whole=bool(row["whole"]),
            by=row["decided_by"],
            asked_at=row["asked_at"],
            known=from_json(row["known"], texts),
            dispute=row["dispute"],
            state=RefundState(row["state"]),
            tries=row["tries"],
            doubt=bool(row["doubt"]),
            refund_id=row["refund_id"],
            ended_at=row["ended_at"],
            why=row["why"],
            restored=bool(row["restored"]),
        )
    )
    if not (refund.key and refund.payment and refund.cents > 0 and refund.number >= 0 and refund.tries >= 0):
        raise ValueError(f"refund {refund.key!r:.80} of {refund.cents} from payment {refund.payment!r:.80}")
    return refund


def pin_tries_values(tries: PinTries) -> Values:
    """The row of ``meta`` that counts wrong PINs."""
    return {"failed": str(tries.failed)}


def pin_failed_of(row: Row) -> int:
    """Wrong PINs in a row; 0 where the row tells none: a count of tries never costs a shop its journal."""
    failed = row["value"]
    return int(failed) if isinstance(failed, str) and failed.isascii() and failed.isdigit() and len(failed) < 9 else 0
