"""What the cashier reads: words and icons, no pixels. ``screen`` is a pure function of the counter."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import assert_never

from kiosk.sale import recent
from kiosk.sale.basket import ITEMS_MAX, TIMES_MAX, Basket, Choosing, Function
from kiosk.sale.counter import Counter
from kiosk.sale.days import DayShown, DayStep
from kiosk.sale.desk_screens import desk_lines
from kiosk.sale.events import Paper, Trouble
from kiosk.sale.giving import Giving, Inquiring, Picking, Settling, Signing, Sizing
from kiosk.sale.paper import can_copy
from kiosk.sale.ready import faults, keypad, obligations, paper_left, trouble, why_blocked
from kiosk.sale.records import Sale
from kiosk.sale.states import (
    Adopting,
    Blocked,
    Checking,
    Clearing,
    Confirming,
    Entering,
    Found,
    Guarding,
    Hint,
    Idle,
    Menu,
    MenuItem,
    Notice,
    Paid,
    Part,
    Placing,
    Recent,
    Starting,
    Waiting,
    Withdrawing,
)
from kiosk.sale.ticket import clock_time, short_time
from kiosk.sale.words import Down, Words, words_of


class Icon(Enum):
    """Small signs in the corner: something is not as it should be."""

    NETWORK = "network"
    PRINTER = "printer"
    PAPER = "paper"
    CLOCK = "clock"
    JOURNAL = "journal"
    KEYPAD = "keypad"
    DEBT = "debt"
    """Papers are owed."""
    MONEY = "money"
    """Money is to be settled."""


@dataclass(frozen=True, slots=True)
class Screen:
    """One picture. The display fits it to its size and counts its seconds by itself."""

    head: str
    """One short line: what is going on."""
    big: str = ""
    """The amount, or the one word that matters: readable from a metre."""
    text: str = ""
    """What to know or do, one or two short lines."""
    footer: str = ""
    """What the function keys do now."""
    icons: tuple[Icon, ...] = ()
    ends_at: float | None = None
    """Monotonic time at which the customer's time is up: shown as seconds left, beside..."""
    answered_at: float | None = None
    """...the seconds since the provider last answered: waiting and being blind look different."""
    loud: bool = False
    """Drawn light on dark reversed: PAID, alarms."""


def screen(counter: Counter, mono: float) -> Screen:
    """The picture for the counter as it is now (``mono``: monotonic seconds)."""
    picture = _picture(counter, words_of(counter.shop.language), mono)
    return replace(picture, icons=icons(counter))


def starting(language: str) -> Screen:
    """What stands on the panel while the program starts."""
    words = words_of(language)
    return Screen(words.starting, "...", words.proving)


def not_running(language: str, why: Down) -> Screen:
    """What stands on the panel while no kiosk runs."""
    told = words_of(language).down[why]
    return Screen(told.head, told.big, told.text)


def lines(picture: Screen) -> list[str]:
    """The screen as text, for a status and for tests."""
    icons = " ".join(f"[{icon.value}]" for icon in picture.icons)
    return [line for line in (picture.head, picture.big, picture.text, picture.footer, icons) if line]


def _amount(counter: Counter, cents: int) -> str:
    return counter.shop.site.currency.text(cents)


def _picture(counter: Counter, words: Words, mono: float) -> Screen:
    state = counter.state
    match state:
        case Starting():
            return starting(counter.shop.language)
        case Adopting(sale=sale):
            return Screen(words.resuming, _amount(counter, sale.cents), _why_blind(counter, sale, words))
        case Blocked():
            return Screen(words.not_ready, words.not_ready, why_blocked(counter, words), _owed(counter, words))
        case Idle():
            return _idle(counter, state, words)
        case Menu():
            return _menu(counter, state, words)
        case Recent():
            return _recent(counter, state, words, mono)
        case DayShown():
            return _day(counter, state, words)
        case Picking() | Inquiring() | Sizing() | Signing() | Giving() | Settling():
            return Screen(*desk_lines(counter, state, words))
        case Entering():
            return _entering(counter, state, words)
        case Choosing():
            return _choosing(counter, state, words)
        case Confirming():
            amount = _amount(counter, state.basket.cents)
            return Screen(words.confirm, amount, words.confirm_text, words.confirm_footer, loud=True)
        case Guarding(sale=sale):
            text = trouble(counter, words) or words.guarding
            return Screen(words.placing, _amount(counter, sale.cents), text, words.guarding_footer)
        case Clearing():
            return _clearing(counter, state, words)
        case Placing():
            return _placing(counter, state, words, mono)
        case Waiting():
            return _waiting(counter, state, words, mono)
        case Withdrawing():
            return _withdrawing(counter, state, words)
        case Checking(sale=sale):
            return Screen(words.checking, _amount(counter, sale.cents), words.checking_text, loud=True)
        case Paid(sale=sale):
            text = f"{_amount(counter, sale.cents)} {_ticket(counter, sale, words)}".rstrip()
            copy = can_copy(counter.papers, counter.health.paper, state)
            return Screen(
                words.paid, words.paid, text, words.paid_footer_copy if copy else words.paid_footer, loud=True
            )
        case Notice():
            told = words.notices[state.kind]
            return Screen(told.head, told.big, told.text, words.notice_footer, loud=True)
        case _:
            assert_never(state)


