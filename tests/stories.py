"""The stories of the project, told to the machine: what README and the rules of money (R1 to R26) tell, case by case.

Each story is a function of how it begins: ``start`` makes a ``Story`` (``tests.story``), or one whose power is cut at a
moment (``tests.world_cuts``). What each of them must come to is asserted in the tests of the centre; here they are told
so that whoever wants all of them has them in one place. The laws are checked at every step of every one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from kiosk.sale.commands import AskPos, AskRefunds, GiveBack, Lane, Look, Place, Withdraw
from kiosk.sale.events import (
    Busy,
    Evidence,
    Key,
    NoRefund,
    NotGivenBack,
    Paper,
    PaperIs,
    PaymentSeen,
    PaymentState,
    Placed,
    RefundSeen,
    Reject,
    Removal,
    Seen,
    Stop,
    Trouble,
)
from kiosk.sale.shop import Preset, Shop
from kiosk.sale.states import Blocked, Idle, Menu, MenuItem, Placing, Recent
from tests.story import SHOP, Story, order, payment

Start = Callable[..., Story]
"""``Story``, or what behaves like it: takes a shop."""
Told = Callable[[Start], Story]

WITH_PRESETS: Final = replace(SHOP, presets=(Preset("Café", 450), Preset("Pão de queijo", 900)))
NEEDS_PRINTER: Final = replace(SHOP, printer_required=True)
SUPERVISED: Final = replace(SHOP, refunds=True)
SUPERVISED_PRINTER: Final = replace(NEEDS_PRINTER, refunds=True)


# --- a sale (README; R2, R4, R9, R11, R12, R26) -----------------------------------------------------------------------


def plain_sale(start: Start) -> Story:
    """Typed, placed, followed, paid, printed, and the next one is begun."""
    story = start().ready().keys("25*500#").free().placed()
    story.wait_for(Look)
    return story.seen().paid().printed().wait(2).free().keys("7")


def large_amount(start: Start) -> Story:
    """Confirmed with another key."""
    story = start().ready().keys("200000#1").free().placed()
    return story.paid().printed().wait(2).free().keys("#")


def several_items(start: Start) -> Story:
    """Added up, one taken back, one counted; from the list of what has a fixed price, too."""
    story = start(WITH_PRESETS).ready().keys("250A300A*2B3").feed(Key("0")).feed(Key("0", held=True))
    story.keys("*").keys("50ACC2#").free().placed()
    return story.paid().printed().wait(2).free().keys("#C**")


def a_count_is_forgotten_in_the_list(start: Start) -> Story:
    """After a minute, with a proof and without one."""
    story = start(WITH_PRESETS).ready().keys("2B").feed(Key("0")).feed(Key("0", held=True)).wait(61)
    assert isinstance(story.state, Idle)
    story.waiting().paid().printed().wait(2)
    return story.keys("7C").wait(61)


def a_preset_right_after_the_last_sale(start: Start) -> Story:
    """PAID is on the screen, or what became of the last sale."""
    story = start(WITH_PRESETS).ready().waiting().paid().printed().wait(2).free()
    _gone(story.keys("C1#").free().placed().keys("*#"))
    return story.wait(2).feed(Key("0")).feed(Key("0", held=True)).keys("2#").free().placed().paid().printed()


def rejected_then_paid(start: Start) -> Story:
    """The order stays (R12)."""
    story = start().ready().waiting()
    story.wait_for(Look)
    story.seen(order(story.sale, payment("p0", state=PaymentState.REJECTED), complete=False))
    story.wait_for(Look)
    return story.seen(order(story.sale, payment("p0", state=PaymentState.REJECTED), payment("p1"))).printed()


def paid_in_two_parts_and_too_much(start: Start) -> Story:
    """What is too much is disputed (R18)."""
    story = start().ready().waiting()
    story.wait_for(Look)
    story.seen(order(story.sale, payment("p1", 2000), complete=False))
    story.wait_for(Look)
    return story.seen(order(story.sale, payment("p1", 2000), payment("p2", 700))).printed().printed()


def paid_by_somebody_elses_order(start: Start) -> Story:
    """Not paid (R11); then it is."""
    story = start().ready().waiting()
    story.wait_for(Look)
    story.seen(order(story.sale, payment("x1"), collector=1, id_="x"))
    return story.paid(payment("p1")).printed()


# --- cancelled, or nobody pays (R13, R14) -----------------------------------------------------------------------------


def _withdrawing(start: Start) -> Story:
    return start().ready().waiting().keys("*#")


def _gone(story: Story) -> Story:
    """Taken away by us, and nobody paid."""
    return story.seen().removed().free().seen().wait(3.1).seen()


def cancelled(start: Start) -> Story:
    """And the next sale begins at once."""
    return _gone(_withdrawing(start)).wait(1.1).keys("1")


def cancelled_before_it_was_placed(start: Start) -> Story:
    """In the guard; then while the PUT is under way."""
    story = start().ready().keys("2500#*").wait(1).keys("2500#").free().keys("*#").placed()
    return _gone(story)


def nobody_pays(start: Start) -> Story:
    """Until the time is up."""
    story = start().ready().waiting()
    story.wait_for(Look)
    story.seen()
    while story.public == "waiting":
        story.wait(0.5)
    return _gone(story)


def paid_before_the_delete(start: Start) -> Story:
    """Paid wins."""
    story = _withdrawing(start)
    return story.seen(order(story.sale, payment())).printed()


def paid_after_the_delete(start: Start) -> Story:
    """A phone had scanned it."""
    story = _withdrawing(start).seen().removed().free()
    return story.seen(order(story.sale, payment())).printed()


def locked_then_paid(start: Start) -> Story:
    """409: the customer is paying."""
    story = _withdrawing(start).seen().removed(Removal.LOCKED)
    story.holds(story.sale.reference)
    story.wait_for(Look)
    return story.seen(order(story.sale, payment())).printed()


def locked_then_withdrawn(start: Start) -> Story:
    """The payment did not come; deleted again after 10 s."""
    story = _withdrawing(start).seen().removed(Removal.LOCKED)
    story.holds(story.sale.reference)
    while not story.open_calls(Withdraw):
        story.wait(0.5)
        if story.open_calls(Look):
            story.seen()
    return story.removed().free().seen().wait(3.1).seen()


def gone_and_found_paid(start: Start) -> Story:
    """DELETE 400, because it was just paid; it shows only later (R14)."""
    story = _withdrawing(start).seen().removed(Removal.GONE).free().seen()
    story.wait_for(Look)
    return story.seen(order(story.sale, payment())).printed()


def gone_and_not_found(start: Start) -> Story:
    """Presumed paid, never found: "check the account"."""
    story = _withdrawing(start).seen().removed(Removal.GONE).free().seen()
    while story.public == "checking":
        story.wait(1)
        if story.open_calls(Look):
            story.seen()
    return story


def a_withdrawal_in_the_dark(start: Start) -> Story:
    """The DELETE's answer is lost, the line is down, then it goes on (R15)."""
    story = _withdrawing(start).seen().unknown(Withdraw, Trouble.SLOW).unknown(AskPos)
    story.wait_for(Look)
    story.unknown(Look).holds(story.sale.reference)
    story.wait_for(Withdraw)
    return story.removed().free().seen().wait(3.1).seen()


