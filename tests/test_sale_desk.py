"""The supervisors' desk: which sale, what is left, how much, whose PIN; and disputed money (R18, R24)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kiosk.sale.commands import AskPos, AskRefunds, AskSale, CheckPin, GiveBack, Lane, Look, Print, Save, Tune
from kiosk.sale.desk import LOCKED_S, WRONG_MAX
from kiosk.sale.events import (
    NoRefund,
    NotGivenBack,
    Paper,
    PaymentSeen,
    PaymentState,
    PinIs,
    RefundSeen,
    Reject,
    SettleAsked,
    Stop,
    Trouble,
)
from kiosk.sale.giving import Giving, Inquiring, Picking, Settling, Signing, Sizing, Snag
from kiosk.sale.money import SITES
from kiosk.sale.records import DebtState, Dispute, Mark, Reason, Refund, RefundState
from kiosk.sale.states import Blocked, Idle, MenuItem, Recent
from kiosk.sale.words import words_of
from tests.refund_account import SUPERVISED, after_a_sale, the_refund, wished
from tests.story import SHOP, Story, order, payment

WORDS = words_of("pt")
APPROVED = PaymentState.APPROVED


def at_the_desk() -> Story:
    return after_a_sale().choose(MenuItem.REFUND)


def signing(part: str = "") -> Story:
    return at_the_desk().keys("#").refunds_are().keys(f"{part}#")


def disputed(*ids: str, reason: Reason = Reason.SECOND) -> Story:
    """A paid sale, and money beside it that nobody has settled."""
    story = after_a_sale()
    sale = next(iter(story.journal.sales.values()))
    for id_ in ids or ("p2",):
        story.journal.disputes[id_] = Dispute(id_, sale.reference, 1, 2500, "BRL", reason, 0.0)
    return story.power_cut().ready()


# --- the menu ---------------------------------------------------------------------------------------------------------


def test_the_menu_offers_it_where_there_are_supervisors_and_was_a_sale() -> None:
    assert MenuItem.REFUND in after_a_sale().counter.menu
    assert MenuItem.REFUND not in Story(SUPERVISED).ready().counter.menu
    alone = Story(SHOP).ready().waiting().paid().printed().wait(2).free().keys("#")
    assert not {MenuItem.REFUND, MenuItem.SETTLE} & set(alone.counter.menu)


def test_the_menu_offers_to_settle_while_there_is_something() -> None:
    assert MenuItem.SETTLE in disputed().counter.menu
    assert MenuItem.SETTLE not in after_a_sale().counter.menu


# --- which sale -------------------------------------------------------------------------------------------------------


def test_it_begins_with_the_last_paid_sale() -> None:
    story = after_a_sale().waiting("1000#").keys("*#").seen().removed().free().seen().wait(3.1).seen().wait(2).keys("#")
    story.choose(MenuItem.REFUND)
    assert story.in_state(Picking).typed == "1", "the second one was cancelled"
    assert story.screen.big == "1"


def test_digits_type_another_number_and_star_takes_one_back_then_leaves() -> None:
    story = at_the_desk().keys("305")
    assert story.in_state(Picking).typed == "305"
    assert story.keys("**").in_state(Picking).typed == "3"
    assert story.keys("*").in_state(Picking).typed == ""
    story.keys("*").in_state(Idle)
    at_the_desk().keys("*").in_state(Idle)


def test_a_number_has_room_for_nine_digits_and_no_leading_zero() -> None:
    story = at_the_desk().keys("00123456789")
    assert story.in_state(Picking).typed == "123456789"
    story.take()
    assert story.keys("0").in_state(Picking).typed == "123456789"
    assert story.heard(Tune.REFUSED)
    assert story.keys("*D").in_state(Picking).typed == "12345678"


@pytest.mark.parametrize("key", "ABC")
def test_other_keys_are_refused(key: str) -> None:
    story = at_the_desk()
    before = story.state
    story.take()
    assert story.keys(key).state == before
    assert story.heard(Tune.REFUSED)


def test_nothing_typed_is_no_number() -> None:
    story = at_the_desk().keys("0")
    story.take()
    assert story.keys("#").in_state(Picking).typed == ""
    assert story.heard(Tune.REFUSED)
    assert not story.did(AskSale)


def test_a_sale_that_is_not_there_or_was_not_paid_is_said_so() -> None:
    story = at_the_desk().keys("7#")
    assert story.in_state(Picking).snag is Snag.NOT_FOUND
    assert story.screen.text == WORDS.snags[Snag.NOT_FOUND]
    story = after_a_sale().waiting("1000#").keys("*#").seen().removed().free().seen().wait(3.1).seen().wait(2).keys("#")
    assert story.choose(MenuItem.REFUND).keys("2#").in_state(Picking).snag is Snag.NOT_PAID


def test_another_refund_of_it_under_way_lets_none_begin() -> None:
    """R24: else an unknown outcome could be taken for the wrong one."""
    story = wished(after_a_sale(), "500").unknown(GiveBack, Trouble.SLOW, Lane.BEHIND).keys("#")
    story.choose(MenuItem.REFUND).keys("#")
    assert story.in_state(Picking).snag is Snag.UNDER_WAY


def test_one_that_only_the_journal_knows_of_lets_none_begin_either() -> None:
    story = after_a_sale()
    sale = next(iter(story.journal.sales.values()))
    there = Refund("k", "p1", sale.reference, 1, 500, "BRL", whole=False, by="Ana", asked_at=0.0, known=())
    story.journal.wishes["k"] = there
    assert story.choose(MenuItem.REFUND).keys("#").in_state(Picking).snag is Snag.UNDER_WAY


def test_what_went_back_whole_already_is_said_so() -> None:
    story = wished(after_a_sale()).given_back().keys("#").choose(MenuItem.REFUND).keys("#")
    assert story.in_state(Picking).snag is Snag.ALL_BACK
    assert not story.open_calls(AskRefunds, Lane.BEHIND)


def test_after_a_part_the_rest_can_go_back_and_the_first_one_is_known() -> None:
    story = wished(after_a_sale(), "500").given_back("b1").keys("#")
    story.choose(MenuItem.REFUND).keys("#").refunds_are(RefundSeen("b1", APPROVED, 500))
    assert story.in_state(Sizing).total == 2000
    story.keys("#1234#")
    second = next(refund for refund in story.journal.wishes.values() if refund.state is RefundState.WANTED)
    assert (second.cents, second.whole, second.known) == (2000, True, ("b1",))


def test_a_refund_that_the_list_does_not_show_yet_is_known_from_the_journal() -> None:
    """The list, and the payment with it, may lag behind: that refund is nobody else's all the same."""
    story = wished(after_a_sale(), "500").given_back("b1").keys("#")
    story.choose(MenuItem.REFUND).keys("#").refunds_are().keys("500#1234#")
    second = next(refund for refund in story.journal.wishes.values() if refund.state is RefundState.WANTED)
    assert second.known == ("b1",)


