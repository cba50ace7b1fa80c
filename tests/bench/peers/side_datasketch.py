"""datasketch: MinHash.bulk and MinHashLSH in the shape that they choose for 0.8; pairs whose estimate reaches it.

VARIANT `xxhash` gives it a cheaper hash function than its default, SHA-1, as its documentation proposes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from datasketch import MinHash, MinHashLSH
from side import GRAM, PERMUTATIONS, THRESHOLD, Answer, Clock, as_pairs, compared, main, read

OPTIONS: dict = {}
if sys.argv[4:] == ["xxhash"]:
    from xxhash import xxh32_intdigest

    OPTIONS["hashfunc"] = xxh32_intdigest


def byte_grams(text: str) -> list[bytes]:
    """5-character shingles as bytes; slices of UTF-32, four bytes a character, are the cheapest way to them in Python."""
    data = text.encode("utf-32-le", "surrogatepass")
    return [data[i : i + 4 * GRAM] for i in range(0, len(data) - 4 * GRAM + 1, 4)]


def estimated(signatures: list[MinHash], pairs: np.ndarray) -> np.ndarray:
    """Pairs whose signatures agree in at least 0.8 of their entries; `MinHash.jaccard` for many at once."""
    matrix = np.stack([signature.hashvalues for signature in signatures])
    good = [
        (matrix[part[:, 0]] == matrix[part[:, 1]]).mean(axis=1) >= THRESHOLD for part in np.array_split(pairs, len(pairs) // 50_000 + 1)
    ]
    return pairs[np.concatenate(good)]


def run(path: Path, clock: Clock) -> Answer:
    rows = read(path)
    clock.lap("read")
    texts = [compared(row) for row in rows]
    clock.lap("normalise")
    shingles: Iterator[list[bytes]] = map(byte_grams, texts)
    signatures = MinHash.bulk(shingles, num_perm=PERMUTATIONS, **OPTIONS)
    clock.lap("shingle and sign")
    index = MinHashLSH(threshold=THRESHOLD, num_perm=PERMUTATIONS)
    with index.insertion_session() as session:
        for row, signature in enumerate(signatures):
            session.insert(row, signature, check_duplication=False)
    clock.lap("insert")
    pairs = as_pairs((row, other) for row, signature in enumerate(signatures) for other in index.query(signature) if other > row)
    clock.lap("query")
    pairs = estimated(signatures, pairs)
    clock.lap("estimate")
    return Answer(pairs=pairs)


if __name__ == "__main__":
    main(run, ("datasketch",))