# --- placing (R5 to R8) -----------------------------------------------------------------------------------------------


def a_put_whose_answer_was_lost(start: Start) -> Story:
    """It was applied."""
    story = start().ready().keys("2500#").free().unknown(Place, Trouble.SLOW)
    return story.holds(story.sale.reference).paid().printed()


def a_put_that_never_arrived(start: Start) -> Story:
    """Looked for in both indexes, placed again."""
    story = start().ready().keys("2500#").free().unknown(Place).free().seen().wait(3.1).seen().wait(7.1).seen()
    return story.placed().paid().printed()


def two_puts_without_an_answer(start: Start) -> Story:
    """Then it is withdrawn, never straight to rest."""
    story = start().ready().keys("2500#").free().unknown(Place).free().seen().wait(3.1).seen().wait(7.1).seen()
    story.unknown(Place).free().seen().wait(3.1).seen().wait(7.1).seen()
    return _gone(story)


def a_lost_put_that_was_paid(start: Start) -> Story:
    """Nothing is on the POS, because somebody paid it already."""
    story = start().ready().keys("2500#").free().unknown(Place).free()
    return story.seen(order(story.sale, payment())).printed()


def a_put_that_is_refused(start: Start) -> Story:
    """For good (R7)."""
    return start().ready().keys("2500#").free().refused(Place, Reject.INVALID).wait(21)


