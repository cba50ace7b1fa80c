"""langdetect's language profiles as one table of n-gram log-probabilities for the language kernels.

The profiles are read from the installed package at run time. langdetect draws n-grams at random until it is sure; the exact
sum over all n-grams gives the same answers (99.1, 80.0 and 61.7 % on sentences, pairs and words, against 99.0, 80.3 and
61.8 %), needs no seed and is hundreds of times faster.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks import tables
from tasks.errors import SettingsError
from tasks.kernels import language as atoms
from tasks.kernels import language_decide as kernels

#: Part of the table's name; raise it when the meaning of an array changes.
FORMAT = b"profiles-8"
#: langdetect's smoothing: alpha / 10000 is added to every probability.
SMOOTHING = 0.5 / 10_000
#: Letters of the models' alphabets stand below this code point (Latin Extended Additional is the last block).
ALPHABETS_END = 0x1F00


@dataclass(frozen=True)
class Profiles:
    """Models of the candidate languages.

    names   : languages, sorted by script, then by name.  scripts : (n,) uint8, kind of atom each is written in.
    codes   : (ALPHABETS_END,) uint16, letter to number.  lower : (1024,) uint16.
    slots   : (2^k,) uint64, n-grams and their places in the table.
    table   : int16, log-probabilities in 1 / SCALE nat of an n-gram, the shorter ones that end where it ends added, under the
              languages of its script side by side.
    """

    names: tuple[str, ...]
    scripts: npt.NDArray[np.uint8]
    codes: npt.NDArray[np.uint16]
    lower: npt.NDArray[np.uint16]
    slots: npt.NDArray[np.uint64]
    table: npt.NDArray[np.int16]

    def grams(self) -> tuple[npt.NDArray[Any], ...]:
        """The arrays that the kernels call `grams`."""
        return self.codes, self.lower, self.slots, self.table

    def blocks(self) -> npt.NDArray[np.int64]:
        """(5,) int64: the languages of alphabet `kind` are blocks[kind] to blocks[kind + 1] - 1."""
        return np.searchsorted(self.scripts, np.arange(5)).astype(np.int64)


def _folder() -> Any:
    return resources.files("langdetect").joinpath("profiles")


@cache
def available() -> tuple[str, ...]:
    """Languages that langdetect has profiles of, sorted."""
    return tuple(sorted(path.name for path in _folder().iterdir() if path.is_file() and not path.name.startswith(".")))


def normal(char: str) -> str:
    """A letter as langdetect's profiles write it (Romanian comma letters, Farsi yeh, Vietnamese letters as one)."""
    if "Ạ" <= char <= "ỿ":
        return "ể"
    return {"ș": "ş", "ț": "ţ", "ی": "ي"}.get(char, char)


def _script(frequencies: dict[str, int], classes: npt.NDArray[np.uint8]) -> int:
    """Kind of atom that most letters of a profile belong to, -1 when it is none of the alphabets."""
    weight = [0] * 5
    for gram, count in frequencies.items():
        if len(gram) == 1 and ord(gram) < len(classes):
            weight[kind_of(int(classes[ord(gram)]))] += count
    kind = max(range(5), key=lambda k: weight[k])
    return kind if kind < 4 else -1


def kind_of(char_class: int) -> int:
    """Kind of atom of a letter's class; 4 for letters that are in no alphabet."""
    if char_class in (atoms.LATIN, atoms.LATIN_UPPER):
        return atoms.KIND_LATIN
    if char_class in (atoms.CYRILLIC, atoms.CYRILLIC_UPPER):
        return atoms.KIND_CYRILLIC
    return {atoms.ARABIC: atoms.KIND_ARABIC, atoms.DEVANAGARI: atoms.KIND_DEVANAGARI}.get(char_class, 4)


