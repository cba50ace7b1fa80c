"""Shingle kernels: elements (see `tasks.kernels.fold`) -> the sorted shingle set and the slots of each row."""

from __future__ import annotations

import numpy as np
from numba import njit

# Element flags, as in `tasks.kernels.fold`.
SLOT, NUMERAL, LETTER = 1, 2, 4

_M1 = np.uint64(0xFF51AFD7ED558CCD)
_M2 = np.uint64(0xC4CEB9FE1A85EC53)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_33 = np.uint64(33)
_BASE = np.uint64(0xD6E8FEB86659FD93)


@njit(cache=True, nogil=True, inline="always")
def _mix(h):
    """MurmurHash3's 64-bit finalizer (Appleby), as in `tasks.kernels.fold`."""
    h ^= h >> _33
    h *= _M1
    h ^= h >> _33
    h *= _M2
    return h ^ (h >> _33)


@njit(cache=True, nogil=True, inline="always")
def _step(h, e):
    """One element into an order-dependent digest."""
    return _mix((h + _GOLDEN) ^ e) + (h << np.uint64(1))


@njit(cache=True, nogil=True)
def _sort(values, n, scratch, counts):
    """Sort values[:n] in place.

    Hashes are uniform, so a counting pass on their top bits leaves almost nothing for insertion.
    """
    if n > 24:
        bits = 4
        while (1 << bits) < n and bits < 16:
            bits += 1
        shift = np.uint64(64 - bits)
        buckets = 1 << bits
        for b in range(buckets + 1):
            counts[b] = 0
        for i in range(n):
            counts[np.int64(values[i] >> shift) + 1] += 1
        for b in range(buckets):
            counts[b + 1] += counts[b]
        for i in range(n):
            b = np.int64(values[i] >> shift)
            scratch[counts[b]] = values[i]
            counts[b] += 1
        for i in range(n):
            values[i] = scratch[i]
    for i in range(1, n):
        v = values[i]
        j = i - 1
        while j >= 0 and values[j] > v:
            values[j + 1] = values[j]
            j -= 1
        values[j + 1] = v


@njit(cache=True, nogil=True)
def _sort_unique(values, n, scratch, counts):
    """Sort values[:n] and drop repeats in place; returns how many are left."""
    _sort(values, n, scratch, counts)
    kept = 0
    for i in range(n):
        if i == 0 or values[i] != values[i - 1]:
            values[kept] = values[i]
            kept += 1
    return kept


@njit(cache=True, nogil=True)
def _hash_runs(elements, flags, start, end, token_weight, letter_weight, threshold, prefix, power, out):
    """Digests of the shortest runs from each element of a row whose weight reaches the threshold.

    A rolling polynomial digest (Karp and Rabin 1987), mixed: two multiplications a run, however long.
    prefix, power, out : (longest row + 1,) uint64 scratch; power[k] = _BASE ** k.
    returns            : number of digests in `out`; runs that the end of the row cuts short have none.
    """
    prefix[0] = 0
    kinds = np.uint8(0)
    for i in range(end - start):
        prefix[i + 1] = prefix[i] * _BASE + elements[start + i]
        kinds |= flags[start + i]
    if kinds & LETTER == 0:  # most rows: every run has the same length
        size = (threshold + token_weight - 1) // token_weight
        over = power[min(size, end - start)]
        for i in range(end - start - size + 1):
            out[i] = _mix(prefix[i + size] - prefix[i] * over)
        return max(0, end - start - size + 1)
    m = 0
    j = start
    weight = 0
    for i in range(start, end):
        while j < end and weight < threshold:
            weight += letter_weight if flags[j] & LETTER else token_weight
            j += 1
        if weight < threshold:
            break
        out[m] = _mix(prefix[j - start] - prefix[i - start] * power[j - i])
        m += 1
        weight -= letter_weight if flags[i] & LETTER else token_weight
    return m


@njit(cache=True, nogil=True)
def _powers(n):
    """(n,) uint64, powers of _BASE."""
    power = np.ones(n, np.uint64)
    for k in range(1, n):
        power[k] = power[k - 1] * _BASE
    return power


@njit(cache=True, nogil=True)
def shingle(elements, flags, offsets, token_weight, letter_weight, threshold):
    """Sorted distinct shingles of each row (Broder 1997).

    A shingle is the shortest run of elements whose weight reaches the threshold: 3 Han characters, 5 letters, or a mixture.
    returns : shingles uint64 and their offsets (n + 1,) int64.
    """
    n = len(offsets) - 1
    out = np.empty(len(elements) + 1, np.uint64)
    out_offsets = np.empty(n + 1, np.int64)
    longest = 0
    for row in range(n):
        longest = max(longest, offsets[row + 1] - offsets[row])
    row_values = np.empty(longest + 1, np.uint64)
    prefix = np.empty(longest + 1, np.uint64)
    power = _powers(longest + 1)
    scratch = np.empty(longest + 1, np.uint64)
    counts = np.empty((1 << 16) + 2, np.int64)
    at = 0
    for row in range(n):
        out_offsets[row] = at
        end = offsets[row + 1]
        m = _hash_runs(elements, flags, offsets[row], end, token_weight, letter_weight, threshold, prefix, power, row_values)
        m = _sort_unique(row_values, m, scratch, counts)
        out[at : at + m] = row_values[:m]
        at += m
    out_offsets[n] = at
    return out[:at], out_offsets


@njit(cache=True, nogil=True)
def slots(elements, flags, offsets):
    """Sorted distinct digests of what a copy must not lose: slot tokens, Chinese numerals, and alphabetic words, each as often as it comes.

    A lone 一 is an article more often than a number and does not count, except after 第; two numerals in a row, or any other, do. Another
    word, be it a name inside Han text (使用 click 实现) or the subject of an English sentence, says something else.
    returns : slots uint64 and offsets (n + 1,) int64.
    """
    n = len(offsets) - 1
    one = np.uint64(0x4E00)
    nth = np.uint64(0x7B2C)
    space = np.uint64(32)
    out = np.empty(len(elements) + 1, np.uint64)
    out_offsets = np.empty(n + 1, np.int64)
    scratch = np.empty(len(elements) + 1, np.uint64)
    counts = np.empty((1 << 16) + 2, np.int64)
    at = 0
    for row in range(n):
        out_offsets[row] = at
        m = at
        i = offsets[row]
        end = offsets[row + 1]
        while i < end:
            if flags[i] & SLOT:
                out[m] = elements[i]
                m += 1
                i += 1
            elif flags[i] & NUMERAL:
                h = np.uint64(0)
                j = i
                while j < end and flags[j] & NUMERAL:
                    h = _step(h, elements[j])
                    j += 1
                ordinal = i > offsets[row] and elements[i - 1] == nth  # 第一 counts
                if j - i > 1 or elements[i] != one or ordinal:
                    out[m] = h
                    m += 1
                i = j
            elif flags[i] & LETTER:
                h = np.uint64(1)
                j = i
                while j < end and flags[j] & LETTER and elements[j] != space:
                    h = _step(h, elements[j])
                    j += 1
                if j > i:
                    out[m] = h
                    m += 1
                i = max(j, i + 1)
            else:
                i += 1
        # What comes a second time is something else: a copy that says it once has lost it.
        _sort(out[at:m], m - at, scratch, counts)
        first = at
        for x in range(at + 1, m):
            if out[x] == out[first]:
                out[x] = _mix(out[x] + np.uint64(x - first) * _GOLDEN)
            else:
                first = x
        at += _sort_unique(out[at:m], m - at, scratch, counts)
    out_offsets[n] = at
    return out[:at], out_offsets
