"""The kiosk as a child: power, cuts, restarts, and the end. Real processes, which do what the test tells them."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from kiosk.sim.child import Kiosk

OBEDIENT = """
import os, signal, socket, sys
line = socket.socket(socket.AF_UNIX)
line.connect(sys.argv[1])
if "stubborn" in sys.argv:
    signal.signal(signal.SIGTERM, lambda *_: line.sendall(b"asked to end\\n"))
line.sendall(f"{os.getpid()} {os.getsid(0)} {os.environ.get('PURPOSE')}\\n".encode())
sys.exit(line.recv(1)[0])
"""
"""Says who it is, and ends with the status that it is told."""


class Line:
    """One life of the child, seen from the world."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def hello(self) -> list[str]:
        return (await self.reader.readline()).decode().split()

    def end(self, status: int) -> None:
        self.writer.write(bytes([status]))

    async def dead(self) -> bool:
        try:
            return await self.reader.read(1) == b""
        except ConnectionResetError:
            return True


class Lives:
    """The lives of one child, one after the other."""

    def __init__(self, kiosk: Kiosk, keeping: asyncio.Task[int]) -> None:
        self.kiosk = kiosk
        self.keeping = keeping
        self.arrived: asyncio.Queue[Line] = asyncio.Queue()

    async def next(self) -> Line:
        return await asyncio.wait_for(self.arrived.get(), 20)


