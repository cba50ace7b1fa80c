"""Verified pairs, clusters and families as published tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tasks.blocks import occurrence_blocks
from tasks.columns import place, side, table_of
from tasks.decide import Verdicts
from tasks.families import Families
from tasks.index import Index
from tasks.links import cluster_id, is_duplicate, pair_kinds, twin_shares
from tasks.match import CONTAINED, EDITED, best_of_each
from tasks.match import KINDS as PAIR_KINDS
from tasks.reasons import BOILERPLATE, KEPT
from tasks.store.ids import digest_of
from tasks.store.schemas import CLUSTERS, FAMILIES, OCCURRENCES, PAIRS
from tasks.store.stage import numbers, whole
from tasks.store.text import I32Array, I64Array
from tasks.store.unique import unique, unique_counts

#: Rows of `pairs` for each passage beside its link to the kept neighbour.
LISTED = 8
_IDENTICAL, _SCRIPT, _WIDTH = 0, 1, 2
#: Later than every date, in microseconds.
_LATE = np.iinfo(np.int64).max


def link_kinds(index: Index, a: I64Array, b: I64Array) -> npt.NDArray[np.uint8]:
    """Kind of pairs of equal fold: identical, script, or width_punctuation."""
    columns = ["content_id", "script_source"]
    left, right = index.lookup(a, columns), index.lookup(b, columns)
    same = np.asarray(left["content_id"].to_pylist(), dtype=str) == np.asarray(right["content_id"].to_pylist(), dtype=str)
    script = np.asarray(left["script_source"].to_pylist(), dtype=str) != np.asarray(right["script_source"].to_pylist(), dtype=str)
    return np.where(script, _SCRIPT, np.where(same, _IDENTICAL, _WIDTH)).astype(np.uint8)


def pairs_table(index: Index, classes: I32Array, first: I64Array, pairs: pa.Table, verdicts: Verdicts) -> pa.Table:
    """Each passage's link to its class or kept neighbour and its best others.

    Pairs of classes are shown by the best-ranked member of each; members of equal fold are linked to that member.
    """
    a, b = first[numbers(pairs["a"])], first[numbers(pairs["b"])]
    kinds = pair_kinds(pairs)
    best = best_of_each(numbers(pairs["a"]), numbers(pairs["b"]), numbers(pairs["similarity"]), LISTED)
    chosen = np.union1d(best, np.flatnonzero(kinds == CONTAINED))
    able = index.flags("match", "long") & (classes >= 0)
    members = np.flatnonzero(able & (first[np.maximum(classes, 0)] != np.arange(len(classes))))
    heads = first[classes[members]]
    links = _links(index, classes, pairs, verdicts, members, heads)
    left = np.concatenate([a[chosen], heads, links[0]])
    right = np.concatenate([b[chosen], members, links[1]])
    n = len(heads)
    same = link_kinds(index, heads, members)
    one = np.ones(n, np.float32)
    nothing = np.full(n, np.nan, np.float32)
    rows = {
        "similarity": np.concatenate([numbers(pairs["similarity"])[chosen], one, links[2]]),
        "containment_a": np.concatenate([numbers(pairs["containment_a"])[chosen], one, links[3]]),
        "containment_b": np.concatenate([numbers(pairs["containment_b"])[chosen], one, links[4]]),
        "estimate": np.concatenate([numbers(pairs["estimate"])[chosen], nothing, links[5]]),
        "kind": np.concatenate([kinds[chosen], same, links[6]]),
        "accepted": np.concatenate(
            [(numbers(pairs["b_for_a"]) | numbers(pairs["a_for_b"]))[chosen], ~index.flags("match", "rigid")[members], links[7]]
        ),
    }
    swap = left > right
    left, right = np.where(swap, right, left), np.where(swap, left, right)
    one_way, other_way = rows["containment_a"], rows["containment_b"]
    rows["containment_a"], rows["containment_b"] = np.where(swap, other_way, one_way), np.where(swap, one_way, other_way)
    _, unique = np.unique((left << 32) | right, return_index=True)
    left, right = left[unique], right[unique]
    estimate = rows["estimate"][unique]
    return table_of(
        PAIRS,
        {
            "passage_a": index.lookup(left, ["passage_id"])["passage_id"],
            "passage_b": index.lookup(right, ["passage_id"])["passage_id"],
            **side(index, left, "a"),
            **side(index, right, "b"),
            **{name: rows[name][unique] for name in ("similarity", "containment_a", "containment_b", "accepted")},
            "estimate": pa.array(estimate, mask=np.isnan(estimate)),
            "kind": pa.array(PAIR_KINDS).take(pa.array(rows["kind"][unique])),
        },
    )


def _links(index: Index, classes: I32Array, pairs: pa.Table, verdicts: Verdicts, members: I64Array, heads: I64Array) -> tuple[Any, ...]:
    """Pairs of duplicates with their kept twins, where another member of either class stands for it among the pairs of classes."""
    gids = np.flatnonzero(is_duplicate(verdicts.reason))
    head_of = np.full(len(classes), -1, np.int64)
    head_of[members] = heads
    gids = gids[head_of[gids] != verdicts.twin[gids]]
    twin = verdicts.twin[gids]
    equal = classes[gids] == classes[twin]
    a, b = numbers(pairs["a"]).astype(np.int64), numbers(pairs["b"]).astype(np.int64)
    keys = (a << 32) | b
    order = np.argsort(keys)
    mine, theirs = classes[gids].astype(np.int64), classes[twin].astype(np.int64)
    wanted = (np.minimum(mine, theirs) << 32) | np.maximum(mine, theirs)
    at = order[np.minimum(np.searchsorted(keys[order], wanted), len(keys) - 1)] if len(keys) else np.zeros(len(gids), np.int64)
    known = equal | (keys[at] == wanted if len(keys) else equal)
    gids, twin, equal, at, mine = gids[known], twin[known], equal[known], at[known], mine[known]

    def value(name: str, when_equal: float) -> npt.NDArray[Any]:
        return np.where(equal, when_equal, numbers(pairs[name])[at] if len(keys) else when_equal).astype(np.float32)

    first_is_mine = a[at] == mine if len(keys) else equal
    one, other = value("containment_a", 1.0), value("containment_b", 1.0)
    kind = np.where(equal, link_kinds(index, gids, twin), pair_kinds(pairs)[at] if len(keys) else 0).astype(np.uint8)
    return (
        gids,
        twin,
        value("similarity", 1.0),
        np.where(first_is_mine, one, other),
        np.where(first_is_mine, other, one),
        value("estimate", np.nan),
        kind,
        np.ones(len(gids), np.bool_),
    )


def neighbour_counts(classes: I32Array, size: I64Array, pairs: pa.Table) -> I64Array:
    """(passages,) int64: passages at or above the report threshold to each."""
    near = numbers(pairs["kind"]) != CONTAINED
    a, b = numbers(pairs["a"])[near], numbers(pairs["b"])[near]
    count = (
        size
        - 1
        + np.bincount(a, size[b], minlength=len(size)).astype(np.int64)
        + np.bincount(b, size[a], minlength=len(size)).astype(np.int64)
    )
    return np.where(classes >= 0, count[np.maximum(classes, 0)], 0)


def clusters_table(index: Index, verdicts: Verdicts, classes: I32Array, size: I64Array, pairs: pa.Table) -> pa.Table:
    """A row a member, clusters in the order of their kept passages, the kept one first."""
    gone = np.flatnonzero(is_duplicate(verdicts.reason))
    twins = verdicts.twin[gone]
    kept = np.unique(twins)
    gids = np.concatenate([kept, gone])
    owner = np.concatenate([kept, twins])
    role = np.concatenate([np.zeros(len(kept), np.int64), np.ones(len(gone), np.int64)])
    similarity = np.concatenate([np.ones(len(kept), np.float32), verdicts.similarity[gone]])
    shares, whole_inside = twin_shares(classes, pairs, verdicts, gone)
    containment = np.concatenate([np.full(len(kept), np.nan, np.float32), shares])
    near = np.where(whole_inside, CONTAINED, EDITED)
    kind = np.concatenate(
        [
            np.full(len(kept), -1, np.int64),
            np.where(classes[gone] == classes[twins], link_kinds(index, gone, twins), near).astype(np.int64),
        ]
    )
    order = np.lexsort((gids, role, owner))
    gids, owner, role, similarity, kind, containment = (x[order] for x in (gids, owner, role, similarity, kind, containment))
    ids = index.lookup(gids, ["passage_id", "content_id"])
    owners = index.lookup(owner, ["passage_id"])["passage_id"].to_pylist()
    return table_of(
        CLUSTERS,
        {
            "cluster_id": pa.array([cluster_id(x) for x in owners], pa.string()),
            "passage_id": ids["passage_id"],
            "content_id": ids["content_id"],
            **place(index, gids),
            "role": pa.array(["kept", "removed"]).take(pa.array(role)),
            "similarity": similarity,
            "containment": pa.array(containment, mask=np.isnan(containment)),
            "kind": pa.array(PAIR_KINDS).take(pa.array(kind, mask=kind < 0)),
            "neighbour_count": neighbour_counts(classes, size, pairs)[gids],
        },
    )


def family_ids(index: Index, families: Families) -> list[str]:
    """Id by occurrence number, for exemplars (others get an empty string): digest of the exemplar's passages."""
    ids = [""] * len(families.first)
    heads = np.unique(families.exemplar)
    gid, owner = families.members(heads)
    names = index.lookup(gid, ["passage_id"])["passage_id"].to_pylist()
    bounds = np.searchsorted(owner, np.arange(len(heads) + 1)).tolist()
    for head, first, last in zip(heads.tolist(), bounds, bounds[1:], strict=False):
        ids[head] = digest_of("family", *names[first:last])
    return ids


