"""STAND-IN until `tasks.shingles.tokenize_placed` is merged. Delete it then, with `tasks.kernels.placed`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tasks.kernels import fold as fold_kernel
from tasks.kernels import placed as kernel
from tasks.shingles import _tables, tokenize
from tasks.store.text import I64Array, Texts, U64Array


def tokenize_placed(texts: Texts) -> tuple[U64Array, npt.NDArray[np.uint8], I64Array, I64Array, I64Array]:
    """Elements, flags, offsets by row, and start and end of each element in its own row, (elements,) int64 code points."""
    elements, flags, element_offsets = tokenize(texts)
    base, kind, _, expand, expansions = _tables()
    chars, offsets = texts.chars, texts.offsets
    origin = None
    more = fold_kernel.spelled_length(chars, expand, expansions)
    if more >= 0:
        origin = kernel.origins(chars, offsets, more, expand, expansions)
        chars, offsets = fold_kernel.spell_out(chars, offsets, more, expand, expansions)
    starts, ends = kernel.places(chars, offsets, base, kind, len(elements))
    if origin is not None:
        empty = ends == starts
        starts = origin[starts]
        ends = np.where(empty, starts, origin[np.maximum(ends - 1, 0)] + 1)
    first = np.repeat(texts.offsets[:-1], np.diff(element_offsets))
    return elements, flags, element_offsets, starts - first, ends - first
