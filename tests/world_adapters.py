"""The simulated world with the program's own adapters in it, so that the histories hold them to the laws, too.

``WireWorld``: Mercado Pago speaks HTTP statuses, headers and JSON, and what the machine hears went through the
adapter's own reading (``kiosk.mercadopago``: all of it but the socket). After each answer what was read is held
against what was said. ``DiskWorld``: beside the journal in memory runs the real one (``kiosk.journal``); they must
agree on what they refuse, and after each power cut on what they give back.
"""

from __future__ import annotations

import shutil
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import format_datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

from kiosk.journal import Reader, SqliteJournal
from kiosk.mercadopago.answers import Reply, account, holding, placing, removing, reply_from
from kiosk.mercadopago.json import dumps, loads
from kiosk.mercadopago.look import look
from kiosk.mercadopago.refunds import by_policy, giving_back, refunds_of, write_refund
from kiosk.mercadopago.statement import statement
from kiosk.mercadopago.words import write_moment, write_order
from kiosk.ports import JournalError
from kiosk.sale.commands import (
    AskAccount,
    AskPos,
    AskRefunds,
    AskStatement,
    GiveBack,
    Look,
    PaymentCall,
    Place,
    Withdraw,
)
from kiosk.sale.days import Day
from kiosk.sale.events import (
    AccountIs,
    Books,
    Busy,
    CallAnswer,
    Evidence,
    GivenBack,
    Holds,
    NoRefund,
    NotGivenBack,
    OrderSeen,
    PaymentSeen,
    PaymentState,
    RefundsAre,
    RefundSeen,
    Removal,
    Removed,
    Seen,
    StatementIs,
)
from kiosk.sale.records import Debt, Record, Refund, Rows, Sale
from tests.laws import law
from tests.world import World
from tests.world_devices import Disk, MemoryJournal
from tests.world_provider import Provider, shown_at

STATUS_WORDS: Final = {
    PaymentState.APPROVED: "approved",
    PaymentState.PENDING: "in_process",
    PaymentState.REJECTED: "rejected",
    PaymentState.REFUNDED: "refunded",
    PaymentState.OTHER: "charged_back",
}
NO_PAYMENT: Final = {"cause": [{"code": 2000}]}
NO_REFUNDS: Final = {NoRefund.NO_PAYMENT: (404, 2000), NoRefund.STATE: (400, 2063), NoRefund.AMOUNT: (401, 4040)}
REMOVALS: Final = {
    Removal.BY_US: (204, ""),
    Removal.GONE: (400, "in_store_order_delete_error"),
    Removal.LOCKED: (409, "instore_order_locked_error"),
}
POS_NUMBER: Final = "7654321"
PAGE: Final = 3
"""Payments on a page: so few that most statements have several."""
COUPON_CENTS: Final = 7
"""What the customer really gave is less by this (R2): it must never be read as the amount."""


# --- on the wire ------------------------------------------------------------------------------------------------------


