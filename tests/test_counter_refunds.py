"""Money that goes back, and disputed money that is settled: told to the real program over the virtual counter's HTTP.

The account is asked what truly went back, over its own interface and with the shop's token (R18, R24).
"""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator

import pytest

from kiosk.sale.giving import DeskWord, Snag
from kiosk.sale.records import Mark
from kiosk.sale.states import MenuItem
from kiosk.sim.shop import PIN
from tests.counter_books import Account, audit, brl
from tests.counter_client import WORDS, Counter, Paper
from tests.side_by_side import Story, Told, selected, told_side_by_side

pytestmark = pytest.mark.slow


def sold(counter: Counter, amount: str = "2500") -> str:
    """A sale, paid and printed; the payment's id."""
    before = {payment.id for payment in Account(counter).payments()}
    counter.sell(amount)
    assert counter.customer("pay")
    counter.until_state("paid")
    audit(counter)
    counter.leave()
    [payment] = {payment.id for payment in Account(counter).payments()} - before
    return payment


def choose(counter: Counter, item: MenuItem) -> None:
    """Walk the menu to that entry, and into it."""
    for _ in range(len(MenuItem) + 1):
        counter.press("*")
        if WORDS.menu[item] in counter.screen():
            counter.press("#")
            return
    raise AssertionError(f"{item} is not in the menu: {counter.screen()}")


def inquired(counter: Counter) -> None:
    """The last sale's money is to go back, and the account has told what is left of it."""
    choose(counter, MenuItem.REFUND)
    counter.press("#")
    counter.until_screen(WORDS.desk[DeskWord.SIZE_FOOTER])


def given_back(counter: Counter, part: str = "") -> None:
    """It went back, and the kiosk knows it."""
    inquired(counter)
    counter.press(f"{part}#{PIN}#")
    counter.until_screen(WORDS.desk[DeskWord.DONE])
    counter.press("#")


def given_back_and_not_known(counter: Counter, keys: str = f"#{PIN}#") -> None:
    """It went back, its answer was an error, and the list does not show it yet; see ``known_again``."""
    Account(counter).doubt("a refund fails, and is made", True)
    Account(counter).doubt("the list of refunds is behind", True)
    counter.press(keys)
    counter.until_screen(WORDS.desk[DeskWord.UNKNOWN])


def known_again(counter: Counter) -> None:
    """The list shows all of it."""
    Account(counter).doubt("a refund fails, and is made", False)
    Account(counter).doubt("the list of refunds is behind", False)


def refund_papers(counter: Counter, count: int) -> list[Paper]:
    """The papers about money that went back, as soon as there are so many."""
    counter.until(lambda status: len(_refund_papers(counter)) >= count and not status.debts)
    papers = _refund_papers(counter)
    assert len(papers) == count
    return papers


def _refund_papers(counter: Counter) -> list[Paper]:
    return [paper for paper in counter.papers() if WORDS.refund in paper.text]


def copy_of_the_last(counter: Counter) -> Paper:
    """What ``kiosk reprint`` prints."""
    before = len(counter.papers())
    again = counter.kiosk("reprint", "--config", str(counter.config), str(counter.sales()[0]["number"]))
    assert again.returncode == 0, again.stderr
    counter.until(lambda _: len(counter.papers()) > before)
    return counter.papers()[-1]


def a_sale_goes_back_whole(counter: Counter) -> None:
    """Once, in the account; on paper, with who decided; on the ticket's copy; and in the totals."""
    payment = sold(counter)
    given_back(counter)
    assert Account(counter).refunds(payment) == [2500]
    [paper] = refund_papers(counter, 1)
    assert brl(2500) in paper.text
    assert re.search(rf"^{WORDS.payment} +{payment}$", paper.text, re.MULTILINE)
    assert Mark.REFUNDED in copy_of_the_last(counter).marks
    totals = json.loads(counter.kiosk("totals", "--config", str(counter.config), "--json").stdout)
    assert (totals["cents"], totals["refunds"], totals["refunded_cents"]) == (2500, 1, 2500)


def a_part_goes_back_and_then_the_rest(counter: Counter) -> None:
    """The second time the account tells what is left; a ticket of which a part went back says nothing."""
    payment = sold(counter)
    given_back(counter, "700")
    refund_papers(counter, 1)
    assert Mark.REFUNDED not in copy_of_the_last(counter).marks
    inquired(counter)
    assert "18,00" in counter.screen()
    counter.press("1801#")
    counter.until_screen(WORDS.snags[Snag.TOO_MUCH])
    counter.press("****1800#")
    counter.until_screen(WORDS.desk[DeskWord.SIGN])
    counter.press(f"{PIN}#")
    counter.until_screen(WORDS.desk[DeskWord.DONE])
    assert Account(counter).refunds(payment) == [700, 1800]
    refund_papers(counter, 2)
    assert Mark.REFUNDED in copy_of_the_last(counter).marks


