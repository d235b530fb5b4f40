"""The books of the fake Mercado Pago: every rule of ``kiosk.sim.ledger``, allowed and refused."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import pytest

from kiosk.sim.books import MerchantOrder, Order
from kiosk.sim.countries import COUNTRIES
from kiosk.sim.ledger import ACTIONS, Deletion, Ledger

NOW = 1_900_000_000.0


def order(reference: str = "A", total: str = "25.00", expires_at: float | None = None) -> Order:
    return Order(reference, Decimal(total), f"Sale {reference}", {"title": f"Sale {reference}"}, expires_at)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger(site="MLB", started=NOW)


@pytest.fixture
def offered(ledger: Ledger) -> Ledger:
    """A ledger whose POS holds order A of 25.00."""
    ledger.put(order(), NOW)
    return ledger


def statuses(held: MerchantOrder, at: float = NOW) -> list[str]:
    changes = (payment.as_of(at) for payment in held.payments)
    return [change.status for change in changes if change]


def summary(ledger: Ledger, at: float = NOW) -> list[tuple[str, bool, str]]:
    return [(held.order.reference, held.closed(at), held.order_status(at)) for held in ledger.merchant_orders]


# --- the POS --------------------------------------------------------------------------------------------------------


def test_a_new_pos_is_free(ledger: Ledger) -> None:
    assert ledger.current(NOW) is None


def test_a_put_replaces_what_was_there(offered: Ledger) -> None:
    offered.put(order("B", "3"), NOW + 1)
    current = offered.current(NOW + 1)
    assert current is not None
    assert current.reference == "B"


@pytest.mark.parametrize(
    ("asked", "life_s"),
    [(None, 600.0), (NOW + 90, 90.0), (NOW + 600, 600.0), (NOW + 3600, 600.0)],
    ids=["no date", "sooner", "exactly ten minutes", "later than ten minutes"],
)
def test_an_order_lives_as_long_as_it_asks_but_ten_minutes_at_most(
    ledger: Ledger, asked: float | None, life_s: float
) -> None:
    ledger.put(order(expires_at=asked), NOW)
    assert ledger.until == NOW + life_s
    assert ledger.current(NOW + life_s - 0.001) is not None
    assert ledger.current(NOW + life_s) is None


def test_a_second_put_begins_a_new_life(offered: Ledger) -> None:
    offered.put(order(), NOW + 500)
    assert offered.current(NOW + 1099) is not None
    assert offered.current(NOW + 1100) is None


def test_delete_takes_the_order_away_once(offered: Ledger) -> None:
    assert offered.delete(NOW) is Deletion.DONE
    assert offered.current(NOW) is None
    assert offered.delete(NOW) is Deletion.NO_ORDER


def test_delete_of_an_expired_or_paid_order_finds_none(offered: Ledger) -> None:
    assert offered.delete(NOW + 600) is Deletion.NO_ORDER
    offered.put(order("B"), NOW + 601)
    offered.customer("pay", NOW + 602)
    assert offered.delete(NOW + 603) is Deletion.NO_ORDER


# --- paying ---------------------------------------------------------------------------------------------------------


def test_pay_closes_a_merchant_order_and_frees_the_pos(offered: Ledger) -> None:
    answer = offered.customer("pay", NOW)
    (held,) = offered.merchant_orders
    assert answer == {
        "ok": True,
        "screen": "paid",
        "reference": "A",
        "merchant_order": held.id,
        "payments": [held.payments[0].id],
    }
    assert summary(offered) == [("A", True, "paid")]
    assert held.approved(NOW) == Decimal("25.00")
    assert offered.current(NOW) is None


def test_scan_then_confirm_is_pay(offered: Ledger) -> None:
    assert offered.customer("scan", NOW)["screen"] == "order"
    assert summary(offered) == [("A", False, "payment_required")]
    assert offered.current(NOW) is not None
    assert offered.customer("confirm", NOW + 1)["screen"] == "paid"
    assert summary(offered, NOW + 1) == [("A", True, "paid")]
    assert offered.current(NOW + 1) is None


def test_confirm_without_a_scan_pays_nothing(offered: Ledger) -> None:
    assert offered.customer("confirm", NOW) == {"ok": False, "screen": "waiting"}
    assert offered.merchant_orders == []


@pytest.mark.parametrize("action", ["scan", "pay", "reject", "pend", "pay-part", "pay-twice"])
def test_a_free_pos_shows_the_waiting_screen(ledger: Ledger, action: str) -> None:
    assert ledger.customer(action, NOW) == {"ok": False, "screen": "waiting"}
    assert ledger.merchant_orders == []


def test_a_scan_of_a_free_pos_forgets_the_order_on_the_phone(offered: Ledger) -> None:
    offered.customer("scan", NOW)
    offered.delete(NOW)
    assert offered.customer("scan", NOW)["screen"] == "waiting"
    assert offered.customer("confirm", NOW)["ok"] is False
    assert offered.payments() == []


def test_a_paid_order_cannot_be_confirmed_again(offered: Ledger) -> None:
    offered.customer("pay", NOW)
    assert offered.customer("confirm", NOW)["ok"] is False
    assert len(offered.payments()) == 1


def test_every_scan_opens_another_merchant_order_and_the_losers_stay_opened(offered: Ledger) -> None:
    offered.customer("scan", NOW)
    offered.customer("scan", NOW)
    offered.customer("pay", NOW)
    assert summary(offered) == [
        ("A", False, "payment_required"),
        ("A", False, "payment_required"),
        ("A", True, "paid"),
    ]


@pytest.mark.parametrize("leave", ["delete", "expire"])
def test_a_scanned_order_that_has_left_the_pos_can_still_be_paid(offered: Ledger, leave: str) -> None:
    """Money that arrives late."""
    offered.customer("scan", NOW)
    later = NOW + (1 if leave == "delete" else 700)
    if leave == "delete":
        offered.delete(later)
    assert offered.current(later) is None
    assert offered.customer("confirm", later)["ok"] is True
    assert summary(offered, later) == [("A", True, "paid")]


def test_a_scanned_order_keeps_its_amount_and_leaves_its_successor_on_the_pos(offered: Ledger) -> None:
    offered.customer("scan", NOW)
    offered.put(order("B", "99"), NOW + 1)
    offered.customer("confirm", NOW + 2)
    assert [(p.order.order.reference, p.amount) for p in offered.payments()] == [("A", Decimal("25.00"))]
    current = offered.current(NOW + 2)
    assert current is not None
    assert current.reference == "B"


def test_paying_frees_the_pos_of_the_same_order_put_again(offered: Ledger) -> None:
    """A PUT repeated after a lost answer: it is one order for the customer."""
    offered.customer("scan", NOW)
    offered.put(order(), NOW + 1)
    offered.customer("confirm", NOW + 2)
    assert offered.current(NOW + 2) is None


# --- rejected, pending, part, twice ---------------------------------------------------------------------------------


def test_a_rejection_leaves_the_order_and_the_customer_tries_again_without_a_scan(offered: Ledger) -> None:
    offered.customer("scan", NOW)
    assert offered.customer("reject", NOW)["screen"] == "rejected"
    assert summary(offered) == [("A", False, "payment_required")]
    assert offered.current(NOW) is not None
    assert offered.customer("confirm", NOW + 1)["screen"] == "paid"
    (held,) = offered.merchant_orders
    assert statuses(held, NOW + 1) == ["rejected", "approved"]


@pytest.mark.parametrize("action", ["reject", "pend", "pay-part"])
def test_they_scan_by_themselves_only_where_the_phone_shows_nothing_to_pay(offered: Ledger, action: str) -> None:
    assert offered.customer(action, NOW)["ok"] is True
    assert len(offered.merchant_orders) == 1
    offered.customer("confirm", NOW)
    offered.put(order("B"), NOW + 1)
    assert offered.customer(action, NOW + 2)["reference"] == "B"
    assert len(offered.merchant_orders) == 2


def test_a_pending_payment_is_approved_by_confirm(offered: Ledger) -> None:
    assert offered.customer("pend", NOW)["screen"] == "pending"
    assert summary(offered) == [("A", False, "payment_in_process")]
    assert offered.customer("confirm", NOW + 5)["screen"] == "paid"
    (held,) = offered.merchant_orders
    assert statuses(held, NOW + 5) == ["approved"]
    assert held.payments[0].approved_at(NOW + 5) == NOW + 5
    assert offered.current(NOW + 5) is None


def test_a_pending_payment_may_be_rejected_and_blocks_others(offered: Ledger) -> None:
    offered.customer("pend", NOW)
    assert offered.customer("pend", NOW)["ok"] is False
    assert offered.customer("pay-part", NOW)["ok"] is False
    assert offered.customer("reject", NOW + 1)["screen"] == "rejected"
    (held,) = offered.merchant_orders
    assert statuses(held, NOW + 1) == ["rejected"]
    assert offered.customer("pend", NOW + 2)["ok"] is True


def test_part_payments_leave_the_order_until_the_rest_is_paid(offered: Ledger) -> None:
    assert offered.customer("pay-part", NOW)["screen"] == "part-paid"
    assert summary(offered) == [("A", False, "partially_paid")]
    assert offered.current(NOW) is not None
    assert offered.customer("confirm", NOW)["screen"] == "paid"
    (held,) = offered.merchant_orders
    assert [payment.amount for payment in held.payments] == [Decimal("12.50"), Decimal("12.50")]
    assert summary(offered) == [("A", True, "paid")]


@pytest.mark.parametrize(
    ("site", "total", "part"), [("MLB", "0.03", "0.01"), ("MLC", "2501", "1250")], ids=["cents", "whole pesos"]
)
def test_a_part_is_a_whole_number_of_the_smallest_coin(site: str, total: str, part: str) -> None:
    ledger = Ledger(site=site, started=NOW)
    ledger.put(order(total=total), NOW)
    ledger.customer("pay-part", NOW)
    assert [payment.amount for payment in ledger.payments()] == [Decimal(part)]


def test_the_smallest_coin_has_no_part(ledger: Ledger) -> None:
    ledger.put(order(total="0.01"), NOW)
    assert ledger.customer("pay-part", NOW)["ok"] is False
    assert ledger.payments() == []


def test_two_phones_pay_one_order_in_full_each(offered: Ledger) -> None:
    assert offered.customer("pay-twice", NOW)["ok"] is True
    assert summary(offered) == [("A", True, "paid"), ("A", True, "paid")]
    assert [payment.amount for payment in offered.payments()] == [Decimal("25.00")] * 2
    assert offered.current(NOW) is None


def test_the_shop_gives_back_what_the_phone_has_paid_and_the_order_stays_closed(offered: Ledger) -> None:
    """R11: closed, and all of its money gone."""
    assert offered.customer("give-back", NOW)["ok"] is False
    offered.customer("pay", NOW)
    assert offered.customer("give-back", NOW + 1)["screen"] == "refunded"
    assert summary(offered, NOW + 1) == [("A", True, "reverted")]
    assert [payment.is_("refunded", NOW + 1) for payment in offered.payments()] == [True]
    assert offered.customer("give-back", NOW + 2)["ok"] is False
    assert offered.customer("confirm", NOW + 2)["ok"] is False


def test_a_refund_takes_what_is_left_and_no_more(offered: Ledger) -> None:
    offered.customer("pay", NOW)
    [payment] = offered.payments()
    assert offered.left(payment, NOW) == 25
    part = offered.refund(payment, Decimal(10), NOW + 1)
    assert (part.last, part.status(NOW + 1)) == (False, "approved")
    assert offered.left(payment, NOW + 1) == 15
    assert offered.customer("give-back", NOW + 2)["screen"] == "refunded"
    assert [each.amount for each in payment.refunds] == [10, 15]
    assert [each.last for each in payment.refunds] == [False, True]
    assert offered.left(payment, NOW + 2) == 0


def test_a_refund_has_an_id_of_its_own(offered: Ledger) -> None:
    offered.customer("pay-twice", NOW)
    refunds = [offered.refund(payment, Decimal(1), NOW) for payment in offered.payments()]
    ids = [*(refund.id for refund in refunds), *(payment.id for payment in offered.payments())]
    assert len({*ids}) == 4


def test_a_refund_may_take_its_time(offered: Ledger) -> None:
    offered.behaviour.refund_takes_s = 20.0
    offered.customer("pay", NOW)
    assert [offered.customer("give-back", NOW + 1)["ok"] for _ in range(2)] == [True, False]
    assert offered.screen(NOW + 20.9) == "paid"
    assert offered.screen(NOW + 21) == "refunded"


def test_an_unknown_action_is_refused(offered: Ledger) -> None:
    with pytest.raises(ValueError, match="steal"):
        offered.customer("steal", NOW)
    for action in ACTIONS:
        offered.customer(action, NOW)


# --- locks ----------------------------------------------------------------------------------------------------------


def test_a_locked_order_cannot_be_deleted_until_it_is_paid(offered: Ledger) -> None:
    offered.locks = True
    offered.customer("scan", NOW)
    assert offered.delete(NOW) is Deletion.LOCKED
    assert offered.current(NOW) is not None
    offered.customer("confirm", NOW)
    assert offered.delete(NOW) is Deletion.NO_ORDER


def test_locks_hold_only_a_scanned_order_that_is_still_there(offered: Ledger) -> None:
    offered.locks = True
    assert offered.delete(NOW) is Deletion.DONE, "nobody scanned it"
    offered.put(order("B"), NOW)
    offered.customer("scan", NOW)
    offered.put(order("C"), NOW)
    assert offered.delete(NOW) is Deletion.DONE, "the customer has another order before them"


def test_without_locks_a_scanned_order_is_deleted(offered: Ledger) -> None:
    offered.customer("scan", NOW)
    assert offered.delete(NOW) is Deletion.DONE


# --- views ----------------------------------------------------------------------------------------------------------


def test_the_books_can_be_read_as_they_were(offered: Ledger) -> None:
    """What a lagging index shows."""
    offered.customer("scan", NOW)
    offered.customer("pend", NOW + 10)
    offered.customer("confirm", NOW + 20)
    assert summary(offered, NOW + 5) == [("A", False, "payment_required")]
    assert summary(offered, NOW + 15) == [("A", False, "payment_in_process")]
    assert summary(offered, NOW + 20) == [("A", True, "paid")]
    (held,) = offered.merchant_orders
    assert [held.last_update(NOW + s) for s in (5, 15, 25)] == [NOW, NOW + 10, NOW + 20]
    assert held.payments[0].as_of(NOW + 9) is None
    assert held.payments[0].approved_at(NOW + 15) is None


def test_the_phone_shows_what_the_customer_would_pay(offered: Ledger) -> None:
    nothing = {"screen": "waiting", "scanned": False, "title": "", "items": [], "amount": "", "reference": ""}
    assert offered.phone(NOW) == nothing
    offered.put(order("B", "2500.5"), NOW)
    offered.customer("scan", NOW)
    shown = {"title": "Sale B", "items": [], "amount": "R$ 2.500,50", "reference": "B"}
    assert offered.phone(NOW) == {"screen": "order", "scanned": True, **shown}


def test_the_phone_shows_the_items_and_the_first_ones_title() -> None:
    sent = [
        {"title": "Shop: Tea", "quantity": 3, "unit_price": Decimal("2.5"), "total_amount": Decimal("7.5")},
        {"title": "Cake", "quantity": 1, "unit_price": 12, "total_amount": 12},
    ]
    ledger = Ledger(site="MLB", started=NOW)
    ledger.put(Order("B", Decimal("19.5"), "Shop", {"title": "Shop", "items": sent}), NOW)
    ledger.customer("scan", NOW)
    shown = ledger.phone(NOW)
    assert (shown["title"], shown["amount"]) == ("Shop: Tea", "R$ 19,50")
    assert shown["items"] == [
        {"title": "Shop: Tea", "quantity": 3, "unit_price": "R$ 2,50", "amount": "R$ 7,50"},
        {"title": "Cake", "quantity": 1, "unit_price": "R$ 12,00", "amount": "R$ 12,00"},
    ]


def test_a_scan_before_there_is_an_order_shows_the_waiting_screen() -> None:
    ledger = Ledger(site="MLB", started=NOW)
    assert not ledger.customer("scan", NOW)["ok"]
    assert (ledger.phone(NOW)["screen"], ledger.phone(NOW)["scanned"]) == ("waiting", True)


@pytest.mark.parametrize(
    ("site", "text"),
    [("MLA", "$ 1.234,00"), ("MLM", "$ 1,234.00"), ("MLC", "$ 1.234"), ("MPE", "S/ 1,234.00")],
)
def test_the_phone_writes_amounts_as_its_country_does(site: str, text: str) -> None:
    assert COUNTRIES[site].text(Decimal(1234)) == text


def test_ids_never_come_again_in_a_ledger_started_later() -> None:
    """A kiosk's journal outlives the fake: a payment id that it knows must not mean another payment."""
    first, second = Ledger(site="MLB", started=NOW), Ledger(site="MLB", started=NOW + 1)
    for ledger in (first, second):
        for _ in range(40):
            ledger.put(order(), NOW)
            ledger.customer("pay", NOW)
    ids = [payment.id for ledger in (first, second) for payment in ledger.payments()]
    assert len(set(ids)) == 80


