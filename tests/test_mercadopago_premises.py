"""Stores and points of sale as the adapter asks for them, and the pictures of the QR from another server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal

import pytest

from kiosk.config import Secret
from kiosk.mercadopago.premises import PAGE, Address, NotDoneError, Pos, Premises, Store, picture
from kiosk.sale.events import Refused, Reject, Trouble, Unknown
from tests.fake_shop import TOKEN, USER
from tests.scripted_server import Play, ScriptedServer, answer

PDF = b"%PDF-1.4 x"
POINT = {"id": 7, "external_id": "K1", "name": "N", "fixed_amount": True, "store_id": "1", "qr": {"image": "https://i"}}


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with closing(ScriptedServer()) as server:
        yield server


@pytest.fixture
def premises(server: ScriptedServer) -> Iterator[Premises]:
    with closing(Premises(f"http://127.0.0.1:{server.port}", Secret(TOKEN), lambda: 0.0)) as premises:
        yield premises


def page(*results: object, total: int | None = None) -> dict[str, object]:
    return {"paging": {"total": len(results) if total is None else total}, "results": list(results)}


def test_a_search_in_either_form_and_ids_of_either_kind(server: ScriptedServer, premises: Premises) -> None:
    server.play(answer(200, [page({"id": "9", "external_id": None, "name": "A"})]))
    assert premises.stores(USER) == [Store("9", "", "A")]
    server.play(answer(200, page(POINT | {"store_id": 1}, POINT | {"id": "8", "qr": None})))
    assert premises.points_of_sale() == [Pos("7", "K1", "N", True, "1", "https://i"), Pos("8", "K1", "N", True, "1")]


def test_all_pages_are_read(server: ScriptedServer, premises: Premises) -> None:
    stores = [{"id": number, "external_id": f"S{number}"} for number in range(PAGE + 1)]
    server.play(answer(200, page(*stores[:PAGE], total=PAGE + 1)), answer(200, page(stores[PAGE], total=PAGE + 1)))
    assert len(premises.stores(USER)) == PAGE + 1
    assert [heard.target.partition("?")[2] for heard in server.requests] == ["limit=50&offset=0", "limit=50&offset=50"]


def test_a_store_and_its_point_of_sale_as_they_are_sent(server: ScriptedServer, premises: Premises) -> None:
    """``store_id`` goes as a number, and coordinates keep their digits."""
    server.play(answer(201, {"id": 1, "external_id": "S1", "name": "A"}), answer(201, POINT))
    place = Address("Street", "1", "City", "State", Decimal("-23.50"), Decimal("-46.6"))
    store = premises.make_store(USER, "S1", "A", place)
    premises.make_pos(store, "K1", "N" * 60)
    assert b'"latitude": -23.50,' in server.requests[0].body
    sent = json.loads(server.requests[1].body)
    assert sent == {
        "name": "N" * 44,
        "fixed_amount": True,
        "store_id": 1,
        "external_store_id": "S1",
        "external_id": "K1",
    }


@pytest.mark.parametrize(
    ("play", "wanted"),
    [
        (answer(401, {"code": "unauthorized", "message": "x"}), Reject.TOKEN),
        (answer(403, {"code": "PA_UNAUTHORIZED_RESULT_FROM_POLICIES", "message": "x"}), Reject.FORBIDDEN),
        (answer(409, {"error": "pos_conflict", "message": "there"}), Reject.INVALID),
        (answer(400, {"error": "validation_error", "message": TOKEN, "causes": []}), Reject.INVALID),
        (answer(502, b"<html>"), Trouble.SERVER),
        (answer(429, {"error": "x", "message": "x"}), Trouble.THROTTLED),
        (answer(200, b"<html>login"), Trouble.NONSENSE),
        (answer(200, {"results": [{"id": {}}]}), Trouble.NONSENSE),
        (answer(200, {}), Trouble.NONSENSE),
        (answer(302, b"", location="https://login"), Trouble.NONSENSE),
    ],
)
def test_what_is_no_answer_is_raised_and_holds_no_token(
    play: Play, wanted: object, server: ScriptedServer, premises: Premises
) -> None:
    server.play(play)
    with pytest.raises(NotDoneError) as caught:
        premises.points_of_sale()
    told = caught.value.answer
    assert (told.reject if isinstance(told, Refused) else told.trouble) is wanted
    assert TOKEN not in told.detail


# --- the picture ------------------------------------------------------------------------------------------------------


def test_the_token_does_not_go_to_the_picture_nor_where_it_was_moved_to(server: ScriptedServer) -> None:
    server.play(answer(302, b"", location="/there.pdf"), answer(200, PDF))
    assert picture(f"http://127.0.0.1:{server.port}/here", lambda: 0.0) == PDF
    assert [heard.target for heard in server.requests] == ["/here", "/there.pdf"]
    assert not [heard for heard in server.requests if "authorization" in heard.headers]


@pytest.mark.parametrize(
    ("plays", "told"),
    [
        ([answer(200, b"<html>")], "no PDF, no PNG"),
        ([answer(404, PDF)], "404"),
        ([answer(302, b"", location="http://example.com/x")], "no https address"),
        ([answer(302, b"", location="/x")] * 4, "without end"),
    ],
)
def test_what_is_no_picture(plays: list[Play], told: str, server: ScriptedServer) -> None:
    server.play(*plays)
    with pytest.raises(NotDoneError, match=told):
        picture(f"http://127.0.0.1:{server.port}/here", lambda: 0.0)


@pytest.mark.parametrize("address", ["http://example.com/x.png", "file:///etc/passwd", ""])
def test_a_picture_travels_by_https(address: str) -> None:
    with pytest.raises(NotDoneError) as caught:
        picture(address, lambda: 0.0)
    assert isinstance(caught.value.answer, Unknown)
