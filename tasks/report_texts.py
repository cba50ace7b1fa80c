"""Texts and contexts that the report shows, read once, for just the spans it shows."""

from __future__ import annotations

import bisect
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute

from tasks.store.text import I64Array
from tasks.summary import scan, source_text

pc: Any = pyarrow.compute  # the stubs type most of its functions too narrowly
Row = dict[str, Any]
PLACE = ["source", "record", "doc_id", "char_start", "char_end", "line_start", "line_end"]
_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


#: Code points read on each side of a span, so that `Limits.context` visible ones remain after trimming.
_MARGIN = 160


@dataclass(frozen=True)
class Copy:
    """One place of a repeated text, with what stands around it."""

    place: Row
    text: str
    before: str
    after: str
    lang: str
    similarity: float | None = None
    verdict: str = ""
    kind: str = ""
    estimate: float | None = None
    date: str = ""
    passage_id: str = ""
    contents: tuple[str, ...] = ()
    time_ms: int | None = None
    containment: tuple[float, float] | None = None  # share of this one in the first, and of the first in this one


@dataclass(frozen=True)
class Limits:
    """How much of a snapshot one page holds. Characters are code points, the rest are rows."""

    families: int = 500
    clusters: int = 500
    members: int = 50
    rules: int = 300
    examples: int = 12
    sources: int = 500
    text: int = 2000
    context: int = 80
    characters: int = 3_000_000
    listed: int = 25_000
    documents: int = 150
    documents_chars: int = 400_000


class Best:
    """The first `limit` rows of each group in a given order, chosen over a stream of tables.

    order    : (column, "ascending" or "descending") within a group.
    distinct : of rows of a group with equal values in this column only the first counts.
    """

    def __init__(self, group: str, order: list[tuple[str, str]], limit: int, distinct: str = "") -> None:
        self.group, self.limit, self.distinct = group, limit, distinct
        self.order = [(group, "ascending"), *order]
        self.table: pa.Table | None = None

    def add(self, rows: Any) -> None:
        """Offer rows. Nulls in the grouping column are a group of their own."""
        rows = rows.set_column(rows.column_names.index(self.group), self.group, pc.fill_null(rows[self.group], ""))
        self.table = self._chosen(rows) if self.table is None else self._chosen(pa.concat_tables([self.table, self._chosen(rows)]))

    def _chosen(self, rows: pa.Table) -> pa.Table:
        order = pc.sort_indices(rows, sort_keys=self.order).to_numpy()
        if not len(order):
            return rows
        if self.distinct:
            # The best row of each value; a value once pushed out by better ones stays out, so batches do not matter.
            values = pc.binary_join_element_wise(rows[self.group], pc.fill_null(rows[self.distinct], ""), "\n").take(order)
            codes = values.combine_chunks().dictionary_encode().indices.to_numpy()
            order = order[np.sort(np.unique(codes, return_index=True)[1])]
        groups = rows[self.group].take(order).combine_chunks()
        first = np.concatenate([[True], pc.not_equal(groups[1:], groups[:-1]).to_numpy(zero_copy_only=False)])
        at = np.arange(len(order))
        rank = at - np.maximum.accumulate(np.where(first, at, 0))
        return rows.take(order[rank < self.limit])

    def rows(self) -> list[Row]:
        """The chosen rows, by group and order."""
        return [] if self.table is None else self.table.to_pylist()

    def groups(self) -> dict[str, list[Row]]:
        """The chosen rows of each group."""
        found: dict[str, list[Row]] = defaultdict(list)
        for row in self.rows():
            found[row[self.group]].append(row)
        return found


class Piece(NamedTuple):
    """Part of a row's source text that was asked for."""

    start: int
    end: int
    text: str
    lang: str
    family: str
    content: str
    time_ms: int | None


