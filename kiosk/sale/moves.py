"""How each state is entered: the one place for what must be saved, asked and told on the way there.

The modules beside this one say *when* a state is left (``resting``, ``placing``, ``waiting``); this one says what
entering the next one takes. They meet here and nowhere else.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from kiosk.sale.basket import Basket
from kiosk.sale.commands import AskSale, Depth, Tune
from kiosk.sale.events import Answer, PaymentSeen, PaymentState, PosOrder, Refused, Reject
from kiosk.sale.records import (
    Debt,
    DebtState,
    Dispute,
    Mark,
    Phase,
    Reason,
    Sale,
    Why,
    make_reference,
)
from kiosk.sale.states import (
    Blocked,
    Checking,
    Clearing,
    Guarding,
    Idle,
    Notice,
    NoticeKind,
    Paid,
    Part,
    Placing,
    PlacingPart,
    Recent,
    Waiting,
    Withdrawing,
)
from kiosk.sale.ticket import paid_ticket, slip
from kiosk.sale.turn import Turn
from kiosk.sale.verdict import Verdict, net_cents

NOTICE_S: Final = 20.0
"""A notice shrinks to the footer after this (R25)."""
MENU_S: Final = 20.0
PLACING_S: Final = 45.0
"""An order that is not placed by then is withdrawn (R25)."""
CHECKING_S: Final = 30.0
"""How long a payment is searched for when an order is gone and we did not take it (R14)."""
LIFE_AFTER_WAIT_S: Final = 60.0
"""An order outlives the customer's time by this, so that it is taken back, not lost (R3)."""
LIFE_MAX_S: Final = 600.0
"""The provider's own limit on an order's life; assumed where its clock is not known.
Source: Mercado Pago, QR attended model: an order lives 10 minutes."""
VERIFY_FIRST_S: Final = 5.0
LEFT_MIN_S: Final = 30.0
"""With less of its time left an order is not placed again, nor followed after a power cut (R5, R6)."""
DAY_S: Final = 86_400.0


# --- rest -------------------------------------------------------------------------------------------------------------


def fit_to_sell(turn: Turn) -> bool:
    """Whether all is well but for the POS: the journal, the account, and printer and display where they must be."""
    health, shop = turn.health, turn.shop
    printer = not shop.printer_required or (health.paper is not None and health.paper.usable)
    display = not shop.display_required or health.panel == ()
    return health.journal and not health.wrong_account and printer and display


def can_sell(turn: Turn) -> bool:
    """Whether the kiosk is ready: fit to sell, and the POS proved free (L4)."""
    return turn.proof.free and fit_to_sell(turn)


def home(turn: Turn, after: NoticeKind | None = None) -> Idle | Blocked:
    """Back to rest: ready if a sale can begin, else blocked until it can."""
    return Idle(after) if can_sell(turn) else Blocked()


def look_back(sale: Sale, turn: Turn) -> Recent:
    """Show one of the last sales. What of it went back, the journal is asked."""
    if turn.shop.refunds:
        turn.commands.append(AskSale(reference=sale.reference))
    return Recent(sale.reference, turn.mono + MENU_S)


TUNES: Final = {
    NoticeKind.CANCELLED: Tune.WITHDRAWN,
    NoticeKind.TIME_UP: Tune.WITHDRAWN,
    NoticeKind.NOT_PLACED: Tune.WITHDRAWN,
    NoticeKind.NOT_CONFIRMED: Tune.NOT_CONFIRMED,
}
"""What must be told apart by ear; every other notice is to be read, or the technician's."""


def tell(turn: Turn, kind: NoticeKind, sale: Sale | None = None, detail: str = "") -> Notice:
    """Show a notice."""
    turn.sound(TUNES.get(kind, Tune.ATTENTION))
    return Notice(kind, turn.mono + NOTICE_S, turn.mono, sale, detail)


# --- placing ----------------------------------------------------------------------------------------------------------


def guard(basket: Basket, turn: Turn) -> Guarding:
    """A sale was confirmed: prove the POS free. Nothing is saved yet, because nothing can have happened yet."""
    shop = turn.shop
    lines = basket.add(shop.title).lines
    number = turn.number + 1
    turn.proof = replace(turn.proof, talk=turn.pause(0.0))  # the guard asks now; an earlier answer is not waited for
    sale = Sale(
        reference=make_reference(shop.pos_id, number, turn.new_id()),
        number=number,
        cents=sum(line.cents for line in lines),
        currency=shop.site.currency.code,
        lines=lines,
        key=f"{turn.new_id() % (1 << 128):032x}",
        made_at=turn.wall,
    )
    return Guarding(sale, turn.ask_pos(sale.reference), turn.mono + PLACING_S / 3)


