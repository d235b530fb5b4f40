"""ASGI programs on loopback sockets: served while the block runs, and not a moment longer."""

from __future__ import annotations

import asyncio
import signal
import socket
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from kiosk.sim.served import bound, served


async def _hello(_request: Request) -> Response:
    return PlainTextResponse("hello")


HELLO = Starlette(routes=[Route("/", _hello)])


def test_it_is_served_inside_the_block_and_refused_after_it() -> None:
    async def story() -> None:
        listener = bound("127.0.0.1", 0)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        async with httpx.AsyncClient(trust_env=False) as client, served(HELLO, listener):
            assert (await client.get(url)).text == "hello"
        async with httpx.AsyncClient(trust_env=False) as client:
            with pytest.raises(httpx.ConnectError):
                await client.get(url)

    asyncio.run(asyncio.wait_for(story(), 60))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_its_answers_are_not_held_back(host: str) -> None:
    """Nagle's delay, 40 ms for each answer with a body, is off only where the listener names its protocol."""
    with bound(host, 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP


@pytest.mark.parametrize("date_header", [True, False])
def test_the_date_is_added_only_where_the_program_has_none_of_its_own(date_header: bool) -> None:
    async def story() -> None:
        listener = bound("127.0.0.1", 0)
        async with served(HELLO, listener, date_header=date_header), httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"http://127.0.0.1:{listener.getsockname()[1]}/")
            assert ("date" in answer.headers) == date_header
            assert "server" not in answer.headers

    asyncio.run(asyncio.wait_for(story(), 60))


def test_the_processes_signals_stay_with_the_world() -> None:
    async def story() -> None:
        before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
        async with served(HELLO, bound("127.0.0.1", 0)):
            assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before

    asyncio.run(asyncio.wait_for(story(), 60))


def test_a_port_is_bound_once() -> None:
    with bound("127.0.0.1", 0) as first:
        first.listen()
        port = first.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            bound("127.0.0.1", port)
    with bound("127.0.0.1", port) as again:
        assert again.family == socket.AF_INET


@pytest.mark.skipif(not Path("/proc/net/if_inet6").exists(), reason="this machine has no IPv6")
def test_the_other_loopback_address_is_one_too() -> None:
    with bound("::1", 0) as listener:
        assert listener.family == socket.AF_INET6
