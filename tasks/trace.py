"""From any span of published text to the characters of the source that it came from.

Nothing of this is stored: a row's text follows from its raw text and the settings, so the map is computed again where it is asked for.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from tasks.describe import CODE, rewrite
from tasks.kernels import utf8
from tasks.normalize import clean_by_kernel
from tasks.positions import PositionMap, changed_middle
from tasks.replay import inputs
from tasks.settings import Normalize, Settings
from tasks.store.text import BoolArray, I64Array, Texts, U8Array


def raw_spans(table: pa.Table, rows: I64Array, starts: I64Array, ends: I64Array, settings: Settings) -> tuple[I64Array, I64Array]:
    """Spans of raw text that spans of published text came from.

    table        : rows of `passages` (text, raw, kind, edits). settings : those of the snapshot.
    rows         : (m,) int64, the row of each span; starts, ends : (m,) int64, code points of its `text`, half-open.
    returns      : (m,) int64 twice, code points of its `raw` (of `text` where raw is null); `char_start` added, of the document text.
                   The least span that holds all that the text was made of: what was taken out at its borders is outside, what was
                   taken out between is inside, and a character of a sequence that became another (cafe with a combining accent, 内存条
                   that became 記憶體模組) has all of the sequence.

    >>> rows = {"text": ["头发， 发光"], "raw": [" 頭髮，   發光 "], "kind": ["prose"], "edits": [[{"name": "space", "count": 3}]]}
    >>> start, end = raw_spans(pa.table(rows), np.array([0, 0]), np.array([0, 4]), np.array([2, 6]), Settings())
    >>> start.tolist(), end.tolist()
    ([1, 7], [3, 9])
    """
    chosen, place = np.unique(np.asarray(rows, np.int64), return_inverse=True)
    raw, wrapped, kinds = inputs(table.take(pa.array(chosen)))
    text, positions = trace(raw, wrapped, kinds, settings)
    at, base = text.offsets[:-1][place], raw.offsets[:-1][place]
    begin, end = positions.spans(at + np.asarray(starts, np.int64), at + np.asarray(ends, np.int64))
    limit = raw.lengths[place]
    return np.clip(begin - base, 0, limit), np.clip(end - base, 0, limit)


def trace(raw: Texts, wrapped: BoolArray, kinds: U8Array, settings: Settings) -> tuple[Texts, PositionMap]:
    """Published text of raw rows, and the map from its positions to those of raw."""
    starts, ends = raw.offsets[:-1], raw.offsets[1:]
    clean, converted, _, _ = rewrite(raw.chars, starts, ends, wrapped, kinds, settings)
    first = normalized_positions(raw, clean, wrapped, kinds == CODE, settings.normalize)
    return converted.texts, converted.positions.after_in_rows(first, starts_of(clean), starts)


def normalized_positions(raw: Texts, clean: Texts, wrapped: BoolArray, verbatim: BoolArray, settings: Normalize) -> PositionMap:
    """Map from positions in the normalized rows to those in raw ones.

    Exact, from the kernel itself, but for rows that went through composition or repair of mojibake: these are aligned by least edits.
    """
    starts, ends = raw.offsets[:-1], raw.offsets[1:]
    origins = np.empty(len(raw.chars) + 1, np.int64)
    plain = clean_by_kernel(raw.chars, starts, ends, wrapped, verbatim, settings, origins).texts
    traced = PositionMap.of_origins(origins[: len(plain.chars)], plain.offsets, starts, ends)
    other = np.flatnonzero(~utf8.same_spans(plain.chars, starts_of(plain), plain.offsets[1:], clean.chars, clean.offsets))
    if not len(other):
        return traced
    # Blocks of rows that came out as they are stay, moved by what the other rows grew or shrank.
    blocks = traced.blocks
    row = np.searchsorted(raw.offsets, blocks[:, 2], "right") - 1
    # A block of nothing at a row's end (what was trimmed) has its source in the row; rows without text have all of theirs in it.
    kept = ~np.isin(row, other)
    moved = blocks[kept] + ((clean.offsets - plain.offsets)[row[kept], None] * np.array([1, 1, 0, 0]))
    aligned = [_aligned(raw[i], clean[i]) + np.array([clean.offsets[i]] * 2 + [raw.offsets[i]] * 2) for i in other.tolist()]
    every = np.concatenate([moved, *aligned])
    return PositionMap(every[np.lexsort((every[:, 3], every[:, 1], every[:, 2], every[:, 0]))])


def starts_of(texts: Texts) -> I64Array:
    """(n,) int64, where each row begins."""
    return np.ascontiguousarray(texts.offsets[:-1])


def _aligned(before: str, after: str) -> I64Array:
    """Blocks (m, 4) of a text against what it was made of, by least edits; edits that touch are one."""
    from rapidfuzz.distance import Levenshtein

    first, last, _ = changed_middle(before, after)
    steps = Levenshtein.opcodes(after[first : len(after) - last], before[first : len(before) - last])
    blocks: list[list[int]] = []
    for step in steps:
        if step.tag != "equal":
            if blocks and blocks[-1][1] == step.src_start and blocks[-1][3] == step.dest_start:
                blocks[-1][1], blocks[-1][3] = step.src_end, step.dest_end
            else:
                blocks.append([step.src_start, step.src_end, step.dest_start, step.dest_end])
    return np.array(blocks, np.int64).reshape(-1, 4) + first
