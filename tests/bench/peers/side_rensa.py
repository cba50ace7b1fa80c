"""rensa, by its batch calls: RMinHash signatures, 16 bands of 8.

Default: RMinHashLSH, and pairs whose estimate reaches 0.8. VARIANT `first`: RMinHashDeduplicator, which checks estimates itself
and answers with the rows to keep; each removed row is then looked up among the kept ones, so that it has a cluster.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from rensa import RMinHash, RMinHashDeduplicator, RMinHashLSH
from side import PERMUTATIONS, THRESHOLD, Answer, Clock, as_pairs, compared, grams, main, read

SEED, BANDS = 42, 16


def signed(path: Path, clock: Clock) -> list[RMinHash]:
    rows = read(path)
    clock.lap("read")
    texts = [compared(row) for row in rows]
    clock.lap("normalise")
    signatures: list[RMinHash] = RMinHash.from_token_sets(map(grams, texts), num_perm=PERMUTATIONS, seed=SEED)
    clock.lap("shingle and sign")
    return signatures


def pairs(path: Path, clock: Clock) -> Answer:
    signatures = signed(path, clock)
    index = RMinHashLSH(threshold=THRESHOLD, num_perm=PERMUTATIONS, num_bands=BANDS)
    index.insert_many(signatures)
    clock.lap("insert")
    found = index.query_all(signatures)
    clock.lap("query")
    good = as_pairs(
        (row, other)
        for row, (one, others) in enumerate(zip(signatures, found, strict=True))
        for other in others
        if other > row and one.jaccard(signatures[other]) >= THRESHOLD
    )
    clock.lap("estimate")
    return Answer(pairs=good)


def keep_first(path: Path, clock: Clock) -> Answer:
    signatures = signed(path, clock)
    index = RMinHashDeduplicator(threshold=THRESHOLD, num_perm=PERMUTATIONS, use_lsh=True, num_bands=BANDS, seed=SEED)
    kept = np.array(index.add_pairs((str(row), one) for row, one in enumerate(signatures)), np.bool_)
    clock.lap("insert")
    removed = np.flatnonzero(~kept).tolist()
    found = index.get_duplicate_sets([signatures[row] for row in removed])
    joined = as_pairs((row, int(other)) for row, others in zip(removed, found, strict=True) for other in others)
    clock.lap("query")
    return Answer(pairs=joined, kept=kept)


if __name__ == "__main__":
    main(keep_first if sys.argv[4:] == ["first"] else pairs, ("rensa",))
