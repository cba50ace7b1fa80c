"""Lists of digests as two arrays: values one after the other, and offsets."""

from __future__ import annotations

import numpy as np

from tasks.store.text import I64Array, U64Array


def take_lists(values: U64Array, offsets: I64Array, rows: I64Array) -> tuple[U64Array, I64Array]:
    """The named lists in their order, (values, offsets (len(rows) + 1,)).

    >>> [x.tolist() for x in take_lists(np.array([5, 6, 7], np.uint64), np.array([0, 1, 3]), np.array([1, 0, 1]))]
    [[6, 7, 5, 6, 7], [0, 2, 3, 5]]
    """
    lengths = np.diff(offsets)[rows]
    taken = np.zeros(len(rows) + 1, np.int64)
    np.cumsum(lengths, out=taken[1:])
    return values[np.arange(taken[-1]) + np.repeat(offsets[:-1][rows] - taken[:-1], lengths)], taken
