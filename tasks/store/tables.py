"""Parquet files as they are published: written with fixed row groups and checksums, read with the checksums verified.

A table file's bytes depend on its rows only, never on the sizes in which they were handed over.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.errors import StageError, StorageError
from tasks.store.content import ContentDigest, string_range
from tasks.store.files import BLOCK, FILES, Files, storage
from tasks.store.schemas import TABLES

#: Rows of a row group; only the last one of a file has fewer. DuckDB's own default, a multiple of its vector size.
ROW_GROUP = 122_880
#: Text columns: nobody filters by them, and their minima and maxima would swell the page index.
LONG_TEXT = frozenset({"text", "raw", "exemplar_text", "evidence", "skeleton"})
#: Columns with hardly a value twice. A dictionary of them is built, found too large and thrown away.
UNIQUE = frozenset({"text", "raw", "passage_id", "content_id", "parent_id", "signature"})


@dataclass(frozen=True)
class FileInfo:
    """A written file. `sha256` is of the bytes meant to be written, so that a disk that lies is noticed when they are read.

    `content` is the digest of the rows alone, the same whatever the encoder (see tasks/store/content.py).
    """

    rows: int
    bytes: int
    sha256: str
    content: str


class _Sink:
    """File object for pyarrow: counts, hashes and writes in blocks what passes; once closed or abandoned it swallows everything."""

    def __init__(self, path: Path, files: Files) -> None:
        self.path, self.files = path, files
        self.fd: int | None = files.create(path)
        self.digest, self.size = hashlib.sha256(), 0
        self._held = bytearray()

    @property
    def closed(self) -> bool:
        return False

    def write(self, data: bytes) -> int:
        if self.fd is not None:
            self.size += len(data)
            self._held += data  # pyarrow writes a few bytes here, a page there
            if len(self._held) >= BLOCK:
                self._flush(self.fd)
        return len(data)

    def _flush(self, fd: int) -> None:
        block, self._held = self._held, bytearray()
        self.files.write(fd, memoryview(block), self.path)
        self.digest.update(block)

    def tell(self) -> int:
        return self.size

    def flush(self) -> None:
        pass

    def close(self) -> None:
        if self.fd is not None:
            self._flush(self.fd)
            fd, self.fd = self.fd, None
            self.files.close(fd, self.path)


class TableWriter:
    """Writes one Parquet file; a context manager. On an exception the unfinished file is removed.

    path    : a new file; the folder must exist.
    schema  : of tasks/store/schemas.py; every write must have exactly these columns and types.
    sort_by : columns whose ascending order the rows already have, noted in the file.

    Holds at most one row group and one write in memory. Nothing is fsynced here: tasks/publish.py does it for all files.
    A file without rows is valid for all readers but Hugging Face `datasets`, which raises on it; the dataset card says so.
    """

    def __init__(self, path: Path, schema: pa.Schema, sort_by: Sequence[str] = (), files: Files = FILES) -> None:
        self.path, self.schema, self.files = path, schema, files
        self.info: FileInfo | None = None
        self._pending: list[pa.Table] = []
        self._pending_rows = self._rows = 0
        self._content = ContentDigest()
        with storage(f"writing {path.name}"):
            self._sink = _Sink(path, files)
        self._writer = pq.ParquetWriter(cast(Any, self._sink), schema, **_options(schema, sort_by))

    def __enter__(self) -> TableWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self.close()
        elif self.info is None:
            self._abandon()

    def write(self, rows: pa.Table | pa.RecordBatch) -> None:
        """Add rows. Raises StageError when columns or types differ from the schema or a string is not UTF-8."""
        table = pa.Table.from_batches([rows]) if isinstance(rows, pa.RecordBatch) else rows
        if not table.schema.equals(self.schema):
            raise StageError(f"{self.path.name}: rows do not have the table's schema: {_difference(table.schema, self.schema)}")
        for field, column in zip(self.schema, table.columns, strict=True):
            if pa.types.is_string(field.type):
                for chunk in column.chunks:
                    _check_utf8(chunk, f"{self.path.name}: column {field.name}")
        self._pending.append(pa.Table.from_arrays(table.columns, schema=self.schema))
        self._pending_rows += len(table)
        while self._pending_rows >= ROW_GROUP:
            whole = pa.concat_tables(self._pending)
            self._write_group(whole.slice(0, ROW_GROUP))
            self._pending = [whole.slice(ROW_GROUP)]
            self._pending_rows -= ROW_GROUP

    def close(self) -> FileInfo:
        """Write the rest and the footer; the file is complete (but not yet fsynced)."""
        if self.info is not None:
            return self.info
        if self._pending_rows or not self._rows:
            self._write_group(pa.concat_tables(self._pending) if self._pending else self.schema.empty_table())
        self._pending = []
        with self._guarded():
            self._writer.close()
            self._sink.close()
        self.info = FileInfo(self._rows, self._sink.size, self._sink.digest.hexdigest(), self._content.hexdigest())
        return self.info

    def _write_group(self, table: pa.Table) -> None:
        # One chunk a column: page boundaries follow chunks, and bytes must not depend on the sizes of the writes.
        table = table.combine_chunks()
        self._content.update(table)
        with self._guarded():
            self._writer.write_table(table, row_group_size=ROW_GROUP)
        self._rows += len(table)

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Turn a failing write into a StorageError, after removing what was written."""
        try:
            with storage(f"writing {self.path.name}"):
                yield
        except StorageError:
            self._abandon()
            raise

    def _abandon(self) -> None:
        """Leave no half-written file: stop writing, close, remove. A failure here adds nothing to the one that led here."""
        fd, self._sink.fd = self._sink.fd, None
        self._pending = []
        try:
            self._writer.close()  # into nothing; otherwise its destructor would write a footer later
            if fd is not None:
                self.files.close(fd, self.path)
            self.files.unlink(self.path)
        except OSError:
            return


