"""The adapter over real sockets: what travels, what comes back, and that nothing a server does gets past it."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from kiosk.config import MercadoPagoConfig, Secret
from kiosk.mercadopago import MercadoPago, PosFound
from kiosk.mercadopago.wire import BODY_MAX, CAUGHT, DETAIL_MAX
from kiosk.ports import Provider
from kiosk.sale.commands import AskAccount, AskPos, AskStatement, Depth, Look, PaymentCall, Place, Withdraw
from kiosk.sale.events import (
    AccountIs,
    Busy,
    CallAnswer,
    Holds,
    Placed,
    PosOrder,
    Refused,
    Reject,
    Removal,
    Removed,
    Seen,
    StatementIs,
    Trouble,
    Unknown,
)
from kiosk.sale.money import SITES
from kiosk.sale.records import Line, Sale
from tests.scripted_server import CERTIFICATES, DATE_S, FakeClock, Play, ScriptedServer, answer, hang_up, reset

TOKEN = "APP_USR-1234567890-050418-0123456789abcdef-123456789"
REFERENCE = "KIOSK01-7-abcdefghijklmn"
POS_PATH = "/instore/qr/seller/collectors/123456789/pos/KIOSK01/orders"
NO_ORDER = {"error": "point_of_sale_in_store_order_not_found", "message": "No associated order found.", "status": 404}
FREE = answer(404, NO_ORDER)


class World:
    """One kiosk's lane, and the far end of its wire."""

    def __init__(self, server: ScriptedServer, base_url: str = "", token: str = TOKEN, **settings: str) -> None:
        self.server = server
        self.clock = FakeClock()
        base_url = base_url or f"http://127.0.0.1:{server.port}"
        config = MercadoPagoConfig(123456789, "STORE01", "KIOSK01", base_url, **settings)
        self.lane = MercadoPago(config, Secret(token), SITES["MLB"], self.clock, title="Padaria São João")

    @property
    def until(self) -> float:
        return self.clock.now + 10

    def place(self, sale: Sale) -> CallAnswer:
        return self.lane.carry_out(Place(request=5, reference=sale.reference, until=self.until, sale=sale))

    def ask_pos(self) -> CallAnswer:
        return self.lane.carry_out(AskPos(request=6, until=self.until))

    def trouble(self) -> Trouble | None:
        """What a question ends with; None: it was answered."""
        reply = self.ask_pos()
        return reply.trouble if isinstance(reply, Unknown) else None


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    made = ScriptedServer()
    yield made
    made.close()


@pytest.fixture
def world(server: ScriptedServer) -> Iterator[World]:
    made = World(server)
    yield made
    made.lane.close()


def sale(*lines: Line, cents: int | None = None, expires: float | None = None) -> Sale:
    lines = lines or (Line("Venda 7", 1, 2500),)
    total = sum(line.cents for line in lines) if cents is None else cents
    return Sale(REFERENCE, 7, total, "BRL", lines, key="k", made_at=0.0, expires=expires)


# --- what travels ---------------------------------------------------------------------------------------------------


def test_it_is_a_provider(world: World) -> None:
    provider: Provider = world.lane
    assert provider.carry_out is not None


def test_placing_puts_the_order_on_our_pos(world: World) -> None:
    world.server.play(answer(204))
    expires = 1935685200.25
    placed = world.place(sale(expires=expires))
    assert placed == Placed(request=5, reference=REFERENCE, date=DATE_S, trace="trace-1")
    heard = world.server.requests[0]
    assert (heard.method, heard.target) == (
        "PUT",
        "/instore/qr/seller/collectors/123456789/stores/STORE01/pos/KIOSK01/orders",
    )
    assert json.loads(heard.body)["expiration_date"] == "2031-05-04T18:20:00.250+00:00"
    assert heard.headers["authorization"] == f"Bearer {TOKEN}"
    assert heard.headers["content-type"] == "application/json"
    assert heard.headers["user-agent"].startswith("kiosk")
    assert heard.headers["accept-encoding"] == "identity"