def family_tables(
    index: Index, families: Families, ids: list[str], verdicts: Verdicts, categories: list[str | None]
) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Tables `families`, `occurrences` and `blocks`. `categories` : category by rule number."""
    order = np.lexsort((families.first, families.exemplar))
    first, last, exemplar = families.first[order], families.last[order], families.exemplar[order]
    similarity = families.similarity[order]
    run_ids = [ids[e] for e in exemplar.tolist()]
    head, tail = _spans(index, first, last)
    inside, run = families.members(order)
    char_count = np.bincount(run, index.column("passages", "visible")[inside], minlength=len(order)).astype(np.int64)
    verdict = _run_verdicts(inside, run, len(order), verdicts)
    occurrences = table_of(
        OCCURRENCES,
        {
            "family_id": run_ids,
            **{name: head[name] for name in ("source", "record", "locator", "doc_id", "char_start", "line_start")},
            "char_end": tail["char_end"],
            "line_end": tail["line_end"],
            "passage_count": np.bincount(run, minlength=len(order)).astype(np.int32),
            "similarity": similarity,
            "verdict": pa.array(["kept", "removed", "mixed"]).take(pa.array(verdict)),
        },
    )
    other = np.flatnonzero(exemplar != order)
    blocks = occurrence_blocks(index, families, first, last, exemplar, similarity, char_count, run_ids, other)
    return _families(index, families, ids, verdicts, categories, first, exemplar, char_count, verdict), occurrences, blocks


def _spans(index: Index, first: I64Array, last: I64Array) -> tuple[dict[str, Any], dict[str, Any]]:
    return place(index, first), place(index, last)


def _run_verdicts(inside: I64Array, run: I64Array, count: int, verdicts: Verdicts) -> npt.NDArray[np.int64]:
    """0 all kept, 1 all removed, 2 mixed, over the family's passages of each run."""
    gone = (verdicts.reason != KEPT) & ~verdicts.split
    removed, split, total = (np.bincount(run[x], minlength=count) for x in (gone[inside], verdicts.split[inside], slice(None)))
    return np.where((removed == 0) & (split == 0), 0, np.where(removed == total, 1, 2))


