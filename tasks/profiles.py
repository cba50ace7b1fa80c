"""langdetect's language profiles as one table of n-gram log-probabilities for the language kernels.

The profiles are read from the installed package at run time. langdetect draws n-grams at random until it is sure; the exact
sum over all n-grams gives the same answers (99.1, 80.0 and 61.7 % on sentences, pairs and words, against 99.0, 80.3 and
61.8 %), needs no seed and is hundreds of times faster.
"""

from __future__ import annotations

import json
from collections import Counter
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
from tasks.kernels.language_decide import ALPHABETS_END

#: Part of the table's name; raise it when the meaning of an array changes.
FORMAT = b"profiles-9"
#: langdetect's smoothing: alpha / 10000 is added to every probability.
SMOOTHING = 0.5 / 10_000


@dataclass(frozen=True)
class Profiles:
    """Models of the candidate languages.

    names   : languages, sorted by script, then by name.  scripts : (n,) uint8, kind of atom each is written in.
    letters : (2 * ALPHABETS_END,) uint16, letter to its number within its script (marks have the same number in all), CAPITAL
              added to capitals; then the number of its lower case.
    pairs   : uint16, state of the last two letters, [two][one] of the letters of a script, one script after the other.
    follow  : uint16, [state][letter], the number of the longest n-gram that ends in this letter, 0 for none.
    table   : int16, log-probabilities in 1 / SCALE nat of an n-gram, the shorter ones that end where it ends added, under the
              languages of its script side by side; n-gram 0 of each script has none.
    frames  : (4, 5) int64, of each script: where its pairs begin, its letters, where its states and its n-grams begin, its languages.
    """

    names: tuple[str, ...]
    scripts: npt.NDArray[np.uint8]
    letters: npt.NDArray[np.uint16]
    pairs: npt.NDArray[np.uint16]
    follow: npt.NDArray[np.uint16]
    table: npt.NDArray[np.int16]
    frames: npt.NDArray[np.int64]

    def grams(self) -> tuple[npt.NDArray[Any], ...]:
        """The arrays that the kernels call `grams`."""
        return self.letters, self.pairs, self.follow, self.table

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
    weight: Counter[str] = Counter()
    for profile in profiles:
        weight.update(profile["freq"])
    numbers = _numbers(sorted({c for gram in weight for c in gram if ord(c) < ALPHABETS_END and c != " "}), weight, classes)
    known = {char for number in numbers for char in number}
    grams = sorted(gram for gram in weight if all(c in known for c in gram))
    rows = np.array([[p["freq"].get(gram, 0) / p["n_words"][len(gram) - 1] for p in profiles] for gram in grams])
    own = dict(zip(grams, np.log(rows.reshape(len(grams), len(names)) + SMOOTHING), strict=True))
    kinds = [_script_of(gram, classes) for gram in grams]
    # Frequent n-grams side by side: most look-ups then stay in the nearest cache.
    order = np.lexsort((np.arange(len(grams)), -rows.reshape(len(grams), len(names)).sum(axis=1)))
    frames = np.zeros((4, 5), np.int64)
    pairs: list[npt.NDArray[Any]] = []
    follow: list[npt.NDArray[Any]] = []
    table: list[npt.NDArray[Any]] = []
    for kind in range(4):
        mine = [grams[i] for i in order if kinds[i] == kind and kind in scripts]
        number, columns = numbers[kind], np.flatnonzero(np.array(scripts) == kind)
        states, moves = _automaton(mine, number)
        whole = [sum(own.get(gram[j:], 0.0) for j in range(len(gram)) if gram[j:] != " ")[columns] for gram in mine]
        frames[kind] = [_size(pairs), max(number.values()) + 1, _size(follow), _size(table), len(columns)]
        pairs.append(states.ravel())
        follow.append(moves.ravel())
        table.append(np.concatenate([np.zeros(len(columns)), *whole]))
    table.append(np.zeros(kernels.LANES))
    return {
        "names": np.array(names), "scripts": np.array(scripts, np.uint8), "letters": _letters(numbers, classes), "frames": frames,
        "pairs": np.concatenate(pairs), "follow": np.concatenate(follow),
        "table": np.rint(np.concatenate(table) * kernels.SCALE).astype(np.int16),
    }  # fmt: skip


