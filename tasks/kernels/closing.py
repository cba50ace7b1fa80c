"""The closing of a document: short lines between lines that go, in its last lines."""

from __future__ import annotations

import numpy as np
from numba import njit

#: Lines from the end that a closing may have; lines in a row between two that go.
REACH, GAP = 24, 3


@njit(cache=True, nogil=True)
def closing(first, last, spreads, soft):
    """For each line the line above it that takes it along, or -1.

    first, last : (n_docs,) int64, lines of each document; only the second half of it can be its closing.
    spreads     : (n,) int8, 2 where a line goes and says so of its neighbours, 1 where it only goes, 0 where it stays.
    soft        : (n,) bool, lines that may go along: short, of running text, not ending as a sentence.

    A run of soft lines goes when it stands between lines of code 2, or between two of them and the end, and those that
    border on it are at least as many as it has lines.
    """
    out = np.full(len(spreads), -1, np.int64)
    for doc in range(len(first)):
        end = last[doc]
        least = max(end - REACH, first[doc] + (end - first[doc] + 1) // 2)
        below = -1  # lines of code 2 right below the run; -1 at the end of the document
        row = end - 1
        while row >= least:
            if spreads[row] != 0:
                below = (max(below, 0) + 1) if spreads[row] == 2 else 0
                row -= 1
                continue
            stop = row
            while stop >= least and spreads[stop] == 0 and soft[stop]:
                stop -= 1
            size = row - stop
            if size == 0 or size > GAP or stop < least or spreads[stop] != 2:
                break
            above = 0
            while stop - above >= first[doc] and spreads[stop - above] == 2:
                above += 1
            enough = above >= 2 and above >= size if below < 0 else below > 0 and above + below >= max(size, 2)
            if enough:
                out[stop + 1 : row + 1] = stop
                below = max(below, 0) + size
            else:
                below = 0
            row = stop
    return out
