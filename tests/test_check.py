"""The self-tests, one by one: what is well, what is wrong, and what to do about it."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from kiosk.check import (
    CLOCK_OFF_S,
    Result,
    check_account,
    check_display,
    check_journal,
    check_keypad,
    check_paper,
    check_printer,
    check_set_aside,
    check_sound,
    check_supervisors,
    modes,
    of_service,
    write,
)
from kiosk.check import WELL as WELL_WORDS
from kiosk.config import Config, DisplayConfig, MercadoPagoConfig
from kiosk.ports import JournalError
from kiosk.sale.commands import AskAccount, PaymentCall
from kiosk.sale.events import (
    AccountIs,
    CallAnswer,
    Device,
    DeviceIs,
    Fault,
    Holds,
    Ill,
    Paper,
    Refused,
    Reject,
    Renewed,
    Trouble,
    Unknown,
)
from kiosk.sale.money import SITES
from kiosk.sale.records import Roll
from kiosk.sale.roll import Reel
from kiosk.sale.status import status
from tests.story import COLLECTOR, SHOP, Story

CONFIG = Config(SHOP, MercadoPagoConfig(COLLECTOR, "EXAMPLESTORE1", "EXAMPLEPOS1"))
NOW = 1_900_000_000.0


@dataclass
class Found:
    count: int = 1
    fixed_amount: bool = True
    store: str = "EXAMPLESTORE1"


@dataclass
class Account:
    """An account that answers what the test says."""

    answer: CallAnswer = field(
        default_factory=lambda: AccountIs(request=1, user_id=COLLECTOR, site="MLB", test=False, date=NOW)
    )
    found: Found | Refused | Unknown = field(default_factory=Found)
    asked: list[tuple[str, float]] = field(default_factory=list)

    def carry_out(self, call: PaymentCall) -> CallAnswer:
        assert isinstance(call, AskAccount)
        self.asked.append(("account", call.until))
        return self.answer

    def find_pos(self, until: float) -> Found | Refused | Unknown:
        self.asked.append(("pos", until))
        return self.found


def results(account: Account, config: Config = CONFIG, *, wall: float = NOW) -> dict[str, Result]:
    return {result.name: result for result in check_account(config, account, lambda: 50.0, lambda: wall)}


def changed(account: Account, **changes: object) -> Account:
    """An account whose answer differs in these."""
    return replace(account, answer=replace(account.answer, **changes))  # type: ignore[arg-type]  # the test's own


# --- the account ------------------------------------------------------------------------------------------------------


def test_an_account_in_order() -> None:
    account = Account()
    found = results(account)
    assert list(found) == ["token", "user", "minimum", "clock", "pos"]
    assert all(result.ok and not result.advice for result in found.values())
    assert found["token"].text == "accepted"
    assert found["pos"].text == "EXAMPLEPOS1 found, with a fixed amount"
    assert account.asked == [("account", 60.0), ("pos", 60.0)], "each call is bounded"


@pytest.mark.parametrize(
    ("account_minimum", "ok", "said"),
    [
        (0, True, "sales from R$ 1,00"),
        (50, True, "sales from R$ 1,00"),
        (500, True, "sales from R$ 5,00: the account takes nothing below, whatever [sale] minimum says (1,00)"),
        (10**9, False, "the account takes nothing below R$ 10.000.000,00"),
    ],
)
def test_the_smallest_amount_is_the_larger_of_the_shops_and_the_accounts(
    account_minimum: int, ok: bool, said: str
) -> None:
    found = results(changed(Account(), minimum=account_minimum))["minimum"]
    assert (found.ok, found.text, bool(found.advice)) == (ok, said, not ok)


def test_a_test_account_is_said() -> None:
    assert "TRAINING" in results(changed(Account(), test=True))["token"].text


def test_a_token_of_another_user() -> None:
    found = results(changed(Account(), user_id=42))["user"]
    assert (found.ok, found.text) == (False, "the token belongs to user 42")
    assert str(COLLECTOR) in found.advice


def test_an_account_of_another_country() -> None:
    found = results(changed(Account(), site="MLA"))["site"]
    assert (found.ok, found.text) == (False, "the account is of MLA")
    assert "MLB" in found.advice
    chile = replace(CONFIG, shop=replace(SHOP, site=SITES["MLC"]))
    assert "site" not in results(changed(Account(), site="MLC"), chile)


@pytest.mark.parametrize(
    ("off_s", "ok", "text"),
    [
        (0.0, True, "0 s behind the provider's"),
        (CLOCK_OFF_S - 1, True, "59 s ahead of the provider's"),
        (1 - CLOCK_OFF_S, True, "59 s behind the provider's"),
        (CLOCK_OFF_S, False, "60 s ahead of the provider's"),
        (-86_400.0, False, "86400 s behind the provider's"),
    ],
)
def test_the_clock_against_the_providers(off_s: float, ok: bool, text: str) -> None:
    found = results(Account(), wall=NOW + off_s)["clock"]
    assert (found.ok, found.text, bool(found.advice)) == (ok, text, not ok)


def test_an_answer_without_a_date_says_nothing_about_the_clock() -> None:
    assert "clock" not in results(changed(Account(), date=None))


@pytest.mark.parametrize("reject", Reject)
def test_a_refused_token_has_its_advice_and_the_pos_is_asked_all_the_same(reject: Reject) -> None:
    found = results(Account(Refused(request=1, reject=reject, detail="their words")))
    assert (found["token"].ok, found["token"].text) == (False, f"refused: {reject.value} their words")
    assert found["token"].advice
    assert found["pos"].ok


@pytest.mark.parametrize("trouble", Trouble)
def test_without_an_answer_there_is_one_result_with_what_to_do(trouble: Trouble) -> None:
    """The second question would wait in vain as well."""
    account = Account(Unknown(request=1, trouble=trouble, detail="no route"))
    found = results(account)
    assert list(found) == ["token"]
    assert found["token"].text == f"no answer: {trouble.value} no route"
    assert found["token"].advice
    assert len(account.asked) == 1


def test_an_answer_to_another_question_is_no_acceptance() -> None:
    assert not results(Account(Holds(request=1, order=None)))["token"].ok


@pytest.mark.parametrize(
    ("found", "text", "advice"),
    [
        (Found(count=0), "0 points of sale with external id EXAMPLEPOS1", "external_pos_id"),
        (Found(count=2), "2 points of sale with external id EXAMPLEPOS1", "external_pos_id"),
        (Found(fixed_amount=False), "EXAMPLEPOS1 lets the customer type the amount", "fixed_amount"),
        (Found(store="OTHER"), "EXAMPLEPOS1 belongs to store OTHER", "EXAMPLESTORE1"),
        (Refused(request=2, reject=Reject.FORBIDDEN), "refused: forbidden", "application"),
        (Unknown(request=2, trouble=Trouble.SERVER), "no answer: server", "later"),
    ],
)
def test_what_can_be_wrong_with_the_point_of_sale(found: Found | Refused | Unknown, text: str, advice: str) -> None:
    result = results(Account(found=found))["pos"]
    assert (result.ok, result.text) == (False, text)
    assert advice in result.advice


def test_a_point_of_sale_whose_store_is_not_told_is_taken() -> None:
    assert results(Account(found=Found(store="")))["pos"].ok


# --- the devices ------------------------------------------------------------------------------------------------------


def test_a_keypad_in_order_and_one_with_problems() -> None:
    assert list(check_keypad("all lines are quiet", [])) == [Result("keypad", True, "all lines are quiet")]
    assert list(check_keypad("all lines are quiet", ["row GPIO 5 ...", "column GPIO 12 ..."])) == [
        Result("keypad", False, "row GPIO 5 ..."),
        Result("keypad", False, "column GPIO 12 ..."),
    ]


@pytest.mark.parametrize("paper", Paper)
def test_a_printer_is_well_where_it_can_print_and_has_advice_where_it_cannot(paper: Paper) -> None:
    found = check_printer(paper)
    assert found.ok is paper.usable
    assert bool(found.advice) is not paper.usable


@pytest.mark.parametrize("paper", Paper)
def test_what_the_printer_or_its_settings_want_mended_is_said(paper: Paper) -> None:
    """A working printer that leaves the logo out is not well: nobody would look for the reason."""
    found = check_printer(paper, "the logo is left out")
    assert (found.ok, bool(found.advice)) == (False, True)
    assert found.text == f"{paper.value}{', but' if paper.usable else ','} the logo is left out"


def test_a_printer_that_never_reports_is_not_called_ready() -> None:
    assert check_printer(Paper.SILENT).text == "connected; it does not report its state"


def test_a_display_that_took_a_picture_and_one_that_did_not() -> None:
    assert check_display(None, "ssd1306") == Result("display", True, "ssd1306 took a picture")
    broken = check_display("no answer at 0x3c", "ssd1306")
    assert (broken.ok, broken.text) == (False, "no answer at 0x3c")
    assert "raspi-config" in broken.advice


def test_a_journal_that_is_not_there_yet_is_no_fault(tmp_path: Path) -> None:
    def never(path: Path) -> None:
        raise AssertionError("nothing to read")

    assert check_journal(tmp_path / "journal.db", never).ok


def test_a_whole_journal_and_a_damaged_one(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    path.touch()

    def damaged(path: Path) -> None:
        raise JournalError(f"journal {path}: the file is damaged")

    assert check_journal(path, lambda _: None) == Result("journal", True, f"{path}: whole")
    broken = check_journal(path, damaged)
    assert (broken.ok, broken.text) == (False, f"journal {path}: the file is damaged")
    assert "do not delete it" in broken.advice


# --- the running service ----------------------------------------------------------------------------------------------


def of(story: Story) -> dict[str, Result]:
    return {result.name: result for result in of_service(status(story.counter, story.at))}


def test_the_running_service_speaks_for_its_devices() -> None:
    """What it says is read from the very status that it answers."""
    found = of(Story().ready())
    assert {name: result.ok for name, result in found.items()} == {
        "service": True,
        "ready": True,
        "printer": True,
        "journal": True,
    }
    assert found["service"].text == "running, state idle"


def test_the_running_service_tells_of_display_keypad_and_sounds_what_it_knows() -> None:
    story = Story().ready()
    assert not {"display", "keypad", "sound"} & set(of(story)), "of what it has not heard, it says nothing"
    for device in Device:
        story.feed(DeviceIs(device))
    assert all(of(story)[device.value] == Result(device.value, True, WELL_WORDS[device.value]) for device in Device)
    for device in Device:
        story.feed(DeviceIs(device, (Fault(Ill.DEAD, f"no {device.value}"),)))
    for device in Device:
        found = of(story)[device.value]
        assert (found.ok, found.text) == (False, f"no {device.value}")
        assert f"[{device.value}]" in found.advice or "kiosk keys" in found.advice


@pytest.mark.parametrize("printer", [True, False])
@pytest.mark.parametrize("display", [True, False])
def test_what_happens_when_a_device_dies_is_told_as_it_was_chosen(printer: bool, display: bool) -> None:
    shop = replace(SHOP, printer_required=printer, display_required=display)
    told = [(result.ok, result.name, result.text) for result in modes(replace(CONFIG, shop=shop))]
    assert told == [
        (True, "mode", f"printer dead: {'no new sale' if printer else 'sales go on, tickets are owed'}"),
        (
            True,
            "mode",
            f"display dead: {'no new sale' if display else 'sales go on by lights and sounds, key 1 confirms each'}",
        ),
    ]


def test_a_device_that_is_not_there_has_no_mode() -> None:
    bare = replace(CONFIG, shop=replace(SHOP, printer=False), display=DisplayConfig(driver="none"))
    assert list(modes(bare)) == []


def test_pins_of_buzzer_and_lights() -> None:
    assert list(check_sound(None)) == []
    assert [result.ok for result in check_sound(())] == [True]
    [found] = check_sound(("the buzzer at GPIO18 does not work",))
    assert not found.ok
    assert "[sound]" in found.advice


def test_the_running_services_printer_and_journal_can_fail() -> None:
    story = Story().ready().printer(Paper.OUT)
    story.keys("2500#")
    story.journal.fails = True
    story.free()
    found = of(story)
    assert (found["printer"].ok, found["printer"].advice) == (False, "put paper in")
    assert not found["journal"].ok


def test_a_damaged_journal_that_lies_aside_is_told_until_it_is_moved_away() -> None:
    found = of(Story().ready().feed(Renewed("journal.db.damaged-1")))
    assert found["journal"].ok
    assert not found["aside"].ok
    assert "journal.db.damaged-1" in found["aside"].text
    assert "kiosk sales --journal" in found["aside"].advice
    assert list(check_set_aside([])) == []


def test_a_service_that_has_not_asked_its_printer_yet() -> None:
    assert of(Story())["printer"].text == "not asked yet"


@pytest.mark.parametrize("answer", [{}, {"error": "the loop does not answer"}, {"health": "?"}])
def test_a_service_that_does_not_tell_its_state_is_not_well(answer: dict[str, object]) -> None:
    """The status socket answers errors, too: a loop that hangs must not read as "running", nor as a full disk."""
    [found] = of_service(answer)
    assert (found.name, found.ok) == ("service", False)
    assert "error" not in answer or str(answer["error"]) in found.text


# --- writing ----------------------------------------------------------------------------------------------------------

WELL = Result("token", True, "accepted")
BAD = Result("pos", False, "refused: no-pos", "set external_pos_id")


def test_results_for_people_and_the_exit_status() -> None:
    out = io.StringIO()
    assert write([WELL, BAD], out, as_json=False) == 1
    assert out.getvalue() == (
        "ok   token     accepted\nBAD  pos       refused: no-pos\n               -> set external_pos_id\n"
    )
    assert write([WELL], io.StringIO(), as_json=False) == 0


def test_results_for_programs_and_the_same_exit_status() -> None:
    out = io.StringIO()
    assert write([WELL, BAD], out, as_json=True) == 1
    assert json.loads(out.getvalue()) == [
        {"name": "token", "ok": True, "text": "accepted", "advice": ""},
        {"name": "pos", "ok": False, "text": "refused: no-pos", "advice": "set external_pos_id"},
    ]
    assert write([WELL], io.StringIO(), as_json=True) == 0


# --- paper ------------------------------------------------------------------------------------------------------------


def test_how_long_the_paper_lasts_is_told_where_it_is_known_and_is_never_a_fault() -> None:
    assert list(check_paper(None)) == []
    assert list(check_paper(21)) == [Result("paper", True, "for about 21 tickets")]
    assert list(check_paper(20)) == [Result("paper", True, "for about 20 tickets", "have a new roll at hand")]


def test_the_running_service_tells_how_long_its_paper_lasts() -> None:
    story = Story().ready()
    reel = Reel(3000, Roll(1000, NOW, 100))
    story.counter = replace(story.counter, papers=replace(story.counter.papers, reel=reel))
    found = {result.name: result for result in of_service(status(story.counter, story.at))}
    assert found["paper"].text == "for about 20 tickets"
    assert "paper" not in {result.name for result in of_service(status(Story().ready().counter, 1000.0))}


def test_a_listener_that_cannot_listen_is_wrong_and_none_at_all_is_not() -> None:
    story = Story().ready()
    told: dict[str, Any] = status(story.counter, story.at)

    def found(**facts: object) -> Result | None:
        health = {**told["health"], "notifications": {"asked": 0, **facts}}
        return next((result for result in of_service({**told, "health": health}) if result.name == "notices"), None)

    assert found() is None
    taken = found(listen="127.0.0.1:8080", why="Address already in use")
    assert taken is not None
    assert not taken.ok
    assert "[notifications] listen" in taken.advice
    well = found(listen="127.0.0.1:8080", why="", heard=3)
    assert well is not None
    assert well.ok
    assert "3 heard" in well.text


def test_supervisors_are_counted_and_nothing_is_wrong_with_none() -> None:
    for count, told in ((0, "no supervisors, so none at the keypad"), (1, "1 supervisor"), (2, "2 supervisors")):
        assert check_supervisors(["x"] * count, []) == Result("refunds", True, told)
    wrong = check_supervisors(["x"], ["/s: line 1 is none", "/s: everybody can read it"])
    assert (wrong.ok, wrong.text) == (False, "/s: line 1 is none; /s: everybody can read it")
    assert "kiosk pin NAME" in wrong.advice
