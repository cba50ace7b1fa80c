"""Families: repeated content seen as one thing, with every place where it stands.

Passages of one class, or near it, share a *label* (stars again, over classes, numbers and links not counted as differences).
Labels that nearly always stand beside each other make a *group*; a run of its passages in a document is an *occurrence*. The eight
lines of a sponsor block are one family, not eight clusters. In each group the best run (most different passages, then the global
order) is the *exemplar*; the runs that overlap with it by 0.8 or more are its family (`tasks.occurrences` says how that is counted),
and among the rest the best is the exemplar of the next. Every occurrence is compared with its exemplar only, never all with all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tasks.claims import settle
from tasks.index import Index
from tasks.kernels import families as kernel
from tasks.kernels.match import stars
from tasks.match import CONTAINED
from tasks.occurrences import GAP, TOGETHER, Passages, Runs, Similar, star
from tasks.settings import Matching
from tasks.shingles import shingle_sets
from tasks.store.lists import take_lists
from tasks.store.stage import numbers
from tasks.store.text import BoolArray, F32Array, I32Array, I64Array, U64Array
from tasks.store.unique import unique_counts

#: Times that classes may go over to a greater star of a neighbour.
_HOPS = 3
#: Centres that the classes of a flood are compared with.
_ROUNDS = 4
#: Tokens whose shingles are held at a time: 8 to 14 bytes each.
_HELD = 1 << 22


@dataclass(frozen=True)
class Families:
    """Occurrences as runs of passages.

    first, last : (m,) int64 gids of the run's ends, inclusive; family : (m,) int64, the runs of one family share a number.
    exemplar    : (m,) int64, index of the run that is the family's exemplar.
    similarity  : (m,) float32, exact Jaccard with the exemplar.
    family_of   : (passages,) int64 family of each passage, -1 for none: which passages inside a run belong to it.
    """

    first: I64Array
    last: I64Array
    family: I64Array
    exemplar: I64Array
    similarity: F32Array
    family_of: I64Array

    def members(self, runs: I64Array) -> tuple[I64Array, I64Array]:
        """Passages of the named runs: gids, and for each the position of its run in `runs`."""
        return _own(self.first[runs], self.last[runs], self.family[runs], self.family_of)


def _own(first: I64Array, last: I64Array, family: I64Array, family_of: I64Array) -> tuple[I64Array, I64Array]:
    """Passages of runs that belong to the run's family (a line between them may be of another or of none): gids, and the run of each."""
    lengths = last - first + 1
    run = np.repeat(np.arange(len(first)), lengths)
    gid = np.arange(int(lengths.sum())) - (np.cumsum(lengths) - lengths)[run] + first[run]
    mine = family_of[gid] == family[run]
    return gid[mine], run[mine]


def find(index: Index, classes: I32Array, class_count: int, pairs: pa.Table, settings: Matching) -> Families:
    """All families of two or more occurrences whose exemplar is long enough to mean something."""
    tokens, plain = index.column("match", "tokens").astype(np.int64), index.column("match", "plain")
    likeness = Likeness(index, classes, tokens, settings)
    label = labels(classes, class_count, pairs, likeness.of_passages, settings)
    passages = Passages(index.doc, classes.astype(np.int64), label, groups(index.doc, label), tokens, plain, index.rank)
    first, last, exemplar, home = gather(passages, likeness.of_passages, settings.min_tokens)
    order = np.argsort(first, kind="stable")
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    first, last, exemplar = first[order], last[order], place[exemplar[order]]
    family_of = np.where(home >= 0, exemplar[place[home]] if len(place) else -1, -1)
    return Families(first, last, exemplar, exemplar, likeness.of_runs(first, last, exemplar, family_of), family_of)


def gather(passages: Passages, similar: Similar, min_tokens: int) -> tuple[I64Array, I64Array, I64Array, I64Array]:
    """first, last, exemplar of each occurrence (m,) int64, and the occurrence of each passage (passages,) int64, -1 for none.

    similar : exact Jaccard of pairs of passages. min_tokens : families whose exemplar has fewer are left out.
    """
    runs = _runs(passages)
    claims = star(passages, runs, np.ones(len(runs.first), np.bool_), similar, min_tokens)
    home = settle(passages, runs, claims, similar)
    gid = np.flatnonzero(home >= 0)
    size = np.bincount(home[gid], passages.tokens[gid], minlength=len(runs.first))
    kept = (runs.exemplar >= 0) & (size[runs.exemplar] >= min_tokens)
    number = np.full(len(kept) + 1, -1, np.int64)  # the last one is for passages of no run
    number[:-1][kept] = np.arange(int(kept.sum()))
    return runs.first[kept], runs.last[kept], number[runs.exemplar[kept]], number[home]