def test_with_a_journal_that_fails_nothing_begins() -> None:
    story = at_the_desk()
    story.counter = replace(story.counter, health=replace(story.counter.health, journal=False))
    assert story.keys("#").in_state(Picking).snag is Snag.JOURNAL


def test_a_journal_that_cannot_be_read_lets_nothing_begin() -> None:
    story = at_the_desk()
    known = story.journal.sale_is
    story.journal.sale_is = lambda asked: replace(known(asked), refunds=None)  # type: ignore[method-assign]
    assert story.keys("#").in_state(Picking).snag is Snag.JOURNAL


@pytest.mark.parametrize("health", [{"account_known": False}, {"wrong_account": True}])
def test_without_knowing_whose_account_it_is_nothing_begins(health: dict[str, bool]) -> None:
    story = at_the_desk()
    story.counter = replace(story.counter, health=replace(story.counter.health, **health))  # type: ignore[arg-type]
    assert story.keys("#").in_state(Picking).snag is Snag.ACCOUNT


# --- what is left -----------------------------------------------------------------------------------------------------


def test_the_account_is_asked_and_star_leaves_meanwhile() -> None:
    story = at_the_desk().keys("#")
    [call] = story.open_calls(AskRefunds, Lane.BEHIND)
    assert (call.payment, call.reference) == ("p1", next(iter(story.journal.sales)))
    assert story.screen.text == "Consultando a conta"
    story.take()
    assert story.keys("#").heard(Tune.REFUSED)
    story.keys("*").in_state(Idle)
    assert not story.journal.wishes


