"""The generated corpus is the same for a seed, and its truth file tells the truth."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from make_corpus import KINDS, SHAPES, make


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    make(folder, 3, 1)
    return folder


def _documents(folder: Path) -> dict[tuple[str, int], str]:
    texts = {}
    for path in (folder / "input").rglob("*.*"):
        source, text = path.relative_to(folder / "input").as_posix(), path.read_text(encoding="utf-8")
        rows = [json.loads(line)["text"] for line in text.splitlines()] if path.suffix == ".jsonl" else [text]
        texts.update({(source, record): row for record, row in enumerate(rows)})
    return texts


def _truth(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "truth.jsonl").read_text(encoding="utf-8").splitlines()]


def _shingles(text: str) -> set[str]:
    kept = "".join(c for c in text if c.isalnum())
    return {kept[i : i + 3] for i in range(len(kept) - 2)}


def test_the_same_seed_gives_the_same_bytes_whatever_the_hash_seed(corpus, tmp_path):
    script = Path(__file__).with_name("make_corpus.py")
    subprocess.run([sys.executable, str(script), "--mb", "3", "--out", str(tmp_path)], env={"PYTHONHASHSEED": "9"}, check=True)
    files = [path for path in sorted(corpus.rglob("*")) if path.is_file()]
    assert [path.relative_to(corpus) for path in files] == [p.relative_to(tmp_path) for p in sorted(tmp_path.rglob("*")) if p.is_file()]
    assert all(path.read_bytes() == (tmp_path / path.relative_to(corpus)).read_bytes() for path in files)


def test_the_corpus_has_the_size_and_the_shapes_asked_for(corpus):
    sizes = {shape: sum(p.stat().st_size for p in (corpus / "input" / shape).iterdir()) for shape in SHAPES}
    assert sum(sizes.values()) == pytest.approx(3e6, rel=0.02)
    assert all(sizes[shape] == pytest.approx(share * 3e6, rel=0.1) for shape, share in SHAPES.items())


def test_every_line_of_the_truth_slices_back(corpus):
    documents = _documents(corpus)
    rows = _truth(corpus)
    assert set(Counter(row["kind"] for row in rows)) == set(KINDS)
    for row in rows:
        for side in "ab":
            text = documents[row[f"source_{side}"], row[f"record_{side}"]][row[f"char_start_{side}"] : row[f"char_end_{side}"]]
            assert hashlib.sha256(text.encode()).hexdigest()[:32] == row[f"sha256_{side}"]


def test_copies_are_as_similar_as_their_kind_says(corpus):
    documents, found = _documents(corpus), {}
    for row in _truth(corpus):
        a, b = (_shingles(documents[row[f"source_{s}"], row[f"record_{s}"]][row[f"char_start_{s}"] : row[f"char_end_{s}"]]) for s in "ab")
        found.setdefault(row["kind"], []).append(len(a & b) / len(a | b))
    mean = {kind: sum(values) / len(values) for kind, values in found.items()}
    assert mean["exact"] == mean["contained"] == mean["punctuation"] == 1
    assert mean["edit2"] > 0.85 > mean["edit5"] > 0.7
    assert mean["script"] < 0.5
