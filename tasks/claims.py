"""Who has a passage that several families would have: each passage is of one occurrence at most, that of the greater family.

A block may take what stands inside it or at its edge and belongs to a smaller family, or to none, when that stands mostly there: the
line that two blocks share is part of both. What stands mostly elsewhere (a separator, a heading of many chapters) is left out.
"""

from __future__ import annotations

import numpy as np

from tasks.kernels.occurrences import AGAIN
from tasks.occurrences import TOGETHER, Claims, Passages, Runs, Similar, overlaps, star
from tasks.store.text import BoolArray, I64Array

#: Families broken one because of another, at most so deep.
_ROUNDS = 16


def settle(passages: Passages, runs: Runs, claims: Claims, similar: Similar) -> I64Array:
    """(passages,) int64 run that each passage is of, -1 for none, and `runs` as they are then: spans, and exemplars (-1 for no family)."""
    claims, gone = _agreed(passages, runs, _with_exemplars(runs, claims))
    broken = np.zeros(len(gone), np.bool_)
    broken[runs.exemplar[gone]] = True
    left = (runs.exemplar >= 0) & broken[runs.exemplar] & ~gone
    runs.exemplar[left | gone] = -1
    for _ in range(2):
        # What is left of a family whose passages went into greater ones may still be one; so may what has lost its likeness to its exemplar.
        star(passages, runs, left, similar, None)
        home = _homes(passages, runs)
        claims = claims.take(home[claims.passage] < 0)
        left = _enforce(passages, runs, claims)
        claims = claims.take(~left[claims.run])
    home = _homes(passages, runs)
    home[claims.passage] = claims.run
    home = np.where(home >= 0, home, _homes(passages, runs, again=True))
    _set_spans(passages, runs, home)
    return home


def _homes(passages: Passages, runs: Runs, again: bool = False) -> I64Array:
    """(passages,) int64: run of each passage that stands for one of its run's exemplar by its label, or of those that do so once more;
    -1 for all others."""
    home = np.full(len(passages.doc), -1, np.int64)
    some = np.flatnonzero(runs.exemplar >= 0)
    lengths = runs.last[some] - runs.first[some] + 1
    run = np.repeat(some, lengths)
    gid = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths) + runs.first[run]
    own = (passages.group[gid] == runs.owner[run]) & (runs.to[gid] == AGAIN if again else runs.to[gid] >= 0)
    home[gid[own]] = run[own]
    return home


def _masses(passages: Passages, runs: Runs, home: I64Array, claims: Claims) -> tuple[I64Array, I64Array]:
    """Tokens and different passages of its exemplar that each run has something for, each (runs,) int64; of an exemplar, all of its own."""
    gid = np.flatnonzero(home >= 0)
    run = np.concatenate([home[gid], claims.run])
    claimed = np.where(claims.own, runs.weight[claims.model], passages.tokens[claims.model])
    weight = np.concatenate([runs.weight[runs.to[gid]], claimed])
    mass = np.bincount(run, weight, minlength=len(runs.first))
    count = np.bincount(run, weight > 0, minlength=len(runs.first))
    return mass.astype(np.int64), count.astype(np.int64)


def _overlap(passages: Passages, runs: Runs, claims: Claims) -> tuple[I64Array, BoolArray]:
    """Runs that have an exemplar, and which of them have enough of it."""
    mass, count = _masses(passages, runs, _homes(passages, runs), claims)
    some = np.flatnonzero(runs.exemplar >= 0)
    model = runs.exemplar[some]
    return some, overlaps(mass[some], count[some], mass[model], count[model])


def _with_exemplars(runs: Runs, claims: Claims) -> Claims:
    """The claims, and for what is not of the exemplar's own group its own claim on its own passage."""
    n = len(runs.to)
    other = ~claims.own
    key = np.unique(runs.exemplar[claims.run[other]] * n + claims.model[other])
    run, passage = key // n, key % n
    mine = Claims(run, passage, passage, np.zeros(len(key), np.bool_), np.full(len(key), np.inf, np.float32))
    return Claims.joined([claims, mine])


def _agreed(passages: Passages, runs: Runs, claims: Claims) -> tuple[Claims, BoolArray]:
    """Claims that are honoured and need no other that is not, and the (runs,) whose passages all went to greater families."""
    for _ in range(_ROUNDS):
        claims = _on_both_sides(passages, runs, claims)
        honoured, gone = _honoured(passages, runs, claims)
        if len(honoured.run) == len(claims.run):
            break
        claims = honoured
    return honoured, gone


def _on_both_sides(passages: Passages, runs: Runs, claims: Claims) -> Claims:
    """Claims that make no exemplar grow beyond its family.

    What is not of the exemplar's own group must be claimed by the exemplar itself and by another occurrence, and at its edges by
    TOGETHER of all. It never grows at the cost of an occurrence: where one would have too little of the grown exemplar, it grows by what
    all of them have.
    """
    n = len(runs.to)
    model = runs.exemplar[claims.run]
    key, inverse, count = np.unique(model * n + claims.model, return_inverse=True, return_counts=True)
    exemplar, x = key // n, key % n
    edge = (x < runs.first[exemplar]) | (x > runs.last[exemplar])
    size = np.bincount(runs.exemplar[runs.exemplar >= 0], minlength=len(runs.first))
    both = np.bincount(inverse, claims.run == model, minlength=len(key)) > 0
    good = both & (count >= 2) & (~edge | (count >= TOGETHER * size[exemplar] - 1e-9))
    some, enough = _overlap(passages, runs, claims.take(claims.own | good[inverse]))
    fixed = np.zeros(len(runs.first), np.bool_)
    fixed[runs.exemplar[some[~enough]]] = True
    good &= ~fixed[exemplar] | (count == size[exemplar])
    return claims.take(claims.own | good[inverse])


