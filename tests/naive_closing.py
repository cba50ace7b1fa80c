"""Slow twin of tasks.kernels.closing, a document at a time, with Python lists."""

from __future__ import annotations


def closing(spreads: list[int], soft: list[bool], reach: int, gap: int) -> list[int]:
    """Line above each line that takes it along, or -1, of one document."""
    n = len(spreads)
    out = [-1] * n
    least = max(n - reach, (n + 1) // 2)
    runs: list[tuple[int, int]] = []
    row = n - 1
    while row >= least:
        if spreads[row]:
            row -= 1
            continue
        start = row
        while start > least and not spreads[start - 1] and soft[start - 1]:
            start -= 1
        if not soft[row] or row - start + 1 > gap or start == least or spreads[start - 1] != 2:
            break
        runs.append((start, row + 1))
        row = start - 1
    goes = [code == 2 for code in spreads]
    for start, end in runs:
        above = _length(goes[:start][::-1], 0)
        below = _length(goes, end)
        wanted = max(end - start, 2)
        if above >= wanted if end == n else below > 0 and above + below >= wanted:
            out[start:end] = [start - 1] * (end - start)
            goes[start:end] = [True] * (end - start)
    return out


def _length(goes: list[bool], at: int) -> int:
    size = 0
    while at + size < len(goes) and goes[at + size]:
        size += 1
    return size
