"""Published Parquet files: bytes depend on rows only, damage is noticed, and what no reader could open is never written."""

from __future__ import annotations

from pathlib import Path

import faults
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import snapshot_maker as maker
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.errors import StageError, StorageError
from tasks.store.content import ContentDigest
from tasks.store.files import sha256_of
from tasks.store.schemas import CLUSTERS, DOCUMENTS, PAIRS, PASSAGES, REMOVED, TABLES
from tasks.store.tables import ROW_GROUP, FileInfo, TableWriter, iter_batches, part_paths, read_table

SMALL = pa.schema(
    [
        pa.field("text", pa.string(), metadata={"description": "淘沙"}),
        pa.field("count", pa.int64()),
        pa.field("spans", pa.list_(pa.struct([pa.field("start", pa.int32()), pa.field("name", pa.string())]))),
        pa.field("flag", pa.bool_()),
        pa.field("measured", pa.struct([pa.field("share", pa.float32()), pa.field("number", pa.int32())])),
        pa.field("at", pa.timestamp("us", tz="UTC")),
    ]
)
ROW = st.fixed_dictionaries(
    {
        "text": st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]), max_size=12)),
        "count": st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)),
        "spans": st.one_of(
            st.none(),
            st.lists(
                st.fixed_dictionaries({"start": st.integers(0, 9), "name": st.sampled_from(["甲", "乙", None])}),
                max_size=3,
            ),
        ),
        "flag": st.booleans(),
        "measured": st.one_of(st.none(), st.fixed_dictionaries({"share": st.floats(0, 1, width=32), "number": st.integers(0, 9)})),
        "at": st.one_of(st.none(), st.integers(0, 2**50)),
    }
)


def write(path: Path, table: pa.Table, sizes: list[int]) -> FileInfo:
    """Write `table` in pieces of the given sizes, then the rest."""
    path.unlink(missing_ok=True)
    with TableWriter(path, table.schema) as writer:
        at = 0
        for size in sizes:
            writer.write(table.slice(at, size))
            at += size
        writer.write(table.slice(at))
    return writer.close()


@given(rows=st.lists(ROW, max_size=30), sizes=st.lists(st.integers(0, 9), max_size=6))
@settings(deadline=None, max_examples=60)
def test_bytes_and_digest_depend_on_the_rows_only(
    rows: list[dict[str, object]], sizes: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "rows.parquet"
    table = pa.Table.from_pylist(rows, schema=SMALL)
    whole, pieces = write(path, table, []), write(path, table, sizes)
    assert whole == pieces
    assert whole.sha256 == sha256_of(path)
    assert whole.bytes == path.stat().st_size
    back = pq.read_table(path)
    assert back.equals(table)
    again = ContentDigest()
    again.update(back)
    assert again.hexdigest() == whole.content
    if len(rows) > 1 and rows[0] != rows[-1]:
        turned = pa.Table.from_pylist(rows[::-1], schema=SMALL)
        assert turned.equals(table) or write(path, turned, []).content != whole.content


def test_row_groups_have_the_fixed_size_whatever_the_writes(tmp_path: Path) -> None:
    rows = 2 * ROW_GROUP + 7
    table = pa.table({"text": pa.array([f"第{i}行" for i in range(rows)]), "count": np.arange(rows)})
    one = write(tmp_path / "one.parquet", table, [])
    other = write(tmp_path / "other.parquet", table, [1, ROW_GROUP, 999, ROW_GROUP - 1])
    assert one == other
    metadata = pq.ParquetFile(tmp_path / "other.parquet").metadata
    assert [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)] == [ROW_GROUP, ROW_GROUP, 7]


def test_descriptions_order_and_checksums_are_in_the_file(tmp_path: Path) -> None:
    snapshot = maker.make(tmp_path).snapshot
    for name in ("passages", "removed", "documents"):
        path = snapshot / name / "part-00000.parquet"
        schema = pq.read_schema(path)
        assert schema.equals(TABLES[name][0])
        assert all(schema.field(f.name).metadata == f.metadata for f in TABLES[name][0])
        group = pq.ParquetFile(path).metadata.row_group(0)
        assert group.column(0).compression == "ZSTD"
        if name != "documents":
            order = [group.column(s.column_index).path_in_schema for s in group.sorting_columns]
            assert order == ["source", "record", "char_start"]


def test_an_empty_table_is_one_readable_file_without_rows(tmp_path: Path) -> None:
    (tmp_path / "pairs").mkdir()
    with TableWriter(tmp_path / "pairs" / "part-00000.parquet", PAIRS) as writer:
        pass
    assert writer.close().rows == 0
    assert read_table(tmp_path, "pairs").schema.names == PAIRS.names
    assert len(read_table(tmp_path, "pairs", ["similarity"])) == 0
    assert len(read_table(tmp_path, "clusters")) == 0  # no file at all