def put(sale: Sale, turn: Turn) -> Placing:
    """Place a new order: first into the journal, then on the POS (L7). The provider's clock was just seen, or never.

    The order's expiry is fixed here for the whole sale (R3): the same body is sent again if it has to be.
    """
    now, provider = turn.mono, turn.health.provider_time(turn.mono)
    life_s = turn.shop.wait_s + LIFE_AFTER_WAIT_S
    sale = replace(
        sale,
        puts=1,
        made_at=turn.wall,
        expires=sale.expires if provider is None else float(int(provider) + life_s),
    )
    turn.number = max(turn.number, sale.number)
    turn.save(sale)
    turn.log("placing", f"sale {sale.number}: placing the order", sale)
    return Placing(
        sale,
        PlacingPart.PUT,
        turn.place(sale),
        give_up_at=now + PLACING_S,
        ends_at=now + turn.shop.wait_s,
        dies_at=now + (LIFE_MAX_S if sale.expires is None else life_s),
    )


def put_again(state: Placing, turn: Turn) -> Placing:
    """Place the same order a second time, with the same reference and body (R6)."""
    sale = replace(state.sale, puts=state.sale.puts + 1)
    turn.save(sale)
    turn.log("placing-again", f"sale {sale.number}: no trace of the order, placing it again", sale, level=5)
    return replace(state, sale=sale, part=PlacingPart.PUT, talk=turn.place(sale), looks=0)


def refuse(sale: Sale, answer: Refused, turn: Turn) -> Notice:
    """The provider refused the first and only attempt: the sale never was on the POS."""
    sale = replace(sale, phase=Phase.REFUSED, ended_at=turn.wall)
    turn.save(sale)
    turn.log(
        "refused", f"sale {sale.number}: refused: {answer.reject.value} {answer.detail}", sale, answer=answer, level=3
    )
    return tell(turn, REFUSALS[answer.reject], sale, answer.detail)


REFUSALS: Final = {
    Reject.TOKEN: NoticeKind.REFUSED_TOKEN,
    Reject.FORBIDDEN: NoticeKind.REFUSED_FORBIDDEN,
    Reject.NO_POS: NoticeKind.REFUSED_NO_POS,
    Reject.INVALID: NoticeKind.REFUSED_INVALID,
}


def give_up_unplaced(sale: Sale, kind: NoticeKind, turn: Turn, detail: str = "") -> Notice:
    """A sale that cannot have reached the POS is given up: there is nothing to withdraw."""
    if sale.puts:  # a busy POS is no final word: the sale is watched like any other (R7)
        sale = end(replace(sale, why=Why.POS_BUSY), Phase.REFUSED, turn)
    turn.log("not-placed", f"sale {sale.number}: not placed: {kind.value}", sale, level=5)
    return tell(turn, kind, sale, detail)


def clear(order: PosOrder, known: Sale | None, turn: Turn, then: Sale | None, give_up_at: float) -> Clearing:
    """The POS holds an order that must not be there (R5): write it down, take it away, watch it."""
    again = False
    if known is None:
        known = foreign(order.reference, order.cents or 0, turn)
        turn.foreign_at = (*[at for at in turn.foreign_at if 0 <= turn.wall - at < DAY_S], turn.wall)
        again = len(turn.foreign_at) > 1
        turn.sound(Tune.ATTENTION)
        turn.log(
            "foreign-order",
            "another device uses this POS" if again else "the POS held an order that is not ours",
            known,
            level=3 if again else 4,
        )
    else:
        turn.log("stale-order", f"the POS still held the order of sale {known.number}", known, level=4)
        known = replace(known, ended_at=_ended_at(known, turn))  # payable until now, whenever its sale ended
    if known.reference:
        follow(known, turn)
    else:
        turn.save(known)  # nobody could ever look whether it was paid
    turn.must_prove()
    return Clearing(order, Part.DELETE, turn.withdraw(order.reference), give_up_at, then, again)


def foreign(reference: str, cents: int, turn: Turn) -> Sale:
    """An order that the journal does not know, as it writes it down."""
    return Sale(
        reference=reference,
        number=0,
        currency=turn.shop.site.currency.code,
        cents=cents,
        lines=(),
        key="",
        made_at=turn.wall,
        phase=Phase.WITHDRAWN,
        why=Why.FOREIGN,
        foreign=True,
        ended_at=turn.wall,
    )


# --- following --------------------------------------------------------------------------------------------------------


def wait(sale: Sale, turn: Turn, *, ends_at: float, dies_at: float, asking_until: float = 0.0) -> Waiting:
    """The order is on the POS: follow it."""
    sale = replace(sale, phase=Phase.WAITING)
    turn.save(sale)
    turn.log("waiting", f"sale {sale.number}: the order is on the POS", sale)
    turn.sound(Tune.SCAN)
    now = turn.mono
    return Waiting(
        sale,
        turn.pause(LOOK_S),
        since=now,
        ends_at=ends_at,
        dies_at=dies_at,
        verify_at=now + VERIFY_FIRST_S,
        answered_at=now,
        asking_until=asking_until,
    )


LOOK_S: Final = 2.0
"""Pause from one look to the next while a customer may be paying (R9)."""


