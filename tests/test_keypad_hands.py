"""Random presses, bouncing and overlapping, on the electrical model of a pad: nothing lost, doubled or imagined.

What a press is, and which presses no pad without diodes can know of, is said in ``tests.hands``.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import reduce
from operator import add

import pytest

from kiosk.keypad.matrix import SETTLE_S
from kiosk.sale.events import Device, DeviceIs
from tests.hands import BOUNCE_S, SEEN_S, Press, Verdict, in_doubt, judged
from tests.keypad_desk import Desk, history
from tests.world_mutants import Mutant, planted

A, B, C, D = (0, 0), (0, 1), (1, 0), (1, 1)
"""Four corners of a rectangle."""


def heard(seeds: range) -> Verdict:
    """A thousand presses for each seed."""
    verdicts = []
    for seed in seeds:
        verdict, desk = history(seed)
        assert verdict.clean, f"seed {seed}: {verdict}"
        assert desk.wires.shorts == 0
        assert desk.reports == [DeviceIs(Device.KEYPAD)], "it is well, and stays so"
        assert not desk.awake, "it sleeps again"
        verdicts.append(verdict)
    return reduce(add, verdicts)


@pytest.mark.parametrize(
    "seeds",
    [
        pytest.param(range(1), id="thousand"),
        pytest.param(range(1, 4), id="thousands", marks=pytest.mark.slow),
        pytest.param(range(4, 100), id="hundred-thousand", marks=pytest.mark.long),
    ],
)
def test_presses_are_heard_once_each(seeds: range) -> None:
    """Bounces of up to 20 ms, 12 keys a second, up to four at once, long wires, lost edges: 0 lost, doubled, ghosts.

    Nineteen of twenty presses must be heard, or the model would excuse what it should find.
    """
    verdict = heard(seeds)
    assert verdict.presses == 1000 * len(seeds)
    assert 0 < verdict.undecidable < verdict.presses // 20 + 20 * (len(seeds) == 1)
    assert verdict.heard >= verdict.presses - verdict.undecidable
    assert max(verdict.latencies) < BOUNCE_S + SEEN_S + 0.002


@pytest.mark.slow
def test_wires_that_are_far_too_long_lose_keys_and_make_no_wrong_ones() -> None:
    """Rising too slowly, they hide one key behind another; but no ghost comes of it, and no double."""
    for seed in range(3):
        verdict, desk = history(seed, 300, (SETTLE_S * 1.1, SETTLE_S * 3, SETTLE_S * 20))
        assert verdict.ghosts == verdict.doubled == []
        assert verdict.heard > 150
        assert desk.wires.shorts == 0


# --- the judge ----------------------------------------------------------------------------------------------------


def test_the_judge_knows_what_a_pad_cannot_know() -> None:
    """Three corners look like four; two keys, a row and a column do not."""
    assert in_doubt(frozenset({A, B, C})) == {A, B, C, D}
    for sure in ({A, B}, {A, C}, {A, D}, {A, B, (0, 2), (0, 3)}, {A, C, (2, 0)}):
        assert in_doubt(frozenset(sure)) == frozenset()


def test_the_judge_finds_each_kind_of_fault() -> None:
    """One press of A from 1.0 to 1.1 s, said once in time; and then everything that can be wrong with it."""
    press = [Press(A, 1.0, 1.1)]
    assert judged(press, [(1.028, A)]).clean
    assert judged(press, []).lost == press
    assert judged(press, [(1.08, A)]).late == press
    assert judged(press, [(1.028, A), (1.06, A)]).doubled == [(1.06, A)]
    assert judged(press, [(1.028, A), (1.05, B)]).ghosts == [(1.05, B)]
    assert judged(press, [(0.9, A), (1.028, A)]).ghosts == [(0.9, A)]
    two = [Press(A, 1.0, 1.1), Press(B, 1.05, 1.2)]
    assert judged(two, [(1.028, A), (1.078, B)]).clean
    assert judged(two, [(1.0271, B), (1.0272, A)]).ghosts == [(1.0271, B)]
    assert judged(two, [(1.078, B), (1.0781, A)]).swapped == [(1.0, A)]


def test_the_judge_asks_for_a_corner_that_outlives_the_doubt_and_for_no_other() -> None:
    """A and B are down, then C comes: known when A is up, at 1.3 s and a little; had it gone before, nobody could."""
    held = [Press(A, 1.0, 1.3), Press(B, 1.0, 1.6)]
    said = [(1.028, A), (1.028, B)]
    outlives, gone = Press(C, 1.2, 1.4), Press(C, 1.2, 1.28)
    assert judged([*held, outlives], said).lost == [outlives]
    assert judged([*held, outlives], [*said, (1.328, C)]).clean
    assert judged([*held, outlives], [*said, (1.38, C)]).late == [outlives]
    assert judged([*held, gone], said).clean
    assert judged([*held, gone], said).undecidable == 1
    assert judged([*held, gone], [*said, (1.22, D)]).ghosts == [(1.22, D)]


def test_the_judge_excuses_a_keypad_that_could_not_know() -> None:
    """An edge that got lost until the next one came; and two presses between which the contact was hardly open."""
    press = [Press(A, 1.0, 1.1)]
    assert judged(press, [], deaf=[(1.0, 2.0)]).clean
    assert judged(press, [], deaf=[(1.0, 1.05)]).lost == press
    twice = [Press(A, 1.0, 1.1), Press(A, 1.12, 1.2)]
    assert judged(twice, [(1.028, A)]).clean
    assert judged([twice[0], Press(A, 1.14, 1.2)], [(1.028, A)]).lost == [Press(A, 1.14, 1.2)]


# --- planted bugs -------------------------------------------------------------------------------------------------

SCAN = "kiosk/keypad/scan.py"
BUGS = [
    Mutant("debounce", SCAN, "EQUAL_SAMPLES = 3", "EQUAL_SAMPLES = 1"),
    Mutant("debounce", SCAN, "EQUAL_SAMPLES = 3", "EQUAL_SAMPLES = 4"),
    Mutant("debounce", SCAN, "SAMPLE_PERIOD_S = 0.009", "SAMPLE_PERIOD_S = 0.003"),
    Mutant("ghosts", SCAN, "doubtful = sample.unknown | ambiguous(sample.closed) |", "doubtful = sample.unknown |"),
    Mutant("held back", SCAN, "replace(contact, against=0) if contact.down else None", "None"),
    Mutant("held back", SCAN, "if min(map(len, net)) > 1", "if max(map(len, net)) > 1"),
    Mutant("sleep", SCAN, "self.quiet >= EQUAL_SAMPLES", "self.quiet >= 0"),
    Mutant("ghosts", SCAN, "| _perhaps_ghosts(sample)", ""),
]


@pytest.mark.slow
@pytest.mark.parametrize("bug", BUGS, ids=[f"{bug.breaks}-{bug.new}" for bug in BUGS])
def test_a_planted_bug_is_noticed(bug: Mutant) -> None:
    """The twin: a keypad that is wrong in one line does not pass."""
    with planted(bug):
        desk = importlib.import_module("tests.keypad_desk")
        assert any(noticed(desk.history, seed) for seed in range(6))


def noticed(history: Callable[..., tuple[Verdict, Desk]], seed: int) -> bool:
    """Whether something is wrong, on wires as they should be or on some that are too long."""
    if not history(seed, 400)[0].clean:
        return True
    too_long = history(seed, 400, (SETTLE_S * 3,))[0]
    return bool(too_long.ghosts or too_long.doubled)
