"""Records as rows of the tables, and back. Exact both ways: what was saved is what ``resume`` gets.

A row is believed as little as an answer of the provider: the file may be damaged where no check of SQLite's sees it, or
written by another version. So each record that is read is ``checked``: it is as this program makes them, or none.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import UTC, datetime
from functools import cache
from types import UnionType
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar, get_args, get_origin, get_type_hints

from kiosk.sale.records import (
    Agreed,
    Align,
    Debt,
    DebtState,
    Dispute,
    Entry,
    Line,
    Mark,
    Phase,
    Reason,
    Roll,
    Sale,
    Size,
    Ticket,
    TicketLine,
    Why,
)

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Values = dict[str, str | int | float | None]
T = TypeVar("T")
R = TypeVar("R", bound="DataclassInstance")
M = TypeVar("M", Sale, Debt, Dispute)

_FIRST: Final = datetime(1, 1, 3, tzinfo=UTC).timestamp()
_LAST: Final = datetime(9999, 12, 29, tzinfo=UTC).timestamp()
"""A time outside of these stands in no calendar of any zone: no ticket and no list could show it."""


class Row(Protocol):
    """A row as SQLite gives it: values by column name."""

    def __getitem__(self, key: str, /) -> Any: ...


def writable(text: str) -> str:
    """The text as SQLite can hold it: halves of surrogate pairs, which JSON can smuggle in, are written out."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def sale_values(sale: Sale) -> Values:
    """The columns of a sale; its payments are rows of their own."""
    return {
        "reference": writable(sale.reference),
        "number": sale.number,
        "cents": sale.cents,
        "currency": writable(sale.currency),
        "lines": as_json([[line.title, line.quantity, line.unit_cents] for line in sale.lines]),
        "key": writable(sale.key),
        "made_at": sale.made_at,
        "phase": sale.phase.value,
        "why": sale.why.value if sale.why else None,
        "foreign_order": sale.foreign,
        "puts": sale.puts,
        "doubt": sale.doubt,
        "deleted": sale.deleted,
        "expires": sale.expires,
        "order_id": writable(sale.order_id),
        "paid_at": sale.paid_at,
        "late": sale.late,
        "ended_at": sale.ended_at,
        "watched": sale.watched,
        "restored": sale.restored,
    }


def payment_values(sale: Sale) -> list[Values]:
    """The rows that tell which payments paid the sale."""
    reference = writable(sale.reference)
    return [
        {"payment": writable(payment), "reference": reference, "position": position}
        for position, payment in enumerate(sale.payments)
    ]


def debt_values(debt: Debt) -> Values:
    """The columns of a debt."""
    return {
        "id": writable(debt.id),
        "number": debt.number,
        "cents": debt.cents,
        "ticket": as_json({"reference": debt.ticket.reference, "lines": [_line(line) for line in debt.ticket.lines]}),
        "owed_at": debt.owed_at,
        "marks": as_json([mark.value for mark in debt.marks]),
        "state": debt.state.value,
        "tried": debt.tried,
    }


def dispute_values(dispute: Dispute) -> Values:
    """The columns of a dispute."""
    return {
        "payment": writable(dispute.payment),
        "reference": writable(dispute.reference),
        "number": dispute.number,
        "cents": dispute.cents,
        "currency": writable(dispute.currency),
        "reason": dispute.reason.value,
        "seen_at": dispute.seen_at,
        "settled": writable(dispute.settled),
        "settled_by": writable(dispute.settled_by),
        "settled_at": dispute.settled_at,
    }


def agreed_values(agreed: Agreed) -> Values:
    """The row of ``meta`` that tells how far the account agrees."""
    return {"until": repr(agreed.until)}


def agreed_of(row: Row) -> float:
    """How far the account agrees.

    Raises:
        ValueError: the row holds no time.
    """
    return moment(float(row["value"]))


def roll_values(roll: Roll) -> Values:
    """The row of ``meta`` that counts the paper."""
    return {"roll": as_json([roll.mm, roll.since, roll.ticket_mm])}


def roll_of(row: Row) -> Roll | None:
    """The paper that was counted; None where the row tells none: a count of paper never costs a shop its journal."""
    try:
        roll = from_json(row["value"], lambda values: checked(Roll(*values)))
    except (ValueError, TypeError):
        return None
    return roll if roll.mm >= 0 and roll.ticket_mm >= 0 else None


def entry_values(entry: Entry, at: float) -> Values:
    """The columns of a log entry."""
    return {
        "at": at,
        "event": writable(entry.event),
        "text": writable(entry.text),
        "reference": writable(entry.reference),
        "number": entry.number,
        "cents": entry.cents,
        "request_id": writable(entry.request_id),
        "level": entry.level,
    }


