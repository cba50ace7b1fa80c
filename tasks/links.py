"""Which kept passage stands for which removed ones, and which family a passage belongs to: ids for the rows that need them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tasks.decide import Verdicts
from tasks.families import Families
from tasks.index import Index
from tasks.match import A_IN_B, B_IN_A, CONTAINED
from tasks.reasons import BLOCK, EXACT, NEAR
from tasks.store.ids import digest_of
from tasks.store.stage import numbers
from tasks.store.text import BoolArray, F32Array, I32Array, I64Array, U8Array

#: Copies listed in `also_in`; `copies` is the true number.
LISTED = 8


@dataclass(frozen=True)
class Links:
    """Ids by passage.

    removed  : table gid, kept_passage_id, cluster_id, similarity, containment, inside (whole in the twin) of the duplicates, sorted by gid.
    spread   : table gid, twin_id, similarity of what went with a boilerplate twin.
    kept     : table gid, cluster_id, copies, also_in of their twins, sorted by gid.
    family   : table gid, family_id, sorted by gid.
    """

    removed: pa.Table
    spread: pa.Table
    kept: pa.Table
    family: pa.Table


def cluster_id(passage_id: str) -> str:
    """Id of the cluster that a kept passage represents."""
    return digest_of("cluster", passage_id)


def is_duplicate(reason: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Which verdicts name a kept twin."""
    return (reason == EXACT) | (reason == NEAR) | (reason == BLOCK)


def pair_kinds(pairs: pa.Table) -> U8Array:
    """Kind of each pair as it is published: one that a removal by containment may rest on is `contained`, however similar."""
    return np.where(numbers(pairs["within"]) > 0, CONTAINED, numbers(pairs["kind"])).astype(np.uint8)


def twin_shares(classes: I32Array, pairs: pa.Table, verdicts: Verdicts, gids: I64Array) -> tuple[F32Array, BoolArray]:
    """For duplicates: share of the passage's shingles that its kept twin has (NaN but for near duplicates), and whether it went because
    all of it stands inside its twin."""
    mine, theirs = classes[gids].astype(np.int64), classes[verdicts.twin[gids]].astype(np.int64)
    a, b = numbers(pairs["a"]).astype(np.int64), numbers(pairs["b"]).astype(np.int64)
    near = verdicts.reason[gids] == NEAR
    share = np.where(near & (mine == theirs), 1.0, np.nan).astype(np.float32)
    inside = np.zeros(len(gids), np.bool_)
    asked = np.flatnonzero(near & (mine != theirs))
    if len(asked):  # every such twin stands in `pairs`
        keys = (a << 32) | b
        order = np.argsort(keys)
        wanted = (np.minimum(mine, theirs) << 32 | np.maximum(mine, theirs))[asked]
        at = order[np.searchsorted(keys[order], wanted)]
        first = a[at] == mine[asked]
        share[asked] = np.where(first, numbers(pairs["containment_a"])[at], numbers(pairs["containment_b"])[at])
        inside[asked] = numbers(pairs["within"])[at] == np.where(first, A_IN_B, B_IN_A)
    return share, inside


def link(index: Index, verdicts: Verdicts, families: Families, family_ids: list[str], classes: I32Array, pairs: pa.Table) -> Links:
    """Ids for the rows of all parts."""
    duplicates = np.flatnonzero(is_duplicate(verdicts.reason))
    twins = verdicts.twin[duplicates]
    kept, inverse = np.unique(twins, return_inverse=True)
    kept_ids = index.lookup(kept, ["passage_id"])["passage_id"].to_pylist()
    clusters = pa.array([cluster_id(x) for x in kept_ids], pa.string())
    pick = pa.array(inverse)
    containment, inside = twin_shares(classes, pairs, verdicts, duplicates)
    removed = pa.table(
        {
            "gid": duplicates,
            "kept_passage_id": pa.array(kept_ids, pa.string()).take(pick),
            "cluster_id": clusters.take(pick),
            "similarity": verdicts.similarity[duplicates],
            "containment": pa.array(containment, mask=np.isnan(containment)),
            "inside": inside,
        }
    )
    spread = np.flatnonzero((verdicts.twin >= 0) & ~is_duplicate(verdicts.reason))
    return Links(
        removed,
        pa.table(
            {
                "gid": spread,
                "twin_id": index.lookup(verdicts.twin[spread], ["passage_id"])["passage_id"],
                "similarity": verdicts.similarity[spread],
            }
        ),
        _kept(index, kept, clusters, duplicates, inverse, verdicts),
        _family(families, family_ids),
    )


def _kept(index: Index, kept: I64Array, clusters: pa.Array, duplicates: I64Array, inverse: I64Array, verdicts: Verdicts) -> pa.Table:
    """Twins with their copies: number, and the places of the most similar ones."""
    similarity = verdicts.similarity[duplicates]
    order = np.lexsort((duplicates, -similarity, inverse))
    copies = np.bincount(inverse, minlength=len(kept))
    starts = np.concatenate([[0], np.cumsum(copies)])[:-1]
    within = np.arange(len(order)) - np.repeat(starts, copies)
    listed = order[within < LISTED]
    places = index.lookup(duplicates[listed], ["char_start", "char_end"])
    sources = index.places(index.doc[duplicates[listed]])["source"]
    values = pa.StructArray.from_arrays(
        [
            sources.combine_chunks(),
            places["char_start"].combine_chunks(),
            places["char_end"].combine_chunks(),
            pa.array(similarity[listed]),
        ],
        names=["source", "char_start", "char_end", "similarity"],
    )
    offsets = np.concatenate([[0], np.cumsum(np.minimum(copies, LISTED))]).astype(np.int32)
    also_in = pa.ListArray.from_arrays(pa.array(offsets), values)
    return pa.table({"gid": kept, "cluster_id": clusters, "copies": copies.astype(np.int64), "also_in": also_in})


def _family(families: Families, family_ids: list[str]) -> pa.Table:
    """Family of each passage that stands in an occurrence."""
    gid, run = families.members(np.arange(len(families.first)))
    order = np.argsort(gid, kind="stable")
    names = pa.array(family_ids, pa.string()).take(pa.array(families.exemplar[run[order]]))
    return pa.table({"gid": gid[order], "family_id": names})
