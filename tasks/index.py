"""The global view of all parts: which passage is whose, and the one order in which duplicates are decided.

Passages are numbered over all parts in published order (source, record, char_start); this number is a passage's `gid`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tasks.provenance import with_provenance
from tasks.readers.parts import DOCUMENT_BATCH
from tasks.settings import Settings
from tasks.store.schemas import PASSAGES
from tasks.store.stage import numbers, read_table, whole
from tasks.store.text import BoolArray, I32Array, I64Array, Texts

#: Dates that sort after every real one.
_UNKNOWN_DATE = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Part:
    """Where the stage files of one part are. `measured` : what the language model says of it, once it has spoken (tasks.perplexity)."""

    documents: Path
    notes: Path
    measured: Path | None = None


@dataclass(frozen=True)
class Index:
    """Numbers of all passages and documents of a run.

    passage_base : (parts + 1,) int64, first gid of each part.
    doc_base     : (parts + 1,) int64, first document row of each part.
    doc          : (passages,) int64, global document row of each passage.
    doc_rank     : (docs,) int64, place of each document row in the global order.
    collection   : (docs,) int32 into `collections`.
    """

    parts: list[Part]
    passage_base: I64Array
    doc_base: I64Array
    doc: I64Array
    doc_rank: I64Array
    collection: I32Array
    collections: list[str]

    @cached_property
    def order(self) -> I64Array:
        """All gids in global order: by rank of the document, then position."""
        return np.argsort(self.doc_rank[self.doc], kind="stable")

    @cached_property
    def rank(self) -> I64Array:
        """(passages,) int64, place of each passage in the global order."""
        rank = np.empty(len(self.doc), np.int64)
        rank[self.order] = np.arange(len(self.doc))
        return rank

    @cached_property
    def _passages(self) -> list[pa.Table]:
        """The annotated passages of each part, mapped."""
        return [read_table(part.notes / "passages.arrow") for part in self.parts]

    @cached_property
    def _matches(self) -> list[pa.Table]:
        """What matching keeps of the passages of each part, mapped."""
        return [read_table(part.notes / "match.arrow") for part in self.parts]

    def part_of(self, gids: I64Array) -> I64Array:
        """Part of each passage."""
        return np.searchsorted(self.passage_base, gids, side="right") - 1

    def column(self, table: str, name: str) -> npt.NDArray[Any]:
        """A fixed-width column of `passages` or `match` over all parts."""
        return np.concatenate([numbers(read_table(part.notes / f"{table}.arrow")[name]) for part in self.parts] or [np.empty(0)])

    def document_column(self, name: str) -> npt.NDArray[Any]:
        """A fixed-width column of the document rows over all parts."""
        return np.concatenate([numbers(read_table(part.documents)[name]) for part in self.parts] or [np.empty(0, np.int64)])

    def flags(self, table: str, name: str) -> BoolArray:
        """A boolean column over all parts."""
        return self.column(table, name).astype(np.bool_)

    def lookup(self, gids: I64Array, names: list[str]) -> pa.Table:
        """Columns of `passages` for the named passages, in their order."""
        if not len(gids):
            return self._passages[0].select(names).slice(0, 0) if self.parts else PASSAGES.empty_table().select(names)
        part = self.part_of(gids)
        pieces, positions = [], []
        for number in np.unique(part):
            chosen = np.flatnonzero(part == number)
            table = self._passages[number].select(names)
            pieces.append(table.take(pa.array(gids[chosen] - self.passage_base[number])))
            positions.append(chosen)
        back = np.argsort(np.concatenate(positions), kind="stable")
        return pa.concat_tables(pieces).take(pa.array(back)).combine_chunks()

    def texts(self, gids: I64Array) -> Texts:
        """Clean texts before script conversion, which matching folds, of passages in ascending order."""
        pieces = []
        part = self.part_of(gids)
        for number in np.unique(part).tolist():
            rows = pa.array(gids[part == number] - self.passage_base[number])
            pieces.append(clean_texts(self._matches[number], self._passages[number], rows))
        return Texts.from_arrow(pa.concat_arrays(pieces) if pieces else pa.array([], pa.string()))

    def places(self, docs: I64Array) -> pa.Table:
        """Columns source, record, locator, doc_id of the named document rows, in their order."""
        names = ["source", "record", "locator", "doc_id", "collection", "published_at"]
        tables = [_stated(part).select(names) for part in self.parts] or [DOCUMENT_BATCH.empty_table().select(names)]
        return pa.concat_tables(tables).combine_chunks().take(pa.array(docs))


def clean_texts(match: pa.Table, passages: pa.Table, rows: pa.Array) -> pa.Array:
    """Clean texts before script conversion of the named rows of a part."""
    return pc.coalesce(whole(match["clean"]).take(rows), whole(passages["text"]).take(rows))


def build(parts: list[Part], settings: Settings) -> Index:
    """Index of the annotated parts, in published order."""
    documents = [_stated(part) for part in parts]
    passages = [read_table(part.notes / "passages.arrow") for part in parts]
    doc_base = np.cumsum([0, *(len(table) for table in documents)]).astype(np.int64)
    passage_base = np.cumsum([0, *(len(table) for table in passages)]).astype(np.int64)
    doc = np.concatenate([numbers(table["doc"]) + base for table, base in zip(passages, doc_base, strict=False)] or [np.empty(0, np.int64)])
    names = [name for table in documents for name in table["collection"].to_pylist()]
    collections = sorted(set(names))
    place = {name: i for i, name in enumerate(collections)}
    collection = np.fromiter((place[name] for name in names), np.int32, len(names))
    trust = {name: i for i, name in enumerate([*settings.input.priority, *(c for c in collections if c not in settings.input.priority)])}
    priority = np.array([trust[name] for name in collections], np.int64)[collection] if len(names) else np.empty(0, np.int64)
    dates = np.concatenate([_dates(table["published_at"]) for table in documents] or [np.empty(0, np.int64)])
    lengths = np.concatenate([_lengths(table["text"]) for table in documents] or [np.empty(0, np.int64)])
    lengths = _of_whole_documents(lengths, documents)
    by_order = np.lexsort((np.arange(len(names)), -lengths, dates, priority))
    rank = np.empty(len(names), np.int64)
    rank[by_order] = np.arange(len(names))
    return Index(parts, passage_base, doc_base, doc.astype(np.int64), rank, collection, collections)


def _stated(part: Part) -> pa.Table:
    """Documents of a part with all that is known of their provenance."""
    return with_provenance(read_table(part.documents), part.notes)


def _of_whole_documents(lengths: I64Array, documents: list[pa.Table]) -> I64Array:
    """Length of the document that each row is all or a piece of: pieces of one document stay together in the order."""
    if not len(lengths):
        return lengths
    piece = np.concatenate([numbers(table["piece"]) for table in documents])
    owner = np.maximum(np.cumsum(piece == 0) - 1, 0)
    return np.bincount(owner, lengths).astype(np.int64)[owner]


def _dates(column: pa.ChunkedArray) -> I64Array:
    """Microseconds since 1970; unknown sorts last."""
    return column.combine_chunks().cast(pa.int64()).fill_null(_UNKNOWN_DATE).to_numpy(zero_copy_only=False)


def _lengths(column: pa.ChunkedArray) -> I64Array:
    return pc.utf8_length(column).combine_chunks().cast(pa.int64()).to_numpy(zero_copy_only=False)