def test_an_order_whose_lines_do_not_add_up_is_never_sent(world: World) -> None:
    """Law L5; its twin is the test above, in which they do."""
    refused = world.place(sale(Line("pão", 2, 100), cents=201))
    assert isinstance(refused, Refused)
    assert refused.reject is Reject.INVALID
    assert not world.server.requests


def test_a_notification_address_travels_where_there_is_one(server: ScriptedServer) -> None:
    world = World(server, notification_url="https://shop.example/hook")
    server.play(answer(204))
    world.place(sale())
    world.lane.close()
    assert json.loads(server.requests[0].body)["notification_url"] == "https://shop.example/hook"


def test_asking_the_pos(world: World) -> None:
    held = [{"external_reference": REFERENCE, "total_amount": 25.0}]
    world.server.play(answer(200, held), FREE)
    assert world.ask_pos() == Holds(request=6, date=DATE_S, trace="trace-1", order=PosOrder(REFERENCE, 2500))
    assert world.ask_pos() == Holds(request=6, date=DATE_S, trace="trace-1", order=None)
    assert [(heard.method, heard.target) for heard in world.server.requests] == [("GET", POS_PATH)] * 2


def test_withdrawing(world: World) -> None:
    world.server.play(answer(204), answer(409, {"error": "instore_order_locked_error"}))
    call = Withdraw(request=8, reference=REFERENCE, until=world.until)
    gone = world.lane.carry_out(call)
    assert gone == Removed(request=8, reference=REFERENCE, date=DATE_S, trace="trace-1", removal=Removal.BY_US)
    locked = world.lane.carry_out(call)
    assert isinstance(locked, Removed)
    assert locked.removal is Removal.LOCKED
    assert (world.server.requests[0].method, world.server.requests[0].target) == ("DELETE", POS_PATH)


def test_whose_token_it_is(world: World) -> None:
    world.server.play(answer(200, {"id": 123456789, "site_id": "MLB", "tags": ["normal", "test_user"]}))
    world.server.play(answer(200, [{"payment_type_id": "credit_card", "status": "active", "min_allowed_amount": 5}]))
    told = world.lane.carry_out(AskAccount(request=1, until=world.until))
    whose = AccountIs(request=1, date=DATE_S, trace="trace-1", user_id=123456789, site="MLB", test=True)
    assert told == replace(whose, minimum=500)
    assert [request.target for request in world.server.requests] == ["/users/me", "/v1/payment_methods"]


@pytest.mark.parametrize(("status", "what"), [(403, {}), (500, {}), (200, {}), (200, [])])
def test_an_account_that_does_not_tell_its_smallest_amount_is_known_all_the_same(
    world: World, status: int, what: object
) -> None:
    world.server.play(answer(200, {"id": 123456789, "site_id": "MLB"}))
    world.server.play(answer(status, what))
    told = world.lane.carry_out(AskAccount(request=1, until=world.until))
    assert isinstance(told, AccountIs)
    assert (told.user_id, told.minimum) == (123456789, 0)


def test_a_smallest_amount_that_trickles_in_gets_half_of_the_time(world: World) -> None:
    world.server.play(answer(200, {"id": 123456789, "site_id": "MLB"}))
    world.server.play(world.clock.trickle(answer(200, [0] * 20), slice(None), 0.5))
    begun = world.clock.now
    told = world.lane.carry_out(AskAccount(request=1, until=begun + 10.0))
    world.clock.over()
    assert isinstance(told, AccountIs)
    assert told.minimum == 0
    assert world.clock.now - begun <= 6.0


def test_a_look_in_waiting_is_one_request(world: World) -> None:
    world.server.play(answer(200, {"elements": None, "next_offset": 0, "total": 0}))
    seen = world.lane.carry_out(Look(request=2, reference=REFERENCE, until=world.until, depth=Depth.ORDERS))
    assert isinstance(seen, Seen)
    assert seen.evidence.whole
    assert [heard.target for heard in world.server.requests] == [
        f"/merchant_orders/search?external_reference={REFERENCE}"
    ]


