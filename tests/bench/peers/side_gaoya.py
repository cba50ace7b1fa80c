"""gaoya: MinHashStringIndex with characters 5 to 5, 16 bands of 8, 32-bit hashes; it shingles and estimates in Rust."""

from __future__ import annotations

from pathlib import Path

from gaoya.minhash import MinHashStringIndex
from side import GRAM, THRESHOLD, Answer, Clock, as_pairs, compared, main, read


def run(path: Path, clock: Clock) -> Answer:
    rows = read(path)
    clock.lap("read")
    texts = [compared(row) for row in rows]
    clock.lap("normalise")
    index = MinHashStringIndex(
        hash_size=32, num_bands=16, band_size=8, jaccard_threshold=THRESHOLD, analyzer="char", ngram_range=(GRAM, GRAM)
    )
    index.par_bulk_insert_docs(list(range(len(texts))), texts)
    clock.lap("insert")
    found = index.par_bulk_query(texts)
    pairs = as_pairs((row, other) for row, others in enumerate(found) for other in others if other > row)
    clock.lap("query")
    return Answer(pairs=pairs)


if __name__ == "__main__":
    main(run, ("gaoya",))
