"""gaoya: MinHashStringIndex with characters 5 to 5, 16 bands of 8, 32-bit hashes; it shingles and estimates in Rust.

Default: all pairs, in bulk. VARIANT `first`: a row is looked up among those kept so far, and kept when it has no partner.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from gaoya.minhash import MinHashStringIndex
from side import GRAM, THRESHOLD, Answer, Clock, as_pairs, compared, main, read


def prepared(path: Path, clock: Clock) -> tuple[list[str], MinHashStringIndex]:
    rows = read(path)
    clock.lap("read")
    texts = [compared(row) for row in rows]
    clock.lap("normalise")
    shape = {"hash_size": 32, "num_bands": 16, "band_size": 8}
    return texts, MinHashStringIndex(**shape, jaccard_threshold=THRESHOLD, analyzer="char", ngram_range=(GRAM, GRAM))


def pairs(path: Path, clock: Clock) -> Answer:
    texts, index = prepared(path, clock)
    index.par_bulk_insert_docs(list(range(len(texts))), texts)
    clock.lap("insert")
    found = index.par_bulk_query(texts)
    joined = as_pairs((row, other) for row, others in enumerate(found) for other in others if other > row)
    clock.lap("query")
    return Answer(pairs=joined)


def keep_first(path: Path, clock: Clock) -> Answer:
    texts, index = prepared(path, clock)
    kept, joined = np.ones(len(texts), np.bool_), []
    for row, text in enumerate(texts):
        found = index.query(text)
        if found:
            kept[row] = False
            joined += [(row, other) for other in found]
        else:
            index.insert_document(row, text)
    clock.lap("query and insert")
    return Answer(pairs=as_pairs(joined), kept=kept)


if __name__ == "__main__":
    main(keep_first if sys.argv[4:] == ["first"] else pairs, ("gaoya",))
