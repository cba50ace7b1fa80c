"""The sketch of each row: digests, shingle runs, MinHash signature, LSH bands, anchors; a kernel each, over a block of rows.

A block's buffers stay in the cache and are used again: on fresh memory the same work took twice as long. So did one kernel that did
all of it for a row, whose loops the compiler no longer kept in registers.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

# Element flags, as in `tasks.kernels.fold`.
SLOT, NUMERAL, LETTER = 1, 2, 4

_M1 = np.uint64(0xFF51AFD7ED558CCD)
_M2 = np.uint64(0xC4CEB9FE1A85EC53)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_BASE = np.uint64(0xD6E8FEB86659FD93)
_SECRET = np.uint64(0xA0761D6478BD642F)
_32, _33 = np.uint64(32), np.uint64(33)
#: Long runs that a row has at most to be short.
_SHORT = 64


class Shape(NamedTuple):
    """What is asked for. Weights: of a token, of a letter, of a full shingle, of a full anchor; window: runs an anchor is the least of."""

    token: int
    letter: int
    shingle: int
    anchor: int
    window: int
    min_tokens: int
    min_shingles: int


class Digests(NamedTuple):
    """What `digest` gives of a block of n rows, m of which are to be signed.

    fold, plain : (n,) uint64; tokens : (n,) int32; long : (n,) bool.
    signed      : (n,) int64, the rows to be signed, m of them.
    runs        : (elements + 1,) uint64, shingles of those rows, not sorted, repeats among them; ends (n,) int64, where each row's end.
    prefix      : (elements + rows + 1,) uint64, for the anchors: sums of each row's elements, row r from offsets[r] + r.
    """

    fold: npt.NDArray[np.uint64]
    plain: npt.NDArray[np.uint64]
    tokens: npt.NDArray[np.int32]
    long: npt.NDArray[np.bool_]
    signed: npt.NDArray[np.int64]
    runs: npt.NDArray[np.uint64]
    ends: npt.NDArray[np.int64]
    prefix: npt.NDArray[np.uint64]


@intrinsic
def _fold_product(_context, x, y):  # noqa: ARG001 (numba reads the names of the arguments)
    """Upper and lower half of the 128-bit product of two uint64, as one by exclusive or."""

    def generate(_context, builder, _signature, args):
        wide = ir.IntType(128)
        product = builder.mul(builder.zext(args[0], wide), builder.zext(args[1], wide))
        upper = builder.lshr(product, ir.Constant(wide, 64))
        return builder.trunc(builder.xor(product, upper), ir.IntType(64))

    return types.uint64(types.uint64, types.uint64), generate


@njit(cache=True, nogil=True, inline="always")
def _mix(h):
    """MurmurHash3's 64-bit finalizer (Appleby)."""
    h ^= h >> _33
    h *= _M1
    h ^= h >> _33
    h *= _M2
    return h ^ (h >> _33)


@njit(cache=True, nogil=True)
def powers(n):
    """(n,) uint64, powers of the base of the run digests."""
    power = np.ones(n, np.uint64)
    for k in range(1, n):
        power[k] = power[k - 1] * _BASE
    return power


@njit(cache=True, nogil=True)
def _scan(elements, flags, start, end, shape, prefix):
    """Digests and prefix sums of one row.

    returns : digest of all elements, digest without slots and numerals, weight, all flags together.
    A digest folds 128-bit products (as wyhash does); a polynomial would do for short runs, but has long texts that always collide.
    """
    h = np.uint64(0)
    p = np.uint64(0)
    s = np.uint64(0)
    prefix[0] = s
    weight = 0
    kinds = np.uint8(0)
    for i in range(start, end):
        e = elements[i]
        f = flags[i]
        h = _fold_product(h ^ e ^ _GOLDEN, _SECRET)
        if f & (SLOT | NUMERAL) == 0:
            p = _fold_product(p ^ e ^ _GOLDEN, _SECRET)
        s = s * _BASE + e
        prefix[i - start + 1] = s
        weight += shape.letter if f & LETTER else shape.token
        kinds |= f
    return _mix(h + np.uint64(end - start)), _mix(p), weight, kinds


