"""The control socket: real sockets, one line each way, and nothing that a client does stops it."""

from __future__ import annotations

import errno
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from kiosk import control
from kiosk.control import ControlServer, ask

WAIT_S = 10.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "control"


def echo(request: dict[str, object]) -> dict[str, object]:
    return {"heard": request}


@pytest.fixture
def server(path: Path) -> Iterator[ControlServer]:
    with closing(ControlServer(path, echo)) as server:
        yield server


def connected(path: Path) -> socket.socket:
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(WAIT_S)
    client.connect(str(path))
    return client


def said(client: socket.socket, request: bytes) -> bytes:
    """Everything that is answered to the bytes, until the server closes."""
    client.sendall(request)
    answer = b""
    while piece := client.recv(65536):
        answer += piece
    return answer


def test_a_request_is_answered(path: Path, server: ControlServer) -> None:
    assert ask(path, {"ask": "status", "n": [1, "ção"]}) == {"heard": {"ask": "status", "n": [1, "ção"]}}
    assert ask(path, {}) == {"heard": {}}


def test_only_the_owner_may_use_the_socket(path: Path) -> None:
    old = os.umask(0)
    try:
        with closing(ControlServer(path, echo)):
            assert path.stat().st_mode & 0o777 == 0o600
    finally:
        os.umask(old)


def test_a_long_path_is_no_obstacle(tmp_path: Path) -> None:
    """A Unix socket's address has 107 bytes (unix(7)); a journal may lie deeper."""
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    deep.mkdir(parents=True)
    with closing(ControlServer(deep / "control", echo)):
        assert ask(deep / "control", {"a": 1}) == {"heard": {"a": 1}}
    assert not list(deep.iterdir())


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\n",
        b"hello\n",
        b"[1]\n",
        b"7\n",
        b'{"a":\n',
        b"\xff\xfe\n",
        b"[" * 30_000 + b"\n",
        b"x" * 70_000 + b"\n",
        b"x" * 70_000,
    ],
)
def test_nonsense_is_answered_with_an_error_and_the_next_request_as_ever(
    path: Path, server: ControlServer, nonsense: bytes
) -> None:
    with connected(path) as client:
        try:
            client.sendall(nonsense)
        except ConnectionError:
            assert len(nonsense) > control.MAX_LINE  # it stopped listening to a request without end
        else:
            answer = json.loads(client.recv(65536))
            assert list(answer) == ["error"]
    assert ask(path, {"a": 1}) == {"heard": {"a": 1}}


def test_a_request_may_be_as_long_as_the_limit_and_no_longer(path: Path, server: ControlServer) -> None:
    def line(length: int) -> bytes:
        return b'{"a":"' + b"x" * (length - 8) + b'"}\n'

    with connected(path) as client:
        assert "heard" in json.loads(said(client, line(control.MAX_LINE)))
    with connected(path) as client:
        assert "error" in json.loads(said(client, line(control.MAX_LINE + 1)))


def test_a_request_may_come_in_pieces_and_others_do_not_wait_for_it(path: Path, server: ControlServer) -> None:
    with connected(path) as slow:
        slow.sendall(b'{"a":')
        assert ask(path, {"b": 2}) == {"heard": {"b": 2}}
        assert json.loads(said(slow, b"1}\n")) == {"heard": {"a": 1}}


def test_a_client_that_goes_away_is_forgotten(path: Path, server: ControlServer) -> None:
    connected(path).close()
    with connected(path) as client:
        client.sendall(b'{"half":')
        client.shutdown(socket.SHUT_WR)
        assert "error" in json.loads(client.recv(65536))
    with connected(path) as client:
        client.sendall(b'{"a": 1}\n')
    assert ask(path, {"a": 1}) == {"heard": {"a": 1}}


def test_one_client_too_many_pushes_the_oldest_out(path: Path, server: ControlServer) -> None:
    clients = [connected(path) for _ in range(control.MAX_CLIENTS)]
    try:
        assert ask(path, {"a": 1}) == {"heard": {"a": 1}}
        assert clients[0].recv(1) == b""
        assert json.loads(said(clients[1], b'{"b": 2}\n')) == {"heard": {"b": 2}}
    finally:
        for client in clients:
            client.close()


def test_a_client_that_does_not_take_its_answer_holds_nobody_up_for_long(path: Path) -> None:
    def huge(request: dict[str, object]) -> dict[str, object]:
        return {"text": "x" * 3_000_000} if request else {}

    with closing(ControlServer(path, huge, send_s=0.05)), connected(path) as deaf:
        deaf.sendall(b'{"a": 1}\n')
        assert ask(path, {}, WAIT_S) == {}
        assert len(str(ask(path, {"a": 1}, WAIT_S)["text"])) == 3_000_000


