"""Cuts at moments that nobody chose: sale after sale, each cut somewhere, and the books must be right after each."""

from __future__ import annotations

from random import Random
from typing import Final

from tests.counter_books import audit, read
from tests.counter_client import PATIENCE_S, RESTING, Counter
from tests.side_by_side import Story

SEED: Final = 20_250_704


def press(keys: str) -> Story:
    return lambda counter: counter.press(keys)


def customer(action: str) -> Story:
    return lambda counter: [counter.customer(action)].clear()  # Whether it can be done is the moment's affair.


def state(*names: str) -> Story:
    return lambda counter: [counter.until_state(*names)].clear()


def paper_out(counter: Counter) -> None:
    counter.until(lambda status: not status.debts)


WAYS: list[list[Story]] = [
    [press("12"), press("50#"), state("waiting"), customer("scan"), customer("confirm"), state("paid"), paper_out],
    [press("5000#"), state("waiting"), customer("reject"), customer("confirm"), state("paid"), paper_out],
    [press("80000#"), state("waiting"), customer("scan"), press("*"), press("#"), state("notice")],
    [press("100#"), state("waiting"), customer("scan"), press("*"), press("#"), customer("confirm"), paper_out],
]
"""How a sale may go, step by step."""
LOOKS = (0, 0, 1, 2, 5, 20, 80)
"""How often the state is looked at between a step and the cut: some milliseconds each."""


def cut_at_any_moment(counter: Counter, cuts: int) -> None:
    """Sale after sale, each cut somewhere; the books must be right after each."""
    chance = Random(SEED)
    for _ in range(cuts):
        way = chance.choice(WAYS)
        for step in way[: chance.randint(1, len(way))]:
            step(counter)
        for _ in range(chance.choice(LOOKS)):
            counter.status()
        with counter.without_power():
            if chance.random() < 0.5:
                counter.customer("confirm")
        come_to_an_end(counter, paid=chance.random() < 0.5)
    assert len(read(counter).sales) > cuts / 2  # Most moments were moments of a sale.


def come_to_an_end(counter: Counter, *, paid: bool) -> None:
    if counter.until_state(*RESTING, "waiting").state == "waiting":
        if paid:
            counter.customer("pay")
        else:
            counter.cancel()
    audit(counter, 2 * PATIENCE_S)  # After a start the sales that are over are looked at one by one.
    counter.leave()
