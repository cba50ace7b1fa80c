"""Kept passages of a part -> one row a document, joined as in the source."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tasks.kernels import utf8
from tasks.language import combine
from tasks.reasons import REASONS
from tasks.script import SCRIPTS, label
from tasks.settings import Settings
from tasks.store.schemas import DOCUMENTS
from tasks.store.stage import numbers, whole
from tasks.store.text import I64Array, Texts

_CARRIED = ("doc_id", "source", "record", "locator", "piece", "collection", "source_sha256", "encoding")
_META = ("title", "author", "publisher", "url", "published_at", "license")


def documents(passages: pa.Table, kept: pa.Table, gone: pa.Table, batch: pa.Table, texts: Texts, settings: Settings) -> pa.Table:
    """Rows of `documents` for the documents of which something is kept.

    passages  : published rows; kept : the same rows with their numbers (`doc`, `visible`, `lang_letters`).
    gone      : removed rows with `doc`, `visible` and `reason`; batch, texts : the documents of the part.
    """
    doc = numbers(kept["doc"]).astype(np.int64)
    present, first, count = np.unique(doc, return_index=True, return_counts=True)
    if not len(present):
        return DOCUMENTS.empty_table()
    of = np.repeat(np.arange(len(present)), count)
    total = utf8.count_visible(texts.chars, texts.offsets[present], texts.offsets[present + 1])
    visible = numbers(kept["visible"])
    kept_chars = np.bincount(of, visible, minlength=len(present))
    quality = np.bincount(of, visible * numbers(kept["quality"]).astype(np.float64), minlength=len(present)) / np.maximum(kept_chars, 1)
    text = _joined(passages, of, first, count)
    lang, lang_shares = combine(whole(kept["lang_letters"]), whole(kept["lang"]), of, len(present))
    rows = pa.array(present)
    columns: dict[str, Any] = {
        **{name: whole(batch[name]).take(rows) for name in (*_CARRIED, *_META)},
        "text": text,
        "lang": lang,
        "lang_shares": lang_shares,
        "script": pa.array(SCRIPTS).take(pa.array(label(Texts.from_arrow(text), settings.script))),
        "quality": pa.array(np.round(quality, 4).astype(np.float32)),
        "char_count": pa.array(total),
        "passage_count": pa.array(count.astype(np.int32)),
        "kept_share": pa.array(np.round(kept_chars / np.maximum(total, 1), 4).astype(np.float32)),
        "removed": _removed(gone, present),
        "pipeline_version": passages["pipeline_version"].combine_chunks().take(pa.array(first)),
        "settings_digest": passages["settings_digest"].combine_chunks().take(pa.array(first)),
    }
    arrays = [columns[f.name] if columns[f.name].type == f.type else columns[f.name].cast(f.type) for f in DOCUMENTS]
    return pa.Table.from_arrays(arrays, schema=DOCUMENTS)


def _joined(passages: pa.Table, of: npt.NDArray[Any], first: I64Array, count: I64Array) -> pa.Array:
    """Text of each document: its passages with a blank line between where the source has one, a line break, a space, or nothing."""
    gap = numbers(passages["line_start"])[1:] - numbers(passages["line_end"])[:-1]
    apart = numbers(passages["char_start"])[1:] - numbers(passages["char_end"])[:-1]
    separator = np.where(gap >= 2, 3, np.where(gap == 1, 2, np.where(apart > 0, 1, 0)))
    separator = np.append(separator, 0)
    separator[(first + count - 1)] = 0  # nothing after the last passage of a document
    between = pa.array(["", " ", "\n", "\n\n"]).take(pa.array(separator))
    pieces = pa.chunked_array([passages["text"].combine_chunks(), between]).combine_chunks()
    n = len(of)
    order = np.empty(2 * n, np.int64)
    order[0::2] = np.arange(n)
    order[1::2] = np.arange(n) + n
    offsets = np.append(2 * first, 2 * n).astype(np.int32)
    return pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets), pieces.take(pa.array(order))), "")


def _removed(gone: pa.Table, present: I64Array) -> pa.Array:
    """list<struct<reason, char_count>> of each present document, by reason in order of precedence."""
    doc, reason = numbers(gone["doc"]).astype(np.int64), numbers(gone["reason"])
    position = np.searchsorted(present, doc)
    position = np.minimum(position, len(present) - 1)
    known = present[position] == doc
    table = np.zeros((len(present), len(REASONS)), np.int64)
    np.add.at(table, (position[known], reason[known]), numbers(gone["visible"])[known])
    rows, which = np.nonzero(table)
    offsets = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(present)))]).astype(np.int32)
    values = pa.StructArray.from_arrays(
        [pa.array(REASONS).take(pa.array(which)), pa.array(table[rows, which])], names=["reason", "char_count"]
    )
    return pa.ListArray.from_arrays(pa.array(offsets), values)
