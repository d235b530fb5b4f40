"""The picture that stands on the panel while no kiosk runs, drawn by another process: ``kiosk panel``.

A kiosk that ends in order leaves STOPPED there. One that is killed leaves whatever it showed last: a PAID, or a sale
that seems to wait. So the unit runs this after each end (``ExecStopPost=``), however it came to it, and what stands
there is true until the next start draws its own. systemd tells how it ended ($SERVICE_RESULT, $EXIT_CODE and
$EXIT_STATUS: systemd.exec(5)), and its list of jobs what follows.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import TYPE_CHECKING, Final

from kiosk.config import PanelConfig
from kiosk.ports import Clock
from kiosk.sale.screens import not_running
from kiosk.sale.words import Down
from kiosk.worker import Crash, Painter

if TYPE_CHECKING:
    from gpiozero import Factory

    from kiosk.display import Wire

UNIT: Final = "kiosk.service"
_OFF: Final = {("poweroff.target", "start"), ("halt.target", "start")}
_BOOT: Final = {(f"{how}.target", "start") for how in ("reboot", "kexec", "soft-reboot")}
_FAILED: Final = ("exited", "2")
"""A mistake in the configuration: the unit does not start it again (``RestartPreventExitStatus=``)."""


def why_down(environ: Mapping[str, str], jobs: Set[tuple[str, str]] | None) -> Down:
    """Why no kiosk runs now.

    Args:
        environ: what systemd tells a command of ``ExecStopPost=``.
        jobs: units and what is to become of them; None: systemd did not say. Then a kiosk that ended in order counts as
            stopped, and any other as about to be restarted.
    """
    result, known = environ.get("SERVICE_RESULT", ""), jobs or set()
    if known & _OFF:
        return Down.OFF
    if known & _BOOT:
        return Down.RESTARTING
    if (environ.get("EXIT_CODE"), environ.get("EXIT_STATUS")) == _FAILED:
        return Down.FAILED
    if not result or (UNIT, "stop") in known or (jobs is None and result == "success"):
        return Down.STOPPED
    return Down.RESTARTING


def leave(config: PanelConfig, why: Down, clock: Clock, wire: Wire | None) -> str:
    """Draw it and leave it there; answers what is wrong with the panel, empty where nothing is.

    Takes no longer than a worker's end may (``kiosk.worker.JOIN_S``), whatever the bus does.
    """
    from kiosk.display import Panel

    if config.display.driver == "none":
        return "[display] driver is none"
    posted: list[object] = []
    try:
        panel = Panel(config.display, clock, wire, pins=_pins(config, wire))
    except ValueError as error:  # luma has no such panel in that size
        return str(error)
    painter = Painter(panel, posted.append)
    painter.show(not_running(config.language, why))
    painter.close()
    for crash in posted:
        if isinstance(crash, Crash):
            return repr(crash.error)
    return panel.fault or ("" if panel.shown else "its bus hangs")


def _pins(config: PanelConfig, wire: Wire | None) -> Factory | None:
    """The header's pins, where the panel needs some and they can be had."""
    if config.display.interface != "spi" or wire:
        return None
    from kiosk.keypad import KeypadError, open_pins

    try:
        return open_pins(config.pins)
    except KeypadError:
        return None  # luma looks for its own, and says what it misses
