"""Each law, by its number: what it refuses, beside what it allows; and the planted bugs that it must notice.

The observer (``tests.laws``) is held against forged steps here. That the machine keeps the laws is for the stories and
the simulated world to show; that both would notice a bug, for the mutants (``tests.world_mutants``).
"""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import importlib
import inspect
from collections import Counter as Tally
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import kiosk.config
import kiosk.sale
from kiosk.config import Secret, load
from kiosk.sale import commands, events, records, screens, states, turn
from kiosk.sale.basket import Basket
from kiosk.sale.commands import AskPos, Command, Look, Place, Print, Save, Sound, Tune, Withdraw
from kiosk.sale.counter import Counter
from kiosk.sale.events import Event, Key, Paper, PaperIs, PaymentState, Printed, Removal, Woken
from kiosk.sale.records import Debt, DebtState, Line, Mark, Phase, Ticket
from kiosk.sale.shop import Shop
from kiosk.sale.states import Entering, Idle
from tests.laws import LawBroken
from tests.laws_refunds import audit_refunds
from tests.refund_records import REFUND, done
from tests.story import SHOP, Story, order, payment
from tests.world import World
from tests.world_adapters import DiskWorld, WireWorld
from tests.world_day import day, seeded
from tests.world_killers import HISTORIES, KILLERS, kill
from tests.world_mutants import KEPT, MUTANTS, Mutant, killed, planted


def broken(number: str) -> pytest.RaisesExc[LawBroken]:
    """That law, and no other, does not hold."""
    return pytest.raises(LawBroken, match=rf"^{number}: ")


def waiting() -> Story:
    """An order is on the POS."""
    return Story().ready().waiting()


def paid() -> Story:
    """A paid sale whose ticket is out."""
    return waiting().paid().printed()


def step(story: Story, event: Event, *did: Command, after: Counter | None = None) -> None:
    """A step as the observer sees it."""
    story.laws.check(story.counter, event, after or story.counter, did)


# --- L1 ---------------------------------------------------------------------------------------------------------------


def test_l1_a_sale_is_paid_only_by_what_was_answered() -> None:
    story = waiting()
    sale = replace(story.sale, phase=Phase.PAID, payments=("p1",))
    with broken("L1"):
        story.laws.saved(Save((sale,)))
    story.paid()
    story.laws.saved(Save((story.sale,)))


@pytest.mark.parametrize(
    "change",
    [{"complete": False}, {"cents": 2400}, {"collector": 1}, {"collector": None}, {"reference": "another"}],
    ids=str,
)
def test_l1_an_order_that_is_not_ours_whole_and_over_our_amount_proves_nothing(change: dict[str, object]) -> None:
    story = waiting()
    story.wait_for(Look)
    story.seen(order(story.sale, payment(), **change))  # type: ignore[arg-type]  # one field each
    with broken("L1"):
        story.laws.saved(Save((replace(story.sale, phase=Phase.PAID, payments=("p1",)),)))


def test_l1_one_payment_completes_one_sale() -> None:
    story = paid()
    first = story.sale
    second = replace(first, reference="KIOSK01-2-other", number=2)
    story.laws.saved(Save((first,)))
    story.laws.proofs[second.reference] = {"p1"}
    story.journal.debts[second.reference] = story.journal.debts[first.reference]
    with broken("L1"):
        story.laws.saved(Save((second,)))


def test_l1_no_ticket_without_proof_and_no_slip_that_looks_like_one() -> None:
    story = paid()
    ticket = story.did(Print)[0].ticket
    with broken("L1"):
        story.laws.carried_out(Print(9, replace(ticket, reference="KIOSK01-9-x"), (Mark.POSSIBLE_DUPLICATE,)))
    slip = Debt("slip:p2", 1, 900, Ticket((), reference=story.sale.reference), 0.0, state=DebtState.PRINTING)
    story.journal.debts[slip.id] = slip
    with broken("L1"):
        story.laws.carried_out(Print(9, slip.ticket))
    story.laws.carried_out(Print(9, slip.ticket, (Mark.MONEY_TO_SETTLE,)))
    story.laws.carried_out(Print(10, ticket, (Mark.COPY,)))


