"""The network line between the kiosk and the fake Mercado Pago: a TCP proxy that can be cut, and can lose answers.

Theory of operation. The line carries bytes and knows nothing of HTTP but this: on one connection a client asks, then
waits for the answer (it does not pipeline). So the first bytes from the client after an answer begin a new request,
and the first bytes of an answer prove that the whole request arrived and was carried out. From that follows what is
exact here:

- ``cut``: nothing new is carried, so it never happens. A request that had been carried when the cut came runs to its
  end, as on a real line: the way to the server stays open until its answer comes, and the answer is thrown away.
- ``lose_answers``: the request is carried and happens; then the client's connection is reset instead of answered.
- A client that gives up while it waits is the same to the server as a cut.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass
from typing import Final

_CHUNK: Final = 65536
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)
"""``SO_LINGER`` of no seconds: closing sends a reset, see socket(7)."""


@dataclass(slots=True, eq=False)
class _Connection:
    """One client's way to the server."""

    client_in: asyncio.StreamReader
    client_out: asyncio.StreamWriter
    server_in: asyncio.StreamReader
    server_out: asyncio.StreamWriter
    asked: bool = False
    """A request was carried, and no answer to it has come."""
    spared: bool = False
    """The last request is one that no trouble touches."""
    gone: bool = False
    """The client has left, or was cut off."""


class Line:
    """The proxy. It belongs to the event loop that started it: set ``cut`` and ``lose_answers`` from there."""

    def __init__(self, spare: tuple[bytes, ...] = ()) -> None:
        """``spare``: beginnings of requests that no trouble touches, such as ``b"POST /trouble"``."""
        self.lose_answers = False
        self._spare = spare
        self._cut = False
        self._target = ("", 0)
        self._server: asyncio.Server | None = None
        self._clients: dict[asyncio.StreamWriter, _Connection | None] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, target_host: str, target_port: int, *, port: int = 0) -> int:
        """Listen on 127.0.0.1 and carry to the target; answers the port, which is a free one where ``port`` is 0.

        Raises:
            OSError: the port is taken.
        """
        self._target = (target_host, target_port)
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", port)
        listening: int = self._server.sockets[0].getsockname()[1]
        return listening

    async def close(self) -> None:
        """Stop listening and drop every connection, at both ends."""
        if self._server is None:
            return
        self._server.close()
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    @property
    def cut(self) -> bool:
        """Nothing passes: connections are reset, new ones too."""
        return self._cut

    @cut.setter
    def cut(self, cut: bool) -> None:
        self._cut = cut
        if cut:
            for client_out, connection in tuple(self._clients.items()):
                if connection is None or not connection.spared:
                    _reset(client_out)

    async def _accept(self, client_in: asyncio.StreamReader, client_out: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._clients[client_out] = None
        try:
            await self._serve(client_in, client_out)
        except ConnectionError:
            _reset(client_out)
        except asyncio.CancelledError:
            pass  # by ``close``, and that is its end: Python 3.11.7 would write a cancelled one's traceback out
        finally:
            del self._clients[client_out]
            self._tasks.discard(task)
            await _close(client_out)

    async def _serve(self, client_in: asyncio.StreamReader, client_out: asyncio.StreamWriter) -> None:
        if self._cut and not self._spare:
            _reset(client_out)
            return
        server_in, server_out = await asyncio.open_connection(*self._target)
        connection = _Connection(client_in, client_out, server_in, server_out)
        self._clients[client_out] = connection
        answers = asyncio.create_task(self._carry_answers(connection))
        try:
            await self._carry_requests(connection)
            connection.gone = True
            if not connection.asked:
                server_out.close()
            await answers
        finally:
            answers.cancel()
            await _close(server_out)

    async def _carry_requests(self, connection: _Connection) -> None:
        """Until the client is gone or the line is cut."""
        with contextlib.suppress(ConnectionError):
            while data := await connection.client_in.read(_CHUNK):
                if not connection.asked:
                    connection.spared = data.startswith(self._spare)
                if self._cut and not connection.spared:
                    _reset(connection.client_out)
                    return
                connection.asked = True
                connection.server_out.write(data)
                await connection.server_out.drain()

    async def _carry_answers(self, connection: _Connection) -> None:
        """Until the server is done or an answer could not be delivered."""
        with contextlib.suppress(ConnectionError):
            while data := await connection.server_in.read(_CHUNK):
                connection.asked = False
                if connection.gone:
                    return
                if (self._cut or self.lose_answers) and not connection.spared:
                    _reset(connection.client_out)
                    return
                connection.client_out.write(data)
                await connection.client_out.drain()
        connection.client_out.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    """End the connection so that the other side sees a reset, never a clean end."""
    if writer.transport.is_closing():
        return
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    writer.transport.abort()


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
