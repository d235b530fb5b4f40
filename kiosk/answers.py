"""What the running kiosk answers on its control socket.

One object a request, one object an answer. What takes longer than an answer may (a print) is begun by one request and
asked for by others: a client that waits holds nobody up.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Final

from kiosk.config import Config, masked
from kiosk.journal import Reader
from kiosk.loop import Loop
from kiosk.ports import JournalError
from kiosk.sale.counter import Counter
from kiosk.sale.days import CloseAsked
from kiosk.sale.events import Key, PaperAsked, SettleAsked
from kiosk.sale.records import SETTLED, Debt
from kiosk.sale.states import Resting

if TYPE_CHECKING:
    from kiosk.notifications import Listener

KEYS_MAX: Final = 64
"""Keys that are remembered for whoever watches: more than anybody presses between two questions."""
SLIP_LINES_MAX: Final = 200
SLIP_LINE_MAX: Final = 200
COMMANDS: Final = "status, config, keys, reprint, slip, paper, close and settle"
NAME_MAX: Final = 24

NUMBER_MAX: Final = 2**63 - 1
"""SQLite's largest."""

Values = dict[str, object]


class KeyTap:
    """Hands on what the keypad's thread says, and remembers the last keys with their numbers for whoever watches."""

    def __init__(self, post: Callable[[object], None]) -> None:
        self._post = post
        self._lock = threading.Lock()
        self._keys: deque[tuple[int, Key]] = deque(maxlen=KEYS_MAX)
        self._last = 0

    def __call__(self, word: object) -> None:
        """A key, or how the keypad is: it goes on."""
        if isinstance(word, Key):
            with self._lock:
                self._last += 1
                self._keys.append((self._last, word))
        self._post(word)

    def after(self, number: int | None) -> Values:
        """The keys after that one, and the last one's number; None: no keys, from now on."""
        with self._lock:
            seen = [key for at, key in self._keys if number is not None and at > number]
            return {"keys": [{"key": key.key, "held": key.held} for key in seen], "last": self._last}


class Answers:
    """The control server's ``answer``. Called by its thread alone; ``post`` puts an event into the loop's inbox."""

    def __init__(
        self,
        loop: Loop,
        config: Config,
        keys: KeyTap,
        post: Callable[[object], None],
        listener: Listener | None = None,
    ) -> None:
        self._listener = listener
        self._loop = loop
        self._config = config
        self._keys = keys
        self._post = post
        self._asks = count(1)

    def __call__(self, request: Values) -> Values:
        """The answer to a request.

        Raises:
            ValueError: it is none that this kiosk knows.
            TimeoutError: the loop does not answer.
        """
        match request:
            case {"command": "status"}:
                return self._status()
            case {"command": "config"}:
                return {"config": masked(self._config)}
            case {"command": "keys"}:
                after = request.get("after")
                return self._keys.after(after if isinstance(after, int) else None)
            case {"command": "reprint", "number": int(number)} if 0 < number <= NUMBER_MAX:
                return self._ask_for(PaperAsked(next(self._asks), number, self._ticket(number)))
            case {"command": "reprint", "z": int(number)} if 0 < number <= NUMBER_MAX:
                return self._ask_for(PaperAsked(next(self._asks), debt=self._paper_of_z(number)))
            case {"command": "close"}:
                return self._close()
            case {"command": "settle", "payment": str(payment), "word": str(word), "by": str(by)}:
                return self._settle(payment, word, by)
            case {"command": "slip", "lines": list(lines)}:
                return self._ask_for(PaperAsked(next(self._asks), slip=_slip(lines)))
            case {"command": "paper", "ask": int(ask)}:
                return self._what_became_of(ask)
            case _:
                raise ValueError(f"unknown command {request.get('command')!r}: this kiosk knows {COMMANDS}")

    def _status(self) -> Values:
        """The counter's, and what the listener counts, which the loop does not know."""
        status = self._loop.status()
        health = status["health"]
        if self._listener is None or not isinstance(health, dict):
            return status
        return {**status, "health": {**health, "notifications": {**health["notifications"], **self._listener.facts()}}}

    def _ticket(self, number: int) -> Debt | None:
        """What the machine knows better, it takes from itself."""
        return self._read(lambda reader: reader.ticket(number))

    def _paper_of_z(self, number: int) -> Debt:
        paper = self._read(lambda reader: reader.paper(f"z:{number}"))
        if paper is None:
            raise ValueError(f"there is no Z {number}")
        return paper

    def _read(self, find: Callable[[Reader], Debt | None]) -> Debt | None:
        """Beside the loop: a slow card holds up no sale."""
        try:
            with Reader(self._config.journal) as reader:
                return find(reader)
        except JournalError as error:
            raise ValueError(str(error)) from error

    def _close(self) -> Values:
        """What was posted has been taken, and its Z written, when the loop answers."""
        before = self._loop.ask(lambda counter: counter.closed)
        self._post(CloseAsked())
        after, why = self._loop.ask(lambda counter: (counter.closed, why_not_closed(counter)))
        if after is None or after == before:
            raise ValueError(why)
        return {"closed": after.number}

    def _settle(self, payment: str, word: str, by: str) -> Values:
        """What was posted has been taken, and written, when the loop answers."""
        if word not in SETTLED or not 0 < len(by) <= NAME_MAX or not by.isprintable():
            raise ValueError(f"it is {' or '.join(SETTLED)}, by a name of 1 to {NAME_MAX} letters")
        if not self._loop.ask(lambda counter: is_disputed(counter, payment)):
            raise ValueError(f"no money to settle came by payment {payment}; kiosk settle lists what is open")
        self._post(SettleAsked(payment, word, by))
        disputed, why = self._loop.ask(lambda counter: (is_disputed(counter, payment), why_not_settled(counter)))
        if disputed:
            raise ValueError(why)
        return {"settled": payment}

    def _ask_for(self, event: PaperAsked) -> Values:
        self._post(event)
        return {"ask": event.ask, **self._what_became_of(event.ask)}

    def _what_became_of(self, ask: int) -> Values:
        asking = self._loop.ask(lambda counter: counter.papers.asking(ask))
        if asking is None:
            raise ValueError(f"nobody knows of a paper {ask}")
        return {"outcome": asking.outcome.value, "what": asking.what, "why": asking.why}


def _slip(lines: list[object]) -> tuple[str, ...]:
    """The lines of a slip.

    Raises:
        ValueError: they are no texts, or too much for one paper.
    """
    texts = tuple(line for line in lines if isinstance(line, str) and len(line) <= SLIP_LINE_MAX)
    if not 0 < len(texts) <= SLIP_LINES_MAX or len(texts) != len(lines):
        raise ValueError(f"a slip has 1 to {SLIP_LINES_MAX} lines of at most {SLIP_LINE_MAX} letters")
    return texts


def why_not_closed(counter: Counter) -> str:
    """Why the day could not be closed a moment ago, for the technician."""
    if not isinstance(counter.state, Resting):
        return "busy: a sale is open"
    if not counter.health.journal:
        return "the journal cannot be written"
    return "the kiosk is stopping" if counter.stop_by is not None else "the journal cannot be read"


def is_disputed(counter: Counter, payment: str) -> bool:
    """Whether money of that payment is to settle."""
    return any(dispute.payment == payment for dispute in counter.disputes)


def why_not_settled(counter: Counter) -> str:
    """Why nothing was settled a moment ago, for the technician."""
    if not counter.health.journal:
        return "the journal cannot be written"
    return "the kiosk is stopping" if counter.stop_by is not None else "not now: try again when nobody is served"
