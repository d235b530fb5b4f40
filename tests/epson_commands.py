"""ESC/POS as Epson writes it down: which bytes are a command, and how many belong to it.

Everything here comes from Epson's "ESC/POS Command Reference" (in print: "ESC/POS Application Programming Guide" and
the specifications of single models), under the name of the command; nothing comes from this project. Bytes that no page
of it names are an error with their place, never text: a printer would do something with them that nobody foresaw.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

NAMES = MappingProxyType({0x10: "DLE", 0x1B: "ESC", 0x1C: "FS", 0x1D: "GS"})
ALONE = MappingProxyType({0x09: "HT", 0x0A: "LF", 0x0C: "FF", 0x0D: "CR", 0x18: "CAN"})


class NotEscPos(Exception):  # noqa: N818 - it says what the bytes are
    """Bytes that are no command of the reference, or a command that stops half-way; names the place."""


class CutShort(NotEscPos):
    """The end came in the middle of a command."""


@dataclass(frozen=True, slots=True)
class Text:
    """Bytes to print, as they came; the code page is the printer's affair."""

    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Command:
    """``name`` as the reference writes it (``GS ( k``), with all bytes that follow the name."""

    offset: int
    name: str
    data: bytes


class _Short(Exception):  # noqa: N818 - a signal inside this file
    """The command is not all there."""


def _at(data: bytes, index: int) -> int:
    if index >= len(data):
        raise _Short
    return data[index]


def _little(data: bytes, index: int, count: int = 2) -> int:
    """A number of ``count`` bytes, lowest first, as all of ESC/POS counts."""
    return sum(_at(data, index + place) << 8 * place for place in range(count))


def _to_nul(data: bytes) -> int:
    end = data.find(0)
    if end < 0:
        raise _Short
    return end + 1


def _counted(data: bytes) -> int:
    return 2 + _little(data, 0)


def _cut(data: bytes) -> int:
    """GS V: function A (0, 1, 48, 49) stands alone, B, C and D (65, 66, 97, 98, 103, 104) take a feed."""
    mode = _at(data, 0)
    if mode in (0, 1, 48, 49):
        return 1
    return 2 if mode in (65, 66, 97, 98, 103, 104) else -1


def _realtime_status(data: bytes) -> int:
    """DLE EOT: 1 to 4; 7, 8 and 18 take a second byte."""
    return {1: 1, 2: 1, 3: 1, 4: 1, 7: 2, 8: 2, 18: 2}.get(_at(data, 0), -1)


def _realtime_request(data: bytes) -> int:
    """DLE DC4: 1 pulse, 2 power-off, 3 buzzer, 7 status, 8 clear the buffers."""
    return {1: 3, 2: 3, 3: 8, 7: 2, 8: 8}.get(_at(data, 0), -1)


def _columns(data: bytes) -> int:
    """ESC *: 0 and 1 are eight dots high, 32 and 33 twenty-four."""
    height = {0: 1, 1: 1, 32: 3, 33: 3}.get(_at(data, 0), -1)
    return -1 if height < 0 else 3 + height * _little(data, 1)


def _raster(data: bytes) -> int:
    """GS v 0 m xL xH yL yH; the 0 belongs to the name."""
    return 5 + _little(data, 1) * _little(data, 3) if _at(data, 0) in (0, 1, 2, 3, 48, 49, 50, 51) else -1


def _barcode(data: bytes) -> int:
    """GS k: function A (0 to 6) ends with a NUL, function B (65 to 79) counts."""
    mode = _at(data, 0)
    if mode <= 6:
        return 1 + _to_nul(data[1:])
    return 2 + _at(data, 1) if 65 <= mode <= 79 else -1


def _stored_pictures(data: bytes) -> int:
    """FS q n, then for each picture xL xH yL yH and eight times x times y bytes."""
    place = 1
    for _ in range(_at(data, 0)):
        place += 4 + 8 * _little(data, place) * _little(data, place + 2)
    return place


def _own_characters(data: bytes) -> int:
    """ESC & y c1 c2, then for each character its width x and x times y bytes."""
    height, place = _at(data, 0), 3
    for _ in range(_at(data, 2) - _at(data, 1) + 1):
        place += 1 + height * _at(data, place)
    return place


Length = (
    int | Callable[[bytes], int]
)  # what follows the name; a callable says -1 where the reference names no such form

