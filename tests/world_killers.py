"""Short proofs that the planted bugs of ``world_mutants`` must not survive, each named after what it shows.

Each runs in a moment and raises ``LawBroken`` when its law does not hold. ``tests/test_laws.py`` runs them on the tree
as it is, where all of them must pass, and on copies with one line changed. They live apart from the tests because they
are imported anew with each planted bug.
"""

from __future__ import annotations

import importlib
import inspect
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Final

import pytest

from kiosk.config import MercadoPagoConfig, Secret
from kiosk.loop import Loop
from kiosk.mercadopago import MercadoPago
from kiosk.ports import JournalError
from kiosk.sale.commands import (
    AskAccount,
    AskPos,
    AskPrinter,
    AskStatement,
    Lane,
    Look,
    PaymentCall,
    Place,
    Print,
    Tune,
)
from kiosk.sale.events import (
    AccountIs,
    Booking,
    Books,
    CallAnswer,
    Event,
    Holds,
    Key,
    Paper,
    PaymentState,
    Refused,
    Reject,
    Unknown,
)
from kiosk.sale.front import BrokenError
from kiosk.sale.lights import Lights
from kiosk.sale.records import Debt, Entry, Mark, Record, Refund, Rows, Sale
from kiosk.sale.screens import Screen
from kiosk.sale.states import Entering
from kiosk.supervisors import Supervisors
from tests.contract import refusals_keep_the_contract, shapes_keep_the_contract, the_wire_keeps_the_contract
from tests.laws import LawBroken, law
from tests.scripted_server import FakeClock, ScriptedServer, answer
from tests.story import COLLECTOR, EPOCH, SHOP, Story, order, payment
from tests.world import World
from tests.world_adapters import DiskWorld, WireWorld
from tests.world_day import day, seeded
from tests.world_killers_edges import EDGES

SEEDS: Final = range(200)
"""Enough worlds to kill what the laws can see; most bugs do not survive the first three."""
TOKEN: Final = "0123456789.not-of-the-usual-form~0123"


def world(first: int = 0) -> None:
    """Whatever breaks a law in the simulated world."""
    _days(World, first)


def world_on_the_wire(first: int = 0) -> None:
    """The same, where every answer of Mercado Pago goes through the adapter."""
    _days(WireWorld, first)


def world_on_disk(first: int = 0) -> None:
    """The same, with the real journal."""
    _days(DiskWorld, first)


def _days(kind: type[World], first: int) -> None:
    for seed in (first, *SEEDS):
        day(kind(seeded(seed)), 20, name=f"{kind.__name__}, seed {seed}")


def _cancelled() -> tuple[Story, Sale]:
    story = Story().ready().waiting()
    sale = story.sale
    story.keys("*#").seen().removed().free().seen().wait(3.1).seen().wait(2).keys("#")
    return story, sale


def a_late_payment_has_its_ticket() -> None:
    """L2, R18: the whole order paid after its sale was cancelled prints PAID AFTER CANCEL."""
    story, sale = _cancelled()
    story.take()
    story.wait_for(Look, lane=Lane.BEHIND)
    story.watch_seen(order(sale, payment()))
    tickets = story.did(Print)
    law("L2", [ticket.ticket.reference for ticket in tickets] == [sale.reference], "late money has no ticket")
    law("L2", tickets[0].marks == (Mark.PAID_AFTER_CANCEL,), "and says that it is late")


def a_copy_of_a_presumed_ticket_says_so() -> None:
    """L3, R21: the printer never reports, so that nobody knows which of the two came out first."""
    story = Story().ready().printer(Paper.SILENT).waiting().paid().printed(sure=False)
    story.take()
    story.wait(2).keys("*")
    law(
        "L3", [copy.marks for copy in story.did(Print)] == [(Mark.POSSIBLE_DUPLICATE,)], "a copy of what may not be out"
    )


def money_that_nobody_watched_has_its_ticket() -> None:
    """L2, R18: the watch is over; the account's statement shows the payment, and the sale is watched again."""
    story, sale = _cancelled()
    while story.counter.watches.items:
        if story.open_calls(Look, Lane.BEHIND):
            story.watch_seen()
        elif story.open_calls(AskStatement, Lane.BEHIND):
            story.statement()
        story.wait(1.0)
    story.take()
    story.counter = replace(story.counter, audit=replace(story.counter.audit, due=story.at))
    story.wait_for(AskStatement, lane=Lane.BEHIND)
    late = replace(payment(), reference=sale.reference, collector=COLLECTOR)
    story.statement(Booking(late, here=True, at=EPOCH + story.at))
    story.wait(11.0)
    law("L2", bool(story.open_calls(Look, Lane.BEHIND)), "nobody looks for money that the account shows")
    story.watch_seen(order(sale, payment()))
    law("L2", [ticket.ticket.reference for ticket in story.did(Print)] == [sale.reference], "and it has no ticket")


