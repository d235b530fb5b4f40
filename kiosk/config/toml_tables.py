"""TOML tables <-> frozen dataclasses: typed, every mistake collected, each told in plain words.

The dataclass is the schema: its field names are the keys, its defaults the defaults, and the ``Rule`` in each field's
``Annotated`` says what is allowed, once for the check and for the message. So a key cannot be read without being
checked, nor checked by one rule and explained by another.
"""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")

MAX_LIST: Final = 20
"""Items a list may have. No list of ours needs more; a ticket's header of hundreds of lines is a mistake."""


class ConfigError(Exception):
    """What is wrong with the configuration: all of it, one line for each mistake."""

    def __init__(self, errors: tuple[str, ...]) -> None:
        super().__init__("\n".join(errors))
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Rule:
    """What one value may be. ``words`` completes the sentence "must be ..."."""

    words: str
    allows: Callable[[Any], bool]


TRUE_OR_FALSE: Final = Rule("true or false", lambda value: value in (True, False))


def between(lowest: int, highest: int) -> Rule:
    """A whole number, both ends included."""
    return Rule(f"a whole number from {lowest} to {highest}", lambda value: lowest <= value <= highest)


def one_of(*choices: str | int) -> Rule:
    """One value of a short list."""
    return Rule("one of " + ", ".join(shown(choice) for choice in choices), lambda value: value in choices)


def text(shortest: int, longest: int) -> Rule:
    """A text that can be shown and printed: a control character would be a command to the printer."""
    return Rule(
        f"a text in quotes, {shortest} to {longest} characters, no line breaks or control characters",
        lambda value: shortest <= len(value) <= longest and value.isprintable(),
    )


def matching(pattern: str, words: str) -> Rule:
    """A text that the regular expression matches from end to end."""
    compiled = re.compile(pattern)
    return Rule(words, lambda value: compiled.fullmatch(value) is not None)


def file_name(*, empty: str = "") -> Rule:
    """A file name from the root on, since a service starts in no folder worth naming; ``empty``: what "" stands for."""
    return Rule(
        'a file name that begins with "/"' + (f' (or "": {empty})' if empty else ""),
        lambda value: value.isprintable() and (value.startswith("/") or (bool(empty) and value == "")),
    )


def shown(value: object) -> str:
    """A value as it stands in the file, short, and never a secret (law L10).

    A token that was put into the wrong place begins ``APP_USR-`` or ``TEST-`` (Mercado Pago, "Credentials"); a URL may
    hold a password before ``@`` and a key after ``?``.
    """
    if isinstance(value, str):
        if re.search(r"APP_USR|TEST-|://.*[@?]", value):
            return '"********"'
        return toml_value(value if len(value) <= 60 else value[:57] + "...")
    if isinstance(value, int) and abs(value) >= 10**20:
        return "a huge number"
    if isinstance(value, bool | int | float):
        return toml_value(value)
    if isinstance(value, list | tuple):
        inside = ", ".join(shown(item) for item in value[:MAX_LIST])
        return f"[{inside}{', ...' if len(value) > MAX_LIST else ''}]"
    return "a table" if isinstance(value, dict) else str(value)


def toml_value(value: object) -> str:
    """TOML of a value that a dataclass of ours holds. A None, which TOML cannot say, is 0, as it is read."""
    if value is None:
        return "0"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return f"[{', '.join(toml_value(item) for item in value)}]"
    if not isinstance(value, str | Path):
        return str(value)
    # A TOML basic string escapes as JSON does (TOML 1.0, "String"); JSON leaves DEL and its like as they are.
    quoted = json.dumps(str(value), ensure_ascii=False)
    return "".join(sign if sign.isprintable() else f"\\U{ord(sign):08x}" for sign in quoted)


def _bare(key: str) -> str:
    """A key or table as it is written, by the rules of ``shown``."""
    return shown(key).strip('"')


def write_table(name: str, values: Mapping[str, object]) -> str:
    """One table as TOML text, in the order given."""
    return "\n".join([f"[{name}]", *(f"{key} = {toml_value(value)}" for key, value in values.items()), ""])


