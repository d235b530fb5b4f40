"""Targets: printer, keypad, control socket."""

from __future__ import annotations

import json
import re
import socket
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Final

from kiosk.control import MAX_LINE, ControlServer
from kiosk.keypad.scan import HELD_S, STUCK_S, Blind, Cell, Cells, Event, Held, Pad, Pressed, Sample, Stuck, observe
from kiosk.notifications.words import StrangeError, read
from kiosk.printer import status
from kiosk.printer.status import NonsenseError, Question
from kiosk.printer.talk import JOB_S, Talk
from kiosk.printer.transport import PrinterError
from kiosk.sale.events import Paper
from tests.fuzz.claims import must
from tests.printers import FakeTime

# --- printer ----------------------------------------------------------------------------------------------------------


class _Babbler:
    """A printer that says what the input holds, piece by piece, whatever it is asked."""

    chunk = 64

    def __init__(self, data: bytes, time: FakeTime) -> None:
        self._data = data
        self._time = time
        self.heard: dict[int, bytes] = {}
        """What was read after the last question of each kind (its number)."""
        self._asked = 0
        self._anew = True

    def open(self) -> None:
        """It is there."""

    def write(self, chunk: bytes, within_s: float) -> int:
        """All is taken; questions are noted."""
        if chunk[:2] == b"\x10\x04":
            self._asked = chunk[2]
            self.heard[self._asked] = b"" if self._anew else self.heard.get(self._asked, b"")
            self._anew = False
        return len(chunk)

    def flushed(self, within_s: float) -> bool:
        """All of it has left."""
        return True

    def read(self, limit: int, within_s: float) -> bytes:
        """A piece: a byte that says how long it is, then so many bytes."""
        if not within_s:  # old answers would be thrown away; it has none
            self._anew = True
            return b""
        length = min(self._data[0] % 8, limit) if self._data else 0
        piece, self._data = self._data[1 : 1 + length], self._data[1 + length :]
        if not piece:
            self._time.sleep(within_s)
        self.heard[self._asked] = self.heard.get(self._asked, b"") + piece
        return piece

    def close(self) -> None:
        """Nothing to let go."""


def printer_says(data: bytes) -> None:
    """Status bytes: understood or nonsense, never "all is well" where the last answer says otherwise."""
    with suppress(NonsenseError):
        found = status.answers(data)
        must(all(byte & 0b1001_0011 == 0b0001_0010 for byte in found), f"{found} are no answers")
        must(_is_within(bytes(found), data), f"{found} was never said: {data!r}")
        plain = bytes(byte for byte in data if byte & 0b1001_0011 == 0b0001_0010)
        must(status.answers(plain) == list(plain), f"answers alone are lost: {plain!r}")
    for byte in data[:3]:
        for answer in (status.paper_online(byte), status.paper_offline(byte, None), status.paper_offline(None, byte)):
            must(isinstance(answer, Paper), f"no paper: {answer}")
        must(byte & 0x60 == 0 or not status.paper_online(byte).usable, f"no paper is usable: {byte:08b}")
        must(byte & 0x28 == 0 or not status.online(byte), f"offline prints: {byte:08b}")
    _talked(data)


def _is_within(found: bytes, data: bytes) -> bool:
    left = iter(data)
    return all(byte in left for byte in found)


def _talked(data: bytes) -> None:
    """A whole conversation: printed for sure only by good last answers, and always within its time."""
    time = FakeTime()
    babbler = _Babbler(data, time)
    start = time.now
    try:
        with Talk(babbler, set(), time.clock, time.sleep) as talk:
            talk.send(b"ticket")
            sure = talk.confirmed(2.0)
    except PrinterError as error:
        must(not error.paper.usable, f"an error that says {error.paper}")
    else:
        if sure:
            printer = _last_answer(babbler.heard.get(Question.PRINTER, b""))
            paper = _last_answer(babbler.heard.get(Question.PAPER, b""))
            must(printer is not None and not printer & 0x28, f"R21: printed, says {babbler.heard}")
            must(paper is None or not paper & 0x60, f"R21: printed without paper, says {babbler.heard}")
    must(time.now - start <= JOB_S + 1.0, f"it took {time.now - start} s")


def _last_answer(heard: bytes) -> int | None:
    return next((byte for byte in reversed(heard) if byte & 0b1001_0011 == 0b0001_0010), None)


# --- keypad -----------------------------------------------------------------------------------------------------------

ROWS: Final = 4
COLUMNS: Final = 4
_PAUSES_S: Final = (0.010, 0.010, 0.010, 0.011, 0.020, 0.5, 1.0, 31.0)
_EVERY: Final = tuple(product(range(ROWS), range(COLUMNS)))


class _Cell:
    """A second opinion on one key: it changes when three readings in a row say so; what is doubtful says nothing."""

    def __init__(self) -> None:
        self.down = False
        self.said = 0
        self._row: list[tuple[bool, float]] = []
        self._since = 0.0

    def read(self, closed: bool | None, now: float) -> list[type[Pressed | Held | Stuck]]:
        """What is news after one more reading (None: doubtful)."""
        if closed is None or closed is self.down:
            self._row = []
        else:
            self._row.append((closed, now))
            if len(self._row) == 3:
                self.down, self._since, self._row, self.said = closed, self._row[0][1], [], 0
        if not self.down or closed is not True:  # nothing is said of a key while it is not seen
            return []
        level = 1 + (now - self._since >= HELD_S) + (now - self._since >= STUCK_S)
        news: list[type[Pressed | Held | Stuck]] = [Pressed, Held, Stuck]
        self.said, before = max(level, self.said), self.said
        return news[before : self.said]