def _menu(counter: Counter, state: Menu, words: Words) -> Screen:
    if state.item is not MenuItem.CHECK:
        return Screen(words.menu_head, words.menu[state.item], "", words.menu_footer)
    wrong = faults(counter, words)
    return Screen(
        words.menu[state.item], "OK" if not wrong else "", ". ".join(wrong) or words.check_well, words.check_footer
    )


def _clearing(counter: Counter, state: Clearing, words: Words) -> Screen:
    big = _amount(counter, state.then.cents) if state.then else words.not_ready
    footer = words.guarding_footer if state.then else ""
    if state.alarm:  # R5: the second in a day
        return Screen(words.clearing, big, words.foreign_again, footer, loud=True)
    return Screen(words.clearing, big, words.clearing_text, footer)


def _idle(counter: Counter, state: Idle, words: Words) -> Screen:
    text = _owed(counter, words)
    if state.after and not text:
        text = words.notices[state.after].head
    text = text or paper_left(counter, words)
    return Screen(words.ready, _amount(counter, 0), text, words.ready_footer)


def _recent(counter: Counter, state: Recent, words: Words, mono: float) -> Screen:
    """A sale of before: its number, when it was made, and what is known of it. Never loud: nobody in front has paid."""
    sale = recent.find(counter.recent, state.reference)
    if sale is None:
        return Screen(words.menu_head, "- - -", "", words.recent_footer)
    known = recent.known(sale, counter.papers.debts, counter.disputes, printer=counter.shop.printer)
    text = words.known[known]
    if state.found in (Found.ASKING, Found.NO_ANSWER, Found.RETURNED) or known not in recent.MONEY:
        text = words.found[state.found] if state.found else text
    elif state.back_cents:
        text = words.given_back.format(amount=_amount(counter, state.back_cents))
    made = short_time(sale.made_at, counter.health.provider_time(mono), counter.shop)
    footer = words.recent_asking_footer if state.talk.request else words.recent_footer
    return Screen(f"{words.sale} {sale.number} {made}", _amount(counter, sale.cents), text, footer)


def _day(counter: Counter, state: DayShown, words: Words) -> Screen:
    amount = _amount(counter, state.day.totals.cents)
    text = words.day_sales.format(count=state.day.totals.sales)
    if state.step is DayStep.LOOK:
        footer = words.totals_footer if counter.shop.printer else words.notice_footer
        return Screen(words.totals, amount, text, footer)
    if state.step is DayStep.ASK:
        return Screen(words.close_question, amount, text, words.cancel_footer)
    return Screen(words.closed, f"Z {state.day.number}", text, words.notice_footer)


def _owed(counter: Counter, words: Words) -> str:
    return next(obligations(counter, words), "") or keypad(counter, words)


def _entering(counter: Counter, state: Entering, words: Words) -> Screen:
    """What is typed, large, and under it what ``#`` would charge; where nothing is typed, that alone."""
    basket, hint = state.basket, state.hint
    if basket.typed.extra:
        hint = Hint.TOO_LONG
    head, big, text = words.amount, basket.cents, ""
    if basket.typed.digits or basket.times:
        big = basket.typed.cents
        head = f"{basket.times} x" if basket.times else head
        text = _sum(counter, basket, words) if basket.count and not basket.is_plain else ""
    elif basket.lines:
        head, text = words.items.format(count=basket.count), _last_item(counter, basket)
    return Screen(head, _amount(counter, big), _hint(counter, hint, words) or text, words.amount_footer)


def _hint(counter: Counter, hint: Hint | None, words: Words) -> str:
    if hint is None:
        return ""
    smallest = counter.shop.smallest(counter.health.minimum)
    limit = smallest if hint is Hint.TOO_SMALL else counter.shop.maximum
    count = TIMES_MAX if hint is Hint.TIMES else ITEMS_MAX
    return words.hints[hint].format(amount=_amount(counter, limit), count=count)


