"""What the journal could not write: what is left of a step, and what is known all the same (R22)."""

from __future__ import annotations

from kiosk.sale.commands import Place, Print, Save, Sound, Tune
from kiosk.sale.days import Close, Totals
from kiosk.sale.events import NotSaved
from kiosk.sale.records import Debt, Mark, Phase, Sale, Ticket
from kiosk.sale.unsaved import left

SALE = Sale("K-1-x", 1, 2500, "BRL", (), "k", 0.0, puts=1)
PAPER = Ticket(())


def test_an_order_whose_intent_was_not_written_is_not_placed_and_is_saved_as_refused() -> None:
    place = Place(request=1, until=0.0, sale=SALE)
    [record], go_on = left(NotSaved((Save((SALE,)), place)), 7.0)
    assert isinstance(record, Sale)
    assert (record.phase, record.ended_at, go_on) == (Phase.REFUSED, 7.0, [])


def test_the_second_attempt_of_an_order_leaves_the_first_ones_record() -> None:
    again = Sale("K-1-x", 1, 2500, "BRL", (), "k", 0.0, puts=2)
    assert left(NotSaved((Save((again,)), Place(request=1, until=0.0, sale=again))), 7.0) == ([], [])


def test_what_is_printed_says_that_it_may_be_a_duplicate() -> None:
    debt = Debt("K-1-x", 1, 2500, PAPER, 0.0)
    records, go_on = left(NotSaved((Save((debt,)), Print(1, PAPER), Sound(Tune.PAID))), 7.0)
    assert records == [debt]
    assert go_on == [Print(1, PAPER, (Mark.POSSIBLE_DUPLICATE,)), Sound(Tune.PAID)]


def test_a_day_is_not_closed() -> None:
    close, paper = Close(1, 0.0, 0, 9, Totals()), Debt("z:1", 0, 0, PAPER, 0.0)
    assert left(NotSaved((Save((close, paper, SALE)),)), 7.0) == ([SALE], [])
