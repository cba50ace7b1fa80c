"""Kernels of alignment: which stretches two folds share, by seed, chain and extension, in time linear in their length.

Lengths are *weights*: the sum of the elements' weights (5 a Han character, 3 a letter by default), read off running sums, so that
one limit serves both kinds of text.
"""

from __future__ import annotations

import numpy as np
from numba import njit

#: Places of one seed that are kept and tried; more are a repeated phrase, and the run that continues the last one is tried anyway.
CROWD = 16
#: Blocks of one pair, the heaviest first.
MOST = 16
#: Runs before a run that may precede it in a chain.
LOOK_BACK = 64
#: Elements on either side that the end of a block may leap over.
REACH = 4

_BASE = np.uint64(0xD6E8FEB86659FD93)
_M1 = np.uint64(0xFF51AFD7ED558CCD)
_M2 = np.uint64(0xC4CEB9FE1A85EC53)
_33 = np.uint64(33)


@njit(cache=True, nogil=True, inline="always")
def _mix(h):
    """MurmurHash3's 64-bit finalizer (Appleby)."""
    h ^= h >> _33
    h *= _M1
    h ^= h >> _33
    h *= _M2
    return h ^ (h >> _33)


@njit(cache=True, nogil=True)
def _seeds(x, at, offsets, seed, lightest):
    """Digests of the shortest run from each element that weighs at least `seed` (Karp and Rabin 1987).

    returns : (elements,) uint64, and (rows,) int64, how many elements of each row have such a run before the row ends.
    """
    power = np.ones(seed // lightest + 2, np.uint64)
    for k in range(1, len(power)):
        power[k] = power[k - 1] * _BASE
    grams = np.empty(len(x), np.uint64)
    counts = np.zeros(len(offsets) - 1, np.int64)
    for row in range(len(offsets) - 1):
        end = offsets[row + 1]
        j = offsets[row]
        h = np.uint64(0)
        for i in range(offsets[row], end):
            while j < end and at[j] - at[i] < seed:
                h = h * _BASE + x[j]
                j += 1
            if at[j] - at[i] < seed:
                break
            grams[i] = _mix(h)
            counts[row] += 1
            h -= x[i] * power[j - i - 1]
    return grams, counts


@njit(cache=True, nogil=True, inline="always")
def _run(x, i, i_stop, j, j_stop, step):
    """Equal elements from i and from j on, going by `step` (1 or -1) up to the stops."""
    n = 0
    while i != i_stop and j != j_stop and x[i] == x[j]:
        i += step
        j += step
        n += 1
    return n


@njit(cache=True, nogil=True)
def _index(grams, start, count, head, mask, later):
    """Hash table over the seeds of a row: `head` the first place of each slot, `later` the next. True when a seed had over CROWD."""
    for slot in range(mask + 1):
        head[slot] = -1
    crowded = False
    for i in range(count):
        slot = np.int64(grams[start + i] & np.uint64(mask))
        same = 0
        last = -1
        k = head[slot]
        while k >= 0:
            same += grams[start + k] == grams[start + i]
            last = k
            k = later[k]
        if same >= CROWD:
            crowded = True
            continue
        later[i] = -1
        if last < 0:
            head[slot] = i
        else:
            later[last] = i
    return crowded


@njit(cache=True, nogil=True)
def _parse(x, grams, one, one_end, one_count, head, mask, later, other, other_end, other_count, runs):
    """Equal runs by a greedy parse of one row against another (Ziv and Lempel 1977): at each element of the other row the longest run that
    a seed opens there.

    Of equally long ones the run that goes on where the last one ended, then the first. Runs do not overlap in the other row, so their
    number and the work are bounded by its length, whatever repeats.
    runs    : (capacity, 3) int64 out: first element in one row and in the other, length.
    returns : how many.
    """
    n = 0
    j = 0
    while j < other_count:
        best = 0
        place = -1
        if n > 0:
            i = runs[n - 1, 0] - one + j - (runs[n - 1, 1] - other)
            if i < one_count and grams[one + i] == grams[other + j]:
                best = _run(x, one + i, one_end, other + j, other_end, 1)
                place = i
        k = head[np.int64(grams[other + j] & np.uint64(mask))]
        while k >= 0:
            if grams[one + k] == grams[other + j]:
                size = _run(x, one + k, one_end, other + j, other_end, 1)
                if size > best:
                    best = size
                    place = k
            k = later[k]
        if best == 0:
            j += 1
            continue
        runs[n, 0] = one + place
        runs[n, 1] = other + j
        runs[n, 2] = best
        n += 1
        j += best
    return n


@njit(cache=True, nogil=True)
def _chain(at, runs, n, gap, score, before):
    """Best chain that ends with each run: colinear in both rows, with gaps of at most `gap` (as minimap2 chains its anchors, Li 2018).

    A run is worth its weight. A gap costs what the shorter side of it weighs, and half of what the longer weighs more: reworded text
    costs its length, text left out or put in half of that. A chain never falls below nothing (Smith and Waterman 1981).
    score   : (n,) int64 out, doubled; before : (n,) int64 out, the run before in the chain or -1.
    """
    for m in range(n):
        i, j, size = runs[m, 0], runs[m, 1], runs[m, 2]
        worth = 2 * (at[j + size] - at[j])
        best = 0
        link = -1
        for p in range(m - 1, max(-1, m - 1 - LOOK_BACK), -1):
            i_end = runs[p, 0] + runs[p, 2]
            j_end = runs[p, 1] + runs[p, 2]
            other_gap = at[j] - at[j_end]
            if other_gap > gap:
                break
            one_gap = at[i] - at[i_end]  # below 0 where the runs overlap in the one row
            if runs[p, 0] >= i or i_end >= i + size or one_gap > gap:
                continue
            cost = 2 * min(max(one_gap, 0), other_gap) + abs(one_gap - other_gap) + 2 * max(-one_gap, 0)
            if score[p] - cost > best:
                best = score[p] - cost
                link = p
        score[m] = worth + best
        before[m] = link


@njit(cache=True, nogil=True)
def _extend(x, at, i, i_stop, j, j_stop, step, weight):
    """Go on from the elements i and j while they are equal, leaping over at most REACH elements on either side where a run follows that
    weighs at least `weight` and is longer than the leap (in the spirit of X-drop, Altschul et al. 1990). Returns the new i and j, and the
    weight of the elements that were equal."""
    gained = 0
    while True:
        size = _run(x, i, i_stop, j, j_stop, step)
        low = i if step > 0 else i + 1 - size
        gained += at[low + size] - at[low]
        i += step * size
        j += step * size
        leap_i = leap_j = 0
        for total in range(1, 2 * REACH + 1):
            for p in range(max(0, total - REACH), min(total, REACH) + 1):
                q = total - p
                if abs(i_stop - i) <= p or abs(j_stop - j) <= q:
                    continue
                size = _run(x, i + step * p, i_stop, j + step * q, j_stop, step)
                low = i + step * p if step > 0 else i + step * p + 1 - size
                if size > max(p, q) and at[low + size] - at[low] >= weight:
                    leap_i, leap_j = p, q
                    break
            if leap_i + leap_j > 0:
                break
        if leap_i + leap_j == 0:
            return i, j, gained
        i += step * leap_i
        j += step * leap_j


@njit(cache=True, nogil=True)
def _pick(x, at, one, one_end, other, other_end, runs, n, score, before, least, weight, found):
    """Blocks: the best chains in turn, no run in two of them, their ends extended.

    found   : (MOST, 5) int64 out: first and last + 1 element in one row, the same in the other, weight of the equal elements.
    returns : how many; each has `least` of equal weight, and no two overlap in the other row.
    """
    count = 0
    for _ in range(2 * MOST):
        best = -1
        for m in range(n):
            if score[m] > 0 and (best < 0 or score[m] > score[best]):
                best = m
        if best < 0 or score[best] < least:  # doubled, so a chain of half the least may still grow by its ends
            break
        last = best
        first = best
        equal = 0
        m = best
        while m >= 0 and score[m] >= 0:
            first = m
            equal += at[runs[m, 1] + runs[m, 2]] - at[runs[m, 1]]
            score[m] = -1  # taken
            m = before[m]
        i, j = runs[last, 0] + runs[last, 2], runs[last, 1] + runs[last, 2]
        p, q = runs[first, 0] - 1, runs[first, 1] - 1
        low, high = other - 1, other_end
        over = False
        for k in range(count):
            if found[k, 2] >= j:
                high = min(high, found[k, 2])
            elif found[k, 3] - 1 <= q:
                low = max(low, found[k, 3] - 1)
            else:
                over = True
        if over:
            continue
        i, j, more = _extend(x, at, i, one_end, j, high, 1, weight)
        p, q, fore = _extend(x, at, p, one - 1, q, low, -1, weight)
        equal += more + fore
        if equal >= least:
            found[count, 0], found[count, 1] = p + 1, i
            found[count, 2], found[count, 3] = q + 1, j
            found[count, 4] = equal
            count += 1
            if count == MOST:
                break
    return count


@njit(cache=True, nogil=True)
def _smaller_first(x, a, a_end, b, b_end):
    """Whether x[a:a_end] is the row to index: the shorter, of equally long ones the one that sorts first."""
    if a_end - a != b_end - b:
        return a_end - a < b_end - b
    for k in range(a_end - a):
        if x[a + k] != x[b + k]:
            return x[a + k] < x[b + k]
    return True


@njit(cache=True, nogil=True)
def align(x, at, offsets, left, right, seed, least, gap, weight, lightest):
    """Blocks that pairs of rows share.

    x, offsets       : elements (uint64) of all rows and where each row begins (rows + 1,) int64.
    at               : (elements + 1,) int64, running sum of the elements' weights.
    left, right      : (n,) int64 rows. Pairs of which the shorter row is the same are cheapest one after the other.
    seed, least, gap : weights: of the equal run that opens a match, of the equal elements of a block, of a gap inside one.
    weight           : of the run that the end of a block may leap to.
    lightest         : least weight of one element.
    returns          : pair (m,) int64; spans (m, 4) int64, elements of the left and of the right row, half-open; equal (m,) int64, weight
                       of the equal elements; crowded (n,) bool, a seed had more places than are tried.
    """
    n = len(left)
    longest = 1
    for r in range(len(offsets) - 1):
        longest = max(longest, offsets[r + 1] - offsets[r])
    grams, counts = _seeds(x, at, offsets, seed, lightest)
    later = np.empty(longest, np.int64)
    head = np.empty(64, np.int64)
    runs = np.empty((longest + 1, 3), np.int64)
    score = np.empty(longest + 1, np.int64)
    before = np.empty(longest + 1, np.int64)
    found = np.empty((MOST, 5), np.int64)
    pair = np.empty(max(MOST, n), np.int64)
    spans = np.empty((len(pair), 4), np.int64)
    equal = np.empty(len(pair), np.int64)
    size = 0
    crowded = np.zeros(n, np.bool_)
    indexed = -1
    crowds = False
    slots = 64
    for r in range(n):
        one, other = left[r], right[r]
        first = _smaller_first(x, offsets[one], offsets[one + 1], offsets[other], offsets[other + 1])
        if not first:
            one, other = other, one
        s, e, t, f = offsets[one], offsets[one + 1], offsets[other], offsets[other + 1]
        if at[e] - at[s] < least or at[f] - at[t] < least:
            continue
        if one != indexed:
            indexed = one
            slots = 64
            while slots < 2 * counts[one]:
                slots *= 2
            if slots > len(head):
                head = np.empty(slots, np.int64)
            crowds = _index(grams, s, counts[one], head, slots - 1, later)
        crowded[r] = crowds
        m = _parse(x, grams, s, e, counts[one], head, slots - 1, later, t, f, counts[other], runs)
        _chain(at, runs, m, gap, score, before)
        count = _pick(x, at, s, e, t, f, runs, m, score, before, least, weight, found)
        if size + count > len(pair):
            pair = np.concatenate((pair, np.empty_like(pair)))
            spans = np.concatenate((spans, np.empty_like(spans)))
            equal = np.concatenate((equal, np.empty_like(equal)))
        for k in range(count):
            pair[size] = r
            spans[size, 0], spans[size, 1] = found[k, 0 if first else 2], found[k, 1 if first else 3]
            spans[size, 2], spans[size, 3] = found[k, 2 if first else 0], found[k, 3 if first else 1]
            equal[size] = found[k, 4]
            size += 1
    return pair[:size], spans[:size], equal[:size], crowded
