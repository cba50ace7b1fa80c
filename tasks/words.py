"""Frequencies of words as one table for the language kernels: what decides short text, where n-grams of letters cannot.

The lists are wordfreq's small ones (words that make up a millionth of a language's text or more, of news, books, subtitles
and the web), read from the installed package at run time. Each language of a word gets its log-frequency above FLOOR.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks import profiles, tables
from tasks.kernels import language_decide as kernels
from tasks.kernels.language_decide import ALPHABETS_END
from tasks.profiles import Profiles, kind_of

#: Part of the table's name; raise it when the meaning of an array changes.
FORMAT = b"words-5"
#: Log-frequency (nats) of a word that a list does not have; the lists' least is -13.8.
FLOOR = -17.0
#: Package names of languages that it files under another code.
_FILED_AS = {"no": "nb", "hr": "sh", "sr": "sh", "bs": "sh", "tl": "fil"}


@dataclass(frozen=True)
class Words:
    """Words of the candidate languages.

    folded : (ALPHABETS_END,) uint16, code point to its lower case.  slots : (2^k,) uint64, words and their places in the table.
    table  : uint8, nats above FLOOR in 1 / WORD_SCALE under the languages of the word's script side by side.
    """

    folded: npt.NDArray[np.uint16]
    slots: npt.NDArray[np.uint64]
    table: npt.NDArray[np.uint8]

    def arrays(self) -> tuple[npt.NDArray[Any], ...]:
        """The arrays that the kernels call `words`."""
        return self.folded, self.slots, self.table


def fold_table() -> npt.NDArray[np.uint16]:
    """(ALPHABETS_END,) uint16: each code point's lower case, itself where that is not one letter of the alphabets."""
    table = np.arange(ALPHABETS_END, dtype=np.uint16)
    for point in range(ALPHABETS_END):
        lower = chr(point).lower()[:1]
        if ord(lower) < ALPHABETS_END:
            table[point] = ord(lower)
    return table


def listed(name: str) -> dict[str, float]:
    """Frequency of each word of a language's list; empty where there is none."""
    import wordfreq

    filed = _FILED_AS.get(name, name)
    if filed not in wordfreq.available_languages("small"):
        return {}
    found: dict[str, float] = wordfreq.get_frequency_dict(filed, wordlist="small")
    return found


def _spelled(words: dict[str, float], kind: int, classes: npt.NDArray[np.uint8]) -> Iterable[tuple[str, float]]:
    """Words of letters of one script, composed, and their nats above FLOOR."""
    for word, frequency in words.items():
        text = unicodedata.normalize("NFC", word)
        if all(ord(c) < ALPHABETS_END and kind_of(int(classes[ord(c)])) == kind for c in text):
            yield text, max(0.0, math.log(frequency) - FLOOR)


def _compile(models: Profiles, classes: npt.NDArray[np.uint8]) -> tables.Arrays:
    lists = [dict(_spelled(listed(name), kind, classes)) for name, kind in zip(models.names, models.scripts.tolist(), strict=True)]
    scripts = models.scripts.tolist()
    script_of = {word: script for found, script in zip(lists, scripts, strict=True) for word in found}
    words = sorted(script_of)
    rows = np.array([[found.get(word, 0.0) for found in lists] for word in words]).reshape(len(words), len(lists))
    # A language without a list knows each word as well as the others of its script do on the average.
    for column, found in enumerate(lists):
        alike = [i for i, other in enumerate(lists) if other and scripts[i] == scripts[column]]
        if not found and alike:
            rows[:, column] = rows[:, alike].mean(axis=1)
    # Frequent words side by side: most look-ups then stay in the nearest cache.
    order = np.lexsort((np.arange(len(words)), -rows.max(axis=1, initial=0.0)))
    places, table = profiles.side_by_side(rows[order], [script_of[words[i]] for i in order], scripts)
    folded = fold_table()
    slots = np.zeros(1 << math.ceil(math.log2(max(16, 2 * len(words)))), np.uint64)
    points = np.frombuffer("".join(words[i] for i in order).encode("utf-32-le"), np.uint32)
    offsets = np.concatenate([[0], np.cumsum([len(words[i]) for i in order], dtype=np.int64)])
    kernels.file_words(points, offsets, places, folded, slots)
    return {"folded": folded, "slots": slots, "table": np.rint(table * kernels.WORD_SCALE).astype(np.uint8)}


@cache
def load(candidates: tuple[str, ...]) -> Words:
    """Words of the candidates, compiled once, then from disk."""
    from tasks.language import character_classes

    models, classes = profiles.load(candidates), character_classes()
    parts = [FORMAT, version("wordfreq").encode(), classes.tobytes(), models.scripts.tobytes(), *(name.encode() for name in models.names)]
    stored = tables.cached("words", tables.digest(parts), lambda: _compile(models, classes))
    return Words(**stored)  # type: ignore[arg-type]
