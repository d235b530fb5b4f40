"""The virtual printer, over real sockets: what it answers, what it prints, and when it does neither."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from kiosk.sim.paper import Roll
from kiosk.sim.printer import BUFFER, TcpPrinter, status


class SeenRoll(Roll):
    """Paper that tells when something comes out."""

    def __init__(self) -> None:
        super().__init__()
        self.fed = b""
        self.news = asyncio.Event()

    def feed(self, data: bytes) -> None:
        super().feed(data)
        self.fed += data
        self.news.set()

    async def wait_for(self, fed: bytes) -> None:
        while self.fed != fed:
            assert len(self.fed) < len(fed)
            self.news.clear()
            await asyncio.wait_for(self.news.wait(), 20)


class Sender:
    """Somebody who prints over the network."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def ask(self, kind: int) -> int:
        self.send(b"\x10\x04" + bytes([kind]))
        return (await asyncio.wait_for(self.reader.readexactly(1), 20))[0]

    async def all_answers(self) -> bytes:
        """Everything it said until it saw that nothing more would be sent."""
        self.writer.write_eof()
        return await asyncio.wait_for(self.reader.read(), 20)


@asynccontextmanager
async def sender(printer: TcpPrinter) -> AsyncIterator[Sender]:
    reader, writer = await asyncio.open_connection("127.0.0.1", printer.port)
    try:
        yield Sender(reader, writer)
    finally:
        writer.close()


@asynccontextmanager
async def plugged_in() -> AsyncIterator[tuple[TcpPrinter, SeenRoll]]:
    roll = SeenRoll()
    printer = TcpPrinter(roll)
    await printer.plug_in()
    try:
        yield printer, roll
    finally:
        printer.close()


@pytest.mark.parametrize(
    ("kind", "with_paper", "without"), [(1, 0x16, 0x1E), (2, 0x12, 0x32), (3, 0x12, 0x12), (4, 0x12, 0x7E)]
)
def test_status_bytes_are_those_of_epsons_reference(kind: int, with_paper: int, without: int) -> None:
    assert status(kind) == with_paper
    assert status(kind, paper=False) == without


@pytest.mark.parametrize(
    ("kind", "low", "open_cover"), [(1, 0x16, 0x1E), (2, 0x12, 0x16), (3, 0x12, 0x12), (4, 0x1E, 0x12)]
)
def test_low_paper_is_still_online_and_an_open_cover_is_not(kind: int, low: int, open_cover: int) -> None:
    assert status(kind, low=True) == low
    assert status(kind, cover=False) == open_cover


def test_it_prints_what_came_before_a_question_and_answers_it() -> None:
    async def story() -> None:
        async with plugged_in() as (printer, roll), sender(printer) as line:
            line.send(b"one\ntwo\n")
            assert [await line.ask(kind) for kind in (1, 2, 3, 4)] == [0x16, 0x12, 0x12, 0x12]
            assert roll.text() == "one\ntwo\n"
            assert printer.printed == len(b"one\ntwo\n")  # To be asked is no news on the paper.

    asyncio.run(asyncio.wait_for(story(), 60))


def test_a_question_is_heard_once_however_it_is_cut() -> None:
    async def story() -> None:
        async with plugged_in() as (printer, roll), sender(printer) as line:
            sent = b""
            for piece in (b"a\x10", b"\x04", b"\x04b\n\x10\x04", b"\x01", b"\x04\x01\x10\x04\x09", b"\x10\x04\x02"):
                line.send(piece)
                sent += piece
                await roll.wait_for(sent)
            assert await line.all_answers() == bytes([0x12, 0x16, 0x12])  # To 4, 1 and 2; there is no 9.
            assert roll.text() == "ab\n"

    asyncio.run(asyncio.wait_for(story(), 60))


def test_without_paper_it_says_so_prints_nothing_and_goes_on_when_paper_is_back() -> None:
    async def story() -> None:
        async with plugged_in() as (printer, roll), sender(printer) as line:
            printer.load_paper(False)
            line.send(b"late\n")
            assert [await line.ask(kind) for kind in (1, 4)] == [0x1E, 0x7E]
            assert (roll.text(), printer.printed) == ("", 0)
            printer.load_paper(True)
            assert roll.text() == "late\n"
            assert [await line.ask(kind) for kind in (1, 4)] == [0x16, 0x12]

    asyncio.run(asyncio.wait_for(story(), 60))


