"""Kernels of occurrences: which passage of a run stands for which passage of the exemplar."""

from __future__ import annotations

import numpy as np
from numba import njit

#: Mark of a passage that says once more what another one of its run stands for.
AGAIN = -2


@njit(cache=True, nogil=True)
def models(by_merit, able, first, last, owner, group, label, tokens):
    """Exemplars to try at one time, no two of which have a label in common, and for each run the one it has the greatest share of.

    A run without a word (a separator) is no exemplar.

    by_merit           : (k,) int64 runs, best first inside a group; able : (k,) bool, may be an exemplar.
    first, last, owner : (m,) int64; group, label, tokens : (n,).
    returns            : (models,) int64 runs; (k,) int64 run of the model of each of `by_merit`, -1 for none.
    """
    labels = label.max() + 1 if len(label) else 0
    model_of = np.full(labels, -1, np.int64)
    out = np.empty(len(by_merit), np.int64)
    whole = np.zeros(len(by_merit), np.int64)
    m = 0
    for k in range(len(by_merit)):
        r = by_merit[k]
        free = able[k]
        words = 0
        for p in range(first[r], last[r] + 1):
            if group[p] == owner[r]:
                free = free and model_of[label[p]] < 0
                words += tokens[p]
        if free and words > 0:
            for p in range(first[r], last[r] + 1):
                if group[p] == owner[r] and model_of[label[p]] < 0:
                    model_of[label[p]] = m
                    whole[m] += tokens[p]
            out[m] = r
            m += 1
    nearest = np.full(len(by_merit), -1, np.int64)
    mass = np.zeros(m, np.int64)
    seen = np.full(labels, -1, np.int64)
    for k in range(len(by_merit)):
        r = by_merit[k]
        best = -1
        for p in range(first[r], last[r] + 1):
            if group[p] == owner[r] and model_of[label[p]] >= 0 and seen[label[p]] != k:
                seen[label[p]] = k
                e = model_of[label[p]]
                mass[e] += tokens[p]
        for p in range(first[r], last[r] + 1):
            if group[p] == owner[r] and model_of[label[p]] >= 0:
                e = model_of[label[p]]
                if (
                    best < 0
                    or mass[e] * whole[best] > mass[best] * whole[e]
                    or (mass[e] * whole[best] == mass[best] * whole[e] and e < best)
                ):
                    best = e
        for p in range(first[r], last[r] + 1):
            if group[p] == owner[r] and model_of[label[p]] >= 0:
                mass[model_of[label[p]]] = 0
        nearest[k] = out[best] if best >= 0 else -1
    return out[:m].copy(), nearest


@njit(cache=True, nogil=True)
def match_labels(first, last, owner, model, model_first, model_last, group, label, tokens, weight, to):
    """Passages of runs that have the label of one of their exemplar's: the first with a label stands for the first, and so on.

    first, last, owner      : (m,) int64 runs; model : (m,) int64 number of each one's exemplar.
    model_first, model_last : (exemplars,) int64; no two exemplars have a label in common.
    group, label, tokens    : (n,) int64.
    weight                  : (n,) int64 out for passages of exemplars: tokens where its label comes first there, else 0.
    to                      : (n,) int64 out for passages of runs: the exemplar's passage that it stands for, -1 for none, AGAIN for
                              one whose label the exemplar has, but not so often.
    returns                 : (exemplars,) int64 weight of each exemplar, (exemplars,) int64 its labels that have weight.
    """
    labels = label.max() + 1 if len(label) else 0
    head = np.full(labels, -1, np.int64)  # by label: its first passage in an exemplar
    follow = np.full(len(label), -1, np.int64)  # by passage of an exemplar: the next of the same label
    whole = np.zeros(len(model_first), np.int64)
    parts = np.zeros(len(model_first), np.int64)
    of_model = np.full(len(model_first), -1, np.int64)
    for r in range(len(first)):
        of_model[model[r]] = owner[r]
    for e in range(len(model_first)):
        for x in range(model_last[e], model_first[e] - 1, -1):
            if group[x] == of_model[e]:
                follow[x] = head[label[x]]
                head[label[x]] = x
                weight[x] = 0
        for x in range(model_first[e], model_last[e] + 1):
            if group[x] == of_model[e] and head[label[x]] == x:
                weight[x] = tokens[x]
                whole[e] += tokens[x]
                parts[e] += tokens[x] > 0
    cursor = np.full(labels, -1, np.int64)
    run_of = np.full(labels, -1, np.int64)
    for r in range(len(first)):
        for p in range(first[r], last[r] + 1):
            if group[p] != owner[r]:
                continue
            a = label[p]
            to[p] = -1
            if not model_first[model[r]] <= head[a] <= model_last[model[r]]:
                continue
            if run_of[a] != r:
                run_of[a] = r
                cursor[a] = head[a]
            x = cursor[a]
            to[p] = x if x >= 0 else AGAIN
            if x >= 0:
                cursor[a] = follow[x]
    return whole, parts


