"""Language of text, first step: rows to atoms (runs of one script in one clause), without what carries no language.

An atom is a row of parallel arrays. Its numbers, `stats` (n_atoms, 7) int32:
    [0] letters (Han, kana and so on count one each; digits, marks, URLs, code count none)
    alphabets: [1] words  [2] words that begin in lower case  [3] words of at most three letters  [4] lower-case letters
    Han, kana: [1] Han  [2] hiragana  [3] katakana  [4] weak, [5] strong evidence of Chinese  [6] of Japanese
"""

from __future__ import annotations

import numpy as np
from numba import njit

# Classes of characters (`tasks.language.character_classes`). From ALPHABET on they are letters.
OTHER, SPACE, NEWLINE, STOP, CLAUSE, DIGIT, MARK, DOT, LINK, OPENER = range(10)
ALPHABET = 10
LATIN, LATIN_UPPER, CYRILLIC, CYRILLIC_UPPER, ARABIC, DEVANAGARI = range(ALPHABET, ALPHABET + 6)
HAN, HAN_WEAK, HAN_STRONG, HAN_JAPANESE, HIRAGANA, HIRAGANA_NO, KATAKANA = range(20, 27)
FIXED = 32  # FIXED + i: script that only one language has, number i

# Kinds of atoms: 0 to 3 alphabets by script, CJK, and FIXED + i.
KIND_LATIN, KIND_CYRILLIC, KIND_ARABIC, KIND_DEVANAGARI, KIND_CJK = range(5)
# Breaks before an atom: none (another script stands right before it), a clause, a sentence, a word (`cut` cut it from the atom
# before); OPAQUE is added when a URL, identifier or the like stands between.
NO_BREAK, CLAUSE_BREAK, SENTENCE_BREAK, WORD_BREAK, OPAQUE = 0, 1, 2, 3, 4
BREAK_MASK = 3
# In place of a language number: Han and kana of the atom are told apart character by character.
SPLIT = -2

#: Longest tag, code span in a line, and label of a reference (characters): further off, the opening sign was only a sign.
MAX_TAG, MAX_CODE, MAX_LABEL = 500, 300, 100
#: Hyphens from which a word is a slug (state-of-the-art is none).
MAX_HYPHENS = 3
#: Capital letters before a dot from which what follows right after it belongs to the name of a host.
MIN_HOST = 3


@njit(cache=True, nogil=True)
def _class(classes, c):
    return classes[c] if c < len(classes) else np.uint8(OTHER)


@njit(cache=True, nogil=True)
def _script(k):
    """Class of a letter without its case."""
    return k & ~1 if k <= CYRILLIC_UPPER else k


@njit(cache=True, nogil=True)
def _is_ascii_word(c):
    return 0x61 <= c <= 0x7A or 0x41 <= c <= 0x5A or 0x30 <= c <= 0x39


@njit(cache=True, nogil=True)
def _url_end(chars, i, end):
    """End of the URL that starts at i (`scheme://` or `www.`), or i when there is none."""
    j = i
    while j < end and j - i < 12 and _is_ascii_word(chars[j]):
        j += 1
    scheme = j > i + 1 and j + 3 < end and chars[j] == 0x3A and chars[j + 1] == 0x2F and chars[j + 2] == 0x2F
    www = j == i + 3 and j + 1 < end and chars[j] == 0x2E and (chars[i] | 0x20) == 0x77 and (chars[i + 1] | 0x20) == 0x77
    if not scheme and not (www and _is_ascii_word(chars[j + 1])):
        return i
    while j < end:
        c = chars[j]
        # Printable ASCII but quotes, angle brackets, backquote, braces, bar; a closing bracket ends a Markdown target.
        if c <= 0x20 or c >= 0x7F or c in (0x22, 0x3C, 0x3E, 0x60, 0x7B, 0x7D, 0x7C, 0x29, 0x5D):
            break
        j += 1
    return j


@njit(cache=True, nogil=True)
def _enclosed_end(chars, i, end, closer, limit, over_lines):
    """One past the next `closer` within `limit` characters, or i when there is none (or a line ends before)."""
    j = i + 1
    while j < end and (j - i <= limit or over_lines):
        if chars[j] == closer:
            return j + 1
        if chars[j] == 0x0A and not over_lines:
            return i
        j += 1
    return i