def a_part_of_a_statement_is_not_all_of_it() -> None:
    """L6: what it does not show may be on the next page; that time is asked for again."""
    story = Story().ready()
    began = story.journal.agreed_until
    story.wait_for(AskStatement, lane=Lane.BEHIND)
    story.statement(whole=False)
    law("L6", story.journal.agreed_until == began, "half a statement was taken for all of it")
    story.wait_for(AskStatement, lane=Lane.BEHIND)
    story.statement()
    law("L6", story.journal.agreed_until != began, "and a whole one was not")


def a_late_put_is_looked_for() -> None:
    """L4, R4: after a PUT of unknown outcome the proof is repeated for two minutes, not once."""
    story = Story().ready().keys("2500#").free().unknown(Place)
    story.keys("*#").seen().removed().free()
    while story.public != "notice":
        if story.open_calls(Look):
            story.seen()
        story.wait(0.5)
    asked = 0
    for _ in range(4):
        story.wait(16)
        if story.open_calls(AskPos):
            story.free()
            asked += 1
    law("L4", asked >= 3, "an order that arrives late would stand on the POS unseen")


def a_cut_amount_is_refused() -> None:
    """L5, R26: digits that found no room make the amount no amount."""
    shop = replace(SHOP, maximum=10**9, confirm_above=10**9)
    story = Story(shop).ready().keys("12345678901#")
    law("L5", isinstance(story.state, Entering), "an overflowed amount was sold")


def a_printer_that_dies_leaves_typing_alone() -> None:
    """L9: also where the shop must have one."""
    story = Story(replace(SHOP, printer_required=True)).ready().keys("25").printer(Paper.GONE)
    law("L9", isinstance(story.state, Entering), "a dead printer took the amount away")


def a_refusal_after_an_unknown_attempt_is_no_end() -> None:
    """L6, R7: the second attempt is refused; the first may be on the POS."""
    story = _lost_put()
    story.refused(Place, Reject.INVALID)
    law("L6", story.public == "placing", "a sale whose order may be on the POS was called refused")


def a_refusal_of_the_first_attempt_is_its_end() -> None:
    """Its twin."""
    story = Story().ready().keys("2500#").free().refused(Place, Reject.INVALID)
    law("L6", story.public == "notice", "a refusal of the only attempt is final")


def two_attempts_are_the_most() -> None:
    """L6, R6: then the order is withdrawn."""
    story = _lost_put().unknown(Place).free().seen().wait(3.1).seen().wait(7.1).seen()
    law("L6", story.public == "withdrawing" and len(story.did(Place)) == 2, "a third attempt")


def _lost_put() -> Story:
    """The first attempt left no trace; the second is on its way."""
    return Story().ready().keys("2500#").free().unknown(Place).free().seen().wait(3.1).seen().wait(7.1).seen()


class _Devices:
    """The loop's way to the devices: notes what is asked."""

    def __init__(self) -> None:
        self.calls: list[PaymentCall] = []

    def call(self, lane: Lane, call: PaymentCall) -> None:
        self.calls.append(call)

    def print(self, command: Print | AskPrinter) -> None:
        """Nothing is printed here."""

    def show(self, screen: Screen) -> None:
        """Nobody looks."""

    def play(self, tune: Tune) -> None:
        """Nobody listens."""

    def light(self, lights: Lights) -> None:
        """Nobody sees."""


class _Service:
    """A service manager that wants nothing."""

    watchdog_s: float | None = None

    def ready(self) -> None:
        """Fine."""

    def status(self, text: str) -> None:
        """Fine."""

    def alive(self) -> None:
        """Fine."""

    def stopping(self) -> None:
        """Fine."""

    def log(self, entry: Entry) -> None:
        """Fine."""


class _FullDisk:
    """A journal that cannot be written once ``full`` is set."""

    def __init__(self) -> None:
        self.full = False

    def rows(self) -> Rows:
        return Rows()

    def save(self, records: Sequence[Record], entries: Sequence[Entry], at: float) -> None:
        if self.full:
            raise JournalError("the disk is full")

    def begin_anew(self) -> str:
        raise JournalError("the disk is full")

    def find(self, reference: str) -> Sale | None:
        return None

    def spent(self, payments: Sequence[str], reference: str) -> frozenset[str]:
        return frozenset()

    def paid_between(self, begin: float, end: float) -> tuple[str, ...]:
        return ()

    def day(self) -> None:
        return None

    def books(self, references: Sequence[str], payments: Sequence[str]) -> Books:
        return Books()

    def sale(self, number: int) -> Sale | None:
        return None

    def ticket(self, reference: str) -> Debt | None:
        return None

    def refunds(self, reference: str) -> tuple[Refund, ...]:
        return ()


def nothing_is_placed_that_could_not_be_written() -> None:
    """L7 in the loop: where the journal raises, the rest of the step is not done."""
    _place_with(full=True)


def what_was_written_is_placed() -> None:
    """Its twin."""
    _place_with(full=False)