def busy_though_it_was_proved_free(start: Start) -> Story:
    """409 (R8): another's order is cleared, then ours is placed."""
    story = start().ready().keys("2500#").free().answer(Busy, Place)
    assert isinstance(story.state, Placing)
    return story.holds("foreign-1", 900).removed().free().placed().paid().printed()


def busy_twice(start: Start) -> Story:
    """Another device will not have it."""
    story = start().ready().keys("2500#").free().answer(Busy, Place).free().answer(Busy, Place)
    return story.seen().holds("foreign-1", 900).seen().wait(3.1).seen()


def _clearing(start: Start) -> Story:
    """Before a sale, another's order is on the POS."""
    return start().ready().keys("2500#").holds("foreign-1", 900)


def one_order_after_another(start: Start) -> Story:
    """Two of them; then the sale goes on."""
    return _clearing(start).removed().holds("foreign-2", 900).removed().free().placed().paid().printed()


def an_order_that_stays(start: Start) -> Story:
    """Somebody else's customer is paying."""
    story = _clearing(start)
    for _ in range(2):
        story.removed(Removal.LOCKED).holds("foreign-1", 900).wait(10)
    return story


def the_waiting_sale_is_given_up(start: Start) -> Story:
    """While another's order is taken away."""
    return _clearing(start).keys("*").removed().free()


def no_answer_to_the_guard(start: Start) -> Story:
    """Nothing is placed (R4)."""
    story = start().ready().keys("2500#").unknown(AskPos)
    return story.wait(20)


def cancelled_in_a_guard_without_proof(start: Start) -> Story:
    """The POS was not proved free since the last sale."""
    return start().ready().waiting().paid().printed().wait(2).keys("2500#*")


# --- waiting (R7, R10, R15, R16) --------------------------------------------------------------------------------------


def _to_the_verification(story: Story) -> Story:
    while not story.open_calls(AskPos):
        story.wait(0.1)
        if story.open_calls(Look):
            story.seen()
    return story


def another_device_replaces_the_order(start: Start) -> Story:
    """Withdrawn by reading only; presumed paid, not found (R10)."""
    story = _to_the_verification(start().ready().waiting()).holds("foreign-1", 900)
    story.seen().holds("foreign-1", 900)
    while story.public == "checking":
        story.wait(1)
        if story.open_calls(Look):
            story.seen()
    return story


def the_pos_lost_the_order(start: Start) -> Story:
    """Twice in a row; and it was paid."""
    story = _to_the_verification(start().ready().waiting()).free()
    _to_the_verification(story).free()
    return story.seen(order(story.sale, payment())).printed()


def the_line_is_down_while_waiting(start: Start) -> Story:
    """Unknown is not failed (L6)."""
    story = start().ready().waiting()
    for trouble in (Trouble.NETWORK, Trouble.SERVER, Trouble.NONSENSE, Trouble.THROTTLED):
        story.wait_for(Look)
        story.unknown(Look, trouble)
    story.wait_for(Look)
    return story.refused(Look, Reject.TOKEN).paid().printed()


def stopped_while_waiting(start: Start) -> Story:
    """SIGTERM takes the order back (R16)."""
    story = start().ready().waiting().feed(Stop())
    return story.seen().removed().free().seen().wait(3.1).seen()


def stopped_while_locked(start: Start) -> Story:
    """What cannot be taken back in time is left to the next start (R16, R23)."""
    story = start().ready().waiting().feed(Stop()).seen().removed(Removal.LOCKED)
    story.holds(story.sale.reference).wait(13)
    story.power_cut(off_s=5.0).account().holds(story.sale.reference)
    return story.seen(order(story.sale, payment())).printer(Paper.OK).printed()


# --- late, double and disputed money (R17 to R19) ---------------------------------------------------------------------


def paid_after_cancel(start: Start) -> Story:
    """A ticket of its own kind."""
    story = start().ready().waiting()
    sale = story.sale
    _gone(story.keys("*#")).wait(3)
    story.wait_for(Look, lane=Lane.BEHIND)
    return story.watch_seen(order(sale, payment())).printed()


def paid_twice(start: Start) -> Story:
    """Two phones: the second payment is money to settle."""
    story = start().ready().waiting()
    sale = story.sale
    story.paid(payment("p1")).printed()
    story.wait_for(Look, lane=Lane.BEHIND)
    return story.watch_seen(order(sale, payment("p1")), order(sale, payment("p2"), id_="m2")).printed()


