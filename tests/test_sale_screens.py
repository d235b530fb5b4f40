"""What the cashier reads in every state and language: the words, the keys, the icons; and that it fits the panel."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import product
from typing import Final

import pytest

from kiosk.display.picture import TURN_S, draw
from kiosk.sale.commands import AskAccount, AskPos, Look, Place, Print, Save, Tune, Withdraw
from kiosk.sale.events import Device, DeviceIs, Fault, Ill, Key, Paper, Trouble
from kiosk.sale.money import SITES
from kiosk.sale.screens import Icon, Screen, lines, not_running, starting
from kiosk.sale.states import NoticeKind
from kiosk.sale.words import LANGUAGES, Down
from tests.gallery import GALLERY, idle, paid, shop_of, told, waiting, withdrawing
from tests.reading import lost
from tests.story import SHOP, Story

LANGUAGE = pytest.mark.parametrize("language", sorted(LANGUAGES))

# --- words ------------------------------------------------------------------------------------------------------------


@LANGUAGE
def test_every_state_says_what_is_going_on_in_full_words(language: str) -> None:
    """Nothing is left to fill in, no line has loose ends, and some line is there to read."""
    for name in GALLERY:
        shown = told(name, language).screen
        assert shown.head, name
        assert shown.big, name
        for line in lines(shown):
            assert not set("{}") & set(line), name
            assert line == line.strip(), name


@LANGUAGE
def test_the_panel_says_so_while_no_kiosk_runs_and_while_it_starts(language: str) -> None:
    words = LANGUAGES[language]
    for why in Down:
        told = words.down[why]
        assert lines(not_running(language, why)) == [told.head, told.big, told.text]
    assert starting(language).head == words.starting
    assert starting(language).text == words.proving


@pytest.mark.parametrize("site", sorted(SITES))
def test_the_amount_is_written_the_countrys_way(site: str) -> None:
    """L5: shown as it was typed, in the signs of the country."""
    shop = replace(SHOP, site=SITES[site])
    story = Story(shop).account(site=site).free().keys("123456")
    assert story.screen.big == SITES[site].currency.text(123_456)


@pytest.mark.parametrize(
    "name", [name for name in GALLERY if re.match("waiting|withdrawing|adopting|checking|guarding|placing", name)]
)
@LANGUAGE
def test_the_amount_of_an_open_sale_is_always_on_the_screen(name: str, language: str) -> None:
    assert told(name, language).screen.big == "25,00"


@pytest.mark.parametrize("name", ["notice-not-confirmed", "checking", "adopting", "withdrawing-blind"])
@LANGUAGE
def test_what_nobody_knows_is_not_called_cancelled_or_failed(name: str, language: str) -> None:
    """L6. ``Cancelling...`` in the head says what is being done, not what has come of it."""
    words = LANGUAGES[language]
    shown = told(name, language).screen
    said = " ".join((shown.big, shown.text, shown.head.removesuffix("...") if name != "withdrawing-blind" else ""))
    stem = {"en": "cancel", "es": "cancel", "pt": "cancel"}[language]
    for word in (stem, words.notices[NoticeKind.CANCELLED].text, words.notices[NoticeKind.TIME_UP].big):
        assert word.lower() not in said.lower()
    assert stem in told("notice-cancelled", language).text.lower()


@LANGUAGE
def test_not_confirmed_says_to_check_the_account(language: str) -> None:
    account = {"en": "account", "es": "cuenta", "pt": "conta"}[language]
    shown = told("notice-not-confirmed", language).screen
    assert account in shown.text
    assert shown.loud


@pytest.mark.parametrize("name", ["waiting-network", "waiting-token", "withdrawing-blind", "adopting"])
def test_without_answers_it_says_do_not_deliver_and_until_when(name: str) -> None:
    """R15: the time is that of the order's death at the provider, in the shop's zone."""
    assert told(name).screen.text == "Do not deliver! Order ends 18:07"
    assert told("adopting-without-time").screen.text == "Do not deliver! No answer"
    assert told(name, "pt").screen.text == "Não entregue! O pedido vale até 18:07"
    assert told(name, "es").screen.text == "¡No entregue! La orden vale hasta 18:07"
    assert "deliver" not in told("waiting").text


@pytest.mark.parametrize("trouble", Trouble)
@LANGUAGE
def test_every_trouble_is_named_where_it_blocks_and_where_it_blinds(trouble: Trouble, language: str) -> None:
    said = LANGUAGES[language].troubles[trouble]
    assert told(f"blocked-{trouble.value}", language).screen.text == said
    assert told(f"guarding-{trouble.value}", language).screen.text == said
    assert told("guarding", language).screen.text == LANGUAGES[language].guarding
    assert told(f"waiting-{trouble.value}", language).screen.head == said


@pytest.mark.parametrize("name", [name for name in GALLERY if name.startswith("paid-")])
@LANGUAGE
def test_paid_is_said_with_the_amount_and_what_has_become_of_the_ticket(name: str, language: str) -> None:
    words = LANGUAGES[language]
    shown = told(name, language).screen
    assert (shown.head, shown.big, shown.loud) == (words.paid, words.paid, True)
    assert shown.text.startswith("25,00")
    ticket = {
        "paid-printing": words.ticket_printing,
        "paid-printed": words.ticket_printed,
        "paid-out": words.ticket_owed.format(reason=words.papers[Paper.OUT]),
        "paid-without-a-printer": "",
    }
    if name in ticket:
        assert shown.text == f"25,00 {ticket[name]}".rstrip()


def test_the_word_paid_stands_on_no_other_screen() -> None:
    for name in GALLERY:
        shown = told(name).screen
        assert (shown.big == "PAID") == name.startswith("paid-"), name


@pytest.mark.parametrize(("disputes", "debts", "said"), [(2, 3, "To settle: 2"), (0, 3, "Tickets owed: 3"), (0, 0, "")])
def test_what_is_owed_is_counted_on_the_idle_screen_money_first(disputes: int, debts: int, said: str) -> None:
    story = told("idle-owing")
    counter = story.counter
    [debt] = counter.papers.debts
    papers = replace(counter.papers, debts=(debt,) * debts)
    story.counter = replace(counter, papers=papers, disputes=(debt,) * disputes)  # type: ignore[arg-type]  # only counted
    assert story.screen.text == said


# --- time -------------------------------------------------------------------------------------------------------------


def test_waiting_shows_the_time_left_and_the_time_since_the_last_answer() -> None:
    """Waiting and being blind look different: while nothing is answered, one of the two goes on growing."""
    story = told("waiting")
    began = story.at
    assert story.screen.ends_at == began + SHOP.wait_s
    assert story.screen.answered_at == began
    story.wait_for(Look)
    asked = story.at
    story.seen()
    assert story.screen.answered_at == asked > began
    story.wait_for(Look)
    story.unknown(Look)
    assert story.at > asked
    assert story.screen.answered_at == asked


def test_a_withdrawal_shows_the_time_since_the_last_answer_alone() -> None:
    shown = told("withdrawing").screen
    assert shown.ends_at is None
    assert shown.answered_at is not None


def test_no_other_state_counts_seconds() -> None:
    counting = [name for name in GALLERY if told(name).screen.ends_at or told(name).screen.answered_at]
    assert counting
    assert [name for name in counting if not re.match("waiting|withdrawing", name)] == []


# --- icons ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "icons"),
    [
        ("idle", ()),
        ("waiting", ()),
        ("blocked-network", (Icon.NETWORK,)),
        ("blocked-clock", (Icon.CLOCK,)),
        ("waiting-clock", (Icon.CLOCK,)),
        ("waiting-slow", (Icon.NETWORK,)),
        ("blocked-token", ()),
        ("blocked-out", (Icon.PAPER,)),
        ("blocked-cover", (Icon.PRINTER,)),
        ("blocked-gone", (Icon.PRINTER,)),
        ("paid-printing", (Icon.DEBT,)),
        ("paid-printed", ()),
        ("paid-out", (Icon.PAPER, Icon.DEBT)),
        ("paid-offline", (Icon.PRINTER, Icon.DEBT)),
    ],
)
def test_the_icons_say_what_is_not_as_it_should_be(name: str, icons: tuple[Icon, ...]) -> None:
    assert told(name).screen.icons == icons


def test_a_failing_journal_money_to_settle_and_little_paper_have_icons() -> None:
    assert Icon.JOURNAL in told("blocked-journal").screen.icons
    story = told("idle")
    assert story.printer(Paper.LOW).screen.icons == (Icon.PAPER,)
    story.counter = replace(story.counter, disputes=("one",))  # type: ignore[arg-type]  # only counted
    assert Icon.MONEY in story.screen.icons


def test_a_damaged_journal_that_was_set_aside_is_said_while_ready_until_something_is_owed() -> None:
    story = told("idle")
    assert story.screen.text == ""
    story.counter = replace(story.counter, health=replace(story.counter.health, set_aside=("j.damaged-1",)))
    assert story.screen.text == "Journal was damaged: call technician"
    assert story.screen.icons == (Icon.JOURNAL,)
    story.counter = replace(story.counter, disputes=("one",))  # type: ignore[arg-type]  # only counted
    assert story.screen.text != "Journal was damaged: call technician"
    assert Icon.JOURNAL in story.screen.icons


def test_a_shop_without_a_printer_has_no_sign_of_one() -> None:
    story = Story(replace(SHOP, printer=False)).account().free().printer(Paper.GONE)
    assert story.screen.icons == ()


# --- keys -------------------------------------------------------------------------------------------------------------

NAMED: Final = re.compile(r"(?:^|  )(0-9|[#*1]) ")
"""A footer is ``key word  key word``."""


def pressed(name: str, key: str) -> tuple[Story, bool]:
    """The story after one press, and whether the press did anything; a click and a refusal's beep are nothing."""
    story = told(name)
    if name.startswith(("paid", "notice")):
        story.wait(1.5)  # they ignore keys for a second
    story.take()
    before, state, wished = lines(story.screen), type(story.state), story.counter.papers.copy
    story.feed(Key("5" if key == "0-9" else key))
    did = bool(story.did(Print) or story.did(Place) or story.did(Save) or story.did(AskAccount))
    changed = lines(story.screen) != before or type(story.state) is not state
    return story, did or changed or story.counter.papers.copy != wished


