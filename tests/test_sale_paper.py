"""Tickets owed, printed, doubtful (R19, R21, L3)."""

from __future__ import annotations

from dataclasses import replace

from kiosk.sale.commands import AskPrinter, Lane, Look, Note, Print, Save, Tune
from kiosk.sale.events import Paper, PaperAsked, Printed
from kiosk.sale.paper import ASKED_MAX, Asking, Outcome
from kiosk.sale.records import DebtState, Mark
from kiosk.sale.states import MenuItem
from tests.story import SHOP, Story, order, payment


def paid(story: Story | None = None) -> Story:
    """A paid sale; its ticket is at the printer, where there is one to be had."""
    return (story or Story().ready()).waiting().paid()


def debt_state(story: Story, reference: str) -> DebtState:
    """The ticket's state in the journal."""
    return story.journal.debts[reference].state


def test_the_intent_to_print_is_durable_before_the_print() -> None:
    """L7."""
    story = paid()
    assert debt_state(story, story.sale.reference) is DebtState.PRINTING
    assert len(story.jobs) == 1


def test_printed_is_remembered() -> None:
    story = paid().printed()
    assert debt_state(story, story.sale.reference) is DebtState.PRINTED
    assert not story.counter.papers.debts


def test_what_becomes_of_the_ticket_is_told_in_the_sales_own_story() -> None:
    """``kiosk sales show N`` and ``journalctl KIOSK_SALE=N`` find it by the number."""
    story = paid().print_failed(began=False)
    story.printer(Paper.OK)
    story.printed()
    number, reference = story.sale.number, story.sale.reference
    told = [entry for save in story.did(Save) for entry in save.entries if entry.event in ("ticket-owed", "printed")]
    assert [(entry.event, entry.number, entry.reference) for entry in told] == [
        ("ticket-owed", number, reference),
        ("printed", number, reference),
    ]


def test_a_copy_that_does_not_come_out_is_told_in_the_sales_own_story() -> None:
    """It is owed to nobody, and yet somebody will ask where it is."""
    story = paid().printed().wait(2).keys("*")
    story.take()
    story.print_failed(began=False)
    [entry] = [note.entry for note in story.did(Note) if note.entry.event == "print-failed"]
    assert (entry.number, entry.reference) == (story.sale.number, story.sale.reference)


def test_a_slips_way_to_paper_is_told_in_the_sales_story_under_no_reference() -> None:
    """The slip is not the sale's ticket: its debt has a name of its own."""
    story = paid().printed()
    sale = story.sale
    story.wait_for(Look, lane=Lane.BEHIND)
    story.take()
    story.watch_seen(order(sale, payment("p1"), id_="m1"), order(sale, payment("p2"), id_="m2")).printed()
    told = [entry for save in story.did(Save) for entry in save.entries if entry.event == "printed"]
    assert [(entry.number, entry.reference) for entry in told] == [(sale.number, "")]


def test_a_print_that_did_not_begin_is_tried_again_as_the_original() -> None:
    """R21: no byte went out."""
    story = paid().print_failed(began=False)
    assert debt_state(story, story.sale.reference) is DebtState.OWED
    assert "sem papel" in story.text
    story.take()
    story.printer(Paper.OK)
    [ticket] = story.did(Print)
    assert ticket.marks == ()
    assert not ticket.retry


def test_a_print_that_began_is_never_an_original_again() -> None:
    """R21, L3: after the first byte every retry says so, and clears the printer's parser first."""
    story = paid().print_failed(began=True)
    assert debt_state(story, story.sale.reference) is DebtState.DOUBTFUL
    for _ in range(3):
        story.take()
        story.printer(Paper.OK)
        [ticket] = story.did(Print)
        assert ticket.marks == (Mark.POSSIBLE_DUPLICATE,)
        assert ticket.retry
        story.print_failed(began=False)


def test_a_printer_that_comes_back_is_tried_within_5_s() -> None:
    """R25, L8."""
    story = paid().print_failed(began=False, paper=Paper.GONE)
    story.take()
    asked, started = [], story.at
    while story.at - started < 30:
        story.wait(0.1)
        if story.did(AskPrinter):
            asked.append(story.at)
            story.take()
            story.printer(Paper.GONE)
    assert asked
    assert all(b - a <= 5 for a, b in zip([started, *asked], asked, strict=False))


