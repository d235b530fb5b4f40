"""What Mercado Pago may do where its documents are silent, or say two things: each doubt a switch of the fake.

A kiosk must be right under every value of every one. ``DOUBTS`` lists the values that are not the default, each with
the section of the fact sheet that leaves it open (13: its open points). Single odd answers are the tests' affair; here
stands what an account does from one request to the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal


@dataclass(slots=True)
class Behaviour:
    """The switches. Change a field at any time; further doubts about the API belong here."""

    current_in_array: bool = True
    """GET of the POS answers an array with one order (the newer reference); else the order alone (the older one)."""
    free_is_empty_array: bool = False
    """GET of a POS without an order answers an empty array; else 404, as documented."""
    replaces: bool = True
    """A PUT replaces the order that the POS holds; else it is refused with 409. Not documented."""
    life: Literal["capped", "honoured", "ignored"] = "capped"
    """``expiration_date`` counts up to ten minutes (as in the successor API), counts however far, or not at all."""
    while_paying: Literal["deleted", "locked", "refused", "failed"] = "deleted"
    """What a DELETE does while a customer has the order before them: 204, and their payment still lands; 409, 400, and
    the order stays; 500, and yet it is gone. Not documented for this API."""
    nothing_to_delete: Literal[400, 404, 500] = 400
    """What a DELETE answers where there is no order: 400 was seen, the reference has 500 only."""
    opens: Literal["put", "scan", "payment"] = "scan"
    """What opens the first merchant order: the PUT (the migration guide), the first scan (the notification guide)."""
    stores_in_array: bool = False
    """The search of stores is wrapped in an array (the reference's sample); else it is not (what was seen live)."""
    sums_must_agree: bool = True
    """Items that do not add up to the total are refused. Not documented; a kiosk that sends such is wrong anyway."""
    page_max: int = 100
    """Most rows in one page of a search, whatever ``limit`` asks for. Not documented."""
    totals: bool = True
    """The searches say how many rows there are in all."""
    null_elements: bool = True
    """A search of merchant orders that finds nothing says null (the guide); else an empty array (what was seen)."""
    orders_lag_s: float = 0.0
    """How far the search of merchant orders is behind what they are by id: a new one is not there yet, a paid one still
    opened."""
    ids_as_text: bool = False
    """Ids are texts; else numbers."""
    coupon: Decimal = Decimal(0)
    """Mercado Pago pays so much of each payment for the customer."""
    coupon_in_transaction: bool = False
    """It is taken off ``transaction_amount``; else off ``total_paid_amount`` alone. Not documented."""
    refund_takes_s: float = 0.0
    """How long a refund is ``in_process``."""
    refund_ends: Literal["approved", "rejected"] = "approved"
    """What becomes of it then."""
    refund_fails: bool = False
    """The first request under a key is answered with 500, and yet it is made. Not documented."""
    refunds_lag_s: float = 0.0
    """How far the list of a payment's refunds is behind. Not documented; the searches are."""
    refund_key_refused: bool = False
    """A key that was used is refused (2032, "idempotency key already used", in a newer page); else it is answered with
    the refund that it made."""
    refunds_blocked: bool = False
    """A policy lets a test account give nothing back, as real ones are treated; else this one may, to be tried out."""
    fixed_amount: bool = True
    """The POS was made for the attended model; False is a mistake in the shop's account."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """One way in which Mercado Pago may differ from the default."""

    name: str
    section: str
    behaviour: Behaviour
    """To be copied, not changed."""


DOUBTS: Final = (
    Doubt("the POS answers an object", "2.4", Behaviour(current_in_array=False)),
    Doubt("a free POS answers an empty array", "13.4", Behaviour(free_is_empty_array=True)),
    Doubt("a second PUT is refused", "13.1", Behaviour(replaces=False)),
    Doubt("an expiry beyond ten minutes counts", "13.3", Behaviour(life="honoured")),
    Doubt("an expiry does not count", "13.3", Behaviour(life="ignored")),
    Doubt("DELETE is locked while somebody pays", "13.2", Behaviour(while_paying="locked")),
    Doubt("DELETE is refused while somebody pays", "13.2", Behaviour(while_paying="refused")),
    Doubt("DELETE fails while somebody pays, and is done", "13.2", Behaviour(while_paying="failed")),
    Doubt("DELETE of nothing is not found", "2.8", Behaviour(nothing_to_delete=404)),
    Doubt("DELETE of nothing fails", "2.8", Behaviour(nothing_to_delete=500)),
    Doubt("the PUT opens a merchant order", "13.8", Behaviour(opens="put")),
    Doubt("the payment opens a merchant order", "13.8", Behaviour(opens="payment")),
    Doubt("one row a page", "13.7", Behaviour(page_max=1)),
    Doubt("one row a page, and no total", "13.7", Behaviour(page_max=1, totals=False)),
    Doubt("no elements is an empty array", "4.3", Behaviour(null_elements=False)),
    Doubt("the search of merchant orders is behind", "13.6", Behaviour(orders_lag_s=20.0)),
    Doubt("ids are texts", "4.2", Behaviour(ids_as_text=True)),
    Doubt("a refund is in process for a while", "5.1", Behaviour(refund_takes_s=20.0)),
    Doubt("a refund is rejected in the end", "5.1", Behaviour(refund_takes_s=20.0, refund_ends="rejected")),
    Doubt("a refund fails, and is made", "5.1", Behaviour(refund_fails=True)),
    Doubt("the list of refunds is behind", "5.1", Behaviour(refunds_lag_s=20.0)),
    Doubt("a key that was used is refused", "5.1", Behaviour(refund_key_refused=True)),
    Doubt("a test account gives nothing back", "5.1", Behaviour(refunds_blocked=True)),
    Doubt("a coupon beside the amount", "13.13", Behaviour(coupon=Decimal(5))),
    Doubt("a coupon within the amount", "13.13", Behaviour(coupon=Decimal(5), coupon_in_transaction=True)),
)
