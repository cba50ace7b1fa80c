"""Occurrences: runs of repeated passages, each compared with the exemplar of its family and with nothing else.

A passage *stands for* one of the exemplar's when it has its label, or when it is in the same place, beside passages that have; and when
it is equal but for numbers or at least BRIDGED alike. So a reworded line does not part an occurrence, and an inserted one is no part of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tasks.kernels import occurrences as kernel
from tasks.store.text import BoolArray, F32Array, I64Array, U64Array

#: Passages of its own that may lie between two of an occurrence, beyond those that the exemplar has there.
GAP = 2
#: Two labels belong together when they stand side by side in this share of the places of the more frequent one.
TOGETHER = 0.6
#: Overlap: share of the exemplar's tokens, over its different passages, that an occurrence must have something for. One passage of
#: three or more may be missing if half of the tokens are there: of a block of four lines a copy without one is still a copy.
OVERLAP, SHORT_OF_ONE = 0.8, 0.5
#: Exact Jaccard from which a passage in the same place is taken for a reworded one. Unrelated ones of one language share a
#: hundredth of their shingles; a sentence with every second word changed keeps a fifth.
BRIDGED = 0.2
#: Exemplars tried in one group of labels, best first. Runs that are like none of so many belong to no family.
TRIES = 64
#: Passages without counterpart that are looked at side by side: what bounds the memory for candidates.
_SIDE_BY_SIDE = 1 << 19
#: Places in the exemplar that a passage may stand for, at most: GAP on either side of where the neighbours on either side put it.
_PLACES = 2 * (2 * GAP + 1)

Similar = Callable[[I64Array, I64Array], F32Array]


@dataclass(frozen=True)
class Passages:
    """What is known of every passage, each (passages,).

    doc, classes, label, group : int64; equal classes are equal folds, equal labels are taken for one content, -1 for none; group joins
                                 labels that travel together, -1 for what is not repeated.
    tokens, plain, rank        : int64 tokens, uint64 digest without numbers, int64 global order.
    """

    doc: I64Array
    classes: I64Array
    label: I64Array
    group: I64Array
    tokens: I64Array
    plain: U64Array
    rank: I64Array


@dataclass
class Runs:
    """Candidate occurrences, sorted by owner, then first.

    first, last : (m,) int64 gids, inclusive; owner : (m,) int64 group; distinct : (m,) int64 labels.
    exemplar    : (m,) int64, run that is its exemplar, -1 while it has none.
    to, weight  : (passages,) int64, see `kernels.occurrences.match_labels`.
    """

    first: I64Array
    last: I64Array
    owner: I64Array
    distinct: I64Array
    exemplar: I64Array
    to: I64Array
    weight: I64Array


@dataclass(frozen=True)
class Claims:
    """Passages that stand for one of the exemplar's without being of the run's own group, each (claims,).

    run : int64; passage, model : int64 gids, of the run and of its exemplar; own : bool, `model` counts for the overlap; score : float32.
    """

    run: I64Array
    passage: I64Array
    model: I64Array
    own: BoolArray
    score: F32Array

    def take(self, chosen: npt.NDArray[np.bool_] | I64Array) -> Claims:
        """The chosen ones."""
        return Claims(self.run[chosen], self.passage[chosen], self.model[chosen], self.own[chosen], self.score[chosen])

    @staticmethod
    def joined(parts: list[Claims]) -> Claims:
        """All of several."""
        empty = np.empty(0, np.int64)
        parts = [Claims(empty, empty, empty, empty.astype(np.bool_), empty.astype(np.float32)), *parts]
        names = ("run", "passage", "model", "own", "score")
        return Claims(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def overlaps(mass: I64Array, count: I64Array, whole: I64Array, parts: I64Array) -> BoolArray:
    """Which runs have enough of their exemplar: tokens and different passages they have, and those of the exemplar."""
    short_of_one = (parts >= 3) & (count >= parts - 1) & (mass >= SHORT_OF_ONE * whole)
    return (whole > 0) & ((mass >= OVERLAP * whole - 1e-9) | short_of_one)


def star(passages: Passages, runs: Runs, open_to: BoolArray, similar: Similar, short: int | None) -> Claims:
    """Give the runs that are open exemplars: best run first (most different passages, then rank), and all that overlap with it are its.

    open_to : (m,) bool. similar : exact Jaccard of pairs of passages. short : tokens, see `candidates`; None bridges nothing.
    returns : what the runs have beside their own labels.
    """
    by_merit = np.lexsort((passages.rank[runs.first], -runs.distinct, runs.owner))
    open_to = open_to.copy()
    tried = np.zeros(len(open_to), np.bool_)
    groups = int(runs.owner.max(initial=-1)) + 1
    found: list[Claims] = []
    for _ in range(TRIES):
        left = by_merit[open_to[by_merit]]
        left = left[np.bincount(runs.owner[left], minlength=groups)[runs.owner[left]] >= 2]
        # Several at a time, which have no label in common: each run is compared with the one that it has most of.
        models, nearest = kernel.models(
            left, ~tried[left], runs.first, runs.last, runs.owner, passages.group, passages.label, passages.tokens
        )
        if not len(models):
            break
        tried[models] = True
        model_of = np.full(len(open_to), -1, np.int64)
        model_of[left] = nearest
        chosen = np.flatnonzero(model_of >= 0)
        claims, pieces = _compare(passages, runs, chosen, model_of[chosen], similar, short)
        open_to[pieces] = False
        open_to &= runs.exemplar < 0
        found.append(claims)
    return Claims.joined(found)


def _compare(
    passages: Passages, runs: Runs, chosen: I64Array, model: I64Array, similar: Similar, short: int | None
) -> tuple[Claims, I64Array]:
    """Compare runs with their models, and set `runs.exemplar` of those that overlap. Returns their claims, and runs joined to others."""
    models, number = np.unique(model, return_inverse=True)
    group, to, weight = passages.group, runs.to, runs.weight
    first, last, owner, of_model = runs.first[chosen], runs.last[chosen], runs.owner[chosen], number.astype(np.int64)
    ends = runs.first[models], runs.last[models]
    whole, parts = kernel.match_labels(first, last, owner, of_model, *ends, group, passages.label, passages.tokens, weight, to)
    _verify(passages, runs, chosen, similar)
    goes_on = kernel.join_pieces(chosen, first, last, owner, of_model, passages.doc, group, to, GAP, 2 * GAP + 1)
    head = np.flatnonzero(~goes_on)
    tail = np.append(head[1:], len(chosen)) - 1
    first, last, owner, of_model = first[head], last[tail], owner[head], of_model[head]
    mass, count = kernel.covered(first, last, owner, group, to, weight)
    claims = Claims.joined([])
    if short is not None:
        # What is too short to be a family by its labels is too short to find more by.
        hopeful = (4 * count >= parts[of_model]) & (whole[of_model] >= short) & (chosen[head] != models[of_model])
        low, high = _room(passages, runs)
        span = np.stack([first, last, low[chosen[head]], high[chosen[tail]], owner, low[models][of_model], high[models][of_model]])
        claims = _bridge(passages, runs, span, np.flatnonzero(hopeful), models[of_model], similar, short)
        more = weight[claims.model[claims.own]]
        mass += np.bincount(claims.run[claims.own], more, minlength=len(head)).astype(np.int64)
        count += np.bincount(claims.run[claims.own], more > 0, minlength=len(head)).astype(np.int64)
    good = overlaps(mass, count, whole[of_model], parts[of_model])
    # A family has two occurrences at least; a model that nothing is like may yet be like another one.
    good &= (np.bincount(of_model[good], minlength=len(models)) >= 2)[of_model]
    runs.exemplar[chosen[head[good]]] = models[of_model[good]]
    runs.last[chosen[head[good]]] = last[good]
    claims = claims.take(good[claims.run])
    claims = Claims(chosen[head[claims.run]], claims.passage, claims.model, claims.own, claims.score)
    return claims, chosen[goes_on & good[np.cumsum(~goes_on) - 1]]


def _verify(passages: Passages, runs: Runs, chosen: I64Array, similar: Similar) -> None:
    """Undo matches of passages that are like a third but not like one another."""
    first, last, owner = runs.first[chosen], runs.last[chosen], runs.owner[chosen]
    size = int((last - first + 1).sum())
    left, right = np.empty(size, np.int64), np.empty(size, np.int64)
    count = kernel.reworded(first, last, owner, passages.group, passages.classes, passages.plain, runs.to, left, right)
    left, right = left[:count], right[:count]
    unlike = similar(left, right) < BRIDGED
    runs.to[left[unlike]] = -1


def _room(passages: Passages, runs: Runs) -> tuple[I64Array, I64Array]:
    """(runs,) first and last passage that each run may grow to."""
    m = len(runs.first)
    before, after = np.full(m, -1, np.int64), np.full(m, len(passages.doc), np.int64)
    same = runs.owner[1:] == runs.owner[:-1]
    before[1:][same] = runs.last[:-1][same]
    after[:-1][same] = runs.first[1:][same]
    low, high = np.empty(m, np.int64), np.empty(m, np.int64)
    kernel.room(runs.first, runs.last, passages.doc, before, after, GAP + 1, low, high)
    return low, high


def _bridge(passages: Passages, runs: Runs, span: I64Array, rows: I64Array, models: I64Array, similar: Similar, short: int) -> Claims:
    """Claims of the runs `rows`. `span` : (7, runs), first arguments of `kernels.occurrences.candidates`; `models` : each one's exemplar."""
    first, last, low, high, owner = span[:5, rows]
    free = kernel.unmatched(first, last, low, high, owner, passages.group, runs.to)
    part = np.cumsum(free) // _SIDE_BY_SIDE
    cuts = [0, *(np.flatnonzero(np.diff(part)) + 1).tolist(), len(rows)]
    found = []
    for a, b in itertools.pairwise(cuts):
        some = rows[a:b]
        claims = _alike(passages, runs, span[:, some], int(free[a:b].sum()), similar, short)
        run = some[claims.run]
        model = models[run]
        own = (passages.group[claims.model] == runs.owner[model]) & (claims.model >= runs.first[model]) & (claims.model <= runs.last[model])
        found.append(Claims(run, claims.passage, claims.model, own, claims.score))
    return Claims.joined(found)


def _alike(passages: Passages, runs: Runs, span: I64Array, free: int, similar: Similar, short: int) -> Claims:
    """Passages in the place of one of the exemplar's and alike enough, the best for each. `free` : passages without counterpart."""
    run, left, right = np.empty((3, _PLACES * free), np.int64)
    kind = np.empty(_PLACES * free, np.uint8)
    count = kernel.candidates(
        span,
        passages.group,
        passages.classes,
        passages.plain,
        passages.tokens,
        runs.to,
        GAP,
        BRIDGED / 2,
        short,
        run,
        left,
        right,
        kind,
    )
    run, left, right, kind = run[:count], left[:count], right[:count], kind[:count]
    score = np.array([0.0, 0.0, 2.0, 3.0], np.float32)[kind]
    compared = kind == kernel.COMPARE
    score[compared] = similar(left[compared], right[compared])
    able = ~compared | (score >= BRIDGED)
    run, left, right, score = run[able], left[able], right[able], score[able]
    order = np.lexsort((right, left, -score, run))
    run, left, right, score = run[order], left[order], right[order], score[order]
    best = kernel.assign(run, left, right, len(passages.doc))
    return Claims(run[best], left[best], right[best], np.zeros(int(best.sum()), np.bool_), score[best])
