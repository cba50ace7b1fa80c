"""Words of each row: how many, how different, how often they repeat; the slow twin is tests/naive_wording.py.

A *word* is a Han character, kana or Hangul syllable, or a run of other letters and digits; marks, symbols and space part words.
"""

from __future__ import annotations

import numpy as np
from numba import njit

# Bits of the word table: the character is a word by itself, part of a longer one, a function word, a mark in full or half width.
ALONE, PART, FUNCTION, FULL, HALF, HAN = 1, 2, 4, 8, 16, 32

# Columns of the result of `count`.
WORDS, DISTINCT, FUNCTIONS, STUTTERED, FULL_MARKS, HALF_MARKS, REPEATED_LINE, PHRASES = range(8)
TOP = 8  # + n - 2 for n = 2..4, characters that the n-gram with the largest share holds
AGAIN = 11  # + n - 5 for n = 5..10, characters inside n-grams seen before
COLUMNS = 17
LONGEST_GRAM, FIRST_AGAIN = 10, 5
MATCH = 3  # words that a phrase repeats at least

_BASE = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xD6E8FEB86659FD93)
_ONE = np.uint64(1)


@njit(cache=True, nogil=True)
def _lower(c):
    return c + np.uint32(32) if np.uint32(65) <= c <= np.uint32(90) else c


@njit(cache=True, nogil=True)
def word_hash(chars):
    """Hash of a word of lower-case letters, as `_split` makes it."""
    h = np.uint64(0)
    for c in chars:
        h = (h + np.uint64(c) + _ONE) * _MIX
    return h


@njit(cache=True, nogil=True)
def _split(chars, start, end, table, functions, words, sizes, out):
    """Hashes and lengths of the words of a row; function words and marks after Han are counted on the way. Returns how many."""
    n = 0
    h = np.uint64(0)
    size = 0
    before = np.uint8(0)
    for i in range(start, end + 1):
        kind = np.uint8(0)
        c = np.uint32(0)
        if i < end:
            c = chars[i]
            kind = table[c] if c < 0x20000 else np.uint8(ALONE | HAN if c < 0x40000 else 0)
        if kind & PART:
            h = (h + np.uint64(_lower(c)) + _ONE) * _MIX
            size += 1
            before = kind
            continue
        if size:
            words[n], sizes[n] = h, size
            at = h >> np.uint64(56)
            while functions[at] != 0 and functions[at] != h:
                at = (at + _ONE) & np.uint64(255)
            out[FUNCTIONS] += functions[at] == h
            n += 1
            h = np.uint64(0)
            size = 0
        if kind & ALONE:
            words[n], sizes[n] = (np.uint64(c) + _ONE) * _MIX, -1  # negative: a repeated one may be a word, 妈妈
            out[FUNCTIONS] += (kind & FUNCTION) != 0
            n += 1
        elif before & HAN:
            out[FULL_MARKS] += (kind & FULL) != 0
            out[HALF_MARKS] += (kind & HALF) != 0
        before = kind
    return n


@njit(cache=True, nogil=True)
def _stutter(words, sizes, n, out):
    """Characters of words that repeat what stands right before them: a word of letters, a character twice over, two to four words."""
    i = 1
    while i < n:
        step = 1
        if words[i] == words[i - 1]:
            if sizes[i] > 0 or (i > 1 and words[i] == words[i - 2]):
                out[STUTTERED] += abs(sizes[i])
            i += 1
            continue
        for k in range(2, 5):
            if i < k or i + k > n:
                break
            j = 0
            while j < k and words[i + j] == words[i + j - k]:
                j += 1
            if j == k:
                for j in range(k):
                    out[STUTTERED] += abs(sizes[i + j])
                step = k
                break
        i += step


@njit(cache=True, nogil=True)
def _grams(words, sizes, n, keys, counts, place, twice, out):
    """The n-gram with the largest share for n = 2 to 4, and characters inside n-grams seen before for n = 5 to 10.

    An n-gram that comes twice is made of two shorter ones that do, so that only those are looked up. twice : (n,) bool, whether the gram
    that ends at a word comes twice, at first of one word. Returns whether there was any of MATCH words.
    """
    size = 16
    while size < 2 * n:
        size *= 2
    mask = np.uint64(size - 1)
    matched = False
    for k in range(1, LONGEST_GRAM + 1):
        keys[:size] = 0
        some = False
        distinct = 0
        covered = 0
        for i in range(k - 1, n):
            place[i] = -1
            if k > 1 and not (twice[i] and twice[i - 1]):
                continue
            key = words[i]
            for j in range(1, k):
                key = key * _BASE + words[i - j]
            key = key if key != 0 else _ONE
            at = (key ^ (key >> np.uint64(32))) * _MIX & mask
            while keys[at] != 0 and keys[at] != key:
                at = (at + _ONE) & mask
            if keys[at] == 0:
                keys[at] = key
                counts[at] = 0
                distinct += 1
            counts[at] += 1
            place[i] = at
            if counts[at] > 1:
                some = True
                if k >= FIRST_AGAIN:
                    for j in range(max(covered, i + 1 - k), i + 1):
                        out[AGAIN + k - FIRST_AGAIN] += abs(sizes[j])
                    covered = i + 1
        if k == 1:
            out[DISTINCT] = distinct
        if not some:
            break
        matched |= k == MATCH
        for i in range(n - 1, k - 2, -1):
            twice[i] = place[i] >= 0 and counts[place[i]] > 1
            if 2 <= k <= 4 and twice[i]:
                held = 0
                for j in range(i + 1 - k, i + 1):
                    held += abs(sizes[j])
                out[TOP + k - 2] = max(out[TOP + k - 2], held * counts[place[i]])
        twice[: k - 1] = False
    return matched


