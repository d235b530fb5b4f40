"""Items: what is added, multiplied, chosen and taken back; and that one integer is the amount everywhere (L5)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.printer.layout import lay_out
from kiosk.sale.basket import ITEMS_MAX, TIMES_MAX, Basket, Choosing, Function
from kiosk.sale.commands import Place, Print, Tune
from kiosk.sale.events import Device, DeviceIs, Fault, Ill, Key
from kiosk.sale.money import Typed
from kiosk.sale.records import Line, Size, TicketLine
from kiosk.sale.shop import Preset
from kiosk.sale.states import Confirming, Entering, Hint, Idle
from kiosk.sale.ticket import paid_ticket
from kiosk.sale.words import LANGUAGES
from tests.story import SHOP, Story

CAFE, BREAD = Preset("Café", 450), Preset("Pão de queijo", 90)
BAKERY = replace(SHOP, presets=(CAFE, BREAD))
MAX_CENTS = 10**9 - 1
WIDE = replace(BAKERY, maximum=MAX_CENTS, confirm_above=MAX_CENTS)


def till(keys: str) -> Story:
    """A till on which that was typed; ``~`` holds the key before it down."""
    return press(Story(BAKERY).ready(), keys)


def press(story: Story, keys: str) -> Story:
    for key, then in zip(keys, keys[1:] + " ", strict=False):
        if key != "~":
            story.keys(key)
        if then == "~":
            story.feed(Key(key, held=True))
    return story


def basket(story: Story) -> Basket:
    state = story.state
    assert isinstance(state, Entering | Confirming | Choosing), state
    return state.basket


def rung(story: Story) -> list[tuple[str, int, int]]:
    """The items that are charged by ``#``."""
    [place] = story.keys("#").free().did(Place)
    return [(line.title, line.quantity, line.unit_cents) for line in place.sale.lines]


# --- adding -----------------------------------------------------------------------------------------------------------


def test_plus_adds_up_and_is_shown() -> None:
    story = till("250A")
    assert (story.screen.head, story.screen.big) == ("Itens: 1", "2,50")
    press(story, "300")
    assert (story.screen.big, story.screen.text) == ("3,00", "Itens: 2, total 5,50")
    press(story, "A")
    assert (story.screen.head, story.screen.big, story.screen.text) == ("Itens: 2", "5,50", "1 x 3,00")
    assert rung(story) == [("Padaria", 1, 250), ("Padaria", 1, 300)]


def test_what_is_typed_last_needs_no_plus() -> None:
    assert rung(till("250A300")) == rung(till("250A300A"))


def test_one_amount_reads_as_it_always_did() -> None:
    story = till("2500")
    assert (story.screen.head, story.screen.big, story.screen.text) == ("Valor", "25,00", "")
    assert rung(story) == [("Padaria", 1, 2500)]


def test_plus_without_an_amount_is_refused_and_adds_nothing_twice() -> None:
    """Some tills repeat the last item then. A key that bounces must not sell."""
    story = till("250A")
    story.take()
    assert rung(press(story, "A")) == [("Padaria", 1, 250)]
    assert story.heard(Tune.REFUSED)
    assert till("A").public == till("B").public == "idle"


def test_a_sale_has_so_many_items_and_no_more() -> None:
    story = till("500A" * ITEMS_MAX)
    assert len(basket(story).lines) == ITEMS_MAX
    press(story, "600A")
    assert story.in_state(Entering).hint is Hint.ITEMS
    press(story, "#")
    assert story.in_state(Entering).hint is Hint.ITEMS
    assert not story.did(Place)
    press(story, "C").in_state(Choosing)
    press(story, "*****C1")
    assert story.in_state(Entering).hint is Hint.ITEMS
    assert len(rung(story)) == ITEMS_MAX


def test_the_limits_are_those_of_the_total() -> None:
    story = till("50A#")
    assert story.in_state(Entering).hint is Hint.TOO_SMALL
    assert rung(press(story, "50")) == [("Padaria", 1, 50)] * 2
    story = till("900000A100001A")
    assert story.in_state(Entering).hint is Hint.TOO_LARGE
    assert basket(story).lines == (Line("Padaria", 1, 900_000),)
    assert press(story, "#").in_state(Entering).hint is Hint.TOO_LARGE
    press(story, "*0#").in_state(Confirming)