class WireProvider(Provider):
    """Mercado Pago, heard through the adapter."""

    def answer(self, call: PaymentCall, now: float) -> CallAnswer:
        match call:
            case Look():
                return self._look(call, now)
            case AskStatement():
                return self._read_statement(call, now)
            case Place():
                return self._place(call, now)
            case AskPos():
                said = super().answer(call, now)
                heard: CallAnswer = holding(call, self._pos_reply(said, now), self.shop.site)
            case Withdraw():
                said = super().answer(call, now)
                assert isinstance(said, Removed)
                heard = removing(call, _reply(now, *REMOVALS[said.removal]))
            case AskRefunds():
                said, heard = self._ask_refunds(call, now)
            case GiveBack():
                said, heard = self._read_giving(call, now)
            case AskAccount():
                said = super().answer(call, now)
                assert isinstance(said, AccountIs)
                user = {"id": said.user_id, "site_id": said.site, "tags": ["test_user"] if said.test else []}
                heard = account(call, _reply(now, 200, body=user))
        law("L6", heard == replace(said, date=float(int(now))), f"{said} was heard as {heard}")
        return heard

    def _place(self, call: Place, now: float) -> CallAnswer:
        """The order is put as its body says it."""
        shop, sale = self.shop, call.sale
        body = loads(write_order(sale, shop.title, shop.site.currency, ""))
        assert isinstance(body, dict)
        items = body["items"]
        cents = shop.site.currency.cents(body["total_amount"])
        law("L5", cents == sale.cents == _total(items), f"{sale.cents} was written as {body['total_amount']}")
        expires = body.get("expiration_date")
        dies_at = None if expires is None else datetime.fromisoformat(expires).timestamp()
        law("R3", dies_at == sale.expires, f"{sale.expires} was written as {expires}")
        written = replace(sale, reference=body["external_reference"], expires=dies_at)
        said = super().answer(replace(call, sale=written), now)
        busy = isinstance(said, Busy)
        heard = placing(call, _reply(now, 409, "instore_order_locked_error") if busy else _reply(now, 204))
        law("L6", type(heard) is type(said), f"{said} was heard as {heard}")
        return heard

    def _pos_reply(self, said: CallAnswer, now: float) -> Reply:
        assert isinstance(said, Holds)
        if said.order is None:
            return _reply(now, 404, "point_of_sale_in_store_order_not_found")
        cents = said.order.cents
        amount = None if cents is None else self.shop.site.currency.decimal_value(cents)
        return _reply(now, 200, body={"external_reference": said.order.reference, "total_amount": amount})

    # --- refunds ----------------------------------------------------------------------------------------------------

    def _ask_refunds(self, call: AskRefunds, now: float) -> tuple[CallAnswer, CallAnswer]:
        said = super().answer(call, now)
        assert isinstance(said, RefundsAre)

        def ask(path: str, query: Mapping[str, str]) -> Reply:
            if path.endswith("/refunds"):
                return _reply(now, 200, body=[self._refund(call.payment, refund) for refund in said.refunds])
            return self._get(path, query, now)

        heard = refunds_of(call, ask, self.shop.site)
        payment = said.payment and self._counted(said.payment)
        back = sum(refund.cents or 0 for refund in said.refunds if refund.state is not PaymentState.REJECTED)
        whole = payment is None or payment.refunded_cents <= back
        return replace(said, payment=payment, whole=whole), heard

    def _read_giving(self, call: GiveBack, now: float) -> tuple[CallAnswer, CallAnswer]:
        """What is given back is what the body says."""
        refund = call.refund
        body = loads(write_refund(refund, self.shop.site.currency))
        assert isinstance(body, dict)
        law("L5", refund.whole == (body == {}), f"{refund} was written as {body}")
        amount = None if refund.whole else self.shop.site.currency.cents(body["amount"])
        law("L5", amount in (None, refund.cents), f"{refund} was written as {body}")
        said = super().answer(call, now)
        if isinstance(said, GivenBack):
            reply = _reply(now, 201, body=self._refund(refund.payment, said.refund))
        else:
            assert isinstance(said, NotGivenBack)
            if said.reason is NoRefund.TEST_ACCOUNT:  # told from a right that is missing by one request more
                law("L6", by_policy(_reply(now, 403, "forbidden", {"blocked_by": "PolicyAgent"})), "not by policy")
                return said, replace(said, date=float(int(now)))
            status, code = NO_REFUNDS[said.reason]
            said = replace(said, detail="In their words.")
            reply = _reply(now, status, "refused", {"cause": [{"code": code}]})
        return said, giving_back(call, reply, self.shop.site)

    def _refund(self, payment: str, refund: RefundSeen) -> dict[str, object]:
        status, amount = STATUS_WORDS[refund.state], self._amount(refund.cents)
        return {"id": refund.id, "payment_id": payment, "amount": amount, "status": status}

    # --- looks ------------------------------------------------------------------------------------------------------

    def _look(self, call: Look, now: float) -> CallAnswer:
        said = super().answer(call, now)
        heard = look(call, lambda path, query: self._get(path, query, now), self.shop.site)
        assert isinstance(said, Seen)
        seen = heard.evidence if isinstance(heard, Seen) else heard
        law("L1", seen == self._as_read(said.evidence), f"{said.evidence} was heard as {heard}")
        return heard

    def _read_statement(self, call: AskStatement, now: float) -> CallAnswer:
        """The times travel in whole milliseconds."""
        begin, end = (_moment(write_moment(at)) for at in (call.begin, call.end))
        said = super().answer(replace(call, begin=begin, end=end), now)
        heard = statement(call, lambda path, query: self._list(path, query, now), self.shop.site, POS_NUMBER)
        assert isinstance(said, StatementIs)
        assert isinstance(heard, StatementIs)
        known = [replace(each, payment=self._counted(each.payment), at=None) for each in said.bookings]
        law("L2", [replace(each, at=None) for each in heard.bookings] == known, f"{said} was heard as {heard}")
        moments = [abs((a.at or 0.0) - (b.at or 0.0)) for a, b in zip(said.bookings, heard.bookings, strict=True)]
        law("L2", max(moments, default=0.0) <= 0.001, f"{said} was heard as {heard}")
        law("L6", (heard.missing, heard.whole) == (said.missing, said.whole), f"{said} was heard as {heard}")
        return heard

    def _list(self, path: str, query: Mapping[str, str], now: float) -> Reply:
        *_, name = path.split("/")
        if name != "search":
            if name not in self.ledger:
                return _reply(now, 404, "not_found")
            reference, payment = self.ledger[name]
            return _reply(now, 200, body=self._booked(replace(payment, reference=reference, collector=self._collector)))
        law("L2", query["range"] == query["sort"] == "date_last_updated", "another range than what changed")
        call = AskStatement(request=0, until=0.0, begin=_moment(query["begin_date"]), end=_moment(query["end_date"]))
        said = super().answer(call, now)
        assert isinstance(said, StatementIs)
        found = [self._booked(each.payment) for each in said.bookings]
        page = found[int(query.get("offset", "0")) :][:PAGE]
        return _reply(now, 200, body={"results": page, "paging": {"total": len(found)}})

    def _booked(self, payment: PaymentSeen) -> dict[str, object]:
        at = self.approved_at(payment.id)
        return {
            **self._payment(payment),
            "transaction_amount_refunded": self._amount(payment.refunded_cents),
            "external_reference": payment.reference,
            "collector_id": payment.collector,
            "pos_id": int(POS_NUMBER),
            "date_approved": None if at is None else write_moment(at),
        }

    @property
    def _collector(self) -> int:
        return self.shop.collector

    def _as_read(self, said: Evidence) -> Evidence:
        """What must be read of it, written here a second time: no money of another currency, nothing that went back."""
        orders = tuple(
            replace(
                order,
                complete=order.complete and not any(payment.refunded_cents for payment in order.payments),
                payments=tuple(map(self._counted, order.payments)),
            )
            for order in said.orders
        )
        return replace(said, orders=orders)

    def _counted(self, payment: PaymentSeen) -> PaymentSeen:
        return payment if payment.currency == self._currency else replace(payment, cents=None, refunded_cents=0)

    def _get(self, path: str, query: Mapping[str, str], now: float) -> Reply:
        *_, name = path.split("/")
        if name != "search":
            body = self._order_of_id(name) if "orders" in path else self._payment_of_id(name)
            return _reply(now, 200, body=body) if body else _reply(now, 404, "not_found", NO_PAYMENT)
        accounts = self.accounts.get(query["external_reference"])
        if accounts is None:
            found: list[dict[str, object]] = []
        elif "orders" in path:
            shown = [order for m in accounts.orders if (order := shown_at(m.shown, now)) is not None]
            found = [self._order(order) for order in (*shown, *accounts.strange)]
        else:
            listed = [(id_, shown_at(states, now)) for id_, states in accounts.listed.items()]
            found = [self._indexed(payment) for _, payment in listed if payment is not None]
        if "orders" in path:
            return _reply(now, 200, body={"elements": found or None, "total": len(found)})
        return _reply(now, 200, body={"results": found, "paging": {"total": len(found)}})

    def _order_of_id(self, id_: str) -> dict[str, object] | None:
        orders = [m for each in self.accounts.values() for m in each.orders if m.id == id_]
        return self._order(orders[0].shown[-1][1]) if orders else None

    def _payment_of_id(self, id_: str) -> dict[str, object] | None:
        if id_ not in self.ledger:
            return None
        reference, payment = self.ledger[id_]
        return self._indexed(replace(payment, reference=reference, collector=self._collector))

    def _order(self, order: OrderSeen) -> dict[str, object]:
        back = sum(payment.refunded_cents for payment in order.payments)
        return {
            "id": order.id,
            "status": "closed" if order.complete else "opened",
            "external_reference": order.reference,
            "collector": None if order.collector is None else {"id": order.collector},
            "total_amount": self._amount(order.cents),
            "refunded_amount": self._amount(back),
            "cancelled": False,
            "payments": [self._payment(payment) for payment in order.payments],
        }

    def _indexed(self, payment: PaymentSeen) -> dict[str, object]:
        orders = [m.id for m in self.accounts[payment.reference].orders if payment.id in m.payments]
        return {
            **self._payment(payment),
            "transaction_amount_refunded": self._amount(payment.refunded_cents),
            "external_reference": payment.reference,
            "collector_id": payment.collector,
            **({"order": {"id": orders[0], "type": "mercadopago"}} if orders else {}),
        }

    def _payment(self, payment: PaymentSeen) -> dict[str, object]:
        cents = payment.cents
        return {
            "id": payment.id,
            "status": STATUS_WORDS[payment.state],
            "currency_id": payment.currency,
            "transaction_amount": self._amount(cents),
            "total_paid_amount": None if cents is None else self._amount(cents - COUPON_CENTS),
            "amount_refunded": self._amount(payment.refunded_cents),
        }

    def _amount(self, cents: int | None) -> Decimal | None:
        return None if cents is None else self.shop.site.currency.decimal_value(cents)


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _total(items: Sequence[Mapping[str, Decimal]]) -> int:
    return int(sum(item["unit_price"] * item["quantity"] for item in items) * 100)


