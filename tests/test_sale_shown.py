"""What the provider shows of money, as values."""

from __future__ import annotations

from kiosk.sale.shown import Evidence, OrderSeen, PaymentSeen, PaymentState


def test_evidence_names_every_approved_payment_wherever_it_stands() -> None:
    inside = PaymentSeen("p1", PaymentState.APPROVED, 100, "BRL")
    other = PaymentSeen("p2", PaymentState.APPROVED, 100, "BRL")
    bad = PaymentSeen("p3", PaymentState.REJECTED, 100, "BRL")
    seen = Evidence((OrderSeen("m1", "r", 1, True, 100, (inside, bad)),), (other, bad))
    assert seen.approved == ("p1", "p2")
    assert Evidence().approved == ()