@njit(cache=True, nogil=True)
def _code_end(chars, i, end):
    """End of a code span in backquotes at i, or i."""
    j = i
    while j < end and chars[j] == 0x60:
        j += 1
    j = _enclosed_end(chars, j - 1, end, 0x60, MAX_CODE, j - i >= 3)
    if j <= i + 1 or chars[j - 1] != 0x60:
        return i
    while j < end and chars[j] == 0x60:
        j += 1
    return j


@njit(cache=True, nogil=True)
def _token_end(chars, classes, i, end):
    """End of the Latin token at i, and whether it is opaque: an identifier, path, dotted name, address or the like.

    A token is letters, digits and the connectors _ - ' . / @ # + = & % ~ $ \\ * between them.
    """
    j = i
    begin = i
    digits = False
    odd = False
    slashes = 0
    hyphens = 0
    humps = 0
    first_upper = _class(classes, chars[i]) == LATIN_UPPER
    before = np.uint8(OTHER)
    last = i
    while j < end:
        c = chars[j]
        k = _class(classes, c)
        if k in (LATIN, LATIN_UPPER, MARK):
            humps += k == LATIN_UPPER and before == LATIN
            last = j + 1
        elif k == DIGIT:
            digits = True
            last = j + 1
        elif k == DOT:
            following = _class(classes, chars[j + 1]) if j + 1 < end else np.uint8(OTHER)
            if following in (LATIN, DIGIT):
                odd = True
            elif following != LATIN_UPPER or before != LATIN_UPPER:
                break
            elif j - begin >= MIN_HOST and _class(classes, chars[j - 2]) == LATIN_UPPER:
                # EXAMPLE.COM, not U.S.
                odd = True
        elif c == 0x2F:
            slashes += 1
        elif c == 0x3A:
            if j + 2 < end and chars[j + 1] == 0x3A and _class(classes, chars[j + 2]) in (LATIN, LATIN_UPPER):
                odd = True
                j += 1
            else:
                break
        elif c == 0x5F or c == 0x40 or c == 0x5C or c == 0x3D or c == 0x25 or c == 0x7E or c == 0x24:
            # _ @ \ = % ~ $ inside a word make it code or an address
            if j + 1 < end and _class(classes, chars[j + 1]) in (LATIN, LATIN_UPPER, DIGIT, LINK):
                odd = True
            else:
                break
        elif c == 0x2B or c == 0x23:
            if before != LATIN and before != LATIN_UPPER and c != chars[j - 1]:
                break
            # C++, C#
            odd = True
            last = j + 1
        elif k == LINK:
            hyphens += c == 0x2D
        else:
            break
        before = k
        j += 1
    if last + 1 < end and chars[last] == 0x28 and chars[last + 1] == 0x29:
        odd = True
        last += 2
    if digits or slashes > 1 or hyphens > MAX_HYPHENS or humps > 1 or (humps == 1 and not first_upper):
        odd = True
    return last, odd


@njit(cache=True, nogil=True)
def _opaque_end(chars, classes, begin, i, end):
    """End of something at i that carries no language although no letter starts it (code, tag, @name, path); i when nothing does."""
    c = chars[i]
    if c == 0x60:
        return _code_end(chars, i, end)
    if i + 1 >= end:
        return i
    d = chars[i + 1]
    k = _class(classes, d)
    letter = k in (LATIN, LATIN_UPPER)
    if c == 0x3C and d == 0x21 and i + 3 < end and chars[i + 2] == 0x2D and chars[i + 3] == 0x2D:
        j = i + 4
        while j + 2 < end and not (chars[j] == 0x2D and chars[j + 1] == 0x2D and chars[j + 2] == 0x3E):
            j += 1
        return j + 3 if j + 2 < end else i
    if c == 0x3C and (d == 0x2F or d == 0x21 or (letter and d < 0x80)):
        return _enclosed_end(chars, i, end, 0x3E, MAX_TAG, False)
    free = i == begin or not _is_ascii_word(chars[i - 1])
    if c == 0x26 and (d == 0x23 or letter):
        j = i + 2
        while j < end and j - i < 10 and _is_ascii_word(chars[j]):
            j += 1
        return j + 1 if j < end and chars[j] == 0x3B else i
    if not free or not (letter or d == c or d == 0x2F or d == 0x5F):
        # A hashtag may be in any script; everything else above starts with a Latin letter.
        if c == 0x23 and free and k >= ALPHABET:
            j = i + 1
            while j < end and (_class(classes, chars[j]) == DIGIT or _class(classes, chars[j]) >= ALPHABET):
                j += 1
            return j if j < end and chars[j] == 0x23 else i
        return i
    if c == 0x40 or c == 0x23 or c == 0x5C or c == 0x2F or c == 0x24 or c == 0x5F or (c == 0x2D and d == 0x2D) or (c == 0x7E and d == 0x2F):
        j = i
        while j < end and _class(classes, chars[j]) not in (LATIN, LATIN_UPPER, DIGIT):
            if chars[j] <= 0x20 or chars[j] >= 0x7F:
                return i
            j += 1
        if j >= end or j - i > 4:
            return i
        return _token_end(chars, classes, j, end)[0]
    return i


