"""``kiosk sales reconcile``: a day of the journal against the account; by hand, and against the fake Mercado Pago."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from queue import SimpleQueue

import pytest

from kiosk.agreement import PART_MIN_S, Unclear, reconcile, write
from kiosk.cli import main
from kiosk.config import MercadoPagoConfig, Secret
from kiosk.journal import Reader, SqliteJournal
from kiosk.loop import Loop
from kiosk.mercadopago import MercadoPago
from kiosk.sale.commands import AskAccount, AskPrinter, AskStatement, Lane, PaymentCall, Place, Print, Tune
from kiosk.sale.events import (
    AccountIs,
    Booking,
    CallAnswer,
    Paper,
    PaperIs,
    PaymentSeen,
    PaymentState,
    Placed,
    Printed,
    Refused,
    Reject,
    StatementIs,
    Trouble,
    Unknown,
)
from kiosk.sale.lights import Lights
from kiosk.sale.reconcile import Kind
from kiosk.sale.records import Agreed, Entry, Line, Mark, Phase, Reason, Record, Sale, make_reference
from kiosk.sale.screens import Screen
from kiosk.sim.mercadopago import FakeMercadoPago
from kiosk.sim.served import bound, served
from kiosk.supervisors import Supervisors
from tests.story import COLLECTOR, SHOP

DAY = date(2030, 3, 17)
NOON = datetime(2030, 3, 17, 12, tzinfo=UTC).timestamp()
TOKEN = "APP_USR-123-456-abcdef-789"


def sale(number: int, payment: str = "", *, phase: Phase = Phase.PAID, at: float = NOON, **changes: object) -> Sale:
    made = Sale(
        make_reference(SHOP.pos_id, number, 7 * number),
        number,
        2500,
        "BRL",
        (Line("Padaria", 1, 2500),),
        "k",
        at,
        phase,
        payments=(payment,) if payment else (),
        paid_at=at if payment else None,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def booking(id_: str, reference: str, cents: int = 2500, state: PaymentState = PaymentState.APPROVED) -> Booking:
    return Booking(PaymentSeen(id_, state, cents, "BRL", reference=reference, collector=COLLECTOR), here=True)


class Account:
    """Answers each part of the day with what was made in it."""

    def __init__(self, *shown: tuple[float, Booking], user_id: int = COLLECTOR) -> None:
        self.shown = shown
        self.user_id = user_id
        self.asked: list[AskStatement] = []
        self.date: float | None = None
        self.fails: Callable[[AskStatement], CallAnswer | None] = lambda _: None
        self.most = 1000
        """Payments read in one call."""

    def carry_out(self, call: AskAccount | AskStatement) -> CallAnswer:
        if isinstance(call, AskAccount):
            return AccountIs(request=1, user_id=self.user_id, site="MLB", test=False, date=self.date)
        self.asked.append(call)
        found = [booking for at, booking in self.shown if call.begin <= at < call.end]
        by_id = {booking.payment.id: booking for _, booking in self.shown}
        missing = tuple(name for name in call.known if name not in by_id)
        found += [by_id[name] for name in call.known if name in by_id and by_id[name] not in found]
        whole = len(found) <= self.most
        return self.fails(call) or StatementIs(request=2, bookings=tuple(found), missing=missing, whole=whole)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SqliteJournal]:
    with closing(SqliteJournal(tmp_path / "journal.db")) as journal:
        yield journal


def told(account: Account, journal: SqliteJournal, day: date = DAY, *, as_json: bool = False) -> tuple[int, str]:
    """Exit status and text."""
    out = io.StringIO()
    with Reader(journal.path) as reader:
        found = reconcile(SHOP, account, reader, day, lambda: 1000.0)
    return write(found, SHOP, out, as_json=as_json), out.getvalue()


# --- told -------------------------------------------------------------------------------------------------------------


def test_a_day_that_agrees_is_one_line(journal: SqliteJournal) -> None:
    first, second = sale(1, "p1"), sale(2, "p2", at=NOON + 3600.0)
    journal.save([first, second, sale(3, phase=Phase.WITHDRAWN)], [], NOON)
    account = Account((NOON, booking("p1", first.reference)), (NOON + 3600.0, booking("p2", second.reference)))
    assert told(account, journal) == (0, "2030-03-17: the account agrees: 2 sales, R$ 50,00\n")
    assert all(not call.changed for call in account.asked)


def test_a_day_without_sales_agrees(journal: SqliteJournal) -> None:
    assert told(Account(), journal) == (0, "2030-03-17: the account agrees: 0 sales, R$ 0,00\n")


def test_every_kind_of_difference_with_what_to_do(journal: SqliteJournal) -> None:
    agrees, lost, amount, returned = sale(1, "p1"), sale(2, "p2"), sale(3, "p3"), sale(4, "p4")
    late, followed = sale(5, phase=Phase.WITHDRAWN), sale(6, phase=Phase.WITHDRAWN, watched=True)
    journal.save([agrees, lost, amount, returned, late, followed], [], NOON)
    shown = [
        booking("p1", agrees.reference),
        booking("p9", agrees.reference),
        booking("p3", amount.reference, 2400),
        booking("p4", returned.reference, state=PaymentState.REFUNDED),
        booking("p5", late.reference),
        booking("p6", followed.reference),
        booking("p7", ""),
        booking("p8", "", state=PaymentState.REJECTED),
    ]
    account = Account(*((NOON, each) for each in shown))
    status, text = told(account, journal)
    assert status == 1
    lines = text.splitlines()
    assert [line for line in lines if not line.startswith(" ")] == [
        "sale 1: paid twice, R$ 25,00 more, payment p9",
        "sale 3: R$ 25,00 here and R$ 24,00 there, payment p3",
        "sale 4: of R$ 25,00 only R$ 0,00 is left there, payment p4",
        "sale 5: R$ 25,00 paid there and not here, payment p5",
        "no sale: R$ 25,00 paid there and not here, payment p7",
        "sale 2: R$ 25,00 paid here and not there, payment p2",
        "known: sale 6: R$ 25,00, payment p6: its sale is still followed",
        "2030-03-17: 6 differences: 4 sales, R$ 100,00",
    ]
    assert sum(line.startswith("    -> ") for line in lines) == 6
    assert "fixed_amount" in lines[lines.index("no sale: R$ 25,00 paid there and not here, payment p7") + 1]
    assert f"    reference {late.reference}" in lines

    status, text = told(account, journal, as_json=True)
    found = json.loads(text)
    assert (status, found["agrees"], found["sales"], found["cents"]) == (1, False, 4, 10000)
    assert {each["kind"] for each in found["differences"]} == {kind.value for kind in Kind}
    assert [(each["why"], each["payment"]) for each in found["known"]] == [("open", "p6")]


def test_one_difference_is_not_plural(journal: SqliteJournal) -> None:
    journal.save([sale(1, "p1")], [], NOON)
    assert told(Account(), journal)[1].splitlines()[-1] == "2030-03-17: 1 difference: 1 sales, R$ 25,00"


# --- the day ----------------------------------------------------------------------------------------------------------


def test_a_day_is_the_shops_own(journal: SqliteJournal) -> None:
    account = Account()
    told(account, journal)
    midnight = datetime(2030, 3, 17, tzinfo=UTC).timestamp()
    assert (account.asked[0].begin, account.asked[-1].end) == (midnight, midnight + 86_400.0)
    assert all(before.end == after.begin for before, after in zip(account.asked, account.asked[1:], strict=False))


def test_of_today_there_is_nothing_to_ask_after_now(journal: SqliteJournal) -> None:
    account = Account()
    account.date = NOON
    told(account, journal)
    assert account.asked[-1].end == NOON + 60.0
    account.asked.clear()
    assert told(account, journal, DAY + timedelta(days=3))[0] == 0
    assert account.asked == []


def test_a_day_that_the_search_does_not_cover_any_more_is_not_known(journal: SqliteJournal) -> None:
    """Otherwise all its payments would seem to be missing."""
    account = Account()
    account.date = NOON
    with pytest.raises(Unclear, match="12 months"):
        told(account, journal, DAY - timedelta(days=370))
    assert told(account, journal, DAY - timedelta(days=350))[0] == 0


def test_what_was_made_before_midnight_and_paid_after_it_agrees_on_both_days(journal: SqliteJournal) -> None:
    """By id there, and by reference here: a day has no edge."""
    midnight = datetime(2030, 3, 18, tzinfo=UTC).timestamp()
    late = sale(1, "p1", at=midnight + 5.0)
    journal.save([late], [], NOON)
    account = Account((midnight - 5.0, booking("p1", late.reference)))
    assert told(account, journal) == (0, "2030-03-17: the account agrees: 0 sales, R$ 0,00\n")
    assert told(account, journal, date(2030, 3, 18)) == (0, "2030-03-18: the account agrees: 1 sales, R$ 25,00\n")


# --- not known --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (Unknown(request=2, trouble=Trouble.NETWORK), "no answer: network"),
        (Refused(request=2, reject=Reject.TOKEN, detail="401 unauthorized"), "refused: 401 unauthorized"),
    ],
)
def test_l6_an_account_that_does_not_answer_leaves_it_open(
    journal: SqliteJournal, failure: CallAnswer, words: str
) -> None:
    """Also where the first parts of the day were answered."""
    account = Account()
    account.fails = lambda call: failure if len(account.asked) == 3 else None
    with pytest.raises(Unclear, match=words):
        told(account, journal)


def test_another_accounts_payments_prove_nothing(journal: SqliteJournal) -> None:
    journal.save([sale(1, "p1")], [], NOON)
    with pytest.raises(Unclear, match="the token belongs to user 1, not to 123456789"):
        told(Account(user_id=1), journal)


def test_a_busy_hour_is_read_in_smaller_parts(journal: SqliteJournal) -> None:
    sales = [sale(number, f"p{number}", at=NOON + number * 900.0) for number in range(1, 9)]
    journal.save(sales, [], NOON)
    account = Account(*((each.made_at, booking(each.payments[0], each.reference)) for each in sales))
    account.most = 2
    assert told(account, journal) == (0, "2030-03-17: the account agrees: 8 sales, R$ 200,00\n")
    account.most = -1
    with pytest.raises(Unclear, match="not all of the account's payments"):
        told(account, journal)
    assert account.asked[-1].end - account.asked[-1].begin <= PART_MIN_S


# --- the command, against the fake account ----------------------------------------------------------------------------


class World:
    """A shop with its journal and a fake account, and the real way from one to the other."""

    def __init__(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.now = NOON
        self.path = tmp_path
        self.capsys = capsys
        self.fake = FakeMercadoPago(
            wall=lambda: self.now, token=TOKEN, user_id=COLLECTOR, store="STORE01", pos="KIOSK01"
        )
        token = tmp_path / "token"
        token.write_text(TOKEN)
        token.chmod(0o600)

    def run(self, talk: Callable[[World, int], None]) -> None:
        async def serve() -> None:
            listener = bound("127.0.0.1", 0)
            async with served(self.fake.app, listener, date_header=False):
                await asyncio.to_thread(talk, self, listener.getsockname()[1])

        asyncio.run(serve())

    def sell(self, port: int, number: int, *, pay: str = "pay") -> tuple[Sale, str]:
        """Put an order on the POS and let the customer pay it: the sale as it was placed, and its payment."""
        config = MercadoPagoConfig(COLLECTOR, "STORE01", "KIOSK01", f"http://127.0.0.1:{port}")
        placed = sale(number, phase=Phase.PLACING, at=self.now, puts=1)
        with closing(MercadoPago(config, Secret(TOKEN), SHOP.site, lambda: 0.0, title="Padaria")) as lane:
            call = Place(request=1, reference=placed.reference, until=10.0, lane=Lane.FRONT, sale=placed)
            assert isinstance(lane.carry_out(call), Placed)
        payments = self.fake.customer(pay)["payments"]
        assert isinstance(payments, list)
        return placed, str(payments[-1])

    def write(self, *records: Record) -> None:
        """Into the journal, as the kiosk would."""
        with closing(SqliteJournal(self.path / "journal.db")) as journal:
            journal.save(records, [], self.now)

    def reconcile(self, port: int, *arguments: str) -> tuple[int, str, str]:
        """The command: exit status, what it said, and its error."""
        (self.path / "kiosk.toml").write_text(f"""
