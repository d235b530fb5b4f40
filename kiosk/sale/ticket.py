"""What is printed, as lines and emphasis; the printer turns them into its own language.

The content is made once, when it is owed, and journalled. The marks (COPY and the like) are added when it is printed.
"""

from __future__ import annotations

from datetime import UTC, datetime

from kiosk.sale.records import Align, Debt, Dispute, Sale, Size, Ticket, TicketLine
from kiosk.sale.shop import Shop
from kiosk.sale.words import words_of

RULE = TicketLine(align=Align.RULE)


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
    sale = f"{words.sale} {dispute.number}" if dispute.number else ""
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


def summary(debts: tuple[Debt, ...], shop: Shop) -> Ticket:
    """What stands before old tickets that come out on request: which, and over how much (R19)."""
    words, currency = words_of(shop.language), shop.site.currency
    return Ticket(
        (
            TicketLine(words.summary, align=Align.CENTRE, bold=True),
            *(
                TicketLine(f"{words.sale} {debt.number}  {local_time(debt.owed_at, shop)}", currency.text(debt.cents))
                for debt in debts
            ),
        )
    )


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