def test_parts_are_read_in_name_order(tmp_path: Path) -> None:
    snapshot = maker.make(tmp_path).snapshot
    sources = read_table(snapshot, "passages", ["source"])["source"].to_pylist()
    assert sources == sorted(sources)
    assert sources[-1].startswith("b/")
    assert read_table(snapshot, "passages", ["text", "source"]).column_names == ["text", "source"]
    assert [s for batch in iter_batches(snapshot, "passages", ["source"]) for s in batch["source"].to_pylist()] == sources


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ("count", pa.int32()),
        ("text", pa.large_string()),
        ("at", pa.timestamp("ns", tz="UTC")),
        ("text", pa.dictionary(pa.int32(), pa.string())),
    ],
)
def test_another_type_is_refused_by_name(column: str, kind: pa.DataType, tmp_path: Path) -> None:
    table = SMALL.empty_table()
    index = SMALL.get_field_index(column)
    table = table.set_column(index, column, pa.array([], kind))
    with pytest.raises(StageError, match=f"should be {column}"), TableWriter(tmp_path / "x.parquet", SMALL) as writer:
        writer.write(table)
    assert not (tmp_path / "x.parquet").exists()


@pytest.mark.parametrize("data", [b"\xe6\xb7", b"\xff", b"\xed\xa0\x80", b"ab\xc0\x80"])
def test_bytes_that_are_not_utf8_are_refused(data: bytes, tmp_path: Path) -> None:
    offsets = pa.py_buffer(np.array([0, 3, 3 + len(data)], np.int32))
    bad = pa.StringArray.from_buffers(2, offsets, pa.py_buffer("淘".encode() + data))
    schema = pa.schema([("text", pa.string())])
    with pytest.raises(StageError, match="column text"), TableWriter(tmp_path / "x.parquet", schema) as writer:
        writer.write(pa.table({"text": bad}))


def test_a_row_that_begins_inside_a_character_is_refused(tmp_path: Path) -> None:
    bad = pa.StringArray.from_buffers(2, pa.py_buffer(np.array([0, 1, 3], np.int32)), pa.py_buffer("淘".encode()))
    with pytest.raises(StageError, match="column text"), TableWriter(tmp_path / "x.parquet", pa.schema([("text", pa.string())])) as writer:
        writer.write(pa.table({"text": bad}))


def test_slices_of_larger_columns_are_accepted(tmp_path: Path) -> None:
    table = pa.table({"text": pa.array(["淘", "沙", "金", "𠮷"])}).slice(1, 2)
    assert write(tmp_path / "x.parquet", table, []).rows == 2


@pytest.mark.parametrize("mode", ["enospc", "eio"])
def test_a_failing_write_leaves_no_file_and_says_which(mode: str, tmp_path: Path) -> None:
    for at in range(1, 4):
        path = tmp_path / f"{at}.parquet"
        with pytest.raises(StorageError, match=path.name), TableWriter(path, SMALL, files=faults.Faulty(at, mode)) as writer:
            writer.write(pa.Table.from_pylist([{"text": "淘沙"}], schema=SMALL))
        assert not path.exists()


def test_a_file_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "x.parquet").write_bytes(b"published")
    with pytest.raises(StorageError, match=r"x\.parquet"):
        TableWriter(tmp_path / "x.parquet", SMALL)
    assert (tmp_path / "x.parquet").read_bytes() == b"published"


def test_a_flipped_bit_in_the_data_is_an_error_and_never_wrong_text(tmp_path: Path) -> None:
    snapshot = maker.make(tmp_path).snapshot
    path = snapshot / "passages" / "part-00000.parquet"
    good = path.read_bytes()
    truth = read_table(snapshot, "passages", ["text"])
    end = pq.ParquetFile(path).metadata.row_group(0).column(0).total_compressed_size
    noticed = 0
    for at in range(4, end, max(1, end // 25)):
        path.write_bytes(good[:at] + bytes([good[at] ^ 16]) + good[at + 1 :])
        try:
            assert read_table(snapshot, "passages", ["passage_id"]) is not None
        except StorageError as error:
            assert "part-00000.parquet" in str(error)  # noqa: PT017
            noticed += 1
    assert noticed >= 20
    path.write_bytes(good)
    assert read_table(snapshot, "passages", ["text"]).equals(truth)


def test_other_readers_see_the_same_rows(tmp_path: Path) -> None:
    duckdb, polars = pytest.importorskip("duckdb"), pytest.importorskip("polars")
    snapshot = maker.make(tmp_path).snapshot
    expected = read_table(snapshot, "passages", ["text"])["text"].to_pylist()
    files = [str(path) for path in part_paths(snapshot, "passages")]
    with duckdb.connect() as connection:
        assert [row[0] for row in connection.execute("SELECT text FROM read_parquet(?)", [files]).fetchall()] == expected
        ids = connection.execute("SELECT bool_and(content_id = sha256(text)[1:32]) FROM read_parquet(?)", [files]).fetchall()
    assert ids == [(True,)]
    assert polars.read_parquet(f"{snapshot}/passages/*.parquet")["text"].to_list() == expected


def test_published_schemas_hold_only_types_that_every_reader_knows() -> None:
    allowed = {"string", "int32", "int64", "float", "double", "bool", "timestamp[us, tz=UTC]"}

    def leaves(kind: pa.DataType) -> set[str]:
        if pa.types.is_list(kind):
            return leaves(kind.value_type)
        if pa.types.is_struct(kind):
            return set().union(*(leaves(child.type) for child in kind))
        return {str(kind)}

    for schema in (PASSAGES, REMOVED, DOCUMENTS, CLUSTERS, *(schema for schema, _ in TABLES.values())):
        assert set().union(*(leaves(f.type) for f in schema)) <= allowed