def part_paid_then_cancelled(start: Start) -> Story:
    """Half the money covers nothing: disputed when it has stood for a while."""
    story = start().ready().waiting()
    sale = story.sale
    half = order(sale, payment("p1", 1200), complete=False)
    story.wait_for(Look)
    story.seen(half).keys("*#").seen(half).removed().free().seen(half).wait(3.1).seen(half)
    for _ in range(4):
        story.wait_for(Look, lane=Lane.BEHIND)
        story.watch_seen(half)
    return story.printed()


def pending_then_approved(start: Start) -> Story:
    """The watch does not end while a payment is under way."""
    story = start().ready().waiting()
    sale = story.sale
    pending = order(sale, payment("p1", state=PaymentState.PENDING), complete=False)
    story.wait_for(Look)
    story.seen(pending).keys("*#").seen(pending).removed().free().seen(pending).wait(3.1).seen(pending)
    story.wait_for(Look, lane=Lane.BEHIND)
    return story.watch_seen(pending).wait(1).keys("#").wait(5)


def late_money_in_the_next_sale(start: Start) -> Story:
    """It prints when the sale in front is over (R19)."""
    story = start().ready().waiting()
    first = story.sale
    _gone(story.keys("*#")).wait(2).keys("900#").free().placed()
    story.wait_for(Look, lane=Lane.BEHIND)
    story.watch_seen(order(first, payment("p1")))
    story.wait_for(Look)
    return story.seen(order(story.sale, payment("p2", 900), id_="m2")).printed().printed()


def a_payment_that_paid_another_sale(start: Start) -> Story:
    """One payment completes one sale (R1)."""
    story = start().ready().waiting().paid(payment("p1")).printed().wait(3).free()
    story.keys("2500#").free().placed()
    return story.paid(payment("p1"))


def an_answer_of_an_earlier_sale(start: Start) -> Story:
    """It can only touch that sale (R20)."""
    story = start().ready().waiting()
    first = story.sale
    _gone(story.keys("*#")).wait(2).keys("2500#").free().placed()
    evidence = Evidence((order(first, payment("p1")),))
    story.feed(Seen(request=3, reference=first.reference, date=None, evidence=evidence))
    return story.feed(Placed(request=4, reference=first.reference))


# --- tickets (R21) ----------------------------------------------------------------------------------------------------


def no_paper_then_paper(start: Start) -> Story:
    """No byte left: what comes then is the original."""
    story = start().ready().printer(Paper.OUT).waiting().paid()
    return story.wait(5).printer(Paper.OK).printed()


def paper_out_in_the_middle(start: Start) -> Story:
    """POSSIBLE DUPLICATE."""
    story = start().ready().waiting().paid().print_failed(began=True)
    return story.wait(5).printer(Paper.OK).printed().wait(2).keys("*").printed()


def a_printer_that_never_answers(start: Start) -> Story:
    """The paper is given up after 40 s, and asked for once more."""
    story = start().ready().waiting().paid().wait(45)
    return story.printer(Paper.OK).wait(1)


def a_printer_that_says_nothing(start: Start) -> Story:
    """Printed, as far as anybody knows; a copy is doubtful, too."""
    story = start().ready().printer(Paper.SILENT).waiting().paid().printed(sure=False)
    return story.wait(2).keys("*").printed(sure=False)


def printed_again(start: Start) -> Story:
    """A copy, from the menu."""
    story = _paid_and_idle(start)
    return story.keys("*#").printed()


def old_debts_are_asked_for(start: Start) -> Story:
    """First a slip that lists them (R19)."""
    story = start().ready().printer(Paper.OUT).waiting().paid()
    story.power_cut(off_s=700.0).account().free().printer(Paper.OK).choose(MenuItem.DEBTS).printed()
    return story.printed()


# --- journal and power (R22, R23) -------------------------------------------------------------------------------------


def the_journal_fails_at_the_put(start: Start) -> Story:
    """No new sale; once it works again there is one."""
    story = start().ready().keys("2500#")
    story.journal.fails = True
    story.free().wait(2)
    story.journal.fails = False
    return story.wait(30)


def the_journal_fails_while_waiting(start: Start) -> Story:
    """PAID is shown, its ticket may be a duplicate; it is written when that is possible."""
    story = start().ready().waiting()
    story.journal.fails = True
    story.paid().printed()
    story.journal.fails = False
    return story.wait(6)