@pytest.mark.parametrize("how", ["unknown", "refused", "silence"])
def test_no_answer_is_said_and_hash_asks_again(how: str) -> None:
    story = at_the_desk().keys("#")
    if how == "unknown":
        story.unknown(AskRefunds, Trouble.NETWORK, Lane.BEHIND)
    elif how == "refused":
        story.refused(AskRefunds, Reject.TOKEN, Lane.BEHIND)
    else:
        story.wait(10.6)
    assert story.in_state(Inquiring).snag is Snag.NO_ANSWER
    story.keys("#").refunds_are().in_state(Sizing)


@pytest.mark.parametrize(
    ("shown", "refunds", "whole", "gone", "snag"),
    [
        (None, (), True, True, Snag.NO_PAYMENT),
        (None, (), False, False, Snag.AGAIN_LATER),
        (payment("p1", refunded=700), (), True, False, Snag.AGAIN_LATER),
        (payment("p1", refunded=2500), (RefundSeen("x", APPROVED, 2500),), True, False, Snag.ALL_BACK),
        (payment("p1", state=PaymentState.REFUNDED), (), True, False, Snag.ALL_BACK),
        (payment("p1", state=PaymentState.OTHER), (), True, False, Snag.ALL_BACK),
        (payment("p1"), (RefundSeen("x", PaymentState.PENDING, 2500),), True, False, Snag.ALL_BACK),
        (payment("p1", cents=None), (), True, False, Snag.ALL_BACK),
    ],
)
def test_what_lets_no_refund_begin(
    shown: PaymentSeen | None, refunds: tuple[RefundSeen, ...], whole: bool, gone: bool, snag: Snag
) -> None:
    story = at_the_desk().keys("#").refunds_are(*refunds, payment=shown, whole=whole, gone=gone)
    assert story.in_state(Inquiring).snag is snag
    assert story.wait(21).public == "idle"


def test_a_refund_that_was_rejected_takes_nothing_away() -> None:
    story = at_the_desk().keys("#").refunds_are(RefundSeen("x", PaymentState.REJECTED, 2500))
    assert story.in_state(Sizing).total == 2500


# --- how much ---------------------------------------------------------------------------------------------------------


def test_hash_gives_all_of_it_and_digits_type_a_part() -> None:
    story = at_the_desk().keys("#").refunds_are()
    assert (story.screen.big, story.in_state(Sizing).cents) == ("25,00", 2500)
    assert story.keys("700").screen.big == "7,00"
    assert story.keys("*").screen.big == "0,70"
    assert story.keys("**").screen.big == "25,00", "nothing typed is all of it"
    story.keys("*").in_state(Idle)


@pytest.mark.parametrize(("typed", "taken"), [("2501", False), ("2500", True), ("1", True), ("1234567890", False)])
def test_too_much_is_refused_at_hash(typed: str, taken: bool) -> None:
    story = at_the_desk().keys("#").refunds_are().keys(f"{typed}#")
    assert isinstance(story.state, Signing) is taken
    if not taken:
        assert story.in_state(Sizing).snag is Snag.TOO_MUCH
        assert story.keys("*").in_state(Sizing).snag is None


def test_in_a_country_without_cents_a_part_is_typed_in_whole_pesos() -> None:
    shop = replace(SUPERVISED, site=SITES["MLC"], maximum=900_000_000)
    story = Story(shop).account(site="MLC").free().waiting("2500#")
    story.paid(payment("p1", 2500, currency="CLP")).keys("").wait(2)
    story = (story.free() if story.open_calls(AskPos) else story).keys("#").choose(MenuItem.REFUND).keys("#")
    story.refunds_are().keys("700")
    assert (story.screen.big, story.in_state(Sizing).cents) == ("700", 700)


# --- whose PIN --------------------------------------------------------------------------------------------------------


def test_the_pin_is_stars_on_the_panel_and_never_written_down() -> None:
    story = signing().keys("1234")
    assert (story.screen.head, story.screen.big) == ("PIN do supervisor", "****")
    assert "1234" not in repr(story.counter.state)
    story.keys("#")
    assert "1234" not in repr(story.counter.state)
    [check] = story.did(CheckPin)
    assert check.pin == "1234"
    assert "1234" not in repr(check)
    saved = [command for command in story.done if isinstance(command, Save)]
    assert "1234" not in "".join(entry.text for save in saved for entry in save.entries)