@njit(cache=True, nogil=True)
def _runs(flags, start, end, kinds, shape, threshold, prefix, power, out):
    """Digests of the shortest runs from each element of a row whose weight reaches the threshold (Karp and Rabin 1987).

    kinds   : all flags of the row together.
    returns : how many; runs that the end of the row cuts short have none.
    """
    if kinds & LETTER == 0:  # most rows: every run has the same length
        size = (threshold + shape.token - 1) // shape.token
        m = max(0, end - start - size + 1)
        over = power[min(size, end - start)]
        for i in range(m):
            out[i] = _mix(prefix[i + size] - prefix[i] * over)
        return m
    m = 0
    j = start
    weight = 0
    for i in range(start, end):
        while j < end and weight < threshold:
            weight += shape.letter if flags[j] & LETTER else shape.token
            j += 1
        if weight < threshold:
            break
        out[m] = _mix(prefix[j - start] - prefix[i - start] * power[j - i])
        m += 1
        weight -= shape.letter if flags[i] & LETTER else shape.token
    return m


@njit(cache=True, nogil=True)
def _distinct(runs, m, least):
    """Whether there are at least so many different runs: most rows show it in their first few."""
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
def digest(elements, flags, offsets, able, shape, power, out):
    """First pass over a block of n rows, into `out` (see `Digests`).

    elements, flags, offsets : as `tasks.kernels.fold.tokenize` leaves them.
    able    : (n,) bool, rows that are signed when they are long; power : (longest run + 1,) uint64, see `powers`.
    returns : how many rows are to be signed.
    """
    n = len(offsets) - 1
    count = 0
    at = 0
    for row in range(n):
        start = offsets[row]
        end = offsets[row + 1]
        prefix = out.prefix[start + row :]
        h, p, weight, kinds = _scan(elements, flags, start, end, shape, prefix)
        out.fold[row] = h if end > start else np.uint64(0)
        out.plain[row] = p
        tokens = (weight + shape.token - 1) // shape.token
        out.tokens[row] = tokens
        long = False
        if tokens >= shape.min_tokens:
            runs = out.runs[at:]
            m = _runs(flags, start, end, kinds, shape, shape.shingle, prefix, power, runs)
            long = _distinct(runs, m, shape.min_shingles)
            if long and able[row]:
                at += m
                out.signed[count] = row
                out.ends[count] = at
                count += 1
        out.long[row] = long
    return count


@njit(cache=True, nogil=True, inline="always")
def _fmix32(h):
    h = np.uint32(h ^ (h >> np.uint32(16)))
    h = np.uint32(h * np.uint32(0x85EBCA6B))
    h = np.uint32(h ^ (h >> np.uint32(13)))
    h = np.uint32(h * np.uint32(0xC2B2AE35))
    return np.uint32(h ^ (h >> np.uint32(16)))


@njit(cache=True, nogil=True)
def sign(runs, ends, count, a, b, out):
    """MinHash signatures of `count` lists of shingles, into out (count, perms) uint32. Broder 1997.

    a * h + b mod 2^32 after murmur's 32-bit finalizer: bit for bit datasketch 2.0 (scheme affine32) when its hashfunc gives the top 32
    bits of a shingle. P(equal entry) = Jaccard, standard error about 1/sqrt(perms). Repeats change nothing; no list may be empty.
    """
    start = 0
    for row in range(count):
        best = out[row]
        best[:] = np.uint32(0xFFFFFFFF)
        last = ends[row] - 1
        for i in range(start, last + 1, 8):
            # Eight shingles a pass: the row of minima is read and written an eighth as often.
            h0 = _fmix32(np.uint32(runs[i] >> _32))
            h1 = _fmix32(np.uint32(runs[min(i + 1, last)] >> _32))
            h2 = _fmix32(np.uint32(runs[min(i + 2, last)] >> _32))
            h3 = _fmix32(np.uint32(runs[min(i + 3, last)] >> _32))
            h4 = _fmix32(np.uint32(runs[min(i + 4, last)] >> _32))
            h5 = _fmix32(np.uint32(runs[min(i + 5, last)] >> _32))
            h6 = _fmix32(np.uint32(runs[min(i + 6, last)] >> _32))
            h7 = _fmix32(np.uint32(runs[min(i + 7, last)] >> _32))
            for p in range(len(best)):
                x0 = min(np.uint32(a[p] * h0 + b[p]), np.uint32(a[p] * h1 + b[p]))
                x1 = min(np.uint32(a[p] * h2 + b[p]), np.uint32(a[p] * h3 + b[p]))
                x2 = min(np.uint32(a[p] * h4 + b[p]), np.uint32(a[p] * h5 + b[p]))
                x3 = min(np.uint32(a[p] * h6 + b[p]), np.uint32(a[p] * h7 + b[p]))
                best[p] = min(best[p], min(min(x0, x1), min(x2, x3)))
        start = last + 1


