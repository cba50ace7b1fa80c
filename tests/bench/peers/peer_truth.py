"""The exact answer, and how far a tool's answer is from it. No hash, kernel or settings of ours: Python strings and integers.

Equal compared texts are one *text*; similarity is a relation of texts. The words are defined in ../RULES.md.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from side import Answer, compared, grams

I64 = npt.NDArray[np.int64]
_CHUNK = 2048


@dataclass(frozen=True)
class Truth:
    """of : (n,) text of each row; pairs : (m, 2) texts with Jaccard similarity >= threshold, left < right, sorted, distinct."""

    of: I64
    pairs: I64

    @property
    def texts(self) -> int:
        return int(self.of.max(initial=-1)) + 1


def classes(rows: list[str]) -> tuple[I64, list[str]]:
    """Text of each row, numbered by first appearance, and the distinct compared texts."""
    number: dict[str, int] = {}
    of = np.array([number.setdefault(compared(row), len(number)) for row in rows], np.int64)
    return of, list(number)


def alike(a: set[str], b: set[str], threshold: float) -> bool:
    """Exact Jaccard similarity of two sets reaches the threshold."""
    common = len(a & b)
    return common > 0 and common >= threshold * (len(a) + len(b) - common) - 1e-9


def exact_pairs(texts: list[str], threshold: float) -> I64:
    """All pairs of texts with similarity >= threshold, by the prefix filter (Chaudhuri 2006, Bayardo 2007).

    Two sets that reach the threshold share an element among the rarest |x| - ceil(t |x|) + 1 of each, so only the texts that
    do are compared, as Python sets of strings.
    """
    shares = Counter(chain.from_iterable(set(grams(text)) for text in texts))
    rank = {gram: number for number, gram in enumerate(sorted(shares, key=shares.__getitem__))}
    sizes = np.array([len(set(grams(text))) for text in texts], np.int64)
    prefixes = []
    for text in texts:
        ordered = sorted({rank[gram] for gram in grams(text)})
        prefixes.append(ordered[: len(ordered) - math.ceil(threshold * len(ordered) - 1e-9) + 1])
    del rank

    @lru_cache(maxsize=100_000)
    def gram_set(text: int) -> set[str]:
        return set(grams(texts[text]))

    found = []
    for left, right in _sharing(prefixes):
        near = np.minimum(sizes[left], sizes[right]) >= threshold * np.maximum(sizes[left], sizes[right]) - 1e-9
        couples = zip(left[near].tolist(), right[near].tolist(), strict=True)
        found += [couple for couple in couples if alike(gram_set(couple[0]), gram_set(couple[1]), threshold)]
    return np.array(sorted(found), np.int64).reshape(-1, 2)


def _sharing(sets: list[list[int]]) -> Iterator[tuple[I64, I64]]:
    """Pairs left < right of sets that have an element in common, in parts."""
    matrix = _matrix(sets)
    other = matrix.T.tocsr()
    for start in range(0, len(sets), _CHUNK):
        product = (matrix[start : start + _CHUNK] @ other).tocoo()
        left, right = product.row.astype(np.int64) + start, product.col.astype(np.int64)
        yield left[left < right], right[left < right]


def _matrix(sets: list[list[int]]) -> csr_array:
    """Rows of zeros and ones."""
    bounds = np.cumsum([0, *map(len, sets)])
    columns = np.fromiter(chain.from_iterable(sets), np.int64, bounds[-1])
    return csr_array((np.ones(len(columns), np.int32), columns, bounds), shape=(len(sets), int(columns.max(initial=0)) + 1))


def brute_force(texts: list[str], threshold: float) -> I64:
    """The same by counting the common shingles of every two texts: slow, and without a filter that could be wrong."""
    number: dict[str, int] = {}
    sets = [[number.setdefault(gram, len(number)) for gram in sorted(set(grams(text)))] for text in texts]
    sizes = np.array([len(one) for one in sets], np.int64)
    matrix = _matrix(sets)
    other, found = matrix.T.tocsr(), []
    for start in range(0, len(sets), _CHUNK):
        product = (matrix[start : start + _CHUNK] @ other).tocoo()
        left, right = product.row.astype(np.int64) + start, product.col.astype(np.int64)
        good = (product.data >= threshold * (sizes[left] + sizes[right] - product.data) - 1e-9) & (left < right)
        found.append(np.column_stack([left[good], right[good]]))
    pairs = np.concatenate([np.empty((0, 2), np.int64), *found])
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


# --- How far an answer is from it -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Quality:
    """recall : share of the true pairs of texts in one cluster. returned : share returned as pairs, None for clusters only."""

    recall: float
    returned: float | None
    removed: int
    wrong: int
    missed: int
    largest: int


def clusters(answer: Answer, rows: int) -> I64:
    """The answer's clusters; for a tool that gives pairs, their connected components."""
    if answer.labels is not None:
        return np.unique(answer.labels, return_inverse=True)[1].astype(np.int64)
    edges = [part for part in (answer.pairs, _equal_pairs(answer.equal)) if part is not None]
    pairs = np.concatenate([np.empty((0, 2), np.int64), *edges])
    graph = csr_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(rows, rows))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def _equal_pairs(equal: I64 | None) -> I64 | None:
    return None if equal is None else np.column_stack([equal, np.arange(len(equal))])


