"""Published rows again from their raw text: what `verify` compares with what stands on disk."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.describe import rewrite
from tasks.segment import KINDS
from tasks.settings import Settings
from tasks.store.stage import whole
from tasks.store.text import BoolArray, Texts, U8Array


def replay(table: pa.Table, settings: Settings) -> pa.StringArray:
    """Text of each row of `passages` computed again from raw (or text, where raw is null), kind and edits.

    That a passage was unwrapped stands in its edits; everything else follows from the settings.
    """
    _, text, _ = _rewritten(table, settings)
    return text.to_arrow()


def clean(table: pa.Table, settings: Settings) -> Texts:
    """Clean text before script conversion, from raw: what matching folds. Works on `passages` and on `removed`."""
    return _rewritten(table, settings)[0]


def _rewritten(table: pa.Table, settings: Settings) -> tuple[Texts, Texts, np.ndarray]:
    texts, wrapped, kinds = inputs(table)
    clean_text, converted, counts, _ = rewrite(texts.chars, texts.offsets[:-1], texts.offsets[1:], wrapped, kinds, settings)
    return clean_text, converted.texts, counts


def inputs(table: pa.Table) -> tuple[Texts, BoolArray, U8Array]:
    """Raw text of rows, whether their line breaks were joined, and the number of their kind: what their text follows from."""
    raw = whole(table["raw"])
    if "text" in table.column_names:
        raw = pc.coalesce(raw.cast(pa.string()), whole(table["text"]))
    texts = Texts.from_arrow(raw)
    kinds = pc.index_in(whole(table["kind"]), value_set=pa.array(KINDS)).to_numpy().astype(np.uint8)
    wrapped = np.zeros(len(table), np.bool_)
    if "edits" in table.column_names and len(table):
        edits = whole(table["edits"])
        names = edits.flatten().field("name")
        rows = pc.list_parent_indices(edits)
        wrapped[rows.filter(pc.equal(names, "unwrap")).to_numpy()] = True
    return texts, wrapped, kinds
