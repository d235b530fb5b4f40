"""What may happen, as values: which paper counts as usable, and that no answer goes without its request."""

from __future__ import annotations

from typing import get_args

import pytest

from kiosk.sale.events import (
    Answer,
    CallAnswer,
    Event,
    Evidence,
    Holds,
    Key,
    Paper,
    PosOrder,
    Seen,
    Trouble,
    Unknown,
)


def test_a_printer_is_usable_while_it_has_paper_and_while_it_never_says() -> None:
    assert {paper for paper in Paper if paper.usable} == {Paper.OK, Paper.LOW, Paper.SILENT}


def test_every_answer_names_the_request_it_belongs_to() -> None:
    """An answer can only be made with its request's number, and by name."""
    for kind in get_args(CallAnswer):
        assert issubclass(kind, Answer)
        with pytest.raises(TypeError, match="request"):
            kind()
        with pytest.raises(TypeError, match="positional"):
            kind(1)
    assert Unknown(request=1, trouble=Trouble.SLOW).request == 1


def test_the_events_are_the_answers_the_printers_words_and_the_world() -> None:
    assert set(get_args(CallAnswer)) < set(get_args(Event))


def test_events_are_compared_by_what_they_say() -> None:
    assert Key("5") == Key("5") != Key("5", held=True)
    free, held = Holds(request=1, order=None), Holds(request=1, order=PosOrder("r", 2500))
    assert free != held == Holds(request=1, order=PosOrder("r", 2500))
    assert hash(held) == hash(Holds(request=1, order=PosOrder("r", 2500)))


def test_a_look_is_whole_unless_it_says_otherwise() -> None:
    assert Seen(request=1, evidence=Evidence()).evidence.whole
    assert not Evidence(whole=False).whole
