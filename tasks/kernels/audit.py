"""Digests of the visible characters of runs of rows, for comparing two ways of writing the same text down."""

from __future__ import annotations

import numpy as np
from numba import njit

from tasks.kernels.utf8 import is_space

#: Base of the polynomial digest modulo 2^64: odd and large. It finds damage; it does not withstand forgers (SHA-256 does that).
BASE = 0x9E3779B97F4A7C15
MODULUS = 1 << 64


@njit(cache=True, nogil=True)
def visible_digest(chars, offsets, groups, n_groups):
    """Polynomial digest of the non-space characters of each group of rows, and their number.

    chars    : (n_chars,) uint32.   offsets : (n + 1,) int64.
    groups   : (n,) int64, in 0 .. n_groups - 1; rows of a group in reading order.
    returns  : digest (n_groups,) uint64 = sum of c[i] * BASE^(count - 1 - i) mod 2^64, and count (n_groups,) int64, so that
               digests of consecutive pieces combine: D(ab) = D(a) * BASE^count(b) + D(b).
    """
    digest = np.zeros(n_groups, np.uint64)
    count = np.zeros(n_groups, np.int64)
    base = np.uint64(BASE)
    for row in range(len(offsets) - 1):
        group = groups[row]
        d = digest[group]
        n = 0
        for i in range(offsets[row], offsets[row + 1]):
            c = chars[i]
            if not is_space(c):
                d = d * base + np.uint64(c + np.uint32(1))
                n += 1
        digest[group] = d
        count[group] += n
    return digest, count
