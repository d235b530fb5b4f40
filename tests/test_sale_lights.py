"""The two lights, in every state; and that green shines steadily for paid money alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from kiosk.sale.commands import Look, Place
from kiosk.sale.events import (
    Device,
    DeviceIs,
    Event,
    Fault,
    Ill,
    Paper,
    PaymentState,
    Reject,
    Removal,
    Stop,
)
from kiosk.sale.lights import (
    ASKED,
    NOT_READY,
    OUT,
    OVER,
    PAID,
    SCAN,
    SCAN_AGAIN,
    SENDING,
    UNKNOWN,
    Lights,
    Shine,
    lights,
)
from kiosk.sale.states import Blocked, Menu, Paid
from tests.stories import STORIES, Told
from tests.story import SHOP, Story, order, payment

READY = Lights(green=Shine.FLASH)
READY_BUT = Lights(Shine.FLASH, Shine.FLASH)
DEAD = DeviceIs(Device.PANEL, (Fault(Ill.DEAD, "the display is gone: Remote I/O error"),))
STUCK = DeviceIs(Device.KEYPAD, (Fault(Ill.STUCK, "key 5 is stuck", "5"),))


def lit(story: Story) -> Lights:
    return lights(story.counter)


def test_from_boot_to_paid_and_back() -> None:
    story = Story()
    assert lit(story) == NOT_READY
    story.ready()
    assert lit(story) == READY
    story.keys("25")
    assert lit(story) == READY
    story.keys("00#")
    assert lit(story) == SENDING
    story.free()
    assert lit(story) == SENDING
    story.placed()
    assert lit(story) == SCAN
    story.paid()
    assert lit(story) == PAID
    story.printed().wait(2).free().keys("#")
    assert lit(story) == READY
    story.keys("*")
    assert isinstance(story.state, Menu)
    assert lit(story) == READY


def test_an_amount_to_be_confirmed_asks() -> None:
    assert lit(Story().ready().keys("200000#")) == ASKED


@pytest.mark.parametrize(
    ("cents", "state"), [(2500, PaymentState.REJECTED), (2500, PaymentState.PENDING), (1000, PaymentState.APPROVED)]
)
def test_a_payment_that_was_not_the_whole_amount_leaves_the_customer_to_pay(cents: int, state: PaymentState) -> None:
    story = Story().ready().waiting()
    story.wait_for(Look)
    story.seen(order(story.sale, payment(cents=cents, state=state), complete=False))
    assert lit(story) == SCAN_AGAIN


def test_money_that_is_not_this_sales_is_an_alarm() -> None:
    story = Story().ready().waiting()
    story.wait_for(Look)
    story.seen(order(story.sale, payment("x1"), collector=1))
    assert lit(story) == UNKNOWN


def test_without_an_answer_nobody_may_deliver_and_with_one_it_is_as_before() -> None:
    story = Story().ready().waiting()
    story.wait_for(Look)
    story.unknown(Look)
    assert lit(story) == UNKNOWN
    story.wait_for(Look)
    story.refused(Look, Reject.TOKEN)
    assert lit(story) == UNKNOWN
    story.wait_for(Look)
    story.seen()
    assert lit(story) == SCAN
    story = Story().ready().keys("2500#").free().unknown(Place)
    assert lit(story) == UNKNOWN


def test_a_withdrawal_is_not_known_until_it_is_over() -> None:
    story = Story().ready().waiting().keys("*#")
    assert lit(story) == UNKNOWN
    story.seen().removed().free().seen().wait(3.1).seen()
    assert story.public == "notice"
    assert lit(story) == OVER


def test_not_confirmed_stays_unknown() -> None:
    story = Story().ready().waiting().keys("*#")
    story.seen().removed(Removal.GONE).free()
    assert story.public == "checking"
    assert lit(story) == UNKNOWN
    while story.public == "checking":
        story.wait(1)
        if story.open_calls(Look):
            story.seen()
    assert story.public == "notice"
    assert lit(story) == UNKNOWN


def test_after_a_power_cut_an_open_sale_is_not_known() -> None:
    assert lit(Story().ready().waiting().power_cut()) == UNKNOWN


def test_a_pos_that_is_cleared_sends_or_is_not_ready() -> None:
    assert lit(Story().ready().keys("2500#").holds("another-order")) == SENDING
    assert lit(Story().account().holds("another-order")) == NOT_READY


def test_who_cannot_sell_is_not_ready() -> None:
    story = Story(replace(SHOP, printer_required=True)).account().free().printer(Paper.OUT)
    assert isinstance(story.state, Blocked)
    assert lit(story) == NOT_READY


def test_a_ticket_that_is_owed_does_not_touch_paid_and_is_shown_afterwards() -> None:
    story = Story().ready().waiting().paid().print_failed(began=False)
    assert lit(story) == PAID
    story.wait(2).free().keys("#")
    assert lit(story) == READY_BUT


@pytest.mark.parametrize("ill", [DEAD, STUCK])
def test_an_ill_device_wants_a_look_and_a_well_one_none(ill: DeviceIs) -> None:
    story = Story().ready().feed(ill)
    assert lit(story) == READY_BUT
    assert lit(story.keys("25")) == READY_BUT
    assert lit(story.feed(DeviceIs(ill.device))) == READY


def test_who_has_gone_leaves_no_light() -> None:
    story = Story().ready().feed(Stop())
    assert story.counter.gone
    assert lit(story) == OUT


# --- the laws over all stories ----------------------------------------------------------------------------------------


class Shaken(Story):
    """A story in which all devices fall ill and are well again by turns, after each event."""

    turns = 0

    def feed(self, event: Event) -> Story:
        super().feed(event)
        self.turns += 1
        for device in Device:
            super().feed(DeviceIs(device, (Fault(Ill.DEAD, "dead"),) if self.turns % 2 else ()))
            self._looked_at()
        super().feed(DeviceIs(Device.PANEL))  # a dead one asks for one more key: a story has only its own
        return self

    def _looked_at(self) -> None:
        shine = lights(self.counter)
        green = isinstance(self.state, Paid) and not self.counter.gone
        assert (shine.green is Shine.STEADY) is green
        assert shine.red is Shine.DARK or not green


@pytest.mark.parametrize("told", STORIES, ids=lambda told: told.__name__)
def test_l9_no_device_touches_a_sale_and_l1_only_paid_is_green(told: Told) -> None:
    """In every story, at every step; the laws themselves (``tests.laws``) are held as well."""
    story = told(Shaken)
    assert isinstance(story, Shaken)
    assert story.turns
    assert story.state == told(Story).state


def test_the_table_in_the_readme_names_every_way_to_shine(root: Path) -> None:
    table = (root / "README.md").read_text().partition("| green | red |")[2].partition("\n\n")[0]
    rows = [[cell.strip(" *") for cell in row.split("|")[1:3]] for row in table.splitlines()[2:]]
    named = [OUT, NOT_READY, READY, READY_BUT, ASKED, SENDING, SCAN, SCAN_AGAIN, PAID, OVER, UNKNOWN]
    assert sorted(rows) == sorted([shine.green.value, shine.red.value] for shine in named)
    assert len({tuple(row) for row in rows}) == len(rows), "two meanings look alike"
