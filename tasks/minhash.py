"""MinHash signatures and their passport: which permutations, seed, scheme and hash made them."""

from __future__ import annotations

from functools import lru_cache
from importlib import metadata
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks import tables
from tasks.kernels import sketch as kernel
from tasks.settings import Matching
from tasks.store.text import I64Array, U64Array

U32Matrix = npt.NDArray[np.uint32]


@lru_cache(maxsize=2)
def permutations(count: int, seed: int) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]:
    """The permutations of `datasketch.MinHash(num_perm=count, seed=seed)`: multipliers and offsets, (count,) uint32 each.

    Kept on disk, because datasketch takes half a second to import.
    """
    key = tables.built_from(__file__, data=f"datasketch {metadata.version('datasketch')} {count} {seed}")
    stored: Any = tables.cached("permutations", key, lambda: _permutations(count, seed))
    return stored["a"], stored["b"]


def _permutations(count: int, seed: int) -> tables.Arrays:
    from datasketch import MinHash

    a, b = MinHash(num_perm=count, seed=seed, scheme="affine32").permutations
    return {"a": np.ascontiguousarray(a, np.uint32), "b": np.ascontiguousarray(b, np.uint32)}


def sign(shingles: U64Array, offsets: I64Array, settings: Matching) -> U32Matrix:
    """Signatures of lists of shingles, (n, permutations) uint32. No list may be empty."""
    a, b = permutations(settings.permutations, settings.seed)
    out = np.empty((len(offsets) - 1, settings.permutations), np.uint32)
    kernel.sign(shingles, offsets[1:], len(out), a, b, out)
    return out


def passport(settings: Matching) -> dict[str, Any]:
    """What another program needs to make comparable signatures."""
    return {
        "num_perm": settings.permutations,
        "seed": settings.seed,
        "scheme": "affine32 (datasketch 2.0)",
        "hashfunc": "top 32 bits of the 64-bit shingle digest (tasks.kernels.shingle)",
        "han_shingle": settings.han_shingle,
        "letter_shingle": settings.letter_shingle,
    }


def detection_probability(similarity: float, settings: Matching) -> float:
    """Chance that LSH finds a pair of the given similarity: 1 - (1 - s^rows)^bands.

    >>> round(detection_probability(0.7, Matching()), 4)
    0.9998
    """
    return 1.0 - (1.0 - similarity**settings.rows) ** settings.bands
