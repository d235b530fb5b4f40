"""The adapter's contract, over real sockets: single answers, the wire, and who stands in the provider's place.

The catalogue is ``tests.adversary`` and ``tests.adversary_wire``. What an account does from one request to the next has
its tests in ``test_doubts``; a real account, in ``test_real_account``.
"""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from kiosk.sim.doubts import DOUBTS
from tests.adversary import ANSWERS, CALLS, RIGHT, Misbehaviour, right
from tests.adversary_wire import ENDS, WIRE, End
from tests.contract import Lane, keeps, the_right_answers_are_right
from tests.laws import LawBroken
from tests.scripted_server import CERTIFICATES, ScriptedServer

CATALOGUE = (*ANSWERS, *WIRE)


@pytest.fixture(autouse=True)
def authority(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our test authority alone, as if it were the system's. It is read sooner than those of a real system, too."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATES / "authority.pem"))


# --- single answers, and the wire -------------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", CATALOGUE, ids=[f"{entry.section} {entry.name}" for entry in CATALOGUE])
def test_a_misbehaviour_is_called_by_its_name(entry: Misbehaviour) -> None:
    keeps(entry)


def test_a_server_that_is_well_is_understood() -> None:
    """The twin of all misbehaviours."""
    the_right_answers_are_right()


def test_every_section_that_leaves_room_for_it_has_its_misbehaviours() -> None:
    """2.7, retries, is the machine's affair: an attempt of unknown outcome, in ``test_doubts`` and the stories."""
    written = {entry.section for entry in CATALOGUE} | {doubt.section for doubt in DOUBTS}
    sections = {"2.2", "2.3", "2.4", "2.5", "2.6", "2.8", "3", "4.1", "4.2", "4.3", "4.4", "4.5", "4.6", "5", "6"}
    assert written >= sections | {"8.1", "8.2", "8.3", "12.10", "12.15", "12.20", "13.1", "13.2", "13.13", "wire"}


def test_the_catalogue_is_one() -> None:
    """Each entry once, and of each call, whatever the section, there is one that is answered and one that is not."""
    twice = [name for name, count in Counter(entry.name for entry in CATALOGUE).items() if count > 1]
    assert not twice
    assert all(set(entry.said) <= {*CALLS} and entry.said for entry in CATALOGUE)
    for call in CALLS:
        assert len({str(entry.said[call]) for entry in CATALOGUE if call in entry.said}) > 5


def test_a_wrong_word_in_the_catalogue_is_found() -> None:
    """The contract can fail: a misbehaviour, held to the right answers."""
    entry = ANSWERS[0]
    with pytest.raises(LawBroken, match=r"^L6: .* place ended with"):
        keeps(Misbehaviour(entry.name, entry.section, entry.bad, RIGHT))


# --- who stands in the provider's place -------------------------------------------------------------------------------


@contextmanager
def far_end(end: End) -> Iterator[tuple[int, ScriptedServer | None]]:
    """Its port; and the server, where it is one."""
    if end.on_connect is None:
        server = ScriptedServer(end.certificate)
        server.otherwise = lambda heard: right(heard).bytes()
        try:
            yield server.port, server
        finally:
            server.close()
        return
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_take_all, args=(listener, end))
        thread.start()
        try:
            yield listener.getsockname()[1], None
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)
            assert not thread.is_alive()


def _take_all(listener: socket.socket, end: End) -> None:
    assert end.on_connect is not None
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            try:
                end.on_connect(connection)
            except OSError:
                continue  # the kiosk did not wait for it


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    """A resolver that knows this machine, and nobody else."""
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, *asked: Any, **more: Any) -> list[Any]:
        if str(host).endswith(".example"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return list(real(host, *asked, **more))

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.mark.parametrize("end", ENDS, ids=[end.name for end in ENDS])
def test_nobody_else_is_taken_for_the_provider(end: End) -> None:
    """And nothing of a request, nor the token in it, travels to them."""
    with far_end(end) as (port, server):
        lane = Lane(end.url.format(port=port), limit_s=end.limit_s)
        words = {call: lane.ask(call) for call in CALLS}
        lane.close()
    assert words == (RIGHT if end.trouble is None else dict.fromkeys(CALLS, end.trouble))
    if server is not None:
        assert bool(server.requests) == (end.trouble is None)


def test_a_server_that_takes_no_calls_is_slow() -> None:
    """Its queue is full: the kernel drops what knocks, and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port = listener.getsockname()[1]
        crowd = [socket.socket() for _ in range(4)]
        for each in crowd:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
        lane = Lane(f"http://127.0.0.1:{port}", limit_s=0.02)
        words = {str(lane.ask(call)) for call in CALLS}
        lane.close()
        for each in crowd:
            each.close()
    assert words == {"Trouble.SLOW"}
