"""Which of some lines match a pattern: the library that keeps a compiled pattern for few, Arrow's kernel for many."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.rulepack import compiled
from tasks.store.text import BoolArray

#: Rows. Arrow compiles a pattern at every call, which takes as long as matching so many rows one by one.
FEW = 1000


def match(column: pa.StringArray, regex: str) -> BoolArray:
    """(n,) bool, rows that a pattern is found in."""
    if len(column) > FEW:
        return np.asarray(pc.match_substring_regex(column, regex).to_numpy(zero_copy_only=False), bool)
    search = compiled(regex).search
    return np.array([search(row) is not None for row in column.cast(pa.binary()).to_pylist()], bool)
