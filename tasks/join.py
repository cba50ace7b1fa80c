"""All pairs of similar sets, every one of them: the exact counterpart of MinHash and LSH, for small corpora and as their oracle."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.errors import StageError
from tasks.kernels import join as kernel
from tasks.kernels import prefix
from tasks.store.text import I32Array, I64Array, U64Array

#: Pairs that are found before the search gives up; they take about 60 bytes each while they are sorted. Eight thousand sets that
#: are all alike make as many.
MOST_PAIRS = 1 << 25
#: Thresholds are read to this many decimals.
_DECIMALS = 10**9
#: Pieces of the work, which threads share: later sets have more to compare with, so there are many more pieces than threads.
_BLOCKS = 64


def exact_pairs(
    values: U64Array, offsets: I64Array, threshold: float, threads: int = 1, most: int = MOST_PAIRS
) -> tuple[I64Array, I64Array, I32Array]:
    """All pairs of sets whose Jaccard similarity is at least the threshold and that have a value in common.

    values, offsets : sorted distinct uint64 of each of n sets, int64 (n + 1,). An empty set is like no other.
    threshold       : 0..1, taken as the decimal number that it is written as: 7 common of 10 reach 0.7, whatever 0.7 is in binary.
    threads         : change nothing but the time.
    returns         : left, right (pairs,) int64, left < right, sorted; common (pairs,) int32, values in common.
    raises          : StageError when there are more than `most` pairs.
    source          : Bayardo, Ma, Srikant 2007; Xiao, Wang, Lin, Yu, Wang 2011; see `tasks.kernels.join`.

    >>> left, right, common = exact_pairs(np.array([1, 2, 3, 2, 3, 4, 9], np.uint64), np.array([0, 3, 6, 7]), 0.5)
    >>> left.tolist(), right.tolist(), common.tolist()
    ([0], [1], [2])
    """
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold {threshold}: expected 0 to 1")
    values, offsets = np.ascontiguousarray(values, np.uint64), np.ascontiguousarray(offsets, np.int64)
    if len(offsets) < 2:
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int32)
    with ThreadPoolExecutor(max(1, threads)) as pool:

        def each(work: Callable[[int, int], Any], bounds: list[int]) -> list[Any]:
            return list(pool.map(lambda block: work(*block), pairwise(bounds)))

        sets = _by_size(values, offsets)
        limits = _limits(sets.sizes, threshold)
        lists = _lists(sets, limits, each)
        bounds = _cut(lists.starts)
        each(lambda low, high: kernel.mark(sets, lists.starts, low, high), bounds)
        found, count = [], 0
        for pairs in pool.map(lambda block: kernel.probe(sets, limits, lists, block[0], block[1], most), pairwise(bounds)):
            found.append(pairs)
            count += len(pairs[0])
            if count > most:  # `map` cancels the blocks that have not begun
                raise StageError(
                    f"exact join: more than {most:,} pairs of {len(sets.rows):,} passages reach similarity {threshold}, too many to hold; "
                    'raise matching.report_threshold or set dedup.method = "minhash", which links such floods as stars'
                )
    left, right, common = (np.concatenate([block[k] for block in found]) for k in range(3))
    arranged: tuple[I64Array, I64Array, I32Array] = kernel.arranged(left, right, common, len(sets.rows))
    return arranged


def _by_size(values: U64Array, offsets: I64Array) -> kernel.Sets:
    """The sets by ascending size, without their bitmaps."""
    sizes = np.diff(offsets)
    rows = np.argsort(sizes, kind="stable")
    bits = np.zeros((len(rows), kernel.WORDS), np.uint64)
    return kernel.Sets(values, offsets, rows, sizes[rows].astype(np.int32), bits, np.zeros(len(rows), np.int32))


def _limits(sizes: I32Array, threshold: float) -> kernel.Limits:
    """What the threshold asks of sets of the given ascending sizes, in integers."""
    asked = Fraction(round(threshold * _DECIMALS), _DECIMALS)
    top, bottom = asked.numerator, asked.denominator
    by_size = np.arange(int(sizes[-1]) + 2, dtype=np.int64)
    # |x & y| / |x | y| >= top / bottom, where |x | y| = |x| + |y| - |x & y|.
    need = -(-top * np.arange(2 * len(by_size), dtype=np.int64) // (top + bottom))
    reach = by_size * (top + bottom) // top if top else np.full(len(by_size), 1 << 62)
    return kernel.Limits(
        need=np.maximum(need, 1),
        least=np.maximum(-(-top * by_size // bottom), 1),
        reach=reach,
        begin=np.searchsorted(sizes, by_size).astype(np.int64),
    )


def _lists(sets: kernel.Sets, limits: kernel.Limits, each: Callable[[Callable[[int, int], Any], list[int]], list[Any]]) -> kernel.Lists:
    """Prefixes of all sets and the inverted lists over them."""
    values, offsets, rows, sizes, _, _ = sets
    # Half a slot to one slot a value: more tell values apart better, but no longer fit in the cache.
    bits = max(4, (len(values) // 2).bit_length())
    rare = prefix.rarity(values, bits, _steps())
    by_size = np.arange(len(limits.least))
    lengths = np.where(by_size > 0, by_size - limits.least + 1, 0)
    parts = each(
        lambda low, high: prefix.prefixes(values, offsets, rows[low:high], lengths, rare, bits),
        _cut(np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])),
    )
    bounds = np.zeros(len(rows) + 1, np.int64)
    np.cumsum(np.concatenate([np.diff(part[1]) for part in parts]), out=bounds[1:])
    elements, lone = (np.concatenate([part[k] for part in parts]) for k in (0, 2))
    number, place, starts, numbers = prefix.numbered(elements, bounds, lone)
    return kernel.Lists(number, place, starts, *prefix.inverted(number, place, starts, numbers, sizes, limits))


def _steps() -> npt.NDArray[np.uint8]:
    """(65,536,) uint8, step of rarity by count: 0 for one, then four steps an octave."""
    count = np.maximum(np.arange(1 << 16), 2)
    steps = np.floor(4 * np.log2(count)).astype(np.uint8) - 3
    steps[:2] = 0
    return steps


def _cut(sums: I64Array) -> list[int]:
    """Bounds of at most `_BLOCKS` runs of sets of about equal work; `sums` (n + 1,) is the work before each set."""
    inner = np.searchsorted(sums, np.linspace(0, sums[-1], _BLOCKS + 1)[1:-1])
    return np.unique(np.concatenate([[0], inner, [len(sums) - 1]])).tolist()
