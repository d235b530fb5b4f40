"""The account against the journal: what is a difference, and what only looks like one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kiosk.sale.events import Booking, Books, PaymentSeen, PaymentState, StatementIs
from kiosk.sale.reconcile import Agreement, Difference, Kind, Known, Why, compare, in_words
from kiosk.sale.records import Dispute, Phase, Reason, Refund, RefundState, Sale, make_reference
from tests.story import COLLECTOR, SHOP

OURS = make_reference(SHOP.pos_id, 7, 12345)
LOST = make_reference(SHOP.pos_id, 8, 54321)
NEIGHBOUR = make_reference("KIOSK02", 7, 12345)
PAID = Sale(OURS, 7, 2500, "BRL", (), "k", 0.0, Phase.PAID, payments=("p1",), paid_at=1.0)
OVER = replace(PAID, phase=Phase.WITHDRAWN, payments=(), paid_at=None)
BY_TWO = replace(PAID, payments=("p1", "p2"))
SECOND = Dispute("p1", OURS, 7, 2500, "BRL", Reason.SECOND, 2.0)
EXCESS = replace(SECOND, payment="p1:excess", cents=500, reason=Reason.EXCESS)


def booking(id_: str = "p1", reference: str = OURS, *, here: bool = False, **changes: Any) -> Booking:
    """An approved payment of 25,00, or what the changes make of it."""
    payment = PaymentSeen(id_, PaymentState.APPROVED, 2500, "BRL", reference=reference, collector=COLLECTOR)
    return Booking(replace(payment, **changes), here)


def compared(*bookings: Booking, books: Books, missing: tuple[str, ...] = ()) -> Agreement:
    return compare(StatementIs(request=1, bookings=bookings, missing=missing), books, SHOP)


def differences(*bookings: Booking, books: Books, missing: tuple[str, ...] = ()) -> list[Difference]:
    found = compared(*bookings, books=books, missing=missing)
    assert not found.known
    return list(found.differences)


def test_a_paid_sale_and_its_payment_agree() -> None:
    assert compared(booking(), books=Books((PAID,))) == Agreement()


def test_the_account_may_name_no_reference_and_no_collector() -> None:
    """The payment's id is enough."""
    assert compared(booking(reference="", collector=None), books=Books((PAID,))) == Agreement()


def test_nothing_there_and_nothing_here_agree() -> None:
    assert compared(books=Books()) == Agreement()


# --- whose payments ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("other", "ours"),
    [
        (booking(reference=NEIGHBOUR), booking(reference=LOST)),
        (booking(reference="shop-online-4711"), booking(reference="shop-online-4711", here=True)),
        (booking(reference=""), booking(reference="", here=True)),
        (booking(reference=LOST, collector=1), booking(reference=LOST, collector=None)),
        (booking(reference="", here=True, collector=1), booking(reference="", here=True, collector=COLLECTOR)),
    ],
)
def test_only_what_may_be_ours_is_judged(other: Booking, ours: Booking) -> None:
    assert compared(other, books=Books()) == Agreement()
    [found] = differences(ours, books=Books())
    assert found == Difference(Kind.NOT_HERE, "p1", ours.payment.reference, there_cents=2500)


def test_an_order_without_a_reference_is_nobodys_sale() -> None:
    """One was found on the POS and written down; other money without a reference is not its."""
    nameless = Sale("", 0, 0, "BRL", (), "", 0.0, Phase.WITHDRAWN, foreign=True)
    [found] = differences(booking(reference="", here=True), books=Books((nameless,)))
    assert (found.kind, found.number) == (Kind.NOT_HERE, 0)


# --- paid there and not here ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("phase", [Phase.WITHDRAWN, Phase.UNCONFIRMED, Phase.REFUSED])
def test_money_of_a_sale_that_nobody_watches(phase: Phase) -> None:
    over = replace(OVER, phase=phase)
    assert differences(booking(), books=Books((over,))) == [Difference(Kind.NOT_HERE, "p1", OURS, 7, there_cents=2500)]


@pytest.mark.parametrize(
    "sale", [replace(OVER, watched=True), *(replace(OVER, phase=phase) for phase in Phase if phase.open)]
)
def test_money_of_a_sale_that_is_followed_is_known(sale: Sale) -> None:
    assert compared(booking(), books=Books((sale,))) == Agreement(known=(Known(Why.OPEN, "p1", OURS, 7, 2500),))


