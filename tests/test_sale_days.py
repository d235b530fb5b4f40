"""The day's figures as values."""

from __future__ import annotations

from kiosk.sale.days import Day, DayShown, DayStep, DayWord, Totals
from kiosk.sale.words import LANGUAGES


def test_a_day_on_the_screen_goes_away_by_itself() -> None:
    assert DayShown(Day(1, 0, 0, None, Totals()), DayStep.ASK, 50.0).wakes_at == 50.0


def test_no_two_figures_of_a_day_are_called_the_same() -> None:
    for words in LANGUAGES.values():
        assert len(set(words.day.values())) == len(DayWord)