def test_a_printer_that_is_slow_to_answer_is_asked_again_when_it_has_answered_and_at_once() -> None:
    """R25: a connection to a printer without power is tried for 5 s. Questions must not queue up before the ticket."""
    story = paid().print_failed(began=False, paper=Paper.GONE)
    story.take()
    for _ in range(3):
        story.wait(5)
        assert len(story.did(AskPrinter)) == 1
        story.wait(5)
        assert len(story.did(AskPrinter)) == 1
        story.take()
        story.printer(Paper.GONE)
        assert len(story.did(AskPrinter)) == 1
        story.take()
        story.wait(3)
        story.printer(Paper.GONE)  # A quick answer does not hurry it.
        assert not story.did(AskPrinter)


def test_an_answer_that_never_comes_is_not_waited_for_for_ever() -> None:
    story = paid().print_failed(began=False, paper=Paper.GONE)
    story.wait(60)
    assert 2 <= len(story.did(AskPrinter)) <= 3


def test_a_power_cut_while_printing_makes_the_ticket_doubtful() -> None:
    """R21, R23."""
    story = paid()
    reference = story.sale.reference
    story.power_cut().account().free().printer(Paper.OK)
    [ticket] = story.did(Print)
    assert ticket.ticket.reference == reference
    assert ticket.marks == (Mark.POSSIBLE_DUPLICATE,)


def test_a_power_cut_after_printing_prints_nothing_more() -> None:
    story = paid().printed()
    story.power_cut().account().free().printer(Paper.OK)
    assert not story.did(Print)


def test_a_printer_that_hangs_is_given_up() -> None:
    story = paid().wait(41)
    assert debt_state(story, story.sale.reference) is DebtState.DOUBTFUL
    assert story.public == "paid"


def test_a_late_word_of_a_given_up_job_counts() -> None:
    """R20: it proves that the paper is out."""
    story = paid()
    job = story.jobs[0].job
    story.wait(41)
    story.feed(Printed(job))
    assert debt_state(story, story.sale.reference) is DebtState.PRINTED


def test_silence_counts_only_as_presumed() -> None:
    story = paid().printed(sure=False)
    assert debt_state(story, story.sale.reference) is DebtState.PRESUMED
    assert not story.counter.papers.debts


def test_the_current_ticket_goes_before_debts() -> None:
    """R19."""
    story = paid().print_failed(began=False)
    first = story.sale.reference
    story.wait(2).free().keys("1000#").free().placed().paid()
    second = story.sale.reference
    story.take()
    story.printer(Paper.OK)
    assert [command.ticket.reference for command in story.did(Print)] == [second]
    story.printed()
    assert [command.ticket.reference for command in story.did(Print)] == [second, first]


def test_no_debt_prints_while_a_sale_is_open() -> None:
    """R19."""
    story = paid().print_failed(began=False)
    story.wait(2).free().keys("1000#").free().placed()
    story.take()
    story.printer(Paper.OK)
    assert not story.did(Print)
    story.keys("*#").seen().removed().free().seen().wait(3.1).seen()
    assert len(story.did(Print)) == 1


def test_old_debts_print_on_request_after_a_summary() -> None:
    """R19: a night's tickets do not spill out when paper is loaded."""
    story = paid().print_failed(began=False)
    reference = story.sale.reference
    story.wait(2).free().keys("#")
    story.wait(700)
    story.take()
    story.printer(Paper.OK)
    assert not story.did(Print)
    assert "Por imprimir: 1" in story.text
    story.keys("**") if story.counter.papers.last else story.keys("*")
    story.keys("#")
    assert [command.ticket.reference for command in story.did(Print)] == [""], "the summary first"
    story.printed()
    assert [command.ticket.reference for command in story.did(Print)] == ["", reference]


def test_without_a_printer_nothing_is_owed_for_ever() -> None:
    story = Story(replace(SHOP, printer=False)).account().free().waiting().paid()
    assert debt_state(story, story.sale.reference) is DebtState.PRESUMED
    assert not story.counter.papers.debts
    assert not story.did(Print)


def test_a_dead_printer_never_stops_a_sale() -> None:
    """L9."""
    for paper in Paper:
        story = Story().ready().printer(paper).waiting().printer(paper).paid()
        assert story.public == "paid"
        assert bool(story.did(Print)) == paper.usable


def test_the_printer_is_asked_now_and_then_in_idle() -> None:
    story = Story().ready().wait(100)
    assert 2 <= len(story.did(AskPrinter)) <= 5


def test_on_paid_the_copy_is_this_sales_or_none() -> None:
    """The last customer's ticket never comes out for this one."""
    story = paid().printed().wait(2).free()
    story.keys("1000#").free().placed().paid().print_failed(began=False)
    story.take()
    story.wait(2).keys("*")
    assert not story.did(Print)
    assert story.heard(Tune.REFUSED)
    story.printer(Paper.OK).printed()
    story.take()
    story.wait(2).keys("*")
    assert [command.ticket.reference for command in story.did(Print)] == [story.sale.reference]