def test_an_unknown_site_is_refused() -> None:
    with pytest.raises(ValueError, match="MLX"):
        Ledger(site="MLX", started=NOW)


# --- where the documents disagree -----------------------------------------------------------------------------------


def test_a_put_may_open_the_first_merchant_order(ledger: Ledger) -> None:
    """The migration guide's reading; the other reading is what all the tests above use."""
    ledger.behaviour.opens = "put"
    ledger.put(order(), NOW)
    assert summary(ledger) == [("A", False, "payment_required")]
    ledger.customer("scan", NOW)
    assert len(ledger.merchant_orders) == 1
    ledger.customer("pay", NOW)
    assert summary(ledger) == [("A", False, "payment_required"), ("A", True, "paid")]


def test_a_payment_may_open_it(ledger: Ledger) -> None:
    """Each customer's own; a scan leaves no trace."""
    ledger.behaviour.opens = "payment"
    ledger.put(order(), NOW)
    ledger.customer("scan", NOW)
    assert summary(ledger) == []
    ledger.customer("reject", NOW + 1)
    ledger.customer("confirm", NOW + 2)
    assert summary(ledger, NOW + 2) == [("A", True, "paid")]
    assert ledger.merchant_orders[0].opened_at == NOW + 1


@pytest.mark.parametrize("replaces", [True, False])
def test_a_second_put_may_be_refused(offered: Ledger, replaces: bool) -> None:
    """Until the first order is gone."""
    offered.behaviour.replaces = replaces
    assert offered.put(order("B"), NOW) is replaces
    held = offered.current(NOW)
    assert held is not None
    assert held.reference == ("B" if replaces else "A")
    offered.delete(NOW)
    assert offered.put(order("C"), NOW)


