"""Power cuts: the real process is killed (SIGKILL) at every kind of moment of a sale, and started again.

Whatever the moment: no paid sale is lost (L2), no second original comes out (L3), no order is left unwatched on the
POS (L4), and the kiosk comes back to ready by itself (L8).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.sale.records import Mark
from tests.counter_books import Account, audit
from tests.counter_client import SHOP, WORDS, Counter, virtual_counter
from tests.cuts import cut_at_any_moment
from tests.side_by_side import Story, Told, selected, told_side_by_side

pytestmark = pytest.mark.slow

CUTS, MANY_CUTS = 6, 40
MANY_LINES = ["Obrigado e volte sempre!"] * 20
SLOW_TICKETS = SHOP.replace("[mercadopago]", f"lines = {MANY_LINES}\nfooter = {MANY_LINES}\n[mercadopago]")
"""A ticket is watched for as long as its paper comes out; these take some seconds."""


# --- before the order is on the POS -----------------------------------------------------------------------------------


def typing(counter: Counter) -> None:
    """What was typed and not confirmed is gone (R23)."""
    counter.press("250")
    counter.until_state("entering")
    with counter.without_power():
        pass
    counter.until_state("idle")
    assert audit(counter).sales == ()
    counter.sell("100")
    assert counter.customer("pay")
    counter.until_state("paid")
    assert [paper.total for paper in audit(counter).tickets] == ["R$ 1,00"]


def guarding(counter: Counter) -> None:
    """The POS was still being asked: nothing was placed, and nothing is."""
    counter.trouble("mp-slow", True)
    counter.press("2500#")
    assert counter.until_state("placing").sale["cents"] == 2500
    with counter.without_power():
        counter.trouble("mp-slow", False)
        assert not counter.customer("scan")
    counter.until_state("idle")
    assert audit(counter).sales == ()


def placed_and_not_yet_answered(counter: Counter) -> None:
    """The order is on the POS, and the answer to its PUT is on the way."""
    put_without_an_answer(counter)
    with counter.without_power():
        counter.trouble("mp-slow", False)
    counter.until_state("waiting")
    assert counter.customer("confirm")
    counter.until_state("paid")
    [ticket] = audit(counter).tickets
    assert ticket.original


def placed_answer_lost_and_paid_in_the_dark(counter: Counter) -> None:
    """The answer to the PUT was lost; nobody has seen yet that it was applied, and it is paid without power."""
    put_without_an_answer(counter)
    counter.trouble("answer-lost", True)
    counter.trouble("mp-slow", False)
    counter.until(lambda status: bool(status.health.get("trouble")))
    with counter.without_power():
        counter.trouble("answer-lost", False)
        assert counter.customer("confirm")
    [ticket] = audit(counter).tickets
    assert ticket.original
    assert ticket.marks == set()


def put_without_an_answer(counter: Counter) -> None:
    """Mercado Pago is slow: what was asked happens at once, what it answers comes late. The customer sees the order."""
    counter.trouble("mp-slow", True)
    counter.press("2500#")
    counter.until(lambda _: counter.customer("scan"))
    assert counter.status().state == "placing"


# --- while the customer pays ------------------------------------------------------------------------------------------


def waiting_and_nobody_paid(counter: Counter) -> None:
    """The sale goes on as if nothing had been, and can still be cancelled."""
    reference = counter.sell("2500")
    with counter.without_power():
        pass
    assert counter.until_state("waiting").sale["reference"] == reference
    counter.cancel()
    counter.until_state("notice")
    books = audit(counter)
    assert books.papers == ()
    assert [(sale["phase"], sale["why"]) for sale in books.sales] == [("withdrawn", "cancelled")]


def waiting_and_paid_afterwards(counter: Counter) -> None:
    """The order that was waited for before the cut is paid after it."""
    reference = counter.sell("2500")
    with counter.without_power():
        pass
    assert counter.until_state("waiting").sale["reference"] == reference
    assert counter.customer("pay")
    counter.until_state("paid")
    [ticket] = audit(counter).tickets
    assert ticket.original
    assert ticket.marks == set()


def scanned_and_confirmed_in_the_dark(counter: Counter) -> None:
    """Merely found paid at boot: an ordinary ticket (R18)."""
    counter.sell("2500")
    assert counter.customer("scan")
    with counter.without_power():
        assert counter.customer("confirm")
    [ticket] = audit(counter).tickets
    assert ticket.original
    assert ticket.marks == set()


def paid_and_not_yet_seen(counter: Counter) -> None:
    """The money was there before the cut; the line was down, so nobody here can have seen it."""
    counter.sell("2500")
    counter.trouble("no-network", True)
    assert counter.customer("pay")
    with counter.without_power():
        counter.trouble("no-network", False)
    [ticket] = audit(counter).tickets
    assert ticket.original
    assert ticket.marks == set()


def cut_again_and_again_while_starting(counter: Counter) -> None:
    """A start that never gets far does no harm, and the next one finds the payment."""
    counter.trouble("notices-lost", True)  # else the ticket may come before the first cut
    counter.sell("2500")
    assert counter.customer("pay")
    for _ in range(4):
        with counter.without_power():
            pass
    [ticket] = audit(counter).tickets
    assert ticket.original


# --- while the ticket prints ------------------------------------------------------------------------------------------


def printing(counter: Counter) -> None:
    """The power fails while the ticket comes out: what is printed next says that it may be a second one."""
    counter.sell("2500")
    assert counter.customer("pay")
    counter.until(lambda _: bool(counter.papers()))
    with counter.without_power():
        pass
    first, again = audit(counter).papers
    assert first.original
    assert again.marks == {Mark.POSSIBLE_DUPLICATE}
    assert again.total == "R$ 25,00"


def printed_and_not_confirmed(counter: Counter) -> None:
    """All bytes had left, and the printer no longer told how it went: the doubt outlives the cut."""
    counter.sell("2500")
    assert counter.customer("pay")
    counter.until(lambda _: bool(counter.papers()))
    counter.trouble("printer-mute", True)
    counter.until(lambda status: [debt["state"] for debt in status.debts] == ["doubtful"])
    with counter.without_power():
        counter.trouble("printer-mute", False)
    first, again = audit(counter).papers
    assert first.original
    assert again.marks == {Mark.POSSIBLE_DUPLICATE}


def owed_for_want_of_paper(counter: Counter) -> None:
    """The ticket's debt outlives the cut; the paper comes after it."""
    counter.trouble("paper-out", True)
    counter.sell("2500")
    assert counter.customer("pay")
    counter.until(lambda status: status.state == "paid" and len(status.debts) == 1)
    with counter.without_power():
        pass
    counter.until(lambda status: status.state == "idle" and len(status.debts) == 1)
    assert counter.papers() == []
    counter.trouble("paper-out", False)
    assert [paper.total for paper in audit(counter).tickets if paper.original] == ["R$ 25,00"]