def test_every_key_that_the_footer_names_does_something() -> None:
    """A key that is refused because of the amount itself says so by sound, and why on the screen."""
    for name in GALLERY:
        for key in NAMED.findall(told(name).screen.footer):
            story, did = pressed(name, key)
            refused = name.startswith("entering-") and key == "#" and story.heard(Tune.AMOUNT)
            assert did or refused, f"{name}: {key} does nothing"


def test_a_key_that_does_something_is_named() -> None:
    """Of ``#`` and ``*``. That digits type, and that any key reads a notice away, needs no words."""
    for name in GALLERY:
        named = NAMED.findall(told(name).screen.footer)
        for key in "#*":
            story, did = pressed(name, key)
            assert not did or key in named or name.startswith("notice"), f"{name}, {key}: {lines(story.screen)}"


def test_the_footers_name_the_same_keys_in_every_language() -> None:
    for name in GALLERY:
        assert len({tuple(NAMED.findall(told(name, language).screen.footer)) for language in LANGUAGES}) == 1, name


def test_the_questions_name_both_answers() -> None:
    for name in ("waiting-question", "waiting-ask-now", "placing-question", "entering", "menu-reprint"):
        assert NAMED.findall(told(name).screen.footer) == ["#", "*"]
    assert NAMED.findall(told("confirming").screen.footer) == ["1", "*"]


