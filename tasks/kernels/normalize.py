"""Normalization of a column of spans: controls and joiners, width, spaces, line breaks, Chinese punctuation.

Numba kernels, driven by two tables over all code points: `classes` (what to do with one, by the settings) and `props` (what it
is, for its neighbours). Dimensions: n (rows), n_chars (the buffer). Edits are counted by the columns C_... of an (n, 9) int32 array.
"""

from __future__ import annotations

import numpy as np
from numba import njit

# Classes: what becomes of a code point.
COPY, CONTROL, CONTROL_SPACE, SPACE, NEWLINE, INVISIBLE, JOINER, SELECTOR, TAGGED, FULL_WIDTH, HALF_KANA = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10

# Bits of props.
HAN, KANA, CJK_MARK, EMOJI, JOINING, COMPOSES, LEAD, TAIL = 1, 2, 4, 8, 16, 32, 64, 128

# Columns of edits, in the order of tasks.normalize.EDITS.
C_CONTROL, C_INVISIBLE, C_WIDTH, C_SPACE, C_PUNCTUATION, C_UNWRAP = 2, 3, 4, 5, 6, 7

_MARKS = np.uint64(sum(1 << ord(char) for char in ",.:;!?("))  # as bits

PAREN_SPAN = 300  # code points: brackets further apart are not taken for a pair


@njit(cache=True, nogil=True)
def flag(chars, starts, ends, props):
    """(n,) uint8: 1 when NFC may change the row, 2 when it holds what looks like UTF-8 read in an 8-bit charset."""
    out = np.zeros(len(starts), np.uint8)
    for row in range(len(starts)):
        seen = np.uint8(0)
        before = np.uint8(0)
        for i in range(starts[row], ends[row]):
            c = chars[i]
            p = props[c] if c >= 0x80 else np.uint8(0)
            seen |= (p & COMPOSES) | ((before & (p >> np.uint8(1))) & LEAD)
            before = p
        out[row] = (1 if seen & COMPOSES else 0) | (2 if seen & LEAD else 0)
    return out


@njit(cache=True, nogil=True)
def _following(chars, i, end, classes):
    """Next code point after i that is not simply dropped, as it will stand; 0 at the end."""
    for j in range(i + 1, end):
        k = classes[chars[j]]
        if k != CONTROL and k != INVISIBLE:
            return chars[j]
    return np.uint32(0)


@njit(cache=True, nogil=True)
def _is_virama(c):
    return (0x900 <= c < 0xD80 and c & 0x7F == 0x4D) or c in (0xD3B, 0xD3C, 0xDCA, 0xF84, 0x1039, 0x103A, 0x17D2)


@njit(cache=True, nogil=True)
def _joiner_stays(c, before, after, props):
    """Zero-width joiners stay inside emoji and after letters of scripts that join; the non-joiner between such letters only.

    After a virama both stay anywhere: they choose the form of what stands before (Malayalam chillus, Bengali khanda ta).
    """
    if props[before] & JOINING and (c == 0x200D or props[after] & JOINING or _is_virama(before)):
        return True
    emoji = props[before] & EMOJI or before == 0xFE0F or 0xE0020 <= before <= 0xE007F
    return c == 0x200D and emoji and props[after] & EMOJI != 0


@njit(cache=True, nogil=True)
def _selector_stays(c, before, after, props):
    """Variation selectors stay after Han, emoji and full-width marks, and in keycaps (1, selector, U+20E3)."""
    if c >= 0xE0100:
        return props[before] & HAN != 0
    if props[before] & (HAN | EMOJI | CJK_MARK):
        return True
    return after == 0x20E3 and (48 <= before <= 57 or before == 0x23 or before == 0x2A)


@njit(cache=True, nogil=True)
def _voiced(kana, mark):
    """Full-width kana with the half-width voicing mark U+FF9E or semi-voicing mark U+FF9F composed, 0 when they do not compose."""
    if mark == 0xFF9E:
        if kana == 0x30A6:
            return np.uint32(0x30F4)
        if kana == 0x30EF:
            return np.uint32(0x30F7)
        if kana == 0x30F2:
            return np.uint32(0x30FA)
        if (0x30AB <= kana <= 0x30C1 and kana & 1) or kana == 0x30C4 or kana == 0x30C6 or kana == 0x30C8:
            return np.uint32(kana + 1)
        if 0x30CF <= kana <= 0x30DB and kana % 3 == 0:
            return np.uint32(kana + 1)
    elif 0x30CF <= kana <= 0x30DB and kana % 3 == 0:
        return np.uint32(kana + 2)
    return np.uint32(0)


@njit(cache=True, nogil=True)
def _letter(c):
    return (65 <= c <= 90) or (97 <= c <= 122) or (0xC0 <= c < 0x250 and c != 0xD7 and c != 0xF7)


@njit(cache=True, nogil=True)
def _is_mark(c):
    return c == 0x2C or c == 0x3A or c == 0x3B or c == 0x21 or c == 0x3F


