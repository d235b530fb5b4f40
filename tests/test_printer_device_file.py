"""The file transport: on plain files, and on a pseudo-terminal as a device that answers and can be unplugged."""

from __future__ import annotations

import os
import tempfile
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kiosk.printer.device_file import FileTransport
from kiosk.printer.transport import PrinterError
from kiosk.sale.events import Paper

NOBODY = 65534


@contextmanager
def device() -> Iterator[tuple[int, FileTransport]]:
    """The printer's end, and an open transport."""
    master, slave = os.openpty()
    tty.setraw(slave)
    transport = FileTransport(os.ttyname(slave))
    transport.open()
    os.close(slave)
    try:
        yield master, transport
    finally:
        transport.close()
        os.close(master)


def test_a_plain_file_keeps_every_ticket_and_is_never_an_answer(tmp_path: Path) -> None:
    paper = tmp_path / "paper"
    paper.write_bytes(b"\x12\x12")
    for ticket in (b"one", b"two"):
        transport = FileTransport(str(paper))
        transport.open()
        assert transport.read(64, 1) == b""
        assert transport.write(ticket, 1) == 3
        assert transport.flushed(1)
        transport.close()
    assert paper.read_bytes() == b"\x12\x12onetwo"


def test_a_missing_device_is_gone_and_not_created(tmp_path: Path) -> None:
    for path in (tmp_path / "lp0", tmp_path, Path("a\0b")):
        transport = FileTransport(str(path))
        with pytest.raises(PrinterError) as caught:
            transport.open()
        assert caught.value.paper is Paper.GONE
        transport.close()
    assert not (tmp_path / "lp0").exists()


def test_a_device_takes_bytes_and_answers() -> None:
    with device() as (printer, transport):
        assert transport.write(b"\x10\x04\x01", 1) == 3
        assert os.read(printer, 64) == b"\x10\x04\x01"
        os.write(printer, b"\x12")
        assert transport.read(64, 1) == b"\x12"
        assert transport.read(64, 0.01) == b""


def test_a_device_that_stalls_takes_no_more_and_is_not_done() -> None:
    with device() as (_, transport):
        taken = [transport.write(bytes(4096), 0.02)]
        while taken[-1]:
            taken.append(transport.write(bytes(4096), 0.02))
            assert len(taken) < 1000
        assert not transport.flushed(0.02)


def test_an_unplugged_device_is_an_error_never_silence() -> None:
    master, slave = os.openpty()
    transport = FileTransport(os.ttyname(slave))
    transport.open()
    os.close(slave)
    os.close(master)
    for call in (lambda: transport.read(64, 1), lambda: transport.write(b"x", 1), lambda: transport.flushed(1)):
        with pytest.raises(PrinterError) as caught:
            call()
        assert caught.value.paper is Paper.GONE
    transport.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become a user whom the device does not let read")
def test_a_device_that_may_only_be_written_has_no_answers() -> None:
    with tempfile.NamedTemporaryFile(dir="/tmp") as paper:
        os.chmod(paper.name, 0o222)
        os.seteuid(NOBODY)
        try:
            transport = FileTransport(paper.name)
            transport.open()
        finally:
            os.seteuid(0)
        assert transport.write(b"ticket", 1) == 6
        assert transport.read(64, 1) == b""
        transport.close()
        assert paper.read() == b"ticket"
