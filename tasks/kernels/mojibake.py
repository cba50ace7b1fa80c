"""Which rows have signs of text read in the wrong charset. Numba kernels. Dimensions: n (rows), n_chars (the buffer)."""

from __future__ import annotations

import numpy as np
from numba import njit

# Bits of the table of characters: Han; out of use (rare Han, private use, half-width kana); a byte as Latin-1 shows it.
HAN, RARE, HIGH = 1, 2, 4
WINDOW = np.uint32(0xFF)  # the last eight Han
MANY, RUN = 2, 4  # rare ones among them; bytes in a row


@njit(cache=True, nogil=True)
def suspects(chars, starts, ends, table):
    """(n,) uint8: 1 where two of eight Han in a row are out of use, where a third of all are, or where four bytes stand together.

    chars : (n_chars,) uint32; starts, ends : (n,) int64; table : (0x110000,) uint8. Nothing but Han and bytes moves the window,
    so that spaces, punctuation and width have no say.
    """
    out = np.zeros(len(starts), np.uint8)
    for row in range(len(out)):
        recent = np.uint32(0)
        near = rare = han = high = 0
        found = False
        for i in range(starts[row], ends[row]):
            if chars[i] < 0x80:
                high = 0
                continue
            kind = table[chars[i]]
            if kind & HAN:
                odd = np.uint32((kind >> 1) & 1)
                near += np.int64(odd) - np.int64((recent >> np.uint32(7)) & np.uint32(1))
                recent = ((recent << np.uint32(1)) | odd) & WINDOW
                rare += odd
                han += 1
                found |= near >= MANY
                high = 0
            elif kind & HIGH:
                high += 1
                found |= high >= RUN
            else:
                high = 0
        out[row] = found or (rare > 0 and rare * 3 >= han)
    return out