@njit(cache=True, nogil=True)
def reworded(first, last, owner, group, classes, plain, to, left, right):
    """Matched passages that differ by more than numbers from the exemplar's they stand for.

    first, last, owner   : (m,) int64 runs; group, classes, plain, to : (n,).
    left, right          : int64 out, passage and exemplar's passage. Returns how many.
    """
    m = 0
    for r in range(len(first)):
        for p in range(first[r], last[r] + 1):
            x = to[p] if group[p] == owner[r] else -1
            if x >= 0 and classes[p] != classes[x] and plain[p] != plain[x]:
                left[m] = p
                right[m] = x
                m += 1
    return m


@njit(cache=True, nogil=True)
def join_pieces(number, first, last, owner, model, doc, group, to, gap, reach):
    """Which runs (but the first) go on in the next: what parts them is little more than what the exemplar has there.

    A few reworded lines and an inserted one part a run though each would be bridged. Two runs of one group in one document are one
    when the second stands for a later part of the exemplar, and at most `gap` more passages lie between them than between those.
    number                    : (m,) int64 ascending, place of each run among all, which are sorted by owner, then first.
    first, last, owner, model : (m,) int64; doc, group, to : (n,) int64; reach : passages between, at most.
    returns                   : (m,) bool, the run continues the one before.
    """
    out = np.zeros(len(first), np.bool_)
    high_before = -1
    for r in range(len(first)):
        low = -1
        high = -1
        for p in range(first[r], last[r] + 1):
            if group[p] == owner[r] and to[p] >= 0:
                low = to[p] if low < 0 else min(low, to[p])
                high = max(high, to[p])
        near = r > 0 and number[r] == number[r - 1] + 1 and model[r] == model[r - 1] and doc[first[r]] == doc[first[r - 1]]
        if near and high_before >= 0 and low > high_before:
            between = first[r] - last[r - 1]
            out[r] = between <= reach + 1 and between - (low - high_before) <= gap
        high_before = high
    return out


@njit(cache=True, nogil=True)
def covered(first, last, owner, group, to, weight):
    """Weight and number of the exemplar's labels that each run has. Shapes as in `match_labels`; returns two (m,) int64."""
    mass = np.zeros(len(first), np.int64)
    count = np.zeros(len(first), np.int64)
    for r in range(len(first)):
        for p in range(first[r], last[r] + 1):
            if group[p] == owner[r] and to[p] >= 0 and weight[to[p]] > 0:
                mass[r] += weight[to[p]]
                count[r] += 1
    return mass, count


@njit(cache=True, nogil=True)
def room(first, last, doc, before, after, edge, low, high):
    """Span that each run may grow to: `edge` passages on either side, inside its document, not into its neighbours of one group.

    first, last   : (m,) int64; doc : (n,) int64.
    before, after : (m,) int64, last passage of the run before of the group, first of the one after; -1 and n for none.
    low, high     : (m,) int64 out, inclusive.
    """
    n = len(doc)
    for r in range(len(first)):
        a = first[r]
        while a > 0 and first[r] - a < edge and doc[a - 1] == doc[first[r]] and a - 1 > before[r]:
            a -= 1
        b = last[r]
        while b < n - 1 and b - last[r] < edge and doc[b + 1] == doc[last[r]] and b + 1 < after[r]:
            b += 1
        low[r] = a
        high[r] = b