def _families(
    index: Index,
    families: Families,
    ids: list[str],
    verdicts: Verdicts,
    categories: list[str | None],
    first: I64Array,
    exemplar: I64Array,
    char_count: I64Array,
    verdict: npt.NDArray[np.int64],
) -> pa.Table:
    """One row a family, those with most characters over all places first."""
    # Occurrences are ordered by exemplar, so the runs of a family lie together.
    heads, runs_of, count = np.unique(exemplar, return_index=True, return_counts=True)
    family = np.repeat(np.arange(len(heads)), count)
    docs = index.doc[first]
    dates = whole(index.places(docs)["published_at"]).cast(pa.int64())
    known = dates.is_valid().to_numpy(zero_copy_only=False)
    when = dates.fill_null(0).to_numpy()
    earliest, latest = np.where(known, when, _LATE), np.where(known, when, -_LATE)
    undated = np.bincount(family, known, minlength=len(heads)) == 0
    kept, gone = (np.bincount(family, verdict == v, minlength=len(heads)) for v in (0, 1))
    collections = _distinct(family, index.collection[docs], len(heads))
    members, owner = families.members(heads)
    bounds = np.searchsorted(owner, np.arange(len(heads) + 1))
    texts = pa.LargeListArray.from_arrays(pa.array(bounds), whole(index.lookup(members, ["text"])["text"]))
    names = ("deduplicated", "kept", "removed", "mixed")
    table = table_of(
        FAMILIES,
        {
            "family_id": [ids[head] for head in heads.tolist()],
            "exemplar_text": pc.binary_join(texts, "\n"),
            "kind": pa.array(["passage", "block"]).take(pa.array((np.diff(bounds) > 1).astype(np.int8))),
            "category": _category(verdicts, members, owner, len(heads), categories),
            "verdict": pa.array(names).take(pa.array(np.select([kept == count, gone == count, kept == 1], [1, 2, 0], 3))),
            "scope": pa.array(["within", "across"]).take(pa.array((collections > 1).astype(np.int8))),
            "occurrence_count": count,
            "document_count": _distinct(family, docs, len(heads)),
            "collection_count": collections,
            "char_count": np.bincount(family, char_count, minlength=len(heads)).astype(np.int64),
            "first_published_at": pa.array(np.minimum.reduceat(earliest, runs_of) if len(heads) else earliest, mask=undated),
            "last_published_at": pa.array(np.maximum.reduceat(latest, runs_of) if len(heads) else latest, mask=undated),
        },
    )
    return table.sort_by([("char_count", "descending"), ("family_id", "ascending")])