def test_a_pin_has_four_to_eight_digits_and_star_takes_one_back() -> None:
    story = signing().keys("123")
    story.take()
    assert story.keys("#").heard(Tune.REFUSED)
    assert not story.did(CheckPin)
    story.take()
    assert story.keys("456789").screen.big == "********"
    assert story.heard(Tune.REFUSED), "the ninth"
    assert story.keys("*" * 7).screen.big == "*"
    story.keys("*").in_state(Signing)
    story.keys("*").in_state(Idle)


def test_a_right_pin_gives_back_what_was_shown_in_the_supervisors_name() -> None:
    story = signing("700").keys("00009999#")
    assert story.in_state(Giving).cents == 700
    assert (the_refund(story).by, the_refund(story).cents, the_refund(story).whole) == ("Rui", 700, False)


def test_a_wrong_pin_is_counted_durably_before_it_is_said() -> None:
    story = signing().keys("1111")
    story.take()
    story.keys("#")
    assert story.journal.pin_failed == 1
    assert story.in_state(Signing).snag is Snag.WRONG_PIN
    assert "pin-wrong" in story.journal.log
    assert not story.journal.wishes
    story.keys("1234#").in_state(Giving)
    assert story.journal.pin_failed == 0, "a right one sets it back"


def locked() -> Story:
    story = signing()
    for _ in range(WRONG_MAX):
        story.keys("1111#")
    return story


def test_after_five_wrong_ones_no_pin_is_taken_for_a_quarter_of_an_hour() -> None:
    story = locked()
    assert story.in_state(Signing).snag is Snag.LOCKED
    assert story.journal.log.count("pin-locked") == 1
    story.take()
    story.keys("1234#")
    assert not story.did(CheckPin)
    assert not story.journal.wishes
    story.keys("*").wait(LOCKED_S + 1).choose(MenuItem.REFUND).keys("#").refunds_are().keys("#1234#")
    story.in_state(Giving)
    assert story.journal.pin_failed == 0


def test_four_wrong_ones_lock_nothing() -> None:
    story = signing()
    for _ in range(WRONG_MAX - 1):
        story.keys("1111#")
    story.keys("1234#").in_state(Giving)


def test_a_power_cut_gives_nobody_new_tries() -> None:
    """The quarter of an hour begins again."""
    story = locked().power_cut().ready()
    assert story.journal.pin_failed == WRONG_MAX
    story.choose(MenuItem.REFUND).keys("#").refunds_are().keys("#")
    assert story.in_state(Signing).snag is Snag.LOCKED
    story.keys("1234#")
    assert not story.journal.wishes
    story = signing()
    for _ in range(WRONG_MAX - 1):
        story.keys("1111#")
    story.power_cut().ready().choose(MenuItem.REFUND).keys("#").refunds_are().keys("#1111#")
    assert story.in_state(Signing).snag is Snag.LOCKED, "the count goes on"


def test_a_wrong_one_after_the_lock_locks_again() -> None:
    story = locked().keys("*").wait(LOCKED_S + 1).choose(MenuItem.REFUND).keys("#").refunds_are().keys("#1111#")
    assert story.in_state(Signing).snag is Snag.LOCKED


def test_with_a_journal_that_fails_no_pin_is_taken() -> None:
    """What cannot be counted is not tried."""
    story = signing().keys("1234")
    story.counter = replace(story.counter, health=replace(story.counter.health, journal=False))
    story.take()
    story.keys("#")
    assert story.in_state(Signing).snag is Snag.JOURNAL
    assert not story.did(CheckPin)


def test_a_pin_that_nobody_asked_about_signs_nothing() -> None:
    story = signing().feed(PinIs("Ana"))
    story.in_state(Signing)
    assert not story.journal.wishes


def test_while_the_service_ends_nothing_begins() -> None:
    story = signing().keys("1234")
    story.feed(Stop()).keys("#").feed(PinIs("Ana"))
    assert not story.journal.wishes


