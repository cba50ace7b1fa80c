"""The record of one broken promise, and how columns of rows become such records."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

#: Rows named for one check on one file; the rest is counted.
SHOWN = 5


@dataclass(frozen=True)
class Problem:
    """One thing wrong. `check` is a stable short name; `where` names file and row or id; never text of a source."""

    check: str
    where: str
    expected: str
    found: str


def rows_problem(check: str, where: str, bad: Any, expected: str, found: Callable[[int], str]) -> list[Problem]:
    """Problems for rows of a column check.

    bad   : (n,) bool, numpy or Arrow; a null counts as bad.
    found : says what row i holds; called for the few rows that are shown.
    """
    if isinstance(bad, (pa.Array, pa.ChunkedArray)):
        bad = bad.fill_null(True).to_numpy(zero_copy_only=False) if isinstance(bad, pa.Array) else bad.fill_null(True).to_numpy()
    rows = np.flatnonzero(bad)
    problems = [Problem(check, f"{where} row {row}", expected, found(int(row))) for row in rows[:SHOWN]]
    if len(rows) > SHOWN:
        problems.append(Problem(check, where, expected, f"{len(rows) - SHOWN} more rows like these"))
    return problems