def test_l1_the_sound_of_paid_is_for_who_stands_in_front() -> None:
    story = waiting()
    with broken("L1"):
        step(story, Woken(), Sound(Tune.PAID))
    step(story, Woken(), Sound(Tune.ATTENTION))
    story.paid()
    assert story.heard(Tune.PAID)


def test_l1_no_paper_while_a_sale_is_open() -> None:
    story = paid()
    command = Print(9, story.did(Print)[0].ticket, (Mark.COPY,))
    step(story, Woken(), command)
    story.wait(2).free().keys("5D#").free().placed()
    with broken("L1"):
        step(story, Woken(), command)


def test_l1_paid_on_the_screen_needs_the_same_proof() -> None:
    story = waiting()
    before = story.counter
    said_paid = replace(before, state=states.Paid(replace(story.sale, payments=("p1",)), story.at))
    with broken("L1"):
        story.laws.check(before, Woken(), said_paid, ())
    story.laws.proofs[story.sale.reference] = {"p1"}
    story.laws.check(before, Woken(), said_paid, ())


def test_l1_a_ticket_is_not_marked_as_a_slip() -> None:
    story = paid()
    ticket = story.did(Print)[0].ticket
    with broken("L1"):
        story.laws.carried_out(Print(9, ticket, (Mark.COPY, Mark.MONEY_TO_SETTLE)))
    story.laws.carried_out(Print(10, ticket, (Mark.COPY,)))


# --- L2 ---------------------------------------------------------------------------------------------------------------


def test_l2_who_paid_is_owed_a_ticket() -> None:
    story = paid()
    sale = story.sale
    story.laws.saved(Save((sale,)))
    del story.journal.debts[sale.reference]
    with broken("L2"):
        story.laws.saved(Save((sale,)))


def test_l2_a_watch_does_not_end_while_money_has_no_place() -> None:
    story = paid()
    sale = story.sale
    story.wait(2000)
    story.wait_for(Look, lane=commands.Lane.BEHIND)
    late = order(sale, payment("p2"), id_="m2")
    story.watch_seen(order(sale, payment()), late)
    over = Save((replace(sale, watched=False, expires=None),))
    dispute = story.journal.disputes.pop("p2")
    with broken("L2"):
        story.laws.saved(over)
    story.laws.booted(Counter(SHOP))
    story.journal.disputes["p2"] = dispute
    story.laws.saved(over)


# --- L3 ---------------------------------------------------------------------------------------------------------------


def test_l3_there_is_one_original() -> None:
    story = waiting().paid()
    command = story.did(Print)[0]
    with broken("L3"):
        story.laws.carried_out(replace(command, job=9))
    story.laws.carried_out(replace(command, job=9, marks=(Mark.POSSIBLE_DUPLICATE,)))


def test_l3_a_print_of_which_no_byte_left_is_no_original() -> None:
    story = waiting().paid().print_failed(began=False)
    story.printer(Paper.OK)
    assert [command.marks for command in story.did(Print)] == [(), ()]


def test_l3_a_copy_has_an_original_that_is_out() -> None:
    story = waiting().paid()
    copy = replace(story.did(Print)[0], job=9, marks=(Mark.COPY,))
    with broken("L3"):
        story.laws.carried_out(copy)
    story.printed()
    story.laws.carried_out(copy)


# --- L4 ---------------------------------------------------------------------------------------------------------------


def test_l4_idle_needs_a_proof_that_was_asked_for_after_the_last_put() -> None:
    story = waiting().paid().printed()
    idle = replace(story.counter, state=Idle())
    with broken("L4"):
        step(story, Woken(), after=idle)
    story.wait(2).free()
    step(story, Woken(), after=idle)


def test_l4_nothing_is_put_on_a_pos_that_was_not_proved_free() -> None:
    story = Story().ready().keys("2500#").free()
    place = story.open_calls(Place)[0]
    with broken("L4"):
        story.laws.carried_out(place)
    prove(story)
    story.laws.carried_out(place)


