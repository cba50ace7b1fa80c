"""datasketch: MinHash.bulk and MinHashLSH in the shape that they choose for 0.8; pairs whose estimate reaches it.

Default: its own hash function, SHA-1, and all pairs. VARIANT `first`: the cheaper xxhash, which its documentation proposes, and a
row is looked up among those kept so far, and kept when it has no partner.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from datasketch import MinHash, MinHashLSH
from side import PERMUTATIONS, THRESHOLD, Answer, Clock, as_pairs, byte_grams, compared, main, read
from xxhash import xxh32_intdigest


def signed(path: Path, clock: Clock, **options: Callable[[bytes], int]) -> list[MinHash]:
    rows = read(path)
    clock.lap("read")
    texts = [compared(row) for row in rows]
    clock.lap("normalise")
    signatures: list[MinHash] = MinHash.bulk(map(byte_grams, texts), num_perm=PERMUTATIONS, **options)
    clock.lap("shingle and sign")
    return signatures


def estimated(signatures: list[MinHash], pairs: np.ndarray) -> np.ndarray:
    """Pairs whose signatures agree in at least 0.8 of their entries; `MinHash.jaccard` for many at once."""
    matrix = np.stack([signature.hashvalues for signature in signatures])
    parts = np.array_split(pairs, len(pairs) // 50_000 + 1)
    return pairs[np.concatenate([(matrix[part[:, 0]] == matrix[part[:, 1]]).mean(axis=1) >= THRESHOLD for part in parts])]


def pairs(path: Path, clock: Clock) -> Answer:
    signatures = signed(path, clock)
    index = MinHashLSH(threshold=THRESHOLD, num_perm=PERMUTATIONS)
    with index.insertion_session() as session:
        for row, signature in enumerate(signatures):
            session.insert(row, signature, check_duplication=False)
    clock.lap("insert")
    found = as_pairs((row, other) for row, signature in enumerate(signatures) for other in index.query(signature) if other > row)
    clock.lap("query")
    good = estimated(signatures, found)
    clock.lap("estimate")
    return Answer(pairs=good)


def keep_first(path: Path, clock: Clock) -> Answer:
    signatures = signed(path, clock, hashfunc=xxh32_intdigest)
    index = MinHashLSH(threshold=THRESHOLD, num_perm=PERMUTATIONS)
    kept, joined = np.ones(len(signatures), np.bool_), []
    for row, signature in enumerate(signatures):
        found = [(row, other) for other in index.query(signature) if signature.jaccard(signatures[other]) >= THRESHOLD]
        if found:
            kept[row] = False
            joined += found
        else:
            index.insert(row, signature, check_duplication=False)
    clock.lap("query and insert")
    return Answer(pairs=as_pairs(joined), kept=kept)


if __name__ == "__main__":
    main(keep_first if sys.argv[4:] == ["first"] else pairs, ("datasketch", "xxhash"))
