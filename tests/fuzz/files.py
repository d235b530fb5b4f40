"""Targets: what is read from this machine's own disk: configuration, token, journal."""

from __future__ import annotations

import json
import math
import os
import re
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import fields, is_dataclass, replace
from fractions import Fraction
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

from kiosk.config import Config, ConfigError, load, load_token, masked
from kiosk.journal import Reader, SqliteJournal
from kiosk.journal.file import explained
from kiosk.journal.refunds import refund_of, refund_values
from kiosk.journal.rows import (
    debt_of,
    debt_values,
    dispute_of,
    dispute_values,
    entry_of,
    entry_values,
    sale_of,
    sale_values,
)
from kiosk.ports import JournalError
from kiosk.sale.records import (
    Debt,
    DebtState,
    Dispute,
    Entry,
    Line,
    Mark,
    Phase,
    PinTries,
    Reason,
    Refund,
    Rows,
    Sale,
    Ticket,
    TicketLine,
)
from kiosk.sale.ticket import local_time
from tests.fuzz.claims import must
from tests.story import SHOP

_folders: list[tempfile.TemporaryDirectory[str]] = []


def _folder() -> Path:
    """A folder in memory, where there is such a thing: a disk would wait for each save."""
    if not _folders:
        memory = Path("/dev/shm")
        where = str(memory) if "TMPDIR" not in os.environ and os.access(memory, os.W_OK) else None
        _folders.append(tempfile.TemporaryDirectory(dir=where))
    return Path(_folders[0].name)


def clear_away() -> None:
    """Remove the files that the targets made."""
    while _folders:
        _folders.pop().cleanup()
    _journal_file.cache_clear()


# --- configuration ----------------------------------------------------------------------------------------------------


def configured(data: bytes) -> None:
    """``kiosk.toml``: a configuration that makes sense and can be written down again, or errors that name the file."""
    path = _folder() / "kiosk.toml"
    path.write_bytes(data)
    try:
        config = load(path)
    except ConfigError as error:
        must(bool(error.errors) and all(map(_names_its_place, error.errors)), f"no file or no key: {error}")
        must(all(line.isprintable() and len(line) < 2000 for line in error.errors), f"no line for people: {error!r}")
        return
    shop = config.shop
    must(0 < shop.minimum <= shop.confirm_above <= shop.maximum < 10**9, f"amounts of {shop}")
    must(10 <= shop.wait_s <= 540 and shop.collector > 0, f"numbers of {shop}")
    must(_is_true_to(config, Config), f"types of {config}")
    _is_as_written(config, tomllib.loads(data.decode("utf-8-sig")))
    again = _folder() / "again.toml"
    again.write_text(masked(config), encoding="utf-8")
    must(_without_secret(load(again)) == _without_secret(config), f"not the same again: {config}")


_PLACES: Final = re.compile(
    r"\S+/kiosk\.toml: "
    r"(\[.+\] .*: |\[.*\] is no table|.+ = .*: must be a table|.+ stands before the first table"
    r"|not valid TOML: .|line [0-9]+ is not UTF-8)"
)


def _names_its_place(line: str) -> bool:
    """Whether it says which file, and which table and key, or which line of it."""
    return _PLACES.match(line) is not None


def _is_as_written(config: Config, written: Mapping[str, Any]) -> None:
    """What the standard library reads in the file is in force, and nothing else was accepted."""
    tables = ("shop", "mercadopago", "sale", "keypad", "display", "printer", "sound", "notifications", "journal")
    must(set(written) <= set(tables), f"tables of {written}")
    for table in ("mercadopago", "keypad", "display", "printer", "sound"):
        for key, value in written.get(table, {}).items():
            must(_in_toml(getattr(getattr(config, table), key)) == value, f"[{table}] {key} is not {value!r}")
    shop = config.shop
    said = {"name": shop.name, "site": shop.site.id, "lines": list(shop.header), "footer": list(shop.footer)}
    for key, value in said.items():
        must(written["shop"].get(key, value) == value, f"[shop] {key} is not {value!r}")
    presets = [f"{shop.site.currency.decimal_value(each.cents)} {each.title}" for each in shop.presets]
    must(list(map(_worth, written.get("sale", {}).get("presets", []))) == list(map(_worth, presets)), f"{presets}")
    must(all(0 < each.cents <= shop.maximum for each in shop.presets), f"{presets}")
    must(written.get("sale", {}).get("wait_seconds", shop.wait_s) == shop.wait_s, f"waits {shop.wait_s} s")
    for key, cents in (("minimum", shop.minimum), ("maximum", shop.maximum), ("confirm_above", shop.confirm_above)):
        text = written.get("sale", {}).get(key)
        amount = Fraction(text) * 10**shop.site.currency.decimals if text else cents
        must(amount == cents, f"[sale] {key} = {text} became {cents}")


