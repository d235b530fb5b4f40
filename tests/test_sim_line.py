"""The line between kiosk and server, over real sockets: what passes, what is lost, and what happened all the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from kiosk.sim.line import Line

REQUEST = b"ask %d."
"""Our little protocol: a request ends with a dot, its answer is ``done`` and the same."""


class Far:
    """A server that counts what it was asked, and answers when ``answering`` is set."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.answering = asyncio.Event()
        self.answering.set()
        self.heard = asyncio.Event()
        self.deserted = False
        """The other side closed while it waited for an answer: a real server may then drop the request."""
        self.left = asyncio.Event()
        """A connection that asked something has ended."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = b""
        try:
            while True:
                request = await reader.readuntil(b".")
                self.asked.append(request)
                self.heard.set()
                await self.answering.wait()
                self.deserted |= reader.at_eof()
                writer.write(b"done " + request)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            if request:
                self.left.set()
            writer.close()


class Near:
    """A client on one kept connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, request: bytes) -> None:
        self.writer.write(request)
        await self.writer.drain()

    async def answer(self) -> bytes:
        return await self.reader.readuntil(b".")

    async def ask(self, request: bytes) -> bytes:
        await self.send(request)
        return await self.answer()


class Wire:
    """A far server, a line to it, and clients."""

    def __init__(self, spare: tuple[bytes, ...]) -> None:
        self.far = Far()
        self.line = Line(spare)
        self.port = 0
        self._near: list[Near] = []

    async def connect(self) -> Near:
        near = Near(*await asyncio.open_connection("127.0.0.1", self.port))
        self._near.append(near)
        return near

    def hang_up(self) -> None:
        for near in self._near:
            near.writer.close()


@asynccontextmanager
async def wired(spare: tuple[bytes, ...]) -> AsyncIterator[Wire]:
    wire = Wire(spare)
    server = await asyncio.start_server(wire.far.serve, "127.0.0.1", 0, limit=4_000_000)
    wire.port = await wire.line.start("127.0.0.1", server.sockets[0].getsockname()[1])
    try:
        yield wire
    finally:
        wire.hang_up()
        wire.far.answering.set()
        await wire.line.close()
        server.close()
        await server.wait_closed()


async def let_it_travel(wire: Wire) -> None:
    """What was sent before has arrived when a whole connection later on has come and gone."""
    for _ in range(3):
        near = await wire.connect()
        near.writer.close()
        await near.writer.wait_closed()


def run(story: Callable[[Wire], Awaitable[None]], spare: tuple[bytes, ...] = (b"spare",)) -> None:
    """Tell a story, in five seconds at most; the event loop must have nothing to complain of."""
    complaints: list[dict[str, object]] = []

    async def tell() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))
        async with asyncio.timeout(5), wired(spare) as wire:
            await story(wire)

    asyncio.run(tell())
    assert complaints == []


def test_a_kept_connection_carries_request_after_request() -> None:
    async def story(wire: Wire) -> None:
        near = await wire.connect()
        for number in range(3):
            assert await near.ask(REQUEST % number) == b"done " + REQUEST % number
        assert wire.far.asked == [REQUEST % number for number in range(3)]

    run(story)


def test_the_end_drops_every_connection_whatever_it_does() -> None:
    async def story(wire: Wire) -> None:
        quiet, waiting = await wire.connect(), await wire.connect()
        assert await quiet.ask(REQUEST % 1)
        wire.far.answering.clear()
        wire.far.heard.clear()
        await waiting.send(REQUEST % 2)
        await wire.far.heard.wait()
        await wire.line.close()
        for near in (quiet, waiting):
            with suppress(ConnectionError):
                assert await near.reader.read() == b""

    run(story)


def test_several_connections_are_kept_apart() -> None:
    async def story(wire: Wire) -> None:
        first, second = await wire.connect(), await wire.connect()
        await first.send(b"one.")
        await second.send(b"two.")
        assert await second.answer() == b"done two."
        assert await first.answer() == b"done one."

    run(story)


def test_much_passes_whole_in_both_directions() -> None:
    async def story(wire: Wire) -> None:
        near = await wire.connect()
        much = b"x" * 1_000_000 + b"."
        near.writer.write(much)
        assert await near.reader.readexactly(len(much) + 5) == b"done " + much

    run(story)


# --- answers are lost -----------------------------------------------------------------------------------------------


def test_a_lost_answer_is_a_reset_and_the_request_happened_once() -> None:
    async def story(wire: Wire) -> None:
        near = await wire.connect()
        await near.ask(b"before.")
        wire.line.lose_answers = True
        with pytest.raises(ConnectionResetError):
            await near.ask(b"lost.")
        assert wire.far.asked == [b"before.", b"lost."]

    run(story)


def test_while_answers_are_lost_new_connections_are_taken_and_lost_too() -> None:
    async def story(wire: Wire) -> None:
        wire.line.lose_answers = True
        for _ in range(2):
            near = await wire.connect()
            with pytest.raises(ConnectionResetError):
                await near.ask(b"lost.")
        assert wire.far.asked == [b"lost.", b"lost."]
        wire.line.lose_answers = False
        near = await wire.connect()
        assert await near.ask(b"kept.") == b"done kept."

    run(story)


