"""Our side. Default: the closed row, with the peers' definition of the compared text. VARIANT `all`: the same and every pair of
large families too. VARIANT `open`: our own defaults.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from side import GRAM, THRESHOLD, Answer, Clock, main

from tasks.near import Found, near_duplicates
from tasks.settings import Matching

#: In a bucket of more than 256 rows each meets its leaders only: clusters need no more, and a family of 6,000 rows is 18 million pairs.
CLOSED = Matching(
    han_shingle=GRAM, letter_shingle=GRAM, bands=20, rows=6, min_tokens=GRAM, min_shingles=1, remove_threshold=THRESHOLD, bucket_cap=256
)
ALL_PAIRS = CLOSED.model_copy(update={"bucket_cap": 1 << 30})
OPEN = Matching()


def batches(path: Path) -> Iterator[pa.Array]:
    """The passages as Arrow strings, some thousand at a time."""
    for batch in pq.ParquetFile(path).iter_batches(8192, columns=["text"]):
        yield batch.column(0)


def closed(path: Path, clock: Clock, settings: Matching = CLOSED) -> Answer:
    """5-character shingles of the compared text, 20 bands of 6, similarity 0.8."""
    return _answer(near_duplicates(batches(path), settings, THRESHOLD, form="characters"), clock)


def open_(path: Path, clock: Clock) -> Answer:
    """As `taosha run` does: 3 Han or 5 letters, 32 bands of 4; searched from 0.5, which is reported, to 0.7, which may be removed."""
    found = near_duplicates(batches(path), OPEN, OPEN.report_threshold)
    return _answer(found, clock, OPEN.remove_threshold)


def _answer(found: Found, clock: Clock, threshold: float = 0.0) -> Answer:
    clock.lap("read and search")
    good = found.similarity >= np.float32(threshold)
    own = np.arange(len(found.classes))
    equal = np.where(found.classes >= 0, found.first[np.maximum(found.classes, 0)] if len(found.first) else own, own)
    return Answer(pairs=np.column_stack([found.left[good], found.right[good]]), equal=equal.astype(np.int64))


if __name__ == "__main__":
    runs: dict[str, Callable[[Path, Clock], Answer]] = {"open": open_, "all": partial(closed, settings=ALL_PAIRS)}
    main(runs[sys.argv[4]] if sys.argv[4:] else closed, ("taosha", "numba"))
