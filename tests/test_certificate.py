"""The certificate: what it counts, what it refuses, and what stands on it."""

from __future__ import annotations

import importlib
import io
from collections import Counter as Tally
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from tests.certificate import ROOT, Certificate, Progress, Seeds, arguments, certify, lines, play
from tests.certificate_worker import Block, is_hard, read, written
from tests.certificate_worker import play as play_days
from tests.stories import a_required_printer_dies_when_idle, paid_is_dismissed
from tests.world_cuts import Figures
from tests.world_day import history
from tests.world_mutants import MUTANTS, Mutant, planted

QUICK = [mutant for mutant in MUTANTS if mutant.killer == "two_attempts_are_the_most"]
HARMLESS = Mutant(
    "L1", "kiosk/sale/verdict.py", "from __future__ import annotations\n", "from __future__ import annotations \n"
)
SURVIVES = Mutant(HARMLESS.law, HARMLESS.file, HARMLESS.old, HARMLESS.new, "two_attempts_are_the_most")


def silent() -> Progress:
    """Nobody reads it."""
    return Progress(io.StringIO(), lambda: 0.0)


def text(certificate: Certificate) -> str:
    """The whole paper."""
    return "\n".join(lines(certificate))


def ticking() -> Iterator[float]:
    """A clock on which each look takes a second."""
    return map(float, count())


# --- the small one, smaller -------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_what_was_done_stands_on_it() -> None:
    asked = arguments(["--sales", "100", "--seed", "7"])
    clock = ticking()
    stories = (a_required_printer_dies_when_idle, paid_is_dismissed)
    certificate = certify(asked, silent(), lambda: next(clock), stories=stories, mutants=QUICK, disk=False)
    assert certificate.status == 0
    block = certificate.block
    assert (block.days, block.hard) == (20, 10), "a block of days is played to its end"
    assert block.sales > 100
    assert certificate.cuts.stories == 2
    assert certificate.cuts.ends > certificate.cuts.cuts > 40
    assert (certificate.killed, certificate.bugs) == (len(QUICK), len(QUICK))
    assert all(block.laws[f"L{number}"] > 50 for number in range(1, 10))
    paper = text(certificate)
    assert "seeds 7 to 26" in paper
    assert f" {block.sales:,}\n" in paper
    assert f"stopped {'.' * 10}" in paper
    assert paper.splitlines()[-1] == "VIOLATIONS: none."
    assert max(map(len, paper.splitlines())) <= 110


def test_the_days_are_those_of_the_seeds_and_every_second_one_is_hard() -> None:
    block = play_days(range(10, 12))
    worlds = [history(10, 20, hard=False), history(11, 20, hard=True)]
    assert [is_hard(seed) for seed in (10, 11)] == [False, True]
    assert (block.days, block.hard) == (2, 1)
    assert block.steps == sum(world.steps for world in worlds)
    assert block.tally == worlds[0].tally + worlds[1].tally
    assert block.laws["L4"] > 0


def test_another_process_tells_all_that_it_saw() -> None:
    block = play_days(range(2))
    block.broken.append((1, "LawBroken: L1: a ticket, and no money"))
    assert read(written(block)) == block


def test_two_blocks_together() -> None:
    one, other, both = play_days(range(1)), play_days(range(1, 2)), play_days(range(2))
    one.add(other)
    assert one == both


# --- what is no clean certificate -------------------------------------------------------------------------------------


def test_a_broken_law_is_told_with_its_seed_and_a_playbook() -> None:
    mutant = next(mutant for mutant in MUTANTS if mutant.law == "L2" and mutant.killer == "world")
    with planted(mutant):
        fresh = importlib.import_module("tests.certificate")
        certificate = fresh.Certificate(0, 1)
        certificate.block = importlib.import_module("tests.certificate_worker").play(range(2))
        paper = "\n".join(fresh.lines(certificate))
    assert certificate.status == 1
    assert "VIOLATIONS: 2" in paper
    assert "  seed 1: LawBroken: L2: " in paper
    assert "def test_l2_of_seed_1() -> None:" in paper
    assert "play_again([" in paper


def test_a_violation_after_a_power_cut_is_one() -> None:
    certificate = Certificate(0, 1, cuts=Figures(1, 1, 1, 1, ("plain_sale, cut at moment 3: L3",)))
    assert certificate.status == 1
    assert "  plain_sale, cut at moment 3: L3" in text(certificate)


@dataclass(frozen=True)
class Disk:
    """As ``tests.disk_cuts`` tells it."""

    violations: int
    examples: tuple[str, ...]
    stories: int = 3
    writes: int = 40
    syncs: int = 9
    cuts: int = 50
    folders: int = 1234


