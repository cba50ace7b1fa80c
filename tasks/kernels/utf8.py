"""UTF-8 to code points and back, for whole columns."""

from __future__ import annotations

import numpy as np
from numba import njit

from tasks.kernels.lend import lent


@njit(cache=True, nogil=True)
def _count(data, begin, end):
    """Characters of data[begin:end]. A loop over a slice, which numba leaves without questions of sign, becomes vector instructions."""
    n = 0
    for b in data[begin:end]:
        n += (b & 0xC0) != 0x80
    return n


@njit(cache=True, nogil=True)
def _tail(data, i):
    """The six bits of a byte that goes on with a character."""
    return np.uint32(data[i]) & np.uint32(0x3F)


@njit(cache=True, nogil=True)
def _decode(data, begin, end, chars, at):
    """Code points of data[begin:end] into chars at `at`; returns where they end. Indices without sign, as in `_count`."""
    i, stop, at = np.uint64(begin), np.uint64(end), np.uint64(at)
    one, two, three = np.uint64(1), np.uint64(2), np.uint64(3)
    while i < stop:
        b = np.uint32(data[i])
        if b < 0x80:
            chars[at] = b
            i += one
        elif b < 0xE0:
            chars[at] = ((b & np.uint32(0x1F)) << np.uint32(6)) | _tail(data, i + one)
            i += two
        elif b < 0xF0:
            chars[at] = ((b & np.uint32(0x0F)) << np.uint32(12)) | (_tail(data, i + one) << np.uint32(6)) | _tail(data, i + two)
            i += three
        else:
            high = ((b & np.uint32(0x07)) << np.uint32(18)) | (_tail(data, i + one) << np.uint32(12))
            chars[at] = high | (_tail(data, i + two) << np.uint32(6)) | _tail(data, i + three)
            i += np.uint64(4)
        at += one
    return np.int64(at)


@njit(cache=True, nogil=True)
def decode_rows(data, starts, ends):
    """Code points of valid UTF-8 rows, data[starts[i] : ends[i]].

    data         : (n_bytes,) uint8, valid UTF-8 (Arrow strings are).
    starts, ends : (n,) int64.
    returns      : chars (n_chars,) uint32 and offsets (n + 1,) int64, counted from 0.
    """
    n = len(starts)
    data = lent(data)
    total = 0
    for row in range(n):
        total += _count(data, starts[row], ends[row])
    chars = np.empty(total, np.uint32)
    offsets = np.empty(n + 1, np.int64)
    at, into = 0, lent(chars)
    for row in range(n):
        offsets[row] = at
        at = _decode(data, starts[row], ends[row], into, at)
    offsets[n] = at
    return chars, offsets


@njit(cache=True, nogil=True)
def _encoded(chars, begin, end):
    """Bytes that chars[begin:end] take."""
    n = end - begin
    for c in chars[begin:end]:
        n += (c >= 0x80) + (c >= 0x800) + (c >= 0x10000)
    return n


@njit(cache=True, nogil=True)
def _byte(mark, c, shift):
    """A byte of a character's UTF-8 after the first."""
    return np.uint8(np.uint32(mark) | ((c >> np.uint32(shift)) & np.uint32(0x3F)))


@njit(cache=True, nogil=True)
def _encode(chars, begin, end, data, at):
    """UTF-8 of chars[begin:end] into data at `at`; returns where it ends. Indices without sign, as in `_count`."""
    at = np.uint64(at)
    one, two, three = np.uint64(1), np.uint64(2), np.uint64(3)
    for c in chars[begin:end]:
        if c < 0x80:
            data[at] = c
            at += one
        elif c < 0x800:
            data[at] = 0xC0 | (c >> np.uint32(6))
            data[at + one] = _byte(0x80, c, 0)
            at += two
        elif c < 0x10000:
            if 0xD800 <= c < 0xE000:
                c = np.uint32(0xFFFD)
            data[at] = 0xE0 | (c >> np.uint32(12))
            data[at + one] = _byte(0x80, c, 6)
            data[at + two] = _byte(0x80, c, 0)
            at += three
        else:
            data[at] = 0xF0 | (c >> np.uint32(18))
            data[at + one] = _byte(0x80, c, 12)
            data[at + two] = _byte(0x80, c, 6)
            data[at + three] = _byte(0x80, c, 0)
            at += np.uint64(4)
    return np.int64(at)


@njit(cache=True, nogil=True)
def encode_spans(chars, starts, ends):
    """UTF-8 of the spans chars[starts[i] : ends[i]].

    Code points that UTF-8 cannot hold (lone surrogates) become U+FFFD.
    returns : data (n_bytes,) uint8 and offsets (n + 1,) int64.
    """
    n = len(starts)
    chars = lent(chars)
    offsets = np.empty(n + 1, np.int64)
    total = 0
    for row in range(n):
        offsets[row] = total
        total += _encoded(chars, starts[row], ends[row])
    offsets[n] = total
    data = np.empty(total, np.uint8)
    into = lent(data)
    for row in range(n):
        _encode(chars, starts[row], ends[row], into, offsets[row])
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