def test_l4_every_order_of_ours_is_watched() -> None:
    story = waiting()
    story.laws.watched(story.counter)
    with broken("L4"):
        story.laws.watched(replace(story.counter, state=Idle()))


def test_l4_a_watch_ends_half_an_hour_after_the_orders_last_moment() -> None:
    story = paid()
    sale = story.sale
    story.wait_for(Look, lane=commands.Lane.BEHIND)
    story.watch_seen(order(sale, payment()))
    assert sale.expires is not None
    over = replace(sale, watched=False)
    with broken("L4"):
        story.laws.saved(Save((over,)))
    story.laws.booted(Counter(SHOP))
    story.laws.saved(Save((replace(over, expires=sale.expires - 3600),)))


def test_l4_a_watch_ends_with_a_look_and_with_nothing_under_way() -> None:
    story = paid()
    over = replace(story.sale, watched=False, expires=None)
    with broken("L4"):
        story.laws.saved(Save((over,)))
    for state, allowed in ((PaymentState.PENDING, False), (PaymentState.REJECTED, True)):
        story.laws.booted(Counter(SHOP))
        story.wait_for(Look, lane=commands.Lane.BEHIND)
        story.watch_seen(order(story.sale, payment()), order(story.sale, payment("p2", state=state), id_="m2"))
        if allowed:
            story.laws.saved(Save((over,)))
        else:
            with broken("L4"):
                story.laws.saved(Save((over,)))


def test_l4_a_kiosk_that_starts_is_not_ready() -> None:
    story = Story()
    story.laws.booted(story.counter)
    with broken("L4"):
        story.laws.booted(replace(story.counter, state=Idle()))


# --- L5 ---------------------------------------------------------------------------------------------------------------


def test_l5_the_amount_never_changes() -> None:
    story = waiting()
    sale = story.sale
    story.laws.saved(Save((sale,)))
    with broken("L5"):
        story.laws.saved(Save((replace(sale, cents=2600, lines=(Line("x", 1, 2600),)),)))
    with broken("L5"):
        story.laws.saved(Save((replace(sale, lines=(Line("x", 1, 2600),)),)))


def test_l5_what_was_typed_is_sold() -> None:
    story = Story().ready().keys("2500")
    before = story.counter
    story.keys("#")
    guarding = story.counter
    story.laws.check(before, Key("#"), guarding, ())
    assert isinstance(before.state, Entering)
    other = replace(before, state=replace(before.state, basket=before.state.basket.press("1")))
    with broken("L5"):
        story.laws.check(other, Key("#"), guarding, ())
    typed = before.state.basket.typed
    cut = replace(before, state=replace(before.state, basket=Basket(typed=replace(typed, extra=1))))
    with broken("L5"):
        story.laws.check(cut, Key("#"), guarding, ())
    other = replace(before, state=replace(before.state, basket=Basket((Line("x", 1, 1000), Line("x", 1, 1500)))))
    with broken("L5"):  # the same amount, of other items
        story.laws.check(other, Key("#"), guarding, ())


def test_l5_what_was_rung_up_is_sold() -> None:
    """Every item, as often as it was said."""
    story = Story().ready().keys("250A3B450")
    before = story.counter
    story.keys("#")
    guarding = story.counter
    story.laws.check(before, Key("#"), guarding, ())
    assert isinstance(before.state, Entering)
    for basket in (
        replace(before.state.basket, lines=()),
        replace(before.state.basket, times=4),
        replace(before.state.basket, times=0),
        before.state.basket.add("x").back(),
        Basket((Line("x", 3, 250), Line("x", 1, 850))),
    ):
        with broken("L5"):
            story.laws.check(replace(before, state=replace(before.state, basket=basket)), Key("#"), guarding, ())


def test_l5_the_order_is_over_the_amount() -> None:
    story = Story().ready().keys("2500#").free()
    place = story.did(Place)[0]
    story.laws.booted(Counter(SHOP))
    prove(story)
    with broken("L5"):
        story.laws.carried_out(replace(place, sale=replace(place.sale, cents=2600)))
    story.laws.carried_out(place)


