"""Skeletons of lines: what stays of a line when its numbers, dates, addresses and quoted titles are taken out."""

from __future__ import annotations

import numpy as np
from numba import njit

#: Code points that stand for slots in a skeleton (private use area). NUMBER also covers dates and times.
NUMBER, URL, TITLE, EMAIL, LINK = 0xE000, 0xE001, 0xE002, 0xE003, 0xE004
_MAX_QUOTE = 60  # characters; a longer quotation is text, not a title
_MAX_LINK = 400  # characters of a Markdown link
_MIN_REST = 4  # letters and Han characters outside slots; fewer say nothing


@njit(cache=True, nogil=True)
def _is_digit(c):
    return 48 <= c <= 57


@njit(cache=True, nogil=True)
def _is_letter(c):
    """ASCII letters (the match form has lower case only), alphabets, kana, Han, Hangul: code points that carry words."""
    return (
        (97 <= c <= 122)
        or (65 <= c <= 90)
        or (0xC0 <= c < 0x2000)
        or (0x3041 <= c <= 0x30FF)
        or (0x3400 <= c <= 0xD7A3)
        or 0x20000 <= c < 0x32000
    )


@njit(cache=True, nogil=True)
def _is_unit(c):
    """年 月 日 时 分 秒 点: what stands between the numbers of a date or time."""
    return c == 0x5E74 or c == 0x6708 or c == 0x65E5 or c == 0x65F6 or c == 0x5206 or c == 0x79D2 or c == 0x70B9


@njit(cache=True, nogil=True)
def _is_numeral(c):
    """〇一二三四五六七八九十百千零两."""
    return (
        c == 0x3007 or c == 0x4E00 or c == 0x4E8C or c == 0x4E09 or c == 0x56DB or c == 0x4E94 or c == 0x516D or c == 0x4E03
        or c == 0x516B or c == 0x4E5D or c == 0x5341 or c == 0x767E or c == 0x5343 or c == 0x96F6 or c == 0x4E24
    )  # fmt: skip


@njit(cache=True, nogil=True)
def _is_mail(c):
    return (97 <= c <= 122) or _is_digit(c) or c == 46 or c == 95 or c == 45 or c == 43


@njit(cache=True, nogil=True)
def _find(chars, i, end, target, reach):
    """Index of a character within reach, -1 when it is not there."""
    for j in range(i, min(end, i + reach)):
        if chars[j] == target:
            return j
    return -1


@njit(cache=True, nogil=True)
def _number_end(chars, i, end):
    """One past a number, date or time that begins at i: digits joined by single separators and units."""
    while i < end:
        c = chars[i]
        if (
            _is_digit(c)
            or _is_unit(c)
            or (
                i + 1 < end
                and (_is_digit(chars[i + 1]))
                and (c == 46 or c == 44 or c == 58 or c == 47 or c == 45 or c == 32 or c == 126 or c == 43)
            )
        ):
            i += 1
        else:
            break
    return i


@njit(cache=True, nogil=True)
def _address_end(chars, i, end):
    """One past an address that begins at i: http://, https:// or www. up to a space, a bracket or a character that is not ASCII."""
    web = i + 4 < end and chars[i] == 119 and chars[i + 1] == 119 and chars[i + 2] == 119 and chars[i + 3] == 46
    http = i + 7 < end and chars[i] == 104 and chars[i + 1] == 116 and chars[i + 2] == 116 and chars[i + 3] == 112
    if http:
        j = i + 4 + (chars[i + 4] == 115)
        http = j + 2 < end and chars[j] == 58 and chars[j + 1] == 47 and chars[j + 2] == 47
    if not web and not http:
        return i
    while i < end and 33 <= chars[i] <= 126 and chars[i] != 41 and chars[i] != 93 and chars[i] != 62 and chars[i] != 34:
        i += 1
    return i


@njit(cache=True, nogil=True)
def _step(chars, begin, i, end):
    """(one past the piece that begins at i, the code point that stands for it)."""
    c = chars[i]
    if _is_digit(c):
        return _number_end(chars, i, end), NUMBER
    if c == 0x7B2C:  # 第 before a numeral in characters: 第十二期
        j = i + 1
        while j < end and _is_numeral(chars[j]):
            j += 1
        if j > i + 1:
            return j, NUMBER
    if c == 104 or c == 119:
        j = _address_end(chars, i, end)
        if j > i:
            return j, URL
    if _is_mail(c) and (i == begin or not _is_mail(chars[i - 1])):
        j = i
        while j < end and _is_mail(chars[j]):
            j += 1
        if j < end and chars[j] == 64:
            k = j + 1
            while k < end and _is_mail(chars[k]):
                k += 1
            if k > j + 2:
                return k, EMAIL
    if c == 91:  # [text](target)
        j = _find(chars, i + 1, end, 93, _MAX_LINK)
        if j > 0 and j + 1 < end and chars[j + 1] == 40:
            k = _find(chars, j + 2, end, 41, _MAX_LINK)
            if k > 0:
                return k + 1, LINK
    close = 0
    if c == 0x300A:
        close = 0x300B
    elif c == 0x300C:
        close = 0x300D
    elif c == 0x300E:
        close = 0x300F
    elif c == 34:
        close = 34
    if close:
        j = _find(chars, i + 1, end, close, _MAX_QUOTE)
        if j > i + 1:
            return j + 1, TITLE
    return i + 1, c


@njit(cache=True, nogil=True)
def skeleton_hashes(chars, offsets):
    """(n,) uint64 hash of each folded line's skeleton; 0 where fewer than 4 letters stand outside its slots."""
    n = len(offsets) - 1
    out = np.zeros(n, np.uint64)
    for row in range(n):
        begin, end = offsets[row], offsets[row + 1]
        h = np.uint64(0x2545F4914F6CDD1D)
        rest = 0
        i = begin
        while i < end:
            c = chars[i]
            if 0x4E00 <= c <= 0x9FFF and c != 0x7B2C:  # Han but 第: begins no slot
                rest += 1
                i += 1
            else:
                i, c = _step(chars, begin, i, end)
                rest += _is_letter(c)
            h = (h ^ np.uint64(c)) * np.uint64(0x9E3779B97F4A7C15)
            h ^= h >> np.uint64(29)
        if rest >= _MIN_REST:
            out[row] = max(h, np.uint64(1))
    return out


@njit(cache=True, nogil=True)
def skeleton_chars(chars):
    """Skeleton of one folded line as code points, slots in the private use area, and where in the line each begins (int64)."""
    out = np.empty(len(chars), np.uint32)
    starts = np.empty(len(chars), np.int64)
    at = 0
    i = 0
    while i < len(chars):
        starts[at] = i
        i, c = _step(chars, 0, i, len(chars))
        out[at] = c
        at += 1
    return out[:at], starts[:at]