def test_a_copy_comes_out_now_or_not_at_all() -> None:
    """Not hours later, when somebody loads paper."""
    story = paid().printed().wait(2).free().keys("#").printer(Paper.OUT)
    story.take()
    story.keys("*#")
    story.printer(Paper.OK)
    assert not story.did(Print)


def test_a_printer_that_spoils_one_paper_after_the_other_gets_no_more_by_itself() -> None:
    """It takes the ticket, then says that it is offline: three of them are enough."""
    story = paid()
    for _ in range(10):
        if story.jobs:
            story.print_failed(began=True, paper=Paper.OFFLINE)
        story.printer(Paper.OK)
    assert len(story.did(Print)) == 3
    assert story.counter.papers.debts


def test_a_debt_found_at_boot_waits_until_the_time_is_known() -> None:
    """R19: this machine's clock may have stood still for a night."""
    story = paid().print_failed(began=False)
    story.power_cut(off_s=1).printer(Paper.OK)
    assert not story.did(Print)
    story.account().free().printer(Paper.OK)
    assert len(story.did(Print)) == 1


def test_a_summary_that_failed_comes_before_the_old_tickets_all_the_same() -> None:
    """R19."""
    story = paid().print_failed(began=False)
    reference = story.sale.reference
    story.wait(2).free().keys("#").wait(700).printer(Paper.OK)
    story.take()
    story.keys("*#").print_failed(began=False)
    story.printer(Paper.OK).printed()
    assert [command.ticket.reference for command in story.did(Print)] == ["", "", reference]


# --- what the technician asks for -------------------------------------------------------------------------------------


def test_l3_a_last_ticket_that_is_owed_is_printed_as_the_debt_it_is() -> None:
    """After a start the newest ticket may be one that never came out: it is no copy, and is owed no more."""
    story = Story().ready().printer(Paper.OUT).waiting().paid().power_cut(off_s=700.0).account().free()
    story.printer(Paper.OK).wait(2).choose(MenuItem.REPRINT)
    [command] = story.did(Print)
    assert command.marks == ()
    story.printed()
    assert story.counter.papers.debts == ()
    story.take()
    story.choose(MenuItem.REPRINT)
    assert [copy.marks for copy in story.did(Print)] == [(Mark.COPY,)]


def ask(story: Story, number: int = 0, *slip: str) -> Asking:
    """He asks for the ticket of that sale, or for a slip; what he is told at once."""
    n = len(story.counter.papers.asked) + 1
    debt = next((debt for debt in story.journal.debts.values() if debt.number == number and debt.reference), None)
    story.take()
    story.feed(PaperAsked(n, number, debt, slip))
    return asked(story, n)


def asked(story: Story, n: int) -> Asking:
    """What he is told when he asks again."""
    asking = story.counter.papers.asking(n)
    assert asking is not None
    return asking


def test_any_ticket_comes_out_once_more_and_says_what_it_is() -> None:
    """L3, R21: a copy where the first is certainly out, else a possible duplicate; a slip's paper is another one's."""
    story = paid().printed().wait(2).free().keys("1000#").free().placed().paid().printed(sure=False).wait(2).free()
    for number, mark in ((1, Mark.COPY), (2, Mark.POSSIBLE_DUPLICATE)):
        asking = ask(story, number)
        [command] = story.did(Print)
        assert (command.ticket, command.marks) == (story.journal.debts[reference_of(story, number)].ticket, (mark,))
        assert asking.outcome is Outcome.PRINTING
        assert asking.what == f"the ticket of sale {number} as {mark.value.replace('-', ' ').upper()}"
        story.printed(sure=number == 1)
    assert [asked(story, n).outcome for n in (1, 2)] == [Outcome.PRINTED, Outcome.PRESUMED]
    assert "copy" in story.journal.log


def reference_of(story: Story, number: int) -> str:
    return next(sale.reference for sale in story.journal.sales.values() if sale.number == number)


def test_a_ticket_that_is_still_owed_is_printed_instead_of_copied() -> None:
    """L3: it is the original, once; asked for again it is a copy."""
    story = paid().print_failed(began=False).wait(2).free().keys("#").wait(700).printer(Paper.OK)
    assert not story.jobs, "an old debt waits to be asked for"
    asking = ask(story, 1)
    [command] = story.did(Print)
    assert command.marks == ()
    assert asking.what == "the ticket of sale 1, which was still owed"
    story.printed()
    assert debt_state(story, command.ticket.reference) is DebtState.PRINTED
    ask(story, 1)
    assert [command.marks for command in story.did(Print)] == [(Mark.COPY,)]


