"""Tables to dataclasses and back: types, rules, messages, hints."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest

from kiosk.config.toml_tables import (
    ConfigError,
    TomlFile,
    between,
    file_name,
    matching,
    one_of,
    shown,
    text,
    toml_value,
    write_table,
)


@dataclass(frozen=True, slots=True)
class Oven:
    """A table with every kind of key."""

    name: Annotated[str, text(1, 5)]
    heat: Annotated[int, between(50, 250)] = 180
    fan: bool = False
    mode: Annotated[str, one_of("top", "bottom")] = "top"
    shelves: Annotated[tuple[int, ...], between(1, 4)] = (1,)
    labels: Annotated[tuple[str, ...], matching("[a-z]+", "small letters")] = ()
    timer: Annotated[int | None, between(1, 9)] = None
    log: Annotated[Path, file_name()] = Path("/var/log/oven")
    recipe: Annotated[str, file_name(empty="none")] = ""


@dataclass(frozen=True, slots=True)
class Door:
    """Another table."""

    wide: Annotated[int, between(1, 9)] = 3


def read(tmp_path: Path, content: str | bytes) -> Oven:
    """What the file says; raises ConfigError."""
    path = tmp_path / "oven.toml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    file = TomlFile(path)
    oven = file.read("oven", Oven)
    file.read("door", Door)
    file.finish()
    return oven


def errors(tmp_path: Path, content: str | bytes) -> list[str]:
    """The messages, without the path that each must begin with."""
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, content)
    start = f"{tmp_path / 'oven.toml'}: "
    assert all(error.startswith(start) for error in caught.value.errors)
    assert str(caught.value).splitlines() == [*caught.value.errors]
    return [error.removeprefix(start) for error in caught.value.errors]


def test_defaults_stand_where_nothing_is_written(tmp_path: Path) -> None:
    assert read(tmp_path, '[oven]\nname = "a"\n') == Oven("a")


def test_every_kind_is_read_and_written(tmp_path: Path) -> None:
    oven = Oven("ofén\\", 250, True, "bottom", (1, 4), ("a", "bc"), 9, Path("/x y"), "/r")
    values = {key: getattr(oven, key) for key in Oven.__dataclass_fields__}
    assert read(tmp_path, write_table("oven", values)) == oven


def test_zero_is_none_where_a_number_may_be_missing(tmp_path: Path) -> None:
    assert read(tmp_path, '[oven]\nname = "a"\ntimer = 0\n').timer is None
    assert toml_value(None) == "0"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("heat = 49", "heat = 49: must be a whole number from 50 to 250"),
        ("heat = 251", "heat = 251: must be a whole number from 50 to 250"),
        ("heat = true", "heat = true: must be a whole number from 50 to 250"),
        ("heat = 100.0", "heat = 100.0: must be a whole number from 50 to 250"),
        ('heat = "100"', 'heat = "100": must be a whole number from 50 to 250'),
        ("heat = 2026-01-01", "heat = 2026-01-01: must be a whole number from 50 to 250"),
        ("heat = {a = 1}", "heat = a table: must be a whole number from 50 to 250"),
        ("fan = 1", "fan = 1: must be true or false"),
        ('mode = "left"', 'mode = "left": must be one of "top", "bottom"'),
        ("shelves = 1", "shelves = 1: must be a list of at most 20, each a whole number from 1 to 4"),
        ("shelves = [1, 5]", "shelves = [1, 5]: must be a list of at most 20, each a whole number from 1 to 4"),
        ("shelves = [true]", "shelves = [true]: must be a list of at most 20, each a whole number from 1 to 4"),
        ('labels = ["a", "B"]', 'labels = ["a", "B"]: must be a list of at most 20, each small letters'),
        ("timer = 10", "timer = 10: must be a whole number from 1 to 9"),
        ("timer = false", "timer = false: must be a whole number from 1 to 9"),
        ('log = "x"', 'log = "x": must be a file name that begins with "/"'),
        ('log = ""', 'log = "": must be a file name that begins with "/"'),
        ('recipe = "x"', 'recipe = "x": must be a file name that begins with "/" (or "": none)'),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(tmp_path: Path, line: str, message: str) -> None:
    assert errors(tmp_path, f'[oven]\nname = "a"\n{line}\n') == [f"[oven] {message}"]


def test_a_list_has_at_most_20_items(tmp_path: Path) -> None:
    assert len(read(tmp_path, f'[oven]\nname = "a"\nshelves = {[1] * 20}\n').shelves) == 20
    (error,) = errors(tmp_path, f'[oven]\nname = "a"\nshelves = {[1] * 21}\n')
    assert "1, ...]: must be a list of at most 20" in error


@pytest.mark.parametrize("name", ["", "123456", "a\\nb", "a\\u001bb", "a\\u007f"])
def test_a_text_has_its_length_and_no_control_characters(tmp_path: Path, name: str) -> None:
    (error,) = errors(tmp_path, f'[oven]\nname = "{name}"\n')
    assert error.startswith("[oven] name = ")
    assert error.endswith("must be a text in quotes, 1 to 5 characters, no line breaks or control characters")
    assert error.isprintable()


def test_a_needed_key_that_is_missing(tmp_path: Path) -> None:
    (error,) = errors(tmp_path, "")
    assert error.startswith("[oven] name is not given: must be a text in quotes, 1 to 5 characters")


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    found = errors(tmp_path, "[oven]\nheat = 1\nfan = 2\nmood = 3\n[dor]\n[door]\nwide = 4.5\n")
    assert [error.split(" = ")[0].split(":")[0] for error in found] == [
        "[oven] name is not given",
        "[oven] heat",
        "[oven] fan",
        "[door] wide",
        "[oven] mood",
        "[dor] is no table of this file; did you mean [door]?",
    ]


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        ("[oven]\nheet = 1\n", "[oven] heet: there is no such key; did you mean heat?"),
        ("[oven]\nwide = 1\n", "[oven] wide: this key belongs below [door]"),
        ("[door]\nzzz = 1\n", "[door] zzz: there is no such key; there are wide"),
        ("[oven]\nsecret_x = 1\n", "[oven] secret_x: secrets do not belong into this file; see access_token_file"),
        ("[ovn]\n", "[ovn] is no table of this file; did you mean [oven]?"),
        ("[zzz]\n", "[zzz] is no table of this file; there are [oven], [door]"),
        ("wide = 1\n", "wide stands before the first table; it belongs below [door]"),
        ("[[door]]\nwide = 1\n", "door = [a table]: must be a table, [door]"),
        ("door = 1\n", "door = 1: must be a table, [door]"),
    ],
)
def test_what_is_unknown_gets_a_hint(tmp_path: Path, content: str, hint: str) -> None:
    assert any(error.startswith(hint) for error in errors(tmp_path, content))


@pytest.mark.parametrize(
    "line",
    [
        'heat = "APP_USR-1-2-SECRET-3"',
        'shelves = ["TEST-1-SECRET"]',
        'heat = "https://user:SECRET@shop.example"',
        'heat = "https://shop.example/?key=SECRET"',
        'token = "SECRET"',
        'unknown = "SECRET"',
        '"APP_USR-SECRET" = 1',
    ],
)
def test_l10_no_message_shows_a_secret(tmp_path: Path, line: str) -> None:
    """Law L10, also for a token in the wrong place."""
    (error,) = errors(tmp_path, f'[oven]\nname = "a"\n{line}\n')
    assert "SECRET" not in error


def test_a_table_named_by_a_secret_is_masked(tmp_path: Path) -> None:
    assert not any("SECRET" in error for error in errors(tmp_path, "[APP_USR-SECRET]\n"))


def test_a_long_or_huge_value_is_shown_short(tmp_path: Path) -> None:
    assert shown("x" * 61) == f'"{"x" * 57}..."'
    assert shown("x" * 60) == f'"{"x" * 60}"'
    (error,) = errors(tmp_path, f'[oven]\nname = "a"\nheat = 0x{"f" * 9000}\n')
    assert error.startswith("[oven] heat = a huge number: must be")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[oven\n", "not valid TOML: "),
        ('[oven]\nname = "a"\nname = "b"\n', "not valid TOML: "),
        (b'[oven]\n\nname = "\xe9"\n', "line 3 is not UTF-8 text"),
        (f"x = {'9' * 5000}\n", "not valid TOML: "),
        (f"x = {'[' * 100_000}\n", "not valid TOML: "),
    ],
)
def test_what_is_not_toml_says_where(tmp_path: Path, content: str | bytes, message: str) -> None:
    (error,) = errors(tmp_path, content)
    assert error.startswith(message)


def test_a_syntax_error_names_its_line(tmp_path: Path) -> None:
    (error,) = errors(tmp_path, '[oven]\nname = "a"\nheat == 3\n')
    assert "line 3" in error


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    assert read(tmp_path, b'\xef\xbb\xbf[oven]\r\nname = "a"\r\n') == Oven("a")


def test_a_file_that_is_not_there_or_is_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none.toml: there is no such file; copy config/kiosk.toml there"):
        TomlFile(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        TomlFile(tmp_path)


def test_one_key_against_another(tmp_path: Path) -> None:
    path = tmp_path / "oven.toml"
    path.write_text('[oven]\nname = "a"\nheat = 1\ntimer = 2\n')
    file = TomlFile(path)
    file.read("oven", Oven)
    assert file.good("oven", "timer")
    assert not file.good("oven", "timer", "heat")
    file.wrong("oven", "timer", "less than that")
    file.wrong("oven", "mode", "given")
    assert not file.good("oven", "timer")
    with pytest.raises(ConfigError) as caught:
        file.finish()
    assert caught.value.errors[1:] == (
        f"{path}: [oven] timer = 2: must be less than that",
        f"{path}: [oven] mode is not given: must be given",
    )
