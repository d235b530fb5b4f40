"""What must be true of a simulated shop at the end: by Mercado Pago's own ledger, and by the paper itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kiosk.sale.records import DebtState, Mark, Phase, Sale, is_reference_of
from tests.laws import law
from tests.laws_refunds import audit_refunds

if TYPE_CHECKING:
    from tests.world import World

KEPT: Final = frozenset({"", "delivered"})
"""What a dispute says of money that is still in the account."""


def audit(world: World) -> None:
    """Every approved payment is in exactly one place, every ticket was paid for, and there is one original."""
    sales = world.journal.sales
    for payment, reference in world.provider.approved().items():
        if reference in sales:
            _payment(world, payment, sales[reference])
        elif is_reference_of(world.shop.pos_id, reference):
            dispute = world.journal.disputes.get(payment)
            kept = dispute is not None and dispute.settled in KEPT
            law("L2", kept, f"payment {payment} of a lost sale is nowhere")
    for sale in sales.values():
        if sale.phase is Phase.PAID:
            _sale(world, sale)
    audit_refunds(world.journal, world.provider.returned())


def _payment(world: World, payment: str, sale: Sale) -> None:
    dispute = world.journal.disputes.get(payment)
    homes = ["dispute"] if dispute is not None and dispute.settled in KEPT else []
    if payment in sale.payments:
        if dispute is not None and dispute.settled:
            homes.clear()  # it was delivered; then the rest of the sale was paid after all
        debt = world.journal.debts.get(sale.reference)
        homes.append("no ticket" if debt is None else "open ticket debt" if debt.open else "ticket")
        if debt is not None and debt.state is DebtState.PRINTED:
            out = any(s.whole and s.command.ticket.reference == sale.reference for s in world.printer.roll)
            law("L2", out, f"the ticket of sale {sale.number} is called printed and is not on paper")
    law("L2", len(homes) == 1 and homes != ["no ticket"], f"payment {payment} of sale {sale.number} is {homes}")


def _sale(world: World, sale: Sale) -> None:
    paid = [world.provider.ledger.get(payment) for payment in sale.payments]
    cents = sum(p[1].cents or 0 for p in paid if p is not None and p[0] == sale.reference)
    law("L1", cents >= sale.cents, f"sale {sale.number} over {sale.cents} was paid with {cents}")
    marked = {Mark.COPY, Mark.POSSIBLE_DUPLICATE, Mark.MONEY_TO_SETTLE}
    sheets = [s.command for s in world.printer.roll if s.command.ticket.reference == sale.reference]
    originals = [command for command in sheets if not marked & set(command.marks)]
    law("L3", len(originals) <= 1, f"sale {sale.number} has {len(originals)} originals")
