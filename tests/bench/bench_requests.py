"""How many requests a sale costs, and how long a paid customer waits for the ticket, by polling. In virtual time.

    python tests/bench/bench_requests.py [--sales N]

The line is steady: a request is at Mercado Pago after half a round trip, its answer back after the other half. Requests
are counted as they travel (a deep look is one in each index), from the guard to the ticket, watches excluded.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parents[2]))

from kiosk.sale.commands import AskAccount, Command, Depth, Lane, Look, PaymentCall, Print
from kiosk.sale.moves import LOOK_S
from kiosk.sale.states import Paid
from tests.story import SHOP
from tests.world import World
from tests.world_line import Line
from tests.world_provider import Order

ROUND_TRIP_S = 0.2
PAID_AFTER_S = 30.0
REQUESTS_BUDGET = 20
DELAY_BUDGET_S = LOOK_S / 2 + ROUND_TRIP_S + 0.05
INSTANTS_S = (3.0, 100.0)
"""Payments are drawn from here: the first two minutes, in which the kiosk looks every two seconds."""


class SteadyLine(Line):
    """Nothing goes wrong; counts what the front asks."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._shop = world
        self.requests = 0

    def carry(self, call: PaymentCall) -> None:
        if call.lane is Lane.FRONT and not isinstance(call, AskAccount):
            self.requests += 2 if isinstance(call, Look) and call.depth is Depth.ALL else 1
        self._shop.later(ROUND_TRIP_S / 2, self._arrives, call)

    def _arrives(self, call: PaymentCall) -> None:
        self._shop.later(ROUND_TRIP_S / 2, self._shop.hear, self._shop.provider.answer(call, self._shop.now))


class SteadyWorld(World):
    """No chance and no faults; notes when the customer paid, and when the ticket was sent."""

    def __init__(self) -> None:
        super().__init__(lambda _: 0, shop=SHOP)
        self.line = self.steady = SteadyLine(self)
        self.paid_at = self.printed_at = 0.0

    def _do(self, command: Command) -> None:
        if isinstance(command, Print):
            self.printed_at = self.at
        super()._do(command)

    def sold_after(self, seconds: float) -> SteadyWorld:
        """One sale, paid so long after its order came onto the POS."""

        def pays(order: Order) -> None:
            self.later(seconds, lands, order)

        def lands(order: Order) -> None:
            self.paid_at = self.at
            self.provider.begin(order)
            self.provider.land(order, self.now)

        self.customer = pays
        self.until_ready()
        self.keys("5D")
        self.steady.requests = 0
        self.press("#")
        while not isinstance(self.counter.state, Paid):
            self.next()
        return self


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sales", type=int, default=500, help="how many tickets to wait for")
    sales = parser.parse_args().sales
    requests = SteadyWorld().sold_after(PAID_AFTER_S).steady.requests
    print(
        f"a sale paid after {PAID_AFTER_S:.0f} s: {requests} requests"
        f" = {requests / REQUESTS_BUDGET:.2f} of the budget ({REQUESTS_BUDGET})"
    )
    draw = Random(1)
    worlds = [SteadyWorld().sold_after(draw.uniform(*INSTANTS_S)) for _ in range(sales)]
    delays = [world.printed_at - world.paid_at for world in worlds]
    mean = statistics.mean(delays)
    print(
        f"paid to ticket, polling every {LOOK_S:.0f} s, round trip {ROUND_TRIP_S} s: mean {mean:.3f} s"
        f" = {mean / DELAY_BUDGET_S:.2f} of the budget ({DELAY_BUDGET_S:.2f} s);"
        f" longest {max(delays):.2f} s of {sales} sales"
    )


if __name__ == "__main__":
    main()
