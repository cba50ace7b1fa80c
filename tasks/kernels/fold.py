"""Fold kernels: characters -> elements, one pass over a column. What is made of elements stands in `tasks.kernels.shingle`.

An *element* is one Han, kana, Hangul or Thai character, one letter of an alphabet, one space between two plain words, or one
opaque token (URL, HTML tag, e-mail address, number, code identifier). Opaque tokens are *slots*: what differs from copy to copy.
"""

from __future__ import annotations

import numpy as np
from numba import njit

# Character classes of the fold table.
DROP, TOKEN, LETTERS, DIGIT, JOIN, UNDERSCORE = 0, 1, 2, 3, 4, 5
# Element flags.
SLOT, NUMERAL, LETTER = 1, 2, 4

_M1 = np.uint64(0xFF51AFD7ED558CCD)
_M2 = np.uint64(0xC4CEB9FE1A85EC53)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_33 = np.uint64(33)


@njit(cache=True, nogil=True, inline="always")
def _mix(h):
    """MurmurHash3's 64-bit finalizer (Appleby): every input bit reaches every output bit."""
    h ^= h >> _33
    h *= _M1
    h ^= h >> _33
    h *= _M2
    return h ^ (h >> _33)


@njit(cache=True, nogil=True, inline="always")
def _step(h, e):
    """One element into an order-dependent digest."""
    return _mix((h + _GOLDEN) ^ e) + (h << np.uint64(1))


@njit(cache=True, nogil=True, inline="always")
def _is_word(k):
    return k in (LETTERS, DIGIT, UNDERSCORE)


@njit(cache=True, nogil=True)
def _url_end(chars, i, end, base, kind):
    """End of a URL that starts at i, or i when none does. Only ASCII characters make one."""
    first = base[chars[i]] if chars[i] < 128 else 0
    if first == 104:  # http:// https://
        prefix = (104, 116, 116, 112)
    elif first == 119:  # www.
        prefix = (119, 119, 119, 46)
    else:
        return i
    if i + 4 >= end:
        return i
    for x in range(4):
        if chars[i + x] >= 128 or base[chars[i + x]] != prefix[x]:
            return i
    if first == 104:
        j = i + 4
        if base[min(chars[j], 127)] == 115:
            j += 1
        if j + 2 >= end or chars[j] != 58 or chars[j + 1] != 47 or chars[j + 2] != 47:
            return i
    elif not _is_word(kind[chars[i + 4]] if chars[i + 4] < 128 else DROP):
        return i
    j = i
    while j < end:
        c = chars[j]
        if c <= 32 or c >= 127 or c == 34 or c == 39 or c == 60 or c == 62 or c == 96:
            break
        j += 1
    while j > i:  # sentence punctuation and closing brackets after a URL are not part of it
        c = chars[j - 1]
        if c == 46 or c == 44 or c == 59 or c == 58 or c == 33 or c == 63 or c == 41 or c == 93 or c == 42:
            j -= 1
        else:
            break
    return j


@njit(cache=True, nogil=True)
def _word_end(chars, i, end, base, kind):
    """End of a word-like run from i, and whether it is a slot (number, e-mail address, identifier) rather than plain letters.

    Inside a word: . and @ between any two word characters; , : / between digits; - beside a digit. Case never decides.
    """
    size = len(base)
    digits = letters = under = dots = at = 0
    previous = DROP
    j = i
    while j < end:
        c = chars[j]
        k = kind[c] if c < size else DROP
        if _is_word(k):
            if k == DIGIT:
                digits += 1
            elif k == UNDERSCORE:
                under += 1
            else:
                letters += 1
            previous = k
            j += 1
            continue
        if j + 1 >= end:
            break
        b = base[c] if c < size else c
        after = chars[j + 1]
        next_kind = kind[after] if after < size else DROP
        if not _is_word(next_kind):
            break
        both = previous == DIGIT and next_kind == DIGIT
        one = previous == DIGIT or next_kind == DIGIT
        if b == 46:  # .
            dots += 1
        elif b == 64:  # @
            at += 1
        elif not (((b == 44 or b == 58 or b == 47) and both) or (b == 45 and one)):  # , : / -
            break
        j += 1
    if letters == 1 and digits == 0 and j < end:  # C++, C#, F#
        b = base[chars[j]] if chars[j] < size else 0
        if b == 35:
            return j + 1, True
        if b == 43 and j + 1 < end and chars[j + 1] < size and base[chars[j + 1]] == 43:
            return j + 2, True
    return j, digits > 0 or under > 0 or at > 0 or (dots > 0 and letters > 0)


