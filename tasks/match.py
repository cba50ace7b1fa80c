"""All passages -> fold classes and verified pairs of classes: exact first, MinHash and LSH for the rest, anchors for containment.

A *class* is all passages of equal fold; similarity is a property of classes, so a million copies are one class. Candidates are
always verified by the exact Jaccard similarity and containment of their shingle sets.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tasks.index import Index
from tasks.kernels import buckets
from tasks.kernels import match as kernel
from tasks.losses import NOTHING, REWORDED, lost
from tasks.memory import Memory
from tasks.near import Pairs, Sets, every_pair, near_pairs
from tasks.overlaps import remembered, whole_inside
from tasks.settings import Matching
from tasks.shingles import shingle_sets, slot_sets
from tasks.store.stage import lists, numbers, read_table, write_json, write_table
from tasks.store.text import BoolArray, I32Array, I64Array, U64Array
from tasks.store.unique import unique, unique_counts

#: Kinds of pair, in the order of their numbers.
KINDS = ("identical", "script", "width_punctuation", "number_slot", "edited", "contained")
SLOT_KIND, EDITED, CONTAINED = 3, 4, 5
#: Anchors that are grouped at a time: 32 bytes each.
_ANCHORS = 1 << 23
#: Which side of a pair stands whole inside the other, in the column `within`; 0 for neither, or where similarity decides.
A_IN_B, B_IN_A = 1, 2
#: Length of the shorter of two near passages over that of the longer, in tokens, below which the stretch they share is aligned.
_EVEN = 0.85
#: Such pairs of each passage, the most similar first: of a line that is reworded a thousand times there are half a million.
_ALIGNED = 2
#: Passages that share an anchor and are paired all with all; a set phrase in more of them says little, and is linked as a star.
_ANCHOR_CAP = 16
#: Passages that share an anchor which is evidence by itself.
_RARE = 4


#: What `match` counts: fold classes, those signed; pairs of members that met in a bucket, that the bounds left, that were near; buckets
#: over the cap and members in them; anchors over the cap, pairs that anchors brought, pairs contained; pairs aligned, blocks found,
#: pairs in which a phrase stood too often to try every place; all pairs.
COUNTERS = (
    "classes",
    "signed",
    "compared",
    "candidates",
    "near_pairs",
    "hotbuckets",
    "hot_members",
    "hot_anchors",
    "anchor_candidates",
    "contained_pairs",
    "aligned",
    "blocks",
    "crowded",
    "pairs",
)


@dataclass(frozen=True)
class Classes:
    """Fold classes. `of` : (passages,) int32, -1 where the fold is empty; `first` : (classes,) int64, best-ranked member."""

    of: I32Array
    first: I64Array
    size: I64Array


def match(
    index: Index, folder: Path, settings: Matching, method: str = "minhash", threads: int = 1, memory: Memory | None = None
) -> dict[str, int]:
    """Write `classes.npy`, `first.npy` and `pairs.arrow` (pairs of classes) into `folder`. Returns counters.

    method  : `minhash`, or `exact` for a join that misses no pair.
    threads : how many work at a time; nothing of the result depends on it.
    memory  : of the last run; nothing of the result depends on it, either.
    """
    memory = memory or Memory()
    classes = classify(index)
    np.save(folder / "classes.npy", classes.of)
    np.save(folder / "first.npy", classes.first)
    np.save(folder / "size.npy", classes.size)
    members = _signed_members(index, classes)
    counters = {"classes": len(classes.first), "signed": len(members)}
    shingles = Sets(index.texts, members, lambda texts: shingle_sets(texts, settings), threads, memory)
    near = (
        every_pair(len(members), shingles, settings.report_threshold, counters, threads)
        if method == "exact"
        else _near(index, members, shingles, settings, counters, threads)
    )
    contained, sharing = _contained(shingles, _anchored(index, members, near, counters), settings, counters)
    pairs = _describe(index, members, classes, shingles, Pairs.joined(near, contained), settings, threads)
    write_table(folder / "pairs.arrow", pairs)
    partial = _partial(index, members, shingles.sizes, near, settings)
    left, right = (members[np.concatenate(side)] for side in zip(sharing, partial, strict=True))
    write_table(folder / "blocks.arrow", remembered(index, np.minimum(left, right), np.maximum(left, right), settings, counters, memory))
    memory.write(folder)
    counters["pairs"] = len(pairs)
    counters = {name: counters.get(name, 0) for name in COUNTERS}
    write_json(folder / "done.json", counters)
    return counters


def _near(index: Index, members: I64Array, shingles: Sets, settings: Matching, counters: dict[str, int], threads: int) -> Pairs:
    """Pairs of members by MinHash and LSH; only one band at a time is read."""
    signed, count = _Signed.of(index, members), len(members)
    outline = (
        signed.gather("counts.npy", np.empty(count, np.int32)),
        signed.gather("bits.npy", np.empty((count, buckets.BITMAP), np.uint64)),
    )

    def keys(band: int) -> U64Array:
        return signed.gather("bands.npy", np.empty(count, np.uint64), band)

    return near_pairs(keys, outline, shingles, settings, settings.report_threshold, counters, threads)


def classify(index: Index) -> Classes:
    """Passages of equal fold, in the global order of their best-ranked members."""
    return Classes(*buckets.classes(index.column("match", "fold").astype(np.uint64, copy=False), index.order))


def _signed_members(index: Index, classes: Classes) -> I64Array:
    """One member of each class that has a signature (long enough, of a kind that is compared by similarity), best ranked, by class."""
    signed = np.flatnonzero(index.flags("match", "long") & ~index.flags("match", "rigid") & (classes.of >= 0))
    unseen = np.iinfo(np.int64).max
    best = np.full(len(classes.first), unseen)
    np.minimum.at(best, classes.of[signed], index.rank[signed])
    return index.order[best[best < unseen]]


@dataclass(frozen=True)
class _Signed:
    """What the first pass wrote of the members, read part by part.

    rows : for each part, the members that lie in it, and their rows among its signed passages.
    """

    index: Index
    rows: list[tuple[I64Array, I64Array]]

    @staticmethod
    def of(index: Index, members: I64Array) -> _Signed:
        return _Signed(index, [_signature_rows(index, members, number) for number in range(len(index.parts))])

    def gather(self, name: str, empty: npt.NDArray[Any], band: int | None = None) -> npt.NDArray[Any]:
        """Rows of the members in a file of every part, into `empty`, (members, ...); of one band, when the file has bands."""
        for (chosen, local), part in zip(self.rows, self.index.parts, strict=True):
            source = np.load(part.notes / name, mmap_mode="r")
            empty[chosen] = (source if band is None else source[band])[local]
        return empty


def _signature_rows(index: Index, members: I64Array, number: int) -> tuple[I64Array, I64Array]:
    """Members that lie in a part, and their rows in that part's signatures."""
    table = read_table(index.parts[number].notes / "match.arrow")
    signed = numbers(table["long"]) & ~numbers(table["rigid"])
    row = np.cumsum(signed) - 1
    chosen = np.flatnonzero(index.part_of(members) == number)
    return chosen, row[members[chosen] - index.passage_base[number]]