class TomlFile:
    """One file being read, table by table. ``finish`` raises everything that was wrong at once."""

    def __init__(self, path: Path) -> None:
        """Raises ConfigError: the file cannot be read, or is not TOML; the error names the line."""
        self._path = path
        self._content = _parsed(path)
        self._errors: list[str] = []
        self._known: dict[str, tuple[str, ...]] = {}
        self._bad: set[tuple[str, str]] = set()

    def read(self, name: str, schema: type[T]) -> T:
        """The table as its dataclass. In place of a wrong value stands the default, so that reading goes on."""
        table = self._table(name)
        hints = get_type_hints(schema, include_extras=True)
        values: dict[str, object] = {}
        for field in fields(schema):
            kind, rule = _kind_and_rule(hints[field.name])
            if field.name not in table:
                if field.default is MISSING:
                    self.wrong(name, field.name, rule.words)
                values[field.name] = kind() if field.default is MISSING else field.default
                continue
            fits, value = _fit(table[field.name], kind, rule)
            if not fits:
                self.wrong(name, field.name, _words(kind, rule))
                value = kind() if field.default is MISSING else field.default
            values[field.name] = value
        self._known[name] = tuple(values)
        return schema(**values)

    def good(self, table: str, *keys: str) -> bool:
        """Nothing was wrong with these keys so far: a check of one against another makes sense."""
        return not any((table, key) in self._bad for key in keys)

    def wrong(self, table: str, key: str, words: str) -> None:
        """Note a mistake; ``words`` completes "must be ..."."""
        self._bad.add((table, key))
        given = self._table(table)
        what = f"= {shown(given[key])}" if key in given else "is not given"
        self._errors.append(f"{self._path}: [{table}] {key} {what}: must be {words}")

    def finish(self) -> None:
        """Raises ConfigError: every mistake noted, and every table and key that no ``read`` asked for."""
        for name, table in self._content.items():
            if name not in self._known:
                self._errors.append(f"{self._path}: {self._unknown_table(name)}")
            elif not isinstance(table, dict):
                self._errors.append(f"{self._path}: {name} = {shown(table)}: must be a table, [{name}]")
            else:
                strange = [key for key in table if key not in self._known[name]]
                # The value is not shown: who writes a key that does not exist may have put the token there.
                self._errors += [f"{self._path}: [{name}] {_bare(k)}: {self._unknown_key(name, k)}" for k in strange]
        if self._errors:
            raise ConfigError(tuple(self._errors))

    def _table(self, name: str) -> Mapping[str, object]:
        table = self._content.get(name, {})
        return table if isinstance(table, dict) else {}

    def _unknown_table(self, name: str) -> str:
        owners = [table for table, keys in self._known.items() if name in keys]
        if owners and not isinstance(self._content[name], dict):
            return f"{name} stands before the first table; it belongs below [{owners[0]}]"
        near = difflib.get_close_matches(name, self._known, 1)
        hint = f"did you mean [{near[0]}]?" if near else f"there are {', '.join(f'[{known}]' for known in self._known)}"
        return f"[{_bare(name)}] is no table of this file; {hint}"

    def _unknown_key(self, table: str, key: str) -> str:
        if "token" in key or "secret" in key:
            return "secrets do not belong into this file; see access_token_file in config/kiosk.toml"
        owners = [other for other, keys in self._known.items() if key in keys]
        if owners:
            return f"this key belongs below [{owners[0]}]"
        near = difflib.get_close_matches(key, self._known[table], 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(self._known[table])}"
        return f"there is no such key; {hint}"


def _parsed(path: Path) -> Mapping[str, object]:
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise ConfigError((f"{path}: there is no such file; copy config/kiosk.toml there and fill it in",)) from None
    except OSError as error:
        raise ConfigError((f"{path}: cannot be read: {error.strerror}",)) from None
    try:
        # Editors on Windows begin a file with a byte order mark, which TOML does not know.
        return tomllib.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError((f"{path}: line {line} is not UTF-8 text; save the file as UTF-8",)) from None
    except (ValueError, RecursionError) as error:  # ValueError: TOMLDecodeError, and a number of thousands of digits
        raise ConfigError((f"{path}: not valid TOML: {error}",)) from None


def _kind_and_rule(hint: Any) -> tuple[Any, Rule]:
    if get_origin(hint) is not Annotated:
        return hint, TRUE_OR_FALSE
    kind, rule = get_args(hint)
    return kind, rule


def _words(kind: Any, rule: Rule) -> str:
    return f"a list of at most {MAX_LIST}, each {rule.words}" if get_origin(kind) is tuple else rule.words


def _fit(value: Any, kind: Any, rule: Rule) -> tuple[bool, object]:
    """Whether the value is of its kind and allowed, and what it becomes."""
    if get_origin(kind) is tuple:
        items = value if isinstance(value, list) else None
        fits = items is not None and len(items) <= MAX_LIST and all(_fit(i, get_args(kind)[0], rule)[0] for i in items)
        return fits, tuple(items or ())
    if kind == int | None and value == 0 and type(value) is int:
        return True, None
    wanted = {Path: str, int | None: int}.get(kind, kind)
    # type() and not isinstance(): Python's True is an int, TOML's is not.
    fits = type(value) is wanted and rule.allows(value)
    return fits, Path(value) if fits and kind is Path else value
