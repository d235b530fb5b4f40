"""Which rows the fake Mercado Pago's searches find, and what they refuse."""

from __future__ import annotations

import pytest

from kiosk.sim.forms import ApiError, stamp
from kiosk.sim.searches import DAY_S, Query, Row, find_by_ids, search_orders, search_payments

NOW = 1_900_000_000.0


def order_row(number: int, reference: str = "A", status: str = "opened", age_s: float = 0.0) -> Row:
    return {
        "id": number,
        "external_reference": reference,
        "status": status,
        "payer": {"id": 222},
        "date_created": stamp(NOW - age_s),
        "last_updated": stamp(NOW - age_s + 1),
    }


def payment_row(number: int, reference: str = "A", age_s: float = 0.0, approved: bool = True) -> Row:
    return {
        "id": number,
        "external_reference": reference,
        "status": "approved" if approved else "rejected",
        "pos_id": "7",
        "date_created": stamp(NOW - age_s),
        "date_approved": stamp(NOW - age_s) if approved else None,
        "date_last_updated": stamp(NOW - age_s / 2),
    }


def orders(rows: list[Row], page_max: int = 100, **query: str) -> tuple[list[object] | None, object, object]:
    """The ids found (None: null), ``next_offset``, ``total``."""
    found = search_orders(rows, query, now=NOW, page_max=page_max)
    elements = found["elements"]
    assert elements is None or isinstance(elements, list)
    return elements and [row["id"] for row in elements], found["next_offset"], found["total"]


def payments(rows: list[Row], page_max: int = 100, **query: str) -> list[object]:
    found = search_payments(rows, query, now=NOW, page_max=page_max)["results"]
    assert isinstance(found, list)
    return [row["id"] for row in found]


# --- merchant orders ------------------------------------------------------------------------------------------------


def test_nothing_found_is_null_not_an_empty_list() -> None:
    assert orders([order_row(1)], external_reference="B") == (None, 0, 0)
    assert orders([order_row(1)], external_reference="A") == ([1], 1, 1)


def test_a_reference_may_have_several_the_oldest_first() -> None:
    rows = [order_row(1), order_row(2, status="closed"), order_row(3, "B")]
    assert orders(rows, external_reference="A") == ([1, 2], 2, 2)
    assert orders(rows, external_reference="A", status="closed") == ([2], 1, 1)
    assert orders(rows) == ([1, 2, 3], 3, 3)


def test_a_reference_is_found_whole_or_not_at_all() -> None:
    rows = [order_row(1, "K1-12-abc")]
    assert orders(rows, external_reference="K1-12-abc")[0] == [1]
    for other in ("K1-12-ab", "K1-12-abcd", "k1-12-abc"):
        assert orders(rows, external_reference=other)[0] is None
        assert payments([payment_row(1, "K1-12-abc")], external_reference=other) == []


def test_pages_follow_each_other_by_next_offset() -> None:
    rows = [order_row(number) for number in range(5)]
    assert orders(rows, limit="2") == ([0, 1], 2, 5)
    assert orders(rows, limit="2", offset="2") == ([2, 3], 4, 5)
    assert orders(rows, limit="2", offset="4") == ([4], 5, 5)
    assert orders(rows, limit="2", offset="5") == (None, 5, 5)


def test_no_page_is_longer_than_the_limit_honoured() -> None:
    assert orders([order_row(number) for number in range(5)], page_max=3, limit="5") == ([0, 1, 2], 3, 5)


def test_only_the_last_ninety_days_are_searched() -> None:
    rows = [order_row(1, age_s=90 * DAY_S + 1), order_row(2, age_s=90 * DAY_S - 1)]
    assert orders(rows) == ([2], 1, 1)


def test_orders_are_found_by_their_dates_and_payer() -> None:
    rows = [order_row(1, age_s=100), order_row(2, age_s=50)]
    moment = str(stamp(NOW - 75))
    assert orders(rows, date_created_from=moment)[0] == [2]
    assert orders(rows, date_created_to=moment)[0] == [1]
    assert orders(rows, last_updated_from=moment)[0] == [2]
    assert orders(rows, payer_id="222")[0] == [1, 2]
    assert orders(rows, payer_id="223")[0] is None


