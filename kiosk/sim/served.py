"""ASGI programs served on loopback inside the world's own event loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import uvicorn
from starlette.types import ASGIApp

_LAST_ANSWERS_S: Final = 1
"""How long answers under way may take when the world ends."""


@asynccontextmanager
async def served(app: ASGIApp, listener: socket.socket, *, date_header: bool = True) -> AsyncIterator[None]:
    """Serve ``app`` on a bound socket while the block runs; ``date_header``: add ``Date`` to the answers.

    ``uvicorn.Server.serve`` would take the process's signals, which belong to the world, so its parts are run here.
    """
    config = uvicorn.Config(
        app,
        date_header=date_header,
        lifespan="off",
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=_LAST_ANSWERS_S,
        ws="none",
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[listener])
    turning = asyncio.create_task(server.main_loop())
    try:
        yield
    finally:
        server.should_exit = True
        await turning
        await server.shutdown(sockets=[listener])


def bound(host: str, port: int) -> socket.socket:
    """A socket bound to a loopback address; port 0: any free one.

    Raises:
        OSError: the port is taken, or is not ours to take.
    """
    # asyncio switches Nagle's delay off only where a socket names its protocol; with it each answer takes 40 ms longer.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener
