"""Positions in a rewritten text and where they come from.

Rewriting (normalization, script conversion) makes of most text as many characters as it had; where it does not, a *block* says which
characters became which. Between blocks text stands character for character. Maps of steps that follow one another compose.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.store.text import I64Array


@dataclass(frozen=True)
class PositionMap:
    """From positions in a text (code points of a buffer) to positions in the text that it was made of.

    blocks : (m, 4) int64, ascending and disjoint: start and end in the text, start and end in its source. A block with an empty
             first span is what was taken out. Before, between and after blocks both texts have equally many characters.
    """

    blocks: I64Array

    @staticmethod
    def identity() -> PositionMap:
        """The map of a text that has kept all its places."""
        return PositionMap(np.empty((0, 4), np.int64))

    @staticmethod
    def of_points(points: I64Array) -> PositionMap:
        """Map from the points (m, 2) that `tasks.kernels.script.convert` gives: exact places (text, source) at which the distance changes."""
        blocks = (
            np.column_stack([points[:-1, 0], points[1:, 0], points[:-1, 1], points[1:, 1]]) if len(points) else np.empty((0, 4), np.int64)
        )
        return PositionMap(np.ascontiguousarray(blocks[blocks[:, 1] - blocks[:, 0] != blocks[:, 3] - blocks[:, 2]]))

    @staticmethod
    def of_origins(origins: I64Array, offsets: I64Array, starts: I64Array, ends: I64Array) -> PositionMap:
        """Map of rows from the place each character comes from.

        origins : (n_chars,) int64, ascending within a row. offsets : (n + 1,) of the rows; starts, ends : (n,) spans of their sources,
        ascending. What lies between the origins of neighbours was taken out.
        """
        rows = np.arange(len(starts))
        # Every row is bounded by its source: the place before it and the place after it.
        at = np.concatenate([np.arange(len(origins)), offsets[:-1], offsets[1:]])
        end = np.concatenate([origins + 1, starts, ends])
        begin = np.concatenate([origins, starts, ends])
        rank = np.concatenate([np.ones(len(origins), np.int8), np.zeros(len(rows), np.int8), np.full(len(rows), 2, np.int8)])
        row = np.concatenate([np.repeat(rows, np.diff(offsets)), rows, rows])
        order = np.lexsort((at, rank, row))
        at, end, begin = at[order], end[order], begin[order]
        gaps = np.flatnonzero(begin[1:] > end[:-1])
        return PositionMap(np.column_stack([at[gaps + 1], at[gaps + 1], end[gaps], begin[gaps + 1]]).astype(np.int64))

    def inverse(self) -> PositionMap:
        """Map from positions in the source to positions in the text."""
        return PositionMap(np.ascontiguousarray(self.blocks[:, [2, 3, 0, 1]]))

    def starts(self, at: I64Array) -> I64Array:
        """Where what begins at each position comes from: in a block its beginning, at a place where something was taken out after it."""
        if not len(self.blocks):
            return np.asarray(at, np.int64)
        which = np.searchsorted(self.blocks[:, 0], at, "right") - 1
        text_end, start, end = self.blocks[which, 1], self.blocks[which, 2], self.blocks[which, 3]
        return np.where(which < 0, at, np.where(at < text_end, start, end + at - text_end))

    def ends(self, at: I64Array) -> I64Array:
        """Where what ends at each position ends: in a block its end, at a place where something was taken out before it."""
        if not len(self.blocks):
            return np.asarray(at, np.int64)
        which = np.searchsorted(self.blocks[:, 1], at, "left")
        last = which == len(self.blocks)
        text_start, text_end, start, end = self.blocks[np.minimum(which, len(self.blocks) - 1)].T
        return np.where(last, end + at - text_end, np.where(at <= text_start, start + at - text_start, end))

    def spans(self, starts: I64Array, ends: I64Array) -> tuple[I64Array, I64Array]:
        """Spans of the source that the spans [starts, ends) come from: the least that hold all of it. An empty span stays empty."""
        begin, end = self.starts(starts), self.ends(ends)
        return begin, np.maximum(begin, end)

    def after(self, first: PositionMap) -> PositionMap:
        """Map over two steps: `first` was done before this one. Blocks that meet become one."""
        if not len(self.blocks) or not len(first.blocks):
            return self if len(self.blocks) else first
        # Both sets of blocks as spans of the text in the middle; unions of them are exact at both ends in either map.
        spans = np.concatenate([self.blocks[:, 2:4], first.blocks[:, 0:2]])
        spans = spans[np.lexsort((spans[:, 1], spans[:, 0]))]
        reach = np.maximum.accumulate(spans[:, 1])
        heads = np.flatnonzero(np.r_[True, spans[1:, 0] > reach[:-1]])
        begin, end = spans[heads, 0], reach[np.r_[heads[1:] - 1, len(spans) - 1]]
        later = self.inverse()
        return PositionMap(np.column_stack([later.ends(begin), later.starts(end), first.ends(begin), first.starts(end)]))

    def after_in_rows(self, first: PositionMap, middle: I64Array, source: I64Array) -> PositionMap:
        """As `after`, and blocks of two rows never become one, though they meet at the border.

        middle, source : (n,) where the rows begin in the text between the two steps and in the source of the first.
        """
        # One place more between every two rows, in all three texts: blocks of different rows no longer touch.
        apart = [m.blocks + _row(begins, m.blocks[:, 2])[:, None] for m, begins in ((self, middle), (first, source))]
        joined = PositionMap(apart[0]).after(PositionMap(apart[1])).blocks
        row = _row(source + np.arange(len(source)), joined[:, 2])
        return PositionMap(joined - row[:, None])


def _row(begins: I64Array, at: I64Array) -> I64Array:
    """Row that what stands at each place is of."""
    return np.searchsorted(begins, at, "right") - 1


def changed_middle(before: str, after: str) -> tuple[int, int, int]:
    """Characters that two texts share at the beginning, at the end, and how many differ between (the longer side, or place by place)."""
    differs = [a != b for a, b in zip(before, after, strict=False)]
    first = differs.index(True) if True in differs else len(differs)
    if len(before) == len(after):
        return first, 0 if first == len(before) else differs[::-1].index(True), sum(differs)
    backwards = [a != b for a, b in zip(before[first:][::-1], after[first:][::-1], strict=False)]
    last = backwards.index(True) if True in backwards else len(backwards)
    return first, last, max(len(before), len(after)) - first - last
