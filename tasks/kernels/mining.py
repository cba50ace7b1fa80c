"""Kernels of mining: equal keys grouped without sorting, and what is head and tail of each document."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def grouped(keys):
    """Number of each key by first appearance, and how often each number stands.

    keys    : (n,) uint64.
    returns : number (n,) int64, count (distinct,) int64. Open addressing: one pass, no sort.
    """
    n = len(keys)
    size = 16
    while size < 2 * n:
        size *= 2
    mask = np.uint64(size - 1)
    slots = np.full(size, -1, np.int64)
    number = np.empty(n, np.int64)
    value = np.empty(n, np.uint64)
    count = np.zeros(n, np.int64)
    distinct = 0
    for i in range(n):
        key = keys[i]
        at = (key * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(17) & mask
        while slots[at] >= 0 and value[slots[at]] != key:
            at = (at + np.uint64(1)) & mask
        if slots[at] < 0:
            slots[at] = distinct
            value[distinct] = key
            distinct += 1
        number[i] = slots[at]
        count[slots[at]] += 1
    return number, count[:distinct].copy()


@njit(cache=True, nogil=True)
def document_counts(number, doc, groups):
    """(groups,) int64, distinct documents in which each number stands. doc : (n,) int64, ascending."""
    count = np.zeros(groups, np.int64)
    last = np.full(groups, -1, np.int64)
    for i in range(len(number)):
        if last[number[i]] != doc[i]:
            last[number[i]] = doc[i]
            count[number[i]] += 1
    return count


@njit(cache=True, nogil=True)
def places(starts, ends, kept, upper, lower, head, tail, last):
    """in_head, in_tail (n,) bool: lines near the ends of each document when lines that are not kept have no weight.

    starts, ends : (docs,) int64, lines of each document, half-open. kept, upper, lower : (n,) bool. head, tail : lines that count as such.
    last         : lines at the very end that are tail when nothing below them is kept, even in the upper half.
    """
    n = len(kept)
    in_head, in_tail = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
    for d in range(len(starts)):
        seen = 0
        for i in range(ends[d] - 1, starts[d] - 1, -1):
            if seen >= tail or not (lower[i] or (seen == 0 and ends[d] - i <= last)):
                break
            in_tail[i] = lower[i] or i > starts[d]
            seen += kept[i]
        seen = 0
        for i in range(starts[d], ends[d]):
            if seen >= head or not upper[i]:
                break
            in_head[i] = not in_tail[i]
            seen += kept[i]
    return in_head, in_tail
