"""The small signs: each there, in its box, and unlike the others."""

from __future__ import annotations

import itertools

from kiosk.display.icons import COLUMNS, ICONS, ROWS
from kiosk.sale.screens import Icon


def test_every_icon_is_drawn_and_fits_its_box() -> None:
    assert set(ICONS) == set(Icon)
    for dots in ICONS.values():
        assert {x for x, _ in dots} <= set(range(COLUMNS))
        assert {y for _, y in dots} <= set(range(ROWS))


def test_no_two_look_alike() -> None:
    for one, other in itertools.combinations(ICONS.values(), 2):
        assert len(set(one) ^ set(other)) >= 10