def prove(story: Story) -> None:
    """The POS is free, after all that was put on it."""
    story.laws.carried_out(AskPos(request=77, until=0.0))
    story.laws.check(story.counter, events.Holds(request=77, order=None), story.counter, ())


def test_l5_the_ticket_is_over_the_amount() -> None:
    story = paid()
    debt = story.journal.debts[story.sale.reference]
    story.laws.saved(Save((debt,)))
    with broken("L5"):
        story.laws.saved(Save((replace(debt, cents=2600),)))


# --- L6 ---------------------------------------------------------------------------------------------------------------


def test_l6_refused_is_only_what_was_refused() -> None:
    unknown = Story().ready().keys("2500#").free().unknown(Place)
    sale = replace(unknown.sale, phase=Phase.REFUSED)
    with broken("L6"):
        unknown.laws.saved(Save((sale,)))
    refused = Story().ready().keys("2500#").free().refused(Place, events.Reject.INVALID)
    refused.laws.saved(Save((replace(sale, phase=Phase.REFUSED),)))


def test_l6_withdrawn_is_only_what_we_took_and_looked_for_afterwards() -> None:
    story = waiting().keys("*#").seen()
    withdrawn = replace(story.sale, phase=Phase.WITHDRAWN, watched=True)
    with broken("L6"):
        story.laws.saved(Save((withdrawn,)))
    story.removed().free()
    with broken("L6"):
        story.laws.saved(Save((withdrawn,)))
    story.seen()
    story.laws.saved(Save((withdrawn,)))


@pytest.mark.parametrize(("another", "allowed"), [(False, True), (True, False)])
def test_l6_an_answer_that_comes_twice_takes_nothing_away_once_more(another: bool, allowed: bool) -> None:
    """A look after the first is a look after it was gone; after another DELETE it is not."""
    story = waiting().keys("*#").seen()
    delete = story.open_calls(Withdraw)[0]
    withdrawn = replace(story.sale, phase=Phase.WITHDRAWN, watched=True)
    story.removed().free().seen()
    again = events.Removed(
        request=delete.request + 50 * another, reference=delete.reference, removal=events.Removal.BY_US
    )
    step(story, again)
    if allowed:
        story.laws.saved(Save((withdrawn,)))
    else:
        with broken("L6"):
            story.laws.saved(Save((withdrawn,)))


def test_l6_with_money_there_nothing_is_called_withdrawn() -> None:
    story = waiting().keys("*#").seen().removed().free()
    withdrawn = replace(story.sale, phase=Phase.WITHDRAWN)
    story.seen(order(story.sale, payment(cents=900), complete=False))
    with broken("L6"):
        story.laws.saved(Save((withdrawn,)))


def test_l6_the_sound_of_a_withdrawn_order_is_for_one_that_is() -> None:
    story = waiting().keys("*#").seen().removed(Removal.GONE).free()
    assert story.public == "checking"
    with broken("L6"):
        step(story, Woken(), Sound(Tune.WITHDRAWN))
    story = waiting().keys("*#").seen().removed().free().seen().wait(3.1).seen()
    assert story.public == "notice"
    assert story.heard(Tune.WITHDRAWN)
    step(story, Woken(), Sound(Tune.WITHDRAWN))


def test_l6_two_attempts_are_the_most() -> None:
    story = Story().ready().keys("2500#").free()
    place = story.did(Place)[0]
    for puts, allowed in ((2, True), (3, False)):
        again = replace(place, sale=replace(place.sale, puts=puts))
        story.journal.sales[place.reference] = again.sale
        if allowed:
            story.laws.carried_out(again)
        else:
            with broken("L6"):
                story.laws.carried_out(again)


def test_l6_nothing_is_placed_again_where_money_may_be() -> None:
    """R6."""
    for state, allowed in (
        (PaymentState.PENDING, False),
        (PaymentState.APPROVED, False),
        (PaymentState.REJECTED, True),
    ):
        story = Story().ready().keys("2500#").free()
        place = story.did(Place)[0]
        again = replace(place, sale=replace(place.sale, puts=2))
        story.unknown(Place).free().seen(order(story.sale, payment(state=state), complete=False))
        story.journal.sales[place.reference] = again.sale
        if allowed:
            story.laws.carried_out(again)
        else:
            with broken("L6"):
                story.laws.carried_out(again)


