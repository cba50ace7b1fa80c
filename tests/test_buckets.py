"""Each kernel of the search does what its slow twin does, and the bounds that spare it work lose nothing."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

import naive_buckets as naive
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tasks.kernels import buckets as kernel
from tasks.near import band_pairs, least_common
from tasks.settings import Matching

U64 = st.integers(0, 2**64 - 1)


def scattered(values: set[int]) -> set[int]:
    """Small numbers as digests: far apart, top bits and all."""
    return {(x + 1) * 0x9E3779B97F4A7C15 % 2**64 for x in values}


def columns(sets: list[set[int]]) -> tuple[Any, Any]:
    """Sorted values and offsets."""
    return np.array([x for row in sets for x in sorted(row)], np.uint64), np.cumsum([0, *map(len, sets)]).astype(np.int64)


def decoded(pairs: Any) -> list[tuple[int, int]]:
    return [(int(pair) >> 32, int(pair) & 0xFFFFFFFF) for pair in pairs]


# ---- classes -------------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=200)
@given(st.lists(st.one_of(st.integers(0, 6), U64), max_size=60), st.randoms(use_true_random=False))
@example([], None)
@example([0, 0], None)
def test_classes_are_numbered_as_they_appear_in_the_order(fold: list[int], random: Any) -> None:
    order = list(range(len(fold)))
    if random:
        random.shuffle(order)
    mine = kernel.classes(np.array(fold, np.uint64), np.array(order, np.int64))
    assert tuple(column.tolist() for column in mine) == naive.classes(fold, order)
    assert [column.dtype for column in mine] == [np.int32, np.int64, np.int64]


def test_many_classes_and_one_large_one_are_told_apart() -> None:
    rng = np.random.default_rng(1)
    fold = np.concatenate([rng.integers(1, 2**64, 30_000, np.uint64), np.full(40_000, 7, np.uint64), np.zeros(10, np.uint64)])
    fold = rng.permutation(np.concatenate([fold, fold[:5000]]))
    order = rng.permutation(len(fold))
    of, first, size = kernel.classes(fold, order)
    assert (of.tolist(), first.tolist(), size.tolist()) == naive.classes(fold.tolist(), order.tolist())


# ---- keys that come again, and their order -------------------------------------------------------------------------------


@settings(deadline=None, max_examples=200)
@given(st.lists(st.one_of(st.integers(0, 20), U64), max_size=80))
def test_every_key_that_comes_again_is_kept_in_its_place(keys: list[int]) -> None:
    kept = kernel.repeated(np.array(keys, np.uint64)).tolist()
    assert kept == sorted(set(kept))
    assert set(kept) >= {i for i, key in enumerate(keys) if keys.count(key) > 1}


@pytest.mark.parametrize("step", [0, 1, 1 << 20], ids=["random", "count", "shifted"])
def test_few_of_the_keys_that_come_once_are_kept(step: int) -> None:
    rng = np.random.default_rng(2)
    keys = np.arange(100_000, dtype=np.uint64) * np.uint64(step) if step else rng.integers(0, 2**64, 100_000, np.uint64)
    again = rng.choice(100_000, 3000, replace=False)
    keys[again[:1500]] = keys[again[1500:]]
    kept = kernel.repeated(keys)
    assert set(again.tolist()) <= set(kept.tolist())
    assert len(kept) < 3000 + 6000


def grouped(keys: list[int], owners: list[int]) -> list[tuple[int, int]]:
    values, who = kernel.group(np.array(keys, np.uint64), np.array(owners, np.int64))
    assert (values.dtype, who.dtype) == (np.uint64, np.int64)
    return list(zip(values.tolist(), who.tolist(), strict=True))


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(st.one_of(st.integers(0, 3), U64), st.integers(0, 2**31)), max_size=100))
def test_groups_are_sorted_by_key_and_then_by_owner(rows: list[tuple[int, int]]) -> None:
    assert grouped([k for k, _ in rows], [m for _, m in rows]) == sorted(rows)


def runs_of_many_kinds() -> dict[str, list[int]]:
    rng = np.random.default_rng(4)
    top = 0xABCDE << 44
    return {
        "random": rng.integers(0, 2**64, 20_000, np.uint64).tolist(),
        "all equal": [top] * 5000,
        "all zero": [0] * 300,
        "all ones": [2**64 - 1] * 300,
        "two hot keys of equal top bits": [top | int(low) for low in rng.integers(0, 2, 5000)],
        "many keys of equal top bits": [top | int(low) for low in rng.integers(0, 2**40, 3000)],
        "65 of one and others": [top] * 65 + rng.integers(0, 2**64, 1000, np.uint64).tolist(),
        "64 of one and others": [top] * 64 + rng.integers(0, 2**64, 1000, np.uint64).tolist(),
        "falling": list(range(2**64 - 1, 2**64 - 70_000_000, -10_000)),
    }


@pytest.mark.parametrize("owned", ["rising", "falling", "mixed", "one"])
@pytest.mark.parametrize("kind", runs_of_many_kinds())
def test_long_runs_are_sorted_too(kind: str, owned: str) -> None:
    keys = runs_of_many_kinds()[kind]
    n = len(keys)
    mixed = np.random.default_rng(5).permutation(n).tolist()
    owners = {"rising": list(range(n)), "falling": list(range(n))[::-1], "mixed": mixed, "one": [7] * n}[owned]
    assert grouped(keys, owners) == sorted(zip(keys, owners, strict=True))


# ---- bounds --------------------------------------------------------------------------------------------------------------

SETS = st.lists(st.sets(st.integers(0, 60), max_size=50), max_size=8).map(lambda sets: [scattered(s) for s in sets])


@settings(deadline=None, max_examples=100)
@given(st.lists(st.sets(U64, max_size=40), max_size=5))
def test_bitmaps_are_the_bits_of_the_values(sets: list[set[int]]) -> None:
    bits = kernel.bitmaps(*columns(sets))
    assert bits.shape == (len(sets), kernel.BITMAP)
    assert kernel.BITMAP * 64 == naive.BITS
    for row, values in zip(bits.tolist(), sets, strict=True):
        assert {64 * w + b for w, word in enumerate(row) for b in range(64) if word >> b & 1} == naive.bitmap(values)


def left_possible(a: set[int], b: set[int], threshold: float, repeats: int = 0) -> bool:
    """What the kernel says of two sets, whose lists have so many repeats."""
    sizes = np.array([len(a) + repeats, len(b) + repeats], np.int32)
    (possible,) = kernel.within(kernel.bitmaps(*columns([a, b])), sizes, np.array([0]), np.array([1]), threshold)
    return bool(possible)


@settings(deadline=None, max_examples=300)
@given(
    st.sets(U64, max_size=300),
    st.sets(U64, max_size=300),
    st.sets(U64, max_size=2000),
    st.integers(0, 50),
    st.sampled_from([0.5, 0.55, 0.7, 0.8, 1.0]),
)
def test_no_pair_as_similar_as_the_threshold_is_given_up(a: set[int], b: set[int], both: set[int], repeats: int, threshold: float) -> None:
    a, b = a | both, b | both
    assert left_possible(a, b, threshold) == naive.reachable(a, b, threshold)
    if jaccard(a, b) >= Fraction(str(threshold)):
        assert left_possible(a, b, threshold, repeats)


@settings(deadline=None, max_examples=300)
@given(st.integers(0, 400), st.integers(0, 400), st.sampled_from(["0.5", "0.55", "0.6", "0.7", "0.8", "0.95", "1.0", "0.333"]), st.data())
def test_the_least_that_sets_must_share_is_the_threshold_itself(a: int, b: int, threshold: str, data: st.DataObject) -> None:
    common = data.draw(st.integers(0, min(a, b)))
    floor = least_common(np.array([a, b], np.int32), np.array([0]), np.array([1]), float(threshold))
    assert floor.dtype == np.int32
    assert (common >= floor[0]) == (common >= Fraction(threshold) * (a + b - common))


# ---- candidates ----------------------------------------------------------------------------------------------------------


def candidates(
    keys: list[int], members: list[int], sets: list[set[int]], cap: int, threshold: float, leading: float, room: int = 5000
) -> Any:
    """Pairs and counters of the kernel."""
    values, offsets = columns(sets)
    grouped, owners = kernel.group(np.array(keys, np.uint64), np.array(members, np.int64))
    pairs = np.empty(room, np.uint64)
    sizes = np.diff(offsets).astype(np.int32)
    found, *more = kernel.bucket_pairs(grouped, owners, sizes, kernel.bitmaps(values, offsets), cap, threshold, leading, pairs)
    return found, decoded(pairs[:found]), more


def jaccard(a: set[int], b: set[int]) -> Fraction:
    return Fraction(len(a & b), len(a | b)) if a | b else Fraction(0)


KEYED = st.lists(st.tuples(st.integers(0, 3), st.sets(st.integers(0, 40), max_size=30)), max_size=25)
THRESHOLDS = st.sampled_from([(0.5, 0.7), (0.7, 0.7), (0.0, 0.0), (0.9, 0.5), (1.0, 1.0), (0.333, 0.8)])


@settings(deadline=None, max_examples=300)
@given(KEYED, st.integers(2, 30), THRESHOLDS)
def test_candidates_are_those_of_the_twin(rows: list[tuple[int, set[int]]], cap: int, thresholds: tuple[float, float]) -> None:
    keys, sets = [k for k, _ in rows], [scattered(s) for _, s in rows]
    members = list(range(len(rows)))
    found, pairs, counted = candidates(keys, members, sets, cap, *thresholds)
    twin = naive.bucket_pairs(naive.runs(keys, members), sets, cap, *thresholds)
    assert pairs == twin.pairs
    assert (found, counted) == (len(twin.pairs), [twin.compared, twin.hot, twin.hot_members])


@settings(deadline=None, max_examples=200)
@given(KEYED, st.sampled_from([0.5, 0.6, 0.7, 0.9]))
def test_no_pair_of_a_bucket_within_the_cap_is_lost(rows: list[tuple[int, set[int]]], threshold: float) -> None:
    keys, sets = [k for k, _ in rows], [scattered(s) for _, s in rows]
    _, pairs, (_, hot, hot_members) = candidates(keys, list(range(len(rows))), sets, max(2, len(rows)), threshold, threshold)
    every = {(x, y) for x, y in itertools.combinations(range(len(rows)), 2) if keys[x] == keys[y]}
    wanted = {(x, y) for x, y in every if jaccard(sets[x], sets[y]) >= Fraction(str(threshold))}
    assert wanted <= set(pairs) <= every
    assert len(pairs) == len(set(pairs))
    assert (hot, hot_members) == (0, 0)


def test_the_bound_is_exact_where_every_value_has_a_bit_of_its_own() -> None:
    def paired(small: int, large: int, threshold: float) -> bool:
        values = [i << 20 for i in range(large)]
        return left_possible(set(values[:small]), set(values), threshold)

    assert paired(5, 10, 0.5)  # 5 of 10 shingles are 0.5
    assert not paired(4, 10, 0.5)
    assert paired(11, 20, 0.55)
    assert not paired(10, 20, 0.55)
    assert paired(55, 100, 0.55)  # though .55 of 100 is a hair more than 55 in floating point
    assert not paired(54, 100, 0.55)


def hot_bucket(seed: int, families: int, each: int) -> list[set[int]]:
    """Sets of some families, alike inside and strangers to each other, mixed."""
    rng = np.random.default_rng(seed)
    cores = rng.integers(0, 2**64, (families, 60), np.uint64)
    sets = [set(cores[f].tolist()) - set(rng.choice(cores[f], 3).tolist()) for f in range(families) for _ in range(each)]
    return [sets[i] for i in rng.permutation(len(sets))]


@pytest.mark.parametrize(("families", "each", "cap"), [(1, 200, 8), (5, 40, 8), (8, 25, 8), (50, 4, 8), (200, 1, 64), (1, 9, 8)])
def test_a_bucket_over_the_cap_costs_no_more_than_the_cap_for_each_member(families: int, each: int, cap: int) -> None:
    sets = hot_bucket(6, families, each)
    n = len(sets)
    _, pairs, (compared, hot, hot_members) = candidates([9] * n, list(range(n)), sets, cap, 0.5, 0.7, room=n * cap)
    assert (hot, hot_members) == (1, n)
    assert len(pairs) <= compared <= cap * n
    leaders = {left for left, _ in pairs} | {0}
    assert len(leaders) <= cap
    if families <= cap:  # every member is linked with the first of its family: what is kept of them
        first = [next(x for x in range(n) if jaccard(sets[x], sets[y]) >= Fraction(7, 10)) for y in range(n)]
        assert {(first[y], y) for y in range(n) if first[y] != y} == set(pairs)


def test_candidates_are_counted_on_when_there_is_no_room_for_more_and_room_is_made() -> None:
    sets = hot_bucket(7, 1, 60)
    every = candidates([5] * 60, list(range(60)), sets, 64, 0.5, 0.7)
    for room in (0, 1, 1769, 1770):
        found, pairs, counted = candidates([5] * 60, list(range(60)), sets, 64, 0.5, 0.7, room)
        assert (found, counted) == (every[0], every[2])
        assert pairs == every[1][:room]
    values, offsets = columns(sets)
    outline = np.diff(offsets).astype(np.int32), kernel.bitmaps(values, offsets)
    grown, *more = band_pairs(np.full(60, 5, np.uint64), *outline, Matching(), 0.5)
    assert len(grown) == 60 * 59 // 2 > 1024  # more than there is room for at first
    assert decoded(grown) == every[1]
    assert more == every[2]


OWNED = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 30)), max_size=60)


@settings(deadline=None, max_examples=200)
@given(OWNED, st.integers(2, 8))
def test_owners_of_a_key_are_paired_and_of_a_common_one_linked(rows: list[tuple[int, int]], cap: int) -> None:
    keys, owners = kernel.group(np.array([k for k, _ in rows], np.uint64), np.array([m for _, m in rows], np.int64))
    expected, over = naive.shared_pairs([k for k, _ in rows], [m for _, m in rows], cap)
    for room in (5000, len(expected) // 2):
        pairs = np.empty(room, np.uint64)
        found, hot = kernel.shared_pairs(keys, owners, cap, pairs)
        assert (found, hot) == (len(expected), over)
        assert decoded(pairs[:found]) == expected[:room]
    assert all(left < right for left, right in expected)


# ---- intersections -------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=200)
@given(st.sets(st.integers(0, 80)), st.sets(st.integers(0, 80)), st.integers(0, 60))
def test_intersections_are_exact_or_known_to_be_too_small(a: set[int], b: set[int], floor: int) -> None:
    values, offsets = columns([scattered(a), scattered(b)])
    (common,) = kernel.intersections(values, offsets, np.array([0]), np.array([1]), np.array([floor], np.int32))
    assert common == len(a & b) or (common == -1 and len(a & b) < floor)


@settings(deadline=None, max_examples=100)
@given(SETS.filter(bool), st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7), st.integers(0, 40)), max_size=30))
def test_intersections_of_many_pairs_are_those_of_each(sets: list[set[int]], asked: list[tuple[int, int, int]]) -> None:
    pairs = [(a % len(sets), b % len(sets), floor) for a, b, floor in asked]
    left, right, floor = (np.array([pair[k] for pair in pairs], np.int64) for k in range(3))
    common = kernel.intersections(*columns(sets), left, right, floor.astype(np.int32))
    assert common.dtype == np.int32
    for (a, b, least), mine in zip(pairs, common.tolist(), strict=True):
        assert mine == len(sets[a] & sets[b]) or (mine == -1 and len(sets[a] & sets[b]) < least)
