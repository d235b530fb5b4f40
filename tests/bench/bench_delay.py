"""From paid at Mercado Pago to the first byte of the ticket, in real time through the virtual counter.

    python tests/bench/bench_delay.py [--sales N]

First by polling alone, every notification lost, then with notifications. Prints the delays, their mean and its ratio to
the budget: half the poll period, one round trip and 50 ms; with a notification one round trip and 50 ms. Asserts
nothing. The customers' payments are spread evenly over one poll period, so that the mean is not a matter of luck. A
byte is seen within some milliseconds of its arrival, on the side of the longer delay.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path
from time import perf_counter, sleep
from typing import Final

from tests.counter_books import Account, audit
from tests.counter_client import Counter, virtual_counter

POLL_PERIOD_S: Final = 2.0
"""How often a waiting kiosk looks in the first two minutes (R9)."""
OVERHEAD_S: Final = 0.050
LOOK_S: Final = 0.002
"""Between two looks at the printer."""
ROUND_TRIPS: Final = 21
PATIENCE_S: Final = 60.0


def delay_s(counter: Counter, pays_after_s: float) -> float:
    """Sell once to a customer who pays so long after the order is there; answers the seconds from paid to paper."""
    before = printed(counter)
    counter.press("2500#")
    while counter.status().state != "waiting":  # seen at once: the kiosk's looks are counted from here
        sleep(LOOK_S)
    sleep(pays_after_s)
    assert counter.customer("pay")
    paid_at = perf_counter()
    while printed(counter) == before:
        assert perf_counter() - paid_at < PATIENCE_S
        sleep(LOOK_S)
    seconds = perf_counter() - paid_at
    audit(counter)
    counter.leave()
    return seconds


def printed(counter: Counter) -> int:
    """Bytes that the printer has printed."""
    return int(counter.client.get("/view").json()["paper"])


def round_trip_s(counter: Counter) -> float:
    """A question to the account over the kiosk's line and its answer, the median of some."""
    account = Account(counter)
    seconds = []
    for _ in range(ROUND_TRIPS):
        asked_at = perf_counter()
        account.payments()
        seconds.append(perf_counter() - asked_at)
    return statistics.median(seconds)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sales", type=int, default=4)
    sales = parser.parse_args().sales
    with tempfile.TemporaryDirectory() as folder, virtual_counter(Path(folder)) as counter:
        counter.trouble("notices-lost", True)
        polled = [delay_s(counter, (number + 0.5) / sales * POLL_PERIOD_S) for number in range(sales)]
        counter.trouble("notices-lost", False)
        notified = [delay_s(counter, (number + 0.5) / sales * POLL_PERIOD_S) for number in range(sales)]
        trip_s = round_trip_s(counter)
    report("polling", polled, POLL_PERIOD_S / 2 + trip_s + OVERHEAD_S)
    report("with a notification", notified, trip_s + OVERHEAD_S)
    half = f"half of {POLL_PERIOD_S:.0f} s"
    print(f"budget: a round trip of {trip_s * 1000:.1f} ms and {OVERHEAD_S * 1000:.0f} ms; polling {half} more")


def report(how: str, delays: list[float], budget_s: float) -> None:
    """The delays, their mean, and its ratio to the budget."""
    mean_s = statistics.mean(delays)
    print(f"paid to first ticket byte, {how}:", ", ".join(f"{s * 1000:.0f}" for s in sorted(delays)), "ms")
    print(f"  mean {mean_s * 1000:.0f} ms, budget {budget_s * 1000:.0f} ms: ratio {mean_s / budget_s:.2f} (budget 1)")


if __name__ == "__main__":
    main()
