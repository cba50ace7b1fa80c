"""A passage of a query beside texts that may hold it: similarity and containment, exact, of the whole and of its parts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.lookup_fold import folds
from tasks.lookup_query import Units
from tasks.settings import Matching
from tasks.shingles import shingle_sets
from tasks.store.text import BoolArray, I64Array, Texts, U64Array

#: How a place answers.
SAME, SIMILAR, INSIDE, HOLDS, PART = "same", "similar", "inside", "holds", "part"


@dataclass(frozen=True)
class Compared:
    """A passage of the query and a text that stands in the snapshot.

    how : same (equal fold), similar, inside (the query stands in this longer text), holds (this text stands in the query), part (a
        part of the query stands in this text).
    similarity, containment_query, containment_place : exact, of whole and whole: Jaccard, share of the query's shingles that the
        place has, share of the place's that the query has.
    part, part_containment : for `part`, the longest such part, and the share of its shingles that the place has.
    """

    how: str
    similarity: float
    containment_query: float
    containment_place: float
    part: str | None = None
    part_containment: float | None = None


@dataclass(frozen=True)
class _Sets:
    """Shingle sets of n texts: sorted values by row."""

    values: U64Array
    offsets: I64Array

    def within(self, other: U64Array) -> _Sets:
        """Each row cut to the shingles that stand in a sorted set."""
        if not len(other):
            return _Sets(self.values[:0], np.zeros_like(self.offsets))
        there = other[np.minimum(np.searchsorted(other, self.values), len(other) - 1)] == self.values
        return _Sets(self.values[there], np.concatenate([[0], np.cumsum(there)])[self.offsets])

    def common(self, other: U64Array) -> I64Array:
        """(n,) how many of each row's shingles stand in a sorted set."""
        return np.diff(self.within(other).offsets)


def compare(units: Units, first: int, last: int, texts: list[str], digests: list[int], settings: Matching) -> list[Compared | None]:
    """What each text has of a passage of the query, None where it is too little.

    first, last : the passage's units: itself, then its parts. digests : fold digests of the texts.
    """
    if not texts:
        return []
    sets = _Sets(*shingle_sets(Texts.of(texts), settings))
    sizes = np.diff(sets.offsets)
    own = units.shingles(first)
    common = sets.common(own)
    union = np.maximum(sizes + len(own) - common, 1)
    similarity, inside, holds = common / union, common / max(len(own), 1), common / np.maximum(sizes, 1)
    equal = _equal_folds(units, first, last, texts, digests)
    enough = (sizes >= settings.min_shingles) & (len(own) >= settings.min_shingles)
    runs = _Runs.of(units, first + 1, last, sets, equal[1:], settings)
    out: list[Compared | None] = []
    for i in range(len(texts)):
        numbers = (round(float(similarity[i]), 4), round(float(inside[i]), 4), round(float(holds[i]), 4))
        how = None
        if equal[0, i]:
            how, numbers = SAME, (1.0, 1.0, 1.0)
        elif enough[i] and similarity[i] >= settings.report_threshold:
            how = SIMILAR
        elif enough[i] and inside[i] >= settings.containment_threshold:
            how = INSIDE
        elif enough[i] and holds[i] >= settings.containment_threshold:
            how = HOLDS
        part = runs.text[i] if how is None else None
        out.append(Compared(how or PART, *numbers, part, runs.containment[i] if part else None) if how or part else None)
    return out


def _equal_folds(units: Units, first: int, last: int, texts: list[str], digests: list[int]) -> BoolArray:
    """(units, texts) whether the fold of a unit equals that of a text, to the last token."""
    out = units.fold[first:last, None] == np.array(digests, np.uint64)[None, :]
    rows, columns = np.nonzero(out)
    ours, theirs = folds(Texts.of([units.texts[first + row] for row in rows])), folds(Texts.of([texts[column] for column in columns]))
    out[rows, columns] = [bool(a) and a == b for a, b in zip(ours, theirs, strict=True)]
    return out


@dataclass(frozen=True)
class _Runs:
    """The longest run of parts that each text has, and its exact containment; None where there is none."""

    text: list[str | None]
    containment: list[float | None]

    @staticmethod
    def of(units: Units, first: int, last: int, sets: _Sets, equal: BoolArray, settings: Matching) -> _Runs:
        """equal : (parts, texts) of equal folds, which need no number of shingles."""
        count = len(sets.offsets) - 1
        there = equal.copy()
        shared = sets.within(units.shingles(first - 1))  # a part has hardly a shingle that the whole has not
        for part in range(first, last):
            own = units.shingles(part)
            if len(own) >= settings.min_shingles:
                there[part - first] |= shared.common(own) >= settings.containment_threshold * len(own)
        spans = (
            [_longest([len(text) for text in units.texts[first:last]], column) for column in there.T] if last > first else [None] * count
        )
        texts = ["".join(units.texts[first + span[0] : first + span[1]]) if span else None for span in spans]
        distinct = sorted({text for text in texts if text})
        values, offsets = shingle_sets(Texts.of(distinct), settings)
        contained = {text: (sets.common(values[a:b]), b - a) for text, a, b in zip(distinct, offsets[:-1], offsets[1:], strict=True)}
        return _Runs(texts, [_share(*contained[text], row) if text else None for row, text in enumerate(texts)])


def _share(common: I64Array, size: int, row: int) -> float:
    """Share of a run that a text has; a run without a shingle is there only by an equal fold."""
    return round(float(common[row] / size), 4) if size else 1.0


def _longest(lengths: list[int], there: BoolArray) -> tuple[int, int] | None:
    """The run of parts that are there with most characters, half-open; the first among equals.

    >>> _longest([5, 5, 5, 9], np.array([True, True, False, True]))
    (0, 2)
    """
    best, start, most = None, 0, 0
    for at, here in enumerate([*there.tolist(), False]):
        if here:
            continue
        held = sum(lengths[start:at])
        if held > most:
            best, most = (start, at), held
        start = at + 1
    return best