@njit(cache=True, nogil=True)
def _between(before, after, props):
    """What an unwrapped line break becomes: 0 nothing, 32 a space.

    Nothing between Han, kana and their punctuation, beside a full-width mark, and after a hyphen between letters.
    """
    wide = HAN | KANA | CJK_MARK
    if props[before] & wide and props[after] & wide:
        return 0
    if (props[before] & CJK_MARK and before >= 0x3000) or (props[after] & CJK_MARK and after >= 0x3000):
        return 0
    return 32


@njit(cache=True, nogil=True)
def clean(chars, starts, ends, wrapped, verbatim, classes, props, kana, squeeze, punctuate, origins):
    """Normalized rows (NFC and mojibake are not done here).

    chars    : (n_chars,) uint32; starts, ends : (n,) int64; wrapped, verbatim : (n,) bool.
    classes  : (0x110000,) uint8; props : (0x110000,) uint8; kana : (63,) uint32, full-width forms of U+FF61..U+FF9F.
    squeeze  : whether space runs become one space and are trimmed; punctuate : whether ASCII punctuation between Han is widened.
    origins  : empty, or int64 with room for all characters of the spans: takes the place in chars that each character comes from.
    returns  : chars uint32, offsets (n + 1,) int64, edits (n, 9) int32.
    """
    n = len(starts)
    trace = len(origins) > 0
    room = np.int64(0)
    longest = np.int64(1)
    for row in range(n):
        room += ends[row] - starts[row]
        longest = max(longest, ends[row] - starts[row])
    out = np.empty(room, np.uint32)
    offsets = np.empty(n + 1, np.int64)
    edits = np.zeros((n, 9), np.int32)
    stack = np.empty((longest, 2), np.int64)
    at = np.int64(0)
    for row in range(n):
        offsets[row] = at
        begin = at
        end = ends[row]
        keep = verbatim[row]
        unwrap = wrapped[row]
        spaces = 0  # pending spaces, of which `plain` are U+0020
        plain = 0
        breaks = 0  # pending line breaks
        gap = 0  # where the first pending line break stands, or else the first plain space, or else the first space
        ascii_marks = False
        han = False
        for i in range(starts[row], end):
            c = chars[i]
            k = classes[c]
            if k != COPY:
                if k == CONTROL:
                    edits[row, C_CONTROL] += 1
                    continue
                if k == INVISIBLE:
                    edits[row, C_INVISIBLE] += 1
                    continue
                if k == CONTROL_SPACE:
                    edits[row, C_CONTROL] += 1
                    c = np.uint32(32)
                    k = SPACE if squeeze else COPY
                if k == SPACE:
                    if not keep:
                        if breaks == 0 and (spaces == 0 or (plain == 0 and c == 32)):
                            gap = i
                        spaces += 1
                        plain += c == 32
                        continue
                elif k == NEWLINE:
                    if not keep and (squeeze or unwrap):
                        edits[row, C_SPACE] += spaces
                        spaces = plain = 0
                        if breaks == 0:
                            gap = i
                        breaks += 1
                        continue
                elif k == FULL_WIDTH:
                    if not keep:
                        c = np.uint32(c - 0xFEE0)
                        edits[row, C_WIDTH] += 1
                elif k == HALF_KANA:
                    if not keep:
                        edits[row, C_WIDTH] += 1
                        if c >= 0xFF9E and at > begin and spaces == 0 and breaks == 0:
                            voiced = _voiced(out[at - 1], c)
                            if voiced:
                                out[at - 1] = voiced
                                continue
                        c = kana[c - 0xFF61]
                elif k >= JOINER:
                    before = out[at - 1] if at > begin and spaces == 0 and breaks == 0 else np.uint32(0)
                    after = _following(chars, i, end, classes)
                    if k == JOINER:
                        stays = _joiner_stays(c, before, after, props)
                    elif k == SELECTOR:
                        stays = _selector_stays(c, before, after, props)
                    else:
                        stays = before == 0x1F3F4 or 0xE0020 <= before < 0xE007F
                    if not stays:
                        edits[row, C_INVISIBLE] += 1
                        continue
            if breaks:
                if at > begin or not squeeze:
                    if unwrap:
                        glue = 0 if at == begin or c == 32 or out[at - 1] == 32 else _between(out[at - 1], c, props)
                        if glue and out[at - 1] == 0x2D and at - 1 > begin and _letter(out[at - 2]) and _letter(c):
                            glue = 0
                        if glue and punctuate and props[c] & HAN and at - 1 > begin and props[out[at - 2]] & HAN and _is_mark(out[at - 1]):
                            glue = 0  # a comma that becomes Chinese below
                        if glue:
                            if trace:
                                origins[at] = gap
                            out[at] = 32
                            at += 1
                        edits[row, C_UNWRAP] += 1
                    else:
                        if trace:
                            origins[at] = gap
                        out[at] = 10
                        at += 1
                    breaks -= 1
                edits[row, C_SPACE] += breaks + spaces
                breaks = spaces = plain = 0
            elif spaces:
                if at > begin:
                    if trace:
                        origins[at] = gap
                    out[at] = 32
                    at += 1
                    edits[row, C_SPACE] += spaces - (1 if plain else 0)
                else:
                    edits[row, C_SPACE] += spaces
                spaces = plain = 0
            ascii_marks |= c < 64 and (_MARKS >> np.uint64(c)) & np.uint64(1) != 0
            han |= c >= 0x2E80
            if trace:
                origins[at] = i
            out[at] = c
            at += 1
        edits[row, C_SPACE] += spaces + breaks
        if ascii_marks and han and punctuate and not keep:
            edits[row, C_PUNCTUATION] = _widen(out, begin, at, props, stack)
    offsets[n] = at
    return out[:at], offsets, edits


