"""Discovery, cells, parts: what is found, where it is cut, and that a bad source leaves nothing behind."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import random
from pathlib import Path

import hostile
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks import ingest
from tasks.errors import UsageError
from tasks.kernels import ingest as kernels
from tasks.readers import parts, records, source
from tasks.settings import Input
from tasks.store import schemas

DEFAULTS = Input()


def run(root: Path, out: Path, part_bytes: int = 8 << 20, options: Input = DEFAULTS):
    """(rows of sources by name, documents of all parts) of a folder read as one cell."""
    result = ingest.read_cell(ingest.discover([root], options), options, out, part_bytes)
    tables = [pa.ipc.open_file(part.path).read_all() for part in result.parts]
    rows = pa.concat_tables(tables).to_pylist() if tables else []
    return {row["source"]: row for row in result.sources}, rows, result


# ---- hostile inputs ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def survived(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    hostile.write(folder / "in")
    return run(folder / "in", folder / "out")


@pytest.mark.parametrize("name", hostile.FILES)
def test_a_hostile_file_ends_in_a_row_with_a_reason_or_in_clean_text(survived, name):
    _, status, error = hostile.FILES[name]
    row = survived[0][name]
    assert row["status"] == status, row
    assert (row["error"] or "").startswith(error or ""), row
    assert (row["error"] is None) == (status == "ok")


def test_links_loops_and_pipes_are_listed_but_never_opened(survived):
    rows = survived[0]
    assert rows["link.txt"]["error"] == "symbolic link"
    assert rows["loop"]["error"].startswith("symbolic link")
    assert rows["circle.txt"]["error"].startswith("symbolic link")
    assert rows["outside.txt"]["error"] == "symbolic link out of the input folder"
    assert rows["pipe.txt"]["error"] == "not a regular file"


def test_a_name_that_is_not_utf8_is_shown_with_backslashes(survived):
    assert survived[0]["\\xff\\xfe.txt"]["status"] == "ok"


def test_sources_without_text_leave_no_row_and_the_counts_agree(survived):
    sources, rows, result = survived
    read = {name for name, row in sources.items() if row["status"] in ("ok", "needs_review")}
    assert {row["source"] for row in rows} == read
    for name, about in sources.items():
        texts = [row["text"] for row in rows if row["source"] == name]
        assert about["char_count"] == sum(not c.isspace() for text in texts for c in text)
        assert about["record_count"] == len(texts)
    assert sum(part.row_count for part in result.parts) == len(rows)
    pa.Table.from_pylist(list(sources.values()), schemas.SOURCES).validate(full=True)


def test_parts_hold_valid_rows_of_the_agreed_schema(survived):
    for part in survived[2].parts:
        table = pa.ipc.open_file(part.path).read_all()
        assert table.schema == ingest.DOCUMENT_BATCH
        table.validate(full=True)
    for row in survived[1]:
        assert "\r" not in row["text"]
        assert len(row["doc_id"]) == 32
        assert len(row["source_sha256"]) == 64
        assert all(0 <= m["start"] <= m["end"] <= len(row["text"]) for m in row["marks"])


# ---- discover ----------------------------------------------------------------------------------------------------------


def make(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("正文\n", encoding="utf-8")
    return root


def names(found: list[ingest.SourceFile]) -> list[str]:
    return [f.source for f in found]


def test_sources_are_sorted_by_name_and_hidden_ones_left_out(tmp_path):
    make(tmp_path, "b/2.txt", "b/1.txt", "a.txt", "b-c/1.md", ".git/x.txt", "b/.hidden.txt", "新/中.txt")
    found = ingest.discover([tmp_path], DEFAULTS)
    assert names(found) == ["a.txt", "b-c/1.md", "b/1.txt", "b/2.txt", "新/中.txt"]
    assert [f.collection for f in found] == [".", "b-c", "b", "b", "新"]


def test_collections_can_be_named_by_pattern(tmp_path):
    make(tmp_path, "a/1.txt", "a/2.txt")
    found = ingest.discover([tmp_path], Input(collections={"a/2*": "second", "a/*": "first"}))
    assert [f.collection for f in found] == ["first", "second"]


def test_only_names_that_two_roots_share_are_prefixed(tmp_path):
    one, two = make(tmp_path / "one", "same.txt", "x.txt"), make(tmp_path / "two", "same.txt")
    assert names(ingest.discover([two, one], DEFAULTS)) == ["one/same.txt", "two/same.txt", "x.txt"]
    three = make(tmp_path / "other" / "one", "same.txt")
    assert names(ingest.discover([three, one], DEFAULTS)) == ["other/one/same.txt", f"{tmp_path.name}/one/same.txt", "x.txt"]


def test_a_root_inside_another_is_read_once(tmp_path):
    make(tmp_path, "sub/a.txt")
    assert names(ingest.discover([tmp_path, tmp_path / "sub", tmp_path], DEFAULTS)) == ["sub/a.txt"]


def test_a_file_can_be_a_root_and_a_missing_one_is_a_usage_error(tmp_path):
    make(tmp_path, "a.txt")
    (found,) = ingest.discover([tmp_path / "a.txt"], DEFAULTS)
    assert (found.source, found.collection, found.format) == ("a.txt", ".", "txt")
    with pytest.raises(UsageError, match="no such file"):
        ingest.discover([tmp_path / "nothing"], DEFAULTS)


# ---- cells -------------------------------------------------------------------------------------------------------------


def files(sizes: dict[str, int]) -> list[ingest.SourceFile]:
    return [ingest.SourceFile(name, Path(name), size, ".", "txt") for name, size in sorted(sizes.items())]


@settings(deadline=None, derandomize=True, max_examples=25)
@given(st.integers(0, 10_000), st.integers(1, 60_000))
def test_inserting_or_deleting_a_source_changes_only_neighbouring_cells(seed, size):
    lot = random.Random(seed)  # noqa: S311 (fixed test data)
    sizes = {f"{lot.randrange(16**8):08x}.txt": lot.randint(0, 2 * size) for _ in range(1500)}
    part_bytes = 65536
    before = ingest.plan_cells(files(sizes), part_bytes)
    after = ingest.plan_cells(files({**sizes, f"{lot.randrange(16**8):08x}.txt": lot.randint(0, 4 * part_bytes)}), part_bytes)
    assert [s for cell in before for s in cell] == files(sizes)
    known = {tuple(names(cell)) for cell in before}
    assert sum(tuple(names(cell)) not in known for cell in after) <= 8


def test_cells_are_about_as_large_as_asked():
    lot = random.Random(3)  # noqa: S311 (fixed test data)
    sources = files({f"{i:05d}.txt": lot.randint(0, 20_000) for i in range(5000)})
    cells = ingest.plan_cells(sources, 1 << 20)
    weights = [sum(s.byte_count + ingest.SOURCE_OVERHEAD for s in cell) for cell in cells]
    assert min(weights[:-1]) >= 1 << 18
    assert max(weights) <= (4 << 20) + 25_000
    assert 0.5 < np.mean(weights) / (1 << 20) < 2


# ---- parts -------------------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), max_size=8))
def test_the_scan_kernel_counts_as_python_does(texts):
    data = [text.encode() for text in texts]
    offsets = np.cumsum([0, *map(len, data)]).astype(np.int64)
    counted = kernels.scan(np.frombuffer(b"".join(data), np.uint8), offsets)
    assert counted.tolist() == [[len(t), t.count("\n"), sum(not c.isspace() for c in t)] for t in texts]


def test_the_scan_kernel_knows_every_space():
    spaces = [chr(c) for c in range(0x110000) if chr(c).isspace()]
    data = "".join(spaces).encode()
    assert kernels.scan(np.frombuffer(data, np.uint8), np.array([0, len(data)], np.int64))[0, 2] == 0


@pytest.fixture
def small(monkeypatch):
    """Tiny pieces, parts and blocks, so that small files exercise what is made for gigabytes."""
    monkeypatch.setattr(records, "PIECE_BYTES", 300)
    monkeypatch.setattr(records.pieces, "__defaults__", (300,))
    monkeypatch.setattr(parts, "PIECE_BYTES", 300)
    monkeypatch.setattr(parts, "MAX_PART", 1200)
    monkeypatch.setattr(source, "BLOCK", 64)


def write_mixed(folder: Path) -> str:
    folder.mkdir()
    long = "".join(f"第{i}行，天气不错。\n" for i in range(200)) + "没有标点的长行" * 100
    (folder / "a.txt").write_text("短文\n", encoding="utf-8")
    (folder / "b.txt").write_text(long, encoding="utf-8")
    (folder / "c.jsonl").write_text("".join(json.dumps({"text": f"第{i}条" * 9}) + "\n" for i in range(60)), encoding="utf-8")
    return long


def test_pieces_of_a_streamed_text_join_to_the_whole(tmp_path, small):
    long = write_mixed(tmp_path / "in")
    sources, rows, result = run(tmp_path / "in", tmp_path / "out", 800)
    assert len(result.parts) > 5
    assert all(part.text_bytes <= 1200 for part in result.parts)
    cut = [row for row in rows if row["source"] == "b.txt"]
    assert "".join(row["text"] for row in cut) == long
    assert [row["piece"] for row in cut] == list(range(len(cut)))
    for before, row in itertools.pairwise(cut):
        assert row["char_base"] == before["char_base"] + len(before["text"])
        assert row["line_base"] == before["line_base"] + before["text"].count("\n")
    assert {row["doc_id"] for row in cut} == {cut[0]["doc_id"]}
    assert {row["source_sha256"] for row in cut} == {hashlib.sha256(long.encode()).hexdigest()}
    assert sources["b.txt"]["record_count"] == 1
    assert sources["b.txt"]["char_count"] == len("".join(long.split()))
    assert sources["c.jsonl"]["record_count"] == 60


@pytest.mark.parametrize("tail", [b"\xff\n", b"\xe4\xbd"])
def test_a_source_that_turns_bad_late_leaves_the_parts_as_without_it(tmp_path, small, tail):
    long = write_mixed(tmp_path / "in")
    _, clean, _ = run(tmp_path / "in", tmp_path / "clean", 800)
    (tmp_path / "in" / "a2.txt").write_bytes(long.encode() + tail)
    sources, rows, result = run(tmp_path / "in", tmp_path / "out", 800)
    assert sources["a2.txt"]["status"] == "quarantined"
    assert sources["a2.txt"]["sha256"] == hashlib.sha256(long.encode() + tail).hexdigest()
    assert rows == clean
    assert sorted(tmp_path.joinpath("out").iterdir()) == [part.path for part in result.parts]
    for part in result.parts:
        assert part.path.read_bytes() == (tmp_path / "clean" / part.path.name).read_bytes()


def test_block_size_changes_no_byte(tmp_path, small, monkeypatch):
    write_mixed(tmp_path / "in")
    results = []
    for block in (7, 64, 5000):
        monkeypatch.setattr(source, "BLOCK", block)
        _, _, result = run(tmp_path / "in", tmp_path / f"out{block}", 800)
        results.append([part.path.read_bytes() for part in result.parts])
    assert results[0] == results[1] == results[2]


def test_a_file_that_changes_while_it_is_read_is_quarantined(tmp_path, monkeypatch):
    make(tmp_path / "in", "a.txt", "b.txt")
    plain = ingest.READERS["txt"]

    def disturbed(feed):
        yield from plain(feed)
        if feed.source.source == "a.txt":
            with feed.source.path.open("a", encoding="utf-8") as file:
                file.write("又来一行\n")

    monkeypatch.setitem(ingest.READERS, "txt", disturbed)
    sources, rows, _ = run(tmp_path / "in", tmp_path / "out")
    assert sources["a.txt"]["error"].startswith("changed_while_reading")
    assert [row["source"] for row in rows] == ["b.txt"]


def test_a_file_that_became_a_pipe_or_vanished_does_not_hang_the_run(tmp_path):
    make(tmp_path / "in", "a.txt", "b.txt")
    cell = ingest.discover([tmp_path / "in"], DEFAULTS)
    for name in ("a.txt", "b.txt"):
        (tmp_path / "in" / name).unlink()
    os.mkfifo(tmp_path / "in" / "a.txt")
    result = ingest.read_cell(cell, DEFAULTS, tmp_path / "out", 1 << 20)
    assert [row["status"] for row in result.sources] == ["quarantined", "quarantined"]
    assert result.parts == []


def test_a_reader_that_fails_unexpectedly_names_the_source_and_goes_on(tmp_path, monkeypatch):
    make(tmp_path / "in", "a.md", "b.txt")

    def broken(feed):
        raise ZeroDivisionError
        yield

    monkeypatch.setitem(ingest.READERS, "md", broken)
    sources, rows, _ = run(tmp_path / "in", tmp_path / "out")
    assert sources["a.md"]["error"] == "reader_failed: ZeroDivisionError"
    assert [row["source"] for row in rows] == ["b.txt"]


def test_a_source_larger_than_the_setting_is_not_read(tmp_path):
    make(tmp_path / "in", "a.txt")
    sources, _, _ = run(tmp_path / "in", tmp_path / "out", options=Input(max_source_bytes=3))
    assert sources["a.txt"]["error"].startswith("too_large: 7 bytes")


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(st.binary(max_size=400), st.sampled_from(sorted(ingest.SUFFIXES)))
def test_any_bytes_under_any_extension_are_survived(tmp_path, data, suffix):
    folder = tmp_path / "any"
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    (folder / f"f{suffix}").write_bytes(data)
    sources, _, _ = run(folder, tmp_path / "out")
    row = sources[f"f{suffix}"]
    assert row["status"] in ("ok", "needs_review", "quarantined", "skipped")
    assert not (row["error"] or "").startswith("reader_failed"), row
