"""Script conversion on code points: one pass over the text by a dictionary of everything, longest match first.

Tables are indexed by code point up to `len(info)`; characters beyond are never in a dictionary. A configuration with two stages
is done in the same pass: what the first stage gives (`middle`) is only looked at again where two neighbouring characters of it can
begin a phrase of the second.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from tasks.kernels.lend import lent
from tasks.kernels.script_label import clause_end
from tasks.kernels.script_stages import ahead, changed_of, first_stage, noted, second_stage, single_of
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

#: Rows are converted together up to so many characters: their room in the output is kept for the widest outcome.
TOGETHER = 1 << 14


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
def _plain(info, twos, threes, src, start, near, out, start_at, size):
    """Single characters from src[start:] to out[start_at:], as far as nothing else can happen, up to `near`. Returns where, and how many
    changed. Two characters stand behind `near`. Indices without sign, since numba asks each of the others whether it is negative.
    """
    changed = 0
    if start >= near:
        return start, changed
    i, end, at = np.uint64(start), np.uint64(near), np.uint64(start_at)
    one = np.uint64(1)
    c, after = src[i], src[i + one]
    while i < end:
        later = src[i + np.uint64(2)]
        if c >= size:
            break
        d = info[c]
        pair = pair_of(c, after)
        if (has(twos, pair) | has(threes, pair << np.uint64(18) | np.uint64(later))) or d & SPECIAL:
            break
        out[at] = d
        changed += c != d
        at += one
        i += one
        c, after = after, later
    return np.int64(i), changed


@njit(cache=True, nogil=True)
def _rows(conv, src, offsets, row, last, out, at, out_offsets, counts, middle, source, points, n):
    """Convert rows up to `last` into out at `at`, and fill out_offsets and counts. Returns the next row, the new end of out, and points.

    It ends early, before a row in which a compatibility ideograph stands, which is to be unified first. Rows go through one call:
    handing over the tables costs more than a line of text.
    """
    first, second = conv.first, conv.second
    singles, pairs, triples, longest = lent(conv.middle), lent(conv.pairs), lent(conv.triples), conv.longest
    info, twos, threes, edges, chars = lent(first.info), lent(first.twos), lent(first.threes), lent(first.edges), lent(first.chars)
    final, second_edges, second_chars = lent(second.info), lent(second.edges), lent(second.chars)
    src, offsets, out, out_offsets, counts = lent(src), lent(offsets), lent(out), lent(out_offsets), lent(counts)
    middle, source, points = lent(middle), lent(source), lent(points)
    two = len(singles) > 0
    size = np.uint32(len(info))
    while row < last:
        i, end = offsets[row], offsets[row + 1]
        row_at, row_n = at, n
        changed = 0
        # A run is what lies between two keys that cut: only there can a phrase of the second stage stand.
        run, run_at, run_n, run_changed, dirty = i, at, n, 0, False
        # Looking into the next row finds nothing that stands there, since keys are asked for up to `end`.
        near = min(end, len(src) - 2)
        while i < end:
            stop, more = _plain(info, twos, threes, src, i, near, out, at, size)
            at += stop - i
            changed += more
            i = stop
            if i >= end:
                break
            c = src[i]
            if c >= size:
                out[at] = c
                at += 1
                i += 1
                continue
            if info[c] & UNIFY:
                return row, row_at, row_n
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
            if (
                not word
                and two
                and begins(pairs, triples, singles[c], single_of(singles, src, i + 1, end), single_of(singles, src, i + 2, end))
            ):
                if longest > 0:
                    found, word = ahead(info, twos, threes, edges, second_edges, singles, src, i, end)
                    if word:
                        begin = at
                        o, until, _ = output_of(word)
                        for k in range(o, until):
                            out[at] = second_chars[k]
                            at += 1
                        changed += changed_of(src, i, i + found, out, begin, at)
                        if at - begin != found:
                            n = noted(points, n, begin, i)
                            n = noted(points, n, at, i + found)
                        i += found
                        continue
                dirty |= longest == 0
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
                    length = first_stage(first, singles, src, run, i, middle, source)
                    at, more, n = second_stage(second, middle, length, source, src, i, out, run_at, points, run_n)
                    changed = run_changed + more
                    begin = at
                o, until, more = output_of(word)
                for k in range(o, until):
                    out[at] = chars[k]
                    at += 1
                changed += more
            else:
                o, until, _ = output_of(word)
                # A pair of the second stage may stand on either border, or inside.
                before = single_of(singles, src, i - 1, end) if i > run else np.uint32(0)
                for k in range(o, until):
                    dirty |= has(pairs, pair_of(before, chars[k]))
                    before = chars[k]
                    out[at] = final[before] & LOW18
                    at += 1
                dirty |= has(pairs, pair_of(before, single_of(singles, src, i + found, end)))
                changed += changed_of(src, i, i + found, out, begin, at)
            if at - begin != found:
                n = noted(points, n, begin, i)
                n = noted(points, n, at, i + found)
            i += found
            if cut:
                run, run_at, run_n, run_changed, dirty = i, at, n, changed, False
        if dirty:
            length = first_stage(first, singles, src, run, end, middle, source)
            at, more, n = second_stage(second, middle, length, source, src, end, out, run_at, points, run_n)
            changed = run_changed + more
        out_offsets[row], counts[row] = row_at, changed
        row += 1
    return row, at, n


@njit(cache=True, nogil=True)
def _piece(conv, norm, src, i, end, out, at, middle, source, points, n):
    """`_rows`, of a copy of src[i:end] in which compatibility ideographs stand unified. Returns the new end, changed characters, points."""
    copy = np.empty(end - i, np.uint32)
    unified = 0
    for k in range(end - i):
        c = src[i + k]
        copy[k] = norm[c] if c < len(norm) else c
        unified += copy[k] != c
    ends, counts = np.array([0, end - i]), np.zeros(1, np.int32)
    _, stop, m = _rows(conv, copy, ends, 0, 1, out, at, np.empty(1, np.int64), counts, middle, source, points, n)
    for p in range(n, m):
        points[p, 1] += i
    return stop, unified + counts[0], m


@njit(cache=True, nogil=True)
def _guarded(conv, classes, norm, src, i, end, out, at, middle, source, points, n):
    """`_piece`, with clauses that hold kana copied."""
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
            at, more, n = _piece(conv, norm, src, i, stop, out, at, middle, source, points, n)
            changed += more
        i = stop
    return at, changed, n


@njit(cache=True, nogil=True)
def _together(offsets, active, kana, row):
    """End of the rows from `row` on that go in one piece: all that stay, or those that are converted, up to some thousand characters."""
    last = row + 1
    limit = offsets[row] + TOGETHER if active[row] else offsets[-1]
    if not (active[row] and kana[row]):
        while last < len(active) and active[last] == active[row] and not (active[row] and kana[last]) and offsets[last + 1] <= limit:
            last += 1
    return last


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
        last = _together(offsets, active, kana, row)
        length = offsets[last] - begin
        room = length * conv.widest if active[row] else length
        if at + room > len(out):
            # Rows after these need at least their own length.
            grown = np.empty((at + room + len(chars) - begin) * 5 // 4 + 64, np.uint32)
            grown[:at] = out[:at]
            out = grown
        if not active[row]:
            out[at : at + length] = chars[begin : begin + length]
            out_offsets[row:last] = offsets[row:last] + (at - begin)
            at += length
            row = last
            continue
        if length * conv.widest > len(middle):
            middle, source = np.empty(length * conv.widest * 2, np.uint32), np.empty(length * conv.widest * 2, np.int64)
        if n + 2 * (length + last - row) > len(points):
            more = np.empty((2 * n + 4 * (length + last - row), 2), np.int64)
            more[:n] = points[:n]
            points = more
        if not kana[row]:
            row, at, n = _rows(conv, chars, offsets, row, last, out, at, out_offsets, counts, middle, source, points, n)
            if row == last:
                continue
        out_offsets[row] = at
        begin, end = offsets[row], offsets[row + 1]
        if kana[row]:
            at, counts[row], n = _guarded(conv, classes, norm, chars, begin, end, out, at, middle, source, points, n)
        else:
            at, counts[row], n = _piece(conv, norm, chars, begin, end, out, at, middle, source, points, n)
        row += 1
    out_offsets[rows] = at
    return out[:at], out_offsets, counts, points[:n]