# --- rules that are judged like laws ----------------------------------------------------------------------------------


def test_r3_an_expiry_is_fixed_and_no_longer_than_the_providers_ten_minutes() -> None:
    story = Story().ready().keys("2500#").free()
    place = story.did(Place)[0]
    expires = place.sale.expires
    assert expires is not None
    again = replace(place, sale=replace(place.sale, puts=2))
    story.journal.sales[place.reference] = again.sale
    story.laws.carried_out(again)
    with broken("R3"):
        story.laws.carried_out(replace(again, sale=replace(again.sale, expires=expires + 30.0)))
    for reference, seconds, allowed in (("a", 400.0, False), ("b", -300.0, False), ("c", 300.0, True)):
        other = replace(again.sale, reference=reference, number=2, expires=expires + seconds)
        story.journal.sales[reference] = other
        if allowed:
            story.laws.carried_out(replace(again, reference=reference, sale=other))
        else:
            with broken("R3"):
                story.laws.carried_out(replace(again, reference=reference, sale=other))


def test_r10_what_is_not_ours_is_not_deleted_as_ours() -> None:
    story = Story().ready().waiting().keys("*#").seen()
    delete = story.open_calls(Withdraw)[0]
    story.laws.carried_out(delete)
    story.laws.carried_out(AskPos(request=88, until=story.at))
    for request, held, allowed in ((87, "old-news", True), (88, "foreign-1", False), (88, delete.reference, True)):
        holds = events.Holds(request=request, order=events.PosOrder(held, 900))
        story.laws.check(story.counter, holds, story.counter, ())
        if allowed:
            story.laws.carried_out(delete)
        else:
            with broken("R10"):
                story.laws.carried_out(delete)


# --- L7 ---------------------------------------------------------------------------------------------------------------


def test_l7_a_save_stands_first() -> None:
    story = waiting()
    save, look = Save(()), Look(request=99, until=0.0, depth=commands.Depth.ALL)
    step(story, Woken(), save, look)
    with broken("L7"):
        step(story, Woken(), look, save)
    with broken("L7"):
        step(story, Woken(), save, save)


def test_l7_a_put_a_delete_and_a_print_are_in_the_journal_first() -> None:
    story = waiting()
    sale = story.sale
    withdraw = Withdraw(request=99, reference=sale.reference, until=0.0)
    with broken("L7"):
        story.laws.carried_out(withdraw)
    with broken("L7"):
        story.laws.carried_out(Place(request=99, reference=sale.reference, until=0.0, sale=sale))
    story.paid()
    story.journal.debts[sale.reference] = replace(story.journal.debts[sale.reference], state=DebtState.OWED)
    with broken("L7"):
        story.laws.carried_out(story.did(Print)[-1])
    written = waiting().keys("*#").seen()
    assert written.did(Withdraw)


def test_l7_an_attempt_is_counted_before_it_is_made() -> None:
    story = Story().ready().keys("2500#").free()
    place = story.did(Place)[0]
    with broken("L7"):
        story.laws.carried_out(replace(place, sale=replace(place.sale, puts=2)))
    story.journal.sales[place.reference] = replace(place.sale, puts=2)
    story.laws.carried_out(replace(place, sale=replace(place.sale, puts=2)))


def test_l7_ready_needs_a_journal() -> None:
    story = Story().ready()
    step(story, Woken())
    failing = replace(story.counter, health=replace(story.counter.health, journal=False))
    with broken("L7"):
        step(story, Woken(), after=failing)


# --- L8, L9 -----------------------------------------------------------------------------------------------------------


def test_l8_every_state_that_should_end_has_a_bound() -> None:
    """The world holds the machine to it: ``world_bounds`` names them, ``tests/test_world.py`` shows one break."""
    from tests.world_bounds import BY_ITSELF_S, WHEN_QUIET_S

    for_ever = {states.Idle, states.Paid}
    bounded = {*BY_ITSELF_S, *WHEN_QUIET_S, states.Waiting}
    assert bounded | for_ever == set(turn_states())
    assert not bounded & for_ever


