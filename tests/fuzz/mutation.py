"""How a good document becomes a bad one: by its grammar first, then by its bytes.

Every choice is drawn from a ``random.Random``: a seeded one makes the same inputs again, Hypothesis hands out one whose
draws it can shrink, and the coverage-guided fuzzer seeds one for each mutation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from random import Random
from typing import Any, Final, TypeAlias

Mutator: TypeAlias = Callable[[bytes, Random], bytes]

SEPARATOR: Final = b"\0"
"""Between the answers of one input: no JSON holds a bare zero byte."""
PARTS: Final = 6
"""Answers in one input, at most: more of them only take time."""
HEAD: Final = re.compile(rb"([A-Z]?[0-9]{3} )?(.*)", re.DOTALL)
"""An answer: which question it answers and its status (optional), and its body."""

_RAW: Final = "\ue000"
"""Around text that is to stand in the JSON as it is: numbers that Python would not write."""
STATUSES: Final = (
    *(200, 200, 200, 201, 202, 204, 205, 206, 302, 400, 401, 403, 404, 405, 408, 409, 410, 422, 423, 424, 425),
    *(429, 500, 502, 503, 504, 999, 100),
)
_NUMBERS: Final = (
    *("1e400", "1e-400", "-0", "-0.0", "NaN", "Infinity", "-Infinity", "1E2", "2.5e1", "2.50e+1", "0.25e2", "25.000"),
    *(
        "1e9999999999999999999",
        "25.000000000000000000000000001",
        "24.99999999999999999999999999",
        "9" * 29,
        "9" * 5000,
        "1e999999999999999999",
    ),
    *("25.001", "1e-9999999", "0e99", "2500e-2", "-25.00"),
)
_WORDS: Final = (
    *("", "25", "25.00", "closed", "Closed", " closed", "opened", "expired", "approved", "pending", "rejected"),
    *("refunded", "reverted", "partially_reverted", "authorized", "in_process", "cancelled", "charged_back", "BRL"),
    *("brl", "ARS", "USD", "KIOSK01-7-abc", "KIOSK01-8-xyz", "kiosk01-7-abc", "KIOSK01-7-abc\0", "123456789"),
    *("123456788", "MLB", "é", "\U0001f4b8", "\ud800", "\0", "\x1b@", "\u202e", "null", "NaN", "١٢٣", "²", "x" * 300),
    *("in_store_order_delete_error", "point_of_sale_in_store_order_not_found", "pos_obtainment_error"),
    *("instore_order_locked_error", "invalid_access_token", "in_store_order_creation_error", "paid", "withdrawn"),
)
_VALUES: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, -1, 1, 25, 25.0, 2500, -25, 0.01, 2**31, 2**53 + 1, 2**63 - 1, 2**63, 2**64, 10**27),
    *([], [[]], {}, [None], [{}], {"id": 1}, {"id": 123456789}, {"id": "123456789"}, [1, 2], "123456789", 123456789),
)
_KEYS: Final = (
    *("id", "status", "external_reference", "collector", "collector_id", "total_amount", "payments", "currency_id"),
    *("transaction_amount", "amount_refunded", "transaction_amount_refunded", "refunded_amount", "order_status"),
    *("cancelled", "elements", "results", "paging", "total", "order", "error", "code", "errors", "cause", "causes"),
    *("message", "site_id", "tags", "lines", "payments", "phase", "reference", "cents", "", "\ud800"),
)
_AMOUNTS: Final = (25, 25.0, 24.99, 25.01, 0, 0.01, 10, 5, 2500, 20, "25", 25.001)
_IDS: Final = (1, 2, 900, "900", 123456789, "123456789", 123456788, "1-2_x", None)
_ERRORS: Final = (
    *("not_found", "resource_not_found", "order_not_found", "store_not_found", "pos_obtainment_error", 404, "", None),
    *("point_of_sale_in_store_order_not_found", "in_store_order_delete_error", "in_store_order_creation_error"),
    *("instore_order_locked_error", "invalid_access_token", "invalid_token", "invalid_collectorId", "unauthorized"),
)
_STATES: Final = (
    *("closed", "opened", "expired", "CLOSED", "approved", "Approved", "pending", "in_process", "authorized"),
    *("in_mediation", "rejected", "cancelled", "refunded", "charged_back", "", None),
)
_PLAUSIBLE: Final[dict[str, tuple[Any, ...]]] = {
    "status": _STATES,
    "order_status": ("paid", "reverted", "partially_reverted", "partially_paid", "payment_required", "expired", None),
    "external_reference": ("KIOSK01-7-abc", "KIOSK01-8-xyz", "kiosk01-7-abc", "KIOSK01-7-abc ", "", None),
    "currency_id": ("BRL", "ARS", "brl", "", None),
    **dict.fromkeys(("total_amount", "transaction_amount", "amount_refunded"), _AMOUNTS),
    **dict.fromkeys(("refunded_amount", "transaction_amount_refunded"), _AMOUNTS),
    **dict.fromkeys(("id", "collector_id"), _IDS),
    "cancelled": (True, False, None, "true"),
    "total": (0, 1, 2, 3, None),
    **dict.fromkeys(("elements", "results"), (None, [], [None], [{}])),
    **dict.fromkeys(("error", "code"), _ERRORS),
    "phase": ("placing", "waiting", "paid", "withdrawn", "unconfirmed", "refused", "sold", None),
    "payments": ("[]", '["p1"]', '["p1","p2"]', "[1]", '[["p1"]]', "{}", '"p1"', "", None, [], [{}]),
    "lines": (
        "[]",
        '[["x",1,1]]',
        '[["x","1",1]]',
        '[["x",1]]',
        "[1]",
        "{}",
        '[["x",1,1.5]]',
        "[" * 100_000 + "]" * 100_000,
    ),
    "ticket": ('{"lines":[],"reference":""}', "[]", '{"lines":[1]}', '{"lines":[{"size":9}],"reference":1}', "null"),
    "marks": ("[]", '["copy"]', '["paid"]', '"copy"', "[[]]", "{}"),
    **dict.fromkeys(
        ("made_at", "owed_at", "seen_at", "expires", "paid_at", "at"), (0.0, -1e9, 1e300, 3e11, 5, "x", None)
    ),
}
"""What stands in a field of that name in some document, or nearly: a lie that is nearly the truth goes further."""


def in_json(document: bytes, random: Random) -> bytes:
    """A document of one or several JSON answers, changed in one to four places."""
    parts = document.split(SEPARATOR)
    for _ in range(random.choice((1, 1, 1, 2, 3, 4))):
        at = random.randrange(len(parts))
        match random.randrange(16):
            case 0 if len(parts) < PARTS:
                parts.insert(at, random.choice(parts))
            case 1 if len(parts) > 1:
                del parts[at]
            case 2:
                parts[at] = _restated(parts[at], random)
            case 3:
                parts[at] = in_bytes(parts[at], random)
            case _:
                parts[at] = _edited(parts[at], random)
    return SEPARATOR.join(parts)


def _restated(part: bytes, random: Random) -> bytes:
    match = HEAD.fullmatch(part)
    head, body = (match[1] or b"", match[2]) if match else (b"", part)
    letter = head[:1] if head[:1].isalpha() else b""
    return b"%s%d %s" % (letter, random.choice(STATUSES), body)


def _edited(part: bytes, random: Random) -> bytes:
    match = HEAD.fullmatch(part)
    assert match, "it matches everything"
    try:
        holder = [json.loads(match[2])]
        places = _places(holder)
        known = [place for place in places if isinstance(place[1], str) and place[1] in _PLAUSIBLE]
        container, key = random.choice(known if known and random.randrange(3) else places)
        _edit(container, key, places, random)
        return (match[1] or b"") + _written(holder[0])
    except (ValueError, RecursionError, OverflowError):  # no JSON any more, or nested so that Python cannot follow
        return in_bytes(part, random)


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every place in the document: its container, and its key or index in that."""
    places, left = [], [value]
    while left:
        container = left.pop()
        for key, inner in container.items() if isinstance(container, dict) else enumerate(container):
            places.append((container, key))
            if isinstance(inner, dict | list):
                left.append(inner)
    return places


