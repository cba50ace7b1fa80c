"""Passages that share a stretch of text although they are not alike as wholes: aligned blocks, and whole passages inside others.

Works on the raw text of passages, because positions in it are what is published. Its fold is that of the clean text but for the few
passages where normalization changed more than the fold looks past (mojibake); those are aligned too, and never taken for contained.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.align import Placed, align_rows, inside, placed
from tasks.exact import jaccard
from tasks.index import Index
from tasks.kernels import utf8
from tasks.kernels.inside import chunk_ends
from tasks.memory import Memory
from tasks.settings import Matching
from tasks.sketch import fold_digests
from tasks.store.stage import numbers, whole
from tasks.store.text import BoolArray, I32Array, I64Array, Texts

#: tokens. Passages of as much text are folded at once: about 130 bytes a token, with what aligning needs.
CHUNK = 1 << 20


@dataclass(frozen=True)
class _Chunk:
    """Pairs chosen[i] of a list, their passages' raw text folded, and the rows of both sides there."""

    chosen: I64Array
    gids: I64Array
    texts: Texts
    column: Placed
    left: I64Array
    right: I64Array


def raw_texts(index: Index, gids: I64Array) -> Texts:
    """Text of passages as it stands in the source."""
    rows = index.lookup(gids, ["text", "raw"])
    return Texts.from_arrow(pc.coalesce(whole(rows["raw"]), whole(rows["text"])))


def _chunks(index: Index, left: I64Array, right: I64Array, tokens: I32Array, settings: Matching) -> Iterator[_Chunk]:
    """Pairs of passages (gids), those that begin with the same passage together."""
    order = np.lexsort((right, left))
    for chosen in np.split(order, chunk_ends(left[order], right[order], tokens, CHUNK)):
        gids, rows = np.unique(np.concatenate([left[chosen], right[chosen]]), return_inverse=True)
        texts = raw_texts(index, gids)
        rows = rows.astype(np.int64)
        yield _Chunk(chosen, gids, texts, placed(texts, settings), rows[: len(chosen)], rows[len(chosen) :])


def remembered(index: Index, left: I64Array, right: I64Array, settings: Matching, counters: dict[str, int], memory: Memory) -> pa.Table:
    """What `overlaps` gives, with the blocks of pairs that the last run aligned taken from there."""
    order = np.lexsort((right, left))
    left, right = left[order], right[order]
    crowded, known = memory.recall("aligned", left, right)
    fresh, crowded[~known] = overlaps(index, left[~known], right[~known], settings)
    memory.keep("aligned", left, right, crowded)
    tables = [fresh]
    if memory.blocks is not None:
        a, b = (numbers(memory.blocks[name]) for name in ("passage_a", "passage_b"))
        asked = (left[known].astype(np.uint64) << np.uint64(32)) | right[known].astype(np.uint64)
        tables.append(memory.blocks.filter(pa.array(np.isin((a.astype(np.uint64) << np.uint64(32)) | b.astype(np.uint64), asked))))
    rows = pa.concat_tables(tables).combine_chunks()
    by_pair = np.lexsort((np.arange(len(rows)), numbers(rows["passage_b"]), numbers(rows["passage_a"])))
    counters.update(aligned=len(left), crowded=int(crowded.sum()), blocks=len(rows))
    return rows.take(pa.array(by_pair)).combine_chunks()


def overlaps(index: Index, left: I64Array, right: I64Array, settings: Matching) -> tuple[pa.Table, BoolArray]:
    """Blocks that pairs of passages share: the rows of `blocks.arrow`, by passage and place; and (n,) the pairs that were crowded.

    left, right : (n,) int64 gids. Columns: both gids, the span on each side in code points of the passage, its length in tokens, the
    line feeds before it and in it, its visible characters, the tokens that are equal, and the exact similarity of the spans.
    """
    tokens = index.column("match", "tokens").astype(np.int32)
    tables = []
    crowded = np.zeros(len(left), np.bool_)
    for chunk in _chunks(index, left, right, tokens, settings):
        found = align_rows(chunk.column, chunk.left, chunk.right, settings)
        crowded[chunk.chosen] = found.crowded
        sides = {}
        spans = []
        feeds = np.concatenate([[0], np.cumsum(chunk.texts.chars == 10)]).astype(np.int64)
        for side, rows, start, end, length in (
            ("a", chunk.left, found.a_start, found.a_end, found.a_tokens),
            ("b", chunk.right, found.b_start, found.b_end, found.b_tokens),
        ):
            base = chunk.texts.offsets[rows[found.pair]]
            sides[side] = {
                f"passage_{side}": chunk.gids[rows[found.pair]],
                f"start_{side}": start,
                f"end_{side}": end,
                f"tokens_{side}": length,
                f"lines_before_{side}": feeds[base + start] - feeds[base],
                f"lines_inside_{side}": feeds[base + end] - feeds[base + start],
                f"visible_{side}": utf8.count_visible(chunk.texts.chars, base + start, base + end),
            }
            spans.append(chunk.texts.take_spans(base + start, base + end))
        similarity = jaccard(spans[0], spans[1], settings)
        tables.append(pa.table({**sides["a"], **sides["b"], "tokens": found.tokens, "similarity": similarity}))
    return pa.concat_tables(tables).combine_chunks(), crowded


def whole_inside(index: Index, small: I64Array, large: I64Array, settings: Matching) -> BoolArray:
    """(n,) bool: the whole fold of passage small[i] stands in that of passage large[i]; false where the raw text does not prove it."""
    out = np.zeros(len(small), np.bool_)
    stored = index.column("match", "fold")
    tokens = index.column("match", "tokens").astype(np.int32)
    for chunk in _chunks(index, small, large, tokens, settings):
        column = chunk.column
        proved = fold_digests(chunk.texts, settings) == stored[chunk.gids]
        out[chunk.chosen] = inside(column, chunk.left, chunk.right) & proved[chunk.left] & proved[chunk.right]
    return out
