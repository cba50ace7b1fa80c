"""The exact join finds the pairs that comparing every set with every other one finds: no more, no fewer, for any threshold."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matching_world import edited, paragraph

from tasks import join
from tasks.errors import StageError
from tasks.join import exact_pairs
from tasks.kernels import join as kernel
from tasks.kernels import prefix
from tasks.near import near_duplicates
from tasks.settings import Matching
from tasks.shingles import shingle_sets
from tasks.store.text import Texts

Row = set[int]
Triple = tuple[int, int, int]


# --- The slow twin --------------------------------------------------------------------------------------------------------


def naive(rows: list[Row], threshold: str) -> list[Triple]:
    """Every set with every later one; the threshold is a decimal as it is written."""
    out = []
    for (a, left), (b, right) in combinations(enumerate(rows), 2):
        common = len(left & right)
        if common and Fraction(common, len(left | right)) >= Fraction(threshold):
            out.append((a, b, common))
    return out


def columns(rows: list[Row]) -> tuple[Any, Any]:
    offsets = np.cumsum([0, *map(len, rows)]).astype(np.int64)
    return np.array([x for row in rows for x in sorted(row)], np.uint64), offsets


def joined(rows: list[Row], threshold: str, threads: int = 1) -> list[Triple]:
    left, right, common = exact_pairs(*columns(rows), float(threshold), threads)
    assert (left.dtype, right.dtype, common.dtype) == (np.int64, np.int64, np.int32)
    return list(zip(left.tolist(), right.tolist(), common.tolist(), strict=True))


def spread(rows: list[Row]) -> list[Row]:
    """The sets with their values as digests are: anywhere in 64 bits."""
    return [{(x + 1) * 0x9E3779B97F4A7C15 % 2**64 for x in row} for row in rows]


def sets_like(rng: np.random.Generator, count: int, vocabulary: int, largest: int) -> list[Row]:
    """Sets with values as uneven as words are, half of them edited copies of others."""
    rows: list[Row] = []
    for k in range(count):
        row = {int(x) for x in (vocabulary * rng.random(int(rng.integers(1, largest))) ** 3)}
        if k % 2 and rows:
            row = set(rows[int(rng.integers(len(rows)))])
            for _ in range(int(rng.integers(0, 2 + len(row) // 4))):
                row ^= {int(vocabulary * rng.random() ** 3)}
        rows.append(row)
    return rows


# --- Equal to brute force -------------------------------------------------------------------------------------------------

_rows = st.lists(st.sets(st.integers(0, 24), max_size=14), max_size=24)
_thresholds = st.integers(30, 100).map(lambda percent: f"{percent / 100:.2f}")


@settings(deadline=None, max_examples=150)
@given(_rows, _thresholds)
def test_pairs_are_those_of_brute_force(rows: list[Row], threshold: str) -> None:
    assert joined(rows, threshold) == naive(rows, threshold)


@settings(deadline=None, max_examples=60)
@given(_rows, st.sampled_from(["0", "0.05", "0.123456789", "0.333333333", "0.5", "0.666666667"]))
def test_pairs_are_those_of_brute_force_at_low_and_odd_thresholds(rows: list[Row], threshold: str) -> None:
    assert joined(spread(rows), threshold) == naive(rows, threshold)


@pytest.mark.parametrize("threshold", ["0.3", "0.5", "0.7", "0.8", "0.95", "1"])
@pytest.mark.parametrize(("count", "vocabulary", "largest"), [(300, 120, 60), (250, 9000, 90), (150, 3000, 400)])
def test_pairs_of_many_sets_are_those_of_brute_force(count: int, vocabulary: int, largest: int, threshold: str) -> None:
    rows = spread(sets_like(np.random.default_rng(count), count, vocabulary, largest))
    found = joined(rows, threshold)
    assert found == naive(rows, threshold)
    assert found


@settings(deadline=None, max_examples=60)
@given(_rows, _thresholds, st.randoms(use_true_random=False))
def test_order_of_rows_changes_only_their_numbers(rows: list[Row], threshold: str, random: Any) -> None:
    order = list(range(len(rows)))
    random.shuffle(order)
    moved = joined([rows[k] for k in order], threshold)
    assert sorted((*sorted((order[a], order[b])), common) for a, b, common in moved) == joined(rows, threshold)


@pytest.mark.parametrize("threads", [2, 3, 8])
def test_threads_change_nothing(threads: int) -> None:
    rows = sets_like(np.random.default_rng(3), 600, 400, 50)
    assert joined(rows, "0.6", threads) == joined(rows, "0.6")


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = sets_like(np.random.default_rng(4), 300, 200, 40)
    found = joined(rows, "0.5")
    for blocks in (1, 2, 7, 1000):
        monkeypatch.setattr(join, "_BLOCKS", blocks)
        assert joined(rows, "0.5") == found


# --- At the threshold -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("percent", range(1, 101))
def test_a_pair_exactly_at_the_threshold_is_found_and_one_value_less_is_not(percent: int) -> None:
    # In binary 0.7 * 10 is under 7 on one way of computing it and 0.55 * 100 is over 55: no rounding may decide.
    for union in (100, 200, 300, 1100):
        common = percent * union // 100
        apart = union - common
        for only_left in {0, apart // 2, apart // 3}:
            row = set(range(common + only_left))
            other = set(range(common)) | set(range(5000, 5000 + apart - only_left))
            assert joined([row, other], str(percent / 100)) == [(0, 1, common)]
            assert joined([row, other - {0}], str(percent / 100)) == naive([row, other - {0}], str(percent / 100)) == []


@pytest.mark.parametrize("written", ["0.1", "0.3", "0.55", "0.6", "0.7", "0.8", "0.9"])
def test_a_threshold_that_arithmetic_left_a_little_off_is_the_decimal_it_stands_for(written: str) -> None:
    asked = Fraction(written)
    rows = [set(range(asked.denominator)), set(range(asked.numerator))]
    for value in (np.nextafter(float(written), 0), float(written), np.nextafter(float(written), 1)):
        assert exact_pairs(*columns(rows), float(value))[2].tolist() == [asked.numerator]


# --- Odd sets -------------------------------------------------------------------------------------------------------------


def test_no_sets_and_empty_sets_have_no_pairs() -> None:
    assert exact_pairs(np.empty(0, np.uint64), np.zeros(1, np.int64), 0.5)[0].tolist() == []
    assert exact_pairs(np.empty(0, np.uint64), np.empty(0, np.int64), 0.5)[0].tolist() == []
    assert joined([set()], "0.5") == []
    assert joined([set(), set(), {1}, set(), {1}], "0") == [(2, 4, 1)]


def test_singletons_pair_with_their_equals_only() -> None:
    assert joined([{7}, {0}, {7}, {2**64 - 1}, {0}, {7}], "0.3") == [(0, 2, 1), (0, 5, 1), (1, 4, 1), (2, 5, 1)]


def test_equal_sets_all_pair() -> None:
    rows = [set(range(50))] * 40
    assert joined(rows, "1") == [(a, b, 50) for a in range(40) for b in range(a + 1, 40)]


def test_one_giant_set_among_small_ones() -> None:
    small = sets_like(np.random.default_rng(9), 100, 300, 30)
    giant = set(range(0, 400_000, 2))
    rows = [*small[:50], giant, *small[50:], giant - set(range(0, 80_000, 2))]
    assert joined(rows, "0.8") == naive(rows, "0.8")
    assert (50, 101, 160_000) in joined(rows, "0.8")
    assert joined(rows, "0.81") == naive(rows, "0.81")


@pytest.mark.parametrize("threshold", [-0.1, 1.01, float("nan")])
def test_an_impossible_threshold_is_refused(threshold: float) -> None:
    with pytest.raises(ValueError, match="expected 0 to 1"):
        exact_pairs(*columns([{1}, {1}]), threshold)


def test_a_flood_of_pairs_stops_with_advice_before_it_fills_the_memory() -> None:
    values, offsets = columns([set(range(30))] * 200)
    assert len(exact_pairs(values, offsets, 0.8, most=19_900)[0]) == 19_900
    for threads in (1, 4):
        with pytest.raises(StageError, match=r'more than 19,899 pairs of 200 passages .* dedup\.method = "minhash"'):
            exact_pairs(values, offsets, 0.8, threads, most=19_899)


# --- Kernels --------------------------------------------------------------------------------------------------------------


def test_rarity_never_takes_a_value_of_many_sets_for_a_lone_one() -> None:
    values = np.concatenate([np.full(70_000, 5, np.uint64), np.array([6, 7, 7], np.uint64)])  # more than 16 bits count
    rare = prefix.rarity(values, 10, join._steps())
    slot = [value * 0x9E3779B97F4A7C15 % 2**64 >> 54 for value in (5, 6, 7)]
    assert len(set(slot)) == 3
    assert rare[slot].tolist() == [60, 0, 1]
    assert sorted(rare.tolist())[-3:] == [0, 1, 60]


def test_steps_of_rarity_rise_with_the_count() -> None:
    steps = join._steps().astype(int)
    assert steps[:5].tolist() == [0, 0, 1, 3, 5]
    assert (np.diff(steps) >= 0).all()
    assert steps.max() < prefix.STEPS


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sets(st.integers(0, 40), max_size=20), min_size=1, max_size=12))
def test_prefixes_are_the_rarest_values_of_each_set_in_one_order(rows: list[Row]) -> None:
    values, offsets = columns(rows)
    lengths = np.arange(22) // 2
    rare = prefix.rarity(values, 6, join._steps())
    order = np.argsort(np.diff(offsets), kind="stable")
    elements, bounds, lone = prefix.prefixes(values, offsets, order, lengths, rare, 6)
    for i, row in enumerate(order.tolist()):
        key = {x: (int(rare[x * 0x9E3779B97F4A7C15 % 2**64 >> 58]), x) for x in rows[row]}
        first = sorted(rows[row], key=key.__getitem__)[: len(rows[row]) // 2]
        assert elements[bounds[i] : bounds[i + 1]].tolist() == [x for x in first if key[x][0] > 0]
        assert lone[i] == sum(step == 0 for step, _ in key.values())
        assert all(sum(x in other for other in rows) == 1 for x in first if key[x][0] == 0)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(st.integers(0, 9), max_size=8, unique=True), max_size=12))
def test_numbers_follow_first_appearance_and_leave_out_what_comes_once(rows: list[list[int]]) -> None:
    flat = [x for row in rows for x in row]
    bounds = np.cumsum([0, *map(len, rows)]).astype(np.int64)
    lone = np.arange(len(rows), dtype=np.int32)
    number, place, starts, numbers = prefix.numbered(np.array(flat, np.uint64), bounds, lone)
    again = [x for x in dict.fromkeys(flat) if flat.count(x) > 1]
    assert numbers == len(again)
    for i, row in enumerate(rows):
        span = slice(starts[i], starts[i + 1])
        assert number[span].tolist() == [again.index(x) for x in row if x in again]
        assert place[span].tolist() == [i + k for k, x in enumerate(row) if x in again]


def test_numbers_of_more_values_than_the_table_begins_with() -> None:
    flat = np.random.default_rng(2).integers(0, 30_000, 60_000).astype(np.uint64)
    number, _, _, numbers = prefix.numbered(flat, np.array([0, len(flat)]), np.zeros(1, np.int32))
    count = dict.fromkeys(flat.tolist(), 0)
    for x in flat.tolist():
        count[x] += 1
    again = [x for x, times in count.items() if times > 1]
    at = {x: k for k, x in enumerate(again)}
    assert numbers == len(again)
    assert number.tolist() == [at[x] for x in flat.tolist() if x in at]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=40))
def test_arranged_sorts_pairs(pairs: list[tuple[int, int]]) -> None:
    left, right = (np.array([pair[side] for pair in pairs], np.int64) for side in (0, 1))
    arranged = kernel.arranged(left, right, np.arange(len(pairs), dtype=np.int32), 10)
    expected = sorted(range(len(pairs)), key=lambda k: (pairs[k], k))
    assert [side.tolist() for side in arranged] == [[pairs[k][0] for k in expected], [pairs[k][1] for k in expected], expected]


# --- Beside LSH -----------------------------------------------------------------------------------------------------------


def lsh_pairs(texts: list[str], threshold: float, matching: Matching) -> set[tuple[int, int]]:
    """Verified pairs by MinHash and LSH."""
    found = near_duplicates([pa.array(texts)], matching, threshold)
    return set(zip(found.left.tolist(), found.right.tolist(), strict=True))


def test_lsh_finds_what_the_exact_join_finds_at_the_remove_threshold() -> None:
    matching = Matching()
    rng = np.random.default_rng(11)
    originals = [paragraph(rng, int(rng.integers(60, 300))) for _ in range(300)]
    copies = [edited(rng, text, share) for text in originals for share in (0.01, 0.03, 0.06)]
    texts = list(dict.fromkeys(originals + copies))  # the engine pairs passages of different fold
    values, offsets = shingle_sets(Texts.of(texts), matching)
    left, right, _ = exact_pairs(values, offsets, matching.remove_threshold)
    exact = set(zip(left.tolist(), right.tolist(), strict=True))
    assert len(exact) > 900
    assert lsh_pairs(texts, matching.remove_threshold, matching) == exact
