"""Families: repeated content seen as one thing, with every place where it stands.

Passages of one class, or near it, share a *label* (stars again, over classes, numbers and links not counted as differences).
Labels that nearly always stand beside each other are one family; a run of its passages in a document is an occurrence. The
eight lines of a sponsor block are one family, not eight clusters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tasks.index import Index
from tasks.kernels import families as kernel
from tasks.kernels.match import stars
from tasks.match import CONTAINED
from tasks.settings import Matching
from tasks.shingles import shingle_sets
from tasks.store.stage import numbers
from tasks.store.text import BoolArray, F32Array, I32Array, I64Array, U64Array
from tasks.store.unique import unique_counts

#: Unrepeated passages that may lie inside an occurrence.
GAP = 2
#: Two labels belong together when they stand side by side in this share of the places of the more frequent one.
TOGETHER = 0.6
#: Passages whose shingles are made in one go.
_ROWS = 4096


@dataclass(frozen=True)
class Families:
    """Occurrences as runs of passages.

    first, last : (m,) int64 gids of the run's ends, inclusive; family : (m,) int64, the runs of one family share a number.
    exemplar    : (m,) int64, index of the run that is the family's exemplar.
    similarity  : (m,) float32, exact Jaccard with the exemplar.
    group_of    : (passages,) int64 group of each passage, -1 for none: which passages inside a run belong to it.
    """

    first: I64Array
    last: I64Array
    family: I64Array
    exemplar: I64Array
    similarity: F32Array
    group_of: I64Array

    def members(self, runs: I64Array) -> tuple[I64Array, I64Array]:
        """Passages of the named runs: gids, and for each the position of its run in `runs`."""
        return _own(self.first[runs], self.last[runs], self.family[runs], self.group_of)


def _own(first: I64Array, last: I64Array, family: I64Array, group_of: I64Array) -> tuple[I64Array, I64Array]:
    """Passages of runs that belong to the run's family (a separator between them may be of another): gids, and the run of each."""
    lengths = last - first + 1
    run = np.repeat(np.arange(len(first)), lengths)
    gid = np.arange(int(lengths.sum())) - (np.cumsum(lengths) - lengths)[run] + first[run]
    mine = group_of[gid] == family[run]
    return gid[mine], run[mine]


def find(index: Index, classes: I32Array, class_count: int, pairs: pa.Table, settings: Matching) -> Families:
    """All families of two or more occurrences whose exemplar is long enough to mean something."""
    label = _labels(classes, class_count, pairs, settings)
    group_of, repeated = _groups(index, label)
    capacity = int(repeated.sum()) + 1
    first, last, owner = (np.empty(capacity, np.int64) for _ in range(3))
    safe = np.where(repeated, label, 0)
    m = kernel.runs(index.doc, group_of, safe, GAP, first, last, owner)
    first, last, owner = first[:m], last[:m], owner[:m]
    gid, run = _own(first, last, owner, group_of)
    size = np.bincount(run, index.column("match", "tokens")[gid], minlength=m)
    passages = np.bincount(run, minlength=m)
    exemplar = _exemplars(owner, passages, index.rank[first])
    # A fragment of a block (one line of eight) is told apart from the block: it must hold half of the exemplar's passages.
    whole = (passages * 2 >= passages[exemplar]) & (size[exemplar] >= settings.min_tokens)
    count = np.bincount(owner[whole], minlength=int(owner.max()) + 1 if m else 0)
    chosen = np.flatnonzero(whole & (count[owner] >= 2)) if m else np.empty(0, np.int64)
    back = np.full(m, -1, np.int64)
    back[chosen] = np.arange(len(chosen))
    exemplar = exemplar[chosen]
    values, offsets = _shingles(index, group_of, settings)
    largest = offsets[last + 1] - offsets[first] if m else np.zeros(1, np.int64)
    similarity = kernel.run_similarity(
        values,
        offsets,
        first[chosen],
        last[chosen],
        first[exemplar],
        last[exemplar],
        group_of,
        owner[chosen],
        int(largest.max(initial=0)) + 1,
    )
    return Families(first[chosen], last[chosen], owner[chosen], back[exemplar], np.round(similarity, 4), group_of)


