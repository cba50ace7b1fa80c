"""Our side. Default: the closed row, with the peers' definition of the compared text. VARIANT `all`: the same and every pair of
large families too. VARIANT `open`: our own defaults.

`closed` and `open_` are the only places that know how the engine is called.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
from side import GRAM, THRESHOLD, Answer, Clock, compared, main, read

from tasks.kernels import match as kernel
from tasks.kernels import shingle as shingle_kernel
from tasks.match import buckets, grouped
from tasks.minhash import band_keys, sign
from tasks.settings import Matching
from tasks.shingles import fold
from tasks.store.text import I64Array, Texts, U64Array
from tasks.store.unique import unique

#: Buckets of more than 256 rows are linked as stars: clusters need no more, and a family of 6,000 rows is 18 million pairs.
CLOSED = Matching(bands=20, rows=6, bucket_cap=256)
ALL_PAIRS = Matching(bands=20, rows=6, bucket_cap=1 << 30)
OPEN = Matching()


def closed(path: Path, clock: Clock, settings: Matching = CLOSED) -> Answer:
    """5-character shingles of the compared text, 20 bands of 6, similarity 0.8."""
    rows = read(path)
    clock.lap("read")
    texts = Texts.of([compared(row) for row in rows])
    clock.lap("normalise")
    characters = texts.chars.astype(np.uint64), np.zeros(len(texts.chars), np.uint8), texts.offsets
    digest = shingle_kernel.summarize(*characters, 1, 1)[0]
    sets = shingle_kernel.shingle(*characters, 1, 1, GRAM)
    clock.lap("shingle")
    return _search(digest, np.ones(len(rows), np.bool_), sets, settings, THRESHOLD, THRESHOLD, clock)


def open_(path: Path, clock: Clock) -> Answer:
    """As `taosha run` does: 3 Han or 5 letters, 32 bands of 4; searched from 0.5, which is reported, to 0.7, which may be removed."""
    texts = Texts.from_arrow(pq.read_table(path, columns=["text"])["text"])
    clock.lap("read")
    folded = fold(texts, OPEN)
    long = (folded.tokens >= OPEN.min_tokens) & (np.diff(folded.shingles[1]) >= OPEN.min_shingles)
    clock.lap("fold and shingle")
    return _search(folded.fold, long, folded.shingles, OPEN, OPEN.report_threshold, OPEN.remove_threshold, clock)


def _search(
    digest: U64Array,
    long: npt.NDArray[np.bool_],
    sets: tuple[U64Array, I64Array],
    settings: Matching,
    searched: float,
    returned: float,
    clock: Clock,
) -> Answer:
    """Rows of equal digest by sorting; the first row of each by MinHash, LSH and exact similarity."""
    _, first, of = np.unique(digest, return_index=True, return_inverse=True)
    rows = np.sort(first[long[first]]).astype(np.int64)
    sizes = np.diff(sets[1]).astype(np.int32)
    clock.lap("equal rows")
    signatures = sign(*sets, rows, settings)
    clock.lap("sign")
    keys = band_keys(signatures, settings)
    found = [buckets(*grouped(band[shared], rows[shared]), sizes, settings.bucket_cap, searched)[0] for band, shared in _shared(keys)]
    candidates = unique(np.concatenate(found))
    clock.lap("bands")
    left, right = (candidates >> np.uint64(32)).astype(np.int64), (candidates & np.uint64(0xFFFFFFFF)).astype(np.int64)
    total = sizes[left] + sizes[right]
    common = kernel.intersections(*sets, kernel.bitmaps(*sets), left, right, _floor(total, searched))
    good = common >= _floor(total, returned)
    clock.lap("verify")
    return Answer(pairs=np.column_stack([left[good], right[good]]), equal=first[of].astype(np.int64))


def _shared(keys: U64Array) -> list[tuple[U64Array, I64Array]]:
    """Each band with the positions whose key may come again."""
    return [(band, kernel.repeated(band)) for band in keys]


def _floor(total: npt.NDArray[np.int32], threshold: float) -> npt.NDArray[np.int32]:
    """Common shingles that a pair with `total` shingles on both sides needs for the threshold."""
    return np.ceil(threshold / (1 + threshold) * total - 1e-9).astype(np.int32)


if __name__ == "__main__":
    runs: dict[str, Callable[[Path, Clock], Answer]] = {"open": open_, "all": partial(closed, settings=ALL_PAIRS)}
    main(runs[sys.argv[4]] if sys.argv[4:] else closed, ("taosha", "numba"))
