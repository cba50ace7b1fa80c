"""STAND-IN until `tasks.shingles.tokenize_placed` is merged: where each element of `tasks.kernels.fold.tokenize` stands. Delete it then."""

from __future__ import annotations

import numpy as np
from numba import njit

from tasks.kernels.fold import DROP, JOIN, TOKEN, _is_word, _tag_end, _url_end, _word_end


@njit(cache=True, nogil=True)
def origins(chars, offsets, more, expand, expansions):
    """(len(chars) + more,) int64, where each spelled-out character stood in the buffer."""
    out = np.empty(len(chars) + more, np.int64)
    at = 0
    for i in range(offsets[0], offsets[len(offsets) - 1]):
        r = expand[chars[i]] if chars[i] < len(expand) else -1
        for _ in range(expansions[r, 0] if r >= 0 else 1):
            out[at] = i
            at += 1
    return out[:at]


@njit(cache=True, nogil=True)
def places(chars, offsets, base, kind, count):
    """starts, ends (count,) int64 of the elements, in the buffer; a space element is where the next word begins, without length."""
    size = len(base)
    starts = np.empty(count, np.int64)
    ends = np.empty(count, np.int64)
    at = 0
    for row in range(len(offsets) - 1):
        i = offsets[row]
        end = offsets[row + 1]
        after_letters = False
        separated = False
        while i < end:
            c = chars[i]
            k = kind[c] if c < size else (TOKEN if c < 0x32400 else DROP if c < 0xE0000 else JOIN)
            if k == TOKEN:
                starts[at] = i
                ends[at] = i + 1
                at += 1
                i += 1
                after_letters = False
            elif _is_word(k):
                j = _url_end(chars, i, end, base, kind)
                slot = j > i
                if not slot:
                    j, slot = _word_end(chars, i, end, base, kind)
                if slot:
                    starts[at] = i
                    ends[at] = j
                    at += 1
                else:
                    if after_letters and separated:
                        starts[at] = i
                        ends[at] = i
                        at += 1
                    for x in range(i, j):
                        starts[at] = x
                        ends[at] = x + 1
                        at += 1
                after_letters = not slot
                separated = False
                i = j
            elif c == 60 and _tag_end(chars, i, end) > i:
                j = _tag_end(chars, i, end)
                starts[at] = i
                ends[at] = j
                at += 1
                after_letters = False
                separated = False
                i = j
            else:
                separated = separated or k != JOIN
                i += 1
    return starts, ends
