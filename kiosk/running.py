"""What is asked of the running kiosk: how it is, whether somebody is being served, whether its configuration is new;
what its keypad sends; and to print something."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TextIO

from kiosk.config import Config, masked
from kiosk.control import ask
from kiosk.sale.paper import Outcome

AT_REST: Final = frozenset({"blocked", "idle", "notice"})
"""States in which no order can be open and nobody types (the design, section 9): a restart disturbs no customer."""
POLL_S: Final = 1.0
PAPER_POLL_S: Final = 0.3
PRINT_S: Final = 45.0
"""Longer than the machine waits for a printer."""

NOBODY: Final = (FileNotFoundError, ConnectionRefusedError)
"""What it is called when no kiosk answers on the control socket."""

Status = Mapping[str, Any]


def status(control: Path) -> Status | None:
    """What the kiosk on that control socket says of itself; None: none runs.

    Raises:
        OSError, ValueError: one is there, and does not answer.
    """
    try:
        return _answered(control, {"command": "status"})
    except NOBODY:
        return None


def serves(status: Status) -> bool:
    """Whether somebody would be disturbed by a restart.

    PAID stays on the screen until a key is pressed, for hours perhaps: there it is the ticket that counts. One that
    cannot be printed now is owed by the next start, too; one that may just be coming out is waited for.
    """
    match status["state"]:
        case "paid":
            return any(debt["state"] == "printing" for debt in status["obligations"]["debts"])
        case "starting":  # an order found at the start is in front again
            return status["sale"] is not None
        case state:
            return state not in AT_REST


def wait_until_nobody_is_served(
    ask_status: Callable[[], Status | None], within_s: float, pause: Callable[[float], object], out: TextIO
) -> bool:
    """Ask again and again, at most ``within_s`` seconds; answers whether nobody is served now, or nothing runs."""
    left_s, told = within_s, ""
    while (now := ask_status()) is not None and serves(now):
        if left_s <= 0:
            return False
        if told != (told := f"waiting: the kiosk is {now['state']}"):
            out.write(f"{told}\n")
            out.flush()
        pause(POLL_S)
        left_s -= POLL_S
    return True


def line(status: Status) -> str:
    """One line for people."""
    owed, disputed = (len(status["obligations"][name]) for name in ("debts", "disputes"))
    sale, left = status["sale"], status["health"].get("tickets_left")
    parts = [
        str(status["state"]),
        *([f"sale {sale['number']}"] if sale else []),
        *(str(fault) for device in ("display", "keypad", "sound") for fault in status["health"].get(device) or ()),
        *([f"papers owed: {owed}"] if owed else []),
        *([f"payments to settle: {disputed}"] if disputed else []),
        *([_notifications(heard)] if "listen" in (heard := status["health"].get("notifications") or {}) else []),
        *([f"paper for about {left} tickets"] if left is not None else []),
    ]
    return ", ".join(parts)


def _notifications(facts: Mapping[str, Any]) -> str:
    """Where they are heard, how many were, and what was not let in; or why they are not heard."""
    if facts["why"]:
        return f"no notifications at {facts['listen']}: {facts['why']}"
    refused = sum(count for name, count in facts.items() if name.isdigit())
    return f"notifications: {facts.get('heard', 0)}" + (f" ({refused} refused)" if refused else "")


def changed(in_force: str, config: Config) -> list[str]:
    """The settings, as ``[table] key``, that a restart would change; ``in_force``: as the running kiosk tells them."""
    old, new = tomllib.loads(in_force), tomllib.loads(masked(config))
    return [
        f"[{table}] {key}" for table, keys in new.items() for key in keys if keys[key] != old.get(table, {}).get(key)
    ]


# --- what it is asked to do -------------------------------------------------------------------------------------------


def printed(control: Path, request: dict[str, object], pause: Callable[[float], object]) -> tuple[bool, str]:
    """Have it print something; whether that came out as far as can be known, and in words.

    Raises:
        FileNotFoundError, ConnectionRefusedError: no kiosk runs there, and nothing was asked of it.
        OSError, ValueError: it does not answer, or does not understand, or ended meanwhile.
    """
    answer = _answered(control, request)
    ask_again: dict[str, object] = {"command": "paper", "ask": answer.get("ask")}
    left_s = PRINT_S
    while answer.get("outcome") == Outcome.PRINTING.value and left_s > 0:
        pause(PAPER_POLL_S)
        left_s -= PAPER_POLL_S
        try:
            answer = _answered(control, ask_again)
        except OSError as error:
            # Whoever asked must not take it for a kiosk that was never there, and print it himself.
            what = answer.get("what")
            raise ValueError(f"it ended, or does not answer: not known whether {what} was printed") from error
    return outcome_in_words(Outcome(answer["outcome"]), str(answer.get("what")), str(answer.get("why")))


def outcome_in_words(outcome: Outcome, what: str, why: str) -> tuple[bool, str]:
    """Whether a paper came out as far as can be known; and in words: ``what`` was to be printed, ``why`` it was not."""
    match outcome:
        case Outcome.PRINTED:
            return True, f"printed: {what}"
        case Outcome.PRESUMED:
            return True, f"printed, as far as this printer tells: {what}"
        case Outcome.PRINTING:
            return False, f"not known whether it was printed: {what}"
        case Outcome.FAILED:
            return False, f"not printed, or not whole: {what}: {why}"
        case Outcome.REFUSED:
            return False, f"not printed: {why}"


def keys(control: Path, after: int | None) -> tuple[list[str], int]:
    """The keys that arrived after that one, each as a line for people, and the last one's number; None: from now on.

    Raises:
        OSError, ValueError: as ``printed``.
    """
    answer = _answered(control, {"command": "keys", "after": after})
    found, last = answer.get("keys"), answer.get("last")
    if not isinstance(found, list) or not isinstance(last, int):
        raise ValueError("it does not tell its keys")
    return [key_line(str(key["key"]), held=bool(key["held"])) for key in found], last


def key_line(key: str, *, held: bool) -> str:
    """A key as ``kiosk keys`` shows it."""
    return f"{key}{'  held' if held else ''}"


def _answered(control: Path, request: dict[str, object]) -> dict[str, Any]:
    answer = ask(control, request)
    if "error" in answer:
        raise ValueError(answer["error"])
    return answer