def a_lost_answer_is_resolved_by_asking(counter: Counter) -> None:
    """R24: nobody says that it failed; it goes back once."""
    payment = sold(counter)
    inquired(counter)
    given_back_and_not_known(counter)
    assert _refund_papers(counter) == []
    known_again(counter)
    counter.until_screen(WORDS.desk[DeskWord.DONE])
    assert Account(counter).refunds(payment) == [2500]
    refund_papers(counter, 1)


def a_crash_in_the_midst_of_it_gives_back_once(counter: Counter) -> None:
    """L7: the wish was durable before its first attempt; after the start it is asked what went back."""
    payment = sold(counter)
    inquired(counter)
    given_back_and_not_known(counter)
    pid = counter.pid
    os.kill(pid, signal.SIGKILL)
    known_again(counter)
    counter.until(lambda _: counter.pid not in (0, pid))
    [paper] = refund_papers(counter, 1)
    assert Mark.POSSIBLE_DUPLICATE not in paper.marks
    assert Account(counter).refunds(payment) == [2500]


def five_wrong_pins_lock_the_desk(counter: Counter) -> None:
    """Also for the right one, and across a restart; nothing went back."""
    payment = sold(counter)
    inquired(counter)
    counter.press("#")
    for _ in range(4):
        counter.press("9999#")
        counter.until_screen(WORDS.snags[Snag.WRONG_PIN])
    counter.press("9999#")
    counter.until_screen(WORDS.snags[Snag.LOCKED])
    pid = counter.pid
    os.kill(pid, signal.SIGKILL)
    counter.until(lambda _: counter.pid not in (0, pid))
    counter.until_state("idle")
    inquired(counter)
    counter.press("#")
    counter.until_screen(WORDS.snags[Snag.LOCKED])
    counter.press(f"{PIN}#")
    counter.until_screen(WORDS.snags[Snag.LOCKED])
    assert Account(counter).refunds(payment) == []
    assert _refund_papers(counter) == []


def paid_twice(counter: Counter) -> str:
    """A sale that two phones paid; the second payment."""
    counter.sell("2500")
    assert counter.customer("pay-twice")
    counter.until_state("paid")
    [dispute] = counter.until(lambda status: bool(status.disputes)).disputes
    audit(counter)
    counter.leave()
    return str(dispute["payment"])


def what_was_paid_twice_goes_back(counter: Counter) -> None:
    """R18: with the desk's ``2``; the sale's own payment, and its ticket, stay."""
    payment = paid_twice(counter)
    choose(counter, MenuItem.SETTLE)
    counter.press("2")
    counter.until_screen(WORDS.desk[DeskWord.SIGN])
    counter.press(f"{PIN}#")
    counter.until(lambda status: not status.disputes)
    assert Account(counter).refunds(payment) == [2500]
    assert len(Account(counter).payments()) == 1
    refund_papers(counter, 1)
    assert Mark.REFUNDED not in copy_of_the_last(counter).marks


def what_was_paid_twice_was_delivered(counter: Counter) -> None:
    """R18: with the desk's ``1``; nothing goes back."""
    payment = paid_twice(counter)
    choose(counter, MenuItem.SETTLE)
    counter.press(f"1{PIN}#")
    counter.until(lambda status: not status.disputes)
    assert Account(counter).refunds(payment) == []
    assert len(Account(counter).payments()) == 2
    assert _refund_papers(counter) == []


def the_technician_settles_it(counter: Counter) -> None:
    """``kiosk settle`` beside the running kiosk; an unknown payment is refused."""
    payment = paid_twice(counter)
    config = ("--config", str(counter.config))
    assert payment in counter.kiosk("settle", *config).stdout
    wrong = counter.kiosk("settle", *config, "12", "delivered", "--by", "Rui")
    assert wrong.returncode != 0
    assert counter.status().disputes
    done = counter.kiosk("settle", *config, payment, "delivered", "--by", "Rui")
    assert (done.returncode, payment in done.stdout) == (0, True)
    counter.until(lambda status: not status.disputes)
    assert "there is no money to settle" in counter.kiosk("settle", *config).stdout


STORIES: list[Story] = [
    a_sale_goes_back_whole,
    a_part_goes_back_and_then_the_rest,
    a_lost_answer_is_resolved_by_asking,
    a_crash_in_the_midst_of_it_gives_back_once,
    five_wrong_pins_lock_the_desk,
    what_was_paid_twice_goes_back,
    what_was_paid_twice_was_delivered,
    the_technician_settles_it,
]


@pytest.fixture(scope="module")
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    with told_side_by_side(selected(request), tmp_path_factory.mktemp("refunds"), {}) as told:
        yield told


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_story(story: Story, told: Told) -> None:
    told(story)
