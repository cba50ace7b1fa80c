"""The table `signatures` is what datasketch itself would have made, and loads into it with plain pyarrow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import whole
from datasketch import MinHash

from tasks.replay import clean
from tasks.settings import Matching, Settings
from tasks.shingles import shingle_sets
from tasks.store.tables import read_table
from tasks.store.text import Texts

SETTINGS = Settings()


@pytest.fixture(scope="module")
def published(signed_run: whole.Run) -> Any:
    """The table as anyone would read it."""
    return pq.read_table(signed_run.snapshot / "signatures")


@pytest.fixture(scope="module")
def how(published: Any) -> dict[str, Any]:
    stated = json.loads(published.schema.metadata[b"taosha.minhash"])
    return {key: stated[key] for key in ("num_perm", "seed", "scheme")}


def test_signatures_are_bit_for_bit_those_that_datasketch_makes_of_the_same_shingles(
    signed_run: whole.Run, published: Any, how: dict[str, Any]
) -> None:
    kept = read_table(signed_run.snapshot, "passages")
    texts = dict(zip(kept["passage_id"].to_pylist(), range(len(kept)), strict=True))
    rows = [row for row in published.to_pylist() if row["passage_id"] in texts]  # cut passages have no row of their own
    assert len(rows) > 100
    values, offsets = shingle_sets(clean(kept, SETTINGS), SETTINGS.matching)
    for row in rows:
        at = texts[row["passage_id"]]
        shingles = values[offsets[at] : offsets[at + 1]].tolist()
        theirs = MinHash(**how, hashfunc=lambda shingle: shingle >> 32)  # the top 32 bits of the digest
        theirs.update_batch(shingles)
        assert row["signature"] == theirs.hashvalues.tolist()
        assert row["shingle_count"] == len(shingles)


def test_a_table_read_back_gives_the_estimates_that_we_publish(signed_run: whole.Run, published: Any, how: dict[str, Any]) -> None:
    signatures = {row["passage_id"]: MinHash(**how, hashvalues=row["signature"]) for row in published.to_pylist()}
    compared = 0
    for pair in signed_run.rows("pairs"):
        if pair["estimate"] is not None and {pair["passage_a"], pair["passage_b"]} <= signatures.keys():
            estimate = signatures[pair["passage_a"]].jaccard(signatures[pair["passage_b"]])
            assert pair["estimate"] == pytest.approx(estimate, abs=1e-4)
            compared += 1
    assert compared > 5


def test_every_row_says_where_its_passage_stood(signed_run: whole.Run, published: Any) -> None:
    rows = published.to_pylist()
    places = [(row["source"], row["record"], row["char_start"]) for row in rows]
    assert places == sorted(set(places))
    spans = [*signed_run.rows("passages"), *signed_run.rows("removed")]
    whole_spans = {span["passage_id"]: span for span in spans}
    cut: dict[str, list[dict[str, Any]]] = {}
    for span in spans:
        cut.setdefault(span["parent_id"], []).append(span)
    for row in rows:
        own = whole_spans.get(row["passage_id"])
        names = ("doc_id", "source", "record", "locator", "char_start", "char_end", "line_start", "line_end")
        if own is not None:
            assert [row[name] for name in names] == [own[name] for name in names]
        else:
            pieces = cut[row["passage_id"]]
            assert (row["char_start"], row["char_end"]) == (min(p["char_start"] for p in pieces), max(p["char_end"] for p in pieces))


def test_the_passport_stands_in_the_files_and_in_the_run_record(signed_run: whole.Run) -> None:
    record = json.loads((signed_run.snapshot / "run.json").read_text(encoding="utf-8"))
    for path in (signed_run.snapshot / "signatures").glob("*.parquet"):
        stated = json.loads(pq.read_schema(path).metadata[b"taosha.minhash"])
        assert stated == record["signatures"]
    assert {key: stated[key] for key in ("num_perm", "seed", "scheme", "han_shingle", "letter_shingle")} == {
        "num_perm": 128, "seed": 1, "scheme": "affine32", "han_shingle": 3, "letter_shingle": 5,
    }  # fmt: skip
    assert len(stated["fold"]) == 16
    assert "top 32 bits" in stated["hashfunc"]


def test_a_snapshot_without_the_setting_has_no_signatures(sample_run: whole.Run) -> None:
    assert not (sample_run.snapshot / "signatures").exists()


def test_signatures_do_not_hang_on_workers_or_parts(signed_run: whole.Run, tmp_path: Path) -> None:
    small = tmp_path / "small.toml"
    small.write_text("[publish]\nsignatures = true\npart_bytes = 65536\n", encoding="utf-8")
    other = whole.run([whole.ROOT / "corpus"], tmp_path / "out", small, workers=2)
    assert other.rows("signatures") == signed_run.rows("signatures")


def test_the_fold_is_named_by_what_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    from tasks import minhash, shingles

    before = minhash.fold_version()
    monkeypatch.setattr(shingles, "shingle_sets", lambda texts, settings: shingle_sets(Texts.of(["山水"] * len(texts)), Matching()))
    minhash.fold_version.cache_clear()
    try:
        assert minhash.fold_version() != before
    finally:
        monkeypatch.undo()
        minhash.fold_version.cache_clear()
    assert minhash.fold_version() == before