def _place_with(*, full: bool) -> None:
    devices, journal, moment = _Devices(), _FullDisk(), [1000.0]
    loop = Loop(
        SHOP,
        journal,
        devices,
        _Service(),
        SimpleQueue(),
        supervisors=Supervisors(()),
        clock=lambda: moment[0],
        wall=lambda: EPOCH + moment[0],
        new_id=lambda: 2**127,
    )

    def answer_last(make: Callable[[PaymentCall], Event]) -> None:
        loop.feed(make(devices.calls[-1]))

    loop.feed(AccountIs(request=1, user_id=COLLECTOR, site="MLB", test=False))
    for call in [call for call in devices.calls if isinstance(call, AskPos)]:
        loop.feed(Holds(request=call.request, date=EPOCH, order=None))
    for key in "2500#":
        loop.feed(Key(key))
    journal.full = full
    answer_last(lambda call: Holds(request=call.request, reference=call.reference, date=EPOCH, order=None))
    placed = any(isinstance(call, Place) for call in devices.calls)
    law("L7", placed is not full, "a PUT that the journal does not know" if placed else "a sale was not placed")


class _Texts(logging.Handler):
    """Everything that any library logs."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


def the_token_is_in_no_text() -> None:
    """L10: a server that repeats what it was sent, in every place that becomes a text."""
    config = MercadoPagoConfig(COLLECTOR, "STORE01", "KIOSK01", "")
    server, texts = ScriptedServer(), _Texts()
    logging.getLogger().addHandler(texts)
    level = logging.getLogger().level
    logging.getLogger().setLevel(logging.DEBUG)
    config = replace(config, base_url=f"http://127.0.0.1:{server.port}")
    lane = MercadoPago(config, Secret(TOKEN), SHOP.site, FakeClock(), title="Padaria")
    try:
        heard = [*_echoes(server, lane)]
    finally:
        logging.getLogger().setLevel(level)
        logging.getLogger().removeHandler(texts)
        lane.close()
        server.close()
    law("L10", len(server.requests) == len(heard), "a request was not made")
    sent = [request.headers.get("authorization") for request in server.requests]
    law("L10", sent == [f"Bearer {TOKEN}"] * len(heard), "the provider did not get the token")
    shown = [*map(repr, heard), *texts.texts, repr(Secret(TOKEN)), str(Secret(TOKEN))]
    law("L10", not any(TOKEN in text for text in shown), "the token is in a text")


def _echoes(server: ScriptedServer, lane: MercadoPago) -> list[CallAnswer]:
    echo = f"no policy allows {TOKEN} to do so, nor Bearer {TOKEN}"
    body = {"message": echo, "error": echo, "status": 403, "causes": [{"code": echo, "description": echo}]}
    question = AskAccount(request=1, until=1010.0)
    heard = []
    for status in (400, 401, 403, 404, 500):
        server.play(answer(status, body, x_request_id=TOKEN))
        heard.append(lane.carry_out(question))
    server.play(answer(200, json.dumps(echo).encode(), x_request_id=f"Bearer {TOKEN}"))
    heard.append(lane.carry_out(question))
    law("L10", all(isinstance(answered, Refused | Unknown) for answered in heard), "a refusal was taken for an answer")
    return heard


def a_rejected_payment_pays_nothing() -> None:
    """L1: only an approved payment of a complete order pays."""
    story = Story().ready().waiting()
    story.wait_for(Look)
    story.seen(order(story.sale, payment(state=PaymentState.REJECTED)))
    law("L1", story.public == "waiting", "a rejected payment paid")


HISTORIES: Final = MappingProxyType({each.__name__: each for each in (world, world_on_the_wire, world_on_disk)})
KILLERS: Final = MappingProxyType(
    {
        killer.__name__: killer
        for killer in (
            a_late_payment_has_its_ticket,
            a_part_of_a_statement_is_not_all_of_it,
            a_copy_of_a_presumed_ticket_says_so,
            money_that_nobody_watched_has_its_ticket,
            a_late_put_is_looked_for,
            a_cut_amount_is_refused,
            a_printer_that_dies_leaves_typing_alone,
            nothing_is_placed_that_could_not_be_written,
            what_was_written_is_placed,
            a_refusal_after_an_unknown_attempt_is_no_end,
            a_refusal_of_the_first_attempt_is_its_end,
            two_attempts_are_the_most,
            the_token_is_in_no_text,
            a_rejected_payment_pays_nothing,
            refusals_keep_the_contract,
            shapes_keep_the_contract,
            the_wire_keeps_the_contract,
            *EDGES,
        )
    }
)


def kill(name: str, seed: int = 0) -> None:
    """Run one; ``module::test`` is a test of the suite; ``seed``: where histories begin.

    Raises:
        AssertionError: its law does not hold, or the machine does not move on (L8), or an assertion of a story failed.
    """
    module, _, test = name.partition("::")
    try:
        if test:
            _run(getattr(importlib.import_module(f"tests.{module}"), test))
        elif name in HISTORIES:
            HISTORIES[name](seed)
        else:
            KILLERS[name]()
    except BrokenError as error:
        raise LawBroken(f"L8: {error}") from error
    except pytest.fail.Exception as failure:  # "DID NOT RAISE" is no AssertionError
        raise AssertionError(str(failure)) from failure


def _run(test: Callable[..., None]) -> None:
    """A test without fixtures, but for a folder of its own."""
    if "tmp_path" not in inspect.signature(test).parameters:
        test()
        return
    with TemporaryDirectory() as folder:
        test(tmp_path=Path(folder))
