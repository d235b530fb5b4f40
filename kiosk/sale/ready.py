"""Ready to sell: what is not well, in words a cashier can pass on. One list for the panel, the status and the check."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kiosk.sale.events import Ill, Paper
from kiosk.sale.words import Words

if TYPE_CHECKING:
    from kiosk.sale.counter import Counter


def faults(counter: Counter, words: Words) -> tuple[str, ...]:
    """Everything that is not well, what stops sales first; empty: all is well. In a quiet moment, as in the menu."""
    return tuple(dict.fromkeys(fault for fault in _faults(counter, words) if fault))


def why_blocked(counter: Counter, words: Words) -> str:
    """Why no sale can be made."""
    return next(iter(_stopping(counter, words)), words.proving)


def trouble(counter: Counter, words: Words) -> str:
    """Why the provider does not answer, or what it refuses; empty where all is well."""
    health = counter.health
    if health.trouble:
        return words.troubles[health.trouble]
    return words.rejects[health.reject] if health.reject else ""


def keypad(counter: Counter, words: Words) -> str:
    """What is wrong with the keypad, the worst first; empty where nothing is."""
    found = counter.health.keypad or ()
    for ill, text in ((Ill.DEAD, words.keypad_dead), (Ill.DEAF, words.keys_deaf)):
        if any(fault.ill is ill for fault in found):
            return text
    stuck = " ".join(fault.key for fault in found)
    return words.key_stuck.format(key=stuck) if stuck else ""


def paper_left(counter: Counter, words: Words) -> str:
    """For how many tickets there is paper, once that is worth saying."""
    reel = counter.papers.reel
    if reel.tickets_left is None or not reel.runs_low:
        return ""
    return words.paper_left.format(count=reel.tickets_left) if reel.tickets_left else words.papers[Paper.LOW]


def obligations(counter: Counter, words: Words) -> Iterator[str]:
    """What waits for a person."""
    if counter.disputes:
        yield words.disputed_count.format(count=len(counter.disputes))
    if tickets := len(counter.papers.debts):
        yield words.owed_count.format(count=tickets)
    if counter.health.set_aside:
        yield words.set_aside


def _stopping(counter: Counter, words: Words) -> Iterator[str]:
    """What stops new sales."""
    health, shop = counter.health, counter.shop
    if not health.journal:
        yield words.journal
    if health.wrong_account:
        yield words.wrong_account
    if not counter.proof.free:
        yield trouble(counter, words) or words.proving
    if shop.printer_required and health.paper and not health.paper.usable:
        yield words.papers[health.paper]
    if shop.display_required and health.panel:
        yield words.no_display


def _faults(counter: Counter, words: Words) -> Iterator[str]:
    yield from _stopping(counter, words)
    yield trouble(counter, words)
    paper = counter.health.paper
    if counter.shop.printer and paper and (not paper.usable or paper is Paper.LOW):
        yield words.papers[paper]
    yield paper_left(counter, words)
    if counter.health.panel:
        yield words.no_display
    yield keypad(counter, words)
    yield from obligations(counter, words)