TWELVE: Final = {
    ("Idle", "C"): {"0~", "**#", "***#"},  # the list, else the last of the menu
    ("Entering", "A"): {"0~#"},
    ("Entering", "B"): {"0~*#"},
    ("Entering", "C"): {"0~"},
    ("Choosing", "D"): {"00"},
    ("Menu", "C"): {"0", "*#", "#"},
    ("Recent", "A"): {"0"},
    ("Recent", "B"): {"*"},  # any other key leaves the list
    ("Recent", "C"): {"#"},
    ("Recent", "D"): {"*"},
    ("Picking", "D"): {"00"},
    ("Sizing", "D"): {"00"},
    ("Entering", "D"): {"00"},
    ("Waiting", "C"): {"**#", "*#", "#"},  # of these the first; less where it is asked already
    ("Placing", "A"): {"*"},  # any key takes the question back
    ("Placing", "B"): {"*"},
    ("Placing", "C"): {"*"},
    ("Placing", "D"): {"*"},
    ("Menu", "A"): {"0"},  # any key but those two leaves the menu
    ("Menu", "B"): {"0"},
    ("Menu", "D"): {"00"},
    ("DayShown", "D"): {"00"},
    ("Notice", "A"): {"*"},  # any key reads it away
    ("Notice", "B"): {"*"},
    ("Notice", "C"): {"*"},
}
"""All that the fourth column of a pad does, and how it is done on a pad of three. A letter that does something more
must be listed here, with another way to it. ``~``: the key before it is held down."""


def effect(name: str, keys: str) -> tuple[object, ...]:
    """What these presses lead to: state, words, requests and papers; not the sounds."""
    story = told(name)
    if name.startswith(("paid", "notice")):
        story.wait(1.5)
    story.take()
    for key, then in zip(keys, keys[1:] + " ", strict=False):
        if key != "~":
            story.feed(Key(key))
        if then == "~":
            story.feed(Key(key, held=True))
    calls = [story.did(kind) for kind in (Look, AskPos, Withdraw, Place, Print, Save, AskAccount)]
    return type(story.state), lines(story.screen), calls, getattr(story.state, "again", False)


