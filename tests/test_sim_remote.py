"""The kiosk's ends of keypad and panel, against sockets that a test holds at the other end."""

from __future__ import annotations

import errno
import json
import queue
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from threading import Event, Thread

import pytest

from kiosk.sale.events import Key
from kiosk.sim.remote import ACK, COMMAND, DATA, FRAME, NACK, RemoteKeypad, RemoteWire


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(str(tmp_path / "wire.sock"))
        listening.listen()
        listening.settimeout(5)
        yield listening


def accepted(listener: socket.socket) -> socket.socket:
    world, _ = listener.accept()
    world.settimeout(5)
    return world


class Inbox:
    """What a loop took, in order; the barrier is one of its entries."""

    def __init__(self) -> None:
        self.taken: queue.SimpleQueue[Key | str] = queue.SimpleQueue()
        self.open = Event()
        self.open.set()

    def barrier(self) -> None:
        self.taken.put("barrier")
        assert self.open.wait(20)

    def all(self, number: int) -> list[Key | str]:
        return [self.taken.get(timeout=20) for _ in range(number)]


# --- keypad -------------------------------------------------------------------------------------------------------


def test_keys_are_posted_in_order_and_answered_once_the_loop_has_taken_them(
    listener: socket.socket, tmp_path: Path
) -> None:
    inbox = Inbox()
    inbox.open.clear()
    keypad = RemoteKeypad(tmp_path / "wire.sock", inbox.taken.put, inbox.barrier)
    with closing(keypad), accepted(listener) as world:
        world.sendall(b'{"press": 7, "keys": "25#"}\n')
        assert inbox.all(4) == [Key("2"), Key("5"), Key("#"), "barrier"]
        world.setblocking(False)
        with pytest.raises(BlockingIOError):
            world.recv(100)  # The loop has not taken them yet, so nothing is answered.
        world.settimeout(5)
        inbox.open.set()
        assert json.loads(world.recv(100)) == {"taken": 7}


def test_a_held_key_goes_down_first_and_is_held_then(listener: socket.socket, tmp_path: Path) -> None:
    inbox = Inbox()
    keypad = RemoteKeypad(tmp_path / "wire.sock", inbox.taken.put, inbox.barrier)
    with closing(keypad), accepted(listener) as world:
        world.sendall(b'{"press": 1, "keys": "1*", "held": true}\n{"press": 2, "keys": "*", "held": false}\n')
        held = [Key("1"), Key("*"), Key("*", held=True), "barrier"]
        assert inbox.all(6) == [*held, Key("*"), "barrier"]


def test_a_loop_too_busy_to_answer_costs_one_answer_and_not_the_keypad(listener: socket.socket, tmp_path: Path) -> None:
    inbox = Inbox()
    busy = iter([True, False])

    def barrier() -> None:
        inbox.barrier()
        if next(busy):
            raise TimeoutError("the loop is busy")

    keypad = RemoteKeypad(tmp_path / "wire.sock", inbox.taken.put, barrier)
    with closing(keypad), accepted(listener) as world:
        world.sendall(b'{"press": 1, "keys": "1"}\n{"press": 2, "keys": "2"}\n')
        assert json.loads(world.recv(100)) == {"taken": 2}
        assert inbox.all(4) == [Key("1"), "barrier", Key("2"), "barrier"]


def test_close_ends_the_thread_and_hangs_up(listener: socket.socket, tmp_path: Path) -> None:
    inbox = Inbox()
    keypad = RemoteKeypad(tmp_path / "wire.sock", inbox.taken.put, inbox.barrier)
    with accepted(listener) as world:
        keypad.close()
        assert world.recv(1) == b""


def test_a_world_that_ends_first_is_no_fault(listener: socket.socket, tmp_path: Path) -> None:
    inbox = Inbox()
    keypad = RemoteKeypad(tmp_path / "wire.sock", inbox.taken.put, inbox.barrier)
    accepted(listener).close()
    keypad.close()
    assert inbox.taken.empty()


def test_a_keypad_without_a_world_says_so_at_once(tmp_path: Path) -> None:
    inbox = Inbox()
    with pytest.raises(FileNotFoundError):
        RemoteKeypad(tmp_path / "nothing.sock", inbox.taken.put, inbox.barrier)


# --- panel --------------------------------------------------------------------------------------------------------


class Bus:
    """The other end of the panel's bus: answers one frame after the other as planned; ``b""`` hangs up instead."""

    def __init__(self, listener: socket.socket, *answers: bytes) -> None:
        self.frames: list[tuple[bytes, bytes]] = []
        self._listener = listener
        self._thread = Thread(target=self._serve, args=(answers,))
        self._thread.start()

    def _serve(self, answers: tuple[bytes, ...]) -> None:
        with ExitStack() as stack:
            world = stack.enter_context(accepted(self._listener))
            for answer in answers:
                kind, length = FRAME.unpack(world.recv(FRAME.size))
                self.frames.append((kind, world.recv(length)))
                if answer:
                    world.sendall(answer)
                else:
                    world.close()
                    world = stack.enter_context(accepted(self._listener))

    def all(self) -> list[tuple[bytes, bytes]]:
        self._thread.join(20)
        return self.frames


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[RemoteWire]:
    bus = RemoteWire(tmp_path / "wire.sock")
    yield bus
    bus.cleanup()


def test_commands_and_data_travel_as_frames(listener: socket.socket, wire: RemoteWire) -> None:
    bus = Bus(listener, ACK, ACK, ACK)
    wire.command(0x21, 0, 127)
    wire.data([1, 2, 255])
    wire.data(b"\x00\x80")
    assert bus.all() == [(COMMAND, b"\x21\x00\x7f"), (DATA, b"\x01\x02\xff"), (DATA, b"\x00\x80")]


def test_an_unplugged_panel_is_the_error_that_linux_gives_until_it_is_back(
    listener: socket.socket, wire: RemoteWire
) -> None:
    bus = Bus(listener, NACK, NACK, ACK)
    with pytest.raises(OSError, match="Remote I/O error") as command:
        wire.command(0xAF)
    with pytest.raises(OSError, match="Remote I/O error") as data:
        wire.data(b"\x01")
    assert command.value.errno == data.value.errno == errno.EREMOTEIO
    wire.command(0xAE)
    assert len(bus.all()) == 3


def test_a_bus_that_breaks_is_an_error_and_the_next_transfer_connects_again(
    listener: socket.socket, wire: RemoteWire
) -> None:
    bus = Bus(listener, b"", ACK)
    with pytest.raises(OSError, match="Remote I/O error"):
        wire.command(0xAF)
    wire.command(0xAE)
    assert bus.all() == [(COMMAND, b"\xaf"), (COMMAND, b"\xae")]


def test_a_bus_with_nobody_there_is_an_error(wire: RemoteWire) -> None:
    with pytest.raises(FileNotFoundError):
        wire.data(b"\x00")
