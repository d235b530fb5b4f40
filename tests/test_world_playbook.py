"""A history that breaks a law is told as short as it can be, and the tale breaks the same law when it is pasted."""

from __future__ import annotations

import importlib

import pytest

from tests.world import World
from tests.world_day import day, history, seeded
from tests.world_mutants import MUTANTS, Mutant, planted
from tests.world_playbook import Short, broken, history_told, play_again, playbook, told

LONGEST_SALES = 3
"""Of the shortest histories none is longer: most bugs show in the first sale."""


def first_of(law: str) -> Mutant:
    """A planted bug that the histories notice."""
    return next(mutant for mutant in MUTANTS if mutant.law == law and mutant.killer == "world")


def told_with(mutant: Mutant) -> str:
    """The playbook of the first seed that the bug does not survive; pasted there, it breaks the same law."""
    with planted(mutant):
        fresh = importlib.import_module("tests.world_playbook")
        days = importlib.import_module("tests.world_day")
        seed = next(seed for seed in range(100) if fresh.broken(days.seeded(seed), 20, hard=True))
        text: str = fresh.playbook(seed)
        with pytest.raises(AssertionError, match=rf"^{mutant.law}: "):
            paste(text)
    return text


def paste(text: str) -> None:
    """What a colleague does who finds it in a log."""
    names: dict[str, object] = {}
    exec(compile(text, "a playbook", "exec"), names)
    [test] = [thing for name, thing in names.items() if name.startswith("test_")]
    assert callable(test)
    test()


def test_a_pasted_playbook_breaks_the_law_with_the_bug_and_passes_without_it() -> None:
    text = told_with(first_of("L2"))
    paste(text)
    assert "def test_l2_of_seed_" in text
    assert "<< Save(sale 1 paid watched), Sound, AskPos" in text
    assert text.splitlines()[-2].startswith("    # !! LawBroken: L2: paid, and no ticket is owed")
    assert text.splitlines()[-1] == "    play_again([], sales=1)"


@pytest.mark.slow
@pytest.mark.parametrize("law", [f"L{number}" for number in (1, 3, 4, 5, 7, 8, 9)])
def test_the_same_for_each_law_that_the_histories_watch(law: str) -> None:
    text = told_with(first_of(law))
    paste(text)
    assert int(text.rpartition("sales=")[2].split(")")[0]) <= LONGEST_SALES


def test_a_history_is_the_list_of_its_choices() -> None:
    made: list[int] = []
    choose = seeded(3)

    def remembered(count: int) -> int:
        made.append(choose(count))
        return made[-1]

    first = day(World(remembered), 5)
    again = play_again(made, 5)
    assert (again.steps, again.tally, again.at) == (first.steps, first.tally, first.at)
    assert again.journal.sales == first.journal.sales


def test_where_the_list_is_over_the_first_option_is_taken() -> None:
    choose = told([2, 9])
    assert [choose(4), choose(4), choose(4)] == [2, 3, 0]
    world = play_again([], 2)
    assert world.situations == ["sell", "sell"]
    assert world.sales == 2


def test_what_breaks_is_the_law_and_not_its_numbers() -> None:
    """The shortest history need not break it for the same sale, but it breaks the same law in the same words."""
    errors = ("LawBroken: L2: payment p7 of sale 3 is []", "LawBroken: L2: payment p11 of sale 12 is []")
    other = "LawBroken: L2: payment p7 of sale 3 is ['ticket', 'open dispute']"
    shorts = [Short((), 1, True, 1, (), error) for error in (*errors, other)]
    assert shorts[0].breaks == shorts[1].breaks
    assert shorts[0].breaks != shorts[2].breaks
    named = [Short((), 1, True, 1, (), f"LawBroken: L4: nobody watches {{'KIOSK01-{n}-a_b-{n}'}}") for n in (1, 22)]
    assert named[0].breaks == named[1].breaks


def test_a_seed_that_breaks_nothing_has_no_playbook() -> None:
    assert broken(seeded(3), 3, hard=True) is None
    assert playbook(3, 3).startswith("seed 3 breaks no law")
    assert history_told(3, 3).steps == history(3, 3).steps
