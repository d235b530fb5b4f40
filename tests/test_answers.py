"""What the running kiosk answers: keys as they arrive, papers that are asked for, and what it does not know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from kiosk.answers import KEYS_MAX, NUMBER_MAX, SLIP_LINE_MAX, SLIP_LINES_MAX, Answers, KeyTap
from kiosk.config import Config, MercadoPagoConfig
from kiosk.loop import Loop
from kiosk.sale.counter import Counter
from kiosk.sale.events import Key, SettleAsked
from kiosk.sale.records import Dispute, Mark, Reason
from kiosk.sale.turn import Health
from tests.asked_kiosk import Asked, asked
from tests.story import COLLECTOR, SHOP

ALL = [f"c{n}" for n in range(KEYS_MAX + 5)]


# --- keys -------------------------------------------------------------------------------------------------------------


def test_keys_go_on_and_whoever_watches_sees_them() -> None:
    posted: list[object] = []
    tap = KeyTap(posted.append)
    tap(Key("1"))
    begun = tap.after(None)
    assert begun == {"keys": [], "last": 1}, "what was pressed before is nobody's business"
    tap(Key("#"))
    tap(Key("#", held=True))
    seen = tap.after(1)
    assert seen == {"keys": [{"key": "#", "held": False}, {"key": "#", "held": True}], "last": 3}
    assert tap.after(3) == {"keys": [], "last": 3}
    assert posted == [Key("1"), Key("#"), Key("#", held=True)]


def test_only_the_last_keys_are_remembered() -> None:
    tap = KeyTap(lambda _key: None)
    for name in ALL:
        tap(Key(name))
    seen = tap.after(0)
    assert seen["last"] == len(ALL)
    assert isinstance(seen["keys"], list)
    assert [key["key"] for key in seen["keys"]] == ALL[-KEYS_MAX:]


# --- a kiosk that is asked --------------------------------------------------------------------------------------------


def outcome(answers: Asked, begun: dict[str, object]) -> str:
    """What became of a paper, once its printer has answered."""
    answer = begun
    while answer["outcome"] == "printing":
        answer = answers({"command": "paper", "ask": begun["ask"]})
    return f"{answer['outcome']}: {answer['what']}{answer['why']}"


def test_a_ticket_is_printed_again_by_its_sales_number_and_what_came_of_it_is_told(tmp_path: Path) -> None:
    with asked(tmp_path) as (answers, devices):
        begun = answers({"command": "reprint", "number": 1})
        assert outcome(answers, begun) == "printed: the ticket of sale 1 as COPY"
        assert outcome(answers, answers({"command": "reprint", "number": 2})) == "refused: there is no ticket of sale 2"
        assert outcome(answers, answers({"command": "reprint", "number": NUMBER_MAX})).startswith(
            "refused: there is no"
        )
    assert [command.marks for command in devices.printed] == [(Mark.COPY,)]


def test_the_day_is_closed_once_for_each_time_it_is_asked_and_its_paper_comes_again(tmp_path: Path) -> None:
    with asked(tmp_path) as (answers, devices):
        with pytest.raises(ValueError, match="there is no Z 1"):
            answers({"command": "reprint", "z": 1})
        assert [answers({"command": "close"}) for _ in range(2)] == [{"closed": 1}, {"closed": 2}]
        assert outcome(answers, answers({"command": "reprint", "z": 1})) in (
            "printed: Z 1 as COPY",
            "printed: Z 1, which was still owed",
            "refused: busy: the printer is printing",
        )
        assert answers({"command": "status"})["state"] == "starting"
    heads = [command.ticket.lines[3].text for command in devices.printed if command.marks == ()]
    assert heads == ["Z 1", "Z 2"]


# --- money to settle --------------------------------------------------------------------------------------------------

OPEN = Dispute("p9", "POS-1-Ab", 1, 900, "BRL", Reason.SECOND, 1.0)
WELL = Health(journal=True)


class OneCounter:
    """A loop whose counter takes what is posted as a test says."""

    def __init__(self, *counters: Counter) -> None:
        self.counters = [*counters]
        self.posted: list[object] = []

    def ask(self, question: Callable[[Counter], object]) -> object:
        return question(self.counters[0])

    def post(self, event: object) -> None:
        self.posted.append(event)
        self.counters = self.counters[1:]


def answers_of(loop: OneCounter, folder: Path) -> Answers:
    config = Config(SHOP, MercadoPagoConfig(COLLECTOR, "STORE1", "POS1"), journal=folder / "journal.db")
    return Answers(cast("Loop", loop), config, KeyTap(loop.post), loop.post)


REQUEST: dict[str, object] = {"command": "settle", "payment": "p9", "word": "refunded", "by": "Ana"}


def test_disputed_money_is_settled_by_the_loop(tmp_path: Path) -> None:
    loop = OneCounter(Counter(SHOP, disputes=(OPEN,)), Counter(SHOP))
    assert answers_of(loop, tmp_path)(REQUEST) == {"settled": "p9"}
    assert loop.posted == [SettleAsked("p9", "refunded", "Ana")]


@pytest.mark.parametrize(
    ("after", "why"),
    [
        (Counter(SHOP, disputes=(OPEN,), health=WELL), "not now"),
        (Counter(SHOP, disputes=(OPEN,), health=replace(WELL, journal=False)), "the journal cannot be written"),
        (Counter(SHOP, disputes=(OPEN,), health=WELL, stop_by=5.0), "the kiosk is stopping"),
    ],
)
def test_what_the_loop_did_not_settle_is_told(tmp_path: Path, after: Counter, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        answers_of(OneCounter(Counter(SHOP, disputes=(OPEN,)), after), tmp_path)(REQUEST)


@pytest.mark.parametrize(
    "wrong", [{"payment": "p8"}, {"word": "lost"}, {"by": ""}, {"by": "x" * 25}, {"by": "A\x1b"}, {"by": 5}], ids=str
)
def test_what_cannot_be_settled_is_a_complaint_and_the_loop_hears_nothing(
    tmp_path: Path, wrong: dict[str, object]
) -> None:
    loop = OneCounter(Counter(SHOP, disputes=(OPEN,)))
    with pytest.raises(ValueError, match=r"no money to settle|it is delivered or refunded|unknown command"):
        answers_of(loop, tmp_path)({**REQUEST, **wrong})
    assert loop.posted == []


# --- papers and questions ---------------------------------------------------------------------------------------------


def test_a_slip_is_printed(tmp_path: Path) -> None:
    with asked(tmp_path) as (answers, devices):
        assert outcome(answers, answers({"command": "slip", "lines": ["one", "two"]})) == "printed: the slip"
    [command] = devices.printed
    assert [line.text for line in command.ticket.lines][2:-2] == ["one", "two"]


def test_status_configuration_and_keys_are_answered(tmp_path: Path) -> None:
    with asked(tmp_path) as (answers, _):
        assert answers({"command": "status"})["state"] == "starting"
        assert "[shop]" in str(answers({"command": "config"})["config"])
        assert answers({"command": "keys", "after": None}) == {"keys": [], "last": 0}
        assert answers({"command": "keys", "after": "x"}) == {"keys": [], "last": 0}


@pytest.mark.parametrize(
    ("request_", "complaint"),
    [
        ({}, "unknown command None"),
        ({"command": "reprint"}, "unknown command 'reprint'"),
        ({"command": "reprint", "number": 0}, "unknown command 'reprint'"),
        ({"command": "reprint", "number": NUMBER_MAX + 1}, "unknown command 'reprint'"),
        ({"command": "reprint", "number": "1"}, "unknown command 'reprint'"),
        ({"command": "slip", "lines": []}, "a slip has 1 to"),
        ({"command": "slip", "lines": ["x", 1]}, "a slip has 1 to"),
        ({"command": "slip", "lines": ["x"] * (SLIP_LINES_MAX + 1)}, "a slip has 1 to"),
        ({"command": "slip", "lines": ["x" * (SLIP_LINE_MAX + 1)]}, "a slip has 1 to"),
        ({"command": "paper", "ask": 5}, "nobody knows of a paper 5"),
    ],
    ids=str,
)
def test_what_it_does_not_understand_is_a_complaint_and_nothing_is_printed(
    request_: dict[str, object], complaint: str, tmp_path: Path
) -> None:
    with asked(tmp_path) as (answers, devices):
        with pytest.raises(ValueError, match=complaint):
            answers(request_)
        assert not devices.printed


def test_a_journal_that_cannot_be_read_is_a_complaint(tmp_path: Path) -> None:
    """The loop is not asked at all."""
    with asked(tmp_path) as (answers, devices):
        (tmp_path / "journal.db").rename(tmp_path / "elsewhere.db")
        with pytest.raises(ValueError, match="there is none yet"):
            answers({"command": "reprint", "number": 1})
        assert not devices.printed