def test_a_deep_look_asks_both_indexes_and_the_orders_that_payments_name(world: World) -> None:
    payment = {"id": 9, "status": "approved", "currency_id": "BRL", "transaction_amount": 25, "order": {"id": 55}}
    payments = {"paging": {"total": 1}, "results": [payment | {"external_reference": REFERENCE}]}
    order = {"id": 55, "status": "closed", "external_reference": REFERENCE, "total_amount": 25}
    world.server.play(answer(200, {"elements": [], "total": 0}), answer(200, payments), answer(200, order))
    seen = world.lane.carry_out(Look(request=2, reference=REFERENCE, until=world.until, depth=Depth.ALL))
    assert isinstance(seen, Seen)
    assert [order.id for order in seen.evidence.orders] == ["55"]
    asked = [httpx.URL(heard.target) for heard in world.server.requests]
    assert [url.path for url in asked] == ["/merchant_orders/search", "/v1/payments/search", "/merchant_orders/55"]
    assert set(asked[1].params) == {"external_reference", "range", "begin_date", "end_date", "sort", "criteria"}


def pos(external_id: str, **others: object) -> dict[str, object]:
    return {"external_id": external_id, "external_store_id": "STORE01", "name": "Caixa 1", **others}


@pytest.mark.parametrize(
    ("results", "found"),
    [
        ([pos("KIOSK01", fixed_amount=True)], PosFound(1, True, "STORE01", "Caixa 1", DATE_S)),
        ([pos("kiosk01", fixed_amount=False)], PosFound(1, False, "STORE01", "Caixa 1", DATE_S)),
        ([pos("KIOSK012", fixed_amount=True)], PosFound(0, date=DATE_S)),
        ([], PosFound(0, date=DATE_S)),
        ([pos("KIOSK01"), pos("KIOSK01")], PosFound(2, date=DATE_S)),
    ],
)
def test_finding_the_pos(world: World, results: list[object], found: PosFound) -> None:
    world.server.play(answer(200, {"paging": {"total": len(results)}, "results": results}))
    assert world.lane.find_pos(world.until) == found
    assert world.server.requests[0].target == "/pos?external_id=KIOSK01"


def test_finding_the_pos_may_be_refused_or_unanswered(world: World) -> None:
    world.server.play(answer(401, {"code": "unauthorized", "message": f"no {TOKEN}"}), hang_up)
    refused = world.lane.find_pos(world.until)
    assert refused == Refused(
        request=0, date=DATE_S, trace="trace-1", reject=Reject.TOKEN, detail="401 unauthorized: no ********"
    )
    assert isinstance(world.lane.find_pos(world.until), Unknown)


# --- time -----------------------------------------------------------------------------------------------------------


def test_a_call_that_is_too_late_is_not_made(world: World) -> None:
    """Nothing of it leaves, and the open connection survives for the next."""
    world.server.play(FREE, FREE)
    assert world.trouble() is None
    late = world.lane.carry_out(AskPos(request=3, until=world.clock.now))
    assert isinstance(late, Unknown)
    assert late.trouble is Trouble.SLOW
    assert world.trouble() is None
    assert (len(world.server.requests), world.server.connections) == (2, 1)


@pytest.mark.parametrize("slow", [slice(0, 30), slice(-30, None)], ids=["head", "body"])
@pytest.mark.parametrize(("seconds_a_byte", "trouble"), [(1.0, Trouble.SLOW), (0.1, None)])
def test_an_answer_that_trickles_in_has_one_deadline(
    world: World, slow: slice, seconds_a_byte: float, trouble: Trouble | None
) -> None:
    """Thirty bytes at one a second pass the ten seconds of a call, though none is waited for long."""
    world.server.play(world.clock.trickle(FREE, slow, seconds_a_byte))
    assert world.trouble() is trouble
    world.clock.over()


# --- what comes back ------------------------------------------------------------------------------------------------


def redirect(location: str) -> bytes:
    return answer(302, b"", Location=location)


def cut(data: bytes) -> Callable[[socket.socket], None]:
    """An answer that ends in the middle, and the connection with it."""

    def play(connection: socket.socket) -> None:
        connection.sendall(data)
        connection.close()

    return play


