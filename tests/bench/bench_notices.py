"""A flood of notifications at the listener while a sale runs: what is answered, what a key's way to the panel costs.

    python tests/bench/bench_notices.py [--full]

A thousand a second (2 s; 10 s with ``--full``) over 16 connections from a process of its own: real ones, repeated ones,
strangers', garbage, bodies that are too large, wrong paths. Meanwhile a cashier presses keys at a waiting sale, and the
time from a key to the picture that it changes is compared with its quiet value, median against median, in one run. In
truth a flood comes from elsewhere; here its process shares the processors, so it gives way (nice), and says how long it
took.

Prints ratios and asserts only what a busy machine cannot change: every one is answered, with 200 or with the refusal
that it deserves, the sale is paid, its ticket comes out once, and a look at a stranger's order is rare.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter as Tally
from pathlib import Path
from time import monotonic, perf_counter, sleep
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.bench.bench_start import memory_kib_of
from tests.counter_client import Counter, virtual_counter

RATE: Final = 1000
CONNECTIONS: Final = 16
KEYS_PER_S: Final = 6
QUIET_S: Final = 2.0
LOOK_S: Final = 0.001
SETTLE_S: Final = 0.02
GIVES_WAY: Final = 10
PATIENCE_S: Final = 10.0
BUDGET: Final = 1.5
ALLOWED: Final = {200: {200, 429}, 400: {400, 429}, 404: {404, 429}, 413: {413, 429}}
"""What each may be answered with, by what it deserves."""


# --- the flood: a process of its own ----------------------------------------------------------------------------------


def message(number: int, path: str) -> tuple[int, bytes]:
    """The status that it deserves, and the request."""
    kind = number % 20
    if kind == 0:
        return _request(400, path, b"garbage")
    if kind == 1:
        return _request(404, "/elsewhere?topic=payment&id=1", b"")
    if kind == 2:
        return _request(413, path, b"x" * 20_000)
    if kind < 8:  # the same one again and again
        return _request(200, f"{path}?topic=merchant_order&id=77", b"")
    body = {"type": "topic_merchant_order_wh", "id": 10**9 + number, "status": "closed"}
    return _request(200, path, json.dumps(body).encode())


def _request(status: int, target: str, body: bytes) -> tuple[int, bytes]:
    head = f"POST {target} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    return status, head.encode() + body


async def flood(port: int, path: str, seconds: float) -> dict[str, int]:
    """Send at the rate, whatever comes back; answers how often what was answered."""
    answered: Tally[str] = Tally()

    async def caller(first: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        began = monotonic()
        for turn in range(int(seconds * RATE / CONNECTIONS)):
            await asyncio.sleep(max(0.0, began + turn * CONNECTIONS / RATE - monotonic()))
            deserved, request = message(first + turn * CONNECTIONS, path)
            writer.write(request)
            try:
                async with asyncio.timeout(PATIENCE_S):
                    head = await reader.readuntil(b"\r\n\r\n")
            except (OSError, EOFError):
                answered["nothing"] += 1
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                continue
            status = int(head.split()[1])
            answered[str(status) if status in ALLOWED[deserved] else f"{status} for {deserved}"] += 1
        writer.close()

    began = monotonic()
    await asyncio.gather(*(caller(first) for first in range(CONNECTIONS)))
    return {**answered, "ms": int((monotonic() - began) * 1000)}


# --- the cashier ------------------------------------------------------------------------------------------------------


def pixels(counter: Counter) -> int:
    """How much was sent to the panel so far."""
    return int(counter.client.get("/view").json()["pixels"])


def key_to_screen_s(counter: Counter) -> float:
    """``*`` at a waiting sale asks whether to cancel, and the next one takes the question back."""
    before = pixels(counter)
    sleep(SETTLE_S)
    while before != (before := pixels(counter)):  # the seconds on the screen count, too: press between two of them
        sleep(SETTLE_S)
    pressed_at = perf_counter()
    counter.press("*")
    while pixels(counter) == before:
        assert perf_counter() - pressed_at < PATIENCE_S
        sleep(LOOK_S)
    return perf_counter() - pressed_at


def keys_for(counter: Counter, seconds: float) -> list[float]:
    """Press keys for so long."""
    until, times = monotonic() + seconds, []
    while monotonic() < until:
        times.append(key_to_screen_s(counter))
        sleep(1 / KEYS_PER_S)
    return times


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--flood", nargs=3, metavar=("PORT", "PATH", "SECONDS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.flood:
        port, path, seconds = options.flood
        os.nice(GIVES_WAY)
        print(json.dumps(asyncio.run(flood(int(port), path, float(seconds)))))
        return
    seconds = 10.0 if options.full else 2.0
    with tempfile.TemporaryDirectory() as folder, virtual_counter(Path(folder)) as counter:
        measure(counter, seconds)


def measure(counter: Counter, seconds: float) -> None:
    """One sale, quiet and in the flood."""
    config: dict[str, Any] = tomllib.loads(counter.config.read_text())
    _, _, port = config["notifications"]["listen"].rpartition(":")
    counter.sell("2500")
    quiet, memory = keys_for(counter, max(QUIET_S, seconds / 2)), memory_kib_of(counter.pid)
    command = [sys.executable, __file__, "--flood", port, "/notices", str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as flooding:
        noisy = keys_for(counter, seconds)
        said, _ = flooding.communicate(timeout=seconds * 5 + 30)
    flooded, heard = memory_kib_of(counter.pid), counter.status().health["notifications"]
    quiet += keys_for(counter, max(QUIET_S, seconds / 2))  # before and after: the machine has other things to do, too
    answers: dict[str, int] = json.loads(said)
    took_ms = answers.pop("ms")
    assert counter.customer("pay")
    counter.until_state("paid")
    counter.until(lambda _: len(counter.papers()) == 1)
    wrong = {name: count for name, count in answers.items() if not name.isdigit()}
    assert not wrong, wrong
    assert heard["asked"] <= took_ms / 1000 + 3, "one a second"
    told = ", ".join(f"{count} with {status}" for status, count in sorted(answers.items()))
    print(f"{sum(answers.values())} notifications in {took_ms / 1000:.1f} s, all answered: {told}")
    print(f"names asked for at Mercado Pago: {heard['asked']} (one a second)")
    middle, disturbed = statistics.median(quiet) * 1000, statistics.median(noisy) * 1000
    print(
        f"key to screen, median of {len(quiet)} quiet {middle:.1f} ms, of {len(noisy)} in it {disturbed:.1f} ms: "
        f"ratio {disturbed / middle:.2f} (budget {BUDGET})"
    )
    print(
        f"memory (Rss) {memory['Rss'] / 1024:.1f} MiB, after the flood {flooded['Rss'] / 1024:.1f} MiB: "
        f"ratio {flooded['Rss'] / memory['Rss']:.2f}"
    )


if __name__ == "__main__":
    main()
