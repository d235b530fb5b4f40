"""A look at Mercado Pago: was it paid? Up to three kinds of questions, put together to one piece of evidence.

In Waiting the search of merchant orders is enough. Everywhere else both indexes are asked, since each lags behind in
its own way, and by id the orders that payments name and the search did not show, or showed as incomplete: by id an
order is what it is now, in a search it may be what it was. The parts fail independently: what was
answered counts, and ``Evidence.whole`` tells whether it is all there is. Only where nothing was answered is the outcome
of the look unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Generic, TypeAlias, TypeVar
from urllib.parse import quote

from kiosk.mercadopago.answers import Reply, carried, nonsense, order_by_id, payment_by_id, reading
from kiosk.mercadopago.words import BookedPayment, IndexedPayment, Page, read_orders_page, read_payments_page
from kiosk.sale.commands import Call, Depth, Look
from kiosk.sale.events import Evidence, OrderSeen, PaymentSeen, Refused, Reject, Seen, Trouble, Unknown
from kiosk.sale.money import Site

T = TypeVar("T", OrderSeen, IndexedPayment, BookedPayment)

Ask: TypeAlias = Callable[[str, Mapping[str, str]], Reply | Unknown]
"""GET a path with a query, within the call's time."""

PAGES_MAX: Final = 5
"""Pages read of one search: a reference has one order or a few, and many pages are no answer to our question."""
NAMED_ORDERS_MAX: Final = 10
"""Orders asked by id in one look."""

_PAYMENTS_QUERY: Final = {
    "range": "date_created",
    "begin_date": "NOW-3MONTHS",  # a kiosk may have been off for weeks; it is the reference that keeps answers small
    "end_date": "NOW",
    "sort": "date_created",
    "criteria": "desc",
}
"""Required by the newer reference of the payments search, although it gives defaults."""


@dataclass(frozen=True, slots=True)
class Part(Generic[T]):
    """What one of the questions brought."""

    found: Mapping[str, T] = field(default_factory=dict)
    """By id."""
    broken: int = 0
    """Elements that could not be read."""
    whole: bool = False
    """All there is was read."""
    failure: Refused | Unknown | None = None
    """Why it brought nothing at all."""
    reply: Reply | None = None
    """The last answer that counted."""


def look(call: Look, ask: Ask, site: Site) -> Seen | Refused | Unknown:
    """Ask as deep as the call wants."""
    if call.depth in (Depth.ORDER, Depth.PAYMENT):
        return _by_id(call, ask, site)
    if not call.reference:  # a search for nothing shows the whole account
        return Refused(**carried(call), reject=Reject.INVALID, detail="no reference to look for")
    query = {"external_reference": call.reference}
    orders = search(call, ask, "/merchant_orders/search", query, lambda value: read_orders_page(value, site))
    if call.depth is Depth.ORDERS:
        return _seen(call, orders, Part(whole=True), searches=1)
    query |= _PAYMENTS_QUERY
    payments = search(call, ask, "/v1/payments/search", query, lambda value: read_payments_page(value, site))
    return _seen(call, _with_named(call, ask, orders, payments, site), payments, searches=2)


def _by_id(call: Look, ask: Ask, site: Site) -> Seen | Refused | Unknown:
    """One order, or a payment and the order that it paid. An id that nothing has is answered: it shows nothing."""
    payments: tuple[PaymentSeen, ...] = ()
    order_id = call.name
    if call.depth is Depth.PAYMENT:
        reply = ask(f"/v1/payments/{quote(call.name, safe='')}", {})
        paid = reply if isinstance(reply, Unknown) else payment_by_id(call, reply, site)
        if isinstance(paid, Refused | Unknown):
            return paid
        payments, order_id = ((paid.payment,), paid.order_id) if paid else ((), "")
    orders: tuple[OrderSeen, ...] = ()
    if order_id:
        reply = ask(f"/merchant_orders/{quote(order_id, safe='')}", {})
        order = reply if isinstance(reply, Unknown) else order_by_id(call, reply, site)
        if isinstance(order, Refused | Unknown):
            return order
        orders = (order,) if order else ()
    references = [*(each.reference for each in orders), *(each.reference for each in payments), ""]
    evidence = Evidence(orders, payments, whole=False)
    return Seen(request=call.request, reference=references[0], evidence=evidence, narrow=True)


