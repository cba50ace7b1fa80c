"""Editions: documents of which one is mostly a copy of another. There a few other words in a paragraph are editing, not another thing.

Between strangers 星期 for 礼拜 cannot be told from one name for another. Where most long passages of a document went as copies of one other
document, what stands between two of them, and is like what stands between their twins, is the same passage typed again. Numbers, words of
letters, negations, names and opposites are another thing even there (`tasks.losses`).
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from tasks.index import Index
from tasks.store.stage import numbers
from tasks.store.text import BoolArray, F32Array, I32Array, I64Array

#: A document is an edition of another when so many of its long passages are copies of passages of it, and when with those that are so in
#: other words they have this share of its tokens.
COPIES, SHARE = 3, 0.5


def editions(index: Index, copied: tuple[I64Array, I64Array], reworded: tuple[I64Array, I64Array], total: I64Array) -> I64Array:
    """(docs,) int64: document row of which each one is an edition, -1 for none.

    copied, reworded : passages (gids) and their twins in other documents. total : (docs,) int64, tokens of long passages.
    """
    tokens = index.column("match", "tokens").astype(np.int64)
    gid, twin = (np.concatenate([one, other]) for one, other in zip(copied, reworded, strict=True))
    strict = np.arange(len(gid)) < len(copied[0])
    _, some = np.unique(np.stack([gid, index.doc[twin]]), axis=1, return_index=True)
    keys, inverse = np.unique((index.doc[gid[some]] << 32) | index.doc[twin[some]], return_inverse=True)
    weight, count = np.bincount(inverse, tokens[gid[some]], minlength=len(keys)), np.bincount(inverse, strict[some], minlength=len(keys))
    own, other = keys >> 32, keys & 0xFFFFFFFF
    good = (own != other) & (count >= COPIES) & (weight >= SHARE * total[own])
    out = np.full(int(index.doc_base[-1]), -1, np.int64)
    order = np.lexsort((-other[good], weight[good]))  # the last assignment stands: that with most in common
    out[own[good][order]] = other[good][order]
    return out


def retyped(
    index: Index, twin: I64Array, standing: BoolArray, long: BoolArray, classes: I32Array, pairs: pa.Table
) -> tuple[I64Array, I64Array, F32Array]:
    """Standing passages of editions that a passage of the other document says in other words: gids, their twins, similarity.

    twin : (passages,) int64, kept passage of each duplicate, -1 else; standing, long : (passages,) bool.
    The twin stands, and lies between the twins of the copies before and after; what others name as their twin stays.
    """
    p, t, score = _candidates(twin, standing & long & (classes >= 0), classes, pairs)
    apart = index.doc_rank[index.doc[t]] < index.doc_rank[index.doc[p]]
    p, t, score = p[apart], t[apart], score[apart]
    if not len(p):
        return p, t, score
    weighed = np.where(long & (standing | (twin >= 0)), index.column("match", "tokens"), 0)
    total = np.bincount(index.doc, weighed, minlength=int(index.doc_base[-1])).astype(np.int64)
    copied = np.flatnonzero((twin >= 0) & long)
    edition = editions(index, (copied, twin[copied]), (p, t), total)
    low, high = _between(index.doc, twin, edition)
    good = (index.doc[t] == edition[index.doc[p]]) & (t > low[p]) & ((high[p] < 0) | (t < high[p])) & ((low[p] >= 0) | (high[p] >= 0))
    p, t, score = p[good], t[good], score[good]
    best = np.lexsort((t, -score, p))
    best = best[np.flatnonzero(np.diff(p[best], prepend=-1))]
    p, t, score = p[best], t[best], score[best]
    stay = ~np.isin(t, p)  # an edition of an edition
    return p[stay], t[stay], score[stay]


def _candidates(twin: I64Array, open_to: BoolArray, classes: I32Array, pairs: pa.Table) -> tuple[I64Array, I64Array, F32Array]:
    """Standing passages that nobody names, standing ones that say the same in other words, and their similarity."""
    forward, backward = numbers(pairs["b_edits_a"]), numbers(pairs["a_edits_b"])
    a, b, similarity = numbers(pairs["a"]).astype(np.int64), numbers(pairs["b"]).astype(np.int64), numbers(pairs["similarity"])
    goes, stays = np.concatenate([b[forward], a[backward]]), np.concatenate([a[forward], b[backward]])
    score = np.concatenate([similarity[forward], similarity[backward]]).astype(np.float32)
    there = np.flatnonzero(open_to)
    named = np.zeros(len(twin), np.bool_)
    named[twin[twin >= 0]] = True
    free = there[~named[there]]
    row, at = _joined(classes[free].astype(np.int64), goes)
    again, kept = _joined(stays[at], classes[there].astype(np.int64))
    return free[row[again]], there[kept], score[at[again]]


def _joined(left: I64Array, right: I64Array) -> tuple[I64Array, I64Array]:
    """Rows of `left` and of `right` that are equal, all pairs."""
    order = np.argsort(right, kind="stable")
    first, last = np.searchsorted(right[order], left, "left"), np.searchsorted(right[order], left, "right")
    count = last - first
    row = np.repeat(np.arange(len(left)), count)
    at = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count) + first[row]
    return row, order[at]


def _between(doc: I64Array, twin: I64Array, edition: I64Array) -> tuple[I64Array, I64Array]:
    """(passages,) int64 each: twin of the copy before and of the copy after in the same document, -1 for none."""
    n = len(doc)
    matched = (twin >= 0) & (doc[np.maximum(twin, 0)] == edition[doc])
    number = np.arange(n)
    before = np.maximum.accumulate(np.where(matched, number, -1))
    after = np.minimum.accumulate(np.where(matched, number, n)[::-1])[::-1]
    inside = (before >= 0) & (doc[np.maximum(before, 0)] == doc)
    low = np.where(inside, twin[np.maximum(before, 0)], -1)
    inside = (after < n) & (doc[np.minimum(after, n - 1)] == doc)
    return low, np.where(inside, twin[np.minimum(after, n - 1)], -1)
