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
_TOP = np.uint64(1 << 63)

#: Marks beside the folded character in the words of the fold table: what a character is to `tokenize`. IS_WORD is letters, digits,
#: underscores, < and what folds to several, which leave its quick path; IS_GLUE what can make a word more than letters (C++, 3.5, a_b).
IS_CODE = np.uint32(0x1FFFFF)
IS_TOKEN, IS_DROP, IS_WORD, IS_LETTER, IS_NUMERAL, IS_GLUE, IS_SEVERAL = (np.uint32(1 << bit) for bit in range(24, 31))


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
def spell_out(chars, offsets, more, expand, expansions, origin):
    """Rows with characters that fold to several (㈱ ℃ ﬁ ½ ß) spelled out, so that they are part of words like any other text.

    origin  : empty, or (len(chars) + more,) int64 out: where each character stood in `chars`.
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
            width = expansions[r, 0] if r >= 0 else 1
            for x in range(width):
                out[at] = expansions[r, 1 + x] if r >= 0 else c
                if len(origin):
                    origin[at] = i
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


@njit(cache=True, nogil=True, inline="always")
def _beyond(c):
    """What `table` would say of a code point that it does not hold: rare Han, or nothing at all."""
    return np.uint32(c) | IS_TOKEN if c < 0x32400 else IS_DROP if c < 0xE0000 else np.uint32(0)


@njit(cache=True, nogil=True)
def _digest(chars, start, end, base, least):
    """63-bit digest of the folded characters above `least` of a span, with the top bit set: no character is so large."""
    h = np.uint64(0)
    for x in range(start, end):
        c = chars[x]
        if c > least:
            h = _step(h, np.uint64(base[c] if c < len(base) else c))
    return _mix(h) | _TOP


@njit(cache=True, nogil=True, inline="always")
def _is_more(chars, j, end, table):
    """Whether the letters that end at j may be part of something else: x1 x_ x.y, C# C++."""
    if j == end or chars[j] > 127:
        return j < end and chars[j] < len(table) and table[chars[j]] & IS_GLUE != 0
    c = chars[j]
    if table[c] & IS_GLUE == 0:
        return False
    after = table[chars[j + 1]] if j + 1 < end and chars[j + 1] < len(table) else np.uint32(0)
    return (table[c] | after) & IS_WORD != 0 or c == 35 or c == 43


@njit(cache=True, nogil=True)
def tokenize(chars, offsets, base, kind, table, elements, flags, element_offsets, places):
    """Elements of each row.

    chars, offsets : rows of text, spelled out.
    base, kind     : (table,) uint32 and uint8, folded character and class by code point.
    table          : (table,) uint32, folded character and marks (IS_TOKEN...) by code point.
    elements, flags: (at least characters + 1,) out: uint64, a folded character or a slot's digest with the top bit set; uint8, SLOT,
                     NUMERAL, LETTER. There are never more elements than characters.
    element_offsets: (n + 1,) int64 out.
    places         : None, or (2, characters + 1) int64 out: start and end of each element in its row.
    returns        : the number of elements, or -1 when a character folds to several: spell the rows out first.
    """
    n = len(offsets) - 1
    size = len(table)
    at = 0
    for row in range(n):
        element_offsets[row] = at
        begin = offsets[row]
        i = begin
        end = offsets[row + 1]
        word_at = -1  # elements there were after the last word
        separated = np.uint32(0)
        while i < end:
            # What is no word is most of Chinese text: written without a branch, and overwritten by the next when it falls away.
            while i < end:
                c = chars[i]
                e = table[c] if c < size else _beyond(c)
                if e & IS_WORD:
                    break
                elements[at] = e & IS_CODE
                flags[at] = np.uint8((e & IS_NUMERAL) >> np.uint32(27))
                if places is not None:
                    places[0, at] = i - begin
                    places[1, at] = i - begin + 1
                at += np.int64((e & IS_TOKEN) >> np.uint32(24))
                separated |= e & IS_DROP
                i += 1
            if i >= end:
                break
            c = chars[i]
            e = table[c]
            if e & IS_SEVERAL:
                return -1
            before = at
            url = c < 128 and (base[c] == 104 or base[c] == 119)  # h, w: nothing else starts one
            j = i
            if e & IS_LETTER and not url:
                if at == word_at and separated:
                    elements[at] = 32
                    flags[at] = LETTER
                    if places is not None:
                        places[0, at] = i - begin
                        places[1, at] = i - begin
                    at += 1
                while j < end:
                    c = chars[j]
                    e = table[c] if c < size else _beyond(c)
                    if e & IS_LETTER == 0:
                        break
                    elements[at] = e & IS_CODE
                    flags[at] = LETTER
                    if places is not None:
                        places[0, at] = j - begin
                        places[1, at] = j - begin + 1
                    at += 1
                    j += 1
                if not _is_more(chars, j, end, table):
                    word_at = at
                    separated = np.uint32(0)
                    i = j
                    continue
                at = before
                c = chars[i]
            if c == 60:
                j = _tag_end(chars, i, end)
                if j == i:
                    separated = IS_DROP
                    i += 1
                    continue
                for x in range(i, j):
                    if chars[x] < size and table[chars[x]] & IS_SEVERAL:
                        return -1
                slot = True
            else:
                j = _url_end(chars, i, end, base, kind) if url else i
                slot = j > i
                if not slot:
                    j, slot = _word_end(chars, i, end, base, kind)
            if slot:
                elements[at] = _digest(chars, i, j, base, 32 if c == 60 else 0)
                flags[at] = SLOT
                if places is not None:
                    places[0, at] = i - begin
                    places[1, at] = j - begin
                at += 1
                word_at = -1
            else:
                if at == word_at and separated:
                    elements[at] = 32
                    flags[at] = LETTER
                    if places is not None:
                        places[0, at] = i - begin
                        places[1, at] = i - begin
                    at += 1
                for x in range(i, j):
                    elements[at] = base[chars[x]]
                    flags[at] = LETTER
                    if places is not None:
                        places[0, at] = x - begin
                        places[1, at] = x - begin + 1
                    at += 1
                word_at = at
            separated = np.uint32(0)
            i = j
    element_offsets[n] = at
    return at
