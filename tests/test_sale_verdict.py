"""What a look proves about money (R2, R11): the table of evidence, and a second definition that must agree (L1)."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.sale.events import Evidence, OrderSeen, PaymentSeen, PaymentState
from kiosk.sale.records import Sale
from kiosk.sale.verdict import Verdict, judge, net_cents
from tests.laws import covered
from tests.story import COLLECTOR, order, payment

SALE = Sale("KIOSK01-1-abc", 1, 2500, "BRL", (), "key", 0.0)
OTHER = "KIOSK01-2-xyz"


def indexed(
    id_: str = "p1",
    cents: int = 2500,
    *,
    reference: str = SALE.reference,
    collector: int | None = COLLECTOR,
) -> PaymentSeen:
    """A payment as the index of payments shows it."""
    return replace(payment(id_, cents), reference=reference, collector=collector)


def weigh(*orders: OrderSeen, index: tuple[PaymentSeen, ...] = (), spent: tuple[str, ...] = ()) -> Verdict:
    return judge(SALE, COLLECTOR, Evidence(orders, index), frozenset(spent))


# --- paid, and nothing else -------------------------------------------------------------------------------------------

PAID = order(SALE, payment())


def test_a_complete_order_of_ours_over_our_amount_covered_by_approved_payments_is_paid() -> None:
    verdict = weigh(PAID)
    assert verdict.paid
    assert (verdict.order_id, verdict.covering, verdict.excess_cents) == ("m1", ("p1",), 0)
    assert verdict.wrong == 0


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(order(SALE, payment(), complete=False), id="opened"),
        pytest.param(order(SALE, payment(), reference=OTHER), id="another reference"),
        pytest.param(order(SALE, payment(), reference=SALE.reference.lower()), id="another case"),
        pytest.param(order(SALE, payment(), reference=""), id="no reference"),
        pytest.param(order(SALE, payment(), collector=COLLECTOR + 1), id="another collector"),
        pytest.param(order(SALE, payment(), collector=None), id="no collector"),
        pytest.param(order(SALE, payment(cents=2501), cents=2501), id="a higher amount"),
        pytest.param(order(SALE, payment(cents=2499), cents=2499), id="a lower amount"),
        pytest.param(replace(PAID, cents=None), id="no amount"),
        pytest.param(order(SALE, payment(cents=2499)), id="a payment too small"),
        pytest.param(order(SALE, payment(cents=None)), id="a payment without an amount"),
        pytest.param(order(SALE, payment(currency="ARS")), id="another currency"),
        pytest.param(order(SALE, payment(currency="")), id="no currency"),
        pytest.param(order(SALE, payment(refunded=2500)), id="refunded whole"),
        pytest.param(order(SALE, payment(refunded=1)), id="refunded in part"),
        pytest.param(order(SALE), id="no payment"),
        pytest.param(order(SALE, payment(cents=1250), payment(cents=1250)), id="one half, shown twice"),
        *(
            pytest.param(order(SALE, payment(state=state)), id=state.value)
            for state in PaymentState
            if state is not PaymentState.APPROVED
        ),
    ],
)
def test_everything_else_is_not_paid(seen: OrderSeen) -> None:
    """R11; its permitted twin is the test above, which differs in this one thing."""
    verdict = weigh(seen)
    assert not verdict.paid
    assert verdict.order_id == ""
    assert weigh(seen, PAID).paid, "the good order beside it pays"


def test_nothing_found_is_not_paid() -> None:
    assert weigh() == Verdict()


def test_a_payment_in_the_index_alone_pays_nothing_but_is_money() -> None:
    verdict = weigh(index=(indexed(),))
    assert not verdict.paid
    assert [p.id for p in verdict.approved] == ["p1"]
    assert verdict.approved_cents == 2500


@pytest.mark.parametrize("other", [indexed(reference=OTHER), indexed(collector=COLLECTOR + 1), indexed(collector=None)])
def test_the_index_may_show_money_of_others(other: PaymentSeen) -> None:
    assert weigh(index=(other,)).approved == ()
    assert weigh(index=(other, indexed("p2"))).approved == (indexed("p2"),)


def test_several_payments_cover_together_and_no_more_of_them_are_taken_than_are_needed() -> None:
    verdict = weigh(order(SALE, payment("p1", 1000), payment("p2", 1500), payment("p3", 2500)))
    assert verdict.covering == ("p1", "p2")
    assert verdict.excess_cents == 0
    assert [p.id for p in verdict.approved] == ["p1", "p2", "p3"]


def test_what_the_covering_payments_brought_beyond_the_amount_is_excess() -> None:
    verdict = weigh(order(SALE, payment("p1", 1000), payment("p2", 1700)))
    assert (verdict.covering, verdict.excess_cents) == (("p1", "p2"), 200)


def test_a_payment_that_paid_another_sale_counts_no_more() -> None:
    """R1: a payment completes one sale only, ever."""
    assert not weigh(PAID, spent=("p1",)).paid
    assert weigh(PAID, spent=("p9",)).paid
    both = order(SALE, payment("p1"), payment("p2"))
    assert weigh(both, spent=("p1",)).covering == ("p2",)


def test_refunds_count_against_a_payment() -> None:
    """2600 less 100 is enough; 2500 less 100 is not."""
    assert weigh(order(SALE, payment(cents=2600, refunded=100))).paid
    assert not weigh(order(SALE, payment(cents=2500, refunded=100))).paid
    assert net_cents(payment(cents=2500, refunded=900)) == 1600
    assert net_cents(payment(cents=2500, refunded=9999)) == 0
    assert net_cents(payment(cents=None)) == 0


# --- what else a look tells -------------------------------------------------------------------------------------------


def test_rejected_payments_are_counted_once_each() -> None:
    bad = payment("p0", state=PaymentState.REJECTED)
    worse = payment("p2", state=PaymentState.REJECTED)
    verdict = weigh(order(SALE, bad, worse, complete=False), index=(replace(bad, reference=SALE.reference),))
    assert verdict.rejected == 2
    assert not verdict.paid


@pytest.mark.parametrize("state", PaymentState)
def test_pending_is_a_payment_under_way(state: PaymentState) -> None:
    assert weigh(order(SALE, payment(state=state), complete=False)).pending == (state is PaymentState.PENDING)


def test_approved_money_is_counted_once_however_often_it_is_shown() -> None:
    verdict = weigh(order(SALE, payment(), complete=False), index=(indexed(), indexed("p2", 300)))
    assert verdict.approved_cents == 2800


def test_a_refunded_payment_is_no_money_and_one_of_unknown_amount_is() -> None:
    """An approved payment whose amount cannot be read must not be overlooked: a person must see it."""
    assert weigh(order(SALE, payment(refunded=2500))).approved == ()
    assert [p.id for p in weigh(order(SALE, payment(cents=None))).approved] == ["p1"]


@pytest.mark.parametrize(
    ("seen", "wrong"),
    [
        pytest.param(PAID, 0, id="ours"),
        pytest.param(order(SALE, payment(), complete=False), 0, id="ours, open"),
        pytest.param(order(SALE, payment(), reference=OTHER), 1, id="another reference"),
        pytest.param(order(SALE, payment(), reference=OTHER, complete=False), 0, id="another reference, open"),
        pytest.param(order(SALE, payment(), collector=7), 1, id="another collector"),
        pytest.param(order(SALE, payment(cents=2600), cents=2600), 1, id="another amount"),
        pytest.param(order(SALE, payment(currency="ARS")), 1, id="another currency"),
    ],
)
def test_complete_orders_that_are_not_this_sales_are_an_alarm(seen: OrderSeen, wrong: int) -> None:
    assert weigh(seen).wrong == wrong
    assert weigh(seen, index=(indexed("p9"),)).wrong == wrong, "also beside payments of the index"


def test_money_of_a_wrong_amount_is_named() -> None:
    verdict = weigh(order(SALE, payment("p1", 2600), cents=2600), index=(indexed("p2"),))
    assert verdict.wrong_amount == {"p1"}
    assert {p.id for p in verdict.approved} == {"p1", "p2"}


# --- the second definition --------------------------------------------------------------------------------------------

AMOUNT = st.sampled_from([None, 0, 1, 1250, 2499, 2500, 2501, 5000])
REFUND = st.sampled_from([0, 0, 0, 1, 1250, 2500])


@st.composite
def payments(draw: st.DrawFn, prefix: str) -> PaymentSeen:
    cents = draw(AMOUNT)
    return PaymentSeen(
        prefix + draw(st.sampled_from("abcd")),
        draw(st.sampled_from([*PaymentState, PaymentState.APPROVED, PaymentState.APPROVED])),
        cents,
        draw(st.sampled_from(["BRL", "BRL", "BRL", "ARS", ""])),
        min(draw(REFUND), cents or 0),
        draw(st.sampled_from([SALE.reference, OTHER, ""])),
        draw(st.sampled_from([COLLECTOR, COLLECTOR + 1, None])),
    )


@st.composite
def orders(draw: st.DrawFn, number: int) -> OrderSeen:
    mostly = st.sampled_from([True, True, True, False])
    return OrderSeen(
        f"m{number}",
        SALE.reference if draw(mostly) else OTHER,
        COLLECTOR if draw(mostly) else draw(st.sampled_from([COLLECTOR + 1, None])),
        draw(mostly),
        SALE.cents if draw(mostly) else draw(AMOUNT),
        tuple(draw(st.lists(payments(str(number)), max_size=3, unique_by=lambda p: p.id))),
    )


@st.composite
def evidence(draw: st.DrawFn) -> Evidence:
    count = draw(st.integers(0, 4))
    index = tuple(draw(st.lists(payments("0"), max_size=3, unique_by=lambda p: p.id)))
    return Evidence(tuple(draw(orders(number)) for number in range(count)), index)


@given(evidence())
def test_a_second_definition_of_paid_agrees(seen: Evidence) -> None:
    """L1: ``tests.laws.covered`` says the same, written without a look at this module."""
    verdict = judge(SALE, COLLECTOR, seen)
    proof = covered(SALE, seen, COLLECTOR)
    assert verdict.paid == bool(proof)
    assert set(verdict.covering) <= set(proof)


@given(evidence(), st.integers(0, 1000))
def test_the_order_in_which_things_are_shown_decides_nothing(seen: Evidence, seed: int) -> None:
    """Paid or not, the money, and the alarms are the same whichever order or payment comes first."""
    dice = random.Random(seed)
    turned = [replace(o, payments=tuple(dice.sample(o.payments, len(o.payments)))) for o in seen.orders]
    again = Evidence(
        tuple(dice.sample(turned, len(turned))), tuple(dice.sample(seen.payments, len(seen.payments))), seen.whole
    )
    one, other = judge(SALE, COLLECTOR, seen), judge(SALE, COLLECTOR, again)
    assert one.paid == other.paid
    assert one.approved_cents == other.approved_cents
    assert (one.pending, one.rejected, one.wrong) == (other.pending, other.rejected, other.wrong)
    assert {p.id for p in one.approved} == {p.id for p in other.approved}


@given(evidence())
def test_what_pays_is_approved_money_worth_the_amount_at_least(seen: Evidence) -> None:
    verdict = judge(SALE, COLLECTOR, seen)
    worth = {p.id: net_cents(p) for p in verdict.approved}
    if verdict.paid:
        assert sum(worth[id_] for id_ in verdict.covering) == SALE.cents + verdict.excess_cents
        assert verdict.order_id in {o.id for o in seen.orders}


@given(evidence(), st.sets(st.sampled_from([f"{n}{letter}" for n in range(4) for letter in "abcd"])))
def test_spent_payments_never_pay(seen: Evidence, spent: set[str]) -> None:
    verdict = judge(SALE, COLLECTOR, seen, frozenset(spent))
    assert not set(verdict.covering) & spent
    unspent = replace(
        seen,
        orders=tuple(replace(o, payments=tuple(p for p in o.payments if p.id not in spent)) for o in seen.orders),
    )
    assert verdict.paid == judge(SALE, COLLECTOR, unspent).paid
