"""What the journal keeps: references that never come twice, keys, open phases and papers; all of it frozen values."""

from __future__ import annotations

import dataclasses
import importlib
import math
import pkgutil
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

import kiosk.sale
from kiosk.sale.records import (
    REFERENCE_MAX,
    Agreed,
    Debt,
    DebtState,
    Dispute,
    Line,
    Phase,
    Reason,
    Record,
    Sale,
    Ticket,
    is_reference_of,
    make_reference,
    record_key,
)

POS_IDS = st.text("ABCabc019", min_size=1, max_size=40)
NUMBERS = st.integers(0, 10**12)
RANDOM = st.integers(0, (1 << 128) - 1)

SALE = Sale("POS-1-x", 1, 2500, "BRL", (), "key", 0.0)
DEBT = Debt("POS-1-x", 1, 2500, Ticket(()), 0.0)
DISPUTE = Dispute("p1", "POS-1-x", 1, 2500, "BRL", Reason.SECOND, 0.0)

# --- references (R1) --------------------------------------------------------------------------------------------------


@given(POS_IDS, NUMBERS, RANDOM)
def test_a_reference_is_what_the_provider_takes(pos_id: str, number: int, random: int) -> None:
    """At most 64 of ``[A-Za-z0-9_-]``, with the POS and the number where there is room for them."""
    reference = make_reference(pos_id, number, random)
    assert re.fullmatch(rf"[A-Za-z0-9_-]{{1,{REFERENCE_MAX}}}", reference)
    pos, written, _ = reference.rsplit("-", 2)
    assert int(written) == number
    assert pos_id.startswith(pos)


def test_the_longest_pos_id_and_number_still_fit() -> None:
    """The provider takes 40 signs for a POS id; what finds no room is cut from it, never from number or random part."""
    assert make_reference("P" * 40, 99_999_999, 0).startswith("P" * 40 + "-99999999-")
    assert make_reference("P" * 40, 100_000_000, 0).startswith("P" * 39 + "-100000000-")
    long = make_reference("P" * 99, 10**12, 1)
    assert len(long) == REFERENCE_MAX
    assert long != make_reference("P" * 99, 10**12, 2)


@given(POS_IDS, NUMBERS, RANDOM)
def test_a_reference_of_this_pos_is_known_again(pos_id: str, number: int, random: int) -> None:
    """Also by a kiosk whose journal never saw it."""
    assert is_reference_of(pos_id, make_reference(pos_id, number, random))


@pytest.mark.parametrize(
    "other",
    [
        make_reference("KIOSK02", 7, 12345),
        make_reference("KIOSK0", 7, 12345),
        make_reference("KIOSK01", 7, 12345) + "x",
        make_reference("KIOSK01", 7, 12345)[:-1],
        make_reference("KIOSK01", 7, 12345).replace("-7-", "-seven-"),
        make_reference("KIOSK01", 7, 12345).replace("-7-", "-\u0667-"),
        "KIOSK01-7-abcdefghijklm\u00e9",
        "KIOSK01",
        "--",
        "",
    ],
)
def test_what_another_device_made_is_none_of_it(other: str) -> None:
    assert not is_reference_of("KIOSK01", other)


def test_the_random_part_holds_at_least_80_bits() -> None:
    """Counted from what comes out: every place takes every one of its letters."""
    tails = [make_reference("P", 1, random).rsplit("-", 1)[1] for random in range(5000)]
    letters = set("".join(tails))
    assert len(letters) == 62
    assert {len(tail) for tail in tails} == {14}
    assert 14 * math.log2(len(letters)) >= 80


@given(st.integers(0, 62**14 - 1), st.integers(0, 62**14 - 1))
def test_different_random_numbers_never_make_the_same_reference(one: int, other: int) -> None:
    """The random part is the number written in base 62: it can be read back."""
    assert (make_reference("P", 1, one) == make_reference("P", 1, other)) == (one == other)


@given(RANDOM, st.integers(0, 80))
def test_each_of_the_first_80_bits_counts(random: int, bit: int) -> None:
    """A generator that is poor in one bit alone would otherwise go unnoticed."""
    assert make_reference("P", 1, random) != make_reference("P", 1, random ^ (1 << bit))


def test_a_reference_depends_on_its_arguments_alone() -> None:
    """No clock and no counter is inside: the same arguments make the same reference, at any time."""
    assert make_reference("P", 7, 123) == make_reference("P", 7, 123)


# --- phases and papers ------------------------------------------------------------------------------------------------


def test_open_are_the_phases_in_which_the_order_may_be_on_the_pos_with_the_cashier_waiting() -> None:
    assert {phase for phase in Phase if phase.open} == {
        Phase.PLACING,
        Phase.WAITING,
        Phase.WITHDRAWING,
        Phase.CHECKING,
    }


def test_a_paper_is_owed_until_it_is_printed_or_nobody_can_tell_more() -> None:
    owed = {state for state in DebtState if dataclasses.replace(DEBT, state=state).open}
    assert owed == {DebtState.OWED, DebtState.PRINTING, DebtState.DOUBTFUL}


def test_a_line_is_worth_its_quantity() -> None:
    assert Line("Coffee", 3, 450).cents == 1350
    assert Line("Coffee", 1, 450).cents == 450


# --- keys -------------------------------------------------------------------------------------------------------------


def test_each_kind_of_record_is_kept_apart_even_under_the_same_name() -> None:
    records: list[Record] = [SALE, DEBT, dataclasses.replace(DISPUTE, payment="POS-1-x"), Agreed(1.0)]
    assert len({record_key(record) for record in records}) == 4


def test_of_how_far_the_account_agrees_the_newest_is_kept_alone() -> None:
    assert record_key(Agreed(1.0)) == record_key(Agreed(2.0))


@pytest.mark.parametrize("record", [SALE, DEBT, DISPUTE], ids=lambda record: type(record).__name__)
def test_a_later_state_of_a_record_takes_the_place_of_the_earlier_one(record: Record) -> None:
    match record:
        case Sale():
            later: Record = dataclasses.replace(record, phase=Phase.PAID, payments=("p1",))
            other: Record = dataclasses.replace(record, reference="POS-2-y")
        case Debt():
            later = dataclasses.replace(record, state=DebtState.PRINTED)
            other = dataclasses.replace(record, id="slip:p1")
        case Dispute():
            later = dataclasses.replace(record, settled="delivered")
            other = dataclasses.replace(record, payment="p2")
    assert record_key(later) == record_key(record)
    assert record_key(other) != record_key(record)


# --- values -----------------------------------------------------------------------------------------------------------


def dataclasses_of_the_centre() -> list[type]:
    """Every dataclass that a module of the centre defines."""
    found = []
    for info in pkgutil.walk_packages(kiosk.sale.__path__, "kiosk.sale."):
        module = importlib.import_module(info.name)
        found += [
            kind
            for kind in vars(module).values()
            if isinstance(kind, type) and dataclasses.is_dataclass(kind) and kind.__module__ == info.name
        ]
    return found


def test_everything_in_the_centre_is_a_frozen_value() -> None:
    """States, records, events and commands can be compared, kept and handed to other threads; nobody changes them."""
    kinds = dataclasses_of_the_centre()
    assert len(kinds) > 60
    for kind in kinds:
        assert kind.__dataclass_params__.frozen, f"{kind.__qualname__} can be changed"  # type: ignore[attr-defined]  # dataclasses' own mark
        assert "__slots__" in vars(kind), f"{kind.__qualname__} takes any attribute"
