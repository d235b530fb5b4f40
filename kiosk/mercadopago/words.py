"""Mercado Pago's words for orders, payments, points of sale and errors, and the sale's words for them.

How much of an answer is believed:

- An element of a list (an order, a payment) is believed whole or not at all. A field of a wrong type means that we do
  not understand the element, and money is not counted on half understood elements. It is left out, and the page says
  how many were (``Page.broken``): one odd element must hide neither a paid order beside it, nor that something was
  not read.
- What is understood but strange (another collector, a word we do not know, a tenth of a cent) is shown as it is: the
  centre judges. An unknown word never means paid.

Sources: the references "instore_orders_v2", "merchant_orders", "payments", "pos" and the notifications guide at
mercadopago.com/developers (and in the repository mercadopago/devsite-docs). Where their samples differ (object or list,
number or string, null or an empty list) every form is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final, Generic, TypeVar

from kiosk.mercadopago.json import Fields, NonsenseError, dumps, loads
from kiosk.sale.events import Booking, OrderSeen, PaymentSeen, PaymentState, PosOrder
from kiosk.sale.money import Currency, Site
from kiosk.sale.records import Line, Sale

T = TypeVar("T")

_TITLE_MAX: Final = 150
"""Characters of a title: the in-store reference allows 256, its successor's 150."""
_TEST_NICKNAME: Final = re.compile(r"TESTUSER[0-9]+")
_MONEY_WENT_BACK: Final = frozenset({"reverted", "partially_reverted", "expired"})
"""Words of ``order_status`` that take back what ``closed`` says. The others are covered by adding up the payments."""
_PAYMENT_STATES: Final = MappingProxyType(
    {
        "approved": PaymentState.APPROVED,
        "pending": PaymentState.PENDING,
        "in_process": PaymentState.PENDING,
        "authorized": PaymentState.PENDING,
        "rejected": PaymentState.REJECTED,
        "refunded": PaymentState.REFUNDED,
    }
)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a search."""

    found: tuple[T, ...]
    broken: int
    """Elements that could not be read."""
    total: int | None
    """How many there are on all pages, where it says so."""

    @property
    def size(self) -> int:
        """Elements on this page."""
        return len(self.found) + self.broken


@dataclass(frozen=True, slots=True)
class IndexedPayment:
    """An element of the payments search."""

    payment: PaymentSeen
    order_id: str
    """The order that it says it paid; empty: none."""

    @property
    def id(self) -> str:
        """The payment's id."""
        return self.payment.id


@dataclass(frozen=True, slots=True)
class BookedPayment:
    """An element of the payments search, as the statement wants it."""

    booking: Booking

    @property
    def id(self) -> str:
        """The payment's id."""
        return self.booking.payment.id


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """An error in Mercado Pago's own words."""

    key: str
    """The machine's word, such as ``pos_obtainment_error``; decisions are made on it, never on the message."""
    message: str


@dataclass(frozen=True, slots=True)
class Account:
    """Whose token it is."""

    user_id: int
    site: str
    test: bool


@dataclass(frozen=True, slots=True)
class PointOfSale:
    """A point of sale as its search shows it."""

    external_id: str
    store: str
    name: str
    fixed_amount: bool
    number: str = ""
    """Mercado Pago's own id of it, which payments name (``pos_id``)."""


# --- what it says ---------------------------------------------------------------------------------------------------


def read_order(value: object, site: Site) -> OrderSeen:
    """A merchant order.

    Complete is one that is ``closed`` ("approved payments cover the total", says the reference) and of which no money
    went back. Whether its payments cover it is for the centre to add up.

    Raises:
        NonsenseError: a field that we read has a wrong type, or there is no id or status.
    """
    order = Fields(value, "order")
    went_back = order.text("order_status") in _MONEY_WENT_BACK or bool(order.number("refunded_amount"))
    cancelled = order.flag("cancelled")
    return OrderSeen(
        id=order.id("id"),
        reference=order.text("external_reference"),
        collector=_collector(order),
        complete=_status(order) == "closed" and not cancelled and not went_back,
        cents=order.cents("total_amount", site.currency),
        payments=tuple(
            _payment(Fields(each, "payment"), site.currency, "amount_refunded") for each in order.elements("payments")
        ),
    )


def _status(fields: Fields) -> str:
    status = fields.text("status")
    if not status:
        raise NonsenseError("no status")
    return status


