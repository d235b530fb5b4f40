"""Fuzzing of all parsers of outside data: committed documents, generated ones, Hypothesis, coverage-guided, by hand.

Each driver hands bytes to the same targets (``tests.fuzz``). Their oracles are held against answers that are plainly
good or bad, and against planted bugs: an oracle that is never wrong because it never says anything proves nothing.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from itertools import count, islice
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import drivers, mutants
from tests.fuzz.claims import Found, must
from tests.fuzz.guided import SELF
from tests.fuzz.mutation import in_json
from tests.fuzz.raw_money import Owed, Said, may_be_paid, surely_paid
from tests.fuzz.targets import CORPUS, TARGETS, Target, tidy
from tests.world_mutants import Mutant, planted

pytestmark = pytest.mark.usefixtures("_tidied")
targets = pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS.keys())
SEED = 3
OWED = Owed("R-1", 7, Decimal(25), "BRL")


@pytest.fixture(scope="module")
def _tidied() -> Iterator[None]:
    """Targets make servers and files for themselves; no later test inherits them."""
    yield
    tidy()


# --- the targets ------------------------------------------------------------------------------------------------------


@targets
def test_the_committed_documents_break_nothing(target: Target) -> None:
    assert target.seeds()
    for data in target.seeds():
        target.run(data)


def test_every_document_belongs_to_a_target() -> None:
    assert {folder.name for folder in CORPUS.iterdir()} == set(TARGETS)


@pytest.mark.slow
@targets
def test_generated_inputs_break_nothing(target: Target) -> None:
    run_all(target)


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_hypothesis_breaks_nothing(name: str) -> None:
    """The same grammar with Hypothesis's choices, which are made small again where something breaks; and raw bytes."""
    target = TARGETS[name]
    seeds = st.sampled_from(target.seeds())
    changed = st.builds(target.mutate, seeds, st.randoms(use_true_random=False))

    @settings(max_examples=40, database=None)
    @given(changed | st.binary(max_size=60))
    def breaks_nothing(data: bytes) -> None:
        target.run(data)

    breaks_nothing()


def test_generated_inputs_are_the_same_for_the_same_seed_and_differ_from_the_documents() -> None:
    target = TARGETS["look"]
    one, two, other = (list(islice(target.generated(seed), 30)) for seed in (1, 1, 2))
    assert one == two != other
    assert len(set(one) & set(target.seeds())) < 5


def test_a_changed_document_is_mostly_json_still() -> None:
    """Bytes that are torn at random never get past the parser's first line."""
    random, seed = Random(1), b'{"a": [1, {"b": "x"}], "c": 2.5, "d": null}'
    whole = sum(_is_json(in_json(seed, random)) for _ in range(200))
    assert 80 < whole < 190


def _is_json(data: bytes) -> bool:
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True


# --- the oracle of money ----------------------------------------------------------------------------------------------

PAID = (
    b'{"elements": [{"id": 9, "status": "closed", "external_reference": "R-1", "collector": {"id": 7}, '
    b'"total_amount": 25.00, "payments": [{"id": 1, "status": "approved", "currency_id": "BRL", '
    b'"transaction_amount": 20, "amount_refunded": 0}, {"id": 2, "status": "approved", "currency_id": "BRL", '
    b'"transaction_amount": 5.0}]}], "total": 1}'
)
NOT_PAID = {
    "opened": (b'"closed"', b'"opened"'),
    "another reference": (b'"R-1"', b'"R-2"'),
    "another collector": (b'{"id": 7}', b'{"id": 8}'),
    "another amount": (b"25.00", b"25.01"),
    "an amount in text": (b"25.00", b'"25.00"'),
    "another currency": (b'"BRL", "transaction_amount": 20', b'"ARS", "transaction_amount": 20'),
    "not covered": (b"5.0", b"4.99"),
    "refunded in part": (b'"amount_refunded": 0', b'"amount_refunded": 0.01'),
    "rejected": (b'2, "status": "approved"', b'2, "status": "rejected"'),
    "one payment twice": (b'"id": 2', b'"id": 1'),
    "taken back": (b'"id": 9,', b'"id": 9, "order_status": "reverted",'),
    "cancelled": (b'"id": 9,', b'"id": 9, "cancelled": true,'),
    "money went back": (b'"id": 9,', b'"id": 9, "refunded_amount": 25,'),
    "no JSON": (b"]}", b"]"),
    "NaN beside it": (b'"total": 1', b'"total": NaN'),
}


def test_the_oracle_sees_what_is_paid() -> None:
    said = [Said("O", 200, PAID)]
    assert may_be_paid(said, OWED)
    assert surely_paid(said, OWED)