def the_journal_fails_while_cancelling(start: Start) -> Story:
    """The running sale may still be withdrawn."""
    story = start().ready().waiting()
    story.journal.fails = True
    _gone(story.keys("*#"))
    story.journal.fails = False
    return story.wait(6)


def the_journal_fails_while_clearing(start: Start) -> Story:
    """And is known to fail before the POS is free."""
    story = _clearing(start).keys("*")
    story.journal.fails = True
    story.feed(PaperIs(Paper.OUT))
    story.counter = replace(story.counter, health=replace(story.counter.health, journal=False))
    return story.removed().free()


def the_journal_fails_while_the_menu_is_open(start: Start) -> Story:
    """What was asked for is not done."""
    story = _paid_and_idle(start).keys("*")
    story.journal.fails = True
    return story.feed(Key("#"))


def paid_while_the_power_was_off(start: Start) -> Story:
    """Found at boot, though the POS does not answer: an ordinary ticket."""
    story = start().ready().waiting()
    sale = story.sale
    story.power_cut().account().unknown(AskPos, Trouble.NETWORK)
    story.wait_for(Look)
    return story.seen(order(sale, payment())).printer(Paper.OK).printed()


def waiting_goes_on_after_a_power_cut(start: Start) -> Story:
    """The order is still on the POS, and there is time."""
    story = start().ready().waiting()
    story.power_cut().account().holds(story.sale.reference)
    return story.paid().printer(Paper.OK).printed()


def too_late_after_a_power_cut(start: Start) -> Story:
    """The order is dead."""
    story = start().ready().waiting()
    story.power_cut(off_s=900.0).account().free()
    return story.seen().removed(Removal.GONE).free().seen().wait(3.1).seen()


def power_cut_while_printing(start: Start) -> Story:
    """Nobody knows how far it came: POSSIBLE DUPLICATE."""
    story = start().ready().waiting().paid()
    return story.power_cut().account().free().printer(Paper.OK).printed()


def power_cut_while_placing(start: Start) -> Story:
    """The PUT may have arrived; it had not."""
    story = start().ready().keys("2500#").free()
    story.power_cut().account().free()
    return story.seen().removed(Removal.GONE).free().seen()


def boot_on_a_taken_pos(start: Start) -> Story:
    """Another's order stands on it."""
    return start().account().holds("foreign-1", 900).removed().free().printer(Paper.OK)


def boot_without_a_line(start: Start) -> Story:
    """And when the line comes, the POS is taken."""
    story = start().account().unknown(AskPos, Trouble.NETWORK)
    assert isinstance(story.state, Blocked)
    story.wait_for(AskPos, within=16)
    return story.holds("foreign-1", 900)


# --- at rest ----------------------------------------------------------------------------------------------------------


def _paid_and_idle(start: Start) -> Story:
    """After a sale."""
    return start().ready().waiting().paid().printed().wait(2).free().keys("#")


def paid_is_dismissed(start: Start) -> Story:
    """By a key."""
    return _paid_and_idle(start)


def paid_is_dismissed_before_the_pos_is_proved_free(start: Start) -> Story:
    """Blocked, not ready (L4)."""
    return start().ready().waiting().paid().printed().wait(2).keys("#")


def an_amount_is_forgotten(start: Start) -> Story:
    """After a minute (R25)."""
    return start().ready().keys("25").wait(61)


def a_large_amount_is_forgotten_without_a_proof(start: Start) -> Story:
    """Asked once more, and nobody answers."""
    story = start().ready().waiting().paid().printed().wait(2)
    return story.keys("200000#").wait(61)


def a_large_amount_is_taken_back(start: Start) -> Story:
    """Too large."""
    return start().ready().keys("200000#*")


def an_amount_is_typed_in_the_menu(start: Start) -> Story:
    """A digit is never lost."""
    return _paid_and_idle(start).keys("*25")


def idle_when_another_device_comes(start: Start) -> Story:
    """The standing proof finds it."""
    story = start().ready()
    story.wait_for(AskPos, within=61)
    assert isinstance(story.state, Idle)
    return story.holds("foreign-1", 900).removed().free()


def the_pos_is_taken_while_the_menu_is_open(start: Start) -> Story:
    """The menu closes."""
    story = _paid_and_idle(start)
    story.wait_for(AskPos, within=61)
    story.keys("*")
    assert isinstance(story.state, Menu)
    return story.holds("foreign-1", 900)