@pytest.mark.parametrize("error", [ValueError("no such request"), TimeoutError("the kiosk is busy")])
def test_an_answer_that_cannot_be_given_is_an_error_to_the_client(path: Path, error: Exception) -> None:
    def answer(request: dict[str, object]) -> dict[str, object]:
        if request.get("ask") == "status":
            return {"state": "idle"}
        raise error

    with closing(ControlServer(path, answer)):
        assert ask(path, {"ask": "tea"}) == {"error": str(error)}
        assert ask(path, {"ask": "status"}) == {"state": "idle"}


def test_answers_are_given_in_the_servers_own_thread(path: Path) -> None:
    def answer(_: dict[str, object]) -> dict[str, object]:
        return {"thread": threading.current_thread().name, "daemon": threading.current_thread().daemon}

    with closing(ControlServer(path, answer)):
        assert ask(path, {}) == {"thread": "control", "daemon": True}


# --- coming and going ---------------------------------------------------------------------------------


def test_closing_takes_the_socket_away_and_may_be_done_twice(path: Path) -> None:
    server = ControlServer(path, echo)
    with connected(path) as waiting:
        server.close()
        with suppress(ConnectionResetError):  # the server may not even have taken it in yet
            assert waiting.recv(1) == b""
    server.close()
    assert not path.exists()
    with pytest.raises(FileNotFoundError):
        ask(path, {})


def stale(path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(path))


def test_a_dead_kiosks_socket_is_refused_to_clients_and_replaced_by_a_server(path: Path) -> None:
    stale(path)
    with pytest.raises(ConnectionRefusedError):
        ask(path, {})
    with closing(ControlServer(path, echo)):
        assert ask(path, {"a": 1}) == {"heard": {"a": 1}}


def test_a_living_kiosks_socket_is_not_replaced(path: Path, server: ControlServer) -> None:
    with pytest.raises(OSError, match="another kiosk answers here") as error:
        ControlServer(path, echo)
    assert error.value.errno == errno.EADDRINUSE
    assert ask(path, {"a": 1}) == {"heard": {"a": 1}}


def test_a_file_that_is_no_socket_is_not_replaced(path: Path) -> None:
    path.write_text("precious")
    with pytest.raises(FileExistsError, match="not a socket"):
        ControlServer(path, echo)
    assert path.read_text() == "precious"


def test_closing_leaves_a_socket_alone_that_another_put_in_its_place(path: Path, server: ControlServer) -> None:
    path.rename(path.with_name("moved"))
    stale(path)
    server.close()
    assert path.is_socket()


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    for use in (lambda path: ControlServer(path, echo), lambda path: ask(path, {})):
        with pytest.raises(FileNotFoundError):
            use(tmp_path / "no" / "control")


# --- ask, against other servers -----------------------------------------------------------------------


@pytest.fixture
def serve(path: Path) -> Iterator[Callable[[bytes], None]]:
    """Answer one client with the given bytes, then close."""
    threads = []

    def start(answer: bytes) -> None:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(path))
        listener.listen()

        def run() -> None:
            with listener, listener.accept()[0] as client:
                client.recv(65536)
                try:
                    client.sendall(answer)
                except ConnectionError:
                    assert len(answer) > control.MAX_ANSWER

        threads.append(threading.Thread(target=run))
        threads[-1].start()

    yield start
    for thread in threads:
        thread.join(WAIT_S)


@pytest.mark.parametrize("answer", [b"hello\n", b"[]\n", b"\n", b"[" * 50_000 + b"\n", b"x" * (control.MAX_ANSWER + 9)])
def test_an_answer_that_is_nonsense_is_a_value_error(path: Path, serve: Callable[[bytes], None], answer: bytes) -> None:
    serve(answer)
    with pytest.raises(ValueError, match=r"not a JSON object|at most"):
        ask(path, {}, WAIT_S)


@pytest.mark.parametrize("answer", [b"", b'{"half": '])
def test_no_whole_answer_is_a_lost_connection(path: Path, serve: Callable[[bytes], None], answer: bytes) -> None:
    serve(answer)
    with pytest.raises(ConnectionResetError, match="without an answer"):
        ask(path, {}, WAIT_S)


def test_no_answer_in_time_is_a_timeout(path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen()
        with pytest.raises(TimeoutError):
            ask(path, {}, within_s=0.01)
