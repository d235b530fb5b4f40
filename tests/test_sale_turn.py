"""One turn of the machine: requests and their deadlines, the backoff, the proof, the health, and one ``Save`` first."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.sale.commands import AskAccount, AskPos, Depth, Lane, Look, Note, Place, Print, Save, Sound, Tune, Withdraw
from kiosk.sale.events import (
    Answer,
    Holds,
    Key,
    Placed,
    Refused,
    Reject,
    Trouble,
    Unknown,
)
from kiosk.sale.records import Entry, Phase, Sale, Ticket
from kiosk.sale.states import Talk
from kiosk.sale.turn import Health, Now, Proof, Turn
from tests.story import SHOP

SALE = Sale("KIOSK01-1-abc", 1, 2500, "BRL", (), "key", 0.0)
SILENCE = Unknown(request=1, trouble=Trouble.SLOW)


def turn(
    mono: float = 1000.0,
    *,
    request: int = 0,
    health: Health | None = None,
    proof: Proof | None = None,
    heard: object = None,
) -> Turn:
    return Turn(
        SHOP,
        Now(mono, 5000.0),
        lambda: 0,
        health=health or Health(),
        proof=proof or Proof(free=True),
        request=request,
        number=0,
        foreign_at=(),
        heard=heard,
    )


# --- requests ---------------------------------------------------------------------------------------------------------


def test_each_request_has_a_number_of_its_own_and_ten_seconds() -> None:
    """R20: the machine gives each up half a second after the adapter must."""
    now = turn(request=41)
    talks = [
        now.ask_pos("r"),
        now.look("r", Depth.ORDERS),
        now.look("r", Depth.ALL, Lane.BEHIND, tries=3),
        now.withdraw("r"),
        now.place(SALE),
    ]
    now.ask_account()
    assert [talk.request for talk in talks] == [42, 43, 44, 45, 46]
    assert {talk.until for talk in talks} == {1010.5}
    assert now.request == 47
    assert now.commands == [
        AskPos(request=42, reference="r", until=1010.0),
        Look(request=43, reference="r", until=1010.0, depth=Depth.ORDERS),
        Look(request=44, reference="r", until=1010.0, depth=Depth.ALL, lane=Lane.BEHIND),
        Withdraw(request=45, reference="r", until=1010.0),
        Place(request=46, reference=SALE.reference, until=1010.0, sale=SALE),
        AskAccount(request=47, lane=Lane.BEHIND, until=1010.0),
    ]


def test_a_request_repeated_remembers_how_often_it_was_made() -> None:
    assert turn().look("r", Depth.ALL, tries=3).tries == 3
    assert turn().ask_pos("r", 2).tries == 2
    assert turn().ask_pos("r").tries == 0


# --- backoff ----------------------------------------------------------------------------------------------------------

ANSWERS = st.one_of(
    st.builds(Refused, request=st.just(1), reject=st.sampled_from(Reject)),
    st.builds(
        Unknown,
        request=st.just(1),
        trouble=st.sampled_from(Trouble),
        retry_after_s=st.one_of(st.none(), st.floats(0, 1e9)),
    ),
)


@given(st.integers(0, 10_000), st.integers(0, 10), st.sampled_from([0.0, 2.0, 4.0]), ANSWERS)
def test_no_pause_is_longer_than_15_s_unless_they_ask_for_up_to_30(
    request: int, tries: int, least_s: float, answer: Answer
) -> None:
    """R9: also for a refusal. Never earlier than the schedule would have it; the next pause counts one try more."""
    now = turn(request=request)
    later = now.backoff(Talk(tries=tries), answer, least_s)
    pause_s = later.until - 1000.0
    asked = answer.retry_after_s if isinstance(answer, Unknown) else None
    assert least_s <= pause_s
    assert pause_s <= (15.0 if asked is None else max(15.0, min(asked, 30.0)))
    assert asked is None or pause_s >= min(asked, 30.0)
    assert later.tries == min(tries + 1, 10)
    assert not later.request


@pytest.mark.parametrize(("tries", "whole_s"), [(0, 1), (1, 2), (2, 4), (3, 8), (4, 15), (5, 15), (10, 15)])
def test_the_pause_doubles_to_15_s_and_scatters_by_a_quarter_at_most(tries: int, whole_s: float) -> None:
    """Two kiosks of one shop do not count in step: the request's number moves the pause, always a little less."""
    pauses = {turn(request=n).backoff(Talk(tries=tries), SILENCE).until - 1000.0 for n in range(101)}
    assert max(pauses) <= whole_s
    assert min(pauses) >= 0.75 * whole_s
    assert len(pauses) == 101


def test_neighbouring_requests_scatter_apart() -> None:
    pauses = [turn(request=n).backoff(Talk(tries=4), SILENCE).until for n in range(50)]
    steps = [abs(one - other) for one, other in pairwise(pauses)]
    assert min(steps) > 0.5


def test_a_pause_is_that_long() -> None:
    assert turn().pause(3.0, 2) == Talk(until=1003.0, tries=2)


