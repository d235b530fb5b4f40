"""Whose PIN it is, and the file that says so."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kiosk.supervisors import MOST, Supervisor, Supervisors, guessable, read_file

ANA = Supervisor.made("Ana", "2580", b"a" * 16).entry
EVA = Supervisor.made("Eva Luz", "13572468", b"b" * 16).entry


def test_each_has_a_pin_and_no_other_lets_anybody_in() -> None:
    supervisors = Supervisors((ANA, EVA))
    assert [supervisors.whose(pin) for pin in ("2580", "13572468")] == ["Ana", "Eva Luz"]
    for wrong in ("2581", "02580", "258", "1357246", "135724689", "", "25 0", "٢٥٨٠", "2580\n"):
        assert supervisors.whose(wrong) is None
    assert Supervisors(()).whose("2580") is None


def test_a_line_comes_back_as_it_was_and_holds_no_pin() -> None:
    made = Supervisor.made("Ana", "2580", b"a" * 16)
    assert Supervisor.read(made.entry) == made
    assert "2580" not in made.entry
    assert Supervisor.made("Ana", "2580", b"b" * 16).digest != made.digest, "the salt tells them apart"


@pytest.mark.parametrize(
    "line",
    ["", "Ana", "Ana:2580", "Ana:x:y", f" {ANA}", f"{ANA} ", f"#{ANA}", f"x{'y' * 24}{ANA[3:]}", ANA[:-1], ANA[3:]],
)
def test_what_is_no_line_lets_nobody_in(line: str) -> None:
    assert Supervisor.read(ANA) is not None
    assert Supervisor.read(line) is None
    assert Supervisors((line,)).whose("2580") is None


# --- the file ---------------------------------------------------------------------------------------------------------


def written(tmp_path: Path, text: str, mode: int = 0o640) -> str:
    path = tmp_path / "supervisors"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return str(path)


def test_remarks_and_blank_lines_mean_nothing(tmp_path: Path) -> None:
    name = written(tmp_path, f"# who may give money back\n\n{ANA}\n   # the evening\n{EVA}\n")
    assert read_file(name) == ((ANA, EVA), ())


def test_without_a_file_there_is_nobody_and_nothing_is_wrong(tmp_path: Path) -> None:
    assert read_file(str(tmp_path / "none")) == ((), ())
    assert read_file("") == ((), ())


def test_a_wrong_line_is_told_by_its_number_alone_and_the_others_count(tmp_path: Path) -> None:
    name = written(tmp_path, f"Eva:1357\n{ANA}\n")
    assert read_file(name) == ((ANA,), (f"{name}: line 1 is none that kiosk pin writes",))


def test_a_file_that_cannot_be_read_has_nobody_and_is_told(tmp_path: Path) -> None:
    assert read_file(str(tmp_path)) == ((), (f"{tmp_path}: cannot be read: Is a directory",))
    path = tmp_path / "binary"
    path.write_bytes(b"\xff\xfe\x00")
    path.chmod(0o640)
    assert read_file(str(path)) == ((), (f"{path}: line 1 is none that kiosk pin writes",))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_of_somebody_elses_is_told(tmp_path: Path) -> None:
    name = written(tmp_path, ANA, mode=0)
    assert read_file(name) == ((), (f"{name}: cannot be read: Permission denied",))


def test_a_file_that_all_can_read_counts_and_is_told(tmp_path: Path) -> None:
    name = written(tmp_path, ANA, mode=0o644)
    assert read_file(name) == ((ANA,), (f"{name}: every user of this machine can read it; type: chmod o= {name}",))


def test_the_counter_waits_for_no_more_than_some(tmp_path: Path) -> None:
    many = [Supervisor(f"S{number}", b"c" * 16, b"d" * 32).entry for number in range(MOST + 1)]
    assert read_file(written(tmp_path, "\n".join(many[:MOST]))) == (tuple(many[:MOST]), ())
    entries, wrong = read_file(written(tmp_path, "\n".join(many)))
    assert entries == tuple(many[:MOST])
    assert [text.partition(": ")[2] for text in wrong] == [
        f"there are more than {MOST} supervisors; only the first count"
    ]


@pytest.mark.parametrize("pin", ["0000", "99999999", "1234", "4321", "890123", "3210", "1212", "373737", "12121212"])
def test_pins_that_everybody_tries_first(pin: str) -> None:
    assert guessable(pin)


@pytest.mark.parametrize("pin", ["2580", "1243", "0001", "1221", "12123", "135790", "1357", "27182818"])
def test_pins_that_have_to_be_tried(pin: str) -> None:
    assert guessable(pin) == ""
