"""Where Mercado Pago's documents are silent: the adapter, and a whole counter, before an account that does either.

Section and name of each doubt are its entry's in ``kiosk.sim.doubts``; what must be said is in ``account_sale``.
"""

from __future__ import annotations

import pytest

from kiosk.sale.commands import PaymentCall, Place
from kiosk.sale.events import NoRefund, Trouble
from kiosk.sale.records import Mark
from kiosk.sim.doubts import DOUBTS, Behaviour, Doubt
from tests.account_sale import (
    DIFFERS,
    GIVEN_BACK,
    PAID,
    TIMED,
    UNPAID,
    Fake,
    given_back,
    paid,
    payment_of,
    refund,
    sale,
    timed,
    unpaid,
)
from tests.contract import Lane
from tests.laws import LawBroken
from tests.story_account import CounterStory

DOCUMENTED = {**UNPAID, **PAID, **TIMED, **GIVEN_BACK}
COUPON = "a coupon within the amount"
"""The one doubt under which no payment covers its order, so that every one is money to settle."""


def day(story: CounterStory, *, covered: bool = True) -> None:
    """Five customers, each in a way that went wrong in some shop; nothing may be lost, doubled or called failed."""
    story.type("2500#").live_until("waiting", 5)  # a card is refused, another is not (pitfall 19)
    story.customer("reject").live(5).customer("confirm")
    _end(story)
    story.type("1200#").live_until("waiting", 5)  # paid while the cashier cancels (open point 2)
    story.customer("scan").live(3).type("*#").customer("confirm")
    _end(story)
    story.type("1300#").live_until("waiting", 5)  # paid long after it was cancelled (pitfall 1)
    story.customer("scan").live(2).type("*#").live(100).customer("confirm")
    _end(story)
    story.type("1400#").live_until("waiting", 5).customer("pay-twice")  # two phones
    _end(story)
    story.type("1500#").live_until("waiting", 5).live_until("notice", 400)  # nobody
    assert story.sale.cents == 1500
    _end(story)
    story.settled()
    assert (len(story.money()), len(story.journal.disputes)) == (5, 1 if covered else 5)
    originals = [paper for paper in story.papers if Mark.MONEY_TO_SETTLE not in paper.marks]
    assert len({paper.ticket.reference for paper in originals}) == len(originals) == (4 if covered else 0)


def _end(story: CounterStory) -> None:
    """The customer goes; the next one comes when the counter is ready, or dared to stop waiting."""
    story.live(40)
    if story.public == "waiting":  # paid, and not covered: the cashier sees what came, and cancels
        story.type("*#")
    story.live(60)
    if story.public in ("paid", "notice"):
        story.type("#")
    story.live_until("idle", 700)


def both(fake: Fake, *, covered: bool = True) -> dict[str, object]:
    """The adapter alone, then a counter's day."""
    said: dict[str, object] = {}

    def talk(lane: Lane) -> None:
        said.update({**unpaid(lane), **paid(lane, fake.customer), **timed(lane, fake.wait)})
        said.update(given_back(lane, fake.customer, fake.wait))
        fake.forget()
        day(CounterStory(fake, lane), covered=covered)

    fake.run(talk)
    return said


def test_an_account_that_does_what_is_documented() -> None:
    """The twin of all doubts."""
    assert both(Fake(Behaviour())) == DOCUMENTED


@pytest.mark.slow
@pytest.mark.parametrize("doubt", DOUBTS, ids=[f"{doubt.section} {doubt.name}" for doubt in DOUBTS])
def test_an_account_that_does_something_else(doubt: Doubt) -> None:
    """Only the words change that must; where none does, the adapter hides the doubt from the sale."""
    said = both(Fake(doubt.behaviour), covered=doubt.name != COUPON)
    assert said == {**DOCUMENTED, **DIFFERS.get(doubt.name, {})}


def test_every_difference_is_one_and_belongs_to_a_doubt() -> None:
    """A name or a step that is written wrongly would ask nothing of anybody."""
    assert {*DIFFERS} <= {doubt.name for doubt in DOUBTS}
    for differs in DIFFERS.values():
        assert all(DOCUMENTED[step] != word for step, word in differs.items())


