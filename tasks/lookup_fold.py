"""Texts as lookup compares them: clean, before script conversion, and a digest of each one's fold. For spans and queries alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.normalize import normalize
from tasks.segment import KINDS
from tasks.settings import Settings
from tasks.shingles import tokenize
from tasks.store.text import BoolArray, I64Array, Texts, U8Array, U32Array, U64Array

CODE = KINDS.index("code")
#: Odd, so that no power of it is 0: Fibonacci hashing's multiplier.
_BASE = 0x9E3779B97F4A7C15


def clean_spans(chars: U32Array, starts: I64Array, ends: I64Array, wrapped: BoolArray, kinds: U8Array, settings: Settings) -> Texts:
    """Clean text of spans, as `describe` makes it for matching: normalized, not yet converted to the target script."""
    return normalize(chars, starts, ends, wrapped, kinds == CODE, settings.normalize).texts


def clean_texts(texts: Texts, kinds: U8Array, settings: Settings) -> Texts:
    """Clean text of a column. Line breaks of hard-wrapped text stay: to the fold they are spaces."""
    return clean_spans(texts.chars, texts.offsets[:-1], texts.offsets[1:], np.zeros(len(texts), np.bool_), kinds, settings)


def fold_digests(texts: Texts) -> U64Array:
    """(n,) uint64: equal for texts of equal fold; 0 for a text without letter or digit. Who needs certainty compares `folds`."""
    elements, _, offsets = tokenize(texts)
    return row_digests(elements, offsets)


def folds(texts: Texts) -> list[bytes]:
    """The fold of each text as bytes: equal exactly when the folds are."""
    elements, _, offsets = tokenize(texts)
    return [elements[a:b].tobytes() for a, b in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)]


def row_digests(values: npt.NDArray[Any], offsets: I64Array) -> U64Array:
    """(n,) uint64 polynomial digest, modulo 2^64, of rows of 64-bit values and their number; 0 for an empty row.

    >>> one, same, empty, other = row_digests(np.array([7, 8, 7, 8, 8, 7], np.uint64), np.array([0, 2, 4, 4, 6])).tolist()
    >>> one == same, one == other, empty
    (True, False, 0)
    """
    lengths = np.diff(offsets)
    out = np.zeros(len(lengths), np.uint64)
    filled = np.flatnonzero(lengths)
    if not len(filled):
        return out
    powers = np.full(int(lengths.max()), _BASE, np.uint64)
    np.multiply.accumulate(powers, out=powers)
    at = np.arange(len(values), dtype=np.int64) - np.repeat(offsets[:-1], lengths)
    mixed = values.astype(np.uint64)
    mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(_BASE)  # small code points reach the high bits
    out[filled] = np.add.reduceat(mixed * powers[at], offsets[:-1][filled]) + lengths[filled].astype(np.uint64)
    return np.where((out == 0) & (lengths > 0), np.uint64(1), out)
