"""All passages -> fold classes and verified pairs of classes: exact first, MinHash and LSH for the rest, anchors for containment.

A *class* is all passages of equal fold; similarity is a property of classes, so a million copies are one class. Candidates are
always verified by the exact Jaccard similarity and containment of their shingle sets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tasks.index import Index
from tasks.kernels import match as kernel
from tasks.overlaps import overlaps, whole_inside
from tasks.settings import Matching
from tasks.store.stage import lists, numbers, read_table, write_json, write_table
from tasks.store.text import I32Array, I64Array, U64Array
from tasks.store.unique import unique, unique_counts

#: Kinds of pair, in the order of their numbers.
KINDS = ("identical", "script", "width_punctuation", "number_slot", "edited", "contained")
SLOT_KIND, EDITED, CONTAINED = 3, 4, 5
#: Which side of a pair stands whole inside the other, in the column `within`; 0 for neither, or where similarity decides.
A_IN_B, B_IN_A = 1, 2
#: Pairs held before they are made unique and verified: 16 bytes each.
_BATCH = 1 << 22
#: Length of the shorter of two near passages over that of the longer, in tokens, below which the stretch they share is aligned.
_EVEN = 0.85
#: Such pairs of each passage, the most similar first: of a line that is reworded a thousand times there are half a million.
_ALIGNED = 2
#: Passages that share an anchor and are paired all with all; a set phrase in more of them says little, and is linked as a star.
_ANCHOR_CAP = 16
#: Passages that share an anchor which is evidence by itself.
_RARE = 4


@dataclass(frozen=True)
class Classes:
    """Fold classes. `of` : (passages,) int32, -1 where the fold is empty; `first` : (classes,) int64, best-ranked member."""

    of: I32Array
    first: I64Array
    size: I64Array


def match(index: Index, folder: Path, settings: Matching) -> dict[str, int]:
    """Write `classes.npy`, `first.npy` and `pairs.arrow` (pairs of classes) into `folder`. Returns counters."""
    classes = classify(index)
    np.save(folder / "classes.npy", classes.of)
    np.save(folder / "first.npy", classes.first)
    np.save(folder / "size.npy", classes.size)
    members = _signed_members(index, classes)
    sizes = _sizes(index, members, "shingles")
    counters = {"classes": len(classes.first), "signed": len(members)}
    near = _near(index, members, sizes, settings, counters)
    contained, sharing = _contained(index, members, sizes, _anchored(index, members, sizes, near, counters), settings, counters)
    pairs = _describe(index, members, classes, sizes, near, contained, settings)
    write_table(folder / "pairs.arrow", pairs)
    partial = _partial(index, members, sizes, near, settings)
    left, right = (members[np.concatenate(side)] for side in zip(sharing, partial, strict=True))
    write_table(folder / "blocks.arrow", overlaps(index, np.minimum(left, right), np.maximum(left, right), settings, counters))
    counters["pairs"] = len(pairs)
    write_json(folder / "done.json", counters)
    return counters


def classify(index: Index) -> Classes:
    """Passages of equal fold, in the global order of their best-ranked members."""
    fold = index.column("match", "fold")
    rank = index.rank
    _, inverse, size = np.unique(fold, return_inverse=True, return_counts=True)
    best = np.full(len(size), np.iinfo(np.int64).max)
    np.minimum.at(best, inverse, rank)
    by_rank = np.argsort(best, kind="stable")
    number = np.empty(len(size), np.int32)
    number[by_rank] = np.arange(len(size), dtype=np.int32)
    of = number[inverse]
    first = index.order[best[by_rank]]
    of[fold == 0] = -1
    return Classes(of, first, size[by_rank])


def _signed_members(index: Index, classes: Classes) -> I64Array:
    """One member of each class that has a signature (long enough, of a kind that is compared by similarity), best ranked, by class."""
    signed = np.flatnonzero(index.flags("match", "long") & ~index.flags("match", "rigid") & (classes.of >= 0))
    unseen = np.iinfo(np.int64).max
    best = np.full(len(classes.first), unseen)
    np.minimum.at(best, classes.of[signed], index.rank[signed])
    return index.order[best[best < unseen]]


def _lists_by_part(index: Index, members: I64Array, name: str) -> Iterator[tuple[I64Array, I64Array, U64Array, I64Array]]:
    """For each part that has any of the passages: which of them, their rows there, and the part's list column (values, offsets)."""
    part = index.part_of(members)
    for number in np.unique(part).tolist():
        chosen = np.flatnonzero(part == number)
        column = lists(read_table(index.parts[number].notes / "match.arrow")[name])
        yield chosen, members[chosen] - index.passage_base[number], *column