def test_every_doubt_is_another() -> None:
    assert len({repr(doubt.behaviour) for doubt in (*DOUBTS, Doubt("", "", Behaviour()))}) == len(DOUBTS) + 1
    assert len({doubt.name for doubt in DOUBTS}) == len(DOUBTS)


def test_an_answer_that_is_lost_after_the_order_was_placed() -> None:
    """And paid before the second attempt: it is found, and not placed again over the payment."""

    def talk(lane: Lane) -> None:
        story = CounterStory(fake, lane)
        placed: list[PaymentCall] = []

        def first_put(call: PaymentCall) -> bool:
            if isinstance(call, Place):
                placed.append(call)
                story.customer("pay")
            return isinstance(call, Place) and len(placed) == 1

        story.lost = first_put
        story.type("2500#").live_until("paid", 40)
        assert len(placed) == 1
        story.settled()
        assert len(story.tickets()) == len(story.money()) == 1

    fake = Fake(Behaviour())
    fake.run(talk)


@pytest.mark.parametrize("refused", [False, True], ids=["answered again", "refused again"])
@pytest.mark.parametrize("cents", [1000, 0], ids=["a part", "all of it"])
def test_a_refund_whose_answer_is_lost_is_there_once(cents: int, refused: bool) -> None:
    """R24: unknown; asked again it shows; and under the same key there is never a second one."""

    def talk(lane: Lane) -> None:
        bought = sale("lost", lane)
        lane.ask("place", bought)
        fake.customer("pay")
        wanted = refund(payment_of(lane, bought), "one-key", cents)
        fake.trouble("answer-lost", True)
        assert [lane.ask("give-back", refund=wanted) for _ in range(2)] == [Trouble.NETWORK] * 2
        assert lane.ask("refunds", refund=wanted) is Trouble.NETWORK
        fake.trouble("answer-lost", False)
        assert lane.ask("refunds", refund=wanted) == "refunded"
        assert lane.ask("give-back", refund=wanted) == (NoRefund.USED if refused else "given back")
        [payment] = fake.account.ledger.payments()
        assert [each.amount for each in payment.refunds] == [10 if cents else 25]

    fake = Fake(Behaviour(refund_key_refused=refused))
    fake.run(talk)


def test_a_refund_that_never_arrived_is_not_there() -> None:
    """The twin: to the kiosk it looks the same, until it asks."""

    def talk(lane: Lane) -> None:
        bought = sale("cut", lane)
        lane.ask("place", bought)
        fake.customer("pay")
        wanted = refund(payment_of(lane, bought), "one-key")
        fake.trouble("no-network", True)
        assert lane.ask("give-back", refund=wanted) is Trouble.NETWORK
        fake.trouble("no-network", False)
        assert lane.ask("refunds", refund=wanted) == "not refunded"
        assert lane.ask("give-back", refund=wanted) == "given back"

    fake = Fake(Behaviour())
    fake.run(talk)


def test_a_search_that_is_behind_does_not_hide_what_is_known_by_id() -> None:
    """It shows the order as it was when it was scanned. A payment names it; by id it is paid."""

    def talk(lane: Lane) -> None:
        bought = sale("late", lane)
        lane.ask("place", bought)
        fake.customer("scan")
        fake.wait(60)
        fake.customer("confirm")
        assert (lane.ask("glance", bought), lane.ask("look", bought)) == ("unpaid", "paid")
        fake.wait(60)
        assert (lane.ask("glance", bought), lane.ask("look", bought)) == ("paid", "paid")

    fake = Fake(Behaviour(orders_lag_s=60))
    fake.run(talk)


def test_money_without_a_place_would_be_seen() -> None:
    """The story can fail: a payment that the journal does not know."""

    def talk(lane: Lane) -> None:
        story = CounterStory(fake, lane)
        story.type("2500#").live_until("waiting", 5).customer("pay").live_until("paid", 30)
        story.journal.sales.clear()
        with pytest.raises(LawBroken, match=r"^L2: "):
            story.settled()

    fake = Fake(Behaviour())
    fake.run(talk)
