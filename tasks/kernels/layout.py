"""Layout of documents, from statistics over their lines; marks of readers laid over lines.

Numba kernels. Dimensions: n_docs, n_lines, n_marks.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tasks.kernels.lines import (
    BREAK,
    BULLET,
    CAPTIONS,
    CUES,
    DELIMITER,
    DIALOGUE,
    FINAL,
    FRONT,
    LINES,
    LINK,
    LIST,
    MARKDOWN,
    MARKDOWN_FORMAT,
    PARAGRAPHS,
    PIPE_EDGE,
    QUOTE,
    TAG,
    TEXT,
    WIDE,
)

# As in speech.py.
SPOKEN, NUMERIC, TIMED = 1 << 16, 1 << 17, 1 << 18

# Evidence for a wrap column from the lines that go on alone: shorter ones are labels, stanzas and addresses.
_SHORTEST = 40  # columns
_LEAST = 6  # lines that break at the column; four of a newsletter's lines once agreed by chance
_STRUCTURE = LIST | BULLET | QUOTE | TAG | PIPE_EDGE | DELIMITER | BREAK


@njit(cache=True, nogil=True)
def cover(line, mark_start, mark_end):
    """Innermost mark that covers the first character of each line.

    mark_start, mark_end : (n_marks,) int64, sorted by start, outer before inner.
    returns              : (n_lines,) int64, index of the mark, -1 for none.
    """
    out = np.full(len(line), -1, np.int64)
    stack = np.empty(len(mark_start), np.int64)
    depth = 0
    m = 0
    for row in range(len(line)):
        at = line[row].start
        while m < len(mark_start) and mark_start[m] <= at:
            while depth and mark_end[stack[depth - 1]] <= mark_start[m]:
                depth -= 1
            stack[depth] = m
            depth += 1
            m += 1
        while depth and mark_end[stack[depth - 1]] <= at:
            depth -= 1
        if depth:
            out[row] = stack[depth - 1]
    return out


@njit(cache=True, nogil=True)
def _is_dialogue(line, first, last):
    """Whether most lines begin with a label that recurs, and at least two labels do."""
    labelled = 0
    for row in range(first, last):
        labelled += line[row].label != 0
    if labelled < 4 or labelled * 2 < last - first:
        return False
    size = 8
    while size < labelled * 2:
        size *= 2
    keys = np.zeros(size, np.uint64)
    counts = np.zeros(size, np.int64)
    for row in range(first, last):
        key = line[row].label
        if key:
            at = np.int64((key ^ (key >> np.uint64(29))) & np.uint64(size - 1))
            while keys[at] and keys[at] != key:
                at = (at + 1) & (size - 1)
            keys[at] = key
            counts[at] += 1
    recurring = 0
    speakers = 0
    for at in range(size):
        if counts[at] > 1:
            recurring += counts[at]
            speakers += 1
    return speakers >= 2 and recurring * 2 >= last - first


@njit(cache=True, nogil=True)
def _is_captions(line, first, last, middle, upper):
    """Whether short lines are one run of speech: most hold words of speech, few end a sentence, none carries a structure.

    Lines that may end sentences are those of automatic punctuation: then more of them must speak. Lists, verse, menus and
    headlines do not speak; logs, chats and contents carry figures; labels are fields. Blank lines stand nowhere, or between all.
    """
    n = spoken = final = blank = marked = numeric = labelled = timed = np.int64(0)
    for row in range(first, last):
        flags = line[row].flags
        if line[row].mark == FRONT:
            continue
        blank += line[row].blank_before
        if flags & TIMED:
            timed += 1
            continue
        n += 1
        spoken += (flags & SPOKEN) != 0
        final += (flags & FINAL) != 0
        numeric += (flags & NUMERIC) != 0
        labelled += line[row].label != 0
        marked += (flags & (LIST | BULLET)) != 0 or line[row].indent >= 2
    if n < 12 or middle > 50 or upper > 100 or numeric * 5 >= n or labelled * 5 >= n * 2:
        return False
    if blank * 7 >= n and (blank * 10 < (n + timed) * 9 or middle > 40):
        return False
    if final * 10 < n:
        return spoken * 5 >= n * 2 and (marked * 5 < n or (marked * 2 < n and spoken * 3 >= n * 2))
    return final * 5 < n * 2 and spoken * 3 >= n * 2 and marked * 5 < n and blank * 7 < n


@njit(cache=True, nogil=True)
def lay_out(line, firsts, formats):
    """Layout of each document, from statistics over its lines.

    formats : (n_docs,) uint8 (TEXT, MARKDOWN_FORMAT, CUES, HTML). Front matter is left out.
    returns : layout (n_docs,) uint8 and wrap (n_docs,) int32: the column at which lines are hard-wrapped, 0 when they are not.
    """
    n_docs = len(firsts) - 1
    layout = np.empty(n_docs, np.uint8)
    wrap = np.zeros(n_docs, np.int32)
    widths = np.zeros(257, np.int64)
    for doc in range(n_docs):
        widths[:] = 0
        n = np.int64(0)
        blank = headings = lists = fences = tables = links = broad = np.int64(0)
        for row in range(firsts[doc], firsts[doc + 1]):
            if line[row].mark == FRONT:
                continue
            flags = line[row].flags
            n += 1
            blank += line[row].blank_before
            widths[min(line[row].width, 256)] += 1
            broad += line[row].width >= 80
            listed = (flags & (LIST | BULLET)) != 0
            lists += listed
            headings += line[row].level > 0
            fences += line[row].fence > 0
            tables += (flags & DELIMITER) != 0
            links += (flags & LINK) != 0
        middle = _quantile(widths, n, 0.5)
        upper = _quantile(widths, n, 0.95)
        wrap[doc] = _wrap(line, firsts[doc], firsts[doc + 1], upper, n)
        if wrap[doc] == 0:
            wrap[doc] = _wrap_of_paragraphs(line, firsts[doc], firsts[doc + 1], widths)
        structured = fences >= 2 or tables > 0 or (headings > 0 and (lists >= 2 or links > 0)) or (lists >= 2 and links >= 2)
        if formats[doc] == CUES:
            layout[doc] = CAPTIONS
        elif formats[doc] == MARKDOWN_FORMAT or (formats[doc] == TEXT and structured):
            layout[doc] = MARKDOWN
        elif _is_dialogue(line, firsts[doc], firsts[doc + 1]):
            layout[doc] = DIALOGUE
        elif formats[doc] == TEXT and (wrap[doc] == 0 or blank < 2) and _is_captions(line, firsts[doc], firsts[doc + 1], middle, upper):
            layout[doc] = CAPTIONS
        elif n == 1 or blank * 6 >= n or broad * 3 >= n or wrap[doc] > 0:
            layout[doc] = PARAGRAPHS
        else:
            layout[doc] = LINES
    return layout, wrap


@njit(cache=True, nogil=True)
def _quantile(counts, n, share):
    seen = 0
    for value in range(len(counts)):
        seen += counts[value]
        if seen >= n * share and seen > 0:
            return value
    return 0


@njit(cache=True, nogil=True)
def _is_plain(line, row):
    """Whether a line is text without any mark of structure."""
    return line[row].mark != FRONT and line[row].level == 0 and line[row].fence == 0 and (line[row].flags & _STRUCTURE) == 0


@njit(cache=True, nogil=True)
def _goes_on(line, row, last):
    """Whether the next line stands in the same paragraph."""
    if row + 1 >= last or line[row + 1].blank_before or line[row + 1].block != line[row].block or line[row + 1].aside != line[row].aside:
        return False
    return _is_plain(line, row) and _is_plain(line, row + 1)


@njit(cache=True, nogil=True)
def _evidence(line, first, last, wrap):
    """What paragraphs of two and more lines say of a wrap column.

    returns : (lines that go on, those of them that break where the next word did not fit any more, those of these that end a
              sentence, paragraphs with such a break, those of them that end a sentence, those whose last line is as long as the one before).
    """
    goes = broken = ended = paragraphs = closed = brim = np.int64(0)
    inside = False
    for row in range(first, last):
        if not _goes_on(line, row, last):
            paragraphs += inside
            closed += inside and (line[row].flags & FINAL) != 0
            brim += inside and abs(line[row].width - line[row - 1].width) <= 2
            inside = False
        elif line[row].width >= _SHORTEST:
            goes += 1
            if line[row].width <= wrap + 4 and line[row].width + line[row + 1].lead + 3 >= wrap:
                broken += 1
                ended += (line[row].flags & FINAL) != 0
                inside = True
    return goes, broken, ended, paragraphs, closed, brim


@njit(cache=True, nogil=True)
def _wrap(line, first, last, upper, n):
    """Wrap column: the upper width, when many lines reach it, few of those end a sentence, and the paragraphs do not speak against it."""
    if n < 2 or upper < 50 or upper > 100:
        return 0
    full = 0
    ended = 0
    for row in range(first, last):
        if line[row].mark != FRONT and line[row].width <= upper and line[row].width >= upper - (6 if line[row].flags & WIDE else 16):
            full += 1
            ended += (line[row].flags & FINAL) != 0
    if full * 5 < n * 2 or ended * 3 >= full:
        return 0
    goes, broken, _, paragraphs, closed, _ = _evidence(line, first, last, upper)
    return upper if broken * 4 >= goes * 3 and closed * 2 >= paragraphs else 0


@njit(cache=True, nogil=True)
def _wrap_of_paragraphs(line, first, last, widths):
    """Wrap column from the lines inside paragraphs of two and more lines, however many one-line paragraphs stand around them.

    Hard-wrapped prose shows three things together: nearly every line that goes on breaks where the next word did not fit any
    more, few of them end a sentence, and most paragraphs end with one. Verse, lists and captions lack the first or the last.
    widths : (257,) int64, room for counts. Returns 0 where there is no such column.
    """
    widths[:] = 0
    n = np.int64(0)
    for row in range(first, last):
        if line[row].width >= _SHORTEST and _goes_on(line, row, last):
            n += 1
            widths[min(line[row].width, 256)] += 1
    wrap = _quantile(widths, n, 0.9)  # a long line above a share button may stand among them
    if n < _LEAST or wrap < 50 or wrap > 100:
        return 0
    goes, broken, ended, paragraphs, closed, brim = _evidence(line, first, last, wrap)
    if broken < _LEAST or broken * 20 < goes * 17 or brim * 5 >= paragraphs * 4:  # couplets: both lines of one length
        return 0
    # Where every line breaks at the column and every paragraph ends a sentence, half of the breaks may end one too.
    exact = broken == goes and closed == paragraphs and ended * 2 <= broken
    return wrap if exact or (ended * 3 < broken and closed * 2 >= paragraphs) else 0
