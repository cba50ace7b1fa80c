"""Kernels of families: which repeated passages travel together, and where their runs stand."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def follow_pairs(doc, label, repeated, gap, out):
    """Repeated passages that stand close, as (label, later label) pairs.

    Not the next one only: a separator between the lines of a block, or a heading that other blocks have too, does not part them.
    doc, label : (n,) int64; repeated : (n,) bool; gap : passages that may lie between.
    out        : ((gap + 1) * repeated, 2) int64. Returns how many were written.
    """
    m = 0
    for p in range(len(doc)):
        if not repeated[p]:
            continue
        for q in range(p - 1, max(-1, p - gap - 2), -1):
            if doc[q] != doc[p]:
                break
            if repeated[q] and label[q] != label[p]:
                out[m, 0] = label[q]
                out[m, 1] = label[p]
                m += 1
    return m


@njit(cache=True, nogil=True)
def union(size, left, right):
    """(size,) int64 smallest label of each connected group."""
    parent = np.arange(size)
    for k in range(len(left)):
        a = left[k]
        while parent[a] != a:
            parent[a] = parent[parent[a]]
            a = parent[a]
        b = right[k]
        while parent[b] != b:
            parent[b] = parent[parent[b]]
            b = parent[b]
        if a < b:
            parent[b] = a
        elif b < a:
            parent[a] = b
    for x in range(size):
        a = x
        while parent[a] != a:
            a = parent[a]
        parent[x] = a
    return parent


@njit(cache=True, nogil=True)
def runs(doc, group, label, gap, first, last, owner):
    """Occurrences: maximal runs of one group in one document, with small gaps, in which no label comes twice.

    doc, group, label : (n,) int64, group -1 for passages of no family.
    first, last, owner: (n,) int64 out. Returns how many runs there are.
    """
    m = 0
    n = len(doc)
    last_seen = np.full(n + 1, -1, np.int64)  # by label: the run that saw it last
    for p in range(n):
        g = group[p]
        if g < 0:
            continue
        # The run to extend is among the last few: groups may interleave inside a gap.
        found = -1
        k = m - 1
        while k >= 0 and k >= m - gap - 2:
            if owner[k] == g and doc[last[k]] == doc[p] and p - last[k] <= gap + 1:
                found = k
                break
            k -= 1
        if found >= 0 and last_seen[label[p]] != found:
            last[found] = p
        else:
            found = m
            first[m] = p
            last[m] = p
            owner[m] = g
            m += 1
        last_seen[label[p]] = found
    return m


@njit(cache=True, nogil=True)
def run_similarity(values, offsets, first, last, exemplar_first, exemplar_last, group_of, group, scratch_size):
    """Exact Jaccard of the union of shingles of each run with that of its exemplar.

    values, offsets        : sorted distinct shingles of every passage.
    first, last            : (m,) int64 runs; exemplar_first, exemplar_last: (m,) int64 runs of their exemplars.
    group_of, group        : passage -> group, and group of each run: only its own passages count.
    returns                : (m,) float32.
    """
    m = len(first)
    out = np.empty(m, np.float32)
    mine = np.empty(scratch_size, np.uint64)
    theirs = np.empty(scratch_size, np.uint64)
    known_first = -1
    theirs_count = 0
    for r in range(m):
        n = _collect(values, offsets, first[r], last[r], group_of, group[r], mine)
        if exemplar_first[r] != known_first:
            theirs_count = _collect(values, offsets, exemplar_first[r], exemplar_last[r], group_of, group[r], theirs)
            known_first = exemplar_first[r]
        i = j = common = 0
        while i < n and j < theirs_count:
            if mine[i] == theirs[j]:
                common += 1
                i += 1
                j += 1
            elif mine[i] < theirs[j]:
                i += 1
            else:
                j += 1
        total = n + theirs_count - common
        out[r] = common / total if total > 0 else 1.0
    return out


@njit(cache=True, nogil=True)
def _collect(values, offsets, first, last, group_of, group, out):
    """Sorted distinct shingles of the passages of one run; returns how many."""
    n = 0
    for p in range(first, last + 1):
        if group_of[p] == group:
            for k in range(offsets[p], offsets[p + 1]):
                out[n] = values[k]
                n += 1
    # Heap sort: no allocation, and no worst case.
    for start in range(n // 2 - 1, -1, -1):
        _sift(out, start, n)
    for end in range(n - 1, 0, -1):
        out[0], out[end] = out[end], out[0]
        _sift(out, 0, end)
    kept = 0
    for k in range(n):
        if k == 0 or out[k] != out[k - 1]:
            out[kept] = out[k]
            kept += 1
    return kept


@njit(cache=True, nogil=True)
def _sift(heap, root, end):
    while True:
        child = 2 * root + 1
        if child >= end:
            return
        if child + 1 < end and heap[child] < heap[child + 1]:
            child += 1
        if heap[root] >= heap[child]:
            return
        heap[root], heap[child] = heap[child], heap[root]
        root = child
