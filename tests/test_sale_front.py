"""Playbooks: the stories of a sale, each told to the machine as events, with the rules of money in them."""

from __future__ import annotations

from kiosk.sale.commands import Look, Place, Print, Tune
from tests.story import Story


def test_a_plain_sale() -> None:
    story = Story().ready()
    story.keys("2500#").free()
    assert story.did(Place)[0].sale.cents == 2500
    story.placed()
    assert story.public == "waiting"
    story.paid()
    assert story.public == "paid"
    assert story.heard(Tune.PAID)
    assert story.did(Print)[0].marks == ()
    story.printed()
    story.wait(2).free().keys("#")
    assert story.public == "idle"
    assert not story.counter.papers.debts
    story.did(Look)