[shop]
name = "EXAMPLE"
site = "MLB"
timezone = "UTC"
[mercadopago]
user_id = {COLLECTOR}
external_store_id = "STORE01"
external_pos_id = "KIOSK01"
base_url = "http://127.0.0.1:{port}"
access_token_file = "{self.path}/token"
[journal]
path = "{self.path}/journal.db"
""")
        config = ["--config", str(self.path / "kiosk.toml")]
        self.capsys.readouterr()
        status = main(["sales", *config, "reconcile", "--day", "2030-03-17", *arguments])
        said = self.capsys.readouterr()
        return status, said.out, said.err


def test_the_command_finds_what_only_the_account_knows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One sale agrees, one was paid when nobody watched, one is of a journal that was lost."""

    def talk(world: World, port: int) -> None:
        world.fake.ledger.behaviour.page_max = 2  # more pages than one
        first, paid_by = world.sell(port, 1)
        world.write(replace(first, phase=Phase.PAID, payments=(paid_by,), paid_at=NOON))
        assert world.reconcile(port) == (0, "2030-03-17: the account agrees: 1 sales, R$ 25,00\n", "")
        late, late_payment = world.sell(port, 2)
        world.write(replace(late, phase=Phase.WITHDRAWN))
        lost, lost_payment = world.sell(port, 3)
        world.now += 86_400.0
        world.sell(port, 4)  # tomorrow's
        status, out, _ = world.reconcile(port)
        assert status == 1
        assert f"sale 2: R$ 25,00 paid there and not here, payment {late_payment}" in out
        assert f"no sale: R$ 25,00 paid there and not here, payment {lost_payment}" in out
        assert f"reference {lost.reference}" in out
        assert out.splitlines()[-1] == "2030-03-17: 2 differences: 1 sales, R$ 25,00"
        status, out, _ = world.reconcile(port, "--json")
        assert (status, len(json.loads(out)["differences"])) == (1, 2)

    World(tmp_path, capsys).run(talk)