@pytest.mark.parametrize(
    ("play", "trouble"),
    [
        (hang_up, Trouble.NETWORK),
        (reset, Trouble.NETWORK),
        (cut(FREE[:-5]), Trouble.NONSENSE),
        (cut(FREE[:20]), Trouble.NONSENSE),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", Trouble.NONSENSE),
        (answer(404, b"<html>not found</html>", Content_Type="text/html"), Trouble.NONSENSE),
        (answer(200, b"<html>log in</html>"), Trouble.NONSENSE),
        (answer(200, b""), Trouble.NONSENSE),
        (answer(200, b"\xff\xfe"), Trouble.NONSENSE),
        (answer(200, b"[" * 200_000), Trouble.NONSENSE),
        (answer(200, b'{"external_reference": "x", "total_amount": NaN}'), Trouble.NONSENSE),
        (answer(200, b"[]", Content_Encoding="gzip"), Trouble.NONSENSE),
        (answer(204), Trouble.NONSENSE),
        (answer(502, b"<html>bad gateway</html>"), Trouble.SERVER),
        (answer(429, b"slow down"), Trouble.THROTTLED),
        (redirect("/elsewhere"), Trouble.NONSENSE),
        (redirect("https://xn--a/"), Trouble.NONSENSE),
        (redirect("http://[::1"), Trouble.NONSENSE),
        (redirect("//\x7f"), Trouble.NONSENSE),
        (b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", Trouble.NONSENSE),
        (b"HTTP/1.1 100 Go on\r\n\r\n" + FREE, None),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", Trouble.NONSENSE),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n", None),
    ],
)
def test_what_is_not_an_answer_is_unknown(world: World, play: Play, trouble: Trouble | None) -> None:
    """Law L6. And nothing of it spoils the next request, which goes to the same server and no other."""
    world.server.play(play, FREE)
    assert world.trouble() is trouble
    if play is not FREE:
        assert world.trouble() is None
    assert [heard.target for heard in world.server.requests] == [POS_PATH] * 2


