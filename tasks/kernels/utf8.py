"""UTF-8 to code points and back, for whole columns."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def _count(data, begin, end):
    n = 0
    for i in range(begin, end):
        n += (data[i] & 0xC0) != 0x80
    return n


@njit(cache=True, nogil=True)
def decode_rows(data, starts, ends):
    """Code points of valid UTF-8 rows, data[starts[i] : ends[i]].

    data         : (n_bytes,) uint8, valid UTF-8 (Arrow strings are).
    starts, ends : (n,) int64.
    returns      : chars (n_chars,) uint32 and offsets (n + 1,) int64, counted from 0.
    """
    n = len(starts)
    total = 0
    for row in range(n):
        total += _count(data, starts[row], ends[row])
    chars = np.empty(total, np.uint32)
    offsets = np.empty(n + 1, np.int64)
    at = 0
    for row in range(n):
        offsets[row] = at
        i = starts[row]
        end = ends[row]
        while i < end:
            b = np.uint32(data[i])
            if b < 0x80:
                chars[at] = b
                i += 1
            elif b < 0xE0:
                chars[at] = ((b & np.uint32(0x1F)) << np.uint32(6)) | np.uint32(data[i + 1] & 0x3F)
                i += 2
            elif b < 0xF0:
                chars[at] = (
                    ((b & np.uint32(0x0F)) << np.uint32(12))
                    | (np.uint32(data[i + 1] & 0x3F) << np.uint32(6))
                    | np.uint32(data[i + 2] & 0x3F)
                )
                i += 3
            else:
                chars[at] = (
                    ((b & np.uint32(0x07)) << np.uint32(18))
                    | (np.uint32(data[i + 1] & 0x3F) << np.uint32(12))
                    | (np.uint32(data[i + 2] & 0x3F) << np.uint32(6))
                    | np.uint32(data[i + 3] & 0x3F)
                )
                i += 4
            at += 1
    offsets[n] = at
    return chars, offsets


@njit(cache=True, nogil=True)
def encode_spans(chars, starts, ends):
    """UTF-8 of the spans chars[starts[i] : ends[i]].

    Code points that UTF-8 cannot hold (lone surrogates) become U+FFFD.
    returns : data (n_bytes,) uint8 and offsets (n + 1,) int64.
    """
    n = len(starts)
    offsets = np.empty(n + 1, np.int64)
    total = 0
    for row in range(n):
        offsets[row] = total
        for i in range(starts[row], ends[row]):
            c = chars[i]
            total += 1 + (c >= 0x80) + (c >= 0x800) + (c >= 0x10000)
    offsets[n] = total
    data = np.empty(total, np.uint8)
    at = 0
    for row in range(n):
        for i in range(starts[row], ends[row]):
            c = chars[i]
            if c < 0x80:
                data[at] = c
                at += 1
            elif c < 0x800:
                data[at] = 0xC0 | (c >> 6)
                data[at + 1] = 0x80 | (c & 0x3F)
                at += 2
            elif c < 0x10000:
                if 0xD800 <= c < 0xE000:
                    c = np.uint32(0xFFFD)
                data[at] = 0xE0 | (c >> 12)
                data[at + 1] = 0x80 | ((c >> 6) & 0x3F)
                data[at + 2] = 0x80 | (c & 0x3F)
                at += 3
            else:
                data[at] = 0xF0 | (c >> 18)
                data[at + 1] = 0x80 | ((c >> 12) & 0x3F)
                data[at + 2] = 0x80 | ((c >> 6) & 0x3F)
                data[at + 3] = 0x80 | (c & 0x3F)
                at += 4
    return data, offsets


@njit(cache=True, nogil=True)
def gather(chars, starts, ends):
    """Copy spans into a new buffer.

    returns : chars (sum of lengths,) uint32 and offsets (n + 1,) int64.
    """
    n = len(starts)
    offsets = np.empty(n + 1, np.int64)
    total = 0
    for row in range(n):
        offsets[row] = total
        total += ends[row] - starts[row]
    offsets[n] = total
    out = np.empty(total, np.uint32)
    for row in range(n):
        out[offsets[row] : offsets[row + 1]] = chars[starts[row] : ends[row]]
    return out, offsets


@njit(cache=True, nogil=True)
def is_space(c):
    """Whether `str.isspace` holds for a code point: white space as the conservation promise counts it."""
    return (
        (9 <= c <= 13)
        or (28 <= c <= 32)
        or c == 0x85
        or c == 0xA0
        or c == 0x1680
        or (0x2000 <= c <= 0x200A)
        or c == 0x2028
        or c == 0x2029
        or c == 0x202F
        or c == 0x205F
        or c == 0x3000
    )


@njit(cache=True, nogil=True)
def count_visible(chars, starts, ends):
    """(n,) int64, non-space characters of each span: the unit in which conservation is proved."""
    out = np.empty(len(starts), np.int64)
    for row in range(len(starts)):
        n = 0
        for i in range(starts[row], ends[row]):
            c = chars[i]
            n += c > 0x3000 or not is_space(c)  # one question for nearly all Chinese text
        out[row] = n
    return out


@njit(cache=True, nogil=True)
def same_spans(chars, starts, ends, others, offsets):
    """(n,) bool, whether the span chars[starts[i] : ends[i]] equals row i of a column (others, offsets)."""
    out = np.empty(len(starts), np.bool_)
    for row in range(len(starts)):
        size = ends[row] - starts[row]
        same = size == offsets[row + 1] - offsets[row]
        if same:
            a = chars[starts[row] : ends[row]]
            b = others[offsets[row] : offsets[row + 1]]
            difference = np.uint32(0)
            for i in range(size):
                difference |= a[i] ^ b[i]
            same = difference == 0
        out[row] = same
    return out


@njit(cache=True, nogil=True)
def visible_digest(chars, starts, ends):
    """(n,) uint64, digest of the non-space characters of each span, exactly as they are."""
    out = np.empty(len(starts), np.uint64)
    for row in range(len(starts)):
        h = np.uint64(0x9E3779B97F4A7C15)
        for i in range(starts[row], ends[row]):
            if not is_space(chars[i]):
                h = (h ^ np.uint64(chars[i])) * np.uint64(0xFF51AFD7ED558CCD)
                h ^= h >> np.uint64(33)
        out[row] = h
    return out
