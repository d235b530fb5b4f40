"""One conversation: quick questions, counted chunks, limits, and what silence means."""

from __future__ import annotations

import pytest

from kiosk.printer.status import Question
from kiosk.printer.talk import CHUNK_S, JOB_S, TRIES, Talk
from kiosk.printer.transport import PrinterError
from kiosk.sale.events import Paper
from tests.printers import COVER_OPEN, ERROR, MUTE, NEAR_END, NO_PAPER, WELL, MemoryPrinter


def talk_with(printer: MemoryPrinter, answered: set[Question] | None = None) -> Talk:
    seen = set() if answered is None else answered
    return Talk(printer.connect(), seen, printer.time.clock, printer.time.sleep)


@pytest.mark.parametrize(
    ("answers", "paper"),
    [
        (WELL, Paper.OK),
        (NEAR_END, Paper.LOW),
        (NO_PAPER, Paper.OUT),
        (COVER_OPEN, Paper.COVER),
        (ERROR, Paper.OFFLINE),
        (MUTE, Paper.SILENT),
        ({1: b"\x12"}, Paper.OK),  # No paper sensor: it never answers question 4.
        ({1: b"\x14\x00\x00\x0f\x12", 4: b"\x14\x00\x00\x0f\x1e"}, Paper.LOW),  # with Automatic Status Back
    ],
)
def test_how_the_printer_is(answers: dict[int, bytes], paper: Paper) -> None:
    with talk_with(MemoryPrinter(answers)) as talk:
        assert talk.paper() is paper


def test_a_good_status_takes_one_question_of_each_kind() -> None:
    printer = MemoryPrinter()
    with talk_with(printer) as talk:
        talk.paper()
    assert printer.asked == [1, 4]
    assert printer.time.now == 1000.0


def test_a_question_that_is_not_answered_is_asked_again() -> None:
    printer = MemoryPrinter(dict(MUTE))

    def answer_the_third() -> None:
        if len(printer.asked) == 3:
            printer.answers = dict(WELL)

    printer.on_ask = answer_the_third
    with talk_with(printer) as talk:
        assert talk.paper() is Paper.OK


def test_silence_is_believed_after_four_quick_questions() -> None:
    printer = MemoryPrinter(dict(MUTE))
    with talk_with(printer) as talk:
        assert talk.paper() is Paper.SILENT
    assert printer.asked == [1] * TRIES
    assert printer.time.now <= 1001.0


@pytest.mark.parametrize("latency_s", [0.0, 0.2, 0.3, 0.6, 0.9])
def test_a_late_answer_is_not_taken_for_the_answer_to_the_next_question(latency_s: float) -> None:
    """Question 1 is asked again and answered twice: its second 0x12 must not say that there is paper."""
    with talk_with(MemoryPrinter({1: b"\x12", 4: b"\x7e"}, latency_s=latency_s)) as talk:
        assert talk.paper() is Paper.OUT


def test_what_it_said_before_it_was_asked_is_no_answer() -> None:
    """Each answer comes alone: an old 0x12 would shift them all by one question."""
    with talk_with(MemoryPrinter({1: b"\x12", 4: b"\x7e"}, stale=b"\x12")) as talk:
        assert talk.paper() is Paper.OUT


@pytest.mark.parametrize("question", [1, 4])
def test_a_printer_that_has_answered_and_falls_silent_is_at_fault(question: int) -> None:
    printer = MemoryPrinter()
    answered: set[Question] = set()
    with talk_with(printer, answered) as talk:
        assert talk.paper() is Paper.OK
    del printer.answers[question]
    with talk_with(printer, answered) as talk, pytest.raises(PrinterError, match="no longer answers") as caught:
        talk.paper()
    assert caught.value.paper is Paper.OFFLINE


def test_nonsense_of_one_that_never_answered_is_told_and_it_counts_as_one_that_cannot_report() -> None:
    answered: set[Question] = set()
    printer = MemoryPrinter({1: b"\xf8\x80"})
    with talk_with(printer, answered) as talk:
        assert talk.paper() is Paper.SILENT
        assert "f8 80" in talk.nonsense
        assert not talk.confirmed(1.0)
    assert not answered
    assert printer.asked == [1, 1]  # Asking on, one byte in sixteen would be taken for an answer.


def test_a_printer_that_answers_one_question_with_nonsense_is_believed_in_the_other() -> None:
    with talk_with(MemoryPrinter({1: b"\x12", 4: b"\xff"})) as talk:
        assert talk.paper() is Paper.OK
        assert "ff" in talk.nonsense


