"""Whatever anybody sends to the listener, only the provider's word prints a ticket (L1), one for each sale (L3).

The listener, the loop and the machine are the real ones; the provider is the test's, and says that nothing was paid.
"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.sale.commands import AskPos, AskStatement, Lane, Look, Print
from kiosk.sale.events import Holds, OrderSeen, PaymentState, PosOrder
from kiosk.sale.records import Mark, Phase, Sale
from tests.fake_journal import FakeJournal, Notebook
from tests.listening import Heard, listening, post
from tests.loop_story import LoopStory
from tests.story import COLLECTOR, order, payment

pytestmark = pytest.mark.slow

Forged = tuple[str, bytes]


def unpaid(sale: Sale) -> tuple[tuple[OrderSeen, ...], ...]:
    """What the provider may show of an order that is not paid; the worst of it looks much like it."""
    return (
        (),
        (order(sale, complete=False),),
        (order(sale, payment(state=PaymentState.REJECTED), complete=False),),
        (order(sale, payment(state=PaymentState.PENDING), complete=False),),
        (order(sale, payment("p9", 100), complete=False),),
        (order(sale, payment(state=PaymentState.REFUNDED, refunded=2500), complete=False),),
        (order(sale, payment("p8"), collector=COLLECTOR + 1),),
        (order(sale, payment("p7"), reference="KIOSK01-9-zzzzzzzzzzzzzz"),),
    )


def forged(reference: str) -> st.SearchStrategy[Forged]:
    """Says, in any of the forms, that this sale's order, or any other, is closed."""
    ids = st.sampled_from(("1", "900", "5550001112")) | st.integers(0, 10**19).map(str)

    def said(form: int, id_: str) -> Forged:
        closed = {"status": "closed", "order_status": "paid", "external_reference": reference}
        return (
            (f"topic=merchant_order&id={id_}", b""),
            (f"topic=payment&id={id_}", json.dumps({"resource": id_, "topic": "payment"}).encode()),
            ("", json.dumps({"type": "topic_merchant_order_wh", "id": int(id_), **closed}).encode()),
            ("", json.dumps({"type": "payment", "data": {"id": id_, "status": "approved"}, **closed}).encode()),
            (f"external_reference={reference}&type=payment&data.id={id_}", b"{}"),
            ("", json.dumps({"resource": f"http://evil/merchant_orders/{id_}", **closed}).encode()),
        )[form]

    return st.builds(said, st.integers(0, 5), ids)


def waiting() -> LoopStory:
    story = LoopStory(FakeJournal(Notebook()))
    story.ready().waiting()
    return story


def deliver(heard: Heard, story: LoopStory, messages: list[Forged]) -> None:
    """Over the socket, and into the loop."""
    client = heard.client()
    for query, body in messages:
        statuses: list[int] = []

        def was_taken(query: str = query, body: bytes = body, statuses: list[int] = statuses) -> bool:
            statuses.append(post(client, query, body))
            return statuses[-1] != 429

        heard.until(was_taken)
        assert statuses[-1] == 200
    client.close()
    heard.until(lambda: not heard.posted.empty())
    while not heard.posted.empty():
        story.feed(heard.posted.get())


def go_on(story: LoopStory, answers: list[int]) -> None:
    """Some seconds, in which the provider says in every way it can that nothing was paid."""
    sale = story.sale
    for answer in answers:
        shown = unpaid(sale)[answer]
        for call in story.open_calls(Look, Lane.BEHIND):
            if call.name:
                story.one_seen(*shown)
            else:
                story.watch_seen()
        if story.open_calls(Look):
            story.seen(*shown)
        if story.open_calls(AskStatement, Lane.BEHIND):
            story.statement()
        if story.open_calls(AskPos):
            story.answer(Holds, AskPos, order=PosOrder(sale.reference, sale.cents))
        story.wait(0.7)


def test_l1_forged_notifications_never_cause_a_ticket() -> None:
    with listening() as heard:

        @settings(max_examples=25, deadline=None, database=None)
        @given(st.data())
        def whatever_is_sent(data: st.DataObject) -> None:
            story = waiting()
            deliver(heard, story, data.draw(st.lists(forged(story.sale.reference), min_size=1, max_size=3)))
            go_on(story, data.draw(st.lists(st.integers(0, 7), min_size=1, max_size=10)))
            assert story.public == "waiting"
            assert not story.did(Print)
            assert isinstance(story.book, FakeJournal)
            assert {sale.phase for sale in story.book.sales.values()} == {Phase.WAITING}

        whatever_is_sent()


@pytest.mark.parametrize("form", range(3))
def test_its_twin_the_same_words_with_the_providers_make_one_ticket(form: int) -> None:
    said = ("topic=merchant_order&id=1", "topic=payment&id=7", "type=topic_merchant_order_wh&data.id=1")[form]
    with listening() as heard:
        story = waiting()
        deliver(heard, story, [(said, b"")])
        story.seen(order(story.sale, payment("7"), id_="1"))
        assert story.public == "paid"
        deliver(heard, story, [(said, b""), (said, b"")])
        story.printed().wait(3.0)
        assert len(story.did(Print)) == 1
        assert not [call for call in story.open_calls(Look, Lane.BEHIND) if call.name]


def test_l1_a_stranger_who_names_an_order_of_ours_that_another_paid_gets_no_ticket() -> None:
    """A payment that completed another sale is no money of this one (R1), by id as in a search."""
    with listening() as heard:
        story = waiting()
        assert isinstance(story.book, FakeJournal)
        old = replace(story.sale, reference="KIOSK01-0-old", number=99, phase=Phase.PAID, payments=("7",))
        story.book.sales[old.reference] = old
        deliver(heard, story, [("topic=merchant_order&id=1", b"")])
        story.seen().wait(1.0)
        story.one_seen(order(story.sale, payment("7"), id_="1"))
        assert story.public == "waiting"
        assert not story.did(Print)
        assert story.did(Look)


def test_r18_late_money_that_a_notification_names_is_followed_by_what_the_journal_knows() -> None:
    """The loop looks the sale up: nobody watched it any more."""
    with listening() as heard:
        story = LoopStory(FakeJournal(Notebook()))
        story.ready()
        old = replace(waiting().sale, number=9, phase=Phase.WITHDRAWN, ended_at=1.0)
        assert isinstance(story.book, FakeJournal)
        story.book.sales[old.reference] = old
        deliver(heard, story, [("topic=payment&id=7", b"")])
        story.wait(1.0)
        story.one_seen(order(old, payment("7"), id_="1"))
        assert story.book.sales[old.reference].watched
        story.wait_for(Look, lane=Lane.BEHIND)
        story.watch_seen(order(old, payment("7"), id_="1"))
        assert story.book.sales[old.reference].late
        [ticket] = story.did(Print)
        assert Mark.PAID_AFTER_CANCEL in ticket.marks