def _payment(payment: Fields, currency: Currency, refunded: str) -> PaymentSeen:
    """A payment; ``refunded`` is the name of the field that says what of it went back."""
    code = payment.text("currency_id")
    cents, refunded_cents = _amounts(payment, refunded, currency)
    ours = code == currency.code
    return PaymentSeen(
        id=payment.id("id"),
        state=_PAYMENT_STATES.get(_status(payment), PaymentState.OTHER),
        cents=cents if ours else None,
        currency=code,
        refunded_cents=refunded_cents if ours else 0,
        reference=payment.text("external_reference"),
        collector=_collector(payment),
    )


def _amounts(payment: Fields, refunded: str, currency: Currency) -> tuple[int | None, int]:
    """What was paid, and what of it went back. To read a strange refund as none would be a guess in our favour."""
    back = payment.cents(refunded, currency)
    if back is None and payment.number(refunded) is not None:
        raise NonsenseError(f"{refunded} is no amount")
    return payment.cents("transaction_amount", currency), back or 0


def _collector(fields: Fields) -> int | None:
    """Who got the money: ``collector`` with its ``id`` in orders, ``collector_id`` in payments."""
    collector = fields.inner("collector")
    return collector.whole("id") if collector else fields.whole("collector_id")


def read_indexed_payment(value: object, site: Site) -> IndexedPayment:
    """An element of the payments search.

    Raises:
        NonsenseError: a field that we read has a wrong type, or there is no id or status.
    """
    fields = Fields(value, "payment")
    order = fields.inner("order")
    return IndexedPayment(
        payment=_payment(fields, site.currency, "transaction_amount_refunded"),
        order_id=order.id("id") if order and order.has("id") else "",
    )


def read_booked_payment(value: object, site: Site, pos: str) -> BookedPayment:
    """A payment of the statement; ``pos``: Mercado Pago's number of our POS, empty where it is not known.

    Raises:
        NonsenseError: a field that tells about money has a wrong type, or there is no id or status.
    """
    fields = Fields(value, "payment")
    payment = _payment(fields, site.currency, "transaction_amount_refunded")
    # Where and when stand beside the money: strange ones are no reason not to see it.
    at = _moment(fields.any("date_approved")) or _moment(fields.any("date_created"))
    return BookedPayment(Booking(payment, here=bool(pos) and str(fields.any("pos_id")) == pos, at=at))