@asynccontextmanager
async def child(tmp_path: Path, *arguments: str, afterwards: bool = False) -> AsyncIterator[Lives]:
    """A child with power that is to be started again without a pause; ``afterwards``: by way of another program."""
    path = str(tmp_path / "line.sock")
    after = [sys.executable, "-c", OBEDIENT, path, "--draws"] if afterwards else []
    program = [sys.executable, "-c", OBEDIENT, path, *arguments]
    kiosk = Kiosk(program, {"PURPOSE": "test"}, afterwards=after, restart_s=0.0)
    lives = Lives(kiosk, asyncio.create_task(kiosk.keep()))
    lines: list[Line] = []

    def arrived(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines.append(Line(reader, writer))
        lives.arrived.put_nowait(lines[-1])

    server = await asyncio.start_unix_server(arrived, path)
    kiosk.power_on()
    try:
        yield lives
    finally:
        await kiosk.cut()
        lives.keeping.cancel()
        for line in lines:
            line.writer.close()
        server.close()


def test_the_program_gets_its_environment_and_a_session_of_its_own(tmp_path: Path) -> None:
    async def story() -> None:
        async with child(tmp_path) as lives:
            pid, session, purpose = await (await lives.next()).hello()
            assert int(pid) == lives.kiosk.pid
            assert session == pid != str(os.getsid(0))  # A Ctrl-C in the terminal does not reach it.
            assert purpose == "test"

    asyncio.run(asyncio.wait_for(story(), 60))


@pytest.mark.parametrize("status", [0, 1])
def test_a_program_that_ends_by_itself_is_started_again(
    tmp_path: Path, status: int, capfd: pytest.CaptureFixture[str]
) -> None:
    async def story() -> None:
        async with child(tmp_path) as lives:
            first = await lives.next()
            before = await first.hello()
            first.end(status)
            after = await (await lives.next()).hello()
            assert before[0] != after[0] == str(lives.kiosk.pid)

    asyncio.run(asyncio.wait_for(story(), 60))
    assert f"the kiosk ended (status {status}); starting it again" in capfd.readouterr().err


def test_what_is_to_be_done_after_its_end_is_done_before_the_next_start(tmp_path: Path) -> None:
    """Not after a power cut: then nothing can be done. And a cut ends what is being done, too."""

    async def story() -> None:
        async with child(tmp_path, afterwards=True) as lives:
            (await lives.next()).end(1)
            after = await lives.next()
            assert "--draws" in Path(f"/proc/{(await after.hello())[0]}/cmdline").read_text()
            after.end(1)
            again = await lives.next()
            assert "--draws" not in Path(f"/proc/{(await again.hello())[0]}/cmdline").read_text()
            await lives.kiosk.cut()
            lives.kiosk.power_on()
            kiosk = await lives.next()
            assert "--draws" not in Path(f"/proc/{(await kiosk.hello())[0]}/cmdline").read_text()
            kiosk.end(0)
            after = await lives.next()
            await after.hello()
            await lives.kiosk.cut()
            assert await after.dead()

    asyncio.run(asyncio.wait_for(story(), 60))


def test_a_program_that_was_called_wrongly_is_not_started_again(tmp_path: Path) -> None:
    async def story() -> None:
        async with child(tmp_path) as lives:
            (await lives.next()).end(2)
            assert await asyncio.wait_for(lives.keeping, 20) == 2

    asyncio.run(asyncio.wait_for(story(), 60))


def test_a_power_cut_kills_it_and_power_brings_it_back(tmp_path: Path) -> None:
    async def story() -> None:
        async with child(tmp_path, "stubborn") as lives:
            first = await lives.next()
            await first.hello()
            await lives.kiosk.cut()
            assert await first.dead()  # Without a word: SIGKILL cannot be heard.
            assert lives.kiosk.pid is None
            assert not lives.kiosk.powered
            assert lives.arrived.empty()
            lives.kiosk.power_on()
            await (await lives.next()).hello()
            assert lives.kiosk.powered

    asyncio.run(asyncio.wait_for(story(), 60))


def test_a_power_cut_while_it_starts_leaves_nothing_running(tmp_path: Path) -> None:
    async def story() -> None:
        async with child(tmp_path) as lives:
            await asyncio.wait([lives.keeping], timeout=0)  # Now it has begun to start the program.
            await lives.kiosk.cut()
            assert lives.kiosk.pid is None

    asyncio.run(asyncio.wait_for(story(), 60))


def test_power_that_comes_and_goes_at_once_starts_nothing(tmp_path: Path) -> None:
    async def story() -> None:
        async with child(tmp_path) as lives:
            await (await lives.next()).hello()
            await lives.kiosk.cut()
            await asyncio.wait([lives.keeping], timeout=0)  # The keeper waits for power again.
            lives.kiosk.power_on()
            await lives.kiosk.cut()
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(lives.arrived.get(), 0.3)

    asyncio.run(asyncio.wait_for(story(), 60))


def test_stop_asks_and_waits(tmp_path: Path) -> None:
    async def story() -> None:
        async with child(tmp_path, "stubborn") as lives:
            first = await lives.next()
            await first.hello()
            stopping = asyncio.create_task(lives.kiosk.stop())
            assert await first.reader.readline() == b"asked to end\n"
            assert lives.kiosk.pid is not None
            first.end(0)
            await asyncio.wait_for(stopping, 20)
            assert lives.arrived.empty()

    asyncio.run(asyncio.wait_for(story(), 60))


def test_stop_kills_one_that_does_not_end(tmp_path: Path) -> None:
    async def story() -> None:
        async with child(tmp_path, "stubborn") as lives:
            first = await lives.next()
            await first.hello()
            await lives.kiosk.stop(within_s=0.05)
            assert lives.kiosk.pid is None

    asyncio.run(asyncio.wait_for(story(), 60))


def test_kill_ends_a_stop_that_waits(tmp_path: Path) -> None:
    async def story() -> None:
        async with child(tmp_path, "stubborn") as lives:
            first = await lives.next()
            await first.hello()
            stopping = asyncio.create_task(lives.kiosk.stop())
            assert await first.reader.readline() == b"asked to end\n"
            lives.kiosk.kill()
            await asyncio.wait_for(stopping, 20)
            assert lives.kiosk.pid is None

    asyncio.run(asyncio.wait_for(story(), 60))


def test_stopping_what_never_ran_is_nothing() -> None:
    async def story() -> None:
        kiosk = Kiosk([sys.executable, "-c", ""], {})
        await kiosk.stop()
        kiosk.kill()
        assert kiosk.pid is None

    asyncio.run(asyncio.wait_for(story(), 60))


WORLD = """
import asyncio, sys
from kiosk.sim.child import Kiosk
kiosk = Kiosk(sys.argv[1:], {})
kiosk.power_on()
asyncio.run(kiosk.keep())
"""


def test_the_child_dies_with_a_world_that_is_killed(tmp_path: Path) -> None:
    async def story() -> None:
        lines: asyncio.Queue[Line] = asyncio.Queue()
        path = str(tmp_path / "line.sock")
        server = await asyncio.start_unix_server(lambda *streams: lines.put_nowait(Line(*streams)), path)
        command = [sys.executable, "-c", WORLD, sys.executable, "-c", OBEDIENT, path]
        world = await asyncio.create_subprocess_exec(*command)
        line = await asyncio.wait_for(lines.get(), 20)
        await line.hello()
        os.kill(world.pid, signal.SIGKILL)
        await world.wait()
        assert await asyncio.wait_for(line.dead(), 20)
        line.writer.close()
        server.close()

    asyncio.run(asyncio.wait_for(story(), 60))