def _edit(container: Any, key: Any, places: list[tuple[Any, Any]], random: Random) -> None:
    value = container[key]
    likely = _PLAUSIBLE.get(key) if isinstance(key, str) else None
    if likely and random.randrange(4):
        container[key] = random.choice(likely)
        return
    match random.randrange(10):
        case 0 if isinstance(container, dict):
            del container[key]
        case 1 if isinstance(value, dict):
            value[random.choice(_KEYS)] = _any(random)
        case 1 | 2 if isinstance(value, list):
            value.insert(random.randint(0, len(value)), random.choice(value) if value else _any(random))
        case 3:
            container[key] = [value]
        case 4:
            other, there = random.choice(places)
            if there in other if isinstance(other, dict) else there < len(other):
                container[key] = json.loads(json.dumps(other[there]))
        case 5 | 6 if isinstance(value, int | float):
            container[key] = random.choice((value - 1, value + 1, value * 100, value / 100, -value, str(value)))
        case 5 if isinstance(value, str):
            container[key] = random.choice(
                (value.upper(), value.lower(), value + "x", value[:-1], value + " ", value * 9)
            )
        case 6 if isinstance(value, str) and value.isascii() and value.isdigit():
            container[key] = int(value)
        case _:
            container[key] = _any(random)


def _any(random: Random) -> Any:
    match random.randrange(4):
        case 0:
            return f"{_RAW}{random.choice(_NUMBERS)}{_RAW}"
        case 1:
            return random.choice(_WORDS)
        case 2 if random.randrange(20) == 0:
            depth = random.choice((50, 900, 2000, 100_000))
            return f"{_RAW}{'[' * depth}{']' * depth}{_RAW}"
        case _:
            return json.loads(json.dumps(random.choice(_VALUES)))


