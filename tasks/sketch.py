"""Text -> sketch: what the first pass keeps of every passage, and all that the search for near duplicates needs to begin with.

Shingle sets are not kept: they are made again from the text of the few passages that turn out to have a candidate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tasks.kernels import buckets, characters, utf8
from tasks.kernels import sketch as kernel
from tasks.minhash import U32Matrix, permutations
from tasks.settings import Matching
from tasks.shingles import ANCHOR_TOKENS, ANCHOR_WINDOW, tables_of, tokenize_into, weights
from tasks.signs import signs
from tasks.store.text import BoolArray, I32Array, I64Array, Texts, U8Array, U64Array, utf8_of

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
    counts     : (m,) int32, shingles with repeats; bits : (m, BITMAP) uint64, what bits they hash to (see `kernels.buckets.bitmaps`).
    anchors    : winnowed long runs of signed passages, for finding one inside another: values uint64 and offsets (n + 1,).
    """

    fold: U64Array
    plain: U64Array
    tokens: I32Array
    long: BoolArray
    signatures: U32Matrix
    bands: U64Array
    counts: I32Array
    bits: U64Array
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

    def __init__(self, settings: Matching, *, anchors: bool = True, signatures: bool = True) -> None:
        self._settings = settings
        self._tables = tables_of("fold")
        self._signatures = signatures
        token, letter, full = weights(settings)
        window = ANCHOR_WINDOW if anchors else 0
        self._shape = kernel.Shape(token, letter, full, token * ANCHOR_TOKENS, window, settings.min_tokens, settings.min_shingles)
        self._room = self._made(2 * BLOCK, BLOCK // 32)

    def sketch(self, texts: Texts, able: BoolArray) -> Sketch:
        """Sketch the rows of a column. able : (n,) bool, rows that are signed when they are long enough."""
        sketch = self._sketched(texts.offsets, BLOCK, lambda first, last: self._block(texts, able, first, last))
        fold = sketch.fold
        fold ^= signs(texts)[0]  # what differs in a sign is no copy: it has another class, and the same shingles
        # A separator or a row of emoji has no element; it is compared by its characters, lest *** equal 🎉.
        bare = np.flatnonzero((sketch.tokens == 0) & (texts.lengths > 0))
        fold[bare] = utf8.visible_digest(texts.chars, texts.offsets[bare], texts.offsets[bare + 1])
        return sketch

    def _sketched(self, offsets: npt.NDArray[Any], block: int, digest: Callable[[int, int], int]) -> Sketch:
        """The sketch of a column, block by block. digest : digests rows first..last into the room, returns how many are signed."""
        n = len(offsets) - 1
        fold, plain, tokens, long = np.empty(n, np.uint64), np.empty(n, np.uint64), np.empty(n, np.int32), np.empty(n, np.bool_)
        ends = np.zeros(n + 1, np.int64)
        settings = self._settings
        signatures, keys = [np.empty((0, settings.permutations), np.uint32)], [np.empty((settings.bands, 0), np.uint64)]
        anchors, bits, counts = [np.empty(0, np.uint64)], [np.empty((0, buckets.BITMAP), np.uint64)], [np.empty(0, np.int64)]
        for first, last in blocks(offsets, block):
            count = digest(first, last)
            room, rows = self._room, last - first
            of = room.digests
            fold[first:last], plain[first:last], tokens[first:last], long[first:last] = (
                of.fold[:rows], of.plain[:rows], of.tokens[:rows], of.long[:rows],
            )  # fmt: skip
            ends[first + 1 : last + 1] = room.ends[:rows] + ends[first]
            anchors.append(room.anchors[: room.ends[rows - 1]].copy())
            self._sign(count)
            keys.append(room.keys[:, :count].copy())
            bits.append(buckets.bitmaps(of.runs, np.append(0, of.ends[:count])))
            counts.append(np.diff(of.ends[:count], prepend=0))
            if self._signatures:
                signatures.append(room.signatures[:count].copy())
        return Sketch(
            fold,
            plain,
            tokens,
            long,
            np.concatenate(signatures),
            np.concatenate(keys, axis=1),
            np.concatenate(counts).astype(np.int32),
            np.concatenate(bits),
            (np.concatenate(anchors), ends),
        )

    def _made(self, chars: int, rows: int) -> _Room:
        return _Room.of(chars, rows, self._settings)

    def _sign(self, count: int) -> None:
        """Signatures and band keys of the rows that the room holds to be signed."""
        room, settings = self._room, self._settings
        a, b = permutations(settings.permutations, settings.seed)
        kernel.sign(room.digests.runs, room.digests.ends, count, a, b, room.signatures)
        kernel.band_keys(room.signatures, count, settings.bands, settings.rows, room.keys)

    def _block(self, texts: Texts, able: BoolArray, first: int, last: int) -> int:
        """Digests and anchors of rows first..last into the room. Returns how many are to be signed."""
        shape = self._shape
        start, end = texts.offsets[first], texts.offsets[last]
        chars, offsets = texts.chars[start:end], texts.offsets[first : last + 1] - start
        if not self._room.holds(len(chars), last - first):
            self._room = self._made(2 * len(chars), 2 * (last - first))
        room = self._room
        elements, flags, offsets = tokenize_into(
            chars, offsets, self._tables, (room.elements, room.flags, room.offsets[: last - first + 1])
        )
        if not room.holds(len(elements), last - first):
            self._room = room = self._made(2 * len(elements), 2 * (last - first))
        count = kernel.digest(elements, flags, offsets, able[first:last], shape, room.power, room.digests)
        if shape.window:
            kernel.anchors(flags, offsets, count, shape, room.power, room.digests, room.runs, room.suffix, room.anchors, room.ends)
        return int(count)


class CharacterSketcher(Sketcher):
    """Sketches columns of Arrow strings in the form `characters`, all rows and without anchors: for comparison with other tools."""

    def __init__(self, settings: Matching) -> None:
        super().__init__(settings, anchors=False, signatures=False)
        self._folding = tables_of("characters")

    def sketch_strings(self, column: pa.Array) -> Sketch:
        """Sketch the rows of an Arrow `string` array."""
        data, offsets = utf8_of(column)
        return self._sketched(offsets, 3 * BLOCK, lambda first, last: self._strings(data, offsets[first : last + 1]))

    def _strings(self, data: U8Array, offsets: npt.NDArray[Any]) -> int:
        if not self._room.holds(int(offsets[-1] - offsets[0]), len(offsets) - 1):
            self._room = self._made(2 * int(offsets[-1] - offsets[0]), 2 * len(offsets))
        fold, settings = self._folding, self._settings
        least = settings.min_tokens, settings.min_shingles
        while True:
            room = self._room
            count = characters.digest(
                data, offsets, fold.table, fold.expand, fold.expansions, settings.han_shingle, least, room.elements, room.digests
            )
            if count >= 0:
                return int(count)
            self._room = self._made(2 * len(room.elements), len(room.offsets) - 1)


def fold_digests(texts: Texts, settings: Matching) -> U64Array:
    """(n,) uint64, digests of the folds of a column: equal where two rows fold alike."""
    return Sketcher(settings, anchors=False, signatures=False).sketch(texts, np.zeros(len(texts), np.bool_)).fold


def blocks(offsets: npt.NDArray[Any], block: int) -> Iterator[tuple[int, int]]:
    """Runs of rows (first, last) of about `block` characters or bytes, and never without a row."""
    n = len(offsets) - 1
    cuts = np.searchsorted(offsets, np.arange(offsets[0] + block, offsets[-1] + block, block), side="left")
    # Empty rows take room too.
    cuts = np.unique(np.concatenate([[0, n], np.arange(0, n, block // 32), np.minimum(cuts, n)]))
    yield from zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True)
