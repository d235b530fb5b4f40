"""How long the machine may stay in a state (L8, R25): the tables that the simulated world holds it to."""

from __future__ import annotations

from typing import Final

from kiosk.sale.basket import Choosing
from kiosk.sale.days import DayShown
from kiosk.sale.giving import Giving, Inquiring, Picking, Settling, Signing, Sizing
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
    Paid,
    Placing,
    Recent,
    Starting,
    State,
    Withdrawing,
)

# How long the machine may stay in a state. The first by its own deadlines, whatever the world does; the second once
# the world is quiet (R25). Both with a request's own 10.5 s, where one may be in flight, and a second for good measure.
BY_ITSELF_S: Final[dict[type[State], float]] = {
    Menu: 21.0,
    Recent: 32.0,
    DayShown: 21.0,
    Picking: 61.0,
    Inquiring: 32.0,
    Sizing: 61.0,
    Signing: 61.0,
    Giving: 61.0,
    Settling: 21.0,
    Entering: 61.0,
    Choosing: 61.0,
    Confirming: 61.0,
    Guarding: 16.0,
    Placing: 46.0,
    Checking: 31.0,
    Notice: 21.0,
}
FOLLOWED_S: Final = 31.0
"""After a power cut an order is followed until half a minute before its death, which is 60 s after the sale's time."""
WHEN_QUIET_S: Final[dict[type[State], float]] = {
    Starting: 60.0,
    Blocked: 60.0,
    Clearing: 60.0,
    Adopting: 60.0,
    Withdrawing: 61.0,
}
RESTING: Final = frozenset({Starting, Blocked, Idle, Menu, Recent, DayShown, Paid, Notice})
TYPED_IN: Final = frozenset(
    {Entering, Choosing, Confirming, Menu, Recent, DayShown, Picking, Sizing, Signing, Settling}
)
"""Each key begins their time anew."""