@njit(cache=True, nogil=True)
def band_keys(signatures, count, bands, rows, out):
    """Digests of the bands of `count` signatures, into out (bands, at least count) uint64. Leskovec, Rajaraman, Ullman, ch. 3."""
    for i in range(count):
        for band in range(bands):
            h = np.uint64(band) + _GOLDEN
            at = band * rows
            for r in range(at, at + rows - 1, 2):
                h = _fold_product(h ^ (np.uint64(signatures[i, r]) << _32 | np.uint64(signatures[i, r + 1])), _SECRET)
            if rows & 1:
                h = _fold_product(h ^ np.uint64(signatures[i, at + rows - 1]), _SECRET)
            out[band, i] = h


@njit(cache=True, nogil=True)
def _winnow(runs, m, window, suffix, out, at):
    """Append to out[at:] the least run of every window of a row (Schleimer, Wilkerson, Aiken 2003); returns the new end.

    The same as before is left out; a row shorter than a window has one. Least of a window: of the tail of one block of as many runs
    and of the head of the next (van Herk 1992), so that nothing depends on where the least one stands.
    suffix : room for m runs.
    """
    if m == 0:
        return at
    if m < window:
        least = runs[0]
        for i in range(1, m):
            least = min(least, runs[i])
        out[at] = least
        return at + 1
    for first in range(0, m, window):
        least = runs[min(first + window, m) - 1]
        for i in range(min(first + window, m) - 1, first - 1, -1):
            least = min(least, runs[i])
            suffix[i] = least
    previous = np.uint64(0)
    for first in range(0, m - window + 1, window):
        head = suffix[first]
        for i in range(first, min(first + window, m - window + 1)):
            if i > first:
                head = runs[i + window - 1] if i == first + 1 else min(head, runs[i + window - 1])
            least = min(suffix[i], head)
            out[at] = least
            at += np.int64(i == 0 or least != previous)
            previous = least
    return at


@njit(cache=True, nogil=True)
def anchors(flags, offsets, count, shape, power, digests, runs, suffix, out, ends):
    """Anchors of the rows that `digest` found to be signed: winnowed long runs, for finding one passage inside another.

    runs, suffix : (elements + 1,) uint64 room.
    out          : (elements + 1,) uint64, in order of place; ends (n,) int64, where each row's end, for all rows.
    """
    at = 0
    row = 0
    for k in range(count):
        signed = digests.signed[k]
        while row < signed:
            ends[row] = at
            row += 1
        start = offsets[row]
        kinds = np.uint8(0)
        for i in range(start, offsets[row + 1]):
            kinds |= flags[i]
        m = _runs(flags, start, offsets[row + 1], kinds, shape, shape.anchor, digests.prefix[start + row :], power, runs)
        # Of a short row a sentence may be all that another has: an eighth of the window finds what is little more than an anchor.
        at = _winnow(runs, m, shape.window if m > _SHORT else (shape.window + 7) // 8, suffix, out, at)
        ends[row] = at
        row += 1
    ends[row : len(offsets) - 1] = at
