"""The sketch of each row in one pass over its elements: digests, MinHash signature, LSH bands, anchors.

Rows are worked on in blocks whose buffers stay in the cache and are used again: on fresh memory the same work took twice as long.
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


class Shape(NamedTuple):
    """What is asked for. Weights: of a token, of a letter, of a full shingle, of a full anchor; window: runs an anchor is the least of."""

    token: int
    letter: int
    shingle: int
    anchor: int
    window: int
    min_tokens: int
    min_shingles: int
    bands: int
    rows: int


class Sketches(NamedTuple):
    """What a block of n rows gets, and the room that a row takes while it is worked on.

    fold, plain : (n,) uint64; tokens : (n,) int32; long : (n,) bool.
    signatures  : (n, permutations) uint32 and keys (bands, n) uint64, filled from the front with the signed rows.
    anchors     : (elements + 1,) uint64, in order of place; ends (n,) int64, where each row's end.
    prefix, power, runs : (longest row + 1,) uint64.
    """

    fold: npt.NDArray[np.uint64]
    plain: npt.NDArray[np.uint64]
    tokens: npt.NDArray[np.int32]
    long: npt.NDArray[np.bool_]
    signatures: npt.NDArray[np.uint32]
    keys: npt.NDArray[np.uint64]
    anchors: npt.NDArray[np.uint64]
    ends: npt.NDArray[np.int64]
    prefix: npt.NDArray[np.uint64]
    power: npt.NDArray[np.uint64]
    runs: npt.NDArray[np.uint64]


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
    return n >= least


@njit(cache=True, nogil=True, inline="always")
def _fmix32(h):
    h = np.uint32(h ^ (h >> np.uint32(16)))
    h = np.uint32(h * np.uint32(0x85EBCA6B))
    h = np.uint32(h ^ (h >> np.uint32(13)))
    h = np.uint32(h * np.uint32(0xC2B2AE35))
    return np.uint32(h ^ (h >> np.uint32(16)))


@njit(cache=True, nogil=True)
def _sign(runs, m, a, b, best):
    """MinHash of m shingles, into best (perms,) uint32: a * h + b mod 2^32 after murmur's 32-bit finalizer. Broder 1997.

    Bit for bit datasketch 2.0 (scheme affine32) when its hashfunc gives the top 32 bits of a shingle; repeats change nothing.
    """
    best[:] = np.uint32(0xFFFFFFFF)
    last = m - 1
    for i in range(0, m, 8):
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


@njit(cache=True, nogil=True)
def sign(shingles, offsets, rows, a, b):
    """(len(rows), perms) uint32, MinHash signatures of the named lists of shingles; none may be empty."""
    out = np.empty((len(rows), len(a)), np.uint32)
    for i in range(len(rows)):
        runs = shingles[offsets[rows[i]] : offsets[rows[i] + 1]]
        _sign(runs, len(runs), a, b, out[i])
    return out


@njit(cache=True, nogil=True)
def _band(signature, band, rows):
    """Digest of one band of a signature. Leskovec, Rajaraman, Ullman, ch. 3."""
    h = np.uint64(band) + _GOLDEN
    at = band * rows
    for r in range(0, rows - 1, 2):
        h = _fold_product(h ^ (np.uint64(signature[at + r]) << _32 | np.uint64(signature[at + r + 1])), _SECRET)
    if rows & 1:
        h = _fold_product(h ^ np.uint64(signature[at + rows - 1]), _SECRET)
    return h


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
def sketch(elements, flags, offsets, able, shape, a, b, out):
    """Sketch a block of n rows into `out` (see `Sketches`).

    elements, flags, offsets : as `tasks.kernels.fold.tokenize` leaves them.
    able    : (n,) bool, rows that are signed when they are long enough.
    shape   : see `Shape`; a, b : (permutations,) uint32.
    returns : how many rows were signed.
    """
    n = len(offsets) - 1
    count = 0
    at = 0
    for row in range(n):
        start = offsets[row]
        end = offsets[row + 1]
        h, p, weight, kinds = _scan(elements, flags, start, end, shape, out.prefix)
        out.fold[row] = h if end > start else np.uint64(0)
        out.plain[row] = p
        tokens = (weight + shape.token - 1) // shape.token
        out.tokens[row] = tokens
        long = False
        if tokens >= shape.min_tokens:
            m = _runs(flags, start, end, kinds, shape, shape.shingle, out.prefix, out.power, out.runs)
            long = _distinct(out.runs, m, shape.min_shingles)
            if long and able[row]:
                signature = out.signatures[count]
                _sign(out.runs, m, a, b, signature)
                for band in range(shape.bands):
                    out.keys[band, count] = _band(signature, band, shape.rows)
                count += 1
                if shape.window > 0:
                    m = _runs(flags, start, end, kinds, shape, shape.anchor, out.prefix, out.power, out.runs)
                    at = _winnow(out.runs, m, shape.window, out.prefix, out.anchors, at)
        out.long[row] = long
        out.ends[row] = at
    return count
