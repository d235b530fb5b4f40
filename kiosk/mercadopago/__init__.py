"""Mercado Pago: the order on the printed QR, and whether it was paid (in-store orders V2, the "attended" model).

One call of the centre is one request, but for a deep look, for the account and its smallest amount, and for a payment
and its refunds. Whether anything came back in time is the line's affair (``line``), what it means is read in
``answers``, and in ``refunds`` for money that goes back; ``look`` puts a look together. Here stand the addresses; the
client is ``wire``. Nothing is repeated: the centre knows when a second attempt is allowed.

Sources: the references at mercadopago.com/developers (and in the repository mercadopago/devsite-docs).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import assert_never
from urllib.parse import quote

from kiosk.config import MercadoPagoConfig, Secret
from kiosk.mercadopago.answers import Reply, account, carried, holding, placing, reading, removing
from kiosk.mercadopago.limits import read_minimum
from kiosk.mercadopago.look import look
from kiosk.mercadopago.refunds import SHOWN, by_policy, giving_back, refunds_of, write_refund
from kiosk.mercadopago.statement import statement
from kiosk.mercadopago.wire import Wire
from kiosk.mercadopago.words import Page, PointOfSale, read_pos_page, write_order
from kiosk.ports import Clock
from kiosk.sale.commands import (
    AskAccount,
    AskPos,
    AskRefunds,
    AskStatement,
    Call,
    GiveBack,
    Look,
    PaymentCall,
    Place,
    Withdraw,
)
from kiosk.sale.events import AccountIs, CallAnswer, NoRefund, NotGivenBack, Refused, Reject, Unknown
from kiosk.sale.money import Site


@dataclass(frozen=True, slots=True)
class PosFound:
    """What the account's own list says about the configured point of sale."""

    count: int
    """Points of sale with the configured external id; anything but 1 is a wrong configuration."""
    fixed_amount: bool = False
    """The customer cannot type an amount. It must be so: otherwise money comes without an order."""
    store: str = ""
    """The external id of its store."""
    name: str = ""
    date: float | None = None
    """The provider's clock, seconds since 1970."""