@njit(cache=True, nogil=True)
def _reference_end(chars, begin, i, end):
    """End of a Markdown reference at the [ at i: the label of [text][label] or of [label]: target; i when it is neither."""
    j = _enclosed_end(chars, i, end, 0x5D, MAX_LABEL, False)
    if j > i and ((i > begin and chars[i - 1] == 0x5D) or (j < end and chars[j] == 0x3A)):
        return j
    return i


@njit(cache=True, nogil=True)
def _take_word(chars, classes, i, end, script, numbers):
    """End of the word (letters and marks of one script) at i; counts it in an alphabet's numbers of an atom."""
    head = _class(classes, chars[i])
    letters = 0
    lower = 0
    while i < end:
        k = _class(classes, chars[i])
        if k != MARK and (_script(k) != script or k < ALPHABET):
            break
        letters += k != MARK
        lower += k in (LATIN, CYRILLIC) or k >= ARABIC
        i += 1
    numbers[0] += letters
    numbers[1] += 1
    numbers[2] += head != LATIN_UPPER and head != CYRILLIC_UPPER
    numbers[3] += letters <= 3
    numbers[4] += lower
    return i


@njit(cache=True, nogil=True)
def scan(chars, offsets, skip, classes, capacity):
    """Atoms of all rows that are not skipped.

    returns : n (-1 when `capacity` was too small), rows (int32), starts, ends (int64, buffer offsets), kinds (uint8),
              breaks (uint8), stats (n, 7) int32; the arrays have `capacity` places.
    """
    rows = np.empty(capacity, np.int32)
    starts = np.empty(capacity, np.int64)
    ends = np.empty(capacity, np.int64)
    kinds = np.empty(capacity, np.uint8)
    breaks = np.empty(capacity, np.uint8)
    stats = np.empty((capacity, 7), np.int32)
    n = 0
    for row in range(len(offsets) - 1):
        if skip[row]:
            continue
        i = offsets[row]
        end = offsets[row + 1]
        pending = np.uint8(SENTENCE_BREAK)
        open_kind = np.int64(-1)  # kind of the atom that may still grow, -1 for none
        while i < end:
            c = chars[i]
            k = classes[c] if c < len(classes) else np.uint8(OTHER)
            if k >= HAN:
                kind = np.int64(KIND_CJK) if k < FIXED else np.int64(k)
                if kind != open_kind:
                    if n == capacity:
                        return -1, rows, starts, ends, kinds, breaks, stats
                    rows[n] = row
                    starts[n] = i
                    kinds[n] = kind
                    breaks[n] = pending
                    for m in range(7):
                        stats[n, m] = 0
                    n += 1
                    open_kind = kind
                    pending = np.uint8(NO_BREAK)
                at = n - 1
                stats[at, 0] += 1
                if k < FIXED:
                    stats[at, 1] += k <= HAN_JAPANESE
                    stats[at, 2] += k in (HIRAGANA, HIRAGANA_NO)
                    stats[at, 3] += k == KATAKANA
                    stats[at, 4] += k == HAN_WEAK
                    stats[at, 5] += k == HAN_STRONG
                    stats[at, 6] += k == HAN_JAPANESE
                i += 1
                ends[at] = i
                continue
            if k >= ALPHABET:
                stop = i
                opaque = False
                if k <= LATIN_UPPER:
                    stop = _url_end(chars, i, end)
                    opaque = stop > i
                    if not opaque:
                        stop, opaque = _token_end(chars, classes, i, end)
                if opaque:
                    pending |= np.uint8(OPAQUE)
                    open_kind = np.int64(-1)
                    i = stop
                    continue
                kind = np.int64(0) if k <= LATIN_UPPER else np.int64(1) if k <= CYRILLIC_UPPER else np.int64(k - ARABIC + 2)
                if kind != open_kind:
                    if n == capacity:
                        return -1, rows, starts, ends, kinds, breaks, stats
                    rows[n] = row
                    starts[n] = i
                    kinds[n] = kind
                    breaks[n] = pending
                    for m in range(7):
                        stats[n, m] = 0
                    n += 1
                    open_kind = kind
                    pending = np.uint8(NO_BREAK)
                at = n - 1
                i = _take_word(chars, classes, i, end, _script(k), stats[at])
                ends[at] = i
                continue
            if k <= SPACE or k == LINK:
                if k == LINK:
                    stop = _opaque_end(chars, classes, offsets[row], i, end)
                    if stop > i:
                        pending |= np.uint8(OPAQUE)
                        open_kind = np.int64(-1)
                        i = stop
                        continue
                i += 1
                continue
            if k == DIGIT:
                # A number; with letters in it (4K, 2D) a name that no language owns.
                stop, opaque = _token_end(chars, classes, i, end)
                letters = 0
                for m in range(i, stop):
                    letters += _class(classes, chars[m]) >= ALPHABET
                if letters > 0:
                    pending |= np.uint8(OPAQUE)
                    open_kind = np.int64(-1)
                i = max(stop, i + 1)
                continue
            stop = _reference_end(chars, offsets[row], i, end) if c == 0x5B else i
            if stop > i:
                pending |= np.uint8(OPAQUE)
                open_kind = np.int64(-1)
                i = stop
                continue
            i += 1
            if k == MARK:
                continue
            if k in (STOP, NEWLINE, DOT):
                pending = (pending & np.uint8(OPAQUE)) | np.uint8(SENTENCE_BREAK)
            elif pending & BREAK_MASK == NO_BREAK:
                pending |= np.uint8(CLAUSE_BREAK)
            open_kind = np.int64(-1)
    return n, rows, starts, ends, kinds, breaks, stats


