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


def _packed(words: str) -> np.ndarray:
    """Words of letters as numbers, five bits a letter."""
    return np.array([sum((ord(char) & 31) << 5 * (len(word) - 1 - i) for i, char in enumerate(word)) for word in words.split()], np.int64)


@njit(cache=True, nogil=True)
def closes(c):
    """Closing quotes and brackets that belong to the sentence before them (the twin in lines.py serves the kernels there)."""
    return c in (0x22, 0x27, 0x29, 0x5D, 0x2019, 0x201D, 0x3009, 0x300B, 0x300D, 0x300F, 0x3011, 0x3015, 0xFF09, 0xFF3D)


#: Abbreviations, packed: before a name, before a number, before anything but a capital.
_TITLES = _packed("mr mrs ms dr prof st gen col sgt capt lt rev hon gov sen rep mt messrs mme mlle dipl vs cf eg ie ca approx viz resp")
_NUMBERED = _packed("no nos fig figs sec vol eq eqs ch chap pp p art tab app ver jan feb mar apr jun jul aug sep sept oct nov dec nr")
_SOFT = _packed("etc al inc ltd co corp jr sr bros dept est ed eds ave blvd rd")


@njit(cache=True, nogil=True)
def _member(words, word):
    for other in words:  # noqa: SIM110 (numba compiles no any())
        if other == word:
            return True
    return False


@njit(cache=True, nogil=True)
def _letter(c):
    return (65 <= c <= 90) or (97 <= c <= 122)


@njit(cache=True, nogil=True)
def _opens(c):
    return c in (0x22, 0x27, 0x28, 0x5B, 0x201C, 0x2018, 0x300A, 0x300C, 0x300E, 0x3010, 0xFF08)


@njit(cache=True, nogil=True)
def _abbreviates(chars, i, begin, following):
    """Whether the full stop at i belongs to an abbreviation, an initial or the number of a list item; following: what comes next."""
    j = i
    word = np.int64(0)
    while j > begin and _letter(chars[j - 1]) and i - j < 8:
        j -= 1
    for k in range(j, i):
        word = word * 32 + np.int64(chars[k] & 31)
    if j == i:
        while j > begin and 48 <= chars[j - 1] <= 57:
            j -= 1
        return j < i and i - j < 4 and (j == begin or chars[j - 1] in (10, 0x3002, 0xFF01, 0xFF1F))  # 1. the first item
    before = chars[j - 1] if j > begin else np.uint32(32)
    if i - j == 1 and (before == 0x2E or 65 <= chars[j] <= 90):
        return following != 0  # U.S. and J. K.; at the end of a text it ends
    if before >= 0x80 and not is_space(before) and not _opens(before):
        return False
    if _member(_TITLES, word):
        return True
    digit = 48 <= following <= 57
    if _member(_NUMBERED, word):
        return digit
    return _member(_SOFT, word) and (digit or _opens(following))


@njit(cache=True, nogil=True)
def sentence_end(chars, i, begin, end):
    """Offset after the sentence of chars[begin:end] that ends with chars[i], its closing marks included, or -1.

    Not inside 2.5, 3.8.8, example.com or ?a=b, after Mr. and No. 5, before a small letter; an ellipsis ends nothing before a
    letter, and neither does a question in quotes or brackets that the sentence goes on after (《谁的河？》这本书).
    """
    c = chars[i]
    ascii_mark = c == 0x2E or c == 0x21 or c == 0x3F
    after = chars[i + 1] if i + 1 < end else np.uint32(32)
    if ascii_mark:
        if c == 0x2E and not (is_space(after) or closes(after)):
            return -1
        if after < 0x80 and (48 <= after <= 57 or _letter(after) or after in (0x3D, 0x26, 0x2F, 0x5F, 0x2D)):
            return -1
    elif c == 0xFF0E:
        if i > begin and (0xFF10 <= chars[i - 1] < 0xFF1A or 48 <= chars[i - 1] <= 57):
            return -1
    elif c not in (0x2026, 0x3002, 0xFF01, 0xFF1F, 0xFF61, 0x203C, 0x2047, 0x2048, 0x2049, 0x0964, 0x061F, 0x06D4):
        return -1
    j = i + 1
    closed = False
    last = c
    while j < end:
        shuts = closes(chars[j])
        more = chars[j] in (0x21, 0x3F, 0x2026, 0x3002, 0xFF01, 0xFF1F)
        if not shuts and not more:
            break
        closed |= shuts
        last = last if shuts else chars[j]
        j += 1
    k = j
    while k < end and is_space(chars[k]):
        k += 1
    following = chars[k] if k < end else np.uint32(0)
    if ascii_mark:
        opened = k
        while opened < end and _opens(chars[opened]):
            opened += 1
        if opened < end and 97 <= chars[opened] <= 122:
            return -1
        if c == 0x2E and _abbreviates(chars, i, begin, following):
            return -1
    goes_on = k == j and following != 0 and not _opens(following)
    if goes_on and (last == 0x2026 or (closed and last != 0x3002 and last != 0x2E and following > 0x2E)):
        return -1
    return j


@njit(cache=True, nogil=True)
def sentences(chars, begin, end, out):
    """Ends of the sentences of chars[begin:end]; line ends end them too. out : (room,) int64, one a character is enough; returns how many."""
    n = np.int64(0)
    i = begin
    while i < end:
        if chars[i] == 10:
            out[n] = i + 1
            n += 1
            i += 1
            continue
        at = sentence_end(chars, i, begin, end)
        if at > 0:
            out[n] = at
            n += 1
            i = at
        else:
            i += 1
    if n == 0 or out[n - 1] < end:
        out[n] = end
        n += 1
    return n


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
        at = sentence_end(chars, i, begin, end)
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
