"""Notifications end to end: the virtual counter's account sends them, and what may become of one on its way."""

from __future__ import annotations

import http.client
import tomllib
from pathlib import Path

import pytest

from kiosk.sale.records import Mark
from tests.counter_books import audit
from tests.counter_client import Counter, virtual_counter

pytestmark = pytest.mark.slow


def address(counter: Counter) -> tuple[str, int]:
    """Where the kiosk listens."""
    listen = tomllib.loads(counter.config.read_text())["notifications"]["listen"]
    host, _, port = str(listen).rpartition(":")
    return host, int(port)


def notify(counter: Counter, query: str) -> int:
    """Send one by hand; answers the status."""
    client = http.client.HTTPConnection(*address(counter), timeout=10)
    try:
        client.request("POST", f"/notices?{query}")
        with client.getresponse() as answer:
            return answer.status
    finally:
        client.close()


def test_forged_lost_repeated_and_late_notifications(tmp_path: Path) -> None:
    """One shop's day of them: no ticket without the account's word, one ticket with it, and late money in its place."""
    with virtual_counter(tmp_path) as counter:
        # Forged: "closed", twice a second, for the very order that a phone has before it.
        counter.sell("2500")
        assert counter.customer("scan")
        counter.trouble("notices-forged", True)
        counter.until(lambda status: status.health["notifications"].get("heard", 0) >= 4)
        assert counter.status().state == "waiting"
        assert not counter.papers()
        counter.trouble("notices-forged", False)
        # Repeated, and out of order: one ticket all the same.
        counter.trouble("notices-repeated", True)
        counter.trouble("notices-out-of-order", True)
        assert counter.customer("confirm")
        counter.until_state("paid")
        counter.trouble("notices-repeated", False)
        counter.trouble("notices-out-of-order", False)
        counter.leave()
        assert [paper.number for paper in counter.papers()] == [1]
        # The phone scans, the cashier cancels, and the kiosk is away when the phone pays: nobody takes what is sent.
        counter.sell("700")
        assert counter.customer("scan")
        counter.cancel()
        counter.until_state("notice")
        with counter.without_power():
            paid = counter.client.post("/customer", json={"action": "confirm"}).json()
            assert paid["ok"]
        counter.until_state("idle")
        # Hours later it comes at last, and comes again.
        for _ in range(2):
            assert notify(counter, f"topic=merchant_order&id={paid['merchant_order']}") == 200
            assert notify(counter, f"topic=payment&id={paid['payments'][0]}") == 200
        counter.until(lambda _: len(counter.papers()) == 2)
        assert Mark.PAID_AFTER_CANCEL in counter.papers()[1].marks
        notify(counter, f"topic=payment&id={paid['payments'][0]}")
        assert notify(counter, "topic=payment&id=../users/me") == 400
        told = counter.kiosk("status", "--config", str(counter.config)).stdout
        assert "notifications: " in told
        assert "(1 refused)" in told
        assert len(counter.papers()) == 2
        audit(counter)