def _distinct(owner: I64Array, value: npt.NDArray[Any], size: int) -> I64Array:
    """(size,) int64, different values of each owner."""
    pairs = unique((owner.astype(np.int64) << 32) | value.astype(np.int64))
    return np.bincount(pairs >> 32, minlength=size)


def _category(verdicts: Verdicts, members: I64Array, owner: I64Array, size: int, categories: list[str | None]) -> pa.Array:
    """(size,) category that most passages of each exemplar fell to by rule, null for none. members, owner : passages of exemplars."""
    names = sorted({name for name in categories if name})
    number = np.array([names.index(name) if name else -1 for name in categories] + [-1], np.int64)  # the last one is for rule -1
    category = number[np.where(verdicts.reason[members] == BOILERPLATE, verdicts.rule[members], -1)]
    fell = category >= 0
    pairs, times = unique_counts((owner[fell].astype(np.int64) << 32) | category[fell])
    order = np.lexsort((pairs, -times, pairs >> 32))
    best = order[np.flatnonzero(np.diff(pairs[order] >> 32, prepend=-1))]
    found = np.full(size, -1, np.int64)
    found[pairs[best] >> 32] = pairs[best] & 0xFFFFFFFF
    return pa.array(names, pa.string()).take(pa.array(found, mask=found < 0))
