"""The index behind lookup: datasketch answers from our tables as from its own, and a broken or stale index is made anew."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import whole
from datasketch import MinHash, MinHashLSH, MinHashLSHEnsemble
from datasketch.storage import UnorderedStorage
from hypothesis import given
from hypothesis import strategies as st

from tasks.lookup import lookup
from tasks.lookup_bands import CONTAINED, MOST_ROWS, SIMILAR, WEIGHTS, Indexes, Matrix, Table, ensemble, partitions, similar
from tasks.lookup_fold import row_digests
from tasks.lookup_index import open_index
from tasks.settings import Settings

SETTINGS = Settings()


def sketch(signature: Any) -> MinHash:
    return MinHash(seed=1, scheme="affine32", hashvalues=signature)


@pytest.fixture(scope="module")
def world() -> tuple[Any, Any]:
    """Signatures of few different values, so that bands meet often, and sizes."""
    rng = np.random.default_rng(11)
    signatures = rng.integers(0, 4, (400, 128)).astype(np.uint32)
    signatures[:50] = np.uint32(2**32 - 1) - signatures[:50]  # the largest values there are
    return np.unique(signatures, axis=0), np.sort(rng.integers(8, 300, 400)).astype(np.int32)


def test_similar_passages_are_those_that_datasketch_finds_in_its_own_tables(world: tuple[Any, Any]) -> None:
    signatures, sizes = world
    ours = similar(Matrix.of(signatures, sizes))
    theirs = MinHashLSH(num_perm=128, params=SIMILAR)
    for row, signature in enumerate(signatures):
        theirs.insert(row, sketch(signature))
    for signature in signatures[::7]:
        found = theirs.query(sketch(signature))
        assert sorted(ours.query(sketch(signature))) == sorted(found)
        assert len(found) > 1


def test_containing_passages_are_those_that_datasketch_finds_in_its_own_tables(world: tuple[Any, Any]) -> None:
    signatures, sizes = world
    theirs = MinHashLSHEnsemble(CONTAINED, num_perm=128, num_part=5, m=MOST_ROWS, weights=WEIGHTS)
    theirs.index((row, sketch(signature), int(size)) for row, (signature, size) in enumerate(zip(signatures, sizes, strict=True)))
    ours = ensemble(Matrix.of(signatures, sizes), list(zip(theirs.lowers, theirs.uppers, strict=True)))
    found = 0
    for signature, size in zip(signatures[::7], np.resize([8, 20, 60, 200, 600], 58), strict=True):
        expected = sorted(theirs.query(sketch(signature), int(size)))
        assert sorted(ours.query(sketch(signature), int(size))) == expected
        found += len(expected)
    assert found > 100


def test_partitions_cover_every_size_and_are_close_to_datasketchs(world: tuple[Any, Any]) -> None:
    _, sizes = world
    bounds = partitions(sizes, 5)
    assert len(bounds) == 5
    assert bounds[-1][1] >= sizes.max()
    assert all(low <= high for low, high in bounds)
    assert all(before[1] < after[0] for before, after in pairwise(bounds))
    assert partitions(np.array([9], np.int32)) == [(9, 9)]


def test_the_shapes_find_what_they_are_said_to_find() -> None:
    """The figures in tasks/lookup_bands.py, from datasketch's own choice of bands and rows."""
    bands, rows = SIMILAR
    assert 1 - (1 - 0.27**rows) ** bands > 0.99
    assert 1 - (1 - 0.27**4) ** 32 < 0.16
    tuned = MinHashLSHEnsemble(CONTAINED, num_perm=128, num_part=2, m=MOST_ROWS, weights=WEIGHTS)

    def recall(index: MinHashLSHEnsemble, ratio: float, share: float) -> float:
        bands, rows = (int(value) for value in index._get_optimal_param(ratio, 1))
        return float(1 - (1 - (share / (1 + ratio - share)) ** rows) ** bands)

    assert min(recall(tuned, ratio, 0.8) for ratio in np.arange(1, 20.1, 0.1)) > 0.993
    plain = MinHashLSHEnsemble(0.8, num_perm=128, num_part=2, m=MOST_ROWS)
    assert recall(plain, 5, 0.8) == pytest.approx(0.14, abs=0.005)


def test_a_table_is_a_datasketch_storage_that_cannot_be_written(world: tuple[Any, Any]) -> None:
    signatures, sizes = world
    similar(Matrix.of(signatures, sizes))  # registers it
    table = Table(Matrix.of(signatures, sizes), first=4, rows=2, low=100, high=300)
    expected: dict[bytes, list[int]] = {}
    for row in range(100, 300):
        expected.setdefault(signatures[row, 4:6].astype(">u4").tobytes(), []).append(row)
    assert {key: table[key] for key in table} == expected
    assert isinstance(table, UnorderedStorage)
    assert len(table) == table.size() == len(expected)
    assert all(table.has_key(key) and key in table for key in expected)
    assert table.itemcounts() == {key: len(rows) for key, rows in expected.items()}
    assert b"\x00\x00\x00\x09" * 2 not in table
    assert table.get(b"\x00\x00\x00\x09" * 2) == []
    for write in (lambda: table.insert(b"k", 1), lambda: table.remove(b"k"), lambda: table.remove_val(b"k", 1)):
        with pytest.raises(TypeError, match="read only"):
            write()


def test_candidates_leave_nothing_behind(world: tuple[Any, Any]) -> None:
    signatures, sizes = world
    indexes = Indexes.over(Matrix.of(signatures, sizes), partitions(sizes), seed=1)
    first = [indexes.candidates(signatures[row], int(sizes[row])).tolist() for row in range(40)]
    again = [indexes.candidates(signatures[row], int(sizes[row])).tolist() for row in reversed(range(40))]
    assert first == again[::-1]
    assert all(row in found for row, found in enumerate(first))
    assert not indexes.matrix._asked


