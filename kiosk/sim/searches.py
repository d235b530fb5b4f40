"""The fake Mercado Pago's searches: which rows a query means, in which order, and one page of them.

Sources: Mercado Pago's references "Search merchant orders" (only the last 90 days) and "Search payments" (``range``,
``begin_date`` and ``end_date`` with their defaults and numeric error codes). Dates are honoured, because a kiosk that
was dark for two days and asks for the last one must see what a real search would hide from it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from kiosk.sim.forms import ApiError, payments_error, plain_error, read_stamp

DAY_S: Final = 86400.0
ORDERS_KEPT_S: Final = 90 * DAY_S
PAYMENTS_KEPT_S: Final = 365 * DAY_S
ORDERS_PAGE: Final = 50
"""Rows in a page of merchant orders where no ``limit`` asks otherwise. Not documented."""
PAYMENTS_PAGE: Final = 30
_UNITS_S: Final = {"MINUTES": 60.0, "HOURS": 3600.0, "DAYS": DAY_S, "MONTHS": 30 * DAY_S, "YEARS": 365 * DAY_S}

Row = dict[str, object]
Query = Mapping[str, str]

_ORDER_FIELDS: Final = frozenset(
    {
        "external_reference",
        "status",
        "order_status",
        "preference_id",
        "application_id",
        "sponsor_id",
        "site_id",
        "marketplace",
    }
)
_ORDER_DATES: Final = {
    "date_created_from": "date_created",
    "date_created_to": "date_created",
    "last_updated_from": "last_updated",
    "last_updated_to": "last_updated",
}
_ORDER_QUERY: Final = frozenset({*_ORDER_FIELDS, *_ORDER_DATES, "payer_id", "limit", "offset"})
_PAYMENT_FIELDS: Final = frozenset({"external_reference", "status", "store_id", "pos_id"})
_PAYMENT_DATES: Final = frozenset({"date_approved", "date_created", "date_last_updated", "money_release_date"})


def search_orders(rows: Iterable[Row], query: Query, *, now: float, page_max: int) -> Row:
    """The answer to a search of merchant orders, oldest first: ``elements`` is null where nothing matches.

    Raises:
        ApiError: a parameter that does not exist, or does not make sense.
    """
    if not set(query) <= _ORDER_QUERY:
        raise _bad_query()
    found = [row for row in rows if _young(row, now - ORDERS_KEPT_S) and _order_matches(row, query)]
    limit, offset = _page(query, ORDERS_PAGE, page_max, _bad_query())
    page = found[offset : offset + limit]
    return {"elements": page or None, "next_offset": offset + len(page), "total": len(found)}


def _bad_query() -> ApiError:
    return plain_error(400, "ds_search_query", "invalid query.")


def _order_matches(row: Row, query: Query) -> bool:
    payer = row["payer"]
    return (
        _equal(row, query, _ORDER_FIELDS)
        and all(_within(row, name, query) for name in _ORDER_DATES if name in query)
        and ("payer_id" not in query or (isinstance(payer, dict) and str(payer["id"]) == query["payer_id"]))
    )


def _within(row: Row, name: str, query: Query) -> bool:
    limit = read_stamp(query[name])
    if limit is None:
        raise _bad_query()
    at = _time(row, _ORDER_DATES[name])
    return at is not None and (limit <= at if name.endswith("_from") else at <= limit)


def search_payments(rows: Iterable[Row], query: Query, *, now: float, page_max: int) -> Row:
    """The answer to a search of payments.

    Raises:
        ApiError: 400 with the documented numeric code.
    """
    by = _one_of(query, "range", "date_created", _PAYMENT_DATES, 1)
    sort = _one_of(query, "sort", "date_created", _PAYMENT_DATES | {"id"}, 1003)
    newest_first = _one_of(query, "criteria", "desc", {"asc", "desc"}, 1004) == "desc"
    begin = max(_moment(query.get("begin_date", "NOW-3MONTHS"), now), now - PAYMENTS_KEPT_S)
    end = _moment(query.get("end_date", "NOW"), now)
    found = [row for row in rows if _equal(row, query, _PAYMENT_FIELDS) and _between(row, by, begin, end)]
    found.sort(key=lambda row: _rank(row, sort), reverse=newest_first)
    limit, offset = _page(query, PAYMENTS_PAGE, page_max, _payments_error(1000, "Number of rows exceeded the limits"))
    paging = {"total": len(found), "limit": limit, "offset": offset}
    return {"paging": paging, "results": found[offset : offset + limit]}


def _payments_error(code: int, message: str) -> ApiError:
    return payments_error(400, "bad_request", code, message)


def _one_of(query: Query, name: str, default: str, allowed: frozenset[str] | set[str], code: int) -> str:
    value = query.get(name, default)
    if value not in allowed:
        raise _payments_error(code, f"Invalid {name}")
    return value


def _moment(text: str, now: float) -> float:
    """``NOW``, ``NOW-1DAYS`` and the like, or a date."""
    relative = re.fullmatch(r"NOW(?:-(\d{1,4})(MINUTES|HOURS|DAYS|MONTHS|YEARS))?", text, re.ASCII)
    if relative:
        return now - int(relative[1] or 0) * _UNITS_S[relative[2] or "DAYS"]
    at = read_stamp(text)
    if at is None:
        raise _payments_error(1001, "Invalid date format. The format must be yyyy-MM-dd'T'HH:mm:ss.SSSZ")
    return at


def _between(row: Row, name: str, begin: float, end: float) -> bool:
    at = _time(row, name)
    return at is not None and begin <= at <= end


def _rank(row: Row, sort: str) -> tuple[float, int]:
    number = row["id"] if isinstance(row["id"], int) else 0
    return (0.0 if sort == "id" else _time(row, sort) or 0.0, number)


def find_by_ids(rows: Iterable[Row], query: Query, fields: frozenset[str]) -> Row:
    """The answer to a search of stores or POS: rows whose ``fields`` are as the query says."""
    found = [row for row in rows if _equal(row, query, fields)]
    limit, offset = _page(query, 50, 50, plain_error(400, "bad_request", "limit and offset must be numbers"))
    paging = {"total": len(found), "offset": offset, "limit": limit}
    return {"paging": paging, "results": found[offset : offset + limit]}


def _equal(row: Row, query: Query, fields: frozenset[str]) -> bool:
    return all(str(row[name]) == query[name] for name in fields if name in query)


def _young(row: Row, since: float) -> bool:
    at = _time(row, "date_created")
    return at is not None and at >= since


def _time(row: Row, name: str) -> float | None:
    value = row[name]
    return read_stamp(value) if isinstance(value, str) else None


def _page(query: Query, default: int, most: int, error: ApiError) -> tuple[int, int]:
    """``limit`` and ``offset``; ``most`` is the largest limit honoured."""
    limit, offset = query.get("limit", str(default)), query.get("offset", "0")
    if not (re.fullmatch(r"\d{1,6}", limit, re.ASCII) and re.fullmatch(r"\d{1,9}", offset, re.ASCII)):
        raise error
    return min(int(limit), most), int(offset)
