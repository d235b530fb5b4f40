"""What the two lights say, learnable at a glance: a pure function of the counter, as the screen is.

Green shines steadily in one case only: the money is there (L1). What is not known blinks fast in red: do not deliver.
The rest a cashier may learn, or read on the panel; with a dead panel they are all there is besides the sounds.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final, assert_never

from kiosk.sale.basket import Choosing
from kiosk.sale.counter import Counter
from kiosk.sale.days import DayShown
from kiosk.sale.giving import Giving, Inquiring, Picking, Settling, Signing, Sizing
from kiosk.sale.screens import icons
from kiosk.sale.states import (
    Adopting,
    Blocked,
    Checking,
    Clearing,
    Confirming,
    Entering,
    Guarding,
    Idle,
    Menu,
    Notice,
    NoticeKind,
    Paid,
    Placing,
    Recent,
    Starting,
    Waiting,
    Withdrawing,
)


class Shine(Enum):
    """How a light shines."""

    DARK = "dark"
    STEADY = "steady"
    FLASH = "flash"
    """A short flash every few seconds: alive, and at rest."""
    SLOW = "slow"
    FAST = "fast"


@dataclass(frozen=True, slots=True)
class Lights:
    """The green light and the red one."""

    green: Shine = Shine.DARK
    red: Shine = Shine.DARK


OUT: Final = Lights()
"""No kiosk runs."""
PAID: Final = Lights(green=Shine.STEADY)
NOT_READY: Final = Lights(red=Shine.STEADY)
SENDING: Final = Lights(green=Shine.FAST)
SCAN: Final = Lights(green=Shine.SLOW)
SCAN_AGAIN: Final = Lights(green=Shine.SLOW, red=Shine.SLOW)
"""The customer may still pay; the last payment was rejected, is under review, or was not the whole amount."""
ASKED: Final = Lights(green=Shine.FLASH, red=Shine.SLOW)
"""Key ``1`` confirms the amount."""
OVER: Final = Lights(red=Shine.SLOW)
"""The sale ended without money."""
UNKNOWN: Final = Lights(red=Shine.FAST)
"""Nobody knows whether it is paid: do not deliver."""
ALARMS: Final = frozenset({NoticeKind.NOT_CONFIRMED, NoticeKind.OTHER_DEVICE})


def lights(counter: Counter) -> Lights:
    """How the lights shine for the counter as it is now."""
    if counter.gone:
        return OUT
    state = counter.state
    match state:
        case Paid():
            return PAID
        case Idle() | Menu() | Recent() | DayShown() | Entering() | Choosing():
            return _at_rest(counter)
        case Picking() | Inquiring() | Sizing() | Signing() | Giving() | Settling():
            return _at_rest(counter)
        case Confirming():
            return ASKED
        case Guarding():
            return SENDING
        case Clearing():
            return SENDING if state.then else NOT_READY
        case Placing():
            return UNKNOWN if _blind(counter) else SENDING
        case Waiting():
            if _blind(counter) or state.wrong:
                return UNKNOWN
            return SCAN_AGAIN if state.rejected or state.pending or state.part_cents else SCAN
        case Adopting() | Withdrawing() | Checking():
            return UNKNOWN
        case Notice():
            return UNKNOWN if state.kind in ALARMS else OVER
        case Starting() | Blocked():
            return NOT_READY
        case _:
            assert_never(state)


def _at_rest(counter: Counter) -> Lights:
    return Lights(Shine.FLASH, Shine.FLASH if _wants_a_look(counter) else Shine.DARK)


def _blind(counter: Counter) -> bool:
    return counter.health.trouble is not None or counter.health.reject is not None


def _wants_a_look(counter: Counter) -> bool:
    """Whatever has a sign in the panel's corner, and a panel that cannot show it."""
    return bool(counter.health.panel) or bool(icons(counter))