@njit(cache=True, nogil=True)
def _phrases(words, n, keys, place):
    """Phrases of a greedy Lempel-Ziv parse: a run of at least MATCH words that stood before, or one word.

    place : (size,) int64 scratch, last place of a gram of MATCH words, by slot.
    """
    size = 16
    while size < 2 * n:
        size *= 2
    mask = np.uint64(size - 1)
    keys[:size] = 0
    phrases = 0
    i = filled = 0
    while i < n:
        length = 1
        if i + MATCH <= n:
            while filled < i:  # grams before i are known
                if filled + MATCH <= n:
                    _remember(words, filled, keys, place, mask)
                filled += 1
            j = _recall(words, i, keys, place, mask)
            if j >= 0:
                length = MATCH
                while i + length < n and words[j + length] == words[i + length]:
                    length += 1
        phrases += 1
        i += length
    return phrases


@njit(cache=True, nogil=True)
def _slot(words, i, keys, mask):
    key = (words[i] * _BASE + words[i + 1]) * _BASE + words[i + 2]
    key = key if key != 0 else _ONE
    at = (key ^ (key >> np.uint64(32))) * _MIX & mask
    while keys[at] != 0 and keys[at] != key:
        at = (at + _ONE) & mask
    return at, key


@njit(cache=True, nogil=True)
def _remember(words, i, keys, place, mask):
    at, key = _slot(words, i, keys, mask)
    keys[at] = key
    place[at] = i


@njit(cache=True, nogil=True)
def _recall(words, i, keys, place, mask):
    at, key = _slot(words, i, keys, mask)
    return place[at] if keys[at] == key else -1


@njit(cache=True, nogil=True)
def _lines(chars, start, end, spaces, seen, out):
    """Visible characters of lines that equal an earlier line, spaces aside. seen : (lines,) uint64 scratch, hashes so far."""
    n = 0
    h = np.uint64(0)
    size = 0
    for i in range(start, end + 1):
        if i < end and chars[i] != 0x0A:
            if not (chars[i] < 0x20000 and spaces[chars[i]]):
                h = (h + np.uint64(chars[i]) + _ONE) * _MIX
                size += 1
            continue
        if size:
            k = 0
            while k < n and seen[k] != h:
                k += 1
            if k < n:
                out[REPEATED_LINE] += size
            elif n < len(seen):
                seen[n] = h
                n += 1
        h = np.uint64(0)
        size = 0


@njit(cache=True, nogil=True)
def count(chars, offsets, table, functions, spaces):
    """Counts behind the signals of words.

    table     : (0x20000,) uint8, bits of each character; planes 2 and 3 are Han.
    functions : (256,) uint64, hashes of function words of letters, each in the first free slot from its high byte on.
    spaces    : (0x20000,) bool. returns : (n, COLUMNS) int64. Of more than 4,096 different lines of a row the later are not compared.
    """
    n_rows = len(offsets) - 1
    out = np.zeros((n_rows, COLUMNS), np.int64)
    longest = 16
    for row in range(n_rows):
        longest = max(longest, offsets[row + 1] - offsets[row])
    size = 16
    while size < 2 * longest:
        size *= 2
    words, sizes, place = np.empty(longest, np.uint64), np.empty(longest, np.int32), np.empty(size, np.int64)
    keys, counts, twice = np.empty(size, np.uint64), np.empty(size, np.int32), np.empty(longest, np.bool_)
    seen = np.empty(4096, np.uint64)
    for row in range(n_rows):
        start, end, mine = offsets[row], offsets[row + 1], out[row]
        n = _split(chars, start, end, table, functions, words, sizes, mine)
        mine[WORDS] = mine[PHRASES] = n
        _lines(chars, start, end, spaces, seen, mine)
        if n > 1:
            _stutter(words, sizes, n, mine)
        if _grams(words, sizes, n, keys, counts, place, twice, mine):
            mine[PHRASES] = _phrases(words, n, keys, place)
    return out
