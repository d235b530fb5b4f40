"""Values filled into the text of a ``kiosk.toml``: every remark, and every other line, stays as it stands."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any, Final

from kiosk.config.toml_tables import toml_value

Wanted = Mapping[str, Mapping[str, object]]
"""Tables, and the values that their keys are to have."""
_TABLE: Final = re.compile(r"\s*\[\s*([A-Za-z0-9_-]+)\s*\]\s*(#.*)?")


def differing(text: str, wanted: Wanted) -> list[tuple[str, str]]:
    """Table and key of what would be changed.

    Raises:
        ValueError: the text is not TOML.
    """
    there = _parsed(text)
    return [
        (table, key)
        for table, values in wanted.items()
        for key, value in values.items()
        if _value(there, table, key) != value
    ]


def fill(text: str, wanted: Wanted) -> str:
    """The text with these values in the places of the present ones, or at the beginning of their tables.

    Raises:
        ValueError: it is not TOML, or written in a way that only a person should edit.
    """
    lines = text.splitlines()
    for table, key in differing(text, wanted):
        _put(lines, table, key, wanted[table][key])
    filled = "\n".join([*lines, ""])
    if _parsed(filled) != _with(_parsed(text), wanted):
        raise ValueError("it is written in an unusual way; edit it by hand")
    return filled


def _put(lines: list[str], table: str, key: str, value: object) -> None:
    """Replace the key's line, or add one."""
    within, head = "", None
    for index, line in enumerate(lines):
        if found := _TABLE.fullmatch(line):
            within = found[1]
            head = index if within == table else head
        elif within == table and re.match(rf"\s*{re.escape(key)}\s*=", line):
            lines[index] = f"{key} = {toml_value(value)}{_remark(line)}"
            return
    if head is None:
        lines += ["", f"[{table}]"]
        head = len(lines) - 1
    lines.insert(head + 1, f"{key} = {toml_value(value)}")


def _remark(line: str) -> str:
    """What follows the value on its line, from the blanks before the sign on."""
    for found in re.finditer(r"\s*#", line):
        try:
            tomllib.loads(line[: found.start()])
        except tomllib.TOMLDecodeError:  # the sign stands within a text
            continue
        return line[found.start() :]
    return ""


def _value(content: Mapping[str, Any], table: str, key: str) -> object:
    values = content.get(table)
    return values.get(key) if isinstance(values, Mapping) else None


def _with(content: dict[str, Any], wanted: Wanted) -> dict[str, Any]:
    for table, values in wanted.items():
        content.setdefault(table, {}).update(values)
    return content


def _parsed(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not valid TOML: {error}") from None
