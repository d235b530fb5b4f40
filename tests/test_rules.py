"""The rules of the house hold in this tree, and each sees a planted fault and leaves its permitted twin alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import rules
from tests.rules import RULES, Rule


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_tree_keeps(rule: Rule, root: Path) -> None:
    assert rule(root) == []


def planted(root: Path, path: str, text: str) -> Path:
    """A tree that holds that file, explained and with its tests, in a package of its own."""
    for name, content in ((path, text), ("kiosk/__init__.py", '"""The kiosk."""\n')):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content, encoding="utf-8")
    return root


LONG = "def f() -> None:\n" + "    pass\n"
FAULTS: list[tuple[Rule, str, str, str]] = [
    # rule, file, what it must not hold, what it may hold
    (rules.who_imports_whom, "kiosk/sale/front.py", "import kiosk.config", "import kiosk.sale.money"),
    (rules.who_imports_whom, "kiosk/sale/front.py", "from kiosk import ports", "from kiosk import sale"),
    (rules.who_imports_whom, "kiosk/sale/front.py", "from . import money", "from kiosk.sale import money"),
    (rules.who_imports_whom, "kiosk/loop.py", "from kiosk.journal import Journal", "from kiosk.ports import Journal"),
    (rules.who_imports_whom, "kiosk/loop.py", "from kiosk.config import Config", "from kiosk.worker import Crash"),
    (rules.who_imports_whom, "kiosk/worker.py", "import kiosk.printer", "import kiosk.ports"),
    (rules.who_imports_whom, "kiosk/display.py", "import kiosk.printer.status", "import kiosk.display.picture"),
    (rules.who_imports_whom, "kiosk/printer/usb_port.py", "import kiosk.loop", "import kiosk.printer.transport"),
    (rules.who_imports_whom, "kiosk/mercadopago/line.py", "import kiosk.control", "import kiosk.mercadopago.json"),
    (rules.who_imports_whom, "kiosk/gpiod_factory.py", "import kiosk.keypad", "import kiosk.gpiod_factory.edges"),
    (rules.who_imports_whom, "kiosk/journal/rows.py", "import kiosk.gpiod_factory", "import kiosk.config"),
    (
        rules.who_imports_whom,
        "kiosk/assembly.py",
        "def f():\n  from kiosk.sim import world",
        "def f():\n  import kiosk.sound",
    ),
    (rules.who_imports_which_library, "kiosk/sale/front.py", "import time", "import datetime"),
    (rules.who_imports_which_library, "kiosk/sale/front.py", "import logging", "import enum"),
    (rules.who_imports_which_library, "kiosk/sale/front.py", "import httpx", "import typing"),
    (rules.who_imports_which_library, "kiosk/loop.py", "import gpiozero", "import queue"),
    (rules.who_imports_which_library, "kiosk/sound.py", "import gpiod", "import gpiozero"),
    (rules.who_imports_which_library, "kiosk/journal/rows.py", "from PIL import Image", "import sqlite3"),
    (rules.who_imports_which_library, "kiosk/printer/usb_port.py", "import httpx.x", "import usb.core"),
    (rules.who_imports_which_library, "kiosk/control.py", "def f():\n  import requests", "def f():\n  import socket"),
    (rules.commands_start_light, "kiosk/cli.py", "import kiosk.printer", "def f():\n  import kiosk.printer"),
    (rules.commands_start_light, "kiosk/cli.py", "import kiosk.assembly", "import kiosk.config"),
    (rules.commands_start_light, "kiosk/cli.py", "import uvicorn", "import argparse"),
    (rules.nothing_is_too_long, "kiosk/a.py", LONG + "    pass\n" * 59, LONG + "    pass\n" * 58),
    (rules.nothing_is_too_long, "kiosk/a.py", "\n" * 401, "\n" * 400),
    (rules.one_broad_except, "kiosk/a.py", "try: f()\nexcept Exception: g()", "try: f()\nexcept ValueError: g()"),
    (rules.one_broad_except, "kiosk/a.py", "try: f()\nexcept: g()", "try: f()\nexcept (OSError, ValueError): g()"),
    (rules.one_broad_except, "kiosk/a.py", "try: f()\nexcept (OSError, BaseException): g()", "raise Exception"),
    (rules.one_broad_except, "kiosk/a.py", "with contextlib.suppress(Exception): f()", "with suppress(OSError): f()"),
    (
        rules.one_broad_except,
        "kiosk/worker.py",
        "try: f()\nexcept Exception: g()\ntry: f()\nexcept Exception: g()",
        "try: f()\nexcept Exception: g()",
    ),
    (rules.clocks_and_chance_are_handed_out, "kiosk/sound.py", "import time\nt = time.monotonic()", "t = clock()"),
    (
        rules.clocks_and_chance_are_handed_out,
        "kiosk/sound.py",
        "import time\nc = time.monotonic",
        "import time\ntime.sleep",
    ),
    (
        rules.clocks_and_chance_are_handed_out,
        "kiosk/sound.py",
        "from time import perf_counter",
        "from time import sleep",
    ),
    (
        rules.clocks_and_chance_are_handed_out,
        "kiosk/sound.py",
        "t = datetime.now(UTC)",
        "t = datetime.fromtimestamp(1)",
    ),
    (
        rules.clocks_and_chance_are_handed_out,
        "kiosk/sound.py",
        "t = datetime.date.today()",
        "t = datetime.date(1, 1, 1)",
    ),
    (
        rules.clocks_and_chance_are_handed_out,
        "kiosk/assembly.py",
        "t = time.monotonic()",
        "Loop(time.monotonic, time.time)",
    ),
    (rules.clocks_and_chance_are_handed_out, "kiosk/journal/rows.py", "import secrets", "import struct"),
    (rules.clocks_and_chance_are_handed_out, "kiosk/loop.py", "import random", "t = time.monotonic()"),
    (rules.public_things_are_explained, "kiosk/a.py", '"""A."""\ndef f(): ...', '"""A."""\ndef _f(): ...'),
    (rules.public_things_are_explained, "kiosk/a.py", '"""A."""\nclass C: ...', '"""A."""\nclass C:\n  """C."""'),
    (rules.public_things_are_explained, "kiosk/a.py", "x = 1", '"""A."""'),
    (rules.nothing_is_left_open, "kiosk/a.py", "x = 1  # TO" + "DO: more", "x = 1  # to do it well"),
    (rules.nothing_is_left_open, "kiosk/a.py", "raise NotImplementedError", "except_ = NotImplementedError"),
    (rules.nothing_is_left_open, "config/a.toml", "# FIX" + "ME", "# fixed"),
]


@pytest.mark.parametrize(
    ("rule", "path", "wrong", "right"),
    FAULTS,
    ids=[f"{rule.__name__}-{number}" for number, (rule, *_) in enumerate(FAULTS)],
)
def test_a_rule_sees_a_planted_fault_and_its_twin_passes(
    tmp_path: Path, rule: Rule, path: str, wrong: str, right: str
) -> None:
    assert rule(planted(tmp_path / "wrong", path, wrong))
    assert rule(planted(tmp_path / "right", path, right)) == []


def test_a_module_that_has_no_room(tmp_path: Path) -> None:
    assert rules.who_imports_whom(planted(tmp_path, "kiosk/mercadopago/refund.py", "")) == []
    (wrong,) = rules.who_imports_whom(planted(tmp_path, "kiosk/attic.py", ""))
    assert wrong.startswith("kiosk.attic has no room")


def test_a_file_that_the_customer_did_not_order(tmp_path: Path) -> None:
    assert rules.the_top_level_is_the_customers(planted(tmp_path, "README.md", "")) == []
    planted(tmp_path, "notes.txt", "")
    assert rules.the_top_level_is_the_customers(planted(tmp_path, "docs/a.md", "")) == [
        "docs at the top level",
        "notes.txt at the top level",
    ]


def test_a_module_that_nobody_imports(tmp_path: Path) -> None:
    """Its own tests do not count as users, nor does it itself; the entry point and packages need none."""
    planted(tmp_path, "kiosk/cli.py", "def f():\n  from kiosk import sound")
    planted(tmp_path, "kiosk/sound.py", "")
    planted(tmp_path, "kiosk/printer/__init__.py", "")
    assert rules.nobody_is_alone(tmp_path) == []
    planted(tmp_path, "kiosk/siren.py", "import kiosk.siren")
    planted(tmp_path, "tests/test_siren.py", "import kiosk.siren")
    assert rules.nobody_is_alone(tmp_path) == ["kiosk.siren"]


@pytest.mark.parametrize("name", ["test_printer_usb_port.py", "test_usb_port.py"])
def test_a_module_without_its_tests(tmp_path: Path, name: str) -> None:
    planted(tmp_path, "kiosk/printer/usb_port.py", "def f(): ...")
    planted(tmp_path, "kiosk/printer/words.py", "class C:\n  x = 1")
    assert rules.every_module_has_its_tests(tmp_path) == [
        "kiosk.printer.usb_port has no test_printer_usb_port.py or test_usb_port.py"
    ]
    planted(tmp_path, f"tests/{name}", "")
    assert rules.every_module_has_its_tests(tmp_path) == []


def test_a_package_with_code_of_its_own_has_tests(tmp_path: Path) -> None:
    planted(tmp_path, "kiosk/printer/__init__.py", "class P:\n  def f(self): ...")
    assert rules.every_module_has_its_tests(tmp_path) == ["kiosk.printer has no test_printer.py"]


def test_a_path_of_this_machine_in_a_file(tmp_path: Path) -> None:
    assert rules.no_file_knows_this_machine(planted(tmp_path, "config/a.toml", "path = '/var/lib/kiosk'")) == []
    for text in (f"path = '{tmp_path}/x'", f"path = '{Path.home()}/x'", "pip install --index-" + "url x"):
        assert rules.no_file_knows_this_machine(planted(tmp_path, "config/a.toml", text))


def test_what_tools_leave_behind_is_not_ours(tmp_path: Path) -> None:
    for name in (".venv/x.py", ".git/x", "kiosk.egg-info/x", "kiosk/__pycache__/x.txt", "build/x"):
        planted(tmp_path, name, "TO" + "DO")
    assert rules.the_top_level_is_the_customers(tmp_path) == []
    assert rules.nothing_is_left_open(tmp_path) == []
    planted(tmp_path, ".ci/run", "TO" + "DO")
    assert len(rules.nothing_is_left_open(tmp_path)) == 1
