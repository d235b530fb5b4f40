"""What the counter depends on, as it was last seen: the provider and its clock, printer, display, keypad, journal."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from kiosk.sale.events import (
    Answer,
    Device,
    DeviceIs,
    Event,
    Fault,
    Paper,
    PaperIs,
    Printed,
    PrintFailed,
    Refused,
    Reject,
    Trouble,
    Unknown,
)

if TYPE_CHECKING:
    from kiosk.sale.turn import Turn

JUMP_S: Final = 120.0
"""A provider's clock that differs by more from what it showed before may be one wrong answer."""
TICK_S: Final = 1.0
"""The provider's ``Date`` counts whole seconds: one that differs by less says nothing new."""


@dataclass(frozen=True, slots=True)
class Health:
    """What we depend on, as last seen."""

    offset: float | None = None
    """The provider's clock minus the monotonic one."""
    odd_offset: float | None = None
    """The same by one answer that disagreed; the next one decides."""
    answered_at: float | None = None
    """When the provider last answered (monotonic)."""
    trouble: Trouble | None = None
    """Why the last request to it was not answered; None: it was."""
    reject: Reject | None = None
    """Why it last refused us; None: it did not."""
    paper: Paper | None = None
    """The printer's last word; None: not asked yet."""
    panel: tuple[Fault, ...] | None = None
    """What is wrong with the display; None: it was not heard of, or there is none. So with the next two."""
    keypad: tuple[Fault, ...] | None = None
    sound: tuple[Fault, ...] | None = None
    journal: bool = True
    """The journal can be written."""
    set_aside: tuple[str, ...] = ()
    """Names of damaged journals that lie beside the present one: the technician must look at them."""
    wrong_account: bool = False
    """The token belongs to another account than the configured one."""
    account_known: bool = False
    test_account: bool = False
    minimum: int = 0
    """The account's own smallest amount, in minor units; 0: not known."""

    def provider_time(self, mono: float) -> float | None:
        """The provider's clock now, seconds since 1970; None where it was never seen."""
        return None if self.offset is None else self.offset + mono

    def heard(self, answer: Answer, mono: float) -> Health:
        """The health after an answer that the front waited for."""
        health = self.told_time(answer, mono)
        match answer:
            case Unknown():
                return replace(health, trouble=answer.trouble)
            case Refused():
                return replace(health, trouble=None, reject=answer.reject, answered_at=mono)
            case _:
                return replace(health, trouble=None, reject=None, answered_at=mono)

    def told_time(self, answer: Answer, mono: float) -> Health:
        """The health after any answer's ``Date``. One that jumps is believed when a second one agrees with it."""
        if answer.date is None:
            return self
        offset = answer.date - mono
        if self.offset is not None and self.odd_offset is None and abs(offset - self.offset) < TICK_S:
            return self
        known = [o for o in (self.offset, self.odd_offset) if o is not None]
        if self.offset is not None and all(abs(offset - o) > JUMP_S for o in known):
            return replace(self, odd_offset=offset)
        return replace(self, offset=offset, odd_offset=None)

    def faults(self, device: Device) -> tuple[Fault, ...] | None:
        """What is wrong with that device; None: it was not heard of, or there is none."""
        match device:
            case Device.PANEL:
                return self.panel
            case Device.KEYPAD:
                return self.keypad
            case Device.SOUND:
                return self.sound

    def device_said(self, event: object) -> Health:
        """The health after a word of the printer, or of another device; any other event changes nothing."""
        match event:
            case DeviceIs(device=device, faults=faults) if faults == self.faults(device):
                return self
            case DeviceIs(device=Device.PANEL, faults=faults):
                return replace(self, panel=faults)
            case DeviceIs(device=Device.KEYPAD, faults=faults):
                return replace(self, keypad=faults)
            case DeviceIs(device=Device.SOUND, faults=faults):
                return replace(self, sound=faults)
            case PaperIs(paper=paper) | PrintFailed(paper=paper):
                pass
            case Printed():
                paper = Paper.OK if event.sure else Paper.SILENT
            case _:
                return self
        return self if paper is self.paper else replace(self, paper=paper)


def tell(before: Health, turn: Turn, event: Event) -> None:
    """What the panel shows as an icon, the service's log tells once, with the reason and the provider's request id."""
    now = turn.health
    if now.trouble is not before.trouble or now.reject is not before.reject:
        reason = now.trouble or now.reject
        answer = event if isinstance(event, Refused | Unknown) else None
        if reason:
            told = ", ".join(filter(None, (reason.value, answer.detail if answer else "")))
            what = "gives no answer" if now.trouble else "refuses"
            turn.note("provider-fails", f"the provider {what}: {told}", answer=answer, level=4)
        else:
            turn.note("provider-answers", "the provider answers again", level=5)
    if now.paper is not before.paper and now.paper:
        detail = event.detail if isinstance(event, PaperIs) else ""
        told = ", ".join(filter(None, (now.paper.value, detail)))
        turn.note("printer", f"the printer: {told}", level=6 if now.paper.usable else 4)
    if isinstance(event, DeviceIs):
        name, known = event.device.value, before.faults(event.device) or ()
        for fault in event.faults:
            if fault not in known:
                turn.note(name, fault.text, level=4)
        if known and not event.faults:
            turn.note(name, f"the {name} works again", level=5)
