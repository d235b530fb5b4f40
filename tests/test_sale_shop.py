"""The shop's own limits, and the account's beside them."""

from __future__ import annotations

import pytest

from kiosk.sale.events import Paper
from tests.story import SHOP, Story

MAXIMUM = SHOP.maximum


@pytest.mark.parametrize(
    ("account_minimum", "smallest"), [(0, 100), (50, 100), (100, 100), (500, 500), (MAXIMUM, MAXIMUM)]
)
def test_the_smallest_amount_is_the_larger_of_the_two(account_minimum: int, smallest: int) -> None:
    assert SHOP.smallest(account_minimum) == smallest


def test_an_account_that_would_stop_all_sales_is_not_believed() -> None:
    assert SHOP.smallest(MAXIMUM + 1) == SHOP.minimum


def ready(minimum: int) -> Story:
    return Story().account(minimum=minimum).free().printer(Paper.OK)


def sells(story: Story, keys: str) -> bool:
    return story.keys(keys + "#").public == "placing"


def test_what_the_account_takes_of_no_phone_is_refused_before_anything_is_placed() -> None:
    story = ready(500)
    assert not sells(story, "499")
    assert story.screen.text == "Mínimo 5,00"
    assert sells(story.keys("***"), "500")


def test_the_account_never_makes_the_shops_own_minimum_smaller() -> None:
    assert not sells(ready(1), "99")
    assert sells(ready(1), "100")


def test_the_minimum_of_another_account_is_nobodys() -> None:
    assert Story().account(user_id=1, minimum=500).counter.health.minimum == 0
    assert Story().account(minimum=500).counter.health.minimum == 500