@pytest.mark.parametrize("books", [Books((OVER,)), Books()])
def test_a_pending_payment_is_known(books: Books) -> None:
    found = compared(booking(state=PaymentState.PENDING), books=books)
    assert (found.differences, [known.why for known in found.known]) == ((), [Why.PENDING])


@pytest.mark.parametrize("state", [PaymentState.REJECTED, PaymentState.REFUNDED, PaymentState.OTHER])
def test_what_is_nobodys_money_is_no_difference(state: PaymentState) -> None:
    assert compared(booking(state=state), books=Books((OVER,))) == Agreement()


def test_an_approved_payment_that_went_back_whole_is_nobodys_money() -> None:
    assert compared(booking(refunded_cents=2500), books=Books((OVER,))) == Agreement()
    [found] = differences(booking(refunded_cents=2400), books=Books((OVER,)))
    assert found.there_cents == 100


@pytest.mark.parametrize("books", [Books((OVER,), (SECOND,)), Books((), (SECOND,)), Books((PAID,), (SECOND,))])
def test_disputed_money_is_known_until_it_is_settled(books: Books) -> None:
    books = replace(books, sales=tuple(replace(sale, payments=("p0",)) for sale in books.sales))
    found = compared(booking(), books=books)
    assert (found.differences, [known.why for known in found.known]) == ((), [Why.DISPUTED])
    settled = replace(books, disputes=(replace(SECOND, settled="refunded"),))
    assert compared(booking(), books=settled) == Agreement()


def test_dollars_are_money_whose_amount_we_cannot_say() -> None:
    [found] = differences(booking(cents=None, currency="USD"), books=Books((OVER,)))
    assert (found.kind, found.there_cents) == (Kind.NOT_HERE, None)


# --- the other four ---------------------------------------------------------------------------------------------------


def test_a_second_payment_of_a_paid_sale() -> None:
    [found] = differences(booking(), booking("p9"), books=Books((PAID,)))
    assert found == Difference(Kind.TWICE, "p9", OURS, 7, there_cents=2500)


def test_a_payment_that_the_account_does_not_have() -> None:
    [found] = differences(books=Books((PAID,)), missing=("p1",))
    assert found == Difference(Kind.NOT_THERE, "p1", OURS, 7, here_cents=2500)


def test_what_the_search_shows_is_not_missing() -> None:
    assert compared(booking(), books=Books((PAID,)), missing=("p1",)) == Agreement()


def test_what_is_neither_shown_nor_missing_was_not_asked_for() -> None:
    """The edge of the time asked for makes no difference."""
    assert compared(books=Books((PAID,))) == Agreement()


@pytest.mark.parametrize(
    ("changes", "there"),
    [({"cents": 2400}, 2400), ({"cents": 2600}, 2600), ({"cents": None}, None), ({"currency": "USD"}, None)],
)
def test_another_amount_than_the_sales(changes: dict[str, Any], there: int | None) -> None:
    [found] = differences(booking(**changes), books=Books((PAID,)))
    assert found == Difference(Kind.AMOUNT, "p1", OURS, 7, 2500, there)


def test_an_excess_that_is_disputed_is_known() -> None:
    found = compared(booking(cents=3000), books=Books((PAID,), (EXCESS,)))
    assert found == Agreement(known=(Known(Why.DISPUTED, "p1:excess", OURS, 7, 500),))
    settled = replace(EXCESS, settled="refunded")
    assert compared(booking(cents=3000), books=Books((PAID,), (settled,))) == Agreement()


def test_a_sale_of_two_payments_is_added_up_once() -> None:
    first, second = booking("p1", cents=1000), booking("p2", cents=1500)
    assert compared(first, second, books=Books((BY_TWO,))) == Agreement()
    [found] = differences(first, booking("p2", cents=1400), books=Books((BY_TWO,)))
    assert (found.kind, found.here_cents, found.there_cents) == (Kind.AMOUNT, 2500, 2400)


def test_of_a_sale_of_two_payments_one_alone_says_nothing_of_the_amount() -> None:
    assert compared(booking("p1", cents=1000), books=Books((BY_TWO,))) == Agreement()
    assert compared(booking("p2", cents=1500), books=Books((BY_TWO,))) == Agreement()