class Texts:
    """Source text of chosen spans and of what surrounds them, put together from the rows of `passages` and `removed`.

    Say `want` for every span first, then `load` once: two passes over the texts, whatever is asked.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._windows: dict[str, list[tuple[int, int]]] = defaultdict(list)
        self._pieces: dict[str, list[Piece]] = defaultdict(list)

    def want(self, place: Row) -> None:
        """Ask for a span (`doc_id`, `char_start`, `char_end`) and its surroundings."""
        start, end = place["char_start"], place["char_end"]
        cut = min(end, start + self.limits.text)
        windows = self._windows[place["doc_id"]]
        windows.append((max(start - _MARGIN, 0), cut))
        windows.append((end, end + _MARGIN) if cut < end else (cut, end + _MARGIN))

    def load(self, snapshot: Path) -> None:
        """Read what was asked for."""
        docs = sorted(self._windows)
        if not docs:
            return
        known, keys = pa.array(docs), self._keys(docs)
        columns = ["doc_id", "char_start", "char_end", "raw", "family_id", "content_id"]
        for table, extra in (("passages", ["text", "lang", "time_start_ms"]), ("removed", [])):
            for batch in scan(snapshot, table, [*columns, *extra], pc.field("doc_id").isin(pa.array(docs, pa.string()))):
                self._take(batch, known, keys, table == "passages")
        for pieces in self._pieces.values():
            pieces.sort(key=lambda piece: piece[:3])

    def _keys(self, docs: list[str]) -> tuple[I64Array, I64Array]:
        """Merged windows of all documents as two sorted columns of keys (document number, code point)."""
        starts, ends = [], []
        for number, doc in enumerate(docs):
            merged: list[list[int]] = []
            for start, end in sorted(self._windows[doc]):
                if merged and start <= merged[-1][1]:
                    merged[-1][1] = max(merged[-1][1], end)
                else:
                    merged.append([start, end])
            self._windows[doc] = [(a, b) for a, b in merged]
            starts += [(number << 40) + a for a, _ in merged]
            ends += [(number << 40) + b for _, b in merged]
        return np.array(starts, np.int64), np.array(ends, np.int64)

    def _take(self, batch: Any, known: Any, keys: tuple[I64Array, I64Array], kept: bool) -> None:
        numbers = pc.index_in(batch["doc_id"], known).to_numpy().astype(np.int64) << 40
        begins = numbers + batch["char_start"].to_numpy()
        stops = numbers + batch["char_end"].to_numpy()
        # A row is asked for when some window begins before its end and ends after its start.
        hits = np.flatnonzero(np.searchsorted(keys[0], stops, "left") > np.searchsorted(keys[1], begins, "right"))
        rows = batch.take(hits)
        texts = source_text(rows) if kept else rows["raw"]
        langs = rows["lang"].to_pylist() if kept else [""] * len(hits)
        times = rows["time_start_ms"].to_pylist() if kept else [None] * len(hits)
        places = zip(*(rows[name].to_pylist() for name in ("doc_id", "char_start", "char_end", "family_id", "content_id")), strict=True)
        for (doc, start, end, family, content), text, lang, time in zip(places, texts, langs, times, strict=True):
            whole = text.as_py() or ""
            windows = self._windows[doc]
            for a, b in windows[bisect.bisect_right(windows, start, key=lambda window: window[1]) :]:
                if a >= end:
                    break
                low, high = max(a, start), min(b, end)
                self._pieces[doc].append(Piece(low, high, whole[low - start : high - start], lang or "", family or "", content, time))

    def between(self, doc: str, start: int, end: int, family: str = "") -> str:
        """Source text of a span, or of its passages that belong to a family; what lies between passages is one line end."""
        found, last = [], -1
        for piece in self._overlapping(doc, start, end):
            if family and piece.family != family:
                continue
            if last not in (-1, piece.start):
                found.append("\n")
            found.append(piece.text[max(start - piece.start, 0) : end - piece.start])
            last = piece.end
        return "".join(found)

    def _overlapping(self, doc: str, start: int, end: int) -> Iterable[Piece]:
        pieces = self._pieces.get(doc, [])
        at = bisect.bisect_right(pieces, start, key=lambda piece: piece.end)
        for piece in pieces[at:]:
            if piece.start >= end:
                return
            yield piece

    def copy(self, place: Row, family: str = "", **facts: Any) -> Copy:
        """The text of a place (of its passages in `family`, where there are any) with what stands around it."""
        doc, start, end, size = place["doc_id"], place["char_start"], place["char_end"], self.limits.context
        cut = min(end, start + self.limits.text)
        text = (self.between(doc, start, cut, family) if family else "") or self.between(doc, start, cut)
        pieces = [piece for piece in self._overlapping(doc, start, end) if piece.end > start]
        langs = [piece.lang for piece in pieces if piece.lang]
        facts.setdefault("contents", tuple(dict.fromkeys(piece.content for piece in pieces if not family or piece.family == family)))
        facts.setdefault("time_ms", next((piece.time_ms for piece in pieces if piece.time_ms is not None), None))
        before = self.between(doc, max(start - _MARGIN, 0), start).strip()[-size:]
        after = self.between(doc, end, end + _MARGIN).strip()[:size]
        return Copy({name: place[name] for name in PLACE}, text, before, after, lang_of(text, langs[0] if langs else ""), **facts)


def lang_of(text: str, lang: str = "") -> str:
    """Value for an HTML `lang` attribute, so that the page picks the right font: what is known, else zh for Han, else nothing.

    >>> lang_of("淘沙"), lang_of("taosha"), lang_of("漉", "zh-Hant"), lang_of("1.5", "und")
    ('zh', '', 'zh-Hant', '')
    """
    if lang and lang != "und":
        return lang
    return "zh" if _HAN.search(text) else ""
