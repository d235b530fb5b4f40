"""Targets: what the virtual counter's fake Mercado Pago is sent, and whether the kiosk reads its writing right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Final

from kiosk.mercadopago.answers import Reply, reply_from
from kiosk.mercadopago.look import look
from kiosk.mercadopago.refunds import refunds_of
from kiosk.mercadopago.words import write_order
from kiosk.sale.commands import AskRefunds, Depth, Look
from kiosk.sale.events import RefundsAre, Seen
from kiosk.sale.money import SITES, Site
from kiosk.sale.records import Line, Sale
from kiosk.sale.verdict import judge
from kiosk.sim.books import Order, Payment
from kiosk.sim.countries import COUNTRIES
from kiosk.sim.doubts import Behaviour
from kiosk.sim.forms import Account, ApiError, merchant_order_form, payment_form, refund_form, to_json
from kiosk.sim.ledger import ACTIONS, Ledger
from kiosk.sim.order_rules import read_order
from kiosk.sim.searches import search_orders, search_payments
from tests.fuzz.claims import must

NOW: Final = 1_900_000_000.0
ACCOUNT: Final = Account(123456789, "LOJA01", "CAIXA01", test=True)
_SITES: Final = tuple(sorted(set(SITES) - {"MCO"}))
"""Colombia's API takes cents that its prices do not have: half a sale may be no amount of ours."""


def order_put(data: bytes) -> None:
    """The body of a PUT: an order of a sane amount, or one of Mercado Pago's errors."""
    for site in ("MLB", "MLC"):
        for behaviour in (Behaviour(), Behaviour(sums_must_agree=False)):
            try:
                order = read_order(data, country=COUNTRIES[site], behaviour=behaviour, now=NOW)
            except ApiError as error:
                must(400 <= error.status < 500, f"an error of its own: {error}")
            else:
                must(0 < order.total <= 10**12 and bool(order.reference), f"no order: {order}")
                must(to_json(order.total) == to_json(Decimal(to_json(order.total))), f"no amount: {order}")


def account_read(data: bytes) -> None:
    """What we write is taken for what it is, and what the account shows of it is paid where its books say so."""
    site = SITES[_SITES[data[0] % len(_SITES)] if data else "MLB"]
    cents = int.from_bytes(data[1:4], "big") % 10**9 or 1
    part = cents // 3
    lines = (Line("Pão", 1, cents - part), Line('"\\é', 1, part)) if part else (Line("Pão", 1, cents),)
    sale = Sale("KIOSK01-7-abc", 7, cents, site.currency.code, lines, "k", NOW)
    body = write_order(sale, "Padaria", site.currency, "")
    order = read_order(body, country=COUNTRIES[site.id], behaviour=Behaviour(), now=NOW)
    must(order.total == Decimal(cents).scaleb(-site.currency.decimals), f"L5: {cents} was written as {order.total}")
    ledger, now = Ledger(site=site.id, started=NOW), NOW
    ledger.put(order, now)
    for action in data[4:24]:
        now += action // len(ACTIONS)
        ledger.customer(ACTIONS[action % len(ACTIONS)], now)
    _give_back(ledger, data[24:26], now)
    _is_read(ledger, order, replace(sale, puts=1), now)
    for payment in ledger.payments():
        _refunds_are_read(ledger, payment, site, now)


def _give_back(ledger: Ledger, parts: bytes, now: float) -> None:
    """So many hundredths of what is left of a payment, for each byte one."""
    for payment, hundredths in zip(ledger.payments(), parts, strict=False):
        left = ledger.left(payment, now)
        part = round(left * (hundredths % 100) / 100, ledger.country.decimals)
        if part and payment.is_("approved", now):
            ledger.refund(payment, part, now)


def _refunds_are_read(ledger: Ledger, payment: Payment, site: Site, now: float) -> None:
    def ask(path: str, _query: Mapping[str, str]) -> Reply:
        refunds = [refund_form(each, payment, now, ACCOUNT) for each in payment.refunds]
        form = refunds if path.endswith("/refunds") else payment_form(payment, now, ACCOUNT, ledger)
        return reply_from(200, {}, to_json(form).encode())

    told = refunds_of(AskRefunds(request=1, until=9.0, payment=str(payment.id)), ask, site)
    must(isinstance(told, RefundsAre) and told.payment is not None and told.whole, f"not understood: {told}")
    if isinstance(told, RefundsAre) and told.payment:
        went = payment.refunded(now)
        read = [Decimal(each.cents or 0).scaleb(-site.currency.decimals) for each in told.refunds]
        must(read == [each.amount for each in payment.refunds], f"L5: {payment.refunds} were read as {read}")
        must(Decimal(told.payment.refunded_cents).scaleb(-site.currency.decimals) == went, f"{went} is {told.payment}")


def _is_read(ledger: Ledger, order: Order, sale: Sale, now: float) -> None:
    orders = [merchant_order_form(held, now, ACCOUNT, ledger) for held in ledger.merchant_orders]
    payments = [payment_form(payment, now, ACCOUNT, ledger) for payment in ledger.payments()]

    def ask(path: str, query: Mapping[str, str]) -> Reply:
        pages = {"/merchant_orders/search": (search_orders, orders), "/v1/payments/search": (search_payments, payments)}
        if path not in pages:
            number = path.rpartition("/")[2]
            return reply_from(200, {}, to_json(next(form for form in orders if str(form["id"]) == number)).encode())
        search, rows = pages[path]
        return reply_from(200, {}, to_json(search(rows, query, now=now, page_max=2)).encode())

    call = Look(request=1, until=9.0, reference=sale.reference, depth=Depth.ALL)
    seen = look(call, ask, SITES[ledger.site])
    must(isinstance(seen, Seen), f"not understood: {seen}")
    if isinstance(seen, Seen):
        verdict = judge(sale, ACCOUNT.user_id, seen.evidence)
        # What was given back is a closed order, and no payment any more.
        truth = any(held.order is order and held.order_status(now) == "paid" for held in ledger.merchant_orders)
        shown = seen.evidence.whole or verdict.paid  # many pages are not all read
        must(not shown or verdict.paid is truth, f"the books say {truth}, the kiosk reads {verdict}")
        approved = sum((held.approved(now) for held in ledger.merchant_orders), Decimal(0))
        read = Decimal(verdict.approved_cents).scaleb(-SITES[ledger.site].currency.decimals)
        must(not seen.evidence.whole or read == approved, f"L2: {approved} came, {read} was read")