def late_money_is_found_by_asking(start: Start) -> Story:
    """Cancelled, and paid by a phone that nobody saw: the cashier asks about it."""
    story = _gone(_withdrawing(start))
    sale = story.counter.recent[0]
    story.wait(2).keys("#*#")
    story.in_state(Recent)
    return story.keys("#").watch_seen(order(sale, payment("late"))).printed().wait(31)


def no_answer_about_an_old_sale(start: Start) -> Story:
    """Asked, and no answer; walked on, past the oldest."""
    story = _paid_and_idle(start).keys("C#")
    return story.unknown(Look, Trouble.NETWORK, Lane.BEHIND).keys("#").wait(10.6).keys("*")


def an_amount_is_typed_among_the_last_sales(start: Start) -> Story:
    """A digit is never lost."""
    return _paid_and_idle(start).keys("C#25")


def the_pos_is_taken_among_the_last_sales(start: Start) -> Story:
    """The list closes."""
    story = _paid_and_idle(start)
    story.wait_for(AskPos, within=61)
    return story.keys("C").holds("foreign-1", 900)


def a_required_printer_dies_among_the_last_sales(start: Start) -> Story:
    """No new sale without it."""
    story = start(NEEDS_PRINTER).ready()
    story.waiting().paid().printed().wait(2).free().keys("#C")
    return story.feed(PaperIs(Paper.GONE))


def a_required_printer_dies_in_the_menu(start: Start) -> Story:
    """No new sale without it."""
    story = start(NEEDS_PRINTER).ready()
    story.waiting().paid().printed().wait(2).free().keys("#*")
    return story.feed(PaperIs(Paper.GONE))


def a_required_printer_dies_when_idle(start: Start) -> Story:
    """And comes back."""
    return start(NEEDS_PRINTER).ready().feed(PaperIs(Paper.GONE)).feed(PaperIs(Paper.OK))


# --- the day ----------------------------------------------------------------------------------------------------------


def the_day_is_closed(start: Start) -> Story:
    """Looked at, asked, closed and printed; a digit begins the next day."""
    story = _paid_and_idle(start).choose(MenuItem.TOTALS).keys("#").printed()
    return story.choose(MenuItem.CLOSE).keys("#").printed().keys("7")


def the_day_is_looked_at_and_left_alone(start: Start) -> Story:
    """The totals go away by themselves."""
    return _paid_and_idle(start).choose(MenuItem.TOTALS).wait(21)


def the_pos_is_taken_while_the_totals_are_shown(start: Start) -> Story:
    """The totals go away."""
    story = _paid_and_idle(start)
    story.wait_for(AskPos, within=61)
    return story.choose(MenuItem.TOTALS).holds("foreign-1", 900)


def a_required_printer_dies_while_the_totals_are_shown(start: Start) -> Story:
    """No new sale without it."""
    story = start(NEEDS_PRINTER).ready()
    story.waiting().paid().printed().wait(2).free().keys("#")
    return story.choose(MenuItem.CLOSE).feed(PaperIs(Paper.GONE))


# --- money that goes back (R18, R24) ----------------------------------------------------------------------------------


def _supervised(start: Start, shop: Shop = SUPERVISED) -> Story:
    """A paid sale, and idle again, where there are supervisors."""
    story = start(shop).ready().waiting().paid().printed().wait(2)
    return (story.free() if story.open_calls(AskPos) else story).keys("#")


def _in_excess(start: Start, shop: Shop = SUPERVISED) -> Story:
    """A sale that was paid with too much."""
    story = start(shop).ready().waiting().paid(payment("p1", 3000)).printed().printed().wait(2)
    return (story.free() if story.open_calls(AskPos) else story).keys("#")


def _no_printer(story: Story) -> Story:
    return story.feed(PaperIs(Paper.GONE))


def money_goes_back(start: Start) -> Story:
    """All of it: signed, done, printed; its ticket says so."""
    story = _supervised(start).choose(MenuItem.REFUND).keys("#").refunds_are().keys("#1234#").refunds_are()
    return story.given_back().printed().keys("#C0").printed()