def _options(schema: pa.Schema, sort_by: Sequence[str]) -> dict[str, Any]:
    leaves = [(field.name, leaf) for field in schema for leaf in _leaves(field.name, field.type)]
    return {
        "compression": "zstd",
        # Level 3 pays on running text only: on ids, numbers and names level 1 was 7 % faster over all and a little smaller.
        "compression_level": {leaf: 3 if name in LONG_TEXT else 1 for name, leaf in leaves},
        "use_dictionary": [leaf for name, leaf in leaves if name not in UNIQUE] or False,
        "write_statistics": [leaf for name, leaf in leaves if name not in LONG_TEXT and "." not in leaf] or False,
        "write_page_index": True,
        "write_page_checksum": True,
        "use_content_defined_chunking": True,
        "data_page_version": "1.0",
        "store_schema": True,
        "sorting_columns": pq.SortingColumn.from_ordering(schema, [(name, "ascending") for name in sort_by]) if sort_by else None,
    }


def _leaves(path: str, kind: pa.DataType) -> list[str]:
    """Paths of the Parquet columns that an Arrow column becomes."""
    if pa.types.is_struct(kind):
        return [leaf for child in kind for leaf in _leaves(f"{path}.{child.name}", child.type)]
    if pa.types.is_list(kind):
        return _leaves(f"{path}.list.element", kind.value_type)
    return [path]


def _difference(found: pa.Schema, expected: pa.Schema) -> str:
    """The first column that differs, for a message."""
    for index, field in enumerate(expected):
        other = found.field(index) if index < len(found) else None
        if other is None or other.name != field.name or other.type != field.type:
            return (
                f"column {index} should be {field.name}: {field.type}, found {other.name + ': ' + str(other.type) if other else 'nothing'}"
            )
    return f"{len(found)} columns, expected {len(expected)}"


def _check_utf8(array: Any, what: str) -> None:
    """Raise StageError unless every row is UTF-8: pyarrow writes bad bytes without complaint, and then no reader opens them.

    The data buffer is checked as if it were one row (five times faster than row by row), and no row may start inside a character.
    """
    first, last = string_range(array)
    if first == last:
        return
    data = array.buffers()[2]
    offsets = np.frombuffer(array.buffers()[1], np.int32)[array.offset : array.offset + len(array)]
    whole = pa.LargeStringArray.from_buffers(1, pa.py_buffer(np.array([first, last], np.int64).tobytes()), data)
    starts = offsets[offsets < last]
    try:
        whole.validate(full=True)
        if not ((np.frombuffer(data, np.uint8)[starts] & 0xC0) == 0x80).any():
            return
        array.validate(full=True)
    except pa.ArrowInvalid:
        try:
            array.validate(full=True)  # names the row; bytes under null rows do not count
        except pa.ArrowInvalid as error:
            raise StageError(f"{what}: {error}") from error


def part_paths(snapshot: Path, name: str) -> list[Path]:
    """Files of a table, in order."""
    return sorted((snapshot / name).glob("*.parquet"))


def iter_batches(snapshot: Path, name: str, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Rows of a published table in order, a batch at a time; page checksums are verified.

    Raises StorageError naming the file when its bytes are damaged.
    """
    for path in part_paths(snapshot, name):
        try:
            with pq.ParquetFile(path, page_checksum_verification=True) as file:
                for batch in file.iter_batches(batch_size=1 << 14, columns=columns):
                    yield batch.select(columns) if columns is not None else batch  # Parquet gives the file's order
        except (pa.ArrowException, OSError) as error:
            raise StorageError(f"{name}/{path.name}: {error}. Run `taosha verify`; a fresh run restores the snapshot.") from error


def read_table(snapshot: Path, name: str, columns: list[str] | None = None) -> pa.Table:
    """A published table, or some columns of it, in memory; page checksums are verified."""
    schema = TABLES[name][0]
    if columns is not None:
        schema = pa.schema([schema.field(column) for column in columns])
    tables = [read_file(path, columns) for path in part_paths(snapshot, name)]
    # An older snapshot of the same schema version has fewer columns, which is no reason not to read it.
    return pa.concat_tables(tables) if tables else schema.empty_table()


def read_file(path: Path, columns: list[str] | None = None) -> pa.Table:
    """One file of a table; page checksums are verified. Raises StorageError when its bytes are damaged."""
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            table = file.read(columns=columns)
            return table.select(columns) if columns is not None else table
    except (pa.ArrowException, OSError) as error:
        raise StorageError(f"{path.parent.name}/{path.name}: {error}. Run `taosha verify`; a fresh run restores the snapshot.") from error