def _sizes(index: Index, members: I64Array, name: str) -> I32Array:
    """(members,) int32, length of each list of a list column; the values are not read."""
    counts = np.zeros(len(members), np.int32)
    for chosen, rows, _, offsets in _lists_by_part(index, members, name):
        counts[chosen] = offsets[rows + 1] - offsets[rows]
    return counts


def _gather(index: Index, members: I64Array, name: str) -> tuple[U64Array, I64Array]:
    """(values, offsets) of a list column for the named passages."""
    offsets = np.zeros(len(members) + 1, np.int64)
    np.cumsum(_sizes(index, members, name), out=offsets[1:])
    values = np.empty(offsets[-1], np.uint64)
    for chosen, rows, source, source_offsets in _lists_by_part(index, members, name):
        kernel.copy_lists(source, source_offsets, rows, values, offsets, chosen)
    return values, offsets


def _common(index: Index, members: I64Array, name: str, left: I64Array, right: I64Array, floor: I32Array) -> I32Array:
    """(pairs,) int32, values that the lists of two members have in common; below `floor` perhaps -1 (see `kernel.intersections`).

    Only the lists of members in pairs are read: most passages have no candidate.
    """
    asked = np.zeros(len(members), np.bool_)
    asked[left] = asked[right] = True
    place = np.cumsum(asked) - 1
    sets = _gather(index, members[asked], name)
    common: I32Array = kernel.intersections(*sets, kernel.bitmaps(*sets), place[left], place[right], floor)
    return common


def _near(
    index: Index, members: I64Array, sizes: I32Array, settings: Matching, counters: dict[str, int]
) -> tuple[I64Array, I64Array, I32Array]:
    """Verified pairs (left, right, common shingles) of members with similarity at or above the report threshold."""
    pending: list[U64Array] = []
    held = hot = hot_members = 0
    rows = [_signature_rows(index, members, number) for number in range(len(index.parts))]
    every = np.arange(len(members), dtype=np.int64)
    bands = [np.load(part.notes / "bands.npy", mmap_mode="r") for part in index.parts]
    for band in range(settings.bands):
        keys = np.empty(len(members), np.uint64)
        for (chosen, local), source in zip(rows, bands, strict=True):
            keys[chosen] = source[band][local]
        pairs, more_hot, more_members = buckets(*grouped(*_repeated(keys, every)), sizes, settings.bucket_cap, settings.report_threshold)
        hot, hot_members = hot + more_hot, hot_members + more_members
        pending.append(pairs)
        held += len(pairs)
        if held > _BATCH:
            pending, held = [unique(np.concatenate(pending))], 0
    merged = unique(np.concatenate(pending)) if pending else np.empty(0, np.uint64)
    left, right = (merged >> np.uint64(32)).astype(np.int64), (merged & np.uint64(0xFFFFFFFF)).astype(np.int64)
    total = sizes[left] + sizes[right]
    t = settings.report_threshold
    floor = np.ceil(t / (1 + t) * total - 1e-9).astype(np.int32)
    common = _common(index, members, "shingles", left, right, floor)
    good = (common >= floor) & (common > 0)
    counters.update(candidates=len(merged), hotbuckets=hot, hot_members=hot_members, near_pairs=int(good.sum()))
    return left[good], right[good], common[good]


def _signature_rows(index: Index, members: I64Array, number: int) -> tuple[I64Array, I64Array]:
    """Members that lie in a part, and their rows in that part's signatures."""
    table = read_table(index.parts[number].notes / "match.arrow")
    signed = numbers(table["long"]) & ~numbers(table["rigid"])
    row = np.cumsum(signed) - 1
    chosen = np.flatnonzero(index.part_of(members) == number)
    return chosen, row[members[chosen] - index.passage_base[number]]


def _repeated(keys: U64Array, owners: I64Array) -> tuple[U64Array, I64Array]:
    """Keys without those that come once, with their owners: most do, and have no pair."""
    chosen = kernel.repeated(keys)
    return keys[chosen], owners[chosen]


def grouped(keys: U64Array, owners: I64Array) -> tuple[U64Array, I64Array]:
    """Keys sorted, with their owners ascending inside equal keys.

    Key and owner are sorted as one word, which is ten times as fast as sorting positions. The key loses its top bits to the owner's
    number (18 bits for 200,000 owners); a chance meeting that this makes is one more candidate for verification, no more.
    """
    bits = np.uint64(max(1, int(owners.max(initial=0)).bit_length()))
    packed = (keys << bits) | owners.astype(np.uint64)
    packed.sort()
    return packed >> bits, (packed & ((np.uint64(1) << bits) - np.uint64(1))).astype(np.int64)