@njit(cache=True, nogil=True)
def spelled_length(chars, expand, expansions):
    """Characters more than now that the buffer takes when every character that folds to several is spelled out; -1 for none."""
    size = len(expand)
    more = 0
    found = False
    for c in chars:
        if c < size and expand[c] >= 0:
            more += expansions[expand[c], 0] - 1
            found = True
    return more if found else -1


@njit(cache=True, nogil=True)
def spell_out(chars, offsets, more, expand, expansions):
    """Rows with characters that fold to several (㈱ ℃ ﬁ ½ ß) spelled out, so that they are part of words like any other text.

    returns : chars (len(chars) + more,) uint32, offsets (n + 1,) int64.
    """
    size = len(expand)
    out = np.empty(len(chars) + more, np.uint32)
    out_offsets = np.empty(len(offsets), np.int64)
    at = 0
    for row in range(len(offsets) - 1):
        out_offsets[row] = at
        for i in range(offsets[row], offsets[row + 1]):
            c = chars[i]
            r = expand[c] if c < size else -1
            if r < 0:
                out[at] = c
                at += 1
            else:
                for x in range(1, 1 + expansions[r, 0]):
                    out[at] = expansions[r, x]
                    at += 1
    out_offsets[len(offsets) - 1] = at
    return out[:at], out_offsets


@njit(cache=True, nogil=True)
def _tag_end(chars, i, end):
    """End of an HTML tag that starts with the `<` at i, or i when none does: `<p>`, `</p>`, `<img src="...">`, of 1,000 characters at most."""
    j = i + 1
    if j < end and chars[j] == 47:
        j += 1
    if j >= end or not (65 <= chars[j] <= 90 or 97 <= chars[j] <= 122):
        return i
    while j < end and j < i + 1000:
        if chars[j] == 62:
            return j + 1
        if chars[j] == 60:
            return i
        j += 1
    return i


@njit(cache=True, nogil=True)
def tokenize(chars, offsets, base, kind, numeral):
    """Elements of each row.

    chars, offsets : rows of text, spelled out.
    base, kind     : (table,) uint32 and uint8, folded character and class by code point.
    numeral        : (table,) bool, Chinese numerals.
    returns        : elements uint64, flags uint8 (SLOT, NUMERAL, LETTER), element_offsets (n + 1,) int64.
    """
    size = len(base)
    n = len(offsets) - 1
    # A space element needs a separator and a word after it, so there are never more elements than characters.
    total = offsets[n] - offsets[0]
    elements = np.empty(total + 1, np.uint64)
    flags = np.empty(total + 1, np.uint8)
    element_offsets = np.empty(n + 1, np.int64)
    at = 0
    space = _mix(np.uint64(32))
    for row in range(n):
        element_offsets[row] = at
        i = offsets[row]
        end = offsets[row + 1]
        after_letters = False
        separated = False
        while i < end:
            c = chars[i]
            k = kind[c] if c < size else (TOKEN if c < 0x32400 else DROP if c < 0xE0000 else JOIN)
            if k == TOKEN:
                b = base[c] if c < size else c
                elements[at] = _mix(np.uint64(b))
                flags[at] = NUMERAL if b < size and numeral[b] else 0  # some simplified forms lie beyond the table
                at += 1
                i += 1
                after_letters = False
            elif _is_word(k):
                j = _url_end(chars, i, end, base, kind)
                slot = j > i
                if not slot:
                    j, slot = _word_end(chars, i, end, base, kind)
                if slot:
                    h = np.uint64(j - i)
                    for x in range(i, j):
                        h = _step(h, np.uint64(base[chars[x]] if chars[x] < size else chars[x]))
                    elements[at] = _mix(h)
                    flags[at] = SLOT
                    at += 1
                else:
                    if after_letters and separated:
                        elements[at] = space
                        flags[at] = LETTER
                        at += 1
                    for x in range(i, j):
                        elements[at] = _mix(np.uint64(base[chars[x]]))
                        flags[at] = LETTER
                        at += 1
                after_letters = not slot
                separated = False
                i = j
            elif c == 60 and _tag_end(chars, i, end) > i:
                j = _tag_end(chars, i, end)
                h = np.uint64(0)
                for x in range(i, j):
                    if chars[x] > 32:
                        h = _step(h, np.uint64(base[chars[x]] if chars[x] < size else chars[x]))
                elements[at] = _mix(h)
                flags[at] = SLOT
                at += 1
                after_letters = False
                separated = False
                i = j
            else:
                separated = separated or k != JOIN
                i += 1
    element_offsets[n] = at
    return elements[:at], flags[:at], element_offsets
