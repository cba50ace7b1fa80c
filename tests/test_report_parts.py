"""Numbers behind the report's charts: the threshold's curve, shared text, changes, documents in place, the list of everything."""

from __future__ import annotations

import json
from pathlib import Path

import fake_snapshot
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import whole

from tasks import report
from tasks.report_documents import documents
from tasks.report_flips import flips
from tasks.report_rows import columns, listing
from tasks.report_say import say
from tasks.report_shared import changes, shared
from tasks.report_texts import Limits
from tasks.store.schemas import FAMILIES
from tasks.summary import summarize, tally, thresholds

THRESHOLDS = {"report": 0.5, "remove": 0.7}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fake_snapshot.write(tmp_path_factory.mktemp("plain") / "snapshot")


def test_curve_at_the_threshold_in_force_is_what_was_removed_as_near_duplicates(sample_run: whole.Run) -> None:
    manifest = json.loads((sample_run.snapshot / "manifest.json").read_text(encoding="utf-8"))
    found = flips(sample_run.snapshot, thresholds(manifest))
    near = [row for row in sample_run.rows("removed") if row["reason"] == "near_duplicate" and row["similarity"] >= 0.7]
    (step,) = [one for one in found["steps"] if one["at"] == 0.7]
    assert (step["passages"], step["chars"]) == (len(near), sum(fake_snapshot.visible_count(row["raw"]) for row in near))
    assert [one["at"] for one in found["steps"]] == [n / 100 for n in range(50, 101)]
    counts = [one["passages"] for one in found["steps"]]
    assert counts == sorted(counts, reverse=True)


def test_a_passage_above_the_threshold_is_gone_until_the_threshold_passes_it(plain: Path) -> None:
    found = flips(plain, THRESHOLDS)
    by_step = {one["at"]: one["passages"] for one in found["steps"]}
    assert (by_step[0.7], by_step[0.82], by_step[0.83], by_step[1.0]) == (2, 2, 1, 1)  # of 0.824 and 1
    (example,) = [one for one in found["examples"] if one["gone"]]
    assert (example["sim"], example["place"], example["twin"]) == (0.824, "mirror/river-hant.txt:3", "article/river.txt:5")


def test_without_thresholds_on_record_there_is_no_curve(plain: Path) -> None:
    assert flips(plain, {"report": None, "remove": None}) == {"now": None, "steps": [], "examples": []}


def test_shared_text_is_counted_the_slow_way_in_both_directions(sample_run: whole.Run) -> None:
    found = shared(sample_run.snapshot, tally(sample_run.snapshot))
    assert found["by"] == "collection"
    families = {row["family_id"]: row["char_count"] for row in sample_run.rows("families")}
    collection = {row["source"]: row["collection"] for row in sample_run.rows("sources")}
    places = sample_run.rows("occurrences")
    spans: dict[str, int] = {}
    for row in places:
        spans[row["family_id"]] = spans.get(row["family_id"], 0) + row["char_end"] - row["char_start"]
    expected: dict[tuple[str, str], float] = {}
    for row in places:
        weight = families[row["family_id"]] * (row["char_end"] - row["char_start"]) / spans[row["family_id"]]
        mine = collection[row["source"]]
        others = [collection[other["source"]] for other in places if other["family_id"] == row["family_id"] and other is not row]
        for group in set(others):
            expected[mine, group] = expected.get((mine, group), 0) + weight
    cells = {
        (row["name"], group): cell["chars"] for row in found["rows"] for group, cell in zip(found["groups"], row["cells"], strict=True)
    }
    assert {key: chars for key, chars in cells.items() if chars} == {key: round(chars) for key, chars in expected.items()}
    assert all(0 <= cell["share"] <= 1 and 0 <= cell["shade"] <= 9 for row in found["rows"] for cell in row["cells"])


def test_every_family_and_cluster_is_listed_once_heaviest_first(sample_run: whole.Run) -> None:
    rows = listing(sample_run.snapshot, Limits())
    numbers = summarize(sample_run.snapshot)
    assert len({(row["list"], row["id"]) for row in rows}) == len(rows) == numbers["families"]["count"] + numbers["clusters"]["count"]
    weights = [row["chars"] * row["sources"] for row in rows]
    assert weights == sorted(weights, reverse=True)
    packed = columns(rows, {})
    assert [packed["named"][i] for i in packed["names"][0]] == rows[0]["names"]
    assert set(packed["chunk"]) == {-1}


def test_a_document_is_put_together_again_from_what_stays_and_what_went(sample_run: whole.Run) -> None:
    docs = [row["doc_id"] for row in sample_run.rows("documents")]
    found = documents(sample_run.snapshot, docs, Limits(documents_chars=10**9))
    assert [row["id"] for row in found] == docs
    for document in found:
        rows = [row for table in ("passages", "removed") for row in sample_run.rows(table) if row["doc_id"] == document["id"]]
        rows.sort(key=lambda row: row["char_start"])
        assert [span[0] for span in document["spans"]] == [row["char_start"] for row in rows]
        assert [span[2][0] if span[2] else None for span in document["spans"]] == [row.get("reason") for row in rows]
    assert len(documents(sample_run.snapshot, docs, Limits(documents=2))) == 2
    assert documents(sample_run.snapshot, docs, Limits(documents_chars=10))[0]["cut"]


def snapshots(folder: Path) -> tuple[Path, Path]:
    old, new = (fake_snapshot.write(folder / "snapshots" / name) for name in ("old", "new"))
    file = new / "families" / "part-00000.parquet"
    rows = pq.read_table(file).to_pylist()
    pq.write_table(pa.Table.from_pylist([{**rows[0], "occurrence_count": 5}, {**rows[0], "family_id": "f" * 32}], schema=FAMILIES), file)
    (folder / "history").mkdir()
    history = {"previous": "old", "changed": [{"rule": "zh.sponsor.by", "collection": None, "before": 3, "after": 9}]}
    (folder / "history" / "new.json").write_text(json.dumps(history), encoding="utf-8")
    return old, new


def test_families_are_born_and_grow_against_the_snapshot_that_history_names(tmp_path: Path) -> None:
    old, new = snapshots(tmp_path)
    found = changes(new)
    assert found is not None
    assert {kind: rows["count"] for kind, rows in found["families"].items()} == {"born": 1, "grown": 1, "shrunk": 0, "gone": 0}
    assert changes(old) is None  # history says nothing of it
    page = report.with_changes(new)
    assert page is not None
    assert page.parent == tmp_path / "history" / "new-report"
    assert 'id="changes"' in page.read_text(encoding="utf-8")
    assert report.with_changes(old) is None


def test_a_snapshot_that_is_being_written_says_nothing_of_the_one_before(tmp_path: Path) -> None:
    _, new = snapshots(tmp_path)
    staging = tmp_path / "snapshots" / ".staging"
    new.rename(staging)
    assert 'id="changes"' not in report.build(staging, staging / "report").read_text(encoding="utf-8")


def test_said_values_are_escaped() -> None:
    shown = say("{} places", "<b>\"'")
    assert "<b>" not in shown
    assert "&lt;b&gt;" in shown
