"""Status bytes, against the tables of Epson's reference for DLE EOT."""

from __future__ import annotations

import pytest

from kiosk.printer.status import NonsenseError, Question, answers, online, paper_offline, paper_online
from kiosk.sale.events import Paper


def test_the_requests_are_real_time_commands() -> None:
    assert [question.request for question in Question] == [b"\x10\x04\x01", b"\x10\x04\x02", b"\x10\x04\x04"]


def test_exactly_the_bytes_with_the_fixed_bits_are_answers() -> None:
    fixed = {byte for byte in range(256) if byte & 1 == 0 and byte & 2 and byte & 16 and byte < 128}
    found = set()
    for byte in range(256):
        try:
            found.update(answers(bytes([byte])))
        except NonsenseError:
            continue
    assert found == fixed


@pytest.mark.parametrize(
    ("heard", "found"),
    [
        (b"", []),
        (b"\x12", [0x12]),
        (b"\x16\x7e", [0x16, 0x7E]),
        (b"\x11\x12\x13", [0x12]),  # XON and XOFF around it
        (b"\x14\x00\x00\x0f\x12", [0x12]),  # a whole Automatic Status Back block before it
        (b"\x12\x14\x00\x00", [0x12]),  # one that has not come whole
    ],
)
def test_answers_are_told_from_what_a_printer_says_unasked(heard: bytes, found: list[int]) -> None:
    assert answers(heard) == found


@pytest.mark.parametrize(
    "heard", [b"\x00", b"\xff", b"\x92", b"HTTP/1.1 400", b"\x10\x04\x01\x10\x04\x01", b"\x12\x80"]
)
def test_everything_else_is_nonsense_and_named(heard: bytes) -> None:
    with pytest.raises(NonsenseError, match=heard.hex(" ")):
        answers(heard)


@pytest.mark.parametrize(
    ("byte", "is_online"), [(0x12, True), (0x16, True), (0x1A, False), (0x32, False), (0x52, True)]
)
def test_online(byte: int, is_online: bool) -> None:
    assert online(byte) is is_online


@pytest.mark.parametrize(
    ("byte", "paper"),
    [
        (None, Paper.OK),
        (0x12, Paper.OK),
        (0x1E, Paper.LOW),
        (0x16, Paper.LOW),
        (0x1A, Paper.LOW),
        (0x72, Paper.OUT),
        (0x7E, Paper.OUT),
        (0x32, Paper.OUT),
        (0x52, Paper.OUT),
    ],
)
def test_paper_of_a_printer_that_is_online(byte: int | None, paper: Paper) -> None:
    assert paper_online(byte) is paper


@pytest.mark.parametrize(
    ("cause", "sensor", "paper"),
    [
        (0x16, 0x7E, Paper.COVER),
        (0x36, 0x7E, Paper.COVER),
        (0x32, None, Paper.OUT),
        (None, 0x7E, Paper.OUT),
        (0x12, 0x72, Paper.OUT),
        (0x52, 0x12, Paper.OFFLINE),
        (0x1A, 0x1E, Paper.OFFLINE),
        (None, None, Paper.OFFLINE),
    ],
)
def test_why_a_printer_is_offline(cause: int | None, sensor: int | None, paper: Paper) -> None:
    assert paper_offline(cause, sensor) is paper
