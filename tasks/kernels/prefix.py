"""Kernels of the exact set similarity join: rarity of values, prefixes of sets, inverted lists over them; see `tasks.kernels.join`."""

from __future__ import annotations

import numpy as np
from numba import njit

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
#: Steps of rarity that the order tells apart.
STEPS = 64


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
    """Inverted lists: heads and entries of `kernels.join.Lists`.

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