def _worth(preset: str) -> tuple[Fraction, str]:
    """Price and title of something at a fixed price."""
    price, _, title = preset.partition(" ")
    return Fraction(price), title


def _in_toml(value: object) -> object:
    if isinstance(value, tuple):
        return list(value)
    return 0 if value is None else str(value) if isinstance(value, Path) else value


def _without_secret(config: Config) -> Config:
    """All but the query of an address, which ``masked`` hides, and the machine's zone, which has no name to write."""
    provider = config.mercadopago
    provider = replace(provider, notification_url=provider.notification_url.partition("?")[0])
    named = getattr(config.shop.zone, "key", "")
    return replace(
        config, mercadopago=provider, shop=replace(config.shop, zone=SHOP.zone if not named else config.shop.zone)
    )


def token_read(data: bytes) -> None:
    """The token's file: a token that can stand in a header, or an error that shows nothing of it."""
    path = _folder() / "token"
    path.write_bytes(data)
    config = load(_plain_config())
    config = replace(config, mercadopago=replace(config.mercadopago, access_token_file=str(path)))
    try:
        token = load_token(config).reveal()
    except ConfigError as error:
        must(str(error).startswith(f"{path}: ") and len(str(error)) < 400, f"no file in {error}")
        return
    must(token.isascii() and token.isprintable() and " " not in token and 0 < len(token) <= 512, f"no token: {token!r}")
    must(token.encode() == data.strip(b" \t\n\r\v\f\x1c\x1d\x1e\x1f"), f"{token!r} does not stand in the file alone")


@cache
def _plain_config() -> Path:
    return Path(__file__).parent / "corpus" / "config" / "short.toml"


# --- rows -------------------------------------------------------------------------------------------------------------


class _Row(dict[str, Any]):
    """A row as ``sqlite3.Row`` is: a column that is not there is an ``IndexError``, and all text has an encoding."""

    def __getitem__(self, key: str) -> Any:
        value = super().__getitem__(key)
        return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value

    def __missing__(self, key: str) -> Any:
        raise IndexError("No item with that key")


_RECORDS: Final[Mapping[str, tuple[Callable[[Any], Any], Callable[[Any], Any], type]]] = {
    "sale": (sale_of, sale_values, Sale),
    "debt": (debt_of, debt_values, Debt),
    "dispute": (dispute_of, dispute_values, Dispute),
    "refund": (refund_of, refund_values, Refund),
    "entry": (entry_of, lambda entry: entry_values(entry, 1.0), Entry),
}


def rows_read(data: bytes) -> None:
    """Rows of any content (damaged, older, newer): a record as the program makes them, or "damaged"."""
    try:
        tables = json.loads(data)
    except (ValueError, RecursionError):
        return
    for name, (read, write, kind) in _RECORDS.items():
        columns = tables.get(name) if isinstance(tables, dict) else None
        if not isinstance(columns, dict):
            continue
        try:
            with explained(Path("journal.db")):
                record = read(_Row(columns))
        except JournalError:
            continue
        must(_is_true_to(record, kind), f"no {name}: {record}")
        _is_sound(record)
        written = {**write(record), "payments": json.dumps(getattr(record, "payments", ()))}
        must(read(_Row(written)) == record, f"not the same again: {record}")


def _is_sound(record: object) -> None:
    """What the machine and the commands take for granted of what the journal gives them."""
    if isinstance(record, Sale):
        must(record.phase is not Phase.PAID or bool(record.payments), f"L1: paid, but by no payment: {record}")
        must(record.cents > 0 or record.foreign, f"a sale of nothing: {record}")
    if isinstance(record, Refund):
        must(record.cents > 0 and bool(record.payment), f"R24: a refund of nothing: {record}")
    for value in (
        (getattr(record, field.name) for field in fields(record) if field.type == "float | None")
        if is_dataclass(record)
        else ()
    ):
        if value is not None:
            local_time(value, SHOP)


