"""Parts: documents gathered into Arrow IPC files of bounded size, with a way back when a source turns out bad."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tasks.errors import StorageError
from tasks.readers.records import PIECE_BYTES, Piece, scan
from tasks.store.ids import doc_id
from tasks.store.schemas import INT32, INT64, STRING, TIME

#: bytes of text and marks that a part holds at most; its usual size is the setting.
MAX_PART = 32 << 20
#: bytes that a row and a mark count for beside the text, so that a million tiny records are bounded too.
ROW_BYTES, MARK_BYTES = 64, 40

_MARK = pa.struct([("start", INT64), ("end", INT64), ("kind", STRING), ("a", INT64), ("b", INT64)])
#: One row a document, or a piece of a very long one. Offsets of marks are code points of the row's text; `char_base` and
#: `line_base` are the code points and line feeds of the document's earlier pieces.
_COLUMNS: list[tuple[str, Any]] = [
    ("doc_id", STRING), ("source", STRING), ("record", INT64), ("locator", STRING), ("collection", STRING),
    ("piece", INT32), ("char_base", INT64), ("line_base", INT64), ("text", STRING), ("format", STRING),
    ("encoding", STRING), ("source_sha256", STRING), ("title", STRING), ("author", STRING), ("publisher", STRING),
    ("url", STRING), ("published_at", TIME), ("license", STRING), ("marks", pa.list_(_MARK)),
]  # fmt: skip
DOCUMENT_BATCH = pa.schema(_COLUMNS)


@dataclass(frozen=True)
class WrittenPart:
    """A part on disk: its file, rows (documents and pieces) and bytes of text."""

    path: Path
    row_count: int
    text_bytes: int


@dataclass
class Stamp:
    """What all rows of one source share. `sha256` is filled in before any of them is written."""

    source: str
    collection: str
    format: str
    encoding: str | None = None
    sha256: str | None = None


class PartWriter:
    """Collects rows and writes a part whenever they pass `part_bytes`.

    `begin` ... `add` ... `commit` or `rollback` bracket a source: a rollback deletes the parts that the source reached into and
    restores the rows of others that went with them, so the parts are what they would be without it.
    """

    def __init__(self, folder: Path, part_bytes: int) -> None:
        self.folder, self._limit = folder, min(part_bytes, MAX_PART - PIECE_BYTES)
        self._parts: list[WrittenPart] = []
        self._rows: list[tuple[Stamp, Piece]] = []
        self._size = 0
        self._stamp = Stamp("", "", "")
        self._digest: Callable[[], str] = str
        self._saved: tuple[list[tuple[Stamp, Piece]], int] | None = None
        self._mark = self._mark_size = self._mark_parts = self._counted = 0
        self._visible = self._documents = 0

    def begin(self, stamp: Stamp, digest: Callable[[], str]) -> None:
        """Start a source; `digest` gives its SHA-256 ahead of its end, asked for only when it spans parts."""
        self._stamp, self._digest, self._saved = stamp, digest, None
        self._mark, self._mark_size, self._mark_parts = len(self._rows), self._size, len(self._parts)
        self._counted, self._visible, self._documents = len(self._rows), 0, 0

    def add(self, piece: Piece) -> None:
        """Add a row of the source begun."""
        size = len(piece.text) + ROW_BYTES + MARK_BYTES * len(piece.marks)
        if self._rows and self._size + size > MAX_PART:
            self._flush()
        self._rows.append((self._stamp, piece))
        self._size += size
        self._documents += piece.piece == 0
        if self._size >= self._limit:
            self._flush()

    def commit(self, sha256: str) -> tuple[int, int]:
        """End the source; returns its documents and their non-space characters."""
        self._count()
        self._stamp.sha256 = sha256
        return self._documents, self._visible

    def rollback(self) -> None:
        """Forget every row of the source begun."""
        for part in self._parts[self._mark_parts :]:
            part.path.unlink(missing_ok=True)
        del self._parts[self._mark_parts :]
        self._rows = self._saved[0] if self._saved is not None else self._rows[: self._mark]
        self._size, self._saved = self._mark_size, None

    def close(self) -> list[WrittenPart]:
        """Write what is left; returns all parts in order."""
        if self._rows:
            self._write()
        return self._parts

    def _count(self) -> None:
        fresh = [piece for _, piece in self._rows[self._counted :]]
        self._visible += sum(piece.visible for piece in fresh if piece.visible >= 0)
        self._visible += scan(b"".join(piece.text for piece in fresh if piece.visible < 0))[2]
        self._counted = len(self._rows)

    def _flush(self) -> None:
        self._count()
        if self._saved is None:
            self._saved = self._rows[: self._mark], self._mark_size
        if self._stamp.sha256 is None:
            self._stamp.sha256 = self._digest()
        self._write()

    def _write(self) -> None:
        path = self.folder / f"part-{len(self._parts):03d}.arrow"
        batch = to_batch(self._rows)
        try:
            with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, DOCUMENT_BATCH) as writer:
                writer.write_batch(batch)
        except OSError as error:
            raise StorageError(f"{path}: cannot be written ({error.strerror or error})") from error
        self._parts.append(WrittenPart(path, len(self._rows), sum(len(piece.text) for _, piece in self._rows)))
        self._rows, self._size, self._counted = [], 0, 0


def to_batch(rows: list[tuple[Stamp, Piece]]) -> pa.RecordBatch:
    """Arrow record batch of rows."""
    stamps, documents = [s for s, _ in rows], [p for _, p in rows]
    stated = [p.metadata for p in documents]
    columns: dict[str, Any] = {
        "doc_id": [doc_id(s.source, p.record) for s, p in rows],
        "text": _texts([p.text for p in documents]),
        "source_sha256": [s.sha256 for s in stamps],
        "marks": _marks(documents),
    }
    for name in ("source", "collection"):
        columns[name] = [getattr(s, name) for s in stamps]
    for name in ("format", "encoding"):
        columns[name] = [getattr(p, name) or getattr(s, name) for s, p in rows]
    for name in ("record", "locator", "piece", "char_base", "line_base"):
        columns[name] = [getattr(p, name) for p in documents]
    for name in ("title", "author", "publisher", "url", "published_at", "license"):
        columns[name] = [getattr(m, name) for m in stated]
    arrays = [c if isinstance(c := columns[f.name], pa.Array) else pa.array(c, f.type) for f in DOCUMENT_BATCH]
    return pa.RecordBatch.from_arrays(arrays, schema=DOCUMENT_BATCH)


def _texts(texts: list[bytes]) -> pa.StringArray:
    offsets = np.zeros(len(texts) + 1, np.int32)
    np.cumsum([len(t) for t in texts], out=offsets[1:])
    return pa.StringArray.from_buffers(
        len(texts), pa.py_buffer(offsets.tobytes()), pa.py_buffer(texts[0] if len(texts) == 1 else b"".join(texts))
    )


def _marks(documents: list[Piece]) -> Any:
    offsets = np.zeros(len(documents) + 1, np.int32)
    np.cumsum([len(p.marks) for p in documents], out=offsets[1:])
    columns: Any = list(zip(*(m for p in documents for m in p.marks), strict=True)) or [()] * 5
    fields = [pa.array(values, field.type) for values, field in zip(columns, _MARK, strict=True)]
    entries: Any = pa.StructArray.from_arrays(fields, fields=list(_MARK))
    return pa.ListArray.from_arrays(pa.array(offsets, INT32), entries)