def test_nobody_there_is_the_network(server: ScriptedServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    world = World(server, f"http://127.0.0.1:{port}")
    reply = world.ask_pos()
    world.lane.close()
    assert isinstance(reply, Unknown)
    assert (reply.trouble, reply.date) == (Trouble.NETWORK, None)
    assert "refused" in reply.detail


@pytest.mark.parametrize("host", ["a..b", "a" * 64 + ".example"])
def test_a_name_that_is_none_is_unknown_too(server: ScriptedServer, host: str) -> None:
    """Such a name is refused by Python before any resolver is asked."""
    world = World(server, f"https://{host}")
    assert isinstance(world.ask_pos(), Unknown)
    world.lane.close()


@pytest.mark.parametrize(("size", "trouble"), [(BODY_MAX, None), (BODY_MAX + 1, Trouble.NONSENSE)])
def test_an_answer_has_a_greatest_length(world: World, size: int, trouble: Trouble | None) -> None:
    world.server.play(answer(200, b"[]" + b" " * (size - 2)))
    assert world.trouble() is trouble


def test_every_error_of_the_libraries_is_caught() -> None:
    """Each exception that httpx exports; httpcore's are the line's affair and have their test there."""
    exported = [getattr(httpx, name) for name in httpx.__all__]
    errors = [each for each in exported if isinstance(each, type) and issubclass(each, Exception)]
    assert len(errors) > 20
    # CookieConflict comes only from asking a jar for one cookie by name.
    assert [each for each in errors if not issubclass(each, CAUGHT)] == [httpx.CookieConflict]


@pytest.fixture(scope="module")
def chaos() -> Iterator[World]:
    server = ScriptedServer()
    world = World(server)
    yield world
    world.lane.close()
    server.close()


WELL_FORMED = answer(200, [{"external_reference": REFERENCE, "total_amount": 25.0}], Set_Cookie="a=b", Retry_After="3")


@given(
    edits=st.lists(st.tuples(st.integers(0, len(WELL_FORMED)), st.integers(0, 3), st.binary(max_size=4)), max_size=6)
)
@hypothesis_settings(max_examples=150)
def test_no_answer_makes_it_raise(chaos: World, edits: list[tuple[int, int, bytes]]) -> None:
    """A good answer with bytes cut out and put in anywhere: it ends as an answer of the sale's, and is never "free"."""
    data = WELL_FORMED
    for at, dropped, added in edits:
        data = data[:at] + added + data[at + dropped :]
    chaos.server.play(cut(data))
    reply = chaos.ask_pos()
    assert isinstance(reply, Holds | Refused | Unknown)
    if isinstance(reply, Holds):
        assert reply.order is not None


# --- the connection -------------------------------------------------------------------------------------------------


def test_one_connection_serves_many_calls(world: World) -> None:
    world.server.play(FREE, answer(204), FREE)
    assert world.trouble() is None
    assert isinstance(world.place(sale()), Placed)
    assert world.trouble() is None
    assert world.server.connections == 1


@pytest.mark.parametrize("farewell", [b"", b"HTTP/1.1 408 Request Time-out\r\nConnection: close\r\n\r\n"])
def test_a_connection_that_the_server_closed_while_idle_is_replaced(world: World, farewell: bytes) -> None:
    """An order is not lost to it, nor is the farewell of a proxy taken for an answer."""
    world.server.play(cut(FREE + farewell), answer(204))
    assert world.trouble() is None
    assert world.server.hung_up.wait(20)
    assert isinstance(world.place(sale()), Placed)
    assert world.server.connections == 2


def test_a_request_that_is_lost_is_not_repeated(world: World) -> None:
    """The centre decides what to do after an unknown attempt."""
    world.server.play(hang_up, answer(204))
    lost = world.place(sale())
    assert isinstance(lost, Unknown)
    assert [heard.method for heard in world.server.requests] == ["PUT"]


@pytest.mark.parametrize("second", [answer(204), FREE], ids=["the same", "another"])
def test_an_answer_that_comes_twice_answers_one_request(world: World, second: bytes) -> None:
    """Taken for the next answer, it would say that a DELETE was done, or that the POS is free (law L4)."""
    world.server.play(answer(204) + second, answer(409, {"error": "instore_order_locked_error"}))
    assert isinstance(world.place(sale()), Placed)
    locked = world.lane.carry_out(Withdraw(request=8, reference=REFERENCE, until=world.until))
    assert isinstance(locked, Removed)
    assert locked.removal is Removal.LOCKED
    assert world.server.connections == 2


def test_silence_after_a_good_answer_is_the_network(world: World) -> None:
    """What was heard of an earlier answer does not make nonsense of it."""
    world.server.play(FREE, hang_up)
    assert world.trouble() is None
    assert world.trouble() is Trouble.NETWORK
    assert world.server.connections == 1


def test_cookies_are_not_kept(world: World) -> None:
    world.server.play(answer(404, NO_ORDER, Set_Cookie="portal=1"), FREE)
    world.ask_pos()
    world.ask_pos()
    assert "cookie" not in world.server.requests[1].headers


def test_the_environment_sets_no_proxy_and_no_name(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    world = World(server)
    server.play(FREE)
    assert world.trouble() is None
    world.lane.close()
    assert server.requests[0].headers["authorization"] == f"Bearer {TOKEN}"


# --- TLS, with the system's own way of finding authorities -----------------------------------------------------------


def tls_trouble(certificate: str, host: str = "localhost") -> Trouble | None:
    server = ScriptedServer(certificate)
    world = World(server, f"https://{host}:{server.port}")
    server.play(FREE)
    trouble = world.trouble()
    world.lane.close()
    server.close()
    assert (trouble is None) == bool(server.requests), "a request travelled to a server that is not proved"
    return trouble


@pytest.fixture
def authority(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our test authority as if the system had it."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATES / "authority.pem"))


@pytest.mark.usefixtures("authority")
@pytest.mark.parametrize(
    ("certificate", "trouble"), [("valid", None), ("not-yet", Trouble.CLOCK), ("expired", Trouble.CLOCK)]
)
def test_a_certificate_of_another_time_means_the_clock(certificate: str, trouble: Trouble | None) -> None:
    assert tls_trouble(certificate) is trouble


@pytest.mark.usefixtures("authority")
def test_a_certificate_for_another_name_is_refused() -> None:
    assert tls_trouble("valid", host="127.0.0.1") is Trouble.TLS


def test_a_certificate_of_an_unknown_authority_is_refused() -> None:
    assert tls_trouble("valid") is Trouble.TLS


def test_a_server_without_tls_is_refused(server: ScriptedServer) -> None:
    """As is a captive portal that answers in the clear on every port."""
    with socket.create_server(("127.0.0.1", 0)) as portal:
        world = World(server, f"https://localhost:{portal.getsockname()[1]}")

        def answer_in_the_clear() -> None:
            connection, _ = portal.accept()
            connection.recv(65536)
            cut(FREE)(connection)

        thread = threading.Thread(target=answer_in_the_clear)
        thread.start()
        trouble = world.trouble()
        thread.join(20)
    world.lane.close()
    assert trouble is Trouble.TLS


# --- secrets (law L10) ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("echo", [TOKEN, f"Bearer {TOKEN}", "Authorization: Bearer another-one", TOKEN[:40]])
def test_a_server_that_echoes_the_token_does_not_leak_it(
    world: World, caplog: pytest.LogCaptureFixture, echo: str
) -> None:
    caplog.set_level(logging.DEBUG)
    body = {"error": echo, "message": f"got {echo}", "cause": [{"description": echo}]}
    world.server.play(answer(400, body, x_request_id=echo), answer(500, body, x_request_id=echo))
    told = repr([world.place(sale()), world.place(sale()), world.lane, world.lane.__dict__])
    assert "********" in told
    for secret in (TOKEN, TOKEN[:40], "another-one"):
        assert secret not in told
        assert secret not in caplog.text


def test_a_token_of_any_form_is_not_leaked(server: ScriptedServer) -> None:
    world = World(server, token="0123.abc~xyz")
    server.play(answer(400, {"error": "bad", "message": "got 0123.abc~xyz"}))
    refused = world.place(sale())
    world.lane.close()
    assert isinstance(refused, Refused)
    assert refused.detail == "400 bad: got ********"


def test_details_are_short_and_printable(world: World) -> None:
    world.server.play(answer(400, {"error": "bad", "message": "a\n\x1b[31m\ud800" + "x" * 500}))
    refused = world.place(sale())
    assert isinstance(refused, Refused)
    assert refused.detail.startswith("400 bad: a??[31m?xxx")
    assert len(refused.detail) == DETAIL_MAX


@pytest.mark.parametrize("token", ["", "two words", f"{TOKEN}\n", "tokén", "a\x00b"])
def test_a_token_that_cannot_travel_is_refused_at_once_and_not_quoted(server: ScriptedServer, token: str) -> None:
    """Otherwise the libraries would quote it in their errors. The twin: every other test here."""
    with pytest.raises(ValueError, match="access token") as refusal:
        World(server, token=token)
    assert not token or token not in str(refusal.value)


# --- the answers' faces ---------------------------------------------------------------------------------------------


def test_the_date_is_taken_only_from_the_provider_itself(world: World) -> None:
    """A gateway's clock sets no expiry (R3)."""
    error = {"error": "internal", "status": 500}
    world.server.play(answer(500, error, Retry_After="7"), answer(500, b"<html>", Retry_After="8"))
    theirs, gateways = world.ask_pos(), world.ask_pos()
    assert isinstance(theirs, Unknown)
    assert isinstance(gateways, Unknown)
    assert (theirs.date, theirs.retry_after_s) == (DATE_S, 7.0)
    assert (gateways.date, gateways.retry_after_s, gateways.trace) == (None, 8.0, "trace-1")


@pytest.mark.parametrize(
    "call",
    [
        AskPos(request=41, reference="r", until=2000.0),
        Withdraw(request=42, reference="r", until=2000.0),
        AskAccount(request=43, reference="r", until=2000.0),
        Look(request=44, reference="r", until=2000.0, depth=Depth.ALL),
        AskStatement(request=46, reference="r", until=2000.0, begin=0.0, end=1.0),
        Place(request=45, reference="r", until=2000.0, sale=sale()),
    ],
)
def test_every_answer_says_whom_it_answers(world: World, call: PaymentCall) -> None:
    """Also when nothing was answered."""
    reply = world.lane.carry_out(call)
    assert isinstance(reply, Unknown)
    assert (reply.request, reply.reference) == (call.request, "r")


def test_a_statement_is_one_search_once_the_pos_is_known(world: World) -> None:
    listed = {"paging": {"total": 1}, "results": [pos("KIOSK01", id=7654321)]}
    payment = {"id": 9, "status": "approved", "currency_id": "BRL", "transaction_amount": 25, "pos_id": "7654321"}
    shown = answer(200, {"paging": {"total": 1}, "results": [payment]})
    world.server.play(answer(200, listed), shown, shown, answer(404, {"error": "not_found", "status": 404}))
    call = AskStatement(request=9, until=world.until, begin=DATE_S - 3600.0, end=DATE_S)
    first = world.lane.carry_out(call)
    second = world.lane.carry_out(replace(call, known=("9", "8")))
    assert isinstance(first, StatementIs)
    assert isinstance(second, StatementIs)
    assert [booking.here for booking in first.bookings] == [True]
    assert (first.whole, first.missing, first.date, first.trace) == (True, (), DATE_S, "trace-1")
    assert (second.whole, second.missing) == (True, ("8",))
    asked = [httpx.URL(heard.target) for heard in world.server.requests]
    assert [url.path for url in asked] == ["/pos", *["/v1/payments/search"] * 2, "/v1/payments/8"]
    assert dict(asked[1].params) == {
        "range": "date_last_updated",
        "begin_date": "2031-05-04T17:20:00.000Z",
        "end_date": "2031-05-04T18:20:00.000Z",
        "sort": "date_last_updated",
        "criteria": "asc",
        "limit": "100",
    }


@pytest.mark.parametrize(
    ("listed", "asked"),
    [
        (answer(403, {"code": "PA_UNAUTHORIZED_RESULT_FROM_POLICIES", "status": 403}), 3),  # never asked again
        (answer(200, {"paging": {"total": 0}, "results": []}), 3),
        (answer(500, {"error": "internal"}), 3),  # this one is
    ],
)
def test_a_statement_of_an_account_that_does_not_list_its_pos(world: World, listed: bytes, asked: int) -> None:
    """Without leave to list them, the payments are still known by their references; without an answer, nothing is."""
    empty = answer(200, {"paging": {"total": 0}, "results": []})
    world.server.play(listed, empty, empty)
    call = AskStatement(request=9, until=world.until, begin=0.0, end=DATE_S)
    answers = [world.lane.carry_out(call) for _ in range(2)]
    unknown = isinstance(answers[0], Unknown)
    assert unknown is listed.startswith(b"HTTP/1.1 500")
    assert isinstance(answers[1], StatementIs)
    paths = [httpx.URL(heard.target).path for heard in world.server.requests]
    assert paths.count("/pos") == (2 if unknown else 1)
    assert len(paths) == asked


def test_a_statement_keeps_to_its_time_whatever_the_server_does(world: World) -> None:
    """R20: pages without end, each slow. What was read is shown, and that it is not all."""
    page = {"paging": {"total": 900}, "results": [{"id": 1, "status": "approved", "currency_id": "BRL"}]}

    def slow(connection: socket.socket) -> None:
        world.clock.advance(4.0)
        connection.sendall(answer(200, page))

    world.server.play(answer(200, {"paging": {}, "results": []}), slow, slow, slow, slow)
    told = world.lane.carry_out(AskStatement(request=9, until=world.until, begin=0.0, end=DATE_S))
    assert isinstance(told, StatementIs)
    assert (len(told.bookings), told.whole) == (1, False)
    assert len(world.server.requests) <= 4


def test_a_pos_that_is_taken_is_busy(world: World) -> None:
    world.server.play(answer(409, {"error": "conflict", "status": 409}))
    assert isinstance(world.place(sale()), Busy)
