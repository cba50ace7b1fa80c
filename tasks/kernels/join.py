"""Kernels of the exact set similarity join: frequencies, prefixes, inverted lists, probes.

All sets are put in one order of elements, rare ones first. Two sets that must have `need` elements in common meet among the
first `size - need + 1` of each: the prefix filter (Bayardo, Ma, Srikant 2007, AllPairs). Where they first meet bounds what can
follow: the positional filter (Xiao, Wang, Lin, Yu, Wang 2011, PPJoin). What stays is bounded by bitmaps (Sandes, Teodoro, Melo
2020) and then compared. PPJoin's suffix filter is left out: the bitmaps leave it nothing to do.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
#: Steps of rarity that the order tells apart.
STEPS = 64
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


@njit(cache=True, nogil=True)
def rarity(values, bits, steps):
    """(2 ** bits,) uint8: how rare the values are that hash to a slot, as steps[number of them, at most 65,535].

    Any order of elements gives the same pairs, so the frequency need not be exact; what counts one in its slot is in one set only.
    """
    count = np.zeros(1 << bits, np.uint16)
    shift = np.uint64(64 - bits)
    for value in values:
        slot = (value * _GOLDEN) >> shift
        was = count[slot]
        count[slot] = was + np.uint16(was != np.uint16(0xFFFF))
    out = np.empty(len(count), np.uint8)
    for slot in range(len(count)):
        out[slot] = steps[count[slot]]
    return out


@njit(cache=True, nogil=True)
def prefixes(values, offsets, rows, lengths, rare, bits):
    """The first elements of each set in the order (rarity, value), without those that no other set has.

    rows    : (n,) int64, the sets; lengths: (largest + 1,) int64, length of a prefix by size; rare: see `rarity`.
    returns : elements (m,) uint64; bounds (n + 1,) int64, those of set i are bounds[i] : bounds[i + 1]; lone (n,) int32, how many
              left-out elements come before them in the set.
    """
    room = 0
    largest = 0
    for row in rows:
        size = offsets[row + 1] - offsets[row]
        room += lengths[size]
        largest = max(largest, size)
    shift = np.uint64(64 - bits)
    elements = np.empty(room, np.uint64)
    bounds = np.zeros(len(rows) + 1, np.int64)
    lone = np.zeros(len(rows), np.int32)
    step = np.empty(largest, np.uint8)
    position = np.empty(STEPS, np.int64)
    at = 0
    for i in range(len(rows)):
        start = offsets[rows[i]]
        size = offsets[rows[i] + 1] - start
        length = lengths[size]
        position[:] = 0
        for k in range(size):
            s = rare[(values[start + k] * _GOLDEN) >> shift]
            step[k] = s
            position[s] += 1
        alone = position[0]
        lone[i] = alone
        if alone < length:  # a stable counting sort by step: the values are sorted already
            before = alone
            for s in range(1, STEPS):
                count = position[s]
                position[s] = before
                before += count
            for k in range(size):
                s = step[k]
                if s > 0:
                    if position[s] < length:
                        elements[at + position[s] - alone] = values[start + k]
                    position[s] += 1
            at += length - alone
        bounds[i + 1] = at
    return elements[:at].copy(), bounds, lone


@njit(cache=True, nogil=True)
def numbered(elements, bounds, lone):
    """Elements as numbers in the order of first appearance, so that neighbours in a text stay neighbours; those that come once fall away.

    returns : number (m,) int32; place (m,) int32, position in its set; starts (n + 1,) int64; how many numbers there are.
    """
    bits = 12
    table = np.zeros((1 << bits, 2), np.uint64)  # value, 1 + its identity; 0 where the slot is free
    identity = np.empty(len(elements), np.int32)
    count = np.zeros(len(elements), np.int32)
    distinct = 0
    for e in range(len(elements)):
        if 2 * distinct >= len(table):
            bits += 1
            table = _wider(table, bits)
        slot = _slot(table, elements[e], bits)
        if table[slot, 1] == 0:
            distinct += 1
            table[slot, 0] = elements[e]
            table[slot, 1] = distinct
        identity[e] = table[slot, 1] - np.uint64(1)
        count[identity[e]] += 1
    kept = 0
    numbers = 0
    for k in range(distinct):
        if count[k] > 1:
            kept += count[k]
            count[k] = numbers
            numbers += 1
        else:
            count[k] = -1
    number = np.empty(kept, np.int32)
    place = np.empty(kept, np.int32)
    starts = np.zeros(len(bounds), np.int64)
    at = 0
    for i in range(len(lone)):
        for e in range(bounds[i], bounds[i + 1]):
            if count[identity[e]] >= 0:
                number[at] = count[identity[e]]
                place[at] = lone[i] + e - bounds[i]
                at += 1
        starts[i + 1] = at
    return number, place, starts, numbers


@njit(cache=True, nogil=True)
def _slot(table, value, bits):
    """Where a value stands in the hash table, or the free slot where it belongs."""
    slot = np.int64((value * _GOLDEN) >> np.uint64(64 - bits))
    while table[slot, 1] != 0 and table[slot, 0] != value:
        slot = (slot + 1) & (len(table) - 1)
    return slot


@njit(cache=True, nogil=True)
def _wider(table, bits):
    """The hash table with 2 ** bits slots."""
    out = np.zeros((1 << bits, 2), np.uint64)
    for k in range(len(table)):
        if table[k, 1] != 0:
            out[_slot(out, table[k, 0], bits)] = table[k]
    return out


@njit(cache=True, nogil=True)
def inverted(number, place, starts, numbers, sizes, limits):
    """Inverted lists: heads and entries of `Lists`.

    A set is looked for by sets of its size or larger, which must have more in common with it, so that fewer of its elements are listed.
    """
    heads = np.zeros(numbers + 2, np.int64)
    for i in range(len(sizes)):
        rest = sizes[i] - limits.need[2 * sizes[i]]
        for e in range(starts[i], starts[i + 1]):
            heads[number[e] + 2] += place[e] <= rest
    for k in range(2, len(heads)):
        heads[k] += heads[k - 1]
    entries = np.empty((heads[numbers + 1], 2), np.int32)
    for i in range(len(sizes)):
        rest = sizes[i] - limits.need[2 * sizes[i]]
        for e in range(starts[i], starts[i + 1]):
            if place[e] <= rest:
                at = heads[number[e] + 1]
                heads[number[e] + 1] = at + 1
                entries[at, 0] = i
                entries[at, 1] = min(limits.reach[sizes[i] - place[e]] - sizes[i], 0x7FFFFFFF)
    return heads[: numbers + 1], entries


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