def _compile(names: tuple[str, ...], classes: npt.NDArray[np.uint8]) -> tables.Arrays:
    profiles = [json.loads(_folder().joinpath(name).read_text("utf-8")) for name in names]
    scripts = [_script(profile["freq"], classes) for profile in profiles]
    for name, kind in zip(names, scripts, strict=True):
        if kind < 0:
            raise SettingsError(f"language.candidates: {name!r} is decided by its script alone; name only languages in alphabets")
    # Languages of one alphabet side by side: the kernels sum one block of a row.
    by_script = sorted(range(len(names)), key=lambda i: (scripts[i], names[i]))
    names, profiles, scripts = tuple(names[i] for i in by_script), [profiles[i] for i in by_script], [scripts[i] for i in by_script]
    letters = sorted({c for profile in profiles for gram in profile["freq"] for c in gram if ord(c) < ALPHABETS_END and c != " "})
    letters = [c for c in letters if kind_of(int(classes[ord(c)])) < 4 or classes[ord(c)] == atoms.MARK]
    number: dict[str, int] = {" ": kernels.SPACE} | {c: i for i, c in enumerate(letters, kernels.SPACE + 1)}
    codes = np.zeros(ALPHABETS_END, np.uint16)
    lower = np.arange(1024, dtype=np.uint16)
    for point in range(ALPHABETS_END):
        if kind_of(int(classes[point])) < 4:
            codes[point] = number.get(normal(chr(point)), kernels.UNKNOWN)
        elif classes[point] == atoms.MARK:
            codes[point] = number.get(chr(point), kernels.NONE)
    for char, code in number.items():
        lower[code] = number.get(char.lower(), code)
    grams = sorted({gram for profile in profiles for gram in profile["freq"] if all(c in number for c in gram)})
    rows = np.empty((len(grams), len(names)))
    for column, profile in enumerate(profiles):
        totals = profile["n_words"]
        frequencies = profile["freq"]
        rows[:, column] = [frequencies.get(gram, 0) / totals[len(gram) - 1] for gram in grams]
    own = dict(zip(grams, np.log(rows + SMOOTHING), strict=True))
    kinds = [_script_of(gram, classes) for gram in grams]
    # Frequent n-grams side by side: most look-ups then stay in the nearest cache.
    order = [i for i in np.lexsort((np.arange(len(grams)), -rows.sum(axis=1))) if kinds[i] in scripts]
    whole = [sum(own.get(grams[i][j:], 0.0) for j in range(len(grams[i])) if grams[i][j:] != " ") for i in order]
    places, table = side_by_side(whole, [kinds[i] for i in order], scripts)
    keys = np.array([sum(number[char] << 10 * j for j, char in enumerate(reversed(grams[i]))) for i in order], np.uint32)
    slots = np.zeros(1 << math.ceil(math.log2(max(16, 3 * len(order)))), np.uint64)
    kernels.file_grams(keys, places, slots)
    return {
        "names": np.array(names), "scripts": np.array(scripts, np.uint8), "codes": codes, "lower": lower, "slots": slots,
        "table": np.rint(table * kernels.SCALE).astype(np.int16),
    }  # fmt: skip


def _script_of(gram: str, classes: npt.NDArray[np.uint8]) -> int:
    """Kind of atom that the letters of an n-gram stand in, -1 for more than one; marks alone are Devanagari's or nobody's."""
    kinds = {kind_of(int(classes[ord(c)])) for c in gram if c != " "} - {4}
    if not kinds and any("\u0900" <= c <= "\u097f" for c in gram):
        return atoms.KIND_DEVANAGARI
    return kinds.pop() if len(kinds) == 1 else -1


def side_by_side(rows: Iterable[Any], kinds: Sequence[int], scripts: Sequence[int]) -> tuple[npt.NDArray[np.int64], npt.NDArray[Any]]:
    """Of each row the columns of its own script, one row after the other: where each begins, and all of them flat
    (with a row of zeros at the end, so that a place read as another script's stays inside).

    rows : arrays of a value a language.  kinds : script of each row.  scripts : of each language, sorted.
    """
    blocks = np.searchsorted(scripts, np.arange(5))
    widths = np.array([blocks[kind + 1] - blocks[kind] for kind in kinds], np.int64)
    flat = [row[blocks[kind] : blocks[kind + 1]] for row, kind in zip(rows, kinds, strict=True)]
    return np.cumsum(widths) - widths, np.concatenate([*flat, np.zeros(len(scripts))])


@cache
def load(candidates: tuple[str, ...]) -> Profiles:
    """Models of the candidates, compiled once, then from disk.

    Raises SettingsError for a language without a profile or one that its script alone decides.
    """
    from tasks.language import character_classes

    names = tuple(sorted(set(candidates)))
    unknown = [name for name in names if name not in available()]
    if unknown:
        raise SettingsError(f"language.candidates: no profile for {', '.join(unknown)}; langdetect has {', '.join(available())}")
    classes = character_classes()
    parts = [FORMAT, classes.tobytes(), *(part for name in names for part in (name.encode(), _folder().joinpath(name).read_bytes()))]
    stored = tables.cached("language", tables.digest(parts), lambda: _compile(names, classes))
    return Profiles(tuple(stored.pop("names").tolist()), **stored)  # type: ignore[arg-type]