def test_with_the_cover_open_it_says_so_prints_nothing_and_goes_on_when_it_is_shut() -> None:
    async def story() -> None:
        async with plugged_in() as (printer, roll), sender(printer) as line:
            printer.shut_cover(False)
            line.send(b"late\n")
            assert [await line.ask(kind) for kind in (1, 2)] == [0x1E, 0x16]
            assert roll.text() == ""
            printer.shut_cover(True)
            assert roll.text() == "late\n"
            printer.low = True
            assert [await line.ask(kind) for kind in (1, 4)] == [0x16, 0x1E]

    asyncio.run(asyncio.wait_for(story(), 60))


def test_its_cable_comes_out_in_the_middle_of_a_ticket_and_stays_out() -> None:
    async def story() -> None:
        async with plugged_in() as (printer, roll), sender(printer) as line:
            printer.pull(True)
            async with sender(printer) as asking:  # To be asked pulls nothing, nor do zeros.
                assert [await asking.ask(kind) for kind in (1, 4) * 6] == [0x16, 0x12] * 6
            line.send(bytes(2048))
            assert await line.ask(1) == 0x16
            line.send(b"x" * 200 + b"\n" + b"y" * 200 + b"\n")
            assert await asyncio.wait_for(line.reader.read(), 20) == b""
            assert printer.pulled
            assert roll.fed.strip(b"\0").endswith(b"y" * 70)
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", printer.port)
            printer.pull(False)
            await printer.plug_in()
            async with sender(printer) as again:
                again.send(b"z" * 300 + b"\n")  # It was for one ticket.
                assert await again.ask(1) == 0x16
            assert not printer.pulled

    asyncio.run(asyncio.wait_for(story(), 60))


def test_a_cable_that_was_to_come_out_and_is_left_alone_stays_in() -> None:
    async def story() -> None:
        async with plugged_in() as (printer, roll), sender(printer) as line:
            printer.pull(True)
            printer.pull(False)
            line.send(b"x" * 300 + b"\n")
            assert await line.ask(1) == 0x16
            assert roll.fed.count(b"x") == 300

    asyncio.run(asyncio.wait_for(story(), 60))


def test_what_waits_for_paper_outlives_its_connection() -> None:
    async def story() -> None:
        async with plugged_in() as (printer, roll):
            printer.load_paper(False)
            async with sender(printer) as line:
                line.send(b"late\n")
                await line.ask(1)
            printer.load_paper(True)
            assert roll.text() == "late\n"

    asyncio.run(asyncio.wait_for(story(), 60))


def test_a_full_buffer_reads_no_more_until_paper_is_back() -> None:
    async def story() -> None:
        async with plugged_in() as (printer, roll), sender(printer) as line:
            printer.load_paper(False)
            line.send(b"x" * BUFFER)
            assert await line.ask(1) == 0x1E  # Read to here, with the question as the last of it.
            line.send(b"\n\x10\x04\x01")
            heard = asyncio.ensure_future(line.reader.read(1))
            async with sender(printer) as other:  # Whoever else asks is answered: the printer itself does not hang.
                assert await other.ask(1) == 0x1E
            assert not heard.done()
            printer.load_paper(True)
            assert await asyncio.wait_for(heard, 20) == b"\x16"
            assert roll.fed.count(b"x") == BUFFER

    asyncio.run(asyncio.wait_for(story(), 60))


def test_a_mute_printer_prints_and_never_answers() -> None:
    async def story() -> None:
        async with plugged_in() as (printer, roll), sender(printer) as line:
            printer.mute = True
            line.send(b"quiet\n\x10\x04\x01")
            assert await line.all_answers() == b""
            assert roll.text() == "quiet\n"

    asyncio.run(asyncio.wait_for(story(), 60))


def test_unplugged_it_breaks_connections_refuses_new_ones_and_comes_back_where_it_was() -> None:
    async def story() -> None:
        async with plugged_in() as (printer, roll), sender(printer) as line:
            port = printer.port
            printer.load_paper(False)
            line.send(b"lost\n")
            await line.ask(1)
            printer.unplug()
            printer.unplug()
            assert await asyncio.wait_for(line.reader.read(), 20) == b""
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", port)
            await printer.plug_in()
            await printer.plug_in()
            printer.load_paper(True)
            assert printer.port == port
            async with sender(printer) as again:
                again.send(b"again\n")
                assert await again.ask(1) == 0x16
            assert roll.text() == "again\n"  # Its buffer had gone with its power.

    asyncio.run(asyncio.wait_for(story(), 60))


def test_closing_an_unplugged_printer_gives_its_port_back() -> None:
    async def story() -> None:
        async with plugged_in() as (printer, _):
            printer.unplug()
            printer.close()
            server = await asyncio.start_server(lambda *_: None, "127.0.0.1", printer.port)
            server.close()

    asyncio.run(asyncio.wait_for(story(), 60))
