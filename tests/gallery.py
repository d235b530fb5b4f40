"""Every screen that the counter can make, by name: each state, in every situation that has words of its own.

A text of the screens that stands in none of these fails a test (``tests/test_screen_sheets.py``), so a new state,
notice or hint gets its place here, and by that its golden picture in every language.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Final

from kiosk.sale.commands import AskPos, AskRefunds, GiveBack, Lane, Look
from kiosk.sale.events import (
    Device,
    DeviceIs,
    Fault,
    Ill,
    NoRefund,
    NotGivenBack,
    Paper,
    PaymentState,
    RefundSeen,
    Reject,
    Removal,
    Trouble,
)
from kiosk.sale.giving import Giving, Inquiring, Picking, Settling, Signing, Sizing, Snag
from kiosk.sale.recent import Known
from kiosk.sale.records import Debt, Dispute, Phase, Reason, Roll, Ticket, Why
from kiosk.sale.roll import Reel
from kiosk.sale.shop import Preset, Shop
from kiosk.sale.states import Blocked, Clearing, Found, Menu, MenuItem, Notice, NoticeKind, Recent, Talk
from tests.story import SHOP, Story, order, payment

Tell = Callable[[Shop], Story]


def at_boot(shop: Shop) -> Story:
    return Story(shop)


def idle(shop: Shop) -> Story:
    return Story(shop).ready()


def waiting(shop: Shop) -> Story:
    return idle(shop).waiting()


def paid(shop: Shop) -> Story:
    return waiting(shop).paid()


def printed(shop: Shop) -> Story:
    return paid(shop).printed()


def after_a_sale(shop: Shop) -> Story:
    return printed(shop).wait(2).free().keys("#")


def owing(shop: Shop) -> Story:
    story = paid(shop).print_failed(began=False).wait(2)
    return (story.free() if story.open_calls(AskPos) else story).keys("#")


def with_presets(shop: Shop) -> Shop:
    return replace(shop, presets=(Preset("Café", 450), Preset("Pão de queijo grande", 1250)))


def blocked_by(trouble: Trouble) -> Tell:
    return lambda shop: at_boot(shop).unknown(AskPos, trouble)


def blocked_for(reject: Reject) -> Tell:
    return lambda shop: at_boot(shop).refused(AskPos, reject)


def blocked_by_paper(paper: Paper) -> Tell:
    return lambda shop: at_boot(replace(shop, printer_required=True)).printer(paper).account().free()


def blocked_by_journal(shop: Shop) -> Story:
    story = idle(shop).keys("2500#")
    story.journal.fails = True
    return story.free().wait(30)


def guarding_blind(trouble: Trouble) -> Tell:
    return lambda shop: idle(shop).keys("2500#").unknown(AskPos, trouble)


def waiting_blind(trouble: Trouble) -> Tell:
    def tell(shop: Shop) -> Story:
        story = waiting(shop)
        story.wait_for(Look)
        return story.unknown(Look, trouble)

    return tell


def waiting_refused(reject: Reject) -> Tell:
    def tell(shop: Shop) -> Story:
        story = waiting(shop)
        story.wait_for(Look)
        return story.refused(Look, reject)

    return tell


def waiting_seen(cents: int | None, state: PaymentState, *, complete: bool, collector: int | None = None) -> Tell:
    def tell(shop: Shop) -> Story:
        story = waiting(shop)
        story.wait_for(Look)
        seen = order(story.sale, payment(cents=cents, state=state), complete=complete)
        return story.seen(seen if collector is None else replace(seen, collector=collector))

    return tell


def clearing(shop: Shop) -> Story:
    return at_boot(shop).account().holds("another-order")


def withdrawing(shop: Shop) -> Story:
    return waiting(shop).keys("*#")


def locked(shop: Shop) -> Story:
    story = withdrawing(shop).seen().removed(Removal.LOCKED)
    return story.holds(story.sale.reference)


def withdrawing_blind(shop: Shop) -> Story:
    return withdrawing(shop).unknown(Look)


def checking(shop: Shop) -> Story:
    return withdrawing(shop).seen().removed(Removal.GONE).free()


def owed(paper: Paper) -> Tell:
    return lambda shop: paid(shop).print_failed(began=False, paper=paper)


def again_another_device(shop: Shop) -> Story:
    """R5: the second in a day."""
    story = clearing(shop)
    story.counter = replace(story.counter, state=replace(story.in_state(Clearing), alarm=True))
    return story


def with_paper(paper: Paper) -> Tell:
    return lambda shop: idle(shop).printer(paper)


def on_a_roll(left: int) -> Tell:
    """A printer whose roll is counted, with paper for so many tickets."""

    def tell(shop: Shop) -> Story:
        story = after_a_sale(replace(shop, roll_m=3))
        reel = Reel(3000, Roll(3000 - 100 * left, 1.0, 100))
        story.counter = replace(story.counter, papers=replace(story.counter.papers, reel=reel))
        return story

    return tell


def to_settle(shop: Shop) -> Story:
    story = owing(shop)
    two = tuple(Dispute(id_, "K-9-x", 9, 2500, "BRL", Reason.SECOND, 0.0) for id_ in ("p8", "p9"))
    story.counter = replace(story.counter, disputes=two)
    return story


def with_a_damaged_journal(shop: Shop) -> Story:
    story = idle(shop)
    story.counter = replace(story.counter, health=replace(story.counter.health, set_aside=("j.damaged-1",)))
    return story


def blocked_with_all_signs(shop: Shop) -> Story:
    """Money to settle, papers owed, no paper, a damaged journal, and no line."""
    story = to_settle(shop)
    health = replace(story.counter.health, trouble=Trouble.NETWORK, paper=Paper.OUT, set_aside=("j.damaged-1",))
    proof = replace(story.counter.proof, free=False)
    story.counter = replace(story.counter, state=Blocked(), health=health, proof=proof)
    return story


def noticed(kind: NoticeKind) -> Tell:
    def tell(shop: Shop) -> Story:
        story = idle(shop)
        story.counter = replace(story.counter, state=Notice(kind, story.at + 20, story.at))
        return story

    return tell


def after_notice(kind: NoticeKind) -> Tell:
    return lambda shop: noticed(kind)(shop).wait(21)


def without_time(shop: Shop) -> Story:
    """Resuming a sale whose expiry nobody knows."""
    story = waiting(shop)
    for reference, sale in story.journal.sales.items():
        story.journal.sales[reference] = replace(sale, expires=None)
    return story.power_cut()


def ill_keypad(ill: Ill, *keys: str) -> Tell:
    faults = tuple(Fault(ill, "for the log", key) for key in keys or ("",))
    return lambda shop: idle(shop).feed(DeviceIs(Device.KEYPAD, faults))


def blocked_by_display(shop: Shop) -> Story:
    story = at_boot(replace(shop, display_required=True)).account().free().printer(Paper.OK)
    return story.feed(DeviceIs(Device.PANEL, (Fault(Ill.DEAD, "gone"),)))


def recent_known(known: Known) -> Tell:
    """One of the last sales, as the journal knows it; with a long number."""
    phase, why = {
        Known.NOT_CONFIRMED: (Phase.UNCONFIRMED, None),
        Known.CANCELLED: (Phase.WITHDRAWN, Why.CANCELLED),
        Known.NOT_PAID: (Phase.WITHDRAWN, Why.TIME_UP),
        Known.NOT_CHARGED: (Phase.REFUSED, None),
    }.get(known, (Phase.PAID, None))

    def tell(shop: Shop) -> Story:
        story = after_a_sale(shop)
        [last] = story.counter.recent
        last = replace(last, number=88_888, phase=phase, why=why)
        owed = (Debt(last.reference, 88_888, 2500, Ticket(()), 0.0),) if known is Known.OWED else ()
        lost = (Dispute("p9", last.reference, 88_888, 2500, "BRL", Reason.SECOND, 0.0),)
        papers = replace(story.counter.papers, debts=owed, job=None)
        disputes = lost if known is Known.TO_SETTLE else ()
        with_printer = replace(shop, printer=known is not Known.PAID)
        story.counter = replace(story.counter, shop=with_printer, recent=(last,), papers=papers, disputes=disputes)
        return story.keys("C")

    return tell


def recent_found(found: Found) -> Tell:
    def tell(shop: Shop) -> Story:
        story = recent_known(Known.NOT_CONFIRMED)(shop).keys("#")
        if found is not Found.ASKING:
            story.counter = replace(story.counter, state=replace(story.in_state(Recent), talk=Talk(), found=found))
        return story

    return tell


def supervised(shop: Shop) -> Shop:
    return replace(shop, refunds=True)


def at_item(tell: Tell, item: MenuItem) -> Tell:
    """The menu, at that item."""

    def at(shop: Shop) -> Story:
        story = tell(supervised(shop)).keys("*")
        while story.in_state(Menu).item is not item:
            story.keys("*")
        return story

    return at


def picking(shop: Shop) -> Story:
    return at_item(after_a_sale, MenuItem.REFUND)(shop).keys("#")


def inquiring(shop: Shop) -> Story:
    return picking(shop).keys("#")


def sizing(shop: Shop) -> Story:
    return inquiring(shop).refunds_are()


def signing(shop: Shop) -> Story:
    return sizing(shop).keys("#")


def giving(shop: Shop) -> Story:
    return signing(shop).keys("1234#").refunds_are()


def giving_changed(shop: Shop) -> Story:
    """Something of it went back in the app meanwhile."""
    return signing(shop).keys("1234#").refunds_are(RefundSeen("x", PaymentState.APPROVED, 500))


def giving_unknown(shop: Shop) -> Story:
    return giving(shop).unknown(GiveBack, Trouble.SLOW, Lane.BEHIND)


def not_given(reason: NoRefund) -> Tell:
    """Refused; again and again, where it does not say why."""

    def tell(shop: Shop) -> Story:
        story = giving(shop).answer(NotGivenBack, GiveBack, Lane.BEHIND, reason=reason)
        while story.counter.refunds.items:
            story.wait_for(AskRefunds, lane=Lane.BEHIND)
            story.refunds_are()
            if story.open_calls(GiveBack, Lane.BEHIND):
                story.answer(NotGivenBack, GiveBack, Lane.BEHIND, reason=reason)
        return story if isinstance(story.state, Giving) else story.wait(31)

    return tell


def giving_unwritten(shop: Shop) -> Story:
    story = signing(shop).keys("1234")
    story.journal.fails = True
    return story.keys("#")


def settling(reason: Reason) -> Tell:
    def tell(shop: Shop) -> Story:
        story = after_a_sale(supervised(shop))
        number = 0 if reason is Reason.UNKNOWN_ORDER else 9
        disputed = Dispute("123456789012", "K-9-x", number, 2500, "BRL", reason, 0.0)
        story.counter = replace(story.counter, disputes=(disputed,))
        return story.choose(MenuItem.SETTLE)

    return tell


def with_snag(tell: Tell, snag: Snag) -> Tell:
    def snagged(shop: Shop) -> Story:
        story = tell(shop)
        state = story.counter.state
        assert isinstance(state, Picking | Inquiring | Sizing | Signing | Settling)
        story.counter = replace(story.counter, state=replace(state, snag=snag))
        return story

    return snagged


SNAGS: Final = {
    **dict.fromkeys((Snag.NOT_FOUND, Snag.NOT_PAID, Snag.ALL_BACK, Snag.UNDER_WAY), picking),
    **dict.fromkeys((Snag.AGAIN_LATER, Snag.NO_ANSWER, Snag.NO_PAYMENT), inquiring),
    Snag.TOO_MUCH: sizing,
    **dict.fromkeys((Snag.WRONG_PIN, Snag.LOCKED), signing),
    **dict.fromkeys((Snag.JOURNAL, Snag.ACCOUNT), settling(Reason.SECOND)),
}


def given_back(shop: Shop) -> Story:
    return giving(shop).given_back().keys("#C")


GALLERY: Final[dict[str, Tell]] = {
    "starting": at_boot,
    **{f"blocked-{trouble.value}": blocked_by(trouble) for trouble in Trouble},
    **{f"blocked-{reject.value}": blocked_for(reject) for reject in Reject},
    **{f"blocked-{paper.value}": blocked_by_paper(paper) for paper in Paper if not paper.usable},
    "blocked-account": lambda shop: at_boot(shop).account(user_id=1).free(),
    "blocked-journal": blocked_by_journal,
    "blocked-all-signs": blocked_with_all_signs,
    "idle": idle,
    "idle-menu": after_a_sale,
    "idle-owing": owing,
    "idle-stuck": ill_keypad(Ill.STUCK, "5", "8"),
    "idle-deaf": ill_keypad(Ill.DEAF),
    "idle-keypad-dead": ill_keypad(Ill.DEAD),
    "blocked-display": blocked_by_display,
    "idle-to-settle": to_settle,
    "idle-paper-low": with_paper(Paper.LOW),
    "idle-paper-counted": on_a_roll(12),
    "idle-damaged": with_a_damaged_journal,
    **{f"idle-after-{kind.value}": after_notice(kind) for kind in NoticeKind},
    "menu-reprint": lambda shop: after_a_sale(shop).keys("*"),
    "menu-debts": lambda shop: owing(shop).keys("*"),
    "menu-check": lambda shop: idle(shop).keys("*"),
    "menu-check-faults": lambda shop: to_settle(shop).printer(Paper.OUT).keys("******"),
    "menu-ask-now": lambda shop: after_a_sale(shop).keys("**"),
    **{f"recent-{known.value}": recent_known(known) for known in Known},
    **{f"recent-{found.value}": recent_found(found) for found in Found},
    "menu-totals": lambda shop: after_a_sale(shop).keys("***"),
    "menu-close": lambda shop: after_a_sale(shop).keys("****"),
    "day-totals": lambda shop: after_a_sale(shop).choose(MenuItem.TOTALS),
    "day-question": lambda shop: after_a_sale(shop).choose(MenuItem.CLOSE),
    "day-closed": lambda shop: after_a_sale(shop).choose(MenuItem.CLOSE).keys("#"),
    "menu-refund": at_item(after_a_sale, MenuItem.REFUND),
    "menu-settle": at_item(to_settle, MenuItem.SETTLE),
    "desk-picking": picking,
    "desk-inquiring": inquiring,
    "desk-sizing": sizing,
    "desk-sizing-part": lambda shop: sizing(shop).keys("700"),
    "desk-signing": signing,
    "desk-signing-pin": lambda shop: signing(shop).keys("12345678"),
    "desk-signing-keep": lambda shop: settling(Reason.SECOND)(shop).keys("1"),
    "desk-giving": giving,
    "desk-giving-unknown": giving_unknown,
    "desk-giving-done": lambda shop: giving(shop).given_back(),
    "desk-giving-unwritten": giving_unwritten,
    "desk-giving-changed": giving_changed,
    **{f"desk-giving-{reason.value}": not_given(reason) for reason in NoRefund if reason is not NoRefund.USED},
    **{f"desk-settling-{reason.value}": settling(reason) for reason in Reason},
    **{f"desk-snag-{snag.value}": with_snag(tell, snag) for snag, tell in SNAGS.items()},
    "recent-given-back": given_back,
    "menu-new-roll": lambda shop: on_a_roll(12)(shop).keys("**"),
    "entering": lambda shop: idle(shop).keys("2500"),
    "entering-small": lambda shop: idle(shop).keys("5#"),
    "entering-large": lambda shop: idle(shop).keys("99999999#"),
    "entering-long": lambda shop: idle(shop).keys("1234567890"),
    "entering-times": lambda shop: idle(shop).keys("3B"),
    "entering-unit-price": lambda shop: idle(shop).keys("3B250"),
    "entering-item-two": lambda shop: idle(shop).keys("250A3B250"),
    "entering-items": lambda shop: idle(shop).keys("250A3B250A"),
    "entering-preset": lambda shop: idle(with_presets(shop)).keys("C2"),
    "entering-count-large": lambda shop: idle(shop).keys("1250B"),
    "entering-no-price": lambda shop: idle(shop).keys("3B#"),
    "entering-items-large": lambda shop: idle(shop).keys("250A999B999999"),
    "entering-items-full": lambda shop: idle(shop).keys("999A" * 31),
    "choosing-add": lambda shop: idle(shop).keys("250C"),
    "choosing-times": lambda shop: idle(shop).keys("250C*"),
    "choosing-preset": lambda shop: idle(with_presets(shop)).keys("C"),
    "choosing-preset-counted": lambda shop: idle(with_presets(shop)).keys("120BC*"),
    "idle-presets": lambda shop: idle(with_presets(shop)),
    "confirming-items": lambda shop: idle(shop).keys("250A500000#"),
    "confirming": lambda shop: idle(shop).keys("500000#"),
    "guarding": lambda shop: idle(shop).keys("2500#"),
    **{f"guarding-{trouble.value}": guarding_blind(trouble) for trouble in Trouble},
    "clearing": clearing,
    "clearing-again": again_another_device,
    "clearing-for-a-sale": lambda shop: idle(shop).keys("2500#").holds("another-order"),
    "placing": lambda shop: idle(shop).keys("2500#").free(),
    "placing-question": lambda shop: idle(shop).keys("2500#").free().keys("*"),
    "placing-leave": lambda shop: idle(shop).keys("2500#").free().keys("*#"),
    "adopting": lambda shop: waiting(shop).power_cut(),
    "adopting-without-time": without_time,
    "waiting": waiting,
    "waiting-question": lambda shop: waiting(shop).keys("*"),
    "waiting-ask-now": lambda shop: waiting(shop).keys("**"),
    "waiting-rejected": waiting_seen(2500, PaymentState.REJECTED, complete=False),
    "waiting-pending": waiting_seen(2500, PaymentState.PENDING, complete=False),
    "waiting-part": waiting_seen(1000, PaymentState.APPROVED, complete=False),
    "waiting-wrong": waiting_seen(2500, PaymentState.APPROVED, complete=True, collector=1),
    **{f"waiting-{trouble.value}": waiting_blind(trouble) for trouble in Trouble},
    **{f"waiting-{reject.value}": waiting_refused(reject) for reject in Reject},
    "withdrawing": withdrawing,
    "withdrawing-locked": locked,
    "withdrawing-blind": withdrawing_blind,
    "checking": checking,
    "paid-printing": paid,
    "paid-printed": printed,
    **{f"paid-{paper.value}": owed(paper) for paper in Paper if not paper.usable},
    "paid-without-a-printer": lambda shop: paid(replace(shop, printer=False)),
    **{f"notice-{kind.value}": noticed(kind) for kind in NoticeKind},
}


def shop_of(language: str) -> Shop:
    return replace(SHOP, language=language)


def told(name: str, language: str = "en") -> Story:
    """A copy of it: each is told once."""
    story = pickle.loads(_told(name, language))
    assert isinstance(story, Story)
    return story


@cache
def _told(name: str, language: str) -> bytes:
    return pickle.dumps(GALLERY[name](shop_of(language)), pickle.HIGHEST_PROTOCOL)