@pytest.mark.parametrize(
    "query",
    [{"reference": "A"}, {"limit": "many"}, {"limit": "-1"}, {"offset": "x"}, {"date_created_from": "yesterday"}],
)
def test_a_query_that_makes_no_sense_is_refused(query: Query) -> None:
    with pytest.raises(ApiError) as caught:
        search_orders([order_row(1)], query, now=NOW, page_max=100)
    assert (caught.value.status, caught.value.body["error"]) == (400, "ds_search_query")


# --- payments -------------------------------------------------------------------------------------------------------


def test_payments_are_found_by_reference_newest_first() -> None:
    rows = [payment_row(1, age_s=20), payment_row(2, "B"), payment_row(3, age_s=10)]
    assert payments(rows, external_reference="A") == [3, 1]
    assert payments(rows, external_reference="A", sort="date_created", criteria="asc") == [1, 3]
    assert payments(rows, external_reference="C") == []
    assert payments(rows, pos_id="7", sort="id", criteria="asc") == [1, 2, 3]


def test_payments_come_with_their_paging() -> None:
    rows = [payment_row(number) for number in range(3)]
    found = search_payments(rows, {"limit": "2", "offset": "2", "criteria": "asc"}, now=NOW, page_max=100)
    assert found["paging"] == {"total": 3, "limit": 2, "offset": 2}
    assert payments(rows, limit="2", offset="2", criteria="asc") == [2]
    assert payments(rows, page_max=1, limit="2", criteria="asc") == [0]


def test_what_is_older_than_the_begin_is_hidden() -> None:
    """A kiosk that was dark for two days and asks for one sees nothing."""
    rows = [payment_row(1, age_s=2 * DAY_S)]
    assert payments(rows, begin_date="NOW-1DAYS", end_date="NOW") == []
    assert payments(rows, begin_date="NOW-3DAYS", end_date="NOW") == [1]
    assert payments(rows, begin_date=str(stamp(NOW - 3 * DAY_S)), end_date=str(stamp(NOW))) == [1]
    assert payments(rows, begin_date="NOW-3DAYS", end_date="NOW-49HOURS") == []
    assert payments(rows) == [1]
    assert payments([payment_row(1, age_s=100 * DAY_S)]) == []
    assert payments([payment_row(1, age_s=100 * DAY_S)], begin_date="NOW-6MONTHS") == [1]
    assert payments([payment_row(1, age_s=366 * DAY_S)], begin_date="NOW-2YEARS") == []


def test_the_range_names_the_date_that_counts() -> None:
    rows = [payment_row(1, approved=False), payment_row(2)]
    assert payments(rows, range="date_approved") == [2]
    assert payments(rows, range="date_created") == [2, 1]


def test_what_changed_in_a_time_is_found_however_old_it_is() -> None:
    """A payment made ten hours ago that changed five hours ago: refunded, or approved at last."""
    rows = [payment_row(1, age_s=36_000.0)]
    begin, end = str(stamp(NOW - 20_000.0)), str(stamp(NOW - 10_000.0))
    by = "date_last_updated"
    assert payments(rows, range=by, sort=by, criteria="asc", begin_date=begin, end_date=end) == [1]
    assert payments(rows, range="date_created", begin_date=begin, end_date=end) == []
    assert payments(rows, range="date_last_updated", begin_date=str(stamp(NOW - 10_000.0))) == []


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"range": "date_of_birth"}, 1),
        ({"limit": "many"}, 1000),
        ({"begin_date": "2030-03-17"}, 1001),
        ({"end_date": "NOW+1DAYS"}, 1001),
        ({"sort": "amount"}, 1003),
        ({"criteria": "best"}, 1004),
    ],
)
def test_a_bad_parameter_has_its_numeric_code(query: Query, code: int) -> None:
    with pytest.raises(ApiError) as caught:
        search_payments([], query, now=NOW, page_max=100)
    assert caught.value.status == 400
    assert caught.value.body["cause"] == [{"code": code, "description": caught.value.body["message"], "data": None}]


# --- stores and POS -------------------------------------------------------------------------------------------------


def test_stores_and_pos_are_found_by_their_ids() -> None:
    row: Row = {"id": 1, "external_id": "KIOSK01"}
    fields = frozenset({"external_id"})
    found = {"paging": {"total": 1, "offset": 0, "limit": 50}, "results": [row]}
    assert find_by_ids([row], {"external_id": "KIOSK01"}, fields) == found
    assert find_by_ids([row], {"external_id": "kiosk01"}, fields)["results"] == []
    assert find_by_ids([row], {}, fields) == found
