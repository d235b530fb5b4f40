"""What stands on the panel at the desk: heads, amounts, texts and footers; ``screens`` makes the picture of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, assert_never

from kiosk.sale.events import NoRefund, Reject
from kiosk.sale.giving import PIN_MIN, Back, DeskWord, Giving, Inquiring, Picking, Settling, Signing, Sizing, Snag
from kiosk.sale.records import Dispute, Refund, RefundState
from kiosk.sale.refund import CHANGED, JOURNAL
from kiosk.sale.states import AtTheDesk
from kiosk.sale.words import Words

if TYPE_CHECKING:
    from kiosk.sale.counter import Counter

Lines = tuple[str, str, str, str]
"""Head, big, text, footer."""
_NOT_ASKED = "- - -"
_SNAGS: Final = {JOURNAL: Snag.JOURNAL, CHANGED: Snag.CHANGED}
"""Why a refund came to nothing, where it was not the provider that refused it."""


def desk_lines(counter: Counter, state: AtTheDesk, words: Words) -> Lines:
    """What is said at the desk now."""
    desk, amount = words.desk, counter.shop.site.currency.text
    snag = words.snags[state.snag] if not isinstance(state, Giving) and state.snag else ""
    match state:
        case Picking():
            return desk[DeskWord.PICK], state.typed or "0", snag or desk[DeskWord.PICK_TEXT], desk[DeskWord.PICK_FOOTER]
        case Inquiring():
            footer = desk[DeskWord.AGAIN_FOOTER if snag else DeskWord.BACK_FOOTER]
            head = _named(state.case.number, words) or state.case.payments[0]
            return head, _NOT_ASKED, snag or desk[DeskWord.INQUIRING], footer
        case Sizing():
            part = desk[DeskWord.SIZE_PART].format(amount=amount(state.total))
            text = part if state.typed.digits else desk[DeskWord.SIZE_ALL]
            head = f"{desk[DeskWord.SIZE]}: {_named(state.case.number, words)}"
            return head, amount(state.cents), snag or text, desk[DeskWord.SIZE_FOOTER]
        case Signing():
            word = DeskWord.SIGN_BACK if isinstance(state.act, Back) else DeskWord.SIGN_KEEP
            cents = state.act.cents if isinstance(state.act, Back) else state.act.dispute.cents
            text = desk[word].format(amount=amount(cents))
            footer = desk[DeskWord.SIGN_FOOTER if len(state.pin) >= PIN_MIN else DeskWord.BACK_FOOTER]
            return desk[DeskWord.SIGN], "*" * len(state.pin) or _NOT_ASKED, snag or text, footer
        case Giving():
            head = f"{desk[DeskWord.SIZE]}: {_named(state.number, words)}".rstrip(": ")
            return head, amount(state.cents), _how_it_stands(counter, state, words), words.notice_footer
        case Settling():
            return _settling(counter, state, snag, words)
        case _:
            assert_never(state)


def _named(number: int, words: Words) -> str:
    return f"{words.sale} {number}" if number else ""


def _settling(counter: Counter, state: Settling, snag: str, words: Words) -> Lines:
    dispute = next((dispute for dispute in counter.disputes if dispute.payment == state.payment), None)
    if dispute is None:
        return words.menu_head, _NOT_ASKED, "", words.notice_footer
    footer = words.desk[DeskWord.SETTLE_FOOTER]
    return _head(dispute, words), _money(counter, dispute), snag or words.reasons[dispute.reason], footer


def _head(dispute: Dispute, words: Words) -> str:
    return _named(dispute.number, words) or dispute.payment


def _money(counter: Counter, dispute: Dispute) -> str:
    currency = counter.shop.site.currency
    return currency.text(dispute.cents) if dispute.currency == currency.code else dispute.currency


def _how_it_stands(counter: Counter, state: Giving, words: Words) -> str:
    """Of several the worst: one that was refused, else one whose outcome nobody knows yet."""
    refunds = [found for key in state.keys if (found := counter.refunds.find(key))]
    for refund in refunds:
        if refund.state is RefundState.REFUSED:
            return _why(refund, words)
    wanted = [refund for refund in refunds if refund.state is RefundState.WANTED]
    if not wanted:
        return words.desk[DeskWord.DONE]
    return words.desk[DeskWord.UNKNOWN if any(r.doubt or r.refund_id for r in wanted) else DeskWord.UNDER_WAY]


def _why(refund: Refund, words: Words) -> str:
    """Why it was refused, in words that help."""
    if refund.why in _SNAGS:
        return words.snags[_SNAGS[refund.why]]
    rejects = {reject.value: text for reject, text in words.rejects.items() if isinstance(reject, Reject)}
    reasons = {reason.value: text for reason, text in words.no_refund.items()}
    return (rejects | reasons).get(refund.why, words.no_refund[NoRefund.OTHER])
