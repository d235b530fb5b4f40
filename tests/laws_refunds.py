"""What must hold of money that goes back (L2, L3, L6, L7; R18, R24), for ``tests.laws`` and for the audit.

It judges by what Mercado Pago showed and by what is durable: a refund is done when an answer showed it as approved, and
not before; it belongs to one wish alone; and who is told that it failed must be right for ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Protocol

from kiosk.sale.commands import AskRefunds, Command, GiveBack, Print
from kiosk.sale.events import Answer, GivenBack, PaymentState, RefundsAre, RefundSeen
from kiosk.sale.records import Debt, DebtState, Mark, Record, Refund, RefundState
from tests.law import law

PAPER: Final = "refund:"
"""How the keys of refund papers begin."""
_COUNTS: Final = {PaymentState.APPROVED, PaymentState.PENDING}
_FOR_SURE: Final = {Mark.COPY, Mark.POSSIBLE_DUPLICATE}


class Wishes(Protocol):
    """What the laws read of a journal: what is durable."""

    debts: dict[str, Debt]
    wishes: dict[str, Refund]


class RefundLaws:
    """Watches what goes back, across power cuts."""

    def __init__(self) -> None:
        self._shown: dict[str, dict[str, int | None]] = {}
        """Payment -> its refunds that an answer showed as approved, and their amounts."""
        self._owners: dict[str, str] = {}
        """Refund -> the wish that it fulfilled."""
        self._first: dict[str, Refund] = {}
        """Each wish as it was decided."""
        self.forget_life()

    def forget_life(self) -> None:
        """Requests are counted anew, and what was told before is old."""
        self._asked: dict[int, str] = {}
        self._back: dict[str, set[str]] = {}
        """Payment -> its refunds by the last whole answer, since the last wish for it."""

    def learn(self, event: Answer) -> None:
        """An answer was heard."""
        payment = self._asked.get(event.request, "")
        match event:
            case GivenBack(refund=seen):
                self._see(payment, [seen])
            case RefundsAre(refunds=refunds):
                self._see(payment, refunds)
                self._back.pop(payment, None)
                if event.whole:
                    self._back[payment] = {seen.id for seen in refunds if seen.state in _COUNTS}
            case _:
                pass

    def _see(self, payment: str, refunds: Iterable[RefundSeen]) -> None:
        shown = self._shown.setdefault(payment, {})
        shown.update({seen.id: seen.cents for seen in refunds if seen.state is PaymentState.APPROVED})

    def saved(self, record: Record, journal: Wishes) -> None:
        """It is durable now."""
        match record:
            case Refund():
                self._wish(record, journal)
            case Debt() if record.id.startswith(PAPER):
                wish = journal.wishes.get(record.id.removeprefix(PAPER))
                done = wish is not None and wish.state is RefundState.DONE
                law("L1", done, f"the paper of a refund that is not done: {record.id}")
            case _:
                pass

    def _wish(self, wish: Refund, journal: Wishes) -> None:
        if wish.key not in self._first and not wish.tries:
            self._back.pop(wish.payment, None)
        first = self._first.setdefault(wish.key, wish)
        for name in ("payment", "reference", "currency", "whole", "by", "known", "dispute"):
            law("L5", getattr(wish, name) == getattr(first, name), f"the {name} of a refund changed")
        law("L5", wish.whole or wish.cents == first.cents, "the amount of a refund changed")
        match wish.state:
            case RefundState.WANTED:
                others = [w for w in journal.wishes.values() if w.state is RefundState.WANTED and w.key != wish.key]
                law("R24", wish.payment not in {w.payment for w in others}, "two open refunds of one payment")
            case RefundState.DONE:
                shown = self._shown.get(wish.payment, {})
                law("R24", wish.refund_id in shown, f"called done, and never shown as approved: {wish.refund_id}")
                law("L5", shown.get(wish.refund_id) == wish.cents, "another amount than the one that went back")
                law("R24", wish.refund_id not in wish.known, f"{wish.refund_id} was there before")
                owner = self._owners.setdefault(wish.refund_id, wish.key)
                law("R24", owner == wish.key, f"two wishes end with the refund {wish.refund_id}")
            case RefundState.REFUSED:
                law("R24", wish.key not in self._owners.values(), "a refund that was done is called refused")

    def carried_out(self, command: Command, journal: Wishes) -> None:
        """It is done now."""
        match command:
            case AskRefunds():
                self._asked[command.request] = command.payment
            case GiveBack(refund=wish):
                self._asked[command.request] = wish.payment
                row = journal.wishes.get(wish.key)
                law("L7", row == wish, "money is given back, and the journal does not know it")
                law("L7", wish.state is RefundState.WANTED and wish.tries > 0, "an attempt that was not counted")
                if wish.tries == 1 and not wish.doubt:
                    back = self._back.get(wish.payment)
                    law("R24", back is not None, "money is given back, and nobody asked what went back since")
                    law("R24", back is None or back <= {*wish.known}, f"sent, though {back} went back")
            case _:
                pass

    def printed(self, command: Print, journal: Wishes) -> str:
        """A paper goes to the printer; its key where it is one of these."""
        papers = (debt for id_, debt in journal.debts.items() if id_.startswith(PAPER))
        debt = next((debt for debt in papers if debt.ticket == command.ticket), None)
        if debt is None:
            return ""
        if not set(command.marks) & _FOR_SURE:
            law("L7", debt.state is DebtState.PRINTING, "a print that the journal does not know")
        return debt.id


def audit_refunds(journal: Wishes, returned: Mapping[str, tuple[str, int]]) -> None:
    """At the end, by the provider's own books. ``returned``: by key, the id and the amount of what really went back.

    What a restored backup finds wanted may have been sent since: there, and nowhere else, the same amount that somebody
    gave back in the account cannot be told from it. It went back once, and its paper is a possible duplicate.
    """
    by_hand = [told for key, told in returned.items() if key not in journal.wishes]
    for key, wish in journal.wishes.items():
        law("L8", wish.state is not RefundState.WANTED, f"the refund {key} of sale {wish.number} has no end")
        if wish.state is RefundState.DONE:
            done = (wish.refund_id, wish.cents)
            told = returned.get(key) == done or (wish.restored and key not in returned and done in by_hand)
            law("R24", told, f"called done, and it is {returned.get(key)}")
            law("L2", PAPER + key in journal.debts, f"given back, and no paper is owed: {key}")
        else:
            law("R24", key not in returned, f"called refused ({wish.why}), and {returned.get(key)} went back")