@lru_cache(maxsize=4096)
def _seen_through(pressed: Cells) -> dict[Cell, bool | None]:
    """How a matrix without diodes reads: current flows through every closed contact on its way (None: doubtful)."""
    read: dict[Cell, bool | None] = {}
    for row, column in _EVERY:
        rows, columns = {row}, set[int]()
        while True:
            more_columns = {c for r, c in pressed if r in rows} | columns
            more_rows = {r for r, c in pressed if c in more_columns} | rows
            if (more_rows, more_columns) == (rows, columns):
                break
            rows, columns = more_rows, more_columns
        closed = column in columns
        read[row, column] = None if closed and len(rows) > 1 and len(columns) > 1 else closed
    return read


def _samples(data: bytes) -> Iterator[tuple[Cells, Cells, float]]:
    """Contacts truly closed, cells that could not be read, seconds since the last sample."""
    for at in range(0, len(data) - 2, 3):
        bits = data[at] | data[at + 1] << 8
        pressed = frozenset(cell for number, cell in enumerate(_EVERY) if bits >> number & 1)
        shorted = data[at + 2] >> 3
        unknown = frozenset((row, column) for row, column in _EVERY if shorted & 16 and shorted >> column & 1)
        yield pressed, unknown, _PAUSES_S[data[at + 2] & 7]


def keypad_samples(data: bytes) -> None:
    """Samples of the matrix: no ghost, no key twice, no stable press lost, against a second opinion and the truth."""
    pad, now, cells = Pad(), 100.0, {cell: _Cell() for cell in _EVERY}
    since: dict[int, float] = {}
    blind: set[int] = set()
    for pressed, unknown, pause_s in _samples(data):
        now += pause_s
        read = _readings(pressed, unknown)
        closed = frozenset(cell for cell in _EVERY if _flows(cell, pressed) and cell not in unknown)
        pad, news = observe(pad, Sample(closed, unknown), now)
        expected: list[Event] = [kind(cell) for cell in _EVERY for kind in cells[cell].read(read[cell], now)]
        since = {column: since.get(column, now) for _, column in unknown}
        told = {column for column, at in since.items() if now - at >= STUCK_S}
        expected += [Blind(column) for column in sorted(told - blind)]
        blind = told
        must(list(news) == expected, f"{news} instead of {expected}")
        ghosts = [each.cell for each in news if isinstance(each, Pressed) and each.cell not in pressed]
        must(not ghosts, f"keys that nobody pressed: {ghosts}")


def _readings(pressed: Cells, unknown: Cells) -> dict[Cell, bool | None]:
    """What each key's reading is worth: a column that cannot be read may join rows behind everybody's back."""
    read = _seen_through(pressed) | dict.fromkeys(unknown)
    for column in range(COLUMNS):
        rows = [row for row in range(ROWS) if (row, column) not in unknown and _flows((row, column), pressed)]
        if unknown and len(rows) > 1:
            read |= {(row, column): None for row in rows}
    return read


def _flows(cell: Cell, pressed: Cells) -> bool:
    return _seen_through(pressed)[cell] is not False


# --- control socket ---------------------------------------------------------------------------------------------------

_servers: list[tuple[ControlServer, tempfile.TemporaryDirectory[str]]] = []


def control_request(data: bytes) -> None:
    """What arrives on the control socket: the request as any reader of JSON reads it, or an error in one line."""
    if not _servers:
        folder = tempfile.TemporaryDirectory()
        _servers.append((ControlServer(Path(folder.name) / "control", lambda request: {"heard": request}), folder))
    answer = json.loads(_answer_to(data, _servers[0][0].path) or b"null")
    line, end, _ = data.partition(b"\n")
    if not data:
        must(answer is None, f"an answer to nothing: {answer}")
    elif not end or len(line) > MAX_LINE:
        must(set(answer) == {"error"}, f"a line without end was answered: {answer}")
    else:
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict):
            must(json.dumps(answer) == json.dumps({"heard": value}), f"{line!r} was heard as {answer}")
        else:
            must(set(answer) == {"error"}, f"{line!r} was answered: {answer}")


def _answer_to(data: bytes, path: Path) -> bytes:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(10.0)
        client.connect(str(path))
        with suppress(OSError):  # it may have heard enough
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
        answer = b""
        with suppress(ConnectionResetError):  # it closed with some of the request unread
            while piece := client.recv(65536):
                answer += piece
    return answer


def hang_up() -> None:
    """End the server's thread."""
    while _servers:
        server, folder = _servers.pop()
        server.close()
        folder.cleanup()


def notice_heard(data: bytes) -> None:
    """A notification: its query, a line end, its body. Refused, or ids of digits and references, and nothing else."""
    query, _, body = data.partition(b"\n")
    for sent in ((query, body), (b"", body), (query, b"")):
        try:
            named = read(*sent)
        except StrangeError:
            continue
        ids = (*named.orders, *named.payments)
        must(all(re.fullmatch("[0-9]{1,20}", id_, re.ASCII) is not None for id_ in ids), f"no id: {ids}")
        must(all(re.fullmatch("[A-Za-z0-9_-]{1,64}", name, re.ASCII) for name in named.references), f"{named}")
        must(len(ids) + len(named.references) <= 2, f"too much: {named}")
