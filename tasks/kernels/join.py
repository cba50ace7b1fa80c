"""Kernels of the exact set similarity join: probes of inverted lists (made by `tasks.kernels.prefix`) and verification.

All sets are put in one order of elements, rare ones first. Two sets that must have `need` elements in common meet among the
first `size - need + 1` of each: the prefix filter (Bayardo, Ma, Srikant 2007, AllPairs). Where they first meet bounds what can
follow: the positional filter (Xiao, Wang, Lin, Yu, Wang 2011, PPJoin). What stays is bounded by bitmaps (Sandes, Teodoro, Melo
2020) and then compared. PPJoin's suffix filter is left out: at 0.7 and above the bitmaps let through hardly more than the pairs.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
#: Words of a bitmap: 1,024 bits tell sets of a few hundred values apart.
WORDS = 16


class Sets(NamedTuple):
    """n sets. Rows are those of the caller; everything else counts sets in `rows` order, by ascending size.

    values, offsets : sorted distinct uint64 of each row, int64 (n + 1,).
    rows            : (n,) int64; sizes: (n,) int32, in that order.
    bits            : (n, WORDS) uint64, bitmap; doubled: (n,) int32, values that share their bit with another one of the set.
    """

    values: Any
    offsets: Any
    rows: Any
    sizes: Any
    bits: Any
    doubled: Any


class Limits(NamedTuple):
    """What the threshold asks, exact in integers; int64, by size of a set or of a suffix of one.

    need    : (2 * largest + 1,) common values that two sets of this many together must have.
    least   : (largest + 1,) size of the smallest partner.
    reach   : (largest + 1,) the largest two sets together for which this many common values are enough.
    begin   : (largest + 2,) number of the first set that has this size or more.
    """

    need: Any
    least: Any
    reach: Any
    begin: Any


class Lists(NamedTuple):
    """Prefixes and the inverted lists over them.

    number, place : (m,) int32, an element of a prefix and its position in its set, for set i those at starts[i] : starts[i + 1].
    heads         : (elements + 1,) int64, entries of element k are heads[k] : heads[k + 1].
    entries       : (e, 2) int32, a set, ascending in a list, and the size of its largest partner that may meet it here first.
    """

    number: Any
    place: Any
    starts: Any
    heads: Any
    entries: Any


@intrinsic
def _popcount(_context, word):  # noqa: ARG001 (numba reads the names of the arguments)
    """Set bits of a uint64, one machine instruction."""

    def generate(_context, builder, _signature, args):
        return builder.ctpop(args[0])

    return types.uint64(types.uint64), generate


@njit(cache=True, nogil=True)
def mark(sets, starts, low, high):
    """Fill `bits` and `doubled` of the sets low : high; those without an element in `starts` have no candidate and need none."""
    for i in range(low, high):
        if starts[i + 1] == starts[i]:
            continue
        start = sets.offsets[sets.rows[i]]
        end = sets.offsets[sets.rows[i] + 1]
        for k in range(start, end):
            bit = (sets.values[k] * _GOLDEN) >> np.uint64(54)
            sets.bits[i, bit >> np.uint64(6)] |= np.uint64(1) << (bit & np.uint64(63))
        marked = 0
        for w in range(WORDS):
            marked += np.int64(_popcount(sets.bits[i, w]))
        sets.doubled[i] = end - start - marked


@njit(cache=True, nogil=True)
def probe(sets, limits, lists, low, high, most):
    """Pairs of the sets low : high with sets before them, in no order.

    most    : stop when there are more pairs.
    returns : left, right (pairs,) int64 rows, left < right; common (pairs,) int32 values in common.
    """
    stamp = np.full(high, -1, np.int32)
    found = np.empty(high, np.int32)
    widest = 1
    for x in range(low, high):
        widest = max(widest, lists.starts[x + 1] - lists.starts[x])
    spans = np.empty((widest, 3), np.int64)
    out = np.empty((1024, 3), np.int64)
    at = 0
    for x in range(low, high):
        count = _met(x, sets, limits, lists, stamp, found, spans)
        while at + count > len(out):
            wider = np.empty((2 * len(out), 3), np.int64)
            wider[:at] = out[:at]
            out = wider
        for c in range(count):
            common = _common(x, found[c], sets, limits)
            if common > 0:
                out[at, 0] = min(sets.rows[x], sets.rows[found[c]])
                out[at, 1] = max(sets.rows[x], sets.rows[found[c]])
                out[at, 2] = common
                at += 1
        if at > most:
            break
    return out[:at, 0].copy(), out[:at, 1].copy(), out[:at, 2].astype(np.int32)


@njit(cache=True, nogil=True)
def _met(x, sets, limits, lists, stamp, found, spans):
    """Write to `found` the sets before x that may be similar to it; returns how many. `stamp` holds x for those, less than x for others.

    Similar sets qualify where they first meet, so nothing is counted: a meeting that does not qualify is passed over.
    """
    size = np.int64(sets.sizes[x])
    begin = limits.begin[limits.least[size]]
    # Two loops that only read come first: their cache misses overlap, which the scan below would wait for one by one.
    listed = 0
    for e in range(lists.starts[x], lists.starts[x + 1]):
        largest = limits.reach[size - lists.place[e]] - size
        spans[listed, 0] = lists.heads[lists.number[e]]
        spans[listed, 1] = lists.heads[lists.number[e] + 1]
        spans[listed, 2] = x if largest >= size else limits.begin[max(largest, 0) + 1]
        listed += spans[listed, 0] < spans[listed, 1]
    live = 0
    for s in range(listed):
        spans[live] = spans[s]
        live += lists.entries[spans[s, 0], 0] < spans[s, 2]
    count = 0
    for s in range(live):
        k = _from(lists.entries, spans[s, 0], spans[s, 1], begin)
        while k < spans[s, 1]:
            y = lists.entries[k, 0]
            if y >= spans[s, 2]:
                break
            if lists.entries[k, 1] >= size and stamp[y] != x:
                stamp[y] = x
                found[count] = y
                count += 1
            k += 1
    return count


@njit(cache=True, nogil=True)
def _from(entries, low, high, begin):
    """First of the entries low : high whose set is `begin` or later."""
    if high - low <= 16:
        while low < high and entries[low, 0] < begin:
            low += 1
        return low
    while low < high:
        middle = (low + high) >> 1
        if entries[middle, 0] < begin:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True, nogil=True)
def _common(x, y, sets, limits):
    """Values that two sets have in common, 0 when they are fewer than the threshold asks.

    A bit that both have stands for one common value, and one more for each value of the smaller surplus that shares its bit.
    """
    need = limits.need[np.int64(sets.sizes[x]) + sets.sizes[y]]
    bound = np.int64(min(sets.doubled[x], sets.doubled[y]))
    for w in range(WORDS):
        bound += np.int64(_popcount(sets.bits[x, w] & sets.bits[y, w]))
    if bound < need:
        return 0
    i, end_i = sets.offsets[sets.rows[x]], sets.offsets[sets.rows[x] + 1]
    j, end_j = sets.offsets[sets.rows[y]], sets.offsets[sets.rows[y] + 1]
    spare_i, spare_j = end_i - i - need, end_j - j - need  # values that may still be missing on the other side
    common = 0
    while i < end_i and j < end_j and spare_i >= 0 and spare_j >= 0:
        a, b = sets.values[i], sets.values[j]
        if a == b:
            common += 1
            i += 1
            j += 1
        elif a < b:
            spare_i -= 1
            i += 1
        else:
            spare_j -= 1
            j += 1
    return common if common >= need else 0


@njit(cache=True, nogil=True)
def arranged(left, right, common, n):
    """The pairs sorted by left, then right, both in 0 : n: two stable counting sorts."""
    for turn in range(2):
        key = right if turn == 0 else left
        place = np.zeros(n + 1, np.int64)
        for k in key:
            place[k + 1] += 1
        for row in range(n):
            place[row + 1] += place[row]
        out_left, out_right, out_common = np.empty_like(left), np.empty_like(right), np.empty_like(common)
        for p in range(len(key)):
            to = place[key[p]]
            place[key[p]] = to + 1
            out_left[to], out_right[to], out_common[to] = left[p], right[p], common[p]
        left, right, common = out_left, out_right, out_common
    return left, right, common