def _labels(classes: I32Array, count: int, pairs: pa.Table, settings: Matching) -> I64Array:
    """(passages,) int64: class that a passage is taken for, -1 for none. Classes whose pair is reported (reworded, or other numbers)
    share one, by stars."""
    kind, similarity = numbers(pairs["kind"]), numbers(pairs["similarity"])
    near = (similarity >= settings.report_threshold) & (kind != CONTAINED)
    a, b, weight = numbers(pairs["a"])[near], numbers(pairs["b"])[near], similarity[near]
    row = np.concatenate([b, a]).astype(np.int64)
    column = np.concatenate([a, b]).astype(np.int32)
    both = np.concatenate([weight, weight]).astype(np.float32)
    order = np.lexsort((column, row))
    first = np.zeros(count + 1, np.int64)
    np.cumsum(np.bincount(row, minlength=count), out=first[1:])
    every = np.ones(count, np.bool_)
    identity = np.arange(count, dtype=np.int32)
    twin, _ = stars(np.arange(count, dtype=np.int64), identity, first, column[order], both[order], every, every)
    of_class = np.where(twin >= 0, twin, identity)
    return np.where(classes >= 0, of_class[np.maximum(classes, 0)], -1).astype(np.int64)


def _groups(index: Index, label: I64Array) -> tuple[I64Array, BoolArray]:
    """Group of each passage (-1 for unrepeated ones), joining labels that stand side by side."""
    count = np.bincount(label[label >= 0], minlength=1)
    repeated = (label >= 0) & (count[np.maximum(label, 0)] >= 2)
    follows = np.empty((int(repeated.sum()) * (GAP + 1) + 1, 2), np.int64)
    m = kernel.follow_pairs(index.doc, label, repeated, GAP, follows)
    encoded, times = unique_counts((follows[:m, 0] << 32) | follows[:m, 1])
    left, right = encoded >> 32, encoded & 0xFFFFFFFF
    strong = (times >= 2) & (times >= TOGETHER * np.maximum(count[left], count[right]))
    parent = kernel.union(len(count), left[strong], right[strong])
    return np.where(repeated, parent[np.maximum(label, 0)], -1), repeated


def _exemplars(owner: I64Array, passages: I64Array, rank: I64Array) -> I64Array:
    """For each run, the run of its family that has the most passages; among those the best ranked."""
    order = np.lexsort((rank, -passages, owner))
    starts = np.flatnonzero(np.diff(owner[order], prepend=-1))
    exemplar = np.empty(len(owner), np.int64)
    exemplar[order] = np.repeat(order[starts], np.diff(np.append(starts, len(order))))
    return exemplar


def _shingles(index: Index, group_of: I64Array, settings: Matching) -> tuple[U64Array, I64Array]:
    """Shingles of the passages of a group, and offsets of all passages: the others have none."""
    gids = np.flatnonzero(group_of >= 0)
    offsets = np.zeros(len(group_of) + 1, np.int64)
    values, own = shingle_lists(index, gids, settings)
    offsets[gids + 1] = np.diff(own)
    return values, np.cumsum(offsets)


def shingle_lists(index: Index, gids: I64Array, settings: Matching) -> tuple[U64Array, I64Array]:
    """Sorted distinct shingles of passages in ascending order, and offsets."""
    pieces = [shingle_sets(index.texts(gids[start : start + _ROWS]), settings) for start in range(0, len(gids), _ROWS)]
    offsets = np.cumsum(np.concatenate([[0], *(np.diff(o) for _, o in pieces)])).astype(np.int64)
    return np.concatenate([v for v, _ in pieces] or [np.empty(0, np.uint64)]), offsets
