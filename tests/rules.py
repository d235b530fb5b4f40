"""The rules of the house, read from the source: who may import whom, who may read a clock, how long a function may be.

Each rule is a function from the root of a tree to the list of what breaks it, so that ``test_rules.py`` can hold it
against this tree and against small ones with a planted fault.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Final

Rule = Callable[[Path], list[str]]

TOP_LEVEL: Final = {"kiosk", "config", "systemd", "tests", "install.sh", "pyproject.toml", "README.md"}
GENERATED: Final = r"\..*|__pycache__|.*\.egg-info|build"

MAX_FUNCTION: Final = 60
MAX_FILE: Final = 400

PURE: Final = {
    *("__future__", "bisect", "collections", "dataclasses", "datetime", "decimal", "enum", "functools", "heapq"),
    *("itertools", "math", "operator", "string", "types", "typing", "unicodedata"),
}
"""The parts of the standard library that neither look at the world nor change it (``datetime.now`` is caught apart)."""

# Which modules form a room of the house, by what follows "kiosk.".
ROOMS: Final[dict[str, tuple[str, ...]]] = {
    "centre": ("sale",),
    "ports": ("ports",),
    "configuration": ("config",),
    "loop": ("loop", "worker"),
    "keypad": ("keypad",),
    "gpio": ("gpiod_factory",),
    "display": ("display",),
    "printer": ("printer",),
    "sound": ("sound",),
    "mercadopago": ("mercadopago",),
    "journal": ("journal",),
    "systemd": ("systemd",),
    "control": ("control",),
    "notifications": ("notifications",),
    "assembly": (
        "assembly",
        "answers",
        "check",
        "check_machine",
        "running",
        "agreement",
        "setup",
        "slip",
        "report",
        "still",
        "supervisors",
    ),
    "commands": (
        *("cli", "cli_backup", "cli_devices", "cli_pin", "cli_sales", "cli_settle", "cli_setup", "cli_report"),
        *("cli_totals", "__main__"),
    ),
    "sim": ("sim",),
}
ADAPTERS: Final = {"keypad", "gpio", "display", "printer", "sound", "mercadopago", "journal", "systemd", "control"} | {
    "notifications"
}
_FOR_ADAPTERS: Final = {"centre", "ports", "configuration"}
MAY_IMPORT: Final[dict[str, set[str]]] = {
    "centre": set(),
    "ports": {"centre"},
    "configuration": {"centre"},
    "loop": {"centre", "ports"},
    **dict.fromkeys(ADAPTERS, _FOR_ADAPTERS),
    # The pin factory is gpiozero's extension point: the two that drive gpiozero's devices choose it.
    "keypad": _FOR_ADAPTERS | {"gpio"},
    "sound": _FOR_ADAPTERS | {"gpio"},
    "assembly": {"loop", *ADAPTERS, *_FOR_ADAPTERS},
    "commands": {"assembly", "loop", "sim", *ADAPTERS, *_FOR_ADAPTERS},
    "sim": {"assembly", "commands", "loop", *ADAPTERS, *_FOR_ADAPTERS},
}
"""Which rooms a room may import, besides itself."""

LIBRARIES: Final[dict[str, tuple[str, ...]]] = {
    # assembly, still: the type of a pin factory; sim: the mock pins that the virtual keypad is wired to
    "gpiozero": ("keypad", "sound", "gpiod_factory", "assembly", "still", "sim"),
    "gpiod": ("gpiod_factory",),
    "evdev": ("keypad",),
    "luma": ("display",),
    "PIL": ("display", "sim"),
    "qrcode": ("sim",),
    "escpos": ("printer",),
    "usb": ("printer",),
    "serial": ("printer",),
    "httpx": ("mercadopago",),
    "httpcore": ("mercadopago",),  # what httpx lets through unmapped
    "sqlite3": ("journal",),
    "systemd": ("systemd",),
    "starlette": ("sim",),
    "uvicorn": ("sim", "notifications"),
    "h11": ("notifications",),
    "_typeshed": ("config", "journal"),  # types only: it exists for mypy alone
}
"""Which modules may import a library. One that is not listed may be imported by nobody."""

MONOTONIC: Final = {"monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns"}
WALL: Final = {"time", "time_ns", "now", "utcnow", "today"}
COMPOSERS: Final = {"assembly", "commands", "sim"}
"""The rooms that put parts together: they hand out clocks and random numbers."""


def modules(root: Path) -> Iterator[tuple[str, Path]]:
    """Name (``kiosk.sale.front``, ``kiosk.printer``) and file of each module of the package."""
    for path in sorted((root / "kiosk").rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def room_of(module: str) -> str | None:
    """The room of a module; None for a name that no room has, and for the package itself."""
    part = module.split(".")[1] if "." in module else ""
    for room, names in ROOMS.items():
        if part in names:
            return room
    return None


def imports(path: Path, *, top_only: bool = False) -> Iterator[str]:
    """The modules that a file imports, wherever in it; ``from kiosk import ports`` counts as ``kiosk.ports``, too."""
    for node in _tree(path).body if top_only else ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            yield base
            if base.split(".")[0] == "kiosk":
                yield from (f"{base}.{alias.name}" for alias in node.names)


def who_imports_whom(root: Path) -> list[str]:
    """A room imports only the rooms that ``MAY_IMPORT`` allows; every module has a room."""
    wrong = []
    for module, path in modules(root):
        room = room_of(module)
        if room is None and module != "kiosk":
            wrong.append(f"{module} has no room: give it one in tests/rules.py")
        for name in imports(path):
            there = room_of(name) if name.startswith("kiosk.") else None
            if name.startswith("."):
                wrong.append(f"{module} imports {name}: write the whole name")
            elif room is not None and there not in {None, room, *MAY_IMPORT[room]}:
                wrong.append(f"{module} ({room}) imports {name} ({there})")
    return wrong


def who_imports_which_library(root: Path) -> list[str]:
    """A library of others is imported only where ``LIBRARIES`` says; the centre imports pure modules alone."""
    wrong = []
    for module, path in modules(root):
        part = module.removeprefix("kiosk.").split(".")[0]
        for name in {name.split(".")[0] for name in imports(path)} - {"kiosk"}:
            if part == "sale" and name not in PURE:
                wrong.append(f"{module} imports {name}: the centre is pure")
            elif name not in sys.stdlib_module_names and part not in LIBRARIES.get(name, ()):
                wrong.append(f"{module} imports {name}")
    return wrong


def commands_start_light(root: Path) -> list[str]:
    """``cli`` loads adapters and libraries inside the command that needs them, so that the others start at once."""
    allowed = {"centre", "ports", "configuration", "commands", None}
    return [
        f"{module} imports {name} at its top"
        for module, path in modules(root)
        if room_of(module) == "commands"
        for name in imports(path, top_only=True)
        if room_of(name) not in allowed or name.split(".")[0] not in {"kiosk", *sys.stdlib_module_names}
    ]


def nobody_is_alone(root: Path) -> list[str]:
    """Every module is imported by another one of the package; tests do not count."""
    known = {module: path for module, path in modules(root) if path.name not in ("__init__.py", "__main__.py")}
    used = {name for module, path in modules(root) for name in imports(path) if name != module}
    return [module for module in known if module not in used and module != "kiosk.cli"]  # cli: the entry point


def every_module_has_its_tests(root: Path) -> list[str]:
    """``kiosk/a/b.py`` has ``tests/test_a_b.py`` or ``tests/test_b.py``; a module without a function needs none."""
    wrong = []
    for module, path in modules(root):
        parts = module.split(".")[1:]
        named = {f"test_{'_'.join(parts)}.py", f"test_{parts[-1]}.py"} if parts else {"test_kiosk.py"}
        runs = any(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) for node in ast.walk(_tree(path)))
        # ports holds protocols: what is behind them is tested.
        if runs and module != "kiosk.ports" and not any((root / "tests" / name).exists() for name in named):
            wrong.append(f"{module} has no {' or '.join(sorted(named))}")
    return wrong


def nothing_is_too_long(root: Path) -> list[str]:
    """No function of the package has more than 60 lines, no file more than 400."""
    wrong = []
    for module, path in modules(root):
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > MAX_FILE:
            wrong.append(f"{module} has {lines} lines")
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > MAX_FUNCTION:
                    wrong.append(f"{module}.{node.name} has {length} lines")
    return wrong


def one_broad_except(root: Path) -> list[str]:
    """Only ``worker`` may catch everything, once: there the loop learns that a thread broke."""
    found = [
        f"{module}:{node.lineno} catches everything"
        for module, path in modules(root)
        for node in ast.walk(_tree(path))
        if (isinstance(node, ast.ExceptHandler) and (node.type is None or _names(node.type) & _EVERYTHING))
        or (isinstance(node, ast.Call) and "suppress" in _names(node.func) and _names(*node.args) & _EVERYTHING)
    ]
    in_worker = [text for text in found if text.startswith("kiosk.worker:")]
    return [text for text in found if text not in in_worker[:1]]


def clocks_and_chance_are_handed_out(root: Path) -> list[str]:
    """The monotonic clock is read by ``loop`` alone; what else needs a clock or chance is given it by a composer."""
    wrong = []
    for module, path in modules(root):
        composer = room_of(module) in COMPOSERS
        for node in ast.walk(_tree(path)):
            what = _clock(node.func) if isinstance(node, ast.Call) else _clock(node)
            if what is None or module == "kiosk.loop":
                continue
            monotonic = what.split(".")[1] in MONOTONIC
            if not composer or (monotonic and isinstance(node, ast.Call)):
                wrong.append(f"{module}:{getattr(node, 'lineno', 0)} reads {what}")
        chance = {"random", "secrets", "uuid"} & {name.split(".")[0] for name in imports(path)}
        if chance and not composer:
            wrong.append(f"{module} imports {', '.join(chance)}")
    return sorted(set(wrong))


def public_things_are_explained(root: Path) -> list[str]:
    """Every module, and every public function and class in it, has a docstring."""
    wrong = []
    for module, path in modules(root):
        tree = _tree(path)
        public = [
            node
            for node in tree.body
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_")
        ]
        wrong += [f"{module}.{node.name} has no docstring" for node in public if ast.get_docstring(node) is None]
        if ast.get_docstring(tree) is None:
            wrong.append(f"{module} has no docstring")
    return wrong


def the_top_level_is_the_customers(root: Path) -> list[str]:
    """Nothing but the fixed names, dotfiles and what tools generate stands at the top."""
    names = {path.name for path in root.iterdir() if not re.fullmatch(GENERATED, path.name)}
    return sorted(f"{name} at the top level" for name in names - TOP_LEVEL)


def nothing_is_left_open(root: Path) -> list[str]:
    """No note to come back later, and no body that is missing."""
    words = r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b"  # in two parts: this file is read, too
    missing = [
        f"{module}:{node.lineno} raises NotImplementedError"
        for module, path in modules(root)
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Raise) and node.exc is not None and "NotImplementedError" in _names(node.exc)
    ]
    return missing + [f"{name}: {match[0]}" for name, text in _texts(root) for match in re.finditer(words, text)]


def no_file_knows_this_machine(root: Path) -> list[str]:
    """No path of the checkout or of the user's home, and no package index, stands in a file."""
    places = [f"{place}/" for place in (root, Path.home()) if place != Path("/")]
    indexes = ("--index-" + "url", "--extra-index-" + "url", "--find-" + "links")
    return [f"{name} holds {word}" for name, text in _texts(root) for word in (*places, *indexes) if word in text]


