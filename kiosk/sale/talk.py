"""One conversation with the provider, as a value: what is in flight, and until when."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

NEVER: Final = math.inf


@dataclass(frozen=True, slots=True)
class Talk:
    """One conversation with the provider: a request in flight, or a pause before the next one."""

    request: int = 0
    """The number of the request in flight; 0: none."""
    until: float = NEVER
    """In flight: when the machine gives it up as unknown, whatever the network library does. Else: when to ask."""
    tries: int = 0
    """Unknown answers in a row."""

    def due(self, mono: float) -> bool:
        """Nothing is in flight, and it is time to ask."""
        return not self.request and mono >= self.until

    def silent(self, mono: float) -> bool:
        """The request in flight is over its time: the machine's own deadline (R20)."""
        return bool(self.request) and mono >= self.until