def labels(classes: I32Array, count: int, pairs: pa.Table, similar: Similar, settings: Matching) -> I64Array:
    """(passages,) int64: class that a passage is taken for, -1 for none.

    Classes whose pair is reported (reworded, or other numbers) share one, by stars. The class that most passages are like is the first
    centre: of many rewordings it is the common source. Of a flood matching does not list every pair, so a class that is in a lesser
    star than one it is linked to is compared with the centre of that one, and goes over when it is as near as a pair must be.
    similar : exact Jaccard of pairs of passages.
    """
    kind, similarity = numbers(pairs["kind"]), numbers(pairs["similarity"])
    near = (similarity >= settings.report_threshold) & (kind != CONTAINED)
    a, b, weight = numbers(pairs["a"])[near], numbers(pairs["b"])[near], similarity[near]
    row = np.concatenate([b, a]).astype(np.int64)
    order = np.lexsort((np.concatenate([a, b]), row))
    row, column = row[order], np.concatenate([a, b])[order].astype(np.int32)
    first = np.zeros(count + 1, np.int64)
    np.cumsum(np.bincount(row, minlength=count), out=first[1:])
    size = np.bincount(classes[classes >= 0], minlength=count)
    alike = size + np.bincount(row, size[column], minlength=count)
    centres = np.argsort(-alike, kind="stable")
    every, identity = np.ones(count, np.bool_), np.arange(count, dtype=np.int32)
    both = np.concatenate([weight, weight])[order].astype(np.float32)
    twin, _ = stars(centres, identity, first, column, both, every, every)
    of_class = np.where(twin >= 0, twin, identity).astype(np.int64)
    greatness = np.empty(count, np.int64)
    greatness[centres] = np.arange(count)
    member = np.empty(count, np.int64)
    some = np.flatnonzero(classes >= 0)[::-1]
    member[classes[some]] = some  # the first passage of each class
    for _ in range(_HOPS):
        best = np.full(count, count)
        np.minimum.at(best, row, greatness[of_class[column]])
        lesser = np.flatnonzero(best < greatness[of_class])
        centre = centres[best[lesser]]
        good = similar(member[lesser], member[centre]) >= settings.report_threshold
        if not good.any():
            break
        of_class[lesser[good]] = centre[good]
    _gather_flood(
        of_class,
        centres,
        kernel.union(count, row, column),
        settings.bucket_cap,
        lambda c, o: similar(member[c], member[o]) >= settings.report_threshold,
    )
    return np.where(classes >= 0, of_class[np.maximum(classes, 0)], -1)


def _gather_flood(
    of_class: I64Array, centres: I64Array, component: I64Array, cap: int, alike: Callable[[I64Array, I64Array], BoolArray]
) -> None:
    """Compare the classes of a flood with the greatest centres in it, and let those that are alike go over.

    A flood is a component of more than `cap` classes: its pairs are not all listed, so that a star may miss most of its own. The cost is
    linear: _ROUNDS comparisons a class at most. of_class : (classes,) changed in place; component : (classes,) number of each one's component.
    alike : whether classes and centres are near enough.
    """
    greatness = np.empty(len(centres), np.int64)
    greatness[centres] = np.arange(len(centres))
    open_to = np.bincount(component, minlength=len(centres))[component] > cap
    for _ in range(_ROUNDS):
        best = np.full(len(centres), len(centres))
        rest = np.flatnonzero(open_to)
        np.minimum.at(best, component[rest], greatness[of_class[rest]])
        centre = centres[np.minimum(best[component[rest]], len(centres) - 1)]
        done = of_class[rest] == centre
        lesser, centre = rest[~done], centre[~done]
        open_to[rest[done]] = False
        if not len(lesser):
            break
        good = alike(lesser, centre)
        of_class[lesser[good]] = centre[good]
        open_to[lesser[good]] = False