def _reply(now: float, status: int, error: str = "", body: object = None) -> Reply:
    headers = {"date": format_datetime(datetime.fromtimestamp(int(now), UTC), usegmt=True)}
    more = body if isinstance(body, dict) else {}
    said = {"error": error, "message": "In their words.", "status": status, **more} if error else body
    return reply_from(status, headers, b"" if said is None else dumps(said).encode())


class WireWorld(World):
    """Every answer went through the adapter."""

    provider_of = WireProvider


# --- on the disk ------------------------------------------------------------------------------------------------------


class DiskJournal(MemoryJournal):
    """The journal in memory, and the real one beside it."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = mkdtemp(prefix="journal-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None)
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._file = SqliteJournal(Path(self._folder) / "journal")

    def save(self, records: Sequence[Record]) -> bool:
        if self.disk is not Disk.FULL:
            try:
                self._file.save(records, (), 0.0)
            except JournalError as error:
                law("L7", False, f"not written: {error}")
        return super().save(records)

    def find(self, reference: str) -> Sale | None:
        found = self._file.find(reference)
        law("R5", found == super().find(reference), f"the journal has {found} as {reference}")
        return found

    def paid_between(self, begin: float, end: float) -> tuple[str, ...]:
        told, known = self._file.paid_between(begin, end), super().paid_between(begin, end)
        law("L2", told == known, f"paid between {begin} and {end} is {told}, and not {known}")
        return told

    def books(self, statement: StatementIs) -> Books:
        shown = [booking.payment for booking in statement.bookings]
        payments = [*(payment.id for payment in shown), *statement.missing]
        told, known = self._file.books([payment.reference for payment in shown], payments), super().books(statement)
        assert told is not None
        law("R23", told.sales == known.sales, f"of this statement the journal knows {told}, and not {known}")
        law("R23", set(told.disputes) == set(known.disputes), f"of this statement it knows {told}, and not {known}")
        law("R24", set(told.refunds) == set(known.refunds), f"of this statement it knows {told}, and not {known}")
        return told

    def copy(self) -> MemoryJournal:
        copy = super().copy()
        assert isinstance(copy, DiskJournal)
        copy._file.close()
        copy._file.path.unlink()
        with Reader(self._file.path) as reader:
            reader.copy(copy._file.path)
        copy._file = SqliteJournal(copy._file.path)
        return copy

    def spent(self, evidence: Evidence, reference: str) -> frozenset[str]:
        told, known = self._file.spent(evidence.approved, reference), super().spent(evidence, reference)
        law("R1", told == known, f"of these payments {told} completed another sale, and not {known}")
        return told

    def sale(self, number: int) -> Sale | None:
        told, known = self._file.sale(number), super().sale(number)
        law("R23", told == known, f"the journal has {told} as sale {number}, and not {known}")
        return told

    def ticket(self, reference: str) -> Debt | None:
        told, known = self._file.ticket(reference), super().ticket(reference)
        law("R21", told == known, f"the journal has {told} as the ticket of {reference}, and not {known}")
        return known

    def refunds(self, reference: str) -> tuple[Refund, ...]:
        told, known = self._file.refunds(reference), super().refunds(reference)
        law("R24", told == known, f"of {reference} the journal knows the refunds {told}, and not {known}")
        return known

    def day(self) -> Day:
        told, known = self._file.day(), super().day()
        law("L2", told == known, f"the journal counted {told}, and not {known}")
        return known

    def rows(self) -> Rows:
        self._file.close()
        self._file = SqliteJournal(self._file.path)
        rows, known = self._file.rows(), super().rows()
        names = ("open", "watched", "debts", "disputes", "last_ticket", "last_number", "agreed_until", "restored")
        for name in (*names, "refunds", "pin_failed", "roll", "recent", "closed"):
            mine, theirs = getattr(rows, name), getattr(known, name)
            law("R23", mine == theirs, f"{name}: the journal gives back {mine}, not {theirs}")
        law("R5", sorted(rows.foreign_at) == sorted(known.foreign_at), "the foreign orders are others")
        return rows


class DiskWorld(World):
    """Every row was on the disk."""

    journal_of = DiskJournal
