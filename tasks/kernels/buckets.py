"""Kernels of the search: fold classes, grouping of band keys, candidates of a bucket, exact intersections."""

from __future__ import annotations

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@njit(cache=True, nogil=True)
def classes(fold, order):
    """Passages of equal fold, numbered by their first member in the order given.

    fold    : (n,) uint64, 0 for none; order : (n,) int64, a permutation.
    returns : class of each passage (n,) int32, -1 for none; first (k,) int64, size (k,) int64.
    """
    n = len(fold)
    room = 16
    while room < 2 * n:
        room *= 2
    mask = np.uint64(room - 1)
    slot = np.full(room, -1, np.int32)
    of = np.full(n, -1, np.int32)
    first = np.empty(n, np.int64)
    size = np.zeros(n, np.int64)
    k = 0
    for p in order:
        key = fold[p]
        if key == 0:
            continue
        at = ((key * _GOLDEN) >> np.uint64(20)) & mask
        while slot[at] >= 0 and fold[first[slot[at]]] != key:
            at = (at + np.uint64(1)) & mask
        if slot[at] < 0:
            slot[at] = k
            first[k] = p
            k += 1
        of[p] = slot[at]
        size[slot[at]] += 1
    return of, first[:k].copy(), size[:k].copy()


@njit(cache=True, nogil=True)
def repeated(keys):
    """Positions of the keys that may come more than once (m,) int64, ascending: all that do, and about one in thirty of the others.

    A bitmap of 32 bits a key says which were seen, another which were seen again; grouping the few that are left is what a band costs.
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
def group(keys, owners):
    """Keys sorted, with their owners ascending inside equal keys.

    Keys are digests: a counting pass on their top bits leaves runs of a few, which insertion sorts. A longer run is one key many times,
    or chance; a heap sorts it, so that two hot keys in one run cost no square.
    """
    n = len(keys)
    bits = 1
    while (4 << bits) < n and bits < 20:
        bits += 1
    shift = np.uint64(64 - bits)
    starts = np.zeros((1 << bits) + 1, np.int64)
    for key in keys:
        starts[(key >> shift) + np.uint64(1)] += 1
    for b in range(1 << bits):
        starts[b + 1] += starts[b]
    at = starts.copy()
    out = np.empty(n, np.uint64)
    who = np.empty(n, np.int64)
    for i in range(n):
        b = keys[i] >> shift
        out[at[b]] = keys[i]
        who[at[b]] = owners[i]
        at[b] += 1
    for b in range(1 << bits):
        begin = starts[b]
        end = starts[b + 1]
        if end - begin > 64:
            _heap_sort(out[begin:end], who[begin:end])
            continue
        for i in range(begin + 1, end):
            key = out[i]
            owner = who[i]
            j = i - 1
            while j >= begin and (out[j] > key or (out[j] == key and who[j] > owner)):
                out[j + 1] = out[j]
                who[j + 1] = who[j]
                j -= 1
            out[j + 1] = key
            who[j + 1] = owner
    return out, who


@njit(cache=True, nogil=True)
def _heap_sort(keys, owners):
    """Sort by (key, owner) in place."""
    n = len(keys)
    same = True
    for i in range(1, n):
        same &= keys[i] == keys[0] and owners[i - 1] <= owners[i]
    if same:
        return
    for start in range(n // 2 - 1, -1, -1):
        _sift(keys, owners, start, n)
    for end in range(n - 1, 0, -1):
        keys[0], keys[end] = keys[end], keys[0]
        owners[0], owners[end] = owners[end], owners[0]
        _sift(keys, owners, 0, end)


@njit(cache=True, nogil=True)
def _sift(keys, owners, root, end):
    while True:
        child = 2 * root + 1
        if child >= end:
            return
        if child + 1 < end and _before(keys, owners, child, child + 1):
            child += 1
        if not _before(keys, owners, root, child):
            return
        keys[root], keys[child] = keys[child], keys[root]
        owners[root], owners[child] = owners[child], owners[root]
        root = child


@njit(cache=True, nogil=True, inline="always")
def _before(keys, owners, i, j):
    return keys[i] < keys[j] or (keys[i] == keys[j] and owners[i] < owners[j])


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
    """(n, BITMAP) uint64: for each list, the bits that its values hash to. Order and repeats change nothing."""
    n = len(offsets) - 1
    out = np.zeros((n, BITMAP), np.uint64)
    for row in range(n):
        for k in range(offsets[row], offsets[row + 1]):
            bit = (values[k] >> np.uint64(20)) & np.uint64(64 * BITMAP - 1)
            out[row, bit >> np.uint64(6)] |= np.uint64(1) << (bit & np.uint64(63))
    return out


#: Buckets of fewer members give all their pairs: most are the same two members in band after band, who are compared once in the end.
_FEW = 4
#: Members whose bitmaps are fetched in one sweep, in which many loads are under way at a time: most lie outside the cache.
_SWEEP = 64


@njit(cache=True, nogil=True)
def _differences(words, columns, count, limits, limit, out):
    """Bits in which a bitmap differs from those of the first `count` leaders, into out; returns whether some are few enough.

    words   : (BITMAP,) uint64; columns : (BITMAP, room) uint64, the leaders' bitmaps word by word, so that one machine instruction
              compares several of them: four times as fast as one by one.
    limits  : (count,) float64, of each leader, to which `limit` is added.
    """
    for x in range(count):
        out[x] = np.uint64(0)
    for w in range(BITMAP):
        word = words[w]
        column = columns[w]
        for x in range(count):
            out[x] += _popcount(column[x] ^ word)
    good = 0
    for x in range(count):
        good += np.int64(out[x]) <= limits[x] + limit
    return good > 0


@njit(cache=True, nogil=True)
def within(bits, sizes, left, right, threshold):
    """(m,) bool: pairs that their bitmaps leave as similar as the threshold (see `bucket_pairs`)."""
    share = (1.0 - threshold) / (1.0 + threshold)
    out = np.empty(len(left), np.bool_)
    for p in range(len(left)):
        x = left[p]
        y = right[p]
        apart = np.uint64(0)
        for w in range(BITMAP):
            apart += _popcount(bits[x, w] ^ bits[y, w])
        out[p] = np.int64(apart) <= share * sizes[x] + (share * sizes[y] + 1e-9)
    return out


@njit(cache=True, nogil=True)
def _largest(keys, cap):
    """Members of the largest bucket, or the cap."""
    room = 1
    begin = 0
    for i in range(1, len(keys) + 1):
        if i == len(keys) or keys[i] != keys[begin]:
            room = max(room, min(i - begin, cap))
            begin = i
    return room


@njit(cache=True, nogil=True)
def bucket_pairs(keys, members, sizes, bits, cap, threshold, leading, pairs):
    """Candidate pairs of one band: all of a small bucket, and of a larger one those that an exact bound by size and bitmap leaves possible.

    keys     : (n,) uint64 sorted; members : (n,) int64 in the same order, ascending inside a bucket.
    sizes    : (all,) int32, shingles by member, repeats and all: never fewer than the set has.
    bits     : (all, BITMAP) uint64, bitmaps of the shingle sets. Sets of s values together that differ in d have J = (s - d) / (s + d);
               s is at most the sizes and d at least the bits that differ, so the bound loses no pair.
    cap      : in a larger bucket members are compared with its leaders only, at most `cap`: those that the bound does not place
               within `leading` of a leader before them. So the cost is linear, and every member meets the copies that may be kept.
    pairs    : (capacity,) uint64 out, left << 32 | right. When it is full the count still grows: grow and call again.
    returns  : pairs, comparisons, buckets over the cap, members in them.
    """
    n = len(keys)
    capacity = len(pairs)
    share = (1.0 - threshold) / (1.0 + threshold)
    lead_share = leading / (1.0 + leading)
    room = _largest(keys, cap)
    near = np.empty((_SWEEP, BITMAP), np.uint64)
    leaders = np.empty(room, np.int64)
    columns = np.empty((BITMAP, room + 8), np.uint64)  # 8 more, lest all words of a leader fall to one set of the cache
    limits = np.empty(room, np.float64)
    apart = np.empty(room, np.uint64)
    found = compared = hot = hot_members = 0
    i = 0
    while i < n:
        j = i + 1
        while j < n and keys[j] == keys[i]:
            j += 1
        over = j - i > cap
        hot += over
        hot_members += (j - i) * over
        if j - i < _FEW and not over:
            for y in range(i + 1, j):
                for x in range(i, y):
                    if found < capacity:
                        pairs[found] = (np.uint64(members[x]) << np.uint64(32)) | np.uint64(members[y])
                    found += 1
                    compared += 1
            i = j
            continue
        count = 0
        for y in range(i, j):
            if (y - i) % _SWEEP == 0:
                for k in range(min(_SWEEP, j - y)):
                    near[k] = bits[members[y + k]]
            words = near[(y - i) % _SWEEP]
            size = np.int64(sizes[members[y]])
            follows = False
            compared += count
            limit = share * size + 1e-9
            if _differences(words, columns, count, limits, limit, apart):
                for x in range(count):
                    if np.int64(apart[x]) <= limits[x] + limit:
                        if found < capacity:
                            pairs[found] = (np.uint64(members[leaders[x]]) << np.uint64(32)) | np.uint64(members[y])
                        found += 1
                        other = np.int64(sizes[members[leaders[x]]])
                        even = min(size, other) >= leading * max(size, other)
                        most = (other + size - np.int64(apart[x])) >> 1  # that both can have
                        follows |= even and most >= lead_share * (other + size) - 1e-9
            if not over or (not follows and count < cap):
                leaders[count] = y
                limits[count] = share * size
                for w in range(BITMAP):
                    columns[w, count] = words[w]
                count += 1
        i = j
    return found, compared, hot, hot_members


@njit(cache=True, nogil=True)
def shared_pairs(keys, owners, cap, pairs):
    """Pairs of different owners of one key, as left << 32 | right; a key of more than `cap` links each to the first and to the one before.

    keys, owners : sorted by both, as `group` leaves them.
    pairs        : (capacity,) uint64 out. When it is full the count still grows: grow and call again.
    returns      : pairs, keys over the cap.
    """
    n = len(keys)
    capacity = len(pairs)
    found = hot = 0
    i = 0
    while i < n:
        j = i + 1
        while j < n and keys[j] == keys[i]:
            j += 1
        over = j - i > cap
        hot += over
        for y in range(i + 1, j):
            for x in range(i, y, max(1, y - 1 - i) if over else 1):
                if owners[x] != owners[y]:
                    if found < capacity:
                        pairs[found] = (np.uint64(owners[x]) << np.uint64(32)) | np.uint64(owners[y])
                    found += 1
        i = j
    return found, hot


@njit(cache=True, nogil=True)
def intersections(values, offsets, left, right, floor):
    """Exact number of common values of pairs of sorted sets.

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
        # What may be left over on either side when the floor is still reached.
        spare_i = end_i - i - floor[p]
        spare_j = end_j - j - floor[p]
        common = 0
        while i < end_i and j < end_j:
            x = values[i]
            y = values[j]
            i += x <= y
            j += y <= x
            common += x == y
            spare_i -= x < y
            spare_j -= y < x
            if spare_i < 0 or spare_j < 0:
                common = -1
                break
        out[p] = common
    return out
