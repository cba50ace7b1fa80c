"""`verify` finds each broken promise, by name, from the disk alone; and says nothing of a snapshot that keeps them."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import snapshot_maker as maker
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.kernels import audit
from tasks.store import ids
from tasks.store.text import Texts
from tasks.verify import Problem, render, verify

FIRST, SECOND = "part-00000.parquet", "part-00001.parquet"


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("good")
    maker.make(output)
    return output


def copy(good: Path, tmp_path: Path) -> Path:
    output = tmp_path / "out"
    shutil.copytree(good, output, symlinks=True)
    return output


def checks(problems: list[Problem]) -> set[str]:
    return {problem.check for problem in problems}


def test_a_good_snapshot_keeps_every_promise(good: Path, tmp_path: Path) -> None:
    assert verify(good) == []
    assert verify(good / "latest") == []
    assert verify((good / "latest").resolve()) == []
    assert verify(good, read_data=False) == []
    maker.write_inputs(tmp_path)
    assert verify(good, input_dirs=[tmp_path]) == []


def test_a_snapshot_copied_elsewhere_can_be_checked(good: Path, tmp_path: Path) -> None:
    shutil.copytree(good / "latest", tmp_path / "download")
    assert verify(tmp_path / "download") == []


def test_the_report_and_run_record_may_change(good: Path, tmp_path: Path) -> None:
    output = copy(good, tmp_path)
    (output / "latest" / "run.json").write_text("{}")
    (output / "latest" / "report" / "new.html").write_text("")
    assert verify(output) == []


# ---- bytes -------------------------------------------------------------------------------------------------------------


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def edit_manifest(path: Path) -> None:
    path.write_text(path.read_text(encoding="utf-8").replace('"input_count": 5', '"input_count": 6'), encoding="utf-8")


BYTES: dict[str, tuple[Callable[[Path], object], str]] = {
    "bit flipped in the data": (lambda s: flip(s / "passages" / FIRST, 60), "bytes"),
    "bit flipped in the footer": (lambda s: flip(s / "passages" / FIRST, -100), "bytes"),
    "file cut short": (lambda s: truncate(s / "removed" / FIRST), "bytes"),
    "file emptied": (lambda s: (s / "removed" / FIRST).write_bytes(b""), "bytes"),
    "file missing": (lambda s: (s / "documents" / FIRST).unlink(), "missing"),
    "table missing": (lambda s: shutil.rmtree(s / "clusters"), "missing"),
    "stray file": (lambda s: (s / "passages" / "part-00002.parquet").write_bytes(b"PAR1"), "stray"),
    "stray hidden file": (lambda s: (s / "passages" / ".x").write_bytes(b""), "stray"),
    "manifest edited": (lambda s: edit_manifest(s / "manifest.json"), "bytes"),
    "manifest missing": (lambda s: (s / "manifest.json").unlink(), "manifest"),
    "manifest is not JSON": (lambda s: (s / "manifest.json").write_text("{"), "manifest"),
    "card edited": (lambda s: (s / "README.md").write_text("better"), "bytes"),
    "sums missing": (lambda s: (s / "SHA256SUMS").unlink(), "manifest"),
    "sums in another format": (lambda s: (s / "SHA256SUMS").write_text("abc\n"), "manifest"),
}


@pytest.mark.parametrize("name", BYTES)
def test_damaged_bytes_are_found(name: str, good: Path, tmp_path: Path) -> None:
    output = copy(good, tmp_path)
    damage, check = BYTES[name]
    damage((output / "latest").resolve())
    assert check in checks(verify(output))
    assert check in checks(verify(output, read_data=False))


def test_a_dangling_latest_is_found(good: Path, tmp_path: Path) -> None:
    output = copy(good, tmp_path)
    shutil.rmtree(output / "snapshots")
    assert checks(verify(output)) == {"latest"}
    assert checks(verify(output / "latest")) == {"latest"}


def test_nothing_to_check_is_a_problem_too(tmp_path: Path) -> None:
    assert checks(verify(tmp_path)) == {"snapshot"}
    assert checks(verify(tmp_path / "nowhere")) == {"snapshot"}


def seal(snapshot: Path, manifest: dict[str, Any]) -> None:
    """Make manifest and sums agree with the bytes again, as a careful forger would."""
    (snapshot / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    lines = (snapshot / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    names = sorted(line.split("  ")[1] for line in lines)
    sums = [f"{hashlib.sha256((snapshot / name).read_bytes()).hexdigest()}  {name}" for name in names]
    (snapshot / "SHA256SUMS").write_text("\n".join(sums) + "\n", encoding="utf-8")


def forge(snapshot: Path, name: str, change: Callable[[pa.Table], pa.Table], *, content: bool) -> None:
    """Rewrite a file and fix size, sha256 and row count; the digest of the rows is left as it was unless `content`."""
    path = snapshot / name
    pq.write_table(change(pq.read_table(path)), path, compression="zstd")
    manifest = json.loads((snapshot / "manifest.json").read_text(encoding="utf-8"))
    table = manifest["tables"][name.split("/")[0]]
    for entry in table["files"]:
        if entry["path"] == name:
            entry |= {
                "bytes": path.stat().st_size,
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
                "rows": pq.read_metadata(path).num_rows,
            }
    table["rows"] = sum(entry["rows"] for entry in table["files"])
    table["bytes"] = sum(entry["bytes"] for entry in table["files"])
    seal(snapshot, manifest)


def test_rows_changed_with_all_sums_set_right_still_miss_their_digest(good: Path, tmp_path: Path) -> None:
    snapshot = (copy(good, tmp_path) / "latest").resolve()
    forge(snapshot, f"passages/{FIRST}", lambda table: table.slice(1), content=False)
    assert checks(verify(snapshot)) == {"content", "contents"}


def test_a_column_without_its_description_is_found(good: Path, tmp_path: Path) -> None:
    snapshot = (copy(good, tmp_path) / "latest").resolve()
    forge(snapshot, f"pairs/{FIRST}", lambda t: t.cast(pa.schema([f.remove_metadata() for f in t.schema])), content=False)
    assert checks(verify(snapshot, read_data=False)) == {"schema"}


def test_settings_that_do_not_have_the_digest_stated_are_found(good: Path, tmp_path: Path) -> None:
    snapshot = (copy(good, tmp_path) / "latest").resolve()
    manifest = json.loads((snapshot / "manifest.json").read_text(encoding="utf-8"))
    manifest["settings"]["matching"]["remove_threshold"] = 0.95
    seal(snapshot, manifest)
    assert "settings_digest" in checks(verify(snapshot))
    manifest["settings"]["matching"]["surprise"] = 1
    seal(snapshot, manifest)
    assert "settings_digest" in checks(verify(snapshot))


# ---- rows: every digest is right, because the product's own writer wrote them -----------------------------------------------


def change(table: str, row: int, part: str = FIRST, **values: Any) -> Callable[[maker.Rows], None]:
    return lambda parts: parts[table][part][row].update(values)


def drop(table: str, row: int, part: str = FIRST) -> Callable[[maker.Rows], object]:
    return lambda parts: parts[table][part].pop(row)


def double(parts: maker.Rows) -> None:
    parts["passages"][FIRST].insert(1, dict(parts["passages"][FIRST][0]))


def shift(parts: maker.Rows) -> None:
    """A span moved by one, with its id made right."""
    row = parts["passages"][FIRST][3]
    row["char_start"] += 1
    row["char_end"] += 1
    row["passage_id"] = ids.passage_ids([row["doc_id"]], [row["char_start"]], [row["char_end"]], [row["content_id"]])[0]


def stretch(parts: maker.Rows) -> None:
    row = parts["passages"][FIRST][0]
    row["char_end"] += 5


def swap(parts: maker.Rows) -> None:
    rows = parts["passages"][FIRST]
    rows[0], rows[1] = rows[1], rows[0]


def rewrite(parts: maker.Rows) -> None:
    """Another text with ids that fit it: only normalizing raw again can tell."""
    row = next(row for row in parts["passages"][FIRST] if row["raw"])
    row["text"] = row["text"].replace("ABC", "XYZ")
    row["content_id"] = hashlib.sha256(row["text"].encode()).hexdigest()[:32]
    row["passage_id"] = ids.passage_ids([row["doc_id"]], [row["char_start"]], [row["char_end"]], [row["content_id"]])[0]
    document = next(d for d in parts["documents"][FIRST] if d["doc_id"] == row["doc_id"])
    document["text"] = document["text"].replace("ABC", "XYZ")


def raise_similarity(parts: maker.Rows) -> None:
    """A near duplicate said to be nearer than it is, in all tables alike."""
    row = next(r for r in parts["removed"][SECOND] if r["reason"] == "near_duplicate")
    row["similarity"] = 0.9999
    for member in parts["clusters"][FIRST]:
        if member["passage_id"] == row["passage_id"]:
            member["similarity"] = 0.9999


def claim_equal(parts: maker.Rows) -> None:
    next(r for r in parts["removed"][SECOND] if r["reason"] == "near_duplicate")["reason"] = "exact_duplicate"


def crown(parts: maker.Rows) -> None:
    for member in parts["clusters"][FIRST]:
        member["role"] = "kept"


def reverse_pair(parts: maker.Rows) -> None:
    pair = parts["pairs"][FIRST][0]
    for name in [n[:-2] for n in pair if n.endswith("_a") and n != "containment_a"]:
        pair[f"{name}_a"], pair[f"{name}_b"] = pair[f"{name}_b"], pair[f"{name}_a"]


def forget_document(parts: maker.Rows) -> None:
    parts["documents"][SECOND].pop(0)


NEAR, EXACT, GHOST = 0, 2, "0" * 32
ROWS: dict[str, tuple[Callable[[maker.Rows], object], str]] = {
    "a removed row lost": (drop("removed", 0), "conservation"),
    "a kept row lost": (drop("passages", 0), "conservation"),
    "a row twice": (double, "disjoint"),
    "rows out of order": (swap, "order"),
    "char_start changed alone": (change("passages", 0, char_start=1), "passage_id"),
    "a span longer than its text": (stretch, "raw_length"),
    "an empty span": (change("removed", 0, char_end=0), "span"),
    "lines upside down": (change("passages", 0, line_start=9), "lines"),
    "text changed, ids not": (change("passages", 0, text="改过的文字"), "content_id"),
    "text and ids changed, raw not": (rewrite, "replay"),
    "raw given where it equals the text": (lambda p: p["passages"][FIRST][0].update(raw=p["passages"][FIRST][0]["text"]), "raw"),
    "raw of a removed row missing": (change("removed", 0, raw=None), "raw"),
    "doc_id of another document": (change("removed", 0, doc_id="f" * 32), "doc_id"),
    "similarity raised everywhere": (raise_similarity, "similarity"),
    "similarity raised in one table": (change("removed", 0, SECOND, similarity=0.9999), "cluster"),
    "near duplicate called exact": (claim_equal, "twin"),
    "twin that is not kept": (change("removed", 0, SECOND, kept_passage_id=GHOST), "twin"),
    "duplicate without a twin": (change("removed", 0, SECOND, kept_passage_id=None), "twin"),
    "reason unknown": (change("removed", 0, reason="dislike"), "reason"),
    "rule without evidence": (change("removed", 0, evidence=None), "rule"),
    "char_count of a source changed": (change("sources", 0, char_count=1), "conservation"),
    "a source's row lost": (drop("sources", 0), "conservation"),
    "sources out of order": (lambda p: p["sources"][FIRST].reverse(), "order"),
    "document text changed": (change("documents", 0, text="别的文字"), "document"),
    "document count changed": (change("documents", 0, passage_count=7), "document"),
    "document share changed": (change("documents", 0, kept_share=0.5), "document"),
    "document removals changed": (change("documents", 0, removed=[]), "document"),
    "a document's row lost": (forget_document, "document"),
    "copies miscounted": (change("passages", 0, copies=5), "copies"),
    "ordinals with a gap": (change("passages", 1, ordinal=4), "ordinal"),
    "two kept members in a cluster": (crown, "cluster"),
    "a cluster member lost": (drop("clusters", 1), "cluster"),
    "cluster of a kept row unknown": (change("passages", 0, cluster_id=GHOST), "cluster"),
    "pair the wrong way round": (reverse_pair, "pair"),
    "pair of an unknown passage": (change("pairs", 0, passage_b=GHOST), "pair"),
    "pair below the threshold": (change("pairs", 0, similarity=0.2, containment_a=0.2, containment_b=0.3), "pair"),
    "occurrence of no family": (change("occurrences", 0, family_id=GHOST), "family"),
    "family counts changed": (change("families", 0, occurrence_count=2), "family"),
    "block of no family": (change("blocks", 0, family_id=GHOST), "family"),
    "removed row of no family": (change("removed", 0, family_id=GHOST), "family"),
    "change of language beyond the text": (change("passages", 0, lang_switches=[9999]), "lang_switches"),
    "script span beyond the text": (change("passages", 0, script_spans=[{"start": 3, "end": 3, "script": "hans"}]), "script_spans"),
    "language span beyond the text": (change("passages", 0, lang_spans=[{"start": 0, "end": 9999, "lang": "zh-Hans"}]), "lang_spans"),
    "quality beyond its range": (change("passages", 0, quality=1.5), "range"),
    "row of another version": (change("passages", 0, pipeline_version="9.9.9"), "stamp"),
}  # fmt: skip


@pytest.mark.parametrize("name", ROWS)
def test_rows_that_break_a_promise_are_found(name: str, tmp_path: Path) -> None:
    parts = maker.rows()
    damage, check = ROWS[name]
    damage(parts)
    maker.make(tmp_path, parts=parts)
    problems = verify(tmp_path)
    assert check in checks(problems), render(problems)


def test_a_span_moved_by_one_is_found_against_the_sources_only(tmp_path: Path) -> None:
    """Nothing inside the snapshot contradicts it: this is what --input is for."""
    parts = maker.rows()
    shift(parts)
    maker.make(tmp_path / "out", parts=parts)
    maker.write_inputs(tmp_path / "in")
    assert verify(tmp_path / "out") == []
    assert checks(verify(tmp_path / "out", input_dirs=[tmp_path / "in"])) == {"slice"}


def test_sources_changed_lost_or_added_since_are_named(good: Path, tmp_path: Path) -> None:
    maker.write_inputs(tmp_path)
    (tmp_path / "a" / "first.txt").write_text("淘沙\n", encoding="utf-8")
    (tmp_path / "b" / "copy.txt").unlink()
    (tmp_path / "c" / "new.txt").write_text("新来的\n", encoding="utf-8")
    problems = verify(good, input_dirs=[tmp_path])
    assert checks(problems) == {"input"}
    assert {problem.where for problem in problems} == {"a/first.txt", "b/copy.txt", "c/new.txt"}


def test_many_bad_rows_are_counted_and_not_all_printed(tmp_path: Path) -> None:
    parts = maker.rows(extra=10)
    for row in parts["passages"][FIRST]:
        row["quality"] = 2.0
    maker.make(tmp_path, parts=parts)
    text = render(verify(tmp_path))
    assert "more rows like these" in text
    assert text.count("range:") == 6


def test_problems_name_places_and_never_text(tmp_path: Path) -> None:
    parts = maker.rows()
    rewrite(parts)
    raise_similarity(parts)
    maker.make(tmp_path, parts=parts)
    assert not any("\u4e00" <= char <= "\u9fff" for char in render(verify(tmp_path)))


# ---- kernel ------------------------------------------------------------------------------------------------------------

GROUPED = st.lists(st.tuples(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), st.integers(0, 3)), max_size=12)


@given(rows=GROUPED)
@settings(deadline=None)
def test_visible_digest_equals_its_slow_twin(rows: list[tuple[str, int]]) -> None:
    texts = Texts.of([text for text, _ in rows])
    groups = np.array([group for _, group in rows], np.int64)
    digest, count = audit.visible_digest(texts.chars, texts.offsets, groups, 4)
    for group in range(4):
        seen = [c for text, own in rows if own == group for c in text if not c.isspace()]
        value = 0
        for char in seen:
            value = (value * audit.BASE + ord(char) + 1) % audit.MODULUS
        assert (int(digest[group]), int(count[group])) == (value, len(seen))


@given(one=st.text(max_size=9), other=st.text(max_size=9))
@settings(deadline=None)
def test_digests_of_pieces_combine(one: str, other: str) -> None:
    def of(*texts: str) -> tuple[int, int]:
        column = Texts.of(list(texts))
        digest, count = audit.visible_digest(column.chars, column.offsets, np.zeros(len(texts), np.int64), 1)
        return int(digest[0]), int(count[0])

    (a, _), (b, n) = of(one), of(other)
    assert of(one + other)[0] == (a * pow(audit.BASE, n, audit.MODULUS) + b) % audit.MODULUS
    assert of(one, other) == of(one + other)