def _written(value: object) -> bytes:
    text = json.dumps(value, ensure_ascii=False)
    text = re.sub(f'"{_RAW}([^"{_RAW}]*){_RAW}"', r"\1", text)
    return text.encode("utf-8", "backslashreplace")  # half a pair stands as the escape that JSON has for it


def in_bytes(data: bytes, random: Random) -> bytes:
    """Damage that knows no grammar: cut, torn, doubled, turned, in another encoding."""
    start, stop = sorted((random.randint(0, len(data)), random.randint(0, len(data))))
    match random.randrange(12):
        case 0 | 1:
            return data[:start]
        case 2:
            return data[start:]
        case 3:
            return data[:start] + data[stop:]
        case 4:
            return data[:stop] + data[start:]
        case 5:
            return b"\xef\xbb\xbf" + data
        case 6:
            return data.decode("latin-1").encode(random.choice(("utf-16", "utf-16-le", "utf-32", "utf-8")))
        case 7 if data:
            at = random.randrange(len(data))
            return data[:at] + bytes([data[at] ^ (1 << random.randrange(8))]) + data[at + 1 :]
        case _:
            inside = bytes(random.randrange(256) for _ in range(random.randint(1, 4)))
            return data[:start] + inside + data[start if random.randrange(2) else stop :]


def in_any_bytes(data: bytes, random: Random) -> bytes:
    """Several times so; now and then something quite new."""
    if random.randrange(8) == 0:
        return bytes(random.randrange(256) for _ in range(random.randint(0, 64)))
    for _ in range(random.randint(1, 4)):
        data = in_bytes(data, random)
    return data


_TOML: Final = (
    *('""', '"x"', "''", "0", "-1", "1", "00", "1.5", "inf", "nan", "true", "[]", "[1]", '["1"]', "{}", "{a=1}"),
    *("1979-05-27", "1979-05-27T07:32:00Z", "07:32:00", "9" * 30, "9" * 5000, "0x7fffffffffffffff", "1e9", '"\\u0000"'),
    *('"MLC"', '"MCO"', '"none"', '"matrix"', '"network"', '"spi"', '"usb"', '"https://a.b/c?d#e@f"', '"0.001"'),
    *(
        '"1e3"',
        '"1E-2"',
        '"١"',
        '"-5"',
        '"NaN"',
        '"Infinity"',
        '"99999999999999999999"',
        '"America"',
        '"../etc/passwd"',
    ),
    *(
        '"/a\\u0000b"',
        '"127.0.0.1:0"',
        '"[::1]:99999"',
        '"\\U0001F4B8"',
        "[[1]]",
        "[" * 100_000,
        '"""',
        "[1, 1]",
        '"1e99999"',
    ),
    *(
        '"https://[::1"',
        '"https://a:99999"',
        '"http://127.0.0.1/x"',
        '"https://\\u2100.com"',
        '"https://a.b:0x1"',
        '"/"',
    ),
)


def in_toml(document: bytes, random: Random) -> bytes:
    """A configuration with some of its lines changed, moved, doubled or lost."""
    lines = document.split(b"\n")
    for _ in range(random.randint(1, 4)):
        at, other = random.randrange(len(lines)), random.randrange(len(lines))
        match random.randrange(12):
            case 0:
                lines.insert(other, lines[at])
            case 1:
                del lines[at]
                lines = lines or [b""]
            case 2:
                lines[at], lines[other] = lines[other], lines[at]
            case 3:
                lines[at] = in_bytes(lines[at], random)
            case _:
                key, sign, value = lines[at].partition(b"=")
                new = _any_toml(value, lines[other].partition(b"=")[2], random)
                lines[at] = key + sign + b" " + new if sign else lines[at]
    return b"\n".join(lines)


def _any_toml(value: bytes, another: bytes, random: Random) -> bytes:
    if random.randrange(4) == 0:
        return another
    return in_bytes(value, random) if random.randrange(3) == 0 else random.choice(_TOML).encode()