@njit(cache=True, nogil=True)
def cut(chars, classes, atoms, cut_atom, cut_at):
    """Atoms of alphabets cut where a word begins.

    atoms    : rows, starts, ends, kinds, breaks, stats.  cut_atom, cut_at : (n_cuts,) int64, atom and buffer offset of each
               cut, in order of offset.
    returns  : the same arrays with n_cuts more places, and the atom that each comes from (int64).
    """
    rows, starts, ends, kinds, breaks, stats = atoms
    n = len(rows) + len(cut_atom)
    origin, new_starts, new_ends = np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.int64)
    m = 0
    at = 0
    for a in range(len(rows)):
        origin[at] = a
        new_starts[at] = starts[a]
        while m < len(cut_atom) and cut_atom[m] == a:
            stop = cut_at[m]
            while _class(classes, chars[stop - 1]) < ALPHABET and _class(classes, chars[stop - 1]) != MARK:
                stop -= 1
            new_ends[at] = stop
            at += 1
            origin[at] = a
            new_starts[at] = cut_at[m]
            m += 1
        new_ends[at] = ends[a]
        at += 1
    new_breaks, new_stats = breaks[origin], stats[origin]
    for at in range(n):
        again = at > 0 and origin[at - 1] == origin[at]
        if again:
            new_breaks[at] = np.uint8(WORD_BREAK)
        if again or (at + 1 < n and origin[at + 1] == origin[at]):
            new_stats[at, :] = 0
            i = new_starts[at]
            while i < new_ends[at]:
                k = _class(classes, chars[i])
                i = _take_word(chars, classes, i, new_ends[at], _script(k), new_stats[at]) if k >= ALPHABET else i + 1
    return rows[origin], new_starts, new_ends, kinds[origin], new_breaks, new_stats, origin
