"""Kernel of signs: what stands at a number and falls away in the fold (-5, 5 %, $5, > 5, 10⁵), and marks that say no."""

from __future__ import annotations

import numpy as np
from numba import njit

#: Classes of the table: see `tasks.signs`.
DASH, LONG_DASH, TILDE, MONEY, ORDER, AFTER, BESIDE, POWER, NO, UNIT, DIGIT = range(1, 12)

_M1 = np.uint64(0xFF51AFD7ED558CCD)
_M2 = np.uint64(0xC4CEB9FE1A85EC53)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_33 = np.uint64(33)


@njit(cache=True, nogil=True, inline="always")
def _mix(h):
    """MurmurHash3's 64-bit finalizer (Appleby), as in `tasks.kernels.fold`."""
    h ^= h >> _33
    h *= _M1
    h ^= h >> _33
    h *= _M2
    return h ^ (h >> _33)


@njit(cache=True, nogil=True, inline="always")
def _at(table, c):
    return table[c] if c < len(table) else table[0]


@njit(cache=True, nogil=True, inline="always")
def _digit(base, c):
    return c < len(base) and 48 <= base[c] <= 57


@njit(cache=True, nogil=True, inline="always")
def _blank(c):
    return c == 32 or c == 9 or c == 0xA0 or c == 0x3000 or c == 0x202F or c == 0x2009 or c == 10


@njit(cache=True, nogil=True, inline="always")
def _name(c, base):
    """Whether a character makes the number beside it part of a name or an address."""
    b = base[c] if c < len(base) else np.uint32(0)
    return 97 <= b <= 122 or b == 95 or b == 47 or b == 61 or b == 38 or b == 35 or b == 64 or b == 63 or b == 45


@njit(cache=True, nogil=True)
def _next_number(chars, i, end, base, table):
    """Where the number begins that stands at i, after one space or a currency at most; -1 for none."""
    if i < end and _blank(chars[i]):
        i += 1
    if i < end and _at(table, chars[i]) == MONEY:
        i += 1
    if i < end and _blank(chars[i]):
        i += 1
    return i if i < end and _digit(base, chars[i]) else -1


@njit(cache=True, nogil=True)
def _last_number(chars, i, begin, base):
    """Where the number ends (its last digit) that stands before i, one space between at most; -1 for none, or for part of a name."""
    if i > begin and _blank(chars[i - 1]):
        i -= 1
    last = i - 1
    if last < begin or not _digit(base, chars[last]):
        return -1
    j = last
    while j >= begin and (_digit(base, chars[j]) or chars[j] == 46 or chars[j] == 44):
        j -= 1
    return -1 if j >= begin and _name(chars[j], base) else last


@njit(cache=True, nogil=True)
def _number(chars, i, begin, end, base):
    """Digest of the number around the digit at i: digits, with points and commas between them."""
    while i > begin and (
        _digit(base, chars[i - 1])
        or (i > begin + 1 and (chars[i - 1] == 46 or chars[i - 1] == 44) and _digit(base, chars[i]) and _digit(base, chars[i - 2]))
    ):
        i -= 1
    h = np.uint64(0)
    while i < end:
        c = chars[i]
        if _digit(base, c):
            h = _mix((h + _GOLDEN) ^ np.uint64(base[c]))
        elif not ((c == 46 or c == 44) and i + 1 < end and _digit(base, chars[i + 1])):
            break
        i += 1
    return h


@njit(cache=True, nogil=True)
def _opens(chars, i, begin):
    """Whether nothing but quotation marks and space stands before i on its line."""
    j = i - 1
    while j >= begin and chars[j] != 10:
        if chars[j] != 62 and not _blank(chars[j]):
            return False
        j -= 1
    return True


