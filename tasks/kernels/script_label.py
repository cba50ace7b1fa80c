"""Which script a row or a clause is in: evidence of characters that only one script has, and the guard against Japanese."""

from __future__ import annotations

import numpy as np
from numba import njit

from tasks.kernels.tries import LONE, begins, output_of, walk

HANS, HANT, WEAK_HANS = 1, 2, 4
HAN, KANA, BREAK, NO = 8, 16, 32, 64
NEUTRAL_LABEL, HANS_LABEL, HANT_LABEL, MIXED_LABEL = 0, 1, 2, 3


@njit(cache=True, nogil=True)
def clause_end(classes, src, i, end):
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
def _japanese(classes, src, i, end):
    """0 no kana, 1 some, 2 a fifth or more of the Han and kana: the text is Japanese, its Han is not Chinese."""
    kana = 0
    han = 0
    size = len(classes)
    for k in range(i, end):
        c = src[k]
        if c < size:
            kana += (classes[c] & KANA) != 0
            han += (classes[c] & HAN) != 0
    if kana == 0:
        return 0
    return 2 if kana * 4 >= han and kana >= 2 else 1


@njit(cache=True, nogil=True)
def has_kana(chars, offsets, classes, rows):
    """(n,) uint8, of the rows asked for: 0 no kana, 1 some, 2 a fifth or more of the Han and kana; 0 for the others."""
    out = np.zeros(len(offsets) - 1, np.uint8)
    for row in range(len(offsets) - 1):
        if rows[row]:
            out[row] = _japanese(classes, chars, offsets[row], offsets[row + 1])
    return out


@njit(cache=True, nogil=True)
def _several(classes, src, i, end, bit):
    """Whether two distinct characters of a kind stand in src[i:end], clauses with kana left out."""
    first = np.uint32(0)
    while i < end:
        stop, foreign = clause_end(classes, src, i, end)
        for k in range(i, stop):
            c = src[k]
            if c < len(classes) and classes[c] & bit and not foreign:
                if first and c != first:
                    return True
                first = c
        i = stop
    return False


@njit(cache=True, nogil=True)
def _count(classes, src, i, end):
    """Characters of simplified only, of traditional only, and that hint at simplified, clauses with kana left out."""
    hans, hant, weak = 0, 0, 0
    while i < end:
        stop, foreign = clause_end(classes, src, i, end)
        if not foreign:
            for k in range(i, stop):
                if src[k] < len(classes):
                    kind = classes[src[k]]
                    hans += kind & HANS
                    hant += (kind & HANT) >> 1
                    weak += (kind & WEAK_HANS) >> 2
        i = stop
    return hans, hant, weak


@njit(cache=True, nogil=True)
def label(chars, offsets, classes, mixed_share):
    """(n,) uint8, script of each row from characters that only one script has (see `tasks.script.label`)."""
    out = np.zeros(len(offsets) - 1, np.uint8)
    size = len(classes)
    for row in range(len(offsets) - 1):
        begin, end = offsets[row], offsets[row + 1]
        seen = np.uint8(0)
        hans, hant, weak = np.int64(0), np.int64(0), np.int64(0)
        for i in range(begin, end):
            c = chars[i]
            if c < size:
                k = classes[c]
                seen |= k
                hans += k & HANS
                hant += (k & HANT) >> 1
                weak += (k & WEAK_HANS) >> 2
        if seen & (HANS | HANT | WEAK_HANS) == 0:
            continue
        if seen & KANA:
            if _japanese(classes, chars, begin, end) == 2:
                continue
            hans, hant, weak = _count(classes, chars, begin, end)
        least = min(hans, hant)
        # One stray character, however often it stands, makes nothing mixed.
        mixed = least > 0 and least >= mixed_share * (hans + hant)
        if mixed and hans <= hant:
            mixed = _several(classes, chars, begin, end, HANS)
        if mixed and hant <= hans:
            mixed = _several(classes, chars, begin, end, HANT)
        if mixed:
            out[row] = MIXED_LABEL
        elif hans > hant or (hant == 0 and weak > 0):
            out[row] = HANS_LABEL
        elif hant > hans:
            out[row] = HANT_LABEL
    return out


@njit(cache=True, nogil=True)
def spans(chars, offsets, labels, classes):
    """Runs of one script: rows that are simplified or traditional are one run, mixed rows are cut at clauses.

    A clause is in the script of which it has more characters; one without evidence goes with what stands before it, at the
    beginning with what follows. Clauses with kana belong to no run.
    returns : (m, 4) int64: row, start, end (code points of the row) and label of each run, in order.
    """
    room = 0
    for row in range(len(labels)):
        room += 1 if labels[row] != MIXED_LABEL else offsets[row + 1] - offsets[row]
    out = np.empty((room, 4), np.int64)
    n = 0
    for row in range(len(labels)):
        begin, end = offsets[row], offsets[row + 1]
        if labels[row] == HANS_LABEL or labels[row] == HANT_LABEL:
            out[n] = row, 0, end - begin, np.int64(labels[row])
            n += 1
        if labels[row] != MIXED_LABEL:
            continue
        i = begin
        start = begin
        current = NEUTRAL_LABEL
        while i < end:
            stop, foreign = clause_end(classes, chars, i, end)
            found = current
            if not foreign:
                hans, hant, weak = _count(classes, chars, i, stop)
                if hans > hant or (hant == 0 and weak > 0):
                    found = HANS_LABEL
                elif hant > hans:
                    found = HANT_LABEL
            if (found != current and current != NEUTRAL_LABEL) or foreign:
                if current != NEUTRAL_LABEL:
                    out[n] = row, start - begin, i - begin, current
                    n += 1
                start = stop if foreign else i
                found = NEUTRAL_LABEL if foreign else found
            current = found
            i = stop
        if current != NEUTRAL_LABEL and start < end:
            out[n] = row, start - begin, end - begin, current
            n += 1
    return out[:n]


@njit(cache=True, nogil=True)
def regions(chars, offsets, rows, trie):
    """(n, 2) int32: evidence of Taiwan and of Hong Kong in the rows asked for; the output of a key is the column it counts in."""
    out = np.zeros((len(rows), 2), np.int32)
    info, twos, threes, edges = trie.info, trie.twos, trie.threes, trie.edges
    for row in range(len(rows)):
        i = offsets[row]
        end = offsets[row + 1] if rows[row] else i
        while i < end:
            c = chars[i]
            after = chars[i + 1] if i + 1 < end else np.uint32(0)
            later = chars[i + 2] if i + 2 < end else np.uint32(0)
            if c < len(info) and (info[c] & LONE or begins(twos, threes, c, after, later)):
                found, word = walk(info, edges, chars, i, end)
                if word:
                    out[row, trie.chars[output_of(word)[0]]] += 1
                    i += found
                    continue
            i += 1
    return out
