"""Kernels for where words and numbers begin and end: blocks that keep to whole words, and whether a whole fold stands inside another."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, inline="always")
def _amid_word(x, flags, i, start, end, letter, space):
    """Whether a cut before element i of a row falls into a word."""
    return start < i < end and flags[i - 1] & letter != 0 and flags[i] & letter != 0 and x[i - 1] != space and x[i] != space


@njit(cache=True, nogil=True)
def to_words(x, flags, offsets, left, right, pair, spans, letter, space):
    """Shorten blocks whose ends fall into a word on either side, while the elements that go are equal on both.

    spans   : (m, 4) int64, elements of row left[pair] and of row right[pair], half-open; changed in place. A block without a whole word
              is left as it is.
    returns : (m,) int64, elements taken off at the start and (m,) at the end.
    """
    heads = np.zeros(len(spans), np.int64)
    tails = np.zeros(len(spans), np.int64)
    for k in range(len(spans)):
        s, s_end = offsets[left[pair[k]]], offsets[left[pair[k]] + 1]
        t, t_end = offsets[right[pair[k]]], offsets[right[pair[k]] + 1]
        i, e, j, f = spans[k]
        while i < e and j < f and x[i] == x[j]:
            amid = _amid_word(x, flags, i, s, s_end, letter, space) or _amid_word(x, flags, j, t, t_end, letter, space)
            if not amid and x[i] != space:
                break
            i += 1
            j += 1
        while i < e and j < f and x[e - 1] == x[f - 1]:
            amid = _amid_word(x, flags, e, s, s_end, letter, space) or _amid_word(x, flags, f, t, t_end, letter, space)
            if not amid and x[e - 1] != space:
                break
            e -= 1
            f -= 1
        if i < e and j < f:
            heads[k] = i - spans[k, 0]
            tails[k] = spans[k, 1] - e
            spans[k, 0], spans[k, 1], spans[k, 2], spans[k, 3] = i, e, j, f
    return heads, tails


@njit(cache=True, nogil=True)
def inside(x, flags, offsets, left, right, letter, number, space):
    """(n,) bool: row left[i] is, element for element, a part of row right[i] that begins and ends between words and between numbers.

    x, flags, offsets : elements (uint64) of all rows, their flags (uint8), and where each row begins.
    letter, number    : the flags of letters, and of slots and numerals.
    space             : the element between two words.
    An empty row is inside none. Knuth, Morris and Pratt 1977: every row is read once, whatever repeats.
    """
    out = np.zeros(len(left), np.bool_)
    longest = 0
    for r in left:
        longest = max(longest, offsets[r + 1] - offsets[r])
    back = np.zeros(longest + 1, np.int64)
    for r in range(len(left)):
        s, t, end = offsets[left[r]], offsets[right[r]], offsets[right[r] + 1]
        size = offsets[left[r] + 1] - s
        if size == 0 or size > end - t:
            continue
        k = 0
        for i in range(1, size):  # back[i]: longest border of the first i + 1 elements
            while k > 0 and x[s + i] != x[s + k]:
                k = back[k - 1]
            k += x[s + i] == x[s + k]
            back[i] = k
        k = 0
        for j in range(t, end):
            while k > 0 and x[j] != x[s + k]:
                k = back[k - 1]
            k += x[j] == x[s + k]
            if k == size:
                amid = False
                for cut in (j + 1 - size, j + 1):
                    number_too = t < cut < end and flags[cut - 1] & number != 0 and flags[cut] & number != 0
                    amid = amid or number_too or _amid_word(x, flags, cut, t, end, letter, space)
                if not amid:
                    out[r] = True
                    break
                k = back[k - 1]
    return out


@njit(cache=True, nogil=True)
def chunk_ends(left, right, sizes, limit):
    """Where to cut a list of pairs so that the rows of each piece, each counted once, are `limit` together or one pair's.

    left, right : (n,) int64 rows; sizes : (rows,) int32.
    returns     : (pieces - 1,) int64, ascending.
    """
    piece_of = np.full(len(sizes), -1, np.int64)
    out = np.empty(len(left), np.int64)
    pieces = 0
    total = 0
    for i in range(len(left)):
        more = (sizes[left[i]] if piece_of[left[i]] != pieces else 0) + (sizes[right[i]] if piece_of[right[i]] != pieces else 0)
        if total > 0 and total + more > limit:
            out[pieces] = i
            pieces += 1
            total = 0
            more = sizes[left[i]] + sizes[right[i]]
        piece_of[left[i]] = piece_of[right[i]] = pieces
        total += more
    return out[:pieces]
