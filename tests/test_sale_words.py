"""The three languages: complete, alike in what they fill in, and true to what must never be said."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from dataclasses import fields
from datetime import datetime
from enum import Enum
from pathlib import Path

import pytest

from kiosk.sale.days import DayWord
from kiosk.sale.events import NoRefund, Paper, Reject, Trouble
from kiosk.sale.giving import DeskWord, Snag
from kiosk.sale.recent import Known
from kiosk.sale.records import Mark, Reason
from kiosk.sale.states import Found, Hint, MenuItem, NoticeKind
from kiosk.sale.words import LANGUAGES, Down, Told, Words, words_of

LANGUAGE = pytest.mark.parametrize("words", LANGUAGES.values(), ids=LANGUAGES)


def texts(words: Words) -> Iterator[tuple[str, str]]:
    """Every text of a language, with its name."""
    for field in fields(Words):
        value = getattr(words, field.name)
        if isinstance(value, str):
            yield field.name, value
            continue
        for key, text in value.items():
            name = f"{field.name}[{key.value}]"
            yield from (
                [(f"{name}.{part}", getattr(text, part)) for part in ("head", "big", "text")]
                if isinstance(text, Told)
                else [(name, text)]
            )


def filled_in(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_the_languages_are_those_three() -> None:
    assert set(LANGUAGES) == {"pt", "es", "en"}
    assert words_of("es") is LANGUAGES["es"]
    with pytest.raises(KeyError):
        words_of("fr")


@LANGUAGE
def test_every_message_has_its_words(words: Words) -> None:
    """The type checker holds a language to its fields; this holds its tables to every member that may come."""
    assert set(words.menu) == set(MenuItem)
    assert set(words.down) == set(Down)
    assert set(words.known) == set(Known)
    assert set(words.found) == set(Found)
    assert set(words.day) == set(DayWord)
    assert set(words.hints) == set(Hint)
    assert set(words.notices) == set(NoticeKind)
    assert set(words.troubles) == set(Trouble)
    assert set(words.rejects) == set(Reject)
    assert set(words.papers) == set(Paper)
    assert set(words.marks) == set(Mark)
    assert set(words.reasons) == set(Reason)
    assert set(words.desk) == set(DeskWord)
    assert set(words.snags) == set(Snag)
    assert set(words.no_refund) == set(NoRefund) - {NoRefund.USED}, "that is no refusal"


@LANGUAGE
def test_no_text_is_empty_or_has_loose_ends(words: Words) -> None:
    for name, text in texts(words):
        assert text, name
        assert text == text.strip(), name
        assert text.isprintable(), name


def test_the_languages_fill_in_the_same_things() -> None:
    """Where one language says an amount, a time or a number, all do."""
    for (name, one), *others in zip(*(texts(words) for words in LANGUAGES.values()), strict=True):
        for other_name, other in others:
            assert (other_name, filled_in(other)) == (name, filled_in(one))


def test_nothing_but_the_known_things_is_filled_in() -> None:
    wanted = {
        "part_paid": {"amount"},
        "blind": {"time"},
        "ticket_owed": {"reason"},
        "owed_count": {"count"},
        "paper_left": {"count"},
        "disputed_count": {"count"},
        "day_sales": {"count"},
        "key_stuck": {"key"},
        "hints[too-small]": {"amount"},
        "hints[too-large]": {"amount"},
        "hints[times]": {"count"},
        "hints[items]": {"count"},
        "items": {"count"},
        "items_sum": {"count", "amount"},
        "desk[size-part]": {"amount"},
        "desk[sign-back]": {"amount"},
        "desk[sign-keep]": {"amount"},
        "given_back": {"amount"},
    }
    for words in LANGUAGES.values():
        assert {name: filled_in(text) for name, text in texts(words) if filled_in(text)} == wanted


# --- what must be said, and what must not -----------------------------------------------------------------------------

FAILED = {
    "en": r"cancel|fail|not paid|nobody|nothing was charged|refused|rejected",
    "es": r"cancel|fall|no pagad|nadie|no se cobr|rechaz",
    "pt": r"cancel|falh|não pag|ninguém|nada foi cobrado|recus",
}


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_unknown_is_never_called_failed_or_cancelled(language: str) -> None:
    """L6: while nobody knows, no word says that nobody paid. A cancelled sale says it, and may."""
    words, failed = LANGUAGES[language], re.compile(FAILED[language], re.IGNORECASE)
    told = words.notices[NoticeKind.NOT_CONFIRMED]
    for text in (told.head, told.big, told.text, words.checking, words.checking_text, words.resuming, words.blind):
        assert not failed.search(text), text
    cancelled = words.notices[NoticeKind.CANCELLED]
    assert all(failed.search(text) for text in (cancelled.head, cancelled.big, cancelled.text))


@LANGUAGE
def test_the_word_for_paid_stands_alone_nowhere_else(words: Words) -> None:
    """R19: late and disputed money never uses PAID by itself."""
    others = [(name, text) for name, text in texts(words) if name != "paid"]
    assert [name for name, text in others if text.upper().strip(" .!") == words.paid] == []


@LANGUAGE
def test_a_wrong_clock_is_said_as_such(words: Words) -> None:
    """R3: the certificate is not yet valid: the screen says CLOCK, not "no internet"."""
    clock = words.troubles[Trouble.CLOCK]
    assert clock.split()[0].isupper()
    assert [key for key, text in words.troubles.items() if text == clock] == [Trouble.CLOCK]


def test_the_marks_are_the_designs_in_english_and_differ_in_every_language() -> None:
    assert LANGUAGES["en"].marks == {
        Mark.TRAINING: "TRAINING - NOT A RECEIPT",
        Mark.COPY: "COPY",
        Mark.POSSIBLE_DUPLICATE: "POSSIBLE DUPLICATE",
        Mark.PAID_AFTER_CANCEL: "PAID AFTER CANCEL",
        Mark.MONEY_TO_SETTLE: "MONEY TO SETTLE",
        Mark.REFUNDED: "REFUNDED",
    }
    for words in LANGUAGES.values():
        assert len(set(words.marks.values())) == len(Mark)
        assert all(mark.upper() == mark for mark in words.marks.values())


@LANGUAGE
def test_a_mark_stands_unbroken_in_normal_width_on_the_narrowest_paper(words: Words) -> None:
    assert all(len(mark) <= 24 for mark in words.marks.values())


@LANGUAGE
def test_a_date_is_written_to_the_minute_with_its_year(words: Words) -> None:
    written = datetime(2026, 11, 3, 4, 5, 6).strftime(words.date_format)  # noqa: DTZ001  (the form alone matters)
    assert re.fullmatch(r"03[/ ](11|Nov)[/ ]2026 04:05", written)


def test_no_word_is_written_for_nobody(root: Path) -> None:
    """A text that no screen and no paper shows is one to translate, and to believe in, for nothing."""
    source = "".join(path.read_text(encoding="utf-8") for path in (root / "kiosk").rglob("*.py"))
    unused = [field.name for field in fields(Words) if not re.search(rf"(words|\))\.{field.name}\b", source)]
    assert unused == []


@pytest.mark.parametrize(
    "kind",
    [DayWord, Down, Hint, NoticeKind, MenuItem, Reason, Known, Found, DeskWord, Snag],
    ids=lambda kind: kind.__name__,
)
def test_no_message_is_one_that_nobody_sends(kind: type[Enum], root: Path) -> None:
    """The same for the members of the tables: each is named somewhere besides the words."""
    texts = [
        path.read_text(encoding="utf-8")
        for path in (root / "kiosk").rglob("*.py")
        if "words" not in path.relative_to(root / "kiosk").parts
    ]
    source = "".join(texts)
    assert [member.name for member in kind if not re.search(rf"\b{kind.__name__}\.{member.name}\b", source)] == []