def _moment(value: object) -> float | None:
    """Seconds since 1970 of ``2031-05-04T18:20:00.000-03:00``; None where it is none, or one of another age."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment.timestamp() if moment and moment.tzinfo and 2000 < moment.year < 2200 else None


def write_moment(at: float) -> str:
    """A time for a search. Documented: ``yyyy-MM-dd'T'HH:mm:ss.SSSZ``; with a plus sign it would have to be escaped."""
    return datetime.fromtimestamp(at, UTC).replace(tzinfo=None).isoformat("T", "milliseconds") + "Z"


def read_statement_page(value: object, site: Site, pos: str) -> Page[BookedPayment]:
    """A page of the payments search, for the statement.

    Raises:
        NonsenseError: it is no page at all.
    """
    return _results(value, lambda each: read_booked_payment(each, site, pos))


def read_orders_page(value: object, site: Site) -> Page[OrderSeen]:
    """A page of the merchant order search; "nothing" comes as null.

    Raises:
        NonsenseError: it is no page at all.
    """
    page = Fields(value, "the answer")
    if "elements" not in page:
        raise NonsenseError("no elements")
    return read_page(page.elements("elements"), page.whole("total"), lambda each: read_order(each, site))


def read_payments_page(value: object, site: Site) -> Page[IndexedPayment]:
    """A page of the payments search.

    Raises:
        NonsenseError: it is no page at all.
    """
    return _results(value, lambda each: read_indexed_payment(each, site))


def read_pos_page(value: object) -> Page[PointOfSale]:
    """A page of the POS search.

    Raises:
        NonsenseError: it is no page at all.
    """
    return _results(value, _point_of_sale)


def _point_of_sale(value: object) -> PointOfSale:
    pos = Fields(value, "pos")
    return PointOfSale(
        external_id=pos.text("external_id"),
        store=pos.text("external_store_id"),
        name=pos.text("name"),
        fixed_amount=pos.flag("fixed_amount"),
        number="" if pos.any("id") is None else str(pos.any("id")),
    )


def _results(value: object, read: Callable[[object], T]) -> Page[T]:
    """The newer form of a page: ``paging`` and ``results``."""
    page = Fields(value, "the answer")
    if "results" not in page:
        raise NonsenseError("no results")
    paging = page.inner("paging")
    return read_page(page.elements("results"), paging.whole("total") if paging else None, read)


def read_page(elements: Sequence[object], total: int | None, read: Callable[[object], T]) -> Page[T]:
    """These elements, as far as each can be read."""
    found: list[T] = []
    for element in elements:
        try:
            found.append(read(element))
        except NonsenseError:
            continue
    return Page(tuple(found), len(elements) - len(found), total)


def read_pos_order(value: object, site: Site) -> PosOrder | None:
    """The order that a POS holds: an object in older samples, a list with one in newer; None for an empty list.

    Raises:
        NonsenseError: anything else. Only a clear answer may say that a POS is free.
    """
    if isinstance(value, list):
        if not value:
            return None
        if len(value) > 1:
            raise NonsenseError("a POS with several orders")
        value = value[0]
    order = Fields(value, "order")
    reference, cents = order.text("external_reference"), order.cents("total_amount", site.currency)
    if not reference and cents is None:
        raise NonsenseError("an order without reference and amount")
    return PosOrder(reference, cents)


def read_account(value: object) -> Account:
    """The answer of ``/users/me``.

    A test user has the tag ``test_user`` and a mail address at ``testuser.com``, as the sample answers at
    developers.mercadolibre.com show. Nicknames are a weak sign: real sellers choose theirs, and one that is taken for
    a test user prints TRAINING on every ticket. Only the form that Mercado Pago's panel gives out counts.

    Raises:
        NonsenseError: no id or site in it, or of a wrong type.
    """
    user = Fields(value, "user")
    user_id, site = user.whole("id"), user.text("site_id")
    if user_id is None or not site:
        raise NonsenseError("a user without id or site")
    return Account(user_id, site, _is_test_user(user))


def _is_test_user(user: Fields) -> bool:
    tagged = "test_user" in user.elements("tags")
    mailed = user.text("email").lower().endswith("@testuser.com")
    return tagged or mailed or bool(_TEST_NICKNAME.fullmatch(user.text("nickname")))


def read_error(body: bytes) -> ErrorBody | None:
    """The error, or None where the body is not in Mercado Pago's language.

    Its services differ: the key is ``error`` or ``code``, or stands in a list ``errors``; what is really wrong may
    only stand in ``causes`` (or ``cause``). A key there must be: proxies and gateways on the way speak JSON too, and a
    bare ``{"message": "Forbidden"}`` is theirs.
    """
    try:
        value = loads(body)
    except NonsenseError:
        return None
    error = (_first(value.get("errors")) or value) if isinstance(value, dict) else {}
    key = _word(error.get("error")) or _word(error.get("code"))
    cause = _first(error.get("causes")) or _first(error.get("cause"))
    message = "; ".join(filter(None, (_word(error.get("message")), _word(cause.get("description")))))
    return ErrorBody(key, message) if key else None


def _first(value: object) -> dict[str, object]:
    """The first object of a list, or an empty one."""
    first = value[0] if isinstance(value, list) and value else None
    return first if isinstance(first, dict) else {}


def _word(value: object) -> str:
    return str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""


# --- what we say ----------------------------------------------------------------------------------------------------


def write_order(sale: Sale, title: str, currency: Currency, notification_url: str) -> bytes:
    """The body that puts a sale on the POS; its amounts are whole minor units, written as decimals.

    ``description`` is listed as optional and yet demanded by an error; an empty ``notification_url`` is an error. The
    first item's title is all that the app shows of an account without a business name: it begins with the shop's.
    """
    titles = [line.title or title for line in sale.lines]
    titles[:1] = [each if each == title else f"{title}: {each}" for each in titles[:1]]
    order: dict[str, object] = {
        "external_reference": sale.reference,
        "title": title[:_TITLE_MAX],
        "description": title[:_TITLE_MAX],
        "total_amount": currency.decimal_value(sale.cents),
        "items": [_item(named, line, currency) for named, line in zip(titles, sale.lines, strict=True)],
    }
    if sale.expires is not None:
        order["expiration_date"] = datetime.fromtimestamp(sale.expires, UTC).isoformat(timespec="milliseconds")
    if notification_url:
        order["notification_url"] = notification_url
    return dumps(order).encode()


def _item(title: str, line: Line, currency: Currency) -> dict[str, object]:
    return {
        "title": title[:_TITLE_MAX],
        "description": title[:_TITLE_MAX],
        "unit_price": currency.decimal_value(line.unit_cents),
        "quantity": line.quantity,
        "unit_measure": "unit",
        "total_amount": currency.decimal_value(line.cents),
    }