def _sum(counter: Counter, basket: Basket, words: Words) -> str:
    if basket.cents > counter.shop.maximum:
        return _hint(counter, Hint.TOO_LARGE, words)
    return words.items_sum.format(count=basket.count, amount=_amount(counter, basket.cents))


def _last_item(counter: Counter, basket: Basket) -> str:
    """What ``*`` takes back."""
    last = basket.lines[-1]
    named = last.title != counter.shop.title
    return f"{last.quantity} x {last.title if named else _amount(counter, last.unit_cents)}"


def _choosing(counter: Counter, state: Choosing, words: Words) -> Screen:
    choice, typed = state.choices[state.at], state.basket.typed
    if isinstance(choice, Function):
        return Screen(words.functions[choice], _amount(counter, typed.cents), "", words.menu_footer)
    text = f"{state.at + 1}/{len(state.choices)}"
    text = f"{text}: {state.basket.times} x" if state.basket.times else text
    return Screen(choice.title, _amount(counter, choice.cents), text, words.menu_footer)


def _placing(counter: Counter, state: Placing, words: Words, mono: float) -> Screen:
    amount = _amount(counter, state.sale.cents)
    if mono < state.asking_until:
        return Screen(words.cancel_question, amount, "", words.cancel_footer)
    text = words.withdrawing if state.leave else words.guarding
    return Screen(words.placing, amount, text, words.waiting_footer)


def _waiting(counter: Counter, state: Waiting, words: Words, mono: float) -> Screen:
    amount = _amount(counter, state.sale.cents)
    head, text, footer = words.waiting, words.waiting_text, words.waiting_footer
    if counter.health.trouble or counter.health.reject:
        head, text = trouble(counter, words), _why_blind(counter, state.sale, words)
    elif state.wrong:
        text = words.wrong_order
    elif state.part_cents:
        text = words.part_paid.format(amount=_amount(counter, state.part_cents))
    elif state.pending:
        text = words.pending
    elif state.rejected:
        text = words.rejected
    if mono < state.asking_until and state.asking_now:
        head, footer = words.ask_question, words.cancel_footer
    elif mono < state.asking_until:
        head, footer = words.cancel_question, words.cancel_or_footer
    return Screen(head, amount, text, footer, ends_at=state.ends_at, answered_at=state.answered_at)


def _withdrawing(counter: Counter, state: Withdrawing, words: Words) -> Screen:
    amount = _amount(counter, state.sale.cents)
    text = words.withdrawing_text
    if counter.health.trouble or counter.health.reject:
        text = _why_blind(counter, state.sale, words)
    elif state.part is Part.LOCKED:
        text = words.locked
    return Screen(words.withdrawing, amount, text, answered_at=state.answered_at)


def _why_blind(counter: Counter, sale: Sale, words: Words) -> str:
    """R15: do not deliver, and until when the order may still be paid."""
    if sale.expires is None:
        return words.blind_no_time
    return words.blind.format(time=clock_time(sale.expires, counter.shop))


def _ticket(counter: Counter, sale: Sale, words: Words) -> str:
    papers = counter.papers
    if not counter.shop.printer:
        return ""
    if not any(debt.id == sale.reference for debt in papers.debts):
        return words.ticket_printed
    if papers.job and papers.job.debt == sale.reference:
        return words.ticket_printing
    paper = counter.health.paper
    if paper is None or paper.usable:
        return words.ticket_printing
    return words.ticket_owed.format(reason=words.papers[paper])


def icons(counter: Counter) -> tuple[Icon, ...]:
    """The signs in the corner now."""
    health = counter.health
    found = []
    if health.trouble is Trouble.CLOCK:
        found.append(Icon.CLOCK)
    elif health.trouble:
        found.append(Icon.NETWORK)
    if counter.shop.printer and health.paper in (Paper.OUT, Paper.LOW):
        found.append(Icon.PAPER)
    elif counter.shop.printer and health.paper and not health.paper.usable:
        found.append(Icon.PRINTER)
    elif counter.papers.reel.runs_low:
        found.append(Icon.PAPER)
    if not health.journal or health.set_aside:
        found.append(Icon.JOURNAL)
    if health.keypad:
        found.append(Icon.KEYPAD)
    if counter.papers.debts:
        found.append(Icon.DEBT)
    if counter.disputes:
        found.append(Icon.MONEY)
    return tuple(found)
