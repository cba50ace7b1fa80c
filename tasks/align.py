"""Which stretches two texts share, and where they stand: local alignment of folds by seed, chain and extension.

The fold makes it blind to script, width, punctuation, case and layout; positions are code points of the texts that were given.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tasks.kernels import align as kernel
from tasks.kernels import fold as fold_kernel
from tasks.kernels import inside as word_kernel
from tasks.settings import Matching
from tasks.shingles import tokenize, tokenize_placed, weights
from tasks.store.text import BoolArray, I32Array, I64Array, Texts, U64Array

#: tokens. Length of the equal run that opens a match: half a clause. At 5 % edits runs of 20 are usual.
SEED_TOKENS = 5
#: tokens. Reworded, inserted or dropped text of this length is bridged where what stands on both sides weighs more.
GAP_TOKENS = 48


@dataclass(frozen=True)
class Aligned:
    """Blocks of n pairs of rows, by pair and place.

    pair             : (m,) int64, row of both columns.
    a_start ... b_end : (m,) int64, code points in that row, half-open: from the first to the last element that is equal.
    a_tokens, b_tokens : (m,) int32, length of the two spans in tokens.
    tokens           : (m,) int32, length of what is equal, in tokens.
    crowded          : (n,) bool, pairs in which a phrase stood more often than is tried (see `kernels.align.CROWD`).
    """

    pair: I64Array
    a_start: I64Array
    a_end: I64Array
    b_start: I64Array
    b_end: I64Array
    a_tokens: I32Array
    b_tokens: I32Array
    tokens: I32Array
    crowded: BoolArray


@dataclass(frozen=True)
class Placed:
    """Elements of a column with their places (see `tokenize_placed`), and the running sum of their weights (elements + 1,) int64."""

    elements: U64Array
    flags: npt.NDArray[np.uint8]
    offsets: I64Array
    starts: I64Array
    ends: I64Array
    at: I64Array


def placed(texts: Texts, settings: Matching) -> Placed:
    """Fold of a column, for aligning."""
    elements, flags, offsets, starts, ends = tokenize_placed(texts)
    token, letter, _ = weights(settings)
    at = np.zeros(len(elements) + 1, np.int64)
    np.cumsum(np.where(flags & fold_kernel.LETTER, letter, token), out=at[1:])
    return Placed(elements, flags, offsets, starts, ends, at)


def align(a: Texts, b: Texts, settings: Matching) -> Aligned:
    """Stretches of at least `min_block_tokens` equal tokens that row i of a and row i of b share.

    >>> found = align(Texts.of(["老李说：溪水清清，沙里有金。"]), Texts.of(["溪水清清 沙裏有金"]), Matching(min_block_tokens=8))
    >>> [x.tolist() for x in (found.a_start, found.a_end, found.b_start, found.b_end)]
    [[4], [13], [0], [9]]
    """
    rows = np.arange(len(a), dtype=np.int64)
    return align_rows(placed(_joined(a, b), settings), rows, rows + len(a), settings)


def align_rows(column: Placed, left: I64Array, right: I64Array, settings: Matching) -> Aligned:
    """The same for pairs of rows of one folded column: a is left, b is right."""
    token, letter, shingle = weights(settings)
    least, seed, gap = (n * token for n in (settings.min_block_tokens, SEED_TOKENS, GAP_TOKENS))
    lengths = np.diff(column.offsets)
    shorter = np.where(lengths[left] <= lengths[right], left, right)
    turn = np.argsort(shorter, kind="stable")
    pair, spans, equal, crowded = kernel.align(
        column.elements, column.at, column.offsets, left[turn], right[turn], seed, least, gap, shingle, min(token, letter)
    )
    pair = turn[pair]
    crowds = np.empty(len(left), np.bool_)
    crowds[turn] = crowded
    heads, tails = word_kernel.to_words(
        column.elements, column.flags, column.offsets, left, right, pair, spans, fold_kernel.LETTER, _space()
    )
    head, tail = spans[:, 0], spans[:, 1]
    equal = equal - (column.at[head] - column.at[head - heads]) - (column.at[tail + tails] - column.at[tail])
    order = np.lexsort((spans[:, 2], spans[:, 0], pair))
    pair, spans, equal = pair[order], spans[order], equal[order]
    weight = column.at[spans[:, 1::2]] - column.at[spans[:, ::2]]
    return Aligned(
        pair,
        column.starts[spans[:, 0]],
        column.ends[spans[:, 1] - 1],
        column.starts[spans[:, 2]],
        column.ends[spans[:, 3] - 1],
        _tokens(weight[:, 0], token),
        _tokens(weight[:, 1], token),
        _tokens(equal, token),
        crowds,
    )


def _tokens(weight: I64Array, token: int) -> I32Array:
    """Length in tokens, rounded up as the lengths of passages are."""
    return ((weight + token - 1) // token).astype(np.int32)


def whole_in(a: Texts, b: Texts, settings: Matching) -> BoolArray:
    """(n,) bool: all of row i of a stands, as far as the fold sees, in one stretch of row i of b, and is long enough to be removed for it.

    >>> whole_in(Texts.of(["溪水清清，沙里有金。"] * 2), Texts.of(["老李说溪水清清沙裏有金", "溪水清，沙里有金"]), Matching()).tolist()
    [False, False]
    >>> song = "溪水清清，沙里有金。" * 6
    >>> whole_in(Texts.of([song, song]), Texts.of(["老李说" + song, song[:-3]]), Matching()).tolist()
    [True, False]
    """
    rows = np.arange(len(a), dtype=np.int64)
    column = placed(_joined(a, b), settings)
    weight = np.diff(column.at[column.offsets[: len(a) + 1]])
    long: BoolArray = weight > (settings.min_contained_tokens - 1) * weights(settings)[0]
    return long & inside(column, rows, rows + len(a))


def _joined(a: Texts, b: Texts) -> Texts:
    """The rows of both columns."""
    return Texts(np.concatenate([a.chars, b.chars]), np.concatenate([a.offsets, b.offsets[1:] + a.offsets[-1]]))


def inside(column: Placed, left: I64Array, right: I64Array) -> BoolArray:
    """(n,) bool: the whole fold of row left[i] stands in that of row right[i], not beginning or ending amid a word or a number there."""
    number = fold_kernel.SLOT | fold_kernel.NUMERAL
    found: BoolArray = word_kernel.inside(column.elements, column.flags, column.offsets, left, right, fold_kernel.LETTER, number, _space())
    return found


def _space() -> np.uint64:
    """The element between two words."""
    return np.uint64(tokenize(Texts.of(["a b"]))[0][1])
