"""The fake account's stores and points of sale refuse what Mercado Pago refuses; each has its permitted twin."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from kiosk.sim.mercadopago import FakeMercadoPago
from tests.fake_shop import TOKEN, USER, account

LOCATION: dict[str, Any] = {
    "street_name": "Rua das Flores",
    "street_number": "123",
    "city_name": "São Paulo",
    "state_name": "São Paulo",
    "latitude": -23.5,
    "longitude": -46.6,
}
STORE: dict[str, Any] = {"name": "Padaria", "external_id": "LOJA01", "location": LOCATION}
POINT: dict[str, Any] = {
    "name": "Caixa",
    "fixed_amount": True,
    "store_id": 1111111,
    "external_store_id": "LOJA01",
    "external_id": "CAIXA01",
}
STORES = f"/users/{USER}/stores"


def ask(fake: FakeMercadoPago, method: str, path: str, token: str = TOKEN, **more: Any) -> httpx.Response:
    async def request() -> httpx.Response:
        transport = httpx.ASGITransport(fake.app)
        headers = {"authorization": f"Bearer {token}"} if token else {}
        async with httpx.AsyncClient(transport=transport, base_url="http://fake", headers=headers) as client:
            return await client.request(method, path, **more)

    return asyncio.run(request())


def made() -> FakeMercadoPago:
    """An account with one store."""
    fake = account()
    assert ask(fake, "POST", STORES, json=STORE).status_code == 201
    return fake


def test_a_store_and_a_point_of_sale_are_made_found_and_sell() -> None:
    fake = made()
    assert ask(fake, "GET", f"{STORES}/search").json()["results"][0]["external_id"] == "LOJA01"
    point = ask(fake, "POST", "/pos", json=POINT)
    assert point.status_code == 201
    assert ask(fake, "GET", f"/pos/{point.json()['id']}").json() == point.json()
    assert ask(fake, "GET", "/pos?external_id=CAIXA01").json()["paging"]["total"] == 1
    free = ask(fake, "GET", f"/instore/qr/seller/collectors/{USER}/pos/CAIXA01/orders")
    assert free.json()["error"] == "point_of_sale_in_store_order_not_found"


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"name": 1}, "INVALID_NAME"),
        ({"name": None}, "INVALID_NAME"),
        ({"location": None}, "INVALID_LOCATION"),
        ({"location": LOCATION | {"street_number": 123}}, "INVALID_STREET_NUMBER"),
        ({"location": LOCATION | {"latitude": "-23.5"}}, "INVALID_LATITUDE"),
        ({"location": LOCATION | {"state_name": "Sao Paulo"}}, "validation_error"),
        ({"location": LOCATION | {"city_name": "Palermo"}}, "validation_error"),
        ({"external_id": "LOJA-01"}, "validation_error"),
        ({"external_id": "L" * 61}, "validation_error"),
        ({"phone": "1"}, "UNKNOWN_FIELD"),
    ],
)
def test_a_store_that_is_refused(change: dict[str, Any], key: str) -> None:
    answer = ask(account(), "POST", STORES, json=STORE | change)
    assert (answer.status_code, answer.json()["error"]) == (400, key)


@pytest.mark.parametrize(
    ("change", "status", "key"),
    [
        ({"name": ""}, 400, "INVALID_NAME"),
        ({"name": "N" * 45}, 400, "NAME_TOO_LONG"),
        ({"fixed_amount": "true"}, 400, "INVALID_FIXED_AMOUNT"),
        ({"category": "621102"}, 400, "INVALID_CATEGORY"),
        ({"store_id": "1111111"}, 400, "INVALID_STORE_ID"),
        ({"store_id": 5}, 400, "INVALID_STORE_ID"),
        ({"external_store_id": "LOJA09"}, 400, "INEXISTENT_EXTERNAL_STORE_ID"),
        ({"external_id": "CAIXA-01"}, 400, "INVALID_EXTERNAL_ID"),
        ({"external_id": "C" * 41}, 400, "EXTERNAL_ID_TOO_LONG"),
        ({"external_id": "taken"}, 409, "pos_conflict"),
        ({"colour": "red"}, 400, "UNKNOWN_FIELD_EXCEPTION"),
    ],
)
def test_a_point_of_sale_that_is_refused(change: dict[str, Any], status: int, key: str) -> None:
    fake = made()
    assert ask(fake, "POST", "/pos", json=POINT | {"external_id": "TAKEN"}).status_code == 201
    answer = ask(fake, "POST", "/pos", json=POINT | change)
    assert (answer.status_code, answer.json()["error"]) == (status, key)
    assert ask(fake, "POST", "/pos", json=POINT | {"name": "N" * 44, "external_id": "C" * 40}).status_code == 201


def test_a_store_of_another_name_does_not_match() -> None:
    fake = made()
    assert ask(fake, "POST", STORES, json=STORE | {"external_id": "LOJA02"}).status_code == 201
    answer = ask(fake, "POST", "/pos", json=POINT | {"external_store_id": "LOJA02"})
    assert answer.json()["error"] == "EXTERNAL_STORE_ID_NOT_MATCH"
    again = ask(fake, "POST", STORES, json=STORE)
    assert "already-used" in again.json()["causes"][0]["description"]


def test_what_is_there_can_be_changed() -> None:
    fake = made()
    number = ask(fake, "POST", "/pos", json={"name": "Panel", "store_id": 1111111}).json()["id"]
    shown = ask(fake, "GET", f"/pos/{number}").json()
    assert (shown["external_id"], shown["fixed_amount"]) == (None, False)
    mended = ask(fake, "PUT", f"/pos/{number}", json={"external_id": "CAIXA01", "fixed_amount": True}).json()
    assert (mended["external_id"], mended["fixed_amount"]) == ("CAIXA01", True)
    assert ask(fake, "PUT", f"{STORES}/1111111", json={"external_id": "LOJA02"}).json()["external_id"] == "LOJA02"
    assert ask(fake, "PUT", f"{STORES}/1111111", json={"location": {}}).status_code == 400
    assert ask(fake, "PUT", "/pos/1", json={"fixed_amount": True}).status_code == 404
    assert ask(fake, "POST", "/pos", content=b"[]").json()["error"] == "MISSING_BODY"
    assert ask(fake, "POST", "/users/1/stores", json=STORE).status_code == 403


def test_pictures_lie_where_no_token_is_known() -> None:
    fake = account("LOJA01", "CAIXA01")
    qr = ask(fake, "GET", "/pos?external_id=CAIXA01").json()["results"][0]["qr"]
    assert ask(fake, "GET", qr["image"], token="").content.startswith(b"\x89PNG")
    assert ask(fake, "GET", qr["template_document"], token="").content.startswith(b"%PDF")
    assert ask(fake, "GET", qr["image"].replace("765", "1"), token="").status_code == 404
    assert ask(fake, "GET", "/pos", token="").status_code == 401