def search(
    call: Call,
    ask: Ask,
    path: str,
    query: Mapping[str, str],
    read: Callable[[object], Page[T]],
    pages_max: int = PAGES_MAX,
) -> Part[T]:
    """All pages of a search."""
    part: Part[T] = Part()
    offset = 0
    for _ in range(pages_max):
        reply = ask(path, {**query, "offset": str(offset)} if offset else query)
        if isinstance(reply, Unknown):
            return _cut_short(part, reply)
        page = reading(call, reply, read)
        if not isinstance(page, Page):
            return _cut_short(part, page)
        part = _with_page(part, page, reply)
        offset += page.size
        if part.whole or not page.size:
            break
    if part.broken and not part.found and part.reply:
        return _cut_short(part, nonsense(call, part.reply, "nothing in it can be read"))
    return part


def _with_page(part: Part[T], page: Page[T], reply: Reply) -> Part[T]:
    found = {**part.found, **{each.id: each for each in page.found}}
    broken = part.broken + page.broken
    # Different ones are counted: a server that ignores the offset shows the same ones again.
    complete = len(found) >= page.total if page.total is not None else not page.size
    return Part(found, broken, whole=complete and not broken, reply=reply)


def _cut_short(part: Part[T], failure: Refused | Unknown) -> Part[T]:
    """What the pages before showed still counts, but it is not all."""
    return replace(part, whole=False, failure=None if part.found else failure)


def _with_named(
    call: Look, ask: Ask, orders: Part[OrderSeen], payments: Part[IndexedPayment], site: Site
) -> Part[OrderSeen]:
    """The orders, and those which payments with our reference name and the search did not show as complete."""
    ours = [each for each in payments.found.values() if each.payment.reference == call.reference]
    known = {"", *(order.id for order in orders.found.values() if order.complete)}
    names = list(dict.fromkeys(each.order_id for each in ours if each.order_id not in known))
    whole = orders.whole and len(names) <= NAMED_ORDERS_MAX
    found = dict(orders.found)
    for name in names[:NAMED_ORDERS_MAX]:
        reply = ask(f"/merchant_orders/{name}", {})
        order = reply if isinstance(reply, Unknown) else order_by_id(call, reply, site)
        if isinstance(order, OrderSeen):
            found[order.id] = order
        else:
            whole = whole and order is None
    return replace(orders, found=found, whole=whole)


def _seen(
    call: Look, orders: Part[OrderSeen], payments: Part[IndexedPayment], searches: int
) -> Seen | Refused | Unknown:
    failures = [part.failure for part in (orders, payments) if part.failure]
    if len(failures) == searches:
        return _failed(call, failures)
    evidence = Evidence(
        orders=tuple(orders.found.values()),
        payments=tuple(each.payment for each in payments.found.values()),
        whole=orders.whole and payments.whole,
    )
    return Seen(**carried(call, payments.reply or orders.reply), evidence=evidence)


def _failed(call: Look, failures: list[Refused | Unknown]) -> Refused | Unknown:
    """Nothing was answered. It is a refusal only where all say the same."""
    for failure in failures:
        if isinstance(failure, Unknown):
            return failure
    refused = [failure for failure in failures if isinstance(failure, Refused)]
    if len({failure.reject for failure in refused}) == 1:
        return refused[0]
    detail = "; ".join(failure.detail for failure in refused)
    return Unknown(**carried(call), trouble=Trouble.SERVER, detail=detail)
