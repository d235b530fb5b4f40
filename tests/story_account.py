"""A story whose requests are answered by the adapter and an account: the machine, the wire and the fake, in one time.

``Story`` answers a request when a test says so; here ``live`` lets time pass, and everything asked meanwhile travels
through ``kiosk.mercadopago`` over a socket to the fake, which may behave as any doubt says. The laws are checked after
each step, and at the end that no money of the account is without a place in the journal (law L2).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from kiosk.sale.commands import PaymentCall, Print
from kiosk.sale.events import CallAnswer, Holds, Paper, Trouble, Unknown, Woken
from kiosk.sim.books import Payment
from tests.account_sale import Fake
from tests.contract import Lane
from tests.laws import law
from tests.story import EPOCH, Story


class CounterStory(Story):
    """A counter before an account."""

    def __init__(self, fake: Fake, lane: Lane) -> None:
        self.fake = fake
        self.lane = lane
        self.lost: Callable[[PaymentCall], bool] = lambda call: False
        """Whose answers are lost, though what was asked happens."""
        self.papers: list[Print] = []
        super().__init__()
        self.printer(Paper.OK)
        self.live(1.0)

    def live(self, seconds: float) -> CounterStory:
        """Let time pass; every request is answered at once, every paper comes out."""
        until = self.at + seconds
        self._answer()
        while self.counter.wakes_at <= until:
            self.at = max(self.at, self.counter.wakes_at)
            self.feed(Woken())
            self._answer()
        self.at = until
        return self

    def live_until(self, public: str, within: float) -> CounterStory:
        """Until the front is in that state."""
        until = self.at + within
        while self.public != public:
            assert self.at < until, f"{self.public}, and not {public}, after {within} s: {self.text}"
            self.live(0.5)
        return self

    def type(self, keys: str) -> CounterStory:
        """Press keys, and let them have their answers."""
        for key in keys:
            self.keys(key)
            self._answer()
        return self

    def customer(self, action: str) -> CounterStory:
        """Let the customer act, at this moment."""
        self.fake.now = EPOCH + self.at
        self.fake.customer(action)
        return self

    def _answer(self) -> None:
        while self.asked or self.jobs:
            while self.jobs:
                self.papers.append(self.jobs[0])
                self.printed()
            if self.asked:
                self.feed(self._carried_out(self.asked.pop(0).command))

    def _carried_out(self, call: PaymentCall) -> CallAnswer:
        self.fake.now = EPOCH + self.at
        self.lane.clock.now = self.at
        answered = self.lane.adapter.carry_out(call)
        if self.lost(call):
            return Unknown(request=call.request, reference=call.reference, trouble=Trouble.NETWORK)
        if isinstance(answered, Holds) and answered.order:
            return replace(answered, known=self.journal.sales.get(answered.order.reference))
        return answered

    # --- what must be so at the end ---------------------------------------------------------------------------------

    def money(self) -> list[Payment]:
        """The account's approved payments."""
        return [payment for payment in self.fake.account.ledger.payments() if payment.is_("approved", self.fake.now)]

    def settled(self) -> CounterStory:
        """Half an hour later: every payment has its place, and the counter is ready on a free POS.

        Raises:
            LawBroken: it is not so.
        """
        if self.public == "paid":
            self.live(2.0).type("#")
        self.live(1900.0)
        completed = {payment for sale in self.journal.sales.values() for payment in sale.payments}
        for payment in self.money():
            name = str(payment.id)
            law("L2", (name in completed) != (name in self.journal.disputes), f"payment {name} has not one place")
        law("L8", self.public == "idle", f"{self.public} after half an hour: {self.text}")
        law("L4", self.fake.account.ledger.current(self.fake.now) is None, "idle, and an order is on the POS")
        return self

    def tickets(self) -> list[str]:
        """The references on the tickets that came out."""
        return [paper.ticket.reference for paper in self.papers if not paper.ticket.reference.startswith("slip")]