def turn_states() -> list[type]:
    """Every state there is."""
    return [*states.State.__args__]


def test_l9_the_printer_changes_no_running_sale() -> None:
    story = waiting()
    assert isinstance(story.state, states.Waiting)
    step(story, PaperIs(Paper.GONE))
    with broken("L9"):
        step(story, PaperIs(Paper.GONE), after=replace(story.counter, state=replace(story.state, ends_at=0.0)))


@pytest.mark.parametrize("device", events.Device)
def test_l9_no_device_changes_a_running_sale(device: events.Device) -> None:
    story = waiting()
    assert isinstance(story.state, states.Waiting)
    step(story, events.DeviceIs(device))
    with broken("L9"):
        step(story, events.DeviceIs(device), after=replace(story.counter, state=replace(story.state, ends_at=0.0)))


def test_l9_a_dead_display_blocks_where_one_is_required_and_nowhere_else() -> None:
    blocked = states.Blocked()
    for shop, device, allowed in (
        (SHOP, events.Device.PANEL, False),
        (replace(SHOP, display_required=True), events.Device.KEYPAD, False),
        (replace(SHOP, display_required=True), events.Device.PANEL, True),
    ):
        story = Story(shop).account().free().printer(Paper.OK).feed(events.DeviceIs(events.Device.PANEL))
        assert story.public == "idle"
        after = replace(story.counter, state=blocked)
        with contextlib.nullcontext() if allowed else broken("L9"):
            step(story, events.DeviceIs(device), after=after)


def test_l9_without_need_of_a_printer_it_changes_nothing_at_all() -> None:
    story = Story().ready()
    with broken("L9"):
        step(story, Printed(1), after=replace(story.counter, state=states.Blocked()))
    required = Story(replace(SHOP, printer_required=True)).ready()
    required.printer(Paper.GONE)
    assert required.public == "blocked"


# --- L10 --------------------------------------------------------------------------------------------------------------


def test_l10_the_shop_holds_nothing_of_the_token(root: Path) -> None:
    """What the centre is given of the configuration: no secret, and no address of one."""
    config = load(root / "config" / "kiosk.toml")
    assert not {"token", "secret", "access_token_file"} & {field.name for field in dataclasses.fields(Shop)}
    texts = [text for text in _texts(config.shop) if text]
    assert texts
    assert not any("token" in text.lower() for text in texts)
    assert "token" in repr(config.mercadopago).lower()


def _texts(value: object) -> Iterator[str]:
    if dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from _texts(getattr(value, field.name))
    elif isinstance(value, tuple):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str):
        yield value


def test_l10_no_secret_can_enter_the_centre() -> None:
    """No value of the centre has a field that could hold one: neither the type, nor a name that it goes by."""
    for module in (commands, events, records, screens, states, turn):
        for name, kind in inspect.getmembers(module, inspect.isclass):
            if issubclass(kind, enum.Enum) or not kind.__module__.startswith("kiosk.sale"):
                continue
            fields = inspect.get_annotations(kind)
            assert not any(
                "Secret" in str(annotation) or "token" in field.lower() for field, annotation in fields.items()
            ), name
    assert not any(value is Secret for module in (commands, events, records) for value in vars(module).values())


def test_l10_a_secret_shows_stars() -> None:
    assert (repr(Secret("abc")), str(Secret("abc")), f"{Secret('abc')}") == ("********",) * 3
    assert Secret("abc").reveal() == "abc"


# --- planted bugs -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*KILLERS])
def test_without_a_bug_nothing_is_killed(name: str) -> None:
    """The twin of all planted bugs."""
    kill(name)


def test_every_law_has_planted_bugs() -> None:
    assert {mutant.law for mutant in MUTANTS} - {""} == {f"L{number}" for number in range(1, 11)}