@given(st.lists(st.lists(st.integers(0, 2**64 - 1), max_size=6), max_size=8))
def test_row_digests_are_the_polynomial_they_say(rows: list[list[int]]) -> None:
    base, size = 0x9E3779B97F4A7C15, 2**64

    def plain(row: list[int]) -> int:
        total = len(row)
        for power, value in enumerate(row, 1):
            total += (value ^ (value >> 29)) * base * pow(base, power, size)
        return (total % size or 1) if row else 0

    offsets = np.cumsum([0, *map(len, rows)]).astype(np.int64)
    values = np.array([value for row in rows for value in row], np.uint64)
    assert row_digests(values, offsets).tolist() == [plain(row) for row in rows]


# ---- on disk ---------------------------------------------------------------------------------------------------------------

WORDS = "听雁桥没有匾，也没有碑"  # from the sample corpus


@pytest.fixture
def output(signed_run: whole.Run, tmp_path: Path) -> Iterator[Path]:
    """An output folder of its own, with the signed sample snapshot and no index yet."""
    shutil.copytree(signed_run.snapshot, tmp_path / "out" / "snapshots" / signed_run.snapshot.name)
    return tmp_path / "out"


def snapshot_in(output: Path) -> Path:
    return next((output / "snapshots").iterdir())


def index_in(output: Path) -> Path:
    (folder,) = (output / "work" / "lookup").iterdir()
    return folder


def places(snapshot: Path, words: str = WORDS) -> list[tuple[str, float]]:
    return [(place.span["passage_id"], place.compared.containment_query) for place in lookup(snapshot, words).passages[0].places]


def test_an_index_is_made_once_and_then_only_read(output: Path) -> None:
    expected = places(snapshot_in(output))
    assert expected
    before = {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in index_in(output).iterdir()}
    assert places(snapshot_in(output)) == expected
    assert {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in index_in(output).iterdir()} == before


@pytest.mark.parametrize("name", ["values.npy", "sorted.npy", "fold.npy", "spans.arrow", "members.npy"])
def test_a_flipped_byte_is_noticed_and_the_index_made_again(output: Path, name: str) -> None:
    expected = places(snapshot_in(output))
    path = index_in(output) / name
    good = path.read_bytes()
    path.unlink()
    path.write_bytes(good[:-9] + bytes([good[-9] ^ 1]) + good[-8:])
    assert places(snapshot_in(output)) == expected
    assert (index_in(output) / name).read_bytes() == good


def test_a_pickle_in_the_index_is_never_loaded(output: Path) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(output / "sprung"),)

    expected = places(snapshot_in(output))
    folder = index_in(output)
    np.save(folder / "sizes.npy", np.array([Trap()], object), allow_pickle=True)
    record = json.loads((folder / "done.json").read_text())
    record["sizes.npy"] = hashlib.sha256((folder / "sizes.npy").read_bytes()).hexdigest()
    (folder / "done.json").write_text(json.dumps(record))
    assert places(snapshot_in(output)) == expected
    assert not (output / "sprung").exists()


@pytest.mark.parametrize("record", ["", "{}", "[]", "3", "null"])
def test_a_torn_record_is_no_index(output: Path, record: str) -> None:
    expected = places(snapshot_in(output))
    (index_in(output) / "done.json").write_text(record)
    assert places(snapshot_in(output)) == expected
    assert len(json.loads((index_in(output) / "done.json").read_text())) == 9


def test_another_snapshot_has_another_index_and_the_old_one_goes(output: Path) -> None:
    places(snapshot_in(output))
    old = index_in(output)
    sums = snapshot_in(output) / "SHA256SUMS"
    sums.write_text(sums.read_text() + f"{'0' * 64}  other\n")
    places(snapshot_in(output))
    assert index_in(output) != old


def test_an_index_that_cannot_be_kept_is_made_all_the_same(output: Path, caplog: pytest.LogCaptureFixture) -> None:
    (output / "work").write_text("a file where the folder should be")
    with caplog.at_level(logging.WARNING):
        assert places(snapshot_in(output))
    assert "cannot be kept" in caplog.text


def test_a_snapshot_that_was_copied_away_can_be_asked(output: Path, tmp_path: Path) -> None:
    expected = places(snapshot_in(output))
    shutil.copytree(snapshot_in(output), tmp_path / "away")
    assert places(tmp_path / "away") == expected
    assert sorted(path.name for path in tmp_path.iterdir()) == ["away", "out"]


def test_the_index_holds_every_span_and_signature(output: Path, signed_run: whole.Run) -> None:
    known = open_index(snapshot_in(output), SETTINGS)
    kept, removed, rows = signed_run.rows("passages"), signed_run.rows("removed"), signed_run.rows("signatures")
    ids = known.spans["passage_id"].to_pylist()
    assert ids == [row["passage_id"] for row in (*kept, *removed)]
    assert known.spans["kept"].to_pylist() == [True] * len(kept) + [False] * len(removed)
    assert sorted(known.matrix.values.T.tolist()) == sorted(map(list, {tuple(row["signature"]) for row in rows}))
    of_id = {row["passage_id"]: row["signature"] for row in rows}
    members = 0
    for column in range(len(known.matrix.sizes)):
        for span in known.members[known.member_of[column] : known.member_of[column + 1]].tolist():
            row = (*kept, *removed)[span]
            assert known.matrix.values[:, column].tolist() == of_id[row["parent_id"] or row["passage_id"]]
            members += 1
    assert members == sum((row["parent_id"] or row["passage_id"]) in of_id for row in (*kept, *removed))
    digests = known.fold[known.fold_order].tolist()
    assert digests == sorted(digests)
