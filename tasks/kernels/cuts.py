"""Passages from groups of lines: long ones are cut, at sentence ends where there are any. Times of passages from cues.

Numba kernels. Dimensions: n_groups, n_passages, n_cues.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tasks.kernels.utf8 import is_space

TABLE, CODE, METADATA = 3, 4, 7  # as in tasks.segment.KINDS
FINAL = 1  # as in tasks.kernels.lines

LONG = 1200  # code points: a paragraph over this is cut
LEAST, MOST = 300, 600  # code points: pieces end at a sentence end in this window if there is one
FAR = 2400  # code points: no sentence end before this: cut at a comma or space, else here
BULK = 16000  # code points: code, tables and metadata over this are cut at line ends, so that memory stays bounded


#: One passage: its group of lines, its span (trimmed) and its lines (inclusive).
PASSAGE = np.dtype(
    [
        ("start", np.int64),
        ("end", np.int64),
        ("group", np.int32),
        ("first_line", np.int32),
        ("last_line", np.int32),
        ("wrapped", np.bool_),
    ],
    align=True,
)


@njit(cache=True, nogil=True)
def closes(c):
    """Closing quotes and brackets that belong to the sentence before them (the twin in lines.py serves the kernels there)."""
    return c in (0x22, 0x27, 0x29, 0x5D, 0x2019, 0x201D, 0x3009, 0x300B, 0x300D, 0x300F, 0x3011, 0x3015, 0xFF09, 0xFF3D)


@njit(cache=True, nogil=True)
def sentence_end(chars, i, end):
    """Offset after the sentence that ends with chars[i], or -1. Not inside 2.5, 3.8.8, example.com or ?a=b."""
    c = chars[i]
    if c == 0x2E or c == 0x21 or c == 0x3F:
        after = chars[i + 1] if i + 1 < end else 32
        if c == 0x2E and not (is_space(after) or closes(after)):
            return -1
        if after < 0x80 and ((48 <= after <= 57) or (65 <= after <= 90) or (97 <= after <= 122) or after in (0x3D, 0x26, 0x2F, 0x5F, 0x2D)):
            return -1
    elif c not in (0x2026, 0x3002, 0xFF01, 0xFF1F, 0xFF61):
        return -1
    j = i + 1
    while j < end and (closes(chars[j]) or chars[j] in (0x21, 0x3F, 0x2026, 0x3002, 0xFF01, 0xFF1F)):
        j += 1
    return j


@njit(cache=True, nogil=True)
def _near(chars, at, begin):
    """Hash of the visible characters before a cut: the cut is chosen by content, so that it comes back after an edit further up."""
    h = np.uint64(0xCBF29CE484222325)
    seen = 0
    i = at - 1
    while i >= begin and seen < 12:
        if not is_space(chars[i]):
            h = (h ^ np.uint64(chars[i])) * np.uint64(0x100000001B3)
            seen += 1
        i -= 1
    return h ^ (h >> np.uint64(29))


@njit(cache=True, nogil=True)
def cut(chars, begin, end):
    """Where the piece of a long paragraph that begins at `begin` ends: at a sentence end, else at a comma or space, else hard.

    Of the sentence ends LEAST to MOST code points on, the one with the least hash of what stands before it; else the first up
    to FAR; else the last weak boundary up to FAR; else FAR, not before a combining mark or joiner.
    """
    if end - begin <= MOST + LEAST:
        return end
    best = -1
    least = np.uint64(0)
    limit = min(end, begin + FAR)
    i = begin
    weak = -1
    while i < limit:
        at = sentence_end(chars, i, end)
        if at >= 0:
            at = min(at, begin + FAR)  # a sentence may end in ten thousand marks
            if begin + LEAST <= at <= begin + MOST:
                h = _near(chars, at, begin)
                if best < 0 or h < least:
                    best, least = at, h
            elif at > begin + MOST:
                return best if best >= 0 else end if end - at < LEAST // 4 else at
            i = at
            continue
        i += 1
        if i >= begin + LEAST and (chars[i - 1] in (0x2C, 0x3B, 0xFF0C, 0xFF1B, 0x3001) or is_space(chars[i - 1])):
            weak = i
        if best >= 0 and i > begin + MOST:
            return best
    if best >= 0:
        return best
    if limit == end:
        return end
    if weak >= 0:
        return weak
    at = limit
    while at > begin + LEAST and _extends(chars[at]):
        at -= 1
    return at if at > begin + LEAST else limit


@njit(cache=True, nogil=True)
def _extends(c):
    return (0x300 <= c < 0x370) or c == 0x200D or (0xFE00 <= c < 0xFE10) or (0x20D0 <= c < 0x2100) or (0xE0100 <= c < 0xE01F0)


@njit(cache=True, nogil=True)
def _put(out, n, group, start, end, first, last, wrapped):
    out[n].group = group
    out[n].start = start
    out[n].end = end
    out[n].first_line = first
    out[n].last_line = last
    out[n].wrapped = wrapped and last > first
    return n + 1


@njit(cache=True, nogil=True)
def _put_line(chars, out, n, group, at, end, row, bulk):
    """Write one long line in pieces. Returns the new count."""
    while at < end:
        stop = min(end, at + BULK) if bulk else cut(chars, at, end)
        right = stop
        while right > at and is_space(chars[right - 1]):
            right -= 1
        if right > at:
            n = _put(out, n, group, at, right, row, row, False)
        at = stop
        while at < end and is_space(chars[at]):
            at += 1
    return n


@njit(cache=True, nogil=True)
def spread(chars, line, groups, out):
    """Write each group of lines as one passage, or as several, at line ends or inside a long line, when it is long.

    line : (n_lines,) LINE; groups : (n_groups,) GROUP; out : (room,) PASSAGE, with room. Returns n_passages.
    """
    n = np.int64(0)
    for group in range(len(groups)):
        i, last = np.int64(groups[group].first_line), np.int64(groups[group].last_line)
        bulk = groups[group].kind == TABLE or groups[group].kind == CODE or groups[group].kind == METADATA
        long = BULK if bulk else LONG
        least = BULK // 2 if bulk else LEAST
        most = BULK if bulk else LONG if groups[group].wrapped else MOST
        if line[last].end - line[i].start <= long:
            most = long
            least = long + 1
        while i <= last:
            j = i
            while j < last and line[j + 1].end - line[i].start <= most:
                if line[j].end - line[i].start >= least and line[j].flags & FINAL:
                    break
                j += 1
            if line[j].end - line[i].start > long:
                n = _put_line(chars, out, n, group, line[i].start, line[i].end, i, bulk)
            else:
                n = _put(out, n, group, line[i].start, line[j].end, i, j, groups[group].wrapped)
            i = j + 1
    return n


@njit(cache=True, nogil=True)
def times(passage_start, passage_end, cue_start, cue_end, cue_from, cue_to):
    """Earliest start and latest end of the cues that overlap each passage, -1 where there is none.

    All (n,) int64; passages and cues sorted by start.
    """
    begin = np.full(len(passage_start), -1, np.int64)
    finish = np.full(len(passage_start), -1, np.int64)
    low = 0
    for p in range(len(passage_start)):
        while low < len(cue_start) and cue_end[low] <= passage_start[p]:
            low += 1
        c = low
        while c < len(cue_start) and cue_start[c] < passage_end[p]:
            if cue_end[c] > passage_start[p]:
                begin[p] = cue_from[c] if begin[p] < 0 else min(begin[p], cue_from[c])
                finish[p] = max(finish[p], cue_to[c])
            c += 1
    return begin, finish
