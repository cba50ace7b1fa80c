"""First pass over UTF-8 as it lies in Arrow, where every character counts (see `tasks.shingles.tables_of`): bytes -> shingles, one loop.

Neither code points nor elements are written down: this is a third of what decoding, folding and digesting one after the other take.
"""

from __future__ import annotations

import numpy as np
from numba import njit

# Marks in the words of the fold table, as in `tasks.kernels.fold`.
_CODE, _TOKEN, _SEVERAL = np.uint32(0x1FFFFF), np.uint32(1 << 24), np.uint32(1 << 30)

_M1 = np.uint64(0xFF51AFD7ED558CCD)
_M2 = np.uint64(0xC4CEB9FE1A85EC53)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_BASE = np.uint64(0xD6E8FEB86659FD93)
_1, _2, _3, _4, _33 = (np.uint64(i) for i in (1, 2, 3, 4, 33))
_6, _12, _18, _63 = (np.uint32(i) for i in (6, 12, 18, 0x3F))
#: Characters after which a digest takes in the sum so far: no two texts so short are known to have equal sums.
_STRIDE = 64


@njit(cache=True, nogil=True, inline="always")
def _mix(h):
    """MurmurHash3's 64-bit finalizer (Appleby)."""
    h ^= h >> _33
    h *= _M1
    h ^= h >> _33
    h *= _M2
    return h ^ (h >> _33)


@njit(cache=True, nogil=True, inline="always")
def _char(data, i):
    """Code point at byte i of valid UTF-8, and where the next begins."""
    b = np.uint32(data[i])
    if b < 0x80:
        return b, i + _1
    c = np.uint32(data[i + _1]) & _63
    if b < 0xE0:
        return (b & np.uint32(0x1F)) << _6 | c, i + _2
    c = c << _6 | np.uint32(data[i + _2]) & _63
    if b < 0xF0:
        return (b & np.uint32(0x0F)) << _12 | c, i + _3
    return (b & np.uint32(0x07)) << _18 | c << _6 | np.uint32(data[i + _3]) & _63, i + _4


@njit(cache=True, nogil=True)
def _sums(data, begin, end, table, expand, expansions, prefix):
    """Folded characters of a row into prefix: prefix[k] is the polynomial sum of the first k. Returns how many, or -1 for want of room."""
    i = np.uint64(begin)
    end = np.uint64(end)
    s = np.uint64(0)
    k = np.uint64(0)
    room = len(prefix) - expansions.shape[1]
    prefix[0] = s
    while i < end:
        b = np.uint32(data[i])
        e = np.uint32(0)
        while b >= 0xE0 and b < 0xF0:  # most of Chinese text: three bytes
            e = table[(b & np.uint32(0x0F)) << _12 | (np.uint32(data[i + _1]) & _63) << _6 | np.uint32(data[i + _2]) & _63]
            if e & _TOKEN == 0:
                break
            s = s * _BASE + np.uint64(e & _CODE)
            k += _1
            prefix[k] = s
            i += _3
            if i >= end:
                break
            b = np.uint32(data[i])
        if i >= end:
            break
        c, i = _char(data, i)
        e = table[c]
        if e & _TOKEN:
            s = s * _BASE + np.uint64(e & _CODE)
            k += _1
            prefix[k] = s
        elif e & _SEVERAL:
            if np.int64(k + (end - i)) > room:
                return -1
            r = expand[c]
            for x in range(1, expansions[r, 0] + 1):
                e = table[expansions[r, x]]
                if e & _TOKEN:
                    s = s * _BASE + np.uint64(e & _CODE)
                    k += _1
                    prefix[k] = s
    return np.int64(k)


@njit(cache=True, nogil=True)
def _digest(prefix, n):
    """Digest of a row of n characters from its sums."""
    h = np.uint64(n) * _GOLDEN
    for k in range(_STRIDE, n, _STRIDE):
        h = _mix(h ^ prefix[k]) + _GOLDEN
    return _mix(h ^ prefix[n])


@njit(cache=True, nogil=True)
def _distinct(runs, m, least):
    """Whether there are at least so many different runs, as in `tasks.kernels.sketch`."""
    if m < least:
        return False
    seen = np.empty(least, np.uint64)
    n = 0
    for i in range(m):
        new = True
        for k in range(n):
            new &= seen[k] != runs[i]
        if new:
            seen[n] = runs[i]
            n += 1
            if n == least:
                return True
    return False


@njit(cache=True, nogil=True)
def digest(data, offsets, table, expand, expansions, size, least, prefix, out):
    """First pass over a block of n rows, into `out` (see `tasks.kernels.sketch.Digests`; plain is fold, and prefix is not written).

    data, offsets : (bytes,) uint8 of valid UTF-8, (n + 1,) int32 or int64.
    table, expand, expansions : see `tasks.shingles.FoldTables`.
    size    : characters of a shingle; least : characters and different shingles of a row that is long.
    prefix  : (characters of the longest row + 1,) uint64 room.
    returns : how many rows are to be signed (all that are long), or -1 for want of room in prefix or runs.
    """
    over = np.uint64(1)
    for _ in range(size):
        over *= _BASE
    count = 0
    at = 0
    for row in range(len(offsets) - 1):
        n = _sums(data, offsets[row], offsets[row + 1], table, expand, expansions, prefix)
        if n < 0 or at + n > len(out.runs):
            return -1
        # White space alone is equal to white space.
        h = _digest(prefix, n) if n else _GOLDEN if offsets[row + 1] > offsets[row] else np.uint64(0)
        out.fold[row] = h
        out.plain[row] = h
        out.tokens[row] = n
        long = False
        if n >= least[0]:
            m = max(0, n - size + 1)
            runs = out.runs[at:]
            for i in range(m):
                runs[i] = _mix(prefix[i + size] - prefix[i] * over)
            long = _distinct(runs, m, least[1])
            if long:
                at += m
                out.signed[count] = row
                out.ends[count] = at
                count += 1
        out.long[row] = long
    return count