def _anchored(index: Index, members: I64Array, near: Pairs, counters: dict[str, int]) -> tuple[I64Array, I64Array]:
    """Pairs of members that share two anchors (or the only one that one of them has), or one that few share, and are not near.

    One anchor in many passages is a set phrase: of 65,000 pairs that it alone joined in 17 MB of newsletters and books, 47 shared 40
    equal tokens, and most of those were set phrases again.
    Anchors are grouped a slice at a time, so that memory is bounded.
    """
    owner_of = np.full(len(index.doc), -1, np.int64)
    owner_of[members] = np.arange(len(members))
    sources = []
    count = np.zeros(len(members), np.int64)
    for number, part in enumerate(index.parts):
        values, offsets = lists(read_table(part.notes / "match.arrow")["anchors"])
        owner = owner_of[index.passage_base[number] : index.passage_base[number + 1]]
        sources.append((values, np.diff(offsets), owner))
        count[owner[owner >= 0]] = np.diff(offsets)[owner >= 0]
    slices = max(1, -(-sum(len(values) for values, _, _ in sources) // _ANCHORS))
    found, few, hot = [np.empty(0, np.uint64)], [np.empty(0, np.uint64)], 0
    for chosen in range(slices):
        keys, owners = [np.empty(0, np.uint64)], [np.empty(0, np.int64)]
        for values, counts, owner in sources:
            who = np.repeat(owner, counts)
            here = who >= 0 if slices == 1 else (who >= 0) & (values % np.uint64(slices) == chosen)
            keys.append(values[here])
            owners.append(who[here])
        pairs, rare, more = _sharing(np.concatenate(keys), np.concatenate(owners))
        found.append(pairs)
        few.append(rare)
        hot += more
    encoded, shared = unique_counts(np.concatenate(found))
    both = Pairs.of(encoded, np.empty(0, np.int32))
    encoded = unique(np.concatenate([encoded[shared >= np.minimum(2, np.minimum(count[both.left], count[both.right]))], *few]))
    standing = near.encoded
    if len(standing):
        encoded = encoded[standing[np.minimum(np.searchsorted(standing, encoded), len(standing) - 1)] != encoded]
    counters.update(anchor_candidates=len(encoded), hot_anchors=hot)
    both = Pairs.of(encoded, np.empty(0, np.int32))
    return both.left, both.right


def _sharing(keys: U64Array, owners: I64Array) -> tuple[U64Array, U64Array, int]:
    """Pairs of owners that share a key, once for each; those of them that share a rare one; and the number of keys over the cap."""
    chosen = buckets.repeated(keys)
    keys, owners = buckets.group(keys[chosen], owners[chosen])
    again = np.zeros(len(keys), np.bool_)  # an owner may have a key twice
    again[1:] = (keys[1:] == keys[:-1]) & (owners[1:] == owners[:-1])
    keys, owners = keys[~again], owners[~again]
    first = np.flatnonzero(np.diff(keys, prepend=keys[:1] + np.uint64(1)))
    places = np.diff(np.append(first, len(keys)))
    rare = np.repeat(places <= _RARE, places)
    pairs, hot = _pairs(keys, owners)
    return pairs, _pairs(keys[rare], owners[rare])[0], hot


def _pairs(keys: U64Array, owners: I64Array) -> tuple[U64Array, int]:
    """Pairs of owners of one key, and the number of keys over the cap."""
    capacity = max(1024, 4 * len(keys))
    while True:
        pairs = np.empty(capacity, np.uint64)
        count, hot = buckets.shared_pairs(keys, owners, _ANCHOR_CAP, pairs)
        if count <= capacity:
            return pairs[:count], hot
        capacity = count


def _contained(
    shingles: Sets, anchored: tuple[I64Array, I64Array], settings: Matching, counters: dict[str, int]
) -> tuple[Pairs, tuple[I64Array, I64Array]]:
    """Verified pairs in which one member lies inside the other, though their similarity is below the report threshold; and the pairs that
    have enough in common to share a block."""
    left, right = anchored
    smaller = np.minimum(shingles.sized(left), shingles.sized(right))
    floor = np.ceil(settings.containment_threshold * smaller - 1e-9).astype(np.int32)
    # A block's equal runs are of five tokens and more (`align.SEED_TOKENS`), and a run of n tokens has n - 2 shingles.
    block = np.int32(settings.min_block_tokens // 2)
    common = shingles.common(left, right, np.minimum(floor, block))
    good, sharing = common >= np.maximum(floor, 1), common >= block
    counters.update(contained_pairs=int(good.sum()))
    return Pairs(left[good], right[good], common[good]), (left[sharing], right[sharing])


def _partial(index: Index, members: I64Array, sizes: I32Array, near: Pairs, settings: Matching) -> tuple[I64Array, I64Array]:
    """Near pairs that share a part rather than the whole, among the most similar of either side: too unlike to be removed, or one side
    clearly longer. Not those that differ in numbers and links only."""
    left, right, common = near.left, near.right, near.common
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
    index: Index, members: I64Array, classes: Classes, shingles: Sets, found: Pairs, settings: Matching, threads: int
) -> pa.Table:
    """Rows of `pairs.arrow`: two classes, exact similarity and containments, kind, estimate, which side is within the other, which
    way a removal may go, and which way one may if the documents are editions of one."""
    left, right, common = found.left, found.right, found.common.astype(np.float64)
    a, b = shingles.sizes[left], shingles.sizes[right]
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
    slots = Sets(index.texts, members, slot_sets, threads, shingles.memory, "slots")
    slots_a, slots_b = slots.sized(left), slots.sized(right)
    shared = slots.common(left, right, np.zeros(len(left), np.int32))
    # Alike is not enough: what goes must say nothing that its twin does not.
    b_for_a, a_for_b = able & (shared == slots_b), able & (shared == slots_a)
    b_edits_a, a_edits_b = _lose_nothing(index, gid_b, gid_a, b_for_a), _lose_nothing(index, gid_a, gid_b, a_for_b)
    # A passage that stands whole inside another, with all that a copy must not lose, may go although the two are not alike.
    small, large = np.where(a < b, gid_a, gid_b), np.where(a < b, gid_b, gid_a)
    asked = np.flatnonzero(
        ~able
        & (kind != SLOT_KIND)
        & (common == np.minimum(a, b))
        & (shared == np.where(a < b, slots_a, slots_b))
        & (tokens[small] >= settings.min_contained_tokens)
    )
    within = np.zeros(len(left), np.uint8)
    proved = asked[whole_inside(index, small[asked], large[asked], settings)]
    proved = proved[lost(index, small[proved], large[proved]) == NOTHING]
    within[proved] = np.where(a < b, A_IN_B, B_IN_A)[proved]
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
            "b_for_a": pa.array(b_for_a | (within == B_IN_A)),
            "a_for_b": pa.array(a_for_b | (within == A_IN_B)),
            "b_edits_a": pa.array(b_edits_a),
            "a_edits_b": pa.array(a_edits_b),
        }
    )


def _lose_nothing(index: Index, goes: I64Array, stays: I64Array, accepted: BoolArray) -> BoolArray:
    """Take back from `accepted` the pairs in which what goes says more; which of these only reword, (n,) bool."""
    asked = np.flatnonzero(accepted)
    said = lost(index, goes[asked], stays[asked])
    accepted[asked] = said == NOTHING
    rewords = np.zeros(len(accepted), np.bool_)
    rewords[asked] = said == REWORDED
    return rewords


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
