"""Everything a person reads on the screen and on paper; one file for each language."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from kiosk.sale.words import en, es, pt
from kiosk.sale.words.table import Down, Told, Words

LANGUAGES: Final = MappingProxyType({"pt": pt.WORDS, "es": es.WORDS, "en": en.WORDS})


def words_of(language: str) -> Words:
    """The words of ``pt``, ``es`` or ``en``."""
    return LANGUAGES[language]


__all__ = ["LANGUAGES", "Down", "Told", "Words", "words_of"]
