"""What is rung up in a simulated shop that sells items: ways to type an amount as several of them.

Such a shop has things at a fixed price, and its cashiers type what another shop's type as one amount as items instead.
Nothing else differs: the same customers, troubles and power cuts. The laws hold each sale to what was rung up (L5);
``world_adapters`` hold what is sent, heard and kept to it.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from kiosk.sale.shop import Preset

PRESETS: Final = (Preset("Café", 450), Preset("Pão", 900))
WAYS: Final = MappingProxyType(
    {
        "5D#": ("2DA3D#", "2B25D#", "5D#A*#", "1B1BA*D50AB#"),
        "7D#": ("3B2DA*5DA2D#", "C1A25DA#", "2B35DA**7D#", "7DA5DA*#"),
        "12D#": ("4B3D#", "C3C1C*50A2BC2*7D#", "1250B**D#", "C2C2**12D#"),
        "9D#": ("C2#", "2BC1C2*#", "C*#", "999B999999A**9D#"),
    }
)
"""For about as much. Some keys do nothing where they are pressed: they must do nothing."""