def keep(answer: Answer, labels: I64) -> npt.NDArray[np.bool_]:
    """Rows that stay: as the tool says; with pairs, those without a pair with an earlier one that stays; else one a cluster."""
    if answer.kept is not None:
        return answer.kept
    kept = np.ones(len(labels), np.bool_) if answer.equal is None else answer.equal == np.arange(len(labels))
    if answer.pairs is None:
        kept[:] = False
        kept[np.unique(labels, return_index=True)[1]] = True
        return kept
    low, high = answer.pairs.min(axis=1), answer.pairs.max(axis=1)
    order = np.lexsort((low, high))
    low, high = low[order], high[order]
    for row, start, stop in zip(*_runs(high), strict=True):
        kept[row] &= not kept[low[start:stop]].any()
    return kept


def _runs(ordered: I64) -> tuple[list[int], list[int], list[int]]:
    """Value, start and end of each run of equal values."""
    values, starts = np.unique(ordered, return_index=True)
    return values.tolist(), starts.tolist(), [*starts[1:].tolist(), len(ordered)]


def judge(truth: Truth, answer: Answer) -> Quality:
    """Compare an answer with the truth."""
    labels = clusters(answer, len(truth.of))
    kept = keep(answer, labels)
    returned = None
    if answer.pairs is not None and answer.kept is None:  # a tool that says what to keep looks for one partner, not for all
        texts = np.sort(truth.of[answer.pairs], axis=1)
        true, given = (np.unique(pairs @ np.array([truth.texts, 1])) for pairs in (truth.pairs, texts))
        returned = len(np.intersect1d(true, given, assume_unique=True)) / max(1, len(true))
    return Quality(
        _together(truth, labels),
        returned,
        int((~kept).sum()),
        _wrong(truth, labels, kept),
        _missed(truth, kept),
        int(np.bincount(labels).max(initial=0)),
    )


def _together(truth: Truth, labels: I64) -> float:
    """Mean over the true pairs of texts of the share of their rows' pairs that stand in one cluster."""
    if not len(truth.pairs):
        return 1.0
    shape = (truth.texts, int(labels.max()) + 1)
    counts = csr_array((np.ones(len(labels)), (truth.of, labels)), shape=shape)
    sizes = np.bincount(truth.of)
    share = 0.0
    for part in np.array_split(truth.pairs, len(truth.pairs) // 100_000 + 1):
        both = counts[part[:, 0]].multiply(counts[part[:, 1]]).sum(axis=1)
        share += float((both / (sizes[part[:, 0]] * sizes[part[:, 1]])).sum())
    return share / len(truth.pairs)


def _wrong(truth: Truth, labels: I64, kept: npt.NDArray[np.bool_]) -> int:
    """Removed rows without a kept row in their cluster that is equal or truly similar."""
    standing = set(zip(truth.of[kept].tolist(), labels[kept].tolist(), strict=True))
    removed = Counter(zip(truth.of[~kept].tolist(), labels[~kept].tolist(), strict=True))
    asked = np.zeros(truth.texts, np.bool_)
    asked[truth.of[~kept]] = True
    near: dict[int, list[int]] = {}
    for a, b in np.concatenate([truth.pairs[asked[truth.pairs[:, 0]]], truth.pairs[asked[truth.pairs[:, 1]]][:, ::-1]]).tolist():
        near.setdefault(a, []).append(b)
    return sum(
        count
        for (text, label), count in removed.items()
        if (text, label) not in standing and not any((other, label) in standing for other in near.get(text, ()))
    )


def _missed(truth: Truth, kept: npt.NDArray[np.bool_]) -> int:
    """Kept rows with an earlier kept row, wherever it is clustered, that is equal or truly similar."""
    rows = np.flatnonzero(kept)
    first = np.full(truth.texts, len(kept))
    np.minimum.at(first, truth.of[rows], rows)
    earliest = first.copy()
    for a, b in (truth.pairs.T, truth.pairs.T[::-1]):
        np.minimum.at(earliest, a, first[b])
    return int((earliest[truth.of[rows]] < rows).sum())