@pytest.mark.parametrize(
    ("changes", "left"),
    [
        ({"state": PaymentState.REFUNDED, "refunded_cents": 2500}, 0),
        ({"state": PaymentState.REFUNDED}, 0),
        ({"refunded_cents": 1000}, 1500),
        ({"state": PaymentState.OTHER}, 0),  # charged back, in mediation
        ({"state": PaymentState.REJECTED}, 0),
    ],
)
def test_money_that_went_back(changes: dict[str, Any], left: int) -> None:
    [found] = differences(booking(**changes), books=Books((PAID,)))
    assert found == Difference(Kind.RETURNED, "p1", OURS, 7, 2500, left)


BACK = Refund(*("k", "p1", OURS, 7, 1000, "BRL"), whole=False, by="Ana", asked_at=1.0, known=(), state=RefundState.DONE)


@pytest.mark.parametrize(
    ("refunds", "changes"),
    [
        ((BACK,), {"refunded_cents": 1000}),
        ((BACK, replace(BACK, key="l", cents=1500)), {"state": PaymentState.REFUNDED}),
        ((BACK, replace(BACK, key="l", cents=1500)), {"refunded_cents": 2500}),
        ((replace(BACK, cents=2500),), {"refunded_cents": 1000}),
    ],
    ids=["a part", "all in two", "all, and called approved", "it lags behind"],
)
def test_r24_what_we_gave_back_is_no_difference(refunds: tuple[Refund, ...], changes: dict[str, Any]) -> None:
    assert compared(booking(**changes), books=Books((PAID,), refunds=refunds)) == Agreement()


@pytest.mark.parametrize(
    ("refunds", "changes", "here", "there"),
    [
        ((BACK,), {"refunded_cents": 1500}, 1500, 1000),
        ((replace(BACK, state=RefundState.REFUSED),), {"refunded_cents": 1000}, 2500, 1500),
        ((replace(BACK, payment="p2"),), {"refunded_cents": 1000}, 2500, 1500),
        ((BACK,), {"state": PaymentState.REFUNDED}, 1500, 0),
        ((replace(BACK, cents=2500),), {"state": PaymentState.OTHER}, 0, 0),
    ],
    ids=["more than that", "refused", "of another payment", "the rest, too", "charged back besides"],
)
def test_what_went_back_in_another_way_is_one(
    refunds: tuple[Refund, ...], changes: dict[str, Any], here: int, there: int
) -> None:
    [found] = differences(booking(**changes), books=Books((PAID,), refunds=refunds))
    assert (found.kind, found.here_cents, found.there_cents) == (Kind.RETURNED, here, there)


def test_while_a_refund_is_wanted_its_payment_is_known() -> None:
    wanted = replace(BACK, state=RefundState.WANTED)
    found = compared(booking(refunded_cents=1000), books=Books((PAID,), refunds=(wanted,)))
    assert (found.differences, [known.why for known in found.known]) == ((), [Why.OPEN])


def test_of_two_payments_the_one_that_went_back_is_the_difference() -> None:
    first, second = booking("p1", cents=1000), booking("p2", cents=1500, refunded_cents=500)
    [found] = differences(first, second, books=Books((BY_TWO,)))
    assert (found.kind, found.payment) == (Kind.RETURNED, "p2")


def test_a_payment_that_is_looked_into_again_is_known() -> None:
    found = compared(booking(state=PaymentState.PENDING), books=Books((PAID,)))
    assert found == Agreement(known=(Known(Why.PENDING, "p1", OURS, 7, 2500),))


# --- in words ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("difference", "words"),
    [
        (Difference(Kind.NOT_HERE, "p1", there_cents=2500), "no sale: R$ 25,00 paid there and not here, payment p1"),
        (Difference(Kind.NOT_HERE, "p1", OURS, 7), "sale 7: an amount that is none of ours paid there and not here"),
        (Difference(Kind.NOT_THERE, "p1", OURS, 7, 2500), "sale 7: R$ 25,00 paid here and not there, payment p1"),
        (Difference(Kind.AMOUNT, "p1", OURS, 7, 2500, 2400), "sale 7: R$ 25,00 here and R$ 24,00 there, payment p1"),
        (Difference(Kind.TWICE, "p1", OURS, 7, None, 2500), "sale 7: paid twice, R$ 25,00 more, payment p1"),
        (Difference(Kind.RETURNED, "p1", OURS, 7, 2500, 0), "sale 7: of R$ 25,00 only R$ 0,00 is left there"),
    ],
)
def test_each_difference_has_its_words(difference: Difference, words: str) -> None:
    assert in_words(difference, SHOP.site.currency).startswith(words)
