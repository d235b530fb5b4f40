"""The books of a virtual counter: what the fake account knows of the money, held against paper and obligations.

The auditor comes to the account from outside, over HTTP with the shop's own token, as a bank's auditor would. It
shares nothing with the kiosk's reckoning.
"""

from __future__ import annotations

import json
import tomllib
from collections import Counter as Count
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx

from tests.counter_client import PATIENCE_S, RESTING, Counter, Paper, Status


@dataclass(frozen=True, slots=True)
class Payment:
    """An approved payment in the account."""

    id: str
    reference: str
    cents: int


class Account:
    """The fake account. It is asked through the kiosk's own line: not while that is in trouble."""

    def __init__(self, counter: Counter) -> None:
        own = tomllib.loads(counter.config.read_text())["mercadopago"]
        self._counter = counter
        self._pos = f"/instore/qr/seller/collectors/{own['user_id']}/pos/{own['external_pos_id']}/orders"
        self._base_url = own["base_url"]
        self._headers = {"Authorization": f"Bearer {(counter.private / 'token').read_text()}"}

    def payments(self) -> list[Payment]:
        """All approved payments, oldest first."""
        answer = self._ask("GET", "/v1/payments/search?status=approved&limit=100&sort=date_created&criteria=asc")
        found = json.loads(answer.text, parse_float=Decimal)
        assert found["paging"]["total"] <= 100
        return [
            Payment(str(row["id"]), row["external_reference"], int(row["transaction_amount"] * 100))
            for row in found["results"]
        ]

    def refunds(self, payment: str) -> list[int]:
        """What went back of that payment, in centavos, the oldest first."""
        listed = json.loads(self._ask("GET", f"/v1/payments/{payment}/refunds").text, parse_float=Decimal)
        assert {row["status"] for row in listed} <= {"approved"}
        return [int(row["amount"] * 100) for row in listed]

    def order(self) -> str:
        """The reference of the order on the POS; empty where there is none."""
        answer = self._ask("GET", self._pos)
        if answer.status_code == 404:
            return ""
        held = answer.json()
        return str((held[0] if isinstance(held, list) else held)["external_reference"])

    def doubt(self, name: str, on: bool) -> None:
        """Let Mercado Pago do as some read its documents, or as by default again."""
        answer = self._counter.client.post(self._base_url + "/doubt", json={"name": name, "on": on})
        assert answer.status_code == 200, answer.text

    def take_order_away(self) -> None:
        """Take the order off the POS, as another device of the shop would."""
        assert self._ask("DELETE", self._pos).status_code == 204

    def _ask(self, verb: str, path: str) -> httpx.Response:
        return self._counter.client.request(verb, self._base_url + path, headers=self._headers)


@dataclass(frozen=True, slots=True)
class Books:
    """Everything about the money at one quiet moment."""

    status: Status
    payments: tuple[Payment, ...]
    papers: tuple[Paper, ...]
    on_pos: str
    sales: tuple[Mapping[str, Any], ...]

    @property
    def tickets(self) -> list[Paper]:
        """Papers with a total: whole tickets."""
        return [paper for paper in self.papers if paper.total and not paper.slip]

    @property
    def slips(self) -> list[Paper]:
        """Slips for disputed money."""
        return [paper for paper in self.papers if paper.slip]

    def mistakes(self) -> list[str]:
        """What breaks a law."""
        return [*self._two_originals(), *self._homeless_money(), *self._false_tickets(), *self._unwatched()]

    def _two_originals(self) -> list[str]:
        originals = Count(paper.number for paper in self.papers if paper.original)
        return [f"L3: sale {number} has {count} originals" for number, count in originals.items() if count > 1]

    def _homeless_money(self) -> list[str]:
        disputed = {dispute["payment"] for dispute in self.status.disputes}
        on_tickets = {payment for paper in self.tickets for payment in paper.payments}
        owed = {payment for sale in self.sales if self._is_owed(sale) for payment in sale["payments"]}
        homes = {payment: (payment.id in disputed) + (payment.id in on_tickets | owed) for payment in self.payments}
        return [f"L2: {payment} has {count} homes" for payment, count in homes.items() if count != 1]

    def _is_owed(self, sale: Mapping[str, Any]) -> bool:
        return sale["reference"] in {debt["id"] for debt in self.status.debts}

    def _false_tickets(self) -> list[str]:
        sales = {sale["number"]: sale for sale in self.sales}
        return [text for paper in self.tickets for text in self._held_against(paper, sales[paper.number])]

    def _held_against(self, paper: Paper, sale: Mapping[str, Any]) -> list[str]:
        paid = [p for p in self.payments if p.id in paper.payments and p.reference == sale["reference"]]
        wrong = []
        if len(paid) < len(paper.payments) or sum(p.cents for p in paid) < sale["cents"]:
            wrong.append(f"L1: the ticket of sale {sale['number']} is not covered by {paid}")
        if paper.total != brl(sale["cents"]):
            wrong.append(f"L5: the ticket says {paper.total}, the sale {sale['cents']}")
        return wrong

    def _unwatched(self) -> list[str]:
        seen = self.status.watched | {self.status.sale.get("reference", "")}
        open_ = [sale["reference"] for sale in self.sales if sale["phase"] != "refused"]
        wrong = [f"L4: nobody watches {reference}" for reference in open_ if reference not in seen]
        if self.on_pos and self.on_pos not in seen:
            wrong.append(f"L4: {self.on_pos} is on the POS, and nobody watches it")
        if self.status.state == "idle" and (self.on_pos or not self.status.health["pos_free"]):
            wrong.append(f"L4: idle, but the POS holds {self.on_pos!r} and was not proved free")
        return wrong


def brl(cents: int) -> str:
    """An amount below a thousand reais as a ticket of the built-in shop writes it."""
    assert cents < 100_000
    return f"R$ {cents // 100},{cents % 100:02}"


def read(counter: Counter) -> Books:
    """The books as they are now."""
    account = Account(counter)
    payments, on_pos = tuple(account.payments()), account.order()
    sales = tuple(counter.sales())
    papers = tuple(counter.papers())
    return Books(counter.status(), payments, papers, on_pos, sales)


def audit(counter: Counter, within_s: float = PATIENCE_S) -> Books:
    """Wait until the kiosk is at rest and owes nothing that it can give; then nothing may be wrong."""
    account = Account(counter)

    def quiet(status: Status) -> bool:
        # The printer is asked soon after a start: until then it could still be about to print.
        at_rest = status.state in RESTING and not status.debts and status.health["printer"] is not None
        return at_rest and not _not_yet_seen(account, counter, status)

    counter.until(quiet, within_s)
    books = read(counter)
    assert books.mistakes() == [], counter.said()
    return books


def _not_yet_seen(account: Account, counter: Counter, status: Status) -> set[str]:
    """Payments that are neither on paper nor disputed: late money is looked for every ten seconds."""
    seen = {str(dispute["payment"]) for dispute in status.disputes}
    for paper in counter.papers():
        seen |= paper.payments
    return {payment.id for payment in account.payments()} - seen