class Kiosk:
    """The running kiosk: the real loop, journal and adapter, under a clock that the test turns; no devices."""

    watchdog_s: float | None = None

    def __init__(self, world: World, port: int, journal: SqliteJournal) -> None:
        config = MercadoPagoConfig(COLLECTOR, "STORE01", "KIOSK01", f"http://127.0.0.1:{port}")
        self.at = 1000.0
        self.world = world
        self.papers: list[Print] = []
        self.inbox: SimpleQueue[object] = SimpleQueue()
        self.lane = MercadoPago(config, Secret(TOKEN), SHOP.site, lambda: self.at, title="Padaria")
        ids = iter(range(1, 1000))
        self.loop = Loop(
            SHOP,
            journal,
            self,
            self,
            self.inbox,
            supervisors=Supervisors(()),
            clock=lambda: self.at,
            wall=lambda: world.now,
            new_id=lambda: next(ids) * 0x9E3779B97F4A7C15F39CC0605CEDC834,
        )

    def run(self, seconds: float) -> None:
        """Let so much time pass."""
        until = self.at + seconds
        while True:
            while not self.inbox.empty():
                self.loop.turn(0.0)
            wakes_at = max(self.at, self.loop.counter.wakes_at)
            if wakes_at > until:
                break
            self.world.now += wakes_at - self.at
            self.at = wakes_at
            self.loop.turn(0.0)
        self.world.now += until - self.at
        self.at = until

    def read_again(self) -> None:
        """The hour is over."""
        counter = self.loop.counter
        self.loop.counter = replace(counter, audit=replace(counter.audit, due=self.at))

    def call(self, lane: Lane, call: PaymentCall) -> None:
        self.inbox.put(self.lane.carry_out(call))

    def print(self, command: Print | AskPrinter) -> None:
        if isinstance(command, Print):
            self.papers.append(command)
        self.inbox.put(Printed(command.job) if isinstance(command, Print) else PaperIs(Paper.OK))

    def show(self, screen: Screen) -> None:
        """Nobody looks."""

    def play(self, tune: Tune) -> None:
        """Nobody listens."""

    def light(self, lights: Lights) -> None:
        """Nobody sees."""

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


