"""What a language must name.

A language is one ``Words`` value. It names every text, so the type checker refuses a language that lacks one. Screens
are small: heads and footers hold about 21 letters, a text about two lines of 21.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from kiosk.sale.basket import Function
from kiosk.sale.days import DayWord
from kiosk.sale.events import NoRefund, Paper, Reject, Trouble
from kiosk.sale.giving import DeskWord, Snag
from kiosk.sale.recent import Known
from kiosk.sale.records import Mark, Reason
from kiosk.sale.states import Found, Hint, MenuItem, NoticeKind


@dataclass(frozen=True, slots=True)
class Told:
    """A notice: its one big word, and what to know or do."""

    head: str
    big: str
    text: str


class Down(Enum):
    """Why no kiosk runs; it stands on the panel meanwhile."""

    STOPPED = "stopped"
    """Until somebody starts it."""
    RESTARTING = "restarting"
    """It is started again by itself, alone or with the machine."""
    OFF = "off"
    """The machine is being switched off, and stays off."""
    FAILED = "failed"
    """Starting again changes nothing: its settings are wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One language. ``{amount}``, ``{time}`` and ``{count}`` are filled in."""

    # heads and footers
    starting: str
    not_ready: str
    ready: str
    ready_footer: str
    amount: str
    amount_footer: str
    items: str
    items_sum: str
    """``{count}`` pieces, and what they cost together."""
    functions: Mapping[Function, str]
    confirm: str
    confirm_text: str
    confirm_footer: str
    guarding: str
    guarding_footer: str
    clearing: str
    clearing_text: str
    foreign_again: str
    placing: str
    waiting: str
    waiting_text: str
    waiting_footer: str
    cancel_question: str
    cancel_footer: str
    cancel_or_footer: str
    """Where there is another question after that one."""
    ask_question: str
    rejected: str
    pending: str
    part_paid: str
    wrong_order: str
    withdrawing: str
    withdrawing_text: str
    locked: str
    blind: str
    """No answer while an order is open: do not deliver; the order dies at ``{time}``."""
    blind_no_time: str
    resuming: str
    checking: str
    checking_text: str
    paid: str
    paid_footer: str
    paid_footer_copy: str
    notice_footer: str
    down: Mapping[Down, Told]
    """No kiosk runs."""
    # the ticket's way to paper
    ticket_printing: str
    ticket_printed: str
    ticket_owed: str
    # menu
    menu_head: str
    menu_footer: str
    menu: Mapping[MenuItem, str]
    check_well: str
    check_footer: str
    recent_footer: str
    recent_asking_footer: str
    known: Mapping[Known, str]
    """What the journal knows of one of the last sales..."""
    found: Mapping[Found, str]
    """...and what asking about it has found."""
    totals: str
    totals_footer: str
    close_question: str
    closed: str
    day_sales: str
    """How many were paid: ``{count}``."""
    desk: Mapping[DeskWord, str]
    snags: Mapping[Snag, str]
    """Why the desk cannot go on."""
    no_refund: Mapping[NoRefund, str]
    """Why money cannot be given back."""
    given_back: str
    """Of one of the last sales, ``{amount}``."""
    paper_left: str
    """The roll ends soon: for about ``{count}`` tickets."""
    owed_count: str
    disputed_count: str
    # why something cannot be done
    hints: Mapping[Hint, str]
    notices: Mapping[NoticeKind, Told]
    proving: str
    journal: str
    set_aside: str
    """A damaged journal lies aside: perhaps not all that was open in it is known here."""
    wrong_account: str
    key_stuck: str
    """``{key}`` is the key, or several."""
    keys_deaf: str
    """Some keys are not heard."""
    keypad_dead: str
    no_display: str
    troubles: Mapping[Trouble, str]
    rejects: Mapping[Reject, str]
    papers: Mapping[Paper, str]
    # paper
    marks: Mapping[Mark, str]
    sale: str
    total: str
    payment: str
    settle: str
    refund: str
    refund_id: str
    """Before the provider's number of it."""
    given_by: str
    """Before the name of who decided."""
    signature: str
    """Of whoever got the money back."""
    reasons: Mapping[Reason, str]
    summary: str
    day: Mapping[DayWord, str]
    """On an X and a Z."""
    service_slip: str
    """Over and under what the technician had printed."""
    date_format: str
    """For ``strftime``; ``day_format``: day and month, for a screen."""
    day_format: str
