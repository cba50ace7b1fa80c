"""Language of text, last step: atoms with their languages to counts, spans, primary language and mix of each row."""

from __future__ import annotations

import numpy as np
from numba import njit

from tasks.kernels.language import (
    ALPHABET,
    BREAK_MASK,
    DOT,
    HAN,
    HAN_JAPANESE,
    KATAKANA,
    KIND_CJK,
    NEWLINE,
    NO_BREAK,
    OPAQUE,
    SENTENCE_BREAK,
    SPACE,
    SPLIT,
    STOP,
)

#: A quotation in brackets or quotation marks of at most so many words, or of so many Han, kana or Hangul, is a title or a term.
TITLE_WORDS, TITLE_CHARS = 12, 12
#: Its brackets stand at most so many characters from its words (numbers, code and other signs may stand between).
QUOTE_REACH = 64
#: Running text has at least so many words, or (Han, kana, Hangul ...) letters; unmarked inside a clause of another script more words.
RUNNING_WORDS, RUNNING_LETTERS, EMBEDDED_WORDS = 4, 6, 7
#: A name or term beside Han, kana or Hangul weighs an eighth in the choice of the primary language: about three letters of an
#: alphabet say what one Han character says, and two products' names do not make a short Chinese sentence English.
TERM_WEIGHT = 8


@njit(cache=True, nogil=True)
def _closer(c):
    """Closing partner of an opening bracket or quotation mark; 0 for anything else."""
    if c == 0x22 or c == 0x27 or c == 0x2A or c == 0x5F or c == 0x60 or c == 0xFF02 or c == 0xFF07:
        return c
    if c == 0x28:
        return np.uint32(0x29)
    if c == 0xFF08:
        return np.uint32(0xFF09)
    if c == 0x5B or c == 0x7B or c == 0x3C or c == 0xFF3B or c == 0xFF5B:
        return c + np.uint32(2)
    if c == 0x2018 or c == 0x201C or c == 0x2039:
        return c + np.uint32(1)
    if c == 0xAB:
        return np.uint32(0xBB)
    if 0x3008 <= c <= 0x301A and (c <= 0x3010 or c >= 0x3014) and c % 2 == 0:
        return c + np.uint32(1)
    return np.uint32(0)


@njit(cache=True, nogil=True)
def _closes(c):
    """Whether a character closes brackets or a quotation."""
    return c in (0x29, 0xFF09, 0x5D, 0x7D, 0xFF3D, 0xFF5D, 0x2019, 0x201D, 0x203A, 0xBB) or (
        0x3009 <= c <= 0x301B and (c <= 0x3011 or c >= 0x3015) and c % 2 == 1
    )


@njit(cache=True, nogil=True)
def _quoted(chars, classes, begin, end, row_begin, row_end):
    """Whether chars[begin:end] fills a pair of brackets or quotation marks, spaces, numbers and code aside, as one sentence."""
    for i in range(begin - 1, max(row_begin, begin - QUOTE_REACH) - 1, -1):
        c = chars[i]
        k = classes[c] if c < len(classes) else np.uint8(0)
        closer = _closer(c)
        # Signs that open and close alike must stand right at the text.
        if closer != 0 and (closer != c or i == begin - 1):
            return _closed(chars, classes, end, min(row_end, end + QUOTE_REACH), closer, closer == c)
        if k in (NEWLINE, STOP) or k >= HAN or _closes(c) or (k == DOT and chars[i + 1] == 0x20):
            return False
    return False


@njit(cache=True, nogil=True)
def _closed(chars, classes, begin, end, closer, alike):
    """Whether the closing sign comes before the sentence ends and goes on."""
    # Opening and closing brackets of two widths meet in carelessly typed text.
    other = np.uint32(0xFF09) if closer == 0x29 else np.uint32(0x29) if closer == 0xFF09 else closer
    ended = False
    for j in range(begin, end):
        if chars[j] in (closer, other):
            return True
        k = classes[chars[j]] if chars[j] < len(classes) else np.uint8(0)
        if k in (NEWLINE, STOP) or k >= HAN or (alike and k != SPACE) or (ended and k >= ALPHABET):
            return False
        ended |= k == DOT
    return False


