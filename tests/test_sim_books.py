"""What stands in the fake account's books, as it was at any time. What changes them: ``test_sim_ledger``."""

from __future__ import annotations

from decimal import Decimal

from kiosk.sim.books import Change, MerchantOrder, Order, Payment, Refund

APPROVED = Change(10.0, "approved", "accredited")


def paid(*refunds: Refund) -> Payment:
    """25.00, in full, at 10."""
    held = MerchantOrder(1, Order("A", Decimal(25), "Sale", {}), 5.0)
    payment = Payment(2, held, Decimal(25), [APPROVED], [*refunds])
    held.payments.append(payment)
    return payment


def refund(amount: int, last: bool, *changes: tuple[float, str]) -> Refund:
    return Refund(3, Decimal(amount), last, tuple(Change(at, status, "") for at, status in changes))


def seen(payment: Payment, at: float) -> tuple[str, str, str]:
    change = payment.as_of(at)
    assert change is not None
    return change.status, change.detail, payment.order.order_status(at)


def test_a_payment_of_which_nothing_went_back() -> None:
    payment = paid()
    assert payment.as_of(9.0) is None
    assert seen(payment, 10.0) == ("approved", "accredited", "paid")
    assert [payment.refunded(10.0), payment.order.approved(10.0)] == [0, 25]


def test_a_part_leaves_it_approved_and_the_rest_does_not() -> None:
    payment = paid(refund(10, False, (20.0, "approved")), refund(15, True, (30.0, "approved")))
    assert seen(payment, 19.0) == ("approved", "accredited", "paid")
    assert seen(payment, 20.0) == ("approved", "partially_refunded", "partially_reverted")
    assert [payment.refunded(20.0), payment.order.approved(20.0), payment.order.refunded(20.0)] == [10, 15, 10]
    assert seen(payment, 30.0) == ("refunded", "refunded", "reverted")
    assert [payment.refunded(30.0), payment.order.approved(30.0), payment.order.refunded(30.0)] == [25, 0, 25]
    assert [payment.updated_at(at) for at in (10.0, 25.0, 40.0)] == [10.0, 20.0, 30.0]
    assert payment.approved_at(40.0) == 10.0
    assert payment.order.closed(40.0)


def test_what_is_under_way_has_not_gone_back_and_is_not_left_either() -> None:
    payment = paid(refund(25, True, (20.0, "in_process"), (30.0, "approved")))
    assert [payment.refunds[0].status(at) for at in (19.0, 20.0, 30.0)] == ["", "in_process", "approved"]
    assert seen(payment, 29.0) == ("approved", "accredited", "paid")
    assert [payment.taken(at) for at in (19.0, 20.0, 30.0)] == [0, 25, 25]
    assert seen(payment, 30.0) == ("refunded", "refunded", "reverted")


def test_what_was_rejected_never_went_back() -> None:
    payment = paid(refund(25, True, (20.0, "in_process"), (30.0, "rejected")))
    assert seen(payment, 40.0) == ("approved", "accredited", "paid")
    assert [payment.taken(at) for at in (29.0, 30.0)] == [25, 0]


def test_one_of_two_payments_goes_back() -> None:
    payment = paid(refund(20, True, (20.0, "approved")))
    payment.amount = Decimal(20)
    payment.order.payments.append(Payment(4, payment.order, Decimal(5), [APPROVED]))
    assert payment.order.order_status(19.0) == "paid"
    assert payment.order.order_status(20.0) == "partially_reverted"