class MercadoPago:
    """The payment service behind ``kiosk.ports.Provider``. One instance a lane, used by one thread at a time."""

    def __init__(self, settings: MercadoPagoConfig, token: Secret, site: Site, clock: Clock, *, title: str) -> None:
        """``title`` is what the customer's app shows; ``clock`` is the one by which calls have their deadlines.

        Raises:
            ValueError: the token cannot travel in a header (empty, white space or line ends in it, not ASCII).
        """
        self._settings = settings
        self._site = site
        self._title = title
        self._pos_number: str | None = None
        """Mercado Pago's number of our POS; empty: the account does not tell. None: not asked yet."""
        self._clock = clock
        self._wire = Wire(settings.base_url, token, clock)

    def close(self) -> None:
        """Close the connection; for the lane's own thread, or after it has ended."""
        self._wire.close()

    def carry_out(self, call: PaymentCall) -> CallAnswer:
        """Make the request, within ``call.until``. Never raises: what it cannot know is an ``Unknown``."""
        answer = self._answer(call)
        if isinstance(answer, (NotGivenBack, Refused, Unknown)):
            return replace(answer, detail=self._wire.discreet(answer.detail))
        return answer

    def find_pos(self, until: float) -> PosFound | Refused | Unknown:
        """The configured point of sale in the account's own list; ``until`` as in a call."""
        answer = self._find_pos(Call(request=0, until=until))
        return answer if isinstance(answer, PosFound) else replace(answer, detail=self._wire.discreet(answer.detail))

    def _answer(self, call: PaymentCall) -> CallAnswer:
        match call:
            case Place():
                return self._place(call)
            case AskPos():
                reply = self._wire.send(call, "GET", self._pos_path())
                return holding(call, reply, self._site) if isinstance(reply, Reply) else reply
            case Look():
                return look(call, lambda path, query: self._wire.send(call, "GET", path, query), self._site)
            case Withdraw():
                reply = self._wire.send(call, "DELETE", self._pos_path())
                return removing(call, reply) if isinstance(reply, Reply) else reply
            case AskAccount():
                reply = self._wire.send(call, "GET", "/users/me")
                told = account(call, reply) if isinstance(reply, Reply) else reply
                return replace(told, minimum=self._minimum(call)) if isinstance(told, AccountIs) else told
            case AskStatement():
                return self._statement(call)
            case AskRefunds():
                return refunds_of(call, lambda *asked: self._wire.send(call, "GET", *asked, headers=SHOWN), self._site)
            case GiveBack():
                return self._give_back(call)
            case _:
                assert_never(call)

    def _place(self, call: Place) -> CallAnswer:
        sale = call.sale
        if sum(line.cents for line in sale.lines) != sale.cents:
            # Never two amounts in one order (law L5). Nothing was sent, so that a final refusal is the truth.
            return Refused(**carried(call), reject=Reject.INVALID, detail="the lines do not add up to the amount")
        body = write_order(sale, self._title, self._site.currency, self._settings.notification_url)
        reply = self._wire.send(call, "PUT", self._pos_path(self._settings.external_store_id), body=body)
        return placing(call, reply) if isinstance(reply, Reply) else reply

    def _give_back(self, call: GiveBack) -> CallAnswer:
        refund = call.refund
        if refund.currency != self._site.currency.code:  # nothing was sent, so that a final refusal is the truth
            return Refused(**carried(call), reject=Reject.INVALID, detail="a refund in another country's money")
        body, path = write_refund(refund, self._site.currency), f"/v1/payments/{quote(refund.payment, safe='')}/refunds"
        reply = self._wire.send(call, "POST", path, body=body, headers={**SHOWN, "X-Idempotency-Key": refund.key})
        if not isinstance(reply, Reply):
            return reply
        answer = giving_back(call, reply, self._site)
        if not (isinstance(answer, Refused) and by_policy(reply)):
            return answer
        # The same words for a test account, which may give nothing back, and for an application that lacks a right.
        whose = self._wire.send(call, "GET", "/users/me")
        told = account(call, whose) if isinstance(whose, Reply) else whose
        if not (isinstance(told, AccountIs) and told.test):
            return answer
        return NotGivenBack(**carried(call, reply), reason=NoRefund.TEST_ACCOUNT, detail=answer.detail)

    def _minimum(self, call: Call) -> int:
        """The smallest amount that the account takes; 0 where it does not tell within half of the time that is left:
        whose token it is must not be lost for it."""
        call = replace(call, until=(self._clock() + call.until) / 2)
        reply = self._wire.send(call, "GET", "/v1/payment_methods")
        if not isinstance(reply, Reply):
            return 0
        found = reading(call, reply, lambda value: read_minimum(value, self._site))
        return found if isinstance(found, int) else 0

    def _pos_path(self, store: str = "") -> str:
        """The order of our POS. Only PUT names the store, says the reference."""
        within = f"/stores/{quote(store, safe='')}" if store else ""
        pos = quote(self._settings.external_pos_id, safe="")
        return f"/instore/qr/seller/collectors/{self._settings.user_id}{within}/pos/{pos}/orders"

    def _statement(self, call: AskStatement) -> CallAnswer:
        if self._pos_number is None:
            found = self._matching_pos(call)
            if isinstance(found, Unknown):
                return found
            # An account that may not list its POS (403) still shows its payments: ours are known by their references.
            self._pos_number = found[0][0].number if isinstance(found, tuple) and len(found[0]) == 1 else ""
        return statement(
            call, lambda path, query: self._wire.send(call, "GET", path, query), self._site, self._pos_number
        )

    def _find_pos(self, call: Call) -> PosFound | Refused | Unknown:
        found = self._matching_pos(call)
        if not isinstance(found, tuple):
            return found
        matching, date = found
        if len(matching) != 1:
            return PosFound(len(matching), date=date)
        return PosFound(1, matching[0].fixed_amount, matching[0].store, matching[0].name, date)

    def _matching_pos(self, call: Call) -> tuple[list[PointOfSale], float | None] | Refused | Unknown:
        """The points of sale with the configured external id, and the answer's ``Date``."""
        wanted = self._settings.external_pos_id
        reply = self._wire.send(call, "GET", "/pos", {"external_id": wanted})
        if not isinstance(reply, Reply):
            return reply
        page = reading(call, reply, read_pos_page)
        if not isinstance(page, Page):
            return page
        # External ids are unique in an account, whatever their case; the search may show others that begin alike.
        return [pos for pos in page.found if pos.external_id.lower() == wanted.lower()], reply.date
