"""MinHash signatures and their passport: which permutations, seed, scheme and hash made them."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib import metadata
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks import tables
from tasks.kernels import sketch as kernel
from tasks.settings import Matching
from tasks.store.text import I64Array, Texts, U64Array

U32Matrix = npt.NDArray[np.uint32]
#: datasketch's name for how values are permuted.
SCHEME = "affine32"


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

    a, b = MinHash(num_perm=count, seed=seed, scheme=SCHEME).permutations
    return {"a": np.ascontiguousarray(a, np.uint32), "b": np.ascontiguousarray(b, np.uint32)}


def sign(shingles: U64Array, offsets: I64Array, settings: Matching) -> U32Matrix:
    """Signatures of lists of shingles, (n, permutations) uint32. No list may be empty."""
    a, b = permutations(settings.permutations, settings.seed)
    out = np.empty((len(offsets) - 1, settings.permutations), np.uint32)
    kernel.sign(shingles, offsets[1:], len(out), a, b, out)
    return out


def passport(settings: Matching) -> dict[str, Any]:
    """What another program needs to make comparable signatures: num_perm, seed and scheme as `datasketch.MinHash` takes them."""
    return {
        "library": "datasketch 2.0",
        "num_perm": settings.permutations,
        "seed": settings.seed,
        "scheme": SCHEME,
        "hashfunc": "top 32 bits of the 64-bit shingle digest (tasks.shingles.shingle_sets)",
        "han_shingle": settings.han_shingle,
        "letter_shingle": settings.letter_shingle,
        "fold": fold_version(),
    }


@lru_cache(maxsize=1)
def fold_version() -> str:
    """Digest (16 hex digits) of the shingles of every code point between two characters, and of some text where neighbours matter.

    It names the fold by what it does: another Unicode or OpenCC table changes it, a rewritten kernel that folds alike does not.
    """
    from tasks.shingles import shingle_sets

    rows = [f"山{chr(code)}水火" for code in range(0x20, 0x30000) if not 0xD800 <= code < 0xE000]
    values, offsets = shingle_sets(Texts.of([*rows, *_NEIGHBOURS]), Matching())
    return hashlib.sha256(values.astype("<u8").tobytes() + offsets.astype("<i8").tobytes()).hexdigest()[:16]


#: Where what an element is depends on what stands beside it.
_NEIGHBOURS = (
    "Two words, then 3.14 and 1,000; v2.0-rc1 C++ C# snake_case camelCase don't naïve ＦＵＬＬ　Ｗｉｄｔｈ ①②",
    "https://example.com/a?b=1#c www.example.org/x user@example.com ![alt](pic.png) <br/> <a href='x'>y</a> `code()`",
    "漢字與English混排，第12章 2024年3月1日 １２：３０　百分之五十 八萬六千 かな カナ ﾊﾝｶｸ 한국어 ไทย",
    "**粗體** __下劃線__ ~~刪~~ # 標題 | 表 | 格 | — … 「引」『號』（括）[1] e\u0301 👩\u200d💻",
)


def detection_probability(similarity: float, settings: Matching) -> float:
    """Chance that LSH finds a pair of the given similarity: 1 - (1 - s^rows)^bands.

    >>> round(detection_probability(0.7, Matching()), 4)
    0.9998
    """
    return 1.0 - (1.0 - similarity**settings.rows) ** settings.bands
