"""The control socket: how the technician's commands ask the running kiosk. A JSON object a line, one each way.

The socket is a file that only its owner may use, beside the journal. One thread serves all clients: a slow one holds
nobody up, because nothing is read before it is there, and one too many pushes the oldest out.
"""

from __future__ import annotations

import errno
import json
import os
import selectors
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Final

MAX_LINE: Final = 64 * 1024
"""Bytes of a request, at most."""
MAX_ANSWER: Final = 4 * 1024 * 1024
"""Bytes of an answer, at most."""
MAX_CLIENTS: Final = 8
SEND_S: Final = 2.0

Answer = Callable[[dict[str, object]], dict[str, object]]


class ControlServer:
    """Answers requests on a Unix socket, in a daemon thread of its own, from construction to ``close``.

    ``answer`` is called in that thread, for one request at a time; its ``ValueError`` (a request it does not know) and
    ``OSError`` (``TimeoutError``: the kiosk is too busy) are answered as ``{"error": text}``. Anything else that it
    raises is a fault of the program: it ends the thread, and clients are refused from then on instead of left waiting.

    A client must take its answer within ``send_s`` seconds.

    Raises:
        OSError: the socket cannot be made, or another kiosk answers on it (``errno.EADDRINUSE``).
    """

    def __init__(self, path: Path, answer: Answer, send_s: float = SEND_S) -> None:
        self.path = path
        self._answer = answer
        self._send_s = send_s
        self._listener = _listen(path)
        self._inode = path.stat().st_ino
        self._waker, self._woken = socket.socketpair()
        self._clients: dict[socket.socket, bytearray] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._thread = Thread(target=self._serve, name="control", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop answering and take the socket away. May be called again."""
        self._waker.close()
        self._thread.join(self._send_s + 1.0)

    def _serve(self) -> None:
        try:
            while self._turn():
                pass
        finally:
            self._remove()
            for client in tuple(self._clients):
                self._drop(client)
            self._selector.close()
            self._listener.close()
            self._woken.close()

    def _turn(self) -> bool:
        """Wait for something and do it; False: it is time to end."""
        ready = [key.fileobj for key, _ in self._selector.select()]
        if self._woken in ready:
            return False
        for client in [client for client in self._clients if client in ready]:
            self._read(client)
        if self._listener in ready:
            self._accept()
        return True

    def _accept(self) -> None:
        try:
            client, _ = self._listener.accept()
        except OSError:
            return  # gone again, or no descriptors left: the next turn tries again
        if len(self._clients) >= MAX_CLIENTS:
            self._drop(next(iter(self._clients)))
        client.settimeout(self._send_s)
        self._clients[client] = bytearray()
        self._selector.register(client, selectors.EVENT_READ)

    def _read(self, client: socket.socket) -> None:
        try:
            piece = client.recv(MAX_LINE)
        except OSError:
            piece = b""
        line = self._clients[client]
        line += piece
        if piece and b"\n" not in piece and len(line) <= MAX_LINE:
            return
        if line:
            self._reply(client, bytes(line))
        self._drop(client)

    def _reply(self, client: socket.socket, line: bytes) -> None:
        answer = json.dumps(self._answered(line)).encode() + b"\n"
        with suppress(OSError):  # it did not wait for the answer
            client.sendall(answer)

    def _answered(self, line: bytes) -> dict[str, object]:
        line, end, _ = line.partition(b"\n")
        if not end or len(line) > MAX_LINE:
            return {"error": f"a request is one line of at most {MAX_LINE} bytes"}
        try:
            return self._answer(_object(line))
        except (ValueError, OSError) as error:
            return {"error": str(error)}

    def _drop(self, client: socket.socket) -> None:
        self._selector.unregister(client)
        del self._clients[client]
        client.close()

    def _remove(self) -> None:
        """Take the file away, unless another has put its own in its place."""
        with suppress(FileNotFoundError):
            if self.path.stat().st_ino == self._inode:
                self.path.unlink()


def ask(path: Path, request: dict[str, object], within_s: float = 5.0) -> dict[str, object]:
    """Ask the running kiosk. ``within_s``: seconds to wait for it at each step.

    Raises:
        FileNotFoundError, ConnectionRefusedError: no kiosk runs there.
        TimeoutError: it does not answer.
        OSError: the socket cannot be used, or was closed without an answer.
        ValueError: it answered nonsense.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(within_s)
        at_path(path, client.connect)
        client.sendall(json.dumps(request).encode() + b"\n")
        answer = bytearray()
        while not answer.endswith(b"\n"):
            piece = client.recv(65536)
            if not piece:
                raise ConnectionResetError(errno.ECONNRESET, "the kiosk closed without an answer", str(path))
            answer += piece
            if len(answer) > MAX_ANSWER:
                raise ValueError(f"an answer is one line of at most {MAX_ANSWER} bytes")
    return _object(bytes(answer))


def _object(line: bytes) -> dict[str, object]:
    """The JSON object of a line.

    Raises:
        ValueError: it is none.
    """
    try:
        value = json.loads(line)
    except RecursionError as error:
        raise ValueError("not a JSON object: nested too deeply") from error
    except ValueError as error:
        raise ValueError(f"not a JSON object: {error}") from error
    if not isinstance(value, dict):
        raise ValueError(f"not a JSON object, but {type(value).__name__}")
    return value


def _listen(path: Path) -> socket.socket:
    """A listening socket at ``path``, in place of one that nobody answers on."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        os.fchmod(listener.fileno(), 0o600)  # before it has a name: Linux gives the file this mode at once
        try:
            at_path(path, listener.bind)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            _remove_stale(path)
            at_path(path, listener.bind)
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


def _remove_stale(path: Path) -> None:
    """Remove a socket that a dead kiosk left. Two that start at once are kept apart by the journal's lock.

    Raises:
        OSError: someone answers there, or it is no socket.
    """
    if not path.is_socket():
        raise FileExistsError(errno.EEXIST, "not a socket", str(path))
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            at_path(path, probe.connect)
        except ConnectionRefusedError:
            path.unlink()
            return
    raise OSError(errno.EADDRINUSE, "another kiosk answers here", str(path))


def at_path(path: Path, use: Callable[[str], None]) -> None:
    """Bind or connect to a path of any length: the system takes 107 bytes (unix(7)), so name the folder by number."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        use(f"/proc/self/fd/{folder}/{path.name}")
    except OSError as error:
        error.filename = str(path)
        raise
    finally:
        os.close(folder)
