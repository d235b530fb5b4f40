"""Text as the printer's code page can show it. Pure.

A ticket is printed in one code page, never silently in another: on many printers the pages are numbered otherwise than
on Epson's, and letters from a wrong page are rubbish. A letter that the page lacks is replaced by what a reader takes
for it, at last by a question mark.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

_INSTEAD = str.maketrans(
    {
        "‘": "'", "’": "'", "‚": ",", "“": '"', "”": '"', "„": '"', "‹": "<", "›": ">",
        "‐": "-", "‑": "-", "–": "-", "—": "-", "―": "-", "−": "-",
        "…": "...", "•": "*", "·": "-", "×": "x", "÷": "/", "→": "->", "←": "<-", "✓": "v", "№": "No.",
        "€": "EUR", "₡": "CRC ", "₱": "PHP ", "₲": "PYG ", "£": "GBP ",
        "ß": "ss", "æ": "ae", "Æ": "AE", "ø": "o", "Ø": "O", "œ": "oe", "Œ": "OE",
        "¿": "?", "¡": "!", "«": '"', "»": '"',
    }
)  # fmt: skip
_SPACES = ("Zs", "Zl", "Zp")  # Unicode's categories of spaces and line ends.
_INVISIBLE = ("Cc", "Cf", "Mn", "Me")  # Controls, joiners and direction marks, accents that found no letter.


def printable(text: str, has: Callable[[str], bool]) -> str:
    """The text without controls, every letter one that ``has`` says the page has.

    A control byte in a name would be a command to the printer (ESC begins them all), so none goes through; those that
    are white space become a space.
    """
    return "".join(_letter(letter, has) for letter in unicodedata.normalize("NFC", text))


def _letter(letter: str, has: Callable[[str], bool]) -> str:
    if " " <= letter <= "~":
        return letter
    category = unicodedata.category(letter)
    if letter in "\t\n\v\f\r" or category in _SPACES:
        return " "
    if category in _INVISIBLE:
        return ""
    if has(letter):
        return letter
    instead = letter.translate(_INSTEAD)
    if instead == letter:
        instead = "".join(part for part in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(part))
    return instead if instead.isascii() and instead.isprintable() else "?"
