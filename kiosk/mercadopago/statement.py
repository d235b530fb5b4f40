"""The account's statement: which payments changed, or were made, in a time. One search, and by id what it lacks.

The search is asked for the account's whole time, without ``pos_id`` or ``store_id``: those filters are used in
practice and not in every version of the reference, and one that hides a payment would hide it for good. What belongs to
our POS is picked out by its reference and by the ``pos_id`` that the payment shows, which is Mercado Pago's own number
of the POS. A shop earns some hundreds of payments in the hours asked for; where it is more than can be read in one
call, the answer is not whole, and the centre asks for less.

Source: Mercado Pago's reference "Search payments". It marks ``external_reference`` as required, with the five
others; its own samples of searches by date do without.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from kiosk.mercadopago.answers import Reply, carried, reading
from kiosk.mercadopago.look import Ask, search
from kiosk.mercadopago.words import (
    BookedPayment,
    read_booked_payment,
    read_error,
    read_statement_page,
    write_moment,
)
from kiosk.sale.commands import AskStatement
from kiosk.sale.events import Refused, StatementIs, Unknown
from kiosk.sale.money import Site

ROWS: Final = 100
"""Payments asked for at once; a server that gives fewer is asked more often."""
PAGES_MAX: Final = 30
BY_ID_MAX: Final = 40
"""Payments asked by id in one call: the search shows all but what was paid a moment ago, or long before it was seen."""


def statement(call: AskStatement, ask: Ask, site: Site, pos: str) -> StatementIs | Refused | Unknown:
    """Ask for it; ``pos``: Mercado Pago's number of our POS, empty where it is not known."""
    by = "date_last_updated" if call.changed else "date_created"
    query = {
        "range": by,
        "begin_date": write_moment(call.begin),
        "end_date": write_moment(call.end),
        "sort": by,
        "criteria": "asc",  # what comes while we read is added at the end, and moves no page
        "limit": str(ROWS),
    }
    part = search(
        call, ask, "/v1/payments/search", query, lambda value: read_statement_page(value, site, pos), PAGES_MAX
    )
    if part.failure:
        return part.failure
    found = dict(part.found)
    names = [name for name in call.known if name not in found]
    whole, missing = part.whole and len(names) <= BY_ID_MAX, []
    for name in names[:BY_ID_MAX]:
        reply = ask(f"/v1/payments/{quote(name, safe='')}", {})
        one = reply if isinstance(reply, Unknown) else _by_id(call, reply, site, pos)
        if isinstance(one, BookedPayment):
            found[one.id] = one
        elif one is None:
            missing.append(name)
        else:
            whole = False
    bookings = tuple(each.booking for each in found.values())
    return StatementIs(**carried(call, part.reply), bookings=bookings, missing=tuple(missing), whole=whole)


def _by_id(call: AskStatement, reply: Reply, site: Site, pos: str) -> BookedPayment | Refused | Unknown | None:
    """One payment; None where the account has none of that id (404, in Mercado Pago's words)."""
    if reply.status == 404 and read_error(reply.body):
        return None
    return reading(call, reply, lambda value: read_booked_payment(value, site, pos))
