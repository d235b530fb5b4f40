"""The books behind the fake Mercado Pago: the POS, merchant orders, payments, and a customer's phone.

Pure: no clock, no network. ``now`` is seconds since 1970 and never goes back. The rules, with where they come from:

- A POS holds one order; a PUT replaces it. It goes away when it is deleted, paid or expired, ten minutes after the
  PUT at the latest (Mercado Pago, QR attended model: the store's order lives for 10 minutes or until it closes).
- Every scan opens a merchant order of its own, so that one reference may have several and the losing ones stay
  ``opened`` (Mercado Pago, in-person notification events).
- A phone keeps the order it has scanned, whatever becomes of the POS meanwhile. No document says otherwise, and
  integrators see such late money, so a kiosk must live with it.
- A rejected payment leaves the order open, and the customer may try again without a new scan (Mercado Pago, test
  purchase of the attended model).

Nothing is shared with the kiosk's own reckoning of money: a judge must not share the mistakes of the judged.
"""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal
from enum import Enum
from typing import Final

from kiosk.sim.books import Change, MerchantOrder, Order, Payment, Refund
from kiosk.sim.countries import COUNTRIES
from kiosk.sim.doubts import Behaviour

ORDER_LIFE_S: Final = 600.0
"""The longest that an order stays on a static QR, whatever ``expiration_date`` says."""
IDS_PER_SECOND: Final = 100
"""Room for ids between two starts of the fake, see ``Ledger``."""


class Deletion(Enum):
    """What became of a request to take the order off the POS."""

    DONE = "done"
    NO_ORDER = "no order"
    LOCKED = "locked"
    REFUSED = "refused"
    """As if there were none; it is still there."""
    FAILED = "failed"
    """Mercado Pago says so; it is gone."""


