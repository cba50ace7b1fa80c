"""The match form of lines: one table look-up a character, white space collapsed."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def fold_spans(chars, starts, ends, table):
    """Fold the spans chars[starts[i] : ends[i]] through a table.

    chars       : (n_chars,) uint32 code points.
    starts, ends: (n,) int64.
    table       : (n_codes,) uint32; 0 drops the character, 32 is white space, anything else replaces it.
    returns     : folded (n_folded,) uint32 and offsets (n + 1,) int64; no row begins or ends with a space or has two in a run.
    """
    n = len(starts)
    total = 0
    for row in range(n):
        total += max(0, ends[row] - starts[row])
    out = np.empty(total, np.uint32)
    offsets = np.empty(n + 1, np.int64)
    size = len(table)
    at = 0
    for row in range(n):
        begin = at
        offsets[row] = at
        space = False
        for i in range(starts[row], ends[row]):
            c = chars[i]
            f = table[c] if c < size else c
            if f == 32:
                space = at > begin
            elif f != 0:
                if space:
                    out[at] = 32
                    at += 1
                    space = False
                out[at] = f
                at += 1
    offsets[n] = at
    return out[:at], offsets