def buckets(keys: U64Array, order: I64Array, sizes: I32Array, cap: int, ratio: float) -> tuple[U64Array, int, int]:
    """Distinct candidate pairs of one band, as left << 32 | right, with the number of buckets over the cap and their members."""
    capacity = max(1024, len(keys))
    while True:
        pairs = np.empty((capacity, 2), np.int32)
        count, hot, hot_members = kernel.bucket_pairs(keys, order, sizes, cap, ratio, pairs, 0)
        if count <= capacity:
            break
        capacity = count
    encoded = (pairs[:count, 0].astype(np.uint64) << np.uint64(32)) | pairs[:count, 1].astype(np.uint64)
    return encoded, hot, hot_members


def _anchored(
    index: Index, members: I64Array, sizes: I32Array, near: tuple[I64Array, I64Array, I32Array], counters: dict[str, int]
) -> tuple[I64Array, I64Array]:
    """Pairs of members that share two anchors (or the only one that one of them has), or one that few share, and are not near.

    One anchor in many passages is a set phrase: of 65,000 pairs that it alone joined in 17 MB of newsletters and books, 47 shared 40
    equal tokens, and most of those were set phrases again.
    """
    values, offsets = _gather(index, members, "anchors")
    owners = np.repeat(np.arange(len(members), dtype=np.int64), np.diff(offsets))
    keys, owners = grouped(*_repeated(values, owners))
    encoded, hot, _ = buckets(keys, owners, sizes, _ANCHOR_CAP, 0.0)
    pairs, shared = unique_counts(encoded)
    first = np.flatnonzero(np.diff(keys, prepend=keys[:1] + np.uint64(1)))
    places = np.diff(np.append(first, len(keys)))
    rare = np.repeat(places <= _RARE, places)
    few, _, _ = buckets(keys[rare], owners[rare], sizes, _ANCHOR_CAP, 0.0)
    count = np.diff(offsets)
    least = np.minimum(count[(pairs >> np.uint64(32)).astype(np.int64)], count[(pairs & np.uint64(0xFFFFFFFF)).astype(np.int64)])
    pairs = unique(np.concatenate([pairs[shared >= np.minimum(2, least)], few]))
    standing = (near[0].astype(np.uint64) << np.uint64(32)) | near[1].astype(np.uint64)  # sorted, as `_near` leaves them
    if len(standing):
        pairs = pairs[standing[np.minimum(np.searchsorted(standing, pairs), len(standing) - 1)] != pairs]
    counters.update(anchor_candidates=len(pairs), hot_anchors=hot)
    return (pairs >> np.uint64(32)).astype(np.int64), (pairs & np.uint64(0xFFFFFFFF)).astype(np.int64)


