"""``kiosk pin``: from a pipe, at a terminal, and what it does not take."""

from __future__ import annotations

import grp
import io
import os
from pathlib import Path

import pytest

from kiosk import cli_pin
from kiosk.cli import main
from kiosk.supervisors import MOST, Supervisor, Supervisors, read_file
from tests.cli_shop import configured
from tests.terminal import Keyboard

PIN = "2580"


class Technician:
    """A folder with a configuration, and the command run on it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.config = configured(folder)
        self.file = folder / "supervisors"
        self._capsys = capsys
        self._monkeypatch = monkeypatch

    def pin(self, *words: str, typed: str = "") -> tuple[int, str, str]:
        """Run it with that on its standard input; the status, and what it said."""
        self._monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        status = main(["pin", "--config", str(self.config), *words])
        told = self._capsys.readouterr()
        return status, told.out, told.err

    def refused(self, *words: str, typed: str = "") -> str:
        """Why it was not done; the file is as it was."""
        before = self.file.read_bytes() if self.file.exists() else None
        status, out, err = self.pin(*words, typed=typed)
        assert (status, out, err.count("\n")) == (1, "", 1)
        assert (self.file.read_bytes() if self.file.exists() else None) == before
        assert not self.file.with_name("supervisors.new").exists()
        return err.removeprefix("kiosk: ").rstrip()

    def whose(self, pin: str) -> str | None:
        """Whom the service would take him for."""
        entries, wrong = read_file(str(self.file))
        assert wrong == ()
        return Supervisors(entries).whose(pin)


@pytest.fixture
def technician(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Technician:
    return Technician(tmp_path, capsys, monkeypatch)


def test_a_pin_from_a_pipe_is_in_force_after_a_restart(technician: Technician) -> None:
    told = f"{technician.file}: Ana has a PIN; in force after: systemctl restart kiosk\n"
    assert technician.pin("Ana", typed=PIN + "\n") == (0, told, "")
    assert technician.whose(PIN) == "Ana"
    assert PIN not in technician.file.read_text()
    assert technician.file.stat().st_mode & 0o777 == 0o640


def test_another_pin_takes_the_place_of_the_one_before_and_the_rest_of_the_file_stays(technician: Technician) -> None:
    other = Supervisor.made("Eva", "7391", b"e" * 16).entry
    technician.file.write_text(f"# by hand\n\n{other}")  # without a line's end
    technician.file.chmod(0o600)
    for pin in (PIN, "4862", PIN):
        assert technician.pin("Ana", typed=pin)[0] == 0
    first, second, third, _ = technician.file.read_text().splitlines()
    assert [first, second, third] == ["# by hand", "", other]
    assert [technician.whose(pin) for pin in (PIN, "4862", "7391")] == ["Ana", None, "Eva"]
    assert technician.file.stat().st_mode & 0o777 == 0o600, "as it was"


def test_names_are_listed_and_removed(technician: Technician) -> None:
    for name, pin in (("Ana", PIN), ("Eva Luz", "7391")):
        assert technician.pin(name, typed=pin)[0] == 0
    assert technician.pin("--list") == (0, "Ana\nEva Luz\n", "")
    told = f"{technician.file}: Ana is no supervisor any more; in force after: systemctl restart kiosk\n"
    assert technician.pin("Ana", "--remove") == (0, told, "")
    assert technician.pin("--list") == (0, "Eva Luz\n", "")
    assert technician.whose(PIN) is None
    assert technician.refused("Ana", "--remove") == f"Ana is no supervisor in {technician.file}"


def test_without_a_file_there_are_no_names(technician: Technician) -> None:
    assert technician.pin("--list") == (0, "", "")
    assert not technician.file.exists()


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("", "a PIN has 4 to 8 digits"),
        ("258", "a PIN has 4 to 8 digits"),
        ("258025802", "a PIN has 4 to 8 digits"),
        ("25a0", "a PIN has 4 to 8 digits"),
        ("0000", "everybody tries that first: it is one digit again and again"),
        ("1234", "everybody tries that first: its digits stand in their order"),
        ("7391", "another supervisor has that PIN, and nobody could tell who did what"),
    ],
)
def test_what_is_no_good_pin_is_not_taken(technician: Technician, typed: str, why: str) -> None:
    assert technician.pin("Eva", typed="7391")[0] == 0
    assert technician.refused("Ana", typed=typed) == f"not taken: {why}"
    assert technician.pin("Eva", typed="7391")[0] == 0, "she may keep hers"
    assert technician.pin("Ana", typed=PIN)[0] == 0


@pytest.mark.parametrize("name", ["", " ", "Ana ", "A:a", "#Ana", "A\na", "A\x1ba", "A" * 25])
def test_what_is_no_name_is_not_taken(technician: Technician, name: str) -> None:
    assert technician.refused(name, typed=PIN).startswith("a name has 1 to 24 characters")
    assert technician.pin("A" * 24, typed=PIN)[0] == 0


def test_there_may_be_some_and_no_more(technician: Technician) -> None:
    every = [Supervisor(f"S{number}", b"c" * 16, b"d" * 32).entry for number in range(MOST)]
    technician.file.write_text("\n".join(every))
    technician.file.chmod(0o640)
    assert technician.refused("Ana", typed=PIN).startswith(f"there are {MOST} supervisors already")
    assert technician.pin("S0", typed=PIN)[0] == 0, "another PIN for one of them"


def test_whose_must_be_said(technician: Technician) -> None:
    assert technician.refused(typed=PIN) == "whose? kiosk pin NAME; kiosk pin --list tells the names"


def test_a_shop_that_wants_no_supervisors_has_no_file_for_them(technician: Technician) -> None:
    text = technician.config.read_text()
    technician.config.write_text(text.replace(f'supervisors = "{technician.file}"', 'supervisors = ""'))
    assert technician.refused("Ana", typed=PIN) == '[refunds] supervisors is "": there is no file for them'


def test_what_cannot_be_read_or_written_is_told(technician: Technician) -> None:
    technician.file.mkdir()
    (technician.file / "x").touch()
    status, _, err = technician.pin("Ana", typed=PIN)
    assert (status, err) == (1, f"kiosk: {technician.file}: cannot be read: Is a directory; sudo kiosk pin\n")
    text = technician.config.read_text()
    technician.config.write_text(text.replace(str(technician.file), str(technician.config / "x")))
    assert f"{technician.config}/x: cannot be read: Not a directory" in technician.pin("Ana", typed=PIN)[2]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_root_makes_the_file_for_the_service_and_leaves_one_that_is_there_to_its_owner(
    technician: Technician, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = grp.getgrall()[-1]
    monkeypatch.setattr(cli_pin, "GROUP", some.gr_name)
    assert technician.pin("Ana", typed=PIN)[0] == 0
    assert (technician.file.stat().st_uid, technician.file.stat().st_gid) == (0, some.gr_gid)
    os.chown(technician.file, 4711, 4712)
    assert technician.pin("Ana", typed=PIN)[0] == 0
    assert (technician.file.stat().st_uid, technician.file.stat().st_gid) == (4711, 4712)


@pytest.mark.slow
@pytest.mark.parametrize("again", [PIN, "2581"])
def test_at_a_terminal_it_is_typed_twice_and_not_shown(tmp_path: Path, again: str) -> None:
    config = configured(tmp_path)
    keyboard = Keyboard("pin", "--config", str(config), "Ana")
    try:
        keyboard.answer("PIN, 4 to 8 digits", PIN)
        keyboard.answer("The same once more", again)
        if again == PIN:
            keyboard.read_until("Ana has a PIN")
        else:
            keyboard.read_until("the two are not the same; nothing was changed")
        assert keyboard.process.wait(30) == (0 if again == PIN else 1)
    finally:
        keyboard.close()
    assert PIN not in keyboard.shown
    entries, _ = read_file(str(tmp_path / "supervisors"))
    assert Supervisors(entries).whose(PIN) == ("Ana" if again == PIN else None)
