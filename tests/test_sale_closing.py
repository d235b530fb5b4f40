"""The totals and the Z, told to the machine: durable, then printed; each sale in one of them; its paper is a debt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from kiosk.answers import why_not_closed
from kiosk.sale.commands import AskStatement, GiveBack, Lane, Look, Print, Save, Tune
from kiosk.sale.days import Close, CloseAsked, DayShown, DayWord, Totals
from kiosk.sale.events import Booking, Paper, Removal, Stop, Trouble
from kiosk.sale.records import DebtState, Mark, Sale
from kiosk.sale.shop import Shop
from kiosk.sale.states import Idle, MenuItem
from kiosk.sale.words import words_of
from tests.day_book import adds_up
from tests.refund_account import after_a_sale, wished
from tests.story import COLLECTOR, EPOCH, SHOP, Story, order, payment
from tests.world import World
from tests.world_adapters import DiskWorld
from tests.world_day import day, seeded
from tests.world_situations import closes_the_day

WORDS = words_of("pt")


def sold(shop: Shop = SHOP, story: Story | None = None, keys: str = "2500#") -> Story:
    """A sale with its ticket, and idle again."""
    story = (story or Story(shop).ready()).waiting(keys)
    return story.paid().printed().wait(2).free().keys("#")


def cancelled(story: Story) -> Sale:
    """A sale that nobody paid, and idle again."""
    sale = story.waiting().sale
    story.keys("*#").seen().removed().free().seen().wait(3.1).seen().wait(2).keys("#")
    return sale


def paid_late(story: Story, sale: Sale) -> None:
    """The watch of that sale finds its money."""
    while story.wait_for(Look, lane=Lane.BEHIND).reference != sale.reference:
        story.watch_seen()
    story.watch_seen(order(sale, payment("late", sale.cents)))


def zs(story: Story) -> list[Close]:
    return list(story.journal.days.closes.values())


def text(command: Print) -> list[str]:
    return [" ".join(filter(None, (line.text.strip(), line.right))) for line in command.ticket.lines]


# --- the totals -------------------------------------------------------------------------------------------------------


def test_who_never_sold_has_no_day_to_close() -> None:
    assert not {MenuItem.TOTALS, MenuItem.CLOSE} & set(Story().ready().counter.menu)
    assert {MenuItem.TOTALS, MenuItem.CLOSE} < set(sold().counter.menu)


def test_the_totals_are_shown_and_printed_on_request_and_nothing_is_closed() -> None:
    story = sold(story=sold(), keys="1000#").choose(MenuItem.TOTALS)
    assert story.text == f"{WORDS.totals} | 35,00 | Vendas pagas: 2 | {WORDS.totals_footer}"
    assert story.public == "idle"
    story.take()
    story.keys("#").in_state(Idle)
    [sheet] = story.did(Print)
    assert text(sheet)[3] == "X"
    assert "TOTAL R$ 35,00" in text(sheet)
    assert story.journal.days.closes == {}
    assert not any(debt.open for debt in story.journal.debts.values())


def test_totals_that_cannot_be_printed_are_refused_by_ear_and_do_not_come_out_later() -> None:
    story = sold().printer(Paper.OUT).choose(MenuItem.TOTALS)
    story.take()
    story.keys("#")
    assert story.heard(Tune.REFUSED)
    story.printer(Paper.OK).wait(60)
    assert not story.did(Print)


@pytest.mark.parametrize("item", [MenuItem.TOTALS, MenuItem.CLOSE])
def test_any_other_key_leaves_the_day_as_it_is(item: MenuItem) -> None:
    story = sold().choose(item)
    story.in_state(DayShown)
    story.take()
    story.keys("*").in_state(Idle)
    assert not story.did(Print)
    assert zs(story) == []
    assert sold().choose(item).keys("25").text.startswith("Valor | 0,25"), "an amount loses no digit"


def test_refunds_and_those_of_unknown_outcome_stand_on_the_paper() -> None:
    """R24: what is not known yet is carried over, not counted."""
    story = wished(after_a_sale(), "700").unknown(GiveBack, Trouble.SLOW, Lane.BEHIND).keys("#")
    story.choose(MenuItem.TOTALS)
    state = story.in_state(DayShown)
    totals = replace(state.day.totals, refunds=1, refunded_cents=500)
    story.counter = replace(story.counter, state=replace(state, day=replace(state.day, totals=totals)))
    story.take()
    story.keys("#")
    [sheet] = story.did(Print)
    lines = text(sheet)
    assert "Devoluções: 1 5,00" in lines
    at = lines.index("Devoluções sem resposta: 1 7,00")
    assert lines[at + 1] == "Venda 1 7,00"


# --- the Z ------------------------------------------------------------------------------------------------------------


def test_l7_the_day_is_closed_after_a_question_and_printed_when_that_is_durable() -> None:
    story = sold().choose(MenuItem.CLOSE)
    assert story.text.startswith(f"{WORDS.close_question} | 25,00")
    story.take()
    story.keys("#")
    done = list(enumerate(story.done))
    saves = [i for i, c in done if isinstance(c, Save) and any(isinstance(record, Close) for record in c.records)]
    prints = [i for i, c in done if isinstance(c, Print)]
    assert (len(saves), len(prints)) == (1, 1)
    assert saves < prints
    assert story.text == f"{WORDS.closed} | Z 1 | Vendas pagas: 1 | {WORDS.notice_footer} | [debt]"
    [close] = zs(story)
    assert close.totals == Totals(sales=1, cents=2500)
    assert text(story.jobs[0])[3] == "Z 1"
    story.printed().keys("#").in_state(Idle)
    assert story.journal.debts["z:1"].state is DebtState.PRINTED
    story.choose(MenuItem.CLOSE).keys("#").printed()
    assert zs(story)[1].totals == Totals(), "a day without sales is closed, too"
    assert [close.number for close in zs(story)] == [1, 2]


def test_a_sale_counts_in_the_z_after_its_payment_was_journalled_and_late_money_names_its_own_day() -> None:
    story = sold()
    sale = cancelled(story)
    story.choose(MenuItem.CLOSE).keys("#").printed().keys("#")
    paid_late(story, sale)
    story.printed().take()
    sold(story=story).choose(MenuItem.CLOSE).keys("#")
    first, second = zs(story)
    assert first.totals == Totals(sales=1, cents=2500, unpaid=1)
    assert first.watched == 1, "it might still bring money: carried over"
    assert second.totals == Totals(sales=2, cents=5000, late=1, late_cents=2500)
    lines = text(story.jobs[0])
    made = datetime.fromtimestamp(sale.made_at, UTC).strftime("%d/%m/%Y %H:%M")
    assert f"Venda 2  {made} 25,00" in lines
    assert f"{WORDS.day[DayWord.LATE]}: 1 25,00" in lines


def test_money_that_comes_while_the_question_stands_is_the_next_days() -> None:
    """What is closed is what was shown."""
    story = Story().ready()
    sale = cancelled(story)
    while story.wait_for(Look, lane=Lane.BEHIND).reference != sale.reference:
        story.watch_seen()
    story.choose(MenuItem.CLOSE).watch_seen(order(sale, payment("late", sale.cents))).keys("#")
    [close] = zs(story)
    assert close.totals == Totals(unpaid=1)
    assert story.journal.days.day().totals == Totals(sales=1, cents=2500, late=1, late_cents=2500)


def test_what_is_open_is_carried_over_by_name() -> None:
    story = sold()
    sale = cancelled(story)
    story.waiting().paid(payment("a", 2000), payment("b", 700)).print_failed(began=False).wait(2).free().keys("#")
    story.choose(MenuItem.CLOSE).keys("#")
    [close] = zs(story)
    assert (close.owed, close.watched, close.disputed, close.disputed_cents) == (2, 1, 1, 200)
    story.printer(Paper.OK)
    paper = story.journal.debts["z:1"].ticket
    named = [(line.text.strip(), line.right) for line in paper.lines if line.text.startswith("  Venda")]
    assert named == [
        *(("Venda 3", "2,00"), ("Venda 3", "25,00")),
        ("Venda 2", "25,00"),
        ("Venda 3", "2,00"),
    ]
    assert sale.number == 2


def test_the_paper_of_a_z_is_a_debt_and_no_ticket_of_money() -> None:
    story = sold().printer(Paper.OUT)
    last = story.counter.papers.last
    story.choose(MenuItem.CLOSE).keys("##")
    assert [debt.name for debt in story.counter.papers.debts] == ["Z 1"]
    assert story.text.startswith(f"{WORDS.ready} | 0,00 | Por imprimir: 1")
    story.take()
    story.printer(Paper.OK)
    [command] = story.did(Print)
    assert command.marks == ()
    assert command.ticket.reference == ""
    assert command.ticket.lines[-1].text == SHOP.site.disclaimer
    story.printed()
    assert story.counter.papers.last == last, "the last ticket is a sale's"
    assert story.journal.rows().last_ticket == last


def test_l3_a_z_that_was_at_the_printer_when_the_power_went_may_be_a_duplicate() -> None:
    story = sold().choose(MenuItem.CLOSE).keys("#").power_cut()
    story.account().free().printer(Paper.OK)
    [command] = story.did(Print)
    assert command.marks == (Mark.POSSIBLE_DUPLICATE,)
    assert story.counter.closed == zs(story)[0]
    story.printed().choose(MenuItem.CLOSE).keys("#")
    assert [close.number for close in zs(story)] == [1, 2]


def test_a_z_that_cannot_be_written_is_not_made_and_not_printed() -> None:
    story = sold().choose(MenuItem.CLOSE)
    story.take()
    story.journal.fails = True
    story.keys("#")
    assert story.public == "blocked"
    assert not story.did(Print)
    story.journal.fails = False
    story.wait(6)
    assert story.public == "idle"
    assert (zs(story), story.counter.closed, story.counter.papers.debts) == ([], None, ())
    story.choose(MenuItem.CLOSE).keys("#").printed()
    assert [(close.number, close.totals.sales) for close in zs(story)] == [(1, 1)]


def test_everything_of_a_test_account_says_training() -> None:
    story = sold(replace(SHOP, training=True)).choose(MenuItem.TOTALS).keys("#")
    assert story.jobs.pop().marks == (Mark.TRAINING,)
    story.wait(41)
    story.printer(Paper.OK).choose(MenuItem.CLOSE).keys("#")
    assert story.jobs[-1].marks == (Mark.TRAINING,)


def test_without_a_printer_a_day_is_closed_all_the_same() -> None:
    story = Story(replace(SHOP, printer=False)).account().free().waiting().paid().wait(2).free().keys("#")
    story.choose(MenuItem.CLOSE).keys("#")
    assert [close.number for close in zs(story)] == [1]
    assert story.journal.debts["z:1"].state is DebtState.PRESUMED
    story.keys("#").choose(MenuItem.TOTALS)
    assert story.text.endswith(WORDS.notice_footer)


# --- the technician closes --------------------------------------------------------------------------------------------


def test_the_technician_closes_the_day_at_once_while_nobody_is_served() -> None:
    story = sold()
    for state in ("idle", "entering"):
        story.feed(CloseAsked())
        assert story.public == state
        story.printed().keys("5")
    assert [close.number for close in zs(story)] == [1, 2]


def test_while_a_sale_is_in_front_no_day_is_closed() -> None:
    story = sold()
    steps: list[Callable[[], Story]] = [
        lambda: story.keys("2500#"),
        story.free,
        story.placed,
        lambda: story.keys("*#"),
        lambda: story.seen().removed(Removal.GONE).free(),
    ]
    states = []
    for step in steps:
        step()
        states.append(story.public)
        assert zs(story.feed(CloseAsked())) == []
        assert why_not_closed(story.counter) == "busy: a sale is open"
    assert states == ["placing", "placing", "waiting", "withdrawing", "checking"]


def test_while_the_kiosk_stops_no_day_is_closed() -> None:
    story = sold(story=Story().ready())
    story.feed(Stop()).feed(CloseAsked())
    assert zs(story) == []


def test_a_day_that_was_closed_meanwhile_is_not_closed_again() -> None:
    story = sold().choose(MenuItem.CLOSE).feed(CloseAsked()).printed()
    story.take()
    story.keys("#").in_state(Idle)
    assert story.heard(Tune.REFUSED)
    assert len(zs(story)) == 1


# --- the account ------------------------------------------------------------------------------------------------------


def account_lines(story: Story) -> list[str]:
    lines = [
        " ".join(filter(None, (line.text.strip(), line.right))) for line in story.journal.debts["z:1"].ticket.lines
    ]
    return lines[next(i for i, line in enumerate(lines) if line.startswith("Conta")) : -2]


def test_before_a_day_is_closed_the_account_is_asked_and_the_z_says_what_came_of_it() -> None:
    story = sold()
    assert not story.open_calls(AskStatement, Lane.BEHIND)
    story.choose(MenuItem.CLOSE)
    paid = replace(payment(), reference=story.journal.rows().watched[0].reference, collector=COLLECTOR)
    story.statement(Booking(paid, True, EPOCH + story.at))
    until = datetime.fromtimestamp(EPOCH + story.at, UTC).strftime("%d/%m/%Y %H:%M")
    story.keys("#")
    assert account_lines(story) == ["Conta confere", f"Até {until}"]


def test_without_an_answer_it_is_not_known_whether_the_account_agrees() -> None:
    for until, lines in ((None, 1), (EPOCH, 2)):
        story = sold()
        story.counter = replace(story.counter, audit=replace(story.counter.audit, until=until))
        story.counter = replace(story.counter, health=replace(story.counter.health, offset=None))
        story.choose(MenuItem.CLOSE).keys("#")
        assert account_lines(story)[0] == "Conta não se sabe"
        assert len(account_lines(story)) == lines


def test_differences_are_counted_with_what_they_are_worth() -> None:
    story = sold().choose(MenuItem.CLOSE).statement(missing=("p1",)).keys("#")
    assert account_lines(story)[:2] == ["Conta", "Diferenças: 1 -25,00"]
    assert (zs(story)[0].differences, zs(story)[0].difference_cents) == (1, -2500)


# --- clocks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("forward_s", [-2 * 86_400.0, -3600.0, 0.0, 86_400.0 * 400])
def test_a_clock_that_is_set_moves_no_sale_into_another_day(forward_s: float) -> None:
    """Positions alone count; the times are labels."""
    story = sold().choose(MenuItem.CLOSE).keys("#").printed().keys("#")
    sold(story=story)
    health = story.counter.health
    story.counter = replace(story.counter, health=replace(health, offset=(health.offset or 0.0) + forward_s))
    story.choose(MenuItem.CLOSE).keys("#")
    first, second = zs(story)
    assert abs(second.at - first.at - forward_s) < 60.0
    assert [close.totals for close in zs(story)] == [Totals(1, 2500)] * 2


@pytest.mark.parametrize(
    ("begins", "labels"),
    [
        # America/Santiago, 2030: clocks go from 24:00 back to 23:00 on 6 April, from 24:00 on to 1:00 on 7 September
        (datetime(2030, 4, 7, 2, 40, tzinfo=UTC), ["06/04/2030 23:40", "06/04/2030 23:20"]),
        (datetime(2030, 9, 8, 3, 40, tzinfo=UTC), ["07/09/2030 23:40", "08/09/2030 01:20"]),
    ],
)
def test_a_day_over_the_change_of_the_clocks_holds_what_was_sold_in_it(begins: datetime, labels: list[str]) -> None:
    shop = replace(SHOP, zone=ZoneInfo("America/Santiago"))
    story = Story(shop, at=begins.timestamp() - EPOCH).ready()
    sold(story=story).choose(MenuItem.CLOSE).keys("#").printed().keys("#")
    story.power_cut(off_s=40 * 60.0).account().free().printer(Paper.OK)
    sold(story=story).choose(MenuItem.CLOSE).keys("#")
    lines = text(story.jobs[-1])
    assert [zs(story)[1].totals, zs(story)[0].totals] == [Totals(1, 2500)] * 2
    assert [line.partition(" ")[2] for line in lines if line.startswith(("Desde", "Até"))][:2] == labels


# --- histories --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [World, DiskWorld])
def test_all_zs_and_the_open_day_are_all_paid_sales_whatever_happens(kind: type[World]) -> None:
    """Days with every trouble and power cuts, closed at any moment; the journal on the disk counts as the one here."""
    closed = 0
    for seed in range(6 if kind is DiskWorld else 12):
        world = kind(seeded(seed))
        for _ in range(5):
            closes_the_day(world)
        day(world, 12, name=f"seed {seed}")
        book = world.journal.days
        journal = world.journal
        adds_up(book.closes.values(), journal.day(), journal.sales.values(), journal.wishes.values())
        closed += len(book.closes)
    assert closed > 10