def test_what_was_settled_meanwhile_is_not_given_back() -> None:
    story = disputed().choose(MenuItem.SETTLE).keys("2").refunds_are().keys("1234")
    story.feed(SettleAsked("p2", "delivered", "Eva")).keys("#")
    assert story.in_state(Signing).snag is Snag.ALL_BACK
    assert not story.journal.wishes


# --- what has come of it ----------------------------------------------------------------------------------------------


def test_a_customer_can_be_served_while_it_goes_on() -> None:
    story = wished(after_a_sale())
    assert story.screen.text == "Devolvendo..."
    story.unknown(GiveBack, Trouble.SLOW, Lane.BEHIND)
    assert story.screen.text == WORDS.desk[next(word for word in WORDS.desk if word.value == "unknown")]
    story.keys("#").waiting("1000#")
    story.wait_for(AskRefunds, lane=Lane.BEHIND)
    story.take()
    story.refunds_are(RefundSeen("b1", APPROVED, 2500))
    assert story.public == "waiting"
    assert not story.did(Print), "R19: no other paper while a sale is open"
    assert [debt.is_refund for debt in story.counter.papers.debts] == [True]


def test_done_and_refused_are_said_in_plain_words() -> None:
    assert wished(after_a_sale()).given_back().screen.text == "Devolvido"
    story = wished(after_a_sale()).answer(NotGivenBack, GiveBack, Lane.BEHIND, reason=NoRefund.TOO_OLD)
    assert story.screen.text == WORDS.no_refund[NoRefund.TOO_OLD]


def test_a_refusal_that_nobody_saw_is_shown_when_the_counter_is_at_rest() -> None:
    """Somebody was promised that money."""
    story = wished(after_a_sale()).keys("#").waiting("1000#")
    story.answer(NotGivenBack, GiveBack, Lane.BEHIND, reason=NoRefund.TOO_OLD)
    assert story.public == "waiting"
    story.paid().printed().wait(2).free().keys("#").in_state(Idle)
    story.wait(31)
    assert story.in_state(Giving).number == 1
    assert story.screen.text == WORDS.no_refund[NoRefund.TOO_OLD]
    story.keys("#").in_state(Idle)
    story.wait(5).in_state(Idle)


def test_a_refusal_that_was_seen_is_not_shown_again() -> None:
    story = wished(after_a_sale()).answer(NotGivenBack, GiveBack, Lane.BEHIND, reason=NoRefund.TOO_OLD)
    story.in_state(Giving)
    story.keys("#").wait(5).in_state(Idle)


def test_a_digit_begins_a_sale_while_it_goes_on() -> None:
    story = wished(after_a_sale()).keys("25")
    assert story.screen.big == "0,25"


# --- disputed money ---------------------------------------------------------------------------------------------------


def test_it_is_walked_with_star_and_each_is_shown_with_its_reason() -> None:
    story = disputed("p2", "p3").choose(MenuItem.SETTLE)
    assert story.in_state(Settling).payment == "p2"
    assert (story.screen.head, story.screen.big) == ("Venda 1", "25,00")
    assert story.screen.text == WORDS.reasons[Reason.SECOND]
    assert story.keys("*").in_state(Settling).payment == "p3"
    story.keys("*").in_state(Idle)


def test_delivered_keeps_the_money_durably_with_name_and_time() -> None:
    story = disputed().choose(MenuItem.SETTLE).keys("1")
    assert story.screen.text == "Entregue, ficar com 25,00"
    story.keys("1234#").in_state(Idle)
    settled = story.journal.disputes["p2"]
    assert (settled.settled, settled.settled_by, settled.settled_at is not None) == ("delivered", "Ana", True)
    assert not story.counter.disputes
    assert "settled" in story.journal.log


def test_after_one_the_next_is_shown() -> None:
    story = disputed("p2", "p3").choose(MenuItem.SETTLE).keys("11234#")
    assert story.in_state(Settling).payment == "p3"


def test_a_slip_that_is_still_owed_needs_no_printing_any_more() -> None:
    story = Story(SUPERVISED).ready().waiting().paid(payment("p1", 2500)).printed()
    sale = story.sale
    story.wait(2).free().keys("#")
    story.wait_for(Look, lane=Lane.BEHIND)
    story.watch_seen(order(sale, payment("p1"), id_="m1"), order(sale, payment("p2"), id_="m2"))
    story.print_failed(began=False)
    assert [debt.id for debt in story.counter.papers.debts] == ["slip:p2"]
    story.choose(MenuItem.SETTLE).keys("11234#")
    assert not story.counter.papers.debts
    assert story.journal.debts["slip:p2"].state is DebtState.PRESUMED


