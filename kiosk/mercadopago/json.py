"""JSON from outside, read with suspicion and written exactly. Pure: bytes and values, no network.

Numbers become ``int`` or ``Decimal``, never ``float``. A field that is not there, or null, is one thing and has an
answer of its own; a field of a wrong type raises ``NonsenseError``, which names it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Final, NoReturn

from kiosk.sale.money import Currency

_NUMBER_MAX: Final = 28
"""Characters of a number. No id and no amount is longer, and no decimal of that length is ever rounded (Python's
default precision is 28 digits)."""
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


class NonsenseError(Exception):
    """Not the provider's language: no JSON, or a value of a wrong type."""


def loads(body: bytes) -> object:
    """The JSON value.

    Raises:
        NonsenseError: it is no JSON, or holds NaN, Infinity, an endless number or endless nesting, or an object that
            says two things of one name.
    """
    try:
        return json.loads(
            body, parse_int=_integer, parse_float=_decimal, parse_constant=_no_number, object_pairs_hook=_object
        )
    except ValueError as error:  # also text that is no UTF-8
        raise NonsenseError("no JSON") from error
    except RecursionError as error:
        raise NonsenseError("nested without end") from error


def dumps(value: object) -> str:
    """JSON in which a ``Decimal`` stands with exactly its own digits, which ``json.dumps`` cannot write."""
    match value:
        case Decimal():
            return format(value, "f")
        case dict():
            return "{" + ", ".join(f"{json.dumps(key)}: {dumps(each)}" for key, each in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(dumps, value)) + "]"
        case _:
            return json.dumps(value)


def printable(text: str) -> str:
    """The text with ``?`` for each character that cannot be printed.

    Lone surrogates are among them: JSON can carry them, and no file or journal can store them.
    """
    return text if text.isprintable() else "".join(letter if letter.isprintable() else "?" for letter in text)


class Fields:
    """A JSON object, read field by field. Each reader raises ``NonsenseError`` for a value of a wrong type."""

    def __init__(self, value: object, what: str) -> None:
        """``what`` names the object in errors.

        Raises:
            NonsenseError: ``value`` is no object.
        """
        if not isinstance(value, dict):
            raise NonsenseError(f"{what} is no object")
        self._fields = value
        self._what = what

    def __contains__(self, name: str) -> bool:
        """Whether the field is there, be it null."""
        return name in self._fields

    def has(self, name: str) -> bool:
        """Whether the field is there and not null."""
        return self._fields.get(name) is not None

    def any(self, name: str) -> object:
        """Whatever stands there; None where nothing does."""
        return self._fields.get(name)

    def inner(self, name: str) -> Fields | None:
        """The object within; None where there is none."""
        value = self._fields.get(name)
        return None if value is None else Fields(value, name)

    def elements(self, name: str) -> Sequence[object]:
        """The list, empty where there is none."""
        value = self._fields.get(name)
        if value is not None and not isinstance(value, list):
            raise self._wrong(name, "list")
        return value or ()

    def text(self, name: str) -> str:
        """The text, printable, empty where there is none."""
        value = self._fields.get(name)
        if value is not None and not isinstance(value, str):
            raise self._wrong(name, "text")
        return printable(value or "")

    def flag(self, name: str) -> bool:
        """Whether it is true; False where it is not said."""
        value = self._fields.get(name)
        if value is not None and not isinstance(value, bool):
            raise self._wrong(name, "yes or no")
        return bool(value)

    def number(self, name: str) -> Decimal | None:
        """The exact number; None where there is none."""
        value = self._fields.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, (int, Decimal))):
            raise self._wrong(name, "number")
        return None if value is None else Decimal(value)

    def cents(self, name: str, currency: Currency) -> int | None:
        """Minor units; None where there is no amount, or none that the currency can express, or one below zero."""
        value = self.number(name)
        return None if value is None or value < 0 else currency.cents(value)

    def whole(self, name: str) -> int | None:
        """A count or a numeric id, sent as a number or as a string of digits; None where there is none."""
        value = self._fields.get(name)
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _NUMBER_MAX:
            value = int(value)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63):
            raise self._wrong(name, "whole number")
        return value

    def id(self, name: str) -> str:
        """An id, sent as a number or as a string; there must be one."""
        value = self._fields.get(name)
        text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        if not isinstance(text, str) or not _ID.fullmatch(text):
            raise self._wrong(name, "id")
        return text

    def _wrong(self, name: str, wanted: str) -> NonsenseError:
        return NonsenseError(f"{name} of {self._what} is no {wanted}")


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object. ``opened`` and ``closed`` for one ``status`` is neither; the same said twice is still the same."""
    value = dict(pairs)
    if len(value) < len(pairs) and any(value[name] != said for name, said in pairs):
        raise NonsenseError("an object that says two things of one name")
    return value


def _integer(text: str) -> int:
    return int(_short(text))


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(_short(text))
    except ArithmeticError as error:  # an exponent beyond what decimals can hold
        raise NonsenseError("a number out of all range") from error


def _short(text: str) -> str:
    if len(text) > _NUMBER_MAX:
        raise NonsenseError("a number without end")
    return text


def _no_number(text: str) -> NoReturn:
    raise NonsenseError(f"{text} is no number of JSON's")
