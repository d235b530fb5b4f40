"""The counter's state for the world outside: the control socket, the virtual counter, ``systemctl status``."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from kiosk.sale.basket import Choosing
from kiosk.sale.counter import Counter
from kiosk.sale.days import DayShown
from kiosk.sale.events import Device, Fault
from kiosk.sale.giving import Giving, Inquiring, Picking, Settling, Signing, Sizing
from kiosk.sale.lights import lights
from kiosk.sale.ready import faults, why_blocked
from kiosk.sale.records import Debt
from kiosk.sale.screens import lines, screen
from kiosk.sale.states import (
    Adopting,
    Blocked,
    Checking,
    Clearing,
    Confirming,
    Entering,
    Guarding,
    Idle,
    Menu,
    Notice,
    Paid,
    Placing,
    Recent,
    Starting,
    State,
    Waiting,
    Withdrawing,
)
from kiosk.sale.words import words_of

PUBLIC_NAMES: Final = MappingProxyType(
    {
        Starting: "starting",
        Adopting: "starting",
        Blocked: "blocked",
        Idle: "idle",
        Menu: "idle",
        Recent: "idle",
        DayShown: "idle",
        Entering: "entering",
        Choosing: "entering",
        Confirming: "entering",
        Guarding: "placing",
        Placing: "placing",
        Waiting: "waiting",
        Withdrawing: "withdrawing",
        Checking: "checking",
        Paid: "paid",
        Notice: "notice",
        **dict.fromkeys((Picking, Inquiring, Sizing, Signing, Giving, Settling), "idle"),
    }
)
"""States as the status names them; ``Clearing`` is ``placing`` with a sale that waits for it, else ``blocked``."""


def public_name(state: State) -> str:
    """The state's name in the status: one of a fixed, documented list."""
    if isinstance(state, Clearing):
        return "placing" if state.then else "blocked"
    return PUBLIC_NAMES[type(state)]


def status(counter: Counter, mono: float) -> dict[str, object]:
    """The state as JSON values; ``mono``: monotonic seconds now."""
    sale = getattr(counter.state, "sale", None) or getattr(counter.state, "then", None)
    health, lamps = counter.health, lights(counter)
    return {
        "state": public_name(counter.state),
        "sale": sale and {"number": sale.number, "reference": sale.reference, "cents": sale.cents},
        "health": {
            "trouble": health.trouble and health.trouble.value,
            "reject": health.reject and health.reject.value,
            "answered_s": None if health.answered_at is None else round(mono - health.answered_at, 1),
            "printer": health.paper and health.paper.value,
            **{device.value: _ills(health.faults(device)) for device in Device},
            "tickets_left": counter.papers.reel.tickets_left,
            "journal": health.journal,
            "set_aside": list(health.set_aside),
            "pos_free": counter.proof.free,
            "account": None if not health.account_known else not health.wrong_account,
            "agreed_until": counter.audit.until,
            "notifications": {name: getattr(counter.notices, name) for name in ("asked", "ours", "strange", "dropped")},
            "training": counter.shop.training or health.test_account,
        },
        "obligations": {
            "watches": [
                {"number": w.sale.number, "reference": w.sale.reference, "phase": w.sale.phase.value}
                for w in counter.watches.items
            ],
            "debts": [
                {"id": _id(d), "number": d.number, "cents": d.cents, "state": d.state.value}
                for d in counter.papers.debts
            ],
            "refunds": [
                {
                    "number": r.number,
                    "payment": r.payment,
                    "cents": r.cents,
                    "state": "unknown" if r.doubt else "pending" if r.refund_id else r.state.value,
                }
                for r in counter.refunds.wanted
            ],
            "differences": [
                {"kind": d.kind.value, "payment": d.payment, "number": d.number, "reference": d.reference}
                for d in counter.audit.found
            ],
            "disputes": [
                {"payment": d.payment, "number": d.number, "cents": d.cents, "reason": d.reason.value}
                for d in counter.disputes
            ],
        },
        "faults": list(faults(counter, words_of("en"))),
        "lights": {"green": lamps.green.value, "red": lamps.red.value},
        "screen": lines(screen(counter, mono)),
    }


def _id(debt: Debt) -> str:
    """The paper's id. A refund's holds its key, which is nobody's business."""
    return "refund" if debt.is_refund else debt.id


def _ills(faults: tuple[Fault, ...] | None) -> list[str] | None:
    """What is wrong with a device; empty: it works; None: it was not heard of, or there is none."""
    return None if faults is None else [fault.text for fault in faults]


def status_line(counter: Counter) -> str:
    """One line in English for ``systemctl status``."""
    sale = getattr(counter.state, "sale", None)
    parts = [public_name(counter.state)]
    if sale:
        parts.append(f"sale {sale.number} of {counter.shop.site.currency.with_symbol(sale.cents)}")
    if isinstance(counter.state, Blocked):
        parts.append(why_blocked(counter, words_of("en")))
    if counter.health.trouble:
        parts.append(f"no answer from the provider: {counter.health.trouble.value}")
    if counter.health.set_aside:
        parts.append(f"damaged journal set aside: {', '.join(counter.health.set_aside)}")
    parts += [fault.text for device in Device for fault in counter.health.faults(device) or ()]
    if counter.papers.reel.runs_low:
        parts.append(f"paper for about {counter.papers.reel.tickets_left} tickets")
    if counter.papers.debts:
        parts.append(f"papers owed: {len(counter.papers.debts)}")
    if counter.refunds.items:
        parts.append(f"refunds not known yet: {len(counter.refunds.items)}")
    if counter.disputes:
        parts.append(f"payments to settle: {len(counter.disputes)}")
    if counter.audit.found:
        parts.append(f"differences from the account: {len(counter.audit.found)}")
    return ", ".join(parts)
