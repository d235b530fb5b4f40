"""One day of the journal against the account's own payments, for ``kiosk sales reconcile``: read there and here, told.

It only asks and reads, so it may run beside the kiosk, which makes safe by itself what it finds (``kiosk.sale.audit``).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Final, Protocol, TextIO

from kiosk.check import REFUSALS, TROUBLES
from kiosk.ports import Clock
from kiosk.sale.audit import KEPT_S
from kiosk.sale.commands import AskAccount, AskStatement
from kiosk.sale.events import AccountIs, Books, CallAnswer, Refused, StatementIs, Unknown
from kiosk.sale.reconcile import Agreement, Difference, Kind, Known, Why, compare, in_words
from kiosk.sale.shop import Shop

CALL_S: Final = 30.0
"""For each part of the day."""
PART_S: Final = 6 * 3600.0
AHEAD_S: Final = 60.0
"""No later than this after the account's own clock can a payment have been made."""
PART_MIN_S: Final = 600.0
"""A part in which the account has more payments than one call reads is halved, down to this."""

ADVICE: Final = {
    Kind.NOT_HERE: "the running kiosk prints its ticket or a slip within the hour; without one, deliver or refund",
    Kind.NOT_THERE: "look for it in the account; without it the goods went out unpaid",
    Kind.AMOUNT: "compare the ticket with the payment in the account, and settle the difference",
    Kind.TWICE: "the running kiosk prints a slip within the hour; refund one of the two",
    Kind.RETURNED: "somebody gave it back, or the customer's bank did; the ticket stays as it is",
}
STRANGE: Final = (
    "no order of this journal: a restored copy, another device, or a POS without fixed_amount (kiosk check)"
)
KNOWN: Final = {
    Why.OPEN: "its sale is still followed",
    Why.PENDING: "pending",
    Why.DISPUTED: "money to settle, not settled yet",
}


class Unclear(Exception):  # noqa: N818  (no error: an answer, in one line)
    """Whether the account agrees is not known; why."""


class Account(Protocol):
    """The provider as it is used here."""

    def carry_out(self, call: AskAccount | AskStatement) -> CallAnswer:
        """Whose account it is, and what it shows."""
        ...


class Journal(Protocol):
    """The journal as it is used here."""

    def paid_between(self, begin: float, end: float) -> tuple[str, ...]:
        """The payments of sales that were paid in that time."""
        ...

    def books(self, references: Sequence[str], payments: Sequence[str]) -> Books:
        """Sales with one of these references or payments, and disputes over the payments."""
        ...


@dataclass(frozen=True, slots=True)
class Day:
    """What came of one day."""

    day: date
    agreement: Agreement
    sales: int
    """Sales that were paid on it, by the journal."""
    cents: int
    """And what they brought."""


def reconcile(shop: Shop, account: Account, journal: Journal, day: date, clock: Clock) -> Day:
    """Hold the day (by the shop's time zone) against the account.

    Raises:
        Unclear: the account did not answer, or not all of it was read: nothing is known, good or bad.
        JournalError: the journal cannot be read.
    """
    whose = account.carry_out(AskAccount(request=1, until=clock() + CALL_S))
    if not isinstance(whose, AccountIs):
        raise Unclear(_why(whose))
    if whose.user_id != shop.collector:
        raise Unclear(f"the token belongs to user {whose.user_id}, not to {shop.collector}")
    begin, end = _moment(day, shop.zone), _moment(day + timedelta(days=1), shop.zone)
    now = end if whose.date is None else whose.date
    if begin < now - KEPT_S:
        raise Unclear("the account's search goes back 12 months")
    statement = _statement(account, journal, begin, min(end, now + AHEAD_S), clock)
    shown = [booking.payment for booking in statement.bookings]
    paid = journal.paid_between(begin, end)
    books = journal.books([payment.reference for payment in shown], [*(payment.id for payment in shown), *paid])
    sales = [sale for sale in books.sales if set(sale.payments) & set(paid)]
    return Day(day, compare(statement, books, shop), len(sales), sum(sale.cents for sale in sales))


def _moment(day: date, zone: tzinfo) -> float:
    return datetime.combine(day, time(), zone).timestamp()


def _statement(account: Account, journal: Journal, begin: float, end: float, clock: Clock) -> StatementIs:
    """The whole of it, part by part."""
    whole = StatementIs(request=0, bookings=())
    part_s = PART_S
    while begin < end:
        until = min(end, begin + part_s)
        known = journal.paid_between(begin, until)
        call = AskStatement(request=2, until=clock() + CALL_S, begin=begin, end=until, changed=False, known=known)
        answer = account.carry_out(call)
        if not isinstance(answer, StatementIs):
            raise Unclear(_why(answer))
        if answer.whole:
            bookings, missing = (*whole.bookings, *answer.bookings), (*whole.missing, *answer.missing)
            whole = replace(whole, bookings=bookings, missing=missing)
            begin = until
        elif part_s <= PART_MIN_S:
            raise Unclear("not all of the account's payments could be read")
        else:
            part_s /= 2
    return whole


def _why(answer: CallAnswer) -> str:
    match answer:
        case Unknown():
            return f"no answer: {answer.trouble.value} ({TROUBLES[answer.trouble]})"
        case Refused():
            return f"refused: {answer.detail or answer.reject.value} ({REFUSALS[answer.reject]})"
        case _:
            return "an answer to something else"


# --- told -------------------------------------------------------------------------------------------------------------


def write(found: Day, shop: Shop, out: TextIO, *, as_json: bool) -> int:
    """Tell it; answers the exit status: 1 where there is a difference."""
    if as_json:
        json.dump(_json(found, shop), out, ensure_ascii=False, indent=1)
        out.write("\n")
    else:
        for line in _lines(found, shop):
            out.write(line + "\n")
    return 1 if found.agreement.differences else 0


def _lines(found: Day, shop: Shop) -> list[str]:
    currency, agreement = shop.site.currency, found.agreement
    lines = []
    for difference in agreement.differences:
        lines += [in_words(difference, currency), f"    -> {_advice(difference)}"]
        if difference.reference:
            lines.append(f"    reference {difference.reference}")
    for known in agreement.known:
        sale = f"sale {known.number}" if known.number else "no sale"
        amount = currency.with_symbol(known.cents)
        lines.append(f"known: {sale}: {amount}, payment {known.payment}: {KNOWN[known.why]}")
    total = f"{found.sales} sales, {currency.with_symbol(found.cents)}"
    count = len(agreement.differences)
    says = f"{count} difference{'s' if count > 1 else ''}" if count else "the account agrees"
    return [*lines, f"{found.day}: {says}: {total}"]


def _advice(difference: Difference) -> str:
    return STRANGE if difference.kind is Kind.NOT_HERE and not difference.number else ADVICE[difference.kind]


def _json(found: Day, shop: Shop) -> dict[str, object]:
    return {
        "day": found.day.isoformat(),
        "agrees": not found.agreement.differences,
        "sales": found.sales,
        "cents": found.cents,
        "currency": shop.site.currency.code,
        "differences": [
            asdict(difference) | {"kind": difference.kind.value, "advice": _advice(difference)}
            for difference in found.agreement.differences
        ],
        "known": [_known_json(known) for known in found.agreement.known],
    }


def _known_json(known: Known) -> dict[str, object]:
    return asdict(known) | {"why": known.why.value}
