"""Text -> sketch: what the first pass keeps of every passage, and all that the search for near duplicates needs to begin with.

Shingle sets are not kept: they are made again from the text of the few passages that turn out to have a candidate.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tasks.kernels import sketch as kernel
from tasks.kernels import utf8
from tasks.minhash import U32Matrix, permutations
from tasks.settings import Matching
from tasks.shingles import ANCHOR_TOKENS, ANCHOR_WINDOW, tables_of, tokenize_into, weights
from tasks.signs import signs
from tasks.store.text import BoolArray, I32Array, I64Array, Texts, U64Array

#: Characters a block: its buffers (some 25 bytes a character) stay in the second level of a processor's cache.
BLOCK = 1 << 16


@dataclass(frozen=True)
class Sketch:
    """What is kept of n passages, m of which are signed: those that are long and able.

    fold       : (n,) uint64, digest of the whole fold and of signs at numbers: equal for copies that differ in script, width, case,
                 punctuation, space.
                 A text without a letter or digit: digest of its characters. 0 when there are none.
    plain      : (n,) uint64, digest without slots (numbers, dates, URLs, identifiers): equal for copies that differ in those only.
    tokens     : (n,) int32, length; a Han character is one token, a letter three fifths of one.
    long       : (n,) bool, long enough to be compared by similarity.
    signatures : (m, permutations) uint32, bit-identical to datasketch 2.0; no row when they were not asked for.
    bands      : (bands, m) uint64, digests of the bands.
    anchors    : winnowed long runs of signed passages, for finding one inside another: values uint64 and offsets (n + 1,).
    """

    fold: U64Array
    plain: U64Array
    tokens: I32Array
    long: BoolArray
    signatures: U32Matrix
    bands: U64Array
    anchors: tuple[U64Array, I64Array]


@dataclass
class _Room:
    """Buffers of a block, used again and again."""

    elements: U64Array
    flags: npt.NDArray[np.uint8]
    offsets: I64Array
    digests: kernel.Digests
    signatures: U32Matrix
    keys: U64Array
    power: U64Array
    runs: U64Array
    suffix: U64Array
    anchors: U64Array
    ends: I64Array

    @staticmethod
    def of(chars: int, rows: int, settings: Matching) -> _Room:
        def column() -> U64Array:
            return np.empty(chars + 1, np.uint64)

        digests = kernel.Digests(
            np.empty(rows, np.uint64),
            np.empty(rows, np.uint64),
            np.empty(rows, np.int32),
            np.empty(rows, np.bool_),
            np.empty(rows, np.int64),
            column(),
            np.empty(rows, np.int64),
            np.empty(chars + rows + 2, np.uint64),
        )
        return _Room(
            column(),
            np.empty(chars + 1, np.uint8),
            np.empty(rows + 1, np.int64),
            digests,
            np.empty((rows, settings.permutations), np.uint32),
            np.empty((settings.bands, rows + 8), np.uint64),  # 8 more, lest all bands of a row fall to one set of the cache
            kernel.powers(chars + 1),
            column(),
            column(),
            column(),
            np.zeros(rows, np.int64),
        )

    def holds(self, chars: int, rows: int) -> bool:
        return chars < len(self.elements) and rows < len(self.offsets)


class Sketcher:
    """Sketches column after column in the same buffers. One a thread.

    anchors, signatures : whether to make them.
    """

    def __init__(self, settings: Matching, *, form: str = "fold", anchors: bool = True, signatures: bool = True) -> None:
        self._settings = settings
        self._tables = tables_of(form)
        self._signs = form == "fold"
        self._signatures = signatures
        token, letter, full = weights(settings)
        window = ANCHOR_WINDOW if anchors else 0
        self._shape = kernel.Shape(token, letter, full, token * ANCHOR_TOKENS, window, settings.min_tokens, settings.min_shingles)
        self._room = _Room.of(2 * BLOCK, BLOCK // 32, settings)

    def sketch(self, texts: Texts, able: BoolArray) -> Sketch:
        """Sketch the rows of a column. able : (n,) bool, rows that are signed when they are long enough."""
        n = len(texts)
        fold, plain, tokens, long = np.empty(n, np.uint64), np.empty(n, np.uint64), np.empty(n, np.int32), np.empty(n, np.bool_)
        ends = np.zeros(n + 1, np.int64)
        signatures, keys, anchors = [], [], []
        at = 0
        for first, last in blocks(texts.offsets):
            count = self._block(texts, able, first, last)
            room, rows = self._room, last - first
            of = room.digests
            fold[first:last], plain[first:last], tokens[first:last], long[first:last] = (
                of.fold[:rows], of.plain[:rows], of.tokens[:rows], of.long[:rows],
            )  # fmt: skip
            ends[first + 1 : last + 1] = room.ends[:rows] + at
            anchors.append(room.anchors[: room.ends[rows - 1]].copy())
            at = int(ends[last])
            keys.append(room.keys[:, :count].copy())
            if self._signatures:
                signatures.append(room.signatures[:count].copy())
        if self._signs:  # what differs in a sign is no copy: it has another class, and the same shingles
            fold ^= signs(texts)[0]
        # A separator or a row of emoji has no element; it is compared by its characters, lest *** equal 🎉.
        bare = np.flatnonzero((tokens == 0) & (texts.lengths > 0))
        fold[bare] = utf8.visible_digest(texts.chars, texts.offsets[bare], texts.offsets[bare + 1])
        return Sketch(
            fold,
            plain,
            tokens,
            long,
            np.concatenate(signatures) if signatures else np.empty((0, self._settings.permutations), np.uint32),
            np.concatenate(keys, axis=1) if keys else np.empty((self._settings.bands, 0), np.uint64),
            (np.concatenate(anchors) if anchors else np.empty(0, np.uint64), ends),
        )

    def _block(self, texts: Texts, able: BoolArray, first: int, last: int) -> int:
        """Sketch rows first..last into the room. Returns how many were signed."""
        settings, shape = self._settings, self._shape
        start, end = texts.offsets[first], texts.offsets[last]
        chars, offsets = texts.chars[start:end], texts.offsets[first : last + 1] - start
        if not self._room.holds(len(chars), last - first):
            self._room = _Room.of(2 * len(chars), 2 * (last - first), settings)
        room = self._room
        elements, flags, offsets = tokenize_into(
            chars, offsets, self._tables, (room.elements, room.flags, room.offsets[: last - first + 1])
        )
        if not room.holds(len(elements), last - first):
            self._room = room = _Room.of(2 * len(elements), 2 * (last - first), settings)
        count = kernel.digest(elements, flags, offsets, able[first:last], shape, room.power, room.digests)
        a, b = permutations(settings.permutations, settings.seed)
        kernel.sign(room.digests.runs, room.digests.ends, count, a, b, room.signatures)
        kernel.band_keys(room.signatures, count, settings.bands, settings.rows, room.keys)
        if shape.window:
            kernel.anchors(flags, offsets, count, shape, room.power, room.digests, room.runs, room.suffix, room.anchors, room.ends)
        return int(count)


def fold_digests(texts: Texts, settings: Matching) -> U64Array:
    """(n,) uint64, digests of the folds of a column: equal where two rows fold alike."""
    return Sketcher(settings, anchors=False, signatures=False).sketch(texts, np.zeros(len(texts), np.bool_)).fold


def blocks(offsets: I64Array) -> Iterator[tuple[int, int]]:
    """Runs of rows (first, last) of about BLOCK characters, and never without a row."""
    n = len(offsets) - 1
    cuts = np.searchsorted(offsets, np.arange(offsets[0] + BLOCK, offsets[-1] + BLOCK, BLOCK), side="left")
    # Empty rows take room too.
    cuts = np.unique(np.concatenate([[0, n], np.arange(0, n, BLOCK // 32), np.minimum(cuts, n)]))
    yield from zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True)
