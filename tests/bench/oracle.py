"""Exact similarity of texts from its definition, for holding ours against: no numba, nothing of tasks.kernels, no hash of ours.

The fold is that of tests/naive_matching.py, a shingle is a tuple, a dict numbers the shingles, and scipy counts what rows of a sparse
matrix have in common. Of the pipeline it takes over one thing: the table of traditional and variant characters.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import naive_matching as naive

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Row = list[naive.Element]

#: Floating point must not decide a pair that stands exactly at a threshold.
HAIR = 1e-9


@dataclass(frozen=True)
class Sets:
    """Shingle sets of n texts.

    matrix : (n, distinct shingles) int32, 1 where the text has the shingle; columns from the rarest shingle to the most frequent.
    tokens : (n,) int64, length; a Han character is one token, a letter han / letter of one.
    fold   : (n,) int64, texts of equal fold share a number.
    """

    matrix: csr_array
    tokens: Ints
    fold: Ints

    @property
    def sizes(self) -> Ints:
        return np.diff(self.matrix.indptr).astype(np.int64)

    def take(self, rows: Ints) -> Sets:
        """The same of some of the texts."""
        return Sets(self.matrix[rows], self.tokens[rows], self.fold[rows])


def folds(texts: Sequence[str]) -> list[Row]:
    """Elements of each text; a few microseconds a character."""
    return [naive.elements(text) for text in texts]


def shingles(row: Row, han: int = 3, letter: int = 5) -> set[tuple[Any, ...]]:
    """Shortest runs that hold `han` Han characters, `letter` letters or a mixture of as much weight.

    >>> sorted("".join(text for _, text in one) for one in shingles(naive.elements("淘金的人，洗沙")))
    ['人洗沙', '淘金的', '的人洗', '金的人']
    """
    found, end, total = set(), 0, 0
    weights = [han if kind == "letter" else letter for kind, _ in row]
    for start in range(len(row)):
        while end < len(row) and total < han * letter:
            total += weights[end]
            end += 1
        if total < han * letter:
            break
        found.add(tuple(row[start:end]))
        total -= weights[start]
    return found


def sets(rows: Sequence[Row], han: int = 3, letter: int = 5) -> Sets:
    """Shingle sets of folded texts."""
    numbers: dict[tuple[Any, ...], int] = {}
    known: dict[tuple[naive.Element, ...], int] = {}
    values, bounds, tokens, fold = [], [0], [], []
    for row in rows:
        values += [numbers.setdefault(one, len(numbers)) for one in shingles(row, han, letter)]
        bounds.append(len(values))
        tokens.append(math.ceil(sum(han if kind == "letter" else letter for kind, _ in row) / letter))
        fold.append(known.setdefault(tuple(row), len(known)))
    columns = np.array(values, np.int64)
    frequency = np.bincount(columns, minlength=len(numbers))
    place = np.empty(len(numbers), np.int64)
    place[np.argsort(frequency, kind="stable")] = np.arange(len(numbers))
    ones = np.ones(len(columns), np.int32)
    matrix = csr_array((ones, place[columns], np.array(bounds)), shape=(len(rows), len(numbers)))
    matrix.sort_indices()
    return Sets(matrix, np.array(tokens, np.int64), np.array(fold, np.int64))


def common(texts: Sets, left: Ints, right: Ints, step: int = 50_000) -> Ints:
    """(m,) shingles that the two texts of each pair share."""
    found = [np.zeros(0, np.int64)]
    for at in range(0, len(left), step):
        both = texts.matrix[left[at : at + step]].multiply(texts.matrix[right[at : at + step]])
        found.append(np.asarray(both.sum(axis=1), np.int64))
    return np.concatenate(found)


def jaccard(texts: Sets, left: Ints, right: Ints) -> Floats:
    """(m,) exact Jaccard similarity; 1 for two texts without shingles."""
    shared = common(texts, left, right)
    union = texts.sizes[left] + texts.sizes[right] - shared
    return np.where(union > 0, shared / np.maximum(union, 1), 1.0)


def similar_pairs(texts: Sets, threshold: float, step: int = 2000) -> tuple[Ints, Ints, Floats]:
    """All pairs (left < right, sorted) at or above a threshold, with their exact similarity.

    Two sets with similarity t share a shingle among the n - ceil(t n) + 1 rarest of each (Chaudhuri, Ganti, Kaushik 2006), so only
    those are joined, by a sparse product of some thousand rows at a time; every pair that meets is counted in full.
    """
    sizes = texts.sizes
    prefix = np.where(sizes > 0, sizes - np.ceil(threshold * sizes - HAIR).astype(np.int64) + 1, 0)
    indptr, indices = texts.matrix.indptr, texts.matrix.indices
    within = np.arange(len(indices)) - np.repeat(indptr[:-1], sizes)
    chosen = indices[within < np.repeat(prefix, sizes)]
    bounds = np.concatenate([[0], np.cumsum(prefix)])
    rare = csr_array((np.ones(len(chosen), np.int32), chosen, bounds), shape=texts.matrix.shape)
    turned = rare.T.tocsr()
    lefts, rights = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for at in range(0, len(sizes), step):
        met = (rare[at : at + step] @ turned).tocoo()
        row, column = met.row.astype(np.int64) + at, met.col.astype(np.int64)
        able = (row < column) & (np.minimum(sizes[row], sizes[column]) >= threshold * np.maximum(sizes[row], sizes[column]) - HAIR)
        lefts.append(row[able])
        rights.append(column[able])
    left, right = np.concatenate(lefts), np.concatenate(rights)
    similarity = jaccard(texts, left, right)
    good = np.flatnonzero(similarity >= threshold - HAIR)
    good = good[np.lexsort((right[good], left[good]))]
    return left[good], right[good], similarity[good]
