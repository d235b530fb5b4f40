"""An account that gives money back, and a counter before it: for the tests of refunds that are more than one step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from kiosk.sale.commands import AskPos, AskRefunds, GiveBack, Lane, Print
from kiosk.sale.events import (
    CallAnswer,
    GivenBack,
    NoRefund,
    NotGivenBack,
    PaymentSeen,
    PaymentState,
    RefundsAre,
    RefundSeen,
    Trouble,
    Unknown,
)
from kiosk.sale.records import Refund, RefundState
from kiosk.sale.states import Idle, MenuItem
from tests.story import EPOCH, SHOP, Story

SUPERVISED = replace(SHOP, refunds=True)
LAG_S = 25.0
"""How far the list of refunds may lag behind the truth."""


def after_a_sale(*, keys: str = "2500#") -> Story:
    """A kiosk with supervisors, and one paid sale behind it."""
    story = Story(SUPERVISED).ready().waiting(keys).paid().printed().wait(2)
    story = (story.free() if story.open_calls(AskPos) else story).keys("#")
    story.in_state(Idle)
    story.take()
    return story


def wished(story: Story, part: str = "") -> Story:
    """All of the last sale's money is to go back, or a part: signed, asked once more, and sent."""
    return story.choose(MenuItem.REFUND).keys("#").refunds_are().keys(f"{part}#1234#").refunds_are()


def the_refund(story: Story) -> Refund:
    """The only one in the journal."""
    [refund] = story.journal.wishes.values()
    return refund


def refund_papers(story: Story) -> list[Print]:
    """What was printed about refunds since the last ``take``."""
    return story.did(Print, lambda command: any(line.text == "DEVOLUÇÃO" for line in command.ticket.lines))


@dataclass
class Given:
    """One refund that truly is."""

    id: str
    key: str
    cents: int
    state: PaymentState
    at: float
    listed_at: float
    """From here on the list shows it..."""
    counted_at: float
    """...and the payment itself."""


class Account:
    """The truth about one payment of 25,00. ``choose(n)`` answers 0 to n - 1: what it does is up to the test."""

    def __init__(self, choose: Callable[[int], int], cents: int = 2500) -> None:
        self.choose = choose
        self.cents = cents
        self.given: dict[str, Given] = {}
        """By key."""
        self.calm = False
        """From here on nothing lags, is lost, or is refused on a whim."""

    @property
    def left(self) -> int:
        return self.cents - sum(given.cents for given in self.given.values())

    def give(self, refund: Refund, now: float) -> CallAnswer:
        """As the provider does: once for each key; an attempt that comes again may be told so in three ways."""
        known = self.given.get(refund.key)
        whim = 0 if self.calm else self.choose(5)
        if known:
            if whim == 1:
                return NotGivenBack(request=0, reason=NoRefund.USED)
            if whim == 2:
                return NotGivenBack(request=0, reason=NoRefund.STATE)
            return GivenBack(request=0, refund=self._seen(known))
        amount = self.left if refund.whole else refund.cents
        if not 0 < amount <= self.left:
            return NotGivenBack(request=0, reason=NoRefund.STATE if refund.whole else NoRefund.AMOUNT)
        if whim == 1:
            return NotGivenBack(request=0, reason=NoRefund.OTHER)
        if whim == 2:
            return Unknown(request=0, trouble=Trouble.SERVER)
        state = PaymentState.PENDING if whim == 3 else PaymentState.APPROVED
        listed_at = now + LAG_S * self.choose(4) / 3
        counted_at = listed_at if self.choose(3) else now
        name = f"b{len(self.given) + 1}"
        self.given[refund.key] = Given(name, refund.key, amount, state, now, listed_at, counted_at)
        return GivenBack(request=0, refund=self._seen(self.given[refund.key]))

    def list(self, payment: str, now: float) -> CallAnswer:
        """The payment and its refunds; both may lag behind, the list further than the payment."""
        if not self.calm and not self.choose(8):
            return Unknown(request=0, trouble=Trouble.SERVER)
        for given in self.given.values():
            if given.state is PaymentState.PENDING and (self.calm or now > given.at + 15):
                given.state = PaymentState.APPROVED
        listed = [given for given in self.given.values() if given.listed_at <= now]
        back = sum(given.cents for given in self.given.values() if given.counted_at <= now)
        state = PaymentState.REFUNDED if back == self.cents else PaymentState.APPROVED
        shown = PaymentSeen(payment, state, self.cents, "BRL", back)
        whole = self.calm or bool(self.choose(8))
        return RefundsAre(request=0, payment=shown, refunds=tuple(map(self._seen, listed)), whole=whole)

    @staticmethod
    def _seen(given: Given) -> RefundSeen:
        return RefundSeen(given.id, given.state, given.cents)

    def answer(self, story: Story) -> bool:
        """Carry out the request in flight, if there is one. It may be lost before it came, or its answer after."""
        giving, asking = story.open_calls(GiveBack, Lane.BEHIND), story.open_calls(AskRefunds, Lane.BEHIND)
        if not giving and not asking:
            return False
        call: GiveBack | AskRefunds = (giving or asking)[0]
        lost = 5 if self.calm else self.choose(4 if isinstance(call, GiveBack) else 8)
        told: CallAnswer = Unknown(request=0, trouble=Trouble.NETWORK)
        if lost:
            done = self.give(call.refund, story.at) if isinstance(call, GiveBack) else self.list(call.payment, story.at)
            told = told if lost == 1 or (lost == 2 and isinstance(call, GiveBack)) else done
        story.asked = [asked for asked in story.asked if asked.command is not call]
        date = None if isinstance(told, Unknown) else EPOCH + story.at
        story.feed(replace(told, request=call.request, reference=call.reference, date=date))
        return True


def never_twice(story: Story, account: Account) -> None:
    """The invariants of R24, against what truly is."""
    refunds = story.journal.wishes.values()
    ids = [refund.refund_id for refund in refunds if refund.refund_id]
    assert len(ids) == len(set(ids)), "two wishes, one refund"
    for refund in refunds:
        truth = account.given.get(refund.key)
        if refund.state is RefundState.DONE:
            assert truth, "done, and nothing went back"
            assert (truth.id, truth.cents) == (refund.refund_id, refund.cents), "another wish's refund"
        if refund.state is RefundState.REFUSED:
            assert truth is None, "called refused, and it went back"
    assert set(account.given) <= set(story.journal.wishes), "money went back that nobody wrote down"
