"""Each event that a technician must act on is explained in ``systemd/kiosk.catalog``, and nothing else is.

The events are read from the source: a new warning without an explanation, and an explanation of an event that is no
more, are both found here.
"""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from kiosk.sale.events import Device
from kiosk.systemd import message_id
from tests.rules import modules

WARNING = 4
LOGGING = {"kiosk.sale": {"Entry", "log", "note"}, "kiosk.assembly": {"Entry", "_say"}}
"""What logs an event, in which part of the house; everywhere else only an ``Entry`` does."""
LEVEL_OF_SAY = 4
DEFAULT_LEVEL = 6
# Calls whose event is no text of its own: who passes one on, and who takes it from a list of words.
PASSED_ON = {"kiosk.assembly._say", "kiosk.sale.turn._entry"}
NAMED_ELSEWHERE = {
    "kiosk.sale.waiting._verified": ("wrong-amount", "replaced"),
    "kiosk.sale.health.tell": tuple(device.value for device in Device),
}


@dataclass(frozen=True)
class Logged:
    """An event that the program logs, at its most urgent."""

    name: str
    level: int


def logged(root: Path) -> Iterator[Logged]:
    """Every event of the source."""
    for module, path in modules(root):
        if module.startswith(("kiosk.sim", "kiosk.journal")):  # the double; and what reads old entries again
            continue
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef):
                yield from events_of(f"{module}.{function.name}", function)


def events_of(where: str, function: ast.FunctionDef) -> Iterator[Logged]:
    for call in calls_of(where, function):
        arguments = [*call.args, *(word.value for word in call.keywords if word.arg == "event")]
        said = name_of(call.func)
        arguments = arguments[1:] if said == "_say" else arguments  # the first is the service
        first = arguments[0] if arguments else None
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            yield Logged(first.value, level_of(call, said))
        elif where in NAMED_ELSEWHERE:
            yield from (Logged(name, level_of(call, said)) for name in NAMED_ELSEWHERE[where])
        else:
            assert where in PASSED_ON or name_of(first) in ("entry", "Entry"), f"{where}: an event without a name"


def calls_of(where: str, function: ast.FunctionDef) -> Iterator[ast.Call]:
    """Its calls that log something."""
    logging = next((names for part, names in LOGGING.items() if where.startswith(f"{part}.")), {"Entry"})
    for call in ast.walk(function):
        if isinstance(call, ast.Call) and name_of(call.func) in logging:
            yield call


def name_of(node: ast.AST | None) -> str:
    """``turn.log`` is ``log``; a call is what is called."""
    if isinstance(node, ast.Call):
        return name_of(node.func)
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def level_of(call: ast.Call, said: str) -> int:
    """The most urgent of the levels that stand there; a level that is reckoned is taken for a warning."""
    if said == "_say":
        return LEVEL_OF_SAY
    given = next((word.value for word in call.keywords if word.arg == "level"), None)
    if given is None:
        return DEFAULT_LEVEL
    levels = [node.value for node in ast.walk(given) if isinstance(node, ast.Constant) and isinstance(node.value, int)]
    return min(levels, default=WARNING)


@dataclass(frozen=True)
class Explained:
    """An entry of the catalogue."""

    event: str
    id: str
    head: dict[str, str]
    text: str


@pytest.fixture(scope="module")
def catalogue(root: Path) -> list[Explained]:
    text = (root / "systemd/kiosk.catalog").read_text()
    found = re.findall(r"^# (\S+)\n-- (\S+)\n((?:\S+: .*\n)+)\n((?:(?!# |-- ).*\n?)*)", text, re.MULTILINE)
    assert len(found) == text.count("\n-- ")
    heads = [dict(line.split(": ", 1) for line in head.splitlines()) for _, _, head, _ in found]
    return [Explained(event, id_, head, body) for (event, id_, _, body), head in zip(found, heads, strict=True)]


def test_what_a_technician_must_act_on_is_explained(root: Path, catalogue: list[Explained]) -> None:
    events = list(logged(root))
    assert len(events) > 40, "the source is read"
    urgent = {event.name for event in events if event.level <= WARNING}
    explained = {entry.event for entry in catalogue}
    assert urgent - explained == set()
    assert explained - {event.name for event in events} == set()


def test_an_entry_bears_the_id_that_the_kiosk_sends(catalogue: list[Explained]) -> None:
    """Two events cannot have one id, since each is made of its name; one name has one entry."""
    assert [entry.id for entry in catalogue] == [message_id(entry.event) for entry in catalogue]
    assert len({entry.id for entry in catalogue}) == len(catalogue)


def test_an_entry_says_what_it_means_and_what_to_do(catalogue: list[Explained]) -> None:
    for entry in catalogue:
        assert set(entry.head) == {"Subject", "Defined-By", "Documentation"}
        meaning, *cure = entry.text.strip().split("\n\n")
        assert meaning, entry.event
        assert cure, entry.event
        assert max(map(len, entry.text.splitlines())) <= 100
        assert set(re.findall(r"@\w+@", entry.text + entry.head["Subject"])) <= {"@KIOSK_SALE@"}


def test_the_reader_of_the_source_sees_what_it_should() -> None:
    source = """
def f(turn, service, reason):
    turn.log("a", "text", level=3 if reason else 5)
    turn.note("b", "text")
    turn.log(
        "c", "text", level=level)
    _say(service, "d", "text")
    service.log(Entry("e", "text", level=2))
"""
    [function] = ast.parse(source).body
    assert isinstance(function, ast.FunctionDef)
    found = {
        event.name: event.level
        for part in ("sale.turn", "assembly")
        for event in events_of(f"kiosk.{part}.f", function)
    }
    assert found == {"a": 3, "b": 6, "c": 4, "d": 4, "e": 2}
    [nameless] = ast.parse("def f(turn, name):\n    turn.log(name, 'text')").body
    assert isinstance(nameless, ast.FunctionDef)
    with pytest.raises(AssertionError, match="without a name"):
        list(events_of("kiosk.sale.f", nameless))
    assert list(events_of("kiosk.printer.f", nameless)) == []


@pytest.mark.skipif(shutil.which("journalctl") is None, reason="no systemd here")
def test_systemd_takes_the_catalogue(root: Path, tmp_path: Path, catalogue: list[Explained]) -> None:
    """``journalctl`` makes its database of it, in a tree of its own, and shows an entry from it."""
    place = tmp_path / "usr/lib/systemd/catalog"
    place.mkdir(parents=True)
    (tmp_path / "var/lib/systemd/catalog").mkdir(parents=True)
    shutil.copy(root / "systemd/kiosk.catalog", place)
    made = subprocess.run(
        ["journalctl", f"--root={tmp_path}", "--update-catalog"], capture_output=True, text=True, check=False
    )
    assert (made.returncode, made.stderr) == (0, "")
    listed = subprocess.run(
        ["journalctl", f"--root={tmp_path}", "--list-catalog"], capture_output=True, text=True, check=True
    )
    for entry in catalogue:
        assert f"{entry.id} kiosk: {entry.head['Subject']}" in listed.stdout
