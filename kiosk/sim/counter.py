"""The virtual counter: keypad, panel, paper and customer, with the real kiosk in their midst.

The kiosk is a child process that reaches this world only as it reaches the real one: Mercado Pago by ``base_url``
through a line that can be cut, the printer over TCP, keypad and panel over private sockets. What the world knows (who
paid what, which paper came out) outlives any death of the kiosk, and so can judge it.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from PIL import Image

from kiosk.control import ask
from kiosk.sim.child import Kiosk
from kiosk.sim.mercadopago import FakeMercadoPago
from kiosk.sim.printer import TcpPrinter
from kiosk.sim.shop import PIN, SUPERVISOR
from kiosk.sim.wires import Keys, NobodyReads, Panel

JAMMED: Final = "5"
"""The key that jams: in the middle, where most fingers are."""


class IsReal(Exception):  # noqa: N818  (it says what is so; nothing is wrong)
    """That far end is the real one; this world has none of it."""


@dataclass(slots=True)
class VirtualCounter:
    """What stands on and around the counter; a far end that is None is real. Used by the event loop's thread alone."""

    kiosk: Kiosk
    control: Path
    """The kiosk's control socket."""
    account: FakeMercadoPago | None
    printer: TcpPrinter | None
    panel: Panel | None
    keys: Keys | None
    _on: dict[str, bool] = field(init=False)

    def __post_init__(self) -> None:
        self._on = dict.fromkeys(self._switches(), False)

    # --- the cashier ----------------------------------------------------------------------------------------------

    async def press(self, keys: str, *, held: bool = False) -> None:
        """Press keys, one after the other; returns when the kiosk's loop has taken them.

        Raises:
            IsReal: the keypad is.
            NobodyReads: no kiosk took them.
        """
        if self.keys is None:
            raise IsReal("the keypad is the real one: press its keys")
        await self.keys.press(keys, held=held)

    async def state(self) -> dict[str, object]:
        """What the kiosk says of itself; ``off`` without power, ``starting`` while it says nothing or hears no keys."""
        return _named(await self._status())

    async def screen(self) -> str:
        """The lines on the kiosk's screen; empty while it says nothing."""
        lines = (await self._status()).get("screen")
        return "\n".join(map(str, lines)) if isinstance(lines, list) else ""

    async def _status(self) -> Mapping[str, object]:
        try:
            answer = await asyncio.to_thread(ask, self.control, {"command": "status"})
        except OSError:
            answer = {}
        if not self.kiosk.powered:
            return {"state": "off"}
        deaf = self.keys is not None and not self.keys.listeners
        return {"state": "starting"} if deaf or "state" not in answer else answer

    def screen_png(self) -> bytes:
        """The panel's pixels.

        Raises:
            IsReal: the panel is.
        """
        if self.panel is None:
            raise IsReal("the display is the real one: look at it")
        return _png(self.panel.oled.image())

    # --- the paper ------------------------------------------------------------------------------------------------

    def paper(self) -> str:
        """All that was printed, as text.

        Raises:
            IsReal: the printer is.
        """
        return self._printer().roll.text()

    def paper_png(self) -> bytes:
        """The paper that hangs out of the printer, as it looks.

        Raises:
            IsReal: the printer is.
        """
        return _png(self._printer().roll.image())

    def _printer(self) -> TcpPrinter:
        if self.printer is None:
            raise IsReal("the printer is the real one: its paper is beside it")
        return self.printer

    # --- the customer, and what goes wrong --------------------------------------------------------------------------

    def customer(self, action: str) -> dict[str, object]:
        """Let the customer do something with the phone; answers what came of it.

        Raises:
            IsReal: the account is; pay with a real phone.
            ValueError: no such action.
        """
        if self.account is None:
            raise IsReal("the account is the real one: pay with a real phone")
        return self.account.customer(action)

    def phone(self) -> dict[str, object]:
        """What the customer's phone shows, see ``Ledger.phone``.

        Raises:
            IsReal: the account is; look at the real phone.
        """
        if self.account is None:
            raise IsReal("the account is the real one: look at the real phone")
        return self.account.phone()

    def troubles(self) -> dict[str, bool]:
        """Everything that can go wrong here, and whether it does now."""
        return {**(self.account.troubles if self.account else {}), **self._on}

    async def trouble(self, name: str, on: bool) -> None:
        """Make something go wrong, or right again.

        Raises:
            ValueError: no such trouble here.
        """
        if self.account is not None and name in self.account.troubles:
            self.account.set_trouble(name, on)
        elif name not in self._on:
            raise ValueError(f"{name!r} is not one of {', '.join(self.troubles())}")
        else:
            self._on[name] = on
            await self._switches()[name](on)

    def _switches(self) -> dict[str, Callable[[bool], Awaitable[None]]]:
        switches: dict[str, Callable[[bool], Awaitable[None]]] = {}
        if self.printer is not None:
            switches["paper-out"] = self._paper_out
            switches["paper-low"] = self._paper_low
            switches["cover-open"] = self._cover_open
            switches["printer-unplugged"] = self._printer_unplugged
            switches["printer-pulled"] = self._printer_pulled
            switches["printer-mute"] = self._printer_mute
        if self.panel is not None:
            switches["display-unplugged"] = self._display_unplugged
        if self.keys is not None:
            switches["keypad-stuck"] = partial(self._keypad_stuck, self.keys)
            switches["keypad-bouncing"] = partial(self._keypad_bouncing, self.keys)
        switches["power-cut"] = self._power_cut
        return switches

    async def _paper_out(self, on: bool) -> None:
        self._printer().load_paper(not on)

    async def _paper_low(self, on: bool) -> None:
        self._printer().low = on

    async def _cover_open(self, on: bool) -> None:
        self._printer().shut_cover(not on)

    async def _printer_unplugged(self, on: bool) -> None:
        if on:
            self._printer().unplug()
        elif not self._printer().pulled:
            await self._printer().plug_in()

    async def _printer_pulled(self, on: bool) -> None:
        self._printer().pull(on)
        if not on and not self._on["printer-unplugged"]:
            await self._printer().plug_in()

    async def _printer_mute(self, on: bool) -> None:
        self._printer().mute = on

    async def _display_unplugged(self, on: bool) -> None:
        if self.panel is not None:
            self.panel.plug(not on)

    async def _keypad_stuck(self, keys: Keys, on: bool) -> None:
        keys.stuck = JAMMED if on else ""
        with suppress(NobodyReads):  # A kiosk that starts later is told then.
            await keys.press("")

    async def _keypad_bouncing(self, keys: Keys, on: bool) -> None:
        keys.bouncing = on

    async def _power_cut(self, on: bool) -> None:
        if not on:
            self.kiosk.power_on()
            return
        await self.kiosk.cut()
        if self.panel is not None:  # It has the kiosk's power; the printer has its own.
            self.panel.darken()

    # --- the page -------------------------------------------------------------------------------------------------

    async def view(self) -> dict[str, object]:
        """All that the page shows, in one answer; ``pixels`` and ``paper`` change when the pictures do."""
        seen = {
            "pixels": self.panel.transfers if self.panel else None,
            "paper": self.printer.printed if self.printer else None,
        }
        status = await self._status()  # Asked after it, so that a paper that is seen is one that the state knows of.
        return {
            **_named(status),
            "lights": status.get("lights"),
            "tune": status.get("tune"),
            **seen,
            "phone": self.account.phone() if self.account else None,
            "troubles": self.troubles(),
            "keypad": self.keys is not None,
            "supervisor": {"name": SUPERVISOR, "pin": PIN} if self.account else None,
        }


def _named(status: Mapping[str, object]) -> dict[str, object]:
    return {name: status.get(name) for name in ("state", "sale", "health", "obligations")}


def _png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