@njit(cache=True, nogil=True)
def unmatched(first, last, low, high, owner, group, to):
    """(m,) int64 passages of the span that each run may grow to that stand for none of the exemplar's. Shapes as in `candidates`."""
    out = np.empty(len(first), np.int64)
    for r in range(len(first)):
        out[r] = high[r] - low[r] + 1
        for p in range(first[r], last[r] + 1):
            out[r] -= group[p] == owner[r] and to[p] >= 0
    return out


#: How sure a candidate is before anything is compared: same class, equal but for numbers, to be compared, alone in its place.
SAME, SLOTS, COMPARE, PLACE = 3, 2, 1, 0


@njit(cache=True, nogil=True)
def candidates(span, group, classes, plain, tokens, to, gap, least, short, run, left, right, kind):
    """Passages that may stand for the exemplar's by their place: within `gap` of where a neighbour that is matched puts them.

    span  : (7, m) int64: first, last, low, high and owner of runs (low to high is the span they may grow to), low and high of their
            exemplars. group, classes, plain, tokens, to : (n,).
    gap   : passages between one and its matched neighbour, at most. least : a pair of passages whose lengths are further apart is left out.
    short : tokens; where two neighbours are matched side by side with one passage between on either side, a shorter one needs no
            likeness: it is too short to be compared.
    run, left, right, kind : out, run number, passage, exemplar's passage, one of SAME ... PLACE. Returns how many.
    """
    m = 0
    first, last, low, high, owner, model_low, model_high = span[0], span[1], span[2], span[3], span[4], span[5], span[6]
    taken = np.full(len(to), -1, np.int64)  # by passage of an exemplar: the run that has one for it
    for r in range(len(first)):
        for p in range(first[r], last[r] + 1):
            if group[p] == owner[r] and to[p] >= 0:
                taken[to[p]] = r
        for p in range(low[r], high[r] + 1):
            inside = first[r] <= p <= last[r]
            if inside and group[p] == owner[r] and to[p] >= 0:
                continue
            y_left = -1
            d_left = 1
            while d_left <= gap + 1 and p - d_left >= first[r]:
                q = p - d_left
                if q <= last[r] and group[q] == owner[r] and to[q] >= 0:
                    y_left = to[q]
                    break
                d_left += 1
            y_right = -1
            d_right = 1
            while d_right <= gap + 1 and p + d_right <= last[r]:
                q = p + d_right
                if q >= first[r] and group[q] == owner[r] and to[q] >= 0:
                    y_right = to[q]
                    break
                d_right += 1
            from_left = y_left + d_left
            from_right = y_right - d_right
            for side in range(2):
                if (y_left if side == 0 else y_right) < 0:
                    continue
                expected = from_left if side == 0 else from_right
                for x in range(max(expected - gap, model_low[r]), min(expected + gap, model_high[r]) + 1):
                    if taken[x] == r or (side == 1 and y_left >= 0 and abs(x - from_left) <= gap):
                        continue  # had, or had from the left
                    alone = y_left >= 0 and y_right >= 0 and d_left == 1 and d_right == 1 and y_left == x - 1 and y_right == x + 1
                    sure = -1
                    if classes[p] >= 0 and classes[p] == classes[x]:
                        sure = SAME
                    elif tokens[p] > 0 and plain[p] == plain[x]:
                        sure = SLOTS
                    elif alone and min(tokens[p], tokens[x]) > 0 and max(tokens[p], tokens[x]) < short:
                        sure = PLACE
                    elif min(tokens[p], tokens[x]) >= least * max(tokens[p], tokens[x]) and min(tokens[p], tokens[x]) > 0:
                        sure = COMPARE
                    if sure >= 0:
                        run[m] = r
                        left[m] = p
                        right[m] = x
                        kind[m] = sure
                        m += 1
    return m


@njit(cache=True, nogil=True)
def assign(run, left, right, n):
    """Candidates to keep, best first: a passage stands for one of the exemplar's, and each of those has one for it in a run.

    run, left, right : (m,) int64, sorted by run, then best first. n : passages. Returns (m,) bool.
    """
    out = np.zeros(len(run), np.bool_)
    left_of = np.full(n, -1, np.int64)
    right_of = np.full(n, -1, np.int64)
    for k in range(len(run)):
        if left_of[left[k]] != run[k] and right_of[right[k]] != run[k]:
            left_of[left[k]] = run[k]
            right_of[right[k]] = run[k]
            out[k] = True
    return out