def test_a_large_total_is_confirmed() -> None:
    """R26."""
    story = till("60000A40001#")
    story.in_state(Confirming)
    assert story.screen.big == "1.000,01"
    assert press(story, "*").in_state(Entering).basket.cents == 100_001
    press(story, "#1").free()
    assert story.sale.cents == 100_001
    assert till("60000A40000#").public == "placing"


# --- times ------------------------------------------------------------------------------------------------------------


def test_the_count_comes_first_as_on_a_till() -> None:
    story = till("3B")
    assert (story.screen.head, story.screen.big) == ("3 x", "0,00")
    press(story, "250")
    assert (story.screen.head, story.screen.big, story.screen.text) == ("3 x", "2,50", "Itens: 3, total 7,50")
    assert rung(story) == [("Padaria", 3, 250)]


def test_counted_items_add_up() -> None:
    assert rung(till("3B250A2B100A5")) == [("Padaria", 3, 250), ("Padaria", 2, 100), ("Padaria", 1, 5)]


@pytest.mark.parametrize("keys", ["B", "3BB", "250AB"])
def test_times_where_nothing_can_be_multiplied_is_refused(keys: str) -> None:
    story = till(keys[:-1])
    before = story.state
    story.take()
    press(story, "B")
    assert story.heard(Tune.REFUSED)
    if isinstance(before, Entering):
        assert story.in_state(Entering).basket == before.basket


def test_a_count_without_a_price_is_not_charged() -> None:
    for keys in ("3B#", "3BA", "250A3B#"):
        story = till(keys)
        assert story.in_state(Entering).hint is Hint.NO_PRICE
        assert "preço" in story.text
        assert rung(press(story, "1D")), "with one it is"


def test_a_price_that_is_taken_for_a_count_is_refused() -> None:
    story = till(f"{TIMES_MAX + 1}B")
    assert story.in_state(Entering).hint is Hint.TIMES
    assert basket(story).typed == Typed("1000")
    assert basket(till(f"{TIMES_MAX}B")).times == TIMES_MAX


def test_the_other_way_round_it_is_the_same_money() -> None:
    """2,50 x 3, as on a pocket calculator."""
    [(_, times, cents)] = rung(till("250B3"))
    assert times * cents == 750


def test_a_product_that_overflows_is_refused_never_cut() -> None:
    """R26: also where every factor has room."""
    story = press(Story(WIDE).ready(), "999B999999999")
    assert "Máximo" in story.text
    assert press(story, "#").in_state(Entering).hint is Hint.TOO_LARGE
    assert press(story, "A").in_state(Entering).hint is Hint.TOO_LARGE
    assert basket(press(story, "8A")).typed.extra == 1
    assert story.in_state(Entering).hint is Hint.TOO_LONG
    assert not story.did(Place)
    assert rung(press(Story(WIDE).ready(), "999B1001001")) == [("Padaria", 999, 1_001_001)]


def test_digits_that_found_no_room_are_no_count_either() -> None:
    assert press(Story(WIDE).ready(), "1234567890B").in_state(Entering).hint is Hint.TIMES


# --- correcting -------------------------------------------------------------------------------------------------------


def test_star_takes_back_digit_then_multiplication_then_item() -> None:
    story = till("250A12B34")
    for expected in (
        Basket((Line("Padaria", 1, 250),), 12, Typed("3")),
        Basket((Line("Padaria", 1, 250),), 12),
        Basket((Line("Padaria", 1, 250),), 0, Typed("12")),
        Basket((Line("Padaria", 1, 250),), 0, Typed("1")),
        Basket((Line("Padaria", 1, 250),)),
    ):
        press(story, "*")
        assert basket(story) == expected
    assert press(story, "*").public == "idle"


def test_the_last_item_is_taken_back() -> None:
    assert rung(till("250A300A3B100A**400")) == [("Padaria", 1, 250), ("Padaria", 1, 400)]


def test_star_held_clears_all_of_it() -> None:
    assert till("250A3B250*~").public == "idle"
    assert till("250A3B250C*~").public == "idle"


def test_what_was_rung_up_is_forgotten_after_a_minute_without_keys() -> None:
    """R25."""
    story = till("250A").wait(59)
    assert story.public == "entering"
    assert story.wait(1.1).public == "idle"


# --- what has a fixed price -------------------------------------------------------------------------------------------


def test_a_preset_is_one_key_and_its_digit() -> None:
    story = till("C")
    assert (story.screen.head, story.screen.big) == ("Café", "4,50")
    press(story, "2")
    assert (story.screen.big, story.screen.text) == ("0,90", "1 x Pão de queijo")
    assert rung(press(story, "3BC1")) == [("Pão de queijo", 1, 90), ("Café", 3, 450)]