@pytest.mark.parametrize(
    ("life", "asked_s", "life_s"),
    [("honoured", 3600, 3600), ("honoured", 60, 60), ("honoured", None, 600), ("ignored", 60, 600)],
)
def test_an_expiry_may_count_more_or_less(
    ledger: Ledger, life: Literal["honoured", "ignored"], asked_s: float | None, life_s: float
) -> None:
    ledger.behaviour.life = life
    ledger.put(order(expires_at=None if asked_s is None else NOW + asked_s), NOW)
    assert ledger.until == NOW + life_s


@pytest.mark.parametrize(
    ("while_paying", "said", "stays"),
    [
        ("deleted", Deletion.DONE, False),
        ("locked", Deletion.LOCKED, True),
        ("refused", Deletion.REFUSED, True),
        ("failed", Deletion.FAILED, False),
    ],
)
def test_a_delete_while_somebody_pays(
    offered: Ledger,
    while_paying: Literal["deleted", "locked", "refused", "failed"],
    said: Deletion,
    stays: bool,
) -> None:
    """Whatever it says, the payment lands; and where nobody pays it says nothing of that kind."""
    offered.behaviour.while_paying = while_paying
    offered.customer("scan", NOW)
    assert offered.delete(NOW) is said
    assert (offered.current(NOW) is not None) is stays
    assert offered.customer("confirm", NOW)["ok"] is True
    offered.put(order("B"), NOW)
    assert offered.delete(NOW) is Deletion.DONE
