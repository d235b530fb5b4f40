"""The fake account's stores and points of sale: searched, made and changed as Mercado Pago lets them be.

It refuses what the references "stores" and "pos" list as errors, and what integrators report: an ``external_id`` of
anything but letters and digits, a ``store_id`` that is a text, a city that Mercado Pago spells otherwise. Orders are of
one point of sale, the counter's: the first that has an external id.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kiosk.sim.doubts import Behaviour
from kiosk.sim.forms import Account, ApiError, from_json, plain_error, policy_error, pos_form, store_form
from kiosk.sim.gateway import PICTURES, json_answer
from kiosk.sim.ledger import Ledger
from kiosk.sim.searches import find_by_ids

CITIES: Final = {"São Paulo": "São Paulo", "Palermo": "Capital Federal"}
"""The cities that the fake knows, and their states; the real list is at api.mercadolibre.com/states/{id}."""
_STORE_FIELDS: Final = frozenset({"name", "business_hours", "external_id", "location"})
_POS_FIELDS: Final = frozenset(
    {"name", "fixed_amount", "category", "store_id", "external_store_id", "external_id", "url"}
)
_TEXTS: Final = ("street_name", "street_number", "zip_code", "city_name", "state_name", "reference")

Row = dict[str, Any]


class Premises:
    """The stores and points of sale of one account, which they change where the counter gets its first."""

    def __init__(self, account: Account, ledger: Ledger) -> None:
        self._account = account
        self._ledger = ledger
        self.stores: list[Row] = [store_form(account)] if account.store else []
        self.points: list[Row] = [pos_form(account, ledger)] if account.pos else []

    @property
    def _behaviour(self) -> Behaviour:
        return self._ledger.behaviour

    def routes(self) -> list[Route]:
        """What is served, by path."""
        return [
            Route("/users/{user_id}/stores/search", self._find_stores),
            Route("/users/{user_id}/stores", self._make_store, methods=["POST"]),
            Route("/users/{user_id}/stores/{id}", self._change_store, methods=["PUT"]),
            Route("/pos", self._find_points, methods=["GET"]),
            Route("/pos", self._make_point, methods=["POST"]),
            Route("/pos/{id}", self._point, methods=["GET"]),
            Route("/pos/{id}", self._change_point, methods=["PUT"]),
            Route(PICTURES + "{id}/{name}", self._picture),
        ]

    # --- stores ----------------------------------------------------------------------------------------------------

    async def _find_stores(self, request: Request) -> Response:
        self._check_user(request)
        found = find_by_ids(self.stores, request.query_params, frozenset({"external_id"}))
        return json_answer([found] if self._behaviour.stores_in_array else found)

    async def _make_store(self, request: Request) -> Response:
        self._check_user(request)
        body = await _body(request, _STORE_FIELDS, "UNKNOWN_FIELD")
        if not isinstance(body.get("name"), str) or not body["name"].strip():
            raise plain_error(400, "INVALID_NAME", "Name must be string.")
        _check_location(body.get("location"))
        self._check_store_id(body.get("external_id"), None)
        row = {**store_form(self._account), **body, "id": self._account.store_id + len(self.stores)}
        self.stores.append({"external_id": None, **row})
        return json_answer(self.stores[-1], 201)

    async def _change_store(self, request: Request) -> Response:
        self._check_user(request)
        row = _by_id(self.stores, request, "store not found")
        body = await _body(request, _STORE_FIELDS, "UNKNOWN_FIELD")
        if "external_id" in body:
            self._check_store_id(body["external_id"], row)
        if "location" in body:
            _check_location(body["location"])
        row.update(body)
        return json_answer(row)

    def _check_store_id(self, value: object, row: Row | None) -> None:
        if value is None:
            return
        if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9]{1,60}", value):
            raise _invalid("external_id must be alphanumeric, at most 60 characters")
        if any(store is not row and store["external_id"] == value for store in self.stores):
            raise _invalid("External_id-already-used-")

    def _check_user(self, request: Request) -> None:
        if request.path_params["user_id"] != str(self._account.user_id):
            raise policy_error()

    # --- points of sale --------------------------------------------------------------------------------------------

    async def _find_points(self, request: Request) -> Response:
        ids = frozenset({"external_id", "external_store_id", "store_id", "category"})
        return json_answer(find_by_ids([self._shown(row, request) for row in self.points], request.query_params, ids))

    async def _point(self, request: Request) -> Response:
        return json_answer(self._shown(_by_id(self.points, request, "POS not found"), request))

    async def _make_point(self, request: Request) -> Response:
        body = await _body(request, _POS_FIELDS, "UNKNOWN_FIELD_EXCEPTION")
        self._check_point(body, None)
        row = {**pos_form(self._account, self._ledger), "fixed_amount": False, "external_id": None, **body}
        row |= {"id": self._account.pos_id + len(self.points), "store_id": str(body.get("store_id") or "")}
        self.points.append(row)
        self._choose(row)
        return json_answer(self._shown(row, request), 201)

    async def _change_point(self, request: Request) -> Response:
        row = _by_id(self.points, request, "POS not found")
        body = await _body(request, _POS_FIELDS, "UNKNOWN_FIELD_EXCEPTION")
        self._check_point(body, row)
        if row["id"] == self._account.pos_id and "fixed_amount" in body:
            self._behaviour.fixed_amount = body["fixed_amount"]
        row.update(body)
        self._choose(row)
        return json_answer(self._shown(row, request))

    def _check_point(self, body: Row, row: Row | None) -> None:
        name = body.get("name", row and row["name"])
        if not isinstance(name, str) or not name.strip():
            raise plain_error(400, "INVALID_NAME", "NAME must be string.")
        if len(name) >= 45:
            raise plain_error(400, "NAME_TOO_LONG", "The NAME must be less than 45 characters.")
        if not isinstance(body.get("fixed_amount", False), bool):
            raise plain_error(400, "INVALID_FIXED_AMOUNT", "FIXED_AMOUNT must be boolean.")
        if body.get("category") is not None and type(body["category"]) is not int:
            raise plain_error(400, "INVALID_CATEGORY", "CATEGORY must be numeric.")
        self._check_its_store(body)
        self._check_its_id(body, row)

    def _check_its_store(self, body: Row) -> None:
        number, external = body.get("store_id"), body.get("external_store_id")
        if number is not None and type(number) is not int:
            raise plain_error(400, "INVALID_STORE_ID", "STORE_ID must be numeric.")
        if external is not None and external not in [store["external_id"] for store in self.stores]:
            message = "The EXTERNAL_STORE_ID does not refer to any existing store."
            raise plain_error(400, "INEXISTENT_EXTERNAL_STORE_ID", message)
        for store in self.stores:
            if number == store["id"] and external not in (None, store["external_id"]):
                message = "The EXTERNAL_STORE_ID does not refer to the indicated STORE_ID."
                raise plain_error(400, "EXTERNAL_STORE_ID_NOT_MATCH", message)
        if number is not None and number not in [store["id"] for store in self.stores]:
            raise plain_error(400, "INVALID_STORE_ID", "STORE_ID does not refer to any existing store.")

    def _check_its_id(self, body: Row, row: Row | None) -> None:
        value = body.get("external_id")
        if value is None:
            return
        if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9]+", value):
            message = "The EXTERNAL_ID field must be alphanumeric, only letters and numbers."
            raise plain_error(400, "INVALID_EXTERNAL_ID", message)
        if len(value) > 40:
            raise plain_error(400, "EXTERNAL_ID_TOO_LONG", "The EXTERNAL_ID must be less than 40 characters.")
        taken = [str(point["external_id"]).lower() for point in self.points if point is not row]
        if value.lower() in taken:
            raise plain_error(409, "pos_conflict", "A POS already exists with the indicated external_id.")

    def _choose(self, row: Row) -> None:
        if row["external_id"] and not self._account.pos:
            store = next((each for each in self.stores if str(each["id"]) == str(row["store_id"])), None)
            self._account.pos_id = row["id"]
            self._account.store, self._account.pos = (store or {}).get("external_id") or "", row["external_id"]
            self._behaviour.fixed_amount = row["fixed_amount"]

    def _shown(self, row: Row, request: Request) -> Row:
        """The point of sale, the pictures of its QR at this server's own address."""
        place = f"{str(request.base_url).rstrip('/')}{PICTURES}{row['id']}"
        names = {"image": "qr.png", "template_document": "template.pdf", "template_image": "template.png"}
        own = {"qr": {key: f"{place}/{name}" for key, name in names.items()}}
        if row["id"] == self._account.pos_id and self._account.pos:
            own["fixed_amount"] = self._behaviour.fixed_amount  # type: ignore[assignment]
        return row | own

    async def _picture(self, request: Request) -> Response:
        _by_id(self.points, request, "POS not found")
        import qrcode  # type: ignore[import-untyped]  # it ships no types

        made = qrcode.make(f"fake Mercado Pago POS {request.path_params['id']}").get_image().convert("L")
        out = io.BytesIO()
        pdf = request.path_params["name"].endswith(".pdf")
        made.save(out, "PDF" if pdf else "PNG")
        return Response(out.getvalue(), media_type="application/pdf" if pdf else "image/png")


