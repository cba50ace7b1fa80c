"""Kernels of what follows the search: estimates, and stars."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def agreement(signatures, left, right):
    """(m,) float32: share of equal entries of two signatures, the MinHash estimate of the similarity."""
    perms = signatures.shape[1]
    out = np.empty(len(left), np.float32)
    for p in range(len(left)):
        same = 0
        for k in range(perms):
            same += signatures[left[p], k] == signatures[right[p], k]
        out[p] = same / perms
    return out


@njit(cache=True, nogil=True)
def stars(order, classes, first, neighbours, weights, removable, exact_ok):
    """Star clusters by one global order: kept unless a verified neighbour is already kept.

    order      : (n,) int64, passages in global order (only those that take part).
    classes    : (all,) int32, fold class of each passage, -1 for none: members of one class have equal folds.
    first      : (n_classes + 1,) int64 CSR over neighbours by class.
    neighbours : (m,) int32 classes; weights : (m,) float32 similarity; accepted pairs in this direction only
                 (the row's class may be removed in favour of the neighbour).
    removable  : (all,) bool, may be removed as a near duplicate.
    exact_ok   : (all,) bool, may be removed when a member of the same class is kept.
    returns    : twin (all,) int64, the kept passage a removed one names, -1 if kept; similarity (all,) float32.
    """
    kept = np.full(len(first) - 1, -1, np.int64)
    twin = np.full(len(classes), -1, np.int64)
    similarity = np.zeros(len(classes), np.float32)
    for p in order:
        c = classes[p]
        if c < 0:
            continue
        if kept[c] >= 0 and exact_ok[p]:
            twin[p] = kept[c]
            similarity[p] = 1.0
            continue
        best = -1
        best_weight = np.float32(-1.0)
        if removable[p]:
            for k in range(first[c], first[c + 1]):
                other = neighbours[k]
                if kept[other] >= 0 and weights[k] > best_weight:
                    best = kept[other]
                    best_weight = weights[k]
        if best >= 0:
            twin[p] = best
            similarity[p] = best_weight
        elif kept[c] < 0:
            kept[c] = p
    return twin, similarity
