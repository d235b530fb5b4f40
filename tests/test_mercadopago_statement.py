"""The account's statement put together: one search, by id what it lacks, and what is missing of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import pytest

from kiosk.mercadopago.answers import Reply
from kiosk.mercadopago.statement import BY_ID_MAX, PAGES_MAX, statement
from kiosk.mercadopago.words import write_moment
from kiosk.sale.commands import AskStatement
from kiosk.sale.events import PaymentState, Refused, StatementIs, Trouble, Unknown
from kiosk.sale.money import SITES

SITE = SITES["MLB"]
SEARCH = "/v1/payments/search"
LOST = Unknown(request=2, trouble=Trouble.SLOW)
GONE = Reply(404, b'{"error": "not_found"}')


def ok(value: object) -> Reply:
    return Reply(200, json.dumps(value).encode(), 1.0, "t")


def payment(number: int, **others: object) -> dict[str, object]:
    value = {"id": number, "status": "approved", "currency_id": "BRL", "transaction_amount": 25}
    return {**value, "external_reference": "KIOSK01-7-abc", "collector_id": 5, **others}


def page(*results: object, total: int | None = None) -> Reply:
    return ok({"paging": {"total": len(results) if total is None else total}, "results": list(results)})


class Account:
    """Answers the search with one page after another, and by id what it is told."""

    def __init__(self, *pages: Reply | Unknown, by_id: Mapping[str, Reply | Unknown] | None = None) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self._pages = list(pages)
        self._by_id = by_id or {}

    def ask(self, path: str, query: Mapping[str, str]) -> Reply | Unknown:
        self.asked.append((path, dict(query)))
        if path == SEARCH:
            return self._pages.pop(0) if len(self._pages) > 1 else self._pages[0]
        return self._by_id.get(path.removeprefix("/v1/payments/"), GONE)

    def statement(self, *known: str, pos: str = "77", changed: bool = True) -> StatementIs | Refused | Unknown:
        call = AskStatement(request=2, until=9.0, begin=100.0, end=200.0, known=known, changed=changed)
        return statement(call, self.ask, SITE, pos)

    def told(self, *known: str, pos: str = "77") -> StatementIs:
        told = self.statement(*known, pos=pos)
        assert isinstance(told, StatementIs)
        return told


def ids(told: StatementIs) -> list[str]:
    return [booking.payment.id for booking in told.bookings]


def test_one_search_shows_what_changed_or_what_was_made() -> None:
    account = Account(page(payment(1), payment(2)))
    told = account.told()
    assert (ids(told), told.whole, told.missing, told.date, told.trace) == (["1", "2"], True, (), 1.0, "t")
    account.statement(changed=False)
    first, second = (query for _, query in account.asked)
    assert (first["range"], first["sort"]) == ("date_last_updated", "date_last_updated")
    assert (second["range"], second["sort"]) == ("date_created", "date_created")
    assert (first["begin_date"], first["end_date"]) == ("1970-01-01T00:01:40.000Z", "1970-01-01T00:03:20.000Z")


def test_a_payment_is_shown_whole() -> None:
    shown = payment(1, status="refunded", transaction_amount_refunded=25, date_approved="2031-05-04T14:20:00.000-04:00")
    [booking] = Account(page(shown)).told().bookings
    seen = booking.payment
    assert (seen.state, seen.cents, seen.refunded_cents) == (PaymentState.REFUNDED, 2500, 2500)
    assert (seen.reference, seen.collector) == ("KIOSK01-7-abc", 5)
    assert booking.at == 1935685200.0


@pytest.mark.parametrize(
    ("shown", "pos", "here"),
    [
        ({"pos_id": "77"}, "77", True),
        ({"pos_id": 77}, "77", True),
        ({"pos_id": "78"}, "77", False),
        ({"pos_id": None}, "77", False),
        ({}, "77", False),
        ({"pos_id": ""}, "", False),
        ({"pos_id": {"id": 77}}, "77", False),
        ({"pos_id": "77"}, "", False),
    ],
)
def test_our_pos_is_known_by_its_number(shown: dict[str, object], pos: str, here: bool) -> None:
    [booking] = Account(page(payment(1, **shown))).told(pos=pos).bookings
    assert booking.here is here


@pytest.mark.parametrize(
    ("dates", "at"),
    [
        ({"date_approved": None, "date_created": "2031-05-04T14:20:00.000-04:00"}, 1935685200.0),
        ({"date_approved": "2031-05-04T18:20:00Z", "date_created": "1999-01-01T00:00:00Z"}, 1935685200.0),
        ({"date_created": "2031-05-04T18:20:00"}, None),
        ({"date_created": "yesterday"}, None),
        ({"date_created": "0001-01-01T00:00:00+14:00"}, None),
        ({"date_created": "9999-12-31T23:59:59-14:00"}, None),
        ({"date_created": 7}, None),
        ({}, None),
    ],
)
def test_when_it_was(dates: dict[str, object], at: float | None) -> None:
    """A date that tells nothing hides no money."""
    [booking] = Account(page(payment(1, **dates))).told().bookings
    assert booking.at == at


@pytest.mark.parametrize(
    ("at", "text"),
    [(0.0, "00.000Z"), (1.0004, "01.000Z"), (1.999999, "01.999Z"), (2.9999999, "03.000Z"), (2.5, "02.500Z")],
)
def test_times_are_written_in_milliseconds(at: float, text: str) -> None:
    assert write_moment(at) == "1970-01-01T00:00:" + text


# --- all of it, or not ------------------------------------------------------------------------------------------------


def test_all_pages_are_read() -> None:
    account = Account(page(payment(1), payment(2), total=3), page(payment(3), total=3))
    told = account.told()
    assert (ids(told), told.whole) == (["1", "2", "3"], True)
    assert [query.get("offset") for _, query in account.asked] == [None, "2"]


@pytest.mark.parametrize(
    "failure", [LOST, Reply(401, b'{"error": "unauthorized"}'), Reply(500, b""), ok({"no": "page"})]
)
def test_a_page_that_is_missing_leaves_the_others_and_is_said(failure: Reply | Unknown) -> None:
    told = Account(page(payment(1), total=2), failure).told()
    assert (ids(told), told.whole) == (["1"], False)


@pytest.mark.parametrize("failure", [LOST, Reply(500, b""), Reply(200, b"<html>"), ok({"no": "page"}), page({"id": 1})])
def test_without_an_answer_nothing_is_known(failure: Reply | Unknown) -> None:
    assert isinstance(Account(failure).statement("1"), Unknown)


def test_a_refusal_is_one() -> None:
    assert isinstance(Account(Reply(401, b'{"error": "unauthorized"}')).statement(), Refused)


def test_an_element_that_cannot_be_read_is_said() -> None:
    told = Account(page(payment(1), {"id": 2}, payment(3, transaction_amount="25"))).told()
    assert (ids(told), told.whole) == (["1"], False)


def test_pages_without_end_are_not_all() -> None:
    pages = [page(payment(number), total=1000) for number in range(PAGES_MAX + 9)]
    account = Account(*pages)
    assert not account.told().whole
    assert len(account.asked) == PAGES_MAX


# --- by id ------------------------------------------------------------------------------------------------------------


def test_what_the_search_lacks_is_asked_by_id() -> None:
    """An index that lags behind is no sign that a payment is not there."""
    account = Account(page(payment(1)), by_id={"2": ok(payment(2))})
    told = account.told("1", "2", "3")
    assert (ids(told), told.missing, told.whole) == (["1", "2"], ("3",), True)
    assert [path for path, _ in account.asked] == [SEARCH, "/v1/payments/2", "/v1/payments/3"]


@pytest.mark.parametrize(
    "failure",
    [LOST, Reply(404, b"<html>"), Reply(500, b'{"error": "x"}'), Reply(401, b'{"error": "unauthorized"}'), ok({})],
)
def test_only_the_providers_own_word_makes_a_payment_missing(failure: Reply | Unknown) -> None:
    told = Account(page(), by_id={"2": failure}).told("2")
    assert (told.missing, told.whole) == ((), False)


def test_too_many_to_ask_for_is_not_all() -> None:
    known: Sequence[str] = [str(number) for number in range(BY_ID_MAX + 1)]
    account = Account(page())
    told = account.told(*known)
    assert (len(told.missing), told.whole) == (BY_ID_MAX, False)
    assert Account(page()).told(*known[1:]).whole