def test_what_was_delivered_is_not_disputed_again_by_its_watch() -> None:
    """R18: a person's word ends it, though the watch sees the money for another half hour."""
    story = Story(SUPERVISED).ready().waiting().paid(payment("p1", 2500)).printed()
    sale = story.sale
    twice = (order(sale, payment("p1"), id_="m1"), order(sale, payment("p2"), id_="m2"))
    story.wait(2).free().keys("#")
    story.wait_for(Look, lane=Lane.BEHIND)
    story.watch_seen(*twice).printed()
    story.choose(MenuItem.SETTLE).keys("11234#")
    story.wait_for(Look, lane=Lane.BEHIND)
    story.watch_seen(*twice)
    assert story.journal.disputes["p2"].settled == "delivered"
    assert not story.counter.disputes


def test_give_back_returns_the_disputed_money_and_settles_it_with_the_refund() -> None:
    """In one save: no power cut leaves one without the other."""
    story = disputed().choose(MenuItem.SETTLE).keys("2")
    [call] = story.open_calls(AskRefunds, Lane.BEHIND)
    assert call.payment == "p2"
    story.refunds_are()
    assert story.screen.text == "Devolver 25,00"
    story.keys("1234#")
    assert (the_refund(story).payment, the_refund(story).dispute, the_refund(story).whole) == ("p2", "p2", True)
    assert story.counter.disputes, "until it is done"
    story.refunds_are()
    story.take()
    story.given_back()
    settled = story.journal.disputes["p2"]
    assert (settled.settled, settled.settled_by) == ("refunded", "Ana")
    [save] = [save for save in story.did(Save) if any(isinstance(record, Dispute) for record in save.records)]
    assert the_refund(story) in save.records


def test_excess_goes_back_as_a_part_of_the_payment_that_paid_the_sale() -> None:
    story = Story(SUPERVISED).ready().waiting().paid(payment("p1", 3000)).printed().printed().wait(2).free().keys("#")
    story.choose(MenuItem.SETTLE).keys("2")
    of_it = PaymentSeen("p1", APPROVED, 3000, "BRL")
    story.refunds_are(payment=of_it).keys("1234#").refunds_are(payment=of_it)
    refund = the_refund(story)
    assert (refund.payment, refund.cents, refund.whole, refund.dispute) == ("p1", 500, False, "p1:excess")
    story.given_back()
    assert story.journal.disputes["p1:excess"].settled == "refunded"


@pytest.mark.parametrize("key", "12")
def test_while_it_goes_back_nobody_can_say_anything_else_of_it(key: str) -> None:
    story = disputed().choose(MenuItem.SETTLE).keys("2").refunds_are().keys("1234#").refunds_are()
    story.unknown(GiveBack, Trouble.SLOW, Lane.BEHIND).keys("#").choose(MenuItem.SETTLE).keys(key)
    assert story.in_state(Settling).snag is Snag.UNDER_WAY
    story.feed(SettleAsked("p2", "delivered", "Eva"))
    assert not story.journal.disputes["p2"].settled


def test_disputed_money_that_went_back_elsewhere_is_said_so() -> None:
    story = disputed().choose(MenuItem.SETTLE).keys("2")
    story.refunds_are(RefundSeen("x", APPROVED, 2500), payment=payment("p2", refunded=2500))
    assert story.in_state(Inquiring).snag is Snag.ALL_BACK


@pytest.mark.parametrize("word", ["delivered", "refunded"])
def test_the_technicians_word_settles_at_once(word: str) -> None:
    story = disputed().feed(SettleAsked("p2", word, "Eva"))
    settled = story.journal.disputes["p2"]
    assert (settled.settled, settled.settled_by) == (word, "Eva")
    assert "settled" in story.journal.log
    assert not story.counter.disputes


def test_what_the_technician_settles_is_asked_no_longer() -> None:
    """The desk asks about it: not beyond the step in which it was answered elsewhere."""
    story = disputed().choose(MenuItem.SETTLE)
    story.feed(SettleAsked("p9", "delivered", "Eva")).in_state(Settling)
    story.feed(SettleAsked("p2", "delivered", "Eva")).in_state(Idle)


