"""The search finds in a column what brute force over plain sets finds, whatever the order, the batches and the threads."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import naive_matching as naive
import naive_sketch
import numpy as np
import pyarrow as pa
import pytest
from matching_world import HAN, edited, paragraph

from tasks import near as module
from tasks.near import Found, Pairs, Sets, in_order, near_duplicates, near_pairs
from tasks.settings import Matching
from tasks.shingles import shingle_sets
from tasks.sketch import Sketcher
from tasks.store.text import Texts

#: One value a band: a pair at .5 is missed once in 2^128. No bucket is over the cap.
CERTAIN = Matching(bands=128, rows=1, bucket_cap=10_000)


def passages(seed: int = 1, count: int = 60) -> list[str]:
    """Passages with copies of many degrees, in other scripts and with other numbers, short ones, empty ones, and repeats."""
    rng = np.random.default_rng(seed)
    rows = [paragraph(rng, int(rng.integers(20, 200))) for _ in range(count)]
    for i, row in enumerate(rows[:count]):
        rows += [edited(rng, row, share) for share in (0.01, 0.03, 0.06, 0.1, 0.15)[: i % 6]]
        if i % 4 == 0:
            rows.append(row.replace("。", "，").replace("门", "門").replace("书", "書"))
        if i % 7 == 0:
            rows.append(row + f"第{i}期，详见 https://example.org/{i} 。")
    tale = "the quiet harbour keeps its lamps lit for the boats that come home late in the autumn"
    rows += [tale, tale.upper(), tale.replace("quiet", "silent"), tale + " and winter", "", "好", "***", HAN[:20] * 30, HAN[:21] * 20]
    rows += rows[: count // 10]
    return [rows[i] for i in rng.permutation(len(rows))]


def search(rows: list[str], matching: Matching, threshold: float, batch: int = 10_000, **more: Any) -> Found:
    batches = [pa.array(rows[start : start + batch], pa.string()) for start in range(0, len(rows), batch)]
    return near_duplicates(iter(batches), matching, threshold, **more)


def whole(found: Found) -> tuple[Any, ...]:
    return (
        found.classes.tolist(),
        found.first.tolist(),
        list(zip(found.left.tolist(), found.right.tolist(), found.similarity.tolist(), strict=True)),
        found.counters,
    )


def brute(rows: list[str], keys: list[Any], sets: list[set[Any]], long: list[bool], threshold: float) -> tuple[list[int], list[Any]]:
    """Class of each row, and pairs of first rows with their similarity."""
    number: dict[Any, int] = {}
    classes = [number.setdefault(key, len(number)) if row else -1 for row, key in zip(rows, keys, strict=True)]
    first = [i for i, k in enumerate(classes) if k >= 0 and classes.index(k) == i and long[i]]
    pairs = []
    for x, y in itertools.combinations(first, 2):
        common = len(sets[x] & sets[y])
        similarity = Fraction(common, len(sets[x]) + len(sets[y]) - common)
        if similarity >= Fraction(str(threshold)):
            pairs.append((x, y, float(np.float32(float(similarity)))))
    return classes, pairs


@pytest.mark.parametrize("threshold", [0.5, 0.7])
def test_every_pair_that_brute_force_finds_is_found_and_no_other(threshold: float) -> None:
    rows = passages()
    twins = [naive_sketch.sketch(row, CERTAIN) for row in rows]
    long = [twin.long(CERTAIN) for twin in twins]
    classes, pairs = brute(rows, [twin.fold for twin in twins], [naive.shingles(row) for row in rows], long, threshold)
    found = search(rows, CERTAIN, threshold)
    assert found.classes.tolist() == classes
    assert found.first.tolist() == [classes.index(k) for k in range(max(classes) + 1)]
    assert (found.classes.dtype, found.left.dtype, found.similarity.dtype) == (np.int32, np.int64, np.float32)
    assert whole(found)[2] == pairs
    assert len(pairs) > 100
    counters = found.counters
    assert (counters["passages"], counters["classes"], counters["near_pairs"]) == (len(rows), len(found.first), len(pairs))
    assert counters["signed"] == sum(long[i] for i in found.first)
    assert counters["hotbuckets"] == counters["hot_members"] == 0
    assert len(pairs) <= counters["candidates"] <= counters["compared"]


@pytest.mark.parametrize("size", [5, 3])
def test_in_the_form_of_other_tools_it_is_plain_similarity_of_character_grams(size: int) -> None:
    matching = replace_settings(CERTAIN, han_shingle=size, letter_shingle=size)
    rows = [
        *passages(2, 40),
        "a < b, <p class='x'>" + HAN[:30],
        "A ＜ b,<P Class='x'>" + HAN[:30],
        "🎉" * 9 + HAN[:12],
        "🎉" * 9 + HAN[:13],
    ]
    chars = [naive_sketch.characters(row) for row in rows]
    sets = [naive_sketch.grams(row, size) for row in rows]
    long = [len(c) >= 12 and len(s) >= 8 for c, s in zip(chars, sets, strict=True)]
    classes, pairs = brute(rows, [tuple(c) for c in chars], sets, long, 0.5)
    found = search(rows, matching, 0.5, form="characters")
    assert found.classes.tolist() == classes
    assert whole(found)[2] == pairs
    assert len(pairs) > 40


def replace_settings(matching: Matching, **changes: Any) -> Matching:
    return Matching.model_validate(matching.model_dump() | changes)


@pytest.mark.parametrize("threshold", [0.5, 0.7])
def test_with_the_usual_settings_nearly_every_pair_is_found_and_each_is_exact(threshold: float) -> None:
    rows = passages(3)
    every = {pair[:2]: pair[2] for pair in whole(search(rows, CERTAIN, threshold))[2]}
    found = {pair[:2]: pair[2] for pair in whole(search(rows, Matching(), threshold))[2]}
    assert found.items() <= every.items()
    assert len(found) >= (0.93 if threshold < 0.7 else 0.99) * len(every)


# ---- what the result does not depend on ----------------------------------------------------------------------------------


def test_threads_and_batches_change_nothing() -> None:
    rows = passages(4)
    expected = whole(search(rows, Matching(), 0.5))
    assert expected[2]
    for threads, batch in [(1, 1), (2, 1), (3, 7), (1, 100), (2, 64), (3, 10_000)]:
        assert whole(search(rows, Matching(), 0.5, batch, threads=threads)) == expected


def test_what_is_worked_on_in_one_go_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = passages(4)
    expected = whole(search(rows, Matching(), 0.5))
    for name, value in [("_BATCH", 10), ("_ROWS", 3), ("_PAIRS", 5), ("_HELD", 500)]:
        monkeypatch.setattr(module, name, value)
        assert whole(search(rows, Matching(), 0.5, 50)) == expected
    assert whole(search(rows, Matching(), 0.5, 50, threads=3)) == expected


def test_another_order_of_the_rows_gives_the_same_pairs_in_that_order() -> None:
    rows = passages(5)
    order = np.random.default_rng(6).permutation(len(rows))

    def said(found: Found, names: Any) -> tuple[Any, Any]:
        classes = {k: frozenset(names[np.flatnonzero(found.classes == k)].tolist()) for k in range(len(found.first))}
        assert [min(np.flatnonzero(found.classes == k)) for k in classes] == found.first.tolist() == sorted(found.first.tolist())
        sides = zip(found.classes[found.left].tolist(), found.classes[found.right].tolist(), found.similarity.tolist(), strict=True)
        return set(classes.values()), {(frozenset((classes[a], classes[b])), similarity) for a, b, similarity in sides}

    one, other = search(rows, CERTAIN, 0.5), search([rows[i] for i in order], CERTAIN, 0.5)
    assert said(one, np.arange(len(rows))) == said(other, order)
    for found in (one, other):
        pairs = list(zip(found.left.tolist(), found.right.tolist(), strict=True))
        assert pairs == sorted(set(pairs))
        assert all(left < right for left, right in pairs)


@pytest.mark.parametrize("cap", [2, 5])
def test_buckets_over_the_cap_are_counted_and_what_they_give_is_exact(cap: int) -> None:
    rng = np.random.default_rng(8)
    source = paragraph(rng, 100)
    rows = [edited(rng, source, 0.03) for _ in range(80)]
    every = {pair[:2]: pair[2] for pair in whole(search(rows, CERTAIN, 0.5))[2]}
    found = search(rows, Matching(bucket_cap=cap), 0.5)
    mine = {pair[:2]: pair[2] for pair in whole(found)[2]}
    assert mine.items() < every.items()
    assert set(range(80)) == {row for pair in mine for row in pair}
    assert found.counters["hotbuckets"] > 0
    assert found.counters["compared"] <= 32 * cap * len(found.first)
    assert 0 < found.counters["hot_members"] <= 32 * len(found.first)


# ---- columns of every kind -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batches", [[[""]], [["", "***", "好"]], [[], []], [[None]], [[], [HAN[:30]], []]], ids=str)
def test_columns_of_next_to_nothing_have_no_pairs(batches: list[list[str | None]]) -> None:
    found = near_duplicates([pa.array(rows, pa.string()) for rows in batches], Matching(), 0.5)
    assert len(found.left) == len(found.right) == len(found.similarity) == 0
    assert len(found.classes) == sum(map(len, batches))
    assert [k >= 0 for k in found.classes.tolist()] == [bool(row) for rows in batches for row in rows]


def test_no_batch_at_all_has_no_pairs() -> None:
    found = near_duplicates([], Matching(), 0.5)
    assert len(found.classes) == len(found.first) == len(found.left) == 0


@pytest.mark.parametrize(
    "column",
    [
        lambda rows: pa.array(rows, pa.large_string()),
        lambda rows: pa.array(["x", *rows, HAN], pa.string()).slice(1, len(rows)),
        lambda rows: pa.array([row or None for row in rows], pa.string()),
    ],
    ids=["large", "slice", "nulls"],
)
def test_any_column_of_strings_will_do(column: Any) -> None:
    rows = passages(9, 20)
    whole_column, half = column(rows), len(rows) // 2
    found = near_duplicates([whole_column.slice(0, half), whole_column.slice(half)], Matching(), 0.5)
    assert whole(found) == whole(search(rows, Matching(), 0.5))
    assert len(found.left) > 0


def test_equal_passages_are_one_class_and_no_pair() -> None:
    rows = [HAN[:40], HAN[:40] + "！"] * 20_000
    found = search(rows, Matching(), 0.5, 4096, threads=2)
    assert found.first.tolist() == [0]
    assert not found.classes.any()
    assert found.counters["candidates"] == len(found.left) == 0


# ---- sets ----------------------------------------------------------------------------------------------------------------


class Shelf:
    """Texts by number, which notes what it is asked for."""

    def __init__(self, rows: list[str]) -> None:
        self.rows, self.asked, self._lock = rows, [], threading.Lock()  # type: ignore[var-annotated]

    def __call__(self, numbers: Any) -> Texts:
        assert numbers.tolist() == sorted(set(numbers.tolist()))
        with self._lock:
            self.asked.append(len(numbers))
        return Texts.of([self.rows[i] for i in numbers])


@pytest.fixture
def shelf() -> Shelf:
    return Shelf(passages(10, 30))


def of(shelf: Shelf, threads: int = 1) -> tuple[Sets, Any]:
    """Sets of members that stand in another order than their texts."""
    number = np.random.default_rng(11).permutation(len(shelf.rows))
    return Sets(shelf, number, lambda texts: shingle_sets(texts, Matching()), threads), number


@pytest.mark.parametrize("threads", [1, 3])
def test_sets_know_their_sizes(shelf: Shelf, threads: int) -> None:
    sets, number = of(shelf, threads)
    twins = [naive.shingles(shelf.rows[i]) for i in number]
    members = np.random.default_rng(12).choice(len(twins), 25, replace=False)
    assert sets.sized(members).tolist() == [len(twins[m]) for m in members]
    assert np.flatnonzero(sets.sizes >= 0).tolist() == sorted(members)
    left = np.random.default_rng(13).integers(0, len(twins), 400)
    assert sets.sized(left).tolist() == [len(twins[m]) for m in left]
    shelf.asked.clear()
    assert sets.sized(left).tolist() == [len(twins[m]) for m in left]
    assert sum(shelf.asked) == 0


@pytest.mark.parametrize("threads", [1, 3])
def test_what_sets_have_in_common_is_exact_however_few_are_held(shelf: Shelf, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    sets, number = of(shelf, threads)
    twins = [naive.shingles(shelf.rows[i]) for i in number]
    left, right = (np.random.default_rng(seed).integers(0, len(twins), 400) for seed in (13, 14))
    sizes = np.maximum(sets.sized(left), sets.sized(right))
    floor = np.random.default_rng(15).integers(0, 60, 400).astype(np.int32)
    truth = [len(twins[a] & twins[b]) for a, b in zip(left, right, strict=True)]
    shelf.asked.clear()
    common = sets.common(left, right, floor)
    assert len(shelf.asked) == 1
    assert all(mine == real or (mine == -1 and real < least) for mine, real, least in zip(common, truth, floor, strict=True))
    for held in (1, 200, 3000):
        monkeypatch.setattr(module, "_HELD", held)
        shelf.asked.clear()
        assert sets.common(left, right, np.zeros(400, np.int32)).tolist() == truth
        assert len(shelf.asked) > 2
        assert max(shelf.asked) <= max(2, held / sizes.mean())  # so many sets are about so many digests
        assert sets.common(left, right, floor).tolist() == common.tolist()


@pytest.mark.parametrize("threads", [1, 3])
def test_verified_pairs_are_exact_however_few_are_held(shelf: Shelf, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    _, number = of(shelf)
    twins = [naive.shingles(shelf.rows[i]) for i in number]
    counts = np.array([len(twin) + 3 for twin in twins], np.int32)
    left, right = (np.random.default_rng(seed).integers(0, len(twins), 400) for seed in (13, 14))
    truth = [len(twins[a] & twins[b]) for a, b in zip(left, right, strict=True)]
    enough = [common >= Fraction(1, 2) * len(twins[a] | twins[b]) for a, b, common in zip(left, right, truth, strict=True)]
    assert any(enough)
    for held in (1 << 23, 3000, 1):
        monkeypatch.setattr(module, "_HELD", held)
        shelf.asked.clear()
        sets, _ = of(shelf, threads)
        common = sets.verified(left, right, counts, 0.5)
        assert all(mine == real or (mine == -1 and not good) for mine, real, good in zip(common, truth, enough, strict=True))
        assert {m: sets.sizes[m] for m in left.tolist()} == {m: len(twins[m]) for m in left.tolist()}
        assert held > 3000 or max(shelf.asked) <= max(2, 2 * held / counts.mean())


def test_nothing_asked_is_nothing_read(shelf: Shelf) -> None:
    sets, _ = of(shelf)
    nobody = np.empty(0, np.int64)
    assert len(sets.common(nobody, nobody, np.empty(0, np.int32))) == 0
    assert len(sets.verified(nobody, nobody, np.empty(0, np.int32), 0.5)) == 0
    assert len(sets.sized(nobody)) == 0
    assert sum(shelf.asked) == 0


def test_texts_are_read_only_of_members_that_may_have_a_pair() -> None:
    rng = np.random.default_rng(16)
    shelf = Shelf([paragraph(rng, 60) for _ in range(300)])
    shelf.rows[250] = edited(rng, shelf.rows[7], 0.02)
    sketch = Sketcher(Matching()).sketch(Texts.of(shelf.rows), np.ones(300, np.bool_))
    sets = Sets(shelf, np.arange(300), lambda texts: shingle_sets(texts, Matching()))
    counters: dict[str, int] = {}
    pairs = near_pairs(lambda band: sketch.bands[band], (sketch.counts, sketch.bits), sets, Matching(), 0.7, counters)
    assert list(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True)) == [(7, 250)]
    assert pairs.common.tolist() == [len(naive.shingles(shelf.rows[7]) & naive.shingles(shelf.rows[250]))]
    assert np.flatnonzero(sets.sizes >= 0).tolist() == [7, 250]
    assert shelf.asked == [2]


def test_pairs_are_words_of_two_numbers_and_back() -> None:
    encoded = np.array([(1 << 32) | 2, (5 << 32) | 2**31], np.uint64)
    pairs = Pairs.of(encoded, np.array([3, 4], np.int32))
    assert (pairs.left.tolist(), pairs.right.tolist()) == ([1, 5], [2, 2**31])
    assert pairs.encoded.tolist() == encoded.tolist()
    both = Pairs.joined(pairs, replace(pairs, common=pairs.common + 1))
    assert both.encoded.tolist() == encoded.tolist() * 2
    assert both.common.tolist() == [3, 4, 4, 5]


# ---- threads -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [0, 1, 2, 5])
def test_results_come_in_order_and_little_is_taken_ahead(threads: int) -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        for i in range(40):
            taken += 1
            yield i

    for n, result in enumerate(in_order(lambda x: x * x, items(), threads)):
        assert result == n * n
        assert taken <= n + 1 + 2 * threads
    assert taken == 40


@pytest.mark.parametrize("threads", [1, 3])
def test_an_error_in_one_piece_of_work_is_raised(threads: int) -> None:
    def work(x: int) -> int:
        if x == 3:
            raise ValueError("three")
        return x

    with pytest.raises(ValueError, match="three"):
        list(in_order(work, range(10), threads))
