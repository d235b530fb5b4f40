"""Mercado Pago's seven "events to validate", one test each, told to the real program over the virtual counter's HTTP.

Source: Mercado Pago, QR attended model, "test purchase" and the integration's acceptance: scan before an order exists;
scan; approved; rejected; a second attempt; refund; cancel. Both sides are looked at: the customer's phone and the till.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kiosk.sale.recent import Known
from kiosk.sale.states import Found
from tests.counter_books import Account, audit, brl
from tests.counter_client import WORDS, Counter
from tests.side_by_side import Story, Told, selected, told_side_by_side

pytestmark = pytest.mark.slow


def scan_before_an_order_exists_shows_the_waiting_screen(counter: Counter) -> None:
    """Nobody can type an amount of their own: the POS has a fixed one."""
    assert not counter.customer("scan")
    assert counter.phone()["screen"] == "waiting"
    counter.press("2500")
    assert not counter.customer("scan"), "an amount that is only typed is not on the QR"
    assert counter.phone()["screen"] == "waiting"


def scan_shows_the_right_amount(counter: Counter) -> None:
    """The one that was typed, with the shop's name (L5)."""
    reference = counter.sell("98765")
    assert counter.customer("scan")
    phone = counter.phone()
    assert (phone["screen"], phone["amount"], phone["reference"]) == ("order", "R$ 987,65", reference)
    assert phone["title"]
    assert "987,65" in counter.screen()


def approved(counter: Counter) -> None:
    """Paid on the phone, PAID at the till, a ticket."""
    counter.sell("2500")
    assert counter.customer("pay")
    assert counter.phone()["screen"] == "paid"
    counter.until_state("paid")
    [ticket] = audit(counter).tickets
    assert (ticket.total, ticket.original) == (brl(2500), True)


def rejected_and_the_order_stays(counter: Counter) -> None:
    """The till keeps waiting, and says why; nothing is printed."""
    reference = counter.sell("2500")
    assert counter.customer("reject")
    assert counter.phone()["screen"] == "rejected"
    counter.until_screen(WORDS.rejected)
    assert counter.status().state == "waiting"
    assert Account(counter).order() == reference
    assert counter.papers() == []


def second_attempt_succeeds_because_the_order_was_not_deleted(counter: Counter) -> None:
    """With the phone that was refused, without a new scan."""
    reference = counter.sell("2500")
    assert counter.customer("reject")
    counter.until_screen(WORDS.rejected)
    assert counter.customer("confirm")
    assert counter.phone()["reference"] == reference
    counter.until_state("paid")
    [ticket] = audit(counter).tickets
    assert ticket.original


def refund(counter: Counter) -> None:
    """Given back in the account: the till says so when it is asked, and prints nothing for money that is gone."""
    counter.sell("2500")
    assert counter.customer("pay")
    counter.until_state("paid")
    audit(counter)
    counter.leave()
    counter.press("C")
    counter.until_screen(WORDS.known[Known.PRINTED])
    assert counter.customer("give-back")
    assert counter.phone()["screen"] == "refunded"
    assert Account(counter).payments() == []
    counter.press("#")
    counter.until_screen(WORDS.found[Found.RETURNED], within_s=10.0)
    assert len(counter.papers()) == 1
    assert counter.status().disputes == ()


def cancel_and_a_scan_shows_the_waiting_screen(counter: Counter) -> None:
    """The order is off the QR, and the till says that nobody paid only when that is certain."""
    counter.sell("2500")
    counter.cancel()
    counter.until_state("notice")
    assert not counter.customer("scan")
    assert counter.phone()["screen"] == "waiting"
    assert Account(counter).order() == ""
    assert [sale["phase"] for sale in audit(counter).sales] == ["withdrawn"]


EVENTS: list[Story] = [
    scan_before_an_order_exists_shows_the_waiting_screen,
    scan_shows_the_right_amount,
    approved,
    rejected_and_the_order_stays,
    second_attempt_succeeds_because_the_order_was_not_deleted,
    refund,
    cancel_and_a_scan_shows_the_waiting_screen,
]


@pytest.fixture(scope="module")
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    with told_side_by_side(selected(request), tmp_path_factory.mktemp("events"), {}) as told:
        yield told


@pytest.mark.parametrize("story", EVENTS, ids=lambda story: story.__name__)
def test_the_event_to_validate(story: Story, told: Told) -> None:
    told(story)
