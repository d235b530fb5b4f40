"""What is asked of the running kiosk: whether a restart would disturb somebody, and what it would change."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest

from kiosk.config import Config, MercadoPagoConfig, load, masked
from kiosk.control import ControlServer
from kiosk.running import (
    PAPER_POLL_S,
    PRINT_S,
    changed,
    keys,
    line,
    printed,
    serves,
    status,
    wait_until_nobody_is_served,
)

SALE = {"number": 7, "reference": "CAIXA01-7-x", "cents": 2500}


def told(
    state: str, *, sale: object = None, debts: tuple[str, ...] = (), disputes: int = 0, health: object = None
) -> dict[str, object]:
    """A status, as far as it matters here."""
    owed = [{"id": str(number), "state": debt} for number, debt in enumerate(debts)]
    return {
        "state": state,
        "sale": sale,
        "health": health or {},
        "obligations": {"debts": owed, "disputes": [{}] * disputes},
    }


@pytest.mark.parametrize("state", ["entering", "placing", "waiting", "withdrawing", "checking"])
def test_whoever_types_or_pays_is_served(state: str) -> None:
    assert serves(told(state))


@pytest.mark.parametrize("state", ["idle", "blocked", "notice"])
def test_a_counter_at_rest_serves_nobody(state: str) -> None:
    assert not serves(told(state, debts=("owed",), disputes=1))


def test_a_start_that_found_an_open_order_serves_its_customer() -> None:
    assert serves(told("starting", sale=SALE))
    assert not serves(told("starting"))


def test_paid_is_over_when_its_ticket_is_not_just_coming_out() -> None:
    assert serves(told("paid", sale=SALE, debts=("printing",)))
    assert not serves(told("paid", sale=SALE, debts=("owed", "doubtful")))
    assert not serves(told("paid", sale=SALE))


class World:
    """Answers one status after the other, and counts the pauses between."""

    def __init__(self, *answers: dict[str, object] | None) -> None:
        self.answers = list(answers)
        self.paused_s = 0.0

    def ask(self) -> dict[str, object] | None:
        """The next answer; the last one stays."""
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def pause(self, seconds: float) -> None:
        """Let time pass."""
        self.paused_s += seconds

    def wait(self, within_s: float) -> tuple[bool, str]:
        """Whether nobody was served in the end, and what was said meanwhile."""
        out = io.StringIO()
        return wait_until_nobody_is_served(self.ask, within_s, self.pause, out), out.getvalue()


def test_it_waits_for_the_customer_and_says_each_state_once() -> None:
    world = World(told("waiting"), told("waiting"), told("paid", debts=("printing",)), told("paid"))
    assert world.wait(60.0) == (True, "waiting: the kiosk is waiting\nwaiting: the kiosk is paid\n")
    assert world.paused_s == 3.0


def test_it_waits_no_longer_than_it_may() -> None:
    world = World(told("waiting"))
    assert world.wait(5.0)[0] is False
    assert world.paused_s == 5.0


def test_a_kiosk_at_rest_or_none_at_all_is_not_waited_for() -> None:
    for answer in (told("idle"), None):
        world = World(answer)
        assert world.wait(0.0) == (True, "")
        assert world.paused_s == 0.0


def test_one_line_says_what_it_does_and_what_is_open() -> None:
    assert line(told("idle")) == "idle"
    everything = told("waiting", sale=SALE, debts=("owed", "doubtful"), disputes=1)
    assert line(everything) == "waiting, sale 7, papers owed: 2, payments to settle: 1"


def test_the_control_socket_is_asked(tmp_path: Path) -> None:
    control = tmp_path / "control.sock"
    assert status(control) is None
    answers: list[dict[str, object]] = [told("idle"), {"error": "the loop does not answer"}]
    server = ControlServer(control, lambda _: answers.pop(0))
    assert status(control) == told("idle")
    with pytest.raises(ValueError, match="the loop does not answer"):
        status(control)
    server.close()


@pytest.fixture
def config(root: Path) -> Config:
    """The annotated default."""
    return load(root / "config/kiosk.toml")


def test_what_a_restart_would_change_is_named(config: Config) -> None:
    new = replace(config, journal=Path("/other/journal.db"), mercadopago=other_pos(config.mercadopago))
    assert changed(masked(config), new) == ["[mercadopago] external_pos_id", "[journal] path"]
    assert changed(masked(config), config) == []


def other_pos(account: MercadoPagoConfig) -> MercadoPagoConfig:
    return replace(account, external_pos_id="OTHER1")


def test_the_line_tells_how_many_notifications_were_heard_or_why_none_are() -> None:
    def said(**facts: object) -> str:
        return line(told("idle", health={"notifications": {"asked": 0, **facts}}))

    assert said() == "idle", "nobody listens, and nobody needs to"
    assert said(listen="127.0.0.1:8080", why="") == "idle, notifications: 0"
    assert (
        said(listen="127.0.0.1:8080", why="", heard=7, **{"429": 2, "404": 1}) == "idle, notifications: 7 (3 refused)"
    )
    denied = said(listen="127.0.0.1:80", why="Permission denied")
    assert denied == "idle, no notifications at 127.0.0.1:80: Permission denied"


def test_the_line_says_what_is_wrong_with_a_device() -> None:
    health = {"display": ["the display is gone"], "keypad": [], "sound": None}
    assert line(told("idle", health=health)) == "idle, the display is gone"


# --- what it is asked to do -------------------------------------------------------------------------------------------


class Kiosk:
    """A control socket that gives one answer after the other (the last one stays), and remembers the questions."""

    def __init__(self, folder: Path, *answers: dict[str, object]) -> None:
        self.path = folder / "control.sock"
        self.answers = list(answers)
        self.questions: list[dict[str, object]] = []
        self.paused_s = 0.0
        self._server = ControlServer(self.path, self.answer)

    def answer(self, question: dict[str, object]) -> dict[str, object]:
        self.questions.append(question)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def pause(self, seconds: float) -> None:
        self.paused_s += seconds

    def end(self) -> None:
        self._server.close()

    def prints(self) -> tuple[bool, str]:
        """What is said of a paper."""
        try:
            return printed(self.path, {"command": "reprint", "number": 5}, self.pause)
        finally:
            self._server.close()


def told_of(outcome: str, what: str = "the slip", why: str = "") -> dict[str, object]:
    return {"ask": 3, "outcome": outcome, "what": what, "why": why}


def test_a_print_is_waited_for(tmp_path: Path) -> None:
    kiosk = Kiosk(tmp_path, told_of("printing"), told_of("printing"), told_of("printed"))
    assert kiosk.prints() == (True, "printed: the slip")
    again = {"command": "paper", "ask": 3}
    assert kiosk.questions == [{"command": "reprint", "number": 5}, again, again]
    assert kiosk.paused_s == 2 * PAPER_POLL_S


@pytest.mark.parametrize(
    ("outcome", "why", "said"),
    [
        ("presumed", "", (True, "printed, as far as this printer tells: the slip")),
        ("failed", "out, no paper", (False, "not printed, or not whole: the slip: out, no paper")),
        ("refused", "busy: a sale is open", (False, "not printed: busy: a sale is open")),
    ],
)
def test_what_came_of_a_print_is_said(outcome: str, why: str, said: tuple[bool, str], tmp_path: Path) -> None:
    kiosk = Kiosk(tmp_path, told_of(outcome, why=why))
    assert kiosk.prints() == said
    assert len(kiosk.questions) == 1
    assert kiosk.paused_s == 0.0


def test_a_print_that_never_ends_is_given_up(tmp_path: Path) -> None:
    kiosk = Kiosk(tmp_path, told_of("printing"))
    assert kiosk.prints() == (False, "not known whether it was printed: the slip")
    assert PRINT_S <= kiosk.paused_s < PRINT_S + 2 * PAPER_POLL_S


def test_a_kiosk_that_ends_while_it_prints_is_not_one_that_was_never_there(tmp_path: Path) -> None:
    """Or the command would open the printer itself, and print it a second time."""
    kiosk = Kiosk(tmp_path, told_of("printing"))
    with pytest.raises(ValueError, match="not known whether the slip was printed"):
        printed(kiosk.path, {"command": "slip"}, lambda _seconds: kiosk.end())
    with pytest.raises(FileNotFoundError):
        printed(kiosk.path, {"command": "slip"}, kiosk.pause)


def test_a_complaint_of_the_kiosk_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="unknown command"):
        Kiosk(tmp_path, {"error": "unknown command 'reprint'"}).prints()


def test_keys_are_read_as_lines(tmp_path: Path) -> None:
    pressed = [{"key": "5", "held": False}, {"key": "*", "held": True}]
    kiosk = Kiosk(tmp_path, {"keys": pressed, "last": 9}, {"keys": "5", "last": 9})
    assert keys(kiosk.path, 7) == (["5", "*  held"], 9)
    assert kiosk.questions == [{"command": "keys", "after": 7}]
    with pytest.raises(ValueError, match="does not tell its keys"):
        keys(kiosk.path, 9)
    with pytest.raises(FileNotFoundError):
        keys(tmp_path / "none.sock", None)


def test_one_line_says_how_long_the_paper_lasts_where_it_is_known() -> None:
    assert line(told("idle") | {"health": {"tickets_left": 312}}) == "idle, paper for about 312 tickets"
    assert line(told("idle") | {"health": {"tickets_left": None}}) == "idle"