# --- the proof that the POS is free (R4) ------------------------------------------------------------------------------


def test_placing_takes_the_proof_away_and_an_answer_gives_it_back() -> None:
    now = turn()
    now.place(SALE)
    placed = now.proof
    now.proved()
    assert (placed.free, now.proof.free) == (False, True)
    assert placed.talk.due(1000.0), "to be proved at once"
    assert now.proof.talk.until == 1060.0


def test_in_doubt_the_proof_is_repeated_every_15_s_for_two_minutes() -> None:
    now = turn()
    now.must_prove(doubt=True)
    now.proved()
    assert (now.proof.free, now.proof.talk.until) == (True, 1015.0)
    near = turn(1119.9, proof=now.proof)
    near.proved()
    assert near.proof.talk.until == pytest.approx(1134.9)
    over = turn(1120.0, proof=now.proof)
    over.proved()
    assert over.proof.talk.until == 1180.0


def test_a_later_order_without_doubt_does_not_end_the_doubt_about_an_earlier_one() -> None:
    now = turn()
    now.must_prove(doubt=True)
    now.must_prove()
    assert now.proof.again_until == 1120.0


def test_at_first_nothing_is_proved_and_it_is_time_to_ask() -> None:
    assert not Proof().free
    assert Proof().talk.due(0.0)


# --- time -------------------------------------------------------------------------------------------------------------


def test_wall_time_is_the_providers_as_soon_as_it_is_known() -> None:
    assert turn().wall == 5000.0
    assert turn(health=Health(offset=8000.0)).wall == 9000.0


@pytest.mark.parametrize(
    ("shop", "account", "training"), [(False, False, False), (True, False, True), (False, True, True)]
)
def test_training_is_the_shops_or_the_accounts(shop: bool, account: bool, training: bool) -> None:
    now = turn(health=Health(test_account=account))
    now.shop = replace(SHOP, training=shop)
    assert now.training is training


# --- one Save, and first (L7) -----------------------------------------------------------------------------------------


def test_a_turn_without_anything_to_keep_writes_nothing() -> None:
    now = turn()
    now.sound(Tune.CLICK)
    now.note("rejected", "a payment was rejected", SALE)
    assert now.all_commands((), failing=False) == (
        Sound(Tune.CLICK),
        Note(Entry("rejected", "a payment was rejected", SALE.reference, 1, 2500)),
    )


def test_everything_to_keep_is_in_one_save_that_stands_first() -> None:
    now = turn()
    now.sound(Tune.PAID)
    now.save(SALE)
    now.commands.append(Print(1, Ticket(())))
    now.log("paid", "paid", SALE, answer=Holds(request=1, order=None, trace="r-1"), level=5)
    paid = replace(SALE, phase=Phase.PAID)
    now.save(paid)
    save, *others = now.all_commands((), failing=False)
    assert save == Save((paid,), (Entry("paid", "paid", SALE.reference, 1, 2500, "r-1", 5),))
    assert others == [Sound(Tune.PAID), Print(1, Ticket(()))]


def test_a_line_in_the_log_alone_is_a_save_too() -> None:
    now = turn()
    now.log("resumed", "was open")
    assert now.all_commands((), failing=False) == (Save((), (Entry("resumed", "was open"),)),)


def test_what_an_earlier_step_could_not_write_goes_first_and_is_overtaken_by_what_is_new() -> None:
    """R22: the later state of a record wins; the rest is not lost. While the journal fails, the write is confirmed."""
    now = turn()
    other = replace(SALE, reference="KIOSK01-2-xyz")
    paid = replace(SALE, phase=Phase.PAID)
    now.save(paid)
    [save] = now.all_commands((SALE, other), failing=True)
    assert isinstance(save, Save)
    assert set(save.records) == {paid, other}
    assert save.confirm


def test_what_could_not_be_written_waits_until_there_is_a_save() -> None:
    assert turn().all_commands((SALE,), failing=True) == ()


@pytest.mark.parametrize(
    ("heard", "of", "id_"),
    [
        (Placed(request=1, reference=SALE.reference, trace="put-1"), SALE, "put-1"),
        (Placed(request=1, reference="another sale's", trace="put-1"), SALE, ""),
        (Placed(request=1, reference=SALE.reference, trace="put-1"), None, ""),
        (Key("1"), SALE, ""),
    ],
)
def test_what_an_answer_led_to_bears_the_providers_id_of_the_request(heard: object, of: Sale | None, id_: str) -> None:
    """``journalctl KIOSK_SALE=1`` shows what to name to the provider's support, for each of its answers."""
    now = turn(heard=heard)
    now.log("waiting", "the order is on the POS", of)
    now.note("look", "a look", of)
    now.log("other", "told by another answer", of, answer=Placed(request=2, trace="other-2"))
    [note] = now.commands
    assert isinstance(note, Note)
    assert [entry.request_id for entry in (*now.entries, note.entry)] == [id_, "other-2", id_]
