"""The world's ends of the two private wires to the kiosk (``kiosk.sim.remote`` says what travels on them)."""

from __future__ import annotations

import asyncio
import json
import socket
from asyncio import BaseTransport, Future, Transport
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import Final, cast

from kiosk.control import at_path
from kiosk.sim.oled import Oled
from kiosk.sim.remote import ACK, COMMAND, FRAME, NACK

TAKEN_S: Final = 15.0


class NobodyReads(Exception):  # noqa: N818  (it says what is so; nothing is wrong in the world)
    """No kiosk listens to the keypad: it is off, or still starting, or it hangs."""


class Keys:
    """The virtual keypad. A press while no kiosk listens is lost, as on a real one."""

    def __init__(self, taken_s: float = TAKEN_S) -> None:
        """``taken_s``: a kiosk that has not taken a press by then hangs."""
        self.bouncing = False
        """Whether every contact chatters."""
        self.stuck = ""
        """The key that stays down by itself; empty: none does. A kiosk learns of it as it starts, and by a press."""
        self._taken_s = taken_s
        self._wires: list[_KeyWire] = []
        self._numbers = count(1)

    async def listen(self, path: Path) -> asyncio.Server:
        """Wait for the kiosk at ``path``; close what is returned, and then this."""
        return await _listen(path, lambda: _KeyWire(self._wires, self._jam))

    def close(self) -> None:
        """Hang up."""
        for wire in list(self._wires):
            wire.close()

    @property
    def listeners(self) -> int:
        """How many kiosks listen: one, none, or two while a dead one's wire has not been seen to break."""
        return len(self._wires)

    async def press(self, keys: str, *, held: bool = False) -> None:
        """Press one key after the other; returns when the loop has taken them. ``held``: the last one stays down.

        No key at all: the pad is only as it is.

        Raises:
            NobodyReads: nobody took them, or it is not known.
        """
        if not self._wires:
            raise NobodyReads("no kiosk listens to the keypad")
        wire = self._wires[-1]  # The newest: see ``listeners``.
        try:
            async with asyncio.timeout(self._taken_s):
                await wire.press(next(self._numbers), {"keys": keys, "held": held, **self._contacts()})
        except OSError as error:  # TimeoutError is one.
            raise NobodyReads("the kiosk did not take the keys") from error

    def _contacts(self) -> Mapping[str, object]:
        return {"bouncing": self.bouncing, "stuck": self.stuck}

    def _jam(self, wire: _KeyWire) -> None:
        if self.stuck:
            wire.send(0, {"keys": "", **self._contacts()})


class _KeyWire(asyncio.Protocol):
    def __init__(self, wires: list[_KeyWire], greet: Callable[[_KeyWire], None]) -> None:
        self._wires = wires
        self._greet = greet
        self._rest = b""
        self._presses: dict[int, Future[None]] = {}

    def connection_made(self, transport: BaseTransport) -> None:
        self._transport = cast(Transport, transport)
        self._wires.append(self)
        self._greet(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._wires.remove(self)
        for pressed in self._presses.values():
            if not pressed.done():
                pressed.set_exception(exc or ConnectionResetError())

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            pressed = self._presses.get(json.loads(line)["taken"])
            if pressed is not None and not pressed.done():
                pressed.set_result(None)

    def send(self, number: int, what: Mapping[str, object]) -> None:
        """Tell the kiosk of a press; nobody waits for its answer."""
        self._transport.write(json.dumps({"press": number, **what}).encode() + b"\n")

    async def press(self, number: int, what: Mapping[str, object]) -> None:
        pressed = self._presses[number] = asyncio.get_running_loop().create_future()
        try:
            self.send(number, what)
            await pressed
        finally:
            del self._presses[number]

    def close(self) -> None:
        self._transport.abort()


class Panel:
    """The virtual panel's end of its bus: a plug, and a controller that obeys what it is sent."""

    def __init__(self, oled: Oled) -> None:
        self.oled = oled
        self.transfers = 0
        """Whatever may have changed the picture; counts up."""
        self._plugged = True
        self._buses: list[Transport] = []

    async def listen(self, path: Path) -> asyncio.Server:
        """Wait for the kiosk at ``path``; close what is returned, and then this."""
        return await _listen(path, lambda: _Bus(self._buses, self.take))

    def close(self) -> None:
        """Hang up."""
        for bus in list(self._buses):
            bus.abort()

    def plug(self, plugged: bool) -> None:
        """Plug it in or out; a panel that had no power is dark until it is set up again."""
        self._plugged = plugged
        if not plugged:
            self.darken()

    def darken(self) -> None:
        """Its power failed for a moment."""
        self.oled.reset()
        self.transfers += 1

    def take(self, kind: bytes, content: bytes) -> bool:
        """One transfer on the bus; answers whether a panel took it."""
        if self._plugged:
            self.oled.feed("command" if kind == COMMAND else "data", content)
            self.transfers += 1
        return self._plugged


class _Bus(asyncio.Protocol):
    def __init__(self, buses: list[Transport], take: Callable[[bytes, bytes], bool]) -> None:
        self._buses = buses
        self._take = take
        self._bytes = b""

    def connection_made(self, transport: BaseTransport) -> None:
        self._transport = cast(Transport, transport)
        self._buses.append(self._transport)

    def connection_lost(self, _exc: Exception | None) -> None:
        self._buses.remove(self._transport)

    def data_received(self, data: bytes) -> None:
        self._bytes += data
        while len(self._bytes) >= FRAME.size:
            kind, length = FRAME.unpack_from(self._bytes)
            end = FRAME.size + length
            if len(self._bytes) < end:
                return
            content, self._bytes = self._bytes[FRAME.size : end], self._bytes[end:]
            self._transport.write(ACK if self._take(kind, content) else NACK)


async def _listen(path: Path, wire: Callable[[], asyncio.Protocol]) -> asyncio.Server:
    """Wait for the kiosk at ``path``, which may be of any length, each time with a new ``wire``."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        at_path(path, listener.bind)
    except OSError:
        listener.close()
        raise
    return await asyncio.get_running_loop().create_unix_server(wire, sock=listener)
