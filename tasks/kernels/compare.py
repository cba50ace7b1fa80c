"""Kernel of verification: the exact similarity of pairs of lists of shingles, without sorting one."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def verify(values, offsets, left, right, threshold):
    """Exact sizes and common values of pairs of sets, given as lists in any order, with repeats.

    A table holds the set of the left side as long as it stays the same, another what only the right side has; both are left as they are
    for the next pair, and a stamp tells what is old. No set is sorted.
    left, right : (m,) int64 rows; fastest when equal left rows follow one another.
    threshold   : a pair that cannot reach this Jaccard similarity is given up early.
    returns     : (3, m) int32: common values, size of the left and of the right set; -1 for a pair that was given up.
    """
    longest = 0
    for row in range(len(offsets) - 1):
        longest = max(longest, offsets[row + 1] - offsets[row])
    room = 16
    while room < 2 * longest:
        room *= 2
    own = np.empty(room, np.uint64)
    own_stamp = np.zeros(room, np.int32)
    met = np.zeros(room, np.int32)
    other = np.empty(room, np.uint64)
    other_stamp = np.zeros(room, np.int32)
    out = np.empty((3, len(left)), np.int32)
    before = np.int64(-1)
    stamp = 0
    own_mask = other_mask = np.uint64(0)
    size = 0
    for p in range(len(left)):
        x = left[p]
        y = right[p]
        if x != before:
            before = x
            stamp += 1
            size = 0
            # Small sets stay in a small part of the table, and so in the cache.
            room = 16
            while room < 2 * (offsets[x + 1] - offsets[x]):
                room *= 2
            own_mask = np.uint64(room - 1)
            for k in range(offsets[x], offsets[x + 1]):
                value = values[k]
                at = value & own_mask
                while own_stamp[at] == stamp and own[at] != value:
                    at = (at + np.uint64(1)) & own_mask
                size += own_stamp[at] != stamp
                own[at] = value
                own_stamp[at] = stamp
        room = 16
        while room < 2 * (offsets[y + 1] - offsets[y]):
            room *= 2
        other_mask = np.uint64(room - 1)
        spare = np.int64(size * (1.0 - threshold) / threshold + 1e-6)
        common = more = 0
        for k in range(offsets[y], offsets[y + 1]):
            value = values[k]
            at = value & own_mask
            while own_stamp[at] == stamp and own[at] != value:
                at = (at + np.uint64(1)) & own_mask
            if own_stamp[at] == stamp:
                common += met[at] != p + 1
                met[at] = p + 1
                continue
            at = value & other_mask
            while other_stamp[at] == p + 1 and other[at] != value:
                at = (at + np.uint64(1)) & other_mask
            more += other_stamp[at] != p + 1
            other[at] = value
            other_stamp[at] = p + 1
            if more > spare:
                break
        out[0, p] = common if more <= spare else -1
        out[1, p] = size if more <= spare else -1
        out[2, p] = common + more if more <= spare else -1
    return out
