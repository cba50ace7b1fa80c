"""datatrove's MinHash blocks with a character tokenizer: signatures, buckets and clusters, 16 buckets of 8, one worker.

The last block, which writes the kept texts, is timed apart: no other side writes texts. Its stock Chinese tokenizer makes
word shingles and drops punctuation and digits; that is another similarity, so the characters are patched in, and its own
normalisation is switched off. Buffers are as large as it allows, which is faster than its default of five lines.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter, MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import MinhashConfig
from datatrove.pipeline.readers import ParquetReader
from datatrove.pipeline.writers import ParquetWriter
from datatrove.utils.hashing import HashConfig
from datatrove.utils.text import TextNormConfig
from datatrove.utils.word_tokenizers import WordTokenizer
from loguru import logger
from side import GRAM, Answer, Clock, compared, main, read

BUCKETS = 16
CONFIG = MinhashConfig(
    n_grams=GRAM,
    num_buckets=BUCKETS,
    hashes_per_bucket=8,
    hash_config=HashConfig(precision=64, hash_fc="xxhash"),
    norm_config=TextNormConfig(
        lowercase=False, norm_whitespace=False, remove_punctuation=False, norm_unicode_diacritics=False, norm_numbers=False
    ),
)


class Characters(WordTokenizer):
    """Each character of the compared text is a word."""

    def word_tokenize(self, text: str) -> list[str]:
        return list(compared(text))

    def sent_tokenize(self, text: str) -> list[str]:
        raise NotImplementedError

    def span_tokenize(self, text: str) -> list[tuple[int, int]]:
        raise NotImplementedError


def run(path: Path, clock: Clock) -> Answer:
    rows = len(read(path))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)

        def step(name: str, *blocks: Any, tasks: int = 1, counted: bool = True) -> None:
            logs = str(folder / f"logs-{name}")
            LocalPipelineExecutor(pipeline=list(blocks), tasks=tasks, workers=1, logging_dir=logs).run()
            clock.lap(name, counted=counted)

        signatures, buckets, clusters = (str(folder / name) for name in ("signatures", "buckets", "clusters"))
        reader = ParquetReader(str(path.parent), glob_pattern=path.name)
        clock.lap("count rows", counted=False)
        step("read, normalise and sign", reader, MinhashDedupSignature(signatures, config=CONFIG, language=Characters()))
        step("buckets", MinhashDedupBuckets(signatures, buckets, config=CONFIG, lines_to_buffer=-1), tasks=BUCKETS)
        step("clusters", MinhashDedupCluster(buckets, clusters, config=CONFIG, save_cluster_id=True, lines_to_buffer=-1))
        keep = MinhashDedupFilter(clusters, lines_to_buffer=-1)
        step("filter", reader, keep, ParquetWriter(str(folder / "kept"), compression="zstd"), counted=False)
        labels = -1 - np.arange(rows)
        kept = np.ones(rows, np.bool_)
        for part in Path(clusters).glob("*.clusters"):
            row, cluster = np.frombuffer(part.read_bytes(), "<u4").reshape(-1, 2).T
            labels[row] = cluster
        for part in Path(clusters).glob("*.remove"):
            kept[np.frombuffer(part.read_bytes(), "<u4")] = False
        return Answer(labels=labels, kept=kept)


if __name__ == "__main__":
    logger.disable("datatrove")
    main(run, ("datatrove",))