_EVERYTHING = {"Exception", "BaseException"}


def _tree(path: Path) -> ast.Module:
    return _parsed(path.read_text(encoding="utf-8"))


@cache
def _parsed(text: str) -> ast.Module:
    return ast.parse(text)


def _names(*nodes: ast.AST) -> set[str]:
    """Every name and attribute in these expressions."""
    inside = [node for outer in nodes for node in ast.walk(outer)]
    return {node.id for node in inside if isinstance(node, ast.Name)} | {
        node.attr for node in inside if isinstance(node, ast.Attribute)
    }


def _clock(node: ast.AST) -> str | None:
    """``time.monotonic`` and its like, also by ``from time import monotonic``; None where the node is no clock."""
    if isinstance(node, ast.ImportFrom) and node.module == "time":
        names = [alias.name for alias in node.names if alias.name in MONOTONIC | WALL]
        return f"time.{names[0]}" if names else None
    if not isinstance(node, ast.Attribute):
        return None
    owner = _names(node.value)
    if "time" in owner and node.attr in MONOTONIC | {"time", "time_ns"}:
        return f"time.{node.attr}"
    return f"datetime.{node.attr}" if owner & {"datetime", "date"} and node.attr in {"now", "utcnow", "today"} else None


def _texts(root: Path) -> Iterator[tuple[str, str]]:
    """Path and text of every text file of the tree, as far as it is ours."""
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        generated = any(re.fullmatch(GENERATED, part) and part != ".ci" for part in parts)
        if path.is_file() and not generated:
            try:
                yield path.relative_to(root).as_posix(), path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue  # a picture or a font


RULES: Final[tuple[Rule, ...]] = (
    who_imports_whom,
    who_imports_which_library,
    commands_start_light,
    nobody_is_alone,
    every_module_has_its_tests,
    nothing_is_too_long,
    one_broad_except,
    clocks_and_chance_are_handed_out,
    public_things_are_explained,
    the_top_level_is_the_customers,
    nothing_is_left_open,
    no_file_knows_this_machine,
)
