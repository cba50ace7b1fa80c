"""Which rows can hold personal data at all; what it is, tasks/personal.py asks with patterns and checksums."""

from __future__ import annotations

import numpy as np
from numba import njit

DIGITS = 10  # of a telephone number, the shortest of all but those that a messenger's name announces
NUMBER, ADDRESS, MESSENGER, PLATE = 1, 4, 8, 16


@njit(cache=True, nogil=True)
def _names_a_messenger(chars, i, end):
    """Whether 微信, 扣扣, QQ, wx, vx or wechat, in any case and either script, begins at i."""
    if i + 1 >= end:
        return False
    c, d = chars[i] | np.uint32(32), chars[i + 1] | np.uint32(32)
    if chars[i] >= 0x80:
        return chars[i + 1] in (0x4FE1, 0x8A0A, 0x6263)  # 信 訊 扣
    if c == 0x71:
        return d == 0x71
    return d == 0x78 or (c == 0x77 and d == 0x65 and i + 3 < end and chars[i + 2] | np.uint32(32) == 0x63 and chars[i + 3] == 0x68)


@njit(cache=True, nogil=True)
def candidates(chars, offsets, marks):
    """(n,) uint8, what each row can hold: NUMBER for ten digits in a stretch of digits and single separators, ADDRESS for an @, MESSENGER for
    the name of one, PLATE for the start of one.

    marks : (0x10000,) uint8; 1 for a digit, 2 for a separator inside a number, ADDRESS for @, MESSENGER for the first character of a
            messenger's name, PLATE for that of a plate, which a capital letter follows.
    """
    out = np.zeros(len(offsets) - 1, np.uint8)
    for row in range(len(out)):
        digits = 0
        found = 0
        before = np.uint8(0)
        end = offsets[row + 1]
        for i in range(offsets[row], end):
            c = chars[i]
            kind = marks[c] if c < 0x10000 else np.uint8(0)
            if kind == 0:
                digits = 0
            elif kind == 1:
                digits += 1
                if digits >= DIGITS:
                    found |= NUMBER
            else:
                if kind != 2 or before == 2:
                    digits = 0
                if (
                    kind == ADDRESS
                    or (kind == MESSENGER and _names_a_messenger(chars, i, end))
                    or (kind == PLATE and i + 1 < end and 65 <= chars[i + 1] <= 90)
                ):
                    found |= np.int64(kind)
            before = kind
        out[row] = found
    return out
