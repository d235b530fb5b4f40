"""Both ends of keypad and panel together: the world's on an event loop, the kiosk's in threads, as in life."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from queue import SimpleQueue

import pytest

from kiosk.sale.events import Key
from kiosk.sim.oled import Oled
from kiosk.sim.remote import RemoteKeypad, RemoteWire
from kiosk.sim.wires import Keys, NobodyReads, Panel

LIT = (0x8D, 0x14, 0x20, 0x00, 0xA1, 0xC8, 0xAF)  # SSD1306: charge pump, horizontal addressing, upright, on


@asynccontextmanager
async def keypad(path: Path, **limits: float) -> AsyncIterator[Keys]:
    keys = Keys(**limits)
    server = await keys.listen(path)
    try:
        yield keys
    finally:
        server.close()
        keys.close()


async def listened_to(keys: Keys, by: int = 1) -> None:
    """A connection is made before the world has seen it."""
    async with asyncio.timeout(20):
        while keys.listeners < by:
            await asyncio.sleep(0)


@asynccontextmanager
async def kiosk(
    keys: Keys, path: Path, post: Callable[[Key], None], barrier: Callable[[], None]
) -> AsyncIterator[None]:
    end = await asyncio.to_thread(RemoteKeypad, path, post, barrier)
    await listened_to(keys)
    try:
        yield
    finally:
        await asyncio.to_thread(end.close)


def test_a_press_returns_when_the_loop_has_taken_the_keys(tmp_path: Path) -> None:
    taken: list[Key] = []
    inbox: SimpleQueue[Key] = SimpleQueue()

    def barrier() -> None:
        while not inbox.empty():
            taken.append(inbox.get())

    async def story() -> None:
        path = tmp_path / "keys"
        async with keypad(path) as keys, kiosk(keys, path, inbox.put, barrier):
            await keys.press("25#")
            assert taken == [Key("2"), Key("5"), Key("#")]
            await keys.press("*", held=True)
            assert taken[3:] == [Key("*"), Key("*", held=True)]

    asyncio.run(asyncio.wait_for(story(), 60))


def test_presses_at_the_same_time_are_each_answered(tmp_path: Path) -> None:
    taken: SimpleQueue[Key] = SimpleQueue()

    async def story() -> None:
        path = tmp_path / "keys"
        async with keypad(path) as keys, kiosk(keys, path, taken.put, lambda: None):
            await asyncio.gather(keys.press("123"), keys.press("456"))
            assert [taken.get().key for _ in range(6)] == list("123456")

    asyncio.run(asyncio.wait_for(story(), 60))


def test_without_a_kiosk_nobody_reads(tmp_path: Path) -> None:
    async def story() -> None:
        path = tmp_path / "keys"
        async with keypad(path) as keys:
            with pytest.raises(NobodyReads):
                await keys.press("1")
            async with kiosk(keys, path, lambda _key: None, lambda: None):
                await keys.press("1")

    asyncio.run(asyncio.wait_for(story(), 60))


def test_a_kiosk_that_dies_under_a_press_has_not_taken_it_and_the_next_one_is_asked(tmp_path: Path) -> None:
    taken: SimpleQueue[Key] = SimpleQueue()

    async def story() -> None:
        path = tmp_path / "keys"
        async with keypad(path) as keys:
            reader, writer = await asyncio.open_unix_connection(path)
            await listened_to(keys)
            pressing = asyncio.create_task(keys.press("1"))
            await reader.readline()
            writer.close()
            with pytest.raises(NobodyReads):
                await pressing
            async with kiosk(keys, path, taken.put, lambda: None):
                await keys.press("2")
            assert taken.get() == Key("2")

    asyncio.run(asyncio.wait_for(story(), 60))


def test_a_kiosk_that_has_just_come_is_asked_before_one_whose_end_was_not_seen_yet(tmp_path: Path) -> None:
    taken: SimpleQueue[Key] = SimpleQueue()

    async def story() -> None:
        path = tmp_path / "keys"
        async with keypad(path) as keys:
            _, writer = await asyncio.open_unix_connection(path)
            await listened_to(keys)
            keypad_end = await asyncio.to_thread(RemoteKeypad, path, taken.put, lambda: None)
            await listened_to(keys, by=2)
            await keys.press("1")
            assert taken.get(timeout=20) == Key("1")
            await asyncio.to_thread(keypad_end.close)
            writer.close()

    asyncio.run(asyncio.wait_for(story(), 60))


def test_a_kiosk_that_hangs_is_given_up(tmp_path: Path) -> None:
    async def story() -> None:
        path = tmp_path / "keys"
        async with keypad(path, taken_s=0.0) as keys:
            reader, writer = await asyncio.open_unix_connection(path)
            await listened_to(keys)
            with pytest.raises(NobodyReads):
                await keys.press("1")
            assert b'"press": 1' in await reader.readline()
            writer.close()

    asyncio.run(asyncio.wait_for(story(), 60))


def test_a_kiosk_that_comes_to_a_jammed_key_is_told_at_once_and_of_a_sound_pad_nothing(tmp_path: Path) -> None:
    taken: SimpleQueue[Key] = SimpleQueue()

    async def story() -> None:
        path = tmp_path / "keys"
        async with keypad(path) as keys:
            async with kiosk(keys, path, taken.put, lambda: None):
                await keys.press("1")
            assert taken.get() == Key("1")
            keys.stuck = "5"
            async with kiosk(keys, path, taken.put, lambda: None):
                assert await asyncio.to_thread(taken.get, timeout=20) == Key("5")
                keys.stuck, keys.bouncing = "", True
                await keys.press("255")
            assert [taken.get().key for _ in range(4)] == ["5", "2", "5", "5"]  # held, and then the three keys
            assert taken.empty()

    asyncio.run(asyncio.wait_for(story(), 60))


def test_an_answer_to_a_press_given_up_is_not_one_to_the_next(tmp_path: Path) -> None:
    async def story() -> None:
        path = tmp_path / "keys"
        async with keypad(path) as keys:
            reader, writer = await asyncio.open_unix_connection(path)
            await listened_to(keys)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(keys.press("1"), 0.01)
            pressing = asyncio.create_task(keys.press("2"))
            assert b'"press": 1' in await reader.readline()
            assert b'"press": 2' in await reader.readline()
            writer.write(b'{"taken": 1}\n')
            await asyncio.wait([pressing], timeout=0.05)
            assert not pressing.done()
            writer.write(b'{"taken": 2}\n')
            await pressing
            writer.close()

    asyncio.run(asyncio.wait_for(story(), 60))


# --- panel --------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def panel_and_wire(tmp_path: Path) -> AsyncIterator[tuple[Panel, RemoteWire]]:
    panel = Panel(Oled())
    server = await panel.listen(tmp_path / "panel")
    wire = RemoteWire(tmp_path / "panel")
    try:
        yield panel, wire
    finally:
        wire.cleanup()
        server.close()
        panel.close()


def lit(panel: Panel) -> int:
    return panel.oled.image().convert("L").histogram()[255]


def test_the_panel_shows_what_the_kiosk_sends(tmp_path: Path) -> None:
    async def story() -> None:
        async with panel_and_wire(tmp_path) as (panel, wire):
            before = panel.transfers
            await asyncio.to_thread(wire.command, *LIT)
            await asyncio.to_thread(wire.data, [0xFF] * 1024)
            assert lit(panel) == 128 * 64
            assert panel.transfers == before + 2

    asyncio.run(asyncio.wait_for(story(), 60))


def test_a_frame_may_come_in_pieces(tmp_path: Path) -> None:
    async def story() -> None:
        async with panel_and_wire(tmp_path) as (panel, wire):
            reader, writer = await asyncio.open_unix_connection(tmp_path / "panel")
            frames = b"c" + len(LIT).to_bytes(4, "big") + bytes(LIT) + b"d" + (1).to_bytes(4, "big") + b"\xff"
            for byte in frames:
                writer.write(bytes([byte]))
                await asyncio.to_thread(wire.command, 0xE3)  # NOP: once this is answered, the byte has arrived.
            assert await reader.readexactly(2) == b"++"
            assert lit(panel) == 8
            writer.close()

    asyncio.run(asyncio.wait_for(story(), 60))


def test_an_unplugged_panel_is_dark_and_takes_nothing_until_it_is_set_up_again(tmp_path: Path) -> None:
    async def story() -> None:
        async with panel_and_wire(tmp_path) as (panel, wire):
            await asyncio.to_thread(wire.command, *LIT)
            await asyncio.to_thread(wire.data, [0xFF] * 1024)
            before = panel.transfers
            panel.plug(False)
            assert lit(panel) == 0
            assert panel.transfers > before  # So that the page looks again.
            with pytest.raises(OSError, match="Remote I/O") as unplugged:
                await asyncio.to_thread(wire.data, [0xFF])
            assert unplugged.value.errno == errno.EREMOTEIO
            panel.plug(True)
            await asyncio.to_thread(wire.data, [0xFF] * 1024)
            assert lit(panel) == 0  # It has power again, but its controller has forgotten everything.
            await asyncio.to_thread(wire.command, *LIT)
            await asyncio.to_thread(wire.data, [0xFF] * 1024)
            assert lit(panel) == 128 * 64

    asyncio.run(asyncio.wait_for(story(), 60))


# --- both -----------------------------------------------------------------------------------------------------------


def test_a_long_path_is_no_obstacle(tmp_path: Path) -> None:
    """A Unix socket's address has 107 bytes (unix(7)); a folder for temporary files may lie deeper."""
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    taken: SimpleQueue[Key] = SimpleQueue()

    async def story() -> None:
        path = deep / "keys"
        async with keypad(path) as keys, kiosk(keys, path, taken.put, lambda: None), panel_and_wire(deep) as (_, wire):
            await keys.press("1")
            assert taken.get() == Key("1")
            await asyncio.to_thread(wire.command, *LIT)

    asyncio.run(asyncio.wait_for(story(), 60))
