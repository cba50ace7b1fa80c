"""Kernels of decide: from lines to passages, and the short passages inside copied runs."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def fall(first, last, line_reason, line_rule):
    """Verdict of passages from the verdicts of their lines.

    first, last : (n,) int64, lines of each passage, inclusive.
    returns     : reason uint8 and rule int32 where all lines share one verdict; split bool where they differ (reason 0 there).
    """
    n = len(first)
    reason = np.zeros(n, np.uint8)
    rule = np.full(n, -1, np.int32)
    split = np.zeros(n, np.bool_)
    for p in range(n):
        r = line_reason[first[p]]
        u = line_rule[first[p]]
        same = True
        for k in range(first[p] + 1, last[p] + 1):
            if line_reason[k] != r or (r != 0 and line_rule[k] != u):
                same = False
                break
        if same:
            reason[p] = r
            rule[p] = u if r != 0 else -1
        else:
            split[p] = True
    return reason, rule, split


@njit(cache=True, nogil=True)
def block_twins(doc, long, duplicate, standing, gone, twin, classes):
    """Twins of short passages inside copied runs.

    A run lies between two long passages of a document (or its ends). When both bounds went as duplicates of one document (an end
    of the document counts as the other bound's), each standing short passage of the run whose class stands, in the same order,
    between the two twins is a copy of that one.
    doc       : (n,) int64 ascending; long, duplicate, standing, gone : (n,) bool; twin, classes : (n,) int64.
    returns   : (n,) int64, -1 for none.
    """
    n = len(doc)
    out = np.full(n, -1, np.int64)
    i = 0
    while i < n:
        j = i
        while j < n and doc[j] == doc[i]:
            j += 1
        p = i
        before = -1  # last long passage seen in this document
        while p < j:
            if long[p] and not (gone[p] and not duplicate[p]):
                before = p
                p += 1
                continue
            q = p
            while q < j and not (long[q] and not (gone[q] and not duplicate[q])):
                q += 1
            left_ok = before < 0 or duplicate[before]
            right_ok = q >= j or duplicate[q]
            if left_ok and right_ok and (before >= 0 or q < j):
                low = twin[before] if before >= 0 else -1
                high = twin[q] if q < j else -1
                other = doc[low] if low >= 0 else doc[high]
                if (low < 0 or high < 0 or doc[low] == doc[high]) and other != doc[i]:
                    _pair_run(p, q, low, high, other, doc, standing, long, classes, out)
            p = q
        i = j
    for x in range(n):  # a twin that goes itself as part of a copied block names the one that stays, which has the same fold
        while out[x] >= 0 and out[out[x]] >= 0:
            out[x] = out[out[x]]
    return out


#: Passages looked through for the next one of a copied run: runs go side by side, and a long one must not cost its square.
_LOOK_AHEAD = 256


@njit(cache=True, nogil=True)
def _pair_run(p, q, low, high, other, doc, standing, long, classes, out):
    """Match the standing short passages p..q with those between the twins `low` and `high` of document `other`, in order."""
    if low >= 0:
        k = low + 1
        step_from_end = False
    else:
        k = high - 1
        step_from_end = True
    n = len(doc)
    if not step_from_end:
        for x in range(p, q):
            if not standing[x] or classes[x] < 0:
                continue
            y = k
            while y < n and y < k + _LOOK_AHEAD and doc[y] == other and y != high and not (long[y] and high < 0):
                if standing[y] and classes[y] == classes[x]:
                    out[x] = y
                    k = y + 1
                    break
                y += 1
    else:
        for x in range(q - 1, p - 1, -1):
            if not standing[x] or classes[x] < 0:
                continue
            y = k
            while y >= 0 and y > k - _LOOK_AHEAD and doc[y] == other and not long[y]:
                if standing[y] and classes[y] == classes[x]:
                    out[x] = y
                    k = y - 1
                    break
                y -= 1


@njit(cache=True, nogil=True)
def document_digests(doc, count, barred, standing, classes, tokens):
    """Digest of the classes of each document's standing passages, in order; 0 where it has a barred passage, or none that stands.

    doc, barred, classes, tokens : (n,). standing : (m,) int64 passages. count : documents.
    returns : digest uint64, number of standing passages int64, their tokens int64, each (count,).
    """
    digest = np.zeros(count, np.uint64)
    size = np.zeros(count, np.int64)
    weight = np.zeros(count, np.int64)
    for p in standing:
        d = doc[p]
        h = (digest[d] ^ np.uint64(classes[p] + 1)) * np.uint64(0x9E3779B97F4A7C15)
        digest[d] = (h ^ (h >> np.uint64(29))) * np.uint64(0xFF51AFD7ED558CCD) + np.uint64(1)
        size[d] += 1
        weight[d] += tokens[p]
    for p in range(len(doc)):
        if barred[p]:
            digest[doc[p]] = 0
    return digest, size, weight


@njit(cache=True, nogil=True)
def count_kept(reason, split, first, last, line_reason, doc, out):
    """Add to out[doc] the rows that each passage will give to `passages`: one when kept whole, one a kept run when split."""
    for p in range(len(reason)):
        if not split[p]:
            out[doc[p]] += reason[p] == 0
            continue
        start = first[p]
        for line in range(first[p], last[p] + 1):
            new = line == start or line_reason[line] != line_reason[line - 1]
            out[doc[p]] += line_reason[line] == 0 and new


@njit(cache=True, nogil=True)
def fragments(passages, first, last, line_reason, line_rule, line_anchor):
    """Cut split passages into runs of lines with one verdict.

    passages              : (m,) int64, the split passages; first, last : (n,) int64, their lines.
    returns               : owner, first_line, last_line, each (k,) int64.
    """
    total = 0
    for p in passages:
        total += last[p] - first[p] + 1
    owner = np.empty(total, np.int64)
    begin = np.empty(total, np.int64)
    end = np.empty(total, np.int64)
    k = 0
    for p in passages:
        start = first[p]
        for line in range(first[p] + 1, last[p] + 2):
            if (
                line > last[p]
                or line_reason[line] != line_reason[start]
                or (line_reason[start] != 0 and (line_rule[line] != line_rule[start] or line_anchor[line] != line_anchor[start]))
            ):
                owner[k] = p
                begin[k] = start
                end[k] = line - 1
                k += 1
                start = line
    return owner[:k].copy(), begin[:k].copy(), end[:k].copy()
