"""text-dedup's MinHash with its exact check on: its own functions in the order of its own `main`, without the saving.

Its stock tokenizer splits at what is no letter, which makes a Chinese clause one word; a character tokenizer is patched in.
It verifies pairs exactly, and then keeps the clusters as they were before.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from side import GRAM, PERMUTATIONS, THRESHOLD, Answer, Clock, compared, main
from text_dedup import minhash
from text_dedup.config.algorithms import MinHashAlgorithmConfig
from text_dedup.config.base import load_config_from_toml

CONFIG = """
[input]
input_type = "local_files"
[input.read_arguments]
path = "parquet"
split = "train"
data_files = "{source}"
cache_dir = "{cache}"
[algorithm]
algorithm_name = "minhash"
text_column = "text"
num_perm = {permutations}
ngram_size = {gram}
threshold = {threshold}
check_false_positive = true
num_proc = 1
[output]
output_dir = "{cache}"
[debug]
"""
MinHashAlgorithmConfig._get_tokenize_func = lambda self: lambda text: list(compared(text))


def run(path: Path, clock: Clock) -> Answer:
    with tempfile.TemporaryDirectory() as cache:  # `datasets` would answer the second run from its cache
        written = Path(cache) / "config.toml"
        written.write_text(CONFIG.format(source=path, cache=cache, permutations=PERMUTATIONS, gram=GRAM, threshold=THRESHOLD))
        config = load_config_from_toml(written)
        data, rows, _ = minhash.load_and_preprocess(config)
        clock.lap("read and filter")
        signatures = minhash.fingerprint(config, data)
        clock.lap("normalise, shingle and sign")
        parents = minhash.cluster(config, signatures)
        clock.lap("cluster")
        data = minhash.assign(config, data, parents)
        clock.lap("assign")
        data, _ = minhash.check_false_positives(config, data)
        clock.lap("verify")
        labels = -1 - np.arange(rows)
        labels[np.array(data[config.algorithm.internal_index_column])] = np.array(data[config.algorithm.cluster_column])
    return Answer(labels=labels)


if __name__ == "__main__":
    main(run, ("text-dedup", "datasets", "polars"))