def _size(arrays: list[npt.NDArray[Any]]) -> int:
    return sum(map(len, arrays))


def _numbers(letters: list[str], weight: Counter[str], classes: npt.NDArray[np.uint8]) -> list[dict[str, int]]:
    """Numbers of the letters of each script, frequent ones first, after those of the marks, which any script may have."""
    marks = [c for c in letters if classes[ord(c)] == atoms.MARK]
    out = []
    for kind in range(4):
        mine = sorted((c for c in letters if kind_of(int(classes[ord(c)])) == kind), key=lambda c: (-weight[c], c))
        out.append({" ": kernels.SPACE} | {c: i for i, c in enumerate([*marks, *mine], kernels.UNKNOWN + 1)})
    return out


def _letters(numbers: list[dict[str, int]], classes: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint16]:
    """Numbers of code points, as they stand and in lower case."""
    out = np.zeros((2, ALPHABETS_END), np.uint16)
    for point in range(ALPHABETS_END):
        kind = kind_of(int(classes[point]))
        if kind == 4 and classes[point] != atoms.MARK:
            continue
        char, number = normal(chr(point)), numbers[kind % 4]
        own = number.get(char, kernels.UNKNOWN if kind < 4 else kernels.NONE)
        small = number.get(char.lower(), own) if char in number else own
        out[:, point] = own + kernels.CAPITAL * (small != own), small
    return out.ravel()


def _automaton(grams: list[str], number: dict[str, int]) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint16]]:
    """States by the last two letters (width, width), and by state and letter the place in `grams` plus 1 of the longest that
    ends there (0 for none). Raises SettingsError for more n-grams than fit."""
    if len(grams) >= 1 << 16:
        raise SettingsError("language.candidates: too many languages of one script; name fewer")
    width = max(number.values()) + 1
    states, moves = np.zeros((width, width), np.uint16), [np.zeros(width, np.uint16)]
    place = {gram: i for i, gram in enumerate(grams, 1)}
    for length in (1, 2, 3):
        for gram in (gram for gram in grams if len(gram) == length):
            before, code = [number[c] for c in gram[:-1]], number[gram[-1]]
            state = _state(states, moves, before)
            moves[state][code] = place[gram]
    return states, np.stack(moves)


def _state(states: npt.NDArray[np.uint16], moves: list[npt.NDArray[np.uint16]], before: list[int]) -> int:
    """State after these letters; a new one, which goes on as the state of fewer letters does, where there is none."""
    if not before:
        return 0
    two, one = before if len(before) == 2 else (kernels.NONE, before[0])
    shorter = int(states[kernels.NONE, one])
    state = int(states[two, one])
    if state == 0 or (len(before) == 2 and state == shorter):
        state = len(moves)
        moves.append(moves[shorter].copy())
        if len(before) == 2:
            states[two, one] = state
        else:
            states[states[:, one] == shorter, one] = state
    return state


def _script_of(gram: str, classes: npt.NDArray[np.uint8]) -> int:
    """Kind of atom that the letters of an n-gram stand in, -1 for more than one; marks alone are Devanagari's or nobody's."""
    kinds = {kind_of(int(classes[ord(c)])) for c in gram if c != " "} - {4}
    if not kinds and any("\u0900" <= c <= "\u097f" for c in gram):
        return atoms.KIND_DEVANAGARI
    return kinds.pop() if len(kinds) == 1 else -1


def side_by_side(rows: Iterable[Any], kinds: Sequence[int], scripts: Sequence[int]) -> tuple[npt.NDArray[np.int64], npt.NDArray[Any]]:
    """Of each row the columns of its own script, one row after the other: where each begins, and all of them flat, after a row
    of zeros and before one.

    rows : arrays of a value a language.  kinds : script of each row.  scripts : of each language, sorted.
    """
    blocks = np.searchsorted(scripts, np.arange(5))
    widths = np.array([blocks[kind + 1] - blocks[kind] for kind in kinds], np.int64)
    flat = [row[blocks[kind] : blocks[kind + 1]] for row, kind in zip(rows, kinds, strict=True)]
    none = np.zeros(-(-len(scripts) // kernels.LANES) * kernels.LANES)
    return len(none) + np.cumsum(widths) - widths, np.concatenate([none, *flat, none])


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