_BARE = {"ESC": "2 @ L S i m v \x0c", "FS": "& .", "GS": ": c"}
_ONE = {
    "ESC": "  ! % - 3 = ? E G J K M R T V a d e r t u {",
    "FS": "! - C W",
    "GS": "! / B H I T a b f h j r w |",
}
_TWO = {"ESC": "$ \\ B c f", "FS": "S p", "GS": "$ L P W \\"}  # ESC B: the buzzer of the clones, no page of Epson's
_COUNTED = {"ESC": "(A (Y", "FS": "(A (C (E (L (e", "GS": "(A (C (D (E (H (K (L (M (N (P (Q (V (k (z"}


def _reference() -> Mapping[str, Length]:
    """The commands by name. GS | (density) stands in older editions only."""
    table: dict[str, Length] = {"DLE \x04": _realtime_status, "DLE \x05": 1, "DLE \x14": _realtime_request}
    for length, group in ((0, _BARE), (1, _ONE), (2, _TWO)):
        for prefix, letters in group.items():
            table |= {f"{prefix} {letter}": length for letter in letters.split(" ") if letter}
    for prefix, letters in _COUNTED.items():
        table |= {f"{prefix} {letter}": _counted for letter in letters.split(" ")}
    table |= {"ESC  ": 1, "ESC *": _columns, "ESC &": _own_characters, "ESC D": _to_nul, "ESC W": 8, "ESC p": 3}
    table |= {"GS *": lambda data: 2 + 8 * _at(data, 0) * _at(data, 1), "FS q": _stored_pictures, "FS 2": 74, "FS ?": 2}
    table |= {"FS g1": lambda data: 7 + _little(data, 5), "FS g2": 7, "GS g0": 3, "GS g2": 3}
    table |= {
        "GS V": _cut,
        "GS k": _barcode,
        "GS v0": _raster,
        "GS ^": 3,
        "GS 8L": lambda data: 4 + _little(data, 0, 4),
    }
    return MappingProxyType(table)


REFERENCE = _reference()
_SPELLED = MappingProxyType({"\x04": "EOT", "\x05": "ENQ", "\x14": "DC4", " ": "SP", "\x0c": "FF"})


def read(data: bytes, *, forgiving: bool = False) -> Iterator[Text | Command]:
    """What a printer makes of the bytes, in order. NUL between commands is nothing at all.

    ``forgiving``: as real printers do, drop two bytes that begin no command (after a line that was cut, say).
    Raises NotEscPos at bytes that the reference does not know, CutShort at a command that the end cuts short.
    """
    place, start = 0, -1  # start: where the text begins that is being gathered
    while place < len(data):
        byte = data[place]
        if byte >= 0x20 and byte != 0x7F:
            start = place if start < 0 else start
            place += 1
            continue
        if start >= 0:
            yield Text(start, data[start:place])
            start = -1
        if byte in ALONE:
            yield Command(place, ALONE[byte], b"")
            place += 1
        elif byte == 0:
            place += 1
        else:
            try:
                command, after = _command(data, place)
            except CutShort:
                raise
            except NotEscPos:
                if not forgiving:
                    raise
                command, after = Command(place, "nothing", data[place : place + 2]), place + 2
            yield command
            place = after
    if start >= 0:
        yield Text(start, data[start:])


def _command(data: bytes, place: int) -> tuple[Command, int]:
    prefix = NAMES.get(data[place])
    known = prefix and [name for size in (1, 2) if (name := f"{prefix} {_latin(data, place, size)}") in REFERENCE]
    if not known:
        rest = data[place : place + 3]
        if prefix and (len(rest) == 1 or (len(rest) == 2 and rest[1:] in b"(8vg")):
            raise CutShort(f"offset {place}: cut short: {rest.hex(' ')}")
        raise NotEscPos(f"offset {place}: no command of the reference: {rest.hex(' ')}")
    name = known[0]
    letters = name.split(" ", 1)[1]
    body = place + 1 + len(letters)
    shown = f"{prefix} {' '.join(_SPELLED.get(letter, letter) for letter in letters)}"
    length = REFERENCE[name]
    try:
        size = length if isinstance(length, int) else length(data[body:])
    except _Short:
        size = len(data)
    if size < 0:
        raise NotEscPos(f"offset {place}: {shown} has no such form: {data[place : body + 1].hex(' ')}")
    if body + size > len(data):
        raise CutShort(f"offset {place}: cut short: {shown}")
    return Command(place, shown, data[body : body + size]), body + size


def _latin(data: bytes, place: int, size: int) -> str:
    return data[place + 1 : place + 1 + size].decode("latin-1")
