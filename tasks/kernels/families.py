"""Kernels of families: which repeated passages travel together, where their runs stand, and how like one another they are."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def follow_pairs(doc, label, repeated, gap, out):
    """Repeated passages that stand close, as (label, later label) pairs, each pair of labels once for a place of the later one.

    Not the next one only: a separator between the lines of a block, or a heading that other blocks have too, does not part them.
    doc, label : (n,) int64; repeated : (n,) bool; gap : passages that may lie between.
    out        : ((gap + 1) * repeated, 2) int64. Returns how many were written.
    """
    m = 0
    for p in range(len(doc)):
        if not repeated[p]:
            continue
        start = m
        for q in range(p - 1, max(-1, p - gap - 2), -1):
            if doc[q] != doc[p]:
                break
            if repeated[q] and label[q] != label[p]:
                k = start
                while k < m and out[k, 0] != label[q]:
                    k += 1
                if k == m:
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
def runs(doc, group, gap, first, last, owner):
    """Maximal runs of one group in one document, with at most `gap` other passages between two of its own.

    doc, group         : (n,) int64, group -1 for passages of no family. Runs of different groups may interleave.
    first, last, owner : (grouped passages,) int64 out, by first passage. Returns how many runs there are.
    """
    m = 0
    latest = np.full(group.max() + 1 if len(group) else 0, -1, np.int64)  # by group: its last run
    for p in range(len(doc)):
        g = group[p]
        if g < 0:
            continue
        r = latest[g]
        if r >= 0 and p - last[r] <= gap + 1 and doc[last[r]] == doc[p]:
            last[r] = p
        else:
            first[m] = p
            last[m] = p
            owner[m] = g
            latest[g] = m
            m += 1
    return m


#: A run is cut only where one of its first labels comes again, and this many passages on decide whether the rest comes again too.
_OPENING, _AHEAD = 3, 64


@njit(cache=True, nogil=True)
def cut_repeats(first, last, owner, group, label, share, new_first, new_last, new_owner, distinct):
    """Cut runs where the whole of them begins again: a block that stands twice in a row is two occurrences.

    A run is cut before a passage whose label is among the first of the run, when `share` of the run's labels come again in as many
    passages from there. A line that comes twice inside a block cuts nothing; a run of one line over and over is cut at each.
    first, last, owner : (m,) int64; group, label : (n,) int64.
    new_*, distinct    : (own passages,) int64 out; `distinct` : labels of each piece. Returns how many pieces there are.
    """
    labels = label.max() + 1 if len(label) else 0
    seen = np.full(labels, -1, np.int64)  # by label: the piece that had it last
    at = np.zeros(labels, np.int64)  # own passages of that piece before it
    ahead = np.full(labels, -1, np.int64)  # by label: the last place it was looked for from
    k = 0
    for r in range(len(first)):
        g = owner[r]
        varied = False
        for p in range(first[r] + 1, last[r] + 1):
            if group[p] == g and label[p] != label[first[r]]:
                varied = True
                break
        size = 0
        new_first[k] = first[r]
        distinct[k] = 0
        for p in range(first[r], last[r] + 1):
            if group[p] != g:
                continue
            x = label[p]
            if size > 0 and seen[x] == k and at[x] < _OPENING and (distinct[k] > 1 or not varied):
                again = 0
                steps = 0
                q = p
                while q <= last[r] and steps < min(size, _AHEAD):
                    if group[q] == g:
                        steps += 1
                        if seen[label[q]] == k and ahead[label[q]] != p:
                            again += 1
                        ahead[label[q]] = p
                    q += 1
                if again >= share * min(distinct[k], _AHEAD):
                    new_owner[k] = g
                    k += 1
                    new_first[k] = p
                    distinct[k] = 0
                    size = 0
            if seen[x] != k:
                seen[x] = k
                at[x] = size
                distinct[k] += 1
            size += 1
            new_last[k] = p
        new_owner[k] = g
        k += 1
    return k


@njit(cache=True, nogil=True)
def sequence_digests(first, last, family, family_of, classes):
    """(m,) uint64 digest of the classes of each run's own passages in order: equal for copies that need comparing once only."""
    out = np.empty(len(first), np.uint64)
    for r in range(len(first)):
        h = np.uint64(0x9E3779B97F4A7C15)
        for p in range(first[r], last[r] + 1):
            if family_of[p] == family[r]:
                h = (h ^ np.uint64(classes[p] + 1)) * np.uint64(0xFF51AFD7ED558CCD)
                h ^= h >> np.uint64(29)
        out[r] = h
    return out


@njit(cache=True, nogil=True)
def jaccard(values, offsets, left, right):
    """(m,) float32 exact Jaccard of pairs of sorted sets; two empty sets have nothing in common: 0.

    values, offsets : sorted distinct uint64 of each row; left, right : (m,) int64 rows.
    """
    out = np.empty(len(left), np.float32)
    for k in range(len(left)):
        i = offsets[left[k]]
        j = offsets[right[k]]
        end_i = offsets[left[k] + 1]
        end_j = offsets[right[k] + 1]
        total = end_i - i + end_j - j
        common = 0
        while i < end_i and j < end_j:
            if values[i] == values[j]:
                common += 1
                i += 1
                j += 1
            elif values[i] < values[j]:
                i += 1
            else:
                j += 1
        out[k] = common / (total - common) if total > common else 0.0
    return out


@njit(cache=True, nogil=True)
def joined_jaccard(values, offsets, bounds, left, right, scratch_size):
    """(m,) float32 exact Jaccard of joined sets: each side is the union of consecutive rows.

    values, offsets : sorted distinct uint64 of each row; bounds : (sides + 1,) int64, rows of each side.
    left, right     : (m,) int64 sides; equal `right` that follow one another are joined once.
    scratch_size    : values of the largest side, before they are made distinct. Two empty sides are alike: 1.
    """
    out = np.empty(len(left), np.float32)
    mine = np.empty(scratch_size, np.uint64)
    theirs = np.empty(scratch_size, np.uint64)
    known = -1
    theirs_count = 0
    for k in range(len(left)):
        n = _join(values, offsets, bounds[left[k]], bounds[left[k] + 1], mine)
        if right[k] != known:
            known = right[k]
            theirs_count = _join(values, offsets, bounds[known], bounds[known + 1], theirs)
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
        out[k] = common / total if total > 0 else 1.0
    return out


@njit(cache=True, nogil=True)
def _join(values, offsets, first_row, end_row, out):
    """Sorted distinct values of consecutive rows; returns how many."""
    n = 0
    for k in range(offsets[first_row], offsets[end_row]):
        out[n] = values[k]
        n += 1
    if end_row - first_row <= 1:
        return n
    out[:n].sort()
    kept = 0
    for k in range(n):
        if k == 0 or out[k] != out[k - 1]:
            out[kept] = out[k]
            kept += 1
    return kept