@pytest.mark.parametrize(("payment_id", "word"), [("p9", "delivered"), ("p2", "forgotten")])
def test_what_is_not_open_or_no_word_of_it_changes_nothing(payment_id: str, word: str) -> None:
    story = disputed().feed(SettleAsked(payment_id, word, "Eva"))
    assert not story.journal.disputes["p2"].settled
    assert "settled" not in story.journal.log


def test_with_a_journal_that_fails_nothing_is_settled() -> None:
    story = disputed()
    story.counter = replace(story.counter, health=replace(story.counter.health, journal=False))
    story.feed(SettleAsked("p2", "delivered", "Eva"))
    assert story.counter.disputes


# --- time -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "kind", "seconds"),
    [("", Picking, 60), ("#", Inquiring, 31), ("#~", Sizing, 60), ("#~#", Signing, 60), ("#~#12", Signing, 60)],
)
def test_a_half_made_wish_is_forgotten(keys: str, kind: type, seconds: float) -> None:
    story = at_the_desk()
    for key in keys:
        if key == "~":
            story.refunds_are()
        else:
            story.keys(key)
    assert isinstance(story.state, kind)
    story.wait(seconds - 1.0)
    assert isinstance(story.state, kind)
    story.wait(2.0)
    assert isinstance(story.state, Idle | Blocked)
    assert not story.journal.wishes


def test_what_has_come_of_it_goes_away_by_itself_and_so_does_the_walk() -> None:
    assert wished(after_a_sale()).given_back().printed().wait(61).public in ("idle", "blocked")
    assert disputed().choose(MenuItem.SETTLE).wait(21).public == "idle"


def test_an_order_on_the_pos_waits_until_the_desk_is_left() -> None:
    story = at_the_desk().keys("#").refunds_are()
    story.wait_for(AskPos, within=61)
    story.holds("foreign-1", 900)
    story.in_state(Sizing)
    story.keys("*")
    assert isinstance(story.state, Blocked)


# --- an older ticket once more ----------------------------------------------------------------------------------------


def two_sales() -> Story:
    story = after_a_sale().waiting("1000#").paid().printed().wait(2)
    story = (story.free() if story.open_calls(AskPos) else story).keys("#")
    story.in_state(Idle)
    story.take()
    return story


@pytest.mark.parametrize("key", "0A")
def test_the_ticket_of_one_of_the_last_sales_is_printed_again(key: str) -> None:
    story = two_sales().keys(f"C*{key}")
    first = next(sale for sale in story.journal.sales.values() if sale.number == 1)
    [copy] = story.did(Print)
    assert (copy.ticket.reference, copy.marks) == (first.reference, (Mark.COPY,))
    story.in_state(Recent)


def test_a_ticket_that_went_back_says_so_when_it_is_printed_again() -> None:
    story = two_sales()
    story.choose(MenuItem.REFUND).keys("1#").refunds_are().keys("#1234#").refunds_are().given_back().keys("#").printed()
    story.take()
    story.keys("C*0")
    [copy] = story.did(Print)
    assert copy.marks == (Mark.REFUNDED, Mark.COPY)
    assert story.screen.text == "Devolvido: 25,00"


def test_looking_at_it_writes_nothing() -> None:
    """The mark is written once."""
    story = wished(after_a_sale()).given_back().printed().keys("#")
    story.take()
    story.keys("C")
    assert story.screen.text == "Devolvido: 25,00"
    assert not story.did(Save)


def test_a_sale_without_a_ticket_prints_nothing() -> None:
    story = after_a_sale().waiting("1000#").keys("*#").seen().removed().free().seen().wait(3.1).seen().wait(2).keys("#")
    story.take()
    story.keys("C0")
    assert not story.did(Print)
    assert story.heard(Tune.REFUSED)


def test_a_ticket_that_is_still_owed_is_printed_as_what_it_is() -> None:
    """L3: it is no copy."""
    story = Story(SUPERVISED).ready().waiting().paid().print_failed(began=False).wait(2).free().keys("#")
    story.take()
    story.keys("C").printer(Paper.OK)
    [ticket] = story.did(Print)
    assert ticket.marks == ()
