"""Script conversion on code points: one pass over the text by a dictionary of everything, longest match first.

Tables are indexed by code point up to `len(info)`; characters beyond are never in a dictionary. A configuration with two stages
is done in the same pass: what the first stage gives (`middle`) is only looked at again where two neighbouring characters of it can
begin a phrase of the second.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from tasks.kernels.script_label import clause_end
from tasks.kernels.tries import (
    CUTS,
    DESCRIBE,
    LOW18,
    SPECIAL,
    UNIFY,
    Trie,
    before_cut,
    begins,
    description_end,
    has,
    output_of,
    pair_of,
    walk,
)


class Converter(NamedTuple):
    """A configuration. `first.info` gives the final character, `middle` what the first stage makes of it; empty for one stage.

    pairs, triples : as `twos` and `threes` of a trie, what the first stage must give for the second to find a phrase. Where the
             first stage has phrases of its own that end no segment, all first pairs stand in `pairs`, and `longest` is 0; else it is the longest key of the second.
    widest : most characters that one character can become, over all stages.
    """

    first: Trie
    middle: np.ndarray
    second: Trie
    pairs: np.ndarray
    triples: np.ndarray
    longest: int
    widest: int


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
def _point(points, n, at, i):
    """Note that out[at:] comes from src[i:]; a point that stands already is not repeated."""
    if n == 0 or points[n - 1, 0] != at or points[n - 1, 1] != i:
        points[n, 0] = at
        points[n, 1] = i
        n += 1
    return n


@njit(cache=True, nogil=True)
def _second(trie, middle, length, source, src, end, out, at, points, n):
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
                n = _point(points, n, exact_at, exact)
                n = _point(points, n, at, here)
            changed += _changed(src, exact, here, out, exact_at, at)
            exact_at = at
            exact = here
    return at, changed, n


@njit(cache=True, nogil=True)
def _at(src, i, end):
    return src[i] if i < end else np.uint32(0)


@njit(cache=True, nogil=True)
def _plain(info, twos, threes, src, i, end, out, at):
    """Single characters from src[i:] to out[at:], as far as nothing else can happen. Returns where, and how many changed."""
    size = len(info)
    changed = 0
    while i < end:
        c = src[i]
        if c >= size:
            out[at] = c
        else:
            d = info[c]
            if begins(twos, threes, c, _at(src, i + 1, end), _at(src, i + 2, end)) or d & SPECIAL:
                break
            out[at] = d
            changed += c != d
        at += 1
        i += 1
    return i, changed


@njit(cache=True, nogil=True)
def _first(trie, singles, src, i, end, middle, source):
    """First stage of the run src[i:end] into middle, and where each character of it comes from (see `_second`). Returns its length."""
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
def _single(singles, src, i, end):
    """What the first stage makes of src[i] alone, 0 beyond the end or the table."""
    return singles[src[i]] if i < end and src[i] < len(singles) else np.uint32(0)


@njit(cache=True, nogil=True)
def _ahead(first, second, singles, longest, src, i, end, middle):
    """Phrase of the second stage at src[i:], where the first stage knows single characters only: (length, word), (0, 0) for none.

    It ends before the next key that cuts; where such a key begins does not depend on the second stage.
    """
    length = min(end - i, longest)
    for k in range(length):
        middle[k] = _single(singles, src, i + k, end)
    found, word = walk(second.info, second.edges, middle, 0, length)
    for k in range(1, found):
        after, later = _at(src, i + k + 1, end), _at(src, i + k + 2, end)
        if src[i + k] < len(singles) and begins(first.twos, first.threes, src[i + k], after, later):
            cut, _ = walk(first.info, first.edges, src, i + k, end)
            if cut > 0:
                return walk(second.info, second.edges, middle, 0, k)
    return found, word


@njit(cache=True, nogil=True)
def _span(conv, src, i, end, out, at, middle, source, points, n):
    """Convert src[i:end] into out at `at`. Returns the new end of out, how many characters changed, and points.

    -1 for the end of out: a compatibility ideograph stands in the text, which is to be unified first.
    """
    first, second, singles, pairs, triples = conv.first, conv.second, conv.middle, conv.pairs, conv.triples
    info, twos, threes, edges, chars, final = first.info, first.twos, first.threes, first.edges, first.chars, second.info
    two = len(singles) > 0
    changed = 0
    # A run is what lies between two keys that cut: only there can a phrase of the second stage stand.
    run, run_at, run_n, run_changed, dirty = i, at, n, 0, False
    while i < end:
        stop, more = _plain(info, twos, threes, src, i, end, out, at)
        at += stop - i
        changed += more
        i = stop
        if i >= end:
            break
        c = src[i]
        if info[c] & UNIFY:
            return -1, 0, n
        if info[c] & DESCRIBE:
            stop = description_end(src, i, end)
            for k in range(i, stop):
                out[at] = src[k]
                at += 1
            i = stop
            continue
        found, word = walk(info, edges, src, i, end)
        if word and not word & CUTS:
            found, word = before_cut(info, edges, src, i, end, found, word)
        if not word and two and begins(pairs, triples, singles[c], _single(singles, src, i + 1, end), _single(singles, src, i + 2, end)):
            if conv.longest > 0:
                found, word = _ahead(first, second, singles, conv.longest, src, i, end, middle)
                if word:
                    begin = at
                    o, last, _ = output_of(word)
                    for k in range(o, last):
                        out[at] = second.chars[k]
                        at += 1
                    changed += _changed(src, i, i + found, out, begin, at)
                    if at - begin != found:
                        n = _point(points, n, begin, i)
                        n = _point(points, n, at, i + found)
                    i += found
                    continue
            dirty |= conv.longest == 0
        if not word:
            d = info[c] & LOW18
            out[at] = d
            at += 1
            changed += c != d
            i += 1
            continue
        cut = word & CUTS
        begin = at
        if cut:
            if dirty:
                length = _first(first, singles, src, run, i, middle, source)
                at, more, n = _second(second, middle, length, source, src, i, out, run_at, points, run_n)
                changed = run_changed + more
                begin = at
            o, last, more = output_of(word)
            for k in range(o, last):
                out[at] = chars[k]
                at += 1
            changed += more
        else:
            o, last, _ = output_of(word)
            # A pair of the second stage may stand on either border, or inside.
            before = _single(singles, src, i - 1, end) if i > run else np.uint32(0)
            for k in range(o, last):
                dirty |= has(pairs, pair_of(before, chars[k])) != 0
                before = chars[k]
                out[at] = final[before] & LOW18
                at += 1
            dirty |= has(pairs, pair_of(before, _single(singles, src, i + found, end))) != 0
            changed += _changed(src, i, i + found, out, begin, at)
        if at - begin != found:
            n = _point(points, n, begin, i)
            n = _point(points, n, at, i + found)
        i += found
        if cut:
            run, run_at, run_n, run_changed, dirty = i, at, n, changed, False
    if dirty:
        length = _first(first, singles, src, run, end, middle, source)
        at, more, n = _second(second, middle, length, source, src, end, out, run_at, points, run_n)
        changed = run_changed + more
    return at, changed, n


@njit(cache=True, nogil=True)
def _unified(conv, norm, src, i, end, out, at, middle, source, points, n):
    """`_span`, of a copy in which compatibility ideographs stand unified where there are any."""
    stop, changed, m = _span(conv, src, i, end, out, at, middle, source, points, n)
    if stop >= 0:
        return stop, changed, m
    copy = np.empty(end - i, np.uint32)
    unified = 0
    for k in range(end - i):
        c = src[i + k]
        copy[k] = norm[c] if c < len(norm) else c
        unified += copy[k] != c
    stop, changed, m = _span(conv, copy, 0, end - i, out, at, middle, source, points, n)
    for p in range(n, m):
        points[p, 1] += i
    return stop, changed + unified, m


@njit(cache=True, nogil=True)
def _guarded(conv, classes, kana, norm, src, i, end, out, at, middle, source, points, n):
    """`_unified`, with clauses that hold kana copied where the row has any."""
    if not kana:
        return _unified(conv, norm, src, i, end, out, at, middle, source, points, n)
    changed = 0
    while i < end:
        stop, foreign = clause_end(classes, src, i, end)
        # Neighbouring clauses go together, so that phrases across punctuation still match.
        while stop < end:
            next_stop, next_foreign = clause_end(classes, src, stop, end)
            if next_foreign != foreign:
                break
            stop = next_stop
        if foreign:
            for k in range(i, stop):
                out[at] = src[k]
                at += 1
        else:
            at, more, n = _unified(conv, norm, src, i, stop, out, at, middle, source, points, n)
            changed += more
        i = stop
    return at, changed, n


@njit(cache=True, nogil=True)
def convert(chars, offsets, active, kana, classes, norm, conv):
    """Convert the active rows, copy the others.

    active  : (n,) bool. kana : (n,) uint8, rows in which clauses with kana are copied.
    classes : (n_chars,) uint8. norm : (n_chars,) uint32, compatibility ideographs to their unified forms.
    returns : chars; offsets; changed characters a row (int32); points (m, 2) int64, places in chars and in the source at which the
        distance between the two changes: between two points text either stands character for character, or has another length.
    """
    rows = len(offsets) - 1
    out = np.empty(len(chars) + len(chars) // 16 + 64, np.uint32)
    out_offsets = np.empty(rows + 1, np.int64)
    counts = np.zeros(rows, np.int32)
    middle, source = np.empty(256, np.uint32), np.empty(256, np.int64)
    points = np.empty((256, 2), np.int64)
    n = 0
    at = 0
    row = 0
    while row < rows:
        begin = offsets[row]
        if not active[row]:
            # Rows that stay go in one piece.
            first = row
            while row < rows and not active[row]:
                out_offsets[row] = at + offsets[row] - begin
                row += 1
            length = offsets[row] - begin
        else:
            first = -1
            length = offsets[row + 1] - begin
        room = length * conv.widest if first < 0 else length
        if at + room > len(out):
            # Rows after this one need at least their own length.
            grown = np.empty((at + room + len(chars) - begin) * 5 // 4 + 64, np.uint32)
            grown[:at] = out[:at]
            out = grown
        if first >= 0:
            out[at : at + length] = chars[begin : begin + length]
            at += length
            continue
        if length * conv.widest > len(middle):
            middle, source = np.empty(length * conv.widest * 2, np.uint32), np.empty(length * conv.widest * 2, np.int64)
        if n + 2 * length + 2 > len(points):
            more = np.empty((2 * n + 4 * length + 2, 2), np.int64)
            more[:n] = points[:n]
            points = more
        out_offsets[row] = at
        at, counts[row], n = _guarded(conv, classes, kana[row], norm, chars, begin, begin + length, out, at, middle, source, points, n)
        row += 1
    out_offsets[rows] = at
    return out[:at], out_offsets, counts, points[:n]