def test_an_owed_ticket_that_may_be_on_paper_already_says_so() -> None:
    story = paid()
    for _ in range(3):
        story.print_failed(began=True).printer(Paper.OK)
    assert ask(story, 1).what == "the ticket of sale 1, which was still owed, as POSSIBLE DUPLICATE"
    assert [command.marks for command in story.did(Print)] == [(Mark.POSSIBLE_DUPLICATE,)]


def test_what_the_machine_knows_of_a_ticket_counts_for_more_than_what_was_read() -> None:
    """The journal was read a moment before: the ticket came out meanwhile, or was never written as owed."""
    story = paid()
    stale = story.journal.debts[story.sale.reference]
    story.printed()
    story.feed(PaperAsked(1, 1, stale))
    assert [command.marks for command in story.jobs] == [(Mark.POSSIBLE_DUPLICATE,)]
    story = paid().print_failed(began=True)
    story.feed(PaperAsked(1, 1, None))
    assert asked(story, 1).why == "the printer: out"


def test_nothing_is_printed_while_a_sale_is_open() -> None:
    """R19; in each state from the first request to the last, and its twin when the sale is over."""
    story = paid().printed().wait(2).free().keys("1000#")
    for passage in (story.free, story.placed, lambda: story.keys("*#")):
        assert ask(story, 1) == Asking(len(story.counter.papers.asked), Outcome.REFUSED, why="busy: a sale is open")
        assert ask(story, 0, "a line").why == "busy: a sale is open"
        assert not story.did(Print)
        passage()
    story.seen().removed().free().seen().wait(3.1).seen()
    assert ask(story, 1).outcome is Outcome.PRINTING


def test_why_a_paper_cannot_come_out_is_said_at_once() -> None:
    story = paid()
    assert ask(story, 1).why == "busy: the printer is printing"
    story.printed()
    assert ask(story, 2).why == "there is no ticket of sale 2"
    story.printer(Paper.COVER)
    assert ask(story, 1).why == "the printer: cover"
    assert ask(story, 0, "a line").why == "the printer: cover"
    assert not story.did(Print)
    assert ask(Story().account().free(), 0, "a line").why == "the printer has not said yet how it is"
    without = Story(replace(SHOP, printer=False)).account().free()
    assert ask(without, 0, "a line").why == "no printer is configured"


def test_a_slip_is_owed_to_nobody_and_says_at_both_ends_that_it_is_no_receipt() -> None:
    """L1: whoever sends the lines, it is no ticket."""
    story = Story().ready()
    assert ask(story, 0, "PAGO", "R$ 25,00").what == "the slip"
    [command] = story.did(Print)
    texts = [line.text for line in command.ticket.lines]
    assert texts[0] == texts[-1] == "SERVIÇO - NÃO É COMPROVANTE"
    assert texts[2:-2] == ["PAGO", "R$ 25,00"]
    assert (command.ticket.reference, command.marks) == ("", ())
    assert not story.did(Save)
    story.print_failed(began=True)
    assert (asked(story, 1).outcome, asked(story, 1).why) == (Outcome.FAILED, "out")
    story.printer(Paper.OK)
    assert not story.jobs, "it is not tried again"


def test_a_slip_of_a_test_account_says_training() -> None:
    story = Story(replace(SHOP, training=True)).ready()
    ask(story, 0, "a line")
    assert [command.marks for command in story.did(Print)] == [(Mark.TRAINING,)]


def test_a_printer_that_hangs_fails_the_paper_and_its_late_word_counts() -> None:
    story = Story().ready()
    ask(story, 0, "a line")
    job = story.jobs.pop(0).job
    story.wait(41)
    assert asked(story, 1).outcome is Outcome.FAILED
    story.feed(Printed(job))
    assert asked(story, 1).outcome is Outcome.PRINTED


def test_only_the_last_ones_are_remembered() -> None:
    story = Story().ready()
    for n in range(1, ASKED_MAX + 3):
        story.feed(PaperAsked(n, 5))
    assert story.counter.papers.asking(2) is None
    assert len(story.counter.papers.asked) == ASKED_MAX
    assert story.counter.papers.asking(3) is not None


def test_a_copy_that_the_journal_cannot_note_says_that_it_may_be_a_duplicate() -> None:
    """R22."""
    story = paid().printed().wait(2).free()
    story.journal.fails = True
    ask(story, 1)
    assert [set(command.marks) for command in story.jobs] == [{Mark.COPY, Mark.POSSIBLE_DUPLICATE}]
