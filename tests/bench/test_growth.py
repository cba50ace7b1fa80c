"""Growth is measured of what it says: the pairs are right, one thread finds what two find, and time goes to the stage that spends it."""

from __future__ import annotations

import time

import growth
import numpy as np
import pyarrow as pa
import pytest
from mixture import passages, write

from tasks.settings import Matching


def _batches(rows: list[str]) -> list[pa.Array]:
    return [pa.array(rows[at : at + 500], pa.string()) for at in range(0, len(rows), 500)]


def _shingles(text: str) -> set[str]:
    kept = "".join(text.split()).casefold()
    return {kept[i : i + 5] for i in range(len(kept) - 4)}


def test_search_finds_exactly_the_pairs_that_brute_force_finds():
    rows = passages(1500, 1)
    form, changed, threshold = growth.SHAPES["peers"]
    (left, right, similarity, _), counters = growth.search(_batches(rows), Matching(**changed), form, threshold, 1)
    found = {(a, b): s for a, b, s in zip(left.tolist(), right.tolist(), similarity.tolist(), strict=True)}
    sets = [_shingles(row) for row in rows]
    first: dict[frozenset[str], int] = {}
    kept = [i for i, one in enumerate(sets) if first.setdefault(frozenset(one), i) == i and len(one) >= Matching().min_shingles]
    truth = {
        (a, b): len(sets[a] & sets[b]) / len(sets[a] | sets[b]) for at, a in enumerate(kept) for b in kept[at + 1 :] if sets[a] & sets[b]
    }
    truth = {pair: share for pair, share in truth.items() if share >= threshold}
    assert set(found) <= set(truth)
    assert len(found) >= 0.99 * len(truth)
    assert counters["pairs"] == len(found) > 50
    assert all(found[pair] == pytest.approx(truth[pair], abs=1e-6) for pair in found)


@pytest.mark.parametrize("shape", growth.SHAPES)
def test_two_threads_find_what_one_finds(shape):
    form, changed, threshold = growth.SHAPES[shape]
    batches, settings = _batches(passages(2000, 3)), Matching(**changed)
    one, two = (growth.search(batches, settings, form, threshold, threads) for threads in (1, 2))
    assert one[1] == two[1]
    assert all(np.array_equal(a, b) for a, b in zip(one[0], two[0], strict=True))
    keys = [growth.first_pass(batches, settings, form, threads) for threads in (1, 2)]
    assert all(np.array_equal(a, b) for a, b in zip(*keys, strict=True))


def test_a_stage_inside_another_counts_to_the_outer_one():
    clock = growth.Clock()
    with clock.stage("outer"):
        begin = time.thread_time()
        with clock.stage("inner"):
            while time.thread_time() - begin < 0.01:
                pass
    assert list(clock.seconds) == ["outer"]
    assert clock.seconds["outer"] >= 0.01


def test_a_fresh_process_measures_one_file(tmp_path):
    write(tmp_path / "x.parquet", passages(1000, 1))
    size = growth.Size(1, tmp_path / "x.parquet", 1000, 0.2)
    whole, alone = (growth.run(size, what, "peers") for what in ("search", "first pass"))
    assert whole.counters["pairs"] > 0
    assert whole.startup_cpu > 0
    assert alone.peak > 0
    lines = list(growth.growth_page([whole], [alone]))
    assert lines[2].startswith("| peers | 1,000 |")
    with pytest.raises(SystemExit):
        list(growth.threads_page([("search", whole, alone)]))  # not the same result