def _is_true_to(value: Any, hint: Any) -> bool:
    """Whether the value is what its annotation says, all the way down; a bool is no int, and a float is a number."""
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        return any(_is_true_to(value, each) for each in get_args(hint))
    if origin is tuple:
        return isinstance(value, tuple) and all(_is_true_to(each, get_args(hint)[0]) for each in value)
    if hint is NoneType:
        return value is None
    if hint is float:
        return type(value) in (float, int) and math.isfinite(value)
    if is_dataclass(hint) and isinstance(hint, type):
        hints = _hints(hint)
        return isinstance(value, hint) and all(_is_true_to(getattr(value, name), each) for name, each in hints.items())
    if hint in (int, str, bool):
        return type(value) is hint
    return isinstance(value, hint)


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


# --- the file ---------------------------------------------------------------------------------------------------------


def _sale(number: int, phase: Phase, **others: Any) -> Sale:
    lines = (Line("Pão de queijo", 2, 600), Line("", 1, 1300))
    return Sale(f"KIOSK01-{number}-aZ3kQ9mW2xY7pL", number, 2500, "BRL", lines, "key", 1_900_000_000.0, phase, **others)


@cache
def _journal_file() -> bytes:
    """A small journal with something in every table."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.db"
        ticket = Ticket((TicketLine("TOTAL", "R$ 25,00", bold=True),), "KIOSK01-1-aZ3kQ9mW2xY7pL")
        paid = _sale(1, Phase.PAID, payments=("p1", "p2"), paid_at=1_900_000_030.0, order_id="m1", watched=True)
        with closing(SqliteJournal(path)) as journal:
            journal.save(
                [
                    paid,
                    _sale(2, Phase.WAITING, expires=1_900_000_300.0, puts=1),
                    _sale(3, Phase.WITHDRAWN, ended_at=1_900_000_090.0, deleted=True, watched=True),
                    Debt(paid.reference, 1, 2500, ticket, 1_900_000_031.0, (Mark.TRAINING,), DebtState.PRINTING),
                    Dispute("p9", "KIOSK01-3-aZ3kQ9mW2xY7pL", 3, 100, "BRL", Reason.SHORT, 1_900_000_099.0),
                    Refund("key-r", "p1", paid.reference, 1, 2500, "BRL", True, "Ana", 1_900_000_200.0, ("r1",)),
                    PinTries(1),
                ],
                [Entry("paid", "sale 1: paid", paid.reference, 1, 2500, "trace", 5)],
                1_900_000_031.0,
            )
        return path.read_bytes()


def _patches(data: bytes) -> Iterator[tuple[int, int]]:
    for at in range(0, len(data) - 3, 4):
        yield int.from_bytes(data[at : at + 3], "big"), data[at + 3]


def journal_file(data: bytes) -> None:
    """A journal of which single bytes are others (place in three bytes, value in one): whole records, or "damaged"."""
    path = _folder() / "journal.db"
    content = bytearray(_journal_file())
    used = [at for at, byte in enumerate(content) if byte]  # most of a small journal is empty pages
    for place, value in _patches(data):
        content[used[place % len(used)]] = value
    for old in path.parent.glob("journal.db*"):
        old.unlink()
    path.write_bytes(content)
    with suppress(JournalError), closing(SqliteJournal(path, busy_s=0.01)) as journal:
        _are_whole(journal.rows())
        journal.find("KIOSK01-1-aZ3kQ9mW2xY7pL")
        with suppress(JournalError):
            journal.save([_sale(9, Phase.PLACING)], [Entry("placing", "sale 9", number=9)], 1_900_000_100.0)
            must(
                journal.find("KIOSK01-9-aZ3kQ9mW2xY7pL") in (_sale(9, Phase.PLACING), None), "another sale was written"
            )
    with suppress(JournalError), Reader(path) as reader:
        for listed in reader.sales():
            must(_is_true_to(listed.sale, Sale), f"no sale: {listed}")
            _is_sound(listed.sale)
        for number in (1, 2, 3):
            reader.story(number)


def _are_whole(rows: Rows) -> None:
    must(_is_true_to(rows, Rows), f"no rows: {rows}")
    for record in (*rows.open, *rows.watched, *rows.debts, *rows.disputes, *rows.refunds):
        _is_sound(record)
