"""The counter as a whole: a failing journal (R22), and what is done after a start (R23)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from kiosk.sale.commands import AskPos, Lane, Look, Note, Place, Print, Save, Withdraw
from kiosk.sale.counter import holdings, resume
from kiosk.sale.events import Device, DeviceIs, Fault, Ill, Paper, PaperIs, Reject, Renewed, Trouble
from kiosk.sale.records import DebtState, Mark, Phase, Rows, record_key
from kiosk.sale.states import Blocked, Notice, NoticeKind, Starting
from kiosk.sale.turn import Now
from tests.story import Story, order, payment


def test_a_new_sale_is_not_placed_when_the_intent_cannot_be_written() -> None:
    """L7, R22."""
    story = Story().ready().keys("2500#")
    story.journal.fails = True
    story.free()
    assert not story.open_calls(Place)
    assert isinstance(story.state, Notice)
    assert story.state.kind is NoticeKind.JOURNAL
    story.wait(25)
    assert isinstance(story.state, Blocked)
    assert "disco" in story.text


def test_the_same_sale_is_placed_when_it_can() -> None:
    story = Story().ready().keys("2500#").free()
    assert story.open_calls(Place)


def test_with_a_failing_journal_the_running_sale_is_followed_and_paid() -> None:
    """R22: PAID is shown with its reference; the ticket prints as POSSIBLE DUPLICATE."""
    story = Story().ready().waiting()
    story.journal.fails = True
    story.paid()
    assert story.public == "paid"
    [ticket] = story.did(Print)
    assert Mark.POSSIBLE_DUPLICATE in ticket.marks
    story.printed()
    story.journal.fails = False
    story.wait(6)
    row = story.journal.sales[story.sale.reference]
    assert (row.phase, row.payments) == (Phase.PAID, ("p1",))
    assert story.journal.debts[row.reference].state is DebtState.PRINTED


def test_with_a_failing_journal_the_running_sale_can_be_withdrawn() -> None:
    story = Story().ready().waiting()
    story.journal.fails = True
    story.keys("*#").seen()
    assert story.open_calls(Withdraw)
    story.removed().free().seen().wait(3.1).seen()
    assert story.public == "notice"
    story.wait(21)
    assert story.public == "blocked"
    story.journal.fails = False
    story.wait(6)
    assert story.public == "idle"
    [sale] = story.journal.sales.values()
    assert sale.phase is Phase.WITHDRAWN


def test_what_a_failing_journal_lost_is_derived_again_at_boot() -> None:
    """R22: the open row is still there; the provider knows the rest."""
    story = Story().ready().waiting()
    sale = story.sale
    story.journal.fails = True
    story.paid().printed()
    story.journal.fails = False
    story.power_cut().account().free().printer(Paper.OK)
    story.seen(order(sale, payment()))
    assert story.public == "paid"
    assert story.journal.sales[sale.reference].phase is Phase.PAID


def test_a_failing_journal_is_tried_again_every_5_s_and_no_more() -> None:
    story = Story().ready().waiting()
    story.journal.fails = True
    story.paid().printed()
    story.take()
    story.wait(60)
    assert 10 <= len(story.did(Save)) <= 16


def test_a_second_put_that_cannot_be_written_is_withdrawn() -> None:
    """L7: never a PUT that the journal does not know."""
    story = Story().ready().keys("2500#").free().unknown(Place).free().seen().wait(3.1).seen().wait(7.1)
    story.journal.fails = True
    story.seen()
    assert len(story.did(Place, lambda c: c.sale.puts == 2)) == 0
    assert story.public == "withdrawing"


def test_boot_with_an_empty_journal_asks_the_pos_first() -> None:
    story = Story()
    assert story.public == "starting"
    story.keys("2500#")
    assert not story.did(Place)


def test_what_was_typed_and_not_confirmed_is_gone() -> None:
    """R23."""
    story = Story().ready().keys("2500")
    story.power_cut().account().free()
    assert story.public == "idle"
    assert "25,00" not in story.text


def test_numbers_go_on_after_a_restart_and_references_never_repeat() -> None:
    """R1."""
    story = Story().ready().waiting().paid().printed()
    first = story.sale
    story.power_cut().account().free().printer(Paper.OK)
    story.waiting("1000#")
    assert story.sale.number == first.number + 1
    assert story.sale.reference != first.reference


def test_a_second_open_row_is_watched() -> None:
    """There should be none; money is not lost if there is."""
    story = Story().ready().waiting()
    first = story.sale
    other = replace(first, reference="KIOSK01-0-other", number=9)
    story.journal.sales[other.reference] = other
    story.power_cut().account()
    assert [watch.sale.reference for watch in story.counter.watches.items] == [first.reference]
    assert story.sale.reference == other.reference


def test_power_returns_in_every_state() -> None:
    """R23, L4: wherever the power is cut, the kiosk comes back to ready, and what was placed is watched or paid."""
    passages: list[Callable[[Story], Story]] = [
        lambda s: s,
        lambda s: s.keys("25"),
        lambda s: s.keys("2500#"),
        lambda s: s.keys("2500#").free(),
        lambda s: s.keys("2500#").free().unknown(Place),
        lambda s: s.waiting(),
        lambda s: s.waiting().keys("*#"),
        lambda s: s.waiting().keys("*#").seen(),
        lambda s: s.waiting().keys("*#").seen().removed(),
        lambda s: s.waiting().keys("*#").seen().removed().free(),
        lambda s: s.waiting().paid(),
        lambda s: s.waiting().paid().printed(),
    ]
    for index, passage in enumerate(passages):
        story = Story().ready()
        passage(story)
        story.power_cut(off_s=300).account().free().printer(Paper.OK)
        for _ in range(400):
            if story.public == "idle":
                break
            if story.open_calls(Look):
                story.seen()
            elif story.open_calls(Withdraw):
                story.removed()
            elif story.jobs:
                story.printed()
            else:
                for kind in story.asked:
                    if type(kind.command).__name__ == "AskPos" and story.open_calls(type(kind.command)):
                        story.free()
                        break
                story.wait(1)
        assert story.public == "idle", f"passage {index} ends in {story.state}"
        for sale in story.journal.sales.values():
            assert sale.watched or not sale.puts, index


def test_an_unsaved_payment_is_not_forgotten_when_the_order_lingers_on_the_pos() -> None:
    """L2, L3, R22: the journal still says waiting; what we know is newer, and is what gets saved."""
    story = Story().ready().waiting()
    reference = story.sale.reference
    story.journal.fails = True
    story.paid().printed().wait(2).keys("#")
    story.holds(reference)
    story.journal.fails = False
    story.wait(6)
    row = story.journal.sales[reference]
    assert (row.phase, row.payments) == (Phase.PAID, ("p1",))


def test_a_payment_that_is_not_written_yet_completes_no_second_sale() -> None:
    """R1, R22: while the journal fails, what it would know is known here."""
    story = Story().ready().waiting()
    cancelled = story.sale
    story.keys("*#").seen().removed().free().seen().wait(3.1).seen().wait(2)
    story.keys("2500#").free().placed()
    story.journal.fails = True
    story.paid(payment("p1")).printed()
    while story.wait_for(Look, lane=Lane.BEHIND).reference != cancelled.reference:
        story.watch_seen(order(story.sale, payment("p1")))
    story.watch_seen(order(cancelled, payment("p1")))
    story.journal.fails = False
    story.wait(12)
    assert story.counter.health.journal
    assert [sale.payments for sale in story.journal.sales.values()] == [(), ("p1",)]
    assert not story.journal.disputes


def test_a_disk_that_fails_slowly_is_tried_every_5_s_after_the_failure() -> None:
    """R22: the time of a failed write does not count."""
    story = Story().ready().waiting()
    story.journal.fails = True
    story.paid()
    assert story.counter.save_at == story.at + 5.0


# --- what the service's log is told -----------------------------------------------------------------------------------

OF_HEALTH = ("provider-fails", "provider-answers", "printer")


def told(story: Story) -> list[tuple[str, str, int]]:
    """What was noted about the provider and the printer since the last time."""
    entries = [note.entry for note in story.did(Note)]
    story.take()
    return [(entry.event, entry.text, entry.level) for entry in entries if entry.event in OF_HEALTH]


def test_a_line_that_fails_is_told_once_with_its_reason_and_so_is_its_return() -> None:
    story = Story().ready()
    told(story)
    story.keys("2500#").unknown(AskPos, Trouble.NETWORK)
    assert told(story) == [("provider-fails", "the provider gives no answer: network", 4)]
    story.wait_for(AskPos)
    story.unknown(AskPos, Trouble.NETWORK)
    assert told(story) == []
    story.wait_for(AskPos)
    story.unknown(AskPos, Trouble.SERVER)
    assert told(story) == [("provider-fails", "the provider gives no answer: server", 4)]
    story.wait_for(AskPos)
    story.free()
    assert told(story) == [("provider-answers", "the provider answers again", 5)]


def test_a_refusal_is_told_in_the_providers_words() -> None:
    story = Story().ready().keys("2500#")
    told(story)
    story.refused(AskPos, Reject.TOKEN)
    [(event, text, level)] = told(story)
    assert (event, level) == ("provider-fails", 4)
    assert text.startswith("the provider refuses: token")


def test_how_the_printer_is_is_told_when_it_changes() -> None:
    story = Story().account().free()
    told(story)
    story.printer(Paper.GONE)
    assert told(story) == [("printer", "the printer: gone", 4)]
    story.printer(Paper.GONE)
    assert told(story) == []
    story.printer(Paper.OK)
    assert told(story) == [("printer", "the printer: ok", 6)]
    story.feed(PaperIs(Paper.GONE, "another program uses it"))
    assert told(story) == [("printer", "the printer: gone, another program uses it", 4)]


# --- a damaged journal ------------------------------------------------------------------------------------------------


def test_l2_the_holdings_are_the_open_sale_and_all_that_is_watched_owed_disputed_and_unsaved() -> None:
    story = Story().ready().waiting().paid().print_failed(began=True)
    paid = story.sale
    story.wait_for(Look, lane=Lane.BEHIND)
    story.watch_seen(order(paid, payment("p1")), order(paid, payment("p2"), id_="m2"))
    story.wait(2).waiting("1000#")
    story.journal.fails = True
    story.keys("*#").seen()
    known = {record_key(record): record for record in holdings(story.counter)}
    assert known["sale:" + story.sale.reference] == story.sale
    assert story.sale.phase is Phase.WITHDRAWING
    assert known["sale:" + paid.reference] == story.journal.sales[paid.reference]
    assert known["debt:" + paid.reference] == story.journal.debts[paid.reference]
    assert known["dispute:p2"] == story.journal.disputes["p2"]
    assert len(known) == 5  # and the slip of the disputed money


def test_a_sale_that_nothing_was_done_for_is_no_holding() -> None:
    """It was confirmed, and the POS is still being asked: nothing is written yet."""
    assert holdings(Story().ready().keys("2500#").counter) == ()


def test_a_journal_renewed_in_the_middle_of_a_sale_is_logged_and_told_and_the_sale_goes_on() -> None:
    story = Story().ready().waiting()
    before = story.state
    story.feed(Renewed("journal.db.damaged-1"))
    assert story.state == before
    assert story.counter.health.set_aside == ("journal.db.damaged-1",)
    assert "journal-set-aside" in story.journal.log


def test_a_start_beside_a_damaged_journal_is_logged_and_the_pos_is_asked_first() -> None:
    story = Story()
    rows = Rows(set_aside=("journal.db.damaged-1", "journal.db.damaged-2"))
    counter, commands = resume(rows, story.shop, Now(1.0, 2.0), lambda: 1)
    assert type(counter.state) is Starting
    assert counter.health.set_aside == rows.set_aside
    [entry] = [entry for save in commands if isinstance(save, Save) for entry in save.entries]
    assert (entry.event, entry.level) == ("journal-set-aside", 3)
    assert "journal.db.damaged-2" in entry.text
    assert resume(Rows(), story.shop, Now(1.0, 2.0), lambda: 1)[1] == ()


def test_what_is_wrong_with_a_device_is_logged_once_and_once_that_it_works_again() -> None:
    stuck, deaf = Fault(Ill.STUCK, "key 5 is stuck", "5"), Fault(Ill.DEAF, "column 16")
    story = Story().ready().feed(DeviceIs(Device.KEYPAD))
    for faults in ((stuck,), (stuck,), (stuck, deaf), (deaf,), (), ()):
        story.feed(DeviceIs(Device.KEYPAD, faults))
    told = [(note.entry.event, note.entry.text, note.entry.level) for note in story.did(Note)]
    assert told == [
        ("keypad", "key 5 is stuck", 4),
        ("keypad", "column 16", 4),
        ("keypad", "the keypad works again", 5),
    ]
