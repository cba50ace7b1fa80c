"""Exact similarity, computed again from text: what `verify` and tests rest on."""

from __future__ import annotations

import numpy as np

from tasks.kernels import buckets as kernel
from tasks.settings import Matching
from tasks.shingles import shingle_sets
from tasks.store.text import F32Array, I32Array, Texts


def common_shingles(a: Texts, b: Texts, settings: Matching) -> tuple[I32Array, I32Array, I32Array]:
    """Row by row: shingles of a, of b, and common to both, (n,) int32 each."""
    left, left_offsets = shingle_sets(a, settings)
    right, right_offsets = shingle_sets(b, settings)
    values = np.concatenate([left, right])
    offsets = np.concatenate([left_offsets, right_offsets[1:] + len(left)])
    rows = np.arange(len(a), dtype=np.int64)
    common = kernel.intersections(values, offsets, rows, rows + len(a), np.zeros(len(a), np.int32))
    return np.diff(left_offsets).astype(np.int32), np.diff(right_offsets).astype(np.int32), common


def jaccard(a: Texts, b: Texts, settings: Matching) -> F32Array:
    """Row by row: exact Jaccard similarity of the shingle sets of two columns, (n,) float32 rounded to 4 digits; 1 for two empty sets.

    >>> jaccard(Texts.of(["淘金的人在河边洗沙"]), Texts.of(["淘金的人在河邊，洗沙。"]), Matching()).tolist()
    [1.0]
    """
    left, right, common = common_shingles(a, b, settings)
    union = (left + right - common).astype(np.float64)
    return np.round(np.where(union > 0, common / np.maximum(union, 1), 1.0), 4).astype(np.float32)
