"""The simulated shop where most sales are of several items: a generator of its own.

The days of ``world_day`` stay what their seeds stand for. Here every amount that a situation types is rung up as
items instead, by other keys, and nothing else differs: the same customers, troubles and power cuts. The laws hold each
sale to what was rung up (L5), ``world_adapters`` what is sent, heard and kept.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Final

from kiosk.sale.shop import Preset, Shop
from tests.story import SHOP
from tests.world import Choose, World
from tests.world_adapters import DiskWorld, WireWorld

PRESETS: Final = (Preset("Café", 450), Preset("Pão", 900))
WAYS: Final = MappingProxyType(
    {
        "5D#": ("2DA3D#", "2B25D#", "5D#A*#", "1B1BA*D50AB#"),
        "7D#": ("3B2DA*5DA2D#", "C1A25DA#", "2B35DA**7D#", "7DA5DA*#"),
        "12D#": ("4B3D#", "C3C1C*50A2BC2*7D#", "1250B**D#", "C2C2**12D#"),
        "9D#": ("C2#", "2BC1C2*#", "C*#", "999B999999A**9D#"),
    }
)
"""Ways to ring up about as much. Some keys do nothing where they are pressed: they must do nothing."""


class Shopping(World):
    """What is typed are items."""

    def __init__(self, choose: Choose, *, laws: bool = True, shop: Shop | None = None) -> None:
        super().__init__(choose, laws=laws, shop=shop or replace(SHOP, wait_s=10, roll_m=3, presets=PRESETS))

    def sell(self, keys: str) -> None:
        """As many items as the ways above say."""
        super().sell(self.pick(WAYS[keys]) if keys in WAYS else keys)


class ShoppingOnTheWire(Shopping, WireWorld):
    """Every order and answer went through the adapter."""


class ShoppingOnDisk(Shopping, DiskWorld):
    """Every row was on the disk."""