def a_part_goes_back_after_a_lost_answer(start: Start) -> Story:
    """Asked, not there, tried again with the same key, under way, done; a customer is served meanwhile."""
    story = _supervised(start).choose(MenuItem.REFUND).keys("#").refunds_are().keys("700#1234#").refunds_are()
    story.unknown(GiveBack, Trouble.SLOW, Lane.BEHIND).keys("#").keys("1000#")
    story.wait_for(AskRefunds, lane=Lane.BEHIND)
    story.refunds_are().given_back("b1", PaymentState.PENDING)
    story.wait_for(AskRefunds, lane=Lane.BEHIND)
    return story.refunds_are(RefundSeen("b1", PaymentState.APPROVED, 700))


def a_refund_is_refused(start: Start) -> Story:
    """Certainly nothing went back."""
    story = _supervised(start).choose(MenuItem.REFUND).keys("#").refunds_are().keys("#1111#1234#").refunds_are()
    return story.answer(NotGivenBack, GiveBack, Lane.BEHIND, reason=NoRefund.TOO_OLD)


def a_refund_is_refused_while_a_customer_is_served(start: Start) -> Story:
    """Said when the counter is at rest again; a digit begins the next sale."""
    story = _supervised(start).choose(MenuItem.REFUND).keys("#").refunds_are().keys("#1234#25").refunds_are()
    story.answer(NotGivenBack, GiveBack, Lane.BEHIND, reason=NoRefund.TOO_OLD)
    return story.keys("**").wait(31).keys("7")


def a_power_cut_while_money_goes_back(start: Start) -> Story:
    """Asked first; it had arrived."""
    story = _supervised(start).choose(MenuItem.REFUND).keys("#").refunds_are().keys("#1234#").refunds_are()
    story.power_cut().account().free().printer(Paper.OK)
    story.wait_for(AskRefunds, lane=Lane.BEHIND)
    return story.refunds_are(RefundSeen("b1", PaymentState.APPROVED, 2500))


def the_desk_is_left(start: Start) -> Story:
    """At each step, with a star."""
    story = _supervised(start).choose(MenuItem.REFUND).keys("*")
    story.choose(MenuItem.REFUND).keys("#*")
    story.choose(MenuItem.REFUND).keys("#").refunds_are().keys("*")
    return story.choose(MenuItem.REFUND).keys("#").refunds_are().keys("#*")


def a_required_printer_dies_at_the_desk(start: Start) -> Story:
    """The desk is left as it is wished, and then nothing is sold."""
    story = _supervised(start, SUPERVISED_PRINTER)
    _no_printer(story.choose(MenuItem.REFUND)).keys("*").printer(Paper.OK)
    _no_printer(story.choose(MenuItem.REFUND).keys("#")).keys("*").printer(Paper.OK)
    _no_printer(story.choose(MenuItem.REFUND).keys("#").refunds_are()).keys("*").printer(Paper.OK)
    _no_printer(story.choose(MenuItem.REFUND).keys("#").refunds_are().keys("#")).keys("*").printer(Paper.OK)
    return _no_printer(story.choose(MenuItem.REFUND).keys("#").refunds_are().keys("#1234#")).keys("#")


def too_much_is_kept_and_too_much_goes_back(start: Start) -> Story:
    """One was delivered, the other one goes back."""
    story = _in_excess(start).waiting("1000#").paid(payment("p2", 1200)).printed().printed().wait(2)
    story = (story.free() if story.open_calls(AskPos) else story).keys("#")
    story.choose(MenuItem.SETTLE).keys("1").keys("1234#")
    shown = PaymentSeen("p2", PaymentState.APPROVED, 1200, "BRL")
    story.keys("2").refunds_are(payment=shown).keys("1234#").refunds_are(payment=shown)
    return story.given_back().printed()


def too_much_was_delivered(start: Start) -> Story:
    """The last one: back to rest; and a walk past the last."""
    return _in_excess(start).choose(MenuItem.SETTLE).keys("*").choose(MenuItem.SETTLE).keys("1").keys("1234#")


def a_required_printer_dies_among_disputed_money(start: Start) -> Story:
    """The walk ends."""
    return _no_printer(_in_excess(start, SUPERVISED_PRINTER).choose(MenuItem.SETTLE)).keys("*")


STORIES: Final[tuple[Told, ...]] = tuple(
    thing
    for name, thing in list(globals().items())
    if not name.startswith("_") and getattr(thing, "__module__", "") == __name__
)
"""All of them, in the order in which they are told."""