def test_on_twelve_keys_zero_held_opens_the_list() -> None:
    """As a telephone's ``0`` held is its ``+``: what it typed when it went down is taken back."""
    assert rung(till("0~#0~*#")) == [("Café", 1, 450), ("Pão de queijo", 1, 90)]
    assert rung(till("20~*#0~1")) == [("Café", 2, 450)]
    assert rung(till("2500~#3000~#")) == [("Padaria", 1, 250), ("Padaria", 1, 300)]
    assert till("25000~*#").in_state(Entering).hint is Hint.TIMES


def test_the_list_opens_right_after_a_sale_once_paid_was_seen() -> None:
    """R26: not while a cashier is still pressing keys."""
    for keys in ("C1#", "0~1#"):
        story = till("250#").free().placed().paid().printed()
        story.free()
        press(story, keys)
        assert story.public == "paid"
        story.wait(1.1)
        press(story, keys).free()
        assert [(line.title, line.cents) for line in story.sale.lines] == [("Café", 450)]


def test_a_zero_that_is_let_go_in_time_is_a_digit() -> None:
    story = till("250")
    story.keys("5").feed(Key("0", held=True))
    assert basket(story).typed == Typed("2505"), "another key came between: nothing is taken back"
    assert isinstance(story.state, Choosing)
    assert basket(press(story, "1")).typed == Typed("25051"), "and typing goes on"


def test_a_digit_of_no_preset_is_refused() -> None:
    story = till("C")
    story.take()
    press(story, "3")
    assert story.heard(Tune.REFUSED)
    press(story, "0")
    press(story, "D")
    story.in_state(Choosing)
    assert press(story, "1").public == "entering"


def test_without_presets_there_is_no_list() -> None:
    for keys in ("C", "0~"):
        story = press(Story().ready(), keys)
        story.in_state(Idle)
    story = press(Story().ready(), "250AC")
    assert story.in_state(Entering).basket.count == 1
    assert story.heard(Tune.REFUSED)


def test_zero_held_in_the_list_is_no_digit_either() -> None:
    story = till("250C0~")
    assert story.in_state(Choosing).basket.typed == Typed("250")
    assert basket(till("250C0")).typed == Typed("2500")


def test_the_list_is_walked_and_left_with_star() -> None:
    assert till("C**").public == "idle"
    assert basket(till("250C**")).typed == Typed("250")
    assert basket(till("250A2BC**")) == Basket((Line("Padaria", 1, 250),), 2)
    assert till("250C").in_state(Choosing).choices == (Function.ADD, Function.TIMES)
    assert till("2B250C").in_state(Choosing).choices == (Function.ADD,)


def test_the_list_closes_by_itself() -> None:
    assert till("C").wait(61).public == "idle"


# --- by ear -----------------------------------------------------------------------------------------------------------


def test_with_a_dead_panel_an_item_is_heard_and_the_total_confirmed() -> None:
    story = Story(BAKERY).ready().feed(DeviceIs(Device.PANEL, (Fault(Ill.DEAD, "gone"),)))
    press(story, "250")
    story.take()
    press(story, "A")
    assert story.heard(Tune.ADDED)
    assert not story.heard(Tune.CLICK)
    story.take()
    press(story, "3BA")
    assert story.heard(Tune.AMOUNT)
    assert not story.heard(Tune.ADDED)
    press(story, "*~").keys("250A#")
    story.in_state(Confirming)
    press(story, "1").free()
    assert story.sale.cents == 250


# --- the whole way ---


def test_the_whole_way_to_the_paper() -> None:
    """Ordered, journalled and printed, item by item."""
    story = till("250A3BC1#").free().placed().paid()
    [job] = story.did(Print)
    written = [(line.text, line.right) for line in job.ticket.lines]
    assert [line for line in written if line[1] in ("2,50", "13,50", "R$ 16,00")] == [
        ("Padaria", "2,50"),
        ("3 x 4,50 Café", "13,50"),
        ("TOTAL", "R$ 16,00"),
    ]
    assert story.journal.sales[story.sale.reference].lines == (Line("Padaria", 1, 250), Line("Café", 3, 450))


