"""Counts over UTF-8 bytes as they are read: no code point is materialised."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def scan(data, offsets):
    """Code points, line feeds and non-space characters of valid UTF-8 rows.

    data    : (n_bytes,) uint8, valid UTF-8.
    offsets : (n + 1,) int64, byte offsets of the rows.
    returns : (n, 3) int64. White space is that of `str.isspace`, as everywhere.

    A byte at or below a space decides alone; of the longer sequences only those that begin with C2, E1, E2 or E3 can be
    white space, and of these only a handful, so Chinese text (leads E4 to E9) takes the short way.
    """
    n = len(offsets) - 1
    out = np.zeros((n, 3), np.int64)
    for row in range(n):
        points = 0
        lines = 0
        spaces = 0
        end = offsets[row + 1]
        for i in range(offsets[row], end):
            b = data[i]
            points += (b & 0xC0) != 0x80
            if b <= 0x20:
                lines += b == 10
                spaces += (b == 32) | ((b >= 9) & (b <= 13)) | ((b >= 28) & (b <= 31))
            elif b == 0xC2:
                c = data[i + 1]
                spaces += (c == 0x85) | (c == 0xA0)
            elif b == 0xE1:
                spaces += (data[i + 1] == 0x9A) & (data[i + 2] == 0x80)
            elif b == 0xE2:
                c = data[i + 1]
                d = data[i + 2]
                if c == 0x80:
                    spaces += (d <= 0x8A) | (d == 0xA8) | (d == 0xA9) | (d == 0xAF)
                elif c == 0x81:
                    spaces += d == 0x9F
            elif b == 0xE3:
                spaces += (data[i + 1] == 0x80) & (data[i + 2] == 0x80)
        out[row, 0] = points
        out[row, 1] = lines
        out[row, 2] = points - spaces
    return out


@njit(cache=True, nogil=True)
def find_utf8_run(data, wanted):
    """Offset of the first `wanted` 3-byte UTF-8 characters (U+3000 to U+9FFF) in a row, -1 when there are none.

    data : (n_bytes,) uint8, any bytes. A run that breaks cannot begin again inside itself: its other bytes are no leads.
    """
    run = 0
    i = 0
    while i + 2 < len(data):
        if 0xE3 <= data[i] <= 0xE9 and data[i + 1] & 0xC0 == 0x80 and data[i + 2] & 0xC0 == 0x80:
            run += 1
            i += 3
            if run == wanted:
                return i - 3 * wanted
        else:
            run = 0
            i += 1
    return -1
