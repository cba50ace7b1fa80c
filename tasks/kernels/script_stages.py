"""The stages of a conversion one by one, for runs in which a phrase of the second stage may stand; see `tasks.kernels.script`."""

from __future__ import annotations

import numpy as np
from numba import njit

from tasks.kernels.tries import CHILD, DESCRIBE, LOW18, PAIR, begins, description_end, find, output_of, pair_of, walk


@njit(cache=True, nogil=True)
def changed_of(src, i, j, out, a, b):
    """Characters that differ between src[i:j] and out[a:b]: place by place, or the longer middle when lengths differ."""
    if j - i == b - a:
        n = 0
        for k in range(j - i):
            n += src[i + k] != out[a + k]
        return n
    while i < j and a < b and src[i] == out[a]:
        i += 1
        a += 1
    while i < j and a < b and src[j - 1] == out[b - 1]:
        j -= 1
        b -= 1
    return max(j - i, b - a)


@njit(cache=True, nogil=True)
def noted(points, n, at, i):
    """Note that out[at:] comes from src[i:]; a point that stands already is not repeated."""
    if n == 0 or points[n - 1, 0] != at or points[n - 1, 1] != i:
        points[n, 0] = at
        points[n, 1] = i
        n += 1
    return n


@njit(cache=True, nogil=True)
def char_at(src, i, end):
    """src[i], 0 from `end` on."""
    return src[i] if i < end else np.uint32(0)


@njit(cache=True, nogil=True)
def single_of(singles, src, i, end):
    """What the first stage makes of src[i] alone, 0 beyond the end or the table."""
    return singles[src[i]] if i < end and src[i] < len(singles) else np.uint32(0)


@njit(cache=True, nogil=True)
def first_stage(trie, singles, src, i, end, middle, source):
    """First stage of the run src[i:end] into middle, and where each character of it comes from (see `second_stage`). Returns its length."""
    size = len(singles)
    length = 0
    while i < end:
        c = src[i]
        stop = i + 1
        word = np.uint64(0)
        if c < size:
            if trie.info[c] & DESCRIBE:
                stop = description_end(src, i, end)
            else:
                found, word = walk(trie.info, trie.edges, src, i, end)
                stop = i + max(found, 1)
        if word:
            begin, last, _ = output_of(word)
            for k in range(begin, last):
                middle[length] = trie.chars[k]
                source[length] = i + k - begin if last - begin == stop - i or k == begin else -1
                length += 1
        else:
            for k in range(i, stop):
                middle[length] = singles[src[k]] if stop == i + 1 and c < size else src[k]
                source[length] = k
                length += 1
        i = stop
    return length


@njit(cache=True, nogil=True)
def second_stage(trie, middle, length, source, src, end, out, at, points, n):
    """Second stage of one run: middle[:length] into out at `at`. Returns the new end of out, changed characters, points.

    source : where each character of middle comes from in src, -1 inside what the first stage made longer or shorter.
    end    : where the run ends in src.
    """
    size = len(trie.info)
    changed = 0
    exact_at = at
    exact = source[0]
    k = 0
    while k < length:
        c = middle[k]
        stop = k + 1
        word = np.uint64(0)
        if c < size:
            if trie.info[c] & DESCRIBE:
                stop = description_end(middle, k, length)
            elif k + 1 < length and begins(trie.twos, trie.threes, c, middle[k + 1], middle[k + 2] if k + 2 < length else np.uint32(0)):
                found, word = walk(trie.info, trie.edges, middle, k, length)
                stop = k + max(found, 1)
        if word:
            first, last, _ = output_of(word)
            for o in range(first, last):
                out[at] = trie.chars[o]
                at += 1
        elif stop > k + 1 or c >= size:
            for o in range(k, stop):
                out[at] = middle[o]
                at += 1
        else:
            out[at] = trie.info[c] & LOW18
            at += 1
        k = stop
        here = end if k == length else source[k]
        if here >= 0:
            if at - exact_at != here - exact:
                n = noted(points, n, exact_at, exact)
                n = noted(points, n, at, here)
            changed += changed_of(src, exact, here, out, exact_at, at)
            exact_at = at
            exact = here
    return at, changed, n


@njit(cache=True, nogil=True)
def _mapped(edges, singles, src, i, end):
    """`walk` of the second stage at src[i:end] as the first stage leaves it, where that knows single characters only."""
    size = len(singles)
    length, word = 0, np.uint64(0)
    if i + 1 < end and src[i + 1] < size:
        slot = find(edges, PAIR | pair_of(singles[src[i]], singles[src[i + 1]]))
        j = i + 2
        while slot >= 0:
            if edges[slot, 1]:
                length, word = j - i, edges[slot, 1]
            node = edges[slot, 0] & CHILD
            if not node & np.uint64(1) or j >= end or src[j] >= size:
                break
            slot = find(edges, (node >> np.uint64(1)) << np.uint64(18) | np.uint64(singles[src[j]]))
            j += 1
    return length, word


@njit(cache=True, nogil=True)
def ahead(info, twos, threes, edges, second_edges, singles, src, i, end):
    """Phrase of the second stage at src[i:], where the first stage knows single characters only: (length, word), (0, 0) for none.

    It ends before the next key that cuts; where such a key begins does not depend on the second stage.
    """
    found, word = _mapped(second_edges, singles, src, i, end)
    for k in range(1, found):
        after, later = char_at(src, i + k + 1, end), char_at(src, i + k + 2, end)
        if src[i + k] < len(singles) and begins(twos, threes, src[i + k], after, later):
            cut, _ = walk(info, edges, src, i + k, end)
            if cut > 0:
                return _mapped(second_edges, singles, src, i, i + k)
    return found, word
