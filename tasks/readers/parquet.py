"""parquet: a record a row, streamed by row groups in small batches; only the columns that are asked for are read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.decode import Encoding
from tasks.errors import Quarantine
from tasks.readers.records import NOTHING, Piece, in_pieces, map_fields, metadata, utf8
from tasks.readers.source import Feed

#: rows and bytes of text that are held at a time.
BATCH_ROWS, BATCH_BYTES = 1024, 32 << 20


def read(feed: Feed) -> Iterator[Piece]:
    """One document a row that holds text. Whatever pyarrow raises about a damaged file quarantines the source."""
    feed.encoding = Encoding("utf-8", "format")
    feed.drain()  # the digest needs the bytes in order, the reader wants them in its own
    with feed.file() as file:
        try:
            yield from _rows(file, feed)
        except (pa.ArrowException, OSError, ValueError, MemoryError, OverflowError) as error:
            raise Quarantine("corrupt_parquet", type(error).__name__) from error


def _rows(file: Any, feed: Feed) -> Iterator[Piece]:
    notes = feed.notes
    table = pq.ParquetFile(file, memory_map=False, pre_buffer=False, buffer_size=1 << 20, page_checksum_verification=True)
    schema = table.schema_arrow
    usable = [f.name for f in schema if _is_string(f.type) or pa.types.is_temporal(f.type)]
    role = map_fields([n for n in usable if schema.names.count(n) == 1], feed.settings.text_fields)
    if "text" not in role or not _is_string(schema.field(role["text"]).type):
        raise Quarantine("no_text_field", f"no string column is named {', '.join(feed.settings.text_fields)}")
    for name in schema.names:
        if name not in role.values():
            notes.omit(f"field {utf8(name, notes).decode()[:64]}", table.metadata.num_rows)
    number = -1
    for batch in table.iter_batches(_batch_rows(table.metadata), columns=list(role.values())):
        batch.validate(full=True)  # pyarrow hands on strings that are not UTF-8 unless asked
        columns = {key: batch.column(name).to_pylist() for key, name in role.items()}
        texts = columns.pop("text")
        for row, text in enumerate(texts):
            number += 1
            notes.records += 1
            if text is None or not text or text.isspace():
                notes.omit("record_without_text" if text is None else "empty_record")
                continue
            stated = metadata({key: _string(column[row]) for key, column in columns.items()}, notes) if columns else NOTHING
            document = Piece(number, f"row {number + 1}", utf8(text, notes), stated)
            yield from in_pieces(document)


def _batch_rows(about: pq.FileMetaData) -> int:
    groups = (about.row_group(i) for i in range(about.num_row_groups))
    widest = max((group.total_byte_size // max(group.num_rows, 1) for group in groups), default=0)
    return max(1, min(BATCH_ROWS, BATCH_BYTES // max(widest, 1)))


def _is_string(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _string(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return value.isoformat() if isinstance(value, datetime | date) else str(value)