@pytest.mark.parametrize(("old", "new"), NOT_PAID.values(), ids=NOT_PAID.keys())
def test_the_oracle_sees_what_is_not_paid(old: bytes, new: bytes) -> None:
    assert PAID.count(old)
    said = [Said("O", 200, PAID.replace(old, new))]
    assert not may_be_paid(said, OWED)
    assert not surely_paid(said, OWED)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"id": 9', b'"id": null'),
        (b'"id": 2', b'"id": true'),
        (b'"total": 1', b'"total": "x"'),
        (b"25.00", b"25.000000000000000000"),
        (b'"status": "closed"', b'"status": "closed", "cancelled": "no"'),
    ],
)
def test_the_oracle_asks_nobody_to_believe_what_is_not_documented(old: bytes, new: bytes) -> None:
    said = [Said("O", 200, PAID.replace(old, new))]
    assert not surely_paid(said, OWED)


def test_an_answer_that_did_not_succeed_pays_nothing() -> None:
    assert not may_be_paid([Said("O", 500, PAID)], OWED)
    assert not may_be_paid([Said("P", 200, PAID)], OWED)


# --- planted bugs -----------------------------------------------------------------------------------------------------


def test_every_planted_bug_is_still_in_the_source() -> None:
    for mutant in mutants.MUTANTS:
        assert compile(mutant.source(), mutant.file, "exec")
        assert mutant.killer in TARGETS


@pytest.mark.slow
@pytest.mark.parametrize(
    "mutant", mutants.MUTANTS, ids=[f"{m.law}-{m.killer}-{n}" for n, m in enumerate(mutants.MUTANTS)]
)
def test_a_planted_bug_is_found(mutant: Mutant) -> None:
    """Its twin is ``test_generated_inputs_break_nothing``: the same inputs, the program as it is."""
    with planted(mutant):
        fresh = importlib.import_module("tests.fuzz.targets")
        target = fresh.TARGETS[mutant.killer]
        try:
            with pytest.raises(AssertionError, match=f"^{mutant.killer}: "):
                run_all(target)
        finally:
            fresh.tidy()


def run_all(target: Target) -> None:
    """What the slow tier runs."""
    for data in (*target.seeds(), *islice(target.generated(SEED), target.inputs)):
        target.run(data)


# --- by hand and guided -----------------------------------------------------------------------------------------------


def fuzz(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.fuzz", *arguments]
    return subprocess.run(command, cwd=drivers.ROOT, capture_output=True, text=True, timeout=1200, check=False)


def broken(data: bytes) -> None:
    must(len(data) < 30, "shorter than thirty bytes")


def test_a_search_shows_and_keeps_what_it_found(tmp_path: Path) -> None:
    target = TARGETS["token"]
    run = drivers.plain(Target("token", broken, target.mutate, ""), 5.0, seed=1, keep=tmp_path)
    assert run.finding == "token: shorter than thirty bytes"
    assert run.saved is not None
    assert run.saved.read_bytes() == run.data
    assert run.line().endswith("FOUND")


def test_a_search_that_finds_nothing_says_how_much_it_tried() -> None:
    seeds, ticks = len(TARGETS["token"].seeds()), count()
    run = drivers.plain(TARGETS["token"], seeds + 10, seed=1, clock=lambda: next(ticks))
    assert run.executions > seeds
    assert run.line().endswith("nothing found")


def test_a_crash_is_a_finding() -> None:
    target = Target("token", lambda data: must(data[9] > 0, ""), TARGETS["token"].mutate, "")
    with pytest.raises(Found, match="token: IndexError: index out of range, for b'x'"):
        target.run(b"x")


@pytest.mark.slow
def test_the_command_lists_its_targets() -> None:
    done = fuzz()
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == list(TARGETS)


@pytest.mark.long
@targets
def test_a_search_guided_by_coverage_finds_nothing(target: Target) -> None:
    if not drivers.is_guided():
        pytest.skip("Atheris is not installed (extra fuzz; there are wheels for Linux on x86_64 only)")
    run = drivers.guided(target.name, 60.0, seed=SEED)
    assert not run.finding, f"{run.finding}\n{run.data!r}"
    assert run.executions > 100


@pytest.mark.long
def test_a_search_guided_by_coverage_finds_what_there_is(tmp_path: Path) -> None:
    """The twin: words behind three branches, which nobody meets by chance."""
    if not drivers.is_guided():
        pytest.skip("Atheris is not installed (extra fuzz; there are wheels for Linux on x86_64 only)")
    run = drivers.guided(SELF, 120.0, seed=SEED, keep=tmp_path)
    assert run.finding.endswith("the door is open")
    assert run.data.startswith(b"kios")