# --- the line is cut ------------------------------------------------------------------------------------------------


def test_a_cut_resets_idle_connections_at_once() -> None:
    async def story(wire: Wire) -> None:
        near = await wire.connect()
        await near.ask(b"before.")
        wire.line.cut = True
        with pytest.raises(ConnectionResetError):
            await near.answer()

    run(story)


def test_while_it_is_cut_nothing_arrives() -> None:
    async def story(wire: Wire) -> None:
        wire.line.cut = True
        near = await wire.connect()
        with pytest.raises(ConnectionError):
            await near.ask(b"never.")
        assert wire.far.asked == []
        wire.line.cut = False
        near = await wire.connect()
        assert await near.ask(b"again.") == b"done again."
        assert wire.far.asked == [b"again."]

    run(story)


def test_without_spared_requests_a_cut_line_resets_before_a_byte_is_sent() -> None:
    async def story(wire: Wire) -> None:
        wire.line.cut = True
        near = await wire.connect()
        with pytest.raises(ConnectionResetError):
            await near.answer()

    run(story, spare=())


def test_a_request_carried_before_the_cut_happens_but_its_answer_is_gone() -> None:
    async def story(wire: Wire) -> None:
        wire.far.answering.clear()
        near = await wire.connect()
        await near.send(b"carried.")
        await wire.far.heard.wait()
        wire.line.cut = True
        with pytest.raises(ConnectionResetError):
            await near.answer()
        wire.line.cut = False
        await let_it_travel(wire)
        wire.far.answering.set()
        await wire.far.left.wait()
        assert wire.far.asked == [b"carried."]
        assert not wire.far.deserted

    run(story)


def test_half_a_request_never_happens() -> None:
    async def story(wire: Wire) -> None:
        near = await wire.connect()
        await near.ask(b"before.")
        await near.send(b"half")
        wire.line.cut = True
        with pytest.raises(ConnectionResetError):
            await near.answer()
        assert wire.far.asked == [b"before."]

    run(story)


# --- somebody leaves ------------------------------------------------------------------------------------------------


def test_a_client_that_gives_up_does_not_undo_its_request() -> None:
    async def story(wire: Wire) -> None:
        wire.far.answering.clear()
        near = await wire.connect()
        await near.send(b"impatient.")
        await wire.far.heard.wait()
        near.writer.close()
        await near.writer.wait_closed()
        await let_it_travel(wire)
        wire.far.answering.set()
        await wire.far.left.wait()
        assert wire.far.asked == [b"impatient."]
        assert not wire.far.deserted

    run(story)


def test_an_idle_client_that_leaves_is_gone_at_the_server_too() -> None:
    async def story(wire: Wire) -> None:
        near = await wire.connect()
        await near.ask(b"one.")
        near.writer.close()
        await wire.far.left.wait()

    run(story)


def test_a_server_that_is_not_there_is_a_reset() -> None:
    async def story() -> None:
        line = Line()
        gone = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
        target = gone.sockets[0].getsockname()[1]
        gone.close()
        await gone.wait_closed()
        reader, writer = await asyncio.open_connection("127.0.0.1", await line.start("127.0.0.1", target))
        with pytest.raises(ConnectionResetError):
            await reader.readexactly(1)
        writer.close()
        await line.close()

    asyncio.run(story())


def test_closing_ends_connections_and_the_listener() -> None:
    async def story(wire: Wire) -> None:
        near = await wire.connect()
        await near.ask(b"one.")
        await wire.line.close()
        assert await near.reader.read() == b""
        with pytest.raises(ConnectionRefusedError):
            await wire.connect()
        await wire.line.close()

    run(story)


# --- spared requests ------------------------------------------------------------------------------------------------


def test_spared_requests_pass_a_cut_line_and_a_line_that_loses_answers() -> None:
    async def story(wire: Wire) -> None:
        wire.line.cut = wire.line.lose_answers = True
        near = await wire.connect()
        assert await near.ask(b"spare me.") == b"done spare me."
        assert await near.ask(b"spare me too.") == b"done spare me too."

    run(story)


def test_on_one_connection_each_request_is_judged_by_its_own_beginning() -> None:
    async def story(wire: Wire) -> None:
        near = await wire.connect()
        assert await near.ask(b"spare me.") == b"done spare me."
        wire.line.cut = True
        with pytest.raises(ConnectionResetError):
            await near.ask(b"not me.")
        assert wire.far.asked == [b"spare me."]

    run(story)


def test_a_long_spared_request_is_judged_once() -> None:
    async def story(wire: Wire) -> None:
        wire.line.cut = True
        near = await wire.connect()
        long = b"spare " + b"x" * 1_000_000 + b"."
        near.writer.write(long)
        assert await near.reader.readexactly(len(long) + 5) == b"done " + long

    run(story)