def groups(doc: I64Array, label: I64Array) -> I64Array:
    """(passages,) int64 group of each passage, -1 for unrepeated ones, joining labels that stand side by side."""
    count = np.bincount(label[label >= 0], minlength=1)
    repeated = (label >= 0) & (count[np.maximum(label, 0)] >= 2)
    follows = np.empty((int(repeated.sum()) * (GAP + 1) + 1, 2), np.int64)
    m = kernel.follow_pairs(doc, label, repeated, GAP, follows)
    encoded, times = unique_counts((follows[:m, 0] << 32) | follows[:m, 1])
    left, right = encoded >> 32, encoded & 0xFFFFFFFF
    strong = (times >= 2) & (times >= TOGETHER * np.maximum(count[left], count[right]))
    parent = kernel.union(len(count), left[strong], right[strong])
    return np.where(repeated, parent[np.maximum(label, 0)], -1)


def _runs(passages: Passages) -> Runs:
    """Candidate occurrences of all groups."""
    group, label = passages.group, passages.label
    n = len(group)
    capacity = int((group >= 0).sum())
    first, last, owner, distinct = (np.empty(capacity, np.int64) for _ in range(4))
    m = kernel.runs(passages.doc, group, GAP, first, last, owner)
    cut = np.empty((3, capacity), np.int64)
    m = kernel.cut_repeats(first[:m], last[:m], owner[:m], group, label, TOGETHER, cut[0], cut[1], cut[2], distinct)
    order = np.lexsort((cut[0, :m], cut[2, :m]))
    first, last, owner, distinct = (x[:m][order] for x in (*cut, distinct))
    return Runs(first, last, owner, distinct, np.full(m, -1, np.int64), np.full(n, -1, np.int64), np.zeros(n, np.int64))


def shingle_lists(index: Index, gids: I64Array, settings: Matching) -> tuple[U64Array, I64Array]:
    """Sorted distinct shingles of the named passages, (values, offsets (gids + 1,))."""
    distinct, place = np.unique(gids, return_inverse=True)
    return take_lists(*shingle_sets(index.texts(distinct), settings), place)


@dataclass(frozen=True)
class Likeness:
    """Exact similarities, each pair of contents once, with the shingles of few passages in memory at a time."""

    index: Index
    classes: I32Array
    tokens: I64Array
    settings: Matching

    def of_passages(self, left: I64Array, right: I64Array) -> F32Array:
        """(m,) float32 exact Jaccard of pairs of passages."""
        key = (self.classes[right].astype(np.int64) << 32) | (self.classes[left].astype(np.int64) & 0xFFFFFFFF)
        _, some, inverse = np.unique(key, return_index=True, return_inverse=True)
        left, right = left[some], right[some]
        out = np.empty(len(some), np.float32)
        for rows in self._batches(self.tokens[left] + self.tokens[right]):
            both = np.concatenate([left[rows], right[rows]])
            gids, place = np.unique(both, return_inverse=True)
            half = len(both) // 2
            out[rows] = kernel.jaccard(*shingle_lists(self.index, gids, self.settings), place[:half], place[half:])
        return out[inverse]

    def of_runs(self, first: I64Array, last: I64Array, exemplar: I64Array, family_of: I64Array) -> F32Array:
        """(m,) float32 exact Jaccard of the shingles of each run's own passages with those of its exemplar, to four places."""
        digest = kernel.sequence_digests(first, last, exemplar, family_of, self.classes.astype(np.int64))
        _, some, inverse = np.unique(np.stack([exemplar.astype(np.uint64), digest]), axis=1, return_index=True, return_inverse=True)
        out = np.ones(len(some), np.float32)
        rest = np.flatnonzero(digest[some] != digest[exemplar[some]])
        tokens = np.concatenate([[0], np.cumsum(self.tokens)])
        for rows in self._batches(tokens[last[some[rest]] + 1] - tokens[first[some[rest]]]):
            runs = some[rest[rows]]
            sides, place = np.unique(np.concatenate([runs, exemplar[runs]]), return_inverse=True)
            gids, run = _own(first[sides], last[sides], exemplar[sides], family_of)
            values, offsets = shingle_lists(self.index, gids, self.settings)
            bounds = np.searchsorted(run, np.arange(len(sides) + 1))
            largest = int(np.diff(offsets[bounds]).max(initial=0))
            out[rest[rows]] = kernel.joined_jaccard(values, offsets, bounds, place[: len(runs)], place[len(runs) :], largest)
        return np.round(out[inverse.ravel()], 4)

    def _batches(self, tokens: I64Array) -> list[I64Array]:
        """Positions in stretches of about _HELD tokens."""
        part = np.cumsum(tokens) // _HELD
        return np.split(np.arange(len(tokens)), np.flatnonzero(np.diff(part)) + 1) if len(tokens) else []
