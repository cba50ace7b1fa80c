"""Kernels of matching: signatures, bands, candidates, exact similarity, stars."""

from __future__ import annotations

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_M1 = np.uint64(0xFF51AFD7ED558CCD)
_33 = np.uint64(33)


@njit(cache=True, nogil=True)
def sign(shingles, offsets, rows, a, b):
    """MinHash signatures, bit for bit those of datasketch 2.0 (scheme affine32) when its hashfunc gives the top 32 bits of a shingle.

    shingles, offsets : sorted distinct uint64 of every passage.
    rows              : (m,) int64, passages to sign.
    a, b              : (num_perm,) uint32 permutations; h -> a * h + b mod 2^32 after murmur's 32-bit finalizer.
    returns           : (m, num_perm) uint32. P(equal entry) = Jaccard, standard error about 1/sqrt(num_perm). Broder 1997.
    """
    perms = len(a)
    out = np.empty((len(rows), perms), np.uint32)
    for m in range(len(rows)):
        best = out[m]
        best[:] = np.uint32(0xFFFFFFFF)
        i = offsets[rows[m]]
        end = offsets[rows[m] + 1]
        while i < end:
            # Four shingles a pass: the row of minima is read and written a quarter as often.
            h0 = _fmix32(np.uint32(shingles[i] >> np.uint64(32)))
            h1 = _fmix32(np.uint32(shingles[min(i + 1, end - 1)] >> np.uint64(32)))
            h2 = _fmix32(np.uint32(shingles[min(i + 2, end - 1)] >> np.uint64(32)))
            h3 = _fmix32(np.uint32(shingles[min(i + 3, end - 1)] >> np.uint64(32)))
            for p in range(perms):
                x0 = np.uint32(a[p] * h0 + b[p])
                x1 = np.uint32(a[p] * h1 + b[p])
                x2 = np.uint32(a[p] * h2 + b[p])
                x3 = np.uint32(a[p] * h3 + b[p])
                best[p] = min(best[p], min(min(x0, x1), min(x2, x3)))
            i += 4
    return out


@njit(cache=True, nogil=True, inline="always")
def _fmix32(h):
    h = np.uint32(h ^ (h >> np.uint32(16)))
    h = np.uint32(h * np.uint32(0x85EBCA6B))
    h = np.uint32(h ^ (h >> np.uint32(13)))
    h = np.uint32(h * np.uint32(0xC2B2AE35))
    return np.uint32(h ^ (h >> np.uint32(16)))


@njit(cache=True, nogil=True)
def band_keys(signatures, bands, rows):
    """(bands, n) uint64: digest of each band of each signature. Leskovec, Rajaraman, Ullman, ch. 3."""
    n = len(signatures)
    out = np.empty((bands, n), np.uint64)
    for i in range(n):
        for band in range(bands):
            h = np.uint64(band)
            for r in range(rows):
                h = (h ^ np.uint64(signatures[i, band * rows + r])) * _GOLDEN
                h = (h ^ (h >> _33)) * _M1
            out[band, i] = h ^ (h >> _33)
    return out


@njit(cache=True, nogil=True)
def repeated(keys):
    """Positions of the keys that may come more than once (m,) int64, ascending: all that do, and about one in thirty of the others.

    A bitmap of 32 bits a key says which were seen, another which were seen again; sorting the few that are left is what a band costs.
    """
    words = 64
    while words * 2 < len(keys):
        words *= 2
    mask = np.uint64(64 * words - 1)
    seen = np.zeros(words, np.uint64)
    again = np.zeros(words, np.uint64)
    for key in keys:
        bit = ((key * _GOLDEN) >> np.uint64(20)) & mask
        one = np.uint64(1) << (bit & np.uint64(63))
        word = bit >> np.uint64(6)
        again[word] |= seen[word] & one
        seen[word] |= one
    out = np.empty(len(keys), np.int64)
    n = 0
    for i in range(len(keys)):
        bit = ((keys[i] * _GOLDEN) >> np.uint64(20)) & mask
        out[n] = i
        n += np.int64((again[bit >> np.uint64(6)] >> (bit & np.uint64(63))) & np.uint64(1))
    return out[:n]


@njit(cache=True, nogil=True)
def bucket_pairs(keys, members, sizes, cap, ratio, pairs, at):
    """Candidate pairs of one band.

    keys    : (n,) uint64 sorted; members : (n,) int64 in the same order, ascending inside a bucket.
    sizes   : (all,) int32, distinct shingles by member: J <= smaller / larger, so pairs below `ratio` are left out exactly.
    cap     : buckets beyond it are linked as stars: every member with the first and with the one before it.
              A member that comes twice in a bucket (two of its keys cut to one) is not paired with itself.
    pairs   : (capacity, 2) int32 out; `at` how many are there already. When it is full the count still grows: grow and call again.
    returns : new count, buckets over the cap, passages in them.
    """
    n = len(keys)
    i = 0
    hot = 0
    hot_members = 0
    capacity = len(pairs)
    while i < n:
        j = i + 1
        while j < n and keys[j] == keys[i]:
            j += 1
        if j - i > 1:
            if j - i <= cap:
                for x in range(i, j):
                    for y in range(x + 1, j):
                        s = sizes[members[x]]
                        t = sizes[members[y]]
                        if members[x] != members[y] and min(s, t) >= ratio * max(s, t) - 1e-9:
                            if at < capacity:
                                pairs[at, 0] = members[x]
                                pairs[at, 1] = members[y]
                            at += 1
            else:
                hot += 1
                hot_members += j - i
                for y in range(i + 1, j):
                    for x in range(i, y, max(1, y - 1 - i)):  # the first and the one before, once when they are the same
                        s = sizes[members[x]]
                        t = sizes[members[y]]
                        if members[x] != members[y] and min(s, t) >= ratio * max(s, t) - 1e-9:
                            if at < capacity:
                                pairs[at, 0] = members[x]
                                pairs[at, 1] = members[y]
                            at += 1
        i = j
    return at, hot, hot_members


