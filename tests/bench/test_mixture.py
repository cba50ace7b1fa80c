"""The passages that growth is measured on: the same for a seed, the same mixture at every size, frames and copies as they say."""

from __future__ import annotations

import random
import statistics
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pyarrow.parquet as pq
from make_corpus import edited
from mixture import COPIES, LEAST_EDIT, MOST_EDIT, PROSE, _frames, passages, sites, write
from prose import Prose

COUNT = 3000


def _shingles(text: str) -> set[str]:
    kept = "".join(text.split())
    return {kept[i : i + 5] for i in range(len(kept) - 4)}


def _similarity(a: str, b: str) -> float:
    one, other = _shingles(a), _shingles(b)
    return len(one & other) / len(one | other)


def test_the_same_seed_gives_the_same_passages_whatever_the_hash_seed():
    code = "import hashlib, mixture; print(hashlib.sha256('\\n'.join(mixture.passages(3000, 1)).encode()).hexdigest())"
    digests = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, cwd=Path(__file__).parent, stdout=subprocess.PIPE, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1
    assert passages(COUNT, 1) != passages(COUNT, 2)


def test_the_mixture_is_the_same_at_every_size():
    small, large = passages(COUNT, 1), passages(4 * COUNT, 1)
    assert (len(small), len(large)) == (COUNT, 4 * COUNT)
    mean = [statistics.mean(len(text) for text in rows) for rows in (small, large)]
    assert abs(mean[0] / mean[1] - 1) < 0.03
    assert sites(16 * 10_000) == 4 * sites(10_000)  # boilerplate comes from more newsletters, and more of it from each


def test_issues_of_one_newsletter_share_their_frame_without_being_duplicates():
    rng = random.Random(0)  # noqa: S311 (the point is that it is not secret)
    headers = list(_frames(400, Prose(1), rng))[::2]
    of = defaultdict(list)
    for header in headers:
        of[header[:4]].append(header)
    largest = max(of.values(), key=len)
    assert len(largest) > len(headers) / 10
    found = [_similarity(*rng.sample(largest, 2)) for _ in range(200)]
    assert min(found) > 0.6
    assert max(found) < 0.8


def test_copies_stand_for_most_of_the_prose_and_are_edited_as_they_say():
    assert 0.8 * PROSE < COPIES < PROSE
    text, rng = Prose(1).paragraph()[0] * 3, random.Random(0)  # noqa: S311 (the point is that it is not secret)
    assert _similarity(text, edited(text, LEAST_EDIT, rng)) > 0.95
    assert 0.4 < _similarity(text, edited(text, MOST_EDIT, rng)) < 0.8


def test_the_file_says_how_much_text_it_holds(tmp_path):
    rows = ["淘沙", "ab", ""]
    write(tmp_path / "x.parquet", rows)
    with pq.ParquetFile(tmp_path / "x.parquet") as file:
        assert file.read(["text"])["text"].to_pylist() == rows
        assert float(file.metadata.metadata[b"mb"]) == 8e-6 or float(file.metadata.metadata[b"mb"]) == 0.0
    assert not list(tmp_path.glob("*.part"))
