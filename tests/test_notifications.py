"""The listener over real sockets: it answers, rings through, refuses, and costs no sale when it cannot listen."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading

import pytest

from kiosk.notifications import Listener
from kiosk.sale.events import Notified
from tests.listening import URL, Heard, free_port, in_thread, listening, post


def test_every_way_of_sending_is_answered_at_once_and_rung_through() -> None:
    with listening() as heard:
        client = heard.client()
        assert post(client, "topic=merchant_order&id=55") == 200
        assert heard.posted.get(timeout=5) == Notified(orders=("55",))
        assert post(client, "key=1", json.dumps({"type": "payment", "data": {"id": "9"}}).encode()) == 200
        assert heard.posted.get(timeout=5) == Notified(payments=("9",))
        assert post(client, "topic=payment&id=10", path="/") == 200, "a proxy may cut the path off"
        assert heard.posted.get(timeout=5) == Notified(payments=("10",))
        assert heard.fact("heard") == 3


def test_a_flood_is_rung_through_in_few_rings_and_too_many_are_429() -> None:
    with listening() as heard:
        client = heard.client()
        statuses = [post(client, f"topic=payment&id={number}") for number in range(300)]
        assert set(statuses) == {200, 429}
        assert statuses.index(429) == 100
        assert heard.posted.qsize() <= 20
        assert heard.fact("429") == statuses.count(429)
        assert len(heard.told) == 1, "one line for all of them"


def test_who_sends_each_in_one_piece_is_answered_the_same() -> None:
    """Above, head and body came apart: this is the way on which one too many is refused unread."""
    with listening() as heard, socket.create_connection(heard.place) as line, line.makefile("rb") as answers:
        line.settimeout(5)
        statuses = []
        for number in range(150):
            line.sendall(
                b"POST /notices?topic=payment&id=%d HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}" % number
            )
            statuses.append(int(answers.readline().split()[1]))
            fields = dict(field.split(b": ", 1) for field in iter(answers.readline, b"\r\n"))
            assert (b"retry-after" in fields, b"date" in fields) == (statuses[-1] == 429, True)
        assert statuses == [200] * 100 + [429] * 50
        assert heard.fact("429") == 50


def test_the_wrong_method_path_and_size_are_refused_and_the_connection_goes_on() -> None:
    with listening() as heard:
        client = heard.client()
        assert post(client, "topic=payment&id=1", path="/elsewhere") == 404
        assert post(client, "", b"x" * 200_000) == 413
        client.request("GET", "/notices")
        with client.getresponse() as answer:
            assert (answer.status, answer.getheader("allow")) == (405, "POST")
        assert post(client) == 400
        assert post(client, "topic=payment&id=1") == 200
        client.request("POST", "/notices", (b"y" * 1024 for _ in range(40)), encode_chunked=True)
        with client.getresponse() as answer:
            assert answer.status == 413, "no length was told, and it is too long all the same"


def test_where_the_panel_has_the_address_any_path_will_do() -> None:
    with listening(url="") as heard:
        assert post(heard.client(), "topic=payment&id=1", path="/what/ever") == 200


@pytest.mark.parametrize("sent", [b"\x16\x03\x01\x02\x00\x01\x00", b"GET\r\n\r\n", b"A" * 20_000])
def test_what_is_no_http_gets_400_and_is_counted(sent: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    """TLS, garbage, a head without an end: the server's own log says nothing of it."""
    with listening() as heard, socket.create_connection(heard.place) as line:
        line.settimeout(5)
        line.sendall(sent)
        assert line.recv(12) == b"HTTP/1.1 400"
        heard.until(lambda: heard.fact("400") == 1)
    assert capfd.readouterr().err == ""


@pytest.mark.slow
def test_many_silent_connections_shut_nobody_out() -> None:
    """Slow loris: the one that is silent for longest makes room."""
    with listening() as heard:
        silent = [socket.create_connection(heard.place) for _ in range(150)]
        try:
            for line in silent:
                line.sendall(b"POST /notices HTTP/1.1\r\nHost: x\r\nX: ")
            assert post(heard.client(), "topic=payment&id=1") == 200
            heard.until(lambda: int(str(heard.fact("pushed out"))) >= 86)
        finally:
            for line in silent:
                line.close()


def test_a_port_that_is_taken_is_told_once_and_had_when_it_is_free() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        heard = Heard(f"127.0.0.1:{taken.getsockname()[1]}")
        heard.listener.start(in_thread)
        heard.until(lambda: bool(heard.told))
        assert "in use" in str(heard.fact("why"))
    try:
        heard.until(lambda: heard.fact("why") == "")
        assert post(heard.client(), "topic=payment&id=1") == 200
        assert len(heard.told) == 1
        assert heard.address in heard.told[0]
    finally:
        heard.close()


def test_one_that_is_closed_before_it_listened_ends() -> None:
    heard = Heard(f"127.0.0.1:{free_port()}")
    heard.listener.start(in_thread)
    heard.listener.close()
    assert "notifications" not in {thread.name for thread in threading.enumerate() if thread.is_alive()}


@pytest.mark.slow
def test_the_server_is_loaded_only_where_it_listens() -> None:
    """A shop without it pays neither memory nor time for it."""
    look = "import sys, kiosk.assembly, kiosk.notifications; print('uvicorn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True).stdout == "False\n"


@pytest.mark.slow
def test_a_missing_library_is_told_with_what_to_install() -> None:
    look = """
import sys, threading
sys.modules["uvicorn"] = None
sys.modules["uvicorn.config"] = None
from kiosk.notifications import Listener
told = threading.Event()
def tell(text):
    print(text)
    told.set()
listener = Listener("127.0.0.1:0", "", print, tell)
def start(name, body):
    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    return thread
listener.start(start)
told.wait(20)
listener.close()
"""
    said = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True).stdout
    assert 'extra "notifications"' in said


def test_its_facts_before_it_listens() -> None:
    listener = Listener("127.0.0.1:1", URL, print, print)
    assert listener.facts() == {"listen": "127.0.0.1:1", "why": "not yet"}