def _contained(
    index: Index, members: I64Array, sizes: I32Array, anchored: tuple[I64Array, I64Array], settings: Matching, counters: dict[str, int]
) -> tuple[tuple[I64Array, I64Array, I32Array], tuple[I64Array, I64Array]]:
    """Verified pairs in which one member lies inside the other, though their similarity is below the report threshold; and the pairs that
    have enough in common to share a block."""
    left, right = anchored
    floor = np.ceil(settings.containment_threshold * np.minimum(sizes[left], sizes[right]) - 1e-9).astype(np.int32)
    # A block's equal runs are of five tokens and more (`align.SEED_TOKENS`), and a run of n tokens has n - 2 shingles.
    block = np.int32(settings.min_block_tokens // 2)
    common = _common(index, members, "shingles", left, right, np.minimum(floor, block))
    good, sharing = (common >= floor) & (common > 0), common >= block
    counters.update(contained_pairs=int(good.sum()))
    return (left[good], right[good], common[good]), (left[sharing], right[sharing])


def _partial(
    index: Index, members: I64Array, sizes: I32Array, near: tuple[I64Array, I64Array, I32Array], settings: Matching
) -> tuple[I64Array, I64Array]:
    """Near pairs that share a part rather than the whole, among the most similar of either side: too unlike to be removed, or one side
    clearly longer. Not those that differ in numbers and links only."""
    left, right, common = near
    similarity = common / (sizes[left] + sizes[right] - common)
    tokens = index.column("match", "tokens").astype(np.float64)[members]
    plain = index.column("match", "plain")[members]
    uneven = np.minimum(tokens[left], tokens[right]) < _EVEN * np.maximum(tokens[left], tokens[right])
    chosen = np.flatnonzero((uneven | (similarity < settings.remove_threshold)) & (plain[left] != plain[right]))
    chosen = chosen[best_of_each(left[chosen], right[chosen], similarity[chosen], _ALIGNED)]
    return left[chosen], right[chosen]


def best_of_each(a: npt.NDArray[Any], b: npt.NDArray[Any], weight: npt.NDArray[Any], count: int) -> I64Array:
    """Rows of pairs that are among the `count` heaviest of either of their sides; of equal ones the first."""
    both = np.concatenate([a, b])
    row = np.concatenate([np.arange(len(a)), np.arange(len(a))])
    order = np.lexsort((row, -np.concatenate([weight, weight]), both))
    starts = np.flatnonzero(np.diff(both[order], prepend=-1))
    place = np.arange(len(order)) - np.repeat(starts, np.diff(np.append(starts, len(order))))
    return np.unique(row[order[place < count]]).astype(np.int64)


def _describe(
    index: Index,
    members: I64Array,
    classes: Classes,
    sizes: I32Array,
    near: tuple[I64Array, I64Array, I32Array],
    contained: tuple[I64Array, I64Array, I32Array],
    settings: Matching,
) -> pa.Table:
    """Rows of `pairs.arrow`: two classes, exact similarity and containments, kind, estimate, which side is within the other, and which
    way a removal may go."""
    left = np.concatenate([near[0], contained[0]])
    right = np.concatenate([near[1], contained[1]])
    common = np.concatenate([near[2], contained[2]]).astype(np.float64)
    a, b = sizes[left], sizes[right]
    similarity = np.round(common / (a + b - common), 4).astype(np.float32)
    plain = index.column("match", "plain")
    tokens = index.column("match", "tokens").astype(np.float64)
    gid_a, gid_b = members[left], members[right]
    # Similarity is compared unrounded: 0.69996 must not pass as 0.7.
    exact = common / (a + b - common)
    # Anchors also find pairs that are similar and that no band happened to hold.
    kind = np.where(exact >= settings.report_threshold - 1e-12, EDITED, CONTAINED).astype(np.uint8)
    kind[plain[gid_a] == plain[gid_b]] = SLOT_KIND
    ratio = np.minimum(tokens[gid_a], tokens[gid_b]) / np.maximum(tokens[gid_a], tokens[gid_b])
    able = (exact >= settings.remove_threshold) & (kind == EDITED) & (ratio >= settings.min_length_ratio)
    counts = _sizes(index, members, "slots")
    shared = _common(index, members, "slots", left, right, np.zeros(len(left), np.int32))
    # A passage that stands whole inside another, with all that a copy must not lose, may go although the two are not alike.
    small, large = np.where(a < b, gid_a, gid_b), np.where(a < b, gid_b, gid_a)
    asked = np.flatnonzero(
        ~able
        & (kind != SLOT_KIND)
        & (common == np.minimum(a, b))
        & (shared == np.where(a < b, counts[left], counts[right]))
        & (tokens[small] >= settings.min_contained_tokens)
    )
    within = np.zeros(len(left), np.uint8)
    found = asked[whole_inside(index, small[asked], large[asked], settings)]
    within[found] = np.where(a < b, A_IN_B, B_IN_A)[found]
    return pa.table(
        {
            "a": pa.array(classes.of[gid_a]),
            "b": pa.array(classes.of[gid_b]),
            "similarity": pa.array(similarity),
            "containment_a": pa.array(np.round(common / a, 4).astype(np.float32)),
            "containment_b": pa.array(np.round(common / b, 4).astype(np.float32)),
            "estimate": pa.array(_estimates(index, members, left, right)),
            "kind": pa.array(kind),
            "within": pa.array(within),
            "b_for_a": pa.array((able & (shared == counts[right])) | (within == B_IN_A)),
            "a_for_b": pa.array((able & (shared == counts[left])) | (within == A_IN_B)),
        }
    )


def _estimates(index: Index, members: I64Array, left: I64Array, right: I64Array) -> npt.NDArray[Any]:
    """MinHash estimates of the pairs, for comparison with the exact value."""
    used, inverse = np.unique(np.concatenate([left, right]), return_inverse=True)
    signatures = np.empty((len(used), 0), np.uint32)
    for number in range(len(index.parts)):
        source = np.load(index.parts[number].notes / "signatures.npy", mmap_mode="r")
        if signatures.shape[1] == 0:
            signatures = np.empty((len(used), source.shape[1]), np.uint32)
        chosen, rows = _signature_rows(index, members[used], number)
        signatures[chosen] = source[rows]
    half = len(left)
    return np.round(kernel.agreement(signatures, inverse[:half].astype(np.int64), inverse[half:].astype(np.int64)), 4)
