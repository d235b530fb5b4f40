"""How the journal's sales are told: a table and a story for a terminal, JSON and CSV for other programs.

Amounts stand as whole minor units (``cents``) and as text by the rules of their currency. Times are local, with their
distance from UTC where a program reads them.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from datetime import datetime, tzinfo
from typing import Final, TextIO

from kiosk.journal.reading import Listed, Logged, Story
from kiosk.sale.money import SITES
from kiosk.sale.records import Dispute, Refund, RefundState, Sale

_CURRENCIES: Final = {site.currency.code: site.currency for site in SITES.values()}
_TABLE: Final = ("NUMBER", "TIME", "AMOUNT", "STATE", "TICKET", "PAYMENTS")
CSV_COLUMNS: Final = (
    "number",
    "reference",
    "made_at",
    "cents",
    "amount",
    "currency",
    "phase",
    "why",
    "paid_at",
    "late",
    "foreign",
    "payments",
    "ticket",
    "refunded_cents",
)


def write_table(sales: Iterable[Listed], zone: tzinfo, out: TextIO) -> None:
    """The sales as a table, in the order given."""
    rows = [_TABLE, *(_cells(listed, zone) for listed in sales)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_TABLE))]
    for number, time, amount, *rest in rows:
        cells = [number.rjust(widths[0]), time.ljust(widths[1]), amount.rjust(widths[2])]
        cells += [cell.ljust(width) for cell, width in zip(rest, widths[3:], strict=True)]
        out.write("  ".join(cells).rstrip() + "\n")


def write_story(story: Story, zone: tzinfo, out: TextIO) -> None:
    """One sale with everything that happened to it."""
    sale = story.listed.sale
    out.write(f"Sale {_number(sale)}: {_amount(sale.cents, sale.currency)}, {_state(story.listed)}\n")
    for name, value in _facts(story, zone):
        if value:
            out.write(f"  {name:<10} {value}\n")
    for dispute in story.disputes:
        out.write(f"  disputed   {_dispute(dispute, zone)}\n")
    for refund in story.refunds:
        out.write(f"  refund     {_refund(refund, zone)}\n")
    for logged in story.log:
        out.write(f"{_local(logged.at, zone)}  {_printable(f'{logged.entry.event}: {logged.entry.text}')}\n")


def write_csv(sales: Iterable[Listed], zone: tzinfo, out: TextIO) -> None:
    """The sales as CSV (RFC 4180: CRLF, quoted where needed), one line a sale; ``out`` must not translate line ends."""
    writer = csv.writer(out)
    writer.writerow(CSV_COLUMNS)
    for listed in sales:
        flat = sale_json(listed, zone) | {"payments": " ".join(listed.sale.payments)}
        writer.writerow([_csv_cell(flat[column]) for column in CSV_COLUMNS])


def write_json(sales: Iterable[Listed], zone: tzinfo, out: TextIO) -> None:
    """The sales as one JSON array, a sale on each line, written as they come."""
    out.write("[")
    for count, listed in enumerate(sales):
        out.write(",\n" if count else "\n")
        json.dump(sale_json(listed, zone), out)
    out.write("\n]\n")


def sale_json(listed: Listed, zone: tzinfo) -> dict[str, object]:
    """One sale for JSON."""
    sale = listed.sale
    return {
        "number": sale.number,
        "reference": sale.reference,
        "made_at": _iso(sale.made_at, zone),
        "cents": sale.cents,
        "amount": _digits(sale.cents, sale.currency),
        "currency": sale.currency,
        "phase": sale.phase.value,
        "why": sale.why.value if sale.why else None,
        "paid_at": _iso(sale.paid_at, zone),
        "ended_at": _iso(sale.ended_at, zone),
        "expires": _iso(sale.expires, zone),
        "late": sale.late,
        "foreign": sale.foreign,
        "watched": sale.watched,
        "order_id": sale.order_id,
        "payments": list(sale.payments),
        "ticket": listed.paper.value if listed.paper else None,
        "refunded_cents": listed.refunded_cents,
        "lines": [{"title": i.title, "quantity": i.quantity, "unit_cents": i.unit_cents} for i in sale.lines],
    }


def story_json(story: Story, zone: tzinfo) -> dict[str, object]:
    """One sale for JSON, with its disputes, its refunds and its log."""
    return sale_json(story.listed, zone) | {
        "disputes": [dispute_json(dispute, zone) for dispute in story.disputes],
        "refunds": [_refund_json(refund, zone) for refund in story.refunds],
        "log": [_logged_json(logged, zone) for logged in story.log],
    }


def _cells(listed: Listed, zone: tzinfo) -> tuple[str, ...]:
    sale = listed.sale
    return (
        _number(sale),
        _local(sale.made_at, zone),
        _amount(sale.cents, sale.currency),
        _state(listed),
        listed.paper.value if listed.paper else "-",
        _printable(" ".join(sale.payments)) or "-",
    )


def _facts(story: Story, zone: tzinfo) -> tuple[tuple[str, str], ...]:
    sale = story.listed.sale
    return (
        ("reference", _printable(sale.reference)),
        ("made", _local(sale.made_at, zone)),
        ("expires", _local(sale.expires, zone)),
        ("paid", _local(sale.paid_at, zone)),
        ("ended", _local(sale.ended_at, zone)),
        ("order", _printable(sale.order_id)),
        ("payments", _printable(" ".join(sale.payments))),
        ("ticket", story.listed.paper.value if story.listed.paper else ""),
        ("watched", "still watched for late money" if sale.watched else ""),
        *(("line", _line(line.title, line.quantity, line.cents, sale.currency)) for line in sale.lines),
    )


def _line(title: str, quantity: int, cents: int, currency: str) -> str:
    return _printable(f"{quantity} x {title}: {_amount(cents, currency)}")


def _number(sale: Sale) -> str:
    return "foreign" if sale.foreign else str(sale.number)


def _state(listed: Listed) -> str:
    """The phase, why, and what came after: ``withdrawn (cancelled)``, ``paid (late, R$ 9,00 given back)``."""
    sale = listed.sale
    back = f"{_amount(listed.refunded_cents, sale.currency)} given back" if listed.refunded_cents else ""
    notes = [note for note in (sale.why.value if sale.why else "", "late" if sale.late else "", back) if note]
    return f"{sale.phase.value} ({', '.join(notes)})" if notes else sale.phase.value


def _amount(cents: int, currency: str) -> str:
    known = _CURRENCIES.get(currency)
    return known.with_symbol(cents) if known else f"{cents} {_printable(currency)} (minor units)"


def _digits(cents: int, currency: str) -> str | None:
    """The amount as a plain decimal number: ``25.00``; None for a currency whose decimals we do not know."""
    known = _CURRENCIES.get(currency)
    return f"{known.decimal_value(cents):f}" if known else None


def write_disputes(disputes: Iterable[Dispute], zone: tzinfo, out: TextIO) -> None:
    """Disputed money, one line each."""
    for dispute in disputes:
        sale = f"sale {dispute.number}" if dispute.number else "no sale"
        out.write(f"{sale}: {_dispute(dispute, zone)}\n")


def dispute_json(dispute: Dispute, zone: tzinfo) -> dict[str, object]:
    """Disputed money for JSON."""
    return {
        "payment": dispute.payment,
        "number": dispute.number,
        "cents": dispute.cents,
        "amount": _digits(dispute.cents, dispute.currency),
        "currency": dispute.currency,
        "reason": dispute.reason.value,
        "seen_at": _iso(dispute.seen_at, zone),
        "settled": dispute.settled or None,
        "settled_by": dispute.settled_by or None,
        "settled_at": _iso(dispute.settled_at, zone),
    }


def _dispute(dispute: Dispute, zone: tzinfo) -> str:
    by = f" by {dispute.settled_by}" if dispute.settled_by else ""
    at = f", {_local(dispute.settled_at, zone)}" if dispute.settled_at is not None else ""
    how = f"{dispute.settled}{by}{at}" if dispute.settled else "open"
    amount = _amount(dispute.cents, dispute.currency)
    return _printable(
        f"{amount} of payment {dispute.payment}, {dispute.reason.value}, {_local(dispute.seen_at, zone)}, {how}"
    )


def _refund(refund: Refund, zone: tzinfo) -> str:
    """What became of it, and when; whether the account must still be asked."""
    ended = f", {_local(refund.ended_at, zone)}" if refund.ended_at is not None else ""
    what = {
        RefundState.WANTED: "not known yet",
        RefundState.DONE: f"done{ended}" + (f", refund {refund.refund_id}" if refund.refund_id else ""),
        RefundState.REFUSED: f"refused{ended}" + (f": {refund.why}" if refund.why else ""),
    }[refund.state]
    amount = _amount(refund.cents, refund.currency)
    of = "disputed payment" if refund.dispute else "payment"
    asked = f"by {refund.by}, {_local(refund.asked_at, zone)}"
    return _printable(f"{amount} of {of} {refund.payment}, {asked}, {what}")


def _refund_json(refund: Refund, zone: tzinfo) -> dict[str, object]:
    return {
        "payment": refund.payment,
        "cents": refund.cents,
        "amount": _digits(refund.cents, refund.currency),
        "currency": refund.currency,
        "whole": refund.whole,
        "by": refund.by,
        "asked_at": _iso(refund.asked_at, zone),
        "dispute": refund.dispute or None,
        "state": refund.state.value,
        "tries": refund.tries,
        "refund_id": refund.refund_id or None,
        "ended_at": _iso(refund.ended_at, zone),
        "why": refund.why or None,
    }


def _logged_json(logged: Logged, zone: tzinfo) -> dict[str, object]:
    entry = logged.entry
    return {
        "seq": logged.seq,
        "at": _iso(logged.at, zone),
        "event": entry.event,
        "text": entry.text,
        "level": entry.level,
        "cents": entry.cents,
        "request_id": entry.request_id,
    }


def _local(at: float | None, zone: tzinfo) -> str:
    return "" if at is None else _when(at, zone).strftime("%Y-%m-%d %H:%M:%S")


def _iso(at: float | None, zone: tzinfo) -> str | None:
    return None if at is None else _when(at, zone).isoformat(timespec="milliseconds")


def _when(at: float, zone: tzinfo) -> datetime:
    return datetime.fromtimestamp(at, zone)


def _csv_cell(value: object) -> object:
    return ("no", "yes")[value] if isinstance(value, bool) else value


def _printable(text: str) -> str:
    """The text without what would move a terminal's cursor: parts of it came over the network."""
    return "".join(
        sign if sign.isprintable() else " " if sign.isspace() else "\N{REPLACEMENT CHARACTER}" for sign in text
    )
