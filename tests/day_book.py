"""The day book of the journals in memory: which sales were journalled as paid, or as over, in which order (``schema``).

Written a second time and in another way: it keeps the sales themselves and adds them up anew for each question.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from kiosk.sale.days import LATE_MAX, Close, Day, LateSale, Totals
from kiosk.sale.records import Phase, Refund, RefundState, Sale
from tests.law import law


@dataclass(slots=True)
class DayBook:
    """What happened, in the order of the journal, and the Zs that took it."""

    entries: list[tuple[int, bool, Sale]] = field(default_factory=list)
    """Position, whether it was paid, and the sale as it was then."""
    given_back: list[tuple[int, Refund]] = field(default_factory=list)
    """Position, and the refund, in the same order."""
    closes: dict[int, Close] = field(default_factory=dict)
    _known: set[tuple[bool, str]] = field(default_factory=set)

    def copy(self) -> DayBook:
        """A backup."""
        return DayBook([*self.entries], [*self.given_back], {**self.closes}, {*self._known})

    def enter(self, sale: Sale) -> None:
        """A sale was written."""
        paid = sale.phase is Phase.PAID
        if sale.foreign or sale.phase.open or (paid, sale.reference) in self._known:
            return
        self._known.add((paid, sale.reference))
        self.entries.append((self._newest() + 1, paid, sale))

    def give_back(self, refund: Refund) -> None:
        """A refund was written: it counts when it is done, once."""
        if refund.state is RefundState.DONE and all(refund.key != known.key for _, known in self.given_back):
            self.given_back.append((self._newest() + 1, refund))

    def _newest(self) -> int:
        entered = [entry[0] for entry in self.entries[-1:]] + [entry[0] for entry in self.given_back[-1:]]
        return max([0, *entered, *(close.upto for close in self.closes.values())])

    def close(self, close: Close) -> None:
        """A Z was written: it follows the last one, and is the sum of what it took."""
        if close.number in self.closes:
            law("L2", self.closes[close.number] == close, f"Z {close.number} changed")
            return
        if self.closes:
            law("L2", close.number == max(self.closes) + 1, f"Z {close.number} after {max(self.closes)}")
            law("L2", close.after == self.closes[close.number - 1].upto, "a Z that does not begin where the last ended")
            law(
                "L2",
                close.totals == self._totals(close.after, close.upto),
                f"Z {close.number} is not the sum of its sales",
            )
        self.closes[close.number] = close

    @property
    def last(self) -> Close | None:
        """The last Z."""
        return self.closes[max(self.closes)] if self.closes else None

    def day(self) -> Day:
        """What is open."""
        last = self.last
        after = last.upto if last else 0
        upto = max([after, *(entry[0] for entry in self.entries), *(entry[0] for entry in self.given_back)])
        late = [sale for position, paid, sale in self.entries if position > after and paid and sale.late][:LATE_MAX]
        return Day(
            number=last.number + 1 if last else 1,
            after=after,
            upto=upto,
            since=last.at if last else None,
            totals=self._totals(after, upto),
            late=tuple(LateSale(sale.number, sale.cents, sale.made_at) for sale in late),
        )

    def _totals(self, after: int, upto: int) -> Totals:
        span = [(paid, sale) for position, paid, sale in self.entries if after < position <= upto]
        sold = [sale for paid, sale in span if paid]
        late = [sale for sale in sold if sale.late]
        back = [refund for position, refund in self.given_back if after < position <= upto]
        unpaid = len(span) - len(sold)
        return Totals(len(sold), worth(sold), len(late), worth(late), unpaid, len(back), worth(back))


def worth(records: Iterable[Sale | Refund]) -> int:
    """Minor units."""
    return sum(record.cents for record in records)


def adds_up(closes: Iterable[Close], day: Day, sales: Iterable[Sale], refunds: Iterable[Refund] = ()) -> None:
    """Raise unless all Zs and the open day together are all paid sales, and all refunds that are done: none missed,
    none counted twice."""
    totals = [*(close.totals for close in closes), day.totals]
    paid = [sale for sale in sales if sale.phase is Phase.PAID]
    counted = (sum(each.sales for each in totals), sum(each.cents for each in totals))
    law("L2", counted == (len(paid), worth(paid)), f"the Zs and the open day hold {counted}, the journal {len(paid)}")
    late = [sale for sale in paid if sale.late]
    counted = (sum(each.late for each in totals), sum(each.late_cents for each in totals))
    law("L2", counted == (len(late), worth(late)), f"late in the Zs and the open day: {counted}, of {len(late)}")
    back = [refund for refund in refunds if refund.state is RefundState.DONE]
    counted = (sum(each.refunds for each in totals), sum(each.refunded_cents for each in totals))
    law("L2", counted == (len(back), worth(back)), f"given back in the Zs and the open day: {counted}, of {len(back)}")