def sale_of(row: Row) -> Sale:
    """The sale of a row that carries its payments as a JSON array, too.

    Raises:
        ValueError: the row does not tell a sale, for example because a newer program wrote it. A paid sale without a
            payment is none (L1), nor is one of ours over nothing.
    """
    sale = Sale(
        reference=row["reference"],
        number=row["number"],
        cents=row["cents"],
        currency=row["currency"],
        lines=from_json(row["lines"], lambda lines: tuple(checked(Line(*line)) for line in lines)),
        key=row["key"],
        made_at=row["made_at"],
        phase=Phase(row["phase"]),
        why=None if row["why"] is None else Why(row["why"]),
        foreign=bool(row["foreign_order"]),
        puts=row["puts"],
        doubt=bool(row["doubt"]),
        deleted=bool(row["deleted"]),
        expires=row["expires"],
        order_id=row["order_id"],
        payments=from_json(row["payments"], texts),
        paid_at=row["paid_at"],
        late=bool(row["late"]),
        ended_at=row["ended_at"],
        watched=bool(row["watched"]),
        restored=bool(row["restored"]),
    )
    if sale.phase is Phase.PAID and not sale.payments:
        raise ValueError(f"sale {sale.reference!r} is called paid, but by no payment")
    return _of_money(checked(sale), least=0 if sale.foreign else 1)


def debt_of(row: Row) -> Debt:
    """The debt of a row.

    Raises:
        ValueError: the row does not tell a debt.
    """
    debt = Debt(
        id=row["id"],
        number=row["number"],
        cents=row["cents"],
        ticket=from_json(row["ticket"], _ticket_of),
        owed_at=row["owed_at"],
        marks=from_json(row["marks"], lambda marks: tuple(Mark(mark) for mark in marks)),
        state=DebtState(row["state"]),
        tried=bool(row["tried"]),
    )
    return _of_money(checked(debt), least=0)


def dispute_of(row: Row) -> Dispute:
    """The dispute of a row.

    Raises:
        ValueError: the row does not tell a dispute.
    """
    dispute = Dispute(
        payment=row["payment"],
        reference=row["reference"],
        number=row["number"],
        cents=row["cents"],
        currency=row["currency"],
        reason=Reason(row["reason"]),
        seen_at=row["seen_at"],
        settled=row["settled"],
        settled_by=row["settled_by"],
        settled_at=row["settled_at"],
    )
    return _of_money(checked(dispute), least=0)


def entry_of(row: Row) -> Entry:
    """The log entry of a row; its time stands in column ``at``."""
    return checked(
        Entry(
            event=row["event"],
            text=row["text"],
            reference=row["reference"],
            number=row["number"],
            cents=row["cents"],
            request_id=row["request_id"],
            level=row["level"],
        )
    )


def checked(record: R) -> R:
    """The record itself, if each field is of its own type and each time can be shown.

    Raises:
        ValueError: one is not.
    """
    for name, kinds in _kinds(type(record)):
        value = getattr(record, name)
        if type(value) not in kinds or (type(value) is float and not _FIRST <= value <= _LAST):
            raise ValueError(f"{type(record).__name__} with {name} {value!r:.80}")
    return record


def moment(value: Any) -> float:
    """Seconds since 1970.

    Raises:
        ValueError: it is no time that can be shown.
    """
    if type(value) is not float or not _FIRST <= value <= _LAST:
        raise ValueError(f"{value!r:.80} is no time")
    return value


@cache
def _kinds(record: type[DataclassInstance]) -> tuple[tuple[str, frozenset[type]], ...]:
    """The types that each field may have. What a tuple holds is checked where it is made."""
    hints = get_type_hints(record)
    return tuple((field.name, frozenset(_plain(hints[field.name]))) for field in fields(record))


def _plain(hint: Any) -> Iterator[type]:
    if isinstance(hint, UnionType):
        for each in get_args(hint):
            yield from _plain(each)
    else:
        yield get_origin(hint) or hint


def _of_money(record: M, least: int) -> M:
    if record.cents < least or record.number < 0:
        raise ValueError(f"{type(record).__name__} number {record.number} over {record.cents}")
    return record


def texts(values: list[Any]) -> tuple[str, ...]:
    """The texts of a list.

    Raises:
        TypeError: it holds something else.
    """
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise TypeError("not a list of texts")
    return tuple(values)


def as_json(value: object) -> str:
    """As short as it can be."""
    return json.dumps(value, separators=(",", ":"))


def from_json(text: str, build: Callable[[Any], T]) -> T:
    """Build from JSON; whatever its shape is, it can only fail with ``ValueError``."""
    try:
        return build(json.loads(text))
    except (TypeError, KeyError, RecursionError) as error:
        raise ValueError(f"{text!r:.80} is not what this column holds: {error}") from error


def _line(line: TicketLine) -> dict[str, object]:
    """A line of paper, without what is as it usually is: most lines are a text and nothing else."""
    every = {
        "text": line.text,
        "right": line.right,
        "align": line.align.value,
        "size": line.size.value,
        "bold": line.bold,
        "unbroken": line.unbroken,
    }
    return {name: value for name, value in every.items() if value != _USUAL[name]}


_USUAL = {
    "text": "",
    "right": "",
    "align": Align.LEFT.value,
    "size": Size.NORMAL.value,
    "bold": False,
    "unbroken": False,
}


def _ticket_of(ticket: dict[str, Any]) -> Ticket:
    return checked(Ticket(tuple(_line_of({**_USUAL, **line}) for line in ticket["lines"]), ticket["reference"]))


def _line_of(line: dict[str, Any]) -> TicketLine:
    return checked(TicketLine(**{**line, "align": Align(line["align"]), "size": Size(line["size"])}))
