"""data-juicer's document_minhash_deduplicator: characters, windows of 5, its own choice of bands for 0.8.

The operator is called as its framework calls it, `compute_hash` a row and then `process`, without the framework's data set in
between. Which row stands in which cluster is read from the union-find that it throws away.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from data_juicer.ops.deduplicator import document_minhash_deduplicator as module
from datasets import Dataset, disable_progress_bars
from loguru import logger
from side import GRAM, PERMUTATIONS, THRESHOLD, Answer, Clock, compared, main, read


class Remembered(module.UnionFind):
    """Its union-find; the last one made can be asked afterwards."""

    last: Remembered

    def __init__(self) -> None:
        super().__init__()
        Remembered.last = self


module.UnionFind = Remembered


def run(path: Path, clock: Clock) -> Answer:
    rows = read(path)
    clock.lap("read")
    texts = [compared(row) for row in rows]
    clock.lap("normalise")
    operator = module.DocumentMinhashDeduplicator(
        tokenization="character", window_size=GRAM, lowercase=False, num_permutations=PERMUTATIONS, jaccard_threshold=THRESHOLD
    )
    hashed = Dataset.from_list([operator.compute_hash({"text": text, "row": row}) for row, text in enumerate(texts)])
    clock.lap("shingle and sign")
    remaining, _ = operator.process(hashed)
    clock.lap("process")
    kept = np.zeros(len(rows), np.bool_)
    kept[np.array(remaining["row"])] = True
    return Answer(labels=np.array([Remembered.last.find(row) for row in range(len(rows))]), kept=kept)


if __name__ == "__main__":
    logger.disable("data_juicer")
    disable_progress_bars()
    main(run, ("py-data-juicer", "datasets"))