def test_what_the_disk_lost_stands_on_it() -> None:
    """A violation there is one like any other; a machine that cannot cut there says so, and is no violation."""
    well = Certificate(0, 1, disk=Disk(0, ()))
    assert well.status == 0
    assert "at every write and sync of the journal in 3 stories" in text(well)
    assert " 1,234\n" in text(well)
    broken = Certificate(0, 1, disk=Disk(2, ("paid: a row is half",)))
    assert broken.status == 1
    assert "VIOLATIONS: 2\n  paid: a row is half" in text(broken)
    unable = Certificate(0, 1, not_done=["power cuts at the disk: strace may not trace here"])
    assert unable.status == 0
    assert "NOT DONE: power cuts at the disk: strace may not trace here" in text(unable)


def test_a_bug_that_survives_is_no_clean_certificate() -> None:
    asked = arguments(["--sales", "0"])
    certificate = certify(asked, silent(), lambda: 0.0, stories=(), mutants=(*QUICK[:1], SURVIVES), disk=False)
    assert (certificate.killed, certificate.bugs, certificate.status) == (1, 2, 1)
    assert "survives: L1 kiosk/sale/verdict.py" in text(certificate)
    assert text(certificate).endswith("VIOLATIONS: none, but a planted bug survives.")


def test_a_process_that_dies_is_no_clean_certificate(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Its twin plays from the folder in which the days are."""
    for folder, died in ((tmp_path, True), (ROOT, False)):
        certificate = Certificate(0, 1)
        play(Seeds(certificate, 1, float("inf"), lambda: 0.0), 1, folder, lambda _: None)
        assert certificate.died is died
        assert certificate.status == int(died)
        assert ("NOT WHOLE" in text(certificate)) is died
    assert "tests.certificate_worker" in capfd.readouterr().err


def test_one_that_is_interrupted_says_where_to_go_on() -> None:
    class Interrupted(Progress):
        def tell(self, text: str) -> None:
            raise KeyboardInterrupt

    progress = Interrupted(io.StringIO(), lambda: 0.0)
    certificate = certify(arguments(["--seed", "40"]), progress, lambda: 0.0, mutants=QUICK, disk=False)
    certificate.block.add(Block(days=3, sales=60))
    assert certificate.status == 130
    assert "INTERRUPTED: --seed 43 goes on from here." in text(certificate)


# --- how much ---------------------------------------------------------------------------------------------------------


def test_seeds_are_handed_out_one_block_after_another_until_there_are_enough_sales() -> None:
    certificate = Certificate(5, 2)
    seeds = Seeds(certificate, 1000, float("inf"), lambda: 0.0)
    taken = [seeds.take(), seeds.take(), seeds.take()]
    assert taken == [range(5, 25), range(25, 45), range(45, 65)]
    assert seeds.take() is None, "what is under way will be enough"
    seeds.give(range(5, 25), Block(sales=100, days=20))
    assert seeds.take() == range(65, 85)


def test_or_until_the_time_is_over() -> None:
    now = [0.0]
    seeds = Seeds(Certificate(0, 1), 10**9, 60.0, lambda: now[0])
    assert seeds.take() == range(20)
    now[0] = 60.0
    assert seeds.take() is None


@pytest.mark.parametrize("wrong", [["--jobs", "0"], ["--sales", "-1"], ["--sales", "9", "--seconds", "9"]], ids=str)
def test_what_cannot_be_played_is_refused(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        arguments(wrong)
    assert refused.value.code == 2
    assert "usage: " in capsys.readouterr().err
    assert arguments(["--jobs", "2", "--sales", "9"]).jobs == 2


# --- progress ---------------------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    """A stream that is one."""

    def isatty(self) -> bool:
        return True


def test_progress_is_one_line_on_a_terminal_and_some_lines_elsewhere() -> None:
    terminal, log, now = Terminal(), io.StringIO(), [0.0]
    on_terminal, in_log = Progress(terminal, lambda: now[0]), Progress(log, lambda: now[0])
    for second in range(21):
        now[0] = float(second)
        on_terminal.tell(f"{second} s")
        in_log.tell(f"{second} s")
    on_terminal.done()
    in_log.done()
    assert log.getvalue() == "10 s\n20 s\n"
    assert terminal.getvalue().count("\r") == 22
    assert "\n" not in terminal.getvalue()


def test_the_laws_on_it_are_those_of_the_design() -> None:
    """Every law that the days and the cuts hold something against is on the paper, or is not one of the ten."""
    tally = Tally(dict.fromkeys(play_days(range(4)).laws, 1))
    paper = text(Certificate(0, 1, block=Block(days=1, laws=tally)))
    assert all(f"  L{number:<3}" in paper for number in range(1, 11))
