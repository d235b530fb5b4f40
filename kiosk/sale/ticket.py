"""What is printed, as lines and emphasis; the printer turns them into its own language.

The content is made once, when it is owed, and journalled. The marks (COPY and the like) are added when it is printed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from kiosk.sale.days import LATE_MAX, Close, Day, DayWord
from kiosk.sale.records import Align, Debt, Dispute, Refund, Sale, Size, Ticket, TicketLine
from kiosk.sale.shop import Shop
from kiosk.sale.words import Words, words_of

RULE = TicketLine(align=Align.RULE)
FRESH_S: Final = 900.0
"""An account that was held against the journal by then agrees with a day that is closed now."""


@dataclass(frozen=True, slots=True)
class Carried:
    """What a day hands on to the next one."""

    debts: tuple[Debt, ...] = ()
    watched: tuple[Sale, ...] = ()
    """Unpaid, and may still bring money."""
    disputes: tuple[Dispute, ...] = ()
    refunds: tuple[Refund, ...] = ()
    """Money that is to go back, and of which nobody knows yet whether it did."""


def local_time(at: float, shop: Shop) -> str:
    """A wall time (seconds since 1970) as the shop writes it."""
    moment = datetime.fromtimestamp(at, UTC).astimezone(shop.zone)
    return moment.strftime(words_of(shop.language).date_format)


def clock_time(at: float, shop: Shop) -> str:
    """A wall time as hours and minutes of the shop."""
    return datetime.fromtimestamp(at, UTC).astimezone(shop.zone).strftime("%H:%M")


def short_time(at: float, now: float | None, shop: Shop) -> str:
    """A wall time for a line of a screen: hours and minutes, or of another day, or while nobody knows which day is
    today, day and month."""
    moment = datetime.fromtimestamp(at, UTC).astimezone(shop.zone)
    today = now is not None and datetime.fromtimestamp(now, UTC).astimezone(shop.zone).date() == moment.date()
    return clock_time(at, shop) if today else moment.strftime(words_of(shop.language).day_format)


def paid_ticket(sale: Sale, shop: Shop) -> Ticket:
    """The ticket of a paid sale."""
    words, currency = words_of(shop.language), shop.site.currency
    items = tuple(
        TicketLine(
            f"{line.quantity} x {currency.text(line.unit_cents)} {line.title}" if line.quantity != 1 else line.title,
            right=currency.text(line.cents),
        )
        for line in sale.lines
    )
    return Ticket(
        (
            *_header(shop),
            TicketLine(f"{words.sale} {sale.number}", right=local_time(sale.paid_at or sale.made_at, shop)),
            RULE,
            *items,
            RULE,
            TicketLine(words.total, right=currency.with_symbol(sale.cents), size=Size.BIG, bold=True),
            TicketLine(),
            *(TicketLine(words.payment, right=payment) for payment in sale.payments),
            TicketLine(sale.reference, align=Align.CENTRE, unbroken=True),
            *_footer(shop),
        ),
        reference=sale.reference,
    )


def slip(dispute: Dispute, shop: Shop) -> Ticket:
    """The slip for money that completes no sale; never a ticket (R18)."""
    words, currency = words_of(shop.language), shop.site.currency
    amount = currency.with_symbol(dispute.cents) if dispute.currency == currency.code else dispute.currency
    sale = _sale(dispute.number, words)
    return Ticket(
        (
            *_header(shop),
            TicketLine(sale, right=local_time(dispute.seen_at, shop)),
            RULE,
            TicketLine(words.reasons[dispute.reason], bold=True),
            TicketLine(amount, size=Size.BIG, bold=True),
            TicketLine(words.payment, right=dispute.payment),
            TicketLine(dispute.reference, align=Align.CENTRE, unbroken=True),
            TicketLine(words.settle),
            *_footer(shop),
        ),
        reference=dispute.reference,
    )


def refund_paper(refund: Refund, shop: Shop) -> Ticket:
    """The paper of money that went back: what, of which payment, by whom, and where the customer signs for it."""
    words, currency = words_of(shop.language), shop.site.currency
    return Ticket(
        (
            *_header(shop),
            TicketLine(words.refund, align=Align.CENTRE, size=Size.BIG, bold=True),
            TicketLine(_sale(refund.number, words), right=local_time(refund.ended_at or refund.asked_at, shop)),
            RULE,
            TicketLine(words.total, right=currency.with_symbol(refund.cents), size=Size.BIG, bold=True),
            TicketLine(),
            TicketLine(words.payment, right=refund.payment),
            TicketLine(words.refund_id, right=refund.refund_id),
            TicketLine(words.given_by, right=refund.by),
            TicketLine(refund.reference, align=Align.CENTRE, unbroken=True),
            TicketLine(),
            TicketLine(words.signature),
            TicketLine(),
            TicketLine(),
            RULE,
            *_footer(shop),
        )
    )


def summary(debts: tuple[Debt, ...], shop: Shop) -> Ticket:
    """What stands before old tickets that come out on request: which, and over how much (R19)."""
    words, currency = words_of(shop.language), shop.site.currency
    return Ticket(
        (
            TicketLine(words.summary, align=Align.CENTRE, bold=True),
            *(
                TicketLine(f"{_name(debt, shop)}  {local_time(debt.owed_at, shop)}", currency.text(debt.cents))
                for debt in debts
            ),
        )
    )


def day_paper(close: Close, day: Day, carried: Carried, shop: Shop, head: str) -> Ticket:
    """The figures of a day, as ``head``: X or Z and its number. No ticket of money, and no fiscal document."""
    words = words_of(shop.language).day
    since = () if day.since is None else (TicketLine(words[DayWord.SINCE], right=local_time(day.since, shop)),)
    return Ticket(
        (
            *_header(shop),
            TicketLine(head, align=Align.CENTRE, size=Size.BIG, bold=True),
            *since,
            TicketLine(words[DayWord.UNTIL], right=local_time(close.at, shop)),
            RULE,
            *_counted(close, day, shop),
            RULE,
            TicketLine(words[DayWord.CARRIED], bold=True),
            *_carried(close, carried, shop),
            RULE,
            *_account(close, shop),
            TicketLine(),
            TicketLine(shop.site.disclaimer, align=Align.CENTRE, unbroken=True),
        )
    )


def _counted(close: Close, day: Day, shop: Shop) -> Iterator[TicketLine]:
    words, currency, totals = words_of(shop.language), shop.site.currency, close.totals
    yield TicketLine(words.day[DayWord.SALES], right=str(totals.sales))
    yield TicketLine(words.total, right=currency.with_symbol(totals.cents), bold=True)
    if totals.late:
        yield TicketLine(f"{words.day[DayWord.LATE]}: {totals.late}", right=currency.text(totals.late_cents))
    for sale in day.late:
        name = f"  {words.sale} {sale.number}  {local_time(sale.made_at, shop)}"
        yield TicketLine(name, right=currency.text(sale.cents))
    yield from _others(totals.late - len(day.late))
    yield TicketLine(words.day[DayWord.UNPAID], right=str(totals.unpaid))
    refunds = f"{words.day[DayWord.REFUNDS]}: {totals.refunds}"
    yield TicketLine(refunds, right=currency.text(totals.refunded_cents))


def _carried(close: Close, carried: Carried, shop: Shop) -> Iterator[TicketLine]:
    words, currency = words_of(shop.language), shop.site.currency
    yield TicketLine(words.day[DayWord.OWED], right=str(close.owed))
    yield from _named([(_name(debt, shop), currency.text(debt.cents)) for debt in carried.debts])
    yield TicketLine(words.day[DayWord.WATCHED], right=str(close.watched))
    yield from _named([(f"{words.sale} {sale.number}", currency.text(sale.cents)) for sale in carried.watched])
    yield TicketLine(f"{words.day[DayWord.DISPUTED]}: {close.disputed}", right=currency.text(close.disputed_cents))
    disputes = [
        (f"{words.sale} {d.number}" if d.number else d.payment, currency.text(d.cents)) for d in carried.disputes
    ]
    yield from _named(disputes)
    if carried.refunds:
        total = sum(refund.cents for refund in carried.refunds)
        yield TicketLine(f"{words.day[DayWord.WANTED]}: {len(carried.refunds)}", right=currency.text(total))
        yield from _named([(_sale(r.number, words) or r.payment, currency.text(r.cents)) for r in carried.refunds])


def _named(rows: list[tuple[str, str]]) -> Iterator[TicketLine]:
    yield from (TicketLine(f"  {name}", right=right) for name, right in rows[:LATE_MAX])
    yield from _others(len(rows) - LATE_MAX)


def _others(count: int) -> Iterator[TicketLine]:
    if count > 0:
        yield TicketLine(f"  + {count}")


def _account(close: Close, shop: Shop) -> Iterator[TicketLine]:
    """How far it agrees. What was not asked is unknown, never "agrees" (L6)."""
    words = words_of(shop.language).day
    known = close.agreed_until is not None and close.at - close.agreed_until <= FRESH_S
    told = "" if known else words[DayWord.UNKNOWN]
    if known and not close.differences:
        told = words[DayWord.AGREES]
    yield TicketLine(words[DayWord.ACCOUNT], right=told)
    if close.differences:
        differ = f"{words[DayWord.DIFFERENCES]}: {close.differences}"
        yield TicketLine(differ, right=shop.site.currency.text(close.difference_cents))
    if close.agreed_until is not None:
        yield TicketLine(f"  {words[DayWord.UNTIL]}", right=local_time(close.agreed_until, shop))


def _name(debt: Debt, shop: Shop) -> str:
    """What a paper is called on paper."""
    words = words_of(shop.language)
    if debt.is_z:
        return debt.name
    return f"{words.refund} {debt.number}" if debt.is_refund else f"{words.sale} {debt.number}"


def _sale(number: int, words: Words) -> str:
    """Empty where there is none: an order that is not ours."""
    return f"{words.sale} {number}" if number else ""


def service_slip(lines: tuple[str, ...], shop: Shop) -> Ticket:
    """What the technician had printed. Whatever it says, it says at both ends that it is no receipt (L1)."""
    sign = TicketLine(words_of(shop.language).service_slip, align=Align.CENTRE, bold=True, unbroken=True)
    return Ticket((sign, RULE, *(TicketLine(line) for line in lines), RULE, sign))


def _header(shop: Shop) -> tuple[TicketLine, ...]:
    return (
        TicketLine(shop.name, align=Align.CENTRE, size=Size.BIG, bold=True),
        *(TicketLine(line, align=Align.CENTRE) for line in shop.header),
        TicketLine(),
    )


def _footer(shop: Shop) -> tuple[TicketLine, ...]:
    return (
        TicketLine(),
        *(TicketLine(line, align=Align.CENTRE) for line in shop.footer),
        TicketLine(shop.site.disclaimer, align=Align.CENTRE, unbroken=True),
    )
