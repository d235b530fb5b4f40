"""Values are filled into a configuration's text, and nothing else of it changes."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from kiosk.config.filling import differing, fill

TEXT = """# The shop
[shop]   # what is on the ticket
name = "A # 1"   # mine
site = "MLB"
lines = ["a", "b"]

[ mercadopago ]
user_id = 1
"""


def test_values_change_and_remarks_stay() -> None:
    filled = fill(TEXT, {"shop": {"name": 'B "2" \\', "site": "MLB"}, "mercadopago": {"user_id": 2}})
    assert filled == TEXT.replace('"A # 1"', '"B \\"2\\" \\\\"').replace("user_id = 1", "user_id = 2")


def test_keys_and_tables_that_are_not_there_are_added() -> None:
    filled = fill(TEXT, {"shop": {"language": "pt"}, "sale": {"title": "T"}})
    assert filled == TEXT.replace("ticket\n", 'ticket\nlanguage = "pt"\n') + '\n[sale]\ntitle = "T"\n'


def test_what_is_so_already_is_left_alone() -> None:
    strange = "[shop]\nname = '''\nx'''\n"
    assert differing(strange, {"shop": {"name": "x"}}) == []
    assert fill(strange, {"shop": {"name": "x"}}) == strange


@pytest.mark.parametrize(
    "text",
    [
        '[shop]\nname = """\nx"""\n',  # a value of several lines
        'shop = { name = "x" }\n',
        'shop.name = "x"\n',
        '[shop]\n"name" = "x"\n',
        "[shop]\nname = [\n",
        "name = ",
    ],
)
def test_what_only_a_person_should_edit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"by hand|not valid TOML"):
        fill(text, {"shop": {"name": "y"}})


def test_a_remark_may_look_like_a_key_or_a_table() -> None:
    text = '[shop]\n# name = "no"\n# [mercadopago]\nname = "x"\n'
    assert fill(text, {"shop": {"name": "y"}}) == text.replace('"x"', '"y"')


def test_the_annotated_configuration_can_be_filled(root: Path) -> None:
    text = (root / "config/kiosk.toml").read_text()
    filled = fill(text, {"shop": {"name": "Padaria"}, "mercadopago": {"user_id": 7, "external_pos_id": "C1"}})
    assert tomllib.loads(filled)["mercadopago"]["external_pos_id"] == "C1"
    changed = [(a, b) for a, b in zip(text.splitlines(), filled.splitlines(), strict=True) if a != b]
    assert [new for _, new in changed] == ['name = "Padaria"', "user_id = 7", 'external_pos_id = "C1"']