@njit(cache=True, nogil=True)
def _opens(c):
    return c == 0x201C or c == 0x2018 or c == 0x300A or c == 0x3008 or c == 0x300C or c == 0x300E or c == 0x3010 or c == 0xFF08


@njit(cache=True, nogil=True)
def _shuts(c):
    return c == 0x201D or c == 0x2019 or c == 0x300B or c == 0x3009 or c == 0x300D or c == 0x300F or c == 0x3011 or c == 0xFF09


@njit(cache=True, nogil=True)
def _skip(text, i, end):
    """End of the URL or inline code that begins at i, or i when none does: nothing in there is punctuation."""
    c = text[i]
    if c == 0x60:
        for j in range(i + 1, end):
            if text[j] == 0x60:
                return j + 1
            if text[j] == 10:
                break
        return i
    url = c == 0x3A and i + 2 < end and text[i + 1] == 0x2F and text[i + 2] == 0x2F
    if not url and (c | 32) == 0x77 and i + 3 < end and (text[i + 1] | 32) == 0x77 and (text[i + 2] | 32) == 0x77 and text[i + 3] == 0x2E:
        url = True
    if not url:
        return i
    j = i + 3
    while (
        j < end
        and text[j] > 32
        and text[j] not in (0x22, 0x3C, 0x3E, 0x60)
        and not (0x3000 <= text[j] < 0x3040)
        and not (0x2010 <= text[j] < 0x2030)
        and not (0xFF00 <= text[j] < 0xFF66)
    ):
        j += 1
    return j


@njit(cache=True, nogil=True)
def _widen(text, begin, end, props, stack):
    """Put Chinese punctuation for ASCII marks between Han characters, in place. Returns how many changed.

    ( ) around text with Han and between Han; , ; : directly after Han (or a closing mark) and before Han, a quotation mark, a line
    end or the end, one of both sides being Han or a Chinese bracket; runs of ! and ? likewise; . at a line end after Han, and between Han where the row also ends a line so (a name
    such as 约翰.史密斯 keeps its dot). What a URL or inline code holds is left alone. One pass is final: no change here makes
    another one possible.
    """
    changed = 0
    depth = 0
    han = 0  # Han characters so far: a pair holds Han when the count rose between its brackets
    stops = False
    i = begin
    while i < end:
        c = text[i]
        if c >= 0x80:
            if depth:
                han += props[c] & HAN
            i += 1
            continue
        j = _skip(text, i, end) if c == 0x60 or c == 0x3A or (c | 32) == 0x77 else i
        if j > i:
            i = j
            continue
        if c == 10:
            depth = 0
        elif c == 0x28:
            stack[depth, 0] = i
            stack[depth, 1] = han
            depth += 1
        elif c == 0x29 and depth:
            depth -= 1
            first = stack[depth, 0]
            inside = han > stack[depth, 1] and i - first <= PAREN_SPAN
            if inside and first > begin and i + 1 < end and props[text[first - 1]] & HAN and props[text[i + 1]] & HAN:
                text[first] = 0xFF08
                text[i] = 0xFF09
                changed += 2
        elif c == 0x2E and i > begin and props[text[i - 1]] & HAN and (i + 1 == end or text[i + 1] == 10):
            stops = True
        i += 1
    i = begin
    while i < end:
        c = text[i]
        if c >= 0x80 and c != 0xFF01 and c != 0xFF1F:
            i += 1
            continue
        j = _skip(text, i, end) if c == 0x60 or c == 0x3A or (c | 32) == 0x77 else i
        if j > i:
            i = j
            continue
        j = i + 1
        exclaims = c == 0x21 or c == 0x3F or c == 0xFF01 or c == 0xFF1F
        if exclaims:
            while j < end and (text[j] == 0x21 or text[j] == 0x3F or text[j] == 0xFF01 or text[j] == 0xFF1F):
                j += 1
        if i > begin and (exclaims or c == 0x2C or c == 0x3A or c == 0x3B or c == 0x2E):
            before = text[i - 1]
            last = j == end or text[j] == 10
            after = np.uint32(10) if last else text[j]
            left = props[before] & HAN or _shuts(before)
            right = last or props[after] & HAN or _shuts(after) or _opens(after)
            if c == 0x2E:
                if props[before] & HAN and (last or (stops and props[after] & HAN)):
                    text[i] = 0x3002
                    changed += 1
            elif left and right and (props[before] & HAN or props[after] & HAN or before >= 0x3000):
                for k in range(i, j):
                    if text[k] < 0x80:
                        text[k] = 0xFF0C if text[k] == 0x2C else text[k] + 0xFEE0
                        changed += 1
        i = j
    return changed
