"""A character n-gram language model in memory: trained on rows of text, four bytes a gram, looked up in batches.

Interpolated Kneser-Ney with modified discounts (Chen and Goodman 1998), as `kenlm` estimates it (Heafield et al. 2013), over code
points. What it says of a row is how many bits it would take to write it down for someone who knows the corpus.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tasks.kernels import ngrams as kernel
from tasks.store.text import BoolArray, F32Array, I32Array, I64Array, Texts, U32Array, U64Array

F64Array = npt.NDArray[np.float64]
_FULLNESS = 0.5  # of the table: in a fuller one the runs of slots are long
#: What is taken from counts 1, 2 and 3 where a text is too small to say (as kenlm's --discount_fallback).
_FALLBACK = (0.0, 0.5, 1.0, 1.5)


@dataclass(frozen=True)
class LanguageModel:
    """A trained model.

    table            : (slots,) uint32, fingerprint, probability and backoff of each gram of two symbols and more.
    first_p, first_b : (symbols,) float32, log2 of probability and backoff of single symbols; 1 where a symbol was never seen.
    order            : longest gram. grams : how many are stored.
    unknown          : log2 of the probability of a symbol never seen.
    """

    table: U32Array
    first_p: F32Array
    first_b: F32Array
    order: int
    grams: int
    unknown: float

    def score(self, texts: Texts) -> tuple[F64Array, F64Array]:
        """How surprising each row is: bits a character, and the share of characters that are a shock (kernels.ngrams.SHOCK bits).

        returns : (n,) float64 each. The end of a row counts as a character, so that a row has at least one.

        >>> model = train(Texts.of(["淘沙得金"] * 3), order=3)
        >>> bits, shocks = model.score(Texts.of(["淘沙得金", "金得沙淘"]))
        >>> bool(bits[0] < bits[1]), shocks.tolist()
        (True, [0.0, 0.0])
        """
        bits, shocks, _ = kernel.score(texts.chars, texts.offsets, self.order, self.table, self.first_p, self.first_b, self.unknown)
        return bits / (texts.lengths + 1), shocks / np.maximum(texts.lengths, 1)

    def save(self, folder: Path) -> None:
        """Write the model into a folder, for `load`."""
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / "table.npy", self.table)
        np.savez(folder / "first.npz", p=self.first_p, b=self.first_b, rest=np.array([self.order, self.grams, self.unknown]))

    @staticmethod
    def load(folder: Path) -> LanguageModel:
        """The model that `save` wrote."""
        with np.load(folder / "first.npz") as first:
            order, grams, unknown = first["rest"].tolist()
            return LanguageModel(np.load(folder / "table.npy"), first["p"], first["b"], int(order), int(grams), unknown)


@dataclass(frozen=True)
class _Grams:
    """Grams of one order. `last` : number of the last symbol; `begins` : whether a gram starts with the begin of a row."""

    context: I32Array
    suffix: I32Array
    counts: I32Array
    last: I32Array
    begins: BoolArray


def train(texts: Texts, rows: I64Array | None = None, order: int = 5, min_counts: tuple[int, ...] = (1, 1, 2)) -> LanguageModel:
    """A model of the chosen rows (all by default).

    order      : symbols of the longest gram, 2 to 8.
    min_counts : least count of a gram to be stored, from order 2 on; the last one holds for all longer grams. Grams left out still
                 count in the estimates: their mass goes to the backoff.
    memory     : about 30 bytes a character while training; the model has about 6 a stored gram.
    """
    if not 2 <= order <= 8:
        raise ValueError(f"order is 2 to 8, found {order}")
    chosen = np.arange(len(texts), dtype=np.int64) if rows is None else np.asarray(rows, np.int64)
    text = kernel.symbols(texts.chars, texts.offsets, chosen)
    ids, codes, counts = kernel.first_order(text)
    levels = [_Grams(np.empty(0, np.int32), np.empty(0, np.int32), counts, np.arange(len(codes), dtype=np.int32), codes == kernel.BEGIN)]
    for _ in range(2, order + 1):
        ids, context, suffix, counts = kernel.next_order(ids, text)
        below = levels[-1]
        levels.append(_Grams(context, suffix, counts, below.last[suffix], below.begins[context]))
    return _estimate(levels, codes, min_counts)


def _estimate(levels: list[_Grams], codes: U32Array, min_counts: tuple[int, ...]) -> LanguageModel:
    """Probabilities from the lowest order up, and the table of what is kept."""
    order = len(levels)
    floors = [1, *(min_counts[min(i, len(min_counts) - 1)] for i in range(order - 1))]
    floors = [max(floors[: i + 1]) for i in range(order)]  # a gram stays only if those inside it do
    keep = [level.counts >= floor for level, floor in zip(levels, floors, strict=True)]
    grams = int(sum(k.sum() for k in keep[1:]))
    table = np.zeros(int(grams / _FULLNESS) + 16 + kernel.SPARE, np.uint32)
    symbol = kernel.symbol_hashes(codes)
    first, unknown = _first(levels, codes)
    below, hashed = first, symbol
    first_b = np.zeros(0, np.float32)
    waiting: tuple[int, U64Array, BoolArray, F32Array] | None = None
    for n, level in enumerate(levels[1:], 2):
        last = n == order
        a = level.counts if last else kernel.adjusted(level.counts, level.begins, levels[n].suffix)
        p, backoff = kernel.estimate(level.context, level.suffix, a, keep[n - 1], discounts(a), below, len(below))
        if waiting is None:
            first_b = backoff
        else:
            kernel.store(table, *waiting, backoff)
        hashed = kernel.hashes(level.context, level.last, hashed, symbol)
        waiting, below = (n, hashed, keep[n - 1], p), p
    if waiting is not None:
        kernel.store(table, *waiting, np.empty(0, np.float32))
    return LanguageModel(table, *_by_symbol(codes, first, first_b), order, grams, float(np.log2(unknown)))


def _first(levels: list[_Grams], codes: U32Array) -> tuple[F32Array, float]:
    """Probabilities of single symbols, and that of one never seen. The begin of a row is never foretold: its own is 0."""
    a = kernel.adjusted(levels[0].counts, np.zeros(len(codes), np.bool_), levels[1].suffix).astype(np.float64)
    discount = discounts(a.astype(np.int32))[np.minimum(a, 3).astype(np.int64)]
    total = max(a.sum(), 1.0)
    spread = discount.sum() / total / max(len(codes), 1)  # every symbol but the begin, and the unknown one
    p = np.where(codes == kernel.BEGIN, 0, (a - discount) / total + spread)
    return p.astype(np.float32), max(spread, 1e-9)


def _by_symbol(codes: U32Array, p: F32Array, backoff: F32Array) -> tuple[F32Array, F32Array]:
    """log2 of both by code point; 1 where never seen."""
    first_p, first_b = np.ones(kernel.SYMBOLS, np.float32), np.zeros(kernel.SYMBOLS, np.float32)
    first_p[codes] = np.minimum(np.log2(np.maximum(p, 1e-9)), 0)
    first_b[codes] = np.log2(np.maximum(backoff, 1e-9))
    return first_p, first_b


def discounts(counts: I32Array) -> F64Array:
    """(4,) float64, what is taken from counts of 0, 1, 2, and 3 and more (Chen and Goodman 1998, equation 26)."""
    t = np.bincount(np.minimum(counts, 5), minlength=6)[1:5].astype(np.float64)
    if (t == 0).any():
        return np.array(_FALLBACK)
    y = t[0] / (t[0] + 2 * t[1])
    d = np.array([0, *(k - (k + 1) * y * t[k] / t[k - 1] for k in (1, 2, 3))])
    return d if (d >= 0).all() and (d <= np.arange(4)).all() else np.array(_FALLBACK)
