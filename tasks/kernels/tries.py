"""Longest match on code points over a dictionary in flat arrays.

A pair of neighbouring characters that begins no key costs one load; a key costs one probe of a hash table a character from its
second on. Tables are indexed by code point up to `len(info)`; characters beyond are in no dictionary.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from tasks.kernels.utf8 import is_space

#: Bits of `Trie.info` above the character. LONE: a key of one character that becomes several; UNIFY: a compatibility ideograph;
#: DESCRIBE: an ideographic description character.
LOW18 = np.uint32(0x3FFFF)
LONE, UNIFY, DESCRIBE = np.uint32(1 << 20), np.uint32(1 << 21), np.uint32(1 << 22)
SPECIAL = np.uint32(LONE | UNIFY | DESCRIBE)
#: Kinds of edge in a trie's keys: the first two characters of a phrase, and a character alone. Others are node << 18 | character.
PAIR, ALONE = np.uint64(1 << 39), np.uint64(1 << 38)
CHILD = np.uint64((1 << 24) - 1)
#: Bits of the word of a key.
FOUND, CUTS = np.uint64(1), np.uint64(2)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


class Trie(NamedTuple):
    """A dictionary for longest match.

    info    : (n_chars,) uint32, what a character alone becomes, with bits LONE, UNIFY, DESCRIBE.
    twos    : (2^k,) uint64, two bits of a word a hashed pair of characters that is a key (or at which a kernel has to stop).
    threes  : (2^k,) uint64, two bits of a word a hashed triple of characters that begins a longer key. Nearly all places where no key stands
              fail at these two loads; asking for the pair alone let three times as many through.
    edges   : (2^k, 2) uint64, open table with linear probing: key << 24 | child node << 1 | whether the child has children, 0 for
              empty; and beside it, where no second cache line has to be fetched, the word of the key that ends there, 0 for none.
    chars   : uint32, the outputs of all keys one after the other.

    The word of a key: FOUND, CUTS when it ends a segment (a stage does not look across it), then 8 bits of how many characters
    differ between key and output, 8 bits of the output's length, and its place in `chars`.
    """

    info: np.ndarray
    twos: np.ndarray
    threes: np.ndarray
    edges: np.ndarray
    chars: np.ndarray


@njit(cache=True, nogil=True)
def output_of(word):
    """Where an output begins and ends in `Trie.chars`, and how many characters differ from the key."""
    begin = np.int64(word >> np.uint64(18))
    return begin, begin + np.int64((word >> np.uint64(10)) & np.uint64(255)), np.int64((word >> np.uint64(2)) & np.uint64(255))


@njit(cache=True, nogil=True)
def slot_of(key, size):
    """Place of a key in a table of 2^k places."""
    return ((key * _GOLDEN) >> np.uint64(20)) & np.uint64(size - 1)


@njit(cache=True, nogil=True)
def mask_of(key):
    """The two bits of a key (pair or triple of characters, 18 bits each) in its word, and the hash that tells which word."""
    h = key * _GOLDEN
    one = np.uint64(1)
    return one << ((h >> np.uint64(44)) & np.uint64(63)) | one << ((h >> np.uint64(38)) & np.uint64(63)), h >> np.uint64(50)


@njit(cache=True, nogil=True)
def pair_of(a, b):
    """Key of a pair of neighbouring characters."""
    return (np.uint64(a) << np.uint64(18)) | np.uint64(b)


@njit(cache=True, nogil=True)
def has(bits, key):
    """Whether the two bits of a key are set."""
    mask, word = mask_of(key)
    return (bits[word & np.uint64(len(bits) - 1)] & mask) == mask


@njit(cache=True, nogil=True)
def begins(twos, threes, a, b, c):
    """Whether a key may begin with these characters: (a, b) be one, or (a, b, c) begin one."""
    pair = pair_of(a, b)
    return has(twos, pair) | has(threes, pair << np.uint64(18) | np.uint64(c))


@njit(cache=True, nogil=True)
def find(edges, key):
    """Place of a key in edges, -1 when it is not there."""
    one = np.uint64(1)
    slot = slot_of(key, len(edges))
    edge = edges[slot, 0]
    while edge != 0:
        if edge >> np.uint64(24) == key:
            return np.int64(slot)
        slot = (slot + one) & np.uint64(len(edges) - 1)
        edge = edges[slot, 0]
    return np.int64(-1)


@njit(cache=True, nogil=True)
def walk(info, edges, src, i, end):
    """Longest key at src[i:end] that cuts, or when none does the longest other one: (length, word), (0, 0) for none.

    info, edges : of a `Trie`. Given one by one, since handing over the whole costs more than the walk.
    """
    size = len(info)
    length, best, other_length, other = 0, np.uint64(0), 0, np.uint64(0)
    if info[src[i]] & LONE:
        word = edges[find(edges, ALONE | np.uint64(src[i])), 1]
        if word & CUTS:
            length, best = 1, word
        else:
            other_length, other = 1, word
    if i + 1 < end and src[i + 1] < size:
        slot = find(edges, PAIR | pair_of(src[i], src[i + 1]))
        j = i + 2
        while slot >= 0:
            word = edges[slot, 1]
            if word & CUTS:
                length, best = j - i, word
            elif word:
                other_length, other = j - i, word
            node = edges[slot, 0] & CHILD
            if not node & np.uint64(1) or j >= end or src[j] >= size:
                break
            slot = find(edges, (node >> np.uint64(1)) << np.uint64(18) | np.uint64(src[j]))
            j += 1
    if length > 0:
        return length, best
    return other_length, other


@njit(cache=True, nogil=True)
def before_cut(info, edges, src, i, end, length, word):
    """The key of `walk` that does not cut, ended before the next key that does: (length, word)."""
    for k in range(i + 1, i + length):
        inner_length, inner = walk(info, edges, src, k, end)
        if inner_length > 0 and inner & CUTS:
            return walk(info, edges, src, i, k)
    return length, word


@njit(cache=True, nogil=True)
def description_end(src, i, end):
    """End of the ideographic description sequence (⿰⿱...) at i, which is kept whole; i + 1 when it is cut off."""
    open_parts = 1
    j = i
    while open_parts > 0:
        if j >= end or is_space(src[j]):
            return i + 1
        c = src[j]
        if 0x2FF0 <= c <= 0x2FFF or c == 0x31EF:
            open_parts += 2 if c == 0x2FF2 or c == 0x2FF3 else 0 if c >= 0x2FFE and c <= 0x2FFF else 1
        else:
            open_parts -= 1
        j += 1
    return j
