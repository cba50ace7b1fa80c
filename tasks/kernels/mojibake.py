"""Which rows have signs of text read in the wrong charset. Numba kernels. Dimensions: n (rows), n_chars (the buffer)."""

from __future__ import annotations

import numpy as np
from numba import njit

# Bits of the table of characters: Han; out of use (rare Han, private use, half-width kana); a byte as Latin-1 shows it; frequent.
HAN, RARE, HIGH, OFTEN = 1, 2, 4, 8
WINDOW = np.uint32(0xFF)  # the last eight Han
MANY, FEW, RUN = 2, 1, 4  # rare ones at least and frequent ones at most among them; bytes in a row


@njit(cache=True, nogil=True)
def suspects(chars, starts, ends, table):
    """(n,) uint8: 1 where of eight Han in a row two are out of use and one at most is frequent, where a third of all are, or where four bytes stand together.

    chars : (n_chars,) uint32; starts, ends : (n,) int64; table : (0x110000,) uint8. Nothing but Han and bytes moves the window,
    so that spaces, punctuation and width have no say.
    """
    out = np.zeros(len(starts), np.uint8)
    for row in range(len(out)):
        recent = np.uint32(0)
        frequent = np.uint32(0)
        near = usual = rare = han = high = 0
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
                often = np.uint32((kind >> 3) & 1)
                usual += np.int64(often) - np.int64((frequent >> np.uint32(7)) & np.uint32(1))
                frequent = ((frequent << np.uint32(1)) | often) & WINDOW
                rare += odd
                han += 1
                found |= near >= MANY and usual <= FEW
                high = 0
            elif kind & HIGH:
                high += 1
                found |= high >= RUN
            else:
                high = 0
        out[row] = found or (rare > 0 and rare * 3 >= han)
    return out