def owed_and_the_printer_unplugged(counter: Counter) -> None:
    """No byte can have left: the ticket that comes after the cut is the original."""
    counter.trouble("printer-unplugged", True)
    counter.sell("2500")
    assert counter.customer("pay")
    counter.until(lambda status: status.state == "paid" and status.health["printer"] == "gone")
    with counter.without_power():
        counter.trouble("printer-unplugged", False)
    [ticket] = audit(counter).papers
    assert ticket.marks == set()


def printed(counter: Counter) -> None:
    """Nothing is printed again by itself; who asks for it gets a copy that says so."""
    counter.sell("2500")
    assert counter.customer("pay")
    counter.until_state("paid")
    audit(counter)
    with counter.without_power():
        pass
    counter.until_state("idle")
    assert len(audit(counter).papers) == 1
    counter.press("*#")
    counter.until(lambda _: len(counter.papers()) == 2)
    assert counter.papers()[1].marks == {Mark.COPY}
    audit(counter)


# --- while it is cancelled, and after ---------------------------------------------------------------------------------


def cancelling(counter: Counter) -> None:
    """The withdrawal goes on after the cut; nothing can be paid any more."""
    counter.sell("2500")
    counter.cancel()
    with counter.without_power():
        pass
    books = audit(counter)
    assert books.papers == ()
    assert not counter.customer("scan")
    assert [sale["phase"] for sale in books.sales] in (["withdrawn"], ["unconfirmed"])