@pytest.mark.parametrize(("noises", "well"), [(1, True), (3, True), (4, False)])
def test_noise_on_the_line_of_one_that_has_answered_is_asked_over_until_it_stays(noises: int, well: bool) -> None:
    printer = MemoryPrinter()
    answered: set[Question] = set()
    with talk_with(printer, answered) as talk:
        talk.paper()
    printer.asked.clear()

    def noisy() -> None:
        printer.answers = {1: b"\xff", 4: b"\x12"} if len(printer.asked) <= noises else dict(WELL)

    printer.on_ask = noisy
    with talk_with(printer, answered) as talk:
        if well:
            assert talk.paper() is Paper.OK
        else:
            with pytest.raises(PrinterError, match="ff") as caught:
                talk.paper()
            assert caught.value.paper is Paper.OFFLINE


@pytest.mark.parametrize("most_taken", [1, 7, 4096])
@pytest.mark.parametrize("chunk", [64, 4096])
def test_bytes_arrive_in_order_however_they_are_taken(chunk: int, most_taken: int) -> None:
    printer = MemoryPrinter(chunk=chunk, most_taken=most_taken)
    data = bytes(range(32, 127)) * 50
    with talk_with(printer) as talk:
        talk.send(data)
        assert talk.began
    assert printer.taken == data


def test_a_printer_that_stops_taking_is_asked_why() -> None:
    printer = MemoryPrinter(dict(COVER_OPEN), stalls_at=100)
    with talk_with(printer) as talk, pytest.raises(PrinterError, match="at 100 of 9000") as caught:
        talk.send(bytes(9000))
    assert caught.value.paper is Paper.COVER
    assert printer.time.now < 1000 + 2 * CHUNK_S


@pytest.mark.parametrize("answers", [WELL, MUTE])
def test_a_printer_that_stops_taking_without_a_reason_is_offline(answers: dict[int, bytes]) -> None:
    with talk_with(MemoryPrinter(dict(answers), stalls_at=0)) as talk:
        with pytest.raises(PrinterError) as caught:
            talk.send(b"x")
        assert not talk.began
    assert caught.value.paper is Paper.OFFLINE


def test_bytes_that_never_leave_this_machine_are_not_sent() -> None:
    with talk_with(MemoryPrinter(lost=True)) as talk, pytest.raises(PrinterError, match="did not arrive"):
        talk.send(b"x")


def test_a_slow_printer_is_given_up_in_time_to_ask_how_it_is() -> None:
    """One byte a second is progress in every chunk, and still no ticket."""
    printer = MemoryPrinter(most_taken=1)
    printer.on_ask = None
    transport = printer.connect()
    talk = Talk(transport, set(), printer.time.clock, printer.time.sleep)
    take = transport._take

    def slowly(chunk: bytes, within_s: float) -> int:
        printer.time.now += 1
        return take(chunk, within_s)

    transport._take = slowly  # type: ignore[method-assign]  # this fake's own
    with talk, pytest.raises(PrinterError, match="stopped"):
        talk.send(bytes(1000))
    assert 15 < len(printer.taken) < JOB_S
    assert printer.time.now - 1000 <= JOB_S


def test_confirmed_only_while_every_look_at_the_paper_coming_out_is_good() -> None:
    printer = MemoryPrinter()
    with talk_with(printer) as talk:
        assert talk.confirmed(2.0)
    assert sum(printer.time.slept) == pytest.approx(2.0)
    assert printer.asked == [1, 4] * 6


def test_paper_that_ends_while_the_ticket_comes_out_is_seen() -> None:
    printer = MemoryPrinter()

    def run_out() -> None:
        if len(printer.asked) > 5:
            printer.answers = dict(NO_PAPER)

    printer.on_ask = run_out
    with talk_with(printer) as talk, pytest.raises(PrinterError) as caught:
        talk.confirmed(2.0)
    assert caught.value.paper is Paper.OUT


def test_low_paper_is_good_and_silence_is_not_sure() -> None:
    with talk_with(MemoryPrinter(dict(NEAR_END))) as talk:
        assert talk.confirmed(1.0)
    with talk_with(MemoryPrinter(dict(MUTE))) as talk:
        assert not talk.confirmed(1.0)


def test_the_looking_ends_with_the_job() -> None:
    printer = MemoryPrinter()
    with talk_with(printer) as talk:
        printer.time.now += JOB_S - 1
        assert talk.confirmed(60.0)
    assert printer.time.now - 1000 <= JOB_S + 0.5


def test_the_connection_is_closed_whatever_happened() -> None:
    printer = MemoryPrinter(refuses=True)
    with pytest.raises(PrinterError), talk_with(printer):
        pytest.fail("it was refused")
    assert printer.closed == 1
    printer = MemoryPrinter()
    with pytest.raises(PrinterError), talk_with(printer):
        raise PrinterError(Paper.GONE, "broken")
    assert printer.closed == 1