def _honoured(passages: Passages, runs: Runs, claims: Claims) -> tuple[Claims, BoolArray]:
    """Claims that stand, one for a passage, and the (runs,) whose passages all went to greater families."""
    home = _homes(passages, runs)
    mass, count = _masses(passages, runs, home, claims.take(np.zeros(len(claims.run), np.bool_)))
    m = len(runs.first)
    merit = np.empty(m, np.int64)
    merit[np.lexsort((-runs.first, mass, count))] = np.arange(m)
    family = runs.exemplar[claims.run]
    owner = home[claims.passage]
    owned = owner >= 0
    rival = np.where(owned, runs.exemplar[owner], -1)
    greater = ~owned | ((rival != family) & (merit[family] > merit[rival]))
    gid = np.flatnonzero(home >= 0)
    held = np.bincount(home[gid], minlength=m)
    some = runs.exemplar >= 0
    size = np.bincount(runs.exemplar[some], minlength=m)
    broken = gone = np.zeros(m, np.bool_)
    # A family that is broken itself breaks none: the greatest are settled first, and each round settles the next.
    for _ in range(_ROUNDS):
        taken = np.zeros(len(home), np.bool_)
        taken[claims.passage[owned & greater & ~broken[family]]] = True
        lost = (held > 0) & (np.bincount(home[gid], taken[gid], minlength=m) == held)
        now = (size > 0) & (np.bincount(runs.exemplar[some & lost], minlength=m) >= TOGETHER * size - 1e-9)
        gone = some & lost & now[runs.exemplar]
        if (now == broken).all():
            break
        broken = now
    stands = np.where(owned, gone[owner], _mostly_there(passages, home, claims, ~owned)) & greater & ~broken[family]
    claims, family = claims.take(stands), family[stands]
    order = np.lexsort((claims.run, -claims.score, -merit[family], claims.passage))
    best = order[np.flatnonzero(np.diff(claims.passage[order], prepend=-1))]
    return claims.take(np.sort(best)), gone


def _mostly_there(passages: Passages, home: I64Array, claims: Claims, free: BoolArray) -> BoolArray:
    """(claims,) bool: the content of the passage stands in occurrences of families, or in places that they claim, at TOGETHER of its places."""
    label = passages.label
    size = int(label.max(initial=-1)) + 1
    places = np.bincount(label[label >= 0], minlength=size)
    inside = home >= 0
    inside[claims.passage[free]] = True
    there = np.bincount(label[inside & (label >= 0)], minlength=size)
    mine = label[claims.passage]
    return (mine < 0) | (there[mine] >= TOGETHER * places[mine] - 1e-9)


def _enforce(passages: Passages, runs: Runs, claims: Claims) -> BoolArray:
    """Take the exemplar from runs that do not overlap with it, and from what is then alone; which these are, (runs,) bool."""
    some, enough = _overlap(passages, runs, claims)
    size = np.bincount(runs.exemplar[some[enough]], minlength=len(runs.first))
    lost = np.zeros(len(runs.first), np.bool_)
    lost[some[~enough | (size[runs.exemplar[some]] < 2)]] = True
    runs.exemplar[lost] = -1
    return lost


def _set_spans(passages: Passages, runs: Runs, home: I64Array) -> None:
    """First and last passage of each run from what it has. Occurrences of one family never overlap: neighbours that would are cut back."""
    base_first, base_last = runs.first.copy(), runs.last.copy()
    gid = np.flatnonzero(home >= 0)
    _widen(runs, gid, home[gid])
    some = np.flatnonzero(runs.exemplar >= 0)
    some = some[np.lexsort((base_first[some], runs.exemplar[some]))]
    a, b = some[:-1], some[1:]
    cross = (
        (runs.exemplar[a] == runs.exemplar[b])
        & (passages.doc[base_first[a]] == passages.doc[base_first[b]])
        & (runs.last[a] >= runs.first[b])
    )
    if cross.any():
        cut = np.zeros(len(base_first), np.bool_)
        cut[a[cross]] = cut[b[cross]] = True
        outside = cut[home[gid]] & ((gid < base_first[home[gid]]) | (gid > base_last[home[gid]]))
        home[gid[outside]] = -1
        gid = gid[~outside]
        _widen(runs, gid, home[gid])


def _widen(runs: Runs, gid: I64Array, run: I64Array) -> None:
    """Set the span of each run that has passages to theirs. gid : ascending."""
    order = np.argsort(run, kind="stable")
    starts = np.flatnonzero(np.diff(run[order], prepend=-1))
    which = run[order[starts]]
    runs.first[which] = gid[order[starts]]
    runs.last[which] = gid[order[np.append(starts[1:], len(order)) - 1]] if len(order) else 0
