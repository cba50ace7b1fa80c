"""The search for near duplicates: bands -> buckets -> candidates -> verified pairs, in memory that the number of bands does not set.

Members are passages of different fold, in the global order, each with a signature. One band at a time is grouped into buckets
(Leskovec, Rajaraman, Ullman, ch. 3); candidates first meet an exact bound by bitmaps, then the exact Jaccard similarity of their
shingle sets. Shingle sets are made from the text of those members only that share a bucket with another.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from typing import TypeVar

import numpy as np
import pyarrow as pa

from tasks.kernels import buckets as kernel
from tasks.memory import Memory
from tasks.settings import Matching
from tasks.shingles import shingle_sets
from tasks.sketch import CharacterSketcher, Sketch, Sketcher
from tasks.store.text import F32Array, I32Array, I64Array, Texts, U8Array, U64Array, utf8_of
from tasks.store.unique import unique

#: Makes digests of texts, and offsets.
Maker = Callable[[Texts], tuple[U64Array, I64Array]]
A = TypeVar("A")
T = TypeVar("T")

#: Candidate pairs held before they are made unique: 8 bytes each.
_BATCH = 1 << 20
#: Rows whose shingle sets are made in one go.
_ROWS = 4096
#: Pairs that are compared in one go.
_PAIRS = 1 << 15
#: Shingles of sets that are held at a time, 8 bytes each: what verification takes of memory.
_HELD = 1 << 22


@dataclass(frozen=True)
class Pairs:
    """Verified pairs of members. left < right : (m,) int64, sorted; common : (m,) int32, shingles that both have."""

    left: I64Array
    right: I64Array
    common: I32Array

    @staticmethod
    def of(encoded: U64Array, common: I32Array) -> Pairs:
        """encoded : (m,) uint64, left << 32 | right."""
        return Pairs((encoded >> np.uint64(32)).astype(np.int64), (encoded & np.uint64(0xFFFFFFFF)).astype(np.int64), common)

    @staticmethod
    def joined(a: Pairs, b: Pairs) -> Pairs:
        """The pairs of both, one after the other."""
        return Pairs(*(np.concatenate([getattr(a, name), getattr(b, name)]) for name in ("left", "right", "common")))

    @property
    def encoded(self) -> U64Array:
        """(m,) uint64, left << 32 | right."""
        return (self.left.astype(np.uint64) << np.uint64(32)) | self.right.astype(np.uint64)


class Sets:
    """Sets of digests of members (shingles, slots), made from their text when they are asked for.

    texts  : gives the texts of passages, named by ascending numbers; number : (members,) int64, number of each member.
    make   : gives the sorted distinct digests of texts, and offsets.
    memory : of the last run, under `name`: what is known of numbers that stand unchanged is not computed again.
    sizes  : (members,) int32, size of each set; -1 where nobody asked yet (see `sized`).
    """

    def __init__(
        self,
        texts: Callable[[I64Array], Texts],
        number: I64Array,
        make: Maker,
        threads: int = 1,
        memory: Memory | None = None,
        name: str = "shingles",
    ) -> None:
        self._texts, self._number, self._make, self._threads = texts, number, make, threads
        self.memory, self._name = memory or Memory(), name
        self.sizes = np.full(len(number), -1, np.int32)

    def all(self, count: int) -> tuple[I64Array, tuple[U64Array, I64Array]]:
        """The sets of members 0..count-1 at once: the members in the order in which their sets stand, and sets and offsets."""
        order = np.argsort(self._number[:count], kind="stable")
        values, offsets = _joined(self._map(self._made, self._number[order], _ROWS))
        self.sizes[order] = np.diff(offsets)
        return order, (values, offsets)

    def sized(self, members: I64Array) -> I32Array:
        """Size of each member's set, int32."""
        unknown = np.unique(members[self.sizes[members] < 0])
        numbers = self._number[unknown]
        self.sizes[unknown] = self.memory.through(f"{self._name}.sizes", numbers, numbers, lambda rest: self._sized(unknown[rest]))
        return self.sizes[members]

    def _sized(self, unknown: I64Array) -> I32Array:
        def one(chosen: I64Array) -> None:
            self.sizes[chosen] = np.diff(self._made(self._number[chosen])[1])

        for _ in self._map(one, unknown[np.argsort(self._number[unknown], kind="stable")], _ROWS):
            pass
        return self.sizes[unknown]

    def verified(self, left: I64Array, right: I64Array, counts: I32Array, threshold: float) -> I32Array:
        """(m,) int32, what the sets of pairs of members have in common; -1 for some of those that do not reach the threshold.

        counts : (members,) int32, never fewer than a set has. The exact sizes are noted in `sizes`.
        """
        out = self.memory.through(
            f"{self._name}.verified",
            self._number[left],
            self._number[right],
            lambda rest: self._verified(left[rest], right[rest], counts, threshold),
        )
        members = np.unique(np.concatenate([left, right]))
        numbers = self._number[members]
        sizes = self.sized(members) if (self.sizes[members] < 0).any() else self.sizes[members]
        self.memory.keep(f"{self._name}.sizes", numbers, numbers, sizes)
        return out

    def _verified(self, left: I64Array, right: I64Array, counts: I32Array, threshold: float) -> I32Array:
        out = np.empty(len(left), np.int32)
        for chosen in _cuts(left, right, counts):
            sides = left[chosen], right[chosen]
            members = np.unique(np.concatenate(sides))
            members = members[np.argsort(self._number[members], kind="stable")]
            values, offsets = _joined(self._map(self._made, self._number[members], _ROWS))
            self.sizes[members] = np.diff(offsets)
            place = np.empty(len(self._number), np.int64)
            place[members] = np.arange(len(members))
            floor = least_common(self.sizes, *sides, threshold)
            out[chosen] = self._intersections(values, offsets, place[sides[0]], place[sides[1]], floor)
        return out

    def common(self, left: I64Array, right: I64Array, floor: I32Array) -> I32Array:
        """(m,) int32, what the sets of pairs of members have in common; -1 for some of those that have less than `floor`.

        Pairs are cut so that no more than about _HELD digests stand at a time. The floor must follow from the sizes: it is not remembered.
        """
        return self.memory.through(
            f"{self._name}.common",
            self._number[left],
            self._number[right],
            lambda rest: self._common(left[rest], right[rest], floor[rest]),
        )

    def _common(self, left: I64Array, right: I64Array, floor: I32Array) -> I32Array:
        size = int(np.maximum(self.sizes[left], self.sizes[right]).mean()) + 1 if len(left) else 1
        out = np.empty(len(left), np.int32)
        both = max(1, _HELD // (2 * size))
        whole = len(left) <= both or len(np.unique(np.concatenate([left, right]))) <= 2 * both
        step = max(1, len(left) if whole else both)
        for start in range(0, len(left), step):
            chosen = slice(start, start + step)
            numbers, place = np.unique(self._number[np.concatenate([left[chosen], right[chosen]])], return_inverse=True)
            values, offsets = _joined(self._map(self._made, numbers, _ROWS))
            half = len(place) // 2
            out[chosen] = self._intersections(values, offsets, place[:half], place[half:], floor[chosen])
        return out

    def _made(self, numbers: I64Array) -> tuple[U64Array, I64Array]:
        return self._make(self._texts(numbers))

    def _intersections(self, values: U64Array, offsets: I64Array, left: I64Array, right: I64Array, floor: I32Array) -> I32Array:
        def one(chosen: I64Array) -> I32Array:
            result: I32Array = kernel.intersections(values, offsets, left[chosen], right[chosen], floor[chosen])
            return result

        pieces = list(self._map(one, np.arange(len(left), dtype=np.int64), _PAIRS))
        return np.concatenate(pieces) if pieces else np.empty(0, np.int32)

    def _map(self, work: Callable[[I64Array], T], rows: I64Array, step: int) -> Iterable[T]:
        # No row is a piece too: so any search, and any rehearsal of one, loads all kernels.
        return in_order(work, [rows[start : start + step] for start in range(0, max(1, len(rows)), step)], self._threads)


def in_order(work: Callable[[A], T], items: Iterable[A], threads: int) -> Iterator[T]:
    """Results in the order of the items, at most two a thread ahead of who reads them; kernels let other threads run."""
    if threads <= 1:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(threads) as pool:
        ahead: deque[Future[T]] = deque()
        for item in items:
            ahead.append(pool.submit(work, item))
            if len(ahead) > 2 * threads:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


def _cuts(left: I64Array, right: I64Array, counts: I32Array) -> list[slice]:
    """Pairs that are compared while their sets are held: all, if they have no more than _HELD digests, or as many pairs as have so many."""
    members = np.zeros(len(counts), np.bool_)
    members[left] = members[right] = True
    if counts[members].sum(dtype=np.int64) <= _HELD:
        return [slice(0, len(left))]
    ends = np.cumsum(counts[left] + counts[right], dtype=np.int64)
    bounds = np.searchsorted(ends, np.arange(_HELD, ends[-1], _HELD)).tolist()
    return [slice(a, b) for a, b in pairwise([0, *bounds, len(left)]) if a < b]


def _joined(pieces: Iterable[tuple[U64Array, I64Array]]) -> tuple[U64Array, I64Array]:
    """Lists one after the other."""
    values, offsets, base = [np.empty(0, np.uint64)], [np.zeros(1, np.int64)], 0
    for v, o in pieces:
        values.append(v)
        offsets.append(o[1:] + base)
        base += len(v)
    return np.concatenate(values), np.concatenate(offsets)


def least_common(sizes: I32Array, left: I64Array, right: I64Array, threshold: float) -> I32Array:
    """(m,) int32, shingles that two sets of these sizes must share to be as similar as the threshold: t / (1 + t) of both together."""
    return np.ceil(threshold / (1 + threshold) * (sizes[left] + sizes[right]) - 1e-9).astype(np.int32)


def near_pairs(
    keys: Callable[[int], U64Array],
    outline: tuple[I32Array, U64Array],
    sets: Sets,
    settings: Matching,
    threshold: float,
    counters: dict[str, int],
    threads: int = 1,
) -> Pairs:
    """All pairs of members that share a bucket and whose exact similarity reaches the threshold.

    keys     : gives the (members,) keys of a band.
    outline  : (members,) int32, length of each list of shingles, and (members, BITMAP) uint64, its bitmap (see `kernels.buckets`).
    counters : gets candidates, hotbuckets and hot_members (buckets over the cap are compared with their leaders only), near_pairs.
    """
    counts, bits = outline

    def bucket_pairs(band: int) -> tuple[U64Array, int, int, int]:
        return band_pairs(keys(band), counts, bits, settings, threshold)

    pending, held, compared, hot, hot_members = [np.empty(0, np.uint64)], 0, 0, 0, 0
    for found, more_compared, more_hot, more_members in in_order(bucket_pairs, range(settings.bands), threads):
        pending.append(found)
        held, compared = held + len(found), compared + more_compared
        hot, hot_members = hot + more_hot, hot_members + more_members
        if held > _BATCH:
            pending = [unique(np.concatenate(pending))]
            held = 0
    met = Pairs.of(unique(np.concatenate(pending)), np.empty(0, np.int32))
    possible = kernel.within(bits, counts, met.left, met.right, threshold)
    left, right = met.left[possible], met.right[possible]
    common = sets.verified(left, right, counts, threshold)
    good = common >= np.maximum(least_common(sets.sizes, left, right, threshold), 1)
    counters.update(compared=compared, candidates=len(common), hotbuckets=hot, hot_members=hot_members, near_pairs=int(good.sum()))
    return Pairs(left[good], right[good], common[good])


def every_pair(count: int, sets: Sets, threshold: float, counters: dict[str, int], threads: int = 1) -> Pairs:
    """All pairs of members whose exact similarity reaches the threshold, by a join that misses none (see `tasks.join`).

    Holds the sets of all members at once: for small corpora. Raises StageError when there are too many pairs to hold.
    """
    from tasks.join import exact_pairs

    order, (values, offsets) = sets.all(count)
    a, b, common = exact_pairs(values, offsets, threshold, threads)
    left, right = np.minimum(order[a], order[b]), np.maximum(order[a], order[b])
    by_pair = np.lexsort((right, left))
    counters.update(near_pairs=len(common))
    return Pairs(left[by_pair], right[by_pair], common[by_pair])


def band_pairs(keys: U64Array, sizes: I32Array, bits: U64Array, settings: Matching, threshold: float) -> tuple[U64Array, int, int, int]:
    """Candidates of one band as left << 32 | right, distinct: pairs that share a bucket and that lengths and bitmaps leave possible.

    returns : pairs, how many were looked at, buckets over the cap, members in them.
    """
    chosen = kernel.repeated(keys)
    grouped, owners = kernel.group(keys[chosen], chosen)
    capacity = max(1024, 2 * len(grouped))
    while True:
        pairs = np.empty(capacity, np.uint64)
        found, compared, hot, hot_members = kernel.bucket_pairs(
            grouped, owners, sizes, bits, settings.bucket_cap, threshold, settings.remove_threshold, pairs
        )
        if found <= capacity:
            return pairs[:found], compared, hot, hot_members
        capacity = found


def _with_bitmaps_apart(sketches: Iterable[Sketch]) -> tuple[list[Sketch], U64Array]:
    """The sketches without their bitmaps, and those in one array, which grows in place: so that none stands twice."""
    bits, lean = np.empty((0, kernel.BITMAP), np.uint64), []
    for one in sketches:
        size = len(bits)
        bits.resize((size + len(one.bits), kernel.BITMAP), refcheck=False)
        bits[size:] = one.bits
        lean.append(replace(one, bits=bits[:0].copy()))
    return lean, bits


def _taken(values: U64Array, rows: I64Array) -> U64Array:
    """The rows of a matrix, ascending, moved to its front."""
    for start in range(0, len(rows), _ROWS):
        chosen = rows[start : start + _ROWS]
        values[start : start + len(chosen)] = values[chosen]
    return values[: len(rows)]


@dataclass(frozen=True)
class Found:
    """Near duplicates in a column of n passages.

    classes     : (n,) int32, passages of equal fold share one; -1 for a passage without a fold.
    first       : (k,) int64, first passage of each class.
    left, right : (m,) int64, verified pairs of first passages, left < right, sorted.
    similarity  : (m,) float32, exact Jaccard.
    counters    : how many were signed, candidates, buckets over the cap...
    """

    classes: I32Array
    first: I64Array
    left: I64Array
    right: I64Array
    similarity: F32Array
    counters: dict[str, int]


def sketcher_of(settings: Matching, form: str) -> Callable[[pa.Array], Sketch]:
    """What sketches all rows of a column in this form."""
    if form == "characters":
        return CharacterSketcher(settings).sketch_strings
    sketcher = Sketcher(settings, anchors=False, signatures=False)

    def sketch(batch: pa.Array) -> Sketch:
        texts = Texts.from_arrow(batch)
        return sketcher.sketch(texts, np.ones(len(texts), np.bool_))

    return sketch


def near_duplicates(batches: Iterable[pa.Array], settings: Matching, threshold: float, *, form: str = "fold", threads: int = 1) -> Found:
    """Near duplicates among the passages of a column, given in batches of some thousand rows, without stage files.

    form : `fold`, or `characters` for comparison with tools that fold nothing (see `shingles.tables_of`).
    >>> rows = pa.array(["淘金的人在河边一遍一遍地洗着沙子", "淘金的人在河邊，一遍一遍地洗著沙子。", "他们说这是另外一件毫不相干的事情"])
    >>> near_duplicates([rows], Matching(), 0.7).classes.tolist()
    [0, 0, 1]
    """
    columns: list[tuple[U8Array, I64Array]] = []
    sketchers = [sketcher_of(settings, form) for _ in range(threads)]

    def first_pass(batch: pa.Array) -> Sketch:
        sketcher = sketchers.pop()
        one = sketcher(batch)
        sketchers.append(sketcher)
        return one

    def kept() -> Iterable[pa.Array]:
        for batch in batches:
            columns.append(utf8_of(batch))
            yield batch

    sketches, bits = _with_bitmaps_apart(chain([first_pass(pa.nulls(0, pa.string()))], in_order(first_pass, kept(), threads)))
    fold, long, counts = (np.concatenate([getattr(one, name) for one in sketches]) for name in ("fold", "long", "counts"))
    classes, first, _ = kernel.classes(fold, np.arange(len(fold), dtype=np.int64))
    member = first[long[first]]
    row = (np.cumsum(long) - 1)[member]  # a member's place among the signed
    bands = [one.bands for one in sketches]
    base = np.cumsum([0, *(len(offsets) - 1 for _, offsets in columns)])

    def texts_of(wanted: I64Array) -> Texts:
        part = np.searchsorted(base, wanted, side="right") - 1
        bounds = np.unique([0, *(np.flatnonzero(np.diff(part)) + 1), len(wanted)]).tolist()
        pieces = [Texts.picked(*columns[int(part[a])], wanted[a:b] - base[part[a]]) for a, b in pairwise(bounds)]
        return Texts.joined(pieces or [Texts.picked(np.empty(0, np.uint8), np.zeros(1, np.int64), wanted)])

    counters = {"passages": len(fold), "classes": len(first), "signed": len(member)}

    def keys(band: int) -> U64Array:
        return np.concatenate([of[band] for of in bands])[row]

    sets = Sets(texts_of, member, lambda texts: shingle_sets(texts, settings, form), threads)
    pairs = near_pairs(keys, (counts[row], _taken(bits, row)), sets, settings, threshold, counters, threads)
    union = sets.sizes[pairs.left] + sets.sizes[pairs.right] - pairs.common
    return Found(classes, first, member[pairs.left], member[pairs.right], (pairs.common / union).astype(np.float32), counters)