@njit(cache=True, nogil=True)
def _dash(chars, i, begin, end, kind, base, table):
    """Class of the dash or tilde at i: DASH before a negative number, TILDE between two dates or quantities, 0 for neither."""
    at = _next_number(chars, i + 1, end, base, table)
    if at < 0 or _blank(chars[i + 1]):
        return 0
    if i == begin:
        return DASH if kind != TILDE else 0
    before = chars[i - 1]
    if _at(table, before) == UNIT:
        return TILDE
    if kind == TILDE or _digit(base, before) or _name(before, base) or before == 41 or before == 0xFF09:
        return 0
    if kind == LONG_DASH and before >= 0x2E80:
        return 0
    return 0 if _at(table, before) in (DASH, LONG_DASH) else DASH


@njit(cache=True, nogil=True)
def _sign(chars, i, begin, end, kind, base, table):
    """What the mark at i says, 0 for nothing, and a digit of the number that it stands at, -1 for none."""
    c = chars[i]
    if kind == NO:
        return 9, -1
    if kind in (DASH, LONG_DASH, TILDE):
        found = _dash(chars, i, begin, end, kind, base, table)
        return found, _next_number(chars, i + 1, end, base, table) if found else -1
    after = _next_number(chars, i + 1, end, base, table)
    before = _last_number(chars, i, begin, base)
    what = np.int64(base[c])
    if kind == POWER:
        return (1000 + what, i - 1) if i > begin and _digit(base, chars[i - 1]) else (0, -1)
    if kind == AFTER:
        if c == 0xB0 and i + 1 < end and chars[i + 1] < 128 and base[chars[i + 1]] in (99, 102):  # °C is ℃
            return 0, -1
        return (what, before) if before >= 0 else (0, -1)
    if kind == ORDER and c < 128:
        j = i - 2 if i > begin and _blank(chars[i - 1]) else i - 1
        k = i + 2 if i + 1 < end and _blank(chars[i + 1]) else i + 1
        other = chars[j] if j >= begin else np.uint32(0)
        follows = chars[k] if k < end else np.uint32(0)
        if other == c or follows == c or other == 45 or other == 61 or (c == 62 and _opens(chars, i, begin)):
            return 0, -1  # >> > > -> => and quotations
        if follows == 61:  # >= <= !=
            what = 0x2265 if c == 62 else 0x2264 if c == 60 else 0x2260
            after = _next_number(chars, i + 2, end, base, table)
        elif c == 33:
            return 0, -1
    number = after if after >= 0 else before
    return (what, number) if number >= 0 else (0, -1)


@njit(cache=True, nogil=True)
def signs(chars, offsets, base, table, digests, values, ends):
    """Signs of each row.

    chars, offsets : rows of text. base : folded character by code point. table : (65536,) uint8, class by code point; entry 0 is 0.
    digests : (n,) uint64 out, 0 where a row has none: equal for rows of one fold whose signs stand at the same numbers.
    values  : (characters + 1,) uint64 out, a digest of each sign with its number; ends (n,) int64 out, where each row's end.
    """
    at = 0
    size = len(table)
    for row in range(len(offsets) - 1):
        begin, end = offsets[row], offsets[row + 1]
        numbers = np.uint64(0)
        h = np.uint64(0)
        inside = False
        for i in range(begin, end):
            c = chars[i]
            kind = table[c] if c < size else np.uint8(NO if c == 0x1F6AB or c == 0x1F44E else 0)
            if kind == 0 or kind == UNIT:  # nearly all of text
                inside = False
                continue
            if kind == DIGIT:
                numbers += np.uint64(not inside)
                inside = True
                continue
            if kind == POWER:
                numbers += np.uint64(not inside)
            inside = kind == POWER
            what, number = _sign(chars, i, begin, end, kind, base, table)
            if what == 0:
                continue
            value = _mix(np.uint64(what) * _GOLDEN + (_number(chars, number, begin, end, base) if number >= 0 else np.uint64(1)))
            values[at] = value
            at += 1
            h += _mix(value + (numbers + np.uint64(number > i)) * _M1)
        digests[row] = h
        ends[row] = at
