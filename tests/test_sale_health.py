"""What the counter depends on, as answers and devices tell it."""

from __future__ import annotations

import pytest

from kiosk.sale.commands import Look, Note
from kiosk.sale.events import (
    AccountIs,
    Holds,
    Key,
    Paper,
    PaperIs,
    Printed,
    PrintFailed,
    Refused,
    Reject,
    Trouble,
    Unknown,
)
from kiosk.sale.health import Health
from tests.story import Story

SILENCE = Unknown(request=1, trouble=Trouble.SLOW)


def test_an_answer_ends_trouble_and_refusal_and_sets_the_clock() -> None:
    ill = Health(trouble=Trouble.NETWORK, reject=Reject.TOKEN)
    well = ill.heard(Holds(request=1, order=None, date=9000.0), 1000.0)
    assert (well.trouble, well.reject, well.answered_at) == (None, None, 1000.0)
    assert well.provider_time(1007.0) == 9007.0


def test_an_answer_without_a_date_keeps_the_clock() -> None:
    well = Health(offset=8000.0).heard(Holds(request=1, order=None), 1000.0)
    assert well.provider_time(1000.0) == 9000.0
    assert Health().heard(Holds(request=1, order=None), 1000.0).provider_time(1000.0) is None


@pytest.mark.parametrize(("later_s", "offset"), [(0.9, 8000.0), (-0.9, 8000.0), (1.0, 8001.0), (-60.0, 7940.0)])
def test_a_date_counts_whole_seconds_and_moves_the_clock_only_by_more(later_s: float, offset: float) -> None:
    """R3: what is derived from it does not jitter."""
    dated = Holds(request=1, order=None, date=9000.0 + later_s)
    assert Health(offset=8000.0).told_time(dated, 1000.0).offset == offset


def test_a_date_that_jumps_is_believed_the_second_time() -> None:
    jumps = Holds(request=1, order=None, date=99_000.0)
    once = Health(offset=8000.0).told_time(jumps, 1000.0)
    assert (once.offset, once.told_time(jumps, 1000.0).offset) == (8000.0, 98_000.0)
    again = once.told_time(Holds(request=1, order=None, date=9000.5), 1000.0)
    assert (again.offset, again.odd_offset) == (8000.5, None)


def test_a_refusal_is_an_answer_and_silence_is_none() -> None:
    refused = Health(trouble=Trouble.SLOW).heard(Refused(request=1, reject=Reject.FORBIDDEN, date=9000.0), 1000.0)
    assert (refused.trouble, refused.reject, refused.answered_at) == (None, Reject.FORBIDDEN, 1000.0)
    silent = refused.heard(SILENCE, 2000.0)
    assert (silent.trouble, silent.reject, silent.answered_at) == (Trouble.SLOW, Reject.FORBIDDEN, 1000.0)
    assert silent.provider_time(1000.0) == 9000.0


@pytest.mark.parametrize(
    ("event", "paper"),
    [
        (PaperIs(Paper.OUT), Paper.OUT),
        (PrintFailed(1, began=False, paper=Paper.GONE), Paper.GONE),
        (Printed(1), Paper.OK),
        (Printed(1, sure=False), Paper.SILENT),
        (Key("1"), Paper.LOW),
        (AccountIs(request=1, user_id=1, site="MLB", test=False), Paper.LOW),
    ],
)
def test_the_printers_word_is_kept_and_nothing_else_changes_it(event: object, paper: Paper) -> None:
    assert Health(paper=Paper.LOW).device_said(event).paper is paper


def test_trouble_is_told_once_and_its_end_too() -> None:
    """The panel shows it as an icon; the log says when it began, and when it was over."""
    story = Story().ready().waiting()
    story.wait_for(Look)
    story.unknown(Look)
    story.wait_for(Look)
    story.seen()
    notes = [note.entry.event for note in story.did(Note)]
    assert [notes.count(event) for event in ("provider-fails", "provider-answers")] == [1, 1]