@pytest.mark.parametrize("language", sorted(LANGUAGES))
@pytest.mark.parametrize("columns", [32, 42, 48])
def test_items_stand_on_narrow_and_wide_paper(columns: int, language: str) -> None:
    """Each with its count, its price and what it comes to; long ones on two rows."""
    story = Story(replace(BAKERY, language=language)).ready()
    long = Line("Pão de queijo grande", 120, 123_450)
    sale = press(story, "250A3BC1#").free().did(Place)[0].sale
    sale = replace(sale, cents=sale.cents + long.cents, lines=(*sale.lines, long))
    widths = {Size.BIG: columns // 2, Size.NORMAL: columns, Size.SMALL: columns * 4 // 3}
    rows = [row.text for row in lay_out(paid_ticket(sale, story.shop).lines, widths)]
    assert all(len(row) <= columns * 4 // 3 for row in rows)
    assert "Padaria".ljust(columns - 4) + "2,50" in rows
    assert "3 x 4,50 Café".ljust(columns - 5) + "13,50" in rows
    at = next(index for index, row in enumerate(rows) if row.startswith("120 x 1.234,50"))
    text = " ".join(" ".join(rows[at : at + 2]).split())
    assert "Pão de queijo grande" in text
    assert "148.140,00" in text
    assert any(row.startswith(LANGUAGES[language].total) or "148.156,00" in row for row in rows)


# --- one integer (L5) -------------------------------------------------------------------------------------------------


@dataclass
class Abacus:
    """A till of our own, from the README's key table: what these keys ring up, by counting pieces one by one."""

    pieces: list[list[int]] = field(default_factory=list)
    """Each item: the price of each of its pieces."""
    count: str = ""
    digits: str = ""

    def press(self, key: str) -> None:
        if key in "0123456789":
            self.digits = (self.digits + key).lstrip("0")
        elif key == "D":
            self.digits = (self.digits + "00").lstrip("0")
        elif key == "A" and self.digits and len(self.digits) <= 9 and self.fits(int(self.digits)):
            self.ring(int(self.digits))
        elif key == "B" and self.digits and not self.count and len(self.digits) <= 3:
            self.count, self.digits = self.digits, ""
        elif key == "*":
            self.undo()

    def fits(self, cents: int) -> bool:
        return len(self.pieces) < 30 and self.total + int(self.count or 1) * cents <= MAX_CENTS

    def ring(self, cents: int) -> None:
        self.pieces.append([cents] * int(self.count or 1))
        self.count = self.digits = ""

    def undo(self) -> None:
        if self.digits:
            self.digits = self.digits[:-1]
        elif self.count:
            self.count, self.digits = "", self.count
        elif self.pieces:
            self.pieces.pop()

    @property
    def total(self) -> int:
        return sum(map(sum, self.pieces))


ITEM = st.builds(
    "{}{}{}".format, st.sampled_from(("", "", "2B", "17B", "999B", "0B", "B")), st.integers(0, 99_999), st.just("A")
)
TYPED = st.lists(st.one_of(ITEM, st.text("0123456789D*AB", max_size=6), st.just("***")), max_size=8).map("".join)


def printed_cents(line: TicketLine) -> int:
    return int(re.sub(r"\D", "", line.right))


@given(TYPED)
@settings(max_examples=120)
def test_typed_shown_ordered_journalled_and_printed_are_one_integer(keys: str) -> None:
    """L5: against a till that adds up piece by piece."""
    abacus, story = Abacus(), Story(WIDE).ready()
    for key in keys:
        abacus.press(key)
        story.keys(key)
    while len(abacus.digits) > 9 or (abacus.count and not abacus.digits):
        abacus.press("*")
        story.keys("*")
    story.keys("#")
    if abacus.digits and abacus.fits(int(abacus.digits)):
        abacus.ring(int(abacus.digits))
    if abacus.digits or abacus.total < WIDE.minimum:
        assert story.public in ("idle", "entering")
        assert not story.did(Place)
        return
    story.free()
    [place] = story.did(Place)
    assert [[line.unit_cents] * line.quantity for line in place.sale.lines] == abacus.pieces
    assert place.sale.cents == abacus.total
    story.placed()
    assert int(re.sub(r"\D", "", story.screen.big)) == abacus.total
    assert story.journal.sales[story.sale.reference].lines == place.sale.lines
    story.paid()
    [ticket] = [job.ticket for job in story.did(Print)]
    rules = [index for index, line in enumerate(ticket.lines) if line.align.value == "rule"]
    items = ticket.lines[rules[0] + 1 : rules[1]]
    assert [printed_cents(line) for line in items] == [sum(pieces) for pieces in abacus.pieces]
    assert printed_cents(ticket.lines[rules[1] + 1]) == abacus.total
