"""A look put together from its parts: pages, two indexes, orders by id, and what is missing of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import pytest

from kiosk.mercadopago.answers import Reply
from kiosk.mercadopago.look import NAMED_ORDERS_MAX, PAGES_MAX, look
from kiosk.sale.commands import Depth, Look
from kiosk.sale.events import Evidence, Refused, Reject, Seen, Trouble, Unknown
from kiosk.sale.money import SITES

REFERENCE = "KIOSK01-7-abc"
SITE = SITES["MLB"]
ORDERS = "/merchant_orders/search"
PAYMENTS = "/v1/payments/search"
LOST = Unknown(request=2, reference=REFERENCE, trouble=Trouble.SLOW)


def ok(value: object, date: float = 1.0) -> Reply:
    return Reply(200, json.dumps(value).encode(), date, "t")


def refused(status: int) -> Reply:
    return Reply(status, b'{"error": "no"}')


def order(number: int, **others: object) -> dict[str, object]:
    return {"id": number, "status": "closed", "external_reference": REFERENCE, "total_amount": 25, **others}


def payment(number: int, named: int | None = None, reference: str = REFERENCE) -> dict[str, object]:
    value = {"id": number, "status": "approved", "currency_id": "BRL", "transaction_amount": 25}
    return {**value, "external_reference": reference, "order": {"id": named} if named else {}}


def orders(*elements: object, total: int | None = None) -> Reply:
    return ok({"elements": list(elements), "total": len(elements) if total is None else total})


def payments(*results: object, total: int | None = None) -> Reply:
    return ok({"paging": {"total": len(results) if total is None else total}, "results": list(results)}, date=2.0)


class Provider:
    """Answers by path, the next one at each question; the last again and again."""

    def __init__(self, **answers: Sequence[Reply | Unknown]) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self._answers = {
            ORDERS: list(answers.get("orders", [orders()])),
            PAYMENTS: list(answers.get("payments", [payments()])),
            "by id": list(answers.get("by_id", [refused(404)])),
        }

    def ask(self, path: str, query: Mapping[str, str]) -> Reply | Unknown:
        self.asked.append((path, dict(query)))
        answers = self._answers[path if path in self._answers else "by id"]
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def look(self, depth: Depth = Depth.ALL, reference: str = REFERENCE) -> Seen | Refused | Unknown:
        return look(Look(request=2, reference=reference, until=9.0, depth=depth), self.ask, SITE)

    def evidence(self, depth: Depth = Depth.ALL) -> Evidence:
        seen = self.look(depth)
        assert isinstance(seen, Seen)
        return seen.evidence


def ids(evidence: Evidence) -> tuple[list[str], list[str]]:
    return [each.id for each in evidence.orders], [each.id for each in evidence.payments]


# --- one search -----------------------------------------------------------------------------------------------------


def test_the_shallow_look_is_one_question() -> None:
    provider = Provider(orders=[orders(order(1), order(2))])
    evidence = provider.evidence(Depth.ORDERS)
    assert ids(evidence) == (["1", "2"], [])
    assert evidence.whole
    assert provider.asked == [(ORDERS, {"external_reference": REFERENCE})]


def test_a_look_for_nothing_is_not_made() -> None:
    """It would show the orders of the whole account."""
    provider = Provider()
    said = provider.look(reference="")
    assert isinstance(said, Refused)
    assert said.reject is Reject.INVALID
    assert not provider.asked


def test_all_pages_are_read() -> None:
    provider = Provider(orders=[orders(order(1), order(2), total=3), orders(order(3), total=3)])
    evidence = provider.evidence(Depth.ORDERS)
    assert ids(evidence)[0] == ["1", "2", "3"]
    assert evidence.whole
    assert [query.get("offset") for _, query in provider.asked] == [None, "2"]


def test_pages_without_a_total_are_read_until_one_is_empty() -> None:
    page, empty = ok({"elements": [order(1)]}), ok({"elements": None})
    provider = Provider(orders=[page, empty])
    evidence = provider.evidence(Depth.ORDERS)
    assert (ids(evidence)[0], evidence.whole) == (["1"], True)


@pytest.mark.parametrize("failure", [LOST, refused(401), refused(500), ok({"no": "page"})])
def test_a_missing_page_leaves_the_others(failure: Reply | Unknown) -> None:
    """A paid order on the first page is seen; that there was more is said."""
    evidence = Provider(orders=[orders(order(1), total=2), failure]).evidence(Depth.ORDERS)
    assert (ids(evidence)[0], evidence.whole) == (["1"], False)


def test_a_total_that_never_comes_true() -> None:
    """It shows less than it counts: not all was seen, and the asking ends."""
    provider = Provider(orders=[orders(order(1), total=2), orders(total=2)])
    evidence = provider.evidence(Depth.ORDERS)
    assert (ids(evidence)[0], evidence.whole, len(provider.asked)) == (["1"], False, 2)


def test_a_server_that_ignores_the_offset() -> None:
    """The same order again and again is one order, and no proof that there is no other."""
    provider = Provider(orders=[orders(order(1), total=2)])
    evidence = provider.evidence(Depth.ORDERS)
    assert (ids(evidence)[0], evidence.whole, len(provider.asked)) == (["1"], False, PAGES_MAX)


def test_an_element_that_cannot_be_read_is_missed() -> None:
    evidence = Provider(orders=[orders(order(1), {"id": 2})]).evidence(Depth.ORDERS)
    assert (ids(evidence)[0], evidence.whole) == (["1"], False)
    without_total = [ok({"elements": [order(1), {"id": 2}]}), ok({"elements": []})]
    evidence = Provider(orders=without_total).evidence(Depth.ORDERS)
    assert (ids(evidence)[0], evidence.whole) == (["1"], False)


def test_nothing_but_elements_that_cannot_be_read_is_no_answer() -> None:
    said = Provider(orders=[orders({"id": 2})]).look(Depth.ORDERS)
    assert isinstance(said, Unknown)
    assert said.trouble is Trouble.NONSENSE


# --- both indexes ---------------------------------------------------------------------------------------------------


def test_the_payments_search_gets_all_its_parameters() -> None:
    provider = Provider()
    assert provider.evidence().whole
    assert provider.asked[1] == (
        PAYMENTS,
        {
            "external_reference": REFERENCE,
            "range": "date_created",
            "begin_date": "NOW-3MONTHS",
            "end_date": "NOW",
            "sort": "date_created",
            "criteria": "desc",
        },
    )


def test_orders_that_only_payments_tell_of_are_asked_by_id() -> None:
    provider = Provider(
        orders=[orders(order(1))],
        payments=[payments(payment(7, 1), payment(8, 2), payment(9, 2), payment(10), payment(11, 3, "another"))],
        by_id=[ok(order(2))],
    )
    evidence = provider.evidence()
    assert ids(evidence) == (["1", "2"], ["7", "8", "9", "10", "11"])
    assert evidence.whole
    assert [path for path, _ in provider.asked] == [ORDERS, PAYMENTS, "/merchant_orders/2"]


@pytest.mark.parametrize(
    ("by_id", "complete", "whole"),
    [
        (ok(order(1)), True, True),
        (ok(order(1, status="opened")), False, True),
        (refused(404), False, True),
        (LOST, False, False),
    ],
)
def test_an_order_that_the_search_shows_as_it_was_is_asked_by_id(
    by_id: Reply | Unknown, complete: bool, whole: bool
) -> None:
    """A payment names it, so it may be complete by now; what the search showed counts where nobody knows better."""
    provider = Provider(orders=[orders(order(1, status="opened"))], payments=[payments(payment(7, 1))], by_id=[by_id])
    evidence = provider.evidence()
    assert ([each.complete for each in evidence.orders], evidence.whole) == ([complete], whole)
    assert len(provider.asked) == 3


@pytest.mark.parametrize(
    ("by_id", "whole"), [(refused(404), True), (refused(400), True), (refused(500), False), (LOST, False)]
)
def test_an_order_by_id_that_is_not_there_is_an_answer(by_id: Reply | Unknown, whole: bool) -> None:
    evidence = Provider(payments=[payments(payment(8, 2))], by_id=[by_id]).evidence()
    assert (ids(evidence), evidence.whole) == (([], ["8"]), whole)


def test_not_more_orders_are_asked_by_id_than_make_sense() -> None:
    named = [payment(each, 100 + each) for each in range(1, NAMED_ORDERS_MAX + 2)]
    provider = Provider(payments=[payments(*named)])
    assert not provider.evidence().whole
    assert len(provider.asked) == 2 + NAMED_ORDERS_MAX
    assert Provider(payments=[payments(*named[:-1])]).evidence().whole


@pytest.mark.parametrize("failure", [LOST, refused(401), refused(500)])
def test_one_index_is_enough_for_an_answer_but_not_for_all_of_it(failure: Reply | Unknown) -> None:
    without_orders = Provider(orders=[failure], payments=[payments(payment(7))]).evidence()
    assert (ids(without_orders), without_orders.whole) == (([], ["7"]), False)
    without_payments = Provider(orders=[orders(order(1))], payments=[failure]).evidence()
    assert (ids(without_payments), without_payments.whole) == ((["1"], []), False)


def test_an_order_found_by_id_counts_though_the_search_failed() -> None:
    evidence = Provider(orders=[LOST], payments=[payments(payment(7, 1))], by_id=[ok(order(1))]).evidence()
    assert (ids(evidence), evidence.whole) == ((["1"], ["7"]), False)


# --- nothing answered -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        (LOST, LOST, Trouble.SLOW),
        (LOST, refused(401), Trouble.SLOW),
        (refused(401), LOST, Trouble.SLOW),
        (refused(500), LOST, Trouble.SERVER),
        (refused(401), refused(401), Reject.TOKEN),
        (refused(403), refused(403), Reject.FORBIDDEN),
        (refused(401), refused(403), Trouble.SERVER),
    ],
)
def test_nothing_answered_at_all(first: Reply | Unknown, second: Reply | Unknown, said: object) -> None:
    """A refusal only where all refuse alike."""
    answer = Provider(orders=[first], payments=[second]).look()
    assert isinstance(answer, Refused | Unknown)
    assert (answer.reject if isinstance(answer, Refused) else answer.trouble) is said
    assert (answer.request, answer.reference) == (2, REFERENCE)


def test_a_shallow_look_that_fails() -> None:
    assert Provider(orders=[LOST]).look(Depth.ORDERS) == LOST
    assert isinstance(Provider(orders=[refused(401)]).look(Depth.ORDERS), Refused)


def test_the_answer_carries_the_newest_clock() -> None:
    seen = Provider().look()
    assert isinstance(seen, Seen)
    assert (seen.request, seen.reference, seen.date, seen.trace) == (2, REFERENCE, 2.0, "t")
    shallow = Provider().look(Depth.ORDERS)
    assert isinstance(shallow, Seen)
    assert shallow.date == 1.0


# --- one order or payment, by its id ----------------------------------------------------------------------------------


def by_id(provider: Provider, name: str, depth: Depth = Depth.ORDER) -> Seen | Refused | Unknown:
    return look(Look(request=2, until=9.0, depth=depth, name=name), provider.ask, SITE)


def test_one_order_tells_whose_it_is_and_that_it_is_not_all_there_is() -> None:
    provider = Provider(by_id=[ok(order(900))])
    seen = by_id(provider, "900")
    assert isinstance(seen, Seen)
    assert (seen.request, seen.reference, seen.narrow, seen.evidence.whole) == (2, REFERENCE, True, False)
    assert ids(seen.evidence) == (["900"], [])
    assert provider.asked == [("/merchant_orders/900", {})]


def test_one_payment_and_the_order_that_it_paid() -> None:
    provider = Provider(by_id=[ok(payment(5, named=900)), ok(order(900))])
    seen = by_id(provider, "5", Depth.PAYMENT)
    assert isinstance(seen, Seen)
    assert ids(seen.evidence) == (["900"], ["5"])
    assert [path for path, _ in provider.asked] == ["/v1/payments/5", "/merchant_orders/900"]


def test_a_payment_of_no_order_tells_its_own_reference() -> None:
    provider = Provider(by_id=[ok(payment(5))])
    seen = by_id(provider, "5", Depth.PAYMENT)
    assert isinstance(seen, Seen)
    assert (seen.reference, ids(seen.evidence)) == (REFERENCE, ([], ["5"]))
    assert len(provider.asked) == 1


@pytest.mark.parametrize("depth", [Depth.ORDER, Depth.PAYMENT])
@pytest.mark.parametrize("status", [400, 404])
def test_an_id_that_nothing_has_is_answered_and_shows_nothing(status: int, depth: Depth) -> None:
    seen = by_id(Provider(by_id=[refused(status)]), "5", depth)
    assert isinstance(seen, Seen)
    assert (seen.reference, ids(seen.evidence)) == ("", ([], []))


def test_what_is_not_answered_or_refused_is_told_as_that() -> None:
    for depth in (Depth.ORDER, Depth.PAYMENT):
        assert by_id(Provider(by_id=[LOST]), "5", depth) == LOST
        assert isinstance(by_id(Provider(by_id=[refused(401)]), "5", depth), Refused)
        assert isinstance(by_id(Provider(by_id=[Reply(400, b'{"error": "invalid_token"}')]), "5", depth), Refused)
    half = Provider(by_id=[ok(payment(5, named=900)), LOST])
    assert by_id(half, "5", Depth.PAYMENT) == LOST, "the order decides: half of it is asked again"


def test_an_id_leads_to_no_other_address() -> None:
    """The listener lets digits through and nothing else; the adapter does not rely on it."""
    provider = Provider()
    by_id(provider, "../users/me?x=1")
    assert provider.asked[0][0] == "/merchant_orders/..%2Fusers%2Fme%3Fx%3D1"
