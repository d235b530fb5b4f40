"""What the world outside is told: the status as JSON values, and the one line of ``systemctl status``."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from kiosk.sale.commands import AskPos, AskRefunds, GiveBack, Lane, Look
from kiosk.sale.events import Device, DeviceIs, Fault, Ill, Paper, PaymentState, RefundSeen, Reject, Renewed, Trouble
from kiosk.sale.records import Dispute, Reason
from kiosk.sale.screens import lines, screen
from kiosk.sale.status import status, status_line
from tests.refund_account import after_a_sale, the_refund, wished
from tests.story import EPOCH, SHOP, Story


def told(story: Story) -> dict[str, object]:
    return status(story.counter, story.at)


def part(story: Story, name: str) -> dict[str, object]:
    found = told(story)[name]
    assert isinstance(found, dict)
    return found


def listed(story: Story, kind: str) -> list[dict[str, object]]:
    found = part(story, "obligations")[kind]
    assert isinstance(found, list)
    return found


def test_the_status_of_an_idle_counter_in_full() -> None:
    story = Story().ready()
    assert told(story) == {
        "state": "idle",
        "sale": None,
        "health": {
            "trouble": None,
            "reject": None,
            "answered_s": 0.0,
            "printer": "ok",
            "display": None,
            "keypad": None,
            "sound": None,
            "tickets_left": None,
            "journal": True,
            "set_aside": [],
            "pos_free": True,
            "account": True,
            "agreed_until": EPOCH + 1000.0,
            "notifications": {"asked": 0, "ours": 0, "strange": 0, "dropped": 0},
            "training": False,
        },
        "obligations": {"watches": [], "debts": [], "refunds": [], "differences": [], "disputes": []},
        "lights": {"green": "flash", "red": "dark"},
        "faults": [],
        "screen": ["Digite o valor", "0,00", "0-9 valor  * menu"],
    }


def test_every_status_is_json() -> None:
    for story in (Story(), Story().ready(), Story().ready().waiting(), Story().ready().waiting().paid()):
        assert json.loads(json.dumps(told(story))) == told(story)


def test_a_counter_that_knows_nothing_yet_says_so() -> None:
    health = part(Story(), "health")
    assert (health["answered_s"], health["printer"], health["account"]) == (None, None, None)
    assert health["pos_free"] is False


def test_the_sale_in_front_has_its_number_reference_and_amount() -> None:
    story = Story().ready().waiting()
    assert part(story, "sale") == {"number": 1, "reference": story.sale.reference, "cents": 2500}
    assert told(story)["state"] == "waiting"


def test_a_sale_that_waits_for_the_pos_to_be_cleared_is_the_sale() -> None:
    story = Story().ready().keys("2500#").holds("another-order")
    assert told(story)["state"] == "placing"
    assert part(story, "sale")["cents"] == 2500


def test_troubles_and_refusals_are_named_and_the_time_since_an_answer_grows() -> None:
    story = Story().ready().waiting()
    story.wait_for(Look)
    story.unknown(Look, Trouble.TLS)
    health = part(story, "health")
    assert health["trouble"] == "tls"
    assert health["answered_s"] == pytest.approx(2.0)
    story.wait_for(Look)
    story.refused(Look, Reject.TOKEN)
    health = part(story, "health")
    assert (health["trouble"], health["reject"], health["answered_s"]) == (None, "token", 0.0)


def test_another_account_and_a_test_account() -> None:
    assert part(Story().account(user_id=1), "health")["account"] is False
    assert part(Story().account(test=True), "health")["training"] is True
    assert part(Story(replace(SHOP, training=True)), "health")["training"] is True


def test_obligations_are_listed() -> None:
    story = Story().ready().waiting().paid().print_failed(began=True, paper=Paper.OUT)
    reference = story.sale.reference
    dispute = Dispute("p9", reference, 1, 2500, "BRL", Reason.SECOND, 0.0)
    story.counter = replace(story.counter, disputes=(dispute,))
    assert part(story, "obligations") == {
        "watches": [{"number": 1, "reference": reference, "phase": "paid"}],
        "debts": [{"id": reference, "number": 1, "cents": 2500, "state": "doubtful"}],
        "refunds": [],
        "differences": [],
        "disputes": [{"payment": "p9", "number": 1, "cents": 2500, "reason": "second"}],
    }


def test_refunds_of_unknown_outcome_are_listed_without_their_key() -> None:
    story = wished(after_a_sale())
    key = the_refund(story).key
    assert listed(story, "refunds") == [{"number": 1, "payment": "p1", "cents": 2500, "state": "wanted"}]
    story.unknown(GiveBack, Trouble.SLOW, Lane.BEHIND)
    assert "refunds not known yet: 1" in status_line(story.counter)
    assert listed(story, "refunds")[0]["state"] == "unknown"
    story.wait_for(AskRefunds, lane=Lane.BEHIND)
    story.refunds_are(RefundSeen("b1", PaymentState.PENDING, 2500))
    story.wait_for(AskRefunds, lane=Lane.BEHIND)
    story.refunds_are(RefundSeen("b1", PaymentState.APPROVED, 2500))
    assert listed(story, "refunds") == []
    assert "refund" in [debt["id"] for debt in listed(story, "debts")]
    assert key not in json.dumps(told(story))


def test_the_screen_is_the_one_that_stands_there() -> None:
    story = Story().ready().keys("2500")
    assert told(story)["screen"] == lines(screen(story.counter, story.at))


# --- one line ---------------------------------------------------------------------------------------------------------


def test_the_line_of_each_passage() -> None:
    """In English whatever the shop's language, because the technician's tools are."""
    story = Story()
    assert status_line(story.counter) == "starting"
    story.unknown(AskPos, Trouble.NAME)
    assert status_line(story.counter) == "blocked, No internet (names), no answer from the provider: name"
    story = Story().ready()
    assert status_line(story.counter) == "idle"
    story.keys("2500#").free()
    assert status_line(story.counter) == "placing, sale 1 of R$ 25,00"
    story.placed().paid()
    assert status_line(story.counter) == "paid, sale 1 of R$ 25,00, papers owed: 1"


def test_the_line_counts_money_to_settle() -> None:
    story = Story().ready()
    dispute = Dispute("p9", "r", 1, 2500, "BRL", Reason.SECOND, 0.0)
    story.counter = replace(story.counter, disputes=(dispute, dispute))
    assert status_line(story.counter) == "idle, payments to settle: 2"


def test_the_line_names_a_damaged_journal_that_lies_aside() -> None:
    story = Story().ready().feed(Renewed("journal.db.damaged-1"))
    assert status_line(story.counter) == "idle, damaged journal set aside: journal.db.damaged-1"
    assert part(story, "health")["set_aside"] == ["journal.db.damaged-1"]


def test_ill_devices_are_named_in_the_status_and_in_the_line_and_gone_from_both_when_well() -> None:
    story = Story().ready()
    for device in Device:
        story.feed(DeviceIs(device, (Fault(Ill.DEAD, f"{device.value}: dead"),)))
    health = part(story, "health")
    assert [health[device.value] for device in Device] == [["display: dead"], ["keypad: dead"], ["sound: dead"]]
    assert status_line(story.counter) == "idle, display: dead, keypad: dead, sound: dead"
    for device in Device:
        story.feed(DeviceIs(device))
    assert [part(story, "health")[device.value] for device in Device] == [[], [], []]
    assert status_line(story.counter) == "idle"


def test_the_lights_are_those_of_the_counter() -> None:
    assert part(Story().ready().waiting(), "lights") == {"green": "slow", "red": "dark"}