def test_histories_kill_bugs_of_the_machine_of_the_adapters_and_of_the_journal() -> None:
    """Not only the stories that were written for them."""
    killed_by = Tally(mutant.file.split("/")[1] for mutant in MUTANTS if mutant.by_histories)
    assert min(killed_by[part] for part in ("sale", "mercadopago", "journal")) >= 8
    assert killed_by.total() >= 50


def test_every_planted_bug_is_still_in_the_source() -> None:
    """A mutant whose line is gone proves nothing any more."""
    for mutant in MUTANTS:
        assert compile(mutant.source(), mutant.file, "exec")


def test_every_planted_bug_has_a_killer(root: Path) -> None:
    for killer in {mutant.killer for mutant in MUTANTS} - {*KILLERS, *HISTORIES}:
        module, _, test = killer.partition("::")
        assert f"\ndef {test}(" in (root / "tests" / f"{module}.py").read_text(encoding="utf-8"), killer


def test_a_mutant_whose_line_is_gone_says_so() -> None:
    with pytest.raises(AssertionError, match="choose the line"):
        Mutant("L1", "kiosk/sale/verdict.py", "no such line", "").source()


@pytest.mark.parametrize("name", sorted(KEPT))
def test_what_is_not_imported_anew_has_nothing_of_the_program(name: str) -> None:
    """It would hold the words of a program without the bug against those of the one with it."""
    values = vars(importlib.import_module(name)).values()
    assert not [value for value in values if (getattr(value, "__module__", "") or "").startswith("kiosk")]


def test_planting_a_bug_leaves_no_trace() -> None:
    before = kiosk.sale.counter
    with planted(MUTANTS[0]) as killers:
        assert killers.KILLERS is not KILLERS
    assert kiosk.sale.counter is before
    kill("a_late_payment_has_its_ticket")


@pytest.mark.parametrize("kind", [WireWorld, DiskWorld])
@pytest.mark.parametrize(
    "seeds", [pytest.param(range(5), id="few"), pytest.param(range(5, 40), marks=pytest.mark.slow, id="many")]
)
def test_without_a_bug_the_worlds_with_adapters_keep_the_laws(kind: type[World], seeds: range) -> None:
    """The twin of what these worlds kill."""
    assert sum(day(kind(seeded(seed)), 20, name=f"seed {seed}").sales for seed in seeds) > 12 * len(seeds)


@pytest.mark.long  # each for itself; the certificate plants them all in the short round, too
@pytest.mark.parametrize(
    "mutant",
    MUTANTS,
    ids=[f"{mutant.breaks.replace(' ', '-')}-{Path(mutant.file).stem}-{n}" for n, mutant in enumerate(MUTANTS)],
)
def test_a_planted_bug_is_killed(mutant: Mutant) -> None:
    assert killed(mutant) is not None, f"nothing notices it: {mutant}"


# --- the audit of refunds ---------------------------------------------------------------------------------------------


class Kept:
    """One refund that is done, and its paper."""

    def __init__(self, *, restored: bool) -> None:
        wish = replace(done(REFUND, "r10"), restored=restored)
        self.wishes = {wish.key: wish}
        self.debts = {f"refund:{wish.key}": Debt(f"refund:{wish.key}", 1, wish.cents, Ticket(()), 0.0)}


@pytest.mark.parametrize("restored", [False, True])
def test_r24_a_refund_that_is_done_is_the_one_under_its_key(restored: bool) -> None:
    audit_refunds(Kept(restored=restored), {REFUND.key: ("r10", 2500)})
    for returned in ({}, {REFUND.key: ("r11", 2500)}, {REFUND.key: ("r11", 2500), "by hand": ("r10", 2500)}):
        with pytest.raises(LawBroken, match="R24"):
            audit_refunds(Kept(restored=restored), returned)


def test_r24_only_after_a_restored_backup_it_may_be_one_that_nothing_tells_from_it() -> None:
    by_hand = {"by hand": ("r10", 2500)}
    audit_refunds(Kept(restored=True), by_hand)
    with pytest.raises(LawBroken, match="R24"):
        audit_refunds(Kept(restored=True), {"by hand": ("r10", 2400)})
    with pytest.raises(LawBroken, match="R24"):
        audit_refunds(Kept(restored=False), by_hand)