@njit(cache=True, nogil=True)
def _running(kind, letters, words, lower, short, embedded, quoted):
    """Whether a group of atoms in one language and sentence is running text, not a name, term or title."""
    if kind >= KIND_CJK:
        return letters >= RUNNING_LETTERS and not (quoted and letters <= TITLE_CHARS)
    if words < (EMBEDDED_WORDS if embedded else RUNNING_WORDS) or (quoted and words <= TITLE_WORDS):
        return False
    # Titles and lists of names have capitals; sentences have little words (or are long).
    return lower * 2 >= words and (short * 6 >= words or letters >= 20)


@njit(cache=True, nogil=True)
def finish(chars, offsets, classes, first, kinds, breaks, stats, starts, ends, langs, family, zh, ja, n_langs, mixed_share):
    """Counts, spans, primary language and mix of each row.

    family  : (n_langs,) int32, the same for zh, zh-Hans and zh-Hant, which never mix with one another.
    returns : primary (n,) int32 (-1: no letters), mixed (n,) bool, count_offsets (n + 1,), count_langs, count_letters (largest first),
              span_offsets (n + 1,), span_starts, span_ends (offsets in the row), span_langs; all int32 but letters (int64).
    """
    n = len(offsets) - 1
    n_atoms = len(kinds)
    room = n_atoms
    for a in range(n_atoms):
        room += stats[a, 0] if langs[a] == SPLIT else 1
    primary = np.full(n, -1, np.int32)
    mixed = np.zeros(n, np.bool_)
    count_offsets = np.zeros(n + 1, np.int32)
    count_langs = np.empty(room, np.int32)
    count_letters = np.empty(room, np.int64)
    span_offsets = np.zeros(n + 1, np.int32)
    span_starts = np.empty(room, np.int32)
    span_ends = np.empty(room, np.int32)
    span_langs = np.empty(room, np.int32)
    letters_of = np.zeros(n_langs, np.int64)
    weight_of = np.zeros(n_langs, np.int64)
    running_of = np.zeros(n_langs, np.int64)
    seen = np.empty(n_langs, np.int32)
    n_counts = 0
    n_spans = 0
    for row in range(n):
        begin = first[row]
        last = first[row + 1]
        base = offsets[row]
        n_seen = 0
        cjk = False
        for a in range(begin, last):
            cjk |= kinds[a] >= KIND_CJK
        row_spans = n_spans
        a = begin
        while a < last:
            lang = langs[a]
            if lang == SPLIT:
                i = starts[a]
                while i < ends[a]:
                    k = classes[chars[i]] if chars[i] < len(classes) else np.uint8(0)
                    if k < HAN or k > KATAKANA:
                        i += 1
                        continue
                    is_han = k <= HAN_JAPANESE
                    own = zh[row] if is_han else ja
                    j = i
                    stop = i
                    letters = 0
                    while j < ends[a]:
                        k = classes[chars[j]] if chars[j] < len(classes) else np.uint8(0)
                        if k >= HAN and k <= KATAKANA:
                            if (k <= HAN_JAPANESE) != is_han:
                                break
                            letters += 1
                            stop = j + 1
                        j += 1
                    n_seen = _count(
                        letters_of,
                        weight_of,
                        running_of,
                        seen,
                        n_seen,
                        own,
                        letters,
                        letters * TERM_WEIGHT if is_han else letters,
                        letters if is_han and stats[a, 1] >= RUNNING_LETTERS else 0,
                    )
                    n_spans = _span(
                        span_starts,
                        span_ends,
                        span_langs,
                        row_spans,
                        n_spans,
                        i - base,
                        stop - base,
                        own,
                        i == starts[a] and breaks[a] & OPAQUE != 0,
                    )
                    i = j
                a += 1
                continue
            # A group: atoms of one language that nothing but punctuation within a sentence keeps apart.
            b = a
            letters = 0
            words = 0
            lower = 0
            short = 0
            while b < last and langs[b] == lang and (b == a or breaks[b] & BREAK_MASK != SENTENCE_BREAK):
                letters += stats[b, 0]
                if kinds[b] < KIND_CJK:
                    words += stats[b, 1]
                    lower += stats[b, 2]
                    short += stats[b, 3]
                n_spans = _span(
                    span_starts, span_ends, span_langs, row_spans, n_spans, starts[b] - base, ends[b] - base, lang, breaks[b] & OPAQUE != 0
                )
                b += 1
            embedded = (a > begin and breaks[a] & BREAK_MASK == NO_BREAK) or (b < last and breaks[b] & BREAK_MASK == NO_BREAK)
            quoted = _quoted(chars, classes, starts[a], ends[b - 1], base, offsets[row + 1])
            running = _running(kinds[a], letters, words, lower, short, embedded, quoted)
            weight = letters * TERM_WEIGHT
            if cjk and not running and kinds[a] < KIND_CJK:
                weight = letters
            n_seen = _count(letters_of, weight_of, running_of, seen, n_seen, lang, letters, weight, letters if running else 0)
            a = b
        total = np.int64(0)
        lead = np.int64(-1)
        for m in range(n_seen):
            own = seen[m]
            total += letters_of[own]
            if lead < 0 or weight_of[own] > weight_of[lead] or (weight_of[own] == weight_of[lead] and own < lead):
                lead = own
        foreign = np.int64(0)
        for m in range(n_seen):
            if family[seen[m]] != family[lead]:
                foreign += running_of[seen[m]]
        primary[row] = lead
        mixed[row] = foreign > 0 and foreign >= mixed_share * total
        # Few languages a row: insertion sort, largest first, ties by number (numbers are in order of the names).
        for m in range(n_seen):
            own = seen[m]
            at = n_counts + m
            while at > n_counts and (
                count_letters[at - 1] < letters_of[own] or (count_letters[at - 1] == letters_of[own] and count_langs[at - 1] > own)
            ):
                count_letters[at] = count_letters[at - 1]
                count_langs[at] = count_langs[at - 1]
                at -= 1
            count_letters[at] = letters_of[own]
            count_langs[at] = own
        n_counts += n_seen
        for m in range(n_seen):
            letters_of[seen[m]] = 0
            weight_of[seen[m]] = 0
            running_of[seen[m]] = 0
        count_offsets[row + 1] = n_counts
        span_offsets[row + 1] = n_spans
    return (
        primary,
        mixed,
        count_offsets,
        count_langs[:n_counts].copy(),
        count_letters[:n_counts].copy(),
        span_offsets,
        span_starts[:n_spans].copy(),
        span_ends[:n_spans].copy(),
        span_langs[:n_spans].copy(),
    )


@njit(cache=True, nogil=True)
def _count(letters_of, weight_of, running_of, seen, n_seen, lang, letters, weight, running):
    if letters_of[lang] == 0 and letters > 0:
        seen[n_seen] = lang
        n_seen += 1
    letters_of[lang] += letters
    weight_of[lang] += weight
    running_of[lang] += running
    return n_seen


@njit(cache=True, nogil=True)
def _span(span_starts, span_ends, span_langs, row_begin, n, start, end, lang, apart):
    """Add a span, or lengthen the last one when it has the same language and nothing opaque stands between."""
    if n > row_begin and span_langs[n - 1] == lang and not apart:
        span_ends[n - 1] = end
        return n
    span_starts[n] = start
    span_ends[n] = end
    span_langs[n] = lang
    return n + 1


@njit(cache=True, nogil=True)
def row_starts(rows, n, n_rows):
    """(n_rows + 1,) int64: atoms of row r are first[r] : first[r + 1]."""
    first = np.zeros(n_rows + 1, np.int64)
    for a in range(n):
        first[rows[a] + 1] += 1
    for r in range(n_rows):
        first[r + 1] += first[r]
    return first