@intrinsic
def _popcount(_context, word):  # noqa: ARG001 (numba reads the names of the arguments)
    """Set bits of a uint64, one machine instruction."""

    def generate(_context, builder, _signature, args):
        return builder.ctpop(args[0])

    return types.uint64(types.uint64), generate


#: Words of a bitmap: 1,024 bits tell sets of a few hundred values apart.
BITMAP = 16


@njit(cache=True, nogil=True)
def bitmaps(values, offsets):
    """(n, BITMAP) uint64: for each set, the bits that its values hash to."""
    n = len(offsets) - 1
    out = np.zeros((n, BITMAP), np.uint64)
    for row in range(n):
        for k in range(offsets[row], offsets[row + 1]):
            bit = (values[k] >> np.uint64(20)) & np.uint64(64 * BITMAP - 1)
            out[row, bit >> np.uint64(6)] |= np.uint64(1) << (bit & np.uint64(63))
    return out


@njit(cache=True, nogil=True)
def intersections(values, offsets, bits, left, right, floor):
    """Exact number of common values of pairs of sorted sets.

    bits        : bitmaps of the sets. A bit of one side that the other lacks is a value that the other lacks, so the bound that
                  they give is exact and no pair is lost; most candidates end there, at a tenth of the cost of a merge.
    left, right : (m,) int64 rows.
    floor       : (m,) int32; a pair that cannot reach it is given up early and gets -1.
    returns     : (m,) int32.
    """
    out = np.empty(len(left), np.int32)
    for p in range(len(left)):
        i = offsets[left[p]]
        j = offsets[right[p]]
        end_i = offsets[left[p] + 1]
        end_j = offsets[right[p] + 1]
        need = floor[p]
        only_left = 0
        only_right = 0
        for w in range(bits.shape[1]):
            x = bits[left[p], w]
            y = bits[right[p], w]
            only_left += np.int64(_popcount(x & ~y))
            only_right += np.int64(_popcount(y & ~x))
        if end_i - i - only_left < need or end_j - j - only_right < need:
            out[p] = -1
            continue
        common = 0
        while i < end_i and j < end_j:
            x = values[i]
            y = values[j]
            if x == y:
                common += 1
                i += 1
                j += 1
            else:
                # What is left on either side bounds what can still be found.
                if x < y:
                    i += 1
                    if common + (end_i - i) < need:
                        common = -1
                        break
                else:
                    j += 1
                    if common + (end_j - j) < need:
                        common = -1
                        break
        out[p] = common
    return out


@njit(cache=True, nogil=True)
def agreement(signatures, left, right):
    """(m,) float32: share of equal entries of two signatures, the MinHash estimate of the similarity."""
    perms = signatures.shape[1]
    out = np.empty(len(left), np.float32)
    for p in range(len(left)):
        same = 0
        for k in range(perms):
            same += signatures[left[p], k] == signatures[right[p], k]
        out[p] = same / perms
    return out


@njit(cache=True, nogil=True)
def stars(order, classes, first, neighbours, weights, removable, exact_ok):
    """Star clusters by one global order: kept unless a verified neighbour is already kept.

    order      : (n,) int64, passages in global order (only those that take part).
    classes    : (all,) int32, fold class of each passage, -1 for none: members of one class have equal folds.
    first      : (n_classes + 1,) int64 CSR over neighbours by class.
    neighbours : (m,) int32 classes; weights : (m,) float32 similarity; accepted pairs in this direction only
                 (the row's class may be removed in favour of the neighbour).
    removable  : (all,) bool, may be removed as a near duplicate.
    exact_ok   : (all,) bool, may be removed when a member of the same class is kept.
    returns    : twin (all,) int64, the kept passage a removed one names, -1 if kept; similarity (all,) float32.
    """
    kept = np.full(len(first) - 1, -1, np.int64)
    twin = np.full(len(classes), -1, np.int64)
    similarity = np.zeros(len(classes), np.float32)
    for p in order:
        c = classes[p]
        if c < 0:
            continue
        if kept[c] >= 0 and exact_ok[p]:
            twin[p] = kept[c]
            similarity[p] = 1.0
            continue
        best = -1
        best_weight = np.float32(-1.0)
        if removable[p]:
            for k in range(first[c], first[c + 1]):
                other = neighbours[k]
                if kept[other] >= 0 and weights[k] > best_weight:
                    best = kept[other]
                    best_weight = weights[k]
        if best >= 0:
            twin[p] = best
            similarity[p] = best_weight
        elif kept[c] < 0:
            kept[c] = p
    return twin, similarity


@njit(cache=True, nogil=True)
def copy_lists(source, source_offsets, rows, out, out_offsets, places):
    """Copy list rows[i] of `source` to place places[i] of `out`."""
    for i in range(len(rows)):
        start = source_offsets[rows[i]]
        at = out_offsets[places[i]]
        for k in range(source_offsets[rows[i] + 1] - start):
            out[at + k] = source[start + k]
