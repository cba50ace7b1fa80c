"""Script conversion on code points: longest match over compiled dictionaries, script labels, kana guard.

Tables are indexed by code point up to `len(flags)`; characters beyond are never in a dictionary.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from tasks.kernels.utf8 import is_space

SINGLE, PHRASE, ALWAYS = 1, 2, 4
HANS, HANT, WEAK_HANS = 1, 2, 4
HAN, KANA, BREAK, NO = 8, 16, 32, 64
NEUTRAL_LABEL, HANS_LABEL, HANT_LABEL, MIXED_LABEL = 0, 1, 2, 3
LOW18 = np.uint64(0x3FFFF)


class Trie(NamedTuple):
    """A dictionary for longest match.

    flags       : (n_chars,) uint8. SINGLE: one character to one; PHRASE: longer keys start here; ALWAYS: look at `root` in any case.
    single      : (n_chars,) uint32, what a character alone becomes.
    root        : (n_chars,) int32, node of a first character, 0 for none.
    edge_keys   : (2^k,) uint64, node << 18 | character, 0 for empty; open addressing, linear probing.
    edge_child  : (2^k,) int32.
    values      : (n_nodes,) int32, index of the output of the key that ends at a node, -1 for none.
    out_offsets : (n_values + 1,) int32 into out_chars (uint32).
    pairs       : (4096,) uint64, a bit a hashed pair of first two characters: most text fails here at the cost of one load.
    """

    flags: np.ndarray
    single: np.ndarray
    root: np.ndarray
    edge_keys: np.ndarray
    edge_child: np.ndarray
    values: np.ndarray
    out_offsets: np.ndarray
    out_chars: np.ndarray
    pairs: np.ndarray


@njit(cache=True, nogil=True)
def pair_hash(a, b):
    """Bit (of 2^18) for two neighbouring characters."""
    return ((np.uint64(a) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(b)) * np.uint64(0xD6E8FEB86659FD93)) >> np.uint64(46)


@njit(cache=True, nogil=True)
def edge_slot(keys, key):
    """Slot of an edge, or of the empty place where it would stand."""
    mask = np.uint64(len(keys) - 1)
    slot = (key * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(20) & mask
    while keys[slot] != 0 and keys[slot] != key:
        slot = (slot + np.uint64(1)) & mask
    return slot


@njit(cache=True, nogil=True)
def _match(trie, src, i, end):
    """Length and value of the longest key at src[i:end]; (0, -1) when there is none."""
    n_chars = len(trie.flags)
    node = trie.root[src[i]]
    best = trie.values[node]
    length = 1 if best >= 0 else 0
    j = i + 1
    while j < end and src[j] < n_chars:
        slot = edge_slot(trie.edge_keys, np.uint64(node) << np.uint64(18) | np.uint64(src[j]))
        if trie.edge_keys[slot] == 0:
            break
        node = trie.edge_child[slot]
        j += 1
        if trie.values[node] >= 0:
            best = trie.values[node]
            length = j - i
    return length, best


@njit(cache=True, nogil=True)
def _may_match(trie, src, i, end):
    """Whether a key of two or more characters can start at i (or one that only the trie holds)."""
    flag = trie.flags[src[i]]
    if flag & ALWAYS:
        return True
    if not flag & PHRASE or i + 1 >= end:
        return False
    bit = pair_hash(src[i], src[i + 1])
    return (trie.pairs[bit >> np.uint64(6)] >> (bit & np.uint64(63))) & np.uint64(1) != 0


@njit(cache=True, nogil=True)
def _is_description(c):
    return 0x2FF0 <= c <= 0x2FFF or c == 0x31EF


@njit(cache=True, nogil=True)
def _description_end(src, i, end):
    """End of the ideographic description sequence (⿰⿱...) at i, which is kept whole; i + 1 when it is cut off."""
    open_parts = 1
    j = i
    while open_parts > 0:
        if j >= end or is_space(src[j]):
            return i + 1
        c = src[j]
        if _is_description(c):
            open_parts += 2 if c == 0x2FF2 or c == 0x2FF3 else 0 if c >= 0x2FFE and c <= 0x2FFF else 1
        else:
            open_parts -= 1
        j += 1
    return j


@njit(cache=True, nogil=True)
def _changed(src, i, j, out, a, b):
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
def _emit(trie, value, out, at):
    for k in range(trie.out_offsets[value], trie.out_offsets[value + 1]):
        out[at] = trie.out_chars[k]
        at += 1
    return at


@njit(cache=True, nogil=True)
def _stage(trie, src, i, end, out, at):
    """Convert src[i:end] by one dictionary into out at `at`. Returns the new end of out and how many characters changed."""
    n_chars = len(trie.flags)
    changed = 0
    while i < end:
        c = src[i]
        flag = trie.flags[c] if c < n_chars else np.uint8(0)
        if flag == 0:
            if _is_description(c):
                stop = _description_end(src, i, end)
                while i < stop:
                    out[at] = src[i]
                    at += 1
                    i += 1
            else:
                out[at] = c
                at += 1
                i += 1
            continue
        if _may_match(trie, src, i, end):
            length, value = _match(trie, src, i, end)
            if length > 0:
                begin = at
                at = _emit(trie, value, out, at)
                changed += _changed(src, i, i + length, out, begin, at)
                i += length
                continue
        d = trie.single[c]
        changed += d != c
        out[at] = d
        at += 1
        i += 1
    return at, changed


@njit(cache=True, nogil=True)
def _chain(stages, first, second, src, i, end, middle, out, at):
    """Convert src[i:end] through one or two dictionaries."""
    begin = at
    if stages == 1:
        return _stage(first, src, i, end, out, at)
    stop, _ = _stage(first, src, i, end, middle, 0)
    at, _ = _stage(second, middle, 0, stop, out, at)
    return at, _changed(src, i, end, out, begin, at)


@njit(cache=True, nogil=True)
def _span(stages, segments, first, second, src, i, end, middle, out, at):
    """Convert src[i:end]: cut into segments first when the configuration has them (stages with bit 4 set)."""
    if not stages & 4:
        return _chain(stages, first, second, src, i, end, middle, out, at)
    changed = 0
    begin = i
    n_chars = len(segments.flags)
    while i < end:
        c = src[i]
        if _is_description(c):
            i = _description_end(src, i, end)
            continue
        if c < n_chars and segments.flags[c] != 0 and _may_match(segments, src, i, end):
            length, value = _match(segments, src, i, end)
            if length > 0:
                at, n = _chain(stages & 3, first, second, src, begin, i, middle, out, at)
                changed += n
                start = at
                at = _emit(segments, value, out, at)
                changed += _changed(src, i, i + length, out, start, at)
                i += length
                begin = i
                continue
        i += 1
    at, n = _chain(stages & 3, first, second, src, begin, end, middle, out, at)
    return at, changed + n


@njit(cache=True, nogil=True)
def _clause_end(classes, src, i, end):
    """End of the clause that starts at i (its punctuation included), and whether kana stands in it."""
    kana = 0
    han = 0
    lone_no = 0
    while i < end:
        k = classes[src[i]] if src[i] < len(classes) else np.uint8(0)
        i += 1
        kana += (k & KANA) != 0
        han += (k & HAN) != 0
        lone_no += (k & NO) != 0
        if k & BREAK:
            break
    # One の between Han characters is a fashion of Chinese shop signs, not Japanese.
    return i, kana > 0 and not (kana == 1 and lone_no == 1 and han > 1)


@njit(cache=True, nogil=True)
def needs(chars, offsets, trigger, rows):
    """(n,) bool: whether a wanted row holds a character that the conversion may change. One look-up a character."""
    out = np.zeros(len(offsets) - 1, np.bool_)
    size = len(trigger)
    for row in range(len(offsets) - 1):
        if rows[row]:
            for i in range(offsets[row], offsets[row + 1]):
                c = chars[i]
                if c < size and trigger[c]:
                    out[row] = True
                    break
    return out


@njit(cache=True, nogil=True)
def convert(chars, offsets, active, classes, norm, stages, widest, segments, first, second):
    """Convert the active rows, copy the others.

    active  : (n,) bool.  classes : (n_chars,) uint8, or empty: no guard, clauses with kana are converted too.
    norm    : (n_chars,) uint32, compatibility ideographs to their unified forms.
    stages  : 1 or 2 dictionaries (first, second), plus 4 when `segments` cuts the text first.
    widest  : most characters that one character can become.
    returns : chars, offsets, and changed characters a row (int32).
    """
    n = len(offsets) - 1
    out = np.empty(len(chars) + len(chars) // 16 + 64, np.uint32)
    out_offsets = np.empty(n + 1, np.int64)
    counts = np.zeros(n, np.int32)
    middle = np.empty(256, np.uint32)
    source = np.empty(256, np.uint32)
    n_chars = len(norm)
    at = 0
    for row in range(n):
        out_offsets[row] = at
        begin = offsets[row]
        length = offsets[row + 1] - begin
        room = length * widest if active[row] else length
        if at + room > len(out):
            # Rows after this one need at least their own length.
            grown = np.empty((at + room + (offsets[n] - offsets[row + 1])) * 5 // 4 + 64, np.uint32)
            grown[:at] = out[:at]
            out = grown
        if not active[row]:
            out[at : at + length] = chars[begin : begin + length]
            at += length
            continue
        if length * widest > len(middle):
            middle = np.empty(length * widest * 2, np.uint32)
        if length > len(source):
            source = np.empty(length * 2, np.uint32)
        changed = 0
        for k in range(length):
            c = chars[begin + k]
            d = norm[c] if c < n_chars else c
            changed += c != d
            source[k] = d
        i = 0
        while i < length:
            stop = length
            if len(classes) > 0:
                stop, foreign = _clause_end(classes, source, i, length)
                if foreign:
                    while i < stop:
                        out[at] = chars[begin + i]
                        at += 1
                        i += 1
                    continue
                # Neighbouring clauses go together, so that phrases across punctuation still match.
                while stop < length:
                    next_stop, foreign = _clause_end(classes, source, stop, length)
                    if foreign:
                        break
                    stop = next_stop
            at, n_changed = _span(stages, segments, first, second, source, i, stop, middle, out, at)
            changed += n_changed
            i = stop
        counts[row] = changed
    out_offsets[n] = at
    return out[:at], out_offsets, counts


@njit(cache=True, nogil=True)
def has_kana(chars, offsets, classes):
    """(n,) uint8: 0 no kana, 1 some, 2 a fifth or more of the Han and kana: the row is Japanese, its Han is not Chinese."""
    out = np.zeros(len(offsets) - 1, np.uint8)
    size = len(classes)
    for row in range(len(offsets) - 1):
        kana = 0
        han = 0
        for i in range(offsets[row], offsets[row + 1]):
            c = chars[i]
            if c < size:
                kana += (classes[c] & KANA) != 0
                han += (classes[c] & HAN) != 0
        if kana > 0:
            out[row] = 2 if kana * 4 >= han and kana >= 2 else 1
    return out


@njit(cache=True, nogil=True)
def label(chars, offsets, classes, kana, mixed_share):
    """Script of each row from characters that only one script has (see `tasks.script.label`).

    kana : (n,) uint8 of `has_kana`.
    """
    n = len(offsets) - 1
    out = np.zeros(n, np.uint8)
    size = len(classes)
    for row in range(n):
        if kana[row] == 2:
            continue
        hans = 0
        hant = 0
        weak = 0
        # Distinct characters are asked for only as "one or more than one".
        first_hans = np.uint32(0)
        first_hant = np.uint32(0)
        many_hans = False
        many_hant = False
        i = offsets[row]
        end = offsets[row + 1]
        clause = end
        foreign = False
        if kana[row] == 1:
            clause, foreign = _clause_end(classes, chars, i, end)
        while i < end:
            if i == clause:
                clause, foreign = _clause_end(classes, chars, i, end)
            c = chars[i]
            i += 1
            if c >= size or foreign:
                continue
            k = classes[c]
            if k & (HANS | HANT | WEAK_HANS) == 0:
                continue
            if k & HANS:
                hans += 1
                if first_hans == 0:
                    first_hans = c
                many_hans |= first_hans != c
            elif k & HANT:
                hant += 1
                if first_hant == 0:
                    first_hant = c
                many_hant |= first_hant != c
            else:
                weak += 1
        least = min(hans, hant)
        many = many_hans if hans < hant else many_hant if hant < hans else many_hans and many_hant
        if least > 0 and many and least >= mixed_share * (hans + hant):
            out[row] = MIXED_LABEL
        elif hans > hant or (hant == 0 and weak > 0):
            out[row] = HANS_LABEL
        elif hant > hans:
            out[row] = HANT_LABEL
    return out
