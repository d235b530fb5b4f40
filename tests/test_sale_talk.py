"""A conversation with the provider, as a value: in flight it may fall silent, between requests it is due."""

from __future__ import annotations

import pytest

from kiosk.sale.talk import NEVER, Talk


@pytest.mark.parametrize(
    ("talk", "due", "silent"),
    [
        (Talk(), False, False),
        (Talk(until=50.0), True, False),
        (Talk(until=50.1), False, False),
        (Talk(7, 50.0), False, True),
        (Talk(7, 50.1), False, False),
        (Talk(7, NEVER), False, False),
    ],
)
def test_what_is_true_of_it_at_a_moment(talk: Talk, due: bool, silent: bool) -> None:
    assert (talk.due(50.0), talk.silent(50.0)) == (due, silent)