def withdraw(
    sale: Sale, why: Why, turn: Turn, *, dies_at: float, reading_only: bool = False, unplaced: bool = False
) -> Withdrawing:
    """Take the order back: look, DELETE, ask, look again (R13, R14). A cancel is a request, not a result.

    ``reading_only``: the POS holds what is not ours, nothing is deleted. ``unplaced``: ours never came there.
    """
    sale = replace(sale, phase=Phase.WITHDRAWING, why=why)
    turn.save(sale)
    turn.log("withdrawing", f"sale {sale.number}: withdrawing the order: {why.value}", sale)
    look = turn.look(sale.reference, Depth.ALL if reading_only else Depth.ORDERS)
    return Withdrawing(
        sale,
        why,
        Part.LOOK,
        look,
        dies_at=dies_at,
        reading_only=reading_only,
        unplaced=unplaced,
        answered_at=turn.mono,
    )


def check(state: Withdrawing, turn: Turn) -> Checking:
    """Gone from the POS, not by us, before its time: presume it paid, and search (R14)."""
    sale = replace(state.sale, phase=Phase.CHECKING)
    turn.save(sale)
    turn.log("checking", f"sale {sale.number}: the order is gone and we did not take it: searching", sale, level=4)
    turn.sound(Tune.ATTENTION)
    return Checking(
        sale, state.why, turn.look(sale.reference, Depth.ALL), turn.mono + CHECKING_S, dies_at=state.dies_at
    )


def pay(sale: Sale, verdict: Verdict, turn: Turn, answer: Answer) -> Paid:
    """Paid: the payment ids first, durably; then sound, screen and ticket."""
    sale, debt = paid_records(sale, verdict, turn)
    turn.log("paid", f"sale {sale.number}: paid by {', '.join(sale.payments)}", sale, answer=answer, level=5)
    turn.sound(Tune.PAID)
    turn.owed.append(debt)
    follow(sale, turn)
    return Paid(sale, turn.mono)


def paid_records(sale: Sale, verdict: Verdict, turn: Turn, *, late: bool = False) -> tuple[Sale, Debt]:
    """The sale as paid, and the paper it owes."""
    sale = replace(
        sale,
        phase=Phase.PAID,
        order_id=verdict.order_id,
        payments=verdict.covering,
        paid_at=turn.wall,
        ended_at=_ended_at(sale, turn),
        late=late,
        watched=True,
    )
    if verdict.excess_cents:
        last = PaymentSeen(f"{verdict.covering[-1]}:excess", PaymentState.APPROVED, verdict.excess_cents, sale.currency)
        dispute(sale, last, Reason.EXCESS, turn)
    marks = ((Mark.TRAINING,) if turn.training else ()) + ((Mark.PAID_AFTER_CANCEL,) if late else ())
    debt = Debt(
        id=sale.reference,
        number=sale.number,
        cents=sale.cents,
        ticket=paid_ticket(sale, turn.shop),
        owed_at=turn.wall,
        marks=marks,
        state=DebtState.OWED if turn.shop.printer else DebtState.PRESUMED,
        tried=turn.doubts(sale),
    )
    return sale, debt


def end(sale: Sale, phase: Phase, turn: Turn) -> Sale:
    """The sale leaves the front without a payment; it is watched until it can no longer bring money."""
    return follow(replace(sale, phase=phase, ended_at=_ended_at(sale, turn)), turn)


def _ended_at(sale: Sale, turn: Turn) -> float:
    """Now, by the provider's clock (R3). Where that is not known, the order's own end: this machine's clock may be a
    year ahead, and the watch would go on for as long (R17)."""
    provider = turn.health.provider_time(turn.mono)
    return provider or sale.expires or turn.wall


def follow(sale: Sale, turn: Turn) -> Sale:
    """Watch the sale from now on."""
    sale = replace(sale, watched=True)
    turn.save(sale)
    turn.followed.append(sale)
    return sale


def dispute(
    sale: Sale, payment: PaymentSeen, reason: Reason, turn: Turn, *, owed_at: float | None = None, lost: bool = False
) -> None:
    """Money that completes no sale: durable, shown, and printed on a slip that is never a ticket.

    ``owed_at``: since when its slip is owed, where that is not now. ``lost``: the journal lost the sale, and with it
    what was printed of it.
    """
    disputed = Dispute(
        payment=payment.id,
        reference=sale.reference,
        number=sale.number,
        cents=net_cents(payment),
        currency=payment.currency,
        reason=reason,
        seen_at=turn.wall,
    )
    turn.save(disputed)
    turn.owed.append(
        Debt(
            id=f"slip:{disputed.payment}",
            number=disputed.number,
            cents=disputed.cents,
            ticket=slip(disputed, turn.shop),
            owed_at=turn.wall if owed_at is None else owed_at,
            marks=((Mark.TRAINING,) if turn.training else ()) + (Mark.MONEY_TO_SETTLE,),
            tried=lost or turn.doubts(sale),
        )
    )
    turn.log("disputed", f"money to settle: {reason.value}, payment {payment.id}", sale, level=3)
    turn.sound(Tune.ATTENTION)