def test_the_running_kiosk_makes_safe_what_the_command_would_find(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """L2: paid when nobody watched, and money of a journal that was lost; one statement shows both."""

    def talk(world: World, port: int) -> None:
        over, late_payment = world.sell(port, 1)
        ended = NOON - 7200.0
        world.write(replace(over, phase=Phase.WITHDRAWN, expires=ended, ended_at=ended), Agreed(NOON - 60.0))
        _, lost_payment = world.sell(port, 2)
        with closing(SqliteJournal(world.path / "journal.db")) as journal:
            kiosk = Kiosk(world, port, journal)
            kiosk.run(31.0)  # the statement, and then the watch of the sale that it shows
            kiosk.run(15.0)
            paid = journal.find(over.reference)
            assert paid is not None
            assert (paid.phase, paid.payments, paid.late) == (Phase.PAID, (late_payment,), True)
            disputes = journal.rows().disputes
            assert [(dispute.payment, dispute.reason) for dispute in disputes] == [(lost_payment, Reason.UNKNOWN_ORDER)]
            marks = [set(paper.marks) & {Mark.PAID_AFTER_CANCEL, Mark.MONEY_TO_SETTLE} for paper in kiosk.papers]
            assert sorted(map(len, marks)) == [1, 1]
            assert set().union(*marks) == {Mark.PAID_AFTER_CANCEL, Mark.MONEY_TO_SETTLE}
            kiosk.read_again()
            kiosk.run(15.0)
            assert journal.rows().agreed_until == kiosk.loop.counter.audit.end
            assert len(kiosk.papers) == 2, "once, not each hour"
            kiosk.lane.close()
        status, out, _ = world.reconcile(port)
        assert status == 0
        assert f"payment {lost_payment}: money to settle, not settled yet" in out

    World(tmp_path, capsys).run(talk)


def test_the_command_says_when_it_does_not_know(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def talk(world: World, port: int) -> None:
        world.write()
        world.fake.set_trouble("mp-down", True)
        status, out, error = world.reconcile(port)
        assert (status, out) == (1, "")
        assert error.startswith("kiosk: unknown whether the account agrees: no answer: server (")
        assert len(error.splitlines()) == 1
        assert TOKEN not in error

    World(tmp_path, capsys).run(talk)