def cancelling_and_confirmed_in_the_dark(counter: Counter) -> None:
    """The order was taken away, the customer's phone kept it, and paid wins: the sale had not left the front."""
    counter.sell("2500")
    assert counter.customer("scan")
    counter.cancel()
    account = Account(counter)
    counter.until(lambda _: not account.order())
    with counter.without_power():
        assert counter.customer("confirm")
    [ticket] = audit(counter).tickets
    assert ticket.marks == set()


def locked_and_confirmed_in_the_dark(counter: Counter) -> None:
    """The order could not be taken away, because the customer was paying."""
    counter.trouble("locked", True)
    counter.sell("2500")
    assert counter.customer("scan")
    counter.cancel()
    counter.until_screen(WORDS.locked)
    with counter.without_power():
        assert counter.customer("confirm")
    [ticket] = audit(counter).tickets
    assert ticket.marks == set()


def checking_and_confirmed_in_the_dark(counter: Counter) -> None:
    """Someone else took the order away; while the kiosk searches for its payment the power fails."""
    counter.sell("2500")
    assert counter.customer("scan")
    Account(counter).take_order_away()
    counter.cancel()
    counter.until_state("checking")
    with counter.without_power():
        assert counter.customer("confirm")
    [ticket] = audit(counter).tickets
    assert ticket.marks == set()


def cancelled_and_paid_in_the_dark(counter: Counter) -> None:
    """The sale was over when the phone paid: the ticket says so (R18)."""
    counter.sell("2500")
    assert counter.customer("scan")
    counter.cancel()
    counter.until_state("notice")
    with counter.without_power():
        assert counter.customer("confirm")
    counter.until(lambda _: bool(counter.papers()))
    books = audit(counter)
    assert [paper.marks for paper in books.papers] == [{Mark.PAID_AFTER_CANCEL}]
    assert books.status.state == "idle"


# --- at any moment ----------------------------------------------------------------------------------------------------


def moments_that_nobody_chose(counter: Counter) -> None:
    cut_at_any_moment(counter, CUTS)


# --- told ---------------------------------------------------------------------------------------------------------


STORIES: list[Story] = [
    moments_that_nobody_chose,  # The longest first.
    placed_answer_lost_and_paid_in_the_dark,
    placed_and_not_yet_answered,
    printing,
    printed_and_not_confirmed,
    typing,
    guarding,
    waiting_and_nobody_paid,
    waiting_and_paid_afterwards,
    scanned_and_confirmed_in_the_dark,
    paid_and_not_yet_seen,
    cut_again_and_again_while_starting,
    owed_for_want_of_paper,
    owed_and_the_printer_unplugged,
    printed,
    cancelling,
    cancelling_and_confirmed_in_the_dark,
    locked_and_confirmed_in_the_dark,
    checking_and_confirmed_in_the_dark,
    cancelled_and_paid_in_the_dark,
]


@pytest.fixture(scope="module")
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    shops: dict[Story, str] = {printing: SLOW_TICKETS, printed_and_not_confirmed: SLOW_TICKETS}
    with told_side_by_side(selected(request), tmp_path_factory.mktemp("power"), shops) as told:
        yield told


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_a_cut_loses_no_money_and_prints_no_second_original(story: Story, told: Told) -> None:
    told(story)


@pytest.mark.long
def test_many_cuts_at_moments_that_nobody_chose(tmp_path: Path) -> None:
    with virtual_counter(tmp_path) as counter:
        cut_at_any_moment(counter, MANY_CUTS)