def test_what_the_fourth_column_does_three_columns_can_do() -> None:
    """A pad of twelve keys loses no function."""
    used: dict[tuple[str, str], set[str]] = {}
    for name, letter in product(GALLERY, "ABCD"):
        wanted = effect(name, letter)
        if wanted == effect(name, ""):
            continue
        place = type(told(name).state).__name__, letter
        tried = ("00", "0", "#", "*", "*#", "**#", "***#", "0~", "0~#", "0~*#")
        ways = [way for way in tried if effect(name, way) == wanted]
        listed = [way for way in ways if way in TWELVE.get(place, ())]
        assert listed, f"{name}: {letter} is reached by {ways}"
        used.setdefault(place, set()).update(listed)
    assert used == TWELVE


# --- the panel of 128 x 64 --------------------------------------------------------------------------------------------


def test_a_word_that_is_cut_off_is_noticed() -> None:
    """The measure itself: what fits is found, what does not is missed."""
    assert lost(Screen("Head", "25,00", "Some text", "# ok"), 0.0) == []
    assert lost(Screen("Head", "25,00", "Some text", "# ok", loud=True), 0.0) == []
    long = "A head of far too many letters for one line"
    assert lost(Screen(long, "25,00", "Some text", long), 0.0) == [long, long]


def test_a_line_of_text_that_takes_the_whole_width_loses_no_column() -> None:
    """This one is exactly as wide as the picture, which begins a column further right."""
    text = "25,00 Ticket owed: printer offline"
    shown = Screen("PAID", "PAID", text, "# done  * print again", (Icon.PRINTER, Icon.DEBT), loud=True)
    assert lost(shown, 0.0) == []
    assert lost(replace(shown, text="25,00 Ticket owed: printe offline"), 0.0) == []


@LANGUAGE
def test_nothing_is_cut_off_on_a_panel_of_128_by_64(language: str) -> None:
    """Each head, footer and text, with the icons and the seconds that come with them."""
    stories = {name: told(name, language) for name in GALLERY}
    cut = {name: found for name, story in stories.items() if (found := lost(story.screen, story.at))}
    assert cut == {}


@LANGUAGE
def test_all_of_it_is_read_at_once_on_a_panel_of_128_by_64(language: str) -> None:
    """A text that comes by turns leaves a time or a verb alone on the panel: words are chosen so that none does."""
    stories = {name: told(name, language) for name in GALLERY}
    assert [name for name, story in stories.items() if by_turns(story.screen, story.at)] == []


def by_turns(screen: Screen, at: float) -> bool:
    """Whether a part of it comes a while after the other."""
    first, second = (draw(screen, (128, 64), at, since=at - turn * TURN_S) for turn in (0, 1))
    return first.image.tobytes() != second.image.tobytes()


def test_a_text_that_comes_by_turns_is_noticed() -> None:
    """The measure itself."""
    long = "A text that is too long to stand beside an amount, whatever face it is in"
    assert by_turns(Screen("Head", "25,00", long, "# ok"), 0.0)
    assert not by_turns(Screen("Head", "25,00", "A text", "# ok"), 0.0)


@pytest.mark.parametrize("name", [name for name in GALLERY if name.startswith("waiting")])
@LANGUAGE
def test_nothing_is_cut_off_beside_the_longest_count_of_seconds(name: str, language: str) -> None:
    """The customer has nine minutes; for the last of them nothing was answered."""
    story = told(name, language)
    shown = replace(story.screen, ends_at=story.at + 539, answered_at=story.at - 540)
    assert lost(shown, story.at) == []


def test_what_is_wrong_with_the_keypad_is_read_at_rest_and_is_a_sign_in_every_state() -> None:
    assert told("idle-stuck").screen.text == "Key 5 8 is stuck"
    assert told("idle-deaf").screen.text == "Some keys do not work"
    assert told("idle").screen.text == ""
    for tell in (waiting, paid, withdrawing):
        story = tell(SHOP)
        before = story.screen
        shown = story.feed(DeviceIs(Device.KEYPAD, (Fault(Ill.STUCK, "", "5"),))).screen
        assert Icon.KEYPAD in shown.icons
        assert replace(shown, icons=before.icons) == before, "L9: a running sale reads as before"
        assert story.feed(DeviceIs(Device.KEYPAD)).screen == before


@LANGUAGE
def test_a_dead_keypad_is_said_before_a_stuck_key(language: str) -> None:
    faults = (Fault(Ill.STUCK, "", "5"), Fault(Ill.DEAD, ""))
    story = idle(shop_of(language)).feed(DeviceIs(Device.KEYPAD, faults))
    assert story.screen.text == LANGUAGES[language].keypad_dead
    assert told("blocked-display", language).screen.text == LANGUAGES[language].no_display