def _invalid(description: str) -> ApiError:
    """The shape of what the stores' service does not take."""
    causes = [{"code": 400, "description": description}]
    body = {"status": 400, "error": "validation_error", "message": "Validation Error", "causes": causes}
    return ApiError(400, body)


async def _body(request: Request, known: frozenset[str], key: str) -> Row:
    try:
        value = from_json(await request.body())
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise plain_error(400, "MISSING_BODY", "HTTP body is required.")
    if strange := sorted(set(value) - known):
        raise plain_error(400, key, f"The indicated field is not allowed: {', '.join(strange)}")
    return value


def _by_id(rows: list[Row], request: Request, message: str) -> Row:
    for row in rows:
        if str(row["id"]) == request.path_params["id"]:
            return row
    raise plain_error(404, "not_found", message)


def _check_location(value: object) -> None:
    if not isinstance(value, Mapping):
        raise plain_error(400, "INVALID_LOCATION", "LOCATION must be json_object.")
    for name in _TEXTS:
        if not isinstance(value.get(name, ""), str):
            raise plain_error(400, f"INVALID_{name.upper()}", f"{name.upper()} must be string.")
    for name in ("latitude", "longitude"):
        if not isinstance(value.get(name), int | Decimal) or isinstance(value.get(name), bool):
            raise plain_error(400, f"INVALID_{name.upper()}", f"{name.upper()} must be number.")
    city, state = value.get("city_name"), value.get("state_name")
    if state not in CITIES.values():
        raise _invalid(f"location.state_name must be one of {', '.join(sorted(CITIES.values()))}")
    if CITIES.get(str(city)) != state:
        raise _invalid(f"location.city_name is not valid for {state}")