class Ledger:
    """One account with one POS, and one customer standing before it.

    ``started`` makes the first id: a kiosk's journal may outlive this fake, and ids must not come again in it.
    """

    def __init__(self, *, site: str, started: float) -> None:
        if site not in COUNTRIES:
            raise ValueError(f"{site!r} is not one of {', '.join(COUNTRIES)}")
        self.site = site
        self.country = COUNTRIES[site]
        self.behaviour = Behaviour()
        self.locks = False
        """DELETE is refused while a customer has the POS's order before them and has not paid it."""
        self.merchant_orders: list[MerchantOrder] = []
        self._current: Order | None = None
        self._until = 0.0
        self._unscanned: MerchantOrder | None = None
        self._phone: MerchantOrder | None = None
        self._scanned = False
        self._last_id = int(started * IDS_PER_SECOND)

    # --- the shop's side -----------------------------------------------------------------------------------------

    def put(self, order: Order, now: float) -> bool:
        """Put the order on the POS, over whatever was there; False where that does not give way."""
        if self.current(now) and not self.behaviour.replaces:
            return False
        self._current = order
        self._until = self._expiry(order.expires_at, now + ORDER_LIFE_S)
        self._unscanned = self._open(order, now) if self.behaviour.opens == "put" else None
        return True

    def _expiry(self, asked: float | None, default: float) -> float:
        if asked is None or self.behaviour.life == "ignored":
            return default
        return asked if self.behaviour.life == "honoured" else min(asked, default)

    def current(self, now: float) -> Order | None:
        """The order on the POS; None: none, or no longer."""
        if now >= self._until:
            self._current = None
        return self._current

    @property
    def until(self) -> float:
        """When the order last put goes away by itself."""
        return self._until

    def delete(self, now: float) -> Deletion:
        """Take the order off the POS."""
        order = self.current(now)
        if order is None:
            return Deletion.NO_ORDER
        said = _WHILE_PAYING["locked" if self.locks else self.behaviour.while_paying]
        done = said if self._being_paid(order, now) else Deletion.DONE
        if done in (Deletion.DONE, Deletion.FAILED):
            self._current = None
        return done

    def _being_paid(self, order: Order, now: float) -> bool:
        held = self._phone
        return held is not None and held.order.reference == order.reference and not held.closed(now)

    def amounts(self, payment: Payment) -> tuple[Decimal, Decimal]:
        """The transaction's amount, and what the customer paid of it."""
        paid = max(payment.amount - self.behaviour.coupon, Decimal(0))
        return (paid if self.behaviour.coupon_in_transaction else payment.amount), paid

    def left(self, payment: Payment, now: float) -> Decimal:
        """What of it can still be given back."""
        return self.amounts(payment)[0] - payment.taken(now)

    def refund(self, payment: Payment, amount: Decimal, now: float) -> Refund:
        """Give so much of what is left of the payment back."""
        done = Change(now + self.behaviour.refund_takes_s, self.behaviour.refund_ends, "")
        begun = (Change(now, "in_process", ""),) if self.behaviour.refund_takes_s else ()
        refund = Refund(self._next_id(), amount, amount == self.left(payment, now), (*begun, done))
        payment.refunds.append(refund)
        return refund

    def payments(self) -> list[Payment]:
        """Every payment of the account, oldest first."""
        return sorted((payment for order in self.merchant_orders for payment in order.payments), key=lambda p: p.id)

    # --- the customer's side ------------------------------------------------------------------------------------

    def customer(self, action: str, now: float) -> dict[str, object]:
        """Let the customer act; answers ``ok``, the phone's ``screen`` and what is behind it.

        ``scan``; ``confirm``; ``pay`` (both); ``reject`` (the bank says no), ``pend`` (the bank thinks it over) and
        ``pay-part`` (half of what is left): they take the order that the phone shows, or scan first where it shows
        none that can be paid; ``pay-twice`` (two phones scan, then both pay in full). ``confirm`` never scans.
        ``give-back`` is the shop's: in the account's own panel it refunds all that the phone has paid.

        Raises:
            ValueError: no such action.
        """
        match action:
            case "scan":
                ok = self._scan(now) is not None
            case "confirm":
                ok = self._pay_rest(self._phone, now)
            case "pay":
                ok = self._pay_rest(self._scan(now), now)
            case "reject":
                ok = self._reject(self._at_hand(now), now)
            case "pend":
                ok = self._pend(self._at_hand(now), now)
            case "pay-part":
                ok = self._pay_half(self._at_hand(now), now)
            case "pay-twice":
                ok = self._pay_twice(now)
            case "give-back":
                ok = self._give_back(now)
            case _:
                raise ValueError(f"{action!r} is not one of {', '.join(ACTIONS)}")
        return {"ok": ok, "screen": self.screen(now), **self._behind_screen()}

    def phone(self, now: float) -> dict[str, object]:
        """What the phone shows: ``screen``; ``scanned``, whether the QR was scanned at all; and of the order ``title``,
        ``items``, ``amount`` (text) and ``reference``, or nothing.

        The title is the first item's, as in an account without a business name (Mercado Pago, QR attended model).
        """
        order = self._phone.order if self._phone else None
        items = self._items(order) if order else []
        return {
            "screen": self.screen(now),
            "scanned": self._scanned,
            "title": items[0]["title"] if items else order.title if order else "",
            "items": items,
            "amount": self.country.text(order.total) if order else "",
            "reference": order.reference if order else "",
        }

    def _items(self, order: Order) -> list[dict[str, object]]:
        sent = order.body.get("items")
        return [
            {
                "title": item["title"],
                "quantity": int(item["quantity"]),
                "unit_price": self.country.text(Decimal(item["unit_price"])),
                "amount": self.country.text(Decimal(item["total_amount"])),
            }
            for item in (sent if isinstance(sent, list) else [])
        ]

    def screen(self, now: float) -> str:
        """The phone's screen: ``waiting`` ``order`` ``paid`` ``refunded`` ``part-paid`` ``pending`` ``rejected``."""
        held = self._phone
        if held is None:
            return "waiting"
        if held.closed(now):
            return "paid" if held.approved(now) else "refunded"
        last = held.payments[-1].as_of(now) if held.payments else None
        return _SCREENS[last.status] if last else "order"

    def _behind_screen(self) -> dict[str, object]:
        held = self._phone
        if held is None:
            return {}
        payments = [payment.id for payment in held.payments]
        return {"reference": held.order.reference, "merchant_order": held.id, "payments": payments}

    def _scan(self, now: float) -> MerchantOrder | None:
        self._scanned = True
        order = self.current(now)
        self._phone = self._opened_for(order, now) if order else None
        return self._phone

    def _opened_for(self, order: Order, now: float) -> MerchantOrder:
        opened, self._unscanned = self._unscanned, None
        return opened or self._open(order, now)

    def _at_hand(self, now: float) -> MerchantOrder | None:
        held = self._phone
        return held if held is not None and not held.closed(now) else self._scan(now)

    def _pay_rest(self, held: MerchantOrder | None, now: float) -> bool:
        if held is None or held.closed(now):
            return False
        pending = held.pending(now)
        if pending:
            pending.changes.append(Change(now, "approved", "accredited"))
        else:
            self._charge(held, _left(held, now), Change(now, "approved", "accredited"))
        self._free_pos(held)
        return True

    def _pay_half(self, held: MerchantOrder | None, now: float) -> bool:
        if held is None or held.pending(now):
            return False
        half = (_left(held, now) / 2).quantize(Decimal(1).scaleb(-self.country.decimals), ROUND_DOWN)
        if half:
            self._charge(held, half, Change(now, "approved", "accredited"))
        return bool(half)

    def _reject(self, held: MerchantOrder | None, now: float) -> bool:
        if held is None:
            return False
        change = Change(now, "rejected", "cc_rejected_insufficient_amount")
        pending = held.pending(now)
        if pending:
            pending.changes.append(change)
        else:
            self._charge(held, _left(held, now), change)
        return True

    def _pend(self, held: MerchantOrder | None, now: float) -> bool:
        if held is None or held.pending(now):
            return False
        self._charge(held, _left(held, now), Change(now, "in_process", "pending_contingency"))
        return True

    def _pay_twice(self, now: float) -> bool:
        first = self._scan(now)
        second = self._scan(now)
        return self._pay_rest(first, now) and self._pay_rest(second, now)

    def _give_back(self, now: float) -> bool:
        approved = [p for p in self._phone.payments if p.is_("approved", now)] if self._phone else []
        back = [self.refund(each, self.left(each, now), now) for each in approved if self.left(each, now)]
        return bool(back)

    # --- the books ----------------------------------------------------------------------------------------------

    def _open(self, order: Order, now: float) -> MerchantOrder:
        opened = MerchantOrder(self._next_id(), order, now)
        if self.behaviour.opens != "payment":
            self.merchant_orders.append(opened)
        return opened

    def _charge(self, held: MerchantOrder, amount: Decimal, change: Change) -> None:
        if held not in self.merchant_orders:
            held.opened_at = change.at
            self.merchant_orders.append(held)
        held.payments.append(Payment(self._next_id(), held, amount, [change]))

    def _free_pos(self, held: MerchantOrder) -> None:
        """An order that was just paid leaves the POS, if it (or a repetition of it) is still there."""
        if self._current and self._current.reference == held.order.reference:
            self._current = None

    def _next_id(self) -> int:
        self._last_id += 1
        return self._last_id


ACTIONS: Final = ("scan", "confirm", "reject", "pay", "pay-part", "pend", "pay-twice", "give-back")
_WHILE_PAYING: Final = {
    "deleted": Deletion.DONE,
    "locked": Deletion.LOCKED,
    "refused": Deletion.REFUSED,
    "failed": Deletion.FAILED,
}
_SCREENS: Final = {"approved": "part-paid", "rejected": "rejected", "in_process": "pending", "refunded": "order"}


def _left(held: MerchantOrder, now: float) -> Decimal:
    return held.order.total - held.approved(now)
